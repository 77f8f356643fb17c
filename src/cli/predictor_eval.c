#include <stdio.h>

#include "inputs.h"
#include "scores.h"
#include "verbs.h"

typedef struct eval_values {
    cli_common common;
    const char *device;
    bool json;
} eval_values;

static const cli_option eval_options[] = {
    {"device", 0, CLI_TEXT, offsetof(eval_values, device), "CARD.json", "device card with measurements", true},
    CLI_OPTION_JSON(eval_values),
    CLI_OPTIONS_END,
};

static void eval_print(fnas_quantity quantity, const fnas_card_view *card, const fnas_predictor_score *score, bool as_json) {
    if (!as_json) {
        cli_scores_print(quantity, card, score);
        return;
    }
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_scores_json(&json, quantity, card, score);
    cli_json_end(&json, '}');
}

static fnas_status eval_run(fnas_context *context, void *untyped) {
    const eval_values *values = untyped;
    fnas_predictor *predictor = NULL;
    fnas_card *card = NULL;
    fnas_space *space = NULL;
    fnas_predictor_score score;
    fnas_status status = fnas_predictor_load(context, values->common.operands.items[0], &predictor);
    if (status == FNAS_OK) status = fnas_card_load(context, values->device, &card);
    if (status == FNAS_OK) status = fnas_space_open(context, fnas_predictor_space(predictor), &space);
    if (status == FNAS_OK) status = fnas_predictor_evaluate(context, predictor, space, card, &score);
    if (status == FNAS_OK) {
        const fnas_card_view view = fnas_card_get(card);
        eval_print(fnas_predictor_quantity(predictor), &view, &score, values->json);
    }
    if (space) fnas_space_close(space);
    if (card) fnas_card_free(card);
    if (predictor) fnas_predictor_free(predictor);
    return status;
}

const cli_verb cli_predictor_eval = {
    .name = "predictor eval",
    .summary = "score a latency predictor on a device",
    .operands = "P.safetensors",
    .operands_least = 1,
    .operands_most = 1,
    .details = "Adapts the predictor to the device by the card's ten reference measurements alone and scores it on the card's "
               "measurements; of a device that it was trained on, only on architectures that were held out. In JSON, ape is the absolute "
               "error in percent of the measured value; coverage90 is the share of measurements within their 90 % interval, width90 the "
               "median width of those in percent of the prediction.",
    .example = "fleetnas predictor eval predictor.safetensors --device devices/unseen.json --json",
    .options = eval_options,
    .values_size = sizeof(eval_values),
    .run = eval_run,
};
