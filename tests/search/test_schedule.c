/* The stages of a search, and what changes from step to step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/schedule.h"

static fnas_search_config config(void) {
    return (fnas_search_config){.warmup_fraction = 0.25,
                                .consolidate_fraction = 0.25,
                                .entropy_start = 0.2,
                                .entropy_end = 0.005,
                                .entropy_hold = 0.5,
                                .uniform_fraction = 0.75,
                                .hypernet_rounds = 6};
}

static void test_stages_follow_each_other(void **state) {
    (void)state;
    fnas_search_config c = config();
    const fnas_stage quarters[4] = {FNAS_STAGE_WARM_UP, FNAS_STAGE_EXPLORE, FNAS_STAGE_ANNEAL, FNAS_STAGE_CONSOLIDATE};
    for (int64_t step = 0; step < 100; step++) assert_int_equal(fnas_schedule_stage(&c, step, 100), quarters[step / 25]);
    assert_int_equal(fnas_schedule_search_end(&c, 100), 75);
}

static void test_the_shortest_searches_train_the_hypernetwork(void **state) {
    (void)state;
    fnas_search_config c = config();
    for (int64_t total = 1; total < 9; total++) {
        int64_t searching = 0;
        for (int64_t step = 0; step < total; step++) searching += fnas_stage_searches(fnas_schedule_stage(&c, step, total));
        assert_true(searching >= 1);
        assert_true(fnas_stage_searches(fnas_schedule_stage(&c, fnas_schedule_search_end(&c, total) - 1, total)));
    }
}

static void test_uniform_paths_end_with_the_search(void **state) {
    (void)state;
    fnas_search_config c = config();
    assert_true(fnas_schedule_uniform_fraction(&c, 0, 100) == 0.75);
    assert_true(fnas_schedule_uniform_fraction(&c, 74, 100) == 0.75);
    assert_true(fnas_schedule_uniform_fraction(&c, 75, 100) == 0);
}

static void test_the_largest_network_is_first(void **state) {
    (void)state;
    fnas_search_config c = config();
    c.paths = 4;
    c.largest_paths = 1;
    assert_int_equal(fnas_schedule_weight_paths(&c, 0, 100), 4);
    c.largest_first = 0.8; /* of 25 steps */
    assert_int_equal(fnas_schedule_largest_first_end(&c, 100), 20);
    for (int64_t step = 0; step < 100; step++) assert_int_equal(fnas_schedule_weight_paths(&c, step, 100), step < 20 ? 1 : 4);
    c.warmup_fraction = 0;
    assert_int_equal(fnas_schedule_weight_paths(&c, 0, 100), 4);
}

static void test_rounds_are_for_annealing(void **state) {
    (void)state;
    fnas_search_config c = config();
    assert_int_equal(fnas_schedule_hypernet_rounds(&c, 49, 100), 1);
    assert_int_equal(fnas_schedule_hypernet_rounds(&c, 50, 100), 6);
    assert_int_equal(fnas_schedule_hypernet_rounds(&c, 74, 100), 6);
}

static void test_entropy_is_held_then_falls_by_the_same_factor(void **state) {
    (void)state;
    fnas_search_config c = config();
    for (int64_t step = 0; step <= 50; step++) assert_true(fnas_schedule_entropy_weight(&c, step, 100) == 0.2);
    double factor = fnas_schedule_entropy_weight(&c, 51, 100) / 0.2;
    for (int64_t step = 51; step < 75; step++) {
        double before = fnas_schedule_entropy_weight(&c, step - 1, 100), now = fnas_schedule_entropy_weight(&c, step, 100);
        assert_float_equal(now / before, factor, 1e-12);
    }
    assert_float_equal(fnas_schedule_entropy_weight(&c, 75, 100), 0.005, 1e-15); /* where the supernet is consolidated */
    c.entropy_start = c.entropy_end = 0;
    assert_true(fnas_schedule_entropy_weight(&c, 70, 100) == 0);
}

static void test_temperature_of_gdas_is_linear(void **state) {
    (void)state;
    fnas_search_config c = config();
    c.temperature_start = 10;
    c.temperature_end = 1;
    c.sampler = FNAS_SAMPLER_GDAS;
    assert_float_equal(fnas_schedule_temperature(&c, 0, 100), 10, 1e-12);
    assert_float_equal(fnas_schedule_temperature(&c, 37, 100), 5.5, 1e-12);
    assert_float_equal(fnas_schedule_temperature(&c, 74, 100), 1, 1e-12); /* the last step that searches */
    assert_float_equal(fnas_schedule_temperature(&c, 99, 100), 1, 1e-12);
    assert_float_equal(fnas_schedule_temperature(&c, 0, 1), 1, 1e-12);
    c.sampler = FNAS_SAMPLER_REINMAX;
    assert_true(fnas_schedule_temperature(&c, 50, 101) == 1);
}

static void test_learning_rate_is_two_cosines(void **state) {
    (void)state;
    fnas_search_config c = config();
    c.weight_rate = 0.3;
    c.consolidate_rate = 0.1;
    c.weight_rate_end = 0.001;
    assert_float_equal(fnas_schedule_weight_rate(&c, 0, 100), 0.3, 1e-12);
    assert_float_equal(fnas_schedule_weight_rate(&c, 75, 100), 0.1, 1e-12);
    for (int64_t step = 1; step < 100; step++) {
        if (step != 75) assert_true(fnas_schedule_weight_rate(&c, step, 100) < fnas_schedule_weight_rate(&c, step - 1, 100));
    }
    assert_true(fnas_schedule_weight_rate(&c, 74, 100) < 0.002 && fnas_schedule_weight_rate(&c, 99, 100) < 0.002);
    c.consolidate_fraction = 0; /* one cosine */
    for (int64_t step = 1; step < 100; step++)
        assert_true(fnas_schedule_weight_rate(&c, step, 100) < fnas_schedule_weight_rate(&c, step - 1, 100));
}

