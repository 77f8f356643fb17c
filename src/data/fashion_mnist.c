/* IDX files of the MNIST family: big-endian magic 0x803 (images) or 0x801 (labels), extents, bytes; gzip or plain. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/dataset.h"

#define FNAS_FASHION_MNIST_FOLDER "/usr/share/datasets/fashion-mnist"
#define FNAS_FASHION_MNIST_CLASSES 10
#define FNAS_IDX_LIMIT_BYTES ((size_t)1 << 30)

static uint32_t fnas_big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* An IDX file of bytes: its extents, and the bytes behind them. */
typedef struct fnas_idx {
    char *path;
    unsigned char *file;
    const unsigned char *bytes;
    int64_t extents[3];
} fnas_idx;

static void fnas_idx_free(fnas_idx *idx) {
    fnas_free(idx->path);
    fnas_free(idx->file);
}

/* FOLDER/name.gz, or FOLDER/name where that exists; the first when neither does. NULL when out of memory. */
static char *fnas_idx_path(const char *folder, const char *name) {
    fnas_text packed = {0}, plain = {0};
    fnas_text_append(&packed, "%s/%s.gz", folder, name);
    fnas_text_append(&plain, "%s/%s", folder, name);
    bool take_plain = !packed.failed && !plain.failed && !fnas_file_exists(packed.data) && fnas_file_exists(plain.data);
    fnas_text_free(take_plain ? &packed : &plain);
    return take_plain ? plain.data : packed.data;
}

static fnas_status fnas_idx_parse(fnas_context *context, fnas_idx *idx, size_t size, int64_t rank) {
    size_t header = 4 + 4 * (size_t)rank, expected = 1;
    uint32_t magic = size >= 4 ? fnas_big_endian(idx->file) : 0, wanted = 0x800 + (uint32_t)rank;
    if (size < header)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: truncated: %zu bytes, the header alone takes %zu", idx->path, size, header);
    if (magic != wanted) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: not an IDX file of %s: magic 0x%x, expected 0x%x", idx->path,
                         rank == 3 ? "images" : "labels", magic, wanted);
    }
    for (int64_t i = 0; i < rank; i++) {
        idx->extents[i] = fnas_big_endian(idx->file + 4 + 4 * i);
        if (!fnas_size_multiply(expected, (size_t)idx->extents[i], &expected)) expected = SIZE_MAX;
    }
    if (size - header != expected) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s: its header promises %zu bytes of data, it has %zu", idx->path,
                         size - header < expected ? "truncated" : "too long", expected, size - header);
    }
    idx->bytes = idx->file + header;
    return FNAS_OK;
}

static fnas_status fnas_idx_read(fnas_context *context, const char *folder, const char *name, int64_t rank, fnas_idx *idx) {
    size_t size;
    *idx = (fnas_idx){.path = fnas_idx_path(folder, name)};
    if (!idx->path) return fnas_fail_memory(context, name);
    if (!fnas_file_exists(idx->path)) {
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s: missing: install the Debian package dataset-fashion-mnist, or name the folder of the files: fashion-mnist:DIR", idx->path);
    }
    FNAS_TRY(fnas_file_read_decompressed(context, idx->path, FNAS_IDX_LIMIT_BYTES, &idx->file, &size));
    return fnas_idx_parse(context, idx, size, rank);
}

static fnas_status fnas_copy_labels(fnas_context *context, const fnas_dataset *dataset, const fnas_idx *labels, fnas_image_set *set) {
    for (int64_t i = 0; i < set->count; i++) {
        if (labels->bytes[i] >= dataset->classes) {
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: label %lld is %d, it must be 0..%lld", labels->path, (long long)i,
                             labels->bytes[i], (long long)dataset->classes - 1);
        }
        set->labels[i] = labels->bytes[i];
    }
    return FNAS_OK;
}

static fnas_status fnas_take_part(fnas_context *context, fnas_dataset *dataset, const fnas_idx *images, const fnas_idx *labels,
                                  fnas_image_set *set) {
    if (images->extents[0] != labels->extents[0]) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld labels for the %lld images of %s", labels->path, (long long)labels->extents[0],
                         (long long)images->extents[0], images->path);
    }
    if (!dataset->height) {
        dataset->height = images->extents[1];
        dataset->width = images->extents[2];
    }
    if (images->extents[1] != dataset->height || images->extents[2] != dataset->width) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: images of %lldx%lld, those of the train part are %lldx%lld", images->path,
                         (long long)images->extents[1], (long long)images->extents[2], (long long)dataset->height,
                         (long long)dataset->width);
    }
    fnas_status status = fnas_image_set_allocate(context, dataset, images->extents[0], set);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s", images->path);
    memcpy(set->pixels, images->bytes, (size_t)set->count * fnas_dataset_image_bytes(dataset));
    return fnas_copy_labels(context, dataset, labels, set);
}

static fnas_status fnas_read_part(fnas_context *context, const char *folder, const char *images_name, const char *labels_name,
                                  fnas_dataset *dataset, fnas_image_set *set) {
    fnas_idx images = {0}, labels = {0};
    fnas_status status = fnas_idx_read(context, folder, images_name, 3, &images);
    if (status == FNAS_OK) status = fnas_idx_read(context, folder, labels_name, 1, &labels);
    if (status == FNAS_OK) status = fnas_take_part(context, dataset, &images, &labels, set);
    fnas_idx_free(&images);
    fnas_idx_free(&labels);
    return status;
}

static const char *const fnas_idx_names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                             "t10k-labels-idx1-ubyte"};

static const char *fnas_fashion_mnist_folder(const char *folder) {
    const char *chosen = folder ? folder : getenv("FLEETNAS_FASHION_MNIST");
    return chosen && *chosen ? chosen : FNAS_FASHION_MNIST_FOLDER;
}

char *fnas_fashion_mnist_file(const char *folder, int64_t index) {
    bool is_one = index < (int64_t)(sizeof fnas_idx_names / sizeof *fnas_idx_names);
    return is_one ? fnas_idx_path(fnas_fashion_mnist_folder(folder), fnas_idx_names[index]) : NULL;
}

fnas_status fnas_fashion_mnist_read(fnas_context *context, const char *folder, fnas_dataset *dataset) {
    const char *chosen = fnas_fashion_mnist_folder(folder);
    dataset->channels = 1;
    dataset->classes = FNAS_FASHION_MNIST_CLASSES;
    FNAS_TRY(fnas_read_part(context, chosen, fnas_idx_names[0], fnas_idx_names[1], dataset, &dataset->train));
    return fnas_read_part(context, chosen, fnas_idx_names[2], fnas_idx_names[3], dataset, &dataset->test);
}
