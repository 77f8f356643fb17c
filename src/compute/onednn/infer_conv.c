/* Convolutions, and sums that they write into. A convolution that only an ADD reads is computed where the ADD stands and adds its result to
 * what lies there (oneDNN's sum post-op): the sum then costs no pass over memory of its own. */
#include <math.h>

#include "base/memory.h"
#include "compute/onednn/infer_internal.h"

#define WEIGHT_DIMS 5
#define EXTRAS_MAX 4

/* How a convolution leaves its result. */
typedef struct conv_target {
    dnnl_data_type_t data_type;
    float scale;
    int32_t buffer;  /* -1: a new one */
    bool accumulate; /* onto what lies in buffer */
    fnas_activation activation;
    int extra_count; /* values added by binary post-ops */
    int32_t extras[EXTRAS_MAX];
} conv_target;

/* What is given to oneDNN. */
typedef struct conv_plan {
    int32_t layer;
    fnas_infer_value source;
    dnnl_memory_desc_t source_layout, result_layout, weight_any, weight_plain, bias_plain;
    dnnl_dims_t strides, padding;
    float *weight_scales, *result_scales, *bias; /* [O]; int8 */
    int scale_mask;                              /* axes of the weights that scales go by */
    const float *bias_floats;
} conv_plan;

bool fnas_infer_is_deferred(const fnas_infer_builder *builder, int32_t layer) {
    const fnas_infer_layer *conv = &builder->layers[layer];
    return conv->kind == FNAS_INFER_CONV && conv->activation == FNAS_ACTIVATION_NONE && builder->readers[layer] == 1 &&
           builder->layers[builder->reader[layer]].kind == FNAS_INFER_ADD;
}

/* ---- description ---- */

static fnas_status plan_weights(fnas_infer_builder *builder, conv_plan *plan) {
    const fnas_infer_layer *conv = &builder->layers[plan->layer];
    int64_t in = builder->layers[conv->inputs[0]].c, groups = conv->groups;
    dnnl_dims_t dense = {conv->c, in, conv->kernel, conv->kernel};
    dnnl_dims_t grouped = {groups, conv->c / groups, in / groups, conv->kernel, conv->kernel};
    const dnnl_dim_t *dims = groups > 1 ? grouped : dense;
    int rank = groups > 1 ? WEIGHT_DIMS : WEIGHT_DIMS - 1;
    plan->scale_mask = groups > 1 ? 3 : 1;
    dnnl_data_type_t data_type = builder->infer->data_type;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&plan->weight_any, rank, dims, data_type, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&plan->weight_plain, rank, dims, dnnl_f32, groups > 1 ? dnnl_goihw : dnnl_oihw);
    dnnl_dims_t bias_dims = {conv->c};
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&plan->bias_plain, 1, bias_dims, dnnl_f32, dnnl_x);
    return status == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, status);
}

/* ReLU may see values in whatever unit; the others see real ones, and bring their results to the unit themselves. */
static bool activates_real_values(const conv_target *target) {
    return target->scale > 0 && (target->activation == FNAS_ACTIVATION_HARD_SWISH || target->activation == FNAS_ACTIVATION_HARD_SIGMOID);
}

/* real = unit * integer: result = (accumulator + bias / (source unit * weight unit)) * source unit * weight unit / result unit. */
static fnas_status plan_scales(fnas_infer_builder *builder, const conv_target *target, conv_plan *plan) {
    const fnas_infer_layer *conv = &builder->layers[plan->layer];
    plan->bias_floats = conv->bias;
    if (!fnas_infer_is_int8(builder->infer)) return FNAS_OK;
    plan->weight_scales = fnas_allocate((size_t)conv->c, 3 * sizeof(float));
    if (!plan->weight_scales) return fnas_fail_memory(builder->context, "int8 scales");
    plan->result_scales = plan->weight_scales + conv->c;
    plan->bias = plan->result_scales + conv->c;
    int64_t each = builder->layers[conv->inputs[0]].c / conv->groups * conv->kernel * conv->kernel;
    float most = (float)fnas_backend_int8_weight_most();
    for (int64_t o = 0; o < conv->c; o++) {
        float largest = 0;
        for (int64_t i = 0; i < each; i++) largest = fmaxf(largest, fabsf(conv->weights[o * each + i]));
        float unit = largest > 0 ? largest / most : 1, accumulator_unit = unit * plan->source.scale;
        plan->weight_scales[o] = 1 / unit;
        plan->result_scales[o] = target->scale > 0 && !activates_real_values(target) ? accumulator_unit / target->scale : accumulator_unit;
        if (conv->bias) plan->bias[o] = conv->bias[o] / accumulator_unit;
    }
    if (conv->bias) plan->bias_floats = plan->bias;
    return FNAS_OK;
}

