#include "search/error_model.h"

#include <lapacke.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "space/space.h"

/* A step's observations count for about 1 / (1 - FORGET) = 100 steps: long enough to average the noise of small batches, short enough to
 * follow the supernet. */
#define FORGET 0.99
#define RIDGE 2.0 /* observations' worth of belief that an operation makes no difference */
#define FEATURES_MAX 1024

fnas_status fnas_error_model_create(fnas_context *context, const fnas_space *space, fnas_error_model *model) {
    int64_t features = fnas_space_structure_feature_count(space) + 1;
    *model = (fnas_error_model){.features = features};
    if (fnas_space_cost_feature_count(space) >= FEATURES_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "the error model takes spaces of at most %d features", FEATURES_MAX);
    model->gram = fnas_allocate((size_t)(features * features), sizeof(double));
    model->moment = fnas_allocate((size_t)features, sizeof(double));
    model->coefficients = fnas_allocate((size_t)features, sizeof(double));
    model->scratch = fnas_allocate((size_t)(features * (features + 2)), sizeof(double));
    return model->gram && model->moment && model->coefficients && model->scratch ? FNAS_OK : fnas_fail_memory(context, "the error model");
}

void fnas_error_model_free(fnas_error_model *model) {
    fnas_free(model->gram);
    fnas_free(model->moment);
    fnas_free(model->coefficients);
    fnas_free(model->scratch);
    *model = (fnas_error_model){0};
}

/* features [FEATURES_MAX]; the first model->features of them are used. */
static void features_of(const fnas_error_model *model, const fnas_space *space, const double *onehot, double *features) {
    fnas_space_cost_features(space, onehot, features); /* those behind the structure's are overwritten or not read */
    features[model->features - 1] = 1;
}

void fnas_error_model_discount(fnas_error_model *model) {
    int64_t n = model->features;
    for (int64_t i = 0; i < n * n; i++) model->gram[i] *= FORGET;
    for (int64_t i = 0; i < n; i++) model->moment[i] *= FORGET;
}

void fnas_error_model_observe(fnas_error_model *model, const fnas_space *space, int64_t count, const double *onehot, const double *losses) {
    int64_t n = model->features, size = fnas_space_onehot_size(space);
    double features[FEATURES_MAX];
    for (int64_t p = 0; p < count; p++) {
        features_of(model, space, onehot + p * size, features);
        for (int64_t i = 0; i < n; i++) {
            if (features[i] == 0) continue;
            for (int64_t j = 0; j < n; j++) model->gram[i * n + j] += features[i] * features[j];
            model->moment[i] += features[i] * losses[p];
        }
    }
}

fnas_status fnas_error_model_fit(fnas_context *context, fnas_error_model *model) {
    lapack_int n = (lapack_int)model->features;
    double *gram = model->scratch, *solution = model->scratch + n * n;
    memcpy(gram, model->gram, (size_t)(n * n) * sizeof *gram);
    memcpy(solution, model->moment, (size_t)n * sizeof *solution);
    for (lapack_int i = 0; i < n; i++) gram[i * n + i] += i + 1 < n ? RIDGE : 1e-6; /* the constant is believed at once */
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', n, 1, gram, n, solution, 1) != 0)
        return fnas_fail(context, FNAS_ERR_NUMERIC, "the error model cannot be fitted: a loss is not finite");
    memcpy(model->coefficients, solution, (size_t)n * sizeof *solution);
    return FNAS_OK;
}

static double expected(const fnas_error_model *model, const fnas_space *space, const double *onehot) {
    double features[FEATURES_MAX], value = 0;
    features_of(model, space, onehot, features);
    for (int64_t i = 0; i < model->features; i++) value += features[i] * model->coefficients[i];
    return value;
}

void fnas_error_model_range(const fnas_error_model *model, const fnas_space *space, int64_t count, const double *onehot, double *scratch,
                            double *low, double *high) {
    int64_t size = fnas_space_onehot_size(space);
    for (int64_t i = 0; i < count; i++) scratch[i] = expected(model, space, onehot + i * size);
    *low = fnas_quantile(scratch, count, 0);
    *high = fnas_quantile(scratch, count, 0.75);
}

double fnas_error_model_gradient(const fnas_error_model *model, const fnas_space *space, const double *onehot, double *gradient) {
    double slopes[FEATURES_MAX] = {0};
    memcpy(slopes, model->coefficients, (size_t)(model->features - 1) * sizeof *slopes);
    memset(gradient, 0, (size_t)fnas_space_onehot_size(space) * sizeof *gradient);
    fnas_space_cost_features_vjp(space, onehot, slopes, gradient);
    return expected(model, space, onehot);
}
