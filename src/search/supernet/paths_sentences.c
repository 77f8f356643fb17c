/* Paths on sentences: batches of pairs of like lengths, and how a path runs on one. */
#include <string.h>

#include "base/memory.h"
#include "compute/token_loss.h"
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
    searcher->sentence_batches = config->paths;
    searcher->sentences = fnas_allocate((size_t)searcher->sentence_batches, sizeof *searcher->sentences);
    if (!searcher->sentences) return fnas_fail_memory(context, "the search");
    int64_t ids = config->weight_ids > config->search_ids ? config->weight_ids : config->search_ids; /* no sentence is empty */
    for (int64_t i = 0; i < searcher->sentence_batches; i++) FNAS_TRY(fnas_sentences_create(context, ids, ids, &searcher->sentences[i]));
    size_t words = fnas_search_largest_teaches(config) ? (size_t)(config->largest_paths * config->weight_ids) : 0;
    if (words > 0) searcher->sentence_teacher = fnas_allocate(words, (size_t)config->vocabulary * sizeof(float));
    if (words > 0 && !searcher->sentence_teacher) return fnas_fail_memory(context, "what the largest network says");
    return FNAS_OK;
}

static void release(fnas_searcher *searcher) {
    for (int64_t i = 0; searcher->sentences && i < searcher->sentence_batches; i++) fnas_sentences_free(&searcher->sentences[i]);
    fnas_free(searcher->sentences);
    fnas_free(searcher->sentence_teacher);
    fnas_text_batches_free(searcher->weight_batches);
    fnas_text_batches_free(searcher->search_batches);
}

/* ---- a batch ---- */

/* Batches of a step. Those that the largest network trains on are trained on by the others as well (Yu et al. 2020, "BigNAS"): it teaches
 * them. Without it each path has one of its own: more pairs a step for the same passes. Observed paths share one, so that they differ in
 * nothing else. */
static int64_t batches_of(const fnas_searcher *searcher, fnas_purpose purpose) {
    const fnas_search_config *config = searcher->config;
    if (purpose == FNAS_PURPOSE_OBSERVE) return 1;
    return purpose == FNAS_PURPOSE_WEIGHTS ? fnas_search_weight_batches(config) : config->paths;
}

static fnas_status load(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose) {
    (void)context;
    bool weights = purpose == FNAS_PURPOSE_WEIGHTS;
    int64_t count = batches_of(searcher, purpose);
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
    return &searcher->sentences[path % batches_of(searcher, purpose)];
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

/* Where what the largest network says of a path's pairs stands; NULL where nobody teaches. */
static float *teacher_of(const fnas_searcher *searcher, int64_t path) {
    const fnas_search_config *config = searcher->config;
    int64_t teachers = searcher->paths.teacher_count;
    return teachers ? searcher->sentence_teacher + path % teachers * config->weight_ids * config->vocabulary : NULL;
}

static fnas_status run_path(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose, const fnas_path_job *job,
                            int64_t worker) {
    fnas_paths *paths = &searcher->paths;
    const fnas_search_config *config = searcher->config;
    const fnas_space *supernet = searcher->run->supernet;
    const fnas_sentences *sentences = batch_of(searcher, purpose, job->path);
    int64_t path = job->path;
    bool weights = purpose == FNAS_PURPOSE_WEIGHTS, teaches = path < paths->teacher_count;
    float *teacher = teacher_of(searcher, path);
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
        .soft_targets = teaches ? NULL : teacher,
        .soft_weight = (float)config->distillation,
        .scale = (float)(weights ? (double)job->copies / words_of_all(paths) : 1 / (double)paths->examples[path]),
        .weight_gradient = weights ? searcher->group_gradient[job->chain] : NULL,
        .gate_gradient = purpose == FNAS_PURPOSE_HYPERNET ? gates : NULL,
        .logits = teaches ? teacher : NULL,
    };
    fnas_translator_result result = {0};
    fnas_status status = fnas_translator_run(context, &searcher->workers[worker], &request, &result);
    if (status != FNAS_OK)
        return fnas_fail_prefix(context, status, "step %lld, path %lld", (long long)searcher->state->step, (long long)path);
    if (teaches) fnas_token_softmax(result.tokens, config->vocabulary, teacher);
    paths->cross_entropy[path] = result.log_loss / (double)result.tokens;
    paths->correct[path] = result.correct;
    return FNAS_OK;
}

const fnas_path_runner fnas_paths_on_sentences = {.create = create, .free = release, .load = load, .share = share, .run = run_path};
