/* The supernet of NAS-Bench-201: what a recording leaves out is left out exactly; recordings run; the weights have their shapes. */
#include <math.h>

#include "base/memory.h"
#include "base/support.h"

#include "base/random.h"
#include "nn/path.h"
#include "space/nb201/nb201.h"

enum { IMAGES = 4, CELLS = 300, EDGES = 6, ONEHOT = 30 };
#define TINY "nb201:channels=2,cells=2,classes=3,input=2x8x8"

typedef struct supernet {
    fnas_space *space;
    fnas_parameters parameters;
    double *weights;
    double images[IMAGES * 2 * 8 * 8];
    int32_t labels[IMAGES];
} supernet;

/* Biases are multiples of 2^-8 and images a power of two in number, so that means over equal numbers are exact and zeros behind a norm are
 * zeros, as in exact arithmetic: rounding noise would pass a ReLU. Norms get uneven weights. */
static void fill(supernet *net) {
    fnas_random random = fnas_random_begin(8, FNAS_STREAM_TEST, 1, 0);
    net->weights = fnas_allocate((size_t)net->parameters.float_count, sizeof *net->weights);
    for (int64_t i = 0; i < net->parameters.item_count; i++) {
        const fnas_parameter *item = &net->parameters.items[i];
        for (int64_t j = 0; j < item->count; j++) {
            double value = fnas_random_normal(&random);
            float *entry = &net->parameters.values[item->offset + j];
            if (strstr(item->name, "bias")) *entry = (float)(round(value * 64.0) / 256.0);
            if (strstr(item->name, "gamma")) *entry = (float)(1.0 + 0.3 * value);
            if (strstr(item->name, "beta")) *entry = (float)(0.3 * value);
            net->weights[item->offset + j] = *entry;
        }
    }
    for (int i = 0; i < IMAGES * 2 * 8 * 8; i++) net->images[i] = fnas_random_normal(&random);
    for (int i = 0; i < IMAGES; i++) net->labels[i] = i % 3;
}

static supernet open_supernet(fnas_test_place *place, const char *spec) {
    supernet net = {0};
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &net.space));
    assert_status(FNAS_OK, fnas_space_declare(place->context, net.space, &net.parameters));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &net.parameters));
    fnas_parameters_initialise(&net.parameters, 4);
    return net;
}

static void close_supernet(supernet *net) {
    fnas_free(net->weights);
    fnas_parameters_free(&net->parameters);
    fnas_space_close(net->space);
}

static double run(fnas_test_place *place, supernet *net, const int32_t *choices, bool complete, const double *onehot, double *weights,
                  double *gates) {
    fnas_net *recorded = NULL;
    fnas_path_result result;
    assert_status(FNAS_OK, fnas_nb201_record_as(place->context, net->space, choices, complete, &recorded));
    fnas_reference_request request = {.net = recorded,
                                      .layout = &net->parameters,
                                      .parameters = net->weights,
                                      .onehot = onehot,
                                      .images = net->images,
                                      .labels = net->labels,
                                      .n = IMAGES,
                                      .weight_gradient = weights,
                                      .gate_gradient = gates};
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &request, &result));
    fnas_net_destroy(recorded);
    return result.loss;
}

static void compare(int64_t count, const double *left_out, const double *complete, const char *what, const char *text) {
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(left_out[i] - complete[i]) <= 1e-10))
            fail_msg("%s %d of %s: %.15g, completely %.15g", what, (int)i, text, left_out[i], complete[i]);
}

/* Kinds of cells: none favoured in every third, so that many are disconnected and have nodes fed by zeros. */
static void draw_cell(const fnas_space *space, int64_t index, int32_t *choices) {
    fnas_space_random(space, 77, index, choices);
    fnas_random random = fnas_random_begin(78, FNAS_STREAM_TEST, index, 0);
    for (int e = 0; index % 3 == 0 && e < EDGES; e++)
        if (fnas_random_below(&random, 2)) choices[e] = FNAS_NB201_NONE;
}

