/* Rows that tell an architecture by one column a decision, named as the decision is, with the names of its choices in it. */
#ifndef FNAS_DEVICE_IMPORT_DECISIONS_H
#define FNAS_DEVICE_IMPORT_DECISIONS_H

#include "base/csv.h"
#include "fleetnas/space.h"

/* Zero-initialise; fnas_import_decisions_free. Space, path and table are borrowed. */
typedef struct fnas_import_decisions {
    const fnas_space *space;
    const char *path;
    const fnas_csv *csv;
    double tolerance; /* relative: a cell that is a number stands for a choice whose name is that number, so nearly */
    int64_t *columns; /* [decisions] */
    int32_t *other;   /* [decisions] */
} fnas_import_decisions;

/* Finds the columns. *missing is the name of a decision that has none (borrowed from the space), NULL where all have one. */
FNAS_NODISCARD fnas_status fnas_import_decisions_find(fnas_context *context, const fnas_space *space, const char *path, const fnas_csv *csv,
                                                      double tolerance, fnas_import_decisions *decisions, const char **missing);

/* The architecture of a row into choices [decisions]. A cell may be empty where its decision cannot matter. Errors: FNAS_ERR_INPUT
 * "PATH:LINE: ...". */
FNAS_NODISCARD fnas_status fnas_import_decisions_read(fnas_context *context, const fnas_import_decisions *decisions, int64_t row,
                                                      int32_t *choices);
void fnas_import_decisions_free(fnas_import_decisions *decisions);

#endif
