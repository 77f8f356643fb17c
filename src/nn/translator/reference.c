/* The forward pass by naive loops in double precision: token by token, each weight where it lies. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "compute/dropout.h"
#include "compute/layer_norm.h"
#include "nn/translator/run.h"

typedef struct reference {
    const fnas_translator_request *request;
    const double *parameters, *gates;
    uint32_t key[2];
    double *encoded[FNAS_TRANSLATOR_LAYERS_MAX]; /* [source tokens][encoder width] */
} reference;

typedef struct side_reference {
    const reference *all;
    const fnas_translator_side *shape, *largest;
    const int64_t *start;
    const int32_t *ids;
    int64_t tokens;
    bool is_decoder;
    uint32_t place;
    double drop;
} side_reference;

static double gate(const reference *r, int32_t index) {
    return r->gates && index >= 0 ? r->gates[index] : 1;
}

static const double *tensor(const reference *r, int32_t handle) {
    return r->parameters + r->request->parameters->items[handle].offset;
}

static double *numbers(int64_t count) {
    return fnas_allocate((size_t)count, sizeof(double));
}

static void drop(const reference *r, double probability, uint32_t place, int64_t first, int64_t count, double *x) {
    if (!r->request->dropout || probability <= 0) return;
    fnas_dropout dropout = fnas_dropout_begin(r->key, place, probability);
    for (int64_t i = 0; i < count; i += 8) {
        float factors[8];
        fnas_dropout_factors(&dropout, first + i, 8, factors);
        for (int64_t k = i; k < count && k < i + 8; k++) x[k] *= (double)factors[k - i];
    }
}

/* dst [rows][out] = factor * (src [rows][in] W^T + bias) */
static void linear(const reference *r, int32_t handle, int64_t rows, int64_t in, int64_t out, const double *src, double factor,
                   double *dst) {
    const double *weights = tensor(r, handle), *bias = tensor(r, handle + FNAS_TRANSLATOR_BIAS);
    int64_t stride = r->request->parameters->items[handle].shape[1];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t o = 0; o < out; o++) {
            double sum = bias[o];
            for (int64_t k = 0; k < in; k++) sum += src[i * in + k] * weights[o * stride + k];
            dst[i * out + o] = factor * sum;
        }
}

static void norm(const reference *r, int32_t handle, int64_t rows, int64_t width, double factor, double *x) {
    const double *gamma = tensor(r, handle), *beta = tensor(r, handle + FNAS_TRANSLATOR_BETA);
    for (int64_t i = 0; i < rows; i++) {
        double *row = x + i * width, mean = 0, variance = 0;
        for (int64_t c = 0; c < width; c++) mean += row[c] / (double)width;
        for (int64_t c = 0; c < width; c++) variance += (row[c] - mean) * (row[c] - mean) / (double)width;
        for (int64_t c = 0; c < width; c++)
            row[c] = factor * ((row[c] - mean) / sqrt(variance + (double)FNAS_LAYER_NORM_EPSILON) * gamma[c] + beta[c]);
    }
}

/* One head of one sentence. Keys j of parts lie in key[part] and value[part], rows `stride` apart. */
static void head(const reference *r, uint32_t place, int64_t first_draw, int64_t queries, int64_t keys, int64_t parts, int64_t width,
                 const double *query, int64_t query_stride, const double *const *key, int64_t stride, int64_t value_offset, bool causal,
                 double *dst, int64_t dst_stride) {
    int64_t row = parts * keys;
    double *weights = numbers(queries * row);
    if (!weights) return;
    for (int64_t i = 0; i < queries; i++) {
        double sum = 0;
        for (int64_t k = 0; k < row; k++) {
            double score = 0;
            for (int64_t c = 0; c < width; c++) score += query[i * query_stride + c] * key[k / keys][k % keys * stride + c];
            weights[i * row + k] = causal && k > i ? 0 : exp(score / sqrt((double)width));
            sum += weights[i * row + k];
        }
        for (int64_t k = 0; k < row; k++) weights[i * row + k] /= sum;
    }
    if (r->request->dropout) drop(r, (double)r->request->dropout->attention, place, first_draw, queries * row, weights);
    for (int64_t i = 0; i < queries; i++)
        for (int64_t c = 0; c < width; c++) {
            double sum = 0;
            for (int64_t k = 0; k < row; k++) sum += weights[i * row + k] * key[k / keys][k % keys * stride + value_offset + c];
            dst[i * dst_stride + c] = sum;
        }
    fnas_free(weights);
}

