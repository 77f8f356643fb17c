/* The recorded network by the naive operators in double precision: every buffer apart, no liveness, the whole gate formula. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "compute/reference.h"
#include "nn/path.h"

typedef struct fnas_reference {
    fnas_context *context;
    const fnas_reference_request *request;
    const fnas_net *net;
    double **activations, **gradients; /* [value_count]; gradients of the logits and of what they depend on */
    double **shares;                   /* [node_count] z of a convolution, or the node's own result */
    double *mean, *variance;           /* [norm_channels] */
    double *scratch, *scratch_weights; /* of the largest value, of the largest weight slice and its gradient */
    int64_t slice_limit;
} fnas_reference;

/* ---- memory ---- */

static fnas_shape fnas_reference_shape(const fnas_reference *reference, fnas_value value) {
    fnas_value_shape shape = reference->net->values[value];
    return (fnas_shape){reference->request->n, shape.c, shape.h, shape.w};
}

static int64_t fnas_reference_count(const fnas_reference *reference, fnas_value value) {
    return fnas_shape_elements(fnas_reference_shape(reference, value));
}

static void fnas_reference_free(fnas_reference *reference) {
    const fnas_net *net = reference->net;
    for (int64_t i = 0; i < net->value_count; i++) {
        if (reference->activations) fnas_free(reference->activations[i]);
        if (reference->gradients) fnas_free(reference->gradients[i]);
    }
    for (int64_t i = 0; reference->shares && i < net->node_count; i++) fnas_free(reference->shares[i]);
    fnas_free(reference->activations);
    fnas_free(reference->gradients);
    fnas_free(reference->shares);
    fnas_free(reference->mean);
    fnas_free(reference->variance);
    fnas_free(reference->scratch);
    fnas_free(reference->scratch_weights);
}

static int64_t fnas_reference_slice_count(const fnas_conv_spec *slice) {
    return slice->out * slice->in * slice->kernel * slice->kernel;
}

static bool fnas_reference_allocate(fnas_reference *reference) {
    const fnas_net *net = reference->net;
    int64_t largest = 1;
    reference->activations = fnas_allocate((size_t)net->value_count, sizeof(double *));
    reference->gradients = fnas_allocate((size_t)net->value_count, sizeof(double *));
    reference->shares = fnas_allocate((size_t)net->node_count, sizeof(double *));
    reference->mean = fnas_allocate((size_t)net->norm_channels, sizeof(double));
    reference->variance = fnas_allocate((size_t)net->norm_channels, sizeof(double));
    bool fine = reference->activations && reference->gradients && reference->shares && reference->mean && reference->variance;
    for (int64_t i = 0; fine && i < net->value_count; i++) {
        int64_t count = fnas_reference_count(reference, (fnas_value)i);
        if (count > largest) largest = count;
        reference->activations[i] = fnas_allocate((size_t)count, sizeof(double));
        reference->gradients[i] = fnas_allocate((size_t)count, sizeof(double));
        fine = reference->activations[i] && reference->gradients[i];
    }
    for (int64_t i = 0; fine && i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        reference->shares[i] = fnas_allocate((size_t)fnas_reference_count(reference, node->result), sizeof(double));
        fine = reference->shares[i] != NULL;
        if (node->kind != FNAS_NODE_CONV && node->kind != FNAS_NODE_LINEAR) continue;
        int64_t slice = fnas_reference_slice_count(&node->conv);
        if (slice > reference->slice_limit) reference->slice_limit = slice;
    }
    reference->scratch = fnas_allocate((size_t)largest, 2 * sizeof(double));
    reference->scratch_weights = fnas_allocate((size_t)reference->slice_limit, 2 * sizeof(double));
    return fine && reference->scratch && reference->scratch_weights;
}

/* ---- parameters ---- */

