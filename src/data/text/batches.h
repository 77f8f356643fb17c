/* Batches of pairs of like lengths, so that little of them is padding. */
#ifndef FNAS_DATA_TEXT_BATCHES_H
#define FNAS_DATA_TEXT_BATCHES_H

#include "data/text/pairs.h"

/* An epoch is every pair of a part once. Pairs are sorted by their lengths, cut into batches, and the batches shuffled; pairs of just the
 * same lengths change places from epoch to epoch, so that batches differ, while their number and shapes stay. All of it is a function of
 * (seed, FNAS_STREAM_SHUFFLE, epoch, path): nothing need be saved to resume. The last epoch asked for is kept; not thread-safe. */
typedef struct fnas_text_batches fnas_text_batches;

/* A source has a </s> behind it, a target a <s> in front where it is read and a </s> behind it where it is predicted: lengths include one
 * mark. most_ids: of one side of a batch, padding included. pairs: borrowed. *batches is owned: fnas_text_batches_free. Errors:
 * FNAS_ERR_USAGE (most_ids is less than the longest pair has, which is named), FNAS_ERR_INPUT (a vocabulary without <s> or </s>, an empty
 * part), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_text_batches_create(fnas_context *context, const fnas_pairs *pairs, fnas_text_part part, uint64_t seed,
                                                    int64_t path, int64_t most_ids, fnas_text_batches **batches);
void fnas_text_batches_free(fnas_text_batches *batches); /* NULL is allowed */

int64_t fnas_text_batches_count(const fnas_text_batches *batches); /* of an epoch */

typedef struct fnas_text_batch {
    const int64_t *indices; /* [count] into the part; borrowed until the next batch is asked for */
    int64_t count;
    int64_t lengths[FNAS_TEXT_SIDES]; /* of the longest source and target, with a mark */
} fnas_text_batch;

/* The batch at `position` 0, 1, ... over all epochs: position / count is the epoch. */
fnas_text_batch fnas_text_batches_at(fnas_text_batches *batches, int64_t position);

/* A batch's ids, row-major, what is behind a text filled with <pad>, or </s> in a vocabulary that has none: go by the lengths. */
typedef struct fnas_text_rows {
    int32_t *source;                   /* [count, lengths[0]]: ids, </s> */
    int32_t *target;                   /* [count, lengths[1]]: <s>, ids */
    int32_t *wanted;                   /* [count, lengths[1]]: ids, </s> */
    int32_t *lengths[FNAS_TEXT_SIDES]; /* [count] each, with a mark */
} fnas_text_rows;

/* Fills rows, which are the caller's. Thread-safe. */
void fnas_text_batch_fill(const fnas_text_batches *batches, const fnas_text_batch *batch, const fnas_text_rows *rows);

#endif
