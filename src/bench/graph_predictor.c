#include "bench/graph_predictor.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/vector.h"
#include "nn/optimiser.h"

/* Rows of WIDTH numbers lie STRIDE apart and of HEAD numbers HEAD_STRIDE, whole vectors; what is between is 0 and stays it. */
enum { WIDTH = 100, STRIDE = 112, HEAD = 200, HEAD_STRIDE = 208 };
enum { NODES = 9, INPUT = 0, OUTPUT = 7, ALL = 8, FEATURES = 8, ARCHS = 15625 };
enum { SECOND_STATES = FNAS_GRAPH_OPS * FNAS_GRAPH_OPS, SIXTH_STATES = SECOND_STATES * SECOND_STATES };

/* ---- parameters ---- */

static const struct {
    int64_t rows, width, stride;
} matrices[FNAS_GRAPH_MATRICES] = {{FEATURES, WIDTH, STRIDE},
                                   {WIDTH, WIDTH, STRIDE},
                                   {WIDTH, WIDTH, STRIDE},
                                   {WIDTH, WIDTH, STRIDE},
                                   {4, WIDTH, STRIDE},
                                   {FNAS_GRAPH_EMBEDDING + 1, WIDTH, STRIDE},
                                   {WIDTH + 1, WIDTH, STRIDE},
                                   {2 * WIDTH + 1, HEAD, HEAD_STRIDE},
                                   {HEAD + 1, HEAD, HEAD_STRIDE},
                                   {2, HEAD, HEAD_STRIDE}};

int64_t fnas_graph_matrix_rows(fnas_graph_matrix matrix) {
    return matrices[matrix].rows;
}

int64_t fnas_graph_matrix_columns(fnas_graph_matrix matrix, int64_t row) {
    return matrix == FNAS_GRAPH_HEAD3 && row == 1 ? 1 : matrices[matrix].width;
}

static int64_t matrix_offset(fnas_graph_matrix matrix) {
    int64_t offset = 0;
    for (int m = 0; m < (int)matrix; m++) offset += matrices[m].rows * matrices[m].stride;
    return offset;
}

/* ---- states ---- */

/* A state of a node that some architecture of the batch has: what the node is, and the states that it sees. */
typedef struct graph_state {
    int32_t feature; /* row of CONV1 */
    int32_t count;
    int32_t sees[NODES];
} graph_state;

struct fnas_graph_predictor {
    int64_t batch_most, device_most, state_most, count, state_count;
    int64_t parameter_count, steps;
    float *parameters, *gradient, *moment1, *moment2;                          /* [parameter_count] */
    graph_state *states;                                                       /* [state_most] */
    int32_t *nodes;                                                            /* [batch][NODES]: the states of an architecture's nodes */
    int32_t second[FNAS_GRAPH_OPS], third[SECOND_STATES], sixth[SIXTH_STATES]; /* states by operations; -1: not in this batch */
    float *seen[3];               /* [state][STRIDE]: sum of what a state sees, of layers 2 and 3, and for layer 4 [batch][STRIDE] */
    float *hidden[4];             /* [state][STRIDE]: after layers 1 to 3, and layer 4's [batch][STRIDE] */
    float *head[2];               /* [batch][HEAD_STRIDE] */
    float *device1, *device2;     /* [device][STRIDE]: the device's branch */
    float *device_head;           /* [device][HEAD_STRIDE]: what it adds to the head's first layer, with the bias */
    float *diff_head[2];          /* [batch][HEAD_STRIDE] */
    float *diff_graph, *diff_all; /* [batch][STRIDE]: of layer 4's result, and of what it saw */
    float *diff[2];               /* [states, or 8 nodes a batch][STRIDE] */
    float *diff_features;         /* [batch][EDGES][FEATURES] */
    double *slope;                /* [batch] */
    int64_t *first_device;        /* [batch]: 0 */
};

static float *weights_of(const fnas_graph_predictor *predictor, fnas_graph_matrix matrix, int64_t row) {
    return predictor->parameters + matrix_offset(matrix) + row * matrices[matrix].stride;
}

static float *slopes_of(const fnas_graph_predictor *predictor, fnas_graph_matrix matrix, int64_t row) {
    return predictor->gradient + matrix_offset(matrix) + row * matrices[matrix].stride;
}

float *fnas_graph_predictor_parameter(fnas_graph_predictor *predictor, fnas_graph_matrix matrix, int64_t row, int64_t column) {
    return weights_of(predictor, matrix, row) + column;
}

