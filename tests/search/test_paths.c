/* Paths on the supernet: repeated ones are computed once, and nothing depends on the threads. */
#include "search/support_query.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "search/searcher.h"
#include "space/space.h"

enum { PATHS = 12, DECISIONS = 6 };

typedef struct stage {
    fnas_test_place *place;
    fnas_run *run;
    fnas_examples examples;
    fnas_searcher searcher;
} stage;

static void stage_open(fnas_test_place *place, int64_t threads, stage *opened) {
    fnas_context_set_threads(place->context, threads);
    *opened = (stage){.place = place, .run = test_run(place, "error,latency_ms", 31)};
    test_check(place, fnas_search_config_fit_data(place->context, &opened->run->config, 400));
    opened->run->state.total_steps = 100;
    opened->run->config.batch = FNAS_BATCH_FULL;
    if (opened->run->config.paths < PATHS) opened->run->config.paths = PATHS;
    test_check(place, fnas_run_open_data(place->context, opened->run, NULL, &opened->examples));
    test_check(place, fnas_searcher_create(place->context, opened->run, &opened->examples, &opened->searcher));
}

static void stage_close(stage *opened) {
    fnas_searcher_free(&opened->searcher);
    fnas_examples_close(&opened->examples);
    fnas_run_close(opened->run);
}

/* Twelve paths of five architectures: of one four, of another three, two of two more, one alone. The third and the fourth compute the same
 * (an operation nobody reads), but are not equal: their gates differ. */
static void draw(stage *opened, fnas_purpose purpose) {
    static const int32_t kinds[5][DECISIONS] = {
        {3, 2, 1, 4, 0, 3}, {1, 1, 1, 1, 1, 1}, {3, 0, 2, 1, 0, 0}, {3, 0, 3, 1, 0, 0}, {4, 4, 4, 3, 2, 4}};
    static const int64_t kind[PATHS] = {0, 1, 2, 0, 1, 3, 0, 2, 4, 3, 1, 0};
    fnas_paths *paths = &opened->searcher.paths;
    fnas_paths_draw(&opened->searcher, purpose, PATHS, 0, 2);
    for (int64_t p = 0; p < PATHS; p++) memcpy(paths->choices + p * DECISIONS, kinds[kind[p]], sizeof kinds[0]);
    test_check(opened->place, opened->searcher.runner->load(opened->place->context, &opened->searcher, purpose));
}

/* One path alone. */
static fnas_path_result run_alone(stage *opened, int64_t path, float scale, float *weight_gradient, double *gates) {
    fnas_searcher *s = &opened->searcher;
    fnas_net *net;
    test_check(opened->place, fnas_space_record(opened->place->context, opened->run->supernet, s->paths.choices + path * DECISIONS, &net));
    fnas_path_request request = {.net = net,
                                 .parameters = &s->state->weights,
                                 .n = s->batch.count,
                                 .images = s->batch.images,
                                 .labels = s->batch.labels,
                                 .label_smoothing = (float)s->config->label_smoothing,
                                 .scale = scale,
                                 .weight_gradient = weight_gradient,
                                 .gate_gradient = gates};
    fnas_path_result result;
    test_check(opened->place, fnas_path_run(opened->place->context, &s->workers[0], &request, &result));
    fnas_net_destroy(net);
    return result;
}

static void test_gates_of_copies(void **state) {
    stage opened;
    stage_open(*state, 2, &opened);
    fnas_searcher *s = &opened.searcher;
    draw(&opened, FNAS_PURPOSE_HYPERNET);
    test_check(opened.place, fnas_paths_run(opened.place->context, s, FNAS_PURPOSE_HYPERNET));
    assert_int_equal(s->jobs.count, 5);
    for (int64_t p = 0; p < PATHS; p++) {
        double gates[64] = {0};
        fnas_path_result result = run_alone(&opened, p, 1, NULL, gates);
        assert_true(result.loss == s->paths.cross_entropy[p]);
        assert_int_equal(result.correct, s->paths.correct[p]);
        assert_int_equal(s->batch.count, s->paths.examples[p]);
        assert_memory_equal(gates, s->paths.gate_gradient + p * s->onehot, (size_t)s->onehot * sizeof(double));
    }
    stage_close(&opened);
}

