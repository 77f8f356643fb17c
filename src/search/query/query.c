#include "search/query/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/card.h"
#include "device/predictor_ask.h"
#include "front/lattice.h"
#include "search/run/vocabulary.h"
#include "space/arch_set.h"
#include "space/space.h"

/* ---- preferences ---- */

#define STEPS_OF_TWO 200

fnas_status fnas_query_preferences(fnas_context *context, int64_t objectives, int64_t *count, double **preferences) {
    int64_t steps = objectives == 2 ? STEPS_OF_TWO : fnas_lattice_steps(objectives, FNAS_PREFERENCES_MOST);
    *count = fnas_lattice_size(objectives, steps);
    *preferences = fnas_allocate((size_t)(*count * objectives), sizeof **preferences);
    if (!*preferences) return fnas_fail_memory(context, "preferences");
    fnas_lattice_fill(objectives, steps, *preferences);
    return FNAS_OK;
}

fnas_status fnas_query_check_preference(fnas_context *context, int64_t count, const double *preference) {
    double sum = 0;
    for (int64_t m = 0; m < count; m++) {
        if (!isfinite(preference[m]) || preference[m] < 0) {
            return fnas_fail(context, FNAS_ERR_INPUT, "preference: weight %lld is %g, it must be 0 to 1", (long long)m + 1, preference[m]);
        }
        sum += preference[m];
    }
    if (fabs(sum - 1) <= 1e-6) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "preference: the weights sum to %g, they must sum to 1: divide each by %g", sum, sum);
}

void fnas_query_spread(int64_t total, int64_t count, int64_t *indices) {
    for (int64_t i = 0; i < count; i++) indices[i] = count > 1 ? (i * (total - 1) + (count - 1) / 2) / (count - 1) : 0;
}

/* ---- the hypernetwork's answers ---- */

/* What one sweep works with; released as a whole. */
typedef struct fnas_sweep {
    int64_t count, objectives, outputs, decisions;
    double *preferences; /* [count][objectives] */
    double *embeddings;  /* [count][embedding] */
    double *logits;      /* [count][outputs] */
    float *workspace;
    float *untrained;      /* hypernetwork parameters, where not the run's own */
    fnas_arch_set decoded; /* distinct, in order of preference */
    int64_t *decoded_from; /* [count] the preference that gave each of them first */
    fnas_arch_set neighbours;
    double *margins;          /* [neighbours] smallest loss of log-probability against the preference's own architecture */
    int64_t *neighbours_from; /* [neighbours] the preference where it is that small */
    size_t margin_capacity, from_capacity;
} fnas_sweep;

static void fnas_sweep_free(fnas_sweep *sweep) {
    fnas_free(sweep->preferences);
    fnas_free(sweep->embeddings);
    fnas_free(sweep->logits);
    fnas_free(sweep->workspace);
    fnas_free(sweep->untrained);
    fnas_arch_set_free(&sweep->decoded);
    fnas_free(sweep->decoded_from);
    fnas_arch_set_free(&sweep->neighbours);
    fnas_free(sweep->margins);
    fnas_free(sweep->neighbours_from);
}

/* The device as the hypernetwork sees it: the card's embedding, or for a study the mean of the search devices'. */
static void fnas_query_embedding(const fnas_run *run, const fnas_card *card, bool mean, double *embedding) {
    if (!mean) {
        fnas_card_embedding(card, embedding);
        fnas_run_condition(run, embedding, embedding);
        return;
    }
    int64_t length = run->state.shape.embedding, devices = run->config.device_count;
    for (int64_t i = 0; i < length; i++) {
        double sum = 0;
        for (int64_t d = 0; d < devices; d++) sum += run->embeddings[d * length + i];
        embedding[i] = sum / (double)devices;
    }
}

/* Before all others: the first is never thinned out. */
static fnas_status fnas_sweep_add_preference(fnas_context *context, const double *preference, fnas_sweep *sweep) {
    size_t row = (size_t)sweep->objectives * sizeof *preference, rows = (size_t)sweep->count;
    FNAS_TRY(fnas_query_check_preference(context, sweep->objectives, preference));
    double *grown = fnas_allocate(rows + 1, row);
    if (!grown) return fnas_fail_memory(context, "preferences");
    memcpy(grown, preference, row);
    if (rows) memcpy(grown + sweep->objectives, sweep->preferences, rows * row);
    fnas_free(sweep->preferences);
    sweep->preferences = grown;
    sweep->count++;
    return FNAS_OK;
}

/* A lattice, and the preference that is asked for; or one alone. */
static fnas_status fnas_sweep_preferences(fnas_context *context, const fnas_front_options *options, fnas_sweep *sweep) {
    if (options->constant_preference) return fnas_sweep_add_preference(context, options->constant_preference, sweep);
    FNAS_TRY(fnas_query_preferences(context, sweep->objectives, &sweep->count, &sweep->preferences));
    return options->prefer ? fnas_sweep_add_preference(context, options->prefer, sweep) : FNAS_OK;
}

