/* A search without a supernet: errors from a table, in a space that is a file. The same bits across interruptions, with nothing but the run
 * at hand; fronts and their sources; runs that were tampered with. */
#include "search/support_query.h"

#include <math.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "fleetnas/front.h"
#include "search/query/query.h"
#include "search/support_stop.h"
#include "space/arch_find.h"
#include "space/space.h"

#define DECISIONS 6
#define CHOICES "\"choices\": [\"a\", \"b\", \"c\", \"d\"]"
#define FEWER "\"choices\": [\"a\", \"b\", \"c\"]"
#define FEWEST "\"choices\": [\"a\", \"b\"]"
static const int64_t COUNTS[DECISIONS] = {4, 2, 4, 3, 4, 4}; /* of choices */
#define ARCHITECTURES (4 * 2 * 4 * 3 * 4 * 4)
static const char SPACE[] = "{\"format\": \"fleetnas-space/1\", \"name\": \"six\", \"decisions\": ["
                            "{\"name\": \"d0\", " CHOICES "}, {\"name\": \"d1\", " FEWEST "}, {\"name\": \"d2\", " CHOICES "},"
                            "{\"name\": \"d3\", " FEWER "}, {\"name\": \"d4\", " CHOICES "}, {\"name\": \"d5\", " CHOICES "}]}";
#define STEPS 60

/* The later decisions are worth more: what costs the same is not worth the same. */
static double truth(const int32_t *choices) {
    double sum = 40;
    for (int d = 0; d < DECISIONS; d++) sum -= 0.5 * (d + 1) * choices[d];
    return sum - 0.3 * choices[0] * choices[5];
}

typedef struct alone_fixture {
    fnas_test_place *place;
    char *space, *all, *some, *devices[2]; /* paths, and two --error options */
} alone_fixture;

/* Each `every`-th architecture; the option that names the table. */
static char *write_table(fnas_test_place *place, const fnas_space *space, const char *name, int64_t every) {
    char path[160], text[FNAS_ARCH_TEXT_BYTES], option[256];
    snprintf(path, sizeof path, "%s", fnas_test_path(place, name));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "arch,error\n");
    for (int64_t i = 0; i < ARCHITECTURES; i += every) {
        int32_t choices[DECISIONS];
        for (int64_t d = 0, rest = i; d < DECISIONS; rest /= COUNTS[d++]) choices[d] = (int32_t)(rest % COUNTS[d]);
        test_check(place, fnas_space_format(place->context, space, choices, text, sizeof text));
        fprintf(file, "%s,%.10g\n", text, truth(choices));
    }
    assert_int_equal(fclose(file), 0);
    snprintf(option, sizeof option, "table:%s:error", path);
    return fnas_strdup(option);
}

static char *save_card(fnas_test_place *place, const char *spec, const char *name, const double *op_ms) {
    char file[64];
    fnas_card *card = test_card(place, spec, name, op_ms);
    snprintf(file, sizeof file, "%s.json", name);
    char *path = fnas_strdup(fnas_test_path(place, file));
    test_check(place, fnas_card_save(place->context, card, path));
    fnas_card_free(card);
    return path;
}

static int setup(void **state) {
    alone_fixture *made = calloc(1, sizeof *made);
    void *untyped = NULL;
    fnas_space *space = NULL;
    if (!made || fnas_test_setup(&untyped) != 0) return -1;
    fnas_test_place *place = made->place = untyped;
    made->space = fnas_strdup(fnas_test_write_text(place, "space.json", SPACE));
    test_check(place, fnas_space_open(place->context, made->space, &space));
    made->all = write_table(place, space, "all.csv", 1);
    made->some = write_table(place, space, "some.csv", 7);
    made->devices[0] = save_card(place, fnas_space_spec(space), "steep", (const double[5]){0.1, 1, 2, 6, 0});
    made->devices[1] = save_card(place, fnas_space_spec(space), "flat", (const double[5]){0.1, 2, 2.2, 2.5, 0});
    fnas_space_close(space);
    *state = made;
    return 0;
}

