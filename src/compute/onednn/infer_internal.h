/* How a prepared network is built. infer.c: creation and running; infer_steps.c: buffers, constants, steps; infer_conv.c: convolutions and
 * sums; infer_layers.c: the other layers. */
#ifndef FNAS_COMPUTE_ONEDNN_INFER_INTERNAL_H
#define FNAS_COMPUTE_ONEDNN_INFER_INTERNAL_H

#include "compute/inference.h"
#include "compute/onednn/common.h"

#define FNAS_INFER_ARGUMENTS 10
#define FNAS_INFER_IMPLEMENTATION_BYTES 64

typedef struct fnas_infer_buffer {
    dnnl_memory_desc_t layout;
    void *constant;       /* packed weights: owned; NULL for what is computed */
    bool external;        /* the caller's images */
    dnnl_memory_t memory; /* made without data, which comes when all buffers are placed */
} fnas_infer_buffer;

typedef struct fnas_infer_argument {
    int role; /* DNNL_ARG_... */
    int32_t buffer;
} fnas_infer_argument;

typedef struct fnas_infer_step {
    dnnl_primitive_t primitive;
    int32_t layer;
    int argument_count;
    fnas_infer_argument arguments[FNAS_INFER_ARGUMENTS];
    dnnl_exec_arg_t memories[FNAS_INFER_ARGUMENTS];
    char implementation[FNAS_INFER_IMPLEMENTATION_BYTES];
} fnas_infer_step;

/* Where a layer's output lies: buffer -1 while there is none. scale: real value of one unit of an int8 buffer; 0 for floating point. */
typedef struct fnas_infer_value {
    int32_t buffer;
    float scale;
} fnas_infer_value;

struct fnas_infer {
    fnas_infer_options options; /* without `largest` */
    const fnas_onednn *onednn;
    dnnl_stream_t stream;
    dnnl_format_tag_t tag;      /* layout of activations */
    dnnl_data_type_t data_type; /* of activations; s8 stands for s8 and u8 */
    fnas_infer_buffer *buffers;
    fnas_infer_step *steps;
    fnas_infer_value *values; /* [layer_count] */
    int64_t buffer_count, step_count, layer_count;
    size_t buffer_capacity, step_capacity;
    void *block; /* of all activations and scratchpads */
    size_t block_bytes, constant_bytes;
    int32_t input, logits; /* buffers */
};

/* What is known only while building. */
typedef struct fnas_infer_builder {
    fnas_context *context;
    fnas_infer *infer;
    const fnas_infer_layer *layers;
    const double *largest; /* int8 */
    int32_t *readers;      /* [layer_count] how many inputs each layer is */
    int32_t *reader;       /* [layer_count] the last one of them */
    int32_t layer;         /* being built */
} fnas_infer_builder;

/* ---- infer_steps.c ---- */
FNAS_NODISCARD fnas_status fnas_infer_fail(const fnas_infer_builder *builder, dnnl_status_t status);
FNAS_NODISCARD fnas_status fnas_infer_layout(const fnas_infer_builder *builder, int32_t layer, dnnl_data_type_t data_type,
                                             dnnl_format_tag_t tag, dnnl_memory_desc_t *layout);
FNAS_NODISCARD fnas_status fnas_infer_new_buffer(fnas_infer_builder *builder, const dnnl_memory_desc_t *layout, int32_t *buffer);
/* A step that runs a primitive of this description (which it destroys, also on failure) with these arguments and a scratchpad. */
FNAS_NODISCARD fnas_status fnas_infer_append(fnas_infer_builder *builder, dnnl_primitive_desc_t description, int count,
                                             const fnas_infer_argument *arguments);
/* A constant buffer in `layout` from plain floats laid out as `plain`; scales (may be NULL) multiply by the axes of `mask`. */
FNAS_NODISCARD fnas_status fnas_infer_constant(fnas_infer_builder *builder, const dnnl_memory_desc_t *plain, const float *floats,
                                               const dnnl_memory_desc_t *layout, int scale_count, int scale_mask, const float *scales,
                                               int32_t *buffer);
/* The value in another layout, type or scale: itself where nothing differs, else through a reorder, which saturates. */
FNAS_NODISCARD fnas_status fnas_infer_convert(fnas_infer_builder *builder, fnas_infer_value value, const dnnl_memory_desc_t *layout,
                                              float scale, int32_t *buffer);
FNAS_NODISCARD fnas_status fnas_infer_convert_into(fnas_infer_builder *builder, fnas_infer_value value, float scale, int32_t buffer);
FNAS_NODISCARD fnas_status fnas_infer_attributes(const fnas_infer_builder *builder, dnnl_primitive_attr_t *attributes);
bool fnas_infer_is_int8(const fnas_infer *infer);
bool fnas_infer_implementation_is_slow(const char *implementation);
void fnas_infer_implementation(const_dnnl_primitive_desc_t description, char *text);
const dnnl_memory_desc_t *fnas_infer_buffer_layout(const fnas_infer *infer, int32_t buffer);
float fnas_infer_scale_of(const fnas_infer_builder *builder, int32_t layer, dnnl_data_type_t data_type); /* from the calibrated range */

/* Appends an activation to post-ops; `factor` multiplies its result (the reciprocal of an int8 scale, else 1). */
dnnl_status_t fnas_infer_append_activation(dnnl_post_ops_t post_ops, fnas_activation activation, float factor);

/* ---- infer_conv.c ---- */
bool fnas_infer_is_deferred(const fnas_infer_builder *builder,
                            int32_t layer); /* a convolution that is computed with the ADD that alone reads it */
FNAS_NODISCARD fnas_status fnas_infer_build_conv(fnas_infer_builder *builder);
FNAS_NODISCARD fnas_status fnas_infer_build_add(fnas_infer_builder *builder);

/* ---- infer_layers.c ---- */
FNAS_NODISCARD fnas_status fnas_infer_build_layer(fnas_infer_builder *builder);

#endif
