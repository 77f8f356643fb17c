/* NPZ: a ZIP archive of arrays, as numpy.savez and numpy.savez_compressed write it. */
#ifndef FNAS_EXPORT_NPZ_H
#define FNAS_EXPORT_NPZ_H

#include "export/npy.h"

#define FNAS_NPZ_WHERE_BYTES 4700 /* a path, and a member's name */

typedef struct fnas_npz_member {
    char *name; /* without ".npy" */
    fnas_npy array;
    unsigned char *bytes; /* behind the array */
} fnas_npz_member;

/* A file in memory. */
typedef struct fnas_npz {
    char *path;
    int64_t count;
    fnas_npz_member *members; /* [count] */
} fnas_npz;

/* Reads all arrays of a file; both the file and what it unpacks to at most limit_bytes. Owned: fnas_npz_free. Errors: FNAS_ERR_INPUT
 * "FILE.npz: member "W0": what is wrong" (see zip.h and npy.h), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_npz_read(fnas_context *context, const char *path, size_t limit_bytes, fnas_npz **npz);
void fnas_npz_free(fnas_npz *npz); /* NULL is allowed */

/* Borrowed; NULL: it has none of that name. */
const fnas_npz_member *fnas_npz_find(const fnas_npz *npz, const char *name);

/* FILE.npz: member "NAME", for messages. where: FNAS_NPZ_WHERE_BYTES. */
void fnas_npz_where(const fnas_npz *npz, const char *name, char *where);

#endif
