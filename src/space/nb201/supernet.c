/* The shared weights of NAS-Bench-201 and the recording of one cell over them. The skeleton is the benchmark's: stem, three stages of cells
 * with residual reduction blocks between, head. Search cells follow MODNAS: ReLU, convolution with bias, normalisation without affine
 * parameters, and the 1x1 kernel is the centre tap of the 3x3 (weight entanglement, Cai et al. 2020).
 *
 * A recording leaves out what cannot matter, exactly:
 * - an operation fed only by zeros gives zeros; a convolution so fed becomes a ZERO node: its normalised output is zero, and so are its
 * gradients, since ReLU passes none at zero. Skips and pools of zeros stay: they pass the gradient on to the gates of earlier edges;
 * - edges into a node from which no gradient-passing edge leads to the cell's output get no gradient, and give nothing to the loss;
 * - where that holds for a cell's input, everything before that cell gets none either. */
#include <stdio.h>

#include "space/nb201/nb201.h"

#define FNAS_NB201_EPSILON 1e-5f

/* ---- shared weights: their handles follow from the order of declaration ---- */

enum { FNAS_STEM_WEIGHT, FNAS_STEM_GAMMA, FNAS_STEM_BETA, FNAS_STEM_PARAMETERS };
enum {
    FNAS_REDUCTION_WEIGHT_A,
    FNAS_REDUCTION_GAMMA_A,
    FNAS_REDUCTION_BETA_A,
    FNAS_REDUCTION_WEIGHT_B,
    FNAS_REDUCTION_GAMMA_B,
    FNAS_REDUCTION_BETA_B,
    FNAS_REDUCTION_SHORTCUT,
    FNAS_REDUCTION_PARAMETERS
};
enum { FNAS_HEAD_GAMMA, FNAS_HEAD_BETA, FNAS_HEAD_WEIGHT, FNAS_HEAD_BIAS };
#define FNAS_EDGE_PARAMETERS 2 /* weight, bias */

/* First handle of the reduction before a stage (stage 1, 2). */
static int32_t fnas_nb201_reduction_handle(const fnas_nb201 *nb201, int64_t stage) {
    int64_t stage_edges = nb201->cells * FNAS_NB201_EDGES * FNAS_EDGE_PARAMETERS;
    return (int32_t)(FNAS_STEM_PARAMETERS + stage * stage_edges + (stage - 1) * FNAS_REDUCTION_PARAMETERS);
}

static int32_t fnas_nb201_edge_handle(const fnas_nb201 *nb201, int64_t stage, int64_t cell, int edge) {
    int64_t first = stage == 0 ? FNAS_STEM_PARAMETERS : fnas_nb201_reduction_handle(nb201, stage) + FNAS_REDUCTION_PARAMETERS;
    return (int32_t)(first + (cell * FNAS_NB201_EDGES + edge) * FNAS_EDGE_PARAMETERS);
}

static int32_t fnas_nb201_head_handle(const fnas_nb201 *nb201) {
    return fnas_nb201_edge_handle(nb201, FNAS_NB201_STAGES - 1, nb201->cells, 0);
}

typedef struct fnas_declaration {
    fnas_context *context;
    fnas_parameters *parameters;
    char prefix[48];
} fnas_declaration;

static fnas_status fnas_declare_tensor(fnas_declaration *declaration, const char *name, int rank, const int64_t *shape,
                                       fnas_initialiser initialiser, int64_t fan_in) {
    char full[96];
    int32_t handle;
    snprintf(full, sizeof full, "%s.%s", declaration->prefix, name);
    return fnas_parameters_add(declaration->context, declaration->parameters, full, rank, shape, initialiser, fan_in, &handle);
}

static fnas_status fnas_declare_conv(fnas_declaration *declaration, const char *name, int64_t out, int64_t in, int64_t kernel) {
    return fnas_declare_tensor(declaration, name, 4, (int64_t[]){out, in, kernel, kernel}, FNAS_INIT_FAN_IN_UNIFORM, 0);
}

static fnas_status fnas_declare_norm(fnas_declaration *declaration, const char *gamma, const char *beta, int64_t channels) {
    FNAS_TRY(fnas_declare_tensor(declaration, gamma, 1, &channels, FNAS_INIT_ONE, 0));
    return fnas_declare_tensor(declaration, beta, 1, &channels, FNAS_INIT_ZERO, 0);
}

static fnas_status fnas_declare_stem(fnas_declaration *declaration, const fnas_nb201 *nb201) {
    snprintf(declaration->prefix, sizeof declaration->prefix, "stem");
    FNAS_TRY(fnas_declare_conv(declaration, "weight", nb201->channels, nb201->image[0], 3));
    return fnas_declare_norm(declaration, "gamma", "beta", nb201->channels);
}

