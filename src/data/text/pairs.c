#include "data/text/pairs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "data/text/pairs_layout.h"

struct fnas_pairs {
    void *mapped; /* NULL: the bytes are the caller's */
    const unsigned char *bytes;
    size_t size;
    uint64_t numbers[FNAS_PAIRS_NUMBERS];
    const unsigned char *ids, *entries[FNAS_TEXT_PARTS], *text_entries[FNAS_TEXT_PARTS], *model, *names;
    const char *texts;
    int width;
    int64_t longest[FNAS_TEXT_SIDES];
    char *name;
    fnas_vocabulary *vocabulary;
};

static bool has_texts(int part) {
    return part == FNAS_TEXT_VALIDATION || part == FNAS_TEXT_TEST;
}

/* ---- checking ---- */

static fnas_status fail_damaged(fnas_context *context, const char *name, const char *why) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s: make it anew with `fleetnas data prepare text:SOURCE,TARGET`", name, why);
}

/* The numbers, and that the file is as long as they say. */
static fnas_status read_trailer(fnas_context *context, const char *name, fnas_pairs *pairs) {
    if (pairs->size < FNAS_PAIRS_MAGIC_BYTES || memcmp(pairs->bytes, FNAS_PAIRS_MAGIC, FNAS_PAIRS_MAGIC_BYTES) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: no prepared text: `fleetnas data prepare text:SOURCE,TARGET -o FILE` makes it",
                         name);
    const unsigned char *end = pairs->bytes + pairs->size - FNAS_PAIRS_MAGIC_BYTES;
    bool ended = pairs->size >= FNAS_PAIRS_MAGIC_BYTES + FNAS_PAIRS_TRAILER_BYTES && !memcmp(end, FNAS_PAIRS_MAGIC, FNAS_PAIRS_MAGIC_BYTES);
    for (int i = 0; ended && i < FNAS_PAIRS_NUMBERS; i++) pairs->numbers[i] = fnas_pairs_number(end + 8 * (i - FNAS_PAIRS_NUMBERS), 8);
    if (!ended || pairs->numbers[FNAS_PAIRS_FILE_BYTES] != pairs->size) return fail_damaged(context, name, "truncated");
    return FNAS_OK;
}

/* Takes count pieces of `bytes` bytes off what is left. */
static bool take(const unsigned char **at, uint64_t *left, uint64_t count, uint64_t bytes, const unsigned char **begin) {
    *begin = *at;
    if (count > *left / bytes) return false;
    *at += count * bytes;
    *left -= count * bytes;
    return true;
}

/* Where everything lies, one behind the other. */
static bool lay_out(fnas_pairs *pairs) {
    const uint64_t *numbers = pairs->numbers;
    const unsigned char *at = pairs->bytes + FNAS_PAIRS_MAGIC_BYTES, *texts;
    uint64_t left = pairs->size - FNAS_PAIRS_MAGIC_BYTES - FNAS_PAIRS_TRAILER_BYTES;
    if (numbers[FNAS_PAIRS_WIDTH] != 2 && numbers[FNAS_PAIRS_WIDTH] != 4) return false;
    pairs->width = (int)numbers[FNAS_PAIRS_WIDTH];
    bool fits = take(&at, &left, numbers[FNAS_PAIRS_IDS], numbers[FNAS_PAIRS_WIDTH], &pairs->ids);
    for (int part = 0; part < FNAS_TEXT_PARTS && fits; part++)
        fits = take(&at, &left, numbers[FNAS_PAIRS_COUNTS + part], FNAS_PAIRS_ENTRY_BYTES, &pairs->entries[part]);
    for (int part = 0; part < FNAS_TEXT_PARTS && fits; part++)
        if (has_texts(part)) fits = take(&at, &left, numbers[FNAS_PAIRS_COUNTS + part], FNAS_PAIRS_ENTRY_BYTES, &pairs->text_entries[part]);
    fits = fits && take(&at, &left, numbers[FNAS_PAIRS_TEXT_BYTES], 1, &texts) &&
           take(&at, &left, numbers[FNAS_PAIRS_MODEL_BYTES], 1, &pairs->model) &&
           take(&at, &left, numbers[FNAS_PAIRS_NAMES_BYTES], 1, &pairs->names) && !left;
    if (fits) pairs->texts = (const char *)texts;
    return fits;
}

