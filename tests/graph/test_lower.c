/* Lowering: the graph on the naive executor gives the logits of the net it came from, with what is needless gone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "graph/graph.h"

#define IMAGES 3
#define CLASSES 5
#define SIDE 8
#define CHANNELS 6
#define SEED 11

typedef struct fixture {
    fnas_context *context;
    fnas_parameters parameters;
    int32_t stem, kernel, bias, depthwise, transform, gamma, beta, weight, offset;
    fnas_net *net;
} fixture;

static int32_t add(fixture *f, const char *name, int rank, const int64_t *shape) {
    int32_t index;
    assert_int_equal(fnas_parameters_add(f->context, &f->parameters, name, rank, shape, FNAS_INIT_FAN_IN_UNIFORM, 4, &index), FNAS_OK);
    return index;
}

static void begin(fixture *f) {
    memset(f, 0, sizeof *f);
    assert_int_equal(fnas_context_create(&f->context), FNAS_OK);
    f->stem = add(f, "stem", 4, (int64_t[]){CHANNELS, 2, 3, 3});
    f->kernel = add(f, "kernel", 4, (int64_t[]){CHANNELS + 2, CHANNELS + 1, 3, 3}); /* larger than what is used: slices */
    f->bias = add(f, "bias", 1, (int64_t[]){CHANNELS + 2});
    f->depthwise = add(f, "depthwise", 4, (int64_t[]){CHANNELS, 1, 5, 5});
    f->transform = add(f, "transform", 2, (int64_t[]){9, 9});
    f->gamma = add(f, "gamma", 1, (int64_t[]){CHANNELS});
    f->beta = add(f, "beta", 1, (int64_t[]){CHANNELS});
    f->weight = add(f, "weight", 2, (int64_t[]){CLASSES, CHANNELS});
    f->offset = add(f, "offset", 1, (int64_t[]){CLASSES});
    assert_int_equal(fnas_parameters_allocate(f->context, &f->parameters), FNAS_OK);
    fnas_parameters_initialise(&f->parameters, SEED);
    assert_int_equal(fnas_net_create(f->context, (fnas_value_shape){2, SIDE, SIDE}, &f->net), FNAS_OK);
}

static void end(fixture *f) {
    fnas_net_destroy(f->net);
    fnas_parameters_free(&f->parameters);
    fnas_context_destroy(f->context);
}

static fnas_norm_spec plain_norm(void) {
    return (fnas_norm_spec){true, FNAS_PARAMETER_NONE, FNAS_PARAMETER_NONE, 1e-5f};
}

static fnas_norm_spec affine_norm(const fixture *f) {
    return (fnas_norm_spec){true, f->gamma, f->beta, 1e-5f};
}

static fnas_value stem(fixture *f) {
    fnas_conv_spec conv = {
        .weight = f->stem, .bias = FNAS_PARAMETER_NONE, .out = CHANNELS, .in = 2, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};
    fnas_norm_spec norm = affine_norm(f);
    return fnas_net_conv(f->net, 0, FNAS_VALUE_NEW, &conv, &norm, FNAS_UNGATED);
}

/* Kernel 1 takes the centre taps of the 3x3 parameter. */
static fnas_value conv(fixture *f, fnas_value source, fnas_value into, int64_t kernel, int64_t stride, bool biased) {
    fnas_conv_spec spec = {.weight = f->kernel,
                           .bias = biased ? f->bias : FNAS_PARAMETER_NONE,
                           .out = CHANNELS,
                           .in = CHANNELS,
                           .kernel = kernel,
                           .stride = stride,
                           .padding = kernel / 2,
                           .groups = 1};
    fnas_norm_spec norm = plain_norm();
    return fnas_net_conv(f->net, source, into, &spec, &norm, (fnas_gate){0, 5, 2});
}

static void head(fixture *f, fnas_value source) {
    fnas_norm_spec norm = affine_norm(f);
    fnas_value last = fnas_net_relu(f->net, fnas_net_norm(f->net, source, &norm));
    fnas_net_linear(f->net, fnas_net_global_pool(f->net, last), f->weight, f->offset, CLASSES);
    assert_int_equal(fnas_net_finish(f->context, f->net), FNAS_OK);
}

