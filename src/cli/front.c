#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "asking.h"
#include "files.h"
#include "inputs.h"
#include "output.h"
#include "runs.h"
#include "verbs.h"

typedef struct front_values {
    cli_common common;
    cli_asking asking;
    const char *svg, *plot, *folder;
    cli_texts devices, outputs;
    int64_t threads;
    bool json, csv, no_error;
} front_values;

#define AT(member) offsetof(front_values, member)

static const cli_option front_options[] = {
    {"device", 0, CLI_INPUTS, AT(devices), "CARD.json",
     "the device, searched or never seen: its card's references suffice; several with --folder", true},
    CLI_OPTIONS_FRONT(front_values, asking),
    CLI_OPTION_JSON(front_values),
    {"csv", 0, CLI_FLAG, AT(csv), NULL, "the front as CSV on standard output", false},
    {"svg", 0, CLI_OUTPUT, AT(svg), "FILE", "also write a picture", false},
    {"plot", 0, CLI_CHOICE, AT(plot), "staircase|pairs|parallel",
     "how pictures show it: error over the first other objective, each two objectives, or parallel coordinates [staircase; pairs from "
     "three "
     "objectives on]",
     false},
    {"output", 'o', CLI_OUTPUTS, AT(outputs), "FILE", "also write the front to FILE.json, FILE.csv or FILE.svg; repeatable", false},
    {"folder", 0, CLI_PLACE, AT(folder), "FOLDER", "write each device's front to FOLDER/NAME.json, and to nowhere else", false},
    {"no-error", 0, CLI_FLAG, AT(no_error), NULL,
     "leave the error out: no data set is needed, the answer takes milliseconds, networks that can only guess stay in", false},
    CLI_OPTION_THREADS(front_values),
    CLI_OPTIONS_END,
};

/* What is asked and what came of it, for the functions that write. */
typedef struct front_answer {
    const fnas_run *run;
    const fnas_front *front;
    const char *plot;
} front_answer;

static fnas_status front_save_json(fnas_context *context, const void *user, const char *path) {
    const front_answer *answer = user;
    return fnas_front_write_json(context, answer->run, answer->front, path);
}

static fnas_status front_save_csv(fnas_context *context, const void *user, const char *path) {
    const front_answer *answer = user;
    return fnas_front_write_csv(context, answer->front, path);
}

static fnas_status front_save_svg(fnas_context *context, const void *user, const char *path) {
    const front_answer *answer = user;
    return fnas_front_write_svg(context, answer->front, answer->plot, path);
}

static cli_save_function *front_saver(const char *path) {
    if (cli_has_suffix(path, ".json")) return front_save_json;
    if (cli_has_suffix(path, ".csv")) return front_save_csv;
    if (cli_has_suffix(path, ".svg")) return front_save_svg;
    return NULL;
}

#define COLUMN 12 /* characters of an objective */

/* "latency, ms": what is measured, and in what. */
static void front_print_heading(const fnas_front_objective *objective) {
    char heading[64];
    const char *unit = objective->unit ? objective->unit : "", *end = strrchr(objective->name, '_');
    bool unit_in_name = end && strcasecmp(end + 1, unit) == 0;
    int length = unit_in_name ? (int)(end - objective->name) : (int)strlen(objective->name);
    snprintf(heading, sizeof heading, "%.*s%s%s", length, objective->name, *unit && strcmp(unit, "count") != 0 ? ", " : "",
             strcmp(unit, "count") != 0 ? unit : "");
    printf("  %*s", COLUMN, heading);
}

static double front_largest(const fnas_front *front, int64_t objective) {
    double largest = 0;
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) largest = fmax(largest, fabs(fnas_front_values(front, p)[objective]));
    return largest;
}

static bool front_is_measured(const fnas_front *front, int64_t objective, int64_t point) {
    return !strcmp(fnas_front_source(front, objective, point), "measured");
}

/* What is measured has a mark behind it, where the next column's first blank would stand. Whether there was any. */
static bool front_print_points(const fnas_front *front) {
    bool any = false;
    for (int64_t p = 0; p < fnas_front_point_count(front); p++) {
        printf("%3lld ", (long long)(p + 1));
        for (int64_t o = 0; o < fnas_front_objective_count(front); o++) {
            bool measured = front_is_measured(front, o, p);
            printf(" ");
            cli_print_fixed(COLUMN, cli_decimals(front_largest(front, o), 4), fnas_front_values(front, p)[o]);
            printf("%s", measured ? "*" : " ");
            any |= measured;
        }
        printf(" %s\n", fnas_front_arch(front, p));
    }
    return any;
}

