/* Middle channels by importance (Cai et al. 2020, section 3.3; their re_organize_middle_weights). A smaller expansion takes a unit's first
 * channels, so before expansions open these must be those that matter: channels that the projection weighs most come first, by the L1 norm
 * of its column. Every tensor that has the channels is put in the same order, so the full network computes what it did. The reduced
 * channels of squeeze and excitation are as many as the expansion lets them be; theirs go by the columns of `excite`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "space/mobilenetv3/mobilenetv3.h"

typedef struct channel {
    double importance;
    int64_t index;
} channel;

typedef struct reordering {
    fnas_parameters *weights;
    float *moment;    /* laid out as weights->values */
    channel *order;   /* [capacity] */
    float *scratch;   /* [floats]: as many as the largest tensor of a unit has */
    char unit[32];    /* "stage0.unit1" */
    int64_t channels; /* in `order` */
} reordering;

static const fnas_parameter *tensor_of(const reordering *at, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "%s.%s", at->unit, name);
    int32_t handle = fnas_parameters_find(at->weights, full);
    return handle == FNAS_PARAMETER_NONE ? NULL : &at->weights->items[handle];
}

/* ---- order ---- */

/* The larger importance first, the smaller index among equals. */
static int compare(const void *left, const void *right) {
    const channel *a = left, *b = right;
    if (a->importance != b->importance) return a->importance > b->importance ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* By the columns of a 1x1 convolution [rows, columns]. */
static void order_by_columns(reordering *at, const char *name) {
    const fnas_parameter *item = tensor_of(at, name);
    const float *values = at->weights->values + item->offset;
    at->channels = item->shape[1];
    for (int64_t c = 0; c < at->channels; c++) {
        double sum = 0;
        for (int64_t row = 0; row < item->shape[0]; row++) sum += fabs((double)values[row * at->channels + c]);
        at->order[c] = (channel){isnan(sum) ? -1 : sum, c}; /* a training that has diverged has an order, too */
    }
    qsort(at->order, (size_t)at->channels, sizeof *at->order, compare);
}

/* ---- moving ---- */

static void move_rows(const reordering *at, const fnas_parameter *item, float *flat) {
    float *values = flat + item->offset;
    size_t row = (size_t)(item->count / at->channels);
    memcpy(at->scratch, values, (size_t)item->count * sizeof *values);
    for (int64_t c = 0; c < at->channels; c++)
        memcpy(values + (size_t)c * row, at->scratch + (size_t)at->order[c].index * row, row * sizeof *values);
}

static void move_columns(const reordering *at, const fnas_parameter *item, float *flat) {
    float *values = flat + item->offset;
    memcpy(at->scratch, values, (size_t)item->count * sizeof *values);
    for (int64_t row = 0; row < item->shape[0]; row++)
        for (int64_t c = 0; c < at->channels; c++) values[row * at->channels + c] = at->scratch[row * at->channels + at->order[c].index];
}

typedef void mover(const reordering *at, const fnas_parameter *item, float *flat);

/* Names, NULL behind the last, of the tensors whose rows or columns are the channels. */
static void move_all(const reordering *at, mover *move, const char *const *names) {
    for (; *names; names++) {
        const fnas_parameter *item = tensor_of(at, *names);
        move(at, item, at->weights->values);
        move(at, item, at->moment);
    }
}

/* ---- units ---- */

static void reorder_middle(reordering *at, bool squeezes) {
    static const char *const rows[] = {"expand", "expand.gamma", "expand.beta", "depthwise", "depthwise.gamma", "depthwise.beta", NULL},
                             *const excited[] = {"excite", "excite.bias", NULL}, *const columns[] = {"project", NULL},
                             *const reduced[] = {"reduce", NULL};
    order_by_columns(at, "project");
    move_all(at, move_rows, rows);
    move_all(at, move_columns, columns);
    if (!squeezes) return;
    move_all(at, move_rows, excited);
    move_all(at, move_columns, reduced);
}

static void reorder_squeezed(reordering *at) {
    static const char *const rows[] = {"reduce", "reduce.bias", NULL}, *const columns[] = {"excite", NULL};
    order_by_columns(at, "excite");
    move_all(at, move_rows, rows);
    move_all(at, move_columns, columns);
}

static void reorder_slot(reordering *at, int64_t slot) {
    int64_t stage = slot / FNAS_MBV3_STAGE_SLOTS;
    bool squeezes = fnas_mbv3_stage_squeezes(stage);
    snprintf(at->unit, sizeof at->unit, "stage%d.unit%d", (int)stage, (int)(slot % FNAS_MBV3_STAGE_SLOTS));
    reorder_middle(at, squeezes);
    if (squeezes) reorder_squeezed(at);
}

fnas_status fnas_mbv3_reorder(fnas_context *context, fnas_parameters *weights, float *moment) {
    int64_t most = 0;
    for (int64_t i = 0; i < weights->item_count; i++) most = weights->items[i].count > most ? weights->items[i].count : most;
    reordering at = {.weights = weights,
                     .moment = moment,
                     .order = fnas_allocate((size_t)most, sizeof *at.order),
                     .scratch = fnas_allocate((size_t)most, sizeof *at.scratch)};
    bool good = at.order && at.scratch;
    for (int64_t slot = 0; good && slot < FNAS_MBV3_SLOTS; slot++) reorder_slot(&at, slot);
    fnas_free(at.order);
    fnas_free(at.scratch);
    return good ? FNAS_OK : fnas_fail_memory(context, "the order of channels");
}
