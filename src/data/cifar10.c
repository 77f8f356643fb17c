/* CIFAR-10's binary version: records of a label, 1,024 red, 1,024 green, 1,024 blue bytes (Krizhevsky 2009); plain or xz. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "data/dataset.h"

#define FNAS_CIFAR10_FILES 6 /* five of the train part, then the test part */
#define FNAS_CIFAR10_PIXELS 3072
#define FNAS_CIFAR10_RECORD_BYTES (1 + FNAS_CIFAR10_PIXELS)
#define FNAS_CIFAR10_CLASSES 10

typedef struct fnas_cifar10_job {
    const char *folder;
    int64_t records; /* of each file */
    fnas_dataset *dataset;
} fnas_cifar10_job;

/* FOLDER/name.bin, or FOLDER/name.bin.xz where only that exists. NULL when out of memory. */
static char *fnas_cifar10_path(const char *folder, int64_t file) {
    fnas_text plain = {0}, packed = {0};
    if (file < FNAS_CIFAR10_FILES - 1)
        fnas_text_append(&plain, "%s/data_batch_%d.bin", folder, (int)file + 1);
    else
        fnas_text_append(&plain, "%s/test_batch.bin", folder);
    if (!plain.failed) fnas_text_append(&packed, "%s.xz", plain.data);
    bool take_packed = !plain.failed && !packed.failed && !fnas_file_exists(plain.data) && fnas_file_exists(packed.data);
    fnas_text_free(take_packed ? &plain : &packed);
    return take_packed ? packed.data : plain.data;
}

char *fnas_cifar10_file(const char *folder, int64_t index) {
    return folder && index < FNAS_CIFAR10_FILES ? fnas_cifar10_path(folder, index) : NULL;
}

static fnas_status fnas_cifar10_take(fnas_context *context, const char *path, const unsigned char *data, size_t size, int64_t records,
                                     uint8_t *pixels, int32_t *labels) {
    size_t expected = (size_t)records * FNAS_CIFAR10_RECORD_BYTES;
    if (size != expected) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s: %zu bytes, expected %zu (%lld records of %d)", path,
                         size < expected ? "truncated" : "too long", size, expected, (long long)records, FNAS_CIFAR10_RECORD_BYTES);
    }
    for (int64_t i = 0; i < records; i++) {
        const unsigned char *record = data + i * FNAS_CIFAR10_RECORD_BYTES;
        if (record[0] >= FNAS_CIFAR10_CLASSES) {
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: record %lld has label %d, it must be 0..%d", path, (long long)i, record[0],
                             FNAS_CIFAR10_CLASSES - 1);
        }
        labels[i] = record[0];
        memcpy(pixels + i * FNAS_CIFAR10_PIXELS, record + 1, FNAS_CIFAR10_PIXELS);
    }
    return FNAS_OK;
}

static fnas_status fnas_cifar10_read_file(fnas_context *context, const fnas_cifar10_job *job, const char *path, int64_t file) {
    bool is_test = file == FNAS_CIFAR10_FILES - 1;
    const fnas_image_set *set = is_test ? &job->dataset->test : &job->dataset->train;
    int64_t first = is_test ? 0 : file * job->records;
    unsigned char *data;
    size_t size, limit = (size_t)job->records * FNAS_CIFAR10_RECORD_BYTES * 2; /* room to say by how much a file is too long */
    FNAS_TRY(fnas_file_read_decompressed(context, path, limit, &data, &size));
    fnas_status status = fnas_cifar10_take(context, path, data, size, job->records, set->pixels + first * FNAS_CIFAR10_PIXELS,
                                           set->labels + first);
    fnas_free(data);
    return status;
}

static fnas_status fnas_cifar10_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    const fnas_cifar10_job *job = user;
    char *path = fnas_cifar10_path(job->folder, item);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_cifar10_read_file(context, job, path, item);
    fnas_free(path);
    return status;
}

/* A folder without the test batch is one in which no search can touch it: its data set has no test part. */
static fnas_status fnas_cifar10_has_test(fnas_context *context, const char *folder, bool *has_test) {
    char *path = fnas_cifar10_path(folder, FNAS_CIFAR10_FILES - 1);
    if (!path) return fnas_fail_memory(context, "a path");
    *has_test = fnas_file_exists(path);
    fnas_free(path);
    return FNAS_OK;
}

fnas_status fnas_cifar10_read(fnas_context *context, const char *folder, int64_t records, fnas_dataset *dataset) {
    /* Of the train part, as the NAS literature uses them (Liu et al. 2019). */
    static const float mean[3] = {0.49139968f, 0.48215827f, 0.44653124f}, deviation[3] = {0.24703233f, 0.24348505f, 0.26158768f};
    memcpy(dataset->mean, mean, sizeof mean);
    memcpy(dataset->std, deviation, sizeof deviation);
    dataset->has_statistics = true;
    dataset->channels = 3;
    dataset->height = dataset->width = 32;
    dataset->classes = FNAS_CIFAR10_CLASSES;
    FNAS_TRY(fnas_image_set_allocate(context, dataset, (FNAS_CIFAR10_FILES - 1) * records, &dataset->train));
    bool has_test = false;
    FNAS_TRY(fnas_cifar10_has_test(context, folder, &has_test));
    if (has_test) FNAS_TRY(fnas_image_set_allocate(context, dataset, records, &dataset->test));

    fnas_cifar10_job job = {folder, records, dataset};
    int64_t threads = fnas_context_threads(context), files = has_test ? FNAS_CIFAR10_FILES : FNAS_CIFAR10_FILES - 1;
    fnas_team *team;
    FNAS_TRY(fnas_team_create(context, threads < files ? threads : files, NULL, &team));
    fnas_status status = fnas_team_run(context, team, files, fnas_cifar10_item, &job);
    fnas_team_destroy(team);
    return status;
}
