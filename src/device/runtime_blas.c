/* im2col and OpenBLAS (Chellapilla et al. 2006): plain NCHW in f32, one image after the other through each operator, no fusion beyond bias
 * and ReLU. What one gets from a BLAS and nothing else, and quite another device than a convolution library: unfolding a 3x3 window costs
 * memory traffic that the multiplication does not win back at few channels. */
#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "compute/placement.h"
#include "device/runtime.h"

typedef struct blas_network {
    fnas_graph_node *nodes;
    fnas_value_shape *sources; /* [node_count] shape of the first input */
    int32_t *inputs;
    float *weights;
    float **outputs; /* [node_count]; of node 0 the caller's images */
    float *unfolded; /* one group of one image */
    int64_t node_count, batch;
    int threads;
    char *block;
    size_t bytes;
} blas_network;

static size_t image_floats(fnas_value_shape shape) {
    return (size_t)(shape.c * shape.h * shape.w);
}

/* ---- operators ---- */

/* Columns x of the output whose tap `offset` lies inside the row: first <= x < end. */
static void inner_columns(int64_t out, int64_t in, int64_t stride, int64_t offset, int64_t *first, int64_t *end) {
    *first = offset < 0 ? (-offset + stride - 1) / stride : 0;
    *end = in - offset <= 0 ? 0 : (in - offset - 1) / stride + 1;
    if (*end > out) *end = out;
    if (*first > *end) *first = *end;
}

static void unfold_row(const float *source, int64_t in, int64_t out, int64_t stride, int64_t offset, float *target) {
    int64_t first, end;
    inner_columns(out, in, stride, offset, &first, &end);
    for (int64_t x = 0; x < first; x++) target[x] = 0;
    if (stride == 1 && end > first)
        memcpy(target + first, source + first + offset, (size_t)(end - first) * sizeof *target);
    else
        for (int64_t x = first; x < end; x++) target[x] = source[x * stride + offset];
    for (int64_t x = end; x < out; x++) target[x] = 0;
}

/* source [channels, H, W] to [channels * K * K, out H * out W]. */
static void unfold(const fnas_graph_node *node, fnas_value_shape in, int64_t channels, const float *source, float *target) {
    for (int64_t c = 0; c < channels; c++)
        for (int64_t ky = 0; ky < node->kernel; ky++)
            for (int64_t kx = 0; kx < node->kernel; kx++)
                for (int64_t y = 0; y < node->shape.h; y++, target += node->shape.w) {
                    int64_t row = y * node->stride + ky - node->padding;
                    if (row < 0 || row >= in.h)
                        memset(target, 0, (size_t)node->shape.w * sizeof *target);
                    else
                        unfold_row(source + (c * in.h + row) * in.w, in.w, node->shape.w, node->stride, kx - node->padding, target);
                }
}

static float gate_of(float x) {
    float gate = x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3;
    return gate / 6;
}

/* output = f(source + bias); they may be the same. A loop each, which compilers make vectors of. */
static void activate(fnas_activation activation, size_t count, float bias, const float *source, float *output) {
    switch (activation) {
    case FNAS_ACTIVATION_NONE:
        for (size_t i = 0; i < count; i++) output[i] = source[i] + bias;
        break;
    case FNAS_ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++) output[i] = source[i] + bias < 0 ? 0 : source[i] + bias;
        break;
    case FNAS_ACTIVATION_HARD_SWISH:
        for (size_t i = 0; i < count; i++) output[i] = (source[i] + bias) * gate_of(source[i] + bias);
        break;
    case FNAS_ACTIVATION_HARD_SIGMOID:
        for (size_t i = 0; i < count; i++) output[i] = gate_of(source[i] + bias);
        break;
    }
}

