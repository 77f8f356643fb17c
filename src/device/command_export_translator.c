#include "device/command_export_translator.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/command.h"
#include "device/translating.h"
#include "export/onnx_translator.h"
#include "export/raw_f32.h"

static fnas_status write_file(fnas_context *context, const char *folder, const char *name, const char *ending, const void *data,
                              size_t size_bytes) {
    fnas_text path = {0};
    fnas_text_append(&path, "%s/%s%s", folder, name, ending);
    fnas_status status = path.failed ? fnas_fail_memory(context, "a path") : fnas_file_write_atomic(context, path.data, data, size_bytes);
    fnas_text_free(&path);
    return status;
}

/* ---- sentences ---- */

static void append_i64(fnas_text *bytes, int64_t value) {
    char little[8];
    for (int i = 0; i < 8; i++) little[i] = (char)((uint64_t)value >> (8 * i) & 0xFF);
    fnas_text_append_bytes(bytes, little, sizeof little);
}

static fnas_status write_sentences(fnas_context *context, const fnas_translating *net, const char *folder) {
    fnas_text bytes = {0};
    append_i64(&bytes, net->n);
    append_i64(&bytes, net->length);
    for (int64_t i = 0; i < net->n * net->length; i++) append_i64(&bytes, net->source[i]);
    for (int64_t i = 0; i < net->n * net->length; i++) append_i64(&bytes, net->target[i]);
    fnas_status status = bytes.failed ? fnas_fail_memory(context, "sentences")
                                      : write_file(context, folder, FNAS_COMMAND_SENTENCES, "", bytes.data, bytes.size);
    fnas_text_free(&bytes);
    return status;
}

/* ---- networks ---- */

static fnas_status write_models(fnas_context *context, const fnas_translating *net, const char *folder, const char *name,
                                size_t *size_bytes) {
    fnas_onnx_translator source = {.shape = &net->shape, .largest = &net->shape, .parameters = &net->parameters, .positions = net->length};
    fnas_text encoder = {0}, decoder = {0};
    fnas_status status = fnas_onnx_encode_translator_steps(context, &source, &encoder, &decoder);
    if (status == FNAS_OK) status = write_file(context, folder, name, FNAS_COMMAND_ENCODER, encoder.data, encoder.size);
    if (status == FNAS_OK) status = write_file(context, folder, name, FNAS_COMMAND_DECODER, decoder.data, decoder.size);
    *size_bytes = encoder.size + decoder.size;
    fnas_text_free(&encoder);
    fnas_text_free(&decoder);
    return status;
}

static fnas_status write_logits(fnas_context *context, fnas_translating *net, const char *folder, const char *name) {
    int64_t count = net->n * net->shape.vocabulary;
    fnas_text path = {0};
    float *logits = fnas_allocate((size_t)count, sizeof *logits);
    fnas_text_append(&path, "%s/%s.logits", folder, name);
    fnas_status status = logits && !path.failed ? fnas_translating_last_logits(context, net, logits)
                                                : fnas_fail_memory(context, "the logits of sentences");
    if (status == FNAS_OK) status = fnas_raw_f32_write(context, path.data, count, logits);
    fnas_text_free(&path);
    fnas_free(logits);
    return status;
}

fnas_status fnas_command_export_translator(fnas_context *context, const fnas_timing_plan *plan, const char *folder, const int32_t *choices,
                                           const char *name, size_t *size_bytes) {
    fnas_runtime_options options = {.precision = FNAS_PRECISION_F32, .batch = plan->batch, .threads = 1};
    fnas_translating *net;
    FNAS_TRY(fnas_translating_create(context, &fnas_runtime_onednn, plan->space, choices, plan->vocabulary, plan->seed, &options, &net));
    fnas_status status = write_models(context, net, folder, name, size_bytes);
    if (status == FNAS_OK) status = write_logits(context, net, folder, name);
    if (status == FNAS_OK)
        status = write_sentences(context, net, folder); /* the same ones each time: who empties the folder need not know */
    fnas_translating_destroy(net);
    return status;
}
