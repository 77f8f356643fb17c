#include "nn/translator/step.h"

#include <math.h>
#include <string.h>

#include "compute/fast_exp.h"
#include "compute/kernels.h"
#include "compute/layer_norm.h"

/* ---- products ---- */

static fnas_corner corner_of(const fnas_translator_run_state *run, int64_t l, fnas_decoder_product which) {
    const fnas_translator_side_run *side = &run->decoder;
    int64_t width = side->shape->width, largest = side->largest->width, attention = run->request->shape->attention_width,
            middle = side->shape->layers[l].feed_forward;
    switch (which) {
    case FNAS_DECODER_SELF_IN:
        return (fnas_corner){width, 3 * attention, largest};
    case FNAS_DECODER_QUERY:
        return (fnas_corner){width, attention, largest};
    case FNAS_DECODER_EXPAND:
        return (fnas_corner){width, middle, largest};
    case FNAS_DECODER_CONTRACT:
        return (fnas_corner){middle, width, side->largest->layers[l].feed_forward};
    default:
        return (fnas_corner){attention, width, attention}; /* what an attention gives */
    }
}

static fnas_corner word_corner(const fnas_translator_run_state *run) {
    return (fnas_corner){run->decoder.shape->width, run->request->shape->vocabulary, run->embedding_width};
}

static int32_t handle_of(const fnas_translator_run_state *run, int64_t l, fnas_decoder_product which) {
    static const int32_t offsets[FNAS_DECODER_PRODUCTS] = {
        [FNAS_DECODER_SELF_IN] = FNAS_TRANSLATOR_SELF_IN,   [FNAS_DECODER_SELF_OUT] = FNAS_TRANSLATOR_SELF_OUT,
        [FNAS_DECODER_QUERY] = FNAS_TRANSLATOR_CROSS_QUERY, [FNAS_DECODER_CROSS_OUT] = FNAS_TRANSLATOR_CROSS_OUT,
        [FNAS_DECODER_EXPAND] = FNAS_TRANSLATOR_EXPAND,     [FNAS_DECODER_CONTRACT] = FNAS_TRANSLATOR_CONTRACT};
    return fnas_translator_decoder_handle(run->request->largest, l) + offsets[which];
}

static void multiply(const fnas_decoder *decoder, fnas_corner corner, const float *weights, const uint16_t *rounded, const float *bias,
                     const float *src, float *dst) {
    fnas_engine *engine = decoder->run->engine;
    if (rounded)
        fnas_product_forward_rounded(engine, decoder->rows, corner.in, corner.out, src, rounded, bias, decoder->panel, dst);
    else
        fnas_product_forward(engine, decoder->rows, corner, src, weights, bias, dst);
}

static void product(const fnas_decoder *decoder, int64_t l, fnas_decoder_product which, const float *src, float *dst) {
    const fnas_translator_run_state *run = decoder->run;
    int32_t handle = handle_of(run, l, which);
    multiply(decoder, corner_of(run, l, which), fnas_translator_values(run, handle), decoder->rounded[l][which],
             fnas_translator_values(run, handle + FNAS_TRANSLATOR_BIAS), src, dst);
}

/* ---- memory ---- */

static uint16_t *rounded_weights(fnas_translator_run_state *run, fnas_corner corner, const float *weights) {
    uint16_t *rounded = fnas_arena_allocate(run->arena, (size_t)(corner.out * corner.in) * sizeof *rounded);
    if (rounded)
        fnas_product_round(corner, weights, rounded);
    else
        run->out_of_memory = true;
    return rounded;
}

static void round_weights(fnas_decoder *decoder) {
    fnas_translator_run_state *run = decoder->run;
    int64_t inputs = word_corner(run).in;
    for (int64_t l = 0; l < run->decoder.shape->layer_count; l++)
        for (int p = 0; p < FNAS_DECODER_PRODUCTS; p++) {
            fnas_corner corner = corner_of(run, l, (fnas_decoder_product)p);
            const float *weights = fnas_translator_values(run, handle_of(run, l, (fnas_decoder_product)p));
            decoder->rounded[l][p] = rounded_weights(run, corner, weights);
            inputs = corner.in > inputs ? corner.in : inputs;
        }
    decoder->rounded_embedding = rounded_weights(run, word_corner(run), fnas_translator_values(run, FNAS_TRANSLATOR_EMBEDDING));
    decoder->panel = fnas_translator_floats(run, FNAS_PRODUCT_PANEL * inputs);
}

static void *indices(fnas_translator_run_state *run, int64_t count) {
    void *memory = fnas_arena_allocate(run->arena, (size_t)count * sizeof(int64_t));
    if (!memory) run->out_of_memory = true;
    return memory;
}

static int64_t keys_most(const fnas_translator_run_state *run, int64_t words_most) {
    int64_t most = words_most;
    for (int64_t i = 0; i < run->encoder.n; i++) {
        int64_t keys = FNAS_TRANSLATOR_SOURCES_MAX * (run->encoder.start[i + 1] - run->encoder.start[i]);
        most = keys > most ? keys : most;
    }
    return most;
}

