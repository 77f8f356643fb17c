/* What scores and trainings say together: ranks, merits, and errors handed out anew. */
#include "base/support.h"

#include <math.h>

#include "estimate/merit.h"

#define COUNT 6

static const fnas_ingredients all = {{true, true, true, true}, true};

static void test_equal_values_share_their_rank(void **state) {
    fnas_test_place *place = *state;
    const double values[COUNT] = {3, -INFINITY, 7, 3, -INFINITY, 3};
    const double expected[COUNT] = {4.0 / COUNT, 1.5 / COUNT, 6.0 / COUNT, 4.0 / COUNT, 1.5 / COUNT, 4.0 / COUNT};
    double rank[COUNT];
    assert_status(FNAS_OK, fnas_merit_rank(place->context, COUNT, values, rank));
    for (int i = 0; i < COUNT; i++) assert_float_equal(rank[i], expected[i], 1e-15);
}

/* Where all agree, errors stay as they are. */
static void test_agreement_changes_nothing(void **state) {
    fnas_test_place *place = *state;
    const double expected[COUNT] = {50, 20, 40, 10, 60, 30};
    double scores[FNAS_MERIT_SCORES * COUNT], error[COUNT];
    for (int i = 0; i < FNAS_MERIT_SCORES * COUNT; i++) scores[i] = -expected[i % COUNT];
    assert_status(FNAS_OK, fnas_merit_combine(place->context, COUNT, &all, scores, expected, error));
    assert_memory_equal(error, expected, sizeof error);
}

/* Four scores that agree outvote the trainings' two: the sum of logarithms of ranks, computed anew. The distribution of the errors stays.
 */
static void test_merit_is_the_sum_of_log_ranks(void **state) {
    fnas_test_place *place = *state;
    double expected[COUNT] = {10, 20, 30, 40, 50, 60}, scores[FNAS_MERIT_SCORES * COUNT], merit[COUNT], sorted = 0, handed = 0;
    const double places[COUNT] = {2, 6, 1, 5, 3, 4}; /* by every score, 6 the best */
    for (int i = 0; i < FNAS_MERIT_SCORES * COUNT; i++) scores[i] = 100 + places[i % COUNT];
    for (int i = 0; i < COUNT; i++) {
        merit[i] = FNAS_MERIT_SCORES * log(places[i]) + FNAS_MERIT_TRAINED * log(COUNT - i);
        sorted += expected[i];
    }
    assert_status(FNAS_OK, fnas_merit_combine(place->context, COUNT, &all, scores, expected, expected)); /* in place */
    for (int i = 0; i < COUNT; i++) {
        handed += expected[i];
        for (int j = 0; j < COUNT; j++) assert_int_equal(merit[i] > merit[j], expected[i] < expected[j]);
    }
    assert_float_equal(handed, sorted, 1e-12);
}

/* Of what is no ingredient nothing is read, and trainings alone, or a score alone, order as they say. */
static void test_only_ingredients_count(void **state) {
    fnas_test_place *place = *state;
    const double expected[COUNT] = {10, 20, 30, 40, 50, 60}, by_score[COUNT] = {50, 10, 60, 20, 40, 30};
    const double places[COUNT] = {2, 6, 1, 5, 3, 4};
    double scores[FNAS_MERIT_SCORES * COUNT], error[COUNT];
    fnas_ingredients ingredients;
    for (int i = 0; i < FNAS_MERIT_SCORES * COUNT; i++) scores[i] = NAN;
    assert_status(FNAS_OK, fnas_ingredients_read(place->context, "trainings", &ingredients));
    assert_status(FNAS_OK, fnas_merit_combine(place->context, COUNT, &ingredients, scores, expected, error));
    assert_memory_equal(error, expected, sizeof error);
    for (int i = 0; i < COUNT; i++) scores[2 * COUNT + i] = places[i];
    assert_status(FNAS_OK, fnas_ingredients_read(place->context, "meco", &ingredients));
    assert_status(FNAS_OK, fnas_merit_combine(place->context, COUNT, &ingredients, scores, expected, error));
    assert_memory_equal(error, by_score, sizeof error);
}

static void test_wrong_ingredients(void **state) {
    fnas_test_place *place = *state;
    static const char *const wrong[][2] = {{"", "\"\" is none"},
                                           {"meco,", "\"\" is none"},
                                           {"naswot,synflow", "\"synflow\" is none: there are naswot, zico"},
                                           {"training", "\"training\" is none"},
                                           {"meco,trainings,meco", "meco stands twice"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fnas_ingredients ingredients;
        assert_status(FNAS_ERR_USAGE, fnas_ingredients_read(place->context, wrong[i][0], &ingredients));
        assert_message(wrong[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_equal_values_share_their_rank),
        fnas_test(test_agreement_changes_nothing),
        fnas_test(test_merit_is_the_sum_of_log_ranks),
        fnas_test(test_only_ingredients_count),
        fnas_test(test_wrong_ingredients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
