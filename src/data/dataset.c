#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/source.h"

size_t fnas_dataset_image_bytes(const fnas_dataset *dataset) {
    return (size_t)(dataset->channels * dataset->height * dataset->width);
}

fnas_status fnas_image_set_allocate(fnas_context *context, const fnas_dataset *dataset, int64_t count, fnas_image_set *set) {
    bool sane = dataset->channels >= 1 && dataset->channels <= FNAS_CHANNELS_MAX && dataset->height >= 1 &&
                dataset->height <= FNAS_EXTENT_MAX && dataset->width >= 1 && dataset->width <= FNAS_EXTENT_MAX && count >= 1 &&
                count <= FNAS_IMAGES_MAX;
    if (!sane) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%lld images of %lldx%lldx%lld: a data set holds 1..%lld images of at most %dx%dx%d",
                         (long long)count, (long long)dataset->channels, (long long)dataset->height, (long long)dataset->width,
                         (long long)FNAS_IMAGES_MAX, FNAS_CHANNELS_MAX, FNAS_EXTENT_MAX, FNAS_EXTENT_MAX);
    }
    set->pixels = fnas_allocate((size_t)count, fnas_dataset_image_bytes(dataset));
    set->labels = fnas_allocate((size_t)count, sizeof *set->labels);
    set->count = count;
    return set->pixels && set->labels ? FNAS_OK : fnas_fail_memory(context, "the images");
}

/* ---- normalisation ---- */

/* Mean and standard deviation of a channel over the train part, from exact integer sums. */
static void fnas_compute_statistics(fnas_dataset *dataset, int64_t channel) {
    int64_t area = dataset->height * dataset->width;
    uint64_t sum = 0, squares = 0;
    for (int64_t i = 0; i < dataset->train.count; i++) {
        const uint8_t *plane = dataset->train.pixels + (i * dataset->channels + channel) * area;
        for (int64_t k = 0; k < area; k++) {
            sum += plane[k];
            squares += (uint64_t)plane[k] * plane[k];
        }
    }
    double count = (double)dataset->train.count * (double)area, mean = (double)sum / count;
    double variance = (double)squares / count - mean * mean;
    dataset->mean[channel] = (float)(mean / 255);
    dataset->std[channel] = variance > 1e-6 ? (float)(sqrt(variance) / 255) : 1; /* a constant channel stays finite */
}

static void fnas_prepare_normalisation(fnas_dataset *dataset) {
    for (int64_t c = 0; c < dataset->channels; c++) {
        if (!dataset->has_statistics) fnas_compute_statistics(dataset, c);
        for (int value = 0; value < 256; value++) {
            dataset->normalised[c][value] = (float)((value / 255.0 - (double)dataset->mean[c]) / (double)dataset->std[c]);
        }
    }
}

/* The customary ones: 4 for 32x32 (He et al. 2016), 2 for 28x28. */
static int64_t fnas_customary_padding(int64_t height, int64_t width) {
    int64_t least = height < width ? height : width;
    return least >= 32 ? 4 : least >= 16 ? 2 : 1;
}

/* ---- opening ---- */

/* "name:ABSOLUTE/FOLDER", so that a run can be resumed from another folder. */
static fnas_status fnas_set_names(fnas_context *context, fnas_dataset *dataset, const char *name, const char *folder) {
    fnas_text spec = {0};
    char *absolute = folder ? realpath(folder, NULL) : NULL;
    if (folder && !absolute) return fnas_fail_errno(context, folder, "open the folder");
    fnas_text_append(&spec, absolute ? "%s:%s" : "%s", name, absolute);
    free(absolute);
    dataset->name = fnas_strdup(name);
    dataset->spec = spec.data;
    return spec.failed || !dataset->name ? fnas_fail_memory(context, "the data set's name") : FNAS_OK;
}

static fnas_status fnas_open_fashion_mnist(fnas_context *context, const char *folder, fnas_dataset *dataset) {
    FNAS_TRY(fnas_set_names(context, dataset, "fashion-mnist", folder));
    return fnas_fashion_mnist_read(context, folder, dataset);
}

static fnas_status fnas_open_cifar10(fnas_context *context, const char *folder, fnas_dataset *dataset) {
    if (!folder) return fnas_fail(context, FNAS_ERR_USAGE, "cifar10 needs the folder of its binary version: cifar10:DIR");
    FNAS_TRY(fnas_set_names(context, dataset, "cifar10", folder));
    return fnas_cifar10_read(context, folder, FNAS_CIFAR10_RECORDS, dataset);
}

