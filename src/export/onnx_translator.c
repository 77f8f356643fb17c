#include "export/onnx_translator.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "compute/layer_norm.h"
#include "export/onnx.h"
#include "export/onnx_message.h"
#include "nn/translator/weights.h"

#define NAME_BYTES 64
#define MASKED (-1e9f) /* added to a score that must not count: its exponential is 0 in f32 */

typedef struct value_name {
    char text[NAME_BYTES];
} value_name;

typedef struct writer {
    const fnas_onnx_translator *net;
    fnas_onnx_model model;
    const fnas_translator_side *side, *largest;
    bool is_decoder, out_of_memory;
    char prefix[24]; /* of the layer at hand */
} writer;

static value_name named(const writer *w, const char *text) {
    value_name name;
    snprintf(name.text, sizeof name.text, "%s.%s", w->prefix, text);
    return name;
}

static const float *values_of(const writer *w, int32_t handle) {
    return w->net->parameters->values + w->net->parameters->items[handle].offset;
}

/* ---- constants ---- */

/* Rows first .. first + out - 1 of a weight [..][stride], transposed: MatMul multiplies from the right. */
static void weight(writer *w, const char *name, const float *values, int64_t out, int64_t in, int64_t stride) {
    float *transposed = fnas_allocate((size_t)(out * in), sizeof *transposed);
    if (!transposed) {
        w->out_of_memory = true;
        return;
    }
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++) transposed[i * out + o] = values[o * stride + i];
    fnas_onnx_constant(&w->model, name, 2, (int64_t[]){in, out}, transposed);
    fnas_free(transposed);
}

static void number(writer *w, const char *name, float value) {
    fnas_onnx_constant(&w->model, name, 0, NULL, &value);
}

static void embedding_table(writer *w) {
    int64_t vocabulary = w->net->shape->vocabulary, width = w->side->width;
    int64_t stride = w->net->parameters->items[FNAS_TRANSLATOR_EMBEDDING].shape[1];
    const float *values = values_of(w, FNAS_TRANSLATOR_EMBEDDING);
    float *rows = fnas_allocate((size_t)(vocabulary * width), sizeof *rows);
    if (!rows) {
        w->out_of_memory = true;
        return;
    }
    for (int64_t k = 0; k < vocabulary; k++)
        for (int64_t c = 0; c < width; c++) rows[k * width + c] = values[k * stride + c];
    fnas_onnx_constant(&w->model, "embedding", 2, (int64_t[]){vocabulary, width}, rows);
    fnas_free(rows);
}

static void position_table(writer *w) {
    int64_t length = w->net->positions, width = w->side->width;
    float *rows = fnas_allocate((size_t)(length * width), sizeof *rows);
    if (!rows) {
        w->out_of_memory = true;
        return;
    }
    for (int64_t p = 0; p < length; p++)
        for (int64_t c = 0; c < width; c++) rows[p * width + c] = (float)fnas_translator_position(w->largest->width, p, c);
    fnas_onnx_constant(&w->model, "positions", 2, (int64_t[]){length, width}, rows);
    fnas_free(rows);
}

/* [positions][positions]: what a word must not see lies behind it. */
static void causal_table(writer *w) {
    int64_t length = w->net->positions;
    float *rows = fnas_allocate((size_t)(length * length), sizeof *rows);
    if (!rows) {
        w->out_of_memory = true;
        return;
    }
    for (int64_t i = 0; i < length; i++)
        for (int64_t k = 0; k < length; k++) rows[i * length + k] = k > i ? MASKED : 0;
    fnas_onnx_constant(&w->model, "causal", 2, (int64_t[]){length, length}, rows);
    fnas_free(rows);
}

/* ---- operators ---- */

static void two(writer *w, const char *type, const char *first, const char *second, const char *output) {
    fnas_onnx_operator(&w->model, type, first, second, output);
}

static void slice(writer *w, const char *source, const char *first, const char *behind, const char *axes, const char *output) {
    fnas_protobuf node = fnas_onnx_begin("Slice", (const char *[FNAS_ONNX_INPUTS_MOST]){source, first, behind, axes}, output);
    fnas_onnx_end(&w->model, &node);
}

