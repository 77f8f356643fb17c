/* The table of operator cases: correctness (tests/compute/test_operators.c), instruction sets (test_isa.c) and speed (fleetnas bench) all
 * go through it. */
#ifndef FNAS_COMPUTE_CASES_H
#define FNAS_COMPUTE_CASES_H

#include <stdio.h>

#include "compute/ops.h"

typedef enum operator_kind {
    CONV_FORWARD,
    CONV_BACKWARD_DATA,
    CONV_BACKWARD_WEIGHTS,
    NORM_STATISTICS,
    NORM_FORWARD,
    NORM_BACKWARD,
    RELU_FORWARD,
    RELU_BACKWARD,
    ADD,
    GATE_FORWARD,
    GATE_BACKWARD,
    DOT,
    SUM,
    POOL_FORWARD,
    POOL_BACKWARD,
    GLOBAL_POOL_FORWARD,
    GLOBAL_POOL_BACKWARD,
    LINEAR_FORWARD,
    LINEAR_BACKWARD,
    CROSS_ENTROPY
} operator_kind;

static const char *const operator_names[] = {"conv_forward",
                                             "conv_backward_data",
                                             "conv_backward_weights",
                                             "norm_statistics",
                                             "norm_forward",
                                             "norm_backward",
                                             "relu_forward",
                                             "relu_backward",
                                             "add",
                                             "gate_forward",
                                             "gate_backward",
                                             "dot",
                                             "sum",
                                             "pool_forward",
                                             "pool_backward",
                                             "global_forward",
                                             "global_backward",
                                             "linear_forward",
                                             "linear_backward",
                                             "cross_entropy"};

typedef struct matrix_shape {
    int64_t n, in, out; /* cross entropy: n images, `out` classes */
} matrix_shape;

typedef struct operator_case {
    operator_kind kind;
    bool accumulate;
    bool bias; /* bias of convolution and linear, gamma and beta of a norm, smoothing of cross entropy */
    fnas_conv_shape conv;
    fnas_shape plane;
    fnas_pool_shape pool;
    matrix_shape matrix;
} operator_case;

/* n, in, h, w, out, kernel_h, kernel_w, stride, padding, groups, plain image */
static const fnas_conv_shape conv_table[] = {
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

static const fnas_shape plane_table[] = {
    {2, 16, 8, 8}, {1, 16, 1, 1}, {3, 24, 5, 7}, {2, 1, 4, 3}, {1, 3, 9, 2}, {2, 40, 3, 3}, {1, 17, 33, 31}, {5, 64, 4, 4}, {1, 8, 64, 48},
};

/* n, channels, h, w, kernel, stride, padding */
static const fnas_pool_shape pool_table[] = {
    {2, 16, 8, 8, 3, 1, 1}, {2, 16, 8, 8, 2, 2, 0}, {1, 24, 7, 5, 3, 1, 1}, {2, 3, 9, 9, 3, 2, 1},  {1, 1, 1, 1, 3, 1, 1},
    {1, 16, 2, 2, 3, 1, 1}, {2, 40, 6, 7, 5, 1, 2}, {1, 16, 5, 5, 2, 1, 0}, {1, 17, 6, 6, 2, 1, 1}, {2, 16, 11, 8, 3, 3, 0},
    {1, 16, 4, 9, 4, 1, 2}, {1, 16, 4, 4, 1, 1, 0}, {1, 16, 4, 4, 1, 2, 0}, {1, 8, 3, 1, 3, 1, 1},
};

static const matrix_shape matrix_table[] = {{4, 64, 10}, {1, 1, 1}, {7, 33, 5}, {3, 16, 100}, {2, 130, 2}};

/* layers of NAS-Bench-201 at a batch of 256 images, depthwise ones of MobileNetV3 at 32 */
static const fnas_conv_shape conv_speed_table[] = {
    {256, 3, 32, 32, 16, 3, 3, 1, 1, 1, true},      {256, 16, 32, 32, 16, 3, 3, 1, 1, 1, false},
    {256, 32, 16, 16, 32, 3, 3, 1, 1, 1, false},    {256, 64, 8, 8, 64, 3, 3, 1, 1, 1, false},
    {256, 16, 32, 32, 16, 1, 1, 1, 0, 1, false},    {256, 16, 32, 32, 32, 3, 3, 2, 1, 1, false},
    {32, 96, 40, 40, 96, 3, 3, 1, 1, 96, false},    {32, 96, 40, 40, 96, 5, 5, 1, 2, 96, false},
    {32, 672, 10, 10, 672, 7, 7, 1, 3, 672, false},
};
static const fnas_shape plane_speed_table[] = {{256, 16, 32, 32}, {256, 32, 16, 16}, {256, 64, 8, 8}};
static const fnas_pool_shape pool_speed_table[] = {
    {256, 16, 32, 32, 3, 1, 1}, {256, 32, 16, 16, 3, 1, 1}, {256, 64, 8, 8, 3, 1, 1}, {256, 16, 32, 32, 2, 2, 0}};
static const matrix_shape matrix_speed_table[] = {{256, 64, 10}, {256, 640, 1000}};

#define CASES_CAPACITY 1024

typedef struct case_list {
    operator_case cases[CASES_CAPACITY];
    int64_t count;
} case_list;

static inline void case_add(case_list *list, operator_case c) {
    if (list->count < CASES_CAPACITY) list->cases[list->count++] = c;
}

static inline void cases_of_conv(case_list *list, const fnas_conv_shape *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (int bias = 0; bias < 2; bias++) {
            case_add(list, (operator_case){.kind = CONV_FORWARD, .bias = bias, .conv = table[i]});
            case_add(list, (operator_case){.kind = CONV_BACKWARD_WEIGHTS, .bias = bias, .conv = table[i]});
            case_add(list, (operator_case){.kind = CONV_BACKWARD_DATA, .accumulate = bias, .conv = table[i]});
        }
    }
}

