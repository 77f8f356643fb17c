/* Writing protocol buffers' wire format (protobuf.dev/programming-guides/encoding): each call appends one field to a message. A message is
 * a growing text of bytes, whose `failed` tells that memory ran out. Equal calls give equal bytes. */
#ifndef FNAS_EXPORT_PROTOBUF_WRITE_H
#define FNAS_EXPORT_PROTOBUF_WRITE_H

#include <stdint.h>

#include "base/text.h"

typedef fnas_text fnas_protobuf; /* zero-initialise; release with fnas_text_free, or by making it a field of another */

void fnas_protobuf_integer(fnas_protobuf *message, uint32_t field, int64_t value); /* int32, int64, enumerations */
void fnas_protobuf_float(fnas_protobuf *message, uint32_t field, float value);
void fnas_protobuf_string(fnas_protobuf *message, uint32_t field, const char *text);
void fnas_protobuf_floats(fnas_protobuf *message, uint32_t field, int64_t count, const float *values);         /* as bytes, little-endian */
void fnas_protobuf_integers(fnas_protobuf *message, uint32_t field, int64_t count, const int64_t *values);     /* repeated, not packed */
void fnas_protobuf_raw_integers(fnas_protobuf *message, uint32_t field, int64_t count, const int64_t *values); /* as bytes, little-endian */
/* Puts `part` into `message` and releases it. */
void fnas_protobuf_message(fnas_protobuf *message, uint32_t field, fnas_protobuf *part);

#endif
