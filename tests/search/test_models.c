/* Objectives that are computed in the place of truth tables: the scale on which fronts are compared, rivals that search without a table. */
#include "search/support_query.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/support_npz.h"
#include "fleetnas/rival.h"
#include "search/error/surrogate.h"
#include "search/rival/propose.h"
#include "space/space.h"

#define DECISIONS 6
#define ONEHOT 21
#define ARCHITECTURES (4 * 2 * 4 * 3 * 4 * 4)
#define CHOICES "\"choices\": [\"a\", \"b\", \"c\", \"d\"]"
static const char SPACE[] = "{\"format\": \"fleetnas-space/1\", \"name\": \"six\", \"decisions\": ["
                            "{\"name\": \"d0\", " CHOICES "}, {\"name\": \"d1\", \"choices\": [\"a\", \"b\"]}, {\"name\": \"d2\", " CHOICES
                            "},"
                            "{\"name\": \"d3\", \"choices\": [\"a\", \"b\", \"c\"]}, {\"name\": \"d4\", " CHOICES
                            "}, {\"name\": \"d5\", " CHOICES "}]}";
static const int32_t COUNTS[DECISIONS] = {4, 2, 4, 3, 4, 4};

/* The later decisions are worth more: what costs the same is not worth the same. */
static double error_of(const int32_t *choices) {
    double sum = 60;
    for (int d = 0; d < DECISIONS; d++) sum -= (d + 1) * choices[d];
    return sum;
}

typedef struct fixture {
    fnas_test_place *place;
    fnas_space *space;
    char error[200], predictor[160], device[160];
    fnas_latency_model *latency; /* the same that is opened by name */
    fnas_truth *truth;
} fixture;

/* A network of one layer that says error_of. */
static void write_network(fixture *f) {
    double weights[ONEHOT], bias = 60;
    for (int d = 0, at = 0; d < DECISIONS; d++)
        for (int k = 0; k < COUNTS[d]; k++) weights[at++] = -(d + 1) * k;
    const npz_part parts[] = {{.name = "W0", .shape = "(1, 21)", .data = weights, .size = sizeof weights},
                              {.name = "b0", .shape = "(1,)", .data = &bias, .size = sizeof bias}};
    bytes_buffer archive = {0};
    npz_archive(&archive, parts, 2, false);
    snprintf(f->error, sizeof f->error, "surrogate:%s:output=error_pct", fnas_test_write(f->place, "net.npz", archive.data, archive.size));
    bytes_free(&archive);
}

static void make_predictor(fixture *f) {
    fnas_test_place *place = f->place;
    const char *spec = fnas_space_spec(f->space);
    fnas_card *cards[2] = {test_card(place, spec, "steep", (const double[5]){0.1, 1, 2, 6, 0}),
                           test_card(place, spec, "flat", (const double[5]){0.1, 2, 2.2, 2.5, 0})};
    const fnas_predictor_options options = {.steps = 50};
    fnas_predictor *predictor = NULL;
    test_check(place, fnas_predictor_fit(place->context, f->space, 2, (const fnas_card *const *)cards, &options, &predictor));
    snprintf(f->predictor, sizeof f->predictor, "%s", fnas_test_path(place, "p.safetensors"));
    snprintf(f->device, sizeof f->device, "%s", fnas_test_path(place, "device.json"));
    test_check(place, fnas_predictor_save(place->context, predictor, f->predictor));
    test_check(place, fnas_card_save(place->context, cards[0], f->device));
    test_check(place, fnas_latency_model_create(place->context, predictor, f->space, cards[0], &f->latency));
    for (int i = 0; i < 2; i++) fnas_card_free(cards[i]);
    fnas_predictor_free(predictor);
}

static fnas_status open_truth(fixture *f, fnas_truth **truth) {
    const fnas_models_options options = {.error = f->error, .predictor = f->predictor, .device = f->device};
    return fnas_truth_open_models(f->place->context, f->space, &options, truth);
}

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    void *untyped = NULL;
    if (!f || fnas_test_setup(&untyped) != 0) return -1;
    f->place = untyped;
    test_check(f->place, fnas_space_open(f->place->context, fnas_test_write_text(f->place, "space.json", SPACE), &f->space));
    write_network(f);
    make_predictor(f);
    test_check(f->place, open_truth(f, &f->truth));
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    void *place = f->place;
    fnas_truth_free(f->truth);
    fnas_latency_model_free(f->latency);
    fnas_space_close(f->space);
    free(f);
    return fnas_test_teardown(&place);
}

/* ---- the scale ---- */

static void values_of(fixture *f, const int32_t *choices, double values[2]) {
    values[0] = error_of(choices);
    test_check(f->place, fnas_latency_model_predict(f->place->context, f->latency, 1, choices, values + 1));
}

static void widen(fixture *f, const int32_t *choices, double low[2], double high[2]) {
    double values[2];
    values_of(f, choices, values);
    for (int m = 0; m < 2; m++) {
        low[m] = fmin(low[m], values[m]);
        high[m] = fmax(high[m], values[m]);
    }
}

