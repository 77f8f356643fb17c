/* Every operator against its naive twin, and the twins against themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "compute/check/operands_bounds.h"
#include "compute/check/operands_run.h"
#include "compute/reference.h"

static fnas_context *context;
static fnas_engine *engine;
static const fnas_case_shapes *const small = &fnas_case_shapes_small;

static int start(void **state) {
    (void)state;
    printf("seed %d\n", FNAS_OPERANDS_SEED);
    if (fnas_context_create(&context) != FNAS_OK) return -1;
    return fnas_engine_create(context, FNAS_COMPUTE_F32, &engine) == FNAS_OK ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    fnas_engine_destroy(engine);
    fnas_context_destroy(context);
    return 0;
}

/* ---- fast = naive ---- */

static void check_table(fnas_engine *which) {
    fnas_case_list list;
    assert_int_equal(fnas_case_list_create(context, true, false, &list), FNAS_OK);
    assert_true(list.count > 400); /* all families are there */
    int64_t failures = 0;
    for (int64_t i = 0; i < list.count; i++) {
        char name[FNAS_CASE_NAME_BYTES], message[300];
        fnas_case_name(&list.cases[i], name, sizeof name);
        if (fnas_case_agrees(context, which, &list.cases[i], i, message, sizeof message)) continue;
        print_error("%s: %s\n", name, message);
        failures++;
    }
    printf("%lld cases\n", (long long)list.count);
    fnas_case_list_free(&list);
    assert_int_equal(failures, 0);
}

static void test_fast_equals_reference(void **state) {
    (void)state;
    check_table(engine);
}

static void test_bf16_equals_reference(void **state) {
    (void)state;
    fnas_engine *bf16;
    fnas_status status = fnas_engine_create(context, FNAS_COMPUTE_BF16, &bf16);
    if (!fnas_engine_supports(FNAS_COMPUTE_BF16)) {
        assert_int_equal(status, FNAS_ERR_UNSUPPORTED);
        print_message("skipped: operators in bf16, which this processor has not\n");
        skip();
    }
    assert_int_equal(status, FNAS_OK);
    check_table(bf16);
    fnas_engine_destroy(bf16);
}

/* ---- naive backward = derivative of naive forward ---- */

/* A scalar function of operands: the sum of a forward operator's result times fixed weights. */
typedef struct derivative_check {
    fnas_operator_case forward, backward;
    int result;   /* of forward: which operand is differentiated */
    int upstream; /* of backward: which operand holds the weights */
    struct {
        int input, gradient; /* forward operand -> backward operand that holds its gradient */
    } pairs[3];
    int pair_count;
} derivative_check;

static double weighted_result(const fnas_operands *f, const derivative_check *check, const double *weights) {
    double *x[FNAS_OPERANDS_MOST] = {NULL}, sum = 0;
    for (int i = 0; i < f->count; i++) x[i] = f->list[i].absent ? NULL : f->list[i].exact;
    if (check->forward.kind == FNAS_OPERATOR_NORM_FORWARD)
        fnas_ref_norm_statistics(check->forward.plane, x[0], x[1], x[2]); /* through batch statistics */
    fnas_case_run_exact(f->c, f->labels, x);
    const fnas_operand *result = &f->list[check->result];
    if (check->forward.kind == FNAS_OPERATOR_CROSS_ENTROPY) return result->exact[0] * (double)FNAS_CASE_LOSS_SCALE;
    for (int64_t i = 0; i < fnas_operand_size(result); i++) sum += result->exact[i] * weights[i];
    return sum;
}

/* Central differences err by h^2 f'''/6 (norms: f''' is of order one times the sum) and u_double |f| / h. */
static double central_difference(fnas_operands *f, const derivative_check *check, const double *weights, double *variable) {
    const double step = 1e-4, before = *variable;
    *variable = before + step;
    double above = weighted_result(f, check, weights);
    *variable = before - step;
    double below = weighted_result(f, check, weights);
    *variable = before;
    return (above - below) / (2 * step);
}

