#include "bench/operator.h"

#include <math.h>
#include <stdio.h>

#include "bench/measure.h"
#include "compute/check/operands.h"
#include "compute/check/operands_bounds.h"
#include "compute/check/operands_run.h"

int64_t fnas_problem_padding(const fnas_problem *problem) {
    return fnas_problem_is(problem, "padding", "half") ? fnas_problem_count(problem, "kernel") / 2 : fnas_problem_count(problem, "padding");
}

fnas_compute_type fnas_problem_type(const fnas_problem *problem) {
    return fnas_problem_is(problem, "precision", "bf16") ? FNAS_COMPUTE_BF16 : FNAS_COMPUTE_F32;
}

fnas_status fnas_problem_check_type(fnas_context *context, const fnas_problem *problem) {
    if (fnas_engine_supports(fnas_problem_type(problem))) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "problem %s: no bf16 on this processor or in this build: leave out precision=bf16",
                     problem->family->name);
}

/* ---- work ---- */

static double case_products(const fnas_operator_case *c) {
    const fnas_conv_shape *s = &c->conv;
    if (fnas_case_is_conv(c))
        return (double)(s->n * s->out_channels) * (double)(fnas_conv_out_h(s) * fnas_conv_out_w(s)) *
               (double)(s->in_channels / s->groups * s->kernel_h * s->kernel_w);
    double products = (double)c->matrix.n * (double)c->matrix.in * (double)c->matrix.out;
    return c->kind == FNAS_OPERATOR_LINEAR_FORWARD ? products : c->kind == FNAS_OPERATOR_LINEAR_BACKWARD ? 2 * products : 0;
}

/* Inputs are read, results written, sums both. */
static double case_bytes(const fnas_operands *all) {
    double bytes = 0;
    for (int i = 0; i < all->count; i++)
        if (!all->list[i].absent)
            bytes += (all->list[i].role == FNAS_OPERAND_ADDED ? 2.0 : 1.0) * (double)fnas_operand_bytes(all, &all->list[i]);
    return bytes;
}

/* ---- checking ---- */

/* The naive operators manage so many products in a second or two: a larger batch is checked by its first images. */
#define CHECK_PRODUCTS 1e9
#define QUICK_PRODUCTS 1e7

static int64_t *case_images(fnas_operator_case *c) {
    return fnas_case_is_conv(c) ? &c->conv.n : fnas_case_is_pool(c) ? &c->pool.n : fnas_case_is_matrix(c) ? &c->matrix.n : &c->plane.n;
}

static fnas_operator_case smaller_case(const fnas_operator_case *c, double products) {
    fnas_operator_case smaller = *c;
    int64_t *images = case_images(&smaller);
    double most = floor((double)*images * products / fmax(case_products(c), 1));
    if (most < (double)*images) *images = most < 1 ? 1 : (int64_t)most;
    return smaller;
}

static double largest_error(fnas_operands *all) {
    double worst = 0;
    fnas_operands_compute(all);
    for (int i = 0; i < all->count; i++) {
        if (all->list[i].role == FNAS_OPERAND_INPUT || all->list[i].absent) continue;
        worst = fmax(worst, fnas_operand_error(all, &all->list[i]));
    }
    return worst;
}

/* With a state of its own, so that the timed operands are fresh. */
static fnas_status check_case(fnas_bench *bench, fnas_engine *engine, const fnas_operator_case *c, fnas_row *row) {
    fnas_operands all;
    fnas_operator_case checked = smaller_case(c, bench->options->quick ? QUICK_PRODUCTS : CHECK_PRODUCTS);
    fnas_operands_declare_on(&all, &checked, engine);
    fnas_status status = fnas_operands_allocate(&all) ? FNAS_OK : fnas_fail_memory(bench->context, "the check of an operator");
    if (status == FNAS_OK) {
        fnas_operands_fill(&all, (int64_t)(bench->options->seed & INT32_MAX));
        status = fnas_operands_run_fast(bench->context, engine, &all);
    }
    if (status == FNAS_OK) row->error = largest_error(&all);
    fnas_operands_free(&all);
    if (status != FNAS_OK || row->error <= 1) return status;
    return fnas_fail(bench->context, FNAS_ERR_NUMERIC, "%s: differs from the naive operator by %.3g times what is allowed", row->problem,
                     row->error);
}

/* ---- timing ---- */

typedef struct timed_case {
    fnas_engine *engine;
    fnas_operands operands;
} timed_case;

static fnas_status run_again(fnas_context *context, void *user) {
    timed_case *timed = user;
    return fnas_operands_run_fast(context, timed->engine, &timed->operands);
}

static fnas_status name_kernel(fnas_bench *bench, fnas_engine *engine, const fnas_operator_case *c, fnas_row *row) {
    const char *name = "";
    if (!fnas_case_is_conv(c)) return FNAS_OK;
    FNAS_TRY(fnas_conv_implementation(bench->context, engine, &c->conv, (fnas_conv_kind)c->kind, &name));
    snprintf(row->kernel, sizeof row->kernel, "%s", name);
    return FNAS_OK;
}

static fnas_status time_case(fnas_bench *bench, fnas_engine *engine, const fnas_operator_case *c, fnas_row *row) {
    timed_case timed = {.engine = engine};
    fnas_operands_declare_on(&timed.operands, c, engine);
    fnas_status status = fnas_operands_allocate(&timed.operands) ? FNAS_OK : fnas_fail_memory(bench->context, "an operator");
    if (status == FNAS_OK) {
        fnas_operands_fill(&timed.operands, (int64_t)(bench->options->seed & INT32_MAX));
        row->flops = 2 * case_products(c);
        row->bytes = case_bytes(&timed.operands);
        status = fnas_measure(bench, run_again, &timed, row);
    }
    fnas_operands_free(&timed.operands);
    return status == FNAS_OK ? name_kernel(bench, engine, c, row) : status;
}

fnas_status fnas_bench_operator(fnas_bench *bench, const fnas_problem *problem, const fnas_operator_case *which) {
    fnas_row row;
    fnas_engine *engine = NULL;
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_compute_type type = fnas_problem_type(problem);
    row.precision = fnas_compute_type_name(type);
    fnas_status status = fnas_engine_create(bench->context, type, &engine);
    if (status == FNAS_OK) status = check_case(bench, engine, which, &row);
    if (status == FNAS_OK) status = time_case(bench, engine, which, &row);
    if (engine) fnas_engine_destroy(engine);
    return fnas_bench_end(bench, status, &row);
}
