#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "verbs.h"

typedef struct show_values {
    cli_common common;
    bool json;
} show_values;

static const cli_option show_options[] = {CLI_OPTION_JSON(show_values), CLI_OPTIONS_END};

/* text [FNAS_ARCH_TEXT_BYTES] of a reference; choices is room for one. */
static fnas_status show_reference(fnas_context *context, const fnas_space *space, int64_t index, int32_t *choices, char *text) {
    fnas_space_reference(space, index, choices);
    return fnas_space_format(context, space, choices, text, FNAS_ARCH_TEXT_BYTES);
}

static fnas_status show_text(fnas_context *context, const fnas_space *space, int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    fnas_status status = FNAS_OK;
    printf("%s\n  spec           %s\n  architectures  %.6g\n  decisions      %lld, %lld choices in all\n", fnas_space_name(space),
           fnas_space_spec(space), fnas_space_cardinality(space), (long long)fnas_space_decision_count(space),
           (long long)fnas_space_onehot_size(space));
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) {
        printf("    %-12s", fnas_space_decision_name(space, d));
        for (int64_t k = 0; k < fnas_space_choice_count(space, d); k++) printf(" %s", fnas_space_choice_name(space, d, k));
        printf("\n");
    }
    printf("  references     %s\n", fnas_space_reference_count(space) ? "" : "none: the space has too few architectures");
    for (int64_t i = 0; i < fnas_space_reference_count(space) && status == FNAS_OK; i++) {
        status = show_reference(context, space, i, choices, text);
        if (status == FNAS_OK) printf("    %s\n", text);
    }
    return status;
}

static fnas_status show_json(fnas_context *context, const fnas_space *space, int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    fnas_status status = FNAS_OK;
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "name", fnas_space_name(space));
    cli_json_text(&json, "spec", fnas_space_spec(space));
    cli_json_number(&json, "architectures", fnas_space_cardinality(space));
    cli_json_array(&json, "decisions");
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) {
        cli_json_object(&json, NULL);
        cli_json_text(&json, "name", fnas_space_decision_name(space, d));
        cli_json_array(&json, "choices");
        for (int64_t k = 0; k < fnas_space_choice_count(space, d); k++) cli_json_text(&json, NULL, fnas_space_choice_name(space, d, k));
        cli_json_end(&json, ']');
        cli_json_end(&json, '}');
    }
    cli_json_end(&json, ']');
    cli_json_array(&json, "reference_archs");
    for (int64_t i = 0; i < fnas_space_reference_count(space) && status == FNAS_OK; i++) {
        status = show_reference(context, space, i, choices, text);
        if (status == FNAS_OK) cli_json_text(&json, NULL, text);
    }
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
    return status;
}

static fnas_status show_run(fnas_context *context, void *untyped) {
    const show_values *values = untyped;
    fnas_space *space = NULL;
    fnas_status status = fnas_space_open(context, values->common.operands.items[0], &space);
    if (status != FNAS_OK) return status;
    int32_t *choices = calloc((size_t)fnas_space_decision_count(space) + 1, sizeof *choices);
    if (!choices)
        status = cli_fail("space show", FNAS_ERR_MEMORY, "out of memory");
    else
        status = values->json ? show_json(context, space, choices) : show_text(context, space, choices);
    free(choices);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_space_show = {
    .name = "space show",
    .summary = "check a search space, and say what it holds",
    .operands = "SPACE",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .details = "SPACE is a name with parameters, or a file that describes a space (docs/spaces.md), which is checked. Prints the spec by "
               "which cards and runs name the space, the decisions with their choices, and the ten reference architectures; --json has "
               "them as reference_archs, which --references of other verbs takes.",
    .example = "fleetnas space show space.json",
    .options = show_options,
    .values_size = sizeof(show_values),
    .run = show_run,
};
