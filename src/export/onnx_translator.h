/* A Transformer as two ONNX models (opset 13, IR version 7, the standard domain alone), encoder and decoder, with the weights of one
 * sub-network inside. Batches and lengths are open; sentences shorter than the longest are padded, with any id, and a mask says so.
 *
 * encoder: "source" [batch, source_length] i64, "source_mask" [batch, source_length] f32 (1: a token, 0: padding) -> "memory0", "memory1",
 * ... [batch, source_length, encoder width] f32, what its last, last but one ... layer gives, as many as the decoder reads decoder:
 * "target" [batch, target_length] i64 (all words so far), "source_mask", "memory0", ... -> "logits" [batch, target_length, vocabulary] */
#ifndef FNAS_EXPORT_ONNX_TRANSLATOR_H
#define FNAS_EXPORT_ONNX_TRANSLATOR_H

#include "base/text.h"
#include "nn/translator/translator.h"

typedef struct fnas_onnx_translator {
    const fnas_translator *shape, *largest; /* whose weights parameters are */
    const fnas_parameters *parameters;
    int64_t positions; /* tokens of the longest sentence that the models can take */
} fnas_onnx_translator;

/* Both models' bytes (zero-initialised texts; fnas_text_free, also after a failure). Errors: FNAS_ERR_INPUT for a model of 2 GiB and more,
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_onnx_encode_translator(fnas_context *context, const fnas_onnx_translator *net, fnas_text *encoder,
                                                       fnas_text *decoder);

/* The same network for translating a word at a time, with the keys and values of the words before kept by who runs it. encoder: as above,
 * but "cross0.k", "cross0.v", "cross1.k", ... [batch, encoder layers it sees * source_length, attention width] f32, of each of the
 * decoder's layers. decoder: "word" [batch, 1] i64, "position" [1] i64 (0 for the first), "source_mask", these, and "past0.k", "past0.v",
 * ... [batch, words before (may be 0), attention width] -> "logits" [batch, 1, vocabulary], and "present0.k", "present0.v", ..., which are
 * the next word's past. */
FNAS_NODISCARD fnas_status fnas_onnx_encode_translator_steps(fnas_context *context, const fnas_onnx_translator *net, fnas_text *encoder,
                                                             fnas_text *decoder);

#endif