static void check_pair(fnas_operands *f, const fnas_operands *b, const derivative_check *check, int pair, const char *name) {
    fnas_operand *input = &f->list[check->pairs[pair].input];
    const fnas_operand *gradient = &b->list[check->pairs[pair].gradient];
    const double *weights = check->upstream < 0 ? NULL : b->list[check->upstream].exact;
    int64_t size = fnas_operand_size(input), stride = size / 12 + 1; /* a dozen elements, spread out */
    for (int64_t i = 0; i < size; i += stride) {
        double numeric = central_difference(f, check, weights, &input->exact[i]), analytic = gradient->exact[i];
        if (fabs(numeric - analytic) <= 1e-5 * (1 + fabs(analytic))) continue;
        fail_msg("%s: gradient of %s[%lld] is %.12g, central difference %.12g", name, input->name, (long long)i, analytic, numeric);
    }
}

static void check_derivative(const derivative_check *check, int64_t index) {
    fnas_operands f, b;
    char name[FNAS_CASE_NAME_BYTES];
    fnas_case_name(&check->backward, name, sizeof name);
    fnas_operands_declare(&f, &check->forward, 1);
    fnas_operands_declare(&b, &check->backward, 1);
    assert_true(fnas_operands_allocate(&f) && fnas_operands_allocate(&b));
    fnas_operands_fill(&f, index);
    fnas_operands_fill(&b, index);
    /* the same values on both sides: what they share by name */
    for (int i = 0; i < b.count; i++)
        for (int k = 0; k < f.count; k++)
            if (b.list[i].role == FNAS_OPERAND_INPUT && f.list[k].role == FNAS_OPERAND_INPUT && strcmp(b.list[i].name, f.list[k].name) == 0)
                memcpy(f.list[k].exact, b.list[i].exact, (size_t)fnas_operand_size(&f.list[k]) * sizeof(double));
    for (int i = 0; i < b.count; i++)
        if (b.list[i].role == FNAS_OPERAND_ADDED) memset(b.list[i].exact, 0, (size_t)fnas_operand_size(&b.list[i]) * sizeof(double));
    if (f.labels) memcpy(b.labels, f.labels, (size_t)f.c->matrix.n * sizeof *f.labels);
    if (check->forward.kind == FNAS_OPERATOR_NORM_FORWARD)
        fnas_ref_norm_statistics(check->forward.plane, b.list[0].exact, b.list[1].exact, b.list[2].exact);
    fnas_operands_run_exact(&b);
    for (int pair = 0; pair < check->pair_count; pair++) check_pair(&f, &b, check, pair, name);
    fnas_operands_free(&f);
    fnas_operands_free(&b);
}

static bool is_small(const fnas_conv_shape *s) {
    return s->n * s->out_channels * fnas_conv_out_h(s) * fnas_conv_out_w(s) * s->in_channels / s->groups * s->kernel_h * s->kernel_w <
           400000;
}

static void test_conv_gradients(void **state) {
    (void)state;
    int64_t checked = 0;
    for (int64_t i = 0; i < small->conv_count; i++) {
        if (!is_small(&small->convs[i])) continue;
        fnas_operator_case forward = {.kind = FNAS_OPERATOR_CONV_FORWARD, .bias = true, .conv = small->convs[i]},
                           data = {.kind = FNAS_OPERATOR_CONV_BACKWARD_DATA, .conv = small->convs[i]};
        fnas_operator_case weights = {.kind = FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS, .bias = true, .conv = small->convs[i]};
        check_derivative(&(derivative_check){forward, data, 3, 3, {{0, 0}}, 1}, i);
        check_derivative(&(derivative_check){forward, weights, 3, 3, {{1, 1}, {2, 2}}, 2}, i);
        checked++;
    }
    assert_in_range(checked, 20, 1000);
}

static void test_plane_gradients(void **state) {
    (void)state;
    for (int64_t i = 0; i < small->plane_count; i++) {
        fnas_shape s = small->planes[i];
        fnas_operator_case gate = {.kind = FNAS_OPERATOR_GATE_FORWARD, .plane = s},
                           gate_back = {.kind = FNAS_OPERATOR_GATE_BACKWARD, .plane = s};
        fnas_operator_case global = {.kind = FNAS_OPERATOR_GLOBAL_POOL_FORWARD, .plane = s},
                           global_back = {.kind = FNAS_OPERATOR_GLOBAL_POOL_BACKWARD, .plane = s};
        check_derivative(&(derivative_check){gate, gate_back, 1, 1, {{0, 2}}, 1}, i);
        fnas_operator_case scaled = {.kind = FNAS_OPERATOR_CHANNEL_SCALE_FORWARD, .plane = s},
                           scaled_back = {.kind = FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD, .plane = s};
        check_derivative(&(derivative_check){global, global_back, 1, 1, {{0, 0}}, 1}, i);
        check_derivative(&(derivative_check){scaled, scaled_back, 2, 2, {{0, 3}, {1, 4}}, 2}, i);
    }
}

