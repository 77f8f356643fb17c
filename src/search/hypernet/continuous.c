/* A continuous hypernetwork: one small network on (preference, embedding), so that every sample teaches all preferences and devices, and no
 * row waits for visits. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "compute/vector.h"
#include "search/hypernet/kinds.h"

enum { WIDTH = 96, LANES = 8 };

/* Parameters: weights [inputs][WIDTH] and biases [WIDTH] of the first layer, then [WIDTH][WIDTH] and [WIDTH], then [WIDTH][outputs] and
 * [outputs]. Input-major, so that the inner loops run over outputs. */
typedef struct layer {
    int64_t inputs, outputs, weights, biases; /* the last two: offsets into the parameters */
} layer;

typedef struct layers {
    layer first, second, last;
    int64_t parameter_count;
} layers;

static layer append_layer(int64_t inputs, int64_t outputs, int64_t *offset) {
    layer made = {inputs, outputs, *offset, *offset + inputs * outputs};
    *offset = made.biases + outputs;
    return made;
}

static layers lay_out(const fnas_hypernet_shape *shape) {
    layers all = {.parameter_count = 0};
    all.first = append_layer(shape->objectives + shape->embedding, WIDTH, &all.parameter_count);
    all.second = append_layer(WIDTH, WIDTH, &all.parameter_count);
    all.last = append_layer(WIDTH, shape->outputs, &all.parameter_count);
    return all;
}

static int64_t continuous_parameter_count(const fnas_hypernet_shape *shape) {
    return lay_out(shape).parameter_count;
}

static int64_t continuous_workspace_floats(const fnas_hypernet_shape *shape) {
    (void)shape;
    return 4 * WIDTH; /* both hidden layers, and the slopes of their non-linearity */
}

/* Centred and of unit variance where uniform in [0, 1]. */
static double centre(double value) {
    return (2 * value - 1) * 1.7320508075688772;
}

/* silu(x) = x / (1 + exp(-x)), in place; values and slopes are kept for the backward. */
static void hidden_activate(double *hidden, float *values, float *slopes) {
    for (int64_t i = 0; i < WIDTH; i++) {
        double x = hidden[i], gate = 1 / (1 + exp(-x));
        hidden[i] = x * gate;
        values[i] = (float)hidden[i];
        slopes[i] = (float)(gate * (1 + x * (1 - gate)));
    }
}

/* y = W x + b */
FNAS_MULTIVERSION
static void layer_forward(layer of, const float *parameters, const double *x, double *restrict y) {
    const float *restrict weights = parameters + of.weights, *biases = parameters + of.biases;
    for (int64_t o = 0; o < of.outputs; o++) y[o] = biases[o];
    for (int64_t i = 0; i < of.inputs; i++)
        for (int64_t o = 0; o < of.outputs; o++) y[o] += x[i] * weights[i * of.outputs + o];
}

/* Adds to the gradient of a layer's weights and biases. */
FNAS_MULTIVERSION
static void layer_backward_weights(layer of, const float *restrict x, const float *restrict diff_y, float *gradient) {
    float *restrict diff_weights = gradient + of.weights, *restrict diff_biases = gradient + of.biases;
    for (int64_t o = 0; o < of.outputs; o++) diff_biases[o] += diff_y[o];
    for (int64_t i = 0; i < of.inputs; i++)
        for (int64_t o = 0; o < of.outputs; o++) diff_weights[i * of.outputs + o] += x[i] * diff_y[o];
}

/* diff_x [WIDTH] = slopes * (W' diff_y) */
FNAS_MULTIVERSION
static void layer_backward_data(layer of, const float *parameters, const float *slopes, const float *restrict diff_y, float *diff_x) {
    const float *restrict weights = parameters + of.weights;
    for (int64_t i = 0; i < of.inputs; i++) {
        double lanes[LANES] = {0}; /* a fixed order of summation that can still run in vectors */
        int64_t o = 0;
        for (; o + LANES <= of.outputs; o += LANES)
            for (int64_t l = 0; l < LANES; l++) lanes[l] += (double)weights[i * of.outputs + o + l] * diff_y[o + l];
        for (int64_t l = 0; o + l < of.outputs; l++) lanes[l] += (double)weights[i * of.outputs + o + l] * diff_y[o + l];
        double sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
        diff_x[i] = (float)(slopes[i] * sum);
    }
}

/* The first layer's inputs are read in two pieces, so that no buffer is sized by the shape. */
FNAS_MULTIVERSION
static void first_forward(const fnas_hypernet_shape *shape, layer first, const float *parameters, const double *preference,
                          const double *embedding, double *restrict hidden) {
    const float *restrict weights = parameters + first.weights;
    for (int64_t o = 0; o < WIDTH; o++) hidden[o] = parameters[first.biases + o];
    for (int64_t i = 0; i < first.inputs; i++) {
        double x = centre(i < shape->objectives ? preference[i] : embedding[i - shape->objectives]);
        for (int64_t o = 0; o < WIDTH; o++) hidden[o] += x * weights[i * WIDTH + o];
    }
}

