/* Objectives and their normalisation. */
#include "search/objective.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define DECISIONS_MAX 256

double fnas_objective_closed_form(fnas_objective_kind kind, const fnas_space *space, const int32_t *choices) {
    return kind == FNAS_OBJECTIVE_MACS ? (double)fnas_space_macs(space, choices) : (double)fnas_space_params(space, choices);
}

/* Range over random architectures and each architecture that repeats one choice: the ends of counts lie there. */
static fnas_status closed_form_range(fnas_context *context, fnas_objective_kind kind, const fnas_space *space, double *low, double *high) {
    int64_t decisions = fnas_space_decision_count(space);
    int32_t *choices = fnas_allocate((size_t)decisions, sizeof *choices);
    if (!choices) return fnas_fail_memory(context, "objective ranges");
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0; i < 2000; i++) {
        if (i < 16) {
            for (int64_t d = 0; d < decisions; d++) choices[d] = (int32_t)(i % fnas_space_choice_count(space, d));
        } else {
            fnas_space_random(space, 0, i, choices);
        }
        double value = fnas_objective_closed_form(kind, space, choices);
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
    fnas_free(choices);
    return FNAS_OK;
}

/* One a device; *models is the caller's, also after a failure. */
static fnas_status create_models(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space, int64_t count,
                                 fnas_card *const *cards, fnas_latency_model ***models) {
    *models = fnas_allocate((size_t)count, sizeof **models);
    if (!*models) return fnas_fail_memory(context, "objectives");
    for (int64_t t = 0; t < count; t++) FNAS_TRY(fnas_latency_model_create(context, predictor, space, cards[t], &(*models)[t]));
    return FNAS_OK;
}

static void free_models(int64_t count, fnas_latency_model **models) {
    for (int64_t t = 0; models && t < count; t++) fnas_latency_model_free(models[t]);
    fnas_free(models);
}

fnas_status fnas_objectives_create(fnas_context *context, const fnas_search_config *config, const fnas_space *space,
                                   const fnas_predictor *predictor, const fnas_predictor *energy_predictor, const fnas_surrogate *surrogate,
                                   fnas_card *const *cards, fnas_objectives *objectives) {
    *objectives = (fnas_objectives){.config = config, .space = space, .surrogate = surrogate, .device_count = config->device_count};
    if (fnas_space_decision_count(space) > DECISIONS_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "spaces of more than %d decisions", DECISIONS_MAX);
    FNAS_TRY(create_models(context, predictor, space, config->device_count, cards, &objectives->latency));
    if (energy_predictor) FNAS_TRY(create_models(context, energy_predictor, space, config->device_count, cards, &objectives->energy));
    for (int64_t m = 0; m < config->objective_count; m++) {
        if (config->objectives[m] != FNAS_OBJECTIVE_MACS && config->objectives[m] != FNAS_OBJECTIVE_PARAMS) continue;
        FNAS_TRY(closed_form_range(context, config->objectives[m], space, &objectives->low[m], &objectives->high[m]));
    }
    return FNAS_OK;
}

void fnas_objectives_free(fnas_objectives *objectives) {
    free_models(objectives->device_count, objectives->latency);
    free_models(objectives->device_count, objectives->energy);
    *objectives = (fnas_objectives){0};
}

static double scale_of(double low, double high) {
    return high > low ? 1 / (high - low) : 0;
}

double fnas_objective_normalise(double low, double high, double value) {
    return (value - low) * scale_of(low, high);
}

/* The error's scale is that of its surrogate, or of what the search knows of the supernet's losses. */
static void error_range(const fnas_objectives *objectives, const fnas_search_state *state, double *low, double *high) {
    *low = objectives->surrogate ? objectives->surrogate->low : state->error_low;
    *high = objectives->surrogate ? objectives->surrogate->high : state->error_high;
}

