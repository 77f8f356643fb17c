#include "base/csv.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define FNAS_CSV_COLUMNS_MAX 4096

struct fnas_csv {
    char *path;
    char *data;     /* the file; cells are unquoted and ended in place */
    size_t *cells;  /* offsets into data, rows * columns, the header first */
    int64_t *lines; /* of each row, the header first */
    size_t cell_count, cell_capacity, row_count, line_capacity;
    int64_t columns;
};

void fnas_csv_free(fnas_csv *table) {
    if (!table) return;
    fnas_free(table->path);
    fnas_free(table->data);
    fnas_free(table->cells);
    fnas_free(table->lines);
    fnas_free(table);
}

/* Where the reader stands. Text is moved left while quotes are taken away, so `out` never passes `in`. */
typedef struct fnas_csv_cursor {
    size_t in, out, size;
    int64_t line;
} fnas_csv_cursor;

static fnas_status fnas_csv_add_cell(fnas_context *context, fnas_csv *table, size_t offset) {
    void *cells = table->cells;
    bool grown = fnas_grow(&cells, &table->cell_capacity, table->cell_count + 1, sizeof *table->cells);
    table->cells = cells;
    if (!grown) return fnas_fail_memory(context, table->path);
    table->cells[table->cell_count++] = offset;
    return FNAS_OK;
}

static fnas_status fnas_csv_add_row(fnas_context *context, fnas_csv *table, int64_t line) {
    void *lines = table->lines;
    bool grown = fnas_grow(&lines, &table->line_capacity, table->row_count + 1, sizeof *table->lines);
    table->lines = lines;
    if (!grown) return fnas_fail_memory(context, table->path);
    table->lines[table->row_count++] = line;
    return FNAS_OK;
}

static bool fnas_csv_ends_cell(const fnas_csv *table, const fnas_csv_cursor *cursor) {
    if (cursor->in >= cursor->size) return true;
    char c = table->data[cursor->in];
    return c == ',' || c == '\n' || (c == '\r' && (cursor->in + 1 >= cursor->size || table->data[cursor->in + 1] == '\n'));
}

static fnas_status fnas_csv_read_quoted(fnas_context *context, fnas_csv *table, fnas_csv_cursor *cursor) {
    int64_t first_line = cursor->line;
    for (cursor->in++; cursor->in < cursor->size; cursor->in++) {
        char c = table->data[cursor->in];
        if (c == '\n') cursor->line++;
        if (c == '"') {
            if (cursor->in + 1 >= cursor->size || table->data[cursor->in + 1] != '"') break;
            cursor->in++;
        }
        table->data[cursor->out++] = c;
    }
    if (cursor->in >= cursor->size) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: a quoted cell begins here and never ends", table->path, (long long)first_line);
    }
    cursor->in++;
    if (fnas_csv_ends_cell(table, cursor)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: text behind the closing quote of a cell", table->path, (long long)cursor->line);
}

static fnas_status fnas_csv_read_plain(fnas_context *context, fnas_csv *table, fnas_csv_cursor *cursor) {
    for (; !fnas_csv_ends_cell(table, cursor); cursor->in++) {
        char c = table->data[cursor->in];
        if (c == '"') {
            return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: a quote inside a cell without quotes", table->path,
                             (long long)cursor->line);
        }
        table->data[cursor->out++] = c;
    }
    return FNAS_OK;
}

/* Reads one cell and the separator behind it; *row_ends says whether that ended the row. */
static fnas_status fnas_csv_read_cell(fnas_context *context, fnas_csv *table, fnas_csv_cursor *cursor, bool *row_ends) {
    FNAS_TRY(fnas_csv_add_cell(context, table, cursor->out));
    bool quoted = cursor->in < cursor->size && table->data[cursor->in] == '"';
    if (quoted)
        FNAS_TRY(fnas_csv_read_quoted(context, table, cursor));
    else
        FNAS_TRY(fnas_csv_read_plain(context, table, cursor));

    *row_ends = cursor->in >= cursor->size || table->data[cursor->in] != ',';
    if (*row_ends) {
        if (cursor->in < cursor->size && table->data[cursor->in] == '\r') cursor->in++;
        if (cursor->in < cursor->size && table->data[cursor->in] == '\n') cursor->in++;
        cursor->line++;
    } else {
        cursor->in++;
    }
    table->data[cursor->out++] = 0; /* there is room: a separator was passed, or the 0 behind the file's end */
    return FNAS_OK;
}

static fnas_status fnas_csv_read_row(fnas_context *context, fnas_csv *table, fnas_csv_cursor *cursor) {
    int64_t line = cursor->line, cells = 0;
    FNAS_TRY(fnas_csv_add_row(context, table, line));
    for (bool row_ends = false; !row_ends; cells++) {
        if (cells == FNAS_CSV_COLUMNS_MAX) {
            return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: more than %d cells in a row", table->path, (long long)line,
                             FNAS_CSV_COLUMNS_MAX);
        }
        FNAS_TRY(fnas_csv_read_cell(context, table, cursor, &row_ends));
    }
    if (table->row_count == 1) table->columns = cells;
    if (cells == table->columns) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: %lld %s, the header has %lld", table->path, (long long)line, (long long)cells,
                     cells == 1 ? "cell" : "cells", (long long)table->columns);
}

