#include "compute/reference.h"

#include <math.h>
#include <string.h>

/* ---- convolution ---- */

/* Every product of a convolution, in order: `visit` gets flat indices into src, weights and dst. */
typedef struct conv_loop {
    const double *src, *weights, *diff_dst;
    double *dst, *diff_src, *diff_weights;
} conv_loop;

typedef void conv_visit(conv_loop *loop, int64_t src, int64_t weight, int64_t dst);

/* Inlined with its visitor: whole networks go through it in tests. */
static inline __attribute__((always_inline)) void each_product(const fnas_conv_shape *s, conv_loop *loop, conv_visit *visit) {
    int64_t out_h = fnas_conv_out_h(s), out_w = fnas_conv_out_w(s), group_in = s->in_channels / s->groups,
            group_out = s->out_channels / s->groups;
    for (int64_t n = 0; n < s->n; n++)
        for (int64_t o = 0; o < s->out_channels; o++)
            for (int64_t oh = 0; oh < out_h; oh++)
                for (int64_t ow = 0; ow < out_w; ow++)
                    for (int64_t i = 0; i < group_in; i++)
                        for (int64_t kh = 0; kh < s->kernel_h; kh++)
                            for (int64_t kw = 0; kw < s->kernel_w; kw++) {
                                int64_t ih = oh * s->stride - s->padding + kh, iw = ow * s->stride - s->padding + kw;
                                if (ih < 0 || ih >= s->in_h || iw < 0 || iw >= s->in_w) continue;
                                int64_t channel = o / group_out * group_in + i;
                                visit(loop, ((n * s->in_channels + channel) * s->in_h + ih) * s->in_w + iw,
                                      ((o * group_in + i) * s->kernel_h + kh) * s->kernel_w + kw,
                                      ((n * s->out_channels + o) * out_h + oh) * out_w + ow);
                            }
}

static inline void visit_forward(conv_loop *loop, int64_t src, int64_t weight, int64_t dst) {
    loop->dst[dst] += loop->src[src] * loop->weights[weight];
}

static inline void visit_backward_data(conv_loop *loop, int64_t src, int64_t weight, int64_t dst) {
    loop->diff_src[src] += loop->diff_dst[dst] * loop->weights[weight];
}

static inline void visit_backward_weights(conv_loop *loop, int64_t src, int64_t weight, int64_t dst) {
    loop->diff_weights[weight] += loop->diff_dst[dst] * loop->src[src];
}

void fnas_ref_conv_forward(const fnas_conv_shape *shape, const double *src, const double *weights, const double *bias, double *dst) {
    int64_t plane = fnas_conv_out_h(shape) * fnas_conv_out_w(shape);
    for (int64_t i = 0; i < shape->n * shape->out_channels * plane; i++) dst[i] = bias ? bias[i / plane % shape->out_channels] : 0;
    each_product(shape, &(conv_loop){.src = src, .weights = weights, .dst = dst}, visit_forward);
}

void fnas_ref_conv_backward_data(const fnas_conv_shape *shape, const double *diff_dst, const double *weights, bool accumulate,
                                 double *diff_src) {
    if (!accumulate) memset(diff_src, 0, (size_t)(shape->n * shape->in_channels * shape->in_h * shape->in_w) * sizeof *diff_src);
    each_product(shape, &(conv_loop){.diff_dst = diff_dst, .weights = weights, .diff_src = diff_src}, visit_backward_data);
}

void fnas_ref_conv_backward_weights(const fnas_conv_shape *shape, const double *src, const double *diff_dst, double *diff_weights,
                                    double *diff_bias) {
    each_product(shape, &(conv_loop){.src = src, .diff_dst = diff_dst, .diff_weights = diff_weights}, visit_backward_weights);
    int64_t plane = fnas_conv_out_h(shape) * fnas_conv_out_w(shape);
    for (int64_t i = 0; diff_bias && i < shape->n * shape->out_channels * plane; i++)
        diff_bias[i / plane % shape->out_channels] += diff_dst[i];
}

