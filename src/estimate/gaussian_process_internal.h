/* What the files of the Gaussian process share. */
#ifndef FNAS_ESTIMATE_GAUSSIAN_PROCESS_INTERNAL_H
#define FNAS_ESTIMATE_GAUSSIAN_PROCESS_INTERNAL_H

#include "estimate/gaussian_process.h"

#define FNAS_GP_NOISE_FLOOR 1e-6 /* keeps the matrix positive definite where observations are alike */
#define FNAS_GP_NOISE_USUAL 1e-3

/* k and its derivative by the squared distance. */
double fnas_gp_correlation(fnas_gp_kernel kernel, double squared);
double fnas_gp_correlation_slope(fnas_gp_kernel kernel, double squared);

/* scaled [count][features] = features / length, norms [count] = |scaled|^2. */
void fnas_gp_scale(const fnas_gp *gp, const double *length, int64_t count, const double *features, double *scaled, double *norms);

/* From the products of scaled points to their squared distance, which rounding must not make negative. */
static inline double fnas_gp_squared_distance(double norm_a, double norm_b, double product) {
    double squared = norm_a + norm_b - 2 * product;
    return squared > 0 ? squared : 0;
}

/* Factor and all that follows from it, for the present lengths and noise. FNAS_ERR_NUMERIC where the matrix is not positive definite. */
FNAS_NODISCARD fnas_status fnas_gp_factorise(fnas_context *context, fnas_gp *gp);

#endif
