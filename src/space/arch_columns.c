#include "space/arch_columns.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

void fnas_arch_index_free(fnas_arch_index *index) {
    fnas_arch_set_free(&index->archs);
    fnas_free(index->arch_of);
    *index = (fnas_arch_index){0};
}

void fnas_arch_columns_free(fnas_arch_columns *columns) {
    fnas_free(columns->decisions);
    fnas_free(columns->other);
    *columns = (fnas_arch_columns){0};
}

/* ---- which columns tell the architecture ---- */

/* In the order in which they are preferred. */
static const struct {
    const char *name;
    fnas_arch_key key;
} fnas_arch_key_names[] = {{"arch", FNAS_ARCH_KEY_TEXT}, {"arch_index", FNAS_ARCH_KEY_INDEX}, {"index", FNAS_ARCH_KEY_INDEX}};
#define KEY_NAMES (sizeof fnas_arch_key_names / sizeof *fnas_arch_key_names)

/* Indices that nobody explains are passed over. */
static bool fnas_arch_columns_find_named(fnas_arch_columns *columns) {
    bool found = false;
    for (size_t i = 0; i < KEY_NAMES; i++) {
        fnas_arch_key key = fnas_arch_key_names[i].key;
        int64_t column = fnas_csv_find_column(columns->csv, fnas_arch_key_names[i].name);
        if (column < 0) continue;
        columns->has_index |= key == FNAS_ARCH_KEY_INDEX;
        if (found || (key == FNAS_ARCH_KEY_INDEX && !columns->policy.index)) continue;
        columns->key = key;
        columns->column = column;
        found = true;
    }
    return found;
}

static fnas_status fnas_arch_columns_find_decisions(fnas_context *context, fnas_arch_columns *columns) {
    const fnas_space *space = columns->space;
    size_t count = (size_t)fnas_space_decision_count(space);
    columns->key = FNAS_ARCH_KEY_DECISIONS;
    columns->decisions = fnas_allocate(count, sizeof *columns->decisions);
    columns->other = fnas_allocate(count, sizeof *columns->other);
    if (!columns->decisions || !columns->other) return fnas_fail_memory(context, columns->path);
    for (size_t d = 0; d < count && !columns->missing; d++) {
        const char *name = fnas_space_decision_name(space, (int64_t)d);
        columns->decisions[d] = fnas_csv_find_column(columns->csv, name);
        if (columns->decisions[d] < 0) columns->missing = name;
    }
    if (!columns->missing) return FNAS_OK;
    if (columns->has_index)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s:1: indices and no column \"arch\" (native strings of %s), nor one for each decision (\"%s\" is missing): an "
                         "index alone does not tell an architecture",
                         columns->path, fnas_space_name(space), columns->missing);
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s:1: no column tells which architecture a row is: name one \"arch\" (native strings of %s), or have one for each "
                     "decision (\"%s\" is missing)",
                     columns->path, fnas_space_name(space), columns->missing);
}

fnas_status fnas_arch_columns_find(fnas_context *context, const fnas_space *space, const char *path, const fnas_csv *csv,
                                   const fnas_arch_key_policy *policy, fnas_arch_columns *columns) {
    *columns = (fnas_arch_columns){.space = space, .path = path, .csv = csv, .policy = *policy};
    if (fnas_csv_rows(csv) < 1) return fnas_fail(context, FNAS_ERR_INPUT, "%s: a header and no row: a table needs architectures", path);
    if (fnas_csv_rows(csv) > FNAS_ARCH_CSV_ROWS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld rows, at most %d are read", path, (long long)fnas_csv_rows(csv),
                         FNAS_ARCH_CSV_ROWS_MAX);
    if (!policy->decisions_only && fnas_arch_columns_find_named(columns)) return FNAS_OK;
    return fnas_arch_columns_find_decisions(context, columns);
}

bool fnas_arch_columns_is_key(const fnas_arch_columns *columns, int64_t column) {
    const char *name = fnas_csv_header(columns->csv, column);
    for (size_t i = 0; i < KEY_NAMES && !columns->policy.decisions_only; i++)
        if (strcmp(fnas_arch_key_names[i].name, name) == 0) return true;
    for (int64_t d = 0; d < fnas_space_decision_count(columns->space) && columns->decisions; d++)
        if (columns->decisions[d] == column) return true;
    return false;
}

/* ---- rows ---- */

static long long fnas_arch_columns_line(const fnas_arch_columns *columns, int64_t row) {
    return fnas_csv_line(columns->csv, row);
}

