/* The files of a folder of results. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "fleetnas/rival.h"
#include "report/results.h"

#define LIMIT_BYTES ((size_t)1 << 20) /* of a score */
#define TIMES_LIMIT_BYTES ((size_t)64 << 20)
#define DEVICES_MOST 1000
#define RANK_ENERGY 2 /* the last of the objectives whose order is fixed */
#define PARTS 5       /* of a score's name */

typedef struct reader {
    fnas_context *context;
    const char *folder;
    fnas_results *results;
    size_t item_capacity, time_capacity;
    int64_t stage_count;
    const char *stages[FNAS_RESULTS_LINES_MOST]; /* of times.csv, each once */
} reader;

static fnas_status keep_text(const reader *r, const char *text, const char **kept) {
    *kept = fnas_results_keep(r->results, text, strlen(text) + 1, 1);
    return *kept ? FNAS_OK : fnas_fail_memory(r->context, "the results");
}

/* ---- splits.json ---- */

static fnas_status add_device(const reader *r, const char *where, const char *key, const json_t *entry) {
    fnas_results *results = r->results;
    const char *name = json_string_value(entry);
    if (!name || !*name) return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: \"%s\" must hold names of devices", where, key);
    for (int64_t d = 0; d < results->device_count; d++)
        if (!strcmp(results->devices[d], name))
            return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: device \"%s\" stands there twice", where, name);
    if (results->device_count == DEVICES_MOST)
        return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: more than %d devices", where, DEVICES_MOST);
    return keep_text(r, name, &results->devices[results->device_count++]);
}

static fnas_status add_devices(const reader *r, const json_t *root, const char *where, const char *key) {
    json_t *names;
    FNAS_TRY(fnas_json_array(r->context, root, where, key, &names));
    for (size_t i = 0; i < json_array_size(names); i++) FNAS_TRY(add_device(r, where, key, json_array_get(names, i)));
    return FNAS_OK;
}

static fnas_status take_splits(const reader *r, const json_t *root, const char *where) {
    fnas_results *results = r->results;
    if (!json_is_object(root)) return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: must be an object", where);
    results->devices = fnas_arena_allocate(results->arena, DEVICES_MOST * sizeof *results->devices);
    if (!results->devices) return fnas_fail_memory(r->context, where);
    FNAS_TRY(add_devices(r, root, where, "search_devices"));
    results->searched_count = results->device_count;
    return add_devices(r, root, where, "unseen_devices");
}

static fnas_status read_splits(const reader *r, const char *path) {
    json_t *root;
    FNAS_TRY(fnas_json_read(r->context, path, LIMIT_BYTES, &root));
    fnas_status status = take_splits(r, root, path);
    json_decref(root);
    return status;
}

/* ---- a score's name ---- */

static bool is_name(const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.";
    return *text && !text[strspn(text, plain)];
}

/* Digits, perhaps with a point: no sign and no exponent, so that a number has one spelling but for its zeros. */
static bool is_plain_number(const char *text) {
    return *text >= '0' && *text <= '9' && !text[strspn(text, "0123456789.")];
}

/* "minutes-60", "evaluations-100" */
static bool read_budget(const char *text, fnas_result *result) {
    static const char *const kinds[] = {[FNAS_BUDGET_MINUTES] = "minutes-", [FNAS_BUDGET_EVALUATIONS] = "evaluations-"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t length = strlen(kinds[k]);
        if (strncmp(text, kinds[k], length) != 0) continue;
        result->budget = (fnas_budget)k;
        if (!is_plain_number(text + length) || !fnas_parse_double(text + length, &result->amount) || result->amount > 1e9) return false;
        return result->budget == FNAS_BUDGET_MINUTES ? result->amount > 0 : result->amount == floor(result->amount);
    }
    return false;
}

