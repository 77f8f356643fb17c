#include "estimate/trainings.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define FORMAT "fleetnas-trainings/2"

static const char SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS settings(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS trainings(number INTEGER PRIMARY KEY, arch TEXT NOT NULL UNIQUE, curve BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS scores(name TEXT PRIMARY KEY, scores BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS rounds(number INTEGER PRIMARY KEY, trainings INTEGER NOT NULL, seconds REAL NOT NULL);";

static fnas_status fail_base(fnas_context *context, const fnas_trainings *trainings) {
    sqlite3 *base = trainings->base;
    int code = base ? sqlite3_errcode(base) & 0xff : SQLITE_NOMEM;
    if (code == SQLITE_BUSY)
        return fnas_fail(context, FNAS_ERR_IO, "%s: another estimate is writing to it: wait for its end", trainings->path);
    if (code == SQLITE_CORRUPT)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s is damaged (%s): remove it to begin anew", trainings->path, sqlite3_errmsg(base));
    if (code == SQLITE_NOTADB || code == SQLITE_ERROR)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s: these are no trainings of an estimate; remove it, or write elsewhere",
                         trainings->path, sqlite3_errmsg(base));
    return fnas_fail(context, FNAS_ERR_IO, "%s: %s", trainings->path, base ? sqlite3_errmsg(base) : "out of memory");
}

static fnas_status execute(fnas_context *context, const fnas_trainings *trainings, const char *sql) {
    return sqlite3_exec(trainings->base, sql, NULL, NULL, NULL) == SQLITE_OK ? FNAS_OK : fail_base(context, trainings);
}

static fnas_status prepare(fnas_context *context, const fnas_trainings *trainings, const char *sql, sqlite3_stmt **statement) {
    return sqlite3_prepare_v2(trainings->base, sql, -1, statement, NULL) == SQLITE_OK ? FNAS_OK : fail_base(context, trainings);
}

/* Steps a statement that gives no rows, and ends it. */
static fnas_status finish(fnas_context *context, const fnas_trainings *trainings, sqlite3_stmt *statement) {
    fnas_status status = sqlite3_step(statement) == SQLITE_DONE ? FNAS_OK : fail_base(context, trainings);
    sqlite3_finalize(statement);
    return status;
}

/* ---- settings ---- */

/* Of a file that holds nothing yet; what holds trainings without saying whose is not ours. */
static fnas_status keep_settings(fnas_context *context, const fnas_trainings *trainings, const char *setting) {
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, trainings,
                     "INSERT OR IGNORE INTO settings SELECT 'format', ?1 WHERE NOT EXISTS (SELECT 1 FROM trainings) AND NOT EXISTS (SELECT "
                     "1 FROM scores) UNION SELECT 'setting', ?2 WHERE NOT EXISTS (SELECT 1 FROM trainings) AND NOT EXISTS (SELECT 1 FROM "
                     "scores)",
                     &statement));
    sqlite3_bind_text(statement, 1, FORMAT, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, setting, -1, SQLITE_TRANSIENT);
    return finish(context, trainings, statement);
}

static fnas_status check_setting(fnas_context *context, const fnas_trainings *trainings, const char *key, const char *value) {
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, trainings, "SELECT value FROM settings WHERE key = ?1", &statement));
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
    const char *held = sqlite3_step(statement) == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    fnas_status status = FNAS_OK;
    if (!held || strcmp(held, value) != 0)
        status = fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s holds trainings of another estimate: its %s is\n  %s\nand now\n  %s\nask as before, or remove it to begin anew",
            trainings->path, key, held ? held : "not said", value);
    sqlite3_finalize(statement);
    return status;
}

/* ---- reading ---- */

static fnas_status take(fnas_context *context, fnas_trainings *trainings, const int32_t *choices, const fnas_training_curve *curve) {
    int64_t index;
    FNAS_TRY(fnas_arch_set_add(context, &trainings->archs, choices, &index));
    if (!fnas_grow((void **)&trainings->curves, &trainings->capacity, (size_t)trainings->archs.count, sizeof *curve))
        return fnas_fail_memory(context, "trainings");
    trainings->curves[index] = *curve;
    return FNAS_OK;
}

static bool is_possible(const fnas_training_curve *curve) {
    for (int64_t i = 0; i < FNAS_TRAINING_PARTS; i++)
        if (!(curve->loss[i] >= 0) || isinf(curve->loss[i]) || !(curve->error_pct[i] >= 0 && curve->error_pct[i] <= 100)) return false;
    return true;
}

static fnas_status read_row(fnas_context *context, const fnas_space *space, fnas_trainings *trainings, sqlite3_stmt *statement) {
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    const void *blob = sqlite3_column_blob(statement, 1);
    fnas_training_curve curve;
    int32_t choices[FNAS_ESTIMATE_DECISIONS_MAX];
    if (!text || !blob || sqlite3_column_bytes(statement, 1) != (int)sizeof curve)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: a row of another form: remove the file to begin anew", trainings->path);
    memcpy(&curve, blob, sizeof curve);
    if (!is_possible(&curve))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s has a loss or an error that is impossible: remove the file to begin anew",
                         trainings->path, text);
    if (fnas_space_parse(context, space, text, choices) != FNAS_OK)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%.100s\" is no architecture of %s: remove the file to begin anew", trainings->path,
                         text, fnas_space_name(space));
    return take(context, trainings, choices, &curve);
}

static fnas_status read_rows(fnas_context *context, const fnas_space *space, fnas_trainings *trainings) {
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, trainings, "SELECT arch, curve FROM trainings ORDER BY number", &statement));
    fnas_status status = FNAS_OK;
    int code = SQLITE_ROW;
    while (status == FNAS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) status = read_row(context, space, trainings, statement);
    if (status == FNAS_OK && code != SQLITE_DONE) status = fail_base(context, trainings);
    sqlite3_finalize(statement);
    return status;
}

