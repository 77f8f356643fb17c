/* Decides what a path computes, and where every buffer lies. */
#include <string.h>

#include "nn/node.h"

/* ---- activations that their readers take over: their values are then never in memory ---- */

/* Who observes sources may see what a ReLU reads in the place of its result (path.h), but not so of others. */
static fnas_activation fnas_plan_activation(const fnas_path *path, const fnas_node *node) {
    if (node->source <= 0) return FNAS_ACTIVATION_NONE;
    if (node->kind == FNAS_NODE_RELU) return FNAS_ACTIVATION_RELU;
    return node->kind == FNAS_NODE_HARD_SWISH && !path->request->observe_source ? FNAS_ACTIVATION_HARD_SWISH : FNAS_ACTIVATION_NONE;
}

static bool fnas_plan_is_absorbed(const fnas_net *net, int64_t activation) {
    fnas_value result = net->nodes[activation].result;
    bool read = false;
    for (int64_t i = 0; i < net->node_count; i++) {
        if (i != activation && net->nodes[i].result == result) return false;
        if (net->nodes[i].factors == result) return false;
        if (net->nodes[i].source != result) continue;
        if (!fnas_conv_node_is_fused(&net->nodes[i])) return false;
        read = true;
    }
    return read;
}

static void fnas_plan_sources(fnas_path *path) {
    const fnas_net *net = path->net;
    for (int64_t i = 0; i < net->node_count; i++) path->nodes[i].source = net->nodes[i].source;
    for (int64_t a = 0; a < net->node_count; a++) {
        fnas_activation activation = fnas_plan_activation(path, &net->nodes[a]);
        if (activation == FNAS_ACTIVATION_NONE || !fnas_plan_is_absorbed(net, a)) continue;
        path->nodes[a].absorbed = true;
        for (int64_t i = 0; i < net->node_count; i++) {
            if (net->nodes[i].source != net->nodes[a].result) continue;
            path->nodes[i].source = net->nodes[a].source;
            path->nodes[i].activation = activation;
        }
    }
}

/* Whether all that reads a value are ReLUs that are absorbed. */
static bool fnas_plan_is_read_rectified(const fnas_path *path, fnas_value value) {
    bool read = false;
    for (int64_t i = 0; i < path->net->node_count; i++) {
        if (path->net->nodes[i].source != value) continue;
        if (!path->nodes[i].absorbed || path->net->nodes[i].kind != FNAS_NODE_RELU) return false;
        read = true;
    }
    return read;
}

/* ---- which gradients are wanted ---- */

static bool fnas_node_has_weights(const fnas_node *node) {
    bool affine = node->norm.present && (node->norm.gamma != FNAS_PARAMETER_NONE || node->norm.beta != FNAS_PARAMETER_NONE);
    return node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR || affine;
}

static bool fnas_plan_has_site(const fnas_net *net, int64_t node) {
    for (int64_t s = 0; s < net->site_count; s++)
        if (net->sites[s].node == node) return true;
    return false;
}

/* Whether a node that gives a value a gradient is the first to do so. */
static bool fnas_plan_gives_gradient(fnas_path *path, fnas_value value) {
    bool first = !path->values[value].has_gradient;
    path->values[value].has_gradient = true;
    return first;
}

