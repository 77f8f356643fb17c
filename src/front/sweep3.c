/* Fonseca, Paquete, Lopez-Ibanez 2006 ("An improved dimension-sweep algorithm for the hypervolume indicator") and Beume et al. 2009 ("On
 * the complexity of computing the hypervolume indicator"): points come in order of the third objective; those that none before has beaten
 * in the first two form a staircase, whose area times the distance to the next point is a slice of the volume. */
#include "front/sweep3.h"

#include "base/memory.h"

/* A point's first two objectives, by its rank in the first. */
struct fnas_sweep3_place {
    double x, y;
};

fnas_status fnas_sweep3_create(fnas_context *context, int64_t capacity, fnas_sweep3 *sweep) {
    *sweep = (fnas_sweep3){0};
    sweep->places = fnas_allocate((size_t)capacity, sizeof *sweep->places);
    sweep->ranks = fnas_allocate((size_t)capacity, sizeof *sweep->ranks);
    sweep->order = fnas_allocate((size_t)capacity, sizeof *sweep->order);
    sweep->buffer = fnas_allocate((size_t)capacity, sizeof *sweep->buffer);
    bool complete = sweep->places && sweep->ranks && sweep->order && sweep->buffer;
    fnas_status status = complete ? FNAS_OK : fnas_fail_memory(context, "the hypervolume of a front");
    if (status == FNAS_OK) status = fnas_rank_set_create(context, capacity, &sweep->stairs);
    if (status != FNAS_OK) fnas_sweep3_destroy(sweep);
    return status;
}

void fnas_sweep3_destroy(fnas_sweep3 *sweep) {
    fnas_free(sweep->places);
    fnas_free(sweep->ranks);
    fnas_free(sweep->order);
    fnas_free(sweep->buffer);
    fnas_rank_set_destroy(&sweep->stairs);
    *sweep = (fnas_sweep3){0};
}

static void sort_by(fnas_sweep3 *sweep, int64_t count, const double *points, int objective) {
    for (int64_t i = 0; i < count; i++) sweep->order[i] = (fnas_keyed){points[3 * i + objective], i};
    fnas_sort_keyed(count, sweep->order, sweep->buffer);
}

/* Leaves sweep->order sorted by the third objective. */
static void rank_points(fnas_sweep3 *sweep, int64_t count, const double *points) {
    sort_by(sweep, count, points, 0);
    for (int64_t rank = 0; rank < count; rank++) {
        int64_t index = sweep->order[rank].index;
        sweep->places[rank] = (fnas_sweep3_place){points[3 * index], points[3 * index + 1]};
        sweep->ranks[index] = rank;
    }
    sort_by(sweep, count, points, 2);
}

/* Puts a point on the staircase; returns the area that this adds. What it beats in both objectives leaves. */
static double climb(fnas_sweep3 *sweep, int64_t rank, const double *reference) {
    const fnas_sweep3_place *places = sweep->places, *own = &places[rank];
    int64_t before = fnas_rank_set_before(&sweep->stairs, rank), after = fnas_rank_set_after(&sweep->stairs, rank);
    double left = own->x, ceiling = before < 0 ? reference[1] : places[before].y, area = 0;
    if (ceiling <= own->y) return 0;
    for (; after >= 0 && places[after].y >= own->y; after = fnas_rank_set_after(&sweep->stairs, after)) {
        area += (places[after].x - left) * (ceiling - own->y);
        left = places[after].x;
        ceiling = places[after].y;
        fnas_rank_set_remove(&sweep->stairs, after);
    }
    fnas_rank_set_add(&sweep->stairs, rank);
    return area + ((after < 0 ? reference[0] : places[after].x) - left) * (ceiling - own->y);
}

double fnas_sweep3_volume(fnas_sweep3 *sweep, int64_t count, const double *points, const double *reference) {
    double volume = 0, area = 0;
    rank_points(sweep, count, points);
    for (int64_t i = 0; i < count; i++) {
        area += climb(sweep, sweep->ranks[sweep->order[i].index], reference);
        volume += area * ((i + 1 < count ? sweep->order[i + 1].key : reference[2]) - sweep->order[i].key);
    }
    for (int64_t rank = 0; rank < count; rank++) fnas_rank_set_remove(&sweep->stairs, rank);
    return volume;
}
