#include "compute/check/cases.h"

#include <stdio.h>

#include "base/memory.h"

/* ---- shapes ---- */

/* n, in, h, w, out, kernel_h, kernel_w, stride, padding, groups, plain image */
static const fnas_conv_shape small_convs[] = {
    {2, 3, 32, 32, 16, 3, 3, 1, 1, 1, true}, /* stem of NAS-Bench-201 */
    {2, 16, 8, 8, 16, 3, 3, 1, 1, 1, false}, /* its cells */
    {1, 32, 16, 16, 32, 3, 3, 1, 1, 1, false},  {2, 64, 8, 8, 64, 3, 3, 1, 1, 1, false},
    {2, 16, 8, 8, 16, 1, 1, 1, 0, 1, false},    {2, 16, 16, 16, 32, 3, 3, 2, 1, 1, false}, /* its residual block */
    {2, 16, 8, 8, 32, 1, 1, 1, 0, 1, false},    {2, 24, 9, 7, 40, 3, 3, 1, 1, 1, false},   /* channels that fill no block, odd sizes */
    {1, 3, 7, 9, 5, 3, 3, 2, 1, 1, false},      {3, 1, 6, 6, 1, 3, 3, 1, 1, 1, false},
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, false},      {2, 17, 5, 5, 33, 1, 1, 1, 0, 1, false},
    {2, 8, 11, 13, 16, 5, 5, 1, 2, 1, false},   {1, 16, 14, 10, 8, 7, 7, 2, 3, 1, false},
    {2, 16, 8, 6, 16, 2, 2, 2, 0, 1, false},    {2, 16, 8, 9, 16, 1, 3, 1, 0, 1, false},
    {2, 16, 9, 8, 16, 3, 1, 1, 0, 1, false},    {1, 3, 15, 15, 24, 7, 7, 2, 3, 1, true},
    {2, 1, 12, 10, 20, 5, 5, 1, 0, 1, true},    {1, 32, 8, 8, 32, 3, 3, 1, 1, 2, false},  /* groups of one block */
    {2, 24, 7, 7, 24, 3, 3, 1, 1, 3, false},                                              /* groups smaller than a block */
    {2, 12, 6, 5, 18, 3, 3, 1, 1, 6, false},    {2, 32, 9, 9, 32, 3, 3, 1, 1, 32, false}, /* depthwise */
    {2, 24, 9, 8, 24, 3, 3, 2, 1, 24, false},   {1, 48, 10, 10, 48, 5, 5, 1, 2, 48, false},
    {2, 20, 10, 10, 20, 7, 7, 1, 3, 20, false}, {2, 16, 11, 11, 16, 7, 7, 2, 3, 16, false},
    {1, 16, 6, 6, 16, 2, 2, 1, 0, 16, false},   {1, 16, 3, 70, 16, 3, 5, 1, 2, 16, false}, /* a row longer than one f32 partial sum */
};

static const fnas_shape small_planes[] = {
    {2, 16, 8, 8}, {1, 16, 1, 1}, {3, 24, 5, 7}, {2, 1, 4, 3}, {1, 3, 9, 2}, {2, 40, 3, 3}, {1, 17, 33, 31}, {5, 64, 4, 4}, {1, 8, 64, 48},
};

/* n, channels, h, w, kernel, stride, padding */
static const fnas_pool_shape small_pools[] = {
    {2, 16, 8, 8, 3, 1, 1}, {2, 16, 8, 8, 2, 2, 0}, {1, 24, 7, 5, 3, 1, 1}, {2, 3, 9, 9, 3, 2, 1},  {1, 1, 1, 1, 3, 1, 1},
    {1, 16, 2, 2, 3, 1, 1}, {2, 40, 6, 7, 5, 1, 2}, {1, 16, 5, 5, 2, 1, 0}, {1, 17, 6, 6, 2, 1, 1}, {2, 16, 11, 8, 3, 3, 0},
    {1, 16, 4, 9, 4, 1, 2}, {1, 16, 4, 4, 1, 1, 0}, {1, 16, 4, 4, 1, 2, 0}, {1, 8, 3, 1, 3, 1, 1},
};

