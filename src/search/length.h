/* The length of a search by time: what the parts of a step cost here, and how many steps that makes. */
#ifndef FNAS_SEARCH_LENGTH_H
#define FNAS_SEARCH_LENGTH_H

#include "search/searcher.h"

/* Milliseconds of the parts of a step. */
typedef struct fnas_step_costs {
    double warmup_ms;    /* the supernet's update in the warm-up: where it is trained in phases, or begins with the largest network
                            alone, the mean over these */
    double weights_ms;   /* behind the warm-up: every step; 0 where it is frozen. What it costs changes little with what is drawn */
    double hypernet_ms;  /* the hypernetwork's: in the stages in which it learns */
    double annealing_ms; /* in its place while the entropy falls: with all rounds of updates */
} fnas_step_costs;

/* Mean milliseconds of a step over a whole search, its stages as long as the configuration makes them. */
double fnas_length_step_ms(const fnas_search_config *config, const fnas_step_costs *costs);

/* Steps that the configuration's minutes have room for when spent_ms of them are over: at least one. */
int64_t fnas_length_steps(const fnas_search_config *config, const fnas_step_costs *costs, double spent_ms);

/* Times each part: once untimed, since that prepares kernels, then the median of up to six, fewer where one part takes more than limit_ms.
 * It works on a copy of the state: the search that follows has the bits of one that was not rehearsed. */
FNAS_NODISCARD fnas_status fnas_length_rehearse(fnas_context *context, fnas_searcher *searcher, double limit_ms, fnas_step_costs *costs);

#endif
