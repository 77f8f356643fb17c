/* The search itself: the same bits for any number of threads and across interruptions, and a search that learns. */
#include "search/support_query.h"

#include <float.h>
#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "search/length.h"
#include "search/searcher.h"
#include "search/support_stop.h"

#define STEPS 12

typedef struct fleet_fixture {
    fnas_test_place *place;
    char *devices[2];
} fleet_fixture;

static char *save_card(fleet_fixture *fixture, fnas_card *card) {
    fnas_test_place *place = fixture->place;
    char name[96];
    snprintf(name, sizeof name, "%.80s.json", fnas_card_get(card).name);
    char *path = fnas_strdup(fnas_test_path(place, name));
    test_check(place, fnas_card_save(place->context, card, path));
    fnas_card_free(card);
    return path;
}

static fnas_search_options options_for(fleet_fixture *fixture, const char *run) {
    return (fnas_search_options){.space = TEST_SPACE,
                                 .data = TEST_DATA,
                                 .run = run,
                                 .device_count = 2,
                                 .devices = (const char *const *)fixture->devices,
                                 .preset = "quick",
                                 .proxy = "",
                                 .paths = 6,
                                 .steps = STEPS,
                                 .checkpoint_steps = 4,
                                 .seed = 5};
}

static int setup(void **state) {
    fleet_fixture *made = calloc(1, sizeof *made);
    void *place = NULL;
    if (!made || fnas_test_setup(&place) != 0) return -1;
    made->place = place;
    made->devices[0] = save_card(made, test_card_convolution(made->place));
    made->devices[1] = save_card(made, test_card_pooling(made->place));
    *state = made;
    return 0;
}

static int teardown(void **state) {
    fleet_fixture *made = *state;
    for (int i = 0; i < 2; i++) fnas_free(made->devices[i]);
    void *place = made->place;
    free(made);
    fnas_test_teardown(&place);
    return 0;
}

static char *run_path(fleet_fixture *fixture, const char *name) {
    return fnas_strdup(fnas_test_path(fixture->place, name));
}

static void assert_same_file(fleet_fixture *fixture, const char *a, const char *b, const char *name) {
    unsigned char *data[2] = {NULL, NULL};
    size_t size[2];
    const char *runs[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        char *path = fnas_path_join(runs[i], name);
        test_check(fixture->place, fnas_file_read(fixture->place->context, path, 1 << 26, &data[i], &size[i]));
        fnas_free(path);
    }
    if (size[0] != size[1] || memcmp(data[0], data[1], size[0]) != 0) fail_msg("%s differs between %s and %s", name, a, b);
    for (int i = 0; i < 2; i++) fnas_free(data[i]);
}

static void assert_same_runs(fleet_fixture *fixture, const char *a, const char *b) {
    const char *names[] = {"config.json", "checkpoint.safetensors",   "predictor.safetensors",
                           "metrics.csv", "devices/convolution.json", "devices/pooling.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_same_file(fixture, a, b, names[i]);
}

static void search(fleet_fixture *fixture, const fnas_search_options *options, int64_t threads) {
    fnas_context_set_threads(fixture->place->context, threads);
    test_check(fixture->place, fnas_search_run(fixture->place->context, options));
    volatile double smallest = DBL_MIN;
    assert_true(smallest / 2 != 0); /* the search flushes denormals, its caller does not */
}

/* ---- equal bits ---- */

static void test_threads(void **state) {
    fleet_fixture *fixture = *state;
    const char *updates[] = {"mgd", "sequential"}, *batches[] = {"shared", "full"};
    for (int i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "one%d", i);
        char *one = run_path(fixture, name);
        snprintf(name, sizeof name, "three%d", i);
        char *three = run_path(fixture, name);
        fnas_search_options options = options_for(fixture, one);
        options.update = updates[i];
        options.batch = batches[i];
        search(fixture, &options, 1);
        options.run = three;
        search(fixture, &options, 3);
        assert_same_runs(fixture, one, three);
        fnas_free(one);
        fnas_free(three);
    }
}

