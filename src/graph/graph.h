/* The static inference graph: one architecture as a list of operators with constant weights, which runtimes execute and exporters write.
 * Norms are folded, gates are gone, nothing is left that cannot reach the logits or that is exactly zero. Each node has one output [C, H,
 * W] an image. */
#ifndef FNAS_GRAPH_GRAPH_H
#define FNAS_GRAPH_GRAPH_H

#include "compute/activation.h"
#include "nn/net.h"
#include "nn/path.h"

typedef enum fnas_graph_kind {
    FNAS_GRAPH_INPUT, /* node 0, and only that: the image */
    FNAS_GRAPH_CONV,
    FNAS_GRAPH_ACTIVATION,
    FNAS_GRAPH_AVERAGE_POOL,  /* padding does not count */
    FNAS_GRAPH_ADD,           /* of two or more inputs of one shape; the same input may stand twice */
    FNAS_GRAPH_SCALE_SHIFT,   /* weights[c] * x + bias[c]: a norm without a convolution before it */
    FNAS_GRAPH_CHANNEL_SCALE, /* of two inputs: the first times the second, [C, 1, 1] */
    FNAS_GRAPH_GLOBAL_POOL,
    FNAS_GRAPH_LINEAR, /* the logits; a linear layer before them is a CONV of one pixel */
    FNAS_GRAPH_ZERO    /* a constant 0, where an operator with a bias still reads it */
} fnas_graph_kind;

#define FNAS_GRAPH_NONE (-1)

typedef struct fnas_graph_node {
    fnas_graph_kind kind;
    fnas_activation activation; /* ACTIVATION: what it is; CONV, ADD, SCALE_SHIFT (ReLU only): what the output goes through */
    int32_t part;               /* of the network (net.h) */
    int64_t first_input;        /* in graph->inputs */
    int64_t input_count;
    fnas_value_shape shape;                  /* of the output */
    int64_t kernel, stride, padding, groups; /* CONV, AVERAGE_POOL (kernel, stride, padding) */
    int64_t weights; /* first float in graph->weights: CONV [O][I / groups][K][K], LINEAR [O][I], SCALE_SHIFT [C]; else FNAS_GRAPH_NONE */
    int64_t bias;    /* first float of [O], or FNAS_GRAPH_NONE */
} fnas_graph_node;

typedef struct fnas_graph {
    fnas_graph_node *nodes; /* inputs come before their readers; the last node is the logits */
    int64_t node_count;
    int32_t *inputs; /* node numbers */
    int64_t input_count;
    float *weights;
    int64_t weight_count;
    size_t node_capacity, input_capacity, weight_capacity;
} fnas_graph;

/* Lowers a recorded net with its weights and the statistics of its norms. The graph keeps its own copy of the weights. Owned:
 * fnas_graph_destroy. */
FNAS_NODISCARD fnas_status fnas_graph_lower(fnas_context *context, const fnas_net *net, const fnas_parameters *parameters,
                                            const fnas_norm_state *statistics, fnas_graph **graph);
void fnas_graph_destroy(fnas_graph *graph); /* NULL is allowed */

const char *fnas_graph_kind_name(fnas_graph_kind kind);                          /* "conv", ... */
int32_t fnas_graph_input(const fnas_graph *graph, int64_t node, int64_t input);  /* number of the node that is its input-th input */
fnas_value_shape fnas_graph_source_shape(const fnas_graph *graph, int64_t node); /* of its first input */

/* Runs it by the naive double-precision operators: what every runtime is held to. images [n, C, H, W], logits [n, classes]. */
FNAS_NODISCARD fnas_status fnas_graph_run_reference(fnas_context *context, const fnas_graph *graph, int64_t n, const double *images,
                                                    double *logits);

#endif
