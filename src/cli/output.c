#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "options.h"

/* ---- JSON ---- */

static void cli_json_quote(FILE *file, const char *text) {
    fputc('"', file);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(file, "\\%c", *p);
        else if (*p < 0x20)
            fprintf(file, "\\u%04x", *p);
        else
            fputc(*p, file);
    }
    fputc('"', file);
}

static void cli_json_begin_value(cli_json *json, const char *key) {
    if (json->filled[json->depth]) fputc(',', json->file);
    json->filled[json->depth] = true;
    if (json->depth) fprintf(json->file, "\n%*s", 2 * json->depth, "");
    if (!key) return;
    cli_json_quote(json->file, key);
    fputs(": ", json->file);
}

static void cli_json_open(cli_json *json, const char *key, char bracket) {
    cli_json_begin_value(json, key);
    fputc(bracket, json->file);
    json->filled[++json->depth] = false;
}

void cli_json_object(cli_json *json, const char *key) {
    cli_json_open(json, key, '{');
}

void cli_json_array(cli_json *json, const char *key) {
    cli_json_open(json, key, '[');
}

void cli_json_end(cli_json *json, char bracket) {
    bool filled = json->filled[json->depth--];
    if (filled) fprintf(json->file, "\n%*s", 2 * json->depth, "");
    fputc(bracket, json->file);
    if (!json->depth) fputc('\n', json->file);
}

void cli_json_text(cli_json *json, const char *key, const char *value) {
    cli_json_begin_value(json, key);
    if (value)
        cli_json_quote(json->file, value);
    else
        fputs("null", json->file);
}

void cli_json_number(cli_json *json, const char *key, double value) {
    cli_json_begin_value(json, key);
    if (!isfinite(value)) {
        fputs("null", json->file);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    fputs(text, json->file);
}

void cli_json_integer(cli_json *json, const char *key, int64_t value) {
    cli_json_begin_value(json, key);
    fprintf(json->file, "%lld", (long long)value);
}

void cli_json_flag(cli_json *json, const char *key, bool value) {
    cli_json_begin_value(json, key);
    fputs(value ? "true" : "false", json->file);
}

/* ---- files ---- */

static bool cli_copy_to_stdout(FILE *file) {
    char bytes[4096];
    size_t got;
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0) fwrite(bytes, 1, got, stdout);
    return !ferror(file);
}

/* The library's writers replace files as a whole, which standard output, being perhaps a file that is appended to, must not be. The folder
 * is locked while it is in use: one that a killed process left behind is removed by the next measurement (base/temporary.h). */
fnas_status cli_save_to_stdout(fnas_context *context, const char *verb, cli_save_function *save, const void *user) {
    const char *base = getenv("TMPDIR");
    char folder[4096], path[sizeof folder + 8];
    snprintf(folder, sizeof folder, "%s/fleetnas-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder)) return cli_fail(verb, FNAS_ERR_IO, "%s: cannot create a temporary folder: %s", folder, strerror(errno));
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0) (void)flock(lock, LOCK_EX);
    snprintf(path, sizeof path, "%s/result", folder);
    fnas_status status = save(context, user, path);
    FILE *file = status == FNAS_OK ? fopen(path, "r") : NULL;
    if (status == FNAS_OK && !file) status = cli_fail(verb, FNAS_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    unlink(path); /* before the copy: a reader who leaves, as head does, ends this process with SIGPIPE */
    rmdir(folder);
    if (lock >= 0) close(lock);
    if (file && !cli_copy_to_stdout(file)) status = cli_fail(verb, FNAS_ERR_IO, "%s: cannot read", path);
    if (file) fclose(file);
    return status;
}

/* ---- cells of tables ---- */

void cli_print_cell(int width, int digits, double value) {
    if (isfinite(value))
        printf("%*.*g", width, digits, value);
    else
        printf("%*s", width, "-");
}

void cli_print_fixed(int width, int decimals, double value) {
    if (isfinite(value))
        printf("%*.*f", width, decimals, value);
    else
        printf("%*s", width, "-");
}

int cli_decimals(double largest, int digits) {
    if (!isfinite(largest) || largest <= 0) return 0;
    int decimals = digits - 1 - (int)floor(log10(largest));
    return decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
}

bool cli_has_suffix(const char *path, const char *suffix) {
    size_t length = strlen(path), wanted = strlen(suffix);
    return length > wanted && !strcmp(path + length - wanted, suffix);
}