/* x W^T + b, of `out` rows from `first` on of a product's weight. */
static void linear(writer *w, const char *source, int32_t handle, int64_t first, int64_t out, int64_t in, const char *output) {
    value_name matrix, bias, product;
    int64_t stride = w->net->parameters->items[handle].shape[1];
    snprintf(matrix.text, sizeof matrix.text, "%s.weight", output);
    snprintf(bias.text, sizeof bias.text, "%s.bias", output);
    snprintf(product.text, sizeof product.text, "%s.product", output);
    weight(w, matrix.text, values_of(w, handle) + first * stride, out, in, stride);
    fnas_onnx_constant(&w->model, bias.text, 1, &out, values_of(w, handle + FNAS_TRANSLATOR_BIAS) + first);
    two(w, "MatMul", source, matrix.text, product.text);
    two(w, "Add", product.text, bias.text, output);
}

static void mean(writer *w, const char *source, const char *output) {
    fnas_protobuf node = fnas_onnx_begin("ReduceMean", (const char *[FNAS_ONNX_INPUTS_MOST]){source}, output);
    fnas_onnx_attribute_integers(&node, "axes", 1, (int64_t[]){-1});
    fnas_onnx_attribute_integer(&node, "keepdims", 1);
    fnas_onnx_end(&w->model, &node);
}

/* norm(source + branch), of the operators that opset 13 has; runtimes know the pattern. */
static void end(writer *w, const char *what, const char *source, const char *branch, int32_t handle, const char *output) {
    char text[9][NAME_BYTES];
    static const char *const parts[9] = {"sum", "mean", "apart", "square", "variance", "shifted", "deviation", "normal", "scaled"};
    value_name gamma, beta;
    for (int i = 0; i < 9; i++) snprintf(text[i], NAME_BYTES, "%s.%s.%s", w->prefix, what, parts[i]);
    snprintf(gamma.text, sizeof gamma.text, "%s.%s.gamma", w->prefix, what);
    snprintf(beta.text, sizeof beta.text, "%s.%s.beta", w->prefix, what);
    fnas_onnx_constant(&w->model, gamma.text, 1, &w->side->width, values_of(w, handle + FNAS_TRANSLATOR_GAMMA));
    fnas_onnx_constant(&w->model, beta.text, 1, &w->side->width, values_of(w, handle + FNAS_TRANSLATOR_BETA));
    two(w, "Add", source, branch, text[0]);
    mean(w, text[0], text[1]);
    two(w, "Sub", text[0], text[1], text[2]);
    two(w, "Pow", text[2], "exponent", text[3]);
    mean(w, text[3], text[4]);
    two(w, "Add", text[4], "epsilon", text[5]);
    two(w, "Sqrt", text[5], NULL, text[6]);
    two(w, "Div", text[2], text[6], text[7]);
    two(w, "Mul", text[7], gamma.text, text[8]);
    two(w, "Add", text[8], beta.text, output);
}

/* [batch, length, attention width] -> [batch, heads, length, width of a head], or keys: [.., width, length]. */
static void split_heads(writer *w, const char *source, int64_t heads, bool keys, const char *output) {
    value_name shape, apart;
    snprintf(shape.text, sizeof shape.text, "%s.shape", output);
    snprintf(apart.text, sizeof apart.text, "%s.apart", output);
    fnas_onnx_constant_integers(&w->model, shape.text, 4, (int64_t[]){0, 0, heads, w->net->shape->attention_width / heads});
    two(w, "Reshape", source, shape.text, apart.text);
    fnas_protobuf node = fnas_onnx_begin("Transpose", (const char *[FNAS_ONNX_INPUTS_MOST]){apart.text}, output);
    fnas_onnx_attribute_integers(&node, "perm", 4, keys ? (int64_t[]){0, 2, 3, 1} : (int64_t[]){0, 2, 1, 3});
    fnas_onnx_end(&w->model, &node);
}

static void softmax(writer *w, const char *source, const char *output) {
    fnas_protobuf node = fnas_onnx_begin("Softmax", (const char *[FNAS_ONNX_INPUTS_MOST]){source}, output);
    fnas_onnx_attribute_integer(&node, "axis", -1);
    fnas_onnx_end(&w->model, &node);
}

