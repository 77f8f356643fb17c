/* The error model: exact on losses that its features can express, forgetting, gradient. */
#include "search/support_query.h"

#include <math.h>

#include "base/memory.h"
#include "search/error_model.h"
#include "space/space.h"

typedef struct modelled {
    fnas_space *space;
    fnas_error_model model;
} modelled;

/* A loss that is linear in D. */
static double made_up_loss(const fnas_space *space, const int32_t *choices, double scale) {
    double loss = 1;
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) loss += scale * (double)choices[d] * (double)(d + 1);
    return loss;
}

enum { ROUND = 20 };

/* Rounds of architectures; each round's losses are all shifted by its own level, which only the constant may follow. */
static void observe(modelled *made, int64_t first, int64_t count, double scale, double level) {
    int32_t choices[6];
    double onehot[ROUND][30], losses[ROUND];
    for (int64_t i = first; i < first + count; i++) {
        int64_t at = (i - first) % ROUND;
        fnas_space_random(made->space, 3, i, choices);
        fnas_space_to_onehot(made->space, choices, onehot[at]);
        losses[at] = made_up_loss(made->space, choices, scale) + level * (i / ROUND % 2 == 0 ? 1 : -1);
        if (at + 1 < ROUND) continue;
        fnas_error_model_discount(&made->model);
        fnas_error_model_observe(&made->model, made->space, true, ROUND, onehot[0], losses);
    }
}

static modelled make(fnas_test_place *place) {
    modelled made;
    test_check(place, fnas_space_open(place->context, TEST_SPACE, &made.space));
    test_check(place, fnas_error_model_create(place->context, made.space, &made.model));
    return made;
}

static void discard(modelled *made) {
    fnas_error_model_free(&made->model);
    fnas_space_close(made->space);
}

/* Largest deviation from the made-up loss over architectures that were not observed. */
static double worst_error(modelled *made, double scale) {
    double worst = 0, onehot[30], gradient[30];
    int32_t choices[6];
    for (int64_t i = 0; i < 200; i++) {
        fnas_space_random(made->space, 4, i, choices);
        fnas_space_to_onehot(made->space, choices, onehot);
        double value = fnas_error_model_gradient(&made->model, made->space, onehot, gradient);
        worst = fmax(worst, fabs(value - made_up_loss(made->space, choices, scale)));
    }
    return worst;
}

static void test_fits_and_forgets(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    observe(&made, 0, 4000, 0.05, 0);
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    double before = worst_error(&made, 0.05);
    observe(&made, 4000, 40000, -0.02, 0); /* 2,000 discounts of 1 %: what was seen first weighs nothing */
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    double after = worst_error(&made, -0.02);
    print_message("worst deviation %.4f, after a change of the losses %.4f\n", before, after);
    /* The ridge pulls each of some 30 coefficients of at most 1.2 by 2 observations against about 300 of each choice: under 1 % each, of a
     * range of 4.2. */
    assert_true(before < 0.05 && after < 0.05);
    discard(&made);
}

/* What a whole round has in common says nothing about an operation. */
static void test_level_of_a_round(void **state) {
    fnas_test_place *place = *state;
    modelled steady = make(place), shifting = make(place);
    observe(&steady, 0, 4000, 0.05, 0);
    observe(&shifting, 0, 4000, 0.05, 3);
    test_check(place, fnas_error_model_fit(place->context, &steady.model));
    test_check(place, fnas_error_model_fit(place->context, &shifting.model));
    for (int64_t i = 0; i + 1 < steady.model.features; i++)
        assert_true(fabs(steady.model.coefficients[i] - shifting.model.coefficients[i]) < 1e-9);
    discard(&steady);
    discard(&shifting);
}

