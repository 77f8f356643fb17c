/* Images for networks that are smaller than the data set's own: heights and widths divided by a whole number, means of the pixels. */
#ifndef FNAS_ESTIMATE_IMAGES_H
#define FNAS_ESTIMATE_IMAGES_H

#include "fleetnas/data.h"
#include "space/space.h"

/* FNAS_ERR_INPUT where the space's image is neither the data set's, nor that divided by a whole number. */
FNAS_NODISCARD fnas_status fnas_shrunk_check(fnas_context *context, const fnas_space *space, const fnas_dataset *dataset);

/* As fnas_batch_fill, images [count] of the space's shape. full: room for `count` images of the data set's. The space must be checked. */
FNAS_NODISCARD fnas_status fnas_shrunk_fill(fnas_context *context, const fnas_space *space, const fnas_dataset *dataset, int64_t count,
                                            const int64_t *indices, const fnas_augment *augment, float *full, float *images,
                                            int32_t *labels);

#endif
