#include <stdio.h>

#include "verbs.h"

typedef struct rebase_values {
    cli_common common;
    const char *space, *references, *output;
} rebase_values;

#define AT(member) offsetof(rebase_values, member)

static const cli_option rebase_options[] = {
    {"references", 0, CLI_INPUT, AT(references), "FILE.json",
     "ten architectures of the card: an array of native strings, or an object with reference_archs", true},
    {"output", 'o', CLI_OUTPUT, AT(output), "CARD.json", "where the new card goes", true},
    {"space", 0, CLI_SPACE, AT(space), "SPACE", "space that the card was measured on; needed where it is a FILE.json [the card's]",
     false},
    CLI_OPTIONS_END,
};

static fnas_status rebase_card(fnas_context *context, const rebase_values *values, const fnas_space *space, const fnas_card *card) {
    fnas_card *rebased = NULL;
    fnas_status status = fnas_card_rebase(context, space, card, values->references, &rebased);
    if (status == FNAS_OK) status = fnas_card_save(context, rebased, values->output);
    if (status == FNAS_OK) {
        fnas_card_view view = fnas_card_get(rebased);
        printf("%s: %s, %lld architectures and %lld references\n", values->output, view.name, (long long)view.measurement_count,
               (long long)view.reference_count);
    }
    fnas_card_free(rebased);
    return status;
}

static fnas_status rebase_run(fnas_context *context, void *untyped) {
    const rebase_values *values = untyped;
    fnas_space *space = NULL;
    fnas_card *card = NULL;
    fnas_status status = values->space ? fnas_space_open(context, values->space, &space) : FNAS_OK; /* a card may only name it */
    if (status == FNAS_OK) status = fnas_card_load(context, values->common.operands.items[0], &card);
    if (status == FNAS_OK && !space) status = fnas_space_open(context, fnas_card_get(card).space, &space);
    if (status == FNAS_OK) status = rebase_card(context, values, space, card);
    fnas_card_free(card);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_device_rebase = {
    .name = "device rebase",
    .summary = "a device card by other references, which it has measured",
    .operands = "CARD.json",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .details = "Cards of a search share their ten references. A card that has measured the ten of another fleet, as references or beside "
               "them, becomes one of that fleet without a new measurement; what it lacks is named, and `device measure --add --archs-file` "
               "measures it. No number is lost: references that are none any more become measurements.",
    .example = "fleetnas device rebase devices/server.json --references references.json -o rebased/server.json",
    .options = rebase_options,
    .values_size = sizeof(rebase_values),
    .run = rebase_run,
};
