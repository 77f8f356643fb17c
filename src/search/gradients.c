#include "search/gradients.h"

#include "base/memory.h"
#include "search/hypernet/kinds.h"

fnas_status fnas_gradients_create(fnas_context *context, const fnas_hypernet_shape *shape, int64_t count, fnas_gradients *gradients) {
    *gradients = (fnas_gradients){.shape = *shape,
                                  .count = count,
                                  .length = fnas_hypernet_parameter_count(shape),
                                  .stride = (fnas_hypernet_ops_of(shape)->sum_bytes(shape) + 63) / 64 * 64};
    gradients->sums = fnas_allocate((size_t)count, (size_t)gradients->stride);
    gradients->spread = fnas_allocate((size_t)count, sizeof *gradients->spread);
    gradients->direction = fnas_allocate((size_t)gradients->length, sizeof *gradients->direction);
    if (!gradients->sums || !gradients->spread || !gradients->direction) return fnas_fail_memory(context, "the devices' gradients");
    return FNAS_OK;
}

void fnas_gradients_free(fnas_gradients *gradients) {
    fnas_free(gradients->sums);
    fnas_free(gradients->spread);
    fnas_free(gradients->direction);
    *gradients = (fnas_gradients){0};
}

static void *sum_of(const fnas_gradients *gradients, int64_t device) {
    return gradients->sums + device * gradients->stride;
}

/* A sum that changes takes what it had left in the direction with it: afterwards nobody knows where that was. */
static void take_back(fnas_gradients *gradients, int64_t device) {
    if (gradients->spread[device])
        fnas_hypernet_ops_of(&gradients->shape)->sum_wipe(&gradients->shape, sum_of(gradients, device), gradients->direction);
    gradients->spread[device] = 0;
}

void fnas_gradients_begin(fnas_gradients *gradients, int64_t device, const double *embedding) {
    take_back(gradients, device);
    fnas_hypernet_ops_of(&gradients->shape)->sum_begin(&gradients->shape, embedding, sum_of(gradients, device));
}

void fnas_gradients_add(fnas_gradients *gradients, int64_t device, const float *parameters, const double *preference,
                        const float *workspace, const double *diff_logits) {
    fnas_hypernet_ops_of(&gradients->shape)
        ->sum_add(&gradients->shape, parameters, preference, workspace, diff_logits, sum_of(gradients, device));
}

void fnas_gradients_settle(fnas_gradients *gradients, int64_t device, const float *parameters) {
    fnas_hypernet_ops_of(&gradients->shape)->sum_settle(&gradients->shape, parameters, sum_of(gradients, device));
}

void fnas_gradients_gram(const fnas_gradients *gradients, int64_t first, int64_t count, double *gram) {
    const fnas_hypernet_ops *ops = fnas_hypernet_ops_of(&gradients->shape);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j <= i; j++)
            gram[i * count + j] = gram[j * count + i] = ops->sum_product(&gradients->shape, sum_of(gradients, first + i),
                                                                         sum_of(gradients, first + j));
}

const float *fnas_gradients_combine(fnas_gradients *gradients, int64_t first, int64_t count, const double *weights) {
    const fnas_hypernet_ops *ops = fnas_hypernet_ops_of(&gradients->shape);
    for (int64_t t = 0; t < gradients->count; t++) take_back(gradients, t);
    for (int64_t i = 0; i < count; i++) {
        ops->sum_spread(&gradients->shape, weights[i], sum_of(gradients, first + i), gradients->direction);
        gradients->spread[first + i] = 1;
    }
    return gradients->direction;
}
