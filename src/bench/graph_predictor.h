/* The latency predictor of the reference implementation by its shape, to measure on: a graph network over the cell of NAS-Bench-201 and a
 * branch for the device's embedding. fleetnas has another predictor (docs/predictor.md) and trains none of these; weights are random.
 *
 * Nine nodes: the cell's input, its six edges, its output, and one that sees all. Four graph convolutions X <- relu(A X W + b), 8 -> 100 ->
 * 100 -> 100 -> 100, A fixed (each node sees its predecessors and itself); the last is needed at the ninth node alone. The embedding goes
 * through relu(10 -> 100), relu(100 -> 100). Both results through relu(200 -> 200), relu(200 -> 200), 200 -> 1. 123,001 parameters.
 *
 * How it is computed: a node's state depends on the operations that reach it and on nothing else, so that the first six edges of a whole
 * batch have few distinct states, each computed once (forward, and backward by the weights, where their gradients add up). What depends on
 * the device alone is computed once a device. Products go to BLAS. */
#ifndef FNAS_BENCH_GRAPH_PREDICTOR_H
#define FNAS_BENCH_GRAPH_PREDICTOR_H

#include "base/error.h"

enum {
    FNAS_GRAPH_EDGES = 6,
    FNAS_GRAPH_OPS = 5, /* in the order of the space nb201: none, skip, 1x1, 3x3, pool */
    FNAS_GRAPH_ONEHOT = FNAS_GRAPH_EDGES * FNAS_GRAPH_OPS,
    FNAS_GRAPH_EMBEDDING = 10
};

typedef struct fnas_graph_predictor fnas_graph_predictor;

/* For batches of at most batch_most architectures and device_most devices. Uniform random weights as the reference draws them. */
FNAS_NODISCARD fnas_status fnas_graph_predictor_create(fnas_context *context, uint64_t seed, int64_t batch_most, int64_t device_most,
                                                       fnas_graph_predictor **predictor);
void fnas_graph_predictor_free(fnas_graph_predictor *predictor);

/* ---- frozen ---- */

/* Before predictions: what is known of each device, embeddings [count][EMBEDDING]. Anew after training. */
void fnas_graph_predictor_devices(fnas_graph_predictor *predictor, int64_t count, const double *embeddings);
/* latency [count] of choices [count][EDGES] on devices [count]. */
void fnas_graph_predictor_predict(fnas_graph_predictor *predictor, int64_t count, const int32_t *choices, const int64_t *devices,
                                  double *latency);
/* Besides, gradient [count][ONEHOT] = d latency / d D at the one-hot D of the choices, written. */
void fnas_graph_predictor_gradient(fnas_graph_predictor *predictor, int64_t count, const int32_t *choices, const int64_t *devices,
                                   double *latency, double *gradient);

/* ---- training ---- */

/* A batch as the reference draws them: one device of `device_count`, `count` architectures of the whole space. latency
 * [device_count][15625], an architecture being the number whose digits of base 5 are its choices. Returns the device; choices
 * [count][EDGES], targets [count]. */
int64_t fnas_graph_predictor_draw(uint64_t seed, int64_t step, int64_t device_count, const float *latency, int64_t count, int32_t *choices,
                                  double *targets);
/* Mean square error of a batch on one device, and its gradient, kept inside (fnas_graph_predictor_slope). */
double fnas_graph_predictor_loss(fnas_graph_predictor *predictor, int64_t count, const int32_t *choices, const double *embedding,
                                 const double *targets);
/* Clips the gradient to norm 5 and takes one step of Adam. */
void fnas_graph_predictor_update(fnas_graph_predictor *predictor, double rate);

/* ---- parameters, for tests: by matrix, row, column ---- */

typedef enum fnas_graph_matrix {
    FNAS_GRAPH_CONV1, /* 8 x 100; rows: input, pool, 1x1, 3x3, none, skip, output, the one that sees all */
    FNAS_GRAPH_CONV2, /* 100 x 100, as the next two */
    FNAS_GRAPH_CONV3,
    FNAS_GRAPH_CONV4,
    FNAS_GRAPH_CONV_BIAS, /* 4 x 100 */
    FNAS_GRAPH_DEVICE1,   /* 11 x 100, the last row is the bias; as the next four */
    FNAS_GRAPH_DEVICE2,   /* 101 x 100 */
    FNAS_GRAPH_HEAD1,     /* 201 x 200: first the graph's 100 inputs, then the device's */
    FNAS_GRAPH_HEAD2,     /* 201 x 200 */
    FNAS_GRAPH_HEAD3,     /* 2 x 200: weights; bias in the first column */
    FNAS_GRAPH_MATRICES
} fnas_graph_matrix;

int64_t fnas_graph_matrix_rows(fnas_graph_matrix matrix);
int64_t fnas_graph_matrix_columns(fnas_graph_matrix matrix, int64_t row);
float *fnas_graph_predictor_parameter(fnas_graph_predictor *predictor, fnas_graph_matrix matrix, int64_t row, int64_t column);
/* d loss / d parameter of the last fnas_graph_predictor_loss. */
float fnas_graph_predictor_slope(const fnas_graph_predictor *predictor, fnas_graph_matrix matrix, int64_t row, int64_t column);

#endif
