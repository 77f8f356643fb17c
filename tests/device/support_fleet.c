#include "device/support_fleet.h"

#include <math.h>

#include "base/support.h"

#include "base/csv.h"
#include "base/memory.h"
#include "base/random.h"

static const int edge_source[FLEET_DECISIONS] = {0, 0, 1, 0, 1, 2}, edge_target[FLEET_DECISIONS] = {1, 2, 2, 3, 3, 3};

void fleet_counts(const int32_t *choices, bool live, double counts[FLEET_UNKNOWNS]) {
    bool fed[4] = {true, false, false, false}, used[4] = {false, false, false, true};
    for (int e = 0; e < FLEET_DECISIONS; e++) fed[edge_target[e]] |= choices[e] != 0 && fed[edge_source[e]];
    for (int e = FLEET_DECISIONS - 1; e >= 0; e--) used[edge_source[e]] |= choices[e] != 0 && used[edge_target[e]];
    memset(counts, 0, FLEET_UNKNOWNS * sizeof *counts);
    counts[0] = 1.0;
    for (int e = 0; e < FLEET_DECISIONS; e++)
        if (choices[e] != 0 && (!live || (fed[edge_source[e]] && used[edge_target[e]]))) counts[choices[e]] += 1.0;
}

double fleet_true_ms(const fleet_device *device, const int32_t *choices) {
    double counts[FLEET_UNKNOWNS], sum = 0.0;
    fleet_counts(choices, device->drops_dead, counts);
    for (int i = 0; i < FLEET_UNKNOWNS; i++) sum += device->cost[i] * counts[i];
    return sum;
}

static void fleet_open(fnas_context *context, test_fleet *opened, int64_t archs, int64_t devices) {
    *opened = (test_fleet){.context = context, .arch_count = archs, .device_count = devices};
    assert_int_equal(FNAS_OK, fnas_space_open(context, "nb201", &opened->space));
    assert_int_equal(FLEET_REFERENCES, fnas_space_reference_count(opened->space));
    for (int r = 0; r < FLEET_REFERENCES; r++) fnas_space_reference(opened->space, r, opened->references + r * FLEET_DECISIONS);
    opened->archs = fnas_allocate((size_t)(archs * FLEET_DECISIONS), sizeof(int32_t));
    opened->devices = fnas_allocate((size_t)devices, sizeof *opened->devices);
    assert_true(opened->archs && opened->devices);
    for (int64_t d = 0; d < devices; d++) {
        opened->devices[d].latency_ms = fnas_allocate((size_t)archs, sizeof(double));
        assert_non_null(opened->devices[d].latency_ms);
    }
}

static void fleet_view(const test_fleet *fleet, fleet_device *device) {
    device->view = (fnas_card_view){.name = device->name,
                                    .space = fnas_space_spec(fleet->space),
                                    .decision_count = FLEET_DECISIONS,
                                    .reference_count = FLEET_REFERENCES,
                                    .reference_choices = fleet->references,
                                    .reference_latency_ms = device->reference_ms,
                                    .measurement_count = fleet->arch_count,
                                    .measurement_choices = fleet->archs,
                                    .measurement_latency_ms = device->latency_ms};
}

static void fleet_draw_device(test_fleet *fleet, int64_t d, double noise, uint64_t seed) {
    static const double smallest[FLEET_UNKNOWNS] = {0.3, 0.0, 0.05, 0.2, 0.02}, largest[FLEET_UNKNOWNS] = {2.0, 0.03, 0.4, 1.0, 0.5};
    fleet_device *device = &fleet->devices[d];
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, d, 1);
    double scale = exp(2.0 * fnas_random_normal(&random));
    snprintf(device->name, sizeof device->name, "made-up %d", (int)d);
    device->drops_dead = d % 2 != 0;
    for (int i = 0; i < FLEET_UNKNOWNS; i++)
        device->cost[i] = scale * (smallest[i] + (largest[i] - smallest[i]) * fnas_random_uniform(&random));
    for (int r = 0; r < FLEET_REFERENCES; r++)
        device->reference_ms[r] = fleet_true_ms(device, fleet->references + r * FLEET_DECISIONS) *
                                  (1.0 + noise * fnas_random_normal(&random));
    for (int64_t a = 0; a < fleet->arch_count; a++)
        device->latency_ms[a] = fleet_true_ms(device, fleet->archs + a * FLEET_DECISIONS) * (1.0 + noise * fnas_random_normal(&random));
    fleet_view(fleet, device);
}

