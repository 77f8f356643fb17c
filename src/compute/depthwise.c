#include "compute/depthwise.h"

#include <string.h>

#include "compute/kernels.h"

#define VECTOR 8 /* channels at once */

/* Rows of outputs against the rows of inputs under one row of the filter. Inputs are padded by zeros at both ends, so that each tap sees
 * each output. */
typedef struct row_set {
    const float *diff_dst, *src;     /* at the first output, and at its first tap */
    int64_t rows, columns;           /* of outputs */
    int64_t diff_dst_step, src_step; /* floats between rows */
    int64_t block, stride;
} row_set;

#define LOAD8(pointer) (*(const fnas_v8 *)(pointer))
#define TAP(kw)                                                                                                                            \
    do {                                                                                                                                   \
        if ((kw) < kernel_w) a##kw += d * LOAD8(x + (kw)*block);                                                                           \
    } while (0)
#define FLUSH(kw)                                                                                                                          \
    do {                                                                                                                                   \
        if ((kw) < kernel_w)                                                                                                               \
            for (int l = 0; l < VECTOR; l++) sums[kw][l] += (double)a##kw[l];                                                              \
    } while (0)

/* Sums in registers over all rows of the set; constant arguments make each case its own loop. */
static inline __attribute__((always_inline)) void correlate_of(const row_set *set, int64_t kernel_w, int64_t block, int64_t stride,
                                                               double (*sums)[VECTOR]) {
    fnas_v8 a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, a4 = {0}, a5 = {0}, a6 = {0};
    for (int64_t row = 0; row < set->rows; row++) {
        const float *x = set->src + row * set->src_step, *gradient = set->diff_dst + row * set->diff_dst_step;
        for (int64_t ow = 0; ow < set->columns; ow++, x += stride * block, gradient += block) {
            const fnas_v8 d = LOAD8(gradient);
            TAP(0);
            TAP(1);
            TAP(2);
            TAP(3);
            TAP(4);
            TAP(5);
            TAP(6);
        }
    }
    FLUSH(0);
    FLUSH(1);
    FLUSH(2);
    FLUSH(3);
    FLUSH(4);
    FLUSH(5);
    FLUSH(6);
}

FNAS_MULTIVERSION static void correlate(const row_set *set, int64_t kernel_w, double (*sums)[VECTOR]) {
    if (set->block == 16 && kernel_w == 3)
        correlate_of(set, 3, 16, set->stride, sums);
    else if (set->block == 16 && kernel_w == 5)
        correlate_of(set, 5, 16, set->stride, sums);
    else if (set->block == 16 && kernel_w == 7)
        correlate_of(set, 7, 16, set->stride, sums);
    else if (set->block == 8 && kernel_w == 3)
        correlate_of(set, 3, 8, set->stride, sums);
    else if (set->block == 8 && kernel_w == 5)
        correlate_of(set, 5, 8, set->stride, sums);
    else if (set->block == 8 && kernel_w == 7)
        correlate_of(set, 7, 8, set->stride, sums);
    else
        correlate_of(set, kernel_w, set->block, set->stride, sums);
}

static int64_t padded_width(const fnas_conv_shape *s) {
    return s->in_w + 2 * s->padding;
}

/* Output rows [first, end) whose tap kh lies inside the image. */
static void rows_under_tap(const fnas_conv_shape *s, int64_t kh, int64_t *first, int64_t *end) {
    int64_t out_h = fnas_conv_out_h(s), before = s->padding - kh, last = s->in_h - 1 + s->padding - kh;
    *first = before > 0 ? (before + s->stride - 1) / s->stride : 0;
    *end = last < 0 ? 0 : last / s->stride + 1;
    if (*end > out_h) *end = out_h;
}

/* One filter row over one image, in sets of rows whose sums stay within FNAS_LANE_GROUPS terms (or one row). */
static void filter_row(int64_t block, const fnas_conv_shape *s, int64_t kh, const float *padded, const float *diff_dst,
                       double (*sums)[VECTOR]) {
    int64_t out_w = fnas_conv_out_w(s), width = padded_width(s), first, end, rows = FNAS_LANE_GROUPS / out_w;
    if (rows < 1) rows = 1;
    rows_under_tap(s, kh, &first, &end);
    row_set set = {
        .columns = out_w, .diff_dst_step = out_w * block, .src_step = s->stride * width * block, .block = block, .stride = s->stride};
    for (int64_t oh = first; oh < end; oh += rows) {
        set.rows = end - oh < rows ? end - oh : rows;
        set.diff_dst = diff_dst + oh * out_w * block;
        set.src = padded + (oh * s->stride - s->padding + kh) * width * block;
        correlate(&set, s->kernel_w, sums);
    }
}

