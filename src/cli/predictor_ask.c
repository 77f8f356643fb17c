#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "inputs.h"
#include "output.h"
#include "verbs.h"

#define VERB "predictor ask"

typedef struct ask_values {
    cli_common common;
    const char *device;
    cli_texts archs;
    bool json;
} ask_values;

static const cli_option ask_options[] = {
    {"device", 0, CLI_INPUT, offsetof(ask_values, device), "CARD.json", "the device's card: its ten references are looked at", true},
    {"arch", 0, CLI_INPUTS, offsetof(ask_values, archs), "ARCH",
     "an architecture, as front and pick write it; of transformer also a "
     "FILE.yml of HAT's",
     true},
    CLI_OPTION_JSON(ask_values),
    CLI_OPTIONS_END,
};

/* Of each architecture that was asked about, in order. */
typedef struct ask_answer {
    int64_t count, decisions;
    int32_t *choices;               /* [count][decisions] */
    double *low, *predicted, *high; /* [count] each */
} ask_answer;

static void ask_free(ask_answer *answer) {
    free(answer->choices);
    free(answer->low);
}

static fnas_status ask_parse(fnas_context *context, const fnas_space *space, const cli_texts *archs, ask_answer *answer) {
    *answer = (ask_answer){.count = archs->count, .decisions = fnas_space_decision_count(space)};
    answer->choices = calloc((size_t)(answer->count * answer->decisions) + 1, sizeof *answer->choices);
    answer->low = calloc((size_t)answer->count * 3 + 1, sizeof *answer->low);
    if (!answer->choices || !answer->low) return cli_fail(VERB, FNAS_ERR_MEMORY, "out of memory");
    answer->predicted = answer->low + answer->count;
    answer->high = answer->predicted + answer->count;
    for (int64_t i = 0; i < answer->count; i++) {
        fnas_status status = fnas_space_parse_given(context, space, archs->items[i], answer->choices + i * answer->decisions);
        if (status != FNAS_OK) return status;
    }
    return FNAS_OK;
}

static fnas_status ask_print(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space, const ask_answer *answer) {
    fnas_quantity quantity = fnas_predictor_quantity(predictor);
    char text[FNAS_ARCH_TEXT_BYTES];
    for (int64_t i = 0; i < answer->count; i++) {
        fnas_status status = fnas_space_format(context, space, answer->choices + i * answer->decisions, text, sizeof text);
        if (status != FNAS_OK) return status;
        printf("%.4g %s", answer->predicted[i], fnas_quantity_unit(quantity));
        if (isfinite(answer->high[i])) printf(" (90 %%: %.4g to %.4g)", answer->low[i], answer->high[i]);
        printf("  %s\n", text);
    }
    return FNAS_OK;
}

static fnas_status ask_json(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space, const char *device,
                            const ask_answer *answer) {
    fnas_quantity quantity = fnas_predictor_quantity(predictor);
    char text[FNAS_ARCH_TEXT_BYTES];
    fnas_status status = FNAS_OK;
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "device", device);
    cli_json_text(&json, "unit", fnas_quantity_unit(quantity));
    cli_json_array(&json, "architectures");
    for (int64_t i = 0; i < answer->count && status == FNAS_OK; i++) {
        status = fnas_space_format(context, space, answer->choices + i * answer->decisions, text, sizeof text);
        if (status != FNAS_OK) break;
        cli_json_object(&json, NULL);
        cli_json_text(&json, "arch", text);
        cli_json_number(&json, fnas_quantity_name(quantity), answer->predicted[i]);
        cli_json_number(&json, "low90", isfinite(answer->high[i]) ? answer->low[i] : NAN);
        cli_json_number(&json, "high90", answer->high[i]);
        cli_json_end(&json, '}');
    }
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
    return status;
}

static fnas_status ask_predict(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space, const fnas_card *card,
                               ask_answer *answer) {
    fnas_latency_model *model = NULL;
    fnas_status status = fnas_latency_model_create(context, predictor, space, card, &model);
    if (status == FNAS_OK)
        status = fnas_latency_model_predict_interval(context, model, answer->count, answer->choices, answer->low, answer->predicted,
                                                     answer->high);
    if (model) fnas_latency_model_free(model);
    return status;
}

static fnas_status ask_run(fnas_context *context, void *untyped) {
    const ask_values *values = untyped;
    fnas_predictor *predictor = NULL;
    fnas_space *space = NULL;
    fnas_card *card = NULL;
    ask_answer answer = {0};
    fnas_status status = fnas_predictor_load(context, values->common.operands.items[0], &predictor); /* knows the space of the card */
    if (status == FNAS_OK) status = fnas_space_open(context, fnas_predictor_space(predictor), &space);
    if (status == FNAS_OK) status = fnas_card_load(context, values->device, &card);
    if (status == FNAS_OK) status = ask_parse(context, space, &values->archs, &answer);
    if (status == FNAS_OK) status = ask_predict(context, predictor, space, card, &answer);
    if (status == FNAS_OK)
        status = values->json ? ask_json(context, predictor, space, fnas_card_get(card).name, &answer)
                              : ask_print(context, predictor, space, &answer);
    ask_free(&answer);
    if (card) fnas_card_free(card);
    if (space) fnas_space_close(space);
    if (predictor) fnas_predictor_free(predictor);
    return status;
}

const cli_verb cli_predictor_ask = {
    .name = "predictor ask",
    .summary = "predict the latency of architectures on a device",
    .operands = "P.safetensors",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .details =
        "Adapts the predictor to the device by its card's ten reference measurements (a device that it was trained on keeps what its "
        "measurements taught), and prints for each architecture what is predicted, the 90 % interval where one is known, and the "
        "architecture. In JSON low90 and high90 are null where none is known.",
    .example = "fleetnas predictor ask predictor.safetensors --device devices/pi4.json --arch sub.yml",
    .options = ask_options,
    .values_size = sizeof(ask_values),
    .run = ask_run,
};
