/* How a row of a CSV table tells its architecture: the one reader behind imports, truth tables, spaces' tables and errors from a table. */
#ifndef FNAS_SPACE_ARCH_COLUMNS_H
#define FNAS_SPACE_ARCH_COLUMNS_H

#include "base/csv.h"
#include "space/space.h"

#define FNAS_ARCH_CSV_LIMIT_BYTES ((size_t)1 << 30)
#define FNAS_ARCH_CSV_ROWS_MAX 2000000

/* Which architecture an index means. Zero-initialise; fnas_arch_index_free. */
typedef struct fnas_arch_index {
    fnas_arch_set archs;
    int64_t *arch_of; /* [size] place in archs, -1 where an index is missing */
    int64_t size;     /* the largest index + 1 */
} fnas_arch_index;
void fnas_arch_index_free(fnas_arch_index *index);

typedef enum fnas_arch_key { FNAS_ARCH_KEY_TEXT, FNAS_ARCH_KEY_INDEX, FNAS_ARCH_KEY_DECISIONS } fnas_arch_key;

/* What a caller takes for a key; zero: native strings, else decisions. */
typedef struct fnas_arch_key_policy {
    bool decisions_only;          /* "arch" and indices are columns like others */
    double tolerance;             /* relative: a cell that is a number stands for a choice whose name is that number, so nearly */
    const fnas_arch_index *index; /* borrowed; NULL: indices are passed over */
} fnas_arch_key_policy;

/* Zero-initialise; released by fnas_arch_columns_free, also after a failure. Space, path, table and index are borrowed. */
typedef struct fnas_arch_columns {
    const fnas_space *space;
    const char *path;
    const fnas_csv *csv;
    fnas_arch_key_policy policy;
    fnas_arch_key key;
    int64_t column;      /* of a text or an index */
    int64_t *decisions;  /* [decisions] columns, where those are the key */
    int32_t *other;      /* [decisions] */
    const char *missing; /* after a failure: the decision that has no column, borrowed from the space; else NULL */
    bool has_index;      /* whether there is a column "arch_index" or "index" */
} fnas_arch_columns;

/* Finds what tells the architecture: "arch" (native strings), else, with an index, "arch_index" or "index", else one column a decision,
 * named as it is. Errors: FNAS_ERR_INPUT "PATH:1: ..." where there is none of these, no row, or too many; FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_arch_columns_find(fnas_context *context, const fnas_space *space, const char *path, const fnas_csv *csv,
                                                  const fnas_arch_key_policy *policy, fnas_arch_columns *columns);

/* Whether a column is no measurement: one of those that tell the architecture, or could have. */
bool fnas_arch_columns_is_key(const fnas_arch_columns *columns, int64_t column);

/* The architecture of a row into choices [decisions], settled. The cell of a decision has a choice's name, or the same number spelled
 * otherwise; it may be empty where the decision cannot matter. Errors: FNAS_ERR_INPUT "PATH:LINE: ...". */
FNAS_NODISCARD fnas_status fnas_arch_columns_read(fnas_context *context, const fnas_arch_columns *columns, int64_t row, int32_t *choices);
void fnas_arch_columns_free(fnas_arch_columns *columns);

#endif