void fnas_objective_range(const fnas_objectives *objectives, const fnas_search_state *state, int64_t objective, int64_t device, double *low,
                          double *high) {
    switch (objectives->config->objectives[objective]) {
    case FNAS_OBJECTIVE_ERROR:
        error_range(objectives, state, low, high);
        return;
    case FNAS_OBJECTIVE_LATENCY:
        fnas_latency_model_range_ms(objectives->latency[device], low, high);
        return;
    case FNAS_OBJECTIVE_ENERGY:
        fnas_latency_model_range_ms(objectives->energy[device], low, high);
        return;
    case FNAS_OBJECTIVE_MACS:
    case FNAS_OBJECTIVE_PARAMS:
        *low = objectives->low[objective];
        *high = objectives->high[objective];
        return;
    }
}

/* d count / d D_ek as the exact difference that choosing k at e would make: within a row only differences matter to a sampler. */
static double closed_form_gradient(fnas_objective_kind kind, const fnas_space *space, const int32_t *choices, double *gradient) {
    int32_t changed[DECISIONS_MAX];
    int64_t decisions = fnas_space_decision_count(space);
    memcpy(changed, choices, (size_t)decisions * sizeof *changed);
    double value = fnas_objective_closed_form(kind, space, choices);
    for (int64_t d = 0; d < decisions; d++) {
        double *row = gradient + fnas_space_onehot_offset(space, d);
        for (int64_t k = 0; k < fnas_space_choice_count(space, d); k++) {
            changed[d] = (int32_t)k;
            row[k] = fnas_objective_closed_form(kind, space, changed) - value;
        }
        changed[d] = choices[d];
    }
    return value;
}

/* In its own unit, with the gradient of that. */
static double evaluate_error(const fnas_objectives *objectives, const fnas_search_state *state, const fnas_path_facts *facts,
                             double *gradient) {
    if (objectives->surrogate) return fnas_surrogate_gradient(objectives->surrogate, facts->choices, facts->onehot, gradient);
    if (objectives->config->error_gradient == FNAS_ERROR_GRADIENT_MODEL)
        return fnas_error_model_gradient(&state->error_model, objectives->space, facts->onehot, gradient);
    memcpy(gradient, facts->cross_entropy_gradient, (size_t)fnas_space_onehot_size(objectives->space) * sizeof *gradient);
    return facts->cross_entropy;
}

static double evaluate(const fnas_objectives *objectives, const fnas_search_state *state, fnas_objective_kind kind, int64_t device,
                       const fnas_path_facts *facts, double *gradient) {
    switch (kind) {
    case FNAS_OBJECTIVE_ERROR:
        return evaluate_error(objectives, state, facts, gradient);
    case FNAS_OBJECTIVE_LATENCY:
        return fnas_latency_model_gradient(objectives->latency[device], facts->onehot, gradient);
    case FNAS_OBJECTIVE_ENERGY:
        return fnas_latency_model_gradient(objectives->energy[device], facts->onehot, gradient);
    case FNAS_OBJECTIVE_MACS:
    case FNAS_OBJECTIVE_PARAMS:
        return closed_form_gradient(kind, objectives->space, facts->choices, gradient);
    }
    return (double)NAN;
}

void fnas_objective_evaluate(const fnas_objectives *objectives, const fnas_search_state *state, int64_t objective, int64_t device,
                             const fnas_path_facts *facts, double *value, double *normalised, double *gradient) {
    double low = 0, high = 0;
    *value = evaluate(objectives, state, objectives->config->objectives[objective], device, facts, gradient);
    fnas_objective_range(objectives, state, objective, device, &low, &high);
    *normalised = fnas_objective_normalise(low, high, *value);
    bool is_surrogate = objectives->config->objectives[objective] == FNAS_OBJECTIVE_ERROR && objectives->surrogate;
    if (is_surrogate) *value = fnas_surrogate_bounded(objectives->surrogate, *value); /* what is shown; the search follows the slope */
    for (int64_t i = 0; i < fnas_space_onehot_size(objectives->space); i++) gradient[i] *= scale_of(low, high);
}
