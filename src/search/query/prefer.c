/* What a preference makes of points: the loss that the search taught the hypernetwork to make small, of architectures that are known. */
#include <math.h>

#include "search/objective.h"
#include "search/query/query.h"
#include "search/scalarise.h"

/* As for one more search device. */
static fnas_status scales_of_search(fnas_context *context, const fnas_run *run, const fnas_card *card, fnas_scales *scales) {
    fnas_search_config alone = run->config;
    fnas_objectives objectives = {0};
    fnas_card *cards[] = {(fnas_card *)card}; /* only read */
    alone.device_count = 1;
    fnas_status status = fnas_objectives_create(context, &alone, run->space, run->predictor, run->energy_predictor, run->surrogate, cards,
                                                &objectives);
    for (int64_t m = 0; m < alone.objective_count && status == FNAS_OK; m++)
        fnas_objective_range(&objectives, &run->state, m, 0, &scales->low[m], &scales->high[m]);
    fnas_objectives_free(&objectives);
    return status;
}

static void scales_of_rows(int64_t count, int64_t objectives, const double *values, fnas_scales *scales) {
    for (int64_t m = 0; m < objectives; m++) {
        scales->low[m] = INFINITY;
        scales->high[m] = -INFINITY;
        for (int64_t i = 0; i < count; i++) {
            scales->low[m] = fmin(scales->low[m], values[i * objectives + m]);
            scales->high[m] = fmax(scales->high[m], values[i * objectives + m]);
        }
    }
}

fnas_status fnas_query_scales(fnas_context *context, const fnas_run *run, const fnas_card *card, int64_t count, const double *values,
                              fnas_scales *scales) {
    *scales = (fnas_scales){0};
    if (run->surrogate) return scales_of_search(context, run, card, scales);
    scales_of_rows(count, run->config.objective_count, values, scales);
    return FNAS_OK;
}

double fnas_query_loss(const fnas_run *run, const fnas_scales *scales, const double *preference, const fnas_score *score,
                       const double *values) {
    double normalised[FNAS_OBJECTIVES_MAX], weights[FNAS_OBJECTIVES_MAX];
    int64_t objectives = run->config.objective_count;
    for (int64_t m = 0; m < objectives; m++) {
        bool is_followed = run->surrogate && run->config.objectives[m] == FNAS_OBJECTIVE_ERROR;
        normalised[m] = fnas_objective_normalise(scales->low[m], scales->high[m], is_followed ? score->followed_pct : values[m]);
    }
    return fnas_scalarise(run->config.scalarise, objectives, preference, normalised, weights);
}
