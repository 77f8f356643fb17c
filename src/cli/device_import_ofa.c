#include "import_cards.h"
#include "verbs.h"

#define VERB "device import ofa"

static const cli_option ofa_options[] = {
    CLI_IMPORT_OPTION_SPACE,
    CLI_IMPORT_OPTION_OUTPUT,
    {"name", 0, CLI_TEXT, CLI_IMPORT_AT(name), "NAME", "what to call the device", true},
    {"archs", 0, CLI_COUNT, CLI_IMPORT_AT(arch_count), "N", "random architectures of the tables' resolutions beside the references [300]",
     false},
    {"seed", 0, CLI_SEED, CLI_IMPORT_AT(seed), "N", "of the random architectures [0]", false},
    CLI_IMPORT_OPTIONS,
    CLI_OPTIONS_END,
};

static fnas_status ofa_run(fnas_context *context, void *untyped) {
    const cli_import_values *values = untyped;
    const cli_texts *tables = &values->common.operands;
    const fnas_import_ofa options = {.references = values->references,
                                     .references_from_table = values->references_from_table,
                                     .arch_count = values->arch_count,
                                     .seed = values->seed};
    fnas_space *space = NULL;
    fnas_import *import = NULL;
    fnas_status status = cli_import_check(VERB, values);
    if (status == FNAS_OK) status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK) status = fnas_import_open_ofa(context, space, tables->count, tables->items, &options, &import);
    if (status == FNAS_OK) status = cli_import_write_all(context, VERB, import, values);
    fnas_import_free(import);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_device_import_ofa = {
    .name = "device import ofa",
    .summary = "make a device card from Once-for-All's latency tables",
    .operands = "TABLE.yaml...",
    .operands_least = 1,
    .operands_most = 100,
    .operands_are_read = true,
    .details = "Each table is of one resolution and has the milliseconds of every block that MobileNetV3 can have at it; an architecture's "
               "latency is the sum of its blocks', as OFA's own estimator has it. The card has the ten references and random "
               "architectures. A reference whose resolution has no table is refused: OFA publishes tables for 160, 176, 192, 208 and 224 "
               "alone, for which --references-from-table lets ten of the random architectures be the references.",
    .example =
        "fleetnas device import ofa note10/*_lookup_table.yaml --space mobilenetv3:width=1.0 --name note10 --references-from-table -o "
        "note10.json",
    .options = ofa_options,
    .values_size = sizeof(cli_import_values),
    .run = ofa_run,
};
