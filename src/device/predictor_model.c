/* The predictor of one device, collapsed to a linear part and one output of the trunk: value, gradient, range. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "device/predictor_internal.h"
#include "space/space.h"

#define FNAS_MODEL_ENUMERATE_MAX 20000
#define FNAS_MODEL_SAMPLES 5000
#define FNAS_MODEL_SEED UINT64_C(0x72616e6765)

double fnas_predictor_positive(double z, double *slope) {
    double root = sqrt(z * z + FNAS_PREDICTOR_FLOOR * FNAS_PREDICTOR_FLOOR);
    double small = 0.5 * FNAS_PREDICTOR_FLOOR * FNAS_PREDICTOR_FLOOR / (root + fabs(z)); /* (root - |z|) / 2 without cancellation */
    *slope = z >= 0.0 ? 1.0 - small / root : small / root;
    return z >= 0.0 ? z + small : small;
}

static double fnas_latency_model_value(const fnas_latency_model *model, const double *features, fnas_trunk_state *state, double *slope) {
    double costs = model->bias, terms = 0.0;
    fnas_trunk_forward(&model->trunk, features, state);
    for (int64_t j = 0; j < model->trunk.feature_count; j++) costs += model->weights[j] * features[j];
    for (int h = 0; h < FNAS_TRUNK_HIDDEN; h++) terms += model->output[h] * state->hidden2[h];
    double least = (1.0 - FNAS_PREDICTOR_DISCOUNT) * costs;
    return model->scale_ms * (least + fnas_predictor_positive(costs - least + terms, slope));
}

fnas_status fnas_latency_model_predict(fnas_context *context, const fnas_latency_model *model, int64_t count, const int32_t *choices,
                                       double *latency_ms) {
    double features[FNAS_PREDICTOR_MAX_FEATURES], slope;
    double *onehot = fnas_allocate((size_t)model->onehot_size, sizeof(double));
    if (!onehot) return fnas_fail_memory(context, "one-hot");
    for (int64_t i = 0; i < count; i++) {
        fnas_trunk_state state;
        fnas_space_to_onehot(model->space, choices + i * model->decision_count, onehot);
        fnas_space_cost_features(model->space, onehot, features);
        latency_ms[i] = fnas_latency_model_value(model, features, &state, &slope);
    }
    fnas_free(onehot);
    return FNAS_OK;
}

double fnas_latency_model_gradient(const fnas_latency_model *model, const double *onehot, double *gradient) {
    double features[FNAS_PREDICTOR_MAX_FEATURES], diff_features[FNAS_PREDICTOR_MAX_FEATURES], slope;
    fnas_trunk_state state;
    fnas_space_cost_features(model->space, onehot, features);
    double value = fnas_latency_model_value(model, features, &state, &slope);
    fnas_trunk_backward_features(&model->trunk, &state, model->output, diff_features);
    double cost_slope = 1.0 - FNAS_PREDICTOR_DISCOUNT + FNAS_PREDICTOR_DISCOUNT * slope;
    for (int64_t j = 0; j < model->trunk.feature_count; j++)
        diff_features[j] = model->scale_ms * (slope * diff_features[j] + cost_slope * model->weights[j]);
    memset(gradient, 0, (size_t)model->onehot_size * sizeof *gradient);
    fnas_space_cost_features_vjp(model->space, onehot, diff_features, gradient);
    return value;
}

void fnas_latency_model_range_ms(const fnas_latency_model *model, double *minimum_ms, double *maximum_ms) {
    *minimum_ms = model->minimum_ms;
    *maximum_ms = model->maximum_ms;
}

/* ---- Making one ---- */

static fnas_status fnas_latency_model_check(fnas_context *context, double minimum_ms, double maximum_ms) {
    if (minimum_ms > 0.0 && isfinite(maximum_ms)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "predicted latencies are not finite: the reference latencies are out of any proportion");
}

static void fnas_latency_model_choices(const fnas_latency_model *model, bool all, int64_t index, int32_t *choices) {
    if (!all) {
        fnas_space_random(model->space, FNAS_MODEL_SEED, index, choices);
        return;
    }
    for (int64_t d = model->decision_count - 1; d >= 0; d--) {
        int64_t count = fnas_space_choice_count(model->space, d);
        choices[d] = (int32_t)(index % count);
        index /= count;
    }
}

