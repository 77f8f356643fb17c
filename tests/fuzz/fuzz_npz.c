/* The NPZ reader: bytes that begin with "PK" go through the archive, others to the reader of arrays itself, which checksums would hide. */
#include <string.h>

#include "base/memory.h"
#include "export/npy.h"
#include "export/zip.h"
#include "fuzz/fuzz.h"

#define LIMIT_BYTES ((size_t)16 << 20)

static void read_array(fnas_context *context, const uint8_t *data, size_t size) {
    fnas_npy array;
    char text[32];
    fnas_status status = fnas_npy_read(context, "A.npz: a", data, size, &array);
    fuzz_check(context, status);
    if (status != FNAS_OK) return;
    FUZZ_REQUIRE(array.data >= data && array.data + array.count * array.item_bytes == data + size);
    volatile double last = fnas_npy_is_number(&array) && array.count ? fnas_npy_number(&array, array.count - 1) : 0;
    (void)last;
    status = fnas_npy_text(context, "A.npz: a", &array, text, sizeof text);
    fuzz_check(context, status);
    if (status == FNAS_OK) FUZZ_REQUIRE(strlen(text) < sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    const fnas_zip_options options = {.writer = "numpy writes NPZ", .allows_deflated = true};
    fnas_zip archive = {.count = 0};
    bool is_archive = size >= 2 && memcmp(data, "PK", 2) == 0;
    if (is_archive)
        fuzz_check(context, fnas_zip_read(context, "A.npz", &options, data, size, &archive));
    else
        read_array(context, data, size);
    for (int64_t i = 0; i < archive.count; i++) {
        unsigned char *unpacked = NULL;
        fnas_status status = fnas_zip_unpack(context, &archive, &archive.entries[i], LIMIT_BYTES, &unpacked);
        fuzz_check(context, status);
        if (status == FNAS_OK) read_array(context, unpacked, archive.entries[i].unpacked_bytes);
        fnas_free(unpacked);
    }
    fnas_zip_free(&archive);
    fnas_context_destroy(context);
    return 0;
}
