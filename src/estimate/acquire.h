/* Which architectures to train next: those that promise most hypervolume. */
#ifndef FNAS_ESTIMATE_ACQUIRE_H
#define FNAS_ESTIMATE_ACQUIRE_H

#include "estimate/candidates.h"

/* For each device the front of what the regression expects (mean [candidates]) stands in the plane of cost and error, both normalised over
 * the candidates. An architecture that is not yet trained (trained [candidates] false) may be as good as mean - 1.5 deviation (of the
 * regression that stands behind the mean): what that would add to the hypervolumes, over all devices, is its gain (an upper confidence
 * bound, Srinivas et al. 2010, of the hypervolume). chosen [count], written: the largest gain first, each chosen one counted as if it were
 * as good as it may be, so that the next lies elsewhere. *found: fewer than count where no other gains anything. Costs O(candidates *
 * devices * (log candidates + count * points of a front)). Deterministic. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_acquire(fnas_context *context, const fnas_estimate_candidates *candidates, const double *mean,
                                        const double *deviation, const bool *trained, int64_t count, int64_t *chosen, int64_t *found);

#endif
