#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "goals.h"
#include "inputs.h"
#include "output.h"
#include "runs.h"
#include "verbs.h"

typedef struct pick_values {
    cli_common common;
    cli_asking asking;
    const char *device, *prefer;
    cli_texts limits;
    int64_t threads;
    bool json;
} pick_values;

#define AT(member) offsetof(pick_values, member)
#define SWEEP_POINTS 40000 /* more than are looked at for a front: none that satisfies the limits is left out of the choice */

static const cli_option pick_options[] = {
    {"device", 0, CLI_INPUT, AT(device), "CARD.json", "the device, searched or never seen", true},
    {"prefer", 0, CLI_TEXT, AT(prefer), "OBJECTIVE=WEIGHT,...", "weights that sum to one: error=0.7,latency_ms=0.3", false},
    {"max", 0, CLI_REPEATED, AT(limits), "OBJECTIVE=VALUE", "upper limit: latency_ms=5; repeatable", false},
    CLI_OPTIONS_ANSWER(pick_values, asking),
    CLI_OPTION_JSON(pick_values),
    {"data", 0, CLI_DATA, AT(asking.data), "DATA", "where the data set lies now, for --max [where the search found it]", false},
    CLI_OPTION_THREADS(pick_values),
    CLI_OPTIONS_END,
};

/* What is asked, by objective of the run. */
typedef struct pick_question {
    cli_objectives objectives;
    bool has_preference, has_limits, limited[CLI_OBJECTIVES_MOST];
    double preference[CLI_OBJECTIVES_MOST], limits[CLI_OBJECTIVES_MOST]; /* infinite where there is none */
} pick_question;

/* The answer: an architecture and what is known of it; NaN where an objective was not scored. */
typedef struct pick_answer {
    const char *device;
    char arch[FNAS_ARCH_TEXT_BYTES];
    int64_t objective_count, macs, params;
    bool connected, has_counts; /* macs and params are known */
    fnas_front_objective objectives[CLI_OBJECTIVES_MOST];
    double values[CLI_OBJECTIVES_MOST], preference[CLI_OBJECTIVES_MOST];
    double low_ms, high_ms;         /* 90 % interval of the latency; infinite where unknown */
    int64_t front_points, feasible; /* of the front that it is chosen from, and those within the limits; 0: the hypernetwork's own answer */
} pick_answer;

/* Of a front, which may be freed then. */
static void pick_take(const cli_query *query, const pick_question *question, const fnas_front *front, int64_t point, pick_answer *answer) {
    const fnas_space *space = fnas_run_space(query->run);
    const int32_t *choices = fnas_front_choices(front, point);
    const double *preference = question->has_preference ? question->preference : fnas_front_preference(front, point);
    *answer = (pick_answer){.device = fnas_card_get(query->cards[0]).name,
                            .objective_count = question->objectives.count,
                            .connected = fnas_space_connected(space, choices),
                            .has_counts = fnas_space_has_counts(space),
                            .macs = fnas_space_macs(space, choices),
                            .params = fnas_space_params(space, choices)};
    snprintf(answer->arch, sizeof answer->arch, "%s", fnas_front_arch(front, point));
    for (int64_t o = 0; o < answer->objective_count; o++) {
        answer->objectives[o] = fnas_front_objective_at(front, o);
        answer->objectives[o].source = fnas_front_source(front, o, point);
        answer->values[o] = fnas_front_values(front, point)[o];
        answer->preference[o] = preference[o];
    }
    fnas_front_latency_interval(front, point, &answer->low_ms, &answer->high_ms);
}

/* ---- what is said of it ---- */

static void pick_print_preference(const pick_answer *answer) {
    const char *separator = " for ";
    for (int64_t o = 0; o < answer->objective_count; o++) {
        if (answer->preference[o] == 0) continue;
        printf("%s%s=%.4g", separator, answer->objectives[o].name, answer->preference[o]);
        separator = ", ";
    }
}

static void pick_print_choice(const pick_answer *answer, const pick_question *question) {
    printf("  %-12s ", "choice");
    if (!answer->front_points)
        printf("the hypernetwork's own, not compared with others,");
    else if (question->has_limits)
        printf("the best of %lld within the limits, of the front's %lld,", (long long)answer->feasible, (long long)answer->front_points);
    else
        printf("the best of the front's %lld", (long long)answer->front_points);
    if (question->has_preference)
        pick_print_preference(answer);
    else
        printf(" by %s", answer->objectives[0].name);
    printf("\n");
}

static void pick_print(const pick_answer *answer, const pick_question *question) {
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
    pick_print_choice(answer, question);
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
    cli_json_text(&json, "choice", answer->front_points ? "front" : "hypernetwork");
    cli_json_flag(&json, "connected", answer->connected);
    cli_json_end(&json, '}');
}

/* ---- asking ---- */

/* The hypernetwork's own answer: one decode. */
static fnas_status pick_decode(fnas_context *context, const cli_query *query, const pick_question *question, fnas_front_options options,
                               pick_answer *answer) {
    fnas_front *front = NULL;
    options.points = 1;
    options.score_error = !fnas_run_has_supernet(query->run); /* where it costs nothing */
    options.constant_preference = question->preference;
    fnas_status status = fnas_run_front(context, query->run, query->cards[0], &options, &front);
    if (status != FNAS_OK) return status;
    pick_take(query, question, front, 0, answer);
    fnas_front_free(front);
    return FNAS_OK;
}

static bool pick_satisfies(const pick_question *question, const double *values) {
    for (int64_t o = 0; o < question->objectives.count; o++) {
        if (question->limited[o] && !(values[o] <= question->limits[o])) return false;
    }
    return true;
}

