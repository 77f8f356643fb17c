/* Searches on sentences: what a step trains on and by how much, scores, equal bits, and what is refused. */
#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "device/card.h"
#include "fleetnas/text.h"
#include "search/score/score.h"
#include "search/searcher.h"
#include "search/support_query.h"
#include "search/support_stop.h"

#define SPACE                                                                                                                              \
    "transformer:encoder-embed=16+8,decoder-embed=8+16,encoder-layers=2,decoder-layers=2+1,encoder-ffn=32+16,decoder-ffn=32+16,"           \
    "encoder-heads=2+1,decoder-heads=2+1,ende-heads=2+1,ende-attn=-1+1,qkv=16,length=6"
#define MODEL FNAS_TEST_FILES "/text/bytes.model"
#define LINES 400
#define STEPS 10

typedef struct translating {
    fnas_test_place *place;
    char *pairs, *devices[2];
} translating;

/* ---- pairs and cards ---- */

/* A language of twelve words; the other says the same words the other way round. */
static void write_lines(fnas_test_place *place) {
    static const char *const words[12] = {"open", "the", "file", "menu", "and", "choose", "a", "cell", "to", "format", "text", "row"};
    fnas_text source = {0}, target = {0};
    for (int64_t i = 0; i < LINES; i++) {
        fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, i, 0);
        int64_t count = 2 + fnas_random_below(&random, 6), said[8];
        for (int64_t w = 0; w < count; w++) said[w] = fnas_random_below(&random, 12);
        for (int64_t w = 0; w < count; w++) {
            fnas_text_append(&source, "%s%s", w ? " " : "", words[said[w]]);
            fnas_text_append(&target, "%s%s", w ? " " : "", words[said[count - 1 - w]]);
        }
        fnas_text_append(&source, "\n");
        fnas_text_append(&target, "\n");
    }
    fnas_test_write(place, "lines.en", source.data, source.size);
    fnas_test_write(place, "lines.de", target.data, target.size);
    fnas_text_free(&source);
    fnas_text_free(&target);
}

static char *prepare(fnas_test_place *place, uint64_t seed, const char *name) {
    char spec[400];
    fnas_text_request request = {.vocabulary = MODEL, .seed = seed};
    fnas_text_prepared prepared;
    char *path = fnas_strdup(fnas_test_path(place, name));
    snprintf(spec, sizeof spec, "text:%s/lines.en,%s/lines.de", place->folder, place->folder);
    test_check(place, fnas_text_prepare(place->context, spec, &request, path, &prepared));
    return path;
}

static char *save_card(fnas_test_place *place, const char *name, const double *choice_ms) {
    char file[96];
    snprintf(file, sizeof file, "%s.json", name);
    fnas_card *card = test_card(place, SPACE, name, choice_ms);
    char *path = fnas_strdup(fnas_test_path(place, file));
    test_check(place, fnas_card_save(place->context, card, path));
    fnas_card_free(card);
    return path;
}

static int setup(void **state) {
    static const double one_ms[5] = {0.5, 0.2, 0.1}, other_ms[5] = {0.1, 0.4, 0.2};
    translating *made = calloc(1, sizeof *made);
    void *place = NULL;
    if (!made || fnas_test_setup(&place) != 0) return -1;
    made->place = place;
    write_lines(made->place);
    made->pairs = prepare(made->place, 1, "some.pairs");
    made->devices[0] = save_card(made->place, "one", one_ms);
    made->devices[1] = save_card(made->place, "other", other_ms);
    *state = made;
    return 0;
}

static int teardown(void **state) {
    translating *made = *state;
    void *place = made->place;
    fnas_free(made->pairs);
    for (int i = 0; i < 2; i++) fnas_free(made->devices[i]);
    free(made);
    fnas_test_teardown(&place);
    return 0;
}

static fnas_search_options options_for(translating *t, const char *run) {
    return (fnas_search_options){.space = SPACE,
                                 .data = t->pairs,
                                 .run = run,
                                 .device_count = 2,
                                 .devices = (const char *const *)t->devices,
                                 .preset = "quick",
                                 .steps = STEPS,
                                 .checkpoint_steps = 4,
                                 .seed = 5};
}

/* ---- a step ---- */

typedef struct stage {
    fnas_run *run;
    fnas_examples examples;
    fnas_searcher searcher;
} stage;

/* A run of ten steps, opened as a search opens it. */
static void stage_open(translating *t, fnas_search_options *options, stage *s) {
    fnas_test_place *place = t->place;
    *s = (stage){0};
    test_check(place, fnas_search_run(place->context, options));
    test_check(place, fnas_run_open(place->context, options->run, &s->run));
    s->run->state.step = 3;
    test_check(place, fnas_run_open_data(place->context, s->run, NULL, &s->examples));
    test_check(place, fnas_searcher_create(place->context, s->run, &s->examples, &s->searcher));
}

static void stage_close(stage *s) {
    fnas_searcher_free(&s->searcher);
    fnas_examples_close(&s->examples);
    fnas_run_close(s->run);
}

