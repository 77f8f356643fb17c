#include "export/safetensors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define FNAS_SAFETENSORS_HEADER_MAX ((size_t)100 * 1000 * 1000)
#define FNAS_SAFETENSORS_PREFIX 8    /* bytes of the header's length */
#define FNAS_SAFETENSORS_CRC "crc32" /* our key in the metadata: a bit that flipped in the data is a number like any other */
#define FNAS_SAFETENSORS_CRC_BYTES 9 /* eight hexadecimal digits and the end */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written and read as they lie in memory");

static const struct {
    const char *name;
    size_t bytes;
} fnas_safetensors_types[] = {
#define FNAS_SAFETENSORS_ROW(name, bytes) {#name, bytes},
    FNAS_SAFETENSORS_TYPES(FNAS_SAFETENSORS_ROW)
#undef FNAS_SAFETENSORS_ROW
};

#define FNAS_SAFETENSORS_TYPE_COUNT (sizeof fnas_safetensors_types / sizeof *fnas_safetensors_types)

static bool fnas_safetensors_size(const fnas_safetensors_tensor *tensor, size_t *bytes) {
    *bytes = fnas_safetensors_types[tensor->type].bytes;
    for (int64_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] < 0 || !fnas_size_multiply(*bytes, (size_t)tensor->shape[i], bytes)) return false;
    }
    return true;
}

static void fnas_append_shape(fnas_text *text, int64_t rank, const int64_t *shape, const char *separator) {
    fnas_text_append(text, "[");
    for (int64_t i = 0; i < rank; i++) fnas_text_append(text, "%s%lld", i ? separator : "", (long long)shape[i]);
    fnas_text_append(text, "]");
}

static void fnas_format_crc(uLong crc, char text[FNAS_SAFETENSORS_CRC_BYTES]) {
    snprintf(text, FNAS_SAFETENSORS_CRC_BYTES, "%08lx", crc & 0xFFFFFFFFul);
}

/* ---- writing ---- */

static bool fnas_safetensors_names_differ(const fnas_safetensors_tensor *tensors, int64_t count, const char **repeated);

/* The order in the file: wider elements first, so that every tensor is aligned to its element; otherwise as given. */
static void fnas_safetensors_order(const fnas_safetensors_tensor *tensors, int64_t count, const fnas_safetensors_tensor **ordered) {
    int64_t placed = 0;
    for (size_t bytes = 8; bytes; bytes /= 2) {
        for (int64_t i = 0; i < count; i++) {
            if (fnas_safetensors_types[tensors[i].type].bytes == bytes) ordered[placed++] = &tensors[i];
        }
    }
}

/* Of the whole data section, as zlib and PNG reckon it (ISO 3309). */
static void fnas_safetensors_crc(const fnas_safetensors_tensor *const *ordered, int64_t count, char text[FNAS_SAFETENSORS_CRC_BYTES]) {
    uLong crc = crc32_z(0, NULL, 0);
    for (int64_t i = 0; i < count; i++) {
        size_t bytes;
        if (fnas_safetensors_size(ordered[i], &bytes) && bytes) crc = crc32_z(crc, ordered[i]->data, bytes);
    }
    fnas_format_crc(crc, text);
}

static void fnas_append_metadata(fnas_text *header, const fnas_safetensors_text *metadata, int64_t count, const char *crc) {
    fnas_text_append(header, "\"__metadata__\":{");
    for (int64_t i = 0; i < count; i++) {
        fnas_text_append_json(header, metadata[i].key);
        fnas_text_append(header, ":");
        fnas_text_append_json(header, metadata[i].value);
        fnas_text_append(header, ",");
    }
    fnas_text_append(header, "\"" FNAS_SAFETENSORS_CRC "\":\"%s\"}", crc);
}