static int teardown(void **state) {
    alone_fixture *made = *state;
    void *place = made->place;
    char *owned[] = {made->space, made->all, made->some, made->devices[0], made->devices[1]};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
    free(made);
    fnas_test_teardown(&place);
    return 0;
}

static fnas_search_options options_for(alone_fixture *fixture, const char *error, const char *run) {
    return (fnas_search_options){.space = fixture->space,
                                 .error = error,
                                 .run = run,
                                 .device_count = 2,
                                 .devices = (const char *const *)fixture->devices,
                                 .preset = "quick",
                                 .paths = 8,
                                 .steps = STEPS,
                                 .checkpoint_steps = 7,
                                 .seed = 3};
}

static void assert_same_runs(alone_fixture *fixture, const char *a, const char *b) {
    const char *names[] = {"config.json", "checkpoint.safetensors", "predictor.safetensors", "metrics.csv",
                           "space.json",  "error.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsigned char *data[2] = {NULL, NULL};
        size_t size[2];
        for (int k = 0; k < 2; k++) {
            char *path = fnas_path_join(k ? b : a, names[i]);
            test_check(fixture->place, fnas_file_read(fixture->place->context, path, 1 << 26, &data[k], &size[k]));
            fnas_free(path);
        }
        if (size[0] != size[1] || memcmp(data[0], data[1], size[0]) != 0) fail_msg("%s differs between %s and %s", names[i], a, b);
        for (int k = 0; k < 2; k++) fnas_free(data[k]);
    }
}

/* In contexts of their own, as commands are; space, table and cards are gone when the search goes on. */
static void test_resume(void **state) {
    alone_fixture *fixture = *state;
    fnas_test_place *place = fixture->place;
    const char *errors[] = {fixture->all, fixture->some};
    for (int i = 0; i < 2; i++) {
        char whole[160], parts[160];
        snprintf(whole, sizeof whole, "%s/whole%d", place->folder, i);
        snprintf(parts, sizeof parts, "%s/parts%d", place->folder, i);
        fnas_search_options options = options_for(fixture, errors[i], whole);
        test_check(place, fnas_search_run(place->context, &options));
        options.run = parts;
        fnas_context *context = NULL;
        test_check(place, fnas_context_create(&context));
        stop_request stopper = {context, 17};
        fnas_context_set_progress(context, stop_at, &stopper);
        assert_int_equal(fnas_search_run(context, &options), FNAS_INTERRUPTED);
        fnas_context_destroy(context);
        if (i == 1) {
            for (int k = 0; k < 2; k++) assert_int_equal(unlink(fixture->devices[k]), 0);
            assert_int_equal(unlink(fixture->space), 0);
            assert_int_equal(unlink(fnas_test_path(place, "some.csv")), 0);
        }
        test_check(place, fnas_context_create(&context));
        if (fnas_search_resume(context, parts, NULL) != FNAS_OK) fail_msg("%s", fnas_context_message(context));
        fnas_context_destroy(context);
        assert_same_runs(fixture, whole, parts);
    }
}

