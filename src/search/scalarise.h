/* From several normalised objectives and a preference to one loss. */
#ifndef FNAS_SEARCH_SCALARISE_H
#define FNAS_SEARCH_SCALARISE_H

#include <stdint.h>

typedef enum fnas_scalarise_kind {
    FNAS_SCALARISE_LINEAR,   /* sum_m r_m v_m */
    FNAS_SCALARISE_CHEBYSHEV /* max_m r_m (v_m - z_m) with the ideal point z = 0, augmented by a small linear term (Steuer and Choo 1983) */
} fnas_scalarise_kind;

/* Loss of values [count] under preference [count]; weights [count] = d loss / d value (written). */
double fnas_scalarise(fnas_scalarise_kind kind, int64_t count, const double *preference, const double *values, double *weights);

#endif