static void interrupted_search(fleet_fixture *fixture, const fnas_search_options *options, int64_t at) {
    fnas_context *context = NULL;
    test_check(fixture->place, fnas_context_create(&context));
    fnas_context_set_threads(context, 2);
    stop_request stopper = {context, at};
    fnas_context_set_progress(context, stop_at, &stopper);
    fnas_status status = options ? fnas_search_run(context, options) : FNAS_OK;
    assert_int_equal(status, FNAS_INTERRUPTED);
    assert_non_null(strstr(fnas_context_message(context), "fleetnas resume"));
    fnas_context_destroy(context);
}

static void test_interruptions(void **state) {
    fleet_fixture *fixture = *state;
    char *whole = run_path(fixture, "whole"), *parts = run_path(fixture, "parts");
    fnas_search_options options = options_for(fixture, whole);
    search(fixture, &options, 2);
    for (int64_t at = 1; at < STEPS; at += 4) { /* the step under way is finished first */
        char name[32];
        snprintf(name, sizeof name, "parts%d", (int)at);
        char *path = run_path(fixture, name);
        options.run = path;
        interrupted_search(fixture, &options, at);
        fnas_context_set_threads(fixture->place->context, 1);
        test_check(fixture->place, fnas_search_resume(fixture->place->context, path, NULL));
        assert_same_runs(fixture, whole, path);
        fnas_free(path);
    }
    fnas_free(whole);
    fnas_free(parts);
}

/* Killed right after the folder was made: neither predictor nor checkpoint; and killed between checkpoints: metrics run ahead. */
static void test_resume_from_little(void **state) {
    fleet_fixture *fixture = *state;
    char *whole = run_path(fixture, "whole"), *little = run_path(fixture, "little");
    fnas_search_options options = options_for(fixture, whole);
    search(fixture, &options, 2);
    options.run = little;
    search(fixture, &options, 2);
    const char *lost[] = {"checkpoint.safetensors", "predictor.safetensors"};
    for (int i = 0; i < 2; i++) {
        char *path = fnas_path_join(little, lost[i]);
        assert_int_equal(unlink(path), 0);
        fnas_free(path);
    }
    test_check(fixture->place, fnas_search_resume(fixture->place->context, little, NULL));
    assert_same_runs(fixture, whole, little);
    fnas_free(whole);
    fnas_free(little);
}

/* A run that came from elsewhere, or whose data moved: it is told where they lie, and keeps it. */
static void test_resume_with_data(void **state) {
    fleet_fixture *fixture = *state;
    fnas_context *context = fixture->place->context;
    char *path = run_path(fixture, "moved"), *log = fnas_path_join(path, "log.sqlite");
    fnas_search_options options = options_for(fixture, path);
    interrupted_search(fixture, &options, 1);
    assert_int_equal(unlink(log), 0);
    assert_int_equal(fnas_search_resume(context, path, NULL), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "--data"));
    test_check(fixture->place, fnas_search_resume(context, path, TEST_DATA));
    test_check(fixture->place, fnas_search_resume(context, path, NULL));
    fnas_free(log);
    fnas_free(path);
}

/* ---- one step, looked at ---- */

typedef struct opened_search {
    fnas_run *run;
    fnas_examples examples;
    fnas_searcher searcher;
} opened_search;

static void open_search(fleet_fixture *fixture, opened_search *opened) {
    fnas_context *context = fixture->place->context;
    fnas_search_options options = options_for(fixture, fnas_test_path(fixture->place, "rehearsed"));
    options.dry_run = true;
    *opened = (opened_search){0};
    test_check(fixture->place, fnas_run_create(context, &options, &opened->run));
    test_check(fixture->place, fnas_run_open_data(context, opened->run, NULL, &opened->examples));
    test_check(fixture->place, fnas_run_prepare(context, opened->run));
    test_check(fixture->place, fnas_searcher_create(context, opened->run, &opened->examples, &opened->searcher));
}

