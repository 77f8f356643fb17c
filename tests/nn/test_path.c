/* Paths: the fast run against the double-precision reference, the reference against central differences, memory, messages. */
#include <math.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "nn/support_nets.h"

enum { FAST_NETS = 60, SLOW_NETS = 3 };

static fnas_worker worker;

static int start_worker(void **state) {
    (void)state;
    return fnas_worker_create(NULL, FNAS_COMPUTE_F32, &worker) == FNAS_OK ? 0 : -1;
}

static int stop_worker(void **state) {
    (void)state;
    fnas_worker_destroy(&worker);
    return 0;
}

/* Largest error relative to the largest reference entry. */
static double relative_error(int64_t count, const float *values32, const double *values64, const double *reference) {
    double error = 0.0, size = 1e-12;
    for (int64_t i = 0; i < count; i++) {
        double difference = fabs((values32 ? (double)values32[i] : values64[i]) - reference[i]);
        error = isnan(difference) ? (double)INFINITY : fmax(error, difference); /* fmax passes over a NaN */
        size = fmax(size, fabs(reference[i]));
    }
    return error / size;
}

/* Bounds: some 20 layers deep, each with sums of a few hundred products and a norm that divides by a deviation of about 0.1 to 1:
 * 20 * 10 * sqrt(300) * 6e-8 is about 2e-4 for gradients. Weights that cancel (biases before a norm have gradient zero) are held to the
 * largest of all. */
#define LOSS_BOUND 2e-5
#define GRADIENT_BOUND 5e-4

static void compare_net(fnas_test_place *place, uint64_t seed, bool zeros, double smoothing, double *worst) {
    test_net *test = test_net_create(place->context, seed, zeros);
    int64_t floats = test->parameters.float_count;
    float *weights = fnas_allocate((size_t)floats, sizeof *weights);
    double *weights64 = fnas_allocate((size_t)floats, sizeof *weights64);
    double *gates = fnas_allocate((size_t)test->onehot_size, sizeof *gates),
           *gates64 = fnas_allocate((size_t)test->onehot_size, sizeof *gates64);
    double loss = test_net_reference(test, NULL, smoothing, weights64, gates64);
    fnas_path_request request = test_net_request(test);
    request.label_smoothing = (float)smoothing;
    request.weight_gradient = weights;
    request.gate_gradient = gates;
    fnas_path_result result;
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    double weight_error = relative_error(floats, weights, NULL, weights64),
           gate_error = relative_error(test->onehot_size, NULL, gates, gates64);
    if (!(fabs(result.loss - loss) <= LOSS_BOUND * fabs(loss)))
        fail_msg("seed %d: loss %.9g, reference %.9g", (int)seed, result.loss, loss);
    if (!(weight_error <= GRADIENT_BOUND)) fail_msg("seed %d: weight gradients are off by %.3g", (int)seed, weight_error);
    if (!(gate_error <= GRADIENT_BOUND)) fail_msg("seed %d: gate gradients are off by %.3g", (int)seed, gate_error);
    worst[0] = fmax(worst[0], fabs(result.loss - loss) / fabs(loss));
    worst[1] = fmax(worst[1], weight_error);
    worst[2] = fmax(worst[2], gate_error);
    fnas_free(weights);
    fnas_free(weights64);
    fnas_free(gates);
    fnas_free(gates64);
    test_net_free(test);
}

/* In bf16 each of some 20 layers rounds what it stores by up to 2^-8, and ReLUs near zero turn: losses are held to twice the largest
 * rounding, gradients to their direction. These nets see few pixels, so that one turned ReLU weighs much, and a norm over four of them
 * multiplies what it gets: the median net is held to it, and no single one may point elsewhere. Operators are compared one by one in the
 * table of cases, and put together in tests/compute/test_conv_norm.c. */
#define BF16_LOSS_BOUND (2.0 / 256)
#define BF16_MEDIAN_COSINE 0.98
#define BF16_LEAST_COSINE 0.5