static void run_conv_image(const blas_network *network, const fnas_graph_node *node, fnas_value_shape in, const float *source,
                           float *output) {
    int64_t group_in = in.c / node->groups, group_out = node->shape.c / node->groups;
    int64_t depth = group_in * node->kernel * node->kernel, plane = node->shape.h * node->shape.w;
    bool is_pointwise = node->kernel == 1 && node->stride == 1 && node->padding == 0;
    for (int64_t g = 0; g < node->groups; g++) {
        const float *columns = source + g * group_in * in.h * in.w;
        if (!is_pointwise) {
            unfold(node, in, group_in, columns, network->unfolded);
            columns = network->unfolded;
        }
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)group_out, (int)plane, (int)depth, 1,
                    network->weights + node->weights + g * group_out * depth, (int)depth, columns, (int)plane, 0,
                    output + g * group_out * plane, (int)plane);
    }
    if (node->bias == FNAS_GRAPH_NONE && !node->activation) return;
    for (int64_t c = 0; c < node->shape.c; c++)
        activate(node->activation, (size_t)plane, node->bias == FNAS_GRAPH_NONE ? 0 : network->weights[node->bias + c], output + c * plane,
                 output + c * plane);
}

static float window_average(const float *plane, fnas_value_shape in, int64_t top, int64_t left, int64_t kernel) {
    int64_t y0 = top < 0 ? 0 : top, y1 = top + kernel > in.h ? in.h : top + kernel;
    int64_t x0 = left < 0 ? 0 : left, x1 = left + kernel > in.w ? in.w : left + kernel;
    float sum = 0;
    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++) sum += plane[y * in.w + x];
    return sum / (float)((y1 - y0) * (x1 - x0));
}

static void run_pool_image(const fnas_graph_node *node, fnas_value_shape in, const float *source, float *output) {
    for (int64_t c = 0; c < in.c; c++)
        for (int64_t y = 0; y < node->shape.h; y++)
            for (int64_t x = 0; x < node->shape.w; x++)
                *output++ = window_average(source + c * in.h * in.w, in, y * node->stride - node->padding, x * node->stride - node->padding,
                                           node->kernel);
}

static void run_global_pool_image(fnas_value_shape in, const float *source, float *output) {
    int64_t plane = in.h * in.w;
    for (int64_t c = 0; c < in.c; c++) {
        float sum = 0;
        for (int64_t i = 0; i < plane; i++) sum += source[c * plane + i];
        output[c] = sum / (float)plane;
    }
}

static void run_scale_shift_image(const blas_network *network, const fnas_graph_node *node, const float *source, float *output) {
    int64_t plane = node->shape.h * node->shape.w;
    for (int64_t c = 0; c < node->shape.c; c++) {
        float scale = network->weights[node->weights + c], shift = node->bias == FNAS_GRAPH_NONE ? 0 : network->weights[node->bias + c];
        for (int64_t i = c * plane; i < (c + 1) * plane; i++) {
            float value = scale * source[i] + shift;
            output[i] = node->activation && value < 0 ? 0 : value; /* ReLU */
        }
    }
}

static void run_linear(const blas_network *network, int64_t number, const float *source, float *output) {
    const fnas_graph_node *node = &network->nodes[number];
    int in = (int)network->sources[number].c, out = (int)node->shape.c;
    for (int64_t n = 0; n < network->batch; n++)
        for (int o = 0; o < out; o++) output[n * out + o] = node->bias == FNAS_GRAPH_NONE ? 0 : network->weights[node->bias + o];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)network->batch, out, in, 1, source, in, network->weights + node->weights, in,
                1, output, out);
}

static void run_channel_scale(const blas_network *network, const fnas_graph_node *node, float *output) {
    const int32_t *inputs = network->inputs + node->first_input;
    const float *source = network->outputs[inputs[0]], *factors = network->outputs[inputs[1]];
    int64_t plane = node->shape.h * node->shape.w;
    for (int64_t c = 0; c < network->batch * node->shape.c; c++)
        for (int64_t i = c * plane; i < (c + 1) * plane; i++) output[i] = source[i] * factors[c];
}

static void run_add(const blas_network *network, const fnas_graph_node *node, float *output) {
    size_t count = image_floats(node->shape) * (size_t)network->batch;
    const int32_t *inputs = network->inputs + node->first_input;
    const float *a = network->outputs[inputs[0]], *b = network->outputs[inputs[1]];
    for (size_t i = 0; i < count; i++) output[i] = a[i] + b[i];
    for (int64_t k = 2; k < node->input_count; k++) {
        const float *more = network->outputs[inputs[k]];
        for (size_t i = 0; i < count; i++) output[i] += more[i];
    }
    if (node->activation) activate(node->activation, count, 0, output, output);
}

