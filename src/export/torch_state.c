#include "export/torch_state.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "export/torch_file.h"

#define SHOWN_NAME_MAX 200

void fnas_torch_state_free(fnas_torch_state *state) {
    for (int64_t i = 0; i < state->count; i++) {
        fnas_free(state->entries[i].name);
        fnas_free(state->entries[i].values);
    }
    fnas_free(state->entries);
    *state = (fnas_torch_state){0};
}

typedef struct state_reader {
    fnas_context *context;
    const char *where;
    const fnas_torch_pickle *pickle;
    int64_t elements; /* of all tensors so far */
    fnas_torch_state *state;
} state_reader;

static fnas_status fail_entry(const state_reader *reader, const char *name, const char *what) {
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: tensor \"%.*s\" %s", reader->where, SHOWN_NAME_MAX, name, what);
}

/* ---- numbers ---- */

/* IEEE 754 half precision: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float from_f16(uint16_t half) {
    int exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
    float magnitude = exponent == 0      ? ldexpf((float)fraction, -24)
                      : exponent == 0x1F ? (fraction ? NAN : INFINITY)
                                         : ldexpf((float)(fraction + 0x400), exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

/* The upper half of a float. */
static float from_bf16(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* An element of a storage of floats; it need not be aligned. */
static float read_float(fnas_torch_type type, const unsigned char *at) {
    float single;
    double twice;
    uint16_t half;
    if (type == FNAS_TORCH_F32) {
        memcpy(&single, at, sizeof single);
        return single;
    }
    if (type == FNAS_TORCH_F64) {
        memcpy(&twice, at, sizeof twice);
        return (float)twice;
    }
    memcpy(&half, at, sizeof half);
    return type == FNAS_TORCH_F16 ? from_f16(half) : from_bf16(half);
}

/* ---- a tensor's place in its storage ---- */

/* Its elements, and the last of its storage's that it reaches; false where a number cannot say them, or the bytes of what is beside an
 * extent of 0, by which whoever reads the shape may go. */
static bool measure_tensor(const fnas_torch_tensor *tensor, int64_t *count, int64_t *last) {
    int64_t reach, bytes = (int64_t)sizeof(float);
    *count = 1;
    *last = tensor->offset;
    for (int64_t axis = 0; axis < tensor->rank; axis++) {
        if (tensor->shape[axis] == 0)
            *count = 0;
        else if (__builtin_mul_overflow(bytes, tensor->shape[axis], &bytes))
            return false;
    }
    for (int64_t axis = 0; axis < tensor->rank && *count; axis++) {
        if (__builtin_mul_overflow(*count, tensor->shape[axis], count)) return false;
        if (__builtin_mul_overflow(tensor->shape[axis] - 1, tensor->strides[axis], &reach)) return false;
        if (__builtin_add_overflow(*last, reach, last)) return false;
    }
    return true;
}

static fnas_status check_tensor(state_reader *reader, const char *name, const fnas_torch_tensor *tensor, int64_t *count) {
    const fnas_torch_storage *storage = &reader->pickle->storages[tensor->storage];
    int64_t last, held = storage->count;
    if (storage->type != tensor->type) held /= (int64_t)fnas_torch_type_bytes(tensor->type); /* bytes that a dtype reads otherwise */
    if (!measure_tensor(tensor, count, &last)) return fail_entry(reader, name, "is larger than any number can say: refused");
    if (*count && last >= held)
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s: tensor \"%.*s\" reaches element %" PRId64 " of a storage that has %" PRId64 ": the file is damaged",
                         reader->where, SHOWN_NAME_MAX, name, last, held);
    if (*count > held) return fail_entry(reader, name, "has more elements than its storage (it was expanded): refused, save a copy of it");
    reader->elements += *count;
    if (reader->elements > FNAS_TORCH_ELEMENTS_MAX) return fail_entry(reader, name, "and those before it take more than 4 GB: refused");
    return FNAS_OK;
}

/* Row-major values [count] of a tensor whose place was checked. An axis of one element may have any stride: it is never gone along. */
static void copy_tensor(const fnas_torch_tensor *tensor, const unsigned char *data, int64_t count, float *values) {
    int64_t index[FNAS_TORCH_RANK_MAX] = {0}, at = tensor->offset;
    size_t bytes = fnas_torch_type_bytes(tensor->type);
    for (int64_t i = 0; i < count; i++) {
        values[i] = read_float(tensor->type, data + (size_t)at * bytes);
        for (int64_t axis = tensor->rank - 1; axis >= 0; axis--) {
            if (++index[axis] < tensor->shape[axis]) {
                at += tensor->strides[axis];
                break;
            }
            at -= tensor->strides[axis] * (tensor->shape[axis] - 1);
            index[axis] = 0;
        }
    }
}

static fnas_status check_finite(const state_reader *reader, const fnas_torch_entry *entry) {
    for (int64_t i = 0; i < entry->count; i++)
        if (!isfinite(entry->values[i])) return fail_entry(reader, entry->name, "holds numbers that are not finite as f32: refused");
    return FNAS_OK;
}

