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

void fnas_hard_swish_forward(fnas_engine *engine, fnas_shape shape, const void *src, void *dst) {
    engine->kernels->hard_swish(fnas_shape_blocked_elements(shape, engine->block), src, dst);
}

static float hard_sigmoid(float x) {
    float gate = x + 3.0f < 0.0f ? 0.0f : x + 3.0f > 6.0f ? 6.0f : x + 3.0f; /* a NaN stays one */
    return gate * (1.0f / 6.0f);
}

void fnas_activation_forward_plain(fnas_activation activation, int64_t count, const float *src, float *dst) {
    switch (activation) {
    case FNAS_ACTIVATION_NONE:
        memmove(dst, src, (size_t)count * sizeof *dst);
        break;
    case FNAS_ACTIVATION_RELU:
        fnas_kernels_f32.relu((size_t)count, src, dst);
        break;
    case FNAS_ACTIVATION_HARD_SWISH:
        fnas_kernels_f32.hard_swish((size_t)count, src, dst);
        break;
    case FNAS_ACTIVATION_HARD_SIGMOID:
        for (int64_t i = 0; i < count; i++) dst[i] = hard_sigmoid(src[i]);
        break;
    }
}

void fnas_channel_scale_forward(fnas_engine *engine, fnas_shape shape, const void *src, const float *factors, void *dst) {
    int64_t block = engine->block, blocks = (shape.c + block - 1) / block, plane = shape.h * shape.w * block;
    size_t bytes = (size_t)plane * engine->kernels->element_bytes;
    const char *from = src;
    char *to = dst;
    for (int64_t part = 0; part < shape.n * blocks; part++, from += bytes, to += bytes) {
        float lanes[FNAS_LANES] = {0};
        const float *of = factors + part / blocks * shape.c;
        for (int64_t l = 0; l < FNAS_LANES; l++) {
            int64_t c = part % blocks * block + l % block;
            if (c < shape.c) lanes[l] = of[c];
        }
        engine->kernels->multiply_lanes((size_t)plane, from, lanes, to);
    }
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
