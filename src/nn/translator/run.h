/* Inside of a running Transformer. For the files of this folder only. */
#ifndef FNAS_NN_TRANSLATOR_RUN_H
#define FNAS_NN_TRANSLATOR_RUN_H

#include "compute/attention.h"
#include "compute/product.h"
#include "nn/translator/weights.h"

/* Numbers of the places where a side drops (compute/dropout.h): 0 is its embedding, then PLACES_A_LAYER for each layer. */
enum { FNAS_TRANSLATOR_PLACES_A_LAYER = 8, FNAS_TRANSLATOR_PLACES = 1 + FNAS_TRANSLATOR_LAYERS_MAX * FNAS_TRANSLATOR_PLACES_A_LAYER };
typedef enum fnas_translator_place {
    FNAS_TRANSLATOR_DROP_SELF_WEIGHTS,
    FNAS_TRANSLATOR_DROP_SELF,
    FNAS_TRANSLATOR_DROP_CROSS_WEIGHTS,
    FNAS_TRANSLATOR_DROP_CROSS,
    FNAS_TRANSLATOR_DROP_FEED
} fnas_translator_place;
static inline uint32_t fnas_translator_layer_place(uint32_t side_place, int64_t layer, fnas_translator_place place) {
    return side_place + 1 + (uint32_t)layer * FNAS_TRANSLATOR_PLACES_A_LAYER + (uint32_t)place;
}

/* How a sublayer ends: its source and what it gave are added up, and the sum is normalised. */
typedef struct fnas_translator_end {
    float *sum, *mean, *scale, *result; /* [tokens][width], [tokens], [tokens], [tokens][width] */
} fnas_translator_end;

typedef struct fnas_translator_attention_run {
    float *projected;                           /* self: [tokens][3 attention width]; cross: queries, [tokens][attention width] */
    float *memory[FNAS_TRANSLATOR_SOURCES_MAX]; /* cross: keys and values of each source, [source tokens][2 attention width] */
    float *weights;                             /* of all sentences, one after the other */
    float *context;                             /* [tokens][attention width] */
    fnas_translator_end end;
} fnas_translator_attention_run;

typedef struct fnas_translator_feed_run {
    float *hidden; /* [tokens][feed-forward width], behind the ReLU */
    fnas_translator_end end;
} fnas_translator_feed_run;

typedef struct fnas_translator_layer_run {
    fnas_translator_attention_run self, cross;
    fnas_translator_feed_run feed;
} fnas_translator_layer_run;

typedef struct fnas_translator_side_run {
    const fnas_translator_side *shape, *largest;
    bool is_decoder;
    int64_t n, tokens;
    const int64_t *start;
    const int32_t *ids;
    uint32_t place;   /* of its embedding's dropout */
    double drop;      /* probability, of this width */
    float *positions; /* [longest sentence][width] */
    float *embedded;  /* [tokens][width] */
    fnas_translator_layer_run layers[FNAS_TRANSLATOR_LAYERS_MAX];
    float *diff;                                    /* [tokens][width]: gradient of what the layer at hand gives, then of its source */
    float *diff_memory[FNAS_TRANSLATOR_LAYERS_MAX]; /* encoder: of what a layer gives, from the decoder; NULL: none reads it */
} fnas_translator_side_run;

typedef struct fnas_translator_run_state {
    const fnas_translator_request *request;
    fnas_engine *engine;
    fnas_arena *arena;
    bool backward, out_of_memory;
    int64_t embedding_width; /* columns of the embedding */
    uint32_t key[2];         /* of the dropout */
    double *gate_gradient;
    fnas_translator_side_run encoder, decoder;
    float *logits; /* of some tokens */
    /* scratch, of the larger side */
    float *branch;    /* [tokens][width]: what a sublayer gives, or its gradient */
    float *factors;   /* of dropout */
    float *attention; /* of one sentence */
    float *diff_hidden, *diff_projected, *diff_memory, *diff_context, *diff_source;
} fnas_translator_run_state;

FNAS_NODISCARD fnas_status fnas_translator_batch_check(fnas_context *context, const fnas_translator_batch *batch, int64_t vocabulary);

/* What a request needs, without memory; then all its memory, of the worker's arena. */
void fnas_translator_begin(fnas_translator_run_state *run, fnas_worker *worker, const fnas_translator_request *request);
FNAS_NODISCARD fnas_status fnas_translator_prepare(fnas_context *context, fnas_translator_run_state *run);
void fnas_translator_side_forward(fnas_translator_run_state *run, fnas_translator_side_run *side); /* the encoder first */

/* ---- memory: NULL and run->out_of_memory where there is none ---- */
float *fnas_translator_floats(fnas_translator_run_state *run, int64_t count);
void fnas_translator_side_prepare(fnas_translator_run_state *run, fnas_translator_side_run *side);
void fnas_translator_attention_prepare(fnas_translator_run_state *run); /* weights and scratch of both sides */

static inline const float *fnas_translator_values(const fnas_translator_run_state *run, int32_t handle) {
    const fnas_parameters *parameters = run->request->parameters;
    return parameters->values + parameters->items[handle].offset;
}
static inline float *fnas_translator_gradient(const fnas_translator_run_state *run, int32_t handle) {
    float *gradient = run->request->weight_gradient;
    return gradient ? gradient + run->request->parameters->items[handle].offset : NULL;
}

/* ---- parts ---- */
/* For a gate's gradient: 0 where none is wanted. */
double fnas_translator_dot(const fnas_translator_run_state *run, int64_t count, const float *a, const float *b);
void fnas_translator_add_gate(const fnas_translator_run_state *run, int32_t gate, double dot);
/* x *= factors of dropout at a place; the same again in the backward pass. */
void fnas_translator_drop(const fnas_translator_run_state *run, double probability, uint32_t place, int64_t count, float *x);

/* From what lies before the layer to its result; from side->diff as the gradient of its result to that of its source. */
void fnas_translator_layer_forward(fnas_translator_run_state *run, fnas_translator_side_run *side, int64_t layer);
/* A decoder layer's keys and values of what the encoder has given. */
void fnas_translator_cross_memory(fnas_translator_run_state *run, int64_t layer);
void fnas_translator_layer_backward(fnas_translator_run_state *run, fnas_translator_side_run *side, int64_t layer);

#endif
