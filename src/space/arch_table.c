#include "space/arch_table.h"

#include <string.h>

#include "base/memory.h"

#define LIMIT_BYTES ((size_t)1 << 30)

/* Where a table says what an architecture is. */
typedef struct fnas_arch_columns {
    int64_t arch;       /* -1: one column a decision */
    int64_t *decisions; /* [decision_count] */
} fnas_arch_columns;

static fnas_status fnas_arch_columns_find(fnas_context *context, const fnas_space *space, const char *path, const fnas_csv *csv,
                                          fnas_arch_columns *columns) {
    int64_t count = fnas_space_decision_count(space);
    columns->arch = fnas_csv_find_column(csv, "arch");
    columns->decisions = fnas_allocate((size_t)count, sizeof *columns->decisions);
    if (!columns->decisions) return fnas_fail_memory(context, path);
    if (columns->arch >= 0) return FNAS_OK;
    for (int64_t d = 0; d < count; d++) {
        const char *name = fnas_space_decision_name(space, d);
        columns->decisions[d] = fnas_csv_find_column(csv, name);
        if (columns->decisions[d] < 0)
            return fnas_fail(
                context, FNAS_ERR_INPUT,
                "%s: no column \"arch\" with architectures of the space %s, and none for its decision \"%s\": one or the other "
                "is needed",
                path, fnas_space_name(space), name);
    }
    return FNAS_OK;
}

/* ---- rows ---- */

typedef struct fnas_arch_row {
    const fnas_space *space;
    const char *path;
    const fnas_csv *csv;
    const fnas_arch_columns *columns;
    int64_t row;
} fnas_arch_row;

static fnas_status fnas_arch_row_find_choice(fnas_context *context, const fnas_arch_row *at, int64_t d, const char *cell, int32_t *choice) {
    for (int64_t k = 0; k < fnas_space_choice_count(at->space, d); k++) {
        if (strcmp(fnas_space_choice_name(at->space, d, k), cell) != 0) continue;
        *choice = (int32_t)k;
        return FNAS_OK;
    }
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: decision %s has no choice \"%.80s\"", at->path,
                     (long long)fnas_csv_line(at->csv, at->row), fnas_space_decision_name(at->space, d), cell);
}

/* Whether decision d is one that cannot matter beside the others: another choice of it makes the same architecture. */
static bool fnas_arch_is_inactive(const fnas_space *space, const int32_t *choices, int64_t d, int32_t *scratch) {
    if (fnas_space_choice_count(space, d) < 2) return true;
    memcpy(scratch, choices, (size_t)space->decision_count * sizeof *scratch);
    scratch[d] = choices[d] ? 0 : 1;
    fnas_space_canonical(space, scratch);
    return scratch[d] == 0;
}

static fnas_status fnas_arch_row_check_empty(fnas_context *context, const fnas_arch_row *at, const int32_t *choices, int32_t *scratch) {
    for (int64_t d = 0; d < fnas_space_decision_count(at->space); d++) {
        if (*fnas_csv_cell(at->csv, at->row, at->columns->decisions[d]) || fnas_arch_is_inactive(at->space, choices, d, scratch)) continue;
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: decision %s has no choice here, and matters", at->path,
                         (long long)fnas_csv_line(at->csv, at->row), fnas_space_decision_name(at->space, d));
    }
    return FNAS_OK;
}

static fnas_status fnas_arch_row_by_decision(fnas_context *context, const fnas_arch_row *at, int32_t *scratch, int32_t *choices) {
    bool has_empty = false;
    for (int64_t d = 0; d < fnas_space_decision_count(at->space); d++) {
        const char *cell = fnas_csv_cell(at->csv, at->row, at->columns->decisions[d]);
        choices[d] = 0;
        has_empty |= !*cell;
        if (*cell) FNAS_TRY(fnas_arch_row_find_choice(context, at, d, cell, &choices[d]));
    }
    if (has_empty) FNAS_TRY(fnas_arch_row_check_empty(context, at, choices, scratch));
    /* As parsing the native string would have it: what cannot matter takes no part in comparisons. */
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, at->space, choices, text, sizeof text));
    return fnas_space_parse(context, at->space, text, choices);
}

static fnas_status fnas_arch_row_read(fnas_context *context, const fnas_arch_row *at, int32_t *scratch, int32_t *choices) {
    if (at->columns->arch < 0) return fnas_arch_row_by_decision(context, at, scratch, choices);
    fnas_status status = fnas_space_parse(context, at->space, fnas_csv_cell(at->csv, at->row, at->columns->arch), choices);
    if (status == FNAS_OK) return FNAS_OK;
    return fnas_fail_prefix(context, status, "%s:%lld", at->path, (long long)fnas_csv_line(at->csv, at->row));
}

static fnas_status fnas_arch_table_rows(fnas_context *context, const fnas_space *space, const char *path, const fnas_arch_columns *columns,
                                        fnas_arch_table *table) {
    int64_t decisions = fnas_space_decision_count(space);
    fnas_arch_set seen = {.decisions = decisions};
    int32_t *scratch = fnas_allocate((size_t)decisions, sizeof *scratch);
    table->choices = fnas_allocate((size_t)(table->count * decisions), sizeof *table->choices);
    fnas_status status = scratch && table->choices ? FNAS_OK : fnas_fail_memory(context, path);
    for (int64_t row = 0; row < table->count && status == FNAS_OK; row++) {
        const fnas_arch_row at = {space, path, table->csv, columns, row};
        int32_t *choices = table->choices + row * decisions;
        int64_t index;
        status = fnas_arch_row_read(context, &at, scratch, choices);
        if (status == FNAS_OK) status = fnas_arch_set_add(context, &seen, choices, &index);
        if (status == FNAS_OK && index < row)
            status = fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: the same architecture as on line %lld: keep one", path,
                               (long long)fnas_csv_line(table->csv, row), (long long)fnas_csv_line(table->csv, index));
    }
    fnas_arch_set_free(&seen);
    fnas_free(scratch);
    return status;
}

fnas_status fnas_arch_table_read(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_table *table) {
    fnas_arch_columns columns = {0};
    FNAS_TRY(fnas_csv_read(context, path, LIMIT_BYTES, &table->csv));
    table->count = fnas_csv_rows(table->csv);
    if (table->count < 1) return fnas_fail(context, FNAS_ERR_INPUT, "%s: a header and no row: a table needs architectures", path);
    if (table->count > FNAS_ARCH_TABLE_ROWS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld rows, at most %d are read", path, (long long)table->count,
                         FNAS_ARCH_TABLE_ROWS_MAX);
    fnas_status status = fnas_arch_columns_find(context, space, path, table->csv, &columns);
    if (status == FNAS_OK) status = fnas_arch_table_rows(context, space, path, &columns, table);
    fnas_free(columns.decisions);
    return status;
}

void fnas_arch_table_free(fnas_arch_table *table) {
    fnas_csv_free(table->csv);
    fnas_free(table->choices);
    *table = (fnas_arch_table){0};
}
