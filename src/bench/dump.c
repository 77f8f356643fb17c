#include "bench/dump.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

fnas_status fnas_dump_begin(fnas_context *context, int64_t most, fnas_dump *dump) {
    *dump = (fnas_dump){.tensors = fnas_allocate((size_t)most, sizeof *dump->tensors),
                        .names = fnas_allocate((size_t)most, sizeof *dump->names)};
    return dump->tensors && dump->names ? FNAS_OK : fnas_fail_memory(context, "a dump");
}

void fnas_dump_free(fnas_dump *dump) {
    fnas_free(dump->tensors);
    fnas_free(dump->names);
    *dump = (fnas_dump){0};
}

static void add(fnas_dump *dump, const char *folder, const char *name, fnas_safetensors_type type, const void *data, int rank,
                const int64_t *shape) {
    fnas_safetensors_tensor *tensor = &dump->tensors[dump->count];
    char *full = dump->names[dump->count++];
    snprintf(full, FNAS_DUMP_NAME_BYTES, "%s%s%s", folder, *folder ? "/" : "", name);
    *tensor = (fnas_safetensors_tensor){.name = full, .type = type, .data = data, .rank = rank};
    if (rank) memcpy(tensor->shape, shape, (size_t)rank * sizeof *shape);
}

void fnas_dump_array(fnas_dump *dump, const char *name, fnas_safetensors_type type, const void *data, int rank, const int64_t *shape) {
    add(dump, "", name, type, data, rank, shape);
}

void fnas_dump_parameters(fnas_dump *dump, const fnas_parameters *parameters, const char *folder, const float *values) {
    for (int64_t i = 0; i < parameters->item_count; i++) {
        const fnas_parameter *item = &parameters->items[i];
        add(dump, folder, item->name, FNAS_SAFETENSORS_F32, values + item->offset, item->rank, item->shape);
    }
}
