/* Estimated errors against true ones. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/statistics.h"
#include "search/error/surrogate.h"
#include "search/truth/truth.h"
#include "space/arch_find.h"

#define RANDOM_MOST 1000
#define ALIKE 0.05

/* Rows of the truth tables that do not guess, with both errors. */
typedef struct agreement {
    const fnas_truth *truth;
    int64_t count, objectives;
    int64_t *rows;                /* [count] of the truth tables */
    double *estimated, *true_pct; /* [count] */
    int64_t *order;               /* [count] scratch */
    double *x, *y;                /* [count] scratch */
    double *points;               /* [count][objectives] scratch */
    uint8_t *keep;                /* [count] scratch */
} agreement;

static fnas_status allocate(fnas_context *context, agreement *state) {
    size_t count = (size_t)state->truth->archs.count + 1;
    state->rows = fnas_allocate(count, sizeof *state->rows);
    state->order = fnas_allocate(count + FNAS_TRUTH_POINTS, sizeof *state->order);
    state->estimated = fnas_allocate(count, sizeof(double));
    state->true_pct = fnas_allocate(count, sizeof(double));
    state->x = fnas_allocate(count, sizeof(double));
    state->y = fnas_allocate(count, sizeof(double));
    state->points = fnas_allocate(count * (size_t)state->objectives, sizeof(double));
    state->keep = fnas_allocate(count, 1);
    bool good = state->rows && state->order && state->estimated && state->true_pct && state->x && state->y && state->points && state->keep;
    return good ? FNAS_OK : fnas_fail_memory(context, "a comparison of errors");
}

static void release(agreement *state) {
    void *owned[] = {state->rows, state->order, state->estimated, state->true_pct, state->x, state->y, state->points, state->keep};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
}

static fnas_status join(fnas_context *context, const fnas_surrogate *errors, const char *path, agreement *state) {
    const fnas_truth *truth = state->truth;
    for (int64_t i = 0; i < truth->archs.count; i++) {
        const int32_t *choices = fnas_arch_set_at(&truth->archs, i);
        double true_pct = truth->values[i * state->objectives];
        if (true_pct >= FNAS_TRUTH_ERROR_LIMIT_PCT) continue;
        int64_t row = fnas_arch_find_same(truth->space, &errors->rows, choices);
        if (row < 0) {
            char text[FNAS_ARCH_TEXT_BYTES];
            FNAS_TRY(fnas_space_format(context, truth->space, choices, text, sizeof text));
            return fnas_fail(context, FNAS_ERR_INPUT, "%s has no row for %s, which the truth tables have", path, text);
        }
        state->rows[state->count] = i;
        state->estimated[state->count] = errors->errors[row];
        state->true_pct[state->count++] = true_pct;
    }
    return FNAS_OK;
}

/* ---- orders ---- */

static void compare_random(agreement *state, uint64_t seed, fnas_truth_agreement *result) {
    int64_t count = state->count < RANDOM_MOST ? state->count : RANDOM_MOST, right = 0, wrong = 0;
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_RIVAL, 0, 1);
    fnas_random_permutation(&random, state->count, state->order);
    for (int64_t i = 0; i < count; i++) {
        state->x[i] = state->estimated[state->order[i]];
        state->y[i] = state->true_pct[state->order[i]];
    }
    result->random_count = count;
    result->kendall_random = fnas_kendall(state->x, state->y, count);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < i; j++) {
            const double *a = state->truth->values + state->rows[state->order[i]] * state->objectives;
            const double *b = state->truth->values + state->rows[state->order[j]] * state->objectives;
            if (fabs(a[1] - b[1]) > ALIKE * fmin(fabs(a[1]), fabs(b[1]))) continue;
            double both = (state->x[i] - state->x[j]) * (state->y[i] - state->y[j]);
            result->alike_pairs++;
            right += both > 0;
            wrong += both < 0;
        }
    result->kendall_alike = result->alike_pairs ? (double)(right - wrong) / (double)result->alike_pairs : (double)NAN;
}

static fnas_status compare_front(fnas_context *context, agreement *state, fnas_truth_agreement *result) {
    for (int64_t i = 0; i < state->count; i++)
        memcpy(state->points + i * state->objectives, state->truth->values + state->rows[i] * state->objectives,
               (size_t)state->objectives * sizeof(double));
    FNAS_TRY(fnas_front_nondominated(context, state->count, state->objectives, state->points, state->keep));
    for (int64_t i = 0; i < state->count; i++) {
        if (!state->keep[i]) continue;
        state->x[result->front_count] = state->estimated[i];
        state->y[result->front_count++] = state->true_pct[i];
    }
    result->kendall_front = fnas_kendall(state->x, state->y, result->front_count);
    return FNAS_OK;
}

/* ---- the front that follows from them ---- */

static void estimate_points(agreement *state) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < state->count; i++) {
        low = fmin(low, state->estimated[i]);
        high = fmax(high, state->estimated[i]);
    }
    for (int64_t i = 0; i < state->count; i++) {
        double *point = state->points + i * state->objectives;
        fnas_truth_normalise(state->truth, state->truth->values + state->rows[i] * state->objectives, point);
        point[0] = high > low ? (state->estimated[i] - low) / (high - low) : 0;
    }
}

static fnas_status score_best(fnas_context *context, agreement *state, fnas_truth_agreement *result) {
    int64_t kept, decisions = state->truth->archs.decisions;
    estimate_points(state);
    FNAS_TRY(fnas_front_select(context, state->count, state->objectives, state->points, fnas_truth_reference, FNAS_TRUTH_POINTS,
                               state->order, &kept));
    int32_t *choices = fnas_allocate((size_t)(kept * decisions) + 1, sizeof *choices);
    if (!choices) return fnas_fail_memory(context, "a front");
    for (int64_t i = 0; i < kept; i++)
        memcpy(choices + i * decisions, fnas_arch_set_at(&state->truth->archs, state->rows[state->order[i]]),
               (size_t)decisions * sizeof *choices);
    fnas_truth_score score;
    fnas_status status = fnas_truth_score_front(context, state->truth, kept, choices, &score);
    if (status == FNAS_OK) result->ratio = score.ratio;
    fnas_free(choices);
    return status;
}

static fnas_status agree(fnas_context *context, const fnas_surrogate *errors, const char *path, uint64_t seed, agreement *state,
                         fnas_truth_agreement *result) {
    FNAS_TRY(allocate(context, state));
    FNAS_TRY(join(context, errors, path, state));
    compare_random(state, seed, result);
    FNAS_TRY(compare_front(context, state, result));
    return score_best(context, state, result);
}

fnas_status fnas_truth_agree(fnas_context *context, const fnas_truth *truth, const char *errors, const char *column, uint64_t seed,
                             fnas_truth_agreement *result) {
    fnas_surrogate *surrogate = NULL;
    agreement state = {.truth = truth, .objectives = truth->objective_count};
    *result = (fnas_truth_agreement){0};
    fnas_status status = fnas_surrogate_create(context, truth->space, &surrogate);
    if (status == FNAS_OK) status = fnas_surrogate_read_rows(context, errors, column, surrogate);
    if (status == FNAS_OK) status = agree(context, surrogate, errors, seed, &state, result);
    release(&state);
    fnas_surrogate_free(surrogate);
    return status;
}
