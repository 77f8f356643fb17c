#include "estimate/gaussian_process.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "compute/engine.h"
#include "estimate/gaussian_process_internal.h"

#define PREDICT_BLOCK 1024 /* points at a time */

/* ---- correlation ---- */

double fnas_gp_correlation(fnas_gp_kernel kernel, double squared) {
    if (kernel == FNAS_GP_RBF) return exp(-0.5 * squared);
    double d = sqrt(5 * squared);
    return (1 + d + d * d / 3) * exp(-d);
}

double fnas_gp_correlation_slope(fnas_gp_kernel kernel, double squared) {
    if (kernel == FNAS_GP_RBF) return -0.5 * exp(-0.5 * squared);
    double d = sqrt(5 * squared);
    return -5.0 / 6 * (1 + d) * exp(-d);
}

void fnas_gp_scale(const fnas_gp *gp, const double *length, int64_t count, const double *features, double *scaled, double *norms) {
    for (int64_t i = 0; i < count; i++) {
        norms[i] = 0;
        for (int64_t f = 0; f < gp->features; f++) {
            double value = features[i * gp->features + f] / length[gp->length_of[f]];
            scaled[i * gp->features + f] = value;
            norms[i] += value * value;
        }
    }
}

/* ---- life ---- */

void fnas_gp_free(fnas_gp *gp) {
    if (!gp) return;
    fnas_free(gp->length_of);
    fnas_free(gp->length);
    fnas_free(gp->mean);
    fnas_free(gp->square);
    fnas_free(gp->x);
    fnas_free(gp->scaled);
    fnas_free(gp->norms);
    fnas_free(gp->y);
    fnas_free(gp->factor);
    fnas_free(gp->ones);
    fnas_free(gp->whitened);
    fnas_free(gp);
}

static bool allocate(fnas_gp *gp) {
    size_t n = (size_t)gp->capacity, f = (size_t)gp->features, t = (size_t)gp->outputs;
    gp->length_of = fnas_allocate(f, sizeof *gp->length_of);
    gp->length = fnas_allocate((size_t)gp->lengths, sizeof(double));
    gp->mean = fnas_allocate(t, sizeof(double));
    gp->square = fnas_allocate(t, sizeof(double));
    gp->x = fnas_allocate(n * f, sizeof(double));
    gp->scaled = fnas_allocate(n * f, sizeof(double));
    gp->norms = fnas_allocate(n, sizeof(double));
    gp->y = fnas_allocate(t * n, sizeof(double));
    gp->factor = fnas_allocate(n * n, sizeof(double));
    gp->ones = fnas_allocate(n, sizeof(double));
    gp->whitened = fnas_allocate(t * n, sizeof(double));
    return gp->length_of && gp->length && gp->mean && gp->square && gp->x && gp->scaled && gp->norms && gp->y && gp->factor && gp->ones &&
           gp->whitened;
}

fnas_status fnas_gp_create(fnas_context *context, const fnas_gp_shape *shape, fnas_gp **gp) {
    *gp = NULL;
    if (shape->capacity < 1 || shape->capacity > FNAS_GP_OBSERVATIONS_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "a Gaussian process of %lld observations: possible are 1 to %d",
                         (long long)shape->capacity, FNAS_GP_OBSERVATIONS_MAX);
    fnas_engine_limit_blas();
    fnas_gp *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "a Gaussian process");
    *made = (fnas_gp){.kernel = shape->kernel,
                      .capacity = shape->capacity,
                      .features = shape->features,
                      .outputs = shape->outputs,
                      .lengths = shape->lengths,
                      .noise = FNAS_GP_NOISE_USUAL};
    if (!allocate(made)) {
        fnas_gp_free(made);
        return fnas_fail_memory(context, "a Gaussian process");
    }
    for (int64_t f = 0; f < made->features; f++) made->length_of[f] = shape->length_of ? shape->length_of[f] : 0;
    for (int64_t g = 0; g < made->lengths; g++) made->length[g] = 1;
    *gp = made;
    return FNAS_OK;
}

