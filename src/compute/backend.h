/* What a convolution library has to give; onednn/ implements it, and nothing outside that folder knows which library it is. */
#ifndef FNAS_COMPUTE_BACKEND_H
#define FNAS_COMPUTE_BACKEND_H

#include <stddef.h>

#include "compute/ops.h"

typedef struct fnas_backend fnas_backend;           /* of one engine: stream and cache of prepared convolutions */
typedef struct fnas_backend_conv fnas_backend_conv; /* one prepared convolution, owned by the cache */

/* Also says which channel block (engine.h) this processor's convolutions choose. */
FNAS_NODISCARD fnas_status fnas_backend_create(fnas_context *context, fnas_compute_type type, fnas_backend **backend, int64_t *block);
void fnas_backend_destroy(fnas_backend *backend);
int64_t fnas_backend_preparations(const fnas_backend *backend);

/* The convolution for a valid shape, from the cache or new; borrowed: at least the 16 that were asked for last stay. with_bias: has a bias
 * (forward) or its gradient (weights). */
FNAS_NODISCARD fnas_status fnas_backend_prepare(fnas_context *context, fnas_backend *backend, const fnas_conv_shape *shape,
                                                fnas_conv_kind kind, bool with_bias, fnas_backend_conv **conv);
size_t fnas_backend_conv_scratch_bytes(const fnas_backend_conv *conv);
const char *fnas_backend_conv_implementation(const fnas_backend_conv *conv);

/* Runs it on one thread. By kind (first, second, result): forward (src, weights, dst), data (diff_dst, weights, diff_src), weights
 * (src, diff_dst, diff_weights). Weights are plain; the result is written. bias: read (forward) or written (weights). */
FNAS_NODISCARD fnas_status fnas_backend_conv_run(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv, const void *first,
                                                 const void *second, float *bias, void *result, void *scratch);

/* The same in parts, for many runs with the same weights: these, or their gradient, lie as the kernel has them (fnas_backend_conv_run with
 * `packed` instead of plain weights). pack: before forward or data; unpack: after weights. Gradients of several runs may be added up
 * packed, as f32. */
size_t fnas_backend_conv_packed_bytes(const fnas_backend_conv *conv);
FNAS_NODISCARD fnas_status fnas_backend_conv_pack(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv,
                                                  const float *weights, void *packed, void *scratch);
FNAS_NODISCARD fnas_status fnas_backend_conv_run_packed(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv,
                                                        const void *first, const void *second, float *bias, void *result, void *scratch);
FNAS_NODISCARD fnas_status fnas_backend_conv_unpack(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv,
                                                    const void *packed, float *weights, void *scratch);

/* c [m][n] = alpha op(a) op(b) + beta c, row-major with rows `stride` apart, f32, on the thread that calls; op transposes where asked.
 * OpenBLAS does not know every processor: on one that is newer than itself it falls back to kernels without AVX, at a fifth of the speed.
 */
void fnas_backend_product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                          int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride);

#endif
