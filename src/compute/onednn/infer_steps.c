/* Buffers, constants and steps of a prepared network. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "compute/onednn/infer_internal.h"

static const char *const kind_names[] = {"input",       "conv",          "activation",  "average_pool", "add",
                                         "scale_shift", "channel_scale", "global_pool", "linear",       "zero"};

fnas_status fnas_infer_fail(const fnas_infer_builder *builder, dnnl_status_t status) {
    char what[64];
    snprintf(what, sizeof what, "layer %d (%s) of an inference network", (int)builder->layer,
             kind_names[builder->layers[builder->layer].kind]);
    return fnas_onednn_fail(builder->context, status, what);
}

bool fnas_infer_is_int8(const fnas_infer *infer) {
    return infer->options.precision == FNAS_INFER_INT8;
}

const dnnl_memory_desc_t *fnas_infer_buffer_layout(const fnas_infer *infer, int32_t buffer) {
    return &infer->buffers[buffer].layout;
}

float fnas_infer_scale_of(const fnas_infer_builder *builder, int32_t layer, dnnl_data_type_t data_type) {
    if (data_type != dnnl_s8 && data_type != dnnl_u8) return 0;
    double largest = builder->largest[layer];
    if (!(largest > 0)) largest = 1; /* always zero: any scale does */
    return (float)(largest / (data_type == dnnl_u8 ? 255 : 127));
}

fnas_status fnas_infer_layout(const fnas_infer_builder *builder, int32_t layer, dnnl_data_type_t data_type, dnnl_format_tag_t tag,
                              dnnl_memory_desc_t *layout) {
    const fnas_infer_layer *shape = &builder->layers[layer];
    dnnl_dims_t dims = {builder->infer->options.batch, shape->c, shape->h, shape->w};
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(layout, 4, dims, data_type, tag);
    return status == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, status);
}

fnas_status fnas_infer_new_buffer(fnas_infer_builder *builder, const dnnl_memory_desc_t *layout, int32_t *number) {
    fnas_infer *infer = builder->infer;
    dnnl_memory_desc_t own = *layout; /* which may be that of a buffer, and buffers move */
    if (!fnas_grow((void **)&infer->buffers, &infer->buffer_capacity, (size_t)infer->buffer_count + 1, sizeof *infer->buffers))
        return fnas_fail_memory(builder->context, "an inference network");
    fnas_infer_buffer *buffer = &infer->buffers[infer->buffer_count];
    *buffer = (fnas_infer_buffer){.layout = own};
    dnnl_status_t status = dnnl_memory_create(&buffer->memory, &own, infer->onednn->engine, DNNL_MEMORY_NONE);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    *number = (int32_t)infer->buffer_count++;
    return FNAS_OK;
}

fnas_status fnas_infer_attributes(const fnas_infer_builder *builder, dnnl_primitive_attr_t *attributes) {
    dnnl_status_t status = dnnl_primitive_attr_create(attributes);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user);
    return status == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, status);
}

/* This version of oneDNN has no hard sigmoid: x / 6 + 1 / 2, clipped. */
dnnl_status_t fnas_infer_append_activation(dnnl_post_ops_t post_ops, fnas_activation activation, float factor) {
    switch (activation) {
    case FNAS_ACTIVATION_NONE:
        break;
    case FNAS_ACTIVATION_RELU:
        return dnnl_post_ops_append_eltwise(post_ops, factor, dnnl_eltwise_relu, 0, 0);
    case FNAS_ACTIVATION_HARD_SWISH:
        return dnnl_post_ops_append_eltwise(post_ops, factor, dnnl_eltwise_hardswish, 0, 0);
    case FNAS_ACTIVATION_HARD_SIGMOID: {
        dnnl_status_t status = dnnl_post_ops_append_eltwise(post_ops, 1, dnnl_eltwise_linear, 1.0f / 6, 0.5f);
        return status == dnnl_success ? dnnl_post_ops_append_eltwise(post_ops, factor, dnnl_eltwise_clip, 0, 1) : status;
    }
    }
    return dnnl_success;
}

/* ---- steps ---- */

void fnas_infer_implementation(const_dnnl_primitive_desc_t description, char *text) {
    const char *name = "";
    if (dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name) != dnnl_success) name = "";
    snprintf(text, FNAS_INFER_IMPLEMENTATION_BYTES, "%s", name);
}

/* oneDNN's naive kernels, a thousand times slower, are called ref; "simple:any" and the like are plain loops that are good enough. */
bool fnas_infer_implementation_is_slow(const char *implementation) {
    return strncmp(implementation, "ref", 3) == 0;
}

static fnas_status append_step(fnas_infer_builder *builder, const_dnnl_primitive_desc_t description, int count,
                               const fnas_infer_argument *arguments) {
    fnas_infer *infer = builder->infer;
    if (!fnas_grow((void **)&infer->steps, &infer->step_capacity, (size_t)infer->step_count + 1, sizeof *infer->steps))
        return fnas_fail_memory(builder->context, "an inference network");
    fnas_infer_step *step = &infer->steps[infer->step_count];
    *step = (fnas_infer_step){.layer = builder->layer, .argument_count = count};
    memcpy(step->arguments, arguments, (size_t)count * sizeof *arguments);
    const dnnl_memory_desc_t *scratchpad = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    if (scratchpad && dnnl_memory_desc_get_size(scratchpad) > 0) {
        fnas_infer_argument *argument = &step->arguments[step->argument_count++];
        argument->role = DNNL_ARG_SCRATCHPAD;
        FNAS_TRY(fnas_infer_new_buffer(builder, scratchpad, &argument->buffer));
    }
    fnas_infer_implementation(description, step->implementation);
    dnnl_status_t status = dnnl_primitive_create(&step->primitive, description);
    if (status != dnnl_success) return fnas_infer_fail(builder, status);
    infer->step_count++;
    return FNAS_OK;
}