static dnnl_status_t append_post_ops(const fnas_infer_builder *builder, const conv_target *target, dnnl_primitive_attr_t attributes) {
    dnnl_post_ops_t post_ops;
    dnnl_status_t status = dnnl_post_ops_create(&post_ops);
    if (status != dnnl_success) return status;
    if (target->accumulate) status = dnnl_post_ops_append_sum(post_ops, 1);
    for (int i = 0; status == dnnl_success && i < target->extra_count; i++)
        status = dnnl_post_ops_append_binary(post_ops, dnnl_binary_add, fnas_infer_buffer_layout(builder->infer, target->extras[i]));
    if (status == dnnl_success)
        status = fnas_infer_append_activation(post_ops, target->activation, activates_real_values(target) ? 1 / target->scale : 1);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, post_ops);
    dnnl_post_ops_destroy(post_ops);
    return status;
}

/* NULL in *description where oneDNN has nothing for it. */
static dnnl_status_t describe_conv(const fnas_infer_builder *builder, const conv_plan *plan, const dnnl_memory_desc_t *source,
                                   const dnnl_memory_desc_t *result, const_dnnl_primitive_attr_t attributes,
                                   dnnl_primitive_desc_t *description) {
    dnnl_convolution_desc_t conv;
    *description = NULL;
    dnnl_status_t status = dnnl_convolution_forward_desc_init(&conv, dnnl_forward_inference, dnnl_convolution_direct, source,
                                                              &plan->weight_any, plan->bias_floats ? &plan->bias_plain : NULL, result,
                                                              plan->strides, plan->padding, plan->padding);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_desc_create(description, &conv, attributes, builder->infer->onednn->engine, NULL);
    return status == dnnl_unimplemented ? dnnl_success : status;
}

/* The first fast kernel among: our layouts; its own source layout; its own layouts throughout (not where the result joins what lies in
 * ours). */
static dnnl_status_t choose_conv(const fnas_infer_builder *builder, const conv_plan *plan, const conv_target *target,
                                 const_dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *chosen) {
    dnnl_memory_desc_t source_any = plan->source_layout, result_any = plan->result_layout;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&source_any, 4, plan->source_layout.dims, plan->source_layout.data_type,
                                                        dnnl_format_tag_any);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&result_any, 4, plan->result_layout.dims, plan->result_layout.data_type, dnnl_format_tag_any);
    const dnnl_memory_desc_t *candidates[][2] = {
        {&plan->source_layout, &plan->result_layout}, {&source_any, &plan->result_layout}, {&source_any, &result_any}};
    int count = target->accumulate || target->extra_count ? 2 : 3;
    *chosen = NULL;
    for (int i = 0; status == dnnl_success && i < count; i++) {
        dnnl_primitive_desc_t description;
        status = describe_conv(builder, plan, candidates[i][0], candidates[i][1], attributes, &description);
        if (status != dnnl_success || !description) continue;
        char implementation[FNAS_INFER_IMPLEMENTATION_BYTES];
        fnas_infer_implementation(description, implementation);
        bool is_slow = fnas_infer_implementation_is_slow(implementation);
        if (!is_slow || !*chosen) {
            if (*chosen) dnnl_primitive_desc_destroy(*chosen);
            *chosen = description;
        } else {
            dnnl_primitive_desc_destroy(description);
        }
        if (!is_slow) break;
    }
    if (status != dnnl_success && *chosen) {
        dnnl_primitive_desc_destroy(*chosen);
        *chosen = NULL;
    }
    return status == dnnl_success && !*chosen ? dnnl_unimplemented : status;
}

