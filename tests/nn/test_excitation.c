/* Hard swish, hard sigmoid, channel scale and activations of plain values in a running path, against the naive one, forward and backward;
 * and what cannot be. */
#include "base/support.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/path.h"

#define IMAGES 3
#define CHANNELS 12 /* no whole blocks */
#define SQUEEZED 5
#define CLASSES 4
#define SIDE 6

typedef struct fixture {
    fnas_parameters parameters;
    int32_t stem, reduce, reduce_bias, excite, excite_bias, mix, head, head_bias;
    fnas_net *net;
} fixture;

static int32_t add(fnas_test_place *place, fixture *f, const char *name, int rank, const int64_t *shape) {
    int32_t index;
    assert_status(FNAS_OK, fnas_parameters_add(place->context, &f->parameters, name, rank, shape, FNAS_INIT_FAN_IN_UNIFORM, 2, &index));
    return index;
}

static void begin(fnas_test_place *place, fixture *f) {
    memset(f, 0, sizeof *f);
    f->stem = add(place, f, "stem", 4, (int64_t[]){CHANNELS, 2, 3, 3});
    f->reduce = add(place, f, "reduce", 4, (int64_t[]){SQUEEZED + 2, CHANNELS + 3, 1, 1}); /* slices are used */
    f->reduce_bias = add(place, f, "reduce.bias", 1, (int64_t[]){SQUEEZED + 2});
    f->excite = add(place, f, "excite", 4, (int64_t[]){CHANNELS + 3, SQUEEZED + 2, 1, 1});
    f->excite_bias = add(place, f, "excite.bias", 1, (int64_t[]){CHANNELS + 3});
    f->mix = add(place, f, "mix", 4, (int64_t[]){CHANNELS, CHANNELS, 1, 1});
    f->head = add(place, f, "head", 2, (int64_t[]){CLASSES, CHANNELS});
    f->head_bias = add(place, f, "head.bias", 1, (int64_t[]){CLASSES});
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &f->parameters));
    fnas_parameters_initialise(&f->parameters, 8);
    assert_status(FNAS_OK, fnas_net_create(place->context, (fnas_value_shape){2, SIDE, SIDE}, &f->net));
}

static void end(fixture *f) {
    fnas_net_destroy(f->net);
    fnas_parameters_free(&f->parameters);
}

static fnas_value stem(fixture *f) {
    fnas_conv_spec conv = {
        .weight = f->stem, .bias = FNAS_PARAMETER_NONE, .out = CHANNELS, .in = 2, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};
    fnas_norm_spec norm = {true, FNAS_PARAMETER_NONE, FNAS_PARAMETER_NONE, 1e-5f};
    return fnas_net_hard_swish(f->net, fnas_net_conv(f->net, 0, FNAS_VALUE_NEW, &conv, &norm, FNAS_UNGATED));
}

static void record(fnas_test_place *place, fixture *f) {
    fnas_value x = stem(f);
    fnas_net_begin_part(f->net, 7);
    fnas_value squeezed = fnas_net_relu(f->net,
                                        fnas_net_linear(f->net, fnas_net_global_pool(f->net, x), f->reduce, f->reduce_bias, SQUEEZED));
    fnas_value factors = fnas_net_hard_sigmoid(f->net, fnas_net_linear(f->net, squeezed, f->excite, f->excite_bias, CHANNELS));
    fnas_value scaled = fnas_net_channel_scale(f->net, x, factors);
    fnas_value mixed = fnas_net_hard_swish(
        f->net, fnas_net_linear(f->net, fnas_net_global_pool(f->net, scaled), f->mix, FNAS_PARAMETER_NONE, CHANNELS));
    fnas_net_linear(f->net, mixed, f->head, f->head_bias, CLASSES);
    assert_status(FNAS_OK, fnas_net_finish(place->context, f->net));
}

static void draw_images(float *images, double *wide) {
    fnas_random random = fnas_random_begin(8, FNAS_STREAM_TEST, 0, 0);
    for (int i = 0; i < IMAGES * 2 * SIDE * SIDE; i++) {
        images[i] = (float)fnas_random_normal(&random);
        wide[i] = images[i];
    }
}

static void test_path_agrees_with_reference(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    float images[IMAGES * 2 * SIDE * SIDE], logits[IMAGES * CLASSES];
    double wide[IMAGES * 2 * SIDE * SIDE], expected[IMAGES * CLASSES], *weights, most = 0;
    begin(place, &f);
    record(place, &f);
    draw_images(images, wide);
    weights = fnas_allocate((size_t)f.parameters.float_count, sizeof *weights);
    assert_non_null(weights);
    for (int64_t i = 0; i < f.parameters.float_count; i++) weights[i] = f.parameters.values[i];
    fnas_worker worker;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    fnas_path_request request = {.net = f.net, .parameters = &f.parameters, .n = IMAGES, .images = images, .logits = logits};
    fnas_reference_request naive = {
        .net = f.net, .layout = &f.parameters, .parameters = weights, .images = wide, .n = IMAGES, .logits = expected};
    fnas_path_result result;
    for (int run = 0; run < 2; run++) assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &naive, &result));
    for (int i = 0; i < IMAGES * CLASSES; i++) most = fmax(most, fabs(expected[i]));
    for (int i = 0; i < IMAGES * CLASSES; i++)
        if (!(fabs((double)logits[i] - expected[i]) <= 1e-5 * most))
            fail_msg("logit %d: %g, expected %g", i, (double)logits[i], expected[i]);
    fnas_worker_destroy(&worker);
    fnas_free(weights);
    end(&f);
}

