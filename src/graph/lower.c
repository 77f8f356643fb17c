/* From a recorded net to an inference graph, in three passes over the net and one over the graph:
 * 1. which values are exactly zero, in order (a convolution of zeros is zero unless its folded bias is not);
 * 2. which values the logits need, backwards, not counting contributions that are zero;
 * 3. nodes of the graph for what is needed and not zero; a value with several contributions becomes an ADD, with one it is that
 * contribution;
 * 4. activations move into the operator before them where nothing else reads it.
 * A linear layer whose result is not the logits becomes the convolution that it is, of one pixel. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/graph.h"
#include "nn/slice.h"

typedef struct lowering {
    fnas_context *context;
    const fnas_net *net;
    const fnas_parameters *parameters;
    const fnas_norm_state *statistics;
    fnas_graph *graph;
    bool *zero, *needed; /* [value_count] */
    int32_t *made;       /* [value_count] graph node of a value, FNAS_GRAPH_NONE before it is made */
} lowering;

/* ---- constants ---- */

/* What a norm does to channel c: factor * x + shift. */
static void norm_of_channel(const lowering *lower, const fnas_node *node, int64_t c, double *factor, double *shift) {
    *factor = 1;
    *shift = 0;
    if (!node->norm.present) return;
    const float *values = lower->parameters->values;
    const fnas_parameter *items = lower->parameters->items;
    double gamma = node->norm.gamma == FNAS_PARAMETER_NONE ? 1 : values[items[node->norm.gamma].offset + c];
    double beta = node->norm.beta == FNAS_PARAMETER_NONE ? 0 : values[items[node->norm.beta].offset + c];
    double mean = lower->statistics->mean[node->norm_offset + c], variance = lower->statistics->variance[node->norm_offset + c];
    *factor = gamma / sqrt(variance + (double)node->norm.epsilon);
    *shift = beta - mean * *factor;
}

static double folded_bias(const lowering *lower, const fnas_node *node, int64_t c) {
    double factor, shift, bias = 0;
    norm_of_channel(lower, node, c, &factor, &shift);
    bool has_bias = node->kind != FNAS_NODE_NORM && node->conv.bias != FNAS_PARAMETER_NONE;
    if (has_bias) bias = lower->parameters->values[lower->parameters->items[node->conv.bias].offset + c];
    return bias * factor + shift;
}

static bool has_zero_bias(const lowering *lower, const fnas_node *node) {
    int64_t channels = lower->net->values[node->result].c;
    for (int64_t c = 0; c < channels; c++)
        if (folded_bias(lower, node, c) != 0) return false;
    return true;
}

static bool contribution_is_zero(const lowering *lower, const fnas_node *node) {
    switch (node->kind) {
    case FNAS_NODE_ZERO:
        return true;
    case FNAS_NODE_LINEAR:
        if (node->result == lower->net->logits) return false; /* they stay, whatever they are */
        return lower->zero[node->source] && has_zero_bias(lower, node);
    case FNAS_NODE_CONV:
    case FNAS_NODE_NORM:
        return lower->zero[node->source] && has_zero_bias(lower, node);
    case FNAS_NODE_HARD_SIGMOID:
        return false; /* a half at zero */
    case FNAS_NODE_CHANNEL_SCALE:
        return lower->zero[node->source] || lower->zero[node->factors];
    default:
        return lower->zero[node->source];
    }
}

static void find_zeros(lowering *lower) {
    for (int64_t v = 1; v < lower->net->value_count; v++) lower->zero[v] = true;
    for (int64_t i = 0; i < lower->net->node_count; i++) {
        const fnas_node *node = &lower->net->nodes[i];
        if (!contribution_is_zero(lower, node)) lower->zero[node->result] = false;
    }
}

static void find_needed(lowering *lower) {
    lower->needed[lower->net->logits] = true;
    for (int64_t i = lower->net->node_count - 1; i >= 0; i--) {
        const fnas_node *node = &lower->net->nodes[i];
        if (!lower->needed[node->result] || contribution_is_zero(lower, node)) continue;
        lower->needed[node->source] = true;
        if (node->kind == FNAS_NODE_CHANNEL_SCALE) lower->needed[node->factors] = true;
    }
}

/* ---- graph nodes ---- */

