/* A sub-transformer as a network over shared weights (nn/translator): HAT's, whose every weight is the first rows and columns of the
 * largest one's. A gate is the entry of the one-hot that was chosen; where each stands says nn/translator/layer.c. */
#include "space/transformer/transformer.h"

static int32_t entry(const fnas_transformer *transformer, const int32_t *choices, int kind, int64_t layer) {
    int64_t decision = transformer->first_of[kind] + layer;
    return (int32_t)(transformer->row_of[decision] + choices[decision]);
}

static void shape_layer(const fnas_transformer *transformer, const int32_t *choices, int decoder, int64_t l, fnas_translator_layer *layer) {
    int feed = FNAS_TRANSFORMER_ENCODER_FFN + decoder, heads = FNAS_TRANSFORMER_ENCODER_HEADS + decoder;
    *layer = (fnas_translator_layer){.feed_forward = fnas_transformer_value(transformer, choices, feed, l),
                                     .heads = fnas_transformer_value(transformer, choices, heads, l),
                                     .feed_forward_gate = entry(transformer, choices, feed, l),
                                     .heads_gate = entry(transformer, choices, heads, l),
                                     .cross_heads_gate = -1,
                                     .cross_sources_gate = -1};
    if (!decoder) return;
    layer->cross_heads = fnas_transformer_value(transformer, choices, FNAS_TRANSFORMER_CROSS_HEADS, l);
    layer->cross_sources = fnas_transformer_span(fnas_transformer_value(transformer, choices, FNAS_TRANSFORMER_CROSS_SPAN, l));
    layer->cross_heads_gate = entry(transformer, choices, FNAS_TRANSFORMER_CROSS_HEADS, l);
    layer->cross_sources_gate = entry(transformer, choices, FNAS_TRANSFORMER_CROSS_SPAN, l);
}

static void shape_side(const fnas_transformer *transformer, const int32_t *choices, int decoder, fnas_translator_side *side) {
    int embed = FNAS_TRANSFORMER_ENCODER_EMBED + decoder, depth = FNAS_TRANSFORMER_ENCODER_LAYERS + decoder;
    *side = (fnas_translator_side){.width = fnas_transformer_value(transformer, choices, embed, 0),
                                   .layer_count = fnas_transformer_value(transformer, choices, depth, 0),
                                   .width_gate = entry(transformer, choices, embed, 0),
                                   .layers_gate = entry(transformer, choices, depth, 0)};
    for (int64_t l = 0; l < side->layer_count; l++) shape_layer(transformer, choices, decoder, l, &side->layers[l]);
}

void fnas_transformer_largest(const fnas_space *space, int32_t *choices) {
    const fnas_transformer *transformer = space->detail;
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        const fnas_transformer_list *list = &transformer->lists[kind];
        int32_t largest = 0;
        for (int32_t k = 1; k < list->count; k++)
            if (fnas_transformer_span(list->values[k]) > fnas_transformer_span(list->values[largest])) largest = k;
        for (int64_t l = 0; l < fnas_transformer_slots(transformer, kind); l++) choices[transformer->first_of[kind] + l] = largest;
    }
}

void fnas_transformer_shape(const fnas_space *space, const int32_t *choices, int64_t vocabulary, fnas_translator *shape) {
    const fnas_transformer *transformer = space->detail;
    int32_t largest[FNAS_TRANSFORMER_DECISIONS_MAX];
    if (!choices) {
        fnas_transformer_largest(space, largest);
        choices = largest;
    }
    *shape = (fnas_translator){.vocabulary = vocabulary, .attention_width = transformer->qkv};
    shape_side(transformer, choices, 0, &shape->encoder);
    shape_side(transformer, choices, 1, &shape->decoder);
}
