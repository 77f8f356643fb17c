/* Prepared inference networks by oneDNN: creation and running. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "compute/onednn/infer_internal.h"
#include "compute/placement.h"

/* ---- creation ---- */

static fnas_status check_precision(fnas_context *context, const fnas_infer_options *options) {
    if (options->precision == FNAS_INFER_BF16 && !fnas_backend_has_bf16())
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                         "precision bf16: this processor (or its instruction set as limited, %s) computes no bf16: use f32",
                         fnas_backend_isa());
    if (options->precision == FNAS_INFER_INT8 && !fnas_backend_has_int8())
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                         "precision int8: this processor (or its instruction set as limited, %s) has no AVX2: use f32", fnas_backend_isa());
    if (options->precision == FNAS_INFER_INT8 && !options->largest)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "precision int8 needs the range of each layer");
    return FNAS_OK;
}

static dnnl_format_tag_t activation_tag(const fnas_onednn *onednn, const fnas_infer_options *options) {
    if (options->precision == FNAS_INFER_INT8) return dnnl_nhwc; /* which its convolutions want */
    return options->plain_layout ? dnnl_nchw : onednn->activation_tag;
}

static fnas_status prepare(fnas_context *context, const fnas_infer_options *options, int64_t count, fnas_infer *infer) {
    FNAS_TRY(fnas_onednn_get(context, &infer->onednn));
    FNAS_TRY_DNNL(context, dnnl_stream_create(&infer->stream, infer->onednn->engine, dnnl_stream_default_flags), "an inference network");
    infer->options = *options;
    infer->options.largest = NULL;
    infer->layer_count = count;
    infer->tag = activation_tag(infer->onednn, options);
    infer->data_type = options->precision == FNAS_INFER_F32 ? dnnl_f32 : options->precision == FNAS_INFER_BF16 ? dnnl_bf16 : dnnl_s8;
    infer->values = fnas_allocate((size_t)count, sizeof *infer->values);
    if (!infer->values) return fnas_fail_memory(context, "an inference network");
    for (int64_t i = 0; i < count; i++) infer->values[i].buffer = -1;
    return FNAS_OK;
}

static fnas_status build_layers(fnas_context *context, const fnas_infer_layer *layers, const double *largest, fnas_infer *infer) {
    fnas_infer_builder builder = {.context = context, .infer = infer, .layers = layers, .largest = largest};
    builder.readers = fnas_allocate((size_t)infer->layer_count, 2 * sizeof *builder.readers);
    if (!builder.readers) return fnas_fail_memory(context, "an inference network");
    builder.reader = builder.readers + infer->layer_count;
    for (int32_t i = 0; i < infer->layer_count; i++)
        for (int64_t k = 0; k < layers[i].input_count; k++) {
            builder.readers[layers[i].inputs[k]]++;
            builder.reader[layers[i].inputs[k]] = i;
        }
    fnas_status status = FNAS_OK;
    for (int32_t i = 0; status == FNAS_OK && i < infer->layer_count; i++) {
        builder.layer = i;
        status = fnas_infer_build_layer(&builder);
    }
    fnas_free(builder.readers);
    return status;
}

static void find_life_times(const fnas_infer *infer, fnas_placed_buffer *placed) {
    for (int64_t b = 0; b < infer->buffer_count; b++)
        placed[b] = (fnas_placed_buffer){dnnl_memory_desc_get_size(&infer->buffers[b].layout), 1, 0, 0};
    for (int64_t s = 0; s < infer->step_count; s++)
        for (int a = 0; a < infer->steps[s].argument_count; a++) {
            const fnas_infer_argument *argument = &infer->steps[s].arguments[a];
            fnas_placed_buffer *buffer = &placed[argument->buffer];
            if (infer->buffers[argument->buffer].constant || infer->buffers[argument->buffer].external) continue;
            if (buffer->first > buffer->last) buffer->first = s;
            bool is_kept = infer->options.keep_values && argument->role != DNNL_ARG_SCRATCHPAD;
            buffer->last = is_kept ? infer->step_count : s;
        }
    placed[infer->logits].last = infer->step_count; /* read after the last step */
}

static fnas_status place(fnas_context *context, fnas_infer *infer) {
    fnas_placed_buffer *placed = fnas_allocate((size_t)infer->buffer_count, sizeof *placed);
    if (!placed) return fnas_fail_memory(context, "an inference network");
    find_life_times(infer, placed);
    infer->block_bytes = fnas_place_buffers(infer->buffer_count, placed);
    infer->block = fnas_allocate(infer->block_bytes, 1);
    dnnl_status_t status = dnnl_success;
    for (int64_t b = 0; infer->block && status == dnnl_success && b < infer->buffer_count; b++) {
        bool is_placed = placed[b].first <= placed[b].last;
        if (is_placed) status = dnnl_memory_set_data_handle(infer->buffers[b].memory, (char *)infer->block + placed[b].offset);
    }
    fnas_free(placed);
    if (!infer->block) return fnas_fail_memory(context, "the activations of an inference network");
    FNAS_TRY_DNNL(context, status, "an inference network");
    for (int64_t s = 0; s < infer->step_count; s++) {
        fnas_infer_step *step = &infer->steps[s];
        for (int a = 0; a < step->argument_count; a++)
            step->memories[a] = (dnnl_exec_arg_t){step->arguments[a].role, infer->buffers[step->arguments[a].buffer].memory};
    }
    return FNAS_OK;
}

