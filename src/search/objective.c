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

static void normalise(double low, double high, int64_t count, double value, double *normalised, double *gradient) {
    double range = high - low;
    double scale = range > 0 ? 1 / range : 0;
    *normalised = (value - low) * scale;
    for (int64_t i = 0; i < count; i++) gradient[i] *= scale;
}

static void evaluate_model(const fnas_latency_model *model, int64_t count, const double *onehot, double *value, double *normalised,
                           double *gradient) {
    double low = 0, high = 0;
    *value = fnas_latency_model_gradient(model, onehot, gradient);
    fnas_latency_model_range_ms(model, &low, &high);
    normalise(low, high, count, *value, normalised, gradient);
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

void fnas_objective_evaluate(const fnas_objectives *objectives, const fnas_search_state *state, int64_t objective, int64_t device,
                             const fnas_path_facts *facts, double *value, double *normalised, double *gradient) {
    const fnas_space *space = objectives->space;
    int64_t count = fnas_space_onehot_size(space);
    switch (objectives->config->objectives[objective]) {
    case FNAS_OBJECTIVE_ERROR:
        if (objectives->surrogate) {
            *value = fnas_surrogate_gradient(objectives->surrogate, facts->choices, facts->onehot, gradient);
            normalise(objectives->surrogate->low, objectives->surrogate->high, count, *value, normalised, gradient);
            *value = fnas_surrogate_bounded(objectives->surrogate, *value); /* what is shown; the search follows the slope */
            return;
        }
        if (objectives->config->error_gradient == FNAS_ERROR_GRADIENT_MODEL) {
            *value = fnas_error_model_gradient(&state->error_model, space, facts->onehot, gradient);
        } else {
            *value = facts->cross_entropy;
            memcpy(gradient, facts->cross_entropy_gradient, (size_t)count * sizeof *gradient);
        }
        normalise(state->error_low, state->error_high, count, *value, normalised, gradient);
        return;
    case FNAS_OBJECTIVE_LATENCY:
        evaluate_model(objectives->latency[device], count, facts->onehot, value, normalised, gradient);
        return;
    case FNAS_OBJECTIVE_ENERGY:
        evaluate_model(objectives->energy[device], count, facts->onehot, value, normalised, gradient);
        return;
    case FNAS_OBJECTIVE_MACS:
    case FNAS_OBJECTIVE_PARAMS:
        *value = closed_form_gradient(objectives->config->objectives[objective], space, facts->choices, gradient);
        normalise(objectives->low[objective], objectives->high[objective], count, *value, normalised, gradient);
        return;
    }
}
