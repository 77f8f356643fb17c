#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goals.h"
#include "inputs.h"
#include "output.h"
#include "verbs.h"

typedef struct pick_values {
    cli_common common;
    const char *device, *prefer, *data;
    cli_texts limits;
    int64_t threads;
    bool json;
} pick_values;

#define AT(member) offsetof(pick_values, member)
#define SWEEP_POINTS 40000 /* more than are looked at for a front: none that satisfies the limits is left out of the choice */

static const cli_option pick_options[] = {
    {"device", 0, CLI_TEXT, AT(device), "CARD.json", "the device, searched or never seen", true},
    {"prefer", 0, CLI_TEXT, AT(prefer), "OBJECTIVE=WEIGHT,...", "weights that sum to one: error=0.7,latency_ms=0.3", false},
    {"max", 0, CLI_REPEATED, AT(limits), "OBJECTIVE=VALUE", "upper limit: latency_ms=5; repeatable", false},
    CLI_OPTION_JSON(pick_values),
    CLI_OPTION_DATA(pick_values, "where the data set lies now, for --max [where the search found it]"),
    CLI_OPTION_THREADS(pick_values),
    CLI_OPTIONS_END,
};

/* What is asked, by objective of the run. */
typedef struct pick_question {
    cli_objectives objectives;
    bool has_preference, limited[CLI_OBJECTIVES_MOST];
    double preference[CLI_OBJECTIVES_MOST], limits[CLI_OBJECTIVES_MOST];
} pick_question;

/* The answer: an architecture and what is known of it; NaN where an objective was not scored. */
typedef struct pick_answer {
    const char *device;
    char arch[FNAS_ARCH_TEXT_BYTES];
    int64_t objective_count, macs, params;
    bool connected, has_counts; /* macs and params are known */
    fnas_front_objective objectives[CLI_OBJECTIVES_MOST];
    double values[CLI_OBJECTIVES_MOST], preference[CLI_OBJECTIVES_MOST];
    double low_ms, high_ms; /* 90 % interval of the latency; infinite where unknown */
} pick_answer;

static void pick_describe(const fnas_space *space, const int32_t *choices, const fnas_front *front, pick_answer *answer) {
    answer->device = fnas_front_device(front);
    answer->objective_count = fnas_front_objective_count(front);
    for (int64_t o = 0; o < answer->objective_count; o++) answer->objectives[o] = fnas_front_objective_at(front, o);
    answer->connected = fnas_space_connected(space, choices);
    answer->has_counts = fnas_space_has_counts(space);
    answer->macs = fnas_space_macs(space, choices);
    answer->params = fnas_space_params(space, choices);
}

static void pick_print(const pick_answer *answer) {
    printf("%s\n  %-12s %s\n", answer->device, "architecture", answer->arch);
    for (int64_t o = 0; o < answer->objective_count; o++) {
        const fnas_front_objective *objective = &answer->objectives[o];
        if (!isfinite(answer->values[o])) continue;
        printf("  %-12s %.6g%s%s (%s", objective->name, answer->values[o], *objective->unit ? " " : "", objective->unit, objective->source);
        if (!strcmp(objective->name, "latency_ms") && isfinite(answer->high_ms))
            printf("; 90 %% interval %.4g to %.4g", answer->low_ms, answer->high_ms);
        printf(")\n");
    }
    if (answer->has_counts)
        printf("  %-12s %lld\n  %-12s %lld\n", "MACs", (long long)answer->macs, "parameters", (long long)answer->params);
}

static void pick_print_json(const pick_answer *answer) {
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "device", answer->device);
    cli_json_text(&json, "arch", answer->arch);
    cli_json_array(&json, "objectives");
    for (int64_t o = 0; o < answer->objective_count; o++) {
        cli_json_object(&json, NULL);
        cli_json_text(&json, "name", answer->objectives[o].name);
        cli_json_text(&json, "unit", answer->objectives[o].unit);
        cli_json_text(&json, "source", answer->objectives[o].source);
        cli_json_end(&json, '}');
    }
    cli_json_end(&json, ']');
    cli_json_array(&json, "preference");
    for (int64_t o = 0; o < answer->objective_count; o++) cli_json_number(&json, NULL, answer->preference[o]);
    cli_json_end(&json, ']');
    cli_json_array(&json, "values");
    for (int64_t o = 0; o < answer->objective_count; o++) cli_json_number(&json, NULL, answer->values[o]);
    cli_json_end(&json, ']');
    if (answer->has_counts) {
        cli_json_integer(&json, "macs", answer->macs);
        cli_json_integer(&json, "params", answer->params);
    }
    if (isfinite(answer->high_ms)) {
        cli_json_array(&json, "latency_ms_interval90");
        cli_json_number(&json, NULL, answer->low_ms);
        cli_json_number(&json, NULL, answer->high_ms);
        cli_json_end(&json, ']');
    }
    cli_json_flag(&json, "connected", answer->connected);
    cli_json_end(&json, '}');
}

