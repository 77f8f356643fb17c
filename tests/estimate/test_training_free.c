/* Scores of untrained networks against naive computations in double precision, on small networks of NAS-Bench-201. */
#include "base/support.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "estimate/training_free.h"
#include "nn/path.h"
#include "space/space.h"

#define IMAGES 6
#define CHANNELS 3
#define SIDE 8
#define PIXELS (CHANNELS * SIDE * SIDE)
#define ARCHS 24
#define SEED 41
#define KINDS 5
#define SMALL "nb201:channels=4,cells=2,classes=5,input=3x8x8"

typedef struct small {
    fnas_space *space;
    float images[IMAGES * PIXELS];
    int32_t labels[IMAGES];
    int32_t choices[ARCHS][6];
} small;

static small *small_create(fnas_test_place *place) {
    small *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_status(FNAS_OK, fnas_space_open(place->context, SMALL, &s->space));
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    for (int64_t i = 0; i < IMAGES * PIXELS; i++) s->images[i] = (float)fnas_random_normal(&random);
    for (int32_t i = 0; i < IMAGES; i++) s->labels[i] = i % 5;
    for (int64_t i = 0; i < ARCHS; i++) fnas_space_random(s->space, 5, i, s->choices[i]);
    return s;
}

static void small_free(small *s) {
    fnas_space_close(s->space);
    free(s);
}

static fnas_training_free_options options_of(const small *s, fnas_training_free_kind kind) {
    bool looks = kind != FNAS_TRAINING_FREE_SYNFLOW;
    return (fnas_training_free_options){.kind = kind,
                                        .seed = SEED,
                                        .repeats = 1,
                                        .image_count = looks ? IMAGES : 0,
                                        .images = looks ? s->images : NULL,
                                        .labels = kind == FNAS_TRAINING_FREE_ZICO ? s->labels : NULL};
}

static void score(fnas_test_place *place, const small *s, const fnas_training_free_options *options, int64_t first, int64_t count,
                  double *scores) {
    assert_status(FNAS_OK, fnas_training_free_scores(place->context, s->space, options, count, s->choices[first], scores));
}

/* The weights of a repeat, as training_free.c draws them: these streams are part of what a seed means. */
static void draw(fnas_test_place *place, const small *s, int64_t repeat, fnas_parameters *weights) {
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_INIT, repeat, 1);
    uint64_t high = fnas_random_u32(&random), seed = high << 32 | fnas_random_u32(&random);
    assert_status(FNAS_OK, fnas_space_declare(place->context, s->space, weights));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, weights));
    fnas_parameters_initialise(weights, seed);
}

static double *doubles_of(int64_t count, const float *values) {
    double *made = fnas_allocate((size_t)count, sizeof *made);
    for (int64_t i = 0; i < count; i++) made[i] = values[i];
    return made;
}

/* ---- NASWOT ---- */

#define CLOSE 1e-5 /* to zero: in f32 it may lie on the other side */

typedef struct naive_kernel {
    const fnas_net *net;
    double entries[IMAGES][IMAGES];
    bool close;
} naive_kernel;

/* K = sum of x x^T + (1 - x)(1 - x)^T over ReLUs, once for each node that reads one. */
static void add_codes(void *user, int64_t node, const double *source) {
    naive_kernel *kernel = user;
    if (kernel->net->nodes[node].kind != FNAS_NODE_RELU) return;
    fnas_value_shape shape = kernel->net->values[kernel->net->nodes[node].source];
    int64_t units = shape.c * shape.h * shape.w;
    for (int64_t reader = 0; reader < kernel->net->node_count; reader++) {
        if (kernel->net->nodes[reader].source != kernel->net->nodes[node].result) continue;
        for (int64_t i = 0; i < IMAGES; i++)
            for (int64_t j = 0; j < IMAGES; j++)
                for (int64_t u = 0; u < units; u++) {
                    double a = source[i * units + u] > 0, b = source[j * units + u] > 0;
                    kernel->entries[i][j] += a * b + (1 - a) * (1 - b);
                }
    }
    for (int64_t i = 0; i < IMAGES * units; i++) kernel->close |= fabs(source[i]) < CLOSE;
}