static void run_image_node(const blas_network *network, int64_t number, const float *source, float *output) {
    const fnas_graph_node *node = &network->nodes[number];
    fnas_value_shape in = network->sources[number];
    switch (node->kind) {
    case FNAS_GRAPH_CONV:
        run_conv_image(network, node, in, source, output);
        break;
    case FNAS_GRAPH_ACTIVATION:
        activate(node->activation, image_floats(in), 0, source, output);
        break;
    case FNAS_GRAPH_AVERAGE_POOL:
        run_pool_image(node, in, source, output);
        break;
    case FNAS_GRAPH_SCALE_SHIFT:
        run_scale_shift_image(network, node, source, output);
        break;
    case FNAS_GRAPH_GLOBAL_POOL:
        run_global_pool_image(in, source, output);
        break;
    default:
        break; /* the whole batch at once: run_node; nothing: input and zero */
    }
}

static void run_node(const blas_network *network, int64_t number) {
    const fnas_graph_node *node = &network->nodes[number];
    float *output = network->outputs[number];
    if (node->kind == FNAS_GRAPH_ADD) {
        run_add(network, node, output);
    } else if (node->kind == FNAS_GRAPH_CHANNEL_SCALE) {
        run_channel_scale(network, node, output);
    } else if (node->kind == FNAS_GRAPH_LINEAR) {
        run_linear(network, number, network->outputs[network->inputs[node->first_input]], output);
    } else if (node->input_count) {
        const float *source = network->outputs[network->inputs[node->first_input]];
        size_t in = image_floats(network->sources[number]), out = image_floats(node->shape);
        for (int64_t n = 0; n < network->batch; n++) run_image_node(network, number, source + (size_t)n * in, output + (size_t)n * out);
    }
}

/* ---- preparation ---- */

static void blas_destroy(void *instance) {
    blas_network *network = instance;
    if (!network) return;
    fnas_free(network->nodes);
    fnas_free(network->sources);
    fnas_free(network->inputs);
    fnas_free(network->weights);
    fnas_free(network->outputs);
    fnas_free(network->unfolded);
    fnas_free(network->block);
    fnas_free(network);
}

static bool copy_graph(const fnas_graph *graph, blas_network *network) {
    network->nodes = fnas_allocate((size_t)graph->node_count, sizeof *network->nodes);
    network->sources = fnas_allocate((size_t)graph->node_count, sizeof *network->sources);
    network->outputs = fnas_allocate((size_t)graph->node_count, sizeof *network->outputs);
    network->inputs = fnas_allocate((size_t)graph->input_count, sizeof *network->inputs);
    network->weights = fnas_allocate((size_t)graph->weight_count, sizeof *network->weights);
    if (!network->nodes || !network->sources || !network->outputs || !network->inputs || !network->weights) return false;
    memcpy(network->nodes, graph->nodes, (size_t)graph->node_count * sizeof *network->nodes);
    memcpy(network->inputs, graph->inputs, (size_t)graph->input_count * sizeof *network->inputs);
    memcpy(network->weights, graph->weights, (size_t)graph->weight_count * sizeof *network->weights);
    for (int64_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].input_count) network->sources[i] = fnas_graph_source_shape(graph, i);
    network->bytes = (size_t)graph->weight_count * sizeof *network->weights;
    return true;
}

static bool allocate_unfolded(blas_network *network) {
    size_t most = 0;
    for (int64_t i = 0; i < network->node_count; i++) {
        const fnas_graph_node *node = &network->nodes[i];
        if (node->kind != FNAS_GRAPH_CONV) continue;
        size_t floats = (size_t)(network->sources[i].c / node->groups * node->kernel * node->kernel * node->shape.h * node->shape.w);
        if (floats > most) most = floats;
    }
    network->unfolded = fnas_allocate(most, sizeof *network->unfolded);
    network->bytes += most * sizeof *network->unfolded;
    return network->unfolded != NULL;
}

/* A ZERO is written by nobody, so its room is its own for good. */
static void find_life_times(const blas_network *network, fnas_placed_buffer *placed) {
    placed[0] = (fnas_placed_buffer){0, 1, 0, 0};
    for (int64_t i = 1; i < network->node_count; i++) {
        const fnas_graph_node *node = &network->nodes[i];
        bool is_zero = node->kind == FNAS_GRAPH_ZERO;
        size_t bytes = image_floats(node->shape) * (size_t)network->batch * sizeof(float);
        placed[i] = (fnas_placed_buffer){bytes, is_zero ? 0 : i, is_zero ? network->node_count : i, 0};
        for (int64_t k = 0; k < node->input_count; k++) {
            int32_t input = network->inputs[node->first_input + k];
            if (input > 0 && placed[input].last < i) placed[input].last = i;
        }
    }
    placed[network->node_count - 1].last = network->node_count;
}

