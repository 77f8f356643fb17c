/* Scoring on many threads, and what is known already. */
#include "search/score/score.h"

#include <math.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/threads.h"
#include "search/score/file.h"
#include "search/score/kind.h"
#include "space/arch_set.h"
#include "space/space.h"

#define FNAS_SCORES_KEPT 16       /* architectures a thread: what a stop loses at most */
#define FNAS_SCORES_SAVED_MS 5000 /* at most between two times that they are written down */

typedef struct fnas_score_task {
    fnas_context *context; /* the caller's, which worker 0 reports progress to */
    const fnas_run *run;
    const fnas_score_kind *kind;
    void *loaded;                           /* what the kind scores on */
    fnas_scorer *scorers;                   /* [workers] */
    int64_t first, count, total, decisions; /* these are [first, first + count) of total */
    const int32_t *choices;                 /* [total][decisions] */
    fnas_score *scores;                     /* [total] */
    const char *stage;
    double begin_ms, saved_ms;
    atomic_int_fast64_t done; /* of total */
} fnas_score_task;

/* ---- one architecture ---- */

fnas_status fnas_scorer_prepare(fnas_context *context, fnas_scorer *scorer) {
    return scorer->worker.engine ? FNAS_OK : fnas_worker_create(context, FNAS_COMPUTE_F32, &scorer->worker);
}

void fnas_scorer_free(fnas_scorer *scorer) {
    if (scorer->worker.engine) fnas_worker_destroy(&scorer->worker);
    fnas_free(scorer->statistics);
}

static void fnas_score_report(const fnas_score_task *task, int64_t done) {
    fnas_progress progress = {
        .stage = task->stage, .done = done, .total = task->total, .elapsed_s = (fnas_wall_ms() - task->begin_ms) / 1000, .text = ""};
    fnas_report_progress(task->context, &progress);
}

static fnas_status fnas_score_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    fnas_score_task *task = user;
    if (fnas_context_stop_requested(context)) {
        return fnas_fail(context, FNAS_INTERRUPTED, "%s: stopped; ask again to go on", task->stage);
    }
    int64_t arch = task->first + item;
    fnas_status status = task->kind->score(context, task->run, task->loaded, &task->scorers[worker], task->choices + arch * task->decisions,
                                           &task->scores[arch]);
    int64_t done = atomic_fetch_add(&task->done, 1) + 1;
    if (worker == 0) fnas_score_report(task, done); /* worker 0 is the caller's own thread */
    return status;
}

/* ---- all of them ---- */

static void fnas_scorers_free(fnas_scorer *scorers, int64_t count) {
    for (int64_t i = 0; scorers && i < count; i++) fnas_scorer_free(&scorers[i]);
    fnas_free(scorers);
}

static fnas_status fnas_score_run(fnas_context *context, fnas_score_task *task) {
    int64_t workers = fnas_score_most(fnas_context_threads(context), task->count);
    fnas_team *team;
    FNAS_TRY(fnas_team_create(context, workers, fnas_engine_prepare_thread, &team));
    task->scorers = fnas_allocate((size_t)workers, sizeof *task->scorers);
    fnas_status status = task->scorers ? fnas_team_run(context, team, task->count, fnas_score_item, task)
                                       : fnas_fail_memory(context, "scoring");
    fnas_scorers_free(task->scorers, workers);
    fnas_team_destroy(team);
    if (status == FNAS_OK) fnas_score_report(task, task->first + task->count);
    return status;
}

/* Some of the task's architectures, and what they are found to be, for the run to keep. */
static fnas_status fnas_score_some(fnas_context *context, fnas_score_part part, int64_t images, fnas_score_task *task) {
    task->done = task->first;
    FNAS_TRY(fnas_score_run(context, task));
    FNAS_TRY(fnas_score_cache_store(context, task->run->scores, part, images, task->count, task->choices + task->first * task->decisions,
                                    task->scores + task->first));
    return FNAS_OK;
}

static void fnas_score_save(fnas_context *context, fnas_score_task *task) {
    if (task->run->scores) fnas_score_file_save(context, task->run);
    task->saved_ms = fnas_wall_ms();
}