static fnas_status fail_name(const reader *r, const char *path) {
    return fnas_fail(r->context, FNAS_ERR_INPUT,
                     "%s: what is this? A score is called OBJECTIVES,METHOD,BUDGET,DEVICE,SEED.json, as in "
                     "error+latency_ms,nsga2,evaluations-100,pixel3,1.json",
                     path);
}

/* Where an objective stands among others: [0, length) of text. */
static int64_t rank_of(const char *text, size_t length) {
    static const char *const known[] = {"error", "latency_ms", "energy_mj"};
    int64_t rank = 0, count = sizeof known / sizeof *known;
    while (rank < count && (strlen(known[rank]) != length || memcmp(known[rank], text, length) != 0)) rank++;
    return rank;
}

/* Whether "a+b+c" begins with the error, and latency and energy stand once, in this order, before all others, whose order is free. */
static bool are_in_order(const char *objectives) {
    int64_t before = -1;
    for (const char *at = objectives; at; at = strchr(at, '+') ? strchr(at, '+') + 1 : NULL) {
        size_t length = strcspn(at, "+");
        int64_t rank = rank_of(at, length);
        if (!length || rank < before || (before < 0 && rank) || (rank == before && rank <= RANK_ENERGY)) return false;
        before = rank;
    }
    return true;
}

static fnas_status fail_objectives(const reader *r, const char *path, const char *objectives) {
    return fnas_fail(r->context, FNAS_ERR_INPUT,
                     "%s: objectives \"%s\": they are written error first, then latency_ms, energy_mj and others", path, objectives);
}

/* `name` is cut at its commas, in place. */
static fnas_status read_name(const reader *r, const char *path, char *name, fnas_result *result) {
    char *parts[PARTS], *dot = strrchr(name, '.');
    int64_t count = 0;
    if (!dot || strcmp(dot, ".json") != 0) return fail_name(r, path);
    *dot = 0;
    for (char *part = name; part; count++) {
        char *comma = strchr(part, ',');
        if (comma) *comma++ = 0;
        if (count == PARTS || !is_name(part)) return fail_name(r, path);
        parts[count] = part;
        part = comma;
    }
    if (count != PARTS || !read_budget(parts[2], result) || !is_plain_number(parts[4]) || !fnas_parse_int64(parts[4], &result->seed))
        return fail_name(r, path);
    if (!are_in_order(parts[0])) return fail_objectives(r, path, parts[0]);
    result->objectives = parts[0];
    result->method = parts[1];
    result->device = parts[3];
    return FNAS_OK;
}

/* ---- a score ---- */

static fnas_status check_score(const reader *r, const fnas_result *result) {
    const double values[] = {result->hypervolume, result->ratio};
    if (!(result->true_hypervolume > 0 && result->true_hypervolume <= 1))
        return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: \"true_hypervolume\" is %g, possible is more than 0, to 1", result->file,
                         result->true_hypervolume);
    for (size_t k = 0; k < 2; k++)
        if (!(values[k] >= 0 && values[k] <= 1 + 1e-9))
            return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: \"%s\" is %g, possible is 0 to 1", result->file, k ? "ratio" : "hypervolume",
                             values[k]);
    if (fabs(result->hypervolume / result->true_hypervolume - result->ratio) <= 1e-9) return FNAS_OK;
    return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: \"ratio\" is %.9f, its hypervolumes say %.9f", result->file, result->ratio,
                     result->hypervolume / result->true_hypervolume);
}

/* What a rival was given, and what it made of it, are what the file's name says. */
static fnas_status check_rival(const reader *r, const json_t *score, const fnas_result *result) {
    const char *rival;
    int64_t evaluations;
    FNAS_TRY(fnas_json_string(r->context, score, result->file, "rival", &rival));
    FNAS_TRY(fnas_json_integer(r->context, score, result->file, "evaluations", 0, INT64_MAX, &evaluations));
    if (strcmp(rival, result->method) != 0)
        return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: the rival is \"%s\", the file's name says \"%s\"", result->file, rival,
                         result->method);
    if (result->budget != FNAS_BUDGET_EVALUATIONS)
        return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: a rival has no minutes: its budget is called evaluations-N", result->file);
    bool needs_none = result->amount <= 0 && fnas_rival_needs_no_evaluations(rival); /* it answers with what it was allowed */
    if (needs_none || (double)evaluations <= result->amount) return FNAS_OK;
    return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: %lld evaluations, the file's name allows %.0f", result->file, (long long)evaluations,
                     result->amount);
}

