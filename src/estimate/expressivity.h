/* Expressivity (Lee and Ham 2024, "AZ-NAS: assembling zero-cost proxies for network architecture search"): how evenly an untrained network
 * spreads what it sees over the directions of its channels.
 *
 * The positive parts of a map's channels have a covariance matrix over images and pixels; with its eigenvalues normalised to sum to 1, p,
 * the map's expressivity is the entropy - sum p log p. The score is the sum over the maps between the blocks of the network, the higher,
 * the better: the maps that everything passes through, and which a part of the skeleton (a node without a gate, but no ReLU) gives or
 * reads; what norm or ReLU gives is no map of its own. (The paper takes maps as they are; their positive parts rank alike, and are there
 * when no reader needs more.) Norms use the statistics of these images, for which the paper takes Gaussian noise. */
#ifndef FNAS_ESTIMATE_EXPRESSIVITY_H
#define FNAS_ESTIMATE_EXPRESSIVITY_H

#include "estimate/channels.h"

/* images [n, C, H, W] plain, n >= 2. The worker is one in f32. Costs a forward pass and O(n C^2 H W + C^3) a map. */
FNAS_NODISCARD fnas_status fnas_expressivity_score(fnas_context *context, fnas_worker *worker, fnas_channels *channels, const fnas_net *net,
                                                   const fnas_parameters *parameters, int64_t n, const float *images, double *score);

#endif