static const double *fnas_reference_vector(const fnas_reference *reference, int32_t handle) {
    return handle == FNAS_PARAMETER_NONE ? NULL : reference->request->parameters + reference->request->layout->items[handle].offset;
}

static double *fnas_reference_vector_gradient(const fnas_reference *reference, int32_t handle) {
    double *gradient = reference->request->weight_gradient;
    return !gradient || handle == FNAS_PARAMETER_NONE ? NULL : gradient + reference->request->layout->items[handle].offset;
}

/* Where a kernel's tap lies; a transform reads the centre of what is before it. */
typedef struct reference_tap {
    int32_t level; /* behind so many transforms */
    int64_t filter, row, column;
} reference_tap;

static int64_t fnas_reference_kernel(const fnas_reference *reference, const fnas_conv_spec *slice, int32_t level) {
    const fnas_parameter *items = reference->request->layout->items;
    return level == 0 ? items[slice->weight].shape[2] : (int64_t)lround(sqrt((double)items[slice->transforms[level - 1]].shape[0]));
}

/* The i-th of the taps before that the tap is a sum of. */
static reference_tap fnas_reference_tap_before(const fnas_reference *reference, const fnas_conv_spec *slice, reference_tap tap, int64_t i) {
    int64_t kernel = fnas_reference_kernel(reference, slice, tap.level),
            border = (fnas_reference_kernel(reference, slice, tap.level - 1) - kernel) / 2;
    return (reference_tap){tap.level - 1, tap.filter, border + i / kernel, border + i % kernel};
}

/* Its row of the transform. */
static int64_t fnas_reference_transform_row(const fnas_reference *reference, const fnas_conv_spec *slice, reference_tap tap,
                                            int64_t *taps) {
    int64_t kernel = fnas_reference_kernel(reference, slice, tap.level);
    *taps = kernel * kernel;
    return reference->request->layout->items[slice->transforms[tap.level - 1]].offset + (tap.row * kernel + tap.column) * *taps;
}

static int64_t fnas_reference_entry(const fnas_reference *reference, const fnas_conv_spec *slice, reference_tap tap) {
    const fnas_parameter *parameter = &reference->request->layout->items[slice->weight];
    return parameter->offset + (tap.filter * parameter->shape[2] + tap.row) * parameter->shape[3] + tap.column;
}

static double fnas_reference_tap_value(const fnas_reference *reference, const fnas_conv_spec *slice, reference_tap tap) {
    const double *values = reference->request->parameters;
    if (tap.level == 0) return values[fnas_reference_entry(reference, slice, tap)];
    int64_t taps, row = fnas_reference_transform_row(reference, slice, tap, &taps);
    double sum = 0;
    for (int64_t i = 0; i < taps; i++)
        sum += values[row + i] * fnas_reference_tap_value(reference, slice, fnas_reference_tap_before(reference, slice, tap, i));
    return sum;
}

static void fnas_reference_tap_gradient(const fnas_reference *reference, const fnas_conv_spec *slice, reference_tap tap, double diff) {
    const double *values = reference->request->parameters;
    double *gradient = reference->request->weight_gradient;
    if (tap.level == 0) {
        gradient[fnas_reference_entry(reference, slice, tap)] += diff;
        return;
    }
    int64_t taps, row = fnas_reference_transform_row(reference, slice, tap, &taps);
    for (int64_t i = 0; i < taps; i++) {
        reference_tap before = fnas_reference_tap_before(reference, slice, tap, i);
        gradient[row + i] += diff * fnas_reference_tap_value(reference, slice, before);
        fnas_reference_tap_gradient(reference, slice, before, diff * values[row + i]);
    }
}

