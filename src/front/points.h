/* What the files of this folder share: checked sets of points, all objectives minimised. */
#ifndef FNAS_FRONT_POINTS_H
#define FNAS_FRONT_POINTS_H

#include "base/error.h"
#include "fleetnas/front.h"
#include "front/sweep3.h"

#define FNAS_FRONT_OBJECTIVES_MAX 16

/* FNAS_ERR_INPUT unless there are 1..16 objectives and every coordinate is finite. */
FNAS_NODISCARD fnas_status fnas_points_check(fnas_context *context, int64_t count, int64_t objectives, const double *points);
FNAS_NODISCARD fnas_status fnas_points_check_reference(fnas_context *context, int64_t objectives, const double *reference);

/* a is nowhere worse than b. */
bool fnas_point_covers(int64_t objectives, const double *a, const double *b);

/* Room for hypervolumes of up to `capacity` points: one level of buffers for each objective above the third, one sort buffer. */
typedef struct fnas_wfg {
    int64_t capacity, objectives;
    const double *reference;                   /* [objectives], borrowed */
    double *levels[FNAS_FRONT_OBJECTIVES_MAX]; /* by number of objectives: [capacity][objectives] */
    double *sorted;                            /* [capacity][objectives] */
    fnas_keyed *order, *order_buffer;          /* [capacity] */
    fnas_sweep3 sweep3;
} fnas_wfg;

FNAS_NODISCARD fnas_status fnas_wfg_create(fnas_context *context, int64_t capacity, int64_t objectives, const double *reference,
                                           fnas_wfg *wfg);
void fnas_wfg_destroy(fnas_wfg *wfg);

/* Hypervolume of points [count][objectives], count <= capacity; the array is used as scratch and left in another order. */
double fnas_wfg_volume(fnas_wfg *wfg, int64_t count, double *points);

/* Volume that point `index` alone dominates; scratch [count][objectives] of the caller. */
double fnas_wfg_contribution(fnas_wfg *wfg, int64_t count, const double *points, int64_t index, double *scratch);

#endif
