/* Decoding: sentence by sentence a word at a time, with the keys and values of the words before kept, and beam search over it. */
#ifndef FNAS_NN_TRANSLATOR_DECODE_H
#define FNAS_NN_TRANSLATOR_DECODE_H

#include "nn/translator/translator.h"

#define FNAS_BEAM_MOST 16

typedef struct fnas_decode_options {
    int64_t beam;          /* hypotheses that are kept, 1 (greedy) to FNAS_BEAM_MOST */
    double length_penalty; /* a hypothesis of n words (its end included) is worth its log probability / n^penalty (Wu et al. 2016, in
                              fairseq's form) */
    int64_t words_most;    /* of a translation, its end included: every one ends */
    int64_t words_least;   /* likewise: before, the end is not said. 0: it may be said at once */
    int32_t begin, end;    /* ids: what the decoder reads first, and what it says last */
} fnas_decode_options;

typedef struct fnas_decode_request {
    const fnas_translator *shape, *largest; /* as in fnas_translator_request */
    const fnas_parameters *parameters;
    int64_t n;                   /* sentences, decoded together */
    const int32_t *source;       /* ids */
    const int64_t *source_start; /* [n + 1] */
    fnas_decode_options options;
    /* Of the weights that the decoder's steps multiply with: FNAS_COMPUTE_BF16 rounds them once a fnas_decoding_begin (fnas_product_round),
     * so that a step of few hypotheses has half as many bytes to read. Sums, activations and all of the encoder are f32. */
    fnas_compute_type weights;
    int32_t *words;       /* [n][words_most]: written, without begin and end */
    int64_t *word_counts; /* [n]: written */
    double *scores;       /* [n]: of what is given; NULL: not wanted */
} fnas_decode_request;

/* Beam search as fairseq's: of each step's 2 * beam best continuations those among the first `beam` that end are kept as finished, and the
 * best `beam` others go on, until as many are finished or words_most is reached, where what is left is ended. Deterministic: of equal
 * scores the earlier hypothesis and then the smaller id wins. On one thread, in memory of the worker's arenas: no malloc
 * from the third run of a shape on (an arena is one block from its second on). */
FNAS_NODISCARD fnas_status fnas_translator_decode(fnas_context *context, fnas_worker *worker, const fnas_decode_request *request);

/* The same in two parts, for who times the steps alone. Begins: runs the encoder, makes keys and values of what it gives, rounds weights
 * where they are in bf16. *decoding, NULL on failure, lies in the worker's memory and holds until the worker is used for something else.
 * The request is copied; what it points to stays as it is until the last word is said. */
typedef struct fnas_decoding fnas_decoding;
FNAS_NODISCARD fnas_status fnas_decoding_begin(fnas_context *context, fnas_worker *worker, const fnas_decode_request *request,
                                               fnas_decoding **decoding);
/* Says the words, from the first one on, as often as it is called. */
FNAS_NODISCARD fnas_status fnas_decoding_say(fnas_context *context, fnas_decoding *decoding);

#endif
