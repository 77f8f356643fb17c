/* HAT's tables of latencies: one row a sub-transformer, one or more devices a file (Wang et al. 2020,
 * github.com/mit-han-lab/hardware-aware-transformers, latency_dataset.py). */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/import.h"
#include "space/space.h"

/* Averages are written in as many digits as their writer liked; two different ones of ten layers differ by a hundredth. */
#define FEATURE_TOLERANCE 1e-5
#define AVERAGES_MAX 16
#define WHERE_BYTES 4200

static const char *const latency_columns[] = {"latency_mean_encoder", "latency_mean_decoder"};
static const char *const deviation_columns[] = {"latency_std_encoder", "latency_std_decoder"};

typedef struct hat_reader {
    fnas_context *context;
    const fnas_space *space;
    const char *path;
    fnas_csv *csv;
    fnas_arch_columns columns;
    int64_t latency[2], deviation[2]; /* columns; a deviation's is -1 where there is none */
    int64_t device, task;             /* columns, or -1 */
    int64_t averages[AVERAGES_MAX];   /* columns, where the space takes rows of averages; average_count is 0 where it takes none */
    int64_t average_count;
    int32_t *choices; /* [decisions] */
    fnas_import *import;
    size_t table_capacity;
} hat_reader;

static long long line_of(const hat_reader *reader, int64_t row) {
    return fnas_csv_line(reader->csv, row);
}

static fnas_status find_averages(hat_reader *reader) {
    const char *const *names = reader->space->type->average_names();
    for (reader->average_count = 0; names[reader->average_count] && reader->average_count < AVERAGES_MAX; reader->average_count++)
        FNAS_TRY(fnas_csv_column(reader->context, reader->csv, names[reader->average_count], &reader->averages[reader->average_count]));
    if (fnas_csv_rows(reader->csv) > 0) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: a header and no row: a table needs some", reader->path);
}

static fnas_status find_columns(hat_reader *reader) {
    for (int i = 0; i < 2; i++) {
        FNAS_TRY(fnas_csv_column(reader->context, reader->csv, latency_columns[i], &reader->latency[i]));
        reader->deviation[i] = fnas_csv_find_column(reader->csv, deviation_columns[i]);
    }
    reader->device = fnas_csv_find_column(reader->csv, "device");
    reader->task = fnas_csv_find_column(reader->csv, "task");
    if (reader->space->type->average_names) return find_averages(reader);
    const fnas_arch_key_policy policy = {.decisions_only = true, .tolerance = FEATURE_TOLERANCE};
    fnas_status status = fnas_arch_columns_find(reader->context, reader->space, reader->path, reader->csv, &policy, &reader->columns);
    if (!reader->columns.missing) return status;
    return fnas_fail(
        reader->context, FNAS_ERR_INPUT,
        "%s:1: no column \"%s\", which is a decision of the space %s: HAT's rows hold averages over layers, and a card can hold "
        "them only on the space transformer, or on one whose decisions are these features",
        reader->path, reader->columns.missing, fnas_space_name(reader->space));
}

/* ---- one table a device ---- */

/* "cpu_xeon", or the file's name without its ending. */
static char *device_name(const hat_reader *reader, int64_t row) {
    if (reader->device >= 0) return fnas_strdup(fnas_csv_cell(reader->csv, row, reader->device));
    char *name = fnas_strdup(fnas_import_base_name(reader->path));
    char *ending = name ? strrchr(name, '.') : NULL;
    if (ending && ending != name) *ending = '\0';
    return name;
}

static fnas_import_table *find_table(const hat_reader *reader, const char *name) {
    for (int64_t t = 0; t < reader->import->table_count; t++)
        if (strcmp(reader->import->tables[t].list_name, name) == 0) return &reader->import->tables[t];
    return NULL;
}

static fnas_status add_table(hat_reader *reader, const char *name, fnas_import_table **table) {
    fnas_import *import = reader->import;
    void *tables = import->tables;
    bool grown = fnas_grow(&tables, &reader->table_capacity, (size_t)import->table_count + 1, sizeof *import->tables);
    import->tables = tables;
    if (!grown) return fnas_fail_memory(reader->context, reader->path);
    *table = &import->tables[import->table_count];
    **table = (fnas_import_table){.format = "hat", .path = fnas_strdup(reader->path), .list_name = fnas_strdup(name)};
    import->table_count++;
    return (*table)->path && (*table)->list_name ? FNAS_OK : fnas_fail_memory(reader->context, reader->path);
}

static fnas_status table_of_row(hat_reader *reader, int64_t row, fnas_import_table **table) {
    char *name = device_name(reader, row);
    if (!name) return fnas_fail_memory(reader->context, reader->path);
    *table = find_table(reader, name);
    fnas_status status = FNAS_OK;
    if (*table && strcmp((*table)->path, reader->path) != 0)
        status = fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: the device %s is in %s too: give one of the files", reader->path,
                           line_of(reader, row), name, (*table)->path);
    else if (!*table)
        status = add_table(reader, name, table);
    fnas_free(name);
    return status;
}

