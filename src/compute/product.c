#include "compute/product.h"

#include <string.h>

#include "compute/engine_internal.h"
#include "compute/vector.h"

void fnas_product_forward(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *src, const float *weights, const float *bias,
                          float *dst) {
    for (int64_t i = 0; bias && i < rows; i++) memcpy(dst + i * corner.out, bias, (size_t)corner.out * sizeof *dst);
    engine->product(false, true, rows, corner.out, corner.in, 1.0f, src, corner.in, weights, corner.stride, bias ? 1.0f : 0.0f, dst,
                    corner.out);
}

void fnas_product_backward_source(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *diff_dst, const float *weights,
                                  bool accumulate, float *diff_src) {
    engine->product(false, false, rows, corner.in, corner.out, 1.0f, diff_dst, corner.out, weights, corner.stride, accumulate ? 1.0f : 0.0f,
                    diff_src, corner.in);
}

FNAS_MULTIVERSION static void add_rows(int64_t rows, int64_t width, const float *src, float *sum) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t o = 0; o < width; o++) sum[o] += src[i * width + o];
}

void fnas_product_backward_weights(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *src, const float *diff_dst,
                                   float *diff_weights, float *diff_bias) {
    engine->product(true, false, corner.out, corner.in, rows, 1.0f, diff_dst, corner.out, src, corner.in, 1.0f, diff_weights,
                    corner.stride);
    if (diff_bias) add_rows(rows, corner.out, diff_dst, diff_bias);
}
