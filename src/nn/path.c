#include "nn/path.h"

#include <math.h>
#include <string.h>

#include "data/resize.h"
#include "nn/node.h"

#define FNAS_PATH_MAX_FLOATS ((size_t)1 << 36) /* of one value */

/* ---- worker ---- */

fnas_status fnas_worker_create(fnas_context *context, fnas_compute_type type, fnas_worker *worker) {
    *worker = (fnas_worker){NULL, NULL, NULL};
    FNAS_TRY(fnas_engine_create(context, type, &worker->engine));
    fnas_status status = fnas_arena_create(context, 0, &worker->plan);
    if (status == FNAS_OK) status = fnas_arena_create(context, 0, &worker->activations);
    if (status != FNAS_OK) fnas_worker_destroy(worker);
    return status;
}

void fnas_worker_destroy(fnas_worker *worker) {
    fnas_arena_destroy(worker->plan);
    fnas_arena_destroy(worker->activations);
    fnas_engine_destroy(worker->engine);
    *worker = (fnas_worker){NULL, NULL, NULL};
}

/* ---- where things are ---- */

int64_t fnas_round_floats(int64_t floats) {
    return (floats + 15) / 16 * 16;
}

fnas_shape fnas_path_shape(const fnas_path *path, fnas_value value) {
    fnas_value_shape shape = path->net->values[value];
    return (fnas_shape){path->request->n, shape.c, shape.h, shape.w};
}

static size_t fnas_round_bytes(size_t bytes) {
    return (bytes + FNAS_ALIGNMENT - 1) / FNAS_ALIGNMENT * FNAS_ALIGNMENT;
}

size_t fnas_path_bytes(const fnas_path *path, fnas_value value) {
    fnas_shape shape = fnas_path_shape(path, value);
    if (value == 0) return fnas_round_bytes((size_t)(shape.n * shape.c * shape.h * shape.w) * sizeof(float));
    if (path->values[value].plain) return fnas_round_bytes((size_t)(shape.n * shape.c) * sizeof(float));
    return fnas_round_bytes(fnas_shape_floats(shape, path->block) * fnas_engine_element_bytes(path->engine));
}

void *fnas_path_buffer(const fnas_path *path, int32_t buffer) {
    return buffer == FNAS_BUFFER_NONE ? NULL : path->memory + path->buffers[buffer].offset;
}

fnas_value_shape fnas_path_image_shape(const fnas_path *path) {
    fnas_value_shape given = path->request->image_shape;
    return given.c ? given : path->net->values[0];
}

bool fnas_path_resizes(const fnas_path *path) {
    fnas_value_shape given = fnas_path_image_shape(path), image = path->net->values[0];
    return given.h != image.h || given.w != image.w;
}

const void *fnas_path_source_data(const fnas_path *path, int64_t index) {
    fnas_value source = path->nodes[index].source;
    if (source == 0 && !fnas_path_resizes(path)) return path->request->images;
    const fnas_value_plan *value = &path->values[source];
    return fnas_path_buffer(path, value->unmade >= 0 ? path->nodes[value->unmade].kept : value->activation);
}

const void *fnas_path_factors_data(const fnas_path *path, int64_t index) {
    return fnas_path_buffer(path, path->values[path->net->nodes[index].factors].activation);
}

void *fnas_path_result_data(const fnas_path *path, int64_t index) {
    return fnas_path_buffer(path, path->values[path->net->nodes[index].result].activation);
}

void *fnas_path_upstream(const fnas_path *path, int64_t index) {
    return fnas_path_buffer(path, path->values[path->net->nodes[index].result].gradient);
}

void *fnas_path_source_gradient(const fnas_path *path, int64_t index) {
    const fnas_node_plan *plan = &path->nodes[index];
    return plan->diff_source ? fnas_path_buffer(path, path->values[plan->source].gradient) : NULL;
}

float *fnas_path_factors_gradient(const fnas_path *path, int64_t index) {
    return path->nodes[index].diff_factors ? fnas_path_buffer(path, path->values[path->net->nodes[index].factors].gradient) : NULL;
}

const float *fnas_path_parameter(const fnas_path *path, int32_t handle) {
    const fnas_parameters *parameters = path->request->parameters;
    return handle == FNAS_PARAMETER_NONE ? NULL : parameters->values + parameters->items[handle].offset;
}

float *fnas_path_parameter_gradient(const fnas_path *path, int32_t handle) {
    float *gradient = path->request->weight_gradient;
    return !gradient || handle == FNAS_PARAMETER_NONE ? NULL : gradient + path->request->parameters->items[handle].offset;
}