static bool is_largest(const fnas_searcher *searcher, int64_t path) {
    int32_t largest[64];
    searcher->run->space->type->largest(searcher->run->space, largest);
    return memcmp(largest, searcher->paths.choices + path * searcher->decisions, (size_t)searcher->decisions * sizeof *largest) == 0;
}

/* How a path is run without the search. */
typedef struct lesson {
    const fnas_translator_dropout *dropout;
    float smoothing;
    const float *soft;
    float soft_weight, scale, *weights, *logits;
    double *gates;
} lesson;

/* One path's losses and gradients. */
static void run_alone(translating *t, const fnas_searcher *searcher, int64_t path, int64_t batch, const lesson *how,
                      fnas_translator_result *result) {
    fnas_worker worker;
    fnas_translator shape;
    const fnas_space *space = searcher->run->supernet;
    space->type->translator(space, searcher->paths.choices + path * searcher->decisions, searcher->config->vocabulary, &shape);
    fnas_translator_batch sentences = fnas_sentences_batch(&searcher->sentences[batch]);
    fnas_translator_request request = {.shape = &shape,
                                       .largest = &searcher->largest,
                                       .parameters = &searcher->state->weights,
                                       .batch = &sentences,
                                       .dropout = how->dropout,
                                       .label_smoothing = how->smoothing,
                                       .soft_targets = how->soft,
                                       .soft_weight = how->soft_weight,
                                       .scale = how->scale,
                                       .weight_gradient = how->weights,
                                       .gate_gradient = how->gates,
                                       .logits = how->logits};
    test_check(t->place, fnas_worker_create(t->place->context, FNAS_COMPUTE_F32, &worker));
    test_check(t->place, fnas_translator_run(t->place->context, &worker, &request, result));
    fnas_worker_destroy(&worker);
}

static double distance(int64_t count, const float *a, const float *b) {
    double difference = 0, size = 0;
    for (int64_t i = 0; i < count; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(difference / size);
}

/* What a path says of its pairs when it trains. Owned. */
static float *probabilities(translating *t, const fnas_searcher *searcher, int64_t path, const fnas_translator_dropout *dropout) {
    fnas_translator_result result;
    lesson how = {.dropout = dropout, .scale = 1};
    int64_t vocabulary = searcher->config->vocabulary, words = fnas_sentences_words(&searcher->sentences[path]);
    float *said = calloc((size_t)(words * vocabulary), sizeof *said);
    how.logits = said;
    run_alone(t, searcher, path, path, &how, &result);
    for (int64_t w = 0; w < words; w++) {
        double sum = 0;
        float *row = said + w * vocabulary;
        for (int64_t k = 0; k < vocabulary; k++) sum += exp((double)row[k]);
        for (int64_t k = 0; k < vocabulary; k++) row[k] = (float)(exp((double)row[k]) / sum);
    }
    return said;
}

/* The largest network learns from the labels of two batches; two others on each learn half from it. The gradient is that of the mean over
 * the words of all paths. */
static void a_step_is_a_sandwich(void **state) {
    translating *t = *state;
    stage s;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "trained"));
    options.paths = 6;
    options.largest_paths = "2";
    options.largest_first = "none";
    stage_open(t, &options, &s);
    fnas_searcher *searcher = &s.searcher;
    fnas_context *context = t->place->context;
    fnas_paths_draw(searcher, FNAS_PURPOSE_WEIGHTS, 6, 0, 2);
    for (int64_t p = 0; p < 2; p++) assert_true(is_largest(searcher, p));
    assert_false(is_largest(searcher, 2) && is_largest(searcher, 3) && is_largest(searcher, 4) && is_largest(searcher, 5));
    test_check(t->place, searcher->runner->load(context, searcher, FNAS_PURPOSE_WEIGHTS));
    test_check(t->place, fnas_paths_run(context, searcher, FNAS_PURPOSE_WEIGHTS));
    int64_t count = searcher->state->weights.float_count, words = 0, run = searcher->examples_run;
    float *sum = calloc((size_t)count, sizeof *sum), *said[2];
    assert_memory_not_equal(searcher->sentences[0].label, searcher->sentences[1].label, 4 * sizeof(int32_t));
    for (int64_t p = 0; p < 6; p++) words += fnas_sentences_words(&searcher->sentences[p % 2]);
    assert_int_equal(run, words);
    for (int64_t p = 0; p < 6; p++) {
        fnas_translator_result result;
        fnas_translator_dropout dropout = {(float)searcher->config->dropout, 0, searcher->config->seed, 3, p};
        if (p < 2) said[p] = probabilities(t, searcher, p, &dropout);
        lesson how = {.dropout = &dropout,
                      .smoothing = 0.1f,
                      .soft = p < 2 ? NULL : said[p % 2],
                      .soft_weight = 0.5f,
                      .scale = 1 / (float)words,
                      .weights = sum};
        run_alone(t, searcher, p, p % 2, &how, &result);
        assert_true(fabs(searcher->paths.cross_entropy[p] - result.log_loss / (double)result.tokens) < 1e-12);
        assert_int_equal(searcher->paths.correct[p], result.correct);
    }
    assert_true(distance(count, searcher->group_gradient[0], sum) < 1e-6); /* sums of floats in another order */
    for (int i = 0; i < 2; i++) free(said[i]);
    free(sum);
    stage_close(&s);
}

