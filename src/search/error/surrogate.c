#include "search/error/surrogate.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "space/arch_find.h"

#define RANGE_ARCHITECTURES 2000
#define NETWORK_BEND_PCT 1.0 /* in the place of a mean error */

fnas_status fnas_surrogate_create(fnas_context *context, const fnas_space *space, fnas_surrogate **surrogate) {
    *surrogate = NULL;
    int64_t features = fnas_space_error_feature_count(space), decisions = fnas_space_decision_count(space);
    if (features > FNAS_SURROGATE_FEATURES_MAX || fnas_space_onehot_size(space) > FNAS_SURROGATE_FEATURES_MAX ||
        decisions > FNAS_SURROGATE_DECISIONS_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "space %s: errors from a table take spaces of at most %d features and %d decisions",
                         fnas_space_name(space), FNAS_SURROGATE_FEATURES_MAX, FNAS_SURROGATE_DECISIONS_MAX);
    fnas_surrogate *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "errors");
    made->rows.decisions = decisions;
    made->feature_count = features;
    made->spearman = made->mean_error_pct = NAN;
    made->weights = fnas_allocate((size_t)features, sizeof *made->weights);
    made->trunk_values = fnas_allocate((size_t)fnas_trunk_value_count(features), sizeof *made->trunk_values);
    fnas_status status = made->weights && made->trunk_values ? FNAS_OK : fnas_fail_memory(context, "errors");
    if (status == FNAS_OK) status = fnas_space_derive(context, space, "", &made->space);
    if (status != FNAS_OK) {
        fnas_surrogate_free(made);
        return status;
    }
    made->trunk = fnas_trunk_over(features, made->trunk_values);
    *surrogate = made;
    return FNAS_OK;
}

void fnas_surrogate_free(fnas_surrogate *surrogate) {
    if (!surrogate) return;
    fnas_arch_set_free(&surrogate->rows);
    fnas_free(surrogate->errors);
    fnas_free(surrogate->column);
    fnas_free(surrogate->weights);
    fnas_free(surrogate->trunk_values);
    fnas_network_free(surrogate->network);
    fnas_space_close(surrogate->space);
    fnas_free(surrogate);
}

/* ---- looked up ---- */

/* A table may have every architecture, or one of each that compute the same. */
static double fnas_surrogate_look_up(const fnas_surrogate *surrogate, const int32_t *choices) {
    int64_t index = fnas_arch_find_same(surrogate->space, &surrogate->rows, choices);
    return index >= 0 ? surrogate->errors[index] : NAN; /* never, once is_exact */
}

/* Within a row only differences matter to a sampler. */
static double fnas_surrogate_differences(const fnas_surrogate *surrogate, const int32_t *choices, double *gradient) {
    const fnas_space *space = surrogate->space;
    int32_t changed[FNAS_SURROGATE_DECISIONS_MAX];
    memcpy(changed, choices, (size_t)surrogate->rows.decisions * sizeof *changed);
    double value = fnas_surrogate_look_up(surrogate, choices);
    for (int64_t d = 0, at = 0; d < surrogate->rows.decisions; d++) {
        for (int64_t k = 0; k < space->decisions[d].choice_count; k++) {
            changed[d] = (int32_t)k;
            gradient[at++] = k == choices[d] ? 0 : fnas_surrogate_look_up(surrogate, changed) - value;
        }
        changed[d] = choices[d];
    }
    return value;
}

/* ---- fitted ---- */

double fnas_surrogate_value(const fnas_surrogate *surrogate, const double *features, fnas_trunk_state *state) {
    double value = surrogate->mean;
    for (int64_t j = 0; j < surrogate->feature_count; j++) value += surrogate->weights[j] * features[j];
    if (surrogate->scale == 0) return value;
    double terms[FNAS_TRUNK_TERMS];
    fnas_trunk_forward(&surrogate->trunk, features, state);
    fnas_trunk_terms(&surrogate->trunk, state, terms);
    return value + surrogate->scale * terms[0];
}

static double fnas_surrogate_slope(const fnas_surrogate *surrogate, const double *onehot, double *gradient) {
    double features[FNAS_SURROGATE_FEATURES_MAX], slopes[FNAS_SURROGATE_FEATURES_MAX], diff_hidden[FNAS_TRUNK_HIDDEN];
    fnas_trunk_state state;
    fnas_space_error_features(surrogate->space, onehot, features);
    double value = fnas_surrogate_value(surrogate, features, &state);
    for (int h = 0; h < FNAS_TRUNK_HIDDEN; h++) diff_hidden[h] = surrogate->scale * surrogate->trunk.w3[h];
    if (surrogate->scale == 0)
        memset(slopes, 0, (size_t)surrogate->feature_count * sizeof *slopes);
    else
        fnas_trunk_backward_features(&surrogate->trunk, &state, diff_hidden, slopes);
    for (int64_t j = 0; j < surrogate->feature_count; j++) slopes[j] += surrogate->weights[j];
    memset(gradient, 0, (size_t)fnas_space_onehot_size(surrogate->space) * sizeof *gradient);
    fnas_space_error_features_vjp(surrogate->space, onehot, slopes, gradient);
    return value;
}

