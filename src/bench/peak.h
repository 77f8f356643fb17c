/* What the machine can do at most, measured at the start of each benchmark: what rows are compared with. */
#ifndef FNAS_BENCH_PEAK_H
#define FNAS_BENCH_PEAK_H

#include "base/error.h"

/* Each on all threads together. */
typedef struct fnas_ceilings {
    double sgemm_gflops, conv_gflops; /* f32: a matrix product; a convolution whose operands lie in the cache */
    double bf16_gflops;               /* a convolution in bf16; 0 where the processor has none */
    double memory_gbps, cache_gbps;   /* of copies, bytes read and written: in memory, in the second-level cache */
} fnas_ceilings;

typedef struct fnas_machine {
    char processor[128];
    const char *library, *isa; /* static */
    int64_t threads, block;
    fnas_ceilings one, all; /* one thread; `threads` threads at once */
} fnas_machine;

double fnas_ceilings_f32(const fnas_ceilings *ceilings); /* the better of the two */

/* Takes about a second a ceiling and thread count; quick: a fraction, for trials. */
FNAS_NODISCARD fnas_status fnas_machine_measure(fnas_context *context, int64_t threads, bool quick, fnas_machine *machine);

/* Time in ms in which one thread copies so that `bytes` are moved (half of them read, half written): the least that an operator which moves
 * as many could take. Measured now, as the machine is now. */
FNAS_NODISCARD fnas_status fnas_copy_ms(fnas_context *context, double bytes, bool quick, double *ms);

#endif
