/* A recorded network: the coarse nodes that one architecture runs, in order, without memory or batch size. A space records it (space.h), a
 * path runs it (path.h), the inference graph is lowered from it (graph/lower.h): one description of an architecture, three uses.
 *
 * Values are activations [C, H, W] an image. Several nodes may contribute to one value: it is then their sum.
 * A gate is a row of the sampled one-hot D (method: the gated sum of GDAS and MODNAS): a node that computes the selected operation o_i
 * gives D_i * o_i(x) + sum over j != i of D_j, with D_i = 1 and D_j = 0, so its value is o_i(x); with U the gradient of its output, dL/dD_i
 * = sum(U * o_i(x)) and dL/dD_j = sum(U).
 * A site is a gate of the other kind (OFA, HAT): one selected entry of a row multiplies what a node gives, D_i * o(x), so that dL/dD_i gets
 * sum(U * o(x)) from each of its sites, and the other entries get nothing. */
#ifndef FNAS_NN_NET_H
#define FNAS_NN_NET_H

#include "nn/parameters.h"

typedef int32_t fnas_value;
#define FNAS_VALUE_NEW (-1) /* as `into`: make a new value */

typedef struct fnas_gate {
    int32_t first;    /* index in the one-hot vector of the row's first entry; -1: not gated */
    int32_t count;    /* entries of the row */
    int32_t selected; /* 0..count-1 */
} fnas_gate;
#define FNAS_UNGATED ((fnas_gate){-1, 0, 0})

#define FNAS_TRANSFORMS_MAX 2
#define FNAS_TRANSFORM_KERNEL_MAX 5

/* Convolution with a slice of a parameter [O, I, K, K]: its first `out` outputs, first `in` inputs and centre kernel x kernel taps (K -
 * kernel even). With groups, I and `in` count the inputs of one group: the source has in * groups channels.
 *
 * Kernel transforms (Cai et al. 2020, section 3.2): parameters [k^2, k^2] that lead from K in one step or several to kernel. Each takes the
 * centre k x k taps of a filter as a vector x and gives T x, rows being outputs; all filters of a parameter share it. */
typedef struct fnas_conv_spec {
    int32_t weight, bias; /* parameter handles; bias may be FNAS_PARAMETER_NONE */
    int64_t out, in, kernel, stride, padding, groups;
    int32_t transforms[FNAS_TRANSFORMS_MAX], transform_count;
} fnas_conv_spec;

typedef struct fnas_norm_spec {
    bool present;
    int32_t gamma, beta; /* FNAS_PARAMETER_NONE: not affine */
    float epsilon;
} fnas_norm_spec;

typedef enum fnas_node_kind {
    FNAS_NODE_CONV, /* convolution, then normalisation where present */
    FNAS_NODE_NORM, /* normalisation without a convolution before it */
    FNAS_NODE_RELU,
    FNAS_NODE_AVERAGE_POOL,
    FNAS_NODE_IDENTITY,
    FNAS_NODE_ZERO, /* contributes nothing; its gate still gets sum(U) */
    FNAS_NODE_GLOBAL_POOL,
    FNAS_NODE_LINEAR,
    FNAS_NODE_HARD_SWISH,
    FNAS_NODE_HARD_SIGMOID, /* of plain values only */
    FNAS_NODE_CHANNEL_SCALE /* its source times one factor an image and channel */
} fnas_node_kind;
const char *fnas_node_kind_name(fnas_node_kind kind); /* "conv", ... */

typedef struct fnas_node {
    fnas_node_kind kind;
    fnas_value source, result;
    fnas_value factors; /* CHANNEL_SCALE: a plain value; else FNAS_VALUE_NEW */
    int32_t part;       /* of the network, as the space counts them (fnas_net_begin_part) */
    fnas_gate gate;
    fnas_conv_spec conv; /* CONV; LINEAR uses weight, bias, out, in */
    fnas_norm_spec norm;
    int32_t norm_index;  /* number of this node among those with a norm, -1 without: where its statistics are kept */
    int64_t norm_offset; /* its first channel in a fnas_norm_state */
    int64_t pool_kernel, pool_stride, pool_padding;
} fnas_node;

