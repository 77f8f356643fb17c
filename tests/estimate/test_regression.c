/* The Gaussian process against its formulas, computed another way, and on functions that it must learn. */
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

static double covariance(const fnas_kernel *kernel, const double *a, const double *b) {
    double product = 0, distance = 0;
    for (int k = 0; k < WIDTH; k++) {
        product += a[k] * b[k] / WIDTH;
        distance += (a[k] - b[k]) * (a[k] - b[k]) / WIDTH;
    }
    return product + kernel->curved * exp(-distance / (2 * kernel->length * kernel->length));
}

/* Gauss and Jordan with pivots: x becomes the solution of a x = x; a is used up. */
static void solve(int n, double *a, double *x) {
    for (int c = 0; c < n; c++) {
        int pivot = c;
        for (int r = c; r < n; r++)
            if (fabs(a[r * n + c]) > fabs(a[pivot * n + c])) pivot = r;
        for (int k = 0; k < n; k++) {
            double kept = a[c * n + k];
            a[c * n + k] = a[pivot * n + k];
            a[pivot * n + k] = kept;
        }
        double kept = x[c];
        x[c] = x[pivot];
        x[pivot] = kept;
        for (int r = 0; r < n; r++) {
            if (r == c) continue;
            double factor = a[r * n + c] / a[c * n + c];
            for (int k = 0; k < n; k++) a[r * n + k] -= factor * a[c * n + k];
            x[r] -= factor * x[c];
        }
    }
    for (int c = 0; c < n; c++) x[c] /= a[c * n + c];
}

static void kernel_matrix(const fnas_kernel *kernel, const double *features, double *matrix) {
    for (int i = 0; i < KNOWN; i++)
        for (int j = 0; j < KNOWN; j++)
            matrix[i * KNOWN + j] = covariance(kernel, features + i * WIDTH, features + j * WIDTH) + (i == j ? kernel->noise : 0);
}

/* With the kernel that was found: mean k^T K^-1 y, variance k(x, x) - k^T K^-1 k. */
static void test_posterior_follows_its_formulas(void **state) {
    fnas_test_place *place = *state;
    double features[COUNT * WIDTH], values[KNOWN], mean[COUNT], deviation[COUNT], centre = 0;
    double matrix[KNOWN * KNOWN], weights[KNOWN];
    int64_t rows[KNOWN];
    fill(11, features);
    for (int i = 0; i < KNOWN; i++) {
        rows[i] = i;
        values[i] = 40 + 3 * features[i * WIDTH] + 2 * sin(2 * features[i * WIDTH + 1]);
        centre += values[i] / KNOWN;
    }
    fnas_kernel kernel = {0};
    assert_status(FNAS_OK, fnas_regress(place->context, COUNT, WIDTH, features, KNOWN, rows, values, &kernel, mean, deviation));
    kernel_matrix(&kernel, features, matrix);
    for (int i = 0; i < KNOWN; i++) weights[i] = values[i] - centre;
    solve(KNOWN, matrix, weights);
    double amplitude = 0;
    for (int i = 0; i < KNOWN; i++) amplitude += (values[i] - centre) * weights[i] / KNOWN;
    for (int i = 0; i < COUNT; i++) {
        double expected = centre, across[KNOWN], told = 0, column[KNOWN];
        for (int j = 0; j < KNOWN; j++) {
            column[j] = across[j] = covariance(&kernel, features + i * WIDTH, features + j * WIDTH);
            expected += across[j] * weights[j];
        }
        kernel_matrix(&kernel, features, matrix);
        solve(KNOWN, matrix, across);
        for (int j = 0; j < KNOWN; j++) told += across[j] * column[j];
        double variance = amplitude * (covariance(&kernel, features + i * WIDTH, features + i * WIDTH) - told);
        assert_float_equal(mean[i], expected, 1e-6);
        assert_float_equal(deviation[i], sqrt(fmax(0, variance)), 1e-4);
    }
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
    fnas_kernel kernel = {0};
    assert_status(FNAS_OK, fnas_regress(place->context, COUNT, WIDTH, features, known, rows, values, &kernel, mean, deviation));
    double squares = 0;
    for (int64_t i = known; i < COUNT; i++) squares += (mean[i] - truth[i]) * (mean[i] - truth[i]);
    assert_true(sqrt(squares / (double)(COUNT - known)) < 0.3); /* the function's own deviation is 6 */
    assert_true(kernel.noise < 0.02);
}

static void test_refuses_what_says_nothing(void **state) {
    fnas_test_place *place = *state;
    double features[COUNT * WIDTH], values[3] = {5, 5, 5}, mean[COUNT], deviation[COUNT];
    int64_t rows[3] = {0, 1, 2};
    fill(13, features);
    fnas_kernel kernel = {0};
    assert_status(FNAS_ERR_NUMERIC, fnas_regress(place->context, COUNT, WIDTH, features, 3, rows, values, &kernel, mean, deviation));
    assert_message("all the same");
    values[1] = (double)NAN;
    assert_status(FNAS_ERR_NUMERIC, fnas_regress(place->context, COUNT, WIDTH, features, 3, rows, values, &kernel, mean, deviation));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_posterior_follows_its_formulas),
        fnas_test(test_learns_a_smooth_function),
        fnas_test(test_refuses_what_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
