/* Training a vocabulary with SentencePiece's own program. */
#ifndef FNAS_DATA_TEXT_VOCABULARY_TRAIN_H
#define FNAS_DATA_TEXT_VOCABULARY_TRAIN_H

#include "data/text/vocabulary.h"

/* Runs spm_train on the lines of FOLDER/lines, which leaves files of its own in the folder. kind: "bpe" or "unigram"; size: pieces. The
 * vocabulary has <unk>, <s>, </s> and <pad>, and a piece for each byte, so that no text is unknown. Its bytes do not tell where it was
 * trained: equal lines make equal ones. *vocabulary is owned: fnas_vocabulary_free. Errors: FNAS_ERR_INPUT (no spm_train, or it failed: too
 * few lines for the size), FNAS_INTERRUPTED, FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_vocabulary_train(fnas_context *context, const char *folder, const char *kind, int64_t size, uint64_t seed,
                                                 fnas_vocabulary **vocabulary);

/* A model without the paths of the files that it was trained on and written to. Appended to `out`. Errors as fnas_vocabulary_parse. */
FNAS_NODISCARD fnas_status fnas_vocabulary_strip(fnas_context *context, const unsigned char *bytes, size_t size, fnas_text *out);

#endif
