#include "truths.h"

#include <stdlib.h>
#include <string.h>

/* ---- --column ---- */

typedef struct truth_costs {
    char *names[FNAS_TRUTH_OBJECTIVES_MAX]; /* owned */
    const char *columns[FNAS_TRUTH_OBJECTIVES_MAX];
    int64_t count;
} truth_costs;

static fnas_status truth_add_cost(const char *verb, const char *word, truth_costs *costs) {
    static const char *const known[] = {"latency_ms", "energy_mj", "macs", "params"};
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : 0;
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strlen(known[i]) == length && !strncmp(known[i], word, length);
    if (!found || !equals[1])
        return cli_fail(verb, FNAS_ERR_USAGE, "--column %s: write OBJECTIVE=COLUMN with latency_ms, energy_mj, macs or params", word);
    if (costs->count == FNAS_TRUTH_OBJECTIVES_MAX) return cli_fail(verb, FNAS_ERR_USAGE, "--column: too many objectives");
    for (int64_t i = 0; i < costs->count; i++)
        if (strlen(costs->names[i]) == length && !strncmp(costs->names[i], word, length))
            return cli_fail(verb, FNAS_ERR_USAGE, "--column %s: this objective is given twice; a front is of one device", word);
    costs->names[costs->count] = strndup(word, length);
    if (!costs->names[costs->count]) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
    costs->columns[costs->count++] = equals + 1;
    return FNAS_OK;
}

static void truth_free_costs(truth_costs *costs) {
    for (int64_t i = 0; i < costs->count; i++) free(costs->names[i]);
}

/* ---- opening ---- */

static fnas_status truth_read(fnas_context *context, const cli_truth_values *values, const truth_costs *costs, const fnas_space *space,
                              fnas_truth **truth) {
    const fnas_truth_options options = {.table_count = values->truth.count,
                                        .tables = values->truth.items,
                                        .accuracy_column = values->accuracy_column,
                                        .error_column = values->error_column,
                                        .cost_count = costs->count,
                                        .costs = (const char *const *)costs->names,
                                        .columns = costs->columns,
                                        .partial = values->partial};
    return fnas_truth_open(context, space, &options, truth);
}

static fnas_status truth_open_tables(fnas_context *context, const char *verb, const cli_truth_values *values, fnas_space **space,
                                     fnas_truth **truth) {
    truth_costs costs = {.count = 0};
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < values->columns.count && status == FNAS_OK; i++)
        status = truth_add_cost(verb, values->columns.items[i], &costs);
    if (status == FNAS_OK) status = fnas_space_open(context, values->space, space);
    if (status == FNAS_OK) status = truth_read(context, values, &costs, *space, truth);
    truth_free_costs(&costs);
    return status;
}

static fnas_status truth_open_models(fnas_context *context, const cli_truth_values *values, fnas_space **space, fnas_truth **truth) {
    const fnas_models_options options = {.error = values->error, .predictor = values->predictor, .device = values->device};
    fnas_status status = fnas_space_open(context, values->space, space);
    return status == FNAS_OK ? fnas_truth_open_models(context, *space, &options, truth) : status;
}

/* Tables with their columns, or models: all that belongs to one, and nothing of the other. */
static fnas_status truth_check(const char *verb, const cli_truth_values *values) {
    bool wants_tables = values->truth.count || values->columns.count || values->accuracy_column || values->error_column || values->partial;
    bool wants_models = values->error || values->predictor || values->device;
    if (wants_tables && wants_models)
        return cli_fail(verb, FNAS_ERR_USAGE,
                        "objectives are those of tables (--truth, --column) or of models (--error, --predictor, "
                        "--device): give one of the two");
    if (wants_models && !(values->error && values->predictor && values->device))
        return cli_fail(verb, FNAS_ERR_USAGE,
                        "objectives of models take three options: --error SOURCE --predictor P.safetensors --device "
                        "CARD.json");
    if (wants_models) return FNAS_OK;
    if (!values->truth.count)
        return cli_fail(verb, FNAS_ERR_USAGE, "--truth TABLE.csv is missing, or --error, --predictor and --device in its place");
    return values->columns.count ? FNAS_OK : cli_fail(verb, FNAS_ERR_USAGE, "--column OBJECTIVE=COL is missing");
}

fnas_status cli_truth_open(fnas_context *context, const char *verb, const cli_truth_values *values, fnas_space **space,
                           fnas_truth **truth) {
    *space = NULL;
    *truth = NULL;
    fnas_status status = truth_check(verb, values);
    if (status != FNAS_OK) return status;
    return values->error ? truth_open_models(context, values, space, truth) : truth_open_tables(context, verb, values, space, truth);
}

/* ---- scores ---- */

void cli_truth_print_models(FILE *file, const cli_truth_values *values) {
    fprintf(file, "%s, %s on %s", values->error, values->predictor, values->device);
}

void cli_truth_score_json(cli_json *json, const fnas_truth_score *score) {
    const fnas_indicators *i = &score->indicators;
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
}