static fnas_status fnas_latency_model_find_range(fnas_context *context, fnas_latency_model *model) {
    bool all = fnas_space_cardinality(model->space) <= FNAS_MODEL_ENUMERATE_MAX;
    int64_t count = all ? (int64_t)fnas_space_cardinality(model->space) : FNAS_MODEL_SAMPLES;
    int32_t *choices = fnas_allocate((size_t)(count * model->decision_count), sizeof *choices);
    double *latency_ms = fnas_allocate((size_t)count, sizeof *latency_ms);
    fnas_status status = choices && latency_ms ? FNAS_OK : fnas_fail_memory(context, "range of latencies");
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) fnas_latency_model_choices(model, all, i, choices + i * model->decision_count);
    if (status == FNAS_OK) status = fnas_latency_model_predict(context, model, count, choices, latency_ms);
    model->minimum_ms = HUGE_VAL;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        model->minimum_ms = fmin(model->minimum_ms, latency_ms[i]);
        model->maximum_ms = fmax(model->maximum_ms, latency_ms[i]);
    }
    fnas_free(choices);
    fnas_free(latency_ms);
    return status == FNAS_OK ? fnas_latency_model_check(context, model->minimum_ms, model->maximum_ms) : status;
}

/* A device that was trained on and still shows the same references keeps what its training measurements taught; any other is calibrated on
 * its references. */
static fnas_status fnas_latency_model_coefficients(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                                   double scale_ms, double *coefficients, double *noise) {
    const fnas_known_device *known = fnas_predictor_find_device(predictor, view->name);
    double reference[FNAS_PREDICTOR_MAX_REFERENCES];
    bool same = known != NULL;
    for (int64_t i = 0; i < predictor->reference_count; i++) {
        reference[i] = view->reference_latency_ms[i] / scale_ms;
        same = same && fabs(reference[i] * scale_ms / known->scale_ms - known->reference[i]) <= 1e-9 * known->reference[i];
    }
    if (!same) return fnas_predictor_calibrate(context, predictor, reference, coefficients, noise);
    memcpy(coefficients, known->coefficients, (size_t)predictor->basis_count * sizeof *coefficients);
    *noise = known->noise;
    return FNAS_OK;
}

static void fnas_latency_model_collapse(const fnas_predictor *predictor, const double *coefficients, fnas_latency_model *model) {
    memcpy(model->values, predictor->trunk_values, (size_t)predictor->trunk.value_count * sizeof(double));
    fnas_feature_map_collapse(&predictor->map, coefficients, &model->bias, model->weights);
    for (int h = 0; h < FNAS_TRUNK_HIDDEN; h++)
        for (int t = 0; t < FNAS_TRUNK_TERMS; t++)
            model->output[h] += coefficients[predictor->map.linear_count + t] * predictor->trunk.w3[t * FNAS_TRUNK_HIDDEN + h];
}

static fnas_status fnas_latency_model_fill(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                           double *coefficients, fnas_latency_model *model) {
    FNAS_TRY(fnas_space_open_spec(context, fnas_space_spec(predictor->space), &model->space));
    for (int64_t i = 0; i < predictor->reference_count; i++)
        model->scale_ms += view->reference_latency_ms[i] / (double)predictor->reference_count;
    FNAS_TRY(fnas_latency_model_coefficients(context, predictor, view, model->scale_ms, coefficients, &model->noise));
    fnas_latency_model_collapse(predictor, coefficients, model);
    return FNAS_OK;
}

fnas_status fnas_latency_model_create_plain(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                            fnas_latency_model **model) {
    *model = NULL;
    FNAS_TRY(fnas_predictor_check_references(context, predictor, view));
    int64_t values = predictor->trunk.value_count, features = predictor->map.feature_count;
    fnas_latency_model *made = fnas_allocate(1, sizeof *made);
    double *coefficients = fnas_allocate((size_t)predictor->basis_count, sizeof(double));
    if (made) made->values = fnas_allocate((size_t)(values + features), sizeof(double));
    fnas_status status = made && coefficients && made->values ? FNAS_OK : fnas_fail_memory(context, "latency model");
    if (status == FNAS_OK) {
        made->trunk = fnas_trunk_over(features, made->values);
        made->weights = made->values + values;
        made->decision_count = predictor->decision_count;
        made->onehot_size = fnas_space_onehot_size(predictor->space);
        status = fnas_latency_model_fill(context, predictor, view, coefficients, made);
    }
    fnas_free(coefficients);
    if (status == FNAS_OK)
        *model = made;
    else
        fnas_latency_model_free(made);
    return status;
}

fnas_status fnas_latency_model_create_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                           fnas_latency_model **model) {
    FNAS_TRY(fnas_latency_model_create_plain(context, predictor, view, model));
    fnas_status status = fnas_latency_model_find_range(context, *model);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_latency_model_free(*model);
    *model = NULL;
    return status;
}

fnas_status fnas_predictor_ask_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view, int64_t count,
                                    const int32_t *choices, double *latency_ms) {
    fnas_latency_model *model = NULL;
    FNAS_TRY(fnas_latency_model_create_plain(context, predictor, view, &model));
    fnas_status status = fnas_latency_model_predict(context, model, count, choices, latency_ms);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) status = fnas_latency_model_check(context, latency_ms[i], latency_ms[i]);
    fnas_latency_model_free(model);
    return status;
}

void fnas_latency_model_free(fnas_latency_model *model) {
    if (!model) return;
    fnas_space_close(model->space);
    fnas_free(model->values);
    fnas_free(model);
}
