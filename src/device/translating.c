#include "device/translating.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "space/transformer/transformer.h"

/* Ids as fairseq has them; 1 and 3 stand for padding and for what is unknown. */
enum { BEGIN = 0, END = 2, FIRST_WORD = 4 };
#define SENTENCES_ITEM (1 << 20) /* of FNAS_STREAM_MEASURE: 1 is the images', those behind it are the rounds' */

bool fnas_translating_is_of(const fnas_space *space) {
    return fnas_transformer_of(space) != NULL;
}

int64_t fnas_translating_length(const fnas_space *space) {
    return fnas_transformer_of(space)->length;
}

/* ---- preparation ---- */

static fnas_status prepare_weights(fnas_context *context, fnas_translating *made, uint64_t seed) {
    FNAS_TRY(fnas_translator_declare(context, &made->shape, &made->parameters));
    FNAS_TRY(fnas_parameters_allocate(context, &made->parameters));
    fnas_parameters_initialise(&made->parameters, seed);
    return FNAS_OK;
}

static void draw_sentences(fnas_translating *made, uint64_t seed) {
    for (int64_t i = 0; i < made->n; i++) {
        fnas_random random = fnas_random_begin(seed, FNAS_STREAM_MEASURE, SENTENCES_ITEM, i);
        made->start[i + 1] = made->start[i] + made->length;
        for (int64_t t = made->start[i]; t < made->start[i + 1]; t++) {
            made->source[t] = (int32_t)(FIRST_WORD + fnas_random_below(&random, made->shape.vocabulary - FIRST_WORD));
            made->target[t] = (int32_t)(FIRST_WORD + fnas_random_below(&random, made->shape.vocabulary - FIRST_WORD));
        }
        made->target[made->start[i]] = BEGIN;
    }
}

static fnas_status prepare_sentences(fnas_context *context, fnas_translating *made, uint64_t seed) {
    size_t n = (size_t)made->n, words = (size_t)(made->n * made->length);
    made->source = fnas_allocate(words, sizeof *made->source);
    made->target = fnas_allocate(words, sizeof *made->target);
    made->words = fnas_allocate(words, sizeof *made->words);
    made->start = fnas_allocate(n + 1, sizeof *made->start);
    made->word_counts = fnas_allocate(n, sizeof *made->word_counts);
    made->scores = fnas_allocate(n, sizeof *made->scores);
    if (!made->source || !made->target || !made->words || !made->start || !made->word_counts || !made->scores)
        return fnas_fail_memory(context, "sentences to translate");
    draw_sentences(made, seed);
    return FNAS_OK;
}

static fnas_status prepare(fnas_context *context, fnas_translating *made, uint64_t seed, fnas_precision precision) {
    FNAS_TRY(fnas_translator_check(context, &made->shape));
    FNAS_TRY(prepare_weights(context, made, seed));
    FNAS_TRY(prepare_sentences(context, made, seed));
    FNAS_TRY(fnas_worker_create(context, FNAS_COMPUTE_F32, &made->worker));
    fnas_engine_set_product(made->worker.engine, made->translation->product);
    made->request = (fnas_decode_request){
        .shape = &made->shape,
        .largest = &made->shape,
        .parameters = &made->parameters,
        .n = made->n,
        .source = made->source,
        .source_start = made->start,
        .options = {.beam = 1, .length_penalty = 0, .words_most = made->length, .words_least = made->length, .begin = BEGIN, .end = END},
        .words = made->words,
        .word_counts = made->word_counts,
        .scores = made->scores,
        .weights = precision == FNAS_PRECISION_BF16 ? FNAS_COMPUTE_BF16 : FNAS_COMPUTE_F32};
    return FNAS_OK;
}

fnas_status fnas_translating_create(fnas_context *context, const fnas_runtime *runtime, const fnas_space *space, const int32_t *choices,
                                    int64_t vocabulary, uint64_t seed, const fnas_runtime_options *options,
                                    fnas_translating **translating) {
    *translating = NULL;
    FNAS_TRY(fnas_runtime_check_translation(context, runtime, options->precision));
    fnas_translating *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "a network that translates");
    made->translation = runtime->translation;
    made->threads = options->threads;
    made->n = options->batch;
    made->length = fnas_translating_length(space);
    fnas_transformer_shape(space, choices, vocabulary, &made->shape);
    fnas_status status = prepare(context, made, seed, options->precision);
    if (status == FNAS_OK)
        *translating = made;
    else
        fnas_translating_destroy(made);
    return status;
}

void fnas_translating_destroy(fnas_translating *translating) {
    if (!translating) return;
    fnas_parameters_free(&translating->parameters);
    if (translating->worker.engine) fnas_worker_destroy(&translating->worker);
    fnas_free(translating->source);
    fnas_free(translating->words);
    fnas_free(translating->start);
    fnas_free(translating->target);
    fnas_free(translating->word_counts);
    fnas_free(translating->scores);
    fnas_free(translating);
}

/* ---- running ---- */

fnas_status fnas_translating_run(fnas_context *context, fnas_translating *translating) {
    translating->translation->use_threads((int)translating->threads);
    return fnas_translator_decode(context, &translating->worker, &translating->request);
}

size_t fnas_translating_bytes(const fnas_translating *translating) {
    return (size_t)translating->parameters.float_count * sizeof(float) + fnas_arena_used_bytes(translating->worker.activations);
}

/* ---- what a program is held to ---- */

static fnas_status read_target(fnas_context *context, fnas_translating *translating, float *all) {
    fnas_translator_batch batch = {.n = translating->n,
                                   .source = translating->source,
                                   .source_start = translating->start,
                                   .input = translating->target,
                                   .label = translating->target, /* of whose loss nothing is wanted */
                                   .target_start = translating->start};
    fnas_translator_request request = {.shape = &translating->shape,
                                       .largest = &translating->shape,
                                       .parameters = &translating->parameters,
                                       .batch = &batch,
                                       .logits = all};
    fnas_translator_result result;
    return fnas_translator_run(context, &translating->worker, &request, &result);
}

fnas_status fnas_translating_last_logits(fnas_context *context, fnas_translating *translating, float *logits) {
    int64_t vocabulary = translating->shape.vocabulary;
    float *all = fnas_allocate((size_t)(translating->n * translating->length), (size_t)vocabulary * sizeof *all);
    if (!all) return fnas_fail_memory(context, "the logits of sentences");
    fnas_status status = read_target(context, translating, all);
    for (int64_t i = 0; status == FNAS_OK && i < translating->n; i++)
        memcpy(logits + i * vocabulary, all + (translating->start[i + 1] - 1) * vocabulary, (size_t)vocabulary * sizeof *logits);
    fnas_free(all);
    return status;
}
