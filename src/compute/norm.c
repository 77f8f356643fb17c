/* Batch normalisation, one block of channels at a time. */
#include <math.h>
#include <string.h>

#include "compute/engine_internal.h"
#include "compute/lanes.h"
#include "compute/ops.h"

#define LOAD8(pointer) (*(const fnas_v8 *)(pointer))
#define STORE8(pointer, value) (*(fnas_v8 *)(pointer) = (value))

/* The planes [H][W][block] of one block of channels: `first` + image * `step`. */
typedef struct planes {
    int64_t images, channel, channels; /* first channel, and how many of the block are real */
    int64_t block;
    size_t floats, first, step;
} planes;

static planes planes_of(int64_t block, fnas_shape shape, int64_t index) {
    planes p = {.images = shape.n, .channel = index * block, .block = block};
    p.channels = shape.c - p.channel < block ? shape.c - p.channel : block;
    p.floats = (size_t)(shape.h * shape.w * block);
    p.first = (size_t)index * p.floats;
    p.step = (size_t)((shape.c + block - 1) / block) * p.floats;
    return p;
}

static int64_t block_count(int64_t block, fnas_shape shape) {
    return (shape.c + block - 1) / block;
}

/* A value a channel, spread over the lanes; padded channels get 0, which keeps them 0. */
static void spread(const planes *p, const float *channel_values, float absent, float *lanes) {
    for (int64_t l = 0; l < FNAS_LANES; l++) {
        int64_t c = l % p->block;
        lanes[l] = c < p->channels ? (channel_values ? channel_values[p->channel + c] : absent) : 0.0f;
    }
}

static double fold(const planes *p, const double *lanes, int64_t c) {
    double total = 0;
    for (int64_t l = c; l < FNAS_LANES; l += p->block) total += lanes[l];
    return total;
}

/* Sums of squares are taken about the mean of the first image (Chan, Golub and LeVeque 1983, shifted data): one pass over memory without
 * the cancellation of mean(x^2) - mean(x)^2. */
static void find_pivot(const planes *p, const float *src, float *pivot) {
    double sum[FNAS_LANES] = {0};
    fnas_lanes_sum(p->floats, src + p->first, sum);
    for (int64_t l = 0; l < FNAS_LANES; l++) {
        double mean = fold(p, sum, l % p->block) / ((double)p->floats / (double)p->block);
        pivot[l] = l % p->block < p->channels ? (float)mean : 0.0f;
    }
}

static void block_statistics(const planes *p, const float *src, float *mean, float *variance) {
    double sum[FNAS_LANES] = {0}, square[FNAS_LANES] = {0};
    float pivot[FNAS_LANES];
    find_pivot(p, src, pivot);
    for (int64_t n = 0; n < p->images; n++) fnas_lanes_moments(p->floats, src + p->first + (size_t)n * p->step, pivot, sum, square);

    double count = (double)p->images * (double)p->floats / (double)p->block;
    for (int64_t c = 0; c < p->channels; c++) {
        double shift = fold(p, sum, c) / count, spread_square = fold(p, square, c) / count - shift * shift;
        mean[p->channel + c] = (float)((double)pivot[c] + shift);
        variance[p->channel + c] = spread_square < 0 ? 0.0f : (float)spread_square; /* a NaN stays one */
    }
}

void fnas_norm_statistics(fnas_engine *engine, fnas_shape shape, const float *src, float *mean, float *variance) {
    for (int64_t b = 0; b < block_count(engine->block, shape); b++) {
        planes p = planes_of(engine->block, shape, b);
        block_statistics(&p, src, mean, variance);
    }
}

/* ---- forward ---- */

/* dst = (src - mean) * scale + shift. Buffers may be the same. */
FNAS_MULTIVERSION static void affine(size_t count, const float *src, const float *mean, const float *scale, const float *shift,
                                     float *dst) {
    const fnas_v8 m0 = LOAD8(mean), m1 = LOAD8(mean + 8), s0 = LOAD8(scale), s1 = LOAD8(scale + 8), t0 = LOAD8(shift),
                  t1 = LOAD8(shift + 8);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        STORE8(dst + i, (LOAD8(src + i) - m0) * s0 + t0);
        STORE8(dst + i + 8, (LOAD8(src + i + 8) - m1) * s1 + t1);
    }
    for (size_t l = 0; i < count; i++, l++) dst[i] = (src[i] - mean[l]) * scale[l] + shift[l];
}

FNAS_MULTIVERSION static void affine_add(size_t count, const float *src, const float *mean, const float *scale, const float *shift,
                                         float *dst) {
    const fnas_v8 m0 = LOAD8(mean), m1 = LOAD8(mean + 8), s0 = LOAD8(scale), s1 = LOAD8(scale + 8), t0 = LOAD8(shift),
                  t1 = LOAD8(shift + 8);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        STORE8(dst + i, LOAD8(dst + i) + ((LOAD8(src + i) - m0) * s0 + t0));
        STORE8(dst + i + 8, LOAD8(dst + i + 8) + ((LOAD8(src + i + 8) - m1) * s1 + t1));
    }
    for (size_t l = 0; i < count; i++, l++) dst[i] += (src[i] - mean[l]) * scale[l] + shift[l];
}

static void inverse_deviation(const planes *p, float epsilon, const float *variance, double *inverse) {
    for (int64_t c = 0; c < p->channels; c++) inverse[c] = 1.0 / sqrt((double)variance[p->channel + c] + (double)epsilon);
}

