/* Memory of a run: what the backward pass reads again is kept for every layer, scratch is shared. */
#include "nn/translator/run.h"

float *fnas_translator_floats(fnas_translator_run_state *run, int64_t count) {
    size_t bytes = 0;
    float *memory = count >= 0 && fnas_size_multiply((size_t)count + 16, sizeof(float), &bytes) ? fnas_arena_allocate(run->arena, bytes)
                                                                                                : NULL;
    if (!memory) run->out_of_memory = true;
    return memory;
}

static int64_t longest(const fnas_translator_side_run *side) {
    int64_t most = 0;
    for (int64_t i = 0; i < side->n; i++) most = side->start[i + 1] - side->start[i] > most ? side->start[i + 1] - side->start[i] : most;
    return most;
}

static void prepare_positions(fnas_translator_run_state *run, fnas_translator_side_run *side) {
    int64_t rows = longest(side), width = side->shape->width;
    side->positions = fnas_translator_floats(run, rows * width);
    if (!side->positions) return;
    for (int64_t p = 0; p < rows; p++)
        for (int64_t c = 0; c < width; c++) side->positions[p * width + c] = (float)fnas_translator_position(side->largest->width, p, c);
}

static void prepare_end(fnas_translator_run_state *run, const fnas_translator_side_run *side, fnas_translator_end *end) {
    int64_t values = side->tokens * side->shape->width;
    end->sum = fnas_translator_floats(run, values);
    end->result = fnas_translator_floats(run, values);
    end->mean = fnas_translator_floats(run, side->tokens);
    end->scale = fnas_translator_floats(run, side->tokens);
}

/* Weights of all sentences: queries times keys, of so many parts. */
static int64_t weight_count(const fnas_translator_side_run *side, const fnas_translator_side_run *memory, int64_t heads, int64_t parts) {
    int64_t sum = 0;
    for (int64_t i = 0; i < side->n; i++) sum += (side->start[i + 1] - side->start[i]) * (memory->start[i + 1] - memory->start[i]);
    return sum * heads * parts;
}

static void prepare_self(fnas_translator_run_state *run, const fnas_translator_side_run *side, int64_t l,
                         fnas_translator_attention_run *self) {
    int64_t width = run->request->shape->attention_width;
    self->projected = fnas_translator_floats(run, side->tokens * 3 * width);
    self->context = fnas_translator_floats(run, side->tokens * width);
    self->weights = fnas_translator_floats(run, weight_count(side, side, side->shape->layers[l].heads, 1));
    prepare_end(run, side, &self->end);
}

static void prepare_cross(fnas_translator_run_state *run, const fnas_translator_side_run *side, int64_t l,
                          fnas_translator_attention_run *cross) {
    const fnas_translator_layer *layer = &side->shape->layers[l];
    int64_t width = run->request->shape->attention_width;
    cross->projected = fnas_translator_floats(run, side->tokens * width);
    for (int64_t j = 0; j < layer->cross_sources; j++) cross->memory[j] = fnas_translator_floats(run, run->encoder.tokens * 2 * width);
    cross->context = fnas_translator_floats(run, side->tokens * width);
    cross->weights = fnas_translator_floats(run, weight_count(side, &run->encoder, layer->cross_heads, layer->cross_sources));
    prepare_end(run, side, &cross->end);
}

void fnas_translator_side_prepare(fnas_translator_run_state *run, fnas_translator_side_run *side) {
    int64_t values = side->tokens * side->shape->width;
    prepare_positions(run, side);
    side->embedded = fnas_translator_floats(run, values);
    if (run->backward) side->diff = fnas_translator_floats(run, values);
    for (int64_t l = 0; l < side->shape->layer_count; l++) {
        prepare_self(run, side, l, &side->layers[l].self);
        if (side->is_decoder) prepare_cross(run, side, l, &side->layers[l].cross);
        side->layers[l].feed.hidden = fnas_translator_floats(run, side->tokens * side->shape->layers[l].feed_forward);
        prepare_end(run, side, &side->layers[l].feed.end);
    }
}

static void prepare_memory_gradients(fnas_translator_run_state *run) {
    int64_t layers = run->encoder.shape->layer_count, values = run->encoder.tokens * run->encoder.shape->width;
    for (int64_t l = 0; l < run->decoder.shape->layer_count; l++) {
        for (int64_t j = 0; j < run->decoder.shape->layers[l].cross_sources; j++) {
            float **diff = &run->encoder.diff_memory[layers - 1 - j];
            if (!*diff && (*diff = fnas_translator_floats(run, values)))
                for (int64_t i = 0; i < values; i++) (*diff)[i] = 0;
        }
    }
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

void fnas_translator_attention_prepare(fnas_translator_run_state *run) {
    int64_t attention = run->request->shape->attention_width, values = 0, hidden = 0, longest_source = longest(&run->encoder),
            longest_target = longest(&run->decoder);
    const fnas_translator_side_run *sides[2] = {&run->encoder, &run->decoder};
    for (int s = 0; s < 2; s++) {
        values = larger(values, sides[s]->tokens * sides[s]->shape->width);
        for (int64_t l = 0; l < sides[s]->shape->layer_count; l++)
            hidden = larger(hidden, sides[s]->tokens * sides[s]->shape->layers[l].feed_forward);
    }
    int64_t tokens = larger(run->encoder.tokens, run->decoder.tokens), most = larger(longest_source, longest_target);
    run->branch = fnas_translator_floats(run, values);
    run->factors = fnas_translator_floats(run, values);
    run->attention = fnas_translator_floats(run, 3 * most * most * FNAS_TRANSLATOR_SOURCES_MAX);
    if (!run->backward) return;
    run->diff_hidden = fnas_translator_floats(run, hidden);
    run->diff_projected = fnas_translator_floats(run, tokens * 3 * attention);
    run->diff_memory = fnas_translator_floats(run, FNAS_TRANSLATOR_SOURCES_MAX * run->encoder.tokens * 2 * attention);
    run->diff_context = fnas_translator_floats(run, tokens * attention);
    run->diff_source = fnas_translator_floats(run, values);
    prepare_memory_gradients(run);
}
