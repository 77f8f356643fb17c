#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "verbs.h"

#define VERB "score"

typedef struct score_values {
    cli_common common;
    const char *space, *accuracy_column, *error_column;
    cli_texts truth, columns, fronts;
    bool json;
} score_values;

#define AT(member) offsetof(score_values, member)

static const cli_option score_options[] = {
    {"space", 0, CLI_TEXT, AT(space), "SPACE", "search space of the architectures", true},
    {"truth", 0, CLI_TEXTS, AT(truth), "TABLE.csv...", "truth tables, joined by arch, or by arch_index through one that has both", true},
    {"accuracy-column", 0, CLI_TEXT, AT(accuracy_column), "COL", "accuracy in %: the error is 100 less it", false},
    {"error-column", 0, CLI_TEXT, AT(error_column), "COL", "error in % [error_pct]", false},
    {"column", 0, CLI_REPEATED, AT(columns), "OBJECTIVE=COL", "another objective: latency_ms=pixel3; repeatable", true},
    {"front", 0, CLI_TEXTS, AT(fronts), "FRONT.csv|.json...", "fronts, one a file", true},
    CLI_OPTION_JSON(score_values),
    CLI_OPTIONS_END,
};

/* ---- --column ---- */

typedef struct score_costs {
    char *names[FNAS_TRUTH_OBJECTIVES_MAX]; /* owned */
    const char *columns[FNAS_TRUTH_OBJECTIVES_MAX];
    int64_t count;
} score_costs;

static fnas_status score_add_cost(const char *word, score_costs *costs) {
    static const char *const known[] = {"latency_ms", "energy_mj", "macs", "params"};
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : 0;
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strlen(known[i]) == length && !strncmp(known[i], word, length);
    if (!found || !equals[1])
        return cli_fail(VERB, FNAS_ERR_USAGE, "--column %s: write OBJECTIVE=COLUMN with latency_ms, energy_mj, macs or params", word);
    if (costs->count == FNAS_TRUTH_OBJECTIVES_MAX) return cli_fail(VERB, FNAS_ERR_USAGE, "--column: too many objectives");
    for (int64_t i = 0; i < costs->count; i++)
        if (strlen(costs->names[i]) == length && !strncmp(costs->names[i], word, length))
            return cli_fail(VERB, FNAS_ERR_USAGE, "--column %s: this objective is given twice; a front is of one device", word);
    costs->names[costs->count] = strndup(word, length);
    if (!costs->names[costs->count]) return cli_fail(VERB, FNAS_ERR_MEMORY, "out of memory");
    costs->columns[costs->count++] = equals + 1;
    return FNAS_OK;
}

static void score_free_costs(score_costs *costs) {
    for (int64_t i = 0; i < costs->count; i++) free(costs->names[i]);
}

/* ---- results ---- */

static void score_print_head(void) {
    printf("%8s %7s %7s %8s %7s %7s %7s %7s %8s %7s %6s %6s %8s  %s\n", "volume", "true", "ratio", "gd", "gd+", "igd", "igd+", "epsilon",
           "r2", "points", "front", "given", "dropped", "file");
}

static void score_print(const char *path, const fnas_truth_score *score) {
    const fnas_indicators *i = &score->indicators;
    printf("%8.5f %7.5f %7.5f %8.5f %7.5f %7.5f %7.5f %7.5f %8.5f %7lld %6lld %6lld %8lld  %s\n", score->hypervolume,
           score->true_hypervolume, score->ratio, i->gd, i->gd_plus, i->igd, i->igd_plus, i->epsilon, i->r2, (long long)score->front_count,
           (long long)score->true_front_count, (long long)score->given, (long long)score->dropped, path);
}

