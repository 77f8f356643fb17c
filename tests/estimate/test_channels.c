/* Covariances of channels where rounding could take over. */
#include "base/support.h"

#include <math.h>

#include "base/random.h"
#include "estimate/channels.h"

#define CHANNELS 5
#define SIDE 8
#define IMAGES 2

/* A channel that is constant, however large, correlates with nothing; one that is negative is as one that is 0. */
static void test_constant_channels(void **state) {
    fnas_test_place *place = *state;
    const fnas_shape shape = {IMAGES, CHANNELS, SIDE, SIDE};
    fnas_random random = fnas_random_begin(5, FNAS_STREAM_TEST, 0, 0);
    static float plain[IMAGES * CHANNELS * SIDE * SIDE], blocked[IMAGES * 16 * SIDE * SIDE];
    fnas_channels channels = {0};
    fnas_worker worker;
    for (int i = 0; i < IMAGES * CHANNELS * SIDE * SIDE; i++) {
        int channel = i / (SIDE * SIDE) % CHANNELS;
        double noise = fnas_random_normal(&random);
        plain[i] = (float)(channel == 0 ? 3.1 : channel == 1 ? 1000.7 : channel == 2 ? -1 - noise * noise : 10 + noise);
    }
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    fnas_layout_pack(fnas_engine_block(worker.engine), shape, plain, blocked);
    assert_status(FNAS_OK, fnas_channels_covary(place->context, &worker, shape, blocked, &channels));
    fnas_channels_correlate(CHANNELS, &channels);
    for (int a = 0; a < CHANNELS; a++)
        for (int b = 0; b < CHANNELS; b++) {
            double value = channels.covariance[a * CHANNELS + b];
            if (a < 3 || b < 3)
                assert_true(value == 0);
            else
                assert_true(a == b ? fabs(value - 1) < 1e-9 : fabs(value) < 0.5);
        }
    assert_status(FNAS_OK, fnas_channels_decompose(place->context, CHANNELS, &channels));
    assert_float_equal(channels.eigenvalues[0], 0, 1e-12);
    fnas_channels_free(&channels);
    fnas_worker_destroy(&worker);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_constant_channels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
