/* Device cards: reading, refusing, writing. A valid card is made, then one thing of it is spoilt at a time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "device/card.h"

#define SPEC "nb201:channels=16,cells=5,classes=10,input=3x32x32"
#define CELL "|skip_connect~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|"
#define OTHER_CELL "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|"

typedef struct fixture {
    fnas_context *context;
    char folder[64], path[96];
} fixture;

static int begin(void **state) {
    fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/fnas-card-XXXXXX");
    if (!f || fnas_context_create(&f->context) != FNAS_OK || !mkdtemp(f->folder)) return -1;
    snprintf(f->path, sizeof f->path, "%s/CARD.json", f->folder);
    *state = f;
    return 0;
}

static int end(void **state) {
    fixture *f = *state;
    unlink(f->path);
    rmdir(f->folder);
    fnas_context_destroy(f->context);
    free(f);
    return 0;
}

/* A card with two measurements; references as the space has them, latencies 1.5, 2.5, ... */
static json_t *valid_card(fixture *f) {
    fnas_space *space;
    assert_int_equal(fnas_space_open(f->context, SPEC, &space), FNAS_OK);
    json_t *archs = json_array(), *latencies = json_array();
    for (int64_t i = 0; i < 10; i++) {
        int32_t choices[6];
        char text[FNAS_ARCH_TEXT_BYTES];
        fnas_space_reference(space, i, choices);
        assert_int_equal(fnas_space_format(f->context, space, choices, text, sizeof text), FNAS_OK);
        json_array_append_new(archs, json_string(text));
        json_array_append_new(latencies, json_real(1.5 + (double)i));
    }
    fnas_space_close(space);
    json_t *root = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:{},s:s,s:{s:o,s:o},s:[{s:s,s:f,s:[f,f]},{s:s,s:i}],s:f}",
                             "format", "fleetnas-device/1", "name", "pi \"4\"", "space", SPEC, "runtime", "onednn", "runtime_version",
                             "oneDNN 2.6.3", "processor", "Cortex", "governor", "unknown", "precision", "f32", "isa", "neon", "batch", 1,
                             "threads", 1, "date", "2026-01-01T00:00:00Z", "protocol", "statistic", "min_cpu_ms", "reference", "arch",
                             archs, "latency_ms", latencies, "measurements", "arch", CELL, "latency_ms", 0.1, "quantiles_ms", 0.1,
                             0.30000000000000004, "arch", OTHER_CELL, "latency_ms", 2, "noise_spearman", 0.99);
    assert_non_null(root);
    return root;
}

static void write_card(fixture *f, const json_t *root) {
    assert_int_equal(fnas_json_write(f->context, f->path, root), FNAS_OK);
}

static void write_text(fixture *f, const char *text) {
    assert_int_equal(fnas_file_write_atomic(f->context, f->path, text, strlen(text)), FNAS_OK);
}

/* The card is refused with bad input, and the message names the file and has `words` in it. */
static void assert_refused(fixture *f, const char *words) {
    fnas_card *card = (fnas_card *)(uintptr_t)1;
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_ERR_INPUT);
    assert_null(card);
    const char *message = fnas_context_message(f->context);
    if (!strstr(message, words) || !strstr(message, "CARD.json")) {
        print_error("\"%s\" does not say \"%s\"\n", message, words);
        fail();
    }
}

static void refuse(fixture *f, json_t *root, const char *words) {
    write_card(f, root);
    json_decref(root);
    assert_refused(f, words);
}

static json_t *reference_list(json_t *root, const char *key) {
    return json_object_get(json_object_get(root, "reference"), key);
}

static json_t *measurement(json_t *root, size_t index) {
    return json_array_get(json_object_get(root, "measurements"), index);
}

