#include "estimate/meco.h"

#include <math.h>

/* One network while it runs. */
typedef struct correlating {
    const fnas_worker *worker;
    fnas_channels *channels;
    const fnas_net *net;
    int64_t images;
    double sum;
} correlating;

static fnas_status see_source(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source) {
    correlating *c = user;
    fnas_value_shape shape = c->net->values[c->net->nodes[node].source];
    if (c->net->nodes[node].kind != FNAS_NODE_RELU || shape.h * shape.w <= shape.c) return FNAS_OK;
    for (int64_t i = 0; i < c->images; i++) {
        FNAS_TRY(fnas_channels_covary(context, c->worker, (fnas_shape){1, shape.c, shape.h, shape.w}, source + i * floats, c->channels));
        fnas_channels_correlate(shape.c, c->channels);
        FNAS_TRY(fnas_channels_decompose(context, shape.c, c->channels));
        c->sum += c->channels->eigenvalues[0] / (double)c->images;
    }
    return FNAS_OK;
}

fnas_status fnas_meco_score(fnas_context *context, fnas_worker *worker, fnas_channels *channels, const fnas_net *net,
                            const fnas_parameters *parameters, int64_t n, const float *images, double *score) {
    correlating c = {.worker = worker, .channels = channels, .net = net, .images = n < FNAS_MECO_IMAGES ? n : FNAS_MECO_IMAGES};
    fnas_path_request request = {
        .net = net, .parameters = parameters, .n = n, .images = images, .observe_source = see_source, .observer = &c};
    fnas_path_result result;
    FNAS_TRY(fnas_path_run(context, worker, &request, &result));
    *score = c.sum;
    return FNAS_OK;
}