/* ---- batch normalisation ---- */

static int64_t channel_of(fnas_shape s, int64_t element) {
    return element / (s.h * s.w) % s.c;
}

void fnas_ref_norm_statistics(fnas_shape shape, const double *src, double *mean, double *variance) {
    double count = (double)(shape.n * shape.h * shape.w);
    for (int64_t c = 0; c < shape.c; c++) mean[c] = variance[c] = 0;
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) mean[channel_of(shape, i)] += src[i] / count;
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) {
        double d = src[i] - mean[channel_of(shape, i)];
        variance[channel_of(shape, i)] += d * d / count;
    }
}

void fnas_ref_norm_forward(fnas_shape shape, double epsilon, const double *src, const double *mean, const double *variance,
                           const double *gamma, const double *beta, bool accumulate, double *dst) {
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) {
        int64_t c = channel_of(shape, i);
        double normalised = (src[i] - mean[c]) / sqrt(variance[c] + epsilon);
        double value = (gamma ? gamma[c] : 1) * normalised + (beta ? beta[c] : 0);
        dst[i] = accumulate ? dst[i] + value : value;
    }
}

static void norm_backward_channel(fnas_shape shape, int64_t c, double epsilon, const double *src, double mean, double variance,
                                  double gamma, double beta, const double *diff_dst, double *diff_src, double sums[3]) {
    double count = (double)(shape.n * shape.h * shape.w), deviation = sqrt(variance + epsilon);
    int64_t plane = shape.h * shape.w;
    sums[0] = sums[1] = sums[2] = 0; /* of the gradient; of it times the normalised source; of it times the output */
    for (int64_t k = 0; k < shape.n * plane; k++) {
        int64_t i = (k / plane * shape.c + c) * plane + k % plane;
        double normalised = (src[i] - mean) / deviation;
        sums[0] += diff_dst[i];
        sums[1] += diff_dst[i] * normalised;
        sums[2] += diff_dst[i] * (gamma * normalised + beta);
    }
    for (int64_t k = 0; k < shape.n * plane; k++) {
        int64_t i = (k / plane * shape.c + c) * plane + k % plane;
        diff_src[i] = gamma / deviation * (diff_dst[i] - sums[0] / count - (src[i] - mean) / deviation * sums[1] / count);
    }
}

void fnas_ref_norm_backward(fnas_shape shape, double epsilon, const double *src, const double *mean, const double *variance,
                            const double *gamma, const double *beta, const double *diff_dst, double *diff_src, double *diff_gamma,
                            double *diff_beta, double *dot, double *total) {
    double dot_sum = 0, total_sum = 0;
    for (int64_t c = 0; c < shape.c; c++) {
        double sums[3];
        norm_backward_channel(shape, c, epsilon, src, mean[c], variance[c], gamma ? gamma[c] : 1, beta ? beta[c] : 0, diff_dst, diff_src,
                              sums);
        if (diff_gamma) diff_gamma[c] += sums[1];
        if (diff_beta) diff_beta[c] += sums[0];
        dot_sum += sums[2];
        total_sum += sums[0];
    }
    if (dot) *dot = dot_sum;
    if (total) *total = total_sum;
}

/* ---- element-wise ---- */

void fnas_ref_relu_forward(fnas_shape shape, const double *src, double *dst) {
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) dst[i] = src[i] < 0 ? 0 : src[i];
}

void fnas_ref_relu_backward(fnas_shape shape, const double *src, const double *diff_dst, bool accumulate, double *diff_src) {
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) diff_src[i] = (accumulate ? diff_src[i] : 0) + (src[i] > 0 ? diff_dst[i] : 0);
}

