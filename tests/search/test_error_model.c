/* The error model: exact on losses that its features can express, forgetting, gradient. */
#include "search/support_query.h"

#include <math.h>

#include "base/memory.h"
#include "search/supernet/error_model.h"
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

/* Root mean square deviation from the made-up loss over architectures that were not observed. */
static double deviation(modelled *made, double scale) {
    double squares = 0, onehot[30], gradient[30];
    int32_t choices[6];
    enum { COUNT = 200 };
    for (int64_t i = 0; i < COUNT; i++) {
        fnas_space_random(made->space, 4, i, choices);
        fnas_space_to_onehot(made->space, choices, onehot);
        double off = fnas_error_model_gradient(&made->model, made->space, onehot, gradient) - made_up_loss(made->space, choices, scale);
        squares += off * off / COUNT;
    }
    return sqrt(squares);
}

/* The constants of error_model.c. */
#define FORGET 0.995
#define RIDGE 4.0
#define LEAST_PENALTY 1e-3

static double observations_left(int64_t rounds) {
    return ROUND * (1 - pow(FORGET, (double)rounds)) / (1 - FORGET);
}

/* What the ridge may hold back of a loss that the features can express, here with coefficients w: with G the Gram matrix, L the diagonal of
 * penalties, at most RIDGE each, the fit is off by e = (G + L)^-1 L w. As t / (1 + t)^2 <= 1/4 for every eigenvalue t of L^-1/2 G L^-1/2,
 * e'Ge, the sum of squared deviations over the observations, is at most w'Lw / 4. Centred at each edge, w is scale (d + 1) (-2, -1, 0, 1,
 * 2): squares 10 times 1 + 4 + ... + 36 = 91. Differences within rounds of n have (n - 1) / n of the variance. */
static double held_back(double scale, double observations, int64_t round) {
    return sqrt(RIDGE * scale * scale * 10 * 91 / (4 * observations * (double)(round - 1) / (double)round));
}

