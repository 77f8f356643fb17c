/* Every runtime's logits against the naive reference executor, on cells of NAS-Bench-201 with calibrated weights. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/engine.h"
#include "compute/placement.h"
#include "device/command.h"
#include "device/images.h"
#include "device/runtime.h"
#include "device/subject.h"
#include "device/support_agreement.h"

#define IMAGES 16
#define CELLS 4

typedef struct fixture {
    fnas_context *context;
    fnas_space *space;
    fnas_subject_source source;
    float *images;
    int64_t image_floats, classes;
} fixture;

static void fixture_begin(fixture *f, const char *spec) {
    int64_t shape[3];
    memset(f, 0, sizeof *f);
    assert_int_equal(fnas_context_create(&f->context), FNAS_OK);
    assert_int_equal(fnas_space_open(f->context, spec, &f->space), FNAS_OK);
    assert_int_equal(fnas_space_image(f->context, f->space, shape, &f->classes), FNAS_OK);
    f->image_floats = shape[0] * shape[1] * shape[2];
    assert_int_equal(fnas_images_load(f->context, f->space, NULL, IMAGES, &f->images, NULL, 0), FNAS_OK);
    assert_int_equal(fnas_subject_source_create(f->context, f->space, 7, IMAGES, f->images, &f->source), FNAS_OK);
}

static void fixture_end(fixture *f) {
    fnas_subject_source_free(&f->source);
    fnas_free(f->images);
    fnas_space_close(f->space);
    fnas_context_destroy(f->context);
}

/* The cells tested: the ten references, then random ones. */
static void cell_of(const fixture *f, int64_t index, int32_t *choices) {
    if (index < fnas_space_reference_count(f->space))
        fnas_space_reference(f->space, index, choices);
    else
        fnas_space_random(f->space, 5, index, choices);
}

static void reference_logits(const fixture *f, const fnas_graph *graph, int64_t n, double *logits) {
    double *images = fnas_allocate((size_t)(n * f->image_floats), sizeof *images);
    assert_non_null(images);
    for (int64_t i = 0; i < n * f->image_floats; i++) images[i] = f->images[i];
    assert_int_equal(fnas_graph_run_reference(f->context, graph, n, images, logits), FNAS_OK);
    fnas_free(images);
}

static agreement run_cell(fixture *f, const fnas_runtime *runtime, const fnas_runtime_options *options, int64_t index) {
    int32_t choices[64];
    char arch[FNAS_ARCH_TEXT_BYTES];
    fnas_graph *graph;
    void *instance;
    float logits[64 * 16];
    double expected[64 * 16];
    cell_of(f, index, choices);
    assert_int_equal(fnas_space_format(f->context, f->space, choices, arch, sizeof arch), FNAS_OK);
    assert_int_equal(fnas_subject_graph(f->context, &f->source, choices, &graph), FNAS_OK);
    fnas_status status = runtime->create(f->context, graph, options, &instance);
    if (status != FNAS_OK) print_error("%s: %s\n", arch, fnas_context_message(f->context));
    assert_int_equal(status, FNAS_OK);
    /* Twice: the second run must not see what the first left behind. */
    for (int run = 0; run < 2; run++) assert_int_equal(runtime->run(f->context, instance, f->images, logits), FNAS_OK);
    reference_logits(f, graph, options->batch, expected);
    agreement found = compare(options->batch * f->classes, logits, expected);
    fnas_text text = {0};
    runtime->describe(instance, &text);
    if (strstr(text.data, " ref")) {
        print_error("%s runs on a naive kernel:\n%s", arch, text.data);
        fail();
    }
    fnas_text_free(&text);
    assert_true(runtime->bytes(instance) > 0);
    runtime->destroy(instance);
    fnas_graph_destroy(graph);
    return found;
}

static void check_runtime(const char *spec, const fnas_runtime *runtime, fnas_precision precision, int64_t batch, int64_t threads,
                          double tolerance, double cosine) {
    fixture f;
    fixture_begin(&f, spec);
    fnas_runtime_options options = {precision, batch, threads, IMAGES, f.images};
    agreement worst = {0, 1};
    for (int64_t i = 0; i < CELLS + 10; i += batch) { /* larger batches take fewer cells: the naive executor is slow */
        agreement found = run_cell(&f, runtime, &options, i);
        worst.largest_difference = fmax(worst.largest_difference, found.largest_difference);
        worst.cosine = fmin(worst.cosine, found.cosine);
    }
    print_message("%s %s batch %d threads %d: largest difference %.2e, smallest cosine %.5f\n", runtime->name,
                  fnas_precision_name(precision), (int)batch, (int)threads, worst.largest_difference, worst.cosine);
    assert_true(worst.largest_difference <= tolerance);
    assert_true(worst.cosine >= cosine);
    fixture_end(&f);
}

#define SMALL "nb201:channels=16,cells=1,classes=10,input=1x28x28"
#define COLOUR "nb201:channels=16,cells=2,classes=10,input=3x16x16"
#define COLOUR_DEEP "nb201:channels=16,cells=5,classes=10,input=3x16x16"
#define COLOUR_SHALLOW "nb201:channels=16,cells=1,classes=10,input=3x16x16"

