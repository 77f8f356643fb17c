/* Activation, convolution and norm as one operator: against the naive operators put together in double precision, and, more closely,
 * against the fast ones one by one, each of which the table of cases holds to its naive twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/reference.h"

#define EPSILON 1e-5f

typedef struct trial {
    fnas_conv_shape conv;
    fnas_source_state state;
    bool affine, accumulate, rectify;
    bool normed; /* the source is normalised before its activation */
} trial;

static const trial trials[] = {
    {{2, 16, 8, 8, 16, 3, 3, 1, 1, 1, false}, FNAS_SOURCE_TO_RECTIFY, false, false, false, false},
    {{19, 16, 32, 32, 16, 3, 3, 1, 1, 1, false}, FNAS_SOURCE_TO_RECTIFY, true, true, true, false}, /* chunks of unequal size */
    {{19, 16, 32, 32, 16, 1, 1, 1, 0, 1, false}, FNAS_SOURCE_RECTIFIED, false, true, false, false},
    {{5, 24, 17, 9, 40, 3, 3, 1, 1, 1, false}, FNAS_SOURCE_TO_RECTIFY, true, false, true, false}, /* blocks with padded channels */
    {{7, 16, 32, 32, 32, 3, 3, 2, 1, 1, false}, FNAS_SOURCE_RECTIFIED, true, true, true, false},
    {{3, 64, 8, 8, 64, 3, 3, 1, 1, 1, false}, FNAS_SOURCE_PLAIN, false, true, false, false},
    {{9, 3, 28, 28, 16, 3, 3, 1, 1, 1, true}, FNAS_SOURCE_PLAIN, true, false, false, false},
    {{1, 16, 1, 1, 16, 1, 1, 1, 0, 1, false}, FNAS_SOURCE_TO_RECTIFY, false, false, false, false},
    {{19, 32, 20, 20, 24, 1, 1, 1, 0, 1, false}, FNAS_SOURCE_TO_HARD_SWISH, true, true, false, false},
    {{19, 32, 20, 20, 24, 1, 1, 1, 0, 1, false}, FNAS_SOURCE_TO_HARD_SWISH, true, false, false, true},
    {{19, 40, 20, 20, 24, 1, 1, 1, 0, 1, false}, FNAS_SOURCE_TO_RECTIFY, true, true, true, true},
    {{5, 16, 9, 9, 16, 3, 3, 2, 1, 1, false}, FNAS_SOURCE_PLAIN, true, false, false, true},
    {{4, 24, 17, 13, 24, 3, 3, 1, 1, 24, false}, FNAS_SOURCE_PLAIN, true, true, false, false}, /* depthwise */
    {{4, 24, 17, 13, 24, 5, 5, 2, 2, 24, false}, FNAS_SOURCE_TO_RECTIFY, true, true, false, false},
    {{4, 40, 14, 14, 40, 7, 7, 1, 3, 40, false}, FNAS_SOURCE_RECTIFIED, true, false, true, false},
    {{3, 32, 11, 11, 32, 7, 7, 2, 3, 32, false}, FNAS_SOURCE_TO_HARD_SWISH, false, true, false, false},
    {{3, 40, 5, 5, 40, 5, 5, 1, 2, 40, false}, FNAS_SOURCE_TO_HARD_SWISH, true, false, false, true},
    {{4, 24, 16, 16, 24, 3, 3, 2, 1, 24, false}, FNAS_SOURCE_TO_RECTIFY, true, true, false, true},
    {{2, 20, 6, 7, 20, 7, 7, 1, 3, 20, false}, FNAS_SOURCE_PLAIN, true, false, false, true},
    {{2, 16, 9, 9, 16, 3, 3, 3, 1, 16, false}, FNAS_SOURCE_TO_RECTIFY, true, false, false, false}, /* a stride that no network has */
    {{3, 32, 9, 9, 32, 3, 3, 1, 1, 2, false}, FNAS_SOURCE_TO_RECTIFY, true, true, false, true},    /* groups */
};

/* ---- memory ---- */

static fnas_context *context;

typedef struct arena {
    void *pieces[256];
    int count;
} arena;

