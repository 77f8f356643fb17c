/* Fronts of a run made in memory: what is asked for is what comes. */
#include "search/support_query.h"

#include <math.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "search/query/query.h"
#include "space/space.h"

/* ---- parts ---- */

static void test_preferences_of_two(void **state) {
    fnas_test_place *place = *state;
    int64_t count;
    double *preferences;
    test_check(place, fnas_query_preferences(place->context, 2, &count, &preferences));
    assert_int_equal(count, 201);
    assert_true(preferences[0] == 1 && preferences[1] == 0);
    assert_true(preferences[400] == 0 && preferences[401] == 1);
    for (int64_t i = 1; i < count; i++) assert_true(fabs(preferences[2 * i - 2] - preferences[2 * i] - 0.005) < 1e-12);
    fnas_free(preferences);
}

static void test_preferences_of_more(void **state) {
    fnas_test_place *place = *state;
    const int64_t expected[] = {496, 455, 495,
                                462, 462, 330}; /* binomials: 32 over 2, 15 over 3, 12 over 4, 11 over 5, 11 over 6, 11 over 7 */
    for (int64_t objectives = 3; objectives <= 8; objectives++) {
        int64_t count;
        double *preferences;
        test_check(place, fnas_query_preferences(place->context, objectives, &count, &preferences));
        assert_int_equal(count, expected[objectives - 3]);
        for (int64_t i = 0; i < count; i++) {
            const double *row = preferences + i * objectives;
            test_check(place, fnas_query_check_preference(place->context, objectives, row));
            for (int64_t j = 0; j < i; j++) assert_memory_not_equal(row, preferences + j * objectives, (size_t)objectives * sizeof *row);
        }
        fnas_free(preferences);
    }
}

static void test_spread(void **state) {
    (void)state;
    int64_t indices[5];
    fnas_query_spread(9, 5, indices);
    for (int i = 0; i < 5; i++) assert_int_equal(indices[i], 2 * i);
    fnas_query_spread(7, 1, indices);
    assert_int_equal(indices[0], 0);
    fnas_query_spread(5, 5, indices);
    for (int i = 0; i < 5; i++) assert_int_equal(indices[i], i);
}

/* ---- a front without errors ---- */

static bool same_choices(const fnas_front *front, int64_t a, int64_t b) {
    return !memcmp(fnas_front_choices(front, a), fnas_front_choices(front, b), 6 * sizeof(int32_t));
}

static void check_distinct(const fnas_front *front) {
    for (int64_t i = 0; i < fnas_front_point_count(front); i++) {
        for (int64_t j = 0; j < i; j++) assert_false(same_choices(front, i, j));
    }
}

static void test_unscored(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 1);
    fnas_front *front;
    double begin_ms = fnas_wall_ms();
    test_check(place, fnas_run_front(place->context, run, run->cards[0], NULL, &front));
    print_message("a query without scoring took %.1f ms\n", fnas_wall_ms() - begin_ms);
    int64_t count = fnas_front_point_count(front);
    assert_int_equal(count, 24); /* a random hypernetwork offers far more */
    assert_string_equal(fnas_front_device(front), "convolution");
    check_distinct(front);
    for (int64_t i = 0; i < count; i++) {
        const double *values = fnas_front_values(front, i);
        assert_true(isnan(values[0]));
        assert_true(values[1] > 0);
        if (i) assert_true(values[1] >= fnas_front_values(front, i - 1)[1]);
        /* The preference that is reported gives the architecture that stands beside it. */
        int32_t choices[6];
        double latency_ms;
        test_check(place, fnas_run_pick(place->context, run, run->cards[0], fnas_front_preference(front, i), choices, &latency_ms));
        assert_memory_equal(choices, fnas_front_choices(front, i), sizeof choices);
        assert_true(latency_ms == values[1]);
        char text[FNAS_ARCH_TEXT_BYTES];
        test_check(place, fnas_space_format(place->context, run->space, choices, text, sizeof text));
        assert_string_equal(text, fnas_front_arch(front, i));
    }
    fnas_front_free(front);
    test_check(place, fnas_run_front(place->context, run, run->cards[0], &(fnas_front_options){.points = 5}, &front));
    assert_int_equal(fnas_front_point_count(front), 5);
    fnas_front_free(front);
    fnas_run_close(run);
}

