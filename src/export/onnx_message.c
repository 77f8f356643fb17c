/* Field numbers are those of onnx.proto. */
#include "export/onnx_message.h"

enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OPERATOR = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INTEGER = 3, ATTRIBUTE_INTEGERS = 8, ATTRIBUTE_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INTEGER = 2, TYPE_INTEGERS = 7 }; /* of attributes */
enum { TENSOR_DIMENSIONS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2, SHAPE_DIMENSION = 1 };
enum { DIMENSION_VALUE = 1, DIMENSION_NAME = 2 };

void fnas_onnx_model_free(fnas_onnx_model *model) {
    fnas_protobuf *parts[] = {&model->nodes, &model->initializers, &model->inputs, &model->outputs};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) fnas_text_free(parts[i]);
}

/* ---- constants ---- */

static fnas_protobuf begin_constant(const char *name, fnas_onnx_element element, int64_t rank, const int64_t *shape) {
    fnas_protobuf tensor = {0};
    if (rank > 0) fnas_protobuf_integers(&tensor, TENSOR_DIMENSIONS, rank, shape);
    fnas_protobuf_integer(&tensor, TENSOR_TYPE, element);
    fnas_protobuf_string(&tensor, TENSOR_NAME, name);
    return tensor;
}

void fnas_onnx_constant(fnas_onnx_model *model, const char *name, int64_t rank, const int64_t *shape, const float *values) {
    fnas_protobuf tensor = begin_constant(name, FNAS_ONNX_F32, rank, shape);
    int64_t count = 1;
    for (int64_t i = 0; i < rank; i++) count *= shape[i];
    fnas_protobuf_floats(&tensor, TENSOR_RAW, count, values);
    fnas_protobuf_message(&model->initializers, GRAPH_INITIALIZER, &tensor);
}

void fnas_onnx_constant_integers(fnas_onnx_model *model, const char *name, int64_t count, const int64_t *values) {
    fnas_protobuf tensor = begin_constant(name, FNAS_ONNX_I64, 1, &count);
    fnas_protobuf_raw_integers(&tensor, TENSOR_RAW, count, values);
    fnas_protobuf_message(&model->initializers, GRAPH_INITIALIZER, &tensor);
}

void fnas_onnx_constant_integer(fnas_onnx_model *model, const char *name, int64_t value) {
    fnas_protobuf tensor = begin_constant(name, FNAS_ONNX_I64, 0, NULL);
    fnas_protobuf_raw_integers(&tensor, TENSOR_RAW, 1, &value);
    fnas_protobuf_message(&model->initializers, GRAPH_INITIALIZER, &tensor);
}

/* ---- inputs and outputs ---- */

static void append_value(fnas_protobuf *values, uint32_t field, const char *name, fnas_onnx_element element, int64_t rank,
                         const fnas_onnx_dimension *shape) {
    fnas_protobuf value = {0}, type = {0}, tensor = {0}, dimensions = {0};
    for (int64_t i = 0; i < rank; i++) {
        fnas_protobuf dimension = {0};
        if (shape[i].name)
            fnas_protobuf_string(&dimension, DIMENSION_NAME, shape[i].name);
        else
            fnas_protobuf_integer(&dimension, DIMENSION_VALUE, shape[i].extent);
        fnas_protobuf_message(&dimensions, SHAPE_DIMENSION, &dimension);
    }
    fnas_protobuf_integer(&tensor, TENSOR_ELEMENT, element);
    fnas_protobuf_message(&tensor, TENSOR_SHAPE, &dimensions);
    fnas_protobuf_message(&type, TYPE_TENSOR, &tensor);
    fnas_protobuf_string(&value, VALUE_NAME, name);
    fnas_protobuf_message(&value, VALUE_TYPE, &type);
    fnas_protobuf_message(values, field, &value);
}

void fnas_onnx_input(fnas_onnx_model *model, const char *name, fnas_onnx_element element, int64_t rank, const fnas_onnx_dimension *shape) {
    append_value(&model->inputs, GRAPH_INPUT, name, element, rank, shape);
}