static void allocate(fnas_decoder *decoder) {
    fnas_translator_run_state *run = decoder->run;
    const fnas_translator_side *side = run->decoder.shape;
    int64_t rows = decoder->rows_most, attention = run->request->shape->attention_width, hidden = 0;
    for (int64_t l = 0; l < side->layer_count; l++) {
        decoder->kept[l] = fnas_translator_floats(run, rows * decoder->words_most * 2 * attention);
        hidden = side->layers[l].feed_forward > hidden ? side->layers[l].feed_forward : hidden;
    }
    decoder->sentence = indices(run, rows);
    decoder->word = indices(run, rows);
    decoder->kept_in = indices(run, rows * decoder->words_most);
    decoder->logits = fnas_translator_floats(run, rows * run->request->shape->vocabulary);
    decoder->x = fnas_translator_floats(run, rows * side->width);
    decoder->branch = fnas_translator_floats(run, rows * side->width);
    decoder->projected = fnas_translator_floats(run, rows * 3 * attention);
    decoder->context = fnas_translator_floats(run, rows * attention);
    decoder->hidden = fnas_translator_floats(run, rows * hidden);
    decoder->weights = fnas_translator_floats(run, keys_most(run, decoder->words_most));
    decoder->position = fnas_translator_floats(run, decoder->words_most * side->width);
}

fnas_status fnas_decoder_begin(fnas_context *context, fnas_translator_run_state *run, int64_t rows_most, int64_t words_most,
                               fnas_compute_type weights, fnas_decoder *decoder) {
    *decoder = (fnas_decoder){.run = run, .rows_most = rows_most, .words_most = words_most};
    allocate(decoder);
    if (weights == FNAS_COMPUTE_BF16) round_weights(decoder);
    if (run->out_of_memory) return fnas_fail_memory(context, "translating");
    int64_t width = run->decoder.shape->width;
    for (int64_t t = 0; t < words_most; t++)
        for (int64_t c = 0; c < width; c++)
            decoder->position[t * width + c] = (float)fnas_translator_position(run->decoder.largest->width, t, c);
    for (int64_t l = 0; l < run->decoder.shape->layer_count; l++) fnas_translator_cross_memory(run, l);
    return FNAS_OK;
}

void fnas_decoder_reorder(fnas_decoder *decoder, int64_t rows, const int64_t *from, int64_t *scratch) {
    int64_t words = decoder->words_most;
    size_t bytes = (size_t)decoder->length * sizeof(int64_t);
    for (int64_t i = 0; i < rows; i++) memcpy(scratch + i * words, decoder->kept_in + from[i] * words, bytes);
    for (int64_t i = 0; i < rows; i++) memcpy(decoder->kept_in + i * words, scratch + i * words, bytes);
    decoder->rows = rows;
}

/* ---- attention of one query ---- */

/* Keys of one head; where each lies is told by a function of its number. Keys of a part lie `stride` apart, values `value_offset` behind.
 */
typedef struct key_list {
    const fnas_decoder *decoder;
    int64_t count;
    const float *part[FNAS_TRANSLATOR_SOURCES_MAX]; /* of the encoder's results; NULL: the words before */
    int64_t part_count;                             /* keys of each part */
    int64_t row, layer, stride;
} key_list;

static inline const float *key_at(const key_list *list, int64_t k) {
    if (list->part[0]) return list->part[k / list->part_count] + k % list->part_count * list->stride;
    const fnas_decoder *decoder = list->decoder;
    int64_t in = decoder->kept_in[list->row * decoder->words_most + k];
    return decoder->kept[list->layer] + (in * decoder->words_most + k) * list->stride;
}

/* Inline, for the instruction set of who calls. */
static inline __attribute__((always_inline)) float dot(int64_t count, const float *a, const float *b) {
    float lanes[16] = {0};
    int64_t c = 0;
    for (; c + 16 <= count; c += 16)
        for (int l = 0; l < 16; l++) lanes[l] += a[c + l] * b[c + l];
    for (int l = 0; c + l < count; l++) lanes[l] += a[c + l] * b[c + l];
    for (int width = 8; width > 0; width /= 2)
        for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];
    return lanes[0];
}

FNAS_MULTIVERSION static void attend_head(const key_list *list, int64_t first, int64_t width, int64_t value_offset, const float *query,
                                          float *weights, float *dst) {
    float most = -INFINITY, sum = 0, factor = 1.0f / sqrtf((float)width);
    for (int64_t k = 0; k < list->count; k++) {
        weights[k] = factor * dot(width, query + first, key_at(list, k) + first);
        most = weights[k] > most ? weights[k] : most;
    }
    for (int64_t k = 0; k < list->count; k++) {
        weights[k] = fnas_exp_of_negative(weights[k] - most);
        sum += weights[k];
    }
    for (int64_t c = 0; c < width; c++) dst[first + c] = 0;
    for (int64_t k = 0; k < list->count; k++) {
        const float *value = key_at(list, k) + value_offset + first;
        float weight = weights[k] / sum;
        for (int64_t c = 0; c < width; c++) dst[first + c] += weight * value[c];
    }
}

