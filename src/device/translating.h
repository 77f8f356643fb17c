/* Networks that translate, as a runtime runs them: encoder-decoder Transformers of a space, each with weights of its own, as it would be
 * deployed (a part of a larger network's weights would lie in memory with gaps). What is timed is what Wang et al. (2020, "HAT") time: the
 * encoder reads sentences of the space's `length`, the decoder says as many words one after the other, greedily and with the keys and
 * values of the words before kept (nn/translator/decode.h). Sentences are random words; the end is not said before the last word, so that
 * every network says as many. */
#ifndef FNAS_DEVICE_TRANSLATING_H
#define FNAS_DEVICE_TRANSLATING_H

#include "device/runtime.h"
#include "nn/path.h"
#include "nn/translator/decode.h"
#include "space/space.h"

#define FNAS_TRANSLATING_VOCABULARY 8000 /* unless told otherwise: of the order that pairs of languages are given */
#define FNAS_TRANSLATING_VOCABULARY_LEAST 16
#define FNAS_TRANSLATING_VOCABULARY_MOST 1000000

/* Whether a space's networks translate. */
bool fnas_translating_is_of(const fnas_space *space);
int64_t fnas_translating_length(const fnas_space *space); /* words of a sentence; of such a space only */

typedef struct fnas_translating {
    const fnas_runtime_translation *translation;
    int64_t threads;
    fnas_translator shape;
    fnas_parameters parameters;
    fnas_worker worker;
    int64_t n, length;
    int32_t *source, *target; /* [n][length]: what is read; what a program that is told its words reads of the target, from BEGIN on */
    int64_t *start;           /* [n + 1], of both */
    int32_t *words;           /* [n][length]: what the last run said, of each sentence length - 1 and then the end, which is not written */
    int64_t *word_counts;     /* [n] */
    double *scores;           /* [n] their log probabilities, with the end */
    fnas_decode_request request; /* of all these */
} fnas_translating;

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

/* logits [n][vocabulary]: what comes behind the last word of the target. Errors as for a run. */
FNAS_NODISCARD fnas_status fnas_translating_last_logits(fnas_context *context, fnas_translating *translating, float *logits);

#endif
