/* Convolution, with normalisation behind it where present. The convolution's own output z is kept for the backward pass of the norm. */
#include <string.h>

#include "nn/node.h"

static fnas_conv_shape fnas_conv_node_shape(const fnas_path *path, const fnas_node *node) {
    fnas_shape in = fnas_path_shape(path, node->source);
    const fnas_conv_spec *conv = &node->conv;
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
                             .image_source = node->source == 0};
}

static const fnas_parameter *fnas_conv_node_parameter(const fnas_path *path, const fnas_node *node) {
    return &path->request->parameters->items[node->conv.weight];
}

/* The weights that the operator reads: the parameter itself, or its slice gathered into `scratch`. */
static const float *fnas_conv_node_weights(const fnas_path *path, const fnas_node *node, float *scratch) {
    const fnas_parameter *parameter = fnas_conv_node_parameter(path, node);
    const float *whole = fnas_path_parameter(path, node->conv.weight);
    if (fnas_slice_is_prefix(parameter, &node->conv)) return whole;
    fnas_slice_gather(parameter, &node->conv, whole, scratch);
    return scratch;
}

static int64_t fnas_conv_node_slice_floats(const fnas_path *path, const fnas_node *node) {
    return fnas_slice_is_prefix(fnas_conv_node_parameter(path, node), &node->conv) ? 0 : fnas_slice_floats(&node->conv);
}

/* Without a norm: z is apart from the result where the result is a sum, or where the gate's gradient needs this node's share. */
static bool fnas_conv_node_keeps_share(const fnas_path *path, int64_t index) {
    return !path->net->nodes[index].norm.present && path->nodes[index].diff_gate;
}

static bool fnas_conv_node_has_z(const fnas_path *path, int64_t index) {
    return path->net->nodes[index].norm.present || !path->nodes[index].writes || fnas_conv_node_keeps_share(path, index);
}

/* kept: z, statistics. forward scratch: weight slice. backward scratch: dz (with a norm), weight slice, its gradient. */
static void fnas_conv_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    int64_t z = fnas_path_floats(path, node->result), slice = fnas_conv_node_slice_floats(path, node);
    if (fnas_conv_node_has_z(path, index)) needs->kept_floats = z;
    needs->kept_floats += fnas_norm_statistics_floats(path, index);
    needs->forward_floats = slice;
    needs->backward_floats = (node->norm.present ? z : 0) + (plan->diff_source ? slice : 0) + (plan->diff_weights ? slice : 0);
    needs->source = plan->diff_weights;
}

static fnas_status fnas_conv_node_forward(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_conv_shape shape = fnas_conv_node_shape(path, node);
    float *kept = fnas_path_buffer(path, plan->kept), *result = fnas_path_result_data(path, index);
    bool has_z = fnas_conv_node_has_z(path, index);
    const float *weights = fnas_conv_node_weights(path, node, fnas_path_buffer(path, plan->forward_scratch));
    FNAS_TRY(fnas_conv_forward(path->context, path->engine, &shape, fnas_path_source_data(path, index), weights,
                               fnas_path_parameter(path, node->conv.bias), has_z ? kept : result));
    if (node->norm.present)
        fnas_norm_apply(path, index, kept, kept + fnas_path_floats(path, node->result));
    else if (has_z)
        fnas_add(path->engine, fnas_path_shape(path, node->result), kept, !plan->writes, result);
    return FNAS_OK;
}

static fnas_status fnas_conv_node_backward_weights(const fnas_path *path, int64_t index, const fnas_conv_shape *shape, const float *diff_z,
                                                   float *scratch) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_parameter *parameter = fnas_conv_node_parameter(path, node);
    float *whole = fnas_path_parameter_gradient(path, node->conv.weight), *bias = fnas_path_parameter_gradient(path, node->conv.bias);
    const float *source = fnas_path_source_data(path, index);
    if (fnas_slice_is_prefix(parameter, &node->conv))
        return fnas_conv_backward_weights(path->context, path->engine, shape, source, diff_z, whole, bias);
    memset(scratch, 0, (size_t)fnas_slice_floats(&node->conv) * sizeof *scratch);
    FNAS_TRY(fnas_conv_backward_weights(path->context, path->engine, shape, source, diff_z, scratch, bias));
    fnas_slice_scatter_add(parameter, &node->conv, scratch, whole);
    return FNAS_OK;
}

static fnas_status fnas_conv_node_backward(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_conv_shape shape = fnas_conv_node_shape(path, node);
    const float *kept = fnas_path_buffer(path, plan->kept), *diff_z = fnas_path_upstream(path, index);
    float *scratch = fnas_path_buffer(path, plan->backward_scratch);
    if (node->norm.present) {
        int64_t z_floats = fnas_path_floats(path, node->result);
        fnas_norm_unapply(path, index, kept, kept + z_floats, scratch);
        diff_z = scratch;
        scratch += z_floats;
    } else if (plan->diff_gate) {
        path->dots[index] = fnas_dot(path->engine, fnas_path_shape(path, node->result), diff_z, kept);
    }
    if (plan->diff_weights) {
        FNAS_TRY(fnas_conv_node_backward_weights(path, index, &shape, diff_z, scratch));
        scratch += fnas_conv_node_slice_floats(path, node);
    }
    if (!plan->diff_source) return FNAS_OK;
    const float *weights = fnas_conv_node_weights(path, node, scratch);
    return fnas_conv_backward_data(path->context, path->engine, &shape, diff_z, weights, !plan->writes_gradient,
                                   fnas_path_source_gradient(path, index));
}

const fnas_node_type fnas_node_conv = {fnas_conv_node_needs, fnas_conv_node_forward, fnas_conv_node_backward};