static fnas_status declare_tensor(state_reader *reader, const fnas_torch_tensor *tensor, fnas_torch_entry *entry) {
    FNAS_TRY(check_tensor(reader, entry->name, tensor, &entry->count));
    entry->type = tensor->type;
    entry->rank = tensor->rank;
    memcpy(entry->shape, tensor->shape, sizeof entry->shape);
    return FNAS_OK;
}

static fnas_status read_tensor(state_reader *reader, const fnas_torch_tensor *tensor, fnas_torch_entry *entry) {
    if (fnas_context_stop_requested(reader->context))
        return fnas_fail(reader->context, FNAS_INTERRUPTED, "%s: stopped while it was read", reader->where);
    if (!fnas_torch_type_is_float(tensor->type)) return FNAS_OK;
    entry->values = fnas_allocate((size_t)entry->count, sizeof *entry->values);
    if (!entry->values) return fnas_fail_memory(reader->context, reader->where);
    copy_tensor(tensor, reader->pickle->storages[tensor->storage].data, entry->count, entry->values);
    return check_finite(reader, entry);
}

/* ---- the dictionary ---- */

static char *copy_name(const fnas_torch_value *key) {
    char *name = fnas_allocate((size_t)key->number + 1, 1);
    if (name) memcpy(name, key->text, (size_t)key->number);
    return name;
}

/* Its name and shape. */
static fnas_status declare_entry(state_reader *reader, const fnas_torch_value *key, const fnas_torch_value *value) {
    if (key->kind != FNAS_TORCH_TEXT)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: no state dictionary: one of its keys is no text", reader->where);
    fnas_torch_entry *entry = &reader->state->entries[reader->state->count];
    entry->name = copy_name(key);
    if (!entry->name) return fnas_fail_memory(reader->context, reader->where);
    reader->state->count++;
    if (!*entry->name)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the name of entry %" PRId64 " of its state dictionary is empty",
                         reader->where, reader->state->count);
    if (!fnas_text_is_shown(entry->name))
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the name of entry %" PRId64 " of its state dictionary is no text in UTF-8",
                         reader->where, reader->state->count);
    if (value->kind == FNAS_TORCH_TENSOR) return declare_tensor(reader, &reader->pickle->tensors[value->number], entry);
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: no state dictionary: its entry \"%.*s\" is no tensor: save model.state_dict()",
                     reader->where, SHOWN_NAME_MAX, entry->name);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static fnas_status check_names(const state_reader *reader) {
    const fnas_torch_state *state = reader->state;
    fnas_status status = FNAS_OK;
    const char **names = fnas_allocate((size_t)state->count, sizeof *names);
    if (!names) return fnas_fail_memory(reader->context, reader->where);
    for (int64_t i = 0; i < state->count; i++) names[i] = state->entries[i].name;
    qsort(names, (size_t)state->count, sizeof *names, compare_names);
    for (int64_t i = 1; i < state->count && status == FNAS_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0) status = fail_entry(reader, names[i], "is given twice: refused");
    fnas_free(names);
    return status;
}

static fnas_status read_dictionary(state_reader *reader) {
    const fnas_torch_pickle *pickle = reader->pickle;
    const fnas_torch_value *dict = &pickle->values[pickle->root];
    if (dict->kind != FNAS_TORCH_DICT)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: it holds no dictionary: save model.state_dict()", reader->where);
    const fnas_torch_value *inner = fnas_torch_dict_find(pickle, dict, "state_dict");
    if (inner && inner->kind == FNAS_TORCH_DICT) dict = inner;
    if (!dict->count) return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: its state dictionary is empty", reader->where);
    reader->state->entries = fnas_allocate(dict->count / 2, sizeof *reader->state->entries);
    if (!reader->state->entries) return fnas_fail_memory(reader->context, reader->where);
    for (size_t i = 0; i < dict->count; i += 2)
        FNAS_TRY(declare_entry(reader, &pickle->values[dict->items[i]], &pickle->values[dict->items[i + 1]]));
    FNAS_TRY(check_names(reader));
    /* Only now: many names of one storage take as often its memory. */
    for (size_t i = 0; i < dict->count; i += 2)
        FNAS_TRY(read_tensor(reader, &pickle->tensors[pickle->values[dict->items[i + 1]].number], &reader->state->entries[i / 2]));
    return FNAS_OK;
}

fnas_status fnas_torch_state_parse(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                   fnas_torch_state *state) {
    fnas_torch_pickle pickle;
    *state = (fnas_torch_state){0};
    FNAS_TRY(fnas_torch_file_read(context, where, bytes, size_bytes, &pickle));
    state_reader reader = {.context = context, .where = where, .pickle = &pickle, .state = state};
    fnas_status status = read_dictionary(&reader);
    fnas_torch_pickle_free(&pickle);
    if (status != FNAS_OK) fnas_torch_state_free(state);
    return status;
}

fnas_status fnas_torch_state_read(fnas_context *context, const char *path, fnas_torch_state *state) {
    unsigned char *bytes;
    size_t size_bytes;
    *state = (fnas_torch_state){0};
    FNAS_TRY(fnas_file_read_large(context, path, FNAS_TORCH_FILE_MAX_BYTES, &bytes, &size_bytes));
    fnas_status status = fnas_torch_state_parse(context, path, bytes, size_bytes, state);
    fnas_free(bytes);
    return status;
}
