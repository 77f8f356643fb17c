/* Two runtimes of the convolution library (compute/inference.h), both with fused sums and ReLUs and packed weights: onednn with the layouts
 * that its kernels want, and onednn-plain with activations kept in NCHW, as a framework does that calls the library on its own tensors:
 * convolutions then go through matrix products, and pooling transposes. */
#include <stdio.h>

#include <omp.h>

#include "base/memory.h"
#include "compute/engine.h"
#include "compute/inference.h"
#include "device/runtime.h"

static const fnas_infer_kind kinds[] = {[FNAS_GRAPH_INPUT] = FNAS_INFER_INPUT,
                                        [FNAS_GRAPH_CONV] = FNAS_INFER_CONV,
                                        [FNAS_GRAPH_ACTIVATION] = FNAS_INFER_ACTIVATION,
                                        [FNAS_GRAPH_AVERAGE_POOL] = FNAS_INFER_AVERAGE_POOL,
                                        [FNAS_GRAPH_ADD] = FNAS_INFER_ADD,
                                        [FNAS_GRAPH_SCALE_SHIFT] = FNAS_INFER_SCALE_SHIFT,
                                        [FNAS_GRAPH_CHANNEL_SCALE] = FNAS_INFER_CHANNEL_SCALE,
                                        [FNAS_GRAPH_GLOBAL_POOL] = FNAS_INFER_GLOBAL_POOL,
                                        [FNAS_GRAPH_LINEAR] = FNAS_INFER_LINEAR,
                                        [FNAS_GRAPH_ZERO] = FNAS_INFER_ZERO};

static const float *constants(const fnas_graph *graph, int64_t first) {
    return first == FNAS_GRAPH_NONE ? NULL : graph->weights + first;
}

static void layers_of_graph(const fnas_graph *graph, fnas_infer_layer *layers) {
    for (int64_t i = 0; i < graph->node_count; i++) {
        const fnas_graph_node *node = &graph->nodes[i];
        layers[i] = (fnas_infer_layer){.kind = kinds[node->kind],
                                       .activation = node->activation,
                                       .input_count = node->input_count,
                                       .inputs = graph->inputs + node->first_input,
                                       .c = node->shape.c,
                                       .h = node->shape.h,
                                       .w = node->shape.w,
                                       .kernel = node->kernel,
                                       .stride = node->stride,
                                       .padding = node->padding,
                                       .groups = node->groups,
                                       .weights = constants(graph, node->weights),
                                       .bias = constants(graph, node->bias)};
    }
}

static fnas_status run_and_look(fnas_context *context, fnas_infer *infer, const float *image, float *logits, double *largest) {
    FNAS_TRY(fnas_infer_run(context, infer, image, logits));
    if (fnas_infer_largest(infer, largest)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "an activation is not finite: the weights are broken");
}

/* Ranges of all layers on the calibration images, by runs in f32; one image at a time, so that activations stay in the cache. */
static fnas_status calibrate(fnas_context *context, const fnas_graph *graph, const fnas_infer_layer *layers,
                             const fnas_runtime_options *options, double *largest) {
    if (options->calibration_count < 1) return fnas_fail(context, FNAS_ERR_INTERNAL, "precision int8 needs calibration images");
    fnas_infer_options plain = {.precision = FNAS_INFER_F32, .batch = 1, .threads = options->threads, .keep_values = true};
    fnas_infer *infer = NULL;
    fnas_value_shape image = graph->nodes[0].shape;
    float *logits = fnas_allocate((size_t)graph->nodes[graph->node_count - 1].shape.c, sizeof *logits);
    fnas_status status = logits ? fnas_infer_create(context, layers, graph->node_count, &plain, &infer)
                                : fnas_fail_memory(context, "calibration");
    for (int64_t i = 0; status == FNAS_OK && i < options->calibration_count; i++)
        status = run_and_look(context, infer, options->calibration_images + i * image.c * image.h * image.w, logits, largest);
    fnas_infer_destroy(infer);
    fnas_free(logits);
    return status;
}

