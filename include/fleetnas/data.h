/* Data sets of labelled images, their splits, and batches drawn from them. */
#ifndef FLEETNAS_DATA_H
#define FLEETNAS_DATA_H

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A data set: labelled 8-bit images in a train and a test part, in memory at one size or, of an image folder, decoded when they are asked
 * for. Immutable once open: any number of threads may read it, each with its own context. */
typedef struct fnas_dataset fnas_dataset;

/* What a data set is. Pointers are borrowed from the data set. */
typedef struct fnas_dataset_info {
    const char *name; /* which images, without where they lie: "fashion-mnist", "cifar10", "synthetic:3x8x8,classes=10,images=2000",
                       * "folder:HASH,classes=K,train=N,test=N[,side=S]" with a hash of the files' names and sizes */
    const char *spec; /* opens it again from any folder: the name and, when one was given, the absolute path */
    int64_t channels, height, width, classes; /* height and width 0: images have no size of their own (folders) */
    int64_t train_count, test_count;
    int64_t crop_padding;    /* pixels of padding on each side before a random crop; 0: crops are cut out otherwise (folders) */
    const float *mean, *std; /* [channels] of pixels scaled to 0..1, that images are normalised by */
} fnas_dataset_info;

/* Opens a data set by its spec:
 *   fashion-mnist       the four files of Debian's package dataset-fashion-mnist; FLEETNAS_FASHION_MNIST in the environment
 *                       names another folder
 *   fashion-mnist:DIR   the same files (IDX, gzip or plain) in DIR
 *   cifar10:DIR         data_batch_1..5.bin and test_batch.bin in DIR, each plain or xz (.bin.xz); without test_batch.bin there is
 *                       no test part, which a search does not need
 *   folder:DIR          JPEG and PNG files in ImageNet's layout: DIR/train/CLASS and DIR/val/CLASS, the second one the test part, which
 *                       may be missing; or DIR/CLASS, where every tenth image of a class by name is of the test part. Only the list of
 *                       files is read; images are decoded when they are asked for. docs/data.md
 *   folder:FILE         what fnas_dataset_prepare made of such a folder; FILE alone will do. Refused when the folder is still there and
 *                       has changed since
 *   synthetic:CxHxW[,classes=K][,images=N]
 *                       smooth patterns, one a class, with noise: the same on every machine with one C library. Classes 2..1000 [10],
 *                       train images 10..1000000 [2000], a fifth as many test images
 *
 * All but folders is read into memory (Fashion-MNIST 55 MB, CIFAR-10 185 MB), CIFAR-10's files on the context's threads; unpacking CIFAR-10
 * from xz costs 9 s of processor time, plain files next to nothing. *dataset is owned: fnas_dataset_close. Errors: FNAS_ERR_USAGE for
 * an unknown spec, FNAS_ERR_INPUT for a missing, truncated or wrong file (named) or a folder that is laid out otherwise, FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_open(fnas_context *context, const char *spec, fnas_dataset **dataset);
FNAS_API void fnas_dataset_close(fnas_dataset *dataset); /* NULL is allowed */

/* Where a data set of this spec reads, without opening it: whether writing to `path` would change what it reads. A file that it reads is
 * such a path by any name (a link); of folder:DIR anything inside DIR is, also what is not there yet, since a name more may be an image
 * more. So it is of text:FILE, prepared pairs of sentences. False for a spec that names nothing that is there. spec, path: borrowed.
 * Thread-safe. */
FNAS_API bool fnas_dataset_reads(const char *spec, const char *path);
FNAS_API fnas_dataset_info fnas_dataset_get(const fnas_dataset *dataset);

/* ---- sizes ----
 * Every image is asked for in a shape, int64_t [3] of C, H, W; NULL: the data set's own. Images in memory are resized after they are
 * augmented and normalised: to a whole fraction of their size by means of pixels, to any other bilinearly with the corners aligned, as
 * MODNAS resizes its batches (Sukthanker et al. 2025); one channel is repeated where three are asked for. Folders have any size, by cutting
 * out and resizing pictures once (docs/data.md). */

/* Whether images can be given in this shape; what is done to them for it is said in one line of the log (FNAS_LOG_INFO). shape [3],
 * borrowed. Errors: FNAS_ERR_INPUT (other channels than can be made, more than 1024 pixels high or wide), FNAS_ERR_USAGE (NULL, of a
 * folder). */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_fit(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape);

/* ---- one image: float32 [C, H, W] in the shape asked for, (pixel / 255 - mean) / std; its label 0..classes-1 ---- */

/* Image `index` of the train part as it is; of a folder, resized until its shorter side is 1 / 0.875 of the shape's, and its centre.
 * Deterministic, thread-safe. Errors: FNAS_ERR_USAGE for an index outside, as fnas_dataset_fit for a shape, FNAS_ERR_MEMORY; of a folder
 * also FNAS_ERR_IO, FNAS_ERR_INPUT (no image of the class can be decoded: in the place of a damaged one stands the next of its class). */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_image(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape,
                                                       int64_t index, float *image, int32_t *label);

