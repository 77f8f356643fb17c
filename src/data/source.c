#include "data/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"

fnas_view fnas_showing_view(const fnas_showing *showing, int64_t picture_height, int64_t picture_width) {
    if (showing->random) return fnas_view_random(*showing->random, picture_height, picture_width, showing->height, showing->width);
    return fnas_view_centre(picture_height, picture_width, showing->height, showing->width);
}

/* The name says which images these are: the same ones in another place have it too, others hardly. */
static fnas_status fnas_source_name(fnas_context *context, fnas_dataset *dataset, const char *path, uint64_t identity, int64_t side,
                                    const int64_t counts[FNAS_PART_COUNT]) {
    fnas_text name = {0}, spec = {0};
    char *absolute = realpath(path, NULL);
    if (!absolute) return fnas_fail_errno(context, path, "open");
    fnas_text_append(&spec, "folder:%s", absolute);
    free(absolute);
    fnas_text_append(&name, "folder:%016" PRIx64 ",classes=%lld,train=%lld,test=%lld", identity, (long long)dataset->classes,
                     (long long)counts[FNAS_PART_TRAIN], (long long)counts[FNAS_PART_TEST]);
    if (side) fnas_text_append(&name, ",side=%lld", (long long)side);
    dataset->name = name.data;
    dataset->spec = spec.data;
    return name.failed || spec.failed ? fnas_fail_memory(context, "the data set's name") : FNAS_OK;
}

static fnas_status fnas_source_labels(fnas_context *context, int64_t count, fnas_image_set *set) {
    set->labels = fnas_allocate((size_t)count, sizeof *set->labels);
    set->count = count;
    return set->labels ? FNAS_OK : fnas_fail_memory(context, "the images' classes");
}

fnas_status fnas_source_describe(fnas_context *context, fnas_dataset *dataset, const char *path, uint64_t identity, int64_t side,
                                 const int64_t counts[FNAS_PART_COUNT]) {
    /* Of ImageNet's training images, as torchvision has them and everybody uses them for photographs. */
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    memcpy(dataset->mean, mean, sizeof mean);
    memcpy(dataset->std, deviation, sizeof deviation);
    dataset->has_statistics = true;
    dataset->channels = 3;
    FNAS_TRY(fnas_source_name(context, dataset, path, identity, side, counts));
    FNAS_TRY(fnas_source_labels(context, counts[FNAS_PART_TRAIN], &dataset->train));
    return fnas_source_labels(context, counts[FNAS_PART_TEST], &dataset->test);
}

fnas_status fnas_folder_or_pack_open(fnas_context *context, const char *path, fnas_dataset *dataset) {
    struct stat info;
    if (stat(path, &info)) return fnas_fail_errno(context, path, "open");
    if (S_ISDIR(info.st_mode)) return fnas_folder_open(context, path, dataset);
    if (S_ISREG(info.st_mode)) return fnas_pack_open(context, path, dataset);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: neither a folder of images nor a file that `data prepare` made of one", path);
}
