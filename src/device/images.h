/* Images on which a measurement's weights are calibrated. */
#ifndef FNAS_DEVICE_IMAGES_H
#define FNAS_DEVICE_IMAGES_H

#include "base/error.h"
#include "fleetnas/space.h"

/* The first `count` training images of the data set `data` [count, C, H, W], normalised, in the space's size; NULL: smooth synthetic ones.
 * Owned: fnas_free. FNAS_ERR_INPUT when the data set's images cannot be given in that size (fnas_dataset_fit). name (may be NULL): its name
 * without a path, "synthetic" for NULL. */
FNAS_NODISCARD fnas_status fnas_images_load(fnas_context *context, const fnas_space *space, const char *data, int64_t count, float **images,
                                            char *name, size_t name_bytes);

#endif
