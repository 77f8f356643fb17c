/* The operands of one operator case, three times: as the fast operator sees them, exactly (double, plain), and the error allowed in each
 * result.
 *
 * A dot product of k terms in f32 differs from the exact one by at most about lambda * sqrt(k) * u * sum |a b| with overwhelming
 * probability (Higham and Mary 2019, "A new approach to probabilistic rounding error analysis"; u = 2^-24), so results are held to (6
 * sqrt(k) + 4) u times the same operator applied to the magnitudes of its operands; 4 covers the few roundings beside the sum.
 *
 * In bf16 operands are what bf16 can hold, products of two of them are exact in f32 and sums are f32, so the same bound holds up to the
 * result. That is rounded when it is stored (u = 2^-8), and where it is added to, at most three times. */
#ifndef FNAS_COMPUTE_OPERANDS_H
#define FNAS_COMPUTE_OPERANDS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/cases.h"
#include "compute/reference.h"

#define TEST_SEED 20240229
#define UNIT_ROUNDOFF (1.0 / 16777216)
#define BF16_ROUNDOFF (1.0 / 256)
#define PARTIAL_TERMS 64 /* f32 terms of a partial sum in the engine's own reductions */
#define EPSILON 1e-5f
#define GATE 0.75f
#define SMOOTHING 0.1f
#define LOSS_SCALE 1.5f

typedef enum operand_role { INPUT, RESULT, ADDED } operand_role;

typedef struct operand {
    const char *name;
    operand_role role;
    bool blocked; /* an activation in the engine's layout */
    bool absent;  /* the operator gets NULL */
    fnas_shape shape;
    float *fast;             /* of the engine's type where blocked */
    double *exact, *allowed; /* allowed: of results */
} operand;

#define OPERAND_CAPACITY 8

typedef struct operands {
    const operator_case *c;
    operand list[OPERAND_CAPACITY];
    int count;
    int64_t block;
    const fnas_engine *engine; /* NULL: of f32 */
    int32_t *labels;
    float *plain, *floats; /* of the largest operand: plain, and as it lies in memory */
} operands;

static inline bool operands_are_bf16(const operands *all) {
    return all->engine && fnas_engine_element_bytes(all->engine) == 2;
}

static inline int64_t operand_size(const operand *o) {
    return o->shape.n * o->shape.c * o->shape.h * o->shape.w;
}

static inline size_t operand_floats(const operands *all, const operand *o) {
    return fnas_shape_floats(o->shape, o->blocked ? all->block : 1);
}

static inline void operand_add(operands *all, const char *name, operand_role role, bool blocked, fnas_shape shape) {
    all->list[all->count++] = (operand){.name = name, .role = role, .blocked = blocked, .shape = shape};
}

static inline void optional_vector(operands *all, const char *name, operand_role role, int64_t count, bool present) {
    operand_add(all, name, role, false, (fnas_shape){1, count, 1, 1});
    all->list[all->count - 1].absent = !present;
}

static inline void declare_conv(operands *all) {
    const operator_case *c = all->c;
    const fnas_conv_shape *s = &c->conv;
    fnas_shape in = {s->n, s->in_channels, s->in_h, s->in_w}, out = {s->n, s->out_channels, fnas_conv_out_h(s), fnas_conv_out_w(s)};
    fnas_shape weights = {s->out_channels, s->in_channels / s->groups, s->kernel_h, s->kernel_w};
    bool data = c->kind == CONV_BACKWARD_DATA, gradient = c->kind == CONV_BACKWARD_WEIGHTS;
    operand_add(all, "src", !data ? INPUT : c->accumulate ? ADDED : RESULT, !s->image_source, in);
    operand_add(all, "weights", gradient ? ADDED : INPUT, false, weights);
    optional_vector(all, "bias", gradient ? ADDED : INPUT, s->out_channels, c->bias);
    operand_add(all, "dst", c->kind == CONV_FORWARD ? RESULT : INPUT, true, out);
}

static inline void declare_norm(operands *all) {
    const operator_case *c = all->c;
    bool statistics = c->kind == NORM_STATISTICS, backward = c->kind == NORM_BACKWARD;
    operand_add(all, "src", INPUT, true, c->plane);
    optional_vector(all, "mean", statistics ? RESULT : INPUT, c->plane.c, true);
    optional_vector(all, "variance", statistics ? RESULT : INPUT, c->plane.c, true);
    if (statistics) return;
    optional_vector(all, "gamma", INPUT, c->plane.c, c->bias);
    optional_vector(all, "beta", INPUT, c->plane.c, c->bias);
    operand_add(all, "dst", backward ? INPUT : c->accumulate ? ADDED : RESULT, true, c->plane);
    if (!backward) return;
    operand_add(all, "diff_src", RESULT, true, c->plane);
    operand_add(all, "sums", RESULT, false, (fnas_shape){1, 2 * c->plane.c + 2, 1, 1}); /* diff_gamma, diff_beta, dot, total */
}