static fnas_status fnas_declare_reduction(fnas_declaration *declaration, int64_t stage, int64_t out) {
    snprintf(declaration->prefix, sizeof declaration->prefix, "stage%d.reduction", (int)stage);
    FNAS_TRY(fnas_declare_conv(declaration, "weight_a", out, out / 2, 3));
    FNAS_TRY(fnas_declare_norm(declaration, "gamma_a", "beta_a", out));
    FNAS_TRY(fnas_declare_conv(declaration, "weight_b", out, out, 3));
    FNAS_TRY(fnas_declare_norm(declaration, "gamma_b", "beta_b", out));
    return fnas_declare_conv(declaration, "shortcut", out, out / 2, 1);
}

static fnas_status fnas_declare_cell(fnas_declaration *declaration, int64_t stage, int64_t cell, int64_t channels) {
    for (int edge = 0; edge < FNAS_NB201_EDGES; edge++) {
        snprintf(declaration->prefix, sizeof declaration->prefix, "stage%d.cell%d.edge%d_%d", (int)stage, (int)cell,
                 fnas_nb201_target[edge], fnas_nb201_source[edge]);
        FNAS_TRY(fnas_declare_conv(declaration, "weight", channels, channels, 3));
        FNAS_TRY(fnas_declare_tensor(declaration, "bias", 1, &channels, FNAS_INIT_FAN_IN_UNIFORM, 9 * channels));
    }
    return FNAS_OK;
}

static fnas_status fnas_declare_head(fnas_declaration *declaration, const fnas_nb201 *nb201, int64_t channels) {
    snprintf(declaration->prefix, sizeof declaration->prefix, "head");
    FNAS_TRY(fnas_declare_norm(declaration, "gamma", "beta", channels));
    FNAS_TRY(fnas_declare_tensor(declaration, "weight", 2, (int64_t[]){nb201->classes, channels}, FNAS_INIT_FAN_IN_UNIFORM, 0));
    return fnas_declare_tensor(declaration, "bias", 1, &nb201->classes, FNAS_INIT_FAN_IN_UNIFORM, channels);
}

fnas_status fnas_nb201_declare(fnas_context *context, const fnas_space *space, fnas_parameters *parameters) {
    const fnas_nb201 *nb201 = space->detail;
    if (parameters->item_count != 0) return fnas_fail(context, FNAS_ERR_INTERNAL, "a supernet is declared into an empty parameter set");
    fnas_declaration declaration = {.context = context, .parameters = parameters};
    FNAS_TRY(fnas_declare_stem(&declaration, nb201));
    for (int64_t stage = 0; stage < FNAS_NB201_STAGES; stage++) {
        int64_t channels = fnas_nb201_stage_shape(nb201, stage).c;
        if (stage > 0) FNAS_TRY(fnas_declare_reduction(&declaration, stage, channels));
        for (int64_t cell = 0; cell < nb201->cells; cell++) FNAS_TRY(fnas_declare_cell(&declaration, stage, cell, channels));
    }
    return fnas_declare_head(&declaration, nb201, fnas_nb201_stage_shape(nb201, FNAS_NB201_STAGES - 1).c);
}

/* ---- what matters ---- */

/* How a cell runs, for an input that is zero or not. */
typedef struct fnas_cell_plan {
    int32_t run[FNAS_NB201_EDGES];  /* operation that runs on an edge: the chosen one, or none where that is the same */
    bool zero[FNAS_NB201_NODES];    /* the node's value is exactly zero */
    bool matters[FNAS_NB201_NODES]; /* a gradient can reach the node from the cell's output */
} fnas_cell_plan;

static bool fnas_nb201_is_conv(int32_t op) {
    return op == FNAS_NB201_CONV1 || op == FNAS_NB201_CONV3;
}

static fnas_cell_plan fnas_cell_plan_make(const int32_t *choices, bool zero_input, bool complete) {
    fnas_cell_plan plan = {.zero = {zero_input, true, true, true}};
    for (int e = 0; e < FNAS_NB201_EDGES; e++) { /* edges are in order of their targets: sources are complete */
        bool zero_source = plan.zero[fnas_nb201_source[e]];
        bool drop = !complete && zero_source && fnas_nb201_is_conv(choices[e]);
        plan.run[e] = drop ? FNAS_NB201_NONE : choices[e];
        if (choices[e] != FNAS_NB201_NONE && !zero_source) plan.zero[fnas_nb201_target[e]] = false;
    }
    plan.matters[FNAS_NB201_NODES - 1] = true;
    for (int e = FNAS_NB201_EDGES - 1; e >= 0; e--)
        if (complete || (plan.run[e] != FNAS_NB201_NONE && plan.matters[fnas_nb201_target[e]])) plan.matters[fnas_nb201_source[e]] = true;
    return plan;
}