/* Errors of a front are the table's where it has all architectures, a surrogate's else, and both lead to good architectures. */
static void test_fronts(void **state) {
    alone_fixture *fixture = *state;
    fnas_test_place *place = fixture->place;
    const char *errors[] = {fixture->all, fixture->some}, *sources[] = {"closed-form", "surrogate"};
    for (int i = 0; i < 2; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/run%d", place->folder, i);
        fnas_search_options options = options_for(fixture, errors[i], path);
        options.steps = 300;
        test_check(place, fnas_search_run(place->context, &options));
        fnas_run *run = NULL;
        fnas_front *front = NULL;
        test_check(place, fnas_run_open(place->context, path, &run));
        assert_false(fnas_run_has_supernet(run));
        test_check(place, fnas_run_front(place->context, run, fnas_run_device(run, 0), &(fnas_front_options){.score_error = true}, &front));
        assert_string_equal(fnas_front_objective_at(front, 0).source, sources[i]);
        assert_string_equal(fnas_front_objective_at(front, 1).source, "predicted");
        assert_true(fnas_front_point_count(front) >= 5);
        double best = 100, fastest = 1e9;
        for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
            double error = fnas_front_values(front, p)[0], expected = truth(fnas_front_choices(front, p));
            assert_true(fabs(error - expected) < (i == 0 ? 1e-9 : 1.0)); /* of a range of 27 */
            best = fmin(best, error);
            fastest = fmin(fastest, fnas_front_values(front, p)[1]);
        }
        assert_true(best < truth((const int32_t[]){3, 1, 3, 2, 3, 3}) + 1.5); /* the best there is, or nearly */
        assert_true(fastest < 3);                                             /* 1.1 is the fastest, 27.5 the slowest */
        fnas_front_free(front);
        fnas_verification *verification = NULL;
        const fnas_card *card = fnas_run_device(run, 0);
        assert_status(FNAS_ERR_INPUT, fnas_run_verify(place->context, run, 1, &card, NULL, &verification));
        assert_message("no supernet");
        fnas_run_close(run);
    }
}

/* ---- what a front is extended by ---- */

static fnas_front *ask(fnas_test_place *place, const fnas_run *run, fnas_front_options options) {
    fnas_front *front = NULL;
    options.score_error = true;
    test_check(place, fnas_run_front(place->context, run, fnas_run_device(run, 0), &options, &front));
    return front;
}

static bool dominates(const double *a, const double *b) {
    return a[0] <= b[0] && a[1] <= b[1] && (a[0] < b[0] || a[1] < b[1]);
}

/* Latencies and errors are those of a model of its own; models round differently. */
static void values_of(fnas_test_place *place, const fnas_latency_model *model, const int32_t *choices, double *values) {
    test_check(place, fnas_latency_model_predict(place->context, model, 1, choices, &values[1]));
    values[0] = truth(choices) + 1e-9;
    values[1] *= 1 + 1e-9;
}

/* A small space is looked at as a whole: with enough points for all, nothing in it beats one of them. */
static void assert_optimal(fnas_test_place *place, const fnas_run *run, const fnas_front *front) {
    fnas_latency_model *model;
    test_check(place, fnas_latency_model_create(place->context, run->predictor, run->space, run->cards[0], &model));
    for (int64_t i = 0; i < ARCHITECTURES; i++) {
        int32_t choices[DECISIONS];
        double values[2];
        fnas_arch_at(run->space, i, choices);
        values_of(place, model, choices, values);
        for (int64_t p = 0; p < fnas_front_point_count(front); p++) assert_false(dominates(values, fnas_front_values(front, p)));
    }
    fnas_latency_model_free(model);
}

/* Of those that differ from a candidate on the front in one decision none is better in both: the local search has left nothing undone. */
static void assert_locally_optimal(fnas_test_place *place, const fnas_run *run, const fnas_candidates *candidates) {
    fnas_latency_model *model;
    double values[2], changed_values[2];
    test_check(place, fnas_latency_model_create(place->context, run->predictor, run->space, run->cards[0], &model));
    for (int64_t i = 0; i < candidates->count; i++) {
        bool on_front = true;
        values[0] = candidates->scores[i].error_pct, values[1] = candidates->latency_ms[i];
        for (int64_t j = 0; j < candidates->count; j++)
            on_front &= !dominates((const double[2]){candidates->scores[j].error_pct, candidates->latency_ms[j]}, values);
        for (int64_t d = 0; d < DECISIONS && on_front; d++)
            for (int32_t choice = 0; choice < COUNTS[d]; choice++) {
                int32_t changed[DECISIONS];
                memcpy(changed, candidates->choices + i * DECISIONS, sizeof changed);
                changed[d] = choice;
                values_of(place, model, changed, changed_values);
                assert_false(dominates(changed_values, values));
            }
    }
    fnas_latency_model_free(model);
}

