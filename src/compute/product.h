/* Products with the top-left corner of a weight: rows of tokens times its first `out` rows and first `in` columns. f32, plain, on the
 * thread that calls, by what the engine's products are computed by; where that is the backend, forward and of few rows by a kernel of its
 * own (few_rows.h). Deterministic; pointers are borrowed. */
#ifndef FNAS_COMPUTE_PRODUCT_H
#define FNAS_COMPUTE_PRODUCT_H

#include "compute/engine.h"

typedef struct fnas_corner {
    int64_t in, out, stride; /* of a weight [at least out][stride], stride at least in */
} fnas_corner;

/* dst [rows][out] = src [rows][in] W^T + bias; bias [out] may be NULL. */
void fnas_product_forward(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *src, const float *weights, const float *bias,
                          float *dst);
/* A corner's weights in bf16 (the upper half of an f32), rounded to nearest even: rounded [out][in]. */
void fnas_product_round(fnas_corner corner, const float *weights, uint16_t *rounded);
/* fnas_product_forward of such weights; all else is f32. A product of few rows waits for its weights, of which there are half as many
 * bytes. scratch [FNAS_PRODUCT_PANEL * in] */
#define FNAS_PRODUCT_PANEL 64
void fnas_product_forward_rounded(fnas_engine *engine, int64_t rows, int64_t in, int64_t out, const float *src, const uint16_t *weights,
                                  const float *bias, float *scratch, float *dst);
/* diff_src [rows][in] (+)= diff_dst W. */
void fnas_product_backward_source(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *diff_dst, const float *weights,
                                  bool accumulate, float *diff_src);
/* diff_weights [out][stride] += diff_dst^T src; diff_bias [out] += sums of diff_dst's columns, or NULL. */
void fnas_product_backward_weights(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *src, const float *diff_dst,
                                   float *diff_weights, float *diff_bias);

#endif