/* Image `index` of the train part, randomly cropped (crop_padding black pixels around it) and flipped left to right with probability 1/2;
 * of a folder a random part of 8 to 100 % of its area, flipped, its brightness and saturation changed (docs/data.md). The draw is a
 * function of (seed, FNAS_STREAM_AUGMENT, step, position) alone: any thread may make any image. `position`: place in the batch. Errors as
 * fnas_dataset_image. */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_augmented(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape,
                                                           int64_t index, uint64_t seed, int64_t step, int64_t position, float *image,
                                                           int32_t *label);

/* Image `index` of the test part. Apart from the others so that a search cannot touch it by mistake. Errors as fnas_dataset_image. */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_test_image(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape,
                                                            int64_t index, float *image, int32_t *label);

/* ---- batches: images [count, C, H, W] float32 in the shape asked for, labels [count] ---- */

/* How to augment a batch; the draws are those of fnas_dataset_augmented with position 0..count-1. */
typedef struct fnas_augment {
    uint64_t seed;
    int64_t step;
} fnas_augment;

/* Fills a batch with images of the train part, indices [count], borrowed; augment NULL: images as they are. The bits are the same for any
 * number of threads: those of a folder are decoded on the context's, others made on the calling one. Errors as fnas_dataset_image. */
FNAS_API FNAS_NODISCARD fnas_status fnas_batch_fill(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape, int64_t count,
                                                    const int64_t *indices, const fnas_augment *augment, float *images, int32_t *labels);

/* The first `count` images of the test part, in the same way. Errors as fnas_dataset_image. */
FNAS_API FNAS_NODISCARD fnas_status fnas_batch_fill_test(fnas_context *context, const fnas_dataset *dataset, const int64_t *shape,
                                                         int64_t count, float *images, int32_t *labels);

/* ---- preparing a folder ---- */

/* What became of it. */
typedef struct fnas_prepared {
    int64_t train_count, test_count, classes;
    int64_t damaged; /* files left out */
    int64_t side;    /* longest shorter side, in pixels */
    int64_t size_bytes;
    bool was_current; /* the file was there already, made of just these images */
} fnas_prepared;

/* Decodes every image of `spec` (folder:DIR) once, upright, its shorter side reduced to `side` pixels where it is longer (8..4096; 0: 256),
 * and writes them uncompressed to `path`, which folder:PATH then opens. Damaged files are left out, the first few named in the log. The
 * file appears whole or not at all; one that is there and was made of the same files (by names, sizes and times of change) in the same
 * size is left as it is. On the context's threads; reports progress and can be stopped. Errors: FNAS_ERR_USAGE, FNAS_ERR_INPUT (as
 * fnas_dataset_open; a class of which nothing can be decoded), FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_INTERRUPTED. */
FNAS_API FNAS_NODISCARD fnas_status fnas_dataset_prepare(fnas_context *context, const char *spec, int64_t side, const char *path,
                                                         fnas_prepared *prepared);

/* ---- splits ---- */

/* Three disjoint sets of train images: for the supernet's weights, for the hypernetwork's search, for validation. */
typedef struct fnas_split fnas_split;
typedef enum fnas_split_kind { FNAS_SPLIT_WEIGHTS, FNAS_SPLIT_SEARCH, FNAS_SPLIT_VALIDATION } fnas_split_kind;

/* Splits the train part: weight_fraction and search_fraction of it, the rest for validation, each class in these proportions. Drawn by
 * (seed, FNAS_STREAM_SPLIT) alone. The order inside a part is random too: its first k images are a random sample.
 * *split is owned: fnas_split_free. Errors: FNAS_ERR_INPUT when a part would be empty, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_split_create(fnas_context *context, const fnas_dataset *dataset, uint64_t seed,
                                                      double weight_fraction, double search_fraction, fnas_split **split);
FNAS_API void fnas_split_free(fnas_split *split); /* NULL is allowed */
/* Indices [*count] into the train part; borrowed from the split. */
FNAS_API const int64_t *fnas_split_part(const fnas_split *split, fnas_split_kind kind, int64_t *count);

/* ---- order of images in an epoch ---- */

/* A permutation of 0..count-1 an epoch, a function of (seed, FNAS_STREAM_SHUFFLE, epoch, path) alone, so that nothing need be saved to
 * resume. The last epoch asked for is kept; not thread-safe. `path` keeps orders of several parts apart. *order is owned:
 * fnas_epoch_order_free. Errors: FNAS_ERR_USAGE (count < 1), FNAS_ERR_MEMORY. */
typedef struct fnas_epoch_order fnas_epoch_order;
FNAS_API FNAS_NODISCARD fnas_status fnas_epoch_order_create(fnas_context *context, uint64_t seed, int64_t path, int64_t count,
                                                            fnas_epoch_order **order);
FNAS_API void fnas_epoch_order_free(fnas_epoch_order *order); /* NULL is allowed */
/* Which element stands at position `position` (0, 1, ... over all epochs: position / count is the epoch). */
FNAS_API int64_t fnas_epoch_order_at(fnas_epoch_order *order, int64_t position);

#ifdef __cplusplus
}
#endif
#endif
