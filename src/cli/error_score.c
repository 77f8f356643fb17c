#include <stdio.h>

#include "inputs.h"
#include "output.h"
#include "runs.h"
#include "verbs.h"

#define VERB "error score"

typedef struct score_values {
    cli_common common;
    const char *data, *output;
    int64_t images, threads;
    bool json;
} score_values;

#define AT(member) offsetof(score_values, member)

static const cli_option score_options[] = {
    {"output", 'o', CLI_OUTPUT, AT(output), "ERRORS.csv", "where the table goes", true},
    CLI_OPTION_DATA(score_values, "where the data set lies now [where the search found it]"),
    {"images", 0, CLI_COUNT, AT(images), "N", "of the validation split [as many as the run scores by]", false},
    CLI_OPTION_THREADS(score_values),
    CLI_OPTION_JSON(score_values),
    CLI_OPTIONS_END,
};

static void print_summary(const score_values *values, int64_t scored) {
    if (!values->json) {
        printf("%s: errors of %lld architectures that differ, by the shared weights of %s\n", values->output, (long long)scored,
               values->common.operands.items[0]);
        return;
    }
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "errors", values->output);
    cli_json_integer(&json, "architectures", scored);
    cli_json_end(&json, '}');
}

static fnas_status score_run(fnas_context *context, void *untyped) {
    const score_values *values = untyped;
    fnas_run *run = NULL;
    int64_t scored = 0;
    fnas_context_set_threads(context, values->threads);
    fnas_status status = fnas_run_open(context, values->common.operands.items[0], &run);
    if (status == FNAS_OK) status = fnas_run_write_errors(context, run, values->data, values->images, values->output, &scored);
    if (status == FNAS_OK) print_summary(values, scored);
    if (run) fnas_run_close(run);
    if (status == FNAS_INTERRUPTED) return cli_fail(VERB, status, "interrupted: most of what was scored is kept; the same command goes on");
    return status;
}

const cli_verb cli_error_score = {
    .name = "error score",
    .summary = "the errors of a whole small space by a run's shared weights",
    .operands = "RUN",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details = "A table of all architectures (at most 20,000): the error and the cross entropy on images of the validation split, each "
               "network's batch statistics recalibrated. It shows how well shared weights order architectures: `error eval ERRORS.csv "
               "--estimated-column cross_entropy` compares it with true errors, and it serves other searches: `search --error "
               "table:ERRORS.csv:error_pct`. Interrupted or killed, the same command goes on.",
    .example = "fleetnas error score run -o errors.csv",
    .options = score_options,
    .values_size = sizeof(score_values),
    .run = score_run,
};