/* By elimination with row pivoting. */
static double log_determinant(naive_kernel *kernel) {
    double sum = 0;
    for (int k = 0; k < IMAGES; k++) {
        int best = k;
        for (int i = k + 1; i < IMAGES; i++)
            if (fabs(kernel->entries[i][k]) > fabs(kernel->entries[best][k])) best = i;
        for (int j = 0; j < IMAGES; j++) {
            double other = kernel->entries[best][j];
            kernel->entries[best][j] = kernel->entries[k][j];
            kernel->entries[k][j] = other;
        }
        sum += log(fabs(kernel->entries[k][k]));
        for (int i = k + 1; i < IMAGES; i++) {
            double factor = kernel->entries[i][k] / kernel->entries[k][k];
            for (int j = k; j < IMAGES; j++) kernel->entries[i][j] -= factor * kernel->entries[k][j];
        }
    }
    return sum;
}

/* *close: some unit is so near to zero that the scores may differ. */
static double naive_naswot(fnas_test_place *place, const small *s, int64_t arch, const fnas_parameters *weights, bool *close) {
    fnas_net *net;
    assert_status(FNAS_OK, fnas_space_record(place->context, s->space, s->choices[arch], &net));
    naive_kernel kernel = {.net = net};
    double *values = doubles_of(weights->float_count, weights->values), *images = doubles_of(IMAGES * PIXELS, s->images);
    fnas_reference_request request = {.net = net,
                                      .layout = weights,
                                      .parameters = values,
                                      .images = images,
                                      .n = IMAGES,
                                      .observe_source = add_codes,
                                      .observer = &kernel};
    fnas_path_result ignored;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &request, &ignored));
    fnas_net_destroy(net);
    fnas_free(values);
    fnas_free(images);
    *close |= kernel.close;
    return log_determinant(&kernel);
}

/* ---- SynFlow ---- */

static void set_vector(const fnas_parameters *layout, int32_t handle, double value, double *values) {
    if (handle == FNAS_PARAMETER_NONE) return;
    for (int64_t i = 0; i < layout->items[handle].count; i++) values[layout->items[handle].offset + i] = value;
}

/* |w| times `factor` for the weights that a network uses, each layer spread as if it were not part of a larger kernel; no biases. */
static void linearise(const fnas_net *net, const fnas_parameters *weights, double factor, double *values) {
    for (int64_t n = 0; n < net->node_count; n++) {
        const fnas_node *node = &net->nodes[n];
        if (node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR) {
            const fnas_parameter *item = &weights->items[node->conv.weight];
            double kernel = (double)node->conv.kernel, whole = (double)item->shape[2], spread = factor * whole / kernel;
            for (int64_t i = 0; i < item->count; i++) values[item->offset + i] = spread * fabs((double)weights->values[item->offset + i]);
            set_vector(weights, node->conv.bias, 0, values);
        }
        set_vector(weights, node->norm.present ? node->norm.gamma : FNAS_PARAMETER_NONE, 1, values);
        set_vector(weights, node->norm.present ? node->norm.beta : FNAS_PARAMETER_NONE, 0, values);
    }
}

