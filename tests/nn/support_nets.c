#include "nn/support_nets.h"

#include "base/memory.h"

static int32_t add_parameter(test_net *test, const char *what, int rank, int64_t a, int64_t b, int64_t c, int64_t d) {
    char name[64];
    int32_t handle = FNAS_PARAMETER_NONE;
    snprintf(name, sizeof name, "%s%d", what, (int)test->parameters.item_count);
    int64_t shape[4] = {a, b, c, d};
    assert_int_equal(
        fnas_parameters_add(test->context, &test->parameters, name, rank, shape, FNAS_INIT_FAN_IN_UNIFORM, rank == 1 ? 4 : 0, &handle),
        FNAS_OK);
    return handle;
}

static fnas_gate next_gate(test_net *test) {
    fnas_gate gate = {(int32_t)test->onehot_size, NET_ROW, (int32_t)fnas_random_below(&test->random, NET_ROW)};
    test->onehot_size += NET_ROW;
    return gate;
}

static fnas_gate maybe_gate(test_net *test) {
    return fnas_random_below(&test->random, 4) ? next_gate(test) : FNAS_UNGATED;
}

static fnas_norm_spec make_norm(test_net *test, int64_t channels, bool affine) {
    fnas_norm_spec norm = {.present = true, .gamma = FNAS_PARAMETER_NONE, .beta = FNAS_PARAMETER_NONE, .epsilon = 1e-5f};
    if (affine) {
        norm.gamma = add_parameter(test, "gamma", 1, channels, 1, 1, 1);
        norm.beta = add_parameter(test, "beta", 1, channels, 1, 1, 1);
    }
    return norm;
}

/* One site or two, of rows of their own or of one that has a site already. */
static void maybe_sites(test_net *test) {
    for (int64_t count = fnas_random_below(&test->random, 5) - 2; count > 0; count--) {
        if (test->site.count == 0 || fnas_random_below(&test->random, 2)) test->site = next_gate(test);
        fnas_net_add_site(test->net, test->site);
    }
}

/* A convolution that keeps the shape, with a random slice of a parameter that is often larger: its centre, or what transforms make of that.
 */
static fnas_value random_conv(test_net *test, fnas_value source, fnas_value into) {
    fnas_random *random = &test->random;
    int64_t width = test->net->values[source].c, whole = 3 + 2 * fnas_random_below(random, 3),
            kernel = 1 + 2 * fnas_random_below(random, 2);
    bool depthwise = fnas_random_below(random, 4) == 0, normed = fnas_random_below(random, 3) != 0;
    int64_t more_out = fnas_random_below(random, 2) * 3, more_in = depthwise ? 0 : fnas_random_below(random, 2) * 2;
    fnas_conv_spec conv = {
        .out = width, .in = depthwise ? 1 : width, .kernel = kernel, .stride = 1, .padding = kernel / 2, .groups = depthwise ? width : 1};
    conv.weight = add_parameter(test, "weight", 4, width + more_out, conv.in + more_in, whole, whole);
    if (kernel == 3 && fnas_random_below(random, 2)) {
        if (whole == 7) conv.transforms[conv.transform_count++] = add_parameter(test, "to5x5_", 2, 25, 25, 1, 1);
        conv.transforms[conv.transform_count++] = add_parameter(test, "to3x3_", 2, 9, 9, 1, 1);
    }
    conv.bias = fnas_random_below(random, 2) ? add_parameter(test, "bias", 1, width + more_out, 1, 1, 1) : FNAS_PARAMETER_NONE;
    fnas_norm_spec norm = {.present = false};
    if (normed) norm = make_norm(test, width, fnas_random_below(random, 2));
    into = fnas_net_conv(test->net, source, into, &conv, normed ? &norm : NULL, maybe_gate(test));
    maybe_sites(test);
    return into;
}

static fnas_value random_contribution(test_net *test, fnas_value source, fnas_value relu, fnas_value into) {
    switch (fnas_random_below(&test->random, 7)) {
    case 3:
        return random_conv(test, fnas_net_hard_swish(test->net, source), into);
    case 0:
        return fnas_net_identity(test->net, source, into, maybe_gate(test));
    case 1:
        return fnas_net_average_pool(test->net, source, into, 3, 1, 1, maybe_gate(test));
    case 2:
        return random_conv(test, source, into);
    default:
        return random_conv(test, relu, into);
    }
}

static fnas_value random_sum(test_net *test, const fnas_value *sources, int64_t count, bool zeros) {
    fnas_random *random = &test->random;
    fnas_value into = FNAS_VALUE_NEW, relu = FNAS_VALUE_NEW;
    fnas_value shared = sources[fnas_random_below(random, count)];
    int64_t terms = zeros && fnas_random_below(random, 2) == 0 ? 0 : 1 + fnas_random_below(random, 4);
    if (terms > 0) relu = fnas_net_relu(test->net, shared);
    fnas_value_shape shape = test->net->values[shared];
    if (terms == 0 || fnas_random_below(random, 2)) into = fnas_net_zero(test->net, shape, into, next_gate(test));
    for (int64_t term = 0; term < terms; term++)
        into = random_contribution(test, fnas_random_below(random, 2) ? shared : sources[fnas_random_below(random, count)], relu, into);
    if (fnas_random_below(random, 3) == 0) into = fnas_net_zero(test->net, shape, into, next_gate(test));
    return into;
}

