/* CSV tables (RFC 4180 quoting, header row) held as text cells. */
#ifndef FNAS_BASE_CSV_H
#define FNAS_BASE_CSV_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

typedef struct fnas_csv fnas_csv;

/* Reads a table of at most limit_bytes; every row must have as many cells as the header: "PATH:LINE: 3 cells, the header has 4". Owned. */
FNAS_NODISCARD fnas_status fnas_csv_read(fnas_context *context, const char *path, size_t limit_bytes, fnas_csv **table);
void fnas_csv_free(fnas_csv *table);
int64_t fnas_csv_rows(const fnas_csv *table);
int64_t fnas_csv_columns(const fnas_csv *table);
const char *fnas_csv_header(const fnas_csv *table, int64_t column);
int64_t fnas_csv_find_column(const fnas_csv *table, const char *name); /* -1 when absent */
FNAS_NODISCARD fnas_status fnas_csv_column(fnas_context *context, const fnas_csv *table, const char *name,
                                           int64_t *column);                   /* absent: error with suggestion */
const char *fnas_csv_cell(const fnas_csv *table, int64_t row, int64_t column); /* borrowed */
int64_t fnas_csv_line(const fnas_csv *table, int64_t row);                     /* its line in the file, for messages */
FNAS_NODISCARD fnas_status fnas_csv_number(fnas_context *context, const fnas_csv *table, int64_t row, int64_t column,
                                           double *value); /* finite */

/* A cell for writing, quoted where RFC 4180 asks for it. */
void fnas_csv_append_cell(fnas_text *text, const char *cell);

#endif
