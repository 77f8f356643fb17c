/* The minimum-norm point: closed forms, optimality. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "search/minnorm.h"

enum { TASKS = 13, LENGTH = 2050 };

static void fill_gram(int64_t count, double diagonal, double off, double *gram) {
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) gram[i * count + j] = i == j ? diagonal : off;
}

static void test_two_orthogonal(void **state) {
    (void)state;
    const double gram[4] = {1, 0, 0, 1};
    double weights[2], workspace[4];
    assert_float_equal(fnas_minnorm_solve(2, gram, workspace, weights), 0.5, 1e-15);
    assert_float_equal(weights[0], 0.5, 1e-15);
    assert_float_equal(weights[1], 0.5, 1e-15);
}

/* |u|^2 = 4, <u,v> = 1, |v|^2 = 2: share (2 - 1) / (4 + 2 - 2) = 1/4, cost 2 - 1/4. */
static void test_two_in_closed_form(void **state) {
    (void)state;
    const double gram[4] = {4, 1, 1, 2};
    double weights[2], workspace[4];
    assert_float_equal(fnas_minnorm_solve(2, gram, workspace, weights), 1.75, 1e-14);
    assert_float_equal(weights[0], 0.25, 1e-15);
}

/* One vector is the answer alone, but the other keeps a thousandth. */
static void test_two_with_floor(void **state) {
    (void)state;
    const double first_shorter[4] = {1, 2, 2, 5}, second_shorter[4] = {5, 2, 2, 1};
    double weights[2], workspace[4];
    (void)fnas_minnorm_solve(2, first_shorter, workspace, weights);
    assert_float_equal(weights[0], 0.999, 1e-15);
    (void)fnas_minnorm_solve(2, second_shorter, workspace, weights);
    assert_float_equal(weights[0], 0.001, 1e-15);
}

static void test_one(void **state) {
    (void)state;
    const double gram[1] = {9};
    double weights[1], workspace[2];
    assert_float_equal(fnas_minnorm_solve(1, gram, workspace, weights), 9, 0);
    assert_float_equal(weights[0], 1, 0);
}

static void test_orthonormal(void **state) {
    (void)state;
    double gram[TASKS * TASKS], weights[TASKS], workspace[TASKS];
    fill_gram(TASKS, 1, 0, gram);
    assert_float_equal(fnas_minnorm_solve(TASKS, gram, workspace, weights), 1.0 / TASKS, 1e-12);
    for (int64_t i = 0; i < TASKS; i++) assert_float_equal(weights[i], 1.0 / TASKS, 1e-12);
}

static void test_identical(void **state) {
    (void)state;
    double gram[TASKS * TASKS], weights[TASKS], workspace[TASKS];
    fill_gram(TASKS, 1, 1, gram);
    assert_float_equal(fnas_minnorm_solve(TASKS, gram, workspace, weights), 1, 1e-15);
    assert_float_equal(weights[0], 0.999, 1e-15);
    assert_float_equal(weights[1], 0.001, 1e-15);
    for (int64_t i = 2; i < TASKS; i++) assert_float_equal(weights[i], 0, 0);
}

static void random_gradients(uint64_t seed, float gradients[TASKS][LENGTH], const float *rows[TASKS]) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 0);
    for (int64_t t = 0; t < TASKS; t++) {
        rows[t] = gradients[t];
        for (int64_t i = 0; i < LENGTH; i++) gradients[t][i] = (float)(fnas_random_normal(&random) + (i < 20));
    }
}

static void gram_of(const float *const *rows, double *gram) {
    for (int64_t i = 0; i < TASKS; i++) {
        for (int64_t j = 0; j < TASKS; j++) {
            gram[i * TASKS + j] = 0;
            for (int64_t l = 0; l < LENGTH; l++) gram[i * TASKS + j] += (double)rows[i][l] * rows[j][l];
        }
    }
}

/* At the optimum <g_k, x> >= |x|^2 for every k: no vector offers a step (Frank-Wolfe gap). The rule of stopping leaves a gap of about the
 * last change. */