/* Before anything goes by their sizes. */
static fnas_status fnas_check_extents(fnas_context *context, const char *path, const fnas_safetensors_tensor *const *ordered,
                                      int64_t count) {
    size_t end = 0;
    for (int64_t i = 0; i < count; i++) {
        const fnas_safetensors_tensor *tensor = ordered[i];
        size_t bytes;
        bool sized = tensor->rank >= 0 && tensor->rank <= FNAS_SAFETENSORS_RANK_MAX && fnas_safetensors_size(tensor, &bytes);
        if (!sized || __builtin_add_overflow(end, bytes, &end)) {
            return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: tensor \"%s\" has an impossible shape", path, tensor->name);
        }
    }
    return FNAS_OK;
}

static void fnas_append_tensor(fnas_text *header, const fnas_safetensors_tensor *tensor, size_t *offset) {
    size_t bytes = 0, begin = *offset;
    if (fnas_safetensors_size(tensor, &bytes)) *offset += bytes;
    fnas_text_append(header, ",");
    fnas_text_append_json(header, tensor->name);
    fnas_text_append(header, ":{\"dtype\":\"%s\",\"shape\":", fnas_safetensors_types[tensor->type].name);
    fnas_append_shape(header, tensor->rank, tensor->shape, ",");
    fnas_text_append(header, ",\"data_offsets\":[%zu,%zu]}", begin, *offset);
}

/* Spaces behind the JSON move the data to a multiple of FNAS_ALIGNMENT. */
static void fnas_pad_header(fnas_text *header) {
    while (!header->failed && (FNAS_SAFETENSORS_PREFIX + header->size) % FNAS_ALIGNMENT) fnas_text_append(header, " ");
}

static fnas_status fnas_make_header(fnas_context *context, const char *path, const fnas_safetensors_tensor *const *ordered, int64_t count,
                                    const fnas_safetensors_text *metadata, int64_t metadata_count, fnas_text *header) {
    size_t offset = 0;
    char crc[FNAS_SAFETENSORS_CRC_BYTES];
    FNAS_TRY(fnas_check_extents(context, path, ordered, count));
    fnas_safetensors_crc(ordered, count, crc);
    fnas_text_append(header, "{");
    fnas_append_metadata(header, metadata, metadata_count, crc);
    for (int64_t i = 0; i < count; i++) fnas_append_tensor(header, ordered[i], &offset);
    fnas_text_append(header, "}");
    fnas_pad_header(header);
    if (header->failed) return fnas_fail_memory(context, path);
    if (header->size > FNAS_SAFETENSORS_HEADER_MAX)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the header would exceed 100 MB", path);
    return FNAS_OK;
}

static fnas_status fnas_stream_tensors(fnas_context *context, fnas_file_writer *writer, const fnas_text *header,
                                       const fnas_safetensors_tensor *const *ordered, int64_t count) {
    uint64_t length = header->size;
    FNAS_TRY(fnas_file_writer_append(context, writer, &length, sizeof length));
    FNAS_TRY(fnas_file_writer_append(context, writer, header->data, header->size));
    for (int64_t i = 0; i < count; i++) {
        size_t bytes;
        if (fnas_safetensors_size(ordered[i], &bytes)) FNAS_TRY(fnas_file_writer_append(context, writer, ordered[i]->data, bytes));
    }
    return FNAS_OK;
}

static fnas_status fnas_write_ordered(fnas_context *context, const char *path, const fnas_text *header,
                                      const fnas_safetensors_tensor *const *ordered, int64_t count) {
    fnas_file_writer *writer;
    FNAS_TRY(fnas_file_writer_begin(context, path, &writer));
    fnas_status status = fnas_stream_tensors(context, writer, header, ordered, count);
    if (status == FNAS_OK) return fnas_file_writer_commit(context, writer);
    fnas_file_writer_abort(writer);
    return status;
}

