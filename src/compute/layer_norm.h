/* Layer normalisation over the columns of [rows][width] (Ba, Kiros and Hinton 2016). f32, plain, row by row. */
#ifndef FNAS_COMPUTE_LAYER_NORM_H
#define FNAS_COMPUTE_LAYER_NORM_H

#include <stdint.h>

#define FNAS_LAYER_NORM_EPSILON 1e-5f

/* dst = gamma (src - mean) / sqrt(variance + epsilon) + beta. mean and scale (that 1 / sqrt) [rows] are written for the backward pass. */
void fnas_layer_norm_forward(int64_t rows, int64_t width, const float *src, const float *gamma, const float *beta, float *mean,
                             float *scale, float *dst);
/* diff_src is written, and may be diff_dst. diff_gamma and diff_beta [width] are added to; both may be NULL. */
void fnas_layer_norm_backward(int64_t rows, int64_t width, const float *src, const float *gamma, const float *mean, const float *scale,
                              const float *diff_dst, float *diff_src, float *diff_gamma, float *diff_beta);

#endif
