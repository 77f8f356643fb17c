/* The wire format of Protocol Buffers, as far as a message without groups needs it: fields one behind the other, each with its number and
 * one of four forms (developers.google.com/protocol-buffers, "Encoding"). */
#ifndef FNAS_DATA_TEXT_WIRE_H
#define FNAS_DATA_TEXT_WIRE_H

#include <stddef.h>
#include <stdint.h>

typedef enum fnas_wire_form { FNAS_WIRE_VARINT = 0, FNAS_WIRE_64 = 1, FNAS_WIRE_BYTES = 2, FNAS_WIRE_32 = 5 } fnas_wire_form;

typedef struct fnas_wire_field {
    uint32_t number;
    fnas_wire_form form;
    uint64_t value;             /* of the three forms that are numbers */
    const unsigned char *bytes; /* [size] of the fourth; borrowed */
    size_t size;
    const unsigned char *begin; /* of the field itself, with its number */
} fnas_wire_field;

/* What is left of a message. */
typedef struct fnas_wire {
    const unsigned char *at, *end;
} fnas_wire;

/* Takes the next field: 1. 0: there is none. -1: what stands there is none (cut off, an unknown form, a number out of range). */
int fnas_wire_next(fnas_wire *wire, fnas_wire_field *field);

#endif
