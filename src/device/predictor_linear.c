#include "device/predictor_linear.h"

#include <math.h>
#include <string.h>

#include "base/statistics.h"

#define FNAS_REGRESSION_ROUNDS 5
#define FNAS_REGRESSION_HUBER 2.5       /* in deviations */
#define FNAS_REGRESSION_NOISE_MIN 0.002 /* a table can be exact to its last digit; then the prior still has to have a say */

bool fnas_cholesky(int64_t n, double *a) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (int64_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i != j) {
                a[i * n + j] = sum / a[j * n + j];
                continue;
            }
            if (!(sum > 0.0)) return false;
            a[i * n + i] = sqrt(sum);
        }
    return true;
}

void fnas_cholesky_forward(int64_t n, const double *factor, double *x) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < i; k++) x[i] -= factor[i * n + k] * x[k];
        x[i] /= factor[i * n + i];
    }
}

void fnas_cholesky_backward(int64_t n, const double *factor, double *x) {
    for (int64_t i = n - 1; i >= 0; i--) {
        for (int64_t k = i + 1; k < n; k++) x[i] -= factor[k * n + i] * x[k];
        x[i] /= factor[i * n + i];
    }
}

double fnas_cholesky_log_determinant(int64_t n, const double *factor) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += log(factor[i * n + i]);
    return 2.0 * sum;
}

static bool fnas_regression_round(const fnas_regression *regression, const double *weight, double *system, double *coefficients) {
    int64_t k = regression->columns;
    memset(system, 0, (size_t)(k * k) * sizeof *system);
    memset(coefficients, 0, (size_t)k * sizeof *coefficients);
    for (int64_t n = 0; n < regression->rows; n++) {
        const double *row = regression->basis + n * k;
        for (int64_t i = 0; i < k; i++) {
            if (row[i] == 0.0) continue;
            double scaled = weight[n] * row[i];
            coefficients[i] += scaled * regression->target[n];
            for (int64_t j = 0; j <= i; j++) system[i * k + j] += scaled * row[j];
        }
    }
    for (int64_t i = 0; i < k; i++) system[i * k + i] += 1.0 / (regression->prior_deviation[i] * regression->prior_deviation[i]);
    if (!fnas_cholesky(k, system)) return false;
    fnas_cholesky_forward(k, system, coefficients);
    fnas_cholesky_backward(k, system, coefficients);
    return true;
}

/* Relative residuals, their robust deviation, and the weights that follow. */
static double fnas_regression_reweigh(const fnas_regression *regression, const double *coefficients, double *weight, double *residual) {
    int64_t k = regression->columns;
    for (int64_t n = 0; n < regression->rows; n++) {
        double predicted = 0.0;
        for (int64_t i = 0; i < k; i++) predicted += regression->basis[n * k + i] * coefficients[i];
        double unit = fmax(predicted, regression->floor);
        residual[n] = fabs(regression->target[n] - predicted) / unit;
        weight[n] = 1.0 / (unit * unit);
    }
    double noise = fmax(1.4826 * fnas_median(residual, regression->rows), FNAS_REGRESSION_NOISE_MIN);
    for (int64_t n = 0; n < regression->rows; n++) {
        double limit = FNAS_REGRESSION_HUBER * noise;
        weight[n] *= (residual[n] > limit ? limit / residual[n] : 1.0) / (noise * noise);
    }
    return noise;
}

bool fnas_regression_solve(const fnas_regression *regression, double *workspace, double *coefficients, double *noise) {
    double *system = workspace, *weight = system + regression->columns * regression->columns, *residual = weight + regression->rows;
    for (int64_t n = 0; n < regression->rows; n++) {
        double unit = fmax(regression->target[n], regression->floor);
        weight[n] = 1.0 / (0.05 * 0.05 * unit * unit);
    }
    for (int round = 0; round < FNAS_REGRESSION_ROUNDS; round++) {
        if (!fnas_regression_round(regression, weight, system, coefficients)) return false;
        *noise = fnas_regression_reweigh(regression, coefficients, weight, residual);
        if (!isfinite(*noise)) return false;
    }
    return true;
}