void fnas_norm_forward(fnas_engine *engine, fnas_shape shape, float epsilon, const float *src, const float *mean, const float *variance,
                       const float *gamma, const float *beta, bool accumulate, float *dst) {
    for (int64_t b = 0; b < block_count(engine->block, shape); b++) {
        planes p = planes_of(engine->block, shape, b);
        float mean_lanes[FNAS_LANES], scale[FNAS_LANES], shift[FNAS_LANES];
        double inverse[16];
        inverse_deviation(&p, epsilon, variance, inverse);
        spread(&p, mean, 0, mean_lanes);
        spread(&p, gamma, 1, scale);
        spread(&p, beta, 0, shift);
        for (int64_t l = 0; l < FNAS_LANES; l++)
            if (l % p.block < p.channels) scale[l] = (float)((double)scale[l] * inverse[l % p.block]);
        for (int64_t n = 0; n < p.images; n++) {
            size_t at = p.first + (size_t)n * p.step;
            (accumulate ? affine_add : affine)(p.floats, src + at, mean_lanes, scale, shift, dst + at);
        }
    }
}

/* ---- backward ---- */

/* Of one channel: sums of the gradient and of its product with the normalised source. */
typedef struct channel_sums {
    double total, product;
} channel_sums;

static void reduce_block(const planes *p, const float *src, const float *mean_lanes, const double *inverse, const float *diff_dst,
                         channel_sums *sums) {
    double sum[FNAS_LANES] = {0}, product[FNAS_LANES] = {0};
    for (int64_t n = 0; n < p->images; n++) {
        size_t at = p->first + (size_t)n * p->step;
        fnas_lanes_products(p->floats, diff_dst + at, src + at, mean_lanes, sum, product);
    }
    for (int64_t c = 0; c < p->channels; c++) sums[c] = (channel_sums){fold(p, sum, c), fold(p, product, c) * inverse[c]};
}

/* diff_src = (diff_dst - offset - (src - mean) * slope) * scale. diff_src may be diff_dst. */
FNAS_MULTIVERSION static void propagate(size_t count, const float *src, const float *diff_dst, const float *mean, const float *offset,
                                        const float *slope, const float *scale, float *diff_src) {
    const fnas_v8 m0 = LOAD8(mean), m1 = LOAD8(mean + 8), o0 = LOAD8(offset), o1 = LOAD8(offset + 8);
    const fnas_v8 p0 = LOAD8(slope), p1 = LOAD8(slope + 8), s0 = LOAD8(scale), s1 = LOAD8(scale + 8);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        STORE8(diff_src + i, (LOAD8(diff_dst + i) - o0 - (LOAD8(src + i) - m0) * p0) * s0);
        STORE8(diff_src + i + 8, (LOAD8(diff_dst + i + 8) - o1 - (LOAD8(src + i + 8) - m1) * p1) * s1);
    }
    for (size_t l = 0; i < count; i++, l++) diff_src[i] = (diff_dst[i] - offset[l] - (src[i] - mean[l]) * slope[l]) * scale[l];
}

static void propagate_block(const planes *p, const float *src, const float *mean_lanes, const double *inverse, const float *gamma,
                            const channel_sums *sums, const float *diff_dst, float *diff_src) {
    float offset[FNAS_LANES], slope[FNAS_LANES], scale[FNAS_LANES];
    double count = (double)p->images * (double)p->floats / (double)p->block;
    for (int64_t l = 0; l < FNAS_LANES; l++) {
        int64_t c = l % p->block;
        bool real = c < p->channels;
        offset[l] = real ? (float)(sums[c].total / count) : 0.0f;
        slope[l] = real ? (float)(sums[c].product * inverse[c] / count) : 0.0f;
        scale[l] = real ? (float)((gamma ? (double)gamma[p->channel + c] : 1.0) * inverse[c]) : 0.0f;
    }
    for (int64_t n = 0; n < p->images; n++) {
        size_t at = p->first + (size_t)n * p->step;
        propagate(p->floats, src + at, diff_dst + at, mean_lanes, offset, slope, scale, diff_src + at);
    }
}

void fnas_norm_backward(fnas_engine *engine, fnas_shape shape, float epsilon, const float *src, const float *mean, const float *variance,
                        const float *gamma, const float *beta, const float *diff_dst, float *diff_src, float *diff_gamma, float *diff_beta,
                        double *dot, double *total) {
    double dot_sum = 0, total_sum = 0;
    for (int64_t b = 0; b < block_count(engine->block, shape); b++) {
        planes p = planes_of(engine->block, shape, b);
        float mean_lanes[FNAS_LANES];
        double inverse[16];
        channel_sums sums[16];
        inverse_deviation(&p, epsilon, variance, inverse);
        spread(&p, mean, 0, mean_lanes);
        reduce_block(&p, src, mean_lanes, inverse, diff_dst, sums);
        propagate_block(&p, src, mean_lanes, inverse, gamma, sums, diff_dst, diff_src);
        for (int64_t c = 0; c < p.channels; c++) {
            int64_t channel = p.channel + c;
            if (diff_gamma) diff_gamma[channel] += (float)sums[c].product;
            if (diff_beta) diff_beta[channel] += (float)sums[c].total;
            dot_sum += (gamma ? (double)gamma[channel] : 1.0) * sums[c].product + (beta ? (double)beta[channel] : 0.0) * sums[c].total;
            total_sum += sums[c].total;
        }
    }
    if (dot) *dot = dot_sum;
    if (total) *total = total_sum;
}
