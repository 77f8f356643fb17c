/* Spaces that a file describes: what they are, which decisions matter, what is refused and how. */
#include "base/support.h"

#include <jansson.h>
#include <math.h>

#include "base/error.h"
#include "base/random.h"
#include "space/space.h"

/* A depth that lets one, two or three layers matter; the third has a choice that lets a width matter. */
#define DEPTH                                                                                                                              \
    "{\"format\": \"fleetnas-space/1\",\n \"name\": \"tower\",\n \"decisions\": [\n"                                                       \
    "  {\"name\": \"layer3\", \"choices\": [\"conv\", \"pool\"], \"active\": {\"decision\": \"depth\", \"in\": [\"three\"]}},\n"           \
    "  {\"name\": \"depth\", \"choices\": [\"one\", \"two\", \"three\"], \"values\": [1, 2, 3]},\n"                                        \
    "  {\"name\": \"layer2\", \"choices\": [\"conv\", \"pool\"], \"active\": {\"decision\": \"depth\", \"at_least\": \"two\"}},\n"         \
    "  {\"name\": \"width\", \"choices\": [\"16\", \"24\", \"40\", \"64\"], \"values\": [16, 24, 40, 64],\n"                               \
    "   \"active\": {\"decision\": \"layer3\", \"in\": [\"conv\"]}},\n"                                                                    \
    "  {\"name\": \"layer1\", \"choices\": [\"conv\", \"pool\", \"skip\"]}\n ]"

static fnas_space *open_text(fnas_test_place *place, const char *text) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "space.json", text), &space));
    return space;
}

static void parse(fnas_test_place *place, const fnas_space *space, const char *text, int32_t *choices) {
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, text, choices));
}

static void test_what_it_is(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}");
    assert_string_equal(fnas_space_name(space), "tower");
    assert_memory_equal(fnas_space_spec(space), "file:tower:", 11);
    assert_int_equal(strlen(fnas_space_spec(space)), 11 + 16);
    assert_int_equal(fnas_space_decision_count(space), 5);
    assert_int_equal(fnas_space_onehot_size(space), 2 + 3 + 2 + 4 + 3);
    assert_int_equal(fnas_space_onehot_offset(space, 3), 7);
    assert_true(fnas_space_cardinality(space) == 144.0);
    assert_string_equal(fnas_space_choice_name(space, 3, 2), "40");
    assert_int_equal(fnas_space_reference_count(space), 10);
    assert_false(fnas_space_has_counts(space));
    assert_false(fnas_space_has_supernet(space));
    int64_t shape[3], classes;
    assert_status(FNAS_ERR_UNSUPPORTED, fnas_space_image(place->context, space, shape, &classes));
    assert_message("space tower has no images");
    fnas_net *net;
    int32_t choices[5] = {0};
    assert_status(FNAS_ERR_UNSUPPORTED, fnas_space_record(place->context, space, choices, &net));
    fnas_space_close(space);
}

static void test_native_strings(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}");
    int32_t choices[5];
    char text[FNAS_ARCH_TEXT_BYTES];
    parse(place, space, "conv/three/pool/40/skip", choices);
    const int32_t expected[5] = {0, 2, 1, 2, 2};
    assert_memory_equal(choices, expected, sizeof expected);
    assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
    assert_string_equal(text, "conv/three/pool/40/skip");
    static const char *const wrong[][2] = {
        {"conv/three/pool/40", "5 choices between slashes"},
        {"conv/three/pool/40/skip/", "5 choices between slashes"},
        {"conv/three/pool/41/skip", "decision width has no choice \"41\": it has 16, 24, 40, 64"},
        {"", "decision layer3 has no choice \"\""},
        {"conv/three/pool/40/Skip", "decision layer1 has no choice \"Skip\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_status(FNAS_ERR_INPUT, fnas_space_parse(place->context, space, wrong[i][0], choices));
        assert_message(wrong[i][1]);
        assert_memory_equal(choices, expected, sizeof expected);
    }
    assert_status(FNAS_ERR_INTERNAL, fnas_space_format(place->context, space, choices, text, 23));
    assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, 24));
    fnas_space_close(space);
}

