#include "search/translate/translate.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/threads.h"
#include "nn/translator/decode.h"
#include "search/score/kind.h"
#include "space/space.h"

#define STAGE "translate"
#define BEAM 4
#define LENGTH_PENALTY 0.6 /* both as Vaswani et al. 2017 and HAT translate */

/* ---- what is asked ---- */

bool fnas_run_translates(const fnas_run *run) {
    return fnas_search_translates(&run->config);
}

fnas_status fnas_translation_check(fnas_context *context, const fnas_run *run, const fnas_beam_options *beam) {
    if (!fnas_search_translates(&run->config))
        return fnas_fail(context, FNAS_ERR_USAGE, "%s: its networks do not translate%s", run->path,
                         fnas_search_has_supernet(&run->config) ? ""
                                                                : ": its errors come from a table or a surrogate, not from shared weights");
    if (beam->width < 0 || beam->width > FNAS_BEAM_MOST)
        return fnas_fail(context, FNAS_ERR_USAGE, "a beam of %lld: it must be 1 to %d", (long long)beam->width, FNAS_BEAM_MOST);
    if (beam->length_penalty && !isfinite(*beam->length_penalty))
        return fnas_fail(context, FNAS_ERR_USAGE, "the length penalty must be finite");
    return FNAS_OK;
}

int64_t fnas_translation_beam(const fnas_beam_options *beam) {
    return beam->width ? beam->width : BEAM;
}

/* ---- a chunk ---- */

typedef struct translate_task {
    fnas_context *context; /* the caller's, which worker 0 reports progress to */
    const fnas_translation_request *request;
    fnas_scorer *scorers; /* [workers] */
    int64_t total;        /* items: architectures of a chunk, chunk after chunk */
    double begin_ms;
    atomic_int_fast64_t done;
} translate_task;

/* Sentences that are decoded together; the arrays are owned. */
typedef struct chunk_memory {
    int32_t *ids, *words;
    int64_t *start, *counts;
} chunk_memory;

static void chunk_free(chunk_memory *chunk) {
    fnas_free(chunk->ids);
    fnas_free(chunk->words);
    fnas_free(chunk->start);
    fnas_free(chunk->counts);
}

/* The sentences [n] one behind the other. */
static fnas_status chunk_gather(fnas_context *context, const fnas_source_list *sources, const int64_t *sentences, int64_t n, int64_t most,
                                chunk_memory *chunk) {
    int64_t tokens = 0;
    for (int64_t i = 0; i < n; i++) tokens += sources->start[sentences[i] + 1] - sources->start[sentences[i]];
    *chunk = (chunk_memory){.ids = fnas_allocate((size_t)tokens, sizeof(int32_t)),
                            .words = fnas_allocate((size_t)(n * most), sizeof(int32_t)),
                            .start = fnas_allocate((size_t)n + 1, sizeof(int64_t)),
                            .counts = fnas_allocate((size_t)n, sizeof(int64_t))};
    if (!chunk->ids || !chunk->words || !chunk->start || !chunk->counts) return fnas_fail_memory(context, "sentences");
    for (int64_t i = 0; i < n; i++) {
        int64_t from = sources->start[sentences[i]], length = sources->start[sentences[i] + 1] - from;
        memcpy(chunk->ids + chunk->start[i], sources->ids + from, (size_t)length * sizeof(int32_t));
        chunk->start[i + 1] = chunk->start[i] + length;
    }
    return FNAS_OK;
}

static fnas_status chunk_decode(fnas_context *context, const fnas_translation_request *request, fnas_scorer *scorer, int64_t arch,
                                int64_t n, int64_t most, const chunk_memory *chunk) {
    const fnas_run *run = request->run;
    int64_t vocabulary = run->config.vocabulary;
    fnas_vocabulary_marks marks = fnas_vocabulary_get(run->vocabulary);
    fnas_translator shape, largest;
    FNAS_TRY(fnas_scorer_prepare(context, scorer));
    run->supernet->type->translator(run->supernet, request->choices + arch * fnas_space_decision_count(run->space), vocabulary, &shape);
    run->supernet->type->translator(run->supernet, NULL, vocabulary, &largest);
    const fnas_beam_options *beam = &request->beam;
    fnas_decode_request decode = {.shape = &shape,
                                  .largest = &largest,
                                  .parameters = &run->state.weights,
                                  .n = n,
                                  .source = chunk->ids,
                                  .source_start = chunk->start,
                                  .options = {.beam = fnas_translation_beam(beam),
                                              .length_penalty = beam->length_penalty ? *beam->length_penalty : LENGTH_PENALTY,
                                              .words_most = most,
                                              .begin = marks.begin,
                                              .end = marks.end},
                                  .words = chunk->words,
                                  .word_counts = chunk->counts};
    return fnas_translator_decode(context, &scorer->worker, &decode);
}