/* Statistics of any kind: means about 0, variances about 1; zeros where nothing arrives would be chance, so those are given by `dead`. */
static void draw_statistics(const fixture *f, fnas_norm_state *state) {
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_TEST, 1, 0);
    for (int64_t c = 0; c < f->net->norm_channels; c++) {
        state->mean[c] = (float)(0.3 * fnas_random_normal(&random));
        state->variance[c] = (float)(0.5 + fnas_random_uniform(&random));
    }
}

static int64_t count_kind(const fnas_graph *graph, fnas_graph_kind kind) {
    int64_t count = 0;
    for (int64_t i = 0; i < graph->node_count; i++) count += graph->nodes[i].kind == kind;
    return count;
}

/* Of one image: convolutions, linear layers and the latter's biases. */
static int64_t count_macs(const fnas_graph *graph) {
    int64_t macs = 0;
    for (int64_t i = 0; i < graph->node_count; i++) {
        const fnas_graph_node *node = &graph->nodes[i];
        if (node->kind != FNAS_GRAPH_CONV && node->kind != FNAS_GRAPH_LINEAR) continue;
        int64_t sources = fnas_graph_source_shape(graph, i).c;
        macs += node->kind == FNAS_GRAPH_CONV
                    ? node->shape.c * (sources / node->groups) * node->kernel * node->kernel * node->shape.h * node->shape.w
                    : node->shape.c * (sources + (node->bias != FNAS_GRAPH_NONE));
    }
    return macs;
}

/* Lowers with these statistics, compares logits with those of the net, and gives the graph to look at. */
static fnas_graph *lower_and_compare(fixture *f, const fnas_norm_state *state) {
    fnas_graph *graph;
    double images[IMAGES * 2 * SIDE * SIDE], expected[IMAGES * CLASSES], logits[IMAGES * CLASSES];
    double *weights = fnas_allocate((size_t)f->parameters.float_count, sizeof *weights);
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_TEST, 2, 0);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = fnas_random_normal(&random);
    for (int64_t i = 0; i < f->parameters.float_count; i++) weights[i] = f->parameters.values[i];
    fnas_reference_request request = {.net = f->net,
                                      .layout = &f->parameters,
                                      .parameters = weights,
                                      .images = images,
                                      .n = IMAGES,
                                      .logits = expected,
                                      .statistics = state};
    fnas_path_result result;
    assert_int_equal(fnas_path_run_reference(f->context, &request, &result), FNAS_OK);
    assert_int_equal(fnas_graph_lower(f->context, f->net, &f->parameters, state, &graph), FNAS_OK);
    assert_int_equal(fnas_graph_run_reference(f->context, graph, IMAGES, images, logits), FNAS_OK);
    double most = 0, difference = 0;
    for (int i = 0; i < IMAGES * CLASSES; i++) {
        most = fmax(most, fabs(expected[i]));
        difference = fmax(difference, fabs(expected[i] - logits[i]));
    }
    /* Folded weights are rounded to f32: 2^-24 each, a few layers deep. */
    if (difference > 2e-6 * most) print_error("largest difference %g of %g\n", difference, most);
    assert_true(difference <= 2e-6 * most);
    fnas_free(weights);
    return graph;
}

