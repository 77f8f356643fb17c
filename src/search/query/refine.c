#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "device/predictor_ask.h"
#include "fleetnas/front.h"
#include "search/query/query.h"
#include "space/arch_find.h"
#include "space/space.h"

/* What else is worth looking at where errors cost nothing: in a small space every architecture, in a large one what lies near the front. */
typedef struct refinement {
    const fnas_run *run;
    const fnas_card *card;
    bool take_measured;
    int64_t most;         /* candidates in all */
    int64_t points;       /* that the answer may have */
    const double *prefer; /* or NULL */
    const double *limits; /* the same */
    fnas_scales scales;   /* for both */
    fnas_candidates *candidates;
    fnas_arch_set known; /* the candidates, in their order */
    bool *expanded;      /* [most] neighbours of this candidate have joined */
    uint8_t *keep;       /* [most] */
    double *values;      /* [most][objectives] */
    int64_t valued;      /* of these are known */
    int64_t *parent;     /* [most] of those that join: whose neighbour it is; -1: nobody's */
    int64_t *front;      /* [most] scratch: candidates that no other dominates */
    int64_t *chosen;     /* [most] the same: places among them */
    double *scaled;      /* [most][objectives] the same */
} refinement;

static fnas_status begin(fnas_context *context, refinement *work) {
    const fnas_candidates *candidates = work->candidates;
    work->known.decisions = candidates->decisions;
    size_t most = (size_t)work->most;
    work->expanded = fnas_allocate(most, sizeof *work->expanded);
    work->keep = fnas_allocate(most, sizeof *work->keep);
    work->values = fnas_allocate(most * (size_t)candidates->objectives, sizeof *work->values);
    work->parent = fnas_allocate(most, sizeof *work->parent);
    work->front = fnas_allocate(most, sizeof *work->front);
    work->chosen = fnas_allocate(most, sizeof *work->chosen);
    work->scaled = fnas_allocate(most * (size_t)candidates->objectives, sizeof *work->scaled);
    bool complete = work->expanded && work->keep && work->values && work->parent && work->front && work->chosen && work->scaled;
    if (!complete) return fnas_fail_memory(context, "a front");
    return fnas_arch_set_add_all(context, &work->known, candidates->count, candidates->choices);
}

static void end(refinement *work) {
    fnas_arch_set_free(&work->known);
    fnas_free(work->expanded);
    fnas_free(work->keep);
    fnas_free(work->values);
    fnas_free(work->parent);
    fnas_free(work->front);
    fnas_free(work->chosen);
    fnas_free(work->scaled);
}

/* ---- one round ---- */

static void find_values(refinement *work) {
    const fnas_candidates *candidates = work->candidates;
    int64_t m = candidates->objectives;
    for (; work->valued < candidates->count; work->valued++)
        for (int64_t k = 0; k < m; k++)
            work->values[work->valued * m + k] = fnas_candidates_value(work->run, candidates, work->valued,
                                                                       work->run->config.objectives[k]);
}

/* Lists those whose `keep` is set; returns how many. */
static int64_t list_front(refinement *work) {
    int64_t m = work->candidates->objectives, count = 0;
    for (int64_t i = 0; i < work->candidates->count; i++) {
        if (!work->keep[i]) continue;
        memcpy(work->scaled + count * m, work->values + i * m, (size_t)m * sizeof *work->scaled);
        work->front[count++] = i;
    }
    return count;
}

/* Where the front is larger than the answer may be, there is not room for all neighbours: first those join of what the answer would be
 * now, as long as it has some that are not known; so the search goes deep before it goes wide. */
static fnas_status narrow_front(fnas_context *context, refinement *work) {
    int64_t count = list_front(work), chosen;
    bool goes_on = false;
    if (count <= work->points) return FNAS_OK;
    FNAS_TRY(fnas_query_select(context, count, work->candidates->objectives, work->scaled, work->points, work->chosen, &chosen));
    for (int64_t i = 0; i < chosen; i++) goes_on |= !work->expanded[work->front[work->chosen[i]]];
    if (!goes_on) return FNAS_OK;
    memset(work->keep, 0, (size_t)work->candidates->count * sizeof *work->keep);
    for (int64_t i = 0; i < chosen; i++) work->keep[work->front[work->chosen[i]]] = 1;
    return FNAS_OK;
}

/* Sets `keep` of those whose neighbours are to join: of what no other dominates. */
static fnas_status keep_front(fnas_context *context, refinement *work) {
    find_values(work);
    FNAS_TRY(fnas_front_nondominated(context, work->candidates->count, work->candidates->objectives, work->values, work->keep));
    return narrow_front(context, work);
}

