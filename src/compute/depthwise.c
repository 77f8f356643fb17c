#include "compute/depthwise.h"

#include "compute/engine_internal.h"

#define TAPS_MAX (FNAS_DEPTHWISE_KERNEL_MAX * FNAS_DEPTHWISE_KERNEL_MAX)

/* ---- loops ---- */

/* results[column] = sum over taps of weights * first[column * step]. */
typedef struct tap {
    const float *first, *weights;
} tap;

typedef struct tap_row {
    tap taps[TAPS_MAX];
    int64_t tap_count, columns;
    int64_t step, result_step; /* floats between columns */
    float *results;
} tap_row;

/* Rows of outputs against the rows of inputs under one row of the filter. */
typedef struct row_set {
    const float *diff_dst, *src;     /* at the first output, and at its first tap */
    int64_t rows, columns;           /* of outputs */
    int64_t diff_dst_step, src_step; /* floats between rows */
} row_set;

typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));

#define V v16
#define LANES 16
#define NAME(function) function##_16
#include "compute/depthwise.inc"
#undef V
#undef LANES
#undef NAME

#define V fnas_v8
#define LANES 8
#define NAME(function) function##_8
#include "compute/depthwise.inc"
#undef V
#undef LANES
#undef NAME

static void sum_taps(int64_t block, const tap_row *row) {
    if (block == 16)
        sum_taps_16(row);
    else
        sum_taps_8(row);
}

/* ---- planes ---- */

