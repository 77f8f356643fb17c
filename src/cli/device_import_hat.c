#include "import_cards.h"
#include "verbs.h"

#define VERB "device import hat"

static const cli_option hat_options[] = {
    CLI_IMPORT_OPTION_SPACE,
    CLI_IMPORT_OPTION_OUTPUT,
    CLI_IMPORT_OPTION_TEXT("name", name, "NAME", "what to call the one device [the column device, or the file without its ending]"),
    CLI_IMPORT_OPTIONS,
    CLI_OPTIONS_END,
};

static fnas_status hat_run(fnas_context *context, void *untyped) {
    const cli_import_values *values = untyped;
    const cli_texts *tables = &values->common.operands;
    fnas_space *space = NULL;
    fnas_import *import = NULL;
    fnas_status status = cli_import_check(VERB, values);
    if (status == FNAS_OK) status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK) status = fnas_import_open_hat(context, space, tables->count, tables->items, &import);
    if (status == FNAS_OK) status = cli_import_write_all(context, VERB, import, values);
    fnas_import_free(import);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_device_import_hat = {
    .name = "device import hat",
    .summary = "make device cards from HAT's tables of latencies",
    .operands = "TABLE.csv...",
    .operands_least = 1,
    .operands_most = 100,
    .operands_are_read = true,
    .details =
        "HAT's tables describe a sub-transformer by averages over its layers. A card can hold such rows on a space whose decisions "
        "are these features (encoder_embed_dim, encoder_ffn_embed_dim_avg, ...), with the numbers as their choices. The latency is "
        "encoder and decoder together, in ms for one sentence. The space transformer takes them as they are, and is one to search in "
        "(docs/transformer.md). A column device makes a card of each device. HAT's devices have "
        "hardly an architecture in common: --references-from-table takes each one's own ten.",
    .example = "fleetnas device import hat wmt14ende_cpu_xeon.csv --space hat.json --references-from-table -o xeon.json",
    .options = hat_options,
    .values_size = sizeof(cli_import_values),
    .run = hat_run,
};
