/* Hypervolume: sweeps for two and three objectives; for more, the exclusive volumes of WFG (While, Bradstreet, Barone 2012, "A fast way of
 * calculating exact hypervolumes") taken in slices: with the points in order of a falling last objective, what a point adds to those behind
 * it has its own last objective as height throughout, so that each level of the recursion is one dimension lower. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "front/points.h"

#define SWEPT 3 /* objectives up to which a sweep takes points that dominate one another */

void fnas_wfg_destroy(fnas_wfg *wfg) {
    for (int64_t m = 0; m < FNAS_FRONT_OBJECTIVES_MAX; m++) fnas_free(wfg->levels[m]);
    fnas_free(wfg->sorted);
    fnas_free(wfg->order);
    fnas_free(wfg->order_buffer);
    fnas_sweep3_destroy(&wfg->sweep3);
    *wfg = (fnas_wfg){0};
}

fnas_status fnas_wfg_create(fnas_context *context, int64_t capacity, int64_t objectives, const double *reference, fnas_wfg *wfg) {
    *wfg = (fnas_wfg){.capacity = capacity, .objectives = objectives, .reference = reference};
    bool complete = true;
    for (int64_t m = 3; m < objectives; m++) complete &= (wfg->levels[m] = fnas_allocate((size_t)(capacity * m), sizeof(double))) != NULL;
    wfg->sorted = fnas_allocate((size_t)(capacity * objectives), sizeof(double));
    wfg->order = fnas_allocate((size_t)capacity, sizeof *wfg->order);
    wfg->order_buffer = fnas_allocate((size_t)capacity, sizeof *wfg->order_buffer);
    complete &= wfg->sorted && wfg->order && wfg->order_buffer;
    fnas_status status = complete ? FNAS_OK : fnas_fail_memory(context, "the hypervolume of a front");
    if (status == FNAS_OK && objectives > 2) status = fnas_sweep3_create(context, capacity, &wfg->sweep3);
    if (status != FNAS_OK) fnas_wfg_destroy(wfg);
    return status;
}

static double smallest(int64_t count, const double *values) {
    double best = values[0];
    for (int64_t i = 1; i < count; i++) best = fmin(best, values[i]);
    return best;
}

/* Strips between neighbours in the first objective, under the best second objective so far. */
static double sweep(fnas_wfg *wfg, int64_t count, const double *points) {
    double volume = 0, lowest = wfg->reference[1];
    for (int64_t i = 0; i < count; i++) wfg->order[i] = (fnas_keyed){points[2 * i], i};
    fnas_sort_keyed(count, wfg->order, wfg->order_buffer);
    for (int64_t i = 0; i < count; i++) {
        double y = points[2 * wfg->order[i].index + 1];
        if (y >= lowest) continue;
        volume += (wfg->reference[0] - wfg->order[i].key) * (lowest - y);
        lowest = y;
    }
    return volume;
}

static void sort_by_falling_last(fnas_wfg *wfg, int64_t count, int64_t objectives, double *points) {
    size_t row = (size_t)objectives * sizeof(double);
    for (int64_t i = 0; i < count; i++) wfg->order[i] = (fnas_keyed){-points[(i + 1) * objectives - 1], i};
    fnas_sort_keyed(count, wfg->order, wfg->order_buffer);
    for (int64_t i = 0; i < count; i++) memcpy(wfg->sorted + i * objectives, points + wfg->order[i].index * objectives, row);
    memcpy(points, wfg->sorted, (size_t)count * row);
}

/* Drops points that others cover, in place; the first of equals stays. */
static int64_t drop_covered(int64_t count, int64_t objectives, double *points) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        bool covered = false;
        for (int64_t j = 0; j < kept && !covered; j++)
            covered = fnas_point_covers(objectives, points + j * objectives, points + i * objectives);
        if (covered) continue;
        int64_t survivors = 0;
        for (int64_t j = 0; j < kept; j++) {
            if (fnas_point_covers(objectives, points + i * objectives, points + j * objectives)) continue;
            memmove(points + survivors++ * objectives, points + j * objectives, (size_t)objectives * sizeof(double));
        }
        memmove(points + survivors++ * objectives, points + i * objectives, (size_t)objectives * sizeof(double));
        kept = survivors;
    }
    return kept;
}

