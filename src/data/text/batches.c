#include "data/text/batches.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/sort.h"

#define LENGTHS (FNAS_PAIR_IDS_MAX + 2) /* more than any length with its mark */

struct fnas_text_batches {
    const fnas_pairs *pairs;
    fnas_text_part part;
    uint64_t seed;
    int64_t path, most_ids;
    fnas_vocabulary_marks marks;
    int64_t pair_count, count;  /* of pairs and of batches */
    int64_t epoch;              /* that is held; -1: none yet */
    fnas_keyed *items, *buffer; /* [pair_count] */
    int64_t *indices;           /* [pair_count]: pairs in the order of their lengths */
    int64_t *begins;            /* [count + 1]: of the batches in indices */
    int64_t *order;             /* [pair_count] at first, then [count]: which batch comes when */
};

static int64_t marked_length(const fnas_text_batches *batches, int64_t index, fnas_text_side side) {
    return fnas_pairs_length(batches->pairs, batches->part, index, side) + 1;
}

/* ---- an epoch ---- */

/* By the longer side, then by the source, then by the target: a whole number below 2^53. */
static double length_key(const fnas_text_batches *batches, int64_t index) {
    int64_t source = marked_length(batches, index, FNAS_TEXT_SOURCE), target = marked_length(batches, index, FNAS_TEXT_TARGET);
    return (double)(((source > target ? source : target) * LENGTHS + source) * LENGTHS + target);
}

static void set_epoch(fnas_text_batches *batches, int64_t epoch) {
    fnas_random random = fnas_random_begin(batches->seed, FNAS_STREAM_SHUFFLE, epoch, batches->path);
    int64_t pairs = batches->pair_count;
    fnas_random_permutation(&random, pairs, batches->order);
    for (int64_t i = 0; i < pairs; i++) batches->items[i] = (fnas_keyed){length_key(batches, batches->order[i]), batches->order[i]};
    fnas_sort_keyed(pairs, batches->items, batches->buffer);
    for (int64_t i = 0; i < pairs; i++) batches->indices[i] = batches->items[i].index;
    if (batches->count) fnas_random_permutation(&random, batches->count, batches->order);
    batches->epoch = epoch;
}

/* ---- the cuts, which are the same in every epoch ---- */

static void set_batches(fnas_text_batches *batches) {
    int64_t begin = 0, most[FNAS_TEXT_SIDES] = {0};
    for (int64_t i = 0; i < batches->pair_count; i++) {
        bool fits = true;
        for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
            int64_t length = marked_length(batches, batches->indices[i], (fnas_text_side)side);
            most[side] = length > most[side] ? length : most[side];
            fits &= most[side] * (i + 1 - begin) <= batches->most_ids;
        }
        if (fits) continue;
        batches->begins[++batches->count] = begin = i;
        for (int side = 0; side < FNAS_TEXT_SIDES; side++) most[side] = marked_length(batches, batches->indices[i], (fnas_text_side)side);
    }
    batches->begins[++batches->count] = batches->pair_count;
}

static fnas_status check_lengths(fnas_context *context, const fnas_text_batches *batches) {
    for (int64_t i = 0; i < batches->pair_count; i++) {
        for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
            int64_t length = marked_length(batches, i, (fnas_text_side)side);
            if (length > batches->most_ids)
                return fnas_fail(context, FNAS_ERR_USAGE,
                                 "a batch of at most %lld ids: pair %lld has %lld on one side with its mark: prepare the text with shorter "
                                 "pairs (--longest), or use a preset with larger batches",
                                 (long long)batches->most_ids, (long long)i, (long long)length);
        }
    }
    return FNAS_OK;
}

