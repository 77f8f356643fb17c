/* Optimisers against vectors worked out from the definitions (those of PyTorch) step by step in Python. */
#include <math.h>

#include "base/support.h"

#include "nn/optimiser.h"

#define N 2
static const float start[N] = {1.0f, -2.0f};
static const float gradients[3][N] = {{0.5f, -1.0f}, {0.25f, 0.5f}, {-1.0f, 2.0f}};

static void check(const float *weights, const double *expected) {
    for (int i = 0; i < N; i++) assert_float_equal(weights[i], expected[i], 4e-7 * fabs(expected[i]) + 1e-7);
}

static void test_sgd(void **state) {
    (void)state;
    const double expected[2][N] = {{0.911609749, -2.0131195}, {0.942869708, -2.15637842}};
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        fnas_sgd sgd = {.rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = nesterov};
        float weights[N], moment[N] = {0};
        memcpy(weights, start, sizeof start);
        for (int step = 0; step < 3; step++) fnas_sgd_step(&sgd, N, gradients[step], moment, weights);
        check(weights, expected[nesterov]);
    }
}

static void test_adam(void **state) {
    (void)state;
    const double expected[2][N] = {{0.865683152, -1.95628822}, {0.856228563, -1.93464363}};
    for (int decoupled = 0; decoupled < 2; decoupled++) {
        fnas_adam adam = {.rate = 0.1, .beta1 = 0.5, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.09, .decoupled = decoupled};
        float weights[N], moment1[N] = {0}, moment2[N] = {0};
        memcpy(weights, start, sizeof start);
        for (int step = 0; step < 3; step++) fnas_adam_step(&adam, step + 1, N, gradients[step], moment1, moment2, weights);
        check(weights, expected[decoupled]);
    }
}

/* The first step of Adam has the size of the rate, whatever the gradient's. */
static void test_adam_is_scale_free(void **state) {
    (void)state;
    fnas_adam adam = {.rate = 0.01, .beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-12};
    float weights[N] = {0}, moment1[N] = {0}, moment2[N] = {0}, gradient[N] = {1e-4f, -1e4f};
    fnas_adam_step(&adam, 1, N, gradient, moment1, moment2, weights);
    assert_float_equal(weights[0], -0.01, 1e-7);
    assert_float_equal(weights[1], 0.01, 1e-7);
}

static void test_cosine(void **state) {
    (void)state;
    assert_true(fnas_cosine(0.3, 0.1, 0, 10) == 0.3);
    assert_true(fnas_cosine(0.3, 0.1, 10, 10) == 0.1);
    assert_true(fnas_cosine(0.3, 0.1, 25, 10) == 0.1);
    assert_true(fnas_cosine(0.3, 0.1, 0, 0) == 0.1);
    assert_true(fabs(fnas_cosine(0.3, 0.1, 5, 10) - 0.2) < 1e-15);
    assert_true(fabs(fnas_cosine(1.0, 0.0, 1, 3) - 0.75) < 1e-15);
}

static void test_clipping(void **state) {
    (void)state;
    float gradient[19];
    for (int i = 0; i < 19; i++) gradient[i] = i % 2 ? 3.0f : -4.0f; /* 9 * 9 + 10 * 16 = 241 */
    assert_true(fabs(fnas_clip_global_norm(19, 100.0, gradient) - sqrt(241.0)) < 1e-12);
    assert_true(gradient[0] == -4.0f && gradient[18] == -4.0f);
    assert_true(fabs(fnas_clip_global_norm(19, 5.0, gradient) - sqrt(241.0)) < 1e-12);
    assert_true(fabs(fnas_clip_global_norm(19, 100.0, gradient) - 5.0) < 1e-6);
    assert_float_equal(gradient[1], 3.0 * 5.0 / sqrt(241.0), 1e-6);
    float wrong[2] = {NAN, 1.0f};
    assert_true(isnan(fnas_clip_global_norm(2, 1.0, wrong)));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sgd), cmocka_unit_test(test_adam), cmocka_unit_test(test_adam_is_scale_free),
                                       cmocka_unit_test(test_cosine), cmocka_unit_test(test_clipping)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
