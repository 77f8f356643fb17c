/* Gaussian process regression (Rasmussen and Williams 2006, chapters 2 and 5), in the form of kriging that Sacks et al. (1989) and Jones,
 * Schonlau and Welch (1998) use for optimisation:
 *
 *     y_t(x) = mean_t + scale_t (f_t(x) + e),  f_t ~ GP(0, r),  e ~ N(0, noise),  r(x, x') = k(sum_f (x_f - x'_f)^2 / length^2)
 *
 * with one correlation r for all outputs t, k(0) = 1. mean_t and scale_t have closed forms; the lengths and the noise (a share of the
 * signal's variance) maximise the likelihood concentrated on them. All is float64 and runs on one BLAS thread: the same bits each time. */
#ifndef FNAS_ESTIMATE_GAUSSIAN_PROCESS_H
#define FNAS_ESTIMATE_GAUSSIAN_PROCESS_H

#include "base/error.h"

typedef enum fnas_gp_kernel {
    FNAS_GP_MATERN52, /* k(d^2) = (1 + sqrt(5) d + 5 d^2 / 3) exp(-sqrt(5) d) */
    FNAS_GP_RBF       /* k(d^2) = exp(-d^2 / 2) */
} fnas_gp_kernel;

#define FNAS_GP_OBSERVATIONS_MAX 4096 /* the factor has their square, fitting takes their cube */

typedef struct fnas_gp_shape {
    fnas_gp_kernel kernel;
    int64_t capacity; /* observations at most, 1 to FNAS_GP_OBSERVATIONS_MAX */
    int64_t features, outputs;
    int64_t lengths;          /* length scales, 1 to features */
    const int64_t *length_of; /* [features], which of them a feature has; NULL where there is one. Copied */
} fnas_gp_shape;

/* Owned by the caller of fnas_gp_create. Read it, do not write. Not thread-safe. */
typedef struct fnas_gp {
    fnas_gp_kernel kernel;
    int64_t capacity, features, outputs, lengths, count; /* count: observations so far */
    int64_t *length_of;
    double *length;        /* [lengths] */
    double noise;          /* variance over the signal's */
    double *mean, *square; /* [outputs]: mean_t, scale_t^2 */
    int64_t fits;          /* how often the correlation has changed */

    double *x, *scaled; /* [capacity][features]: as given; each divided by its length */
    double *norms;      /* [capacity] |scaled|^2 */
    double *y;          /* [outputs][capacity] */
    double *factor;     /* [capacity][capacity], lower: L L^T = R + noise I */
    double *ones;       /* [capacity] L^-1 1 */
    double *whitened;   /* [outputs][capacity] L^-1 y */
} fnas_gp;

/* No observations; lengths 1, noise 0.001. Errors: FNAS_ERR_UNSUPPORTED (capacity), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_gp_create(fnas_context *context, const fnas_gp_shape *shape, fnas_gp **gp);
void fnas_gp_free(fnas_gp *gp); /* NULL is allowed */

/* One more observation: features [features] and targets [outputs], finite. The factor grows by one row, O(n^2); the correlation stays.
 * Errors: FNAS_ERR_INPUT (full, not finite). */
FNAS_NODISCARD fnas_status fnas_gp_add(fnas_context *context, fnas_gp *gp, const double *features, const double *targets);

/* Lengths and noise by maximum likelihood (BFGS with the analytic gradient), from a few fixed starts the first time, from where they are
 * and one of those later on. Weak log-normal priors keep them finite where data are few: the lengths about the root mean square distance of
 * observations, the noise about 0.001. O(n^3) a step. Errors: FNAS_ERR_INPUT (no observation), FNAS_ERR_NUMERIC, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_gp_fit(fnas_context *context, fnas_gp *gp);

/* What fnas_gp_fit minimises, over logs [lengths + 1] (of each length, then of the noise above its floor): the mean over outputs of the
 * negative log-likelihood concentrated on mean_t and scale_t (Jones et al. 1998, equation 4, up to a constant), plus the priors.
 * gradient [lengths + 1]. *value is infinite where the matrix is not positive definite. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_gp_loss(fnas_context *context, const fnas_gp *gp, const double *logs, double *value, double *gradient);

/* Posterior of count points [count][features]: means [outputs][count] of y, variances [outputs][count] of y without the noise. The
 * variance counts that mean_t is estimated (Jones et al. 1998, equation 9). O(count n^2). Needs an observation. Errors: FNAS_ERR_INPUT,
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_gp_predict(fnas_context *context, const fnas_gp *gp, int64_t count, const double *features, double *means,
                                           double *variances);

/* ---- the same points again and again ---- */

/* Points whose posterior follows the observations: each new one costs O(count n), a change of the correlation O(count n^2). */
typedef struct fnas_gp_pool {
    const fnas_gp *gp; /* borrowed */
    int64_t count;
    const double *features; /* [count][features], borrowed */
    int64_t known, fits;    /* observations, and the gp's fits, that it has followed */
    double *scaled, *norms; /* [count][features], [count] */
    double *rows;           /* [capacity][count]: L^-1 r(observations, points) */
    double *explained;      /* [count] sum of rows^2 */
    double *trend;          /* [count] sum of ones_i row_i */
    double *projected;      /* [outputs][count] sum of whitened_i row_i */
} fnas_gp_pool;

/* gp and features must outlive the pool. Takes 8 capacity * count bytes. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_gp_pool_create(fnas_context *context, const fnas_gp *gp, int64_t count, const double *features,
                                               fnas_gp_pool **pool);
void fnas_gp_pool_free(fnas_gp_pool *pool); /* NULL is allowed */
void fnas_gp_pool_follow(fnas_gp_pool *pool);
/* Of one output, after fnas_gp_pool_follow: means and variances [count], as fnas_gp_predict gives them. */
void fnas_gp_pool_predict(const fnas_gp_pool *pool, int64_t output, double *means, double *variances);

#endif
