#include "export/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

#define END_BYTES 22     /* end of central directory, without its comment */
#define CENTRAL_BYTES 46 /* header in the central directory, without name, extra field and comment */
#define LOCAL_BYTES 30   /* header before the data, without name and extra field */
#define COMMENT_MAX 0xFFFF
#define END_SIGNATURE 0x06054b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define LOCAL_SIGNATURE 0x04034b50u
#define FLAG_ENCRYPTED 0x1u
#define FLAG_SIZES_BEHIND 0x8u /* the local header does not know them yet */
#define IN_ZIP64 0xFFFFFFFFu   /* "see the 64-bit record": for files beyond 4 GB, which these are not */
#define SHOWN_NAME_MAX 100
#define STORED 0
#define DEFLATED 8
#define EXTRA_ZIP64 1

const fnas_zip_options fnas_zip_of_torch = {.writer = "PyTorch writes .pt files as ZIP since version 1.6; load and save an older one anew"};

typedef struct zip_reader {
    fnas_context *context;
    const char *where;
    const fnas_zip_options *options;
    const unsigned char *bytes;
    size_t size_bytes;
    size_t directory, directory_bytes; /* the central directory */
    size_t entry_count;
    fnas_zip *zip;
} zip_reader;

static uint32_t read_u16(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t read_u32(const unsigned char *p) {
    return read_u16(p) | read_u16(p + 2) << 16;
}

static uint64_t read_u64(const unsigned char *p) {
    return read_u32(p) | (uint64_t)read_u32(p + 4) << 32;
}

static int shown_bytes(const fnas_zip_entry *entry) {
    return entry->name_bytes > SHOWN_NAME_MAX ? SHOWN_NAME_MAX : (int)entry->name_bytes;
}

static fnas_status fail_entry(const zip_reader *reader, const fnas_zip_entry *entry, const char *what) {
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: entry \"%.*s\" %s", reader->where, shown_bytes(entry), entry->name, what);
}

/* The end record is the last thing in the file; its comment, if there is one, reaches to the end exactly. */
static fnas_status find_directory(zip_reader *reader) {
    const unsigned char *bytes = reader->bytes;
    size_t size = reader->size_bytes;
    if (size < 4 || memcmp(bytes, "PK", 2) != 0)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: no ZIP archive (it does not begin with \"PK\"): %s", reader->where,
                         reader->options->writer);
    for (size_t comment = 0; comment <= COMMENT_MAX && size >= END_BYTES + comment; comment++) {
        const unsigned char *end = bytes + size - END_BYTES - comment;
        if (read_u32(end) != END_SIGNATURE || read_u16(end + 20) != comment) continue;
        reader->entry_count = read_u16(end + 10);
        reader->directory_bytes = read_u32(end + 12);
        reader->directory = read_u32(end + 16);
        size_t end_offset = (size_t)(end - bytes);
        if (read_u16(end + 4) != 0 || read_u16(end + 6) != 0 || read_u16(end + 8) != reader->entry_count)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: one part of a ZIP archive in several: join them", reader->where);
        if (reader->directory > end_offset || reader->directory_bytes > end_offset - reader->directory)
            return fnas_fail(reader->context, FNAS_ERR_INPUT,
                             "%s: truncated or damaged: its directory would take bytes %zu to %zu, the end record is at %zu", reader->where,
                             reader->directory, reader->directory + reader->directory_bytes, end_offset);
        return FNAS_OK;
    }
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: truncated: the record at the end of a ZIP archive is missing", reader->where);
}

/* The sizes that a local header states, packed and unpacked; those of a writer that did not know whether it would need 64 bits (numpy does
 * not) stand in the extra field. False when they stand nowhere. */