float fnas_graph_predictor_slope(const fnas_graph_predictor *predictor, fnas_graph_matrix matrix, int64_t row, int64_t column) {
    return slopes_of(predictor, matrix, row)[column];
}

/* ---- making one ---- */

static void fill_uniform(fnas_random *random, fnas_graph_predictor *predictor, fnas_graph_matrix matrix, double limit) {
    for (int64_t row = 0; row < fnas_graph_matrix_rows(matrix); row++)
        for (int64_t column = 0; column < fnas_graph_matrix_columns(matrix, row); column++)
            weights_of(predictor, matrix, row)[column] = (float)((2 * fnas_random_uniform(random) - 1) * limit);
}

static void initialise(fnas_graph_predictor *predictor, uint64_t seed) {
    static const double inputs[] = {FNAS_GRAPH_EMBEDDING, WIDTH, 2 * WIDTH, HEAD, HEAD}; /* DEVICE1 ... HEAD3 */
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_PREDICTOR, 0, 0);
    for (int m = FNAS_GRAPH_CONV1; m <= FNAS_GRAPH_CONV4; m++) fill_uniform(&random, predictor, (fnas_graph_matrix)m, 0.05);
    fill_uniform(&random, predictor, FNAS_GRAPH_CONV_BIAS, 0.1);
    for (int m = FNAS_GRAPH_DEVICE1; m <= FNAS_GRAPH_HEAD3; m++)
        fill_uniform(&random, predictor, (fnas_graph_matrix)m, 1 / sqrt(inputs[m - FNAS_GRAPH_DEVICE1]));
}

static float *rows_of(bool *good, int64_t rows, int64_t stride) {
    float *made = fnas_allocate((size_t)(rows * stride), sizeof *made);
    if (!made) *good = false;
    return made;
}

static bool allocate_rows(fnas_graph_predictor *p) {
    bool good = true;
    int64_t batch = p->batch_most, states = p->state_most, most = states > 8 * batch ? states : 8 * batch;
    for (int i = 0; i < 2; i++) {
        p->seen[i] = rows_of(&good, states, STRIDE);
        p->head[i] = rows_of(&good, batch, HEAD_STRIDE);
        p->diff_head[i] = rows_of(&good, batch, HEAD_STRIDE);
        p->diff[i] = rows_of(&good, most, STRIDE);
    }
    for (int i = 0; i < 3; i++) p->hidden[i] = rows_of(&good, states, STRIDE);
    p->seen[2] = rows_of(&good, batch, STRIDE);
    p->hidden[3] = rows_of(&good, batch, STRIDE);
    p->device1 = rows_of(&good, p->device_most, STRIDE);
    p->device2 = rows_of(&good, p->device_most, STRIDE);
    p->device_head = rows_of(&good, p->device_most, HEAD_STRIDE);
    p->diff_graph = rows_of(&good, batch, STRIDE);
    p->diff_all = rows_of(&good, batch, STRIDE);
    p->diff_features = rows_of(&good, batch * FNAS_GRAPH_EDGES, FEATURES);
    p->parameters = rows_of(&good, 4, p->parameter_count);
    return good;
}

fnas_status fnas_graph_predictor_create(fnas_context *context, uint64_t seed, int64_t batch_most, int64_t device_most,
                                        fnas_graph_predictor **predictor) {
    fnas_graph_predictor *made = *predictor = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "a graph predictor");
    made->batch_most = batch_most;
    made->device_most = device_most;
    made->state_most = 1 + FNAS_GRAPH_OPS + SECOND_STATES + (batch_most < SIXTH_STATES ? batch_most : SIXTH_STATES) + 2 * batch_most;
    made->parameter_count = matrix_offset(FNAS_GRAPH_MATRICES);
    made->states = fnas_allocate((size_t)made->state_most, sizeof *made->states);
    made->nodes = fnas_allocate((size_t)(batch_most * NODES), sizeof *made->nodes);
    made->slope = fnas_allocate((size_t)batch_most, sizeof *made->slope);
    made->first_device = fnas_allocate((size_t)batch_most, sizeof *made->first_device);
    if (!allocate_rows(made) || !made->states || !made->nodes || !made->slope || !made->first_device) {
        fnas_graph_predictor_free(made);
        *predictor = NULL;
        return fnas_fail_memory(context, "a graph predictor");
    }
    made->gradient = made->parameters + made->parameter_count;
    made->moment1 = made->gradient + made->parameter_count;
    made->moment2 = made->moment1 + made->parameter_count;
    initialise(made, seed);
    return FNAS_OK;
}

