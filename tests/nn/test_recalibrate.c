/* Recalibration: pooled statistics against those of one batch. */
#include <math.h>

#include "base/memory.h"
#include "nn/support_nets.h"

static void run_recalibration(fnas_test_place *place, test_net *test, int64_t chunk, float *memory) {
    fnas_worker worker;
    int64_t channels = test->net->norm_channels;
    fnas_norm_state state = {memory, memory + channels};
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    assert_status(FNAS_OK, fnas_path_recalibrate(place->context, &worker, test->net, &test->parameters, NET_IMAGES, chunk,
                                                 test->net->values[0], test->images, &state));
    fnas_worker_destroy(&worker);
}

/* One chunk: the statistics of the batch, to the bit (variance goes through double and back). */
static void test_one_chunk_is_the_batch(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 11, false);
    int64_t channels = test->net->norm_channels;
    float *memory = fnas_allocate(4 * (size_t)channels, sizeof *memory);
    fnas_norm_state batch = {memory + 2 * channels, memory + 3 * channels};
    fnas_worker worker;
    fnas_path_result result;
    fnas_path_request request = test_net_request(test);
    request.batch_statistics = &batch;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    fnas_worker_destroy(&worker);
    run_recalibration(place, test, 100, memory);
    for (int64_t i = 0; i < 2 * channels; i++) assert_float_equal(memory[i], memory[2 * channels + i], 2e-7 * fabs(memory[i]));
    fnas_free(memory);
    test_net_free(test);
}

/* Chunks of 2, 2 and 1 images: the first norm sees what it would see in one batch, so its pooled statistics are exactly the batch's;
 * later norms read activations that were normalised a chunk at a time, and differ from them. */
static void test_chunks_pool_exactly(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 11, false);
    int64_t channels = test->net->norm_channels;
    float *memory = fnas_allocate(4 * (size_t)channels, sizeof *memory);
    run_recalibration(place, test, 100, memory);
    run_recalibration(place, test, 2, memory + 2 * channels);
    double later = 0.0;
    for (int64_t i = 0; i < 2 * channels; i++) {
        double difference = fabs(memory[i] - memory[2 * channels + i]);
        if (i % channels < NET_WIDTH)
            assert_true(difference <= 1e-6 * (0.1 + fabs(memory[i])));
        else
            later = fmax(later, difference);
    }
    assert_true(later > 1e-4);
    fnas_free(memory);
    test_net_free(test);
}

static void test_nothing_to_recalibrate_on(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 11, false);
    assert_status(FNAS_ERR_INPUT, fnas_path_recalibrate(place->context, NULL, test->net, &test->parameters, 0, 4, test->net->values[0],
                                                        test->images, NULL));
    test_net_free(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_one_chunk_is_the_batch), fnas_test(test_chunks_pool_exactly),
                                       fnas_test(test_nothing_to_recalibrate_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
