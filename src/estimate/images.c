#include "estimate/images.h"

#include <string.h>

/* How many pixels of the data set's, in each direction, make one of the space's; 0 where that is no whole number. */
static int64_t factor_of(const fnas_space *space, const fnas_dataset_info *info) {
    const int64_t *image = space->image;
    int64_t factor = info->height / image[1];
    bool whole = image[0] == info->channels && factor >= 1 && image[1] * factor == info->height && image[2] * factor == info->width;
    return whole ? factor : 0;
}

fnas_status fnas_shrunk_check(fnas_context *context, const fnas_space *space, const fnas_dataset *dataset) {
    fnas_dataset_info info = fnas_dataset_get(dataset);
    if (factor_of(space, &info)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "the space takes images %lldx%lldx%lld, the data set %s has %lldx%lldx%lld: use --proxy input=%lldx%lldx%lld, or a "
                     "whole fraction of that height and width",
                     (long long)space->image[0], (long long)space->image[1], (long long)space->image[2], info.name,
                     (long long)info.channels, (long long)info.height, (long long)info.width, (long long)info.channels,
                     (long long)info.height, (long long)info.width);
}

/* planes: images times channels; h, w: of the outcome. */
static void shrink(int64_t planes, int64_t h, int64_t w, int64_t factor, const float *from, float *to) {
    float scale = 1.0f / (float)(factor * factor);
    memset(to, 0, (size_t)(planes * h * w) * sizeof *to);
    for (int64_t row = 0; row < planes * h * factor; row++) {
        float *line = to + row / factor * w;
        for (int64_t x = 0; x < w * factor; x++) line[x / factor] += scale * from[row * w * factor + x];
    }
}

fnas_status fnas_shrunk_fill(fnas_context *context, const fnas_space *space, const fnas_dataset *dataset, int64_t count,
                             const int64_t *indices, const fnas_augment *augment, float *full, float *images, int32_t *labels) {
    fnas_dataset_info info = fnas_dataset_get(dataset);
    FNAS_TRY(fnas_batch_fill(context, dataset, count, indices, augment, full, labels));
    shrink(count * space->image[0], space->image[1], space->image[2], factor_of(space, &info), full, images);
    return FNAS_OK;
}