static void attend(const fnas_decoder *decoder, const key_list *list, int64_t heads, const float *query, float *dst) {
    int64_t attention = decoder->run->request->shape->attention_width, width = attention / heads;
    for (int64_t h = 0; h < heads; h++) attend_head(list, h * width, width, attention, query, decoder->weights, dst);
}

/* ---- a layer ---- */

/* x becomes norm(x + branch). */
static void end(const fnas_decoder *decoder, int32_t handle) {
    int64_t width = decoder->run->decoder.shape->width;
    float mean, scale;
    fnas_kernels_f32.add((size_t)(decoder->rows * width), decoder->branch, decoder->x);
    for (int64_t i = 0; i < decoder->rows; i++)
        fnas_layer_norm_forward(1, width, decoder->x + i * width, fnas_translator_values(decoder->run, handle),
                                fnas_translator_values(decoder->run, handle + FNAS_TRANSLATOR_BETA), &mean, &scale, decoder->x + i * width);
}

static void self_attention(const fnas_decoder *decoder, int64_t l, int32_t handle) {
    const fnas_translator_side_run *side = &decoder->run->decoder;
    int64_t attention = decoder->run->request->shape->attention_width, words = decoder->words_most;
    product(decoder, l, FNAS_DECODER_SELF_IN, decoder->x, decoder->projected);
    for (int64_t i = 0; i < decoder->rows; i++) {
        const float *query = decoder->projected + i * 3 * attention;
        decoder->kept_in[i * words + decoder->length] = i;
        memcpy(decoder->kept[l] + (i * words + decoder->length) * 2 * attention, query + attention,
               (size_t)(2 * attention) * sizeof(float));
        key_list list = {.decoder = decoder, .count = decoder->length + 1, .row = i, .layer = l, .stride = 2 * attention};
        attend(decoder, &list, side->shape->layers[l].heads, query, decoder->context + i * attention);
    }
    product(decoder, l, FNAS_DECODER_SELF_OUT, decoder->context, decoder->branch);
    end(decoder, handle + FNAS_TRANSLATOR_SELF_NORM);
}

static void cross_attention(const fnas_decoder *decoder, int64_t l, int32_t handle) {
    const fnas_translator_side_run *side = &decoder->run->decoder;
    const fnas_translator_layer *layer = &side->shape->layers[l];
    const int64_t *start = decoder->run->encoder.start;
    int64_t attention = decoder->run->request->shape->attention_width;
    product(decoder, l, FNAS_DECODER_QUERY, decoder->x, decoder->projected);
    for (int64_t i = 0; i < decoder->rows; i++) {
        int64_t s = decoder->sentence[i], keys = start[s + 1] - start[s];
        key_list list = {.decoder = decoder, .count = layer->cross_sources * keys, .part_count = keys, .stride = 2 * attention};
        for (int64_t j = 0; j < layer->cross_sources; j++) list.part[j] = side->layers[l].cross.memory[j] + start[s] * 2 * attention;
        attend(decoder, &list, layer->cross_heads, decoder->projected + i * attention, decoder->context + i * attention);
    }
    product(decoder, l, FNAS_DECODER_CROSS_OUT, decoder->context, decoder->branch);
    end(decoder, handle + FNAS_TRANSLATOR_CROSS_NORM);
}

static void feed_forward(const fnas_decoder *decoder, int64_t l, int32_t handle) {
    int64_t middle = decoder->run->decoder.shape->layers[l].feed_forward;
    product(decoder, l, FNAS_DECODER_EXPAND, decoder->x, decoder->hidden);
    fnas_kernels_f32.relu((size_t)(decoder->rows * middle), decoder->hidden, decoder->hidden);
    product(decoder, l, FNAS_DECODER_CONTRACT, decoder->hidden, decoder->branch);
    end(decoder, handle + FNAS_TRANSLATOR_FINAL_NORM);
}

/* ---- a step ---- */

static void embed(const fnas_decoder *decoder) {
    const float *table = fnas_translator_values(decoder->run, FNAS_TRANSLATOR_EMBEDDING), *position;
    int64_t width = decoder->run->decoder.shape->width, stride = decoder->run->embedding_width;
    float factor = sqrtf((float)width);
    position = decoder->position + decoder->length * width;
    for (int64_t i = 0; i < decoder->rows; i++)
        for (int64_t c = 0; c < width; c++)
            decoder->x[i * width + c] = table[(int64_t)decoder->word[i] * stride + c] * factor + position[c];
}

void fnas_decoder_step(fnas_decoder *decoder) {
    const fnas_translator_run_state *run = decoder->run;
    embed(decoder);
    for (int64_t l = 0; l < run->decoder.shape->layer_count; l++) {
        int32_t handle = fnas_translator_decoder_handle(run->request->largest, l);
        self_attention(decoder, l, handle);
        cross_attention(decoder, l, handle);
        feed_forward(decoder, l, handle);
    }
    multiply(decoder, word_corner(run), fnas_translator_values(run, FNAS_TRANSLATOR_EMBEDDING), decoder->rounded_embedding, NULL,
             decoder->x, decoder->logits);
    decoder->length++;
}