static fnas_status fnas_open_folder(fnas_context *context, const char *path, fnas_dataset *dataset) {
    if (!path)
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "folder needs the folder of the class folders, or the file that `data prepare` made of it: "
                         "folder:DIR, folder:FILE");
    return fnas_folder_or_pack_open(context, path, dataset);
}

static fnas_status fnas_open_synthetic(fnas_context *context, const char *options, fnas_dataset *dataset) {
    if (!options)
        return fnas_fail(context, FNAS_ERR_USAGE, "synthetic needs the shape of its images: synthetic:3x32x32[,classes=K][,images=N]");
    FNAS_TRY(fnas_synthetic_make(context, options, dataset));
    dataset->spec = fnas_strdup(dataset->name);
    return dataset->spec ? FNAS_OK : fnas_fail_memory(context, "the data set's name");
}

static const struct {
    const char *name;
    fnas_status (*open)(fnas_context *context, const char *argument, fnas_dataset *dataset); /* argument NULL: no colon */
} fnas_sources[] = {
    {"fashion-mnist", fnas_open_fashion_mnist},
    {"cifar10", fnas_open_cifar10},
    {"folder", fnas_open_folder},
    {"synthetic", fnas_open_synthetic},
};

#define FNAS_SOURCE_COUNT (sizeof fnas_sources / sizeof *fnas_sources)

static fnas_status fnas_fail_unknown(fnas_context *context, const char *spec, size_t name_length) {
    static const char known[] =
        "known are fashion-mnist[:DIR], cifar10:DIR, folder:DIR, folder:FILE, synthetic:CxHxW[,classes=K][,images=N]";
    const char *names[FNAS_SOURCE_COUNT + 1] = {0};
    char name[64];
    for (size_t i = 0; i < FNAS_SOURCE_COUNT; i++) names[i] = fnas_sources[i].name;
    size_t kept = name_length < sizeof name - 1 ? name_length : sizeof name - 1;
    memcpy(name, spec, kept);
    name[kept] = 0;
    const char *near = fnas_suggest(name, names);
    if (near) return fnas_fail(context, FNAS_ERR_USAGE, "unknown data set \"%s\": did you mean \"%s\"? (%s)", name, near, known);
    return fnas_fail(context, FNAS_ERR_USAGE, "unknown data set \"%s\": %s", name, known);
}

static fnas_status fnas_open_source(fnas_context *context, const char *spec, fnas_dataset *dataset) {
    const char *colon = strchr(spec, ':');
    size_t length = colon ? (size_t)(colon - spec) : strlen(spec);
    if (colon && !colon[1]) return fnas_fail(context, FNAS_ERR_USAGE, "data set \"%s\": nothing stands behind the colon", spec);
    for (size_t i = 0; i < FNAS_SOURCE_COUNT; i++) {
        bool named = strlen(fnas_sources[i].name) == length && !memcmp(spec, fnas_sources[i].name, length);
        if (named) return fnas_sources[i].open(context, colon ? colon + 1 : NULL, dataset);
    }
    if (fnas_file_exists(spec)) return fnas_pack_open(context, spec, dataset); /* a file of prepared images needs no word before it */
    return fnas_fail_unknown(context, spec, length);
}

fnas_status fnas_dataset_open(fnas_context *context, const char *spec, fnas_dataset **dataset) {
    *dataset = NULL;
    fnas_dataset *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, "a data set");
    fnas_status status = fnas_open_source(context, spec, created);
    if (status != FNAS_OK) {
        fnas_dataset_close(created);
        return status;
    }
    if (!created->source) created->crop_padding = fnas_customary_padding(created->height, created->width);
    fnas_prepare_normalisation(created);
    *dataset = created;
    return FNAS_OK;
}

void fnas_dataset_close(fnas_dataset *dataset) {
    if (!dataset) return;
    if (dataset->source) dataset->source->close(dataset);
    fnas_free(dataset->train.pixels);
    fnas_free(dataset->train.labels);
    fnas_free(dataset->test.pixels);
    fnas_free(dataset->test.labels);
    fnas_free(dataset->name);
    fnas_free(dataset->spec);
    fnas_free(dataset);
}

fnas_dataset_info fnas_dataset_get(const fnas_dataset *dataset) {
    return (fnas_dataset_info){
        .name = dataset->name,
        .spec = dataset->spec,
        .channels = dataset->channels,
        .height = dataset->height,
        .width = dataset->width,
        .classes = dataset->classes,
        .train_count = dataset->train.count,
        .test_count = dataset->test.count,
        .crop_padding = dataset->crop_padding,
        .mean = dataset->mean,
        .std = dataset->std,
    };
}
