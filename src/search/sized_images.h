/* A data set's images in the size that a supernet takes: as they are, or, for a space whose networks take images of several sizes, resized
 * bilinearly with the corners aligned (data/resize.h). */
#ifndef FNAS_SEARCH_SIZED_IMAGES_H
#define FNAS_SEARCH_SIZED_IMAGES_H

#include "fleetnas/data.h"
#include "nn/net.h"

typedef struct fnas_sized_images {
    fnas_value_shape from, to;
    float *scratch; /* [workers] images of the data set; NULL where the sizes are the same */
} fnas_sized_images;

/* For `workers` threads, each of which makes one image at a time. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_sized_images_create(fnas_context *context, const fnas_dataset *dataset, fnas_value_shape to,
                                                    int64_t workers, fnas_sized_images *sized);
void fnas_sized_images_free(fnas_sized_images *sized);

/* Where the data set's own image is to be put, and then the image itself [C, H, W] of the size `to`. */
float *fnas_sized_images_begin(const fnas_sized_images *sized, int64_t worker, float *image);
void fnas_sized_images_end(const fnas_sized_images *sized, int64_t worker, float *image);

#endif
