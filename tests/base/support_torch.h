/* State dictionaries as torch.save writes them, opcode by opcode, in both forms of the file: for tests of what reads them. */
#ifndef FNAS_TESTS_BASE_SUPPORT_TORCH_H
#define FNAS_TESTS_BASE_SUPPORT_TORCH_H

#include "base/support_pt.h"

#define TORCH_DICT "ccollections\nOrderedDict\n)R"

/* A storage of the file. */
typedef struct torch_data {
    const char *key;
    const void *data;
    size_t count, size_bytes;
} torch_data;

static inline void torch_add(bytes_buffer *buffer, const char *opcodes) {
    bytes_add(buffer, opcodes, strlen(opcodes));
}

static inline void torch_integer(bytes_buffer *buffer, int64_t value) {
    if (value == (int64_t)(int32_t)value) {
        pickle_integer(buffer, (int32_t)value);
        return;
    }
    bytes_add(buffer, "\x8a\x08", 2); /* LONG1 */
    bytes_add_little(buffer, (uint32_t)((uint64_t)value & 0xFFFFFFFFu), 4);
    bytes_add_little(buffer, (uint32_t)((uint64_t)value >> 32), 4);
}

static inline void torch_tuple(bytes_buffer *buffer, int rank, const int64_t *values) {
    torch_add(buffer, "(");
    for (int i = 0; i < rank; i++) torch_integer(buffer, values[i]);
    torch_add(buffer, "t");
}

static inline void torch_storage(bytes_buffer *buffer, const char *class, const char *key, int64_t count) {
    torch_add(buffer, "(");
    pickle_text(buffer, "storage");
    torch_add(buffer, class);
    pickle_text(buffer, key);
    pickle_text(buffer, "cpu");
    torch_integer(buffer, count);
    torch_add(buffer, "tQ");
}

/* PROTO and an OrderedDict whose entries follow. */
static inline void torch_begin(bytes_buffer *buffer) {
    torch_add(buffer, "\x80\x02" TORCH_DICT "q");
    bytes_add_byte(buffer, 0);
    torch_add(buffer, "(");
}

static inline void torch_end(bytes_buffer *buffer) {
    torch_add(buffer, "u.");
}

/* The value of an entry: a tensor over a storage of `class` ("ctorch\nFloatStorage\n"). */
static inline void torch_tensor(bytes_buffer *buffer, const char *class, const char *key, int64_t count, int64_t offset, int rank,
                                const int64_t *shape, const int64_t *strides) {
    torch_add(buffer, "ctorch._utils\n_rebuild_tensor_v2\n(");
    torch_storage(buffer, class, key, count);
    torch_integer(buffer, offset);
    torch_tuple(buffer, rank, shape);
    torch_tuple(buffer, rank, strides);
    torch_add(buffer, "\x89" TORCH_DICT "tR");
}

/* An entry of floats, row-major. */
static inline void torch_entry(bytes_buffer *buffer, const char *name, const char *key, int64_t count, int64_t offset, int rank,
                               const int64_t *shape) {
    int64_t strides[8], stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape[i];
    }
    pickle_text(buffer, name);
    torch_tensor(buffer, "ctorch\nFloatStorage\n", key, count, offset, rank, shape, strides);
}

/* archive/data.pkl, archive/data/KEY ..., archive/version, and archive/byteorder where one is given. */
static inline void torch_archive(bytes_buffer *file, const bytes_buffer *pickle, const torch_data *storages, int count,
                                 const char *byte_order) {
    char names[12][64];
    zip_part parts[16] = {{"archive/data.pkl", pickle->data, pickle->size}, {"archive/version", "3\n", 2}};
    int part_count = 2;
    if (count > 12) abort();
    if (byte_order) parts[part_count++] = (zip_part){"archive/byteorder", byte_order, strlen(byte_order)};
    for (int i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "archive/data/%s", storages[i].key);
        parts[part_count++] = (zip_part){names[i], storages[i].data, storages[i].size_bytes};
    }
    zip_archive(file, parts, part_count);
}

/* The form before 1.6. `little` is the opcode of little_endian, 0x88 for true. */
static inline void torch_legacy(bytes_buffer *file, const bytes_buffer *pickle, const torch_data *storages, int count, unsigned little) {
    bytes_add(file, "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}(", 25);
    pickle_text(file, "protocol_version");
    bytes_add(file, "M\xe9\x03", 3);
    pickle_text(file, "little_endian");
    bytes_add_byte(file, little);
    torch_add(file, "u.");
    bytes_add(file, pickle->data, pickle->size);
    torch_add(file, "\x80\x02](");
    for (int i = 0; i < count; i++) pickle_text(file, storages[i].key);
    torch_add(file, "e.");
    for (int i = 0; i < count; i++) {
        bytes_add_little(file, (uint32_t)storages[i].count, 4);
        bytes_add_little(file, 0, 4);
        bytes_add(file, storages[i].data, storages[i].size_bytes);
    }
}

#endif
