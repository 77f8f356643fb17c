/* CSV tables of latencies: which architecture each row is. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/import.h"
#include "device/import_decisions.h"

typedef enum row_key { BY_ARCH, BY_INDEX, BY_DECISIONS } row_key;

typedef struct csv_reader {
    fnas_context *context;
    const fnas_space *space;
    fnas_import *import;
    fnas_import_table *table;
    row_key key;
    int64_t key_column;              /* of BY_ARCH and BY_INDEX */
    fnas_import_decisions decisions; /* of BY_DECISIONS */
    const fnas_import_index *index;  /* NULL where no table was given */
    int32_t *choices;                /* [decisions] */
} csv_reader;

/* ---- which columns tell the architecture ---- */

/* The first of a table's columns "arch", "arch_index" and "index", -1 where it has none. All are no devices, whichever is used. */
static int64_t find_name(fnas_import_table *table, row_key *key) {
    static const struct {
        const char *name;
        row_key key;
    } names[] = {{"arch", BY_ARCH}, {"arch_index", BY_INDEX}, {"index", BY_INDEX}};
    int64_t first = -1;
    for (size_t i = sizeof names / sizeof *names; i-- > 0;) {
        int64_t column = fnas_csv_find_column(table->csv, names[i].name);
        if (column < 0) continue;
        table->is_key[column] = true;
        first = column;
        *key = names[i].key;
    }
    return first;
}

/* Indices that nobody explains are passed over where the decisions stand beside them. */
static fnas_status find_key(csv_reader *reader) {
    fnas_import_table *table = reader->table;
    const char *missing;
    reader->key_column = find_name(table, &reader->key);
    if (reader->key_column >= 0 && (reader->key == BY_ARCH || reader->index)) return FNAS_OK;
    FNAS_TRY(fnas_import_decisions_find(reader->context, reader->space, table->path, table->csv, 0, &reader->decisions, &missing));
    if (!missing) {
        reader->key = BY_DECISIONS;
        for (int64_t d = 0; d < fnas_space_decision_count(reader->space); d++) table->is_key[reader->decisions.columns[d]] = true;
        return FNAS_OK;
    }
    if (reader->key_column >= 0)
        return fnas_fail(reader->context, FNAS_ERR_USAGE,
                         "%s has indices and no column \"arch\": give a table that says which architecture each index is (--archs)",
                         table->path);
    return fnas_fail(
        reader->context, FNAS_ERR_INPUT,
        "%s:1: no column tells which architecture a row is: name one \"arch\" (native strings of %s) or \"arch_index\", or have "
        "one for each decision (\"%s\" is missing)",
        table->path, fnas_space_name(reader->space), missing);
}

/* ---- rows ---- */

static fnas_status read_indexed(const csv_reader *reader, int64_t row) {
    const fnas_csv *csv = reader->table->csv;
    const char *cell = fnas_csv_cell(csv, row, reader->key_column);
    long long line = fnas_csv_line(csv, row);
    int64_t number;
    if (!fnas_parse_int64(cell, &number))
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is \"%.80s\", it must be a whole number", reader->table->path,
                         line, fnas_csv_header(csv, reader->key_column), cell);
    const fnas_import_index *index = reader->index;
    if (number < 0 || number >= index->size || index->arch_of[number] < 0)
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s:%lld: \"%s\" is %lld, the table of architectures has no such index (its indices are 0 to %lld)",
                         reader->table->path, line, fnas_csv_header(csv, reader->key_column), (long long)number,
                         (long long)index->size - 1);
    const int32_t *found = fnas_arch_set_at(&index->archs, index->arch_of[number]);
    memcpy(reader->choices, found, (size_t)index->archs.decisions * sizeof *found);
    return FNAS_OK;
}

static fnas_status read_arch(const csv_reader *reader, int64_t row) {
    if (reader->key == BY_INDEX) return read_indexed(reader, row);
    if (reader->key == BY_DECISIONS) return fnas_import_decisions_read(reader->context, &reader->decisions, row, reader->choices);
    const char *cell = fnas_csv_cell(reader->table->csv, row, reader->key_column);
    fnas_status status = fnas_space_parse(reader->context, reader->space, cell, reader->choices);
    if (status == FNAS_OK) return FNAS_OK;
    return fnas_fail_prefix(reader->context, status, "%s:%lld", reader->table->path, (long long)fnas_csv_line(reader->table->csv, row));
}

static fnas_status read_rows(const csv_reader *reader) {
    fnas_import_table *table = reader->table;
    for (int64_t row = 0; row < fnas_csv_rows(table->csv); row++) {
        int64_t earlier;
        FNAS_TRY(read_arch(reader, row));
        FNAS_TRY(fnas_import_add_row(reader->context, reader->import, table, row, reader->choices, &earlier));
        if (earlier >= 0)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: the architecture stands already in line %lld: keep one of them",
                             table->path, (long long)fnas_csv_line(table->csv, row), (long long)fnas_csv_line(table->csv, earlier));
    }
    return FNAS_OK;
}

/* ---- tables ---- */

static fnas_status read_table(csv_reader *reader, bool *index_used) {
    fnas_import_table *table = reader->table;
    FNAS_TRY(fnas_csv_read(reader->context, table->path, FNAS_IMPORT_CSV_LIMIT_BYTES, &table->csv));
    table->is_key = fnas_allocate((size_t)fnas_csv_columns(table->csv), sizeof *table->is_key);
    if (!table->is_key) return fnas_fail_memory(reader->context, table->path);
    fnas_import_decisions_free(&reader->decisions); /* of the table before */
    FNAS_TRY(find_key(reader));
    *index_used |= reader->key == BY_INDEX;
    return read_rows(reader);
}

static fnas_status read_tables(csv_reader *reader, const char *archs) {
    size_t decisions = (size_t)fnas_space_decision_count(reader->space);
    bool index_used = false;
    reader->choices = fnas_allocate(decisions, sizeof *reader->choices);
    if (!reader->choices) return fnas_fail_memory(reader->context, "a table");
    for (int64_t t = 0; t < reader->import->table_count; t++) {
        reader->table = &reader->import->tables[t];
        FNAS_TRY(read_table(reader, &index_used));
    }
    if (index_used || !archs) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_USAGE, "%s has no use: every table tells its architectures itself: leave it out", archs);
}

fnas_status fnas_import_open_csv(fnas_context *context, const fnas_space *space, int64_t table_count, const char *const *tables,
                                 const char *archs, fnas_import **import) {
    fnas_import_index index = {0};
    *import = NULL;
    if (archs) FNAS_TRY(fnas_import_index_read(context, space, archs, &index));
    csv_reader reader = {.context = context, .space = space, .index = archs ? &index : NULL};
    fnas_status status = fnas_import_create(context, space, "csv", table_count, tables, &reader.import);
    if (status == FNAS_OK) status = read_tables(&reader, archs);
    fnas_free(reader.choices);
    fnas_import_decisions_free(&reader.decisions);
    fnas_import_index_free(&index);
    if (status == FNAS_OK)
        *import = reader.import;
    else
        fnas_import_free(reader.import);
    return status;
}
