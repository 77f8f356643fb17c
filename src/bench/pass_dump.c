/* What a pass computed, and with what, in a file: "parameter/NAME", "images", "labels"; "loss", "logits", "gradient/NAME",
 * "gate_gradient". */
#include "base/memory.h"
#include "bench/dump.h"
#include "bench/pass.h"

#define OTHER_TENSORS 5

static void collect(const fnas_pass *pass, fnas_dump *file) {
    const fnas_subject *subject = &pass->subject;
    int64_t onehot = fnas_space_onehot_size(subject->space), n = subject->images, image[3];
    fnas_space_image_of(subject->space, pass->choices, image);
    fnas_dump_array(file, "loss", FNAS_SAFETENSORS_F64, &pass->result.loss, 0, NULL); /* a scalar */
    if (pass->setup.gates) fnas_dump_array(file, "gate_gradient", FNAS_SAFETENSORS_F64, pass->gate_gradient, 1, (int64_t[]){onehot});
    fnas_dump_array(file, "images", FNAS_SAFETENSORS_F32, subject->image_values, 4, (int64_t[]){n, image[0], image[1], image[2]});
    fnas_dump_array(file, "labels", FNAS_SAFETENSORS_I32, subject->labels, 1, (int64_t[]){n});
    fnas_dump_array(file, "logits", FNAS_SAFETENSORS_F32, pass->logits, 2, (int64_t[]){n, subject->classes});
    fnas_dump_parameters(file, &subject->parameters, "parameter", subject->parameters.values);
    if (pass->setup.weights) fnas_dump_parameters(file, &subject->parameters, "gradient", pass->weight_gradient);
}

static fnas_status write_file(fnas_context *context, const fnas_pass *pass, fnas_dump *file, const char *path) {
    char arch[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, pass->subject.space, pass->choices, arch, sizeof arch));
    collect(pass, file);
    const fnas_safetensors_text metadata[] = {
        {"space", fnas_space_spec(pass->subject.space)}, {"arch", arch}, {"precision", fnas_compute_type_name(pass->setup.type)}};
    return fnas_safetensors_write(context, path, file->tensors, file->count, metadata, sizeof metadata / sizeof *metadata);
}

fnas_status fnas_pass_dump(fnas_context *context, fnas_pass *pass, const char *path) {
    fnas_dump file;
    fnas_pass_clear(pass);
    fnas_status status = fnas_dump_begin(context, 2 * pass->subject.parameters.item_count + OTHER_TENSORS, &file);
    if (status == FNAS_OK) status = fnas_pass_run(context, pass);
    if (status == FNAS_OK) status = write_file(context, pass, &file, path);
    fnas_dump_free(&file);
    fnas_pass_clear(pass);
    return status;
}
