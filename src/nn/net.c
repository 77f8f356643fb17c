#include "nn/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

const char *fnas_node_kind_name(fnas_node_kind kind) {
    static const char *const names[] = {"conv",        "norm",   "relu",       "average_pool", "identity",     "zero",
                                        "global_pool", "linear", "hard_swish", "hard_sigmoid", "channel_scale"};
    return names[kind];
}

static void fnas_net_fail(fnas_net *net, fnas_status status, const char *format, ...) FNAS_PRINTF(3, 4);
static void fnas_net_fail(fnas_net *net, fnas_status status, const char *format, ...) {
    if (net->failure != FNAS_OK) return;
    net->failure = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(net->failure_text, sizeof net->failure_text, format, arguments);
    va_end(arguments);
}

fnas_status fnas_net_create(fnas_context *context, fnas_value_shape image, fnas_net **net) {
    fnas_net *made = fnas_allocate(1, sizeof *made);
    if (!made || !fnas_grow((void **)&made->values, &made->value_capacity, 1, sizeof *made->values)) {
        fnas_net_destroy(made);
        return fnas_fail_memory(context, "a net");
    }
    made->values[0] = image;
    made->value_count = 1;
    made->logits = FNAS_VALUE_NEW;
    *net = made;
    return FNAS_OK;
}

void fnas_net_destroy(fnas_net *net) {
    if (!net) return;
    fnas_free(net->nodes);
    fnas_free(net->values);
    fnas_free(net->sites);
    fnas_free(net);
}

fnas_status fnas_net_copy(fnas_context *context, const fnas_net *net, fnas_net **copy) {
    fnas_net *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "a net");
    *made = *net;
    made->node_capacity = (size_t)net->node_count;
    made->value_capacity = (size_t)net->value_count;
    made->site_capacity = (size_t)net->site_count;
    made->nodes = fnas_allocate(made->node_capacity, sizeof *made->nodes);
    made->values = fnas_allocate(made->value_capacity, sizeof *made->values);
    made->sites = net->site_count ? fnas_allocate(made->site_capacity, sizeof *made->sites) : NULL;
    if (!made->nodes || !made->values || (net->site_count && !made->sites)) {
        fnas_net_destroy(made);
        return fnas_fail_memory(context, "a net");
    }
    memcpy(made->nodes, net->nodes, made->node_capacity * sizeof *made->nodes);
    memcpy(made->values, net->values, made->value_capacity * sizeof *made->values);
    if (net->site_count) memcpy(made->sites, net->sites, made->site_capacity * sizeof *made->sites);
    *copy = made;
    return FNAS_OK;
}

