/* SynFlow (Tanaka et al. 2020, "Pruning neural networks without any data by iteratively conserving synaptic flow"), summed over a network's
 * weights as a score of it (Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS").
 *
 * With R the sum of the logits for an image of ones, of the network with |w| in place of w, the score is log of the sum over all weights of
 * |w| dR/d|w|, the higher, the better. As Abdelfattah et al. have it, norms are left out (they are the identity, without statistics, gamma
 * or beta); biases are no weights, and are left out too (linear_net.h). */
#ifndef FNAS_ESTIMATE_SYNFLOW_H
#define FNAS_ESTIMATE_SYNFLOW_H

#include "nn/path.h"

/* What one thread keeps from network to network. Zero-initialise. */
typedef struct fnas_synflow {
    float *image, *gradient;
    size_t image_capacity, gradient_capacity;
} fnas_synflow;
void fnas_synflow_free(fnas_synflow *synflow);

/* The network's output must depend on its input. Costs a pass forward and one backward of a single image. The worker is one in f32. */
FNAS_NODISCARD fnas_status fnas_synflow_score(fnas_context *context, fnas_worker *worker, fnas_synflow *synflow, const fnas_net *net,
                                              const fnas_parameters *parameters, double *score);

#endif
