/* Paths on images: batches of them, and how a path runs on its share. */
#include <string.h>

#include "base/memory.h"
#include "compute/ops.h"
#include "search/searcher.h"
#include "space/space.h"

/* ---- setting up ---- */

static fnas_status split_create(fnas_context *context, fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    FNAS_TRY(fnas_split_create(context, searcher->examples->images, config->seed, config->weight_fraction, config->search_fraction,
                               &searcher->split));
    int64_t weights = 0, search = 0;
    fnas_split_part(searcher->split, FNAS_SPLIT_WEIGHTS, &weights);
    fnas_split_part(searcher->split, FNAS_SPLIT_SEARCH, &search);
    if (weights < config->weight_images || search < config->search_images) {
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "the data set is too small: a step needs %lld images to train and %lld to search on, its splits hold %lld and %lld",
            (long long)config->weight_images, (long long)config->search_images, (long long)weights, (long long)search);
    }
    FNAS_TRY(fnas_epoch_order_create(context, config->seed, FNAS_SPLIT_WEIGHTS, weights, &searcher->weight_order));
    return fnas_epoch_order_create(context, config->seed, FNAS_SPLIT_SEARCH, search, &searcher->search_order);
}

static bool allocate(fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    fnas_image_batch *batch = &searcher->batch;
    size_t images = (size_t)(config->weight_images > config->search_images ? config->weight_images : config->search_images);
    batch->index = fnas_allocate(images, sizeof *batch->index);
    batch->images = fnas_allocate(images * (size_t)searcher->image_floats, sizeof *batch->images);
    batch->labels = fnas_allocate(images, sizeof *batch->labels);
    bool teaches = config->sandwiches > 0;
    if (teaches) batch->teacher = fnas_allocate((size_t)(config->weight_images * searcher->classes), sizeof *batch->teacher);
    return batch->index && batch->images && batch->labels && (!teaches || batch->teacher);
}

static fnas_status create(fnas_context *context, fnas_searcher *searcher) {
    int64_t shape[3];
    FNAS_TRY(fnas_space_image(context, searcher->run->supernet, shape, &searcher->classes));
    fnas_run_image_shape(searcher->run, searcher->examples->images, shape);
    searcher->image_floats = shape[0] * shape[1] * shape[2];
    searcher->batch.shape = (fnas_value_shape){shape[0], shape[1], shape[2]};
    FNAS_TRY(split_create(context, searcher));
    return allocate(searcher) ? FNAS_OK : fnas_fail_memory(context, "the search");
}

static void release(fnas_searcher *searcher) {
    fnas_image_batch *batch = &searcher->batch;
    fnas_free(batch->index);
    fnas_free(batch->images);
    fnas_free(batch->labels);
    fnas_free(batch->teacher);
    fnas_epoch_order_free(searcher->weight_order);
    fnas_epoch_order_free(searcher->search_order);
    fnas_split_free(searcher->split);
}

/* ---- a batch ---- */

#define FILL_CHUNK_MOST 32 /* images that a thread takes at a time */

typedef struct fill_task {
    fnas_searcher *searcher;
    int64_t stream_step;
    int64_t chunk; /* images that are taken at a time: few enough that every thread has some to do */
} fill_task;

static fnas_status fill_images(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    fill_task *task = user;
    fnas_image_batch *batch = &task->searcher->batch;
    int64_t first = item * task->chunk, last = first + task->chunk < batch->count ? first + task->chunk : batch->count;
    const fnas_search_config *config = task->searcher->config;
    const fnas_dataset *dataset = task->searcher->examples->images;
    const int64_t shape[3] = {batch->shape.c, batch->shape.h, batch->shape.w};
    for (int64_t i = first; i < last; i++) {
        float *image = batch->images + i * task->searcher->image_floats;
        fnas_status status = config->augment ? fnas_dataset_augmented(context, dataset, shape, batch->index[i], config->seed,
                                                                      task->stream_step, i, image, &batch->labels[i])
                                             : fnas_dataset_image(context, dataset, shape, batch->index[i], image, &batch->labels[i]);
        FNAS_TRY(status);
    }
    return FNAS_OK;
}

