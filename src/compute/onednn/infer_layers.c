/* Layers of a prepared network other than convolutions and sums. */
#include <string.h>

#include "base/memory.h"
#include "compute/onednn/infer_internal.h"

static const fnas_infer_layer *current(const fnas_infer_builder *builder) {
    return &builder->layers[builder->layer];
}

static fnas_infer_value source_value(const fnas_infer_builder *builder) {
    return builder->infer->values[current(builder)->inputs[0]];
}

/* The image: read where the caller has it, then brought to the activations' type (and, for int8, to their layout). */
static fnas_status build_input(fnas_infer_builder *builder) {
    fnas_infer *infer = builder->infer;
    dnnl_memory_desc_t layout;
    FNAS_TRY(fnas_infer_layout(builder, 0, dnnl_f32, dnnl_nchw, &layout));
    fnas_infer_value image = {.scale = 0};
    FNAS_TRY(fnas_infer_new_buffer(builder, &layout, &image.buffer));
    infer->buffers[image.buffer].external = true;
    infer->input = image.buffer;
    infer->values[0] = image;
    if (infer->data_type == dnnl_f32) return FNAS_OK;
    FNAS_TRY(fnas_infer_layout(builder, 0, infer->data_type, fnas_infer_is_int8(infer) ? infer->tag : dnnl_nchw, &layout));
    float scale = fnas_infer_scale_of(builder, 0, infer->data_type);
    FNAS_TRY(fnas_infer_convert(builder, image, &layout, scale, &infer->values[0].buffer));
    infer->values[0].scale = scale;
    return FNAS_OK;
}

static fnas_status build_zero(fnas_infer_builder *builder) {
    fnas_infer *infer = builder->infer;
    dnnl_memory_desc_t layout;
    FNAS_TRY(fnas_infer_layout(builder, builder->layer, infer->data_type, infer->tag, &layout));
    fnas_infer_value *value = &infer->values[builder->layer];
    value->scale = fnas_infer_scale_of(builder, builder->layer, infer->data_type);
    FNAS_TRY(fnas_infer_new_buffer(builder, &layout, &value->buffer));
    size_t bytes = dnnl_memory_desc_get_size(&layout);
    infer->buffers[value->buffer].constant = fnas_allocate(bytes, 1);
    if (!infer->buffers[value->buffer].constant) return fnas_fail_memory(builder->context, "an inference network");
    infer->constant_bytes += bytes;
    dnnl_status_t status = dnnl_memory_set_data_handle(infer->buffers[value->buffer].memory, infer->buffers[value->buffer].constant);
    return status == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, status);
}

/* An input in floating point and our layout. */
static fnas_status float_source(fnas_infer_builder *builder, int64_t input, fnas_infer_value *source) {
    const fnas_infer *infer = builder->infer;
    int32_t layer = current(builder)->inputs[input];
    *source = infer->values[layer];
    dnnl_memory_desc_t layout;
    dnnl_data_type_t data_type = fnas_infer_is_int8(infer) ? dnnl_f32 : infer->data_type;
    FNAS_TRY(fnas_infer_layout(builder, layer, data_type, infer->tag, &layout));
    FNAS_TRY(fnas_infer_convert(builder, *source, &layout, 0, &source->buffer));
    source->scale = 0;
    return FNAS_OK;
}

/* int8: a reorder to u8 takes negative values to 0 and requantises at once. */
static fnas_status build_int8_relu(fnas_infer_builder *builder) {
    fnas_infer_value source = source_value(builder), *value = &builder->infer->values[builder->layer];
    dnnl_memory_desc_t layout;
    FNAS_TRY(fnas_infer_layout(builder, builder->layer, dnnl_u8, builder->infer->tag, &layout));
    value->scale = fnas_infer_scale_of(builder, builder->layer, dnnl_u8);
    FNAS_TRY(fnas_infer_new_buffer(builder, &layout, &value->buffer));
    return fnas_infer_convert_into(builder, source, value->scale, value->buffer);
}

static dnnl_status_t describe_activation(const fnas_infer_builder *builder, const dnnl_memory_desc_t *layout,
                                         dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *description) {
    dnnl_eltwise_desc_t eltwise;
    dnnl_alg_kind_t kind = current(builder)->activation == FNAS_ACTIVATION_HARD_SWISH ? dnnl_eltwise_hardswish : dnnl_eltwise_relu;
    dnnl_status_t status = dnnl_eltwise_forward_desc_init(&eltwise, dnnl_forward_inference, kind, layout, 0, 0);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(description, &eltwise, attributes, builder->infer->onednn->engine, NULL);
}

