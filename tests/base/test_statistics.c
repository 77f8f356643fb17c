#include "base/support.h"

#include <math.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/statistics.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void quantiles(void **state) {
    (void)state;
    const double values[] = {4, 1, 3, 2};
    assert_near(fnas_quantile(values, 4, 0), 1);
    assert_near(fnas_quantile(values, 4, 1), 4);
    assert_near(fnas_quantile(values, 4, 0.25), 1.75); /* position 0.75 between 1 and 2 */
    assert_near(fnas_median(values, 4), 2.5);
    assert_near(fnas_median(values, 3), 3);
    assert_near(fnas_median(values, 1), 4);
    assert_true(values[0] == 4 && values[3] == 2);
    assert_true(isnan(fnas_median(values, 0)));
    assert_true(isnan(fnas_quantile(values, 4, 1.5)));
    const double infinite[] = {1, 2, INFINITY};
    assert_near(fnas_median(infinite, 3), 2);
}

/* Hand values: x = 1 2 2 3, y = 1 3 2 2. Ranks x: 1 2.5 2.5 4, y: 1 4 2.5 2.5. */
static void correlations_with_ties(void **state) {
    (void)state;
    const double x[] = {1, 2, 2, 3}, y[] = {1, 3, 2, 2};
    /* Pearson: deviations x -1 0 0 1, y -1 1 0 0: sum xy 1, xx 2, yy 2 */
    assert_near(fnas_pearson(x, y, 4), 0.5);
    /* Spearman: rank deviations x -1.5 0 0 1.5, y -1.5 1.5 0 0: xy 2.25, xx 4.5, yy 4.5 */
    assert_near(fnas_spearman(x, y, 4), 0.5);
    /* Kendall: pairs 12+ 13+ 14+ 23x 24- 34y: concordant 3, discordant 1, tied in x 1, in y 1: 2 / sqrt(5 * 5) */
    assert_near(fnas_kendall(x, y, 4), 0.4);
}

static void correlations_at_the_ends(void **state) {
    (void)state;
    const double x[] = {1, 2, 3, 4, 5}, up[] = {1, 8, 27, 64, 125}, down[] = {5, 4, 3, 2, 1}, same[] = {0.1, 0.1, 0.1, 0.1, 0.1};
    assert_near(fnas_spearman(x, up, 5), 1);
    assert_near(fnas_kendall(x, up, 5), 1);
    assert_near(fnas_kendall(x, down, 5), -1);
    assert_near(fnas_pearson(x, down, 5), -1);
    assert_true(fnas_pearson(x, up, 5) < 0.96);
    assert_true(isnan(fnas_pearson(x, same, 5)));
    assert_true(isnan(fnas_spearman(same, x, 5)));
    assert_true(isnan(fnas_kendall(x, same, 5)));
    assert_true(isnan(fnas_kendall(x, up, 1)));
    assert_true(isnan(fnas_pearson(x, up, 1)));
    assert_true(isnan(fnas_spearman(x, up, 1)));
}

static double kendall_by_pairs(const double *x, const double *y, int64_t n) {
    double difference = 0, untied_x = 0, untied_y = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < i; k++) {
            double sx = (x[i] > x[k]) - (x[i] < x[k]), sy = (y[i] > y[k]) - (y[i] < y[k]);
            difference += sx * sy;
            untied_x += sx * sx;
            untied_y += sy * sy;
        }
    }
    return difference / sqrt(untied_x * untied_y);
}

static void kendall_agrees_with_counting_pairs(void **state) {
    (void)state;
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    for (int64_t n = 2; n < 60; n++) {
        double x[60], y[60];
        for (int64_t i = 0; i < n; i++) {
            x[i] = (double)fnas_random_below(&random, 9);
            y[i] = x[i] + (double)fnas_random_below(&random, 12);
        }
        double expected = kendall_by_pairs(x, y, n), tau = fnas_kendall(x, y, n);
        if (isnan(expected))
            assert_true(isnan(tau));
        else
            assert_near(tau, expected);
    }
}

static void shares_keep_their_sum(void **state) {
    (void)state;
    const double half[] = {0.625, 0.375}; /* exact: both remainders are one half, the first gets the unit */
    assert_int_equal(fnas_share_round(2, half, 100, 0), 63);
    assert_int_equal(fnas_share_round(2, half, 100, 1), 37);
    const double thirds[] = {1 / 3.0, 1 / 3.0, 1 / 3.0}, uneven[] = {0.004, 0.4973, 0.4987};
    const int64_t thirds_rounded[] = {34, 33, 33}, uneven_rounded[] = {0, 50, 50};
    for (int64_t i = 0; i < 3; i++) {
        assert_int_equal(fnas_share_round(3, thirds, 100, i), thirds_rounded[i]);
        assert_int_equal(fnas_share_round(3, uneven, 100, i), uneven_rounded[i]);
    }
    const double part[] = {0.2, 0.3}; /* of shares of which one is not there */
    assert_int_equal(fnas_share_round(2, part, 100, 0), 20);
    assert_int_equal(fnas_share_round(2, part, 100, 1), 30);
    for (int64_t step = 0; step <= 200; step++) { /* the sweep's own preferences */
        const double pair[] = {(double)step / 200, 1 - (double)step / 200};
        int64_t first = fnas_share_round(2, pair, 100, 0), second = fnas_share_round(2, pair, 100, 1);
        assert_int_equal(first + second, 100);
        assert_true(fabs((double)first - 100 * pair[0]) <= 0.5 + 1e-9 && fabs((double)second - 100 * pair[1]) <= 0.5 + 1e-9);
    }
}

static void clocks_advance(void **state) {
    (void)state;
    double wall = fnas_wall_ms(), thread = fnas_thread_cpu_ms();
    volatile double sum = 0;
    while (fnas_thread_cpu_ms() - thread < 2) sum += 1; /* at least 2 ms of processor time, hence of the other */
    assert_true(fnas_wall_ms() - wall >= 1.9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(correlations_with_ties),
        cmocka_unit_test(correlations_at_the_ends),
        cmocka_unit_test(kendall_agrees_with_counting_pairs),
        cmocka_unit_test(shares_keep_their_sum),
        cmocka_unit_test(clocks_advance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