static fnas_status fill_in(fnas_context *context, fnas_text_batches *batches) {
    size_t count = (size_t)batches->pair_count;
    if (batches->marks.begin < 0 || batches->marks.end < 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "the vocabulary of the text lacks <s> or </s>");
    if (!count) return fnas_fail(context, FNAS_ERR_INPUT, "the text has no pair in the part that batches are wanted of");
    FNAS_TRY(check_lengths(context, batches));
    batches->items = fnas_allocate(count, sizeof *batches->items);
    batches->buffer = fnas_allocate(count, sizeof *batches->buffer);
    batches->indices = fnas_allocate(count, sizeof *batches->indices);
    batches->begins = fnas_allocate(count + 1, sizeof *batches->begins);
    batches->order = fnas_allocate(count, sizeof *batches->order);
    if (!batches->items || !batches->buffer || !batches->indices || !batches->begins || !batches->order)
        return fnas_fail_memory(context, "batches");
    set_epoch(batches, 0);
    set_batches(batches);
    batches->epoch = -1;
    return FNAS_OK;
}

fnas_status fnas_text_batches_create(fnas_context *context, const fnas_pairs *pairs, fnas_text_part part, uint64_t seed, int64_t path,
                                     int64_t most_ids, fnas_text_batches **batches) {
    *batches = NULL;
    fnas_text_batches *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, "batches");
    fnas_pairs_info info = fnas_pairs_get(pairs);
    *created = (fnas_text_batches){.pairs = pairs,
                                   .part = part,
                                   .seed = seed,
                                   .path = path,
                                   .most_ids = most_ids,
                                   .marks = fnas_vocabulary_get(info.vocabulary),
                                   .pair_count = info.counts[part],
                                   .epoch = -1};
    fnas_status status = fill_in(context, created);
    if (status == FNAS_OK)
        *batches = created;
    else
        fnas_text_batches_free(created);
    return status;
}

void fnas_text_batches_free(fnas_text_batches *batches) {
    if (!batches) return;
    fnas_free(batches->items);
    fnas_free(batches->buffer);
    fnas_free(batches->indices);
    fnas_free(batches->begins);
    fnas_free(batches->order);
    fnas_free(batches);
}

/* ---- one batch ---- */

int64_t fnas_text_batches_count(const fnas_text_batches *batches) {
    return batches->count;
}

fnas_text_batch fnas_text_batches_at(fnas_text_batches *batches, int64_t position) {
    if (position / batches->count != batches->epoch) set_epoch(batches, position / batches->count);
    const int64_t *begin = batches->begins + batches->order[position % batches->count];
    fnas_text_batch batch = {.indices = batches->indices + begin[0], .count = begin[1] - begin[0]};
    for (int64_t i = 0; i < batch.count; i++) {
        for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
            int64_t length = marked_length(batches, batch.indices[i], (fnas_text_side)side);
            if (length > batch.lengths[side]) batch.lengths[side] = length;
        }
    }
    return batch;
}

void fnas_text_batch_fill(const fnas_text_batches *batches, const fnas_text_batch *batch, const fnas_text_rows *rows) {
    const fnas_vocabulary_marks *marks = &batches->marks;
    int32_t padding = marks->padding >= 0 ? marks->padding : marks->end;
    for (int64_t i = 0; i < batch->count; i++) {
        int64_t index = batch->indices[i];
        const int64_t *width = batch->lengths;
        int32_t *source = rows->source + i * width[0], *target = rows->target + i * width[1], *wanted = rows->wanted + i * width[1];
        int64_t source_end = marked_length(batches, index, FNAS_TEXT_SOURCE), target_end = marked_length(batches, index, FNAS_TEXT_TARGET);
        fnas_pairs_ids(batches->pairs, batches->part, index, FNAS_TEXT_SOURCE, source);
        fnas_pairs_ids(batches->pairs, batches->part, index, FNAS_TEXT_TARGET, wanted);
        source[source_end - 1] = wanted[target_end - 1] = marks->end;
        target[0] = marks->begin;
        for (int64_t k = 1; k < target_end; k++) target[k] = wanted[k - 1];
        for (int64_t k = source_end; k < width[0]; k++) source[k] = padding;
        for (int64_t k = target_end; k < width[1]; k++) target[k] = wanted[k] = padding;
        rows->lengths[FNAS_TEXT_SOURCE][i] = (int32_t)source_end;
        rows->lengths[FNAS_TEXT_TARGET][i] = (int32_t)target_end;
    }
}
