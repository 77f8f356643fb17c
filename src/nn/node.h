/* Inside of a running path: what the planner decides, and what each kind of node gives it. For the files of this folder only. */
#ifndef FNAS_NN_NODE_H
#define FNAS_NN_NODE_H

#include "compute/ops.h"
#include "nn/path.h"
#include "nn/slice.h"

#define FNAS_BUFFER_NONE (-1)
#define FNAS_SUM_MAX 8 /* convolutions whose shares of one value are added at once */

/* What a node wants of the planner, beside its source and result. */
typedef struct fnas_node_needs {
    size_t kept_bytes;            /* written by the forward pass, read by the backward pass */
    size_t forward_bytes;         /* scratch of the forward pass */
    size_t backward_bytes;        /* scratch of the backward pass */
    bool source, factors, result; /* the backward pass reads these activations */
} fnas_node_needs;

typedef struct fnas_node_plan {
    bool absorbed;                                           /* an activation that all its readers take themselves: it does not run */
    fnas_value source;                                       /* what it reads: its source, or that of an absorbed activation */
    fnas_activation activation;                              /* of that, which it then takes itself, unless that is done */
    bool deferred;                                           /* a norm whose share of a sum is added by the last node of that sum */
    bool writes;                                             /* the first contribution to its result: written, later ones are added */
    bool writes_gradient;                                    /* the first, in the backward pass, to give its source a gradient */
    bool writes_factors_gradient;                            /* likewise of the factors of a channel scale */
    bool diff_source, diff_factors, diff_weights, diff_gate; /* which gradients are wanted of it; backward: any is */
    bool backward;
    bool sums_upstream; /* sum(U) of its result is taken while this node runs backward */
    int32_t kept, forward_scratch, backward_scratch;
} fnas_node_plan;

typedef struct fnas_value_plan {
    bool plain;     /* [n][C] instead of the engine's layout */
    bool written;   /* a node that writes it is known */
    bool rectified; /* is only read through ReLUs, and lies in memory as their result */
    int64_t unmade; /* the node whose norm its one reader applies itself, so that the value is never in memory; -1: it is */
    bool wants_gradient, has_gradient;
    int32_t activation, gradient;
    int32_t restored;      /* where its activation lies in the backward pass, if it is not kept from the forward pass, */
    int64_t restored_from; /* and the node whose z gives it */
    int64_t summing_node;  /* the node that takes sum(U), -1: none */
} fnas_value_plan;

/* Lives from one time to another, both included. Node k of K runs forward at time k and backward at 2 K - k; the loss is taken at K. */
typedef struct fnas_buffer {
    size_t bytes, offset;
    int64_t from, to;
} fnas_buffer;

typedef struct fnas_path {
    fnas_context *context;
    fnas_worker *worker;
    fnas_engine *engine;
    int64_t block;
    const fnas_path_request *request;
    const fnas_net *net;
    fnas_node_plan *nodes;
    fnas_value_plan *values;
    fnas_buffer *buffers;
    int64_t buffer_count;
    char *memory;
    double *dots;   /* [node_count] sum of U times the node's own result, of nodes with a gate or a site */
    double *totals; /* [value_count] sum of U */
} fnas_path;

/* plan.c: decides what runs and where everything lies; takes its arrays and path->memory from the worker's arena. */
FNAS_NODISCARD fnas_status fnas_path_plan(fnas_path *path);

/* The operations of one kind of node; forward beside backward in node_*.c. */
typedef struct fnas_node_type {
    void (*needs)(const fnas_path *path, int64_t index, fnas_node_needs *needs);
    fnas_status (*forward)(const fnas_path *path, int64_t index);
    fnas_status (*backward)(const fnas_path *path, int64_t index);
} fnas_node_type;
const fnas_node_type *fnas_node_type_of(fnas_node_kind kind);
/* profile.c: one direction of one node, timed and counted where the request asks for it. */
FNAS_NODISCARD fnas_status fnas_path_run_node(const fnas_path *path, int64_t index, fnas_node_direction direction);
extern const fnas_node_type fnas_node_conv, fnas_node_norm, fnas_node_relu, fnas_node_average_pool, fnas_node_identity, fnas_node_zero,
    fnas_node_global_pool, fnas_node_linear, fnas_node_hard_swish, fnas_node_hard_sigmoid, fnas_node_channel_scale;

/* Writes a value that a node alone gives once more, from its z, into path->values[].restored. */
void fnas_conv_node_restore(const fnas_path *path, int64_t index);
float *fnas_conv_node_statistics(const fnas_path *path, int64_t index);
bool fnas_conv_node_is_finite(const fnas_path *path, int64_t index); /* its own output, after its forward pass */
bool fnas_conv_node_is_fused(const fnas_node *node); /* can activate its source itself, and have its share of a sum added later */

/* ---- where things are ---- */
fnas_shape fnas_path_shape(const fnas_path *path, fnas_value value);
size_t fnas_path_bytes(const fnas_path *path, fnas_value value); /* of a value in memory, whole cache lines */
void *fnas_path_buffer(const fnas_path *path, int32_t buffer);   /* NULL for FNAS_BUFFER_NONE */
fnas_value_shape fnas_path_image_shape(const fnas_path *path);   /* of the images that are given */
bool fnas_path_resizes(const fnas_path *path);                   /* they are of another size than the network's */
const void *fnas_path_source_data(const fnas_path *path, int64_t index);
const void *fnas_path_factors_data(const fnas_path *path, int64_t index); /* of a channel scale */
void *fnas_path_result_data(const fnas_path *path, int64_t index);
void *fnas_path_upstream(const fnas_path *path, int64_t index);             /* gradient of its result */
void *fnas_path_source_gradient(const fnas_path *path, int64_t index);      /* NULL when not wanted */
float *fnas_path_factors_gradient(const fnas_path *path, int64_t index);    /* likewise */
const float *fnas_path_parameter(const fnas_path *path, int32_t handle);    /* NULL for FNAS_PARAMETER_NONE */
float *fnas_path_parameter_gradient(const fnas_path *path, int32_t handle); /* NULL when there is none or none is wanted */
int64_t fnas_round_floats(int64_t floats);                                  /* to whole cache lines */

/* ---- normalisation, shared by CONV and NORM nodes: mean and variance lie in `statistics`, those of a convolution without its bias ---- */
size_t fnas_norm_statistics_bytes(const fnas_path *path, int64_t index); /* 0 without a norm */
float *fnas_norm_variance(const fnas_path *path, int64_t index, float *statistics);
void fnas_norm_load_given(const fnas_path *path, int64_t index, float *statistics);        /* from the request */
void fnas_norm_store_batch(const fnas_path *path, int64_t index, const float *statistics); /* where the request wants them, if it does */
/* Statistics of src, or those that the request gives, then the normalised src to the node's result. */
void fnas_norm_apply(const fnas_path *path, int64_t index, const void *src, float *statistics);
/* diff_src is written. Leaves sum(U o) in dots, and sum(U) in totals where the plan says so. */
void fnas_norm_unapply(const fnas_path *path, int64_t index, const void *src, const float *statistics, void *diff_src);

#endif
