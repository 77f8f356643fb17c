/* From 8-bit images to normalised floats in the shape that is asked for, with augmentation. */
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/resize.h"
#include "data/source.h"

static fnas_status fnas_check_index(fnas_context *context, const fnas_dataset *dataset, const fnas_image_set *set, int64_t index) {
    if (index >= 0 && index < set->count) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "image %lld of %s does not exist: there are 0..%lld", (long long)index, dataset->name,
                     (long long)set->count - 1);
}

/* ---- shapes ---- */

static bool fnas_has_size(const fnas_dataset *dataset) {
    return dataset->height > 0;
}

/* The shape asked for, with NULL resolved. */
static fnas_status fnas_resolve_shape(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape, int64_t resolved[3]) {
    const int64_t own[3] = {dataset->channels, dataset->height, dataset->width};
    if (!shape && !fnas_has_size(dataset))
        return fnas_fail(context, FNAS_ERR_USAGE, "%s: its images have no size of their own: say which", dataset->name);
    for (int i = 0; i < 3; i++) resolved[i] = shape ? shape[i] : own[i];
    bool channels = resolved[0] == own[0] || (own[0] == 1 && resolved[0] == FNAS_PICTURE_CHANNELS);
    bool extents = resolved[1] >= 1 && resolved[1] <= FNAS_EXTENT_MAX && resolved[2] >= 1 && resolved[2] <= FNAS_EXTENT_MAX;
    if (channels && extents) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "the space takes images %lldx%lldx%lld, the data set %s has %lld channel%s and is resized to at most %dx%d: use "
                     "input=%lldxHxW in --space or --proxy, or other data",
                     (long long)resolved[0], (long long)resolved[1], (long long)resolved[2], dataset->name, (long long)own[0],
                     own[0] == 1 ? "" : "s", FNAS_EXTENT_MAX, FNAS_EXTENT_MAX, (long long)own[0]);
}

/* How many of the data set's pixels, in each direction, make one of the shape's; 0 where that is no whole number. */
static int64_t fnas_whole_factor(const fnas_dataset *dataset, const int64_t shape[3]) {
    int64_t factor = dataset->height / shape[1];
    return factor >= 1 && shape[1] * factor == dataset->height && shape[2] * factor == dataset->width ? factor : 0;
}

static bool fnas_is_own_shape(const fnas_dataset *dataset, const int64_t shape[3]) {
    return shape[0] == dataset->channels && shape[1] == dataset->height && shape[2] == dataset->width;
}

fnas_status fnas_dataset_fit(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape) {
    int64_t to[3];
    FNAS_TRY(fnas_resolve_shape(context, dataset, shape, to));
    long long channels = to[0], height = to[1], width = to[2];
    if (dataset->source)
        fnas_log(context, FNAS_LOG_INFO, "%s: pictures are cut and resized to %lldx%lldx%lld", dataset->name, channels, height, width);
    else if (!fnas_is_own_shape(dataset, to))
        fnas_log(context, FNAS_LOG_INFO, "%s: images of %lldx%lldx%lld are made %lldx%lldx%lld (%s)", dataset->name,
                 (long long)dataset->channels, (long long)dataset->height, (long long)dataset->width, channels, height, width,
                 fnas_whole_factor(dataset, to) == 1  ? "grey repeated"
                 : fnas_whole_factor(dataset, to) > 1 ? "means of pixels"
                                                      : "bilinear");
    return FNAS_OK;
}

/* ---- images in memory: as they are, or cropped and flipped ---- */

static void fnas_normalise(const fnas_dataset *dataset, const uint8_t *pixels, float *image) {
    int64_t area = dataset->height * dataset->width;
    for (int64_t c = 0; c < dataset->channels; c++) {
        const float *normalised = dataset->normalised[c];
        for (int64_t k = c * area; k < (c + 1) * area; k++) image[k] = normalised[pixels[k]];
    }
}

/* Where the picture is taken from: shifted down and right by less than the padding, perhaps mirrored. */
typedef struct fnas_crop {
    int64_t down, right;
    bool flip;
} fnas_crop;

