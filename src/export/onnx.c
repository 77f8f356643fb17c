/* Operators are those that every runtime knows: a sum of several values is a
 * chain of Add, which runtimes fuse into convolutions and Sum they do not; a scale and a shift are a BatchNormalization of mean 0 and
 * variance 1; a zero is a ConstantOfShape, which takes no room; hard swish is a HardSigmoid and a Mul, since its own operator came with
 * opset 14. */
#include "export/onnx.h"

#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "export/onnx_message.h"

#define NAME_BYTES 48

typedef struct encoder {
    const fnas_graph *graph;
    int64_t batch;
    fnas_onnx_model model;
} encoder;

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

/* The same number `count` times: both sides of a kernel, all edges of an image. */
static void append_integers(fnas_protobuf *node, const char *name, int64_t count, int64_t value) {
    fnas_onnx_attribute_integers(node, name, count, (int64_t[4]){value, value, value, value});
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
    fnas_onnx_constant(&encoding->model, weights.text, 4, (int64_t[]){node->shape.c, in, node->kernel, node->kernel},
                       constants(encoding, node->weights));
    if (has_bias) fnas_onnx_constant(&encoding->model, bias.text, 1, &node->shape.c, constants(encoding, node->bias));
    fnas_protobuf made = fnas_onnx_begin("Conv", (const char *[5]){source, weights.text, has_bias ? bias.text : NULL}, output);
    fnas_onnx_attribute_integer(&made, "group", node->groups);
    append_window(&made, node);
    fnas_onnx_end(&encoding->model, &made);
}

static void encode_pool(encoder *encoding, int64_t number, const char *source, const char *output) {
    fnas_protobuf made = fnas_onnx_begin("AveragePool", (const char *[5]){source}, output);
    fnas_onnx_attribute_integer(&made, "count_include_pad", 0);
    append_window(&made, &encoding->graph->nodes[number]);
    fnas_onnx_end(&encoding->model, &made);
}

static void encode_add(encoder *encoding, int64_t number, const char *output) {
    int64_t count = encoding->graph->nodes[number].input_count;
    value_name sum = output_name(encoding, fnas_graph_input(encoding->graph, number, 0));
    for (int64_t k = 1; k < count; k++) {
        value_name next = output_name(encoding, fnas_graph_input(encoding->graph, number, k)), partial;
        snprintf(partial.text, sizeof partial.text, "s%lld_%lld", (long long)number, (long long)k);
        fnas_onnx_operator(&encoding->model, "Add", sum.text, next.text, k + 1 < count ? partial.text : output);
        sum = partial;
    }
}

static void encode_activation(encoder *encoding, fnas_activation activation, int64_t number, const char *source, const char *output) {
    if (activation == FNAS_ACTIVATION_RELU) {
        fnas_onnx_operator(&encoding->model, "Relu", source, NULL, output);
        return;
    }
    bool swish = activation == FNAS_ACTIVATION_HARD_SWISH;
    value_name gate = name_of("g", number, "");
    const char *gated = swish ? gate.text : output;
    fnas_protobuf made = fnas_onnx_begin("HardSigmoid", (const char *[5]){source}, gated);
    fnas_onnx_attribute_float(&made, "alpha", 1.0f / 6);
    fnas_onnx_attribute_float(&made, "beta", 0.5f);
    fnas_onnx_end(&encoding->model, &made);
    if (swish) fnas_onnx_operator(&encoding->model, "Mul", source, gate.text, output);
}

static fnas_status encode_scale_shift(fnas_context *context, encoder *encoding, int64_t number, const char *source, const char *output) {
    const fnas_graph_node *node = &encoding->graph->nodes[number];
    float *zeros = fnas_allocate((size_t)node->shape.c, 2 * sizeof *zeros), *ones = zeros ? zeros + node->shape.c : NULL;
    if (!zeros) return fnas_fail_memory(context, "an ONNX model");
    for (int64_t c = 0; c < node->shape.c; c++) ones[c] = 1;
    const float *shift = constants(encoding, node->bias);
    const float *parts[4] = {constants(encoding, node->weights), shift ? shift : zeros, zeros, ones};
    value_name names[4] = {name_of("w", number, ""), name_of("b", number, ""), name_of("w", number, "_mean"), name_of("w", number, "_var")};
    for (int i = 0; i < 4; i++) fnas_onnx_constant(&encoding->model, names[i].text, 1, &node->shape.c, parts[i]);
    fnas_protobuf made = fnas_onnx_begin("BatchNormalization",
                                         (const char *[5]){source, names[0].text, names[1].text, names[2].text, names[3].text}, output);
    fnas_onnx_attribute_float(&made, "epsilon", 0);
    fnas_onnx_end(&encoding->model, &made);
    fnas_free(zeros);
    return FNAS_OK;
}