/* As in a space of more architectures than may be looked at. */
static void assert_local_search(fnas_test_place *place, const fnas_run *run) {
    fnas_candidates candidates = {0};
    test_check(place,
               fnas_query_sweep(place->context, run, run->cards[0], &(fnas_front_options){.candidates = 8, .neighbours = 0}, &candidates));
    int64_t offered = candidates.count;
    fnas_run_look_up_errors(run, candidates.count, candidates.choices, candidates.scores);
    test_check(place, fnas_query_refine(place->context, run, run->cards[0], &(fnas_front_options){.predicted_only = true},
                                        ARCHITECTURES - 1, &candidates));
    assert_in_range(candidates.count, offered + 1, ARCHITECTURES - 2); /* it ended by itself */
    assert_locally_optimal(place, run, &candidates);
    fnas_candidates_free(&candidates);
}

static bool is_neighbour(const int32_t *a, const int32_t *b) {
    int differences = 0;
    for (int d = 0; d < DECISIONS; d++) differences += a[d] != b[d];
    return differences == 1;
}

/* Where there is not room for the neighbours of all, those come first of what an answer of so many points would have. */
static void assert_goes_deep_first(fnas_test_place *place, const fnas_run *run) {
    enum { POINTS = 2, ROOM = 8 };
    fnas_candidates candidates = {0};
    double points[2 * 24];
    uint8_t keep[24];
    int64_t front[24], order[POINTS], chosen, count = 0;
    const fnas_front_options options = {.candidates = 24, .points = POINTS, .predicted_only = true};
    test_check(place, fnas_query_sweep(place->context, run, run->cards[0], &options, &candidates));
    int64_t offered = candidates.count;
    assert_in_range(offered, POINTS + 1, 24);
    fnas_run_look_up_errors(run, offered, candidates.choices, candidates.scores);
    for (int64_t i = 0; i < offered; i++) {
        points[2 * i] = candidates.scores[i].error_pct;
        points[2 * i + 1] = candidates.latency_ms[i];
    }
    test_check(place, fnas_front_nondominated(place->context, offered, 2, points, keep));
    for (int64_t i = 0; i < offered; i++) {
        if (!keep[i]) continue;
        memmove(points + 2 * count, points + 2 * i, 2 * sizeof *points);
        front[count++] = i;
    }
    test_check(place, fnas_query_select(place->context, count, 2, points, POINTS, order, &chosen));
    assert_int_equal(chosen, POINTS);
    bool first_is_chosen = front[order[0]] == front[0] || front[order[1]] == front[0];
    assert_true(count > POINTS && !first_is_chosen); /* so that the order in which they stand would give others */
    test_check(place, fnas_query_refine(place->context, run, run->cards[0], &options, offered + ROOM, &candidates));
    assert_int_equal(candidates.count, offered + ROOM);
    for (int64_t i = offered; i < candidates.count; i++) {
        const int32_t *joined = candidates.choices + i * DECISIONS;
        assert_true(is_neighbour(joined, candidates.choices + front[order[0]] * DECISIONS) ||
                    is_neighbour(joined, candidates.choices + front[order[1]] * DECISIONS));
    }
    fnas_candidates_free(&candidates);
}

static void assert_measured_values(const fnas_run *run, const fnas_front *front) {
    fnas_card_view view = fnas_card_get(run->cards[0]);
    int64_t measured = 0;
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        double low_ms, high_ms, latency_ms = fnas_front_values(front, p)[1];
        bool on_card = false;
        for (int64_t i = 0; i < view.measurement_count; i++)
            if (!memcmp(view.measurement_choices + i * DECISIONS, fnas_front_choices(front, p), DECISIONS * sizeof(int32_t))) {
                on_card = true;
                assert_true(latency_ms == view.measurement_latency_ms[i]);
            }
        assert_int_equal(on_card, fnas_front_measured(front, p));
        assert_string_equal(fnas_front_source(front, 0, p), "closed-form");
        assert_string_equal(fnas_front_source(front, 1, p), on_card ? "measured" : "predicted");
        fnas_front_latency_interval(front, p, &low_ms, &high_ms);
        if (on_card) assert_true(low_ms == 0 && isinf(high_ms));
        measured += on_card;
    }
    assert_true(measured >= 3);
}

