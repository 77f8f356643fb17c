/* ONNX files: bytes as the wire format says, accepted by Debian's checker, and the same logits in another runtime as by the naive executor.
 */
#include "base/support.h"

#include <math.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "export/onnx.h"
#include "export/protobuf_write.h"

#define BATCH 3
#define IN 2
#define MOST 4 /* channels */
#define SIDE 7
#define CLASSES 5
#define IMAGE_FLOATS (IN * SIDE * SIDE)

static void bytes_are_of_the_wire_format(void **state) {
    (void)state;
    fnas_protobuf message = {0}, part = {0};
    const float floats[1] = {1.5f};
    const int64_t integers[2] = {1, 300};
    fnas_protobuf_integer(&message, 1, 300);
    fnas_protobuf_integer(&message, 16, -1); /* ten bytes; a tag of two */
    fnas_protobuf_float(&message, 2, -2);
    fnas_protobuf_string(&part, 3, "ab");
    fnas_protobuf_message(&message, 4, &part);
    fnas_protobuf_floats(&message, 5, 1, floats);
    fnas_protobuf_integers(&message, 6, 2, integers);
    fnas_protobuf_raw_integers(&message, 7, 1, integers + 1);
    static const unsigned char expected[] = {
        0x08, 0xAC, 0x02,                                                       /* 1: 300 */
        0x80, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, /* 16: -1 */
        0x15, 0x00, 0x00, 0x00, 0xC0,                                           /* 2: -2.0 */
        0x22, 0x04, 0x1A, 0x02, 'a',  'b',                                      /* 4: {3: "ab"} */
        0x2A, 0x04, 0x00, 0x00, 0xC0, 0x3F,                                     /* 5: 1.5 as bytes */
        0x30, 0x01, 0x30, 0xAC, 0x02,                                           /* 6: 1, 300 */
        0x3A, 0x08, 0x2C, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,             /* 7: 300 as bytes */
    };
    assert_int_equal(message.size, sizeof expected);
    assert_memory_equal(message.data, expected, sizeof expected);
    assert_null(part.data);
    fnas_text_free(&message);
}

/* ---- a graph with every kind of node ---- */

typedef struct maker {
    fnas_graph *graph;
    fnas_random random;
} maker;

static int64_t draw(maker *making, int64_t count) {
    int64_t first = making->graph->weight_count;
    for (int64_t i = 0; i < count; i++) making->graph->weights[first + i] = (float)fnas_random_normal(&making->random) * 0.4f;
    making->graph->weight_count += count;
    return first;
}

static int32_t put(maker *making, fnas_graph_node node, int count, const int32_t *inputs) {
    fnas_graph *graph = making->graph;
    node.first_input = graph->input_count;
    node.input_count = count;
    for (int i = 0; i < count; i++) graph->inputs[graph->input_count++] = inputs[i];
    graph->nodes[graph->node_count] = node;
    return (int32_t)graph->node_count++;
}

static fnas_graph_node plain(fnas_graph_kind kind, int64_t channels, int64_t side) {
    return (fnas_graph_node){
        .kind = kind, .shape = {channels, side, side}, .groups = 1, .weights = FNAS_GRAPH_NONE, .bias = FNAS_GRAPH_NONE};
}

static int32_t put_conv(maker *making, int32_t source, int64_t out, int64_t side, int64_t kernel, int64_t stride, int64_t groups,
                        bool biased, fnas_activation activation) {
    fnas_graph_node node = plain(FNAS_GRAPH_CONV, out, side);
    node.kernel = kernel;
    node.stride = stride;
    node.padding = kernel / 2;
    node.groups = groups;
    node.activation = activation;
    node.weights = draw(making, out * making->graph->nodes[source].shape.c / groups * kernel * kernel);
    if (biased) node.bias = draw(making, out);
    return put(making, node, 1, &source);
}

static int32_t put_pool(maker *making, int32_t source, int64_t side, int64_t stride) {
    fnas_graph_node node = plain(FNAS_GRAPH_AVERAGE_POOL, MOST, side);
    node.kernel = 3;
    node.stride = stride;
    node.padding = 1;
    return put(making, node, 1, &source);
}

static int32_t put_scale(maker *making, int32_t source, int64_t side, bool biased) {
    fnas_graph_node node = plain(FNAS_GRAPH_SCALE_SHIFT, MOST, side);
    node.activation = biased ? FNAS_ACTIVATION_RELU : FNAS_ACTIVATION_NONE;
    node.weights = draw(making, MOST);
    if (biased) node.bias = draw(making, MOST);
    return put(making, node, 1, &source);
}

static int32_t put_activation(maker *making, int32_t source, fnas_activation activation) {
    fnas_graph_node node = plain(FNAS_GRAPH_ACTIVATION, MOST, SIDE);
    node.activation = activation;
    return put(making, node, 1, &source);
}