/* ---- with errors ---- */

static bool dominates(const double *a, const double *b, int64_t objectives) {
    bool better = false;
    for (int64_t k = 0; k < objectives; k++) {
        if (a[k] > b[k]) return false;
        better |= a[k] < b[k];
    }
    return better;
}

static void check_front(const fnas_front *front) {
    check_distinct(front);
    int64_t objectives = fnas_front_objective_count(front);
    for (int64_t i = 0; i < fnas_front_point_count(front); i++) {
        for (int64_t j = 0; j < fnas_front_point_count(front); j++) {
            assert_false(dominates(fnas_front_values(front, i), fnas_front_values(front, j), objectives));
        }
    }
}

static void test_scored(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms,params", 2);
    fnas_front_options options = {.score_error = true, .candidates = 16};
    fnas_front *front, *again;
    fnas_context_set_threads(place->context, 1);
    test_check(place, fnas_run_front(place->context, run, run->cards[1], &options, &front));
    check_front(front);
    assert_true(fnas_front_point_count(front) >= 1 && fnas_front_point_count(front) <= 16);
    for (int64_t i = 0; i < fnas_front_point_count(front); i++) {
        const double *values = fnas_front_values(front, i);
        assert_true(values[0] >= 0 && values[0] <= 100);
        assert_true(values[2] == (double)fnas_space_params(run->space, fnas_front_choices(front, i)));
    }
    fnas_context_set_threads(place->context, 3);
    test_check(place, fnas_run_front(place->context, run, run->cards[1], &options, &again));
    assert_int_equal(fnas_front_point_count(again), fnas_front_point_count(front));
    for (int64_t i = 0; i < fnas_front_point_count(front); i++) {
        assert_memory_equal(fnas_front_values(again, i), fnas_front_values(front, i), 3 * sizeof(double));
        assert_memory_equal(fnas_front_choices(again, i), fnas_front_choices(front, i), 6 * sizeof(int32_t));
    }
    fnas_front_free(front);
    fnas_front_free(again);
    fnas_run_close(run);
}

/* Candidates with errors and latencies by hand. */
enum { BY_HAND = 9 };
typedef struct by_hand {
    fnas_candidates candidates; /* its arrays are those below */
    int32_t choices[BY_HAND][6];
    double preferences[BY_HAND][2], latency_ms[BY_HAND], energy_mj[BY_HAND];
    bool measured[BY_HAND];
    fnas_score scores[BY_HAND];
} by_hand;

static void fill(by_hand *made, const fnas_run *run, int64_t count, const double (*values)[2]) {
    made->candidates = (fnas_candidates){.count = count,
                                         .decisions = 6,
                                         .objectives = 2,
                                         .decoded = count,
                                         .choices = made->choices[0],
                                         .preferences = made->preferences[0],
                                         .latency_ms = made->latency_ms,
                                         .energy_mj = made->energy_mj,
                                         .measured = made->measured,
                                         .scores = made->scores};
    for (int64_t i = 0; i < count; i++) {
        fnas_space_random(run->space, 5, i, made->choices[i]);
        made->scores[i] = (fnas_score){.error_pct = values[i][0], .cross_entropy = values[i][0] / 50};
        made->latency_ms[i] = values[i][1];
        made->energy_mj[i] = (double)NAN;
        made->preferences[i][0] = (double)i / BY_HAND;
        made->preferences[i][1] = 1 - made->preferences[i][0];
    }
}

static fnas_front *choose(fnas_test_place *place, const fnas_run *run, int64_t count, const double (*values)[2], int64_t points) {
    by_hand made;
    fnas_front *front;
    fill(&made, run, count, values);
    const fnas_choosing how = {.card = run->cards[0], .images = 1000, .points = points};
    test_check(place, fnas_query_choose(place->context, run, &how, &made.candidates, &front));
    return front;
}