static void test_what_is_left_out_does_not_matter(void **state) {
    fnas_test_place *place = *state;
    supernet net = open_supernet(place, TINY);
    fill(&net);
    int64_t floats = net.parameters.float_count, shorter = 0;
    double *weights = fnas_allocate(2 * (size_t)floats, sizeof *weights);
    for (int64_t i = 0; i < CELLS; i++) {
        int32_t choices[EDGES];
        char text[FNAS_ARCH_TEXT_BYTES];
        double gates[2][ONEHOT] = {{0}};
        memset(weights, 0, 2 * (size_t)floats * sizeof *weights);
        draw_cell(net.space, i, choices);
        assert_status(FNAS_OK, fnas_space_format(place->context, net.space, choices, text, sizeof text));
        double left_out = run(place, &net, choices, false, NULL, weights, gates[0]);
        double complete = run(place, &net, choices, true, NULL, weights + floats, gates[1]);
        compare(1, &left_out, &complete, "loss", text);
        compare(floats, weights, weights + floats, "weight gradient", text);
        compare(ONEHOT, gates[0], gates[1], "gate gradient", text);
        fnas_net *nets[2];
        for (int k = 0; k < 2; k++) assert_status(FNAS_OK, fnas_nb201_record_as(place->context, net.space, choices, k, &nets[k]));
        assert_true(nets[0]->node_count <= nets[1]->node_count);
        shorter += nets[0]->node_count < nets[1]->node_count;
        for (int k = 0; k < 2; k++) fnas_net_destroy(nets[k]);
    }
    print_message("%d of %d cells are recorded shorter\n", (int)shorter, CELLS);
    assert_true(shorter > CELLS / 5);
    fnas_free(weights);
    close_supernet(&net);
}

/* The gate gradient of a connected cell is the derivative of the whole gated sum (central differences in D). */
static void test_gates_equal_differences(void **state) {
    fnas_test_place *place = *state;
    supernet net = open_supernet(place, TINY);
    fill(&net);
    for (int64_t i = 0; i < 4; i++) {
        int32_t choices[EDGES];
        double onehot[ONEHOT], gates[ONEHOT] = {0};
        fnas_space_random(net.space, 5, i, choices);
        choices[0] = FNAS_NB201_CONV3; /* nodes 1 and 2 are then never zero, where ReLU has a kink */
        choices[1] = FNAS_NB201_SKIP;
        fnas_space_to_onehot(net.space, choices, onehot);
        run(place, &net, choices, true, onehot, NULL, gates);
        for (int k = 0; k < ONEHOT; k++) {
            const double h = 1e-6, kept = onehot[k];
            onehot[k] = kept + h;
            double above = run(place, &net, choices, true, onehot, NULL, NULL);
            onehot[k] = kept - h;
            double below = run(place, &net, choices, true, onehot, NULL, NULL);
            onehot[k] = kept;
            double difference = (above - below) / (2.0 * h);
            if (!(fabs(difference - gates[k]) <= 1e-6 * (1.0 + fabs(gates[k]))))
                fail_msg("cell %d, entry %d: %.9g, difference %.9g", (int)i, k, gates[k], difference);
        }
    }
    close_supernet(&net);
}

/* The fast path on the demo's macro agrees with the reference, for cells of every kind. */
static void test_fast_paths(void **state) {
    fnas_test_place *place = *state;
    supernet net = open_supernet(place, TINY);
    fill(&net);
    fnas_worker worker;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    int64_t floats = net.parameters.float_count;
    float *weights = fnas_allocate((size_t)floats, sizeof *weights), images[IMAGES * 2 * 8 * 8];
    double *weights64 = fnas_allocate((size_t)floats, sizeof *weights64);
    for (int i = 0; i < IMAGES * 2 * 8 * 8; i++) net.images[i] = images[i] = (float)net.images[i];
    for (int64_t i = 0; i < 60; i++) {
        int32_t choices[EDGES];
        /* In a disconnected cell the gate gradients are sums to zero behind the last norm, of terms up to 1 / sqrt(epsilon) = 316 times
         * larger than the loss's own: what is left is rounding, some 316 * 6e-8. */
        double gates[2][ONEHOT] = {{0}}, size = 1e-3, gate_size = 0.05;
        fnas_net *recorded = NULL;
        fnas_path_result result;
        memset(weights, 0, (size_t)floats * sizeof *weights);
        memset(weights64, 0, (size_t)floats * sizeof *weights64);
        draw_cell(net.space, i, choices);
        double loss = run(place, &net, choices, false, NULL, weights64, gates[1]);
        assert_status(FNAS_OK, fnas_space_record(place->context, net.space, choices, &recorded));
        fnas_path_request request = {.net = recorded,
                                     .parameters = &net.parameters,
                                     .n = IMAGES,
                                     .images = images,
                                     .labels = net.labels,
                                     .scale = 1.0f,
                                     .weight_gradient = weights,
                                     .gate_gradient = gates[0]};
        assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
        assert_true(fabs(result.loss - loss) <= 2e-5 * loss);
        for (int64_t k = 0; k < floats; k++) size = fmax(size, fabs(weights64[k]));
        for (int k = 0; k < ONEHOT; k++) gate_size = fmax(gate_size, fabs(gates[1][k]));
        for (int64_t k = 0; k < floats; k++) assert_true(fabs(weights[k] - weights64[k]) <= 5e-4 * size);
        for (int k = 0; k < ONEHOT; k++) assert_true(fabs(gates[0][k] - gates[1][k]) <= 5e-4 * gate_size);
        fnas_net_destroy(recorded);
    }
    fnas_free(weights);
    fnas_free(weights64);
    fnas_worker_destroy(&worker);
    close_supernet(&net);
}

