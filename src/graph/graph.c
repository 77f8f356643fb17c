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
    static const char *const names[] = {"input",       "conv",          "activation",  "average_pool", "add",
                                        "scale_shift", "channel_scale", "global_pool", "linear",       "zero"};
    return names[kind];
}

int32_t fnas_graph_input(const fnas_graph *graph, int64_t node, int64_t input) {
    return graph->inputs[graph->nodes[node].first_input + input];
}

fnas_value_shape fnas_graph_source_shape(const fnas_graph *graph, int64_t node) {
    return graph->nodes[fnas_graph_input(graph, node, 0)].shape;
}