void fnas_graph_predictor_free(fnas_graph_predictor *p) {
    if (!p) return;
    void *owned[] = {p->parameters, p->states,     p->nodes,       p->seen[0],       p->seen[1],      p->seen[2],
                     p->hidden[0],  p->hidden[1],  p->hidden[2],   p->hidden[3],     p->head[0],      p->head[1],
                     p->device1,    p->device2,    p->device_head, p->diff_head[0],  p->diff_head[1], p->diff[0],
                     p->diff[1],    p->diff_graph, p->diff_all,    p->diff_features, p->slope,        p->first_device};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
    fnas_free(p);
}

/* ---- products ---- */

/* out [m][n] = a [m][k] b [k][n] */
static void multiply(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const float *b, float *out, int64_t stride) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a, (blasint)a_stride, b, (blasint)stride,
                0, out, (blasint)stride);
}

/* out [m][k] = d [m][n] b' with b [k][n] */
static void multiply_back(int64_t m, int64_t n, int64_t k, const float *d, const float *b, int64_t stride, float *out, int64_t out_stride) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)k, (blasint)n, 1, d, (blasint)stride, b, (blasint)stride, 0,
                out, (blasint)out_stride);
}

/* weights [k][n] = a' d with a [m][k], d [m][n] */
static void multiply_weights(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const float *d, int64_t stride,
                             float *weights) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)k, (blasint)n, (blasint)m, 1, a, (blasint)a_stride, d, (blasint)stride, 0,
                weights, (blasint)stride);
}

/* ---- rows ---- */

FNAS_MULTIVERSION
static void add_bias_relu(int64_t rows, int64_t stride, const float *restrict bias, float *restrict values) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < stride; i++) {
            float value = values[r * stride + i] + bias[i];
            values[r * stride + i] = value > 0 ? value : 0;
        }
}

/* diff = 0 where the unit was not active. */
FNAS_MULTIVERSION
static void mask_rows(int64_t count, const float *restrict values, float *restrict diff) {
    for (int64_t i = 0; i < count; i++) diff[i] = values[i] > 0 ? diff[i] : 0;
}

FNAS_MULTIVERSION
static void add_rows_up(int64_t rows, int64_t stride, const float *restrict diff, float *restrict sum) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < stride; i++) sum[i] += diff[r * stride + i];
}

/* What each state sees. */
FNAS_MULTIVERSION
static void sum_seen(int64_t count, const graph_state *states, const float *restrict hidden, float *restrict seen) {
    for (int64_t s = 0; s < count; s++) {
        float sum[STRIDE] = {0};
        for (int32_t k = 0; k < states[s].count; k++)
            for (int64_t i = 0; i < STRIDE; i++) sum[i] += hidden[(int64_t)states[s].sees[k] * STRIDE + i];
        memcpy(seen + s * STRIDE, sum, sizeof sum);
    }
}

FNAS_MULTIVERSION
static void sum_seen_backward(int64_t count, const graph_state *states, const float *restrict diff_seen, float *restrict diff_hidden) {
    for (int64_t s = 0; s < count; s++)
        for (int32_t k = 0; k < states[s].count; k++)
            for (int64_t i = 0; i < STRIDE; i++) diff_hidden[(int64_t)states[s].sees[k] * STRIDE + i] += diff_seen[s * STRIDE + i];
}

/* ---- the states of a batch ---- */

static int32_t add_state(fnas_graph_predictor *p, int32_t feature) {
    graph_state *state = &p->states[p->state_count];
    state->feature = feature;
    state->count = 1;
    state->sees[0] = (int32_t)p->state_count;
    return (int32_t)p->state_count++;
}

static void see(fnas_graph_predictor *p, int32_t state, int32_t other) {
    p->states[state].sees[p->states[state].count++] = other;
}

/* Of a node that sees `first`, `second` (-1: none) and itself, if it is not there yet. */
static int32_t find_state(fnas_graph_predictor *p, int32_t *known, int32_t op, int32_t first, int32_t second) {
    static const int32_t features[FNAS_GRAPH_OPS] = {4, 5, 2, 3, 1};
    if (*known >= 0) return *known;
    *known = add_state(p, features[op]);
    see(p, *known, first);
    if (second >= 0) see(p, *known, second);
    return *known;
}

