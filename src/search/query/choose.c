#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "fleetnas/front.h"
#include "search/objective.h"
#include "search/query/query.h"
#include "space/space.h"

/* The reference point of the choice, in units of the front's own range: a little beyond the worst, so that the ends of the front count too
 * (Ishibuchi et al. 2018: 1 + 1/(points - 1) for two objectives; 1.04 for 24). */
#define FNAS_CHOICE_REFERENCE 1.05

/* Candidates that are still in the running, with the objectives' values. */
typedef struct fnas_choice {
    const fnas_run *run;
    const fnas_candidates *candidates;
    int64_t count, objectives;
    int64_t *indices; /* [count] into the candidates */
    double *values;   /* [count][objectives] */
    double *scratch;  /* [count][objectives] */
    uint8_t *keep;    /* [count] */
    int64_t *order;   /* rows that are chosen: room for the points asked for, or for all where layers are taken */
} fnas_choice;

/* What stands for the objective "error": the error itself in a front, which shows it; the cross entropy of the same images where methods
 * are compared. It foretells better how an architecture will do on other images, most of all among those that are nearly as good
 * (docs/hypervolume.md). */
typedef enum fnas_error_measure { FNAS_MEASURE_ERROR, FNAS_MEASURE_CROSS_ENTROPY } fnas_error_measure;

double fnas_candidates_value(const fnas_run *run, const fnas_candidates *candidates, int64_t index, fnas_objective_kind kind) {
    const int32_t *choices = candidates->choices + index * candidates->decisions;
    if (kind == FNAS_OBJECTIVE_ERROR) return candidates->scores[index].error_pct;
    if (kind == FNAS_OBJECTIVE_LATENCY) return candidates->latency_ms[index];
    if (kind == FNAS_OBJECTIVE_ENERGY) return candidates->energy_mj[index];
    return fnas_objective_closed_form(kind, run->space, choices);
}

static double fnas_measured_value(const fnas_run *run, const fnas_candidates *candidates, int64_t index, fnas_objective_kind kind,
                                  fnas_error_measure measure) {
    if (kind == FNAS_OBJECTIVE_ERROR && measure == FNAS_MEASURE_CROSS_ENTROPY) return candidates->scores[index].cross_entropy;
    return fnas_candidates_value(run, candidates, index, kind);
}

double fnas_query_guessing_pct(int64_t classes, int64_t images) {
    if (classes < 2) return INFINITY;
    double chance = 1 - 1 / (double)classes;
    if (images == 0) return 100 * chance;
    return 100 * (chance - 3 * sqrt(chance * (1 - chance) / (double)images));
}

static fnas_status fnas_choice_begin(fnas_context *context, const fnas_run *run, const fnas_candidates *candidates,
                                     fnas_error_measure measure, int64_t points, fnas_choice *choice) {
    *choice = (fnas_choice){.run = run, .candidates = candidates, .count = candidates->count, .objectives = candidates->objectives};
    size_t n = (size_t)candidates->count, m = (size_t)candidates->objectives;
    choice->indices = fnas_allocate(n, sizeof *choice->indices);
    choice->values = fnas_allocate(n * m, sizeof *choice->values);
    choice->scratch = fnas_allocate(n * m, sizeof *choice->scratch);
    choice->keep = fnas_allocate(n, sizeof *choice->keep);
    choice->order = fnas_allocate((size_t)points, sizeof *choice->order);
    if (!choice->indices || !choice->values || !choice->scratch || !choice->keep || !choice->order) {
        return fnas_fail_memory(context, "the choice of a front");
    }
    for (int64_t i = 0; i < choice->count; i++) {
        choice->indices[i] = i;
        for (size_t k = 0; k < m; k++)
            choice->values[(size_t)i * m + k] = fnas_measured_value(run, candidates, i, run->config.objectives[k], measure);
    }
    return FNAS_OK;
}

static void fnas_choice_end(fnas_choice *choice) {
    fnas_free(choice->indices);
    fnas_free(choice->values);
    fnas_free(choice->scratch);
    fnas_free(choice->keep);
    fnas_free(choice->order);
}