static fnas_status describe_chosen(fnas_infer_builder *builder, const conv_plan *plan, const conv_target *target,
                                   dnnl_primitive_desc_t *description) {
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    dnnl_status_t status = dnnl_success;
    if (plan->result_scales)
        status = dnnl_primitive_attr_set_output_scales(attributes, builder->layers[plan->layer].c, 1 << 1, plan->result_scales);
    if (status == dnnl_success) status = append_post_ops(builder, target, attributes);
    if (status == dnnl_success) status = choose_conv(builder, plan, target, attributes, description);
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, status);
}

/* ---- the step ---- */

static fnas_status append_conv(fnas_infer_builder *builder, const conv_plan *plan, const conv_target *target,
                               dnnl_primitive_desc_t description, fnas_infer_value *result) {
    const fnas_infer_layer *conv = &builder->layers[plan->layer];
    const dnnl_memory_desc_t *source = dnnl_primitive_desc_query_md(description, dnnl_query_src_md, 0);
    const dnnl_memory_desc_t *weights = dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
    const dnnl_memory_desc_t *written = dnnl_primitive_desc_query_md(description, dnnl_query_dst_md, 0);
    fnas_infer_argument arguments[FNAS_INFER_ARGUMENTS - 1] = {{DNNL_ARG_SRC, 0}, {DNNL_ARG_WEIGHTS, 0}, {DNNL_ARG_DST, target->buffer}};
    int count = 3;
    FNAS_TRY(fnas_infer_convert(builder, plan->source, source, plan->source.scale, &arguments[0].buffer));
    FNAS_TRY(fnas_infer_constant(builder, &plan->weight_plain, conv->weights, weights, (int)conv->c, plan->scale_mask, plan->weight_scales,
                                 &arguments[1].buffer));
    if (target->buffer < 0) FNAS_TRY(fnas_infer_new_buffer(builder, written, &arguments[2].buffer));
    if (plan->bias_floats) {
        arguments[count].role = DNNL_ARG_BIAS;
        FNAS_TRY(
            fnas_infer_constant(builder, &plan->bias_plain, plan->bias_floats, &plan->bias_plain, 0, 0, NULL, &arguments[count++].buffer));
    }
    for (int i = 0; i < target->extra_count; i++)
        arguments[count++] = (fnas_infer_argument){DNNL_ARG_ATTR_MULTIPLE_POST_OP(target->accumulate + i) | DNNL_ARG_SRC_1,
                                                   target->extras[i]};
    *result = (fnas_infer_value){arguments[2].buffer, target->scale};
    dnnl_primitive_desc_t copy;
    dnnl_status_t status = dnnl_primitive_desc_clone(&copy, description); /* append destroys it, the caller does too */
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    FNAS_TRY(fnas_infer_append(builder, copy, count, arguments));
    return fnas_infer_convert(builder, *result, &plan->result_layout, target->scale, &result->buffer);
}

/* *is_slow: oneDNN has only a naive kernel for it, and nothing was appended; NULL: take it as it is. */
static fnas_status build_conv_into(fnas_infer_builder *builder, int32_t layer, const conv_target *target, bool *is_slow,
                                   fnas_infer_value *result) {
    const fnas_infer_layer *conv = &builder->layers[layer];
    conv_plan plan = {.layer = layer,
                      .source = builder->infer->values[conv->inputs[0]],
                      .strides = {conv->stride, conv->stride},
                      .padding = {conv->padding, conv->padding}};
    if (fnas_infer_is_int8(builder->infer) && plan.source.scale <= 0) { /* from the floating-point head */
        dnnl_memory_desc_t layout;
        FNAS_TRY(fnas_infer_layout(builder, conv->inputs[0], dnnl_s8, builder->infer->tag, &layout));
        float scale = fnas_infer_scale_of(builder, conv->inputs[0], dnnl_s8);
        FNAS_TRY(fnas_infer_convert(builder, plan.source, &layout, scale, &plan.source.buffer));
        plan.source.scale = scale;
    }
    plan.source_layout = *fnas_infer_buffer_layout(builder->infer, plan.source.buffer);
    FNAS_TRY(fnas_infer_layout(builder, layer, target->data_type, builder->infer->tag, &plan.result_layout));
    FNAS_TRY(plan_weights(builder, &plan));
    FNAS_TRY(plan_scales(builder, target, &plan));
    dnnl_primitive_desc_t description = NULL;
    fnas_status status = describe_chosen(builder, &plan, target, &description);
    if (status == FNAS_OK && is_slow) {
        char implementation[FNAS_INFER_IMPLEMENTATION_BYTES];
        fnas_infer_implementation(description, implementation);
        *is_slow = fnas_infer_implementation_is_slow(implementation);
    }
    if (status == FNAS_OK && !(is_slow && *is_slow)) status = append_conv(builder, &plan, target, description, result);
    if (description) dnnl_primitive_desc_destroy(description);
    fnas_free(plan.weight_scales);
    return status;
}

