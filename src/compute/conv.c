/* Convolution: shapes, accumulation and gradients around the backend's kernels. */
#include "compute/depthwise.h"
#include "compute/engine_internal.h"
#include "compute/ops.h"

/* A backward pass that is added to diff_src runs over so many bytes of images at a time that its result is still in the L2 cache when it is
 * added. */
#define ACCUMULATE_CHUNK_BYTES (256 * 1024)

static int64_t out_extent(int64_t in, int64_t kernel, int64_t stride, int64_t padding) {
    return (in + 2 * padding - kernel) / stride + 1;
}

int64_t fnas_conv_out_h(const fnas_conv_shape *shape) {
    return out_extent(shape->in_h, shape->kernel_h, shape->stride, shape->padding);
}

int64_t fnas_conv_out_w(const fnas_conv_shape *shape) {
    return out_extent(shape->in_w, shape->kernel_w, shape->stride, shape->padding);
}

static bool valid_shape(const fnas_conv_shape *s) {
    if (s->n < 1 || s->in_channels < 1 || s->in_h < 1 || s->in_w < 1 || s->out_channels < 1) return false;
    if (s->kernel_h < 1 || s->kernel_w < 1 || s->stride < 1 || s->padding < 0 || s->groups < 1) return false;
    if (s->in_channels % s->groups != 0 || s->out_channels % s->groups != 0) return false;
    return s->in_h + 2 * s->padding >= s->kernel_h && s->in_w + 2 * s->padding >= s->kernel_w;
}

fnas_status fnas_conv_check(fnas_context *context, const fnas_conv_shape *s) {
    if (valid_shape(s)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "a convolution of [%lld, %lld, %lld, %lld] with %lld filters of %lld x %lld, stride %lld, padding %lld and %lld "
                     "groups is not possible: "
                     "sizes must be positive, the padded image no smaller than the filter, channels divisible by groups",
                     (long long)s->n, (long long)s->in_channels, (long long)s->in_h, (long long)s->in_w, (long long)s->out_channels,
                     (long long)s->kernel_h, (long long)s->kernel_w, (long long)s->stride, (long long)s->padding, (long long)s->groups);
}

static fnas_status prepare(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, fnas_conv_kind kind, bool with_bias,
                           size_t extra_bytes, fnas_backend_conv **conv, void **scratch, void **extra) {
    FNAS_TRY(fnas_conv_check(context, shape));
    FNAS_TRY(fnas_backend_prepare(context, engine->backend, shape, kind, with_bias, conv));
    size_t own = fnas_align_bytes(fnas_backend_conv_scratch_bytes(*conv));
    FNAS_TRY(fnas_engine_scratch(context, engine, own + extra_bytes, scratch));
    if (extra) *extra = (char *)*scratch + own;
    return FNAS_OK;
}

size_t fnas_conv_in_elements(const fnas_engine *engine, const fnas_conv_shape *shape) {
    fnas_shape image = {1, shape->in_channels, shape->in_h, shape->in_w};
    return fnas_shape_blocked_elements(image, shape->image_source ? 1 : engine->block);
}

size_t fnas_conv_out_elements(const fnas_engine *engine, const fnas_conv_shape *shape) {
    fnas_shape image = {1, shape->out_channels, fnas_conv_out_h(shape), fnas_conv_out_w(shape)};
    return fnas_shape_blocked_elements(image, engine->block);
}

static size_t weight_floats(const fnas_conv_shape *shape) {
    return (size_t)(shape->out_channels * (shape->in_channels / shape->groups) * shape->kernel_h * shape->kernel_w);
}

fnas_status fnas_conv_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *src,
                              const float *weights, const float *bias, void *dst) {
    fnas_backend_conv *conv;
    void *scratch;
    FNAS_TRY(fnas_conv_check(context, shape));
    if (fnas_depthwise_supports(engine, shape)) return fnas_depthwise_forward(context, engine, shape, src, weights, bias, dst);
    FNAS_TRY(prepare(context, engine, shape, FNAS_CONV_FORWARD, bias != NULL, 0, &conv, &scratch, NULL));
    return fnas_backend_conv_run(context, engine->backend, conv, src, weights, (float *)bias, dst, scratch);
}