/* R of the network whose weights are all multiplied by `factor`, by the network as it is, its norms made to do nothing. */
static double flow(fnas_test_place *place, const fnas_net *net, const fnas_parameters *weights, double factor) {
    double ones[PIXELS], *values = fnas_allocate((size_t)weights->float_count, sizeof *values);
    float *statistics = fnas_allocate((size_t)net->norm_channels, 2 * sizeof *statistics);
    for (int i = 0; i < PIXELS; i++) ones[i] = 1;
    for (int64_t c = 0; c < net->norm_channels; c++) statistics[net->norm_channels + c] = 1 - 1e-5f; /* with epsilon: 1 */
    linearise(net, weights, factor, values);
    fnas_reference_request request = {.net = net,
                                      .layout = weights,
                                      .parameters = values,
                                      .images = ones,
                                      .n = 1,
                                      .loss = FNAS_PATH_LOG_SUM,
                                      .statistics = &(fnas_norm_state){statistics, statistics + net->norm_channels}};
    fnas_path_result result;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &request, &result));
    fnas_free(values);
    fnas_free(statistics);
    return exp(result.loss);
}

/* R is a polynomial in a factor t of all weights, and the sum of w dR/dw its derivative at t = 1. With at most 20 layers on a path the
 * central difference is right to 20^2 STEP^2. */
#define STEP 1e-5
static double naive_synflow(fnas_test_place *place, const small *s, int64_t arch, const fnas_parameters *weights) {
    fnas_net *net;
    assert_status(FNAS_OK, fnas_space_record(place->context, s->space, s->choices[arch], &net));
    double difference = flow(place, net, weights, 1 + STEP) - flow(place, net, weights, 1 - STEP);
    fnas_net_destroy(net);
    return log(difference / (2 * STEP));
}

/* ---- ZiCo ---- */

/* Gradients of one batch, as training takes them (tests/nn/test_path.c holds those to the reference). */
static float *gradients_of(fnas_test_place *place, const small *s, const fnas_net *net, const fnas_parameters *weights, int64_t batch) {
    float *gradients = fnas_allocate((size_t)weights->float_count, sizeof *gradients);
    fnas_worker worker;
    fnas_path_result ignored;
    const fnas_path_request request = {.net = net,
                                       .parameters = weights,
                                       .n = IMAGES / 2,
                                       .images = s->images + batch * IMAGES / 2 * PIXELS,
                                       .labels = s->labels + batch * IMAGES / 2,
                                       .scale = 1,
                                       .weight_gradient = gradients};
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &ignored));
    fnas_worker_destroy(&worker);
    return gradients;
}

/* Of two numbers a and b the mean magnitude is (|a| + |b|) / 2 and the deviation |a - b| / 2. Layer by layer as the network has them. */
static double naive_zico(fnas_test_place *place, const small *s, int64_t arch, const fnas_parameters *weights) {
    fnas_net *net;
    double score_of = 0;
    assert_status(FNAS_OK, fnas_space_record(place->context, s->space, s->choices[arch], &net));
    float *a = gradients_of(place, s, net, weights, 0), *b = gradients_of(place, s, net, weights, 1);
    for (int64_t n = 0; n < net->node_count; n++) {
        const fnas_node *node = &net->nodes[n];
        if (node->kind != FNAS_NODE_CONV && node->kind != FNAS_NODE_LINEAR) continue;
        const fnas_parameter *item = &weights->items[node->conv.weight];
        double sum = 0;
        for (int64_t i = item->offset; i < item->offset + item->count; i++)
            if (a[i] != b[i]) sum += (fabs((double)a[i]) + fabs((double)b[i])) / fabs((double)a[i] - (double)b[i]);
        score_of += log(sum);
    }
    fnas_net_destroy(net);
    fnas_free(a);
    fnas_free(b);
    return score_of;
}

/* ---- MeCo, expressivity: what the naive network shows ---- */

typedef struct naive_maps {
    const fnas_net *net;
    double *sources[256]; /* by node; NULL where none was seen */
} naive_maps;

static void keep_map(void *user, int64_t node, const double *source) {
    naive_maps *maps = user;
    fnas_value_shape shape = maps->net->values[maps->net->nodes[node].source];
    size_t count = (size_t)(IMAGES * shape.c * shape.h * shape.w);
    assert_true(node < 256);
    maps->sources[node] = fnas_allocate(count, sizeof(double));
    for (size_t i = 0; i < count; i++) maps->sources[node][i] = source[i] > 0 ? source[i] : 0;
}

