/* Pickles and ZIP archives, written byte by byte: for tests of what reads them, wherever those stand. */
#ifndef FNAS_TESTS_BASE_SUPPORT_PT_H
#define FNAS_TESTS_BASE_SUPPORT_PT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Zero-initialise; bytes_free. */
typedef struct bytes_buffer {
    unsigned char *data;
    size_t size;
} bytes_buffer;

typedef struct zip_part {
    const char *name;
    const void *data;
    size_t size;
} zip_part;

static inline void bytes_add(bytes_buffer *buffer, const void *data, size_t size) {
    buffer->data = realloc(buffer->data, buffer->size + size + 1);
    if (!buffer->data) abort();
    if (size) memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static inline void bytes_add_byte(bytes_buffer *buffer, unsigned value) {
    unsigned char byte = (unsigned char)value;
    bytes_add(buffer, &byte, 1);
}

static inline void bytes_add_little(bytes_buffer *buffer, uint32_t value, int count) {
    for (int i = 0; i < count; i++) bytes_add_byte(buffer, value >> 8 * i & 0xFF);
}

static inline void bytes_free(bytes_buffer *buffer) {
    free(buffer->data);
    *buffer = (bytes_buffer){0};
}

/* PROTO 2, the container (']' or '}'), BINPUT 0. */
static inline void pickle_begin(bytes_buffer *buffer, char container) {
    bytes_add_byte(buffer, 0x80);
    bytes_add_byte(buffer, 2);
    bytes_add_byte(buffer, (unsigned char)container);
    bytes_add(buffer, "q\0", 2);
}

static inline void pickle_float(bytes_buffer *buffer, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bytes_add_byte(buffer, 'G');
    for (int shift = 56; shift >= 0; shift -= 8) bytes_add_byte(buffer, bits >> shift & 0xFF);
}

/* In the shortest of its three forms. */
static inline void pickle_integer(bytes_buffer *buffer, int32_t value) {
    int bytes = value < 0 || value > 0xFFFF ? 4 : value > 0xFF ? 2 : 1;
    bytes_add_byte(buffer, bytes == 4 ? 'J' : bytes == 2 ? 'M' : 'K');
    bytes_add_little(buffer, (uint32_t)value, bytes);
}

static inline void pickle_text(bytes_buffer *buffer, const char *text) {
    bytes_add_byte(buffer, 'X');
    bytes_add_little(buffer, (uint32_t)strlen(text), 4);
    bytes_add(buffer, text, strlen(text));
}

static inline void pickle_number(bytes_buffer *buffer, double value, int integers) {
    if (integers && value == (double)(int32_t)value)
        pickle_integer(buffer, (int32_t)value);
    else
        pickle_float(buffer, value);
}

/* A list as torch.save writes it: batches of 1,000; whole numbers as integers where `integers`. */
static inline void pickle_list(bytes_buffer *buffer, const double *values, size_t count, int integers) {
    pickle_begin(buffer, ']');
    for (size_t first = 0; first < count; first += 1000) {
        size_t end = first + 1000 < count ? first + 1000 : count;
        if (end - first > 1) bytes_add(buffer, "(", 1);
        for (size_t i = first; i < end; i++) pickle_number(buffer, values[i], integers);
        bytes_add(buffer, end - first > 1 ? "e" : "a", 1);
    }
    bytes_add(buffer, ".", 1);
}

static inline void zip_header(bytes_buffer *buffer, const zip_part *part, uint32_t crc, long offset) {
    bytes_add_little(buffer, offset < 0 ? 0x04034b50 : 0x02014b50, 4);
    if (offset >= 0) bytes_add_little(buffer, 0, 2);
    bytes_add_little(buffer, 0, 2);
    bytes_add_little(buffer, 0x0808, 2); /* UTF-8 names, sizes behind the data */
    bytes_add_little(buffer, 0, 2);      /* stored */
    bytes_add_little(buffer, 0, 4);
    bytes_add_little(buffer, offset < 0 ? 0 : crc, 4);
    bytes_add_little(buffer, offset < 0 ? 0 : (uint32_t)part->size, 4);
    bytes_add_little(buffer, offset < 0 ? 0 : (uint32_t)part->size, 4);
    bytes_add_little(buffer, (uint32_t)strlen(part->name), 2);
    bytes_add_little(buffer, 0, 2);
    if (offset >= 0) {
        bytes_add_little(buffer, 0, 2);
        bytes_add_little(buffer, 0, 4);
        bytes_add_little(buffer, 0, 4);
        bytes_add_little(buffer, (uint32_t)offset, 4);
    }
    bytes_add(buffer, part->name, strlen(part->name));
}

static inline uint32_t crc_of(const zip_part *part) {
    return (uint32_t)crc32(crc32(0, NULL, 0), part->data, (unsigned)part->size);
}

/* Stored entries with their sizes behind them, as torch.save writes them (without its padding). */
static inline void zip_archive(bytes_buffer *buffer, const zip_part *parts, int count) {
    long *offsets = calloc((size_t)count + 1, sizeof *offsets);
    if (!offsets) abort();
    for (int i = 0; i < count; i++) {
        offsets[i] = (long)buffer->size;
        zip_header(buffer, &parts[i], 0, -1);
        bytes_add(buffer, parts[i].data, parts[i].size);
        bytes_add_little(buffer, 0x08074b50, 4);
        bytes_add_little(buffer, crc_of(&parts[i]), 4);
        bytes_add_little(buffer, (uint32_t)parts[i].size, 4);
        bytes_add_little(buffer, (uint32_t)parts[i].size, 4);
    }
    size_t directory = buffer->size;
    for (int i = 0; i < count; i++) zip_header(buffer, &parts[i], crc_of(&parts[i]), offsets[i]);
    free(offsets);
    size_t directory_bytes = buffer->size - directory;
    bytes_add_little(buffer, 0x06054b50, 4);
    bytes_add_little(buffer, 0, 4);
    bytes_add_little(buffer, (uint32_t)count, 2);
    bytes_add_little(buffer, (uint32_t)count, 2);
    bytes_add_little(buffer, (uint32_t)directory_bytes, 4);
    bytes_add_little(buffer, (uint32_t)directory, 4);
    bytes_add_little(buffer, 0, 2);
}

/* archive/data.pkl and archive/version. */
static inline void zip_pt(bytes_buffer *buffer, const bytes_buffer *pickle) {
    const zip_part parts[] = {{"archive/data.pkl", pickle->data, pickle->size}, {"archive/version", "3\n", 2}};
    zip_archive(buffer, parts, 2);
}

#endif