static int32_t put_excitation(maker *making, int32_t source) {
    int32_t squeezed = put(making, plain(FNAS_GRAPH_GLOBAL_POOL, MOST, 1), 1, &source);
    squeezed = put_conv(making, squeezed, MOST / 2, 1, 1, 1, 1, true, FNAS_ACTIVATION_RELU);
    int32_t factors = put_conv(making, squeezed, MOST, 1, 1, 1, 1, true, FNAS_ACTIVATION_HARD_SIGMOID);
    return put(making, plain(FNAS_GRAPH_CHANNEL_SCALE, MOST, SIDE), 2, (int32_t[]){source, factors});
}

/* with_head: ends in global pool and linear, else in the sum's ReLU, whose image is the logits. */
static void make_graph(fnas_graph *graph, bool with_head) {
    maker making = {graph, fnas_random_begin(5, FNAS_STREAM_MEASURE, 0, 0)};
    memset(graph, 0, sizeof *graph);
    graph->nodes = fnas_allocate(32, sizeof *graph->nodes);
    graph->inputs = fnas_allocate(64, sizeof *graph->inputs);
    graph->weights = fnas_allocate(4096, sizeof *graph->weights);
    assert_true(graph->nodes && graph->inputs && graph->weights);
    put(&making, plain(FNAS_GRAPH_INPUT, IN, SIDE), 0, NULL);
    int32_t stem = put_conv(&making, 0, MOST, SIDE, 3, 1, 1, true, FNAS_ACTIVATION_RELU);
    int32_t depthwise = put_conv(&making, stem, MOST, SIDE, 5, 1, MOST, false, FNAS_ACTIVATION_NONE);
    int32_t relu = put_activation(&making, depthwise, FNAS_ACTIVATION_RELU),
            swish = put_activation(&making, depthwise, FNAS_ACTIVATION_HARD_SWISH);
    int32_t excited = put_excitation(&making, swish);
    int32_t pool = put_pool(&making, stem, SIDE, 1);
    int32_t zero = put(&making, plain(FNAS_GRAPH_ZERO, MOST, SIDE), 0, NULL);
    int32_t of_zero = put_conv(&making, zero, MOST, SIDE, 1, 1, 2, true, FNAS_ACTIVATION_HARD_SWISH);
    int32_t scaled = put_scale(&making, pool, SIDE, true), unbiased = put_scale(&making, depthwise, SIDE, false);
    fnas_graph_node sum = plain(FNAS_GRAPH_ADD, MOST, SIDE);
    int32_t all = put(&making, sum, 7, (int32_t[]){relu, pool, of_zero, scaled, unbiased, excited, pool});
    int32_t half = put_conv(&making, all, MOST, 4, 3, 2, 1, false, FNAS_ACTIVATION_NONE), coarse = put_pool(&making, all, 4, 2);
    sum = plain(FNAS_GRAPH_ADD, MOST, 4);
    sum.activation = FNAS_ACTIVATION_RELU;
    int32_t last = put(&making, sum, 2, (int32_t[]){half, coarse});
    if (!with_head) return;
    int32_t mean = put(&making, plain(FNAS_GRAPH_GLOBAL_POOL, MOST, 1), 1, &last);
    fnas_graph_node linear = plain(FNAS_GRAPH_LINEAR, CLASSES, 1);
    linear.weights = draw(&making, CLASSES * MOST);
    linear.bias = draw(&making, CLASSES);
    put(&making, linear, 1, &mean);
}

static void free_graph(fnas_graph *graph) {
    fnas_free(graph->nodes);
    fnas_free(graph->inputs);
    fnas_free(graph->weights);
}

/* Runs a program; its exit code. */
static int run(const char *format, const char *first, const char *second, const char *third, const char *fourth) {
    char command[2048];
    snprintf(command, sizeof command, format, first, second, third, fourth);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *write_graph(fnas_test_place *place, bool with_head, const char *name) {
    fnas_graph graph;
    make_graph(&graph, with_head);
    const char *path = fnas_test_path(place, name);
    size_t size_bytes = 0;
    assert_status(FNAS_OK, fnas_onnx_write(place->context, &graph, BATCH, path, &size_bytes));
    unsigned char *data;
    size_t read_bytes;
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 1 << 20, &data, &read_bytes));
    assert_int_equal(read_bytes, size_bytes);
    fnas_free(data);
    free_graph(&graph);
    return path;
}

static void equal_graphs_give_equal_bytes(void **state) {
    fnas_test_place *place = *state;
    fnas_text bytes[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        fnas_graph graph;
        make_graph(&graph, true);
        assert_status(FNAS_OK, fnas_onnx_encode(place->context, &graph, BATCH, &bytes[i]));
        free_graph(&graph);
    }
    assert_int_equal(bytes[0].size, bytes[1].size);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].size);
    fnas_text_free(&bytes[0]);
    fnas_text_free(&bytes[1]);
}

