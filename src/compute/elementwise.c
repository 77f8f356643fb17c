/* Element-wise operators: padded channels hold zeros, and each of these maps zeros to zeros, so they run over whole buffers. */
#include <string.h>

#include "compute/engine_internal.h"
#include "compute/ops.h"

static size_t elements_of(const fnas_engine *engine, fnas_shape shape) {
    return (size_t)(shape.n * ((shape.c + engine->block - 1) / engine->block) * engine->block * shape.h * shape.w);
}

void fnas_relu_forward(fnas_engine *engine, fnas_shape shape, const void *src, void *dst) {
    engine->kernels->relu(elements_of(engine, shape), src, dst);
}

void fnas_relu_backward(fnas_engine *engine, fnas_shape shape, const void *src, const void *diff_dst, bool accumulate, void *diff_src) {
    engine->kernels->relu_gradient(elements_of(engine, shape), src, diff_dst, accumulate, diff_src);
}

void fnas_add(fnas_engine *engine, fnas_shape shape, const void *src, bool accumulate, void *dst) {
    size_t count = elements_of(engine, shape);
    if (accumulate)
        engine->kernels->add(count, src, dst);
    else
        memcpy(dst, src, count * engine->kernels->element_bytes);
}

void fnas_gate_forward(fnas_engine *engine, fnas_shape shape, float gate, const void *src, bool accumulate, void *dst) {
    engine->kernels->scale(elements_of(engine, shape), gate, src, accumulate, dst);
}

void fnas_gate_backward(fnas_engine *engine, fnas_shape shape, float gate, const void *src, const void *diff_dst, bool accumulate,
                        void *diff_src, double *diff_gate) {
    *diff_gate = fnas_dot(engine, shape, diff_dst, src);
    engine->kernels->scale(elements_of(engine, shape), gate, diff_dst, accumulate, diff_src);
}

double fnas_dot(fnas_engine *engine, fnas_shape shape, const void *a, const void *b) {
    double sum[FNAS_LANES] = {0};
    engine->kernels->dot(elements_of(engine, shape), a, b, sum);
    return fnas_lanes_total(sum);
}

double fnas_sum(fnas_engine *engine, fnas_shape shape, const void *a) {
    double sum[FNAS_LANES] = {0};
    engine->kernels->sum(elements_of(engine, shape), a, sum);
    return fnas_lanes_total(sum);
}
