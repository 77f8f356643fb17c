/* The predictor of one device, collapsed to a linear part and one output of the trunk: value, gradient, range. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "compute/vector.h"
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

/* Half the width of an interval as the logarithm of a factor. */
static double fnas_latency_model_half_width(const fnas_latency_model *model, const double *features, const fnas_trunk_state *state,
                                            double latency) {
    double basis[1 + FNAS_PREDICTOR_MAX_FEATURES + FNAS_TRUNK_TERMS];
    int64_t count = model->trunk.feature_count;
    if (!model->spread || !isfinite(model->quantile)) return model->quantile;
    basis[0] = 1.0;
    memcpy(basis + 1, features, (size_t)count * sizeof *basis);
    fnas_trunk_terms(&model->trunk, state, basis + 1 + count);
    return model->quantile * fnas_interval_scale(1 + count + FNAS_TRUNK_TERMS, model->spread, basis, model->noise, latency);
}

/* low_ms, high_ms: NULL where no intervals are wanted, which cost most of the time. */
static fnas_status fnas_latency_model_evaluate(fnas_context *context, const fnas_latency_model *model, int64_t count,
                                               const int32_t *choices, double *low_ms, double *latency_ms, double *high_ms) {
    double features[FNAS_PREDICTOR_MAX_FEATURES], slope;
    double *onehot = fnas_allocate((size_t)model->onehot_size, sizeof(double));
    if (!onehot) return fnas_fail_memory(context, "one-hot");
    for (int64_t i = 0; i < count; i++) {
        fnas_trunk_state state;
        fnas_space_measured_features(model->space, choices + i * model->decision_count, onehot, features);
        latency_ms[i] = fnas_latency_model_value(model, features, &state, &slope);
        if (!low_ms) continue;
        double factor = exp(fnas_latency_model_half_width(model, features, &state, latency_ms[i] / model->scale_ms));
        low_ms[i] = latency_ms[i] / factor;
        high_ms[i] = latency_ms[i] * factor;
    }
    fnas_free(onehot);
    return FNAS_OK;
}

fnas_status fnas_latency_model_predict(fnas_context *context, const fnas_latency_model *model, int64_t count, const int32_t *choices,
                                       double *latency_ms) {
    return fnas_latency_model_evaluate(context, model, count, choices, NULL, latency_ms, NULL);
}

fnas_status fnas_latency_model_predict_interval(fnas_context *context, const fnas_latency_model *model, int64_t count,
                                                const int32_t *choices, double *low_ms, double *latency_ms, double *high_ms) {
    return fnas_latency_model_evaluate(context, model, count, choices, low_ms, latency_ms, high_ms);
}

/* ---- Many devices at once ---- */

/* Parameters of many models, the models side by side. */
typedef struct fnas_model_table {
    int64_t models, features;
    double *memory, *bias, *scale_ms;           /* [models] */
    double *weights /* [F][models] */, *output; /* [HIDDEN][models] */
    double *costs, *terms;                      /* [models]: of one architecture */
    double *onehot;
} fnas_model_table;

static fnas_status fnas_model_table_create(fnas_context *context, int64_t models, const fnas_latency_model *const *list,
                                           fnas_model_table *table) {
    int64_t features = list[0]->trunk.feature_count;
    for (int64_t m = 1; m < models; m++)
        if (strcmp(fnas_space_spec(list[m]->space), fnas_space_spec(list[0]->space)) != 0 ||
            memcmp(list[m]->values, list[0]->values, (size_t)list[0]->trunk.value_count * sizeof(double)) != 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "latency models 0 and %lld are of different predictors: ask each by itself",
                             (long long)m);
    *table = (fnas_model_table){.models = models, .features = features};
    table->memory = fnas_allocate((size_t)(models * (4 + features + FNAS_TRUNK_HIDDEN) + list[0]->onehot_size), sizeof(double));
    if (!table->memory) return fnas_fail_memory(context, "latency models");
    table->bias = table->memory;
    table->scale_ms = table->bias + models;
    table->costs = table->scale_ms + models;
    table->terms = table->costs + models;
    table->weights = table->terms + models;
    table->output = table->weights + features * models;
    table->onehot = table->output + FNAS_TRUNK_HIDDEN * models;
    for (int64_t m = 0; m < models; m++) {
        table->bias[m] = list[m]->bias;
        table->scale_ms[m] = list[m]->scale_ms;
        for (int64_t j = 0; j < features; j++) table->weights[j * models + m] = list[m]->weights[j];
        for (int64_t h = 0; h < FNAS_TRUNK_HIDDEN; h++) table->output[h * models + m] = list[m]->output[h];
    }
    return FNAS_OK;
}