static void check_values(const fnas_front *front, int64_t count, const double (*expected)[2]) {
    assert_int_equal(fnas_front_point_count(front), count);
    for (int64_t i = 0; i < count; i++) {
        bool found = false;
        for (int64_t j = 0; j < count; j++) found |= !memcmp(fnas_front_values(front, j), expected[i], sizeof *expected);
        assert_true(found);
    }
}

static void test_choice(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 3);
    /* Four classes: guessing is 75 %, and on 1,000 images anything from 70.9 % may be guessing. */
    assert_true(fabs(fnas_query_guessing_pct(4, 1000) - 70.892) < 1e-3);
    const double values[][2] = {{10, 9}, {20, 4}, {21, 5}, {40, 2}, {74, 1}, {20.5, 3.9}};
    const double all[][2] = {{10, 9}, {20, 4}, {20.5, 3.9}, {40, 2}}, three[][2] = {{10, 9}, {20, 4}, {40, 2}};
    fnas_front *front = choose(place, run, 6, values, 24);
    check_values(front, 4, all); /* the dominated one and the guessing one are gone */
    fnas_front_free(front);
    front = choose(place, run, 6, values, 3);
    check_values(front, 3, three); /* then the one that adds least */
    fnas_front_free(front);
    const double guessing[][2] = {{75, 2}, {74, 3}};
    front = choose(place, run, 2, guessing, 24); /* nothing better: they stay */
    check_values(front, 2, guessing);
    fnas_front_free(front);
    front = choose(place, run, 1, values, 24);
    check_values(front, 1, values);
    assert_true(fnas_front_preference(front, 0)[1] == 1);
    fnas_front_free(front);
    fnas_run_close(run);
}

/* With shared weights each objective is on its range over the front, here 10 to 40 and 2 to 9: losses 0.4, 0.3143, 0.6, 0.3186. */
static void test_choice_by_preference(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 3);
    const double values[][2] = {{10, 9}, {20, 4}, {21, 5}, {40, 2}, {74, 1}, {20.5, 3.9}}, prefer[2] = {0.6, 0.4};
    const double *expected[] = {values[1], values[5], values[0], values[3]};
    by_hand made;
    fnas_front *front;
    fill(&made, run, 6, values);
    for (int64_t points = 1; points <= 5; points++) {
        const fnas_choosing how = {.card = run->cards[0], .images = 1000, .points = points, .prefer = prefer};
        test_check(place, fnas_query_choose(place->context, run, &how, &made.candidates, &front));
        assert_int_equal(fnas_front_point_count(front), points < 4 ? points : 4);
        for (int64_t i = 0; i < fnas_front_point_count(front); i++)
            assert_memory_equal(fnas_front_values(front, i), expected[i], 2 * sizeof(double));
        fnas_front_free(front);
    }
    fnas_run_close(run);
}

/* Of the candidates with these values, of which the first `decoded` are decoded, those at `left` [left_count] are left, whole and in their
 * order. */
static void check_best(fnas_test_place *place, const fnas_run *run, int64_t count, const double (*values)[2], int64_t decoded, int64_t most,
                       int64_t left_count, const int64_t *left, int64_t left_decoded) {
    by_hand before, after;
    fill(&before, run, count, values);
    fill(&after, run, count, values);
    after.candidates.decoded = decoded;
    test_check(place, fnas_query_keep_best(place->context, run, 1000, most, &after.candidates));
    assert_int_equal(after.candidates.count, left_count);
    assert_int_equal(after.candidates.decoded, left_decoded);
    for (int64_t i = 0; i < left_count; i++) {
        assert_memory_equal(&after.scores[i], &before.scores[left[i]], sizeof after.scores[i]);
        assert_true(after.latency_ms[i] == before.latency_ms[left[i]]);
        assert_memory_equal(after.preferences[i], before.preferences[left[i]], sizeof after.preferences[i]);
        assert_memory_equal(after.choices[i], before.choices[left[i]], sizeof after.choices[i]);
    }
}

