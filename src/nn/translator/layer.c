/* The sublayers of a Transformer, forward beside backward. Each gate stands where HAT's code has it (MODNAS, Sukthanker et al. 2025), but
 * for attention's last product, which there takes the gates of the encoder's width and feed-forward part also in the decoder: here it takes
 * its own side's width. */
#include <string.h>

#include "compute/dropout.h"
#include "compute/kernels.h"
#include "compute/layer_norm.h"
#include "nn/translator/run.h"

void fnas_translator_drop(const fnas_translator_run_state *run, double probability, uint32_t place, int64_t count, float *x) {
    if (!run->request->dropout || probability <= 0) return;
    fnas_dropout dropout = fnas_dropout_begin(run->key, place, probability);
    fnas_dropout_factors(&dropout, 0, count, run->factors);
    for (int64_t i = 0; i < count; i++) x[i] *= run->factors[i];
}

/* What a layer's place in the network decides. */
typedef struct at {
    fnas_translator_run_state *run;
    fnas_translator_side_run *side;
    const fnas_translator_layer *layer, *largest;
    fnas_translator_layer_run *kept;
    int32_t handle;
    int64_t index, width, attention;
} at;

static at layer_at(fnas_translator_run_state *run, fnas_translator_side_run *side, int64_t l) {
    const fnas_translator *largest = run->request->largest;
    return (at){.run = run,
                .side = side,
                .layer = &side->shape->layers[l],
                .largest = &side->largest->layers[l],
                .kept = &side->layers[l],
                .handle = side->is_decoder ? fnas_translator_decoder_handle(largest, l) : fnas_translator_encoder_handle(l),
                .index = l,
                .width = side->shape->width,
                .attention = run->request->shape->attention_width};
}

static const float *source_of(const at *a) {
    return a->index ? a->side->layers[a->index - 1].feed.end.result : a->side->embedded;
}

/* ---- products ---- */

static void product(const at *a, int64_t rows, int offset, fnas_corner corner, const float *src, float *dst) {
    fnas_product_forward(a->run->engine, rows, corner, src, fnas_translator_values(a->run, a->handle + offset),
                         fnas_translator_values(a->run, a->handle + offset + FNAS_TRANSLATOR_BIAS), dst);
}

/* diff_src (+)=, the weight's and the bias's gradients where they are wanted. */
static void product_backward(const at *a, int64_t rows, int offset, fnas_corner corner, const float *src, const float *diff_dst,
                             bool accumulate, float *diff_src) {
    float *diff_weights = fnas_translator_gradient(a->run, a->handle + offset);
    if (diff_weights)
        fnas_product_backward_weights(a->run->engine, rows, corner, src, diff_dst, diff_weights,
                                      fnas_translator_gradient(a->run, a->handle + offset + FNAS_TRANSLATOR_BIAS));
    fnas_product_backward_source(a->run->engine, rows, corner, diff_dst, fnas_translator_values(a->run, a->handle + offset), accumulate,
                                 diff_src);
}

/* ---- how a sublayer ends: dropout, sum with its source, norm ---- */

static void end_forward(const at *a, fnas_translator_place place, int offset, const float *source, const fnas_translator_end *end) {
    int64_t count = a->side->tokens * a->width;
    fnas_translator_drop(a->run, a->side->drop, fnas_translator_layer_place(a->side->place, a->index, place), count, a->run->branch);
    for (int64_t i = 0; i < count; i++) end->sum[i] = source[i] + a->run->branch[i];
    fnas_layer_norm_forward(a->side->tokens, a->width, end->sum, fnas_translator_values(a->run, a->handle + offset),
                            fnas_translator_values(a->run, a->handle + offset + FNAS_TRANSLATOR_BETA), end->mean, end->scale, end->result);
}

/* diff, the gradient of the result, becomes that of the source by way of the sum; run->branch is written with that of the branch. Returns
 * the dot of the branch and its gradient. */
static double end_backward(const at *a, fnas_translator_place place, int offset, const float *source, const fnas_translator_end *end,
                           float *diff) {
    int64_t count = a->side->tokens * a->width;
    fnas_translator_add_gate(a->run, a->side->shape->width_gate, fnas_translator_dot(a->run, count, diff, end->result));
    fnas_layer_norm_backward(a->side->tokens, a->width, end->sum, fnas_translator_values(a->run, a->handle + offset), end->mean, end->scale,
                             diff, diff, fnas_translator_gradient(a->run, a->handle + offset),
                             fnas_translator_gradient(a->run, a->handle + offset + FNAS_TRANSLATOR_BETA));
    double dot = fnas_translator_dot(a->run, count, diff, end->sum) - fnas_translator_dot(a->run, count, diff, source);
    memcpy(a->run->branch, diff, (size_t)count * sizeof(float));
    fnas_translator_drop(a->run, a->side->drop, fnas_translator_layer_place(a->side->place, a->index, place), count, a->run->branch);
    return dot;
}

