#include "device/import.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/archs.h"
#include "device/card.h"
#include "device/host.h"

#define NAME_BYTES 128

/* ---- tables ---- */

const char *fnas_import_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void fnas_import_free(fnas_import *import) {
    if (!import) return;
    for (int64_t t = 0; import->tables && t < import->table_count; t++) {
        fnas_import_table *table = &import->tables[t];
        fnas_free(table->path);
        fnas_csv_free(table->csv);
        fnas_free(table->is_key);
        fnas_free(table->list_name);
        fnas_free(table->list);
        fnas_free(table->row_of);
    }
    fnas_free(import->tables);
    fnas_arch_set_free(&import->archs);
    fnas_free(import);
}

fnas_status fnas_import_create(fnas_context *context, const fnas_space *space, const char *format, int64_t table_count,
                               const char *const *paths, fnas_import **import) {
    *import = NULL;
    fnas_import *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "an import");
    made->space = space;
    made->archs.decisions = fnas_space_decision_count(space);
    made->tables = fnas_allocate((size_t)table_count, sizeof *made->tables);
    bool complete = made->tables != NULL;
    if (complete) made->table_count = table_count;
    for (int64_t t = 0; t < table_count && complete; t++) {
        made->tables[t].format = format;
        made->tables[t].path = fnas_strdup(paths[t]);
        complete = made->tables[t].path != NULL;
    }
    if (!complete) {
        fnas_import_free(made);
        return fnas_fail_memory(context, "an import");
    }
    *import = made;
    return FNAS_OK;
}

fnas_status fnas_import_add_row(fnas_context *context, fnas_import *import, fnas_import_table *table, int64_t row, const int32_t *choices,
                                int64_t *earlier) {
    int64_t place;
    FNAS_TRY(fnas_arch_set_add(context, &import->archs, choices, &place));
    void *rows = table->row_of;
    bool grown = fnas_grow(&rows, &table->row_capacity, (size_t)import->archs.count, sizeof *table->row_of);
    table->row_of = rows;
    if (!grown) return fnas_fail_memory(context, table->path);
    while (table->row_of_count < import->archs.count) table->row_of[table->row_of_count++] = -1;
    *earlier = table->row_of[place];
    if (*earlier < 0) table->row_of[place] = row;
    return FNAS_OK;
}

static int64_t row_of(const fnas_import_table *table, int64_t arch) {
    return arch >= 0 && arch < table->row_of_count ? table->row_of[arch] : -1;
}

/* ---- columns ---- */

typedef struct column {
    const fnas_import_table *table;
    int64_t index; /* in its CSV table */
} column;

static const char *column_name(const column *of) {
    return of->table->csv ? fnas_csv_header(of->table->csv, of->index) : of->table->list_name;
}

/* Column number `index` that is no key; table NULL behind the last. */
static column column_at(const fnas_import *import, int64_t index) {
    for (int64_t t = 0; t < import->table_count; t++) {
        const fnas_import_table *table = &import->tables[t];
        int64_t columns = table->csv ? fnas_csv_columns(table->csv) : 1;
        for (int64_t c = 0; c < columns; c++) {
            bool counts = !table->csv || !table->is_key[c];
            if (counts && index-- == 0) return (column){table, c};
        }
    }
    return (column){0};
}

int64_t fnas_import_arch_count(const fnas_import *import) {
    return import->archs.count;
}

int64_t fnas_import_column_count(const fnas_import *import) {
    int64_t count = 0;
    while (column_at(import, count).table) count++;
    return count;
}

const char *fnas_import_column(const fnas_import *import, int64_t index) {
    column found = column_at(import, index);
    return found.table ? column_name(&found) : NULL;
}

static fnas_status fail_missing_column(fnas_context *context, const fnas_import *import, const char *name) {
    int64_t count = fnas_import_column_count(import);
    const char **names = fnas_allocate((size_t)count + 1, sizeof *names);
    if (!names) return fnas_fail_memory(context, name);
    for (int64_t i = 0; i < count; i++) names[i] = fnas_import_column(import, i);
    const char *near = fnas_suggest(name, names);
    fnas_free(names);
    const char *path = import->table_count ? import->tables[0].path : "no table",
               *more = import->table_count > 1 ? " and the other tables" : "";
    if (near) return fnas_fail(context, FNAS_ERR_INPUT, "%s%s: column \"%s\" is missing: did \"%s\" mean it?", path, more, name, near);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s%s: column \"%s\" is missing", path, more, name);
}

