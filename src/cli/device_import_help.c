#include "import_cards.h"
#include "verbs.h"

#define VERB "device import help"

static const cli_option help_options[] = {
    CLI_IMPORT_OPTION_SPACE,
    CLI_IMPORT_OPTION_OUTPUT,
    {"index-map", 0, CLI_INPUT, CLI_IMPORT_AT(archs), "MAP.pt|ARCHS.csv",
     "which architecture an entry is: HELP's str_arch2idx.pt, or CSV with arch and arch_index", true},
    CLI_IMPORT_OPTION_TEXT("name", name, "NAME", "what to call the one device [the file, without .pt]"),
    CLI_IMPORT_OPTIONS,
    CLI_OPTIONS_END,
};

static fnas_status help_run(fnas_context *context, void *untyped) {
    const cli_import_values *values = untyped;
    const cli_texts *tables = &values->common.operands;
    fnas_space *space = NULL;
    fnas_import *import = NULL;
    fnas_status status = cli_import_check(VERB, values);
    if (status == FNAS_OK) status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK) status = fnas_import_open_help(context, space, tables->count, tables->items, values->archs, &import);
    if (status == FNAS_OK) status = cli_import_write_all(context, VERB, import, values);
    fnas_import_free(import);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_device_import_help = {
    .name = "device import help",
    .summary = "make device cards from HELP's published latencies (.pt)",
    .operands = "FILE.pt...",
    .operands_least = 1,
    .operands_most = 1000,
    .operands_are_read = true,
    .details =
        "Each file is one device: a list of milliseconds for one batch, whose order the index map explains. The files are pickles in ZIP "
        "archives; they are read by a reader that knows lists, maps, numbers and texts, refuses everything else by name, and runs nothing.",
    .example =
        "fleetnas device import help HELP/data/nasbench201/latency/*.pt --index-map HELP/data/nasbench201/str_arch2idx.pt --space nb201 "
        "--batch-suffixes 1,32,256 -o devices",
    .options = help_options,
    .values_size = sizeof(cli_import_values),
    .run = help_run,
};
