/* Networks that translate, as a runtime runs them: encoder-decoder Transformers of a space, each with weights of its own, as it would be
 * deployed (a part of a larger network's weights would lie in memory with gaps). What is timed is what Wang et al. (2020, "HAT") time: the
 * encoder reads sentences of the space's `length`, the decoder says as many words one after the other, greedily and with the keys and
 * values of the words before kept (nn/translator/decode.h). Sentences are random words; the end is not said before the last word, so that
 * every network says as many. */
#ifndef FNAS_DEVICE_TRANSLATING_H
#define FNAS_DEVICE_TRANSLATING_H

#include "device/runtime.h"
#include "space/space.h"

#define FNAS_TRANSLATING_VOCABULARY 8000 /* unless told otherwise: of the order that pairs of languages are given */
#define FNAS_TRANSLATING_VOCABULARY_LEAST 16
#define FNAS_TRANSLATING_VOCABULARY_MOST 1000000

/* Whether a space's networks translate. */
bool fnas_translating_is_of(const fnas_space *space);
int64_t fnas_translating_length(const fnas_space *space); /* words of a sentence; of such a space only */

typedef struct fnas_translating fnas_translating;

/* The network of an architecture for a vocabulary of so many words, with weights and `options->batch` sentences drawn from the seed, as a
 * runtime with a translation runs it. Owned: fnas_translating_destroy. Errors: FNAS_ERR_UNSUPPORTED (the processor lacks the precision),
 * FNAS_ERR_INPUT (a shape that cannot be built), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_translating_create(fnas_context *context, const fnas_runtime *runtime, const fnas_space *space,
                                                   const int32_t *choices, int64_t vocabulary, uint64_t seed,
                                                   const fnas_runtime_options *options, fnas_translating **translating);
void fnas_translating_destroy(fnas_translating *translating); /* NULL is allowed */

/* Reads the sentences and says the words. No malloc from the third run on. FNAS_ERR_NUMERIC: logits that are not finite. */
FNAS_NODISCARD fnas_status fnas_translating_run(fnas_context *context, fnas_translating *translating);
size_t fnas_translating_bytes(const fnas_translating *translating); /* after a run: weights and memory */

/* What the last run said: words [batch][length], of each sentence length - 1 and then the end, which is not written; log probabilities
 * [batch] of them. */
const int32_t *fnas_translating_words(const fnas_translating *translating);
const double *fnas_translating_scores(const fnas_translating *translating);

#endif
