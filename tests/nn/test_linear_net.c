/* Networks made linear: what they compute against the double-precision reference of the network that they are made of, their gradients
 * against the reference's and against differences. */
#include <math.h>

#include "base/memory.h"
#include "nn/linear_net.h"
#include "nn/support_nets.h"

enum { NETS = 30 };

static fnas_worker worker;

static int start_worker(void **state) {
    (void)state;
    return fnas_worker_create(NULL, FNAS_COMPUTE_F32, &worker) == FNAS_OK ? 0 : -1;
}

static int stop_worker(void **state) {
    (void)state;
    fnas_worker_destroy(&worker);
    return 0;
}

/* Sums of positive numbers, some 20 layers of up to a few hundred terms: each adds a rounding error or two of its own, 20 * 10 * 6e-8. */
#define BOUND 2e-5

static void make_positive(test_net *test) {
    for (int64_t i = 0; i < NET_IMAGES * 3 * NET_SIDE * NET_SIDE; i++) {
        test->images[i] = fabsf(test->images[i]);
        test->images64[i] = test->images[i];
    }
}

/* ---- the network itself, with |w|, norms that do nothing, and no biases ---- */

/* As they are drawn: |T w| is T |w| then. */
static void make_transforms_identities(test_net *test) {
    for (int64_t i = 0; i < test->parameters.item_count; i++) {
        const fnas_parameter *item = &test->parameters.items[i];
        if (strncmp(item->name, "to", 2) != 0) continue;
        for (int64_t k = 0; k < item->count; k++) {
            float value = k % (item->shape[1] + 1) == 0 ? 1.0f : 0.0f;
            test->parameters.values[item->offset + k] = value;
            test->weights64[item->offset + k] = value;
        }
    }
}

static void set_vector(test_net *test, int32_t handle, double value) {
    if (handle == FNAS_PARAMETER_NONE) return;
    const fnas_parameter *item = &test->parameters.items[handle];
    for (int64_t i = 0; i < item->count; i++) test->weights64[item->offset + i] = value;
}

/* Each parameter of these nets belongs to one node. Uniform weights are spread by 1 / sqrt(fan in). */
static void make_weights_linear(test_net *test, const fnas_node *node) {
    const fnas_parameter *item = &test->parameters.items[node->conv.weight];
    double whole = (double)(item->shape[1] * item->shape[2] * item->shape[3]),
           used = (double)(node->conv.in * node->conv.kernel * node->conv.kernel);
    for (int64_t i = 0; i < item->count; i++)
        test->weights64[item->offset + i] = fabs(test->weights64[item->offset + i]) * sqrt(whole / used);
}

static double linear_reference(test_net *test) {
    const fnas_net *net = test->net;
    float *mean = fnas_allocate((size_t)net->norm_channels, sizeof *mean),
          *variance = fnas_allocate((size_t)net->norm_channels, sizeof *mean);
    for (int64_t i = 0; i < net->node_count; i++) {
        fnas_node *node = &net->nodes[i];
        if (node->kind == FNAS_NODE_HARD_SWISH) node->kind = FNAS_NODE_RELU;
        if (node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR) {
            make_weights_linear(test, node);
            set_vector(test, node->conv.bias, 0);
        }
        if (!node->norm.present) continue;
        set_vector(test, node->norm.gamma, 1);
        set_vector(test, node->norm.beta, 0);
    }
    for (int64_t c = 0; c < net->norm_channels; c++) variance[c] = 1 - 1e-5f; /* with epsilon: 1 */
    fnas_reference_request request = {.net = net,
                                      .layout = &test->parameters,
                                      .parameters = test->weights64,
                                      .images = test->images64,
                                      .n = NET_IMAGES,
                                      .loss = FNAS_PATH_LOG_SUM,
                                      .statistics = &(fnas_norm_state){mean, variance}};
    fnas_path_result result;
    assert_int_equal(fnas_path_run_reference(test->context, &request, &result), FNAS_OK);
    fnas_free(mean);
    fnas_free(variance);
    return result.loss;
}

/* ---- the linear one ---- */

typedef struct doubles {
    double *weights, *gradient;
} doubles;

static double run_reference(const test_net *test, const fnas_linear_net *linear, const double *weights, double *gradient) {
    fnas_reference_request request = {.net = linear->net,
                                      .layout = &linear->parameters,
                                      .parameters = weights,
                                      .images = test->images64,
                                      .n = NET_IMAGES,
                                      .loss = FNAS_PATH_LOG_SUM,
                                      .weight_gradient = gradient};
    fnas_path_result result;
    assert_int_equal(fnas_path_run_reference(test->context, &request, &result), FNAS_OK);
    return result.loss;
}

static void compare_gradients(const test_net *test, const fnas_linear_net *linear, const float *gradient) {
    const fnas_parameters *parameters = &linear->parameters;
    size_t count = (size_t)parameters->float_count;
    doubles d = {fnas_allocate(count, sizeof(double)), fnas_allocate(count, sizeof(double))};
    for (size_t i = 0; i < count; i++) d.weights[i] = parameters->values[i];
    run_reference(test, linear, d.weights, d.gradient);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)gradient[i] - d.gradient[i]) <= BOUND * fabs(d.gradient[i])))
            fail_msg("gradient %d: %.9g, reference %.9g", (int)i, (double)gradient[i], d.gradient[i]);
    /* The reference itself, along a weight in the middle: log R is smooth, and its third derivative below a hundred times its first. */
    size_t at = (size_t)parameters->items[parameters->item_count / 2].offset;
    double step = 1e-4 * d.weights[at], kept = d.weights[at];
    d.weights[at] = kept + step;
    double above = run_reference(test, linear, d.weights, NULL);
    d.weights[at] = kept - step;
    double below = run_reference(test, linear, d.weights, NULL);
    assert_true(fabs((above - below) / (2 * step) - d.gradient[at]) <= 1e-6 * d.gradient[at]);
    fnas_free(d.weights);
    fnas_free(d.gradient);
}

static void test_linear_equals_reference(void **state) {
    fnas_test_place *place = *state;
    int64_t slices = 0;
    for (uint64_t seed = 0; seed < NETS; seed++) {
        test_net *test = test_net_create(place->context, 700 + seed, false);
        fnas_linear_net linear;
        fnas_path_result result;
        make_positive(test);
        make_transforms_identities(test);
        assert_status(FNAS_OK, fnas_linear_net_create(place->context, test->net, &test->parameters, &linear));
        float *gradient = fnas_allocate((size_t)linear.parameters.float_count, sizeof *gradient);
        fnas_path_request request = {.net = linear.net,
                                     .parameters = &linear.parameters,
                                     .n = NET_IMAGES,
                                     .images = test->images,
                                     .loss = FNAS_PATH_LOG_SUM,
                                     .scale = 1,
                                     .weight_gradient = gradient};
        assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
        double expected = linear_reference(test);
        if (!(fabs(result.loss - expected) <= BOUND)) fail_msg("seed %d: %.9g, reference %.9g", (int)seed, result.loss, expected);
        compare_gradients(test, &linear, gradient);
        for (int64_t i = 0; i < test->net->node_count; i++) {
            const fnas_node *node = &test->net->nodes[i];
            if (node->kind == FNAS_NODE_CONV) slices += test->parameters.items[node->conv.weight].shape[2] != node->conv.kernel;
        }
        fnas_free(gradient);
        fnas_linear_net_free(&linear);
        test_net_free(test);
    }
    assert_true(slices > NETS); /* else nothing was said about their spread */
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_linear_equals_reference)};
    return cmocka_run_group_tests(tests, start_worker, stop_worker);
}