/* ---- attention over sentences ---- */

typedef struct sentences {
    fnas_attention op;
    fnas_attention_gradients gradients;
    fnas_dropout dropout;
    const fnas_translator_side_run *memory; /* whose tokens are the keys */
    const float *query, *key[FNAS_ATTENTION_PARTS_MAX];
    float *diff_query, *diff_key[FNAS_ATTENTION_PARTS_MAX];
    int64_t value_offset; /* from a key to its value */
    float *weights;
} sentences;

static void begin_sentences(const at *a, fnas_translator_place place, int64_t heads, sentences *all) {
    const fnas_translator_dropout *dropout = a->run->request->dropout;
    all->op.heads = heads;
    all->op.head_width = a->attention / heads;
    all->op.scratch = a->run->attention;
    all->op.product = fnas_engine_product(a->run->engine);
    if (!dropout || dropout->attention <= 0) return;
    all->dropout = fnas_dropout_begin(a->run->key, fnas_translator_layer_place(a->side->place, a->index, place), dropout->attention);
    all->op.dropout = &all->dropout;
}

static void self_sentences(const at *a, sentences *all) {
    const fnas_translator_attention_run *kept = &a->kept->self;
    *all = (sentences){.memory = a->side,
                       .query = kept->projected,
                       .key = {kept->projected + a->attention},
                       .value_offset = a->attention,
                       .weights = kept->weights};
    all->diff_query = a->run->diff_projected;
    all->diff_key[0] = a->run->backward ? a->run->diff_projected + a->attention : NULL;
    all->op.parts = 1;
    all->op.causal = a->side->is_decoder;
    all->op.query_stride = all->op.key_stride = 3 * a->attention;
    begin_sentences(a, FNAS_TRANSLATOR_DROP_SELF_WEIGHTS, a->layer->heads, all);
}

static float *memory_gradient(const at *a, int64_t part) {
    return a->run->backward ? a->run->diff_memory + part * a->run->encoder.tokens * 2 * a->attention : NULL;
}

static void cross_sentences(const at *a, sentences *all) {
    const fnas_translator_attention_run *kept = &a->kept->cross;
    *all = (sentences){.memory = &a->run->encoder, .query = kept->projected, .value_offset = a->attention, .weights = kept->weights};
    all->diff_query = a->run->diff_projected;
    for (int64_t j = 0; j < a->layer->cross_sources; j++) {
        all->key[j] = kept->memory[j];
        all->diff_key[j] = memory_gradient(a, j);
    }
    all->op.parts = a->layer->cross_sources;
    all->op.query_stride = a->attention;
    all->op.key_stride = 2 * a->attention;
    begin_sentences(a, FNAS_TRANSLATOR_DROP_CROSS_WEIGHTS, a->layer->cross_heads, all);
}

/* Sets the operands of sentence i; those of the sentences before must have been set. */
static void set_sentence(const at *a, sentences *all, int64_t i) {
    int64_t query = a->side->start[i], key = all->memory->start[i];
    fnas_attention *op = &all->op;
    op->weights = i ? op->weights + fnas_attention_weight_count(op) : all->weights;
    op->first_draw = i ? op->first_draw + fnas_attention_draws(op) : 0;
    op->queries = a->side->start[i + 1] - query;
    op->keys = all->memory->start[i + 1] - key;
    op->query = all->query + query * op->query_stride;
    for (int64_t j = 0; j < op->parts; j++) {
        op->key[j] = all->key[j] + key * op->key_stride;
        op->value[j] = op->key[j] + all->value_offset;
        if (!all->diff_key[j]) continue;
        all->gradients.key[j] = all->diff_key[j] + key * op->key_stride;
        all->gradients.value[j] = all->gradients.key[j] + all->value_offset;
    }
    if (all->diff_query) all->gradients.query = all->diff_query + query * op->query_stride;
}

static void attend(const at *a, sentences *all, float *context) {
    for (int64_t i = 0; i < a->side->n; i++) {
        set_sentence(a, all, i);
        fnas_attention_forward(&all->op, context + a->side->start[i] * a->attention);
    }
}

static void attend_backward(const at *a, sentences *all) {
    for (int64_t i = 0; i < a->side->n; i++) {
        set_sentence(a, all, i);
        fnas_attention_backward(&all->op, a->run->diff_context + a->side->start[i] * a->attention, &all->gradients);
    }
}

