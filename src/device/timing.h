/* Timing architectures on one runtime in a child process: interleaved rounds, samples of CPU and wall time. */
#ifndef FNAS_DEVICE_TIMING_H
#define FNAS_DEVICE_TIMING_H

#include "device/runtime.h"
#include "fleetnas/space.h"

#define FNAS_TIMING_TEXT_BYTES 96
#define FNAS_TIMING_WARM_UP_RUNS 5
#define FNAS_TIMING_SAMPLE_MS 0.2         /* a sample of a short network is of several runs, until it lasts so long */
#define FNAS_TIMING_ENERGY_SAMPLE_MS 20.0 /* where energies are asked for: their counters move about once a millisecond */
#define FNAS_TIMING_DRIFT_EVERY 32        /* architectures between two samples of the drift architecture */

typedef struct fnas_timing_plan {
    const char *stage; /* for progress and messages */
    const fnas_space *space;
    const fnas_runtime *runtime;
    fnas_precision precision;
    const char *isa; /* limit: "native", ... */
    int64_t batch, threads, rounds;
    uint64_t seed;
    int64_t count;                /* architectures */
    const int32_t *choices;       /* [count][decisions] */
    const int32_t *drift_choices; /* the architecture that returns in every round */
    const char *energy_folder;    /* whose counters tell energies (rapl.h); NULL: not asked for */
    int64_t image_count;
    const float *images;
    int64_t vocabulary; /* above 0: networks that translate, of so many words (translating.h); 0: of images */
    int64_t
        part_count; /* of images; above 0: beside the whole network, its parts 0..part_count-1 (net.h) are timed, in a run of their own */
} fnas_timing_plan;

/* Samples in milliseconds of one run. */
typedef struct fnas_timing_result {
    int64_t count, rounds;
    double *cpu_ms, *wall_ms; /* [count][rounds] of the process's main thread, and of the clock */
    double *energy_mj;        /* [count][rounds], or NULL where it was not measured */
    double *part_ms;          /* [count][part_count][rounds] as the runtime counts them (runtime.h), or NULL */
    double drift;             /* relative change of the drift architecture between the first and the last third of the measurement */
    char isa[FNAS_TIMING_TEXT_BYTES], version[FNAS_TIMING_TEXT_BYTES];
} fnas_timing_result;

/* Errors as those of fnas_device_measure. Release with fnas_timing_result_free, also after a failure. */
FNAS_NODISCARD fnas_status fnas_timing_run(fnas_context *context, const fnas_timing_plan *plan, fnas_timing_result *result);
void fnas_timing_result_free(fnas_timing_result *result);

/* Room for the samples of a plan, in a result without any. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_timing_result_allocate(fnas_context *context, const fnas_timing_plan *plan, bool with_energy,
                                                       fnas_timing_result *result);

/* Relative change of the statistic between the first and the last third of samples [count] of one architecture in the order of time; 0
 * where there are fewer than three. What disturbs single samples is no drift, a slower clock is. */
double fnas_timing_drift(int64_t threads, int64_t count, const double *cpu_ms, const double *wall_ms);

/* The statistic of cards from samples [count]: the minimum CPU time for one thread, the median wall time for more. */
double fnas_timing_statistic(int64_t threads, int64_t count, const double *cpu_ms, const double *wall_ms);

#endif
