/* Operators of training, forward beside backward. Activations (void) are of the engine's type and layout (engine.h); weights and their
 * gradients are f32, plain [O][I / groups][KH][KW]. Gradients of weights are ADDED to what is there; gradients of activations are written,
 * or added where `accumulate` says so. Naive double-precision twins: reference.h. All deterministic. Pointers are borrowed. */
#ifndef FNAS_COMPUTE_OPS_H
#define FNAS_COMPUTE_OPS_H

#include "compute/activation.h"
#include "compute/engine.h"

/* ---- convolution ---- */
typedef struct fnas_conv_shape {
    int64_t n, in_channels, in_h, in_w;
    int64_t out_channels, kernel_h, kernel_w, stride, padding, groups; /* groups == in_channels == out_channels: depthwise */
    bool image_source;                                                 /* src is the plain NCHW image, not in the engine's layout */
} fnas_conv_shape;

int64_t fnas_conv_out_h(const fnas_conv_shape *shape);
int64_t fnas_conv_out_w(const fnas_conv_shape *shape);
FNAS_NODISCARD fnas_status fnas_conv_check(fnas_context *context, const fnas_conv_shape *shape); /* FNAS_ERR_INPUT: not possible */
/* bias [O] may be NULL. */
FNAS_NODISCARD fnas_status fnas_conv_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *src,
                                             const float *weights, const float *bias, void *dst);
FNAS_NODISCARD fnas_status fnas_conv_backward_data(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape,
                                                   const void *diff_dst, const float *weights, bool accumulate, void *diff_src);
/* diff_bias may be NULL. */
FNAS_NODISCARD fnas_status fnas_conv_backward_weights(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape,
                                                      const void *src, const void *diff_dst, float *diff_weights, float *diff_bias);
typedef enum fnas_conv_kind { FNAS_CONV_FORWARD, FNAS_CONV_BACKWARD_DATA, FNAS_CONV_BACKWARD_WEIGHTS } fnas_conv_kind;
/* Name of the kernel that runs a convolution ("jit:avx512_core", "own:depthwise", ...); lives until another shape is asked of this engine.
 */
FNAS_NODISCARD fnas_status fnas_conv_implementation(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape,
                                                    fnas_conv_kind kind, const char **name);

/* ---- batch normalisation (Ioffe and Szegedy 2015); gamma and beta [C] may both be NULL (not affine) ---- */
/* mean and biased variance [C] over N, H, W. */
void fnas_norm_statistics(fnas_engine *engine, fnas_shape shape, const void *src, float *mean, float *variance);
/* dst (+)= gamma * (src - mean) / sqrt(variance + epsilon) + beta, with batch or running statistics. */
void fnas_norm_forward(fnas_engine *engine, fnas_shape shape, float epsilon, const void *src, const float *mean, const float *variance,
                       const float *gamma, const float *beta, bool accumulate, void *dst);
/* Through batch statistics. diff_src is written (may be diff_dst's own buffer only if they are equal pointers). diff_gamma, diff_beta may
 * be NULL. *dot (may be NULL) is the sum of diff_dst times the normalised output of this operator: the gradient of a gate that multiplies
 * it; *total (may be NULL) is the sum of diff_dst. */
void fnas_norm_backward(fnas_engine *engine, fnas_shape shape, float epsilon, const void *src, const float *mean, const float *variance,
                        const float *gamma, const float *beta, const void *diff_dst, void *diff_src, float *diff_gamma, float *diff_beta,
                        double *dot, double *total);

/* ---- activation, convolution, batch normalisation: norm(convolution(relu(src))), and sums of such ----
 * The convolution has no bias: batch statistics take it away again. */
typedef enum fnas_source_state {
    FNAS_SOURCE_PLAIN, /* no ReLU; an image always, which has no gradient either */
    FNAS_SOURCE_TO_RECTIFY,
    FNAS_SOURCE_RECTIFIED, /* src is a ReLU's result already; its gradient is that of what the ReLU read */
    FNAS_SOURCE_TO_HARD_SWISH
} fnas_source_state;
typedef struct fnas_norm_given {
    float epsilon;
    const float *mean, *variance, *gamma, *beta; /* [C]; gamma and beta may both be NULL */
} fnas_norm_given;
typedef struct fnas_conv_norm {
    fnas_conv_shape conv;
    fnas_source_state state;
    /* Before its activation the source is normalised, which is then never in memory: its gradient is that of what the norm gives. Not with
     * FNAS_SOURCE_RECTIFIED. */
    bool source_normed;
    fnas_norm_given source_norm;
    float epsilon;
    const void *src;
    const float *weights, *gamma, *beta; /* gamma and beta [O] may both be NULL */
    void *z;                             /* output of the convolution: written by forward, read by the others */
    float *mean, *variance;              /* [O] */
} fnas_conv_norm;
/* Writes z. statistics: mean and variance are those of these images, and are written; otherwise they are given. */
FNAS_NODISCARD fnas_status fnas_conv_norm_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op, bool statistics);
/* dst (+)= the sum over the operators of norm(z), rectified where asked; all have one shape of output. */
void fnas_conv_norm_sum(fnas_engine *engine, int64_t count, const fnas_conv_norm *ops, bool accumulate, bool rectify, void *dst);