static double cosine(int64_t count, const float *values32, const double *values64, const double *reference) {
    double dot = 0, square = 0, reference_square = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = values32 ? (double)values32[i] : values64[i];
        dot += value * reference[i];
        square += value * value;
        reference_square += reference[i] * reference[i];
    }
    return reference_square == 0 ? 1 : dot / sqrt(square * reference_square);
}

typedef struct bf16_comparison {
    double loss, weights, gates; /* relative error; cosines */
} bf16_comparison;

static bf16_comparison compare_bf16_net(fnas_test_place *place, fnas_worker *bf16, uint64_t seed) {
    test_net *test = test_net_create(place->context, seed, false);
    int64_t floats = test->parameters.float_count;
    float *weights = fnas_allocate((size_t)floats, sizeof *weights);
    double *weights64 = fnas_allocate((size_t)floats, sizeof *weights64);
    double *gates = fnas_allocate((size_t)test->onehot_size, sizeof *gates),
           *gates64 = fnas_allocate((size_t)test->onehot_size, sizeof *gates64);
    double loss = test_net_reference(test, NULL, 0.0, weights64, gates64);
    fnas_path_request request = test_net_request(test);
    request.weight_gradient = weights;
    request.gate_gradient = gates;
    fnas_path_result result;
    assert_status(FNAS_OK, fnas_path_run(place->context, bf16, &request, &result));
    bf16_comparison compared = {fabs(result.loss - loss) / fabs(loss), cosine(floats, weights, NULL, weights64),
                                cosine(test->onehot_size, NULL, gates, gates64)};
    fnas_free(weights);
    fnas_free(weights64);
    fnas_free(gates);
    fnas_free(gates64);
    test_net_free(test);
    return compared;
}

static void test_bf16_follows_reference(void **state) {
    fnas_test_place *place = *state;
    fnas_worker bf16;
    double loss = 0, least = 1, weights[FAST_NETS], gates[FAST_NETS];
    fnas_status status = fnas_worker_create(place->context, FNAS_COMPUTE_BF16, &bf16);
    if (!fnas_engine_supports(FNAS_COMPUTE_BF16)) {
        assert_status(FNAS_ERR_UNSUPPORTED, status);
        print_message("skipped: paths in bf16, which this processor has not\n");
        skip();
    }
    assert_status(FNAS_OK, status);
    for (uint64_t seed = 1; seed <= FAST_NETS; seed++) {
        bf16_comparison c = compare_bf16_net(place, &bf16, seed);
        loss = fmax(loss, c.loss);
        least = fmin(least, fmin(c.weights, c.gates));
        weights[seed - 1] = c.weights;
        gates[seed - 1] = c.gates;
    }
    fnas_worker_destroy(&bf16);
    double weight_median = fnas_median(weights, FAST_NETS), gate_median = fnas_median(gates, FAST_NETS);
    print_message("bf16: loss within %.2g, median cosine of weight gradients %.4f, of gate gradients %.4f, least of all %.4f\n", loss,
                  weight_median, gate_median, least);
    assert_true(loss <= BF16_LOSS_BOUND);
    assert_true(weight_median >= BF16_MEDIAN_COSINE && gate_median >= BF16_MEDIAN_COSINE && least >= BF16_LEAST_COSINE);
}

static void test_fast_equals_reference(void **state) {
    fnas_test_place *place = *state;
    double worst[3] = {0};
    for (uint64_t seed = 1; seed <= FAST_NETS; seed++) compare_net(place, seed, false, seed % 2 ? 0.1 : 0.0, worst);
    print_message("%d nets: loss within %.2g, weight gradients within %.2g, gate gradients within %.2g\n", FAST_NETS, worst[0], worst[1],
                  worst[2]);
}

