/* What a path is given: images of another size than the network's, and what a teacher says of them. */
#include <math.h>

#include "base/memory.h"
#include "data/resize.h"
#include "nn/support_nets.h"

/* ---- images of another size ---- */

enum { HIGH = 11, WIDE = 6, CHANNELS = 3, GIVEN = NET_IMAGES * CHANNELS * HIGH * WIDE };

typedef struct given_images {
    test_net *test;
    fnas_worker worker;
    float *weights; /* [2][float_count] */
    float images[GIVEN];
} given_images;

static given_images *given_create(fnas_test_place *place) {
    given_images *given = calloc(1, sizeof *given);
    assert_non_null(given);
    given->test = test_net_create(place->context, 21, false);
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &given->worker));
    given->weights = fnas_allocate(2 * (size_t)given->test->parameters.float_count, sizeof(float));
    for (int i = 0; i < GIVEN; i++) given->images[i] = (float)fnas_random_normal(&given->test->random);
    return given;
}

static void given_free(given_images *given) {
    fnas_free(given->weights);
    fnas_worker_destroy(&given->worker);
    test_net_free(given->test);
    free(given);
}

static fnas_path_request given_request(given_images *given) {
    fnas_path_request request = test_net_request(given->test);
    request.images = given->images;
    request.image_shape = (fnas_value_shape){CHANNELS, HIGH, WIDE};
    return request;
}

/* To the bit what the images give that were resized by hand, backward too, where they are read again; and no memory is asked for. */
static void test_images_are_resized(void **state) {
    fnas_test_place *place = *state;
    given_images *given = given_create(place);
    int64_t floats = given->test->parameters.float_count;
    float resized[NET_IMAGES * CHANNELS * NET_SIDE * NET_SIDE];
    fnas_resize_aligned(NET_IMAGES * CHANNELS, HIGH, WIDE, NET_SIDE, NET_SIDE, given->images, resized);
    fnas_path_request request = given_request(given);
    fnas_path_result result, by_hand;
    request.weight_gradient = given->weights;
    assert_status(FNAS_OK, fnas_path_run(place->context, &given->worker, &request, &result));
    request = test_net_request(given->test);
    request.images = resized;
    request.weight_gradient = given->weights + floats;
    assert_status(FNAS_OK, fnas_path_run(place->context, &given->worker, &request, &by_hand));
    assert_memory_equal(&result, &by_hand, sizeof result);
    assert_memory_equal(given->weights, given->weights + floats, (size_t)floats * sizeof(float));

    request = given_request(given);
    request.weight_gradient = given->weights;
    assert_status(FNAS_OK, fnas_path_run(place->context, &given->worker, &request, &result));
    int64_t before = fnas_arena_block_allocations(given->worker.activations) + fnas_arena_block_allocations(given->worker.plan);
    for (int i = 0; i < 3; i++) assert_status(FNAS_OK, fnas_path_run(place->context, &given->worker, &request, &result));
    assert_int_equal(fnas_arena_block_allocations(given->worker.activations) + fnas_arena_block_allocations(given->worker.plan), before);
    given_free(given);
}

/* Statistics are those of the resized images. */
static void test_recalibration_resizes(void **state) {
    fnas_test_place *place = *state;
    given_images *given = given_create(place);
    int64_t channels = given->test->net->norm_channels;
    float *memory = fnas_allocate(4 * (size_t)channels, sizeof *memory), resized[NET_IMAGES * CHANNELS * NET_SIDE * NET_SIDE];
    fnas_norm_state states[2] = {{memory, memory + channels}, {memory + 2 * channels, memory + 3 * channels}};
    const fnas_value_shape shape = {CHANNELS, HIGH, WIDE};
    fnas_resize_aligned(NET_IMAGES * CHANNELS, HIGH, WIDE, NET_SIDE, NET_SIDE, given->images, resized);
    assert_status(FNAS_OK, fnas_path_recalibrate(place->context, &given->worker, given->test->net, &given->test->parameters, NET_IMAGES, 2,
                                                 shape, given->images, &states[0]));
    assert_status(FNAS_OK, fnas_path_recalibrate(place->context, &given->worker, given->test->net, &given->test->parameters, NET_IMAGES, 2,
                                                 (fnas_value_shape){0}, resized, &states[1]));
    assert_memory_equal(memory, memory + 2 * channels, 2 * (size_t)channels * sizeof *memory);
    fnas_free(memory);
    given_free(given);
}

