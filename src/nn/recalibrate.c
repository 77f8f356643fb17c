#include <string.h>

#include "nn/path.h"

/* Mean and second moment about the mean, pooled chunk by chunk in double precision (Chan et al. 1979). */
typedef struct fnas_pooled {
    double *mean, *square; /* [channels] */
    int64_t n;
} fnas_pooled;

static void fnas_pool_chunk(fnas_pooled *pooled, int64_t channels, int64_t n, const fnas_norm_state *chunk) {
    double total = (double)(pooled->n + n), share = (double)n / total;
    for (int64_t c = 0; c < channels; c++) {
        double delta = (double)chunk->mean[c] - pooled->mean[c];
        pooled->square[c] += (double)n * chunk->variance[c] + delta * delta * (double)pooled->n * share;
        pooled->mean[c] += delta * share;
    }
    pooled->n += n;
}

static fnas_status fnas_recalibrate_chunks(fnas_context *context, fnas_worker *worker, fnas_path_request *request, int64_t n, int64_t chunk,
                                           fnas_pooled *pooled) {
    fnas_value_shape image = request->image_shape;
    const float *images = request->images;
    for (int64_t first = 0; first < n; first += chunk) {
        fnas_path_result result;
        request->n = n - first < chunk ? n - first : chunk;
        request->images = images + first * image.c * image.h * image.w;
        FNAS_TRY(fnas_path_run(context, worker, request, &result));
        fnas_pool_chunk(pooled, request->net->norm_channels, request->n, request->batch_statistics);
    }
    return FNAS_OK;
}

fnas_status fnas_path_recalibrate(fnas_context *context, fnas_worker *worker, const fnas_net *net, const fnas_parameters *parameters,
                                  int64_t n, int64_t chunk, fnas_value_shape image_shape, const float *images, fnas_norm_state *state) {
    if (n < 1 || chunk < 1) return fnas_fail(context, FNAS_ERR_INPUT, "recalibration needs at least one image");
    int64_t channels = net->norm_channels;
    double *memory = fnas_allocate((size_t)channels, 2 * sizeof(double));
    if (!memory) return fnas_fail_memory(context, "recalibration");
    fnas_pooled pooled = {.mean = memory, .square = memory + channels};
    fnas_path_request request = {.net = net,
                                 .parameters = parameters,
                                 .images = images,
                                 .image_shape = image_shape.c ? image_shape : net->values[0],
                                 .batch_statistics = state};
    fnas_status status = fnas_recalibrate_chunks(context, worker, &request, n, chunk, &pooled);
    for (int64_t c = 0; status == FNAS_OK && c < channels; c++) {
        state->mean[c] = (float)pooled.mean[c];
        state->variance[c] = (float)(pooled.square[c] / (double)n);
    }
    fnas_free(memory);
    return status;
}
