/* Benchmarks: problem strings in, checked and timed figures out. */
#ifndef FLEETNAS_BENCH_H
#define FLEETNAS_BENCH_H

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fnas_bench_options {
    int64_t problem_count;
    const char *const *problems; /* [problem_count] "NAME" or "NAME:key=value,...", for example "conv:in=16,out=16,size=32": see
                                    fnas_bench_list. Borrowed */
    int64_t repeats;             /* timed runs a problem; 0: five */
    bool quick;                  /* one short run each, and short measurements of the machine: to see that all works, not to quote */
    uint64_t seed;               /* of weights, images, operands, preferences */
    const char
        *dump; /* NULL, or a safetensors file for what the one problem, a pass or a sub-network, computed with what: docs/formats.md */
    const char *svg; /* NULL, or a picture of the one problem's growth */
} fnas_bench_options;

/* What a benchmark found. Immutable: thread-safe to read. */
typedef struct fnas_bench_report fnas_bench_report;

/* Measures the machine (peak arithmetic, bandwidth of copies), then each problem. Operators are first checked against the naive
 * double-precision operators, passes and the paths of iterations too, on few images; hypervolumes against counting. A step without a
 * supernet, fronts and a predictor's training are only timed: their parts have tests. Problems are all understood before the first is run.
 * Uses as many threads as the context says where a problem has parallel paths; operators and single passes run on one. *report is owned:
 * fnas_bench_report_free; NULL after an error. Times differ from run to run, all else is deterministic. Not thread-safe: it measures the
 * whole process. The calling thread keeps one OpenMP thread. Costs what the problems cost, (repeats + 2) times, of short ones so often that
 * a repeat lasts 20 ms. Errors: FNAS_ERR_USAGE (an unknown problem, key or word, with a suggestion), FNAS_ERR_INPUT (an impossible shape, a
 * file that is not what it should be), FNAS_ERR_UNSUPPORTED, FNAS_ERR_NUMERIC (a result is wrong), FNAS_ERR_IO, FNAS_ERR_MEMORY,
 * FNAS_INTERRUPTED. */
FNAS_API FNAS_NODISCARD fnas_status fnas_bench_run(fnas_context *context, const fnas_bench_options *options, fnas_bench_report **report);

/* The families of problems with their keys, default values and meanings, as a report. *report is owned: fnas_bench_report_free. Errors:
 * FNAS_ERR_MEMORY. Thread-safe. */
FNAS_API FNAS_NODISCARD fnas_status fnas_bench_list(fnas_context *context, fnas_bench_report **report);

/* Releases a report and its texts; NULL is allowed. */
FNAS_API void fnas_bench_report_free(fnas_bench_report *report);

/* The report as lines for people, and as one JSON object: {"machine", "problems"}, or {"families"} of a list. Borrowed from the report;
 * end with a newline. Thread-safe. */
FNAS_API const char *fnas_bench_report_text(const fnas_bench_report *report);
FNAS_API const char *fnas_bench_report_json(const fnas_bench_report *report);

#ifdef __cplusplus
}
#endif
#endif
