/* One batch through one sub-network: forward and backward. */
#include "nn/translator/run.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "compute/kernels.h"
#include "compute/token_loss.h"

/* ---- what a batch must be ---- */

static fnas_status check_ids(fnas_context *context, const char *what, int64_t count, const int32_t *ids, int64_t vocabulary) {
    for (int64_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: token %lld is %d, the vocabulary has 0 to %lld", what, (long long)i, ids[i],
                             (long long)vocabulary - 1);
    return FNAS_OK;
}

static fnas_status check_starts(fnas_context *context, const char *what, int64_t n, const int64_t *start) {
    for (int64_t i = 0; i < n; i++)
        if (start[i + 1] <= start[i]) return fnas_fail(context, FNAS_ERR_INPUT, "%s: sentence %lld is empty", what, (long long)i);
    return FNAS_OK;
}

fnas_status fnas_translator_batch_check(fnas_context *context, const fnas_translator_batch *batch, int64_t vocabulary) {
    if (batch->n < 1) return fnas_fail(context, FNAS_ERR_INPUT, "a batch without sentences");
    FNAS_TRY(check_starts(context, "source", batch->n, batch->source_start));
    FNAS_TRY(check_starts(context, "target", batch->n, batch->target_start));
    FNAS_TRY(check_ids(context, "source", batch->source_start[batch->n], batch->source, vocabulary));
    FNAS_TRY(check_ids(context, "target", batch->target_start[batch->n], batch->input, vocabulary));
    return check_ids(context, "target", batch->target_start[batch->n], batch->label, vocabulary);
}

/* ---- gates ---- */

double fnas_translator_dot(const fnas_translator_run_state *run, int64_t count, const float *a, const float *b) {
    return run->gate_gradient ? fnas_floats_dot(count, a, b) : 0;
}

void fnas_translator_add_gate(const fnas_translator_run_state *run, int32_t gate, double dot) {
    if (run->gate_gradient && gate >= 0) run->gate_gradient[gate] += dot;
}

/* ---- embedding ---- */

static void embed(const fnas_translator_run_state *run, const fnas_translator_side_run *side) {
    const float *table = fnas_translator_values(run, FNAS_TRANSLATOR_EMBEDDING);
    int64_t width = side->shape->width, stride = run->embedding_width;
    float factor = sqrtf((float)width);
    for (int64_t i = 0; i < side->n; i++) {
        for (int64_t t = side->start[i]; t < side->start[i + 1]; t++) {
            const float *row = table + (int64_t)side->ids[t] * stride, *position = side->positions + (t - side->start[i]) * width;
            float *x = side->embedded + t * width;
            for (int64_t c = 0; c < width; c++) x[c] = row[c] * factor + position[c];
        }
    }
    fnas_translator_drop(run, side->drop, side->place, side->tokens * width, side->embedded);
}

/* diff [tokens][width] is the gradient behind the dropout. */
static void embed_backward(const fnas_translator_run_state *run, const fnas_translator_side_run *side, float *diff) {
    int64_t width = side->shape->width, stride = run->embedding_width;
    /* What was dropped is 0 in `embedded`, so that both dots, with and without the factors, are the same. */
    fnas_translator_add_gate(run, side->shape->width_gate, fnas_translator_dot(run, side->tokens * width, diff, side->embedded));
    float *gradient = fnas_translator_gradient(run, FNAS_TRANSLATOR_EMBEDDING);
    if (!gradient) return;
    fnas_translator_drop(run, side->drop, side->place, side->tokens * width, diff);
    float factor = sqrtf((float)width);
    for (int64_t t = 0; t < side->tokens; t++) {
        float *row = gradient + (int64_t)side->ids[t] * stride;
        for (int64_t c = 0; c < width; c++) row[c] += factor * diff[t * width + c];
    }
}

/* ---- logits and loss ---- */

#define LOSS_TOKENS 512 /* whose logits are in memory at once */

static int64_t loss_rows(const fnas_translator_run_state *run) {
    return run->decoder.tokens < LOSS_TOKENS ? run->decoder.tokens : LOSS_TOKENS;
}

/* diff [tokens][decoder width] is written where gradients are wanted. */
static void run_loss(const fnas_translator_run_state *run, const float *last, float *diff, fnas_token_losses *losses) {
    const fnas_translator_request *request = run->request;
    const fnas_translator_side_run *side = &run->decoder;
    int64_t width = side->shape->width, vocabulary = request->shape->vocabulary;
    fnas_corner corner = {.in = width, .out = vocabulary, .stride = run->embedding_width};
    const float *table = fnas_translator_values(run, FNAS_TRANSLATOR_EMBEDDING);
    float *gradient = fnas_translator_gradient(run, FNAS_TRANSLATOR_EMBEDDING);
    for (int64_t first = 0; first < side->tokens; first += LOSS_TOKENS) {
        int64_t rows = side->tokens - first < LOSS_TOKENS ? side->tokens - first : LOSS_TOKENS;
        fnas_product_forward(run->engine, rows, corner, last + first * width, table, NULL, run->logits);
        if (request->logits) memcpy(request->logits + first * vocabulary, run->logits, (size_t)(rows * vocabulary) * sizeof(float));
        fnas_token_targets targets = {.labels = request->batch->label + first,
                                      .smoothing = request->label_smoothing,
                                      .soft = request->soft_targets ? request->soft_targets + first * vocabulary : NULL,
                                      .soft_weight = request->soft_weight};
        fnas_token_loss(rows, vocabulary, run->logits, &targets, diff != NULL, request->scale, losses);
        if (!diff) continue;
        fnas_product_backward_source(run->engine, rows, corner, run->logits, table, false, diff + first * width);
        if (gradient) fnas_product_backward_weights(run->engine, rows, corner, last + first * width, run->logits, gradient, NULL);
    }
    fnas_translator_add_gate(run, side->shape->width_gate, losses->dot);
}

