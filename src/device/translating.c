#include "device/translating.h"

#include "base/memory.h"
#include "base/random.h"
#include "nn/path.h"
#include "nn/translator/decode.h"
#include "space/transformer/transformer.h"

/* Ids as fairseq has them; 1 and 3 stand for padding and for what is unknown. */
enum { BEGIN = 0, END = 2, FIRST_WORD = 4 };
#define SENTENCES_ITEM (1 << 20) /* of FNAS_STREAM_MEASURE: 1 is the images', those behind it are the rounds' */

struct fnas_translating {
    const fnas_runtime_translation *translation;
    int64_t threads;
    fnas_translator shape;
    fnas_parameters parameters;
    fnas_worker worker;
    int32_t *source, *words;
    int64_t *source_start, *word_counts;
    double *scores;
    fnas_decode_request request; /* of all these */
};

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

static fnas_status prepare_sentences(fnas_context *context, fnas_translating *made, int64_t n, int64_t length, uint64_t seed) {
    made->source = fnas_allocate((size_t)(n * length), sizeof *made->source);
    made->words = fnas_allocate((size_t)(n * length), sizeof *made->words);
    made->source_start = fnas_allocate((size_t)n + 1, sizeof *made->source_start);
    made->word_counts = fnas_allocate((size_t)n, sizeof *made->word_counts);
    made->scores = fnas_allocate((size_t)n, sizeof *made->scores);
    if (!made->source || !made->words || !made->source_start || !made->word_counts || !made->scores)
        return fnas_fail_memory(context, "sentences to translate");
    for (int64_t i = 0; i < n; i++) {
        fnas_random random = fnas_random_begin(seed, FNAS_STREAM_MEASURE, SENTENCES_ITEM, i);
        made->source_start[i + 1] = made->source_start[i] + length;
        for (int64_t t = 0; t < length; t++)
            made->source[i * length + t] = (int32_t)(FIRST_WORD + fnas_random_below(&random, made->shape.vocabulary - FIRST_WORD));
    }
    return FNAS_OK;
}

static fnas_status prepare(fnas_context *context, fnas_translating *made, int64_t length, uint64_t seed,
                           const fnas_runtime_options *options) {
    bool is_bf16 = options->precision == FNAS_PRECISION_BF16;
    FNAS_TRY(fnas_translator_check(context, &made->shape));
    FNAS_TRY(prepare_weights(context, made, seed));
    FNAS_TRY(prepare_sentences(context, made, options->batch, length, seed));
    FNAS_TRY(fnas_worker_create(context, is_bf16 ? FNAS_COMPUTE_BF16 : FNAS_COMPUTE_F32, &made->worker));
    fnas_engine_set_product(made->worker.engine, made->translation->product);
    made->request = (fnas_decode_request){
        .shape = &made->shape,
        .largest = &made->shape,
        .parameters = &made->parameters,
        .n = options->batch,
        .source = made->source,
        .source_start = made->source_start,
        .options = {.beam = 1, .length_penalty = 0, .words_most = length, .words_least = length, .begin = BEGIN, .end = END},
        .words = made->words,
        .word_counts = made->word_counts,
        .scores = made->scores};
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
    fnas_transformer_shape(space, choices, vocabulary, &made->shape);
    fnas_status status = prepare(context, made, fnas_translating_length(space), seed, options);
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
    fnas_free(translating->source_start);
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

const int32_t *fnas_translating_words(const fnas_translating *translating) {
    return translating->words;
}

const double *fnas_translating_scores(const fnas_translating *translating) {
    return translating->scores;
}
