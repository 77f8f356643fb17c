#include "export/onnx_translator_parts.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "nn/translator/weights.h"

fnas_onnx_value_name fnas_onnx_part_named(const fnas_onnx_translator_writer *w, const char *text) {
    fnas_onnx_value_name name;
    snprintf(name.text, sizeof name.text, "%s.%s", w->prefix, text);
    return name;
}

const float *fnas_onnx_part_values_of(const fnas_onnx_translator_writer *w, int32_t handle) {
    return w->net->parameters->values + w->net->parameters->items[handle].offset;
}

/* ---- constants ---- */

/* Rows first .. first + out - 1 of a weight [..][stride], transposed: MatMul multiplies from the right. */
static void weight(fnas_onnx_translator_writer *w, const char *name, const float *values, int64_t out, int64_t in, int64_t stride) {
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

void fnas_onnx_part_number(fnas_onnx_translator_writer *w, const char *name, float value) {
    fnas_onnx_constant(&w->model, name, 0, NULL, &value);
}

/* ---- operators ---- */

void fnas_onnx_part_slice(fnas_onnx_translator_writer *w, const char *source, const char *first, const char *behind, const char *axes,
                          const char *output) {
    fnas_protobuf node = fnas_onnx_begin("Slice", (const char *[FNAS_ONNX_INPUTS_MOST]){source, first, behind, axes}, output);
    fnas_onnx_end(&w->model, &node);
}

void fnas_onnx_part_linear(fnas_onnx_translator_writer *w, const char *source, int32_t handle, int64_t first, int64_t out, int64_t in,
                           const char *output) {
    fnas_onnx_value_name matrix, bias, product;
    int64_t stride = w->net->parameters->items[handle].shape[1];
    snprintf(matrix.text, sizeof matrix.text, "%s.weight", output);
    snprintf(bias.text, sizeof bias.text, "%s.bias", output);
    snprintf(product.text, sizeof product.text, "%s.product", output);
    weight(w, matrix.text, fnas_onnx_part_values_of(w, handle) + first * stride, out, in, stride);
    fnas_onnx_constant(&w->model, bias.text, 1, &out, fnas_onnx_part_values_of(w, handle + FNAS_TRANSLATOR_BIAS) + first);
    fnas_onnx_operator(&w->model, "MatMul", source, matrix.text, product.text);
    fnas_onnx_operator(&w->model, "Add", product.text, bias.text, output);
}

static void mean(fnas_onnx_translator_writer *w, const char *source, const char *output) {
    fnas_protobuf node = fnas_onnx_begin("ReduceMean", (const char *[FNAS_ONNX_INPUTS_MOST]){source}, output);
    fnas_onnx_attribute_integers(&node, "axes", 1, (int64_t[]){-1});
    fnas_onnx_attribute_integer(&node, "keepdims", 1);
    fnas_onnx_end(&w->model, &node);
}

/* Of the operators that opset 13 has; runtimes know the pattern. */
void fnas_onnx_part_end(fnas_onnx_translator_writer *w, const char *what, const char *source, const char *branch, int32_t handle,
                        const char *output) {
    char text[9][FNAS_ONNX_NAME_BYTES];
    static const char *const parts[9] = {"sum", "mean", "apart", "square", "variance", "shifted", "deviation", "normal", "scaled"};
    fnas_onnx_value_name gamma, beta;
    for (int i = 0; i < 9; i++) snprintf(text[i], FNAS_ONNX_NAME_BYTES, "%s.%s.%s", w->prefix, what, parts[i]);
    snprintf(gamma.text, sizeof gamma.text, "%s.%s.gamma", w->prefix, what);
    snprintf(beta.text, sizeof beta.text, "%s.%s.beta", w->prefix, what);
    fnas_onnx_constant(&w->model, gamma.text, 1, &w->side->width, fnas_onnx_part_values_of(w, handle + FNAS_TRANSLATOR_GAMMA));
    fnas_onnx_constant(&w->model, beta.text, 1, &w->side->width, fnas_onnx_part_values_of(w, handle + FNAS_TRANSLATOR_BETA));
    fnas_onnx_operator(&w->model, "Add", source, branch, text[0]);
    mean(w, text[0], text[1]);
    fnas_onnx_operator(&w->model, "Sub", text[0], text[1], text[2]);
    fnas_onnx_operator(&w->model, "Pow", text[2], "exponent", text[3]);
    mean(w, text[3], text[4]);
    fnas_onnx_operator(&w->model, "Add", text[4], "epsilon", text[5]);
    fnas_onnx_operator(&w->model, "Sqrt", text[5], NULL, text[6]);
    fnas_onnx_operator(&w->model, "Div", text[2], text[6], text[7]);
    fnas_onnx_operator(&w->model, "Mul", text[7], gamma.text, text[8]);
    fnas_onnx_operator(&w->model, "Add", text[8], beta.text, output);
}

/* [batch, length, attention width] -> [batch, heads, length, width of a head], or keys: [.., width, length]. */
static void split_heads(fnas_onnx_translator_writer *w, const char *source, int64_t heads, bool keys, const char *output) {
    fnas_onnx_value_name shape, apart;
    snprintf(shape.text, sizeof shape.text, "%s.shape", output);
    snprintf(apart.text, sizeof apart.text, "%s.apart", output);
    fnas_onnx_constant_integers(&w->model, shape.text, 4, (int64_t[]){0, 0, heads, w->net->shape->attention_width / heads});
    fnas_onnx_operator(&w->model, "Reshape", source, shape.text, apart.text);
    fnas_protobuf node = fnas_onnx_begin("Transpose", (const char *[FNAS_ONNX_INPUTS_MOST]){apart.text}, output);
    fnas_onnx_attribute_integers(&node, "perm", 4, keys ? (int64_t[]){0, 2, 3, 1} : (int64_t[]){0, 2, 1, 3});
    fnas_onnx_end(&w->model, &node);
}

static void softmax(fnas_onnx_translator_writer *w, const char *source, const char *output) {
    fnas_protobuf node = fnas_onnx_begin("Softmax", (const char *[FNAS_ONNX_INPUTS_MOST]){source}, output);
    fnas_onnx_attribute_integer(&node, "axis", -1);
    fnas_onnx_end(&w->model, &node);
}

void fnas_onnx_part_attend(fnas_onnx_translator_writer *w, const char *what, int64_t heads, const char *keys, const char *values,
                           const char *mask) {
    static const char *const parts[11] = {"q",      "q.heads", "k.heads", "v.heads", "scores", "scaled",
                                          "masked", "weights", "factor",  "seen",    "turned"};
    enum { Q, Q_HEADS, K_HEADS, V_HEADS, SCORES, SCALED, MASKED, WEIGHTS, FACTOR, SEEN, TURNED };
    char text[11][FNAS_ONNX_NAME_BYTES], context[FNAS_ONNX_NAME_BYTES];
    for (int i = 0; i < 11; i++) snprintf(text[i], FNAS_ONNX_NAME_BYTES, "%s.%s.%s", w->prefix, what, parts[i]);
    snprintf(context, sizeof context, "%s.%s.context", w->prefix, what);
    split_heads(w, text[Q], heads, false, text[Q_HEADS]);
    split_heads(w, keys, heads, true, text[K_HEADS]);
    split_heads(w, values, heads, false, text[V_HEADS]);
    fnas_onnx_part_number(w, text[FACTOR], 1.0f / sqrtf((float)(w->net->shape->attention_width / heads)));
    fnas_onnx_operator(&w->model, "MatMul", text[Q_HEADS], text[K_HEADS], text[SCORES]);
    fnas_onnx_operator(&w->model, "Mul", text[SCORES], text[FACTOR], text[SCALED]);
    if (mask) fnas_onnx_operator(&w->model, "Add", text[SCALED], mask, text[MASKED]);
    softmax(w, mask ? text[MASKED] : text[SCALED], text[WEIGHTS]);
    fnas_onnx_operator(&w->model, "MatMul", text[WEIGHTS], text[V_HEADS], text[SEEN]);
    fnas_protobuf node = fnas_onnx_begin("Transpose", (const char *[FNAS_ONNX_INPUTS_MOST]){text[SEEN]}, text[TURNED]);
    fnas_onnx_attribute_integers(&node, "perm", 4, (int64_t[]){0, 2, 1, 3});
    fnas_onnx_end(&w->model, &node);
    fnas_onnx_operator(&w->model, "Reshape", text[TURNED], "together", context);
}

/* ---- side by side ---- */

static void concatenate(fnas_onnx_translator_writer *w, const char *const inputs[FNAS_ONNX_INPUTS_MOST], int64_t axis, const char *output) {
    fnas_protobuf node = fnas_onnx_begin("Concat", inputs, output);
    fnas_onnx_attribute_integer(&node, "axis", axis);
    fnas_onnx_end(&w->model, &node);
}

void fnas_onnx_part_join(fnas_onnx_translator_writer *w, const char *prefix, int64_t count, int64_t axis, const char *output) {
    char names[FNAS_ONNX_INPUTS_MOST][FNAS_ONNX_NAME_BYTES];
    const char *inputs[FNAS_ONNX_INPUTS_MOST] = {NULL};
    for (int64_t j = 0; j < count; j++) {
        snprintf(names[j], FNAS_ONNX_NAME_BYTES, "%s%d", prefix, (int)j);
        inputs[j] = names[j];
    }
    concatenate(w, inputs, axis, output);
}

void fnas_onnx_part_join_same(fnas_onnx_translator_writer *w, const char *name, int64_t count, int64_t axis, const char *output) {
    const char *inputs[FNAS_ONNX_INPUTS_MOST] = {NULL};
    for (int64_t j = 0; j < count; j++) inputs[j] = name;
    concatenate(w, inputs, axis, output);
}

void fnas_onnx_part_join_two(fnas_onnx_translator_writer *w, const char *first, const char *second, int64_t axis, const char *output) {
    concatenate(w, (const char *[FNAS_ONNX_INPUTS_MOST]){first, second}, axis, output);
}