static fnas_status fnas_sweep_forward(fnas_context *context, const fnas_run *run, const fnas_card *card, const fnas_front_options *options,
                                      fnas_sweep *sweep) {
    const fnas_hypernet_shape *shape = &run->state.shape;
    size_t count = (size_t)sweep->count;
    sweep->embeddings = fnas_allocate(count * (size_t)shape->embedding, sizeof *sweep->embeddings);
    sweep->logits = fnas_allocate(count * (size_t)shape->outputs, sizeof *sweep->logits);
    sweep->workspace = fnas_allocate((size_t)fnas_hypernet_workspace_floats(shape, sweep->count), sizeof *sweep->workspace);
    if (options->untrained_hypernet) sweep->untrained = fnas_allocate((size_t)run->state.hypernet_count, sizeof *sweep->untrained);
    if (!sweep->embeddings || !sweep->logits || !sweep->workspace || (options->untrained_hypernet && !sweep->untrained)) {
        return fnas_fail_memory(context, "a sweep of preferences");
    }
    fnas_query_embedding(run, card, options->mean_embedding, sweep->embeddings);
    for (size_t i = 1; i < count; i++) {
        memcpy(sweep->embeddings + i * (size_t)shape->embedding, sweep->embeddings, (size_t)shape->embedding * sizeof *sweep->embeddings);
    }
    if (sweep->untrained) fnas_hypernet_randomise(shape, options->seed, sweep->untrained);
    const float *parameters = sweep->untrained ? sweep->untrained : run->state.hypernet;
    fnas_hypernet_forward(shape, parameters, sweep->count, sweep->preferences, sweep->embeddings, sweep->workspace, sweep->logits);
    return FNAS_OK;
}

static fnas_status fnas_sweep_check(fnas_context *context, const fnas_run *run, const fnas_card *card) {
    FNAS_TRY(fnas_card_check_space(context, card, run->space));
    FNAS_TRY(fnas_run_check_card_words(context, run, card));
    fnas_card_view view = fnas_card_get(card);
    if (view.reference_count == run->state.shape.embedding) return fnas_card_check_references(context, card, run->cards[0]);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: the card has %lld reference latencies, the run's hypernetwork needs %lld", view.name,
                     (long long)view.reference_count, (long long)run->state.shape.embedding);
}

/* ---- distinct architectures ---- */

static fnas_status fnas_sweep_decode(fnas_context *context, const fnas_space *space, fnas_sweep *sweep) {
    sweep->decoded_from = fnas_allocate((size_t)sweep->count, sizeof *sweep->decoded_from);
    int32_t *choices = fnas_allocate((size_t)sweep->decisions, sizeof *choices);
    fnas_status status = sweep->decoded_from && choices ? FNAS_OK : fnas_fail_memory(context, "decoded architectures");
    for (int64_t p = 0; p < sweep->count && status == FNAS_OK; p++) {
        fnas_space_decode(space, sweep->logits + p * sweep->outputs, choices);
        fnas_space_canonical(space, choices);
        int64_t before = sweep->decoded.count, index;
        status = fnas_arch_set_add(context, &sweep->decoded, choices, &index);
        if (sweep->decoded.count > before) sweep->decoded_from[index] = p;
    }
    fnas_free(choices);
    return status;
}

/* The best choice of one decision besides `chosen`. */
static int32_t fnas_second_best(const double *row, int64_t choice_count, int32_t chosen) {
    int32_t second = -1;
    for (int32_t j = 0; j < choice_count; j++) {
        if (j != chosen && (second < 0 || row[j] > row[second])) second = j;
    }
    return second;
}

static fnas_status fnas_sweep_add_neighbour(fnas_context *context, fnas_sweep *sweep, const int32_t *choices, double margin,
                                            int64_t preference) {
    int64_t before = sweep->neighbours.count, index;
    FNAS_TRY(fnas_arch_set_add(context, &sweep->neighbours, choices, &index));
    size_t needed = (size_t)sweep->neighbours.count;
    if (!fnas_grow((void **)&sweep->margins, &sweep->margin_capacity, needed, sizeof *sweep->margins) ||
        !fnas_grow((void **)&sweep->neighbours_from, &sweep->from_capacity, needed, sizeof *sweep->neighbours_from)) {
        return fnas_fail_memory(context, "neighbouring architectures");
    }
    if (index < before && sweep->margins[index] <= margin) return FNAS_OK;
    sweep->margins[index] = margin;
    sweep->neighbours_from[index] = preference;
    return FNAS_OK;
}

/* Architectures that differ from a preference's own in one decision, where the second best choice is taken: the log-probability falls by
 * just the margin between the two logits, so the smallest margins are the distribution's next most probable architectures. */