/* Linear to its height, and from there a cosine (Vaswani et al. 2017; Wang et al. 2020). */
static void test_learning_rate_rises(void **state) {
    (void)state;
    fnas_search_config c = config();
    c.weight_rate = 0.3;
    c.weight_rate_end = 0.001;
    c.consolidate_fraction = 0;
    c.rate_warmup = 0.2;
    for (int64_t step = 0; step < 20; step++)
        assert_float_equal(fnas_schedule_weight_rate(&c, step, 100), 0.3 * (double)(step + 1) / 20, 1e-12);
    assert_float_equal(fnas_schedule_weight_rate(&c, 20, 100), 0.3, 1e-12);
    assert_float_equal(fnas_schedule_weight_rate(&c, 60, 100), (0.3 + 0.001) / 2, 1e-12);
    for (int64_t step = 21; step < 100; step++)
        assert_true(fnas_schedule_weight_rate(&c, step, 100) < fnas_schedule_weight_rate(&c, step - 1, 100));
}

/* ---- training in phases ---- */

static fnas_search_config phased(void) {
    fnas_search_config c = config();
    c.warmup_fraction = 0.4;
    c.sandwiches = 2;
    c.phase_count = 4;
    const double shares[4] = {2, 0, 1, 1};
    for (int p = 0; p < 4; p++) c.phase_shares[p] = shares[p];
    return c;
}

/* In the warm-up, each as long as its share says; one without a share is passed over. */
static void test_phases_share_the_warmup(void **state) {
    (void)state;
    fnas_search_config c = phased();
    for (int64_t step = 0; step < 100; step++) {
        assert_int_equal(fnas_schedule_shrinks(&c, step, 100), step < 40);
        assert_int_equal(fnas_schedule_phase_reached(&c, step, 100), step < 20 ? 0 : step < 30 ? 2 : 3);
        assert_int_equal(fnas_schedule_phase(&c, step, 100), step < 20 ? 0 : step < 30 ? 2 : step < 40 ? 3 : FNAS_SPACE_ALL_OPEN);
    }
    c.phase_count = 0; /* all choices are open, in sandwiches */
    assert_true(fnas_schedule_shrinks(&c, 0, 100));
    assert_int_equal(fnas_schedule_phase(&c, 0, 100), FNAS_SPACE_ALL_OPEN);
    assert_int_equal(fnas_schedule_phase_reached(&c, 99, 100), FNAS_SPACE_ALL_OPEN);
    c.sandwiches = 0;
    assert_false(fnas_schedule_shrinks(&c, 0, 100));
}

/* The last of the warm-up's steps is of the last phase, however few there are. */
static void test_short_warmups_have_their_last_phase(void **state) {
    (void)state;
    fnas_search_config c = phased();
    for (int64_t total = 3; total < 60; total++) {
        int64_t last = -1, before = 0;
        while (fnas_schedule_shrinks(&c, last + 1, total)) {
            int64_t phase = fnas_schedule_phase(&c, ++last, total);
            assert_true(phase >= before && phase < 4 && phase != 1);
            before = phase;
        }
        assert_true(last >= 0);
        assert_int_equal(before, 3);
    }
}

/* Frozen weights learn in the warm-up alone, and one cosine ends there. */
static void test_frozen_weights_learn_in_the_warmup(void **state) {
    (void)state;
    fnas_search_config c = phased();
    c.weight_rate = 0.3;
    c.weight_rate_end = 0.001;
    c.consolidate_fraction = 0;
    for (int64_t step = 0; step < 100; step++) assert_true(fnas_schedule_trains_weights(&c, step, 100));
    assert_true(fnas_schedule_weight_rate(&c, 39, 100) > 0.15);
    c.shared_weights = FNAS_WEIGHTS_FROZEN;
    for (int64_t step = 0; step < 100; step++) assert_int_equal(fnas_schedule_trains_weights(&c, step, 100), step < 40);
    assert_float_equal(fnas_schedule_weight_rate(&c, 0, 100), 0.3, 1e-12);
    for (int64_t step = 1; step < 40; step++)
        assert_true(fnas_schedule_weight_rate(&c, step, 100) < fnas_schedule_weight_rate(&c, step - 1, 100));
    assert_true(fnas_schedule_weight_rate(&c, 39, 100) < 0.003);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages_follow_each_other),
        cmocka_unit_test(test_the_shortest_searches_train_the_hypernetwork),
        cmocka_unit_test(test_uniform_paths_end_with_the_search),
        cmocka_unit_test(test_the_largest_network_is_first),
        cmocka_unit_test(test_rounds_are_for_annealing),
        cmocka_unit_test(test_entropy_is_held_then_falls_by_the_same_factor),
        cmocka_unit_test(test_temperature_of_gdas_is_linear),
        cmocka_unit_test(test_learning_rate_is_two_cosines),
        cmocka_unit_test(test_learning_rate_rises),
        cmocka_unit_test(test_phases_share_the_warmup),
        cmocka_unit_test(test_short_warmups_have_their_last_phase),
        cmocka_unit_test(test_frozen_weights_learn_in_the_warmup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
