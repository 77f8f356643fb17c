/* Batches of images in the sizes that networks take: spaces with a resolution to choose have several. */
#ifndef FNAS_DEVICE_BATCHES_H
#define FNAS_DEVICE_BATCHES_H

#include "base/error.h"
#include "nn/net.h"

typedef struct fnas_batch {
    fnas_value_shape shape;
    float *images; /* [count, C, H, W] */
} fnas_batch;

/* Zero-initialise all but the first four; release with fnas_batches_free. */
typedef struct fnas_batches {
    fnas_value_shape shape; /* of the images there are */
    const float *images;    /* [image_count, C, H, W], borrowed */
    int64_t image_count;
    int64_t count; /* images of a batch: the first ones, and again from the first where there are too few */
    fnas_batch *made;
    int64_t made_count;
    size_t made_capacity;
} fnas_batches;

/* *images: a batch in this size, of as many channels, kept until the end. Resized bilinearly with the corners aligned, as MODNAS resizes
 * its batches (Sukthanker et al. 2025). Errors: FNAS_ERR_INTERNAL (other channels), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_batches_get(fnas_context *context, fnas_batches *batches, fnas_value_shape shape, const float **images);
void fnas_batches_free(fnas_batches *batches);

#endif