static const fnas_matrix_shape small_matrices[] = {{4, 64, 10}, {1, 1, 1}, {7, 33, 5}, {3, 16, 100}, {2, 130, 2}};

/* layers of NAS-Bench-201 at a batch of 256 images, depthwise ones of MobileNetV3 at 32 */
static const fnas_conv_shape large_convs[] = {
    {256, 3, 32, 32, 16, 3, 3, 1, 1, 1, true},      {256, 16, 32, 32, 16, 3, 3, 1, 1, 1, false},
    {256, 32, 16, 16, 32, 3, 3, 1, 1, 1, false},    {256, 64, 8, 8, 64, 3, 3, 1, 1, 1, false},
    {256, 16, 32, 32, 16, 1, 1, 1, 0, 1, false},    {256, 16, 32, 32, 32, 3, 3, 2, 1, 1, false},
    {32, 96, 40, 40, 96, 3, 3, 1, 1, 96, false},    {32, 96, 40, 40, 96, 5, 5, 1, 2, 96, false},
    {32, 672, 10, 10, 672, 7, 7, 1, 3, 672, false},
};
static const fnas_shape large_planes[] = {{256, 16, 32, 32}, {256, 32, 16, 16}, {256, 64, 8, 8}};
static const fnas_pool_shape large_pools[] = {
    {256, 16, 32, 32, 3, 1, 1}, {256, 32, 16, 16, 3, 1, 1}, {256, 64, 8, 8, 3, 1, 1}, {256, 16, 32, 32, 2, 2, 0}};
static const fnas_matrix_shape large_matrices[] = {{256, 64, 10}, {256, 640, 1000}};

#define COUNT(table) ((int64_t)(sizeof(table) / sizeof *(table)))

const fnas_case_shapes fnas_case_shapes_small = {.convs = small_convs,
                                                 .planes = small_planes,
                                                 .pools = small_pools,
                                                 .matrices = small_matrices,
                                                 .conv_count = COUNT(small_convs),
                                                 .plane_count = COUNT(small_planes),
                                                 .pool_count = COUNT(small_pools),
                                                 .matrix_count = COUNT(small_matrices)};
const fnas_case_shapes fnas_case_shapes_large = {.convs = large_convs,
                                                 .planes = large_planes,
                                                 .pools = large_pools,
                                                 .matrices = large_matrices,
                                                 .conv_count = COUNT(large_convs),
                                                 .plane_count = COUNT(large_planes),
                                                 .pool_count = COUNT(large_pools),
                                                 .matrix_count = COUNT(large_matrices)};

/* ---- cases ---- */

/* Without memory only counts. */
static void add_case(fnas_case_list *list, fnas_operator_case c) {
    if (list->cases) list->cases[list->count] = c;
    list->count++;
}

static void add_convs(fnas_case_list *list, const fnas_conv_shape *table, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        for (int bias = 0; bias < 2; bias++) {
            add_case(list, (fnas_operator_case){.kind = FNAS_OPERATOR_CONV_FORWARD, .bias = bias, .conv = table[i]});
            add_case(list, (fnas_operator_case){.kind = FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS, .bias = bias, .conv = table[i]});
            add_case(list, (fnas_operator_case){.kind = FNAS_OPERATOR_CONV_BACKWARD_DATA, .accumulate = bias, .conv = table[i]});
        }
    }
}

