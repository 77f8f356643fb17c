#include "device/embedding.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "device/predictor_linear.h"
#include "space/space.h"

/* Of the regression, latencies relative to their mean: deviation of a measurement, and of what each feature (at most about 1) adds. */
#define ROW_NOISE 0.05
#define COST_DEVIATION 1.0
/* Tables have stretches of rows that are half as slow again: beyond so many deviations a row counts for less (Huber 1964). */
#define ROW_HUBER 1.5
#define ROW_ROUNDS 20

void fnas_embedding_from_latency(int64_t count, const double *latency_ms, double *embedding) {
    if (count < 1) return;
    double smallest = latency_ms[0], largest = latency_ms[0];
    for (int64_t i = 1; i < count; i++) {
        if (latency_ms[i] < smallest) smallest = latency_ms[i];
        if (latency_ms[i] > largest) largest = latency_ms[i];
    }
    double range = largest - smallest;
    for (int64_t i = 0; i < count; i++) embedding[i] = range > 0.0 ? (latency_ms[i] - smallest) / range : 0.0;
}

/* ---- from rows of averages ---- */

typedef struct row_regression {
    const fnas_space *space;
    int64_t rows, columns;                                                                  /* columns: 1 and the cost features */
    double *memory, *basis, *weight, *system, *inverse, *coefficients, *workspace, *onehot; /* weight [rows] */
    int32_t (*bounds)[2], *choices;
} row_regression;

static void regression_free(row_regression *r) {
    fnas_free(r->memory);
    fnas_free(r->bounds);
    fnas_free(r->choices);
}

static fnas_status regression_allocate(fnas_context *context, row_regression *r) {
    int64_t k = r->columns, parts[] = {r->rows * k, r->rows, k * k, k * k, k, k * (k + 2), fnas_space_onehot_size(r->space)};
    double **places[] = {&r->basis, &r->weight, &r->system, &r->inverse, &r->coefficients, &r->workspace, &r->onehot};
    int64_t total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) total += parts[i];
    r->memory = fnas_allocate((size_t)total, sizeof *r->memory);
    r->bounds = fnas_allocate((size_t)k, sizeof *r->bounds);
    r->choices = fnas_allocate((size_t)fnas_space_decision_count(r->space), sizeof *r->choices);
    if (!r->memory || !r->bounds || !r->choices) return fnas_fail_memory(context, "an embedding");
    double *next = r->memory;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; next += parts[i++]) *places[i] = next;
    return FNAS_OK;
}

static void regression_basis(const row_regression *r, const int32_t *choices, double *basis) {
    basis[0] = 1;
    fnas_space_measured_features(r->space, choices, r->onehot, basis + 1);
}

static double regression_value(const row_regression *r, const double *basis) {
    double sum = 0;
    for (int64_t i = 0; i < r->columns; i++) sum += basis[i] * r->coefficients[i];
    return sum;
}

/* Into coefficients: the mean of the posterior under these weights, moved to where no cost is negative. False when the system is
 * singular. */
static bool regression_round(row_regression *r, const double *latency_ms, double unit) {
    int64_t k = r->columns;
    memset(r->system, 0, (size_t)(k * k) * sizeof *r->system);
    memset(r->inverse, 0, (size_t)(k * k) * sizeof *r->inverse);
    memset(r->coefficients, 0, (size_t)k * sizeof *r->coefficients);
    for (int64_t i = 0; i < k; i++) r->system[i * k + i] = 1 / (COST_DEVIATION * COST_DEVIATION);
    for (int64_t n = 0; n < r->rows; n++) {
        const double *row = r->basis + n * k;
        for (int64_t i = 0; i < k; i++) {
            r->coefficients[i] += r->weight[n] * row[i] * latency_ms[n] / unit;
            for (int64_t j = 0; j <= i; j++) r->system[i * k + j] += r->weight[n] * row[i] * row[j];
        }
    }
    if (!fnas_cholesky(k, r->system)) return false;
    fnas_cholesky_forward(k, r->system, r->coefficients);
    fnas_cholesky_backward(k, r->system, r->coefficients);
    for (int64_t i = 0; i < k; i++) {
        r->inverse[i * k + i] = 1;
        fnas_cholesky_forward(k, r->system, r->inverse + i * k);
        fnas_cholesky_backward(k, r->system, r->inverse + i * k);
        r->bounds[i][0] = (int32_t)i;
        r->bounds[i][1] = -1;
    }
    fnas_project_bounds(k, r->inverse, k, (const int32_t(*)[2])r->bounds, r->workspace, r->coefficients);
    return true;
}

static bool regression_solve(row_regression *r, const double *latency_ms, double unit) {
    for (int64_t n = 0; n < r->rows; n++) r->weight[n] = 1 / (ROW_NOISE * ROW_NOISE);
    for (int round = 0; round < ROW_ROUNDS; round++) {
        if (!regression_round(r, latency_ms, unit)) return false;
        for (int64_t n = 0; n < r->rows; n++) {
            double off = fabs(latency_ms[n] / unit - regression_value(r, r->basis + n * r->columns)) / ROW_NOISE;
            r->weight[n] = (off > ROW_HUBER ? ROW_HUBER / off : 1) / (ROW_NOISE * ROW_NOISE);
        }
    }
    return true;
}

static double regression_predict(row_regression *r, int64_t reference) {
    double *basis = r->basis; /* the rows are not needed any more */
    fnas_space_reference(r->space, reference, r->choices);
    regression_basis(r, r->choices, basis);
    return regression_value(r, basis);
}

fnas_status fnas_embedding_from_averages(fnas_context *context, const fnas_space *space, int64_t count, const int32_t *rows,
                                         const double *latency_ms, double *embedding) {
    row_regression r = {.space = space, .rows = count, .columns = 1 + fnas_space_cost_feature_count(space)};
    double unit = 0;
    if (count < 1 || fnas_space_reference_count(space) != count)
        return fnas_fail(context, FNAS_ERR_INPUT, "the space has no %lld reference architectures, which rows of averages need",
                         (long long)count);
    fnas_status status = regression_allocate(context, &r);
    for (int64_t n = 0; n < count && status == FNAS_OK; n++) {
        regression_basis(&r, rows + n * fnas_space_decision_count(space), r.basis + n * r.columns);
        unit += latency_ms[n] / (double)count;
    }
    if (status == FNAS_OK && !regression_solve(&r, latency_ms, unit))
        status = fnas_fail(context, FNAS_ERR_NUMERIC, "rows of averages that no regression fits: choose others");
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) embedding[i] = regression_predict(&r, i);
    if (status == FNAS_OK) fnas_embedding_from_latency(count, embedding, embedding);
    regression_free(&r);
    return status;
}
