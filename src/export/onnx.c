/* Field numbers are those of onnx.proto (github.com/onnx/onnx). Operators are those that every runtime knows: a sum of several values is a
 * chain of Add, which runtimes fuse into convolutions and Sum they do not; a scale and a shift are a BatchNormalization of mean 0 and
 * variance 1; a zero is a ConstantOfShape, which takes no room; hard swish is a HardSigmoid and a Mul, since its own operator came with
 * opset 14. */
#include "export/onnx.h"

#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "export/protobuf_write.h"

#define MODEL_MOST_BYTES ((size_t)INT32_MAX)
#define NAME_BYTES 48

enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OPERATOR = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INTEGER = 3, ATTRIBUTE_INTEGERS = 8, ATTRIBUTE_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INTEGER = 2, TYPE_INTEGERS = 7 }; /* of attributes */
enum { TENSOR_DIMENSIONS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9, ELEMENT_F32 = 1, ELEMENT_I64 = 7 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE = 2, SHAPE_DIMENSION = 1, DIMENSION_VALUE = 1 };

typedef struct encoder {
    const fnas_graph *graph;
    int64_t batch;
    fnas_protobuf nodes, initializers; /* fields of the GraphProto */
} encoder;

/* ---- parts ---- */

static void append_initializer(encoder *encoding, const char *name, int64_t rank, const int64_t *shape, const float *values) {
    fnas_protobuf tensor = {0};
    int64_t count = 1;
    for (int64_t i = 0; i < rank; i++) count *= shape[i];
    fnas_protobuf_integers(&tensor, TENSOR_DIMENSIONS, rank, shape);
    fnas_protobuf_integer(&tensor, TENSOR_TYPE, ELEMENT_F32);
    fnas_protobuf_string(&tensor, TENSOR_NAME, name);
    fnas_protobuf_floats(&tensor, TENSOR_RAW, count, values);
    fnas_protobuf_message(&encoding->initializers, GRAPH_INITIALIZER, &tensor);
}

static void append_value(fnas_protobuf *graph, uint32_t field, const char *name, int64_t rank, const int64_t *shape) {
    fnas_protobuf value = {0}, type = {0}, tensor = {0}, dimensions = {0};
    for (int64_t i = 0; i < rank; i++) {
        fnas_protobuf dimension = {0};
        fnas_protobuf_integer(&dimension, DIMENSION_VALUE, shape[i]);
        fnas_protobuf_message(&dimensions, SHAPE_DIMENSION, &dimension);
    }
    fnas_protobuf_integer(&tensor, TENSOR_ELEMENT, ELEMENT_F32);
    fnas_protobuf_message(&tensor, TENSOR_SHAPE, &dimensions);
    fnas_protobuf_message(&type, TYPE_TENSOR, &tensor);
    fnas_protobuf_string(&value, VALUE_NAME, name);
    fnas_protobuf_message(&value, VALUE_TYPE, &type);
    fnas_protobuf_message(graph, field, &value);
}

static void append_integer(fnas_protobuf *node, const char *name, int64_t value) {
    fnas_protobuf attribute = {0};
    fnas_protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_INTEGER, value);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_TYPE, TYPE_INTEGER);
    fnas_protobuf_message(node, NODE_ATTRIBUTE, &attribute);
}

static void append_float(fnas_protobuf *node, const char *name, float value) {
    fnas_protobuf attribute = {0};
    fnas_protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    fnas_protobuf_float(&attribute, ATTRIBUTE_FLOAT, value);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_TYPE, TYPE_FLOAT);
    fnas_protobuf_message(node, NODE_ATTRIBUTE, &attribute);
}

/* The same number `count` times: both sides of a kernel, all edges of an image. */
static void append_integers(fnas_protobuf *node, const char *name, int64_t count, int64_t value) {
    fnas_protobuf attribute = {0};
    int64_t values[4] = {value, value, value, value};
    fnas_protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    fnas_protobuf_integers(&attribute, ATTRIBUTE_INTEGERS, count, values);
    fnas_protobuf_integer(&attribute, ATTRIBUTE_TYPE, TYPE_INTEGERS);
    fnas_protobuf_message(node, NODE_ATTRIBUTE, &attribute);
}

/* ---- names ---- */

typedef struct value_name {
    char text[NAME_BYTES];
} value_name;

static value_name name_of(const char *prefix, int64_t node, const char *suffix) {
    value_name name;
    snprintf(name.text, sizeof name.text, "%s%lld%s", prefix, (long long)node, suffix);
    return name;
}

