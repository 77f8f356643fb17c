/* Architectures that a file lists, whatever wrote it. */
#ifndef FNAS_SEARCH_TRANSLATE_ARCH_FILES_H
#define FNAS_SEARCH_TRANSLATE_ARCH_FILES_H

#include "fleetnas/space.h"
#include "space/arch_set.h"

/* Adds those of a CSV table with a column "arch", or of JSON: an array of native strings, an object with such an array "reference_archs",
 * with "arch" (as `pick --json` prints it), or with "points" that have one each (as `front --json`). One that is there already is not
 * added again. Errors: FNAS_ERR_INPUT names file and line or entry, also where there is none; FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_arch_file_read(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_set *archs);

#endif