/* Where no path is the largest network each has pairs of its own, and nobody teaches. */
static void without_the_largest_each_path_has_its_own_pairs(void **state) {
    translating *t = *state;
    stage s;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "apart"));
    options.preset = "paper";
    stage_open(t, &options, &s);
    fnas_searcher *searcher = &s.searcher;
    int64_t paths = searcher->config->paths;
    assert_int_equal(paths, 32);
    fnas_paths_draw(searcher, FNAS_PURPOSE_WEIGHTS, paths, 0, 2);
    test_check(t->place, searcher->runner->load(t->place->context, searcher, FNAS_PURPOSE_WEIGHTS));
    assert_int_equal(searcher->paths.teacher_count, 0);
    assert_null(searcher->sentence_teacher);
    for (int64_t p = 0; p < paths; p++) {
        searcher->runner->share(searcher, FNAS_PURPOSE_WEIGHTS, p);
        assert_int_equal(searcher->paths.first_example[p], p);
    }
    stage_close(&s);
}

/* The largest network takes the place of what the hypernetwork would draw for other devices in other steps, and no device's others are all
 * uniform: what it draws with certainty is seen for each. */
static void all_devices_are_trained_for(void **state) {
    translating *t = *state;
    static const struct {
        int64_t paths;
        const char *largest;
    } ways[] = {{2, "1"}, {6, "1"}, {4, "2"}, {8, "4"}};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        stage s;
        char name[20];
        snprintf(name, sizeof name, "turn-%d", (int)w);
        int64_t drawn[2] = {0}, largest[2] = {0}, paths = ways[w].paths, first_other = ways[w].largest[0] - '0';
        fnas_search_options options = options_for(t, fnas_test_path(t->place, name));
        options.paths = paths;
        options.largest_paths = ways[w].largest;
        stage_open(t, &options, &s);
        s.run->state.total_steps = 200; /* these are of its warm-up */
        for (s.run->state.step = 0; s.run->state.step < 48; s.run->state.step++) {
            int64_t uniform = 0;
            fnas_paths_draw(&s.searcher, FNAS_PURPOSE_WEIGHTS, paths, 0, 2);
            assert_true(is_largest(&s.searcher, 0));
            largest[s.searcher.paths.device[0]]++;
            for (int64_t p = 1; p < paths; p++)
                for (int64_t q = 0; q < p; q++) assert_int_not_equal(s.searcher.paths.stream[p], s.searcher.paths.stream[q]);
            for (int64_t p = first_other; p < paths; p++) {
                const double *logits = s.searcher.paths.logits + p * s.searcher.onehot;
                bool flat = true;
                for (int64_t k = 0; flat && k < s.searcher.onehot; k++) flat = logits[k] == 0;
                drawn[s.searcher.paths.device[p]] += !flat;
                uniform += flat;
            }
            assert_in_range(uniform, (paths - first_other) / 2, (paths - first_other + 1) / 2); /* in every step */
        }
        for (int d = 0; d < 2; d++) {
            assert_int_equal(largest[d], 24);
            assert_in_range(drawn[d], (paths - first_other) * 48 / 8, (paths - first_other) * 48 * 3 / 8);
        }
        s.run->state.step = 3;
        stage_close(&s);
    }
}

/* Half of the paths are the largest network, at most four; none where that is asked for: then each path has pairs of its own. */
static void half_of_the_paths_teach(void **state) {
    translating *t = *state;
    static const struct way {
        int64_t devices, paths;
        const char *asked;
        int64_t of, largest;
    } ways[] = {{1, 0, NULL, 8, 4}, {2, 0, NULL, 8, 4}, {3, 0, NULL, 6, 3},   {5, 0, NULL, 5, 2}, {9, 0, NULL, 9, 4}, {12, 0, NULL, 12, 4},
                {2, 2, NULL, 2, 1}, {1, 1, NULL, 1, 0}, {2, 0, "none", 8, 0}, {2, 0, "0", 8, 0},  {2, 4, "4", 4, 4},  {2, 12, "1", 12, 1}};
    fnas_space *space;
    test_check(t->place, fnas_space_open(t->place->context, SPACE, &space));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const struct way *way = &ways[i];
        fnas_search_config config = {0};
        int64_t epochs;
        fnas_search_options options = options_for(t, "nowhere");
        options.device_count = way->devices;
        options.paths = way->paths;
        options.largest_paths = way->asked;
        test_check(t->place, fnas_search_config_build(t->place->context, &options, &config, &epochs));
        test_check(t->place, fnas_search_config_fit_space(t->place->context, &options, space, &config, &epochs));
        assert_int_equal(config.paths, way->of);
        assert_int_equal(config.largest_paths, way->largest);
        assert_int_equal(fnas_search_weight_batches(&config), way->largest ? way->largest : way->of);
        assert_int_equal(fnas_search_largest_teaches(&config), way->largest > 0 && way->largest < way->of);
        fnas_search_config_free(&config);
    }
    fnas_space_close(space);
}