/* What readers of a node's output call it. */
static value_name output_name(const encoder *encoding, int64_t node) {
    if (node == encoding->graph->node_count - 1) return (value_name){"logits"};
    if (node == 0) return (value_name){"images"};
    return name_of("v", node, "");
}

/* ---- operators ---- */

/* One operator with up to five inputs (NULL behind the last), of which the attributes are still to come. */
static fnas_protobuf begin_operator(const char *type, const char *name, const char *const inputs[5], const char *output) {
    fnas_protobuf node = {0};
    for (int i = 0; i < 5 && inputs[i]; i++) fnas_protobuf_string(&node, NODE_INPUT, inputs[i]);
    fnas_protobuf_string(&node, NODE_OUTPUT, output);
    fnas_protobuf_string(&node, NODE_NAME, name);
    fnas_protobuf_string(&node, NODE_OPERATOR, type);
    return node;
}

static void end_operator(encoder *encoding, fnas_protobuf *node) {
    fnas_protobuf_message(&encoding->nodes, GRAPH_NODE, node);
}

/* One without attributes. Its output is its name's. */
static void append_operator(encoder *encoding, const char *type, const char *first, const char *second, const char *output) {
    fnas_protobuf node = begin_operator(type, output, (const char *[5]){first, second}, output);
    end_operator(encoding, &node);
}

static const float *constants(const encoder *encoding, int64_t first) {
    return first == FNAS_GRAPH_NONE ? NULL : encoding->graph->weights + first;
}

static void append_window(fnas_protobuf *made, const fnas_graph_node *node) {
    append_integers(made, "kernel_shape", 2, node->kernel);
    append_integers(made, "strides", 2, node->stride);
    append_integers(made, "pads", 4, node->padding);
}

static void encode_conv(encoder *encoding, int64_t number, const char *source, const char *output) {
    const fnas_graph_node *node = &encoding->graph->nodes[number];
    value_name weights = name_of("w", number, ""), bias = name_of("b", number, "");
    bool has_bias = node->bias != FNAS_GRAPH_NONE;
    int64_t in = fnas_graph_source_shape(encoding->graph, number).c / node->groups;
    append_initializer(encoding, weights.text, 4, (int64_t[]){node->shape.c, in, node->kernel, node->kernel},
                       constants(encoding, node->weights));
    if (has_bias) append_initializer(encoding, bias.text, 1, &node->shape.c, constants(encoding, node->bias));
    fnas_protobuf made = begin_operator("Conv", output, (const char *[5]){source, weights.text, has_bias ? bias.text : NULL}, output);
    append_integer(&made, "group", node->groups);
    append_window(&made, node);
    end_operator(encoding, &made);
}

static void encode_pool(encoder *encoding, int64_t number, const char *source, const char *output) {
    fnas_protobuf made = begin_operator("AveragePool", output, (const char *[5]){source}, output);
    append_integer(&made, "count_include_pad", 0);
    append_window(&made, &encoding->graph->nodes[number]);
    end_operator(encoding, &made);
}

static void encode_add(encoder *encoding, int64_t number, const char *output) {
    int64_t count = encoding->graph->nodes[number].input_count;
    value_name sum = output_name(encoding, fnas_graph_input(encoding->graph, number, 0));
    for (int64_t k = 1; k < count; k++) {
        value_name next = output_name(encoding, fnas_graph_input(encoding->graph, number, k)), partial;
        snprintf(partial.text, sizeof partial.text, "s%lld_%lld", (long long)number, (long long)k);
        append_operator(encoding, "Add", sum.text, next.text, k + 1 < count ? partial.text : output);
        sum = partial;
    }
}

static void encode_activation(encoder *encoding, fnas_activation activation, int64_t number, const char *source, const char *output) {
    if (activation == FNAS_ACTIVATION_RELU) {
        append_operator(encoding, "Relu", source, NULL, output);
        return;
    }
    bool swish = activation == FNAS_ACTIVATION_HARD_SWISH;
    value_name gate = name_of("g", number, "");
    const char *gated = swish ? gate.text : output;
    fnas_protobuf made = begin_operator("HardSigmoid", gated, (const char *[5]){source}, gated);
    append_float(&made, "alpha", 1.0f / 6);
    append_float(&made, "beta", 0.5f);
    end_operator(encoding, &made);
    if (swish) append_operator(encoding, "Mul", source, gate.text, output);
}

