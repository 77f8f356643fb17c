#include "compute/check/operands_run.h"

#include <string.h>

#include "compute/reference.h"

#define GATE 0.75f
#define SMOOTHING 0.1f

/* ---- the fast operators ---- */

static float *fast_of(const fnas_operands *all, int i) {
    return all->list[i].absent ? NULL : all->list[i].fast;
}

static fnas_status run_fast_conv(fnas_context *context, fnas_engine *engine, fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    float *src = fast_of(all, 0), *weights = fast_of(all, 1), *bias = fast_of(all, 2), *dst = fast_of(all, 3);
    if (c->kind == FNAS_OPERATOR_CONV_FORWARD) return fnas_conv_forward(context, engine, &c->conv, src, weights, bias, dst);
    if (c->kind == FNAS_OPERATOR_CONV_BACKWARD_DATA)
        return fnas_conv_backward_data(context, engine, &c->conv, dst, weights, c->accumulate, src);
    return fnas_conv_backward_weights(context, engine, &c->conv, src, dst, weights, bias);
}

static void run_fast_norm(fnas_engine *engine, fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    float *src = fast_of(all, 0), *mean = fast_of(all, 1), *variance = fast_of(all, 2), *gamma = fast_of(all, 3), *beta = fast_of(all, 4);
    if (c->kind == FNAS_OPERATOR_NORM_STATISTICS) {
        fnas_norm_statistics(engine, c->plane, src, mean, variance);
    } else if (c->kind == FNAS_OPERATOR_NORM_FORWARD) {
        fnas_norm_forward(engine, c->plane, FNAS_CASE_EPSILON, src, mean, variance, gamma, beta, c->accumulate, fast_of(all, 5));
    } else {
        float *sums = fast_of(all, 7);
        double dot, total;
        int64_t channels = c->plane.c;
        memset(sums, 0, (size_t)(2 * channels + 2) * sizeof *sums);
        fnas_norm_backward(engine, c->plane, FNAS_CASE_EPSILON, src, mean, variance, gamma, beta, fast_of(all, 5), fast_of(all, 6), sums,
                           sums + channels, &dot, &total);
        sums[2 * channels] = (float)dot;
        sums[2 * channels + 1] = (float)total;
    }
}

static void run_fast_channel_scale_backward(fnas_engine *engine, fnas_operands *all) {
    bool accumulate = all->c->accumulate;
    const fnas_channel_scale_gradients wanted = {fast_of(all, 3), fast_of(all, 4), accumulate, accumulate};
    fnas_channel_scale_backward(engine, all->c->plane, fast_of(all, 0), fast_of(all, 1), fast_of(all, 2), &wanted);
}

static void run_fast_elementwise(fnas_engine *engine, fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    float *a = fast_of(all, 0), *b = fast_of(all, 1);
    double sum = 0;
    switch (c->kind) {
    case FNAS_OPERATOR_RELU_FORWARD:
        fnas_relu_forward(engine, c->plane, a, b);
        break;
    case FNAS_OPERATOR_RELU_BACKWARD:
        fnas_relu_backward(engine, c->plane, a, b, c->accumulate, fast_of(all, 2));
        break;
    case FNAS_OPERATOR_HARD_SWISH_FORWARD:
        fnas_hard_swish_forward(engine, c->plane, a, b);
        break;
    case FNAS_OPERATOR_HARD_SWISH_BACKWARD:
        fnas_hard_swish_backward(engine, c->plane, a, b, c->accumulate, fast_of(all, 2));
        break;
    case FNAS_OPERATOR_CHANNEL_SCALE_FORWARD:
        fnas_channel_scale_forward(engine, c->plane, a, b, fast_of(all, 2));
        break;
    case FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD:
        run_fast_channel_scale_backward(engine, all);
        break;
    case FNAS_OPERATOR_ADD:
        fnas_add(engine, c->plane, a, c->accumulate, b);
        break;
    case FNAS_OPERATOR_GATE_FORWARD:
        fnas_gate_forward(engine, c->plane, GATE, a, c->accumulate, b);
        break;
    case FNAS_OPERATOR_GATE_BACKWARD:
        fnas_gate_backward(engine, c->plane, GATE, a, b, c->accumulate, fast_of(all, 2), &sum);
        all->list[3].fast[0] = (float)sum;
        break;
    case FNAS_OPERATOR_DOT:
        all->list[2].fast[0] = (float)fnas_dot(engine, c->plane, a, b);
        break;
    default:
        all->list[1].fast[0] = (float)fnas_sum(engine, c->plane, a);
    }
}

