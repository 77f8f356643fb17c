/* Element-wise operators: padded channels hold zeros, and each of these maps zeros to zeros, so they run over whole buffers. */
#include "compute/elementwise.h"

#include <string.h>

#include "compute/engine_internal.h"
#include "compute/lanes.h"
#include "compute/ops.h"

static size_t floats_of(const fnas_engine *engine, fnas_shape shape) {
    return (size_t)(shape.n * ((shape.c + engine->block - 1) / engine->block) * engine->block * shape.h * shape.w);
}

FNAS_MULTIVERSION void fnas_floats_add(size_t count, const float *restrict from, float *restrict to) {
    for (size_t i = 0; i < count; i++) to[i] += from[i];
}

/* Not x > 0 ? x : 0, which would hide a NaN. Buffers may be the same. */
FNAS_MULTIVERSION static void relu(size_t count, const float *src, float *dst) {
    for (size_t i = 0; i < count; i++) dst[i] = src[i] < 0.0f ? 0.0f : src[i];
}

FNAS_MULTIVERSION static void relu_gradient(size_t count, const float *src, const float *diff_dst, float *diff_src) {
    for (size_t i = 0; i < count; i++) diff_src[i] = src[i] > 0.0f ? diff_dst[i] : 0.0f;
}

FNAS_MULTIVERSION static void relu_gradient_add(size_t count, const float *src, const float *diff_dst, float *diff_src) {
    for (size_t i = 0; i < count; i++) diff_src[i] += src[i] > 0.0f ? diff_dst[i] : 0.0f;
}

FNAS_MULTIVERSION static void scale(size_t count, float factor, const float *src, float *dst) {
    for (size_t i = 0; i < count; i++) dst[i] = factor * src[i];
}

FNAS_MULTIVERSION static void scale_add(size_t count, float factor, const float *src, float *dst) {
    for (size_t i = 0; i < count; i++) dst[i] += factor * src[i];
}

void fnas_relu_forward(fnas_engine *engine, fnas_shape shape, const float *src, float *dst) {
    relu(floats_of(engine, shape), src, dst);
}

void fnas_relu_backward(fnas_engine *engine, fnas_shape shape, const float *src, const float *diff_dst, bool accumulate, float *diff_src) {
    (accumulate ? relu_gradient_add : relu_gradient)(floats_of(engine, shape), src, diff_dst, diff_src);
}

void fnas_add(fnas_engine *engine, fnas_shape shape, const float *src, bool accumulate, float *dst) {
    size_t count = floats_of(engine, shape);
    if (accumulate)
        fnas_floats_add(count, src, dst);
    else
        memcpy(dst, src, count * sizeof *dst);
}

void fnas_gate_forward(fnas_engine *engine, fnas_shape shape, float gate, const float *src, bool accumulate, float *dst) {
    (accumulate ? scale_add : scale)(floats_of(engine, shape), gate, src, dst);
}

void fnas_gate_backward(fnas_engine *engine, fnas_shape shape, float gate, const float *src, const float *diff_dst, bool accumulate,
                        float *diff_src, double *diff_gate) {
    *diff_gate = fnas_dot(engine, shape, diff_dst, src);
    (accumulate ? scale_add : scale)(floats_of(engine, shape), gate, diff_dst, diff_src);
}

double fnas_dot(fnas_engine *engine, fnas_shape shape, const float *a, const float *b) {
    double sum[FNAS_LANES] = {0};
    fnas_lanes_dot(floats_of(engine, shape), a, b, sum);
    return fnas_lanes_total(sum);
}

double fnas_sum(fnas_engine *engine, fnas_shape shape, const float *a) {
    double sum[FNAS_LANES] = {0};
    fnas_lanes_sum(floats_of(engine, shape), a, sum);
    return fnas_lanes_total(sum);
}