static void score_write_json(cli_json *json, const char *path, const fnas_truth_score *score) {
    const fnas_indicators *i = &score->indicators;
    cli_json_object(json, NULL);
    cli_json_text(json, "front", path);
    cli_json_number(json, "hypervolume", score->hypervolume);
    cli_json_number(json, "true_hypervolume", score->true_hypervolume);
    cli_json_number(json, "ratio", score->ratio);
    cli_json_number(json, "gd", i->gd);
    cli_json_number(json, "gd_plus", i->gd_plus);
    cli_json_number(json, "igd", i->igd);
    cli_json_number(json, "igd_plus", i->igd_plus);
    cli_json_number(json, "epsilon", i->epsilon);
    cli_json_number(json, "r2", i->r2);
    cli_json_integer(json, "points", score->front_count);
    cli_json_integer(json, "true_front_points", score->true_front_count);
    cli_json_integer(json, "given", score->given);
    cli_json_integer(json, "dropped", score->dropped);
    cli_json_end(json, '}');
}

static fnas_status score_file(fnas_context *context, const fnas_space *space, const fnas_truth *truth, const char *path,
                              fnas_truth_score *score) {
    int64_t count;
    int32_t *choices;
    fnas_status status = fnas_truth_read_front(context, space, path, &count, &choices);
    if (status == FNAS_OK) status = fnas_truth_score_front(context, truth, count, choices, score);
    fnas_truth_free_choices(choices);
    return status;
}

static fnas_status score_files(fnas_context *context, const fnas_space *space, const fnas_truth *truth, const score_values *values) {
    fnas_truth_score *scores = calloc((size_t)values->fronts.count, sizeof *scores);
    fnas_status status = scores ? FNAS_OK : cli_fail(VERB, FNAS_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < values->fronts.count && status == FNAS_OK; i++)
        status = score_file(context, space, truth, values->fronts.items[i], &scores[i]);
    if (status == FNAS_OK && values->json) {
        cli_json json = {.file = stdout};
        cli_json_array(&json, NULL);
        for (int64_t i = 0; i < values->fronts.count; i++) score_write_json(&json, values->fronts.items[i], &scores[i]);
        cli_json_end(&json, ']');
    } else if (status == FNAS_OK) {
        score_print_head();
        for (int64_t i = 0; i < values->fronts.count; i++) score_print(values->fronts.items[i], &scores[i]);
    }
    free(scores);
    return status;
}

/* ---- */

static fnas_status score_run(fnas_context *context, void *untyped) {
    const score_values *values = untyped;
    score_costs costs = {.count = 0};
    fnas_space *space = NULL;
    fnas_truth *truth = NULL;
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < values->columns.count && status == FNAS_OK; i++) status = score_add_cost(values->columns.items[i], &costs);
    if (status == FNAS_OK) status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK) {
        const fnas_truth_options options = {.table_count = values->truth.count,
                                            .tables = values->truth.items,
                                            .accuracy_column = values->accuracy_column,
                                            .error_column = values->error_column,
                                            .cost_count = costs.count,
                                            .costs = (const char *const *)costs.names,
                                            .columns = costs.columns};
        status = fnas_truth_open(context, space, &options, &truth);
    }
    if (status == FNAS_OK) status = score_files(context, space, truth, values);
    fnas_truth_free(truth);
    fnas_space_close(space);
    score_free_costs(&costs);
    return status;
}

const cli_verb cli_score = {
    .name = "score",
    .summary = "score fronts against tables in which every architecture is known",
    .operands = "",
    .details =
        "Coordinates are min-max normalised over the architectures with errors under 90 %, the reference point is 1 everywhere; points of "
        "a "
        "front\n"
        "with 90 % and more are dropped and counted. Prints the hypervolume, that of the true front, their ratio; generational distances "
        "gd, gd+,\n"
        "igd, igd+, the additive epsilon and r2 (the less, the better); docs/hypervolume.md cites their papers. A table's accuracy is for "
        "scoring:\n"
        "no search reads it.",
    .example = "fleetnas score --space nb201 --truth architectures.csv latency_ms.csv --accuracy-column cifar10_test_accuracy_pct --column "
               "latency_ms=pixel3 --front pixel3.json",
    .options = score_options,
    .values_size = sizeof(score_values),
    .run = score_run,
};
