/* Scalarisation: values, and weights against central differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/scalarise.h"

enum { OBJECTIVES = 3 };
static const double preference[OBJECTIVES] = {0.5, 0.3, 0.2}, values[OBJECTIVES] = {0.4, 0.9, -0.1};

static void test_linear(void **state) {
    (void)state;
    double weights[OBJECTIVES];
    assert_float_equal(fnas_scalarise(FNAS_SCALARISE_LINEAR, OBJECTIVES, preference, values, weights), 0.2 + 0.27 - 0.02, 1e-15);
    for (int64_t m = 0; m < OBJECTIVES; m++) assert_float_equal(weights[m], preference[m], 0);
}

/* The worst weighted objective leads: 0.3 * 0.9 = 0.27, plus a twentieth of the linear 0.45. */
static void test_chebyshev(void **state) {
    (void)state;
    double weights[OBJECTIVES];
    assert_float_equal(fnas_scalarise(FNAS_SCALARISE_CHEBYSHEV, OBJECTIVES, preference, values, weights), 0.27 + 0.05 * 0.45, 1e-15);
    assert_float_equal(weights[1], 0.3 * 1.05, 1e-15);
    assert_float_equal(weights[0], 0.5 * 0.05, 1e-15);
}

static void test_weights_are_the_gradient(void **state) {
    (void)state;
    for (int kind = FNAS_SCALARISE_LINEAR; kind <= FNAS_SCALARISE_CHEBYSHEV; kind++) {
        double weights[OBJECTIVES], unused[OBJECTIVES], moved[OBJECTIVES] = {values[0], values[1], values[2]};
        (void)fnas_scalarise(kind, OBJECTIVES, preference, values, weights);
        for (int64_t m = 0; m < OBJECTIVES; m++) {
            moved[m] = values[m] + 1e-4;
            double high = fnas_scalarise(kind, OBJECTIVES, preference, moved, unused);
            moved[m] = values[m] - 1e-4;
            double low = fnas_scalarise(kind, OBJECTIVES, preference, moved, unused);
            moved[m] = values[m];
            assert_float_equal(weights[m], (high - low) / 2e-4, 1e-11);
        }
    }
}

/* What Chebyshev is for: of three points, (0.6, 0.6) lies in a dent of the front between (0, 1) and (1, 0). Linear never prefers it,
 * Chebyshev does. */
static void test_dent_is_reached(void **state) {
    (void)state;
    const double points[3][2] = {{0, 1}, {0.6, 0.6}, {1, 0}};
    double losses[2][3], weights[2];
    const double even[2] = {0.5, 0.5};
    for (int64_t p = 0; p < 3; p++) {
        losses[0][p] = fnas_scalarise(FNAS_SCALARISE_LINEAR, 2, even, points[p], weights);
        losses[1][p] = fnas_scalarise(FNAS_SCALARISE_CHEBYSHEV, 2, even, points[p], weights);
    }
    assert_true(losses[0][1] > losses[0][0] && losses[0][1] > losses[0][2]);
    assert_true(losses[1][1] < losses[1][0] && losses[1][1] < losses[1][2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_chebyshev),
        cmocka_unit_test(test_weights_are_the_gradient),
        cmocka_unit_test(test_dent_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
