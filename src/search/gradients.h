/* The devices' gradients with respect to the hypernetwork. A device has one embedding, so that its gradient is of few numbers: the table's
 * is a product of two vectors in every row that its preferences look up, and 0 in all others (hypernet/table.c). Kept so, their products
 * and sum cost what a step touches, and not what the hypernetwork holds. */
#ifndef FNAS_SEARCH_GRADIENTS_H
#define FNAS_SEARCH_GRADIENTS_H

#include "search/hypernet/hypernet.h"

typedef struct fnas_gradients {
    fnas_hypernet_shape shape;
    int64_t count;    /* of devices */
    int64_t length;   /* of the hypernetwork's parameters */
    int64_t stride;   /* bytes of one device's */
    char *sums;       /* [count][stride] */
    char *spread;     /* [count]: sum t is part of the direction */
    float *direction; /* [length]: 0 but for what is spread into it */
} fnas_gradients;

FNAS_NODISCARD fnas_status fnas_gradients_create(fnas_context *context, const fnas_hypernet_shape *shape, int64_t count,
                                                 fnas_gradients *gradients);
void fnas_gradients_free(fnas_gradients *gradients);

/* The gradient of `device` becomes 0; its items are to have this embedding [embedding]. */
void fnas_gradients_begin(fnas_gradients *gradients, int64_t device, const double *embedding);
/* Adds that of one item by what fnas_hypernet_forward left of it: workspace is this item's alone. */
void fnas_gradients_add(fnas_gradients *gradients, int64_t device, const float *parameters, const double *preference,
                        const float *workspace, const double *diff_logits);
/* After the last item: only then is there anything to multiply or to combine. */
void fnas_gradients_settle(fnas_gradients *gradients, int64_t device, const float *parameters);

/* gram [count][count] of the gradients first ... first + count - 1; double sums in fixed order. */
void fnas_gradients_gram(const fnas_gradients *gradients, int64_t first, int64_t count, double *gram);

/* sum_i weights[i] * gradient[first + i], [length], borrowed until the next call of any kind. */
const float *fnas_gradients_combine(fnas_gradients *gradients, int64_t first, int64_t count, const double *weights);

#endif
