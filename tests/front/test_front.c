/* Dominance, hypervolume and selection against closed forms and exhaustive counting on small grids. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "fleetnas/front.h"

enum { MOST = 64, DIMENSIONS_MOST = 5 };

static fnas_context *context;

static int make_context(void **state) {
    (void)state;
    return fnas_context_create(&context) == FNAS_OK ? 0 : 1;
}

static int drop_context(void **state) {
    (void)state;
    fnas_context_destroy(context);
    return 0;
}

static double volume_of(int64_t count, int64_t objectives, const double *points, const double *reference) {
    double volume = -1;
    assert_int_equal(fnas_front_hypervolume(context, count, objectives, points, reference, &volume), FNAS_OK);
    return volume;
}

static const double ones[DIMENSIONS_MOST] = {1, 1, 1, 1, 1};

/* ---- dominance ---- */

static bool dominates(int64_t objectives, const double *a, const double *b) {
    bool better = false;
    for (int64_t m = 0; m < objectives; m++) {
        if (a[m] > b[m]) return false;
        better |= a[m] < b[m];
    }
    return better;
}

/* By the definition, on coarse random grids, where equal points and equal coordinates are common. */
static void test_nondominated_by_definition(void **state) {
    (void)state;
    for (int64_t objectives = 1; objectives <= 4; objectives++) {
        for (int64_t trial = 0; trial < 200; trial++) {
            double points[MOST * 4];
            uint8_t keep[MOST];
            fnas_random random = fnas_random_begin(5, FNAS_STREAM_TEST, trial, objectives);
            int64_t count = 1 + fnas_random_below(&random, MOST);
            for (int64_t i = 0; i < count * objectives; i++) points[i] = (double)fnas_random_below(&random, 6);
            assert_int_equal(fnas_front_nondominated(context, count, objectives, points, keep), FNAS_OK);
            for (int64_t i = 0; i < count; i++) {
                bool expected = true;
                for (int64_t j = 0; j < count; j++) {
                    expected &= !dominates(objectives, points + j * objectives, points + i * objectives);
                    expected &= !(j < i &&
                                  memcmp(points + j * objectives, points + i * objectives, (size_t)objectives * sizeof(double)) == 0);
                }
                if (keep[i] != expected)
                    fail_msg("seed 5, trial %lld, %lld objectives, point %lld", (long long)trial, (long long)objectives, (long long)i);
            }
        }
    }
}

static void test_no_points(void **state) {
    (void)state;
    uint8_t keep;
    int64_t order, kept = 7;
    assert_int_equal(fnas_front_nondominated(context, 0, 2, NULL, &keep), FNAS_OK);
    assert_float_equal(volume_of(0, 3, NULL, ones), 0, 0);
    assert_int_equal(fnas_front_select(context, 0, 2, NULL, ones, 3, &order, &kept), FNAS_OK);
    assert_int_equal(kept, 0);
}

/* ---- hypervolume ---- */

static void test_golden(void **state) {
    (void)state;
    const double points[4] = {0.2, 0.5, 0.5, 0.2};
    assert_float_equal(volume_of(2, 2, points, ones), 0.55, 1e-15);
}

static void test_single_point(void **state) {
    (void)state;
    const double point[5] = {0.3, 0.6, 0.1, 0.5, 0.9};
    double expected = 1;
    for (int64_t objectives = 1; objectives <= 5; objectives++) {
        expected *= 1 - point[objectives - 1];
        assert_float_equal(volume_of(1, objectives, point, ones), expected, 1e-15);
    }
    const double origin[2] = {0, 0};
    assert_float_equal(volume_of(1, 2, origin, ones), 1, 0);
}

/* At or beyond the reference in one objective: nothing, whatever the others. */
static void test_beyond_the_reference(void **state) {
    (void)state;
    const double points[8] = {1, 0, 0, 1, 1.5, -3, 0.2, 0.5};
    assert_float_equal(volume_of(3, 2, points, ones), 0, 0);
    assert_float_equal(volume_of(4, 2, points, ones), 0.4, 1e-15);
    const double solid[6] = {0, 0, 1, 0.5, 0.5, 0.5};
    assert_float_equal(volume_of(2, 3, solid, ones), 0.125, 1e-15);
}