static void naive_maps_run(fnas_test_place *place, const small *s, int64_t arch, const fnas_parameters *weights, naive_maps *maps) {
    fnas_net *net;
    assert_status(FNAS_OK, fnas_space_record(place->context, s->space, s->choices[arch], &net));
    *maps = (naive_maps){.net = net};
    double *values = doubles_of(weights->float_count, weights->values), *images = doubles_of(IMAGES * PIXELS, s->images);
    fnas_reference_request request = {
        .net = net, .layout = weights, .parameters = values, .images = images, .n = IMAGES, .observe_source = keep_map, .observer = maps};
    fnas_path_result ignored;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &request, &ignored));
    fnas_free(values);
    fnas_free(images);
}

static void naive_maps_free(naive_maps *maps) {
    for (int i = 0; i < 256; i++) fnas_free(maps->sources[i]);
    fnas_net_destroy((fnas_net *)maps->net);
}

/* Covariances of channels a and b over images first..last-1. */
static double naive_covariance(const double *map, fnas_value_shape shape, int64_t first, int64_t last, int64_t a, int64_t b) {
    int64_t pixels = shape.h * shape.w;
    double mean_a = 0, mean_b = 0, sum = 0, count = (double)((last - first) * pixels);
    for (int64_t i = first; i < last; i++)
        for (int64_t p = 0; p < pixels; p++) {
            mean_a += map[(i * shape.c + a) * pixels + p] / count;
            mean_b += map[(i * shape.c + b) * pixels + p] / count;
        }
    for (int64_t i = first; i < last; i++)
        for (int64_t p = 0; p < pixels; p++)
            sum += (map[(i * shape.c + a) * pixels + p] - mean_a) * (map[(i * shape.c + b) * pixels + p] - mean_b);
    return sum / count;
}

/* Eigenvalues of a symmetric matrix by Jacobi's rotations, into its diagonal. */
static void jacobi(int64_t n, double *a) {
    for (int sweep = 0; sweep < 60; sweep++)
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++) {
                if (fabs(a[p * n + q]) < 1e-300) continue;
                double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
                double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), sine = t * c;
                for (int64_t k = 0; k < n; k++) {
                    double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - sine * y;
                    a[k * n + q] = sine * x + c * y;
                }
                for (int64_t k = 0; k < n; k++) {
                    double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - sine * y;
                    a[q * n + k] = sine * x + c * y;
                }
            }
}

static double naive_meco(const naive_maps *maps) {
    double sum = 0, matrix[64 * 64];
    for (int64_t node = 0; node < maps->net->node_count; node++) {
        fnas_value_shape shape = maps->net->values[maps->net->nodes[node].source < 0 ? 0 : maps->net->nodes[node].source];
        if (maps->net->nodes[node].kind != FNAS_NODE_RELU || shape.h * shape.w <= shape.c) continue;
        for (int64_t i = 0; i < IMAGES; i++) {
            const double *map = maps->sources[node];
            for (int64_t a = 0; a < shape.c; a++)
                for (int64_t b = 0; b < shape.c; b++) {
                    double scale = naive_covariance(map, shape, i, i + 1, a, a) * naive_covariance(map, shape, i, i + 1, b, b);
                    matrix[a * shape.c + b] = scale > 0 ? naive_covariance(map, shape, i, i + 1, a, b) / sqrt(scale) : 0;
                }
            jacobi(shape.c, matrix);
            double smallest = INFINITY;
            for (int64_t a = 0; a < shape.c; a++) smallest = fmin(smallest, matrix[a * shape.c + a]);
            sum += smallest / IMAGES;
        }
    }
    return sum;
}