/* What is inactive, also through a decision that is itself inactive, becomes its first choice. */
static void test_inactive_decisions(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}");
    static const char *const pairs[][2] = {
        {"pool/one/pool/64/skip", "conv/one/conv/16/skip"},     {"conv/one/pool/64/skip", "conv/one/conv/16/skip"},
        {"pool/two/pool/64/skip", "conv/two/pool/16/skip"},     {"pool/three/pool/64/conv", "pool/three/pool/16/conv"},
        {"conv/three/pool/64/conv", "conv/three/pool/64/conv"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int32_t choices[5];
        char text[FNAS_ARCH_TEXT_BYTES];
        parse(place, space, pairs[i][0], choices);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        assert_string_equal(text, pairs[i][1]);
    }
    fnas_space_close(space);
}

/* Among raw choices of this space few are an architecture of their own; what is drawn, and what is counted, is each once. */
static void test_random_ones_are_distinct(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}");
    /* depth one: 3; two: 2 * 3; three: 2 * 3 * (4 + 1) */
    enum { ALL = 3 + 6 + 30 };
    assert_true(fnas_space_settled_count(space) == ALL);
    fnas_arch_set set = {.decisions = 5};
    assert_status(FNAS_OK, fnas_space_random_distinct(place->context, space, 3, ALL, &set));
    assert_int_equal(set.count, ALL);
    char texts[ALL][FNAS_ARCH_TEXT_BYTES];
    for (int64_t i = 0; i < ALL; i++) {
        assert_status(FNAS_OK, fnas_space_format(place->context, space, fnas_arch_set_at(&set, i), texts[i], sizeof texts[i]));
        for (int64_t k = 0; k < i; k++) assert_string_not_equal(texts[k], texts[i]);
    }
    assert_status(FNAS_ERR_INPUT, fnas_space_random_distinct(place->context, space, 3, 1, &set));
    assert_message("has only 39 in all");
    fnas_arch_set_free(&set);
    fnas_space_close(space);
}

/* Settling is parsing what is printed. */
static void test_settling_is_printing_and_parsing(void **state) {
    fnas_test_place *place = *state;
    fnas_space *spaces[2] = {open_text(place, DEPTH "}"), NULL};
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &spaces[1]));
    for (int s = 0; s < 2; s++) {
        int64_t changed = 0;
        for (int64_t i = 0; i < 300; i++) {
            int32_t drawn[6], parsed[6], settled[6];
            char text[FNAS_ARCH_TEXT_BYTES];
            size_t bytes = (size_t)fnas_space_decision_count(spaces[s]) * sizeof *drawn;
            fnas_space_random(spaces[s], 8, i, drawn);
            assert_status(FNAS_OK, fnas_space_format(place->context, spaces[s], drawn, text, sizeof text));
            parse(place, spaces[s], text, parsed);
            memcpy(settled, drawn, bytes);
            fnas_space_settle(spaces[s], settled);
            assert_memory_equal(settled, parsed, bytes);
            changed += memcmp(settled, drawn, bytes) != 0;
        }
        assert_true(s == 0 ? changed > 50 : changed == 0);
        fnas_space_close(spaces[s]);
    }
}