const fnas_node_type *fnas_node_type_of(fnas_node_kind kind) {
    static const fnas_node_type *const types[] = {
        &fnas_node_conv,        &fnas_node_norm,   &fnas_node_relu,       &fnas_node_average_pool, &fnas_node_identity,     &fnas_node_zero,
        &fnas_node_global_pool, &fnas_node_linear, &fnas_node_hard_swish, &fnas_node_hard_sigmoid, &fnas_node_channel_scale};
    return types[kind];
}

/* ---- what is asked ---- */

static fnas_status fnas_path_check_vector(const fnas_path *path, int64_t index, int32_t handle, int64_t channels) {
    const fnas_parameters *parameters = path->request->parameters;
    if (handle == FNAS_PARAMETER_NONE) return FNAS_OK;
    if (handle < 0 || handle >= parameters->item_count || parameters->items[handle].count < channels)
        return fnas_fail(path->context, FNAS_ERR_INTERNAL,
                         "node %lld: parameter %d does not fit %lld channels: the net is of another supernet", (long long)index,
                         (int)handle, (long long)channels);
    return FNAS_OK;
}

static fnas_status fnas_path_check_slice(const fnas_path *path, int64_t index) {
    const fnas_conv_spec *slice = &path->net->nodes[index].conv;
    const fnas_parameters *parameters = path->request->parameters;
    if (!fnas_slice_exists(parameters, slice))
        return fnas_fail(path->context, FNAS_ERR_INTERNAL,
                         "node %lld: parameter %d has no slice of %lld x %lld x %lld x %lld: the net is of another supernet",
                         (long long)index, (int)slice->weight, (long long)slice->out, (long long)slice->in, (long long)slice->kernel,
                         (long long)slice->kernel);
    return fnas_path_check_vector(path, index, slice->bias, slice->out);
}

static fnas_status fnas_path_check_net(const fnas_path *path) {
    const fnas_net *net = path->net;
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        if (node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR) FNAS_TRY(fnas_path_check_slice(path, i));
        if (!node->norm.present) continue;
        FNAS_TRY(fnas_path_check_vector(path, i, node->norm.gamma, net->values[node->result].c));
        FNAS_TRY(fnas_path_check_vector(path, i, node->norm.beta, net->values[node->result].c));
    }
    for (int64_t i = 0; i < net->value_count; i++) {
        fnas_value_shape shape = net->values[i];
        size_t floats = (size_t)path->request->n;
        if (!fnas_size_multiply(floats, (size_t)(shape.c + 16), &floats) ||
            !fnas_size_multiply(floats, (size_t)(shape.h * shape.w), &floats) || floats > FNAS_PATH_MAX_FLOATS)
            return fnas_fail(path->context, FNAS_ERR_INPUT, "a path of %lld images is too large: use smaller batches",
                             (long long)path->request->n);
    }
    return FNAS_OK;
}

static fnas_status fnas_path_check_images(const fnas_path *path) {
    fnas_value_shape given = fnas_path_image_shape(path), image = path->net->values[0];
    if (given.c == image.c && given.h > 0 && given.w > 0) return FNAS_OK;
    return fnas_fail(path->context, FNAS_ERR_INTERNAL, "images of %lldx%lldx%lld for a network of images of %lldx%lldx%lld",
                     (long long)given.c, (long long)given.h, (long long)given.w, (long long)image.c, (long long)image.h,
                     (long long)image.w);
}

static bool fnas_path_has_loss(const fnas_path_request *request) {
    return request->labels || request->loss == FNAS_PATH_LOG_SUM;
}

static fnas_status fnas_path_check_request(fnas_context *context, const fnas_path_request *request) {
    bool gradients = request->weight_gradient || request->gate_gradient;
    if (request->n < 1) return fnas_fail(context, FNAS_ERR_INPUT, "a path needs at least one image");
    if (gradients && !fnas_path_has_loss(request)) return fnas_fail(context, FNAS_ERR_INTERNAL, "a path without labels has no gradients");
    if (request->labels && request->loss == FNAS_PATH_LOG_SUM)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "a sum of logits has no labels");
    if (gradients && request->statistics)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "gradients need batch statistics: none may be given");
    if (request->statistics && request->batch_statistics)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "statistics are either given or taken");
    if (request->soft_targets && !(request->labels && request->soft_weight >= 0 && request->soft_weight <= 1))
        return fnas_fail(context, FNAS_ERR_INTERNAL, "soft targets stand beside labels, with a weight of 0 to 1");
    if (!request->labels) return FNAS_OK;
    int64_t classes = request->net->values[request->net->logits].c;
    for (int64_t i = 0; i < request->n; i++)
        if (request->labels[i] < 0 || request->labels[i] >= classes)
            return fnas_fail(context, FNAS_ERR_INPUT, "label %d of image %lld: the network has classes 0 to %lld", (int)request->labels[i],
                             (long long)i, (long long)classes - 1);
    return FNAS_OK;
}