/* Maps between blocks of this small macro, told by their place: what the stem and the reductions give, and what reductions and the head
 * read. Nodes without gate; of those that give, the sum of a reduction is the result of its shortcut. */
static bool is_block_map(const fnas_net *net, fnas_value value) {
    bool read_by_skeleton = false, given_by_shortcut = false, is_stem = false;
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        if (node->gate.first >= 0) continue;
        bool plain_reader = node->kind == FNAS_NODE_AVERAGE_POOL || node->kind == FNAS_NODE_NORM;
        bool gated_giver = false;
        for (int64_t j = 0; j < net->node_count; j++) gated_giver |= net->nodes[j].result == value && net->nodes[j].gate.first >= 0;
        read_by_skeleton |= plain_reader && node->source == value && gated_giver;
        given_by_shortcut |= node->result == value && node->kind == FNAS_NODE_CONV && node->conv.kernel == 1;
        is_stem |= node->result == value && node->kind == FNAS_NODE_CONV && node->source == 0;
    }
    return read_by_skeleton || given_by_shortcut || is_stem;
}

static double naive_expressivity(const naive_maps *maps) {
    double sum = 0, matrix[64 * 64];
    bool done[256] = {false};
    for (int64_t node = 0; node < maps->net->node_count; node++) {
        fnas_value value = maps->net->nodes[node].source;
        if (value <= 0 || !maps->sources[node] || done[value] || !is_block_map(maps->net, value)) continue;
        fnas_value_shape shape = maps->net->values[value];
        double total = 0;
        done[value] = true;
        for (int64_t a = 0; a < shape.c; a++)
            for (int64_t b = 0; b < shape.c; b++) matrix[a * shape.c + b] = naive_covariance(maps->sources[node], shape, 0, IMAGES, a, b);
        jacobi(shape.c, matrix);
        for (int64_t a = 0; a < shape.c; a++) total += fmax(0, matrix[a * shape.c + a]);
        for (int64_t a = 0; a < shape.c; a++) {
            double share = fmax(0, matrix[a * shape.c + a]) / total;
            if (share > 1e-9) sum -= share * log(share);
        }
    }
    return sum;
}

/* ---- tests ---- */

static void test_naswot_equals_naive(void **state) {
    fnas_test_place *place = *state;
    small *s = small_create(place);
    const fnas_training_free_options options = options_of(s, FNAS_TRAINING_FREE_NASWOT);
    fnas_parameters weights = {0};
    double scores[ARCHS];
    int64_t compared = 0;
    draw(place, s, 0, &weights);
    score(place, s, &options, 0, ARCHS, scores);
    for (int64_t i = 0; i < ARCHS; i++) {
        bool close = false;
        if (!fnas_space_connected(s->space, s->choices[i])) continue;
        double expected = naive_naswot(place, s, i, &weights, &close);
        if (close) continue;
        if (!(fabs(scores[i] - expected) <= 1e-9)) fail_msg("architecture %d: %.12g, naive %.12g", (int)i, scores[i], expected);
        compared++;
    }
    assert_true(compared >= ARCHS / 2);
    fnas_parameters_free(&weights);
    small_free(s);
}

/* Bound: as in tests/nn/test_linear_net.c, for R and for its gradient. */
#define SYNFLOW_BOUND 4e-5