/* Two texts with a 0 behind each. */
static bool are_names(const fnas_pairs *pairs) {
    uint64_t size = pairs->numbers[FNAS_PAIRS_NAMES_BYTES];
    const unsigned char *first = size ? memchr(pairs->names, 0, size) : NULL;
    return first && size <= FNAS_PAIRS_NAMES_MAX && pairs->names + size > first + 1 &&
           memchr(first + 1, 0, size - (size_t)(first + 1 - pairs->names)) == pairs->names + size - 1;
}

static int32_t get_id(const fnas_pairs *pairs, uint64_t index) {
    return (int32_t)fnas_pairs_number(pairs->ids + index * (uint64_t)pairs->width, pairs->width);
}

static bool is_entry(fnas_pairs *pairs, const unsigned char *entry) {
    uint64_t begin = fnas_pairs_number(entry, 8), all = pairs->numbers[FNAS_PAIRS_IDS], sum = 0;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
        uint64_t count = fnas_pairs_number(entry + 8 + 4 * side, 4);
        if (count < 1 || count > FNAS_PAIR_IDS_MAX) return false;
        if ((int64_t)count > pairs->longest[side]) pairs->longest[side] = (int64_t)count;
        sum += count;
    }
    return begin <= all && sum <= all - begin;
}

static bool is_text_entry(const fnas_pairs *pairs, const unsigned char *entry) {
    uint64_t begin = fnas_pairs_number(entry, 8), all = pairs->numbers[FNAS_PAIRS_TEXT_BYTES];
    return begin <= all && fnas_pairs_number(entry + 8, 4) + fnas_pairs_number(entry + 12, 4) <= all - begin;
}

static bool are_entries(fnas_pairs *pairs) {
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) {
        uint64_t count = pairs->numbers[FNAS_PAIRS_COUNTS + part];
        for (uint64_t i = 0; i < count; i++) {
            if (!is_entry(pairs, pairs->entries[part] + i * FNAS_PAIRS_ENTRY_BYTES)) return false;
            if (has_texts(part) && !is_text_entry(pairs, pairs->text_entries[part] + i * FNAS_PAIRS_ENTRY_BYTES)) return false;
        }
        if (count > FNAS_PAIRS_MAX || (part == FNAS_TEXT_TRAIN && !count)) return false;
    }
    int32_t pieces = fnas_vocabulary_get(pairs->vocabulary).size;
    for (uint64_t i = 0; i < pairs->numbers[FNAS_PAIRS_IDS]; i++) {
        int32_t id = get_id(pairs, i);
        if (id < 0 || id >= pieces) return false;
    }
    return true;
}

static fnas_status set_name(fnas_context *context, fnas_pairs *pairs) {
    fnas_text name = {0};
    fnas_pairs_info info = fnas_pairs_get(pairs);
    int64_t count = 0;
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) count += info.counts[part];
    fnas_text_append(&name, "text:%08llx,source=%s,target=%s,pairs=%lld,vocabulary=%ld",
                     (unsigned long long)pairs->numbers[FNAS_PAIRS_CHECKSUM], info.languages[0], info.languages[1], (long long)count,
                     (long)fnas_vocabulary_get(pairs->vocabulary).size);
    pairs->name = name.data;
    return name.failed ? fnas_fail_memory(context, "a name") : FNAS_OK;
}

static fnas_status check(fnas_context *context, const char *name, fnas_pairs *pairs) {
    FNAS_TRY(read_trailer(context, name, pairs));
    size_t checked = pairs->size - FNAS_PAIRS_MAGIC_BYTES - 8;
    if (!lay_out(pairs) || !are_names(pairs) || crc32_z(0, pairs->bytes, checked) != pairs->numbers[FNAS_PAIRS_CHECKSUM])
        return fail_damaged(context, name, "damaged: its bytes are not as they were written");
    FNAS_TRY(fnas_vocabulary_parse(context, name, pairs->model, pairs->numbers[FNAS_PAIRS_MODEL_BYTES], &pairs->vocabulary));
    if (!are_entries(pairs))
        return fail_damaged(context, name, "damaged: a pair does not lie in it, or has ids that its vocabulary has not");
    return set_name(context, pairs);
}

