#include "base/memory.h"
#include "base/text.h"
#include "bench/dump.h"
#include "bench/translation.h"

#define OTHER_TENSORS 8

/* ---- what bench/peers/translator.py builds the network from ---- */

static void describe_side(fnas_text *text, const char *name, const fnas_translator_side *side, int64_t largest) {
    fnas_text_append(text, "\"%s\": {\"width\": %lld, \"largest\": %lld, \"layers\": [", name, (long long)side->width, (long long)largest);
    for (int64_t l = 0; l < side->layer_count; l++) {
        const fnas_translator_layer *layer = &side->layers[l];
        fnas_text_append(text, "%s{\"ffn\": %lld, \"heads\": %lld, \"cross_heads\": %lld, \"cross_sources\": %lld}", l ? ", " : "",
                         (long long)layer->feed_forward, (long long)layer->heads, (long long)layer->cross_heads,
                         (long long)layer->cross_sources);
    }
    fnas_text_append(text, "]}");
}

static void describe(fnas_text *text, const fnas_translation *t) {
    fnas_text_append(text, "{\"vocabulary\": %lld, \"attention\": %lld, ", (long long)t->shape.vocabulary,
                     (long long)t->shape.attention_width);
    describe_side(text, "encoder", &t->shape.encoder, t->largest.encoder.width);
    fnas_text_append(text, ", ");
    describe_side(text, "decoder", &t->shape.decoder, t->largest.decoder.width);
    fnas_text_append(text, "}");
}

/* ---- tensors ---- */

static void collect_training(const fnas_translation *t, fnas_dump *file) {
    int64_t tokens = t->start[t->batch.n];
    fnas_dump_array(file, "input", FNAS_SAFETENSORS_I32, t->input, 1, &tokens);
    fnas_dump_array(file, "label", FNAS_SAFETENSORS_I32, t->label, 1, &tokens);
    fnas_dump_array(file, "target_start", FNAS_SAFETENSORS_I64, t->start, 1, (int64_t[]){t->batch.n + 1});
    fnas_dump_array(file, "loss", FNAS_SAFETENSORS_F64, &t->result.loss, 0, NULL);
    fnas_dump_array(file, "logits", FNAS_SAFETENSORS_F32, t->logits, 2, (int64_t[]){tokens, t->setup.vocabulary});
    fnas_dump_parameters(file, &t->parameters, "gradient", t->weight_gradient);
}

/* Words with the end that is said last. */
static void collect_decoding(fnas_translation *t, fnas_dump *file) {
    int64_t words = t->setup.words;
    for (int64_t i = 0; i < t->batch.n; i++)
        for (int64_t k = t->said_count[i]; k < words; k++) t->said[i * words + k] = FNAS_TRANSLATION_END;
    fnas_dump_array(file, "words", FNAS_SAFETENSORS_I32, t->said, 2, (int64_t[]){t->batch.n, words});
    fnas_dump_array(file, "scores", FNAS_SAFETENSORS_F64, t->score, 1, &t->batch.n);
}

static void collect(fnas_translation *t, fnas_dump *file) {
    fnas_dump_array(file, "source", FNAS_SAFETENSORS_I32, t->source, 1, (int64_t[]){t->start[t->batch.n]});
    fnas_dump_array(file, "source_start", FNAS_SAFETENSORS_I64, t->start, 1, (int64_t[]){t->batch.n + 1});
    fnas_dump_parameters(file, &t->parameters, "parameter", t->parameters.values);
    if (t->setup.decoding)
        collect_decoding(t, file);
    else
        collect_training(t, file);
}

static fnas_status write_file(fnas_context *context, fnas_translation *t, fnas_dump *file, const char *path) {
    fnas_text shape = {0}, smoothing = {0};
    describe(&shape, t);
    fnas_text_append(&smoothing, "%g", (double)FNAS_TRANSLATION_SMOOTHING);
    collect(t, file);
    fnas_status status = shape.failed || smoothing.failed ? fnas_fail_memory(context, "a dump") : FNAS_OK;
    const fnas_safetensors_text metadata[] = {{"shape", shape.data},
                                              {"smoothing", smoothing.data},
                                              {"task", t->setup.decoding ? "decoding" : "training"},
                                              {"precision", t->setup.rounded ? "bf16" : "f32"}};
    if (status == FNAS_OK)
        status = fnas_safetensors_write(context, path, file->tensors, file->count, metadata, sizeof metadata / sizeof *metadata);
    fnas_text_free(&shape);
    fnas_text_free(&smoothing);
    return status;
}

static fnas_status run_once(fnas_context *context, fnas_translation *t) {
    if (!t->setup.decoding) {
        t->logits = fnas_allocate((size_t)(t->start[t->batch.n] * t->setup.vocabulary), sizeof(float));
        if (!t->logits) return fnas_fail_memory(context, "a dump");
    }
    return fnas_translation_run(context, t);
}

fnas_status fnas_translation_dump(fnas_context *context, const fnas_translation_setup *setup, const char *path) {
    fnas_translation_setup plain = *setup;
    fnas_translation translation;
    fnas_dump file = {0};
    plain.dropout = false;
    fnas_status status = fnas_translation_create(context, &plain, &translation);
    if (status == FNAS_OK) status = fnas_dump_begin(context, 2 * translation.parameters.item_count + OTHER_TENSORS, &file);
    if (status == FNAS_OK) status = run_once(context, &translation);
    if (status == FNAS_OK) status = write_file(context, &translation, &file, path);
    fnas_dump_free(&file);
    fnas_translation_free(&translation);
    return status;
}
