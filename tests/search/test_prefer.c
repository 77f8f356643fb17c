/* Fronts for a preference, where errors cost nothing: the best by what the search made small stands first, and is no worse than what the
 * hypernetwork answers by itself. Losses are worked out anew, by the formulas of docs/search.md. */
#include "search/support_query.h"

#include <math.h>

#include "base/memory.h"
#include "base/text.h"
#include "search/query/query.h"
#include "space/space.h"

#define DECISIONS_MOST 30

/* decisions of 5 choices each; a table of `rows` architectures */
typedef struct prefer_shape {
    int64_t decisions, rows;
    const char *scalarise;
} prefer_shape;

/* Later decisions and later choices are worth more. */
static double truth(int64_t decisions, const int32_t *choices) {
    double sum = 80;
    for (int64_t d = 0; d < decisions; d++) sum -= (20.0 / (double)decisions) * (1 + 0.05 * (double)d) * sqrt(choices[d]);
    return sum;
}

static const char *write_space(fnas_test_place *place, int64_t decisions) {
    fnas_text text = {0};
    fnas_text_append(&text, "{\"format\": \"fleetnas-space/1\", \"name\": \"preferred\", \"decisions\": [");
    for (int64_t d = 0; d < decisions; d++)
        fnas_text_append(&text, "%s{\"name\": \"d%d\", \"choices\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}", d ? ", " : "", (int)d);
    fnas_text_append(&text, "]}");
    const char *path = fnas_test_write_text(place, "space.json", text.data);
    fnas_text_free(&text);
    return path;
}

/* All architectures of a space that has no more than `rows`, else random ones. */
static void write_table(fnas_test_place *place, const fnas_space *space, const prefer_shape *shape, const char *path) {
    FILE *file = fopen(path, "w");
    char text[FNAS_ARCH_TEXT_BYTES];
    assert_non_null(file);
    fprintf(file, "arch,error\n");
    for (int64_t i = 0; i < shape->rows; i++) {
        int32_t choices[DECISIONS_MOST];
        if (shape->decisions > 5) {
            fnas_space_random(space, 3, i, choices);
        } else {
            for (int64_t d = 0, rest = i; d < shape->decisions; rest /= 5, d++) choices[d] = (int32_t)(rest % 5);
        }
        test_check(place, fnas_space_format(place->context, space, choices, text, sizeof text));
        fprintf(file, "%s,%.10g\n", text, truth(shape->decisions, choices));
    }
    assert_int_equal(fclose(file), 0);
}

/* Of two steps: what its hypernetwork offers is far from good. */
static fnas_run *make_run(fnas_test_place *place, const prefer_shape *shape) {
    static const double costs[2][5] = {{0.1, 0.7, 1.6, 3, 4.9}, {0.1, 1.4, 2, 2.5, 2.9}};
    char table[200], error[240], folder[200], cards[2][200];
    fnas_space *space;
    char *path = fnas_strdup(write_space(place, shape->decisions));
    test_check(place, fnas_space_open(place->context, path, &space));
    snprintf(table, sizeof table, "%s/table.csv", place->folder);
    snprintf(error, sizeof error, "table:%s:error", table);
    snprintf(folder, sizeof folder, "%s/%s", place->folder, shape->scalarise);
    write_table(place, space, shape, table);
    for (int i = 0; i < 2; i++) {
        fnas_card *card = test_card(place, fnas_space_spec(space), i ? "flat" : "steep", costs[i]);
        snprintf(cards[i], sizeof cards[i], "%s/device%d.json", place->folder, i);
        test_check(place, fnas_card_save(place->context, card, cards[i]));
        fnas_card_free(card);
    }
    const char *devices[2] = {cards[0], cards[1]};
    fnas_search_options options = {.space = path,
                                   .error = error,
                                   .run = folder,
                                   .device_count = 2,
                                   .devices = devices,
                                   .preset = "quick",
                                   .scalarise = shape->scalarise,
                                   .steps = 2,
                                   .seed = 5};
    fnas_run *run;
    test_check(place, fnas_search_run(place->context, &options));
    test_check(place, fnas_run_open(place->context, folder, &run));
    fnas_space_close(space);
    fnas_free(path);
    return run;
}