/* The tap that part[i] is: of the last transform, or of the centre where there is none. */
static reference_tap fnas_reference_tap_of(const fnas_reference *reference, const fnas_conv_spec *slice, int64_t i) {
    const int64_t *shape = reference->request->layout->items[slice->weight].shape;
    int64_t kernel = slice->kernel, taps = kernel * kernel, out = i / taps / slice->in, in = i / taps % slice->in;
    int64_t top = slice->transform_count ? 0 : (shape[2] - kernel) / 2, left = slice->transform_count ? 0 : (shape[3] - kernel) / 2;
    return (reference_tap){slice->transform_count, out * shape[1] + in, top + i % taps / kernel, left + i % kernel};
}

static void fnas_reference_gather(const fnas_reference *reference, const fnas_conv_spec *slice, double *part) {
    for (int64_t i = 0; i < fnas_reference_slice_count(slice); i++)
        part[i] = fnas_reference_tap_value(reference, slice, fnas_reference_tap_of(reference, slice, i));
}

static void fnas_reference_scatter(const fnas_reference *reference, const fnas_conv_spec *slice, const double *part) {
    for (int64_t i = 0; i < fnas_reference_slice_count(slice); i++)
        fnas_reference_tap_gradient(reference, slice, fnas_reference_tap_of(reference, slice, i), part[i]);
}

static const double *fnas_reference_weights(const fnas_reference *reference, const fnas_node *node) {
    fnas_reference_gather(reference, &node->conv, reference->scratch_weights);
    return reference->scratch_weights;
}

/* ---- gates ---- */

/* The entry of the row, 1 for ungated nodes and where no one-hot is given. */
static double fnas_reference_entry_of_gate(const fnas_reference *reference, const fnas_gate *gate) {
    const double *onehot = reference->request->onehot;
    return gate->first < 0 || !onehot ? 1.0 : onehot[gate->first + gate->selected];
}

/* The product of the entries of a node's sites, but for one of them (-1: of all). */
static double fnas_reference_sites(const fnas_reference *reference, int64_t index, int64_t but_for) {
    const fnas_net *net = reference->net;
    double product = 1.0;
    for (int64_t s = 0; s < net->site_count; s++)
        if (net->sites[s].node == index && s != but_for) product *= fnas_reference_entry_of_gate(reference, &net->sites[s].gate);
    return product;
}

/* What a node's own result is multiplied by. */
static double fnas_reference_selected(const fnas_reference *reference, int64_t index) {
    return fnas_reference_entry_of_gate(reference, &reference->net->nodes[index].gate) * fnas_reference_sites(reference, index, -1);
}

static double fnas_reference_others(const fnas_reference *reference, const fnas_gate *gate) {
    double sum = 0.0;
    if (gate->first < 0 || !reference->request->onehot) return 0.0;
    for (int32_t k = 0; k < gate->count; k++)
        if (k != gate->selected) sum += reference->request->onehot[gate->first + k];
    return sum;
}

/* ---- one node's own result o(x), in `own` ---- */

static fnas_conv_shape fnas_reference_conv_shape(const fnas_reference *reference, const fnas_node *node) {
    fnas_shape in = fnas_reference_shape(reference, node->source);
    const fnas_conv_spec *conv = &node->conv;
    return (fnas_conv_shape){in.n,         in.c,         in.h,          in.w,         conv->out,        conv->kernel,
                             conv->kernel, conv->stride, conv->padding, conv->groups, node->source == 0};
}

static fnas_pool_shape fnas_reference_pool_shape(const fnas_reference *reference, const fnas_node *node) {
    fnas_shape in = fnas_reference_shape(reference, node->source);
    return (fnas_pool_shape){in.n, in.c, in.h, in.w, node->pool_kernel, node->pool_stride, node->pool_padding};
}

