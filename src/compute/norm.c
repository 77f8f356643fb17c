/* Batch normalisation, one block of channels at a time. */
#include <math.h>
#include <string.h>

#include "compute/norm_parts.h"
#include "compute/ops.h"

#define BLOCK_MAX 16

/* The planes [H][W][block] of one block of channels: `first` + image * `step`. */
typedef struct planes {
    const fnas_kernels *kernels;
    int64_t images, channel, channels; /* first channel, and how many of the block are real */
    int64_t block;
    size_t elements, first, step;
} planes;

static planes planes_of(const fnas_engine *engine, fnas_shape shape, int64_t index) {
    int64_t block = engine->block;
    planes p = {.kernels = engine->kernels, .images = shape.n, .channel = index * block, .block = block};
    p.channels = shape.c - p.channel < block ? shape.c - p.channel : block;
    p.elements = (size_t)(shape.h * shape.w * block);
    p.first = (size_t)index * p.elements;
    p.step = (size_t)fnas_norm_blocks(engine, shape.c) * p.elements;
    return p;
}

int64_t fnas_norm_blocks(const fnas_engine *engine, int64_t channels) {
    return (channels + engine->block - 1) / engine->block;
}

static const void *plane_at(const planes *p, const void *activations, int64_t image) {
    return (const char *)activations + (p->first + (size_t)image * p->step) * p->kernels->element_bytes;
}

