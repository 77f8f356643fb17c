#include "search/length.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/statistics.h"

#define REPEATS 6            /* whose median one disturbance, or two, do not move */
#define REHEARSED_STEPS 1000 /* of the copy: far enough apart that its steps are of all stages */
#define STEPS_MOST 1e12      /* as config.json takes */

/* Of one stage's steps. */
static double stage_ms(fnas_stage stage, const fnas_step_costs *costs) {
    if (stage == FNAS_STAGE_WARM_UP) return costs->warmup_ms;
    if (!fnas_stage_searches(stage)) return costs->weights_ms;
    return costs->weights_ms + (stage == FNAS_STAGE_ANNEAL ? costs->annealing_ms : costs->hypernet_ms);
}

double fnas_length_step_ms(const fnas_search_config *config, const fnas_step_costs *costs) {
    double sum_ms = 0;
    for (int64_t step = 0; step < REHEARSED_STEPS; step++) sum_ms += stage_ms(fnas_schedule_stage(config, step, REHEARSED_STEPS), costs);
    return sum_ms / REHEARSED_STEPS;
}

int64_t fnas_length_steps(const fnas_search_config *config, const fnas_step_costs *costs, double spent_ms) {
    double steps = (config->minutes * 60e3 - spent_ms) / fnas_length_step_ms(config, costs);
    return steps >= 1 ? (int64_t)fmin(steps, STEPS_MOST) : 1;
}

/* ---- measuring ---- */

typedef fnas_status fnas_step_part(fnas_context *context, fnas_searcher *searcher);

/* Repeats of one part at the copy's steps first, first + 1, ... A request to stop ends them as soon as there is one. */
static fnas_status time_part(fnas_context *context, fnas_searcher *searcher, fnas_step_part *part, int64_t first, double limit_ms,
                             double *median_ms) {
    double took_ms[REPEATS], sum_ms = 0;
    int64_t count = 0;
    searcher->state->step = first;
    FNAS_TRY(part(context, searcher));
    while (count == 0 || (count < REPEATS && sum_ms < limit_ms && !fnas_context_stop_requested(context))) {
        double begin_ms = fnas_wall_ms();
        searcher->state->step++;
        FNAS_TRY(part(context, searcher));
        took_ms[count] = fnas_wall_ms() - begin_ms;
        sum_ms += took_ms[count++];
    }
    *median_ms = fnas_median(took_ms, count);
    return FNAS_OK;
}

/* The mean over the steps of the warm-up: those of one phase cost the same. */
static fnas_status time_phases(fnas_context *context, fnas_searcher *searcher, double limit_ms, double *mean_ms) {
    const fnas_search_config *config = searcher->config;
    int64_t first = 0, behind = 0;
    double sum_ms = 0;
    for (; fnas_schedule_shrinks(config, first, REHEARSED_STEPS); first = behind) {
        double phase_ms;
        int64_t phase = fnas_schedule_phase(config, first, REHEARSED_STEPS);
        while (fnas_schedule_shrinks(config, behind, REHEARSED_STEPS) && fnas_schedule_phase(config, behind, REHEARSED_STEPS) == phase)
            behind++;
        FNAS_TRY(time_part(context, searcher, fnas_update_weights, first, limit_ms, &phase_ms));
        sum_ms += phase_ms * (double)(behind - first);
    }
    *mean_ms = behind > 0 ? sum_ms / (double)behind : 0;
    return FNAS_OK;
}

/* Networks that translate: the mean over the steps of a warm-up that begins with the largest network alone. */
static fnas_status time_largest_first(fnas_context *context, fnas_searcher *searcher, double limit_ms, fnas_step_costs *costs) {
    double alone_ms = 0, alone = searcher->config->largest_first;
    if (fnas_schedule_largest_first_end(searcher->config, REHEARSED_STEPS) > 0)
        FNAS_TRY(time_part(context, searcher, fnas_update_weights, 0, limit_ms, &alone_ms));
    costs->warmup_ms = alone * alone_ms + (1 - alone) * costs->weights_ms;
    return FNAS_OK;
}

static fnas_status time_weights(fnas_context *context, fnas_searcher *searcher, double limit_ms, fnas_step_costs *costs) {
    const fnas_search_config *config = searcher->config;
    bool moves = config->shared_weights == FNAS_WEIGHTS_MOVING, phased = config->sandwiches > 0;
    int64_t first_shared = fnas_schedule_largest_first_end(config, REHEARSED_STEPS);
    while (phased && fnas_schedule_shrinks(config, first_shared, REHEARSED_STEPS)) first_shared++;
    if (phased) FNAS_TRY(time_phases(context, searcher, limit_ms, &costs->warmup_ms));
    if (phased && !moves) return FNAS_OK;
    FNAS_TRY(time_part(context, searcher, fnas_update_weights, first_shared, limit_ms, &costs->weights_ms));
    if (!phased) FNAS_TRY(time_largest_first(context, searcher, limit_ms, costs));
    if (!moves) costs->weights_ms = 0;
    return FNAS_OK;
}

static fnas_status time_parts(fnas_context *context, fnas_searcher *searcher, double limit_ms, fnas_step_costs *costs) {
    const fnas_search_config *config = searcher->config;
    int64_t annealing = fnas_schedule_search_end(config, REHEARSED_STEPS) - 1 - REPEATS; /* the last steps that anneal, if any do */
    if (annealing < 0) annealing = 0;
    costs->warmup_ms = costs->weights_ms = 0;
    if (fnas_search_has_supernet(config)) FNAS_TRY(time_weights(context, searcher, limit_ms, costs));
    FNAS_TRY(time_part(context, searcher, fnas_update_hypernet, 0, limit_ms, &costs->hypernet_ms));
    costs->annealing_ms = costs->hypernet_ms;
    if (fnas_schedule_hypernet_rounds(config, annealing, REHEARSED_STEPS) == 1) return FNAS_OK;
    return time_part(context, searcher, fnas_update_hypernet, annealing, limit_ms, &costs->annealing_ms);
}

/* Weights, hypernetwork and counters; an error model that has seen nothing costs what any does. */
static fnas_status copy_state(fnas_context *context, const fnas_searcher *searcher, fnas_search_state *copy) {
    const fnas_search_state *state = searcher->state;
    FNAS_TRY(fnas_search_state_allocate(context, searcher->config, searcher->run->supernet, state->shape.embedding, copy));
    memcpy(copy->weights.values, state->weights.values, (size_t)state->weights.float_count * sizeof(float));
    memcpy(copy->hypernet, state->hypernet, (size_t)state->hypernet_count * sizeof(float));
    copy->total_steps = REHEARSED_STEPS;
    return FNAS_OK;
}

fnas_status fnas_length_rehearse(fnas_context *context, fnas_searcher *searcher, double limit_ms, fnas_step_costs *costs) {
    fnas_search_state copy = {0};
    fnas_status status = copy_state(context, searcher, &copy);
    fnas_searcher rehearsing = *searcher; /* its buffers are the searcher's: each update fills them anew */
    rehearsing.state = &copy;
    if (status == FNAS_OK) status = time_parts(context, &rehearsing, limit_ms, costs);
    fnas_search_state_free(&copy);
    return status;
}
