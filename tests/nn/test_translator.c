/* The Transformer: fast forward pass against the naive one in double precision, its gradients against central differences of that. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/support_translators.h"

enum { NETS = 12, GATES_MOST = 200 };

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

static double *widened(const fnas_parameters *parameters) {
    double *values = fnas_allocate((size_t)parameters->float_count, sizeof *values);
    for (int64_t i = 0; i < parameters->float_count; i++) values[i] = (double)parameters->values[i];
    return values;
}

/* ---- forward ---- */

/* Some 30 sums of at most 24 products one behind the other, norms between: 30 sqrt(24) 6e-8 is 1e-5. */
#define FORWARD_BOUND 2e-5

static void check_forward(fnas_test_place *place, uint64_t seed, bool dropout) {
    test_translator *test = test_translator_create(place, seed, dropout);
    int64_t count = test->start[1][test->batch.n] * test->shape.vocabulary;
    float *logits = fnas_allocate((size_t)count, sizeof *logits);
    double *exact = fnas_allocate((size_t)count, sizeof *exact), *parameters = widened(&test->parameters), loss, most = 0, error = 0;
    fnas_translator_request request = test_translator_request(test);
    fnas_translator_result result;
    request.logits = logits;
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &result));
    assert_status(FNAS_OK, fnas_translator_run_reference(place->context, &request, parameters, NULL, exact, &loss));
    for (int64_t i = 0; i < count; i++) {
        double apart = fabs((double)logits[i] - exact[i]);
        error = isnan(apart) ? (double)INFINITY : fmax(error, apart);
        most = fmax(most, fabs(exact[i]));
    }
    if (!(error <= FORWARD_BOUND * most)) fail_msg("seed %d: logits are off by %.3g of %.3g", (int)seed, error, most);
    if (!(fabs(result.loss - loss) <= FORWARD_BOUND * loss)) fail_msg("seed %d: loss %.9g, reference %.9g", (int)seed, result.loss, loss);
    assert_int_equal(test->start[1][test->batch.n], result.tokens);
    fnas_free(logits);
    fnas_free(exact);
    fnas_free(parameters);
    test_translator_destroy(test);
}

static void forward_equals_the_reference(void **state) {
    for (uint64_t seed = 1; seed <= NETS; seed++) check_forward(*state, seed, seed % 2 == 0);
}

/* ---- backward ---- */

static double loss_at(fnas_test_place *place, const test_translator *test, const double *parameters, const double *gates) {
    fnas_translator_request request = test_translator_request(test);
    double loss = NAN;
    assert_status(FNAS_OK, fnas_translator_run_reference(place->context, &request, parameters, gates, NULL, &loss));
    return loss;
}

/* Along a random direction of one tensor: <gradient, v> against (f(x + h v) - f(x - h v)) / 2 h. A ReLU whose source passes 0 within h has
 * a corner there: h is small, and rounding in double precision is smaller still. */
#define STEP 1e-6
#define GRADIENT_BOUND 2e-4

static void check_tensor(fnas_test_place *place, const test_translator *test, double *parameters, const float *gradient,
                         const fnas_parameter *item, double size) {
    fnas_random random = fnas_random_begin(11, FNAS_STREAM_TEST, 1, item->offset);
    double *direction = fnas_allocate((size_t)item->count, sizeof *direction), along = 0, loss[2];
    for (int64_t i = 0; i < item->count; i++) {
        direction[i] = fnas_random_normal(&random);
        along += direction[i] * (double)gradient[item->offset + i];
    }
    for (int side = 0; side < 2; side++) {
        double h = side ? STEP : -STEP;
        for (int64_t i = 0; i < item->count; i++)
            parameters[item->offset + i] = (double)test->parameters.values[item->offset + i] + h * direction[i];
        loss[side] = loss_at(place, test, parameters, NULL);
    }
    for (int64_t i = 0; i < item->count; i++) parameters[item->offset + i] = (double)test->parameters.values[item->offset + i];
    double difference = (loss[1] - loss[0]) / (2 * STEP);
    if (!(fabs(along - difference) <= GRADIENT_BOUND * fmax(fabs(difference), size)))
        fail_msg("%s: %.9g along a direction, by differences %.9g", item->name, along, difference);
    fnas_free(direction);
}