static int64_t accumulate_chunk_images(const fnas_conv_shape *shape, size_t bytes_per_image) {
    int64_t chunk = (int64_t)(ACCUMULATE_CHUNK_BYTES / bytes_per_image);
    if (chunk < 1) chunk = 1;
    return chunk < shape->n ? chunk : shape->n;
}

static fnas_status backward_data_add(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const char *diff_dst,
                                     const float *weights, char *diff_src) {
    /* The gradient of the image is f32 whatever the engine's type is. */
    const fnas_kernels *kernels = shape->image_source ? &fnas_kernels_f32 : engine->kernels;
    size_t in_elements = fnas_conv_in_elements(engine, shape), in_bytes = in_elements * kernels->element_bytes;
    size_t out_bytes = fnas_conv_out_elements(engine, shape) * engine->kernels->element_bytes;
    int64_t chunk_images = accumulate_chunk_images(shape, in_bytes);
    for (int64_t first = 0; first < shape->n; first += chunk_images) {
        fnas_conv_shape chunk = *shape;
        chunk.n = shape->n - first < chunk_images ? shape->n - first : chunk_images;
        fnas_backend_conv *conv;
        void *scratch, *part;
        FNAS_TRY(prepare(context, engine, &chunk, FNAS_CONV_BACKWARD_DATA, false, (size_t)chunk_images * in_bytes, &conv, &scratch, &part));
        FNAS_TRY(fnas_backend_conv_run(context, engine->backend, conv, diff_dst + (size_t)first * out_bytes, weights, NULL, part, scratch));
        kernels->add((size_t)chunk.n * in_elements, part, diff_src + (size_t)first * in_bytes);
    }
    return FNAS_OK;
}

fnas_status fnas_conv_backward_data(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *diff_dst,
                                    const float *weights, bool accumulate, void *diff_src) {
    FNAS_TRY(fnas_conv_check(context, shape));
    if (fnas_depthwise_supports(engine, shape))
        return fnas_depthwise_backward_data(context, engine, shape, diff_dst, weights, accumulate, diff_src);
    if (accumulate) return backward_data_add(context, engine, shape, diff_dst, weights, diff_src);
    fnas_backend_conv *conv;
    void *scratch;
    FNAS_TRY(prepare(context, engine, shape, FNAS_CONV_BACKWARD_DATA, false, 0, &conv, &scratch, NULL));
    return fnas_backend_conv_run(context, engine->backend, conv, diff_dst, weights, NULL, diff_src, scratch);
}

fnas_status fnas_conv_backward_weights(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *src,
                                       const void *diff_dst, float *diff_weights, float *diff_bias) {
    FNAS_TRY(fnas_conv_check(context, shape));
    if (fnas_depthwise_supports(engine, shape))
        return fnas_depthwise_backward_weights(context, engine, shape, src, diff_dst, diff_weights, diff_bias);
    fnas_backend_conv *conv;
    void *scratch, *part;
    size_t weights = fnas_align_bytes(weight_floats(shape) * sizeof(float)), outs = (size_t)shape->out_channels;
    FNAS_TRY(prepare(context, engine, shape, FNAS_CONV_BACKWARD_WEIGHTS, diff_bias != NULL, weights + outs * sizeof(float), &conv, &scratch,
                     &part));
    float *bias_part = (float *)((char *)part + weights);
    FNAS_TRY(fnas_backend_conv_run(context, engine->backend, conv, src, diff_dst, bias_part, part, scratch));
    fnas_kernels_f32.add(weight_floats(shape), part, diff_weights);
    if (diff_bias) fnas_kernels_f32.add(outs, bias_part, diff_bias);
    return FNAS_OK;
}

fnas_status fnas_conv_implementation(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, fnas_conv_kind kind,
                                     const char **name) {
    FNAS_TRY(fnas_conv_check(context, shape));
    if (fnas_depthwise_supports(engine, shape)) {
        *name = "own:depthwise";
        return FNAS_OK;
    }
    fnas_backend_conv *conv;
    FNAS_TRY(fnas_backend_prepare(context, engine->backend, shape, kind, false, &conv));
    *name = fnas_backend_conv_implementation(conv);
    return FNAS_OK;
}