/* An epoch is a pass over the pairs: a step takes as many batches as there are paths of the largest network, or all together. */
static void epochs_count_batches(void **state) {
    translating *t = *state;
    int64_t steps[2];
    for (int i = 0; i < 2; i++) {
        fnas_run *run;
        fnas_search_options options = options_for(t, fnas_test_path(t->place, i ? "epoch-2" : "epoch-1"));
        options.steps = 0;
        options.epochs = 4;
        options.largest_paths = i ? "2" : "1";
        test_check(t->place, fnas_search_run(t->place->context, &options));
        test_check(t->place, fnas_run_open(t->place->context, options.run, &run));
        steps[i] = run->config.steps;
        fnas_run_close(run);
    }
    assert_in_range(steps[0], 2 * steps[1], 2 * steps[1] + 4);
}

/* At first the largest network alone learns; from the last part of the warm-up on others learn beside it. */
static void the_largest_is_first(void **state) {
    translating *t = *state;
    stage s;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "first"));
    options.paths = 6;
    options.largest_paths = "2";
    options.largest_first = "0.5"; /* of a warm-up of four steps */
    stage_open(t, &options, &s);
    for (int64_t step = 0; step < 4; step++) {
        int64_t largest = 0;
        s.run->state.step = step;
        test_check(t->place, fnas_update_weights(t->place->context, &s.searcher));
        assert_int_equal(s.searcher.paths.count, step < 2 ? 2 : 6);
        for (int64_t p = 0; p < s.searcher.paths.count; p++) largest += is_largest(&s.searcher, p);
        assert_in_range(largest, 2, 5);
        fnas_paths_draw(&s.searcher, FNAS_PURPOSE_OBSERVE, 4, 0, 2);
        assert_false(is_largest(&s.searcher, 0) && is_largest(&s.searcher, 1) && is_largest(&s.searcher, 2));
    }
    stage_close(&s);
}

/* Weights that are given have learnt already. */
static void given_weights_need_no_largest_first(void **state) {
    translating *t = *state;
    fnas_run *run;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "begun"));
    test_check(t->place, fnas_search_run(t->place->context, &options));
    test_check(t->place, fnas_run_open(t->place->context, options.run, &run));
    assert_true(run->config.largest_first > 0);
    fnas_run_close(run);
    options.weights = options.run;
    options.run = fnas_test_path(t->place, "gone-on");
    test_check(t->place, fnas_search_run(t->place->context, &options));
    test_check(t->place, fnas_run_open(t->place->context, options.run, &run));
    assert_true(run->config.largest_first == 0);
    fnas_run_close(run);
}

/* Observed architectures differ in nothing else: the same pairs, no dropout, no smoothing. */
static void what_is_observed_sees_the_same(void **state) {
    translating *t = *state;
    stage s;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "observed"));
    stage_open(t, &options, &s);
    fnas_searcher *searcher = &s.searcher;
    fnas_paths_draw(searcher, FNAS_PURPOSE_OBSERVE, 4, 0, 2);
    test_check(t->place, searcher->runner->load(t->place->context, searcher, FNAS_PURPOSE_OBSERVE));
    test_check(t->place, fnas_paths_run(t->place->context, searcher, FNAS_PURPOSE_OBSERVE));
    for (int64_t p = 0; p < 4; p++) {
        fnas_translator_result result;
        run_alone(t, searcher, p, 0, &(lesson){.scale = 1}, &result);
        assert_true(fabs(searcher->paths.cross_entropy[p] - result.loss / (double)result.tokens) < 1e-12);
    }
    stage_close(&s);
}

/* The paper's gradient of the error: of each path's own loss, through its gates. */
static void gates_give_the_gradient_of_the_mean_loss(void **state) {
    translating *t = *state;
    stage s;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "gates"));
    options.error_gradient = "gates";
    stage_open(t, &options, &s);
    fnas_searcher *searcher = &s.searcher;
    fnas_paths_draw(searcher, FNAS_PURPOSE_HYPERNET, 4, 0, 2);
    test_check(t->place, searcher->runner->load(t->place->context, searcher, FNAS_PURPOSE_HYPERNET));
    test_check(t->place, fnas_paths_run(t->place->context, searcher, FNAS_PURPOSE_HYPERNET));
    for (int64_t p = 0; p < 4; p++) {
        double *gates = calloc((size_t)searcher->onehot, sizeof *gates), length = 0;
        fnas_translator_result result;
        lesson how = {.scale = 1 / (float)fnas_sentences_words(&searcher->sentences[p]), .gates = gates};
        run_alone(t, searcher, p, p, &how, &result);
        for (int64_t k = 0; k < searcher->onehot; k++) {
            assert_true(fabs(gates[k] - searcher->paths.gate_gradient[p * searcher->onehot + k]) < 1e-9);
            length += fabs(gates[k]);
        }
        assert_true(length > 0);
        free(gates);
    }
    stage_close(&s);
}

