/* Scaled dot-product attention of one sentence with all its heads (Vaswani et al. 2017), f32. Heads lie side by side in the rows of
 * queries, keys and values. Keys and values may come in several parts of equal length, one after the other in time: a decoder's layer that
 * sees several of the encoder's. */
#ifndef FNAS_COMPUTE_ATTENTION_H
#define FNAS_COMPUTE_ATTENTION_H

#include <stdbool.h>

#include "compute/dropout.h"
#include "compute/multiply.h"

#define FNAS_ATTENTION_PARTS_MAX 3

typedef struct fnas_attention {
    int64_t heads, head_width;
    int64_t queries, keys, parts; /* rows; keys of each part */
    bool causal;                  /* query i sees keys 0..i; one part, as many keys as queries */
    const float *query;           /* [queries][heads * head_width], rows query_stride apart */
    const float *key[FNAS_ATTENTION_PARTS_MAX], *value[FNAS_ATTENTION_PARTS_MAX]; /* [keys][heads * head_width], rows key_stride apart */
    int64_t query_stride, key_stride;
    float *weights;                 /* [heads][queries][parts * keys]: written by forward, read by backward */
    const fnas_dropout *dropout;    /* of the weights; NULL: none */
    int64_t first_draw;             /* of this sentence */
    float *scratch;                 /* [fnas_attention_scratch()] */
    fnas_product_function *product; /* what multiplies (multiply.h); NULL: the backend */
} fnas_attention;

int64_t fnas_attention_weight_count(const fnas_attention *op);
int64_t fnas_attention_scratch(const fnas_attention *op); /* floats */
int64_t fnas_attention_draws(const fnas_attention *op);   /* elements that one sentence takes of the dropout's stream */

/* dst [queries][heads * head_width], contiguous. */
void fnas_attention_forward(const fnas_attention *op, float *dst);

typedef struct fnas_attention_gradients {
    float *query;                                                           /* laid out as the operand; written */
    float *key[FNAS_ATTENTION_PARTS_MAX], *value[FNAS_ATTENTION_PARTS_MAX]; /* likewise; written */
} fnas_attention_gradients;
void fnas_attention_backward(const fnas_attention *op, const float *diff_dst, const fnas_attention_gradients *gradients);

#endif