static double box(int64_t objectives, const double *point, const double *reference) {
    double volume = 1;
    for (int64_t m = 0; m < objectives; m++) volume *= reference[m] - point[m];
    return volume;
}

static double volume_of(fnas_wfg *wfg, int64_t count, int64_t objectives, double *points);

/* What `point` dominates and none of others [count][stride] does, in the first `objectives` (>= 2) coordinates: its box less the volume of
 * the others limited to that box. limited [count][objectives] is scratch. */
static double exclusive(fnas_wfg *wfg, int64_t count, int64_t objectives, const double *point, const double *others, int64_t stride,
                        double *limited) {
    for (int64_t i = 0; i < count; i++)
        for (int64_t m = 0; m < objectives; m++) limited[i * objectives + m] = fmax(point[m], others[i * stride + m]);
    if (objectives > SWEPT) count = drop_covered(count, objectives, limited);
    return box(objectives, point, wfg->reference) - volume_of(wfg, count, objectives, limited);
}

static double volume_of(fnas_wfg *wfg, int64_t count, int64_t objectives, double *points) {
    if (count == 0) return 0;
    if (objectives == 1) return wfg->reference[0] - smallest(count, points);
    if (objectives == 2) return sweep(wfg, count, points);
    if (objectives == 3) return fnas_sweep3_volume(&wfg->sweep3, count, points, wfg->reference);
    sort_by_falling_last(wfg, count, objectives, points);
    double volume = 0, *limited = wfg->levels[objectives - 1];
    for (int64_t i = 0; i < count; i++) {
        const double *point = points + i * objectives;
        double height = wfg->reference[objectives - 1] - point[objectives - 1];
        volume += height * exclusive(wfg, count - 1 - i, objectives - 1, point, point + objectives, objectives, limited);
    }
    return volume;
}

double fnas_wfg_volume(fnas_wfg *wfg, int64_t count, double *points) {
    return volume_of(wfg, count, wfg->objectives, points);
}

/* In scratch: the others first, limited in place; the point itself stays in `points`. */
double fnas_wfg_contribution(fnas_wfg *wfg, int64_t count, const double *points, int64_t index, double *scratch) {
    int64_t objectives = wfg->objectives;
    size_t row = (size_t)objectives * sizeof(double);
    memcpy(scratch, points, (size_t)index * row);
    memcpy(scratch + index * objectives, points + (index + 1) * objectives, (size_t)(count - index - 1) * row);
    const double *point = points + index * objectives;
    for (int64_t i = 0; i < count - 1; i++)
        for (int64_t m = 0; m < objectives; m++) scratch[i * objectives + m] = fmax(point[m], scratch[i * objectives + m]);
    int64_t kept = objectives > SWEPT ? drop_covered(count - 1, objectives, scratch) : count - 1;
    return fmax(0, box(objectives, point, wfg->reference) - volume_of(wfg, kept, objectives, scratch));
}

/* Copies the points that are better than the reference everywhere: the others dominate no volume. */
static int64_t copy_inside(int64_t count, int64_t objectives, const double *points, const double *reference, double *inside) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        bool better = true;
        for (int64_t m = 0; m < objectives; m++) better &= points[i * objectives + m] < reference[m];
        if (better) memcpy(inside + kept++ * objectives, points + i * objectives, (size_t)objectives * sizeof(double));
    }
    return kept;
}

fnas_status fnas_front_hypervolume(fnas_context *context, int64_t count, int64_t objectives, const double *points, const double *reference,
                                   double *volume) {
    *volume = 0;
    FNAS_TRY(fnas_points_check(context, count, objectives, points));
    FNAS_TRY(fnas_points_check_reference(context, objectives, reference));
    fnas_wfg wfg;
    FNAS_TRY(fnas_wfg_create(context, count, objectives, reference, &wfg));
    double *inside = fnas_allocate((size_t)(count * objectives), sizeof(double));
    fnas_status status = inside ? FNAS_OK : fnas_fail_memory(context, "the hypervolume of a front");
    if (status == FNAS_OK) {
        int64_t kept = copy_inside(count, objectives, points, reference, inside);
        if (objectives > SWEPT) kept = drop_covered(kept, objectives, inside);
        *volume = fnas_wfg_volume(&wfg, kept, inside);
    }
    fnas_free(inside);
    fnas_wfg_destroy(&wfg);
    return status;
}