static inline void declare_elementwise(operands *all) {
    const operator_case *c = all->c;
    operand_role role = c->accumulate ? ADDED : RESULT;
    operand_add(all, "src", INPUT, true, c->plane);
    if (c->kind == RELU_BACKWARD || c->kind == GATE_BACKWARD || c->kind == DOT) operand_add(all, "diff_dst", INPUT, true, c->plane);
    if (c->kind != DOT && c->kind != SUM) operand_add(all, "result", role, true, c->plane);
    if (c->kind == GATE_BACKWARD || c->kind == DOT || c->kind == SUM) operand_add(all, "sum", RESULT, false, (fnas_shape){1, 1, 1, 1});
}

static inline void declare_pool(operands *all) {
    const operator_case *c = all->c;
    const fnas_pool_shape *s = &c->pool;
    bool window = case_is_pool(c);
    fnas_shape in = window ? (fnas_shape){s->n, s->channels, s->in_h, s->in_w} : c->plane;
    fnas_shape out = window ? (fnas_shape){s->n, s->channels, fnas_pool_out_h(s), fnas_pool_out_w(s)} : (fnas_shape){in.n, in.c, 1, 1};
    bool forward = c->kind == POOL_FORWARD || c->kind == GLOBAL_POOL_FORWARD;
    operand_role role = c->accumulate ? ADDED : RESULT;
    operand_add(all, "src", forward ? INPUT : role, true, in);
    operand_add(all, "dst", forward ? role : INPUT, window, out);
}

static inline void declare_matrix(operands *all) {
    const operator_case *c = all->c;
    const matrix_shape *s = &c->matrix;
    if (c->kind == CROSS_ENTROPY) {
        operand_add(all, "logits", INPUT, false, (fnas_shape){s->n, s->out, 1, 1});
        operand_add(all, "diff_logits", RESULT, false, (fnas_shape){s->n, s->out, 1, 1});
        operand_add(all, "loss", RESULT, false, (fnas_shape){1, 2, 1, 1}); /* and correct */
        return;
    }
    bool forward = c->kind == LINEAR_FORWARD;
    operand_add(all, "src", INPUT, false, (fnas_shape){s->n, s->in, 1, 1});
    operand_add(all, "weights", INPUT, false, (fnas_shape){s->out, s->in, 1, 1});
    optional_vector(all, "bias", forward ? INPUT : ADDED, s->out, c->bias);
    operand_add(all, "dst", forward ? RESULT : INPUT, false, (fnas_shape){s->n, s->out, 1, 1});
    if (forward) return;
    operand_add(all, "diff_src", RESULT, false, (fnas_shape){s->n, s->in, 1, 1});
    operand_add(all, "diff_weights", ADDED, false, (fnas_shape){s->out, s->in, 1, 1});
}

static inline void operands_declare(operands *all, const operator_case *c, int64_t block) {
    *all = (operands){.c = c, .block = block};
    if (case_is_conv(c))
        declare_conv(all);
    else if (c->kind <= NORM_BACKWARD)
        declare_norm(all);
    else if (c->kind <= SUM)
        declare_elementwise(all);
    else if (c->kind <= GLOBAL_POOL_BACKWARD)
        declare_pool(all);
    else
        declare_matrix(all);
}

static inline void operands_declare_on(operands *all, const operator_case *c, const fnas_engine *engine) {
    operands_declare(all, c, fnas_engine_block(engine));
    all->engine = engine;
}

/* ---- memory and values ---- */

static inline size_t operand_bytes(const operands *all, const operand *o) {
    return operand_floats(all, o) * (o->blocked && operands_are_bf16(all) ? 2 : sizeof(float));
}

static inline void operands_free(operands *all) {
    for (int i = 0; i < all->count; i++) {
        fnas_free(all->list[i].fast);
        fnas_free(all->list[i].exact);
        fnas_free(all->list[i].allowed);
    }
    fnas_free(all->labels);
    fnas_free(all->plain);
    fnas_free(all->floats);
}