/* Nodes 1, 2, 4 see the input; 3 and 5 see 1; 6 sees 2 and 3; 7, the output, sees 4, 5, 6. */
static void find_nodes(fnas_graph_predictor *p, const int32_t *op, int32_t *node) {
    enum { OPS = FNAS_GRAPH_OPS };
    node[INPUT] = 0;
    node[1] = find_state(p, &p->second[op[0]], op[0], 0, -1);
    node[2] = find_state(p, &p->second[op[1]], op[1], 0, -1);
    node[4] = find_state(p, &p->second[op[3]], op[3], 0, -1);
    node[3] = find_state(p, &p->third[op[0] * OPS + op[2]], op[2], node[1], -1);
    node[5] = find_state(p, &p->third[op[0] * OPS + op[4]], op[4], node[1], -1);
    node[6] = find_state(p, &p->sixth[((op[0] * OPS + op[1]) * OPS + op[2]) * OPS + op[5]], op[5], node[2], node[3]);
    node[OUTPUT] = add_state(p, 6);
    for (int i = 4; i < OUTPUT; i++) see(p, node[OUTPUT], node[i]);
    node[ALL] = add_state(p, 7);
    for (int i = 0; i < ALL; i++) see(p, node[ALL], node[i]);
}

static void find_states(fnas_graph_predictor *p, int64_t count, const int32_t *choices) {
    memset(p->second, -1, sizeof p->second);
    memset(p->third, -1, sizeof p->third);
    memset(p->sixth, -1, sizeof p->sixth);
    p->count = count;
    p->state_count = 0;
    (void)add_state(p, 0); /* of the input */
    for (int64_t i = 0; i < count; i++) find_nodes(p, choices + i * FNAS_GRAPH_EDGES, p->nodes + i * NODES);
}

/* ---- forward ---- */

FNAS_MULTIVERSION
static void first_layer(int64_t count, const graph_state *states, const float *restrict weights, const float *restrict bias,
                        float *restrict hidden) {
    for (int64_t s = 0; s < count; s++) {
        float sum[STRIDE];
        memcpy(sum, bias, sizeof sum);
        for (int32_t k = 0; k < states[s].count; k++)
            for (int64_t i = 0; i < STRIDE; i++) sum[i] += weights[(int64_t)states[states[s].sees[k]].feature * STRIDE + i];
        for (int64_t i = 0; i < STRIDE; i++) hidden[s * STRIDE + i] = sum[i] > 0 ? sum[i] : 0;
    }
}

/* What layer 4 sees: at the ninth node of each architecture. */
FNAS_MULTIVERSION
static void sum_all(int64_t count, const int32_t *nodes, const float *restrict hidden, float *restrict seen) {
    for (int64_t a = 0; a < count; a++) {
        float sum[STRIDE] = {0};
        for (int64_t k = 0; k < NODES; k++)
            for (int64_t i = 0; i < STRIDE; i++) sum[i] += hidden[(int64_t)nodes[a * NODES + k] * STRIDE + i];
        memcpy(seen + a * STRIDE, sum, sizeof sum);
    }
}

static void graph_forward(fnas_graph_predictor *p) {
    const float *bias = weights_of(p, FNAS_GRAPH_CONV_BIAS, 0);
    first_layer(p->state_count, p->states, weights_of(p, FNAS_GRAPH_CONV1, 0), bias, p->hidden[0]);
    for (int layer = 1; layer <= 2; layer++) {
        const float *weights = weights_of(p, layer == 1 ? FNAS_GRAPH_CONV2 : FNAS_GRAPH_CONV3, 0);
        sum_seen(p->state_count, p->states, p->hidden[layer - 1], p->seen[layer - 1]);
        multiply(p->state_count, WIDTH, WIDTH, p->seen[layer - 1], STRIDE, weights, p->hidden[layer], STRIDE);
        add_bias_relu(p->state_count, STRIDE, bias + layer * STRIDE, p->hidden[layer]);
    }
    sum_all(p->count, p->nodes, p->hidden[2], p->seen[2]);
    multiply(p->count, WIDTH, WIDTH, p->seen[2], STRIDE, weights_of(p, FNAS_GRAPH_CONV4, 0), p->hidden[3], STRIDE);
    add_bias_relu(p->count, STRIDE, bias + 3 * STRIDE, p->hidden[3]);
}