/* Goes on with those whose `keep` is set. */
static void fnas_choice_compact(fnas_choice *choice) {
    int64_t kept = 0, m = choice->objectives;
    for (int64_t i = 0; i < choice->count; i++) {
        if (!choice->keep[i]) continue;
        choice->indices[kept] = choice->indices[i];
        memmove(choice->values + kept * m, choice->values + i * m, (size_t)m * sizeof *choice->values);
        kept++;
    }
    choice->count = kept;
}

/* A disconnected cell is never dominated (nothing is faster), and never of use. */
static void fnas_choice_drop_guessing(fnas_choice *choice, int64_t images) {
    if (fnas_run_class_count(choice->run) < 2) return;
    double limit = fnas_query_guessing_pct(fnas_run_class_count(choice->run), images);
    int64_t better = 0;
    for (int64_t i = 0; i < choice->count; i++) {
        choice->keep[i] = choice->candidates->scores[choice->indices[i]].error_pct < limit;
        better += choice->keep[i];
    }
    if (better) fnas_choice_compact(choice);
}

/* Min-max over the points, in place; an objective that is equal for all says nothing and becomes 0. */
static void fnas_query_normalise(int64_t count, int64_t objectives, double *points) {
    for (int64_t k = 0; k < objectives; k++) {
        double low = INFINITY, high = -INFINITY;
        for (int64_t i = 0; i < count; i++) {
            low = fmin(low, points[i * objectives + k]);
            high = fmax(high, points[i * objectives + k]);
        }
        for (int64_t i = 0; i < count; i++) {
            double *value = points + i * objectives + k;
            *value = high > low ? (*value - low) / (high - low) : 0;
        }
    }
}

fnas_status fnas_query_select(fnas_context *context, int64_t count, int64_t objectives, double *points, int64_t most, int64_t *order,
                              int64_t *kept) {
    double reference[FNAS_OBJECTIVES_MAX];
    for (int64_t k = 0; k < objectives; k++) reference[k] = FNAS_CHOICE_REFERENCE;
    fnas_query_normalise(count, objectives, points);
    return fnas_front_select(context, count, objectives, points, reference, most, order, kept);
}

/* Of those whose `keep` is set, rows of the `most` that contribute most, into choice->order. */
static fnas_status fnas_choice_select(fnas_context *context, fnas_choice *choice, int64_t most, int64_t *count) {
    fnas_choice_compact(choice);
    memcpy(choice->scratch, choice->values, (size_t)(choice->count * choice->objectives) * sizeof *choice->scratch);
    return fnas_query_select(context, choice->count, choice->objectives, choice->scratch, most, choice->order, count);
}

/* Of those whose `keep` is set, rows of the `points` of the least loss, into choice->order. */
static fnas_status fnas_choice_prefer(fnas_context *context, fnas_choice *choice, const fnas_choosing *how, int64_t points,
                                      int64_t *count) {
    fnas_choice_compact(choice);
    fnas_scales scales;
    FNAS_TRY(fnas_query_scales(context, choice->run, how->card, choice->count, choice->values, &scales));
    fnas_keyed *sorted = fnas_allocate(2 * (size_t)choice->count, sizeof *sorted);
    if (!sorted) return fnas_fail_memory(context, "the choice of a front");
    for (int64_t i = 0; i < choice->count; i++) {
        const fnas_score *score = &choice->candidates->scores[choice->indices[i]];
        sorted[i] = (fnas_keyed){fnas_query_loss(choice->run, &scales, how->prefer, score, choice->values + i * choice->objectives), i};
    }
    fnas_sort_keyed(choice->count, sorted, sorted + choice->count);
    *count = choice->count < points ? choice->count : points;
    for (int64_t i = 0; i < *count; i++) choice->order[i] = sorted[i].index;
    fnas_free(sorted);
    return FNAS_OK;
}

static fnas_status fnas_choice_from_front(fnas_context *context, fnas_choice *choice, const fnas_choosing *how, int64_t points,
                                          int64_t *kept) {
    fnas_choice_drop_guessing(choice, how->images);
    FNAS_TRY(fnas_front_nondominated(context, choice->count, choice->objectives, choice->values, choice->keep));
    if (how->prefer) return fnas_choice_prefer(context, choice, how, points, kept);
    return fnas_choice_select(context, choice, points, kept);
}