/* Attention of "what.q", "what.k", "what.v" with a mask that is added to the scores; the result is "what.context". */
static void attend(writer *w, const char *what, int64_t heads, const char *mask) {
    static const char *const parts[10] = {"q", "k", "v", "q.heads", "k.heads", "v.heads", "scores", "scaled", "masked", "weights"};
    char text[10][NAME_BYTES], factor[NAME_BYTES], seen[NAME_BYTES], turned[NAME_BYTES], context[NAME_BYTES];
    for (int i = 0; i < 10; i++) snprintf(text[i], NAME_BYTES, "%s.%s.%s", w->prefix, what, parts[i]);
    snprintf(factor, sizeof factor, "%s.%s.factor", w->prefix, what);
    snprintf(seen, sizeof seen, "%s.%s.seen", w->prefix, what);
    snprintf(turned, sizeof turned, "%s.%s.turned", w->prefix, what);
    snprintf(context, sizeof context, "%s.%s.context", w->prefix, what);
    for (int i = 0; i < 3; i++) split_heads(w, text[i], heads, i == 1, text[3 + i]);
    number(w, factor, 1.0f / sqrtf((float)(w->net->shape->attention_width / heads)));
    two(w, "MatMul", text[3], text[4], text[6]);
    two(w, "Mul", text[6], factor, text[7]);
    two(w, "Add", text[7], mask, text[8]);
    softmax(w, text[8], text[9]);
    two(w, "MatMul", text[9], text[5], seen);
    fnas_protobuf node = fnas_onnx_begin("Transpose", (const char *[FNAS_ONNX_INPUTS_MOST]){seen}, turned);
    fnas_onnx_attribute_integers(&node, "perm", 4, (int64_t[]){0, 2, 1, 3});
    fnas_onnx_end(&w->model, &node);
    two(w, "Reshape", turned, "together", context);
}

/* ---- a layer: from the value `source` to "PREFIX.result" ---- */

static void self_attention(writer *w, const fnas_translator_layer *layer, int32_t handle, const char *source) {
    int64_t attention = w->net->shape->attention_width;
    static const char *const parts[3] = {"self.q", "self.k", "self.v"};
    for (int i = 0; i < 3; i++)
        linear(w, source, handle + FNAS_TRANSLATOR_SELF_IN, i * attention, attention, w->side->width, named(w, parts[i]).text);
    attend(w, "self", layer->heads, w->is_decoder ? "causal_mask" : "padding_mask");
    linear(w, named(w, "self.context").text, handle + FNAS_TRANSLATOR_SELF_OUT, 0, w->side->width, attention, named(w, "self.out").text);
    end(w, "self.end", source, named(w, "self.out").text, handle + FNAS_TRANSLATOR_SELF_NORM, named(w, "self.result").text);
}

/* Several values side by side on an axis. */
static void join(writer *w, const char *prefix, int64_t count, int64_t axis, const char *output) {
    char names[FNAS_ONNX_INPUTS_MOST][NAME_BYTES];
    const char *inputs[FNAS_ONNX_INPUTS_MOST] = {NULL};
    for (int64_t j = 0; j < count; j++) {
        snprintf(names[j], NAME_BYTES, "%s%d", prefix, (int)j);
        inputs[j] = names[j];
    }
    fnas_protobuf node = fnas_onnx_begin("Concat", inputs, output);
    fnas_onnx_attribute_integer(&node, "axis", axis);
    fnas_onnx_end(&w->model, &node);
}

static void join_same(writer *w, const char *name, int64_t count, int64_t axis, const char *output) {
    const char *inputs[FNAS_ONNX_INPUTS_MOST] = {NULL};
    for (int64_t j = 0; j < count; j++) inputs[j] = name;
    fnas_protobuf node = fnas_onnx_begin("Concat", inputs, output);
    fnas_onnx_attribute_integer(&node, "axis", axis);
    fnas_onnx_end(&w->model, &node);
}