static void *piece(arena *memory, size_t bytes) {
    assert_true(memory->count < 256);
    void *made = fnas_allocate(bytes + 64, 1);
    assert_non_null(made);
    return memory->pieces[memory->count++] = made;
}

static void release(arena *memory) {
    while (memory->count > 0) fnas_free(memory->pieces[--memory->count]);
}

static size_t activation_bytes(const fnas_engine *engine, fnas_shape shape) {
    return fnas_shape_floats(shape, fnas_engine_block(engine)) * fnas_engine_element_bytes(engine);
}

/* Random activations up to `most` in the engine's layout. */
static void *draw_activations(arena *memory, const fnas_engine *engine, fnas_shape shape, float most, fnas_random *random) {
    int64_t count = fnas_shape_elements(shape), block = fnas_engine_block(engine);
    float *plain = piece(memory, (size_t)count * sizeof *plain);
    float *blocked = piece(memory, fnas_shape_floats(shape, block) * sizeof *blocked);
    void *made = piece(memory, activation_bytes(engine, shape));
    for (int64_t i = 0; i < count; i++) plain[i] = most * (float)(2 * fnas_random_uniform(random) - 1);
    fnas_layout_pack(block, shape, plain, blocked);
    fnas_engine_from_floats(engine, fnas_shape_floats(shape, block), blocked, made);
    return made;
}

static float *draw_floats(arena *memory, int64_t count, float centre, fnas_random *random) {
    float *made = piece(memory, (size_t)count * sizeof *made);
    for (int64_t i = 0; i < count; i++) made[i] = centre + (float)(fnas_random_uniform(random) - 0.5);
    return made;
}

/* ---- comparing: largest difference over the largest value ---- */

static double floats_differ(int64_t count, const float *a, const float *b) {
    double difference = 0, size = 1e-30;
    for (int64_t i = 0; i < count; i++) {
        double one = fabs((double)a[i] - (double)b[i]);
        difference = isnan(one) ? (double)INFINITY : fmax(difference, one); /* fmax passes over a NaN */
        size = fmax(size, fabs((double)b[i]));
    }
    return difference / size;
}

static double activations_differ(arena *memory, const fnas_engine *engine, fnas_shape shape, const void *a, const void *b) {
    size_t count = fnas_shape_floats(shape, fnas_engine_block(engine));
    float *floats_a = piece(memory, count * sizeof *floats_a), *floats_b = piece(memory, count * sizeof *floats_b);
    fnas_engine_to_floats(engine, count, a, floats_a);
    fnas_engine_to_floats(engine, count, b, floats_b);
    return floats_differ((int64_t)count, floats_a, floats_b);
}

/* ---- both ways ---- */

typedef struct results {
    void *z, *dst, *diff_src;
    float *mean, *variance, *diff_weights, *diff_gamma, *diff_beta;
    double dot, total;
} results;

typedef struct operands_of_trial {
    const trial *t;
    fnas_shape in, out;
    int64_t weight_count;
    const void *src, *before, *activated, *diff_dst, *dst_before, *diff_src_before; /* before: as the activation reads it */
    const float *weights, *gamma, *beta;
    fnas_norm_given source_norm;
} operands_of_trial;

static results results_create(arena *memory, const fnas_engine *engine, const operands_of_trial *o) {
    results r = {.z = piece(memory, activation_bytes(engine, o->out)),
                 .dst = piece(memory, activation_bytes(engine, o->out)),
                 .diff_src = piece(memory, activation_bytes(engine, o->in)),
                 .mean = piece(memory, (size_t)o->out.c * sizeof(float)),
                 .variance = piece(memory, (size_t)o->out.c * sizeof(float)),
                 .diff_weights = piece(memory, (size_t)o->weight_count * sizeof(float)),
                 .diff_gamma = piece(memory, (size_t)o->out.c * sizeof(float)),
                 .diff_beta = piece(memory, (size_t)o->out.c * sizeof(float))};
    memcpy(r.dst, o->dst_before, activation_bytes(engine, o->out));
    memcpy(r.diff_src, o->diff_src_before, activation_bytes(engine, o->in));
    return r;
}

