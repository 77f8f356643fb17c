/* The graph predictor against the plainest way to compute it: one architecture at a time, nine nodes, in double precision. */
#include "base/support.h"

#include <math.h>

#include "base/random.h"
#include "bench/graph_predictor.h"

enum { BATCH = 40, DEVICES = 5, NODES = 9, WIDTH = 100, HEAD = 200, FEATURES = 8, EDGES = FNAS_GRAPH_EDGES, OPS = FNAS_GRAPH_OPS };

static const int from[] = {0, 0, 0, 1, 1, 2, 3, 4, 5, 6}, to[] = {1, 2, 4, 3, 5, 6, 6, 7, 7, 7};
static const int feature_of[OPS] = {4, 5, 2, 3, 1};

static double at(fnas_graph_predictor *p, fnas_graph_matrix matrix, int64_t row, int64_t column) {
    return (double)*fnas_graph_predictor_parameter(p, matrix, row, column);
}

/* relu(x W + bias) of one row. */
static void layer(fnas_graph_predictor *p, fnas_graph_matrix weights, int64_t first_row, int64_t inputs, int64_t outputs, const double *x,
                  fnas_graph_matrix bias, int64_t bias_row, const double *besides, double *y) {
    for (int64_t o = 0; o < outputs; o++) {
        y[o] = at(p, bias, bias_row, o) + (besides ? besides[o] : 0);
        for (int64_t i = 0; i < inputs; i++) y[o] += x[i] * at(p, weights, first_row + i, o);
        y[o] = fmax(y[o], 0);
    }
}

static void adjacency(double a[NODES][NODES]) {
    memset(a, 0, sizeof(double) * NODES * NODES);
    for (size_t e = 0; e < sizeof from / sizeof *from; e++) a[to[e]][from[e]] = 1;
    for (int i = 0; i < NODES; i++) a[i][i] = a[8][i] = 1;
}

static double naive(fnas_graph_predictor *p, const double *onehot, const double *embedding) {
    static const fnas_graph_matrix convolutions[] = {FNAS_GRAPH_CONV1, FNAS_GRAPH_CONV2, FNAS_GRAPH_CONV3, FNAS_GRAPH_CONV4};
    double x[NODES][WIDTH] = {{0}}, seen[NODES][WIDTH], a[NODES][NODES];
    adjacency(a);
    x[0][0] = x[7][6] = x[8][7] = 1;
    for (int e = 0; e < EDGES; e++)
        for (int op = 0; op < OPS; op++) x[e + 1][feature_of[op]] = onehot[e * OPS + op];
    for (int l = 0; l < 4; l++) {
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++)
                for (int k = 0; k < WIDTH; k++) seen[i][k] += a[i][j] * x[j][k];
        for (int i = 0; i < NODES; i++)
            layer(p, convolutions[l], 0, l == 0 ? FEATURES : WIDTH, WIDTH, seen[i], FNAS_GRAPH_CONV_BIAS, l, NULL, x[i]);
    }
    double d1[WIDTH], d2[WIDTH], both[2 * WIDTH], h1[HEAD], h2[HEAD], sum = at(p, FNAS_GRAPH_HEAD3, 1, 0);
    layer(p, FNAS_GRAPH_DEVICE1, 0, FNAS_GRAPH_EMBEDDING, WIDTH, embedding, FNAS_GRAPH_DEVICE1, FNAS_GRAPH_EMBEDDING, NULL, d1);
    layer(p, FNAS_GRAPH_DEVICE2, 0, WIDTH, WIDTH, d1, FNAS_GRAPH_DEVICE2, WIDTH, NULL, d2);
    memcpy(both, x[8], sizeof x[8]);
    memcpy(both + WIDTH, d2, sizeof d2);
    layer(p, FNAS_GRAPH_HEAD1, 0, HEAD, HEAD, both, FNAS_GRAPH_HEAD1, HEAD, NULL, h1);
    layer(p, FNAS_GRAPH_HEAD2, 0, HEAD, HEAD, h1, FNAS_GRAPH_HEAD2, HEAD, NULL, h2);
    for (int i = 0; i < HEAD; i++) sum += at(p, FNAS_GRAPH_HEAD3, 0, i) * h2[i];
    return sum;
}

typedef struct drawn {
    fnas_graph_predictor *predictor;
    int32_t choices[BATCH * EDGES];
    int64_t devices[BATCH];
    double embeddings[DEVICES * FNAS_GRAPH_EMBEDDING], onehot[BATCH][FNAS_GRAPH_ONEHOT], targets[BATCH];
} drawn;

