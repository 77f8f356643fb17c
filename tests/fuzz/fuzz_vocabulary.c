/* Models of SentencePiece: what is accepted cuts any text into pieces that it has, and puts ids together again. The texts are fixed ones
 * and the end of the model itself. */
#include <string.h>

#include "data/text/vocabulary.h"
#include "fuzz/fuzz.h"

#define TAIL 200

static void round_trip(const fnas_vocabulary *vocabulary, const char *text, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_encoding encoding = {0};
    fnas_text decoded = {0};
    fnas_status status = fnas_vocabulary_encode(context, vocabulary, text, size, &encoding);
    fuzz_check(context, status);
    for (int64_t i = 0; status == FNAS_OK && i < encoding.count; i++)
        FUZZ_REQUIRE(encoding.ids[i] >= 0 && encoding.ids[i] < fnas_vocabulary_get(vocabulary).size);
    if (status == FNAS_OK) fuzz_check(context, fnas_vocabulary_decode(context, vocabulary, encoding.ids, encoding.count, &decoded));
    fnas_text_free(&decoded);
    fnas_encoding_free(&encoding);
    fnas_context_destroy(context);
}

static void check_pieces(const fnas_vocabulary *vocabulary) {
    fnas_vocabulary_marks marks = fnas_vocabulary_get(vocabulary);
    FUZZ_REQUIRE(marks.size >= 1 && marks.unknown >= 0 && marks.unknown < marks.size);
    FUZZ_REQUIRE(marks.begin < marks.size && marks.end < marks.size && marks.padding < marks.size);
    for (int32_t id = 0; id < marks.size; id++) {
        size_t size;
        const char *piece = fnas_vocabulary_piece(vocabulary, id, &size);
        FUZZ_REQUIRE(size >= 1 && !memchr(piece, 0, size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char plain[] = "  be riton \xEF\xAC\x81 \xF0\x9F\x98\x80\xFF <sep>aaaa[MASK] \xE2\x96\x81 ";
    fnas_context *context = fuzz_context();
    fnas_vocabulary *vocabulary;
    fnas_status status = fnas_vocabulary_parse(context, "A.model", data, size, &vocabulary);
    fuzz_check(context, status);
    if (status == FNAS_OK) {
        check_pieces(vocabulary);
        round_trip(vocabulary, plain, sizeof plain - 1);
        round_trip(vocabulary, (const char *)data + (size > TAIL ? size - TAIL : 0), size > TAIL ? TAIL : size);
    }
    fnas_vocabulary_free(vocabulary);
    fnas_context_destroy(context);
    return 0;
}
