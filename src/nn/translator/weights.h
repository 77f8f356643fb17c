/* Where the shared weights of a Transformer lie: handles follow from the order of declaration. For the files of this folder only. */
#ifndef FNAS_NN_TRANSLATOR_WEIGHTS_H
#define FNAS_NN_TRANSLATOR_WEIGHTS_H

#include "nn/translator/translator.h"

/* A product with a weight [out][in] and its bias [out]. */
enum { FNAS_TRANSLATOR_WEIGHT, FNAS_TRANSLATOR_BIAS, FNAS_TRANSLATOR_LINEAR };
enum { FNAS_TRANSLATOR_GAMMA, FNAS_TRANSLATOR_BETA, FNAS_TRANSLATOR_NORM };

#define FNAS_TRANSLATOR_EMBEDDING 0 /* handle */

/* Offsets in a layer: queries, keys and values of the layer's own sequence are one product of three times the attention width. */
enum {
    FNAS_TRANSLATOR_SELF_IN,
    FNAS_TRANSLATOR_SELF_OUT = FNAS_TRANSLATOR_SELF_IN + FNAS_TRANSLATOR_LINEAR,
    FNAS_TRANSLATOR_SELF_NORM = FNAS_TRANSLATOR_SELF_OUT + FNAS_TRANSLATOR_LINEAR,
    FNAS_TRANSLATOR_EXPAND = FNAS_TRANSLATOR_SELF_NORM + FNAS_TRANSLATOR_NORM,
    FNAS_TRANSLATOR_CONTRACT = FNAS_TRANSLATOR_EXPAND + FNAS_TRANSLATOR_LINEAR,
    FNAS_TRANSLATOR_FINAL_NORM = FNAS_TRANSLATOR_CONTRACT + FNAS_TRANSLATOR_LINEAR,
    FNAS_TRANSLATOR_ENCODER_LAYER = FNAS_TRANSLATOR_FINAL_NORM + FNAS_TRANSLATOR_NORM,
    FNAS_TRANSLATOR_CROSS_QUERY = FNAS_TRANSLATOR_ENCODER_LAYER,                         /* these of decoder layers alone */
    FNAS_TRANSLATOR_CROSS_MEMORY = FNAS_TRANSLATOR_CROSS_QUERY + FNAS_TRANSLATOR_LINEAR, /* keys, then values */
    FNAS_TRANSLATOR_CROSS_OUT = FNAS_TRANSLATOR_CROSS_MEMORY + FNAS_TRANSLATOR_LINEAR,
    FNAS_TRANSLATOR_CROSS_NORM = FNAS_TRANSLATOR_CROSS_OUT + FNAS_TRANSLATOR_LINEAR,
    FNAS_TRANSLATOR_DECODER_LAYER = FNAS_TRANSLATOR_CROSS_NORM + FNAS_TRANSLATOR_NORM
};

/* The handle from which a layer's count. */
static inline int32_t fnas_translator_encoder_handle(int64_t layer) {
    return (int32_t)(1 + layer * FNAS_TRANSLATOR_ENCODER_LAYER);
}
static inline int32_t fnas_translator_decoder_handle(const fnas_translator *largest, int64_t layer) {
    return (int32_t)(fnas_translator_encoder_handle(largest->encoder.layer_count) + layer * FNAS_TRANSLATOR_DECODER_LAYER);
}

/* Position p of a sentence, column c of `width`: fairseq's sinusoids, sines then cosines, of the largest width; a narrower network takes
 * the first columns. */
double fnas_translator_position(int64_t largest_width, int64_t position, int64_t column);

#endif
