#include "search/schedule.h"

#include <math.h>

#include "nn/optimiser.h"
#include "space/space.h"

/* The stages' first steps. Fractions are of all steps; rounded down, so that even the shortest search has steps in which the
 * hypernetwork learns. */
static int64_t explore_begin(const fnas_search_config *config, int64_t total_steps) {
    return (int64_t)(config->warmup_fraction * (double)total_steps);
}

int64_t fnas_schedule_search_end(const fnas_search_config *config, int64_t total_steps) {
    return total_steps - (int64_t)(config->consolidate_fraction * (double)total_steps);
}

/* Until then the error model and the supernet still learn, and a distribution that has closed on an early mistake hardly opens again. */
static int64_t anneal_begin(const fnas_search_config *config, int64_t total_steps) {
    return (int64_t)(config->entropy_hold * (double)total_steps);
}

bool fnas_stage_searches(fnas_stage stage) {
    return stage == FNAS_STAGE_EXPLORE || stage == FNAS_STAGE_ANNEAL;
}

fnas_stage fnas_schedule_stage(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    if (step < explore_begin(config, total_steps)) return FNAS_STAGE_WARM_UP;
    if (step >= fnas_schedule_search_end(config, total_steps)) return FNAS_STAGE_CONSOLIDATE;
    return step < anneal_begin(config, total_steps) ? FNAS_STAGE_EXPLORE : FNAS_STAGE_ANNEAL;
}

bool fnas_schedule_trains_weights(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    return config->shared_weights == FNAS_WEIGHTS_MOVING || fnas_schedule_stage(config, step, total_steps) == FNAS_STAGE_WARM_UP;
}

bool fnas_schedule_shrinks(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    return config->sandwiches > 0 && fnas_schedule_stage(config, step, total_steps) == FNAS_STAGE_WARM_UP;
}

int64_t fnas_schedule_phase(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    double sum = 0, steps = (double)explore_begin(config, total_steps), before = 0;
    for (int64_t p = 0; p < config->phase_count; p++) sum += config->phase_shares[p];
    if (!fnas_schedule_shrinks(config, step, total_steps)) return FNAS_SPACE_ALL_OPEN;
    for (int64_t p = 0; p < config->phase_count; p++) {
        before += config->phase_shares[p];
        if ((double)step < floor(steps * before / sum)) return p;
    }
    return config->phase_count - 1; /* FNAS_SPACE_ALL_OPEN where there are none */
}

int64_t fnas_schedule_phase_reached(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    bool shrinks = fnas_schedule_shrinks(config, step, total_steps);
    if (config->sandwiches == 0) return FNAS_SPACE_ALL_OPEN;
    return shrinks ? fnas_schedule_phase(config, step, total_steps) : config->phase_count - 1;
}

double fnas_schedule_uniform_fraction(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    return fnas_schedule_stage(config, step, total_steps) == FNAS_STAGE_CONSOLIDATE ? 0 : config->uniform_fraction;
}

int64_t fnas_schedule_largest_first_end(const fnas_search_config *config, int64_t total_steps) {
    return (int64_t)(config->largest_first * (double)explore_begin(config, total_steps));
}

int64_t fnas_schedule_weight_paths(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    return step < fnas_schedule_largest_first_end(config, total_steps) ? config->largest_paths : config->paths;
}

int64_t fnas_schedule_hypernet_rounds(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    return fnas_schedule_stage(config, step, total_steps) == FNAS_STAGE_ANNEAL ? config->hypernet_rounds : 1;
}

/* While annealing it falls by the same factor each step, as temperatures do in simulated annealing. */
double fnas_schedule_entropy_weight(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    int64_t begin = anneal_begin(config, total_steps), length = fnas_schedule_search_end(config, total_steps) - begin;
    if (step <= begin || length <= 0 || config->entropy_start == 0) return config->entropy_start;
    double progress = fmin((double)(step - begin) / (double)length, 1);
    return config->entropy_start * pow(config->entropy_end / config->entropy_start, progress);
}

static int64_t rise_steps(const fnas_search_config *config, int64_t total_steps) {
    return (int64_t)(config->rate_warmup * (double)total_steps);
}

/* Linear, from the first step on (Vaswani et al. 2017): 1 where it is over, or there is none. */
static double rise(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    double steps = (double)rise_steps(config, total_steps);
    return steps > 1 ? fmin((double)(step + 1) / steps, 1) : 1;
}

/* The first cosine begins where the rate has risen, and ends where the supernet is frozen, or where the hypernetwork rests. */
static double fall(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    bool frozen = config->shared_weights == FNAS_WEIGHTS_FROZEN;
    int64_t end = frozen ? explore_begin(config, total_steps) : fnas_schedule_search_end(config, total_steps);
    int64_t begin = rise_steps(config, total_steps);
    if (step < begin) return config->weight_rate;
    if (step < end) return fnas_cosine(config->weight_rate, config->weight_rate_end, step - begin, end - begin);
    return fnas_cosine(config->consolidate_rate, config->weight_rate_end, step - end, total_steps - end);
}

double fnas_schedule_weight_rate(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    return rise(config, step, total_steps) * fall(config, step, total_steps);
}

double fnas_schedule_temperature(const fnas_search_config *config, int64_t step, int64_t total_steps) {
    if (config->sampler == FNAS_SAMPLER_REINMAX) return 1;
    int64_t last = fnas_schedule_search_end(config, total_steps) - 1;
    double progress = last > 0 ? (double)step / (double)last : 1;
    return config->temperature_start + (config->temperature_end - config->temperature_start) * fmin(progress, 1);
}
