#include <stdio.h>
#include <stdlib.h>

#include "asking.h"
#include "inputs.h"
#include "promises.h"
#include "runs.h"
#include "verbs.h"

typedef struct report_values {
    cli_common common;
    cli_asking asking;
    const char *output;
    cli_texts devices;
    int64_t threads;
    uint64_t seed;
    bool verify, ablate;
} report_values;

#define AT(member) offsetof(report_values, member)

static const cli_option report_options[] = {
    {"output", 'o', CLI_OUTPUT, AT(output), "REPORT.html", "where the page goes", true},
    {"device", 0, CLI_INPUTS, AT(devices), "CARD.json", "devices to show [those that were searched]", false},
    CLI_OPTIONS_FRONT(report_values, asking),
    {"verify", 0, CLI_FLAG, AT(verify), NULL, "check the run on this machine first, as the verb `verify` does, and show the outcome",
     false},
    {"ablate", 0, CLI_FLAG, AT(ablate), NULL, "with --verify: also with the mean embedding, and with one preference for all points", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "with --verify: of its random architectures [0]", false},
    CLI_OPTION_THREADS(report_values),
    CLI_OPTIONS_END,
};

static fnas_status report_fronts(fnas_context *context, const report_values *values, const cli_query *query, fnas_front **fronts) {
    fnas_front_options options = cli_asking_options(&values->asking);
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < query->count && status == FNAS_OK; i++)
        status = fnas_run_front(context, query->run, query->cards[i], &options, &fronts[i]);
    return status;
}

static fnas_status report_verify(fnas_context *context, const report_values *values, const cli_query *query,
                                 fnas_verification **verification) {
    fnas_verify_options options = {.data = values->asking.data,
                                   .candidates = values->asking.candidates,
                                   .neighbours = values->asking.neighbours,
                                   .ablate = values->ablate,
                                   .seed = values->seed};
    fnas_status status = fnas_run_verify(context, query->run, query->count, query->cards, &options, verification);
    if (status == FNAS_OK) cli_promises_print(*verification, values->ablate);
    return status;
}

static fnas_status report_query(fnas_context *context, const report_values *values, const cli_query *query) {
    fnas_verification *verification = NULL;
    fnas_front **fronts = calloc((size_t)query->count + 1, sizeof(fnas_front *));
    if (!fronts) return cli_fail("report", FNAS_ERR_MEMORY, "out of memory");
    fnas_status status = values->verify ? report_verify(context, values, query, &verification) : FNAS_OK;
    if (status == FNAS_OK) status = report_fronts(context, values, query, fronts);
    if (status == FNAS_OK) {
        status = fnas_report_write_html(context, query->run, query->count, query->cards, (const fnas_front *const *)fronts, verification,
                                        values->output);
    }
    if (status == FNAS_OK) printf("%s\n", values->output);
    if (status == FNAS_OK && verification) status = cli_promises_conclude("report", verification);
    if (verification) fnas_verification_free(verification);
    for (int64_t i = 0; i < query->count; i++) {
        if (fronts[i]) fnas_front_free(fronts[i]);
    }
    free(fronts);
    return status;
}

static fnas_status report_run(fnas_context *context, void *untyped) {
    const report_values *values = untyped;
    if ((values->ablate || values->seed) && !values->verify) {
        return cli_fail("report", FNAS_ERR_USAGE, "--%s is part of --verify: give both", values->ablate ? "ablate" : "seed");
    }
    cli_query query = {0};
    fnas_context_set_threads(context, values->threads);
    fnas_status status = cli_query_open(context, "report", values->common.operands.items[0], &values->devices, &query);
    if (status == FNAS_OK) status = report_query(context, values, &query);
    cli_query_close(&query);
    return status;
}

const cli_verb cli_report = {
    .name = "report",
    .summary = "one HTML page with the fronts of a run",
    .operands = "RUN",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details = "Writes a self-contained page: for each device its front as picture and table, and how the run was made; with --verify also "
               "predicted beside newly measured latency and the hypervolumes. Its path is the last line of the output.",
    .example = "fleetnas report run --device devices/*.json --verify -o report.html",
    .options = report_options,
    .values_size = sizeof(report_values),
    .run = report_run,
};
