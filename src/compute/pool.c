/* Average pooling (padding does not count) and global pooling.
 *
 * Pooling is a separable sum over a box: along columns of the image into one row, then along that row; with stride 1 backward is one as
 * well. Forward divides by the number of elements under the window afterwards, backward before (the weights of a box). Each plane comes
 * from memory once. */
#include <string.h>

#include "compute/engine_internal.h"
#include "compute/ops.h"

static int64_t out_extent(int64_t in, const fnas_pool_shape *s) {
    return (in + 2 * s->padding - s->kernel) / s->stride + 1;
}

int64_t fnas_pool_out_h(const fnas_pool_shape *shape) {
    return out_extent(shape->in_h, shape);
}

int64_t fnas_pool_out_w(const fnas_pool_shape *shape) {
    return out_extent(shape->in_w, shape);
}

/* padding < kernel, so that no window lies wholly in the padding. */
static fnas_status check_shape(fnas_context *context, const fnas_pool_shape *s) {
    bool valid = s->n >= 1 && s->channels >= 1 && s->in_h >= 1 && s->in_w >= 1 && s->kernel >= 1 && s->stride >= 1 && s->padding >= 0 &&
                 s->padding < s->kernel && s->in_h + 2 * s->padding >= s->kernel && s->in_w + 2 * s->padding >= s->kernel;
    /* The last window must begin inside the image, too. */
    valid = valid && (fnas_pool_out_h(s) - 1) * s->stride - s->padding < s->in_h &&
            (fnas_pool_out_w(s) - 1) * s->stride - s->padding < s->in_w;
    if (valid) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "average pooling of [%lld, %lld, %lld, %lld] by a kernel of %lld, stride %lld and padding %lld is not possible: every "
                     "window must hold an "
                     "element of the image",
                     (long long)s->n, (long long)s->channels, (long long)s->in_h, (long long)s->in_w, (long long)s->kernel,
                     (long long)s->stride, (long long)s->padding);
}

/* Elements [first, end) of the image under a window. */
typedef struct span {
    int64_t first, end;
} span;

static span window(int64_t out, int64_t in_extent, const fnas_pool_shape *s) {
    span w = {out * s->stride - s->padding, out * s->stride - s->padding + s->kernel};
    if (w.first < 0) w.first = 0;
    if (w.end > in_extent) w.end = in_extent;
    return w;
}

static float inverse_count(int64_t out, int64_t in_extent, const fnas_pool_shape *s) {
    span w = window(out, in_extent, s);
    return 1.0f / (float)(w.end - w.first);
}

/* ---- box sums ---- */

/* Target row or column t gathers sources t * stride + low .. t * stride + high. */
typedef struct box {
    int64_t block, source_h, source_w, target_h, target_w, stride, low, high;
    int64_t left, right;        /* zeros beside the row, so that no target needs a test */
    const float *row_weight;    /* [height]: of the sources when backward, of the targets when forward */
    const float *column_weight; /* [width * block], likewise */
    bool weight_sources;
    float *row;  /* [(left + source_w + right) * block] */
    float *sums; /* [target_w * block] */
    const fnas_kernels *kernels;
} box;

/* Sums of rows of the sources under one target row, into the middle of box->row. */
static void gather_rows(const box *b, const char *source, int64_t target) {
    int64_t first = target * b->stride + b->low, end = first + b->high - b->low + 1;
    if (first < 0) first = 0;
    if (end > b->source_h) end = b->source_h;
    size_t count = (size_t)(b->source_w * b->block), row_bytes = count * b->kernels->element_bytes;
    float *middle = b->row + b->left * b->block;
    const char *rows = source + (size_t)first * row_bytes;
    if (end - first == 3) {
        float weights[3] = {1.0f, 1.0f, 1.0f};
        for (int64_t r = 0; r < 3 && b->weight_sources; r++) weights[r] = b->row_weight[first + r];
        b->kernels->rows_of_three(count, rows, rows + row_bytes, rows + 2 * row_bytes, weights, middle);
    } else {
        for (int64_t r = first; r < end; r++)
            b->kernels->row_scaled(count, source + (size_t)r * row_bytes, b->weight_sources ? b->row_weight[r] : 1.0f, r != first, middle);
    }
    if (b->weight_sources) b->kernels->row_multiplied(count, b->column_weight, middle);
}

/* With a stride, which only forward has: the sums under one window after the other, into box->sums. */
FNAS_MULTIVERSION static void sum_strided(const box *b, const float *row, float weight) {
    int64_t columns = b->high - b->low + 1, block = b->block, step = b->stride * block, vectors = block / 8 * 8;
    float *sums = b->sums;
    for (int64_t t = 0; t < b->target_w; t++, row += step, sums += block) {
        float scale = weight * b->column_weight[t * block];
        for (int64_t l = 0; l < vectors; l += 8) {
            fnas_v8 sum = *(const fnas_v8 *)(row + l);
            for (int64_t k = 1; k < columns; k++) sum += *(const fnas_v8 *)(row + k * block + l);
            *(fnas_v8 *)(sums + l) = sum * scale;
        }
        for (int64_t l = vectors; l < block; l++) {
            float sum = row[l];
            for (int64_t k = 1; k < columns; k++) sum += row[k * block + l];
            sums[l] = sum * scale;
        }
    }
}