/* ---- a layer's attention to its own sequence ---- */

static void self_forward(const at *a) {
    const fnas_translator_attention_run *kept = &a->kept->self;
    sentences all;
    product(a, a->side->tokens, FNAS_TRANSLATOR_SELF_IN, (fnas_corner){a->width, 3 * a->attention, a->side->largest->width}, source_of(a),
            kept->projected);
    self_sentences(a, &all);
    attend(a, &all, kept->context);
    product(a, a->side->tokens, FNAS_TRANSLATOR_SELF_OUT, (fnas_corner){a->attention, a->width, a->attention}, kept->context,
            a->run->branch);
    end_forward(a, FNAS_TRANSLATOR_DROP_SELF, FNAS_TRANSLATOR_SELF_NORM, source_of(a), &kept->end);
}

static void self_backward(const at *a) {
    const fnas_translator_attention_run *kept = &a->kept->self;
    fnas_translator_run_state *run = a->run;
    sentences all;
    int64_t tokens = a->side->tokens;
    double dot = end_backward(a, FNAS_TRANSLATOR_DROP_SELF, FNAS_TRANSLATOR_SELF_NORM, source_of(a), &kept->end, a->side->diff);
    fnas_translator_add_gate(run, a->side->shape->width_gate, dot);
    fnas_translator_add_gate(run, a->layer->heads_gate, dot);
    product_backward(a, tokens, FNAS_TRANSLATOR_SELF_OUT, (fnas_corner){a->attention, a->width, a->attention}, kept->context, run->branch,
                     false, run->diff_context);
    self_sentences(a, &all);
    attend_backward(a, &all);
    fnas_translator_add_gate(run, a->side->shape->width_gate,
                             fnas_translator_dot(run, tokens * 3 * a->attention, run->diff_projected, kept->projected));
    product_backward(a, tokens, FNAS_TRANSLATOR_SELF_IN, (fnas_corner){a->width, 3 * a->attention, a->side->largest->width}, source_of(a),
                     run->diff_projected, true, a->side->diff);
}

/* ---- a decoder layer's attention to the encoder ---- */

static fnas_corner query_corner(const at *a) {
    return (fnas_corner){a->width, a->attention, a->side->largest->width};
}
static fnas_corner memory_corner(const at *a) {
    return (fnas_corner){a->run->encoder.shape->width, 2 * a->attention, a->run->encoder.largest->width};
}

/* Part j is the encoder's j-th layer from the end. */
static const float *memory_of(const at *a, int64_t part) {
    return a->run->encoder.layers[a->run->encoder.shape->layer_count - 1 - part].feed.end.result;
}

/* Keys and values of what the encoder has given. */
static void project_memory(const at *a) {
    for (int64_t j = 0; j < a->layer->cross_sources; j++)
        product(a, a->run->encoder.tokens, FNAS_TRANSLATOR_CROSS_MEMORY, memory_corner(a), memory_of(a, j), a->kept->cross.memory[j]);
}

void fnas_translator_cross_memory(fnas_translator_run_state *run, int64_t layer) {
    at a = layer_at(run, &run->decoder, layer);
    project_memory(&a);
}

static void cross_forward(const at *a) {
    const fnas_translator_attention_run *kept = &a->kept->cross;
    const float *source = a->kept->self.end.result;
    sentences all;
    product(a, a->side->tokens, FNAS_TRANSLATOR_CROSS_QUERY, query_corner(a), source, kept->projected);
    project_memory(a);
    cross_sentences(a, &all);
    attend(a, &all, kept->context);
    product(a, a->side->tokens, FNAS_TRANSLATOR_CROSS_OUT, (fnas_corner){a->attention, a->width, a->attention}, kept->context,
            a->run->branch);
    end_forward(a, FNAS_TRANSLATOR_DROP_CROSS, FNAS_TRANSLATOR_CROSS_NORM, source, &kept->end);
}

/* The gradient of keys and values of one part goes to the weights, to the encoder's layer, and to the gates. */
static void memory_backward(const at *a, int64_t part) {
    fnas_translator_run_state *run = a->run;
    int64_t tokens = run->encoder.tokens, values = tokens * run->encoder.shape->width;
    const float *diff = memory_gradient(a, part);
    fnas_translator_add_gate(run, a->side->shape->width_gate,
                             fnas_translator_dot(run, tokens * 2 * a->attention, diff, a->kept->cross.memory[part]));
    product_backward(a, tokens, FNAS_TRANSLATOR_CROSS_MEMORY, memory_corner(a), memory_of(a, part), diff, false, run->diff_source);
    fnas_translator_add_gate(run, a->layer->cross_sources_gate, fnas_translator_dot(run, values, run->diff_source, memory_of(a, part)));
    fnas_kernels_f32.add((size_t)values, run->diff_source, run->encoder.diff_memory[run->encoder.shape->layer_count - 1 - part]);
}

