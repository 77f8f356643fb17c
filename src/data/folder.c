/* A folder of class folders, its files decoded as they are asked for. */
#include <stdatomic.h>

#include "base/memory.h"
#include "data/listed_file.h"
#include "data/source.h"

typedef struct fnas_folder {
    fnas_image_list list;
    atomic_uchar *damaged[FNAS_PART_COUNT]; /* [count]: could not be decoded when it was asked for */
    atomic_int_fast64_t damaged_count;
} fnas_folder;

/* ---- damaged files ---- */

static bool fnas_is_power_of_ten(int64_t count) {
    while (count >= 10 && count % 10 == 0) count /= 10;
    return count == 1;
}

/* Says so of the first few, and then ever more rarely how many there are. The reason is the context's message. */
static void fnas_folder_note_damaged(fnas_context *context, fnas_folder *folder, fnas_part part, int64_t index) {
    if (atomic_exchange(&folder->damaged[part][index], 1)) return;
    int64_t count = atomic_fetch_add(&folder->damaged_count, 1) + 1;
    if (count <= FNAS_NAMED)
        fnas_log(context, FNAS_LOG_WARNING, "%s; left out: the next image of its class takes its place", fnas_context_message(context));
    else if (fnas_is_power_of_ten(count))
        fnas_log(context, FNAS_LOG_WARNING, "%s: %lld damaged images so far: `fleetnas data prepare` leaves them out", folder->list.root,
                 (long long)count);
}

/* The image behind `index` of the same class, begun again behind the last; -1 when that is `first` again. */
static int64_t fnas_next_of_class(const fnas_listed_part *part, int64_t index, int64_t first) {
    int32_t label = part->images[first].label;
    do index = (index + 1) % part->count;
    while (part->images[index].label != label);
    return index == first ? -1 : index;
}

/* ---- images ---- */

static fnas_status fnas_folder_show_file(fnas_context *context, const fnas_image_list *list, const fnas_listed_image *listed,
                                         const fnas_showing *showing, float *image) {
    fnas_listed_file file;
    fnas_status status = fnas_listed_open(context, list, listed, &file);
    if (status == FNAS_OK) {
        fnas_view view = fnas_showing_view(showing, file.encoded.height, file.encoded.width);
        status = fnas_listed_show(context, &file, &view, image);
    }
    fnas_listed_close(&file);
    return status;
}

/* In the place of a damaged image stands the next whole one of its class: a function of the files alone, whichever thread meets it when. */
static fnas_status fnas_folder_show(fnas_context *context, const fnas_dataset *dataset, fnas_part part, int64_t index,
                                    const fnas_showing *showing, float *image) {
    fnas_folder *folder = dataset->detail;
    const fnas_listed_part *listed = &folder->list.parts[part];
    for (int64_t at = index; at >= 0; at = fnas_next_of_class(listed, at, index)) {
        if (atomic_load(&folder->damaged[part][at])) continue;
        fnas_status status = fnas_folder_show_file(context, &folder->list, &listed->images[at], showing, image);
        if (status != FNAS_ERR_INPUT) return status;
        fnas_folder_note_damaged(context, folder, part, at);
    }
    return fnas_fail(context, FNAS_ERR_INPUT, "%s/%s: no image of its class can be decoded: get the files anew, or remove the class",
                     folder->list.root, folder->list.paths.data + listed->images[index].path);
}

static void fnas_folder_close(fnas_dataset *dataset) {
    fnas_folder *folder = dataset->detail;
    for (int part = 0; part < FNAS_PART_COUNT; part++) fnas_free(folder->damaged[part]);
    fnas_image_list_free(&folder->list);
    fnas_free(folder);
}

static const fnas_image_source fnas_folder_source = {fnas_folder_show, fnas_folder_close};

/* ---- opening ---- */

static fnas_status fnas_folder_fill(fnas_context *context, const char *path, fnas_folder *folder, fnas_dataset *dataset) {
    fnas_image_list *list = &folder->list;
    FNAS_TRY(fnas_image_list_open(context, path, list));
    int64_t counts[FNAS_PART_COUNT];
    for (int part = 0; part < FNAS_PART_COUNT; part++) {
        counts[part] = list->parts[part].count;
        folder->damaged[part] = fnas_allocate((size_t)counts[part], sizeof *folder->damaged[part]);
        if (!folder->damaged[part]) return fnas_fail_memory(context, "a list of images");
    }
    dataset->classes = list->classes;
    FNAS_TRY(fnas_source_describe(context, dataset, list->root, list->identity, 0, counts));
    for (int part = 0; part < FNAS_PART_COUNT; part++) {
        fnas_image_set *set = part == FNAS_PART_TEST ? &dataset->test : &dataset->train;
        for (int64_t i = 0; i < set->count; i++) set->labels[i] = list->parts[part].images[i].label;
    }
    return FNAS_OK;
}

fnas_status fnas_folder_open(fnas_context *context, const char *path, fnas_dataset *dataset) {
    fnas_folder *folder = fnas_allocate(1, sizeof *folder);
    dataset->detail = folder;
    dataset->source = folder ? &fnas_folder_source : NULL;
    return folder ? fnas_folder_fill(context, path, folder, dataset) : fnas_fail_memory(context, "a data set");
}