static void test_cell(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    fnas_value a = stem(&f);
    fnas_value relu = fnas_net_relu(f.net, a);
    fnas_value b = conv(&f, relu, FNAS_VALUE_NEW, 3, 1, true);
    fnas_net_average_pool(f.net, a, b, 3, 1, 1, (fnas_gate){5, 5, 4});
    fnas_net_identity(f.net, a, b, (fnas_gate){5, 5, 1});
    fnas_value c = conv(&f, fnas_net_relu(f.net, b), FNAS_VALUE_NEW, 1, 1, false);
    fnas_net_identity(f.net, b, c, (fnas_gate){5, 5, 1});
    fnas_net_zero(f.net, f.net->values[c], c, (fnas_gate){5, 5, 0});
    fnas_value reduced = conv(&f, fnas_net_relu(f.net, c), FNAS_VALUE_NEW, 3, 2, true);
    fnas_conv_spec depthwise = {.weight = f.depthwise,
                                .bias = FNAS_PARAMETER_NONE,
                                .out = CHANNELS,
                                .in = 1,
                                .kernel = 5,
                                .stride = 1,
                                .padding = 2,
                                .groups = CHANNELS};
    fnas_norm_spec norm = plain_norm();
    fnas_value middle = fnas_net_conv(f.net, reduced, FNAS_VALUE_NEW, &depthwise, &norm, FNAS_UNGATED);
    depthwise.kernel = 3;
    depthwise.padding = 1;
    depthwise.transforms[depthwise.transform_count++] = f.transform; /* drawn: not the identity */
    head(&f, fnas_net_conv(f.net, middle, FNAS_VALUE_NEW, &depthwise, &norm, FNAS_UNGATED));
    float means[64], variances[64];
    fnas_norm_state statistics = {means, variances};
    assert_true(f.net->norm_channels <= 64);
    draw_statistics(&f, &statistics);
    fnas_graph *graph = lower_and_compare(&f, &statistics);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_CONV), 6);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_ADD), 2);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_ACTIVATION),
                     2); /* of a and b, which are read otherwise too; of c and of the head they are fused */
    assert_int_equal(count_kind(graph, FNAS_GRAPH_ZERO), 0);
    int64_t pixels = SIDE * SIDE, weights3 = CHANNELS * CHANNELS * 9;
    assert_int_equal(count_macs(graph), pixels * (CHANNELS * 2 * 9 + weights3 + CHANNELS * CHANNELS) +
                                            pixels / 4 * (weights3 + CHANNELS * 25 + CHANNELS * 9) + CLASSES * (CHANNELS + 1));
    fnas_graph_destroy(graph);
    end(&f);
}

/* What nothing reads, what reads zeros, and ReLUs of one value under two names. */
static void test_needless(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    fnas_value a = stem(&f);
    fnas_value zero = fnas_net_zero(f.net, f.net->values[a], FNAS_VALUE_NEW, (fnas_gate){0, 5, 0});
    fnas_value alias = fnas_net_identity(f.net, a, FNAS_VALUE_NEW, (fnas_gate){0, 5, 1});
    fnas_value sum = conv(&f, fnas_net_relu(f.net, a), FNAS_VALUE_NEW, 3, 1, false);
    conv(&f, fnas_net_relu(f.net, alias), sum, 1, 1, false);
    fnas_net_average_pool(f.net, zero, sum, 3, 1, 1, (fnas_gate){0, 5, 4});
    conv(&f, fnas_net_relu(f.net, a), FNAS_VALUE_NEW, 3, 1, true); /* dead end */
    head(&f, sum);
    float means[64], variances[64];
    fnas_norm_state statistics = {means, variances};
    draw_statistics(&f, &statistics);
    fnas_graph *graph = lower_and_compare(&f, &statistics);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_CONV), 3);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_AVERAGE_POOL), 0);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_ACTIVATION), 0); /* both became that of the stem */
    assert_int_equal(graph->nodes[1].activation, FNAS_ACTIVATION_RELU);
    assert_int_equal(graph->nodes[graph->node_count - 1].kind, FNAS_GRAPH_LINEAR);
    fnas_graph_destroy(graph);
    end(&f);
}

/* A convolution of zeros is zero only if its folded bias is: with a mean it is a constant, which must stay. */
static void test_zero_with_bias(void **state) {
    (void)state;
    for (int with_mean = 0; with_mean < 2; with_mean++) {
        fixture f;
        begin(&f);
        fnas_value a = stem(&f);
        fnas_value zero = fnas_net_zero(f.net, f.net->values[a], FNAS_VALUE_NEW, (fnas_gate){0, 5, 0});
        fnas_value sum = conv(&f, fnas_net_relu(f.net, zero), FNAS_VALUE_NEW, 3, 1, false);
        fnas_net_identity(f.net, a, sum, (fnas_gate){0, 5, 1});
        head(&f, sum);
        float means[64], variances[64];
        fnas_norm_state statistics = {means, variances};
        draw_statistics(&f, &statistics);
        if (!with_mean) memset(means + CHANNELS, 0, CHANNELS * sizeof *means); /* the second norm's */
        fnas_graph *graph = lower_and_compare(&f, &statistics);
        assert_int_equal(count_kind(graph, FNAS_GRAPH_CONV), 1 + with_mean);
        assert_int_equal(count_kind(graph, FNAS_GRAPH_ZERO), with_mean);
        fnas_graph_destroy(graph);
        end(&f);
    }
}