/* One step of Adam at the schedule's rate, by the step's own number; both moments are those of the published formulas. */
static void weights_are_trained_by_adam(void **state) {
    translating *t = *state;
    stage s;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "adam"));
    stage_open(t, &options, &s);
    fnas_searcher *searcher = &s.searcher;
    fnas_search_state *now = searcher->state;
    int64_t count = now->weights.float_count;
    float *before[3] = {now->weights.values, now->weight_moment, now->weight_moment2}, *kept[3];
    for (int i = 0; i < 3; i++) {
        kept[i] = calloc((size_t)count, sizeof **kept);
        memcpy(kept[i], before[i], (size_t)count * sizeof **kept);
    }
    test_check(t->place, fnas_update_weights(t->place->context, searcher));
    double rate = fnas_schedule_weight_rate(searcher->config, 3, now->total_steps);
    assert_true(rate > 0);
    for (int64_t i = 0; i < count; i += 7) {
        double g = searcher->group_gradient[0][i]; /* clipped */
        double m = 0.9 * kept[1][i] + 0.1 * g, v = 0.98 * kept[2][i] + 0.02 * g * g;
        double w = kept[0][i] - rate * (m / (1 - pow(0.9, 4))) / (sqrt(v / (1 - pow(0.98, 4))) + 1e-8);
        assert_true(fabs(now->weight_moment[i] - m) <= 1e-6 * (fabs(0.9 * kept[1][i]) + fabs(0.1 * g))); /* terms in f32 */
        assert_true(fabs(now->weight_moment2[i] - v) <= 1e-6 * fabs(v) + 1e-15);
        assert_true(fabs(now->weights.values[i] - w) <= 1e-6);
    }
    for (int i = 0; i < 3; i++) free(kept[i]);
    stage_close(&s);
}

/* ---- scores ---- */

