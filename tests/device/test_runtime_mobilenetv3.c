/* Networks of MobileNetV3 on every runtime against the naive executor, and the times of their parts. */
#include "base/support.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/engine.h"
#include "compute/inference.h"
#include "device/images.h"
#include "device/runtime.h"
#include "device/subject.h"
#include "device/support_agreement.h"

#define IMAGES 4
#define CLASSES 10
#define SPEC "mobilenetv3:width=1.0,classes=10"
#define PARTS 64

typedef struct fixture {
    fnas_test_place *place;
    fnas_space *space;
    fnas_subject_source source;
    float *images;
} fixture;

static void begin(fnas_test_place *place, fixture *f) {
    memset(f, 0, sizeof *f);
    f->place = place;
    assert_status(FNAS_OK, fnas_space_open(place->context, SPEC, &f->space));
    assert_status(FNAS_OK, fnas_images_load(place->context, f->space, NULL, IMAGES, &f->images, NULL, 0));
    assert_status(FNAS_OK, fnas_subject_source_create(place->context, f->space, 7, IMAGES, f->images, &f->source));
}

static void end(fixture *f) {
    fnas_subject_source_free(&f->source);
    fnas_free(f->images);
    fnas_space_close(f->space);
}

/* Two that are quick for the naive executor: a reference at 136, and a deep one with many 7x7 kernels, made small. */
static void arch_of(const fixture *f, int index, int32_t *choices) {
    fnas_space_reference(f->space, index == 0 ? 4 : 5, choices);
    if (index > 0) choices[0] = 0;
}
#define ARCHS 2

static fnas_graph *graph_of(fixture *f, int index, const float **images) {
    fnas_test_place *place = f->place;
    int32_t choices[64];
    fnas_graph *graph;
    arch_of(f, index, choices);
    assert_status(FNAS_OK, fnas_subject_graph(place->context, &f->source, choices, &graph));
    assert_status(FNAS_OK, fnas_subject_images(place->context, &f->source, graph, images));
    return graph;
}

static void reference_logits(const fixture *f, const fnas_graph *graph, int64_t n, const float *images, double *logits) {
    fnas_test_place *place = f->place;
    fnas_value_shape shape = graph->nodes[0].shape;
    int64_t count = n * shape.c * shape.h * shape.w;
    double *wide = fnas_allocate((size_t)count, sizeof *wide);
    assert_non_null(wide);
    for (int64_t i = 0; i < count; i++) wide[i] = images[i];
    assert_status(FNAS_OK, fnas_graph_run_reference(place->context, graph, n, wide, logits));
    fnas_free(wide);
}

/* What is timed by parts must be the same computation, and every part that computes must take time. */
static void check_timed(const fixture *f, const fnas_runtime *runtime, void *instance, const fnas_graph *graph, const float *images,
                        const float *logits) {
    fnas_test_place *place = f->place;
    float again[IMAGES * CLASSES];
    double *node_ms = fnas_allocate((size_t)graph->node_count, sizeof *node_ms), part_ms[PARTS] = {0};
    int32_t last = graph->nodes[graph->node_count - 1].part;
    assert_non_null(node_ms);
    assert_true(last < PARTS);
    for (int run = 0; run < 2; run++) assert_status(FNAS_OK, runtime->run_timed(place->context, instance, images, again, node_ms));
    assert_memory_equal(again, logits, CLASSES * sizeof *again);
    for (int64_t i = 0; i < graph->node_count; i++) {
        assert_true(node_ms[i] >= 0);
        part_ms[graph->nodes[i].part] += node_ms[i];
    }
    for (int32_t part = 0; part <= last; part++) assert_true(part_ms[part] > 0);
    fnas_free(node_ms);
}

static void check_kernels(const fnas_runtime *runtime, const void *instance) {
    fnas_text text = {0};
    runtime->describe(instance, &text);
    if (strstr(text.data, " ref")) fail_msg("a naive kernel:\n%s", text.data);
    fnas_text_free(&text);
}

static void check(fnas_test_place *place, const fnas_runtime *runtime, fnas_precision precision, int64_t batch, int64_t threads,
                  double tolerance, double cosine) {
    fixture f;
    begin(place, &f);
    agreement worst = {0, 1};
    for (int index = 0; index < ARCHS; index += (int)batch) { /* larger batches take fewer: the naive executor is slow */
        const float *images;
        float logits[IMAGES * CLASSES];
        double expected[IMAGES * CLASSES];
        void *instance;
        fnas_graph *graph = graph_of(&f, index, &images);
        fnas_runtime_options options = {precision, batch, threads, IMAGES, images};
        assert_status(FNAS_OK, runtime->create(place->context, graph, &options, &instance));
        check_kernels(runtime, instance);
        for (int run = 0; run < 2; run++) assert_status(FNAS_OK, runtime->run(place->context, instance, images, logits));
        if (batch == 1) check_timed(&f, runtime, instance, graph, images, logits);
        reference_logits(&f, graph, batch, images, expected);
        agreement found = compare(batch * CLASSES, logits, expected);
        worst.largest_difference = fmax(worst.largest_difference, found.largest_difference);
        worst.cosine = fmin(worst.cosine, found.cosine);
        runtime->destroy(instance);
        fnas_graph_destroy(graph);
    }
    print_message("%s %s batch %d threads %d: largest difference %.2e, smallest cosine %.5f\n", runtime->name,
                  fnas_precision_name(precision), (int)batch, (int)threads, worst.largest_difference, worst.cosine);
    assert_true(worst.largest_difference <= tolerance);
    assert_true(worst.cosine >= cosine);
    end(&f);
}