static void close_search(opened_search *opened) {
    fnas_searcher_free(&opened->searcher);
    fnas_examples_close(&opened->examples);
    fnas_run_close(opened->run);
}

/* A device's paths are the same whether all devices are drawn for or it alone, and its own: no other device draws them. */
static void test_draws(void **state) {
    enum { EACH = 3 };
    opened_search opened;
    open_search(*state, &opened);
    fnas_searcher *searcher = &opened.searcher;
    int64_t decisions = searcher->decisions;
    int32_t together[2][EACH][8];
    double preferences[2][EACH][2];
    assert_true(decisions <= 8);
    fnas_paths_draw(searcher, FNAS_PURPOSE_HYPERNET, 2 * EACH, 0, 2);
    for (int64_t p = 0; p < 2 * EACH; p++) {
        memcpy(together[p % 2][p / 2], searcher->paths.choices + p * decisions, (size_t)decisions * sizeof(int32_t));
        memcpy(preferences[p % 2][p / 2], searcher->paths.preference + 2 * p, 2 * sizeof(double));
    }
    for (int64_t device = 0; device < 2; device++) {
        fnas_paths_draw(searcher, FNAS_PURPOSE_HYPERNET, EACH, device, 1);
        for (int64_t p = 0; p < EACH; p++) {
            assert_int_equal(searcher->paths.device[p], device);
            assert_memory_equal(searcher->paths.choices + p * decisions, together[device][p], (size_t)decisions * sizeof(int32_t));
            assert_memory_equal(searcher->paths.preference + 2 * p, preferences[device][p], 2 * sizeof(double));
        }
    }
    assert_memory_not_equal(together[0], together[1], sizeof together[0]);
    close_search(&opened);
}

/* Numbers that are not finite end the search; they never reach a checkpoint, which could not be read again. */
static void test_not_finite(void **state) {
    fleet_fixture *fixture = *state;
    opened_search opened;
    open_search(fixture, &opened);
    for (int64_t k = 0; k < opened.run->state.hypernet_count; k++) opened.run->state.hypernet[k] = NAN;
    assert_int_equal(fnas_update_hypernet(fixture->place->context, &opened.searcher), FNAS_ERR_NUMERIC);
    assert_non_null(strstr(fnas_context_message(fixture->place->context), "hypernetwork is not finite"));
    const char *path = fnas_test_write_text(fixture->place, "last-good", "the last good checkpoint");
    assert_int_equal(fnas_search_state_save(fixture->place->context, &opened.run->config, &opened.run->state, path), FNAS_ERR_NUMERIC);
    assert_non_null(strstr(fnas_context_message(fixture->place->context), "hypernet.parameters"));
    unsigned char *data = NULL;
    size_t size = 0;
    test_check(fixture->place, fnas_file_read(fixture->place->context, path, 100, &data, &size));
    assert_string_equal((const char *)data, "the last good checkpoint");
    fnas_free(data);
    close_search(&opened);
}

/* ---- learning ---- */

/* What error prefers on made-up images cannot be foretold, but latency can: with the whole preference on it the decoded architecture must
 * be fast on both devices, which fear different operations, and no slower than with the whole preference on error. */