/* ---- all ---- */

double fnas_surrogate_prediction(const fnas_surrogate *surrogate, const int32_t *choices) {
    if (surrogate->is_exact) return fnas_surrogate_look_up(surrogate, choices);
    double onehot[FNAS_SURROGATE_FEATURES_MAX], features[FNAS_SURROGATE_FEATURES_MAX];
    fnas_trunk_state state;
    fnas_space_to_onehot(surrogate->space, choices, onehot);
    if (surrogate->network) return fnas_network_error(surrogate->network, onehot);
    fnas_space_error_features(surrogate->space, onehot, features);
    return fnas_surrogate_value(surrogate, features, &state);
}

/* Nearer to 0 than `width`, what is left falls off as an exponential that goes on from there with the same slope. */
static double fnas_surrogate_bend(double value, double width) {
    if (value >= width) return value;
    return width > 0 ? width * exp(value / width - 1) : 0;
}

double fnas_surrogate_bounded(const fnas_surrogate *surrogate, double prediction) {
    if (surrogate->is_exact) return prediction;
    double width = surrogate->network ? NETWORK_BEND_PCT : fmin(surrogate->mean_error_pct, 50);
    return prediction < 50 ? fnas_surrogate_bend(prediction, width) : 100 - fnas_surrogate_bend(100 - prediction, width);
}

double fnas_surrogate_error(const fnas_surrogate *surrogate, const int32_t *choices) {
    return fnas_surrogate_bounded(surrogate, fnas_surrogate_prediction(surrogate, choices));
}

double fnas_surrogate_gradient(const fnas_surrogate *surrogate, const int32_t *choices, const double *onehot, double *gradient) {
    if (surrogate->network) return fnas_network_gradient(surrogate->network, onehot, gradient);
    return surrogate->is_exact ? fnas_surrogate_differences(surrogate, choices, gradient)
                               : fnas_surrogate_slope(surrogate, onehot, gradient);
}

/* What the errors are, in messages. */
static fnas_text fnas_surrogate_source(const fnas_surrogate *surrogate) {
    fnas_text text = {0};
    if (surrogate->network)
        fnas_text_append(&text, "the network of errors (output \"%s\")", fnas_network_output_names[surrogate->network->output]);
    else
        fnas_text_append(&text, "the column \"%s\"", surrogate->column);
    return text;
}

/* errors: of random architectures. */
static fnas_status fnas_surrogate_take_range(fnas_context *context, const char *source, const double *errors, fnas_surrogate *surrogate) {
    surrogate->low = fnas_quantile(errors, RANGE_ARCHITECTURES, 0);
    surrogate->high = fnas_quantile(errors, RANGE_ARCHITECTURES, 0.75);
    double most = fnas_quantile(errors, RANGE_ARCHITECTURES, 1);
    if (!isfinite(surrogate->low) || !isfinite(most))
        return fnas_fail(context, FNAS_ERR_NUMERIC, "the errors of %s are not finite", source);
    if (!(surrogate->high > surrogate->low)) surrogate->high = most;
    if (surrogate->network && (surrogate->low > 100 || most < 0))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s says that %d random architectures have errors from %g to %g %%: does the output mean something else? "
                         "(output=accuracy and error are from 0 to 1, accuracy_pct and error_pct in percent)",
                         source, RANGE_ARCHITECTURES, surrogate->low, most);
    if (surrogate->high > surrogate->low) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s has the same error for each of %d random architectures: there is nothing to search by",
                     source, RANGE_ARCHITECTURES);
}

fnas_status fnas_surrogate_find_range(fnas_context *context, fnas_surrogate *surrogate) {
    int32_t choices[FNAS_SURROGATE_DECISIONS_MAX];
    fnas_text source = fnas_surrogate_source(surrogate);
    double *errors = fnas_allocate(RANGE_ARCHITECTURES, sizeof *errors);
    fnas_status status = errors && !source.failed ? FNAS_OK : fnas_fail_memory(context, "the scale of the error");
    for (int64_t i = 0; i < RANGE_ARCHITECTURES && status == FNAS_OK; i++) {
        fnas_space_random(surrogate->space, 0, i, choices);
        errors[i] = fnas_surrogate_prediction(surrogate, choices);
    }
    if (status == FNAS_OK) status = fnas_surrogate_take_range(context, source.data, errors, surrogate);
    fnas_free(errors);
    fnas_text_free(&source);
    return status;
}
