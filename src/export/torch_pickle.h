/* A reader of those pickles (protocol 2) that torch.save writes of state dictionaries: tensors, the storages that they lie in, OrderedDict
 * and plain containers. Nothing is imported, called or run: each global and each opcode that may stand there is known by name, and only
 * noted; any other is refused by its name. Python's Lib/pickletools.py specifies the opcodes, PyTorch's torch/serialization.py and
 * torch/_utils.py what they make. */
#ifndef FNAS_EXPORT_TORCH_PICKLE_H
#define FNAS_EXPORT_TORCH_PICKLE_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_TORCH_VALUES_MAX 500000 /* of a pickle; a state dictionary of 500 tensors has 10,000 */
#define FNAS_TORCH_MARKS_MAX 64      /* open at once: containers that are being filled */
#define FNAS_TORCH_RANK_MAX 8

/* X(name, bytes an element, storage class of module torch, dtype of module torch) */
#define FNAS_TORCH_TYPES(X)                                                                                                                \
    X(F32, 4, "FloatStorage", "float32")                                                                                                   \
    X(F64, 8, "DoubleStorage", "float64")                                                                                                  \
    X(F16, 2, "HalfStorage", "float16")                                                                                                    \
    X(BF16, 2, "BFloat16Storage", "bfloat16")                                                                                              \
    X(I64, 8, "LongStorage", "int64")                                                                                                      \
    X(I32, 4, "IntStorage", "int32")                                                                                                       \
    X(I16, 2, "ShortStorage", "int16")                                                                                                     \
    X(I8, 1, "CharStorage", "int8")                                                                                                        \
    X(U8, 1, "ByteStorage", "uint8")                                                                                                       \
    X(BOOL, 1, "BoolStorage", "bool")

typedef enum fnas_torch_type {
#define FNAS_TORCH_ENUM(name, bytes, storage, dtype) FNAS_TORCH_##name,
    FNAS_TORCH_TYPES(FNAS_TORCH_ENUM)
#undef FNAS_TORCH_ENUM
} fnas_torch_type;

size_t fnas_torch_type_bytes(fnas_torch_type type);
bool fnas_torch_type_is_float(fnas_torch_type type);

typedef enum fnas_torch_kind {
    FNAS_TORCH_NONE,
    FNAS_TORCH_FLAG,
    FNAS_TORCH_INTEGER,
    FNAS_TORCH_REAL, /* what it is, is not kept: no tensor needs one */
    FNAS_TORCH_TEXT,
    FNAS_TORCH_LIST,
    FNAS_TORCH_TUPLE,
    FNAS_TORCH_DICT,
    FNAS_TORCH_GLOBAL,
    FNAS_TORCH_STORAGE,
    FNAS_TORCH_TENSOR
} fnas_torch_kind;

typedef struct fnas_torch_value {
    fnas_torch_kind kind;
    int64_t number;            /* FLAG, INTEGER; GLOBAL: which; STORAGE, TENSOR: index below */
    const unsigned char *text; /* TEXT: [number] bytes of the pickle, without 0 bytes */
    int32_t *items;            /* [count] values of a container; DICT: key, value, key, value ... */
    size_t count, capacity;
} fnas_torch_value;

typedef struct fnas_torch_storage {
    const unsigned char *key; /* [key_bytes], borrowed from the pickle */
    size_t key_bytes;
    fnas_torch_type type;      /* U8 where untyped */
    int64_t count;             /* of elements */
    const unsigned char *data; /* NULL until the file's reader has found it */
} fnas_torch_storage;

/* Not yet checked against its storage. */
typedef struct fnas_torch_tensor {
    int64_t storage; /* index */
    fnas_torch_type type;
    int64_t offset, rank, shape[FNAS_TORCH_RANK_MAX], strides[FNAS_TORCH_RANK_MAX]; /* in elements; none is negative */
} fnas_torch_tensor;

/* Owned: fnas_torch_pickle_free. Borrows the pickle's bytes. */
typedef struct fnas_torch_pickle {
    fnas_torch_value *values; /* [value_count] */
    fnas_torch_storage *storages;
    fnas_torch_tensor *tensors;
    size_t value_count, storage_count, tensor_count;
    size_t value_capacity, storage_capacity, tensor_capacity;
    int32_t root;      /* the value that it holds */
    size_t size_bytes; /* of the pickle, its STOP included */
} fnas_torch_pickle;

/* Reads the pickle at the beginning of size_bytes bytes. `where` names it in messages. Errors: FNAS_ERR_INPUT "WHERE: byte 17: refused: the
 * pickle asks for os.system: ..." (another global, opcode or protocol, limits exceeded, no STOP), FNAS_ERR_MEMORY. O(size). */
FNAS_NODISCARD fnas_status fnas_torch_pickle_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                                  fnas_torch_pickle *pickle);
void fnas_torch_pickle_free(fnas_torch_pickle *pickle); /* leaves it empty */

/* The value of a text key in a DICT, or NULL. */
const fnas_torch_value *fnas_torch_dict_find(const fnas_torch_pickle *pickle, const fnas_torch_value *dict, const char *key);
bool fnas_torch_text_is(const fnas_torch_value *value, const char *text);

#endif