static fnas_status create(fnas_context *context, const fnas_graph *graph, const fnas_runtime_options *options, bool plain_layout,
                          void **instance) {
    static const fnas_infer_precision precisions[] = {FNAS_INFER_F32, FNAS_INFER_BF16, FNAS_INFER_INT8};
    *instance = NULL;
    fnas_infer_layer *layers = fnas_allocate((size_t)graph->node_count, sizeof *layers);
    double *largest = fnas_allocate((size_t)graph->node_count, sizeof *largest);
    fnas_status status = layers && largest ? FNAS_OK : fnas_fail_memory(context, "an inference network");
    if (status == FNAS_OK) layers_of_graph(graph, layers);
    if (status == FNAS_OK && options->precision == FNAS_PRECISION_INT8) status = calibrate(context, graph, layers, options, largest);
    if (status == FNAS_OK) {
        fnas_infer_options prepared = {.precision = precisions[options->precision],
                                       .batch = options->batch,
                                       .threads = options->threads,
                                       .largest = largest,
                                       .plain_layout = plain_layout};
        status = fnas_infer_create(context, layers, graph->node_count, &prepared, (fnas_infer **)instance);
    }
    fnas_free(layers);
    fnas_free(largest);
    return status;
}

static fnas_status onednn_create(fnas_context *context, const fnas_graph *graph, const fnas_runtime_options *options, void **instance) {
    return create(context, graph, options, false, instance);
}

static fnas_status plain_create(fnas_context *context, const fnas_graph *graph, const fnas_runtime_options *options, void **instance) {
    *instance = NULL;
    if (options->precision != FNAS_PRECISION_F32)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "runtime onednn-plain knows the precision f32 only");
    return create(context, graph, options, true, instance);
}

static fnas_status onednn_run(fnas_context *context, void *instance, const float *images, float *logits) {
    return fnas_infer_run(context, instance, images, logits);
}

static fnas_status onednn_run_timed(fnas_context *context, void *instance, const float *images, float *logits, double *node_ms) {
    return fnas_infer_run_timed(context, instance, images, logits, node_ms);
}

static void onednn_version(char *text, size_t size_bytes) {
    snprintf(text, size_bytes, "%s", fnas_backend_version());
}

static size_t onednn_bytes(const void *instance) {
    return fnas_infer_bytes(instance);
}

static void onednn_describe(const void *instance, fnas_text *text) {
    fnas_infer_describe(instance, text);
}

static void onednn_destroy(void *instance) {
    fnas_infer_destroy(instance);
}

static void onednn_use_threads(int threads) {
    omp_set_num_threads(threads);
}

/* bf16 is of the weights that decoding multiplies with (nn/translator/decode.h), which needs nothing of the processor. */
static const fnas_runtime_translation translation = {.precisions = {true, true, false}, .product = NULL, .use_threads = onednn_use_threads};

const fnas_runtime fnas_runtime_onednn = {.name = "onednn",
                                          .precisions = {true, true, true},
                                          .knows_isa = true,
                                          .version = onednn_version,
                                          .isa = fnas_backend_isa,
                                          .translation = &translation,
                                          .create = onednn_create,
                                          .run = onednn_run,
                                          .run_timed = onednn_run_timed,
                                          .bytes = onednn_bytes,
                                          .describe = onednn_describe,
                                          .destroy = onednn_destroy};

const fnas_runtime fnas_runtime_onednn_plain = {.name = "onednn-plain",
                                                .precisions = {true, false, false},
                                                .knows_isa = true,
                                                .version = onednn_version,
                                                .isa = fnas_backend_isa,
                                                .create = plain_create,
                                                .run = onednn_run,
                                                .run_timed = onednn_run_timed,
                                                .bytes = onednn_bytes,
                                                .describe = onednn_describe,
                                                .destroy = onednn_destroy};