static void scores_are_of_the_parts_words(void **state) {
    translating *t = *state;
    fnas_test_place *place = t->place;
    fnas_run *run;
    fnas_examples examples;
    fnas_search_options options = options_for(t, fnas_test_path(place, "scored"));
    test_check(place, fnas_search_run(place->context, &options));
    test_check(place, fnas_run_open(place->context, options.run, &run));
    test_check(place, fnas_run_open_data(place->context, run, NULL, &examples));
    int32_t choices[2 * 64] = {0};
    int64_t decisions = fnas_space_decision_count(run->space);
    fnas_space_random(run->space, 1, 0, choices);
    fnas_space_random(run->space, 1, 1, choices + decisions);
    const fnas_text_part parts[2] = {FNAS_TEXT_VALIDATION, FNAS_TEXT_TEST};
    for (int i = 0; i < 2; i++) {
        fnas_score scores[2];
        fnas_sentences all;
        int64_t count = fnas_pairs_get(examples.pairs).counts[parts[i]], indices[LINES];
        assert_in_range(count, 10, 40);
        for (int64_t k = 0; k < count; k++) indices[k] = k;
        test_check(place, fnas_sentences_create(place->context, count, count * 64, &all));
        fnas_sentences_fill(examples.pairs, parts[i], count, indices, &all);
        test_check(place, fnas_score_archs(place->context, run, &examples, i ? FNAS_SCORE_TEST : FNAS_SCORE_VALIDATION, 1000, "score", 2,
                                           choices, scores));
        for (int a = 0; a < 2; a++) {
            fnas_translator shape, largest;
            fnas_worker worker;
            fnas_translator_result result;
            run->supernet->type->translator(run->supernet, choices + a * decisions, run->config.vocabulary, &shape);
            run->supernet->type->translator(run->supernet, NULL, run->config.vocabulary, &largest);
            fnas_translator_batch batch = fnas_sentences_batch(&all);
            fnas_translator_request request = {
                .shape = &shape, .largest = &largest, .parameters = &run->state.weights, .batch = &batch, .scale = 1};
            test_check(place, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
            test_check(place, fnas_translator_run(place->context, &worker, &request, &result));
            fnas_worker_destroy(&worker);
            assert_true(fabs(scores[a].cross_entropy - result.log_loss / (double)result.tokens) < 1e-6);
            assert_true(fabs(scores[a].error_pct - 100 * (1 - (double)result.correct / (double)result.tokens)) < 1e-9);
        }
        fnas_sentences_free(&all);
    }
    fnas_examples_close(&examples);
    fnas_run_close(run);
}

/* ---- a search ---- */

static void assert_same_file(translating *t, const char *a, const char *b, const char *name) {
    unsigned char *data[2] = {NULL, NULL};
    size_t size[2];
    const char *runs[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        char *path = fnas_path_join(runs[i], name);
        test_check(t->place, fnas_file_read(t->place->context, path, 1 << 26, &data[i], &size[i]));
        fnas_free(path);
    }
    if (size[0] != size[1] || memcmp(data[0], data[1], size[0]) != 0) fail_msg("%s differs between %s and %s", name, a, b);
    for (int i = 0; i < 2; i++) fnas_free(data[i]);
}

static void interrupt(translating *t, const fnas_search_options *options, int64_t at) {
    fnas_context *context = NULL;
    test_check(t->place, fnas_context_create(&context));
    fnas_context_set_threads(context, 2);
    stop_request stopper = {context, at};
    fnas_context_set_progress(context, stop_at, &stopper);
    assert_int_equal(fnas_search_run(context, options), FNAS_INTERRUPTED);
    fnas_context_destroy(context);
}

/* For any number of threads, and in parts. */
static void equal_searches_have_equal_bits(void **state) {
    translating *t = *state;
    fnas_context *context = t->place->context;
    static const char *const files[] = {"config.json", "checkpoint.safetensors", "metrics.csv", "vocabulary.model"};
    char *paths[3];
    for (int i = 0; i < 3; i++) {
        char name[20];
        snprintf(name, sizeof name, "bits%d", i);
        paths[i] = fnas_strdup(fnas_test_path(t->place, name));
    }
    fnas_search_options options = options_for(t, paths[0]);
    fnas_context_set_threads(context, 1);
    test_check(t->place, fnas_search_run(context, &options));
    options.run = paths[1];
    fnas_context_set_threads(context, 3);
    test_check(t->place, fnas_search_run(context, &options));
    options.run = paths[2];
    interrupt(t, &options, 5);
    test_check(t->place, fnas_search_resume(context, paths[2], NULL));
    for (int i = 1; i < 3; i++)
        for (size_t f = 0; f < sizeof files / sizeof *files; f++) assert_same_file(t, paths[0], paths[i], files[f]);
    for (int i = 0; i < 3; i++) fnas_free(paths[i]);
}

/* Twelve words that come the other way round: after 500 steps of the smallest networks the supernet says three in ten rightly. The word
 * that stands most often, </s>, is one of five. */
static void a_search_learns(void **state) {
    translating *t = *state;
    fnas_test_place *place = t->place;
    fnas_run *run;
    fnas_examples examples;
    fnas_score score;
    int32_t largest[64];
    fnas_search_options options = options_for(t, fnas_test_path(place, "learns"));
    options.steps = 500;
    fnas_context_set_threads(place->context, 2);
    test_check(place, fnas_search_run(place->context, &options));
    test_check(place, fnas_run_open(place->context, options.run, &run));
    test_check(place, fnas_run_open_data(place->context, run, NULL, &examples));
    run->space->type->largest(run->space, largest);
    test_check(place, fnas_score_archs(place->context, run, &examples, FNAS_SCORE_TEST, 1000, "score", 1, largest, &score));
    if (!(score.error_pct < 70)) fail_msg("error %g %%, cross entropy %g", score.error_pct, score.cross_entropy);
    fnas_examples_close(&examples);
    fnas_run_close(run);
}

/* ---- refused ---- */

static void assert_refused(translating *t, const fnas_search_options *options, const char *word) {
    fnas_status status = fnas_search_run(t->place->context, options);
    const char *message = fnas_context_message(t->place->context);
    if (status == FNAS_OK || !strstr(message, word)) fail_msg("\"%s\" is wanted, not %s: %s", word, fnas_status_text(status), message);
    assert_false(fnas_folder_exists(options->run));
}

static void what_does_not_fit_is_refused(void **state) {
    translating *t = *state;
    const char *run = fnas_test_path(t->place, "refused");
    fnas_search_options usual = options_for(t, run), options = usual;
    options.data = NULL;
    assert_refused(t, &options, "data prepare");
    options.data = "synthetic:1x8x8,classes=4,images=400";
    assert_refused(t, &options, "data prepare");
    options.data = t->devices[0]; /* a file, but no pairs */
    assert_refused(t, &options, "one.json");
    options = usual;
    options.batch = "full";
    assert_refused(t, &options, "--batch");
    options = usual;
    options.precision = "bf16";
    assert_refused(t, &options, "--precision bf16");
    options = usual;
    options.proxy = "qkv=8";
    assert_refused(t, &options, "--proxy");
    options = usual;
    options.largest_paths = "9";
    assert_refused(t, &options, "--largest-paths 9: must be none or a whole number from 0 to 8, the paths of a step");
    options.largest_paths = "1.5";
    assert_refused(t, &options, "--largest-paths 1.5");
    static const char *const no_counts[] = {"-1", "", "4,", "1e0", "0x1"};
    for (size_t i = 0; i < sizeof no_counts / sizeof *no_counts; i++) {
        options.largest_paths = no_counts[i];
        assert_refused(t, &options, "must be none or a whole number");
    }
    options.largest_paths = "none";
    options.distillation = "0.5";
    assert_refused(t, &options, "give a --largest-paths of 1 to less than --paths");
    options.largest_paths = "8";
    options.distillation = "0.5";
    assert_refused(t, &options, "--distillation has no use");
    options = usual;
    options.distillation = "2";
    assert_refused(t, &options, "--distillation 2");
    options = usual;
    options.largest_first = "1.5";
    assert_refused(t, &options, "--largest-first 1.5");
    options.largest_first = "0.5";
    options.warmup = "none";
    assert_refused(t, &options, "give a --warmup");
    options = usual;
    options.largest_first = "1";
    options.supernet = "frozen";
    assert_refused(t, &options, "no network but the largest");
    options = usual;
    options.largest_paths = "2";
    options.supernet = "frozen";
    options.warmup = "none";
    options.weights = t->devices[0]; /* is not looked at before */
    assert_refused(t, &options, "--largest-paths has no use where weights are frozen from the first step on");
}

/* And text where images are wanted. */
static void images_are_no_text(void **state) {
    translating *t = *state;
    fnas_run *run = test_run(t->place, "error,latency_ms", 1);
    fnas_examples examples;
    char spec[400];
    snprintf(spec, sizeof spec, "text:%s", t->pairs);
    assert_int_equal(fnas_run_open_data(t->place->context, run, spec, &examples), FNAS_ERR_USAGE);
    assert_non_null(strstr(fnas_context_message(t->place->context), "look at images"));
    fnas_run_close(run);
}

/* Latencies of networks that know other words are of other networks. */
static void cards_are_of_the_vocabulary(void **state) {
    translating *t = *state;
    fnas_card *card;
    const char *path = fnas_test_path(t->place, "words.json");
    test_check(t->place, fnas_card_load(t->place->context, t->devices[0], &card));
    json_object_set_new(json_object_get(card->root, "protocol"), "sentences",
                        json_pack("{s:i,s:i,s:i}", "vocabulary", 8000, "source_words", 6, "target_words", 6));
    test_check(t->place, fnas_card_save(t->place->context, card, path));
    fnas_card_free(card);
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "words"));
    options.devices = &path;
    options.device_count = 1;
    assert_refused(t, &options, "--vocabulary-size 420");
}