/* By how much values [objectives] are beyond the limits, each in units of its scale; 0: within. */
static double excess_of(const refinement *work, const double *values) {
    double sum = 0;
    for (int64_t k = 0; work->limits && k < work->candidates->objectives; k++) {
        double range = work->scales.high[k] - work->scales.low[k];
        if (values[k] > work->limits[k]) sum += (values[k] - work->limits[k]) / (range > 0 ? range : 1);
    }
    return sum;
}

/* The candidate of the least loss within the limits; where none is within, that of the least excess. */
static int64_t find_preferred(const refinement *work, double *least_excess) {
    int64_t best = 0;
    double least_loss = INFINITY;
    *least_excess = INFINITY;
    for (int64_t i = 0; i < work->candidates->count; i++) {
        const double *values = work->values + i * work->candidates->objectives;
        double excess = excess_of(work, values);
        if (excess > *least_excess) continue;
        double loss = fnas_query_loss(work->run, &work->scales, work->prefer, &work->candidates->scores[i], values);
        if (excess == *least_excess && loss >= least_loss) continue;
        *least_excess = excess;
        least_loss = loss;
        best = i;
    }
    return best;
}

/* Sets `keep` of that one alone. */
static fnas_status keep_preferred(fnas_context *context, refinement *work) {
    double excess;
    (void)context;
    find_values(work);
    memset(work->keep, 0, (size_t)work->candidates->count * sizeof *work->keep);
    work->keep[find_preferred(work, &excess)] = 1;
    return FNAS_OK;
}

/* Those that differ from one candidate in one decision and are not known yet. */
static fnas_status add_neighbours(fnas_context *context, refinement *work, int64_t index, int32_t *choices) {
    const fnas_space *space = work->run->space;
    size_t bytes = (size_t)work->known.decisions * sizeof *choices;
    for (int64_t d = 0; d < work->known.decisions; d++)
        for (int32_t choice = 0; choice < fnas_space_choice_count(space, d); choice++) {
            int64_t before = work->known.count, place;
            if (before == work->most) return FNAS_OK;
            memcpy(choices, work->candidates->choices + index * work->known.decisions, bytes);
            choices[d] = choice;
            fnas_space_canonical(space, choices);
            FNAS_TRY(fnas_arch_set_add(context, &work->known, choices, &place));
            if (place == before) work->parent[place] = index;
        }
    return FNAS_OK;
}

static fnas_status expand(fnas_context *context, refinement *work) {
    int32_t *choices = fnas_allocate((size_t)work->known.decisions, sizeof *choices);
    fnas_status status = choices ? FNAS_OK : fnas_fail_memory(context, "a front");
    for (int64_t i = 0; i < work->candidates->count && status == FNAS_OK; i++) {
        if (!work->keep[i] || work->expanded[i]) continue;
        work->expanded[i] = true;
        status = add_neighbours(context, work, i, choices);
    }
    fnas_free(choices);
    return status;
}

/* Candidates from `first` on get the preference of their parent, or of what is offered at nearly their latency. */
static void inherit(const refinement *work, int64_t first) {
    fnas_candidates *candidates = work->candidates;
    int64_t m = candidates->objectives;
    for (int64_t i = first; i < candidates->count; i++) {
        int64_t like = work->parent[i] >= 0 ? work->parent[i] : fnas_candidates_find_like(candidates, candidates->latency_ms[i]);
        memcpy(candidates->preferences + i * m, candidates->preferences + like * m, (size_t)m * sizeof(double));
    }
}

/* What is known, but no candidate yet, becomes one. */
static fnas_status join(fnas_context *context, refinement *work) {
    fnas_candidates *candidates = work->candidates;
    const fnas_run *run = work->run;
    int64_t first = candidates->count, fresh = work->known.count - first;
    const int32_t *choices = work->known.choices + first * work->known.decisions;
    FNAS_TRY(fnas_candidates_grow(context, work->known.count, candidates));
    memcpy(candidates->choices + first * work->known.decisions, choices, (size_t)(fresh * work->known.decisions) * sizeof *choices);
    fnas_run_look_up_errors(run, fresh, choices, candidates->scores + first);
    FNAS_TRY(fnas_predictor_ask(context, run->predictor, run->space, work->card, fresh, choices, candidates->latency_ms + first));
    if (run->energy_predictor)
        FNAS_TRY(fnas_predictor_ask(context, run->energy_predictor, run->space, work->card, fresh, choices, candidates->energy_mj + first));
    inherit(work, first);
    return work->take_measured ? fnas_query_take_measured(context, work->card, first, candidates) : FNAS_OK;
}

/* ---- the two ways ---- */

