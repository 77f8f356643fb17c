#include <math.h>

#include "device/predictor_ask.h"
#include "search/query/front_result.h"
#include "search/query/query.h"
#include "search/score/score.h"

fnas_status fnas_query_check_options(fnas_context *context, const fnas_front_options *options) {
    if (options->points < 0 || options->candidates < 0 || options->neighbours < 0) {
        return fnas_fail(context, FNAS_ERR_USAGE, "front: points, candidates and neighbours must not be negative (0 means the default)");
    }
    return FNAS_OK;
}

/* Data that were named are those of the run, also where all that they would be asked is known. */
static fnas_status fnas_front_check_data(fnas_context *context, const fnas_run *run, const fnas_front_options *options) {
    fnas_examples examples;
    if (!options->data) return FNAS_OK;
    if (run->surrogate) return fnas_fail(context, FNAS_ERR_USAGE, "this run has its errors from a table and needs no data");
    FNAS_TRY(fnas_run_open_data(context, run, options->data, &examples));
    fnas_examples_close(&examples);
    return FNAS_OK;
}

static fnas_status fnas_front_score(fnas_context *context, const fnas_run *run, const fnas_front_options *options,
                                    fnas_candidates *candidates) {
    if (!options->score_error || !fnas_search_has_objective(&run->config, FNAS_OBJECTIVE_ERROR))
        return fnas_front_check_data(context, run, options);
    if (run->surrogate) {
        FNAS_TRY(fnas_front_check_data(context, run, options));
        fnas_run_look_up_errors(run, candidates->count, candidates->choices, candidates->scores);
        return FNAS_OK;
    }
    if (fnas_score_known(run, FNAS_SCORE_VALIDATION, 0, candidates->count, candidates->choices, candidates->scores))
        return fnas_front_check_data(context, run, options);
    fnas_examples examples;
    FNAS_TRY(fnas_run_open_data(context, run, options->data, &examples));
    fnas_status status = fnas_score_archs(context, run, &examples, FNAS_SCORE_VALIDATION, 0, "score", candidates->count,
                                          candidates->choices, candidates->scores);
    fnas_examples_close(&examples);
    return status;
}

/* What the card has measured, and where errors cost nothing the rest of a small space, or what lies near what the hypernetwork offers. */
static fnas_status fnas_front_extend(fnas_context *context, const fnas_run *run, const fnas_card *card, const fnas_front_options *options,
                                     fnas_candidates *candidates) {
    bool take_measured = !options->predicted_only;
    if (take_measured) FNAS_TRY(fnas_query_take_measured(context, card, 0, candidates));
    if (!run->surrogate || options->constant_preference || options->as_offered || !fnas_candidates_scored(candidates)) return FNAS_OK;
    FNAS_TRY(fnas_query_refine(context, run, card, options, FNAS_REFINED_MOST, candidates));
    return take_measured ? fnas_query_join_measured(context, run, card, candidates) : FNAS_OK;
}

static fnas_status fnas_front_from_candidates(fnas_context *context, const fnas_run *run, const fnas_card *card,
                                              const fnas_front_options *options, fnas_candidates *candidates, fnas_front **front) {
    FNAS_TRY(fnas_query_sweep(context, run, card, options, candidates));
    FNAS_TRY(fnas_front_score(context, run, options, candidates));
    FNAS_TRY(fnas_front_extend(context, run, card, options, candidates));
    const fnas_choosing how = {.card = card,
                               .images = run->surrogate ? 0 : run->config.validation_images,
                               .points = options->points ? options->points : FNAS_FRONT_POINTS,
                               .fill = options->fill,
                               .prefer = options->prefer};
    FNAS_TRY(fnas_query_choose(context, run, &how, candidates, front));
    fnas_front *chosen = *front;
    fnas_status status = fnas_predictor_ask_interval(context, run->predictor, run->space, card, chosen->point_count, chosen->choices,
                                                     chosen->low_ms, chosen->latency_ms, chosen->high_ms);
    if (status == FNAS_OK) {
        fnas_front_settle_measured(chosen);
        return FNAS_OK;
    }
    fnas_front_free(chosen);
    *front = NULL;
    return status;
}

static fnas_status fnas_front_check_limits(fnas_context *context, const fnas_run *run, const fnas_front_options *options) {
    if (!options->limits) return FNAS_OK;
    if (!options->prefer)
        return fnas_fail(context, FNAS_ERR_USAGE, "limits: they bound the search for what is preferred: say what, with prefer");
    for (int64_t k = 0; k < run->config.objective_count; k++) {
        if (isnan(options->limits[k])) return fnas_fail(context, FNAS_ERR_INPUT, "limits: number %lld is no number", (long long)k + 1);
    }
    return FNAS_OK;
}

fnas_status fnas_run_front(fnas_context *context, const fnas_run *run, const fnas_card *card, const fnas_front_options *options,
                           fnas_front **front) {
    *front = NULL;
    const fnas_front_options defaults = {0};
    if (!options) options = &defaults;
    FNAS_TRY(fnas_query_check_options(context, options));
    if (options->as_offered && !run->surrogate)
        return fnas_fail(
            context, FNAS_ERR_USAGE,
            "what is offered is all there is in this run, whose errors come from shared weights: leave as_offered (--as-offered) out");
    if (options->prefer && !options->score_error)
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "prefer: what is not scored cannot be weighed: score the error, or ask the hypernetwork with fnas_run_pick");
    FNAS_TRY(fnas_front_check_limits(context, run, options));
    fnas_candidates candidates = {0};
    fnas_status status = fnas_front_from_candidates(context, run, card, options, &candidates, front);
    fnas_candidates_free(&candidates);
    return status;
}

fnas_status fnas_run_pick(fnas_context *context, const fnas_run *run, const fnas_card *card, const double *preference, int32_t *choices,
                          double *latency_ms) {
    fnas_candidates candidates = {0};
    fnas_status status = fnas_query_sweep(context, run, card, &(fnas_front_options){.constant_preference = preference}, &candidates);
    if (status == FNAS_OK) {
        for (int64_t d = 0; d < candidates.decisions; d++) choices[d] = candidates.choices[d];
        *latency_ms = candidates.latency_ms[0];
    }
    fnas_candidates_free(&candidates);
    return status;
}