static double volume_of(fixture *f, int count, const int32_t (*archs)[DECISIONS], const double low[2], const double high[2]) {
    fnas_test_place *place = f->place;
    double points[8], volume;
    for (int i = 0; i < count; i++) {
        values_of(f, archs[i], points + 2 * i);
        for (int m = 0; m < 2; m++) points[2 * i + m] = fmin(fmax((points[2 * i + m] - low[m]) / (high[m] - low[m]), 0), 1);
    }
    assert_status(FNAS_OK, fnas_front_hypervolume(place->context, count, 2, points, (const double[2]){1, 1}, &volume));
    return volume;
}

/* Min-max over 1,000 fixed random architectures, joined with the fronts compared, clipped, reference point (1, 1). */
static void fronts_share_a_scale(void **state) {
    fixture *f = *state;
    fnas_test_place *place = f->place;
    static const int32_t first[2][DECISIONS] = {{3, 1, 3, 2, 3, 3}, {0, 0, 0, 0, 0, 0}},
                         second[2][DECISIONS] = {{1, 0, 1, 1, 1, 3}, {0, 0, 1, 0, 0, 3}};
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int64_t i = 0; i < 1000; i++) {
        int32_t choices[DECISIONS];
        fnas_space_random(f->space, 0, i, choices);
        widen(f, choices, low, high);
    }
    fnas_truth_score score;
    assert_true(fnas_truth_is_computed(f->truth));
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, f->truth, 2, second[0], &score));
    assert_float_equal(score.hypervolume, volume_of(f, 2, second, low, high), 1e-12);
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, f->truth, 2, first[0], &score)); /* the ends of the space: clipped */
    assert_float_equal(score.hypervolume, volume_of(f, 2, first, low, high), 1e-12);
    double before = volume_of(f, 2, second, low, high);
    for (int i = 0; i < 2; i++) widen(f, first[i], low, high);
    assert_status(FNAS_OK, fnas_truth_join(place->context, f->truth, 2, first[0]));
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, f->truth, 2, second[0], &score));
    assert_float_equal(score.hypervolume, volume_of(f, 2, second, low, high), 1e-12);
    assert_true(fabs(score.hypervolume - before) > 1e-6); /* it is another scale */
    assert_int_equal(score.front_count, 2);
    assert_int_equal(score.true_front_count, 0);
    assert_true(isnan(score.ratio) && isnan(score.true_hypervolume) && isnan(score.indicators.igd));
}

/* ---- rivals ---- */

static fnas_status run(fixture *f, const char *method, int64_t evaluations, uint64_t seed, fnas_rival_front *front) {
    const fnas_rival_options options = {.method = method, .evaluations = evaluations, .seed = seed};
    return fnas_rival_run(f->place->context, f->truth, &options, front);
}

/* Every evaluation is counted, and what is answered is what the models say; the same for equal seeds. */
static void rivals_search_without_a_table(void **state) {
    fixture *f = *state;
    fnas_test_place *place = f->place;
    static const char *const methods[] = {"random",    "local-search",         "nsga2",  "regularised-evolution",
                                          "untrained", "linear-scalarisation", "parego", "random-scalarisation",
                                          "ehvi"};
    for (size_t k = 0; k < sizeof methods / sizeof *methods; k++) {
        fnas_rival_front front, again;
        assert_status(FNAS_OK, run(f, methods[k], 130, 5, &front));
        assert_status(FNAS_OK, run(f, methods[k], 130, 5, &again));
        if (front.evaluations != 130) fail_msg("%s made %d evaluations", methods[k], (int)front.evaluations);
        assert_true(front.count > 1 && front.count <= 24);
        assert_int_equal(front.count, again.count);
        assert_memory_equal(front.choices, again.choices, (size_t)front.count * DECISIONS * sizeof(int32_t));
        for (int64_t i = 0; i < front.count; i++) {
            double values[2];
            values_of(f, front.choices + i * DECISIONS, values);
            assert_true(front.values[2 * i] == values[0] && front.values[2 * i + 1] == values[1]);
        }
        fnas_rival_front_free(&front);
        fnas_rival_front_free(&again);
    }
}

/* All of the space is the best that can be: what breeds candidates comes near with a tenth of it, random draws do not. */
static void bayesian_rivals_come_near_the_best(void **state) {
    fixture *f = *state;
    fnas_test_place *place = f->place;
    fnas_rival_front all, bred, random;
    fnas_truth_score best, good, poor;
    assert_status(FNAS_OK, run(f, "random", ARCHITECTURES, 0, &all));
    assert_int_equal(all.evaluations, ARCHITECTURES);
    assert_status(FNAS_OK, run(f, "parego", 100, 1, &bred));
    assert_status(FNAS_OK, run(f, "random", 100, 1, &random));
    assert_status(FNAS_OK, fnas_truth_join(place->context, f->truth, all.count, all.choices));
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, f->truth, all.count, all.choices, &best));
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, f->truth, bred.count, bred.choices, &good));
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, f->truth, random.count, random.choices, &poor));
    assert_true(good.hypervolume > 0.98 * best.hypervolume);
    assert_true(poor.hypervolume < 0.95 * best.hypervolume);
    fnas_rival_front_free(&all);
    fnas_rival_front_free(&bred);
    fnas_rival_front_free(&random);
}