/* ---- observations ---- */

/* mean_t = 1' R^-1 y / 1' R^-1 1, scale_t^2 = (y - mean)' R^-1 (y - mean) / n. */
static void estimate(fnas_gp *gp) {
    double own = cblas_ddot((blasint)gp->count, gp->ones, 1, gp->ones, 1);
    for (int64_t t = 0; t < gp->outputs; t++) {
        const double *whitened = gp->whitened + t * gp->capacity;
        gp->mean[t] = cblas_ddot((blasint)gp->count, gp->ones, 1, whitened, 1) / own;
        double sum = 0;
        for (int64_t i = 0; i < gp->count; i++) {
            double rest = whitened[i] - gp->mean[t] * gp->ones[i];
            sum += rest * rest;
        }
        gp->square[t] = sum / (double)gp->count;
    }
}

/* The factor's row of observation i: what the earlier ones foretell of it, and what is left on the diagonal (Rasmussen and Williams 2006,
 * appendix A.3). */
static void append_factor_row(fnas_gp *gp, int64_t i) {
    double *row = gp->factor + i * gp->capacity;
    const double *own = gp->scaled + i * gp->features;
    for (int64_t j = 0; j < i; j++) {
        double product = cblas_ddot((blasint)gp->features, own, 1, gp->scaled + j * gp->features, 1);
        row[j] = fnas_gp_correlation(gp->kernel, fnas_gp_squared_distance(gp->norms[i], gp->norms[j], product));
    }
    if (i > 0) cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)i, gp->factor, (blasint)gp->capacity, row, 1);
    double left = 1 + gp->noise - cblas_ddot((blasint)i, row, 1, row, 1);
    row[i] = sqrt(fmax(left, gp->noise)); /* less than the noise is rounding */
}

/* (value - row . solved) / diagonal: the next entry of L^-1 v. */
static double solve_next(const fnas_gp *gp, int64_t i, double value, const double *solved) {
    const double *row = gp->factor + i * gp->capacity;
    return (value - cblas_ddot((blasint)i, row, 1, solved, 1)) / row[i];
}

static bool all_finite(int64_t count, const double *values) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

fnas_status fnas_gp_add(fnas_context *context, fnas_gp *gp, const double *features, const double *targets) {
    int64_t i = gp->count;
    if (i >= gp->capacity)
        return fnas_fail(context, FNAS_ERR_INPUT, "a Gaussian process made for %lld observations has them all", (long long)gp->capacity);
    if (!all_finite(gp->features, features) || !all_finite(gp->outputs, targets))
        return fnas_fail(context, FNAS_ERR_INPUT, "observation %lld of a Gaussian process is not finite", (long long)i + 1);
    memcpy(gp->x + i * gp->features, features, (size_t)gp->features * sizeof *features);
    fnas_gp_scale(gp, gp->length, 1, features, gp->scaled + i * gp->features, gp->norms + i);
    append_factor_row(gp, i);
    gp->ones[i] = solve_next(gp, i, 1, gp->ones);
    for (int64_t t = 0; t < gp->outputs; t++) {
        gp->y[t * gp->capacity + i] = targets[t];
        gp->whitened[t * gp->capacity + i] = solve_next(gp, i, targets[t], gp->whitened + t * gp->capacity);
    }
    gp->count++;
    estimate(gp);
    return FNAS_OK;
}

/* ---- factorising anew ---- */

static void fill_correlations(const fnas_gp *gp) {
    blasint n = (blasint)gp->count, ld = (blasint)gp->capacity, features = (blasint)gp->features;
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, features, 1, gp->scaled, features, 0, gp->factor, ld);
    for (int64_t i = 0; i < gp->count; i++) {
        double *row = gp->factor + i * gp->capacity;
        for (int64_t j = 0; j < i; j++)
            row[j] = fnas_gp_correlation(gp->kernel, fnas_gp_squared_distance(gp->norms[i], gp->norms[j], row[j]));
        row[i] = 1 + gp->noise;
    }
}