static bool fnas_shape_equal(fnas_value_shape a, fnas_value_shape b) {
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

/* After a failure, builders go on with value 0; nothing of the net is used then. */
static bool fnas_net_source_shape(fnas_net *net, fnas_value source, fnas_value_shape *shape) {
    if (net->failure != FNAS_OK) return false;
    if (source < 0 || source >= net->value_count) {
        fnas_net_fail(net, FNAS_ERR_INTERNAL, "node %lld reads value %d, which does not exist", (long long)net->node_count, (int)source);
        return false;
    }
    *shape = net->values[source];
    return true;
}

/* The image is not in the engine's layout: only convolutions read it. */
static bool fnas_net_activation_shape(fnas_net *net, fnas_value source, fnas_value_shape *shape) {
    if (!fnas_net_source_shape(net, source, shape)) return false;
    if (source == 0) fnas_net_fail(net, FNAS_ERR_INTERNAL, "node %lld reads the image: only a convolution can", (long long)net->node_count);
    return net->failure == FNAS_OK;
}

static fnas_value fnas_net_result(fnas_net *net, fnas_value_shape shape, fnas_value into) {
    if (shape.c < 1 || shape.h < 1 || shape.w < 1) {
        fnas_net_fail(net, FNAS_ERR_INPUT, "node %lld would have an empty result (%lldx%lldx%lld): the image is too small",
                      (long long)net->node_count, (long long)shape.c, (long long)shape.h, (long long)shape.w);
        return 0;
    }
    if (into != FNAS_VALUE_NEW) {
        if (into <= 0 || into >= net->value_count || !fnas_shape_equal(net->values[into], shape)) {
            fnas_net_fail(net, FNAS_ERR_INTERNAL, "node %lld gives %lldx%lldx%lld, which does not fit value %d", (long long)net->node_count,
                          (long long)shape.c, (long long)shape.h, (long long)shape.w, (int)into);
            return 0;
        }
        return into;
    }
    if (!fnas_grow((void **)&net->values, &net->value_capacity, (size_t)net->value_count + 1, sizeof *net->values)) {
        fnas_net_fail(net, FNAS_ERR_MEMORY, "out of memory for a net");
        return 0;
    }
    net->values[net->value_count] = shape;
    return (fnas_value)net->value_count++;
}

static void fnas_net_check_gate(fnas_net *net, int64_t node, fnas_gate gate) {
    if (gate.first >= 0 && (gate.selected < 0 || gate.selected >= gate.count))
        fnas_net_fail(net, FNAS_ERR_INTERNAL, "node %lld: gate selects %d of %d", (long long)node, (int)gate.selected, (int)gate.count);
}

static fnas_value fnas_net_append(fnas_net *net, fnas_node node, fnas_value_shape shape, fnas_value into) {
    fnas_net_check_gate(net, net->node_count, node.gate);
    if (net->failure != FNAS_OK) return 0;
    node.result = fnas_net_result(net, shape, into);
    if (net->failure != FNAS_OK) return 0;
    if (!fnas_grow((void **)&net->nodes, &net->node_capacity, (size_t)net->node_count + 1, sizeof *net->nodes)) {
        fnas_net_fail(net, FNAS_ERR_MEMORY, "out of memory for a net");
        return 0;
    }
    node.part = net->part;
    if (node.kind != FNAS_NODE_CHANNEL_SCALE) node.factors = FNAS_VALUE_NEW;
    node.norm_index = -1;
    if (node.norm.present) {
        node.norm_index = (int32_t)net->norm_count++;
        node.norm_offset = net->norm_channels;
        net->norm_channels += shape.c;
    }
    net->nodes[net->node_count++] = node;
    return node.result;
}

static int64_t fnas_window_count(int64_t size, int64_t kernel, int64_t stride, int64_t padding) {
    int64_t room = size + 2 * padding - kernel;
    return room < 0 || stride < 1 ? 0 : room / stride + 1;
}

fnas_value fnas_net_conv(fnas_net *net, fnas_value source, fnas_value into, const fnas_conv_spec *conv, const fnas_norm_spec *norm,
                         fnas_gate gate) {
    fnas_value_shape in;
    if (!fnas_net_source_shape(net, source, &in)) return 0;
    if (conv->groups < 1 || conv->in * conv->groups != in.c || conv->out % conv->groups != 0)
        fnas_net_fail(net, FNAS_ERR_INTERNAL,
                      "node %lld: convolution of %lld inputs in %lld groups to %lld outputs on a value of %lld channels",
                      (long long)net->node_count, (long long)conv->in, (long long)conv->groups, (long long)conv->out, (long long)in.c);
    fnas_value_shape out = {conv->out, fnas_window_count(in.h, conv->kernel, conv->stride, conv->padding),
                            fnas_window_count(in.w, conv->kernel, conv->stride, conv->padding)};
    fnas_node node = {.kind = FNAS_NODE_CONV, .source = source, .gate = gate, .conv = *conv};
    if (norm) node.norm = *norm;
    return fnas_net_append(net, node, out, into);
}

fnas_value fnas_net_norm(fnas_net *net, fnas_value source, const fnas_norm_spec *norm) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    fnas_node node = {.kind = FNAS_NODE_NORM, .source = source, .gate = FNAS_UNGATED, .norm = *norm};
    node.norm.present = true;
    return fnas_net_append(net, node, in, FNAS_VALUE_NEW);
}

