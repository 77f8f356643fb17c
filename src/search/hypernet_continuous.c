/* A continuous hypernetwork: one small network on (preference, embedding), so that every sample teaches all preferences and devices, and no
 * row waits for visits. */
#include <math.h>

#include "base/random.h"
#include "search/hypernet_kinds.h"

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
    return 2 * WIDTH; /* both hidden layers before their non-linearity */
}

/* Centred and of unit variance where uniform in [0, 1]. */
static double centre(double value) {
    return (2 * value - 1) * 1.7320508075688772;
}

static double silu(double x) {
    return x / (1 + exp(-x));
}

static double silu_slope(double x) {
    double gate = 1 / (1 + exp(-x));
    return gate * (1 + x * (1 - gate));
}

/* y = W x + b */
static void layer_forward(layer of, const float *parameters, const double *x, double *restrict y) {
    const float *restrict weights = parameters + of.weights, *biases = parameters + of.biases;
    for (int64_t o = 0; o < of.outputs; o++) y[o] = biases[o];
    for (int64_t i = 0; i < of.inputs; i++)
        for (int64_t o = 0; o < of.outputs; o++) y[o] += x[i] * weights[i * of.outputs + o];
}

/* Adds to the gradient of weights and biases; diff_x (NULL: not wanted) = W' diff_y. */
static void layer_backward(layer of, const float *parameters, const double *x, const double *restrict diff_y, float *gradient,
                           double *diff_x) {
    float *restrict diff_weights = gradient + of.weights, *diff_biases = gradient + of.biases;
    for (int64_t o = 0; o < of.outputs; o++) diff_biases[o] += (float)diff_y[o];
    for (int64_t i = 0; i < of.inputs; i++)
        for (int64_t o = 0; o < of.outputs; o++) diff_weights[i * of.outputs + o] += (float)(x[i] * diff_y[o]);
    if (!diff_x) return;
    const float *weights = parameters + of.weights;
    for (int64_t i = 0; i < of.inputs; i++) {
        double lanes[LANES] = {0}; /* a fixed order of summation that can still run in vectors */
        int64_t o = 0;
        for (; o + LANES <= of.outputs; o += LANES)
            for (int64_t l = 0; l < LANES; l++) lanes[l] += weights[i * of.outputs + o + l] * diff_y[o + l];
        for (; o < of.outputs; o++) lanes[0] += weights[i * of.outputs + o] * diff_y[o];
        diff_x[i] = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
}

/* The first layer's inputs are read in two pieces, so that no buffer is sized by the shape. */
static void first_forward(const fnas_hypernet_shape *shape, layer first, const float *parameters, const double *preference,
                          const double *embedding, double *restrict hidden) {
    const float *restrict weights = parameters + first.weights;
    for (int64_t o = 0; o < WIDTH; o++) hidden[o] = parameters[first.biases + o];
    for (int64_t i = 0; i < first.inputs; i++) {
        double x = centre(i < shape->objectives ? preference[i] : embedding[i - shape->objectives]);
        for (int64_t o = 0; o < WIDTH; o++) hidden[o] += x * weights[i * WIDTH + o];
    }
}

static void first_backward(const fnas_hypernet_shape *shape, layer first, const double *preference, const double *embedding,
                           const double *restrict diff_hidden, float *gradient) {
    float *restrict diff_weights = gradient + first.weights;
    for (int64_t o = 0; o < WIDTH; o++) gradient[first.biases + o] += (float)diff_hidden[o];
    for (int64_t i = 0; i < first.inputs; i++) {
        double x = centre(i < shape->objectives ? preference[i] : embedding[i - shape->objectives]);
        for (int64_t o = 0; o < WIDTH; o++) diff_weights[i * WIDTH + o] += (float)(x * diff_hidden[o]);
    }
}

/* The second hidden layer after its non-linearity; keeps what the backward needs. */
static void hidden_forward(const fnas_hypernet_shape *shape, const layers *all, const float *parameters, const double *preference,
                           const double *embedding, float *workspace, double *hidden2) {
    double hidden1[WIDTH];
    first_forward(shape, all->first, parameters, preference, embedding, hidden1);
    for (int64_t i = 0; i < WIDTH; i++) {
        workspace[i] = (float)hidden1[i];
        hidden1[i] = silu(hidden1[i]);
    }
    layer_forward(all->second, parameters, hidden1, hidden2);
    for (int64_t i = 0; i < WIDTH; i++) {
        workspace[WIDTH + i] = (float)hidden2[i];
        hidden2[i] = silu(hidden2[i]);
    }
}

static void continuous_forward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                               float *workspace, double *logits) {
    layers all = lay_out(shape);
    double hidden2[WIDTH];
    hidden_forward(shape, &all, parameters, preference, embedding, workspace, hidden2);
    layer_forward(all.last, parameters, hidden2, logits);
}

static void continuous_backward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference,
                                const double *embedding, const float *workspace, const double *diff_logits, float *gradient) {
    layers all = lay_out(shape);
    double hidden[WIDTH], diff[WIDTH], diff_below[WIDTH];
    for (int64_t i = 0; i < WIDTH; i++) hidden[i] = silu(workspace[WIDTH + i]);
    layer_backward(all.last, parameters, hidden, diff_logits, gradient, diff);
    for (int64_t i = 0; i < WIDTH; i++) diff[i] *= silu_slope(workspace[WIDTH + i]);
    for (int64_t i = 0; i < WIDTH; i++) hidden[i] = silu(workspace[i]);
    layer_backward(all.second, parameters, hidden, diff, gradient, diff_below);
    for (int64_t i = 0; i < WIDTH; i++) diff_below[i] *= silu_slope(workspace[i]);
    first_backward(shape, all.first, preference, embedding, diff_below, gradient);
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
    float workspace[2 * WIDTH];
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

/* ---- blocks: every item touches every parameter ---- */

static int64_t continuous_block_count(const fnas_hypernet_shape *shape) {
    (void)shape;
    return 1;
}

static fnas_hypernet_block continuous_block_at(const fnas_hypernet_shape *shape, int64_t block) {
    (void)block;
    return (fnas_hypernet_block){0, continuous_parameter_count(shape)};
}

static void continuous_touch(const fnas_hypernet_shape *shape, const double *preference, uint8_t *touched) {
    (void)shape;
    (void)preference;
    touched[0] = 1;
}

const fnas_hypernet_ops fnas_hypernet_continuous_ops = {
    .name = "continuous",
    .parameter_count = continuous_parameter_count,
    .workspace_floats = continuous_workspace_floats,
    .randomise = continuous_randomise,
    .flatten = continuous_flatten,
    .forward = continuous_forward,
    .backward = continuous_backward,
    .block_count = continuous_block_count,
    .block_at = continuous_block_at,
    .touch = continuous_touch,
};