static fnas_crop fnas_draw_crop(const fnas_dataset *dataset, fnas_random random) {
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

static void fnas_fill_own(const fnas_dataset *dataset, const fnas_image_set *set, int64_t index, const fnas_random *random, float *image) {
    const uint8_t *pixels = set->pixels + (size_t)index * fnas_dataset_image_bytes(dataset);
    if (random) {
        fnas_crop crop = fnas_draw_crop(dataset, *random);
        fnas_normalise_cropped(dataset, pixels, &crop, image);
    } else {
        fnas_normalise(dataset, pixels, image);
    }
}

static void fnas_resize_own(const fnas_dataset *dataset, const float *own, const int64_t shape[3], float *image) {
    int64_t factor = fnas_whole_factor(dataset, shape), area = shape[1] * shape[2];
    if (factor)
        fnas_resize_mean(dataset->channels, shape[1], shape[2], factor, own, image);
    else
        fnas_resize_aligned(dataset->channels, dataset->height, dataset->width, shape[1], shape[2], own, image);
    for (int64_t k = dataset->channels * area; k < shape[0] * area; k++) image[k] = image[k - area]; /* one channel, repeated */
}

static fnas_status fnas_show_from_memory(fnas_context *context, const fnas_dataset *dataset, const fnas_image_set *set, int64_t index,
                                         const int64_t shape[3], const fnas_random *random, float *image) {
    if (fnas_is_own_shape(dataset, shape)) {
        fnas_fill_own(dataset, set, index, random, image);
        return FNAS_OK;
    }
    float *own = fnas_allocate(fnas_dataset_image_bytes(dataset), sizeof *own);
    if (!own) return fnas_fail_memory(context, "an image");
    fnas_fill_own(dataset, set, index, random, own);
    fnas_resize_own(dataset, own, shape, image);
    fnas_free(own);
    return FNAS_OK;
}

/* ---- images from elsewhere ---- */

static fnas_status fnas_show_from_source(fnas_context *context, const fnas_dataset *dataset, const fnas_image_set *set, int64_t index,
                                         const int64_t shape[3], const fnas_random *random, float *image) {
    fnas_showing showing = {.height = shape[1], .width = shape[2], .random = random};
    fnas_part part = set == &dataset->test ? FNAS_PART_TEST : FNAS_PART_TRAIN;
    FNAS_TRY(dataset->source->show(context, dataset, part, index, &showing, image));
    int64_t area = shape[1] * shape[2];
    for (int64_t c = 0; c < shape[0]; c++) {
        float scale = 1 / (255 * dataset->std[c]), shift = dataset->mean[c] / dataset->std[c];
        for (int64_t k = c * area; k < (c + 1) * area; k++) image[k] = image[k] * scale - shift;
    }
    return FNAS_OK;
}

/* ---- one image ---- */

/* random: where its draws begin; NULL: as it is. */
static fnas_status fnas_show(fnas_context *context, const fnas_dataset *dataset, const fnas_image_set *set, const int64_t *shape,
                             int64_t index, const fnas_random *random, float *image, int32_t *label) {
    int64_t resolved[3];
    FNAS_TRY(fnas_check_index(context, dataset, set, index));
    FNAS_TRY(fnas_resolve_shape(context, dataset, shape, resolved));
    if (label) *label = set->labels[index];
    return dataset->source ? fnas_show_from_source(context, dataset, set, index, resolved, random, image)
                           : fnas_show_from_memory(context, dataset, set, index, resolved, random, image);
}

fnas_status fnas_dataset_image(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape, int64_t index, float *image,
                               int32_t *label) {
    return fnas_show(context, dataset, &dataset->train, shape, index, NULL, image, label);
}

fnas_status fnas_dataset_test_image(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape, int64_t index, float *image,
                                    int32_t *label) {
    return fnas_show(context, dataset, &dataset->test, shape, index, NULL, image, label);
}

fnas_status fnas_dataset_augmented(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape, int64_t index, uint64_t seed,
                                   int64_t step, int64_t position, float *image, int32_t *label) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_AUGMENT, step, position);
    return fnas_show(context, dataset, &dataset->train, shape, index, &random, image, label);
}

/* ---- batches ---- */

typedef struct fnas_batch_job {
    const fnas_dataset *dataset;
    const fnas_image_set *set;
    const int64_t *shape, *indices; /* indices NULL: 0, 1, 2, ... */
    const fnas_augment *augment;
    float *images;
    int32_t *labels;
    size_t floats; /* of an image */
} fnas_batch_job;

static fnas_status fnas_batch_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    const fnas_batch_job *job = user;
    fnas_random random = {0};
    if (job->augment) random = fnas_random_begin(job->augment->seed, FNAS_STREAM_AUGMENT, job->augment->step, item);
    return fnas_show(context, job->dataset, job->set, job->shape, job->indices ? job->indices[item] : item, job->augment ? &random : NULL,
                     job->images + (size_t)item * job->floats, &job->labels[item]);
}

/* Decoding takes milliseconds an image; what lies in memory, less than a thread takes to start. */
static fnas_status fnas_batch_run(fnas_context *context, fnas_batch_job *job, int64_t count) {
    int64_t resolved[3], threads = fnas_context_threads(context) < count ? fnas_context_threads(context) : count;
    fnas_status status = FNAS_OK;
    fnas_team *team;
    FNAS_TRY(fnas_resolve_shape(context, job->dataset, job->shape, resolved));
    job->floats = (size_t)(resolved[0] * resolved[1] * resolved[2]);
    if (!job->dataset->source || threads < 2) {
        for (int64_t i = 0; i < count && status == FNAS_OK; i++) status = fnas_batch_item(context, job, i, 0);
        return status;
    }
    FNAS_TRY(fnas_team_create(context, threads, NULL, &team));
    status = fnas_team_run(context, team, count, fnas_batch_item, job);
    fnas_team_destroy(team);
    return status;
}

fnas_status fnas_batch_fill(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape, int64_t count, const int64_t *indices,
                            const fnas_augment *augment, float *images, int32_t *labels) {
    fnas_batch_job job = {dataset, &dataset->train, shape, indices, augment, images, labels, 0};
    return fnas_batch_run(context, &job, count);
}

fnas_status fnas_batch_fill_test(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape, int64_t count, float *images,
                                 int32_t *labels) {
    fnas_batch_job job = {dataset, &dataset->test, shape, NULL, NULL, images, labels, 0};
    return fnas_batch_run(context, &job, count);
}
