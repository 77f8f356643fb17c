/* Timing: repeats of a function, on the wall and on the processor. */
#ifndef FNAS_BENCH_MEASURE_H
#define FNAS_BENCH_MEASURE_H

#include "bench/bench.h"

typedef fnas_status fnas_timed_function(fnas_context *context, void *user);

/* Runs `function` once to prepare it, then bench->repeats times; short ones in a loop each time, so that a repeat lasts long enough for the
 * clock. Fills in the row's times, of one call; row->threads says how many threads it uses. FNAS_INTERRUPTED between repeats where a stop
 * was asked for. */
FNAS_NODISCARD fnas_status fnas_measure(fnas_bench *bench, fnas_timed_function *function, void *user, fnas_row *row);

fnas_range fnas_range_of(const double *values, int64_t count);

/* The same without a row or progress: least time of one call in ms, of the calling thread's processor time, over a few repeats that last at
 * least least_ms each. For ceilings. */
FNAS_NODISCARD fnas_status fnas_measure_least(fnas_context *context, fnas_timed_function *function, void *user, int64_t repeats,
                                              double least_ms, double *ms);

/* Gives back what is free, forgets the largest memory so far, returns what the process holds now, in MB; NaN where the system does not
 * tell. */
double fnas_memory_begin(void);
/* The largest since then. */
double fnas_memory_peak_mb(void);

#endif
