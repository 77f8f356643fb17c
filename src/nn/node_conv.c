/* Convolution, with normalisation behind it where present, and an activation before it where the plan has absorbed one. The convolution's
 * own output z is kept for the backward pass of the norm. The bias of a convolution before a norm is left out: statistics of the batch take
 * it away again (so that its gradient is zero), and given ones are shifted (node_norm.c). */
#include <math.h>
#include <string.h>

#include "nn/node.h"

static fnas_conv_shape fnas_conv_node_shape(const fnas_path *path, int64_t index) {
    const fnas_conv_spec *conv = &path->net->nodes[index].conv;
    fnas_value source = path->nodes[index].source;
    fnas_shape in = fnas_path_shape(path, source);
    return (fnas_conv_shape){.n = in.n,
                             .in_channels = in.c,
                             .in_h = in.h,
                             .in_w = in.w,
                             .out_channels = conv->out,
                             .kernel_h = conv->kernel,
                             .kernel_w = conv->kernel,
                             .stride = conv->stride,
                             .padding = conv->padding,
                             .groups = conv->groups,
                             .image_source = source == 0};
}

/* ---- weights: the parameter itself, or its slice gathered into `scratch` ---- */

static const float *fnas_conv_node_weights(const fnas_path *path, const fnas_node *node, float *scratch) {
    const fnas_parameters *parameters = path->request->parameters;
    if (fnas_slice_is_prefix(parameters, &node->conv)) return fnas_path_parameter(path, node->conv.weight);
    fnas_slice_gather(parameters, &node->conv, scratch);
    return scratch;
}

static int64_t fnas_conv_node_slice_floats(const fnas_path *path, const fnas_node *node) {
    return fnas_slice_is_prefix(path->request->parameters, &node->conv) ? 0 : fnas_slice_floats(&node->conv);
}

/* Where the gradient of the weights is added: the parameter's own, or zeros in `scratch` that are added to it afterwards. */
static float *fnas_conv_node_diff_weights(const fnas_path *path, const fnas_node *node, float *scratch) {
    int64_t slice = fnas_conv_node_slice_floats(path, node);
    if (slice == 0) return fnas_path_parameter_gradient(path, node->conv.weight);
    memset(scratch, 0, (size_t)slice * sizeof *scratch);
    return scratch;
}

static void fnas_conv_node_add_slice(const fnas_path *path, const fnas_node *node, const float *diff_weights) {
    if (diff_weights != fnas_path_parameter_gradient(path, node->conv.weight))
        fnas_slice_scatter_add(path->request->parameters, &node->conv, diff_weights, path->request->weight_gradient);
}

/* ---- what is kept ---- */

/* As one operator. */
bool fnas_conv_node_is_fused(const fnas_node *node) {
    return node->kind == FNAS_NODE_CONV && node->norm.present;
}

/* Without a norm: z is apart from the result where the result is a sum, or where the gate's gradient needs this node's share. */
static bool fnas_conv_node_has_z(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    return path->net->nodes[index].norm.present || !plan->writes || plan->diff_gate;
}

/* kept: z, statistics. forward scratch: weight slice. backward scratch: weight slice, its gradient. */
static void fnas_conv_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    size_t z = fnas_path_bytes(path, node->result), slice = (size_t)fnas_conv_node_slice_floats(path, node) * sizeof(float);
    if (fnas_conv_node_has_z(path, index)) needs->kept_bytes = z;
    needs->kept_bytes += fnas_norm_statistics_bytes(path, index);
    needs->forward_bytes = slice;
    needs->backward_bytes = 2 * slice;
    needs->source = plan->diff_weights || plan->activation != FNAS_ACTIVATION_NONE;
}

float *fnas_conv_node_statistics(const fnas_path *path, int64_t index) {
    char *kept = fnas_path_buffer(path, path->nodes[index].kept);
    return (float *)(kept + fnas_path_bytes(path, path->net->nodes[index].result));
}

