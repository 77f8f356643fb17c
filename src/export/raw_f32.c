#include "export/raw_f32.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

/* Byte by byte: files do not depend on the machine. */
fnas_status fnas_raw_f32_write(fnas_context *context, const char *path, int64_t count, const float *values) {
    unsigned char *bytes = fnas_allocate((size_t)count, sizeof *values);
    if (!bytes) return fnas_fail_memory(context, path);
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (int b = 0; b < 4; b++) bytes[4 * i + b] = (unsigned char)(bits >> (8 * b));
    }
    fnas_status status = fnas_file_write_atomic(context, path, bytes, (size_t)count * sizeof *values);
    fnas_free(bytes);
    return status;
}

fnas_status fnas_raw_f32_read(fnas_context *context, const char *path, int64_t count, float *values) {
    unsigned char *bytes;
    size_t size, expected = (size_t)count * sizeof *values;
    FNAS_TRY(fnas_file_read(context, path, expected + 1, &bytes, &size));
    fnas_status status = FNAS_OK;
    if (size != expected)
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s has %zu bytes, expected %lld f32 numbers, which are %zu", path, size,
                           (long long)count, expected);
    for (int64_t i = 0; status == FNAS_OK && i < count; i++) {
        uint32_t bits = 0;
        for (int b = 0; b < 4; b++) bits |= (uint32_t)bytes[4 * i + b] << (8 * b);
        memcpy(&values[i], &bits, sizeof bits);
    }
    fnas_free(bytes);
    return status;
}
