/* Times the nodes of a run where the request asks for it, and counts their floor: what they have to compute and to move. */
#include "nn/profile.h"

#include "base/clock.h"
#include "nn/node.h"

static double profile_value_bytes(const fnas_path *path, fnas_value value) {
    if (value < 0) return 0; /* ZERO nodes have no source */
    fnas_shape shape = fnas_path_shape(path, value);
    return value == 0 ? (double)fnas_shape_elements(shape) * sizeof(float) : (double)fnas_path_bytes(path, value);
}

/* The output of a convolution is written, and read where it is normalised or added: perhaps by who reads it. */
static double profile_forward_bytes(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    double result = profile_value_bytes(path, node->result), moved = 0;
    if (node->kind == FNAS_NODE_ZERO) return plan->writes ? result : 0;
    bool unmade = path->values[node->result].unmade >= 0;
    if (node->kind == FNAS_NODE_CONV && plan->kept != FNAS_BUFFER_NONE) moved += unmade ? result : 2 * result;
    if (!plan->deferred && !unmade) moved += plan->writes ? result : 2 * result;
    return moved + profile_value_bytes(path, plan->source);
}

static double profile_backward_bytes(const fnas_path *path, int64_t index) {
    const fnas_node *node = &path->net->nodes[index];
    const fnas_node_plan *plan = &path->nodes[index];
    fnas_node_needs needs = {0};
    if (node->kind == FNAS_NODE_ZERO) return 0;
    fnas_node_type_of(node->kind)->needs(path, index, &needs);
    double result = profile_value_bytes(path, node->result), source = profile_value_bytes(path, plan->source), moved = result;
    if (node->kind == FNAS_NODE_CONV && plan->kept != FNAS_BUFFER_NONE) moved += result;
    if (needs.source) moved += source;
    if (needs.result) moved += result;
    if (plan->diff_source) moved += plan->writes_gradient ? source : 2 * source;
    return moved;
}

/* ---- */

static fnas_status profile_run(const fnas_path *path, int64_t index, fnas_node_direction direction) {
    const fnas_node_type *type = fnas_node_type_of(path->net->nodes[index].kind);
    return direction == FNAS_NODE_FORWARD ? type->forward(path, index) : type->backward(path, index);
}

fnas_status fnas_path_run_node(const fnas_path *path, int64_t index, fnas_node_direction direction) {
    if (!path->request->profile) return profile_run(path, index, direction);
    fnas_node_profile *profile = &path->request->profile[FNAS_NODE_DIRECTIONS * index + direction];
    const fnas_node_plan *plan = &path->nodes[index];
    double wall = fnas_wall_ms(), cpu = fnas_thread_cpu_ms();
    FNAS_TRY(profile_run(path, index, direction));
    profile->cpu_ms += fnas_thread_cpu_ms() - cpu;
    profile->wall_ms += fnas_wall_ms() - wall;
    profile->calls++;
    bool forward = direction == FNAS_NODE_FORWARD;
    double products = (double)path->request->n * fnas_net_products(path->net, index);
    profile->flops += 2 * products * (forward ? 1 : plan->diff_source + plan->diff_weights);
    profile->bytes += forward ? profile_forward_bytes(path, index) : profile_backward_bytes(path, index);
    return FNAS_OK;
}
