/* The names that a state dictionary's pickle may ask for, and what each of them makes of its arguments. */
#ifndef FNAS_EXPORT_TORCH_GLOBALS_H
#define FNAS_EXPORT_TORCH_GLOBALS_H

#include "export/torch_pickle.h"

typedef enum fnas_torch_global_kind {
    FNAS_TORCH_GLOBAL_STORAGE, /* a class of storages */
    FNAS_TORCH_GLOBAL_UNTYPED, /* the class of storages of bytes */
    FNAS_TORCH_GLOBAL_DTYPE,
    FNAS_TORCH_GLOBAL_ORDERED_DICT,
    FNAS_TORCH_GLOBAL_TENSOR_V1, /* torch._utils._rebuild_tensor(storage, offset, size, stride) */
    FNAS_TORCH_GLOBAL_TENSOR_V2, /* ... and requires_grad, backward_hooks[, metadata] */
    FNAS_TORCH_GLOBAL_TENSOR_V3, /* ... and requires_grad, backward_hooks, dtype[, metadata] */
    FNAS_TORCH_GLOBAL_PARAMETER  /* torch._utils._rebuild_parameter(tensor, requires_grad, backward_hooks) */
} fnas_torch_global_kind;

typedef struct fnas_torch_global {
    const char *module, *name;
    fnas_torch_global_kind kind;
    fnas_torch_type type; /* of a class of storages or a dtype */
} fnas_torch_global;

/* The index of a name, or -1: it is refused. */
int64_t fnas_torch_global_find(const char *module, const char *name);
const fnas_torch_global *fnas_torch_global_at(int64_t index);

/* What a call of a global with a TUPLE of arguments makes, or a message of what is wrong with them; nothing is called. A tensor is written
 * to *tensor, *made says what the value is: TENSOR (a new one), DICT (an empty one), or that of the argument *argument. */
typedef struct fnas_torch_made {
    enum { FNAS_TORCH_MADE_TENSOR, FNAS_TORCH_MADE_DICT, FNAS_TORCH_MADE_ARGUMENT } what;
    fnas_torch_tensor tensor;
    int32_t argument;
} fnas_torch_made;
const char *fnas_torch_call(const fnas_torch_pickle *pickle, const fnas_torch_global *global, const fnas_torch_value *arguments,
                            fnas_torch_made *made);

/* The storage that a persistent id means: ("storage", class, key, location, count[, None]); NULL, or what is wrong with it. */
const char *fnas_torch_storage_of(const fnas_torch_pickle *pickle, const fnas_torch_value *id, fnas_torch_storage *storage);

#endif
