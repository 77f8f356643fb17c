#include "data/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/source.h"

#define MAGIC "fleetnas-images1"
#define MAGIC_BYTES 16
#define ENTRY_BYTES 24

/* The trailer's numbers. */
enum {
    ENTRIES_OFFSET,
    ROOT_BYTES,
    TRAIN_COUNT,
    TEST_COUNT,
    CLASSES,
    SIDE,
    IDENTITY,
    FINGERPRINT,
    DAMAGED,
    FILE_BYTES,
    CHECKSUM,
    TRAILER_NUMBERS
};
#define TRAILER_BYTES (TRAILER_NUMBERS * 8 + MAGIC_BYTES)

/* ---- numbers ---- */

static void put(unsigned char *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *at, int bytes) {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) value = value << 8 | at[i];
    return value;
}

/* ---- reading ---- */

static fnas_status fail_damaged(fnas_context *context, const char *name, const char *what) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s: make it anew with `fleetnas data prepare`", name, what);
}

/* numbers [TRAILER_NUMBERS] */
static fnas_status read_trailer(fnas_context *context, const char *name, const unsigned char *bytes, size_t size, uint64_t *numbers) {
    if (size < MAGIC_BYTES || memcmp(bytes, MAGIC, MAGIC_BYTES))
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s: no file of prepared images: name the folder of the images, or what `fleetnas data prepare folder:DIR` made of it", name);
    if (size < MAGIC_BYTES + TRAILER_BYTES || memcmp(bytes + size - MAGIC_BYTES, MAGIC, MAGIC_BYTES))
        return fail_damaged(context, name, "truncated: its end is missing");
    for (int i = 0; i < TRAILER_NUMBERS; i++) numbers[i] = get(bytes + size - TRAILER_BYTES + 8 * i, 8);
    if (numbers[FILE_BYTES] != size) return fail_damaged(context, name, "damaged: it has not the length that it was written with");
    return FNAS_OK;
}

/* Where entries and path lie, and whether they are as they were written. */
static bool is_laid_out(const unsigned char *bytes, size_t size, const uint64_t *numbers) {
    uint64_t behind = size - TRAILER_BYTES, images = numbers[TRAIN_COUNT] + numbers[TEST_COUNT];
    uint64_t offset = numbers[ENTRIES_OFFSET], root = numbers[ROOT_BYTES];
    bool counted = numbers[TRAIN_COUNT] >= 1 && numbers[TRAIN_COUNT] <= FNAS_IMAGES_MAX && numbers[TEST_COUNT] <= FNAS_IMAGES_MAX &&
                   numbers[CLASSES] >= 2 && numbers[CLASSES] <= FNAS_IMAGES_MAX;
    if (!counted || offset < MAGIC_BYTES || offset > behind || images > (behind - offset) / ENTRY_BYTES) return false;
    if (root < 1 || root != behind - offset - images * ENTRY_BYTES || bytes[behind - 1]) return false;
    return crc32_z(0, bytes + offset, size - offset - MAGIC_BYTES - 8) == numbers[CHECKSUM];
}

static bool is_entry(const unsigned char *entry, const uint64_t *numbers) {
    uint64_t offset = get(entry, 8), height = get(entry + 8, 4), width = get(entry + 12, 4);
    if (height < 1 || width < 1 || height > FNAS_PICTURE_EXTENT_MAX || width > FNAS_PICTURE_EXTENT_MAX) return false;
    uint64_t pixels = height * width * FNAS_PICTURE_CHANNELS, behind = numbers[ENTRIES_OFFSET];
    return offset >= MAGIC_BYTES && offset <= behind && pixels <= behind - offset && get(entry + 16, 4) < numbers[CLASSES];
}

fnas_status fnas_pack_parse(fnas_context *context, const char *name, const unsigned char *bytes, size_t size, fnas_pack *pack) {
    uint64_t numbers[TRAILER_NUMBERS];
    *pack = (fnas_pack){0};
    FNAS_TRY(read_trailer(context, name, bytes, size, numbers));
    if (!is_laid_out(bytes, size, numbers)) return fail_damaged(context, name, "damaged: its list of images is not as it was written");
    const unsigned char *entries = bytes + numbers[ENTRIES_OFFSET];
    int64_t train = (int64_t)numbers[TRAIN_COUNT], test = (int64_t)numbers[TEST_COUNT];
    for (int64_t i = 0; i < train + test; i++)
        if (!is_entry(entries + i * ENTRY_BYTES, numbers)) return fail_damaged(context, name, "damaged: an image does not lie in it");
    *pack = (fnas_pack){.bytes = bytes,
                        .size = size,
                        .entries = entries,
                        .root = (const char *)entries + (train + test) * ENTRY_BYTES,
                        .counts = {train, test},
                        .classes = (int64_t)numbers[CLASSES],
                        .side = (int64_t)numbers[SIDE],
                        .damaged = (int64_t)numbers[DAMAGED],
                        .identity = numbers[IDENTITY],
                        .fingerprint = numbers[FINGERPRINT]};
    return FNAS_OK;
}

