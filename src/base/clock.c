#include "base/clock.h"

#include <time.h>

static double fnas_clock_ms(clockid_t clock) {
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

double fnas_wall_ms(void) {
    return fnas_clock_ms(CLOCK_MONOTONIC);
}

double fnas_thread_cpu_ms(void) {
    return fnas_clock_ms(CLOCK_THREAD_CPUTIME_ID);
}

double fnas_process_cpu_ms(void) {
    return fnas_clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}