static void add_planes(fnas_case_list *list, const fnas_shape *table, int64_t count) {
    static const fnas_operator_kind plain[] = {
        FNAS_OPERATOR_NORM_STATISTICS,       FNAS_OPERATOR_RELU_FORWARD, FNAS_OPERATOR_HARD_SWISH_FORWARD,
        FNAS_OPERATOR_CHANNEL_SCALE_FORWARD, FNAS_OPERATOR_DOT,          FNAS_OPERATOR_SUM,
        FNAS_OPERATOR_GLOBAL_POOL_FORWARD};
    static const fnas_operator_kind accumulating[] = {
        FNAS_OPERATOR_NORM_FORWARD, FNAS_OPERATOR_RELU_BACKWARD, FNAS_OPERATOR_HARD_SWISH_BACKWARD, FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD,
        FNAS_OPERATOR_ADD,          FNAS_OPERATOR_GATE_FORWARD,  FNAS_OPERATOR_GATE_BACKWARD,       FNAS_OPERATOR_GLOBAL_POOL_BACKWARD};
    for (int64_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof plain / sizeof *plain; k++) add_case(list, (fnas_operator_case){.kind = plain[k], .plane = table[i]});
        for (size_t k = 0; k < sizeof accumulating / sizeof *accumulating; k++)
            for (int accumulate = 0; accumulate < 2; accumulate++)
                add_case(list, (fnas_operator_case){.kind = accumulating[k],
                                                    .accumulate = accumulate,
                                                    .bias = accumulate && accumulating[k] == FNAS_OPERATOR_NORM_FORWARD,
                                                    .plane = table[i]});
        for (int affine = 0; affine < 2; affine++)
            add_case(list, (fnas_operator_case){.kind = FNAS_OPERATOR_NORM_BACKWARD, .bias = affine, .plane = table[i]});
    }
}

static void add_pools(fnas_case_list *list, const fnas_pool_shape *table, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            add_case(list, (fnas_operator_case){.kind = FNAS_OPERATOR_POOL_FORWARD, .accumulate = accumulate, .pool = table[i]});
            add_case(list, (fnas_operator_case){.kind = FNAS_OPERATOR_POOL_BACKWARD, .accumulate = accumulate, .pool = table[i]});
        }
}

static void add_matrices(fnas_case_list *list, const fnas_matrix_shape *table, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        for (int bias = 0; bias < 2; bias++)
            for (int kind = FNAS_OPERATOR_LINEAR_FORWARD; kind <= FNAS_OPERATOR_CROSS_ENTROPY; kind++)
                add_case(list, (fnas_operator_case){.kind = (fnas_operator_kind)kind, .bias = bias, .matrix = table[i]});
}

static void add_shapes(fnas_case_list *list, const fnas_case_shapes *shapes) {
    add_convs(list, shapes->convs, shapes->conv_count);
    add_planes(list, shapes->planes, shapes->plane_count);
    add_pools(list, shapes->pools, shapes->pool_count);
    add_matrices(list, shapes->matrices, shapes->matrix_count);
}

static void add_wanted(fnas_case_list *list, bool small, bool large) {
    list->count = 0;
    if (small) add_shapes(list, &fnas_case_shapes_small);
    if (large) add_shapes(list, &fnas_case_shapes_large);
}

fnas_status fnas_case_list_create(fnas_context *context, bool small, bool large, fnas_case_list *list) {
    fnas_case_list made = {0};
    *list = made;
    add_wanted(&made, small, large);
    made.cases = fnas_allocate((size_t)made.count, sizeof *made.cases);
    if (!made.cases) return fnas_fail_memory(context, "the table of operator cases");
    add_wanted(&made, small, large);
    *list = made;
    return FNAS_OK;
}

void fnas_case_list_free(fnas_case_list *list) {
    fnas_free(list->cases);
    *list = (fnas_case_list){0};
}

/* ---- what they are ---- */

bool fnas_case_is_conv(const fnas_operator_case *c) {
    return c->kind <= FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS;
}

bool fnas_case_is_channel_scale(const fnas_operator_case *c) {
    return c->kind == FNAS_OPERATOR_CHANNEL_SCALE_FORWARD || c->kind == FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD;
}

bool fnas_case_is_pool(const fnas_operator_case *c) {
    return c->kind == FNAS_OPERATOR_POOL_FORWARD || c->kind == FNAS_OPERATOR_POOL_BACKWARD;
}

