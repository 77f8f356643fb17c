#include "goals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SUM_TOLERANCE 1e-6

cli_objectives cli_objectives_of(const fnas_front *front) {
    cli_objectives objectives = {0};
    int64_t count = fnas_front_objective_count(front);
    for (int64_t o = 0; o < count && o < CLI_OBJECTIVES_MOST; o++)
        objectives.names[objectives.count++] = fnas_front_objective_at(front, o).name;
    return objectives;
}

static const char *cli_objective_at(const void *state, int64_t index) {
    const cli_objectives *objectives = state;
    return index < objectives->count ? objectives->names[index] : NULL;
}

static void cli_list_objectives(const cli_objectives *objectives, char *text, size_t size) {
    int used = 0;
    *text = 0;
    for (int64_t o = 0; o < objectives->count && used >= 0 && (size_t)used < size; o++) {
        used += snprintf(text + used, size - (size_t)used, "%s%s", o ? ", " : "", objectives->names[o]);
    }
}

static fnas_status cli_fail_objective(const char *verb, const char *option, const char *name, const cli_objectives *objectives) {
    char list[512];
    cli_list_objectives(objectives, list, sizeof list);
    if (strcmp(name, "bleu") == 0)
        return cli_fail(verb, FNAS_ERR_USAGE,
                        "--%s: BLEU is no objective of a search (the run has %s): where networks translate, `fleetnas bleu` scores them",
                        option, list);
    const char *near = cli_suggest(name, cli_objective_at, objectives);
    if (near)
        return cli_fail(verb, FNAS_ERR_USAGE, "--%s: unknown objective \"%s\": did you mean %s? The run has %s", option, name, near, list);
    return cli_fail(verb, FNAS_ERR_USAGE, "--%s: unknown objective \"%s\": the run has %s", option, name, list);
}

static fnas_status cli_goal_read(const char *verb, const char *option, char *item, const cli_objectives *objectives, double *values,
                                 bool *given) {
    char *equals = strchr(item, '=');
    if (!equals) return cli_fail(verb, FNAS_ERR_USAGE, "--%s: \"%s\" must be OBJECTIVE=NUMBER", option, item);
    *equals = 0;
    int64_t o = 0;
    while (o < objectives->count && strcmp(objectives->names[o], item) != 0) o++;
    if (o == objectives->count) return cli_fail_objective(verb, option, item, objectives);
    if (given[o]) return cli_fail(verb, FNAS_ERR_USAGE, "--%s: %s is given twice", option, item);
    given[o] = true;
    if (!cli_parse_real(equals + 1, &values[o]) || values[o] < 0) {
        return cli_fail(verb, FNAS_ERR_USAGE, "--%s: %s=%s: must be a number, 0 or more", option, item, equals + 1);
    }
    return FNAS_OK;
}

fnas_status cli_goals_read(const char *verb, const char *option, const char *text, const cli_objectives *objectives, double *values,
                           bool *given) {
    char copy[1024];
    if (strlen(text) >= sizeof copy) return cli_fail(verb, FNAS_ERR_USAGE, "--%s: longer than %zu characters", option, sizeof copy - 1);
    snprintf(copy, sizeof copy, "%s", text);
    for (char *item = copy, *next; item; item = next) {
        next = strchr(item, ',');
        if (next) *next++ = 0;
        fnas_status status = cli_goal_read(verb, option, item, objectives, values, given);
        if (status != FNAS_OK) return status;
    }
    return FNAS_OK;
}

fnas_status cli_preference_read(const char *verb, const char *text, const cli_objectives *objectives, double *preference) {
    bool given[CLI_OBJECTIVES_MOST] = {false};
    for (int64_t o = 0; o < objectives->count; o++) preference[o] = 0;
    fnas_status status = cli_goals_read(verb, "prefer", text, objectives, preference, given);
    if (status != FNAS_OK) return status;
    double sum = 0;
    for (int64_t o = 0; o < objectives->count; o++) sum += preference[o];
    if (fabs(sum - 1) > SUM_TOLERANCE)
        return cli_fail(verb, FNAS_ERR_USAGE, "--prefer %s: the weights sum to %.7g and must sum to 1", text, sum);
    return FNAS_OK;
}