static void fnas_reference_norm(const fnas_reference *reference, const fnas_node *node, const double *src, double *dst) {
    fnas_shape shape = fnas_reference_shape(reference, node->result);
    double *mean = reference->mean + node->norm_offset, *variance = reference->variance + node->norm_offset;
    const fnas_norm_state *given = reference->request->statistics;
    if (!given) fnas_ref_norm_statistics(shape, src, mean, variance);
    for (int64_t c = 0; given && c < shape.c; c++) {
        mean[c] = given->mean[node->norm_offset + c];
        variance[c] = given->variance[node->norm_offset + c];
    }
    fnas_ref_norm_forward(shape, node->norm.epsilon, src, mean, variance, fnas_reference_vector(reference, node->norm.gamma),
                          fnas_reference_vector(reference, node->norm.beta), false, dst);
}

static void fnas_reference_forward_own(const fnas_reference *reference, int64_t index, double *own) {
    const fnas_node *node = &reference->net->nodes[index];
    const double *src = node->source < 0 ? NULL : reference->activations[node->source];
    fnas_shape result = fnas_reference_shape(reference, node->result);
    switch (node->kind) {
    case FNAS_NODE_CONV: {
        fnas_conv_shape shape = fnas_reference_conv_shape(reference, node);
        double *z = reference->shares[index];
        fnas_ref_conv_forward(&shape, src, fnas_reference_weights(reference, node), fnas_reference_vector(reference, node->conv.bias), z);
        if (node->norm.present)
            fnas_reference_norm(reference, node, z, own);
        else
            fnas_ref_add(result, z, false, own);
        break;
    }
    case FNAS_NODE_NORM:
        fnas_reference_norm(reference, node, src, own);
        break;
    case FNAS_NODE_RELU:
        fnas_ref_relu_forward(result, src, own);
        break;
    case FNAS_NODE_AVERAGE_POOL: {
        fnas_pool_shape shape = fnas_reference_pool_shape(reference, node);
        fnas_ref_average_pool_forward(&shape, src, false, own);
        break;
    }
    case FNAS_NODE_IDENTITY:
        fnas_ref_add(result, src, false, own);
        break;
    case FNAS_NODE_ZERO:
        memset(own, 0, (size_t)fnas_reference_count(reference, node->result) * sizeof *own);
        break;
    case FNAS_NODE_GLOBAL_POOL:
        fnas_ref_global_pool_forward(fnas_reference_shape(reference, node->source), src, own);
        break;
    case FNAS_NODE_LINEAR:
        fnas_ref_linear_forward(result.n, node->conv.in, node->conv.out, src, fnas_reference_weights(reference, node),
                                fnas_reference_vector(reference, node->conv.bias), own);
        break;
    case FNAS_NODE_HARD_SWISH:
        fnas_ref_activation_forward(FNAS_ACTIVATION_HARD_SWISH, fnas_shape_elements(result), src, own);
        break;
    case FNAS_NODE_HARD_SIGMOID:
        fnas_ref_activation_forward(FNAS_ACTIVATION_HARD_SIGMOID, fnas_shape_elements(result), src, own);
        break;
    case FNAS_NODE_CHANNEL_SCALE:
        fnas_ref_channel_scale_forward(result, src, reference->activations[node->factors], own);
        break;
    }
}

static void fnas_reference_forward(const fnas_reference *reference) {
    const fnas_net *net = reference->net;
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        double *result = reference->activations[node->result], *own = reference->scratch;
        double selected = fnas_reference_selected(reference, i), others = fnas_reference_others(reference, &node->gate);
        if (reference->request->observe_source && node->source > 0 && !fnas_net_value_is_plain(reference->net, node->source))
            reference->request->observe_source(reference->request->observer, i, reference->activations[node->source]);
        fnas_reference_forward_own(reference, i, own);
        for (int64_t at = 0; at < fnas_reference_count(reference, node->result); at++) result[at] += selected * own[at] + others;
    }
}

