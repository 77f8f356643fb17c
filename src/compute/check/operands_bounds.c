#include "compute/check/operands_bounds.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compute/check/operands_run.h"

#define UNIT_ROUNDOFF (1.0 / 16777216)
#define BF16_ROUNDOFF (1.0 / 256)
#define PARTIAL_TERMS 64 /* f32 terms of a partial sum in the engine's own reductions */

/* ---- allowed errors ---- */

static double allowed_factor(double terms) {
    return (6 * sqrt(terms) + 4) * UNIT_ROUNDOFF;
}

/* Terms of the longest f32 sum in the result of this index. */
static double summed_terms(const fnas_operator_case *c, int result) {
    const fnas_conv_shape *s = &c->conv;
    double taps = (double)(s->kernel_h * s->kernel_w);
    switch (c->kind) {
    case FNAS_OPERATOR_CONV_FORWARD:
        return taps * (double)(s->in_channels / s->groups);
    case FNAS_OPERATOR_CONV_BACKWARD_DATA:
        return taps * (double)(s->out_channels / s->groups);
    case FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS:
        return (double)(s->n * fnas_conv_out_h(s) * fnas_conv_out_w(s));
    case FNAS_OPERATOR_POOL_FORWARD:
    case FNAS_OPERATOR_POOL_BACKWARD:
        return (double)(c->pool.kernel * c->pool.kernel);
    case FNAS_OPERATOR_LINEAR_FORWARD:
        return (double)c->matrix.in;
    case FNAS_OPERATOR_LINEAR_BACKWARD:
        return (double)(c->matrix.out > c->matrix.n ? c->matrix.out : c->matrix.n);
    case FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD:
        return result == 4 ? PARTIAL_TERMS : 1;
    case FNAS_OPERATOR_GATE_BACKWARD:
        return result == 3 ? PARTIAL_TERMS : 1;
    case FNAS_OPERATOR_DOT:
    case FNAS_OPERATOR_SUM:
    case FNAS_OPERATOR_GLOBAL_POOL_FORWARD:
        return PARTIAL_TERMS;
    default:
        return 1;
    }
}

/* Operators that are linear in their operands: the same operator on magnitudes. */
static void allow_linear(fnas_operands *all) {
    double *x[FNAS_OPERANDS_MOST] = {NULL};
    for (int i = 0; i < all->count; i++) {
        fnas_operand *o = &all->list[i];
        x[i] = o->absent ? NULL : o->allowed;
        for (int64_t k = 0; k < fnas_operand_size(o); k++) o->allowed[k] = fabs(o->exact[k]);
    }
    fnas_case_run_exact(all->c, all->labels, x);
    bool copies = all->c->kind == FNAS_OPERATOR_RELU_FORWARD ||
                  (!all->c->accumulate && (all->c->kind == FNAS_OPERATOR_ADD || all->c->kind == FNAS_OPERATOR_RELU_BACKWARD));
    for (int i = 0; i < all->count; i++)
        for (int64_t k = 0; k < fnas_operand_size(&all->list[i]); k++)
            all->list[i].allowed[k] *= copies ? 0 : allowed_factor(summed_terms(all->c, i));
}

