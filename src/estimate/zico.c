#include "estimate/zico.h"

#include <math.h>
#include <string.h>

void fnas_zico_free(fnas_zico *zico) {
    fnas_free(zico->gradients);
    *zico = (fnas_zico){0};
}

static fnas_status add_gradients(fnas_context *context, fnas_worker *worker, const fnas_zico *zico, fnas_path_request request,
                                 int64_t batch) {
    fnas_value_shape shape = request.net->values[0];
    fnas_path_result ignored;
    request.images += batch * request.n * shape.c * shape.h * shape.w;
    request.labels += batch * request.n;
    request.weight_gradient = zico->gradients + batch * request.parameters->float_count;
    return fnas_path_run(context, worker, &request, &ignored);
}

/* mean |g| / std g of one weight, 0 where it does not vary. stride: between batches. */
static double steadiness(const float *gradient, int64_t stride) {
    double magnitude = 0, sum = 0, square = 0;
    for (int64_t b = 0; b < FNAS_ZICO_BATCHES; b++) {
        double g = (double)gradient[b * stride];
        magnitude += fabs(g);
        sum += g;
    }
    for (int64_t b = 0; b < FNAS_ZICO_BATCHES; b++) {
        double deviation = (double)gradient[b * stride] - sum / FNAS_ZICO_BATCHES;
        square += deviation * deviation;
    }
    return square > 0 ? magnitude / FNAS_ZICO_BATCHES / sqrt(square / FNAS_ZICO_BATCHES) : 0;
}

/* Layers that the network does not have got no gradient. */
static double sum_layers(const fnas_zico *zico, const fnas_parameters *parameters) {
    double score = 0;
    for (int64_t item = 0; item < parameters->item_count; item++) {
        const fnas_parameter *layer = &parameters->items[item];
        double sum = 0;
        for (int64_t i = 0; layer->rank > 1 && i < layer->count; i++)
            sum += steadiness(zico->gradients + layer->offset + i, parameters->float_count);
        if (sum > 0) score += log(sum);
    }
    return score;
}

fnas_status fnas_zico_score(fnas_context *context, fnas_worker *worker, fnas_zico *zico, const fnas_net *net,
                            const fnas_parameters *parameters, int64_t n, const float *images, const int32_t *labels, double *score) {
    size_t floats = FNAS_ZICO_BATCHES * (size_t)parameters->float_count;
    if (!fnas_grow((void **)&zico->gradients, &zico->capacity, floats, sizeof *zico->gradients))
        return fnas_fail_memory(context, "gradients of a network");
    memset(zico->gradients, 0, floats * sizeof *zico->gradients);
    const fnas_path_request request = {
        .net = net, .parameters = parameters, .n = n / FNAS_ZICO_BATCHES, .images = images, .labels = labels, .scale = 1};
    for (int64_t b = 0; b < FNAS_ZICO_BATCHES; b++) FNAS_TRY(add_gradients(context, worker, zico, request, b));
    *score = sum_layers(zico, parameters);
    return FNAS_OK;
}
