#include "estimate/synflow.h"

#include <math.h>
#include <string.h>

#include "nn/linear_net.h"

/* R grows by about an order of magnitude a layer, to 1e49 in NAS-Bench-201's largest network. It is taken of an image of this, by which it
 * is linear, and gradients of log R rather than R: all numbers then fit into f32. */
#define PIXEL 0x1p-100f

void fnas_synflow_free(fnas_synflow *synflow) {
    fnas_free(synflow->image);
    fnas_free(synflow->gradient);
    *synflow = (fnas_synflow){0};
}

static fnas_status prepare(fnas_context *context, fnas_synflow *synflow, const fnas_linear_net *linear) {
    fnas_value_shape shape = linear->net->values[0];
    size_t pixels = (size_t)(shape.c * shape.h * shape.w), weights = (size_t)linear->parameters.float_count;
    if (!fnas_grow((void **)&synflow->image, &synflow->image_capacity, pixels, sizeof *synflow->image) ||
        !fnas_grow((void **)&synflow->gradient, &synflow->gradient_capacity, weights, sizeof *synflow->gradient))
        return fnas_fail_memory(context, "gradients of a network");
    for (size_t i = 0; i < pixels; i++) synflow->image[i] = PIXEL;
    memset(synflow->gradient, 0, weights * sizeof *synflow->gradient);
    return FNAS_OK;
}

/* log sum of w dR/dw = log R + log sum of w dlog R/dw; padding of the parameters is 0. */
static fnas_status score_linear(fnas_context *context, fnas_worker *worker, fnas_synflow *synflow, const fnas_linear_net *linear,
                                double *score) {
    const fnas_parameters *parameters = &linear->parameters;
    FNAS_TRY(prepare(context, synflow, linear));
    fnas_path_request request = {.net = linear->net,
                                 .parameters = parameters,
                                 .n = 1,
                                 .images = synflow->image,
                                 .loss = FNAS_PATH_LOG_SUM,
                                 .scale = 1,
                                 .weight_gradient = synflow->gradient};
    fnas_path_result result;
    FNAS_TRY(fnas_path_run(context, worker, &request, &result));
    double sum = 0;
    for (int64_t i = 0; i < parameters->float_count; i++) sum += (double)parameters->values[i] * (double)synflow->gradient[i];
    *score = result.loss - log((double)PIXEL) + log(sum);
    return FNAS_OK;
}

fnas_status fnas_synflow_score(fnas_context *context, fnas_worker *worker, fnas_synflow *synflow, const fnas_net *net,
                               const fnas_parameters *parameters, double *score) {
    fnas_linear_net linear;
    fnas_status status = fnas_linear_net_create(context, net, parameters, &linear);
    if (status == FNAS_OK) status = score_linear(context, worker, synflow, &linear, score);
    fnas_linear_net_free(&linear);
    return status;
}