static void test_onednn(void **state) {
    check(*state, &fnas_runtime_onednn, FNAS_PRECISION_F32, 1, 1, 1e-4, 0.9999);
    check(*state, &fnas_runtime_onednn, FNAS_PRECISION_F32, 2, 2, 1e-4, 0.9999);
}

static void test_onednn_plain(void **state) {
    check(*state, &fnas_runtime_onednn_plain, FNAS_PRECISION_F32, 1, 1, 1e-4, 0.9999);
    check(*state, &fnas_runtime_onednn_plain, FNAS_PRECISION_F32, 2, 2, 1e-4, 0.9999);
}

static void test_blas(void **state) {
    check(*state, &fnas_runtime_blas, FNAS_PRECISION_F32, 1, 1, 1e-4, 0.9999);
    check(*state, &fnas_runtime_blas, FNAS_PRECISION_F32, 2, 2, 1e-4, 0.9999);
}

/* ---- one unit with all of its operators: a whole network of drawn weights leaves int8 too little to compare ---- */

#define UNIT_CHANNELS 16
#define UNIT_SIDE 16
#define UNIT_IMAGES 4

typedef struct unit {
    fnas_graph graph;
    fnas_random random;
} unit;

static int64_t draw(unit *made, int64_t count, double deviation) {
    int64_t first = made->graph.weight_count;
    for (int64_t i = 0; i < count; i++) made->graph.weights[first + i] = (float)(fnas_random_normal(&made->random) * deviation);
    made->graph.weight_count += count;
    return first;
}

static int32_t put(unit *made, fnas_graph_kind kind, fnas_value_shape shape, fnas_activation activation, int count, const int32_t *inputs) {
    fnas_graph *graph = &made->graph;
    fnas_graph_node node = {.kind = kind,
                            .activation = activation,
                            .first_input = graph->input_count,
                            .input_count = count,
                            .shape = shape,
                            .kernel = 1,
                            .stride = 1,
                            .groups = 1,
                            .weights = FNAS_GRAPH_NONE,
                            .bias = FNAS_GRAPH_NONE};
    for (int i = 0; i < count; i++) graph->inputs[graph->input_count++] = inputs[i];
    graph->nodes[graph->node_count] = node;
    return (int32_t)graph->node_count++;
}

static int32_t put_conv(unit *made, int32_t source, fnas_value_shape shape, int64_t kernel, int64_t groups, fnas_activation activation) {
    fnas_value_shape in = made->graph.nodes[source].shape;
    int64_t each = in.c / groups * kernel * kernel;
    int32_t number = put(made, FNAS_GRAPH_CONV, shape, activation, 1, &source);
    fnas_graph_node *node = &made->graph.nodes[number];
    node->kernel = kernel;
    node->padding = kernel / 2;
    node->stride = in.h / shape.h;
    node->groups = groups;
    node->weights = draw(made, shape.c * each, 1 / sqrt((double)each));
    node->bias = draw(made, shape.c, 0.3);
    return number;
}

static void make_unit(unit *made) {
    fnas_value_shape whole = {UNIT_CHANNELS, UNIT_SIDE, UNIT_SIDE}, pixel = {UNIT_CHANNELS, 1, 1}, squeezed = {UNIT_CHANNELS / 2, 1, 1};
    memset(made, 0, sizeof *made);
    made->random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    made->graph.nodes = fnas_allocate(16, sizeof *made->graph.nodes);
    made->graph.inputs = fnas_allocate(32, sizeof *made->graph.inputs);
    made->graph.weights = fnas_allocate(8192, sizeof *made->graph.weights);
    assert_true(made->graph.nodes && made->graph.inputs && made->graph.weights);
    put(made, FNAS_GRAPH_INPUT, (fnas_value_shape){3, 2 * UNIT_SIDE, 2 * UNIT_SIDE}, FNAS_ACTIVATION_NONE, 0, NULL);
    int32_t stem = put_conv(made, 0, whole, 3, 1, FNAS_ACTIVATION_HARD_SWISH);
    int32_t depthwise = put_conv(made, stem, whole, 5, UNIT_CHANNELS, FNAS_ACTIVATION_HARD_SWISH);
    int32_t pool = put(made, FNAS_GRAPH_GLOBAL_POOL, pixel, FNAS_ACTIVATION_NONE, 1, &depthwise);
    int32_t reduced = put_conv(made, pool, squeezed, 1, 1, FNAS_ACTIVATION_RELU);
    int32_t factors = put_conv(made, reduced, pixel, 1, 1, FNAS_ACTIVATION_HARD_SIGMOID);
    int32_t scaled = put(made, FNAS_GRAPH_CHANNEL_SCALE, whole, FNAS_ACTIVATION_NONE, 2, (int32_t[]){depthwise, factors});
    int32_t swished = put(made, FNAS_GRAPH_ACTIVATION, whole, FNAS_ACTIVATION_HARD_SWISH, 1, &scaled); /* behind no convolution */
    int32_t projected = put_conv(made, swished, whole, 1, 1, FNAS_ACTIVATION_NONE);
    int32_t sum = put(made, FNAS_GRAPH_ADD, whole, FNAS_ACTIVATION_NONE, 2, (int32_t[]){stem, projected});
    pool = put(made, FNAS_GRAPH_GLOBAL_POOL, pixel, FNAS_ACTIVATION_NONE, 1, &sum);
    int32_t mixed = put_conv(made, pool, pixel, 1, 1, FNAS_ACTIVATION_HARD_SWISH);
    int32_t logits = put(made, FNAS_GRAPH_LINEAR, (fnas_value_shape){CLASSES, 1, 1}, FNAS_ACTIVATION_NONE, 1, &mixed);
    made->graph.nodes[logits].weights = draw(made, CLASSES * UNIT_CHANNELS, 0.2);
}