/* Another preparation of the same lines is other data. */
static void a_run_knows_its_data(void **state) {
    translating *t = *state;
    fnas_test_place *place = t->place;
    char *other = prepare(place, 2, "other.pairs");
    fnas_search_options options = options_for(t, fnas_test_path(place, "known"));
    interrupt(t, &options, 3);
    assert_int_equal(fnas_search_resume(place->context, options.run, other), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(place->context), "the run was made on text:"));
    char *model = fnas_path_join(options.run, "vocabulary.model");
    unsigned char *bytes;
    size_t size;
    test_check(place, fnas_file_read(place->context, model, 1 << 24, &bytes, &size));
    bool changed = false;
    for (size_t i = 0; !changed && i + 3 < size; i++) { /* another piece in the place of one: there are as many */
        changed = memcmp(bytes + i, "\xE2\x96\x81", 3) == 0 && bytes[i + 3] >= 'a' && bytes[i + 3] <= 'z';
        if (changed) bytes[i + 3] = (unsigned char)(bytes[i + 3] - 'a' + 'A');
    }
    assert_true(changed);
    test_check(place, fnas_file_write_atomic(place->context, model, bytes, size));
    fnas_free(bytes);
    assert_int_equal(fnas_search_resume(place->context, options.run, NULL), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(place->context), "not the vocabulary that config.json speaks of"));
    assert_int_equal(unlink(model), 0);
    assert_int_equal(fnas_search_resume(place->context, options.run, NULL), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(place->context), "vocabulary.model"));
    fnas_free(model);
    fnas_free(other);
}

/* Puts `to` in the place of `from` in a run's config.json, and back behind the question. */
static void assert_edit_refused(translating *t, const char *run, const char *from, const char *to, const char *says) {
    unsigned char *data;
    size_t size;
    fnas_run *opened;
    fnas_text edited = {0};
    char *path = fnas_path_join(run, "config.json");
    test_check(t->place, fnas_file_read(t->place->context, path, 1 << 20, &data, &size));
    const char *at = strstr((const char *)data, from);
    if (!at) fail_msg("%s is not in config.json", from);
    fnas_text_append(&edited, "%.*s%s%s", (int)(at - (const char *)data), (const char *)data, to, at + strlen(from));
    test_check(t->place, fnas_file_write_atomic(t->place->context, path, edited.data, edited.size));
    fnas_status status = fnas_run_open(t->place->context, run, &opened);
    const char *message = fnas_context_message(t->place->context);
    if (status != FNAS_ERR_INPUT || !strstr(message, says)) fail_msg("%s: %s: %s", to, fnas_status_text(status), message);
    test_check(t->place, fnas_file_write_atomic(t->place->context, path, data, size));
    fnas_text_free(&edited);
    fnas_free(data);
    fnas_free(path);
}

static void a_configuration_that_was_changed_is_refused(void **state) {
    translating *t = *state;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "changed"));
    options.steps = 1;
    test_check(t->place, fnas_search_run(t->place->context, &options));
    const char *run = options.run;
    assert_edit_refused(t, run, "\"largest_paths\": 4", "\"largest_paths\": 9", "largest_paths");
    assert_edit_refused(t, run, "\"largest_first\": 0.25", "\"largest_first\": 1.5", "largest_first");
    assert_edit_refused(t, run, "\"largest_paths\": 4", "\"largest_paths\": 0", "must be 0 where");
    assert_edit_refused(t, run, "\"largest_paths\": 4", "\"largest_paths\": 8", "must be 0 where");
    assert_edit_refused(t, run, "\"largest_first\": 0.25", "\"largest_first\": 0.5", "not the one that it was made with");
    assert_edit_refused(t, run, "\"seed\": \"5\"", "\"seed\": \"6\"", "not the one that it was made with");
    assert_edit_refused(t, run, "\"precision\": \"f32\"", "\"precision\": \"bf16\"", "precision");
    assert_edit_refused(t, run, "\"largest_paths\"", "\"sandwiches\": 2, \"sandwich_paths\": 3, \"phases\": [], \"largest_paths\"",
                        "sandwiches");
    assert_edit_refused(t, run, "\"largest_paths\"", "\"error\": \"table\", \"largest_paths\"", "vocabulary");
    assert_edit_refused(t, run, "\"supernet\": \"transformer:", "\"supernet\": \"nb201\", \"former\": \"transformer:", "other decisions");
    assert_edit_refused(t, run, "\"vocabulary\"", "\"vocabularies\"", "has no \"vocabulary\"");
}