static void test_fits_and_forgets(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    observe(&made, 0, 4000, 0.05, 0);
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    double before = deviation(&made, 0.05);
    observe(&made, 4000, 40000, -0.02, 0); /* 2,000 discounts leave 0.1 of what was seen first, of some 4,000 observations */
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    double after = deviation(&made, -0.02);
    double most_before = held_back(0.05, observations_left(200), ROUND), most_after = held_back(-0.02, observations_left(2200), ROUND);
    print_message("deviation %.4f (at most %.4f), after a change of the losses %.4f (at most %.4f)\n", before, most_before, after,
                  most_after);
    assert_true(before < most_before && after < most_after); /* 0.28 where nothing is forgotten */
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

/* Smallest and upper quartile of what the model expects: of four, a quarter of the way from the third to the largest. */
static void test_range(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    observe(&made, 0, 4000, 0.05, 0);
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    double onehot[4][30], values[4], gradient[30], scratch[4], low, high;
    for (int32_t i = 0; i < 4; i++) {
        int32_t at = (i + 2) % 4; /* not in the order of the losses 1, 2.05, 3.1, 4.15 */
        fnas_space_to_onehot(made.space, (int32_t[]){i, i, i, i, i, i}, onehot[at]);
        values[i] = fnas_error_model_gradient(&made.model, made.space, onehot[at], gradient);
        assert_true(i == 0 || values[i] > values[i - 1]);
    }
    fnas_error_model_range(&made.model, made.space, 4, onehot[0], scratch, &low, &high);
    print_message("low %.4f, high %.4f\n", low, high);
    assert_true(low == values[0]);
    assert_true(fabs(high - (values[2] + 0.25 * (values[3] - values[2]))) < 1e-12);
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
        /* Ridge regression takes the losses' deviations from their mean through a matrix with eigenvalues in [0, 1). */
        double mean = 1 + 0.05 * (double)(count - 1), fitted = 0, observed = 0, product = 0;
        for (int64_t i = 0; i < count; i++) {
            double off = fnas_error_model_gradient(&made.model, made.space, onehot[i], gradient) - mean, seen = losses[i] - mean;
            fitted += off * off;
            observed += seen * seen;
            product += off * seen;
        }
        assert_true(count == 1 ? fitted < 1e-24 : product > 0 && fitted < observed);
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
    double off = deviation(&made, 0.05), most = held_back(0.05, 4000, 4000);
    print_message("deviation %.4f (at most %.4f)\n", off, most);
    assert_true(off < most);
    discard(&made);
}

/* A slope that towers above the others is penalised least; with the same penalty as the others the fit would be off by 0.004. */
static void test_towering_slope(void **state) {
    fnas_test_place *place = *state;
    modelled made = make(place);
    double squares = 0, onehot[ROUND][30], losses[ROUND], gradient[30];
    int32_t choices[6];
    for (int64_t i = 0; i < 4000; i++) {
        fnas_space_random(made.space, 3, i, choices);
        fnas_space_to_onehot(made.space, choices, onehot[i % ROUND]);
        losses[i % ROUND] = choices[2] == 3; /* w is 1 at one feature */
        if ((i + 1) % ROUND == 0) fnas_error_model_observe(&made.model, made.space, true, ROUND, onehot[0], losses);
    }
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    for (int64_t i = 0; i < 200; i++) {
        fnas_space_random(made.space, 4, i, choices);
        fnas_space_to_onehot(made.space, choices, onehot[0]);
        double off = fnas_error_model_gradient(&made.model, made.space, onehot[0], gradient) - (choices[2] == 3);
        squares += off * off / 200;
    }
    double most = sqrt(LEAST_PENALTY * RIDGE / (4 * 4000 * 0.95)); /* as in held_back */
    print_message("deviation %.6f (at most %.6f)\n", sqrt(squares), most);
    assert_true(sqrt(squares) < most);
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

/* ---- Transformers ---- */

#define TRANSFORMER                                                                                                                        \
    "transformer:encoder-embed=32+16,decoder-embed=32+16,encoder-layers=3,decoder-layers=3+2+1,encoder-ffn=64+32+16,decoder-ffn=64+32+16," \
    "encoder-heads=4+2,decoder-heads=4+2,ende-heads=4+2,ende-attn=-1+1+2,qkv=32,length=10"
enum { TRANSFORMER_DECISIONS = 4 + 6 * 3, TRANSFORMER_ONEHOT = 64 };

/* The first doubling of a feed-forward width is worth five times the second, and all of them half as much to a narrow decoder; so is the
 * second decoder layer beside the third. */
static double saturating_loss(const int32_t *choices) {
    static const double of_ffn[] = {0.6, 0.5, 0}, of_layers[] = {0.6, 0.5, 0};
    const int32_t *ffn = choices + 4 + 3; /* behind the encoder's */
    double gain = of_layers[choices[3]];
    for (int64_t layer = 0; layer < 3 - choices[3]; layer++) gain += of_ffn[ffn[layer]];
    return 5 - gain * (choices[1] == 0 ? 1 : 0.5);
}

static void transformer_at(const fnas_space *space, uint64_t seed, int64_t index, int32_t *choices, double *onehot) {
    fnas_space_random(space, seed, index, choices);
    fnas_space_canonical(space, choices);
    fnas_space_to_onehot(space, choices, onehot);
}

/* All of that is among the features, with coefficients 1.8, 1.5 and 0 of the shares (of three layers) times the width, and 0.6, 0.5 and 0
 * of the numbers of layers times the width: what is left is the ridge's, as in held_back. Sums of costs leave more than ten times as much.
 */
static void test_saturation(void **state) {
    fnas_test_place *place = *state;
    modelled made;
    test_check(place, fnas_space_open(place->context, TRANSFORMER, &made.space));
    test_check(place, fnas_error_model_create(place->context, made.space, &made.model));
    int32_t choices[TRANSFORMER_DECISIONS];
    double onehot[ROUND][TRANSFORMER_ONEHOT], losses[ROUND], gradient[TRANSFORMER_ONEHOT], off = 0;
    assert_true(fnas_space_decision_count(made.space) == TRANSFORMER_DECISIONS);
    int64_t size = fnas_space_onehot_size(made.space);
    assert_true(size <= TRANSFORMER_ONEHOT);
    for (int64_t round = 0; round < 500; round++) {
        for (int64_t i = 0; i < ROUND; i++) {
            transformer_at(made.space, 3, round * ROUND + i, choices, onehot[0] + i * size);
            losses[i] = saturating_loss(choices);
        }
        fnas_error_model_discount(&made.model);
        fnas_error_model_observe(&made.model, made.space, true, ROUND, onehot[0], losses);
    }
    test_check(place, fnas_error_model_fit(place->context, &made.model));
    enum { COUNT = 200 };
    for (int64_t i = 0; i < COUNT; i++) {
        transformer_at(made.space, 4, i, choices, onehot[0]);
        double loss = saturating_loss(choices), expected = fnas_error_model_gradient(&made.model, made.space, onehot[0], gradient);
        off += (expected - loss) * (expected - loss);
    }
    double most = RIDGE * (1.8 * 1.8 + 1.5 * 1.5 + 0.6 * 0.6 + 0.5 * 0.5) / (4 * observations_left(500) * (ROUND - 1) / ROUND);
    print_message("deviation %.6f (at most %.6f)\n", sqrt(off / COUNT), sqrt(most));
    assert_true(off / COUNT < most);
    discard(&made);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fnas_test_setup, fnas_test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_fits_and_forgets), TEST(test_level_of_a_round), TEST(test_gradient), TEST(test_range),     TEST(test_few_observations),
        TEST(test_different_images), TEST(test_towering_slope),   TEST(test_nan),      TEST(test_saturation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