typedef struct fnas_gate_site {
    int64_t node;
    fnas_gate gate;
} fnas_gate_site;

typedef struct fnas_value_shape {
    int64_t c, h, w;
} fnas_value_shape;

typedef struct fnas_net {
    fnas_node *nodes;
    int64_t node_count;
    fnas_value_shape *values; /* value 0 is the image, plain NCHW */
    int64_t value_count;
    fnas_gate_site *sites; /* a node may have several */
    int64_t site_count;
    fnas_value logits;                 /* result of the last LINEAR */
    int32_t part;                      /* of nodes to come */
    int64_t norm_count, norm_channels; /* norm_channels: total channels of all norms, layout of fnas_norm_state */
    size_t node_capacity, value_capacity, site_capacity;
    fnas_status failure; /* first failure while recording: builders keep going, fnas_net_finish reports it */
    char failure_text[160];
} fnas_net;

/* Nodes that follow belong to this part of the network (0 before the first call): what a device's time is told apart by. */
void fnas_net_begin_part(fnas_net *net, int32_t part);
/* Builders return the result value; a failure (out of memory, shapes that do not fit) is kept and reported by fnas_net_finish. */
FNAS_NODISCARD fnas_status fnas_net_create(fnas_context *context, fnas_value_shape image, fnas_net **net);
void fnas_net_destroy(fnas_net *net);
FNAS_NODISCARD fnas_status fnas_net_copy(fnas_context *context, const fnas_net *net, fnas_net **copy); /* of a finished net */
fnas_value fnas_net_conv(fnas_net *net, fnas_value source, fnas_value into, const fnas_conv_spec *conv, const fnas_norm_spec *norm,
                         fnas_gate gate);
fnas_value fnas_net_norm(fnas_net *net, fnas_value source, const fnas_norm_spec *norm);
/* Activations of plain values are plain values. */
fnas_value fnas_net_relu(fnas_net *net, fnas_value source);
fnas_value fnas_net_hard_swish(fnas_net *net, fnas_value source);
fnas_value fnas_net_hard_sigmoid(fnas_net *net, fnas_value source);
fnas_value fnas_net_channel_scale(fnas_net *net, fnas_value source, fnas_value factors);
fnas_value fnas_net_average_pool(fnas_net *net, fnas_value source, fnas_value into, int64_t kernel, int64_t stride, int64_t padding,
                                 fnas_gate gate);
fnas_value fnas_net_identity(fnas_net *net, fnas_value source, fnas_value into, fnas_gate gate);
fnas_value fnas_net_zero(fnas_net *net, fnas_value_shape shape, fnas_value into, fnas_gate gate);
fnas_value fnas_net_global_pool(fnas_net *net, fnas_value source); /* [C, 1, 1], plain [n][C] in memory */
fnas_value fnas_net_linear(fnas_net *net, fnas_value source, int32_t weight, int32_t bias, int64_t out); /* of a plain source */
/* What the last node gives is multiplied by the selected entry of a row, too: a convolution or a norm. */
void fnas_net_add_site(fnas_net *net, fnas_gate gate);
/* Checks that every value is complete before it is read. On failure the net is still the caller's to destroy. */
FNAS_NODISCARD fnas_status fnas_net_finish(fnas_context *context, fnas_net *net);

/* Multiplications of one image in a node's forward pass: of a convolution, padding counted as if it were multiplied, or of a linear layer;
 * others 0. */
double fnas_net_products(const fnas_net *net, int64_t node);

/* True for values that lie as plain [n][C]: results of global pools, of linear layers, and of activations of such. */
bool fnas_net_value_is_plain(const fnas_net *net, fnas_value value);

#endif