/* A chain of 40 decisions, each of which matters only where the one before is on: 41 architectures, the last one in 2^40 draws. */
static void test_rare_ones_are_found(void **state) {
    fnas_test_place *place = *state;
    enum { LENGTH = 40 };
    char text[8192];
    int used = snprintf(text, sizeof text, "{\"format\": \"fleetnas-space/1\", \"name\": \"chain\", \"decisions\": [");
    for (int d = 0; d < LENGTH; d++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "%s{\"name\": \"d%d\", \"choices\": [\"off\", \"on\"]", d ? ", " : "", d);
        if (d) used += snprintf(text + used, sizeof text - (size_t)used, ", \"active\": {\"decision\": \"d%d\", \"in\": [\"on\"]}", d - 1);
        used += snprintf(text + used, sizeof text - (size_t)used, "}");
    }
    snprintf(text + used, sizeof text - (size_t)used, "]}");
    fnas_space *space = open_text(place, text);
    fnas_arch_set set = {.decisions = LENGTH};
    assert_true(fnas_space_settled_count(space) == LENGTH + 1);
    assert_status(FNAS_OK, fnas_space_random_distinct(place->context, space, 1, LENGTH + 1, &set));
    assert_int_equal(set.count, LENGTH + 1);
    fnas_arch_set_free(&set);
    fnas_space_close(space);
}

/* Equal architectures have equal features: those of a drawn one are those of its canonical form, and say what is chosen where it matters.
 */
static void test_features(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}");
    double onehot[14], features[16], canonical[16];
    assert_int_equal(fnas_space_cost_feature_count(space), 16);
    int32_t choices[5];
    for (int64_t i = 0; i < 200; i++) {
        fnas_space_random(space, 5, i, choices);
        fnas_space_to_onehot(space, choices, onehot);
        fnas_space_cost_features(space, onehot, features);
        fnas_space_canonical(space, choices);
        fnas_space_to_onehot(space, choices, onehot);
        fnas_space_cost_features(space, onehot, canonical);
        assert_memory_equal(features, canonical, sizeof features);
    }
    parse(place, space, "conv/three/pool/40/skip", choices);
    fnas_space_to_onehot(space, choices, onehot);
    fnas_space_cost_features(space, onehot, features);
    const double expected[16] = {1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1.0, 0.5};
    for (int i = 0; i < 16; i++) assert_true(features[i] == expected[i]);
    parse(place, space, "conv/two/pool/40/skip", choices);
    fnas_space_to_onehot(space, choices, onehot);
    fnas_space_cost_features(space, onehot, features);
    const double shallow[16] = {0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0.5, 0};
    for (int i = 0; i < 16; i++) assert_true(features[i] == shallow[i]);
    fnas_space_close(space);
}

static double along(const fnas_space *space, const double *weights, const double *onehot) {
    double features[16], sum = 0;
    fnas_space_cost_features(space, onehot, features);
    for (int i = 0; i < 16; i++) sum += weights[i] * features[i];
    return sum;
}

/* The features are polynomials of D of degree 3 or less in each direction: central differences are exact but for rounding and the cubic
 * term, which step^2 bounds. */
static void test_gradient(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}");
    fnas_random random = fnas_random_begin(9, FNAS_STREAM_ARCH, 0, 0);
    double onehot[14], weights[16], gradient[14] = {0};
    const double step = 1e-5;
    for (int i = 0; i < 14; i++) onehot[i] = fnas_random_uniform(&random);
    for (int i = 0; i < 16; i++) weights[i] = fnas_random_uniform(&random) - 0.5;
    fnas_space_cost_features_vjp(space, onehot, weights, gradient);
    for (int i = 0; i < 14; i++) {
        double at = onehot[i];
        onehot[i] = at + step;
        double above = along(space, weights, onehot);
        onehot[i] = at - step;
        double below = along(space, weights, onehot);
        onehot[i] = at;
        assert_true(fabs((above - below) / (2 * step) - gradient[i]) < 1e-8);
    }
    fnas_space_close(space);
}

