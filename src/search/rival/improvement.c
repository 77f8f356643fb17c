#include "search/rival/improvement.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "fleetnas/front.h"

#define SQRT_HALF 0.70710678118654752440
#define ONE_OVER_SQRT_2PI 0.39894228040143267794
#define FAR 8.5 /* deviations beyond which a normal tail is nothing beside 1 */

double fnas_expected_improvement(double best, double mean, double deviation) {
    double margin = best - mean;
    if (margin >= FAR * deviation) return margin;
    if (margin <= -FAR * deviation) return 0;
    double z = margin / deviation;
    return margin * 0.5 * erfc(-z * SQRT_HALF) + deviation * ONE_OVER_SQRT_2PI * exp(-0.5 * z * z);
}

/* ---- boxes ---- */

/* A column over the stairs of the points so far: x from its low level to the next strip's, y below its high level, z from its low level on.
 */
typedef struct strip {
    int32_t x_low, y_high, z_low;
} strip;

typedef struct sweep {
    fnas_ehvi *ehvi;
    int64_t strips;
    strip *strip; /* x_low rises, y_high falls */
} sweep;

static double level_of(const fnas_ehvi *ehvi, int64_t objective, int32_t index) {
    return index < 0 ? -INFINITY : ehvi->level[objective * ehvi->levels + index];
}

/* Ends strip s at level z. */
static void close_strip(sweep *w, int64_t s, int32_t z) {
    fnas_ehvi *ehvi = w->ehvi;
    const strip *ending = w->strip + s;
    int32_t reference = (int32_t)(ehvi->levels - 1), *low = ehvi->low + ehvi->boxes * ehvi->objectives,
            *high = ehvi->high + ehvi->boxes * ehvi->objectives;
    if (ehvi->objectives == 3) {
        if (level_of(ehvi, 2, ending->z_low) >= level_of(ehvi, 2, z)) return;
        low[2] = ending->z_low;
        high[2] = z;
    } else if (z != reference) {
        return; /* in the plane, what counts are the last stairs */
    }
    low[0] = ending->x_low;
    high[0] = s + 1 < w->strips ? w->strip[s + 1].x_low : reference;
    low[1] = -1;
    high[1] = ending->y_high;
    ehvi->boxes++;
}

/* Point p of the front cuts the strip that its x lies in; strips to the right that reach above its y end with it. */
static void add_point(sweep *w, int32_t p) {
    const fnas_ehvi *ehvi = w->ehvi;
    double x = level_of(ehvi, 0, p), y = level_of(ehvi, 1, p);
    int64_t first = 0, last;
    while (first + 1 < w->strips && level_of(ehvi, 0, w->strip[first + 1].x_low) <= x) first++;
    if (level_of(ehvi, 1, w->strip[first].y_high) <= y) return;
    for (last = first; last < w->strips && level_of(ehvi, 1, w->strip[last].y_high) > y; last++) close_strip(w, last, p);
    memmove(w->strip + first + 2, w->strip + last, (size_t)(w->strips - last) * sizeof *w->strip);
    w->strips += first + 2 - last;
    w->strip[first].z_low = p;
    w->strip[first + 1] = (strip){.x_low = p, .y_high = p, .z_low = p};
}

/* Points must be added by rising z. */
static void sweep_points(sweep *w) {
    int32_t reference = (int32_t)(w->ehvi->levels - 1);
    w->strips = 1;
    w->strip[0] = (strip){.x_low = -1, .y_high = reference, .z_low = -1};
    for (int32_t p = 0; p < reference; p++) add_point(w, p);
    for (int64_t s = 0; s < w->strips; s++) close_strip(w, s, reference);
}

/* ---- the front, as levels ---- */

static bool is_within(int64_t objectives, const double *point, const double *reference) {
    for (int64_t m = 0; m < objectives; m++)
        if (point[m] >= reference[m]) return false;
    return true;
}

typedef struct front_scratch {
    uint8_t *keep;
    fnas_keyed *order, *buffer;
} front_scratch;