typedef struct fnas_conv_norm_gradients {
    float *weights, *gamma, *beta; /* added to; NULL: not wanted, and not computed */
    void *src;                     /* written, or added to with accumulate; NULL: not wanted */
    bool accumulate;
    double dot, total; /* results, as in fnas_norm_backward */
} fnas_conv_norm_gradients;
/* Through batch statistics. */
FNAS_NODISCARD fnas_status fnas_conv_norm_backward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op,
                                                   const void *diff_dst, fnas_conv_norm_gradients *wanted);

/* ---- element-wise ---- */
void fnas_relu_forward(fnas_engine *engine, fnas_shape shape, const void *src, void *dst);
void fnas_relu_backward(fnas_engine *engine, fnas_shape shape, const void *src, const void *diff_dst, bool accumulate,
                        void *diff_src);                                                           /* 0 at src == 0 */
void fnas_add(fnas_engine *engine, fnas_shape shape, const void *src, bool accumulate, void *dst); /* dst (+)= src */
/* Multiplication by a scalar gate: dst (+)= gate * src; diff_src (+)= gate * diff_dst, *diff_gate = sum of diff_dst * src. */
void fnas_gate_forward(fnas_engine *engine, fnas_shape shape, float gate, const void *src, bool accumulate, void *dst);
void fnas_gate_backward(fnas_engine *engine, fnas_shape shape, float gate, const void *src, const void *diff_dst, bool accumulate,
                        void *diff_src, double *diff_gate);
double fnas_dot(fnas_engine *engine, fnas_shape shape, const void *a, const void *b); /* sum of a * b, real channels only */
double fnas_sum(fnas_engine *engine, fnas_shape shape, const void *a);

/* dst = f(src); hard sigmoid is for plain arrays alone, since it would not keep padding at zero. Backward: diff_src (+)= f'(src) diff_dst,
 * where at its corners each f has the slope that it has beyond them. */
void fnas_hard_swish_forward(fnas_engine *engine, fnas_shape shape, const void *src, void *dst);
void fnas_hard_swish_backward(fnas_engine *engine, fnas_shape shape, const void *src, const void *diff_dst, bool accumulate,
                              void *diff_src);
void fnas_activation_forward_plain(fnas_activation activation, int64_t count, const float *src, float *dst);
void fnas_activation_backward_plain(fnas_activation activation, int64_t count, const float *src, const float *diff_dst, bool accumulate,
                                    float *diff_src);
/* dst = src times one factor an image and channel: squeeze and excitation's last step. factors [N][C], plain. */
void fnas_channel_scale_forward(fnas_engine *engine, fnas_shape shape, const void *src, const float *factors, void *dst);
typedef struct fnas_channel_scale_gradients {
    void *src;      /* NULL: not wanted */
    float *factors; /* [N][C]; NULL: not wanted */
    bool accumulate_src, accumulate_factors;
} fnas_channel_scale_gradients;
void fnas_channel_scale_backward(fnas_engine *engine, fnas_shape shape, const void *src, const float *factors, const void *diff_dst,
                                 const fnas_channel_scale_gradients *wanted);

/* ---- pooling ---- */
typedef struct fnas_pool_shape {
    int64_t n, channels, in_h, in_w, kernel, stride, padding; /* average; padding does not count */
} fnas_pool_shape;
int64_t fnas_pool_out_h(const fnas_pool_shape *shape);
int64_t fnas_pool_out_w(const fnas_pool_shape *shape);
FNAS_NODISCARD fnas_status fnas_average_pool_forward(fnas_context *context, fnas_engine *engine, const fnas_pool_shape *shape,
                                                     const void *src, bool accumulate, void *dst);
FNAS_NODISCARD fnas_status fnas_average_pool_backward(fnas_context *context, fnas_engine *engine, const fnas_pool_shape *shape,
                                                      const void *diff_dst, bool accumulate, void *diff_src);
/* [N, C, H, W] in the engine's layout <-> plain [N][C]. */
void fnas_global_pool_forward(fnas_engine *engine, fnas_shape shape, const void *src, float *dst);
void fnas_global_pool_backward(fnas_engine *engine, fnas_shape shape, const float *diff_dst, bool accumulate, void *diff_src);

/* ---- linear: dst [N][O] = src [N][I] weights [O][I]^T + bias [O]; bias may be NULL ---- */
void fnas_linear_forward(fnas_engine *engine, int64_t n, int64_t in, int64_t out, const float *src, const float *weights, const float *bias,
                         float *dst);
/* diff_src, diff_weights, diff_bias may each be NULL; diff_src is written, the others are added to. */
void fnas_linear_backward(fnas_engine *engine, int64_t n, int64_t in, int64_t out, const float *src, const float *weights,
                          const float *diff_dst, float *diff_src, float *diff_weights, float *diff_bias);

/* ---- cross entropy with label smoothing (Szegedy et al. 2016), mean over N ----
 * logits [N][K], labels in 0..K-1, smoothing in [0, 1). diff_logits (may be NULL) is written, times scale. *correct counts argmax == label.
 * A non-finite logit gives a NaN loss: the caller checks. */
void fnas_cross_entropy(int64_t n, int64_t classes, const float *logits, const int32_t *labels, float smoothing, float scale, double *loss,
                        int64_t *correct, float *diff_logits);
/* The same with targets [N][K], which sum to 1 over the classes, in the place of labels. diff_logits (may be NULL) is added to, times
 * scale. */
void fnas_soft_cross_entropy(int64_t n, int64_t classes, const float *logits, const float *targets, float scale, double *loss,
                             float *diff_logits);
/* logits [N][K] become probabilities, exp(z_k) / sum of exp(z). */
void fnas_softmax(int64_t n, int64_t classes, float *logits);

#endif
