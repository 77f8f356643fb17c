#include <stdio.h>
#include <stdlib.h>

#include "inputs.h"
#include "output.h"
#include "verbs.h"

typedef struct references_values {
    cli_common common;
    const char *space, *predictor, *given, *among, *output;
    cli_texts devices;
    int64_t count, threads;
    uint64_t seed;
    bool json;
} references_values;

#define AT(member) offsetof(references_values, member)
#define REFERENCES 10 /* of a device card */

static const cli_option references_options[] = {
    {"device", 0, CLI_INPUTS, AT(devices), "CARD.json", "device cards with measurements, from which is learnt how devices differ", false},
    {"predictor", 0, CLI_INPUT, AT(predictor), "P.safetensors", "a trained predictor, instead of cards", false},
    {"output", 'o', CLI_OUTPUT, AT(output), "FILE.json", "where the architectures go", true},
    {"space", 0, CLI_SPACE, AT(space), "SPACE", "with --device: space that the cards were measured on [the first card's]", false},
    {"count", 0, CLI_COUNT, AT(count), "N", "how many [10, what a card needs]", false},
    {"given", 0, CLI_INPUT, AT(given), "CARD.json",
     "card of the device whose architectures were measured already: the next N most useful ones", false},
    {"among", 0, CLI_INPUT, AT(among), "CARD.json", "choose among the architectures of this card alone; its latencies are not looked at",
     false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "with --device: of the predictor that is trained on the cards [0]", false},
    CLI_OPTION_THREADS(references_values),
    CLI_OPTION_JSON(references_values),
    CLI_OPTIONS_END,
};

/* ---- what is known of devices ---- */

static fnas_status references_train(fnas_context *context, const references_values *values, fnas_predictor **predictor) {
    cli_cards cards;
    fnas_space *space = NULL;
    fnas_predictor_options options = {.seed = values->seed};
    fnas_status status = cli_cards_load_on(context, "device references", values->space, &values->devices, &cards, &space);
    if (status == FNAS_OK)
        status = fnas_predictor_fit(context, space, cards.count, (const fnas_card *const *)cards.items, &options, predictor);
    if (space) fnas_space_close(space);
    cli_cards_free(&cards);
    return status;
}

/* A predictor has its space, and was trained already. */
static fnas_status references_check(const references_values *values) {
    static const char *const of_cards[] = {"space", "seed"};
    if ((values->predictor != NULL) == (values->devices.count > 0))
        return cli_fail("device references", FNAS_ERR_USAGE, "give either --device CARD.json... or --predictor P.safetensors");
    for (size_t i = 0; i < sizeof of_cards / sizeof *of_cards; i++)
        if (values->predictor && cli_is_given(&cli_device_references, values, of_cards[i]))
            return cli_fail("device references", FNAS_ERR_USAGE, "--%s has no use with --predictor: leave one out", of_cards[i]);
    return FNAS_OK;
}

static fnas_status references_learn(fnas_context *context, const references_values *values, fnas_predictor **predictor) {
    return values->predictor ? fnas_predictor_load(context, values->predictor, predictor) : references_train(context, values, predictor);
}

/* ---- what was measured before ---- */

/* Architectures of a card, references first: choices [*count][decisions], to be freed. */
static fnas_status references_measured(fnas_context *context, const char *path, const fnas_space *space, int32_t **choices,
                                       int64_t *count) {
    fnas_card *card = NULL;
    *count = 0;
    *choices = NULL;
    if (!path) return FNAS_OK;
    fnas_status status = fnas_card_load(context, path, &card);
    if (status == FNAS_OK) status = fnas_card_check_space(context, card, space);
    if (status == FNAS_OK) {
        fnas_card_view view = fnas_card_get(card);
        int64_t references = view.reference_count * view.decision_count, others = view.measurement_count * view.decision_count;
        *count = view.reference_count + view.measurement_count;
        *choices = calloc((size_t)(references + others) + 1, sizeof **choices);
        if (!*choices) status = cli_fail("device references", FNAS_ERR_MEMORY, "out of memory");
        for (int64_t i = 0; i < references && *choices; i++) (*choices)[i] = view.reference_choices[i];
        for (int64_t i = 0; i < others && *choices; i++) (*choices)[references + i] = view.measurement_choices[i];
    }
    if (card) fnas_card_free(card);
    return status;
}

/* ---- the answer ---- */

static fnas_status references_print(fnas_context *context, const fnas_space *space, int64_t count, const int32_t *choices) {
    fnas_status status = FNAS_OK;
    char text[FNAS_ARCH_TEXT_BYTES];
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "space", fnas_space_spec(space));
    cli_json_array(&json, "reference_archs");
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        status = fnas_space_format(context, space, choices + i * fnas_space_decision_count(space), text, sizeof text);
        if (status == FNAS_OK) cli_json_text(&json, NULL, text);
    }
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
    return status;
}

static fnas_status references_choose(fnas_context *context, const references_values *values, const fnas_predictor *predictor) {
    fnas_space *space = NULL;
    int64_t count = values->count ? values->count : REFERENCES, given_count = 0, among_count = 0;
    int32_t *given = NULL, *among = NULL, *choices = NULL;
    fnas_status status = fnas_space_open(context, fnas_predictor_space(predictor), &space);
    if (status == FNAS_OK) status = references_measured(context, values->given, space, &given, &given_count);
    if (status == FNAS_OK) status = references_measured(context, values->among, space, &among, &among_count);
    if (status == FNAS_OK && (count < 1 || count > 1000))
        status = cli_fail("device references", FNAS_ERR_USAGE, "--count must be 1 to 1000, not %lld", (long long)count);
    if (status == FNAS_OK) {
        choices = calloc((size_t)(count * fnas_space_decision_count(space)) + 1, sizeof *choices);
        if (!choices) status = cli_fail("device references", FNAS_ERR_MEMORY, "out of memory");
    }
    if (status == FNAS_OK) status = fnas_predictor_choose_among(context, predictor, given_count, given, among_count, among, count, choices);
    if (status == FNAS_OK) status = fnas_references_save(context, space, count, choices, values->output);
    if (status == FNAS_OK && values->json) status = references_print(context, space, count, choices);
    if (status == FNAS_OK && !values->json) printf("%s\n", values->output);
    free(choices);
    free(given);
    free(among);
    if (space) fnas_space_close(space);
    return status;
}

static fnas_status references_run(fnas_context *context, void *untyped) {
    const references_values *values = untyped;
    fnas_predictor *predictor = NULL;
    fnas_context_set_threads(context, values->threads);
    fnas_status status = references_check(values);
    if (status == FNAS_OK) status = references_learn(context, values, &predictor);
    if (status == FNAS_OK) status = references_choose(context, values, predictor);
    if (predictor) fnas_predictor_free(predictor);
    return status;
}

const cli_verb cli_device_references = {
    .name = "device references",
    .summary = "choose the architectures that say most about a new device",
    .operands = "",
    .details =
        "From cards of several devices (or a predictor trained on them) it is known how devices differ. Chosen are the architectures whose "
        "latencies leave the least uncertainty about all others on a device that was never seen: ten of them serve as references (device "
        "measure --references FILE.json), which every card of a search must share. With --given, they are the next most useful ones beside "
        "those on a card. With --among, they are architectures of a table that exists, imported as a card.",
    .example = "fleetnas device references --device devices/*.json -o references.json",
    .options = references_options,
    .values_size = sizeof(references_values),
    .run = references_run,
};
