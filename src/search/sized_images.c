#include "search/sized_images.h"

#include "base/memory.h"
#include "data/resize.h"

static int64_t floats_of(fnas_value_shape shape) {
    return shape.c * shape.h * shape.w;
}

fnas_status fnas_sized_images_create(fnas_context *context, const fnas_dataset *dataset, fnas_value_shape to, int64_t workers,
                                     fnas_sized_images *sized) {
    fnas_dataset_info info = fnas_dataset_get(dataset);
    *sized = (fnas_sized_images){.from = {info.channels, info.height, info.width}, .to = to};
    if (info.height == to.h && info.width == to.w) return FNAS_OK;
    sized->scratch = fnas_allocate((size_t)(workers * floats_of(sized->from)), sizeof *sized->scratch);
    return sized->scratch ? FNAS_OK : fnas_fail_memory(context, "images to resize");
}

void fnas_sized_images_free(fnas_sized_images *sized) {
    fnas_free(sized->scratch);
    *sized = (fnas_sized_images){0};
}

float *fnas_sized_images_begin(const fnas_sized_images *sized, int64_t worker, float *image) {
    return sized->scratch ? sized->scratch + worker * floats_of(sized->from) : image;
}

void fnas_sized_images_end(const fnas_sized_images *sized, int64_t worker, float *image) {
    fnas_value_shape from = sized->from, to = sized->to;
    if (sized->scratch) fnas_resize_aligned(to.c, from.h, from.w, to.h, to.w, fnas_sized_images_begin(sized, worker, image), image);
}