/* A value's gradient is wanted when some node before it wants its own; it exists when the loss depends on the value. */
static void fnas_plan_gradients(fnas_path *path) {
    const fnas_net *net = path->net;
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        fnas_node_plan *plan = &path->nodes[i];
        if (plan->absorbed) continue;
        plan->diff_weights = path->request->weight_gradient && fnas_node_has_weights(node);
        plan->diff_gate = path->request->gate_gradient && (node->gate.first >= 0 || fnas_plan_has_site(net, i));
        plan->diff_source = plan->source > 0 && path->values[plan->source].wants_gradient;
        plan->diff_factors = node->factors > 0 && path->values[node->factors].wants_gradient;
        path->values[node->result].wants_gradient |= plan->diff_weights || plan->diff_gate || plan->diff_source || plan->diff_factors;
    }
    path->values[net->logits].has_gradient = path->values[net->logits].wants_gradient;
    for (int64_t i = net->node_count - 1; i >= 0; i--) {
        const fnas_node *node = &net->nodes[i];
        fnas_node_plan *plan = &path->nodes[i];
        bool live = path->values[node->result].has_gradient;
        plan->diff_weights &= live;
        plan->diff_gate &= live;
        plan->diff_source &= live;
        plan->diff_factors &= live;
        plan->backward = plan->diff_weights || plan->diff_gate || plan->diff_source || plan->diff_factors;
        if (plan->diff_source) plan->writes_gradient = fnas_plan_gives_gradient(path, plan->source);
        if (plan->diff_factors) plan->writes_factors_gradient = fnas_plan_gives_gradient(path, node->factors);
    }
}

/* sum(U) of a value is taken once for all its gates: by a norm's backward pass, where it is free, if there is one. */
static void fnas_plan_sums(fnas_path *path) {
    const fnas_net *net = path->net;
    for (int64_t i = 0; i < net->node_count; i++) {
        int64_t *chosen = &path->values[net->nodes[i].result].summing_node;
        if (path->nodes[i].diff_gate && net->nodes[i].gate.first >= 0 && (*chosen < 0 || net->nodes[i].norm.present)) *chosen = i;
    }
    for (int64_t i = 0; i < net->node_count; i++) path->nodes[i].sums_upstream = path->values[net->nodes[i].result].summing_node == i;
}

/* ---- sums ---- */

/* The last node that adds to a value, if it is a convolution with a norm: such shares wait for it, and are added in one pass over memory.
 */
static void fnas_plan_deferred(fnas_path *path, fnas_value value) {
    const fnas_net *net = path->net;
    int64_t last = -1, fused = 0;
    for (int64_t i = 0; i < net->node_count; i++) {
        if (net->nodes[i].result != value || net->nodes[i].kind == FNAS_NODE_ZERO) continue;
        last = i;
        fused += fnas_conv_node_is_fused(&net->nodes[i]);
    }
    if (last < 0 || !fnas_conv_node_is_fused(&net->nodes[last])) return;
    if (fused > FNAS_SUM_MAX) return;
    path->values[value].rectified = fnas_plan_is_read_rectified(path, value);
    for (int64_t i = 0; i < last; i++)
        if (net->nodes[i].result == value) path->nodes[i].deferred = fnas_conv_node_is_fused(&net->nodes[i]);
}

/* Contributions of ZERO nodes are not written: the first other one writes, or the first ZERO where there is no other. */
static void fnas_plan_contributions(fnas_path *path) {
    const fnas_net *net = path->net;
    for (fnas_value value = 1; value < net->value_count; value++) fnas_plan_deferred(path, value);
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        fnas_value_plan *value = &path->values[node->result];
        value->plain = fnas_net_value_is_plain(net, node->result);
        if (node->kind == FNAS_NODE_ZERO || path->nodes[i].deferred) continue;
        path->nodes[i].writes = !value->written;
        value->written = true;
    }
    for (int64_t i = 0; i < net->node_count; i++) {
        fnas_value_plan *value = &path->values[net->nodes[i].result];
        if (net->nodes[i].kind != FNAS_NODE_ZERO) continue;
        path->nodes[i].writes = !value->written;
        value->written = true;
    }
}

/* Until the node that adds the shares that were deferred to it. */
static int64_t fnas_plan_sum_time(const fnas_path *path, int64_t index) {
    if (!path->nodes[index].deferred) return index;
    for (int64_t i = index + 1; i < path->net->node_count; i++)
        if (path->net->nodes[i].result == path->net->nodes[index].result && path->net->nodes[i].kind != FNAS_NODE_ZERO &&
            !path->nodes[i].deferred && fnas_conv_node_is_fused(&path->net->nodes[i]))
            return i;
    return index;
}