static void what_needs_a_table_says_so(void **state) {
    fixture *f = *state;
    fnas_test_place *place = f->place;
    fnas_rival_front front;
    assert_status(FNAS_ERR_UNSUPPORTED, run(f, "macs", 10, 0, &front));
    assert_message("looks at all architectures of truth tables");
    assert_status(FNAS_ERR_UNSUPPORTED, run(f, "synflow", 10, 0, &front));
    assert_status(FNAS_ERR_USAGE, run(f, "random", ARCHITECTURES + 1, 0, &front));
    assert_message("--evaluations 1537: possible are 1 to 1536");
}

/* ---- what is proposed ---- */

/* The fewer points of error, the more; or the same for all. */
static fnas_status judge(void *judging, int64_t count, const double *onehot, double *promise) {
    int64_t *asked = judging;
    assert_true(count >= 1 && count <= FNAS_RIVAL_GENERATION);
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int d = 0, at = 0; d < DECISIONS; d++)
            for (int k = 0; k < COUNTS[d]; k++) sum += (d + 1) * k * onehot[i * ONEHOT + at++];
        promise[i] = *asked < 0 ? 1 : sum;
    }
    *asked += *asked < 0 ? -count : count;
    return FNAS_OK;
}

static void the_most_promising_is_bred(void **state) {
    fixture *f = *state;
    fnas_test_place *place = f->place;
    fnas_rival rival = {.context = place->context,
                        .truth = f->truth,
                        .space = f->space,
                        .decisions = DECISIONS,
                        .objectives = 2,
                        .budget = ARCHITECTURES,
                        .random = fnas_random_begin(1, FNAS_STREAM_RIVAL, 0, 0),
                        .archive = {.decisions = DECISIONS}};
    rival.points = fnas_allocate(2 * ARCHITECTURES, sizeof *rival.points);
    rival.values = fnas_allocate(2 * ARCHITECTURES, sizeof *rival.values);
    static const int32_t best[DECISIONS] = {3, 1, 3, 2, 3, 3}, second[DECISIONS] = {2, 1, 3, 2, 3, 3};
    int32_t choices[DECISIONS];
    int64_t asked = 0, index;
    assert_status(FNAS_OK, fnas_rival_fill(&rival, 10));
    assert_status(FNAS_OK, fnas_rival_propose(&rival, judge, &asked, choices));
    assert_memory_equal(choices, best, sizeof best);
    assert_true(asked > 500 && asked <= 10 * FNAS_RIVAL_GENERATION);
    assert_status(FNAS_OK, fnas_rival_evaluate(&rival, best, &index)); /* what is known is not proposed again */
    assert_status(FNAS_OK, fnas_rival_propose(&rival, judge, &asked, choices));
    assert_memory_equal(choices, second, sizeof second);
    asked = -1; /* from here on nothing promises more than another */
    assert_status(FNAS_OK, fnas_rival_propose(&rival, judge, &asked, choices));
    assert_int_equal(fnas_arch_set_find(&rival.archive, choices), -1);
    assert_status(FNAS_OK, fnas_rival_fill(&rival, ARCHITECTURES));
    assert_status(FNAS_ERR_INPUT, fnas_rival_propose(&rival, NULL, NULL, choices));
    assert_message("after 1536 evaluations no architecture is found that is not known");
    fnas_arch_set_free(&rival.archive);
    fnas_free(rival.points);
    fnas_free(rival.values);
}

/* ---- what is refused ---- */

static void wrong_models_are_refused(void **state) {
    fixture *f = *state;
    fnas_test_place *place = f->place;
    fnas_truth *truth = NULL;
    char kept[200];
    snprintf(kept, sizeof kept, "%s", f->error);
    snprintf(f->error, sizeof f->error, "supernet");
    assert_status(FNAS_ERR_USAGE, open_truth(f, &truth));
    assert_null(truth);
    snprintf(f->error, sizeof f->error, "%.*s", (int)(strlen(kept) - strlen(":output=error_pct")), kept);
    assert_status(FNAS_ERR_INPUT, open_truth(f, &truth));
    assert_message("does not say what its output is");
    snprintf(f->error, sizeof f->error, "%s", kept);
    fnas_card *card = test_card(place, "nb201", "other", (const double[5]){0.1, 1, 2, 6, 0});
    snprintf(f->device, sizeof f->device, "%s", fnas_test_path(place, "other.json"));
    assert_status(FNAS_OK, fnas_card_save(place->context, card, f->device));
    assert_status(FNAS_ERR_INPUT, open_truth(f, &truth));
    assert_null(truth);
    fnas_card_free(card);
}

#define models_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        models_test(fronts_share_a_scale),
        models_test(rivals_search_without_a_table),
        models_test(bayesian_rivals_come_near_the_best),
        models_test(what_needs_a_table_says_so),
        models_test(the_most_promising_is_bred),
        models_test(wrong_models_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
