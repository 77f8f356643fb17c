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

/* Shares [count] in whole units of 1 / `units` (100: hundredths) that sum to what the shares sum to, rounded: the part of shares[index],
 * rounded down, or up where its remainder is among the largest (Hamilton's method; the first among equals). Of 0.625 : 0.375 rounding each
 * alone would make 63 : 38.
 */
int64_t fnas_share_round(int64_t count, const double *shares, int64_t units, int64_t index);

#endif