static fnas_status build_activation(fnas_infer_builder *builder) {
    if (fnas_infer_is_int8(builder->infer) && current(builder)->activation == FNAS_ACTIVATION_RELU) return build_int8_relu(builder);
    if (current(builder)->activation == FNAS_ACTIVATION_HARD_SIGMOID)
        return fnas_fail(builder->context, FNAS_ERR_UNSUPPORTED, "layer %d of an inference network: a hard sigmoid behind no convolution",
                         (int)builder->layer);
    fnas_infer_value source, *value = &builder->infer->values[builder->layer];
    FNAS_TRY(float_source(builder, 0, &source));
    FNAS_TRY(fnas_infer_new_buffer(builder, fnas_infer_buffer_layout(builder->infer, source.buffer), &value->buffer));
    const dnnl_memory_desc_t *layout = fnas_infer_buffer_layout(builder->infer, value->buffer);
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = describe_activation(builder, layout, attributes, &description);
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    fnas_infer_argument arguments[] = {{DNNL_ARG_SRC, source.buffer}, {DNNL_ARG_DST, value->buffer}};
    return fnas_infer_append(builder, description, 2, arguments);
}

/* ---- pooling ---- */

static fnas_status append_pool(fnas_infer_builder *builder, fnas_infer_value source, const dnnl_dims_t kernel, const dnnl_dims_t strides,
                               const dnnl_dims_t padding_begin, const dnnl_dims_t padding_end) {
    fnas_infer *infer = builder->infer;
    fnas_infer_value *value = &infer->values[builder->layer];
    dnnl_memory_desc_t layout, source_layout = *fnas_infer_buffer_layout(infer, source.buffer);
    FNAS_TRY(fnas_infer_layout(builder, builder->layer, source_layout.data_type, infer->tag, &layout));
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    dnnl_pooling_desc_t pool;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = dnnl_pooling_forward_desc_init(&pool, dnnl_forward_inference, dnnl_pooling_avg_exclude_padding, &source_layout,
                                                          &layout, strides, kernel, padding_begin, padding_end);
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&description, &pool, attributes, infer->onednn->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    value->scale = source.scale; /* an average needs no other */
    fnas_status made = fnas_infer_new_buffer(builder, &layout, &value->buffer);
    if (made != FNAS_OK) {
        dnnl_primitive_desc_destroy(description);
        return made;
    }
    fnas_infer_argument arguments[] = {{DNNL_ARG_SRC, source.buffer}, {DNNL_ARG_DST, value->buffer}};
    return fnas_infer_append(builder, description, 2, arguments);
}

/* What oneDNN must be told of padding behind the end, so that its size of the result is ours (floor division leaves a rest unread). */
static int64_t padding_end(int64_t in, int64_t out, const fnas_infer_layer *pool) {
    return (out - 1) * pool->stride + pool->kernel - in - pool->padding;
}

static fnas_status build_average_pool(fnas_infer_builder *builder) {
    const fnas_infer_layer *pool = current(builder), *in = &builder->layers[pool->inputs[0]];
    dnnl_dims_t kernel = {pool->kernel, pool->kernel}, strides = {pool->stride, pool->stride}, begin = {pool->padding, pool->padding};
    dnnl_dims_t end = {padding_end(in->h, pool->h, pool), padding_end(in->w, pool->w, pool)};
    return append_pool(builder, source_value(builder), kernel, strides, begin, end);
}

static fnas_status build_global_pool(fnas_infer_builder *builder) {
    const fnas_infer_layer *in = &builder->layers[current(builder)->inputs[0]];
    dnnl_dims_t kernel = {in->h, in->w}, strides = {1, 1}, none = {0, 0};
    fnas_infer_value source;
    FNAS_TRY(float_source(builder, 0, &source));
    return append_pool(builder, source, kernel, strides, none, none);
}

/* ---- scale and shift: a batch normalisation with mean 0 and variance 1 ---- */