static void cross_backward(const at *a) {
    const fnas_translator_attention_run *kept = &a->kept->cross;
    fnas_translator_run_state *run = a->run;
    const float *source = a->kept->self.end.result;
    sentences all;
    int64_t tokens = a->side->tokens;
    double dot = end_backward(a, FNAS_TRANSLATOR_DROP_CROSS, FNAS_TRANSLATOR_CROSS_NORM, source, &kept->end, a->side->diff);
    fnas_translator_add_gate(run, a->side->shape->width_gate, dot);
    fnas_translator_add_gate(run, a->layer->cross_heads_gate, dot);
    product_backward(a, tokens, FNAS_TRANSLATOR_CROSS_OUT, (fnas_corner){a->attention, a->width, a->attention}, kept->context, run->branch,
                     false, run->diff_context);
    cross_sentences(a, &all);
    attend_backward(a, &all);
    fnas_translator_add_gate(run, a->side->shape->width_gate,
                             fnas_translator_dot(run, tokens * a->attention, run->diff_projected, kept->projected));
    product_backward(a, tokens, FNAS_TRANSLATOR_CROSS_QUERY, query_corner(a), source, run->diff_projected, true, a->side->diff);
    for (int64_t j = 0; j < a->layer->cross_sources; j++) memory_backward(a, j);
}

/* ---- the feed-forward part ---- */

static fnas_corner expand_corner(const at *a) {
    return (fnas_corner){a->width, a->layer->feed_forward, a->side->largest->width};
}
static fnas_corner contract_corner(const at *a) {
    return (fnas_corner){a->layer->feed_forward, a->width, a->largest->feed_forward};
}

static const float *feed_source(const at *a) {
    return a->side->is_decoder ? a->kept->cross.end.result : a->kept->self.end.result;
}

static void feed_forward(const at *a) {
    const fnas_translator_feed_run *kept = &a->kept->feed;
    product(a, a->side->tokens, FNAS_TRANSLATOR_EXPAND, expand_corner(a), feed_source(a), kept->hidden);
    fnas_kernels_f32.relu((size_t)(a->side->tokens * a->layer->feed_forward), kept->hidden, kept->hidden);
    product(a, a->side->tokens, FNAS_TRANSLATOR_CONTRACT, contract_corner(a), kept->hidden, a->run->branch);
    end_forward(a, FNAS_TRANSLATOR_DROP_FEED, FNAS_TRANSLATOR_FINAL_NORM, feed_source(a), &kept->end);
}

/* A ReLU's result times its gradient is its source times its own, so that the gates before it need no more than `hidden`. */
static void feed_backward(const at *a) {
    const fnas_translator_feed_run *kept = &a->kept->feed;
    fnas_translator_run_state *run = a->run;
    int64_t tokens = a->side->tokens, count = tokens * a->layer->feed_forward;
    double dot = end_backward(a, FNAS_TRANSLATOR_DROP_FEED, FNAS_TRANSLATOR_FINAL_NORM, feed_source(a), &kept->end, a->side->diff);
    product_backward(a, tokens, FNAS_TRANSLATOR_CONTRACT, contract_corner(a), kept->hidden, run->branch, false, run->diff_hidden);
    dot += fnas_translator_dot(run, count, run->diff_hidden, kept->hidden);
    fnas_translator_add_gate(run, a->side->shape->width_gate, dot);
    fnas_translator_add_gate(run, a->layer->feed_forward_gate, dot);
    fnas_kernels_f32.relu_gradient((size_t)count, kept->hidden, run->diff_hidden, false, run->diff_hidden);
    product_backward(a, tokens, FNAS_TRANSLATOR_EXPAND, expand_corner(a), feed_source(a), run->diff_hidden, true, a->side->diff);
}

/* ---- a layer ---- */

void fnas_translator_layer_forward(fnas_translator_run_state *run, fnas_translator_side_run *side, int64_t layer) {
    at a = layer_at(run, side, layer);
    self_forward(&a);
    if (side->is_decoder) cross_forward(&a);
    feed_forward(&a);
}

void fnas_translator_layer_backward(fnas_translator_run_state *run, fnas_translator_side_run *side, int64_t layer) {
    at a = layer_at(run, side, layer);
    feed_backward(&a);
    if (side->is_decoder) cross_backward(&a);
    self_backward(&a);
}