static void test_latency_is_learnt(void **state) {
    fleet_fixture *fixture = *state;
    const char *kinds[] = {"table", "continuous"};
    for (int i = 0; i < 2; i++) {
        char *path = run_path(fixture, kinds[i]);
        fnas_search_options options = options_for(fixture, path);
        options.hypernet = kinds[i];
        options.steps = 150;
        search(fixture, &options, 2);
        fnas_run *run = NULL;
        test_check(fixture->place, fnas_run_open(fixture->place->context, path, &run));
        for (int64_t t = 0; t < 2; t++) {
            double fast_ms = 0, slow_ms = 0;
            int32_t choices[6];
            test_check(fixture->place, fnas_run_pick(fixture->place->context, run, run->cards[t], (double[]){0, 1}, choices, &fast_ms));
            test_check(fixture->place, fnas_run_pick(fixture->place->context, run, run->cards[t], (double[]){1, 0}, choices, &slow_ms));
            print_message("%s, %s: %.3f ms for latency, %.3f ms for error\n", kinds[i], fnas_card_get(run->cards[t]).name, fast_ms,
                          slow_ms);
            assert_true(fast_ms <= slow_ms);
            assert_true(fast_ms < 2.0); /* ms; the space spans about 0.5 to 12.5 and 0.5 to 18.5 */
        }
        fnas_run_close(run);
        fnas_free(path);
    }
}

/* Every kind of update, sampler, scalarisation and a third objective take steps and leave finite numbers. */
static void test_options(void **state) {
    fleet_fixture *fixture = *state;
    const char *names[][6] = {{"mean", "gdas", "linear", "continuous", "error,latency_ms", "random"},
                              {"sample", "reinmax", "chebyshev", "table", "error,latency_ms,macs", "random"},
                              {"mgd", "gdas", "chebyshev", "continuous", "error,params,latency_ms,macs", NULL}};
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "options%d", i);
        char *path = run_path(fixture, name);
        fnas_search_options options = options_for(fixture, path);
        options.update = names[i][0];
        options.sampler = names[i][1];
        options.scalarise = names[i][2];
        options.hypernet = names[i][3];
        options.objectives = names[i][4];
        options.start = names[i][5];
        search(fixture, &options, 2);
        fnas_run *run = NULL;
        test_check(fixture->place, fnas_run_open(fixture->place->context, path, &run));
        assert_int_equal(run->state.step, STEPS);
        assert_true(run->state.hypernet_steps > 0);
        for (int64_t k = 0; k < run->state.hypernet_count; k++) assert_true(isfinite(run->state.hypernet[k]));
        fnas_run_close(run);
        fnas_free(path);
    }
}

/* The hypernetwork of a search that begins as `start` says, after one step; owned by the caller. */
static float *hypernet_after(fleet_fixture *fixture, const char *start, fnas_start_kind kind, int64_t *count) {
    char *path = run_path(fixture, start);
    fnas_search_options options = options_for(fixture, path);
    options.start = start;
    options.steps = 1;
    search(fixture, &options, 1);
    fnas_run *run = NULL;
    test_check(fixture->place, fnas_run_open(fixture->place->context, path, &run));
    assert_int_equal(run->config.start, kind);
    *count = run->state.hypernet_count;
    float *parameters = malloc((size_t)*count * sizeof *parameters);
    assert_non_null(parameters);
    memcpy(parameters, run->state.hypernet, (size_t)*count * sizeof *parameters);
    fnas_run_close(run);
    fnas_free(path);
    return parameters;
}

/* What was drawn is still there after one step, unless it was first trained to uniform distributions. */
static void test_start(void **state) {
    fleet_fixture *fixture = *state;
    int64_t count = 0;
    float *flat = hypernet_after(fixture, "flat", FNAS_START_FLAT, &count);
    float *random = hypernet_after(fixture, "random", FNAS_START_RANDOM, &count);
    double apart = 0;
    for (int64_t k = 0; k < count; k++) apart = fmax(apart, fabs((double)flat[k] - (double)random[k]));
    assert_true(apart > 0.3);
    free(flat);
    free(random);
}