static void test_optimal_on_random_gradients(void **state) {
    (void)state;
    static float gradients[TASKS][LENGTH];
    const float *rows[TASKS];
    double gram[TASKS * TASKS], weights[TASKS], workspace[TASKS];
    for (uint64_t seed = 40; seed < 50; seed++) {
        random_gradients(seed, gradients, rows);
        gram_of(rows, gram);
        double cost = fnas_minnorm_solve(TASKS, gram, workspace, weights), sum = 0;
        for (int64_t k = 0; k < TASKS; k++) {
            double along = 0;
            for (int64_t i = 0; i < TASKS; i++) along += gram[k * TASKS + i] * weights[i];
            assert_true(along > cost * (1 - 1e-2));
            assert_true(weights[k] >= 0);
            sum += weights[k];
        }
        assert_float_equal(sum, 1, 1e-12);
    }
}

/* Frank-Wolfe as it is written down: K weights multiplied out at every step, the change summed over all weights. */
static double solve_plainly(const double *gram, double *weights) {
    double best = INFINITY, cost = 0, along[TASKS];
    int64_t first = 0, second = 0;
    double share = 0;
    for (int64_t i = 0; i < TASKS; i++) {
        for (int64_t j = i + 1; j < TASKS; j++) {
            double pair_gram[4] = {gram[i * TASKS + i], gram[i * TASKS + j], gram[j * TASKS + i], gram[j * TASKS + j]};
            double pair[2], workspace[4], pair_cost = fnas_minnorm_solve(2, pair_gram, workspace, pair);
            if (!(pair_cost < best)) continue;
            best = pair_cost;
            share = pair[0];
            first = i;
            second = j;
        }
    }
    for (int64_t i = 0; i < TASKS; i++) weights[i] = i == first ? share : i == second ? 1 - share : 0;
    for (int iteration = 0;; iteration++) {
        int64_t toward = 0;
        cost = 0;
        for (int64_t i = 0; i < TASKS; i++) {
            along[i] = 0;
            for (int64_t j = 0; j < TASKS; j++) along[i] += gram[i * TASKS + j] * weights[j];
            cost += weights[i] * along[i];
        }
        for (int64_t i = 1; i < TASKS; i++)
            if (along[i] < along[toward]) toward = i;
        if (!(along[toward] < cost) || iteration == 2000) return cost;
        const double pair_gram[4] = {cost, along[toward], along[toward], gram[toward * TASKS + toward]};
        double pair[2], workspace[4], next[TASKS], change = 0;
        (void)fnas_minnorm_solve(2, pair_gram, workspace, pair);
        for (int64_t i = 0; i < TASKS; i++) {
            next[i] = pair[0] * weights[i] + (i == toward ? pair[1] : 0);
            change += fabs(next[i] - weights[i]);
        }
        if (change < 1e-5) return cost;
        for (int64_t i = 0; i < TASKS; i++) weights[i] = next[i];
    }
}

/* Moving the products by a row a step leaves what rounding of at most 64 steps leaves: 1e-12 is a thousand times that. */
static void test_equal_to_plain(void **state) {
    (void)state;
    static float gradients[TASKS][LENGTH];
    const float *rows[TASKS];
    double gram[TASKS * TASKS], weights[TASKS], plain[TASKS], workspace[TASKS];
    for (uint64_t seed = 60; seed < 80; seed++) {
        random_gradients(seed, gradients, rows);
        gram_of(rows, gram);
        double cost = fnas_minnorm_solve(TASKS, gram, workspace, weights), expected = solve_plainly(gram, plain);
        assert_true(fabs(cost - expected) <= 1e-12 * expected);
        for (int64_t i = 0; i < TASKS; i++) assert_true(fabs(weights[i] - plain[i]) <= 1e-12);
    }
}

/* Gradients that are zero or not numbers must not hang or give weights that are no weights. */
static void test_degenerate(void **state) {
    (void)state;
    double gram[TASKS * TASKS], weights[TASKS], workspace[TASKS];
    const double fillings[2] = {0, NAN};
    for (int64_t f = 0; f < 2; f++) {
        double sum = 0;
        fill_gram(TASKS, fillings[f], fillings[f], gram);
        (void)fnas_minnorm_solve(TASKS, gram, workspace, weights);
        for (int64_t i = 0; i < TASKS; i++) sum += weights[i];
        assert_float_equal(sum, 1, 1e-12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_orthogonal),
        cmocka_unit_test(test_two_in_closed_form),
        cmocka_unit_test(test_two_with_floor),
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_orthonormal),
        cmocka_unit_test(test_identical),
        cmocka_unit_test(test_optimal_on_random_gradients),
        cmocka_unit_test(test_equal_to_plain),
        cmocka_unit_test(test_degenerate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