bool fnas_conv_node_is_finite(const fnas_path *path, int64_t index) {
    fnas_shape shape = fnas_path_shape(path, path->net->nodes[index].result);
    return isfinite(fnas_sum(path->engine, shape, fnas_path_buffer(path, path->nodes[index].kept)));
}

/* ---- as one operator ---- */

static fnas_source_state fnas_conv_node_source_state(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    if (plan->activation == FNAS_ACTIVATION_NONE) return FNAS_SOURCE_PLAIN;
    if (plan->activation == FNAS_ACTIVATION_HARD_SWISH) return FNAS_SOURCE_TO_HARD_SWISH;
    return path->values[plan->source].rectified ? FNAS_SOURCE_RECTIFIED : FNAS_SOURCE_TO_RECTIFY;
}

/* As it stands behind the forward pass. */
static fnas_norm_given fnas_conv_node_norm(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    float *statistics = fnas_conv_node_statistics(path, index);
    return (fnas_norm_given){node->norm.epsilon, statistics, fnas_norm_variance(path, index, statistics),
                             fnas_path_parameter(path, node->norm.gamma), fnas_path_parameter(path, node->norm.beta)};
}

/* But for its weights. */
static fnas_conv_norm fnas_conv_node_operator(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    float *statistics = fnas_conv_node_statistics(path, index);
    fnas_value source = path->nodes[index].source;
    int64_t unmade = source > 0 ? path->values[source].unmade : -1;
    return (fnas_conv_norm){.source_normed = unmade >= 0,
                            .source_norm = unmade >= 0 ? fnas_conv_node_norm(path, unmade) : (fnas_norm_given){0},
                            .conv = fnas_conv_node_shape(path, index),
                            .state = fnas_conv_node_source_state(path, index),
                            .epsilon = node->norm.epsilon,
                            .src = fnas_path_source_data(path, index),
                            .gamma = fnas_path_parameter(path, node->norm.gamma),
                            .beta = fnas_path_parameter(path, node->norm.beta),
                            .z = fnas_path_buffer(path, path->nodes[index].kept),
                            .mean = statistics,
                            .variance = fnas_norm_variance(path, index, statistics)};
}

/* Its own share of the result, and those that were deferred to it. */
static void fnas_conv_node_sum(const fnas_path *path, int64_t index) {
    fnas_value result = path->net->nodes[index].result;
    fnas_conv_norm ops[FNAS_SUM_MAX];
    int64_t count = 0;
    for (int64_t i = 0; i < index; i++)
        if (path->nodes[i].deferred && path->net->nodes[i].result == result) ops[count++] = fnas_conv_node_operator(path, i);
    ops[count++] = fnas_conv_node_operator(path, index);
    fnas_conv_norm_sum(path->engine, count, ops, !path->nodes[index].writes, path->values[result].rectified,
                       fnas_path_result_data(path, index));
}

void fnas_conv_node_restore(const fnas_path *path, int64_t index) {
    const fnas_value_plan *value = &path->values[path->net->nodes[index].result];
    fnas_conv_norm op = fnas_conv_node_operator(path, index);
    fnas_conv_norm_sum(path->engine, 1, &op, false, value->rectified, fnas_path_buffer(path, value->restored));
}

static fnas_status fnas_conv_node_forward_fused(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_conv_norm op = fnas_conv_node_operator(path, index);
    bool given = path->request->statistics != NULL;
    op.weights = fnas_conv_node_weights(path, &path->net->nodes[index], fnas_path_buffer(path, plan->forward_scratch));
    if (given) fnas_norm_load_given(path, index, op.mean);
    FNAS_TRY(fnas_conv_norm_forward(path->context, path->engine, &op, !given));
    if (!given) fnas_norm_store_batch(path, index, op.mean);
    if (!plan->deferred && path->values[path->net->nodes[index].result].unmade < 0) fnas_conv_node_sum(path, index);
    return FNAS_OK;
}

