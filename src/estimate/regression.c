#include "estimate/regression.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

#define PARAMETERS 3
#define STEP_FIRST 1.0 /* of the logarithms of the kernel's parameters */
#define STEP_LAST 0.1
#define BLOCK 1024 /* candidates predicted at a time */

static const double LOWEST[PARAMETERS] = {1e-3, 0.1, 1e-3}, HIGHEST[PARAMETERS] = {1e3, 10, 1e3};

/* What the known rows say. products: x . x' / width, n x n; distances follow from them. */
typedef struct regression {
    int64_t n, width;
    double *features;        /* [n][width] of the rows */
    double *products;        /* [n][n] */
    double *factor, *weight; /* [n][n] lower Cholesky factor of the kernel's matrix; [n] its inverse times values */
    double *values;          /* [n], centred */
    double centre, amplitude;
} regression;

static void release(regression *fit) {
    fnas_free(fit->features);
    fnas_free(fit->products);
    fnas_free(fit->factor);
    fnas_free(fit->weight);
    fnas_free(fit->values);
}

static double covariance(const fnas_kernel *kernel, double product, double distance) {
    return product + kernel->curved * exp(-distance / (2 * kernel->length * kernel->length));
}

/* ---- the known rows ---- */

static fnas_status prepare(fnas_context *context, int64_t width, const double *features, int64_t n, const int64_t *rows,
                           const double *values, regression *fit) {
    *fit = (regression){.n = n, .width = width};
    fit->features = fnas_allocate((size_t)(n * width), sizeof(double));
    fit->products = fnas_allocate((size_t)(n * n), sizeof(double));
    fit->factor = fnas_allocate((size_t)(n * n), sizeof(double));
    fit->weight = fnas_allocate((size_t)n, sizeof(double));
    fit->values = fnas_allocate((size_t)n, sizeof(double));
    if (!fit->features || !fit->products || !fit->factor || !fit->weight || !fit->values) return fnas_fail_memory(context, "a regression");
    for (int64_t i = 0; i < n; i++) {
        memcpy(fit->features + i * width, features + rows[i] * width, (size_t)width * sizeof(double));
        fit->centre += values[i] / (double)n;
    }
    for (int64_t i = 0; i < n; i++) fit->values[i] = values[i] - fit->centre;
    if (!(cblas_dnrm2((int)n, fit->values, 1) > 0) || !isfinite(fit->centre))
        return fnas_fail(context, FNAS_ERR_NUMERIC,
                         "the errors of %lld trainings are all the same, or not finite: nothing can be learnt from them", (long long)n);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)n, (int)width, 1.0 / (double)width, fit->features, (int)width,
                fit->features, (int)width, 0, fit->products, (int)n);
    return FNAS_OK;
}

/* Factor and weights for this kernel. The logarithm of the marginal likelihood at the amplitude that makes it largest, up to a constant (of
 * formula 5.8 of the book, with the amplitude taken out); -INFINITY where the matrix is not positive definite. */
static double factorise(regression *fit, const fnas_kernel *kernel) {
    int64_t n = fit->n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double distance = fit->products[i * n + i] + fit->products[j * n + j] - 2 * fit->products[i * n + j];
            fit->factor[i * n + j] = covariance(kernel, fit->products[i * n + j], distance) + (i == j ? kernel->noise : 0);
        }
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', (int)n, fit->factor, (int)n) != 0) return -INFINITY;
    memcpy(fit->weight, fit->values, (size_t)n * sizeof(double));
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, fit->factor, (int)n, fit->weight, 1);
    fit->amplitude = cblas_ddot((int)n, fit->weight, 1, fit->weight, 1) / (double)n;
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, (int)n, fit->factor, (int)n, fit->weight, 1);
    double determinant = 0;
    for (int64_t i = 0; i < n; i++) determinant += log(fit->factor[i * n + i]);
    return -0.5 * (double)n * log(fit->amplitude) - determinant;
}

/* Coordinate by coordinate, in steps that are halved when none helps (Hooke and Jeeves 1961, without the pattern moves): a factorisation a
 * try, and it cannot leave the bounds. */
static void maximise_likelihood(regression *fit, fnas_kernel *kernel) {
    double *parameters[PARAMETERS] = {&kernel->curved, &kernel->length, &kernel->noise};
    double best = factorise(fit, kernel);
    for (double step = STEP_FIRST; step > STEP_LAST;) {
        bool better = false;
        for (int i = 0; i < 2 * PARAMETERS; i++) {
            double *parameter = parameters[i / 2], before = *parameter;
            double tried = before * exp(i % 2 ? -step : step);
            *parameter = fmin(fmax(tried, LOWEST[i / 2]), HIGHEST[i / 2]);
            double likelihood = *parameter == before ? -INFINITY : factorise(fit, kernel);
            if (likelihood > best) {
                best = likelihood;
                better = true;
                i |= 1; /* the other way cannot be better too */
            } else {
                *parameter = before;
            }
        }
        if (!better) step /= 2;
    }
    factorise(fit, kernel);
}

/* ---- the others ---- */

/* across: [BLOCK][n]; own: [BLOCK] x . x / width of the candidates. */
static void predict_block(const regression *fit, const fnas_kernel *kernel, int64_t count, const double *features, double *across,
                          double *mean, double *deviation) {
    int64_t n = fit->n, width = fit->width;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)n, (int)width, 1.0 / (double)width, features, (int)width,
                fit->features, (int)width, 0, across, (int)n);
    for (int64_t i = 0; i < count; i++) {
        double own = cblas_ddot((int)width, features + i * width, 1, features + i * width, 1) / (double)width, *row = across + i * n;
        for (int64_t j = 0; j < n; j++) row[j] = covariance(kernel, row[j], fmax(0, own + fit->products[j * n + j] - 2 * row[j]));
        mean[i] = fit->centre + cblas_ddot((int)n, row, 1, fit->weight, 1);
        deviation[i] = own + kernel->curved;
    }
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)count, (int)n, 1, fit->factor, (int)n, across,
                (int)n);
    for (int64_t i = 0; i < count; i++) {
        double told = cblas_ddot((int)n, across + i * n, 1, across + i * n, 1);
        deviation[i] = sqrt(fit->amplitude * fmax(0, deviation[i] - told));
    }
}

static fnas_status predict(fnas_context *context, const regression *fit, const fnas_kernel *kernel, int64_t count, const double *features,
                           double *mean, double *deviation) {
    double *across = fnas_allocate((size_t)(BLOCK * fit->n), sizeof(double));
    if (!across) return fnas_fail_memory(context, "a regression");
    for (int64_t first = 0; first < count; first += BLOCK) {
        int64_t block = count - first < BLOCK ? count - first : BLOCK;
        predict_block(fit, kernel, block, features + first * fit->width, across, mean + first, deviation + first);
    }
    fnas_free(across);
    return FNAS_OK;
}

fnas_status fnas_regress(fnas_context *context, int64_t count, int64_t width, const double *features, int64_t row_count,
                         const int64_t *rows, const double *values, fnas_kernel *kernel, double *mean, double *deviation) {
    regression fit;
    fnas_status status = prepare(context, width, features, row_count, rows, values, &fit);
    if (kernel->length == 0) *kernel = (fnas_kernel){.curved = 1, .length = 1, .noise = 0.1};
    if (status == FNAS_OK) {
        maximise_likelihood(&fit, kernel);
        status = predict(context, &fit, kernel, count, features, mean, deviation);
    }
    release(&fit);
    return status;
}
