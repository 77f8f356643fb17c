/* How the channels of a map vary together, after a ReLU. */
#ifndef FNAS_ESTIMATE_CHANNELS_H
#define FNAS_ESTIMATE_CHANNELS_H

#include "nn/path.h"

/* What one thread keeps from map to map. Zero-initialise. */
typedef struct fnas_channels {
    float *plain;               /* [n, C, H, W] */
    double *covariance;         /* [C][C] */
    double *eigenvalues, *mean; /* [C] */
    size_t plain_capacity, covariance_capacity, vector_capacity;
} fnas_channels;
void fnas_channels_free(fnas_channels *channels);

/* Of the positive part of source, images of this shape in the worker's layout, the covariances of channels over all images and pixels:
 * channels->covariance [C][C]. */
FNAS_NODISCARD fnas_status fnas_channels_covary(fnas_context *context, const fnas_worker *worker, fnas_shape shape, const float *source,
                                                fnas_channels *channels);
/* Covariances become correlations; rows and columns of a channel that does not vary become 0. */
void fnas_channels_correlate(int64_t c, fnas_channels *channels);
/* channels->eigenvalues [C] of the symmetric covariance, ascending; it is used up. FNAS_ERR_NUMERIC where they are not found. */
FNAS_NODISCARD fnas_status fnas_channels_decompose(fnas_context *context, int64_t c, fnas_channels *channels);

#endif