static void test_fronts_are_extended(void **state) {
    alone_fixture *fixture = *state;
    fnas_test_place *place = fixture->place;
    char path[160];
    snprintf(path, sizeof path, "%s/run", place->folder);
    fnas_search_options options = options_for(fixture, fixture->all, path);
    fnas_run *run = NULL;
    test_check(place, fnas_search_run(place->context, &options));
    test_check(place, fnas_run_open(place->context, path, &run));
    fnas_front *offered = ask(place, run, (fnas_front_options){.predicted_only = true, .as_offered = true, .candidates = 8, .points = 500});
    fnas_front *searched = ask(place, run, (fnas_front_options){.predicted_only = true, .candidates = 8, .points = 500});
    fnas_front *whole = ask(place, run, (fnas_front_options){.predicted_only = true, .points = 500});
    fnas_front *measured = ask(place, run, (fnas_front_options){.points = 500});
    fnas_front *filled = ask(place, run, (fnas_front_options){.predicted_only = true, .fill = true, .points = 200});
    assert_optimal(place, run, searched);
    assert_local_search(place, run);
    assert_goes_deep_first(place, run);
    assert_measured_values(run, measured);
    for (int64_t p = 0; p < fnas_front_point_count(offered); p++) {
        assert_false(fnas_front_measured(offered, p));
        for (int64_t q = 0; q < fnas_front_point_count(searched); q++)
            assert_false(dominates(fnas_front_values(offered, p), fnas_front_values(searched, q)));
    }
    assert_true(fnas_front_point_count(offered) <= 8 && fnas_front_point_count(searched) > 12);
    assert_int_equal(fnas_front_point_count(filled), 200);
    for (int64_t q = 0; q < fnas_front_point_count(whole); q++)
        assert_memory_equal(fnas_front_choices(filled, q), fnas_front_choices(whole, q), DECISIONS * sizeof(int32_t));
    fnas_front_free(offered);
    fnas_front_free(searched);
    fnas_front_free(whole);
    fnas_front_free(measured);
    fnas_front_free(filled);
    fnas_run_close(run);
}

/* Beside its latency each card has energies, a power of the latency. */
static void add_energies(fnas_test_place *place, const char *path, double power) {
    json_t *root, *row, *latency, *energies = json_array();
    size_t i;
    test_check(place, fnas_json_read(place->context, path, 1 << 24, &root));
    json_t *reference = json_object_get(root, "reference");
    json_array_foreach(json_object_get(reference, "latency_ms"), i, latency)
        json_array_append_new(energies, json_real(pow(json_number_value(latency), power)));
    json_object_set_new(reference, "energy_mj", energies);
    json_array_foreach(json_object_get(root, "measurements"), i, row)
        json_object_set_new(row, "energy_mj", json_real(pow(json_number_value(json_object_get(row, "latency_ms")), power)));
    test_check(place, fnas_json_write(place->context, path, root));
    json_decref(root);
}

/* Energy as a third objective: predicted from the card's energies, kept in the run. */
static void test_energy(void **state) {
    alone_fixture *fixture = *state;
    fnas_test_place *place = fixture->place;
    char path[160], file[200];
    snprintf(path, sizeof path, "%s/run", place->folder);
    fnas_search_options options = options_for(fixture, fixture->all, path);
    options.objectives = "error,latency_ms,energy_mj";
    assert_status(FNAS_ERR_INPUT, fnas_search_run(place->context, &options));
    assert_message("card steep has no energy");
    for (int d = 0; d < 2; d++) add_energies(place, fixture->devices[d], 0.5);
    test_check(place, fnas_search_run(place->context, &options));
    fnas_run *run = NULL;
    fnas_front *front = NULL;
    test_check(place, fnas_run_open(place->context, path, &run));
    test_check(place, fnas_run_front(place->context, run, fnas_run_device(run, 0), &(fnas_front_options){.score_error = true}, &front));
    assert_int_equal(fnas_front_objective_count(front), 3);
    assert_string_equal(fnas_front_objective_at(front, 2).name, "energy_mj");
    assert_string_equal(fnas_front_objective_at(front, 2).unit, "mJ");
    assert_string_equal(fnas_front_objective_at(front, 2).source, "predicted");
    assert_true(fnas_front_point_count(front) >= 5);
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        const double *values = fnas_front_values(front, p);
        assert_true(fabs(values[2] / sqrt(values[1]) - 1) < 0.25); /* the root is no sum of operations, and so not quite predicted */
    }
    fnas_front_free(front);
    fnas_run_close(run);
    snprintf(file, sizeof file, "%s/energy.safetensors", path);
    assert_int_equal(unlink(file), 0);
    assert_status(FNAS_ERR_INPUT, fnas_run_open(place->context, path, &run));
    assert_message("energy.safetensors is missing");
}