/* The paper's gradient, with so few paths that none can be compared with another of its round: the error still has a scale, and counts. */
static void test_gates(void **state) {
    fleet_fixture *fixture = *state;
    const char *updates[] = {"mgd", "sequential"};
    for (int i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "gates%d", i);
        char *path = run_path(fixture, name);
        fnas_search_options options = options_for(fixture, path);
        options.error_gradient = "gates";
        options.update = updates[i];
        options.device_count = i + 1; /* one path a round in both */
        options.paths = i + 1;
        options.batch = "full";
        search(fixture, &options, 2);
        fnas_run *run = NULL;
        test_check(fixture->place, fnas_run_open(fixture->place->context, path, &run));
        assert_true(run->state.hypernet_steps > 0);
        assert_true(run->state.error_high > run->state.error_low);
        fnas_run_close(run);
        fnas_free(path);
    }
}

/* More paths than a step has search images: the error model's observations do not share them. The run can be opened again. */
static void test_many_paths(void **state) {
    fleet_fixture *fixture = *state;
    char *path = run_path(fixture, "many");
    fnas_search_options options = options_for(fixture, path);
    options.paths = 64;
    search(fixture, &options, 2);
    fnas_run *run = NULL;
    test_check(fixture->place, fnas_run_open(fixture->place->context, path, &run));
    assert_true(run->config.search_images < options.paths);
    fnas_run_close(run);
    fnas_free(path);
}

/* --minutes decides the length once and keeps it; what it timed leaves no trace: the search is the one of as many --steps. */
static void test_minutes(void **state) {
    fleet_fixture *fixture = *state;
    char *path = run_path(fixture, "minutes"), *counted = run_path(fixture, "counted");
    fnas_search_options options = options_for(fixture, path);
    options.steps = 0;
    options.minutes = 0.03;
    search(fixture, &options, 2);
    fnas_run *run = NULL;
    test_check(fixture->place, fnas_run_open(fixture->place->context, path, &run));
    assert_true(run->state.total_steps >= 1 && run->state.step == run->state.total_steps);
    options.run = counted;
    options.minutes = 0;
    options.steps = run->state.total_steps;
    print_message("%g minutes were %lld steps\n", 0.03, (long long)options.steps);
    fnas_run_close(run);
    search(fixture, &options, 1);
    assert_same_file(fixture, path, counted, "checkpoint.safetensors");
    assert_same_file(fixture, path, counted, "metrics.csv");
    fnas_free(path);
    fnas_free(counted);
}

/* Steps of the warm-up, of the search, of its annealing and of the consolidation, each with its own cost. */
static void test_length(void **state) {
    (void)state;
    const fnas_step_costs costs = {.warmup_ms = 10, .weights_ms = 10, .hypernet_ms = 4, .annealing_ms = 24};
    fnas_search_config config = {.warmup_fraction = 0.125, .consolidate_fraction = 0.125, .entropy_hold = 0.625, .minutes = 1};
    assert_float_equal(fnas_length_step_ms(&config, &costs), 0.25 * 10 + 0.5 * 14 + 0.25 * 34, 1e-9); /* 18 */
    assert_int_equal(fnas_length_steps(&config, &costs, 0), 3333);
    assert_int_equal(fnas_length_steps(&config, &costs, 6000), 3000);
    assert_int_equal(fnas_length_steps(&config, &costs, 70e3), 1); /* the minutes are over: a run is made all the same */
    config.entropy_hold = 0;                                       /* falls from the first step that searches */
    assert_float_equal(fnas_length_step_ms(&config, &costs), 0.25 * 10 + 0.75 * 34, 1e-9);
    config.entropy_hold = 1; /* held to the end of it */
    assert_float_equal(fnas_length_step_ms(&config, &costs), 0.25 * 10 + 0.75 * 14, 1e-9);
    config = (fnas_search_config){0};
    assert_float_equal(fnas_length_step_ms(&config, &costs), 34, 1e-9);
}

/* ---- bad input ---- */

static void expect(fleet_fixture *fixture, const fnas_search_options *options, fnas_status status, const char *words) {
    assert_int_equal(fnas_search_run(fixture->place->context, options), status);
    if (!strstr(fnas_context_message(fixture->place->context), words))
        fail_msg("\"%s\" does not say \"%s\"", fnas_context_message(fixture->place->context), words);
}