static bool find_local_sizes(const unsigned char *local, size_t name_bytes, size_t extra_bytes, uint64_t sizes[2]) {
    const unsigned char *extra = local + LOCAL_BYTES + name_bytes, *end = extra + extra_bytes;
    sizes[0] = read_u32(local + 18);
    sizes[1] = read_u32(local + 22);
    if (sizes[0] != IN_ZIP64 && sizes[1] != IN_ZIP64) return true;
    for (size_t bytes; end - extra >= 4; extra += 4 + bytes) {
        bytes = read_u16(extra + 2);
        if (bytes > (size_t)(end - extra) - 4) return false;
        if (read_u16(extra) != EXTRA_ZIP64 || bytes < 16) continue;
        sizes[1] = read_u64(extra + 4);
        sizes[0] = read_u64(extra + 12);
        return true;
    }
    return false;
}

/* Where an entry's data lie: behind its local header, which must agree with the directory. */
static fnas_status locate_data(const zip_reader *reader, const unsigned char *central, fnas_zip_entry *entry) {
    size_t offset = read_u32(central + 42), size = entry->size_bytes;
    if (size == IN_ZIP64 || offset == IN_ZIP64) return fail_entry(reader, entry, "is larger than 4 GB: refused");
    if (offset > reader->directory || reader->directory - offset < LOCAL_BYTES)
        return fail_entry(reader, entry, "would begin behind the archive's directory: the file is damaged");
    const unsigned char *local = reader->bytes + offset;
    size_t name_bytes = read_u16(local + 26), extra_bytes = read_u16(local + 28), header = LOCAL_BYTES + name_bytes + extra_bytes;
    uint64_t sizes[2];
    if (read_u32(local) != LOCAL_SIGNATURE) return fail_entry(reader, entry, "has no header where the directory says: the file is damaged");
    if (header > reader->directory - offset || size > reader->directory - offset - header)
        return fail_entry(reader, entry, "would reach beyond the end of the archive: the file is truncated or damaged");
    bool same_name = name_bytes == entry->name_bytes && memcmp(local + LOCAL_BYTES, entry->name, name_bytes) == 0;
    bool same_method = read_u16(local + 8) == read_u16(central + 10) && read_u16(local + 6) == read_u16(central + 8);
    bool sizes_behind = (read_u16(local + 6) & FLAG_SIZES_BEHIND) != 0;
    bool same_sizes = sizes_behind || (find_local_sizes(local, name_bytes, extra_bytes, sizes) && sizes[0] == entry->size_bytes &&
                                       sizes[1] == entry->unpacked_bytes);
    if (!same_name || !same_method || !same_sizes)
        return fail_entry(reader, entry, "is described differently by its header and by the directory: refused");
    entry->data = local + header;
    return FNAS_OK;
}

static fnas_status check_entry(const zip_reader *reader, const unsigned char *central, fnas_zip_entry *entry) {
    if (read_u16(central + 8) & FLAG_ENCRYPTED) return fail_entry(reader, entry, "is encrypted: it cannot be read");
    uint32_t method = read_u16(central + 10);
    entry->is_deflated = method == DEFLATED;
    if (method != STORED && !reader->options->allows_deflated)
        return fail_entry(reader, entry, "is compressed: only stored entries are read, as PyTorch writes them (nothing is inflated)");
    if (method != STORED && !entry->is_deflated)
        return fail_entry(reader, entry, "is compressed in another way than by deflation, which alone is read: refused");
    if (!entry->is_deflated && entry->size_bytes != entry->unpacked_bytes)
        return fail_entry(reader, entry, "is stored, but claims another size unpacked: refused");
    return locate_data(reader, central, entry);
}

/* Names go into messages, and those to terminals. */
static bool is_shown(const fnas_zip_entry *entry) {
    for (size_t i = 0; i < entry->name_bytes; i++)
        if ((unsigned char)entry->name[i] < 0x20 || entry->name[i] == 0x7F) return false;
    return true;
}