static void attend(const side_reference *side, uint32_t place, int64_t heads, const int64_t *memory_start, int64_t parts,
                   const double *query, int64_t query_stride, const double *const *memory, int64_t stride, int64_t value_offset,
                   bool causal, double *context) {
    const reference *r = side->all;
    int64_t attention = r->request->shape->attention_width, width = attention / heads, draw = 0;
    for (int64_t s = 0; s < r->request->batch->n; s++) {
        int64_t q = side->start[s], queries = side->start[s + 1] - q, k = memory_start[s], keys = memory_start[s + 1] - k;
        int64_t head_draws = (queries * parts * keys + 7) / 8 * 8;
        for (int64_t h = 0; h < heads; h++) {
            const double *key[FNAS_TRANSLATOR_SOURCES_MAX];
            for (int64_t j = 0; j < parts; j++) key[j] = memory[j] + k * stride + h * width;
            head(r, place, draw + h * head_draws, queries, keys, parts, width, query + q * query_stride + h * width, query_stride, key,
                 stride, value_offset, causal, context + q * attention + h * width, attention);
        }
        draw += heads * head_draws;
    }
}

/* x becomes norm(x + dropped(branch)). */
static void end(const side_reference *side, int64_t l, fnas_translator_place place, int32_t handle, double *branch, double *x) {
    const reference *r = side->all;
    int64_t width = side->shape->width, count = side->tokens * width;
    drop(r, side->drop, fnas_translator_layer_place(side->place, l, place), 0, count, branch);
    for (int64_t i = 0; i < count; i++) x[i] += branch[i];
    norm(r, handle, side->tokens, width, gate(r, side->shape->width_gate), x);
}

static void self_attention(const side_reference *side, int64_t l, int32_t handle, double *x) {
    const reference *r = side->all;
    const fnas_translator_layer *layer = &side->shape->layers[l];
    int64_t attention = r->request->shape->attention_width, width = side->shape->width;
    double e = gate(r, side->shape->width_gate);
    double *projected = numbers(side->tokens * 3 * attention), *context = numbers(side->tokens * attention),
           *branch = numbers(side->tokens * width);
    linear(r, handle + FNAS_TRANSLATOR_SELF_IN, side->tokens, width, 3 * attention, x, e, projected);
    const double *key = projected + attention;
    attend(side, fnas_translator_layer_place(side->place, l, FNAS_TRANSLATOR_DROP_SELF_WEIGHTS), layer->heads, side->start, 1, projected,
           3 * attention, &key, 3 * attention, attention, side->is_decoder, context);
    linear(r, handle + FNAS_TRANSLATOR_SELF_OUT, side->tokens, attention, width, context, e * gate(r, layer->heads_gate), branch);
    end(side, l, FNAS_TRANSLATOR_DROP_SELF, handle + FNAS_TRANSLATOR_SELF_NORM, branch, x);
    fnas_free(projected);
    fnas_free(context);
    fnas_free(branch);
}