/* depth / 3, and depth / 3 times width / 64 where the width is active; the surrogate's features stay what they were. */
static void test_costs(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH ", \"costs\": [[\"depth\"], [\"depth\", \"width\"], [\"width\", \"width\"]]}");
    fnas_space *plain = open_text(place, DEPTH "}");
    assert_string_not_equal(fnas_space_spec(space), fnas_space_spec(plain));
    assert_int_equal(fnas_space_cost_feature_count(space), 3);
    assert_int_equal(fnas_space_error_feature_count(space), 16);
    double onehot[14], costs[3], features[16], expected[16], weights[3] = {0.7, -0.4, 0.9}, gradient[14] = {0};
    int32_t choices[5];
    parse(place, space, "conv/three/pool/40/skip", choices);
    fnas_space_to_onehot(space, choices, onehot);
    fnas_space_cost_features(space, onehot, costs);
    assert_true(costs[0] == 1.0 && costs[1] == 40.0 / 64 && costs[2] == 40.0 / 64 * 40.0 / 64);
    fnas_space_error_features(space, onehot, features);
    fnas_space_cost_features(plain, onehot, expected);
    assert_memory_equal(features, expected, sizeof features);
    parse(place, space, "conv/two/pool/40/skip", choices);
    fnas_space_to_onehot(space, choices, onehot);
    fnas_space_cost_features(space, onehot, costs);
    assert_true(costs[0] == 2.0 / 3 && costs[1] == 0.0 && costs[2] == 0.0);
    fnas_random random = fnas_random_begin(10, FNAS_STREAM_ARCH, 0, 0);
    const double step = 1e-5;
    for (int i = 0; i < 14; i++) onehot[i] = fnas_random_uniform(&random);
    fnas_space_cost_features_vjp(space, onehot, weights, gradient);
    for (int i = 0; i < 14; i++) { /* polynomials of degree 4 or less: the error is of order step^2 */
        double at = onehot[i], value[2] = {0, 0};
        for (int side = 0; side < 2; side++) {
            onehot[i] = side ? at + step : at - step;
            fnas_space_cost_features(space, onehot, costs);
            for (int c = 0; c < 3; c++) value[side] += weights[c] * costs[c];
        }
        onehot[i] = at;
        assert_true(fabs((value[1] - value[0]) / (2 * step) - gradient[i]) < 1e-8);
    }
    /* what a run carries says the same */
    fnas_space *again = NULL;
    char *description = strdup(fnas_space_description(space));
    assert_status(FNAS_OK, fnas_space_read(place->context, "again", description, &again));
    assert_string_equal(fnas_space_spec(again), fnas_space_spec(space));
    free(description);
    fnas_space_close(again);
    fnas_space_close(plain);
    fnas_space_close(space);
}

/* ---- identity ---- */

static void test_identity(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}"), *other = NULL;
    char spec[128];
    snprintf(spec, sizeof spec, "%s", fnas_space_spec(space));
    /* another spelling in another folder */
    assert_int_equal(rename(fnas_test_path(place, "space.json"), fnas_test_path(place, "elsewhere.json")), 0);
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_path(place, "elsewhere.json"), &other));
    assert_string_equal(fnas_space_spec(other), spec);
    fnas_space_close(other);
    /* "at_least": "two" is "in": ["two", "three"]; blanks say nothing */
    other = open_text(
        place, "{\"name\": \"a\", \"format\": \"fleetnas-space/1\", \"decisions\": [{\"choices\": [\"x\", \"y\", \"z\"], \"name\": \"p\"},"
               "{\"name\": \"q\", \"choices\": [\"u\"], \"active\": {\"decision\": \"p\", \"at_least\": \"y\"}}]}");
    fnas_space *same = open_text(
        place,
        "{\"format\": \"fleetnas-space/1\",\n\"name\": \"a\", \"decisions\": [{\"name\": \"p\", \"choices\": [\"x\", \"y\", \"z\"]},\n"
        "{\"name\": \"q\", \"choices\": [\"u\"], \"active\": {\"decision\": \"p\", \"in\": [\"z\", \"y\"]}}]}");
    assert_string_equal(fnas_space_spec(same), fnas_space_spec(other));
    fnas_space *changed = open_text(
        place,
        "{\"format\": \"fleetnas-space/1\",\n\"name\": \"a\", \"decisions\": [{\"name\": \"p\", \"choices\": [\"x\", \"y\", \"z\"]},\n"
        "{\"name\": \"q\", \"choices\": [\"u\"], \"active\": {\"decision\": \"p\", \"in\": [\"z\"]}}]}");
    assert_string_not_equal(fnas_space_spec(changed), fnas_space_spec(other));
    fnas_space_close(changed);
    fnas_space_close(same);
    fnas_space_close(other);
    fnas_space_close(space);
}

