#include <string.h>

#include "base/memory.h"
#include "export/safetensors.h"
#include "export/torch_state.h"
#include "export/weights_file.h"
#include "export/weights_match.h"
#include "fleetnas/weights.h"
#include "space/space.h"

#define NAME_BYTES 256

_Static_assert(FNAS_TORCH_RANK_MAX <= FNAS_SAFETENSORS_RANK_MAX, "every tensor can be written");

typedef struct torch_import {
    fnas_context *context;
    const char *path;
    const fnas_torch_state *state;
    fnas_safetensors_tensor *tensors; /* [tensor_count], those to write */
    int64_t tensor_count;
    fnas_weights_imported counts;
} torch_import;

static fnas_safetensors_tensor as_tensor(const char *name, const fnas_torch_entry *entry) {
    fnas_safetensors_tensor tensor = {.name = name, .type = FNAS_SAFETENSORS_F32, .rank = entry->rank, .data = entry->values};
    memcpy(tensor.shape, entry->shape, sizeof entry->shape);
    return tensor;
}

/* ---- without a space ---- */

static fnas_status keep_names(torch_import *import) {
    import->tensors = fnas_allocate((size_t)import->state->count, sizeof *import->tensors);
    if (!import->tensors) return fnas_fail_memory(import->context, import->path);
    for (int64_t i = 0; i < import->state->count; i++) {
        const fnas_torch_entry *entry = &import->state->entries[i];
        if (entry->values)
            import->tensors[import->tensor_count++] = as_tensor(entry->name, entry);
        else
            import->counts.integers++;
    }
    if (import->tensor_count) return FNAS_OK;
    return fnas_fail(import->context, FNAS_ERR_INPUT, "%s: none of its tensors holds floats", import->path);
}

/* ---- as the shared weights of a space ---- */

static fnas_published name_of(const fnas_space *space, const char *published, char name[NAME_BYTES]) {
    if (space->type->from_published) return space->type->from_published(published, name, NAME_BYTES);
    size_t length = strlen(published);
    if (length >= NAME_BYTES) return FNAS_PUBLISHED_OTHER;
    memcpy(name, published, length + 1);
    return FNAS_PUBLISHED_WEIGHT;
}

static void match_entry(torch_import *import, const fnas_space *space, const fnas_torch_entry *entry, fnas_weights_match *match) {
    char name[NAME_BYTES];
    const fnas_parameters *parameters = match->parameters;
    fnas_published kind = name_of(space, entry->name, name);
    if (kind == FNAS_PUBLISHED_STATISTIC && entry->values) {
        import->counts.statistics++;
    } else if (!entry->values) {
        import->counts.integers++; /* a weight among them will be missing */
    } else if (kind == FNAS_PUBLISHED_TRANSFORM && fnas_parameters_find(parameters, name) == FNAS_PARAMETER_NONE) {
        import->counts.transforms++;
    } else if (kind == FNAS_PUBLISHED_OTHER) {
        fnas_weights_match_extra(match, entry->name);
    } else {
        int32_t index = fnas_weights_match_take(match, entry->name, name, entry->rank, entry->shape);
        if (index != FNAS_PARAMETER_NONE) import->tensors[index] = as_tensor(parameters->items[index].name, entry);
    }
}

static fnas_status match_entries(torch_import *import, const fnas_space *space, fnas_weights_match *match) {
    for (int64_t i = 0; i < import->state->count; i++) match_entry(import, space, &import->state->entries[i], match);
    return fnas_weights_match_end(import->context, import->path, space->type->to_published, match);
}

/* parameters: the space's, declared; their names are borrowed. */
static fnas_status take_names(torch_import *import, const fnas_space *space, const fnas_parameters *parameters) {
    fnas_weights_match match;
    import->tensor_count = parameters->item_count;
    import->tensors = fnas_allocate((size_t)parameters->item_count, sizeof *import->tensors);
    if (!import->tensors) return fnas_fail_memory(import->context, import->path);
    fnas_status status = fnas_weights_match_begin(import->context, parameters, &match);
    if (status == FNAS_OK) status = match_entries(import, space, &match);
    fnas_weights_match_free(&match);
    return status;
}

/* ---- both ---- */

static void count_numbers(torch_import *import) {
    import->counts.tensors = import->tensor_count;
    for (int64_t i = 0; i < import->tensor_count; i++) {
        int64_t numbers = 1;
        for (int64_t axis = 0; axis < import->tensors[i].rank; axis++) numbers *= import->tensors[i].shape[axis];
        import->counts.numbers += numbers;
    }
}

static fnas_status write_tensors(torch_import *import, const fnas_space *space, const char *output) {
    const fnas_safetensors_text metadata[] = {{"format", FNAS_WEIGHTS_FORMAT}, {FNAS_WEIGHTS_SPACE, space ? space->spec : NULL}};
    for (int64_t i = 0; i < import->tensor_count; i++)
        if (strcmp(import->tensors[i].name, "__metadata__") == 0)
            return fnas_fail(import->context, FNAS_ERR_INPUT, "%s: a tensor is called \"__metadata__\", which safetensors reserve",
                             import->path);
    return fnas_safetensors_write(import->context, output, import->tensors, import->tensor_count, metadata, space ? 2 : 1);
}

static fnas_status import_state(torch_import *import, const fnas_space *space, const char *output) {
    fnas_parameters parameters = {0};
    fnas_status status = space ? fnas_space_declare(import->context, space, &parameters) : FNAS_OK;
    if (status == FNAS_OK) status = space ? take_names(import, space, &parameters) : keep_names(import);
    if (status == FNAS_OK && fnas_context_stop_requested(import->context))
        status = fnas_fail(import->context, FNAS_INTERRUPTED, "%s: stopped before it was written", output);
    if (status == FNAS_OK) status = write_tensors(import, space, output);
    if (status == FNAS_OK) count_numbers(import);
    fnas_free(import->tensors);
    fnas_parameters_free(&parameters);
    return status;
}

fnas_status fnas_weights_import_torch(fnas_context *context, const char *path, const fnas_space *space, const char *output,
                                      fnas_weights_imported *imported) {
    fnas_torch_state state;
    FNAS_TRY(fnas_torch_state_read(context, path, &state));
    torch_import import = {.context = context, .path = path, .state = &state};
    fnas_status status = import_state(&import, space, output);
    fnas_torch_state_free(&state);
    if (status == FNAS_OK && imported) *imported = import.counts;
    return status;
}
