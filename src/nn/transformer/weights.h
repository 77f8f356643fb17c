/* Where the shared weights of a Transformer lie: handles follow from the order of declaration. For the files of this folder only. */
#ifndef FNAS_NN_TRANSFORMER_WEIGHTS_H
#define FNAS_NN_TRANSFORMER_WEIGHTS_H

#include "nn/transformer/transformer.h"

/* A product with a weight [out][in] and its bias [out]. */
enum { FNAS_TRANSFORMER_WEIGHT, FNAS_TRANSFORMER_BIAS, FNAS_TRANSFORMER_LINEAR };
enum { FNAS_TRANSFORMER_GAMMA, FNAS_TRANSFORMER_BETA, FNAS_TRANSFORMER_NORM };

#define FNAS_TRANSFORMER_EMBEDDING 0 /* handle */

/* Offsets in a layer: queries, keys and values of the layer's own sequence are one product of three times the attention width. */
enum {
    FNAS_TRANSFORMER_SELF_IN,
    FNAS_TRANSFORMER_SELF_OUT = FNAS_TRANSFORMER_SELF_IN + FNAS_TRANSFORMER_LINEAR,
    FNAS_TRANSFORMER_SELF_NORM = FNAS_TRANSFORMER_SELF_OUT + FNAS_TRANSFORMER_LINEAR,
    FNAS_TRANSFORMER_EXPAND = FNAS_TRANSFORMER_SELF_NORM + FNAS_TRANSFORMER_NORM,
    FNAS_TRANSFORMER_CONTRACT = FNAS_TRANSFORMER_EXPAND + FNAS_TRANSFORMER_LINEAR,
    FNAS_TRANSFORMER_FINAL_NORM = FNAS_TRANSFORMER_CONTRACT + FNAS_TRANSFORMER_LINEAR,
    FNAS_TRANSFORMER_ENCODER_LAYER = FNAS_TRANSFORMER_FINAL_NORM + FNAS_TRANSFORMER_NORM,
    FNAS_TRANSFORMER_CROSS_QUERY = FNAS_TRANSFORMER_ENCODER_LAYER,                          /* these of decoder layers alone */
    FNAS_TRANSFORMER_CROSS_MEMORY = FNAS_TRANSFORMER_CROSS_QUERY + FNAS_TRANSFORMER_LINEAR, /* keys, then values */
    FNAS_TRANSFORMER_CROSS_OUT = FNAS_TRANSFORMER_CROSS_MEMORY + FNAS_TRANSFORMER_LINEAR,
    FNAS_TRANSFORMER_CROSS_NORM = FNAS_TRANSFORMER_CROSS_OUT + FNAS_TRANSFORMER_LINEAR,
    FNAS_TRANSFORMER_DECODER_LAYER = FNAS_TRANSFORMER_CROSS_NORM + FNAS_TRANSFORMER_NORM
};

/* The handle from which a layer's count. */
static inline int32_t fnas_transformer_encoder_handle(int64_t layer) {
    return (int32_t)(1 + layer * FNAS_TRANSFORMER_ENCODER_LAYER);
}
static inline int32_t fnas_transformer_decoder_handle(const fnas_transformer *largest, int64_t layer) {
    return (int32_t)(fnas_transformer_encoder_handle(largest->encoder.layer_count) + layer * FNAS_TRANSFORMER_DECODER_LAYER);
}

/* Position p of a sentence, column c of `width`: fairseq's sinusoids, sines then cosines, of the largest width; a narrower network takes
 * the first columns. */
double fnas_transformer_position(int64_t largest_width, int64_t position, int64_t column);

#endif
