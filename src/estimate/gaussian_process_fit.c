/* Lengths and noise of a Gaussian process by maximum likelihood. */
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "estimate/gaussian_process_internal.h"

/* Priors: standard deviations of the logarithms. */
#define LENGTH_SPREAD 1.5
#define NOISE_SPREAD 2.0

/* BFGS. Differences of the likelihood far below 1 say nothing. */
#define STEPS_MOST 60
#define HALVINGS_MOST 25
#define STRIDE_MOST 2.0 /* of a logarithm, at a step */
#define SUFFICIENT 1e-4 /* of the decrease that the slope promises (Nocedal and Wright 2006, section 3.1) */
#define TOLERANCE 1e-3

/* Lengths of a start, in units of the observations' distance, and its noise. */
static const struct { double length, noise; } starts[] = {{1, FNAS_GP_NOISE_USUAL}, {0.3, FNAS_GP_NOISE_USUAL}, {3, 0.1}};
enum { STARTS = sizeof starts / sizeof *starts };

/* One evaluation of the loss. Matrices are [n][n], row-major. */
typedef struct likelihood {
    const fnas_gp *gp;
    int64_t n;
    double typical;         /* root mean square distance of observations */
    double *length;         /* [lengths] */
    double *scaled, *norms; /* [n][features], [n] */
    double *slopes;         /* dk / d distance^2, lower */
    double *inverse;        /* correlations, their factor, their inverse in turn */
    double *ones;           /* [n] R^-1 1 */
    double *solved;         /* [outputs][n] R^-1 (y - mean) */
    double *square;         /* [outputs] */
    double *product;        /* [n][features] */
    double *constant;       /* [n] of 1 */
} likelihood;

static void close_likelihood(likelihood *l) {
    double *owned[] = {l->length, l->scaled, l->norms, l->slopes, l->inverse, l->ones, l->solved, l->square, l->product, l->constant};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
}

/* The mean of |x_i - x_j|^2 over all i, j is twice the sum of the features' variances. */
static double typical_distance(const fnas_gp *gp) {
    double sum = 0;
    for (int64_t f = 0; f < gp->features; f++) {
        double mean = 0;
        for (int64_t i = 0; i < gp->count; i++) mean += gp->x[i * gp->features + f] / (double)gp->count;
        for (int64_t i = 0; i < gp->count; i++) {
            double deviation = gp->x[i * gp->features + f] - mean;
            sum += 2 * deviation * deviation / (double)gp->count;
        }
    }
    return sum > 0 ? sqrt(sum) : 1;
}

static fnas_status open_likelihood(fnas_context *context, const fnas_gp *gp, likelihood *l) {
    size_t n = (size_t)gp->count, f = (size_t)gp->features, t = (size_t)gp->outputs;
    *l = (likelihood){.gp = gp, .n = gp->count, .typical = typical_distance(gp)};
    l->length = fnas_allocate((size_t)gp->lengths, sizeof(double));
    l->scaled = fnas_allocate(n * f, sizeof(double));
    l->norms = fnas_allocate(n, sizeof(double));
    l->slopes = fnas_allocate(n * n, sizeof(double));
    l->inverse = fnas_allocate(n * n, sizeof(double));
    l->ones = fnas_allocate(n, sizeof(double));
    l->solved = fnas_allocate(t * n, sizeof(double));
    l->square = fnas_allocate(t, sizeof(double));
    l->product = fnas_allocate(n * f, sizeof(double));
    l->constant = fnas_allocate(n, sizeof(double));
    if (l->length && l->scaled && l->norms && l->slopes && l->inverse && l->ones && l->solved && l->square && l->product && l->constant) {
        for (size_t i = 0; i < n; i++) l->constant[i] = 1;
        return FNAS_OK;
    }
    close_likelihood(l);
    return fnas_fail_memory(context, "the fit of a Gaussian process");
}

/* ---- the loss ---- */

static void fill_matrices(likelihood *l, double noise) {
    const fnas_gp *gp = l->gp;
    blasint n = (blasint)l->n, features = (blasint)gp->features;
    fnas_gp_scale(gp, l->length, l->n, gp->x, l->scaled, l->norms);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, features, 1, l->scaled, features, 0, l->inverse, n);
    for (int64_t i = 0; i < l->n; i++) {
        double *row = l->inverse + i * l->n, *slopes = l->slopes + i * l->n;
        for (int64_t j = 0; j < i; j++) {
            double squared = fnas_gp_squared_distance(l->norms[i], l->norms[j], row[j]);
            row[j] = fnas_gp_correlation(gp->kernel, squared);
            slopes[j] = fnas_gp_correlation_slope(gp->kernel, squared);
        }
        row[i] = 1 + noise;
    }
}

