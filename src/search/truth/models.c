/* Objectives of any architecture: the error that a surrogate says, the latency that a predictor says. In spaces too large for a table. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "fleetnas/predictor.h"
#include "search/error/surrogate.h"
#include "search/truth/truth.h"
#include "space/arch_find.h"

#define SCALE_ARCHITECTURES 1000
#define OBJECTIVES 2

struct fnas_truth_models {
    const fnas_space *space; /* borrowed */
    fnas_surrogate *surrogate;
    fnas_predictor *predictor;
    fnas_card *card;
    fnas_latency_model *latency;
};

void fnas_models_free(fnas_truth_models *models) {
    if (!models) return;
    fnas_latency_model_free(models->latency);
    fnas_card_free(models->card);
    fnas_predictor_free(models->predictor);
    fnas_surrogate_free(models->surrogate);
    fnas_free(models);
}

fnas_status fnas_models_evaluate(fnas_context *context, const fnas_truth_models *models, const int32_t *choices, double *values) {
    char text[FNAS_ARCH_TEXT_BYTES];
    values[0] = fnas_surrogate_error(models->surrogate, choices);
    FNAS_TRY(fnas_latency_model_predict(context, models->latency, 1, choices, values + 1));
    if (isfinite(values[0]) && isfinite(values[1])) return FNAS_OK;
    FNAS_TRY(fnas_space_format(context, models->space, choices, text, sizeof text));
    return fnas_fail(context, FNAS_ERR_NUMERIC, "the models say an error of %g %% and a latency of %g ms for %s", values[0], values[1],
                     text);
}

/* ---- opening ---- */

static fnas_status open_surrogate(fnas_context *context, const char *error, fnas_truth_models *models) {
    FNAS_TRY(fnas_surrogate_open(context, models->space, error, &models->surrogate));
    return fnas_surrogate_fit(context, 0, models->surrogate);
}

static fnas_status open_latency(fnas_context *context, const fnas_models_options *options, fnas_truth_models *models) {
    FNAS_TRY(fnas_predictor_load(context, options->predictor, &models->predictor));
    FNAS_TRY(fnas_card_load(context, options->device, &models->card));
    if (fnas_predictor_quantity(models->predictor) != FNAS_QUANTITY_LATENCY)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: this predictor is of %s, one of latencies is needed", options->predictor,
                         fnas_quantity_name(fnas_predictor_quantity(models->predictor)));
    return fnas_latency_model_create(context, models->predictor, models->space, models->card, &models->latency);
}

static fnas_status open_models(fnas_context *context, const fnas_models_options *options, fnas_truth *truth) {
    truth->models = fnas_allocate(1, sizeof *truth->models);
    truth->cost_names[0] = fnas_strdup("latency_ms");
    if (!truth->models || !truth->cost_names[0]) return fnas_fail_memory(context, "objectives");
    truth->models->space = truth->space;
    FNAS_TRY(open_surrogate(context, options->error, truth->models));
    return open_latency(context, options, truth->models);
}

static fnas_status find_scale(fnas_context *context, fnas_truth *truth) {
    static const char *const names[OBJECTIVES] = {"the error", "the latency"};
    int32_t choices[FNAS_ARCH_FIND_DECISIONS_MAX];
    double values[OBJECTIVES];
    for (int m = 0; m < OBJECTIVES; m++) {
        truth->low[m] = INFINITY;
        truth->high[m] = -INFINITY;
    }
    for (int64_t i = 0; i < SCALE_ARCHITECTURES; i++) {
        fnas_space_random(truth->space, 0, i, choices);
        fnas_space_settle(truth->space, choices);
        FNAS_TRY(fnas_models_evaluate(context, truth->models, choices, values));
        fnas_truth_widen(OBJECTIVES, values, truth->low, truth->high);
    }
    for (int m = 0; m < OBJECTIVES; m++)
        if (!(truth->low[m] < truth->high[m]))
            return fnas_fail(context, FNAS_ERR_INPUT,
                             "%s is the same for %d random architectures, or all of them guess: nothing can be compared", names[m],
                             SCALE_ARCHITECTURES);
    return FNAS_OK;
}

fnas_status fnas_truth_open_models(fnas_context *context, const fnas_space *space, const fnas_models_options *options, fnas_truth **truth) {
    *truth = NULL;
    if (fnas_space_decision_count(space) > FNAS_ARCH_FIND_DECISIONS_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "objectives of more than %d decisions", FNAS_ARCH_FIND_DECISIONS_MAX);
    fnas_truth *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "objectives");
    made->space = space;
    made->archs.decisions = fnas_space_decision_count(space);
    made->objective_count = OBJECTIVES;
    fnas_status status = open_models(context, options, made);
    if (status == FNAS_OK) status = find_scale(context, made);
    if (status == FNAS_OK)
        *truth = made;
    else
        fnas_truth_free(made);
    return status;
}

bool fnas_truth_is_computed(const fnas_truth *truth) {
    return truth->models != NULL;
}
