#include "device/batches.h"

#include <string.h>

#include "base/memory.h"

void fnas_batches_free(fnas_batches *batches) {
    for (int64_t i = 0; i < batches->made_count; i++) fnas_free(batches->made[i].images);
    fnas_free(batches->made);
    batches->made = NULL;
    batches->made_count = 0;
    batches->made_capacity = 0;
}

/* Where output coordinate `at` of `out` lies between the `in` of the source: the lower neighbour, and the share of the upper one. */
static int64_t place(int64_t at, int64_t out, int64_t in, float *share) {
    double where = out > 1 ? (double)at * (double)(in - 1) / (double)(out - 1) : 0;
    int64_t low = (int64_t)where;
    if (low > in - 2) low = in > 1 ? in - 2 : 0;
    *share = in > 1 ? (float)(where - (double)low) : 0;
    return low;
}

static void resize_plane(const float *from, fnas_value_shape in, fnas_value_shape out, float *to) {
    int64_t down = in.h > 1 ? in.w : 0, across = in.w > 1;
    for (int64_t y = 0; y < out.h; y++) {
        float below, right;
        const float *row = from + place(y, out.h, in.h, &below) * in.w;
        for (int64_t x = 0; x < out.w; x++) {
            const float *at = row + place(x, out.w, in.w, &right);
            float upper = at[0] + right * (at[across] - at[0]), lower = at[down] + right * (at[down + across] - at[down]);
            *to++ = upper + below * (lower - upper);
        }
    }
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
                resize_plane(from, batches->shape, shape, to);
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
