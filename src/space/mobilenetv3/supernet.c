/* The shared weights of Once-for-All's MobileNetV3, in their largest form, and the recording of one architecture over them: its units take
 * the first channels, and smaller kernels from the centre of larger ones by learned transforms, one matrix a unit and size (Cai et al.
 * 2020, section 3.2). Norms, squeeze and excitation take the first channels, too.
 *
 * The gates of the search are sites (net.h) behind norms. Whatever multiplies a value that only convolutions with norms of the batch's
 * statistics read is taken away again by these, so its gradient is exactly zero: that is so behind a convolution, behind a ReLU without
 * squeeze and excitation, behind these, and behind a stage. Of the sites that are left, one at each unit's last norm, where the shortcut is
 * added or where the next unit's begins, has them all; others stand before a hard swish or before squeeze and excitation. The depth's is
 * the last unit's share: with it left out, the network would be the one of the depth below. */
#include <stdio.h>

#include "space/mobilenetv3/mobilenetv3.h"

#define FNAS_MBV3_EPSILON 1e-5f

/* ---- shared weights: their handles follow from the order of declaration ---- */

enum { FNAS_STEM_WEIGHT, FNAS_STEM_GAMMA, FNAS_STEM_BETA, FNAS_STEM_PARAMETERS };
enum {
    FNAS_UNIT_EXPAND, /* each weight has its norm's gamma and beta behind it */
    FNAS_UNIT_DEPTHWISE = FNAS_UNIT_EXPAND + 3,
    FNAS_UNIT_PROJECT = FNAS_UNIT_DEPTHWISE + 3,
    FNAS_UNIT_TRANSFORM5 = FNAS_UNIT_PROJECT + 3,
    FNAS_UNIT_TRANSFORM3,
    FNAS_UNIT_REDUCE, /* each weight has its bias behind it */
    FNAS_UNIT_EXCITE = FNAS_UNIT_REDUCE + 2,
    FNAS_UNIT_PARAMETERS = FNAS_UNIT_EXCITE + 2
};
enum { FNAS_HEAD_LAST, FNAS_HEAD_MIX = FNAS_HEAD_LAST + 3, FNAS_HEAD_CLASSIFIER, FNAS_HEAD_BIAS };

static int32_t unit_parameters(int64_t slot) {
    return fnas_mbv3_stage_squeezes(slot / FNAS_MBV3_STAGE_SLOTS) ? FNAS_UNIT_PARAMETERS : FNAS_UNIT_REDUCE;
}

/* The handle from which a unit's count: FNAS_UNIT_EXPAND and so on are added to it. The fixed unit (slot -1) has no expansion and no
 * transforms. */
static int32_t unit_handle(int64_t slot) {
    int32_t handle = FNAS_STEM_PARAMETERS - FNAS_UNIT_DEPTHWISE;
    if (slot < 0) return handle;
    handle += FNAS_UNIT_TRANSFORM5;
    for (int64_t before = 0; before < slot; before++) handle += unit_parameters(before);
    return handle;
}

static int32_t head_handle(void) {
    return unit_handle(FNAS_MBV3_SLOTS);
}

typedef struct declaration {
    fnas_context *context;
    fnas_parameters *parameters;
    char prefix[32];
} declaration;

static fnas_status declare(declaration *to, const char *name, int rank, const int64_t *shape, fnas_initialiser initialiser,
                           int64_t fan_in) {
    char full[96];
    int32_t handle;
    snprintf(full, sizeof full, "%s.%s", to->prefix, name);
    return fnas_parameters_add(to->context, to->parameters, full, rank, shape, initialiser, fan_in, &handle);
}

