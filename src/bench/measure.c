#include "bench/measure.h"

#include <math.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/statistics.h"

#define REPEAT_MS 20.0 /* a repeat of a short function lasts at least so long */
#define CALLS_MAX 1000000

static int64_t calls_for(double call_ms, double repeat_ms) {
    double calls = call_ms > 0 ? ceil(repeat_ms / call_ms) : CALLS_MAX;
    return calls < 1 ? 1 : calls > CALLS_MAX ? CALLS_MAX : (int64_t)calls;
}

static fnas_status call_times(fnas_context *context, fnas_timed_function *function, void *user, int64_t calls) {
    for (int64_t i = 0; i < calls; i++) FNAS_TRY(function(context, user));
    return FNAS_OK;
}

/* The first run prepares kernels, and at the second an arena becomes one block; how long a run takes is asked of those behind them, more of
 * them until the clock can tell. */
static fnas_status find_calls(fnas_context *context, fnas_timed_function *function, void *user, double repeat_ms, int64_t *calls) {
    FNAS_TRY(function(context, user));
    double begin = fnas_wall_ms();
    FNAS_TRY(function(context, user));
    *calls = 1;
    if (fnas_wall_ms() - begin >= repeat_ms) return FNAS_OK;
    for (double taken = 0; taken < repeat_ms / 10 && *calls < CALLS_MAX; *calls *= 4) {
        begin = fnas_wall_ms();
        FNAS_TRY(call_times(context, function, user, *calls));
        taken = fnas_wall_ms() - begin;
        if (taken >= repeat_ms / 10) {
            *calls = calls_for(taken / (double)*calls, repeat_ms);
            return FNAS_OK;
        }
    }
    return FNAS_OK;
}

fnas_range fnas_range_of(const double *values, int64_t count) {
    fnas_range range = {fnas_median(values, count), INFINITY, -INFINITY};
    for (int64_t i = 0; i < count; i++) {
        range.least = fmin(range.least, values[i]);
        range.most = fmax(range.most, values[i]);
    }
    return range;
}

static fnas_status time_repeats(fnas_bench *bench, fnas_timed_function *function, void *user, int64_t calls, double *wall, double *cpu,
                                const char *name) {
    double begin = fnas_wall_ms();
    for (int64_t i = 0; i < bench->repeats; i++) {
        fnas_progress progress = {name, i, bench->repeats, (fnas_wall_ms() - begin) / 1e3, ""};
        fnas_report_progress(bench->context, &progress);
        if (fnas_context_stop_requested(bench->context)) return fnas_fail(bench->context, FNAS_INTERRUPTED, "interrupted");
        double wall_begin = fnas_wall_ms(), cpu_begin = fnas_process_cpu_ms();
        FNAS_TRY(call_times(bench->context, function, user, calls));
        cpu[i] = (fnas_process_cpu_ms() - cpu_begin) / (double)calls;
        wall[i] = (fnas_wall_ms() - wall_begin) / (double)calls;
    }
    return FNAS_OK;
}

fnas_status fnas_measure(fnas_bench *bench, fnas_timed_function *function, void *user, fnas_row *row) {
    int64_t calls = 1;
    double *wall = fnas_allocate((size_t)bench->repeats, 2 * sizeof *wall), *cpu = wall ? wall + bench->repeats : NULL;
    if (!wall) return fnas_fail_memory(bench->context, "the benchmark's times");
    fnas_status status = find_calls(bench->context, function, user, bench->options->quick ? 0 : REPEAT_MS, &calls);
    if (status == FNAS_OK) status = time_repeats(bench, function, user, calls, wall, cpu, row->problem);
    if (status == FNAS_OK) {
        row->repeats = bench->repeats;
        row->wall_ms = fnas_range_of(wall, bench->repeats);
        row->cpu_ms = fnas_range_of(cpu, bench->repeats);
    }
    fnas_free(wall);
    return status;
}

fnas_status fnas_measure_least(fnas_context *context, fnas_timed_function *function, void *user, int64_t repeats, double least_ms,
                               double *ms) {
    int64_t calls;
    FNAS_TRY(find_calls(context, function, user, least_ms, &calls));
    *ms = INFINITY;
    for (int64_t i = 0; i < repeats; i++) {
        double begin = fnas_thread_cpu_ms();
        FNAS_TRY(call_times(context, function, user, calls));
        *ms = fmin(*ms, (fnas_thread_cpu_ms() - begin) / (double)calls);
    }
    return FNAS_OK;
}

/* ---- memory ---- */

static double status_mb(const char *field) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double mb = (double)NAN;
    size_t length = strlen(field);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, length) == 0) mb = strtod(line + length, NULL) * 1024 / 1e6; /* "VmRSS:   1234 kB" */
    if (file) fclose(file);
    return mb;
}

/* Linux: writing 5 to clear_refs sets the peak back to what is used now. Elsewhere it fails, and the peak stays unknown. */
static bool peak_is_known; /* whether the kernel has forgotten the peak of what came before */

double fnas_memory_begin(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    FILE *file = fopen("/proc/self/clear_refs", "w");
    peak_is_known = file && fputs("5\n", file) >= 0;
    if (file && fclose(file) != 0) peak_is_known = false;
    return status_mb("VmRSS:");
}

double fnas_memory_peak_mb(void) {
    return peak_is_known ? status_mb("VmHWM:") : (double)NAN;
}
