#include "device/import_decisions.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

void fnas_import_decisions_free(fnas_import_decisions *decisions) {
    fnas_free(decisions->columns);
    fnas_free(decisions->other);
    *decisions = (fnas_import_decisions){0};
}

fnas_status fnas_import_decisions_find(fnas_context *context, const fnas_space *space, const char *path, const fnas_csv *csv,
                                       double tolerance, fnas_import_decisions *decisions, const char **missing) {
    size_t count = (size_t)fnas_space_decision_count(space);
    *decisions = (fnas_import_decisions){.space = space, .path = path, .csv = csv, .tolerance = tolerance};
    *missing = NULL;
    decisions->columns = fnas_allocate(count, sizeof *decisions->columns);
    decisions->other = fnas_allocate(count, sizeof *decisions->other);
    if (!decisions->columns || !decisions->other) return fnas_fail_memory(context, path);
    for (size_t d = 0; d < count && !*missing; d++) {
        const char *name = fnas_space_decision_name(space, (int64_t)d);
        decisions->columns[d] = fnas_csv_find_column(csv, name);
        if (decisions->columns[d] < 0) *missing = name;
    }
    return FNAS_OK;
}

static bool same_number(const char *a, const char *b, double tolerance) {
    double x, y;
    return fnas_parse_double(a, &x) && fnas_parse_double(b, &y) && fabs(x - y) <= tolerance * fabs(y);
}

/* By name; else by number: 6 and 6.0 are one choice. */
static int64_t find_choice(const fnas_import_decisions *decisions, int64_t decision, const char *cell) {
    int64_t count = fnas_space_choice_count(decisions->space, decision);
    for (int64_t c = 0; c < count; c++)
        if (strcmp(fnas_space_choice_name(decisions->space, decision, c), cell) == 0) return c;
    for (int64_t c = 0; c < count; c++)
        if (same_number(cell, fnas_space_choice_name(decisions->space, decision, c), decisions->tolerance)) return c;
    return -1;
}

/* Written out and read again, so that the space has its say about which choices go together. */
static fnas_status settle(fnas_context *context, const fnas_space *space, int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, space, choices, text, sizeof text));
    return fnas_space_parse(context, space, text, choices);
}

static fnas_status fail_cell(fnas_context *context, const fnas_import_decisions *decisions, int64_t row, int64_t decision) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is \"%.80s\", which is no choice of this decision of %s (%s, ...)",
                     decisions->path, (long long)fnas_csv_line(decisions->csv, row),
                     fnas_csv_header(decisions->csv, decisions->columns[decision]),
                     fnas_csv_cell(decisions->csv, row, decisions->columns[decision]), fnas_space_name(decisions->space),
                     fnas_space_choice_name(decisions->space, decision, 0));
}

/* An empty cell is right where another choice makes the same architecture. */
static fnas_status check_empty(fnas_context *context, const fnas_import_decisions *decisions, int64_t row, int64_t decision,
                               const int32_t *settled) {
    size_t bytes = (size_t)fnas_space_decision_count(decisions->space) * sizeof *settled;
    if (fnas_space_choice_count(decisions->space, decision) < 2) return FNAS_OK;
    memcpy(decisions->other, settled, bytes);
    decisions->other[decision] = settled[decision] ? 0 : 1;
    FNAS_TRY(settle(context, decisions->space, decisions->other));
    return memcmp(decisions->other, settled, bytes) == 0 ? FNAS_OK : fail_cell(context, decisions, row, decision);
}

fnas_status fnas_import_decisions_read(fnas_context *context, const fnas_import_decisions *decisions, int64_t row, int32_t *choices) {
    int64_t count = fnas_space_decision_count(decisions->space);
    for (int64_t d = 0; d < count; d++) {
        const char *cell = fnas_csv_cell(decisions->csv, row, decisions->columns[d]);
        int64_t choice = *cell ? find_choice(decisions, d, cell) : 0;
        if (choice < 0) return fail_cell(context, decisions, row, d);
        choices[d] = (int32_t)choice;
    }
    fnas_status status = settle(context, decisions->space, choices);
    for (int64_t d = 0; d < count && status == FNAS_OK; d++)
        if (!*fnas_csv_cell(decisions->csv, row, decisions->columns[d])) FNAS_TRY(check_empty(context, decisions, row, d, choices));
    if (status == FNAS_OK) return FNAS_OK;
    return fnas_fail_prefix(context, status, "%s:%lld", decisions->path, (long long)fnas_csv_line(decisions->csv, row));
}
