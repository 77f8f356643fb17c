/* A truth table in memory. */
#ifndef FNAS_SEARCH_TRUTH_H
#define FNAS_SEARCH_TRUTH_H

#include "fleetnas/truth.h"
#include "space/arch_set.h"

struct fnas_truth {
    const fnas_space *space;
    fnas_arch_set archs; /* those that have all objectives */
    int64_t objective_count;
    char *cost_names[FNAS_TRUTH_OBJECTIVES_MAX];
    double *values;                                                         /* [archs.count][objective_count] */
    double low[FNAS_TRUTH_OBJECTIVES_MAX], high[FNAS_TRUTH_OBJECTIVES_MAX]; /* over errors under 90 % */
    double *front;                                                          /* normalised [front_count][objective_count] */
    int64_t front_count;
    double hypervolume; /* of the front */
};

#define FNAS_TRUTH_ERROR_LIMIT_PCT 90.0 /* errors from here on are those of networks that guess */
#define FNAS_TRUTH_POINTS 24            /* of a front, so that all are compared by as many */

/* The reference point of hypervolumes: in normalised coordinates the worst of everything, 1. */
extern const double fnas_truth_reference[FNAS_TRUTH_OBJECTIVES_MAX];

/* Coordinates between 0 and 1 within the table's range. normalised [objective_count]. */
void fnas_truth_normalise(const fnas_truth *truth, const double *values, double *normalised);

#endif