/* Two boxes by inclusion and exclusion: 0.5*0.5*0.9 + 0.8*0.9*0.2 - 0.5*0.5*0.2. */
static void test_three_objectives_by_inclusion_exclusion(void **state) {
    (void)state;
    const double points[6] = {0.5, 0.5, 0.1, 0.2, 0.1, 0.8};
    assert_float_equal(volume_of(2, 3, points, ones), 0.225 + 0.144 - 0.05, 1e-15);
}

/* Points on the integer grid 0..side: the volume is the number of unit cells that some point covers. */
static int64_t count_cells(int64_t count, int64_t objectives, const double *points, int64_t side) {
    int64_t cells = 1, covered = 0;
    for (int64_t m = 0; m < objectives; m++) cells *= side;
    for (int64_t cell = 0; cell < cells; cell++) {
        bool inside = false;
        for (int64_t i = 0; i < count && !inside; i++) {
            inside = true;
            for (int64_t m = 0, rest = cell; m < objectives; m++, rest /= side)
                inside &= points[i * objectives + m] <= (double)(rest % side);
        }
        covered += inside;
    }
    return covered;
}

static int64_t random_grid_points(int64_t trial, int64_t objectives, int64_t side, int64_t most, double *points) {
    fnas_random random = fnas_random_begin(6, FNAS_STREAM_TEST, trial, objectives);
    int64_t count = 1 + fnas_random_below(&random, most);
    for (int64_t i = 0; i < count * objectives; i++) points[i] = (double)fnas_random_below(&random, side + 1);
    return count;
}

static void test_hypervolume_by_counting(void **state) {
    (void)state;
    const int64_t sides[DIMENSIONS_MOST + 1] = {0, 12, 12, 8, 6, 4};
    for (int64_t objectives = 1; objectives <= DIMENSIONS_MOST; objectives++) {
        double side = (double)sides[objectives], reference[DIMENSIONS_MOST] = {side, side, side, side, side};
        for (int64_t trial = 0; trial < 150; trial++) {
            double points[40 * DIMENSIONS_MOST];
            int64_t count = random_grid_points(trial, objectives, sides[objectives], 40, points);
            double volume = volume_of(count, objectives, points, reference);
            if (volume != (double)count_cells(count, objectives, points, sides[objectives]))
                fail_msg("seed 6, trial %lld, %lld objectives: %g", (long long)trial, (long long)objectives, volume);
        }
    }
}

/* The order of the points does not matter beyond rounding, and one more point never takes volume away. */
static void test_hypervolume_grows(void **state) {
    (void)state;
    double points[MOST * 3], before = 0;
    fnas_random random = fnas_random_begin(7, FNAS_STREAM_TEST, 0, 0);
    for (int64_t i = 0; i < MOST; i++) fnas_random_simplex(&random, 3, points + 3 * i); /* none dominates another */
    for (int64_t count = 1; count <= MOST; count++) {
        double volume = volume_of(count, 3, points, ones);
        assert_true(volume > before);
        before = volume;
    }
}

/* ---- selection ---- */

/* The same by its definition: contributions as differences of volumes, counted in cells. */
static void select_by_definition(int64_t count, int64_t objectives, double *points, int64_t side, int64_t most, int64_t *order,
                                 int64_t *kept) {
    int64_t indices[MOST], contributions[MOST], left = 0;
    uint8_t keep[MOST];
    assert_int_equal(fnas_front_nondominated(context, count, objectives, points, keep), FNAS_OK);
    for (int64_t i = 0; i < count; i++) {
        if (!keep[i]) continue;
        memmove(points + left * objectives, points + i * objectives, (size_t)objectives * sizeof(double));
        indices[left++] = i;
    }
    for (;;) {
        int64_t least = 0, whole = count_cells(left, objectives, points, side);
        for (int64_t i = 0; i < left; i++) {
            double removed[MOST * 3], *end = removed;
            for (int64_t j = 0; j < left; j++)
                for (int64_t m = 0; m < objectives && j != i; m++) *end++ = points[j * objectives + m];
            contributions[i] = whole - count_cells(left - 1, objectives, removed, side);
            if (contributions[i] <= contributions[least]) least = i;
        }
        if (left <= most) break;
        left--;
        memmove(points + least * objectives, points + (least + 1) * objectives, (size_t)((left - least) * objectives) * sizeof(double));
        memmove(indices + least, indices + least + 1, (size_t)(left - least) * sizeof(int64_t));
    }
    *kept = left;
    for (int64_t place = 0; place < left; place++) {
        int64_t best = 0;
        for (int64_t i = 1; i < left; i++)
            if (contributions[i] > contributions[best]) best = i;
        order[place] = indices[best];
        contributions[best] = -1;
    }
}

