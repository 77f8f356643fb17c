/* From the errors of a few architectures to those of all. */
#ifndef FNAS_ESTIMATE_REGRESSION_H
#define FNAS_ESTIMATE_REGRESSION_H

#include "estimate/candidates.h"

/* A Gaussian process (gaussian_process.h) over the candidates' features, with one length for the space's own and one for those that were
 * added (candidates.h). rows [row_count >= 3]: candidates whose values [row_count] are known. mean, deviation [candidates], written;
 * deviation is that of the function, without the noise of an observation. Deterministic: no memory of earlier calls. Errors:
 * FNAS_ERR_NUMERIC (values that are not finite, or all the same), FNAS_ERR_UNSUPPORTED (too many rows), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_regress(fnas_context *context, const fnas_estimate_candidates *candidates, int64_t row_count,
                                        const int64_t *rows, const double *values, double *mean, double *deviation);

#endif