static void test_gradient(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    observe(&made, 0, 500, 0.05, 0);
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    int32_t choices[6];
    double onehot[30], gradient[30], ignored[30];
    for (int64_t i = 0; i < 20; i++) {
        fnas_space_random(made.space, 5, i, choices);
        fnas_space_to_onehot(made.space, choices, onehot);
        fnas_error_model_gradient(&made.model, made.space, onehot, gradient);
        for (int k = 0; k < 30; k++) {
            const double step = 1e-4;
            double kept = onehot[k];
            onehot[k] = kept + step;
            double up = fnas_error_model_gradient(&made.model, made.space, onehot, ignored);
            onehot[k] = kept - step;
            double down = fnas_error_model_gradient(&made.model, made.space, onehot, ignored);
            onehot[k] = kept;
            assert_true(fabs((up - down) / (2 * step) - gradient[k]) < 1e-6 * (1 + fabs(gradient[k])));
        }
    }
    discard(&made);
}

static void test_range(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    observe(&made, 0, 4000, 0.05, 0);
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    double onehot[4][30], scratch[4], low, high;
    for (int32_t i = 0; i < 4; i++) fnas_space_to_onehot(made.space, (int32_t[]){i, i, i, i, i, i}, onehot[i]);
    fnas_error_model_range(&made.model, made.space, 4, onehot[0], scratch, &low, &high);
    print_message("low %.4f, high %.4f\n", low, high);
    /* losses 1, 2.05, 3.1, 4.15: the smallest, and a quarter of the way from the third to the largest. The ridge draws both towards the
     * mean loss of 3.1: by 2 against some 2,000 observations weighing 1/5 * 4/5 each, 0.6 %, for each of the two features that tell an
     * edge. */
    assert_true(fabs(low - 1) < 2 * 0.013 * 2.1);
    assert_true(fabs(high - (3.1 + 0.25 * 1.05)) < 0.01);
    discard(&made);
}

/* Few observations leave most slopes open: the fit goes well all the same, and knows what it has seen. */
static void test_few_observations(void **state) {
    fnas_test_place *place = *state;
    for (int64_t count = 1; count <= 4; count++) {
        modelled made = make(place);
        double onehot[4][30], losses[4], gradient[30];
        int32_t choices[6];
        for (int64_t i = 0; i < count; i++) {
            fnas_space_random(made.space, 8, i, choices);
            fnas_space_to_onehot(made.space, choices, onehot[i]);
            losses[i] = 1 + 0.1 * (double)i;
        }
        fnas_error_model_observe(&made.model, made.space, true, count, onehot[0], losses);
        test_check(place, fnas_error_model_fit(place->context, &made.model));
        for (int64_t i = 0; i < count; i++) { /* between their mean and what was observed, in the order that was observed */
            double value = fnas_error_model_gradient(&made.model, made.space, onehot[i], gradient), mean = 1 + 0.05 * (double)(count - 1);
            assert_true((value - mean) * (losses[i] - mean) >= -1e-12 && fabs(value - mean) <= fabs(losses[i] - mean) + 0.05);
        }
        discard(&made);
    }
}

/* Paths on their own images, one a round: differences from what was seen so far still tell operations apart. */
static void test_different_images(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    int32_t choices[6];
    double onehot[30];
    for (int64_t i = 0; i < 4000; i++) {
        fnas_space_random(made.space, 3, i, choices);
        fnas_space_to_onehot(made.space, choices, onehot);
        double loss = made_up_loss(made.space, choices, 0.05);
        fnas_error_model_observe(&made.model, made.space, false, 1, onehot, &loss);
    }
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    double worst = worst_error(&made, 0.05);
    print_message("worst deviation %.4f\n", worst);
    assert_true(worst < 0.05); /* of a range of 4.2 */
    discard(&made);
}

static void test_nan(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    double onehot[2][30], losses[2] = {1, NAN};
    fnas_space_to_onehot(made.space, (int32_t[]){1, 2, 3, 1, 2, 3}, onehot[0]);
    fnas_space_to_onehot(made.space, (int32_t[]){1, 2, 3, 1, 2, 0}, onehot[1]);
    fnas_error_model_observe(&made.model, made.space, true, 2, onehot[0], losses);
    assert_int_equal(fnas_error_model_fit(place->context, &made.model), FNAS_ERR_NUMERIC);
    discard(&made);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fnas_test_setup, fnas_test_teardown)
    const struct CMUnitTest tests[] = {TEST(test_fits_and_forgets), TEST(test_level_of_a_round), TEST(test_gradient), TEST(test_range),
                                       TEST(test_few_observations), TEST(test_different_images), TEST(test_nan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
