#include "estimate/candidates.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "space/arch_find.h"

/* ---- which ---- */

static fnas_status add_canonical(fnas_context *context, const fnas_space *space, const int32_t *choices, int32_t *scratch,
                                 fnas_arch_set *archs) {
    int64_t index;
    memcpy(scratch, choices, (size_t)archs->decisions * sizeof *scratch);
    fnas_space_canonical(space, scratch);
    return fnas_space_connected(space, scratch) ? fnas_arch_set_add(context, archs, scratch, &index) : FNAS_OK;
}

static fnas_status enumerate(fnas_context *context, const fnas_space *space, fnas_arch_set *archs) {
    if (fnas_space_cardinality(space) > FNAS_ESTIMATE_ARCHS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s has %.3g architectures: errors can be estimated where there are at most %d",
                         fnas_space_name(space), fnas_space_cardinality(space), FNAS_ESTIMATE_ARCHS_MAX);
    archs->decisions = fnas_space_decision_count(space);
    int32_t *choices = fnas_allocate((size_t)archs->decisions * 2, sizeof *choices);
    if (!choices) return fnas_fail_memory(context, "architectures");
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < (int64_t)fnas_space_cardinality(space) && status == FNAS_OK; i++) {
        fnas_arch_at(space, i, choices);
        status = add_canonical(context, space, choices, choices + archs->decisions, archs);
    }
    fnas_free(choices);
    return status;
}

/* ---- costs ---- */

static fnas_status count_macs(fnas_context *context, const fnas_space *space, fnas_estimate_candidates *candidates) {
    candidates->costs = 1;
    candidates->cost = fnas_allocate((size_t)candidates->archs.count, sizeof *candidates->cost);
    if (!candidates->cost) return fnas_fail_memory(context, "costs");
    for (int64_t i = 0; i < candidates->archs.count; i++)
        candidates->cost[i] = (double)fnas_space_macs(space, fnas_arch_set_at(&candidates->archs, i));
    return FNAS_OK;
}

static fnas_status predict(fnas_context *context, const fnas_space *space, const fnas_predictor *predictor, int64_t card_count,
                           fnas_card *const *cards, fnas_latency_model **models, fnas_estimate_candidates *candidates) {
    for (int64_t i = 0; i < card_count; i++) FNAS_TRY(fnas_latency_model_create(context, predictor, space, cards[i], &models[i]));
    return fnas_latency_model_predict_many(context, card_count, (const fnas_latency_model *const *)models, candidates->archs.count,
                                           candidates->archs.choices, candidates->cost);
}

static fnas_status predict_latencies(fnas_context *context, const fnas_space *space, const fnas_predictor *predictor, int64_t card_count,
                                     fnas_card *const *cards, fnas_estimate_candidates *candidates) {
    candidates->costs = card_count;
    candidates->cost = fnas_allocate((size_t)(candidates->archs.count * card_count), sizeof *candidates->cost);
    fnas_latency_model **models = fnas_allocate((size_t)card_count, sizeof *models);
    fnas_status status = candidates->cost && models ? predict(context, space, predictor, card_count, cards, models, candidates)
                                                    : fnas_fail_memory(context, "costs");
    for (int64_t i = 0; models && i < card_count; i++) fnas_latency_model_free(models[i]);
    fnas_free(models);
    return status;
}

/* ---- features ---- */

/* False where the column is the same for all. */
static bool standardise(int64_t count, int64_t stride, double *column) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) sum += column[i * stride];
    double mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++) squares += (column[i * stride] - mean) * (column[i * stride] - mean);
    double deviation = sqrt(squares / (double)count);
    if (!(deviation > 1e-9 * (1 + fabs(mean)))) return false;
    for (int64_t i = 0; i < count; i++) column[i * stride] = (column[i * stride] - mean) / deviation;
    return true;
}

fnas_status fnas_estimate_candidates_add_feature(fnas_context *context, fnas_estimate_candidates *candidates, const double *values) {
    int64_t count = candidates->archs.count, before = candidates->features, after = before + 1;
    double *grown = fnas_allocate((size_t)(count * after), sizeof *grown);
    if (!grown) return fnas_fail_memory(context, "features");
    for (int64_t i = 0; i < count; i++) {
        if (before) memcpy(grown + i * after, candidates->feature + i * before, (size_t)before * sizeof *grown);
        grown[i * after + before] = values[i];
    }
    if (!standardise(count, after, grown + before)) {
        fnas_free(grown);
        return FNAS_OK;
    }
    fnas_free(candidates->feature);
    candidates->feature = grown;
    candidates->features = after;
    return FNAS_OK;
}

/* Drops columns that do not vary. columns: room for `width`. */
static void standardise_all(int64_t count, int64_t width, double *values, int64_t *columns, int64_t *kept) {
    *kept = 0;
    for (int64_t j = 0; j < width; j++)
        if (standardise(count, width, values + j)) columns[(*kept)++] = j;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < *kept; j++) values[i * *kept + j] = values[i * width + columns[j]];
}

static fnas_status space_features(fnas_context *context, const fnas_space *space, fnas_estimate_candidates *candidates) {
    int64_t count = candidates->archs.count, width = fnas_space_error_feature_count(space);
    candidates->feature = fnas_allocate((size_t)(count * width), sizeof *candidates->feature);
    double *onehot = fnas_allocate((size_t)fnas_space_onehot_size(space), sizeof *onehot);
    int64_t *columns = fnas_allocate((size_t)width + 1, sizeof *columns);
    bool good = candidates->feature && onehot && columns;
    for (int64_t i = 0; good && i < count; i++) {
        fnas_space_to_onehot(space, fnas_arch_set_at(&candidates->archs, i), onehot);
        fnas_space_error_features(space, onehot, candidates->feature + i * width);
    }
    if (good) standardise_all(count, width, candidates->feature, columns, &candidates->features);
    candidates->own_features = candidates->features;
    fnas_free(onehot);
    fnas_free(columns);
    return good ? FNAS_OK : fnas_fail_memory(context, "features");
}

static fnas_status add_macs_feature(fnas_context *context, const fnas_space *space, fnas_estimate_candidates *candidates) {
    double *values = fnas_allocate((size_t)candidates->archs.count, sizeof *values);
    if (!values) return fnas_fail_memory(context, "features");
    for (int64_t i = 0; i < candidates->archs.count; i++)
        values[i] = log((double)fnas_space_macs(space, fnas_arch_set_at(&candidates->archs, i)));
    fnas_status status = fnas_estimate_candidates_add_feature(context, candidates, values);
    fnas_free(values);
    return status;
}

/* ---- */

fnas_status fnas_estimate_candidates_create(fnas_context *context, const fnas_space *space, const fnas_predictor *predictor,
                                            int64_t card_count, fnas_card *const *cards, fnas_estimate_candidates *candidates) {
    *candidates = (fnas_estimate_candidates){0};
    fnas_status status = enumerate(context, space, &candidates->archs);
    if (status == FNAS_OK)
        status = card_count ? predict_latencies(context, space, predictor, card_count, cards, candidates)
                            : count_macs(context, space, candidates);
    if (status == FNAS_OK) status = space_features(context, space, candidates);
    if (status == FNAS_OK && fnas_space_has_counts(space)) status = add_macs_feature(context, space, candidates);
    if (status != FNAS_OK) fnas_estimate_candidates_free(candidates);
    return status;
}

void fnas_estimate_candidates_free(fnas_estimate_candidates *candidates) {
    fnas_arch_set_free(&candidates->archs);
    fnas_free(candidates->cost);
    fnas_free(candidates->feature);
    *candidates = (fnas_estimate_candidates){0};
}
