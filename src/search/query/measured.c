#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "search/query/query.h"
#include "space/arch_set.h"
#include "space/space.h"

/* ---- candidates that the card has measured ---- */

static void take(const fnas_card_view *view, int64_t place, int64_t index, fnas_candidates *candidates) {
    bool wants_energy = !isnan(candidates->energy_mj[index]);
    if (wants_energy && !view->measurement_energy_mj) return;
    candidates->latency_ms[index] = view->measurement_latency_ms[place];
    if (wants_energy) candidates->energy_mj[index] = view->measurement_energy_mj[place];
    candidates->measured[index] = true;
}

fnas_status fnas_query_take_measured(fnas_context *context, const fnas_card *card, int64_t first, fnas_candidates *candidates) {
    fnas_card_view view = fnas_card_get(card);
    fnas_arch_set known = {.decisions = candidates->decisions};
    if (!view.measurement_count) return FNAS_OK;
    fnas_status status = fnas_arch_set_add_all(context, &known, view.measurement_count, view.measurement_choices);
    for (int64_t i = first; i < candidates->count && status == FNAS_OK; i++) {
        int64_t place = fnas_arch_set_find(&known, candidates->choices + i * candidates->decisions);
        if (place >= 0) take(&view, place, i, candidates);
    }
    fnas_arch_set_free(&known);
    return status;
}

/* ---- measured architectures that are no candidates yet ---- */

int64_t fnas_candidates_find_like(const fnas_candidates *candidates, double latency_ms) {
    int64_t best = 0;
    double least = INFINITY;
    for (int64_t i = 0; i < candidates->decoded; i++) {
        double distance = fabs(log(candidates->latency_ms[i] / latency_ms));
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}

static fnas_status append(fnas_context *context, const fnas_run *run, const fnas_card_view *view, int64_t count, const int64_t *places,
                          fnas_candidates *candidates) {
    int64_t first = candidates->count, m = candidates->objectives, decisions = candidates->decisions;
    FNAS_TRY(fnas_candidates_grow(context, first + count, candidates));
    for (int64_t i = 0; i < count; i++) {
        int64_t index = first + i;
        memcpy(candidates->choices + index * decisions, view->measurement_choices + places[i] * decisions,
               (size_t)decisions * sizeof(int32_t));
        candidates->energy_mj[index] = run->energy_predictor ? 0 : (double)NAN;
        take(view, places[i], index, candidates);
        int64_t like = fnas_candidates_find_like(candidates, candidates->latency_ms[index]);
        memcpy(candidates->preferences + index * m, candidates->preferences + like * m, (size_t)m * sizeof(double));
    }
    fnas_run_look_up_errors(run, count, candidates->choices + first * decisions, candidates->scores + first);
    return FNAS_OK;
}

fnas_status fnas_query_join_measured(fnas_context *context, const fnas_run *run, const fnas_card *card, fnas_candidates *candidates) {
    fnas_card_view view = fnas_card_get(card);
    fnas_arch_set known = {.decisions = candidates->decisions};
    if (!view.measurement_count || (run->energy_predictor && !view.measurement_energy_mj)) return FNAS_OK;
    int64_t *places = fnas_allocate((size_t)view.measurement_count, sizeof *places), count = 0;
    fnas_status status = places ? fnas_arch_set_add_all(context, &known, candidates->count, candidates->choices)
                                : fnas_fail_memory(context, "candidates of a front");
    for (int64_t i = 0; i < view.measurement_count && status == FNAS_OK; i++) {
        const int32_t *choices = view.measurement_choices + i * candidates->decisions;
        if (!fnas_space_is_average(choices) && fnas_arch_set_find(&known, choices) < 0) places[count++] = i;
    }
    if (status == FNAS_OK && count) status = append(context, run, &view, count, places, candidates);
    fnas_arch_set_free(&known);
    fnas_free(places);
    return status;
}
