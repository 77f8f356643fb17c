#include "device/samples.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define COMMIT_MS 500
#define PAGE_BYTES 4096 /* of SQLite, where nothing else is asked for */
#define FORMAT_NAME "fleetnas-samples/"
#define FORMAT FORMAT_NAME "1"

static const char SCHEMA[] = "CREATE TABLE IF NOT EXISTS settings(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
                             "CREATE TABLE IF NOT EXISTS samples(part INTEGER NOT NULL, round INTEGER NOT NULL, turn INTEGER NOT NULL, "
                             "arch INTEGER NOT NULL, ms REAL NOT NULL, energy_mj REAL, difference REAL, PRIMARY KEY(part, round, turn));";

struct fnas_samples {
    char *path;
    sqlite3 *base;
    sqlite3_stmt *find, *add, *get, *set;
    bool is_open;      /* a transaction is */
    bool is_foreign;   /* tables are there that no version of ours has */
    double written_ms; /* when the last one ended */
};

static fnas_status fail_base(fnas_context *context, const fnas_samples *samples) {
    int code = samples->base ? sqlite3_errcode(samples->base) & 0xff : SQLITE_NOMEM;
    if (code == SQLITE_BUSY)
        return fnas_fail(context, FNAS_ERR_IO, "%s: another measurement is writing to it: wait for its end", samples->path);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s: these are no samples of a measurement; remove it, or write the card elsewhere",
                         samples->path, sqlite3_errmsg(samples->base));
    return fnas_fail(context, FNAS_ERR_IO, "%s: %s", samples->path, samples->base ? sqlite3_errmsg(samples->base) : "out of memory");
}

static fnas_status execute(fnas_context *context, const fnas_samples *samples, const char *sql) {
    return sqlite3_exec(samples->base, sql, NULL, NULL, NULL) == SQLITE_OK ? FNAS_OK : fail_base(context, samples);
}

static fnas_status prepare(fnas_context *context, const fnas_samples *samples, const char *sql, sqlite3_stmt **statement) {
    return sqlite3_prepare_v2(samples->base, sql, -1, statement, NULL) == SQLITE_OK ? FNAS_OK : fail_base(context, samples);
}

/* ---- transactions ---- */

static fnas_status begin_writing(fnas_context *context, fnas_samples *samples) {
    if (samples->is_open) return FNAS_OK;
    FNAS_TRY(execute(context, samples, "BEGIN IMMEDIATE"));
    samples->is_open = true;
    return FNAS_OK;
}

static fnas_status end_writing(fnas_context *context, fnas_samples *samples) {
    if (!samples->is_open) return FNAS_OK;
    FNAS_TRY(execute(context, samples, "COMMIT"));
    samples->is_open = false;
    samples->written_ms = fnas_wall_ms();
    return FNAS_OK;
}

/* Each commit waits for the disk, which would cost more than a short sample. */
static fnas_status end_writing_at_times(fnas_context *context, fnas_samples *samples) {
    return fnas_wall_ms() - samples->written_ms < COMMIT_MS ? FNAS_OK : end_writing(context, samples);
}

/* Runs a prepared statement that gives no rows. */
static fnas_status run(fnas_context *context, const fnas_samples *samples, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    fnas_status status = code == SQLITE_DONE ? FNAS_OK : fail_base(context, samples);
    sqlite3_reset(statement);
    return status;
}

/* ---- settings ---- */