static fnas_status run_fast_pool(fnas_context *context, fnas_engine *engine, fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    float *src = fast_of(all, 0), *dst = fast_of(all, 1);
    if (c->kind == FNAS_OPERATOR_POOL_FORWARD) return fnas_average_pool_forward(context, engine, &c->pool, src, c->accumulate, dst);
    if (c->kind == FNAS_OPERATOR_POOL_BACKWARD) return fnas_average_pool_backward(context, engine, &c->pool, dst, c->accumulate, src);
    if (c->kind == FNAS_OPERATOR_GLOBAL_POOL_FORWARD)
        fnas_global_pool_forward(engine, c->plane, src, dst);
    else
        fnas_global_pool_backward(engine, c->plane, dst, c->accumulate, src);
    return FNAS_OK;
}

static void run_fast_matrix(fnas_engine *engine, fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    const fnas_matrix_shape *s = &c->matrix;
    if (c->kind == FNAS_OPERATOR_LINEAR_FORWARD) {
        fnas_linear_forward(engine, s->n, s->in, s->out, fast_of(all, 0), fast_of(all, 1), fast_of(all, 2), fast_of(all, 3));
    } else if (c->kind == FNAS_OPERATOR_LINEAR_BACKWARD) {
        fnas_linear_backward(engine, s->n, s->in, s->out, fast_of(all, 0), fast_of(all, 1), fast_of(all, 3), fast_of(all, 4),
                             fast_of(all, 5), fast_of(all, 2));
    } else {
        double loss;
        int64_t correct;
        fnas_cross_entropy(s->n, s->out, fast_of(all, 0), all->labels, c->bias ? SMOOTHING : 0.0f, FNAS_CASE_LOSS_SCALE, &loss, &correct,
                           fast_of(all, 1));
        all->list[2].fast[0] = (float)loss;
        all->list[2].fast[1] = (float)correct;
    }
}

fnas_status fnas_operands_run_fast(fnas_context *context, fnas_engine *engine, fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    if (fnas_case_is_conv(c)) return run_fast_conv(context, engine, all);
    if (c->kind >= FNAS_OPERATOR_POOL_FORWARD && c->kind <= FNAS_OPERATOR_GLOBAL_POOL_BACKWARD) return run_fast_pool(context, engine, all);
    if (c->kind <= FNAS_OPERATOR_NORM_BACKWARD)
        run_fast_norm(engine, all);
    else if (c->kind <= FNAS_OPERATOR_SUM)
        run_fast_elementwise(engine, all);
    else
        run_fast_matrix(engine, all);
    return FNAS_OK;
}

/* ---- their naive twins ---- */

static void run_exact_norm(const fnas_operator_case *c, double *const x[FNAS_OPERANDS_MOST]) {
    int64_t channels = c->plane.c;
    double epsilon = (double)FNAS_CASE_EPSILON;
    if (c->kind == FNAS_OPERATOR_NORM_STATISTICS) {
        fnas_ref_norm_statistics(c->plane, x[0], x[1], x[2]);
    } else if (c->kind == FNAS_OPERATOR_NORM_FORWARD) {
        fnas_ref_norm_forward(c->plane, epsilon, x[0], x[1], x[2], x[3], x[4], c->accumulate, x[5]);
    } else {
        double *sums = x[7];
        memset(sums, 0, (size_t)(2 * channels) * sizeof *sums);
        fnas_ref_norm_backward(c->plane, epsilon, x[0], x[1], x[2], x[3], x[4], x[5], x[6], sums, sums + channels, sums + 2 * channels,
                               sums + 2 * channels + 1);
    }
}

static void run_exact_matrix(const fnas_operator_case *c, const int32_t *labels, double *const x[FNAS_OPERANDS_MOST]) {
    const fnas_matrix_shape *s = &c->matrix;
    if (c->kind == FNAS_OPERATOR_LINEAR_FORWARD) {
        fnas_ref_linear_forward(s->n, s->in, s->out, x[0], x[1], x[2], x[3]);
    } else if (c->kind == FNAS_OPERATOR_LINEAR_BACKWARD) {
        fnas_ref_linear_backward(s->n, s->in, s->out, x[0], x[1], x[3], x[4], x[5], x[2]);
    } else {
        int64_t correct;
        fnas_ref_cross_entropy(s->n, s->out, x[0], labels, c->bias ? (double)SMOOTHING : 0, (double)FNAS_CASE_LOSS_SCALE, x[2], &correct,
                               x[1]);
        x[2][1] = (double)correct;
    }
}