/* ---- rows ---- */

static fnas_status read_part(const hat_reader *reader, int64_t row, int part, double *latency_ms) {
    double deviation = 0;
    FNAS_TRY(fnas_csv_number(reader->context, reader->csv, row, reader->latency[part], latency_ms));
    if (*latency_ms <= 0)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is %g, a latency is finite and above 0", reader->path,
                         line_of(reader, row), latency_columns[part], *latency_ms);
    if (reader->deviation[part] < 0) return FNAS_OK;
    FNAS_TRY(fnas_csv_number(reader->context, reader->csv, row, reader->deviation[part], &deviation));
    if (deviation >= 0) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is %g, a standard deviation is not negative", reader->path,
                     line_of(reader, row), deviation_columns[part], deviation);
}

static fnas_status check_task(const hat_reader *reader, int64_t row) {
    if (reader->task < 0 || strcmp(fnas_csv_cell(reader->csv, row, reader->task), fnas_csv_cell(reader->csv, 0, reader->task)) == 0)
        return FNAS_OK;
    return fnas_fail(
        reader->context, FNAS_ERR_INPUT,
        "%s:%lld: the task is \"%.80s\", in line %lld it is \"%.80s\": their spaces and sentences differ, give a file for each",
        reader->path, line_of(reader, row), fnas_csv_cell(reader->csv, row, reader->task), line_of(reader, 0),
        fnas_csv_cell(reader->csv, 0, reader->task));
}

static fnas_status add_latency(const hat_reader *reader, fnas_import_table *table, double latency_ms, int64_t *entry) {
    void *list = table->list;
    bool grown = fnas_grow(&list, &table->list_capacity, (size_t)table->list_count + 1, sizeof *table->list);
    table->list = list;
    if (!grown) return fnas_fail_memory(reader->context, reader->path);
    *entry = table->list_count;
    table->list[table->list_count++] = latency_ms;
    return FNAS_OK;
}

static fnas_status read_averages(hat_reader *reader, int64_t row) {
    double averages[AVERAGES_MAX];
    char where[WHERE_BYTES];
    for (int64_t i = 0; i < reader->average_count; i++)
        FNAS_TRY(fnas_csv_number(reader->context, reader->csv, row, reader->averages[i], &averages[i]));
    snprintf(where, sizeof where, "%s:%lld", reader->path, line_of(reader, row));
    return reader->space->type->average_row(reader->context, reader->space, where, averages, reader->choices);
}

static fnas_status read_arch(hat_reader *reader, int64_t row) {
    return reader->average_count ? read_averages(reader, row)
                                 : fnas_arch_columns_read(reader->context, &reader->columns, row, reader->choices);
}

static fnas_status read_row(hat_reader *reader, int64_t row) {
    fnas_import_table *table = NULL;
    double encoder_ms, decoder_ms;
    int64_t entry = 0, earlier;
    FNAS_TRY(check_task(reader, row));
    FNAS_TRY(read_part(reader, row, 0, &encoder_ms));
    FNAS_TRY(read_part(reader, row, 1, &decoder_ms));
    FNAS_TRY(read_arch(reader, row));
    FNAS_TRY(table_of_row(reader, row, &table));
    FNAS_TRY(add_latency(reader, table, encoder_ms + decoder_ms, &entry));
    FNAS_TRY(fnas_import_add_row(reader->context, reader->import, table, entry, reader->choices, &earlier));
    if (earlier < 0) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: the same features stand already in row %lld of %s: keep one of them",
                     reader->path, line_of(reader, row), (long long)earlier + 1, table->list_name);
}

static fnas_status read_file(hat_reader *reader) {
    FNAS_TRY(fnas_csv_read(reader->context, reader->path, FNAS_ARCH_CSV_LIMIT_BYTES, &reader->csv));
    FNAS_TRY(find_columns(reader));
    for (int64_t row = 0; row < fnas_csv_rows(reader->csv); row++) FNAS_TRY(read_row(reader, row));
    return FNAS_OK;
}

static fnas_status read_files(hat_reader *reader, int64_t count, const char *const *paths) {
    reader->choices = fnas_allocate((size_t)fnas_space_decision_count(reader->space), sizeof *reader->choices);
    if (!reader->choices) return fnas_fail_memory(reader->context, "a table");
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        reader->path = paths[i];
        status = read_file(reader);
        fnas_arch_columns_free(&reader->columns);
        fnas_csv_free(reader->csv);
        reader->csv = NULL;
    }
    return status;
}

fnas_status fnas_import_open_hat(fnas_context *context, const fnas_space *space, int64_t table_count, const char *const *tables,
                                 fnas_import **import) {
    hat_reader reader = {.context = context, .space = space};
    *import = NULL;
    FNAS_TRY(fnas_import_create(context, space, "hat", 0, NULL, &reader.import));
    fnas_status status = read_files(&reader, table_count, tables);
    fnas_free(reader.choices);
    if (status == FNAS_OK)
        *import = reader.import;
    else
        fnas_import_free(reader.import);
    return status;
}