static fnas_status read_seconds(fnas_context *context, fnas_trainings *trainings) {
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, trainings,
                     "SELECT total(seconds), (SELECT seconds FROM rounds WHERE trainings > 0 ORDER BY number DESC LIMIT 1) FROM rounds",
                     &statement));
    fnas_status status = sqlite3_step(statement) == SQLITE_ROW ? FNAS_OK : fail_base(context, trainings);
    if (status == FNAS_OK) {
        trainings->spent_s = sqlite3_column_double(statement, 0);
        trainings->round_s = sqlite3_column_double(statement, 1);
    }
    sqlite3_finalize(statement);
    return status;
}

fnas_status fnas_trainings_open(fnas_context *context, const fnas_space *space, const char *path, const char *setting,
                                fnas_trainings *trainings) {
    *trainings = (fnas_trainings){.archs = {.decisions = fnas_space_decision_count(space)}, .path = fnas_path_for_sqlite(path)};
    if (!trainings->path) return fnas_fail_memory(context, "a path");
    if (fnas_folder_exists(path))
        return fnas_fail(context, FNAS_ERR_IO, "%s is a folder, where the trainings are kept: move it, or write the errors elsewhere",
                         path);
    sqlite3 *base = NULL;
    int code = sqlite3_open(trainings->path, &base);
    trainings->base = base;
    if (code != SQLITE_OK) return fail_base(context, trainings);
    sqlite3_busy_timeout(base, 1000);
    /* The lock is held until the file is closed: two estimates would train the same. */
    FNAS_TRY(execute(context, trainings, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;"));
    FNAS_TRY(execute(context, trainings, SCHEMA));
    FNAS_TRY(keep_settings(context, trainings, setting));
    FNAS_TRY(check_setting(context, trainings, "format", FORMAT));
    FNAS_TRY(check_setting(context, trainings, "setting", setting));
    FNAS_TRY(read_rows(context, space, trainings));
    return read_seconds(context, trainings);
}

void fnas_trainings_close(fnas_trainings *trainings) {
    sqlite3_close(trainings->base);
    fnas_arch_set_free(&trainings->archs);
    fnas_free(trainings->curves);
    fnas_free(trainings->path);
    *trainings = (fnas_trainings){0};
}

/* ---- adding ---- */

static fnas_status insert(fnas_context *context, const fnas_space *space, fnas_trainings *trainings, const int32_t *choices,
                          const fnas_training_curve *curve) {
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, space, choices, text, sizeof text));
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, trainings, "INSERT INTO trainings(arch, curve) VALUES (?1, ?2)", &statement));
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, curve, (int)sizeof *curve, SQLITE_TRANSIENT);
    FNAS_TRY(finish(context, trainings, statement));
    return take(context, trainings, choices, curve);
}

static fnas_status insert_seconds(fnas_context *context, fnas_trainings *trainings, int64_t count, double seconds) {
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, trainings, "INSERT INTO rounds(trainings, seconds) VALUES (?1, ?2)", &statement));
    sqlite3_bind_int64(statement, 1, count);
    sqlite3_bind_double(statement, 2, seconds);
    FNAS_TRY(finish(context, trainings, statement));
    trainings->spent_s += seconds;
    if (count) trainings->round_s = seconds;
    return FNAS_OK;
}

static fnas_status insert_all(fnas_context *context, const fnas_space *space, fnas_trainings *trainings, int64_t count,
                              const int32_t *choices, const fnas_training_curve *curves, double seconds) {
    int64_t decisions = trainings->archs.decisions;
    for (int64_t i = 0; i < count; i++) FNAS_TRY(insert(context, space, trainings, choices + i * decisions, curves + i));
    FNAS_TRY(insert_seconds(context, trainings, count, seconds));
    return execute(context, trainings, "COMMIT");
}

fnas_status fnas_trainings_add(fnas_context *context, const fnas_space *space, fnas_trainings *trainings, int64_t count,
                               const int32_t *choices, const fnas_training_curve *curves, double seconds) {
    FNAS_TRY(execute(context, trainings, "BEGIN IMMEDIATE"));
    fnas_status status = insert_all(context, space, trainings, count, choices, curves, seconds);
    if (status != FNAS_OK) sqlite3_exec(trainings->base, "ROLLBACK", NULL, NULL, NULL); /* the first failure is the one to tell */
    return status;
}

/* ---- scores ---- */

fnas_status fnas_trainings_find_scores(fnas_context *context, const fnas_trainings *trainings, const char *name, int64_t count,
                                       double *scores, bool *found) {
    sqlite3_stmt *statement;
    size_t bytes = (size_t)count * sizeof *scores;
    FNAS_TRY(prepare(context, trainings, "SELECT scores FROM scores WHERE name = ?1", &statement));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(statement);
    const void *blob = code == SQLITE_ROW ? sqlite3_column_blob(statement, 0) : NULL;
    *found = blob && (size_t)sqlite3_column_bytes(statement, 0) == bytes;
    if (*found) memcpy(scores, blob, bytes);
    for (int64_t i = 0; *found && i < count; i++) *found = !isnan(scores[i]);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? FNAS_OK : fail_base(context, trainings);
}

fnas_status fnas_trainings_keep_scores(fnas_context *context, const fnas_trainings *trainings, const char *name, int64_t count,
                                       const double *scores) {
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, trainings, "INSERT OR REPLACE INTO scores VALUES (?1, ?2)", &statement));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_blob64(statement, 2, scores, (sqlite3_uint64)count * sizeof *scores, SQLITE_TRANSIENT);
    return finish(context, trainings, statement);
}