static bool place_outputs(blas_network *network) {
    fnas_placed_buffer *placed = fnas_allocate((size_t)network->node_count, sizeof *placed);
    if (!placed) return false;
    find_life_times(network, placed);
    size_t bytes = fnas_place_buffers(network->node_count, placed);
    network->block = fnas_allocate(bytes, 1);
    network->bytes += bytes;
    for (int64_t i = 1; network->block && i < network->node_count; i++)
        network->outputs[i] = (float *)(void *)(network->block + placed[i].offset);
    fnas_free(placed);
    return network->block != NULL;
}

static fnas_status blas_create(fnas_context *context, const fnas_graph *graph, const fnas_runtime_options *options, void **instance) {
    *instance = NULL;
    if (options->precision != FNAS_PRECISION_F32)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "runtime blas knows the precision f32 only");
    blas_network *network = fnas_allocate(1, sizeof *network);
    if (!network) return fnas_fail_memory(context, "a network of the runtime blas");
    network->node_count = graph->node_count;
    network->batch = options->batch;
    network->threads = (int)options->threads;
    if (!copy_graph(graph, network) || !allocate_unfolded(network) || !place_outputs(network)) {
        blas_destroy(network);
        return fnas_fail_memory(context, "a network of the runtime blas");
    }
    *instance = network;
    return FNAS_OK;
}

/* node_ms NULL: nothing is timed. */
static void run_nodes(blas_network *network, double *node_ms) {
    double (*now_ms)(void) = network->threads == 1 ? fnas_thread_cpu_ms : fnas_wall_ms;
    double before = node_ms ? now_ms() : 0;
    for (int64_t i = 1; i < network->node_count; i++) {
        run_node(network, i);
        if (!node_ms) continue;
        double after = now_ms();
        node_ms[i] += after - before;
        before = after;
    }
}

static fnas_status blas_run_timed(fnas_context *context, void *instance, const float *images, float *logits, double *node_ms) {
    (void)context;
    blas_network *network = instance;
    if (openblas_get_num_threads() != network->threads) openblas_set_num_threads(network->threads);
    network->outputs[0] = (float *)(uintptr_t)images; /* read only */
    run_nodes(network, node_ms);
    int64_t last = network->node_count - 1;
    memcpy(logits, network->outputs[last], image_floats(network->nodes[last].shape) * (size_t)network->batch * sizeof *logits);
    return FNAS_OK;
}

static fnas_status blas_run(fnas_context *context, void *instance, const float *images, float *logits) {
    return blas_run_timed(context, instance, images, logits, NULL);
}

/* ---- the table ---- */

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": its first two words. */
static void blas_version(char *text, size_t size_bytes) {
    const char *config = openblas_get_config();
    const char *space = strchr(config, ' '), *end = space ? strchr(space + 1, ' ') : NULL;
    snprintf(text, size_bytes, "%.*s", end ? (int)(end - config) : (int)strlen(config), config);
}

static const char *blas_isa(void) {
    return openblas_get_corename();
}

static size_t blas_bytes(const void *instance) {
    return ((const blas_network *)instance)->bytes;
}

static void blas_describe(const void *instance, fnas_text *text) {
    const blas_network *network = instance;
    for (int64_t i = 1; i < network->node_count; i++)
        fnas_text_append(text, "%lld %s\n", (long long)i, fnas_graph_kind_name(network->nodes[i].kind));
}

const fnas_runtime fnas_runtime_blas = {.name = "blas",
                                        .precisions = {true, false, false},
                                        .knows_isa = false,
                                        .version = blas_version,
                                        .isa = blas_isa,
                                        .translation = &fnas_translation_blas,
                                        .create = blas_create,
                                        .run = blas_run,
                                        .run_timed = blas_run_timed,
                                        .bytes = blas_bytes,
                                        .describe = blas_describe,
                                        .destroy = blas_destroy};
