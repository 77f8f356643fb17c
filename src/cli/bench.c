#include <stdio.h>

#include "verbs.h"

typedef struct bench_values {
    cli_common common;
    int64_t repeats, threads;
    uint64_t seed;
    const char *dump, *svg;
    bool quick, json, list;
} bench_values;

#define AT(member) offsetof(bench_values, member)

static const cli_option bench_options[] = {
    {"list", 0, CLI_FLAG, AT(list), NULL, "the families of problems with their keys and default values", false},
    {"repeats", 0, CLI_COUNT, AT(repeats), "N", "timed runs of each problem, behind one that prepares it [5]", false},
    {"quick", 0, CLI_FLAG, AT(quick), NULL, "one short run each: to see that all works, not to quote", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of weights, images, operands and preferences [0]", false},
    CLI_OPTION_THREADS(bench_values),
    CLI_OPTION_JSON(bench_values),
    {"dump", 0, CLI_OUTPUT, AT(dump), "FILE.safetensors",
     "of one problem pass, subnet or translator: weights, inputs, loss, logits, gradients, for another program", false},
    {"svg", 0, CLI_OUTPUT, AT(svg), "FILE", "of one problem growth: the picture with its exponent", false},
    CLI_OPTIONS_END,
};

static fnas_status bench_print(const bench_values *values, const fnas_bench_report *report) {
    fputs(values->json ? fnas_bench_report_json(report) : fnas_bench_report_text(report), stdout);
    return FNAS_OK;
}

static fnas_status bench_check(const bench_values *values) {
    int64_t problems = values->common.operands.count;
    if (values->list && problems) return cli_fail("bench", FNAS_ERR_USAGE, "--list lists all problems: name none");
    if (!values->list && !problems)
        return cli_fail("bench", FNAS_ERR_USAGE, "PROBLEM is missing: fleetnas bench --list shows what there is");
    return FNAS_OK;
}

static fnas_status bench_run(fnas_context *context, void *untyped) {
    const bench_values *values = untyped;
    fnas_bench_report *report = NULL;
    fnas_bench_options options = {.problem_count = values->common.operands.count,
                                  .problems = values->common.operands.items,
                                  .repeats = values->repeats,
                                  .quick = values->quick,
                                  .seed = values->seed,
                                  .dump = values->dump,
                                  .svg = values->svg};
    fnas_context_set_threads(context, values->threads);
    fnas_status status = bench_check(values);
    if (status != FNAS_OK) return status;
    status = values->list ? fnas_bench_list(context, &report) : fnas_bench_run(context, &options, &report);
    if (status == FNAS_OK) status = bench_print(values, report);
    fnas_bench_report_free(report);
    return status;
}

const cli_verb cli_bench = {
    .name = "bench",
    .summary = "check and time operators, passes and steps on this machine",
    .operands = "PROBLEM...",
    .operands_most = 1000,
    .details = "Measures what the machine can do at most, then each problem. Operators, passes and iterations are first checked against "
               "naive operators in double precision, hypervolumes against counting; all are timed. Shows times on the wall and on the "
               "processor, rates, the share of the peak, and the distance from the floor. A PROBLEM is a name with parameters, like "
               "conv:in=16,out=16,size=32 or pass:cell=mixed,images=256; --list shows all.",
    .example = "fleetnas bench conv:in=16,out=16,size=32,direction=forward pass:cell=mixed,gradient=weights --threads 1",
    .options = bench_options,
    .values_size = sizeof(bench_values),
    .run = bench_run,
};
