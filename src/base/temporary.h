/* Private folders for files that pass between programs. */
#ifndef FNAS_BASE_TEMPORARY_H
#define FNAS_BASE_TEMPORARY_H

#include "base/error.h"

/* Zero-initialise. */
typedef struct fnas_temporary {
    char *path; /* NULL: there is none */
    int lock;   /* descriptor of the folder, locked (flock) as long as it is in use */
} fnas_temporary;

/* Makes a folder under TMPDIR (/tmp) that only this user can look into. Before that, folders that processes of this user left there when
 * they were killed are removed: those that nobody holds the lock of, and that were not touched for a minute. Release:
 * fnas_temporary_remove. Errors: FNAS_ERR_IO naming the place, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_temporary_create(fnas_context *context, fnas_temporary *folder);
void fnas_temporary_empty(const fnas_temporary *folder); /* removes the files in it; it has no folders */
void fnas_temporary_remove(fnas_temporary *folder);      /* with the files in it */

#endif