/* A spec is opened by the context that has seen its file, and by those that work for it; others say what is missing. */
/* Allocation number `json_left` of jansson's fails, and none before or behind it. */
static long json_left;
static void *json_failing(size_t bytes) {
    return json_left-- == 0 ? NULL : malloc(bytes);
}

/* Wherever memory ends, a space has its one name and description, or is refused. */
static void test_identity_without_memory(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}"), *again;
    const char *path = fnas_test_write_text(place, "again.json", DEPTH "}");
    long failures = 0;
    for (long at = 0; at < 100000; at++) {
        json_left = at;
        json_set_alloc_funcs(json_failing, free);
        fnas_status status = fnas_space_open(place->context, path, &again);
        bool reached = json_left < 0;
        json_set_alloc_funcs(malloc, free);
        failures += status != FNAS_OK;
        if (status == FNAS_OK) {
            assert_string_equal(fnas_space_spec(again), fnas_space_spec(space));
            assert_string_equal(fnas_space_description(again), fnas_space_description(space));
            fnas_space_close(again);
        }
        if (!reached) break;
        assert_true(at < 99999);
    }
    assert_true(failures > 100);
    fnas_space_close(space);
}

static void test_known_by_spec(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}"), *again = NULL, *derived = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_space_spec(space), &again));
    assert_string_equal(fnas_space_spec(again), fnas_space_spec(space));
    fnas_space_close(again);
    fnas_context *worker, *stranger;
    assert_status(FNAS_OK, fnas_context_create(&worker));
    fnas_context_set_parent(worker, place->context);
    assert_status(FNAS_OK, fnas_space_open(worker, fnas_space_spec(space), &again));
    fnas_context_destroy(worker);
    assert_status(FNAS_OK, fnas_space_derive(place->context, again, "", &derived));
    assert_string_equal(fnas_space_spec(derived), fnas_space_spec(space));
    fnas_space_close(derived);
    assert_status(FNAS_ERR_INPUT, fnas_space_derive(place->context, again, "cells=1", &derived));
    assert_message("space tower is described in a file and has no parameters");
    fnas_space_close(again);
    assert_status(FNAS_OK, fnas_context_create(&stranger));
    assert_int_equal(fnas_space_open(stranger, fnas_space_spec(space), &again), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(stranger), "give that file with --space SPACE.json"));
    /* the description that a run carries makes it known, with the same references */
    assert_int_equal(fnas_space_read(stranger, "run/space.json", fnas_space_description(space), &again), FNAS_OK);
    assert_string_equal(fnas_space_spec(again), fnas_space_spec(space));
    assert_string_equal(fnas_space_description(again), fnas_space_description(space));
    for (int64_t i = 0; i < 10; i++) {
        int32_t first[5], second[5];
        fnas_space_reference(space, i, first);
        fnas_space_reference(again, i, second);
        assert_memory_equal(first, second, sizeof first);
    }
    fnas_context_destroy(stranger);
    fnas_space_close(again); /* outlives the context that knew it */
    fnas_space_close(space);
}

/* ---- references ---- */

