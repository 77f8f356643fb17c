/* Functions that the regression must learn, and what it refuses (tests/estimate/test_gaussian_process.c holds the process to its formulas).
 */
#include "base/support.h"

#include <math.h>

#include "base/random.h"
#include "estimate/regression.h"

#define WIDTH 4
#define COUNT 60
#define KNOWN 25

static void fill(uint64_t seed, double *features) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 0);
    for (int i = 0; i < COUNT * WIDTH; i++) features[i] = fnas_random_normal(&random);
}

static fnas_estimate_candidates candidates_of(double *features) {
    return (fnas_estimate_candidates){.archs = {.count = COUNT}, .features = WIDTH, .own_features = WIDTH - 1, .feature = features};
}

/* Where the function is smooth and hardly noisy the others are told well, and the likelihood finds little noise. */
static void test_learns_a_smooth_function(void **state) {
    fnas_test_place *place = *state;
    double features[COUNT * WIDTH], truth[COUNT], values[KNOWN + 15], mean[COUNT], deviation[COUNT];
    int64_t rows[KNOWN + 15], known = KNOWN + 15;
    fill(12, features);
    for (int i = 0; i < COUNT; i++) truth[i] = 10 + 5 * features[i * WIDTH] - 4 * features[i * WIDTH + 2] + 0.5 * features[i * WIDTH + 1];
    for (int64_t i = 0; i < known; i++) {
        rows[i] = i;
        values[i] = truth[i];
    }
    const fnas_estimate_candidates candidates = candidates_of(features);
    assert_status(FNAS_OK, fnas_regress(place->context, &candidates, known, rows, values, mean, deviation));
    double squares = 0;
    for (int64_t i = known; i < COUNT; i++) squares += (mean[i] - truth[i]) * (mean[i] - truth[i]);
    assert_true(sqrt(squares / (double)(COUNT - known)) < 0.3); /* the function's own deviation is 6 */
    for (int64_t i = 0; i < COUNT; i++) assert_true(deviation[i] >= 0 && deviation[i] < 3 && (i < known || deviation[i] > 0));
}

static void test_refuses_what_says_nothing(void **state) {
    fnas_test_place *place = *state;
    double features[COUNT * WIDTH], values[3] = {5, 5, 5}, mean[COUNT], deviation[COUNT];
    int64_t rows[3] = {0, 1, 2};
    fill(13, features);
    const fnas_estimate_candidates candidates = candidates_of(features);
    assert_status(FNAS_ERR_NUMERIC, fnas_regress(place->context, &candidates, 3, rows, values, mean, deviation));
    assert_message("all the same");
    values[1] = (double)NAN;
    assert_status(FNAS_ERR_NUMERIC, fnas_regress(place->context, &candidates, 3, rows, values, mean, deviation));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_learns_a_smooth_function),
        fnas_test(test_refuses_what_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