/* ---- gradients ---- */

typedef struct gradients {
    float images[IMAGES * 2 * SIDE * SIDE], *values;
    double wide[IMAGES * 2 * SIDE * SIDE], *weights, *expected;
    fnas_reference_request naive;
} gradients;

static const int32_t labels[IMAGES] = {0, 1, 2};

static void begin_gradients(fixture *f, gradients *g) {
    size_t floats = (size_t)f->parameters.float_count;
    draw_images(g->images, g->wide);
    g->values = fnas_allocate(floats, sizeof *g->values);
    g->weights = fnas_allocate(floats, sizeof *g->weights);
    g->expected = fnas_allocate(floats, sizeof *g->expected);
    assert_true(g->values && g->weights && g->expected);
    for (size_t i = 0; i < floats; i++) g->weights[i] = f->parameters.values[i];
    g->naive = (fnas_reference_request){
        .net = f->net, .layout = &f->parameters, .parameters = g->weights, .images = g->wide, .labels = labels, .n = IMAGES};
}

static void end_gradients(gradients *g) {
    fnas_free(g->values);
    fnas_free(g->weights);
    fnas_free(g->expected);
}

/* Slices, the factors' path and the source's come together at the source of the channel scale. */
static void test_gradients_agree_with_reference(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    gradients g;
    double most = 0;
    begin(place, &f);
    record(place, &f);
    begin_gradients(&f, &g);
    fnas_worker worker;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    fnas_path_request request = {.net = f.net,
                                 .parameters = &f.parameters,
                                 .n = IMAGES,
                                 .images = g.images,
                                 .labels = labels,
                                 .scale = 1,
                                 .weight_gradient = g.values};
    fnas_path_result result;
    g.naive.weight_gradient = g.expected;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &g.naive, &result));
    for (int run = 0; run < 2; run++) {
        memset(g.values, 0, (size_t)f.parameters.float_count * sizeof *g.values);
        assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    }
    for (int64_t i = 0; i < f.parameters.float_count; i++) most = fmax(most, fabs(g.expected[i]));
    assert_true(most > 1e-3);
    for (int64_t i = 0; i < f.parameters.float_count; i++)
        if (!(fabs((double)g.values[i] - g.expected[i]) <= 2e-5 * most))
            fail_msg("gradient %d: %g, expected %g", (int)i, (double)g.values[i], g.expected[i]);
    fnas_worker_destroy(&worker);
    end_gradients(&g);
    end(&f);
}

/* Of one parameter, in double precision: the error is of the order of the step's square, but where a corner lies within the step. */
static double difference_of(fnas_test_place *place, gradients *g, int64_t at) {
    const double step = 1e-6, before = g->weights[at];
    fnas_path_result above, below;
    g->weights[at] = before + step;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &g->naive, &above));
    g->weights[at] = before - step;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &g->naive, &below));
    g->weights[at] = before;
    return (above.loss - below.loss) / (2 * step);
}

static void test_reference_equals_differences(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    gradients g;
    int64_t checked = 0;
    begin(place, &f);
    record(place, &f);
    begin_gradients(&f, &g);
    fnas_path_result result;
    g.naive.weight_gradient = g.expected;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &g.naive, &result));
    g.naive.weight_gradient = NULL;
    for (int64_t item = 0; item < f.parameters.item_count; item++) {
        const fnas_parameter *p = &f.parameters.items[item];
        for (int64_t i = 0; i < p->count; i += 1 + p->count / 9, checked++) {
            double numeric = difference_of(place, &g, p->offset + i), analytic = g.expected[p->offset + i];
            if (!(fabs(numeric - analytic) <= 1e-7))
                fail_msg("%s[%d]: gradient %.12g, central difference %.12g", p->name, (int)i, analytic, numeric);
        }
    }
    assert_true(checked > 40);
    end_gradients(&g);
    end(&f);
}

static void test_what_cannot_be_recorded(void **state) {
    fnas_test_place *place = *state;
    for (int wrong = 0; wrong < 3; wrong++) {
        fixture f;
        begin(place, &f);
        fnas_value x = stem(&f);
        fnas_value pooled = fnas_net_global_pool(f.net, x);
        if (wrong == 0) fnas_net_hard_sigmoid(f.net, x);
        if (wrong == 1) fnas_net_channel_scale(f.net, x, x);
        if (wrong == 2) fnas_net_channel_scale(f.net, x, fnas_net_linear(f.net, pooled, f.head, f.head_bias, CLASSES));
        fnas_net_linear(f.net, pooled, f.head, f.head_bias, CLASSES);
        assert_status(FNAS_ERR_INTERNAL, fnas_net_finish(place->context, f.net));
        assert_message(wrong == 0 ? "a hard sigmoid is for" : "a channel scale needs");
        end(&f);
    }
}

static void test_parts(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f);
    record(place, &f);
    assert_int_equal(f.net->nodes[0].part, 0);
    assert_int_equal(f.net->nodes[1].part, 0); /* the stem and its activation */
    for (int64_t i = 2; i < f.net->node_count; i++) assert_int_equal(f.net->nodes[i].part, 7);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_path_agrees_with_reference), fnas_test(test_gradients_agree_with_reference),
                                       fnas_test(test_reference_equals_differences), fnas_test(test_what_cannot_be_recorded),
                                       fnas_test(test_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