static void test_references_by_rule(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_text(place, DEPTH "}");
    int32_t references[10][5];
    for (int64_t i = 0; i < 10; i++) {
        int32_t canonical[5];
        fnas_space_reference(space, i, references[i]);
        memcpy(canonical, references[i], sizeof canonical);
        fnas_space_canonical(space, canonical);
        assert_memory_equal(canonical, references[i], sizeof canonical);
        for (int64_t k = 0; k < i; k++) assert_memory_not_equal(references[k], references[i], sizeof references[i]);
    }
    fnas_space_close(space);
    /* too few architectures for ten */
    space = open_text(
        place,
        "{\"format\": \"fleetnas-space/1\", \"name\": \"small\", \"decisions\": [{\"name\": \"p\", \"choices\": [\"x\", \"y\", \"z\"]}]}");
    assert_int_equal(fnas_space_reference_count(space), 0);
    fnas_space_close(space);
}

#define ROW(i) "a" #i "/b" #i "\n"
static void test_references_from_table(void **state) {
    fnas_test_place *place = *state;
    const char
        *decisions = "{\"format\": \"fleetnas-space/1\", \"name\": \"pairs\",\n\"table\": \"rows.csv\", \"decisions\": [\n"
                     "{\"name\": \"p\", \"choices\": [\"a0\", \"a1\", \"a2\", \"a3\", \"a4\", \"a5\", \"a6\", \"a7\", \"a8\", \"a9\"]},\n"
                     "{\"name\": \"q\", \"choices\": [\"b0\", \"b1\", \"b2\", \"b3\", \"b4\", \"b5\", \"b6\", \"b7\", \"b8\", \"b9\"]}]}";
    /* Beside the diagonal, whose architectures differ in both decisions, others that differ in one: the diagonal is the farthest. */
    fnas_test_write_text(place, "rows.csv",
                         "arch\n" ROW(0) "a0/b1\na1/b0\n" ROW(1) ROW(2) ROW(3) ROW(4) ROW(5) ROW(6) ROW(7) ROW(8) ROW(9));
    fnas_space *space = open_text(place, decisions);
    assert_int_equal(fnas_space_reference_count(space), 10);
    for (int64_t i = 0; i < 10; i++) {
        int32_t choices[2];
        fnas_space_reference(space, i, choices);
        assert_int_equal(choices[0], choices[1]);
    }
    fnas_space_close(space);
    fnas_test_write_text(place, "rows.csv", "p,q\na0,b0\na1,c1\n");
    assert_status(FNAS_ERR_INPUT, fnas_space_open(place->context, fnas_test_path(place, "space.json"), &space));
    assert_message("rows.csv:3: decision q has no choice \"c1\"");
    fnas_test_write_text(place, "rows.csv", "arch\na0/b0\n\na0/b0\n");
    assert_status(FNAS_ERR_INPUT, fnas_space_open(place->context, fnas_test_path(place, "space.json"), &space));
    assert_message("rows.csv:4: the same architecture as on line 2");
}

/* ---- what is refused ---- */

#define HEAD "{\"format\": \"fleetnas-space/1\", \"name\": \"s\", \"decisions\": [\n"
#define P "{\"name\": \"p\", \"choices\": [\"x\", \"y\"]}"

