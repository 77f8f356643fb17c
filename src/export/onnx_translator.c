#include "export/onnx_translator.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "compute/layer_norm.h"
#include "export/onnx.h"
#include "export/onnx_translator_parts.h"
#include "nn/translator/weights.h"

#define MASKED (-1e9f) /* added to a score that must not count: its exponential is 0 in f32 */

/* ---- tables ---- */

static void embedding_table(fnas_onnx_translator_writer *w) {
    int64_t vocabulary = w->net->shape->vocabulary, width = w->side->width;
    int64_t stride = w->net->parameters->items[FNAS_TRANSLATOR_EMBEDDING].shape[1];
    const float *values = fnas_onnx_part_values_of(w, FNAS_TRANSLATOR_EMBEDDING);
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

static void position_table(fnas_onnx_translator_writer *w) {
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

/* ---- a layer: from the value `source` to "PREFIX.result" ---- */

static fnas_onnx_value_name of_layer(const char *what, int64_t layer, const char *part) {
    fnas_onnx_value_name name;
    snprintf(name.text, sizeof name.text, "%s%d.%s", what, (int)layer, part);
    return name;
}

/* By steps, keys and values of the words before come as "pastN", and leave with the new one's as "presentN". */
static void self_attention(fnas_onnx_translator_writer *w, int64_t l, int32_t handle, const char *source) {
    int64_t attention = w->net->shape->attention_width;
    static const char *const parts[3] = {"self.q", "self.k", "self.v"};
    fnas_onnx_value_name seen[2];
    for (int i = 0; i < 3; i++)
        fnas_onnx_part_linear(w, source, handle + FNAS_TRANSLATOR_SELF_IN, i * attention, attention, w->side->width,
                              fnas_onnx_part_named(w, parts[i]).text);
    bool steps = w->is_decoder && w->by_steps;
    for (int i = 0; i < 2; i++) {
        const char *part = i ? "v" : "k";
        seen[i] = steps ? of_layer("present", l, part) : fnas_onnx_part_named(w, parts[1 + i]);
        if (steps) fnas_onnx_part_join_two(w, of_layer("past", l, part).text, fnas_onnx_part_named(w, parts[1 + i]).text, 1, seen[i].text);
    }
    fnas_onnx_part_attend(w, "self", w->side->layers[l].heads, seen[0].text, seen[1].text,
                          steps           ? NULL
                          : w->is_decoder ? "causal_mask"
                                          : "padding_mask");
    fnas_onnx_part_linear(w, fnas_onnx_part_named(w, "self.context").text, handle + FNAS_TRANSLATOR_SELF_OUT, 0, w->side->width, attention,
                          fnas_onnx_part_named(w, "self.out").text);
    fnas_onnx_part_end(w, "self.end", source, fnas_onnx_part_named(w, "self.out").text, handle + FNAS_TRANSLATOR_SELF_NORM,
                       fnas_onnx_part_named(w, "self.result").text);
}

/* A decoder layer's keys and values of what the encoder gives: "crossN.k", "crossN.v". */
static void cross_memory(fnas_onnx_translator_writer *w, int64_t l, int32_t handle) {
    int64_t attention = w->net->shape->attention_width, encoder = w->net->shape->encoder.width;
    fnas_onnx_value_name memory = of_layer("cross", l, "memory");
    fnas_onnx_part_join(w, "memory", w->net->shape->decoder.layers[l].cross_sources, 1, memory.text);
    for (int i = 0; i < 2; i++)
        fnas_onnx_part_linear(w, memory.text, handle + FNAS_TRANSLATOR_CROSS_MEMORY, i * attention, attention, encoder,
                              of_layer("cross", l, i ? "v" : "k").text);
}

static void cross_attention(fnas_onnx_translator_writer *w, int64_t l, int32_t handle) {
    const fnas_translator_layer *layer = &w->side->layers[l];
    int64_t attention = w->net->shape->attention_width;
    fnas_onnx_value_name source = fnas_onnx_part_named(w, "self.result"), mask = fnas_onnx_part_named(w, "cross.mask");
    if (!w->by_steps) cross_memory(w, l, handle);
    fnas_onnx_part_join_same(w, "padding_mask", layer->cross_sources, 3, mask.text);
    fnas_onnx_part_linear(w, source.text, handle + FNAS_TRANSLATOR_CROSS_QUERY, 0, attention, w->side->width,
                          fnas_onnx_part_named(w, "cross.q").text);
    fnas_onnx_part_attend(w, "cross", layer->cross_heads, of_layer("cross", l, "k").text, of_layer("cross", l, "v").text, mask.text);
    fnas_onnx_part_linear(w, fnas_onnx_part_named(w, "cross.context").text, handle + FNAS_TRANSLATOR_CROSS_OUT, 0, w->side->width,
                          attention, fnas_onnx_part_named(w, "cross.out").text);
    fnas_onnx_part_end(w, "cross.end", source.text, fnas_onnx_part_named(w, "cross.out").text, handle + FNAS_TRANSLATOR_CROSS_NORM,
                       fnas_onnx_part_named(w, "cross.result").text);
}

static void feed_forward(fnas_onnx_translator_writer *w, const fnas_translator_layer *layer, int32_t handle, const char *result) {
    fnas_onnx_value_name source = fnas_onnx_part_named(w, w->is_decoder ? "cross.result" : "self.result");
    fnas_onnx_part_linear(w, source.text, handle + FNAS_TRANSLATOR_EXPAND, 0, layer->feed_forward, w->side->width,
                          fnas_onnx_part_named(w, "expand").text);
    fnas_onnx_operator(&w->model, "Relu", fnas_onnx_part_named(w, "expand").text, NULL, fnas_onnx_part_named(w, "hidden").text);
    fnas_onnx_part_linear(w, fnas_onnx_part_named(w, "hidden").text, handle + FNAS_TRANSLATOR_CONTRACT, 0, w->side->width,
                          layer->feed_forward, fnas_onnx_part_named(w, "contract").text);
    fnas_onnx_part_end(w, "feed.end", source.text, fnas_onnx_part_named(w, "contract").text, handle + FNAS_TRANSLATOR_FINAL_NORM, result);
}

/* ---- a side ---- */

/* Memories are what the encoder's last layers give. */
static fnas_onnx_value_name result_name(const fnas_onnx_translator_writer *w, int64_t layer) {
    fnas_onnx_value_name name;
    int64_t from_end = w->side->layer_count - 1 - layer;
    if (!w->is_decoder && from_end < FNAS_TRANSLATOR_SOURCES_MAX)
        snprintf(name.text, sizeof name.text, "memory%d", (int)from_end);
    else
        snprintf(name.text, sizeof name.text, "layer%d.result", (int)layer);
    return name;
}

static void layers(fnas_onnx_translator_writer *w) {
    fnas_onnx_value_name source = {"embedded"};
    for (int64_t l = 0; l < w->side->layer_count; l++) {
        int32_t handle = w->is_decoder ? fnas_translator_decoder_handle(w->net->largest, l) : fnas_translator_encoder_handle(l);
        fnas_onnx_value_name result = result_name(w, l);
        snprintf(w->prefix, sizeof w->prefix, "layer%d", (int)l);
        self_attention(w, l, handle, source.text);
        if (w->is_decoder) cross_attention(w, l, handle);
        feed_forward(w, &w->side->layers[l], handle, result.text);
        source = result;
    }
}

/* "embedded": rows of the embedding, scaled, and positions: the first ones, or by steps the one that is told. */
static void embed(fnas_onnx_translator_writer *w, const char *ids) {
    embedding_table(w);
    position_table(w);
    fnas_onnx_part_number(w, "embedding.factor", sqrtf((float)w->side->width));
    fnas_onnx_operator(&w->model, "Gather", "embedding", ids, "embedding.rows");
    fnas_onnx_operator(&w->model, "Mul", "embedding.rows", "embedding.factor", "embedding.scaled");
    if (w->is_decoder && w->by_steps) {
        fnas_onnx_operator(&w->model, "Gather", "positions", "position", "positions.here");
    } else {
        fnas_onnx_constant_integers(&w->model, "zero", 1, (int64_t[]){0});
        fnas_onnx_constant_integers(&w->model, "second", 1, (int64_t[]){1});
        fnas_onnx_operator(&w->model, "Shape", ids, NULL, "ids.shape");
        fnas_onnx_operator(&w->model, "Gather", "ids.shape", "second", "ids.length");
        fnas_onnx_part_slice(w, "positions", "zero", "ids.length", "zero", "positions.here");
    }
    fnas_onnx_operator(&w->model, "Add", "embedding.scaled", "positions.here", "embedded");
}

/* "padding_mask" [batch, 1, 1, source length]: MASKED (1 - mask). */
static void padding_mask(fnas_onnx_translator_writer *w) {
    fnas_onnx_part_number(w, "mask.one", 1);
    fnas_onnx_part_number(w, "mask.least", MASKED);
    fnas_onnx_operator(&w->model, "Sub", "mask.one", "source_mask", "mask.padding");
    fnas_onnx_operator(&w->model, "Mul", "mask.padding", "mask.least", "mask.added");
    fnas_onnx_constant_integers(&w->model, "mask.axes", 2, (int64_t[]){1, 2});
    fnas_onnx_operator(&w->model, "Unsqueeze", "mask.added", "mask.axes", "padding_mask");
}

static void operator_of_three(fnas_onnx_translator_writer *w, const char *type, const char *first, const char *second, const char *third,
                              const char *output) {
    fnas_protobuf node = fnas_onnx_begin(type, (const char *[FNAS_ONNX_INPUTS_MOST]){first, second, third}, output);
    fnas_onnx_end(&w->model, &node);
}

/* "causal_mask" [target length][target length]: MASKED where the column is behind the row. */
static void causal_mask(fnas_onnx_translator_writer *w) {
    fnas_onnx_model *model = &w->model;
    fnas_onnx_constant_integer(model, "causal.first", 0);
    fnas_onnx_constant_integer(model, "causal.step", 1);
    fnas_onnx_constant_integers(model, "causal.upright", 1, (int64_t[]){1});
    fnas_onnx_part_number(w, "causal.hidden", MASKED);
    fnas_onnx_part_number(w, "causal.shown", 0);
    fnas_onnx_operator(model, "Squeeze", "ids.length", NULL, "causal.length");
    operator_of_three(w, "Range", "causal.first", "causal.length", "causal.step", "causal.columns");
    fnas_onnx_operator(model, "Unsqueeze", "causal.columns", "causal.upright", "causal.rows");
    fnas_onnx_operator(model, "Greater", "causal.columns", "causal.rows", "causal.behind");
    operator_of_three(w, "Where", "causal.behind", "causal.hidden", "causal.shown", "causal_mask");
}

/* "logits": the last layer's result times the embedding's rows. */
static void read_out(fnas_onnx_translator_writer *w) {
    fnas_protobuf node = fnas_onnx_begin("Transpose", (const char *[FNAS_ONNX_INPUTS_MOST]){"embedding"}, "embedding.turned");
    fnas_onnx_attribute_integers(&node, "perm", 2, (int64_t[]){1, 0});
    fnas_onnx_end(&w->model, &node);
    fnas_onnx_operator(&w->model, "MatMul", result_name(w, w->side->layer_count - 1).text, "embedding.turned", "logits");
}

static void common_constants(fnas_onnx_translator_writer *w) {
    fnas_onnx_constant_integers(&w->model, "together", 3, (int64_t[]){0, 0, w->net->shape->attention_width});
    fnas_onnx_part_number(w, "exponent", 2);
    fnas_onnx_part_number(w, "epsilon", FNAS_LAYER_NORM_EPSILON);
}

static const fnas_onnx_dimension batch_of_sources[2] = {{.name = "batch"}, {.name = "source_length"}};

/* As many of the encoder's layers as the decoder reads. */
static int64_t memory_count(const fnas_translator *shape) {
    int64_t most = 1;
    for (int64_t l = 0; l < shape->decoder.layer_count; l++)
        if (shape->decoder.layers[l].cross_sources > most) most = shape->decoder.layers[l].cross_sources;
    return most;
}

static void declare_memories(fnas_onnx_translator_writer *w) {
    for (int64_t j = 0; j < memory_count(w->net->shape); j++) {
        fnas_onnx_value_name name;
        snprintf(name.text, sizeof name.text, "memory%d", (int)j);
        const fnas_onnx_dimension shape[3] = {batch_of_sources[0], batch_of_sources[1], {.extent = w->net->shape->encoder.width}};
        (w->is_decoder ? fnas_onnx_input : fnas_onnx_output)(&w->model, name.text, FNAS_ONNX_F32, 3, shape);
    }
}

/* Keys and values of decoder layer l, of so many rows: "whatN.k", "whatN.v". */
static void declare_keys(fnas_onnx_translator_writer *w, const char *what, int64_t l, const char *rows, bool is_output) {
    const fnas_onnx_dimension shape[3] = {{.name = "batch"}, {.name = rows}, {.extent = w->net->shape->attention_width}};
    for (int i = 0; i < 2; i++)
        (is_output ? fnas_onnx_output : fnas_onnx_input)(&w->model, of_layer(what, l, i ? "v" : "k").text, FNAS_ONNX_F32, 3, shape);
}

/* Layers may see different numbers of the encoder's. */
static fnas_onnx_value_name cross_rows(int64_t l) {
    return of_layer("cross", l, "rows");
}

static void write_encoder(fnas_onnx_translator_writer *w) {
    const fnas_translator_side *decoder = &w->net->shape->decoder;
    fnas_onnx_input(&w->model, "source", FNAS_ONNX_I64, 2, batch_of_sources);
    fnas_onnx_input(&w->model, "source_mask", FNAS_ONNX_F32, 2, batch_of_sources);
    if (!w->by_steps) declare_memories(w);
    for (int64_t l = 0; w->by_steps && l < decoder->layer_count; l++) declare_keys(w, "cross", l, cross_rows(l).text, true);
    common_constants(w);
    padding_mask(w);
    embed(w, "source");
    layers(w);
    for (int64_t l = 0; w->by_steps && l < decoder->layer_count; l++)
        cross_memory(w, l, fnas_translator_decoder_handle(w->net->largest, l));
}

static void declare_steps(fnas_onnx_translator_writer *w) {
    const fnas_onnx_dimension word[2] = {{.name = "batch"}, {.extent = 1}}, position[1] = {{.extent = 1}};
    fnas_onnx_input(&w->model, "word", FNAS_ONNX_I64, 2, word);
    fnas_onnx_input(&w->model, "position", FNAS_ONNX_I64, 1, position);
    for (int64_t l = 0; l < w->side->layer_count; l++) {
        declare_keys(w, "cross", l, cross_rows(l).text, false);
        declare_keys(w, "past", l, "past_length", false);
        declare_keys(w, "present", l, "present_length", true);
    }
}

static void write_decoder(fnas_onnx_translator_writer *w) {
    fnas_onnx_dimension target[2] = {{.name = "batch"}, {.name = "target_length"}};
    if (w->by_steps) target[1] = (fnas_onnx_dimension){.extent = 1};
    const fnas_onnx_dimension logits[3] = {target[0], target[1], {.extent = w->net->shape->vocabulary}};
    if (w->by_steps)
        declare_steps(w);
    else
        fnas_onnx_input(&w->model, "target", FNAS_ONNX_I64, 2, target);
    fnas_onnx_input(&w->model, "source_mask", FNAS_ONNX_F32, 2, batch_of_sources);
    if (!w->by_steps) declare_memories(w);
    fnas_onnx_output(&w->model, "logits", FNAS_ONNX_F32, 3, logits);
    common_constants(w);
    padding_mask(w);
    embed(w, w->by_steps ? "word" : "target");
    if (!w->by_steps) causal_mask(w);
    layers(w);
    read_out(w);
}

static fnas_status write_side(fnas_context *context, const fnas_onnx_translator *net, bool decoder, bool steps, fnas_text *bytes) {
    fnas_onnx_translator_writer w = {.net = net, .is_decoder = decoder, .by_steps = steps};
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
    FNAS_TRY(write_side(context, net, false, false, encoder));
    return write_side(context, net, true, false, decoder);
}

fnas_status fnas_onnx_encode_translator_steps(fnas_context *context, const fnas_onnx_translator *net, fnas_text *encoder,
                                              fnas_text *decoder) {
    FNAS_TRY(write_side(context, net, false, true, encoder));
    return write_side(context, net, true, true, decoder);
}
