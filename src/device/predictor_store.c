/* The predictor as an object: memory, lookups, checks. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "device/predictor_internal.h"
#include "space/space.h"

static fnas_status fnas_predictor_allocate_devices(fnas_context *context, fnas_predictor *predictor) {
    predictor->devices = fnas_allocate((size_t)predictor->device_count, sizeof *predictor->devices);
    if (!predictor->devices) return fnas_fail_memory(context, "predictor");
    for (int64_t t = 0; t < predictor->device_count; t++) {
        fnas_known_device *device = &predictor->devices[t];
        device->reference = fnas_allocate((size_t)predictor->reference_count, sizeof(double));
        device->coefficients = fnas_allocate((size_t)predictor->basis_count, sizeof(double));
        if (!device->reference || !device->coefficients) return fnas_fail_memory(context, "predictor");
    }
    return FNAS_OK;
}

static fnas_status fnas_predictor_allocate_parts(fnas_context *context, const char *space_spec, fnas_predictor *predictor) {
    FNAS_TRY(fnas_space_open_spec(context, space_spec, &predictor->space));
    FNAS_TRY(fnas_feature_map_create(context, predictor->space, &predictor->map));
    int64_t features = predictor->map.feature_count;
    predictor->decision_count = fnas_space_decision_count(predictor->space);
    predictor->basis_count = predictor->map.linear_count + FNAS_TRUNK_TERMS;
    predictor->reference_choices = fnas_allocate(
        (size_t)(predictor->reference_sets * predictor->reference_count * predictor->decision_count), sizeof(int32_t));
    predictor->trunk_values = fnas_allocate((size_t)fnas_trunk_value_count(features), sizeof(double));
    if (!predictor->reference_choices || !predictor->trunk_values) return fnas_fail_memory(context, "predictor");
    predictor->trunk = fnas_trunk_over(features, predictor->trunk_values);
    return fnas_predictor_allocate_devices(context, predictor);
}

fnas_status fnas_predictor_allocate(fnas_context *context, const char *space_spec, int64_t device_count, int64_t reference_count,
                                    bool own_references, fnas_predictor **predictor) {
    *predictor = NULL;
    if (reference_count < 1 || reference_count > FNAS_PREDICTOR_MAX_REFERENCES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%lld reference latencies: the predictor takes 1 to %d", (long long)reference_count,
                         FNAS_PREDICTOR_MAX_REFERENCES);
    fnas_predictor *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "predictor");
    made->device_count = device_count;
    made->reference_count = reference_count;
    made->reference_sets = own_references ? device_count : 1;
    fnas_status status = fnas_predictor_allocate_parts(context, space_spec, made);
    if (status == FNAS_OK)
        *predictor = made;
    else
        fnas_predictor_free(made);
    return status;
}

void fnas_predictor_free(fnas_predictor *predictor) {
    if (!predictor) return;
    for (int64_t t = 0; predictor->devices && t < predictor->device_count; t++) {
        fnas_free(predictor->devices[t].name);
        fnas_free(predictor->devices[t].reference);
        fnas_free(predictor->devices[t].coefficients);
        fnas_free(predictor->devices[t].holdout_choices);
    }
    fnas_free(predictor->devices);
    fnas_free(predictor->reference_choices);
    fnas_free(predictor->trunk_values);
    fnas_feature_map_release(&predictor->map);
    fnas_space_close(predictor->space);
    fnas_free(predictor);
}

const char *fnas_predictor_space(const fnas_predictor *predictor) {
    return fnas_space_spec(predictor->space);
}

int32_t *fnas_predictor_references(const fnas_predictor *predictor, int64_t t) {
    int64_t set = predictor->reference_sets > 1 ? t : 0;
    return predictor->reference_choices + set * predictor->reference_count * predictor->decision_count;
}

void fnas_predictor_basis(const fnas_predictor *predictor, const double *features, double *basis) {
    fnas_trunk_state state;
    fnas_feature_map_linear(&predictor->map, features, basis);
    fnas_trunk_forward(&predictor->trunk, features, &state);
    fnas_trunk_terms(&predictor->trunk, &state, basis + predictor->map.linear_count);
}

const fnas_known_device *fnas_predictor_find_device(const fnas_predictor *predictor, const char *name) {
    for (int64_t t = 0; t < predictor->device_count; t++)
        if (strcmp(predictor->devices[t].name, name) == 0) return &predictor->devices[t];
    return NULL;
}

fnas_status fnas_predictor_check_references(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view) {
    if (view->decision_count != predictor->decision_count || view->reference_count != predictor->reference_count)
        return fnas_fail(context, FNAS_ERR_INPUT, "device %s has %lld reference architectures, the predictor's devices have %lld",
                         view->name, (long long)view->reference_count, (long long)predictor->reference_count);
    for (int64_t i = 0; i < view->reference_count; i++)
        if (!(view->reference_latency_ms[i] > 0.0) || !isfinite(view->reference_latency_ms[i]))
            return fnas_fail(context, FNAS_ERR_INPUT, "device %s: reference latency %lld is %g ms, which must be positive and finite",
                             view->name, (long long)i, view->reference_latency_ms[i]);
    return FNAS_OK;
}
