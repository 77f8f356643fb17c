/* Disjoint, class-stratified splits of the train part, and the order of images in an epoch. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/dataset.h"

struct fnas_split {
    int64_t *indices;  /* of the three parts, one behind the other */
    int64_t begins[4]; /* of each part, and the end */
};

void fnas_split_free(fnas_split *split) {
    if (!split) return;
    fnas_free(split->indices);
    fnas_free(split);
}

const int64_t *fnas_split_part(const fnas_split *split, fnas_split_kind kind, int64_t *count) {
    *count = split->begins[kind + 1] - split->begins[kind];
    return split->indices + split->begins[kind];
}

/* An image with its place in a line along which the classes are mixed evenly. */
typedef struct fnas_queued {
    double place;
    int64_t index;
    int32_t label;
} fnas_queued;

static int fnas_compare_queued(const void *a, const void *b) {
    const fnas_queued *p = a, *q = b;
    if (p->place != q->place) return p->place < q->place ? -1 : 1;
    return (p->label > q->label) - (p->label < q->label);
}

/* Shuffles values by a permutation; scratch [2 * count]. */
static void fnas_shuffle(fnas_random random, int64_t count, int64_t *values, int64_t *scratch) {
    fnas_random_permutation(&random, count, scratch);
    for (int64_t i = 0; i < count; i++) scratch[count + i] = values[scratch[i]];
    for (int64_t i = 0; i < count; i++) values[i] = scratch[count + i];
}

static int64_t fnas_collect_class(const fnas_image_set *set, int32_t label, int64_t *members) {
    int64_t count = 0;
    for (int64_t i = 0; i < set->count; i++) {
        if (set->labels[i] == label) members[count++] = i;
    }
    return count;
}

/* The k-th of n images of a class (in random order) gets place (k + 1/2) / n: every stretch of the line holds the classes in their
 * proportions to within an image or two, so cutting the line stratifies the parts and still gives them their exact sizes. */
static void fnas_queue_images(const fnas_dataset *dataset, uint64_t seed, int64_t *members, int64_t *scratch, fnas_queued *queue) {
    for (int32_t label = 0; label < dataset->classes; label++) {
        int64_t count = fnas_collect_class(&dataset->train, label, members);
        fnas_shuffle(fnas_random_begin(seed, FNAS_STREAM_SPLIT, 0, label), count, members, scratch);
        for (int64_t k = 0; k < count; k++) *queue++ = (fnas_queued){((double)k + 0.5) / (double)count, members[k], label};
    }
}

static fnas_status fnas_split_fill(fnas_context *context, const fnas_dataset *dataset, uint64_t seed, fnas_split *split) {
    int64_t total = dataset->train.count;
    fnas_queued *queue = fnas_allocate((size_t)total, sizeof *queue);
    int64_t *scratch = fnas_allocate((size_t)total, 3 * sizeof *scratch);
    fnas_status status = queue && scratch ? FNAS_OK : fnas_fail_memory(context, "a split");
    if (status == FNAS_OK) {
        fnas_queue_images(dataset, seed, scratch + 2 * total, scratch, queue);
        qsort(queue, (size_t)total, sizeof *queue, fnas_compare_queued);
        for (int64_t i = 0; i < total; i++) split->indices[i] = queue[i].index;
        for (int kind = 0; kind < 3; kind++) {
            fnas_random random = fnas_random_begin(seed, FNAS_STREAM_SPLIT, 1, kind);
            fnas_shuffle(random, split->begins[kind + 1] - split->begins[kind], split->indices + split->begins[kind], scratch);
        }
    }
    fnas_free(queue);
    fnas_free(scratch);
    return status;
}

static fnas_status fnas_split_sizes(fnas_context *context, int64_t total, double weight_fraction, double search_fraction,
                                    int64_t begins[4]) {
    bool fractions = weight_fraction > 0 && search_fraction > 0 && weight_fraction + search_fraction < 1; /* false for NaN too */
    int64_t weights = fractions ? (int64_t)(weight_fraction * (double)total) : 0;
    int64_t search = fractions ? (int64_t)(search_fraction * (double)total) : 0;
    begins[0] = 0;
    begins[1] = weights;
    begins[2] = weights + search;
    begins[3] = total;
    if (weights > 0 && search > 0 && weights + search < total) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "a split into %g for the weights and %g for the search leaves a part of the %lld images empty: both must be above 0, "
                     "their sum below 1",
                     weight_fraction, search_fraction, (long long)total);
}

fnas_status fnas_split_create(fnas_context *context, const fnas_dataset *dataset, uint64_t seed, double weight_fraction,
                              double search_fraction, fnas_split **split) {
    *split = NULL;
    int64_t begins[4];
    FNAS_TRY(fnas_split_sizes(context, dataset->train.count, weight_fraction, search_fraction, begins));
    fnas_split *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, "a split");
    for (int i = 0; i < 4; i++) created->begins[i] = begins[i];
    created->indices = fnas_allocate((size_t)dataset->train.count, sizeof *created->indices);
    fnas_status status = created->indices ? fnas_split_fill(context, dataset, seed, created) : fnas_fail_memory(context, "a split");
    if (status != FNAS_OK) {
        fnas_split_free(created);
        return status;
    }
    *split = created;
    return FNAS_OK;
}

/* ---- epochs ---- */

struct fnas_epoch_order {
    uint64_t seed;
    int64_t path, count;
    int64_t epoch; /* of the permutation held; -1: none yet */
    int64_t *permutation;
};

fnas_status fnas_epoch_order_create(fnas_context *context, uint64_t seed, int64_t path, int64_t count, fnas_epoch_order **order) {
    *order = NULL;
    if (count < 1) return fnas_fail(context, FNAS_ERR_USAGE, "an epoch needs at least one image");
    fnas_epoch_order *created = fnas_allocate(1, sizeof *created);
    int64_t *permutation = fnas_allocate((size_t)count, sizeof *permutation);
    if (!created || !permutation) {
        fnas_free(created);
        fnas_free(permutation);
        return fnas_fail_memory(context, "the order of images");
    }
    *created = (fnas_epoch_order){seed, path, count, -1, permutation};
    *order = created;
    return FNAS_OK;
}

void fnas_epoch_order_free(fnas_epoch_order *order) {
    if (!order) return;
    fnas_free(order->permutation);
    fnas_free(order);
}

int64_t fnas_epoch_order_at(fnas_epoch_order *order, int64_t position) {
    int64_t epoch = position / order->count;
    if (epoch != order->epoch) {
        fnas_random random = fnas_random_begin(order->seed, FNAS_STREAM_SHUFFLE, epoch, order->path);
        fnas_random_permutation(&random, order->count, order->permutation);
        order->epoch = epoch;
    }
    return order->permutation[position % order->count];
}
