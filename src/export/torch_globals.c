#include "export/torch_globals.h"

#include <string.h>

/* Of the untyped class every name that a release of PyTorch has given it. */
static const fnas_torch_global globals[] = {{"collections", "OrderedDict", FNAS_TORCH_GLOBAL_ORDERED_DICT, FNAS_TORCH_F32},
                                            {"torch._utils", "_rebuild_tensor", FNAS_TORCH_GLOBAL_TENSOR_V1, FNAS_TORCH_F32},
                                            {"torch._utils", "_rebuild_tensor_v2", FNAS_TORCH_GLOBAL_TENSOR_V2, FNAS_TORCH_F32},
                                            {"torch._utils", "_rebuild_tensor_v3", FNAS_TORCH_GLOBAL_TENSOR_V3, FNAS_TORCH_F32},
                                            {"torch._utils", "_rebuild_parameter", FNAS_TORCH_GLOBAL_PARAMETER, FNAS_TORCH_F32},
                                            {"torch", "UntypedStorage", FNAS_TORCH_GLOBAL_UNTYPED, FNAS_TORCH_U8},
                                            {"torch.storage", "UntypedStorage", FNAS_TORCH_GLOBAL_UNTYPED, FNAS_TORCH_U8},
                                            {"torch", "_UntypedStorage", FNAS_TORCH_GLOBAL_UNTYPED, FNAS_TORCH_U8},
                                            {"torch.storage", "_UntypedStorage", FNAS_TORCH_GLOBAL_UNTYPED, FNAS_TORCH_U8},
#define ROW(name, bytes, storage, dtype)                                                                                                   \
    {"torch", storage, FNAS_TORCH_GLOBAL_STORAGE, FNAS_TORCH_##name}, {"torch", dtype, FNAS_TORCH_GLOBAL_DTYPE, FNAS_TORCH_##name},
                                            FNAS_TORCH_TYPES(ROW)
#undef ROW
};

#define GLOBAL_COUNT ((int64_t)(sizeof globals / sizeof *globals))

static const size_t type_bytes[] = {
#define ROW(name, bytes, storage, dtype) bytes,
    FNAS_TORCH_TYPES(ROW)
#undef ROW
};

size_t fnas_torch_type_bytes(fnas_torch_type type) {
    return type_bytes[type];
}

bool fnas_torch_type_is_float(fnas_torch_type type) {
    return type <= FNAS_TORCH_BF16;
}

int64_t fnas_torch_global_find(const char *module, const char *name) {
    for (int64_t i = 0; i < GLOBAL_COUNT; i++)
        if (strcmp(globals[i].module, module) == 0 && strcmp(globals[i].name, name) == 0) return i;
    return -1;
}

const fnas_torch_global *fnas_torch_global_at(int64_t index) {
    return &globals[index];
}

/* ---- arguments ---- */

static const fnas_torch_value *item(const fnas_torch_pickle *pickle, const fnas_torch_value *container, size_t index) {
    return &pickle->values[container->items[index]];
}

/* An item that must be of a kind; NULL: it is another, or missing. */
static const fnas_torch_value *item_of(const fnas_torch_pickle *pickle, const fnas_torch_value *container, size_t index,
                                       fnas_torch_kind kind) {
    if (index >= container->count) return NULL;
    const fnas_torch_value *value = item(pickle, container, index);
    return value->kind == kind ? value : NULL;
}

/* A tuple of sizes or strides. */
static bool read_extents(const fnas_torch_pickle *pickle, const fnas_torch_value *tuple, int64_t extents[FNAS_TORCH_RANK_MAX]) {
    for (size_t i = 0; i < tuple->count; i++) {
        const fnas_torch_value *extent = item_of(pickle, tuple, i, FNAS_TORCH_INTEGER);
        if (!extent || extent->number < 0) return false;
        extents[i] = extent->number;
    }
    return true;
}

/* The four arguments that every version of the rebuild begins with. */
static const char *read_tensor(const fnas_torch_pickle *pickle, const fnas_torch_value *arguments, fnas_torch_tensor *tensor) {
    const fnas_torch_value *storage = item_of(pickle, arguments, 0, FNAS_TORCH_STORAGE),
                           *offset = item_of(pickle, arguments, 1, FNAS_TORCH_INTEGER),
                           *shape = item_of(pickle, arguments, 2, FNAS_TORCH_TUPLE),
                           *strides = item_of(pickle, arguments, 3, FNAS_TORCH_TUPLE);
    if (!storage || !offset || !shape || !strides) return "a tensor that is not made of storage, offset, size and stride: refused";
    if (offset->number < 0) return "a tensor that begins before its storage: refused";
    if (shape->count != strides->count) return "a tensor with more or fewer strides than axes: refused";
    if (shape->count > FNAS_TORCH_RANK_MAX) return "a tensor with more than 8 axes: refused";
    tensor->storage = storage->number;
    tensor->type = pickle->storages[storage->number].type;
    tensor->offset = offset->number;
    tensor->rank = (int64_t)shape->count;
    if (!read_extents(pickle, shape, tensor->shape)) return "a tensor whose size is not made of numbers from 0 on: refused";
    if (!read_extents(pickle, strides, tensor->strides)) return "a tensor whose stride is not made of numbers from 0 on: refused";
    return NULL;
}

/* requires_grad and backward_hooks, which are saved empty. */
static const char *check_grad_and_hooks(const fnas_torch_pickle *pickle, const fnas_torch_value *arguments, size_t first) {
    const fnas_torch_value *flag = item_of(pickle, arguments, first, FNAS_TORCH_FLAG),
                           *hooks = item_of(pickle, arguments, first + 1, FNAS_TORCH_DICT);
    if (!flag || !hooks) return "a tensor without requires_grad and backward_hooks where they belong: refused";
    return hooks->count ? "a tensor with hooks: refused, they are code" : NULL;
}

/* The type of an untyped storage's tensor. */
static const char *read_dtype(const fnas_torch_pickle *pickle, const fnas_torch_value *arguments, fnas_torch_tensor *tensor) {
    const fnas_torch_value *dtype = item_of(pickle, arguments, 6, FNAS_TORCH_GLOBAL);
    if (!dtype || globals[dtype->number].kind != FNAS_TORCH_GLOBAL_DTYPE) return "a tensor without its dtype: refused";
    if (tensor->type != FNAS_TORCH_U8 && tensor->type != globals[dtype->number].type)
        return "a tensor of another dtype than its storage: refused";
    tensor->type = globals[dtype->number].type;
    return NULL;
}

static const char *call_tensor(const fnas_torch_pickle *pickle, fnas_torch_global_kind version, const fnas_torch_value *arguments,
                               fnas_torch_tensor *tensor) {
    size_t least = version == FNAS_TORCH_GLOBAL_TENSOR_V1   ? 4
                   : version == FNAS_TORCH_GLOBAL_TENSOR_V2 ? 6
                                                            : 7,
           most = version == FNAS_TORCH_GLOBAL_TENSOR_V1 ? least : least + 1; /* metadata */
    if (arguments->count < least || arguments->count > most) return "a tensor made of too few or too many arguments: refused";
    const char *wrong = read_tensor(pickle, arguments, tensor);
    if (!wrong && version != FNAS_TORCH_GLOBAL_TENSOR_V1) wrong = check_grad_and_hooks(pickle, arguments, 4);
    if (!wrong && version == FNAS_TORCH_GLOBAL_TENSOR_V3) wrong = read_dtype(pickle, arguments, tensor);
    return wrong;
}

static const char *call_parameter(const fnas_torch_pickle *pickle, const fnas_torch_value *arguments, int32_t *argument) {
    if (arguments->count != 3 || !item_of(pickle, arguments, 0, FNAS_TORCH_TENSOR))
        return "a parameter that is not made of a tensor: refused";
    *argument = arguments->items[0];
    return check_grad_and_hooks(pickle, arguments, 1);
}

const char *fnas_torch_call(const fnas_torch_pickle *pickle, const fnas_torch_global *global, const fnas_torch_value *arguments,
                            fnas_torch_made *made) {
    switch (global->kind) {
    case FNAS_TORCH_GLOBAL_ORDERED_DICT:
        made->what = FNAS_TORCH_MADE_DICT;
        return arguments->count ? "an OrderedDict that is made of arguments: refused, save it with Python 3" : NULL;
    case FNAS_TORCH_GLOBAL_TENSOR_V1:
    case FNAS_TORCH_GLOBAL_TENSOR_V2:
    case FNAS_TORCH_GLOBAL_TENSOR_V3:
        made->what = FNAS_TORCH_MADE_TENSOR;
        return call_tensor(pickle, global->kind, arguments, &made->tensor);
    case FNAS_TORCH_GLOBAL_PARAMETER:
        made->what = FNAS_TORCH_MADE_ARGUMENT;
        return call_parameter(pickle, arguments, &made->argument);
    case FNAS_TORCH_GLOBAL_STORAGE:
    case FNAS_TORCH_GLOBAL_UNTYPED:
    case FNAS_TORCH_GLOBAL_DTYPE:
        break;
    }
    return "a call of what only names a type: refused";
}

/* Keys are numbers in all that torch.save writes; here they may be any word that can be shown. */
static bool is_word(const fnas_torch_value *text) {
    for (int64_t i = 0; i < text->number; i++)
        if (text->text[i] <= ' ' || text->text[i] >= 0x7F) return false;
    return text->number > 0;
}

const char *fnas_torch_storage_of(const fnas_torch_pickle *pickle, const fnas_torch_value *id, fnas_torch_storage *storage) {
    if (id->kind != FNAS_TORCH_TUPLE || id->count < 5 || id->count > 6 || !fnas_torch_text_is(item(pickle, id, 0), "storage"))
        return "a persistent id that is no storage's: refused";
    const fnas_torch_value *class = item_of(pickle, id, 1, FNAS_TORCH_GLOBAL), *key = item_of(pickle, id, 2, FNAS_TORCH_TEXT),
                           *location = item_of(pickle, id, 3, FNAS_TORCH_TEXT), *count = item_of(pickle, id, 4, FNAS_TORCH_INTEGER);
    bool is_class = class &&
                    (globals[class->number].kind == FNAS_TORCH_GLOBAL_STORAGE || globals[class->number].kind == FNAS_TORCH_GLOBAL_UNTYPED);
    if (!is_class || !key || !is_word(key) || !location || !count || count->number < 0)
        return "a storage that is not made of class, key, location and count: refused";
    if (id->count == 6 && item(pickle, id, 5)->kind != FNAS_TORCH_NONE) return "a view of a storage: refused, save the tensors anew";
    *storage = (fnas_torch_storage){
        .key = key->text, .key_bytes = (size_t)key->number, .type = globals[class->number].type, .count = count->number};
    return NULL;
}