/* Chebyshev's distance is from what the largest network is expected to err; weighted sums need no such point. */
static void the_scale_knows_the_largest(void **state) {
    translating *t = *state;
    static const char *const kinds[] = {"linear", "chebyshev"};
    int64_t counts[2];
    for (int k = 0; k < 2; k++) {
        stage s;
        fnas_search_options options = options_for(t, fnas_test_path(t->place, kinds[k]));
        options.steps = 4;
        options.scalarise = kinds[k];
        stage_open(t, &options, &s);
        counts[k] = s.searcher.scale_count;
        int32_t last[64], largest[64];
        fnas_space_decode(s.run->space, s.searcher.scale_onehot + (counts[k] - 1) * s.searcher.onehot, last);
        assert_true(fnas_space_largest(s.run->space, largest));
        assert_true((memcmp(last, largest, (size_t)s.searcher.decisions * sizeof *last) == 0) == (k == 1));
        stage_close(&s);
    }
    assert_int_equal(counts[1], counts[0] + 1);
}

/* What changes no outcome may change, and checkpoints without a checksum of the configuration are of before there was one. */
static void other_lengths_are_no_other_configuration(void **state) {
    translating *t = *state;
    fnas_test_place *place = t->place;
    fnas_search_options options = options_for(t, fnas_test_path(place, "length"));
    fnas_run *run;
    uint32_t crc, other;
    options.steps = 1;
    test_check(place, fnas_search_run(place->context, &options));
    test_check(place, fnas_run_open(place->context, options.run, &run));
    test_check(place, fnas_search_config_crc(place->context, &run->config, &crc));
    run->config.steps = 77;
    run->config.minutes = 2;
    run->config.checkpoint_steps = 5;
    test_check(place, fnas_search_config_crc(place->context, &run->config, &other));
    assert_int_equal(crc, other);
    run->config.paths += 2;
    test_check(place, fnas_search_config_crc(place->context, &run->config, &other));
    assert_int_not_equal(crc, other);
    fnas_run_close(run);
    unsigned char *data;
    size_t size;
    char *path = fnas_path_join(options.run, "checkpoint.safetensors");
    test_check(place, fnas_file_read(place->context, path, 1 << 26, &data, &size));
    char *key = strstr((char *)data + 8, "config_checksum");
    assert_non_null(key);
    memcpy(key, "config_nothing!", 15);
    test_check(place, fnas_file_write_atomic(place->context, path, data, size));
    test_check(place, fnas_run_open(place->context, options.run, &run));
    fnas_run_close(run);
    fnas_free(data);
    fnas_free(path);
}

static void a_run_of_other_features_is_refused(void **state) {
    translating *t = *state;
    fnas_search_options options = options_for(t, fnas_test_path(t->place, "older"));
    fnas_run *run = NULL;
    options.steps = 1;
    test_check(t->place, fnas_search_run(t->place->context, &options));
    test_check(t->place, fnas_run_open(t->place->context, options.run, &run));
    char *path = fnas_run_file(run, "checkpoint.safetensors");
    int64_t features = run->state.error_model.features;
    run->state.error_model.features = 8;
    test_check(t->place, fnas_search_state_save(t->place->context, &run->config, &run->state, path));
    run->state.error_model.features = features;
    fnas_free(path);
    fnas_run_close(run);
    assert_int_equal(fnas_run_open(t->place->context, options.run, &run), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(t->place->context), "looks at 7 features of an architecture"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_step_is_a_sandwich, setup, teardown),
        cmocka_unit_test_setup_teardown(without_the_largest_each_path_has_its_own_pairs, setup, teardown),
        cmocka_unit_test_setup_teardown(all_devices_are_trained_for, setup, teardown),
        cmocka_unit_test_setup_teardown(half_of_the_paths_teach, setup, teardown),
        cmocka_unit_test_setup_teardown(epochs_count_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_is_first, setup, teardown),
        cmocka_unit_test_setup_teardown(given_weights_need_no_largest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_observed_sees_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(gates_give_the_gradient_of_the_mean_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(weights_are_trained_by_adam, setup, teardown),
        cmocka_unit_test_setup_teardown(scores_are_of_the_parts_words, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_searches_have_equal_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_search_learns, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(images_are_no_text, setup, teardown),
        cmocka_unit_test_setup_teardown(cards_are_of_the_vocabulary, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_knows_its_data, setup, teardown),
        cmocka_unit_test_setup_teardown(a_configuration_that_was_changed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(other_lengths_are_no_other_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(the_scale_knows_the_largest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_of_other_features_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
