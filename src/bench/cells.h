/* Architectures from a file: a native string a line; lines that begin with # are remarks. */
#ifndef FNAS_BENCH_CELLS_H
#define FNAS_BENCH_CELLS_H

#include "space/space.h"

/* Adds them to a zeroed set whose decisions are the space's. FNAS_ERR_INPUT "PATH:LINE: ..." for what is no architecture, or one that
 * stands there twice; "PATH: ..." for no architecture at all. */
FNAS_NODISCARD fnas_status fnas_cells_read(fnas_context *context, const char *path, const fnas_space *space, fnas_arch_set *set);

#endif
