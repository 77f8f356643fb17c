/* Nodes without weights, and the linear layer. */
#include <string.h>

#include "nn/node.h"

static void fnas_node_needs_nothing(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    (void)path, (void)index, (void)needs;
}

/* ---- ReLU: its result is positive exactly where its source is, so the source need not be kept ---- */

static void fnas_relu_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    (void)path, (void)index;
    needs->result = true;
}

static int64_t fnas_plain_count(const fnas_path *path, fnas_value value) {
    return path->request->n * path->net->values[value].c;
}

static fnas_status fnas_relu_node_forward(const fnas_path *path, int64_t index) {
    fnas_value source = path->net->nodes[index].source;
    if (path->values[source].plain) {
        fnas_activation_forward_plain(FNAS_ACTIVATION_RELU, fnas_plain_count(path, source), fnas_path_source_data(path, index),
                                      fnas_path_result_data(path, index));
        return FNAS_OK;
    }
    fnas_relu_forward(path->engine, fnas_path_shape(path, path->net->nodes[index].source), fnas_path_source_data(path, index),
                      fnas_path_result_data(path, index));
    return FNAS_OK;
}

static fnas_status fnas_relu_node_backward(const fnas_path *path, int64_t index) {
    fnas_value source = path->net->nodes[index].source;
    if (path->values[source].plain)
        fnas_activation_backward_plain(FNAS_ACTIVATION_RELU, fnas_plain_count(path, source), fnas_path_result_data(path, index),
                                       fnas_path_upstream(path, index), !path->nodes[index].writes_gradient,
                                       fnas_path_source_gradient(path, index));
    else
        fnas_relu_backward(path->engine, fnas_path_shape(path, source), fnas_path_result_data(path, index), fnas_path_upstream(path, index),
                           !path->nodes[index].writes_gradient, fnas_path_source_gradient(path, index));
    return FNAS_OK;
}

const fnas_node_type fnas_node_relu = {fnas_relu_node_needs, fnas_relu_node_forward, fnas_relu_node_backward};

/* ---- hard swish, hard sigmoid: their slopes depend on the source ---- */

static void fnas_activation_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    (void)path, (void)index;
    needs->source = true;
}

static fnas_status fnas_hard_swish_node_forward(const fnas_path *path, int64_t index) {
    fnas_value source = path->net->nodes[index].source;
    if (path->values[source].plain)
        fnas_activation_forward_plain(FNAS_ACTIVATION_HARD_SWISH, fnas_plain_count(path, source), fnas_path_source_data(path, index),
                                      fnas_path_result_data(path, index));
    else
        fnas_hard_swish_forward(path->engine, fnas_path_shape(path, source), fnas_path_source_data(path, index),
                                fnas_path_result_data(path, index));
    return FNAS_OK;
}

static fnas_status fnas_hard_swish_node_backward(const fnas_path *path, int64_t index) {
    fnas_value source = path->net->nodes[index].source;
    bool accumulate = !path->nodes[index].writes_gradient;
    if (path->values[source].plain)
        fnas_activation_backward_plain(FNAS_ACTIVATION_HARD_SWISH, fnas_plain_count(path, source), fnas_path_source_data(path, index),
                                       fnas_path_upstream(path, index), accumulate, fnas_path_source_gradient(path, index));
    else
        fnas_hard_swish_backward(path->engine, fnas_path_shape(path, source), fnas_path_source_data(path, index),
                                 fnas_path_upstream(path, index), accumulate, fnas_path_source_gradient(path, index));
    return FNAS_OK;
}

const fnas_node_type fnas_node_hard_swish = {fnas_activation_node_needs, fnas_hard_swish_node_forward, fnas_hard_swish_node_backward};

static fnas_status fnas_hard_sigmoid_node_forward(const fnas_path *path, int64_t index) {
    fnas_activation_forward_plain(FNAS_ACTIVATION_HARD_SIGMOID, fnas_plain_count(path, path->net->nodes[index].source),
                                  fnas_path_source_data(path, index), fnas_path_result_data(path, index));
    return FNAS_OK;
}

static fnas_status fnas_hard_sigmoid_node_backward(const fnas_path *path, int64_t index) {
    fnas_activation_backward_plain(FNAS_ACTIVATION_HARD_SIGMOID, fnas_plain_count(path, path->net->nodes[index].source),
                                   fnas_path_source_data(path, index), fnas_path_upstream(path, index), !path->nodes[index].writes_gradient,
                                   fnas_path_source_gradient(path, index));
    return FNAS_OK;
}

const fnas_node_type fnas_node_hard_sigmoid = {fnas_activation_node_needs, fnas_hard_sigmoid_node_forward, fnas_hard_sigmoid_node_backward};

