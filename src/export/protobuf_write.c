#include "export/protobuf_write.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FLOAT = 5 };

static void append_varint(fnas_protobuf *message, uint64_t value) {
    unsigned char bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) bytes[size++] = (unsigned char)(value | 0x80);
    bytes[size++] = (unsigned char)value;
    fnas_text_append_bytes(message, bytes, size);
}

static void append_tag(fnas_protobuf *message, uint32_t field, uint32_t wire) {
    append_varint(message, (uint64_t)field << 3 | wire);
}

/* Byte by byte, so that the file does not depend on the machine. */
static void append_little_endian(fnas_protobuf *message, uint64_t bits, size_t size) {
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(bits >> (8 * i));
    fnas_text_append_bytes(message, bytes, size);
}

static void append_float(fnas_protobuf *message, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    append_little_endian(message, bits, sizeof bits);
}

void fnas_protobuf_integer(fnas_protobuf *message, uint32_t field, int64_t value) {
    append_tag(message, field, WIRE_VARINT);
    append_varint(message, (uint64_t)value);
}

void fnas_protobuf_float(fnas_protobuf *message, uint32_t field, float value) {
    append_tag(message, field, WIRE_FLOAT);
    append_float(message, value);
}

static void append_bytes(fnas_protobuf *message, uint32_t field, const void *bytes, size_t size) {
    append_tag(message, field, WIRE_BYTES);
    append_varint(message, size);
    if (size) fnas_text_append_bytes(message, bytes, size);
}

void fnas_protobuf_string(fnas_protobuf *message, uint32_t field, const char *text) {
    append_bytes(message, field, text, strlen(text));
}

void fnas_protobuf_floats(fnas_protobuf *message, uint32_t field, int64_t count, const float *values) {
    append_tag(message, field, WIRE_BYTES);
    append_varint(message, (uint64_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) append_float(message, values[i]);
}

void fnas_protobuf_raw_integers(fnas_protobuf *message, uint32_t field, int64_t count, const int64_t *values) {
    append_tag(message, field, WIRE_BYTES);
    append_varint(message, (uint64_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) append_little_endian(message, (uint64_t)values[i], sizeof *values);
}

void fnas_protobuf_integers(fnas_protobuf *message, uint32_t field, int64_t count, const int64_t *values) {
    for (int64_t i = 0; i < count; i++) fnas_protobuf_integer(message, field, values[i]);
}

void fnas_protobuf_message(fnas_protobuf *message, uint32_t field, fnas_protobuf *part) {
    if (part->failed) message->failed = true;
    if (!message->failed) append_bytes(message, field, part->data, part->size);
    fnas_text_free(part);
}
