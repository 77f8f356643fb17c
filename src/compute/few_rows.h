/* Products of few rows with a weight, as a step of decoding makes them. */
#ifndef FNAS_COMPUTE_FEW_ROWS_H
#define FNAS_COMPUTE_FEW_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* oneDNN copies a weight into panels before it multiplies, which costs more than the product itself while rows are few. Up to so many it
 * is faster to read each weight once where it lies. */
#define FNAS_FEW_ROWS 16

/* dst [rows][out] = src [rows][in] W^T + bias, W [out][stride], stride at least in; bias [out] may be NULL. f32. False, with nothing done,
 * where this processor lacks AVX-512 or there are fewer than four outputs. A result does not depend on the other rows. */
bool fnas_few_rows_product(int64_t rows, int64_t out, int64_t in, const float *src, const float *weights, int64_t stride, const float *bias,
                           float *dst);

/* The same with weights [out][in] in bf16, f32 else. */
#define FNAS_FEW_ROWS_ROUNDED 32
bool fnas_few_rows_product_rounded(int64_t rows, int64_t out, int64_t in, const float *src, const uint16_t *weights, const float *bias,
                                   float *dst);

#endif