static inline bool operands_allocate(operands *all) {
    size_t largest = 0;
    bool complete = true;
    for (int i = 0; i < all->count; i++) {
        operand *o = &all->list[i];
        size_t size = operand_floats(all, o);
        o->fast = fnas_allocate(operand_bytes(all, o), 1);
        o->exact = fnas_allocate(size, sizeof(double));
        o->allowed = fnas_allocate(size, sizeof(double));
        complete = complete && o->fast && o->exact && o->allowed;
        largest = size > largest ? size : largest;
    }
    all->plain = fnas_allocate(largest, sizeof(float));
    all->floats = fnas_allocate(largest, sizeof(float));
    all->labels = fnas_allocate((size_t)all->c->matrix.n, sizeof(int32_t));
    return complete && all->plain && all->floats && all->labels;
}

/* Activations of a norm lie far from zero, which finds cancellation; those of a ReLU hold exact zeros. */
static inline float draw_value(const operands *all, const operand *o, int64_t index, fnas_random *random) {
    double value = 2 * fnas_random_uniform(random) - 1;
    int64_t channel = index / (o->shape.h * o->shape.w) % o->shape.c;
    operator_kind kind = all->c->kind;
    if (kind >= NORM_STATISTICS && kind <= NORM_BACKWARD && strcmp(o->name, "src") == 0) value += 20.0 * (double)(channel % 5);
    if (kind == RELU_BACKWARD && index % 7 == 0 && strcmp(o->name, "src") == 0) value = 0;
    if (kind == CROSS_ENTROPY) value *= 5;
    return (float)value;
}

/* Between the floats and the operand's own memory. */
static inline void operand_store(operands *all, operand *o) {
    if (o->blocked && all->engine)
        fnas_engine_from_floats(all->engine, operand_floats(all, o), all->floats, o->fast);
    else
        memcpy(o->fast, all->floats, operand_bytes(all, o));
}

static inline void operand_load(operands *all, const operand *o) {
    if (o->blocked && all->engine)
        fnas_engine_to_floats(all->engine, operand_floats(all, o), o->fast, all->floats);
    else
        memcpy(all->floats, o->fast, operand_bytes(all, o));
}

static inline void operand_unpack(operands *all, const operand *o) {
    operand_load(all, o);
    if (o->blocked)
        fnas_layout_unpack(all->block, o->shape, all->floats, all->plain);
    else
        memcpy(all->plain, all->floats, (size_t)operand_size(o) * sizeof(float));
}

static inline void pack_operand(operands *all, operand *o) {
    for (int64_t i = 0; i < operand_size(o); i++) all->plain[i] = (float)o->exact[i];
    if (o->blocked)
        fnas_layout_pack(all->block, o->shape, all->plain, all->floats);
    else
        memcpy(all->floats, all->plain, (size_t)operand_size(o) * sizeof(float));
    operand_store(all, o);
}

/* What a kernel of bf16 sees of an operand: activations, and the weights of a convolution, which it rounds itself. */
static inline void round_operand(operands *all, operand *o) {
    bool weights = case_is_conv(all->c) && strcmp(o->name, "weights") == 0 && o->role == INPUT;
    bool image = case_is_conv(all->c) && all->c->conv.image_source && strcmp(o->name, "src") == 0 && o->role == INPUT;
    if (!operands_are_bf16(all) || !(o->blocked || weights || image)) return;
    size_t whole = (size_t)(operand_size(o) + 15) / 16 * 16;
    for (size_t i = 0; i < whole; i++) all->plain[i] = i < (size_t)operand_size(o) ? (float)o->exact[i] : 0.0f;
    fnas_engine_from_floats(all->engine, whole, all->plain, all->floats);
    fnas_engine_to_floats(all->engine, whole, all->floats, all->plain);
    for (int64_t i = 0; i < operand_size(o); i++) o->exact[i] = (double)all->plain[i];
}

/* Statistics that norms are given are those of their source, rounded to f32 as the fast operator has them. */
static inline void fill_norm_statistics(operands *all) {
    operand *mean = &all->list[1], *variance = &all->list[2];
    fnas_ref_norm_statistics(all->c->plane, all->list[0].exact, mean->exact, variance->exact);
    for (int64_t c = 0; c < all->c->plane.c; c++) {
        mean->exact[c] = (double)(float)mean->exact[c];
        variance->exact[c] = (double)(float)variance->exact[c];
    }
}

/* Results begin as NaN: what an operator leaves out is seen. */
static inline void fill_results(operands *all, operand *o) {
    if (o->role != RESULT) return;
    for (size_t i = 0; i < operand_floats(all, o); i++) all->floats[i] = NAN;
    operand_store(all, o);
    for (int64_t i = 0; i < operand_size(o); i++) o->exact[i] = (double)NAN;
}