fnas_status fnas_infer_append(fnas_infer_builder *builder, dnnl_primitive_desc_t description, int count,
                              const fnas_infer_argument *arguments) {
    fnas_status status = append_step(builder, description, count, arguments);
    dnnl_primitive_desc_destroy(description);
    return status;
}

/* ---- reorders ---- */

static fnas_status describe_reorder(fnas_infer_builder *builder, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to,
                                    int scale_count, int scale_mask, const float *scales, dnnl_primitive_desc_t *description) {
    dnnl_primitive_attr_t attributes;
    FNAS_TRY(fnas_infer_attributes(builder, &attributes));
    dnnl_status_t status = scales ? dnnl_primitive_attr_set_output_scales(attributes, scale_count, scale_mask, scales) : dnnl_success;
    dnnl_engine_t engine = builder->infer->onednn->engine;
    if (status == dnnl_success) status = dnnl_reorder_primitive_desc_create(description, from, engine, to, engine, attributes);
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, status);
}

fnas_status fnas_infer_convert_into(fnas_infer_builder *builder, fnas_infer_value value, float scale, int32_t buffer) {
    float unit = value.scale > 0 ? value.scale : 1, target = scale > 0 ? scale : 1, factor = unit / target;
    dnnl_primitive_desc_t description;
    FNAS_TRY(describe_reorder(builder, fnas_infer_buffer_layout(builder->infer, value.buffer),
                              fnas_infer_buffer_layout(builder->infer, buffer), 1, 0, factor == 1 ? NULL : &factor, &description));
    fnas_infer_argument arguments[] = {{DNNL_ARG_FROM, value.buffer}, {DNNL_ARG_TO, buffer}};
    return fnas_infer_append(builder, description, 2, arguments);
}

fnas_status fnas_infer_convert(fnas_infer_builder *builder, fnas_infer_value value, const dnnl_memory_desc_t *layout, float scale,
                               int32_t *buffer) {
    *buffer = value.buffer;
    if (dnnl_memory_desc_equal(fnas_infer_buffer_layout(builder->infer, value.buffer), layout) && value.scale == scale) return FNAS_OK;
    FNAS_TRY(fnas_infer_new_buffer(builder, layout, buffer));
    return fnas_infer_convert_into(builder, value, scale, *buffer);
}

/* ---- constants ---- */

static fnas_status run_now(fnas_infer_builder *builder, dnnl_primitive_desc_t description, dnnl_memory_t from, dnnl_memory_t to) {
    const dnnl_memory_desc_t *scratch_layout = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    size_t scratch_bytes = scratch_layout ? dnnl_memory_desc_get_size(scratch_layout) : 0;
    void *scratch = fnas_allocate(scratch_bytes, 1);
    if (!scratch) return fnas_fail_memory(builder->context, "packing weights");
    dnnl_memory_t scratchpad = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t status = dnnl_primitive_create(&primitive, description);
    if (status == dnnl_success && scratch_bytes)
        status = dnnl_memory_create(&scratchpad, scratch_layout, builder->infer->onednn->engine, scratch);
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, scratchpad}};
    if (status == dnnl_success) status = dnnl_primitive_execute(primitive, builder->infer->stream, scratchpad ? 3 : 2, arguments);
    if (status == dnnl_success) status = dnnl_stream_wait(builder->infer->stream);
    dnnl_memory_destroy(scratchpad);
    dnnl_primitive_destroy(primitive);
    fnas_free(scratch);
    return status == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, status);
}

fnas_status fnas_infer_constant(fnas_infer_builder *builder, const dnnl_memory_desc_t *plain, const float *floats,
                                const dnnl_memory_desc_t *layout, int scale_count, int scale_mask, const float *scales, int32_t *number) {
    fnas_infer *infer = builder->infer;
    FNAS_TRY(fnas_infer_new_buffer(builder, layout, number));
    fnas_infer_buffer *buffer = &infer->buffers[*number];
    size_t bytes = dnnl_memory_desc_get_size(layout);
    buffer->constant = fnas_allocate(bytes, 1);
    if (!buffer->constant) return fnas_fail_memory(builder->context, "packed weights");
    infer->constant_bytes += bytes;
    dnnl_memory_t source = NULL;
    dnnl_status_t code = dnnl_memory_set_data_handle(buffer->memory, buffer->constant);
    if (code == dnnl_success) code = dnnl_memory_create(&source, plain, infer->onednn->engine, (void *)(uintptr_t)floats);
    dnnl_primitive_desc_t description = NULL;
    fnas_status status = code == dnnl_success ? FNAS_OK : fnas_infer_fail(builder, code);
    if (status == FNAS_OK) status = describe_reorder(builder, plain, layout, scale_count, scale_mask, scales, &description);
    if (status == FNAS_OK) status = run_now(builder, description, source, buffer->memory);
    if (description) dnnl_primitive_desc_destroy(description);
    dnnl_memory_destroy(source);
    return status;
}
