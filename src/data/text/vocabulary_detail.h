/* What a vocabulary is inside. */
#ifndef FNAS_DATA_TEXT_VOCABULARY_DETAIL_H
#define FNAS_DATA_TEXT_VOCABULARY_DETAIL_H

#include "data/text/normalise.h"
#include "data/text/trie.h"
#include "data/text/vocabulary.h"

/* The file's own numbers. */
typedef enum fnas_piece_type {
    FNAS_PIECE_NORMAL = 1,
    FNAS_PIECE_UNKNOWN = 2,
    FNAS_PIECE_CONTROL = 3,
    FNAS_PIECE_SYMBOL = 4, /* one that the user defined: it is never cut */
    FNAS_PIECE_UNUSED = 5,
    FNAS_PIECE_BYTE = 6
} fnas_piece_type;

typedef enum fnas_vocabulary_type { FNAS_VOCABULARY_UNIGRAM = 1, FNAS_VOCABULARY_BPE = 2 } fnas_vocabulary_type;

typedef struct fnas_piece {
    const char *text; /* [size], in the vocabulary's bytes */
    uint32_t size;
    float score;
    fnas_piece_type type;
} fnas_piece;

struct fnas_vocabulary {
    unsigned char *bytes; /* the file */
    size_t size;
    fnas_vocabulary_type type;
    fnas_piece *pieces; /* [marks.size] */
    size_t capacity;
    fnas_vocabulary_marks marks;
    fnas_trie texts;   /* what a text is cut into: normal, user-defined and unused pieces */
    fnas_trie symbols; /* user-defined ones */
    fnas_trie others;  /* controls, bytes, the unknown one */
    fnas_normaliser normaliser, denormaliser;
    bool byte_fallback;
    int32_t byte_ids[256];
    float least_score, greatest_score; /* of normal pieces */
    const char *unknown_text;          /* what an unknown piece is decoded to */
    size_t unknown_text_size;
};

/* One piece of a normalised text. */
typedef struct fnas_span {
    size_t begin, size;
    int32_t id;
} fnas_span;

typedef struct fnas_encoder {
    fnas_text normal;
    fnas_span *spans; /* [span_count] */
    size_t span_count, span_capacity;
    void *scratch; /* a method's own, for each byte of the text */
    size_t scratch_bytes;
    void *queue; /* bpe: candidates */
    size_t queue_capacity;
    int32_t *splits; /* bpe, [vocabulary]: the size of an unused piece's left part, else 0; NULL: not needed so far */
    int32_t splits_size;
} fnas_encoder;

/* Zeroed scratch of at least count elements. NULL when out of memory. */
void *fnas_encoder_scratch(fnas_encoder *encoder, size_t count, size_t size);
FNAS_NODISCARD fnas_status fnas_encoder_add(fnas_context *context, fnas_encoder *encoder, fnas_span span);

/* Cut encoder->normal, which is not empty, into spans. */
FNAS_NODISCARD fnas_status fnas_unigram_cut(fnas_context *context, const fnas_vocabulary *vocabulary, fnas_encoder *encoder);
FNAS_NODISCARD fnas_status fnas_bpe_cut(fnas_context *context, const fnas_vocabulary *vocabulary, fnas_encoder *encoder);

#endif
