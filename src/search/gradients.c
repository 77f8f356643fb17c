#include "search/gradients.h"

#include <string.h>

#include "base/memory.h"

fnas_status fnas_gradients_create(fnas_context *context, const fnas_hypernet_shape *shape, int64_t count, fnas_gradients *gradients) {
    *gradients = (fnas_gradients){
        .count = count, .length = fnas_hypernet_parameter_count(shape), .block_count = fnas_hypernet_block_count(shape)};
    size_t rows = (size_t)count + 1;
    gradients->blocks = fnas_allocate((size_t)gradients->block_count, sizeof *gradients->blocks);
    gradients->values = fnas_allocate(rows * (size_t)gradients->length, sizeof *gradients->values);
    gradients->touched = fnas_allocate(rows * (size_t)gradients->block_count, sizeof *gradients->touched);
    if (!gradients->blocks || !gradients->values || !gradients->touched) return fnas_fail_memory(context, "the devices' gradients");
    for (int64_t b = 0; b < gradients->block_count; b++) gradients->blocks[b] = fnas_hypernet_block_at(shape, b);
    return FNAS_OK;
}

void fnas_gradients_free(fnas_gradients *gradients) {
    fnas_free(gradients->blocks);
    fnas_free(gradients->values);
    fnas_free(gradients->touched);
    *gradients = (fnas_gradients){0};
}

float *fnas_gradients_values(const fnas_gradients *gradients, int64_t index) {
    return gradients->values + index * gradients->length;
}

uint8_t *fnas_gradients_touched(const fnas_gradients *gradients, int64_t index) {
    return gradients->touched + index * gradients->block_count;
}

void fnas_gradients_clear(fnas_gradients *gradients, int64_t index) {
    float *values = fnas_gradients_values(gradients, index);
    uint8_t *touched = fnas_gradients_touched(gradients, index);
    for (int64_t b = 0; b < gradients->block_count; b++) {
        if (!touched[b]) continue;
        memset(values + gradients->blocks[b].offset, 0, (size_t)gradients->blocks[b].count * sizeof *values);
        touched[b] = 0;
    }
}

/* ---- products: eight lanes, a fixed order that vectorises ---- */

enum { LANES = 8 };

static double dot(int64_t length, const float *restrict a, const float *restrict b) {
    double lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= length; i += LANES)
        for (int64_t l = 0; l < LANES; l++) lanes[l] += (double)a[i + l] * b[i + l];
    for (; i < length; i++) lanes[0] += (double)a[i] * b[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/* A block at a time: it is in the cache for all pairs that have touched it. */
static void add_block_products(const fnas_gradients *gradients, int64_t block, int64_t first, int64_t count, double *gram) {
    fnas_hypernet_block at = gradients->blocks[block];
    for (int64_t i = 0; i < count; i++) {
        if (!fnas_gradients_touched(gradients, first + i)[block]) continue;
        const float *row = fnas_gradients_values(gradients, first + i) + at.offset;
        for (int64_t j = 0; j <= i; j++) {
            if (!fnas_gradients_touched(gradients, first + j)[block]) continue;
            gram[i * count + j] += dot(at.count, row, fnas_gradients_values(gradients, first + j) + at.offset);
        }
    }
}

void fnas_gradients_gram(const fnas_gradients *gradients, int64_t first, int64_t count, double *gram) {
    for (int64_t i = 0; i < count * count; i++) gram[i] = 0;
    for (int64_t b = 0; b < gradients->block_count; b++) add_block_products(gradients, b, first, count, gram);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < i; j++) gram[j * count + i] = gram[i * count + j];
}

static void add_scaled(int64_t length, float weight, const float *restrict from, float *restrict to) {
    for (int64_t i = 0; i < length; i++) to[i] += weight * from[i];
}

const float *fnas_gradients_combine(fnas_gradients *gradients, int64_t first, int64_t count, const double *weights) {
    fnas_gradients_clear(gradients, gradients->count);
    float *sum = fnas_gradients_values(gradients, gradients->count);
    uint8_t *sum_touched = fnas_gradients_touched(gradients, gradients->count);
    for (int64_t i = 0; i < count; i++) {
        const float *values = fnas_gradients_values(gradients, first + i);
        const uint8_t *touched = fnas_gradients_touched(gradients, first + i);
        for (int64_t b = 0; b < gradients->block_count; b++) {
            if (!touched[b]) continue;
            add_scaled(gradients->blocks[b].count, (float)weights[i], values + gradients->blocks[b].offset,
                       sum + gradients->blocks[b].offset);
            sum_touched[b] = 1;
        }
    }
    return sum;
}