/* The first that satisfies the limits, -1 where none does; *feasible counts them. */
static int64_t pick_first(const fnas_front *front, const pick_question *question, int64_t *feasible) {
    int64_t first = -1;
    *feasible = 0;
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        if (!pick_satisfies(question, fnas_front_values(front, p))) continue;
        if (first < 0) first = p;
        (*feasible)++;
    }
    return first;
}

/* The least of one objective among the points within all other limits; infinite where there is none. */
static double pick_least(const fnas_front *front, const pick_question *question, int64_t objective) {
    pick_question others = *question;
    others.limited[objective] = false;
    double least = INFINITY;
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        const double *values = fnas_front_values(front, p);
        if (pick_satisfies(&others, values)) least = fmin(least, values[objective]);
    }
    return least;
}

static fnas_status pick_fail_infeasible(const fnas_front *front, const pick_question *question) {
    char text[1024];
    int used = snprintf(text, sizeof text, "no architecture of this run satisfies the limits on %s", fnas_front_device(front));
    const char *separator = ". Smallest that it reaches within the other limits:";
    for (int64_t o = 0; o < question->objectives.count; o++) {
        double least = question->limited[o] ? pick_least(front, question, o) : INFINITY;
        if (isinf(least) || used >= (int)sizeof text) continue;
        used += snprintf(text + used, sizeof text - (size_t)used, "%s %s %.6g (the limit is %.6g)", separator,
                         question->objectives.names[o], least, question->limits[o]);
        separator = ",";
    }
    return cli_fail("pick", FNAS_ERR_INFEASIBLE, "%s. Raise a limit", text);
}

/* The whole front, the best for the preference first: the first within the limits. */
static fnas_status pick_from_front(fnas_context *context, const cli_query *query, const pick_question *question, fnas_front_options options,
                                   pick_answer *answer) {
    const double by_error[CLI_OBJECTIVES_MOST] = {1}; /* a run's first objective */
    fnas_front *front = NULL;
    options.points = SWEEP_POINTS;
    options.prefer = question->has_preference ? question->preference : by_error;
    options.limits = question->has_limits ? question->limits : NULL;
    fnas_status status = fnas_run_front(context, query->run, query->cards[0], &options, &front);
    if (status != FNAS_OK) return status;
    int64_t feasible, best = pick_first(front, question, &feasible);
    if (best < 0) {
        status = pick_fail_infeasible(front, question);
    } else {
        pick_take(query, question, front, best, answer);
        answer->front_points = fnas_front_point_count(front);
        answer->feasible = feasible;
    }
    fnas_front_free(front);
    return status;
}

/* ---- the verb ---- */

static fnas_status pick_read_question(const pick_values *values, const fnas_front *sketch, pick_question *question) {
    *question = (pick_question){
        .objectives = cli_objectives_of(sketch), .has_preference = values->prefer != NULL, .has_limits = values->limits.count > 0};
    fnas_status status = FNAS_OK;
    if (values->prefer) status = cli_preference_read("pick", values->prefer, &question->objectives, question->preference);
    for (int64_t i = 0; i < values->limits.count && status == FNAS_OK; i++) {
        status = cli_goals_read("pick", "max", values->limits.items[i], &question->objectives, question->limits, question->limited);
    }
    for (int64_t o = 0; o < question->objectives.count; o++) {
        if (!question->limited[o]) question->limits[o] = INFINITY;
    }
    return status;
}

/* Errors of shared weights take a data set and seconds: who names no limit does not wait for them. */
static bool pick_decodes(const pick_values *values, const cli_query *query) {
    return !values->limits.count && (values->asking.as_offered || fnas_run_has_supernet(query->run));
}

/* `sketch` is a front without errors, which takes milliseconds: it says what the run's objectives are. */
static fnas_status pick_answer_question(fnas_context *context, const pick_values *values, const cli_query *query,
                                        const fnas_front *sketch) {
    pick_question question;
    pick_answer answer = {0};
    fnas_status status = pick_read_question(values, sketch, &question);
    if (status != FNAS_OK) return status;
    status = (pick_decodes(values, query) ? pick_decode : pick_from_front)(context, query, &question, cli_asking_options(&values->asking),
                                                                           &answer);
    if (status != FNAS_OK) return status;
    if (!answer.connected)
        cli_warn("pick", "nothing leads from this network's input to its output, it can only guess: give error more weight, or use --max");
    if (values->json)
        pick_print_json(&answer);
    else
        pick_print(&answer, &question);
    return FNAS_OK;
}

static fnas_status pick_run(fnas_context *context, void *untyped) {
    pick_values *values = untyped;
    if (!values->prefer && !values->limits.count) {
        return cli_fail("pick", FNAS_ERR_USAGE, "say what you want: --prefer error=0.7,latency_ms=0.3 or --max latency_ms=5");
    }
    if (values->asking.data && !values->limits.count)
        return cli_fail("pick", FNAS_ERR_USAGE, "--data has no use without --max: leave it out");
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
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details = "Where errors come from a table or a surrogate they cost nothing: answers with the architecture of the device's whole front "
               "(docs/hypervolume.md) that is best for --prefer, by the scalarisation that the run was searched with, and within --max; "
               "--as-offered: with the hypernetwork's own answer.\nWhere errors come from shared weights, --prefer alone is answered by "
               "the hypernetwork (milliseconds; the error is not scored, so that the answer may be a network that can only guess: a "
               "warning and \"connected\": false say so). With --max, the architectures that it offers are scored as for a front.\nWithout "
               "--prefer the least error within the limits counts. Exit code 5 when none satisfies them. What the answer was chosen from "
               "stands in its last line, in JSON as \"choice\".",
    .example = "fleetnas pick run --device devices/phone.json --max latency_ms=5",
    .options = pick_options,
    .values_size = sizeof(pick_values),
    .run = pick_run,
};
