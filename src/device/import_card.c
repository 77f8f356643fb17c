/* The card of one device, from columns of tables. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "device/archs.h"
#include "device/card.h"
#include "device/host.h"
#include "device/import.h"
#include "device/import_units.h"

#define NAME_BYTES 128

/* `what` is "a latency" or "an energy". */
static fnas_status read_value(fnas_context *context, const fnas_import_source *of, int64_t row, const char *what, double *value) {
    const fnas_import_table *table = of->table;
    if (table->csv)
        FNAS_TRY(fnas_csv_number(context, table->csv, row, of->index, value));
    else
        *value = table->list[row];
    if (isfinite(*value) && *value > 0) return FNAS_OK;
    if (!table->csv)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: entry %lld is %g, %s is finite and above 0", table->path, (long long)row, *value,
                         what);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is %g, %s is finite and above 0", table->path,
                     (long long)fnas_csv_line(table->csv, row), fnas_import_source_name(of), *value, what);
}

typedef struct card_maker {
    fnas_context *context;
    const fnas_import *import;
    const fnas_import_device *device;
    char name[NAME_BYTES];
    fnas_import_source latency, energy; /* energy.table NULL: none */
    int32_t *references;                /* [FNAS_CARD_REFERENCES][decisions] */
} card_maker;

size_t fnas_import_name_bytes(const char *latency_column) {
    static const char *const endings[] = {"latency_ms", "ms"};
    size_t length = strlen(latency_column);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (fnas_import_ends_in(latency_column, endings[i], &length)) break;
    return length;
}

static fnas_status choose_name(card_maker *maker) {
    const char *name = maker->device->name ? maker->device->name : maker->device->latency_column;
    size_t length = maker->device->name ? strlen(name) : fnas_import_name_bytes(name);
    snprintf(maker->name, sizeof maker->name, "%.*s", (int)(length < NAME_BYTES ? length : NAME_BYTES - 1), name);
    return fnas_card_check_name(maker->context, maker->name);
}

/* The values of an architecture; the latency's table must have it. */
static fnas_status read_arch_values(const card_maker *maker, int64_t arch, const char *text, double *latency_ms, double *energy_mj) {
    int64_t row = fnas_import_row_of(maker->latency.table, arch);
    FNAS_TRY(read_value(maker->context, &maker->latency, row, "a latency", latency_ms));
    if (!maker->energy.table) return FNAS_OK;
    row = fnas_import_row_of(maker->energy.table, arch);
    if (row >= 0) return read_value(maker->context, &maker->energy, row, "an energy", energy_mj);
    return fnas_fail(maker->context, FNAS_ERR_INPUT, "%s has no row for %s, which has a latency in %s: give the energy of all or of none",
                     maker->energy.table->path, text, maker->latency.table->path);
}

static fnas_status format_arch(const card_maker *maker, const int32_t *choices, char text[FNAS_ARCH_TEXT_BYTES]) {
    return fnas_space_format(maker->context, maker->import->space, choices, text, FNAS_ARCH_TEXT_BYTES);
}

/* An empty array under this key, kept by the object; NULL when out of memory. */
static json_t *add_array(json_t *object, const char *key) {
    json_t *array = json_array();
    return json_object_set_new(object, key, array) ? NULL : array; /* no array is not set either */
}

static fnas_status add_references(const card_maker *maker, json_t *root) {
    json_t *reference = json_object();
    if (json_object_set_new(root, "reference", reference)) return fnas_fail_memory(maker->context, maker->name);
    json_t *archs = add_array(reference, "arch"), *latencies = add_array(reference, "latency_ms");
    json_t *energies = maker->energy.table ? add_array(reference, "energy_mj") : NULL;
    if (!archs || !latencies || !energies != !maker->energy.table) return fnas_fail_memory(maker->context, maker->name);
    for (int64_t i = 0; i < FNAS_CARD_REFERENCES; i++) {
        const int32_t *choices = maker->references + i * maker->import->archs.decisions;
        char text[FNAS_ARCH_TEXT_BYTES];
        double latency_ms, energy_mj = NAN;
        FNAS_TRY(format_arch(maker, choices, text));
        int64_t arch = fnas_arch_set_find(&maker->import->archs, choices);
        if (fnas_import_row_of(maker->latency.table, arch) < 0)
            return fnas_fail(maker->context, FNAS_ERR_INPUT,
                             "%s has no row for the reference architecture %s: add it, or name ten others that are there (--references)",
                             maker->latency.table->path, text);
        FNAS_TRY(read_arch_values(maker, arch, text, &latency_ms, &energy_mj));
        bool failed = json_array_append_new(archs, json_string(text)) || json_array_append_new(latencies, json_real(latency_ms)) ||
                      (energies && json_array_append_new(energies, json_real(energy_mj)));
        if (failed) return fnas_fail_memory(maker->context, maker->name);
    }
    return FNAS_OK;
}

/* All rows are read and checked also where only the references are kept: a table with a wrong row is not to be trusted. */
static fnas_status add_measurements(const card_maker *maker, json_t *root) {
    json_t *rows = maker->device->reference_only ? NULL : add_array(root, "measurements");
    if (!rows && !maker->device->reference_only) return fnas_fail_memory(maker->context, maker->name);
    for (int64_t arch = 0; arch < maker->import->archs.count; arch++) {
        if (fnas_import_row_of(maker->latency.table, arch) < 0) continue;
        char text[FNAS_ARCH_TEXT_BYTES];
        double latency_ms, energy_mj = NAN;
        FNAS_TRY(format_arch(maker, fnas_arch_set_at(&maker->import->archs, arch), text));
        FNAS_TRY(read_arch_values(maker, arch, text, &latency_ms, &energy_mj));
        if (!rows) continue;
        json_t *row = maker->energy.table ? json_pack("{s:s,s:f,s:f}", "arch", text, "latency_ms", latency_ms, "energy_mj", energy_mj)
                                          : json_pack("{s:s,s:f}", "arch", text, "latency_ms", latency_ms);
        if (!row || json_array_append_new(rows, row)) return fnas_fail_memory(maker->context, maker->name);
    }
    return FNAS_OK;
}