static void what_cannot_be_a_model_is_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_graph graph;
    fnas_text bytes = {0};
    make_graph(&graph, true);
    assert_status(FNAS_ERR_INTERNAL, fnas_onnx_encode(place->context, &graph, 0, &bytes));
    graph.weight_count = INT64_C(1) << 29;
    assert_status(FNAS_ERR_INPUT, fnas_onnx_encode(place->context, &graph, 1, &bytes));
    assert_non_null(strstr(fnas_context_message(place->context), "2 GiB"));
    assert_null(bytes.data);
    free_graph(&graph);
}

/* A scale, or a kernel, that is missing is none of zeros. */
static void missing_weights_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_graph graph;
    int tried = 0;
    make_graph(&graph, true);
    for (int64_t i = 0; i < graph.node_count; i++) {
        fnas_text bytes = {0};
        char complaint[64];
        int64_t weights = graph.nodes[i].weights;
        if (weights == FNAS_GRAPH_NONE) continue;
        graph.nodes[i].weights = FNAS_GRAPH_NONE;
        snprintf(complaint, sizeof complaint, "node %lld of a graph has no weights", (long long)i);
        assert_status(FNAS_ERR_INTERNAL, fnas_onnx_encode(place->context, &graph, BATCH, &bytes));
        assert_message(complaint);
        graph.nodes[i].weights = weights;
        fnas_text_free(&bytes);
        tried++;
    }
    assert_int_equal(tried, 9); /* six convolutions, two scales, a linear layer */
    free_graph(&graph);
}

static void the_checker_takes_it(void **state) {
    fnas_test_place *place = *state;
    const char *whole = write_graph(place, true, "whole.onnx"), *headless = write_graph(place, false, "headless.onnx");
    int code = run("/usr/bin/python3 %s/check_onnx.py %s %s", FNAS_TEST_ROOT "/tests/export", whole, headless, "");
    if (code == 77) {
        print_message("skipped: python3-onnx is not installed\n");
        skip();
    }
    assert_int_equal(code, 0);
}

static void compare_logits(fnas_test_place *place, const char *backend, const float *images) {
    fnas_graph graph;
    make_graph(&graph, true);
    double wide[BATCH * IMAGE_FLOATS], expected[BATCH * CLASSES], largest = 0;
    for (int64_t i = 0; i < BATCH * IMAGE_FLOATS; i++) wide[i] = (double)images[i];
    assert_status(FNAS_OK, fnas_graph_run_reference(place->context, &graph, BATCH, wide, expected));
    unsigned char *data;
    size_t size_bytes;
    assert_status(FNAS_OK, fnas_file_read(place->context, fnas_test_path(place, "logits.f32"), 1 << 20, &data, &size_bytes));
    assert_int_equal(size_bytes, BATCH * CLASSES * sizeof(float));
    for (int64_t i = 0; i < BATCH * CLASSES; i++) largest = fmax(largest, fabs(expected[i]));
    for (int64_t i = 0; i < BATCH * CLASSES; i++) {
        float value;
        memcpy(&value, data + (size_t)i * sizeof value, sizeof value);
        if (!(fabs((double)value - expected[i]) <= 1e-5 * largest)) /* a dozen sums of some forty products in f32 */
            fail_msg("%s: logit %d is %g, expected %g", backend, (int)i, (double)value, expected[i]);
    }
    fnas_free(data);
    free_graph(&graph);
}

static void another_runtime_gives_the_same_logits(void **state) {
    fnas_test_place *place = *state;
    static const char *const backends[] = {"native", "wasm"};
    const char *runner = FNAS_TEST_ROOT "/build/runners/onnxruntime.js";
    if (!fnas_file_exists(runner)) {
        print_message("skipped: the runners are not installed (make runners)\n");
        skip();
    }
    float images[BATCH * IMAGE_FLOATS];
    fnas_random random = fnas_random_begin(6, FNAS_STREAM_MEASURE, 0, 0);
    for (int i = 0; i < BATCH * IMAGE_FLOATS; i++) images[i] = (float)fnas_random_normal(&random);
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, fnas_test_path(place, "images.f32"), images, sizeof images));
    write_graph(place, true, "model.onnx");
    for (int i = 0; i < 2; i++) {
        char command[1024];
        snprintf(command, sizeof command, "cd %s && node %s --backend %s model.onnx images.f32 logits.f32 > answer", place->folder, runner,
                 backends[i]);
        assert_int_equal(run("%s", command, "", "", ""), 0);
        compare_logits(place, backends[i], images);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_of_the_wire_format),
        fnas_test(equal_graphs_give_equal_bytes),
        fnas_test(what_cannot_be_a_model_is_refused),
        fnas_test(missing_weights_are_refused),
        fnas_test(the_checker_takes_it),
        fnas_test(another_runtime_gives_the_same_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
