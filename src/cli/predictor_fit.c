#include <stdio.h>
#include <string.h>

#include "inputs.h"
#include "scores.h"
#include "verbs.h"

typedef struct fit_values {
    cli_common common;
    const char *space, *output, *quantity;
    cli_texts devices;
    int64_t steps, threads;
    double holdout;
    uint64_t seed;
    bool json;
} fit_values;

#define AT(member) offsetof(fit_values, member)
#define SCORED_LEAST 2 /* architectures of a device: of fewer there is no rank correlation */

static const cli_option fit_options[] = {
    {"device", 0, CLI_INPUTS, AT(devices), "CARD.json", "device cards with measurements", true},
    {"output", 'o', CLI_OUTPUT, AT(output), "P.safetensors", "where the predictor goes", true},
    {"space", 0, CLI_SPACE, AT(space), "SPACE",
     "space that the cards were measured on; needed where it is a FILE.json [the first card's]", false},
    {"quantity", 0, CLI_CHOICE, AT(quantity), "latency_ms|energy_mj", "what is predicted; cards must hold it [latency_ms]", false},
    {"steps", 0, CLI_COUNT, AT(steps), "N", "training steps [the library's]", false},
    {"holdout", 0, CLI_REAL, AT(holdout), "FRACTION", "of each card's measurements, kept out of training and scored afterwards [0.1]",
     false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of initialisation, order and held-out architectures [0]", false},
    CLI_OPTION_THREADS(fit_values),
    CLI_OPTION_JSON(fit_values),
    CLI_OPTIONS_END,
};

static fnas_status fit_score(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space, const cli_cards *cards,
                             bool as_json) {
    cli_json json = {.file = stdout};
    cli_scores scores;
    fnas_status status = cli_scores_take(context, "predictor fit", predictor, space, cards, &scores);
    if (status == FNAS_OK && as_json) cli_scores_json_all(&json, &scores);
    if (status == FNAS_OK && !as_json) cli_scores_print_table(&scores);
    cli_scores_free(&scores);
    return status;
}

static fnas_status fit_train(fnas_context *context, const fit_values *values, const fnas_space *space, const cli_cards *cards) {
    fnas_predictor *predictor = NULL;
    bool energy = values->quantity && !strcmp(values->quantity, fnas_quantity_name(FNAS_QUANTITY_ENERGY));
    fnas_predictor_options options = {.quantity = energy ? FNAS_QUANTITY_ENERGY : FNAS_QUANTITY_LATENCY,
                                      .steps = values->steps,
                                      .holdout_fraction = values->holdout,
                                      .holdout_least = SCORED_LEAST,
                                      .seed = values->seed};
    fnas_status status = fnas_predictor_fit(context, space, cards->count, (const fnas_card *const *)cards->items, &options, &predictor);
    if (status == FNAS_OK) status = fnas_predictor_save(context, predictor, values->output);
    if (status == FNAS_OK) status = fit_score(context, predictor, space, cards, values->json);
    if (predictor) fnas_predictor_free(predictor);
    return status;
}

static fnas_status fit_run(fnas_context *context, void *untyped) {
    const fit_values *values = untyped;
    cli_cards cards;
    fnas_space *space = NULL;
    fnas_context_set_threads(context, values->threads);
    fnas_status status = cli_cards_load_on(context, "predictor fit", values->space, &values->devices, &cards, &space);
    if (status == FNAS_OK) status = fit_train(context, values, space, &cards);
    if (status == FNAS_INTERRUPTED) status = cli_fail("predictor fit", status, "interrupted: nothing was written");
    if (space) fnas_space_close(space);
    cli_cards_free(&cards);
    return status;
}

const cli_verb cli_predictor_fit = {
    .name = "predictor fit",
    .summary = "train a latency predictor on several devices",
    .operands = "",
    .details = "Trains one network over (architecture, device embedding) on all cards together and scores it, for each device, on "
               "architectures that it never saw. A search does this by itself; this verb is for a predictor that several searches share.",
    .example = "fleetnas predictor fit --device devices/*.json -o predictor.safetensors",
    .options = fit_options,
    .values_size = sizeof(fit_values),
    .run = fit_run,
};