/* A convolution and its norm. */
static fnas_status declare_conv(declaration *to, const char *name, int64_t out, int64_t in, int64_t kernel) {
    char text[48];
    FNAS_TRY(declare(to, name, 4, (int64_t[]){out, in, kernel, kernel}, FNAS_INIT_FAN_IN_UNIFORM, 0));
    snprintf(text, sizeof text, "%s.gamma", name);
    FNAS_TRY(declare(to, text, 1, &out, FNAS_INIT_ONE, 0));
    snprintf(text, sizeof text, "%s.beta", name);
    return declare(to, text, 1, &out, FNAS_INIT_ZERO, 0);
}

static fnas_status declare_biased(declaration *to, const char *name, int64_t out, int64_t in) {
    char text[48];
    FNAS_TRY(declare(to, name, 4, (int64_t[]){out, in, 1, 1}, FNAS_INIT_FAN_IN_UNIFORM, 0));
    snprintf(text, sizeof text, "%s.bias", name);
    return declare(to, text, 1, &out, FNAS_INIT_FAN_IN_UNIFORM, in);
}

static fnas_status declare_transform(declaration *to, const char *name, int64_t kernel) {
    int64_t taps = kernel * kernel;
    return declare(to, name, 2, (int64_t[]){taps, taps}, FNAS_INIT_IDENTITY, 0);
}

static fnas_status declare_slot(declaration *to, const fnas_mbv3 *mbv3, int64_t slot) {
    int64_t stage = slot / FNAS_MBV3_STAGE_SLOTS, unit = slot % FNAS_MBV3_STAGE_SLOTS, out = mbv3->stages[stage];
    int64_t in = unit ? out : stage ? mbv3->stages[stage - 1] : mbv3->first, middle = in * FNAS_MBV3_EXPANSION_MAX;
    snprintf(to->prefix, sizeof to->prefix, "stage%d.unit%d", (int)stage, (int)unit);
    FNAS_TRY(declare_conv(to, "expand", middle, in, 1));
    FNAS_TRY(declare_conv(to, "depthwise", middle, 1, FNAS_MBV3_KERNEL_MAX));
    FNAS_TRY(declare_conv(to, "project", out, middle, 1));
    FNAS_TRY(declare_transform(to, "depthwise.transform5", 5));
    FNAS_TRY(declare_transform(to, "depthwise.transform3", 3));
    if (!fnas_mbv3_stage_squeezes(stage)) return FNAS_OK;
    FNAS_TRY(declare_biased(to, "reduce", fnas_mbv3_squeezed(middle), middle));
    return declare_biased(to, "excite", middle, fnas_mbv3_squeezed(middle));
}

static fnas_status declare_head(declaration *to, const fnas_mbv3 *mbv3) {
    snprintf(to->prefix, sizeof to->prefix, "head");
    FNAS_TRY(declare_conv(to, "last", mbv3->last, mbv3->stages[FNAS_MBV3_STAGES - 1], 1));
    FNAS_TRY(declare(to, "mix", 4, (int64_t[]){mbv3->mixed, mbv3->last, 1, 1}, FNAS_INIT_FAN_IN_UNIFORM, 0));
    FNAS_TRY(declare(to, "classifier", 2, (int64_t[]){mbv3->classes, mbv3->mixed}, FNAS_INIT_FAN_IN_UNIFORM, 0));
    return declare(to, "classifier.bias", 1, &mbv3->classes, FNAS_INIT_FAN_IN_UNIFORM, mbv3->mixed);
}

fnas_status fnas_mbv3_declare(fnas_context *context, const fnas_space *space, fnas_parameters *parameters) {
    const fnas_mbv3 *mbv3 = space->detail;
    if (parameters->item_count != 0) return fnas_fail(context, FNAS_ERR_INTERNAL, "a supernet is declared into an empty parameter set");
    declaration to = {.context = context, .parameters = parameters, .prefix = "stem"};
    FNAS_TRY(declare_conv(&to, "conv", mbv3->stem, 3, 3));
    snprintf(to.prefix, sizeof to.prefix, "first");
    FNAS_TRY(declare_conv(&to, "depthwise", mbv3->stem, 1, 3));
    FNAS_TRY(declare_conv(&to, "project", mbv3->first, mbv3->stem, 1));
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) FNAS_TRY(declare_slot(&to, mbv3, slot));
    return declare_head(&to, mbv3);
}