static void box_sum(const box *b, const char *source, bool accumulate, char *target) {
    size_t count = (size_t)(b->target_w * b->block), columns = (size_t)(b->high - b->low + 1), block = (size_t)b->block;
    const float *column_weight = b->weight_sources ? NULL : b->column_weight, *row = b->row + (b->left + b->low) * b->block;
    for (int64_t t = 0; t < b->target_h; t++) {
        gather_rows(b, source, t);
        float weight = b->weight_sources ? 1.0f : b->row_weight[t];
        char *to = target + (size_t)t * count * b->kernels->element_bytes;
        if (b->stride == 1) {
            b->kernels->window_sums(count, columns, block, row, column_weight, weight, accumulate, to);
            continue;
        }
        sum_strided(b, row, weight);
        b->kernels->row_stored(count, b->sums, accumulate, to);
    }
}

/* Its scratch: the row, column weights, row weights, with a stride the sums of a target row. */
static fnas_status make_box(fnas_context *context, fnas_engine *engine, const fnas_pool_shape *s, bool backward, box *made) {
    int64_t block = engine->block, out_h = fnas_pool_out_h(s), out_w = fnas_pool_out_w(s);
    box b = {.kernels = engine->kernels, .block = block, .weight_sources = backward, .stride = backward ? 1 : s->stride};
    b.source_h = backward ? out_h : s->in_h;
    b.source_w = backward ? out_w : s->in_w;
    b.target_h = backward ? s->in_h : out_h;
    b.target_w = backward ? s->in_w : out_w;
    b.low = backward ? s->padding - s->kernel + 1 : -s->padding;
    b.high = b.low + s->kernel - 1;
    b.left = b.low < 0 ? -b.low : 0;
    b.right = (b.target_w - 1) * b.stride + b.high - (b.source_w - 1);
    if (b.right < 0) b.right = 0;

    size_t row_floats = (size_t)((b.left + b.source_w + b.right) * block), weights_h = (size_t)out_h, weights_w = (size_t)(out_w * block);
    void *scratch;
    FNAS_TRY(fnas_engine_scratch(context, engine, (row_floats + weights_h + 2 * weights_w) * sizeof(float), &scratch));
    float *row = scratch, *columns = row + row_floats, *sums = columns + weights_w, *rows = sums + weights_w;
    memset(row, 0, row_floats * sizeof *row);
    for (int64_t oh = 0; oh < out_h; oh++) rows[oh] = inverse_count(oh, s->in_h, s);
    for (int64_t i = 0; i < out_w * block; i++) columns[i] = inverse_count(i / block, s->in_w, s);
    b.row = row;
    b.sums = sums;
    b.row_weight = rows;
    b.column_weight = columns;
    *made = b;
    return FNAS_OK;
}

/* ---- backward with a stride: each row of gradients is spread along itself, then added to the rows under its window ---- */

typedef struct strided_gradient {
    const fnas_kernels *kernels;
    const fnas_pool_shape *shape;
    int64_t block, out_h, out_w;
    float *row, *source_row; /* [in_w * block], [out_w * block] */
} strided_gradient;

FNAS_MULTIVERSION static void widen_row(const strided_gradient *g, float row_weight) {
    int64_t block = g->block, vectors = block / 8 * 8;
    const float *diff_dst = g->source_row;
    for (int64_t ow = 0; ow < g->out_w; ow++, diff_dst += block) {
        span w = window(ow, g->shape->in_w, g->shape);
        float weight = row_weight / (float)(w.end - w.first), *to = g->row + w.first * block;
        for (int64_t k = w.first; k < w.end; k++, to += block) {
            for (int64_t l = 0; l < vectors; l += 8) *(fnas_v8 *)(to + l) += weight * *(const fnas_v8 *)(diff_dst + l);
            for (int64_t l = vectors; l < block; l++) to[l] += weight * diff_dst[l];
        }
    }
}

static void strided_backward(const strided_gradient *g, const char *diff_dst, bool accumulate, char *diff_src) {
    size_t row_floats = (size_t)(g->shape->in_w * g->block), source_floats = (size_t)(g->out_w * g->block);
    size_t row_bytes = row_floats * g->kernels->element_bytes, source_bytes = source_floats * g->kernels->element_bytes;
    if (!accumulate) memset(diff_src, 0, (size_t)g->shape->in_h * row_bytes);
    for (int64_t oh = 0; oh < g->out_h; oh++) {
        span rows = window(oh, g->shape->in_h, g->shape);
        memset(g->row, 0, row_floats * sizeof *g->row);
        g->kernels->to_floats(source_floats, diff_dst + (size_t)oh * source_bytes, g->source_row);
        widen_row(g, 1.0f / (float)(rows.end - rows.first));
        for (int64_t ih = rows.first; ih < rows.end; ih++)
            g->kernels->row_stored(row_floats, g->row, true, diff_src + (size_t)ih * row_bytes);
    }
}