static inline void operands_fill(operands *all, int64_t case_index) {
    fnas_random random = fnas_random_begin(TEST_SEED, FNAS_STREAM_TEST, case_index, 0);
    for (int i = 0; i < all->count; i++)
        for (int64_t k = 0; k < operand_size(&all->list[i]); k++)
            all->list[i].exact[k] = (double)draw_value(all, &all->list[i], k, &random);
    for (int i = 0; i < all->count; i++) round_operand(all, &all->list[i]);
    for (int64_t i = 0; i < all->c->matrix.n; i++) all->labels[i] = (int32_t)fnas_random_below(&random, all->c->matrix.out);
    if (all->c->kind == NORM_FORWARD || all->c->kind == NORM_BACKWARD) fill_norm_statistics(all);
    for (int i = 0; i < all->count; i++) {
        pack_operand(all, &all->list[i]);
        fill_results(all, &all->list[i]);
    }
}

/* ---- running ---- */

static inline float *fast_of(const operands *all, int i) {
    return all->list[i].absent ? NULL : all->list[i].fast;
}

static inline fnas_status run_fast_conv(fnas_context *context, fnas_engine *engine, operands *all) {
    const operator_case *c = all->c;
    float *src = fast_of(all, 0), *weights = fast_of(all, 1), *bias = fast_of(all, 2), *dst = fast_of(all, 3);
    if (c->kind == CONV_FORWARD) return fnas_conv_forward(context, engine, &c->conv, src, weights, bias, dst);
    if (c->kind == CONV_BACKWARD_DATA) return fnas_conv_backward_data(context, engine, &c->conv, dst, weights, c->accumulate, src);
    return fnas_conv_backward_weights(context, engine, &c->conv, src, dst, weights, bias);
}

static inline void run_fast_norm(fnas_engine *engine, operands *all) {
    const operator_case *c = all->c;
    float *src = fast_of(all, 0), *mean = fast_of(all, 1), *variance = fast_of(all, 2), *gamma = fast_of(all, 3), *beta = fast_of(all, 4);
    if (c->kind == NORM_STATISTICS) {
        fnas_norm_statistics(engine, c->plane, src, mean, variance);
    } else if (c->kind == NORM_FORWARD) {
        fnas_norm_forward(engine, c->plane, EPSILON, src, mean, variance, gamma, beta, c->accumulate, fast_of(all, 5));
    } else {
        float *sums = fast_of(all, 7);
        double dot, total;
        int64_t channels = c->plane.c;
        memset(sums, 0, (size_t)(2 * channels + 2) * sizeof *sums);
        fnas_norm_backward(engine, c->plane, EPSILON, src, mean, variance, gamma, beta, fast_of(all, 5), fast_of(all, 6), sums,
                           sums + channels, &dot, &total);
        sums[2 * channels] = (float)dot;
        sums[2 * channels + 1] = (float)total;
    }
}

static inline void run_fast_elementwise(fnas_engine *engine, operands *all) {
    const operator_case *c = all->c;
    float *a = fast_of(all, 0), *b = fast_of(all, 1);
    double sum = 0;
    switch (c->kind) {
    case RELU_FORWARD:
        fnas_relu_forward(engine, c->plane, a, b);
        break;
    case RELU_BACKWARD:
        fnas_relu_backward(engine, c->plane, a, b, c->accumulate, fast_of(all, 2));
        break;
    case ADD:
        fnas_add(engine, c->plane, a, c->accumulate, b);
        break;
    case GATE_FORWARD:
        fnas_gate_forward(engine, c->plane, GATE, a, c->accumulate, b);
        break;
    case GATE_BACKWARD:
        fnas_gate_backward(engine, c->plane, GATE, a, b, c->accumulate, fast_of(all, 2), &sum);
        all->list[3].fast[0] = (float)sum;
        break;
    case DOT:
        all->list[2].fast[0] = (float)fnas_dot(engine, c->plane, a, b);
        break;
    default:
        all->list[1].fast[0] = (float)fnas_sum(engine, c->plane, a);
    }
}

static inline fnas_status run_fast_pool(fnas_context *context, fnas_engine *engine, operands *all) {
    const operator_case *c = all->c;
    float *src = fast_of(all, 0), *dst = fast_of(all, 1);
    if (c->kind == POOL_FORWARD) return fnas_average_pool_forward(context, engine, &c->pool, src, c->accumulate, dst);
    if (c->kind == POOL_BACKWARD) return fnas_average_pool_backward(context, engine, &c->pool, dst, c->accumulate, src);
    if (c->kind == GLOBAL_POOL_FORWARD)
        fnas_global_pool_forward(engine, c->plane, src, dst);
    else
        fnas_global_pool_backward(engine, c->plane, dst, c->accumulate, src);
    return FNAS_OK;
}

