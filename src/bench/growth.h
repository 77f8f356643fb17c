/* Points of a growth, the exponent of the line through them, its picture. */
#ifndef FNAS_BENCH_GROWTH_H
#define FNAS_BENCH_GROWTH_H

#include "base/error.h"

#define FNAS_GROWTH_POINTS_MAX 16

typedef struct fnas_growth {
    const char *axis; /* "devices" */
    int64_t count;
    double sizes[FNAS_GROWTH_POINTS_MAX], wall_ms[FNAS_GROWTH_POINTS_MAX], memory_mb[FNAS_GROWTH_POINTS_MAX];
    double time_exponent, memory_exponent;
} fnas_growth;

/* b of the line log(value) = a + b log(size) through two or more points, by least squares. NaN where a value is not positive. */
double fnas_growth_exponent(int64_t count, const double *sizes, const double *values);

/* Both on logarithmic scales, with their lines. Atomic. FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_growth_write_svg(fnas_context *context, const fnas_growth *growth, const char *title, const char *path);

#endif
