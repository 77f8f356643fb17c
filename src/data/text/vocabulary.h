/* Subwords of SentencePiece (Kudo and Richardson 2018): a model that its tools trained, read by a parser of our own, and texts cut into its
 * pieces and put together again exactly as spm_encode and spm_decode do it. Models of the types unigram (Kudo 2018, "Subword
 * regularization") and bpe (Sennrich et al. 2016). */
#ifndef FNAS_DATA_TEXT_VOCABULARY_H
#define FNAS_DATA_TEXT_VOCABULARY_H

#include "base/text.h"

#define FNAS_VOCABULARY_BYTES_MAX (1 << 25) /* of a model's file */
#define FNAS_VOCABULARY_MAX (1 << 20)       /* pieces */
#define FNAS_PIECE_BYTES_MAX 8000
#define FNAS_ENCODED_BYTES_MAX (1 << 20) /* of a text that is encoded */

/* Immutable once read: any number of threads may use it. */
typedef struct fnas_vocabulary fnas_vocabulary;

/* name: for messages, borrowed as are the bytes: the vocabulary keeps a copy. *vocabulary is owned: fnas_vocabulary_free. Errors:
 * FNAS_ERR_INPUT (no model, truncated, damaged, beyond a limit, pieces that are empty or stand twice, no unknown piece, bytes missing),
 * FNAS_ERR_UNSUPPORTED (of type word or char), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_vocabulary_parse(fnas_context *context, const char *name, const unsigned char *bytes, size_t size,
                                                 fnas_vocabulary **vocabulary);
/* The same of a file. Also FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_vocabulary_read(fnas_context *context, const char *path, fnas_vocabulary **vocabulary);
void fnas_vocabulary_free(fnas_vocabulary *vocabulary); /* NULL is allowed */

/* The bytes that it was read from. */
const unsigned char *fnas_vocabulary_bytes(const fnas_vocabulary *vocabulary, size_t *size);

/* Ids are 0..size-1. Those of marks that it has not are -1. */
typedef struct fnas_vocabulary_marks {
    int32_t size;
    int32_t unknown, begin, end, padding; /* <unk>, <s>, </s>, <pad> */
} fnas_vocabulary_marks;
fnas_vocabulary_marks fnas_vocabulary_get(const fnas_vocabulary *vocabulary);

/* The piece of an id in range; not 0-terminated, borrowed. */
const char *fnas_vocabulary_piece(const fnas_vocabulary *vocabulary, int32_t id, size_t *size);

/* What a text became, and memory to work in, kept from one text to the next. Zero-initialise; fnas_encoding_free. */
typedef struct fnas_encoding {
    int32_t *ids; /* [count] */
    int64_t count;
    size_t capacity;
    struct fnas_encoder *encoder;
} fnas_encoding;
void fnas_encoding_free(fnas_encoding *encoding);

/* Cuts a text (bytes, 0 among them) into pieces, without marks at its ends. One thread an encoding. Errors: FNAS_ERR_INPUT (longer than
 * FNAS_ENCODED_BYTES_MAX, or grows beyond a limit when it is normalised), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_vocabulary_encode(fnas_context *context, const fnas_vocabulary *vocabulary, const char *text, size_t size,
                                                  fnas_encoding *encoding);

/* Appends the text of ids [count]. Errors: FNAS_ERR_INPUT (an id out of range), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_vocabulary_decode(fnas_context *context, const fnas_vocabulary *vocabulary, const int32_t *ids,
                                                  int64_t count, fnas_text *text);

#endif