fnas_status fnas_gp_factorise(fnas_context *context, fnas_gp *gp) {
    blasint n = (blasint)gp->count, ld = (blasint)gp->capacity;
    fnas_gp_scale(gp, gp->length, gp->count, gp->x, gp->scaled, gp->norms);
    fill_correlations(gp);
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, gp->factor, ld) != 0)
        return fnas_fail(context, FNAS_ERR_NUMERIC, "the covariance of %lld observations of a Gaussian process is not positive definite",
                         (long long)gp->count);
    for (int64_t i = 0; i < gp->count; i++) gp->ones[i] = 1;
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, n, gp->factor, ld, gp->ones, 1);
    for (int64_t t = 0; t < gp->outputs; t++) {
        double *whitened = gp->whitened + t * gp->capacity;
        memcpy(whitened, gp->y + t * gp->capacity, (size_t)gp->count * sizeof *whitened);
        cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, n, gp->factor, ld, whitened, 1);
    }
    estimate(gp);
    gp->fits++;
    return FNAS_OK;
}

/* ---- the pool ---- */

void fnas_gp_pool_free(fnas_gp_pool *pool) {
    if (!pool) return;
    fnas_free(pool->scaled);
    fnas_free(pool->norms);
    fnas_free(pool->rows);
    fnas_free(pool->explained);
    fnas_free(pool->trend);
    fnas_free(pool->projected);
    fnas_free(pool);
}

static bool pool_allocate(fnas_gp_pool *pool, int64_t rows) {
    const fnas_gp *gp = pool->gp;
    size_t count = (size_t)pool->count;
    pool->scaled = fnas_allocate(count * (size_t)gp->features, sizeof(double));
    pool->norms = fnas_allocate(count, sizeof(double));
    pool->rows = fnas_allocate(count * (size_t)rows, sizeof(double));
    pool->explained = fnas_allocate(count, sizeof(double));
    pool->trend = fnas_allocate(count, sizeof(double));
    pool->projected = fnas_allocate(count * (size_t)gp->outputs, sizeof(double));
    return pool->scaled && pool->norms && pool->rows && pool->explained && pool->trend && pool->projected;
}

/* rows: room for so many observations. */
static fnas_status pool_open(fnas_context *context, const fnas_gp *gp, int64_t count, const double *features, int64_t rows,
                             fnas_gp_pool **pool) {
    *pool = NULL;
    fnas_gp_pool *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "points of a Gaussian process");
    *made = (fnas_gp_pool){.gp = gp, .count = count, .features = features, .fits = -1};
    if (!pool_allocate(made, rows)) {
        fnas_gp_pool_free(made);
        return fnas_fail_memory(context, "points of a Gaussian process");
    }
    *pool = made;
    return FNAS_OK;
}

fnas_status fnas_gp_pool_create(fnas_context *context, const fnas_gp *gp, int64_t count, const double *features, fnas_gp_pool **pool) {
    return pool_open(context, gp, count, features, gp->capacity, pool);
}

/* Correlations of observations first.. with all points become rows first... */
static void pool_correlate(fnas_gp_pool *pool, int64_t first) {
    const fnas_gp *gp = pool->gp;
    int64_t added = gp->count - first;
    blasint features = (blasint)gp->features, count = (blasint)pool->count;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)added, count, features, 1, gp->scaled + first * gp->features, features,
                pool->scaled, features, 0, pool->rows + first * pool->count, count);
    for (int64_t i = first; i < gp->count; i++) {
        double *row = pool->rows + i * pool->count;
        for (int64_t j = 0; j < pool->count; j++)
            row[j] = fnas_gp_correlation(gp->kernel, fnas_gp_squared_distance(gp->norms[i], pool->norms[j], row[j]));
    }
}