static void run_fused(fnas_engine *engine, const operands_of_trial *o, results *r) {
    bool image = o->t->conv.image_source;
    fnas_conv_norm op = {.conv = o->t->conv,
                         .state = o->t->state,
                         .epsilon = EPSILON,
                         .source_normed = o->t->normed,
                         .source_norm = o->source_norm,
                         .src = o->t->state == FNAS_SOURCE_RECTIFIED ? o->activated : o->src,
                         .weights = o->weights,
                         .gamma = o->gamma,
                         .beta = o->beta,
                         .z = r->z,
                         .mean = r->mean,
                         .variance = r->variance};
    assert_int_equal(fnas_conv_norm_forward(context, engine, &op, true), FNAS_OK);
    fnas_conv_norm_sum(engine, 1, &op, o->t->accumulate, o->t->rectify, r->dst);
    fnas_conv_norm_gradients wanted = {r->diff_weights, r->diff_gamma, r->diff_beta, image ? NULL : r->diff_src, o->t->accumulate, 0, 0};
    assert_int_equal(fnas_conv_norm_backward(context, engine, &op, o->diff_dst, &wanted), FNAS_OK);
    r->dot = wanted.dot;
    r->total = wanted.total;
}

static void run_one_by_one(arena *memory, fnas_engine *engine, const operands_of_trial *o, results *r) {
    const fnas_conv_shape *s = &o->t->conv;
    const void *src = o->activated;
    void *diff_z = piece(memory, activation_bytes(engine, o->out)), *diff_activated = piece(memory, activation_bytes(engine, o->in));
    assert_int_equal(fnas_conv_forward(context, engine, s, src, o->weights, NULL, r->z), FNAS_OK);
    fnas_norm_statistics(engine, o->out, r->z, r->mean, r->variance);
    fnas_norm_forward(engine, o->out, EPSILON, r->z, r->mean, r->variance, o->gamma, o->beta, o->t->accumulate, r->dst);
    if (o->t->rectify) fnas_relu_forward(engine, o->out, r->dst, r->dst);
    fnas_norm_backward(engine, o->out, EPSILON, r->z, r->mean, r->variance, o->gamma, o->beta, o->diff_dst, diff_z, r->diff_gamma,
                       r->diff_beta, &r->dot, &r->total);
    assert_int_equal(fnas_conv_backward_weights(context, engine, s, src, diff_z, r->diff_weights, NULL), FNAS_OK);
    if (s->image_source) return;
    if (o->t->state == FNAS_SOURCE_PLAIN) {
        assert_int_equal(fnas_conv_backward_data(context, engine, s, diff_z, o->weights, o->t->accumulate, r->diff_src), FNAS_OK);
        return;
    }
    assert_int_equal(fnas_conv_backward_data(context, engine, s, diff_z, o->weights, false, diff_activated), FNAS_OK);
    if (o->t->state == FNAS_SOURCE_TO_HARD_SWISH)
        fnas_hard_swish_backward(engine, o->in, o->before, diff_activated, o->t->accumulate, r->diff_src);
    else
        fnas_relu_backward(engine, o->in, o->before, diff_activated, o->t->accumulate, r->diff_src);
}

/* Without reaching the corners of a hard swish: rounded or not, a value must lie on the same side. */
static const void *normalise_source(arena *memory, fnas_engine *engine, operands_of_trial *o, fnas_random *random) {
    void *normalised = piece(memory, activation_bytes(engine, o->in));
    float *mean = piece(memory, (size_t)o->in.c * sizeof *mean), *variance = piece(memory, (size_t)o->in.c * sizeof *variance);
    fnas_norm_statistics(engine, o->in, o->src, mean, variance);
    o->source_norm = (fnas_norm_given){EPSILON, mean, variance, draw_floats(memory, o->in.c, 0.8f, random),
                                       draw_floats(memory, o->in.c, 0, random)};
    fnas_norm_forward(engine, o->in, EPSILON, o->src, mean, variance, o->source_norm.gamma, o->source_norm.beta, false, normalised);
    return normalised;
}