/* ---- recording ---- */

typedef struct fnas_recorder {
    const fnas_nb201 *nb201;
    const int32_t *choices;
    fnas_cell_plan first, later; /* first cell of a stage, and those behind it, whose input may be zero */
    fnas_net *net;
} fnas_recorder;

static fnas_norm_spec fnas_affine(int32_t gamma, int32_t beta) {
    return (fnas_norm_spec){.present = true, .gamma = gamma, .beta = beta, .epsilon = FNAS_NB201_EPSILON};
}

/* Padded so that with stride 1 it keeps the shape. */
static fnas_conv_spec fnas_square_conv(int32_t weight, int32_t bias, int64_t out, int64_t in, int64_t kernel, int64_t stride) {
    return (fnas_conv_spec){
        .weight = weight, .bias = bias, .out = out, .in = in, .kernel = kernel, .stride = stride, .padding = kernel / 2, .groups = 1};
}

static fnas_value fnas_record_stem(fnas_recorder *recorder) {
    const fnas_nb201 *nb201 = recorder->nb201;
    fnas_conv_spec conv = fnas_square_conv(FNAS_STEM_WEIGHT, FNAS_PARAMETER_NONE, nb201->channels, nb201->image[0], 3, 1);
    fnas_norm_spec norm = fnas_affine(FNAS_STEM_GAMMA, FNAS_STEM_BETA);
    return fnas_net_conv(recorder->net, 0, FNAS_VALUE_NEW, &conv, &norm, FNAS_UNGATED);
}

/* Main branch ReLU, 3x3 stride 2, norm, ReLU, 3x3, norm; shortcut 2x2 average pool, 1x1; their sum. */
static fnas_value fnas_record_reduction(fnas_recorder *recorder, int64_t stage, fnas_value input) {
    int32_t handle = fnas_nb201_reduction_handle(recorder->nb201, stage);
    int64_t out = fnas_nb201_stage_shape(recorder->nb201, stage).c, in = out / 2;
    fnas_net *net = recorder->net;
    fnas_conv_spec conv_a = fnas_square_conv(handle + FNAS_REDUCTION_WEIGHT_A, FNAS_PARAMETER_NONE, out, in, 3, 2);
    fnas_conv_spec conv_b = fnas_square_conv(handle + FNAS_REDUCTION_WEIGHT_B, FNAS_PARAMETER_NONE, out, out, 3, 1);
    fnas_conv_spec shortcut = fnas_square_conv(handle + FNAS_REDUCTION_SHORTCUT, FNAS_PARAMETER_NONE, out, in, 1, 1);
    fnas_norm_spec norm_a = fnas_affine(handle + FNAS_REDUCTION_GAMMA_A, handle + FNAS_REDUCTION_BETA_A);
    fnas_norm_spec norm_b = fnas_affine(handle + FNAS_REDUCTION_GAMMA_B, handle + FNAS_REDUCTION_BETA_B);
    fnas_value main = fnas_net_relu(net, input);
    main = fnas_net_conv(net, main, FNAS_VALUE_NEW, &conv_a, &norm_a, FNAS_UNGATED);
    main = fnas_net_relu(net, main);
    main = fnas_net_conv(net, main, FNAS_VALUE_NEW, &conv_b, &norm_b, FNAS_UNGATED);
    fnas_value pooled = fnas_net_average_pool(net, input, FNAS_VALUE_NEW, 2, 2, 0, FNAS_UNGATED);
    return fnas_net_conv(net, pooled, main, &shortcut, NULL, FNAS_UNGATED);
}

/* The node's ReLU, shared by all convolutions that read it. */
static fnas_value fnas_record_shared_relu(fnas_net *net, fnas_value node, fnas_value *relu) {
    if (*relu == FNAS_VALUE_NEW) *relu = fnas_net_relu(net, node);
    return *relu;
}

static fnas_value fnas_record_conv_edge(fnas_recorder *recorder, int64_t stage, int64_t cell, int edge, fnas_value source, fnas_value into,
                                        fnas_gate gate) {
    int64_t channels = fnas_nb201_stage_shape(recorder->nb201, stage).c;
    int32_t handle = fnas_nb201_edge_handle(recorder->nb201, stage, cell, edge);
    int64_t kernel = recorder->choices[edge] == FNAS_NB201_CONV1 ? 1 : 3;
    fnas_conv_spec conv = fnas_square_conv(handle, handle + 1, channels, channels, kernel, 1);
    fnas_norm_spec norm = fnas_affine(FNAS_PARAMETER_NONE, FNAS_PARAMETER_NONE);
    return fnas_net_conv(recorder->net, source, into, &conv, &norm, gate);
}

