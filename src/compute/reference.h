/* Naive double-precision twins of ops.h: what every fast path is held to, and what gradient checks differentiate. Plain NCHW and loops;
 * no other cleverness. Same meanings and the same order of arguments as ops.h, without engine. */
#ifndef FNAS_COMPUTE_REFERENCE_H
#define FNAS_COMPUTE_REFERENCE_H

#include "compute/ops.h"

void fnas_ref_conv_forward(const fnas_conv_shape *shape, const double *src, const double *weights, const double *bias, double *dst);
void fnas_ref_conv_backward_data(const fnas_conv_shape *shape, const double *diff_dst, const double *weights, bool accumulate,
                                 double *diff_src);
void fnas_ref_conv_backward_weights(const fnas_conv_shape *shape, const double *src, const double *diff_dst, double *diff_weights,
                                    double *diff_bias);

void fnas_ref_norm_statistics(fnas_shape shape, const double *src, double *mean, double *variance);
void fnas_ref_norm_forward(fnas_shape shape, double epsilon, const double *src, const double *mean, const double *variance,
                           const double *gamma, const double *beta, bool accumulate, double *dst);
void fnas_ref_norm_backward(fnas_shape shape, double epsilon, const double *src, const double *mean, const double *variance,
                            const double *gamma, const double *beta, const double *diff_dst, double *diff_src, double *diff_gamma,
                            double *diff_beta, double *dot, double *total);

void fnas_ref_relu_forward(fnas_shape shape, const double *src, double *dst);
void fnas_ref_relu_backward(fnas_shape shape, const double *src, const double *diff_dst, bool accumulate, double *diff_src);
void fnas_ref_activation_forward(fnas_activation activation, int64_t count, const double *src, double *dst);
void fnas_ref_activation_backward(fnas_activation activation, int64_t count, const double *src, const double *diff_dst, bool accumulate,
                                  double *diff_src);
void fnas_ref_channel_scale_forward(fnas_shape shape, const double *src, const double *factors, double *dst);
/* Both gradients are added to; each may be NULL. */
void fnas_ref_channel_scale_backward(fnas_shape shape, const double *src, const double *factors, const double *diff_dst, double *diff_src,
                                     double *diff_factors);
void fnas_ref_add(fnas_shape shape, const double *src, bool accumulate, double *dst);
void fnas_ref_gate_forward(fnas_shape shape, double gate, const double *src, bool accumulate, double *dst);
void fnas_ref_gate_backward(fnas_shape shape, double gate, const double *src, const double *diff_dst, bool accumulate, double *diff_src,
                            double *diff_gate);

void fnas_ref_average_pool_forward(const fnas_pool_shape *shape, const double *src, bool accumulate, double *dst);
void fnas_ref_average_pool_backward(const fnas_pool_shape *shape, const double *diff_dst, bool accumulate, double *diff_src);
void fnas_ref_global_pool_forward(fnas_shape shape, const double *src, double *dst);
void fnas_ref_global_pool_backward(fnas_shape shape, const double *diff_dst, bool accumulate, double *diff_src);

void fnas_ref_linear_forward(int64_t n, int64_t in, int64_t out, const double *src, const double *weights, const double *bias, double *dst);
void fnas_ref_linear_backward(int64_t n, int64_t in, int64_t out, const double *src, const double *weights, const double *diff_dst,
                              double *diff_src, double *diff_weights, double *diff_bias);
void fnas_ref_cross_entropy(int64_t n, int64_t classes, const double *logits, const int32_t *labels, double smoothing, double scale,
                            double *loss, int64_t *correct, double *diff_logits);

#endif
