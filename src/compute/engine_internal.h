/* What an engine is made of; for the files of this folder only. */
#ifndef FNAS_COMPUTE_ENGINE_INTERNAL_H
#define FNAS_COMPUTE_ENGINE_INTERNAL_H

#include "compute/backend.h"
#include "compute/kernels.h"
#include "compute/multiply.h"

struct fnas_engine {
    int64_t block;
    fnas_compute_type type;
    const fnas_kernels *kernels;
    fnas_backend *backend;
    void *scratch;
    size_t scratch_bytes;
    int64_t scratch_allocations;
    fnas_product_function *product;
};

/* At least `bytes` of aligned memory whose contents last until the next call; grows, never shrinks. */
FNAS_NODISCARD fnas_status fnas_engine_scratch(fnas_context *context, fnas_engine *engine, size_t bytes, void **scratch);

/* Elements of one image of a convolution's source and of its result, as they lie in memory. */
size_t fnas_conv_in_elements(const fnas_engine *engine, const fnas_conv_shape *shape);
size_t fnas_conv_out_elements(const fnas_engine *engine, const fnas_conv_shape *shape);

/* Bytes rounded up so that what follows in scratch is aligned. */
size_t fnas_align_bytes(size_t bytes);

#endif