static fnas_status read_directory(const zip_reader *reader) {
    size_t at = reader->directory, end = reader->directory + reader->directory_bytes, total = 0;
    for (size_t i = 0; i < reader->entry_count; i++) {
        const unsigned char *central = reader->bytes + at;
        if (end - at < CENTRAL_BYTES || read_u32(central) != CENTRAL_SIGNATURE)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: entry %zu of the archive's directory (byte %zu) is truncated or damaged",
                             reader->where, i, at);
        fnas_zip_entry *entry = &reader->zip->entries[reader->zip->count++];
        size_t length = CENTRAL_BYTES + read_u16(central + 28) + read_u16(central + 30) + read_u16(central + 32);
        if (length > end - at)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: entry %zu of the archive's directory (byte %zu) is truncated",
                             reader->where, i, at);
        *entry = (fnas_zip_entry){.name = (const char *)central + CENTRAL_BYTES,
                                  .name_bytes = read_u16(central + 28),
                                  .size_bytes = read_u32(central + 20),
                                  .unpacked_bytes = read_u32(central + 24),
                                  .crc = read_u32(central + 16)};
        if (!is_shown(entry))
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: entry %zu of the archive's directory has control characters in its name",
                             reader->where, i);
        if (entry->name_bytes > FNAS_ZIP_NAME_MAX) return fail_entry(reader, entry, "has too long a name: refused");
        FNAS_TRY(check_entry(reader, central, entry));
        total += entry->size_bytes; /* at most 65,534 times 4 GB */
        if (total > reader->size_bytes)
            return fail_entry(reader, entry, "and those before it claim more bytes than the file has: they overlap, refused");
        at += length;
    }
    return FNAS_OK;
}

static int compare_names(const void *a, const void *b) {
    const fnas_zip_entry *p = a, *q = b;
    size_t shorter = p->name_bytes < q->name_bytes ? p->name_bytes : q->name_bytes;
    int order = memcmp(p->name, q->name, shorter);
    return order ? order : (p->name_bytes > q->name_bytes) - (p->name_bytes < q->name_bytes);
}

static fnas_status check_names(const zip_reader *reader) {
    fnas_zip_entry *entries = reader->zip->entries;
    qsort(entries, (size_t)reader->zip->count, sizeof *entries, compare_names);
    for (int64_t i = 1; i < reader->zip->count; i++)
        if (compare_names(&entries[i - 1], &entries[i]) == 0)
            return fail_entry(reader, &entries[i], "stands in the archive twice: refused");
    return FNAS_OK;
}

static fnas_status read_archive(zip_reader *reader) {
    FNAS_TRY(find_directory(reader));
    if (reader->entry_count > FNAS_ZIP_ENTRIES_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the archive has %zu entries, at most %d are read", reader->where,
                         reader->entry_count, FNAS_ZIP_ENTRIES_MAX);
    reader->zip->entries = fnas_allocate(reader->entry_count, sizeof *reader->zip->entries);
    if (!reader->zip->entries) return fnas_fail_memory(reader->context, reader->where);
    FNAS_TRY(read_directory(reader));
    return check_names(reader);
}

fnas_status fnas_zip_read(fnas_context *context, const char *where, const fnas_zip_options *options, const unsigned char *bytes,
                          size_t size_bytes, fnas_zip *zip) {
    *zip = (fnas_zip){.where = where};
    zip_reader reader = {.context = context, .where = where, .options = options, .bytes = bytes, .size_bytes = size_bytes, .zip = zip};
    fnas_status status = read_archive(&reader);
    if (status != FNAS_OK) fnas_zip_free(zip);
    return status;
}

void fnas_zip_free(fnas_zip *zip) {
    fnas_free(zip->entries);
    *zip = (fnas_zip){0};
}

/* ---- looking up ---- */

fnas_zip_entry *fnas_zip_entry_named(const fnas_zip *zip, const char *name, size_t name_bytes) {
    const fnas_zip_entry wanted = {.name = name, .name_bytes = name_bytes};
    return bsearch(&wanted, zip->entries, (size_t)zip->count, sizeof wanted, compare_names);
}