fnas_status fnas_infer_create(fnas_context *context, const fnas_infer_layer *layers, int64_t count, const fnas_infer_options *options,
                              fnas_infer **infer) {
    *infer = NULL;
    if (count < 2 || layers[0].kind != FNAS_INFER_INPUT || layers[count - 1].kind != FNAS_INFER_LINEAR)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "an inference network goes from an input to a linear layer");
    FNAS_TRY(check_precision(context, options));
    fnas_infer *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "an inference network");
    omp_set_num_threads((int)options->threads);
    fnas_status status = prepare(context, options, count, made);
    if (status == FNAS_OK) status = build_layers(context, layers, options->largest, made);
    if (status == FNAS_OK) {
        made->logits = made->values[count - 1].buffer;
        status = place(context, made);
    }
    if (status != FNAS_OK) {
        fnas_infer_destroy(made);
        return status;
    }
    *infer = made;
    return FNAS_OK;
}

void fnas_infer_destroy(fnas_infer *infer) {
    if (!infer) return;
    for (int64_t s = 0; s < infer->step_count; s++) dnnl_primitive_destroy(infer->steps[s].primitive);
    for (int64_t b = 0; b < infer->buffer_count; b++) {
        dnnl_memory_destroy(infer->buffers[b].memory);
        fnas_free(infer->buffers[b].constant);
    }
    if (infer->stream) dnnl_stream_destroy(infer->stream);
    fnas_free(infer->buffers);
    fnas_free(infer->steps);
    fnas_free(infer->values);
    fnas_free(infer->block);
    fnas_free(infer);
}

/* ---- running ---- */

static void *data_of(const fnas_infer *infer, int32_t buffer) {
    void *data = NULL;
    return dnnl_memory_get_data_handle(infer->buffers[buffer].memory, &data) == dnnl_success ? data : NULL;
}

static dnnl_status_t run_step(const fnas_infer *infer, const fnas_infer_step *step) {
    return dnnl_primitive_execute(step->primitive, infer->stream, step->argument_count, step->memories);
}

static dnnl_status_t run_steps_timed(const fnas_infer *infer, double *layer_ms) {
    double (*now_ms)(void) = infer->options.threads == 1 ? fnas_thread_cpu_ms : fnas_wall_ms;
    double before = now_ms();
    dnnl_status_t status = dnnl_success;
    for (int64_t s = 0; status == dnnl_success && s < infer->step_count; s++) {
        status = run_step(infer, &infer->steps[s]);
        double after = now_ms();
        layer_ms[infer->steps[s].layer] += after - before;
        before = after;
    }
    return status;
}

static fnas_status run_all(fnas_context *context, fnas_infer *infer, const float *images, double *layer_ms, float *logits) {
    omp_set_num_threads((int)infer->options.threads);
    dnnl_status_t status = dnnl_memory_set_data_handle(infer->buffers[infer->input].memory, (void *)(uintptr_t)images);
    if (status == dnnl_success && layer_ms) status = run_steps_timed(infer, layer_ms);
    for (int64_t s = 0; status == dnnl_success && !layer_ms && s < infer->step_count; s++) status = run_step(infer, &infer->steps[s]);
    if (status == dnnl_success) status = dnnl_stream_wait(infer->stream);
    FNAS_TRY_DNNL(context, status, "running an inference network");
    memcpy(logits, data_of(infer, infer->logits), dnnl_memory_desc_get_size(&infer->buffers[infer->logits].layout));
    return FNAS_OK;
}

fnas_status fnas_infer_run(fnas_context *context, fnas_infer *infer, const float *images, float *logits) {
    return run_all(context, infer, images, NULL, logits);
}

fnas_status fnas_infer_run_timed(fnas_context *context, fnas_infer *infer, const float *images, float *logits, double *layer_ms) {
    return run_all(context, infer, images, layer_ms, logits);
}

/* ---- looking in ---- */

/* As integers, which order like the magnitudes of the floats and compare in vectors; what is not finite comes out largest. */
static float largest_magnitude(const float *floats, size_t count) {
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &floats[i], sizeof bits);
        bits &= 0x7FFFFFFFu;
        most = bits > most ? bits : most;
    }
    float largest;
    memcpy(&largest, &most, sizeof largest);
    return largest;
}

bool fnas_infer_largest(const fnas_infer *infer, double *largest) {
    for (int64_t layer = 0; layer < infer->layer_count; layer++) {
        int32_t buffer = infer->values[layer].buffer;
        if (buffer < 0 || infer->buffers[buffer].layout.data_type != dnnl_f32) continue;
        float most = largest_magnitude(data_of(infer, buffer), dnnl_memory_desc_get_size(&infer->buffers[buffer].layout) / sizeof(float));
        if (!isfinite(most)) return false;
        if (most > largest[layer]) largest[layer] = most;
    }
    return true;
}

size_t fnas_infer_bytes(const fnas_infer *infer) {
    return infer->constant_bytes + infer->block_bytes;
}

void fnas_infer_describe(const fnas_infer *infer, fnas_text *text) {
    for (int64_t s = 0; s < infer->step_count; s++) {
        const_dnnl_primitive_desc_t description;
        dnnl_primitive_kind_t kind = dnnl_undefined_primitive;
        if (dnnl_primitive_get_primitive_desc(infer->steps[s].primitive, &description) == dnnl_success)
            (void)dnnl_primitive_desc_query(description, dnnl_query_primitive_kind, 0, &kind);
        const char *name = kind == dnnl_convolution           ? "convolution"
                           : kind == dnnl_reorder             ? "reorder"
                           : kind == dnnl_eltwise             ? "eltwise"
                           : kind == dnnl_pooling             ? "pooling"
                           : kind == dnnl_binary              ? "binary"
                           : kind == dnnl_batch_normalization ? "norm"
                           : kind == dnnl_inner_product       ? "inner_product"
                                                              : "other";
        fnas_text_append(text, "%d %s %s\n", (int)infer->steps[s].layer, name, infer->steps[s].implementation);
    }
}
