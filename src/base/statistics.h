/* Small statistics used everywhere: order statistics and rank correlation. */
#ifndef FNAS_BASE_STATISTICS_H
#define FNAS_BASE_STATISTICS_H

#include <stdint.h>

#include "base/error.h"

/* q-quantile (0..1) by linear interpolation of the sorted copy of values[n]; n >= 1. NaN when out of memory. */
double fnas_quantile(const double *values, int64_t n, double q);
double fnas_median(const double *values, int64_t n);

/* Spearman's rho with average ranks for ties, Pearson's r, Kendall's tau-b (Knight 1966, O(n log n)).
 * NaN when undefined (n < 2, constant). */
double fnas_spearman(const double *x, const double *y, int64_t n);
double fnas_pearson(const double *x, const double *y, int64_t n);
double fnas_kendall(const double *x, const double *y, int64_t n);

#endif