/* Also those that compute the same as others: their errors are equal, but not always their latencies. */
static fnas_status take_all(fnas_context *context, refinement *work) {
    const fnas_space *space = work->run->space;
    int32_t *choices = fnas_allocate((size_t)work->known.decisions, sizeof *choices);
    fnas_status status = choices ? FNAS_OK : fnas_fail_memory(context, "a front");
    for (int64_t i = 0; i < (int64_t)fnas_space_cardinality(space) && status == FNAS_OK; i++) {
        int64_t before = work->known.count, place;
        fnas_arch_at(space, i, choices);
        status = fnas_arch_set_add(context, &work->known, choices, &place);
        if (place == before) work->parent[place] = -1;
    }
    fnas_free(choices);
    return status == FNAS_OK ? join(context, work) : status;
}

typedef fnas_status keep_function(fnas_context *context, refinement *work);

/* Round after round, until what is kept has no neighbours that are not known. */
static fnas_status climb(fnas_context *context, refinement *work, keep_function *keep) {
    while (work->candidates->count < work->most) {
        FNAS_TRY(keep(context, work));
        FNAS_TRY(expand(context, work));
        if (work->known.count == work->candidates->count) return FNAS_OK;
        FNAS_TRY(join(context, work));
    }
    return FNAS_OK;
}

/* ---- within limits ---- */

#define HALVINGS 8 /* of the weight that the limited objectives get */

/* The preference of which `share` has gone to the limited objectives. */
static void shift_preference(const refinement *work, double share, double *shifted) {
    int64_t m = work->candidates->objectives, limited = 0;
    for (int64_t k = 0; k < m; k++) limited += isfinite(work->limits[k]) != 0;
    for (int64_t k = 0; k < m; k++)
        shifted[k] = (1 - share) * work->prefer[k] + (isfinite(work->limits[k]) && limited ? share / (double)limited : 0);
}

/* Climbs for another preference, limits left aside. within: whether what is best for it keeps the limits all the same. */
static fnas_status climb_aside(fnas_context *context, refinement *work, const double *preference, bool *within) {
    const double *prefer = work->prefer, *limits = work->limits;
    double none;
    int64_t best = 0;
    work->prefer = preference;
    work->limits = NULL;
    fnas_status status = climb(context, work, keep_preferred);
    if (status == FNAS_OK) {
        find_values(work);
        best = find_preferred(work, &none);
    }
    work->prefer = prefer;
    work->limits = limits;
    *within = status == FNAS_OK && excess_of(work, work->values + best * work->candidates->objectives) == 0;
    return status;
}

/* At a limit one decision alone is seldom changed for the better: what makes one objective less makes another more. What is best for
 * other preferences changes many at once. The limited objectives get the more weight, the further what is found lies beyond (Lagrangian
 * relaxation, halving the weight's interval); all that is met on the way is a candidate. */
static fnas_status climb_by_weight(fnas_context *context, refinement *work) {
    double shifted[FNAS_OBJECTIVES_MAX], low = 0, high = 1;
    for (int step = 0; step < HALVINGS; step++) {
        double share = step ? (low + high) / 2 : 0;
        bool within;
        shift_preference(work, share, shifted);
        FNAS_TRY(climb_aside(context, work, shifted, &within));
        if (within && !step) return FNAS_OK;
        *(within ? &high : &low) = share;
    }
    return FNAS_OK;
}

/* First as it is, so that where room is short something within is found. */
static fnas_status climb_within(fnas_context *context, refinement *work) {
    FNAS_TRY(climb(context, work, keep_preferred));
    if (!work->limits) return FNAS_OK;
    FNAS_TRY(climb_by_weight(context, work));
    return climb(context, work, keep_preferred);
}

/* What is preferred comes first: in a large space the whole front's neighbours are more than there is room for. */
static fnas_status search_locally(fnas_context *context, refinement *work) {
    if (work->prefer) {
        FNAS_TRY(fnas_query_scales(context, work->run, work->card, 0, NULL, &work->scales));
        FNAS_TRY(climb_within(context, work));
    }
    return climb(context, work, keep_front);
}

fnas_status fnas_query_refine(fnas_context *context, const fnas_run *run, const fnas_card *card, const fnas_front_options *options,
                              int64_t most, fnas_candidates *candidates) {
    if (candidates->count >= most) return FNAS_OK;
    refinement work = {.run = run,
                       .card = card,
                       .take_measured = !options->predicted_only,
                       .most = most,
                       .points = options->points ? options->points : FNAS_FRONT_POINTS,
                       .prefer = options->prefer,
                       .limits = options->limits,
                       .candidates = candidates};
    fnas_status status = begin(context, &work);
    if (status == FNAS_OK)
        status = fnas_space_cardinality(run->space) <= (double)most ? take_all(context, &work) : search_locally(context, &work);
    end(&work);
    return status;
}