static void check_gates(fnas_test_place *place, const test_translator *test, const double *parameters, const double *gradient) {
    double gates[GATES_MOST], most = 0;
    for (int64_t i = 0; i < test->gates; i++) {
        gates[i] = 1;
        most = fmax(most, fabs(gradient[i]));
    }
    for (int64_t i = 0; i < test->gates; i++) {
        gates[i] = 1 + STEP;
        double above = loss_at(place, test, parameters, gates);
        gates[i] = 1 - STEP;
        double difference = (above - loss_at(place, test, parameters, gates)) / (2 * STEP);
        gates[i] = 1;
        if (!(fabs(difference - gradient[i]) <= GRADIENT_BOUND * most))
            fail_msg("gate %d: %.9g, by differences %.9g", (int)i, gradient[i], difference);
    }
}

static void check_backward(fnas_test_place *place, uint64_t seed, bool dropout) {
    test_translator *test = test_translator_create(place, seed, dropout);
    double *parameters = widened(&test->parameters), gates[GATES_MOST] = {0}, square = 0;
    float *gradient = fnas_allocate((size_t)test->parameters.float_count, sizeof *gradient);
    fnas_translator_request request = test_translator_request(test);
    fnas_translator_result result;
    request.weight_gradient = gradient;
    request.gate_gradient = gates;
    assert_true(test->gates <= GATES_MOST);
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &result));
    for (int64_t i = 0; i < test->parameters.float_count; i++) square += (double)gradient[i] * (double)gradient[i];
    for (int64_t k = 0; k < test->parameters.item_count; k++)
        check_tensor(place, test, parameters, gradient, &test->parameters.items[k], sqrt(square / (double)test->parameters.item_count));
    check_gates(place, test, parameters, gates);
    fnas_free(parameters);
    fnas_free(gradient);
    test_translator_destroy(test);
}

static void gradients_equal_differences(void **state) {
    for (uint64_t seed = 21; seed <= 24; seed++) check_backward(*state, seed, seed % 2 == 0);
}

/* ---- many words ---- */

enum { MANY = 80, HALF = MANY / 2 }; /* sentences of nine words: more than the words whose logits are in memory at once */

/* Of sentences first .. behind - 1 of the long batch, each with what the teacher says of it. Adds to the gradient; returns the loss. */
static double run_some(fnas_test_place *place, const test_translator *test, const int32_t *ids, const float *soft, int64_t first,
                       int64_t behind, float *gradient) {
    int64_t start[MANY + 1];
    for (int64_t i = 0; i <= behind - first; i++) start[i] = 9 * i;
    fnas_translator_batch batch = {.n = behind - first,
                                   .source = ids + 9 * first,
                                   .source_start = start,
                                   .input = ids + 9 * first + 1,
                                   .label = ids + 9 * first + 2,
                                   .target_start = start};
    fnas_translator_request request = test_translator_request(test);
    fnas_translator_result result;
    request.batch = &batch;
    request.soft_targets = soft + 9 * first * test->shape.vocabulary;
    request.weight_gradient = gradient;
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &result));
    return result.loss;
}