static inline void run_fast_matrix(fnas_engine *engine, operands *all) {
    const operator_case *c = all->c;
    const matrix_shape *s = &c->matrix;
    if (c->kind == LINEAR_FORWARD) {
        fnas_linear_forward(engine, s->n, s->in, s->out, fast_of(all, 0), fast_of(all, 1), fast_of(all, 2), fast_of(all, 3));
    } else if (c->kind == LINEAR_BACKWARD) {
        fnas_linear_backward(engine, s->n, s->in, s->out, fast_of(all, 0), fast_of(all, 1), fast_of(all, 3), fast_of(all, 4),
                             fast_of(all, 5), fast_of(all, 2));
    } else {
        double loss;
        int64_t correct;
        fnas_cross_entropy(s->n, s->out, fast_of(all, 0), all->labels, c->bias ? SMOOTHING : 0.0f, LOSS_SCALE, &loss, &correct,
                           fast_of(all, 1));
        all->list[2].fast[0] = (float)loss;
        all->list[2].fast[1] = (float)correct;
    }
}

static inline fnas_status operands_run_fast(fnas_context *context, fnas_engine *engine, operands *all) {
    const operator_case *c = all->c;
    if (case_is_conv(c)) return run_fast_conv(context, engine, all);
    if (c->kind >= POOL_FORWARD && c->kind <= GLOBAL_POOL_BACKWARD) return run_fast_pool(context, engine, all);
    if (c->kind <= NORM_BACKWARD)
        run_fast_norm(engine, all);
    else if (c->kind <= SUM)
        run_fast_elementwise(engine, all);
    else
        run_fast_matrix(engine, all);
    return FNAS_OK;
}

/* The naive twins, on any set of double operands in the order of the case's list. */
static inline void run_exact_norm(const operator_case *c, double *const x[OPERAND_CAPACITY]) {
    int64_t channels = c->plane.c;
    double epsilon = (double)EPSILON;
    if (c->kind == NORM_STATISTICS) {
        fnas_ref_norm_statistics(c->plane, x[0], x[1], x[2]);
    } else if (c->kind == NORM_FORWARD) {
        fnas_ref_norm_forward(c->plane, epsilon, x[0], x[1], x[2], x[3], x[4], c->accumulate, x[5]);
    } else {
        double *sums = x[7];
        memset(sums, 0, (size_t)(2 * channels) * sizeof *sums);
        fnas_ref_norm_backward(c->plane, epsilon, x[0], x[1], x[2], x[3], x[4], x[5], x[6], sums, sums + channels, sums + 2 * channels,
                               sums + 2 * channels + 1);
    }
}

static inline void run_exact_matrix(const operator_case *c, const int32_t *labels, double *const x[OPERAND_CAPACITY]) {
    const matrix_shape *s = &c->matrix;
    if (c->kind == LINEAR_FORWARD) {
        fnas_ref_linear_forward(s->n, s->in, s->out, x[0], x[1], x[2], x[3]);
    } else if (c->kind == LINEAR_BACKWARD) {
        fnas_ref_linear_backward(s->n, s->in, s->out, x[0], x[1], x[3], x[4], x[5], x[2]);
    } else {
        int64_t correct;
        fnas_ref_cross_entropy(s->n, s->out, x[0], labels, c->bias ? (double)SMOOTHING : 0, (double)LOSS_SCALE, x[2], &correct, x[1]);
        x[2][1] = (double)correct;
    }
}