/* *log_determinant of the correlations, whose inverse (lower) takes their place. False: not positive definite. */
static bool invert(likelihood *l, double *log_determinant) {
    lapack_int n = (lapack_int)l->n;
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, l->inverse, n) != 0) return false;
    *log_determinant = 0;
    for (int64_t i = 0; i < l->n; i++) *log_determinant += 2 * log(l->inverse[i * l->n + i]);
    return LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', n, l->inverse, n) == 0;
}

static double mean_square(int64_t count, const double *values) {
    return cblas_ddot((blasint)count, values, 1, values, 1) / (double)count;
}

/* R^-1 (y - mean) and scale^2 of an output; returns log scale^2. Targets that are all alike have a scale of rounding errors: it is held
 * well above those. */
static double solve_output(likelihood *l, int64_t t) {
    blasint n = (blasint)l->n;
    const double *y = l->gp->y + t * l->gp->capacity;
    double *solved = l->solved + t * l->n;
    cblas_dsymv(CblasRowMajor, CblasLower, n, 1, l->inverse, n, y, 1, 0, solved, 1);
    double mean = cblas_ddot(n, l->constant, 1, solved, 1) / cblas_ddot(n, l->constant, 1, l->ones, 1);
    cblas_daxpy(n, -mean, l->ones, 1, solved, 1);
    double sum = 0, least = 1e-12 * mean_square(l->n, y) + 1e-200;
    for (int64_t i = 0; i < l->n; i++) sum += (y[i] - mean) * solved[i];
    l->square[t] = fmax(sum / (double)l->n, least);
    return log(l->square[t]);
}

/* d loss / d R, times dk / d distance^2, both triangles, in the place of the slopes; returns the trace of d loss / d R. With
 * loss = (n mean_t log scale_t^2 + log |R|) / 2 it is (R^-1 - mean_t a a' / scale_t^2) / 2, a = R^-1 (y - mean). */
static double weigh_slopes(likelihood *l) {
    const fnas_gp *gp = l->gp;
    double trace = 0;
    for (int64_t t = 0; t < gp->outputs; t++)
        cblas_dsyr(CblasRowMajor, CblasLower, (blasint)l->n, -1 / (l->square[t] * (double)gp->outputs), l->solved + t * l->n, 1, l->inverse,
                   (blasint)l->n);
    for (int64_t i = 0; i < l->n; i++) {
        trace += l->inverse[i * l->n + i] / 2;
        l->slopes[i * l->n + i] = 0; /* a point's distance to itself does not change */
        for (int64_t j = 0; j < i; j++) {
            l->slopes[i * l->n + j] *= l->inverse[i * l->n + j] / 2;
            l->slopes[j * l->n + i] = l->slopes[i * l->n + j];
        }
    }
    return trace;
}

/* With G the weighed slopes, d loss / d log length = -2 sum_ij G_ij (x_i - x_j)^2 over the scaled features of that length, and
 * sum_ij G_ij (x_i - x_j)^2 = 2 sum_i x_i (x_i sum_j G_ij - sum_j G_ij x_j). */
static void add_length_gradients(likelihood *l, double *gradient) {
    const fnas_gp *gp = l->gp;
    blasint n = (blasint)l->n, features = (blasint)gp->features;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, features, n, 1, l->slopes, n, l->scaled, features, 0, l->product, features);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, n, n, 1, l->slopes, n, l->constant, 1, 0, l->norms, 1);
    for (int64_t i = 0; i < l->n; i++)
        for (int64_t f = 0; f < gp->features; f++) {
            double x = l->scaled[i * gp->features + f];
            gradient[gp->length_of[f]] -= 4 * x * (x * l->norms[i] - l->product[i * gp->features + f]);
        }
}

/* (log - centre)^2 / (2 spread^2), with its derivative added. */
static double prior(double log_value, double centre, double spread, double *slope) {
    double deviation = (log_value - centre) / spread;
    *slope += deviation / spread;
    return deviation * deviation / 2;
}

static double add_priors(const likelihood *l, const double *logs, double *gradient) {
    int64_t lengths = l->gp->lengths;
    double sum = prior(logs[lengths], log(FNAS_GP_NOISE_USUAL), NOISE_SPREAD, gradient + lengths);
    for (int64_t g = 0; g < lengths; g++) sum += prior(logs[g], log(l->typical), LENGTH_SPREAD, gradient + g);
    return sum;
}