static operands_of_trial draw_operands(arena *memory, fnas_engine *engine, const trial *t, int64_t index) {
    const fnas_conv_shape *s = &t->conv;
    fnas_random random = fnas_random_begin(7, FNAS_STREAM_TEST, index, 0);
    operands_of_trial o = {.t = t,
                           .in = {s->n, s->in_channels, s->in_h, s->in_w},
                           .out = {s->n, s->out_channels, fnas_conv_out_h(s), fnas_conv_out_w(s)},
                           .weight_count = s->out_channels * (s->in_channels / s->groups) * s->kernel_h * s->kernel_w};
    o.src = s->image_source
                ? draw_floats(memory, fnas_shape_elements(o.in), 0, &random)
                : draw_activations(memory, engine, o.in, t->state == FNAS_SOURCE_TO_HARD_SWISH ? 4 : 1, &random); /* beyond the corners */
    o.before = t->normed ? normalise_source(memory, engine, &o, &random) : o.src;
    o.activated = o.before;
    if (t->state != FNAS_SOURCE_PLAIN) {
        void *activated = piece(memory, activation_bytes(engine, o.in));
        if (t->state == FNAS_SOURCE_TO_HARD_SWISH)
            fnas_hard_swish_forward(engine, o.in, o.before, activated);
        else
            fnas_relu_forward(engine, o.in, o.before, activated);
        o.activated = activated;
    }
    o.diff_dst = draw_activations(memory, engine, o.out, 1, &random);
    o.dst_before = draw_activations(memory, engine, o.out, 1, &random);
    o.diff_src_before = draw_activations(memory, engine, o.in, 1, &random);
    o.weights = draw_floats(memory, o.weight_count, 0, &random);
    o.gamma = t->affine ? draw_floats(memory, o.out.c, 1, &random) : NULL;
    o.beta = t->affine ? draw_floats(memory, o.out.c, 0, &random) : NULL;
    return o;
}

/* The same arithmetic but for the order of sums over chunks, and of a convolution's products where the kernels differ: some 10^4 terms
 * relative to the largest, 6 sqrt(10^4) 2^-24 = 4e-5. In bf16 such a difference can turn a rounding, then 2^-7 of the value. */
static void check_trial(fnas_compute_type type, const trial *t, int64_t index) {
    arena memory = {0};
    fnas_engine *engine;
    assert_int_equal(fnas_engine_create(context, type, &engine), FNAS_OK);
    operands_of_trial o = draw_operands(&memory, engine, t, index);
    results fused = results_create(&memory, engine, &o), single = results_create(&memory, engine, &o);
    run_fused(engine, &o, &fused);
    run_one_by_one(&memory, engine, &o, &single);
    double stored = type == FNAS_COMPUTE_F32 ? 4e-5 : 1.0 / 128, summed = type == FNAS_COMPUTE_F32 ? 4e-5 : 2e-3;
    /* A depthwise one does not store what it activates, and so does not round it. */
    if (type == FNAS_COMPUTE_BF16 && t->conv.groups == t->conv.in_channels && o.src != o.activated) summed = stored;
    assert_true(activations_differ(&memory, engine, o.out, fused.z, single.z) <= stored);
    assert_true(activations_differ(&memory, engine, o.out, fused.dst, single.dst) <= stored);
    assert_true(activations_differ(&memory, engine, o.in, fused.diff_src, single.diff_src) <= stored);
    assert_true(floats_differ(o.out.c, fused.mean, single.mean) <= summed);
    assert_true(floats_differ(o.out.c, fused.variance, single.variance) <= summed);
    assert_true(floats_differ(o.weight_count, fused.diff_weights, single.diff_weights) <= summed);
    assert_true(floats_differ(o.out.c, fused.diff_gamma, single.diff_gamma) <= summed);
    assert_true(floats_differ(o.out.c, fused.diff_beta, single.diff_beta) <= summed);
    /* Products of gradients up to 1 with normalised values of mean square 1, some of them up to 2 times as large: the error of a sum of so
     * many is that of one of them at random signs. */
    double elements = (double)fnas_shape_elements(o.out);
    assert_true(fabs(fused.dot - single.dot) <= summed * 2 * sqrt(elements));
    assert_true(fabs(fused.total - single.total) <= summed * sqrt(elements));
    fnas_engine_destroy(engine);
    release(&memory);
}

/* ---- against the naive operators ---- */

