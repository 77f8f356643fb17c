#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "verbs.h"

typedef struct show_values {
    cli_common common;
    const char *arch;
    int64_t random;
    uint64_t seed;
    bool json;
} show_values;

#define AT(member) offsetof(show_values, member)
#define RANDOM_MOST 1000000

static const cli_option show_options[] = {
    {"arch", 0, CLI_INPUT, AT(arch), "ARCH", "check this architecture, and say its size; of transformer also a FILE.yml of HAT's", false},
    {"random", 0, CLI_COUNT, AT(random), "N", "instead, N different random architectures as a table in CSV, with their sizes", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "which random ones [0]", false},
    CLI_OPTION_JSON(show_values),
    CLI_OPTIONS_END,
};

/* text [FNAS_ARCH_TEXT_BYTES] of a reference; choices is room for one. */
static fnas_status show_reference(fnas_context *context, const fnas_space *space, int64_t index, int32_t *choices, char *text) {
    fnas_space_reference(space, index, choices);
    return fnas_space_format(context, space, choices, text, FNAS_ARCH_TEXT_BYTES);
}

/* text [FNAS_ARCH_TEXT_BYTES] of the largest network; empty where the space has none. */
static fnas_status show_largest(fnas_context *context, const fnas_space *space, int32_t *choices, char *text) {
    *text = '\0';
    return fnas_space_largest(space, choices) ? fnas_space_format(context, space, choices, text, FNAS_ARCH_TEXT_BYTES) : FNAS_OK;
}

static fnas_status show_text(fnas_context *context, const fnas_space *space, int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    fnas_status status = FNAS_OK;
    double all = fnas_space_cardinality(space), different = fnas_space_settled_count(space);
    printf("%s\n  spec           %s\n  architectures  %.6g", fnas_space_name(space), fnas_space_spec(space), all);
    if (different < all) printf(", of which %.6g differ", different);
    printf("\n  decisions      %lld, %lld choices in all\n", (long long)fnas_space_decision_count(space),
           (long long)fnas_space_onehot_size(space));
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) {
        printf("    %-12s", fnas_space_decision_name(space, d));
        for (int64_t k = 0; k < fnas_space_choice_count(space, d); k++) printf(" %s", fnas_space_choice_name(space, d, k));
        printf("\n");
    }
    status = show_largest(context, space, choices, text);
    if (status == FNAS_OK && *text) printf("  largest        %s\n", text);
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
    cli_json_number(&json, "different_architectures", fnas_space_settled_count(space));
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
    status = show_largest(context, space, choices, text);
    if (status == FNAS_OK && *text) cli_json_text(&json, "largest", text);
    cli_json_array(&json, "reference_archs");
    for (int64_t i = 0; i < fnas_space_reference_count(space) && status == FNAS_OK; i++) {
        status = show_reference(context, space, i, choices, text);
        if (status == FNAS_OK) cli_json_text(&json, NULL, text);
    }
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
    return status;
}

/* ---- architectures ---- */

static fnas_status show_arch(fnas_context *context, const fnas_space *space, const show_values *values, int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    cli_json json = {.file = stdout};
    bool counts = fnas_space_has_counts(space);
    fnas_status status = fnas_space_parse_given(context, space, values->arch, choices);
    if (status == FNAS_OK) status = fnas_space_format(context, space, choices, text, sizeof text);
    if (status != FNAS_OK) return status;
    if (!values->json) {
        printf("%s\n", text);
        if (counts)
            printf("  params         %lld\n  macs           %lld\n", (long long)fnas_space_params(space, choices),
                   (long long)fnas_space_macs(space, choices));
        return FNAS_OK;
    }
    cli_json_object(&json, NULL);
    cli_json_text(&json, "arch", text);
    if (counts) {
        cli_json_integer(&json, "params", fnas_space_params(space, choices));
        cli_json_integer(&json, "macs", fnas_space_macs(space, choices));
    }
    cli_json_end(&json, '}');
    return FNAS_OK;
}

static void print_csv(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static fnas_status show_random(fnas_context *context, const fnas_space *space, const show_values *values) {
    int64_t decisions = fnas_space_decision_count(space);
    char text[FNAS_ARCH_TEXT_BYTES];
    bool counts = fnas_space_has_counts(space);
    if (values->random > RANDOM_MOST)
        return cli_fail("space show", FNAS_ERR_USAGE, "--random %lld: at most %d", (long long)values->random, RANDOM_MOST);
    int32_t *choices = calloc((size_t)(values->random * decisions), sizeof *choices);
    if (!choices) return cli_fail("space show", FNAS_ERR_MEMORY, "out of memory");
    fnas_status status = fnas_space_sample(context, space, values->seed, values->random, choices);
    if (status == FNAS_OK) printf(counts ? "arch,params,macs\n" : "arch\n");
    for (int64_t i = 0; i < values->random && status == FNAS_OK; i++) {
        const int32_t *at = choices + i * decisions;
        status = fnas_space_format(context, space, at, text, sizeof text);
        if (status != FNAS_OK) break;
        print_csv(text);
        if (counts) printf(",%lld,%lld", (long long)fnas_space_params(space, at), (long long)fnas_space_macs(space, at));
        printf("\n");
    }
    free(choices);
    return status;
}

static fnas_status show_wanted(fnas_context *context, const fnas_space *space, const show_values *values, int32_t *choices) {
    if (values->random && values->arch)
        return cli_fail("space show", FNAS_ERR_USAGE, "--arch and --random exclude each other: leave one out");
    if (values->random && values->json) return cli_fail("space show", FNAS_ERR_USAGE, "--random is a table in CSV: leave out --json");
    if (values->random) return show_random(context, space, values);
    if (values->arch) return show_arch(context, space, values, choices);
    return values->json ? show_json(context, space, choices) : show_text(context, space, choices);
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
        status = show_wanted(context, space, values, choices);
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
    .details = "SPACE is a name with parameters, transformer:FILE.yml with the YAML of a HAT super-transformer (docs/transformer.md), or a "
               "file that describes a space (docs/spaces.md), which is checked. Prints the spec by "
               "which cards and runs name the space, the decisions with their choices, the largest network where all others are parts of "
               "it, and the ten reference architectures; --json has "
               "them as reference_archs, which --references of other verbs takes.",
    .example = "fleetnas space show space.json",
    .options = show_options,
    .values_size = sizeof(show_values),
    .run = show_run,
};