static void test_onednn_f32(void **state) {
    (void)state;
    check_runtime(SMALL, &fnas_runtime_onednn, FNAS_PRECISION_F32, 1, 1, 1e-4, 0.9999);
    check_runtime(COLOUR, &fnas_runtime_onednn, FNAS_PRECISION_F32, 3, 2, 1e-4, 0.9999);
    check_runtime("nb201:channels=4,cells=1,classes=10,input=3x16x16", &fnas_runtime_onednn, FNAS_PRECISION_F32, 1, 1, 1e-4, 0.9999);
}

static void test_onednn_bf16(void **state) {
    (void)state;
    if (!fnas_backend_has_bf16()) {
        print_message("skipped: this processor has no bf16\n");
        skip();
    }
    check_runtime(SMALL, &fnas_runtime_onednn, FNAS_PRECISION_BF16, 1, 1, 2e-2, 0.99);
    check_runtime(COLOUR_SHALLOW, &fnas_runtime_onednn, FNAS_PRECISION_BF16, 4, 2, 2e-2, 0.99);
}

static void test_onednn_int8(void **state) {
    (void)state;
    if (!fnas_backend_has_int8()) {
        print_message("skipped: this processor has no AVX2\n");
        skip();
    }
    check_runtime(SMALL, &fnas_runtime_onednn, FNAS_PRECISION_INT8, 1, 1, 1, 0.99);
    check_runtime(COLOUR, &fnas_runtime_onednn, FNAS_PRECISION_INT8, 4, 2, 1, 0.99);
}

static void test_blas(void **state) {
    (void)state;
    check_runtime(SMALL, &fnas_runtime_blas, FNAS_PRECISION_F32, 1, 1, 1e-4, 0.9999);
    check_runtime(COLOUR, &fnas_runtime_blas, FNAS_PRECISION_F32, 3, 2, 1e-4, 0.9999);
}

static void test_onednn_plain(void **state) {
    (void)state;
    check_runtime(SMALL, &fnas_runtime_onednn_plain, FNAS_PRECISION_F32, 1, 1, 1e-4, 0.9999);
    check_runtime(COLOUR, &fnas_runtime_onednn_plain, FNAS_PRECISION_F32, 3, 2, 1e-4, 0.9999);
}

/* ---- what tells a precision from another network (fnas_command_logits_bound) ---- */

#define LOGITS_MOST (IMAGES * 16)

static void logits_of(fixture *f, const fnas_graph *graph, float *logits) {
    fnas_runtime_options options = {FNAS_PRECISION_F32, IMAGES, 1, IMAGES, f->images};
    void *instance;
    assert_int_equal(fnas_runtime_onednn.create(f->context, graph, &options, &instance), FNAS_OK);
    assert_int_equal(fnas_runtime_onednn.run(f->context, instance, f->images, logits), FNAS_OK);
    fnas_runtime_onednn.destroy(instance);
}

static double apart(const fixture *f, const float *ours, const float *theirs) {
    double difference = 0, length = 0;
    for (int64_t i = 0; i < IMAGES * f->classes; i++) {
        difference += ((double)theirs[i] - ours[i]) * ((double)theirs[i] - ours[i]);
        length += (double)ours[i] * ours[i];
    }
    return sqrt(difference / length);
}

/* To a significand of so many bits; 0: to whole numbers up to 127 with a scale for each tensor, as int8 has them. */
static void round_tensor(int64_t count, int bits, float *values) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fmaxf(most, fabsf(values[i]));
    for (int64_t i = 0; i < count; i++) {
        int exponent;
        float fraction = frexpf(values[i], &exponent);
        values[i] = bits ? ldexpf(roundf(ldexpf(fraction, bits)), exponent - bits) : roundf(values[i] / most * 127) * most / 127;
    }
}

static void round_weights(fnas_graph *graph, int bits) {
    for (int64_t n = 0; n < graph->node_count; n++) {
        const fnas_graph_node *node = &graph->nodes[n];
        if (node->kind != FNAS_GRAPH_CONV && node->kind != FNAS_GRAPH_LINEAR) continue;
        int64_t taps = node->kind == FNAS_GRAPH_CONV ? node->kernel * node->kernel : 1;
        round_tensor(node->shape.c * fnas_graph_source_shape(graph, n).c / node->groups * taps, bits, graph->weights + node->weights);
    }
}

/* What rounding its weights does to a cell's logits: `theirs` is overwritten. */
static double rounding_error(fixture *f, const int32_t *choices, int bits, const float *ours, float *theirs) {
    fnas_graph *graph;
    assert_int_equal(fnas_subject_graph(f->context, &f->source, choices, &graph), FNAS_OK);
    round_weights(graph, bits);
    logits_of(f, graph, theirs);
    fnas_graph_destroy(graph);
    return apart(f, ours, theirs);
}

/* Activations are rounded as weights are, which makes sqrt(2) of the error of either. The dearest cell, all convolutions, is the worst for
 * rounding; the others are random, and none may pass for another. */
