/* A folder's images decoded once, into one file. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/threads.h"
#include "data/listed_file.h"
#include "data/pack.h"
#include "data/source.h"

#define CHUNK 4 /* images decoded before they are written, a thread */

/* One image of a chunk: a picture, or the reason why there is none. */
typedef struct slot {
    fnas_picture picture;
    char *reason;
} slot;

typedef struct preparation {
    fnas_context *context;
    const char *path;
    fnas_image_list list;
    fnas_team *team;
    int64_t side, chunk;
    slot *slots; /* [chunk] */
    fnas_part part;
    int64_t first; /* of the chunk */
    int64_t damaged, done, bytes;
    int64_t *class_counts; /* of the train part */
    double begin_ms;
} preparation;

/* ---- one image ---- */

static int64_t scaled(int64_t extent, int64_t side, int64_t shorter) {
    return (2 * extent * side + shorter) / (2 * shorter); /* rounded */
}

/* All of a picture, its shorter side at most `side` long. */
static fnas_view whole_view(int64_t height, int64_t width, int64_t side) {
    int64_t shorter = height < width ? height : width;
    bool fits = shorter <= side;
    return fnas_view_whole(height, width, fits ? height : scaled(height, side, shorter), fits ? width : scaled(width, side, shorter));
}

static fnas_status to_bytes(fnas_context *context, const float *planes, int64_t height, int64_t width, fnas_picture *picture) {
    int64_t area = height * width;
    uint8_t *pixels = fnas_allocate((size_t)area, FNAS_PICTURE_CHANNELS);
    if (!pixels) return fnas_fail_memory(context, "an image");
    *picture = (fnas_picture){pixels, pixels, height, width};
    for (int64_t k = 0; k < area; k++)
        for (int c = 0; c < FNAS_PICTURE_CHANNELS; c++) *pixels++ = (uint8_t)(planes[c * area + k] + 0.5f);
    return FNAS_OK;
}

static fnas_status shrink(fnas_context *context, const fnas_listed_file *file, int64_t side, fnas_picture *picture) {
    fnas_view view = whole_view(file->encoded.height, file->encoded.width, side);
    int64_t height = view.down.count, width = view.across.count;
    float *planes = fnas_allocate((size_t)(height * width), FNAS_PICTURE_CHANNELS * sizeof *planes);
    if (!planes) return fnas_fail_memory(context, file->path);
    fnas_status status = fnas_listed_show(context, file, &view, planes);
    if (status == FNAS_OK) status = to_bytes(context, planes, height, width, picture);
    fnas_free(planes);
    return status;
}

static fnas_status decode_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    preparation *work = user;
    slot *into = &work->slots[item];
    const fnas_listed_image *image = &work->list.parts[work->part].images[work->first + item];
    fnas_listed_file file;
    fnas_status status = fnas_listed_open(context, &work->list, image, &file);
    if (status == FNAS_OK) status = shrink(context, &file, work->side, &into->picture);
    fnas_listed_close(&file);
    if (status != FNAS_ERR_INPUT) return status;
    into->reason = fnas_strdup(fnas_context_message(context));
    return into->reason ? FNAS_OK : fnas_fail_memory(context, "a message");
}

/* ---- a chunk ---- */

static void empty_slots(preparation *work) {
    for (int64_t i = 0; work->slots && i < work->chunk; i++) {
        fnas_free(work->slots[i].picture.owned);
        fnas_free(work->slots[i].reason);
        work->slots[i] = (slot){0};
    }
}

static fnas_status keep_slot(preparation *work, fnas_pack_writer *writer, const slot *from, const fnas_listed_image *image) {
    if (from->reason) {
        if (++work->damaged <= FNAS_NAMED) fnas_log(work->context, FNAS_LOG_WARNING, "left out: %s", from->reason);
        return FNAS_OK;
    }
    if (work->part == FNAS_PART_TRAIN) work->class_counts[image->label]++;
    work->bytes += from->picture.height * from->picture.width * FNAS_PICTURE_CHANNELS;
    return fnas_pack_writer_add(work->context, writer, work->part, image->label, &from->picture);
}

static void report(const preparation *work) {
    char text[64];
    snprintf(text, sizeof text, "%.1f MB", (double)work->bytes / 1e6);
    fnas_progress progress = {.stage = "prepare",
                              .done = work->done,
                              .total = work->list.parts[FNAS_PART_TRAIN].count + work->list.parts[FNAS_PART_TEST].count,
                              .elapsed_s = (fnas_wall_ms() - work->begin_ms) / 1000,
                              .text = text};
    fnas_report_progress(work->context, &progress);
}

static fnas_status write_chunk(preparation *work, fnas_pack_writer *writer, int64_t count) {
    if (fnas_context_stop_requested(work->context))
        return fnas_fail(work->context, FNAS_INTERRUPTED, "stopped: %s was not written", work->path);
    FNAS_TRY(fnas_team_run(work->context, work->team, count, decode_item, work));
    for (int64_t i = 0; i < count; i++)
        FNAS_TRY(keep_slot(work, writer, &work->slots[i], &work->list.parts[work->part].images[work->first + i]));
    work->done += count;
    report(work);
    return FNAS_OK;
}

/* ---- the whole ---- */

static fnas_status write_part(preparation *work, fnas_pack_writer *writer, fnas_part part) {
    fnas_status status = FNAS_OK;
    int64_t total = work->list.parts[part].count;
    work->part = part;
    for (work->first = 0; work->first < total && status == FNAS_OK; work->first += work->chunk) {
        status = write_chunk(work, writer, total - work->first < work->chunk ? total - work->first : work->chunk);
        empty_slots(work);
    }
    return status;
}

