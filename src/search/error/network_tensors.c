/* Networks of errors in error.safetensors: as in NPZ, in float64. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "search/error/network.h"

static const char *const weight_names[FNAS_NETWORK_LAYERS_MAX] = {"W0", "W1", "W2",  "W3",  "W4",  "W5",  "W6",  "W7",
                                                                  "W8", "W9", "W10", "W11", "W12", "W13", "W14", "W15"};
static const char *const bias_names[FNAS_NETWORK_LAYERS_MAX] = {"b0", "b1", "b2",  "b3",  "b4",  "b5",  "b6",  "b7",
                                                                "b8", "b9", "b10", "b11", "b12", "b13", "b14", "b15"};

fnas_status fnas_network_fill_tensors(fnas_context *context, const fnas_network *network, fnas_safetensors_tensor *tensors) {
    for (int64_t l = 0; l < network->layer_count; l++) {
        int64_t in = network->sizes[l], out = network->sizes[l + 1];
        double *rows = fnas_allocate((size_t)(in * out), sizeof *rows);
        tensors[2 * l] = (fnas_safetensors_tensor){weight_names[l], FNAS_SAFETENSORS_F64, 2, {out, in}, rows};
        tensors[2 * l + 1] = (fnas_safetensors_tensor){bias_names[l], FNAS_SAFETENSORS_F64, 1, {out}, network->biases[l]};
        if (!rows) return fnas_fail_memory(context, "a network of errors");
        for (int64_t i = 0; i < in * out; i++) rows[i] = network->weights[l][i % in * out + i / in];
    }
    return FNAS_OK;
}

void fnas_network_release_tensors(const fnas_network *network, fnas_safetensors_tensor *tensors) {
    for (int64_t l = 0; l < network->layer_count; l++) fnas_free((void *)tensors[2 * l].data);
}

static double number_of(const void *source, int64_t index) {
    return ((const double *)source)[index];
}

/* Whether both tensors of a layer are there as numbers; the shapes that they should have follow from the layer before. */
static fnas_status layer_tensors(fnas_context *context, const fnas_safetensors *file, const char *path, int64_t layer,
                                 const fnas_safetensors_tensor *parts[2]) {
    const char *const names[2] = {weight_names[layer], bias_names[layer]};
    for (int k = 0; k < 2; k++) {
        parts[k] = fnas_safetensors_find(file, names[k]);
        if (!parts[k]) return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" is missing", path, names[k]);
        bool has_numbers = parts[k]->type == FNAS_SAFETENSORS_F64 && parts[k]->rank == 2 - k;
        for (int64_t i = 0; i < parts[k]->rank; i++) has_numbers &= parts[k]->shape[i] >= 1;
        if (!has_numbers) return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" has another type or rank", path, names[k]);
    }
    return FNAS_OK;
}

static fnas_status find_sizes(fnas_context *context, const fnas_safetensors *file, const char *path, int64_t *layer_count, int64_t *sizes) {
    const fnas_safetensors_tensor *parts[2];
    int64_t units = 0;
    for (*layer_count = 0; *layer_count < FNAS_NETWORK_LAYERS_MAX; ++*layer_count) {
        if (*layer_count && !fnas_safetensors_find(file, weight_names[*layer_count])) break;
        FNAS_TRY(layer_tensors(context, file, path, *layer_count, parts));
        if (*layer_count == 0) units = sizes[0] = parts[0]->shape[1];
        sizes[*layer_count + 1] = parts[0]->shape[0];
        if (units > FNAS_NETWORK_UNITS_MAX || parts[0]->shape[0] > FNAS_NETWORK_UNITS_MAX - units)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: a network of more than %d units", path, FNAS_NETWORK_UNITS_MAX);
        units += parts[0]->shape[0];
    }
    if (sizes[*layer_count] == 1) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: a network with %" PRId64 " outputs, expected 1", path, sizes[*layer_count]);
}

static fnas_status fill(fnas_context *context, const fnas_safetensors *file, const char *path, fnas_network *network) {
    for (int64_t l = 0; l < network->layer_count; l++) {
        const char *const names[2] = {weight_names[l], bias_names[l]};
        for (int k = 0; k < 2; k++) {
            const fnas_safetensors_tensor *tensor = fnas_safetensors_find(file, names[k]);
            fnas_text where = {0};
            fnas_text_append(&where, "%s: tensor \"%s\"", path, names[k]);
            const fnas_network_array array = {.where = where.data ? where.data : path,
                                              .layer = l,
                                              .rank = tensor->rank,
                                              .shape = tensor->shape,
                                              .at = number_of,
                                              .source = tensor->data};
            fnas_status status = fnas_network_fill(context, network, &array);
            fnas_text_free(&where);
            FNAS_TRY(status);
        }
    }
    return FNAS_OK;
}

fnas_status fnas_network_take_tensors(fnas_context *context, const fnas_space *space, const fnas_safetensors *file, const char *path,
                                      const char *input, const char *output, fnas_network **network) {
    const fnas_space_encoding *encoding;
    fnas_network_output meaning;
    int64_t layer_count, sizes[FNAS_NETWORK_LAYERS_MAX + 1];
    *network = NULL;
    FNAS_TRY(fnas_network_find_encoding(context, space, path, input, &encoding));
    FNAS_TRY(fnas_network_find_output(context, path, output, &meaning));
    FNAS_TRY(find_sizes(context, file, path, &layer_count, sizes));
    if (sizes[0] != encoding->size(space))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"W0\" takes %" PRId64 " inputs, expected %" PRId64 " (\"%s\")", path,
                         sizes[0], encoding->size(space), encoding->name);
    FNAS_TRY(fnas_network_create(context, space, encoding, meaning, layer_count, sizes, network));
    return fill(context, file, path, *network);
}
