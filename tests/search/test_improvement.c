/* Expected improvements against quadrature, against hypervolumes of the sets themselves, and against Monte Carlo. */
#include "base/support.h"

#include <math.h>

#include "base/random.h"
#include "fleetnas/front.h"
#include "search/rival/improvement.h"

enum { POINTS_MAX = 40 };
static const double reference[3] = {1, 1, 1};

/* The trapezoidal rule over 24 deviations. */
static double quadrature(double best, double mean, double deviation) {
    const int steps = 200000;
    double sum = 0, width = 24.0 / steps;
    for (int i = 0; i <= steps; i++) {
        double z = -12 + i * width, y = mean + deviation * z;
        sum += fmax(best - y, 0) * exp(-z * z / 2) / sqrt(2 * M_PI) * width;
    }
    return sum;
}

static void test_improvement(void **state) {
    (void)state;
    static const double cases[][3] = {{0, 0, 1}, {1, 0.2, 0.3}, {-1, 2, 0.8}, {5, 1, 0.1}, {0.3, 0.31, 1e-3}, {0, 3, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_float_equal(fnas_expected_improvement(cases[i][0], cases[i][1], cases[i][2]),
                           quadrature(cases[i][0], cases[i][1], cases[i][2]), 1e-9 * cases[i][2]);
    assert_true(fnas_expected_improvement(2, 0.5, 0) == 1.5);
    assert_true(fnas_expected_improvement(0.5, 2, 0) == 0);
    assert_true(fnas_expected_improvement(1, 1, 0) == 0);
}

/* Coordinates on a grid now and then, so that some are equal; some beyond the reference; dominated ones among them. */
static int64_t draw_points(fnas_random *random, int64_t objectives, double *points) {
    int64_t count = fnas_random_below(random, POINTS_MAX + 1), steps = fnas_random_below(random, 2) ? 6 : 1000000;
    for (int64_t i = 0; i < count * objectives; i++) points[i] = 1.3 * (double)fnas_random_below(random, steps) / (double)steps;
    return count;
}

static double volume(fnas_test_place *place, int64_t count, int64_t objectives, const double *points) {
    double found;
    assert_status(FNAS_OK, fnas_front_hypervolume(place->context, count, objectives, points, reference, &found));
    return found;
}

/* Without doubt, the expectation is the increase of the hypervolume. Points has room for one more. */
static double increase(fnas_test_place *place, int64_t count, int64_t objectives, double *points, const double *added) {
    memcpy(points + count * objectives, added, (size_t)objectives * sizeof *added);
    return volume(place, count + 1, objectives, points) - volume(place, count, objectives, points);
}

static void test_certain_points(void **state) {
    fnas_test_place *place = *state;
    const double certain[3] = {0};
    double points[(POINTS_MAX + 1) * 3], added[3];
    for (int64_t trial = 0; trial < 2000; trial++) {
        fnas_random random = fnas_random_begin(11, FNAS_STREAM_TEST, trial, 0);
        int64_t objectives = 2 + trial % 2, count = draw_points(&random, objectives, points);
        fnas_ehvi ehvi;
        assert_status(FNAS_OK, fnas_ehvi_open(place->context, count, objectives, points, reference, &ehvi));
        assert_true(ehvi.boxes <= (objectives == 2 ? count + 1 : 2 * count + 1));
        for (int k = 0; k < 10; k++) {
            for (int64_t m = 0; m < objectives; m++) added[m] = 1.4 * fnas_random_uniform(&random) - 0.2;
            if (k == 9 && count) memcpy(added, points, (size_t)objectives * sizeof *added); /* one that is known */
            double expected = increase(place, count, objectives, points, added), found = fnas_ehvi_of(&ehvi, added, certain);
            if (fabs(found - expected) > 1e-12) fail_msg("trial %lld: %.17g, not %.17g", (long long)trial, found, expected);
        }
        fnas_ehvi_close(&ehvi);
    }
}

static void test_monte_carlo(void **state) {
    enum { SAMPLES = 40000 };
    fnas_test_place *place = *state;
    double points[(POINTS_MAX + 1) * 3];
    for (int64_t trial = 0; trial < 8; trial++) {
        fnas_random random = fnas_random_begin(12, FNAS_STREAM_TEST, trial, 0);
        int64_t objectives = 2 + trial % 2, count = draw_points(&random, objectives, points) / 3;
        double means[3], deviations[3], added[3], sum = 0, squares = 0;
        fnas_ehvi ehvi;
        for (int64_t m = 0; m < objectives; m++) {
            means[m] = fnas_random_uniform(&random) * 0.6;
            deviations[m] = 0.05 + 0.3 * fnas_random_uniform(&random);
        }
        for (int s = 0; s < SAMPLES; s++) {
            for (int64_t m = 0; m < objectives; m++) added[m] = means[m] + deviations[m] * fnas_random_normal(&random);
            double gain = increase(place, count, objectives, points, added);
            sum += gain;
            squares += gain * gain;
        }
        double mean = sum / SAMPLES, error = sqrt((squares / SAMPLES - mean * mean) / SAMPLES);
        assert_status(FNAS_OK, fnas_ehvi_open(place->context, count, objectives, points, reference, &ehvi));
        double found = fnas_ehvi_of(&ehvi, means, deviations);
        if (fabs(found - mean) > 4 * error) fail_msg("trial %lld: %g, Monte Carlo %g +- %g", (long long)trial, found, mean, error);
        fnas_ehvi_close(&ehvi);
    }
}

static void test_bad_input(void **state) {
    fnas_test_place *place = *state;
    double points[4] = {0.1, 0.2, 0.3, 0.4};
    fnas_ehvi ehvi;
    assert_status(FNAS_ERR_UNSUPPORTED, fnas_ehvi_open(place->context, 1, 4, points, points, &ehvi));
    assert_message("2 or 3 objectives");
    fnas_ehvi_close(&ehvi);
    points[1] = NAN;
    assert_status(FNAS_ERR_INPUT, fnas_ehvi_open(place->context, 2, 2, points, reference, &ehvi));
    fnas_ehvi_close(&ehvi);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_improvement), fnas_test(test_certain_points), fnas_test(test_monte_carlo),
                                       fnas_test(test_bad_input)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