fnas_status fnas_infer_build_conv(fnas_infer_builder *builder) {
    const fnas_infer_layer *conv = &builder->layers[builder->layer];
    if (fnas_infer_is_deferred(builder, builder->layer)) return FNAS_OK;
    dnnl_data_type_t data_type = builder->infer->data_type;
    if (fnas_infer_is_int8(builder->infer) && conv->activation == FNAS_ACTIVATION_RELU) data_type = dnnl_u8;
    conv_target target = {.data_type = data_type,
                          .scale = fnas_infer_scale_of(builder, builder->layer, data_type),
                          .buffer = -1,
                          .activation = conv->activation};
    return build_conv_into(builder, builder->layer, &target, NULL, &builder->infer->values[builder->layer]);
}

/* ---- sums ---- */

static fnas_activation when(bool is_last, fnas_activation activation) {
    return is_last ? activation : FNAS_ACTIVATION_NONE;
}

/* result = a + b, activated. result may be a's buffer. */
static fnas_status build_binary_add(fnas_infer_builder *builder, fnas_infer_value a, fnas_infer_value b, fnas_activation activation,
                                    fnas_infer_value result) {
    const fnas_infer *infer = builder->infer;
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    dnnl_status_t status = dnnl_success;
    if (result.scale > 0) {
        float scale_a = a.scale / result.scale, scale_b = b.scale / result.scale;
        status = dnnl_primitive_attr_set_scales(attributes, DNNL_ARG_SRC_0, 1, 0, &scale_a);
        if (status == dnnl_success) status = dnnl_primitive_attr_set_scales(attributes, DNNL_ARG_SRC_1, 1, 0, &scale_b);
    }
    conv_target only_activation = {.activation = activation};
    if (status == dnnl_success) status = append_post_ops(builder, &only_activation, attributes);
    dnnl_binary_desc_t binary;
    dnnl_primitive_desc_t description = NULL;
    if (status == dnnl_success)
        status = dnnl_binary_desc_init(&binary, dnnl_binary_add, fnas_infer_buffer_layout(infer, a.buffer),
                                       fnas_infer_buffer_layout(infer, b.buffer), fnas_infer_buffer_layout(infer, result.buffer));
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&description, &binary, attributes, infer->onednn->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    fnas_infer_argument arguments[] = {{DNNL_ARG_SRC_0, a.buffer}, {DNNL_ARG_SRC_1, b.buffer}, {DNNL_ARG_DST, result.buffer}};
    return fnas_infer_append(builder, description, 3, arguments);
}

/* The sum of values [count >= 1] in a new buffer. */
static fnas_status build_sum(fnas_infer_builder *builder, int64_t count, const fnas_infer_value *values, fnas_activation activation,
                             fnas_infer_value *result) {
    dnnl_data_type_t data_type = builder->infer->data_type;
    dnnl_memory_desc_t layout;
    FNAS_TRY(fnas_infer_layout(builder, builder->layer, data_type, builder->infer->tag, &layout));
    result->scale = fnas_infer_scale_of(builder, builder->layer, data_type);
    FNAS_TRY(fnas_infer_new_buffer(builder, &layout, &result->buffer));
    if (count == 1) return fnas_infer_convert_into(builder, values[0], result->scale, result->buffer);
    FNAS_TRY(build_binary_add(builder, values[0], values[1], when(count == 2, activation), *result));
    for (int64_t i = 2; i < count; i++) FNAS_TRY(build_binary_add(builder, *result, values[i], when(i + 1 == count, activation), *result));
    return FNAS_OK;
}

