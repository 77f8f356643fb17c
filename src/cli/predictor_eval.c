#include <stdio.h>

#include "inputs.h"
#include "scores.h"
#include "verbs.h"

#define VERB "predictor eval"

typedef struct eval_values {
    cli_common common;
    cli_texts devices;
    bool json;
} eval_values;

static const cli_option eval_options[] = {
    {"device", 0, CLI_INPUTS, offsetof(eval_values, devices), "CARD.json", "device cards with measurements", true},
    CLI_OPTION_JSON(eval_values),
    CLI_OPTIONS_END,
};

/* One card has its lines to itself, and its members are the whole JSON. */
static void eval_print(const cli_scores *scores, bool as_json) {
    cli_json json = {.file = stdout};
    bool alone = scores->cards->count == 1;
    if (as_json && alone) cli_scores_json_card(&json, scores, 0);
    if (as_json && !alone) cli_scores_json_all(&json, scores);
    if (!as_json && alone) cli_scores_print_card(scores, 0);
    if (!as_json && !alone) cli_scores_print_table(scores);
}

static fnas_status eval_run(fnas_context *context, void *untyped) {
    const eval_values *values = untyped;
    fnas_predictor *predictor = NULL;
    fnas_space *space = NULL;
    cli_cards cards = {0};
    cli_scores scores = {0};
    fnas_status status = fnas_predictor_load(context, values->common.operands.items[0], &predictor); /* knows the space of the cards */
    if (status == FNAS_OK) status = cli_cards_load(context, VERB, &values->devices, &cards);
    if (status == FNAS_OK) status = fnas_space_open(context, fnas_predictor_space(predictor), &space);
    if (status == FNAS_OK) status = cli_scores_take(context, VERB, predictor, space, &cards, &scores);
    if (status == FNAS_OK) eval_print(&scores, values->json);
    cli_scores_free(&scores);
    cli_cards_free(&cards);
    if (space) fnas_space_close(space);
    if (predictor) fnas_predictor_free(predictor);
    return status;
}

const cli_verb cli_predictor_eval = {
    .name = "predictor eval",
    .summary = "score a latency predictor on devices",
    .operands = "P.safetensors",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .details = "Adapts the predictor to each device by its card's ten reference measurements alone and scores it on the card's "
               "measurements; of a device that it was trained on, only on architectures that were held out. Several cards get a line each, "
               "and a mean over them below; one that has too few to score is left out and named, and it is an error "
               "(exit code 2) where that leaves none.\nIn JSON, ape is the absolute error in percent of the measured value (its mean is "
               "ruled by networks that take "
               "next to no time, where a device has such: see the median); coverage90 is "
               "the share "
               "of measurements within their 90 % interval, width90 the median width of those in percent of the prediction. One card's "
               "members are the whole object; of several it is {\"devices\": [...], \"left_out\": [...], \"mean\": {...}}.",
    .example = "fleetnas predictor eval predictor.safetensors --device devices/unseen.json devices/other.json",
    .options = eval_options,
    .values_size = sizeof(eval_values),
    .run = eval_run,
};
