#include "search/run/log.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

static const char SCHEMA[] = "CREATE TABLE IF NOT EXISTS settings(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
                             "CREATE TABLE IF NOT EXISTS events(time TEXT NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL, event "
                             "TEXT NOT NULL, detail TEXT NOT NULL);";

static fnas_status fail_sqlite(fnas_context *context, const char *path, sqlite3 *base) {
    int code = base ? sqlite3_errcode(base) & 0xff : SQLITE_NOMEM;
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s; delete it: the run goes on without, and needs --data from then on", path,
                         sqlite3_errmsg(base));
    return fnas_fail(context, FNAS_ERR_IO, "%s: %s", path, base ? sqlite3_errmsg(base) : "out of memory");
}

static char *log_path(const char *run) {
    char *name = fnas_path_join(run, "log.sqlite"), *path = name ? fnas_path_for_sqlite(name) : NULL;
    fnas_free(name);
    return path;
}

/* Runs one statement with up to four text values; *value (may be NULL) gets the first column of the first row. */
static fnas_status run_statement(fnas_context *context, const char *run, const char *sql, int count, const char *const *texts,
                                 char **value) {
    char *path = log_path(run);
    if (!path) return fnas_fail_memory(context, "a path");
    sqlite3 *base = NULL;
    sqlite3_stmt *statement = NULL;
    fnas_status status = FNAS_OK;
    if (sqlite3_open(path, &base) != SQLITE_OK) status = fail_sqlite(context, path, base);
    if (status == FNAS_OK) sqlite3_busy_timeout(base, 5000);
    if (status == FNAS_OK &&
        (sqlite3_exec(base, SCHEMA, NULL, NULL, NULL) != SQLITE_OK || sqlite3_prepare_v2(base, sql, -1, &statement, NULL) != SQLITE_OK)) {
        status = fail_sqlite(context, path, base);
    }
    for (int i = 0; status == FNAS_OK && i < count; i++) {
        if (sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_TRANSIENT) != SQLITE_OK) status = fail_sqlite(context, path, base);
    }
    if (status == FNAS_OK) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW && value) {
            *value = fnas_strdup((const char *)sqlite3_column_text(statement, 0));
            if (!*value) status = fnas_fail_memory(context, "a setting");
        } else if (code != SQLITE_DONE && code != SQLITE_ROW) {
            status = fail_sqlite(context, path, base);
        }
    }
    sqlite3_finalize(statement);
    sqlite3_close(base);
    fnas_free(path);
    return status;
}

fnas_status fnas_run_log_event(fnas_context *context, const char *run, const char *event, const char *detail) {
    char host[256] = "unknown", process[32];
    if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "unknown");
    snprintf(process, sizeof process, "%ld", (long)getpid());
    const char *texts[] = {host, process, event, detail};
    return run_statement(context, run, "INSERT INTO events VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?1, ?2, ?3, ?4)", 4, texts, NULL);
}

fnas_status fnas_run_log_set(fnas_context *context, const char *run, const char *key, const char *value) {
    const char *texts[] = {key, value};
    return run_statement(context, run, "INSERT OR REPLACE INTO settings VALUES (?1, ?2)", 2, texts, NULL);
}

fnas_status fnas_run_log_get(fnas_context *context, const char *run, const char *key, char **value) {
    *value = NULL;
    const char *texts[] = {key};
    return run_statement(context, run, "SELECT value FROM settings WHERE key = ?1", 1, texts, value);
}
