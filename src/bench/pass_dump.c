/* What a pass computed, and with what, in a file: "parameter/NAME", "images", "labels"; "loss", "logits", "gradient/NAME",
 * "gate_gradient". */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "bench/pass.h"
#include "export/safetensors.h"

#define NAME_BYTES 128
#define OTHER_TENSORS 5

typedef struct pass_file {
    fnas_safetensors_tensor *tensors;
    char (*names)[NAME_BYTES];
    int64_t count;
} pass_file;

static fnas_safetensors_tensor *add_tensor(pass_file *file, const char *folder, const char *name, fnas_safetensors_type type,
                                           const void *data) {
    fnas_safetensors_tensor *tensor = &file->tensors[file->count];
    char *full = file->names[file->count++];
    snprintf(full, NAME_BYTES, "%s%s", folder, name);
    *tensor = (fnas_safetensors_tensor){.name = full, .type = type, .data = data};
    return tensor;
}

static void add_array(pass_file *file, const char *name, fnas_safetensors_type type, const void *data, int64_t rank, const int64_t *shape) {
    fnas_safetensors_tensor *tensor = add_tensor(file, "", name, type, data);
    tensor->rank = rank;
    memcpy(tensor->shape, shape, (size_t)rank * sizeof *shape);
}

static void add_parameters(pass_file *file, const fnas_parameters *parameters, const char *folder, const float *values) {
    for (int64_t i = 0; i < parameters->item_count; i++) {
        const fnas_parameter *item = &parameters->items[i];
        fnas_safetensors_tensor *tensor = add_tensor(file, folder, item->name, FNAS_SAFETENSORS_F32, values + item->offset);
        tensor->rank = item->rank;
        memcpy(tensor->shape, item->shape, (size_t)item->rank * sizeof *item->shape);
    }
}

static void collect(const fnas_pass *pass, pass_file *file) {
    const fnas_subject *subject = &pass->subject;
    int64_t onehot = fnas_space_onehot_size(subject->space), n = subject->images, image[3];
    fnas_space_image_of(subject->space, pass->choices, image);
    add_tensor(file, "", "loss", FNAS_SAFETENSORS_F64, &pass->result.loss); /* a scalar */
    if (pass->setup.gates) add_array(file, "gate_gradient", FNAS_SAFETENSORS_F64, pass->gate_gradient, 1, (int64_t[]){onehot});
    add_array(file, "images", FNAS_SAFETENSORS_F32, subject->image_values, 4, (int64_t[]){n, image[0], image[1], image[2]});
    add_array(file, "labels", FNAS_SAFETENSORS_I32, subject->labels, 1, (int64_t[]){n});
    add_array(file, "logits", FNAS_SAFETENSORS_F32, pass->logits, 2, (int64_t[]){n, subject->classes});
    add_parameters(file, &subject->parameters, "parameter/", subject->parameters.values);
    if (pass->setup.weights) add_parameters(file, &subject->parameters, "gradient/", pass->weight_gradient);
}

static fnas_status write_file(fnas_context *context, const fnas_pass *pass, pass_file *file, const char *path) {
    char arch[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, pass->subject.space, pass->choices, arch, sizeof arch));
    collect(pass, file);
    const fnas_safetensors_text metadata[] = {
        {"space", fnas_space_spec(pass->subject.space)}, {"arch", arch}, {"precision", fnas_compute_type_name(pass->setup.type)}};
    return fnas_safetensors_write(context, path, file->tensors, file->count, metadata, sizeof metadata / sizeof *metadata);
}

fnas_status fnas_pass_dump(fnas_context *context, fnas_pass *pass, const char *path) {
    size_t most = (size_t)(2 * pass->subject.parameters.item_count + OTHER_TENSORS);
    pass_file file = {fnas_allocate(most, sizeof *file.tensors), fnas_allocate(most, sizeof *file.names), 0};
    fnas_pass_clear(pass);
    fnas_status status = file.tensors && file.names ? FNAS_OK : fnas_fail_memory(context, "the dump of a pass");
    if (status == FNAS_OK) status = fnas_pass_run(context, pass);
    if (status == FNAS_OK) status = write_file(context, pass, &file, path);
    fnas_free(file.tensors);
    fnas_free(file.names);
    fnas_pass_clear(pass);
    return status;
}
