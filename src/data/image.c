/* From 8-bit images to normalised floats, with augmentation. */
#include "base/random.h"
#include "data/dataset.h"

static fnas_status fnas_check_index(fnas_context *context, const fnas_dataset *dataset, const fnas_image_set *set, int64_t index) {
    if (index >= 0 && index < set->count) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "image %lld of %s does not exist: there are 0..%lld", (long long)index, dataset->name,
                     (long long)set->count - 1);
}

static void fnas_normalise(const fnas_dataset *dataset, const uint8_t *pixels, float *image) {
    int64_t area = dataset->height * dataset->width;
    for (int64_t c = 0; c < dataset->channels; c++) {
        const float *normalised = dataset->normalised[c];
        for (int64_t k = c * area; k < (c + 1) * area; k++) image[k] = normalised[pixels[k]];
    }
}

static fnas_status fnas_plain_image(fnas_context *context, const fnas_dataset *dataset, const fnas_image_set *set, int64_t index,
                                    float *image, int32_t *label) {
    FNAS_TRY(fnas_check_index(context, dataset, set, index));
    fnas_normalise(dataset, set->pixels + (size_t)index * fnas_dataset_image_bytes(dataset), image);
    if (label) *label = set->labels[index];
    return FNAS_OK;
}

fnas_status fnas_dataset_image(fnas_context *context, const fnas_dataset *dataset, int64_t index, float *image, int32_t *label) {
    return fnas_plain_image(context, dataset, &dataset->train, index, image, label);
}

fnas_status fnas_dataset_test_image(fnas_context *context, const fnas_dataset *dataset, int64_t index, float *image, int32_t *label) {
    return fnas_plain_image(context, dataset, &dataset->test, index, image, label);
}

/* Where the picture is taken from: shifted down and right by less than the padding, perhaps mirrored. */
typedef struct fnas_crop {
    int64_t down, right;
    bool flip;
} fnas_crop;

static fnas_crop fnas_draw_crop(const fnas_dataset *dataset, uint64_t seed, int64_t step, int64_t position) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_AUGMENT, step, position);
    int64_t shifts = 2 * dataset->crop_padding + 1;
    fnas_crop crop;
    crop.down = fnas_random_below(&random, shifts) - dataset->crop_padding;
    crop.right = fnas_random_below(&random, shifts) - dataset->crop_padding;
    crop.flip = fnas_random_u32(&random) & 1;
    return crop;
}

static void fnas_crop_row(const float *normalised, const uint8_t *row, int64_t width, const fnas_crop *crop, float *out) {
    for (int64_t x = 0; x < width; x++) {
        int64_t from = (crop->flip ? width - 1 - x : x) + crop->right;
        out[x] = normalised[row && from >= 0 && from < width ? row[from] : 0]; /* black outside */
    }
}

static void fnas_normalise_cropped(const fnas_dataset *dataset, const uint8_t *pixels, const fnas_crop *crop, float *image) {
    int64_t height = dataset->height, width = dataset->width;
    for (int64_t c = 0; c < dataset->channels; c++) {
        for (int64_t y = 0; y < height; y++) {
            int64_t from = y + crop->down;
            const uint8_t *row = from >= 0 && from < height ? pixels + (c * height + from) * width : NULL;
            fnas_crop_row(dataset->normalised[c], row, width, crop, image + (c * height + y) * width);
        }
    }
}

fnas_status fnas_dataset_augmented(fnas_context *context, const fnas_dataset *dataset, int64_t index, uint64_t seed, int64_t step,
                                   int64_t position, float *image, int32_t *label) {
    FNAS_TRY(fnas_check_index(context, dataset, &dataset->train, index));
    fnas_crop crop = fnas_draw_crop(dataset, seed, step, position);
    fnas_normalise_cropped(dataset, dataset->train.pixels + (size_t)index * fnas_dataset_image_bytes(dataset), &crop, image);
    *label = dataset->train.labels[index];
    return FNAS_OK;
}

fnas_status fnas_batch_fill(fnas_context *context, const fnas_dataset *dataset, int64_t count, const int64_t *indices,
                            const fnas_augment *augment, float *images, int32_t *labels) {
    size_t floats = fnas_dataset_image_bytes(dataset);
    for (int64_t i = 0; i < count; i++) {
        float *image = images + (size_t)i * floats;
        if (augment)
            FNAS_TRY(fnas_dataset_augmented(context, dataset, indices[i], augment->seed, augment->step, i, image, &labels[i]));
        else
            FNAS_TRY(fnas_dataset_image(context, dataset, indices[i], image, &labels[i]));
    }
    return FNAS_OK;
}