/* Some architectures twice. */
static void draw(fnas_test_place *place, drawn *d) {
    fnas_random random = fnas_random_begin(7, FNAS_STREAM_TEST, 0, 0);
    memset(d, 0, sizeof *d);
    assert_status(FNAS_OK, fnas_graph_predictor_create(place->context, 3, BATCH, DEVICES, &d->predictor));
    for (int64_t i = 0; i < DEVICES * FNAS_GRAPH_EMBEDDING; i++) d->embeddings[i] = fnas_random_uniform(&random);
    for (int64_t i = 0; i < BATCH; i++) {
        for (int64_t e = 0; e < EDGES; e++) {
            int32_t op = i % 10 == 9 ? d->choices[(i - 5) * EDGES + e] : (int32_t)fnas_random_below(&random, OPS);
            d->choices[i * EDGES + e] = op;
            d->onehot[i][e * OPS + op] = 1;
        }
        d->devices[i] = fnas_random_below(&random, DEVICES);
        d->targets[i] = fnas_random_uniform(&random);
    }
    for (int64_t i = 0; i < 50; i++) /* not all units on */
        *fnas_graph_predictor_parameter(d->predictor, FNAS_GRAPH_CONV_BIAS, i % 4, i) -= 0.3f;
    fnas_graph_predictor_devices(d->predictor, DEVICES, d->embeddings);
}

static void test_parameter_count(void **state) {
    (void)state;
    int64_t count = 0;
    for (int m = 0; m < FNAS_GRAPH_MATRICES; m++)
        for (int64_t row = 0; row < fnas_graph_matrix_rows((fnas_graph_matrix)m); row++)
            count += fnas_graph_matrix_columns((fnas_graph_matrix)m, row);
    assert_int_equal(count, 123001);
}

/* Seven layers of sums of at most 900 floats: 1e-5 of the value and of the size of a typical one. */
static void test_predict(void **state) {
    drawn d;
    double latency[BATCH], alone, spread = 0;
    draw(*state, &d);
    fnas_graph_predictor_predict(d.predictor, BATCH, d.choices, d.devices, latency);
    for (int64_t i = 0; i < BATCH; i++) {
        double expected = naive(d.predictor, d.onehot[i], d.embeddings + d.devices[i] * FNAS_GRAPH_EMBEDDING);
        assert_true(fabs(latency[i] - expected) <= 1e-5 * (0.1 + fabs(expected)));
        fnas_graph_predictor_predict(d.predictor, 1, d.choices + i * EDGES, d.devices + i, &alone);
        assert_true(fabs(latency[i] - alone) <= 1e-5 * (0.1 + fabs(alone)));
        spread = fmax(spread, fabs(latency[i] - latency[0]));
    }
    assert_true(spread > 1e-3);
    fnas_graph_predictor_free(d.predictor);
}

/* The function is piecewise linear in D, so that central differences are exact but for rounding unless a unit turns within the step. */
static void test_onehot_gradient(void **state) {
    static double gradient[BATCH][FNAS_GRAPH_ONEHOT];
    drawn d;
    double latency[BATCH];
    int64_t turned = 0, checked = 0;
    draw(*state, &d);
    fnas_graph_predictor_gradient(d.predictor, BATCH, d.choices, d.devices, latency, gradient[0]);
    for (int64_t i = 0; i < BATCH; i += 4) {
        const double *embedding = d.embeddings + d.devices[i] * FNAS_GRAPH_EMBEDDING;
        for (int64_t k = 0; k < FNAS_GRAPH_ONEHOT; k += 2, checked++) {
            double kept = d.onehot[i][k], h = 1e-5, middle = naive(d.predictor, d.onehot[i], embedding);
            d.onehot[i][k] = kept + h;
            double high = naive(d.predictor, d.onehot[i], embedding);
            d.onehot[i][k] = kept - h;
            double low = naive(d.predictor, d.onehot[i], embedding);
            d.onehot[i][k] = kept;
            bool bends = fabs(high - 2 * middle + low) > 1e-12;
            turned += bends;
            if (!bends) assert_true(fabs((high - low) / (2 * h) - gradient[i][k]) <= 1e-5 * (0.01 + fabs(gradient[i][k])));
        }
    }
    assert_true(turned < checked / 10);
    fnas_graph_predictor_free(d.predictor);
}