static fnas_status strided_backward_planes(fnas_context *context, fnas_engine *engine, const fnas_pool_shape *s, size_t planes,
                                           const char *diff_dst, bool accumulate, char *diff_src) {
    strided_gradient g = {engine->kernels, s, engine->block, fnas_pool_out_h(s), fnas_pool_out_w(s), NULL, NULL};
    size_t in_floats = (size_t)(s->in_w * g.block), element = engine->kernels->element_bytes;
    void *scratch;
    FNAS_TRY(fnas_engine_scratch(context, engine, (in_floats + (size_t)(g.out_w * g.block)) * sizeof(float), &scratch));
    g.row = scratch;
    g.source_row = g.row + in_floats;
    for (size_t p = 0; p < planes; p++)
        strided_backward(&g, diff_dst + p * (size_t)(g.out_h * g.out_w * g.block) * element, accumulate,
                         diff_src + p * (size_t)(s->in_h * s->in_w * g.block) * element);
    return FNAS_OK;
}

/* ---- average pooling ---- */

static size_t plane_count(int64_t block, const fnas_pool_shape *s) {
    return (size_t)(s->n * ((s->channels + block - 1) / block));
}

static void box_sum_planes(const box *b, size_t planes, const char *source, bool accumulate, char *target) {
    size_t element = b->kernels->element_bytes;
    size_t source_bytes = (size_t)(b->source_h * b->source_w * b->block) * element,
           target_bytes = (size_t)(b->target_h * b->target_w * b->block) * element;
    for (size_t p = 0; p < planes; p++) box_sum(b, source + p * source_bytes, accumulate, target + p * target_bytes);
}

fnas_status fnas_average_pool_forward(fnas_context *context, fnas_engine *engine, const fnas_pool_shape *shape, const void *src,
                                      bool accumulate, void *dst) {
    box b;
    FNAS_TRY(check_shape(context, shape));
    FNAS_TRY(make_box(context, engine, shape, false, &b));
    box_sum_planes(&b, plane_count(engine->block, shape), src, accumulate, dst);
    return FNAS_OK;
}

fnas_status fnas_average_pool_backward(fnas_context *context, fnas_engine *engine, const fnas_pool_shape *shape, const void *diff_dst,
                                       bool accumulate, void *diff_src) {
    box b;
    FNAS_TRY(check_shape(context, shape));
    size_t planes = plane_count(engine->block, shape);
    if (shape->stride > 1) return strided_backward_planes(context, engine, shape, planes, diff_dst, accumulate, diff_src);
    FNAS_TRY(make_box(context, engine, shape, true, &b));
    box_sum_planes(&b, planes, diff_dst, accumulate, diff_src);
    return FNAS_OK;
}

/* ---- global pooling ---- */

/* What lies at the first element of one image's block of channels. */
static size_t plane_offset(const fnas_engine *engine, fnas_shape shape, int64_t image, int64_t block) {
    int64_t blocks = (shape.c + engine->block - 1) / engine->block;
    return (size_t)((image * blocks + block) * shape.h * shape.w * engine->block) * engine->kernels->element_bytes;
}

void fnas_global_pool_forward(fnas_engine *engine, fnas_shape shape, const void *src, float *dst) {
    int64_t block = engine->block, plane = shape.h * shape.w;
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t b = 0; b * block < shape.c; b++) {
            double sum[FNAS_LANES] = {0};
            engine->kernels->sum((size_t)(plane * block), (const char *)src + plane_offset(engine, shape, n, b), sum);
            for (int64_t c = 0; c < block && b * block + c < shape.c; c++) {
                double total = 0;
                for (int64_t l = c; l < FNAS_LANES; l += block) total += sum[l];
                dst[n * shape.c + b * block + c] = (float)(total / (double)plane);
            }
        }
}

void fnas_global_pool_backward(fnas_engine *engine, fnas_shape shape, const float *diff_dst, bool accumulate, void *diff_src) {
    int64_t block = engine->block, plane = shape.h * shape.w;
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t b = 0; b * block < shape.c; b++) {
            float lanes[FNAS_LANES] = {0};
            for (int64_t l = 0; l < FNAS_LANES; l++) {
                int64_t c = b * block + l % block;
                if (c < shape.c) lanes[l] = diff_dst[n * shape.c + c] / (float)plane;
            }
            engine->kernels->add_lanes((size_t)(plane * block), lanes, accumulate, (char *)diff_src + plane_offset(engine, shape, n, b));
        }
}
