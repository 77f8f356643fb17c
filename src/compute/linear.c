/* Fully connected layers by BLAS, on the thread that calls (engine.c). */
#include <cblas.h>

#include "compute/ops.h"

void fnas_linear_forward(fnas_engine *engine, int64_t n, int64_t in, int64_t out, const float *src, const float *weights, const float *bias,
                         float *dst) {
    (void)engine;
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < out; o++) dst[i * out + o] = bias ? bias[o] : 0.0f;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)n, (blasint)out, (blasint)in, 1.0f, src, (blasint)in, weights,
                (blasint)in, 1.0f, dst, (blasint)out);
}

void fnas_linear_backward(fnas_engine *engine, int64_t n, int64_t in, int64_t out, const float *src, const float *weights,
                          const float *diff_dst, float *diff_src, float *diff_weights, float *diff_bias) {
    (void)engine;
    if (diff_src)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)n, (blasint)in, (blasint)out, 1.0f, diff_dst, (blasint)out, weights,
                    (blasint)in, 0.0f, diff_src, (blasint)in);
    if (diff_weights)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)out, (blasint)in, (blasint)n, 1.0f, diff_dst, (blasint)out, src,
                    (blasint)in, 1.0f, diff_weights, (blasint)in);
    if (!diff_bias) return;
    for (int64_t o = 0; o < out; o++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += (double)diff_dst[i * out + o];
        diff_bias[o] += (float)sum;
    }
}