static fnas_status fnas_sweep_find_neighbours(fnas_context *context, const fnas_space *space, fnas_sweep *sweep) {
    int32_t *choices = fnas_allocate(2 * (size_t)sweep->decisions, sizeof *choices);
    if (!choices) return fnas_fail_memory(context, "neighbouring architectures");
    int32_t *changed = choices + sweep->decisions;
    fnas_status status = FNAS_OK;
    for (int64_t p = 0; p < sweep->count && status == FNAS_OK; p++) {
        const double *logits = sweep->logits + p * sweep->outputs;
        fnas_space_decode(space, logits, choices);
        for (int64_t d = 0; d < sweep->decisions && status == FNAS_OK; d++) {
            const double *row = logits + fnas_space_onehot_offset(space, d);
            int32_t best = choices[d], second = fnas_second_best(row, fnas_space_choice_count(space, d), best);
            if (second < 0) continue;
            memcpy(changed, choices, (size_t)sweep->decisions * sizeof *changed);
            changed[d] = second;
            fnas_space_canonical(space, changed);
            if (fnas_arch_set_find(&sweep->decoded, changed) < 0) {
                status = fnas_sweep_add_neighbour(context, sweep, changed, row[best] - row[second], p);
            }
        }
    }
    fnas_free(choices);
    return status;
}

typedef struct fnas_ranked {
    double key;
    int64_t index;
} fnas_ranked;