/* ---- recording ---- */

typedef struct recording {
    const fnas_space *space;
    const int32_t *choices;
    fnas_net *net;
} recording;

/* The last node gets a site of a decision. */
static void add_site(const recording *to, int64_t decision) {
    fnas_net_add_site(to->net, (fnas_gate){.first = (int32_t)fnas_space_onehot_offset(to->space, decision),
                                           .count = (int32_t)fnas_space_choice_count(to->space, decision),
                                           .selected = to->choices[decision]});
}

static bool is_last_of_stage(const recording *to, int64_t slot) {
    return slot % FNAS_MBV3_STAGE_SLOTS == FNAS_MBV3_STAGE_SLOTS - 1 || !fnas_mbv3_is_active(to->choices, slot + 1);
}

/* A convolution of the weight with this handle, and the norm whose parameters stand behind it. */
static fnas_value record_conv(const recording *to, fnas_value source, fnas_value into, int32_t weight, fnas_conv_spec spec) {
    spec.weight = weight;
    spec.bias = FNAS_PARAMETER_NONE;
    spec.padding = spec.kernel / 2;
    fnas_norm_spec norm = {.present = true, .gamma = weight + 1, .beta = weight + 2, .epsilon = FNAS_MBV3_EPSILON};
    return fnas_net_conv(to->net, source, into, &spec, &norm, FNAS_UNGATED);
}

static fnas_value record_pointwise(const recording *to, fnas_value source, fnas_value into, int32_t weight, int64_t out, int64_t in) {
    return record_conv(to, source, into, weight, (fnas_conv_spec){.out = out, .in = in, .kernel = 1, .stride = 1, .groups = 1});
}

static fnas_value record_activation(const recording *to, fnas_value source, bool hard_swish) {
    return hard_swish ? fnas_net_hard_swish(to->net, source) : fnas_net_relu(to->net, source);
}

/* Squeeze and excitation (Hu et al. 2018), with a hard sigmoid. */
static fnas_value record_excitation(fnas_net *net, fnas_value source, int32_t handle, int64_t channels) {
    int32_t reduce = handle + FNAS_UNIT_REDUCE, excite = handle + FNAS_UNIT_EXCITE;
    fnas_value squeezed = fnas_net_global_pool(net, source);
    squeezed = fnas_net_relu(net, fnas_net_linear(net, squeezed, reduce, reduce + 1, fnas_mbv3_squeezed(channels)));
    fnas_value factors = fnas_net_hard_sigmoid(net, fnas_net_linear(net, squeezed, excite, excite + 1, channels));
    return fnas_net_channel_scale(net, source, factors);
}

static fnas_value record_expansion(const recording *to, const fnas_mbv3_block *block, int32_t handle, fnas_value source) {
    fnas_value value = record_pointwise(to, source, FNAS_VALUE_NEW, handle + FNAS_UNIT_EXPAND, block->middle, block->in.c);
    if (block->hard_swish) add_site(to, FNAS_MBV3_EXPANSION + block->slot);
    return record_activation(to, value, block->hard_swish);
}

static fnas_value record_depthwise(const recording *to, const fnas_mbv3_block *block, int32_t handle, fnas_value source) {
    fnas_conv_spec conv = {.out = block->middle, .in = 1, .kernel = block->kernel, .stride = block->stride, .groups = block->middle};
    if (block->slot >= 0 && block->kernel < 7) conv.transforms[conv.transform_count++] = handle + FNAS_UNIT_TRANSFORM5;
    if (block->slot >= 0 && block->kernel < 5) conv.transforms[conv.transform_count++] = handle + FNAS_UNIT_TRANSFORM3;
    fnas_value value = record_conv(to, source, FNAS_VALUE_NEW, handle + FNAS_UNIT_DEPTHWISE, conv);
    if (block->hard_swish || block->squeeze) {
        add_site(to, FNAS_MBV3_KERNEL + block->slot);
        add_site(to, FNAS_MBV3_EXPANSION + block->slot);
    }
    return record_activation(to, value, block->hard_swish);
}