fnas_value fnas_net_relu(fnas_net *net, fnas_value source) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    return fnas_net_append(net, (fnas_node){.kind = FNAS_NODE_RELU, .source = source, .gate = FNAS_UNGATED}, in, FNAS_VALUE_NEW);
}

fnas_value fnas_net_hard_swish(fnas_net *net, fnas_value source) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    return fnas_net_append(net, (fnas_node){.kind = FNAS_NODE_HARD_SWISH, .source = source, .gate = FNAS_UNGATED}, in, FNAS_VALUE_NEW);
}

fnas_value fnas_net_hard_sigmoid(fnas_net *net, fnas_value source) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    if (!fnas_net_value_is_plain(net, source))
        fnas_net_fail(net, FNAS_ERR_INTERNAL, "node %lld: a hard sigmoid is for the result of a global pool or of a linear layer",
                      (long long)net->node_count);
    return fnas_net_append(net, (fnas_node){.kind = FNAS_NODE_HARD_SIGMOID, .source = source, .gate = FNAS_UNGATED}, in, FNAS_VALUE_NEW);
}

fnas_value fnas_net_channel_scale(fnas_net *net, fnas_value source, fnas_value factors) {
    fnas_value_shape in, scale;
    if (!fnas_net_activation_shape(net, source, &in) || !fnas_net_activation_shape(net, factors, &scale)) return 0;
    if (!fnas_net_value_is_plain(net, factors) || fnas_net_value_is_plain(net, source) || scale.c != in.c)
        fnas_net_fail(net, FNAS_ERR_INTERNAL,
                      "node %lld: a channel scale needs an activation and one plain factor for each of its channels",
                      (long long)net->node_count);
    fnas_node node = {.kind = FNAS_NODE_CHANNEL_SCALE, .source = source, .factors = factors, .gate = FNAS_UNGATED};
    return fnas_net_append(net, node, in, FNAS_VALUE_NEW);
}

void fnas_net_begin_part(fnas_net *net, int32_t part) {
    net->part = part;
}

fnas_value fnas_net_average_pool(fnas_net *net, fnas_value source, fnas_value into, int64_t kernel, int64_t stride, int64_t padding,
                                 fnas_gate gate) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    fnas_value_shape out = {in.c, fnas_window_count(in.h, kernel, stride, padding), fnas_window_count(in.w, kernel, stride, padding)};
    fnas_node node = {.kind = FNAS_NODE_AVERAGE_POOL,
                      .source = source,
                      .gate = gate,
                      .pool_kernel = kernel,
                      .pool_stride = stride,
                      .pool_padding = padding};
    return fnas_net_append(net, node, out, into);
}

fnas_value fnas_net_identity(fnas_net *net, fnas_value source, fnas_value into, fnas_gate gate) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    return fnas_net_append(net, (fnas_node){.kind = FNAS_NODE_IDENTITY, .source = source, .gate = gate}, in, into);
}

fnas_value fnas_net_zero(fnas_net *net, fnas_value_shape shape, fnas_value into, fnas_gate gate) {
    return fnas_net_append(net, (fnas_node){.kind = FNAS_NODE_ZERO, .source = FNAS_VALUE_NEW, .gate = gate}, shape, into);
}

fnas_value fnas_net_global_pool(fnas_net *net, fnas_value source) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    fnas_node node = {.kind = FNAS_NODE_GLOBAL_POOL, .source = source, .gate = FNAS_UNGATED};
    return fnas_net_append(net, node, (fnas_value_shape){in.c, 1, 1}, FNAS_VALUE_NEW);
}

