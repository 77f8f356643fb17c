/* Depthwise convolution, gradient by weights: the one kernel that oneDNN 2.6 lacks (see conv.c). */
#ifndef FNAS_COMPUTE_DEPTHWISE_H
#define FNAS_COMPUTE_DEPTHWISE_H

#include "compute/ops.h"

#define FNAS_DEPTHWISE_KERNEL_MAX 7 /* columns of a filter: as many sums as fit into registers */

bool fnas_depthwise_supports(int64_t block, const fnas_conv_shape *shape);
size_t fnas_depthwise_scratch_bytes(int64_t block, const fnas_conv_shape *shape);
/* Adds to diff_weights and diff_bias (may be NULL). */
void fnas_depthwise_backward_weights(int64_t block, const fnas_conv_shape *shape, const float *src, const float *diff_dst, void *scratch,
                                     float *diff_weights, float *diff_bias);

#endif