/* Away from its kink: at exact zeros the gradient is 0 by definition, which test_relu_at_zero holds. */
static void test_relu_gradient(void **state) {
    (void)state;
    fnas_shape s = {1, 1, 1, 4};
    const double src[4] = {-2, -0.5, 0.5, 2}, diff_dst[4] = {3, 5, 7, 11}, step = 1e-3;
    double diff_src[4];
    fnas_ref_relu_backward(s, src, diff_dst, false, diff_src);
    for (int i = 0; i < 4; i++) {
        double above[4], below[4], moved[4];
        memcpy(moved, src, sizeof moved);
        moved[i] = src[i] + step;
        fnas_ref_relu_forward(s, moved, above);
        moved[i] = src[i] - step;
        fnas_ref_relu_forward(s, moved, below);
        assert_true(fabs((above[i] - below[i]) / (2 * step) * diff_dst[i] - diff_src[i]) < 1e-9);
    }
}

static void test_norm_gradients(void **state) {
    (void)state;
    for (int64_t i = 0; i < small->plane_count; i++) {
        fnas_shape s = small->planes[i];
        if (s.n * s.h * s.w < 8 || fnas_shape_elements(s) > 20000) continue; /* few elements: variance near 0 makes f''' huge */
        for (int affine = 0; affine < 2; affine++) {
            fnas_operator_case forward = {.kind = FNAS_OPERATOR_NORM_FORWARD, .bias = affine, .plane = s},
                               backward = {.kind = FNAS_OPERATOR_NORM_BACKWARD, .bias = affine, .plane = s};
            check_derivative(&(derivative_check){forward, backward, 5, 5, {{0, 6}}, 1}, i);
        }
        fnas_operator_case forward = {.kind = FNAS_OPERATOR_NORM_FORWARD, .bias = true, .plane = s},
                           backward = {.kind = FNAS_OPERATOR_NORM_BACKWARD, .bias = true, .plane = s};
        check_derivative(&(derivative_check){forward, backward, 5, 5, {{3, 7}}, 1}, i); /* gamma: the first of the sums */
    }
}

/* diff_beta, dot and total of the naive norm against plain sums over its output. */
static void test_norm_sums(void **state) {
    (void)state;
    enum { N = 2, C = 3, P = 10, SIZE = N * C * P };
    fnas_shape s = {N, C, 2, 5};
    double src[SIZE], diff_dst[SIZE], dst[SIZE], diff_src[SIZE], mean[C], variance[C], gamma[C] = {0.5, -1, 2}, beta[C] = {3, 0.25, -1};
    double diff_gamma[C] = {0}, diff_beta[C] = {0}, dot, total, expected_dot = 0, expected_total = 0, expected_beta[C] = {0};
    fnas_random random = fnas_random_begin(FNAS_OPERANDS_SEED, FNAS_STREAM_TEST, 1, 1);
    for (int i = 0; i < SIZE; i++) {
        src[i] = fnas_random_normal(&random);
        diff_dst[i] = fnas_random_normal(&random);
    }
    fnas_ref_norm_statistics(s, src, mean, variance);
    fnas_ref_norm_forward(s, 1e-5, src, mean, variance, gamma, beta, false, dst);
    fnas_ref_norm_backward(s, 1e-5, src, mean, variance, gamma, beta, diff_dst, diff_src, diff_gamma, diff_beta, &dot, &total);
    for (int i = 0; i < SIZE; i++) {
        expected_dot += diff_dst[i] * dst[i];
        expected_total += diff_dst[i];
        expected_beta[i / P % C] += diff_dst[i];
    }
    assert_true(fabs(dot - expected_dot) < 1e-10 && fabs(total - expected_total) < 1e-10);
    for (int c = 0; c < C; c++) assert_true(fabs(diff_beta[c] - expected_beta[c]) < 1e-10);
}

