/* Dropout (Srivastava et al. 2014) whose draws are counted, not kept: the backward pass makes the same ones again. */
#ifndef FNAS_COMPUTE_DROPOUT_H
#define FNAS_COMPUTE_DROPOUT_H

#include <stdint.h>

/* One place where values are dropped: its draws are a stream of Philox-4x32-10 (base/random.h). */
typedef struct fnas_dropout {
    uint32_t key[2], place;
    uint32_t threshold; /* of 65536: the probability of dropping, rounded to that; 0: nothing is dropped */
} fnas_dropout;

/* Names a place by the key of a run and its number there. probability 0 to below 1. */
fnas_dropout fnas_dropout_begin(const uint32_t key[2], uint32_t place, double probability);
/* factors [count]: of the place's elements from `first` on, a multiple of 8: 0 where dropped, else 1 / (1 - probability as it was rounded).
 */
void fnas_dropout_factors(const fnas_dropout *dropout, int64_t first, int64_t count, float *factors);

#endif
