/* Prepared inference networks of the convolution library: everything that can be done once is done at creation (kernels, packed weights, a
 * plan of all memory); a run only executes. What runtimes (device/runtime.h) stand on. One instance is used by one thread at a time. */
#ifndef FNAS_COMPUTE_INFERENCE_H
#define FNAS_COMPUTE_INFERENCE_H

#include <stddef.h>

#include "base/text.h"
#include "compute/activation.h"

typedef enum fnas_infer_kind {
    FNAS_INFER_INPUT, /* layer 0, and only that */
    FNAS_INFER_CONV,
    FNAS_INFER_ACTIVATION,
    FNAS_INFER_AVERAGE_POOL,  /* padding does not count */
    FNAS_INFER_ADD,           /* two or more inputs */
    FNAS_INFER_SCALE_SHIFT,   /* weights[c] * x + bias[c] */
    FNAS_INFER_CHANNEL_SCALE, /* its second input, [c, 1, 1], times the first */
    FNAS_INFER_GLOBAL_POOL,
    FNAS_INFER_LINEAR,
    FNAS_INFER_ZERO
} fnas_infer_kind;

typedef struct fnas_infer_layer {
    fnas_infer_kind kind;
    fnas_activation activation; /* ACTIVATION: what it is; CONV, ADD, SCALE_SHIFT (ReLU only): what its output goes through */
    int64_t input_count;
    const int32_t *inputs; /* numbers of earlier layers */
    int64_t c, h, w;       /* of the output; LINEAR: [c, 1, 1] */
    int64_t kernel, stride, padding, groups;
    const float *weights,
        *bias; /* plain (CONV [O][I / groups][K][K], LINEAR [O][I], SCALE_SHIFT [C]); bias may be NULL. Borrowed while creating */
} fnas_infer_layer;

typedef enum fnas_infer_precision { FNAS_INFER_F32, FNAS_INFER_BF16, FNAS_INFER_INT8 } fnas_infer_precision;

typedef struct fnas_infer_options {
    fnas_infer_precision precision;
    int64_t batch;
    int64_t threads;       /* OpenMP threads, set for the calling thread by create and run */
    const double *largest; /* int8: [layers] largest magnitude of each layer's output, from fnas_infer_largest of an f32 instance of the
                              same layers */
    bool plain_layout;     /* f32: activations stay in plain NCHW, as in a framework that never reorders them */
    bool keep_values;      /* f32: no memory is shared, so that fnas_infer_largest can look at every output after a run */
} fnas_infer_options;

typedef struct fnas_infer fnas_infer;

/* Layers [count], the last one gives the logits. int8: activations u8 where they come from a ReLU, else s8, one scale a tensor (the largest
 * magnitude); weights s8, one scale an output channel; global pools, activations and channel scales that stand alone, and the linear layer
 * in f32. FNAS_ERR_UNSUPPORTED when the processor lacks bf16, or AVX2 for int8. */
FNAS_NODISCARD fnas_status fnas_infer_create(fnas_context *context, const fnas_infer_layer *layers, int64_t count,
                                             const fnas_infer_options *options, fnas_infer **infer);
void fnas_infer_destroy(fnas_infer *infer); /* NULL is allowed */

/* images [batch, C, H, W] plain f32; logits [batch, c of the last layer]. */
FNAS_NODISCARD fnas_status fnas_infer_run(fnas_context *context, fnas_infer *infer, const float *images, float *logits);

/* The same, and to layer_ms [layers] is added what the steps of each layer took: processor time of the calling thread where there is one
 * thread, else the time that passed. What was fused into another layer counts there. */
FNAS_NODISCARD fnas_status fnas_infer_run_timed(fnas_context *context, fnas_infer *infer, const float *images, float *logits,
                                                double *layer_ms);

/* After a run of an instance with keep_values, whose images are still there: raises largest [layers] to the largest magnitude of each
 * output; layers that were fused away stay as they are. False when an output is not finite. */
bool fnas_infer_largest(const fnas_infer *infer, double *largest);

size_t fnas_infer_bytes(const fnas_infer *infer);                   /* weights and activations */
void fnas_infer_describe(const fnas_infer *infer, fnas_text *text); /* one line a step: "LAYER KIND IMPLEMENTATION" */

#endif