static inline void run_exact(const operator_case *c, const int32_t *labels, double *const x[OPERAND_CAPACITY]) {
    double gate = (double)GATE, one = 1, *ones = x[0];
    switch (c->kind) {
    case CONV_FORWARD:
        fnas_ref_conv_forward(&c->conv, x[0], x[1], x[2], x[3]);
        break;
    case CONV_BACKWARD_DATA:
        fnas_ref_conv_backward_data(&c->conv, x[3], x[1], c->accumulate, x[0]);
        break;
    case CONV_BACKWARD_WEIGHTS:
        fnas_ref_conv_backward_weights(&c->conv, x[0], x[3], x[1], x[2]);
        break;
    case RELU_FORWARD:
        fnas_ref_relu_forward(c->plane, x[0], x[1]);
        break;
    case RELU_BACKWARD:
        fnas_ref_relu_backward(c->plane, x[0], x[1], c->accumulate, x[2]);
        break;
    case ADD:
        fnas_ref_add(c->plane, x[0], c->accumulate, x[1]);
        break;
    case GATE_FORWARD:
        fnas_ref_gate_forward(c->plane, gate, x[0], c->accumulate, x[1]);
        break;
    case GATE_BACKWARD:
        fnas_ref_gate_backward(c->plane, gate, x[0], x[1], c->accumulate, x[2], x[3]);
        break;
    case DOT:
    case SUM:
        *x[c->kind == DOT ? 2 : 1] = 0;
        for (int64_t i = 0; i < c->plane.n * c->plane.c * c->plane.h * c->plane.w; i++)
            *x[c->kind == DOT ? 2 : 1] += ones[i] * (c->kind == DOT ? x[1][i] : one);
        break;
    case POOL_FORWARD:
        fnas_ref_average_pool_forward(&c->pool, x[0], c->accumulate, x[1]);
        break;
    case POOL_BACKWARD:
        fnas_ref_average_pool_backward(&c->pool, x[1], c->accumulate, x[0]);
        break;
    case GLOBAL_POOL_FORWARD:
        fnas_ref_global_pool_forward(c->plane, x[0], x[1]);
        break;
    case GLOBAL_POOL_BACKWARD:
        fnas_ref_global_pool_backward(c->plane, x[1], c->accumulate, x[0]);
        break;
    case NORM_STATISTICS:
    case NORM_FORWARD:
    case NORM_BACKWARD:
        run_exact_norm(c, x);
        break;
    default:
        run_exact_matrix(c, labels, x);
    }
}

static inline void operands_run_exact(operands *all) {
    double *x[OPERAND_CAPACITY] = {NULL};
    for (int i = 0; i < all->count; i++) x[i] = all->list[i].absent ? NULL : all->list[i].exact;
    run_exact(all->c, all->labels, x);
}

/* ---- allowed errors ---- */

static inline double allowed_factor(double terms) {
    return (6 * sqrt(terms) + 4) * UNIT_ROUNDOFF;
}

/* Terms of the longest f32 sum in the result of this index. */
static inline double summed_terms(const operator_case *c, int result) {
    const fnas_conv_shape *s = &c->conv;
    double taps = (double)(s->kernel_h * s->kernel_w);
    switch (c->kind) {
    case CONV_FORWARD:
        return taps * (double)(s->in_channels / s->groups);
    case CONV_BACKWARD_DATA:
        return taps * (double)(s->out_channels / s->groups);
    case CONV_BACKWARD_WEIGHTS:
        return (double)(s->n * fnas_conv_out_h(s) * fnas_conv_out_w(s));
    case POOL_FORWARD:
    case POOL_BACKWARD:
        return (double)(c->pool.kernel * c->pool.kernel);
    case LINEAR_FORWARD:
        return (double)c->matrix.in;
    case LINEAR_BACKWARD:
        return (double)(c->matrix.out > c->matrix.n ? c->matrix.out : c->matrix.n);
    case GATE_BACKWARD:
        return result == 3 ? PARTIAL_TERMS : 1;
    case DOT:
    case SUM:
    case GLOBAL_POOL_FORWARD:
        return PARTIAL_TERMS;
    default:
        return 1;
    }
}

/* Operators that are linear in their operands: the same operator on magnitudes. */
static inline void allow_linear(operands *all) {
    double *x[OPERAND_CAPACITY] = {NULL};
    for (int i = 0; i < all->count; i++) {
        operand *o = &all->list[i];
        x[i] = o->absent ? NULL : o->allowed;
        for (int64_t k = 0; k < operand_size(o); k++) o->allowed[k] = fabs(o->exact[k]);
    }
    run_exact(all->c, all->labels, x);
    bool copies = all->c->kind == RELU_FORWARD || (!all->c->accumulate && (all->c->kind == ADD || all->c->kind == RELU_BACKWARD));
    for (int i = 0; i < all->count; i++)
        for (int64_t k = 0; k < operand_size(&all->list[i]); k++)
            all->list[i].allowed[k] *= copies ? 0 : allowed_factor(summed_terms(all->c, i));
}

/* Sums are of deviations from a pivot, the mean of the first image: |x - pivot| <= |x - mean| + |mean - pivot|. */
static inline void allow_statistics(operands *all) {
    fnas_shape s = all->c->plane;
    const double *src = all->list[0].exact;
    int64_t plane = s.h * s.w;
    for (int64_t c = 0; c < s.c; c++) {
        double pivot = 0, deviation = 0, square = 0, mean = 0, count = (double)(s.n * plane);
        for (int64_t i = 0; i < plane; i++) pivot += src[c * plane + i] / (double)plane;
        for (int64_t i = 0; i < s.n * plane; i++) {
            double x = src[(i / plane * s.c + c) * plane + i % plane];
            mean += x / count;
            deviation += fabs(x - pivot) / count;
            square += (x - pivot) * (x - pivot) / count;
        }
        all->list[1].allowed[c] = allowed_factor(PARTIAL_TERMS) * deviation + 2 * UNIT_ROUNDOFF * fabs(mean);
        /* the pivot is rounded to f32: (mean - pivot)^2 enters both the sum and what is taken from it */
        all->list[2].allowed[c] = allowed_factor(PARTIAL_TERMS) * (square + 2 * fabs(mean - pivot) * deviation) +
                                  UNIT_ROUNDOFF * UNIT_ROUNDOFF * mean * mean;
    }
}