/* Lucky on the images: fewest errors at the same latency, but far from sure of them. */
static void test_keep_best_by_cross_entropy(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 3);
    const double values[][2] = {{9, 5}, {10, 5}, {11, 5}};
    by_hand made;
    fill(&made, run, 3, values);
    made.scores[0].cross_entropy = 0.5;
    made.scores[1].cross_entropy = 0.3;
    made.scores[2].cross_entropy = 0.4;
    test_check(place, fnas_query_keep_best(place->context, run, 1000, 2, &made.candidates));
    assert_int_equal(made.candidates.count, 2);
    assert_true(made.scores[0].error_pct == 10 && made.scores[1].error_pct == 11);
    fnas_run_close(run);
}

static void test_keep_best(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 3);
    /* Layers: 3, 5, 7; then 1, 4, 6, 8; then 0. Nothing is faster than 2, which guesses. */
    const double values[][2] = {{50, 11}, {12, 10}, {74, 1}, {10, 9}, {26, 4.9}, {20, 4}, {45, 3}, {40, 2}, {25, 5}};
    check_best(place, run, 9, values, 5, 3, 3, (int64_t[]){3, 5, 7}, 1);
    check_best(place, run, 9, values, 5, 7, 7, (int64_t[]){1, 3, 4, 5, 6, 7, 8}, 3);
    check_best(place, run, 9, values, 9, 8, 8, (int64_t[]){0, 1, 3, 4, 5, 6, 7, 8}, 8);
    /* Cut. The second layer, scaled to its own range, is (0, 1), (0.42, 0.27), (1, 0), (0.39, 0.29) with the reference point (1.05, 1.05):
     * they add 0.0197, 0.0082, 0.0136, 0.0216; without candidate 4, of the ends 6 adds less. */
    check_best(place, run, 9, values, 5, 6, 6, (int64_t[]){1, 3, 5, 6, 7, 8}, 2);
    check_best(place, run, 9, values, 5, 5, 5, (int64_t[]){1, 3, 5, 7, 8}, 2);
    /* The first layer: (0, 1), (0.33, 0.29), (1, 0), of which the last adds least: 0.0143, the first 0.0167. */
    check_best(place, run, 9, values, 4, 2, 2, (int64_t[]){3, 5}, 1);
    /* Fewer than were asked for: whoever guesses goes all the same. */
    check_best(place, run, 9, values, 3, 24, 8, (int64_t[]){0, 1, 3, 4, 5, 6, 7, 8}, 2);
    check_best(place, run, 0, values, 0, 24, 0, NULL, 0);
    /* All guess: they stay, and are as good as their layers. */
    const double guessing[][2] = {{76, 4}, {75, 2}, {74, 3}};
    check_best(place, run, 3, guessing, 2, 24, 3, (int64_t[]){0, 1, 2}, 2);
    check_best(place, run, 3, guessing, 2, 2, 2, (int64_t[]){1, 2}, 1);
    fnas_run_close(run);
}

/* ---- studies ---- */

static bool same_fronts(const fnas_front *a, const fnas_front *b) {
    if (fnas_front_point_count(a) != fnas_front_point_count(b)) return false;
    size_t size = (size_t)fnas_front_point_count(a) * 6 * sizeof(int32_t);
    return !memcmp(fnas_front_choices(a, 0), fnas_front_choices(b, 0), size);
}

static fnas_front *ask(fnas_test_place *place, const fnas_run *run, const fnas_card *card, fnas_front_options options) {
    fnas_front *front;
    test_check(place, fnas_run_front(place->context, run, card, &options, &front));
    return front;
}