/* The gradient of a node's own result, `diff_own`, to its source and weights. The image gets none. */
static void fnas_reference_backward_own(const fnas_reference *reference, int64_t index, const double *diff_own, double *spare) {
    const fnas_node *node = &reference->net->nodes[index];
    const double *src = node->source < 0 ? NULL : reference->activations[node->source];
    double *diff_src = node->source <= 0 ? NULL : reference->gradients[node->source];
    fnas_shape result = fnas_reference_shape(reference, node->result);
    const double *gamma = fnas_reference_vector(reference, node->norm.gamma), *beta = fnas_reference_vector(reference, node->norm.beta);
    double *diff_gamma = fnas_reference_vector_gradient(reference, node->norm.gamma),
           *diff_beta = fnas_reference_vector_gradient(reference, node->norm.beta);
    const double *mean = reference->mean + node->norm_offset, *variance = reference->variance + node->norm_offset;
    double *diff_slice = reference->scratch_weights + reference->slice_limit,
           *diff_weight = fnas_reference_vector_gradient(reference, node->conv.weight);
    switch (node->kind) {
    case FNAS_NODE_CONV: {
        fnas_conv_shape shape = fnas_reference_conv_shape(reference, node);
        const double *diff_z = diff_own;
        if (node->norm.present) {
            fnas_ref_norm_backward(result, node->norm.epsilon, reference->shares[index], mean, variance, gamma, beta, diff_own, spare,
                                   diff_gamma, diff_beta, NULL, NULL);
            diff_z = spare;
        }
        if (diff_weight) {
            memset(diff_slice, 0, (size_t)fnas_reference_slice_count(&node->conv) * sizeof *diff_slice);
            fnas_ref_conv_backward_weights(&shape, src, diff_z, diff_slice, fnas_reference_vector_gradient(reference, node->conv.bias));
            fnas_reference_scatter(reference, &node->conv, diff_slice);
        }
        if (diff_src) fnas_ref_conv_backward_data(&shape, diff_z, fnas_reference_weights(reference, node), true, diff_src);
        break;
    }
    case FNAS_NODE_NORM:
        fnas_ref_norm_backward(result, node->norm.epsilon, src, mean, variance, gamma, beta, diff_own, spare, diff_gamma, diff_beta, NULL,
                               NULL);
        fnas_ref_add(result, spare, true, diff_src);
        break;
    case FNAS_NODE_RELU:
        fnas_ref_relu_backward(result, src, diff_own, true, diff_src);
        break;
    case FNAS_NODE_AVERAGE_POOL: {
        fnas_pool_shape shape = fnas_reference_pool_shape(reference, node);
        fnas_ref_average_pool_backward(&shape, diff_own, true, diff_src);
        break;
    }
    case FNAS_NODE_IDENTITY:
        fnas_ref_add(result, diff_own, true, diff_src);
        break;
    case FNAS_NODE_ZERO:
        break;
    case FNAS_NODE_HARD_SWISH:
        fnas_ref_activation_backward(FNAS_ACTIVATION_HARD_SWISH, fnas_shape_elements(result), src, diff_own, true, diff_src);
        break;
    case FNAS_NODE_HARD_SIGMOID:
        fnas_ref_activation_backward(FNAS_ACTIVATION_HARD_SIGMOID, fnas_shape_elements(result), src, diff_own, true, diff_src);
        break;
    case FNAS_NODE_CHANNEL_SCALE:
        fnas_ref_channel_scale_backward(result, src, reference->activations[node->factors], diff_own, diff_src,
                                        reference->gradients[node->factors]);
        break;
    case FNAS_NODE_GLOBAL_POOL:
        fnas_ref_global_pool_backward(fnas_reference_shape(reference, node->source), diff_own, true, diff_src);
        break;
    case FNAS_NODE_LINEAR:
        memset(diff_slice, 0, (size_t)fnas_reference_slice_count(&node->conv) * sizeof *diff_slice);
        fnas_ref_linear_backward(result.n, node->conv.in, node->conv.out, src, fnas_reference_weights(reference, node), diff_own, spare,
                                 diff_slice, fnas_reference_vector_gradient(reference, node->conv.bias));
        if (diff_weight) fnas_reference_scatter(reference, &node->conv, diff_slice);
        fnas_ref_add(fnas_reference_shape(reference, node->source), spare, true, diff_src);
        break;
    }
}

