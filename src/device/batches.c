#include "device/batches.h"

#include <string.h>

#include "base/memory.h"
#include "data/resize.h"

void fnas_batches_free(fnas_batches *batches) {
    for (int64_t i = 0; i < batches->made_count; i++) fnas_free(batches->made[i].images);
    fnas_free(batches->made);
    batches->made = NULL;
    batches->made_count = 0;
    batches->made_capacity = 0;
}

static void fill(const fnas_batches *batches, fnas_value_shape shape, float *images) {
    int64_t plane = batches->shape.h * batches->shape.w, target = shape.h * shape.w;
    bool same = shape.h == batches->shape.h && shape.w == batches->shape.w;
    for (int64_t n = 0; n < batches->count; n++)
        for (int64_t c = 0; c < shape.c; c++) {
            const float *from = batches->images + (n % batches->image_count * shape.c + c) * plane;
            float *to = images + (n * shape.c + c) * target;
            if (same)
                memcpy(to, from, (size_t)plane * sizeof *to);
            else
                fnas_resize_aligned(1, batches->shape.h, batches->shape.w, shape.h, shape.w, from, to);
        }
}

fnas_status fnas_batches_get(fnas_context *context, fnas_batches *batches, fnas_value_shape shape, const float **images) {
    if (shape.c != batches->shape.c)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "a network of %lld channels of input is given images of %lld", (long long)shape.c,
                         (long long)batches->shape.c);
    for (int64_t i = 0; i < batches->made_count; i++)
        if (batches->made[i].shape.h == shape.h && batches->made[i].shape.w == shape.w) {
            *images = batches->made[i].images;
            return FNAS_OK;
        }
    void *made = batches->made;
    bool grown = fnas_grow(&made, &batches->made_capacity, (size_t)batches->made_count + 1, sizeof *batches->made);
    batches->made = made;
    float *batch = grown ? fnas_allocate((size_t)(batches->count * shape.c * shape.h * shape.w), sizeof *batch) : NULL;
    if (!batch) return fnas_fail_memory(context, "a batch of images");
    fill(batches, shape, batch);
    batches->made[batches->made_count++] = (fnas_batch){shape, batch};
    *images = batch;
    return FNAS_OK;
}