static void *plane_to(const planes *p, void *activations, int64_t image) {
    return (char *)activations + (p->first + (size_t)image * p->step) * p->kernels->element_bytes;
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

static double elements_a_channel(const planes *p, int64_t images) {
    return (double)images * (double)p->elements / (double)p->block;
}

/* ---- statistics ---- */

static void find_pivot(const planes *p, const void *src, float *pivot) {
    double sum[FNAS_LANES] = {0};
    p->kernels->sum(p->elements, plane_at(p, src, 0), sum);
    for (int64_t l = 0; l < FNAS_LANES; l++) {
        double mean = fold(p, sum, l % p->block) / elements_a_channel(p, 1);
        pivot[l] = l % p->block < p->channels ? (float)mean : 0.0f;
    }
}

static void add_block_moments(const planes *p, const void *src, bool first, fnas_norm_moments *moments) {
    if (first) {
        *moments = (fnas_norm_moments){{0}, {0}, {0}};
        find_pivot(p, src, moments->pivot);
    }
    for (int64_t n = 0; n < p->images; n++)
        p->kernels->moments(p->elements, plane_at(p, src, n), moments->pivot, moments->sum, moments->square);
}

static void finish_block_moments(const planes *p, const fnas_norm_moments *moments, float *mean, float *variance) {
    double count = elements_a_channel(p, p->images);
    for (int64_t c = 0; c < p->channels; c++) {
        double shift = fold(p, moments->sum, c) / count, spread_square = fold(p, moments->square, c) / count - shift * shift;
        mean[p->channel + c] = (float)((double)moments->pivot[c] + shift);
        variance[p->channel + c] = spread_square < 0 ? 0.0f : (float)spread_square; /* a NaN stays one */
    }
}

void fnas_norm_add_moments(const fnas_engine *engine, fnas_shape images, const void *src, bool first, fnas_norm_moments *moments) {
    for (int64_t b = 0; b < fnas_norm_blocks(engine, images.c); b++) {
        planes p = planes_of(engine, images, b);
        add_block_moments(&p, src, first, &moments[b]);
    }
}

void fnas_norm_finish_moments(const fnas_engine *engine, fnas_shape shape, const fnas_norm_moments *moments, float *mean, float *variance) {
    for (int64_t b = 0; b < fnas_norm_blocks(engine, shape.c); b++) {
        planes p = planes_of(engine, shape, b);
        finish_block_moments(&p, &moments[b], mean, variance);
    }
}

/* Of one image; of the others only where they lie is known. */
static planes plane_of(const fnas_engine *engine, fnas_shape shape, int64_t b, int64_t image) {
    planes p = planes_of(engine, shape, b);
    p.first += (size_t)image * p.step;
    p.images = 1;
    return p;
}

void fnas_norm_add_plane_moments(const fnas_engine *engine, fnas_shape shape, int64_t b, int64_t image, const void *src,
                                 fnas_norm_moments *moments) {
    planes p = plane_of(engine, shape, b, image);
    add_block_moments(&p, src, image == 0, moments);
}

void fnas_norm_finish_block(const fnas_engine *engine, fnas_shape shape, int64_t b, const fnas_norm_moments *moments, float *mean,
                            float *variance) {
    planes p = planes_of(engine, shape, b);
    finish_block_moments(&p, moments, mean, variance);
}

void fnas_norm_statistics(fnas_engine *engine, fnas_shape shape, const void *src, float *mean, float *variance) {
    for (int64_t b = 0; b < fnas_norm_blocks(engine, shape.c); b++) {
        planes p = planes_of(engine, shape, b);
        fnas_norm_moments moments;
        add_block_moments(&p, src, true, &moments);
        finish_block_moments(&p, &moments, mean, variance);
    }
}

/* ---- forward ---- */

static void inverse_deviation(const planes *p, float epsilon, const float *variance, double *inverse) {
    for (int64_t c = 0; c < p->channels; c++) inverse[c] = 1.0 / sqrt((double)variance[p->channel + c] + (double)epsilon);
}

static void lanes_of_term(const planes *p, const fnas_norm_given *given, fnas_norm_lanes *lanes) {
    double inverse[BLOCK_MAX];
    inverse_deviation(p, given->epsilon, given->variance, inverse);
    spread(p, given->mean, 0, lanes->mean);
    spread(p, given->gamma, 1, lanes->scale);
    spread(p, given->beta, 0, lanes->shift);
    for (int64_t l = 0; l < FNAS_LANES; l++)
        if (l % p->block < p->channels) lanes->scale[l] = (float)((double)lanes->scale[l] * inverse[l % p->block]);
}

void fnas_norm_lanes_of(const fnas_engine *engine, int64_t channels, int64_t b, const fnas_norm_given *given, fnas_norm_lanes *lanes) {
    planes p = planes_of(engine, (fnas_shape){1, channels, 1, 1}, b);
    lanes_of_term(&p, given, lanes);
}

void fnas_norm_apply_terms(const fnas_engine *engine, fnas_shape shape, int64_t term_count, const fnas_norm_term *terms, bool accumulate,
                           bool rectify, void *dst) {
    for (int64_t b = 0; b < fnas_norm_blocks(engine, shape.c); b++) {
        planes p = planes_of(engine, shape, b);
        fnas_norm_lanes lanes[FNAS_TERMS_MAX];
        fnas_affine_term affine[FNAS_TERMS_MAX];
        for (int64_t e = 0; e < term_count; e++) {
            lanes_of_term(&p, &terms[e].given, &lanes[e]);
            affine[e] = (fnas_affine_term){NULL, lanes[e].mean, lanes[e].scale, lanes[e].shift};
        }
        for (int64_t n = 0; n < p.images; n++) {
            for (int64_t e = 0; e < term_count; e++) affine[e].src = plane_at(&p, terms[e].src, n);
            p.kernels->affine(p.elements, term_count, affine, accumulate, rectify, plane_to(&p, dst, n));
        }
    }
}

void fnas_norm_forward(fnas_engine *engine, fnas_shape shape, float epsilon, const void *src, const float *mean, const float *variance,
                       const float *gamma, const float *beta, bool accumulate, void *dst) {
    const fnas_norm_term term = {{epsilon, mean, variance, gamma, beta}, src};
    fnas_norm_apply_terms(engine, shape, 1, &term, accumulate, false, dst);
}

/* ---- backward ---- */

/* Of one channel: sums of the gradient and of its product with the normalised source. */
typedef struct channel_sums {
    double total, product;
} channel_sums;

static void sum_block(const planes *p, const void *src, const float *mean_lanes, const double *inverse, const void *diff_dst,
                      channel_sums *sums) {
    double sum[FNAS_LANES] = {0}, product[FNAS_LANES] = {0};
    for (int64_t n = 0; n < p->images; n++)
        p->kernels->products(p->elements, plane_at(p, diff_dst, n), plane_at(p, src, n), mean_lanes, sum, product);
    for (int64_t c = 0; c < p->channels; c++) sums[c] = (channel_sums){fold(p, sum, c), fold(p, product, c) * inverse[c]};
}

static void slopes_of_block(const planes *p, const double *inverse, const float *gamma, const channel_sums *sums,
                            fnas_norm_slopes *slopes) {
    double count = elements_a_channel(p, p->images);
    for (int64_t l = 0; l < FNAS_LANES; l++) {
        int64_t c = l % p->block;
        bool real = c < p->channels;
        slopes->offset[l] = real ? (float)(sums[c].total / count) : 0.0f;
        slopes->slope[l] = real ? (float)(sums[c].product * inverse[c] / count) : 0.0f;
        slopes->scale[l] = real ? (float)((gamma ? (double)gamma[p->channel + c] : 1.0) * inverse[c]) : 0.0f;
    }
}

static void add_block_sums(const planes *p, const fnas_norm_given *given, const channel_sums *block, fnas_norm_sums *sums) {
    for (int64_t c = 0; c < p->channels; c++) {
        int64_t channel = p->channel + c;
        if (sums->diff_gamma) sums->diff_gamma[channel] += (float)block[c].product;
        if (sums->diff_beta) sums->diff_beta[channel] += (float)block[c].total;
        sums->dot += (given->gamma ? (double)given->gamma[channel] : 1.0) * block[c].product +
                     (given->beta ? (double)given->beta[channel] : 0.0) * block[c].total;
        sums->total += block[c].total;
    }
}

static void reduce_block(const planes *p, const fnas_norm_given *given, const void *src, const void *diff_dst, fnas_norm_slopes *slopes,
                         fnas_norm_sums *sums) {
    double inverse[BLOCK_MAX];
    channel_sums block[BLOCK_MAX];
    inverse_deviation(p, given->epsilon, given->variance, inverse);
    spread(p, given->mean, 0, slopes->mean);
    sum_block(p, src, slopes->mean, inverse, diff_dst, block);
    slopes_of_block(p, inverse, given->gamma, block, slopes);
    add_block_sums(p, given, block, sums);
}

static void propagate_block(const planes *p, const fnas_norm_slopes *slopes, const void *src, const void *diff_dst, void *diff_src) {
    for (int64_t n = 0; n < p->images; n++)
        p->kernels->propagate(p->elements, plane_at(p, src, n), plane_at(p, diff_dst, n), slopes->mean, slopes->offset, slopes->slope,
                              slopes->scale, plane_to(p, diff_src, n));
}

void fnas_norm_reduce(const fnas_engine *engine, fnas_shape shape, const fnas_norm_given *given, const void *src, const void *diff_dst,
                      fnas_norm_slopes *slopes, fnas_norm_sums *sums) {
    sums->dot = sums->total = 0;
    for (int64_t b = 0; b < fnas_norm_blocks(engine, shape.c); b++) {
        planes p = planes_of(engine, shape, b);
        reduce_block(&p, given, src, diff_dst, &slopes[b], sums);
    }
}

void fnas_norm_reduce_block(const fnas_engine *engine, fnas_shape shape, int64_t b, const fnas_norm_given *given, const void *src,
                            const void *diff_dst, fnas_norm_slopes *slopes, fnas_norm_sums *sums) {
    planes p = planes_of(engine, shape, b);
    reduce_block(&p, given, src, diff_dst, slopes, sums);
}

void fnas_norm_propagate(const fnas_engine *engine, fnas_shape images, const fnas_norm_slopes *slopes, const void *src,
                         const void *diff_dst, void *diff_src) {
    for (int64_t b = 0; b < fnas_norm_blocks(engine, images.c); b++) {
        planes p = planes_of(engine, images, b);
        propagate_block(&p, &slopes[b], src, diff_dst, diff_src);
    }
}

void fnas_norm_backward(fnas_engine *engine, fnas_shape shape, float epsilon, const void *src, const float *mean, const float *variance,
                        const float *gamma, const float *beta, const void *diff_dst, void *diff_src, float *diff_gamma, float *diff_beta,
                        double *dot, double *total) {
    const fnas_norm_given given = {epsilon, mean, variance, gamma, beta};
    fnas_norm_sums sums = {.diff_gamma = diff_gamma, .diff_beta = diff_beta};
    for (int64_t b = 0; b < fnas_norm_blocks(engine, shape.c); b++) {
        planes p = planes_of(engine, shape, b);
        fnas_norm_slopes slopes;
        reduce_block(&p, &given, src, diff_dst, &slopes, &sums);
        propagate_block(&p, &slopes, src, diff_dst, diff_src);
    }
    if (dot) *dot = sums.dot;
    if (total) *total = sums.total;
}
