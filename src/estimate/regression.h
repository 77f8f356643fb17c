/* From the errors of a few architectures to those of all: a Gaussian process (Rasmussen and Williams 2006, chapters 2 and 5) whose kernel
 * is the sum of a linear one and a squared exponential over the candidates' features. What features share is told by the first, how they
 * act together by the second. */
#ifndef FNAS_ESTIMATE_REGRESSION_H
#define FNAS_ESTIMATE_REGRESSION_H

#include "base/error.h"

/* Of the kernel, as shares of one amplitude: linear + curved * exp(-d^2 / (2 length^2)) + noise on the diagonal; d^2 is the mean squared
 * difference of the features. */
typedef struct fnas_kernel {
    double curved, length, noise; /* linear is 1 */
} fnas_kernel;

/* features: [count][width] of all candidates. rows [row_count >= 3]: of them those known, values [row_count]. mean, deviation: [count],
 * written; deviation is that of the function, without the noise of an observation. *kernel: where the search for the largest marginal
 * likelihood begins (zeroed: a standard place), and what it found. Costs O(row_count^3) a try, O(count row_count^2) at last. Deterministic.
 * Errors: FNAS_ERR_NUMERIC (values that are not finite, or all the same), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_regress(fnas_context *context, int64_t count, int64_t width, const double *features, int64_t row_count,
                                        const int64_t *rows, const double *values, fnas_kernel *kernel, double *mean, double *deviation);

#endif
