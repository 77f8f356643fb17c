#include "bench/translation.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "space/transformer/transformer.h"

/* ---- the network ---- */

/* By its value (a span by its layers): the choice above which so many others lie. */
static int32_t choice_at(const fnas_transformer_list *list, int64_t rank) {
    for (int32_t choice = 0; choice < list->count; choice++) {
        int64_t above = 0;
        for (int32_t k = 0; k < list->count; k++)
            above += fnas_transformer_span(list->values[k]) > fnas_transformer_span(list->values[choice]);
        if (above == rank) return choice;
    }
    return 0;
}

static void choose(const fnas_transformer *transformer, const char *arch, int32_t *choices) {
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        const fnas_transformer_list *list = &transformer->lists[kind];
        int64_t rank = strcmp(arch, "largest") == 0 ? 0 : strcmp(arch, "middle") == 0 ? list->count / 2 : list->count - 1;
        int32_t choice = choice_at(list, rank);
        for (int64_t l = 0; l < fnas_transformer_slots(transformer, kind); l++) choices[transformer->first_of[kind] + l] = choice;
    }
}

static fnas_status make_shapes(fnas_context *context, fnas_translation *t) {
    fnas_space *space;
    int32_t choices[FNAS_TRANSFORMER_DECISIONS_MAX];
    FNAS_TRY(fnas_space_open(context, "transformer", &space));
    choose(fnas_transformer_of(space), t->setup.arch, choices);
    fnas_transformer_shape(space, choices, t->setup.vocabulary, &t->shape);
    fnas_transformer_shape(space, NULL, t->setup.vocabulary, &t->largest);
    if (!t->setup.shared) t->largest = t->shape;
    fnas_space_close(space);
    return FNAS_OK;
}

static fnas_status make_weights(fnas_context *context, fnas_translation *t) {
    FNAS_TRY(fnas_translator_declare(context, &t->largest, &t->parameters));
    FNAS_TRY(fnas_parameters_allocate(context, &t->parameters));
    fnas_parameters_initialise(&t->parameters, t->setup.seed);
    const fnas_parameter *embedding = &t->parameters.items[fnas_parameters_find(&t->parameters, "embed_tokens.weight")];
    memset(t->parameters.values + embedding->offset + FNAS_TRANSLATION_END * embedding->shape[1], 0,
           (size_t)embedding->shape[1] * sizeof(float));
    return FNAS_OK;
}

/* ---- sentences ---- */

static void draw_words(fnas_random *random, int64_t count, int64_t vocabulary, int32_t *ids) {
    for (int64_t i = 0; i < count; i++)
        ids[i] = (int32_t)(FNAS_TRANSLATION_END + 1 + fnas_random_below(random, vocabulary - FNAS_TRANSLATION_END - 1));
}

static fnas_status make_sentences(fnas_context *context, fnas_translation *t) {
    int64_t n = t->setup.sentences, words = t->setup.words, count = n * words;
    fnas_random random = fnas_random_begin(t->setup.seed, FNAS_STREAM_SYNTHETIC, 0, 0);
    t->source = fnas_allocate((size_t)count, sizeof *t->source);
    t->input = fnas_allocate((size_t)count, sizeof *t->input);
    t->label = fnas_allocate((size_t)count, sizeof *t->label);
    t->start = fnas_allocate((size_t)n + 1, sizeof *t->start);
    if (!t->source || !t->input || !t->label || !t->start) return fnas_fail_memory(context, "made-up sentences");
    draw_words(&random, count, t->setup.vocabulary, t->source);
    draw_words(&random, count, t->setup.vocabulary, t->label);
    for (int64_t i = 0; i < count; i++) t->input[i] = i % words ? t->label[i - 1] : FNAS_TRANSLATION_BEGIN;
    for (int64_t i = 0; i <= n; i++) t->start[i] = i * words;
    t->batch = (fnas_translator_batch){n, t->source, t->start, t->input, t->label, t->start};
    return FNAS_OK;
}

static fnas_status make_results(fnas_context *context, fnas_translation *t) {
    size_t n = (size_t)t->setup.sentences, words = (size_t)t->setup.words;
    if (!t->setup.decoding) {
        t->weight_gradient = fnas_allocate((size_t)t->parameters.float_count, sizeof(float));
        return t->weight_gradient ? FNAS_OK : fnas_fail_memory(context, "the gradients of a sub-transformer");
    }
    t->said = fnas_allocate(n * words, sizeof *t->said);
    t->said_count = fnas_allocate(n, sizeof *t->said_count);
    t->score = fnas_allocate(n, sizeof *t->score);
    return t->said && t->said_count && t->score ? FNAS_OK : fnas_fail_memory(context, "translations");
}

static fnas_decode_request decode_request(const fnas_translation *t) {
    return (fnas_decode_request){
        .shape = &t->shape,
        .largest = &t->largest,
        .parameters = &t->parameters,
        .n = t->batch.n,
        .source = t->source,
        .source_start = t->start,
        .options = {.beam = 1,
                    .words_most = t->setup.words,
                    .words_least = t->setup.words, /* where there is hardly a word to choose from, the end would be said early */
                    .begin = FNAS_TRANSLATION_BEGIN,
                    .end = FNAS_TRANSLATION_END},
        .weights = t->setup.rounded ? FNAS_COMPUTE_BF16 : FNAS_COMPUTE_F32,
        .words = t->said,
        .word_counts = t->said_count,
        .scores = t->score};
}