static const char *or_unknown(const char *text) {
    return text ? text : "unknown";
}

/* Of a path only the last part: where a file lay is nobody's business. */
static json_t *json_of_protocol(const card_maker *maker) {
    json_t *protocol = json_pack("{s:s,s:s,s:s}", "format", maker->latency.table->format, "table",
                                 fnas_import_base_name(maker->latency.table->path), "column", fnas_import_source_name(&maker->latency));
    if (!protocol || !maker->energy.table) return protocol;
    bool failed = json_object_set_new(protocol, "energy_table", json_string(fnas_import_base_name(maker->energy.table->path))) ||
                  json_object_set_new(protocol, "energy_column", json_string(fnas_import_source_name(&maker->energy)));
    if (!failed) return protocol;
    json_decref(protocol);
    return NULL;
}

static json_t *json_of_description(const card_maker *maker) {
    const fnas_import_device *device = maker->device;
    char date[64];
    fnas_host_date(date, sizeof date);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:o,s:s}", "format", FNAS_CARD_FORMAT, "name", maker->name, "space",
                     fnas_space_spec(maker->import->space), "runtime", or_unknown(device->runtime), "runtime_version",
                     or_unknown(device->runtime_version), "processor", or_unknown(device->processor), "governor", "unknown", "precision",
                     or_unknown(device->precision), "isa", or_unknown(device->isa), "batch",
                     (json_int_t)(device->batch ? device->batch : 1), "threads", (json_int_t)(device->threads ? device->threads : 1),
                     "date", date, "protocol", json_of_protocol(maker), "statistic", "imported");
}

static fnas_status find_columns(card_maker *maker) {
    fnas_context *context = maker->context;
    if (!maker->device->latency_column) return fnas_fail(context, FNAS_ERR_USAGE, "a device needs a column with its latencies");
    FNAS_TRY(fnas_import_find(context, maker->import, maker->device->latency_column, "milliseconds", &maker->latency));
    if (!maker->device->energy_column) return FNAS_OK;
    return fnas_import_find(context, maker->import, maker->device->energy_column, "millijoules", &maker->energy);
}

/* Every (rows / 10)-th row, as the reference implementation of MODNAS chooses HAT's, whose devices have no architectures in common. */
static fnas_status take_references_from_table(const card_maker *maker) {
    const fnas_import_table *table = maker->latency.table;
    int64_t decisions = maker->import->archs.decisions, rows = 0, taken = 0;
    for (int64_t arch = 0; arch < maker->import->archs.count; arch++) rows += fnas_import_row_of(table, arch) >= 0;
    if (rows < FNAS_CARD_REFERENCES)
        return fnas_fail(maker->context, FNAS_ERR_INPUT, "%s has %lld architectures, %d are needed as references", table->path,
                         (long long)rows, FNAS_CARD_REFERENCES);
    for (int64_t arch = 0, seen = 0; arch < maker->import->archs.count && taken < FNAS_CARD_REFERENCES; arch++) {
        if (fnas_import_row_of(table, arch) < 0 || seen++ != taken * (rows / FNAS_CARD_REFERENCES)) continue;
        memcpy(maker->references + taken++ * decisions, fnas_arch_set_at(&maker->import->archs, arch), (size_t)decisions * sizeof(int32_t));
    }
    return FNAS_OK;
}

static fnas_status choose_references(const card_maker *maker) {
    const fnas_import_device *device = maker->device;
    if (device->references && device->references_from_table)
        return fnas_fail(maker->context, FNAS_ERR_USAGE, "references from a file and from the table: choose one");
    if (device->references_from_table) return take_references_from_table(maker);
    return fnas_archs_references(maker->context, maker->import->space, device->references, maker->references);
}

static fnas_status make_card(card_maker *maker, fnas_card **card) {
    FNAS_TRY(find_columns(maker));
    FNAS_TRY(choose_name(maker));
    maker->references = fnas_allocate((size_t)(FNAS_CARD_REFERENCES * maker->import->archs.decisions), sizeof *maker->references);
    if (!maker->references) return fnas_fail_memory(maker->context, maker->name);
    FNAS_TRY(choose_references(maker));
    json_t *root = json_of_description(maker);
    if (!root)
        return fnas_fail(maker->context, FNAS_ERR_INPUT, "device %s: a card cannot be made: are its texts, file and column valid UTF-8?",
                         maker->name);
    fnas_status status = add_references(maker, root);
    if (status == FNAS_OK) status = add_measurements(maker, root);
    if (status == FNAS_OK) return fnas_card_from_json(maker->context, maker->name, root, card);
    json_decref(root);
    return status;
}

fnas_status fnas_import_card(fnas_context *context, const fnas_import *import, const fnas_import_device *device, fnas_card **card) {
    *card = NULL;
    card_maker maker = {.context = context, .import = import, .device = device};
    fnas_status status = make_card(&maker, card);
    fnas_free(maker.references);
    return status;
}
