#include "data/text/wire.h"

#include <stdbool.h>

#define NUMBER_MAX 536870911u /* 2^29 - 1 */

static bool take_varint(fnas_wire *wire, uint64_t *value) {
    *value = 0;
    for (int shift = 0; shift < 70 && wire->at < wire->end; shift += 7) {
        unsigned char byte = *wire->at++;
        if (shift == 63 && byte > 1) return false; /* more than 64 bits */
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static bool take_fixed(fnas_wire *wire, int size, uint64_t *value) {
    if (wire->end - wire->at < size) return false;
    *value = 0;
    for (int i = size - 1; i >= 0; i--) *value = *value << 8 | wire->at[i];
    wire->at += size;
    return true;
}

static bool take_bytes(fnas_wire *wire, fnas_wire_field *field) {
    uint64_t size;
    if (!take_varint(wire, &size) || size > (uint64_t)(wire->end - wire->at)) return false;
    field->bytes = wire->at;
    field->size = (size_t)size;
    wire->at += size;
    return true;
}

static bool take_value(fnas_wire *wire, fnas_wire_field *field) {
    switch (field->form) {
    case FNAS_WIRE_VARINT:
        return take_varint(wire, &field->value);
    case FNAS_WIRE_64:
        return take_fixed(wire, 8, &field->value);
    case FNAS_WIRE_BYTES:
        return take_bytes(wire, field);
    case FNAS_WIRE_32:
        return take_fixed(wire, 4, &field->value);
    }
    return false;
}

int fnas_wire_next(fnas_wire *wire, fnas_wire_field *field) {
    uint64_t tag;
    *field = (fnas_wire_field){.begin = wire->at};
    if (wire->at == wire->end) return 0;
    if (!take_varint(wire, &tag) || tag >> 3 < 1 || tag >> 3 > NUMBER_MAX) return -1;
    field->number = (uint32_t)(tag >> 3);
    field->form = (fnas_wire_form)(tag & 7);
    return take_value(wire, field) ? 1 : -1;
}