static fnas_value fnas_record_cell(fnas_recorder *recorder, int64_t stage, int64_t cell, fnas_value input) {
    const fnas_cell_plan *plan = cell == 0 ? &recorder->first : &recorder->later;
    fnas_net *net = recorder->net;
    fnas_value nodes[FNAS_NB201_NODES] = {input, FNAS_VALUE_NEW, FNAS_VALUE_NEW, FNAS_VALUE_NEW};
    fnas_value relus[FNAS_NB201_NODES] = {FNAS_VALUE_NEW, FNAS_VALUE_NEW, FNAS_VALUE_NEW, FNAS_VALUE_NEW};
    for (int edge = 0; edge < FNAS_NB201_EDGES; edge++) {
        int source = fnas_nb201_source[edge], target = fnas_nb201_target[edge];
        if (!plan->matters[target]) continue;
        fnas_gate gate = {edge * FNAS_NB201_OPS, FNAS_NB201_OPS, recorder->choices[edge]};
        fnas_value *into = &nodes[target];
        switch (plan->run[edge]) {
        case FNAS_NB201_NONE:
            *into = fnas_net_zero(net, fnas_nb201_stage_shape(recorder->nb201, stage), *into, gate);
            break;
        case FNAS_NB201_SKIP:
            *into = fnas_net_identity(net, nodes[source], *into, gate);
            break;
        case FNAS_NB201_POOL:
            *into = fnas_net_average_pool(net, nodes[source], *into, 3, 1, 1, gate);
            break;
        default: {
            fnas_value relu = fnas_record_shared_relu(net, nodes[source], &relus[source]);
            *into = fnas_record_conv_edge(recorder, stage, cell, edge, relu, *into, gate);
        }
        }
    }
    return nodes[FNAS_NB201_NODES - 1];
}

static void fnas_record_head(fnas_recorder *recorder, fnas_value features) {
    int32_t handle = fnas_nb201_head_handle(recorder->nb201);
    fnas_norm_spec norm = fnas_affine(handle + FNAS_HEAD_GAMMA, handle + FNAS_HEAD_BETA);
    fnas_value value = fnas_net_norm(recorder->net, features, &norm);
    value = fnas_net_relu(recorder->net, value);
    value = fnas_net_global_pool(recorder->net, value);
    fnas_net_linear(recorder->net, value, handle + FNAS_HEAD_WEIGHT, handle + FNAS_HEAD_BIAS, recorder->nb201->classes);
}

/* The position (stage * cells + cell) of the first cell whose input matters for all that follow, or of the last cell: recording begins
 * there. */
static int64_t fnas_record_begin(const fnas_recorder *recorder) {
    int64_t cells = recorder->nb201->cells, position = FNAS_NB201_STAGES * cells - 1;
    while (position > 0 && (position % cells == 0 ? recorder->first : recorder->later).matters[0]) position--;
    return position;
}

static void fnas_record_skeleton(fnas_recorder *recorder) {
    int64_t cells = recorder->nb201->cells, begin = fnas_record_begin(recorder);
    bool stem = begin == 0 && recorder->first.matters[0];
    fnas_value value = stem ? fnas_record_stem(recorder) : FNAS_VALUE_NEW;
    for (int64_t position = begin; position < FNAS_NB201_STAGES * cells; position++) {
        int64_t stage = position / cells, cell = position % cells;
        if (position > begin && cell == 0) value = fnas_record_reduction(recorder, stage, value);
        value = fnas_record_cell(recorder, stage, cell, value);
    }
    fnas_record_head(recorder, value);
}

fnas_status fnas_nb201_record_as(fnas_context *context, const fnas_space *space, const int32_t *choices, bool complete, fnas_net **net) {
    const fnas_nb201 *nb201 = space->detail;
    fnas_recorder recorder = {.nb201 = nb201, .choices = choices};
    recorder.first = fnas_cell_plan_make(choices, false, complete);
    recorder.later = fnas_cell_plan_make(choices, recorder.first.zero[FNAS_NB201_NODES - 1], complete);
    FNAS_TRY(fnas_net_create(context, (fnas_value_shape){nb201->image[0], nb201->image[1], nb201->image[2]}, &recorder.net));
    fnas_record_skeleton(&recorder);
    fnas_status status = fnas_net_finish(context, recorder.net);
    if (status != FNAS_OK) {
        fnas_net_destroy(recorder.net);
        return status;
    }
    *net = recorder.net;
    return FNAS_OK;
}

fnas_status fnas_nb201_record(fnas_context *context, const fnas_space *space, const int32_t *choices, fnas_net **net) {
    return fnas_nb201_record_as(context, space, choices, false, net);
}