static void test_pool_gradients(void **state) {
    (void)state;
    for (int64_t i = 0; i < small->pool_count; i++) {
        fnas_operator_case forward = {.kind = FNAS_OPERATOR_POOL_FORWARD, .pool = small->pools[i]},
                           backward = {.kind = FNAS_OPERATOR_POOL_BACKWARD, .pool = small->pools[i]};
        check_derivative(&(derivative_check){forward, backward, 1, 1, {{0, 0}}, 1}, i);
    }
}

static void test_matrix_gradients(void **state) {
    (void)state;
    for (int64_t i = 0; i < small->matrix_count; i++)
        for (int bias = 0; bias < 2; bias++) {
            fnas_operator_case forward = {.kind = FNAS_OPERATOR_LINEAR_FORWARD, .bias = true, .matrix = small->matrices[i]};
            fnas_operator_case backward = {.kind = FNAS_OPERATOR_LINEAR_BACKWARD, .bias = true, .matrix = small->matrices[i]};
            fnas_operator_case loss = {.kind = FNAS_OPERATOR_CROSS_ENTROPY, .bias = bias, .matrix = small->matrices[i]};
            check_derivative(&(derivative_check){forward, backward, 3, 3, {{0, 4}, {1, 5}, {2, 2}}, 3}, i);
            check_derivative(&(derivative_check){loss, loss, 2, -1, {{0, 1}}, 1}, i);
        }
}

/* ---- single facts ---- */

/* A hand-made convolution, so that the naive twins themselves are held to something: 1x1 image path, padding, two channels. */
static void test_known_convolution(void **state) {
    (void)state;
    fnas_conv_shape s = {1, 1, 3, 3, 1, 3, 3, 1, 1, 1, true};
    const double src[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, weights[9] = {0, 1, 0, 1, -4, 1, 0, 1, 0}, bias[1] = {10};
    const double expected[9] = {10 + 2, 10 + 1, 10 - 4, 10 - 3, 10, 10 - 7, 10 - 16, 10 - 11, 10 - 22};
    double dst[9];
    fnas_ref_conv_forward(&s, src, weights, bias, dst);
    for (int i = 0; i < 9; i++) assert_true(dst[i] == expected[i]);
}

static void test_relu_at_zero_and_nan(void **state) {
    (void)state;
    fnas_shape s = {1, 16, 1, 4};
    float src[64], dst[64], ones[64], diff[64];
    for (int i = 0; i < 64; i++) {
        src[i] = i == 5 ? NAN : 0.0f;
        ones[i] = 1.0f;
    }
    fnas_relu_forward(engine, s, src, dst);
    fnas_relu_backward(engine, s, src, ones, false, diff);
    for (int i = 0; i < 64; i++) {
        assert_true(i == 5 ? isnan(dst[i]) : dst[i] == 0.0f);
        assert_true(diff[i] == 0.0f);
    }
}

static void test_cross_entropy_of_bad_logits(void **state) {
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        const float logits[6] = {1, 2, 3, 0, bad[i], 1};
        const int32_t labels[2] = {2, 0};
        double loss;
        int64_t correct;
        for (int smooth = 0; smooth < 2; smooth++) {
            fnas_cross_entropy(2, 3, logits, labels, smooth ? 0.1f : 0.0f, 1.0f, &loss, &correct, NULL);
            assert_true(isnan(loss));
        }
    }
}

static void test_cross_entropy_of_uniform_logits(void **state) {
    (void)state;
    const float logits[8] = {1e4f, 1e4f, 1e4f, 1e4f, -7, -7, -7, -7};
    const int32_t labels[2] = {0, 3};
    double loss;
    int64_t correct;
    float diff[8];
    fnas_cross_entropy(2, 4, logits, labels, 0.0f, 2.0f, &loss, &correct, diff);
    assert_true(fabs(loss - log(4)) < 1e-12);
    assert_int_equal(correct, 1); /* the first of equal logits is the answer */
    assert_true(diff[0] == -0.75f && diff[1] == 0.25f);
}