void fleet_make(fnas_context *context, test_fleet *made, int64_t devices, int64_t archs, double noise, uint64_t seed) {
    fleet_open(context, made, archs, devices);
    for (int64_t a = 0; a < archs; a++) fnas_space_random(made->space, seed, a, made->archs + a * FLEET_DECISIONS);
    for (int64_t d = 0; d < devices; d++) fleet_draw_device(made, d, noise, seed);
}

static fnas_csv *fleet_table(fnas_context *context, const char *folder, const char *name) {
    char path[512];
    fnas_csv *table;
    snprintf(path, sizeof path, "%s/nb201/%s", folder, name);
    assert_int_equal(FNAS_OK, fnas_csv_read(context, path, (size_t)1 << 28, &table));
    return table;
}

static void fleet_read_row(test_fleet *read, const fnas_csv *archs, const fnas_csv *latency, int64_t row, int64_t a) {
    assert_int_equal(FNAS_OK, fnas_space_parse(read->context, read->space, fnas_csv_cell(archs, row, fnas_csv_find_column(archs, "arch")),
                                               read->archs + a * FLEET_DECISIONS));
    for (int64_t d = 0; d < read->device_count; d++)
        assert_int_equal(FNAS_OK, fnas_csv_number(read->context, latency, row, d + 1, &read->devices[d].latency_ms[a]));
}

static void fleet_read_references(test_fleet *read, const fnas_csv *archs, const fnas_csv *latency) {
    int found = 0;
    for (int64_t row = 0; row < fnas_csv_rows(archs); row++) {
        int32_t choices[FLEET_DECISIONS];
        assert_int_equal(
            FNAS_OK, fnas_space_parse(read->context, read->space, fnas_csv_cell(archs, row, fnas_csv_find_column(archs, "arch")), choices));
        for (int r = 0; r < FLEET_REFERENCES; r++) {
            if (memcmp(choices, read->references + r * FLEET_DECISIONS, sizeof choices) != 0) continue;
            found++;
            for (int64_t d = 0; d < read->device_count; d++)
                assert_int_equal(FNAS_OK, fnas_csv_number(read->context, latency, row, d + 1, &read->devices[d].reference_ms[r]));
        }
    }
    assert_int_equal(FLEET_REFERENCES, found);
}

bool fleet_read_tables(fnas_context *context, test_fleet *read, int64_t archs, uint64_t seed) {
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    if (!folder) {
        print_message("skipped: FLEETNAS_TEST_DATA does not name the folder of the shared tables\n");
        return false;
    }
    fnas_csv *names = fleet_table(context, folder, "architectures.csv"), *latency = fleet_table(context, folder, "latency_ms.csv");
    int64_t rows = fnas_csv_rows(names), count = archs > 0 ? archs : rows;
    int64_t *order = fnas_allocate((size_t)rows, sizeof *order);
    assert_non_null(order);
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 2);
    fnas_random_permutation(&random, rows, order);
    fleet_open(context, read, count, fnas_csv_columns(latency) - 1);
    for (int64_t a = 0; a < count; a++) fleet_read_row(read, names, latency, archs > 0 ? order[a] : a, a);
    fleet_read_references(read, names, latency);
    for (int64_t d = 0; d < read->device_count; d++) {
        snprintf(read->devices[d].name, sizeof read->devices[d].name, "%s", fnas_csv_header(latency, d + 1));
        fleet_view(read, &read->devices[d]);
    }
    fnas_free(order);
    fnas_csv_free(names);
    fnas_csv_free(latency);
    return true;
}

void fleet_free(test_fleet *fleet) {
    for (int64_t d = 0; d < fleet->device_count; d++) fnas_free(fleet->devices[d].latency_ms);
    fnas_free(fleet->devices);
    fnas_free(fleet->archs);
    fnas_space_close(fleet->space);
}

const fleet_device *fleet_find(const test_fleet *fleet, const char *name) {
    for (int64_t d = 0; d < fleet->device_count; d++)
        if (strcmp(fleet->devices[d].name, name) == 0) return &fleet->devices[d];
    fail_msg("no device %s", name);
    return NULL;
}