static fnas_status scale_shift_constants(fnas_infer_builder *builder, int32_t *scale_shift, int32_t *mean, int32_t *variance) {
    const fnas_infer_layer *norm = current(builder);
    float *floats = fnas_allocate((size_t)norm->c, 4 * sizeof *floats);
    if (!floats) return fnas_fail_memory(builder->context, "an inference network");
    memcpy(floats, norm->weights, (size_t)norm->c * sizeof *floats);
    if (norm->bias) memcpy(floats + norm->c, norm->bias, (size_t)norm->c * sizeof *floats);
    for (int64_t c = 0; c < norm->c; c++) floats[3 * norm->c + c] = 1;
    dnnl_dims_t pair = {2, norm->c}, vector = {norm->c};
    dnnl_memory_desc_t pair_layout, vector_layout;
    dnnl_status_t code = dnnl_memory_desc_init_by_tag(&pair_layout, 2, pair, dnnl_f32, dnnl_nc);
    if (code == dnnl_success) code = dnnl_memory_desc_init_by_tag(&vector_layout, 1, vector, dnnl_f32, dnnl_x);
    fnas_status status = code == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, code);
    if (status == FNAS_OK) status = fnas_infer_constant(builder, &pair_layout, floats, &pair_layout, 0, 0, NULL, scale_shift);
    if (status == FNAS_OK) status = fnas_infer_constant(builder, &vector_layout, floats + 2 * norm->c, &vector_layout, 0, 0, NULL, mean);
    if (status == FNAS_OK)
        status = fnas_infer_constant(builder, &vector_layout, floats + 3 * norm->c, &vector_layout, 0, 0, NULL, variance);
    fnas_free(floats);
    return status;
}

static fnas_status build_scale_shift(fnas_infer_builder *builder) {
    fnas_infer *infer = builder->infer;
    fnas_infer_value source, *value = &infer->values[builder->layer];
    FNAS_TRY(float_source(builder, 0, &source));
    int32_t scale_shift, mean, variance;
    FNAS_TRY(scale_shift_constants(builder, &scale_shift, &mean, &variance));
    FNAS_TRY(fnas_infer_new_buffer(builder, fnas_infer_buffer_layout(infer, source.buffer), &value->buffer));
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    unsigned flags = dnnl_use_global_stats | dnnl_use_scaleshift |
                     (current(builder)->activation == FNAS_ACTIVATION_RELU ? dnnl_fuse_norm_relu : 0u);
    dnnl_batch_normalization_desc_t norm;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = dnnl_batch_normalization_forward_desc_init(&norm, dnnl_forward_inference,
                                                                      fnas_infer_buffer_layout(infer, source.buffer), 0, flags);
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&description, &norm, attributes, infer->onednn->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    fnas_infer_argument arguments[] = {{DNNL_ARG_SRC, source.buffer},
                                       {DNNL_ARG_DST, value->buffer},
                                       {DNNL_ARG_SCALE_SHIFT, scale_shift},
                                       {DNNL_ARG_MEAN, mean},
                                       {DNNL_ARG_VARIANCE, variance}};
    return fnas_infer_append(builder, description, 5, arguments);
}

/* ---- channel scale ---- */

static fnas_status build_channel_scale(fnas_infer_builder *builder) {
    const fnas_infer *infer = builder->infer;
    fnas_infer_value source, factors, *value = &builder->infer->values[builder->layer];
    FNAS_TRY(float_source(builder, 0, &source));
    FNAS_TRY(float_source(builder, 1, &factors));
    FNAS_TRY(fnas_infer_new_buffer(builder, fnas_infer_buffer_layout(infer, source.buffer), &value->buffer));
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    dnnl_binary_desc_t binary;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = dnnl_binary_desc_init(&binary, dnnl_binary_mul, fnas_infer_buffer_layout(infer, source.buffer),
                                                 fnas_infer_buffer_layout(infer, factors.buffer),
                                                 fnas_infer_buffer_layout(infer, value->buffer));
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&description, &binary, attributes, infer->onednn->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    fnas_infer_argument arguments[] = {{DNNL_ARG_SRC_0, source.buffer}, {DNNL_ARG_SRC_1, factors.buffer}, {DNNL_ARG_DST, value->buffer}};
    return fnas_infer_append(builder, description, 3, arguments);
}

/* ---- linear ---- */