/* With all of a target on one class, or even on all, it is that of labels. */
static void test_soft_cross_entropy_of_hard_targets(void **state) {
    (void)state;
    const float logits[6] = {1, -2, 0.5f, 3, 3, -1};
    const int32_t labels[2] = {1, 2};
    for (int smooth = 0; smooth < 2; smooth++) {
        float targets[6], hard[6], soft[6] = {10, 10, 10, 10, 10, 10};
        double loss, soft_loss;
        int64_t correct;
        for (int k = 0; k < 6; k++) targets[k] = (k % 3 == labels[k / 3] ? 1 - 0.3f * (float)smooth : 0) + 0.1f * (float)smooth;
        fnas_cross_entropy(2, 3, logits, labels, 0.3f * (float)smooth, 2.0f, &loss, &correct, hard);
        fnas_soft_cross_entropy(2, 3, logits, targets, 2.0f, &soft_loss, soft);
        assert_true(fabs(loss - soft_loss) <= 1e-6);                                                /* the targets are rounded to floats */
        for (int k = 0; k < 6; k++) assert_true(fabs((double)(soft[k] - 10.0f - hard[k])) <= 2e-6); /* added to tens */
    }
}

/* A network that says what its teacher says: no gradient, and a loss that is the entropy of it. */
static void test_softmax(void **state) {
    (void)state;
    const float logits[8] = {1e4f, 1e4f, 1e4f, 1e4f, 0, 0, 0, (float)0.69314718055994531};
    float probabilities[8], diff[8] = {0};
    double loss;
    memcpy(probabilities, logits, sizeof logits);
    fnas_softmax(2, 4, probabilities);
    for (int k = 0; k < 4; k++) assert_true(probabilities[k] == 0.25f);
    for (int k = 4; k < 8; k++) assert_true(fabs((double)probabilities[k] - (k < 7 ? 0.2 : 0.4)) < 1e-7);
    fnas_soft_cross_entropy(2, 4, logits, probabilities, 1.0f, &loss, diff);
    assert_true(fabs(loss - (log(4) - 3 * 0.2 * log(0.2) - 0.4 * log(0.4)) / 2) < 1e-6);
    for (int k = 0; k < 8; k++) assert_true(fabs((double)diff[k]) < 1e-7);
}

static void test_norm_in_place(void **state) {
    (void)state;
    fnas_shape s = {2, 20, 3, 5};
    fnas_operator_case c = {.kind = FNAS_OPERATOR_NORM_BACKWARD, .bias = true, .plane = s};
    fnas_operands all;
    fnas_operands_declare(&all, &c, fnas_engine_block(engine));
    assert_true(fnas_operands_allocate(&all));
    fnas_operands_fill(&all, 0);
    assert_int_equal(fnas_operands_run_fast(context, engine, &all), FNAS_OK);
    float *diff_dst = all.list[5].fast, *apart = all.list[6].fast;
    fnas_norm_backward(engine, s, FNAS_CASE_EPSILON, all.list[0].fast, all.list[1].fast, all.list[2].fast, all.list[3].fast,
                       all.list[4].fast, diff_dst, diff_dst, NULL, NULL, NULL, NULL);
    assert_memory_equal(diff_dst, apart, fnas_operand_floats(&all, &all.list[5]) * sizeof(float));
    fnas_operands_free(&all);
}

static void test_impossible_shapes_are_refused(void **state) {
    (void)state;
    const fnas_conv_shape bad[] = {
        {0, 16, 8, 8, 16, 3, 3, 1, 1, 1, false}, {1, 16, 8, 8, 16, 3, 3, 0, 1, 1, false},  {1, 16, 8, 8, 16, 3, 3, 1, 1, 3, false},
        {1, 16, 2, 2, 16, 7, 7, 1, 0, 1, false}, {1, 16, 8, 8, 16, 3, 3, 1, -1, 1, false},
    };
    float none = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fnas_conv_forward(context, engine, &bad[i], &none, &none, NULL, &none), FNAS_ERR_INPUT);
        assert_non_null(strstr(fnas_context_message(context), "is not possible"));
    }
    const fnas_pool_shape bad_pools[] = {{1, 16, 8, 8, 3, 0, 1}, {1, 16, 8, 8, 3, 1, 3}, {1, 16, 2, 2, 5, 1, 0}};
    for (size_t i = 0; i < sizeof bad_pools / sizeof *bad_pools; i++)
        assert_int_equal(fnas_average_pool_forward(context, engine, &bad_pools[i], &none, false, &none), FNAS_ERR_INPUT);
}