static void cross_attention(const side_reference *side, int64_t l, int32_t handle, double *x) {
    const reference *r = side->all;
    const fnas_translator_layer *layer = &side->shape->layers[l];
    const fnas_translator_batch *batch = r->request->batch;
    int64_t attention = r->request->shape->attention_width, width = side->shape->width, source = batch->source_start[batch->n];
    int64_t encoder_width = r->request->shape->encoder.width, last = r->request->shape->encoder.layer_count - 1;
    double e = gate(r, side->shape->width_gate);
    double *query = numbers(side->tokens * attention), *context = numbers(side->tokens * attention),
           *branch = numbers(side->tokens * width);
    double *memory[FNAS_TRANSLATOR_SOURCES_MAX] = {NULL}, *gated = numbers(source * encoder_width);
    linear(r, handle + FNAS_TRANSLATOR_CROSS_QUERY, side->tokens, width, attention, x, e, query);
    for (int64_t j = 0; j < layer->cross_sources; j++) {
        memory[j] = numbers(source * 2 * attention);
        for (int64_t i = 0; i < source * encoder_width; i++) gated[i] = r->encoded[last - j][i] * gate(r, layer->cross_sources_gate);
        linear(r, handle + FNAS_TRANSLATOR_CROSS_MEMORY, source, encoder_width, 2 * attention, gated, e, memory[j]);
    }
    attend(side, fnas_translator_layer_place(side->place, l, FNAS_TRANSLATOR_DROP_CROSS_WEIGHTS), layer->cross_heads, batch->source_start,
           layer->cross_sources, query, attention, (const double *const *)memory, 2 * attention, attention, false, context);
    linear(r, handle + FNAS_TRANSLATOR_CROSS_OUT, side->tokens, attention, width, context, e * gate(r, layer->cross_heads_gate), branch);
    end(side, l, FNAS_TRANSLATOR_DROP_CROSS, handle + FNAS_TRANSLATOR_CROSS_NORM, branch, x);
    for (int64_t j = 0; j < layer->cross_sources; j++) fnas_free(memory[j]);
    fnas_free(gated);
    fnas_free(query);
    fnas_free(context);
    fnas_free(branch);
}

