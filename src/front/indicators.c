/* How near a front is to another, the true one. */
#include <math.h>

#include "base/memory.h"
#include "front/lattice.h"
#include "front/points.h"

#define WEIGHTS_MOST 1000 /* of R2 */

/* ---- distances of a point of the front and one of the true front ---- */

static double euclidean(int64_t objectives, const double *point, const double *truth) {
    double sum = 0;
    for (int64_t m = 0; m < objectives; m++) sum += (point[m] - truth[m]) * (point[m] - truth[m]);
    return sqrt(sum);
}

/* Only where the point is worse (Ishibuchi et al. 2015). */
static double inferiority(int64_t objectives, const double *point, const double *truth) {
    double sum = 0;
    for (int64_t m = 0; m < objectives; m++) sum += fmax(point[m] - truth[m], 0) * fmax(point[m] - truth[m], 0);
    return sqrt(sum);
}

/* By how much the point must be moved to cover the other; below 0 where it is better everywhere. */
static double shift(int64_t objectives, const double *point, const double *truth) {
    double worst = -INFINITY;
    for (int64_t m = 0; m < objectives; m++) worst = fmax(worst, point[m] - truth[m]);
    return worst;
}

typedef double distance_function(int64_t objectives, const double *point, const double *truth);

/* ---- between sets ---- */

typedef struct sets {
    int64_t objectives, count, truth_count;
    const double *points, *truth;
} sets;

static double nearest_truth(const sets *s, distance_function *distance, int64_t index) {
    double least = INFINITY;
    for (int64_t t = 0; t < s->truth_count; t++)
        least = fmin(least, distance(s->objectives, s->points + index * s->objectives, s->truth + t * s->objectives));
    return least;
}

static double nearest_point(const sets *s, distance_function *distance, int64_t index) {
    double least = INFINITY;
    for (int64_t i = 0; i < s->count; i++)
        least = fmin(least, distance(s->objectives, s->points + i * s->objectives, s->truth + index * s->objectives));
    return least;
}

static double mean_to_truth(const sets *s, distance_function *distance) {
    double sum = 0;
    for (int64_t i = 0; i < s->count; i++) sum += nearest_truth(s, distance, i);
    return sum / (double)s->count;
}

static double mean_to_points(const sets *s, distance_function *distance) {
    double sum = 0;
    for (int64_t t = 0; t < s->truth_count; t++) sum += nearest_point(s, distance, t);
    return sum / (double)s->truth_count;
}

static double largest_shift(const sets *s) {
    double worst = -INFINITY;
    for (int64_t t = 0; t < s->truth_count; t++) worst = fmax(worst, nearest_point(s, shift, t));
    return worst;
}

/* ---- R2 ---- */

static double weighted_chebyshev(const sets *s, const double *weights, const double *ideal, int64_t index) {
    double worst = 0;
    for (int64_t m = 0; m < s->objectives; m++) worst = fmax(worst, weights[m] * fabs(s->points[index * s->objectives + m] - ideal[m]));
    return worst;
}

static double mean_chebyshev(const sets *s, int64_t weight_count, const double *weights, const double *ideal) {
    double sum = 0;
    for (int64_t w = 0; w < weight_count; w++) {
        double least = INFINITY;
        for (int64_t i = 0; i < s->count; i++) least = fmin(least, weighted_chebyshev(s, weights + w * s->objectives, ideal, i));
        sum += least;
    }
    return sum / (double)weight_count;
}

static fnas_status r2_of(fnas_context *context, const sets *s, const double *ideal, double *r2) {
    int64_t steps = fnas_lattice_steps(s->objectives, WEIGHTS_MOST), count = fnas_lattice_size(s->objectives, steps);
    double *weights = fnas_allocate((size_t)(count * s->objectives), sizeof *weights);
    if (!weights) return fnas_fail_memory(context, "the weights of an indicator");
    fnas_lattice_fill(s->objectives, steps, weights);
    *r2 = mean_chebyshev(s, count, weights, ideal);
    fnas_free(weights);
    return FNAS_OK;
}

/* ---- */

fnas_status fnas_front_indicators(fnas_context *context, int64_t objectives, int64_t count, const double *points, int64_t truth_count,
                                  const double *truth, const double *ideal, fnas_indicators *indicators) {
    *indicators = (fnas_indicators){0};
    FNAS_TRY(fnas_points_check(context, count, objectives, points));
    FNAS_TRY(fnas_points_check(context, truth_count, objectives, truth));
    FNAS_TRY(fnas_points_check_reference(context, objectives, ideal));
    if (count == 0 || truth_count == 0) return fnas_fail(context, FNAS_ERR_INPUT, "an empty front has no distance from another");
    const sets both = {objectives, count, truth_count, points, truth};
    indicators->gd = mean_to_truth(&both, euclidean);
    indicators->gd_plus = mean_to_truth(&both, inferiority);
    indicators->igd = mean_to_points(&both, euclidean);
    indicators->igd_plus = mean_to_points(&both, inferiority);
    indicators->epsilon = largest_shift(&both);
    return r2_of(context, &both, ideal, &indicators->r2);
}