static fnas_status fnas_arch_columns_read_index(fnas_context *context, const fnas_arch_columns *columns, int64_t row, int32_t *choices) {
    const char *cell = fnas_csv_cell(columns->csv, row, columns->column), *name = fnas_csv_header(columns->csv, columns->column);
    const fnas_arch_index *index = columns->policy.index;
    int64_t number;
    if (!fnas_parse_int64(cell, &number))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is \"%.80s\", it must be a whole number", columns->path,
                         fnas_arch_columns_line(columns, row), name, cell);
    if (number < 0 || number >= index->size || index->arch_of[number] < 0)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s:%lld: \"%s\" is %lld, the table of architectures has no such index (its indices are 0 to %lld)", columns->path,
                         fnas_arch_columns_line(columns, row), name, (long long)number, (long long)index->size - 1);
    const int32_t *found = fnas_arch_set_at(&index->archs, index->arch_of[number]);
    memcpy(choices, found, (size_t)index->archs.decisions * sizeof *found);
    return FNAS_OK;
}

static fnas_status fnas_arch_columns_read_text(fnas_context *context, const fnas_arch_columns *columns, int64_t row, int32_t *choices) {
    fnas_status status = fnas_space_parse(context, columns->space, fnas_csv_cell(columns->csv, row, columns->column), choices);
    if (status == FNAS_OK) return FNAS_OK;
    return fnas_fail_prefix(context, status, "%s:%lld", columns->path, fnas_arch_columns_line(columns, row));
}

/* ---- rows by decision ---- */

static bool fnas_arch_same_number(const char *a, const char *b, double tolerance) {
    double x, y;
    return fnas_parse_double(a, &x) && fnas_parse_double(b, &y) && fabs(x - y) <= tolerance * fabs(y);
}

/* By name; else by number: 6 and 6.0 are one choice. */
static int64_t fnas_arch_find_choice(const fnas_arch_columns *columns, int64_t decision, const char *cell) {
    int64_t count = fnas_space_choice_count(columns->space, decision);
    for (int64_t c = 0; c < count; c++)
        if (strcmp(fnas_space_choice_name(columns->space, decision, c), cell) == 0) return c;
    for (int64_t c = 0; c < count; c++)
        if (fnas_arch_same_number(cell, fnas_space_choice_name(columns->space, decision, c), columns->policy.tolerance)) return c;
    return -1;
}

/* An empty cell is right where another choice makes the same architecture. */
static fnas_status fnas_arch_check_empty(fnas_context *context, const fnas_arch_columns *columns, int64_t row, int64_t decision,
                                         const int32_t *settled) {
    size_t bytes = (size_t)fnas_space_decision_count(columns->space) * sizeof *settled;
    if (fnas_space_choice_count(columns->space, decision) < 2) return FNAS_OK;
    memcpy(columns->other, settled, bytes);
    columns->other[decision] = settled[decision] ? 0 : 1;
    fnas_space_settle(columns->space, columns->other);
    if (memcmp(columns->other, settled, bytes) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: decision %s has no choice here, and matters", columns->path,
                     fnas_arch_columns_line(columns, row), fnas_space_decision_name(columns->space, decision));
}

static fnas_status fnas_arch_columns_read_decisions(fnas_context *context, const fnas_arch_columns *columns, int64_t row,
                                                    int32_t *choices) {
    int64_t count = fnas_space_decision_count(columns->space);
    for (int64_t d = 0; d < count; d++) {
        const char *cell = fnas_csv_cell(columns->csv, row, columns->decisions[d]);
        int64_t choice = *cell ? fnas_arch_find_choice(columns, d, cell) : 0;
        if (choice < 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: decision %s has no choice \"%.80s\" (its first is \"%s\")", columns->path,
                             fnas_arch_columns_line(columns, row), fnas_space_decision_name(columns->space, d), cell,
                             fnas_space_choice_name(columns->space, d, 0));
        choices[d] = (int32_t)choice;
    }
    fnas_space_settle(columns->space, choices);
    for (int64_t d = 0; d < count; d++)
        if (!*fnas_csv_cell(columns->csv, row, columns->decisions[d])) FNAS_TRY(fnas_arch_check_empty(context, columns, row, d, choices));
    return FNAS_OK;
}

fnas_status fnas_arch_columns_read(fnas_context *context, const fnas_arch_columns *columns, int64_t row, int32_t *choices) {
    if (columns->key == FNAS_ARCH_KEY_TEXT) return fnas_arch_columns_read_text(context, columns, row, choices);
    if (columns->key == FNAS_ARCH_KEY_INDEX) return fnas_arch_columns_read_index(context, columns, row, choices);
    return fnas_arch_columns_read_decisions(context, columns, row, choices);
}
