/* NASWOT (Mellor et al. 2021, "Neural architecture search without training"): how differently an untrained network's ReLUs treat images.
 *
 * Each image has a binary code, one bit a unit of each ReLU: whether what it reads is positive. With N bits and d_ij the Hamming distance
 * of the codes of images i and j, the kernel is K_ij = N - d_ij, and the score log det K, the higher, the better. Norms use the statistics
 * of these images. A ReLU counts once for each node that reads it, as in the benchmark's networks each convolution has its own. */
#ifndef FNAS_ESTIMATE_NASWOT_H
#define FNAS_ESTIMATE_NASWOT_H

#include "nn/path.h"

/* What one thread keeps from network to network. Zero-initialise. */
typedef struct fnas_naswot {
    uint64_t *codes;    /* of one ReLU, [n][words] */
    int64_t *distances; /* [n][n], above the diagonal */
    double *kernel;     /* [n][n] */
    size_t code_capacity, distance_capacity, kernel_capacity;
} fnas_naswot;
void fnas_naswot_free(fnas_naswot *naswot);

/* images [n, C, H, W] plain, normalised, n >= 2. *score is -INFINITY where the kernel is singular to working precision (two images share
 * their code). The worker is one in f32. Costs a forward pass and n^2 / 2 comparisons of codes. */
FNAS_NODISCARD fnas_status fnas_naswot_score(fnas_context *context, fnas_worker *worker, fnas_naswot *naswot, const fnas_net *net,
                                             const fnas_parameters *parameters, int64_t n, const float *images, double *score);

#endif
