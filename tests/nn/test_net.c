/* Recording: shapes, failures that are kept until the end, order. */
#include "base/support.h"

#include "nn/net.h"

static const fnas_norm_spec norm = {true, FNAS_PARAMETER_NONE, FNAS_PARAMETER_NONE, 1e-5f};

static fnas_conv_spec conv_of(int64_t out, int64_t in, int64_t kernel, int64_t stride) {
    return (fnas_conv_spec){.weight = 0,
                            .bias = FNAS_PARAMETER_NONE,
                            .out = out,
                            .in = in,
                            .kernel = kernel,
                            .stride = stride,
                            .padding = kernel / 2,
                            .groups = 1};
}

static fnas_net *make_net(fnas_test_place *place) {
    fnas_net *net = NULL;
    assert_status(FNAS_OK, fnas_net_create(place->context, (fnas_value_shape){3, 28, 28}, &net));
    return net;
}

static void test_shapes(void **state) {
    fnas_test_place *place = *state;
    fnas_net *net = make_net(place);
    fnas_conv_spec stem = conv_of(16, 3, 3, 1), down = conv_of(32, 16, 3, 2);
    fnas_value value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED);
    fnas_value half = fnas_net_conv(net, value, FNAS_VALUE_NEW, &down, NULL, FNAS_UNGATED);
    fnas_value pooled = fnas_net_average_pool(net, value, FNAS_VALUE_NEW, 2, 2, 0, FNAS_UNGATED);
    assert_int_equal(fnas_net_zero(net, (fnas_value_shape){32, 14, 14}, half, (fnas_gate){5, 5, 0}), half);
    fnas_value normed = fnas_net_norm(net, half, &norm);
    fnas_value flat = fnas_net_global_pool(net, normed);
    fnas_net_linear(net, flat, 0, 1, 10);
    assert_status(FNAS_OK, fnas_net_finish(place->context, net));
    assert_int_equal(net->values[value].h, 28);
    assert_int_equal(net->values[half].c, 32);
    assert_int_equal(net->values[half].h, 14);
    assert_int_equal(net->values[pooled].w, 14);
    assert_int_equal(net->norm_count, 2);
    assert_int_equal(net->norm_channels, 48);
    assert_int_equal(net->nodes[4].norm_offset, 16);
    assert_int_equal(net->nodes[4].norm_index, 1);
    assert_int_equal(net->nodes[1].norm_index, -1);
    assert_int_equal(net->values[net->logits].c, 10);
    assert_true(fnas_net_value_is_plain(net, flat) && !fnas_net_value_is_plain(net, normed));
    fnas_net_destroy(net);
}

/* The first failure is reported, whatever is recorded behind it. */
static void expect_failure(fnas_test_place *place, fnas_net *net, fnas_value value, const char *message) {
    value = fnas_net_global_pool(net, value);
    fnas_net_linear(net, value, 0, 1, 10);
    fnas_status status = fnas_net_finish(place->context, net);
    assert_int_not_equal(status, FNAS_OK);
    assert_message(message);
    fnas_net_destroy(net);
}

static void test_failures(void **state) {
    fnas_test_place *place = *state;
    fnas_conv_spec stem = conv_of(16, 3, 3, 1), wrong = conv_of(16, 8, 3, 1), large = conv_of(16, 3, 99, 1), down = conv_of(16, 16, 3, 2);
    large.padding = 0;

    fnas_net *net = make_net(place);
    fnas_value value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED);
    expect_failure(place, net, fnas_net_conv(net, value, FNAS_VALUE_NEW, &wrong, NULL, FNAS_UNGATED), "node 1: convolution of 8 inputs");

    net = make_net(place);
    expect_failure(place, net, fnas_net_conv(net, 0, FNAS_VALUE_NEW, &large, NULL, FNAS_UNGATED), "too small");

    net = make_net(place);
    value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED);
    expect_failure(place, net, fnas_net_conv(net, value, value, &down, NULL, FNAS_UNGATED), "does not fit value 1");

    net = make_net(place);
    expect_failure(place, net, fnas_net_relu(net, 0), "reads the image");

    net = make_net(place);
    value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, (fnas_gate){0, 5, 5});
    expect_failure(place, net, value, "gate selects 5 of 5");

    net = make_net(place);
    value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED);
    fnas_value relu = fnas_net_relu(net, value);
    fnas_net_identity(net, relu, value, FNAS_UNGATED);
    expect_failure(place, net, relu, "node 1 reads value 1 before node 2 adds to it");

    net = make_net(place);
    value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED);
    fnas_net_linear(net, value, 0, 1, 10);
    assert_status(FNAS_ERR_INTERNAL, fnas_net_finish(place->context, net));
    fnas_net_destroy(net);

    net = make_net(place);
    assert_status(FNAS_ERR_INTERNAL, fnas_net_finish(place->context, net));
    assert_message("linear");
    fnas_net_destroy(net);
}

static void test_sites(void **state) {
    fnas_test_place *place = *state;
    fnas_conv_spec stem = conv_of(16, 3, 3, 1);
    fnas_net *net = make_net(place), *copy;
    fnas_value value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED);
    fnas_net_add_site(net, (fnas_gate){3, 2, 1});
    fnas_net_add_site(net, (fnas_gate){5, 4, 0});
    fnas_net_linear(net, fnas_net_global_pool(net, value), 0, 1, 10);
    assert_status(FNAS_OK, fnas_net_finish(place->context, net));
    assert_status(FNAS_OK, fnas_net_copy(place->context, net, &copy));
    fnas_net_destroy(net);
    assert_int_equal(copy->site_count, 2);
    assert_int_equal(copy->sites[1].node, 0);
    assert_int_equal(copy->sites[1].gate.first, 5);
    fnas_net_destroy(copy);

    net = make_net(place);
    value = fnas_net_relu(net, fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED));
    fnas_net_add_site(net, (fnas_gate){3, 2, 1});
    expect_failure(place, net, value, "node 1: a site needs a convolution or a norm");

    net = make_net(place);
    value = fnas_net_conv(net, 0, FNAS_VALUE_NEW, &stem, &norm, FNAS_UNGATED);
    fnas_net_add_site(net, (fnas_gate){3, 2, 2});
    expect_failure(place, net, value, "node 0: gate selects 2 of 2");
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_shapes), fnas_test(test_failures), fnas_test(test_sites)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
