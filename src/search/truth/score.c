#include "search/truth/score.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "space/arch_find.h"

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

/* Normalised rows of those that do not guess. rows, points [count][objectives]; returns how many. */
static int64_t add_points(const fnas_truth *truth, int64_t count, const double *rows, double *points) {
    int64_t kept = 0, objectives = truth->objective_count;
    for (int64_t i = 0; i < count; i++) {
        double *point = points + kept * objectives;
        if (rows[i * objectives] >= FNAS_TRUTH_ERROR_LIMIT_PCT) continue;
        fnas_truth_normalise(truth, rows + i * objectives, point);
        for (int64_t m = 0; m < objectives; m++) point[m] = fmin(fmax(point[m], 0), 1); /* beyond the scale only what was not joined */
        kept++;
    }
    return kept;
}

/* *points: owned, the front of rows [count][objectives]. */
static fnas_status front_of(fnas_context *context, const fnas_truth *truth, int64_t count, const double *rows, int64_t *kept,
                            int64_t *front_count, double **points) {
    *points = fnas_allocate((size_t)(count * truth->objective_count) + 1, sizeof **points);
    if (!*points) return fnas_fail_memory(context, "a front");
    *front_count = *kept = add_points(truth, count, rows, *points);
    return keep_front(context, truth->objective_count, front_count, *points);
}

/* ---- the table's own ---- */

fnas_status fnas_truth_find_front(fnas_context *context, fnas_truth *truth) {
    int64_t kept;
    FNAS_TRY(front_of(context, truth, truth->archs.count, truth->values, &kept, &truth->front_count, &truth->front));
    FNAS_TRY(fnas_front_hypervolume(context, truth->front_count, truth->objective_count, truth->front, fnas_truth_reference,
                                    &truth->hypervolume));
    if (truth->hypervolume > 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "the true front has only architectures that are the worst in something: its hypervolume is 0, nothing can be scored");
}

/* ---- a given front ---- */

/* rows [count][objectives], written. */
static fnas_status find_rows(fnas_context *context, const fnas_truth *truth, int64_t count, const int32_t *choices, double *rows) {
    int32_t known[FNAS_ARCH_FIND_DECISIONS_MAX];
    for (int64_t i = 0; i < count; i++) {
        const int32_t *arch = choices + i * truth->archs.decisions;
        char text[FNAS_ARCH_TEXT_BYTES];
        if (fnas_truth_identify(truth, arch, known)) {
            FNAS_TRY(fnas_truth_evaluate(context, truth, known, rows + i * truth->objective_count));
            continue;
        }
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
    if (truth->models) score->true_hypervolume = none; /* and what is made of it */
    score->ratio = score->hypervolume / score->true_hypervolume;
    if (score->front_count == 0 || truth->models) return FNAS_OK;
    return fnas_front_indicators(context, truth->objective_count, score->front_count, points, truth->front_count, truth->front, ideal,
                                 &score->indicators);
}

static fnas_status score_rows(fnas_context *context, const fnas_truth *truth, int64_t count, const double *rows, fnas_truth_score *score) {
    double *points;
    int64_t kept;
    fnas_status status = front_of(context, truth, count, rows, &kept, &score->front_count, &points);
    score->dropped = count - kept;
    if (status == FNAS_OK) status = score_points(context, truth, points, score);
    fnas_free(points);
    return status;
}

/* *rows: owned, of a front's architectures; also after a failure. */
static fnas_status allocate_rows(fnas_context *context, const fnas_truth *truth, int64_t count, double **rows) {
    *rows = fnas_allocate((size_t)(count * truth->objective_count) + 1, sizeof **rows);
    return *rows ? FNAS_OK : fnas_fail_memory(context, "a front");
}

fnas_status fnas_truth_score_front(fnas_context *context, const fnas_truth *truth, int64_t count, const int32_t *choices,
                                   fnas_truth_score *score) {
    *score = (fnas_truth_score){.given = count, .true_front_count = truth->front_count, .true_hypervolume = truth->hypervolume};
    double *rows;
    fnas_status status = allocate_rows(context, truth, count, &rows);
    if (status == FNAS_OK) status = find_rows(context, truth, count, choices, rows);
    if (status == FNAS_OK) status = score_rows(context, truth, count, rows, score);
    fnas_free(rows);
    return status;
}

fnas_status fnas_truth_join(fnas_context *context, fnas_truth *truth, int64_t count, const int32_t *choices) {
    double *rows;
    if (!truth->models) return FNAS_OK;
    fnas_status status = allocate_rows(context, truth, count, &rows);
    if (status == FNAS_OK) status = find_rows(context, truth, count, choices, rows);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++)
        fnas_truth_widen(truth->objective_count, rows + i * truth->objective_count, truth->low, truth->high);
    fnas_free(rows);
    return status;
}
