/* Parts of a Transformer's ONNX models: operators with their constants. For onnx_translator.c. */
#ifndef FNAS_EXPORT_ONNX_TRANSLATOR_PARTS_H
#define FNAS_EXPORT_ONNX_TRANSLATOR_PARTS_H

#include "export/onnx_message.h"
#include "export/onnx_translator.h"

#define FNAS_ONNX_NAME_BYTES 64

typedef struct fnas_onnx_value_name {
    char text[FNAS_ONNX_NAME_BYTES];
} fnas_onnx_value_name;

typedef struct fnas_onnx_translator_writer {
    const fnas_onnx_translator *net;
    fnas_onnx_model model;
    const fnas_translator_side *side, *largest;
    bool is_decoder, by_steps, out_of_memory;
    char prefix[24]; /* of the layer at hand */
} fnas_onnx_translator_writer;

/* "PREFIX.text" */
fnas_onnx_value_name fnas_onnx_part_named(const fnas_onnx_translator_writer *w, const char *text);
const float *fnas_onnx_part_values_of(const fnas_onnx_translator_writer *w, int32_t handle);

void fnas_onnx_part_number(fnas_onnx_translator_writer *w, const char *name, float value);
void fnas_onnx_part_slice(fnas_onnx_translator_writer *w, const char *source, const char *first, const char *behind, const char *axes,
                          const char *output);
/* x W^T + b, of `out` rows from `first` on of a product's weight. */
void fnas_onnx_part_linear(fnas_onnx_translator_writer *w, const char *source, int32_t handle, int64_t first, int64_t out, int64_t in,
                           const char *output);
/* norm(source + branch). */
void fnas_onnx_part_end(fnas_onnx_translator_writer *w, const char *what, const char *source, const char *branch, int32_t handle,
                        const char *output);
/* Attention of "PREFIX.what.q" to keys and values, with a mask that is added to the scores (NULL: none); "PREFIX.what.context". */
void fnas_onnx_part_attend(fnas_onnx_translator_writer *w, const char *what, int64_t heads, const char *keys, const char *values,
                           const char *mask);
/* Side by side on an axis: values "prefix0", "prefix1", ...; one value several times; two values. */
void fnas_onnx_part_join(fnas_onnx_translator_writer *w, const char *prefix, int64_t count, int64_t axis, const char *output);
void fnas_onnx_part_join_same(fnas_onnx_translator_writer *w, const char *name, int64_t count, int64_t axis, const char *output);
void fnas_onnx_part_join_two(fnas_onnx_translator_writer *w, const char *first, const char *second, int64_t axis, const char *output);

#endif