static fnas_status find_in_table(fnas_context *context, const fnas_import_table *table, const char *name, column *found) {
    int64_t index = table->csv ? fnas_csv_find_column(table->csv, name) : strcmp(table->list_name, name) == 0 ? 0 : -1;
    if (index < 0 || (table->csv && table->is_key[index])) return FNAS_OK;
    if (found->table)
        return fnas_fail(context, FNAS_ERR_INPUT, "column \"%s\" is in %s and in %s: it is not clear which is meant", name,
                         found->table->path, table->path);
    *found = (column){table, index};
    return FNAS_OK;
}

static fnas_status find_column(fnas_context *context, const fnas_import *import, const char *name, column *found) {
    *found = (column){0};
    for (int64_t t = 0; t < import->table_count; t++) FNAS_TRY(find_in_table(context, &import->tables[t], name, found));
    return found->table ? FNAS_OK : fail_missing_column(context, import, name);
}

/* ---- units ---- */

static const struct {
    const char *ending, *unit;
} units[] = {
    {"ns", "nanoseconds"}, {"us", "microseconds"}, {"usec", "microseconds"}, {"ms", "milliseconds"},     {"msec", "milliseconds"},
    {"s", "seconds"},      {"sec", "seconds"},     {"seconds", "seconds"},   {"fps", "images a second"}, {"uj", "microjoules"},
    {"mj", "millijoules"}, {"j", "joules"},        {"joules", "joules"},     {"wh", "watt-hours"},       {"mwh", "milliwatt-hours"},
    {"w", "watts"},        {"mw", "milliwatts"},   {"pct", "percent"},       {"million", "millions"},    {"bytes", "bytes"},
    {"mb", "megabytes"},
};

/* Whether a name ends in a word: latency_us, "latency (us)", latency.us. *length is that of what stands before. */
static bool ends_in(const char *name, const char *word, size_t *length) {
    size_t size = strlen(name), wanted = strlen(word);
    if (size && strchr(")]", name[size - 1])) size--;
    if (size < wanted + 2 || strncasecmp(name + size - wanted, word, wanted) != 0 || !strchr("_ ([.-", name[size - wanted - 1]))
        return false;
    *length = size - wanted - 1;
    return true;
}

/* A number does not tell its unit, and a card of seconds looks like a card of a fast device: the name is all there is to go by. */
static fnas_status check_unit(fnas_context *context, const column *of, const char *wanted) {
    const char *name = column_name(of);
    size_t ignored;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!ends_in(name, units[i].ending, &ignored) || strcmp(units[i].unit, wanted) == 0) continue;
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s: column \"%s\" seems to be in %s (its name ends in \"%s\"), %s are needed: convert it, or rename it where the name "
            "misleads",
            of->table->path, name, units[i].unit, units[i].ending, wanted);
    }
    return FNAS_OK;
}

/* ---- values ---- */

/* `what` is "a latency" or "an energy". */
static fnas_status read_value(fnas_context *context, const column *of, int64_t row, const char *what, double *value) {
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
                     (long long)fnas_csv_line(table->csv, row), column_name(of), *value, what);
}

fnas_status fnas_import_values(fnas_context *context, const fnas_import *import, const char *name, double *values) {
    column of;
    FNAS_TRY(find_column(context, import, name, &of));
    for (int64_t arch = 0; arch < import->archs.count; arch++) {
        int64_t row = row_of(of.table, arch);
        values[arch] = (double)NAN;
        if (row < 0) continue;
        if (of.table->csv)
            FNAS_TRY(fnas_csv_number(context, of.table->csv, row, of.index, &values[arch]));
        else
            values[arch] = of.table->list[row];
    }
    return FNAS_OK;
}

/* ---- the card ---- */

typedef struct card_maker {
    fnas_context *context;
    const fnas_import *import;
    const fnas_import_device *device;
    char name[NAME_BYTES];
    column latency, energy; /* energy.table NULL: none */
    int32_t *references;    /* [FNAS_CARD_REFERENCES][decisions] */
} card_maker;