/* ---- running ---- */

static void fnas_path_resize_images(const fnas_path *path) {
    fnas_value_shape given = fnas_path_image_shape(path), image = path->net->values[0];
    if (fnas_path_resizes(path))
        fnas_resize_aligned(path->request->n * image.c, given.h, given.w, image.h, image.w, path->request->images,
                            fnas_path_buffer(path, path->values[0].activation));
}

/* What an absorbed ReLU would read lies in memory until its readers have run, which stand behind it. */
static fnas_status fnas_path_show_source(const fnas_path *path, int64_t index) {
    const fnas_path_request *request = path->request;
    fnas_value_shape shape = path->net->values[path->net->nodes[index].source];
    size_t floats = fnas_shape_blocked_elements((fnas_shape){1, shape.c, shape.h, shape.w}, path->block);
    return request->observe_source(path->context, request->observer, index, (int64_t)floats, fnas_path_source_data(path, index));
}

/* Neither the image nor a plain vector, nor nothing at all. */
static bool fnas_path_reads_map(const fnas_path *path, int64_t index) {
    fnas_value source = path->net->nodes[index].source;
    return source > 0 && !fnas_net_value_is_plain(path->net, source);
}

static fnas_status fnas_path_forward(const fnas_path *path) {
    fnas_path_resize_images(path);
    for (int64_t i = 0; i < path->net->node_count; i++) {
        if (path->request->observe_source && fnas_path_reads_map(path, i)) FNAS_TRY(fnas_path_show_source(path, i));
        if (!path->nodes[i].absorbed) FNAS_TRY(fnas_path_run_node(path, i, FNAS_NODE_FORWARD));
    }
    return FNAS_OK;
}

/* The gradient of log(sum) is 1 / sum everywhere. */
static void fnas_path_log_sum(int64_t count, const float *logits, float scale, double *loss, float *diff_logits) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)logits[i];
    *loss = log(sum);
    for (int64_t i = 0; diff_logits && i < count; i++) diff_logits[i] = (float)((double)scale / sum);
}

/* result->loss is that of the labels alone. */
static void fnas_path_add_teacher(const fnas_path *path, const float *logits, float weight, fnas_path_result *result, float *gradient) {
    const fnas_path_request *request = path->request;
    double soft_loss = 0;
    fnas_soft_cross_entropy(request->n, path->net->values[path->net->logits].c, logits, request->soft_targets, request->scale * weight,
                            &soft_loss, gradient);
    result->loss = (1 - (double)weight) * result->loss + (double)weight * soft_loss;
}

static void fnas_path_loss(const fnas_path *path, fnas_path_result *result) {
    const fnas_path_request *request = path->request;
    const fnas_value_plan *logits = &path->values[path->net->logits];
    int64_t classes = path->net->values[path->net->logits].c;
    const float *values = fnas_path_buffer(path, logits->activation);
    *result = (fnas_path_result){.loss = NAN};
    float *gradient = fnas_path_buffer(path, logits->gradient);
    if (request->logits) memcpy(request->logits, values, (size_t)(request->n * classes) * sizeof *values);
    if (request->loss == FNAS_PATH_LOG_SUM) fnas_path_log_sum(request->n * classes, values, request->scale, &result->loss, gradient);
    if (!request->labels) return;
    float soft = request->soft_targets ? request->soft_weight : 0;
    fnas_cross_entropy(request->n, classes, values, request->labels, request->label_smoothing, request->scale * (1 - soft), &result->loss,
                       &result->correct, gradient);
    if (soft > 0) fnas_path_add_teacher(path, values, soft, result, gradient);
}

/* A value that is not kept comes back with the first node that may need it. */
static void fnas_path_restore(const fnas_path *path, fnas_value source) {
    if (source <= 0) return; /* an image, or nothing: ZERO nodes have no source */
    fnas_value_plan *value = &path->values[source];
    if (value->restored == FNAS_BUFFER_NONE || value->activation == value->restored) return;
    fnas_conv_node_restore(path, value->restored_from);
    value->activation = value->restored;
}

static fnas_status fnas_path_backward(const fnas_path *path) {
    const fnas_net *net = path->net;
    for (int64_t i = net->node_count - 1; i >= 0; i--) {
        const fnas_node *node = &net->nodes[i];
        const fnas_node_plan *plan = &path->nodes[i];
        if (!plan->backward) continue;
        if (plan->sums_upstream && !node->norm.present)
            path->totals[node->result] = fnas_sum(path->engine, fnas_path_shape(path, node->result), fnas_path_upstream(path, i));
        fnas_path_restore(path, plan->source);
        FNAS_TRY(fnas_path_run_node(path, i, FNAS_NODE_BACKWARD));
    }
    return FNAS_OK;
}

