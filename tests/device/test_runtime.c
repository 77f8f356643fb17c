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
#include "device/images.h"
#include "device/runtime.h"
#include "device/subject.h"

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

typedef struct agreement {
    double largest_difference, cosine;
} agreement;

static agreement compare(int64_t count, const float *mine, const double *reference) {
    double most = 0, difference = 0, mm = 0, rr = 0, mr = 0;
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs(reference[i]));
        difference = fmax(difference, fabs(mine[i] - reference[i]));
        mm += (double)mine[i] * mine[i];
        rr += reference[i] * reference[i];
        mr += mine[i] * reference[i];
    }
    return (agreement){difference / most, mr / sqrt(mm * rr)};
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
        print_message("skipped: this processor has no VNNI\n");
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names),        cmocka_unit_test(test_placement),
                                       cmocka_unit_test(test_onednn_plain), cmocka_unit_test(test_onednn_f32),
                                       cmocka_unit_test(test_onednn_bf16),  cmocka_unit_test(test_onednn_int8),
                                       cmocka_unit_test(test_blas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