FNAS_MULTIVERSION
static void add_device_relu(int64_t count, const int64_t *devices, const float *restrict device_head, float *restrict values) {
    for (int64_t a = 0; a < count; a++)
        for (int64_t i = 0; i < HEAD_STRIDE; i++) {
            float value = values[a * HEAD_STRIDE + i] + device_head[devices[a] * HEAD_STRIDE + i];
            values[a * HEAD_STRIDE + i] = value > 0 ? value : 0;
        }
}

FNAS_MULTIVERSION
static double inner_product(const float *restrict a, const float *restrict b) {
    enum { LANES = 16 };
    float lanes[LANES] = {0};
    for (int64_t i = 0; i < HEAD_STRIDE; i += LANES)
        for (int64_t l = 0; l < LANES; l++) lanes[l] += a[i + l] * b[i + l];
    double sum = 0;
    for (int64_t l = 0; l < LANES; l++) sum += (double)lanes[l];
    return sum;
}

static void head_forward(fnas_graph_predictor *p, const int64_t *devices, double *latency) {
    multiply(p->count, HEAD, WIDTH, p->hidden[3], STRIDE, weights_of(p, FNAS_GRAPH_HEAD1, 0), p->head[0], HEAD_STRIDE);
    add_device_relu(p->count, devices, p->device_head, p->head[0]);
    multiply(p->count, HEAD, HEAD, p->head[0], HEAD_STRIDE, weights_of(p, FNAS_GRAPH_HEAD2, 0), p->head[1], HEAD_STRIDE);
    add_bias_relu(p->count, HEAD_STRIDE, weights_of(p, FNAS_GRAPH_HEAD2, HEAD), p->head[1]);
    const float *last = weights_of(p, FNAS_GRAPH_HEAD3, 0);
    for (int64_t i = 0; i < p->count; i++) latency[i] = (double)last[HEAD_STRIDE] + inner_product(last, p->head[1] + i * HEAD_STRIDE);
}

void fnas_graph_predictor_devices(fnas_graph_predictor *p, int64_t count, const double *embeddings) {
    enum { E = FNAS_GRAPH_EMBEDDING };
    for (int64_t d = 0; d < count; d++) {
        float embedding[E];
        for (int64_t e = 0; e < E; e++) embedding[e] = (float)embeddings[d * E + e];
        multiply(1, WIDTH, E, embedding, E, weights_of(p, FNAS_GRAPH_DEVICE1, 0), p->device1 + d * STRIDE, STRIDE);
    }
    add_bias_relu(count, STRIDE, weights_of(p, FNAS_GRAPH_DEVICE1, E), p->device1);
    multiply(count, WIDTH, WIDTH, p->device1, STRIDE, weights_of(p, FNAS_GRAPH_DEVICE2, 0), p->device2, STRIDE);
    add_bias_relu(count, STRIDE, weights_of(p, FNAS_GRAPH_DEVICE2, WIDTH), p->device2);
    multiply(count, HEAD, WIDTH, p->device2, STRIDE, weights_of(p, FNAS_GRAPH_HEAD1, WIDTH), p->device_head, HEAD_STRIDE);
    const float *bias = weights_of(p, FNAS_GRAPH_HEAD1, HEAD);
    for (int64_t d = 0; d < count; d++)
        for (int64_t i = 0; i < HEAD; i++) p->device_head[d * HEAD_STRIDE + i] += bias[i];
}

void fnas_graph_predictor_predict(fnas_graph_predictor *p, int64_t count, const int32_t *choices, const int64_t *devices, double *latency) {
    find_states(p, count, choices);
    graph_forward(p);
    head_forward(p, devices, latency);
}

/* ---- backward to the graph ---- */

FNAS_MULTIVERSION
static void last_backward(int64_t count, const double *slope, const float *restrict weights, const float *restrict values,
                          float *restrict diff) {
    for (int64_t a = 0; a < count; a++) {
        float own = (float)slope[a];
        for (int64_t i = 0; i < HEAD_STRIDE; i++) diff[a * HEAD_STRIDE + i] = values[a * HEAD_STRIDE + i] > 0 ? own * weights[i] : 0;
    }
}