int32_t fnas_pack_image(const fnas_pack *pack, int64_t index, fnas_picture *picture) {
    const unsigned char *entry = pack->entries + index * ENTRY_BYTES;
    *picture = (fnas_picture){
        .pixels = pack->bytes + get(entry, 8), .height = (int64_t)get(entry + 8, 4), .width = (int64_t)get(entry + 12, 4)};
    return (int32_t)get(entry + 16, 4);
}

/* ---- a file on the disk ---- */

static fnas_status map_file(fnas_context *context, const char *path, int descriptor, fnas_mapped_pack *mapped) {
    struct stat info;
    if (fstat(descriptor, &info)) return fnas_fail_errno(context, path, "read");
    if (!S_ISREG(info.st_mode)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: no plain file", path);
    if (!info.st_size) return fnas_fail(context, FNAS_ERR_INPUT, "%s: the file is empty", path);
    void *address = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (address == MAP_FAILED) return fnas_fail_errno(context, path, "map");
    mapped->address = address;
    mapped->pack.size = (size_t)info.st_size;
    size_t size = mapped->pack.size;
    fnas_status status = fnas_pack_parse(context, path, address, size, &mapped->pack);
    mapped->pack.size = size; /* also of one that is refused: to unmap it */
    return status;
}

fnas_status fnas_pack_map(fnas_context *context, const char *path, fnas_mapped_pack *mapped) {
    *mapped = (fnas_mapped_pack){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for a writer */
    if (descriptor < 0) return fnas_fail_errno(context, path, "open");
    fnas_status status = map_file(context, path, descriptor, mapped);
    close(descriptor);
    return status;
}

void fnas_pack_unmap(fnas_mapped_pack *mapped) {
    if (mapped->address) munmap(mapped->address, mapped->pack.size);
    *mapped = (fnas_mapped_pack){0};
}

/* ---- the data set ---- */

static fnas_status show_packed(fnas_context *context, const fnas_dataset *dataset, fnas_part part, int64_t index,
                               const fnas_showing *showing, float *image) {
    const fnas_mapped_pack *mapped = dataset->detail;
    fnas_picture picture;
    (void)fnas_pack_image(&mapped->pack, part == FNAS_PART_TEST ? mapped->pack.counts[FNAS_PART_TRAIN] + index : index, &picture);
    fnas_view view = fnas_showing_view(showing, picture.height, picture.width);
    return fnas_view_show(context, &view, &picture, 8, image);
}

static void close_packed(fnas_dataset *dataset) {
    fnas_pack_unmap(dataset->detail);
    fnas_free(dataset->detail);
}

static const fnas_image_source pack_source = {show_packed, close_packed};

/* Where the folder is still there, it must be the one that the file was made of. */
static fnas_status check_current(fnas_context *context, const char *path, const fnas_pack *pack) {
    fnas_image_list list = {0};
    if (!fnas_folder_exists(pack->root)) {
        fnas_log(context, FNAS_LOG_INFO, "%s: made of %s, which is not here: taken as it is", path, pack->root);
        return FNAS_OK;
    }
    fnas_status status = fnas_image_list_open(context, pack->root, &list);
    bool same = status == FNAS_OK && list.fingerprint == pack->fingerprint;
    fnas_image_list_free(&list);
    if (same || (status != FNAS_OK && status != FNAS_ERR_INPUT)) return status;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: stale: %s has changed since it was made of it: make it anew with `fleetnas data prepare folder:%s --size %lld -o "
                     "%s`",
                     path, pack->root, pack->root, (long long)pack->side, path);
}

static fnas_status describe(fnas_context *context, const char *path, const fnas_pack *pack, fnas_dataset *dataset) {
    fnas_picture ignored;
    FNAS_TRY(check_current(context, path, pack));
    dataset->classes = pack->classes;
    FNAS_TRY(fnas_source_describe(context, dataset, path, pack->identity, pack->side, pack->counts));
    for (int64_t i = 0; i < dataset->train.count; i++) dataset->train.labels[i] = fnas_pack_image(pack, i, &ignored);
    for (int64_t i = 0; i < dataset->test.count; i++) dataset->test.labels[i] = fnas_pack_image(pack, dataset->train.count + i, &ignored);
    return FNAS_OK;
}

fnas_status fnas_pack_open(fnas_context *context, const char *path, fnas_dataset *dataset) {
    fnas_mapped_pack *mapped = fnas_allocate(1, sizeof *mapped);
    if (!mapped) return fnas_fail_memory(context, "a data set");
    dataset->detail = mapped;
    dataset->source = &pack_source;
    FNAS_TRY(fnas_pack_map(context, path, mapped));
    return describe(context, path, &mapped->pack, dataset);
}

/* ---- writing ---- */

struct fnas_pack_writer {
    fnas_file_writer *file;
    uint64_t at; /* bytes written */
    unsigned char *entries;
    size_t entries_bytes, capacity;
    int64_t counts[FNAS_PART_COUNT];
};

void fnas_pack_writer_abort(fnas_pack_writer *writer) {
    if (!writer) return;
    fnas_file_writer_abort(writer->file);
    fnas_free(writer->entries);
    fnas_free(writer);
}

static fnas_status append(fnas_context *context, fnas_pack_writer *writer, const void *bytes, size_t size) {
    writer->at += size;
    return fnas_file_writer_append(context, writer->file, bytes, size);
}

fnas_status fnas_pack_writer_begin(fnas_context *context, const char *path, fnas_pack_writer **writer) {
    *writer = fnas_allocate(1, sizeof **writer);
    if (!*writer) return fnas_fail_memory(context, path);
    fnas_status status = fnas_file_writer_begin(context, path, &(*writer)->file);
    if (status == FNAS_OK) status = append(context, *writer, MAGIC, MAGIC_BYTES);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_pack_writer_abort(*writer);
    *writer = NULL;
    return status;
}

fnas_status fnas_pack_writer_add(fnas_context *context, fnas_pack_writer *writer, fnas_part part, int32_t label,
                                 const fnas_picture *picture) {
    void *entries = writer->entries;
    bool grown = fnas_grow(&entries, &writer->capacity, writer->entries_bytes + ENTRY_BYTES, 1);
    writer->entries = entries;
    if (!grown) return fnas_fail_memory(context, "a list of images");
    unsigned char *entry = writer->entries + writer->entries_bytes;
    put(entry, writer->at, 8);
    put(entry + 8, (uint64_t)picture->height, 4);
    put(entry + 12, (uint64_t)picture->width, 4);
    put(entry + 16, (uint64_t)label, 4);
    put(entry + 20, 0, 4);
    writer->entries_bytes += ENTRY_BYTES;
    writer->counts[part]++;
    return append(context, writer, picture->pixels, (size_t)(picture->height * picture->width * FNAS_PICTURE_CHANNELS));
}

/* Entries, path and trailer. */
static fnas_status write_end(fnas_context *context, fnas_pack_writer *writer, const fnas_pack *pack, int64_t *size_bytes) {
    size_t root_bytes = strlen(pack->root) + 1;
    uint64_t offset = writer->at;
    unsigned char trailer[TRAILER_BYTES];
    const uint64_t numbers[TRAILER_NUMBERS] = {
        [ENTRIES_OFFSET] = offset,
        [ROOT_BYTES] = root_bytes,
        [TRAIN_COUNT] = (uint64_t)writer->counts[FNAS_PART_TRAIN],
        [TEST_COUNT] = (uint64_t)writer->counts[FNAS_PART_TEST],
        [CLASSES] = (uint64_t)pack->classes,
        [SIDE] = (uint64_t)pack->side,
        [IDENTITY] = pack->identity,
        [FINGERPRINT] = pack->fingerprint,
        [DAMAGED] = (uint64_t)pack->damaged,
        [FILE_BYTES] = offset + writer->entries_bytes + root_bytes + TRAILER_BYTES,
    };
    for (int i = 0; i < TRAILER_NUMBERS; i++) put(trailer + 8 * i, numbers[i], 8);
    uLong crc = crc32_z(crc32_z(0, NULL, 0), writer->entries, writer->entries_bytes);
    crc = crc32_z(crc, (const unsigned char *)pack->root, root_bytes);
    put(trailer + 8 * CHECKSUM, crc32_z(crc, trailer, 8 * CHECKSUM), 8);
    memcpy(trailer + 8 * TRAILER_NUMBERS, MAGIC, MAGIC_BYTES);
    FNAS_TRY(append(context, writer, writer->entries, writer->entries_bytes));
    FNAS_TRY(append(context, writer, pack->root, root_bytes));
    FNAS_TRY(append(context, writer, trailer, sizeof trailer));
    *size_bytes = (int64_t)writer->at;
    return FNAS_OK;
}

fnas_status fnas_pack_writer_end(fnas_context *context, fnas_pack_writer *writer, const fnas_pack *pack, int64_t *size_bytes) {
    fnas_status status = write_end(context, writer, pack, size_bytes);
    if (status == FNAS_OK) {
        status = fnas_file_writer_commit(context, writer->file);
        writer->file = NULL; /* released, whatever came of it */
    }
    fnas_pack_writer_abort(writer);
    return status;
}
