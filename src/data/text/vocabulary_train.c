#include "data/text/vocabulary_train.h"

#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "data/text/wire.h"

#define HOURS_MOST 24

/* ---- a model without its paths ---- */

enum { MODEL_TRAINER = 2, TRAINER_INPUT = 1, TRAINER_PREFIX = 2 };

static void append_varint(fnas_text *out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) fnas_text_append_bytes(out, &(char){(char)(value | 0x80)}, 1);
    fnas_text_append_bytes(out, &(char){(char)value}, 1);
}

static int strip_trainer(const fnas_wire_field *trainer, fnas_text *out) {
    fnas_wire wire = {trainer->bytes, trainer->bytes + trainer->size};
    fnas_wire_field field;
    int more;
    while ((more = fnas_wire_next(&wire, &field)) > 0) {
        bool path = field.number == TRAINER_INPUT || field.number == TRAINER_PREFIX;
        if (!path) fnas_text_append_bytes(out, field.begin, (size_t)(wire.at - field.begin));
    }
    return more;
}

fnas_status fnas_vocabulary_strip(fnas_context *context, const unsigned char *bytes, size_t size, fnas_text *out) {
    fnas_wire wire = {bytes, bytes + size};
    fnas_wire_field field;
    int more;
    while ((more = fnas_wire_next(&wire, &field)) > 0) {
        fnas_text trainer = {0};
        if (field.number != MODEL_TRAINER || field.form != FNAS_WIRE_BYTES) {
            fnas_text_append_bytes(out, field.begin, (size_t)(wire.at - field.begin));
            continue;
        }
        more = strip_trainer(&field, &trainer);
        append_varint(out, MODEL_TRAINER << 3 | FNAS_WIRE_BYTES);
        append_varint(out, trainer.size);
        if (trainer.size) fnas_text_append_bytes(out, trainer.data, trainer.size);
        out->failed |= trainer.failed;
        fnas_text_free(&trainer);
        if (more) break;
    }
    if (more) return fnas_fail(context, FNAS_ERR_INPUT, "no model of SentencePiece, or truncated or damaged");
    return out->failed ? fnas_fail_memory(context, "a vocabulary") : FNAS_OK;
}

/* ---- training ---- */

static fnas_status run(fnas_context *context, char *const *words) {
    fnas_process *process;
    fnas_text output = {0};
    fnas_status status = fnas_process_start(context, words, false, &process);
    if (status == FNAS_ERR_INPUT)
        return fnas_fail(context, status,
                         "%s. It makes the vocabulary: install Debian's package sentencepiece, or name a model with --vocabulary",
                         fnas_context_message(context));
    if (status == FNAS_OK) status = fnas_process_finish(context, process, (fnas_process_limits){HOURS_MOST * 3600.0, 1 << 20}, &output);
    fnas_text_free(&output);
    if (status == FNAS_ERR_INPUT) /* its last line says no more than that it ends */
        status = fnas_fail(context, status, "%s, and before that \"%s\". Another --vocabulary-size may do, or more text",
                           fnas_context_message(context), fnas_process_error_before(process));
    fnas_process_stop(process);
    return status;
}

static fnas_status read_stripped(fnas_context *context, const char *path, fnas_vocabulary **vocabulary) {
    unsigned char *bytes;
    size_t size;
    fnas_text stripped = {0};
    FNAS_TRY(fnas_file_read(context, path, FNAS_VOCABULARY_BYTES_MAX, &bytes, &size));
    fnas_status status = fnas_vocabulary_strip(context, bytes, size, &stripped);
    if (status == FNAS_OK)
        status = fnas_vocabulary_parse(context, "the model of spm_train", (const unsigned char *)stripped.data, stripped.size, vocabulary);
    fnas_text_free(&stripped);
    fnas_free(bytes);
    return status;
}

fnas_status fnas_vocabulary_train(fnas_context *context, const char *folder, const char *kind, int64_t size, uint64_t seed,
                                  fnas_vocabulary **vocabulary) {
    char type[64], count[64], random[64];
    fnas_text input = {0}, prefix = {0}, model = {0};
    *vocabulary = NULL;
    snprintf(type, sizeof type, "--model_type=%s", kind);
    snprintf(count, sizeof count, "--vocab_size=%lld", (long long)size);
    snprintf(random, sizeof random, "--random_seed=%llu", (unsigned long long)(seed % UINT32_MAX));
    fnas_text_append(&input, "--input=%s/lines", folder);
    fnas_text_append(&prefix, "--model_prefix=%s/vocabulary", folder);
    fnas_text_append(&model, "%s/vocabulary.model", folder);
    bool failed = input.failed || prefix.failed || model.failed;
    fnas_status status = failed ? fnas_fail_memory(context, "a path") : FNAS_OK;
    /* the outcome depends on the number of threads, which is why it is fixed */
    char *words[] = {"spm_train",
                     input.data,
                     prefix.data,
                     type,
                     count,
                     random,
                     "--pad_id=3",
                     "--byte_fallback=true",
                     "--character_coverage=0.9999",
                     "--num_threads=4",
                     "--minloglevel=1",
                     NULL};
    if (status == FNAS_OK) status = run(context, words);
    if (status == FNAS_OK) status = read_stripped(context, model.data, vocabulary);
    fnas_text_free(&input);
    fnas_text_free(&prefix);
    fnas_text_free(&model);
    return status;
}
