#include "nn/linear_net.h"

#include <math.h>
#include <stdio.h>

#include "nn/node.h"

static bool fnas_linear_has_weights(const fnas_node *node) {
    return node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR;
}

/* ---- the network ---- */

static fnas_status fnas_linear_declare(fnas_context *context, int64_t index, fnas_linear_net *linear) {
    fnas_conv_spec *conv = &linear->net->nodes[index].conv;
    char name[32];
    snprintf(name, sizeof name, "node%lld", (long long)index);
    conv->bias = FNAS_PARAMETER_NONE;
    conv->transform_count = 0;
    return fnas_parameters_add(context, &linear->parameters, name, 4, (int64_t[]){conv->out, conv->in, conv->kernel, conv->kernel},
                               FNAS_INIT_FAN_IN_UNIFORM, 0, &conv->weight);
}

/* For positive numbers: norms and activations do nothing, a channel's factor is left out. */
static void fnas_linear_straighten(fnas_node *node) {
    if (node->kind == FNAS_NODE_NORM || node->kind == FNAS_NODE_CHANNEL_SCALE) node->kind = FNAS_NODE_IDENTITY;
    if (node->kind == FNAS_NODE_HARD_SWISH) node->kind = FNAS_NODE_RELU;
    node->factors = FNAS_VALUE_NEW;
    node->norm = (fnas_norm_spec){.present = false};
    node->norm_index = -1;
}

static fnas_status fnas_linear_declare_all(fnas_context *context, fnas_linear_net *linear) {
    fnas_net *net = linear->net;
    for (int64_t i = 0; i < net->node_count; i++) {
        fnas_node *node = &net->nodes[i];
        fnas_linear_straighten(node);
        if (fnas_linear_has_weights(node)) FNAS_TRY(fnas_linear_declare(context, i, linear));
    }
    net->norm_count = net->norm_channels = 0;
    return fnas_parameters_allocate(context, &linear->parameters);
}

/* ---- its weights ---- */

static double fnas_linear_spread(const fnas_parameter *shared, const fnas_conv_spec *slice) {
    if (shared->initialiser != FNAS_INIT_FAN_IN_UNIFORM) return 1;
    return sqrt((double)shared->fan_in / (double)(slice->in * slice->kernel * slice->kernel));
}

static void fnas_linear_fill(const fnas_parameters *shared, const fnas_conv_spec *slice, const fnas_conv_spec *own,
                             fnas_linear_net *linear) {
    const fnas_parameter *from = &shared->items[slice->weight], *to = &linear->parameters.items[own->weight];
    float *values = linear->parameters.values + to->offset, spread = (float)fnas_linear_spread(from, slice);
    fnas_slice_gather(shared, slice, values);
    for (int64_t i = 0; i < to->count; i++) values[i] = fabsf(values[i]) * spread;
}

fnas_status fnas_linear_net_create(fnas_context *context, const fnas_net *net, const fnas_parameters *parameters, fnas_linear_net *linear) {
    *linear = (fnas_linear_net){.net = NULL};
    FNAS_TRY(fnas_net_copy(context, net, &linear->net));
    FNAS_TRY(fnas_linear_declare_all(context, linear));
    for (int64_t i = 0; i < net->node_count; i++)
        if (fnas_linear_has_weights(&net->nodes[i])) fnas_linear_fill(parameters, &net->nodes[i].conv, &linear->net->nodes[i].conv, linear);
    return FNAS_OK;
}

void fnas_linear_net_free(fnas_linear_net *linear) {
    fnas_net_destroy(linear->net);
    fnas_parameters_free(&linear->parameters);
    linear->net = NULL;
}