static fnas_status fnas_conv_node_backward_fused(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    int64_t slice_floats = fnas_conv_node_slice_floats(path, node);
    float *slice = fnas_path_buffer(path, plan->backward_scratch), *diff_slice = slice_floats ? slice + slice_floats : NULL;
    fnas_conv_norm op = fnas_conv_node_operator(path, index);
    if (plan->diff_source) op.weights = fnas_conv_node_weights(path, node, slice);
    fnas_conv_norm_gradients wanted = {.weights = plan->diff_weights ? fnas_conv_node_diff_weights(path, node, diff_slice) : NULL,
                                       .gamma = fnas_path_parameter_gradient(path, node->norm.gamma),
                                       .beta = fnas_path_parameter_gradient(path, node->norm.beta),
                                       .src = fnas_path_source_gradient(path, index),
                                       .accumulate = !plan->writes_gradient};
    FNAS_TRY(fnas_conv_norm_backward(path->context, path->engine, &op, fnas_path_upstream(path, index), &wanted));
    if (plan->diff_gate) path->dots[index] = wanted.dot;
    if (plan->sums_upstream) path->totals[node->result] = wanted.total;
    if (wanted.weights) fnas_conv_node_add_slice(path, node, wanted.weights);
    return FNAS_OK;
}

/* ---- without a norm ---- */

static fnas_status fnas_conv_node_forward_alone(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_conv_shape shape = fnas_conv_node_shape(path, index);
    void *kept = fnas_path_buffer(path, plan->kept), *result = fnas_path_result_data(path, index);
    bool has_z = fnas_conv_node_has_z(path, index);
    const float *weights = fnas_conv_node_weights(path, node, fnas_path_buffer(path, plan->forward_scratch));
    FNAS_TRY(fnas_conv_forward(path->context, path->engine, &shape, fnas_path_source_data(path, index), weights,
                               fnas_path_parameter(path, node->conv.bias), has_z ? kept : result));
    if (has_z) fnas_add(path->engine, fnas_path_shape(path, node->result), kept, !plan->writes, result);
    return FNAS_OK;
}

static fnas_status fnas_conv_node_backward_weights(const fnas_path *path, int64_t index, const fnas_conv_shape *shape, float *scratch) {
    const fnas_node *node = &path->net->nodes[index];
    float *diff_weights = fnas_conv_node_diff_weights(path, node, scratch);
    FNAS_TRY(fnas_conv_backward_weights(path->context, path->engine, shape, fnas_path_source_data(path, index),
                                        fnas_path_upstream(path, index), diff_weights,
                                        fnas_path_parameter_gradient(path, node->conv.bias)));
    fnas_conv_node_add_slice(path, node, diff_weights);
    return FNAS_OK;
}

static fnas_status fnas_conv_node_backward_alone(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_conv_shape shape = fnas_conv_node_shape(path, index);
    const void *upstream = fnas_path_upstream(path, index);
    float *slice = fnas_path_buffer(path, plan->backward_scratch);
    if (plan->diff_gate)
        path->dots[index] = fnas_dot(path->engine, fnas_path_shape(path, node->result), upstream, fnas_path_buffer(path, plan->kept));
    if (plan->diff_weights) FNAS_TRY(fnas_conv_node_backward_weights(path, index, &shape, slice + fnas_conv_node_slice_floats(path, node)));
    if (!plan->diff_source) return FNAS_OK;
    return fnas_conv_backward_data(path->context, path->engine, &shape, upstream, fnas_conv_node_weights(path, node, slice),
                                   !plan->writes_gradient, fnas_path_source_gradient(path, index));
}

/* ---- */

static fnas_status fnas_conv_node_forward(const fnas_path *path, int64_t index) {
    return fnas_conv_node_is_fused(&path->net->nodes[index]) ? fnas_conv_node_forward_fused(path, index)
                                                             : fnas_conv_node_forward_alone(path, index);
}

static fnas_status fnas_conv_node_backward(const fnas_path *path, int64_t index) {
    return fnas_conv_node_is_fused(&path->net->nodes[index]) ? fnas_conv_node_backward_fused(path, index)
                                                             : fnas_conv_node_backward_alone(path, index);
}

const fnas_node_type fnas_node_conv = {fnas_conv_node_needs, fnas_conv_node_forward, fnas_conv_node_backward};
