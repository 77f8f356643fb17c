/* The loops over activations in memory, once for each type that these may have (engine.h). kernels.inc holds their text, kernels_f32.c and
 * kernels_bf16.c what is of one type. Whatever the type, arithmetic is in f32 and sums end in double.
 *
 * Counts are of elements; bf16 exists only with blocks of 16 channels, so there they are multiples of 16. `lanes` arrays have FNAS_LANES
 * entries, entry l for elements whose index is l modulo FNAS_LANES, so of channel l % block (vector.h). */
#ifndef FNAS_COMPUTE_KERNELS_H
#define FNAS_COMPUTE_KERNELS_H

#include <stdbool.h>

#include "compute/engine.h"
#include "compute/vector.h"

#define FNAS_TERMS_MAX 3

typedef struct fnas_affine_term {
    const void *src;
    const float *mean, *scale, *shift; /* lanes, of which the first 16 are read */
} fnas_affine_term;

typedef struct fnas_kernels {
    size_t element_bytes;
    void (*from_floats)(size_t count, const float *src, void *dst);
    void (*to_floats)(size_t count, const void *src, float *dst);

    /* Not x > 0 ? x : 0, which would hide a NaN. Buffers may be the same. */
    void (*relu)(size_t count, const void *src, void *dst);
    void (*relu_gradient)(size_t count, const void *src, const void *diff_dst, bool accumulate, void *diff_src); /* 0 at src == 0 */
    void (*hard_swish)(size_t count, const void *src, void *dst);                                                /* as relu */
    void (*hard_swish_gradient)(size_t count, const void *src, const void *diff_dst, bool accumulate, void *diff_src);
    void (*scale)(size_t count, float factor, const void *src, bool accumulate, void *dst);
    void (*add)(size_t count, const void *src, void *dst);
    void (*add_lanes)(size_t count, const float *lanes, bool accumulate, void *dst);                       /* dst (+)= lanes */
    void (*multiply_lanes)(size_t count, const void *src, const float *lanes, bool accumulate, void *dst); /* dst (+)= src * lanes */

    /* Partial sums by lanes; each adds to its double results. */
    void (*sum)(size_t count, const void *x, double *sum);
    void (*dot)(size_t count, const void *a, const void *b, double *sum);
    /* sum += x - pivot; square += (x - pivot)^2 */
    void (*moments)(size_t count, const void *x, const float *pivot, double *sum, double *square);
    /* sum += d; product += d * (x - pivot) */
    void (*products)(size_t count, const void *d, const void *x, const float *pivot, double *sum, double *product);

    /* dst (+)= sum over 1 to FNAS_TERMS_MAX terms of (src - mean) * scale + shift, then rectified where asked. dst may be a src. */
    void (*affine)(size_t count, int64_t term_count, const fnas_affine_term *terms, bool accumulate, bool rectify, void *dst);
    /* diff_src = (diff_dst - offset - (src - mean) * slope) * scale. diff_src may be diff_dst. */
    void (*propagate)(size_t count, const void *src, const void *diff_dst, const float *mean, const float *offset, const float *slope,
                      const float *scale, void *diff_src);

    /* Pooling (pool.c) works row by row in f32. sum (+)= weight * row; of three rows at once: the common case. */
    void (*row_scaled)(size_t count, const void *row, float weight, bool accumulate, float *sum);
    void (*rows_of_three)(size_t count, const void *a, const void *b, const void *c, const float *weights, float *sum);
    void (*row_multiplied)(size_t count, const float *weights, float *row); /* row *= weights */
    /* dst (+)= (row[i] + row[i + block] + ... of `window` terms) * weight * column_weight[i]; column_weight NULL: all one, and no weight.
     */
    void (*window_sums)(size_t count, size_t window, size_t block, const float *row, const float *column_weight, float weight,
                        bool accumulate, void *dst);
    /* dst (+)= row */
    void (*row_stored)(size_t count, const float *row, bool accumulate, void *dst);
} fnas_kernels;

extern const fnas_kernels fnas_kernels_f32;
/* NULL where the processor has no bf16 arithmetic. */
const fnas_kernels *fnas_kernels_bf16(void);

double fnas_lanes_total(const double *sum); /* of FNAS_LANES partial sums, in order */
double fnas_floats_dot(int64_t count, const float *a, const float *b);

#endif
