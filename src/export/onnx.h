/* ONNX: an inference graph as a ModelProto (opset 13, IR version 7, the standard domain alone) with its weights inside. One input "images"
 * [batch, C, H, W] f32 and one output "logits" [batch, classes] f32. Other values are named after the node of the graph that gives them:
 * v3; its weights are w3 and b3. Equal graphs give equal bytes. */
#ifndef FNAS_EXPORT_ONNX_H
#define FNAS_EXPORT_ONNX_H

#include "base/text.h"
#include "graph/graph.h"

#define FNAS_ONNX_IR_VERSION 7
#define FNAS_ONNX_OPSET 13

/* The model's bytes into `bytes` (zero-initialised; fnas_text_free, also after a failure). batch: 1 and more. Errors: FNAS_ERR_INPUT for a
 * model of 2 GiB and more, which the format cannot hold; FNAS_ERR_INTERNAL for a graph without a node behind its input, or with a node
 * that lacks its weights (graph.h); FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_onnx_encode(fnas_context *context, const fnas_graph *graph, int64_t batch, fnas_text *bytes);

/* The same into a file, which appears whole or not at all. *size_bytes (may be NULL): of the file. Errors also FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_onnx_write(fnas_context *context, const fnas_graph *graph, int64_t batch, const char *path,
                                           size_t *size_bytes);

#endif
