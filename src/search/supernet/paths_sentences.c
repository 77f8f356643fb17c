/* Paths on sentences: batches of pairs of like lengths, and how a path runs on one. */
#include <string.h>

#include "base/memory.h"
#include "search/searcher.h"
#include "space/space.h"

/* ---- setting up ---- */

static fnas_status create(fnas_context *context, fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    const fnas_space *supernet = searcher->run->supernet;
    const fnas_pairs *pairs = searcher->examples->pairs;
    supernet->type->translator(supernet, NULL, config->vocabulary, &searcher->largest);
    FNAS_TRY(fnas_text_batches_create(context, pairs, FNAS_TEXT_TRAIN, config->seed, FNAS_TEXT_TRAIN, config->weight_ids,
                                      &searcher->weight_batches));
    FNAS_TRY(fnas_text_batches_create(context, pairs, FNAS_TEXT_SEARCH, config->seed, FNAS_TEXT_SEARCH, config->search_ids,
                                      &searcher->search_batches));
    /* A path that trains has a batch of its own: more pairs a step for the same passes. Observed ones share one, so that they differ in
     * nothing else. */
    searcher->sentence_batches = config->paths;
    searcher->sentences = fnas_allocate((size_t)searcher->sentence_batches, sizeof *searcher->sentences);
    if (!searcher->sentences) return fnas_fail_memory(context, "the search");
    int64_t ids = config->weight_ids > config->search_ids ? config->weight_ids : config->search_ids; /* no sentence is empty */
    for (int64_t i = 0; i < searcher->sentence_batches; i++) FNAS_TRY(fnas_sentences_create(context, ids, ids, &searcher->sentences[i]));
    return FNAS_OK;
}

static void release(fnas_searcher *searcher) {
    for (int64_t i = 0; searcher->sentences && i < searcher->sentence_batches; i++) fnas_sentences_free(&searcher->sentences[i]);
    fnas_free(searcher->sentences);
    fnas_text_batches_free(searcher->weight_batches);
    fnas_text_batches_free(searcher->search_batches);
}

/* ---- a batch ---- */

static fnas_status load(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose) {
    (void)context;
    bool weights = purpose == FNAS_PURPOSE_WEIGHTS;
    int64_t count = purpose == FNAS_PURPOSE_OBSERVE ? 1 : searcher->sentence_batches;
    for (int64_t b = 0; b < count; b++) {
        fnas_text_batch chosen = fnas_text_batches_at(weights ? searcher->weight_batches : searcher->search_batches,
                                                      searcher->state->step * count + b);
        fnas_sentences_fill(searcher->examples->pairs, weights ? FNAS_TEXT_TRAIN : FNAS_TEXT_SEARCH, chosen.count, chosen.indices,
                            &searcher->sentences[b]);
    }
    return FNAS_OK;
}

/* ---- a path ---- */

static const fnas_sentences *batch_of(const fnas_searcher *searcher, fnas_purpose purpose, int64_t path) {
    return &searcher->sentences[purpose == FNAS_PURPOSE_OBSERVE ? 0 : path];
}

static void share(fnas_searcher *searcher, fnas_purpose purpose, int64_t path) {
    const fnas_sentences *batch = batch_of(searcher, purpose, path);
    searcher->paths.first_example[path] = batch - searcher->sentences;
    searcher->paths.examples[path] = fnas_sentences_words(batch);
}

/* Every word that is trained on counts the same, whichever path says it. */
static double words_of_all(const fnas_paths *paths) {
    double words = 0;
    for (int64_t p = 0; p < paths->count; p++) words += (double)paths->examples[p];
    return words;
}

static fnas_status run_path(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose, const fnas_path_job *job,
                            int64_t worker) {
    fnas_paths *paths = &searcher->paths;
    const fnas_search_config *config = searcher->config;
    const fnas_space *supernet = searcher->run->supernet;
    const fnas_sentences *sentences = batch_of(searcher, purpose, job->path);
    int64_t path = job->path;
    bool weights = purpose == FNAS_PURPOSE_WEIGHTS;
    double *gates = paths->gate_gradient + path * searcher->onehot;
    memset(gates, 0, (size_t)searcher->onehot * sizeof *gates);
    fnas_translator shape;
    supernet->type->translator(supernet, paths->choices + path * searcher->decisions, config->vocabulary, &shape);
    fnas_translator_batch batch = fnas_sentences_batch(sentences);
    fnas_translator_dropout dropout = {(float)config->dropout, (float)config->attention_dropout, config->seed, searcher->state->step, path};
    fnas_translator_request request = {
        .shape = &shape,
        .largest = &searcher->largest,
        .parameters = &searcher->state->weights,
        .batch = &batch,
        .dropout = weights ? &dropout : NULL,
        .label_smoothing = weights ? (float)config->label_smoothing : 0,
        .scale = (float)(weights ? (double)job->copies / words_of_all(paths) : 1 / (double)paths->examples[path]),
        .weight_gradient = weights ? searcher->group_gradient[job->chain] : NULL,
        .gate_gradient = purpose == FNAS_PURPOSE_HYPERNET ? gates : NULL,
    };
    fnas_translator_result result = {0};
    fnas_status status = fnas_translator_run(context, &searcher->workers[worker], &request, &result);
    if (status != FNAS_OK)
        return fnas_fail_prefix(context, status, "step %lld, path %lld", (long long)searcher->state->step, (long long)path);
    paths->cross_entropy[path] = result.log_loss / (double)result.tokens;
    paths->correct[path] = result.correct;
    return FNAS_OK;
}

const fnas_path_runner fnas_paths_on_sentences = {.create = create, .free = release, .load = load, .share = share, .run = run_path};
