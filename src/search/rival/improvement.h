/* What a Gaussian belief about a point promises to improve: expected improvement of one value, expected hypervolume improvement of a front.
 * Everything is minimised. */
#ifndef FNAS_SEARCH_RIVAL_IMPROVEMENT_H
#define FNAS_SEARCH_RIVAL_IMPROVEMENT_H

#include "base/error.h"

/* E[max(best - Y, 0)], Y ~ N(mean, deviation^2), deviation >= 0 (Mockus et al. 1978; Jones, Schonlau and Welch 1998, equation 15). */
double fnas_expected_improvement(double best, double mean, double deviation);

#define FNAS_EHVI_OBJECTIVES_MAX 3

/* What no point of a front dominates, up to the reference, as boxes that do not overlap: at most n + 1 of them for two objectives,
 * 2 n + 1 for three (Yang, Emmerich, Deutz and Back 2019, "Efficient computation of expected hypervolume improvement using box
 * decomposition algorithms"). */
typedef struct fnas_ehvi {
    int64_t objectives, levels, boxes;
    double *level;       /* [objectives][levels]: coordinates of the front's points, then of the reference */
    int32_t *low, *high; /* [boxes][objectives]: levels between which a box lies; low -1: unbounded */
    double *promise;     /* [objectives][levels] scratch */
} fnas_ehvi;

/* points [count][objectives]; those that others dominate or that are not better than the reference [objectives] in everything count for
 * nothing. Two or three objectives. O(n log n) and the length of the stairs. Owned by the caller (fnas_ehvi_close), also after a failure.
 * Errors: FNAS_ERR_UNSUPPORTED (objectives), FNAS_ERR_INPUT (not finite), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_ehvi_open(fnas_context *context, int64_t count, int64_t objectives, const double *points,
                                          const double *reference, fnas_ehvi *ehvi);
void fnas_ehvi_close(fnas_ehvi *ehvi);

/* The expected increase of the hypervolume by a point with independent objectives Y_m ~ N(means_m, deviations_m^2), exact: in a box
 * [low, high] a point at Y adds prod_m max(high_m - max(low_m, Y_m), 0), the mean of which is a product of differences of expected
 * improvements (Emmerich et al. 2011; Yang et al. 2019). O(objectives * n). Uses the scratch: one thread at a time. */
double fnas_ehvi_of(fnas_ehvi *ehvi, const double *means, const double *deviations);

#endif
