#include <stdio.h>

#include "output.h"
#include "verbs.h"

typedef struct version_values {
    cli_common common;
    bool json;
} version_values;

static const cli_option version_options[] = {CLI_OPTION_JSON(version_values), CLI_OPTIONS_END};

static fnas_status version_run(fnas_context *context, void *untyped) {
    (void)context;
    const version_values *values = untyped;
    if (!values->json) {
        printf("fleetnas %s\n", FNAS_VERSION);
        return FNAS_OK;
    }
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "version", FNAS_VERSION);
    cli_json_end(&json, '}');
    return FNAS_OK;
}

const cli_verb cli_version = {
    .name = "version",
    .summary = "print the version",
    .operands = "",
    .details = "Prints the version of the command and its library.",
    .example = "fleetnas version --json",
    .options = version_options,
    .values_size = sizeof(version_values),
    .run = version_run,
};