static double activate(fnas_activation activation, double x) {
    switch (activation) {
    case FNAS_ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case FNAS_ACTIVATION_HARD_SWISH:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    case FNAS_ACTIVATION_HARD_SIGMOID:
        return fmin(fmax(x + 3, 0), 6) / 6;
    case FNAS_ACTIVATION_NONE:
        break;
    }
    return x;
}

void fnas_ref_activation_forward(fnas_activation activation, int64_t count, const double *src, double *dst) {
    for (int64_t i = 0; i < count; i++) dst[i] = activate(activation, src[i]);
}

static double slope(fnas_activation activation, double x) {
    switch (activation) {
    case FNAS_ACTIVATION_RELU:
        return x > 0 ? 1 : 0;
    case FNAS_ACTIVATION_HARD_SWISH:
        return x >= 3 ? 1 : x > -3 ? (2 * x + 3) / 6 : 0;
    case FNAS_ACTIVATION_HARD_SIGMOID:
        return x > -3 && x < 3 ? 1.0 / 6 : 0;
    case FNAS_ACTIVATION_NONE:
        break;
    }
    return 1;
}

void fnas_ref_activation_backward(fnas_activation activation, int64_t count, const double *src, const double *diff_dst, bool accumulate,
                                  double *diff_src) {
    for (int64_t i = 0; i < count; i++) diff_src[i] = (accumulate ? diff_src[i] : 0) + slope(activation, src[i]) * diff_dst[i];
}

void fnas_ref_channel_scale_backward(fnas_shape shape, const double *src, const double *factors, const double *diff_dst, double *diff_src,
                                     double *diff_factors) {
    int64_t plane = shape.h * shape.w;
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) {
        if (diff_src) diff_src[i] += diff_dst[i] * factors[i / plane];
        if (diff_factors) diff_factors[i / plane] += diff_dst[i] * src[i];
    }
}

void fnas_ref_channel_scale_forward(fnas_shape shape, const double *src, const double *factors, double *dst) {
    int64_t plane = shape.h * shape.w;
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) dst[i] = src[i] * factors[i / plane];
}

void fnas_ref_add(fnas_shape shape, const double *src, bool accumulate, double *dst) {
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) dst[i] = (accumulate ? dst[i] : 0) + src[i];
}

void fnas_ref_gate_forward(fnas_shape shape, double gate, const double *src, bool accumulate, double *dst) {
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) dst[i] = (accumulate ? dst[i] : 0) + gate * src[i];
}

void fnas_ref_gate_backward(fnas_shape shape, double gate, const double *src, const double *diff_dst, bool accumulate, double *diff_src,
                            double *diff_gate) {
    *diff_gate = 0;
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++) {
        *diff_gate += diff_dst[i] * src[i];
        diff_src[i] = (accumulate ? diff_src[i] : 0) + gate * diff_dst[i];
    }
}

/* ---- pooling ---- */

/* Moves between an output element and those of its window: forward averages into dst, backward spreads diff_dst. */
static void pool_window(const fnas_pool_shape *s, int64_t plane, int64_t oh, int64_t ow, const double *src, double *average,
                        const double *diff_dst, double *diff_src) {
    double count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t h = oh * s->stride - s->padding; h < oh * s->stride - s->padding + s->kernel; h++)
            for (int64_t w = ow * s->stride - s->padding; w < ow * s->stride - s->padding + s->kernel; w++) {
                if (h < 0 || h >= s->in_h || w < 0 || w >= s->in_w) continue;
                int64_t at = (plane * s->in_h + h) * s->in_w + w;
                if (pass == 0) count++;
                if (pass == 1 && src) *average += src[at] / count;
                if (pass == 1 && diff_src) diff_src[at] += *diff_dst / count;
            }
}

void fnas_ref_average_pool_forward(const fnas_pool_shape *shape, const double *src, bool accumulate, double *dst) {
    int64_t out_h = fnas_pool_out_h(shape), out_w = fnas_pool_out_w(shape);
    for (int64_t i = 0; i < shape->n * shape->channels * out_h * out_w; i++) {
        double average = 0;
        pool_window(shape, i / (out_h * out_w), i / out_w % out_h, i % out_w, src, &average, NULL, NULL);
        dst[i] = (accumulate ? dst[i] : 0) + average;
    }
}