/* `fleetnas score` prints an array with an object for each front, `fleetnas rival` one object. */
static fnas_status take_score(const reader *r, const json_t *root, fnas_result *result) {
    const json_t *score = root;
    if (json_is_array(root)) {
        if (json_array_size(root) != 1)
            return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: %zu scores, a file has that of one front", result->file,
                             json_array_size(root));
        score = json_array_get(root, 0);
    }
    if (!json_is_object(score)) return fnas_fail(r->context, FNAS_ERR_INPUT, "%s: a score is an object", result->file);
    FNAS_TRY(fnas_json_number(r->context, score, result->file, "hypervolume", &result->hypervolume));
    FNAS_TRY(fnas_json_number(r->context, score, result->file, "true_hypervolume", &result->true_hypervolume));
    FNAS_TRY(fnas_json_number(r->context, score, result->file, "ratio", &result->ratio));
    if (json_object_get(score, "rival")) FNAS_TRY(check_rival(r, score, result));
    return check_score(r, result);
}

static fnas_status read_score(reader *r, const char *path, const char *name) {
    fnas_results *results = r->results;
    fnas_result result = {.seed = 0};
    json_t *root;
    char *parts = fnas_results_keep(results, name, strlen(name) + 1, 1);
    if (!parts || !fnas_grow((void **)&results->items, &r->item_capacity, (size_t)results->count + 1, sizeof *results->items))
        return fnas_fail_memory(r->context, path);
    FNAS_TRY(keep_text(r, path, &result.file));
    FNAS_TRY(read_name(r, path, parts, &result));
    FNAS_TRY(fnas_json_read(r->context, path, LIMIT_BYTES, &root));
    fnas_status status = take_score(r, root, &result);
    json_decref(root);
    if (status == FNAS_OK) results->items[results->count++] = result;
    return status;
}

/* ---- times.csv ---- */

#define TIME_MOST 1e9 /* seconds, 30 years; and minutes */

static fnas_status note_stage(reader *r, const char *path, int64_t line, const char *stage) {
    for (int64_t s = 0; s < r->stage_count; s++)
        if (!strcmp(r->stages[s], stage)) return FNAS_OK;
    if (r->stage_count == FNAS_RESULTS_LINES_MOST)
        return fnas_fail(r->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is one stage more than the %d that a table has columns for", path,
                         (long long)line, stage, FNAS_RESULTS_LINES_MOST);
    r->stages[r->stage_count++] = stage;
    return FNAS_OK;
}

enum { TIME_MINUTES, TIME_METHOD, TIME_SEED, TIME_STAGE, TIME_SECONDS, TIME_COLUMNS };

