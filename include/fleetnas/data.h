/* Image data sets, their splits, augmentation. */
#ifndef FLEETNAS_DATA_H
#define FLEETNAS_DATA_H

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A data set in memory: uint8 images [N, C, H, W] with labels, a training part and a test part. Immutable: thread-safe to read. */
typedef struct fnas_dataset fnas_dataset;

typedef struct fnas_dataset_info {
    const char *name; /* canonical, without any path: "fashion-mnist", "cifar10", "synthetic:1x8x8,classes=4,images=512"; borrowed */
    int64_t channels, height, width, classes;
    int64_t train_count, test_count;
} fnas_dataset_info;

/* Opens `fashion-mnist` (Debian's dataset-fashion-mnist, or the folder in the environment variable FLEETNAS_FASHION_MNIST), `fashion-mnist:DIR`, `cifar10:DIR` (binary
 * batches, plain or .xz), `synthetic:CxHxW[,classes=K][,images=N]` (made by formula, for trials). Owned: fnas_dataset_close. Errors: FNAS_ERR_INPUT naming the missing,
 * truncated or malformed file and what to do, FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_open(fnas_context *context, const char *spec, fnas_dataset **dataset);
FNAS_API void fnas_dataset_close(fnas_dataset *dataset); /* NULL is allowed */
FNAS_API fnas_dataset_info fnas_dataset_get(const fnas_dataset *dataset);

/* Disjoint lists of training images: for supernet weights, for the hypernetwork's search, for validation (the rest). The test part is in none. */
typedef struct fnas_split fnas_split;
typedef enum fnas_split_kind { FNAS_SPLIT_WEIGHTS, FNAS_SPLIT_SEARCH, FNAS_SPLIT_VALIDATION } fnas_split_kind;

/* Fractions of the training part (> 0, sum < 1), class by class so that each list has the classes' shares; drawn by seed. Owned: fnas_split_free. Errors: FNAS_ERR_INPUT, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_split_create(fnas_context *context, const fnas_dataset *dataset, uint64_t seed, double weights_fraction, double search_fraction,
                                                      fnas_split **split);
FNAS_API void fnas_split_free(fnas_split *split);
FNAS_API const int64_t *fnas_split_part(const fnas_split *split, fnas_split_kind kind, int64_t *count); /* indices of training images, in a drawn order; borrowed */

/* Training image `index`, normalised by the data set's mean and standard deviation of each channel, as float32 [C, H, W]; label may be NULL. Thread-safe. */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_train_image(fnas_context *context, const fnas_dataset *dataset, int64_t index, float *image, int32_t *label);

/* The same, augmented: random crop after padding (4 pixels at 32x32, an eighth of the smaller side otherwise) and horizontal flip, drawn from the stream (seed, step, position). */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_augmented(fnas_context *context, const fnas_dataset *dataset, int64_t index, uint64_t seed, int64_t step, int64_t position,
                                                           float *image, int32_t *label);

/* Test image `index`: never used by a search, only to score what it found. */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_test_image(fnas_context *context, const fnas_dataset *dataset, int64_t index, float *image, int32_t *label);

#ifdef __cplusplus
}
#endif
#endif