static void test_valid(void **state) {
    fixture *f = *state;
    json_t *root = valid_card(f);
    json_object_set_new(root, "remark", json_string("kept"));
    write_card(f, root);
    json_decref(root);
    fnas_card *card;
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_OK);
    fnas_card_view view = fnas_card_get(card);
    assert_string_equal(view.name, "pi \"4\"");
    assert_string_equal(view.statistic, "min_cpu_ms");
    assert_int_equal(view.decision_count, 6);
    assert_int_equal(view.reference_count, 10);
    assert_int_equal(view.measurement_count, 2);
    assert_true(view.reference_latency_ms[9] == 10.5);
    assert_true(view.measurement_latency_ms[0] == 0.1 && view.measurement_latency_ms[1] == 2);
    const int32_t cell[6] = {1, 0, 1, 3, 1, 1};
    assert_memory_equal(view.measurement_choices, cell, sizeof cell);
    assert_true(view.noise_spearman == 0.99);
    double embedding[10];
    fnas_card_embedding(card, embedding);
    for (int i = 0; i < 10; i++) assert_true(fabs(embedding[i] - i / 9.0) < 1e-15);
    fnas_card_free(card);
}

/* Not inlined: gcc 12 then takes its result for a pointer to its local variable. */
__attribute__((noinline)) static char *read_file(fixture *f, size_t *size) {
    unsigned char *data = NULL;
    assert_int_equal(fnas_file_read(f->context, f->path, 1 << 20, &data, size), FNAS_OK);
    return (char *)data;
}

static void test_round_trip(void **state) {
    fixture *f = *state;
    json_t *root = valid_card(f);
    json_object_set_new(root, "remark", json_string("kept"));
    write_card(f, root);
    json_decref(root);
    fnas_card *card;
    char *first, *second;
    size_t first_size, second_size;
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_OK);
    assert_int_equal(fnas_card_save(f->context, card, f->path), FNAS_OK);
    fnas_card_free(card);
    first = read_file(f, &first_size);
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_OK);
    assert_int_equal(fnas_card_save(f->context, card, f->path), FNAS_OK);
    fnas_card_free(card);
    second = read_file(f, &second_size);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    assert_non_null(strstr(first, "\"remark\": \"kept\""));
    assert_non_null(strstr(first, "0.30000000000000004")); /* no digit of a number is lost */
    fnas_free(first);
    fnas_free(second);
}

static void test_reference_only(void **state) {
    fixture *f = *state;
    json_t *root = valid_card(f);
    json_object_del(root, "measurements");
    json_object_del(root, "noise_spearman");
    write_card(f, root);
    json_decref(root);
    fnas_card *card;
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_OK);
    assert_int_equal(fnas_card_get(card).measurement_count, 0);
    assert_true(isnan(fnas_card_get(card).noise_spearman));
    fnas_card_free(card);
}

static void test_nine_references(void **state) {
    fixture *f = *state;
    json_t *root = valid_card(f);
    json_array_remove(reference_list(root, "latency_ms"), 9);
    refuse(f, root, "CARD.json: \"reference.latency_ms\" has 9 values, the embedding needs 10");
    root = valid_card(f);
    json_array_remove(reference_list(root, "arch"), 0);
    refuse(f, root, "\"reference.arch\" has 9 values");
    root = valid_card(f);
    json_object_del(root, "reference");
    refuse(f, root, "\"reference\"");
}