static void front_print(const fnas_front *front, bool scored) {
    int64_t objectives = fnas_front_objective_count(front), points = fnas_front_point_count(front);
    printf("%s: %lld architectures, %s\n%3s", fnas_front_device(front), (long long)points,
           scored ? "best first by hypervolume contribution" : "not scored, fastest first", "");
    for (int64_t o = 0; o < objectives; o++) {
        fnas_front_objective objective = fnas_front_objective_at(front, o);
        front_print_heading(&objective);
    }
    printf("  architecture\n");
    bool any_measured = front_print_points(front);
    if (any_measured) printf("*: measured, as the card has it (--predicted-only: predictions alone)\n");
    printf("Sources:");
    for (int64_t o = 0; o < objectives; o++) {
        fnas_front_objective objective = fnas_front_objective_at(front, o);
        bool known = points && isfinite(fnas_front_values(front, 0)[o]);
        printf("%s %s %s", o ? "," : "", objective.name, known ? objective.source : "not scored");
    }
    printf("\n");
}

/* Without errors the fastest network stands first, and nothing is faster than one that passes no data on. */
static void front_warn_guessing(const front_answer *answer) {
    int64_t points = fnas_front_point_count(answer->front), guessing = 0;
    for (int64_t p = 0; p < points; p++)
        guessing += !fnas_space_connected(fnas_run_space(answer->run), fnas_front_choices(answer->front, p));
    if (guessing)
        cli_warn("front",
                 "in %lld of the %lld networks nothing leads from the input to the output: they can only guess (in JSON: \"connected\": "
                 "false)",
                 (long long)guessing, (long long)points);
}

static fnas_status front_write(fnas_context *context, const front_values *values, const front_answer *answer) {
    fnas_status status = FNAS_OK;
    front_warn_guessing(answer);
    if (values->svg) status = front_save_svg(context, answer, values->svg);
    for (int64_t i = 0; i < values->outputs.count && status == FNAS_OK; i++) {
        const char *path = values->outputs.items[i];
        status = front_saver(path)(context, answer, path);
    }
    if (status != FNAS_OK) return status;
    if (values->json) return cli_save_to_stdout(context, "front", front_save_json, answer);
    if (values->csv) return cli_save_to_stdout(context, "front", front_save_csv, answer);
    front_print(answer->front, !values->no_error);
    return FNAS_OK;
}

static fnas_status front_check(const front_values *values) {
    if (values->folder && (values->json || values->csv || values->svg || values->plot || values->outputs.count))
        return cli_fail("front", FNAS_ERR_USAGE,
                        "--folder writes fronts as JSON alone: leave out --json, --csv, --svg, --plot and --output");
    if (!values->folder && values->devices.count > 1)
        return cli_fail("front", FNAS_ERR_USAGE, "--device names %lld cards: give one, or --folder FOLDER for a front of each",
                        (long long)values->devices.count);
    if (values->json && values->csv)
        return cli_fail("front", FNAS_ERR_USAGE, "--json and --csv both want standard output: write one with --output FILE");
    if (values->no_error && values->asking.data)
        return cli_fail("front", FNAS_ERR_USAGE, "--data has no use with --no-error: leave one out");
    if (values->no_error && (values->asking.fill || values->asking.as_offered))
        return cli_fail("front", FNAS_ERR_USAGE, "--fill and --as-offered are about errors: leave them or --no-error out");
    bool picture = values->svg != NULL;
    for (int64_t i = 0; i < values->outputs.count; i++) {
        const char *path = values->outputs.items[i];
        if (!front_saver(path)) return cli_fail("front", FNAS_ERR_USAGE, "--output %s: the name must end in .json, .csv or .svg", path);
        picture |= cli_has_suffix(path, ".svg");
    }
    if (values->plot && !picture) return cli_fail("front", FNAS_ERR_USAGE, "--plot is about a picture: name its file with --svg FILE");
    if (picture && values->no_error) return cli_fail("front", FNAS_ERR_USAGE, "the picture shows the error: leave out --no-error");
    return FNAS_OK;
}