/* Only one of the gradients: the same numbers, whatever else is left out. */
static void test_gradients_apart(void **state) {
    fnas_test_place *place = *state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        test_net *test = test_net_create(place->context, seed, seed % 2);
        int64_t floats = test->parameters.float_count, gates = test->onehot_size;
        float *weights = fnas_allocate(2 * (size_t)floats, sizeof *weights);
        double *both = fnas_allocate(2 * (size_t)gates, sizeof *both);
        fnas_path_result result, again;
        fnas_path_request request = test_net_request(test);
        request.weight_gradient = weights;
        request.gate_gradient = both;
        assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
        request.weight_gradient = NULL;
        request.gate_gradient = both + gates;
        assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &again));
        assert_memory_equal(&result.loss, &again.loss, sizeof result.loss);
        assert_memory_equal(both, both + gates, (size_t)gates * sizeof *both);
        request.weight_gradient = weights + floats;
        request.gate_gradient = NULL;
        assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &again));
        assert_memory_equal(weights, weights + floats, (size_t)floats * sizeof *weights);
        fnas_free(weights);
        fnas_free(both);
        test_net_free(test);
    }
}

/* Gradients are added to what is there, times the scale. */
static void test_gradients_add_and_scale(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 3, false);
    int64_t floats = test->parameters.float_count, gates = test->onehot_size;
    float *weights = fnas_allocate(2 * (size_t)floats, sizeof *weights);
    double *rows = fnas_allocate(2 * (size_t)gates, sizeof *rows);
    fnas_path_request request = test_net_request(test);
    fnas_path_result result;
    request.weight_gradient = weights;
    request.gate_gradient = rows;
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    for (int64_t i = 0; i < floats; i++) weights[floats + i] = 1.0f;
    for (int64_t i = 0; i < gates; i++) rows[gates + i] = 1.0;
    request.weight_gradient = weights + floats;
    request.gate_gradient = rows + gates;
    request.scale = 4.0f; /* a power of two: exact */
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    for (int64_t i = 0; i < test->parameters.item_count; i++) {
        const fnas_parameter *item = &test->parameters.items[i];
        for (int64_t j = item->offset; j < item->offset + item->count; j++)
            assert_float_equal(weights[floats + j], 1.0 + 4.0 * weights[j], 1e-5 * (1.0 + fabs(4.0 * weights[j])));
    }
    for (int64_t i = 0; i < gates; i++) assert_float_equal(rows[gates + i], 1.0 + 4.0 * rows[i], 1e-12 * (1.0 + fabs(rows[i])));
    fnas_free(weights);
    fnas_free(rows);
    test_net_free(test);
}

/* Central differences in double precision: error h^2 f''' + 1e-16 / h, and the odd ReLU that h crosses. */
static double central_difference(test_net *test, double *entry, const double *onehot, double smoothing) {
    const double h = 1e-6, kept = *entry;
    *entry = kept + h;
    double above = test_net_reference(test, onehot, smoothing, NULL, NULL);
    *entry = kept - h;
    double below = test_net_reference(test, onehot, smoothing, NULL, NULL);
    *entry = kept;
    return (above - below) / (2.0 * h);
}

static void check_entry(test_net *test, double *entry, const double *onehot, double gradient, uint64_t seed, const char *what,
                        int64_t index) {
    double difference = central_difference(test, entry, onehot, 0.1);
    if (!(fabs(difference - gradient) <= 2e-7 + 1e-6 * fabs(gradient)))
        fail_msg("seed %d: %s %d: gradient %.12g, central difference %.12g", (int)seed, what, (int)index, gradient, difference);
}