static void cross_attention(writer *w, const fnas_translator_layer *layer, int32_t handle) {
    int64_t attention = w->net->shape->attention_width, encoder = w->net->shape->encoder.width;
    value_name source = named(w, "self.result"), memory = named(w, "cross.memory"), mask = named(w, "cross.mask");
    join(w, "memory", layer->cross_sources, 1, memory.text);
    join_same(w, "padding_mask", layer->cross_sources, 3, mask.text);
    linear(w, source.text, handle + FNAS_TRANSLATOR_CROSS_QUERY, 0, attention, w->side->width, named(w, "cross.q").text);
    linear(w, memory.text, handle + FNAS_TRANSLATOR_CROSS_MEMORY, 0, attention, encoder, named(w, "cross.k").text);
    linear(w, memory.text, handle + FNAS_TRANSLATOR_CROSS_MEMORY, attention, attention, encoder, named(w, "cross.v").text);
    attend(w, "cross", layer->cross_heads, mask.text);
    linear(w, named(w, "cross.context").text, handle + FNAS_TRANSLATOR_CROSS_OUT, 0, w->side->width, attention, named(w, "cross.out").text);
    end(w, "cross.end", source.text, named(w, "cross.out").text, handle + FNAS_TRANSLATOR_CROSS_NORM, named(w, "cross.result").text);
}

static void feed_forward(writer *w, const fnas_translator_layer *layer, int32_t handle, const char *result) {
    value_name source = named(w, w->is_decoder ? "cross.result" : "self.result");
    linear(w, source.text, handle + FNAS_TRANSLATOR_EXPAND, 0, layer->feed_forward, w->side->width, named(w, "expand").text);
    two(w, "Relu", named(w, "expand").text, NULL, named(w, "hidden").text);
    linear(w, named(w, "hidden").text, handle + FNAS_TRANSLATOR_CONTRACT, 0, w->side->width, layer->feed_forward,
           named(w, "contract").text);
    end(w, "feed.end", source.text, named(w, "contract").text, handle + FNAS_TRANSLATOR_FINAL_NORM, result);
}

/* ---- a side ---- */

/* Memories are what the encoder's last layers give. */
static value_name result_name(const writer *w, int64_t layer) {
    value_name name;
    int64_t from_end = w->side->layer_count - 1 - layer;
    if (!w->is_decoder && from_end < FNAS_TRANSLATOR_SOURCES_MAX)
        snprintf(name.text, sizeof name.text, "memory%d", (int)from_end);
    else
        snprintf(name.text, sizeof name.text, "layer%d.result", (int)layer);
    return name;
}

static void layers(writer *w) {
    value_name source = {"embedded"};
    for (int64_t l = 0; l < w->side->layer_count; l++) {
        int32_t handle = w->is_decoder ? fnas_translator_decoder_handle(w->net->largest, l) : fnas_translator_encoder_handle(l);
        value_name result = result_name(w, l);
        snprintf(w->prefix, sizeof w->prefix, "layer%d", (int)l);
        self_attention(w, &w->side->layers[l], handle, source.text);
        if (w->is_decoder) cross_attention(w, &w->side->layers[l], handle);
        feed_forward(w, &w->side->layers[l], handle, result.text);
        source = result;
    }
}

/* "embedded": rows of the embedding, scaled, and the first positions. */
static void embed(writer *w, const char *ids) {
    embedding_table(w);
    position_table(w);
    number(w, "embedding.factor", sqrtf((float)w->side->width));
    two(w, "Gather", "embedding", ids, "embedding.rows");
    two(w, "Mul", "embedding.rows", "embedding.factor", "embedding.scaled");
    two(w, "Shape", ids, NULL, "ids.shape");
    two(w, "Gather", "ids.shape", "second", "ids.length");
    slice(w, "positions", "zero", "ids.length", "zero", "positions.here");
    two(w, "Add", "embedding.scaled", "positions.here", "embedded");
}

/* "padding_mask" [batch, 1, 1, source length]: MASKED (1 - mask). */
static void padding_mask(writer *w) {
    number(w, "mask.one", 1);
    number(w, "mask.least", MASKED);
    two(w, "Sub", "mask.one", "source_mask", "mask.padding");
    two(w, "Mul", "mask.padding", "mask.least", "mask.added");
    fnas_onnx_constant_integers(&w->model, "mask.axes", 2, (int64_t[]){1, 2});
    two(w, "Unsqueeze", "mask.added", "mask.axes", "padding_mask");
}

/* "causal_mask" [target length][target length]. */
static void causal_mask(writer *w) {
    causal_table(w);
    fnas_onnx_constant_integers(&w->model, "causal.begin", 2, (int64_t[]){0, 0});
    fnas_onnx_constant_integers(&w->model, "causal.axes", 2, (int64_t[]){0, 1});
    join_same(w, "ids.length", 2, 0, "causal.end");
    slice(w, "causal", "causal.begin", "causal.end", "causal.axes", "causal_mask");
}