/* From the slopes [count] of the latencies to the gradient of what layer 4 sees. */
static void head_backward(fnas_graph_predictor *p) {
    int64_t count = p->count;
    last_backward(count, p->slope, weights_of(p, FNAS_GRAPH_HEAD3, 0), p->head[1], p->diff_head[1]);
    multiply_back(count, HEAD, HEAD, p->diff_head[1], weights_of(p, FNAS_GRAPH_HEAD2, 0), HEAD_STRIDE, p->diff_head[0], HEAD_STRIDE);
    mask_rows(count * HEAD_STRIDE, p->head[0], p->diff_head[0]);
    multiply_back(count, HEAD, WIDTH, p->diff_head[0], weights_of(p, FNAS_GRAPH_HEAD1, 0), HEAD_STRIDE, p->diff_graph, STRIDE);
    mask_rows(count * STRIDE, p->hidden[3], p->diff_graph);
    multiply_back(count, WIDTH, WIDTH, p->diff_graph, weights_of(p, FNAS_GRAPH_CONV4, 0), STRIDE, p->diff_all, STRIDE);
}

/* ---- the gradient of one-hots: every architecture's nodes 1 to 8 have their own, though states are shared ---- */

enum { READERS_MOST = 4, INNER = NODES - 1 };
static const int32_t readers[INNER][READERS_MOST] = {/* of nodes 1 to 8, less 1; ended by -1: who sees it */
                                                     {0, 2, 4, 7},  {1, 5, 7, -1}, {2, 5, 7, -1}, {3, 6, 7, -1},
                                                     {4, 6, 7, -1}, {5, 6, 7, -1}, {6, 7, -1, 0}, {7, -1, 0, 0}};

/* diff [batch][INNER] of layer 3 before its non-linearity. */
FNAS_MULTIVERSION
static void spread_to_nodes(int64_t count, const int32_t *nodes, const float *restrict hidden, const float *restrict diff_all,
                            float *restrict diff) {
    for (int64_t a = 0; a < count; a++)
        for (int64_t node = 1; node < NODES; node++, diff += STRIDE) {
            const float *own = hidden + (int64_t)nodes[a * NODES + node] * STRIDE;
            for (int64_t i = 0; i < STRIDE; i++) diff[i] = own[i] > 0 ? diff_all[a * STRIDE + i] : 0;
        }
}

/* diff_hidden of a node is the sum of diff_seen over its readers, where it was active. hidden NULL: there is no non-linearity. */
FNAS_MULTIVERSION
static void gather_from_readers(int64_t count, int64_t node_count, const int32_t *nodes, const float *restrict hidden,
                                const float *restrict diff_seen, float *restrict diff) {
    for (int64_t a = 0; a < count; a++, diff_seen += (int64_t)INNER * STRIDE)
        for (int64_t node = 0; node < node_count; node++, diff += STRIDE) {
            float sum[STRIDE] = {0};
            for (int64_t k = 0; k < READERS_MOST && readers[node][k] >= 0; k++)
                for (int64_t i = 0; i < STRIDE; i++) sum[i] += diff_seen[readers[node][k] * STRIDE + i];
            const float *own = hidden ? hidden + (int64_t)nodes[a * NODES + node + 1] * STRIDE : NULL;
            for (int64_t i = 0; i < STRIDE; i++) diff[i] = !own || own[i] > 0 ? sum[i] : 0;
        }
}

static void graph_backward_onehot(fnas_graph_predictor *p, double *gradient) {
    static const int32_t features[FNAS_GRAPH_OPS] = {4, 5, 2, 3, 1};
    int64_t count = p->count, rows = count * INNER;
    spread_to_nodes(count, p->nodes, p->hidden[2], p->diff_all, p->diff[0]);
    for (int layer = 2; layer >= 1; layer--) {
        const float *weights = weights_of(p, layer == 1 ? FNAS_GRAPH_CONV2 : FNAS_GRAPH_CONV3, 0);
        multiply_back(rows, WIDTH, WIDTH, p->diff[0], weights, STRIDE, p->diff[1], STRIDE);
        gather_from_readers(count, INNER, p->nodes, p->hidden[layer - 1], p->diff[1], p->diff[0]);
    }
    gather_from_readers(count, FNAS_GRAPH_EDGES, p->nodes, NULL, p->diff[0], p->diff[1]);
    multiply_back(count * FNAS_GRAPH_EDGES, WIDTH, FEATURES, p->diff[1], weights_of(p, FNAS_GRAPH_CONV1, 0), STRIDE, p->diff_features,
                  FEATURES);
    for (int64_t row = 0; row < count * FNAS_GRAPH_EDGES; row++)
        for (int64_t op = 0; op < FNAS_GRAPH_OPS; op++)
            gradient[row * FNAS_GRAPH_OPS + op] = p->diff_features[row * FEATURES + features[op]];
}

