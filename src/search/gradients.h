/* The devices' gradients with respect to the hypernetwork: kept in its blocks, of which a step touches few (hypernet.h), so that a step
 * costs what it touches and not what the hypernetwork holds. */
#ifndef FNAS_SEARCH_GRADIENTS_H
#define FNAS_SEARCH_GRADIENTS_H

#include "search/hypernet.h"

typedef struct fnas_gradients {
    int64_t count, length; /* gradients, of [length] each: one a device, then their combination */
    int64_t block_count;
    fnas_hypernet_block *blocks; /* [block_count] */
    float *values;               /* [count + 1][length], 0 in every block that is not touched */
    uint8_t *touched;            /* [count + 1][block_count] */
} fnas_gradients;

FNAS_NODISCARD fnas_status fnas_gradients_create(fnas_context *context, const fnas_hypernet_shape *shape, int64_t count,
                                                 fnas_gradients *gradients);
void fnas_gradients_free(fnas_gradients *gradients);

/* Gradient `index` becomes 0. */
void fnas_gradients_clear(fnas_gradients *gradients, int64_t index);
float *fnas_gradients_values(const fnas_gradients *gradients, int64_t index);    /* [length] */
uint8_t *fnas_gradients_touched(const fnas_gradients *gradients, int64_t index); /* [block_count]: to be marked by whoever adds */

/* gram [count][count] of the gradients first ... first + count - 1; double sums in fixed order. */
void fnas_gradients_gram(const fnas_gradients *gradients, int64_t first, int64_t count, double *gram);

/* sum_i weights[i] * gradient[first + i], [length], borrowed until the next call. */
const float *fnas_gradients_combine(fnas_gradients *gradients, int64_t first, int64_t count, const double *weights);

#endif