static void test_bad_input(void **state) {
    fleet_fixture *fixture = *state;
    char *path = run_path(fixture, "bad");
    const fnas_search_options good = options_for(fixture, path);
    fnas_search_options options = good;
    options.sampler = "reinmaks";
    expect(fixture, &options, FNAS_ERR_USAGE, "did you mean \"reinmax\"");
    options = good;
    options.objectives = "error";
    expect(fixture, &options, FNAS_ERR_USAGE, "at least two");
    options = good;
    options.minutes = 1;
    expect(fixture, &options, FNAS_ERR_USAGE, "one of");
    options = good;
    options.paths = 5;
    expect(fixture, &options, FNAS_ERR_USAGE, "multiple of the 2 search devices");
    options = good;
    options.data = "fashion-mnist";
    expect(fixture, &options, FNAS_ERR_INPUT, "tells 4 classes apart, the data set fashion-mnist has 10");
    options = good;
    options.space = "nb201:channels=8,cells=1,classes=4,input=1x8x8";
    expect(fixture, &options, FNAS_ERR_INPUT, "channels=4");
    options = good;
    const char *twice[] = {fixture->devices[0], fixture->devices[0]};
    options.devices = twice;
    expect(fixture, &options, FNAS_ERR_INPUT, "two cards are named");
    assert_false(fnas_folder_exists(path)); /* nothing was left behind */
    options = good;
    search(fixture, &options, 2);
    expect(fixture, &options, FNAS_ERR_INPUT, "holds another run");
    fnas_free(path);
}

/* A configuration that was edited by hand must still hold together. */
static void test_edited_config(void **state) {
    fleet_fixture *fixture = *state;
    fnas_context *context = fixture->place->context;
    static const struct {
        const char *text, *edited, *message; /* what stands there, what instead, what is said */
    } edits[] = {
        {"\"paths\": 6", "\"paths\": 5", "no multiple of the 2 devices"},
        {"\"weight_fraction\": 0.7", "\"weight_fraction\": 0.9", "\"weight_fraction\" is 0.9 and \"search_fraction\" 0.2"},
        {"\"weight_fraction\": 0.7", "\"weight_fraction\": 0.0", "both must be above 0"},
        {"\"search_fraction\": 0.2", "\"search_fraction\": 0.0", "both must be above 0"},
        {"\"observed_paths\": 8", "\"observed_paths\": 1", "at least 2"},
        {"\"entropy_end\": 0.005", "\"entropy_end\": 0.0", "both be positive"},
        {"\"error_gradient\": \"model\"", "\"error_gradient\": \"gates\"", "must be 0"},
        {"\"consolidate_fraction\": 0.25", "\"consolidate_fraction\": 0.8", "the hypernetwork learns between them"},
        {"\"consolidate_fraction\": 0.25", "\"consolidate_fraction\": 0.5", "the entropy falls between them"},
        {"\"consolidate_rate\": 0.1", "\"consolidate_rate\": 0.0", "which it falls to"},
        {"\"temperature_end\": 1.0", "\"temperature_end\": 0.0", "must be in 0.001"},
    };
    char *path = run_path(fixture, "edited"), *config = fnas_path_join(path, "config.json");
    fnas_search_options options = options_for(fixture, path);
    search(fixture, &options, 2);
    unsigned char *data = NULL;
    size_t size = 0;
    test_check(fixture->place, fnas_file_read(context, config, 1 << 20, &data, &size));
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        fnas_text edited = {0};
        const char *at = strstr((char *)data, edits[i].text);
        assert_non_null(at);
        fnas_text_append_bytes(&edited, data, (size_t)(at - (char *)data));
        fnas_text_append(&edited, "%s%s", edits[i].edited, at + strlen(edits[i].text));
        test_check(fixture->place, fnas_file_write_atomic(context, config, edited.data, edited.size));
        fnas_text_free(&edited);
        assert_int_equal(fnas_search_resume(context, path, NULL), FNAS_ERR_INPUT);
        assert_non_null(strstr(fnas_context_message(context), edits[i].message));
    }
    fnas_free(data);
    fnas_free(config);
    fnas_free(path);
}

