#include <stdio.h>

#include "output.h"
#include "truths.h"
#include "verbs.h"

#define VERB "rival"

typedef struct rival_values {
    cli_common common;
    cli_truth_values truth;
    const char *output;
    int64_t evaluations, points;
    uint64_t seed;
    bool json;
} rival_values;

#define AT(member) offsetof(rival_values, member)

static const cli_option rival_options[] = {
    CLI_OPTIONS_TRUTH(rival_values, truth),
    {"evaluations", 0, CLI_COUNT, AT(evaluations), "N", "distinct architectures whose objectives are looked up", true},
    {"output", 'o', CLI_TEXT, AT(output), "FRONT.csv", "where the front goes", true},
    {"points", 0, CLI_COUNT, AT(points), "N", "architectures of the front at most, best first by hypervolume contribution [24]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of its random draws [0]", false},
    CLI_OPTION_JSON(rival_values),
    CLI_OPTIONS_END,
};

static void rival_print(const rival_values *values, const fnas_rival_front *front, const fnas_truth_score *score) {
    if (!values->json) {
        printf("%s: %s, %lld evaluations, %lld architectures, %.5f of the true hypervolume\n", values->output,
               values->common.operands.items[0], (long long)front->evaluations, (long long)front->count, score->ratio);
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
    const fnas_rival_options options = {
        .method = values->common.operands.items[0], .evaluations = values->evaluations, .points = values->points, .seed = values->seed};
    fnas_space *space;
    fnas_truth *truth;
    fnas_rival_front front = {.count = 0};
    fnas_truth_score score;
    fnas_status status = cli_check_output(VERB, values->output);
    if (status != FNAS_OK) return status;
    status = cli_truth_open(context, VERB, &values->truth, &space, &truth);
    if (status == FNAS_OK) status = fnas_rival_run(context, truth, &options, &front);
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
    .summary = "another method's front, on a truth table, at a counted price",
    .operands = "NAME",
    .operands_least = 1,
    .operands_most = 1,
    .details =
        "NAME is one of\n"
        "  random                 random search (Bergstra and Bengio 2012)\n"
        "  local-search           Pareto local search (Paquete et al. 2004), from 10 random architectures\n"
        "  nsga2                  NSGA-II (Deb et al. 2002), a population of 20, uniform crossover\n"
        "  regularised-evolution  ageing evolution (Real et al. 2019) by non-dominated sorting, a population of 100, tournaments of 10\n"
        "  macs                   the front by multiply-accumulates in place of the error; evaluates no more than --points\n"
        "Each distinct architecture costs one evaluation; what is known costs nothing. What guesses (90 % error) is dropped, then what "
        "is\n"
        "dominated, then the least contributors to the hypervolume. What is left is scored as `fleetnas score` scores the file.",
    .example = "fleetnas rival nsga2 --space nb201 --truth architectures.csv latency_ms.csv --accuracy-column cifar10_test_accuracy_pct "
               "--column latency_ms=pixel3 --evaluations 100 -o nsga2.csv",
    .options = rival_options,
    .values_size = sizeof(rival_values),
    .run = rival_run,
};
