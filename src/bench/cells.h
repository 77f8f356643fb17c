/* Architectures from a file: a native string a line; lines that begin with # are remarks. */
#ifndef FNAS_BENCH_CELLS_H
#define FNAS_BENCH_CELLS_H

#include "space/space.h"

/* Zero-initialise; released with fnas_cells_free. */
typedef struct fnas_cells {
    int64_t count;
    int32_t *choices; /* [count][decisions], in the order of the file; one may stand there again */
    size_t capacity;
    fnas_arch_set distinct; /* each of them once */
} fnas_cells;

/* Into a zeroed list, which is to be freed also after a failure. FNAS_ERR_INPUT "PATH:LINE: ..." for what is no architecture, "PATH: ..."
 * for no architecture at all; FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_cells_read(fnas_context *context, const char *path, const fnas_space *space, fnas_cells *cells);
void fnas_cells_free(fnas_cells *cells);

#endif