static void check_unit(fnas_test_place *place, const fnas_runtime *runtime, fnas_precision precision, double tolerance) {
    unit made;
    float images[UNIT_IMAGES * 3 * 4 * UNIT_SIDE * UNIT_SIDE], logits[UNIT_IMAGES * CLASSES];
    double wide[UNIT_IMAGES * 3 * 4 * UNIT_SIDE * UNIT_SIDE], expected[UNIT_IMAGES * CLASSES];
    void *instance;
    make_unit(&made);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) wide[i] = images[i] = (float)fnas_random_normal(&made.random);
    fnas_runtime_options options = {precision, UNIT_IMAGES, 1, UNIT_IMAGES, images};
    assert_status(FNAS_OK, runtime->create(place->context, &made.graph, &options, &instance));
    check_kernels(runtime, instance);
    assert_status(FNAS_OK, runtime->run(place->context, instance, images, logits));
    assert_status(FNAS_OK, fnas_graph_run_reference(place->context, &made.graph, UNIT_IMAGES, wide, expected));
    agreement found = compare(UNIT_IMAGES * CLASSES, logits, expected);
    print_message("%s %s: largest difference %.2e\n", runtime->name, fnas_precision_name(precision), found.largest_difference);
    assert_true(found.largest_difference <= tolerance);
    runtime->destroy(instance);
    fnas_free(made.graph.nodes);
    fnas_free(made.graph.inputs);
    fnas_free(made.graph.weights);
}

static void test_unit(void **state) {
    check_unit(*state, &fnas_runtime_onednn, FNAS_PRECISION_F32, 1e-5);
    check_unit(*state, &fnas_runtime_onednn_plain, FNAS_PRECISION_F32, 1e-5);
    check_unit(*state, &fnas_runtime_blas, FNAS_PRECISION_F32, 1e-5);
    if (fnas_backend_has_bf16())
        check_unit(*state, &fnas_runtime_onednn, FNAS_PRECISION_BF16, 3e-2);
    else
        print_message("skipped: this processor has no bf16\n");
    if (fnas_backend_has_int8())
        check_unit(*state, &fnas_runtime_onednn, FNAS_PRECISION_INT8, 5e-2); /* 0.016 seen */
    else
        print_message("skipped: this processor has no AVX2\n");
}

/* Same size: copied. Twice the size less one with corners aligned: what is there stays, and the middle of two is between them. */
static void test_resizing(void **state) {
    fnas_test_place *place = *state;
    static const float images[] = {1, 2, 3, 4, 10, 20, 30, 40};
    fnas_batches batches = {.shape = {1, 2, 2}, .images = images, .image_count = 2, .count = 3};
    const float *same, *larger, *again;
    assert_status(FNAS_OK, fnas_batches_get(place->context, &batches, (fnas_value_shape){1, 2, 2}, &same));
    assert_memory_equal(same, images, sizeof images);
    assert_memory_equal(same + 8, images, 4 * sizeof *images); /* and from the first again */
    assert_status(FNAS_OK, fnas_batches_get(place->context, &batches, (fnas_value_shape){1, 3, 3}, &larger));
    static const float expected[] = {1, 1.5f, 2, 2, 2.5f, 3, 3, 3.5f, 4};
    assert_memory_equal(larger, expected, sizeof expected);
    assert_status(FNAS_OK, fnas_batches_get(place->context, &batches, (fnas_value_shape){1, 3, 3}, &again));
    assert_ptr_equal(larger, again);
    assert_status(FNAS_ERR_INTERNAL, fnas_batches_get(place->context, &batches, (fnas_value_shape){3, 3, 3}, &again));
    fnas_batches_free(&batches);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_resizing), fnas_test(test_onednn), fnas_test(test_onednn_plain), fnas_test(test_blas),
                                       fnas_test(test_unit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
