/* The table behind --error table:FILE.csv:COLUMN. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "search/error/surrogate.h"
#include "space/arch_find.h"
#include "space/arch_table.h"

static fnas_status fnas_surrogate_read_error(fnas_context *context, const char *path, const fnas_csv *csv, int64_t row, int64_t column,
                                             double *error_pct) {
    FNAS_TRY(fnas_csv_number(context, csv, row, column, error_pct));
    if (*error_pct >= 0 && *error_pct <= 100) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is %g: an error is in percent, 0 to 100; scale other measures to that", path,
                     (long long)fnas_csv_line(csv, row), fnas_csv_header(csv, column), *error_pct);
}

bool fnas_surrogate_covers_space(const fnas_surrogate *surrogate) {
    int32_t choices[FNAS_SURROGATE_DECISIONS_MAX];
    int64_t next = 0;
    return fnas_arch_is_listable(surrogate->space) && !fnas_arch_find_missing(surrogate->space, &surrogate->rows, &next, choices);
}

static fnas_status fnas_surrogate_take_rows(fnas_context *context, const char *path, const char *column, const fnas_arch_table *table,
                                            fnas_surrogate *surrogate) {
    int64_t at;
    FNAS_TRY(fnas_csv_column(context, table->csv, column, &at));
    surrogate->row_count = table->count;
    surrogate->column = fnas_strdup(column);
    surrogate->errors = fnas_allocate((size_t)table->count, sizeof *surrogate->errors);
    if (!surrogate->column || !surrogate->errors) return fnas_fail_memory(context, path);
    for (int64_t row = 0; row < table->count; row++)
        FNAS_TRY(fnas_surrogate_read_error(context, path, table->csv, row, at, &surrogate->errors[row]));
    bool differ = false;
    for (int64_t row = 1; row < table->count; row++) differ |= surrogate->errors[row] != surrogate->errors[0];
    if (!differ) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is the same in all rows: nothing to search for", path, column);
    FNAS_TRY(fnas_arch_set_add_all(context, &surrogate->rows, table->count, table->choices));
    surrogate->is_exact = fnas_surrogate_covers_space(surrogate);
    return FNAS_OK;
}

fnas_status fnas_surrogate_read_rows(fnas_context *context, const char *path, const char *column, fnas_surrogate *surrogate) {
    fnas_arch_table table = {0};
    fnas_status status = fnas_arch_table_read(context, surrogate->space, path, &table);
    if (status == FNAS_OK) status = fnas_surrogate_take_rows(context, path, column, &table, surrogate);
    fnas_arch_table_free(&table);
    return status;
}

/* ---- the option ---- */

static fnas_status fnas_surrogate_open_table(fnas_context *context, const fnas_space *space, const char *rest, fnas_surrogate **surrogate) {
    const char *colon = strrchr(rest, ':');
    if (!colon || colon == rest || !colon[1])
        return fnas_fail(context, FNAS_ERR_USAGE, "--error table:%s: write table:FILE.csv:COLUMN", rest);
    if (strcasestr(colon + 1, "accuracy"))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "--error table:%s: the column \"%s\" seems to hold accuracies, errors are needed: make a column of 100 less it",
                         rest, colon + 1);
    char *path = fnas_strdup(rest);
    if (!path) return fnas_fail_memory(context, "a path");
    path[colon - rest] = '\0';
    fnas_status status = fnas_surrogate_create(context, space, surrogate);
    if (status == FNAS_OK) status = fnas_surrogate_read_rows(context, path, colon + 1, *surrogate);
    fnas_free(path);
    return status;
}

static fnas_status fnas_surrogate_open_network(fnas_context *context, const fnas_space *space, const char *option,
                                               fnas_surrogate **surrogate) {
    FNAS_TRY(fnas_surrogate_create(context, space, surrogate));
    return fnas_network_open(context, (*surrogate)->space, option, &(*surrogate)->network);
}

fnas_status fnas_surrogate_open(fnas_context *context, const fnas_space *space, const char *option, fnas_surrogate **surrogate) {
    static const char table[] = "table:", fitted[] = "surrogate:";
    fnas_status status;
    *surrogate = NULL;
    if (strncmp(option, table, strlen(table)) == 0)
        status = fnas_surrogate_open_table(context, space, option + strlen(table), surrogate);
    else if (strncmp(option, fitted, strlen(fitted)) == 0 && fnas_network_is_meant(option + strlen(fitted)))
        status = fnas_surrogate_open_network(context, space, option + strlen(fitted), surrogate);
    else if (strncmp(option, fitted, strlen(fitted)) == 0 && option[strlen(fitted)])
        status = fnas_surrogate_load(context, space, option + strlen(fitted), surrogate);
    else
        status = fnas_fail(context, FNAS_ERR_USAGE, "--error %s: use supernet, table:FILE.csv:COLUMN or surrogate:FILE", option);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_surrogate_free(*surrogate);
    *surrogate = NULL;
    return status;
}
