/* The best of a front by hypervolume contribution: greedy removal of the least contributor (Beume, Naujoks, Emmerich 2007, SMS-EMOA). */
#include <string.h>

#include "base/memory.h"
#include "front/points.h"

typedef struct selection {
    fnas_wfg wfg;
    int64_t count, objectives;
    double *points;        /* [count][objectives]: those still in */
    int64_t *indices;      /* [count]: where they were in the caller's array */
    double *contributions; /* [count] */
    uint8_t *fresh;        /* [count]: computed since the last removal */
    double *scratch;       /* [count][objectives] */
} selection;

static void selection_free(selection *s) {
    fnas_wfg_destroy(&s->wfg);
    fnas_free(s->points);
    fnas_free(s->indices);
    fnas_free(s->contributions);
    fnas_free(s->fresh);
    fnas_free(s->scratch);
}

static fnas_status selection_allocate(fnas_context *context, int64_t count, int64_t objectives, const double *reference, selection *s) {
    *s = (selection){.objectives = objectives};
    FNAS_TRY(fnas_wfg_create(context, count, objectives, reference, &s->wfg));
    s->points = fnas_allocate((size_t)(count * objectives), sizeof(double));
    s->scratch = fnas_allocate((size_t)(count * objectives), sizeof(double));
    s->indices = fnas_allocate((size_t)count, sizeof(int64_t));
    s->contributions = fnas_allocate((size_t)count, sizeof(double));
    s->fresh = fnas_allocate((size_t)count, sizeof(uint8_t));
    return s->points && s->scratch && s->indices && s->contributions && s->fresh ? FNAS_OK : fnas_fail_memory(context, "a front's points");
}

/* Those outside of the reference's box dominate no volume; they stay in the set with contribution 0, outside of every computation: pulled
 * to the reference. */
static void add_point(selection *s, const double *point, int64_t index) {
    bool inside = true;
    for (int64_t m = 0; m < s->objectives; m++) inside &= point[m] < s->wfg.reference[m];
    memcpy(s->points + s->count * s->objectives, inside ? point : s->wfg.reference, (size_t)s->objectives * sizeof(double));
    s->indices[s->count++] = index;
}

static fnas_status selection_fill(fnas_context *context, int64_t count, const double *points, selection *s) {
    uint8_t *keep = fnas_allocate((size_t)count, sizeof(uint8_t));
    if (!keep) return fnas_fail_memory(context, "a front's points");
    fnas_status status = fnas_front_nondominated(context, count, s->objectives, points, keep);
    for (int64_t i = 0; status == FNAS_OK && i < count; i++)
        if (keep[i]) add_point(s, points + i * s->objectives, i);
    fnas_free(keep);
    return status;
}

static void refresh(selection *s, int64_t at) {
    s->contributions[at] = fnas_wfg_contribution(&s->wfg, s->count, s->points, at, s->scratch);
    s->fresh[at] = 1;
}

/* The smallest contribution; of equals the last in the caller's order. A removal can only raise the others' contributions, so that an old
 * value is a bound from below, and only those that look smallest need be computed anew. */
static int64_t least_contributor(selection *s) {
    for (;;) {
        int64_t least = 0;
        for (int64_t i = 1; i < s->count; i++)
            if (s->contributions[i] <= s->contributions[least]) least = i;
        if (s->fresh[least]) return least;
        refresh(s, least);
    }
}

static void remove_point(selection *s, int64_t at) {
    int64_t behind = s->count - at - 1;
    memmove(s->points + at * s->objectives, s->points + (at + 1) * s->objectives, (size_t)(behind * s->objectives) * sizeof(double));
    memmove(s->indices + at, s->indices + at + 1, (size_t)behind * sizeof(int64_t));
    memmove(s->contributions + at, s->contributions + at + 1, (size_t)behind * sizeof(double));
    s->count--;
    memset(s->fresh, 0, (size_t)s->count);
}

/* Largest contribution first; of equals the first in the caller's order. Insertion sort: the set is small, and it is stable. */
static void write_order(const selection *s, int64_t *order) {
    for (int64_t i = 0; i < s->count; i++) {
        int64_t at = i;
        for (; at > 0 && s->contributions[order[at - 1]] < s->contributions[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (int64_t i = 0; i < s->count; i++) order[i] = s->indices[order[i]];
}

static void select_points(selection *s, int64_t most, int64_t *order, int64_t *kept) {
    for (int64_t i = 0; i < s->count; i++) refresh(s, i);
    while (s->count > most) remove_point(s, least_contributor(s));
    for (int64_t i = 0; i < s->count; i++) refresh(s, i);
    write_order(s, order);
    *kept = s->count;
}

fnas_status fnas_front_select(fnas_context *context, int64_t count, int64_t objectives, const double *points, const double *reference,
                              int64_t most, int64_t *order, int64_t *kept) {
    *kept = 0;
    FNAS_TRY(fnas_points_check(context, count, objectives, points));
    FNAS_TRY(fnas_points_check_reference(context, objectives, reference));
    if (most < 1) return fnas_fail(context, FNAS_ERR_INPUT, "a front of at most %lld points was asked for: 1 or more", (long long)most);
    selection s;
    fnas_status status = selection_allocate(context, count, objectives, reference, &s);
    if (status == FNAS_OK) status = selection_fill(context, count, points, &s);
    if (status == FNAS_OK) select_points(&s, most, order, kept);
    selection_free(&s);
    return status;
}