/* ---- losses ---- */

typedef struct prefer_judge {
    fnas_run *run;
    fnas_latency_model *model;
    double low_ms, high_ms;
    bool chebyshev;
} prefer_judge;

static prefer_judge make_judge(fnas_test_place *place, fnas_run *run, bool chebyshev) {
    prefer_judge made = {.run = run, .chebyshev = chebyshev};
    test_check(place, fnas_latency_model_create(place->context, run->predictor, run->space, run->cards[0], &made.model));
    fnas_latency_model_range_ms(made.model, &made.low_ms, &made.high_ms);
    return made;
}

static double loss_of(const prefer_judge *judge, const double *preference, const double *values) {
    const fnas_surrogate *surrogate = judge->run->surrogate;
    double error = preference[0] * (values[0] - surrogate->low) / (surrogate->high - surrogate->low);
    double latency = preference[1] * (values[1] - judge->low_ms) / (judge->high_ms - judge->low_ms);
    return judge->chebyshev ? fmax(error, latency) + 0.05 * (error + latency) : error + latency;
}

static double loss_of_choices(fnas_test_place *place, const prefer_judge *judge, const double *preference, const int32_t *choices) {
    double values[2] = {fnas_surrogate_error(judge->run->surrogate, choices), 0};
    test_check(place, fnas_latency_model_predict(place->context, judge->model, 1, choices, &values[1]));
    return loss_of(judge, preference, values);
}

static fnas_front *ask(fnas_test_place *place, const fnas_run *run, fnas_front_options options) {
    fnas_front *front;
    options.score_error = options.predicted_only = true;
    test_check(place, fnas_run_front(place->context, run, run->cards[0], &options, &front));
    return front;
}

/* The front for a preference: in order of the loss. Its least. */
static double preferred_loss(fnas_test_place *place, const prefer_judge *judge, const double *preference, const fnas_front *plain) {
    fnas_front *front = ask(place, judge->run, (fnas_front_options){.points = 500, .prefer = preference});
    fnas_front *few = ask(place, judge->run, (fnas_front_options){.points = 2, .prefer = preference});
    double least = loss_of(judge, preference, fnas_front_values(front, 0)), before = least;
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        double loss = loss_of(judge, preference, fnas_front_values(front, p));
        assert_true(loss >= before - 1e-9);
        before = loss;
    }
    for (int64_t p = 0; p < fnas_front_point_count(plain); p++)
        assert_true(loss_of(judge, preference, fnas_front_values(plain, p)) >= least - 1e-9);
    for (int64_t p = 0; p < 2; p++) assert_string_equal(fnas_front_arch(few, p), fnas_front_arch(front, p));
    fnas_front_free(front);
    fnas_front_free(few);
    return least;
}

static double own_loss(fnas_test_place *place, const prefer_judge *judge, const double *preference) {
    fnas_front *own = ask(place, judge->run, (fnas_front_options){.constant_preference = preference});
    double loss = loss_of(judge, preference, fnas_front_values(own, 0));
    fnas_front_free(own);
    return loss;
}

/* In both scalarisations, for preferences along the whole simplex. */
static void test_best_first(void **state) {
    fnas_test_place *place = *state;
    static const prefer_shape shapes[2] = {{5, 3125, "linear"}, {5, 3125, "chebyshev"}};
    for (int i = 0; i < 2; i++) {
        fnas_run *run = make_run(place, &shapes[i]);
        prefer_judge judge = make_judge(place, run, i == 1);
        fnas_front *plain = ask(place, run, (fnas_front_options){.points = 500});
        int better = 0;
        for (int k = 0; k <= 10; k++) {
            const double preference[2] = {k / 10.0, 1 - k / 10.0};
            double least = preferred_loss(place, &judge, preference, plain), own = own_loss(place, &judge, preference);
            assert_true(least <= own + 1e-9);
            better += least < own - 1e-3;
        }
        assert_true(better >= 5);
        fnas_front_free(plain);
        fnas_latency_model_free(judge.model);
        fnas_run_close(run);
    }
}

