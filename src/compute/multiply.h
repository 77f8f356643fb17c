/* What multiplies: a library's product of matrices, which an engine can be given in the place of the backend's. */
#ifndef FNAS_COMPUTE_MULTIPLY_H
#define FNAS_COMPUTE_MULTIPLY_H

#include "compute/engine.h"

/* c [m][n] = alpha op(a) op(b) + beta c, row-major with rows `stride` apart, f32; op transposes where asked. */
typedef void fnas_product_function(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                                   int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride);

/* What this engine's products in f32 are computed by (product.h, attention.h): the backend, unless another is set. For measuring what a
 * network costs with another library; NULL is the backend's again. */
void fnas_engine_set_product(fnas_engine *engine, fnas_product_function *product);
fnas_product_function *fnas_engine_product(const fnas_engine *engine);

#endif
