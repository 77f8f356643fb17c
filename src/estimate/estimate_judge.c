/* What trainings, and scores of untrained networks, say of all candidates. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "estimate/estimate.h"
#include "estimate/merit.h"
#include "estimate/regression.h"

#define FOLDS 5
#define JUDGED_PARTS 2 /* of a training's FNAS_TRAINING_PARTS: early ones favour what learns fast, not what ends low */

double fnas_estimate_guessing_pct(const fnas_estimate *state) {
    return 100 - 100 / (double)state->space->classes;
}

double fnas_estimate_error_of(const fnas_training_curve *curve) {
    double sum = 0;
    for (int64_t i = FNAS_TRAINING_PARTS - JUDGED_PARTS; i < FNAS_TRAINING_PARTS; i++) sum += curve->error_pct[i];
    return sum / JUDGED_PARTS;
}

int64_t fnas_estimate_collect(fnas_estimate *state) {
    int64_t known = 0;
    memset(state->trained, 0, (size_t)state->candidates.archs.count * sizeof *state->trained);
    for (int64_t i = 0; i < state->trainings.archs.count; i++) {
        int64_t place = fnas_arch_set_find(&state->candidates.archs, fnas_arch_set_at(&state->trainings.archs, i));
        if (place < 0) continue;
        state->trained[place] = true;
        state->rows[known] = place;
        state->values[known++] = fnas_estimate_error_of(&state->trainings.curves[i]);
    }
    return known;
}

static fnas_status expect_by_trainings(fnas_estimate *state) {
    int64_t known = fnas_estimate_collect(state);
    return fnas_regress(state->context, &state->candidates, known, state->rows, state->values, state->mean, state->deviation);
}

/* Without trainings: evenly from 0 to the error of guessing, since scores tell an order and no more. */
static void expect_evenly(fnas_estimate *state) {
    int64_t count = state->candidates.archs.count;
    for (int64_t i = 0; i < count; i++) {
        state->mean[i] = fnas_estimate_guessing_pct(state) * ((double)i + 0.5) / (double)count;
        state->deviation[i] = 0;
    }
}

fnas_status fnas_estimate_judge(fnas_estimate *state) {
    if (state->ingredients.trainings)
        FNAS_TRY(expect_by_trainings(state));
    else
        expect_evenly(state);
    return fnas_merit_combine(state->context, state->candidates.archs.count, &state->ingredients, state->scores, state->mean, state->mean);
}

/* Every fifth training is told by the others, five times. mean is overwritten. */
static fnas_status cross_validate(fnas_estimate *state, int64_t known, int64_t *rows, double *values, double *told,
                                  fnas_estimate_summary *summary) {
    for (int64_t fold = 0; fold < FOLDS; fold++) {
        int64_t count = 0;
        if (fnas_context_stop_requested(state->context)) return fnas_fail(state->context, FNAS_INTERRUPTED, "an estimate was stopped");
        for (int64_t i = 0; i < known; i++) {
            if (i % FOLDS == fold) continue;
            rows[count] = state->rows[i];
            values[count++] = state->values[i];
        }
        FNAS_TRY(fnas_regress(state->context, &state->candidates, count, rows, values, state->mean, state->deviation));
        for (int64_t i = fold; i < known; i += FOLDS) told[i] = state->mean[state->rows[i]];
    }
    double squares = 0;
    for (int64_t i = 0; i < known; i++) squares += (told[i] - state->values[i]) * (told[i] - state->values[i]);
    summary->kendall = fnas_kendall(told, state->values, known);
    summary->rms_pct = sqrt(squares / (double)known);
    return FNAS_OK;
}

fnas_status fnas_estimate_judge_regression(fnas_estimate *state, fnas_estimate_summary *summary) {
    int64_t known = fnas_estimate_collect(state);
    summary->kendall = summary->rms_pct = NAN;
    if (!state->ingredients.trainings) return FNAS_OK;
    int64_t *rows = fnas_allocate((size_t)known, sizeof *rows);
    double *values = fnas_allocate(2 * (size_t)known, sizeof *values);
    fnas_status status = rows && values ? cross_validate(state, known, rows, values, values + known, summary)
                                        : fnas_fail_memory(state->context, "an estimate");
    fnas_free(rows);
    fnas_free(values);
    return status;
}
