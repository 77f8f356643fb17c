#include "estimate/merit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/sort.h"
#include "estimate/training_free.h"

static const fnas_training_free_kind kinds[FNAS_MERIT_SCORES] = {FNAS_TRAINING_FREE_NASWOT, FNAS_TRAINING_FREE_ZICO,
                                                                 FNAS_TRAINING_FREE_MECO, FNAS_TRAINING_FREE_EXPRESSIVITY};

const char *fnas_merit_score_name(int64_t score) {
    return fnas_training_free_name(kinds[score]);
}

/* ---- untrained networks ---- */

typedef struct merit_images {
    float *images, *noise;
    int32_t *labels;
} merit_images;

static void release(merit_images *images) {
    fnas_free(images->images);
    fnas_free(images->noise);
    fnas_free(images->labels);
}

static fnas_status load_images(fnas_context *context, const fnas_space *proxy, const fnas_dataset *dataset, int64_t image_count,
                               const int64_t *indices, uint64_t seed, merit_images *images) {
    size_t floats = (size_t)(image_count * proxy->image[0] * proxy->image[1] * proxy->image[2]);
    images->images = fnas_allocate(floats, sizeof(float));
    images->noise = fnas_allocate(floats, sizeof(float));
    images->labels = fnas_allocate((size_t)image_count, sizeof(int32_t));
    if (!images->images || !images->noise || !images->labels) return fnas_fail_memory(context, "images");
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_ESTIMATE, 0, 1);
    for (size_t i = 0; i < floats; i++) images->noise[i] = (float)fnas_random_normal(&random);
    return fnas_batch_fill(context, dataset, proxy->image, image_count, indices, NULL, images->images, images->labels);
}

static fnas_status score_kind(fnas_context *context, fnas_training_free_kind kind, const fnas_space *proxy, const merit_images *images,
                              int64_t image_count, uint64_t seed, const fnas_arch_set *archs, double *scores) {
    fnas_training_free_options options = {.kind = kind,
                                          .seed = seed,
                                          .repeats = 1,
                                          .image_count = image_count,
                                          .images = kind == FNAS_TRAINING_FREE_EXPRESSIVITY ? images->noise : images->images,
                                          .labels = kind == FNAS_TRAINING_FREE_ZICO ? images->labels : NULL};
    return fnas_training_free_scores(context, proxy, &options, archs->count, archs->choices, scores);
}

fnas_status fnas_merit_score(fnas_context *context, int64_t score, const fnas_space *proxy, const fnas_dataset *dataset,
                             int64_t image_count, const int64_t *indices, uint64_t seed, const fnas_estimate_candidates *candidates,
                             double *scores) {
    merit_images images = {0};
    fnas_status status = load_images(context, proxy, dataset, image_count, indices, seed, &images);
    if (status == FNAS_OK) status = score_kind(context, kinds[score], proxy, &images, image_count, seed, &candidates->archs, scores);
    release(&images);
    return status;
}

/* ---- ranks ---- */

/* items [count]: values ascending. */
static fnas_status sort(fnas_context *context, int64_t count, const double *values, fnas_keyed *items) {
    fnas_keyed *buffer = fnas_allocate((size_t)count + 1, sizeof *buffer);
    if (!buffer) return fnas_fail_memory(context, "ranks");
    for (int64_t i = 0; i < count; i++) items[i] = (fnas_keyed){values[i], i};
    fnas_sort_keyed(count, items, buffer);
    fnas_free(buffer);
    return FNAS_OK;
}

fnas_status fnas_merit_rank(fnas_context *context, int64_t count, const double *values, double *rank) {
    fnas_keyed *items = fnas_allocate((size_t)count + 1, sizeof *items);
    if (!items) return fnas_fail_memory(context, "ranks");
    fnas_status status = sort(context, count, values, items);
    for (int64_t first = 0, behind; first < count && status == FNAS_OK; first = behind) {
        for (behind = first + 1; behind < count && items[behind].key == items[first].key;) behind++;
        for (int64_t i = first; i < behind; i++) rank[items[i].index] = 0.5 * (double)(first + 1 + behind) / (double)count;
    }
    fnas_free(items);
    return status;
}

/* merit += weight * log(rank); rank: scratch. */
static fnas_status add_rank(fnas_context *context, int64_t count, double weight, const double *values, double *rank, double *merit) {
    FNAS_TRY(fnas_merit_rank(context, count, values, rank));
    for (int64_t i = 0; i < count; i++) merit[i] += weight * log(rank[i]);
    return FNAS_OK;
}

/* The errors [count], sorted, in the order of merit. */
static fnas_status hand_out(fnas_context *context, int64_t count, const double *merit, const double *expected, double *error) {
    fnas_keyed *by_merit = fnas_allocate((size_t)count + 1, sizeof *by_merit),
               *by_error = fnas_allocate((size_t)count + 1, sizeof *by_error);
    fnas_status status = by_merit && by_error ? sort(context, count, merit, by_merit) : fnas_fail_memory(context, "ranks");
    if (status == FNAS_OK) status = sort(context, count, expected, by_error);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) error[by_merit[count - 1 - i].index] = by_error[i].key;
    fnas_free(by_merit);
    fnas_free(by_error);
    return status;
}

static fnas_status combine(fnas_context *context, int64_t count, const fnas_ingredients *ingredients, const double *scores,
                           const double *expected, double *scratch, double *rank, double *merit, double *error) {
    for (int64_t k = 0; k < FNAS_MERIT_SCORES; k++)
        if (ingredients->scores[k]) FNAS_TRY(add_rank(context, count, 1, scores + k * count, rank, merit));
    for (int64_t i = 0; i < count; i++) scratch[i] = -expected[i];
    if (ingredients->trainings) FNAS_TRY(add_rank(context, count, FNAS_MERIT_TRAINED, scratch, rank, merit));
    return hand_out(context, count, merit, expected, error);
}

fnas_status fnas_merit_combine(fnas_context *context, int64_t count, const fnas_ingredients *ingredients, const double *scores,
                               const double *expected, double *error) {
    double *room = fnas_allocate(3 * (size_t)count + 1, sizeof *room);
    if (!room) return fnas_fail_memory(context, "merits");
    fnas_status status = combine(context, count, ingredients, scores, expected, room, room + count, room + 2 * count, error);
    fnas_free(room);
    return status;
}
