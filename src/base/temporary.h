/* Private folders for files that pass between programs. */
#ifndef FNAS_BASE_TEMPORARY_H
#define FNAS_BASE_TEMPORARY_H

#include "base/error.h"

/* Makes a folder under TMPDIR (/tmp) that only this user can look into. *path is owned: fnas_temporary_remove. Errors: FNAS_ERR_IO naming
 * the place, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_temporary_create(fnas_context *context, char **path);
void fnas_temporary_empty(const char *path); /* removes the files in it; it has no folders */
void fnas_temporary_remove(char *path);      /* with the files in it; releases the path. NULL is allowed */

#endif