/* ---- values that are never in memory: what one norm alone gives to one convolution ---- */

/* The only node that gives something to a value, if it is a convolution with a norm; -1: none. */
static int64_t fnas_plan_sole_norm(const fnas_path *path, fnas_value value) {
    const fnas_net *net = path->net;
    int64_t sole = -1;
    for (int64_t i = 0; i < net->node_count; i++) {
        if (net->nodes[i].result != value || net->nodes[i].kind == FNAS_NODE_ZERO) continue;
        if (sole >= 0) return -1;
        sole = i;
    }
    return sole >= 0 && fnas_conv_node_is_fused(&net->nodes[sole]) ? sole : -1;
}

/* Through an activation that is absorbed, or not. */
static bool fnas_plan_has_one_reader(const fnas_path *path, fnas_value value) {
    int64_t readers = 0;
    for (int64_t i = 0; i < path->net->node_count; i++) {
        if (path->net->nodes[i].factors == value) return false;
        if (path->nodes[i].source != value || path->nodes[i].absorbed) continue;
        if (!fnas_conv_node_is_fused(&path->net->nodes[i])) return false;
        readers++;
    }
    return readers == 1;
}

static void fnas_plan_unmade(fnas_path *path) {
    for (fnas_value v = 1; v < path->net->value_count && !path->request->observe_source; v++) {
        fnas_value_plan *value = &path->values[v];
        if (value->plain || !fnas_plan_has_one_reader(path, v)) continue;
        value->unmade = fnas_plan_sole_norm(path, v);
        if (value->unmade >= 0) value->rectified = false;
    }
}

/* ---- life times ---- */

static int32_t fnas_plan_buffer(fnas_path *path, size_t bytes, int64_t from, int64_t to) {
    if (bytes == 0) return FNAS_BUFFER_NONE;
    path->buffers[path->buffer_count] = (fnas_buffer){.bytes = bytes, .from = from, .to = to};
    return (int32_t)path->buffer_count++;
}

static void fnas_buffer_extend(fnas_path *path, int32_t buffer, int64_t time) {
    if (buffer != FNAS_BUFFER_NONE && path->buffers[buffer].to < time) path->buffers[buffer].to = time;
}

static void fnas_plan_forward_lives(fnas_path *path) {
    const fnas_net *net = path->net;
    if (fnas_path_resizes(path)) path->values[0].activation = fnas_plan_buffer(path, fnas_path_bytes(path, 0), 0, 0);
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        fnas_value_plan *value = &path->values[node->result];
        fnas_value source = path->nodes[i].source;
        if (source >= 0) fnas_buffer_extend(path, path->values[source].activation, i);
        if (node->factors > 0) fnas_buffer_extend(path, path->values[node->factors].activation, i);
        if ((node->kind == FNAS_NODE_ZERO && !path->nodes[i].writes) || path->nodes[i].absorbed || path->nodes[i].deferred) continue;
        if (value->unmade >= 0) continue;
        if (value->activation == FNAS_BUFFER_NONE) value->activation = fnas_plan_buffer(path, fnas_path_bytes(path, node->result), i, i);
        fnas_buffer_extend(path, value->activation, i);
    }
    fnas_buffer_extend(path, path->values[net->logits].activation, net->node_count);
}

static void fnas_plan_gradient_life(fnas_path *path, fnas_value value, int64_t time) {
    int32_t *gradient = &path->values[value].gradient;
    if (*gradient == FNAS_BUFFER_NONE) *gradient = fnas_plan_buffer(path, fnas_path_bytes(path, value), time, time);
    fnas_buffer_extend(path, *gradient, time);
}