/* A run that cannot be written to must not change what the failure says. */
static fnas_status fnas_score_save_and_fail(fnas_context *context, fnas_score_task *task, fnas_status status) {
    char *message = fnas_strdup(fnas_context_message(context));
    fnas_score_save(context, task);
    fnas_status failed = fnas_fail(context, status, "%s", message ? message : "");
    fnas_free(message);
    return failed;
}

/* Scores distinct architectures, none of them known. */
static fnas_status fnas_score_anew(fnas_context *context, const fnas_run *run, const fnas_examples *examples, fnas_score_part part,
                                   int64_t images, const char *stage, const fnas_arch_set *archs, fnas_score *scores) {
    fnas_score_task task = {.context = context,
                            .run = run,
                            .kind = fnas_search_translates(&run->config) ? &fnas_score_on_sentences : &fnas_score_on_images,
                            .total = archs->count,
                            .decisions = archs->decisions,
                            .choices = archs->choices,
                            .scores = scores,
                            .stage = stage,
                            .begin_ms = fnas_wall_ms(),
                            .saved_ms = fnas_wall_ms()};
    fnas_status status = task.kind->load(context, run, examples, part, images, &task.loaded);
    int64_t kept = FNAS_SCORES_KEPT * fnas_context_threads(context);
    for (; task.first < archs->count && status == FNAS_OK; task.first += kept) {
        task.count = fnas_score_most(kept, archs->count - task.first);
        status = fnas_score_some(context, part, images, &task);
        if (fnas_wall_ms() - task.saved_ms > FNAS_SCORES_SAVED_MS) fnas_score_save(context, &task);
    }
    if (task.first > 0 && status == FNAS_OK) fnas_score_save(context, &task);
    if (task.first > 0 && status != FNAS_OK) status = fnas_score_save_and_fail(context, &task, status);
    task.kind->free(task.loaded);
    return status;
}

static fnas_status fnas_score_collect_unknown(fnas_context *context, int64_t count, const int32_t *choices, const fnas_score *scores,
                                              fnas_arch_set *unknown) {
    int64_t ignored;
    for (int64_t i = 0; i < count; i++) {
        if (isnan(scores[i].error_pct)) FNAS_TRY(fnas_arch_set_add(context, unknown, choices + i * unknown->decisions, &ignored));
    }
    return FNAS_OK;
}

static fnas_status fnas_score_unknown(fnas_context *context, const fnas_run *run, const fnas_examples *examples, fnas_score_part part,
                                      int64_t images, const char *stage, const fnas_arch_set *unknown, int64_t count,
                                      const int32_t *choices, fnas_score *scores) {
    fnas_score *fresh = fnas_allocate((size_t)unknown->count, sizeof *fresh);
    if (!fresh) return fnas_fail_memory(context, "scoring");
    fnas_status status = fnas_score_anew(context, run, examples, part, images, stage, unknown, fresh);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        if (isnan(scores[i].error_pct)) scores[i] = fresh[fnas_arch_set_find(unknown, choices + i * unknown->decisions)];
    }
    fnas_free(fresh);
    return status;
}

static int64_t fnas_score_image_count(const fnas_run *run, int64_t images) {
    return images ? images : run->config.validation_images;
}

bool fnas_score_known(const fnas_run *run, fnas_score_part part, int64_t images, int64_t count, const int32_t *choices,
                      fnas_score *scores) {
    return !fnas_score_cache_lookup(run->scores, part, fnas_score_image_count(run, images), count, choices, scores);
}

fnas_status fnas_score_archs(fnas_context *context, const fnas_run *run, const fnas_examples *examples, fnas_score_part part,
                             int64_t images, const char *stage, int64_t count, const int32_t *choices, fnas_score *scores) {
    images = fnas_score_image_count(run, images);
    if (fnas_score_known(run, part, images, count, choices, scores)) return FNAS_OK;
    fnas_arch_set unknown = {.decisions = fnas_space_decision_count(run->space)};
    fnas_status status = fnas_score_collect_unknown(context, count, choices, scores, &unknown);
    if (status == FNAS_OK) status = fnas_score_unknown(context, run, examples, part, images, stage, &unknown, count, choices, scores);
    fnas_arch_set_free(&unknown);
    return status;
}