static void test_select_by_definition(void **state) {
    (void)state;
    const int64_t sides[4] = {0, 0, 16, 8};
    for (int64_t objectives = 2; objectives <= 3; objectives++) {
        double side = (double)sides[objectives], reference[3] = {side, side, side};
        for (int64_t trial = 0; trial < 40; trial++) {
            double points[MOST * 3];
            int64_t count = random_grid_points(1000 + trial, objectives, sides[objectives], 30, points), most = 1 + trial % 5;
            int64_t order[MOST], expected[MOST], kept, expected_kept;
            assert_int_equal(fnas_front_select(context, count, objectives, points, reference, most, order, &kept), FNAS_OK);
            select_by_definition(count, objectives, points, sides[objectives], most, expected, &expected_kept);
            assert_int_equal(kept, expected_kept);
            assert_memory_equal(order, expected, (size_t)kept * sizeof(int64_t));
        }
    }
}

static void test_select_keeps_all_when_few(void **state) {
    (void)state;
    const double points[10] = {0.9, 0.05, 0.5, 0.5, 0.1, 0.2, 0.1, 0.2, 2, 0};
    int64_t order[5], kept;
    assert_int_equal(fnas_front_select(context, 5, 2, points, ones, 24, order, &kept), FNAS_OK);
    /* (0.5, 0.5) and the second (0.1, 0.2) are dominated; (2, 0) is not, but adds nothing: last */
    assert_int_equal(kept, 3);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 0);
    assert_int_equal(order[2], 4);
}

static void test_bad_input(void **state) {
    (void)state;
    double points[6] = {1, 2, 3, NAN, 5, 6}, volume;
    int64_t order[3], kept;
    uint8_t keep[3];
    assert_int_equal(fnas_front_nondominated(context, 3, 2, points, keep), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "point 1: objective 1"));
    assert_int_equal(fnas_front_hypervolume(context, 3, 2, points, ones, &volume), FNAS_ERR_INPUT);
    assert_int_equal(fnas_front_select(context, 3, 2, points, ones, 2, order, &kept), FNAS_ERR_INPUT);
    points[3] = INFINITY;
    assert_int_equal(fnas_front_hypervolume(context, 3, 2, points, ones, &volume), FNAS_ERR_INPUT);
    points[3] = 4;
    const double nowhere[2] = {1, NAN};
    assert_int_equal(fnas_front_hypervolume(context, 3, 2, points, nowhere, &volume), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "reference"));
    assert_int_equal(fnas_front_hypervolume(context, 1, 17, points, ones, &volume), FNAS_ERR_INPUT);
    assert_int_equal(fnas_front_hypervolume(context, 1, 0, points, ones, &volume), FNAS_ERR_INPUT);
    assert_int_equal(fnas_front_hypervolume(context, -1, 2, points, ones, &volume), FNAS_ERR_INPUT);
    assert_int_equal(fnas_front_select(context, 3, 2, points, ones, 0, order, &kept), FNAS_ERR_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nondominated_by_definition),
        cmocka_unit_test(test_no_points),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_single_point),
        cmocka_unit_test(test_beyond_the_reference),
        cmocka_unit_test(test_three_objectives_by_inclusion_exclusion),
        cmocka_unit_test(test_hypervolume_by_counting),
        cmocka_unit_test(test_hypervolume_grows),
        cmocka_unit_test(test_select_by_definition),
        cmocka_unit_test(test_select_keeps_all_when_few),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
