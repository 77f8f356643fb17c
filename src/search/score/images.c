/* Scores on images: batch statistics recalibrated for each architecture, then errors. */
#include "search/score/kind.h"

#include "space/space.h"

/* Images a run of the supernet: constants, so that the outcome depends on nothing but the architecture. */
#define FNAS_RECALIBRATION_CHUNK 256 /* a shorter last one (2,000 images leave 208) counts by its images */
#define FNAS_SCORE_CHUNK 25          /* activations stay in the cache: 17 % less time an image than with 250 */

/* The images that every architecture sees, plain [n, C, H, W]. */
typedef struct fnas_score_images {
    int64_t recalibration_count, count;
    fnas_value_shape shape; /* see fnas_run_image_shape: networks of other sizes resize them */
    float *recalibration, *images;
    int32_t *labels; /* of `images` */
} fnas_score_images;

/* ---- images ---- */

static void free_images(void *loaded) {
    fnas_score_images *images = loaded;
    if (!images) return;
    fnas_free(images->recalibration);
    fnas_free(images->images);
    fnas_free(images->labels);
    fnas_free(images);
}

static fnas_status fill(fnas_context *context, const fnas_dataset *dataset, fnas_score_part part, const fnas_split *split,
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

static fnas_status load(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset, fnas_score_part part, int64_t images,
                        fnas_score_images *loaded) {
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
    fnas_status status = fill(context, dataset, part, split, loaded);
    fnas_split_free(split);
    return status;
}

static fnas_status load_images(fnas_context *context, const fnas_run *run, const fnas_examples *examples, fnas_score_part part,
                               int64_t count, void **loaded) {
    *loaded = fnas_allocate(1, sizeof(fnas_score_images));
    return *loaded ? load(context, run, examples->images, part, count, *loaded) : fnas_fail_memory(context, "images for scoring");
}

/* ---- one architecture ---- */

static fnas_status make_room(fnas_context *context, fnas_scorer *scorer, const fnas_net *net, fnas_norm_state *statistics) {
    size_t channels = (size_t)net->norm_channels;
    if (!fnas_grow((void **)&scorer->statistics, &scorer->capacity, 2 * channels, sizeof *scorer->statistics)) {
        return fnas_fail_memory(context, "statistics of norms");
    }
    *statistics = (fnas_norm_state){.mean = scorer->statistics, .variance = scorer->statistics + channels};
    return FNAS_OK;
}

static fnas_status classify(fnas_context *context, const fnas_run *run, const fnas_score_images *images, fnas_scorer *scorer,
                            const fnas_net *net, const fnas_norm_state *statistics, fnas_score *score) {
    fnas_value_shape shape = images->shape;
    int64_t correct = 0;
    double loss = 0;
    for (int64_t first = 0; first < images->count; first += FNAS_SCORE_CHUNK) {
        fnas_path_request request = {.net = net,
                                     .parameters = &run->state.weights,
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

static fnas_status recalibrate(fnas_context *context, const fnas_run *run, const fnas_score_images *images, fnas_worker *worker,
                               const fnas_net *net, fnas_norm_state *statistics) {
    return fnas_path_recalibrate(context, worker, net, &run->state.weights, images->recalibration_count, FNAS_RECALIBRATION_CHUNK,
                                 images->shape, images->recalibration, statistics);
}

static fnas_status score_net(fnas_context *context, const fnas_run *run, const fnas_score_images *images, fnas_scorer *scorer,
                             const fnas_net *net, fnas_score *score) {
    fnas_norm_state statistics;
    FNAS_TRY(fnas_scorer_prepare(context, scorer));
    FNAS_TRY(make_room(context, scorer, net, &statistics));
    FNAS_TRY(recalibrate(context, run, images, &scorer->worker, net, &statistics));
    return classify(context, run, images, scorer, net, &statistics, score);
}

static fnas_status score_images(fnas_context *context, const fnas_run *run, const void *loaded, fnas_scorer *scorer, const int32_t *choices,
                                fnas_score *score) {
    fnas_net *net;
    FNAS_TRY(fnas_space_record(context, run->supernet, choices, &net));
    fnas_status status = score_net(context, run, loaded, scorer, net, score);
    fnas_net_destroy(net);
    return status;
}

const fnas_score_kind fnas_score_on_images = {.load = load_images, .free = free_images, .score = score_images};

fnas_status fnas_score_statistics(fnas_context *context, const fnas_run *run, const fnas_examples *examples, const fnas_net *net,
                                  fnas_norm_state *statistics) {
    void *loaded = NULL;
    fnas_worker worker = {0};
    fnas_status status = load_images(context, run, examples, FNAS_SCORE_VALIDATION, 1, &loaded);
    if (status == FNAS_OK) status = fnas_worker_create(context, FNAS_COMPUTE_F32, &worker);
    if (status == FNAS_OK) status = recalibrate(context, run, loaded, &worker, net, statistics);
    fnas_worker_destroy(&worker);
    free_images(loaded);
    return status;
}
