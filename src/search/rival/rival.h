/* What rival methods work with: an archive of evaluated architectures, and a budget. A method is one entry in rival.c's table. */
#ifndef FNAS_SEARCH_RIVAL_RIVAL_H
#define FNAS_SEARCH_RIVAL_RIVAL_H

#include "base/random.h"
#include "fleetnas/rival.h"
#include "search/truth/truth.h"

typedef struct fnas_rival {
    fnas_context *context;
    const fnas_truth *truth;
    const fnas_space *space;
    int64_t decisions, objectives, budget;
    int64_t front_most; /* architectures that the answer may have */
    uint64_t seed;
    const char *data, *proxy; /* as in fnas_rival_options */
    fnas_random random;
    fnas_arch_set archive; /* in order of evaluation */
    double *points;        /* [archive.count][objectives], normalised */
    double *values;        /* the same in their units */
} fnas_rival;

typedef fnas_status fnas_rival_method(fnas_rival *rival);

/* *index: the architecture's place in the archive; -1 where the budget is spent and it is not known. */
FNAS_NODISCARD fnas_status fnas_rival_evaluate(fnas_rival *rival, const int32_t *choices, int64_t *index);
bool fnas_rival_is_spent(const fnas_rival *rival);
const double *fnas_rival_point(const fnas_rival *rival, int64_t index);
const int32_t *fnas_rival_arch(const fnas_rival *rival, int64_t index);

/* What a method needs that looks at every row: that there is a table. Errors: FNAS_ERR_UNSUPPORTED. */
FNAS_NODISCARD fnas_status fnas_rival_require_table(const fnas_rival *rival);

/* A uniformly random architecture. */
void fnas_rival_draw(fnas_rival *rival, int32_t *choices);
/* Another choice for one decision, both at random. */
void fnas_rival_mutate(fnas_rival *rival, int32_t *choices);
/* A child [decisions] of two architectures: uniform crossover in nine of ten, then each decision changes with probability 1 / decisions. */
void fnas_rival_breed(fnas_rival *rival, const int32_t *first, const int32_t *second, int32_t *child);
/* Evaluates random architectures until `count` are in the archive, or the budget is spent. */
FNAS_NODISCARD fnas_status fnas_rival_fill(fnas_rival *rival, int64_t count);

/* Non-dominated sorting and crowding distance (Deb et al. 2002) of places in the archive [count]: sorted so that the better stands in front
 * (a lower layer, then the less crowded, then the earlier). */
FNAS_NODISCARD fnas_status fnas_rival_sort(const fnas_rival *rival, int64_t count, int64_t *places);

/* Evaluates the front of a number that stands in for the error: values [truth->archs.count] by row of the table, the lower, the better;
 * infinite for what is left out. The costs of all are known, so that this front is. */
FNAS_NODISCARD fnas_status fnas_rival_stand_in(fnas_rival *rival, const double *values);

fnas_rival_method fnas_rival_random, fnas_rival_local_search, fnas_rival_nsga2, fnas_rival_regularised_evolution, fnas_rival_macs,
    fnas_rival_naswot, fnas_rival_synflow, fnas_rival_untrained, fnas_rival_linear_scalarisation, fnas_rival_random_scalarisation,
    fnas_rival_parego, fnas_rival_ehvi;

#endif