/* "logits": the last layer's result times the embedding's rows. */
static void read_out(writer *w) {
    fnas_protobuf node = fnas_onnx_begin("Transpose", (const char *[FNAS_ONNX_INPUTS_MOST]){"embedding"}, "embedding.turned");
    fnas_onnx_attribute_integers(&node, "perm", 2, (int64_t[]){1, 0});
    fnas_onnx_end(&w->model, &node);
    two(w, "MatMul", result_name(w, w->side->layer_count - 1).text, "embedding.turned", "logits");
}

static void common_constants(writer *w) {
    fnas_onnx_constant_integers(&w->model, "zero", 1, (int64_t[]){0});
    fnas_onnx_constant_integers(&w->model, "second", 1, (int64_t[]){1});
    fnas_onnx_constant_integers(&w->model, "together", 3, (int64_t[]){0, 0, w->net->shape->attention_width});
    number(w, "exponent", 2);
    number(w, "epsilon", FNAS_LAYER_NORM_EPSILON);
}

static const fnas_onnx_dimension batch_of_sources[2] = {{.name = "batch"}, {.name = "source_length"}};

/* As many of the encoder's layers as the decoder reads. */
static int64_t memory_count(const fnas_translator *shape) {
    int64_t most = 1;
    for (int64_t l = 0; l < shape->decoder.layer_count; l++)
        if (shape->decoder.layers[l].cross_sources > most) most = shape->decoder.layers[l].cross_sources;
    return most;
}

static void declare_memories(writer *w) {
    for (int64_t j = 0; j < memory_count(w->net->shape); j++) {
        value_name name;
        snprintf(name.text, sizeof name.text, "memory%d", (int)j);
        const fnas_onnx_dimension shape[3] = {batch_of_sources[0], batch_of_sources[1], {.extent = w->net->shape->encoder.width}};
        (w->is_decoder ? fnas_onnx_input : fnas_onnx_output)(&w->model, name.text, FNAS_ONNX_F32, 3, shape);
    }
}

static void write_encoder(writer *w) {
    fnas_onnx_input(&w->model, "source", FNAS_ONNX_I64, 2, batch_of_sources);
    fnas_onnx_input(&w->model, "source_mask", FNAS_ONNX_F32, 2, batch_of_sources);
    declare_memories(w);
    common_constants(w);
    padding_mask(w);
    embed(w, "source");
    layers(w);
}

static void write_decoder(writer *w) {
    const fnas_onnx_dimension target[2] = {{.name = "batch"}, {.name = "target_length"}},
                              logits[3] = {target[0], target[1], {.extent = w->net->shape->vocabulary}};
    fnas_onnx_input(&w->model, "target", FNAS_ONNX_I64, 2, target);
    fnas_onnx_input(&w->model, "source_mask", FNAS_ONNX_F32, 2, batch_of_sources);
    declare_memories(w);
    fnas_onnx_output(&w->model, "logits", FNAS_ONNX_F32, 3, logits);
    common_constants(w);
    padding_mask(w);
    embed(w, "target");
    causal_mask(w);
    layers(w);
    read_out(w);
}

static fnas_status write_side(fnas_context *context, const fnas_onnx_translator *net, bool decoder, fnas_text *bytes) {
    writer w = {.net = net, .is_decoder = decoder};
    w.side = decoder ? &net->shape->decoder : &net->shape->encoder;
    w.largest = decoder ? &net->largest->decoder : &net->largest->encoder;
    if (decoder)
        write_decoder(&w);
    else
        write_encoder(&w);
    fnas_status status = w.out_of_memory ? fnas_fail_memory(context, "an ONNX model")
                                         : fnas_onnx_encode_model(context, &w.model, FNAS_ONNX_IR_VERSION, FNAS_ONNX_OPSET, bytes);
    fnas_onnx_model_free(&w.model);
    return status;
}

fnas_status fnas_onnx_encode_translator(fnas_context *context, const fnas_onnx_translator *net, fnas_text *encoder, fnas_text *decoder) {
    FNAS_TRY(write_side(context, net, false, encoder));
    return write_side(context, net, true, decoder);
}
