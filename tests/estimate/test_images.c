/* Images made smaller are means of pixels. */
#include "base/support.h"

#include <math.h>

#include "estimate/images.h"

static void test_means_of_pixels(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space;
    fnas_dataset *dataset;
    static float full[2 * 3 * 16 * 16], large[3 * 16 * 16], images[2 * 3 * 8 * 8];
    int32_t labels[2], label;
    const int64_t indices[2] = {17, 3};
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201:channels=4,cells=1,input=3x8x8", &space));
    assert_status(FNAS_OK, fnas_dataset_open(place->context, "synthetic:3x16x16,images=50", &dataset));
    assert_status(FNAS_OK, fnas_shrunk_check(place->context, space, dataset));
    assert_status(FNAS_OK, fnas_shrunk_fill(place->context, space, dataset, 2, indices, NULL, full, images, labels));
    for (int i = 0; i < 2; i++) {
        assert_status(FNAS_OK, fnas_dataset_image(place->context, dataset, indices[i], large, &label));
        assert_int_equal(label, labels[i]);
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < 8; x++) {
                    const float *at = large + c * 256 + 2 * y * 16 + 2 * x;
                    double mean = ((double)at[0] + at[1] + at[16] + at[17]) / 4;
                    assert_true(fabs((double)images[((i * 3 + c) * 8 + y) * 8 + x] - mean) < 1e-6);
                }
    }
    fnas_dataset_close(dataset);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_means_of_pixels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