/* The two scalarisations do not agree on what is best: each run is asked by its own. */
static void test_scalarisations_differ(void **state) {
    fnas_test_place *place = *state;
    static const prefer_shape shapes[2] = {{5, 3125, "linear"}, {5, 3125, "chebyshev"}};
    const double preference[2] = {0.8, 0.2};
    char archs[2][FNAS_ARCH_TEXT_BYTES];
    for (int i = 0; i < 2; i++) {
        fnas_run *run = make_run(place, &shapes[i]);
        fnas_front *front = ask(place, run, (fnas_front_options){.points = 1, .prefer = preference});
        snprintf(archs[i], sizeof archs[i], "%s", fnas_front_arch(front, 0));
        fnas_front_free(front);
        fnas_run_close(run);
    }
    assert_string_not_equal(archs[0], archs[1]);
}

/* A space whose fronts have more neighbours than there is room for: what is preferred is sought first, until no change of one decision
 * makes it better. */
static void test_large_space(void **state) {
    fnas_test_place *place = *state;
    static const prefer_shape shape = {DECISIONS_MOST, 600, "linear"};
    fnas_run *run = make_run(place, &shape);
    prefer_judge judge = make_judge(place, run, false);
    for (int k = 1; k < 5; k++) {
        const double preference[2] = {k / 5.0, 1 - k / 5.0};
        fnas_front *front = ask(place, run, (fnas_front_options){.points = 1, .prefer = preference});
        double least = loss_of(&judge, preference, fnas_front_values(front, 0));
        for (int64_t d = 0; d < shape.decisions; d++)
            for (int32_t choice = 0; choice < 5; choice++) {
                int32_t changed[DECISIONS_MOST];
                memcpy(changed, fnas_front_choices(front, 0), sizeof changed);
                changed[d] = choice;
                assert_true(loss_of_choices(place, &judge, preference, changed) >= least - 1e-9);
            }
        fnas_front_free(front);
    }
    fnas_latency_model_free(judge.model);
    fnas_run_close(run);
}

/* Where a surrogate's errors are bent to stay between 0 and 100 %, the loss is of what the search followed, which is not. */
static void test_followed_errors_count(void **state) {
    fnas_test_place *place = *state;
    static const prefer_shape shape = {DECISIONS_MOST, 600, "linear"};
    const double preference[2] = {0.6, 0.4};
    fnas_run *run = make_run(place, &shape);
    prefer_judge judge = make_judge(place, run, false);
    run->surrogate->mean_error_pct = 50; /* then all are */
    fnas_front *front = ask(place, run, (fnas_front_options){.points = 500, .prefer = preference});
    double before = -INFINITY, most_bent = 0;
    assert_true(fnas_front_point_count(front) > 20);
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        const double *shown = fnas_front_values(front, p);
        double followed[2] = {fnas_surrogate_prediction(run->surrogate, fnas_front_choices(front, p)), shown[1]};
        double loss = loss_of(&judge, preference, followed);
        assert_true(loss >= before - 1e-9);
        before = loss;
        most_bent = fmax(most_bent, fabs(followed[0] - shown[0]));
    }
    assert_true(most_bent > 1);
    fnas_front_free(front);
    fnas_latency_model_free(judge.model);
    fnas_run_close(run);
}

/* Of a front's points within the limit, the least loss for the preference; infinite where none is. */
static double least_within(const prefer_judge *judge, const double *preference, double limit_ms, const fnas_front *front) {
    double least = INFINITY;
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        const double *values = fnas_front_values(front, p);
        if (values[1] <= limit_ms) least = fmin(least, loss_of(judge, preference, values));
    }
    return least;
}

