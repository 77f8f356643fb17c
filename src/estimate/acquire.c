#include "estimate/acquire.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "fleetnas/front.h"

#define OPTIMISM 1.5 /* deviations */

/* The lower envelope of a front in the unit square: from cost[i] on nothing is worse than error[i]. */
typedef struct staircase {
    int64_t count;
    double *cost, *error; /* rising, falling; room for one more a choice */
} staircase;

typedef struct acquisition {
    const fnas_estimate_candidates *candidates;
    int64_t count, devices;
    double *cost;       /* [devices][count], normalised */
    double *mean, *low; /* [count] errors, normalised: expected, and as good as they may be */
    staircase *stairs;  /* [devices] */
    double *points;     /* [count][2] scratch */
    uint8_t *keep;      /* [count] scratch */
    bool *open;         /* [count] may still be chosen */
} acquisition;

/* ---- one device's front ---- */

/* Area between the staircase and the point (x, y), left of 1 and below 1. */
static double gain_of(const staircase *stairs, double x, double y) {
    double gain = 0, level = 1, from = x;
    for (int64_t i = 0; i < stairs->count; i++) {
        if (stairs->cost[i] > from) {
            gain += (stairs->cost[i] - from) * fmax(0, level - y);
            from = stairs->cost[i];
        }
        level = stairs->error[i];
        if (level <= y) return gain;
    }
    return gain + fmax(0, 1 - from) * fmax(0, level - y);
}

/* The point takes its place; steps that it dominates go. */
static void add_point(staircase *stairs, double x, double y) {
    int64_t at = 0, kept;
    while (at < stairs->count && stairs->cost[at] < x) at++;
    if (at > 0 && stairs->error[at - 1] <= y) return;
    if (at < stairs->count && stairs->cost[at] == x && stairs->error[at] <= y) return;
    int64_t end = at;
    while (end < stairs->count && stairs->error[end] >= y) end++;
    kept = stairs->count - end;
    memmove(stairs->cost + at + 1, stairs->cost + end, (size_t)kept * sizeof(double));
    memmove(stairs->error + at + 1, stairs->error + end, (size_t)kept * sizeof(double));
    stairs->cost[at] = x;
    stairs->error[at] = y;
    stairs->count = at + 1 + kept;
}

static fnas_status expect_front(fnas_context *context, acquisition *work, int64_t device) {
    const double *cost = work->cost + device * work->count;
    for (int64_t i = 0; i < work->count; i++) {
        work->points[2 * i] = cost[i];
        work->points[2 * i + 1] = work->mean[i];
    }
    FNAS_TRY(fnas_front_nondominated(context, work->count, 2, work->points, work->keep));
    for (int64_t i = 0; i < work->count; i++)
        if (work->keep[i]) add_point(&work->stairs[device], cost[i], work->mean[i]);
    return FNAS_OK;
}

/* ---- all of them ---- */

static void range_of(int64_t count, int64_t stride, const double *values, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        *low = fmin(*low, values[i * stride]);
        *high = fmax(*high, values[i * stride]);
    }
    if (!(*high > *low)) *high = *low + 1;
}

static void normalise(acquisition *work, const double *mean, const double *deviation) {
    const fnas_estimate_candidates *candidates = work->candidates;
    double low, high;
    for (int64_t d = 0; d < work->devices; d++) {
        range_of(work->count, work->devices, candidates->cost + d, &low, &high);
        for (int64_t i = 0; i < work->count; i++)
            work->cost[d * work->count + i] = (candidates->cost[i * work->devices + d] - low) / (high - low);
    }
    range_of(work->count, 1, mean, &low, &high);
    for (int64_t i = 0; i < work->count; i++) {
        work->mean[i] = (mean[i] - low) / (high - low);
        work->low[i] = (mean[i] - OPTIMISM * deviation[i] - low) / (high - low);
    }
}

static double total_gain(const acquisition *work, int64_t index) {
    double gain = 0;
    for (int64_t d = 0; d < work->devices; d++) gain += gain_of(&work->stairs[d], work->cost[d * work->count + index], work->low[index]);
    return gain;
}

static void choose(acquisition *work, int64_t count, int64_t *chosen, int64_t *found) {
    for (*found = 0; *found < count; ++*found) {
        int64_t best = -1;
        double best_gain = 0;
        for (int64_t i = 0; i < work->count; i++) {
            double gain = work->open[i] ? total_gain(work, i) : 0;
            if (gain > best_gain) {
                best_gain = gain;
                best = i;
            }
        }
        if (best < 0) return;
        work->open[best] = false;
        for (int64_t d = 0; d < work->devices; d++) add_point(&work->stairs[d], work->cost[d * work->count + best], work->low[best]);
        chosen[*found] = best;
    }
}

static bool allocate(acquisition *work, int64_t most) {
    size_t count = (size_t)work->count, devices = (size_t)work->devices, steps = count + (size_t)most + 1;
    work->cost = fnas_allocate(count * devices, sizeof(double));
    work->mean = fnas_allocate(count, sizeof(double));
    work->low = fnas_allocate(count, sizeof(double));
    work->points = fnas_allocate(2 * count, sizeof(double));
    work->keep = fnas_allocate(count, sizeof *work->keep);
    work->open = fnas_allocate(count, sizeof *work->open);
    work->stairs = fnas_allocate(devices, sizeof *work->stairs);
    bool good = work->cost && work->mean && work->low && work->points && work->keep && work->open && work->stairs;
    for (size_t d = 0; good && d < devices; d++) {
        work->stairs[d].cost = fnas_allocate(steps, sizeof(double));
        work->stairs[d].error = fnas_allocate(steps, sizeof(double));
        good = work->stairs[d].cost && work->stairs[d].error;
    }
    return good;
}

static void release(acquisition *work) {
    for (int64_t d = 0; work->stairs && d < work->devices; d++) {
        fnas_free(work->stairs[d].cost);
        fnas_free(work->stairs[d].error);
    }
    void *owned[] = {work->cost, work->mean, work->low, work->points, work->keep, work->open, work->stairs};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
}

fnas_status fnas_acquire(fnas_context *context, const fnas_estimate_candidates *candidates, const double *mean, const double *deviation,
                         const bool *trained, int64_t count, int64_t *chosen, int64_t *found) {
    acquisition work = {.candidates = candidates, .count = candidates->archs.count, .devices = candidates->costs};
    fnas_status status = allocate(&work, count) ? FNAS_OK : fnas_fail_memory(context, "choosing what to train");
    if (status == FNAS_OK) normalise(&work, mean, deviation);
    for (int64_t d = 0; d < work.devices && status == FNAS_OK; d++) status = expect_front(context, &work, d);
    if (status == FNAS_OK) {
        for (int64_t i = 0; i < work.count; i++) work.open[i] = !trained[i];
        choose(&work, count, chosen, found);
    }
    release(&work);
    return status;
}