/* All but the decoder's steps; twice, since an arena is one block from its second run on, as it is where whole decodings are timed. */
static fnas_status begin_decoding(fnas_context *context, fnas_translation *t) {
    fnas_decode_request request = decode_request(t);
    FNAS_TRY(fnas_decoding_begin(context, &t->worker, &request, &t->begun));
    return fnas_decoding_begin(context, &t->worker, &request, &t->begun);
}

fnas_status fnas_translation_create(fnas_context *context, const fnas_translation_setup *setup, fnas_translation *translation) {
    *translation = (fnas_translation){.setup = *setup};
    translation->dropout = (fnas_translator_dropout){
        .residual = FNAS_TRANSLATION_RESIDUAL_DROPOUT, .attention = FNAS_TRANSLATION_ATTENTION_DROPOUT, .seed = setup->seed};
    FNAS_TRY(make_shapes(context, translation));
    FNAS_TRY(make_weights(context, translation));
    FNAS_TRY(make_sentences(context, translation));
    FNAS_TRY(make_results(context, translation));
    FNAS_TRY(fnas_worker_create(context, FNAS_COMPUTE_F32, &translation->worker));
    return setup->steps_alone ? begin_decoding(context, translation) : FNAS_OK;
}

void fnas_translation_free(fnas_translation *translation) {
    fnas_worker_destroy(&translation->worker);
    fnas_parameters_free(&translation->parameters);
    fnas_free(translation->source);
    fnas_free(translation->input);
    fnas_free(translation->label);
    fnas_free(translation->start);
    fnas_free(translation->weight_gradient);
    fnas_free(translation->logits);
    fnas_free(translation->said);
    fnas_free(translation->said_count);
    fnas_free(translation->score);
    *translation = (fnas_translation){0};
}

/* ---- running ---- */

static fnas_status train(fnas_context *context, fnas_translation *t) {
    fnas_translator_request request = {.shape = &t->shape,
                                       .largest = &t->largest,
                                       .parameters = &t->parameters,
                                       .batch = &t->batch,
                                       .dropout = t->setup.dropout ? &t->dropout : NULL,
                                       .label_smoothing = FNAS_TRANSLATION_SMOOTHING,
                                       .scale = 1,
                                       .weight_gradient = t->weight_gradient,
                                       .logits = t->logits};
    t->dropout.step++;
    return fnas_translator_run(context, &t->worker, &request, &t->result);
}

static fnas_status decode(fnas_context *context, fnas_translation *t) {
    if (t->setup.steps_alone) return fnas_decoding_say(context, t->begun);
    fnas_decode_request request = decode_request(t);
    return fnas_translator_decode(context, &t->worker, &request);
}

fnas_status fnas_translation_run(fnas_context *context, fnas_translation *translation) {
    return translation->setup.decoding ? decode(context, translation) : train(context, translation);
}

/* ---- work ---- */

/* Products a sentence of the encoder. */
static double encoder_products(const fnas_translation *t) {
    const fnas_translator_side *side = &t->shape.encoder;
    double words = (double)t->setup.words, inner = (double)t->shape.attention_width, products = 0;
    for (int64_t l = 0; l < side->layer_count; l++)
        products += words * ((double)side->width * (4 * inner + 2 * (double)side->layers[l].feed_forward) + 2 * words * inner);
    return products;
}

/* Of the keys and values of what the encoder gave, which are made once. */
static double memory_products(const fnas_translation *t) {
    const fnas_translator_side *side = &t->shape.decoder;
    double words = (double)t->setup.words, products = 0;
    for (int64_t l = 0; l < side->layer_count; l++)
        products += words * (double)side->layers[l].cross_sources * (double)t->shape.encoder.width * 2 * (double)t->shape.attention_width;
    return products;
}

/* Of the decoder, whose every word sees `keys` of its own sentence. */
static double decoder_products(const fnas_translation *t, double keys) {
    const fnas_translator_side *side = &t->shape.decoder;
    double words = (double)t->setup.words, inner = (double)t->shape.attention_width, products = 0;
    for (int64_t l = 0; l < side->layer_count; l++) {
        double sources = words * (double)side->layers[l].cross_sources;
        products += words * ((double)side->width * (6 * inner + 2 * (double)side->layers[l].feed_forward) + 2 * (keys + sources) * inner);
    }
    return products + words * (double)side->width * (double)t->shape.vocabulary;
}

double fnas_translation_flops(const fnas_translation *translation) {
    double words = (double)translation->setup.words, keys = translation->setup.decoding ? (words + 1) / 2 : words;
    double products = decoder_products(translation, keys);
    if (!translation->setup.steps_alone) products += encoder_products(translation) + memory_products(translation);
    return (translation->setup.decoding ? 2 : 6) * (double)translation->setup.sentences * products;
}
