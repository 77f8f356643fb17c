/* How well a predictor does on a device: rank correlations, relative errors and intervals on architectures that neither trained nor
 * calibrated it. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "device/predictor_internal.h"

static bool fnas_evaluation_contains(const int32_t *list, int64_t count, const int32_t *choices, int64_t decisions) {
    for (int64_t i = 0; i < count; i++)
        if (memcmp(list + i * decisions, choices, (size_t)decisions * sizeof *choices) == 0) return true;
    return false;
}

/* Copies what may be scored; returns how many. */
static int64_t fnas_evaluation_select(const fnas_predictor *predictor, const fnas_known_device *known, const fnas_card_view *view,
                                      int32_t *choices, double *latency_ms) {
    int64_t decisions = predictor->decision_count, count = 0;
    for (int64_t i = 0; i < view->measurement_count; i++) {
        const int32_t *candidate = view->measurement_choices + i * decisions;
        if (known && !fnas_evaluation_contains(known->holdout_choices, known->holdout_count, candidate, decisions)) continue;
        if (fnas_evaluation_contains(view->reference_choices, view->reference_count, candidate, decisions)) continue;
        memcpy(choices + count * decisions, candidate, (size_t)decisions * sizeof *candidate);
        latency_ms[count++] = view->measurement_latency_ms[i];
    }
    return count;
}

static void fnas_evaluation_score_intervals(int64_t count, const double *latency_ms, const double *low_ms, double *high_ms,
                                            const double *predicted_ms, fnas_predictor_score *score) {
    score->coverage90_pct = 0.0;
    for (int64_t i = 0; i < count; i++) {
        if (latency_ms[i] >= low_ms[i] && latency_ms[i] <= high_ms[i]) score->coverage90_pct += 100.0 / (double)count;
        high_ms[i] = 100.0 * (high_ms[i] - low_ms[i]) / predicted_ms[i];
    }
    score->width90_median_pct = fnas_median(high_ms, count);
    if (!isfinite(score->width90_median_pct)) score->coverage90_pct = score->width90_median_pct = NAN;
}

/* predicted_ms: [3][count], scratch. */
static fnas_status fnas_evaluation_score(fnas_context *context, const fnas_latency_model *model, int64_t count, const int32_t *choices,
                                         const double *latency_ms, double *predicted_ms, fnas_predictor_score *score) {
    double *low_ms = predicted_ms + count, *high_ms = low_ms + count;
    FNAS_TRY(fnas_latency_model_predict_interval(context, model, count, choices, low_ms, predicted_ms, high_ms));
    fnas_evaluation_score_intervals(count, latency_ms, low_ms, high_ms, predicted_ms, score);
    score->count = count;
    score->spearman = fnas_spearman(predicted_ms, latency_ms, count);
    score->kendall = fnas_kendall(predicted_ms, latency_ms, count);
    score->mean_ape_pct = 0.0;
    for (int64_t i = 0; i < count; i++) {
        predicted_ms[i] = 100.0 * fabs(predicted_ms[i] / latency_ms[i] - 1.0);
        score->mean_ape_pct += predicted_ms[i] / (double)count;
    }
    score->median_ape_pct = fnas_median(predicted_ms, count);
    return FNAS_OK;
}

static fnas_status fnas_evaluation_run(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                       const fnas_latency_model *model, fnas_predictor_score *score) {
    size_t most = (size_t)view->measurement_count;
    int32_t *choices = fnas_allocate(most * (size_t)predictor->decision_count, sizeof *choices);
    double *latency_ms = fnas_allocate(most * 4, sizeof *latency_ms);
    fnas_status status = choices && latency_ms ? FNAS_OK : fnas_fail_memory(context, "scoring");
    if (status == FNAS_OK) {
        const fnas_known_device *known = fnas_predictor_find_device(predictor, view->name);
        int64_t count = fnas_evaluation_select(predictor, known, view, choices, latency_ms);
        score->trained_on = known != NULL;
        if (count < 2)
            status = fnas_fail(context, FNAS_ERR_INPUT, "device %s: %lld of its measurements may be scored%s, two are needed", view->name,
                               (long long)count, known ? " (it was trained on, so only architectures kept out of training count)" : "");
        else
            status = fnas_evaluation_score(context, model, count, choices, latency_ms, latency_ms + most, score);
    }
    fnas_free(choices);
    fnas_free(latency_ms);
    return status;
}

fnas_status fnas_predictor_evaluate_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                         fnas_predictor_score *score) {
    fnas_latency_model *model = NULL;
    *score = (fnas_predictor_score){0};
    FNAS_TRY(fnas_latency_model_create_view(context, predictor, view, &model));
    fnas_status status = fnas_evaluation_run(context, predictor, view, model, score);
    fnas_latency_model_free(model);
    return status;
}