void fnas_case_run_exact(const fnas_operator_case *c, const int32_t *labels, double *const x[FNAS_OPERANDS_MOST]) {
    double gate = (double)GATE, one = 1, *ones = x[0];
    switch (c->kind) {
    case FNAS_OPERATOR_CONV_FORWARD:
        fnas_ref_conv_forward(&c->conv, x[0], x[1], x[2], x[3]);
        break;
    case FNAS_OPERATOR_CONV_BACKWARD_DATA:
        fnas_ref_conv_backward_data(&c->conv, x[3], x[1], c->accumulate, x[0]);
        break;
    case FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS:
        fnas_ref_conv_backward_weights(&c->conv, x[0], x[3], x[1], x[2]);
        break;
    case FNAS_OPERATOR_RELU_FORWARD:
        fnas_ref_relu_forward(c->plane, x[0], x[1]);
        break;
    case FNAS_OPERATOR_RELU_BACKWARD:
        fnas_ref_relu_backward(c->plane, x[0], x[1], c->accumulate, x[2]);
        break;
    case FNAS_OPERATOR_HARD_SWISH_FORWARD:
        fnas_ref_activation_forward(FNAS_ACTIVATION_HARD_SWISH, fnas_shape_elements(c->plane), x[0], x[1]);
        break;
    case FNAS_OPERATOR_HARD_SWISH_BACKWARD:
        fnas_ref_activation_backward(FNAS_ACTIVATION_HARD_SWISH, fnas_shape_elements(c->plane), x[0], x[1], c->accumulate, x[2]);
        break;
    case FNAS_OPERATOR_CHANNEL_SCALE_FORWARD:
        fnas_ref_channel_scale_forward(c->plane, x[0], x[1], x[2]);
        break;
    case FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD:
        if (!c->accumulate) memset(x[3], 0, (size_t)fnas_shape_elements(c->plane) * sizeof *x[3]);
        if (!c->accumulate) memset(x[4], 0, (size_t)(c->plane.n * c->plane.c) * sizeof *x[4]);
        fnas_ref_channel_scale_backward(c->plane, x[0], x[1], x[2], x[3], x[4]);
        break;
    case FNAS_OPERATOR_ADD:
        fnas_ref_add(c->plane, x[0], c->accumulate, x[1]);
        break;
    case FNAS_OPERATOR_GATE_FORWARD:
        fnas_ref_gate_forward(c->plane, gate, x[0], c->accumulate, x[1]);
        break;
    case FNAS_OPERATOR_GATE_BACKWARD:
        fnas_ref_gate_backward(c->plane, gate, x[0], x[1], c->accumulate, x[2], x[3]);
        break;
    case FNAS_OPERATOR_DOT:
    case FNAS_OPERATOR_SUM:
        *x[c->kind == FNAS_OPERATOR_DOT ? 2 : 1] = 0;
        for (int64_t i = 0; i < fnas_shape_elements(c->plane); i++)
            *x[c->kind == FNAS_OPERATOR_DOT ? 2 : 1] += ones[i] * (c->kind == FNAS_OPERATOR_DOT ? x[1][i] : one);
        break;
    case FNAS_OPERATOR_POOL_FORWARD:
        fnas_ref_average_pool_forward(&c->pool, x[0], c->accumulate, x[1]);
        break;
    case FNAS_OPERATOR_POOL_BACKWARD:
        fnas_ref_average_pool_backward(&c->pool, x[1], c->accumulate, x[0]);
        break;
    case FNAS_OPERATOR_GLOBAL_POOL_FORWARD:
        fnas_ref_global_pool_forward(c->plane, x[0], x[1]);
        break;
    case FNAS_OPERATOR_GLOBAL_POOL_BACKWARD:
        fnas_ref_global_pool_backward(c->plane, x[1], c->accumulate, x[0]);
        break;
    case FNAS_OPERATOR_NORM_STATISTICS:
    case FNAS_OPERATOR_NORM_FORWARD:
    case FNAS_OPERATOR_NORM_BACKWARD:
        run_exact_norm(c, x);
        break;
    default:
        run_exact_matrix(c, labels, x);
    }
}

void fnas_operands_run_exact(fnas_operands *all) {
    double *x[FNAS_OPERANDS_MOST] = {NULL};
    for (int i = 0; i < all->count; i++) x[i] = all->list[i].absent ? NULL : all->list[i].exact;
    fnas_case_run_exact(all->c, all->labels, x);
}
