#include "search/supernet/start_weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "export/safetensors.h"
#include "search/supernet/weights.h"

#define LIMIT_BYTES ((size_t)1 << 34)
#define CHECKPOINT "checkpoint.safetensors"

static fnas_status take(fnas_context *context, const fnas_safetensors *file, const char *path, const fnas_parameter *item, float *values) {
    fnas_text name = {0};
    const void *data = NULL;
    fnas_text_append(&name, "supernet.%s", item->name);
    if (name.failed) return fnas_fail_memory(context, "a tensor's name");
    fnas_status status = fnas_safetensors_get(context, file, name.data, FNAS_SAFETENSORS_F32, item->rank, item->shape, &data);
    for (int64_t i = 0; status == FNAS_OK && i < item->count; i++)
        if (!isfinite(((const float *)data)[i]))
            status = fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" holds numbers that are not finite", path, name.data);
    if (status == FNAS_OK) memcpy(values, data, (size_t)item->count * sizeof *values);
    fnas_text_free(&name);
    return status;
}

static fnas_status load_checkpoint(fnas_context *context, const char *path, fnas_parameters *weights) {
    fnas_safetensors *file = NULL;
    FNAS_TRY(fnas_safetensors_read(context, path, LIMIT_BYTES, &file));
    fnas_status status = fnas_safetensors_require_crc(context, file);
    for (int64_t i = 0; status == FNAS_OK && i < weights->item_count; i++)
        status = take(context, file, path, &weights->items[i], weights->values + weights->items[i].offset);
    fnas_safetensors_free(file);
    return status;
}

static fnas_status load_run(fnas_context *context, const char *run, fnas_parameters *weights) {
    char *path = fnas_path_join(run, CHECKPOINT);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_file_exists(path) ? load_checkpoint(context, path, weights)
                                                : fnas_fail(context, FNAS_ERR_INPUT,
                                                            "%s: no run with a checkpoint to take weights from: there is no %s", run, path);
    fnas_free(path);
    return status;
}

fnas_status fnas_start_weights_load(fnas_context *context, const char *path, fnas_parameters *weights,
                                    char name[FNAS_START_WEIGHTS_NAME_BYTES]) {
    FNAS_TRY(fnas_folder_exists(path) ? load_run(context, path, weights) : fnas_parameters_load(context, path, weights));
    uLong digest = crc32_z(0, (const unsigned char *)weights->values, (size_t)weights->float_count * sizeof(float));
    snprintf(name, FNAS_START_WEIGHTS_NAME_BYTES, "crc32:%08lx", digest);
    return FNAS_OK;
}
