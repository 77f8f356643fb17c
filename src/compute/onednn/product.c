#include <dnnl.h>

#include "compute/backend.h"

void fnas_backend_product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                          int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride) {
    /* Fails on sizes that make no sense alone. */
    dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, a_stride, b, b_stride, beta, c, c_stride);
}
