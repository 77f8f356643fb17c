/* What a data set is inside, and its sources: one file each. */
#ifndef FNAS_DATA_DATASET_H
#define FNAS_DATA_DATASET_H

#include <stddef.h>

#include "base/error.h"
#include "fleetnas/data.h"

#define FNAS_CHANNELS_MAX 16
#define FNAS_EXTENT_MAX 1024 /* height and width */
#define FNAS_IMAGES_MAX INT64_C(10000000)
#define FNAS_CIFAR10_RECORDS 10000 /* of one file */

/* One part: pixels [count, C, H, W] (NULL: the data set has a source), labels [count]. */
typedef struct fnas_image_set {
    uint8_t *pixels;
    int32_t *labels;
    int64_t count;
} fnas_image_set;

typedef struct fnas_image_source fnas_image_source; /* source.h */

struct fnas_dataset {
    char *name, *spec;
    int64_t channels, height, width, classes; /* height and width 0: of any size, from the source */
    int64_t crop_padding;
    fnas_image_set train, test;
    float mean[FNAS_CHANNELS_MAX], std[FNAS_CHANNELS_MAX];
    bool has_statistics;                      /* published ones; otherwise they are computed on the train part */
    float normalised[FNAS_CHANNELS_MAX][256]; /* what a pixel becomes */
    const fnas_image_source *source;          /* where images come from that are not in memory; NULL: they are */
    void *detail;                             /* the source's own */
};

/* Bytes of one image. */
size_t fnas_dataset_image_bytes(const fnas_dataset *dataset);

/* Allocates one part for count images of the data set's shape (checked against the limits above). */
FNAS_NODISCARD fnas_status fnas_image_set_allocate(fnas_context *context, const fnas_dataset *dataset, int64_t count, fnas_image_set *set);

/* A source fills shape, classes, both parts and, when it has them, mean and std. `folder` and `options` are what stands behind the colon;
 * the data set is released by the caller also on failure. */
/* folder NULL: where the package puts it. */
FNAS_NODISCARD fnas_status fnas_fashion_mnist_read(fnas_context *context, const char *folder, fnas_dataset *dataset);
/* records: of each of the six files, of which the test part's may be absent. */
FNAS_NODISCARD fnas_status fnas_cifar10_read(fnas_context *context, const char *folder, int64_t records, fnas_dataset *dataset);
/* Folders and packs set name and spec themselves; what their detail has is released with the data set, also after a failure. */
FNAS_NODISCARD fnas_status fnas_folder_or_pack_open(fnas_context *context, const char *path, fnas_dataset *dataset);
FNAS_NODISCARD fnas_status fnas_folder_open(fnas_context *context, const char *path, fnas_dataset *dataset);
FNAS_NODISCARD fnas_status fnas_pack_open(fnas_context *context, const char *path, fnas_dataset *dataset);
/* Path of file `index` that the source reads from its folder, each of them there or not; owned (fnas_free); NULL behind the last, or when
 * out of memory. */
char *fnas_fashion_mnist_file(const char *folder, int64_t index);
char *fnas_cifar10_file(const char *folder, int64_t index);
/* Also sets the name. */
FNAS_NODISCARD fnas_status fnas_synthetic_make(fnas_context *context, const char *options, fnas_dataset *dataset);

#endif