static double naive_loss(const drawn *d) {
    double loss = 0;
    for (int64_t i = 0; i < BATCH; i++) {
        double error = naive(d->predictor, d->onehot[i], d->embeddings) - d->targets[i];
        loss += error * error / BATCH;
    }
    return loss;
}

/* A few parameters of every matrix; the loss is quadratic while no unit turns. */
static void test_parameter_gradient(void **state) {
    drawn d;
    draw(*state, &d);
    double loss = fnas_graph_predictor_loss(d.predictor, BATCH, d.choices, d.embeddings, d.targets), expected = naive_loss(&d);
    assert_true(fabs(loss - expected) <= 1e-5 * expected);
    int64_t turned = 0, checked = 0, nonzero = 0;
    fnas_random random = fnas_random_begin(8, FNAS_STREAM_TEST, 0, 0);
    for (int m = 0; m < FNAS_GRAPH_MATRICES; m++) {
        for (int64_t draw_count = 0; draw_count < 6; draw_count++, checked++) {
            fnas_graph_matrix matrix = (fnas_graph_matrix)m;
            int64_t rows = fnas_graph_matrix_rows(matrix), row = draw_count == 0 ? rows - 1 : fnas_random_below(&random, rows);
            int64_t column = fnas_random_below(&random, fnas_graph_matrix_columns(matrix, row));
            float *parameter = fnas_graph_predictor_parameter(d.predictor, matrix, row, column), kept = *parameter;
            double slope = (double)fnas_graph_predictor_slope(d.predictor, matrix, row, column), h[2], value[2];
            for (int side = 0; side < 2; side++) {
                *parameter = side ? kept + 0x1p-14f : kept - 0x1p-14f;
                h[side] = (double)*parameter - (double)kept;
                value[side] = naive_loss(&d);
            }
            *parameter = kept;
            double difference = (value[1] - value[0]) / (h[1] - h[0]);
            bool good = fabs(difference - slope) <= 2e-5 * (0.01 + fabs(slope));
            turned += !good;
            nonzero += slope != 0;
            if (fabs(difference - slope) > 0.05 * (0.01 + fabs(slope)))
                fail_msg("matrix %d, %lld, %lld: slope %g, difference %g", m, (long long)row, (long long)column, slope, difference);
        }
    }
    assert_true(turned <= checked / 5); /* a unit turned within the step: then the difference is near, not equal */
    assert_true(nonzero > checked / 2);
    fnas_graph_predictor_free(d.predictor);
}

/* It learns: a function of its own kind from its own draws. */
static void test_training(void **state) {
    enum { ARCHS = 15625, COUNT = 64, STEPS = 800 };
    fnas_test_place *place = *state;
    float *latency = calloc((size_t)2 * ARCHS, sizeof *latency);
    static const float op_ms[OPS] = {0, 0.1f, 0.7f, 2, 0.5f};
    for (int64_t device = 0; device < 2; device++)
        for (int64_t arch = 0; arch < ARCHS; arch++)
            for (int64_t rest = arch, e = 0; e < EDGES; e++, rest /= OPS)
                latency[device * ARCHS + arch] += op_ms[rest % OPS] * (float)(1 + device);
    fnas_graph_predictor *p;
    assert_status(FNAS_OK, fnas_graph_predictor_create(place->context, 1, COUNT, 1, &p));
    double embeddings[2][FNAS_GRAPH_EMBEDDING] = {{0.1, 0.9, 0.3}, {0.8, 0.2, 1}}, first = 0, last = 0;
    for (int64_t step = 0; step < STEPS; step++) {
        int32_t choices[COUNT * EDGES];
        double targets[COUNT];
        int64_t device = fnas_graph_predictor_draw(5, step, 2, latency, COUNT, choices, targets);
        double loss = fnas_graph_predictor_loss(p, COUNT, choices, embeddings[device], targets);
        if (step < 10) first += loss / 10;
        if (step >= STEPS - 10) last += loss / 10;
        fnas_graph_predictor_update(p, 1e-3);
    }
    assert_true(last < 0.05 * first);
    fnas_graph_predictor_free(p);
    free(latency);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_parameter_count), fnas_test(test_predict), fnas_test(test_onehot_gradient),
                                       fnas_test(test_parameter_gradient), fnas_test(test_training)};
    return cmocka_run_group_tests_name("graph predictor", tests, NULL, NULL);
}
