/* NPZ written byte by byte, as numpy.savez writes it (sizes in the 64-bit extra field of local headers), and wrong ones. */
#ifndef FNAS_TESTS_BASE_SUPPORT_NPZ_H
#define FNAS_TESTS_BASE_SUPPORT_NPZ_H

#include <stdbool.h>
#include <stdio.h>

#include "base/support_pt.h"

#define NPZ_PARTS_MAX 16

/* One member. NULL type: "<f8"; NULL order: "False"; NULL shape: none, "()". */
typedef struct npz_part {
    const char *name, *type, *order, *shape;
    const void *data;
    size_t size;
    int version; /* of NPY: 1, or 2; 0: 1 */
} npz_part;

/* An array's bytes. */
static inline void npy_bytes(bytes_buffer *buffer, const npz_part *part) {
    char header[256];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", part->type ? part->type : "<f8",
                          part->order ? part->order : "False", part->shape ? part->shape : "()");
    int version = part->version ? part->version : 1;
    bytes_add(buffer, "\x93NUMPY", 6);
    bytes_add_byte(buffer, (unsigned)version);
    bytes_add_byte(buffer, 0);
    bytes_add_little(buffer, (uint32_t)length, version == 1 ? 2 : 4);
    bytes_add(buffer, header, (size_t)length);
    bytes_add(buffer, part->data, part->size);
}

/* Raw deflate. */
static inline void npz_deflate(const bytes_buffer *from, bytes_buffer *to) {
    z_stream stream = {.next_in = from->data, .avail_in = (uInt)from->size};
    if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    size_t room = deflateBound(&stream, (uLong)from->size);
    to->data = malloc(room + 1);
    if (!to->data) abort();
    stream.next_out = to->data;
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) abort();
    to->size = room - stream.avail_out;
    deflateEnd(&stream);
}

typedef struct npz_entry {
    char name[64];
    bytes_buffer packed;
    uint32_t crc, size, offset;
} npz_entry;

static inline void npz_header(bytes_buffer *buffer, const npz_entry *entry, bool central, bool deflated) {
    bytes_add_little(buffer, central ? 0x02014b50 : 0x04034b50, 4);
    bytes_add_little(buffer, central ? 45 | 45 << 16 : 45, central ? 4 : 2);
    bytes_add_little(buffer, 0, 2);
    bytes_add_little(buffer, deflated ? 8 : 0, 2);
    bytes_add_little(buffer, 0x210000, 4); /* 1980-01-01 */
    bytes_add_little(buffer, entry->crc, 4);
    bytes_add_little(buffer, central ? (uint32_t)entry->packed.size : 0xFFFFFFFF, 4);
    bytes_add_little(buffer, central ? entry->size : 0xFFFFFFFF, 4);
    bytes_add_little(buffer, (uint32_t)strlen(entry->name), 2);
    bytes_add_little(buffer, central ? 0 : 20, 2);
    if (central) {
        bytes_add_little(buffer, 0, 4);
        bytes_add_little(buffer, 0, 2);
        bytes_add_little(buffer, 0, 4);
        bytes_add_little(buffer, entry->offset, 4);
    }
    bytes_add(buffer, entry->name, strlen(entry->name));
    if (central) return;
    bytes_add_little(buffer, 1, 2); /* the 64-bit extra field */
    bytes_add_little(buffer, 16, 2);
    bytes_add_little(buffer, entry->size, 4);
    bytes_add_little(buffer, 0, 4);
    bytes_add_little(buffer, (uint32_t)entry->packed.size, 4);
    bytes_add_little(buffer, 0, 4);
}

static inline void npz_archive(bytes_buffer *buffer, const npz_part *parts, int count, bool deflated) {
    npz_entry entries[NPZ_PARTS_MAX];
    if (count > NPZ_PARTS_MAX) abort();
    for (int i = 0; i < count; i++) {
        bytes_buffer array = {0};
        entries[i] = (npz_entry){.offset = (uint32_t)buffer->size};
        npy_bytes(&array, &parts[i]);
        snprintf(entries[i].name, sizeof entries[i].name, "%s.npy", parts[i].name);
        entries[i].size = (uint32_t)array.size;
        entries[i].crc = (uint32_t)crc32(crc32(0, NULL, 0), array.data, (unsigned)array.size);
        if (deflated)
            npz_deflate(&array, &entries[i].packed);
        else
            bytes_add(&entries[i].packed, array.data, array.size);
        npz_header(buffer, &entries[i], false, deflated);
        bytes_add(buffer, entries[i].packed.data, entries[i].packed.size);
        bytes_free(&array);
    }
    size_t directory = buffer->size;
    for (int i = 0; i < count; i++) {
        npz_header(buffer, &entries[i], true, deflated);
        bytes_free(&entries[i].packed);
    }
    size_t directory_bytes = buffer->size - directory;
    bytes_add_little(buffer, 0x06054b50, 4);
    bytes_add_little(buffer, 0, 4);
    bytes_add_little(buffer, (uint32_t)count, 2);
    bytes_add_little(buffer, (uint32_t)count, 2);
    bytes_add_little(buffer, (uint32_t)directory_bytes, 4);
    bytes_add_little(buffer, (uint32_t)directory, 4);
    bytes_add_little(buffer, 0, 2);
}

#endif