static void check_differences(fnas_test_place *place, uint64_t seed, bool relaxed) {
    test_net *test = test_net_create(place->context, seed, false);
    int64_t floats = test->parameters.float_count;
    double *weights = fnas_allocate((size_t)floats, sizeof *weights), *gates = fnas_allocate((size_t)test->onehot_size, sizeof *gates);
    for (int64_t i = 0; relaxed && i < test->onehot_size; i++)
        test->onehot[i] = 0.8 * test->onehot[i] + 0.3 * fnas_random_uniform(&test->random);
    test_net_reference(test, test->onehot, 0.1, weights, gates);
    for (int64_t i = 0; i < test->onehot_size; i++) check_entry(test, &test->onehot[i], test->onehot, gates[i], seed, "one-hot entry", i);
    for (int64_t i = 0; i < test->parameters.item_count; i++) {
        const fnas_parameter *item = &test->parameters.items[i];
        for (int draw = 0; draw < 2; draw++) {
            int64_t at = item->offset + fnas_random_below(&test->random, item->count);
            check_entry(test, &test->weights64[at], test->onehot, weights[at], seed, item->name, at - item->offset);
        }
    }
    fnas_free(weights);
    fnas_free(gates);
    test_net_free(test);
}

static void test_reference_equals_differences(void **state) {
    for (uint64_t seed = 1; seed <= SLOW_NETS; seed++) check_differences(*state, seed, false);
}

static void test_reference_equals_differences_relaxed(void **state) {
    for (uint64_t seed = 101; seed <= 100 + SLOW_NETS; seed++) check_differences(*state, seed, true);
}

/* Statistics of the batch, given back as running statistics, give the same logits but for rounding (means are handed over with the bias of
 * the convolution and used without); others do not. */
static void test_given_statistics(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 5, false);
    int64_t channels = test->net->norm_channels;
    float *memory = fnas_allocate(2 * (size_t)channels, sizeof *memory), logits[2][NET_IMAGES * NET_CLASSES];
    double logits64[NET_IMAGES * NET_CLASSES];
    fnas_norm_state statistics = {memory, memory + channels};
    fnas_path_request request = test_net_request(test);
    fnas_path_result result;
    request.batch_statistics = &statistics;
    request.logits = logits[0];
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    request.batch_statistics = NULL;
    request.statistics = &statistics;
    request.logits = logits[1];
    request.labels = NULL;
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    assert_true(isnan(result.loss));
    for (int64_t i = 0; i < NET_IMAGES * NET_CLASSES; i++)
        assert_true(fabs((double)logits[0][i] - (double)logits[1][i]) <= 1e-5 * (1 + fabs((double)logits[0][i])));

    for (int64_t c = 0; c < channels; c++) {
        statistics.mean[c] += 0.1f;
        statistics.variance[c] *= 1.5f;
    }
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    fnas_reference_request reference = {.net = test->net,
                                        .layout = &test->parameters,
                                        .parameters = test->weights64,
                                        .images = test->images64,
                                        .n = NET_IMAGES,
                                        .logits = logits64,
                                        .statistics = &statistics};
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &reference, &result));
    assert_true(relative_error(NET_IMAGES * NET_CLASSES, logits[1], NULL, logits64) < 1e-4);
    assert_memory_not_equal(logits[0], logits[1], sizeof logits[0]);
    fnas_free(memory);
    test_net_free(test);
}

static void test_no_allocation_after_the_first_runs(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 7, false);
    fnas_worker own;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &own));
    float *weights = fnas_allocate((size_t)test->parameters.float_count, sizeof *weights);
    fnas_path_request request = test_net_request(test);
    fnas_path_result result;
    request.weight_gradient = weights;
    assert_status(FNAS_OK, fnas_path_run(place->context, &own, &request, &result));
    assert_status(FNAS_OK, fnas_path_run(place->context, &own, &request, &result)); /* joins the blocks of the first into one */
    int64_t allocations = fnas_arena_block_allocations(own.activations) + fnas_arena_block_allocations(own.plan);
    for (int i = 0; i < 5; i++) assert_status(FNAS_OK, fnas_path_run(place->context, &own, &request, &result));
    assert_int_equal(fnas_arena_block_allocations(own.activations) + fnas_arena_block_allocations(own.plan), allocations);
    fnas_free(weights);
    fnas_worker_destroy(&own);
    test_net_free(test);
}

/* ---- what ReLUs read ---- */

#define CLOSE 1e-4 /* to zero: the fast run may see it on the other side */