static fnas_status append_node(lowering *lower, fnas_graph_node node, int64_t count, const int32_t *inputs, int32_t *number) {
    fnas_graph *graph = lower->graph;
    if (!fnas_grow((void **)&graph->nodes, &graph->node_capacity, (size_t)graph->node_count + 1, sizeof *graph->nodes) ||
        !fnas_grow((void **)&graph->inputs, &graph->input_capacity, (size_t)(graph->input_count + count), sizeof *graph->inputs))
        return fnas_fail_memory(lower->context, "an inference graph");
    node.first_input = graph->input_count;
    node.input_count = count;
    if (count) memcpy(graph->inputs + graph->input_count, inputs, (size_t)count * sizeof *inputs);
    graph->input_count += count;
    graph->nodes[graph->node_count] = node;
    *number = (int32_t)graph->node_count++;
    return FNAS_OK;
}

static fnas_status append_weights(lowering *lower, int64_t count, int64_t *first) {
    fnas_graph *graph = lower->graph;
    if (!fnas_grow((void **)&graph->weights, &graph->weight_capacity, (size_t)(graph->weight_count + count), sizeof *graph->weights))
        return fnas_fail_memory(lower->context, "the weights of an inference graph");
    *first = graph->weight_count;
    graph->weight_count += count;
    return FNAS_OK;
}

static fnas_status append_bias(lowering *lower, const fnas_node *node, fnas_graph_node *made) {
    made->bias = FNAS_GRAPH_NONE;
    if (made->kind != FNAS_GRAPH_LINEAR && has_zero_bias(lower, node)) return FNAS_OK;
    FNAS_TRY(append_weights(lower, made->shape.c, &made->bias));
    for (int64_t c = 0; c < made->shape.c; c++) lower->graph->weights[made->bias + c] = (float)folded_bias(lower, node, c);
    return FNAS_OK;
}

/* The slice of the parameter that the net uses (slice.h), times the norm's factor. */
static fnas_status append_conv_weights(lowering *lower, const fnas_node *node, fnas_graph_node *made) {
    const fnas_conv_spec *conv = &node->conv;
    int64_t filter = conv->in * conv->kernel * conv->kernel;
    FNAS_TRY(append_weights(lower, conv->out * filter, &made->weights));
    float *target = lower->graph->weights + made->weights;
    fnas_slice_gather(lower->parameters, conv, target);
    for (int64_t o = 0; o < conv->out; o++) {
        double factor, shift;
        norm_of_channel(lower, node, o, &factor, &shift);
        for (int64_t i = 0; i < filter; i++, target++) *target = (float)(factor * (double)*target);
    }
    return FNAS_OK;
}

static fnas_status append_scale(lowering *lower, const fnas_node *node, fnas_graph_node *made) {
    FNAS_TRY(append_weights(lower, made->shape.c, &made->weights));
    for (int64_t c = 0; c < made->shape.c; c++) {
        double factor, shift;
        norm_of_channel(lower, node, c, &factor, &shift);
        lower->graph->weights[made->weights + c] = (float)factor;
    }
    return FNAS_OK;
}

static fnas_graph_node node_without_constants(fnas_graph_kind kind, fnas_value_shape shape) {
    return (fnas_graph_node){.kind = kind, .shape = shape, .groups = 1, .weights = FNAS_GRAPH_NONE, .bias = FNAS_GRAPH_NONE};
}

/* The graph node of a value that is needed; a ZERO where it is zero and still read. */
static fnas_status node_of_value(lowering *lower, fnas_value value, int32_t *number) {
    if (lower->made[value] == FNAS_GRAPH_NONE)
        FNAS_TRY(append_node(lower, node_without_constants(FNAS_GRAPH_ZERO, lower->net->values[value]), 0, NULL, &lower->made[value]));
    *number = lower->made[value];
    return FNAS_OK;
}

static fnas_activation activation_of(fnas_node_kind kind) {
    switch (kind) {
    case FNAS_NODE_RELU:
        return FNAS_ACTIVATION_RELU;
    case FNAS_NODE_HARD_SWISH:
        return FNAS_ACTIVATION_HARD_SWISH;
    case FNAS_NODE_HARD_SIGMOID:
        return FNAS_ACTIVATION_HARD_SIGMOID;
    default:
        return FNAS_ACTIVATION_NONE;
    }
}