static void test_layout_round_trip(void **state) {
    (void)state;
    fnas_shape s = {2, 19, 3, 4};
    const int64_t blocks[] = {1, 8, 16};
    float plain[2 * 19 * 12], back[2 * 19 * 12], blocked[2 * 32 * 12];
    for (int i = 0; i < 2 * 19 * 12; i++) plain[i] = (float)(i + 1);
    for (int b = 0; b < 3; b++) {
        assert_true(fnas_shape_floats(s, blocks[b]) * sizeof(float) <= sizeof blocked + 64);
        fnas_layout_pack(blocks[b], s, plain, blocked);
        fnas_layout_unpack(blocks[b], s, blocked, back);
        assert_memory_equal(plain, back, sizeof plain);
    }
    fnas_layout_pack(16, s, plain, blocked);
    assert_true(blocked[(12 + 5) * 16 + 1] == plain[17 * 12 + 5] && blocked[(12 + 5) * 16 + 3] == 0.0f);
    assert_int_equal(fnas_shape_floats((fnas_shape){1, 3, 3, 3}, 1), 32);
}

/* ---- kernels and memory ---- */

static void test_nb201_runs_on_fast_kernels(void **state) {
    (void)state;
#if defined(__x86_64__)
    for (int64_t channels = 16; channels <= 64; channels *= 2) {
        int64_t size = 512 / channels;
        const fnas_conv_shape shapes[] = {{256, 3, 32, 32, channels, 3, 3, 1, 1, 1, true},
                                          {256, channels, size, size, channels, 3, 3, 1, 1, 1, false},
                                          {256, channels, size, size, channels, 1, 1, 1, 0, 1, false},
                                          {256, channels, size, size, 2 * channels, 3, 3, 2, 1, 1, false},
                                          {256, channels, size / 2, size / 2, 2 * channels, 1, 1, 1, 0, 1, false}};
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (int kind = FNAS_CONV_FORWARD; kind <= FNAS_CONV_BACKWARD_WEIGHTS; kind++) {
                if (shapes[i].image_source && kind == FNAS_CONV_BACKWARD_DATA) continue; /* nobody wants the gradient of an image */
                const char *name;
                assert_int_equal(fnas_conv_implementation(context, engine, &shapes[i], (fnas_conv_kind)kind, &name), FNAS_OK);
                if (strstr(name, "ref")) fail_msg("kind %d of shape %zu with %lld channels runs on %s", kind, i, (long long)channels, name);
            }
    }
#else
    skip();
#endif
}

static void test_second_run_allocates_nothing(void **state) {
    (void)state;
    fnas_case_list list;
    assert_int_equal(fnas_case_list_create(context, true, false, &list), FNAS_OK);
    fnas_engine *fresh;
    assert_int_equal(fnas_engine_create(context, FNAS_COMPUTE_F32, &fresh), FNAS_OK);
    int64_t after[2];
    for (int run = 0; run < 2; run++) {
        for (int64_t i = 0; i < list.count; i++) {
            fnas_operands all;
            fnas_operands_declare(&all, &list.cases[i], fnas_engine_block(fresh));
            assert_true(fnas_operands_allocate(&all));
            fnas_operands_fill(&all, i);
            assert_int_equal(fnas_operands_run_fast(context, fresh, &all), FNAS_OK);
            fnas_operands_free(&all);
        }
        after[run] = fnas_engine_allocations(fresh);
    }
    fnas_engine_destroy(fresh);
    fnas_case_list_free(&list);
    assert_true(after[0] > 100); /* the counter counts */
    assert_int_equal(after[1], after[0]);
}

static void test_cache_is_bounded_and_survives_eviction(void **state) {
    (void)state;
    fnas_engine *fresh;
    assert_int_equal(fnas_engine_create(context, FNAS_COMPUTE_F32, &fresh), FNAS_OK);
    fnas_operator_case c = {.kind = FNAS_OPERATOR_CONV_FORWARD, .conv = {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, false}};
    char message[300];
    for (int64_t width = 1; width <= 600; width++) {
        c.conv.in_w = width;
        if (!fnas_case_agrees(context, fresh, &c, 0, message, sizeof message)) fail_msg("width %lld: %s", (long long)width, message);
    }
    int64_t before = fnas_engine_allocations(fresh);
    c.conv.in_w = 1; /* long since evicted */
    assert_true(fnas_case_agrees(context, fresh, &c, 0, message, sizeof message));
    assert_int_equal(fnas_engine_allocations(fresh), before + 1);
    c.conv.in_w = 600; /* still there */
    assert_true(fnas_case_agrees(context, fresh, &c, 0, message, sizeof message));
    assert_int_equal(fnas_engine_allocations(fresh), before + 1);
    fnas_engine_destroy(fresh);
}