static double *exact_activations(arena *memory, const fnas_engine *engine, fnas_shape shape, const void *activations) {
    int64_t block = fnas_engine_block(engine), size = fnas_shape_elements(shape);
    float *blocked = piece(memory, fnas_shape_floats(shape, block) * sizeof *blocked);
    float *plain = piece(memory, (size_t)size * sizeof *plain);
    double *exact = piece(memory, (size_t)size * sizeof *exact);
    fnas_engine_to_floats(engine, fnas_shape_floats(shape, block), activations, blocked);
    fnas_layout_unpack(block, shape, blocked, plain);
    for (int64_t i = 0; i < size; i++) exact[i] = (double)plain[i];
    return exact;
}

static double *exact_floats(arena *memory, int64_t count, const float *values) {
    if (!values) return NULL;
    double *exact = piece(memory, (size_t)count * sizeof *exact);
    for (int64_t i = 0; i < count; i++) exact[i] = (double)values[i];
    return exact;
}

static double doubles_differ(int64_t count, const double *a, const double *b) {
    double difference = 0, size = 1e-30;
    for (int64_t i = 0; i < count; i++) {
        double one = fabs(a[i] - b[i]);
        difference = isnan(one) ? (double)INFINITY : fmax(difference, one);
        size = fmax(size, fabs(b[i]));
    }
    return difference / size;
}

typedef struct naive_results {
    double *dst, *diff_src, *diff_weights;
} naive_results;

static naive_results run_naive(arena *memory, const fnas_engine *engine, const operands_of_trial *o) {
    const fnas_conv_shape *s = &o->t->conv;
    int64_t in = fnas_shape_elements(o->in), out = fnas_shape_elements(o->out);
    double *src = s->image_source ? exact_floats(memory, in, o->src) : exact_activations(memory, engine, o->in, o->activated);
    double *weights = exact_floats(memory, o->weight_count, o->weights), *gamma = exact_floats(memory, o->out.c, o->gamma),
           *beta = exact_floats(memory, o->out.c, o->beta), *diff_dst = exact_activations(memory, engine, o->out, o->diff_dst);
    double *z = piece(memory, (size_t)out * sizeof *z), *diff_z = piece(memory, (size_t)out * sizeof *diff_z);
    double *mean = piece(memory, (size_t)o->out.c * sizeof *mean), *variance = piece(memory, (size_t)o->out.c * sizeof *variance);
    double *diff_activated = piece(memory, (size_t)in * sizeof *diff_activated), dot, total;
    naive_results r = {.dst = exact_activations(memory, engine, o->out, o->dst_before),
                       .diff_src = s->image_source ? NULL : exact_activations(memory, engine, o->in, o->diff_src_before),
                       .diff_weights = piece(memory, (size_t)o->weight_count * sizeof(double))};
    fnas_ref_conv_forward(s, src, weights, NULL, z);
    fnas_ref_norm_statistics(o->out, z, mean, variance);
    fnas_ref_norm_forward(o->out, (double)EPSILON, z, mean, variance, gamma, beta, o->t->accumulate, r.dst);
    if (o->t->rectify) fnas_ref_relu_forward(o->out, r.dst, r.dst);
    fnas_ref_norm_backward(o->out, (double)EPSILON, z, mean, variance, gamma, beta, diff_dst, diff_z, NULL, NULL, &dot, &total);
    fnas_ref_conv_backward_weights(s, src, diff_z, r.diff_weights, NULL);
    if (s->image_source) return r;
    fnas_ref_conv_backward_data(s, diff_z, weights, false, diff_activated);
    fnas_activation activation = o->t->state == FNAS_SOURCE_PLAIN           ? FNAS_ACTIVATION_NONE
                                 : o->t->state == FNAS_SOURCE_TO_HARD_SWISH ? FNAS_ACTIVATION_HARD_SWISH
                                                                            : FNAS_ACTIVATION_RELU;
    fnas_ref_activation_backward(activation, in, exact_activations(memory, engine, o->in, o->before), diff_activated, o->t->accumulate,
                                 r.diff_src);
    return r;
}

/* Relative to the largest value. f32: sums of at most 2 * 10^4 terms, 6 sqrt(2 * 10^4) 2^-24 = 5e-5, twice for the norm between two
 * convolutions. bf16: weights, z, the gradient behind the norm and the result are rounded one after the other, 4 * 2^-8. (A depthwise one
 * does not round what it activates, whose naive twin here is what others read: once more.) */