static double evaluate(likelihood *l, const double *logs, double *gradient) {
    const fnas_gp *gp = l->gp;
    double log_determinant, logs_of_scales = 0, above_floor = exp(logs[gp->lengths]);
    memset(gradient, 0, (size_t)(gp->lengths + 1) * sizeof *gradient);
    for (int64_t g = 0; g < gp->lengths; g++) l->length[g] = exp(logs[g]);
    fill_matrices(l, FNAS_GP_NOISE_FLOOR + above_floor);
    if (!invert(l, &log_determinant)) return INFINITY;
    cblas_dsymv(CblasRowMajor, CblasLower, (blasint)l->n, 1, l->inverse, (blasint)l->n, l->constant, 1, 0, l->ones, 1);
    for (int64_t t = 0; t < gp->outputs; t++) logs_of_scales += solve_output(l, t) / (double)gp->outputs;
    gradient[gp->lengths] = above_floor * weigh_slopes(l);
    add_length_gradients(l, gradient);
    double value = ((double)l->n * logs_of_scales + log_determinant) / 2 + add_priors(l, logs, gradient);
    return isfinite(value) ? value : INFINITY;
}

fnas_status fnas_gp_loss(fnas_context *context, const fnas_gp *gp, const double *logs, double *value, double *gradient) {
    likelihood l;
    if (gp->count < 1) return fnas_fail(context, FNAS_ERR_INPUT, "a Gaussian process without observations has no likelihood");
    FNAS_TRY(open_likelihood(context, gp, &l));
    *value = evaluate(&l, logs, gradient);
    close_likelihood(&l);
    return FNAS_OK;
}

/* ---- BFGS (Nocedal and Wright 2006, chapter 6) ---- */

typedef struct descent {
    int64_t size;
    double value, trial_value;
    double *at, *gradient; /* [size] */
    double *trial, *trial_gradient;
    double *direction, *change; /* [size] */
    double *hessian;            /* [size][size]: inverse, estimated */
    double *best;               /* [size] of all starts */
    double best_value;
} descent;

static void close_descent(descent *d) {
    double *owned[] = {d->at, d->gradient, d->trial, d->trial_gradient, d->direction, d->change, d->hessian, d->best};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
}

static fnas_status open_descent(fnas_context *context, int64_t size, descent *d) {
    size_t n = (size_t)size;
    *d = (descent){.size = size, .best_value = INFINITY};
    d->at = fnas_allocate(n, sizeof(double));
    d->gradient = fnas_allocate(n, sizeof(double));
    d->trial = fnas_allocate(n, sizeof(double));
    d->trial_gradient = fnas_allocate(n, sizeof(double));
    d->direction = fnas_allocate(n, sizeof(double));
    d->change = fnas_allocate(n, sizeof(double));
    d->hessian = fnas_allocate(n * n, sizeof(double));
    d->best = fnas_allocate(n, sizeof(double));
    if (d->at && d->gradient && d->trial && d->trial_gradient && d->direction && d->change && d->hessian && d->best) return FNAS_OK;
    close_descent(d);
    return fnas_fail_memory(context, "the fit of a Gaussian process");
}

static double dot(int64_t count, const double *a, const double *b) {
    return cblas_ddot((blasint)count, a, 1, b, 1);
}

static double largest(int64_t count, const double *values) {
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(values[i]));
    return most;
}

static void reset_hessian(descent *d) {
    double stride = 1 / fmax(1, largest(d->size, d->gradient));
    memset(d->hessian, 0, (size_t)(d->size * d->size) * sizeof *d->hessian);
    for (int64_t i = 0; i < d->size; i++) d->hessian[i * d->size + i] = stride;
}

/* Downhill, no logarithm by more than STRIDE_MOST. Returns the slope along it, negative. */
static double choose_direction(descent *d) {
    blasint n = (blasint)d->size;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, n, n, -1, d->hessian, n, d->gradient, 1, 0, d->direction, 1);
    double stride = largest(d->size, d->direction);
    if (stride > STRIDE_MOST) cblas_dscal(n, STRIDE_MOST / stride, d->direction, 1);
    return dot(d->size, d->gradient, d->direction);
}

