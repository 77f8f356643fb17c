/* CSV tables of latencies: which architecture each row is. */
#include "base/memory.h"
#include "device/import.h"

typedef struct csv_reader {
    fnas_context *context;
    const fnas_space *space;
    fnas_import *import;
    fnas_import_table *table;
    fnas_arch_columns columns;
    const fnas_arch_index *index; /* NULL where no table was given */
    int32_t *choices;             /* [decisions] */
} csv_reader;

static fnas_status find_key(csv_reader *reader) {
    fnas_import_table *table = reader->table;
    const fnas_arch_key_policy policy = {.index = reader->index};
    fnas_status status = fnas_arch_columns_find(reader->context, reader->space, table->path, table->csv, &policy, &reader->columns);
    if (status == FNAS_ERR_INPUT && reader->columns.missing && reader->columns.has_index)
        return fnas_fail(reader->context, FNAS_ERR_USAGE,
                         "%s has indices and no column \"arch\": name a table with \"arch\" and the indices as well (--archs of device "
                         "import csv, another --truth)",
                         table->path);
    FNAS_TRY(status);
    for (int64_t c = 0; c < fnas_csv_columns(table->csv); c++) table->is_key[c] = fnas_arch_columns_is_key(&reader->columns, c);
    return FNAS_OK;
}

/* ---- rows ---- */

static fnas_status read_rows(const csv_reader *reader) {
    fnas_import_table *table = reader->table;
    for (int64_t row = 0; row < fnas_csv_rows(table->csv); row++) {
        int64_t earlier;
        FNAS_TRY(fnas_arch_columns_read(reader->context, &reader->columns, row, reader->choices));
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
    FNAS_TRY(fnas_csv_read(reader->context, table->path, FNAS_ARCH_CSV_LIMIT_BYTES, &table->csv));
    table->is_key = fnas_allocate((size_t)fnas_csv_columns(table->csv), sizeof *table->is_key);
    if (!table->is_key) return fnas_fail_memory(reader->context, table->path);
    fnas_arch_columns_free(&reader->columns); /* of the table before */
    FNAS_TRY(find_key(reader));
    *index_used |= reader->columns.key == FNAS_ARCH_KEY_INDEX;
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
    fnas_arch_index index = {0};
    *import = NULL;
    if (archs) FNAS_TRY(fnas_import_index_read(context, space, archs, &index));
    csv_reader reader = {.context = context, .space = space, .index = archs ? &index : NULL};
    fnas_status status = fnas_import_create(context, space, "csv", table_count, tables, &reader.import);
    if (status == FNAS_OK) status = read_tables(&reader, archs);
    fnas_free(reader.choices);
    fnas_arch_columns_free(&reader.columns);
    fnas_arch_index_free(&index);
    if (status == FNAS_OK)
        *import = reader.import;
    else
        fnas_import_free(reader.import);
    return status;
}