static void test_refused(void **state) {
    alone_fixture *fixture = *state;
    fnas_test_place *place = fixture->place;
    char path[160], file[200];
    snprintf(path, sizeof path, "%s/run", place->folder);
    const struct {
        const char *name, *value;
    } useless[] = {{"data", "fashion-mnist"}, {"proxy", "cells=1"}, {"batch", "full"}, {"precision", "f32"}, {"error-gradient", "model"}};
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        fnas_search_options options = options_for(fixture, fixture->some, path);
        const char **fields[] = {&options.data, &options.proxy, &options.batch, &options.precision, &options.error_gradient};
        *fields[i] = useless[i].value;
        assert_status(FNAS_ERR_USAGE, fnas_search_run(place->context, &options));
        assert_message(useless[i].name);
        assert_message("has no use with --error");
    }
    fnas_search_options options = options_for(fixture, fixture->some, path);
    options.steps = 0;
    options.epochs = 3;
    assert_status(FNAS_ERR_USAGE, fnas_search_run(place->context, &options));
    assert_message("--epochs has no use");
    options = options_for(fixture, fixture->some, path);
    options.preset = "paper";
    assert_status(FNAS_ERR_USAGE, fnas_search_run(place->context, &options));
    assert_message("--preset paper is about training a supernet");
    options = options_for(fixture, fixture->some, path);
    options.objectives = "error,latency_ms,macs";
    assert_status(FNAS_ERR_INPUT, fnas_search_run(place->context, &options));
    assert_message("does not know its networks' sizes");
    options = options_for(fixture, NULL, path);
    assert_status(FNAS_ERR_USAGE, fnas_search_run(place->context, &options));
    assert_message("the space six has no supernet");
    assert_false(fnas_folder_exists(path));

    /* a run whose parts do not belong together, or are missing */
    options = options_for(fixture, fixture->some, path);
    options.steps = 2;
    test_check(place, fnas_search_run(place->context, &options));
    fnas_run *run = NULL;
    assert_status(FNAS_ERR_USAGE, fnas_search_resume(place->context, path, "fashion-mnist"));
    assert_message("needs no data");
    snprintf(file, sizeof file, "%s/space.json", path);
    assert_status(FNAS_OK,
                  fnas_file_write_atomic(
                      place->context, file,
                      "{\"format\": \"fleetnas-space/1\", \"name\": \"six\", \"decisions\": [{\"name\": \"d0\", " CHOICES "}]}",
                      strlen("{\"format\": \"fleetnas-space/1\", \"name\": \"six\", \"decisions\": [{\"name\": \"d0\", " CHOICES "}]}")));
    assert_status(FNAS_ERR_INPUT, fnas_run_open(place->context, path, &run));
    assert_message("space.json: describes file:six:");
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, file, SPACE, strlen(SPACE)));
    snprintf(file, sizeof file, "%s/error.safetensors", path);
    assert_int_equal(unlink(file), 0);
    assert_status(FNAS_ERR_INPUT, fnas_run_open(place->context, path, &run));
    assert_message("error.safetensors");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fronts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fronts_are_extended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_energy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