fnas_status fnas_safetensors_write(fnas_context *context, const char *path, const fnas_safetensors_tensor *tensors, int64_t tensor_count,
                                   const fnas_safetensors_text *metadata, int64_t metadata_count) {
    const char *repeated = NULL;
    if (!fnas_safetensors_names_differ(tensors, tensor_count, &repeated)) {
        if (!repeated) return fnas_fail_memory(context, path);
        return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the name \"%s\" is reserved or given to two tensors", path, repeated);
    }
    for (int64_t i = 0; i < metadata_count; i++) {
        if (!strcmp(metadata[i].key, FNAS_SAFETENSORS_CRC))
            return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the key \"%s\" is reserved", path, metadata[i].key);
    }
    const fnas_safetensors_tensor **ordered = fnas_allocate((size_t)tensor_count, sizeof *ordered);
    if (!ordered) return fnas_fail_memory(context, path);
    fnas_text header = {0};
    fnas_safetensors_order(tensors, tensor_count, ordered);
    fnas_status status = fnas_make_header(context, path, ordered, tensor_count, metadata, metadata_count, &header);
    if (status == FNAS_OK) status = fnas_write_ordered(context, path, &header, ordered, tensor_count);
    fnas_text_free(&header);
    fnas_free(ordered);
    return status;
}

/* ---- names ---- */

static int fnas_compare_names(const void *a, const void *b) {
    return strcmp((*(const fnas_safetensors_tensor *const *)a)->name, (*(const fnas_safetensors_tensor *const *)b)->name);
}

/* Pointers to the tensors in the order of their names; NULL when out of memory. */
static const fnas_safetensors_tensor **fnas_sort_by_name(const fnas_safetensors_tensor *tensors, int64_t count) {
    const fnas_safetensors_tensor **sorted = fnas_allocate((size_t)count, sizeof *sorted);
    if (!sorted) return NULL;
    for (int64_t i = 0; i < count; i++) sorted[i] = &tensors[i];
    qsort(sorted, (size_t)count, sizeof *sorted, fnas_compare_names);
    return sorted;
}

/* False with *repeated NULL when out of memory. */
static bool fnas_safetensors_names_differ(const fnas_safetensors_tensor *tensors, int64_t count, const char **repeated) {
    const fnas_safetensors_tensor **sorted = fnas_sort_by_name(tensors, count);
    if (!sorted) return false;
    for (int64_t i = 0; i < count; i++) {
        bool reserved = !strcmp(sorted[i]->name, "__metadata__");
        if (reserved || (i && !strcmp(sorted[i - 1]->name, sorted[i]->name))) *repeated = sorted[i]->name;
    }
    fnas_free(sorted);
    return !*repeated;
}

/* ---- reading ---- */

struct fnas_safetensors {
    char *path;
    unsigned char *bytes; /* the whole file */
    const unsigned char *data;
    size_t data_size;
    json_t *header; /* names and metadata live here */
    fnas_safetensors_tensor *tensors;
    size_t *begins;
    void **aligned; /* [count] copies of tensors that lie askew in the file, or NULL */
    const fnas_safetensors_tensor **by_name;
    int64_t count;
};

void fnas_safetensors_free(fnas_safetensors *file) {
    if (!file) return;
    for (int64_t i = 0; file->aligned && i < file->count; i++) fnas_free(file->aligned[i]);
    fnas_free(file->aligned);
    fnas_free(file->by_name);
    fnas_free(file->begins);
    fnas_free(file->tensors);
    json_decref(file->header);
    fnas_free(file->bytes);
    fnas_free(file->path);
    fnas_free(file);
}

