#include "compute/depthwise.h"

#include "compute/lanes.h"

/* A row of outputs against the row of inputs under one row of the filter, eight channels at a time. */
typedef struct row_pair {
    const float *diff_dst, *src; /* at the first of the eight channels */
    int64_t block, out_w, in_w, stride, padding;
} row_pair;

/* Outputs [first, end) whose whole filter row lies inside the image. */
typedef struct span {
    int64_t first, end;
} span;

static span inner_span(const row_pair *row, int64_t kernel_w) {
    span inner = {(row->padding + row->stride - 1) / row->stride, 0};
    int64_t last = row->in_w - kernel_w + row->padding;
    inner.end = last < 0 ? 0 : last / row->stride + 1;
    if (inner.end > row->out_w) inner.end = row->out_w;
    if (inner.first > inner.end) inner.first = inner.end;
    return inner;
}

static void edge_outputs(const row_pair *row, int64_t kernel_w, span edge, double (*sums)[8]) {
    for (int64_t ow = edge.first; ow < edge.end; ow++)
        for (int64_t kw = 0; kw < kernel_w; kw++) {
            int64_t iw = ow * row->stride - row->padding + kw;
            if (iw < 0 || iw >= row->in_w) continue;
            const float *d = row->diff_dst + ow * row->block, *x = row->src + iw * row->block;
            for (int l = 0; l < 8; l++) sums[kw][l] += (double)(d[l] * x[l]);
        }
}

#define LOAD8(pointer) (*(const fnas_v8 *)(pointer))
#define TAP(kw)                                                   \
    do {                                                          \
        if ((kw) < kernel_w) a##kw += d * LOAD8(x + (kw)*block); \
    } while (0)
#define FLUSH(kw)                                                                            \
    do {                                                                                     \
        if ((kw) < kernel_w)                                                                 \
            for (int l = 0; l < 8; l++) sums[kw][l] += (double)a##kw[l]; \
    } while (0)

/* Up to seven taps in registers; constant kernel_w and block make each case its own loop. At most FNAS_LANE_GROUPS terms in f32. */
static inline __attribute__((always_inline)) void inner_outputs_of(const row_pair *row, int64_t kernel_w, int64_t block, span inner, double (*sums)[8]) {
    for (int64_t first = inner.first; first < inner.end; first += FNAS_LANE_GROUPS) {
        int64_t end = first + FNAS_LANE_GROUPS < inner.end ? first + FNAS_LANE_GROUPS : inner.end;
        fnas_v8 a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, a4 = {0}, a5 = {0}, a6 = {0};
        for (int64_t ow = first; ow < end; ow++) {
            const fnas_v8 d = LOAD8(row->diff_dst + ow * block);
            const float *x = row->src + (ow * row->stride - row->padding) * block;
            TAP(0);
            TAP(1);
            TAP(2);
            TAP(3);
            TAP(4);
            TAP(5);
            TAP(6);
        }
        FLUSH(0);
        FLUSH(1);
        FLUSH(2);
        FLUSH(3);
        FLUSH(4);
        FLUSH(5);
        FLUSH(6);
    }
}

FNAS_MULTIVERSION static void inner_outputs(const row_pair *row, int64_t kernel_w, span inner, double (*sums)[8]) {
    if (row->block == 16) {
        switch (kernel_w) {
        case 3:
            inner_outputs_of(row, 3, 16, inner, sums);
            return;
        case 5:
            inner_outputs_of(row, 5, 16, inner, sums);
            return;
        case 7:
            inner_outputs_of(row, 7, 16, inner, sums);
            return;
        }
    }
    if (kernel_w <= 7)
        inner_outputs_of(row, kernel_w, row->block, inner, sums);
    else
        edge_outputs(row, kernel_w, inner, sums);
}

static void row_outputs(const row_pair *row, int64_t kernel_w, double (*sums)[8]) {
    span inner = inner_span(row, kernel_w);
    edge_outputs(row, kernel_w, (span){0, inner.first}, sums);
    inner_outputs(row, kernel_w, inner, sums);
    edge_outputs(row, kernel_w, (span){inner.end, row->out_w}, sums);
}

/* One row of the filters of eight channels, over all images. */
static void filter_row(int64_t block, const fnas_conv_shape *s, int64_t channel, int64_t kh, const float *src, const float *diff_dst, double (*sums)[8]) {
    int64_t out_h = fnas_conv_out_h(s), out_w = fnas_conv_out_w(s), blocks = (s->in_channels + block - 1) / block;
    row_pair row = {NULL, NULL, block, out_w, s->in_w, s->stride, s->padding};
    for (int64_t n = 0; n < s->n; n++) {
        const float *x = src + (n * blocks + channel / block) * s->in_h * s->in_w * block + channel % block;
        const float *d = diff_dst + (n * blocks + channel / block) * out_h * out_w * block + channel % block;
        for (int64_t oh = 0; oh < out_h; oh++) {
            int64_t ih = oh * s->stride - s->padding + kh;
            if (ih < 0 || ih >= s->in_h) continue;
            row.diff_dst = d + oh * out_w * block;
            row.src = x + ih * s->in_w * block;
            row_outputs(&row, s->kernel_w, sums);
        }
    }
}

bool fnas_depthwise_supports(int64_t block, const fnas_conv_shape *shape) {
    return block % 8 == 0 && shape->kernel_w <= FNAS_DEPTHWISE_KERNEL_MAX;
}

static void bias_gradient(int64_t block, const fnas_conv_shape *s, const float *diff_dst, float *diff_bias) {
    int64_t plane = fnas_conv_out_h(s) * fnas_conv_out_w(s) * block, blocks = (s->in_channels + block - 1) / block;
    for (int64_t b = 0; b < blocks; b++) {
        double sum[FNAS_LANES] = {0};
        for (int64_t n = 0; n < s->n; n++) fnas_lanes_sum((size_t)plane, diff_dst + (n * blocks + b) * plane, sum);
        for (int64_t l = 0; l < block && b * block + l < s->in_channels; l++) {
            double total = 0;
            for (int64_t lane = l; lane < FNAS_LANES; lane += block) total += sum[lane];
            diff_bias[b * block + l] += (float)total;
        }
    }
}

void fnas_depthwise_backward_weights(int64_t block, const fnas_conv_shape *s, const float *src, const float *diff_dst, float *diff_weights, float *diff_bias) {
    for (int64_t channel = 0; channel < s->in_channels; channel += 8)
        for (int64_t kh = 0; kh < s->kernel_h; kh++) {
            double sums[FNAS_DEPTHWISE_KERNEL_MAX][8] = {{0}};
            filter_row(block, s, channel, kh, src, diff_dst, sums);
            for (int64_t l = 0; l < 8 && channel + l < s->in_channels; l++)
                for (int64_t kw = 0; kw < s->kernel_w; kw++)
                    diff_weights[((channel + l) * s->kernel_h + kh) * s->kernel_w + kw] += (float)sums[kw][l];
        }
    if (diff_bias) bias_gradient(block, s, diff_dst, diff_bias);
}
