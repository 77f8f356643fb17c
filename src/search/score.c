#include "search/score.h"

#include <math.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/threads.h"
#include "search/score_file.h"
#include "space/arch_set.h"
#include "space/space.h"

/* Images a run of the supernet: constants, so that the outcome depends on nothing but the architecture. */
#define FNAS_RECALIBRATION_CHUNK 256 /* a shorter last one (2,000 images leave 208) counts by its images */
#define FNAS_SCORE_CHUNK 25          /* activations stay in the cache: 17 % less time an image than with 250 */
#define FNAS_SCORES_KEPT 512         /* architectures, between two times that the run's scores are kept */

/* The images that every architecture sees, plain [n, C, H, W]. */
typedef struct fnas_score_images {
    int64_t recalibration_count, count;
    fnas_value_shape shape; /* see fnas_run_image_shape: networks of other sizes resize them */
    float *recalibration, *images;
    int32_t *labels; /* of `images` */
} fnas_score_images;

/* What one worker keeps from architecture to architecture. */
typedef struct fnas_scorer {
    fnas_worker worker;
    float *statistics; /* means, then variances */
    size_t capacity;
} fnas_scorer;

typedef struct fnas_score_task {
    fnas_context *context; /* the caller's, which worker 0 reports progress to */
    const fnas_run *run;
    const fnas_score_images *images;
    fnas_scorer *scorers;                   /* [workers] */
    int64_t first, count, total, decisions; /* these are [first, first + count) of total */
    const int32_t *choices;                 /* [total][decisions] */
    fnas_score *scores;                     /* [total] */
    const char *stage;
    double begin_ms;
    atomic_int_fast64_t done; /* of total */
} fnas_score_task;

/* ---- images ---- */

static void fnas_score_images_free(fnas_score_images *images) {
    fnas_free(images->recalibration);
    fnas_free(images->images);
    fnas_free(images->labels);
}

static fnas_status fnas_score_fill(fnas_context *context, const fnas_dataset *dataset, fnas_score_part part, const fnas_split *split,
                                   fnas_score_images *images) {
    const int64_t shape[3] = {images->shape.c, images->shape.h, images->shape.w};
    int64_t ignored, image_floats = shape[0] * shape[1] * shape[2];
    images->recalibration = fnas_allocate((size_t)(images->recalibration_count * image_floats), sizeof(float));
    images->images = fnas_allocate((size_t)(images->count * image_floats), sizeof(float));
    /* Recalibration needs no labels, but a batch comes with them. */
    int64_t labels = images->count > images->recalibration_count ? images->count : images->recalibration_count;
    images->labels = fnas_allocate((size_t)labels, sizeof *images->labels);
    if (!images->recalibration || !images->images || !images->labels) return fnas_fail_memory(context, "images for scoring");
    const int64_t *weights = fnas_split_part(split, FNAS_SPLIT_WEIGHTS, &ignored);
    FNAS_TRY(fnas_batch_fill(context, dataset, shape, images->recalibration_count, weights, NULL, images->recalibration, images->labels));
    if (part == FNAS_SCORE_TEST) return fnas_batch_fill_test(context, dataset, shape, images->count, images->images, images->labels);
    const int64_t *validation = fnas_split_part(split, FNAS_SPLIT_VALIDATION, &ignored);
    return fnas_batch_fill(context, dataset, shape, images->count, validation, NULL, images->images, images->labels);
}

static int64_t fnas_score_most(int64_t wanted, int64_t available) {
    return wanted < available ? wanted : available;
}

static fnas_status fnas_score_images_load(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset, fnas_score_part part,
                                          int64_t images, fnas_score_images *loaded) {
    const fnas_search_config *config = &run->config;
    fnas_dataset_info info = fnas_dataset_get(dataset);
    fnas_split *split;
    int64_t shape[3];
    if (part == FNAS_SCORE_TEST && info.test_count < 1)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: the data set has no test part: put its file there, or name another folder with --data", info.spec);
    FNAS_TRY(fnas_split_create(context, dataset, config->seed, config->weight_fraction, config->search_fraction, &split));
    int64_t weights, validation;
    fnas_split_part(split, FNAS_SPLIT_WEIGHTS, &weights);
    fnas_split_part(split, FNAS_SPLIT_VALIDATION, &validation);
    fnas_run_image_shape(run, dataset, shape);
    loaded->shape = (fnas_value_shape){shape[0], shape[1], shape[2]};
    loaded->recalibration_count = fnas_score_most(config->recalibration_images, weights);
    loaded->count = fnas_score_most(images, part == FNAS_SCORE_TEST ? info.test_count : validation);
    fnas_status status = fnas_score_fill(context, dataset, part, split, loaded);
    fnas_split_free(split);
    return status;
}

/* ---- one architecture ---- */

static fnas_status fnas_scorer_prepare(fnas_context *context, fnas_scorer *scorer, const fnas_net *net, fnas_norm_state *statistics) {
    /* On the thread that will use it: the engine takes over the thread's settings. */
    if (!scorer->worker.engine) FNAS_TRY(fnas_worker_create(context, FNAS_COMPUTE_F32, &scorer->worker));
    size_t channels = (size_t)net->norm_channels;
    if (!fnas_grow((void **)&scorer->statistics, &scorer->capacity, 2 * channels, sizeof *scorer->statistics)) {
        return fnas_fail_memory(context, "statistics of norms");
    }
    *statistics = (fnas_norm_state){.mean = scorer->statistics, .variance = scorer->statistics + channels};
    return FNAS_OK;
}