/* What is asked for within a limit is no worse than what the same run answers, within it, to other preferences. */
static void test_limit_in_large_space(void **state) {
    fnas_test_place *place = *state;
    static const prefer_shape shape = {DECISIONS_MOST, 600, "linear"};
    fnas_run *run = make_run(place, &shape);
    prefer_judge judge = make_judge(place, run, false);
    fnas_front *others[20];
    for (int k = 0; k < 20; k++) {
        const double preference[2] = {(k + 0.5) / 20, 1 - (k + 0.5) / 20};
        others[k] = ask(place, run, (fnas_front_options){.points = 40000, .prefer = preference});
    }
    for (int i = 1; i < 8; i++) {
        double limit_ms = judge.low_ms + (judge.high_ms - judge.low_ms) * i / 8;
        const double limits[2] = {INFINITY, limit_ms};
        for (int k = 2; k <= 4; k++) {
            const double preference[2] = {k / 4.0, 1 - k / 4.0};
            fnas_front *front = ask(place, run, (fnas_front_options){.points = 40000, .prefer = preference, .limits = limits});
            double least = least_within(&judge, preference, limit_ms, front);
            for (int other = 0; other < 20; other++) assert_true(least <= least_within(&judge, preference, limit_ms, others[other]) + 1e-9);
            fnas_front_free(front);
        }
    }
    for (int k = 0; k < 20; k++) fnas_front_free(others[k]);
    fnas_latency_model_free(judge.model);
    fnas_run_close(run);
}

/* What the hypernetwork answers to the very preference, which the lattice has not, is compared too. */
static void test_own_answer_is_compared(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 8); /* never trained: near preferences have many answers */
    for (int k = 0; k < 40; k++) {
        const double preference[2] = {0.0125 + 0.025 * k / 1.003, 1 - (0.0125 + 0.025 * k / 1.003)};
        int32_t choices[6];
        double latency_ms;
        fnas_candidates candidates;
        test_check(place, fnas_run_pick(place->context, run, run->cards[0], preference, choices, &latency_ms));
        const fnas_front_options options = {.prefer = preference, .candidates = 8};
        test_check(place, fnas_query_sweep(place->context, run, run->cards[0], &options, &candidates));
        assert_memory_equal(candidates.choices, choices, sizeof choices);
        assert_memory_equal(candidates.preferences, preference, sizeof preference);
        fnas_candidates_free(&candidates);
    }
    fnas_run_close(run);
}

static void test_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 8);
    const double half[2] = {0.5, 0.5}, heavy[2] = {0.5, 0.6};
    fnas_front *front;
    assert_status(FNAS_ERR_USAGE, fnas_run_front(place->context, run, run->cards[0], &(fnas_front_options){.prefer = half}, &front));
    assert_message("score the error");
    fnas_front_options options = {.prefer = heavy, .score_error = true};
    assert_status(FNAS_ERR_INPUT, fnas_run_front(place->context, run, run->cards[0], &options, &front));
    assert_message("sum to 1.1");
    const double limits[2] = {INFINITY, 5}, unknown[2] = {INFINITY, NAN};
    options = (fnas_front_options){.limits = limits};
    assert_status(FNAS_ERR_USAGE, fnas_run_front(place->context, run, run->cards[0], &options, &front));
    assert_message("with prefer");
    options = (fnas_front_options){.limits = unknown, .prefer = half, .score_error = true};
    assert_status(FNAS_ERR_INPUT, fnas_run_front(place->context, run, run->cards[0], &options, &front));
    assert_message("number 2 is no number");
    fnas_run_close(run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fnas_test_setup, fnas_test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_best_first),
                                       TEST(test_scalarisations_differ),
                                       TEST(test_large_space),
                                       TEST(test_limit_in_large_space),
                                       TEST(test_followed_errors_count),
                                       TEST(test_own_answer_is_compared),
                                       TEST(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