static void test_latencies(void **state) {
    fixture *f = *state;
    static const struct {
        double latency;
        const char *words;
    } cases[] = {{-1, "\"reference.latency_ms\"[3] is -1"}, {0, "\"reference.latency_ms\"[3] is 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = valid_card(f);
        json_array_set_new(reference_list(root, "latency_ms"), 3, json_real(cases[i].latency));
        refuse(f, root, cases[i].words);
    }
    json_t *root = valid_card(f);
    json_array_set_new(reference_list(root, "latency_ms"), 3, json_string("fast"));
    refuse(f, root, "\"reference.latency_ms\"[3] must be a number");
    root = valid_card(f);
    json_object_set_new(measurement(root, 1), "latency_ms", json_real(-0.5));
    refuse(f, root, "\"measurements\"[1].latency_ms is -0.5");
    root = valid_card(f);
    json_object_set_new(measurement(root, 1), "latency_ms", json_real(1e308));
    refuse(f, root, "\"measurements\"[1].latency_ms is 1e+308, a latency is 1e-12 to 1e+12");
    root = valid_card(f);
    json_object_del(measurement(root, 1), "latency_ms");
    refuse(f, root, "\"measurements\"[1]: \"latency_ms\" is missing");
}

static void give_energy(json_t *root) {
    json_t *energies = json_array();
    for (int i = 0; i < 10; i++) json_array_append_new(energies, json_real(0.5 + i));
    json_object_set_new(json_object_get(root, "reference"), "energy_mj", energies);
    json_object_set_new(measurement(root, 0), "energy_mj", json_real(7.5));
    json_object_set_new(measurement(root, 1), "energy_mj", json_integer(8));
}

static void test_energy(void **state) {
    fixture *f = *state;
    fnas_card *card;
    json_t *root = valid_card(f);
    write_card(f, root);
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_OK);
    assert_null(fnas_card_get(card).reference_energy_mj);
    assert_null(fnas_card_get(card).measurement_energy_mj);
    fnas_card_free(card);
    give_energy(root);
    write_card(f, root);
    json_decref(root);
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_OK);
    fnas_card_view view = fnas_card_get(card);
    assert_true(view.reference_energy_mj[0] == 0.5 && view.reference_energy_mj[9] == 9.5);
    assert_true(view.measurement_energy_mj[0] == 7.5 && view.measurement_energy_mj[1] == 8);
    assert_true(view.measurement_latency_ms[1] == 2);
    fnas_card_free(card);

    root = valid_card(f);
    give_energy(root);
    json_object_del(measurement(root, 1), "energy_mj");
    refuse(f, root, "\"measurements\"[0] has an \"energy_mj\", [1] has none");
    root = valid_card(f);
    give_energy(root);
    json_object_set_new(measurement(root, 1), "energy_mj", json_real(-1));
    refuse(f, root, "\"measurements\"[1].energy_mj is -1, an energy is finite and above 0");
    root = valid_card(f);
    give_energy(root);
    json_array_remove(reference_list(root, "energy_mj"), 3);
    refuse(f, root, "\"reference.energy_mj\" has 9 values");
    root = valid_card(f);
    give_energy(root);
    json_array_set_new(reference_list(root, "energy_mj"), 3, json_integer(0));
    refuse(f, root, "\"reference.energy_mj\"[3] is 0, an energy");
}

/* NaN and infinity are no JSON: the line is named. */
static void test_not_finite(void **state) {
    fixture *f = *state;
    static const char *const spoilt[] = {"NaN", "Infinity", "1e999"};
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        char copy[8192];
        size_t size;
        json_t *root = valid_card(f);
        write_card(f, root);
        json_decref(root);
        char *text = read_file(f, &size);
        char *at = strstr(text, "10.5");
        assert_non_null(at);
        snprintf(copy, sizeof copy, "%.*s%s%s", (int)(at - text), text, spoilt[i], at + 4);
        fnas_free(text);
        write_text(f, copy);
        assert_refused(f, "CARD.json:");
    }
}

static void test_archs(void **state) {
    fixture *f = *state;
    json_t *root = valid_card(f);
    json_array_set_new(reference_list(root, "arch"), 2, json_string("|skip_conect~0|+|none~0|skip_connect~1|+|none~0|none~1|none~2|"));
    refuse(f, root, "\"reference.arch\"[2]: unknown operation \"skip_conect\"");
    root = valid_card(f);
    json_object_set_new(measurement(root, 0), "arch", json_string("|none~0|"));
    refuse(f, root, "\"measurements\"[0].arch");
    root = valid_card(f);
    json_object_set_new(measurement(root, 1), "arch", json_string(CELL));
    refuse(f, root, "\"measurements\"[0] and [1] are the same architecture");
    root = valid_card(f);
    json_array_set(reference_list(root, "arch"), 4, json_array_get(reference_list(root, "arch"), 1));
    refuse(f, root, "\"reference.arch\"[1] and [4] are the same architecture");
}

