/* A training step, a decoding or its steps of a sub-transformer on made-up sentences. */
#ifndef FNAS_BENCH_TRANSLATION_H
#define FNAS_BENCH_TRANSLATION_H

#include "bench/row.h"
#include "nn/path.h"
#include "nn/translator/decode.h"

#define FNAS_TRANSLATIONS "middle|largest|smallest"
#define FNAS_TRANSLATION_BEGIN 0
#define FNAS_TRANSLATION_END 1
#define FNAS_TRANSLATION_SMOOTHING 0.1f
/* HAT's, of a side of the largest width. */
#define FNAS_TRANSLATION_RESIDUAL_DROPOUT 0.3f
#define FNAS_TRANSLATION_ATTENTION_DROPOUT 0.1f

typedef struct fnas_translation_setup {
    const char *arch; /* of space0: of each decision the middle, largest or smallest value */
    bool decoding;    /* encodes and says `words` words a sentence greedily; else a training step */
    bool steps_alone; /* of a decoding the decoder's steps: the sentences have been encoded */
    bool shared;      /* the weights are slices of the largest network's; else its own */
    bool dropout;     /* in training */
    bool rounded;     /* decoding: the steps' weights in bf16 */
    int64_t sentences, words, vocabulary;
    uint64_t seed;
} fnas_translation_setup;

typedef struct fnas_translation {
    fnas_translation_setup setup;
    fnas_translator shape, largest; /* largest: whose weights the parameters are */
    fnas_parameters parameters;     /* drawn from the seed; the row of the end is 0, so that no sentence ends before its last word */
    fnas_translator_batch batch;
    int32_t *source, *input, *label; /* [sentences][words] */
    int64_t *start;                  /* [sentences + 1], of all three */
    fnas_translator_dropout dropout;
    float *weight_gradient; /* training: added to in every run */
    float *logits;          /* NULL, or training: [sentences][words][vocabulary], written in every run */
    int32_t *said;          /* decoding: [sentences][words] */
    int64_t *said_count;    /* [sentences], without the end */
    double *score;          /* [sentences] */
    fnas_translator_result result;
    fnas_worker worker;
    fnas_decoding *begun; /* steps alone: in the worker's memory */
} fnas_translation;

/* On failure there is still something to free. Where steps are run alone, it stays where it is: they point into it. */
FNAS_NODISCARD fnas_status fnas_translation_create(fnas_context *context, const fnas_translation_setup *setup,
                                                   fnas_translation *translation);
void fnas_translation_free(fnas_translation *translation);

/* Forward, loss and backward into weight gradients, without an optimiser; or a decoding, or its steps. */
FNAS_NODISCARD fnas_status fnas_translation_run(fnas_context *context, fnas_translation *translation);

/* Multiplications and additions (two a product) of all matrix products: linear layers, attention, the words' logits; steps alone: without
 * the encoder and the keys and values of what it gives; training: three times the forward pass's. */
double fnas_translation_flops(const fnas_translation *translation);

/* A few sentences against the naive network in double precision: training by its logits and loss, decoding by the score of what it says.
 * *error: over what is allowed. FNAS_ERR_NUMERIC where it is above 1. */
FNAS_NODISCARD fnas_status fnas_translation_bench_check(fnas_context *context, const fnas_translation_setup *setup, double *error);

/* Runs once, without dropout, and writes what was computed and with what: "parameter/NAME", "source", "source_start"; training: "input",
 * "label", "target_start", "loss", "logits", "gradient/NAME"; decoding: "words", "scores". Metadata: "shape" (JSON), "smoothing", "task",
 * "precision".
 */
FNAS_NODISCARD fnas_status fnas_translation_dump(fnas_context *context, const fnas_translation_setup *setup, const char *path);

#endif
