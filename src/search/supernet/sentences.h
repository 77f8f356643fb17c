/* Batches of pairs of sentences as a Transformer takes them: one sentence after the other, without padding. */
#ifndef FNAS_SEARCH_SUPERNET_SENTENCES_H
#define FNAS_SEARCH_SUPERNET_SENTENCES_H

#include "data/text/pairs.h"
#include "nn/translator/translator.h"

/* A source has </s> behind it; what the decoder reads of a target begins with <s>, what it should say ends with </s>. */
typedef struct fnas_sentences {
    int64_t n;
    int32_t *source, *input, *label;      /* one pair's tokens behind the other's */
    int64_t *source_start, *target_start; /* [n + 1] */
} fnas_sentences;

/* Room for so many pairs whose sides have at most so many tokens in all, marks included. Release with fnas_sentences_free, also after a
 * failure. */
FNAS_NODISCARD fnas_status fnas_sentences_create(fnas_context *context, int64_t pairs_most, int64_t tokens_most, fnas_sentences *sentences);
void fnas_sentences_free(fnas_sentences *sentences); /* also when zeroed */

/* Pairs [count] of a part take the place of what was there. */
void fnas_sentences_fill(const fnas_pairs *pairs, fnas_text_part part, int64_t count, const int64_t *indices, fnas_sentences *sentences);

/* Words that are to be said. */
int64_t fnas_sentences_words(const fnas_sentences *sentences);
fnas_translator_batch fnas_sentences_batch(const fnas_sentences *sentences); /* borrows */

#endif