static fnas_status encode_scale_shift(fnas_context *context, encoder *encoding, int64_t number, const char *source, const char *output) {
    const fnas_graph_node *node = &encoding->graph->nodes[number];
    float *zeros = fnas_allocate((size_t)node->shape.c, 2 * sizeof *zeros), *ones = zeros ? zeros + node->shape.c : NULL;
    if (!zeros) return fnas_fail_memory(context, "an ONNX model");
    for (int64_t c = 0; c < node->shape.c; c++) ones[c] = 1;
    const float *shift = constants(encoding, node->bias);
    const float *parts[4] = {constants(encoding, node->weights), shift ? shift : zeros, zeros, ones};
    value_name names[4] = {name_of("w", number, ""), name_of("b", number, ""), name_of("w", number, "_mean"), name_of("w", number, "_var")};
    for (int i = 0; i < 4; i++) append_initializer(encoding, names[i].text, 1, &node->shape.c, parts[i]);
    fnas_protobuf made = begin_operator("BatchNormalization", output,
                                        (const char *[5]){source, names[0].text, names[1].text, names[2].text, names[3].text}, output);
    append_float(&made, "epsilon", 0);
    end_operator(encoding, &made);
    fnas_free(zeros);
    return FNAS_OK;
}

static void encode_linear(encoder *encoding, int64_t number, const char *source, const char *output) {
    const fnas_graph_node *node = &encoding->graph->nodes[number];
    value_name flat = name_of("f", number, ""), weights = name_of("w", number, ""), bias = name_of("b", number, "");
    bool has_bias = node->bias != FNAS_GRAPH_NONE;
    append_initializer(encoding, weights.text, 2, (int64_t[]){node->shape.c, fnas_graph_source_shape(encoding->graph, number).c},
                       constants(encoding, node->weights));
    if (has_bias) append_initializer(encoding, bias.text, 1, &node->shape.c, constants(encoding, node->bias));
    append_operator(encoding, "Flatten", source, NULL, flat.text);
    fnas_protobuf made = begin_operator("Gemm", output, (const char *[5]){flat.text, weights.text, has_bias ? bias.text : NULL}, output);
    append_integer(&made, "transB", 1);
    end_operator(encoding, &made);
}

static void encode_zero(encoder *encoding, int64_t number, const char *output) {
    fnas_value_shape shape = encoding->graph->nodes[number].shape;
    int64_t extents[4] = {encoding->batch, shape.c, shape.h, shape.w}, rank = 4;
    value_name name = name_of("w", number, "");
    fnas_protobuf tensor = {0};
    fnas_protobuf_integers(&tensor, TENSOR_DIMENSIONS, 1, &rank);
    fnas_protobuf_integer(&tensor, TENSOR_TYPE, ELEMENT_I64);
    fnas_protobuf_string(&tensor, TENSOR_NAME, name.text);
    fnas_protobuf_raw_integers(&tensor, TENSOR_RAW, rank, extents);
    fnas_protobuf_message(&encoding->initializers, GRAPH_INITIALIZER, &tensor);
    append_operator(encoding, "ConstantOfShape", name.text, NULL, output);
}

/* The operator of a node's kind alone. */
static fnas_status encode_kind(fnas_context *context, encoder *encoding, int64_t number, const char *source, const char *output) {
    const fnas_graph_node *node = &encoding->graph->nodes[number];
    bool is_weighted = node->kind == FNAS_GRAPH_CONV || node->kind == FNAS_GRAPH_SCALE_SHIFT || node->kind == FNAS_GRAPH_LINEAR;
    if (is_weighted && node->weights == FNAS_GRAPH_NONE)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "node %lld of a graph has no weights", (long long)number);
    switch (node->kind) {
    case FNAS_GRAPH_INPUT:
        break; /* the model's */
    case FNAS_GRAPH_CONV:
        encode_conv(encoding, number, source, output);
        break;
    case FNAS_GRAPH_ACTIVATION:
        encode_activation(encoding, node->activation, number, source, output);
        break;
    case FNAS_GRAPH_CHANNEL_SCALE:
        append_operator(encoding, "Mul", source, output_name(encoding, fnas_graph_input(encoding->graph, number, 1)).text, output);
        break;
    case FNAS_GRAPH_AVERAGE_POOL:
        encode_pool(encoding, number, source, output);
        break;
    case FNAS_GRAPH_ADD:
        encode_add(encoding, number, output);
        break;
    case FNAS_GRAPH_SCALE_SHIFT:
        return encode_scale_shift(context, encoding, number, source, output);
    case FNAS_GRAPH_GLOBAL_POOL:
        append_operator(encoding, "GlobalAveragePool", source, NULL, output);
        break;
    case FNAS_GRAPH_LINEAR:
        encode_linear(encoding, number, source, output);
        break;
    case FNAS_GRAPH_ZERO:
        encode_zero(encoding, number, output);
        break;
    }
    return FNAS_OK;
}

