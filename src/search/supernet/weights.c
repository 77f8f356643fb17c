#include "search/supernet/weights.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "export/safetensors.h"
#include "export/weights_match.h"

#define LIMIT_BYTES ((size_t)1 << 34)

/* Sets sources [item_count] to each parameter's tensor. */
static fnas_status match_tensors(fnas_context *context, const char *path, const fnas_safetensors *file, fnas_weights_match *match,
                                 const fnas_safetensors_tensor **sources) {
    int64_t count;
    const fnas_safetensors_tensor *tensors = fnas_safetensors_tensors(file, &count);
    for (int64_t i = 0; i < count; i++) {
        int32_t index = fnas_weights_match_take(match, tensors[i].name, tensors[i].name, tensors[i].rank, tensors[i].shape);
        if (index != FNAS_PARAMETER_NONE) sources[index] = &tensors[i];
    }
    return fnas_weights_match_end(context, path, NULL, match);
}

static fnas_status check_numbers(fnas_context *context, const char *path, const fnas_safetensors_tensor *tensor, int64_t count) {
    const float *values = tensor->data;
    if (tensor->type != FNAS_SAFETENSORS_F32)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" is not of dtype F32, as all weights are", path, tensor->name);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" holds numbers that are not finite", path, tensor->name);
    return FNAS_OK;
}

/* Everything is checked before anything is taken. */
static fnas_status take_tensors(fnas_context *context, const char *path, const fnas_safetensors_tensor *const *sources,
                                fnas_parameters *parameters) {
    for (int64_t i = 0; i < parameters->item_count; i++) FNAS_TRY(check_numbers(context, path, sources[i], parameters->items[i].count));
    FNAS_TRY(fnas_parameters_allocate(context, parameters));
    for (int64_t i = 0; i < parameters->item_count; i++) {
        const fnas_parameter *item = &parameters->items[i];
        memcpy(parameters->values + item->offset, sources[i]->data, (size_t)item->count * sizeof *parameters->values);
    }
    return FNAS_OK;
}

fnas_status fnas_parameters_load(fnas_context *context, const char *path, fnas_parameters *parameters) {
    fnas_safetensors *file = NULL;
    fnas_weights_match match = {0};
    const fnas_safetensors_tensor **sources = fnas_allocate((size_t)parameters->item_count, sizeof *sources);
    fnas_status status = sources ? fnas_safetensors_read(context, path, LIMIT_BYTES, &file) : fnas_fail_memory(context, path);
    if (status == FNAS_OK) status = fnas_weights_match_begin(context, parameters, &match);
    if (status == FNAS_OK) status = match_tensors(context, path, file, &match, sources);
    if (status == FNAS_OK) status = take_tensors(context, path, sources, parameters);
    fnas_weights_match_free(&match);
    fnas_safetensors_free(file);
    fnas_free(sources);
    return status;
}
