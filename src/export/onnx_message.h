/* The messages of ONNX (onnx.proto, github.com/onnx/onnx) that models are made of. For the writers of models in this folder. */
#ifndef FNAS_EXPORT_ONNX_MESSAGE_H
#define FNAS_EXPORT_ONNX_MESSAGE_H

#include <stdbool.h>

#include "base/error.h"
#include "export/protobuf_write.h"

#define FNAS_ONNX_MODEL_MOST_BYTES ((size_t)INT32_MAX)
#define FNAS_ONNX_INPUTS_MOST 5 /* of an operator */

typedef enum fnas_onnx_element { FNAS_ONNX_F32 = 1, FNAS_ONNX_I64 = 7 } fnas_onnx_element;

/* A model while it is written: fields of the GraphProto. Zero-initialise; release with fnas_onnx_model_free. */
typedef struct fnas_onnx_model {
    fnas_protobuf nodes, initializers, inputs, outputs;
} fnas_onnx_model;
void fnas_onnx_model_free(fnas_onnx_model *model);

/* Constants. */
void fnas_onnx_constant(fnas_onnx_model *model, const char *name, int64_t rank, const int64_t *shape, const float *values);
void fnas_onnx_constant_integers(fnas_onnx_model *model, const char *name, int64_t count, const int64_t *values);
void fnas_onnx_constant_integer(fnas_onnx_model *model, const char *name, int64_t value); /* without dimensions */

/* A dimension's extent, or its name where `name` is not NULL. */
typedef struct fnas_onnx_dimension {
    int64_t extent;
    const char *name;
} fnas_onnx_dimension;
void fnas_onnx_input(fnas_onnx_model *model, const char *name, fnas_onnx_element element, int64_t rank, const fnas_onnx_dimension *shape);
void fnas_onnx_output(fnas_onnx_model *model, const char *name, fnas_onnx_element element, int64_t rank, const fnas_onnx_dimension *shape);

/* One operator with up to five inputs (NULL behind the last), of which the attributes are still to come. */
fnas_protobuf fnas_onnx_begin(const char *type, const char *const inputs[FNAS_ONNX_INPUTS_MOST], const char *output);
void fnas_onnx_attribute_integer(fnas_protobuf *node, const char *name, int64_t value);
void fnas_onnx_attribute_float(fnas_protobuf *node, const char *name, float value);
void fnas_onnx_attribute_integers(fnas_protobuf *node, const char *name, int64_t count, const int64_t *values);
void fnas_onnx_end(fnas_onnx_model *model, fnas_protobuf *node);
/* One without attributes; second may be NULL. */
void fnas_onnx_operator(fnas_onnx_model *model, const char *type, const char *first, const char *second, const char *output);

/* The whole model's bytes, appended to `bytes`. FNAS_ERR_INPUT where a file cannot hold it, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_onnx_encode_model(fnas_context *context, const fnas_onnx_model *model, int64_t ir_version, int64_t opset,
                                                  fnas_text *bytes);

#endif