static fnas_value reduction(test_net *test, fnas_value source) {
    int64_t width = test->net->values[source].c, out = width + 5;
    fnas_norm_spec norm = make_norm(test, out, true);
    fnas_conv_spec main = {.weight = add_parameter(test, "main", 4, out, width, 3, 3),
                           .bias = FNAS_PARAMETER_NONE,
                           .out = out,
                           .in = width,
                           .kernel = 3,
                           .stride = 2,
                           .padding = 1,
                           .groups = 1};
    fnas_conv_spec shortcut = {.weight = add_parameter(test, "shortcut", 4, out, width, 1, 1),
                               .bias = FNAS_PARAMETER_NONE,
                               .out = out,
                               .in = width,
                               .kernel = 1,
                               .stride = 1,
                               .padding = 0,
                               .groups = 1};
    fnas_value value = fnas_net_conv(test->net, source, FNAS_VALUE_NEW, &main, &norm, FNAS_UNGATED);
    fnas_value pooled = fnas_net_average_pool(test->net, source, FNAS_VALUE_NEW, 2, 2, 0, FNAS_UNGATED);
    return fnas_net_conv(test->net, pooled, value, &shortcut, NULL, FNAS_UNGATED);
}

static void record(test_net *test, bool zeros) {
    fnas_conv_spec stem = {.weight = add_parameter(test, "stem", 4, NET_WIDTH, 3, 3, 3),
                           .bias = FNAS_PARAMETER_NONE,
                           .out = NET_WIDTH,
                           .in = 3,
                           .kernel = 3,
                           .stride = 1,
                           .padding = 1,
                           .groups = 1};
    fnas_norm_spec norm = make_norm(test, NET_WIDTH, true);
    fnas_value values[4] = {fnas_net_conv(test->net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED)};
    for (int stage = 0; stage < 2; stage++) {
        for (int i = 1; i < 4; i++) values[i] = random_sum(test, values, i, zeros && i < 3);
        values[0] = stage ? values[3] : reduction(test, values[3]);
    }
    fnas_norm_spec head = make_norm(test, test->net->values[values[0]].c, true);
    fnas_value value = fnas_net_norm(test->net, values[0], &head);
    maybe_sites(test);
    value = fnas_net_relu(test->net, value);
    value = fnas_net_global_pool(test->net, value);
    int64_t features = test->net->values[value].c, more = fnas_random_below(&test->random, 2) * 3;
    int32_t weight = add_parameter(test, "head", 2, NET_CLASSES, features + more, 1, 1),
            bias = add_parameter(test, "head_bias", 1, NET_CLASSES, 1, 1, 1);
    fnas_net_linear(test->net, value, weight, bias, NET_CLASSES);
}

static void fill(test_net *test) {
    int64_t pixels = NET_IMAGES * 3 * NET_SIDE * NET_SIDE;
    test->images = fnas_allocate((size_t)pixels, sizeof(float));
    test->images64 = fnas_allocate((size_t)pixels, sizeof(double));
    test->weights64 = fnas_allocate((size_t)test->parameters.float_count, sizeof(double));
    test->onehot = fnas_allocate((size_t)test->onehot_size, sizeof(double));
    for (int64_t i = 0; i < pixels; i++) {
        test->images[i] = (float)fnas_random_normal(&test->random);
        test->images64[i] = test->images[i];
    }
    for (int64_t i = 0; i < test->parameters.float_count; i++) test->weights64[i] = test->parameters.values[i];
    for (int64_t i = 0; i < NET_IMAGES; i++) test->labels[i] = (int32_t)fnas_random_below(&test->random, NET_CLASSES);
    for (int64_t i = 0; i < test->net->node_count; i++) {
        fnas_gate gate = test->net->nodes[i].gate;
        if (gate.first >= 0) test->onehot[gate.first + gate.selected] = 1.0;
    }
    for (int64_t i = 0; i < test->net->site_count; i++)
        test->onehot[test->net->sites[i].gate.first + test->net->sites[i].gate.selected] = 1.0;
}

test_net *test_net_create(fnas_context *context, uint64_t seed, bool zeros) {
    test_net *test = calloc(1, sizeof *test);
    assert_non_null(test);
    test->context = context;
    test->random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, zeros);
    assert_int_equal(fnas_net_create(context, (fnas_value_shape){3, NET_SIDE, NET_SIDE}, &test->net), FNAS_OK);
    record(test, zeros);
    if (fnas_net_finish(context, test->net) != FNAS_OK) fail_msg("seed %d: %s", (int)seed, fnas_context_message(context));
    assert_int_equal(fnas_parameters_allocate(context, &test->parameters), FNAS_OK);
    fnas_parameters_initialise(&test->parameters, seed);
    fill(test);
    return test;
}

void test_net_free(test_net *test) {
    fnas_net_destroy(test->net);
    fnas_parameters_free(&test->parameters);
    fnas_free(test->images);
    fnas_free(test->images64);
    fnas_free(test->weights64);
    fnas_free(test->onehot);
    free(test);
}

double test_net_reference(test_net *test, const double *onehot, double smoothing, double *weight_gradient, double *gate_gradient) {
    fnas_reference_request request = {.net = test->net,
                                      .layout = &test->parameters,
                                      .parameters = test->weights64,
                                      .onehot = onehot,
                                      .images = test->images64,
                                      .labels = test->labels,
                                      .n = NET_IMAGES,
                                      .label_smoothing = smoothing,
                                      .weight_gradient = weight_gradient,
                                      .gate_gradient = gate_gradient};
    fnas_path_result result;
    assert_int_equal(fnas_path_run_reference(test->context, &request, &result), FNAS_OK);
    return result.loss;
}

fnas_path_request test_net_request(test_net *test) {
    return (fnas_path_request){
        .net = test->net, .parameters = &test->parameters, .n = NET_IMAGES, .images = test->images, .labels = test->labels, .scale = 1.0f};
}