/* ---- channel scale ---- */

static void fnas_channel_scale_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    needs->source = path->nodes[index].diff_factors;
    needs->factors = path->nodes[index].diff_source;
}

static fnas_status fnas_channel_scale_node_forward(const fnas_path *path, int64_t index) {
    fnas_channel_scale_forward(path->engine, fnas_path_shape(path, path->net->nodes[index].source), fnas_path_source_data(path, index),
                               fnas_path_factors_data(path, index), fnas_path_result_data(path, index));
    return FNAS_OK;
}

static fnas_status fnas_channel_scale_node_backward(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    const fnas_channel_scale_gradients wanted = {.src = fnas_path_source_gradient(path, index),
                                                 .factors = fnas_path_factors_gradient(path, index),
                                                 .accumulate_src = !plan->writes_gradient,
                                                 .accumulate_factors = !plan->writes_factors_gradient};
    fnas_channel_scale_backward(path->engine, fnas_path_shape(path, plan->source), fnas_path_source_data(path, index),
                                fnas_path_factors_data(path, index), fnas_path_upstream(path, index), &wanted);
    return FNAS_OK;
}

const fnas_node_type fnas_node_channel_scale = {fnas_channel_scale_node_needs, fnas_channel_scale_node_forward,
                                                fnas_channel_scale_node_backward};

/* ---- average pool; the gate's gradient <U, pool(x)> is taken as <pool^T U, x>, which the data gradient needs anyway ---- */

static fnas_pool_shape fnas_pool_node_shape(const fnas_path *path, const fnas_node *node) {
    fnas_shape in = fnas_path_shape(path, node->source);
    return (fnas_pool_shape){in.n, in.c, in.h, in.w, node->pool_kernel, node->pool_stride, node->pool_padding};
}

static void fnas_pool_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    const fnas_node_plan *plan = &path->nodes[index];
    needs->source = plan->diff_gate;
    if (plan->diff_gate && !(plan->diff_source && plan->writes_gradient))
        needs->backward_bytes = fnas_path_bytes(path, path->net->nodes[index].source);
}

static fnas_status fnas_pool_node_forward(const fnas_path *path, int64_t index) {
    fnas_pool_shape shape = fnas_pool_node_shape(path, &path->net->nodes[index]);
    return fnas_average_pool_forward(path->context, path->engine, &shape, fnas_path_source_data(path, index), !path->nodes[index].writes,
                                     fnas_path_result_data(path, index));
}

static fnas_status fnas_pool_node_backward(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_pool_shape shape = fnas_pool_node_shape(path, node);
    void *gradient = fnas_path_source_gradient(path, index), *scratch = fnas_path_buffer(path, plan->backward_scratch);
    void *alone = scratch ? scratch : gradient;
    bool accumulate = !plan->diff_gate && !plan->writes_gradient;
    FNAS_TRY(fnas_average_pool_backward(path->context, path->engine, &shape, fnas_path_upstream(path, index), accumulate, alone));
    if (plan->diff_gate)
        path->dots[index] = fnas_dot(path->engine, fnas_path_shape(path, node->source), alone, fnas_path_source_data(path, index));
    if (scratch && plan->diff_source)
        fnas_add(path->engine, fnas_path_shape(path, node->source), scratch, !plan->writes_gradient, gradient);
    return FNAS_OK;
}

const fnas_node_type fnas_node_average_pool = {fnas_pool_node_needs, fnas_pool_node_forward, fnas_pool_node_backward};

/* ---- identity ---- */

static void fnas_identity_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    needs->source = path->nodes[index].diff_gate;
}

static fnas_status fnas_identity_node_forward(const fnas_path *path, int64_t index) {
    fnas_add(path->engine, fnas_path_shape(path, path->net->nodes[index].source), fnas_path_source_data(path, index),
             !path->nodes[index].writes, fnas_path_result_data(path, index));
    return FNAS_OK;
}

static fnas_status fnas_identity_node_backward(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_shape shape = fnas_path_shape(path, path->net->nodes[index].source);
    const void *upstream = fnas_path_upstream(path, index);
    void *gradient = fnas_path_source_gradient(path, index);
    if (plan->diff_gate && plan->diff_source)
        fnas_gate_backward(path->engine, shape, 1.0f, fnas_path_source_data(path, index), upstream, !plan->writes_gradient, gradient,
                           &path->dots[index]);
    else if (plan->diff_gate)
        path->dots[index] = fnas_dot(path->engine, shape, upstream, fnas_path_source_data(path, index));
    else
        fnas_add(path->engine, shape, upstream, !plan->writes_gradient, gradient);
    return FNAS_OK;
}

