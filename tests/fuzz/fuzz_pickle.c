/* The .pt reader: bytes that begin with "PK" go through the archive, others to the pickle reader itself, which checksums would hide. */
#include <math.h>
#include <string.h>

#include "export/pickle.h"
#include "export/zip.h"
#include "fuzz/fuzz.h"

static void check_pickle(const fnas_pickle *pickle) {
    FUZZ_REQUIRE(pickle->count >= 0 && pickle->count <= FNAS_PICKLE_ITEMS_MAX);
    for (int64_t i = 0; i < pickle->count; i++) {
        FUZZ_REQUIRE(isfinite(pickle->numbers[i]));
        FUZZ_REQUIRE(!pickle->is_integer[i] || pickle->numbers[i] == floor(pickle->numbers[i]));
        FUZZ_REQUIRE(!pickle->is_map || strlen(pickle->keys[i]) <= FNAS_PICKLE_KEY_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_pickle pickle = {0};
    fnas_zip_entry entry = {.data = data, .size_bytes = size};
    fnas_status status = FNAS_OK;
    if (size >= 2 && memcmp(data, "PK", 2) == 0) status = fnas_zip_find(context, "A.pt", data, size, "data.pkl", &entry);
    fuzz_check(context, status);
    if (status == FNAS_OK) {
        FUZZ_REQUIRE(entry.data >= data && entry.size_bytes <= size && entry.data + entry.size_bytes <= data + size);
        status = fnas_pickle_read(context, "A.pt: data.pkl", entry.data, entry.size_bytes, &pickle);
        fuzz_check(context, status);
        if (status == FNAS_OK) check_pickle(&pickle);
    }
    fnas_pickle_free(&pickle);
    fnas_context_destroy(context);
    return 0;
}