/* ---- the same bits on any thread, whatever OpenMP was told ---- */

typedef struct bits_run {
    const fnas_case_list *list;
    uint64_t *hash; /* of each case's results */
} bits_run;

static uint64_t hash_results(const fnas_operands *all) {
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < all->count; i++) {
        const unsigned char *bytes = (const unsigned char *)all->list[i].fast;
        for (size_t k = 0; k < fnas_operand_floats(all, &all->list[i]) * sizeof(float); k++) hash = (hash ^ bytes[k]) * 1099511628211u;
    }
    return hash;
}

static fnas_status hash_case(fnas_context *worker_context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    bits_run *run = user;
    fnas_engine *own;
    fnas_operands all;
    FNAS_TRY(fnas_engine_create(worker_context, FNAS_COMPUTE_F32, &own));
    fnas_operands_declare(&all, &run->list->cases[item], fnas_engine_block(own));
    fnas_status status = fnas_operands_allocate(&all) ? FNAS_OK : fnas_fail_memory(worker_context, "a test");
    if (status == FNAS_OK) {
        fnas_operands_fill(&all, item);
        status = fnas_operands_run_fast(worker_context, own, &all);
        run->hash[item] = hash_results(&all);
    }
    fnas_operands_free(&all);
    fnas_engine_destroy(own);
    return status;
}

static void test_same_bits_on_any_number_of_threads(void **state) {
    (void)state;
    fnas_case_list list;
    assert_int_equal(fnas_case_list_create(context, true, false, &list), FNAS_OK);
    uint64_t *alone = fnas_allocate((size_t)list.count, sizeof *alone), *together = fnas_allocate((size_t)list.count, sizeof *together);
    assert_true(alone && together);
    int before = omp_get_max_threads();
    for (int64_t i = 0; i < list.count; i++) {
        omp_set_num_threads(i % 2 ? 1 : 4); /* what the caller has set must not matter, nor be changed */
        assert_int_equal(hash_case(context, &(bits_run){&list, alone}, i, 0), FNAS_OK);
        assert_int_equal(omp_get_max_threads(), i % 2 ? 1 : 4);
    }
    omp_set_num_threads(before);
    fnas_team *team;
    assert_int_equal(fnas_team_create(context, 3, fnas_engine_prepare_thread, &team), FNAS_OK);
    assert_int_equal(fnas_team_run(context, team, list.count, hash_case, &(bits_run){&list, together}), FNAS_OK);
    fnas_team_destroy(team);
    for (int64_t i = 0; i < list.count; i++)
        if (alone[i] != together[i]) {
            char name[FNAS_CASE_NAME_BYTES];
            fnas_case_name(&list.cases[i], name, sizeof name);
            fail_msg("%s differs between threads", name);
        }
    fnas_free(alone);
    fnas_free(together);
    fnas_case_list_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast_equals_reference),
        cmocka_unit_test(test_bf16_equals_reference),
        cmocka_unit_test(test_conv_gradients),
        cmocka_unit_test(test_plane_gradients),
        cmocka_unit_test(test_relu_gradient),
        cmocka_unit_test(test_norm_gradients),
        cmocka_unit_test(test_norm_sums),
        cmocka_unit_test(test_pool_gradients),
        cmocka_unit_test(test_matrix_gradients),
        cmocka_unit_test(test_known_convolution),
        cmocka_unit_test(test_relu_at_zero_and_nan),
        cmocka_unit_test(test_cross_entropy_of_bad_logits),
        cmocka_unit_test(test_cross_entropy_of_uniform_logits),
        cmocka_unit_test(test_soft_cross_entropy_of_hard_targets),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_norm_in_place),
        cmocka_unit_test(test_impossible_shapes_are_refused),
        cmocka_unit_test(test_layout_round_trip),
        cmocka_unit_test(test_nb201_runs_on_fast_kernels),
        cmocka_unit_test(test_second_run_allocates_nothing),
        cmocka_unit_test(test_cache_is_bounded_and_survives_eviction),
        cmocka_unit_test(test_same_bits_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