typedef struct sum_parts {
    int64_t conv_count, value_count;
    int32_t *convs;           /* layers computed here */
    fnas_infer_value *values; /* already there */
} sum_parts;

/* The first convolution reads what is already there by a binary post-op and writes the sum: one pass less than copying it first. */
static fnas_status try_fused_first(fnas_infer_builder *builder, const sum_parts *parts, fnas_activation activation, bool *is_done,
                                   fnas_infer_value *result) {
    *is_done = false;
    if (fnas_infer_is_int8(builder->infer) ? parts->value_count > 0 : parts->value_count > EXTRAS_MAX)
        return FNAS_OK; /* post-ops know no scales */
    dnnl_data_type_t data_type = builder->infer->data_type;
    conv_target target = {.data_type = data_type,
                          .scale = fnas_infer_scale_of(builder, builder->layer, data_type),
                          .buffer = -1,
                          .activation = when(parts->conv_count == 1, activation),
                          .extra_count = (int)parts->value_count};
    for (int i = 0; i < target.extra_count; i++) target.extras[i] = parts->values[i].buffer;
    bool is_slow = false;
    fnas_status status = build_conv_into(builder, parts->convs[0], &target, parts->value_count ? &is_slow : NULL, result);
    if (status == FNAS_ERR_UNSUPPORTED && parts->value_count) return FNAS_OK;
    *is_done = status == FNAS_OK && !is_slow;
    return status;
}

static fnas_status build_sum_of_parts(fnas_infer_builder *builder, const sum_parts *parts, fnas_infer_value *result) {
    fnas_activation activation = builder->layers[builder->layer].activation;
    bool fused = false;
    if (parts->conv_count == 0) return build_sum(builder, parts->value_count, parts->values, activation, result);
    FNAS_TRY(try_fused_first(builder, parts, activation, &fused, result));
    if (!fused) FNAS_TRY(build_sum(builder, parts->value_count, parts->values, FNAS_ACTIVATION_NONE, result));
    for (int64_t i = fused; i < parts->conv_count; i++) {
        conv_target target = {.data_type = builder->infer->data_type,
                              .scale = result->scale,
                              .buffer = result->buffer,
                              .accumulate = true,
                              .activation = when(i + 1 == parts->conv_count, activation)};
        FNAS_TRY(build_conv_into(builder, parts->convs[i], &target, NULL, result));
    }
    return FNAS_OK;
}

/* Other types or layouts than the sum's (int8 beside the floating-point head) are converted first. */
static fnas_status collect_value(fnas_infer_builder *builder, int32_t input, fnas_infer_value *value) {
    *value = builder->infer->values[input];
    bool is_int8 = fnas_infer_is_int8(builder->infer);
    if (is_int8 && value->scale > 0) return FNAS_OK;
    dnnl_memory_desc_t layout;
    FNAS_TRY(fnas_infer_layout(builder, input, builder->infer->data_type, builder->infer->tag, &layout));
    float scale = is_int8 ? fnas_infer_scale_of(builder, input, dnnl_s8) : 0;
    FNAS_TRY(fnas_infer_convert(builder, *value, &layout, scale, &value->buffer));
    value->scale = scale;
    return FNAS_OK;
}

fnas_status fnas_infer_build_add(fnas_infer_builder *builder) {
    const fnas_infer_layer *add = &builder->layers[builder->layer];
    sum_parts parts = {.convs = fnas_allocate((size_t)add->input_count, sizeof *parts.convs),
                       .values = fnas_allocate((size_t)add->input_count, sizeof *parts.values)};
    fnas_status status = parts.convs && parts.values ? FNAS_OK : fnas_fail_memory(builder->context, "an inference network");
    for (int64_t i = 0; status == FNAS_OK && i < add->input_count; i++) {
        if (fnas_infer_is_deferred(builder, add->inputs[i]))
            parts.convs[parts.conv_count++] = add->inputs[i];
        else
            status = collect_value(builder, add->inputs[i], &parts.values[parts.value_count++]);
    }
    if (status == FNAS_OK) status = build_sum_of_parts(builder, &parts, &builder->infer->values[builder->layer]);
    fnas_free(parts.convs);
    fnas_free(parts.values);
    return status;
}
