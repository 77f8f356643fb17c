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

void fnas_hard_swish_backward(fnas_engine *engine, fnas_shape shape, const void *src, const void *diff_dst, bool accumulate,
                              void *diff_src) {
    engine->kernels->hard_swish_gradient(fnas_shape_blocked_elements(shape, engine->block), src, diff_dst, accumulate, diff_src);
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

static void add_or_write(bool accumulate, float value, float *to) {
    *to = accumulate ? *to + value : value;
}

void fnas_activation_backward_plain(fnas_activation activation, int64_t count, const float *src, const float *diff_dst, bool accumulate,
                                    float *diff_src) {
    switch (activation) {
    case FNAS_ACTIVATION_NONE:
        for (int64_t i = 0; i < count; i++) add_or_write(accumulate, diff_dst[i], diff_src + i);
        break;
    case FNAS_ACTIVATION_RELU:
        fnas_kernels_f32.relu_gradient((size_t)count, src, diff_dst, accumulate, diff_src);
        break;
    case FNAS_ACTIVATION_HARD_SWISH:
        fnas_kernels_f32.hard_swish_gradient((size_t)count, src, diff_dst, accumulate, diff_src);
        break;
    case FNAS_ACTIVATION_HARD_SIGMOID:
        for (int64_t i = 0; i < count; i++)
            add_or_write(accumulate, src[i] > -3.0f && src[i] < 3.0f ? diff_dst[i] * (1.0f / 6.0f) : 0.0f, diff_src + i);
        break;
    }
}

/* ---- channel scale: plane by plane of one image and one block of channels ---- */

typedef struct scaled_planes {
    int64_t block, blocks, count; /* planes in all */
    size_t elements, bytes;       /* of one */
} scaled_planes;

static scaled_planes scaled_planes_of(const fnas_engine *engine, fnas_shape shape) {
    scaled_planes p = {.block = engine->block, .blocks = (shape.c + engine->block - 1) / engine->block};
    p.count = shape.n * p.blocks;
    p.elements = (size_t)(shape.h * shape.w * p.block);
    p.bytes = p.elements * engine->kernels->element_bytes;
    return p;
}

/* Factors of a plane by lanes; of padded channels 0, which keeps them 0. */
static void factor_lanes(const scaled_planes *p, fnas_shape shape, int64_t plane, const float *factors, float *lanes) {
    const float *of = factors + plane / p->blocks * shape.c;
    for (int64_t l = 0; l < FNAS_LANES; l++) {
        int64_t c = plane % p->blocks * p->block + l % p->block;
        lanes[l] = c < shape.c ? of[c] : 0.0f;
    }
}

void fnas_channel_scale_forward(fnas_engine *engine, fnas_shape shape, const void *src, const float *factors, void *dst) {
    scaled_planes p = scaled_planes_of(engine, shape);
    for (int64_t plane = 0; plane < p.count; plane++) {
        float lanes[FNAS_LANES];
        size_t at = (size_t)plane * p.bytes;
        factor_lanes(&p, shape, plane, factors, lanes);
        engine->kernels->multiply_lanes(p.elements, (const char *)src + at, lanes, false, (char *)dst + at);
    }
}

static void add_factor_gradients(const fnas_engine *engine, const scaled_planes *p, fnas_shape shape, int64_t plane, const char *src,
                                 const char *diff_dst, bool accumulate, float *diff_factors) {
    double sum[FNAS_LANES] = {0};
    int64_t first = plane % p->blocks * p->block;
    float *to = diff_factors + plane / p->blocks * shape.c + first;
    engine->kernels->dot(p->elements, diff_dst, src, sum);
    for (int64_t c = 0; c < p->block && first + c < shape.c; c++) {
        double total = 0;
        for (int64_t l = c; l < FNAS_LANES; l += p->block) total += sum[l];
        add_or_write(accumulate, (float)total, to + c);
    }
}

void fnas_channel_scale_backward(fnas_engine *engine, fnas_shape shape, const void *src, const float *factors, const void *diff_dst,
                                 const fnas_channel_scale_gradients *wanted) {
    scaled_planes p = scaled_planes_of(engine, shape);
    for (int64_t plane = 0; plane < p.count; plane++) {
        float lanes[FNAS_LANES];
        size_t at = (size_t)plane * p.bytes;
        const char *diff = (const char *)diff_dst + at;
        if (wanted->factors)
            add_factor_gradients(engine, &p, shape, plane, (const char *)src + at, diff, wanted->accumulate_factors, wanted->factors);
        if (!wanted->src) continue;
        factor_lanes(&p, shape, plane, factors, lanes);
        engine->kernels->multiply_lanes(p.elements, diff, lanes, wanted->accumulate_src, (char *)wanted->src + at);
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