static void test_synflow_equals_naive(void **state) {
    fnas_test_place *place = *state;
    small *s = small_create(place);
    fnas_training_free_options options = options_of(s, FNAS_TRAINING_FREE_SYNFLOW);
    fnas_parameters weights[2] = {{0}};
    double once[ARCHS], twice[ARCHS];
    for (int64_t r = 0; r < 2; r++) draw(place, s, r, &weights[r]);
    score(place, s, &options, 0, ARCHS, once);
    options.repeats = 2;
    score(place, s, &options, 0, ARCHS, twice);
    for (int64_t i = 0; i < ARCHS; i++) {
        if (!fnas_space_connected(s->space, s->choices[i])) continue;
        double first = naive_synflow(place, s, i, &weights[0]), second = naive_synflow(place, s, i, &weights[1]);
        if (!(fabs(once[i] - first) <= SYNFLOW_BOUND)) fail_msg("architecture %d: %.9g, naive %.9g", (int)i, once[i], first);
        if (!(fabs(twice[i] - (first + second) / 2) <= SYNFLOW_BOUND))
            fail_msg("architecture %d, two repeats: %.9g, naive %.9g", (int)i, twice[i], (first + second) / 2);
        assert_true(fabs(first - second) > 10 * SYNFLOW_BOUND); /* else the repeats are one */
    }
    for (int64_t r = 0; r < 2; r++) fnas_parameters_free(&weights[r]);
    small_free(s);
}

static void test_zico_equals_naive(void **state) {
    fnas_test_place *place = *state;
    small *s = small_create(place);
    const fnas_training_free_options options = options_of(s, FNAS_TRAINING_FREE_ZICO);
    fnas_parameters weights = {0};
    double scores[ARCHS];
    draw(place, s, 0, &weights);
    score(place, s, &options, 0, ARCHS, scores);
    for (int64_t i = 0; i < ARCHS; i++) {
        if (!fnas_space_connected(s->space, s->choices[i])) continue;
        double expected = naive_zico(place, s, i, &weights);
        if (!(fabs(scores[i] - expected) <= 1e-9)) fail_msg("architecture %d: %.12g, naive %.12g", (int)i, scores[i], expected);
    }
    fnas_parameters_free(&weights);
    small_free(s);
}

/* Bounds: eigenvalues of correlations are right to the rounding of f32 maps, a few 1e-6 each; an expressivity sums entropies of at most 16
 * shares, whose slopes are at most log 1e9. */
#define MAP_BOUND 2e-4

static void test_map_scores_equal_naive(void **state) {
    fnas_test_place *place = *state;
    small *s = small_create(place);
    fnas_parameters weights = {0};
    const fnas_training_free_options meco = options_of(s, FNAS_TRAINING_FREE_MECO),
                                     expressivity = options_of(s, FNAS_TRAINING_FREE_EXPRESSIVITY);
    draw(place, s, 0, &weights);
    for (int64_t i = 0; i < ARCHS; i++) {
        if (!fnas_space_connected(s->space, s->choices[i])) continue;
        naive_maps maps;
        double found[2], expected[2];
        naive_maps_run(place, s, i, &weights, &maps);
        expected[0] = naive_meco(&maps);
        expected[1] = naive_expressivity(&maps);
        naive_maps_free(&maps);
        score(place, s, &meco, i, 1, &found[0]);
        score(place, s, &expressivity, i, 1, &found[1]);
        for (int k = 0; k < 2; k++)
            if (!(fabs(found[k] - expected[k]) <= MAP_BOUND))
                fail_msg("architecture %d, %s: %.9g, naive %.9g", (int)i, k ? "expressivity" : "meco", found[k], expected[k]);
    }
    fnas_parameters_free(&weights);
    small_free(s);
}

/* Same bits for any number of threads, whoever else is scored, and another outcome for another seed. */
static void test_threads_and_company(void **state) {
    fnas_test_place *place = *state;
    small *s = small_create(place);
    for (int kind = 0; kind < KINDS; kind++) {
        fnas_training_free_options options = options_of(s, (fnas_training_free_kind)kind);
        double one[ARCHS], three[ARCHS], other[ARCHS], alone;
        options.repeats = 2;
        fnas_context_set_threads(place->context, 1);
        score(place, s, &options, 0, ARCHS, one);
        fnas_context_set_threads(place->context, 3);
        score(place, s, &options, 0, ARCHS, three);
        assert_memory_equal(one, three, sizeof one);
        for (int64_t i = 0; i < ARCHS; i++) {
            score(place, s, &options, i, 1, &alone);
            assert_memory_equal(&alone, &one[i], sizeof alone);
        }
        options.seed++;
        score(place, s, &options, 0, ARCHS, other);
        /* A network without a ReLU of more pixels than channels has the MeCo 0 for any weights. */
        for (int64_t i = 0; i < ARCHS; i++) {
            bool fixed = isinf(one[i]) || (kind == FNAS_TRAINING_FREE_MECO && one[i] == 0);
            assert_true(fixed ? one[i] == other[i] : one[i] != other[i]);
        }
    }
    small_free(s);
}

