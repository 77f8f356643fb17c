/* MeCo (Jiang et al. 2023, "MeCo: zero-shot NAS with one data and single forward pass via minimum eigenvalue of correlation"): how little
 * the channels of an untrained network repeat each other.
 *
 * For each ReLU and each image the correlation matrix of its channels over the image's pixels has a smallest eigenvalue; the score is the
 * sum over ReLUs of their mean over the first FNAS_MECO_IMAGES images, the higher, the better. (The paper looks at what convolutions give,
 * for one image.) A ReLU with no more pixels than channels counts 0: its matrix is singular. Norms use the statistics of all images. */
#ifndef FNAS_ESTIMATE_MECO_H
#define FNAS_ESTIMATE_MECO_H

#include "estimate/channels.h"

#define FNAS_MECO_IMAGES 8

/* images [n, C, H, W] plain, normalised, n >= 2. The worker is one in f32. Costs a forward pass and O(C^2 H W + C^3) a ReLU and image. */
FNAS_NODISCARD fnas_status fnas_meco_score(fnas_context *context, fnas_worker *worker, fnas_channels *channels, const fnas_net *net,
                                           const fnas_parameters *parameters, int64_t n, const float *images, double *score);

#endif