/* Words are taken 512 at a time: those behind them have their own labels and their own teacher's word. */
static void many_words_are_as_few(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 3, false);
    int64_t vocabulary = test->shape.vocabulary, count = test->parameters.float_count;
    int32_t ids[9 * MANY + 2];
    float *soft = fnas_allocate((size_t)(9 * MANY * vocabulary), sizeof *soft), *whole = fnas_allocate((size_t)count, sizeof *whole),
          *halves = fnas_allocate((size_t)count, sizeof *halves);
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 2, 0);
    for (int64_t i = 0; i < 9 * MANY + 2; i++) ids[i] = (int32_t)fnas_random_below(&random, vocabulary);
    for (int64_t i = 0; i < 9 * MANY; i++) soft[i * vocabulary + fnas_random_below(&random, vocabulary)] = 1; /* a teacher that is sure */
    double loss = run_some(place, test, ids, soft, 0, MANY, whole), apart = run_some(place, test, ids, soft, 0, HALF, halves);
    apart += run_some(place, test, ids, soft, HALF, MANY, halves);
    assert_true(fabs(loss - apart) <= 1e-5 * loss); /* sums of floats in another order */
    double difference = 0, size = 0;
    for (int64_t i = 0; i < count; i++) {
        difference += ((double)whole[i] - halves[i]) * ((double)whole[i] - halves[i]);
        size += (double)whole[i] * whole[i];
    }
    if (!(difference <= 1e-10 * size)) fail_msg("gradients are %.3g apart", sqrt(difference / size));
    fnas_free(soft);
    fnas_free(whole);
    fnas_free(halves);
    test_translator_destroy(test);
}

/* The scale is that of gradients alone, and these are added to what is there. */
static void gradients_are_scaled_and_added(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 5, true);
    size_t count = (size_t)test->parameters.float_count;
    float *once = fnas_allocate(count, sizeof *once), *again = fnas_allocate(count, sizeof *again);
    fnas_translator_request request = test_translator_request(test);
    fnas_translator_result result, scaled;
    request.weight_gradient = once;
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &result));
    request.weight_gradient = again;
    request.scale = 0.5f;
    for (int k = 0; k < 2; k++) assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &scaled));
    assert_true(result.loss == scaled.loss);
    for (size_t i = 0; i < count; i++) assert_true(fabsf(once[i] - again[i]) <= 2e-6f * (1 + fabsf(once[i])));
    fnas_free(once);
    fnas_free(again);
    test_translator_destroy(test);
}

/* ---- what is refused ---- */

static void refuses(fnas_test_place *place, const test_translator *test, const char *text) {
    fnas_translator_request request = test_translator_request(test);
    fnas_translator_result result;
    assert_status(FNAS_ERR_INPUT, fnas_translator_run(place->context, &worker, &request, &result));
    assert_message(text);
}

static void bad_batches_are_refused(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 9, false);
    int32_t id = test->ids[0][0];
    test->ids[0][0] = (int32_t)test->shape.vocabulary;
    refuses(place, test, "source: token 0 is");
    test->ids[0][0] = -1;
    refuses(place, test, "source: token 0 is -1");
    test->ids[0][0] = id;
    test->start[1][1] = 0;
    refuses(place, test, "target: sentence 0 is empty");
    test_translator_destroy(test);
}

static void bad_shapes_are_refused(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 10, false);
    fnas_translator shape = test->largest;
    shape.decoder.layers[1].cross_sources = 4;
    assert_status(FNAS_ERR_INPUT, fnas_translator_check(place->context, &shape));
    assert_message("decoder layer 1 sees 4 layers of the encoder");
    shape = test->largest;
    shape.encoder.layers[0].heads = 3;
    assert_status(FNAS_ERR_INPUT, fnas_translator_check(place->context, &shape));
    assert_message("encoder layer 0 has 3 heads");
    shape = test->largest;
    shape.encoder.layer_count = 17;
    assert_status(FNAS_ERR_INPUT, fnas_translator_check(place->context, &shape));
    assert_message("the encoder has 17 layers");
    test_translator_destroy(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(forward_equals_the_reference), fnas_test(gradients_equal_differences), fnas_test(gradients_are_scaled_and_added),
        fnas_test(many_words_are_as_few),        fnas_test(bad_batches_are_refused),     fnas_test(bad_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, start_worker, stop_worker);
}
