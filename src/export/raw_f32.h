/* Files of nothing but f32 numbers, little-endian: what programs of any language can read and write. */
#ifndef FNAS_EXPORT_RAW_F32_H
#define FNAS_EXPORT_RAW_F32_H

#include "base/error.h"

FNAS_NODISCARD fnas_status fnas_raw_f32_write(fnas_context *context, const char *path, int64_t count, const float *values); /* atomic */

/* values [count]. Errors: FNAS_ERR_INPUT (no such file; it holds another number of bytes), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_raw_f32_read(fnas_context *context, const char *path, int64_t count, float *values);

#endif
