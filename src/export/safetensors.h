/* safetensors: u64 little-endian length of the header, the header in JSON, tensors without holes or overlap. The metadata hold "crc32", the
 * checksum of the tensors' bytes in eight hexadecimal digits, written always and checked where there is one; readers of our own files
 * require it. */
#ifndef FNAS_EXPORT_SAFETENSORS_H
#define FNAS_EXPORT_SAFETENSORS_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_SAFETENSORS_RANK_MAX 8

/* X(name in the file, bytes an element). Other types are refused. */
#define FNAS_SAFETENSORS_TYPES(X)                                                                                                          \
    X(F64, 8) X(I64, 8) X(U64, 8) X(F32, 4) X(I32, 4) X(U32, 4) X(F16, 2) X(BF16, 2) X(I16, 2) X(U16, 2) X(I8, 1) X(U8, 1) X(BOOL, 1)

typedef enum fnas_safetensors_type {
#define FNAS_SAFETENSORS_ENUM(name, bytes) FNAS_SAFETENSORS_##name,
    FNAS_SAFETENSORS_TYPES(FNAS_SAFETENSORS_ENUM)
#undef FNAS_SAFETENSORS_ENUM
} fnas_safetensors_type;

/* A named array, row-major. Borrowed pointers: the caller's when writing, the file's when reading. */
typedef struct fnas_safetensors_tensor {
    const char *name;
    fnas_safetensors_type type;
    int64_t rank; /* 0 (a scalar) to FNAS_SAFETENSORS_RANK_MAX */
    int64_t shape[FNAS_SAFETENSORS_RANK_MAX];
    const void *data; /* may be NULL when the size is 0; aligned to the element when read */
} fnas_safetensors_tensor;

typedef struct fnas_safetensors_text {
    const char *key, *value; /* UTF-8 */
} fnas_safetensors_text;

/* Writes a file atomically, streaming the tensors. The same arguments give the same bytes: tensors lie in the given order, wider elements
 * first. Errors: FNAS_ERR_INTERNAL for two equal names, the key "crc32", sizes that overflow; FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_safetensors_write(fnas_context *context, const char *path, const fnas_safetensors_tensor *tensors,
                                                  int64_t tensor_count, const fnas_safetensors_text *metadata, int64_t metadata_count);

/* A file in memory, checked whole. */
typedef struct fnas_safetensors fnas_safetensors;

/* Reads a file of at most limit_bytes. Owned: fnas_safetensors_free. Errors: FNAS_ERR_INPUT "PATH: what is wrong", FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_safetensors_read(fnas_context *context, const char *path, size_t limit_bytes, fnas_safetensors **file);
void fnas_safetensors_free(fnas_safetensors *file);

/* That the file has a checksum (which agreed when it was read): for files that only fleetnas writes, where a missing one is damage, too.
 * Errors: FNAS_ERR_INPUT. */
FNAS_NODISCARD fnas_status fnas_safetensors_require_crc(fnas_context *context, const fnas_safetensors *file);

/* All tensors in the order of their data; borrowed. */
const fnas_safetensors_tensor *fnas_safetensors_tensors(const fnas_safetensors *file, int64_t *count);
const fnas_safetensors_tensor *fnas_safetensors_find(const fnas_safetensors *file, const char *name); /* NULL when absent */
const char *fnas_safetensors_metadata(const fnas_safetensors *file, const char *key);                 /* borrowed; NULL when absent */

/* The data of a tensor that must have this type and shape: 'PATH: tensor "x" has shape [3, 4], expected [3, 5]'. Borrowed from the file. */
FNAS_NODISCARD fnas_status fnas_safetensors_get(fnas_context *context, const fnas_safetensors *file, const char *name,
                                                fnas_safetensors_type type, int64_t rank, const int64_t *shape, const void **data);

#endif