bool fnas_case_is_matrix(const fnas_operator_case *c) {
    return c->kind >= FNAS_OPERATOR_LINEAR_FORWARD;
}

/* ---- names ---- */

static const char *const operator_names[] = {
    [FNAS_OPERATOR_CONV_FORWARD] = "conv_forward",
    [FNAS_OPERATOR_CONV_BACKWARD_DATA] = "conv_backward_data",
    [FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS] = "conv_backward_weights",
    [FNAS_OPERATOR_NORM_STATISTICS] = "norm_statistics",
    [FNAS_OPERATOR_NORM_FORWARD] = "norm_forward",
    [FNAS_OPERATOR_NORM_BACKWARD] = "norm_backward",
    [FNAS_OPERATOR_RELU_FORWARD] = "relu_forward",
    [FNAS_OPERATOR_RELU_BACKWARD] = "relu_backward",
    [FNAS_OPERATOR_HARD_SWISH_FORWARD] = "hard_swish_forward",
    [FNAS_OPERATOR_HARD_SWISH_BACKWARD] = "hard_swish_backward",
    [FNAS_OPERATOR_CHANNEL_SCALE_FORWARD] = "channel_scale_forward",
    [FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD] = "channel_scale_backward",
    [FNAS_OPERATOR_ADD] = "add",
    [FNAS_OPERATOR_GATE_FORWARD] = "gate_forward",
    [FNAS_OPERATOR_GATE_BACKWARD] = "gate_backward",
    [FNAS_OPERATOR_DOT] = "dot",
    [FNAS_OPERATOR_SUM] = "sum",
    [FNAS_OPERATOR_POOL_FORWARD] = "pool_forward",
    [FNAS_OPERATOR_POOL_BACKWARD] = "pool_backward",
    [FNAS_OPERATOR_GLOBAL_POOL_FORWARD] = "global_forward",
    [FNAS_OPERATOR_GLOBAL_POOL_BACKWARD] = "global_backward",
    [FNAS_OPERATOR_LINEAR_FORWARD] = "linear_forward",
    [FNAS_OPERATOR_LINEAR_BACKWARD] = "linear_backward",
    [FNAS_OPERATOR_CROSS_ENTROPY] = "cross_entropy",
};

void fnas_case_name(const fnas_operator_case *c, char *name, size_t size_bytes) {
    char shape[120];
    if (fnas_case_is_conv(c))
        snprintf(shape, sizeof shape, "n%lld c%lld %lldx%lld o%lld k%lldx%lld s%lld p%lld g%lld%s", (long long)c->conv.n,
                 (long long)c->conv.in_channels, (long long)c->conv.in_h, (long long)c->conv.in_w, (long long)c->conv.out_channels,
                 (long long)c->conv.kernel_h, (long long)c->conv.kernel_w, (long long)c->conv.stride, (long long)c->conv.padding,
                 (long long)c->conv.groups, c->conv.image_source ? " image" : "");
    else if (fnas_case_is_pool(c))
        snprintf(shape, sizeof shape, "n%lld c%lld %lldx%lld k%lld s%lld p%lld", (long long)c->pool.n, (long long)c->pool.channels,
                 (long long)c->pool.in_h, (long long)c->pool.in_w, (long long)c->pool.kernel, (long long)c->pool.stride,
                 (long long)c->pool.padding);
    else if (fnas_case_is_matrix(c))
        snprintf(shape, sizeof shape, "n%lld i%lld o%lld", (long long)c->matrix.n, (long long)c->matrix.in, (long long)c->matrix.out);
    else
        snprintf(shape, sizeof shape, "n%lld c%lld %lldx%lld", (long long)c->plane.n, (long long)c->plane.c, (long long)c->plane.h,
                 (long long)c->plane.w);
    snprintf(name, size_bytes, "%s %s%s%s", operator_names[c->kind], shape, c->bias ? " bias" : "", c->accumulate ? " add" : "");
}
