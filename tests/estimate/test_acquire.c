/* What is trained next: gains against hypervolumes computed as such. */
#include "base/support.h"

#include <math.h>

#include "base/random.h"
#include "estimate/acquire.h"
#include "fleetnas/front.h"

#define COUNT 40
#define DEVICES 3
#define OPTIMISM 1.5

static double volume(fnas_test_place *place, int64_t count, const double (*points)[2]) {
    static const double ones[2] = {1, 1};
    double result;
    assert_status(FNAS_OK, fnas_front_hypervolume(place->context, count, 2, &points[0][0], ones, &result));
    return result;
}

static double normalised(int64_t stride, const double *values, int64_t at) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < COUNT; i++) {
        low = fmin(low, values[i * stride]);
        high = fmax(high, values[i * stride]);
    }
    return (values[at * stride] - low) / (high - low);
}

static double range(const double *values) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < COUNT; i++) {
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    return high - low;
}

/* Sum over devices of the hypervolume that the candidates in `taken` add, as good as they may be, to what is expected of all. */
static double hypervolumes(fnas_test_place *place, const double *cost, const double *mean, const double *deviation, int64_t taken_count,
                           const int64_t *taken) {
    double total = 0, points[2 * COUNT][2];
    for (int64_t d = 0; d < DEVICES; d++) {
        int64_t count = 0;
        for (int64_t i = 0; i < COUNT; i++) {
            points[count][0] = normalised(DEVICES, cost + d, i);
            points[count++][1] = normalised(1, mean, i);
        }
        for (int64_t i = 0; i < taken_count; i++) {
            points[count][0] = normalised(DEVICES, cost + d, taken[i]);
            points[count++][1] = normalised(1, mean, taken[i]) - OPTIMISM * deviation[taken[i]] / range(mean);
        }
        total += volume(place, count, (const double(*)[2])points);
    }
    return total;
}

/* Every choice is the one that adds most to the hypervolumes that the choices before it gave. */
static void test_takes_the_largest_gain_each_time(void **state) {
    fnas_test_place *place = *state;
    double cost[COUNT * DEVICES], mean[COUNT], deviation[COUNT];
    bool trained[COUNT] = {false};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 1, 0);
        for (int i = 0; i < COUNT; i++) {
            for (int d = 0; d < DEVICES; d++) cost[i * DEVICES + d] = 1 + 9 * fnas_random_uniform(&random);
            mean[i] = 40 - 2 * cost[i * DEVICES] + 8 * fnas_random_uniform(&random);
            deviation[i] = 3 * fnas_random_uniform(&random);
            trained[i] = fnas_random_below(&random, 4) == 0;
        }
        fnas_estimate_candidates candidates = {.archs = {.count = COUNT}, .costs = DEVICES, .cost = cost};
        int64_t chosen[4], found;
        assert_status(FNAS_OK, fnas_acquire(place->context, &candidates, mean, deviation, trained, 4, chosen, &found));
        assert_int_equal(found, 4);
        for (int64_t step = 0; step < found; step++) {
            int64_t tried[4] = {chosen[0], chosen[1], chosen[2], chosen[3]};
            double best = hypervolumes(place, cost, mean, deviation, step + 1, tried);
            assert_false(trained[chosen[step]]);
            for (int64_t other = 0; other < COUNT; other++) {
                bool open = !trained[other];
                for (int64_t i = 0; i < step; i++) open &= chosen[i] != other;
                if (!open) continue;
                tried[step] = other;
                assert_true(hypervolumes(place, cost, mean, deviation, step + 1, tried) <= best + 1e-12);
            }
        }
    }
}

/* Where nothing may be better than it seems, only what stands on a front could be chosen, and gains nothing: nothing is found. */
static void test_finds_nothing_where_all_is_certain(void **state) {
    fnas_test_place *place = *state;
    double cost[COUNT * DEVICES], mean[COUNT], deviation[COUNT] = {0};
    bool trained[COUNT] = {false};
    for (int i = 0; i < COUNT; i++) {
        for (int d = 0; d < DEVICES; d++) cost[i * DEVICES + d] = i + d;
        mean[i] = 50 - i;
    }
    fnas_estimate_candidates candidates = {.archs = {.count = COUNT}, .costs = DEVICES, .cost = cost};
    int64_t chosen[4], found;
    assert_status(FNAS_OK, fnas_acquire(place->context, &candidates, mean, deviation, trained, 4, chosen, &found));
    assert_int_equal(found, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_takes_the_largest_gain_each_time),
        fnas_test(test_finds_nothing_where_all_is_certain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
