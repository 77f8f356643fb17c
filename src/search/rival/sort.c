/* Non-dominated sorting and crowding distance (Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II"). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "search/rival/rival.h"

typedef struct member {
    int64_t place, layer;
    double crowding;
} member;

typedef struct sorting {
    const fnas_rival *rival;
    int64_t count;
    member *members;
    double *points;  /* of one layer, [count][objectives] */
    int64_t *chosen; /* members of that layer */
    uint8_t *keep;
    fnas_keyed *keyed, *buffer;
} sorting;

static int better_first(const void *left, const void *right) {
    const member *a = left, *b = right;
    if (a->layer != b->layer) return a->layer < b->layer ? -1 : 1;
    if (a->crowding != b->crowding) return a->crowding > b->crowding ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* Members without a layer, with their points; returns how many. */
static int64_t gather_rest(const sorting *s) {
    int64_t rest = 0, objectives = s->rival->objectives;
    for (int64_t i = 0; i < s->count; i++) {
        if (s->members[i].layer >= 0) continue;
        memcpy(s->points + rest * objectives, fnas_rival_point(s->rival, s->members[i].place), (size_t)objectives * sizeof *s->points);
        s->chosen[rest++] = i;
    }
    return rest;
}

static fnas_status find_layers(const sorting *s) {
    for (int64_t i = 0; i < s->count; i++) s->members[i].layer = -1;
    for (int64_t layer = 0, rest; (rest = gather_rest(s)) > 0; layer++) {
        FNAS_TRY(fnas_front_nondominated(s->rival->context, rest, s->rival->objectives, s->points, s->keep));
        for (int64_t i = 0; i < rest; i++)
            if (s->keep[i]) s->members[s->chosen[i]].layer = layer;
    }
    return FNAS_OK;
}

/* The distance of neighbours in each objective, over the layer's range; infinite at its ends. */
static void add_crowding(const sorting *s, int64_t layer, int64_t objective) {
    int64_t count = 0;
    for (int64_t i = 0; i < s->count; i++)
        if (s->members[i].layer == layer) s->keyed[count++] = (fnas_keyed){fnas_rival_point(s->rival, s->members[i].place)[objective], i};
    fnas_sort_keyed(count, s->keyed, s->buffer);
    double range = s->keyed[count - 1].key - s->keyed[0].key;
    s->members[s->keyed[0].index].crowding = s->members[s->keyed[count - 1].index].crowding = INFINITY;
    for (int64_t i = 1; i + 1 < count && range > 0; i++)
        s->members[s->keyed[i].index].crowding += (s->keyed[i + 1].key - s->keyed[i - 1].key) / range;
}

static int64_t layer_count(const sorting *s) {
    int64_t most = -1;
    for (int64_t i = 0; i < s->count; i++) most = s->members[i].layer > most ? s->members[i].layer : most;
    return most + 1;
}

static fnas_status sort_members(const sorting *s, int64_t *places) {
    for (int64_t i = 0; i < s->count; i++) s->members[i] = (member){.place = places[i]};
    FNAS_TRY(find_layers(s));
    for (int64_t layer = 0; layer < layer_count(s); layer++)
        for (int64_t m = 0; m < s->rival->objectives; m++) add_crowding(s, layer, m);
    qsort(s->members, (size_t)s->count, sizeof *s->members, better_first);
    for (int64_t i = 0; i < s->count; i++) places[i] = s->members[i].place;
    return FNAS_OK;
}

fnas_status fnas_rival_sort(const fnas_rival *rival, int64_t count, int64_t *places) {
    sorting s = {.rival = rival, .count = count};
    s.members = fnas_allocate((size_t)count, sizeof *s.members);
    s.points = fnas_allocate((size_t)(count * rival->objectives), sizeof *s.points);
    s.chosen = fnas_allocate((size_t)count, sizeof *s.chosen);
    s.keep = fnas_allocate((size_t)count, sizeof *s.keep);
    s.keyed = fnas_allocate((size_t)count, sizeof *s.keyed);
    s.buffer = fnas_allocate((size_t)count, sizeof *s.buffer);
    bool complete = s.members && s.points && s.chosen && s.keep && s.keyed && s.buffer;
    fnas_status status = complete ? sort_members(&s, places) : fnas_fail_memory(rival->context, "a rival");
    fnas_free(s.members);
    fnas_free(s.points);
    fnas_free(s.chosen);
    fnas_free(s.keep);
    fnas_free(s.keyed);
    fnas_free(s.buffer);
    return status;
}
