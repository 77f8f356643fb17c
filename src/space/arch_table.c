#include "space/arch_table.h"

#include "base/memory.h"

static fnas_status fnas_arch_table_rows(fnas_context *context, const fnas_arch_columns *columns, fnas_arch_table *table) {
    int64_t decisions = fnas_space_decision_count(columns->space);
    fnas_arch_set seen = {.decisions = decisions};
    table->choices = fnas_allocate((size_t)(table->count * decisions), sizeof *table->choices);
    fnas_status status = table->choices ? FNAS_OK : fnas_fail_memory(context, columns->path);
    for (int64_t row = 0; row < table->count && status == FNAS_OK; row++) {
        int32_t *choices = table->choices + row * decisions;
        int64_t index;
        status = fnas_arch_columns_read(context, columns, row, choices);
        if (status == FNAS_OK) status = fnas_arch_set_add(context, &seen, choices, &index);
        if (status == FNAS_OK && index < row)
            status = fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: the same architecture as on line %lld: keep one", columns->path,
                               (long long)fnas_csv_line(table->csv, row), (long long)fnas_csv_line(table->csv, index));
    }
    fnas_arch_set_free(&seen);
    return status;
}

fnas_status fnas_arch_table_read(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_table *table) {
    fnas_arch_columns columns = {0};
    FNAS_TRY(fnas_csv_read(context, path, FNAS_ARCH_CSV_LIMIT_BYTES, &table->csv));
    table->count = fnas_csv_rows(table->csv);
    fnas_status status = fnas_arch_columns_find(context, space, path, table->csv, &(fnas_arch_key_policy){0}, &columns);
    if (status == FNAS_OK) status = fnas_arch_table_rows(context, &columns, table);
    fnas_arch_columns_free(&columns);
    return status;
}

void fnas_arch_table_free(fnas_arch_table *table) {
    fnas_csv_free(table->csv);
    fnas_free(table->choices);
    *table = (fnas_arch_table){0};
}
