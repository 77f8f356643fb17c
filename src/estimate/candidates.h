/* All architectures of a space that an estimate tells apart, with what they cost on each device. */
#ifndef FNAS_ESTIMATE_CANDIDATES_H
#define FNAS_ESTIMATE_CANDIDATES_H

#include "fleetnas/predictor.h"
#include "space/arch_set.h"
#include "space/space.h"

#define FNAS_ESTIMATE_ARCHS_MAX 20000

typedef struct fnas_estimate_candidates {
    fnas_arch_set archs;            /* canonical and connected, each once */
    int64_t costs;                  /* devices; 1 without: the MACs */
    double *cost;                   /* [archs.count][costs] */
    int64_t features, own_features; /* the first are the space's own */
    double *feature;                /* [archs.count][features], of mean 0 and variance 1; what is the same for all is left out */
} fnas_estimate_candidates;

/* Enumerates the space; costs are latencies that the predictor expects on the cards [card_count], or MACs where there are none (predictor
 * is then NULL). Features: the space's for errors, and the logarithm of the MACs where it knows them. FNAS_ERR_INPUT where the space has
 * more than FNAS_ESTIMATE_ARCHS_MAX architectures. */
FNAS_NODISCARD fnas_status fnas_estimate_candidates_create(fnas_context *context, const fnas_space *space, const fnas_predictor *predictor,
                                                           int64_t card_count, fnas_card *const *cards,
                                                           fnas_estimate_candidates *candidates);
/* Appends a feature [archs.count], standardised (one that is the same for all is not). */
FNAS_NODISCARD fnas_status fnas_estimate_candidates_add_feature(fnas_context *context, fnas_estimate_candidates *candidates,
                                                                const double *values);
void fnas_estimate_candidates_free(fnas_estimate_candidates *candidates); /* also zeroed */

#endif