/* The second hidden layer after its non-linearity; keeps what the backward needs: [values 1][slopes 1][values 2][slopes 2]. */
static void hidden_forward(const fnas_hypernet_shape *shape, const layers *all, const float *parameters, const double *preference,
                           const double *embedding, float *workspace, double *hidden2) {
    double hidden1[WIDTH];
    first_forward(shape, all->first, parameters, preference, embedding, hidden1);
    hidden_activate(hidden1, workspace, workspace + WIDTH);
    layer_forward(all->second, parameters, hidden1, hidden2);
    hidden_activate(hidden2, workspace + 2 * WIDTH, workspace + 3 * WIDTH);
}

static void continuous_forward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                               const float *twin, float *workspace, double *logits) {
    (void)twin;
    layers all = lay_out(shape);
    double hidden2[WIDTH];
    hidden_forward(shape, &all, parameters, preference, embedding, workspace, hidden2);
    layer_forward(all.last, parameters, hidden2, logits);
}

enum { INPUTS_MOST = FNAS_HYPERNET_OBJECTIVES_MAX + FNAS_HYPERNET_EMBEDDING_MAX, OUTPUTS_AT_ONCE = 256 };

/* The last layer's, for outputs first ... first + count - 1 of all: diff [WIDTH] += W' diff_logits. */
FNAS_MULTIVERSION
static void last_backward(layer of, const float *parameters, const float *restrict values, int64_t first, int64_t count,
                          const float *restrict diff_logits, double *restrict diff, float *gradient) {
    const float *restrict weights = parameters + of.weights + first;
    float *restrict diff_weights = gradient + of.weights + first, *restrict diff_biases = gradient + of.biases + first;
    for (int64_t o = 0; o < count; o++) diff_biases[o] += diff_logits[o];
    for (int64_t i = 0; i < WIDTH; i++) {
        double lanes[LANES] = {0};
        int64_t o = 0;
        for (; o + LANES <= count; o += LANES)
            for (int64_t l = 0; l < LANES; l++) lanes[l] += (double)weights[i * of.outputs + o + l] * diff_logits[o + l];
        for (int64_t l = 0; o + l < count; l++) lanes[l] += (double)weights[i * of.outputs + o + l] * diff_logits[o + l];
        diff[i] += ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
        for (o = 0; o < count; o++) diff_weights[i * of.outputs + o] += values[i] * diff_logits[o];
    }
}

static void continuous_backward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference,
                                const double *embedding, const float *workspace, const double *diff_logits, float *gradient) {
    layers all = lay_out(shape);
    const float *values1 = workspace, *slopes1 = values1 + WIDTH, *values2 = slopes1 + WIDTH, *slopes2 = values2 + WIDTH;
    float inputs[INPUTS_MOST], diff2[WIDTH], diff1[WIDTH], piece[OUTPUTS_AT_ONCE];
    double diff[WIDTH] = {0};
    for (int64_t first = 0; first < shape->outputs; first += OUTPUTS_AT_ONCE) {
        int64_t count = shape->outputs - first < OUTPUTS_AT_ONCE ? shape->outputs - first : OUTPUTS_AT_ONCE;
        for (int64_t o = 0; o < count; o++) piece[o] = (float)diff_logits[first + o];
        last_backward(all.last, parameters, values2, first, count, piece, diff, gradient);
    }
    for (int64_t i = 0; i < WIDTH; i++) diff2[i] = (float)(slopes2[i] * diff[i]);
    layer_backward_weights(all.second, values1, diff2, gradient);
    layer_backward_data(all.second, parameters, slopes1, diff2, diff1);
    for (int64_t i = 0; i < all.first.inputs; i++)
        inputs[i] = (float)centre(i < shape->objectives ? preference[i] : embedding[i - shape->objectives]);
    layer_backward_weights(all.first, inputs, diff1, gradient);
}

/* ---- sums: every item touches every parameter, and so a sum is the gradient itself, behind the embedding ---- */

static int64_t continuous_sum_bytes(const fnas_hypernet_shape *shape) {
    int64_t bytes = shape->embedding * (int64_t)sizeof(double) + continuous_parameter_count(shape) * (int64_t)sizeof(float);
    return (bytes + 7) / 8 * 8;
}

static float *sum_gradient(const fnas_hypernet_shape *shape, const void *sum) {
    return (float *)(void *)((double *)sum + shape->embedding); /* whether it may be written is for the caller to know */
}

static void continuous_sum_begin(const fnas_hypernet_shape *shape, const double *embedding, void *sum) {
    memcpy(sum, embedding, (size_t)shape->embedding * sizeof *embedding);
    memset(sum_gradient(shape, sum), 0, (size_t)continuous_parameter_count(shape) * sizeof(float));
}

static void continuous_sum_add(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const float *workspace,
                               const double *diff_logits, void *sum) {
    continuous_backward(shape, parameters, preference, sum, workspace, diff_logits, sum_gradient(shape, sum));
}

static void continuous_sum_settle(const fnas_hypernet_shape *shape, const float *parameters, void *sum) {
    (void)shape, (void)parameters, (void)sum;
}

