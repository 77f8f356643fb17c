/* Cards made of cards: measurements added to one of the same device, and the same device by other references. */
#include "base/support.h"

#include <math.h>

#include "base/json.h"
#include "device/card_change.h"

#define SPEC "nb201:channels=16,cells=5,classes=10,input=3x32x32"
#define DECISIONS 6
#define REFERENCES FNAS_CARD_REFERENCES

typedef struct made_card {
    const char *name, *processor;
    int64_t first, count; /* of the measured cells; cell i takes i + 1 ms */
    double speed;         /* times that */
    bool energy_of_references, energy_of_measurements;
    double noise;
} made_card;

static fnas_space *open_space(fnas_test_place *place) {
    fnas_space *space;
    assert_status(FNAS_OK, fnas_space_open(place->context, SPEC, &space));
    return space;
}

/* Cell number i: its digits are the choices. Those from 10,000 on are references. */
static void cell(int64_t i, int32_t choices[DECISIONS]) {
    for (int d = DECISIONS - 1; d >= 0; d--, i /= 5) choices[d] = (int32_t)(i % 5);
}

static json_t *cell_text(fnas_test_place *place, const fnas_space *space, int64_t i) {
    int32_t choices[DECISIONS];
    char text[FNAS_ARCH_TEXT_BYTES];
    cell(i, choices);
    assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
    return json_string(text);
}

static fnas_card *make(fnas_test_place *place, made_card wanted) {
    fnas_space *space = open_space(place);
    json_t *archs = json_array(), *latencies = json_array(), *energies = json_array(), *rows = json_array();
    for (int64_t i = 10000; i < 10000 + REFERENCES; i++) {
        json_array_append_new(archs, cell_text(place, space, i));
        json_array_append_new(latencies, json_real(wanted.speed * (double)(i + 1)));
        json_array_append_new(energies, json_real(7.0 * (double)(i + 1)));
    }
    for (int64_t i = wanted.first; i < wanted.first + wanted.count; i++) {
        json_t *row = json_pack("{s:o,s:f}", "arch", cell_text(place, space, i), "latency_ms", wanted.speed * (double)(i + 1));
        if (wanted.energy_of_measurements) json_object_set_new(row, "energy_mj", json_real(7.0 * (double)(i + 1)));
        json_array_append_new(rows, row);
    }
    json_t *reference = json_pack("{s:o,s:o}", "arch", archs, "latency_ms", latencies);
    if (wanted.energy_of_references) json_object_set(reference, "energy_mj", energies);
    json_decref(energies);
    json_t *root = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:{s:i},s:s,s:o,s:o,s:f}", "format", "fleetnas-device/1",
                             "name", wanted.name, "space", SPEC, "runtime", "onednn", "runtime_version", "2.6.3", "processor",
                             wanted.processor, "governor", "unknown", "precision", "f32", "isa", "neon", "batch", 1, "threads", 1, "date",
                             "2026-01-01", "protocol", "rounds", 12, "statistic", "min_cpu_ms", "reference", reference, "measurements",
                             rows, "noise_spearman", wanted.noise);
    fnas_card *card;
    assert_status(FNAS_OK, fnas_card_from_json(place->context, "made", root, &card));
    fnas_space_close(space);
    return card;
}

static const made_card plain = {.name = "pi", .processor = "A72", .count = 20, .speed = 1, .noise = 0.99};

static void refuse_sum(fnas_test_place *place, made_card later, fnas_status status, const char *complaint) {
    fnas_card *card = make(place, plain), *measured = make(place, later), *sum;
    assert_status(status, fnas_card_add(place->context, card, measured, &sum));
    assert_message(complaint);
    assert_null(sum);
    fnas_card_free(card);
    fnas_card_free(measured);
}

static void measurements_are_added(void **state) {
    fnas_test_place *place = *state;
    made_card later = plain;
    later.first = 100;
    later.count = 5;
    later.speed = 1.1;
    later.noise = 0.9;
    fnas_card *card = make(place, plain), *measured = make(place, later), *sum, *twice;
    assert_status(FNAS_OK, fnas_card_add(place->context, card, measured, &sum));
    fnas_card_view view = fnas_card_get(sum);
    assert_int_equal(view.measurement_count, 25);
    assert_true(view.measurement_latency_ms[19] == 20 && view.measurement_latency_ms[20] == 1.1 * 101);
    assert_true(view.reference_latency_ms[0] == 10001); /* as they were */
    assert_true(view.noise_spearman == 0.99);           /* of the larger measurement */
    const json_t *added = json_object_get(json_object_get(sum->root, "protocol"), "added");
    assert_int_equal(json_array_size(added), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(added, 0), "architectures")), 5);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(added, 0), "rounds")), 12);
    assert_true(fabs(json_real_value(json_object_get(json_array_get(added, 0), "references_change")) - 0.1) < 1e-12);
    fnas_card_free(measured);
    later.first = 200;
    later.count = 30;
    measured = make(place, later);
    assert_status(FNAS_OK, fnas_card_add(place->context, sum, measured, &twice));
    assert_int_equal(fnas_card_get(twice).measurement_count, 55);
    assert_true(fnas_card_get(twice).noise_spearman == 0.9);
    assert_int_equal(json_array_size(json_object_get(json_object_get(twice->root, "protocol"), "added")), 2);
    assert_int_equal(fnas_card_get(card).measurement_count, 20); /* nobody's card changes */
    assert_int_equal(fnas_card_get(sum).measurement_count, 25);
    fnas_card_free(card);
    fnas_card_free(measured);
    fnas_card_free(sum);
    fnas_card_free(twice);
}

