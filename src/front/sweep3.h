/* Hypervolume in three dimensions. */
#ifndef FNAS_FRONT_SWEEP3_H
#define FNAS_FRONT_SWEEP3_H

#include "base/sort.h"
#include "front/rank_set.h"

typedef struct fnas_sweep3_place fnas_sweep3_place;

/* Room for up to `capacity` points. */
typedef struct fnas_sweep3 {
    fnas_sweep3_place *places; /* [capacity] */
    int64_t *ranks;            /* [capacity] of points in the first objective */
    fnas_keyed *order, *buffer;
    fnas_rank_set stairs;
} fnas_sweep3;

FNAS_NODISCARD fnas_status fnas_sweep3_create(fnas_context *context, int64_t capacity, fnas_sweep3 *sweep);
void fnas_sweep3_destroy(fnas_sweep3 *sweep);

/* Volume between points [count][3], all of them better than the reference [3] or equal to it, and the reference. Points may dominate one
 * another. O(count log count). */
double fnas_sweep3_volume(fnas_sweep3 *sweep, int64_t count, const double *points, const double *reference);

#endif