static void test_refused(void **state) {
    fnas_test_place *place = *state;
    static const char *const cases[][2] = {
        {"{\"format\": \"fleetnas-space/1\",\n \"name\": }", "space.json:2:"},
        {"[]", "must be an object"},
        {"{\"format\": \"fleetnas-device/1\"}", "\"format\" is \"fleetnas-device/1\", that of a space is \"fleetnas-space/1\""},
        {"{\"format\": \"fleetnas-space/1\", \"name\": \"s\", \"decission\": []}",
         "unknown key \"decission\": did you mean \"decisions\"?"},
        {"{\"format\": \"fleetnas-space/1\", \"name\": \"s\", \"name\": \"t\", \"decisions\": []}", "space.json:1:"}, /* a key twice */
        {"{\"format\": \"fleetnas-space/1\", \"name\": \"a b\", \"decisions\": [" P "]}", "\"name\" is \"a b\""},
        {"{\"format\": \"fleetnas-space/1\", \"name\": \"\", \"decisions\": [" P "]}", "\"name\" is \"\""},
        {"{\"format\": \"fleetnas-space/1\", \"name\": \"s\"}", "\"decisions\" (an array) is missing"},
        {"{\"format\": \"fleetnas-space/1\", \"name\": \"s\",\n\"decisions\": []}", "space.json:2: 0 \"decisions\": 1 to 256 are allowed"},
        {HEAD P ",\n7]}", "space.json:3: decision 2: must be an object"},
        {HEAD P ",\n" P "]}", "space.json:3: decision 2: \"name\": decision 1 is named \"p\" as well"},
        {HEAD P ",\n{\"name\": \"q\"}]}", "space.json:3: decision \"q\": \"choices\" (an array) is missing"},
        {HEAD P ",\n\n{\"name\": \"q\", \"choices\": []}]}", "space.json:4: decision \"q\": \"choices\" has 0 names"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"x\", 3]}]}", "space.json:2: decision \"q\": \"choices\"[1] must be a text in quotes"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"x\", \"x\"]}]}", "decision \"q\": the choice \"x\" is there twice"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"a/b\"]}]}", "space.json:2: decision \"q\": the choice \"a/b\" holds '/'"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"a b\"]}]}", "the choice \"a b\" holds a blank"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"\"]}]}", "the choice \"\" has 0 bytes"},
        {HEAD "{\"name\": \"q/r\", \"choices\": [\"a\"]}]}", "the name \"q/r\" holds '/'"},
        {HEAD "{\"name\": \"q\", \"choises\": [\"a\"]}]}", "unknown key \"choises\": did you mean \"choices\"?"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"a\", \"b\"], \"values\": [1]}]}", "1 \"values\" for 2 choices"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"a\", \"b\"], \"values\": [1, \"2\"]}]}", "\"values\"[1] must be a number"},
        {HEAD "{\"name\": \"q\", \"choices\": [\"a\", \"b\"], \"values\": [1, 1e31]}]}", "\"values\"[1] must be a number"},
        {HEAD P ", {\"name\": \"q\", \"choices\": [\"a\"], \"active\": 1}]}", "\"active\" must be an object"},
        {HEAD P ", {\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"r\", \"in\": [\"x\"]}}]}",
         "there is no decision \"r\""},
        {HEAD P ", {\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"p\"}}]}", "\"active\" needs either \"in\""},
        {HEAD P ", {\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"p\", \"in\": [\"x\"], \"at_least\": \"x\"}}]}",
         "\"active\" needs either \"in\""},
        {HEAD P ", {\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"p\", \"in\": []}}]}", "at least one choice"},
        {HEAD P ", {\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"p\", \"in\": [\"z\"]}}]}",
         "the decision \"p\" has no choice \"z\""},
        {HEAD P ", {\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"p\", \"at_most\": \"x\"}}]}",
         "unknown key \"at_most\""},
        {HEAD "{\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"q\", \"in\": [\"a\"]}}]}",
         "space.json:2: decision \"q\": \"active\" runs in a circle"},
        {HEAD P ",\n{\"name\": \"q\", \"choices\": [\"a\"], \"active\": {\"decision\": \"r\", \"in\": [\"b\"]}},\n"
                "{\"name\": \"r\", \"choices\": [\"b\"], \"active\": {\"decision\": \"q\", \"in\": [\"a\"]}}]}",
         "space.json:3: decision \"q\": \"active\" runs in a circle: it depends on \"r\""},
        {HEAD P "],\n\"costs\": []}", "space.json:3: 0 \"costs\": 1 to 1000 are allowed"},
        {HEAD P "],\n\"costs\": [\n\"p\"]}", "space.json:4: cost 1: must be an array of 1 to 4 names"},
        {HEAD P "],\n\"costs\": [[\"r\"]]}", "cost 1: there is no decision \"r\""},
        {HEAD P "],\n\"costs\": [[\"p\"]]}", "cost 1: decision \"p\" needs \"values\""},
        {HEAD "{\"name\": \"q\", \"choices\": [\"a\", \"b\"], \"values\": [-1, 2]}],\n\"costs\": [[\"q\"]]}",
         "cost 1: decision \"q\" needs \"values\", none negative"},
        {HEAD P "],\n\"references\": [\"x\", \"y\"]}", "space.json:3: 2 \"references\", the device embedding needs 10"},
        {HEAD P "],\n\"table\": \"../t.csv\"}", "space.json:3: \"table\" must be the name of a file beside this one"},
        {HEAD P "],\n\"table\": \"missing.csv\"}", "missing.csv: cannot open"},
        {HEAD P "],\n\"table\": \"t.csv\", \"references\": []}", "keep one"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_space *space = NULL;
        const char *path = fnas_test_write_text(place, "space.json", cases[i][0]);
        if (fnas_space_open(place->context, path, &space) != FNAS_ERR_INPUT) fail_msg("case %zu was not refused: %s", i, cases[i][0]);
        assert_null(space);
        assert_message(cases[i][1]);
    }
}

/* Of `decisions` decisions with `choices` choices each, whose names have `bytes` bytes. */
static const char *write_large(fnas_test_place *place, int decisions, int choices, int bytes) {
    const char *path = fnas_test_path(place, "large.json");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "{\"format\": \"fleetnas-space/1\", \"name\": \"large\", \"decisions\": [");
    for (int d = 0; d < decisions; d++) {
        fprintf(file, "%s\n{\"name\": \"d%d\", \"choices\": [", d ? "," : "", d);
        for (int k = 0; k < choices; k++) fprintf(file, "%s\"%0*d\"", k ? ", " : "", bytes, k);
        fprintf(file, "]}");
    }
    fprintf(file, "]}\n");
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_limits(void **state) {
    fnas_test_place *place = *state;
    static const struct {
        int decisions, choices, bytes;
        const char *message; /* NULL: fine */
    } cases[] = {
        {256, 3, 1, NULL},
        {257, 3, 1, "257 \"decisions\": 1 to 256 are allowed"},
        {3, 256, 3, NULL},
        {3, 257, 3, "\"choices\" has 257 names: 1 to 256 are allowed"},
        {100, 10, 1, NULL},
        {100, 11, 2, "have 1100 choices in all"},
        {1, 2, 64, NULL},
        {1, 2, 65, "has 65 bytes: 1 to 64 are allowed"},
        {16, 2, 63, NULL}, /* 16 * 64 bytes with slashes and the last 0 */
        {16, 2, 64, "the longest architecture of these \"decisions\" takes 1039 bytes"},
        {22, 9, 2, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_space *space = NULL;
        const char *path = write_large(place, cases[i].decisions, cases[i].choices, cases[i].bytes);
        fnas_status status = fnas_space_open(place->context, path, &space);
        if ((status == FNAS_OK) != (cases[i].message == NULL)) fail_msg("case %zu: %s", i, fnas_context_message(place->context));
        if (cases[i].message) assert_message(cases[i].message);
        fnas_space_close(space);
    }
    fnas_space *space = NULL; /* more architectures than integers of 64 bits count */
    assert_status(FNAS_OK, fnas_space_open(place->context, write_large(place, 22, 9, 2), &space));
    assert_true(fabs(fnas_space_cardinality(space) / 984770902183611232881.0 - 1) < 1e-14);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_what_it_is),
        fnas_test(test_native_strings),
        fnas_test(test_inactive_decisions),
        fnas_test(test_random_ones_are_distinct),
        fnas_test(test_settling_is_printing_and_parsing),
        fnas_test(test_rare_ones_are_found),
        fnas_test(test_features),
        fnas_test(test_gradient),
        fnas_test(test_costs),
        fnas_test(test_identity),
        fnas_test(test_identity_without_memory),
        fnas_test(test_known_by_spec),
        fnas_test(test_references_by_rule),
        fnas_test(test_references_from_table),
        fnas_test(test_refused),
        fnas_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
