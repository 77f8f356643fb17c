#include "compute/attention.h"

#include <math.h>
#include <string.h>

#include "compute/backend.h"
#include "compute/fast_exp.h"
#include "compute/vector.h"

static fnas_product_function *product_of(const fnas_attention *op) {
    return op->product ? op->product : fnas_backend_product;
}

static int64_t row_of(const fnas_attention *op) {
    return op->parts * op->keys;
}

int64_t fnas_attention_weight_count(const fnas_attention *op) {
    return op->heads * op->queries * row_of(op);
}

/* A head's dropped weights, and the gradient of them; factors of dropout. */
int64_t fnas_attention_scratch(const fnas_attention *op) {
    return 3 * op->queries * row_of(op);
}

static int64_t head_draws(const fnas_attention *op) {
    return (op->queries * row_of(op) + 7) / 8 * 8;
}

int64_t fnas_attention_draws(const fnas_attention *op) {
    return op->heads * head_draws(op);
}

/* ---- rows ---- */

/* Of row `query`, the keys that it sees. */
static int64_t seen_by(const fnas_attention *op, int64_t query) {
    return op->causal ? query + 1 : row_of(op);
}

FNAS_MULTIVERSION static void softmax_row(int64_t seen, int64_t row, float *x) {
    float most = x[0], sum = 0;
    for (int64_t k = 1; k < seen; k++) most = x[k] > most ? x[k] : most;
    for (int64_t k = 0; k < seen; k++) x[k] = fnas_exp_of_negative(x[k] - most);
    for (int64_t k = 0; k < seen; k++) sum += x[k];
    float factor = 1.0f / sum;
    for (int64_t k = 0; k < seen; k++) x[k] *= factor;
    for (int64_t k = seen; k < row; k++) x[k] = 0;
}

/* x becomes the gradient of the scores from that of the weights w: w (x - sum of w x). */
FNAS_MULTIVERSION static void softmax_row_gradient(int64_t row, const float *w, float *x) {
    float sum = 0;
    for (int64_t k = 0; k < row; k++) sum += w[k] * x[k];
    for (int64_t k = 0; k < row; k++) x[k] = w[k] * (x[k] - sum);
}

FNAS_MULTIVERSION static void multiply(int64_t count, const float *a, const float *factors, float *dst) {
    for (int64_t i = 0; i < count; i++) dst[i] = a[i] * factors[i];
}

/* ---- heads ---- */

static float score_factor(const fnas_attention *op) {
    return 1.0f / sqrtf((float)op->head_width);
}

static float *head_weights(const fnas_attention *op, int64_t head) {
    return op->weights + head * op->queries * row_of(op);
}

static void draw_factors(const fnas_attention *op, int64_t head, float *factors) {
    fnas_dropout_factors(op->dropout, op->first_draw + head * head_draws(op), op->queries * row_of(op), factors);
}

/* The head's weights as they multiply the values: dropped, where there is dropout. */
static const float *dropped_weights(const fnas_attention *op, int64_t head) {
    if (!op->dropout) return head_weights(op, head);
    int64_t count = op->queries * row_of(op);
    draw_factors(op, head, op->scratch + 2 * count);
    multiply(count, head_weights(op, head), op->scratch + 2 * count, op->scratch);
    return op->scratch;
}

static void weigh(const fnas_attention *op, int64_t head) {
    int64_t at = head * op->head_width, row = row_of(op);
    float *weights = head_weights(op, head);
    for (int64_t j = 0; j < op->parts; j++)
        product_of(op)(false, true, op->queries, op->keys, op->head_width, score_factor(op), op->query + at, op->query_stride,
                       op->key[j] + at, op->key_stride, 0, weights + j * op->keys, row);
    for (int64_t i = 0; i < op->queries; i++) softmax_row(seen_by(op, i), row, weights + i * row);
}

void fnas_attention_forward(const fnas_attention *op, float *dst) {
    int64_t width = op->heads * op->head_width, row = row_of(op);
    for (int64_t head = 0; head < op->heads; head++) {
        weigh(op, head);
        const float *weights = dropped_weights(op, head);
        int64_t at = head * op->head_width;
        for (int64_t j = 0; j < op->parts; j++)
            product_of(op)(false, false, op->queries, op->head_width, op->keys, 1, weights + j * op->keys, row, op->value[j] + at,
                           op->key_stride, j ? 1 : 0, dst + at, width);
    }
}

void fnas_attention_backward(const fnas_attention *op, const float *diff_dst, const fnas_attention_gradients *gradients) {
    int64_t width = op->heads * op->head_width, row = row_of(op), count = op->queries * row;
    float *diff = op->scratch + count;
    for (int64_t head = 0; head < op->heads; head++) {
        const float *weights = dropped_weights(op, head);
        int64_t at = head * op->head_width;
        for (int64_t j = 0; j < op->parts; j++) {
            product_of(op)(true, false, op->keys, op->head_width, op->queries, 1, weights + j * op->keys, row, diff_dst + at, width, 0,
                           gradients->value[j] + at, op->key_stride);
            product_of(op)(false, true, op->queries, op->keys, op->head_width, 1, diff_dst + at, width, op->value[j] + at, op->key_stride,
                           0, diff + j * op->keys, row);
        }
        if (op->dropout) multiply(count, diff, op->scratch + 2 * count, diff);
        for (int64_t i = 0; i < op->queries; i++) softmax_row_gradient(row, head_weights(op, head) + i * row, diff + i * row);
        for (int64_t j = 0; j < op->parts; j++) {
            product_of(op)(false, false, op->queries, op->head_width, op->keys, score_factor(op), diff + j * op->keys, row, op->key[j] + at,
                           op->key_stride, j ? 1 : 0, gradients->query + at, op->query_stride);
            product_of(op)(true, false, op->keys, op->head_width, op->queries, score_factor(op), diff + j * op->keys, row, op->query + at,
                           op->query_stride, 0, gradients->key[j] + at, op->key_stride);
        }
    }
}