static inline void cases_of_planes(case_list *list, const fnas_shape *table, size_t count) {
    static const operator_kind plain[] = {NORM_STATISTICS, RELU_FORWARD, DOT, SUM, GLOBAL_POOL_FORWARD};
    static const operator_kind accumulating[] = {NORM_FORWARD, RELU_BACKWARD, ADD, GATE_FORWARD, GATE_BACKWARD, GLOBAL_POOL_BACKWARD};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof plain / sizeof *plain; k++) case_add(list, (operator_case){.kind = plain[k], .plane = table[i]});
        for (size_t k = 0; k < sizeof accumulating / sizeof *accumulating; k++)
            for (int accumulate = 0; accumulate < 2; accumulate++)
                case_add(list, (operator_case){.kind = accumulating[k],
                                               .accumulate = accumulate,
                                               .bias = accumulate && accumulating[k] == NORM_FORWARD,
                                               .plane = table[i]});
        for (int affine = 0; affine < 2; affine++)
            case_add(list, (operator_case){.kind = NORM_BACKWARD, .bias = affine, .plane = table[i]});
    }
}

static inline void cases_of_pools(case_list *list, const fnas_pool_shape *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            case_add(list, (operator_case){.kind = POOL_FORWARD, .accumulate = accumulate, .pool = table[i]});
            case_add(list, (operator_case){.kind = POOL_BACKWARD, .accumulate = accumulate, .pool = table[i]});
        }
}

static inline void cases_of_matrices(case_list *list, const matrix_shape *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (int bias = 0; bias < 2; bias++)
            for (int kind = LINEAR_FORWARD; kind <= CROSS_ENTROPY; kind++)
                case_add(list, (operator_case){.kind = (operator_kind)kind, .bias = bias, .matrix = table[i]});
}

#define CASES_OF(list, family, table) cases_of_##family(list, table, sizeof table / sizeof *table)

static inline void cases_for_tests(case_list *list) {
    list->count = 0;
    CASES_OF(list, conv, conv_table);
    CASES_OF(list, planes, plane_table);
    CASES_OF(list, pools, pool_table);
    CASES_OF(list, matrices, matrix_table);
}

static inline void cases_for_speed(case_list *list) {
    list->count = 0;
    CASES_OF(list, conv, conv_speed_table);
    CASES_OF(list, planes, plane_speed_table);
    CASES_OF(list, pools, pool_speed_table);
    CASES_OF(list, matrices, matrix_speed_table);
}

static inline bool case_is_conv(const operator_case *c) {
    return c->kind <= CONV_BACKWARD_WEIGHTS;
}

static inline bool case_is_pool(const operator_case *c) {
    return c->kind == POOL_FORWARD || c->kind == POOL_BACKWARD;
}

static inline bool case_is_matrix(const operator_case *c) {
    return c->kind >= LINEAR_FORWARD;
}

/* "conv_forward n2 c16 8x8 o16 k3x3 s1 p1 g1 bias": what a filter of the benchmark is matched with. */
static inline void case_name(const operator_case *c, char *name, size_t size_bytes) {
    char shape[120];
    if (case_is_conv(c))
        snprintf(shape, sizeof shape, "n%lld c%lld %lldx%lld o%lld k%lldx%lld s%lld p%lld g%lld%s", (long long)c->conv.n,
                 (long long)c->conv.in_channels, (long long)c->conv.in_h, (long long)c->conv.in_w, (long long)c->conv.out_channels,
                 (long long)c->conv.kernel_h, (long long)c->conv.kernel_w, (long long)c->conv.stride, (long long)c->conv.padding,
                 (long long)c->conv.groups, c->conv.image_source ? " image" : "");
    else if (case_is_pool(c))
        snprintf(shape, sizeof shape, "n%lld c%lld %lldx%lld k%lld s%lld p%lld", (long long)c->pool.n, (long long)c->pool.channels,
                 (long long)c->pool.in_h, (long long)c->pool.in_w, (long long)c->pool.kernel, (long long)c->pool.stride,
                 (long long)c->pool.padding);
    else if (case_is_matrix(c))
        snprintf(shape, sizeof shape, "n%lld i%lld o%lld", (long long)c->matrix.n, (long long)c->matrix.in, (long long)c->matrix.out);
    else
        snprintf(shape, sizeof shape, "n%lld c%lld %lldx%lld", (long long)c->plane.n, (long long)c->plane.c, (long long)c->plane.h,
                 (long long)c->plane.w);
    snprintf(name, size_bytes, "%s %s%s%s", operator_names[c->kind], shape, c->bias ? " bias" : "", c->accumulate ? " add" : "");
}

#endif
