/* Sets of points in objective space, all objectives minimised: dominance and hypervolume. */
#ifndef FLEETNAS_FRONT_H
#define FLEETNAS_FRONT_H

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* points: [count][objectives] row-major, finite (FNAS_ERR_INPUT names the first that is not). objectives 1..16. All functions are
 * deterministic and thread-safe. A point equal to an earlier one counts as dominated by it. */

/* keep [count]: 1 where no other point dominates. O(n log n) for two objectives, O(n^2) otherwise. */
FNAS_API FNAS_NODISCARD fnas_status fnas_front_nondominated(fnas_context *context, int64_t count, int64_t objectives, const double *points,
                                                            uint8_t *keep);

/* Volume dominated by the points and bounded by reference [objectives]; points beyond it count for what is left of them (nothing). Two
 * and three objectives: sweeps, O(n log n) (Beume et al. 2009); more: WFG (While et al. 2012). */
FNAS_API FNAS_NODISCARD fnas_status fnas_front_hypervolume(fnas_context *context, int64_t count, int64_t objectives, const double *points,
                                                           const double *reference, double *volume);

/* The best `most` points by hypervolume: all but the non-dominated are dropped, then the least contributor is dropped until `most` are
 * left. order [most] gets their indices, best contribution first; *kept <= most. */
FNAS_API FNAS_NODISCARD fnas_status fnas_front_select(fnas_context *context, int64_t count, int64_t objectives, const double *points,
                                                      const double *reference, int64_t most, int64_t *order, int64_t *kept);

#ifdef __cplusplus
}
#endif
#endif
