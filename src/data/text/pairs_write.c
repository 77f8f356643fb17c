/* Writing a file of pairs: ids as they come, all else at the end. */
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/text/pairs.h"
#include "data/text/pairs_layout.h"

#define PENDING_BYTES (1 << 20)

/* Entries as they will stand in the file. */
typedef struct entry_list {
    unsigned char *bytes; /* [count][FNAS_PAIRS_ENTRY_BYTES] */
    size_t capacity;
} entry_list;

struct fnas_pairs_writer {
    fnas_file_writer *file;
    const fnas_vocabulary *vocabulary;
    int width;
    uint64_t at, ids; /* bytes and ids written */
    uLong checksum;
    fnas_text pending; /* not yet handed to the file */
    int64_t counts[FNAS_TEXT_PARTS];
    entry_list entries[FNAS_TEXT_PARTS], text_entries[FNAS_TEXT_PARTS];
    fnas_text texts;
};

void fnas_pairs_writer_abort(fnas_pairs_writer *writer) {
    if (!writer) return;
    fnas_file_writer_abort(writer->file);
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) {
        fnas_free(writer->entries[part].bytes);
        fnas_free(writer->text_entries[part].bytes);
    }
    fnas_text_free(&writer->texts);
    fnas_text_free(&writer->pending);
    fnas_free(writer);
}

static fnas_status flush(fnas_context *context, fnas_pairs_writer *writer) {
    size_t size = writer->pending.size;
    writer->pending.size = 0;
    return size ? fnas_file_writer_append(context, writer->file, writer->pending.data, size) : FNAS_OK;
}

static fnas_status append(fnas_context *context, fnas_pairs_writer *writer, const void *bytes, size_t size) {
    if (!size) return FNAS_OK;
    writer->at += size;
    writer->checksum = crc32_z(writer->checksum, bytes, size);
    fnas_text_append_bytes(&writer->pending, bytes, size);
    if (writer->pending.failed) return fnas_fail_memory(context, "pairs");
    return writer->pending.size < PENDING_BYTES ? FNAS_OK : flush(context, writer);
}

fnas_status fnas_pairs_writer_begin(fnas_context *context, const char *path, const fnas_vocabulary *vocabulary,
                                    fnas_pairs_writer **writer) {
    *writer = fnas_allocate(1, sizeof **writer);
    if (!*writer) return fnas_fail_memory(context, path);
    (*writer)->vocabulary = vocabulary;
    (*writer)->width = fnas_vocabulary_get(vocabulary).size <= 65536 ? 2 : 4;
    (*writer)->checksum = crc32_z(0, NULL, 0);
    fnas_status status = fnas_file_writer_begin(context, path, &(*writer)->file);
    if (status == FNAS_OK) status = append(context, *writer, FNAS_PAIRS_MAGIC, FNAS_PAIRS_MAGIC_BYTES);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_pairs_writer_abort(*writer);
    *writer = NULL;
    return status;
}

int64_t fnas_pairs_writer_count(const fnas_pairs_writer *writer, fnas_text_part part) {
    return writer->counts[part];
}

static fnas_status add_entry(fnas_context *context, entry_list *list, int64_t index, uint64_t begin, uint64_t source, uint64_t target) {
    void *bytes = list->bytes;
    bool grown = fnas_grow(&bytes, &list->capacity, (size_t)index + 1, FNAS_PAIRS_ENTRY_BYTES);
    list->bytes = bytes;
    if (!grown) return fnas_fail_memory(context, "a list of pairs");
    unsigned char *entry = list->bytes + index * FNAS_PAIRS_ENTRY_BYTES;
    fnas_pairs_put(entry, begin, 8);
    fnas_pairs_put(entry + 8, source, 4);
    fnas_pairs_put(entry + 12, target, 4);
    return FNAS_OK;
}

static fnas_status add_ids(fnas_context *context, fnas_pairs_writer *writer, const int32_t *ids, int64_t count) {
    unsigned char bytes[4 * FNAS_PAIR_IDS_MAX];
    for (int64_t i = 0; i < count; i++) fnas_pairs_put(bytes + i * writer->width, (uint64_t)ids[i], writer->width);
    writer->ids += (uint64_t)count;
    return append(context, writer, bytes, (size_t)(count * writer->width));
}

static fnas_status add_texts(fnas_context *context, fnas_pairs_writer *writer, fnas_text_part part, const fnas_line *texts) {
    uint64_t begin = writer->texts.size;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) fnas_text_append_bytes(&writer->texts, texts[side].text, texts[side].size);
    if (writer->texts.failed) return fnas_fail_memory(context, "texts");
    return add_entry(context, &writer->text_entries[part], writer->counts[part], begin, texts[0].size, texts[1].size);
}

fnas_status fnas_pairs_writer_add(fnas_context *context, fnas_pairs_writer *writer, fnas_text_part part,
                                  const int32_t *const ids[FNAS_TEXT_SIDES], const int64_t counts[FNAS_TEXT_SIDES],
                                  const fnas_line texts[FNAS_TEXT_SIDES]) {
    if (writer->counts[part] >= FNAS_PAIRS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "more than %lld pairs in a part", (long long)FNAS_PAIRS_MAX);
    FNAS_TRY(add_entry(context, &writer->entries[part], writer->counts[part], writer->ids, (uint64_t)counts[0], (uint64_t)counts[1]));
    if (part == FNAS_TEXT_VALIDATION || part == FNAS_TEXT_TEST) FNAS_TRY(add_texts(context, writer, part, texts));
    writer->counts[part]++;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) FNAS_TRY(add_ids(context, writer, ids[side], counts[side]));
    return FNAS_OK;
}

