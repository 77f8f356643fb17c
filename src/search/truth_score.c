#include "search/truth_score.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

const double fnas_truth_reference[FNAS_TRUTH_OBJECTIVES_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
static const double ideal[FNAS_TRUTH_OBJECTIVES_MAX]; /* 0 everywhere */

/* ---- sets of points ---- */

/* Keeps the non-dominated ones, in place. */
static fnas_status keep_front(fnas_context *context, int64_t objectives, int64_t *count, double *points) {
    uint8_t *keep = fnas_allocate((size_t)*count + 1, 1);
    if (!keep) return fnas_fail_memory(context, "a front");
    fnas_status status = fnas_front_nondominated(context, *count, objectives, points, keep);
    int64_t kept = 0;
    for (int64_t i = 0; i < *count && status == FNAS_OK; i++)
        if (keep[i]) memmove(points + kept++ * objectives, points + i * objectives, (size_t)objectives * sizeof *points);
    if (status == FNAS_OK) *count = kept;
    fnas_free(keep);
    return status;
}

/* Normalised rows of those that do not guess. points [count][objectives]; returns how many. */
static int64_t add_points(const fnas_truth *truth, int64_t count, const double *const *rows, double *points) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (rows[i][0] < FNAS_TRUTH_ERROR_LIMIT_PCT) fnas_truth_normalise(truth, rows[i], points + kept++ * truth->objective_count);
    return kept;
}

/* *points: owned, the front of rows [count]. */
static fnas_status front_of(fnas_context *context, const fnas_truth *truth, int64_t count, const double *const *rows, int64_t *kept,
                            int64_t *front_count, double **points) {
    *points = fnas_allocate((size_t)(count * truth->objective_count) + 1, sizeof **points);
    if (!*points) return fnas_fail_memory(context, "a front");
    *front_count = *kept = add_points(truth, count, rows, *points);
    return keep_front(context, truth->objective_count, front_count, *points);
}

/* ---- the table's own ---- */

static fnas_status true_front(fnas_context *context, const double **rows, fnas_truth *truth) {
    int64_t kept;
    for (int64_t i = 0; i < truth->archs.count; i++) rows[i] = truth->values + i * truth->objective_count;
    FNAS_TRY(front_of(context, truth, truth->archs.count, rows, &kept, &truth->front_count, &truth->front));
    FNAS_TRY(fnas_front_hypervolume(context, truth->front_count, truth->objective_count, truth->front, fnas_truth_reference,
                                    &truth->hypervolume));
    if (truth->hypervolume > 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "the true front has only architectures that are the worst in something: its hypervolume is 0, nothing can be scored");
}

fnas_status fnas_truth_find_front(fnas_context *context, fnas_truth *truth) {
    const double **rows = fnas_allocate((size_t)truth->archs.count, sizeof *rows);
    fnas_status status = rows ? true_front(context, rows, truth) : fnas_fail_memory(context, "a truth table");
    fnas_free(rows);
    return status;
}

/* ---- a given front ---- */

static fnas_status find_rows(fnas_context *context, const fnas_truth *truth, int64_t count, const int32_t *choices, const double **rows) {
    for (int64_t i = 0; i < count; i++) {
        const int32_t *arch = choices + i * truth->archs.decisions;
        rows[i] = fnas_truth_values(truth, arch);
        if (rows[i]) continue;
        char text[FNAS_ARCH_TEXT_BYTES];
        FNAS_TRY(fnas_space_format(context, truth->space, arch, text, sizeof text));
        return fnas_fail(context, FNAS_ERR_INPUT, "the truth tables have no row for %s, architecture %lld of the front", text,
                         (long long)i + 1);
    }
    return FNAS_OK;
}

static fnas_status score_points(fnas_context *context, const fnas_truth *truth, const double *points, fnas_truth_score *score) {
    double none = (double)NAN;
    score->indicators = (fnas_indicators){none, none, none, none, none, none};
    FNAS_TRY(
        fnas_front_hypervolume(context, score->front_count, truth->objective_count, points, fnas_truth_reference, &score->hypervolume));
    score->ratio = score->hypervolume / score->true_hypervolume;
    if (score->front_count == 0) return FNAS_OK;
    return fnas_front_indicators(context, truth->objective_count, score->front_count, points, truth->front_count, truth->front, ideal,
                                 &score->indicators);
}

static fnas_status score_rows(fnas_context *context, const fnas_truth *truth, int64_t count, const double *const *rows,
                              fnas_truth_score *score) {
    double *points;
    int64_t kept;
    fnas_status status = front_of(context, truth, count, rows, &kept, &score->front_count, &points);
    score->dropped = count - kept;
    if (status == FNAS_OK) status = score_points(context, truth, points, score);
    fnas_free(points);
    return status;
}

fnas_status fnas_truth_score_front(fnas_context *context, const fnas_truth *truth, int64_t count, const int32_t *choices,
                                   fnas_truth_score *score) {
    *score = (fnas_truth_score){.given = count, .true_front_count = truth->front_count, .true_hypervolume = truth->hypervolume};
    const double **rows = fnas_allocate((size_t)count + 1, sizeof *rows);
    if (!rows) return fnas_fail_memory(context, "a front");
    fnas_status status = find_rows(context, truth, count, choices, rows);
    if (status == FNAS_OK) status = score_rows(context, truth, count, rows, score);
    fnas_free(rows);
    return status;
}
