#include "search/error/network_file.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "export/safetensors.h"
#include "nn/slice.h"

#define TENSORS_A_NODE 6 /* weight, bias, gamma, beta, mean, variance */

/* Tensors with their names; both lists, and the slices, are owned. */
typedef struct network_tensors {
    fnas_context *context;
    const fnas_parameters *weights;
    const fnas_norm_state *statistics;
    fnas_safetensors_tensor *items;
    char **names;
    float **slices;
    int64_t count, slice_count;
} network_tensors;

static void tensors_free(network_tensors *tensors, int64_t nodes) {
    for (int64_t i = 0; tensors->names && i < TENSORS_A_NODE * nodes; i++) fnas_free(tensors->names[i]);
    for (int64_t i = 0; tensors->slices && i < nodes; i++) fnas_free(tensors->slices[i]);
    fnas_free(tensors->items);
    fnas_free(tensors->names);
    fnas_free(tensors->slices);
}

static fnas_status add(network_tensors *tensors, const char *name, const char *suffix, int64_t rank, const int64_t *shape,
                       const float *data) {
    fnas_text text = {0};
    fnas_text_append(&text, "%s%s", name, suffix);
    tensors->names[tensors->count] = text.data;
    fnas_safetensors_tensor *item = &tensors->items[tensors->count++];
    *item = (fnas_safetensors_tensor){.name = text.data, .type = FNAS_SAFETENSORS_F32, .rank = rank, .data = data};
    memcpy(item->shape, shape, (size_t)rank * sizeof *shape);
    return text.failed ? fnas_fail_memory(tensors->context, "a tensor's name") : FNAS_OK;
}

/* The first entries of a parameter that is a vector. */
static fnas_status add_vector(network_tensors *tensors, int32_t handle, int64_t length) {
    if (handle == FNAS_PARAMETER_NONE) return FNAS_OK;
    const fnas_parameter *item = &tensors->weights->items[handle];
    return add(tensors, item->name, "", 1, &length, tensors->weights->values + item->offset);
}

static fnas_status add_slice(network_tensors *tensors, const fnas_conv_spec *conv) {
    const fnas_parameter *item = &tensors->weights->items[conv->weight];
    const int64_t shape[4] = {conv->out, conv->in, conv->kernel, conv->kernel};
    float *slice = fnas_allocate((size_t)(shape[0] * shape[1] * shape[2] * shape[3]), sizeof *slice);
    if (!slice) return fnas_fail_memory(tensors->context, "a network's weights");
    tensors->slices[tensors->slice_count++] = slice;
    fnas_slice_gather(tensors->weights, conv, slice);
    FNAS_TRY(add(tensors, item->name, "", item->rank, shape, slice));
    return add_vector(tensors, conv->bias, conv->out);
}

/* A norm without gamma is called after the convolution before it. */
static fnas_status add_norm(network_tensors *tensors, const fnas_node *node, int64_t channels) {
    const fnas_parameter *items = tensors->weights->items;
    const char *name = node->kind == FNAS_NODE_CONV ? items[node->conv.weight].name : NULL;
    FNAS_TRY(add_vector(tensors, node->norm.gamma, channels));
    FNAS_TRY(add_vector(tensors, node->norm.beta, channels));
    if (!name && node->norm.gamma == FNAS_PARAMETER_NONE)
        return fnas_fail(tensors->context, FNAS_ERR_UNSUPPORTED, "a norm that has neither weights nor a convolution before it has no name");
    if (!name) name = items[node->norm.gamma].name;
    FNAS_TRY(add(tensors, name, ".mean", 1, &channels, tensors->statistics->mean + node->norm_offset));
    return add(tensors, name, ".variance", 1, &channels, tensors->statistics->variance + node->norm_offset);
}

static fnas_status list_tensors(const fnas_net *net, network_tensors *tensors) {
    size_t most = TENSORS_A_NODE * (size_t)net->node_count;
    tensors->items = fnas_allocate(most, sizeof *tensors->items);
    tensors->names = fnas_allocate(most, sizeof *tensors->names);
    tensors->slices = fnas_allocate((size_t)net->node_count, sizeof *tensors->slices);
    if (!tensors->items || !tensors->names || !tensors->slices) return fnas_fail_memory(tensors->context, "a network's weights");
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        if (node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR) FNAS_TRY(add_slice(tensors, &node->conv));
        if (node->norm.present) FNAS_TRY(add_norm(tensors, node, net->values[node->result].c));
    }
    return FNAS_OK;
}

fnas_status fnas_network_write(fnas_context *context, const fnas_space *supernet, const char *arch, const fnas_net *net,
                               const fnas_parameters *weights, const fnas_norm_state *statistics, const char *path) {
    network_tensors tensors = {.context = context, .weights = weights, .statistics = statistics};
    const fnas_safetensors_text metadata[] = {{"format", "fleetnas-network/1"}, {"space", fnas_space_spec(supernet)}, {"arch", arch}};
    fnas_status status = list_tensors(net, &tensors);
    if (status == FNAS_OK)
        status = fnas_safetensors_write(context, path, tensors.items, tensors.count, metadata, sizeof metadata / sizeof *metadata);
    tensors_free(&tensors, net->node_count);
    return status;
}