static int64_t count_parameters(const fnas_parameters *parameters) {
    int64_t count = 0;
    for (int64_t i = 0; i < parameters->item_count; i++) count += parameters->items[i].count;
    return count;
}

/* 1,454,880 weights in the cells of the benchmark's macro (method: 30 (2320 + 9248 + 36928)), and the skeleton's. */
static void test_shared_weights(void **state) {
    fnas_test_place *place = *state;
    supernet net = open_supernet(place, "nb201");
    assert_int_equal(count_parameters(&net.parameters), 1454880 + 464 + 14464 + 57600 + 778);
    int32_t edge = fnas_parameters_find(&net.parameters, "stage2.cell4.edge3_2.weight");
    assert_int_not_equal(edge, FNAS_PARAMETER_NONE);
    assert_int_equal(net.parameters.items[edge].shape[0], 64);
    assert_int_equal(net.parameters.items[edge].shape[3], 3);
    close_supernet(&net);
}

/* Only the chosen operations are recorded, from the parameters of their own edge; convolutions of a node share one ReLU. */
static void test_only_what_is_chosen(void **state) {
    fnas_test_place *place = *state;
    supernet net = open_supernet(place, "nb201:channels=4,cells=1,input=1x28x28");
    const char *text = "|nor_conv_1x1~0|+|nor_conv_3x3~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|none~2|";
    int32_t choices[EDGES];
    fnas_net *recorded = NULL;
    assert_status(FNAS_OK, fnas_space_parse(place->context, net.space, text, choices));
    assert_status(FNAS_OK, fnas_space_record(place->context, net.space, choices, &recorded));
    int64_t kinds[8] = {0}, gated = 0;
    for (int64_t i = 0; i < recorded->node_count; i++) {
        const fnas_node *node = &recorded->nodes[i];
        kinds[node->kind]++;
        gated += node->gate.first >= 0;
        if (node->kind != FNAS_NODE_CONV || node->gate.first < 0) continue;
        int edge = node->gate.first / 5;
        char suffix[32];
        snprintf(suffix, sizeof suffix, ".cell0.edge%d_%d.weight", fnas_nb201_target[edge], fnas_nb201_source[edge]);
        assert_non_null(strstr(net.parameters.items[node->conv.weight].name, suffix));
        assert_int_equal(node->conv.kernel, choices[edge] == FNAS_NB201_CONV1 ? 1 : 3);
        assert_int_equal(node->gate.selected, choices[edge]);
    }
    /* Node 2 leads nowhere: its two edges are left out. A cell: ReLU of nodes 0 and 1; 1x1 to node 1; pool, 3x3 and zero to node 3. */
    assert_int_equal(gated, 3 * 4);
    assert_int_equal(kinds[FNAS_NODE_CONV], 3 * 2 + 1 + 2 * 3);
    assert_int_equal(kinds[FNAS_NODE_RELU], 3 * 2 + 2 * 2 + 1);
    assert_int_equal(kinds[FNAS_NODE_AVERAGE_POOL], 3 + 2);
    assert_int_equal(kinds[FNAS_NODE_ZERO], 3);
    assert_int_equal(kinds[FNAS_NODE_IDENTITY], 0);
    assert_int_equal(recorded->values[recorded->logits].c, 10);
    fnas_net_destroy(recorded);
    close_supernet(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_what_is_left_out_does_not_matter), fnas_test(test_gates_equal_differences),
                                       fnas_test(test_fast_paths), fnas_test(test_shared_weights), fnas_test(test_only_what_is_chosen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