bool fnas_depthwise_supports(const fnas_engine *engine, const fnas_conv_shape *shape) {
    bool depthwise = shape->groups > 1 && shape->groups == shape->in_channels && shape->groups == shape->out_channels;
    return depthwise && !shape->image_source && (engine->block == 8 || engine->block == 16) &&
           shape->kernel_h <= FNAS_DEPTHWISE_KERNEL_MAX && shape->kernel_w <= FNAS_DEPTHWISE_KERNEL_MAX;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Column iw of the source lies under tap kw of output (iw + padding - kw) / stride. */
fnas_depthwise_geometry fnas_depthwise_geometry_of(int64_t block, const fnas_conv_shape *shape) {
    fnas_depthwise_geometry g = {.shape = *shape, .block = block, .out_h = fnas_conv_out_h(shape), .out_w = fnas_conv_out_w(shape)};
    g.src_width = larger(shape->in_w + shape->padding, (g.out_w - 1) * shape->stride + shape->kernel_w);
    g.gradient_left = (shape->kernel_w - 1) / shape->stride;
    g.gradient_width = g.gradient_left + larger(g.out_w, (shape->in_w - 1 + shape->padding) / shape->stride + 1);
    return g;
}

size_t fnas_depthwise_src_floats(const fnas_depthwise_geometry *g) {
    return (size_t)(g->shape.in_h * g->src_width * g->block);
}

size_t fnas_depthwise_gradient_floats(const fnas_depthwise_geometry *g) {
    return (size_t)(g->out_h * g->gradient_width * g->block);
}

float *fnas_depthwise_src_row(const fnas_depthwise_geometry *g, float *plane, int64_t row) {
    return plane + (row * g->src_width + g->shape.padding) * g->block;
}

float *fnas_depthwise_gradient_row(const fnas_depthwise_geometry *g, float *plane, int64_t row) {
    return plane + (row * g->gradient_width + g->gradient_left) * g->block;
}

/* ---- weights ---- */

static int64_t taps_of(const fnas_depthwise_geometry *g) {
    return g->shape.kernel_h * g->shape.kernel_w;
}

void fnas_depthwise_pack(const fnas_depthwise_geometry *g, int64_t b, const float *weights, float *packed) {
    int64_t taps = taps_of(g);
    for (int64_t t = 0; t < taps; t++)
        for (int64_t l = 0; l < g->block; l++) {
            int64_t c = b * g->block + l;
            packed[t * g->block + l] = c < g->shape.in_channels ? weights[c * taps + t] : 0.0f;
        }
}

void fnas_depthwise_add_sums(const fnas_depthwise_geometry *g, int64_t b, const double *sums, float *diff_weights) {
    int64_t taps = taps_of(g);
    for (int64_t l = 0; l < g->block && b * g->block + l < g->shape.in_channels; l++)
        for (int64_t t = 0; t < taps; t++) diff_weights[(b * g->block + l) * taps + t] += (float)sums[t * g->block + l];
}

/* ---- forward ---- */

void fnas_depthwise_result_row(const fnas_depthwise_geometry *g, const float *src, const float *packed, int64_t row, float *result) {
    const fnas_conv_shape *s = &g->shape;
    tap_row taps = {.columns = g->out_w, .step = s->stride * g->block, .result_step = g->block, .results = result};
    for (int64_t kh = 0; kh < s->kernel_h; kh++) {
        int64_t ih = row * s->stride - s->padding + kh;
        if (ih < 0 || ih >= s->in_h) continue;
        for (int64_t kw = 0; kw < s->kernel_w; kw++)
            taps.taps[taps.tap_count++] = (tap){src + (ih * g->src_width + kw) * g->block, packed + (kh * s->kernel_w + kw) * g->block};
    }
    sum_taps(g->block, &taps);
}

/* ---- backward by the source ---- */

/* Taps of one row of outputs on the columns of the source that are `phase` modulo the stride: tap kw = first + m * stride of output
 * column (column of the phase) + shift - m. */
static void add_data_taps(const fnas_depthwise_geometry *g, const float *gradient_row, const float *filter_row, int64_t phase,
                          tap_row *row) {
    const fnas_conv_shape *s = &g->shape;
    int64_t first = (phase + s->padding) % s->stride, shift = (phase + s->padding - first) / s->stride;
    for (int64_t kw = first, m = 0; kw < s->kernel_w; kw += s->stride, m++)
        row->taps[row->tap_count++] = (tap){gradient_row + (shift - m) * g->block, filter_row + kw * g->block};
}

void fnas_depthwise_data_row(const fnas_depthwise_geometry *g, const float *gradient, const float *packed, int64_t row, float *diff_src) {
    const fnas_conv_shape *s = &g->shape;
    for (int64_t phase = 0; phase < s->stride && phase < s->in_w; phase++) {
        tap_row taps = {.columns = (s->in_w - phase + s->stride - 1) / s->stride,
                        .step = g->block,
                        .result_step = s->stride * g->block,
                        .results = diff_src + phase * g->block};
        for (int64_t kh = (row + s->padding) % s->stride; kh < s->kernel_h; kh += s->stride) {
            int64_t oh = (row + s->padding - kh) / s->stride;
            if (row + s->padding < kh || oh >= g->out_h) continue;
            add_data_taps(g, gradient + (oh * g->gradient_width + g->gradient_left) * g->block, packed + kh * s->kernel_w * g->block, phase,
                          &taps);
        }
        sum_taps(g->block, &taps);
    }
}

/* ---- backward by the weights ---- */

/* Output rows [first, end) whose tap kh lies inside the image. */
static void rows_under_tap(const fnas_depthwise_geometry *g, int64_t kh, int64_t *first, int64_t *end) {
    const fnas_conv_shape *s = &g->shape;
    int64_t before = s->padding - kh, last = s->in_h - 1 + s->padding - kh;
    *first = before > 0 ? (before + s->stride - 1) / s->stride : 0;
    *end = last < 0 ? 0 : last / s->stride + 1;
    if (*end > g->out_h) *end = g->out_h;
}

/* One filter row, in sets of rows whose sums stay within FNAS_LANE_GROUPS terms (or one row). */
static void add_filter_row(const fnas_depthwise_geometry *g, int64_t kh, const float *src, const float *gradient, double *sums) {
    const fnas_conv_shape *s = &g->shape;
    int64_t first, end, rows = larger(FNAS_LANE_GROUPS / g->out_w, 1);
    row_set set = {.columns = g->out_w, .diff_dst_step = g->gradient_width * g->block, .src_step = s->stride * g->src_width * g->block};
    rows_under_tap(g, kh, &first, &end);
    for (int64_t oh = first; oh < end; oh += rows) {
        set.rows = end - oh < rows ? end - oh : rows;
        set.diff_dst = gradient + (oh * g->gradient_width + g->gradient_left) * g->block;
        set.src = src + (oh * s->stride - s->padding + kh) * g->src_width * g->block;
        if (g->block == 16)
            correlate_16(&set, s->kernel_w, s->stride, sums);
        else
            correlate_8(&set, s->kernel_w, s->stride, sums);
    }
}

void fnas_depthwise_add_products(const fnas_depthwise_geometry *g, const float *src, const float *gradient, double *sums) {
    for (int64_t kh = 0; kh < g->shape.kernel_h; kh++) add_filter_row(g, kh, src, gradient, sums + kh * g->shape.kernel_w * g->block);
}