typedef struct seen_sources {
    const fnas_net *net;
    double **sources; /* [node_count] by the reference, [NET_IMAGES, C, H, W]; NULL where nothing was seen */
    int64_t compared, count;
} seen_sources;

static void keep_source(void *user, int64_t node, const double *source) {
    seen_sources *seen = user;
    fnas_value_shape shape = seen->net->values[seen->net->nodes[node].source];
    size_t count = (size_t)(NET_IMAGES * shape.c * shape.h * shape.w);
    assert_null(seen->sources[node]);
    seen->sources[node] = fnas_allocate(count, sizeof *source);
    memcpy(seen->sources[node], source, count * sizeof *source);
}

static fnas_status compare_source(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source) {
    seen_sources *seen = user;
    fnas_value_shape value = seen->net->values[seen->net->nodes[node].source];
    fnas_shape shape = {NET_IMAGES, value.c, value.h, value.w};
    size_t count = (size_t)fnas_shape_elements(shape);
    float *plain = fnas_allocate(count, sizeof *plain);
    (void)context;
    assert_int_equal(floats * NET_IMAGES, fnas_shape_blocked_elements(shape, fnas_engine_block(worker.engine)));
    fnas_layout_unpack(fnas_engine_block(worker.engine), shape, source, plain);
    assert_non_null(seen->sources[node]);
    for (size_t i = 0; i < count; i++) {
        double reference = seen->sources[node][i];
        if (fabs(reference) < CLOSE) continue;
        seen->compared++;
        if ((plain[i] > 0) != (reference > 0)) fail_msg("node %d: %.9g, reference %.9g", (int)node, (double)plain[i], reference);
    }
    fnas_free(plain);
    fnas_free(seen->sources[node]);
    seen->sources[node] = NULL;
    seen->count++;
    return FNAS_OK;
}

/* Every node that reads a map is seen once, absorbed or not, with the signs of what it reads. */
static void test_sources_are_observed(void **state) {
    fnas_test_place *place = *state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        test_net *test = test_net_create(place->context, 500 + seed, seed % 2);
        seen_sources seen = {.net = test->net, .sources = fnas_allocate((size_t)test->net->node_count, sizeof(double *))};
        fnas_reference_request reference = {.net = test->net,
                                            .layout = &test->parameters,
                                            .parameters = test->weights64,
                                            .images = test->images64,
                                            .n = NET_IMAGES,
                                            .observe_source = keep_source,
                                            .observer = &seen};
        fnas_path_result result;
        assert_status(FNAS_OK, fnas_path_run_reference(place->context, &reference, &result));
        fnas_path_request request = test_net_request(test);
        request.labels = NULL;
        request.observe_source = compare_source;
        request.observer = &seen;
        assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
        int64_t readers = 0;
        for (int64_t i = 0; i < test->net->node_count; i++) {
            fnas_value source = test->net->nodes[i].source;
            readers += source > 0 && !fnas_net_value_is_plain(test->net, source);
        }
        assert_int_equal(seen.count, readers);
        assert_true(readers >= 2 && seen.compared > 1000);
        fnas_free(seen.sources);
        test_net_free(test);
    }
}

static fnas_status look_away(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source) {
    (void)context, (void)user, (void)node, (void)floats, (void)source;
    return FNAS_OK;
}

/* Who observes sources has all of them made: values that else are never in memory. That is the same arithmetic. */
static void test_observing_changes_nothing(void **state) {
    fnas_test_place *place = *state;
    int64_t less = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        test_net *test = test_net_create(place->context, seed, false);
        size_t floats = (size_t)test->parameters.float_count, gates = (size_t)test->onehot_size, bytes[2];
        float *weights = fnas_allocate(2 * floats, sizeof *weights);
        double *rows = fnas_allocate(2 * gates, sizeof *rows), loss[2];
        for (size_t observed = 0; observed < 2; observed++) {
            fnas_path_request request = test_net_request(test);
            fnas_path_result result;
            request.weight_gradient = weights + observed * floats;
            request.gate_gradient = rows + observed * gates;
            request.observe_source = observed ? look_away : NULL;
            assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
            loss[observed] = result.loss;
            bytes[observed] = fnas_arena_used_bytes(worker.activations);
        }
        assert_true(loss[0] == loss[1]);
        assert_memory_equal(weights, weights + floats, floats * sizeof *weights);
        assert_memory_equal(rows, rows + gates, gates * sizeof *rows);
        less += bytes[0] < bytes[1];
        fnas_free(weights);
        fnas_free(rows);
        test_net_free(test);
    }
    assert_true(less >= 5); /* else nothing was left out */
}