static void fnas_plan_backward_lives(fnas_path *path) {
    const fnas_net *net = path->net;
    int64_t loss = net->node_count;
    fnas_value_plan *logits = &path->values[net->logits];
    if (logits->has_gradient) logits->gradient = fnas_plan_buffer(path, fnas_path_bytes(path, net->logits), loss, loss);
    for (int64_t i = net->node_count - 1; i >= 0; i--) {
        const fnas_node *node = &net->nodes[i];
        const fnas_node_plan *plan = &path->nodes[i];
        int64_t time = 2 * loss - i;
        if (!plan->backward) continue;
        fnas_buffer_extend(path, path->values[node->result].gradient, time);
        if (plan->diff_source) fnas_plan_gradient_life(path, plan->source, time);
        if (plan->diff_factors) fnas_plan_gradient_life(path, node->factors, time);
    }
}

/* What stands for a value in memory. */
static void fnas_plan_extend_source(fnas_path *path, fnas_value source, int64_t time) {
    int64_t unmade = path->values[source].unmade;
    fnas_buffer_extend(path, unmade >= 0 ? path->nodes[unmade].kept : path->values[source].activation, time);
}

static void fnas_plan_node_lives(fnas_path *path) {
    const fnas_net *net = path->net;
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        fnas_node_plan *plan = &path->nodes[i];
        int64_t backward_time = 2 * net->node_count - i;
        fnas_node_needs needs = {0};
        if (plan->absorbed) continue;
        fnas_node_type_of(node->kind)->needs(path, i, &needs);
        plan->kept = fnas_plan_buffer(path, needs.kept_bytes, i, plan->backward ? backward_time : fnas_plan_sum_time(path, i));
        plan->forward_scratch = fnas_plan_buffer(path, needs.forward_bytes, i, i);
        if (plan->source >= 0) fnas_plan_extend_source(path, plan->source, i);
        if (!plan->backward) continue;
        plan->backward_scratch = fnas_plan_buffer(path, needs.backward_bytes, backward_time, backward_time);
        if (needs.source && plan->source >= 0) fnas_plan_extend_source(path, plan->source, backward_time);
        if (needs.factors) fnas_buffer_extend(path, path->values[node->factors].activation, backward_time);
        if (needs.result) fnas_buffer_extend(path, path->values[node->result].activation, backward_time);
    }
}

/* ---- values that are not kept: what one norm alone gives is taken once more from its z when the backward pass comes to it ---- */

/* The last node that reads a value forward: the first that needs it backward, or one before that. */
static int64_t fnas_plan_last_reader(const fnas_path *path, fnas_value value) {
    int64_t last = path->net->node_count - 1;
    while (last > 0 && (path->nodes[last].absorbed || path->nodes[last].source != value)) last--;
    return last;
}

/* Such a value has one buffer for the forward pass and another for the backward pass. */
static void fnas_plan_restored(fnas_path *path) {
    int64_t loss = path->net->node_count;
    for (fnas_value v = 1; v < path->net->value_count; v++) {
        fnas_value_plan *value = &path->values[v];
        if (value->activation == FNAS_BUFFER_NONE || path->buffers[value->activation].to <= loss) continue;
        int64_t sole = fnas_plan_sole_norm(path, v), reader = fnas_plan_last_reader(path, v);
        if (sole < 0 || !path->nodes[sole].backward) continue; /* its z is not there any more */
        fnas_buffer *forward = &path->buffers[value->activation];
        value->restored_from = sole;
        value->restored = fnas_plan_buffer(path, forward->bytes, 2 * loss - reader, forward->to);
        forward->to = reader;
    }
}

/* ---- places: greedy by size (Pisarchyk and Lee 2020): the largest buffers first, each at the lowest offset where no placed one lives at
 * the same time ---- */