/* A point of a front, which may be freed then. */
static void pick_take(const cli_query *query, const fnas_front *front, int64_t point, pick_answer *answer) {
    pick_describe(fnas_run_space(query->run), fnas_front_choices(front, point), front, answer);
    answer->device = fnas_card_get(query->cards[0]).name;
    snprintf(answer->arch, sizeof answer->arch, "%s", fnas_front_arch(front, point));
    memcpy(answer->values, fnas_front_values(front, point), (size_t)answer->objective_count * sizeof(double));
    memcpy(answer->preference, fnas_front_preference(front, point), (size_t)answer->objective_count * sizeof(double));
    fnas_front_latency_interval(front, point, &answer->low_ms, &answer->high_ms);
}

/* ---- by preference alone: one decode. Where no supernet scores errors they cost nothing, and are told ---- */

static fnas_status pick_by_preference(fnas_context *context, const cli_query *query, const pick_question *question, pick_answer *answer) {
    fnas_front_options options = {
        .points = 1, .score_error = !fnas_run_has_supernet(query->run), .constant_preference = question->preference};
    fnas_front *front = NULL;
    fnas_status status = fnas_run_front(context, query->run, query->cards[0], &options, &front);
    if (status != FNAS_OK) return status;
    pick_take(query, front, 0, answer);
    fnas_front_free(front);
    return FNAS_OK;
}

/* ---- under limits: the best of a sweep ---- */

static bool pick_satisfies(const pick_question *question, const double *values) {
    for (int64_t o = 0; o < question->objectives.count; o++) {
        if (question->limited[o] && !(values[o] <= question->limits[o])) return false;
    }
    return true;
}

/* Without a preference the error alone counts (the first objective where there is none). */
static void pick_weights(const pick_question *question, double *weights) {
    int64_t error = 0;
    for (int64_t o = 0; o < question->objectives.count; o++) {
        weights[o] = question->has_preference ? question->preference[o] : 0;
        if (!strcmp(question->objectives.names[o], "error")) error = o;
    }
    if (!question->has_preference) weights[error] = 1;
}

/* Weighted sum of the values, each min-max normalised over the front: units must not weigh. */
static double pick_merit(const fnas_front *front, const double *weights, int64_t point) {
    double merit = 0;
    for (int64_t o = 0; o < fnas_front_objective_count(front); o++) {
        if (weights[o] <= 0) continue;
        double least = INFINITY, most = -INFINITY;
        for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
            least = fmin(least, fnas_front_values(front, p)[o]);
            most = fmax(most, fnas_front_values(front, p)[o]);
        }
        if (most > least) merit += weights[o] * (fnas_front_values(front, point)[o] - least) / (most - least);
    }
    return merit;
}

static int64_t pick_best(const fnas_front *front, const pick_question *question) {
    double weights[CLI_OBJECTIVES_MOST], best_merit = INFINITY;
    int64_t best = -1;
    pick_weights(question, weights);
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        double merit = pick_merit(front, weights, p);
        if (!pick_satisfies(question, fnas_front_values(front, p)) || merit >= best_merit) continue;
        best_merit = merit;
        best = p;
    }
    return best;
}

static fnas_status pick_fail_infeasible(const fnas_front *front, const pick_question *question) {
    char text[1024];
    int used = snprintf(text, sizeof text,
                        "no architecture of this run satisfies the limits on %s. Smallest that it reaches:", fnas_front_device(front));
    const char *separator = "";
    for (int64_t o = 0; o < question->objectives.count; o++) {
        if (!question->limited[o]) continue;
        double least = INFINITY;
        for (int64_t p = 0; p < fnas_front_point_count(front); p++) least = fmin(least, fnas_front_values(front, p)[o]);
        if (used < (int)sizeof text)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s %s %.6g (the limit is %.6g)", separator,
                             question->objectives.names[o], least, question->limits[o]);
        separator = ",";
    }
    return cli_fail("pick", FNAS_ERR_INFEASIBLE, "%s. Raise a limit", text);
}

