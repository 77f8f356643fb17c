/* Files of prepared images: what is accepted lies in the bytes there are. A checksum would hide the checks behind it from a fuzzer, so it
 * is put right in a copy. */
#include <string.h>
#include <zlib.h>

#include "data/pack.h"
#include "fuzz/fuzz.h"

#define TRAILER_BYTES (11 * 8 + 16)

static void check_pack(const uint8_t *data, size_t size, const fnas_pack *pack) {
    FUZZ_REQUIRE(pack->counts[FNAS_PART_TRAIN] >= 1 && pack->classes >= 2 && strlen(pack->root) < size);
    for (int64_t i = 0; i < pack->counts[FNAS_PART_TRAIN] + pack->counts[FNAS_PART_TEST]; i++) {
        fnas_picture picture;
        int32_t label = fnas_pack_image(pack, i, &picture);
        FUZZ_REQUIRE(label >= 0 && label < pack->classes && picture.height >= 1 && picture.width >= 1);
        FUZZ_REQUIRE(picture.pixels >= data && picture.pixels + picture.height * picture.width * FNAS_PICTURE_CHANNELS <= data + size);
    }
}

static void parse(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_pack pack;
    fnas_status status = fnas_pack_parse(context, "A.images", data, size, &pack);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_pack(data, size, &pack);
    fnas_context_destroy(context);
}

static void put(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | at[i];
    return value;
}

/* The length and the checksum that the trailer would have, had it been written so. */
static void put_right(uint8_t *data, size_t size) {
    uint8_t *trailer = data + size - TRAILER_BYTES;
    uint64_t offset = get(trailer);
    put(trailer + 9 * 8, size);
    if (offset <= size - TRAILER_BYTES) put(trailer + 10 * 8, crc32_z(0, data + offset, size - offset - 16 - 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse(data, size);
    if (size < 16 + TRAILER_BYTES) return 0;
    uint8_t *copy = malloc(size);
    FUZZ_REQUIRE(copy);
    memcpy(copy, data, size);
    put_right(copy, size);
    parse(copy, size);
    free(copy);
    return 0;
}
