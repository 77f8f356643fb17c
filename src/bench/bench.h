/* What the families of problems work with: the run's settings, the machine's ceilings, the rows that come out. */
#ifndef FNAS_BENCH_BENCH_H
#define FNAS_BENCH_BENCH_H

#include "base/text.h"
#include "bench/peak.h"
#include "bench/problem.h"
#include "bench/row.h"
#include "fleetnas/bench.h"

typedef struct fnas_bench {
    fnas_context *context;
    const fnas_bench_options *options;
    int64_t repeats;
    int64_t threads; /* of problems with parallel paths */
    fnas_machine machine;
    fnas_rows rows;
} fnas_bench;

/* NULL-terminated, in the order in which a list shows them. */
extern const fnas_problem_family *const fnas_bench_families[];

/* Begins a row for a problem; the caller fills it in and hands it over with fnas_bench_end, also after a failure. */
FNAS_NODISCARD fnas_status fnas_bench_begin(fnas_bench *bench, const fnas_problem *problem, fnas_row *row);
/* Works out the floors and keeps the row where all went well; otherwise drops it. Returns `status` or what failed here. */
FNAS_NODISCARD fnas_status fnas_bench_end(fnas_bench *bench, fnas_status status, fnas_row *row);

#endif