static dnnl_status_t describe_linear(const fnas_infer_builder *builder, const dnnl_memory_desc_t *source, dnnl_data_type_t data_type,
                                     const dnnl_memory_desc_t *bias, const_dnnl_primitive_attr_t attributes,
                                     dnnl_primitive_desc_t *description) {
    const fnas_infer_layer *linear = current(builder);
    int rank = source->ndims;
    dnnl_dims_t weight_dims = {linear->c, source->dims[1], 1, 1}, result_dims = {source->dims[0], linear->c};
    dnnl_memory_desc_t source_any, weight_any, result;
    dnnl_inner_product_desc_t product;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&source_any, rank, source->dims, data_type, dnnl_format_tag_any);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&weight_any, rank, weight_dims, data_type, dnnl_format_tag_any);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&result, 2, result_dims, dnnl_f32, dnnl_nc);
    if (status == dnnl_success)
        status = dnnl_inner_product_forward_desc_init(&product, dnnl_forward_inference, &source_any, &weight_any,
                                                      linear->bias ? bias : NULL, &result);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(description, &product, attributes, builder->infer->onednn->engine, NULL);
    return status;
}

static fnas_status append_linear(fnas_infer_builder *builder, dnnl_primitive_desc_t description, const dnnl_memory_desc_t *bias_layout) {
    const fnas_infer_layer *linear = current(builder);
    const dnnl_memory_desc_t *source = dnnl_primitive_desc_query_md(description, dnnl_query_src_md, 0);
    const dnnl_memory_desc_t *weights = dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
    const dnnl_memory_desc_t *result = dnnl_primitive_desc_query_md(description, dnnl_query_dst_md, 0);
    dnnl_memory_desc_t plain;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&plain, weights->ndims, weights->dims, dnnl_f32,
                                                        weights->ndims == 4 ? dnnl_oihw : dnnl_oi);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    fnas_infer_argument arguments[4] = {{DNNL_ARG_SRC, 0}, {DNNL_ARG_WEIGHTS, 0}, {DNNL_ARG_DST, 0}, {DNNL_ARG_BIAS, 0}};
    FNAS_TRY(fnas_infer_convert(builder, source_value(builder), source, 0, &arguments[0].buffer));
    FNAS_TRY(fnas_infer_constant(builder, &plain, linear->weights, weights, 0, 0, NULL, &arguments[1].buffer));
    FNAS_TRY(fnas_infer_new_buffer(builder, result, &arguments[2].buffer));
    if (linear->bias) FNAS_TRY(fnas_infer_constant(builder, bias_layout, linear->bias, bias_layout, 0, 0, NULL, &arguments[3].buffer));
    builder->infer->values[builder->layer] = (fnas_infer_value){arguments[2].buffer, 0};
    dnnl_primitive_desc_t copy; /* append destroys it, the caller does too */
    status = dnnl_primitive_desc_clone(&copy, description);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    return fnas_infer_append(builder, copy, linear->bias ? 4 : 3, arguments);
}

static fnas_status build_linear(fnas_infer_builder *builder) {
    const fnas_infer *infer = builder->infer;
    dnnl_memory_desc_t source = *fnas_infer_buffer_layout(infer, source_value(builder).buffer), bias;
    dnnl_dims_t bias_dims = {current(builder)->c};
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t code = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_x);
    if (code == dnnl_success)
        code = describe_linear(builder, &source, fnas_infer_is_int8(infer) ? dnnl_f32 : infer->data_type, &bias, attributes, &description);
    dnnl_primitive_attr_destroy(attributes);
    if (code != dnnl_success) return fnas_infer_fail(builder, code);
    fnas_status status = append_linear(builder, description, &bias);
    dnnl_primitive_desc_destroy(description);
    return status;
}

fnas_status fnas_infer_build_layer(fnas_infer_builder *builder) {
    switch (current(builder)->kind) {
    case FNAS_INFER_INPUT:
        return build_input(builder);
    case FNAS_INFER_CONV:
        return fnas_infer_build_conv(builder);
    case FNAS_INFER_ACTIVATION:
        return build_activation(builder);
    case FNAS_INFER_AVERAGE_POOL:
        return build_average_pool(builder);
    case FNAS_INFER_ADD:
        return fnas_infer_build_add(builder);
    case FNAS_INFER_SCALE_SHIFT:
        return build_scale_shift(builder);
    case FNAS_INFER_CHANNEL_SCALE:
        return build_channel_scale(builder);
    case FNAS_INFER_GLOBAL_POOL:
        return build_global_pool(builder);
    case FNAS_INFER_LINEAR:
        return build_linear(builder);
    case FNAS_INFER_ZERO:
        return build_zero(builder);
    }
    return fnas_fail(builder->context, FNAS_ERR_INTERNAL, "layer %d of an inference network is of no known kind", (int)builder->layer);
}