const fnas_node_type fnas_node_identity = {fnas_identity_node_needs, fnas_identity_node_forward, fnas_identity_node_backward};

/* ---- zero: its own gate entry gets nothing ---- */

static fnas_status fnas_zero_node_forward(const fnas_path *path, int64_t index) {
    if (path->nodes[index].writes) memset(fnas_path_result_data(path, index), 0, fnas_path_bytes(path, path->net->nodes[index].result));
    return FNAS_OK;
}

static fnas_status fnas_zero_node_backward(const fnas_path *path, int64_t index) {
    path->dots[index] = 0.0;
    return FNAS_OK;
}

const fnas_node_type fnas_node_zero = {fnas_node_needs_nothing, fnas_zero_node_forward, fnas_zero_node_backward};

/* ---- global average pool ---- */

static fnas_status fnas_global_pool_node_forward(const fnas_path *path, int64_t index) {
    fnas_global_pool_forward(path->engine, fnas_path_shape(path, path->net->nodes[index].source), fnas_path_source_data(path, index),
                             fnas_path_result_data(path, index));
    return FNAS_OK;
}

static fnas_status fnas_global_pool_node_backward(const fnas_path *path, int64_t index) {
    fnas_global_pool_backward(path->engine, fnas_path_shape(path, path->net->nodes[index].source), fnas_path_upstream(path, index),
                              !path->nodes[index].writes_gradient, fnas_path_source_gradient(path, index));
    return FNAS_OK;
}

const fnas_node_type fnas_node_global_pool = {fnas_node_needs_nothing, fnas_global_pool_node_forward, fnas_global_pool_node_backward};

/* ---- linear; sources and results are plain [n][C] ---- */

static int64_t fnas_linear_node_slice_floats(const fnas_path *path, const fnas_node *node) {
    return fnas_slice_is_prefix(path->request->parameters, &node->conv) ? 0 : fnas_slice_floats(&node->conv);
}

static const float *fnas_linear_node_weights(const fnas_path *path, const fnas_node *node, float *scratch) {
    if (fnas_linear_node_slice_floats(path, node) == 0) return fnas_path_parameter(path, node->conv.weight);
    fnas_slice_gather(path->request->parameters, &node->conv, scratch);
    return scratch;
}

/* backward scratch: weight slice, its gradient, then the source's gradient where another node has given it one already. */
static void fnas_linear_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    size_t slice = (size_t)fnas_linear_node_slice_floats(path, node) * sizeof(float);
    needs->forward_bytes = slice;
    needs->backward_bytes = 2 * slice + (plan->diff_source && !plan->writes_gradient ? fnas_path_bytes(path, node->source) : 0);
    needs->source = plan->diff_weights;
}

static fnas_status fnas_linear_node_forward(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const float *weights = fnas_linear_node_weights(path, node, fnas_path_buffer(path, path->nodes[index].forward_scratch));
    fnas_linear_forward(path->engine, path->request->n, node->conv.in, node->conv.out, fnas_path_source_data(path, index), weights,
                        fnas_path_parameter(path, node->conv.bias), fnas_path_result_data(path, index));
    return FNAS_OK;
}

static fnas_status fnas_linear_node_backward(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    int64_t slice = fnas_linear_node_slice_floats(path, node), source_floats = path->request->n * node->conv.in;
    float *scratch = fnas_path_buffer(path, plan->backward_scratch), *gradient = fnas_path_source_gradient(path, index);
    const float *weights = fnas_linear_node_weights(path, node, scratch);
    float *whole = plan->diff_weights ? fnas_path_parameter_gradient(path, node->conv.weight) : NULL;
    float *part = slice && whole ? scratch + slice : NULL, *diff_weights = part ? part : whole;
    bool apart = gradient && !plan->writes_gradient;
    float *diff_source = apart ? scratch + 2 * slice : gradient;
    if (part) memset(part, 0, (size_t)slice * sizeof *part);
    fnas_linear_backward(path->engine, path->request->n, node->conv.in, node->conv.out,
                         plan->diff_weights ? fnas_path_source_data(path, index) : NULL, weights, fnas_path_upstream(path, index),
                         diff_source, diff_weights, fnas_path_parameter_gradient(path, node->conv.bias));
    if (part) fnas_slice_scatter_add(path->request->parameters, &node->conv, part, path->request->weight_gradient);
    if (apart)
        for (int64_t i = 0; i < source_floats; i++) gradient[i] += diff_source[i];
    return FNAS_OK;
}

const fnas_node_type fnas_node_linear = {fnas_linear_node_needs, fnas_linear_node_forward, fnas_linear_node_backward};
