/* Products by OpenBLAS for networks that translate: whose code they are is nn/translator's, what multiplies is another library. A word at a
 * time is a product of a matrix and a vector, for which a BLAS has a routine of its own. */
#include <cblas.h>

#include "device/runtime.h"

static CBLAS_TRANSPOSE transposed(bool transpose) {
    return transpose ? CblasTrans : CblasNoTrans;
}

static void blas_product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t a_stride,
                         const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride) {
    if (m == 1 && !transpose_a)
        cblas_sgemv(CblasRowMajor, transposed(!transpose_b), (int)(transpose_b ? n : k), (int)(transpose_b ? k : n), alpha, b,
                    (int)b_stride, a, 1, beta, c, 1);
    else
        cblas_sgemm(CblasRowMajor, transposed(transpose_a), transposed(transpose_b), (int)m, (int)n, (int)k, alpha, a, (int)a_stride, b,
                    (int)b_stride, beta, c, (int)c_stride);
}

static void blas_use_threads(int threads) {
    if (openblas_get_num_threads() != threads) openblas_set_num_threads(threads);
}

const fnas_runtime_translation fnas_translation_blas = {
    .precisions = {true, false, false}, .product = blas_product, .use_threads = blas_use_threads};
