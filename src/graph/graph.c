#include "graph/graph.h"

#include "base/memory.h"

void fnas_graph_destroy(fnas_graph *graph) {
    if (!graph) return;
    fnas_free(graph->nodes);
    fnas_free(graph->inputs);
    fnas_free(graph->weights);
    fnas_free(graph);
}

const char *fnas_graph_kind_name(fnas_graph_kind kind) {
    static const char *const names[] = {"input", "conv", "relu", "average_pool", "add", "scale_shift", "global_pool", "linear", "zero"};
    return names[kind];
}

int32_t fnas_graph_input(const fnas_graph *graph, int64_t node, int64_t input) {
    return graph->inputs[graph->nodes[node].first_input + input];
}

fnas_value_shape fnas_graph_source_shape(const fnas_graph *graph, int64_t node) {
    return graph->nodes[fnas_graph_input(graph, node, 0)].shape;
}

int64_t fnas_graph_weight_floats(const fnas_graph *graph, int64_t number) {
    const fnas_graph_node *node = &graph->nodes[number];
    switch (node->kind) {
    case FNAS_GRAPH_CONV:
        return node->shape.c * (fnas_graph_source_shape(graph, number).c / node->groups) * node->kernel * node->kernel;
    case FNAS_GRAPH_LINEAR:
        return node->shape.c * fnas_graph_source_shape(graph, number).c;
    case FNAS_GRAPH_SCALE_SHIFT:
        return node->shape.c;
    default:
        return 0;
    }
}

int64_t fnas_graph_bias_floats(const fnas_graph *graph, int64_t number) {
    return graph->nodes[number].bias == FNAS_GRAPH_NONE ? 0 : graph->nodes[number].shape.c;
}

int64_t fnas_graph_macs(const fnas_graph *graph) {
    int64_t macs = 0;
    for (int64_t i = 0; i < graph->node_count; i++) {
        const fnas_graph_node *node = &graph->nodes[i];
        if (node->kind == FNAS_GRAPH_CONV) macs += fnas_graph_weight_floats(graph, i) * node->shape.h * node->shape.w;
        if (node->kind == FNAS_GRAPH_LINEAR) macs += fnas_graph_weight_floats(graph, i) + fnas_graph_bias_floats(graph, i);
    }
    return macs;
}

int64_t fnas_graph_params(const fnas_graph *graph) {
    int64_t params = 0;
    for (int64_t i = 0; i < graph->node_count; i++) params += fnas_graph_weight_floats(graph, i) + fnas_graph_bias_floats(graph, i);
    return params;
}

void fnas_graph_dump(const fnas_graph *graph, fnas_text *text) {
    for (int64_t i = 0; i < graph->node_count; i++) {
        const fnas_graph_node *node = &graph->nodes[i];
        fnas_text_append(text, "%3lld %-12s %lldx%lldx%lld", (long long)i, fnas_graph_kind_name(node->kind), (long long)node->shape.c,
                         (long long)node->shape.h, (long long)node->shape.w);
        for (int64_t k = 0; k < node->input_count; k++)
            fnas_text_append(text, "%s%d", k ? " " : " <- ", (int)fnas_graph_input(graph, i, k));
        if (node->kind == FNAS_GRAPH_CONV || node->kind == FNAS_GRAPH_AVERAGE_POOL)
            fnas_text_append(text, " k%lld s%lld p%lld", (long long)node->kernel, (long long)node->stride, (long long)node->padding);
        if (node->groups > 1) fnas_text_append(text, " g%lld", (long long)node->groups);
        fnas_text_append(text, "%s%s\n", node->bias != FNAS_GRAPH_NONE ? " +bias" : "", node->relu ? " relu" : "");
    }
}