static fnas_status fnas_parse_header(fnas_context *context, fnas_safetensors *file, size_t size) {
    uint64_t length;
    if (size < sizeof length)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: truncated: a safetensors file begins with 8 bytes of length", file->path);
    memcpy(&length, file->bytes, sizeof length);
    if (length > FNAS_SAFETENSORS_HEADER_MAX) {
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: not a safetensors file: its header would take %llu bytes, at most 100 MB are allowed", file->path,
                         (unsigned long long)length);
    }
    if (length > size - sizeof length) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: truncated: the header takes %llu bytes, the file has %zu", file->path,
                         (unsigned long long)length, size);
    }
    json_error_t error;
    const char *text = (const char *)file->bytes + sizeof length;
    file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!file->header) return fnas_fail(context, FNAS_ERR_INPUT, "%s: header, byte %d: %s", file->path, error.position, error.text);
    if (!json_is_object(file->header) || text[0] != '{')
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: the header must be a JSON object", file->path);
    file->data = file->bytes + sizeof length + length;
    file->data_size = size - sizeof length - (size_t)length;
    return FNAS_OK;
}

static fnas_status fnas_check_metadata(fnas_context *context, const fnas_safetensors *file, json_t *metadata) {
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"__metadata__\" must be an object of strings", file->path);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"__metadata__\": \"%s\" must be a string", file->path, key);
    }
    return FNAS_OK;
}

static fnas_status fnas_fail_tensor(fnas_context *context, const fnas_safetensors *file, const char *name, const char *what) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" %s", file->path, name, what);
}

static fnas_status fnas_parse_type(fnas_context *context, const fnas_safetensors *file, const json_t *entry,
                                   fnas_safetensors_tensor *tensor) {
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    if (!type) return fnas_fail_tensor(context, file, tensor->name, "has no \"dtype\"");
    for (size_t i = 0; i < FNAS_SAFETENSORS_TYPE_COUNT; i++) {
        if (strcmp(type, fnas_safetensors_types[i].name)) continue;
        tensor->type = (fnas_safetensors_type)i;
        return FNAS_OK;
    }
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" has the unknown dtype \"%s\"", file->path, tensor->name, type);
}

static fnas_status fnas_parse_shape(fnas_context *context, const fnas_safetensors *file, const json_t *entry,
                                    fnas_safetensors_tensor *tensor) {
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape)) return fnas_fail_tensor(context, file, tensor->name, "has no \"shape\"");
    if (json_array_size(shape) > FNAS_SAFETENSORS_RANK_MAX)
        return fnas_fail_tensor(context, file, tensor->name, "has more than 8 dimensions");
    tensor->rank = (int64_t)json_array_size(shape);
    for (int64_t i = 0; i < tensor->rank; i++) {
        const json_t *extent = json_array_get(shape, (size_t)i);
        if (!json_is_integer(extent) || json_integer_value(extent) < 0) {
            return fnas_fail_tensor(context, file, tensor->name, "has a dimension that is no number of elements");
        }
        tensor->shape[i] = json_integer_value(extent);
    }
    return FNAS_OK;
}

static fnas_status fnas_parse_offsets(fnas_context *context, const fnas_safetensors *file, const json_t *entry,
                                      const fnas_safetensors_tensor *tensor, size_t *begin) {
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last)) {
        return fnas_fail_tensor(context, file, tensor->name, "must have \"data_offsets\": [begin, end]");
    }
    json_int_t from = json_integer_value(first), to = json_integer_value(last);
    if (from < 0 || to < from) return fnas_fail_tensor(context, file, tensor->name, "ends before it begins");
    if ((uint64_t)to > file->data_size) return fnas_fail_tensor(context, file, tensor->name, "ends behind the end of the file: truncated?");
    size_t expected;
    if (!fnas_safetensors_size(tensor, &expected) || expected != (size_t)(to - from)) {
        return fnas_fail_tensor(context, file, tensor->name, "has not the size of its shape and dtype");
    }
    *begin = (size_t)from;
    return FNAS_OK;
}

