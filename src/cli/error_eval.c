#include <stdio.h>
#include <string.h>

#include "output.h"
#include "truths.h"
#include "verbs.h"

#define VERB "error eval"

typedef struct eval_values {
    cli_common common;
    cli_truth_values truth;
    const char *estimated_column;
    uint64_t seed;
    bool json;
} eval_values;

#define AT(member) offsetof(eval_values, member)

static const cli_option eval_options[] = {
    CLI_OPTIONS_TRUTH(eval_values, truth, true),
    {"estimated-column", 0, CLI_TEXT, AT(estimated_column), "COL", "of ERRORS.csv [error_pct]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of the random architectures [0]", false},
    CLI_OPTION_JSON(eval_values),
    CLI_OPTIONS_END,
};

static void print_agreement(const char *errors, const fnas_truth_agreement *agreement) {
    printf("%s against the truth tables\n", errors);
    printf("  Kendall's tau over %lld random architectures   %6.3f\n", (long long)agreement->random_count, agreement->kendall_random);
    printf("  among %lld pairs of them of equal cost (5 %%)   %6.3f\n", (long long)agreement->alike_pairs, agreement->kendall_alike);
    printf("  over the %lld architectures of the true front   %6.3f\n", (long long)agreement->front_count, agreement->kendall_front);
    printf("  hypervolume of the 24 that seem best, to the true front's   %6.4f\n", agreement->ratio);
}

static void write_agreement(const char *errors, const fnas_truth_agreement *agreement) {
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "errors", errors);
    cli_json_integer(&json, "random", agreement->random_count);
    cli_json_number(&json, "kendall_random", agreement->kendall_random);
    cli_json_integer(&json, "alike_pairs", agreement->alike_pairs);
    cli_json_number(&json, "kendall_alike", agreement->kendall_alike);
    cli_json_integer(&json, "front", agreement->front_count);
    cli_json_number(&json, "kendall_front", agreement->kendall_front);
    cli_json_number(&json, "ratio", agreement->ratio);
    cli_json_end(&json, '}');
}

static fnas_status eval_run(fnas_context *context, void *untyped) {
    const eval_values *values = untyped;
    const char *errors = values->common.operands.items[0];
    fnas_space *space;
    fnas_truth *truth;
    fnas_truth_agreement agreement;
    fnas_status status = cli_truth_open(context, VERB, &values->truth, &space, &truth);
    if (status == FNAS_OK)
        status = fnas_truth_agree(context, truth, errors, values->estimated_column ? values->estimated_column : "error_pct", values->seed,
                                  &agreement);
    if (status == FNAS_OK) (values->json ? write_agreement : print_agreement)(errors, &agreement);
    fnas_truth_free(truth);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_error_eval = {
    .name = "error eval",
    .summary = "how well estimated errors order architectures of which the true errors are known",
    .operands = "ERRORS.csv",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .details = "Kendall's tau between estimated and true errors, over random architectures, among those of nearly equal cost, and over the "
               "true front, and the hypervolume that the estimated errors lead to where costs are known exactly. Architectures that only "
               "guess are left out.",
    .example = "fleetnas error eval errors.csv --space nb201 --truth architectures.csv latency_ms.csv --accuracy-column "
               "cifar10_test_accuracy_pct --column latency_ms=pixel3",
    .options = eval_options,
    .values_size = sizeof(eval_values),
    .run = eval_run,
};