static void pad_rows(int64_t block, const fnas_conv_shape *s, const float *plane, float *padded) {
    for (int64_t h = 0; h < s->in_h; h++)
        memcpy(padded + (h * padded_width(s) + s->padding) * block, plane + h * s->in_w * block,
               (size_t)(s->in_w * block) * sizeof *padded);
}

bool fnas_depthwise_supports(int64_t block, const fnas_conv_shape *shape) {
    return block % VECTOR == 0 && shape->kernel_w <= FNAS_DEPTHWISE_KERNEL_MAX;
}

/* The padded plane, then sums [kernel_h][kernel_w] of each vector of a block. */
static size_t padded_floats(int64_t block, const fnas_conv_shape *s) {
    return (size_t)(s->in_h * padded_width(s) * block);
}

static size_t sum_count(int64_t block, const fnas_conv_shape *s) {
    return (size_t)(block / VECTOR * s->kernel_h * s->kernel_w);
}

size_t fnas_depthwise_scratch_bytes(int64_t block, const fnas_conv_shape *shape) {
    return padded_floats(block, shape) * sizeof(float) + sum_count(block, shape) * VECTOR * sizeof(double);
}

static void bias_gradient(int64_t block, const fnas_conv_shape *s, const float *diff_dst, float *diff_bias) {
    int64_t plane = fnas_conv_out_h(s) * fnas_conv_out_w(s) * block, blocks = (s->in_channels + block - 1) / block;
    for (int64_t b = 0; b < blocks; b++) {
        double sum[FNAS_LANES] = {0};
        for (int64_t n = 0; n < s->n; n++) fnas_kernels_f32.sum((size_t)plane, diff_dst + (n * blocks + b) * plane, sum);
        for (int64_t l = 0; l < block && b * block + l < s->in_channels; l++) {
            double total = 0;
            for (int64_t lane = l; lane < FNAS_LANES; lane += block) total += sum[lane];
            diff_bias[b * block + l] += (float)total;
        }
    }
}

/* Adds the sums of a block's channels, [vector][kernel_h][kernel_w][lane], to the plain gradient. */
static void add_sums(int64_t block, const fnas_conv_shape *s, int64_t b, double (*sums)[VECTOR], float *diff_weights) {
    int64_t taps = s->kernel_h * s->kernel_w;
    for (int64_t l = 0; l < block && b * block + l < s->in_channels; l++)
        for (int64_t tap = 0; tap < taps; tap++)
            diff_weights[(b * block + l) * taps + tap] += (float)sums[l / VECTOR * taps + tap][l % VECTOR];
}

void fnas_depthwise_backward_weights(int64_t block, const fnas_conv_shape *s, const float *src, const float *diff_dst, void *scratch,
                                     float *diff_weights, float *diff_bias) {
    int64_t blocks = (s->in_channels + block - 1) / block, in_plane = s->in_h * s->in_w * block;
    int64_t out_plane = fnas_conv_out_h(s) * fnas_conv_out_w(s) * block;
    float *padded = scratch;
    double(*sums)[VECTOR] = (double(*)[VECTOR])(padded + padded_floats(block, s));
    memset(padded, 0, padded_floats(block, s) * sizeof *padded);
    for (int64_t b = 0; b < blocks; b++) {
        memset(sums, 0, sum_count(block, s) * sizeof *sums);
        for (int64_t n = 0; n < s->n; n++) {
            const float *gradient = diff_dst + (n * blocks + b) * out_plane;
            pad_rows(block, s, src + (n * blocks + b) * in_plane, padded);
            for (int64_t part = 0; part < block; part += VECTOR)
                for (int64_t kh = 0; kh < s->kernel_h; kh++)
                    filter_row(block, s, kh, padded + part, gradient + part, sums + (part / VECTOR * s->kernel_h + kh) * s->kernel_w);
        }
        add_sums(block, s, b, sums, diff_weights);
    }
    if (diff_bias) bias_gradient(block, s, diff_dst, diff_bias);
}
