/* Images made larger and smaller. */
#ifndef FNAS_DATA_RESIZE_H
#define FNAS_DATA_RESIZE_H

#include "base/error.h"
#include "data/picture.h"

/* Planes [planes, height, width] to [planes, to_height, to_width], bilinearly with the corners aligned: output i of n lies at
 * i * (size - 1) / (n - 1) of the source, as MODNAS resizes its batches (Sukthanker et al. 2025; interpolate with align_corners). from and
 * to do not overlap. */
void fnas_resize_aligned(int64_t planes, int64_t height, int64_t width, int64_t to_height, int64_t to_width, const float *from, float *to);

/* Planes to a whole fraction of their height and width: means of factor x factor pixels. height, width: of the outcome. */
void fnas_resize_mean(int64_t planes, int64_t height, int64_t width, int64_t factor, const float *from, float *to);

/* Where an axis of the outcome lies in a picture: output i covers start + i * step to start + (i + 1) * step of its pixels; nothing
 * outside low..high - 1 is looked at. */
typedef struct fnas_axis {
    double start, step;
    int64_t low, high;
    int64_t count; /* of the outcome */
} fnas_axis;

/* A part of a picture in another size, as planes [3, down->count, across->count] of 0..255: each output is the mean of the pixels about
 * its place, weighted by a triangle that reaches one output's step, but at least one pixel, to both sides (bilinear with antialiasing, as
 * PIL and torchvision resize pictures; nothing is rounded in between). Deterministic. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_resample(fnas_context *context, const fnas_picture *picture, const fnas_axis *down, const fnas_axis *across,
                                         float *planes);

#endif
