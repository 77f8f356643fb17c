/* Tables of architectures: CSV with a row an architecture, as a column "arch" of native strings or as one column a decision. */
#ifndef FNAS_SPACE_ARCH_TABLE_H
#define FNAS_SPACE_ARCH_TABLE_H

#include "space/arch_columns.h"

/* Zero-initialise; released by fnas_arch_table_free, also after a failure. */
typedef struct fnas_arch_table {
    fnas_csv *csv;
    int64_t count;
    int32_t *choices; /* [count][decisions]: of each row, as the space parses it */
} fnas_arch_table;

/* With a column "arch" its native strings count; without, every decision needs a column of its name with the names of its choices
 * (space/arch_columns.h). Errors: FNAS_ERR_INPUT "PATH:LINE: ..." for a choice that the space has not, ragged rows,
 * two rows of one architecture, no row; FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_arch_table_read(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_table *table);
void fnas_arch_table_free(fnas_arch_table *table);

#endif