static void parse(fnas_test_place *place, const small *s, const char *text, int32_t *choices) {
    assert_status(FNAS_OK, fnas_space_parse(place->context, s->space, text, choices));
}

/* What sees no input, what computes the same, and order among plain cases. */
static void test_special_cells(void **state) {
    static const char *const cells[] = {"|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
                                        "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|none~2|",         /* cut off */
                                        "|none~0|+|none~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|nor_conv_1x1~2|", /* twins: */
                                        "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|nor_conv_1x1~1|avg_pool_3x3~2|",
                                        "|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
                                        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"};
    enum { CELLS = sizeof cells / sizeof *cells };
    fnas_test_place *place = *state;
    small *s = small_create(place);
    for (int i = 0; i < CELLS; i++) parse(place, s, cells[i], s->choices[i]);
    for (int kind = 0; kind < KINDS; kind++) {
        const fnas_training_free_options options = options_of(s, (fnas_training_free_kind)kind);
        double scores[CELLS];
        score(place, s, &options, 0, CELLS, scores);
        assert_true(scores[0] == -INFINITY && scores[1] == -INFINITY);
        assert_true(isfinite(scores[2]));
        assert_memory_equal(&scores[2], &scores[3], sizeof *scores);
        assert_memory_equal(&scores[2], &scores[4], sizeof *scores);
        if (kind < FNAS_TRAINING_FREE_MECO) assert_true(scores[5] > scores[4]);
    }
    assert_status(FNAS_OK, fnas_training_free_scores(place->context, s->space, &(fnas_training_free_options){.kind = 1, .repeats = 1}, 0,
                                                     NULL, NULL));
    small_free(s);
}

/* The benchmark's own network with the most weights: its flow is beyond f32, its score is not. */
static void test_synflow_of_a_large_network(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space;
    int32_t choices[6];
    double found;
    const fnas_training_free_options options = {.kind = FNAS_TRAINING_FREE_SYNFLOW, .repeats = 1};
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &space));
    assert_status(FNAS_OK, fnas_space_parse(
                               place->context, space,
                               "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|", choices));
    assert_status(FNAS_OK, fnas_training_free_scores(place->context, space, &options, 1, choices, &found));
    assert_true(isfinite(found) && found > log(1e40));
    fnas_space_close(space);
}

/* ---- refusals ---- */

static void refuse(fnas_test_place *place, const small *s, const fnas_training_free_options *options, const char *words) {
    double scores[ARCHS];
    assert_status(FNAS_ERR_INPUT, fnas_training_free_scores(place->context, s->space, options, ARCHS, s->choices[0], scores));
    assert_message(words);
}

