/* Data sets whose images are not kept in memory at one size: each is shown when it is asked for, in the size that is asked for. */
#ifndef FNAS_DATA_SOURCE_H
#define FNAS_DATA_SOURCE_H

#include "data/dataset.h"
#include "data/image_list.h"
#include "data/view.h"

/* How an image is to be shown. */
typedef struct fnas_showing {
    int64_t height, width;
    const fnas_random *random; /* where the draws of a training view begin; NULL: the view of evaluation */
} fnas_showing;

/* The view of a picture of this extent. */
fnas_view fnas_showing_view(const fnas_showing *showing, int64_t picture_height, int64_t picture_width);

/* A kind of such data sets. */
struct fnas_image_source {
    /* Image `index` of a part, in range, as [3, height, width] of 0..255. Any number of threads at a time. */
    fnas_status (*show)(fnas_context *context, const fnas_dataset *dataset, fnas_part part, int64_t index, const fnas_showing *showing,
                        float *image);
    void (*close)(fnas_dataset *dataset); /* releases detail; what else the data set has is released behind it */
};

/* What folders and packs of them have in common: name and spec, three channels, ImageNet's mean and deviation, room for the labels. path
 * is made absolute; side is a pack's, 0 a folder's. */
FNAS_NODISCARD fnas_status fnas_source_describe(fnas_context *context, fnas_dataset *dataset, const char *path, uint64_t identity,
                                                int64_t side, const int64_t counts[FNAS_PART_COUNT]);

#endif