static bool fnas_csv_skip_blank_line(const fnas_csv *table, fnas_csv_cursor *cursor) {
    size_t length = table->data[cursor->in] == '\r' && cursor->in + 1 < cursor->size ? 1 : 0;
    if (table->data[cursor->in + length] != '\n') return false;
    cursor->in += length + 1;
    cursor->line++;
    return true;
}

static fnas_status fnas_csv_check_header(fnas_context *context, const fnas_csv *table) {
    for (int64_t i = 0; i < table->columns; i++) {
        const char *name = fnas_csv_header(table, i);
        if (fnas_csv_find_column(table, name) != i) {
            return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: two columns are named \"%s\"", table->path, (long long)table->lines[0],
                             name);
        }
    }
    return FNAS_OK;
}

static fnas_status fnas_csv_parse(fnas_context *context, fnas_csv *table, size_t size_bytes) {
    fnas_csv_cursor cursor = {.size = size_bytes, .line = 1};
    if (memchr(table->data, 0, size_bytes))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: not a text file: it holds a 0 byte", table->path);
    if (size_bytes >= 3 && !memcmp(table->data, "\xEF\xBB\xBF", 3)) cursor.in = cursor.out = 3; /* byte order mark of spreadsheets */
    while (cursor.in < cursor.size) {
        if (!fnas_csv_skip_blank_line(table, &cursor)) FNAS_TRY(fnas_csv_read_row(context, table, &cursor));
    }
    if (!table->row_count)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: empty: a CSV table begins with a row of column names", table->path);
    return fnas_csv_check_header(context, table);
}

fnas_status fnas_csv_read(fnas_context *context, const char *path, size_t limit_bytes, fnas_csv **table) {
    *table = NULL;
    unsigned char *data;
    size_t size_bytes;
    FNAS_TRY(fnas_file_read(context, path, limit_bytes, &data, &size_bytes));
    fnas_csv *created = fnas_allocate(1, sizeof *created);
    if (!created) {
        fnas_free(data);
        return fnas_fail_memory(context, path);
    }
    created->data = (char *)data;
    created->path = fnas_strdup(path);
    fnas_status status = created->path ? fnas_csv_parse(context, created, size_bytes) : fnas_fail_memory(context, path);
    if (status != FNAS_OK) {
        fnas_csv_free(created);
        return status;
    }
    *table = created;
    return FNAS_OK;
}

int64_t fnas_csv_rows(const fnas_csv *table) {
    return (int64_t)table->row_count - 1;
}

int64_t fnas_csv_columns(const fnas_csv *table) {
    return table->columns;
}

const char *fnas_csv_header(const fnas_csv *table, int64_t column) {
    return table->data + table->cells[column];
}

int64_t fnas_csv_find_column(const fnas_csv *table, const char *name) {
    for (int64_t i = 0; i < table->columns; i++) {
        if (!strcmp(fnas_csv_header(table, i), name)) return i;
    }
    return -1;
}

static fnas_status fnas_csv_fail_column(fnas_context *context, const fnas_csv *table, const char *name) {
    const char **names = fnas_allocate((size_t)table->columns + 1, sizeof *names);
    if (!names) return fnas_fail_memory(context, table->path);
    for (int64_t i = 0; i < table->columns; i++) names[i] = fnas_csv_header(table, i);
    const char *near = fnas_suggest(name, names);
    fnas_free(names);
    if (near) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: column \"%s\" is missing: did you mean \"%s\"?", table->path, name, near);
    }
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: column \"%s\" is missing", table->path, name);
}

fnas_status fnas_csv_column(fnas_context *context, const fnas_csv *table, const char *name, int64_t *column) {
    *column = fnas_csv_find_column(table, name);
    return *column >= 0 ? FNAS_OK : fnas_csv_fail_column(context, table, name);
}

const char *fnas_csv_cell(const fnas_csv *table, int64_t row, int64_t column) {
    return table->data + table->cells[(row + 1) * table->columns + column];
}

int64_t fnas_csv_line(const fnas_csv *table, int64_t row) {
    return table->lines[row + 1];
}

fnas_status fnas_csv_number(fnas_context *context, const fnas_csv *table, int64_t row, int64_t column, double *value) {
    const char *cell = fnas_csv_cell(table, row, column);
    if (fnas_parse_double(cell, value)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" is \"%.80s\", it must be a finite number", table->path,
                     (long long)fnas_csv_line(table, row), fnas_csv_header(table, column), cell);
}

void fnas_csv_append_cell(fnas_text *text, const char *cell) {
    if (!strpbrk(cell, ",\"\r\n")) {
        fnas_text_append(text, "%s", cell);
        return;
    }
    fnas_text_append(text, "\"");
    for (const char *c = cell; *c; c++) {
        if (*c == '"') fnas_text_append(text, "\"");
        fnas_text_append_bytes(text, c, 1);
    }
    fnas_text_append(text, "\"");
}