static fnas_status fnas_parse_entry(fnas_context *context, fnas_safetensors *file, const char *name, const json_t *entry) {
    fnas_safetensors_tensor *tensor = &file->tensors[file->count];
    tensor->name = name;
    if (!json_is_object(entry)) return fnas_fail_tensor(context, file, name, "must be an object");
    FNAS_TRY(fnas_parse_type(context, file, entry, tensor));
    FNAS_TRY(fnas_parse_shape(context, file, entry, tensor));
    FNAS_TRY(fnas_parse_offsets(context, file, entry, tensor, &file->begins[file->count]));
    tensor->data = file->data + file->begins[file->count];
    file->count++;
    return FNAS_OK;
}

static fnas_status fnas_parse_entries(fnas_context *context, fnas_safetensors *file) {
    size_t entries = json_object_size(file->header);
    file->tensors = fnas_allocate(entries, sizeof *file->tensors);
    file->begins = fnas_allocate(entries, sizeof *file->begins);
    file->aligned = fnas_allocate(entries, sizeof *file->aligned);
    if (!file->tensors || !file->begins || !file->aligned) return fnas_fail_memory(context, file->path);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (!strcmp(name, "__metadata__"))
            FNAS_TRY(fnas_check_metadata(context, file, entry));
        else
            FNAS_TRY(fnas_parse_entry(context, file, name, entry));
    }
    return FNAS_OK;
}

/* By place in the file; of those that begin together the empty ones first. */
static int fnas_compare_places(const void *a, const void *b) {
    const fnas_safetensors_tensor *p = a, *q = b;
    size_t p_bytes = 0, q_bytes = 0;
    if (p->data != q->data) return (const unsigned char *)p->data < (const unsigned char *)q->data ? -1 : 1;
    fnas_safetensors_size(p, &p_bytes);
    fnas_safetensors_size(q, &q_bytes);
    return p_bytes != q_bytes ? (p_bytes > q_bytes) - (p_bytes < q_bytes) : strcmp(p->name, q->name);
}

static fnas_status fnas_check_places(fnas_context *context, fnas_safetensors *file) {
    qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, fnas_compare_places);
    const unsigned char *expected = file->data;
    for (int64_t i = 0; i < file->count; i++) {
        const fnas_safetensors_tensor *tensor = &file->tensors[i];
        const unsigned char *begin = tensor->data;
        size_t bytes = 0;
        if (begin > expected) return fnas_fail_tensor(context, file, tensor->name, "has a hole before it");
        if (begin < expected) return fnas_fail_tensor(context, file, tensor->name, "overlaps another tensor");
        fnas_safetensors_size(tensor, &bytes);
        expected += bytes;
    }
    size_t left = file->data_size - (size_t)(expected - file->data);
    if (left) return fnas_fail(context, FNAS_ERR_INPUT, "%s: %zu bytes at the end belong to no tensor", file->path, left);
    return FNAS_OK;
}

/* Files of other programs need not have a checksum. */
static fnas_status fnas_check_crc(fnas_context *context, const fnas_safetensors *file) {
    const char *expected = fnas_safetensors_metadata(file, FNAS_SAFETENSORS_CRC);
    char found[FNAS_SAFETENSORS_CRC_BYTES];
    if (!expected) return FNAS_OK;
    fnas_format_crc(crc32_z(crc32_z(0, NULL, 0), file->data, file->data_size), found);
    if (strcmp(expected, found) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: damaged: the CRC-32 of its data is %s, its header says %.16s: take it from a backup",
                     file->path, found, expected);
}

fnas_status fnas_safetensors_require_crc(fnas_context *context, const fnas_safetensors *file) {
    if (fnas_safetensors_metadata(file, FNAS_SAFETENSORS_CRC)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: damaged: metadata \"" FNAS_SAFETENSORS_CRC "\" is missing, which fleetnas always writes: take it from a backup",
                     file->path);
}