void fnas_graph_predictor_gradient(fnas_graph_predictor *p, int64_t count, const int32_t *choices, const int64_t *devices, double *latency,
                                   double *gradient) {
    fnas_graph_predictor_predict(p, count, choices, devices, latency);
    for (int64_t i = 0; i < count; i++) p->slope[i] = 1;
    head_backward(p);
    graph_backward_onehot(p, gradient);
}

/* ---- the gradient of the parameters ---- */

static void head_backward_weights(fnas_graph_predictor *p) {
    int64_t count = p->count;
    float *last = slopes_of(p, FNAS_GRAPH_HEAD3, 0);
    for (int64_t a = 0; a < count; a++) {
        float own = (float)p->slope[a];
        for (int64_t i = 0; i < HEAD; i++) last[i] += own * p->head[1][a * HEAD_STRIDE + i];
        last[HEAD_STRIDE] += own;
    }
    multiply_weights(count, HEAD, HEAD, p->head[0], HEAD_STRIDE, p->diff_head[1], HEAD_STRIDE, slopes_of(p, FNAS_GRAPH_HEAD2, 0));
    add_rows_up(count, HEAD_STRIDE, p->diff_head[1], slopes_of(p, FNAS_GRAPH_HEAD2, HEAD));
    multiply_weights(count, HEAD, WIDTH, p->hidden[3], STRIDE, p->diff_head[0], HEAD_STRIDE, slopes_of(p, FNAS_GRAPH_HEAD1, 0));
    add_rows_up(count, HEAD_STRIDE, p->diff_head[0], slopes_of(p, FNAS_GRAPH_HEAD1, HEAD));
    multiply_weights(count, WIDTH, WIDTH, p->seen[2], STRIDE, p->diff_graph, STRIDE, slopes_of(p, FNAS_GRAPH_CONV4, 0));
    add_rows_up(count, STRIDE, p->diff_graph, slopes_of(p, FNAS_GRAPH_CONV_BIAS, 3));
}

/* weights [inputs][width] = x diff', bias = diff, for the batch's one device. */
static void outer_product(int64_t inputs, int64_t stride, const float *x, const float *diff, float *weights, float *bias) {
    for (int64_t k = 0; k < inputs; k++)
        for (int64_t i = 0; i < stride; i++) weights[k * stride + i] = x[k] * diff[i];
    if (bias) memcpy(bias, diff, (size_t)stride * sizeof *bias);
}

static void device_backward(fnas_graph_predictor *p, const double *embedding) {
    float diff2[STRIDE] = {0}, diff1[STRIDE] = {0}, input[FNAS_GRAPH_EMBEDDING];
    const float *diff_head = slopes_of(p, FNAS_GRAPH_HEAD1, HEAD); /* the gradient of its bias is that of all that the device adds */
    for (int64_t e = 0; e < FNAS_GRAPH_EMBEDDING; e++) input[e] = (float)embedding[e];
    outer_product(WIDTH, HEAD_STRIDE, p->device2, diff_head, slopes_of(p, FNAS_GRAPH_HEAD1, WIDTH), NULL);
    multiply_back(1, HEAD, WIDTH, diff_head, weights_of(p, FNAS_GRAPH_HEAD1, WIDTH), HEAD_STRIDE, diff2, STRIDE);
    mask_rows(STRIDE, p->device2, diff2);
    outer_product(WIDTH, STRIDE, p->device1, diff2, slopes_of(p, FNAS_GRAPH_DEVICE2, 0), slopes_of(p, FNAS_GRAPH_DEVICE2, WIDTH));
    multiply_back(1, WIDTH, WIDTH, diff2, weights_of(p, FNAS_GRAPH_DEVICE2, 0), STRIDE, diff1, STRIDE);
    mask_rows(STRIDE, p->device1, diff1);
    outer_product(FNAS_GRAPH_EMBEDDING, STRIDE, input, diff1, slopes_of(p, FNAS_GRAPH_DEVICE1, 0),
                  slopes_of(p, FNAS_GRAPH_DEVICE1, FNAS_GRAPH_EMBEDDING));
}

FNAS_MULTIVERSION
static void sum_all_backward(int64_t count, const int32_t *nodes, const float *restrict diff_all, float *restrict diff) {
    for (int64_t a = 0; a < count; a++)
        for (int64_t k = 0; k < NODES; k++)
            for (int64_t i = 0; i < STRIDE; i++) diff[(int64_t)nodes[a * NODES + k] * STRIDE + i] += diff_all[a * STRIDE + i];
}