/* Against one run for each path, summed in double precision: PATHS sums of floats, each of which lost a few of 24 bits. */
static void test_weights_of_copies(void **state) {
    stage opened;
    stage_open(*state, 2, &opened);
    fnas_searcher *s = &opened.searcher;
    draw(&opened, FNAS_PURPOSE_WEIGHTS);
    test_check(opened.place, fnas_paths_run(opened.place->context, s, FNAS_PURPOSE_WEIGHTS));
    assert_int_equal(s->jobs.count, 5);
    int64_t count = s->state->weights.float_count;
    double *sum = fnas_allocate((size_t)count, sizeof *sum), largest = 0;
    float *one = fnas_allocate((size_t)count, sizeof *one);
    for (int64_t p = 0; p < PATHS; p++) {
        memset(one, 0, (size_t)count * sizeof *one);
        fnas_path_result result = run_alone(&opened, p, 1.0f / PATHS, one, NULL);
        assert_true(result.loss == s->paths.cross_entropy[p]);
        for (int64_t i = 0; i < count; i++) sum[i] += one[i];
    }
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(sum[i]));
    assert_true(largest > 1e-3);
    for (int64_t i = 0; i < count; i++) assert_true(fabs(s->group_gradient[0][i] - sum[i]) <= 3e-6 * largest);
    fnas_free(sum);
    fnas_free(one);
    stage_close(&opened);
}

/* The same bits for any number of threads, run after run. */
static void test_threads(void **state) {
    float *expected = NULL;
    int64_t count = 0;
    for (int64_t threads = 1; threads <= 4; threads++) {
        stage opened;
        stage_open(*state, threads, &opened);
        fnas_searcher *s = &opened.searcher;
        draw(&opened, FNAS_PURPOSE_WEIGHTS);
        for (int64_t p = 0; p < PATHS; p++) fnas_space_random(opened.run->space, 3, p, s->paths.choices + p * DECISIONS);
        count = s->state->weights.float_count;
        if (!expected) expected = fnas_allocate((size_t)count, sizeof *expected);
        for (int64_t repeat = 0; repeat < 3; repeat++) {
            test_check(opened.place, fnas_paths_run(opened.place->context, s, FNAS_PURPOSE_WEIGHTS));
            if (threads == 1 && repeat == 0) memcpy(expected, s->group_gradient[0], (size_t)count * sizeof *expected);
            assert_memory_equal(expected, s->group_gradient[0], (size_t)count * sizeof *expected);
        }
        stage_close(&opened);
    }
    fnas_free(expected);
}

/* Of several paths that fail the first is named, whoever came first, and the next run does as if nothing had been. */
static void test_failure(void **state) {
    stage opened;
    stage_open(*state, 3, &opened);
    fnas_test_place *place = *state;
    fnas_searcher *s = &opened.searcher;
    draw(&opened, FNAS_PURPOSE_WEIGHTS);
    s->batch.labels[0] = -1;
    assert_status(FNAS_ERR_INPUT, fnas_paths_run(place->context, s, FNAS_PURPOSE_WEIGHTS));
    assert_message("step 0, path 0: ");
    s->batch.labels[0] = 0;
    test_check(place, fnas_paths_run(place->context, s, FNAS_PURPOSE_WEIGHTS));
    for (int64_t p = 0; p < PATHS; p++) assert_true(isfinite(s->paths.cross_entropy[p]));
    stage_close(&opened);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_gates_of_copies), fnas_test(test_weights_of_copies), fnas_test(test_threads),
                                       fnas_test(test_failure)};
    return cmocka_run_group_tests_name("paths", tests, NULL, NULL);
}