/* ---- opening ---- */

fnas_status fnas_pairs_parse(fnas_context *context, const char *name, const unsigned char *bytes, size_t size, fnas_pairs **pairs) {
    *pairs = NULL;
    fnas_pairs *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, name);
    created->bytes = bytes;
    created->size = size;
    fnas_status status = check(context, name, created);
    if (status == FNAS_OK)
        *pairs = created;
    else
        fnas_pairs_close(created);
    return status;
}

static fnas_status map_file(fnas_context *context, const char *path, int descriptor, fnas_pairs **pairs) {
    struct stat info;
    if (fstat(descriptor, &info)) return fnas_fail_errno(context, path, "read");
    if (!S_ISREG(info.st_mode)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: no plain file", path);
    if (!info.st_size) return fnas_fail(context, FNAS_ERR_INPUT, "%s: the file is empty", path);
    void *address = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (address == MAP_FAILED) return fnas_fail_errno(context, path, "map");
    fnas_status status = fnas_pairs_parse(context, path, address, (size_t)info.st_size, pairs);
    if (status == FNAS_OK)
        (*pairs)->mapped = address;
    else
        munmap(address, (size_t)info.st_size);
    return status;
}

fnas_status fnas_pairs_open(fnas_context *context, const char *path, fnas_pairs **pairs) {
    *pairs = NULL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for a writer */
    if (descriptor < 0) return fnas_fail_errno(context, path, "open");
    fnas_status status = map_file(context, path, descriptor, pairs);
    close(descriptor);
    return status;
}

void fnas_pairs_close(fnas_pairs *pairs) {
    if (!pairs) return;
    if (pairs->mapped) munmap(pairs->mapped, pairs->size);
    fnas_vocabulary_free(pairs->vocabulary);
    fnas_free(pairs->name);
    fnas_free(pairs);
}

/* ---- what is in it ---- */

fnas_pairs_info fnas_pairs_get(const fnas_pairs *pairs) {
    const char *source = (const char *)pairs->names;
    fnas_pairs_info info = {.name = pairs->name,
                            .languages = {source, source + strlen(source) + 1},
                            .ids = (int64_t)pairs->numbers[FNAS_PAIRS_IDS],
                            .seed = pairs->numbers[FNAS_PAIRS_SEED],
                            .vocabulary = pairs->vocabulary};
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) info.counts[part] = (int64_t)pairs->numbers[FNAS_PAIRS_COUNTS + part];
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) info.longest[side] = pairs->longest[side];
    return info;
}

static const unsigned char *entry_at(const unsigned char *const *entries, fnas_text_part part, int64_t index) {
    return entries[part] + index * FNAS_PAIRS_ENTRY_BYTES;
}

int64_t fnas_pairs_length(const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side) {
    return (int64_t)fnas_pairs_number(entry_at(pairs->entries, part, index) + 8 + 4 * side, 4);
}

void fnas_pairs_ids(const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side, int32_t *ids) {
    const unsigned char *entry = entry_at(pairs->entries, part, index);
    uint64_t begin = fnas_pairs_number(entry, 8);
    int64_t count = fnas_pairs_length(pairs, part, index, side);
    if (side == FNAS_TEXT_TARGET) begin += fnas_pairs_number(entry + 8, 4);
    for (int64_t i = 0; i < count; i++) ids[i] = get_id(pairs, begin + (uint64_t)i);
}

const char *fnas_pairs_text(const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side, size_t *size) {
    const unsigned char *entry = entry_at(pairs->text_entries, part, index);
    size_t source = (size_t)fnas_pairs_number(entry + 8, 4), begin = (size_t)fnas_pairs_number(entry, 8);
    *size = side == FNAS_TEXT_SOURCE ? source : (size_t)fnas_pairs_number(entry + 12, 4);
    return pairs->texts + begin + (side == FNAS_TEXT_SOURCE ? 0 : source);
}