static void test_studies(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 4);
    const double constant[2] = {0.3, 0.7};
    const fnas_card *card = run->cards[0];
    fnas_front *plain = ask(place, run, card, (fnas_front_options){0});
    fnas_front *again = ask(place, run, card, (fnas_front_options){.seed = 9}); /* the seed is the untrained hypernetwork's alone */
    fnas_front *mean = ask(place, run, card, (fnas_front_options){.mean_embedding = true});
    fnas_front *untrained = ask(place, run, card, (fnas_front_options){.untrained_hypernet = true});
    fnas_front *other = ask(place, run, card, (fnas_front_options){.untrained_hypernet = true, .seed = 9});
    fnas_front *one = ask(place, run, card, (fnas_front_options){.constant_preference = constant});
    assert_true(same_fronts(plain, again));
    assert_false(same_fronts(plain, mean));
    assert_false(same_fronts(plain, untrained));
    assert_false(same_fronts(other, untrained));
    assert_int_equal(fnas_front_point_count(one), 1);
    assert_memory_equal(fnas_front_preference(one, 0), constant, sizeof constant);
    int32_t choices[6];
    double latency_ms;
    test_check(place, fnas_run_pick(place->context, run, card, constant, choices, &latency_ms));
    assert_memory_equal(choices, fnas_front_choices(one, 0), sizeof choices);

    /* By the mean embedding both devices are offered the same architectures, each at its own latency. */
    fnas_candidates candidates[2];
    for (int i = 0; i < 2; i++) {
        test_check(place,
                   fnas_query_sweep(place->context, run, run->cards[i], &(fnas_front_options){.mean_embedding = true}, &candidates[i]));
    }
    assert_int_equal(candidates[0].count, candidates[1].count);
    assert_memory_equal(candidates[0].choices, candidates[1].choices, (size_t)candidates[0].count * 6 * sizeof(int32_t));
    assert_true(candidates[0].latency_ms[0] != candidates[1].latency_ms[0]);
    for (int i = 0; i < 2; i++) fnas_candidates_free(&candidates[i]);
    fnas_front *fronts[] = {plain, again, mean, untrained, other, one};
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) fnas_front_free(fronts[i]);
    fnas_run_close(run);
}

static void test_neighbours(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 5);
    const double constant[2] = {0.5, 0.5};
    fnas_front_options options = {.constant_preference = constant, .neighbours = 4};
    fnas_candidates few, many;
    test_check(place, fnas_query_sweep(place->context, run, run->cards[0], &options, &few));
    assert_int_equal(few.decoded, 1);
    assert_true(few.count >= 3 && few.count <= 5); /* four neighbours, or fewer where changes of dead edges come to the same */
    for (int64_t i = 0; i < few.count; i++) {
        int32_t canonical[6];
        memcpy(canonical, few.choices + 6 * i, sizeof canonical);
        fnas_space_canonical(run->space, canonical);
        assert_memory_equal(canonical, few.choices + 6 * i, sizeof canonical);
        for (int64_t j = 0; j < i; j++) assert_memory_not_equal(few.choices + 6 * i, few.choices + 6 * j, 6 * sizeof(int32_t));
    }
    options.neighbours = 100; /* six decisions, so at most six neighbours of one architecture */
    test_check(place, fnas_query_sweep(place->context, run, run->cards[0], &options, &many));
    assert_true(many.count >= few.count && many.count <= 7);
    assert_memory_equal(many.choices, few.choices, (size_t)few.count * 6 * sizeof(int32_t)); /* the nearest come first */
    fnas_candidates_free(&few);
    fnas_candidates_free(&many);
    fnas_run_close(run);
}

/* ---- what is refused ---- */

#define assert_refused(expression, status, part)                                                                                           \
    do {                                                                                                                                   \
        assert_status(status, expression);                                                                                                 \
        assert_message(part);                                                                                                              \
    } while (0)