/* ---- order ---- */

static fnas_status permute(fnas_context *context, entry_list *list, int64_t count, const int64_t *order) {
    if (!list->bytes) return FNAS_OK;
    unsigned char *mixed = fnas_allocate((size_t)count, FNAS_PAIRS_ENTRY_BYTES);
    if (!mixed) return fnas_fail_memory(context, "a list of pairs");
    for (int64_t i = 0; i < count; i++)
        memcpy(mixed + i * FNAS_PAIRS_ENTRY_BYTES, list->bytes + order[i] * FNAS_PAIRS_ENTRY_BYTES, FNAS_PAIRS_ENTRY_BYTES);
    fnas_free(list->bytes);
    *list = (entry_list){mixed, (size_t)count};
    return FNAS_OK;
}

fnas_status fnas_pairs_writer_mix(fnas_context *context, fnas_pairs_writer *writer, fnas_text_part part, uint64_t seed) {
    int64_t count = writer->counts[part];
    int64_t *order = fnas_allocate((size_t)count, sizeof *order);
    if (!order) return fnas_fail_memory(context, "the order of pairs");
    /* path: the draws of parts have 0 to 65535 (prepare.c) */
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_SPLIT, part, 1 << 16);
    fnas_random_permutation(&random, count, order);
    fnas_status status = permute(context, &writer->entries[part], count, order);
    if (status == FNAS_OK) status = permute(context, &writer->text_entries[part], count, order);
    fnas_free(order);
    return status;
}

/* ---- the end ---- */

static fnas_status append_entries(fnas_context *context, fnas_pairs_writer *writer, const entry_list *lists) {
    for (int part = 0; part < FNAS_TEXT_PARTS; part++)
        if (lists[part].bytes) FNAS_TRY(append(context, writer, lists[part].bytes, (size_t)writer->counts[part] * FNAS_PAIRS_ENTRY_BYTES));
    return FNAS_OK;
}

static fnas_status append_trailer(fnas_context *context, fnas_pairs_writer *writer, uint64_t *numbers) {
    unsigned char trailer[FNAS_PAIRS_TRAILER_BYTES];
    numbers[FNAS_PAIRS_FILE_BYTES] = writer->at + FNAS_PAIRS_TRAILER_BYTES;
    for (int i = 0; i < FNAS_PAIRS_CHECKSUM; i++) fnas_pairs_put(trailer + 8 * i, numbers[i], 8);
    fnas_pairs_put(trailer + 8 * FNAS_PAIRS_CHECKSUM, crc32_z(writer->checksum, trailer, 8 * FNAS_PAIRS_CHECKSUM), 8);
    memcpy(trailer + 8 * FNAS_PAIRS_NUMBERS, FNAS_PAIRS_MAGIC, FNAS_PAIRS_MAGIC_BYTES);
    return append(context, writer, trailer, sizeof trailer);
}

static fnas_status write_end(fnas_context *context, fnas_pairs_writer *writer, const char *const languages[FNAS_TEXT_SIDES], uint64_t seed,
                             int64_t *size_bytes) {
    size_t model_bytes;
    const unsigned char *model = fnas_vocabulary_bytes(writer->vocabulary, &model_bytes);
    uint64_t numbers[FNAS_PAIRS_NUMBERS] = {[FNAS_PAIRS_WIDTH] = (uint64_t)writer->width,
                                            [FNAS_PAIRS_IDS] = writer->ids,
                                            [FNAS_PAIRS_TEXT_BYTES] = writer->texts.size,
                                            [FNAS_PAIRS_MODEL_BYTES] = model_bytes,
                                            [FNAS_PAIRS_SEED] = seed};
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) numbers[FNAS_PAIRS_COUNTS + part] = (uint64_t)writer->counts[part];
    FNAS_TRY(append_entries(context, writer, writer->entries));
    FNAS_TRY(append_entries(context, writer, writer->text_entries));
    FNAS_TRY(append(context, writer, writer->texts.data, writer->texts.size));
    FNAS_TRY(append(context, writer, model, model_bytes));
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
        numbers[FNAS_PAIRS_NAMES_BYTES] += strlen(languages[side]) + 1;
        FNAS_TRY(append(context, writer, languages[side], strlen(languages[side]) + 1));
    }
    FNAS_TRY(append_trailer(context, writer, numbers));
    *size_bytes = (int64_t)writer->at;
    return flush(context, writer);
}

fnas_status fnas_pairs_writer_end(fnas_context *context, fnas_pairs_writer *writer, const char *const languages[FNAS_TEXT_SIDES],
                                  uint64_t seed, int64_t *size_bytes) {
    fnas_status status = write_end(context, writer, languages, seed, size_bytes);
    if (status == FNAS_OK) {
        status = fnas_file_writer_commit(context, writer->file);
        writer->file = NULL; /* released, whatever came of it */
    }
    fnas_pairs_writer_abort(writer);
    return status;
}