/* Files of other programs need not align their tensors; ours do, and nothing is copied. */
static fnas_status fnas_align_tensors(fnas_context *context, fnas_safetensors *file) {
    for (int64_t i = 0; i < file->count; i++) {
        fnas_safetensors_tensor *tensor = &file->tensors[i];
        size_t bytes = 0;
        if ((uintptr_t)tensor->data % fnas_safetensors_types[tensor->type].bytes == 0) continue;
        fnas_safetensors_size(tensor, &bytes);
        file->aligned[i] = fnas_allocate(bytes, 1);
        if (!file->aligned[i]) return fnas_fail_memory(context, file->path);
        memcpy(file->aligned[i], tensor->data, bytes);
        tensor->data = file->aligned[i];
    }
    return FNAS_OK;
}

static fnas_status fnas_read_into(fnas_context *context, const char *path, size_t limit_bytes, fnas_safetensors *file) {
    size_t size;
    file->path = fnas_strdup(path);
    if (!file->path) return fnas_fail_memory(context, path);
    FNAS_TRY(fnas_file_read(context, path, limit_bytes, &file->bytes, &size));
    FNAS_TRY(fnas_parse_header(context, file, size));
    FNAS_TRY(fnas_parse_entries(context, file));
    FNAS_TRY(fnas_check_places(context, file));
    FNAS_TRY(fnas_check_crc(context, file));
    FNAS_TRY(fnas_align_tensors(context, file));
    file->by_name = fnas_sort_by_name(file->tensors, file->count);
    return file->by_name ? FNAS_OK : fnas_fail_memory(context, path);
}

fnas_status fnas_safetensors_read(fnas_context *context, const char *path, size_t limit_bytes, fnas_safetensors **file) {
    *file = NULL;
    fnas_safetensors *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, path);
    fnas_status status = fnas_read_into(context, path, limit_bytes, created);
    if (status != FNAS_OK) {
        fnas_safetensors_free(created);
        return status;
    }
    *file = created;
    return FNAS_OK;
}

/* ---- looking up ---- */

const fnas_safetensors_tensor *fnas_safetensors_tensors(const fnas_safetensors *file, int64_t *count) {
    *count = file->count;
    return file->tensors;
}

const fnas_safetensors_tensor *fnas_safetensors_find(const fnas_safetensors *file, const char *name) {
    const fnas_safetensors_tensor wanted = {.name = name}, *key = &wanted;
    const fnas_safetensors_tensor **found = bsearch(&key, file->by_name, (size_t)file->count, sizeof *file->by_name, fnas_compare_names);
    return found ? *found : NULL;
}

const char *fnas_safetensors_metadata(const fnas_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

static fnas_status fnas_fail_shape(fnas_context *context, const fnas_safetensors *file, const fnas_safetensors_tensor *tensor, int64_t rank,
                                   const int64_t *shape) {
    fnas_text has = {0}, expected = {0};
    fnas_append_shape(&has, tensor->rank, tensor->shape, ", ");
    fnas_append_shape(&expected, rank, shape, ", ");
    fnas_status status = has.failed || expected.failed ? fnas_fail_memory(context, file->path)
                                                       : fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" has shape %s, expected %s",
                                                                   file->path, tensor->name, has.data, expected.data);
    fnas_text_free(&has);
    fnas_text_free(&expected);
    return status;
}

fnas_status fnas_safetensors_get(fnas_context *context, const fnas_safetensors *file, const char *name, fnas_safetensors_type type,
                                 int64_t rank, const int64_t *shape, const void **data) {
    const fnas_safetensors_tensor *tensor = fnas_safetensors_find(file, name);
    if (!tensor) return fnas_fail_tensor(context, file, name, "is missing");
    if (tensor->type != type) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" has dtype %s, expected %s", file->path, name,
                         fnas_safetensors_types[tensor->type].name, fnas_safetensors_types[type].name);
    }
    bool same = tensor->rank == rank && (!rank || !memcmp(tensor->shape, shape, (size_t)rank * sizeof *shape));
    if (!same) return fnas_fail_shape(context, file, tensor, rank, shape);
    *data = tensor->data;
    return FNAS_OK;
}