fnas_value fnas_net_linear(fnas_net *net, fnas_value source, int32_t weight, int32_t bias, int64_t out) {
    fnas_value_shape in;
    if (!fnas_net_activation_shape(net, source, &in)) return 0;
    if (!fnas_net_value_is_plain(net, source))
        fnas_net_fail(net, FNAS_ERR_INTERNAL, "node %lld: a linear layer reads the result of a global pool or of a linear layer",
                      (long long)net->node_count);
    fnas_node node = {.kind = FNAS_NODE_LINEAR,
                      .source = source,
                      .gate = FNAS_UNGATED,
                      .conv = {.weight = weight, .bias = bias, .out = out, .in = in.c, .kernel = 1, .stride = 1, .groups = 1}};
    net->logits = fnas_net_append(net, node, (fnas_value_shape){out, 1, 1}, FNAS_VALUE_NEW);
    return net->logits;
}

void fnas_net_add_site(fnas_net *net, fnas_gate gate) {
    if (net->failure != FNAS_OK) return;
    int64_t last = net->node_count - 1;
    fnas_net_check_gate(net, last, gate);
    if (last < 0 || gate.first < 0 || (net->nodes[last].kind != FNAS_NODE_CONV && net->nodes[last].kind != FNAS_NODE_NORM))
        fnas_net_fail(net, FNAS_ERR_INTERNAL, "node %lld: a site needs a convolution or a norm, and a gate", (long long)last);
    else if (!fnas_grow((void **)&net->sites, &net->site_capacity, (size_t)net->site_count + 1, sizeof *net->sites))
        fnas_net_fail(net, FNAS_ERR_MEMORY, "out of memory for a net");
    if (net->failure == FNAS_OK) net->sites[net->site_count++] = (fnas_gate_site){last, gate};
}

double fnas_net_products(const fnas_net *net, int64_t node) {
    const fnas_node *of = &net->nodes[node];
    const fnas_conv_spec *conv = &of->conv;
    fnas_value_shape out = net->values[of->result];
    if (of->kind == FNAS_NODE_LINEAR) return (double)(conv->in * conv->out);
    if (of->kind != FNAS_NODE_CONV) return 0;
    return (double)(conv->out * conv->in * conv->kernel * conv->kernel) * (double)(out.h * out.w);
}

static bool fnas_node_is_activation(fnas_node_kind kind) {
    return kind == FNAS_NODE_RELU || kind == FNAS_NODE_HARD_SWISH || kind == FNAS_NODE_HARD_SIGMOID;
}

bool fnas_net_value_is_plain(const fnas_net *net, fnas_value value) {
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        if (node->result != value) continue;
        if (fnas_node_is_activation(node->kind)) return fnas_net_value_is_plain(net, node->source);
        return node->kind == FNAS_NODE_GLOBAL_POOL || node->kind == FNAS_NODE_LINEAR;
    }
    return false;
}

/* A node that reads a value must come after all nodes that contribute to it. */
static fnas_status fnas_net_check_read(fnas_context *context, const fnas_net *net, int64_t reader, fnas_value source) {
    bool written = source <= 0;
    for (int64_t i = 0; i < net->node_count; i++) {
        if (source <= 0 || net->nodes[i].result != source) continue;
        if (i >= reader)
            return fnas_fail(context, FNAS_ERR_INTERNAL, "node %lld reads value %d before node %lld adds to it", (long long)reader,
                             (int)source, (long long)i);
        written = true;
    }
    if (written) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INTERNAL, "node %lld reads value %d, which nothing writes", (long long)reader, (int)source);
}

static fnas_status fnas_net_check_order(fnas_context *context, const fnas_net *net) {
    for (int64_t reader = 0; reader < net->node_count; reader++) {
        FNAS_TRY(fnas_net_check_read(context, net, reader, net->nodes[reader].source));
        FNAS_TRY(fnas_net_check_read(context, net, reader, net->nodes[reader].factors));
    }
    return FNAS_OK;
}

fnas_status fnas_net_finish(fnas_context *context, fnas_net *net) {
    if (net->failure != FNAS_OK) return fnas_fail(context, net->failure, "%s", net->failure_text);
    if (net->logits < 0) return fnas_fail(context, FNAS_ERR_INTERNAL, "a net needs a linear layer: its last one gives the logits");
    return fnas_net_check_order(context, net);
}