/* "train/cat" of "train/cat/1.jpg", "cat" of "cat/1.jpg" */
static fnas_status check_classes(const preparation *work) {
    const fnas_listed_part *train = &work->list.parts[FNAS_PART_TRAIN];
    for (int64_t i = 0; i < train->count; i++) {
        if (work->class_counts[train->images[i].label]) continue;
        const char *path = work->list.paths.data + train->images[i].path;
        return fnas_fail(work->context, FNAS_ERR_INPUT, "%s/%.*s: no image of the class can be decoded: get the files anew, or remove it",
                         work->list.root, (int)(strrchr(path, '/') - path), path);
    }
    return FNAS_OK;
}

static fnas_status write_images(preparation *work, fnas_pack_writer *writer) {
    FNAS_TRY(write_part(work, writer, FNAS_PART_TRAIN));
    FNAS_TRY(check_classes(work));
    return write_part(work, writer, FNAS_PART_TEST);
}

static fnas_status write_pack(preparation *work, int64_t *size_bytes) {
    fnas_pack_writer *writer;
    FNAS_TRY(fnas_pack_writer_begin(work->context, work->path, &writer));
    fnas_status status = write_images(work, writer);
    if (status != FNAS_OK) {
        fnas_pack_writer_abort(writer);
        return status;
    }
    fnas_pack pack = {.root = work->list.root,
                      .classes = work->list.classes,
                      .side = work->side,
                      .damaged = work->damaged,
                      .identity = work->list.identity,
                      .fingerprint = work->list.fingerprint};
    return fnas_pack_writer_end(work->context, writer, &pack, size_bytes);
}

static fnas_status allocate(preparation *work) {
    int64_t threads = fnas_context_threads(work->context);
    work->chunk = CHUNK * threads;
    work->slots = fnas_allocate((size_t)work->chunk, sizeof *work->slots);
    work->class_counts = fnas_allocate((size_t)work->list.classes, sizeof *work->class_counts);
    if (!work->slots || !work->class_counts) return fnas_fail_memory(work->context, "images");
    return fnas_team_create(work->context, threads, NULL, &work->team);
}

static void remove_temporaries(const char *path) {
    char *folder = fnas_path_folder(path);
    if (folder) fnas_folder_remove_temporaries(folder);
    fnas_free(folder);
}

/* What is there and was made of just these images in this size. prepared: its counts. */
static bool find_current(const preparation *work, fnas_prepared *prepared) {
    fnas_context *apart;
    fnas_mapped_pack mapped = {0};
    if (!fnas_file_exists(work->path) || fnas_context_create(&apart) != FNAS_OK) return false;
    const fnas_pack *pack = &mapped.pack;
    bool current = fnas_pack_map(apart, work->path, &mapped) == FNAS_OK && pack->fingerprint == work->list.fingerprint &&
                   pack->side == work->side && !strcmp(pack->root, work->list.root);
    if (current)
        *prepared = (fnas_prepared){.train_count = pack->counts[FNAS_PART_TRAIN],
                                    .test_count = pack->counts[FNAS_PART_TEST],
                                    .classes = pack->classes,
                                    .damaged = pack->damaged,
                                    .side = pack->side,
                                    .size_bytes = (int64_t)pack->size,
                                    .was_current = true};
    fnas_pack_unmap(&mapped);
    fnas_context_destroy(apart);
    return current;
}

static fnas_status prepare(preparation *work, fnas_prepared *prepared) {
    if (find_current(work, prepared)) return FNAS_OK;
    remove_temporaries(work->path);
    FNAS_TRY(allocate(work));
    FNAS_TRY(write_pack(work, &prepared->size_bytes));
    int64_t kept = 0;
    for (int64_t c = 0; c < work->list.classes; c++) kept += work->class_counts[c];
    prepared->train_count = kept;
    prepared->test_count = work->done - work->damaged - kept;
    prepared->classes = work->list.classes;
    prepared->damaged = work->damaged;
    prepared->side = work->side;
    return FNAS_OK;
}

static fnas_status check_request(fnas_context *context, const char *spec, int64_t side, const char **folder) {
    static const char prefix[] = "folder:";
    bool is_folder = !strncmp(spec, prefix, sizeof prefix - 1);
    *folder = is_folder ? spec + sizeof prefix - 1 : spec;
    if (!is_folder || !fnas_folder_exists(*folder))
        return fnas_fail(context, is_folder ? FNAS_ERR_INPUT : FNAS_ERR_USAGE,
                         "%s: images are prepared from a folder of them, folder:DIR, parallel text from two files, text:SOURCE,TARGET",
                         spec);
    if (side >= FNAS_PACK_SIDE_MIN && side <= FNAS_PACK_SIDE_MAX) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "a shorter side of %lld pixels: it must be %d..%d", (long long)side, FNAS_PACK_SIDE_MIN,
                     FNAS_PACK_SIDE_MAX);
}

fnas_status fnas_dataset_prepare(fnas_context *context, const char *spec, int64_t side, const char *path, fnas_prepared *prepared) {
    const char *folder;
    preparation work = {.context = context, .path = path, .side = side ? side : FNAS_PACK_SIDE, .begin_ms = fnas_wall_ms()};
    *prepared = (fnas_prepared){0};
    FNAS_TRY(check_request(context, spec, work.side, &folder));
    fnas_status status = fnas_image_list_open(context, folder, &work.list);
    if (status == FNAS_OK) status = prepare(&work, prepared);
    empty_slots(&work);
    fnas_free(work.slots);
    fnas_free(work.class_counts);
    fnas_team_destroy(work.team);
    fnas_image_list_free(&work.list);
    return status;
}