static void check_naive(fnas_compute_type type, const trial *t, int64_t index) {
    arena memory = {0};
    fnas_engine *engine;
    assert_int_equal(fnas_engine_create(context, type, &engine), FNAS_OK);
    operands_of_trial o = draw_operands(&memory, engine, t, index);
    results fused = results_create(&memory, engine, &o);
    run_fused(engine, &o, &fused);
    naive_results naive = run_naive(&memory, engine, &o);
    double bound = type == FNAS_COMPUTE_F32 ? 1e-4 : 4.0 / 256;
    assert_true(doubles_differ(fnas_shape_elements(o.out), exact_activations(&memory, engine, o.out, fused.dst), naive.dst) <= bound);
    assert_true(doubles_differ(o.weight_count, exact_floats(&memory, o.weight_count, fused.diff_weights), naive.diff_weights) <= bound);
    if (naive.diff_src)
        assert_true(doubles_differ(fnas_shape_elements(o.in), exact_activations(&memory, engine, o.in, fused.diff_src), naive.diff_src) <=
                    bound);
    fnas_engine_destroy(engine);
    release(&memory);
}

static void check_all(fnas_compute_type type) {
    for (int64_t i = 0; i < (int64_t)(sizeof trials / sizeof *trials); i++) {
        check_trial(type, &trials[i], i);
        check_naive(type, &trials[i], i);
    }
}

static void test_f32(void **state) {
    (void)state;
    check_all(FNAS_COMPUTE_F32);
}

static void test_bf16(void **state) {
    (void)state;
    if (!fnas_engine_supports(FNAS_COMPUTE_BF16)) {
        print_message("skipped: bf16, which this processor has not\n");
        skip();
    }
    check_all(FNAS_COMPUTE_BF16);
}

/* Up to three shares are added in one pass, more in several: all equal the sum one by one. */
static void test_sums(void **state) {
    (void)state;
    static const trial t = {{4, 16, 8, 8, 16, 3, 3, 1, 1, 1, false}, FNAS_SOURCE_TO_RECTIFY, true, true, false, false};
    arena memory = {0};
    fnas_engine *engine;
    assert_int_equal(fnas_engine_create(context, FNAS_COMPUTE_F32, &engine), FNAS_OK);
    enum { SHARES = 5 };
    fnas_conv_norm ops[SHARES];
    fnas_shape out = {0};
    void *single = NULL, *together = NULL;
    for (int i = 0; i < SHARES; i++) {
        operands_of_trial o = draw_operands(&memory, engine, &t, i);
        results r = results_create(&memory, engine, &o);
        if (i == 0) {
            out = o.out;
            single = r.dst;
            together = piece(&memory, activation_bytes(engine, out));
            memcpy(together, single, activation_bytes(engine, out));
        }
        ops[i] = (fnas_conv_norm){.conv = t.conv,
                                  .state = t.state,
                                  .epsilon = EPSILON,
                                  .src = o.src,
                                  .weights = o.weights,
                                  .gamma = o.gamma,
                                  .beta = o.beta,
                                  .z = r.z,
                                  .mean = r.mean,
                                  .variance = r.variance};
        assert_int_equal(fnas_conv_norm_forward(context, engine, &ops[i], true), FNAS_OK);
        fnas_conv_norm_sum(engine, 1, &ops[i], true, false, single);
        void *partial = piece(&memory, activation_bytes(engine, out));
        memcpy(partial, together, activation_bytes(engine, out));
        fnas_conv_norm_sum(engine, i + 1, ops, true, false, partial);
        assert_memory_equal(partial, single, activation_bytes(engine, out));
    }
    fnas_conv_norm_sum(engine, SHARES, ops, true, true, together);
    fnas_relu_forward(engine, out, single, single);
    assert_memory_equal(together, single, activation_bytes(engine, out));
    fnas_engine_destroy(engine);
    release(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_f32), cmocka_unit_test(test_bf16), cmocka_unit_test(test_sums)};
    if (fnas_context_create(&context) != FNAS_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fnas_context_destroy(context);
    return failed;
}