static fnas_status read_time(reader *r, const char *path, const fnas_csv *table, const int64_t *columns, int64_t row) {
    fnas_results *results = r->results;
    fnas_stage_time time;
    double seed;
    FNAS_TRY(fnas_csv_number(r->context, table, row, columns[TIME_MINUTES], &time.minutes));
    FNAS_TRY(fnas_csv_number(r->context, table, row, columns[TIME_SEED], &seed));
    FNAS_TRY(fnas_csv_number(r->context, table, row, columns[TIME_SECONDS], &time.seconds));
    FNAS_TRY(keep_text(r, fnas_csv_cell(table, row, columns[TIME_METHOD]), &time.method));
    FNAS_TRY(keep_text(r, fnas_csv_cell(table, row, columns[TIME_STAGE]), &time.stage));
    if (!is_name(time.method) || !is_name(time.stage) || time.seconds < 0 || time.minutes < 0 || seed < 0 || seed > 9e15 ||
        seed != floor(seed))
        return fnas_fail(r->context, FNAS_ERR_INPUT, "%s:%lld: not the time of a stage: minutes,method,seed,stage,seconds", path,
                         (long long)fnas_csv_line(table, row));
    if (time.seconds > TIME_MOST || time.minutes > TIME_MOST)
        return fnas_fail(r->context, FNAS_ERR_INPUT, "%s:%lld: %g %s: at most %g are believed", path, (long long)fnas_csv_line(table, row),
                         time.seconds > TIME_MOST ? time.seconds : time.minutes, time.seconds > TIME_MOST ? "seconds" : "minutes",
                         TIME_MOST);
    FNAS_TRY(note_stage(r, path, fnas_csv_line(table, row), time.stage));
    time.seed = (int64_t)seed;
    if (!fnas_grow((void **)&results->times, &r->time_capacity, (size_t)results->time_count + 1, sizeof *results->times))
        return fnas_fail_memory(r->context, path);
    results->times[results->time_count++] = time;
    return FNAS_OK;
}

static fnas_status read_time_rows(reader *r, const char *path, const fnas_csv *table) {
    static const char *const names[TIME_COLUMNS] = {"minutes", "method", "seed", "stage", "seconds"};
    int64_t columns[TIME_COLUMNS];
    for (int64_t c = 0; c < TIME_COLUMNS; c++) FNAS_TRY(fnas_csv_column(r->context, table, names[c], &columns[c]));
    for (int64_t row = 0; row < fnas_csv_rows(table); row++) FNAS_TRY(read_time(r, path, table, columns, row));
    return FNAS_OK;
}

static fnas_status read_times(reader *r, const char *path) {
    fnas_csv *table;
    FNAS_TRY(fnas_csv_read(r->context, path, TIMES_LIMIT_BYTES, &table));
    fnas_status status = read_time_rows(r, path, table);
    fnas_csv_free(table);
    return status;
}

/* ---- configurations that were scored ---- */

static fnas_status count_scored(const reader *r, const char *path) {
    unsigned char *data;
    size_t size;
    FNAS_TRY(fnas_file_read(r->context, path, TIMES_LIMIT_BYTES, &data, &size));
    r->results->scored = 0;
    for (const char *line = (const char *)data; *line; line += strspn(line, "\r\n")) {
        line += strspn(line, " \t");
        r->results->scored += *line && !strchr("#\r\n", *line);
        line += strcspn(line, "\r\n");
    }
    fnas_free(data);
    return FNAS_OK;
}

/* ---- the folder ---- */

static fnas_status read_file(reader *r, const char *name) {
    if (name[0] == '.' || !strcmp(name, "splits.json")) return FNAS_OK;
    char *path = fnas_path_join(r->folder, name);
    if (!path) return fnas_fail_memory(r->context, name);
    fnas_status status = !strcmp(name, "times.csv") ? read_times(r, path) : read_score(r, path, name);
    fnas_free(path);
    return status;
}

static fnas_status read_files(reader *r) {
    DIR *folder = opendir(r->folder);
    if (!folder) return fnas_fail_errno(r->context, r->folder, "open the folder");
    fnas_status status = FNAS_OK;
    for (struct dirent *entry; status == FNAS_OK && (entry = readdir(folder));) status = read_file(r, entry->d_name);
    closedir(folder);
    return status;
}

fnas_status fnas_results_read(fnas_context *context, const char *folder, const char *scored, fnas_results *results) {
    reader r = {.context = context, .folder = folder, .results = results};
    char *splits = fnas_path_join(folder, "splits.json");
    if (!splits) return fnas_fail_memory(context, folder);
    fnas_status status = read_splits(&r, splits);
    fnas_free(splits);
    if (status == FNAS_OK) status = read_files(&r);
    if (status == FNAS_OK && scored) status = count_scored(&r, scored);
    return status;
}
