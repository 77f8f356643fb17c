/* Files: whole reads with limits, atomic writes, folders. All failures name the path. */
#ifndef FNAS_BASE_FILE_H
#define FNAS_BASE_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "base/path.h"

bool fnas_file_exists(const char *path);
bool fnas_folder_exists(const char *path);

/* Reads a whole file of at most limit_bytes. *data is owned by the caller (fnas_free) and has a 0 byte behind its end. */
FNAS_NODISCARD fnas_status fnas_file_read(fnas_context *context, const char *path, size_t limit_bytes, unsigned char **data,
                                          size_t *size_bytes);

/* The same of a file that may take long: FNAS_INTERRUPTED when the context is asked to stop, FNAS_ERR_INPUT for a device. */
FNAS_NODISCARD fnas_status fnas_file_read_large(fnas_context *context, const char *path, size_t limit_bytes, unsigned char **data,
                                                size_t *size_bytes);

/* Reads a file that may be gzip or xz compressed (told by its first bytes), decompressed size at most limit_bytes. */
FNAS_NODISCARD fnas_status fnas_file_read_decompressed(fnas_context *context, const char *path, size_t limit_bytes, unsigned char **data,
                                                       size_t *size_bytes);

/* A file that appears whole or not at all, written piece by piece: temporary file ".fnas-PID-N.tmp" in the same folder; commit does
 * fsync, rename, fsync of the folder. A path that is no regular file (a pipe, /dev/stdout) is written to directly; a symbolic link keeps
 * pointing where it points. Commit and abort both release the writer; after a failed append call abort. */
typedef struct fnas_file_writer fnas_file_writer;
FNAS_NODISCARD fnas_status fnas_file_writer_begin(fnas_context *context, const char *path, fnas_file_writer **writer);
FNAS_NODISCARD fnas_status fnas_file_writer_append(fnas_context *context, fnas_file_writer *writer, const void *data, size_t size_bytes);
FNAS_NODISCARD fnas_status fnas_file_writer_commit(fnas_context *context, fnas_file_writer *writer);
void fnas_file_writer_abort(fnas_file_writer *writer); /* NULL is allowed */

/* Writes all or nothing: temporary file in the same folder, fsync, rename, fsync of the folder. On failure the old file is untouched
 * and the temporary file is removed. */
FNAS_NODISCARD fnas_status fnas_file_write_atomic(fnas_context *context, const char *path, const void *data, size_t size_bytes);

FNAS_NODISCARD fnas_status fnas_folder_create(fnas_context *context, const char *path); /* with parents; existing is fine */
/* Whether fnas_folder_create would probably succeed: the nearest folder above that exists can be written to. Nothing is made. */
FNAS_NODISCARD fnas_status fnas_folder_check_creatable(fnas_context *context, const char *path);

/* Removes the temporary files that killed writers of this machine left in a folder; a failure is not reported: they do no harm. */
void fnas_folder_remove_temporaries(const char *path);

#endif