/* "pi5_latency_ms" is the device pi5. */
static fnas_status choose_name(card_maker *maker) {
    const char *name = maker->device->name ? maker->device->name : maker->device->latency_column;
    size_t length = strlen(name);
    if (!maker->device->name && !ends_in(name, "latency_ms", &length)) (void)ends_in(name, "ms", &length);
    snprintf(maker->name, sizeof maker->name, "%.*s", (int)(length < NAME_BYTES ? length : NAME_BYTES - 1), name);
    return fnas_card_check_name(maker->context, maker->name);
}

/* The values of an architecture; the latency's table must have it. */
static fnas_status read_arch_values(const card_maker *maker, int64_t arch, const char *text, double *latency_ms, double *energy_mj) {
    int64_t row = row_of(maker->latency.table, arch);
    FNAS_TRY(read_value(maker->context, &maker->latency, row, "a latency", latency_ms));
    if (!maker->energy.table) return FNAS_OK;
    row = row_of(maker->energy.table, arch);
    if (row >= 0) return read_value(maker->context, &maker->energy, row, "an energy", energy_mj);
    return fnas_fail(maker->context, FNAS_ERR_INPUT, "%s has no row for %s, which has a latency in %s: give the energy of all or of none",
                     maker->energy.table->path, text, maker->latency.table->path);
}

static fnas_status format_arch(const card_maker *maker, const int32_t *choices, char text[FNAS_ARCH_TEXT_BYTES]) {
    return fnas_space_format(maker->context, maker->import->space, choices, text, FNAS_ARCH_TEXT_BYTES);
}

static fnas_status add_references(const card_maker *maker, json_t *root) {
    json_t *archs = json_array(), *latencies = json_array(), *energies = maker->energy.table ? json_array() : NULL;
    json_t *reference = json_pack("{s:o,s:o,s:o*}", "arch", archs, "latency_ms", latencies, "energy_mj", energies);
    if (!reference || json_object_set_new(root, "reference", reference)) return fnas_fail_memory(maker->context, maker->name);
    for (int64_t i = 0; i < FNAS_CARD_REFERENCES; i++) {
        const int32_t *choices = maker->references + i * maker->import->archs.decisions;
        char text[FNAS_ARCH_TEXT_BYTES];
        double latency_ms, energy_mj = NAN;
        FNAS_TRY(format_arch(maker, choices, text));
        int64_t arch = fnas_arch_set_find(&maker->import->archs, choices);
        if (row_of(maker->latency.table, arch) < 0)
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
    json_t *rows = maker->device->reference_only ? NULL : json_array();
    if (rows && json_object_set_new(root, "measurements", rows)) return fnas_fail_memory(maker->context, maker->name);
    for (int64_t arch = 0; arch < maker->import->archs.count; arch++) {
        if (row_of(maker->latency.table, arch) < 0) continue;
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
                                 fnas_import_base_name(maker->latency.table->path), "column", column_name(&maker->latency));
    if (protocol && maker->energy.table) {
        json_object_set_new(protocol, "energy_table", json_string(fnas_import_base_name(maker->energy.table->path)));
        json_object_set_new(protocol, "energy_column", json_string(column_name(&maker->energy)));
    }
    return protocol;
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
    FNAS_TRY(find_column(context, maker->import, maker->device->latency_column, &maker->latency));
    FNAS_TRY(check_unit(context, &maker->latency, "milliseconds"));
    if (!maker->device->energy_column) return FNAS_OK;
    FNAS_TRY(find_column(context, maker->import, maker->device->energy_column, &maker->energy));
    return check_unit(context, &maker->energy, "millijoules");
}

/* Every (rows / 10)-th row, as the reference implementation of MODNAS chooses HAT's, whose devices have no architectures in common. */
static fnas_status take_references_from_table(const card_maker *maker) {
    const fnas_import_table *table = maker->latency.table;
    int64_t decisions = maker->import->archs.decisions, rows = 0, taken = 0;
    for (int64_t arch = 0; arch < maker->import->archs.count; arch++) rows += row_of(table, arch) >= 0;
    if (rows < FNAS_CARD_REFERENCES)
        return fnas_fail(maker->context, FNAS_ERR_INPUT, "%s has %lld architectures, %d are needed as references", table->path,
                         (long long)rows, FNAS_CARD_REFERENCES);
    for (int64_t arch = 0, seen = 0; arch < maker->import->archs.count && taken < FNAS_CARD_REFERENCES; arch++) {
        if (row_of(table, arch) < 0 || seen++ != taken * (rows / FNAS_CARD_REFERENCES)) continue;
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
