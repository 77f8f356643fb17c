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

/* How near a front is to the true one; the smaller, the better. All are of coordinates as they are given: normalise before. */
typedef struct fnas_indicators {
    double gd;       /* mean over the front of the distance to the nearest true point (Van Veldhuizen 1999, without the root) */
    double gd_plus;  /* the same, only where a point is worse than the true one (Ishibuchi et al. 2015) */
    double igd;      /* mean over the true points of the distance to the nearest of the front (Coello and Reyes Sierra 2004) */
    double igd_plus; /* the same, only where the front's point is worse (Ishibuchi et al. 2015) */
    double epsilon;  /* additive: by how much the front must be moved to cover every true point (Zitzler et al. 2003) */
    double r2;       /* mean over weights w of min over points of max_i w_i |point_i - ideal_i|, with the most evenly spaced weights of at
                        most 1,000 (Hansen and Jaszkiewicz 1998; Brockhoff et al. 2012) */
} fnas_indicators;
/* points: [count][objectives], truth: [truth_count][objectives], row-major, finite; ideal: [objectives]. Time count * truth_count. Errors:
 * FNAS_ERR_INPUT (not finite, an empty set), FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_front_indicators(fnas_context *context, int64_t objectives, int64_t count, const double *points,
                                                          int64_t truth_count, const double *truth, const double *ideal,
                                                          fnas_indicators *indicators);

#ifdef __cplusplus
}
#endif
#endif