/* As fnas_latency_model_value for all models; latency_ms [models]. */
FNAS_MULTIVERSION
static void fnas_model_table_value(const fnas_model_table *table, const double *features, const fnas_trunk_state *state,
                                   double *latency_ms) {
    int64_t models = table->models;
    double *costs = table->costs, *terms = table->terms;
    memcpy(costs, table->bias, (size_t)models * sizeof *costs);
    memset(terms, 0, (size_t)models * sizeof *terms);
    for (int64_t j = 0; j < table->features; j++) {
        if (features[j] == 0.0) continue;
        const double *row = table->weights + j * models;
        for (int64_t m = 0; m < models; m++) costs[m] += row[m] * features[j];
    }
    for (int64_t h = 0; h < FNAS_TRUNK_HIDDEN; h++) {
        const double *row = table->output + h * models;
        for (int64_t m = 0; m < models; m++) terms[m] += row[m] * state->hidden2[h];
    }
    for (int64_t m = 0; m < models; m++) {
        double slope, least = (1.0 - FNAS_PREDICTOR_DISCOUNT) * costs[m];
        latency_ms[m] = table->scale_ms[m] * (least + fnas_predictor_positive(costs[m] - least + terms[m], &slope));
    }
}

fnas_status fnas_latency_model_predict_many(fnas_context *context, int64_t models, const fnas_latency_model *const *list, int64_t count,
                                            const int32_t *choices, double *latency_ms) {
    fnas_model_table table;
    double features[FNAS_PREDICTOR_MAX_FEATURES];
    if (models < 1) return FNAS_OK;
    FNAS_TRY(fnas_model_table_create(context, models, list, &table));
    for (int64_t i = 0; i < count; i++) {
        fnas_trunk_state state;
        fnas_space_measured_features(list[0]->space, choices + i * list[0]->decision_count, table.onehot, features);
        fnas_trunk_forward(&list[0]->trunk, features, &state);
        fnas_model_table_value(&table, features, &state, latency_ms + i * models);
    }
    fnas_free(table.memory);
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
static const fnas_known_device *fnas_latency_model_known(const fnas_predictor *predictor, const fnas_card_view *view, double scale_ms,
                                                         double *reference) {
    const fnas_known_device *known = fnas_predictor_find_device(predictor, view->name);
    int64_t entries = predictor->reference_count * predictor->decision_count;
    bool same = known && memcmp(view->reference_choices, fnas_predictor_references(predictor, known - predictor->devices),
                                (size_t)entries * sizeof(int32_t)) == 0;
    for (int64_t i = 0; i < predictor->reference_count; i++) {
        reference[i] = view->reference_latency_ms[i] / scale_ms;
        same = same && fabs(reference[i] * scale_ms / known->scale_ms - known->reference[i]) <= 1e-9 * known->reference[i];
    }
    return same ? known : NULL;
}

/* Entry of the covariance of bias, weights and terms: a weight is the sum of its place's coefficient and its group's. */
static void fnas_latency_model_parts(const fnas_predictor *predictor, int64_t i, int64_t parts[2]) {
    const fnas_feature_map *map = &predictor->map;
    parts[0] = i == 0 ? 0 : i <= map->feature_count ? map->group_count + i : map->linear_count + i - 1 - map->feature_count;
    parts[1] = i >= 1 && i <= map->feature_count ? 1 + map->group[i - 1] : -1;
}

static void fnas_latency_model_collapse_spread(const fnas_predictor *predictor, const double *covariance, fnas_latency_model *model) {
    int64_t count = 1 + predictor->map.feature_count + FNAS_TRUNK_TERMS;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) {
            int64_t rows[2], columns[2];
            fnas_latency_model_parts(predictor, i, rows);
            fnas_latency_model_parts(predictor, j, columns);
            for (int r = 0; r < 2; r++)
                for (int c = 0; c < 2; c++)
                    if (rows[r] >= 0 && columns[c] >= 0)
                        model->spread[i * count + j] += covariance[rows[r] * predictor->basis_count + columns[c]];
        }
}

static void fnas_latency_model_collapse(const fnas_predictor *predictor, const double *coefficients, fnas_latency_model *model) {
    memcpy(model->values, predictor->trunk_values, (size_t)predictor->trunk.value_count * sizeof(double));
    fnas_feature_map_collapse(&predictor->map, coefficients, &model->bias, model->weights);
    for (int h = 0; h < FNAS_TRUNK_HIDDEN; h++)
        for (int t = 0; t < FNAS_TRUNK_TERMS; t++)
            model->output[h] += coefficients[predictor->map.linear_count + t] * predictor->trunk.w3[t * FNAS_TRUNK_HIDDEN + h];
}