static fnas_status refuse_to_look(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source) {
    (void)user, (void)node, (void)floats, (void)source;
    return fnas_fail(context, FNAS_ERR_MEMORY, "no room to look");
}

static void test_observer_may_fail(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 8, false);
    fnas_path_request request = test_net_request(test);
    fnas_path_result result;
    request.observe_source = refuse_to_look;
    assert_status(FNAS_ERR_MEMORY, fnas_path_run(place->context, &worker, &request, &result));
    assert_message("no room to look");
    test_net_free(test);
}

/* Without gradients no activation outlives its readers: memory stays under that of a run with gradients. */
static void test_memory_follows_what_is_wanted(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 7, false);
    float *weights = fnas_allocate((size_t)test->parameters.float_count, sizeof *weights);
    fnas_path_request request = test_net_request(test);
    fnas_path_result result;
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    size_t forward = fnas_arena_used_bytes(worker.activations);
    request.weight_gradient = weights;
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    assert_true(2 * forward < fnas_arena_used_bytes(worker.activations));
    fnas_free(weights);
    test_net_free(test);
}

static void test_faults_are_named(void **state) {
    fnas_test_place *place = *state;
    test_net *test = test_net_create(place->context, 9, false);
    fnas_path_request request = test_net_request(test);
    fnas_path_result result;
    test->labels[2] = NET_CLASSES;
    assert_status(FNAS_ERR_INPUT, fnas_path_run(place->context, &worker, &request, &result));
    assert_message("label 7 of image 2");
    test->labels[2] = 0;
    float kept = test->images[17];
    test->images[17] = NAN;
    assert_status(FNAS_ERR_NUMERIC, fnas_path_run(place->context, &worker, &request, &result));
    assert_message("images");
    test->images[17] = kept;
    int32_t head = fnas_parameters_find(&test->parameters, "stem0");
    assert_int_not_equal(head, FNAS_PARAMETER_NONE);
    test->parameters.values[test->parameters.items[head].offset] = INFINITY;
    assert_status(FNAS_ERR_NUMERIC, fnas_path_run(place->context, &worker, &request, &result));
    assert_message("node 0 (conv stem0)");
    double gate = 0;
    request.labels = NULL;
    request.gate_gradient = &gate;
    assert_status(FNAS_ERR_INTERNAL, fnas_path_run(place->context, &worker, &request, &result));
    request.labels = test->labels;
    request.loss = FNAS_PATH_LOG_SUM;
    assert_status(FNAS_ERR_INTERNAL, fnas_path_run(place->context, &worker, &request, &result));
    assert_message("no labels");
    test_net_free(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_fast_equals_reference),
        fnas_test(test_bf16_follows_reference),
        fnas_test(test_gradients_apart),
        fnas_test(test_gradients_add_and_scale),
        fnas_test(test_reference_equals_differences),
        fnas_test(test_reference_equals_differences_relaxed),
        fnas_test(test_given_statistics),
        fnas_test(test_no_allocation_after_the_first_runs),
        fnas_test(test_sources_are_observed),
        fnas_test(test_observing_changes_nothing),
        fnas_test(test_observer_may_fail),
        fnas_test(test_memory_follows_what_is_wanted),
        fnas_test(test_faults_are_named),
    };
    return cmocka_run_group_tests(tests, start_worker, stop_worker);
}