FNAS_MULTIVERSION
static void first_layer_backward(int64_t count, const graph_state *states, const float *restrict diff, float *restrict weights) {
    for (int64_t s = 0; s < count; s++)
        for (int32_t k = 0; k < states[s].count; k++)
            for (int64_t i = 0; i < STRIDE; i++) weights[(int64_t)states[states[s].sees[k]].feature * STRIDE + i] += diff[s * STRIDE + i];
}

static void graph_backward_weights(fnas_graph_predictor *p) {
    int64_t states = p->state_count;
    size_t bytes = (size_t)(states * STRIDE) * sizeof(float);
    memset(p->diff[0], 0, bytes);
    sum_all_backward(p->count, p->nodes, p->diff_all, p->diff[0]);
    for (int layer = 2; layer >= 0; layer--) {
        fnas_graph_matrix matrix = layer == 1 ? FNAS_GRAPH_CONV2 : FNAS_GRAPH_CONV3;
        mask_rows(states * STRIDE, p->hidden[layer], p->diff[0]);
        add_rows_up(states, STRIDE, p->diff[0], slopes_of(p, FNAS_GRAPH_CONV_BIAS, layer));
        if (layer == 0) break;
        multiply_weights(states, WIDTH, WIDTH, p->seen[layer - 1], STRIDE, p->diff[0], STRIDE, slopes_of(p, matrix, 0));
        multiply_back(states, WIDTH, WIDTH, p->diff[0], weights_of(p, matrix, 0), STRIDE, p->diff[1], STRIDE);
        memset(p->diff[0], 0, bytes);
        sum_seen_backward(states, p->states, p->diff[1], p->diff[0]);
    }
    first_layer_backward(states, p->states, p->diff[0], slopes_of(p, FNAS_GRAPH_CONV1, 0));
}

/* Those that are summed up in place; products overwrite the others. */
static void clear_slopes(fnas_graph_predictor *p) {
    memset(slopes_of(p, FNAS_GRAPH_CONV1, 0), 0, FEATURES * STRIDE * sizeof(float));
    memset(slopes_of(p, FNAS_GRAPH_CONV_BIAS, 0), 0, 4 * STRIDE * sizeof(float));
    memset(slopes_of(p, FNAS_GRAPH_HEAD1, HEAD), 0, HEAD_STRIDE * sizeof(float));
    memset(slopes_of(p, FNAS_GRAPH_HEAD2, HEAD), 0, HEAD_STRIDE * sizeof(float));
    memset(slopes_of(p, FNAS_GRAPH_HEAD3, 0), 0, 2 * HEAD_STRIDE * sizeof(float));
}

double fnas_graph_predictor_loss(fnas_graph_predictor *p, int64_t count, const int32_t *choices, const double *embedding,
                                 const double *targets) {
    double loss = 0;
    fnas_graph_predictor_devices(p, 1, embedding);
    fnas_graph_predictor_predict(p, count, choices, p->first_device, p->slope);
    for (int64_t i = 0; i < count; i++) {
        double error = p->slope[i] - targets[i];
        loss += error * error / (double)count;
        p->slope[i] = 2 * error / (double)count;
    }
    clear_slopes(p);
    head_backward(p);
    head_backward_weights(p);
    device_backward(p, embedding);
    graph_backward_weights(p);
    return loss;
}

void fnas_graph_predictor_update(fnas_graph_predictor *p, double rate) {
    fnas_adam adam = {.rate = rate, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    (void)fnas_clip_global_norm(p->parameter_count, 5, p->gradient);
    fnas_adam_step(&adam, ++p->steps, p->parameter_count, p->gradient, p->moment1, p->moment2, p->parameters);
}

int64_t fnas_graph_predictor_draw(uint64_t seed, int64_t step, int64_t device_count, const float *latency, int64_t count, int32_t *choices,
                                  double *targets) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_PREDICTOR, step, 1);
    int64_t device = fnas_random_below(&random, device_count);
    for (int64_t i = 0; i < count; i++) {
        int64_t arch = fnas_random_below(&random, ARCHS);
        targets[i] = (double)latency[device * ARCHS + arch];
        for (int64_t e = FNAS_GRAPH_EDGES - 1; e >= 0; e--, arch /= FNAS_GRAPH_OPS)
            choices[i * FNAS_GRAPH_EDGES + e] = (int32_t)(arch % FNAS_GRAPH_OPS);
    }
    return device;
}
