/* ZiCo (Li et al. 2023, "ZiCo: zero-shot NAS via inverse coefficient of variation on gradients"): how steadily an untrained network's
 * gradients point where they point, from batch to batch.
 *
 * With g_b the gradient of the mean cross entropy over batch b with respect to one weight, the score is the sum over layers of
 * log of the sum over the layer's weights of mean_b |g_b| / std_b g_b, the higher, the better. The deviation is of the gradients with their
 * sign, as in the authors' program (their text has it of the magnitudes); weights whose gradient does not vary are left out. Layers are
 * convolutions and linear layers; norms use the statistics of each batch. */
#ifndef FNAS_ESTIMATE_ZICO_H
#define FNAS_ESTIMATE_ZICO_H

#include "nn/path.h"

#define FNAS_ZICO_BATCHES 2 /* as the authors have it */

/* What one thread keeps from network to network. Zero-initialise. */
typedef struct fnas_zico {
    float *gradients; /* [batches][float_count] */
    size_t capacity;
} fnas_zico;
void fnas_zico_free(fnas_zico *zico);

/* images [n, C, H, W] plain, normalised, labels [n]: the batches are equal parts of them, n >= 2 * FNAS_ZICO_BATCHES; what is left over
 * is not looked at. The worker is one in f32. Costs a pass forward and one backward of n images. */
FNAS_NODISCARD fnas_status fnas_zico_score(fnas_context *context, fnas_worker *worker, fnas_zico *zico, const fnas_net *net,
                                           const fnas_parameters *parameters, int64_t n, const float *images, const int32_t *labels,
                                           double *score);

#endif
