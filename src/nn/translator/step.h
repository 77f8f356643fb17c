/* One step of decoding: the next word's logits for rows of hypotheses. For the files of this folder only. */
#ifndef FNAS_NN_TRANSLATOR_STEP_H
#define FNAS_NN_TRANSLATOR_STEP_H

#include "nn/translator/run.h"

/* The products of a layer's step. */
typedef enum fnas_decoder_product {
    FNAS_DECODER_SELF_IN,
    FNAS_DECODER_SELF_OUT,
    FNAS_DECODER_QUERY,
    FNAS_DECODER_CROSS_OUT,
    FNAS_DECODER_EXPAND,
    FNAS_DECODER_CONTRACT,
    FNAS_DECODER_PRODUCTS
} fnas_decoder_product;

typedef struct fnas_decoder {
    fnas_translator_run_state *run; /* whose encoder has run */
    int64_t rows_most, words_most;
    int64_t rows;                            /* hypotheses at work */
    int64_t length;                          /* words that each has read */
    int64_t *sentence;                       /* [rows_most] which each translates */
    int32_t *word;                           /* [rows_most] that each reads next */
    int64_t *kept_in;                        /* [rows_most][words_most]: the row that its t-th word's keys and values lie in */
    float *kept[FNAS_TRANSLATOR_LAYERS_MAX]; /* [rows_most][words_most][2 attention width] */
    float *logits;                           /* [rows_most][vocabulary] */
    float *x, *projected, *context, *branch, *hidden, *weights; /* scratch of a step */
    float *position;                                            /* [words_most][width] */
    /* In bf16: each product's weights, the embedding's, and a panel of them as f32. NULL in f32. */
    uint16_t *rounded[FNAS_TRANSLATOR_LAYERS_MAX][FNAS_DECODER_PRODUCTS], *rounded_embedding;
    float *panel;
} fnas_decoder;

/* Memory for so many rows and words, and the keys and values of the encoder's results. */
FNAS_NODISCARD fnas_status fnas_decoder_begin(fnas_context *context, fnas_translator_run_state *run, int64_t rows_most, int64_t words_most,
                                              fnas_compute_type weights, fnas_decoder *decoder);
/* Reads the rows' words; writes the logits. */
void fnas_decoder_step(fnas_decoder *decoder);
/* Row i goes on from what row from[i] has read, for i < rows. */
void fnas_decoder_reorder(fnas_decoder *decoder, int64_t rows, const int64_t *from, int64_t *scratch);

#endif