static bool fnas_reference_has_gate(const fnas_net *net, int64_t index) {
    for (int64_t s = 0; s < net->site_count; s++)
        if (net->sites[s].node == index) return true;
    return net->nodes[index].gate.first >= 0;
}

/* own: the node's own result. */
static void fnas_reference_gate_gradient(const fnas_reference *reference, int64_t index, const double *upstream, const double *own) {
    const fnas_net *net = reference->net;
    const fnas_gate *gate = &net->nodes[index].gate;
    double dot = 0.0, total = 0.0, entry = fnas_reference_entry_of_gate(reference, gate), *gradient = reference->request->gate_gradient;
    for (int64_t at = 0; at < fnas_reference_count(reference, net->nodes[index].result); at++) {
        dot += upstream[at] * own[at];
        total += upstream[at];
    }
    for (int64_t s = 0; s < net->site_count; s++)
        if (net->sites[s].node == index)
            gradient[net->sites[s].gate.first + net->sites[s].gate.selected] += dot * entry * fnas_reference_sites(reference, index, s);
    for (int32_t k = 0; gate->first >= 0 && k < gate->count; k++)
        gradient[gate->first + k] += k == gate->selected ? dot * fnas_reference_sites(reference, index, -1) : total;
}

static void fnas_reference_backward(const fnas_reference *reference) {
    const fnas_net *net = reference->net;
    for (int64_t i = net->node_count - 1; i >= 0; i--) {
        const fnas_node *node = &net->nodes[i];
        int64_t count = fnas_reference_count(reference, node->result);
        const double *upstream = reference->gradients[node->result];
        double selected = fnas_reference_selected(reference, i), *own = reference->scratch, *spare = reference->scratch + count;
        if (reference->request->gate_gradient && fnas_reference_has_gate(net, i)) {
            fnas_reference_forward_own(reference, i, own);
            fnas_reference_gate_gradient(reference, i, upstream, own);
        }
        for (int64_t at = 0; at < count; at++) own[at] = selected * upstream[at];
        fnas_reference_backward_own(reference, i, own, spare);
    }
}

static double fnas_reference_log_sum(int64_t count, const double *logits, double *diff_logits) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += logits[i];
    for (int64_t i = 0; i < count; i++) diff_logits[i] = 1 / sum;
    return log(sum);
}

fnas_status fnas_path_run_reference(fnas_context *context, const fnas_reference_request *request, fnas_path_result *result) {
    fnas_reference reference = {.context = context, .request = request, .net = request->net};
    fnas_value logits = request->net->logits;
    if (!fnas_reference_allocate(&reference)) {
        fnas_reference_free(&reference);
        return fnas_fail_memory(context, "a reference path");
    }
    memcpy(reference.activations[0], request->images, (size_t)fnas_reference_count(&reference, 0) * sizeof(double));
    fnas_reference_forward(&reference);
    *result = (fnas_path_result){.loss = NAN};
    if (request->logits)
        memcpy(request->logits, reference.activations[logits], (size_t)fnas_reference_count(&reference, logits) * sizeof(double));
    if (request->labels)
        fnas_ref_cross_entropy(request->n, request->net->values[logits].c, reference.activations[logits], request->labels,
                               request->label_smoothing, 1.0, &result->loss, &result->correct, reference.gradients[logits]);
    if (request->loss == FNAS_PATH_LOG_SUM)
        result->loss = fnas_reference_log_sum(fnas_reference_count(&reference, logits), reference.activations[logits],
                                              reference.gradients[logits]);
    if (!isnan(result->loss) && (request->weight_gradient || request->gate_gradient)) fnas_reference_backward(&reference);
    fnas_reference_free(&reference);
    return FNAS_OK;
}