static fnas_status front_of_one(fnas_context *context, const front_values *values, const cli_query *query,
                                const fnas_front_options *options) {
    fnas_front *front;
    fnas_status status = fnas_run_front(context, query->run, query->cards[0], options, &front);
    if (status != FNAS_OK) return status;
    status = front_write(context, values, &(front_answer){query->run, front, values->plot});
    fnas_front_free(front);
    return status;
}

/* ---- several devices ---- */

#define PATH_BYTES 4096

/* Of a device's front. Names of devices may hold anything. */
static fnas_status front_path(const front_values *values, const cli_query *query, int64_t device, char path[PATH_BYTES]) {
    const char *name = fnas_card_get(query->cards[device]).name;
    if (strchr(name, '/') || name[0] == '.')
        return cli_fail("front", FNAS_ERR_INPUT, "the device \"%s\" gives no file name for --folder: write its front with --output", name);
    for (int64_t other = 0; other < device; other++)
        if (!strcmp(name, fnas_card_get(query->cards[other]).name))
            return cli_fail("front", FNAS_ERR_INPUT, "two cards are of the device \"%s\": their fronts would be one file", name);
    if (snprintf(path, PATH_BYTES, "%s/%s.json", values->folder, name) < PATH_BYTES) return cli_check_overwrites(values, path);
    return cli_fail("front", FNAS_ERR_INPUT, "%s: the path is too long", values->folder);
}

/* Before any work: what the fronts of a folder are called is known only now. */
static fnas_status front_check_paths(const front_values *values, const cli_query *query) {
    char path[PATH_BYTES];
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < query->count && status == FNAS_OK; i++) status = front_path(values, query, i, path);
    return status;
}

static fnas_status front_into_folder(fnas_context *context, const front_values *values, const cli_query *query, int64_t device,
                                     const fnas_front_options *options) {
    char path[PATH_BYTES];
    fnas_front *front;
    fnas_status status = front_path(values, query, device, path);
    if (status == FNAS_OK) status = fnas_run_front(context, query->run, query->cards[device], options, &front);
    if (status != FNAS_OK) return status;
    const front_answer answer = {query->run, front, NULL};
    front_warn_guessing(&answer);
    status = front_save_json(context, &answer, path);
    if (status == FNAS_OK) printf("%s: %lld architectures\n", path, (long long)fnas_front_point_count(front));
    fnas_front_free(front);
    return status;
}

static fnas_status front_of_each(fnas_context *context, const front_values *values, const cli_query *query,
                                 const fnas_front_options *options) {
    fnas_status status = front_check_paths(values, query);
    if (status == FNAS_OK) status = cli_make_folder("front", values->folder);
    for (int64_t i = 0; i < query->count && status == FNAS_OK; i++) status = front_into_folder(context, values, query, i, options);
    return status;
}

static fnas_status front_run(fnas_context *context, void *untyped) {
    front_values *values = untyped;
    fnas_status status = front_check(values);
    if (status != FNAS_OK) return status;
    fnas_context_set_threads(context, values->threads);
    fnas_front_options options = cli_asking_options(&values->asking);
    options.score_error = !values->no_error;
    cli_query query;
    status = cli_query_open(context, "front", values->common.operands.items[0], &values->devices, &query);
    if (status == FNAS_OK) status = (values->folder ? front_of_each : front_of_one)(context, values, &query, &options);
    cli_query_close(&query);
    return status;
}

const cli_verb cli_front = {
    .name = "front",
    .summary = "the best trade-offs of a run for one device",
    .operands = "RUN",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details = "Sweeps the preferences, decodes an architecture for each, scores the distinct ones (error by the shared weights on the "
               "validation split, or from the run's table; latency by the predictor, calibrated on the card's references, or the card's "
               "own measurement) and answers with those that no other beats in everything. With errors of a table all of a small space is "
               "looked at, of a large one what lies near (docs/hypervolume.md).",
    .example = "fleetnas front run --device devices/server.json --svg server.svg -o server.json -o server.csv",
    .options = front_options,
    .values_size = sizeof(front_values),
    .run = front_run,
};