/* "archive/data.pkl" for the base "data.pkl": one folder, whatever its name. */
static bool is_wanted(const fnas_zip_entry *entry, const char *base) {
    const char *slash = memchr(entry->name, '/', entry->name_bytes);
    size_t left = slash ? entry->name_bytes - (size_t)(slash + 1 - entry->name) : 0;
    return slash && slash != entry->name && left == strlen(base) && memcmp(slash + 1, base, left) == 0;
}

fnas_status fnas_zip_entry_of(fnas_context *context, const fnas_zip *zip, const char *base, fnas_zip_entry **entry) {
    const zip_reader reader = {.context = context, .where = zip->where};
    *entry = NULL;
    for (int64_t i = 0; i < zip->count; i++) {
        if (!is_wanted(&zip->entries[i], base)) continue;
        if (*entry) return fail_entry(&reader, &zip->entries[i], "is a second one of its kind: it is not clear which is meant");
        *entry = &zip->entries[i];
    }
    if (*entry) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: the archive has no entry FOLDER/%s: it is no .pt file of PyTorch", zip->where, base);
}

/* ---- what an entry holds ---- */

static bool is_intact(const fnas_zip_entry *entry, const unsigned char *unpacked) {
    return crc32_z(crc32_z(0, NULL, 0), unpacked, entry->unpacked_bytes) == entry->crc;
}

static const char DAMAGED[] = "is damaged: its CRC-32 is not the one in the directory";

fnas_status fnas_zip_check_crc(fnas_context *context, const fnas_zip *zip, fnas_zip_entry *entry) {
    const zip_reader reader = {.context = context, .where = zip->where};
    if (!entry->crc_checked && !is_intact(entry, entry->data)) return fail_entry(&reader, entry, DAMAGED);
    entry->crc_checked = true;
    return FNAS_OK;
}

fnas_status fnas_zip_find(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes, const char *base,
                          fnas_zip_entry *entry) {
    fnas_zip zip;
    fnas_zip_entry *found = NULL;
    FNAS_TRY(fnas_zip_read(context, where, &fnas_zip_of_torch, bytes, size_bytes, &zip));
    fnas_status status = fnas_zip_entry_of(context, &zip, base, &found);
    if (status == FNAS_OK) status = fnas_zip_check_crc(context, &zip, found);
    if (status == FNAS_OK) *entry = *found;
    fnas_zip_free(&zip);
    return status;
}

/* Into exactly unpacked_bytes: less, more, or bytes behind the end are damage. */
static bool inflate_all(const fnas_zip_entry *entry, unsigned char *unpacked) {
    z_stream stream = {.next_in = (unsigned char *)entry->data,
                       .avail_in = (uInt)entry->size_bytes,
                       .next_out = unpacked,
                       .avail_out = (uInt)entry->unpacked_bytes};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false; /* raw: no header of zlib's */
    bool is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
    inflateEnd(&stream);
    return is_whole;
}

fnas_status fnas_zip_unpack(fnas_context *context, const fnas_zip *zip, const fnas_zip_entry *entry, size_t limit_bytes,
                            unsigned char **unpacked) {
    const zip_reader reader = {.context = context, .where = zip->where};
    *unpacked = NULL;
    if (entry->unpacked_bytes > limit_bytes)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: entry \"%.*s\" has %zu bytes unpacked, at most %zu are read", zip->where,
                         shown_bytes(entry), entry->name, entry->unpacked_bytes, limit_bytes);
    unsigned char *bytes = fnas_allocate(entry->unpacked_bytes, 1);
    if (!bytes) return fnas_fail_memory(context, zip->where);
    bool is_whole = true;
    if (entry->is_deflated)
        is_whole = inflate_all(entry, bytes);
    else
        memcpy(bytes, entry->data, entry->unpacked_bytes);
    if (is_whole && is_intact(entry, bytes)) {
        *unpacked = bytes;
        return FNAS_OK;
    }
    fnas_free(bytes);
    return fail_entry(&reader, entry, is_whole ? DAMAGED : "is damaged: it does not inflate to the size in the directory");
}
