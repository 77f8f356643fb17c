/* The parts of a normalisation, for operators that run it piece by piece while other work has the activations in the cache (conv_norm.c).
 * Arrays of parts have one entry a block of channels, fnas_norm_blocks() in all. */
#ifndef FNAS_COMPUTE_NORM_PARTS_H
#define FNAS_COMPUTE_NORM_PARTS_H

#include "compute/engine_internal.h"
#include "compute/vector.h"

int64_t fnas_norm_blocks(const fnas_engine *engine, int64_t channels);

/* Sums over the images seen so far. Squares are taken about the mean of the first image (Chan, Golub and LeVeque 1983, shifted data): one
 * pass over memory without the cancellation of mean(x^2) - mean(x)^2. */
typedef struct fnas_norm_moments {
    float pivot[FNAS_LANES];
    double sum[FNAS_LANES], square[FNAS_LANES];
} fnas_norm_moments;
/* first: these are the first images, and moments [blocks] are begun. */
void fnas_norm_add_moments(const fnas_engine *engine, fnas_shape images, const void *src, bool first, fnas_norm_moments *moments);
/* shape: of all images that were added. mean, variance [C]. */
void fnas_norm_finish_moments(const fnas_engine *engine, fnas_shape shape, const fnas_norm_moments *moments, float *mean, float *variance);
/* The same for one block b of channels, image by image from the first (0) on. src: of all images. */
void fnas_norm_add_plane_moments(const fnas_engine *engine, fnas_shape shape, int64_t b, int64_t image, const void *src,
                                 fnas_norm_moments *moments);
void fnas_norm_finish_block(const fnas_engine *engine, fnas_shape shape, int64_t b, const fnas_norm_moments *moments, float *mean,
                            float *variance);

/* What the gradient of the source is made of, by lanes (kernels.h, propagate). */
typedef struct fnas_norm_slopes {
    float mean[FNAS_LANES], offset[FNAS_LANES], slope[FNAS_LANES], scale[FNAS_LANES];
} fnas_norm_slopes;
/* What a norm does to a block of channels, by lanes (kernels.h, affine). */
typedef struct fnas_norm_lanes {
    float mean[FNAS_LANES], scale[FNAS_LANES], shift[FNAS_LANES];
} fnas_norm_lanes;
void fnas_norm_lanes_of(const fnas_engine *engine, int64_t channels, int64_t b, const fnas_norm_given *given, fnas_norm_lanes *lanes);

/* dst (+)= the sum of normalised sources, then rectified where asked. At most FNAS_TERMS_MAX terms. */
typedef struct fnas_norm_term {
    fnas_norm_given given;
    const void *src;
} fnas_norm_term;
void fnas_norm_apply_terms(const fnas_engine *engine, fnas_shape shape, int64_t term_count, const fnas_norm_term *terms, bool accumulate,
                           bool rectify, void *dst);

typedef struct fnas_norm_sums {
    float *diff_gamma, *diff_beta; /* [C], added to; may be NULL */
    double dot, total;             /* as in fnas_norm_backward */
} fnas_norm_sums;
/* Over all images, before any of them is propagated. sums->dot and total are written. */
void fnas_norm_reduce(const fnas_engine *engine, fnas_shape shape, const fnas_norm_given *given, const void *src, const void *diff_dst,
                      fnas_norm_slopes *slopes, fnas_norm_sums *sums);
void fnas_norm_propagate(const fnas_engine *engine, fnas_shape images, const fnas_norm_slopes *slopes, const void *src,
                         const void *diff_dst, void *diff_src);

/* The same for one block of channels; sums->dot and total are added to. */
void fnas_norm_reduce_block(const fnas_engine *engine, fnas_shape shape, int64_t b, const fnas_norm_given *given, const void *src,
                            const void *diff_dst, fnas_norm_slopes *slopes, fnas_norm_sums *sums);

#endif