/* rows = L^-1 correlations, for rows first.. where those before are done: L_21 rows_1 + L_22 rows_2 = correlations_2. */
static void pool_solve(fnas_gp_pool *pool, int64_t first) {
    const fnas_gp *gp = pool->gp;
    blasint ld = (blasint)gp->capacity, count = (blasint)pool->count, added = (blasint)(gp->count - first);
    double *rows = pool->rows + first * pool->count;
    const double *factor = gp->factor + first * gp->capacity;
    if (first > 0 && added == 1)
        cblas_dgemv(CblasRowMajor, CblasTrans, (blasint)first, count, -1, pool->rows, count, factor, 1, 1, rows, 1);
    else if (first > 0)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, added, count, (blasint)first, -1, factor, ld, pool->rows, count, 1, rows,
                    count);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, added, count, 1, factor + first, ld, rows, count);
}

static void pool_sum(fnas_gp_pool *pool, int64_t first) {
    const fnas_gp *gp = pool->gp;
    for (int64_t i = first; i < gp->count; i++) {
        const double *row = pool->rows + i * pool->count;
        for (int64_t j = 0; j < pool->count; j++) {
            pool->explained[j] += row[j] * row[j];
            pool->trend[j] += gp->ones[i] * row[j];
        }
        for (int64_t t = 0; t < gp->outputs; t++)
            cblas_daxpy((blasint)pool->count, gp->whitened[t * gp->capacity + i], row, 1, pool->projected + t * pool->count, 1);
    }
}

static void pool_begin(fnas_gp_pool *pool) {
    const fnas_gp *gp = pool->gp;
    fnas_gp_scale(gp, gp->length, pool->count, pool->features, pool->scaled, pool->norms);
    memset(pool->explained, 0, (size_t)pool->count * sizeof(double));
    memset(pool->trend, 0, (size_t)pool->count * sizeof(double));
    memset(pool->projected, 0, (size_t)(pool->count * gp->outputs) * sizeof(double));
    pool->known = 0;
    pool->fits = gp->fits;
}

void fnas_gp_pool_follow(fnas_gp_pool *pool) {
    if (pool->fits != pool->gp->fits) pool_begin(pool);
    int64_t first = pool->known;
    if (first == pool->gp->count) return;
    pool_correlate(pool, first);
    pool_solve(pool, first);
    pool_sum(pool, first);
    pool->known = pool->gp->count;
}

void fnas_gp_pool_predict(const fnas_gp_pool *pool, int64_t output, double *means, double *variances) {
    const fnas_gp *gp = pool->gp;
    double own = cblas_ddot((blasint)gp->count, gp->ones, 1, gp->ones, 1), mean = gp->mean[output], square = gp->square[output];
    const double *projected = pool->projected + output * pool->count;
    for (int64_t j = 0; j < pool->count; j++) {
        double untold = 1 - pool->trend[j];
        means[j] = mean * untold + projected[j];
        variances[j] = square * fmax(0, 1 - pool->explained[j] + untold * untold / own);
    }
}

/* ---- points once ---- */

fnas_status fnas_gp_predict(fnas_context *context, const fnas_gp *gp, int64_t count, const double *features, double *means,
                            double *variances) {
    if (gp->count < 1) return fnas_fail(context, FNAS_ERR_INPUT, "a Gaussian process without observations predicts nothing");
    for (int64_t first = 0; first < count; first += PREDICT_BLOCK) {
        fnas_gp_pool *pool;
        int64_t some = count - first < PREDICT_BLOCK ? count - first : PREDICT_BLOCK;
        FNAS_TRY(pool_open(context, gp, some, features + first * gp->features, gp->count, &pool));
        fnas_gp_pool_follow(pool);
        for (int64_t t = 0; t < gp->outputs; t++) fnas_gp_pool_predict(pool, t, means + t * count + first, variances + t * count + first);
        fnas_gp_pool_free(pool);
    }
    return FNAS_OK;
}