/* Faults are found by running once more: with the images in their place, although others have been there since. */
static void test_faults_with_resized_images(void **state) {
    fnas_test_place *place = *state;
    given_images *given = given_create(place);
    fnas_path_request request = given_request(given);
    fnas_path_result result;
    given->images[GIVEN - 1] = NAN;
    assert_status(FNAS_ERR_NUMERIC, fnas_path_run(place->context, &given->worker, &request, &result));
    assert_message("images hold a number");
    given->images[GIVEN - 1] = 0;
    fnas_parameters *parameters = &given->test->parameters;
    fnas_value logits = given->test->net->logits;
    int32_t head = FNAS_PARAMETER_NONE;
    for (int64_t i = 0; i < given->test->net->node_count; i++)
        if (given->test->net->nodes[i].result == logits) head = given->test->net->nodes[i].conv.weight;
    parameters->values[parameters->items[head].offset] = INFINITY;
    assert_status(FNAS_ERR_NUMERIC, fnas_path_run(place->context, &given->worker, &request, &result));
    assert_message("(linear ");
    request.image_shape.c = 1;
    assert_status(FNAS_ERR_INTERNAL, fnas_path_run(place->context, &given->worker, &request, &result));
    assert_message("images of 1x11x6");
    given_free(given);
}

/* ---- soft targets ---- */

/* As in test_path.c: layers deep and wide in single precision. */
#define LOSS_BOUND 2e-5
#define GRADIENT_BOUND 5e-4

/* Cross entropy is linear in the target: one that is a quarter one label and three quarters another has the sum of the reference's losses
 * and gradients with these labels. */
static void test_soft_targets(void **state) {
    fnas_test_place *place = *state;
    static const double share[3] = {0.4, 0.6 * 0.25, 0.6 * 0.75}; /* labels, first and second class of the teacher */
    test_net *test = test_net_create(place->context, 22, false);
    fnas_worker worker;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    int64_t floats = test->parameters.float_count;
    float *gradient = fnas_allocate((size_t)floats, sizeof *gradient), targets[NET_IMAGES * NET_CLASSES] = {0};
    double *expected = fnas_allocate((size_t)floats, sizeof *expected), *one = fnas_allocate((size_t)floats, sizeof *one), loss = 0;
    int32_t labels[3][NET_IMAGES];
    for (int i = 0; i < NET_IMAGES; i++) {
        labels[0][i] = test->labels[i];
        labels[1][i] = (test->labels[i] + 1 + i % 2) % NET_CLASSES;
        labels[2][i] = (test->labels[i] + 4) % NET_CLASSES;
        targets[i * NET_CLASSES + labels[1][i]] = 0.25f;
        targets[i * NET_CLASSES + labels[2][i]] = 0.75f;
    }
    fnas_path_request request = test_net_request(test);
    request.label_smoothing = 0.1f;
    request.soft_targets = targets;
    request.soft_weight = 0.6f;
    request.weight_gradient = gradient;
    fnas_path_result result;
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    for (int k = 0; k < 3; k++) {
        memcpy(test->labels, labels[k], sizeof labels[k]);
        memset(one, 0, (size_t)floats * sizeof *one);
        loss += share[k] * test_net_reference(test, NULL, k ? 0 : 0.1, one, NULL); /* labels are smoothed, teachers are not */
        for (int64_t i = 0; i < floats; i++) expected[i] += share[k] * one[i];
    }
    assert_true(fabs(result.loss - loss) <= LOSS_BOUND * fabs(loss));
    double largest = 0;
    for (int64_t i = 0; i < floats; i++) largest = fmax(largest, fabs(expected[i]));
    assert_true(largest > 1e-3);
    for (int64_t i = 0; i < floats; i++) assert_true(fabs(gradient[i] - expected[i]) <= GRADIENT_BOUND * largest);

    request.soft_weight = 1.5f;
    assert_status(FNAS_ERR_INTERNAL, fnas_path_run(place->context, &worker, &request, &result));
    assert_message("soft targets");
    fnas_free(gradient);
    fnas_free(expected);
    fnas_free(one);
    fnas_worker_destroy(&worker);
    test_net_free(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_images_are_resized), fnas_test(test_recalibration_resizes),
                                       fnas_test(test_faults_with_resized_images), fnas_test(test_soft_targets)};
    return cmocka_run_group_tests_name("path inputs", tests, NULL, NULL);
}