/* dL/dD_i = sum(U o_i(x)) for the selected entry; for the others of a gate sum(U), of a site nothing (net.h). */
static void fnas_path_add_gates(const fnas_path *path) {
    for (int64_t i = 0; i < path->net->node_count; i++) {
        const fnas_node *node = &path->net->nodes[i];
        if (!path->nodes[i].diff_gate || node->gate.first < 0) continue;
        double *row = path->request->gate_gradient + node->gate.first;
        for (int32_t k = 0; k < node->gate.count; k++) row[k] += k == node->gate.selected ? path->dots[i] : path->totals[node->result];
    }
    for (int64_t s = 0; s < path->net->site_count; s++) {
        const fnas_gate_site *site = &path->net->sites[s];
        if (path->nodes[site->node].diff_gate)
            path->request->gate_gradient[site->gate.first + site->gate.selected] += path->dots[site->node];
    }
}

/* ---- a number that is not finite: found by running forward once more ---- */

static bool fnas_all_finite(int64_t count, const float *values) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

static bool fnas_path_value_is_finite(const fnas_path *path, fnas_value value) {
    fnas_shape shape = fnas_path_shape(path, value);
    const void *data = fnas_path_buffer(path, path->values[value].activation);
    if (path->values[value].plain) return fnas_all_finite(shape.n * shape.c, data);
    int64_t channels = (shape.c + path->block - 1) / path->block * path->block;
    return isfinite(fnas_sum(path->engine, (fnas_shape){shape.n, channels, shape.h, shape.w}, data));
}

static bool fnas_path_share_is_finite(const fnas_path *path, int64_t index) {
    fnas_value result = path->net->nodes[index].result;
    if (path->nodes[index].deferred || path->values[result].unmade >= 0) return fnas_conv_node_is_finite(path, index);
    return fnas_path_value_is_finite(path, result);
}

static fnas_status fnas_path_name_fault(const fnas_path *path) {
    const fnas_net *net = path->net;
    fnas_value_shape image = fnas_path_image_shape(path);
    if (!fnas_all_finite(path->request->n * image.c * image.h * image.w, path->request->images))
        return fnas_fail(path->context, FNAS_ERR_NUMERIC, "the images hold a number that is not finite");
    fnas_path_resize_images(path);
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        if (path->nodes[i].absorbed) continue;
        FNAS_TRY(fnas_node_type_of(node->kind)->forward(path, i));
        /* A ZERO node contributes to a value that nobody may have written yet; a share that is deferred shows in its statistics. */
        if (node->kind == FNAS_NODE_ZERO || fnas_path_share_is_finite(path, i)) continue;
        bool weights = node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR;
        return fnas_fail(path->context, FNAS_ERR_NUMERIC,
                         "node %lld (%s%s%s) gives numbers that are not finite: the weights have diverged, lower the rate", (long long)i,
                         fnas_node_kind_name(node->kind), weights ? " " : "",
                         weights ? path->request->parameters->items[node->conv.weight].name : "");
    }
    return fnas_fail(path->context, FNAS_ERR_NUMERIC, "the loss is not finite");
}

static bool fnas_path_is_finite(const fnas_path *path, const fnas_path_result *result) {
    return fnas_path_has_loss(path->request) ? isfinite(result->loss) : fnas_path_value_is_finite(path, path->net->logits);
}

fnas_status fnas_path_run(fnas_context *context, fnas_worker *worker, const fnas_path_request *request, fnas_path_result *result) {
    FNAS_TRY(fnas_path_check_request(context, request));
    if (request->observe_source && fnas_engine_element_bytes(worker->engine) != sizeof(float))
        return fnas_fail(context, FNAS_ERR_INTERNAL, "values are observed in f32 alone");
    fnas_arena_reset(worker->plan);
    fnas_arena_reset(worker->activations);
    fnas_path path = {.context = context,
                      .worker = worker,
                      .engine = worker->engine,
                      .block = fnas_engine_block(worker->engine),
                      .request = request,
                      .net = request->net};
    FNAS_TRY(fnas_path_check_images(&path));
    FNAS_TRY(fnas_path_check_net(&path));
    FNAS_TRY(fnas_path_plan(&path));
    FNAS_TRY(fnas_path_forward(&path));
    fnas_path_loss(&path, result);
    if (!fnas_path_is_finite(&path, result)) return fnas_path_name_fault(&path);
    FNAS_TRY(fnas_path_backward(&path));
    fnas_path_add_gates(&path);
    return FNAS_OK;
}
