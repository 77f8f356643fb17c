/* The most probable pieces of a text under a unigram language model: Viterbi's algorithm over byte positions, as SentencePiece does it,
 * with its precision: sums are rounded to float where they are kept and compared as they were computed. */
#include "data/text/utf8.h"
#include "data/text/vocabulary_detail.h"

#define UNKNOWN_PENALTY 10.0f /* below the least score of a piece */
#define SYMBOL_PENALTY 0.1    /* a user-defined piece scores less than nothing, and so more than any normal one */

/* The best way to cut the text up to here. */
typedef struct place {
    float score;
    uint32_t begin; /* of its last piece */
    int32_t id;
    bool reached;
} place;

static void offer(place *end, double score, size_t begin, int32_t id) {
    if (end->reached && !(score > end->score)) return;
    *end = (place){(float)score, (uint32_t)begin, id, true};
}

static double piece_score(const fnas_vocabulary *vocabulary, int32_t id, size_t size) {
    const fnas_piece *piece = &vocabulary->pieces[id];
    if (piece->type != FNAS_PIECE_SYMBOL) return piece->score;
    return (float)size * vocabulary->greatest_score - SYMBOL_PENALTY;
}

/* Offers every piece that begins here; whether one of them is the single character. */
static bool offer_pieces(const fnas_vocabulary *vocabulary, const fnas_text *normal, place *places, size_t begin, size_t character) {
    bool single = false;
    int32_t node = 0;
    for (size_t at = begin; at < normal->size && (node = fnas_trie_child(&vocabulary->texts, node, normal->data[at])); at++) {
        int32_t id = vocabulary->texts.values[node];
        size_t size = at + 1 - begin;
        if (id < 0 || vocabulary->pieces[id].type == FNAS_PIECE_UNUSED) continue;
        offer(&places[at + 1], piece_score(vocabulary, id, size) + (double)places[begin].score, begin, id);
        single |= size == character;
    }
    return single;
}

static fnas_status collect(fnas_context *context, const place *places, size_t end, fnas_encoder *encoder) {
    while (end) {
        const place *at = &places[end];
        FNAS_TRY(fnas_encoder_add(context, encoder, (fnas_span){at->begin, end - at->begin, at->id}));
        end = at->begin;
    }
    fnas_span *spans = encoder->spans;
    for (size_t i = 0, j = encoder->span_count; i + 1 < j; i++) {
        fnas_span span = spans[i];
        spans[i] = spans[--j];
        spans[j] = span;
    }
    return FNAS_OK;
}

fnas_status fnas_unigram_cut(fnas_context *context, const fnas_vocabulary *vocabulary, fnas_encoder *encoder) {
    const fnas_text *normal = &encoder->normal;
    float unknown_score = vocabulary->least_score - UNKNOWN_PENALTY;
    place *places = fnas_encoder_scratch(encoder, normal->size + 1, sizeof *places);
    if (!places) return fnas_fail_memory(context, "a text");
    for (size_t begin = 0; begin < normal->size;) {
        size_t character = fnas_utf8_length(normal->data[begin]), left = normal->size - begin;
        if (character > left) character = left;
        if (!offer_pieces(vocabulary, normal, places, begin, character)) {
            float score = unknown_score + places[begin].score;
            offer(&places[begin + character], score, begin, vocabulary->marks.unknown);
        }
        begin += character;
    }
    return collect(context, places, normal->size, encoder);
}