void fnas_ref_average_pool_backward(const fnas_pool_shape *shape, const double *diff_dst, bool accumulate, double *diff_src) {
    int64_t out_h = fnas_pool_out_h(shape), out_w = fnas_pool_out_w(shape);
    if (!accumulate) memset(diff_src, 0, (size_t)(shape->n * shape->channels * shape->in_h * shape->in_w) * sizeof *diff_src);
    for (int64_t i = 0; i < shape->n * shape->channels * out_h * out_w; i++)
        pool_window(shape, i / (out_h * out_w), i / out_w % out_h, i % out_w, NULL, NULL, diff_dst + i, diff_src);
}

void fnas_ref_global_pool_forward(fnas_shape shape, const double *src, double *dst) {
    int64_t plane = shape.h * shape.w;
    for (int64_t i = 0; i < shape.n * shape.c; i++) {
        dst[i] = 0;
        for (int64_t k = 0; k < plane; k++) dst[i] += src[i * plane + k] / (double)plane;
    }
}

void fnas_ref_global_pool_backward(fnas_shape shape, const double *diff_dst, bool accumulate, double *diff_src) {
    int64_t plane = shape.h * shape.w;
    for (int64_t i = 0; i < fnas_shape_elements(shape); i++)
        diff_src[i] = (accumulate ? diff_src[i] : 0) + diff_dst[i / plane] / (double)plane;
}

/* ---- linear ---- */

void fnas_ref_linear_forward(int64_t n, int64_t in, int64_t out, const double *src, const double *weights, const double *bias,
                             double *dst) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < out; o++) {
            double sum = bias ? bias[o] : 0;
            for (int64_t k = 0; k < in; k++) sum += src[i * in + k] * weights[o * in + k];
            dst[i * out + o] = sum;
        }
}

void fnas_ref_linear_backward(int64_t n, int64_t in, int64_t out, const double *src, const double *weights, const double *diff_dst,
                              double *diff_src, double *diff_weights, double *diff_bias) {
    if (diff_src) memset(diff_src, 0, (size_t)(n * in) * sizeof *diff_src);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < out; o++) {
            double d = diff_dst[i * out + o];
            if (diff_bias) diff_bias[o] += d;
            for (int64_t k = 0; k < in; k++) {
                if (diff_src) diff_src[i * in + k] += d * weights[o * in + k];
                if (diff_weights) diff_weights[o * in + k] += d * src[i * in + k];
            }
        }
}

/* ---- cross entropy ---- */

static double softmax_normaliser(int64_t classes, const double *z) {
    double largest = z[0], sum = 0;
    for (int64_t k = 1; k < classes; k++) largest = z[k] > largest ? z[k] : largest;
    for (int64_t k = 0; k < classes; k++) sum += exp(z[k] - largest);
    return largest + log(sum);
}

void fnas_ref_cross_entropy(int64_t n, int64_t classes, const double *logits, const int32_t *labels, double smoothing, double scale,
                            double *loss, int64_t *correct, double *diff_logits) {
    *loss = 0;
    *correct = 0;
    for (int64_t i = 0; i < n; i++) {
        const double *z = logits + i * classes;
        double normaliser = softmax_normaliser(classes, z);
        int64_t best = 0;
        for (int64_t k = 0; k < classes; k++) {
            double target = (k == labels[i] ? 1 - smoothing : 0) + smoothing / (double)classes, log_probability = z[k] - normaliser;
            *loss -= target * log_probability / (double)n;
            if (z[k] > z[best]) best = k;
            if (diff_logits) diff_logits[i * classes + k] = scale * (exp(log_probability) - target) / (double)n;
        }
        *correct += best == labels[i];
    }
}