/* dst = (src - mean) * (gamma / deviation) + beta: a handful of roundings of terms of this magnitude. */
static inline void allow_norm_forward(operands *all) {
    fnas_shape s = all->c->plane;
    const operand *list = all->list;
    for (int64_t i = 0; i < s.n * s.c * s.h * s.w; i++) {
        int64_t c = i / (s.h * s.w) % s.c;
        double scale = (all->c->bias ? fabs(list[3].exact[c]) : 1) / sqrt(list[2].exact[c] + (double)EPSILON);
        double magnitude = fabs(list[0].exact[i] - list[1].exact[c]) * scale + (all->c->bias ? fabs(list[4].exact[c]) : 0);
        if (all->c->accumulate) magnitude += fabs(list[5].exact[i]);
        list[5].allowed[i] = 4 * UNIT_ROUNDOFF * magnitude;
    }
}

typedef struct norm_magnitudes {
    double total, product, scale, inverse; /* mean |d|, mean |d * normalised|, |gamma| / deviation, 1 / deviation */
} norm_magnitudes;

static inline norm_magnitudes norm_magnitudes_of(const operands *all, int64_t c) {
    fnas_shape s = all->c->plane;
    const operand *list = all->list;
    int64_t plane = s.h * s.w;
    norm_magnitudes m = {.inverse = 1 / sqrt(list[2].exact[c] + (double)EPSILON)};
    m.scale = m.inverse * (all->c->bias ? fabs(list[3].exact[c]) : 1);
    for (int64_t i = 0; i < s.n * plane; i++) {
        int64_t at = (i / plane * s.c + c) * plane + i % plane;
        m.total += fabs(list[5].exact[at]) / (double)(s.n * plane);
        m.product += fabs(list[5].exact[at] * (list[0].exact[at] - list[1].exact[c])) * m.inverse / (double)(s.n * plane);
    }
    return m;
}

/* diff_src = (d - sum(d) / M - normalised * sum(d * normalised) / M) * gamma / deviation. */
static inline void allow_norm_backward(operands *all) {
    fnas_shape s = all->c->plane;
    operand *list = all->list;
    double *sums = list[7].allowed, count = (double)(s.n * s.h * s.w), factor = allowed_factor(PARTIAL_TERMS);
    sums[2 * s.c] = sums[2 * s.c + 1] = 0;
    for (int64_t c = 0; c < s.c; c++) {
        norm_magnitudes m = norm_magnitudes_of(all, c);
        for (int64_t i = 0; i < s.n * s.h * s.w; i++) {
            int64_t at = (i / (s.h * s.w) * s.c + c) * s.h * s.w + i % (s.h * s.w);
            double normalised = fabs(list[0].exact[at] - list[1].exact[c]) * m.inverse;
            list[6].allowed[at] = m.scale * (4 * UNIT_ROUNDOFF * fabs(list[5].exact[at]) + factor * (m.total + normalised * m.product));
        }
        sums[c] = factor * count * m.product;
        sums[s.c + c] = factor * count * m.total;
        double gamma = all->c->bias ? fabs(list[3].exact[c]) : 1, beta = all->c->bias ? fabs(list[4].exact[c]) : 0;
        sums[2 * s.c] += gamma * sums[c] + beta * sums[s.c + c];
        sums[2 * s.c + 1] += sums[s.c + c];
    }
}

/* Computed in double from f32 logits; only the results are rounded. */
static inline void allow_cross_entropy(operands *all) {
    for (int i = 1; i <= 2; i++)
        for (int64_t k = 0; k < operand_size(&all->list[i]); k++)
            all->list[i].allowed[k] = 2 * UNIT_ROUNDOFF * fabs(all->list[i].exact[k]) + 1e-9;
    all->list[2].allowed[1] = 0;
}

