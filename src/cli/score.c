#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "truths.h"
#include "verbs.h"

#define VERB "score"
#define POINTS_MOST 24 /* of a front, where objectives are computed */

typedef struct score_values {
    cli_common common;
    cli_truth_values truth;
    cli_texts fronts;
    bool json;
} score_values;

#define AT(member) offsetof(score_values, member)

static const cli_option score_options[] = {
    CLI_OPTIONS_TRUTH(score_values, truth, false),
    CLI_OPTIONS_MODELS(score_values, truth),
    {"front", 0, CLI_INPUTS, AT(fronts), "FRONT.csv|.json", "fronts, one a file", true},
    CLI_OPTION_JSON(score_values),
    CLI_OPTIONS_END,
};

/* ---- results ---- */

static void score_print_head(void) {
    printf("%8s %8s %8s %8s %8s %8s %8s %8s %8s %7s %6s %6s %8s  %s\n", "volume", "true", "ratio", "gd", "gd+", "igd", "igd+", "epsilon",
           "r2", "points", "front", "given", "dropped", "file");
}

static void score_print(const char *path, const fnas_truth_score *score) {
    const fnas_indicators *i = &score->indicators;
    const double values[] = {
        score->hypervolume, score->true_hypervolume, score->ratio, i->gd, i->gd_plus, i->igd, i->igd_plus, i->epsilon, i->r2};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        if (isfinite(values[k]))
            printf("%s%8.5f", k ? " " : "", values[k]);
        else
            printf("%s%8s", k ? " " : "", "-");
    }
    printf(" %7lld %6lld %6lld %8lld  %s\n", (long long)score->front_count, (long long)score->true_front_count, (long long)score->given,
           (long long)score->dropped, path);
    if (!score->front_count) cli_warn(VERB, "%s: no architecture with an error under 90 %%: there is nothing to score", path);
}

static void score_write_json(cli_json *json, const char *path, const fnas_truth_score *score) {
    cli_json_object(json, NULL);
    cli_json_text(json, "front", path);
    cli_truth_score_json(json, score);
    cli_json_end(json, '}');
}

/* The architectures of a file. */
typedef struct score_front {
    int64_t count;
    int32_t *choices;
    fnas_truth_score score;
} score_front;

/* Where no table bounds what a front can have, more points are more hypervolume. */
static fnas_status score_check_points(const char *path, int64_t count) {
    if (count <= POINTS_MOST) return FNAS_OK;
    return cli_fail(VERB, FNAS_ERR_INPUT, "%s has %lld architectures: fronts of at most %d are compared: choose the best (--points)", path,
                    (long long)count, POINTS_MOST);
}

static fnas_status score_read(fnas_context *context, const fnas_space *space, fnas_truth *truth, const char *path, score_front *front) {
    fnas_status status = fnas_truth_read_front(context, space, path, &front->count, &front->choices);
    if (status == FNAS_OK && fnas_truth_is_computed(truth)) status = score_check_points(path, front->count);
    return status == FNAS_OK ? fnas_truth_join(context, truth, front->count, front->choices) : status;
}

static void score_show(const score_values *values, const score_front *fronts) {
    cli_json json = {.file = stdout};
    if (values->json) {
        cli_json_array(&json, NULL);
        for (int64_t i = 0; i < values->fronts.count; i++) score_write_json(&json, values->fronts.items[i], &fronts[i].score);
        cli_json_end(&json, ']');
        return;
    }
    score_print_head();
    for (int64_t i = 0; i < values->fronts.count; i++) score_print(values->fronts.items[i], &fronts[i].score);
    if (!values->truth.error) return;
    printf("Objectives are those that models say: ");
    cli_truth_print_models(stdout, &values->truth);
    printf(
        "; on the scale of 1,000 random architectures and these fronts. A front that was chosen by the same models is scored by what chose "
        "it.\n");
}

static fnas_status score_files(fnas_context *context, const fnas_space *space, fnas_truth *truth, const score_values *values) {
    score_front *fronts = calloc((size_t)values->fronts.count, sizeof *fronts);
    fnas_status status = fronts ? FNAS_OK : cli_fail(VERB, FNAS_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < values->fronts.count && status == FNAS_OK; i++)
        status = score_read(context, space, truth, values->fronts.items[i], &fronts[i]);
    for (int64_t i = 0; i < values->fronts.count && status == FNAS_OK; i++)
        status = fnas_truth_score_front(context, truth, fronts[i].count, fronts[i].choices, &fronts[i].score);
    if (status == FNAS_OK) score_show(values, fronts);
    for (int64_t i = 0; fronts && i < values->fronts.count; i++) fnas_truth_free_choices(fronts[i].choices);
    free(fronts);
    return status;
}

/* ---- */

static fnas_status score_run(fnas_context *context, void *untyped) {
    const score_values *values = untyped;
    fnas_space *space;
    fnas_truth *truth;
    fnas_status status = cli_truth_open(context, VERB, &values->truth, &space, &truth);
    if (status == FNAS_OK) status = score_files(context, space, truth, values);
    fnas_truth_free(truth);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_score = {
    .name = "score",
    .summary = "score fronts against tables in which every architecture is known, or by models",
    .operands = "",
    .details =
        "Coordinates are min-max normalised over the architectures with errors under 90 %, the reference point is 1 everywhere; points of "
        "a front with 90 % and more are dropped and counted. Prints the hypervolume, that of the true front, their ratio; generational "
        "distances gd, gd+, igd, igd+, the additive epsilon and r2 (the less, the better); docs/hypervolume.md cites their papers.\nIn a "
        "space too "
        "large for a table, --error, --predictor and --device say the objectives, and there is no true front: the scale is that of 1,000 "
        "fixed random architectures joined with all fronts that are given, each of at most 24 architectures.",
    .example = "fleetnas score --space nb201 --truth architectures.csv latency_ms.csv --accuracy-column cifar10_test_accuracy_pct --column "
               "latency_ms=pixel3 --front pixel3.json",
    .options = score_options,
    .values_size = sizeof(score_values),
    .run = score_run,
};