static fnas_value record_unit(const recording *to, const fnas_mbv3_block *block, fnas_value source) {
    int32_t handle = unit_handle(block->slot);
    int64_t slot = block->slot;
    fnas_value value = source, into = FNAS_VALUE_NEW;
    if (block->middle != block->in.c) value = record_expansion(to, block, handle, value);
    value = record_depthwise(to, block, handle, value);
    if (block->squeeze) value = record_excitation(to->net, value, handle, block->middle);
    if (block->skip) into = fnas_net_identity(to->net, source, FNAS_VALUE_NEW, FNAS_UNGATED);
    value = record_pointwise(to, value, into, handle + FNAS_UNIT_PROJECT, block->out.c, block->middle);
    if (slot < 0) return value;
    add_site(to, FNAS_MBV3_KERNEL + slot);
    add_site(to, FNAS_MBV3_EXPANSION + slot);
    if (is_last_of_stage(to, slot)) add_site(to, FNAS_MBV3_DEPTH + slot / FNAS_MBV3_STAGE_SLOTS);
    return value;
}

static fnas_value record_stem(const recording *to, const fnas_mbv3_block *block, fnas_value source) {
    fnas_conv_spec conv = {.out = block->out.c, .in = 3, .kernel = 3, .stride = 2, .groups = 1};
    fnas_value value = record_conv(to, source, FNAS_VALUE_NEW, FNAS_STEM_WEIGHT, conv);
    add_site(to, FNAS_MBV3_RESOLUTION);
    return fnas_net_hard_swish(to->net, value);
}

static fnas_value record_block(const recording *to, const fnas_mbv3_block *block, fnas_value source) {
    fnas_net *net = to->net;
    int32_t head = head_handle();
    switch (block->kind) {
    case FNAS_MBV3_STEM:
        return record_stem(to, block, source);
    case FNAS_MBV3_UNIT:
        return record_unit(to, block, source);
    case FNAS_MBV3_LAST:
        return fnas_net_hard_swish(net, record_pointwise(to, source, FNAS_VALUE_NEW, head + FNAS_HEAD_LAST, block->out.c, block->in.c));
    case FNAS_MBV3_POOL:
        return fnas_net_global_pool(net, source);
    case FNAS_MBV3_MIX:
        return fnas_net_hard_swish(net, fnas_net_linear(net, source, head + FNAS_HEAD_MIX, FNAS_PARAMETER_NONE, block->out.c));
    case FNAS_MBV3_CLASSIFIER:
        break;
    }
    return fnas_net_linear(net, source, head + FNAS_HEAD_CLASSIFIER, head + FNAS_HEAD_BIAS, block->out.c);
}

fnas_status fnas_mbv3_record(fnas_context *context, const fnas_space *space, const int32_t *choices, fnas_net **net) {
    fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
    recording to = {.space = space, .choices = choices};
    fnas_value value = 0;
    int64_t count = fnas_mbv3_blocks(space->detail, choices, blocks);
    FNAS_TRY(fnas_net_create(context, blocks[0].in, &to.net));
    for (int64_t i = 0; i < count; i++) {
        fnas_net_begin_part(to.net, (int32_t)i);
        value = record_block(&to, &blocks[i], value);
    }
    fnas_status status = fnas_net_finish(context, to.net);
    if (status != FNAS_OK) {
        fnas_net_destroy(to.net);
        return status;
    }
    *net = to.net;
    return FNAS_OK;
}
