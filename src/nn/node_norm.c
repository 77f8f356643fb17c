/* Batch normalisation, behind a convolution or alone. */
#include <string.h>

#include "nn/node.h"

int64_t fnas_norm_statistics_floats(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    return node->norm.present && !path->request->statistics ? 2 * fnas_round_floats(path->net->values[node->result].c) : 0;
}

static const float *fnas_norm_variance(const fnas_path *path, const fnas_node *node, const float *statistics) {
    return statistics + fnas_round_floats(path->net->values[node->result].c);
}

static void fnas_norm_compute_statistics(const fnas_path *path, const fnas_node *node, const float *src, float *statistics) {
    int64_t channels = path->net->values[node->result].c;
    float *variance = statistics + fnas_round_floats(channels);
    fnas_norm_statistics(path->engine, fnas_path_shape(path, node->result), src, statistics, variance);
    const fnas_norm_state *state = path->request->batch_statistics;
    if (!state) return;
    memcpy(state->mean + node->norm_offset, statistics, (size_t)channels * sizeof *statistics);
    memcpy(state->variance + node->norm_offset, variance, (size_t)channels * sizeof *variance);
}

void fnas_norm_apply(const fnas_path *path, int64_t index, const float *src, float *statistics) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_norm_state *given = path->request->statistics;
    const float *mean = given ? given->mean + node->norm_offset : statistics;
    if (!given) fnas_norm_compute_statistics(path, node, src, statistics);
    const float *variance = given ? given->variance + node->norm_offset : fnas_norm_variance(path, node, statistics);
    fnas_norm_forward(path->engine, fnas_path_shape(path, node->result), node->norm.epsilon, src, mean, variance,
                      fnas_path_parameter(path, node->norm.gamma), fnas_path_parameter(path, node->norm.beta), !path->nodes[index].writes,
                      fnas_path_result_data(path, index));
}

void fnas_norm_unapply(const fnas_path *path, int64_t index, const float *src, const float *statistics, float *diff_src) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_norm_backward(path->engine, fnas_path_shape(path, node->result), node->norm.epsilon, src, statistics,
                       fnas_norm_variance(path, node, statistics), fnas_path_parameter(path, node->norm.gamma),
                       fnas_path_parameter(path, node->norm.beta), fnas_path_upstream(path, index), diff_src,
                       fnas_path_parameter_gradient(path, node->norm.gamma), fnas_path_parameter_gradient(path, node->norm.beta),
                       plan->diff_gate ? &path->dots[index] : NULL, plan->sums_upstream ? &path->totals[node->result] : NULL);
}

/* kept: statistics. backward scratch: the source's gradient, where another node has given it one already. */
static void fnas_norm_node_needs(const fnas_path *path, int64_t index, fnas_node_needs *needs) {
    const fnas_node_plan *plan = &path->nodes[index];
    needs->kept_floats = fnas_norm_statistics_floats(path, index);
    needs->source = true;
    if (!plan->diff_source || !plan->writes_gradient) needs->backward_floats = fnas_path_floats(path, path->net->nodes[index].source);
}

static fnas_status fnas_norm_node_forward(const fnas_path *path, int64_t index) {
    fnas_norm_apply(path, index, fnas_path_source_data(path, index), fnas_path_buffer(path, path->nodes[index].kept));
    return FNAS_OK;
}

static fnas_status fnas_norm_node_backward(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    float *scratch = fnas_path_buffer(path, plan->backward_scratch), *gradient = fnas_path_source_gradient(path, index);
    fnas_norm_unapply(path, index, fnas_path_source_data(path, index), fnas_path_buffer(path, plan->kept), scratch ? scratch : gradient);
    if (scratch && plan->diff_source)
        fnas_add(path->engine, fnas_path_shape(path, path->net->nodes[index].source), scratch, true, gradient);
    return FNAS_OK;
}

const fnas_node_type fnas_node_norm = {fnas_norm_node_needs, fnas_norm_node_forward, fnas_norm_node_backward};