/* sources: two of a channel scale, else one. */
static fnas_status lower_operator(lowering *lower, const fnas_node *node, const int32_t *sources, int32_t *number) {
    static const fnas_graph_kind kinds[] = {[FNAS_NODE_CONV] = FNAS_GRAPH_CONV,
                                            [FNAS_NODE_NORM] = FNAS_GRAPH_SCALE_SHIFT,
                                            [FNAS_NODE_RELU] = FNAS_GRAPH_ACTIVATION,
                                            [FNAS_NODE_HARD_SWISH] = FNAS_GRAPH_ACTIVATION,
                                            [FNAS_NODE_HARD_SIGMOID] = FNAS_GRAPH_ACTIVATION,
                                            [FNAS_NODE_CHANNEL_SCALE] = FNAS_GRAPH_CHANNEL_SCALE,
                                            [FNAS_NODE_AVERAGE_POOL] = FNAS_GRAPH_AVERAGE_POOL,
                                            [FNAS_NODE_GLOBAL_POOL] = FNAS_GRAPH_GLOBAL_POOL,
                                            [FNAS_NODE_LINEAR] = FNAS_GRAPH_LINEAR};
    fnas_graph_node made = node_without_constants(kinds[node->kind], lower->net->values[node->result]);
    made.activation = activation_of(node->kind);
    made.part = node->part;
    if (node->kind == FNAS_NODE_LINEAR && node->result != lower->net->logits) made.kind = FNAS_GRAPH_CONV;
    if (made.kind == FNAS_GRAPH_CONV) {
        made.kernel = node->conv.kernel;
        made.stride = node->conv.stride;
        made.padding = node->conv.padding;
        made.groups = node->conv.groups;
    } else if (node->kind == FNAS_NODE_AVERAGE_POOL) {
        made.kernel = node->pool_kernel;
        made.stride = node->pool_stride;
        made.padding = node->pool_padding;
    }
    if (node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR) FNAS_TRY(append_conv_weights(lower, node, &made));
    if (node->kind == FNAS_NODE_NORM) FNAS_TRY(append_scale(lower, node, &made));
    if (made.weights != FNAS_GRAPH_NONE) FNAS_TRY(append_bias(lower, node, &made));
    return append_node(lower, made, node->kind == FNAS_NODE_CHANNEL_SCALE ? 2 : 1, sources, number);
}

static bool find_activation(const fnas_graph *graph, fnas_activation activation, int32_t source, int32_t *number) {
    for (int64_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].kind == FNAS_GRAPH_ACTIVATION && graph->nodes[i].activation == activation &&
            fnas_graph_input(graph, i, 0) == source) {
            *number = (int32_t)i;
            return true;
        }
    return false;
}

/* One contribution to a value. The activation of a node is made once. */
static fnas_status lower_contribution(lowering *lower, const fnas_node *node, int32_t *number) {
    int32_t sources[2];
    fnas_activation activation = activation_of(node->kind);
    FNAS_TRY(node_of_value(lower, node->source, &sources[0]));
    if (node->kind == FNAS_NODE_CHANNEL_SCALE) FNAS_TRY(node_of_value(lower, node->factors, &sources[1]));
    if (node->kind == FNAS_NODE_IDENTITY) {
        *number = sources[0];
        return FNAS_OK;
    }
    if (activation && find_activation(lower->graph, activation, sources[0], number)) return FNAS_OK;
    return lower_operator(lower, node, sources, number);
}

static bool is_last_contribution(const fnas_net *net, int64_t index) {
    for (int64_t i = index + 1; i < net->node_count; i++)
        if (net->nodes[i].result == net->nodes[index].result) return false;
    return true;
}

static fnas_status lower_value(lowering *lower, fnas_value value, int64_t last) {
    int32_t *parts = fnas_allocate((size_t)last + 1, sizeof *parts);
    int64_t count = 0;
    fnas_status status = parts ? FNAS_OK : fnas_fail_memory(lower->context, "an inference graph");
    for (int64_t i = 0; status == FNAS_OK && i <= last; i++) {
        const fnas_node *node = &lower->net->nodes[i];
        if (node->result == value && !contribution_is_zero(lower, node)) status = lower_contribution(lower, node, &parts[count++]);
    }
    if (status == FNAS_OK) {
        lower->made[value] = parts[0];
        fnas_graph_node sum = node_without_constants(FNAS_GRAPH_ADD, lower->net->values[value]);
        sum.part = lower->net->nodes[last].part;
        if (count > 1) status = append_node(lower, sum, count, parts, &lower->made[value]);
    }
    fnas_free(parts);
    return status;
}