FNAS_MULTIVERSION
static double inner_product(int64_t count, const float *restrict a, const float *restrict b) {
    enum { WIDE = 4 * LANES };
    double lanes[WIDE] = {0};
    int64_t i = 0;
    for (; i + WIDE <= count; i += WIDE)
        for (int64_t l = 0; l < WIDE; l++) lanes[l] += (double)a[i + l] * b[i + l];
    for (int64_t l = 0; i + l < count; l++) lanes[l] += (double)a[i + l] * b[i + l];
    for (int64_t half = WIDE / 2; half >= 1; half /= 2)
        for (int64_t l = 0; l < half; l++) lanes[l] += lanes[l + half];
    return lanes[0];
}

static double continuous_sum_product(const fnas_hypernet_shape *shape, const void *a, const void *b) {
    return inner_product(continuous_parameter_count(shape), sum_gradient(shape, a), sum_gradient(shape, b));
}

FNAS_MULTIVERSION
static void add_scaled(int64_t count, float weight, const float *restrict from, float *restrict to) {
    for (int64_t i = 0; i < count; i++) to[i] += weight * from[i];
}

static void continuous_sum_spread(const fnas_hypernet_shape *shape, double weight, const void *sum, float *direction) {
    add_scaled(continuous_parameter_count(shape), (float)weight, sum_gradient(shape, sum), direction);
}

static void continuous_sum_wipe(const fnas_hypernet_shape *shape, const void *sum, float *direction) {
    (void)sum;
    memset(direction, 0, (size_t)continuous_parameter_count(shape) * sizeof *direction);
}

/* He et al. 2015 for the hidden layers; biases spread, so that units bend at different preferences. */
static void fill_layer(layer of, double deviation, double bias_deviation, fnas_random *random, float *parameters) {
    for (int64_t i = 0; i < of.inputs * of.outputs; i++) parameters[of.weights + i] = (float)(deviation * fnas_random_normal(random));
    for (int64_t o = 0; o < of.outputs; o++) parameters[of.biases + o] = (float)(bias_deviation * fnas_random_normal(random));
}

/* Root mean square length of what the last layer reads, over random devices and preferences. */
static double hidden_length(const fnas_hypernet_shape *shape, const layers *all, const float *parameters, fnas_random *random) {
    enum { SAMPLES = 64 };
    double preference[FNAS_HYPERNET_OBJECTIVES_MAX], embedding[FNAS_HYPERNET_EMBEDDING_MAX], hidden2[WIDTH], sum = 0;
    float workspace[4 * WIDTH];
    for (int64_t sample = 0; sample < SAMPLES; sample++) {
        fnas_random_simplex(random, shape->objectives, preference);
        for (int64_t e = 0; e < shape->embedding; e++) embedding[e] = fnas_random_uniform(random);
        hidden_forward(shape, all, parameters, preference, embedding, workspace, hidden2);
        for (int64_t i = 0; i < WIDTH; i++) sum += hidden2[i] * hidden2[i];
    }
    return sqrt(sum / SAMPLES);
}

/* Untrained: logits of standard deviation about 1. */
static void continuous_randomise(const fnas_hypernet_shape *shape, uint64_t seed, float *parameters) {
    layers all = lay_out(shape);
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_HYPERNET, 0, FNAS_HYPERNET_DRAW_WEIGHTS);
    fnas_random samples = fnas_random_begin(seed, FNAS_STREAM_HYPERNET, 0, FNAS_HYPERNET_DRAW_DEVICES);
    fill_layer(all.first, sqrt(2.0 / (double)all.first.inputs), 0.5, &random, parameters);
    fill_layer(all.second, sqrt(2.0 / WIDTH), 0.5, &random, parameters);
    fill_layer(all.last, 1 / hidden_length(shape, &all, parameters, &samples), 0, &random, parameters);
}

/* Uniform: the last layer is zero, which no training is needed for; the hidden layers stay random, so that all units learn apart. */
static fnas_status continuous_flatten(fnas_context *context, const fnas_hypernet_shape *shape, uint64_t seed, int64_t device_count,
                                      const double *embeddings, float *parameters) {
    (void)context, (void)seed, (void)device_count, (void)embeddings;
    layers all = lay_out(shape);
    for (int64_t i = all.last.weights; i < all.parameter_count; i++) parameters[i] = 0;
    return FNAS_OK;
}

const fnas_hypernet_ops fnas_hypernet_continuous_ops = {
    .name = "continuous",
    .parameter_count = continuous_parameter_count,
    .workspace_floats = continuous_workspace_floats,
    .randomise = continuous_randomise,
    .flatten = continuous_flatten,
    .forward = continuous_forward,
    .backward = continuous_backward,
    .sum_bytes = continuous_sum_bytes,
    .sum_begin = continuous_sum_begin,
    .sum_add = continuous_sum_add,
    .sum_settle = continuous_sum_settle,
    .sum_product = continuous_sum_product,
    .sum_spread = continuous_sum_spread,
    .sum_wipe = continuous_sum_wipe,
};