static void test_description(void **state) {
    fixture *f = *state;
    static const char *const keys[] = {"format", "name",  "space",   "runtime", "runtime_version", "processor", "governor", "precision",
                                       "isa",    "batch", "threads", "date",    "protocol",        "statistic"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char words[64];
        json_t *root = valid_card(f);
        json_object_del(root, keys[i]);
        snprintf(words, sizeof words, "\"%s\"", keys[i]);
        refuse(f, root, words);
    }
    static const struct {
        const char *key, *value, *words;
    } cases[] = {{"format", "fleetnas-device/9", "\"format\" is \"fleetnas-device/9\""},
                 {"space", "nb2001", "\"space\""},
                 {"statistic", "fastest", "\"statistic\" is \"fastest\""},
                 {"batch", "one", "\"batch\" must be an integer"},
                 {"name", "", "\"name\" is empty"},
                 {"name", "pi\x1b[2J", "\"name\" holds a control character"},
                 {"processor", "\xC2\x9B 31m", "\"processor\" holds a control character"},
                 {"noise_spearman", "low", "\"noise_spearman\" must be a number"},
                 {"measurements", "none", "\"measurements\" must be an array"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = valid_card(f);
        json_object_set_new(root, cases[i].key, json_string(cases[i].value));
        refuse(f, root, cases[i].words);
    }
    json_t *root = valid_card(f);
    json_object_set_new(root, "batch", json_integer(0));
    refuse(f, root, "\"batch\" is 0");
}

static void test_no_card(void **state) {
    fixture *f = *state;
    fnas_card *card;
    unlink(f->path);
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_ERR_INPUT);
    static const char *const others[] = {"[1, 2]", "{}", "{\"format\": 1}", "{\"run\": \"a run\", \"device\": \"pi4\", \"points\": []}",
                                         "{\"format\": \"fleetnas-run/1\"}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        write_text(f, others[i]);
        assert_refused(f, "CARD.json is not a device card");
        assert_refused(f, "`fleetnas device measure` makes one");
    }
    write_text(f, "{\"format\": \"fleetnas-device/1\",\n \"name\": ");
    assert_refused(f, "CARD.json:2:");
    write_text(f, "{\"format\": 1, \"format\": 2}");
    assert_refused(f, "duplicate");
}

static void test_space(void **state) {
    fixture *f = *state;
    fnas_card *card;
    fnas_space *same, *other;
    json_t *root = valid_card(f);
    json_object_set_new(root, "space", json_string("nb201")); /* short for the defaults */
    write_card(f, root);
    json_decref(root);
    assert_int_equal(fnas_card_load(f->context, f->path, &card), FNAS_OK);
    assert_int_equal(fnas_space_open(f->context, SPEC, &same), FNAS_OK);
    assert_int_equal(fnas_space_open(f->context, "nb201:channels=8", &other), FNAS_OK);
    assert_int_equal(fnas_card_check_space(f->context, card, same), FNAS_OK);
    assert_int_equal(fnas_card_check_space(f->context, card, other), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(f->context), "channels=8"));
    fnas_space_close(same);
    fnas_space_close(other);
    fnas_card_free(card);
}

/* What a device to search for may be called: a run's card file has its name. */
static void test_name(void **state) {
    fixture *f = *state;
    char long_name[102];
    memset(long_name, 'x', 101);
    long_name[101] = '\0';
    const char *const good[] = {"pi4", "server-int8", "A.b_c-9", "-", long_name + 1};
    const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "a b", "caf\xC3\xA9", "a\n", long_name};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_int_equal(fnas_card_check_name(f->context, good[i]), FNAS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fnas_card_check_name(f->context, bad[i]), FNAS_ERR_INPUT);
        assert_non_null(strstr(fnas_context_message(f->context), "use letters, digits"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_valid, begin, end),           cmocka_unit_test_setup_teardown(test_energy, begin, end),
        cmocka_unit_test_setup_teardown(test_round_trip, begin, end),      cmocka_unit_test_setup_teardown(test_reference_only, begin, end),
        cmocka_unit_test_setup_teardown(test_nine_references, begin, end), cmocka_unit_test_setup_teardown(test_latencies, begin, end),
        cmocka_unit_test_setup_teardown(test_not_finite, begin, end),      cmocka_unit_test_setup_teardown(test_archs, begin, end),
        cmocka_unit_test_setup_teardown(test_description, begin, end),     cmocka_unit_test_setup_teardown(test_no_card, begin, end),
        cmocka_unit_test_setup_teardown(test_space, begin, end),           cmocka_unit_test_setup_teardown(test_name, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