static void test_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 6);
    const double op_ms[5] = {1, 2, 3, 4, 5};
    fnas_card *foreign = test_card(place, "nb201:channels=8,cells=1,classes=4,input=1x8x8", "foreign", op_ms);
    fnas_front *front;
    int32_t choices[6];
    double latency_ms;
    const double half[2] = {0.5, 0.5}, heavy[2] = {0.5, 0.6}, negative[2] = {-0.5, 1.5}, nan_weight[2] = {NAN, 1};
    assert_refused(fnas_run_front(place->context, run, foreign, NULL, &front), FNAS_ERR_INPUT, "channels=8");
    assert_null(front);
    assert_refused(fnas_run_pick(place->context, run, foreign, half, choices, &latency_ms), FNAS_ERR_INPUT, "channels=8");
    assert_refused(fnas_run_pick(place->context, run, run->cards[0], heavy, choices, &latency_ms), FNAS_ERR_INPUT, "sum to 1.1");
    assert_refused(fnas_run_pick(place->context, run, run->cards[0], negative, choices, &latency_ms), FNAS_ERR_INPUT, "weight 1 is -0.5");
    assert_refused(fnas_run_pick(place->context, run, run->cards[0], nan_weight, choices, &latency_ms), FNAS_ERR_INPUT, "weight 1 is");
    fnas_front_options options = {.points = -1};
    assert_refused(fnas_run_front(place->context, run, run->cards[0], &options, &front), FNAS_ERR_USAGE, "negative");
    options = (fnas_front_options){.score_error = true, .data = "synthetic:1x8x8,classes=4,images=500"};
    assert_refused(fnas_run_front(place->context, run, run->cards[0], &options, &front), FNAS_ERR_INPUT, "images=500");
    fnas_free(run->data_spec);
    run->data_spec = NULL;
    options.data = NULL;
    assert_refused(fnas_run_front(place->context, run, run->cards[0], &options, &front), FNAS_ERR_INPUT, "--data");
    fnas_card_free(foreign);
    fnas_run_close(run);
}

static void test_interrupted(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 6);
    fnas_front *front;
    fnas_context_request_stop(place->context);
    assert_refused(fnas_run_front(place->context, run, run->cards[0], &(fnas_front_options){.score_error = true}, &front), FNAS_INTERRUPTED,
                   "stopped");
    fnas_run_close(run);
}

/* ---- files ---- */

static void test_json(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 7);
    fnas_front *front = ask(place, run, run->cards[1], (fnas_front_options){.score_error = true, .candidates = 6});
    const char *path = fnas_test_path(place, "front.json");
    test_check(place, fnas_front_write_json(place->context, run, front, path));
    json_t *root;
    test_check(place, fnas_json_read(place->context, path, 1 << 20, &root));
    assert_int_equal(json_object_size(root), 5);
    assert_string_equal(json_string_value(json_object_get(root, "device")), "pooling");
    assert_string_equal(json_string_value(json_object_get(root, "space")), fnas_space_spec(run->space));
    assert_null(strstr(json_string_value(json_object_get(root, "run")), place->folder)); /* equal searches, equal files */
    json_t *objectives = json_object_get(root, "objectives"), *points = json_object_get(root, "points");
    assert_int_equal(json_array_size(objectives), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(objectives, 0), "name")), "error");
    assert_string_equal(json_string_value(json_object_get(json_array_get(objectives, 0), "source")), "supernet");
    assert_string_equal(json_string_value(json_object_get(json_array_get(objectives, 1), "name")), "latency_ms");
    assert_string_equal(json_string_value(json_object_get(json_array_get(objectives, 1), "unit")), "ms");
    assert_string_equal(json_string_value(json_object_get(json_array_get(objectives, 1), "source")), "predicted");
    assert_int_equal(json_array_size(points), fnas_front_point_count(front));
    for (size_t i = 0; i < json_array_size(points); i++) {
        assert_int_equal(json_is_true(json_object_get(json_array_get(points, i), "connected")),
                         fnas_space_connected(run->space, fnas_front_choices(front, (int64_t)i)));
        json_t *point = json_array_get(points, i), *values = json_object_get(point, "values"),
               *preference = json_object_get(point, "preference");
        assert_string_equal(json_string_value(json_object_get(point, "arch")), fnas_front_arch(front, (int64_t)i));
        for (size_t k = 0; k < 2; k++) {
            assert_true(json_number_value(json_array_get(values, k)) == fnas_front_values(front, (int64_t)i)[k]);
            assert_true(json_number_value(json_array_get(preference, k)) == fnas_front_preference(front, (int64_t)i)[k]);
        }
    }
    json_decref(root);
    fnas_front_free(front);
    fnas_run_close(run);
}

