#include <string.h>

#include "base/memory.h"
#include "compute/reference.h"
#include "graph/graph.h"

typedef struct reference_run {
    const fnas_graph *graph;
    int64_t n;
    double **outputs; /* [node_count]; outputs[0] is borrowed */
    double *weights;
} reference_run;

static fnas_shape batch_shape(const reference_run *run, int64_t node) {
    fnas_value_shape shape = run->graph->nodes[node].shape;
    return (fnas_shape){run->n, shape.c, shape.h, shape.w};
}

static const double *constants(const reference_run *run, int64_t first) {
    return first == FNAS_GRAPH_NONE ? NULL : run->weights + first;
}

static void run_conv(const reference_run *run, int64_t number, const double *source, double *output) {
    const fnas_graph_node *node = &run->graph->nodes[number];
    fnas_value_shape in = fnas_graph_source_shape(run->graph, number);
    fnas_conv_shape shape = {.n = run->n,
                             .in_channels = in.c,
                             .in_h = in.h,
                             .in_w = in.w,
                             .out_channels = node->shape.c,
                             .kernel_h = node->kernel,
                             .kernel_w = node->kernel,
                             .stride = node->stride,
                             .padding = node->padding,
                             .groups = node->groups};
    fnas_ref_conv_forward(&shape, source, constants(run, node->weights), constants(run, node->bias), output);
}

static void run_pool(const reference_run *run, int64_t number, const double *source, double *output) {
    const fnas_graph_node *node = &run->graph->nodes[number];
    fnas_value_shape in = fnas_graph_source_shape(run->graph, number);
    fnas_pool_shape shape = {run->n, in.c, in.h, in.w, node->kernel, node->stride, node->padding};
    fnas_ref_average_pool_forward(&shape, source, false, output);
}

static void run_scale_shift(const reference_run *run, int64_t number, const double *source, double *output) {
    const fnas_graph_node *node = &run->graph->nodes[number];
    const double *scale = constants(run, node->weights), *shift = constants(run, node->bias);
    int64_t plane = node->shape.h * node->shape.w;
    for (int64_t i = 0; i < run->n * node->shape.c * plane; i++) {
        int64_t c = i / plane % node->shape.c;
        output[i] = scale[c] * source[i] + (shift ? shift[c] : 0);
    }
}

static void run_node(const reference_run *run, int64_t number) {
    const fnas_graph_node *node = &run->graph->nodes[number];
    double *output = run->outputs[number];
    fnas_shape shape = batch_shape(run, number);
    const double *source = node->input_count ? run->outputs[fnas_graph_input(run->graph, number, 0)] : NULL;
    switch (node->kind) {
    case FNAS_GRAPH_INPUT:
    case FNAS_GRAPH_ZERO:
        break; /* given; zeroed when allocated */
    case FNAS_GRAPH_CONV:
        run_conv(run, number, source, output);
        break;
    case FNAS_GRAPH_ACTIVATION:
        fnas_ref_activation_forward(node->activation, fnas_shape_elements(shape), source, output);
        return;
    case FNAS_GRAPH_AVERAGE_POOL:
        run_pool(run, number, source, output);
        break;
    case FNAS_GRAPH_ADD:
        for (int64_t k = 0; k < node->input_count; k++)
            fnas_ref_add(shape, run->outputs[fnas_graph_input(run->graph, number, k)], k > 0, output);
        break;
    case FNAS_GRAPH_SCALE_SHIFT:
        run_scale_shift(run, number, source, output);
        break;
    case FNAS_GRAPH_CHANNEL_SCALE:
        fnas_ref_channel_scale_forward(shape, source, run->outputs[fnas_graph_input(run->graph, number, 1)], output);
        break;
    case FNAS_GRAPH_GLOBAL_POOL:
        fnas_ref_global_pool_forward(batch_shape(run, fnas_graph_input(run->graph, number, 0)), source, output);
        break;
    case FNAS_GRAPH_LINEAR:
        fnas_ref_linear_forward(run->n, fnas_graph_source_shape(run->graph, number).c, node->shape.c, source, constants(run, node->weights),
                                constants(run, node->bias), output);
        break;
    }
    if (node->activation) fnas_ref_activation_forward(node->activation, fnas_shape_elements(shape), output, output);
}

static bool allocate_outputs(reference_run *run) {
    const fnas_graph *graph = run->graph;
    run->outputs = fnas_allocate((size_t)graph->node_count, sizeof *run->outputs);
    run->weights = fnas_allocate((size_t)graph->weight_count, sizeof *run->weights);
    if (!run->outputs || !run->weights) return false;
    for (int64_t i = 0; i < graph->weight_count; i++) run->weights[i] = graph->weights[i];
    for (int64_t i = 1; i < graph->node_count; i++) {
        run->outputs[i] = fnas_allocate((size_t)fnas_shape_elements(batch_shape(run, i)), sizeof **run->outputs);
        if (!run->outputs[i]) return false;
    }
    return true;
}

fnas_status fnas_graph_run_reference(fnas_context *context, const fnas_graph *graph, int64_t n, const double *images, double *logits) {
    reference_run run = {.graph = graph, .n = n};
    bool allocated = allocate_outputs(&run);
    if (allocated) {
        run.outputs[0] = (double *)(uintptr_t)images; /* read only */
        for (int64_t i = 1; i < graph->node_count; i++) run_node(&run, i);
        memcpy(logits, run.outputs[graph->node_count - 1], (size_t)(n * graph->nodes[graph->node_count - 1].shape.c) * sizeof *logits);
    }
    for (int64_t i = 1; run.outputs && i < graph->node_count; i++) fnas_free(run.outputs[i]);
    fnas_free(run.outputs);
    fnas_free(run.weights);
    return allocated ? FNAS_OK : fnas_fail_memory(context, "a reference run");
}