/* memory: [basis_count], and the square of it where intervals are wanted. */
static fnas_status fnas_latency_model_calibrate(fnas_context *context, const fnas_predictor *predictor, const int32_t *choices,
                                                const double *reference, bool intervals, double *memory, fnas_latency_model *model) {
    fnas_calibrated made = {.coefficients = memory, .covariance = intervals ? memory + predictor->basis_count : NULL};
    FNAS_TRY(fnas_predictor_calibrate(context, predictor, -1, choices, reference, &made));
    fnas_latency_model_collapse(predictor, made.coefficients, model);
    model->noise = made.noise;
    model->quantile = HUGE_VAL;
    if (!intervals) return FNAS_OK;
    size_t count = 1 + (size_t)predictor->map.feature_count + FNAS_TRUNK_TERMS;
    model->spread = fnas_allocate(count * count, sizeof(double));
    if (!model->spread) return fnas_fail_memory(context, "latency model");
    fnas_latency_model_collapse_spread(predictor, made.covariance, model);
    model->quantile = predictor->new_quantile;
    return FNAS_OK;
}

static fnas_status fnas_latency_model_fill(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                           bool intervals, double *memory, fnas_latency_model *model) {
    double reference[FNAS_PREDICTOR_MAX_REFERENCES];
    FNAS_TRY(fnas_space_open_spec(context, fnas_space_spec(predictor->space), &model->space));
    for (int64_t i = 0; i < predictor->reference_count; i++)
        model->scale_ms += view->reference_latency_ms[i] / (double)predictor->reference_count;
    const fnas_known_device *known = fnas_latency_model_known(predictor, view, model->scale_ms, reference);
    if (!known) return fnas_latency_model_calibrate(context, predictor, view->reference_choices, reference, intervals, memory, model);
    model->scale_ms = known->scale_ms;
    fnas_latency_model_collapse(predictor, known->coefficients, model);
    model->noise = known->noise;
    model->quantile = known->quantile;
    return FNAS_OK;
}

static fnas_status fnas_latency_model_make(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                           bool intervals, fnas_latency_model **model) {
    *model = NULL;
    FNAS_TRY(fnas_predictor_check_references(context, predictor, view));
    int64_t values = predictor->trunk.value_count, features = predictor->map.feature_count, k = predictor->basis_count;
    fnas_latency_model *made = fnas_allocate(1, sizeof *made);
    double *memory = fnas_allocate((size_t)(intervals ? k * (k + 1) : k), sizeof(double));
    if (made) made->values = fnas_allocate((size_t)(values + features), sizeof(double));
    fnas_status status = made && memory && made->values ? FNAS_OK : fnas_fail_memory(context, "latency model");
    if (status == FNAS_OK) {
        made->trunk = fnas_trunk_over(features, made->values);
        made->weights = made->values + values;
        made->decision_count = predictor->decision_count;
        made->onehot_size = fnas_space_onehot_size(predictor->space);
        status = fnas_latency_model_fill(context, predictor, view, intervals, memory, made);
    }
    fnas_free(memory);
    if (status == FNAS_OK)
        *model = made;
    else
        fnas_latency_model_free(made);
    return status;
}

fnas_status fnas_latency_model_create_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                           fnas_latency_model **model) {
    FNAS_TRY(fnas_latency_model_make(context, predictor, view, true, model));
    fnas_status status = fnas_latency_model_find_range(context, *model);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_latency_model_free(*model);
    *model = NULL;
    return status;
}

fnas_status fnas_predictor_ask_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view, int64_t count,
                                    const int32_t *choices, double *latency_ms) {
    fnas_latency_model *model = NULL;
    FNAS_TRY(fnas_latency_model_make(context, predictor, view, false, &model));
    fnas_status status = fnas_latency_model_predict(context, model, count, choices, latency_ms);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) status = fnas_latency_model_check(context, latency_ms[i], latency_ms[i]);
    fnas_latency_model_free(model);
    return status;
}

fnas_status fnas_predictor_ask_interval_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                             int64_t count, const int32_t *choices, double *low_ms, double *latency_ms, double *high_ms) {
    fnas_latency_model *model = NULL;
    FNAS_TRY(fnas_latency_model_make(context, predictor, view, true, &model));
    fnas_status status = fnas_latency_model_predict_interval(context, model, count, choices, low_ms, latency_ms, high_ms);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) status = fnas_latency_model_check(context, latency_ms[i], latency_ms[i]);
    fnas_latency_model_free(model);
    return status;
}

void fnas_latency_model_free(fnas_latency_model *model) {
    if (!model) return;
    fnas_space_close(model->space);
    fnas_free(model->values);
    fnas_free(model->spread);
    fnas_free(model);
}