static fnas_status fnas_score_classify(fnas_context *context, const fnas_score_task *task, fnas_scorer *scorer, const fnas_net *net,
                                       const fnas_norm_state *statistics, fnas_score *score) {
    const fnas_score_images *images = task->images;
    fnas_value_shape shape = images->shape;
    int64_t correct = 0;
    double loss = 0;
    for (int64_t first = 0; first < images->count; first += FNAS_SCORE_CHUNK) {
        fnas_path_request request = {.net = net,
                                     .parameters = &task->run->state.weights,
                                     .n = fnas_score_most(FNAS_SCORE_CHUNK, images->count - first),
                                     .images = images->images + first * shape.c * shape.h * shape.w,
                                     .image_shape = shape,
                                     .labels = images->labels + first,
                                     .scale = 1,
                                     .statistics = statistics};
        fnas_path_result result;
        FNAS_TRY(fnas_path_run(context, &scorer->worker, &request, &result));
        correct += result.correct;
        loss += result.loss * (double)request.n;
    }
    *score = (fnas_score){.error_pct = 100 * (double)(images->count - correct) / (double)images->count,
                          .cross_entropy = loss / (double)images->count};
    return FNAS_OK;
}

static fnas_status fnas_score_recalibrate(fnas_context *context, const fnas_run *run, const fnas_score_images *images, fnas_worker *worker,
                                          const fnas_net *net, fnas_norm_state *statistics) {
    return fnas_path_recalibrate(context, worker, net, &run->state.weights, images->recalibration_count, FNAS_RECALIBRATION_CHUNK,
                                 images->shape, images->recalibration, statistics);
}

static fnas_status fnas_score_net(fnas_context *context, const fnas_score_task *task, fnas_scorer *scorer, const fnas_net *net,
                                  fnas_score *score) {
    fnas_norm_state statistics;
    FNAS_TRY(fnas_scorer_prepare(context, scorer, net, &statistics));
    FNAS_TRY(fnas_score_recalibrate(context, task->run, task->images, &scorer->worker, net, &statistics));
    return fnas_score_classify(context, task, scorer, net, &statistics, score);
}

fnas_status fnas_score_statistics(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset, const fnas_net *net,
                                  fnas_norm_state *statistics) {
    fnas_score_images loaded = {0};
    fnas_worker worker = {0};
    fnas_status status = fnas_score_images_load(context, run, dataset, FNAS_SCORE_VALIDATION, 1, &loaded);
    if (status == FNAS_OK) status = fnas_worker_create(context, FNAS_COMPUTE_F32, &worker);
    if (status == FNAS_OK) status = fnas_score_recalibrate(context, run, &loaded, &worker, net, statistics);
    fnas_worker_destroy(&worker);
    fnas_score_images_free(&loaded);
    return status;
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
    fnas_net *net;
    int64_t arch = task->first + item;
    FNAS_TRY(fnas_space_record(context, task->run->supernet, task->choices + arch * task->decisions, &net));
    fnas_status status = fnas_score_net(context, task, &task->scorers[worker], net, &task->scores[arch]);
    fnas_net_destroy(net);
    int64_t done = atomic_fetch_add(&task->done, 1) + 1;
    if (worker == 0) fnas_score_report(task, done); /* worker 0 is the caller's own thread */
    return status;
}

/* ---- all of them ---- */

static void fnas_scorers_free(fnas_scorer *scorers, int64_t count) {
    for (int64_t i = 0; scorers && i < count; i++) {
        if (scorers[i].worker.engine) fnas_worker_destroy(&scorers[i].worker);
        fnas_free(scorers[i].statistics);
    }
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
    if (task->run->scores) fnas_score_file_save(context, task->run);
    return FNAS_OK;
}

/* Scores distinct architectures, none of them known. */
static fnas_status fnas_score_anew(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset, fnas_score_part part,
                                   int64_t images, const char *stage, const fnas_arch_set *archs, fnas_score *scores) {
    fnas_score_images loaded = {0};
    fnas_score_task task = {.context = context,
                            .run = run,
                            .images = &loaded,
                            .total = archs->count,
                            .decisions = archs->decisions,
                            .choices = archs->choices,
                            .scores = scores,
                            .stage = stage,
                            .begin_ms = fnas_wall_ms()};
    fnas_status status = fnas_score_images_load(context, run, dataset, part, images, &loaded);
    for (; task.first < archs->count && status == FNAS_OK; task.first += FNAS_SCORES_KEPT) {
        task.count = fnas_score_most(FNAS_SCORES_KEPT, archs->count - task.first);
        status = fnas_score_some(context, part, images, &task);
    }
    fnas_score_images_free(&loaded);
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

static fnas_status fnas_score_unknown(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset, fnas_score_part part,
                                      int64_t images, const char *stage, const fnas_arch_set *unknown, int64_t count,
                                      const int32_t *choices, fnas_score *scores) {
    fnas_score *fresh = fnas_allocate((size_t)unknown->count, sizeof *fresh);
    if (!fresh) return fnas_fail_memory(context, "scoring");
    fnas_status status = fnas_score_anew(context, run, dataset, part, images, stage, unknown, fresh);
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

fnas_status fnas_score_archs(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset, fnas_score_part part, int64_t images,
                             const char *stage, int64_t count, const int32_t *choices, fnas_score *scores) {
    images = fnas_score_image_count(run, images);
    if (fnas_score_known(run, part, images, count, choices, scores)) return FNAS_OK;
    fnas_arch_set unknown = {.decisions = fnas_space_decision_count(run->space)};
    fnas_status status = fnas_score_collect_unknown(context, count, choices, scores, &unknown);
    if (status == FNAS_OK) status = fnas_score_unknown(context, run, dataset, part, images, stage, &unknown, count, choices, scores);
    fnas_arch_set_free(&unknown);
    return status;
}
