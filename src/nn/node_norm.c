/* Batch normalisation, behind a convolution or alone. */
#include <string.h>

#include "nn/node.h"

/* ---- statistics. The bias of a convolution only shifts the mean, and is left out of both ---- */

static int64_t fnas_norm_channels(const fnas_path *path, int64_t index) {
    return path->net->values[path->net->nodes[index].result].c;
}

size_t fnas_norm_statistics_bytes(const fnas_path *path, int64_t index) {
    if (!path->net->nodes[index].norm.present) return 0;
    return 2 * (size_t)fnas_round_floats(fnas_norm_channels(path, index)) * sizeof(float);
}

float *fnas_norm_variance(const fnas_path *path, int64_t index, float *statistics) {
    return statistics + fnas_round_floats(fnas_norm_channels(path, index));
}

static const float *fnas_norm_bias(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    return node->kind == FNAS_NODE_CONV ? fnas_path_parameter(path, node->conv.bias) : NULL;
}

void fnas_norm_load_given(const fnas_path *path, int64_t index, float *statistics) {
    const fnas_norm_state *given = path->request->statistics;
    int64_t channels = fnas_norm_channels(path, index), offset = path->net->nodes[index].norm_offset;
    const float *bias = fnas_norm_bias(path, index);
    for (int64_t c = 0; c < channels; c++) statistics[c] = given->mean[offset + c] - (bias ? bias[c] : 0.0f);
    memcpy(fnas_norm_variance(path, index, statistics), given->variance + offset, (size_t)channels * sizeof *statistics);
}

void fnas_norm_store_batch(const fnas_path *path, int64_t index, const float *statistics) {
    const fnas_norm_state *state = path->request->batch_statistics;
    if (!state) return;
    int64_t channels = fnas_norm_channels(path, index), offset = path->net->nodes[index].norm_offset;
    const float *bias = fnas_norm_bias(path, index), *variance = statistics + fnas_round_floats(channels);
    for (int64_t c = 0; c < channels; c++) state->mean[offset + c] = statistics[c] + (bias ? bias[c] : 0.0f);
    memcpy(state->variance + offset, variance, (size_t)channels * sizeof *variance);
}

/* ---- applied to what another operator gave ---- */

void fnas_norm_apply(const fnas_path *path, int64_t index, const void *src, float *statistics) {
    const fnas_node *node = &path->net->nodes[index];
    fnas_shape shape = fnas_path_shape(path, node->result);
    float *variance = fnas_norm_variance(path, index, statistics);
    if (path->request->statistics) {
        fnas_norm_load_given(path, index, statistics);
    } else {
        fnas_norm_statistics(path->engine, shape, src, statistics, variance);
        fnas_norm_store_batch(path, index, statistics);
    }
    fnas_norm_forward(path->engine, shape, node->norm.epsilon, src, statistics, variance, fnas_path_parameter(path, node->norm.gamma),
                      fnas_path_parameter(path, node->norm.beta), !path->nodes[index].writes, fnas_path_result_data(path, index));
}

void fnas_norm_unapply(const fnas_path *path, int64_t index, const void *src, const float *statistics, void *diff_src) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    const float *variance = statistics + fnas_round_floats(fnas_norm_channels(path, index));
    fnas_norm_backward(path->engine, fnas_path_shape(path, node->result), node->norm.epsilon, src, statistics, variance,
                       fnas_path_parameter(path, node->norm.gamma), fnas_path_parameter(path, node->norm.beta),
                       fnas_path_upstream(path, index), diff_src, fnas_path_parameter_gradient(path, node->norm.gamma),
                       fnas_path_parameter_gradient(path, node->norm.beta), plan->diff_gate ? &path->dots[index] : NULL,
                       plan->sums_upstream ? &path->totals[node->result] : NULL);
}

/* ---- the node: kept: statistics; backward scratch: the source's gradient, where another node has given it one already ---- */

static void fnas_norm_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    const fnas_node_plan *plan = &path->nodes[index];
    needs->kept_bytes = fnas_norm_statistics_bytes(path, index);
    needs->source = true;
    if (!plan->diff_source || !plan->writes_gradient) needs->backward_bytes = fnas_path_bytes(path, path->net->nodes[index].source);
}

static fnas_status fnas_norm_node_forward(const fnas_path *path, int64_t index) {
    fnas_norm_apply(path, index, fnas_path_source_data(path, index), fnas_path_buffer(path, path->nodes[index].kept));
    return FNAS_OK;
}

static fnas_status fnas_norm_node_backward(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    void *scratch = fnas_path_buffer(path, plan->backward_scratch), *gradient = fnas_path_source_gradient(path, index);
    fnas_norm_unapply(path, index, fnas_path_source_data(path, index), fnas_path_buffer(path, plan->kept), scratch ? scratch : gradient);
    if (scratch && plan->diff_source)
        fnas_add(path->engine, fnas_path_shape(path, path->net->nodes[index].source), scratch, true, gradient);
    return FNAS_OK;
}

const fnas_node_type fnas_node_norm = {fnas_norm_node_needs, fnas_norm_node_forward, fnas_norm_node_backward};