/* A run whose predictor is gone is not made whole behind the caller's back, whether it is asked or goes on; trained again as the message
 * says, it is the same run. */
static void test_missing_predictor(void **state) {
    fleet_fixture *fixture = *state;
    fnas_context *context = fixture->place->context;
    char *whole = run_path(fixture, "whole"), *path = run_path(fixture, "gone"),
         *predictor_path = fnas_path_join(path, "predictor.safetensors");
    fnas_search_options options = options_for(fixture, whole);
    search(fixture, &options, 2);
    options.run = path;
    search(fixture, &options, 2);
    assert_int_equal(unlink(predictor_path), 0);
    fnas_run *run = NULL;
    assert_int_equal(fnas_run_open(context, path, &run), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "predictor.safetensors is missing"));
    assert_null(run);
    assert_int_equal(fnas_search_resume(context, path, NULL), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "--seed 5"));
    assert_false(fnas_file_exists(predictor_path));
    fnas_card *cards[2];
    fnas_space *space;
    fnas_predictor *predictor;
    for (int i = 0; i < 2; i++) test_check(fixture->place, fnas_card_load(context, fixture->devices[i], &cards[i]));
    test_check(fixture->place, fnas_space_open(context, TEST_SPACE, &space));
    test_check(fixture->place,
               fnas_predictor_fit(context, space, 2, (const fnas_card *const *)cards, &(fnas_predictor_options){.seed = 5}, &predictor));
    test_check(fixture->place, fnas_predictor_save(context, predictor, predictor_path));
    assert_same_runs(fixture, whole, path);
    test_check(fixture->place, fnas_run_open(context, path, &run));
    fnas_run_close(run);
    fnas_predictor_free(predictor);
    fnas_space_close(space);
    for (int i = 0; i < 2; i++) fnas_card_free(cards[i]);
    fnas_free(predictor_path);
    fnas_free(path);
    fnas_free(whole);
}

static void test_damaged_checkpoint(void **state) {
    fleet_fixture *fixture = *state;
    char *path = run_path(fixture, "damaged");
    fnas_search_options options = options_for(fixture, path);
    search(fixture, &options, 2);
    char *checkpoint = fnas_path_join(path, "checkpoint.safetensors");
    assert_int_equal(truncate(checkpoint, 1000), 0);
    assert_int_equal(fnas_search_resume(fixture->place->context, path, NULL), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(fixture->place->context), "checkpoint.safetensors"));
    fnas_free(checkpoint);
    fnas_free(path);
}

static void test_dry_run(void **state) {
    fleet_fixture *fixture = *state;
    char *path = run_path(fixture, "dry");
    fnas_search_options options = options_for(fixture, path);
    options.dry_run = true;
    search(fixture, &options, 2);
    assert_false(fnas_folder_exists(path));
    fnas_free(path);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_threads),
                                       TEST(test_interruptions),
                                       TEST(test_resume_from_little),
                                       TEST(test_resume_with_data),

                                       TEST(test_draws),
                                       TEST(test_not_finite),
                                       TEST(test_edited_config),
                                       TEST(test_latency_is_learnt),
                                       TEST(test_options),
                                       TEST(test_start),
                                       TEST(test_gates),
                                       TEST(test_many_paths),
                                       TEST(test_minutes),
                                       TEST(test_length),
                                       TEST(test_bad_input),
                                       TEST(test_damaged_checkpoint),
                                       TEST(test_dry_run),
                                       TEST(test_missing_predictor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
