/* Files of prepared text: what is accepted lies in the bytes there are, and its ids are in its vocabulary. A checksum would hide the checks
 * behind it from a fuzzer, so it is put right in a copy. */
#include <string.h>
#include <zlib.h>

#include "data/text/pairs.h"
#include "data/text/pairs_layout.h"
#include "fuzz/fuzz.h"

static void check_side(const uint8_t *data, size_t size, const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side) {
    int32_t ids[FNAS_PAIR_IDS_MAX];
    int64_t length = fnas_pairs_length(pairs, part, index, side);
    FUZZ_REQUIRE(length >= 1 && length <= FNAS_PAIR_IDS_MAX);
    fnas_pairs_ids(pairs, part, index, side, ids);
    for (int64_t i = 0; i < length; i++) FUZZ_REQUIRE(ids[i] >= 0 && ids[i] < fnas_vocabulary_get(fnas_pairs_get(pairs).vocabulary).size);
    if (part != FNAS_TEXT_VALIDATION && part != FNAS_TEXT_TEST) return;
    size_t text_size;
    const char *text = fnas_pairs_text(pairs, part, index, side, &text_size);
    FUZZ_REQUIRE((const uint8_t *)text >= data && text_size <= size && (const uint8_t *)text + text_size <= data + size);
}

static void check_pairs(const uint8_t *data, size_t size, const fnas_pairs *pairs) {
    fnas_pairs_info info = fnas_pairs_get(pairs);
    FUZZ_REQUIRE(info.counts[FNAS_TEXT_TRAIN] >= 1 && strlen(info.name) > 0);
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) FUZZ_REQUIRE(strlen(info.languages[side]) < size);
    for (int part = 0; part < FNAS_TEXT_PARTS; part++)
        for (int64_t i = 0; i < info.counts[part]; i++)
            for (int side = 0; side < FNAS_TEXT_SIDES; side++) check_side(data, size, pairs, (fnas_text_part)part, i, (fnas_text_side)side);
}

static void parse(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_pairs *pairs;
    fnas_status status = fnas_pairs_parse(context, "A.pairs", data, size, &pairs);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_pairs(data, size, pairs);
    fnas_pairs_close(pairs);
    fnas_context_destroy(context);
}

/* The length and the checksum that the trailer would have, had it been written so. */
static void put_right(uint8_t *data, size_t size) {
    uint8_t *trailer = data + size - FNAS_PAIRS_TRAILER_BYTES;
    fnas_pairs_put(trailer + 8 * FNAS_PAIRS_FILE_BYTES, size, 8);
    fnas_pairs_put(trailer + 8 * FNAS_PAIRS_CHECKSUM, crc32_z(0, data, size - FNAS_PAIRS_MAGIC_BYTES - 8), 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse(data, size);
    if (size < FNAS_PAIRS_TRAILER_BYTES) return 0;
    uint8_t *copy = malloc(size);
    FUZZ_REQUIRE(copy);
    memcpy(copy, data, size);
    put_right(copy, size);
    parse(copy, size);
    free(copy);
    return 0;
}
