/* Fronts that need no accuracy: a number that all architectures have stands in for it. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "search/rival/rival.h"

typedef struct stand_in {
    const fnas_rival *rival;
    const double *values; /* of each row of the table */
    int64_t count;        /* rows that are not left out */
    int64_t *rows;        /* [count] */
    double *points;       /* [count][objectives] */
    uint8_t *keep;
    fnas_keyed *front, *buffer;
} stand_in;

/* [stand-in, normalised costs]. */
static void fill_points(stand_in *s) {
    const fnas_truth *truth = s->rival->truth;
    for (int64_t i = 0; i < truth->archs.count; i++) {
        if (!isfinite(s->values[i])) continue;
        double *point = s->points + s->count * s->rival->objectives;
        fnas_truth_normalise(truth, truth->values + i * s->rival->objectives, point);
        point[0] = s->values[i];
        s->rows[s->count++] = i;
    }
}

/* The front's rows, worst stand-in first; returns how many. */
static int64_t sort_front(const stand_in *s) {
    int64_t size = 0;
    for (int64_t i = 0; i < s->count; i++)
        if (s->keep[i]) s->front[size++] = (fnas_keyed){-s->points[i * s->rival->objectives], s->rows[i]};
    fnas_sort_keyed(size, s->front, s->buffer);
    return size;
}

/* Evenly thinned to what the answer and the budget have room for, so that no error is seen of what is not returned; the best stays. */
static fnas_status evaluate_front(fnas_rival *rival, const stand_in *s, int64_t size) {
    int64_t room = rival->budget < rival->front_most ? rival->budget : rival->front_most, index;
    for (int64_t seen = 0; seen < size; seen++) {
        bool thinned = size > room && seen * room / size == (seen + 1) * room / size;
        if (!thinned) FNAS_TRY(fnas_rival_evaluate(rival, fnas_arch_set_at(&rival->truth->archs, s->front[seen].index), &index));
    }
    return FNAS_OK;
}

fnas_status fnas_rival_stand_in(fnas_rival *rival, const double *values) {
    size_t count = (size_t)rival->truth->archs.count;
    stand_in s = {.rival = rival,
                  .values = values,
                  .rows = fnas_allocate(count, sizeof *s.rows),
                  .points = fnas_allocate(count * (size_t)rival->objectives, sizeof *s.points),
                  .keep = fnas_allocate(count, sizeof *s.keep),
                  .front = fnas_allocate(count, sizeof *s.front),
                  .buffer = fnas_allocate(count, sizeof *s.buffer)};
    fnas_status status = s.rows && s.points && s.keep && s.front && s.buffer ? FNAS_OK : fnas_fail_memory(rival->context, "a rival");
    if (status == FNAS_OK) {
        fill_points(&s);
        status = fnas_front_nondominated(rival->context, s.count, rival->objectives, s.points, s.keep);
    }
    if (status == FNAS_OK) status = evaluate_front(rival, &s, sort_front(&s));
    fnas_free(s.rows);
    fnas_free(s.points);
    fnas_free(s.keep);
    fnas_free(s.front);
    fnas_free(s.buffer);
    return status;
}
