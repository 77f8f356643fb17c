/* What each step of a search does: functions of the configuration and the step alone. */
#ifndef FNAS_SEARCH_SCHEDULE_H
#define FNAS_SEARCH_SCHEDULE_H

#include "search/config/config.h"

typedef enum fnas_stage {
    FNAS_STAGE_WARM_UP,    /* the supernet alone learns */
    FNAS_STAGE_EXPLORE,    /* the hypernetwork learns too; its entropy is held */
    FNAS_STAGE_ANNEAL,     /* its entropy falls */
    FNAS_STAGE_CONSOLIDATE /* the supernet alone learns again, on what the hypernetwork draws, and where networks
                                 translate on the largest */
} fnas_stage;

bool fnas_stage_searches(fnas_stage stage); /* whether the hypernetwork learns in it */
fnas_stage fnas_schedule_stage(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* Whether the supernet learns in it: always but where it is frozen behind the warm-up. */
bool fnas_schedule_trains_weights(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* Whether the supernet is trained from its largest network on, and in which phase of that (space.h): FNAS_SPACE_ALL_OPEN where all choices
 * are open. */
bool fnas_schedule_shrinks(const fnas_search_config *config, int64_t step, int64_t total_steps);
int64_t fnas_schedule_phase(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* The last phase that has begun by a step: behind the warm-up the last of all. FNAS_SPACE_ALL_OPEN where there are none. */
int64_t fnas_schedule_phase_reached(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* The step behind the last in which the hypernetwork learns. */
int64_t fnas_schedule_search_end(const fnas_search_config *config, int64_t total_steps);
/* Of the paths that train the supernet, the fraction drawn uniformly. */
double fnas_schedule_uniform_fraction(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* Of networks which translate: the step behind the last in which the largest one alone is trained; 0: there is none such. */
int64_t fnas_schedule_largest_first_end(const fnas_search_config *config, int64_t total_steps);
/* Paths that train the supernet: all, or at first those alone that are the largest network. */
int64_t fnas_schedule_weight_paths(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* Updates of the hypernetwork. */
int64_t fnas_schedule_hypernet_rounds(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* Weight of the distributions' entropy against the scalarised loss. */
double fnas_schedule_entropy_weight(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* Learning rate of the supernet: where the configuration says so it rises first; a cosine until the hypernetwork rests, and another while
 * the supernet is consolidated (Loshchilov and Hutter 2017, "SGDR"). */
double fnas_schedule_weight_rate(const fnas_search_config *config, int64_t step, int64_t total_steps);
/* GDAS: linear until the hypernetwork rests. ReinMax: 1. */
double fnas_schedule_temperature(const fnas_search_config *config, int64_t step, int64_t total_steps);

#endif
