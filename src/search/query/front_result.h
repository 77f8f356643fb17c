/* What a front query answers with: a small immutable table. */
#ifndef FNAS_SEARCH_QUERY_FRONT_RESULT_H
#define FNAS_SEARCH_QUERY_FRONT_RESULT_H

#include "search/config/config.h"

struct fnas_front {
    char *device;
    int64_t objective_count, decision_count, point_count;
    fnas_objective_kind objectives[FNAS_OBJECTIVES_MAX];
    fnas_error_kind error;
    int32_t *choices;         /* [points][decisions] */
    char **archs;             /* [points] native strings */
    double *preferences;      /* [points][objectives] */
    double *values;           /* [points][objectives]; error is NaN where it was not scored */
    double *latency_ms;       /* [points] predicted, whether or not it is an objective */
    double *low_ms, *high_ms; /* [points] their 90 % intervals: 0 and infinity where unknown */
    bool *measured;           /* [points] the values are the card's own measurements */
};

/* A front of `points` points with nothing filled in. Owned: fnas_front_free. */
FNAS_NODISCARD fnas_status fnas_front_create(fnas_context *context, const char *device, const fnas_search_config *config,
                                             const fnas_space *space, int64_t points, fnas_front **front);
/* Fills one point; everything is copied. */
FNAS_NODISCARD fnas_status fnas_front_set_point(fnas_context *context, const fnas_space *space, fnas_front *front, int64_t point,
                                                const int32_t *choices, const double *preference, const double *values, double latency_ms);

/* What is measured needs no prediction: its latency is the value, and it has no interval. */
void fnas_front_settle_measured(fnas_front *front);

#endif