void fnas_onnx_output(fnas_onnx_model *model, const char *name, fnas_onnx_element element, int64_t rank, const fnas_onnx_dimension *shape) {
    append_value(&model->outputs, GRAPH_OUTPUT, name, element, rank, shape);
}

/* ---- operators ---- */

fnas_protobuf fnas_onnx_begin(const char *type, const char *const inputs[FNAS_ONNX_INPUTS_MOST], const char *output) {
    fnas_protobuf node = {0};
    for (int i = 0; i < FNAS_ONNX_INPUTS_MOST && inputs[i]; i++) fnas_protobuf_string(&node, NODE_INPUT, inputs[i]);
    fnas_protobuf_string(&node, NODE_OUTPUT, output);
    fnas_protobuf_string(&node, NODE_NAME, output);
    fnas_protobuf_string(&node, NODE_OPERATOR, type);
    return node;
}

void fnas_onnx_attribute_integer(fnas_protobuf *node, const char *name, int64_t value) {
    fnas_protobuf attribute = {0};
    fnas_protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_INTEGER, value);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_TYPE, TYPE_INTEGER);
    fnas_protobuf_message(node, NODE_ATTRIBUTE, &attribute);
}

void fnas_onnx_attribute_float(fnas_protobuf *node, const char *name, float value) {
    fnas_protobuf attribute = {0};
    fnas_protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    fnas_protobuf_float(&attribute, ATTRIBUTE_FLOAT, value);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_TYPE, TYPE_FLOAT);
    fnas_protobuf_message(node, NODE_ATTRIBUTE, &attribute);
}

void fnas_onnx_attribute_integers(fnas_protobuf *node, const char *name, int64_t count, const int64_t *values) {
    fnas_protobuf attribute = {0};
    fnas_protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    fnas_protobuf_integers(&attribute, ATTRIBUTE_INTEGERS, count, values);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_TYPE, TYPE_INTEGERS);
    fnas_protobuf_message(node, NODE_ATTRIBUTE, &attribute);
}

void fnas_onnx_end(fnas_onnx_model *model, fnas_protobuf *node) {
    fnas_protobuf_message(&model->nodes, GRAPH_NODE, node);
}

void fnas_onnx_operator(fnas_onnx_model *model, const char *type, const char *first, const char *second, const char *output) {
    fnas_protobuf node = fnas_onnx_begin(type, (const char *[FNAS_ONNX_INPUTS_MOST]){first, second}, output);
    fnas_onnx_end(model, &node);
}

/* ---- the model ---- */

static void append_fields(fnas_protobuf *graph, const fnas_protobuf *fields) {
    if (fields->failed) graph->failed = true;
    if (fields->size) fnas_text_append_bytes(graph, fields->data, fields->size);
}

fnas_status fnas_onnx_encode_model(fnas_context *context, const fnas_onnx_model *model, int64_t ir_version, int64_t opset_version,
                                   fnas_text *bytes) {
    fnas_protobuf graph = {0}, opset = {0};
    append_fields(&graph, &model->nodes);
    fnas_protobuf_string(&graph, GRAPH_NAME, "fleetnas");
    append_fields(&graph, &model->initializers);
    append_fields(&graph, &model->inputs);
    append_fields(&graph, &model->outputs);
    fnas_protobuf_integer(bytes, MODEL_IR_VERSION, ir_version);
    fnas_protobuf_string(bytes, MODEL_PRODUCER, "fleetnas");
    fnas_protobuf_message(bytes, MODEL_GRAPH, &graph);
    fnas_protobuf_string(&opset, OPSET_DOMAIN, "");
    fnas_protobuf_integer(&opset, OPSET_VERSION, opset_version);
    fnas_protobuf_message(bytes, MODEL_OPSET, &opset);
    if (bytes->failed) return fnas_fail_memory(context, "an ONNX model");
    if (bytes->size > FNAS_ONNX_MODEL_MOST_BYTES)
        return fnas_fail(context, FNAS_ERR_INPUT, "a network of %zu bytes does not fit an ONNX file, which holds less than 2 GiB",
                         bytes->size);
    return FNAS_OK;
}
