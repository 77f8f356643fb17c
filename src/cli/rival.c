#include <stdio.h>

#include "output.h"
#include "truths.h"
#include "verbs.h"

#define VERB "rival"

typedef struct rival_values {
    cli_common common;
    cli_truth_values truth;
    const char *output, *data, *proxy;
    int64_t evaluations, points, threads;
    uint64_t seed;
    bool json;
} rival_values;

#define AT(member) offsetof(rival_values, member)

static const cli_option rival_options[] = {
    CLI_OPTIONS_TRUTH(rival_values, truth, false),
    CLI_OPTIONS_MODELS(rival_values, truth),
    {"evaluations", 0, CLI_COUNT, AT(evaluations), "N", "distinct architectures whose objectives are looked up", true},
    {"output", 'o', CLI_OUTPUT, AT(output), "FRONT.csv", "where the front goes", true},
    {"points", 0, CLI_COUNT, AT(points), "N",
     "architectures of the front at most, best first by hypervolume contribution [24, or all of a smaller table]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of its random draws [0]", false},
    CLI_OPTION_DATA(rival_values, "images that naswot looks at: fashion-mnist, cifar10:DIR"),
    {"proxy", 0, CLI_TEXT, AT(proxy), "PARAMS",
     "naswot, synflow: smaller networks to score, channels=16,cells=1,input=3x16x16; images are averaged down to it [the space's own]",
     false},
    {"threads", 0, CLI_COUNT, AT(threads), "N", "of naswot and synflow; the outcome does not depend on them [one a processor]", false},
    CLI_OPTION_JSON(rival_values),
    CLI_OPTIONS_END,
};

static void rival_print(const rival_values *values, const fnas_rival_front *front, const fnas_truth_score *score) {
    if (!values->json) {
        printf("%s: %s, %lld evaluations, %lld architectures, ", values->output, values->common.operands.items[0],
               (long long)front->evaluations, (long long)front->count);
        if (values->truth.error)
            printf("hypervolume %.5f on the scale of 1,000 random architectures and this front\n", score->hypervolume);
        else
            printf("%.5f of the true hypervolume\n", score->ratio);
        return;
    }
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "rival", values->common.operands.items[0]);
    cli_json_text(&json, "front", values->output);
    cli_json_integer(&json, "evaluations", front->evaluations);
    cli_truth_score_json(&json, score);
    cli_json_end(&json, '}');
}

static fnas_status rival_run(fnas_context *context, void *untyped) {
    const rival_values *values = untyped;
    const fnas_rival_options options = {.method = values->common.operands.items[0],
                                        .evaluations = values->evaluations,
                                        .points = values->points,
                                        .seed = values->seed,
                                        .data = values->data,
                                        .proxy = values->proxy};
    fnas_space *space;
    fnas_truth *truth;
    if (!cli_has_suffix(values->output, ".csv"))
        return cli_fail(VERB, FNAS_ERR_USAGE, "--output %s: the name must end in .csv", values->output);
    fnas_rival_front front = {.count = 0};
    fnas_context_set_threads(context, values->threads);
    fnas_truth_score score;
    fnas_status status = cli_truth_open(context, VERB, &values->truth, &space, &truth);
    if (status == FNAS_OK) status = fnas_rival_run(context, truth, &options, &front);
    if (status == FNAS_OK) status = fnas_truth_join(context, truth, front.count, front.choices);
    if (status == FNAS_OK) status = fnas_truth_score_front(context, truth, front.count, front.choices, &score);
    if (status == FNAS_OK) status = fnas_rival_front_write(context, truth, &front, values->output);
    if (status == FNAS_OK) rival_print(values, &front, &score);
    fnas_rival_front_free(&front);
    fnas_truth_free(truth);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_rival = {
    .name = "rival",
    .summary = "another method's front, on a truth table or on models, at a counted price",
    .operands = "NAME",
    .operands_least = 1,
    .operands_most = 1,
    .details =
        "Each distinct architecture costs one evaluation; what is known costs nothing. What guesses (90 % error) is dropped, then what is "
        "dominated, then the least contributors to the hypervolume. What is left is scored as `fleetnas score` scores the file.\nThe last "
        "four are Bayesian optimisation: after 10 random architectures, Gaussian processes (Matern 5/2 on the one-hot choices, a length a "
        "decision, noise, by maximum likelihood) choose among all rows of the table. At most 4096 evaluations.\nIn a space too large for a "
        "table, "
        "--error, --predictor and --device say objectives of any architecture. Bayesian optimisation then breeds what it chooses among; "
        "macs, naswot and synflow need a table.",
    .operand_name = fnas_rival_name,
    .operand_summary = fnas_rival_summary,
    .example = "fleetnas rival nsga2 --space nb201 --truth architectures.csv latency_ms.csv --accuracy-column cifar10_test_accuracy_pct "
               "--column latency_ms=pixel3 --evaluations 100 -o nsga2.csv",
    .options = rival_options,
    .values_size = sizeof(rival_values),
    .run = rival_run,
};