/* Without errors no architecture can be said to be dominated. */
static fnas_status fnas_choice_by_latency(fnas_context *context, fnas_choice *choice, int64_t points, int64_t *kept) {
    *kept = choice->count < points ? choice->count : points;
    int64_t *sorted = fnas_allocate((size_t)choice->count, sizeof *sorted);
    if (!sorted) return fnas_fail_memory(context, "the choice of a front");
    const double *latency_ms = choice->candidates->latency_ms;
    for (int64_t i = 0; i < choice->count; i++) {
        int64_t at = i;
        for (; at > 0 && latency_ms[sorted[at - 1]] > latency_ms[i]; at--) sorted[at] = sorted[at - 1];
        sorted[at] = i;
    }
    fnas_query_spread(choice->count, *kept, choice->order);
    for (int64_t i = 0; i < *kept; i++) choice->order[i] = sorted[choice->order[i]];
    fnas_free(sorted);
    return FNAS_OK;
}

/* ---- more than the front: layer after layer ---- */

/* Appends the choice's rows `chosen` [count], as indices into the candidates, and takes them out of the running. */
static void fnas_choice_take(fnas_choice *choice, int64_t count, const int64_t *chosen, int64_t *taken, int64_t *taken_count) {
    for (int64_t i = 0; i < choice->count; i++) choice->keep[i] = 1;
    for (int64_t i = 0; i < count; i++) {
        taken[(*taken_count)++] = choice->indices[chosen[i]];
        choice->keep[chosen[i]] = 0;
    }
    fnas_choice_compact(choice);
}

/* Rows of the next layer into choice->order, which has room for all: the non-dominated ones; where they are more than `room`, those that
 * contribute most. */
static fnas_status fnas_choice_layer(fnas_context *context, fnas_choice *choice, int64_t room, int64_t *count) {
    FNAS_TRY(fnas_front_nondominated(context, choice->count, choice->objectives, choice->values, choice->keep));
    *count = 0;
    for (int64_t i = 0; i < choice->count; i++) {
        if (choice->keep[i]) choice->order[(*count)++] = i;
    }
    if (*count <= room) return FNAS_OK;
    return fnas_choice_select(context, choice, room, count); /* the last layer: the others are of no more use */
}

/* taken [most] */
static fnas_status fnas_choice_by_layers(fnas_context *context, fnas_choice *choice, int64_t images, int64_t most, int64_t *taken,
                                         int64_t *taken_count) {
    *taken_count = 0;
    fnas_choice_drop_guessing(choice, images);
    while (choice->count > 0 && *taken_count < most) {
        int64_t count;
        FNAS_TRY(fnas_choice_layer(context, choice, most - *taken_count, &count));
        fnas_choice_take(choice, count, choice->order, taken, taken_count);
    }
    return FNAS_OK;
}

