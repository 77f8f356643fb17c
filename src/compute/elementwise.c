/* Element-wise operators: padded channels hold zeros, and each of these maps zeros to zeros, so they run over whole buffers. */
#include <string.h>

#include "compute/engine_internal.h"
#include "compute/ops.h"

void fnas_relu_forward(fnas_engine *engine, fnas_shape shape, const void *src, void *dst) {
    engine->kernels->relu(fnas_shape_blocked_elements(shape, engine->block), src, dst);
}

void fnas_relu_backward(fnas_engine *engine, fnas_shape shape, const void *src, const void *diff_dst, bool accumulate, void *diff_src) {
    engine->kernels->relu_gradient(fnas_shape_blocked_elements(shape, engine->block), src, diff_dst, accumulate, diff_src);
}

void fnas_add(fnas_engine *engine, fnas_shape shape, const void *src, bool accumulate, void *dst) {
    size_t count = fnas_shape_blocked_elements(shape, engine->block);
    if (accumulate)
        engine->kernels->add(count, src, dst);
    else
        memcpy(dst, src, count * engine->kernels->element_bytes);
}

void fnas_gate_forward(fnas_engine *engine, fnas_shape shape, float gate, const void *src, bool accumulate, void *dst) {
    engine->kernels->scale(fnas_shape_blocked_elements(shape, engine->block), gate, src, accumulate, dst);
}

void fnas_gate_backward(fnas_engine *engine, fnas_shape shape, float gate, const void *src, const void *diff_dst, bool accumulate,
                        void *diff_src, double *diff_gate) {
    *diff_gate = fnas_dot(engine, shape, diff_dst, src);
    engine->kernels->scale(fnas_shape_blocked_elements(shape, engine->block), gate, diff_dst, accumulate, diff_src);
}

double fnas_dot(fnas_engine *engine, fnas_shape shape, const void *a, const void *b) {
    double sum[FNAS_LANES] = {0};
    engine->kernels->dot(fnas_shape_blocked_elements(shape, engine->block), a, b, sum);
    return fnas_lanes_total(sum);
}

double fnas_sum(fnas_engine *engine, fnas_shape shape, const void *a) {
    double sum[FNAS_LANES] = {0};
    engine->kernels->sum(fnas_shape_blocked_elements(shape, engine->block), a, sum);
    return fnas_lanes_total(sum);
}