/* Squeeze and excitation, and a head of two linear layers: activations are fused, the linear layers before the last are convolutions of a
 * pixel, and each node knows its part. */
static void test_excitation(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    fnas_value a = fnas_net_hard_swish(f.net, stem(&f));
    fnas_net_begin_part(f.net, 3);
    fnas_value squeezed = fnas_net_linear(f.net, fnas_net_global_pool(f.net, a), f.kernel, f.bias, CHANNELS - 2);
    squeezed = fnas_net_relu(f.net, squeezed);
    fnas_value factors = fnas_net_hard_sigmoid(f.net, fnas_net_linear(f.net, squeezed, f.kernel, f.bias, CHANNELS));
    fnas_value scaled = fnas_net_channel_scale(f.net, a, factors);
    fnas_value sum = fnas_net_identity(f.net, a, FNAS_VALUE_NEW, FNAS_UNGATED);
    conv(&f, scaled, sum, 3, 1, true);
    fnas_net_begin_part(f.net, 4);
    fnas_value mixed = fnas_net_hard_swish(
        f.net, fnas_net_linear(f.net, fnas_net_global_pool(f.net, sum), f.kernel, FNAS_PARAMETER_NONE, CHANNELS));
    fnas_net_linear(f.net, mixed, f.weight, f.offset, CLASSES);
    assert_int_equal(fnas_net_finish(f.context, f.net), FNAS_OK);
    float means[64], variances[64];
    fnas_norm_state statistics = {means, variances};
    draw_statistics(&f, &statistics);
    fnas_graph *graph = lower_and_compare(&f, &statistics);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_ACTIVATION), 0);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_CHANNEL_SCALE), 1);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_LINEAR), 1);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_CONV), 5);
    assert_int_equal(graph->nodes[1].activation, FNAS_ACTIVATION_HARD_SWISH);
    for (int64_t i = 1; i < graph->node_count; i++) assert_int_equal(graph->nodes[i].part, i == 1 ? 0 : i <= 7 ? 3 : 4);
    assert_int_equal(graph->nodes[7].kind, FNAS_GRAPH_ADD);
    assert_int_equal(graph->nodes[4].activation, FNAS_ACTIVATION_HARD_SIGMOID);
    fnas_graph_destroy(graph);
    end(&f);
}

/* Factors of zeros are a half, not zero: nothing may be dropped behind a hard sigmoid. */
static void test_zero_factors(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    fnas_value a = stem(&f);
    fnas_value zero = fnas_net_zero(f.net, f.net->values[a], FNAS_VALUE_NEW, FNAS_UNGATED);
    fnas_value factors = fnas_net_hard_sigmoid(
        f.net, fnas_net_linear(f.net, fnas_net_global_pool(f.net, zero), f.kernel, FNAS_PARAMETER_NONE, CHANNELS));
    head(&f, fnas_net_channel_scale(f.net, a, factors));
    float means[64], variances[64];
    fnas_norm_state statistics = {means, variances};
    draw_statistics(&f, &statistics);
    fnas_graph *graph = lower_and_compare(&f, &statistics);
    assert_int_equal(count_kind(graph, FNAS_GRAPH_CHANNEL_SCALE), 1);
    fnas_graph_destroy(graph);
    end(&f);
}

static void test_bad_statistics(void **state) {
    (void)state;
    fixture f;
    begin(&f);
    head(&f, stem(&f));
    float means[64] = {0}, variances[64];
    for (int i = 0; i < 64; i++) variances[i] = 1;
    fnas_norm_state statistics = {means, variances};
    fnas_graph *graph;
    variances[1] = NAN;
    assert_int_equal(fnas_graph_lower(f.context, f.net, &f.parameters, &statistics, &graph), FNAS_ERR_NUMERIC);
    assert_null(graph);
    assert_non_null(strstr(fnas_context_message(f.context), "channel 1"));
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cell),           cmocka_unit_test(test_needless),
                                       cmocka_unit_test(test_zero_with_bias), cmocka_unit_test(test_excitation),
                                       cmocka_unit_test(test_zero_factors),   cmocka_unit_test(test_bad_statistics)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