/* Ascending, so that moving up never overwrites what is still to be moved. */
static int fnas_compare_index(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void fnas_candidates_keep(fnas_candidates *candidates, int64_t count, int64_t *indices) {
    size_t decisions = (size_t)candidates->decisions, objectives = (size_t)candidates->objectives;
    int64_t decoded = 0;
    qsort(indices, (size_t)count, sizeof *indices, fnas_compare_index);
    for (int64_t i = 0; i < count; i++) {
        size_t from = (size_t)indices[i], to = (size_t)i;
        decoded += indices[i] < candidates->decoded;
        memmove(candidates->choices + to * decisions, candidates->choices + from * decisions, decisions * sizeof(int32_t));
        memmove(candidates->preferences + to * objectives, candidates->preferences + from * objectives, objectives * sizeof(double));
        candidates->latency_ms[to] = candidates->latency_ms[from];
        candidates->energy_mj[to] = candidates->energy_mj[from];
        candidates->measured[to] = candidates->measured[from];
        candidates->scores[to] = candidates->scores[from];
    }
    candidates->count = count;
    candidates->decoded = decoded;
}

fnas_status fnas_query_keep_best(fnas_context *context, const fnas_run *run, int64_t images, int64_t most, fnas_candidates *candidates) {
    if (!fnas_candidates_scored(candidates)) return FNAS_OK;
    fnas_choice choice;
    int64_t *taken = fnas_allocate((size_t)most, sizeof *taken), count = 0;
    fnas_status status = fnas_choice_begin(context, run, candidates, FNAS_MEASURE_CROSS_ENTROPY, candidates->count, &choice);
    if (status == FNAS_OK)
        status = taken ? fnas_choice_by_layers(context, &choice, images, most, taken, &count)
                       : fnas_fail_memory(context, "the best of the candidates");
    fnas_choice_end(&choice);
    if (status == FNAS_OK) fnas_candidates_keep(candidates, count, taken);
    fnas_free(taken);
    return status;
}

/* ---- the front ---- */

/* Appends to chosen [points], *count of them candidates on the front, those of the layers behind it, the last by contribution. */
static fnas_status fnas_choice_fill(fnas_context *context, const fnas_choice *front, int64_t images, int64_t points, int64_t *chosen,
                                    int64_t *count) {
    fnas_choice choice;
    int64_t *layers = fnas_allocate((size_t)points, sizeof *layers), found = 0, ahead = *count;
    fnas_status status = fnas_choice_begin(context, front->run, front->candidates, FNAS_MEASURE_ERROR, front->candidates->count, &choice);
    if (status == FNAS_OK)
        status = layers ? fnas_choice_by_layers(context, &choice, images, points, layers, &found) : fnas_fail_memory(context, "a front");
    fnas_choice_end(&choice);
    for (int64_t i = 0; i < found && status == FNAS_OK; i++) {
        bool known = false;
        for (int64_t j = 0; j < ahead; j++) known |= chosen[j] == layers[i];
        if (!known) chosen[(*count)++] = layers[i];
    }
    fnas_free(layers);
    return status;
}

static fnas_status fnas_choice_build(fnas_context *context, const fnas_run *run, const fnas_candidates *candidates, const char *device,
                                     int64_t count, const int64_t *chosen, fnas_front **front) {
    FNAS_TRY(fnas_front_create(context, device, &run->config, run->space, count, front));
    for (int64_t i = 0; i < count; i++) {
        double values[FNAS_OBJECTIVES_MAX];
        for (int64_t k = 0; k < candidates->objectives; k++)
            values[k] = fnas_candidates_value(run, candidates, chosen[i], run->config.objectives[k]);
        fnas_status status = fnas_front_set_point(context, run->space, *front, i, candidates->choices + chosen[i] * candidates->decisions,
                                                  candidates->preferences + chosen[i] * candidates->objectives, values,
                                                  candidates->latency_ms[chosen[i]]);
        (*front)->measured[i] = candidates->measured[chosen[i]];
        if (status == FNAS_OK) continue;
        fnas_front_free(*front);
        *front = NULL;
        return status;
    }
    return FNAS_OK;
}

static bool fnas_choice_has_all_values(const fnas_choice *choice) {
    for (int64_t i = 0; i < choice->count * choice->objectives; i++) {
        if (isnan(choice->values[i])) return false;
    }
    return true;
}

/* chosen [points]: candidates, the best first. */
static fnas_status fnas_choice_run(fnas_context *context, fnas_choice *choice, const fnas_choosing *how, int64_t points, int64_t *chosen,
                                   int64_t *count) {
    bool complete = fnas_choice_has_all_values(choice);
    if (complete) {
        FNAS_TRY(fnas_choice_from_front(context, choice, how, points, count));
    } else {
        FNAS_TRY(fnas_choice_by_latency(context, choice, points, count));
    }
    for (int64_t i = 0; i < *count; i++) chosen[i] = choice->indices[choice->order[i]];
    return complete && how->fill && *count < points ? fnas_choice_fill(context, choice, how->images, points, chosen, count) : FNAS_OK;
}

fnas_status fnas_query_choose(fnas_context *context, const fnas_run *run, const fnas_choosing *how, const fnas_candidates *candidates,
                              fnas_front **front) {
    *front = NULL;
    int64_t points = how->points < candidates->count ? how->points : candidates->count, count = 0;
    fnas_choice choice;
    int64_t *chosen = fnas_allocate((size_t)points + 1, sizeof *chosen);
    fnas_status status = fnas_choice_begin(context, run, candidates, FNAS_MEASURE_ERROR, points, &choice);
    if (status == FNAS_OK)
        status = chosen ? fnas_choice_run(context, &choice, how, points, chosen, &count) : fnas_fail_memory(context, "a front");
    fnas_choice_end(&choice);
    if (status == FNAS_OK) status = fnas_choice_build(context, run, candidates, fnas_card_get(how->card).name, count, chosen, front);
    fnas_free(chosen);
    return status;
}