/* A node whose operator leaves something to do (an activation, taking two extents off the logits) writes to a value of its own first. */
static fnas_status encode_node(fnas_context *context, encoder *encoding, int64_t number) {
    const fnas_graph_node *node = &encoding->graph->nodes[number];
    bool is_fused = node->activation && node->kind != FNAS_GRAPH_ACTIVATION;
    bool flattens = number == encoding->graph->node_count - 1 && node->kind != FNAS_GRAPH_LINEAR;
    value_name final = output_name(encoding, number), before_flat = flattens ? name_of("a", number, "") : final,
               output = is_fused ? name_of("r", number, "") : before_flat, source = {""};
    if (node->input_count) source = output_name(encoding, fnas_graph_input(encoding->graph, number, 0));
    FNAS_TRY(encode_kind(context, encoding, number, source.text, output.text));
    if (is_fused) encode_activation(encoding, node->activation, number, output.text, before_flat.text);
    if (flattens) append_operator(encoding, "Flatten", before_flat.text, NULL, final.text);
    return FNAS_OK;
}

/* ---- the model ---- */

static void encode_model(const encoder *encoding, fnas_protobuf *model) {
    fnas_protobuf graph = {0}, opset = {0};
    const fnas_graph_node *first = encoding->graph->nodes, *last = first + encoding->graph->node_count - 1;
    if (encoding->nodes.failed || encoding->initializers.failed) graph.failed = true;
    if (encoding->nodes.size) fnas_text_append_bytes(&graph, encoding->nodes.data, encoding->nodes.size);
    fnas_protobuf_string(&graph, GRAPH_NAME, "fleetnas");
    if (encoding->initializers.size) fnas_text_append_bytes(&graph, encoding->initializers.data, encoding->initializers.size);
    append_value(&graph, GRAPH_INPUT, "images", 4, (int64_t[]){encoding->batch, first->shape.c, first->shape.h, first->shape.w});
    append_value(&graph, GRAPH_OUTPUT, "logits", 2, (int64_t[]){encoding->batch, last->shape.c * last->shape.h * last->shape.w});
    fnas_protobuf_integer(model, MODEL_IR_VERSION, FNAS_ONNX_IR_VERSION);
    fnas_protobuf_string(model, MODEL_PRODUCER, "fleetnas");
    fnas_protobuf_message(model, MODEL_GRAPH, &graph);
    fnas_protobuf_string(&opset, OPSET_DOMAIN, "");
    fnas_protobuf_integer(&opset, OPSET_VERSION, FNAS_ONNX_OPSET);
    fnas_protobuf_message(model, MODEL_OPSET, &opset);
}

fnas_status fnas_onnx_encode(fnas_context *context, const fnas_graph *graph, int64_t batch, fnas_text *bytes) {
    if (graph->node_count < 2 || batch < 1)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "a model needs a node behind its input, and a batch");
    if ((size_t)graph->weight_count >= MODEL_MOST_BYTES / sizeof(float))
        return fnas_fail(context, FNAS_ERR_INPUT, "a network of %lld weights does not fit an ONNX file, which holds less than 2 GiB",
                         (long long)graph->weight_count);
    encoder encoding = {.graph = graph, .batch = batch};
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; status == FNAS_OK && i < graph->node_count; i++) status = encode_node(context, &encoding, i);
    if (status == FNAS_OK) encode_model(&encoding, bytes);
    fnas_text_free(&encoding.nodes);
    fnas_text_free(&encoding.initializers);
    if (status == FNAS_OK && bytes->failed) return fnas_fail_memory(context, "an ONNX model");
    if (status == FNAS_OK && bytes->size > MODEL_MOST_BYTES)
        return fnas_fail(context, FNAS_ERR_INPUT, "a network of %zu bytes does not fit an ONNX file, which holds less than 2 GiB",
                         bytes->size);
    return status;
}

fnas_status fnas_onnx_write(fnas_context *context, const fnas_graph *graph, int64_t batch, const char *path, size_t *size_bytes) {
    fnas_text bytes = {0};
    fnas_status status = fnas_onnx_encode(context, graph, batch, &bytes);
    if (status == FNAS_OK) status = fnas_file_write_atomic(context, path, bytes.data, bytes.size);
    if (status == FNAS_OK && size_bytes) *size_bytes = bytes.size;
    fnas_text_free(&bytes);
    return status;
}
