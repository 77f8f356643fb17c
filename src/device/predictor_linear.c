#include "device/predictor_linear.h"

#include <math.h>
#include <string.h>

#include "base/statistics.h"

#define FNAS_BOUND_SWEEPS 2000
#define FNAS_BOUND_PRECISION 1e-9 /* of normalised latency */
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

static double fnas_bound_value(const int32_t bound[2], const double *values) {
    return values[bound[0]] + (bound[1] >= 0 ? values[bound[1]] : 0.0);
}

/* gram = G covariance G^T, where a row of G sums the two coefficients of a bound. */
static void fnas_bound_gram(int64_t k, const double *covariance, int64_t count, const int32_t (*bounds)[2], double *gram) {
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) {
            gram[i * count + j] = fnas_bound_value(bounds[j], covariance + bounds[i][0] * k);
            if (bounds[i][1] >= 0) gram[i * count + j] += fnas_bound_value(bounds[j], covariance + bounds[i][1] * k);
        }
}

/* One pass over the multipliers; the largest change of any bound's value. */
static double fnas_bound_sweep(int64_t count, const double *gram, double *slack, double *multiplier) {
    double largest = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double own = gram[i * count + i];
        if (!(own > 0.0)) continue;
        double next = fmax(0.0, multiplier[i] - slack[i] / own), change = next - multiplier[i];
        if (change == 0.0) continue;
        multiplier[i] = next;
        for (int64_t j = 0; j < count; j++) slack[j] += gram[i * count + j] * change;
        largest = fmax(largest, fabs(own * change));
    }
    return largest;
}

void fnas_project_bounds(int64_t k, const double *covariance, int64_t bound_count, const int32_t (*bounds)[2], double *workspace,
                         double *mean) {
    double *gram = workspace, *slack = gram + bound_count * bound_count, *multiplier = slack + bound_count;
    bool broken = false;
    for (int64_t i = 0; i < bound_count; i++) {
        slack[i] = fnas_bound_value(bounds[i], mean);
        multiplier[i] = 0.0;
        broken = broken || slack[i] < 0.0;
    }
    if (!broken) return;
    fnas_bound_gram(k, covariance, bound_count, bounds, gram);
    for (int sweep = 0; sweep < FNAS_BOUND_SWEEPS && fnas_bound_sweep(bound_count, gram, slack, multiplier) > FNAS_BOUND_PRECISION; sweep++)
        continue;
    for (int64_t i = 0; i < bound_count; i++)
        for (int64_t j = 0; multiplier[i] > 0.0 && j < k; j++) mean[j] += multiplier[i] * fnas_bound_value(bounds[i], covariance + j * k);
    for (int64_t i = 0; i < bound_count; i++) { /* the last digits */
        double value = fnas_bound_value(bounds[i], mean);
        if (value < 0.0) mean[bounds[i][1] >= 0 ? bounds[i][1] : bounds[i][0]] -= value;
    }
}

/* From a Cholesky factor to the inverse of its matrix. */
static void fnas_cholesky_inverse(int64_t n, const double *factor, double *inverse) {
    memset(inverse, 0, (size_t)(n * n) * sizeof *inverse);
    for (int64_t i = 0; i < n; i++) {
        inverse[i * n + i] = 1.0;
        fnas_cholesky_forward(n, factor, inverse + i * n);
        fnas_cholesky_backward(n, factor, inverse + i * n);
    }
}

int64_t fnas_regression_workspace(int64_t rows, int64_t columns, int64_t bound_count) {
    return columns * columns * (bound_count > 0 ? 2 : 1) + columns + 2 * rows + bound_count * (bound_count + 2);
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
    int64_t square = regression->columns * regression->columns;
    double *system = workspace, *weight = system + square, *residual = weight + regression->rows, *rest = residual + regression->rows;
    for (int64_t n = 0; n < regression->rows; n++) {
        double unit = fmax(regression->target[n], regression->floor);
        weight[n] = 1.0 / (0.05 * 0.05 * unit * unit);
    }
    for (int round = 0; round < FNAS_REGRESSION_ROUNDS; round++) {
        if (!fnas_regression_round(regression, weight, system, coefficients)) return false;
        if (regression->bound_count > 0) {
            fnas_cholesky_inverse(regression->columns, system, rest);
            fnas_project_bounds(regression->columns, rest, regression->bound_count, regression->bounds, rest + square, coefficients);
        }
        *noise = fnas_regression_reweigh(regression, coefficients, weight, residual);
        if (!isfinite(*noise)) return false;
    }
    return true;
}