/* Sums are of deviations from a pivot, the mean of the first image: |x - pivot| <= |x - mean| + |mean - pivot|. */
static void allow_statistics(fnas_operands *all) {
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
static void allow_norm_forward(fnas_operands *all) {
    fnas_shape s = all->c->plane;
    const fnas_operand *list = all->list;
    for (int64_t i = 0; i < fnas_shape_elements(s); i++) {
        int64_t c = i / (s.h * s.w) % s.c;
        double scale = (all->c->bias ? fabs(list[3].exact[c]) : 1) / sqrt(list[2].exact[c] + (double)FNAS_CASE_EPSILON);
        double magnitude = fabs(list[0].exact[i] - list[1].exact[c]) * scale + (all->c->bias ? fabs(list[4].exact[c]) : 0);
        if (all->c->accumulate) magnitude += fabs(list[5].exact[i]);
        list[5].allowed[i] = 4 * UNIT_ROUNDOFF * magnitude;
    }
}

typedef struct norm_magnitudes {
    double total, product, scale, inverse; /* mean |d|, mean |d * normalised|, |gamma| / deviation, 1 / deviation */
} norm_magnitudes;

static norm_magnitudes norm_magnitudes_of(const fnas_operands *all, int64_t c) {
    fnas_shape s = all->c->plane;
    const fnas_operand *list = all->list;
    int64_t plane = s.h * s.w;
    norm_magnitudes m = {.inverse = 1 / sqrt(list[2].exact[c] + (double)FNAS_CASE_EPSILON)};
    m.scale = m.inverse * (all->c->bias ? fabs(list[3].exact[c]) : 1);
    for (int64_t i = 0; i < s.n * plane; i++) {
        int64_t at = (i / plane * s.c + c) * plane + i % plane;
        m.total += fabs(list[5].exact[at]) / (double)(s.n * plane);
        m.product += fabs(list[5].exact[at] * (list[0].exact[at] - list[1].exact[c])) * m.inverse / (double)(s.n * plane);
    }
    return m;
}

/* diff_src = (d - sum(d) / M - normalised * sum(d * normalised) / M) * gamma / deviation. */
static void allow_norm_backward(fnas_operands *all) {
    fnas_shape s = all->c->plane;
    fnas_operand *list = all->list;
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
static void allow_cross_entropy(fnas_operands *all) {
    for (int i = 1; i <= 2; i++)
        for (int64_t k = 0; k < fnas_operand_size(&all->list[i]); k++)
            all->list[i].allowed[k] = 2 * UNIT_ROUNDOFF * fabs(all->list[i].exact[k]) + 1e-9;
    all->list[2].allowed[1] = 0;
}

/* Before the exact operator has overwritten what it adds to. (Cross entropy: after, as its magnitudes are its results'.) */
static void operands_allow(fnas_operands *all) {
    switch (all->c->kind) {
    case FNAS_OPERATOR_NORM_STATISTICS:
        allow_statistics(all);
        break;
    case FNAS_OPERATOR_NORM_FORWARD:
        allow_norm_forward(all);
        break;
    case FNAS_OPERATOR_NORM_BACKWARD:
        allow_norm_backward(all);
        break;
    case FNAS_OPERATOR_CROSS_ENTROPY:
        break;
    default:
        allow_linear(all);
    }
}

/* Windows that overlap are added one after the other in the operand itself: what is rounded are partial sums of the magnitudes. */
static void allow_overlapping(fnas_operands *all) {
    fnas_operand *o = &all->list[0];
    double magnitude = 1 / allowed_factor(summed_terms(all->c, 0));
    if (!fnas_operands_are_bf16(all) || all->c->kind != FNAS_OPERATOR_POOL_BACKWARD) return;
    for (int64_t k = 0; k < fnas_operand_size(o); k++) o->allowed[k] *= 1 + 3 * BF16_ROUNDOFF * magnitude;
}

/* What storing in bf16 adds, once from what is there before and once from the result. */
static void allow_storing(fnas_operands *all) {
    for (int i = 0; i < all->count && fnas_operands_are_bf16(all); i++) {
        fnas_operand *o = &all->list[i];
        bool sum = o->role == FNAS_OPERAND_ADDED;
        bool image = fnas_case_is_conv(all->c) && strcmp(o->name, "src") == 0;
        if (o->role == FNAS_OPERAND_INPUT || !(o->blocked || image)) continue;
        for (int64_t k = 0; k < fnas_operand_size(o); k++)
            if (!isnan(o->exact[k])) o->allowed[k] += (sum ? 3 : 1) * BF16_ROUNDOFF * fabs(o->exact[k]);
    }
}

void fnas_operands_compute(fnas_operands *all) {
    operands_allow(all);
    allow_overlapping(all);
    allow_storing(all);
    fnas_operands_run_exact(all);
    allow_storing(all);
    if (all->c->kind == FNAS_OPERATOR_CROSS_ENTROPY) allow_cross_entropy(all);
}

/* ---- comparing ---- */

static bool padding_is_zero(fnas_operands *all, const fnas_operand *o) {
    fnas_operand_load(all, o);
    int64_t blocks = (o->shape.c + all->block - 1) / all->block, plane = o->shape.h * o->shape.w;
    for (int64_t i = 0; o->blocked && i < o->shape.n * blocks * plane * all->block; i++) {
        int64_t c = i / (plane * all->block) % blocks * all->block + i % all->block;
        if (c >= o->shape.c && all->floats[i] != 0.0f) return false;
    }
    return true;
}

double fnas_operand_error(fnas_operands *all, const fnas_operand *o) {
    double worst = padding_is_zero(all, o) ? 0 : (double)INFINITY;
    fnas_operand_unpack(all, o);
    for (int64_t i = 0; i < fnas_operand_size(o); i++) {
        double error = fabs((double)all->plain[i] - o->exact[i]);
        double ratio = error == 0 ? 0 : error / o->allowed[i];
        if (isnan(ratio)) return (double)INFINITY;
        if (ratio > worst) worst = ratio;
    }
    return worst;
}

static bool operand_agrees(fnas_operands *all, const fnas_operand *o, char *message, size_t size_bytes) {
    fnas_operand_unpack(all, o);
    for (int64_t i = 0; i < fnas_operand_size(o); i++) {
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

bool fnas_case_agrees(fnas_context *context, fnas_engine *engine, const fnas_operator_case *c, int64_t index, char *message,
                      size_t size_bytes) {
    fnas_operands all;
    fnas_operands_declare_on(&all, c, engine);
    bool agrees = fnas_operands_allocate(&all);
    if (!agrees) snprintf(message, size_bytes, "out of memory");
    if (agrees) {
        fnas_operands_fill(&all, index);
        if (fnas_operands_run_fast(context, engine, &all) != FNAS_OK) {
            snprintf(message, size_bytes, "%s", fnas_context_message(context));
            agrees = false;
        }
    }
    if (agrees) {
        fnas_operands_compute(&all);
        for (int i = 0; i < all.count && agrees; i++)
            if (all.list[i].role != FNAS_OPERAND_INPUT && !all.list[i].absent)
                agrees = operand_agrees(&all, &all.list[i], message, size_bytes);
    }
    fnas_operands_free(&all);
    return agrees;
}