static fnas_status lower_nodes(lowering *lower) {
    FNAS_TRY(append_node(lower, node_without_constants(FNAS_GRAPH_INPUT, lower->net->values[0]), 0, NULL, &lower->made[0]));
    for (int64_t i = 0; i < lower->net->node_count; i++) {
        fnas_value value = lower->net->nodes[i].result;
        if (lower->needed[value] && !lower->zero[value] && is_last_contribution(lower->net, i)) FNAS_TRY(lower_value(lower, value, i));
    }
    return FNAS_OK;
}

/* ---- fusion ---- */

static bool can_take(fnas_activation activation, const fnas_graph_node *node) {
    if (node->activation != FNAS_ACTIVATION_NONE) return false; /* of an activation, or taken already */
    return node->kind == FNAS_GRAPH_CONV || node->kind == FNAS_GRAPH_ADD ||
           (node->kind == FNAS_GRAPH_SCALE_SHIFT && activation == FNAS_ACTIVATION_RELU);
}

static void count_readers(const fnas_graph *graph, int32_t *readers) {
    for (int64_t i = 0; i < graph->input_count; i++) readers[graph->inputs[i]]++;
}

/* Moves activations into the nodes before them, and closes the gaps. */
static fnas_status fuse_activations(lowering *lower) {
    fnas_graph *graph = lower->graph;
    int32_t *readers = fnas_allocate((size_t)graph->node_count, 2 * sizeof *readers);
    if (!readers) return fnas_fail_memory(lower->context, "an inference graph");
    int32_t *renamed = readers + graph->node_count;
    count_readers(graph, readers);
    int64_t kept = 0;
    for (int64_t i = 0; i < graph->node_count; i++) {
        fnas_graph_node node = graph->nodes[i];
        int32_t *inputs = graph->inputs + node.first_input;
        int32_t source = node.input_count ? inputs[0] : FNAS_GRAPH_NONE;
        for (int64_t k = 0; k < node.input_count; k++) inputs[k] = renamed[inputs[k]];
        if (node.kind == FNAS_GRAPH_ACTIVATION && readers[source] == 1 && can_take(node.activation, &graph->nodes[renamed[source]])) {
            graph->nodes[renamed[source]].activation = node.activation;
            renamed[i] = renamed[source];
            continue;
        }
        renamed[i] = (int32_t)kept;
        graph->nodes[kept++] = node;
    }
    graph->node_count = kept;
    fnas_free(readers);
    return FNAS_OK;
}

/* ---- the whole ---- */

static fnas_status lower_all(lowering *lower) {
    size_t values = (size_t)lower->net->value_count;
    lower->zero = fnas_allocate(values, sizeof *lower->zero);
    lower->needed = fnas_allocate(values, sizeof *lower->needed);
    lower->made = fnas_allocate(values, sizeof *lower->made);
    lower->graph = fnas_allocate(1, sizeof *lower->graph);
    if (!lower->zero || !lower->needed || !lower->made || !lower->graph) return fnas_fail_memory(lower->context, "an inference graph");
    for (size_t v = 0; v < values; v++) lower->made[v] = FNAS_GRAPH_NONE;
    find_zeros(lower);
    find_needed(lower);
    FNAS_TRY(lower_nodes(lower));
    return fuse_activations(lower);
}

static fnas_status check_statistics(fnas_context *context, const fnas_net *net, const fnas_norm_state *statistics) {
    for (int64_t c = 0; c < net->norm_channels; c++)
        if (!isfinite(statistics->mean[c]) || !(statistics->variance[c] >= 0) || !isfinite(statistics->variance[c]))
            return fnas_fail(context, FNAS_ERR_NUMERIC, "norm channel %lld has mean %g and variance %g: recalibrate the statistics",
                             (long long)c, (double)statistics->mean[c], (double)statistics->variance[c]);
    return FNAS_OK;
}

fnas_status fnas_graph_lower(fnas_context *context, const fnas_net *net, const fnas_parameters *parameters,
                             const fnas_norm_state *statistics, fnas_graph **graph) {
    *graph = NULL;
    if (net->logits < 0) return fnas_fail(context, FNAS_ERR_INTERNAL, "a net without logits has no inference graph");
    FNAS_TRY(check_statistics(context, net, statistics));
    lowering lower = {.context = context, .net = net, .parameters = parameters, .statistics = statistics};
    fnas_status status = lower_all(&lower);
    if (status == FNAS_OK)
        *graph = lower.graph;
    else
        fnas_graph_destroy(lower.graph);
    fnas_free(lower.zero);
    fnas_free(lower.needed);
    fnas_free(lower.made);
    return status;
}
