/* Parameters without embeddings and the output's projection, and MACs of one sentence without them.
 *
 * With inner attention width q, encoder width e, decoder width d, feed-forward width f: an attention projects queries from its side's
 * width, keys and values from the width of what it attends to, and back to its side's, all with biases; a norm has two numbers a channel.
 *
 *     encoder layer   3 (e q + q) + (q e + e) + (e f + f) + (f e + e) + 2 (2 e)
 *     decoder layer   3 (d q + q) + (q d + d) + (d q + q) + 2 (e q + q) + (q d + d) + (d f + f) + (f d + d) + 3 (2 d)
 *
 * MACs are counted as HAT counts its FLOPs, which are twice as many: a sentence of n words in both languages, each word decoded once; every
 * linear layer n times; queries times keys and weights times values n^2 q each. Cross attention over the last s encoder layers has s n keys
 * and values, which are projected as many times. */
#include "space/transformer/transformer.h"

typedef struct layer_sizes {
    int64_t own, other, inner, ffn, span; /* widths of the side and of what cross attention reads; span 0: no cross attention */
} layer_sizes;

static int64_t linear_params(int64_t in, int64_t out) {
    return in * out + out;
}

static int64_t layer_params(const layer_sizes *s) {
    int64_t self = 3 * linear_params(s->own, s->inner) + linear_params(s->inner, s->own);
    int64_t cross = linear_params(s->own, s->inner) + 2 * linear_params(s->other, s->inner) + linear_params(s->inner, s->own);
    int64_t feed = linear_params(s->own, s->ffn) + linear_params(s->ffn, s->own);
    int64_t norms = (s->span ? 3 : 2) * 2 * s->own;
    return self + (s->span ? cross : 0) + feed + norms;
}

/* keys: of one attention. */
static int64_t attention_macs(int64_t words, int64_t keys_count, int64_t own, int64_t other, int64_t inner) {
    int64_t projections = words * (linear_params(own, inner) + linear_params(inner, own)) + 2 * keys_count * linear_params(other, inner);
    return projections + 2 * words * keys_count * inner;
}

static int64_t layer_macs(const layer_sizes *s, int64_t words) {
    int64_t self = attention_macs(words, words, s->own, s->own, s->inner);
    int64_t cross = s->span ? attention_macs(words, s->span * words, s->own, s->other, s->inner) : 0;
    return self + cross + words * (linear_params(s->own, s->ffn) + linear_params(s->ffn, s->own));
}

static layer_sizes sizes_of(const fnas_transformer *t, const int32_t *choices, int decoder, int64_t layer) {
    return (layer_sizes){.own = fnas_transformer_value(t, choices, FNAS_TRANSFORMER_ENCODER_EMBED + decoder, 0),
                         .other = fnas_transformer_value(t, choices, FNAS_TRANSFORMER_ENCODER_EMBED, 0),
                         .inner = t->qkv,
                         .ffn = fnas_transformer_value(t, choices, FNAS_TRANSFORMER_ENCODER_FFN + decoder, layer),
                         .span = decoder ? fnas_transformer_span(fnas_transformer_value(t, choices, FNAS_TRANSFORMER_CROSS_SPAN, layer))
                                         : 0};
}

int64_t fnas_transformer_macs(const fnas_space *space, const int32_t *choices) {
    const fnas_transformer *transformer = space->detail;
    int64_t macs = 0;
    for (int decoder = 0; decoder < 2; decoder++)
        for (int64_t layer = 0; layer < fnas_transformer_depth(transformer, choices, decoder); layer++) {
            layer_sizes sizes = sizes_of(transformer, choices, decoder, layer);
            macs += layer_macs(&sizes, transformer->length);
        }
    return macs;
}

int64_t fnas_transformer_params(const fnas_space *space, const int32_t *choices) {
    const fnas_transformer *transformer = space->detail;
    int64_t params = 0;
    for (int decoder = 0; decoder < 2; decoder++)
        for (int64_t layer = 0; layer < fnas_transformer_depth(transformer, choices, decoder); layer++) {
            layer_sizes sizes = sizes_of(transformer, choices, decoder, layer);
            params += layer_params(&sizes);
        }
    return params;
}