static void encode_linear(encoder *encoding, int64_t number, const char *source, const char *output) {
    const fnas_graph_node *node = &encoding->graph->nodes[number];
    value_name flat = name_of("f", number, ""), weights = name_of("w", number, ""), bias = name_of("b", number, "");
    bool has_bias = node->bias != FNAS_GRAPH_NONE;
    fnas_onnx_constant(&encoding->model, weights.text, 2, (int64_t[]){node->shape.c, fnas_graph_source_shape(encoding->graph, number).c},
                       constants(encoding, node->weights));
    if (has_bias) fnas_onnx_constant(&encoding->model, bias.text, 1, &node->shape.c, constants(encoding, node->bias));
    fnas_onnx_operator(&encoding->model, "Flatten", source, NULL, flat.text);
    fnas_protobuf made = fnas_onnx_begin("Gemm", (const char *[5]){flat.text, weights.text, has_bias ? bias.text : NULL}, output);
    fnas_onnx_attribute_integer(&made, "transB", 1);
    fnas_onnx_end(&encoding->model, &made);
}

static void encode_zero(encoder *encoding, int64_t number, const char *output) {
    fnas_value_shape shape = encoding->graph->nodes[number].shape;
    const int64_t extents[4] = {encoding->batch, shape.c, shape.h, shape.w};
    value_name name = name_of("w", number, "");
    fnas_onnx_constant_integers(&encoding->model, name.text, 4, extents);
    fnas_onnx_operator(&encoding->model, "ConstantOfShape", name.text, NULL, output);
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
        fnas_onnx_operator(&encoding->model, "Mul", source, output_name(encoding, fnas_graph_input(encoding->graph, number, 1)).text,
                           output);
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
        fnas_onnx_operator(&encoding->model, "GlobalAveragePool", source, NULL, output);
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
    if (flattens) fnas_onnx_operator(&encoding->model, "Flatten", before_flat.text, NULL, final.text);
    return FNAS_OK;
}

/* ---- the model ---- */

static void declare_ends(encoder *encoding) {
    const fnas_graph_node *first = encoding->graph->nodes, *last = first + encoding->graph->node_count - 1;
    const fnas_onnx_dimension images[4] = {
        {.extent = encoding->batch}, {.extent = first->shape.c}, {.extent = first->shape.h}, {.extent = first->shape.w}};
    const fnas_onnx_dimension logits[2] = {{.extent = encoding->batch}, {.extent = last->shape.c * last->shape.h * last->shape.w}};
    fnas_onnx_input(&encoding->model, "images", FNAS_ONNX_F32, 4, images);
    fnas_onnx_output(&encoding->model, "logits", FNAS_ONNX_F32, 2, logits);
}

fnas_status fnas_onnx_encode(fnas_context *context, const fnas_graph *graph, int64_t batch, fnas_text *bytes) {
    if (graph->node_count < 2 || batch < 1)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "a model needs a node behind its input, and a batch");
    if ((size_t)graph->weight_count >= FNAS_ONNX_MODEL_MOST_BYTES / sizeof(float))
        return fnas_fail(context, FNAS_ERR_INPUT, "a network of %lld weights does not fit an ONNX file, which holds less than 2 GiB",
                         (long long)graph->weight_count);
    encoder encoding = {.graph = graph, .batch = batch};
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; status == FNAS_OK && i < graph->node_count; i++) status = encode_node(context, &encoding, i);
    declare_ends(&encoding);
    if (status == FNAS_OK) status = fnas_onnx_encode_model(context, &encoding.model, FNAS_ONNX_IR_VERSION, FNAS_ONNX_OPSET, bytes);
    fnas_onnx_model_free(&encoding.model);
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