/* Insertion sort: some hundred entries, and no memory of its own. */
static void fnas_plan_sort_by_size(const fnas_path *path, int32_t *order) {
    for (int32_t i = 0; i < path->buffer_count; i++) {
        size_t bytes = path->buffers[i].bytes;
        int32_t at = i;
        for (; at > 0 && path->buffers[order[at - 1]].bytes < bytes; at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

static bool fnas_buffers_overlap(const fnas_buffer *a, const fnas_buffer *b) {
    return a->from <= b->to && b->from <= a->to;
}

/* `placed` is ordered by offset; returns the bytes that are needed in all. */
static size_t fnas_plan_places(fnas_path *path, const int32_t *order, int32_t *placed) {
    size_t total = 0;
    for (int64_t i = 0; i < path->buffer_count; i++) {
        fnas_buffer *buffer = &path->buffers[order[i]];
        size_t offset = 0;
        for (int64_t j = 0; j < i; j++) {
            const fnas_buffer *other = &path->buffers[placed[j]];
            if (!fnas_buffers_overlap(buffer, other)) continue;
            if (other->offset >= offset + buffer->bytes) break;
            if (other->offset + other->bytes > offset) offset = other->offset + other->bytes;
        }
        buffer->offset = offset;
        if (offset + buffer->bytes > total) total = offset + buffer->bytes;
        int64_t at = i;
        for (; at > 0 && path->buffers[placed[at - 1]].offset > offset; at--) placed[at] = placed[at - 1];
        placed[at] = order[i];
    }
    return total;
}

/* ---- all of it ---- */

static void *fnas_plan_array(fnas_path *path, int64_t count, size_t size) {
    void *array = fnas_arena_allocate(path->worker->plan, (size_t)count * size);
    if (array) memset(array, 0, (size_t)count * size);
    return array;
}

static fnas_status fnas_plan_reserve(fnas_path *path) {
    const fnas_net *net = path->net;
    int64_t buffer_limit = 3 * net->value_count + 3 * net->node_count;
    path->nodes = fnas_plan_array(path, net->node_count, sizeof *path->nodes);
    path->values = fnas_plan_array(path, net->value_count, sizeof *path->values);
    path->buffers = fnas_plan_array(path, buffer_limit, sizeof *path->buffers);
    path->dots = fnas_plan_array(path, net->node_count, sizeof *path->dots);
    path->totals = fnas_plan_array(path, net->value_count, sizeof *path->totals);
    if (!path->nodes || !path->values || !path->buffers || !path->dots || !path->totals)
        return fnas_fail_memory(path->context, "the plan of a path");
    for (int64_t i = 0; i < net->node_count; i++)
        path->nodes[i].kept = path->nodes[i].forward_scratch = path->nodes[i].backward_scratch = FNAS_BUFFER_NONE;
    for (int64_t i = 0; i < net->value_count; i++)
        path->values[i] = (fnas_value_plan){
            .activation = FNAS_BUFFER_NONE, .restored = FNAS_BUFFER_NONE, .gradient = FNAS_BUFFER_NONE, .summing_node = -1, .unmade = -1};
    return FNAS_OK;
}

fnas_status fnas_path_plan(fnas_path *path) {
    FNAS_TRY(fnas_plan_reserve(path));
    fnas_plan_sources(path);
    fnas_plan_contributions(path);
    fnas_plan_unmade(path);
    fnas_plan_gradients(path);
    fnas_plan_sums(path);
    fnas_plan_forward_lives(path);
    fnas_plan_backward_lives(path);
    fnas_plan_node_lives(path);
    fnas_plan_restored(path);
    int32_t *order = fnas_plan_array(path, path->buffer_count, sizeof *order),
            *placed = fnas_plan_array(path, path->buffer_count, sizeof *placed);
    if (!order || !placed) return fnas_fail_memory(path->context, "the plan of a path");
    fnas_plan_sort_by_size(path, order);
    size_t bytes = fnas_plan_places(path, order, placed);
    path->memory = fnas_arena_allocate(path->worker->activations, bytes);
    return path->memory ? FNAS_OK
                        : fnas_fail(path->context, FNAS_ERR_MEMORY, "out of memory: a path of %lld images needs %.0f MB",
                                    (long long)path->request->n, (double)bytes / 1e6);
}
