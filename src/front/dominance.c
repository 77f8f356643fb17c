#include <stdlib.h>

#include "base/memory.h"
#include "front/points.h"

typedef struct indexed_point {
    double first, second;
    int64_t index;
} indexed_point;

static int compare_points(const void *left, const void *right) {
    const indexed_point *a = left, *b = right;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    if (a->second != b->second) return a->second < b->second ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Sorted by the first objective, then the second, then the order given, a point is kept where the second is better than all before. One
 * objective is two of which the second is always 0. */
static fnas_status keep_by_sweep(fnas_context *context, int64_t count, int64_t objectives, const double *points, uint8_t *keep) {
    indexed_point *sorted = fnas_allocate((size_t)count, sizeof *sorted);
    if (!sorted) return fnas_fail_memory(context, "a front's points");
    for (int64_t i = 0; i < count; i++)
        sorted[i] = (indexed_point){points[i * objectives], objectives == 2 ? points[i * objectives + 1] : 0, i};
    qsort(sorted, (size_t)count, sizeof *sorted, compare_points);
    double best = 0;
    for (int64_t i = 0; i < count; i++) {
        bool better = i == 0 || sorted[i].second < best;
        keep[sorted[i].index] = better;
        if (better) best = sorted[i].second;
    }
    fnas_free(sorted);
    return FNAS_OK;
}

/* A point that covers another dominates it, or is equal; of equal points the first stays. */
static bool is_dominated(int64_t count, int64_t objectives, const double *points, int64_t index) {
    const double *point = points + index * objectives;
    for (int64_t other = 0; other < count; other++) {
        const double *rival = points + other * objectives;
        if (other != index && fnas_point_covers(objectives, rival, point) &&
            (other < index || !fnas_point_covers(objectives, point, rival)))
            return true;
    }
    return false;
}

fnas_status fnas_front_nondominated(fnas_context *context, int64_t count, int64_t objectives, const double *points, uint8_t *keep) {
    FNAS_TRY(fnas_points_check(context, count, objectives, points));
    if (objectives <= 2) return keep_by_sweep(context, count, objectives, points, keep);
    for (int64_t i = 0; i < count; i++) keep[i] = !is_dominated(count, objectives, points, i);
    return FNAS_OK;
}
