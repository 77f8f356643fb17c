/* Architectures from files of fronts, ours or of other programs. */
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "fleetnas/truth.h"

#define LIMIT_BYTES ((size_t)256 << 20)

void fnas_truth_free_choices(int32_t *choices) {
    fnas_free(choices);
}

typedef struct reader {
    fnas_context *context;
    const fnas_space *space;
    const char *path;
    int64_t count;
    int32_t *choices;
} reader;

static fnas_status reserve(reader *r, int64_t count) {
    r->count = count;
    r->choices = fnas_allocate((size_t)(count * fnas_space_decision_count(r->space)) + 1, sizeof *r->choices);
    return r->choices ? FNAS_OK : fnas_fail_memory(r->context, r->path);
}

static int32_t *at(const reader *r, int64_t index) {
    return r->choices + index * fnas_space_decision_count(r->space);
}

/* ---- CSV ---- */

static fnas_status read_csv_rows(reader *r, const fnas_csv *table) {
    int64_t column;
    FNAS_TRY(fnas_csv_column(r->context, table, "arch", &column));
    FNAS_TRY(reserve(r, fnas_csv_rows(table)));
    for (int64_t i = 0; i < r->count; i++) {
        fnas_status status = fnas_space_parse(r->context, r->space, fnas_csv_cell(table, i, column), at(r, i));
        if (status != FNAS_OK) return fnas_fail_prefix(r->context, status, "%s:%lld", r->path, (long long)fnas_csv_line(table, i));
    }
    return FNAS_OK;
}

/* What several devices want is not one front. */
static fnas_status check_device(const reader *r, const fnas_csv *table) {
    int64_t column = fnas_csv_find_column(table, "device");
    for (int64_t i = 1; column >= 0 && i < fnas_csv_rows(table); i++)
        if (strcmp(fnas_csv_cell(table, 0, column), fnas_csv_cell(table, i, column)) != 0)
            return fnas_fail(r->context, FNAS_ERR_INPUT,
                             "%s:%lld: device \"%s\" beside \"%s\": give each device's front in a file of its own", r->path,
                             (long long)fnas_csv_line(table, i), fnas_csv_cell(table, i, column), fnas_csv_cell(table, 0, column));
    return FNAS_OK;
}

static fnas_status read_csv(reader *r) {
    fnas_csv *table;
    FNAS_TRY(fnas_csv_read(r->context, r->path, LIMIT_BYTES, &table));
    fnas_status status = check_device(r, table);
    if (status == FNAS_OK) status = read_csv_rows(r, table);
    fnas_csv_free(table);
    return status;
}

/* ---- JSON ---- */

static fnas_status read_json_points(reader *r, const json_t *root) {
    json_t *points;
    FNAS_TRY(fnas_json_array(r->context, root, r->path, "points", &points));
    FNAS_TRY(reserve(r, (int64_t)json_array_size(points)));
    for (int64_t i = 0; i < r->count; i++) {
        const json_t *point = json_array_get(points, (size_t)i);
        const char *text;
        fnas_status status = json_is_object(point) ? fnas_json_string(r->context, point, r->path, "arch", &text)
                                                   : fnas_fail(r->context, FNAS_ERR_INPUT, "%s: a point must be an object", r->path);
        if (status == FNAS_OK) status = fnas_space_parse(r->context, r->space, text, at(r, i));
        if (status != FNAS_OK) return fnas_fail_prefix(r->context, status, "%s: \"points\"[%lld]", r->path, (long long)i);
    }
    return FNAS_OK;
}

static fnas_status read_json(reader *r) {
    json_t *root;
    FNAS_TRY(fnas_json_read(r->context, r->path, LIMIT_BYTES, &root));
    fnas_status status = json_is_object(root) ? read_json_points(r, root)
                                              : fnas_fail(r->context, FNAS_ERR_INPUT, "%s: a front is an object with \"points\"", r->path);
    json_decref(root);
    return status;
}

/* ---- */

fnas_status fnas_truth_read_front(fnas_context *context, const fnas_space *space, const char *path, int64_t *count, int32_t **choices) {
    reader r = {.context = context, .space = space, .path = path};
    size_t length = strlen(path);
    *choices = NULL;
    *count = 0;
    bool is_json = length > 5 && strcmp(path + length - 5, ".json") == 0;
    fnas_status status = is_json ? read_json(&r) : read_csv(&r);
    if (status != FNAS_OK) {
        fnas_free(r.choices);
        bool is_csv = length > 4 && strcmp(path + length - 4, ".csv") == 0;
        if (status != FNAS_ERR_INPUT || is_json || is_csv || !fnas_file_exists(path)) return status;
        return fnas_fail(context, status, "%s (it was read as CSV: a front's file ends in .json or .csv)", fnas_context_message(context));
    }
    *count = r.count;
    *choices = r.choices;
    return FNAS_OK;
}
