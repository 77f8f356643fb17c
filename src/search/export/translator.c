#include "search/export/translator.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "export/onnx_translator.h"
#include "export/safetensors.h"
#include "space/space.h"

#define FORMAT "fleetnas-network/1"
#define ONNX ".onnx"
#define FILES 3
#define PATH_BYTES 4096
#define POSITIONS (FNAS_PAIR_IDS_MAX + 1) /* the longest sentence that is translated, and the mark of its end */

static fnas_translator shape_of(const fnas_run *run, const int32_t *choices) {
    fnas_translator shape;
    run->supernet->type->translator(run->supernet, choices, run->config.vocabulary, &shape);
    return shape;
}

/* ---- ONNX ---- */

bool fnas_export_translator_file(const char *path, int64_t index, char *file, size_t size_bytes) {
    static const char *const endings[FILES] = {".encoder" ONNX, ".decoder" ONNX, ".vocabulary.model"};
    size_t length = strlen(path), ending = strlen(ONNX);
    if (index < 0 || index >= FILES) return false;
    if (length > ending && strcmp(path + length - ending, ONNX) == 0) length -= ending;
    int used = snprintf(file, size_bytes, "%.*s%s", (int)length, path, endings[index]);
    return used > 0 && (size_t)used < size_bytes;
}

static fnas_status write_file(fnas_context *context, const char *path, int64_t index, const void *data, size_t size) {
    char file[PATH_BYTES];
    if (!fnas_export_translator_file(path, index, file, sizeof file))
        return fnas_fail(context, FNAS_ERR_IO, "%s: the path is too long", path);
    return fnas_file_write_atomic(context, file, data, size);
}

static fnas_status write_models(fnas_context *context, const fnas_run *run, const fnas_text models[2], const char *path) {
    size_t size;
    const unsigned char *vocabulary = fnas_vocabulary_bytes(run->vocabulary, &size);
    FNAS_TRY(write_file(context, path, 2, vocabulary, size));
    FNAS_TRY(write_file(context, path, 1, models[1].data, models[1].size));
    return write_file(context, path, 0, models[0].data, models[0].size);
}

fnas_status fnas_export_translator_onnx(fnas_context *context, const fnas_run *run, const int32_t *choices, const char *path) {
    fnas_text models[2] = {{0}, {0}};
    const fnas_translator shape = shape_of(run, choices), largest = shape_of(run, NULL);
    const fnas_onnx_translator net = {.shape = &shape, .largest = &largest, .parameters = &run->state.weights, .positions = POSITIONS};
    fnas_status status = fnas_onnx_encode_translator(context, &net, &models[0], &models[1]);
    if (status == FNAS_OK) status = write_models(context, run, models, path);
    for (int i = 0; i < 2; i++) fnas_text_free(&models[i]);
    return status;
}

/* ---- safetensors ---- */

/* The first rows and columns of each shared weight, in the network's own. */
static fnas_status gather(fnas_context *context, const fnas_parameters *shared, const fnas_parameters *own) {
    for (int64_t i = 0; i < own->item_count; i++) {
        const fnas_parameter *item = &own->items[i];
        int32_t handle = fnas_parameters_find(shared, item->name);
        if (handle == FNAS_PARAMETER_NONE) return fnas_fail(context, FNAS_ERR_INTERNAL, "no shared weight is called \"%s\"", item->name);
        const fnas_parameter *from = &shared->items[handle];
        int64_t rows = item->rank > 1 ? item->shape[0] : 1, columns = item->shape[item->rank - 1], stride = from->shape[item->rank - 1];
        for (int64_t r = 0; r < rows; r++)
            memcpy(own->values + item->offset + r * columns, shared->values + from->offset + r * stride, (size_t)columns * sizeof(float));
    }
    return FNAS_OK;
}

static fnas_status write_tensors(fnas_context *context, const fnas_run *run, const fnas_parameters *own, const char *arch,
                                 const char *path) {
    const fnas_safetensors_text metadata[] = {
        {"format", FORMAT}, {"space", fnas_space_spec(run->supernet)}, {"arch", arch}, {"data", run->config.data}};
    fnas_safetensors_tensor *tensors = fnas_allocate((size_t)own->item_count, sizeof *tensors);
    if (!tensors) return fnas_fail_memory(context, path);
    for (int64_t i = 0; i < own->item_count; i++) {
        const fnas_parameter *item = &own->items[i];
        tensors[i] = (fnas_safetensors_tensor){
            .name = item->name, .type = FNAS_SAFETENSORS_F32, .rank = item->rank, .data = own->values + item->offset};
        for (int64_t r = 0; r < item->rank; r++) tensors[i].shape[r] = item->shape[r];
    }
    fnas_status status = fnas_safetensors_write(context, path, tensors, own->item_count, metadata, sizeof metadata / sizeof *metadata);
    fnas_free(tensors);
    return status;
}

/* A network of its own has weights of the same names, as large as it needs them. */
fnas_status fnas_export_translator_tensors(fnas_context *context, const fnas_run *run, const int32_t *choices, const char *arch,
                                           const char *path) {
    const fnas_translator shape = shape_of(run, choices);
    fnas_parameters own = {0};
    fnas_status status = fnas_translator_declare(context, &shape, &own);
    if (status == FNAS_OK) status = fnas_parameters_allocate(context, &own);
    if (status == FNAS_OK) status = gather(context, &run->state.weights, &own);
    if (status == FNAS_OK) status = write_tensors(context, run, &own, arch, path);
    fnas_parameters_free(&own);
    return status;
}