static int fnas_ranked_compare(const void *left, const void *right) {
    const fnas_ranked *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Indices 0..count-1 by ascending key, ties by index. */
static fnas_ranked *fnas_rank(int64_t count, const double *keys) {
    fnas_ranked *ranked = fnas_allocate((size_t)count, sizeof *ranked);
    if (!ranked) return NULL;
    for (int64_t i = 0; i < count; i++) ranked[i] = (fnas_ranked){keys[i], i};
    qsort(ranked, (size_t)count, sizeof *ranked, fnas_ranked_compare);
    return ranked;
}

static fnas_status fnas_candidates_allocate(fnas_context *context, int64_t count, const fnas_sweep *sweep, fnas_candidates *candidates) {
    candidates->count = count;
    candidates->decisions = sweep->decisions;
    candidates->objectives = sweep->objectives;
    candidates->choices = fnas_allocate((size_t)(count * sweep->decisions), sizeof *candidates->choices);
    candidates->preferences = fnas_allocate((size_t)(count * sweep->objectives), sizeof *candidates->preferences);
    candidates->latency_ms = fnas_allocate((size_t)count, sizeof *candidates->latency_ms);
    candidates->energy_mj = fnas_allocate((size_t)count, sizeof *candidates->energy_mj);
    candidates->measured = fnas_allocate((size_t)count, sizeof *candidates->measured);
    candidates->scores = fnas_allocate((size_t)count, sizeof *candidates->scores);
    if (!candidates->choices || !candidates->preferences || !candidates->latency_ms || !candidates->energy_mj || !candidates->measured ||
        !candidates->scores) {
        return fnas_fail_memory(context, "candidates of a front");
    }
    for (int64_t i = 0; i < count; i++) {
        candidates->scores[i] = FNAS_SCORE_UNKNOWN;
        candidates->energy_mj[i] = (double)NAN;
    }
    return FNAS_OK;
}

static void fnas_candidates_set(fnas_candidates *candidates, int64_t index, const int32_t *choices, const double *preference) {
    memcpy(candidates->choices + index * candidates->decisions, choices, (size_t)candidates->decisions * sizeof *choices);
    memcpy(candidates->preferences + index * candidates->objectives, preference, (size_t)candidates->objectives * sizeof *preference);
}

static fnas_status fnas_sweep_collect(fnas_context *context, const fnas_sweep *sweep, int64_t most_decoded, int64_t most_neighbours,
                                      fnas_candidates *candidates) {
    int64_t decoded = sweep->decoded.count < most_decoded ? sweep->decoded.count : most_decoded;
    int64_t neighbours = sweep->neighbours.count < most_neighbours ? sweep->neighbours.count : most_neighbours;
    FNAS_TRY(fnas_candidates_allocate(context, decoded + neighbours, sweep, candidates));
    candidates->decoded = decoded;
    int64_t *spread = fnas_allocate((size_t)decoded, sizeof *spread);
    fnas_ranked *ranked = fnas_rank(sweep->neighbours.count, sweep->margins);
    if (!spread || !ranked) {
        fnas_free(spread);
        fnas_free(ranked);
        return fnas_fail_memory(context, "candidates of a front");
    }
    fnas_query_spread(sweep->decoded.count, decoded, spread);
    for (int64_t i = 0; i < decoded; i++) {
        const double *preference = sweep->preferences + sweep->decoded_from[spread[i]] * sweep->objectives;
        fnas_candidates_set(candidates, i, fnas_arch_set_at(&sweep->decoded, spread[i]), preference);
    }
    for (int64_t i = 0; i < neighbours; i++) {
        const double *preference = sweep->preferences + sweep->neighbours_from[ranked[i].index] * sweep->objectives;
        fnas_candidates_set(candidates, decoded + i, fnas_arch_set_at(&sweep->neighbours, ranked[i].index), preference);
    }
    fnas_free(spread);
    fnas_free(ranked);
    return FNAS_OK;
}

static fnas_status fnas_sweep_run(fnas_context *context, const fnas_run *run, const fnas_card *card, const fnas_front_options *options,
                                  fnas_sweep *sweep, fnas_candidates *candidates) {
    FNAS_TRY(fnas_sweep_check(context, run, card));
    FNAS_TRY(fnas_sweep_preferences(context, options, sweep));
    FNAS_TRY(fnas_sweep_forward(context, run, card, options, sweep));
    FNAS_TRY(fnas_sweep_decode(context, run->space, sweep));
    int64_t usual = run->surrogate ? FNAS_FRONT_CANDIDATES_ALONE : FNAS_FRONT_CANDIDATES;
    int64_t most = options->candidates > 0 ? options->candidates : usual;
    int64_t room = most > sweep->decoded.count ? most - sweep->decoded.count : 0;
    int64_t neighbours = options->constant_preference ? 0 : room; /* that study asks what one preference gives */
    if (options->neighbours > 0) neighbours = options->neighbours;
    if (neighbours > 0) FNAS_TRY(fnas_sweep_find_neighbours(context, run->space, sweep));
    FNAS_TRY(fnas_sweep_collect(context, sweep, most, neighbours, candidates));
    FNAS_TRY(fnas_predictor_ask(context, run->predictor, run->space, card, candidates->count, candidates->choices, candidates->latency_ms));
    if (!run->energy_predictor) return FNAS_OK;
    return fnas_predictor_ask(context, run->energy_predictor, run->space, card, candidates->count, candidates->choices,
                              candidates->energy_mj);
}

fnas_status fnas_query_sweep(fnas_context *context, const fnas_run *run, const fnas_card *card, const fnas_front_options *options,
                             fnas_candidates *candidates) {
    *candidates = (fnas_candidates){0};
    int64_t decisions = fnas_space_decision_count(run->space);
    fnas_sweep sweep = {.objectives = run->config.objective_count, .outputs = run->state.shape.outputs, .decisions = decisions};
    sweep.decoded.decisions = sweep.neighbours.decisions = decisions;
    fnas_status status = fnas_sweep_run(context, run, card, options, &sweep, candidates);
    fnas_sweep_free(&sweep);
    return status;
}

/* Moves an array to one with room for more; false when out of memory (array kept). */
static bool fnas_candidates_grow_array(void **array, int64_t before, int64_t after, size_t size) {
    void *grown = fnas_allocate((size_t)after, size);
    if (!grown) return false;
    memcpy(grown, *array, (size_t)before * size);
    fnas_free(*array);
    *array = grown;
    return true;
}

fnas_status fnas_candidates_grow(fnas_context *context, int64_t count, fnas_candidates *candidates) {
    int64_t before = candidates->count;
    size_t choices = (size_t)candidates->decisions * sizeof(int32_t), preferences = (size_t)candidates->objectives * sizeof(double);
    bool good = fnas_candidates_grow_array((void **)&candidates->choices, before, count, choices) &&
                fnas_candidates_grow_array((void **)&candidates->preferences, before, count, preferences) &&
                fnas_candidates_grow_array((void **)&candidates->latency_ms, before, count, sizeof(double)) &&
                fnas_candidates_grow_array((void **)&candidates->energy_mj, before, count, sizeof(double)) &&
                fnas_candidates_grow_array((void **)&candidates->measured, before, count, sizeof(bool)) &&
                fnas_candidates_grow_array((void **)&candidates->scores, before, count, sizeof(fnas_score));
    if (!good) return fnas_fail_memory(context, "candidates of a front");
    for (int64_t i = before; i < count; i++) candidates->energy_mj[i] = (double)NAN;
    candidates->count = count;
    return FNAS_OK;
}

bool fnas_candidates_scored(const fnas_candidates *candidates) {
    return candidates->count > 0 && !isnan(candidates->scores[0].error_pct);
}

void fnas_candidates_free(fnas_candidates *candidates) {
    fnas_free(candidates->choices);
    fnas_free(candidates->preferences);
    fnas_free(candidates->latency_ms);
    fnas_free(candidates->energy_mj);
    fnas_free(candidates->measured);
    fnas_free(candidates->scores);
    *candidates = (fnas_candidates){0};
}
