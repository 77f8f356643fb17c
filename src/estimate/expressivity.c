#include "estimate/expressivity.h"

#include <math.h>

#define SHARE_MIN 1e-9 /* as the paper's program: what rounding leaves of an eigenvalue has no entropy */

/* One network while it runs. */
typedef struct spreading {
    const fnas_worker *worker;
    fnas_channels *channels;
    const fnas_net *net;
    int64_t n;
    fnas_value seen; /* the last map: values are complete in the order of their numbers where all pass through */
    double sum;
} spreading;

/* ---- which maps ---- */

/* Whether a value is given to by none of the first `count` nodes. */
static bool begins_behind(const fnas_net *net, fnas_value value, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (net->nodes[i].result == value) return false;
    return true;
}

/* Whether what is read behind the last node that gives to the value is the value, or was made from it alone. */
static bool all_pass_through(const fnas_net *net, fnas_value value) {
    int64_t behind = 0;
    for (int64_t i = 0; i < net->node_count; i++)
        if (net->nodes[i].result == value) behind = i + 1;
    for (int64_t i = behind; i < net->node_count; i++) {
        fnas_value source = net->nodes[i].source;
        if (source == 0 || (source > 0 && source != value && !begins_behind(net, source, behind))) return false;
    }
    return behind > 0;
}

/* ReLUs have no gate wherever they are. */
static bool is_of_skeleton(const fnas_net *net, fnas_value value) {
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        if (node->gate.first < 0 && node->kind != FNAS_NODE_RELU && (node->result == value || node->source == value)) return true;
    }
    return false;
}

static bool is_transformed(const fnas_net *net, fnas_value value) {
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        if (node->result == value && (node->kind == FNAS_NODE_RELU || node->kind == FNAS_NODE_NORM)) return true;
    }
    return false;
}

static bool is_between_blocks(const fnas_net *net, fnas_value value) {
    return !is_transformed(net, value) && is_of_skeleton(net, value) && all_pass_through(net, value);
}

/* ---- their entropy ---- */

static double entropy(int64_t c, const double *eigenvalues) {
    double total = 0, sum = 0;
    for (int64_t i = 0; i < c; i++) total += fmax(0, eigenvalues[i]);
    for (int64_t i = 0; i < c && total > 0; i++) {
        double share = fmax(0, eigenvalues[i]) / total;
        if (share > SHARE_MIN) sum -= share * log(share);
    }
    return sum;
}

static fnas_status see_source(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source) {
    (void)floats;
    spreading *s = user;
    fnas_value value = s->net->nodes[node].source;
    if (value == s->seen || !is_between_blocks(s->net, value)) return FNAS_OK;
    fnas_value_shape shape = s->net->values[value];
    s->seen = value;
    FNAS_TRY(fnas_channels_covary(context, s->worker, (fnas_shape){s->n, shape.c, shape.h, shape.w}, source, s->channels));
    FNAS_TRY(fnas_channels_decompose(context, shape.c, s->channels));
    s->sum += entropy(shape.c, s->channels->eigenvalues);
    return FNAS_OK;
}

fnas_status fnas_expressivity_score(fnas_context *context, fnas_worker *worker, fnas_channels *channels, const fnas_net *net,
                                    const fnas_parameters *parameters, int64_t n, const float *images, double *score) {
    spreading s = {.worker = worker, .channels = channels, .net = net, .n = n, .seen = -1};
    fnas_path_request request = {
        .net = net, .parameters = parameters, .n = n, .images = images, .observe_source = see_source, .observer = &s};
    fnas_path_result result;
    FNAS_TRY(fnas_path_run(context, worker, &request, &result));
    *score = s.sum;
    return FNAS_OK;
}
