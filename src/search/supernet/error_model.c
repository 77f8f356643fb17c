#include "search/supernet/error_model.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "space/space.h"

/* A round counts for about 1 / (1 - FORGET) = 200 rounds: long enough to average the noise of small batches, short enough to follow the
 * supernet. */
#define FORGET 0.995
#define RIDGE 4.0 /* observations' worth of belief that an operation makes no difference */
#define REFINEMENTS 2
#define LEAST_PENALTY 1e-3 /* of RIDGE: few observations leave most slopes at 0, and others not told apart */
#define FEATURES_MAX 1024

fnas_status fnas_error_model_create(fnas_context *context, const fnas_space *space, fnas_error_model *model) {
    int64_t features = fnas_space_structure_feature_count(space) + 1;
    *model = (fnas_error_model){.features = features};
    if (features > FEATURES_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "the error model takes spaces of at most %d features", FEATURES_MAX - 1);
    model->gram = fnas_allocate((size_t)(features * features), sizeof(double));
    model->moment = fnas_allocate((size_t)features, sizeof(double));
    model->coefficients = fnas_allocate((size_t)features, sizeof(double));
    model->scratch = fnas_allocate((size_t)(features * features), sizeof(double));
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
    fnas_space_structure_features(space, onehot, features);
    features[model->features - 1] = 1;
}

void fnas_error_model_discount(fnas_error_model *model) {
    int64_t n = model->features;
    for (int64_t i = 0; i < n * n; i++) model->gram[i] *= FORGET;
    for (int64_t i = 0; i < n; i++) model->moment[i] *= FORGET;
}

/* The block of the features themselves sums deviations from a mean; the constant's row and column sum plain values. */
static void add_observation(fnas_error_model *model, const double *features, const double *mean, double loss, double mean_loss) {
    int64_t n = model->features, last = n - 1;
    for (int64_t i = 0; i < last; i++) {
        double deviation = features[i] - mean[i];
        for (int64_t j = 0; j < last; j++) model->gram[i * n + j] += deviation * (features[j] - mean[j]);
        model->moment[i] += deviation * (loss - mean_loss);
        model->gram[last * n + i] += features[i];
        model->gram[i * n + last] += features[i];
    }
    model->gram[last * n + last] += 1;
    model->moment[last] += loss;
}

static double round_means(const fnas_error_model *model, const fnas_space *space, int64_t count, const double *onehot, const double *losses,
                          double *mean) {
    int64_t n = model->features, size = fnas_space_onehot_size(space);
    double features[FEATURES_MAX], mean_loss = 0;
    memset(mean, 0, (size_t)n * sizeof *mean);
    for (int64_t p = 0; p < count; p++) {
        features_of(model, space, onehot + p * size, features);
        for (int64_t i = 0; i < n; i++) mean[i] += features[i] / (double)count;
        mean_loss += losses[p] / (double)count;
    }
    return mean_loss;
}

static double means_so_far(const fnas_error_model *model, double *mean) {
    int64_t n = model->features, last = n - 1;
    double count = model->gram[last * n + last];
    for (int64_t i = 0; i < n; i++) mean[i] = model->gram[last * n + i] / count;
    return model->moment[last] / count;
}

void fnas_error_model_observe(fnas_error_model *model, const fnas_space *space, bool same_images, int64_t count, const double *onehot,
                              const double *losses) {
    int64_t n = model->features, size = fnas_space_onehot_size(space);
    double features[FEATURES_MAX], mean[FEATURES_MAX];
    bool begun = model->gram[n * n - 1] > 0;
    double mean_loss = same_images || !begun ? round_means(model, space, count, onehot, losses, mean) : means_so_far(model, mean);
    for (int64_t p = 0; p < count; p++) {
        features_of(model, space, onehot + p * size, features);
        add_observation(model, features, mean, losses[p], mean_loss);
    }
}

/* Slopes under the penalties [features - 1]. */
static fnas_status solve(fnas_context *context, fnas_error_model *model, const double *penalties) {
    lapack_int n = (lapack_int)model->features, last = n - 1;
    double *gram = model->scratch, *slopes = model->coefficients;
    for (lapack_int i = 0; i < last; i++) {
        memcpy(gram + i * last, model->gram + i * n, (size_t)last * sizeof *gram);
        gram[i * last + i] += penalties[i];
    }
    memcpy(slopes, model->moment, (size_t)last * sizeof *slopes);
    if (last == 0 || LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', last, 1, gram, last, slopes, 1) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "the error model cannot be fitted: are all losses finite?");
}

/* A slope that is far larger than most (a cell that is cut off costs a hundred times what an operation does) is hardly penalised any more:
 * what the penalty holds back of it would be laid to the operations that go with it. Penalties follow the slopes as in automatic relevance
 * determination (MacKay 1992, "Bayesian interpolation"), but never rise above the first. */
static void relax_penalties(const fnas_error_model *model, double *penalties) {
    int64_t last = model->features - 1;
    double squares[FEATURES_MAX];
    for (int64_t i = 0; i < last; i++) squares[i] = model->coefficients[i] * model->coefficients[i];
    double typical = last > 0 ? fnas_median(squares, last) : 0;
    for (int64_t i = 0; i < last; i++) {
        double square = model->coefficients[i] * model->coefficients[i];
        penalties[i] = square > typical ? RIDGE * fmax(typical / square, LEAST_PENALTY) : RIDGE;
    }
}

fnas_status fnas_error_model_fit(fnas_context *context, fnas_error_model *model) {
    int64_t n = model->features, last = n - 1;
    double penalties[FEATURES_MAX] = {0};
    for (int64_t i = 0; i < last; i++) penalties[i] = RIDGE;
    FNAS_TRY(solve(context, model, penalties));
    for (int refinement = 0; refinement < REFINEMENTS; refinement++) {
        relax_penalties(model, penalties);
        FNAS_TRY(solve(context, model, penalties));
    }
    double rest = model->moment[last], count = model->gram[last * n + last];
    for (int64_t i = 0; i < last; i++) rest -= model->coefficients[i] * model->gram[last * n + i];
    model->coefficients[last] = count > 0 ? rest / count : 0;
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
    memset(gradient, 0, (size_t)fnas_space_onehot_size(space) * sizeof *gradient);
    fnas_space_structure_features_vjp(space, onehot, model->coefficients, gradient);
    return expected(model, space, onehot);
}