/* Levels in the order of the last objective. */
static fnas_status fill_levels(fnas_context *context, int64_t count, const double *points, const double *reference,
                               const front_scratch *scratch, fnas_ehvi *ehvi) {
    int64_t objectives = ehvi->objectives, kept = 0;
    FNAS_TRY(fnas_front_nondominated(context, count, objectives, points, scratch->keep));
    for (int64_t i = 0; i < count; i++)
        if (scratch->keep[i] && is_within(objectives, points + i * objectives, reference))
            scratch->order[kept++] = (fnas_keyed){points[(i + 1) * objectives - 1], i};
    fnas_sort_keyed(kept, scratch->order, scratch->buffer);
    ehvi->levels = kept + 1;
    for (int64_t m = 0; m < objectives; m++) {
        for (int64_t p = 0; p < kept; p++) ehvi->level[m * ehvi->levels + p] = points[scratch->order[p].index * objectives + m];
        ehvi->level[m * ehvi->levels + kept] = reference[m];
    }
    return FNAS_OK;
}

static fnas_status find_levels(fnas_context *context, int64_t count, const double *points, const double *reference, fnas_ehvi *ehvi) {
    front_scratch scratch = {.keep = fnas_allocate((size_t)count, sizeof *scratch.keep),
                             .order = fnas_allocate((size_t)count, sizeof *scratch.order),
                             .buffer = fnas_allocate((size_t)count, sizeof *scratch.buffer)};
    fnas_status status = scratch.keep && scratch.order && scratch.buffer ? fill_levels(context, count, points, reference, &scratch, ehvi)
                                                                         : fnas_fail_memory(context, "an expected hypervolume improvement");
    fnas_free(scratch.keep);
    fnas_free(scratch.order);
    fnas_free(scratch.buffer);
    return status;
}

void fnas_ehvi_close(fnas_ehvi *ehvi) {
    fnas_free(ehvi->level);
    fnas_free(ehvi->low);
    fnas_free(ehvi->high);
    fnas_free(ehvi->promise);
    *ehvi = (fnas_ehvi){0};
}

fnas_status fnas_ehvi_open(fnas_context *context, int64_t count, int64_t objectives, const double *points, const double *reference,
                           fnas_ehvi *ehvi) {
    *ehvi = (fnas_ehvi){.objectives = objectives};
    if (objectives < 2 || objectives > FNAS_EHVI_OBJECTIVES_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                         "the expected hypervolume improvement is known here for 2 or 3 objectives, not for %lld", (long long)objectives);
    size_t levels = (size_t)count + 1, boxes = 2 * levels;
    sweep w = {.ehvi = ehvi, .strip = fnas_allocate(levels + 1, sizeof *w.strip)};
    ehvi->level = fnas_allocate(levels * (size_t)objectives, sizeof *ehvi->level);
    ehvi->promise = fnas_allocate(levels * (size_t)objectives, sizeof *ehvi->promise);
    ehvi->low = fnas_allocate(boxes * (size_t)objectives, sizeof *ehvi->low);
    ehvi->high = fnas_allocate(boxes * (size_t)objectives, sizeof *ehvi->high);
    fnas_status status = w.strip && ehvi->level && ehvi->promise && ehvi->low && ehvi->high
                             ? find_levels(context, count, points, reference, ehvi)
                             : fnas_fail_memory(context, "an expected hypervolume improvement");
    if (status == FNAS_OK) sweep_points(&w);
    fnas_free(w.strip);
    return status;
}

/* ---- the expectation ---- */

double fnas_ehvi_of(fnas_ehvi *ehvi, const double *means, const double *deviations) {
    int64_t objectives = ehvi->objectives, levels = ehvi->levels;
    for (int64_t m = 0; m < objectives; m++)
        for (int64_t p = 0; p < levels; p++)
            ehvi->promise[m * levels + p] = fnas_expected_improvement(ehvi->level[m * levels + p], means[m], deviations[m]);
    double sum = 0;
    for (int64_t b = 0; b < ehvi->boxes; b++) {
        const int32_t *low = ehvi->low + b * objectives, *high = ehvi->high + b * objectives;
        double share = 1;
        for (int64_t m = 0; m < objectives; m++) {
            const double *promise = ehvi->promise + m * levels;
            share *= promise[high[m]] - (low[m] < 0 ? 0 : promise[low[m]]);
        }
        sum += share;
    }
    return sum;
}
