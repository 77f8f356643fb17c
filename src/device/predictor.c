/* The public calls: cards are checked against the space here, and are numbers from here on. */
#include "fleetnas/predictor.h"

#include <string.h>

#include "base/memory.h"
#include "device/predictor_ask.h"
#include "device/predictor_internal.h"

/* ---- what a card says of the quantity, in the place of its latencies ---- */

const char *fnas_quantity_name(fnas_quantity quantity) {
    return quantity == FNAS_QUANTITY_ENERGY ? "energy_mj" : "latency_ms";
}

const char *fnas_quantity_unit(fnas_quantity quantity) {
    return quantity == FNAS_QUANTITY_ENERGY ? "mJ" : "ms";
}

fnas_quantity fnas_predictor_quantity(const fnas_predictor *predictor) {
    return predictor->quantity;
}

static fnas_status fnas_predictor_view(fnas_context *context, const fnas_card *card, fnas_quantity quantity, fnas_card_view *view) {
    *view = fnas_card_get(card);
    if (quantity == FNAS_QUANTITY_LATENCY) return FNAS_OK;
    if (!view->reference_energy_mj)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "card %s has no energy of its references (\"reference.energy_mj\"): measure or import it with its energies",
                         view->name);
    view->reference_latency_ms = view->reference_energy_mj;
    view->measurement_latency_ms = view->measurement_energy_mj;
    if (!view->measurement_energy_mj) view->measurement_count = 0;
    return FNAS_OK;
}

/* ---- */

fnas_status fnas_predictor_fit(fnas_context *context, const fnas_space *space, int64_t count, const fnas_card *const *cards,
                               const fnas_predictor_options *options, fnas_predictor **predictor) {
    *predictor = NULL;
    if (count < 1 || count > FNAS_PREDICTOR_MAX_DEVICES)
        return fnas_fail(context, FNAS_ERR_INPUT, "a predictor trains on 1 to %d devices, not %lld", FNAS_PREDICTOR_MAX_DEVICES,
                         (long long)count);
    for (int64_t i = 0; i < count; i++) FNAS_TRY(fnas_card_check_space(context, cards[i], space));
    fnas_card_view *views = fnas_allocate((size_t)count, sizeof *views);
    if (!views) return fnas_fail_memory(context, "cards");
    fnas_quantity quantity = options ? options->quantity : FNAS_QUANTITY_LATENCY;
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) status = fnas_predictor_view(context, cards[i], quantity, &views[i]);
    if (status == FNAS_OK) status = fnas_predictor_fit_views(context, space, count, views, options, predictor);
    if (status == FNAS_OK) (*predictor)->quantity = quantity;
    fnas_free(views);
    return status;
}

static fnas_status fnas_predictor_check_space(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space) {
    if (strcmp(fnas_predictor_space(predictor), fnas_space_spec(space)) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "the predictor was trained on %s, not on %s", fnas_predictor_space(predictor),
                     fnas_space_spec(space));
}

fnas_status fnas_latency_model_create(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space,
                                      const fnas_card *card, fnas_latency_model **model) {
    *model = NULL;
    FNAS_TRY(fnas_predictor_check_space(context, predictor, space));
    FNAS_TRY(fnas_card_check_space(context, card, space));
    fnas_card_view view;
    FNAS_TRY(fnas_predictor_view(context, card, predictor->quantity, &view));
    return fnas_latency_model_create_view(context, predictor, &view, model);
}

fnas_status fnas_predictor_ask(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space, const fnas_card *card,
                               int64_t count, const int32_t *choices, double *latency_ms) {
    FNAS_TRY(fnas_predictor_check_space(context, predictor, space));
    FNAS_TRY(fnas_card_check_space(context, card, space));
    fnas_card_view view;
    FNAS_TRY(fnas_predictor_view(context, card, predictor->quantity, &view));
    return fnas_predictor_ask_view(context, predictor, &view, count, choices, latency_ms);
}

fnas_status fnas_predictor_ask_interval(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space,
                                        const fnas_card *card, int64_t count, const int32_t *choices, double *low_ms, double *latency_ms,
                                        double *high_ms) {
    fnas_card_view view;
    FNAS_TRY(fnas_predictor_check_space(context, predictor, space));
    FNAS_TRY(fnas_card_check_space(context, card, space));
    FNAS_TRY(fnas_predictor_view(context, card, predictor->quantity, &view));
    return fnas_predictor_ask_interval_view(context, predictor, &view, count, choices, low_ms, latency_ms, high_ms);
}

fnas_status fnas_predictor_evaluate(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space, const fnas_card *card,
                                    fnas_predictor_score *score) {
    FNAS_TRY(fnas_predictor_check_space(context, predictor, space));
    FNAS_TRY(fnas_card_check_space(context, card, space));
    fnas_card_view view;
    FNAS_TRY(fnas_predictor_view(context, card, predictor->quantity, &view));
    return fnas_predictor_evaluate_view(context, predictor, &view, score);
}