/* Before the exact operator has overwritten what it adds to. (Cross entropy: after, as its magnitudes are its results'.) */
static inline void operands_allow(operands *all) {
    switch (all->c->kind) {
    case NORM_STATISTICS:
        allow_statistics(all);
        break;
    case NORM_FORWARD:
        allow_norm_forward(all);
        break;
    case NORM_BACKWARD:
        allow_norm_backward(all);
        break;
    case CROSS_ENTROPY:
        break;
    default:
        allow_linear(all);
    }
}

/* What should have come out, and how far from it a result may be. */
/* Windows that overlap are added one after the other in the operand itself: what is rounded are partial sums of the magnitudes. */
static inline void allow_overlapping(operands *all) {
    operand *o = &all->list[0];
    double magnitude = 1 / allowed_factor(summed_terms(all->c, 0));
    if (!operands_are_bf16(all) || all->c->kind != POOL_BACKWARD) return;
    for (int64_t k = 0; k < operand_size(o); k++) o->allowed[k] *= 1 + 3 * BF16_ROUNDOFF * magnitude;
}

/* What storing in bf16 adds, once from what is there before and once from the result. */
static inline void allow_storing(operands *all) {
    for (int i = 0; i < all->count && operands_are_bf16(all); i++) {
        operand *o = &all->list[i];
        bool sum = o->role == ADDED;
        bool image = case_is_conv(all->c) && strcmp(o->name, "src") == 0;
        if (o->role == INPUT || !(o->blocked || image)) continue;
        for (int64_t k = 0; k < operand_size(o); k++)
            if (!isnan(o->exact[k])) o->allowed[k] += (sum ? 3 : 1) * BF16_ROUNDOFF * fabs(o->exact[k]);
    }
}

static inline void operands_compute(operands *all) {
    operands_allow(all);
    allow_overlapping(all);
    allow_storing(all);
    operands_run_exact(all);
    allow_storing(all);
    if (all->c->kind == CROSS_ENTROPY) allow_cross_entropy(all);
}

/* ---- comparing ---- */

static inline bool padding_is_zero(operands *all, const operand *o) {
    operand_load(all, o);
    int64_t blocks = (o->shape.c + all->block - 1) / all->block, plane = o->shape.h * o->shape.w;
    for (int64_t i = 0; o->blocked && i < o->shape.n * blocks * plane * all->block; i++) {
        int64_t c = i / (plane * all->block) % blocks * all->block + i % all->block;
        if (c >= o->shape.c && all->floats[i] != 0.0f) return false;
    }
    return true;
}

/* The largest error over the error allowed: above 1 where it is too large, infinite where it is NaN. */
static inline double operand_error(operands *all, const operand *o) {
    double worst = padding_is_zero(all, o) ? 0 : (double)INFINITY;
    operand_unpack(all, o);
    for (int64_t i = 0; i < operand_size(o); i++) {
        double error = fabs((double)all->plain[i] - o->exact[i]);
        double ratio = error == 0 ? 0 : error / o->allowed[i];
        if (isnan(ratio)) return (double)INFINITY;
        if (ratio > worst) worst = ratio;
    }
    return worst;
}

static inline bool operand_agrees(operands *all, const operand *o, char *message, size_t size_bytes) {
    operand_unpack(all, o);
    for (int64_t i = 0; i < operand_size(o); i++) {
        double error = fabs((double)all->plain[i] - o->exact[i]);
        if (error <= o->allowed[i]) continue;
        snprintf(message, size_bytes, "%s[%lld] is %.9g, should be %.9g, error %.3g, allowed %.3g", o->name, (long long)i,
                 (double)all->plain[i], o->exact[i], error, o->allowed[i]);
        return false;
    }
    if (padding_is_zero(all, o)) return true;
    snprintf(message, size_bytes, "padded channels of %s are not zero", o->name);
    return false;
}

/* Runs a case both ways; false with a message where they differ. */
static inline bool case_agrees(fnas_context *context, fnas_engine *engine, const operator_case *c, int64_t index, char *message,
                               size_t size_bytes) {
    operands all;
    operands_declare_on(&all, c, engine);
    bool agrees = operands_allocate(&all);
    if (!agrees) snprintf(message, size_bytes, "out of memory");
    if (agrees) {
        operands_fill(&all, index);
        if (operands_run_fast(context, engine, &all) != FNAS_OK) {
            snprintf(message, size_bytes, "%s", fnas_context_message(context));
            agrees = false;
        }
    }
    if (agrees) {
        operands_compute(&all);
        for (int i = 0; i < all.count && agrees; i++)
            if (all.list[i].role != INPUT && !all.list[i].absent) agrees = operand_agrees(&all, &all.list[i], message, size_bytes);
    }
    operands_free(&all);
    return agrees;
}

#endif