static fnas_status load(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose) {
    fnas_image_batch *batch = &searcher->batch;
    int64_t part_count = 0;
    bool weights = purpose == FNAS_PURPOSE_WEIGHTS;
    const int64_t *part = fnas_split_part(searcher->split, weights ? FNAS_SPLIT_WEIGHTS : FNAS_SPLIT_SEARCH, &part_count);
    fnas_epoch_order *order = weights ? searcher->weight_order : searcher->search_order;
    batch->count = weights ? searcher->config->weight_images : searcher->config->search_images;
    for (int64_t i = 0; i < batch->count; i++) {
        batch->index[i] = part[fnas_epoch_order_at(order, searcher->state->step * batch->count + i)];
    }
    int64_t share = (batch->count + 2 * searcher->worker_count - 1) / (2 * searcher->worker_count);
    fill_task task = {searcher, fnas_stream_step(searcher, purpose), share < FILL_CHUNK_MOST ? share : FILL_CHUNK_MOST};
    return fnas_team_run(context, searcher->team, (batch->count + task.chunk - 1) / task.chunk, fill_images, &task);
}

/* ---- a path ---- */

/* The images of a path: all of them, or its share. Observed architectures always see the same ones, so that they differ in nothing else. */
static void share_images(fnas_searcher *searcher, fnas_purpose purpose, int64_t path) {
    fnas_paths *paths = &searcher->paths;
    int64_t images = searcher->batch.count, shares = paths->share_count;
    bool shared = searcher->config->batch == FNAS_BATCH_SHARED && purpose != FNAS_PURPOSE_OBSERVE;
    if (!shares) shares = shared ? paths->count : 1;
    int64_t share = path % shares;
    paths->first_example[path] = images * share / shares;
    paths->examples[path] = images * (share + 1) / shares - paths->first_example[path];
}

/* Where the teacher's word on a path's images stands; NULL where nobody teaches. */
static float *teacher_of(const fnas_searcher *searcher, int64_t path) {
    return searcher->paths.teacher_count ? searcher->batch.teacher + searcher->paths.first_example[path] * searcher->classes : NULL;
}

/* A job's weight gradients are those of all its copies at once. */
static fnas_status run_path(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose, const fnas_path_job *job,
                            int64_t worker) {
    fnas_paths *paths = &searcher->paths;
    int64_t path = job->path, first = paths->first_example[path];
    fnas_net *net = NULL;
    FNAS_TRY(fnas_space_record(context, searcher->run->supernet, paths->choices + path * searcher->decisions, &net));
    bool weights = purpose == FNAS_PURPOSE_WEIGHTS, teaches = path < paths->teacher_count;
    float *teacher = teacher_of(searcher, path);
    double *gates = paths->gate_gradient + path * searcher->onehot;
    memset(gates, 0, (size_t)searcher->onehot * sizeof *gates);
    fnas_path_request request = {
        .net = net,
        .parameters = &searcher->state->weights,
        .n = paths->examples[path],
        .images = searcher->batch.images + first * searcher->image_floats,
        .image_shape = searcher->batch.shape,
        .labels = searcher->batch.labels + first,
        .label_smoothing = (float)searcher->config->label_smoothing,
        .soft_targets = teaches ? NULL : teacher,
        .soft_weight = (float)searcher->config->distillation,
        .scale = weights ? (float)job->copies / (float)paths->count : 1.0f,
        .weight_gradient = weights ? searcher->group_gradient[job->chain] : NULL,
        .gate_gradient = purpose == FNAS_PURPOSE_HYPERNET ? gates : NULL,
        .logits = teaches ? teacher : NULL,
    };
    fnas_path_result result = {0};
    fnas_status status = fnas_path_run(context, &searcher->workers[worker], &request, &result);
    fnas_net_destroy(net);
    if (status != FNAS_OK)
        return fnas_fail_prefix(context, status, "step %lld, path %lld", (long long)searcher->state->step, (long long)path);
    if (teaches) fnas_softmax(paths->examples[path], searcher->classes, teacher);
    paths->cross_entropy[path] = result.loss;
    paths->correct[path] = result.correct;
    return FNAS_OK;
}

const fnas_path_runner fnas_paths_on_images = {.create = create, .free = release, .load = load, .share = share_images, .run = run_path};
