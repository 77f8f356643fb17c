#include "device/images.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"
#include "fleetnas/data.h"

#define WAVES 6

static const double two_pi = 6.283185307179586;

/* A channel as a few random waves: smooth, of mean about 0 and variance about 1, like a normalised photograph and unlike noise. */
static void draw_channel(fnas_random *random, int64_t height, int64_t width, float *channel) {
    double down[WAVES], across[WAVES], phase[WAVES];
    for (int wave = 0; wave < WAVES; wave++) {
        down[wave] = two_pi * fnas_random_normal(random) * 2 / (double)height;
        across[wave] = two_pi * fnas_random_normal(random) * 2 / (double)width;
        phase[wave] = two_pi * fnas_random_uniform(random);
    }
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            double value = 0;
            for (int wave = 0; wave < WAVES; wave++) value += sin(down[wave] * (double)y + across[wave] * (double)x + phase[wave]);
            channel[y * width + x] = (float)(value * sqrt(2.0 / WAVES));
        }
}

static void draw_synthetic(int64_t count, const int64_t shape[3], float *images) {
    for (int64_t i = 0; i < count * shape[0]; i++) {
        fnas_random random = fnas_random_begin(0, FNAS_STREAM_MEASURE, 1, i);
        draw_channel(&random, shape[1], shape[2], images + i * shape[1] * shape[2]);
    }
}

/* indices, labels: room for one an image. */
static fnas_status fill_first(fnas_context *context, const fnas_dataset *dataset, int64_t count, const int64_t shape[3], int64_t *indices,
                              int32_t *labels, float *images) {
    int64_t train_count = fnas_dataset_get(dataset).train_count;
    for (int64_t i = 0; i < count; i++) indices[i] = i % train_count;
    return fnas_batch_fill(context, dataset, shape, count, indices, NULL, images, labels);
}

static fnas_status read_dataset(fnas_context *context, const fnas_dataset *dataset, const char *data, int64_t count, const int64_t shape[3],
                                float *images) {
    FNAS_TRY(fnas_dataset_fit(context, dataset, shape));
    if (fnas_dataset_get(dataset).train_count < 1) return fnas_fail(context, FNAS_ERR_INPUT, "data set %s has no training images", data);
    int64_t *indices = fnas_allocate((size_t)count, sizeof *indices);
    int32_t *labels = fnas_allocate((size_t)count, sizeof *labels); /* not wanted */
    fnas_status status = indices && labels ? fill_first(context, dataset, count, shape, indices, labels, images)
                                           : fnas_fail_memory(context, "calibration images");
    fnas_free(indices);
    fnas_free(labels);
    return status;
}

fnas_status fnas_images_load(fnas_context *context, const fnas_space *space, const char *data, int64_t count, float **images, char *name,
                             size_t name_bytes) {
    int64_t shape[3], classes;
    *images = NULL;
    FNAS_TRY(fnas_space_image(context, space, shape, &classes));
    size_t bytes;
    if (!fnas_size_multiply((size_t)count, (size_t)(shape[0] * shape[1] * shape[2]), &bytes))
        return fnas_fail_memory(context, "calibration images");
    float *made = fnas_allocate(bytes, sizeof *made);
    if (!made) return fnas_fail_memory(context, "calibration images");
    fnas_status status = FNAS_OK;
    if (data) {
        fnas_dataset *dataset = NULL;
        status = fnas_dataset_open(context, data, &dataset);
        if (status == FNAS_OK) status = read_dataset(context, dataset, data, count, shape, made);
        if (status == FNAS_OK && name) snprintf(name, name_bytes, "%s", fnas_dataset_get(dataset).name);
        fnas_dataset_close(dataset);
    } else {
        draw_synthetic(count, shape, made);
        if (name) snprintf(name, name_bytes, "synthetic");
    }
    if (status == FNAS_OK)
        *images = made;
    else
        fnas_free(made);
    return status;
}