/* ---- memory ---- */

fnas_status fnas_translator_prepare(fnas_context *context, fnas_translator_run_state *run) {
    fnas_arena_reset(run->arena);
    fnas_translator_side_prepare(run, &run->encoder);
    fnas_translator_side_prepare(run, &run->decoder);
    fnas_translator_attention_prepare(run);
    run->logits = fnas_translator_floats(run, loss_rows(run) * run->request->shape->vocabulary);
    return run->out_of_memory ? fnas_fail_memory(context, "a batch of sentences") : FNAS_OK;
}

static void begin_side(fnas_translator_run_state *run, fnas_translator_side_run *side, bool decoder) {
    const fnas_translator_request *request = run->request;
    const fnas_translator_batch *batch = request->batch;
    const fnas_translator_side *largest = decoder ? &request->largest->decoder : &request->largest->encoder;
    side->shape = decoder ? &request->shape->decoder : &request->shape->encoder;
    side->largest = largest;
    side->is_decoder = decoder;
    side->n = batch->n;
    side->ids = decoder ? batch->input : batch->source;
    side->start = decoder ? batch->target_start : batch->source_start;
    side->tokens = side->start[batch->n];
    side->place = decoder ? FNAS_TRANSLATOR_PLACES : 0;
    if (request->dropout) side->drop = (double)request->dropout->residual * (double)side->shape->width / (double)largest->width;
}

void fnas_translator_begin(fnas_translator_run_state *run, fnas_worker *worker, const fnas_translator_request *request) {
    *run = (fnas_translator_run_state){
        .request = request, .engine = worker->engine, .arena = worker->activations, .gate_gradient = request->gate_gradient};
    run->backward = request->weight_gradient || request->gate_gradient;
    run->embedding_width = request->parameters->items[FNAS_TRANSLATOR_EMBEDDING].shape[1];
    if (request->dropout) {
        fnas_random random = fnas_random_begin(request->dropout->seed, FNAS_STREAM_DROPOUT, request->dropout->step, request->dropout->path);
        for (int i = 0; i < 2; i++) run->key[i] = fnas_random_u32(&random);
    }
    begin_side(run, &run->encoder, false);
    begin_side(run, &run->decoder, true);
}

/* ---- the whole ---- */

void fnas_translator_side_forward(fnas_translator_run_state *run, fnas_translator_side_run *side) {
    embed(run, side);
    for (int64_t l = 0; l < side->shape->layer_count; l++) fnas_translator_layer_forward(run, side, l);
}

static void layers_backward(fnas_translator_run_state *run, fnas_translator_side_run *side) {
    int64_t last = side->shape->layer_count - 1;
    for (int64_t l = last; l >= 0; l--) {
        float *diff = side->diff;
        if (side->diff_memory[l]) fnas_kernels_f32.add((size_t)(side->tokens * side->shape->width), side->diff_memory[l], diff);
        if (l == last)
            fnas_translator_add_gate(run, side->shape->layers_gate,
                                     fnas_translator_dot(run, side->tokens * side->shape->width, diff, side->layers[l].feed.end.result));
        fnas_translator_layer_backward(run, side, l);
    }
    embed_backward(run, side, side->diff);
}

fnas_status fnas_translator_run(fnas_context *context, fnas_worker *worker, const fnas_translator_request *request,
                                fnas_translator_result *result) {
    FNAS_TRY(fnas_translator_batch_check(context, request->batch, request->shape->vocabulary));
    fnas_translator_run_state run;
    fnas_translator_begin(&run, worker, request);
    FNAS_TRY(fnas_translator_prepare(context, &run));
    fnas_translator_side_forward(&run, &run.encoder);
    fnas_translator_side_forward(&run, &run.decoder);
    fnas_token_losses losses = {0};
    const float *last = run.decoder.layers[run.decoder.shape->layer_count - 1].feed.end.result;
    run_loss(&run, last, run.backward ? run.decoder.diff : NULL, &losses);
    *result = (fnas_translator_result){
        .loss = losses.smoothed, .log_loss = losses.log, .correct = losses.correct, .tokens = run.decoder.tokens};
    if (!isfinite(losses.smoothed)) return fnas_fail(context, FNAS_ERR_NUMERIC, "the loss of a batch of sentences is not finite");
    if (!run.backward) return FNAS_OK;
    layers_backward(&run, &run.decoder);
    memset(run.encoder.diff, 0, (size_t)(run.encoder.tokens * run.encoder.shape->width) * sizeof(float));
    layers_backward(&run, &run.encoder);
    return FNAS_OK;
}
