/* SWAP (Peng et al. 2024, "SWAP-NAS: sample-wise activation patterns for ultra-fast NAS"): how many different things an untrained network's
 * units see in images.
 *
 * Each unit of a ReLU has a pattern, one bit an image: whether what it reads is positive. The score is the logarithm of the number of
 * different patterns over all units of the network, that of a unit that sees nothing counted once in any case; the higher, the better.
 * Norms use the statistics of these images. */
#ifndef FNAS_ESTIMATE_SWAP_H
#define FNAS_ESTIMATE_SWAP_H

#include "nn/path.h"

#define FNAS_SWAP_IMAGES_MAX 64 /* bits of a pattern */

/* What one thread keeps from network to network. Zero-initialise. */
typedef struct fnas_swap {
    uint64_t *slots;    /* [slot_count] open addressing; 0 is empty: the pattern without a bit is counted apart */
    uint64_t *patterns; /* of one ReLU, [units] */
    size_t slot_capacity, pattern_capacity;
} fnas_swap;
void fnas_swap_free(fnas_swap *swap);

/* images [n, C, H, W] plain, normalised, 2 <= n <= FNAS_SWAP_IMAGES_MAX. The worker is one in f32. Costs a forward pass and a few
 * operations a unit and image. */
FNAS_NODISCARD fnas_status fnas_swap_score(fnas_context *context, fnas_worker *worker, fnas_swap *swap, const fnas_net *net,
                                           const fnas_parameters *parameters, int64_t n, const float *images, double *score);

#endif