static void test_json_unscored(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 7);
    fnas_front *front = ask(place, run, run->cards[1], (fnas_front_options){.points = 3});
    const char *path = fnas_test_path(place, "front.json");
    test_check(place, fnas_front_write_json(place->context, run, front, path));
    json_t *root;
    test_check(place, fnas_json_read(place->context, path, 1 << 20, &root));
    json_t *objectives = json_object_get(root, "objectives"), *point = json_array_get(json_object_get(root, "points"), 2);
    assert_int_equal(json_array_size(objectives), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(objectives, 0), "name")), "latency_ms");
    assert_int_equal(json_array_size(json_object_get(point, "values")), 1);
    assert_int_equal(json_array_size(json_object_get(point, "preference")), 1);
    assert_true(json_number_value(json_array_get(json_object_get(point, "values"), 0)) == fnas_front_values(front, 2)[1]);
    json_decref(root);
    fnas_front_free(front);
    fnas_run_close(run);
}

static void check_csv(fnas_test_place *place, const fnas_front *front, bool scored) {
    const char *path = fnas_test_path(place, "front.csv");
    test_check(place, fnas_front_write_csv(place->context, front, path));
    fnas_csv *table;
    test_check(place, fnas_csv_read(place->context, path, 1 << 20, &table));
    const char *header[] = {"device", "arch", "preference_error", "preference_latency_ms", scored ? "error" : "latency_ms", "latency_ms"};
    assert_int_equal(fnas_csv_columns(table), scored ? 6 : 5);
    for (int64_t c = 0; c < fnas_csv_columns(table); c++) assert_string_equal(fnas_csv_header(table, c), header[c]);
    assert_int_equal(fnas_csv_rows(table), fnas_front_point_count(front));
    for (int64_t i = 0; i < fnas_csv_rows(table); i++) {
        double number;
        assert_string_equal(fnas_csv_cell(table, i, 0), fnas_front_device(front));
        assert_string_equal(fnas_csv_cell(table, i, 1), fnas_front_arch(front, i));
        test_check(place, fnas_csv_number(place->context, table, i, 2, &number));
        assert_true(number == fnas_front_preference(front, i)[0]);
        test_check(place, fnas_csv_number(place->context, table, i, fnas_csv_columns(table) - 1, &number));
        assert_true(number == fnas_front_values(front, i)[1]);
    }
    fnas_csv_free(table);
}

static void test_csv(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 8);
    fnas_front *front = ask(place, run, run->cards[0], (fnas_front_options){.score_error = true, .candidates = 6});
    check_csv(place, front, true);
    fnas_front_free(front);
    front = ask(place, run, run->cards[0], (fnas_front_options){0});
    check_csv(place, front, false);
    fnas_free(front->device);
    front->device = fnas_strdup("a \"quoted\", name");
    check_csv(place, front, false);
    fnas_front_free(front);
    fnas_run_close(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_preferences_of_two),
        fnas_test(test_preferences_of_more),
        fnas_test(test_spread),
        fnas_test(test_unscored),
        fnas_test(test_scored),
        fnas_test(test_choice),
        fnas_test(test_choice_by_preference),
        fnas_test(test_keep_best),
        fnas_test(test_keep_best_by_cross_entropy),
        fnas_test(test_studies),
        fnas_test(test_neighbours),
        fnas_test(test_refused),
        fnas_test(test_interrupted),
        fnas_test(test_json),
        fnas_test(test_json_unscored),
        fnas_test(test_csv),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
