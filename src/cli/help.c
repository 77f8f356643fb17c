#include <stdio.h>

#include "verbs.h"

typedef struct help_values {
    cli_common common;
} help_values;

static const cli_option help_options[] = {CLI_OPTIONS_END};

static fnas_status help_run(fnas_context *context, void *untyped) {
    (void)context;
    const help_values *values = untyped;
    const cli_texts *words = &values->common.operands;
    if (!words->count) {
        cli_print_verbs(stdout);
        return FNAS_OK;
    }
    int used;
    const cli_verb *verb = cli_verb_find("help", (int)words->count, (char *const *)words->items, &used);
    if (!verb) return FNAS_ERR_USAGE;
    if (words->count > used)
        return cli_fail("help", FNAS_ERR_USAGE, "\"%s\" is one word too many: one verb is explained at a time, as in fleetnas help %s",
                        words->items[used], verb->name);
    cli_print_help(verb);
    return FNAS_OK;
}

const cli_verb cli_help = {
    .name = "help",
    .summary = "explain a verb",
    .operands = "[VERB]",
    .operands_most = 3,
    .details = "Prints what a verb does, its options and an example. Without a verb, lists all.",
    .example = "fleetnas help device measure",
    .options = help_options,
    .values_size = sizeof(help_values),
    .run = help_run,
};