static void test_bad_input(void **state) {
    fnas_test_place *place = *state;
    small *s = small_create(place);
    const fnas_training_free_options naswot = options_of(s, FNAS_TRAINING_FREE_NASWOT), synflow = options_of(s, FNAS_TRAINING_FREE_SYNFLOW);
    fnas_training_free_options wrong = naswot;
    wrong.repeats = 0;
    refuse(place, s, &wrong, "repeats: 0, possible are 1 to 100");
    wrong.repeats = 101;
    refuse(place, s, &wrong, "repeats: 101");
    wrong = naswot;
    wrong.image_count = 1;
    refuse(place, s, &wrong, "images: 1, possible are 2 to 1024");
    wrong.image_count = 1025;
    refuse(place, s, &wrong, "images: 1025");
    wrong = synflow;
    wrong.image_count = 4;
    refuse(place, s, &wrong, "nobody looks at");
    wrong = options_of(s, FNAS_TRAINING_FREE_ZICO);
    wrong.image_count = 3;
    refuse(place, s, &wrong, "images: 3, possible are 4 to 1024");
    wrong = options_of(s, FNAS_TRAINING_FREE_ZICO);
    wrong.labels = NULL;
    refuse(place, s, &wrong, "zico looks at labels");
    wrong = naswot;
    wrong.labels = s->labels;
    refuse(place, s, &wrong, "naswot looks at no labels");
    wrong = options_of(s, FNAS_TRAINING_FREE_ZICO);
    s->labels[2] = 5;
    refuse(place, s, &wrong, "label 5 of image 2");
    float kept = s->images[PIXELS + 5];
    s->images[PIXELS + 5] = NAN;
    refuse(place, s, &naswot, "image 1 holds a number that is not finite");
    s->images[PIXELS + 5] = kept;
    memcpy(s->images + 4 * PIXELS, s->images + 2 * PIXELS, PIXELS * sizeof(float));
    refuse(place, s, &naswot, "images 2 and 4 are equal");
    s->choices[3][2] = 5;
    refuse(place, s, &synflow, "architecture 3: choice 5");
    s->choices[3][2] = -1;
    refuse(place, s, &synflow, "architecture 3: choice -1");
    small_free(s);
}

static void test_space_without_networks(void **state) {
    static const char description[] =
        "{\"format\": \"fleetnas-space/1\", \"name\": \"bare\", \"decisions\": [{\"name\": \"a\", \"choices\": "
        "[\"x\", \"y\"]}]}";
    fnas_test_place *place = *state;
    fnas_space *space;
    double score_of;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "bare.json", description), &space));
    const fnas_training_free_options options = {.kind = FNAS_TRAINING_FREE_SYNFLOW, .repeats = 1};
    assert_status(FNAS_ERR_INPUT, fnas_training_free_scores(place->context, space, &options, 1, (int32_t[]){0}, &score_of));
    assert_message("bare has no networks");
    fnas_space_close(space);
}

static void stop_soon(void *user, const fnas_progress *progress) {
    assert_string_equal(progress->stage, "naswot");
    assert_int_equal(progress->total, ARCHS);
    if (progress->done >= 2) fnas_context_request_stop(user);
}

static void test_interruption(void **state) {
    fnas_test_place *place = *state;
    small *s = small_create(place);
    const fnas_training_free_options options = options_of(s, FNAS_TRAINING_FREE_NASWOT);
    double scores[ARCHS] = {0};
    fnas_context_set_threads(place->context, 1);
    fnas_context_set_progress(place->context, stop_soon, place->context);
    for (int64_t i = 0; i < ARCHS; i++) /* all different */
        for (int d = 0; d < 6; d++) s->choices[i][d] = d == 5 ? 1 + (int32_t)i / 8 : d < 3 ? 2 + ((int32_t)i >> d & 1) : 1;
    assert_status(FNAS_INTERRUPTED, fnas_training_free_scores(place->context, s->space, &options, ARCHS, s->choices[0], scores));
    for (int64_t i = 0; i < ARCHS; i++) assert_true(scores[i] == 0);
    small_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_naswot_equals_naive),        fnas_test(test_synflow_equals_naive),
                                       fnas_test(test_zico_equals_naive),          fnas_test(test_map_scores_equal_naive),
                                       fnas_test(test_threads_and_company),        fnas_test(test_special_cells),
                                       fnas_test(test_synflow_of_a_large_network), fnas_test(test_bad_input),
                                       fnas_test(test_space_without_networks),     fnas_test(test_interruption)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
