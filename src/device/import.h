/* Tables of latencies, joined by architecture, from which cards are made. One file a format fills them; import.c makes the cards. */
#ifndef FNAS_DEVICE_IMPORT_H
#define FNAS_DEVICE_IMPORT_H

#include "fleetnas/device_import.h"
#include "space/arch_columns.h"

#define FNAS_IMPORT_INDEX_MAX INT64_C(10000000)

/* One file: a CSV table, or (csv NULL) one list of numbers, whose entry i is row i. */
typedef struct fnas_import_table {
    const char *format; /* "csv", "help", "hat"; static */
    char *path;
    fnas_csv *csv;
    bool *is_key;    /* [columns of csv] */
    char *list_name; /* the list's column */
    double *list;    /* [list_count] */
    int64_t list_count;
    size_t list_capacity; /* where it grew row by row */
    int64_t *row_of;      /* [of_capacity] row of each architecture, -1 where it has none */
    size_t row_capacity;
    int64_t row_of_count; /* architectures that row_of knows; of later ones there is no row */
} fnas_import_table;

struct fnas_import {
    const fnas_space *space;
    fnas_arch_set archs; /* in order of arrival */
    fnas_import_table *tables;
    int64_t table_count;
};

/* Reads an index: a CSV table with "arch" and "arch_index" (or "index"), or, where the path ends in ".pt", HELP's map. Distinct
 * architectures, distinct indices. Errors: FNAS_ERR_INPUT naming line or entry, FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_import_index_read(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_index *index);

/* An import with table_count empty tables, whose paths are copied; it is freed by fnas_import_free also when half filled. */
FNAS_NODISCARD fnas_status fnas_import_create(fnas_context *context, const fnas_space *space, const char *format, int64_t table_count,
                                              const char *const *paths, fnas_import **import);

/* Says that `row` of a table is this architecture. *earlier is the row that it stands in already (nothing is changed then), or -1. */
FNAS_NODISCARD fnas_status fnas_import_add_row(fnas_context *context, fnas_import *import, fnas_import_table *table, int64_t row,
                                               const int32_t *choices, int64_t *earlier);

/* Where a column stands; table NULL: nowhere. Borrowed from an import. */
typedef struct fnas_import_source {
    const fnas_import_table *table;
    int64_t index; /* in its CSV table */
} fnas_import_source;

/* Finds a column that is no key. `unit` ("milliseconds", "millijoules"; NULL: any) is the one that is wanted: a column whose name ends in
 * another is refused. Errors: FNAS_ERR_INPUT (missing, in two tables, another unit), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_import_find(fnas_context *context, const fnas_import *import, const char *name, const char *unit,
                                            fnas_import_source *found);
const char *fnas_import_source_name(const fnas_import_source *source); /* borrowed */

/* The row of a table that is this architecture; -1: it has none. */
int64_t fnas_import_row_of(const fnas_import_table *table, int64_t arch);

/* values [arch_count] of a column, by architecture in import->archs; NaN where the column's table has no row for it. Finite numbers of any
 * sign. Unit and errors as fnas_import_find; FNAS_ERR_INPUT naming file, line and column. */
FNAS_NODISCARD fnas_status fnas_import_values(fnas_context *context, const fnas_import *import, const char *column, const char *unit,
                                              double *values);

/* The last part of a path. */
const char *fnas_import_base_name(const char *path);

#endif