static bool search_line(likelihood *l, descent *d, double slope) {
    double step = 1;
    for (int halvings = 0; halvings < HALVINGS_MOST; halvings++, step /= 2) {
        for (int64_t i = 0; i < d->size; i++) d->trial[i] = d->at[i] + step * d->direction[i];
        d->trial_value = evaluate(l, d->trial, d->trial_gradient);
        if (d->trial_value <= d->value + SUFFICIENT * step * slope) return true;
    }
    return false;
}

/* H += (s'y + y'Hy) s s' / (s'y)^2 - (H y s' + s y' H) / s'y, with the step s and the gradient's change y; left as it is where the
 * curvature along s is not positive. */
static void update_hessian(descent *d) {
    int64_t n = d->size;
    double *step = d->direction, *change = d->change, *product = d->gradient; /* the old gradient is no longer needed */
    for (int64_t i = 0; i < n; i++) {
        step[i] = d->trial[i] - d->at[i];
        change[i] = d->trial_gradient[i] - d->gradient[i];
    }
    double curvature = dot(n, step, change);
    if (curvature <= 1e-10 * dot(n, step, step)) return;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (blasint)n, (blasint)n, 1, d->hessian, (blasint)n, change, 1, 0, product, 1);
    double weight = (curvature + dot(n, change, product)) / (curvature * curvature);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            d->hessian[i * n + j] += weight * step[i] * step[j] - (product[i] * step[j] + step[i] * product[j]) / curvature;
}

/* From d->at. */
static void descend(likelihood *l, descent *d) {
    d->value = evaluate(l, d->at, d->gradient);
    if (!isfinite(d->value)) return;
    reset_hessian(d);
    for (int step = 0; step < STEPS_MOST && largest(d->size, d->gradient) > TOLERANCE; step++) {
        double slope = choose_direction(d), before = d->value;
        if (slope >= 0 || !search_line(l, d, slope)) break;
        update_hessian(d);
        memcpy(d->at, d->trial, (size_t)d->size * sizeof *d->at);
        memcpy(d->gradient, d->trial_gradient, (size_t)d->size * sizeof *d->gradient);
        d->value = d->trial_value;
        if (before - d->value < TOLERANCE) break;
    }
}

static void keep_best(descent *d) {
    if (!(d->value < d->best_value)) return;
    d->best_value = d->value;
    memcpy(d->best, d->at, (size_t)d->size * sizeof *d->best);
}

/* ---- fitting ---- */

static void begin_where_it_is(const fnas_gp *gp, descent *d) {
    for (int64_t g = 0; g < gp->lengths; g++) d->at[g] = log(gp->length[g]);
    d->at[gp->lengths] = log(fmax(gp->noise - FNAS_GP_NOISE_FLOOR, FNAS_GP_NOISE_FLOOR * 1e-3));
}

static void begin_at_start(const likelihood *l, int64_t start, descent *d) {
    for (int64_t g = 0; g < l->gp->lengths; g++) d->at[g] = log(starts[start].length * l->typical);
    d->at[l->gp->lengths] = log(starts[start].noise);
}

static void try_starts(const fnas_gp *gp, likelihood *l, descent *d) {
    int64_t tried = gp->fits ? 1 : STARTS;
    if (gp->fits) {
        begin_where_it_is(gp, d);
        descend(l, d);
        keep_best(d);
    }
    for (int64_t start = 0; start < tried; start++) {
        begin_at_start(l, start, d);
        descend(l, d);
        keep_best(d);
    }
}

static fnas_status take_best(fnas_context *context, const descent *d, fnas_gp *gp) {
    if (!isfinite(d->best_value))
        return fnas_fail(context, FNAS_ERR_NUMERIC, "a Gaussian process of %lld observations cannot be fitted: are their values finite?",
                         (long long)gp->count);
    for (int64_t g = 0; g < gp->lengths; g++) gp->length[g] = exp(d->best[g]);
    gp->noise = FNAS_GP_NOISE_FLOOR + exp(d->best[gp->lengths]);
    return fnas_gp_factorise(context, gp);
}

fnas_status fnas_gp_fit(fnas_context *context, fnas_gp *gp) {
    likelihood l;
    descent d;
    if (gp->count < 1) return fnas_fail(context, FNAS_ERR_INPUT, "a Gaussian process without observations cannot be fitted");
    FNAS_TRY(open_likelihood(context, gp, &l));
    fnas_status status = open_descent(context, gp->lengths + 1, &d);
    if (status == FNAS_OK) {
        try_starts(gp, &l, &d);
        status = take_best(context, &d, gp);
        close_descent(&d);
    }
    close_likelihood(&l);
    return status;
}
