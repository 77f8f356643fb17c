#include "runs.h"
#include "verbs.h"

typedef struct resume_values {
    cli_common common;
    const char *data;
    int64_t threads;
} resume_values;

static const cli_option resume_options[] = {
    CLI_OPTION_DATA(resume_values, "where the data set lies now [where the search found it]"),
    CLI_OPTION_THREADS(resume_values),
    CLI_OPTIONS_END,
};

static fnas_status resume_run(fnas_context *context, void *untyped) {
    const resume_values *values = untyped;
    const char *run = values->common.operands.items[0];
    fnas_context_set_threads(context, values->threads);
    return cli_run_conclude(context, "resume", run, fnas_search_resume(context, run, values->data));
}

const cli_verb cli_resume = {
    .name = "resume",
    .summary = "go on with an interrupted search",
    .operands = "RUN",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details = "Goes on at the run's last checkpoint, with the options that it began with, and ends with the same bits as a search that "
               "nothing interrupted, with any number of threads.",
    .example = "fleetnas resume run",
    .options = resume_options,
    .values_size = sizeof(resume_values),
    .run = resume_run,
};