static fnas_status translate_chunk(fnas_context *context, const fnas_translation_request *request, fnas_scorer *scorer, int64_t arch,
                                   int64_t c) {
    const fnas_source_list *sources = request->sources;
    const int64_t *sentences = sources->order + sources->first[c];
    int64_t n = sources->first[c + 1] - sources->first[c];
    int64_t most = fnas_translation_words_most(sources->start[sentences[0] + 1] - sources->start[sentences[0]]);
    chunk_memory chunk;
    fnas_status status = chunk_gather(context, sources, sentences, n, most, &chunk);
    if (status == FNAS_OK) status = chunk_decode(context, request, scorer, arch, n, most, &chunk);
    for (int64_t i = 0; i < n && status == FNAS_OK; i++)
        status = request->take(context, request->user, arch, c, sentences[i], chunk.words + i * most, chunk.counts[i]);
    chunk_free(&chunk);
    return status;
}

/* ---- all of them ---- */

static void report(const translate_task *task, int64_t done) {
    fnas_progress progress = {
        .stage = STAGE, .done = done, .total = task->total, .elapsed_s = (fnas_wall_ms() - task->begin_ms) / 1000, .text = ""};
    fnas_report_progress(task->context, &progress);
}

static fnas_status translate_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    translate_task *task = user;
    if (fnas_context_stop_requested(context)) return fnas_fail(context, FNAS_INTERRUPTED, STAGE ": stopped");
    int64_t archs = task->request->arch_count;
    fnas_status status = translate_chunk(context, task->request, &task->scorers[worker], item % archs, item / archs);
    int64_t done = atomic_fetch_add(&task->done, 1) + 1;
    if (worker == 0 && status == FNAS_OK) report(task, done); /* worker 0 is the caller's own thread */
    return status;
}

static fnas_status translate_all(fnas_context *context, translate_task *task) {
    int64_t threads = fnas_context_threads(context), workers = threads < task->total ? threads : task->total;
    fnas_team *team;
    FNAS_TRY(fnas_team_create(context, workers, fnas_engine_prepare_thread, &team));
    task->scorers = fnas_allocate((size_t)workers, sizeof *task->scorers);
    fnas_status status = task->scorers ? fnas_team_run(context, team, task->total, translate_item, task)
                                       : fnas_fail_memory(context, "translating");
    for (int64_t i = 0; task->scorers && i < workers; i++) fnas_scorer_free(&task->scorers[i]);
    fnas_free(task->scorers);
    fnas_team_destroy(team);
    if (status == FNAS_OK) report(task, task->total);
    return status;
}

fnas_status fnas_translate(fnas_context *context, const fnas_translation_request *request) {
    translate_task task = {
        .context = context, .request = request, .total = request->sources->chunk_count * request->arch_count, .begin_ms = fnas_wall_ms()};
    return task.total ? translate_all(context, &task) : FNAS_OK;
}

fnas_status fnas_translation_append(fnas_context *context, const fnas_vocabulary *vocabulary, const int32_t *words, int64_t count,
                                    fnas_text *text) {
    size_t before = text->size;
    FNAS_TRY(fnas_vocabulary_decode(context, vocabulary, words, count, text));
    if (text->failed) return fnas_fail_memory(context, "a translation");
    for (size_t i = before; i < text->size; i++)
        if ((unsigned char)text->data[i] < ' ' || text->data[i] == 0x7f) text->data[i] = ' ';
    return FNAS_OK;
}