static void test_bounds_of_logits(void **state) {
    (void)state;
    static const struct {
        const char *precision;
        int bits;
    } rounded[] = {{"f16", 11}, {"bf16", 8}, {"int8", 0}};
    enum { TRIED = 12 };
    static float logits[TRIED][LOGITS_MOST], theirs[LOGITS_MOST];
    fixture f;
    double least = INFINITY, worst[3] = {0};
    int tried = 0;
    fixture_begin(&f, COLOUR_DEEP);
    for (int64_t i = 0; tried < TRIED; i++) {
        int32_t choices[6] = {3, 3, 3, 3, 3, 3};
        fnas_graph *graph;
        if (i) fnas_space_random(f.space, 5, i, choices);
        if (!fnas_space_connected(f.space, choices)) continue;
        assert_int_equal(fnas_subject_graph(f.context, &f.source, choices, &graph), FNAS_OK);
        logits_of(&f, graph, logits[tried]);
        fnas_graph_destroy(graph);
        for (int r = 0; r < 3; r++)
            worst[r] = fmax(worst[r], sqrt(2) * rounding_error(&f, choices, rounded[r].bits, logits[tried], theirs));
        for (int other = 0; other < tried; other++) least = fmin(least, apart(&f, logits[other], logits[tried]));
        tried++;
    }
    print_message("cells at least %.2f apart; rounded f16 %.1e, bf16 %.1e, int8 %.1e\n", least, worst[0], worst[1], worst[2]);
    for (int r = 0; r < 3; r++) {
        double bound = fnas_command_logits_bound(rounded[r].precision);
        assert_true(worst[r] < bound && bound < 2 * worst[r]); /* wide enough, and no wider than it needs to be */
    }
    assert_true(fnas_command_logits_bound("f16") < least); /* those of bf16 and int8 are not: test_command.c */
    fixture_end(&f);
}

/* Random life times and sizes: what lives at one time lies apart, inside the block. */
static void test_placement(void **state) {
    (void)state;
    for (int64_t round = 0; round < 200; round++) {
        fnas_random random = fnas_random_begin(9, FNAS_STREAM_TEST, round, 0);
        enum { COUNT = 24 };
        fnas_placed_buffer buffers[COUNT];
        size_t sum = 0;
        for (int i = 0; i < COUNT; i++) {
            int64_t first = fnas_random_below(&random, 20);
            buffers[i] = (fnas_placed_buffer){(size_t)fnas_random_below(&random, 1000), first, first - 1 + fnas_random_below(&random, 6),
                                              0};
            sum += (buffers[i].bytes + 63) / 64 * 64;
        }
        size_t block = fnas_place_buffers(COUNT, buffers);
        assert_true(block <= sum);
        for (int a = 0; a < COUNT; a++) {
            if (buffers[a].first > buffers[a].last) continue;
            assert_int_equal(buffers[a].offset % FNAS_ALIGNMENT, 0);
            assert_true(buffers[a].offset + buffers[a].bytes <= block);
            for (int b = 0; b < a; b++) {
                bool together = buffers[b].first <= buffers[a].last && buffers[a].first <= buffers[b].last &&
                                buffers[b].first <= buffers[b].last;
                bool apart = buffers[a].offset + buffers[a].bytes <= buffers[b].offset ||
                             buffers[b].offset + buffers[b].bytes <= buffers[a].offset;
                assert_true(!together || apart);
            }
        }
    }
}

static void test_names(void **state) {
    (void)state;
    fnas_context *context;
    const fnas_runtime *runtime;
    fnas_precision precision;
    assert_int_equal(fnas_context_create(&context), FNAS_OK);
    assert_int_equal(fnas_runtime_find(context, "blas", &runtime), FNAS_OK);
    assert_ptr_equal(runtime, &fnas_runtime_blas);
    assert_int_equal(fnas_runtime_find(context, "onednnn", &runtime), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "did you mean onednn?"));
    assert_int_equal(fnas_precision_find(context, "int4", &precision), FNAS_ERR_INPUT);
    assert_int_equal(fnas_runtime_check(context, &fnas_runtime_blas, FNAS_PRECISION_INT8, "native"), FNAS_ERR_UNSUPPORTED);
    assert_int_equal(fnas_runtime_check(context, &fnas_runtime_blas, FNAS_PRECISION_F32, "avx2"), FNAS_ERR_UNSUPPORTED);
    assert_int_equal(fnas_runtime_check(context, &fnas_runtime_onednn, FNAS_PRECISION_F32, "avx3"), FNAS_ERR_INPUT);
    assert_int_equal(fnas_runtime_check(context, &fnas_runtime_onednn, FNAS_PRECISION_F32, "avx2"), FNAS_OK);
    fnas_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names),       cmocka_unit_test(test_bounds_of_logits),
                                       cmocka_unit_test(test_placement),   cmocka_unit_test(test_onednn_plain),
                                       cmocka_unit_test(test_onednn_f32),  cmocka_unit_test(test_onednn_bf16),
                                       cmocka_unit_test(test_onednn_int8), cmocka_unit_test(test_blas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