static void other_devices_are_not_added(void **state) {
    fnas_test_place *place = *state;
    made_card later = plain;
    later.first = 100;
    later.processor = "A53";
    refuse_sum(place, later, FNAS_ERR_INPUT, "card of device pi: its processor is \"A72\", this measurement's \"A53\"");
    later.processor = "A72";
    later.name = "pi2";
    refuse_sum(place, later, FNAS_ERR_INPUT, "its name is \"pi\", this measurement's \"pi2\"");
    later.name = "pi";
    later.energy_of_measurements = later.energy_of_references = true;
    refuse_sum(place, later, FNAS_ERR_INPUT, "has no energies, this measurement would have some");
    later.energy_of_measurements = later.energy_of_references = false;
    later.speed = 1.2;
    refuse_sum(place, later, FNAS_ERR_NUMERIC, "its references take +20 % time in the median");
    later.speed = 0.8;
    refuse_sum(place, later, FNAS_ERR_NUMERIC, "its references take -20 % time in the median");
    later.speed = 1;
    later.first = 19;
    refuse_sum(place, later, FNAS_ERR_INPUT, "are the same architecture");
}

static void what_the_card_has_is_not_measured_again(void **state) {
    fnas_test_place *place = *state;
    fnas_card *card = make(place, plain);
    fnas_arch_set listed = {.decisions = DECISIONS};
    int64_t unused;
    for (int64_t i = 18; i < 22; i++) {
        int32_t choices[DECISIONS];
        cell(i == 18 ? 500 : i, choices);
        assert_status(FNAS_OK, fnas_arch_set_add(place->context, &listed, choices, &unused));
    }
    assert_status(FNAS_ERR_INPUT, fnas_card_check_new(place->context, card, "list.json", &listed));
    assert_message("list.json: architecture 1 is on the card of device pi already: leave it out");
    fnas_arch_set_free(&listed);
    listed.decisions = DECISIONS;
    int32_t reference[DECISIONS];
    cell(10000, reference); /* one may stand in both parts of a card */
    assert_status(FNAS_OK, fnas_arch_set_add(place->context, &listed, reference, &unused));
    assert_status(FNAS_OK, fnas_card_check_new(place->context, card, "list.json", &listed));
    fnas_arch_set_free(&listed);
    fnas_card_free(card);
}

/* A file of ten cells, from `first` on, the last of them `last`. */
static const char *write_references(fnas_test_place *place, const fnas_space *space, int64_t first, int64_t last) {
    json_t *archs = json_array();
    const char *path = fnas_test_path(place, "references.json");
    for (int64_t i = 0; i < REFERENCES; i++) json_array_append_new(archs, cell_text(place, space, i < REFERENCES - 1 ? first + i : last));
    assert_status(FNAS_OK, fnas_json_write(place->context, path, archs));
    json_decref(archs);
    return path;
}

static void a_card_gets_other_references(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    made_card with_energy = plain;
    with_energy.energy_of_references = with_energy.energy_of_measurements = true;
    fnas_card *card = make(place, with_energy), *rebased, *back;
    assert_status(FNAS_OK, fnas_card_rebase(place->context, space, card, write_references(place, space, 3, 10004), &rebased));
    fnas_card_view view = fnas_card_get(rebased);
    int32_t expected[DECISIONS];
    cell(3, expected);
    assert_memory_equal(view.reference_choices, expected, sizeof expected);
    assert_true(view.reference_latency_ms[0] == 4 && view.reference_latency_ms[9] == 10005); /* a measurement, and a reference of before */
    assert_true(view.reference_energy_mj[0] == 28 && view.reference_energy_mj[9] == 7.0 * 10005);
    assert_int_equal(view.measurement_count, 29); /* nine references of before have come to the 20 */
    assert_true(view.measurement_latency_ms[20] == 10001 && view.measurement_energy_mj[20] == 7.0 * 10001);
    assert_status(FNAS_OK, fnas_card_rebase(place->context, space, rebased, write_references(place, space, 10000, 10009), &back));
    assert_memory_equal(fnas_card_get(back).reference_latency_ms, fnas_card_get(card).reference_latency_ms, 10 * sizeof(double));
    assert_int_equal(fnas_card_get(back).measurement_count, 29); /* the new references were measurements all the while */
    fnas_card_free(card);
    fnas_card_free(rebased);
    fnas_card_free(back);
    fnas_space_close(space);
}

static void what_was_not_measured_is_no_reference(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_card *card = make(place, plain), *rebased;
    assert_status(FNAS_ERR_INPUT, fnas_card_rebase(place->context, space, card, write_references(place, space, 15, 10004), &rebased));
    assert_message("is not on its card: measure it (device measure --add --archs-file), or name another");
    assert_null(rebased);
    assert_status(FNAS_ERR_INPUT, fnas_card_rebase(place->context, space, card, write_references(place, space, 3, 4), &rebased));
    assert_message("references 1 and 9 are the same architecture");
    fnas_card_free(card);
    made_card mixed = plain;
    mixed.energy_of_references = true;
    card = make(place, mixed);
    assert_status(FNAS_ERR_INPUT, fnas_card_rebase(place->context, space, card, write_references(place, space, 3, 10004), &rebased));
    assert_message("1 of the ten references have an energy on its card, the others none");
    assert_status(FNAS_OK, fnas_card_rebase(place->context, space, card, write_references(place, space, 3, 15), &rebased));
    assert_null(fnas_card_get(rebased).reference_energy_mj); /* what became a measurement has none, as the others */
    assert_null(fnas_card_get(rebased).measurement_energy_mj);
    fnas_card_free(card);
    fnas_card_free(rebased);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(measurements_are_added), fnas_test(other_devices_are_not_added),
                                       fnas_test(what_the_card_has_is_not_measured_again), fnas_test(a_card_gets_other_references),
                                       fnas_test(what_was_not_measured_is_no_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
