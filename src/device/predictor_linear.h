/* Small dense algebra of the predictor: symmetric systems and robust regression. Own loops, not LAPACK: the systems have at most some
 * hundred unknowns, and the order of every sum must not depend on how many threads a BLAS library takes. */
#ifndef FNAS_DEVICE_PREDICTOR_LINEAR_H
#define FNAS_DEVICE_PREDICTOR_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

/* Cholesky factor of the symmetric matrix a [n][n] (lower triangle, in place). False when it is not positive definite. */
bool fnas_cholesky(int64_t n, double *a);
void fnas_cholesky_forward(int64_t n, const double *factor, double *x);  /* x <- L^-1 x */
void fnas_cholesky_backward(int64_t n, const double *factor, double *x); /* x <- L^-T x */
double fnas_cholesky_log_determinant(int64_t n, const double *factor);   /* of the matrix itself */

/* One device's regression: latency = basis . coefficients, with noise relative to the latency and a normal prior N(0, prior_deviation^2) on
 * each coefficient. */
typedef struct fnas_regression {
    int64_t rows, columns;
    const double *basis;           /* [rows][columns] */
    const double *target;          /* [rows] > 0, about 1 */
    const double *prior_deviation; /* [columns] > 0 */
    double floor; /* relative errors count relative to max(latency, floor): cells that a runtime folds to nothing must not rule the fit */
    int64_t bound_count;
    const int32_t (*bounds)[2]; /* [bound_count]: sums of two coefficients that must not be negative */
} fnas_regression;

int64_t fnas_regression_workspace(int64_t rows, int64_t columns, int64_t bound_count);

/* From the mean [k] of a normal distribution with covariance [k][k] to its most probable point at which the sum of every bound's two
 * coefficients is not negative (-1: no second one). By coordinate ascent on the multipliers of the bounds (Hildreth 1957), in a fixed
 * order. workspace: bound_count * (bound_count + 2) doubles. */
void fnas_project_bounds(int64_t k, const double *covariance, int64_t bound_count, const int32_t (*bounds)[2], double *workspace,
                         double *mean);

/* Maximum a posteriori coefficients [columns] under Huber's loss (Huber 1964), by iteratively re-weighted least squares; *noise is the
 * robust relative deviation of the residuals (1.4826 times their median absolute value). workspace: fnas_regression_workspace
 * doubles. False when the system is singular. */
bool fnas_regression_solve(const fnas_regression *regression, double *workspace, double *coefficients, double *noise);

#endif
