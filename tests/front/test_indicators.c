/* Indicators against values by hand, and against what their definitions promise. */
#include <math.h>

#include "base/random.h"
#include "base/support.h"
#include "fleetnas/front.h"
#include "front/lattice.h"

static const double origin[3] = {0, 0, 0};

static fnas_indicators indicators_of(fnas_test_place *place, int64_t objectives, int64_t count, const double *points, int64_t truth_count,
                                     const double *truth) {
    fnas_indicators found;
    assert_status(FNAS_OK, fnas_front_indicators(place->context, objectives, count, points, truth_count, truth, origin, &found));
    return found;
}

/* Front (0.5, 0.5), (0.1, 0.9); truth (0.2, 0.1), (0, 1), (0.6, 0). Every indicator has a value of its own. */
static void test_by_hand(void **state) {
    const double points[] = {0.5, 0.5, 0.1, 0.9}, truth[] = {0.2, 0.1, 0, 1, 0.6, 0};
    fnas_indicators found = indicators_of(*state, 2, 2, points, 3, truth);
    /* distances of the first: 0.5, sqrt(0.5), sqrt(0.26); of the second: sqrt(0.65), sqrt(0.02), sqrt(1.06) */
    assert_float_equal(found.gd, (0.5 + sqrt(0.02)) / 2, 1e-15);
    assert_float_equal(found.igd, (0.5 + sqrt(0.02) + sqrt(0.26)) / 3, 1e-15);
    /* worse than the truth: the first by (0.3, 0.4), (0.5, 0), (0, 0.5); the second by (0, 0.8), (0.1, 0), (0, 0.9) */
    assert_float_equal(found.gd_plus, (0.5 + 0.1) / 2, 1e-15);
    assert_float_equal(found.igd_plus, (0.5 + 0.1 + 0.5) / 3, 1e-15);
    /* to cover (0.2, 0.1) the first moves by 0.4, to cover (0, 1) the second by 0.1, to cover (0.6, 0) the first by 0.5 */
    assert_float_equal(found.epsilon, 0.5, 1e-15);
}

/* A point that is better than the truth in one objective: only the plain distances count that. */
static void test_plus_counts_what_is_worse(void **state) {
    const double point[] = {0.1, 0.4, 0.3}, truth[] = {0.4, 0.4, 0.2};
    fnas_indicators found = indicators_of(*state, 3, 1, point, 1, truth);
    assert_float_equal(found.gd, sqrt(0.1), 1e-15);
    assert_float_equal(found.igd, sqrt(0.1), 1e-15);
    assert_float_equal(found.gd_plus, 0.1, 1e-15);
    assert_float_equal(found.igd_plus, 0.1, 1e-15);
    assert_float_equal(found.epsilon, 0.1, 1e-15);
}

/* One point (a, a): max(w, 1 - w) a, of which the mean over w in [0, 1] is 3/4 a; the mean over 1,000 weights is as near as their spacing.
 */
static void test_r2_of_one_point(void **state) {
    const double point[] = {0.4, 0.4};
    assert_float_equal(indicators_of(*state, 2, 1, point, 1, point).r2, 0.75 * 0.4, 1e-3 * 0.4);
}

/* The truth itself is at distance 0; leaving points out of it never makes it nearer. */
static void test_subsets(void **state) {
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    double truth[30 * 3];
    for (int64_t i = 0; i < 30; i++) fnas_random_simplex(&random, 3, truth + 3 * i);
    fnas_indicators whole = indicators_of(*state, 3, 30, truth, 30, truth), before = whole;
    assert_true(whole.gd == 0 && whole.gd_plus == 0 && whole.igd == 0 && whole.igd_plus == 0 && whole.epsilon == 0);
    for (int64_t count = 29; count > 0; count--) {
        fnas_indicators fewer = indicators_of(*state, 3, count, truth, 30, truth);
        assert_true(fewer.gd == 0 && fewer.gd_plus == 0);
        assert_true(fewer.igd > before.igd && fewer.igd_plus > before.igd_plus);
        assert_true(fewer.epsilon >= before.epsilon && fewer.r2 >= before.r2);
        before = fewer;
    }
}

static void test_bad_input(void **state) {
    fnas_test_place *place = *state;
    fnas_indicators found;
    const double point[] = {0.1, 0.2}, wrong[] = {0.1, (double)NAN};
    assert_status(FNAS_ERR_INPUT, fnas_front_indicators(place->context, 2, 1, wrong, 1, point, origin, &found));
    assert_status(FNAS_ERR_INPUT, fnas_front_indicators(place->context, 2, 1, point, 1, wrong, origin, &found));
    assert_status(FNAS_ERR_INPUT, fnas_front_indicators(place->context, 2, 0, point, 1, point, origin, &found));
    assert_status(FNAS_ERR_INPUT, fnas_front_indicators(place->context, 2, 1, point, 0, point, origin, &found));
    assert_status(FNAS_ERR_INPUT, fnas_front_indicators(place->context, 2, 1, point, 1, point, wrong, &found));
}

static void test_lattice(void **state) {
    (void)state;
    double points[10 * 3];
    assert_int_equal(fnas_lattice_size(3, 3), 10);
    assert_int_equal(fnas_lattice_steps(3, 10), 3);
    assert_int_equal(fnas_lattice_steps(2, 1000), 999);
    fnas_lattice_fill(3, 3, points);
    for (int64_t i = 0; i < 10; i++) {
        assert_float_equal(points[3 * i] + points[3 * i + 1] + points[3 * i + 2], 1, 1e-15);
        for (int64_t j = 0; j < i; j++) assert_true(points[3 * i] != points[3 * j] || points[3 * i + 1] != points[3 * j + 1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_by_hand),         fnas_test(test_plus_counts_what_is_worse),
                                       fnas_test(test_r2_of_one_point), fnas_test(test_subsets),
                                       fnas_test(test_bad_input),       fnas_test(test_lattice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