static void feed_forward(const side_reference *side, int64_t l, int32_t handle, double *x) {
    const reference *r = side->all;
    const fnas_translator_layer *layer = &side->shape->layers[l];
    int64_t width = side->shape->width, middle = layer->feed_forward;
    double factor = gate(r, side->shape->width_gate) * gate(r, layer->feed_forward_gate);
    double *hidden = numbers(side->tokens * middle), *branch = numbers(side->tokens * width);
    linear(r, handle + FNAS_TRANSLATOR_EXPAND, side->tokens, width, middle, x, factor, hidden);
    for (int64_t i = 0; i < side->tokens * middle; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
    linear(r, handle + FNAS_TRANSLATOR_CONTRACT, side->tokens, middle, width, hidden, factor, branch);
    end(side, l, FNAS_TRANSLATOR_DROP_FEED, handle + FNAS_TRANSLATOR_FINAL_NORM, branch, x);
    fnas_free(hidden);
    fnas_free(branch);
}

static void embed(const side_reference *side, double *x) {
    const reference *r = side->all;
    const double *table = tensor(r, FNAS_TRANSLATOR_EMBEDDING);
    int64_t width = side->shape->width, stride = r->request->parameters->items[FNAS_TRANSLATOR_EMBEDDING].shape[1];
    for (int64_t s = 0; s < r->request->batch->n; s++)
        for (int64_t t = side->start[s]; t < side->start[s + 1]; t++)
            for (int64_t c = 0; c < width; c++)
                x[t * width + c] = gate(r, side->shape->width_gate) *
                                   (table[(int64_t)side->ids[t] * stride + c] * sqrt((double)width) +
                                    fnas_translator_position(side->largest->width, t - side->start[s], c));
    drop(r, side->drop, side->place, 0, side->tokens * width, x);
}

/* x [tokens][width] becomes what the side gives; what each encoder layer gives is kept. */
static fnas_status run_side(fnas_context *context, reference *r, const side_reference *side, double *x) {
    int64_t count = side->tokens * side->shape->width, last = side->shape->layer_count - 1;
    embed(side, x);
    for (int64_t l = 0; l <= last; l++) {
        int32_t handle = side->is_decoder ? fnas_translator_decoder_handle(r->request->largest, l) : fnas_translator_encoder_handle(l);
        self_attention(side, l, handle, x);
        if (side->is_decoder) cross_attention(side, l, handle, x);
        feed_forward(side, l, handle, x);
        if (l == last)
            for (int64_t i = 0; i < count; i++) x[i] *= gate(r, side->shape->layers_gate);
        if (side->is_decoder) continue;
        r->encoded[l] = numbers(count);
        if (!r->encoded[l]) return fnas_fail_memory(context, "a reference");
        memcpy(r->encoded[l], x, (size_t)count * sizeof *x);
    }
    return FNAS_OK;
}

static double loss_of(const reference *r, int64_t token, const double *logits) {
    int64_t vocabulary = r->request->shape->vocabulary;
    const float *soft = r->request->soft_targets;
    double sum = 0, mean = 0, said = 0, smoothing = (double)r->request->label_smoothing, share = soft ? (double)r->request->soft_weight : 0;
    for (int64_t k = 0; k < vocabulary; k++) {
        sum += exp(logits[k]);
        mean += logits[k] / (double)vocabulary;
        if (soft) said += (double)soft[token * vocabulary + k] * logits[k];
    }
    double expected = (1 - smoothing) * logits[r->request->batch->label[token]] + smoothing * mean;
    return log(sum) - (1 - share) * expected - share * said;
}

static void read_out(const reference *r, const side_reference *side, const double *x, double *logits, double *loss) {
    const double *table = tensor(r, FNAS_TRANSLATOR_EMBEDDING);
    int64_t width = side->shape->width, vocabulary = r->request->shape->vocabulary;
    int64_t stride = r->request->parameters->items[FNAS_TRANSLATOR_EMBEDDING].shape[1];
    *loss = 0;
    for (int64_t t = 0; t < side->tokens; t++) {
        double *row = logits + t * vocabulary;
        for (int64_t k = 0; k < vocabulary; k++) {
            row[k] = 0;
            for (int64_t c = 0; c < width; c++) row[k] += x[t * width + c] * table[k * stride + c];
            row[k] *= gate(r, side->shape->width_gate);
        }
        *loss += loss_of(r, t, row);
    }
}

static side_reference side_of(const reference *r, bool decoder) {
    const fnas_translator_request *request = r->request;
    side_reference side = {.all = r, .is_decoder = decoder, .place = decoder ? FNAS_TRANSLATOR_PLACES : 0};
    side.shape = decoder ? &request->shape->decoder : &request->shape->encoder;
    side.largest = decoder ? &request->largest->decoder : &request->largest->encoder;
    side.start = decoder ? request->batch->target_start : request->batch->source_start;
    side.ids = decoder ? request->batch->input : request->batch->source;
    side.tokens = side.start[request->batch->n];
    if (request->dropout) side.drop = (double)request->dropout->residual * (double)side.shape->width / (double)side.largest->width;
    return side;
}

fnas_status fnas_translator_run_reference(fnas_context *context, const fnas_translator_request *request, const double *parameters,
                                          const double *gates, double *logits, double *loss) {
    FNAS_TRY(fnas_translator_batch_check(context, request->batch, request->shape->vocabulary));
    reference r = {.request = request, .parameters = parameters, .gates = gates};
    if (request->dropout) {
        fnas_random random = fnas_random_begin(request->dropout->seed, FNAS_STREAM_DROPOUT, request->dropout->step, request->dropout->path);
        for (int i = 0; i < 2; i++) r.key[i] = fnas_random_u32(&random);
    }
    side_reference encoder = side_of(&r, false), decoder = side_of(&r, true);
    double *x = numbers(encoder.tokens * encoder.shape->width), *y = numbers(decoder.tokens * decoder.shape->width);
    double *own = logits ? NULL : numbers(decoder.tokens * request->shape->vocabulary);
    fnas_status status = x && y && (logits || own) ? FNAS_OK : fnas_fail_memory(context, "a reference");
    if (status == FNAS_OK) status = run_side(context, &r, &encoder, x);
    if (status == FNAS_OK) status = run_side(context, &r, &decoder, y);
    if (status == FNAS_OK) read_out(&r, &decoder, y, logits ? logits : own, loss);
    for (int64_t l = 0; l < FNAS_TRANSLATOR_LAYERS_MAX; l++) fnas_free(r.encoded[l]);
    fnas_free(x);
    fnas_free(y);
    fnas_free(own);
    return status;
}