static fnas_status pick_by_limits(fnas_context *context, const cli_query *query, const pick_question *question, const char *data,
                                  pick_answer *answer) {
    fnas_front_options options = {.points = SWEEP_POINTS, .score_error = true, .data = data};
    fnas_front *front = NULL;
    fnas_status status = fnas_run_front(context, query->run, query->cards[0], &options, &front);
    if (status != FNAS_OK) return status;
    int64_t best = pick_best(front, question);
    if (best < 0) {
        status = pick_fail_infeasible(front, question);
    } else {
        pick_take(query, front, best, answer);
    }
    fnas_front_free(front);
    return status;
}

/* ---- the verb ---- */

static fnas_status pick_read_question(const pick_values *values, const fnas_front *sketch, pick_question *question) {
    *question = (pick_question){.objectives = cli_objectives_of(sketch), .has_preference = values->prefer != NULL};
    fnas_status status = FNAS_OK;
    if (values->prefer) status = cli_preference_read("pick", values->prefer, &question->objectives, question->preference);
    for (int64_t i = 0; i < values->limits.count && status == FNAS_OK; i++) {
        status = cli_goals_read("pick", "max", values->limits.items[i], &question->objectives, question->limits, question->limited);
    }
    return status;
}

/* `sketch` is a front without errors, which takes milliseconds: it says what the run's objectives are. */
static fnas_status pick_answer_question(fnas_context *context, const pick_values *values, const cli_query *query,
                                        const fnas_front *sketch) {
    pick_question question;
    pick_answer answer;
    fnas_status status = pick_read_question(values, sketch, &question);
    if (status != FNAS_OK) return status;
    status = values->limits.count ? pick_by_limits(context, query, &question, values->data, &answer)
                                  : pick_by_preference(context, query, &question, &answer);
    if (status != FNAS_OK) return status;
    for (int64_t o = 0; o < answer.objective_count; o++) answer.objectives[o] = fnas_front_objective_at(sketch, o);
    if (!answer.connected)
        cli_warn("pick", "nothing leads from this network's input to its output, it can only guess: give error more weight, or use --max");
    if (values->json)
        pick_print_json(&answer);
    else
        pick_print(&answer);
    return FNAS_OK;
}

static fnas_status pick_run(fnas_context *context, void *untyped) {
    pick_values *values = untyped;
    if (!values->prefer && !values->limits.count) {
        return cli_fail("pick", FNAS_ERR_USAGE, "say what you want: --prefer error=0.7,latency_ms=0.3 or --max latency_ms=5");
    }
    if (values->data && !values->limits.count) return cli_fail("pick", FNAS_ERR_USAGE, "--data has no use without --max: leave it out");
    fnas_context_set_threads(context, values->threads);
    const cli_texts cards = {.items = &values->device, .count = 1};
    fnas_front_options options = {.points = 1};
    cli_query query;
    fnas_front *sketch = NULL;
    fnas_status status = cli_query_open(context, "pick", values->common.operands.items[0], &cards, &query);
    if (status == FNAS_OK) status = fnas_run_front(context, query.run, query.cards[0], &options, &sketch);
    if (status == FNAS_OK) status = pick_answer_question(context, values, &query, sketch);
    if (sketch) fnas_front_free(sketch);
    cli_query_close(&query);
    return status;
}

const cli_verb cli_pick = {
    .name = "pick",
    .summary = "one architecture for a device, by preference or under limits",
    .operands = "RUN",
    .operands_least = 1,
    .operands_most = 1,
    .details = "With --prefer alone, asks the hypernetwork once (milliseconds; the error is not scored, so that the answer may be a "
               "network that can only guess: a warning and \"connected\": false say so). With --max, sweeps the preferences, scores the "
               "architectures and takes the one of lowest error within the limits; with --prefer as well, the one of the lowest weighted "
               "sum of values, each normalised over the front. Exit code 5 when none satisfies the limits.",
    .example = "fleetnas pick run --device devices/phone.json --max latency_ms=5",
    .options = pick_options,
    .values_size = sizeof(pick_values),
    .run = pick_run,
};
