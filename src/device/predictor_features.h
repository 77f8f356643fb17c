/* What of an architecture the predictor looks at: the space's cost features, and which of them are the same operation at different places.
 */
#ifndef FNAS_DEVICE_PREDICTOR_FEATURES_H
#define FNAS_DEVICE_PREDICTOR_FEATURES_H

#include <stdbool.h>

#include "base/error.h"
#include "fleetnas/space.h"

#define FNAS_PREDICTOR_MAX_FEATURES 1024 /* they live on the stack, so that a gradient allocates nothing */

/* The linear basis of a latency is [1, pooled_0 .. pooled_{group_count-1}, feature_0 .. feature_{feature_count-1}]: an operation costs
 * about the same wherever it stands (pooled), with small deviations by place (feature). */
typedef struct fnas_feature_map {
    int64_t feature_count; /* F, of the space */
    int64_t group_count;   /* P */
    int64_t linear_count;  /* 1 + P + F */
    int32_t *group_size;   /* [F], the first P used: features in a group */
    bool *is_further;      /* [F]: of the same entry as an earlier feature */
    int32_t *group;        /* [F]: the group in which a feature is pooled */
    int64_t bound_count;   /* 1 + F */
    bool pools;            /* some group has more than one feature */
    int32_t (*bounds)[2];  /* coefficients whose sum is the constant, or the weight of one feature: a cost, hence not negative */
    double *scale; /* [linear_count]: standard deviation of the basis over random architectures of the space; 1 for the constant, 0 where it
                      never changes */
} fnas_feature_map;

/* Found from fixed random architectures of the space: the same map for every predictor of a space. A feature that is non-zero only where
 * one entry of the one-hot is 1 belongs to that entry; features that belong to entries with the same choice name, and stand in the same
 * relation to them (first, second, ... feature of their entry), are pooled. A feature without an entry is its own group. */
FNAS_NODISCARD fnas_status fnas_feature_map_create(fnas_context *context, const fnas_space *space, fnas_feature_map *map);
void fnas_feature_map_release(fnas_feature_map *map);

/* Whether the prior of coefficient j of the linear basis is as wide as that of a kind of operation: the constant, pooled costs; where
 * nothing is pooled, every feature is a kind of its own. */
bool fnas_feature_map_is_kind(const fnas_feature_map *map, int64_t j);
/* mean [linear_count] of the basis over the architectures from which the map was found. */
FNAS_NODISCARD fnas_status fnas_feature_map_mean(fnas_context *context, const fnas_space *space, const fnas_feature_map *map, double *mean);
/* features [F] -> basis [linear_count]. */
void fnas_feature_map_linear(const fnas_feature_map *map, const double *features, double *basis);
/* Collapses coefficients of the linear basis to one weight a feature: bias + weights . features = coefficients . basis. */
void fnas_feature_map_collapse(const fnas_feature_map *map, const double *coefficients, double *bias, double *weights);

#endif
