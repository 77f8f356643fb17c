/* Images made larger and smaller. */
#ifndef FNAS_DATA_RESIZE_H
#define FNAS_DATA_RESIZE_H

#include <stdint.h>

/* Planes [planes, height, width] to [planes, to_height, to_width], bilinearly with the corners aligned: output i of n lies at
 * i * (size - 1) / (n - 1) of the source, as Once-for-All resizes its batches (interpolate with align_corners). from and to do not
 * overlap. */
void fnas_resize_aligned(int64_t planes, int64_t height, int64_t width, int64_t to_height, int64_t to_width, const float *from, float *to);

#endif