fnas_status fnas_samples_held(fnas_context *context, fnas_samples *samples, const char *key, char *text, size_t size_bytes) {
    text[0] = '\0';
    sqlite3_bind_text(samples->get, 1, key, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(samples->get);
    const unsigned char *value = code == SQLITE_ROW ? sqlite3_column_text(samples->get, 0) : NULL;
    if (value) snprintf(text, size_bytes, "%s", (const char *)value);
    fnas_status status = code == SQLITE_ROW || code == SQLITE_DONE ? FNAS_OK : fail_base(context, samples);
    sqlite3_reset(samples->get);
    return status;
}

/* Whether the key has a value, and that it is no other. */
static fnas_status compare_held(fnas_context *context, fnas_samples *samples, const char *key, const char *value, bool *is_held) {
    sqlite3_bind_text(samples->get, 1, key, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(samples->get);
    const char *held = code == SQLITE_ROW ? (const char *)sqlite3_column_text(samples->get, 0) : NULL;
    fnas_status status = code == SQLITE_ROW || code == SQLITE_DONE ? FNAS_OK : fail_base(context, samples);
    *is_held = held != NULL;
    if (held && strcmp(held, value) != 0)
        status = fnas_fail(context, FNAS_ERR_INPUT,
                           "%s holds samples of another measurement: %s is \"%.300s\" there and \"%.300s\" now: measure as before, or "
                           "begin anew (--anew)",
                           samples->path, key, held, value);
    sqlite3_reset(samples->get);
    return status;
}

fnas_status fnas_samples_hold(fnas_context *context, fnas_samples *samples, const char *key, const char *value) {
    bool is_held;
    FNAS_TRY(compare_held(context, samples, key, value, &is_held));
    if (is_held) return FNAS_OK;
    FNAS_TRY(begin_writing(context, samples));
    sqlite3_bind_text(samples->set, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(samples->set, 2, value, -1, SQLITE_TRANSIENT);
    return run(context, samples, samples->set);
}

/* ---- samples ---- */

static void bind_turn(sqlite3_stmt *statement, fnas_samples_turn turn) {
    sqlite3_bind_int64(statement, 1, turn.part);
    sqlite3_bind_int64(statement, 2, turn.round);
    sqlite3_bind_int64(statement, 3, turn.turn);
}

static double column_or_nan(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}

fnas_status fnas_samples_find(fnas_context *context, fnas_samples *samples, fnas_samples_turn turn, bool *found, fnas_sample *sample) {
    bind_turn(samples->find, turn);
    int code = sqlite3_step(samples->find);
    *found = code == SQLITE_ROW;
    if (*found)
        *sample = (fnas_sample){sqlite3_column_int64(samples->find, 0), column_or_nan(samples->find, 1), column_or_nan(samples->find, 2),
                                column_or_nan(samples->find, 3)};
    fnas_status status = *found || code == SQLITE_DONE ? FNAS_OK : fail_base(context, samples);
    sqlite3_reset(samples->find);
    return status;
}

fnas_status fnas_samples_add(fnas_context *context, fnas_samples *samples, fnas_samples_turn turn, const fnas_sample *sample) {
    FNAS_TRY(begin_writing(context, samples));
    bind_turn(samples->add, turn);
    sqlite3_bind_int64(samples->add, 4, sample->arch);
    sqlite3_bind_double(samples->add, 5, sample->ms); /* NaN becomes NULL */
    sqlite3_bind_double(samples->add, 6, sample->energy_mj);
    sqlite3_bind_double(samples->add, 7, sample->difference);
    FNAS_TRY(run(context, samples, samples->add));
    return end_writing_at_times(context, samples);
}

/* ---- open and close ---- */

/* The file, locked until it is closed, in a transaction. */
static fnas_status open_base(fnas_context *context, fnas_samples *samples) {
    if (sqlite3_open(samples->path, &samples->base) != SQLITE_OK) return fail_base(context, samples);
    sqlite3_busy_timeout(samples->base, 1000);
    /* Two measurements into one file would mix their samples: the first that writes keeps it. */
    FNAS_TRY(execute(context, samples, "PRAGMA locking_mode = EXCLUSIVE"));
    return begin_writing(context, samples);
}

static fnas_status fail_foreign(fnas_context *context, const fnas_samples *samples) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: these are no samples of a measurement; remove it, or write the card elsewhere",
                     samples->path);
}

/* A base with other tables is somebody else's, also where it has none of our names: nothing is added to it. */
static fnas_status check_tables(fnas_context *context, fnas_samples *samples) {
    sqlite3_stmt *statement;
    FNAS_TRY(prepare(context, samples,
                     "SELECT 1 FROM sqlite_master WHERE tbl_name NOT IN ('settings', 'samples') AND tbl_name NOT LIKE 'sqlite~_%' ESCAPE "
                     "'~'",
                     &statement));
    int code = sqlite3_step(statement);
    samples->is_foreign = code == SQLITE_ROW;
    fnas_status status = samples->is_foreign ? fail_foreign(context, samples) : code == SQLITE_DONE ? FNAS_OK : fail_base(context, samples);
    sqlite3_finalize(statement);
    return status;
}

/* Whether the file is of this version; one that holds nothing is. Rows that no version of ours wrote are somebody else's. Before anything
 * more is asked of the tables, which another version may have made otherwise. */
static fnas_status check_format(fnas_context *context, fnas_samples *samples, bool *is_this) {
    sqlite3_stmt *statement;
    FNAS_TRY(check_tables(context, samples));
    FNAS_TRY(execute(context, samples, SCHEMA));
    FNAS_TRY(prepare(context, samples,
                     "SELECT coalesce((SELECT value FROM settings WHERE key = 'format'), (SELECT 'none' FROM settings LIMIT 1), "
                     "(SELECT 'none' FROM samples LIMIT 1), '" FORMAT "')",
                     &statement));
    int code = sqlite3_step(statement);
    const char *format = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    fnas_status status = code == SQLITE_ROW ? FNAS_OK : fail_base(context, samples);
    *is_this = format && strcmp(format, FORMAT) == 0;
    if (status == FNAS_OK && (!format || strncmp(format, FORMAT_NAME, strlen(FORMAT_NAME)) != 0)) status = fail_foreign(context, samples);
    sqlite3_finalize(statement);
    return status;
}

static fnas_status open_tables(fnas_context *context, fnas_samples *samples) {
    bool is_this;
    FNAS_TRY(check_format(context, samples, &is_this));
    if (!is_this)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s holds samples of another version of fleetnas: begin anew (--anew), or go on with that one", samples->path);
    FNAS_TRY(prepare(context, samples, "SELECT value FROM settings WHERE key = ?1", &samples->get));
    FNAS_TRY(prepare(context, samples, "INSERT INTO settings VALUES (?1, ?2)", &samples->set));
    FNAS_TRY(prepare(context, samples, "SELECT arch, ms, energy_mj, difference FROM samples WHERE part = ?1 AND round = ?2 AND turn = ?3",
                     &samples->find));
    return prepare(context, samples, "INSERT INTO samples VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &samples->add);
}

/* Settings of a measurement that took no sample bind nobody. */
static fnas_status forget_settings_without_samples(fnas_context *context, fnas_samples *samples) {
    return execute(context, samples, "DELETE FROM settings WHERE NOT EXISTS (SELECT 1 FROM samples)");
}

static fnas_status hold_settings(fnas_context *context, fnas_samples *samples, int64_t count, const fnas_samples_setting *settings) {
    FNAS_TRY(forget_settings_without_samples(context, samples));
    FNAS_TRY(fnas_samples_hold(context, samples, "format", FORMAT));
    for (int64_t i = 0; i < count; i++) FNAS_TRY(fnas_samples_hold(context, samples, settings[i].key, settings[i].value));
    return end_writing(context, samples);
}

static void release(fnas_samples *samples) {
    sqlite3_finalize(samples->get);
    sqlite3_finalize(samples->set);
    sqlite3_finalize(samples->find);
    sqlite3_finalize(samples->add);
    sqlite3_close(samples->base); /* takes back what is not committed */
    fnas_free(samples->path);
    fnas_free(samples);
}

static fnas_samples *make(const char *path) {
    fnas_samples *made = fnas_allocate(1, sizeof *made);
    if (made && (made->path = fnas_path_for_sqlite(path))) return made;
    fnas_free(made);
    return NULL;
}

fnas_status fnas_samples_open(fnas_context *context, const char *path, int64_t count, const fnas_samples_setting *settings,
                              fnas_samples **samples) {
    *samples = NULL;
    fnas_samples *made = make(path);
    if (!made) return fnas_fail_memory(context, path);
    fnas_status status = open_base(context, made);
    if (status == FNAS_OK) status = open_tables(context, made);
    if (status == FNAS_OK) status = hold_settings(context, made, count, settings);
    if (status == FNAS_OK)
        *samples = made;
    else
        release(made);
    return status;
}

/* ---- forgetting ---- */

/* Samples of any version. */
static fnas_status forget(fnas_context *context, fnas_samples *samples) {
    bool is_this;
    FNAS_TRY(open_base(context, samples));
    FNAS_TRY(check_format(context, samples, &is_this));
    FNAS_TRY(execute(context, samples, "DROP TABLE samples; DROP TABLE settings"));
    return end_writing(context, samples);
}

static bool holds(const unsigned char *bytes, size_t count, const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= count; i++)
        if (memcmp(bytes + i, text, length) == 0) return true;
    return false;
}

/* Whether a base that cannot be read as samples may be what is left of some: SQLite keeps the texts of tables in the first page. Where
 * that is lost there is no table of anybody's. */
static bool is_rest_of_samples(const char *path) {
    static const char magic[] = "SQLite format 3";
    unsigned char page[PAGE_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    size_t count = fread(page, 1, sizeof page, file);
    fclose(file);
    if (count < sizeof magic || memcmp(page, magic, sizeof magic) != 0) return false;
    return holds(page, count, "CREATE TABLE samples(part INTEGER") || !holds(page, count, "CREATE ");
}

/* Empties a base that is damaged, under SQLite's lock: what others write into is left to them. */
static fnas_status empty(fnas_context *context, fnas_samples *samples) {
    if (sqlite3_open(samples->path, &samples->base) != SQLITE_OK) return fail_base(context, samples);
    sqlite3_busy_timeout(samples->base, 1000);
    sqlite3_db_config(samples->base, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
    fnas_status status = execute(context, samples, "VACUUM");
    sqlite3_db_config(samples->base, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
    return status;
}

static fnas_status empty_damaged(fnas_context *context, const char *path) {
    fnas_samples *samples = make(path);
    if (!samples) return fnas_fail_memory(context, path);
    fnas_status status = empty(context, samples);
    release(samples);
    return status;
}

fnas_status fnas_samples_forget(fnas_context *context, const char *path) {
    if (!fnas_file_exists(path)) return FNAS_OK;
    fnas_samples *samples = make(path);
    if (!samples) return fnas_fail_memory(context, path);
    fnas_status status = forget(context, samples);
    bool is_damaged = status == FNAS_ERR_INPUT && !samples->is_foreign && is_rest_of_samples(path);
    release(samples);
    return is_damaged ? empty_damaged(context, path) : status;
}

fnas_status fnas_samples_close(fnas_context *context, fnas_samples *samples) {
    if (!samples) return FNAS_OK;
    fnas_status status = end_writing(context, samples);
    release(samples);
    return status;
}
