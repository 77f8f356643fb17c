/* Depthwise convolution, plane by plane: one block of channels of one image. oneDNN 2.6 has no fast kernel for the weights of 5x5 and 7x7
 * filters, in bf16 of any; and what stands before and behind the convolution can be done while a plane is in the cache.
 *
 * Planes are f32 whatever the activations are, with zeros beside their rows, so that no tap needs a test. */
#ifndef FNAS_COMPUTE_DEPTHWISE_H
#define FNAS_COMPUTE_DEPTHWISE_H

#include "compute/ops.h"

#define FNAS_DEPTHWISE_KERNEL_MAX 7 /* as many sums as fit into registers */

/* Whether these are the kernels for a shape: depthwise, in blocks of 8 or 16 channels, filters that are not too large, no plain image. */
bool fnas_depthwise_supports(const fnas_engine *engine, const fnas_conv_shape *shape);

/* ---- operators of ops.h, for shapes that are supported ---- */
FNAS_NODISCARD fnas_status fnas_depthwise_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *src,
                                                  const float *weights, const float *bias, void *dst);
FNAS_NODISCARD fnas_status fnas_depthwise_backward_data(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape,
                                                        const void *diff_dst, const float *weights, bool accumulate, void *diff_src);
FNAS_NODISCARD fnas_status fnas_depthwise_backward_weights(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape,
                                                           const void *src, const void *diff_dst, float *diff_weights, float *diff_bias);
/* With activation and norm. */
FNAS_NODISCARD fnas_status fnas_depthwise_norm_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op,
                                                       bool statistics);
FNAS_NODISCARD fnas_status fnas_depthwise_norm_backward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op,
                                                        const void *diff_dst, fnas_conv_norm_gradients *wanted);

/* ---- of one plane (depthwise.c) ---- */

typedef struct fnas_depthwise_geometry {
    fnas_conv_shape shape;
    int64_t block, out_h, out_w;
    int64_t src_width; /* columns of a row of the source with its zeros: `padding` before, as many as taps need behind */
    int64_t gradient_left, gradient_width; /* likewise of the result's gradient */
} fnas_depthwise_geometry;

fnas_depthwise_geometry fnas_depthwise_geometry_of(int64_t block, const fnas_conv_shape *shape);
size_t fnas_depthwise_src_floats(const fnas_depthwise_geometry *g);
size_t fnas_depthwise_gradient_floats(const fnas_depthwise_geometry *g);
/* Where the first column of a row goes; the zeros beside it are the caller's. */
float *fnas_depthwise_src_row(const fnas_depthwise_geometry *g, float *plane, int64_t row);
float *fnas_depthwise_gradient_row(const fnas_depthwise_geometry *g, float *plane, int64_t row);

/* Weights of block b as the kernels want them, [kernel_h][kernel_w][block], from plain ones; padded channels get 0. */
void fnas_depthwise_pack(const fnas_depthwise_geometry *g, int64_t b, const float *weights, float *packed);
/* A row of the result, [out_w][block]; of the source's gradient, [in_w][block]. */
void fnas_depthwise_result_row(const fnas_depthwise_geometry *g, const float *src, const float *packed, int64_t row, float *result);
void fnas_depthwise_data_row(const fnas_depthwise_geometry *g, const float *gradient, const float *packed, int64_t row, float *diff_src);
/* Adds a plane's share to sums [kernel_h][kernel_w][block]; adds these to plain gradients. */
void fnas_depthwise_add_products(const fnas_depthwise_geometry *g, const float *src, const float *gradient, double *sums);
void fnas_depthwise_add_sums(const fnas_depthwise_geometry *g, int64_t b, const double *sums, float *diff_weights);

#endif
