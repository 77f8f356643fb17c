/* Parts of a step: the architectures that the error model observes, and the rounds of the hypernetwork's updates. */
#include "search/support_query.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "search/length.h"
#include "search/searcher.h"

#define IMAGES 400 /* of TEST_DATA */
#define DEVICES 2

typedef struct stage {
    fnas_test_place *place;
    fnas_run *run;
    fnas_examples examples;
    fnas_searcher searcher;
} stage;

static void stage_open(fnas_test_place *place, stage *opened) {
    fnas_context *context = place->context;
    *opened = (stage){.place = place, .run = test_run(place, "error,latency_ms", 31)};
    test_check(place, fnas_search_config_fit_data(context, &opened->run->config, IMAGES));
    opened->run->state.total_steps = 100;
    test_check(place, fnas_run_open_data(context, opened->run, NULL, &opened->examples));
    test_check(place, fnas_searcher_create(context, opened->run, &opened->examples, &opened->searcher));
}

static void stage_close(stage *opened) {
    fnas_searcher_free(&opened->searcher);
    fnas_examples_close(&opened->examples);
    fnas_run_close(opened->run);
}

/* ---- observed architectures ---- */

static void draw_observed(stage *opened, int64_t step, int64_t count) {
    opened->run->state.step = step;
    fnas_paths_draw(&opened->searcher, FNAS_PURPOSE_OBSERVE, count, 0, DEVICES);
    assert_int_equal(opened->searcher.paths.count, count);
}

static bool is_flat(const fnas_searcher *searcher, int64_t path) {
    const double *logits = searcher->paths.logits + path * searcher->onehot;
    for (int64_t k = 0; k < searcher->onehot; k++) {
        if (logits[k] != 0) return false;
    }
    return true;
}

/* Every other one is uniform, the others are the hypernetwork's; the devices take turns also where fewer are observed than there are. */
static void test_observed_halves(void **state) {
    stage opened;
    stage_open(*state, &opened);
    const fnas_paths *paths = &opened.searcher.paths;
    int64_t count = opened.run->config.observed_paths;
    assert_int_equal(count, 8);
    for (int64_t step = 0; step < 3; step++) {
        draw_observed(&opened, step, count);
        for (int64_t p = 0; p < count; p++) {
            assert_int_equal(is_flat(&opened.searcher, p), p % 2 == 1);
            assert_int_equal(paths->device[p], (p + step) % DEVICES);
        }
        draw_observed(&opened, step, 1);
        assert_int_equal(paths->device[0], step % DEVICES);
    }
    stage_close(&opened);
}

/* Over many steps the uniform ones have every choice equally often: within five standard deviations of the binomial distribution. */
static void test_observed_uniform(void **state) {
    enum { STEPS = 200, EACH = 4, OPS = 5 };
    stage opened;
    stage_open(*state, &opened);
    int64_t counts[6][OPS] = {{0}}, decisions = opened.searcher.decisions;
    assert_int_equal(decisions, 6);
    for (int64_t step = 0; step < STEPS; step++) {
        draw_observed(&opened, step, 2 * EACH);
        for (int64_t p = 1; p < 2 * EACH; p += 2) {
            for (int64_t d = 0; d < decisions; d++) counts[d][opened.searcher.paths.choices[p * decisions + d]]++;
        }
    }
    double draws = STEPS * EACH, expected = draws / OPS, deviation = sqrt(draws * (1.0 / OPS) * (1 - 1.0 / OPS));
    for (int64_t d = 0; d < decisions; d++) {
        for (int64_t op = 0; op < OPS; op++) assert_true(fabs((double)counts[d][op] - expected) < 5 * deviation);
    }
    stage_close(&opened);
}

/* A draw is a function of its step; neither other steps nor the update of the same step draw alike. */
static void test_observed_streams(void **state) {
    enum { COUNT = 8, DECISIONS = 6 };
    stage opened;
    stage_open(*state, &opened);
    const int32_t *choices = opened.searcher.paths.choices;
    int32_t first[COUNT * DECISIONS];
    draw_observed(&opened, 3, COUNT);
    memcpy(first, choices, sizeof first);
    draw_observed(&opened, 4, COUNT);
    assert_memory_not_equal(choices, first, sizeof first);
    fnas_paths_draw(&opened.searcher, FNAS_PURPOSE_HYPERNET, COUNT, 0, DEVICES);
    draw_observed(&opened, 3, COUNT);
    assert_memory_equal(choices, first, sizeof first);
    fnas_paths_draw(&opened.searcher, FNAS_PURPOSE_HYPERNET, COUNT, 0, DEVICES);
    assert_memory_not_equal(choices, first, sizeof first);
    stage_close(&opened);
}

/* All see all images of the step, also where the paths of an update share them: only so do their losses differ by the architecture alone.
 */
static void test_observed_images(void **state) {
    stage opened;
    stage_open(*state, &opened);
    fnas_context *context = opened.place->context;
    assert_int_equal(opened.run->config.batch, FNAS_BATCH_SHARED);
    draw_observed(&opened, 0, 8);
    test_check(opened.place, opened.searcher.runner->load(context, &opened.searcher, FNAS_PURPOSE_OBSERVE));
    test_check(opened.place, fnas_paths_run(context, &opened.searcher, FNAS_PURPOSE_OBSERVE));
    for (int64_t p = 0; p < 8; p++) {
        assert_int_equal(opened.searcher.paths.examples[p], opened.run->config.search_images);
        assert_true(isfinite(opened.searcher.paths.cross_entropy[p]));
    }
    stage_close(&opened);
}

/* ---- rounds of the hypernetwork's updates ---- */

static int64_t updates_at(stage *opened, int64_t step) {
    int64_t before = opened->run->state.hypernet_steps;
    opened->run->state.step = step;
    test_check(opened->place, fnas_update_hypernet(opened->place->context, &opened->searcher));
    assert_int_equal(opened->searcher.round, 0);
    return opened->run->state.hypernet_steps - before;
}

/* One a step while the entropy is held, then as many as the configuration says; one for each device where they follow each other. */
static void test_round_counts(void **state) {
    stage opened;
    stage_open(*state, &opened);
    fnas_search_config *config = &opened.run->config;
    config->hypernet_rounds = 4;
    config->entropy_hold = 0.8;
    config->consolidate_fraction = 0;
    assert_int_equal(updates_at(&opened, 0), 1);
    assert_int_equal(updates_at(&opened, 79), 1);
    assert_int_equal(updates_at(&opened, 80), 4);
    assert_int_equal(updates_at(&opened, 89), 4);
    config->update = FNAS_UPDATE_SEQUENTIAL;
    assert_int_equal(updates_at(&opened, 79), DEVICES);
    assert_int_equal(updates_at(&opened, 89), 4 * DEVICES);
    stage_close(&opened);
}

static bool shares_stream(const int64_t *streams, int64_t count, int64_t stream) {
    for (int64_t i = 0; i < count; i++) {
        if (streams[i] == stream) return true;
    }
    return false;
}

/* No round draws what another did: not when all devices are drawn for, nor when one gets every path. */
static void test_round_draws(void **state) {
    enum { ROUNDS = 3, MOST = 1024 };
    static int64_t streams[ROUNDS * MOST];
    stage opened;
    stage_open(*state, &opened);
    const fnas_search_config *config = &opened.run->config;
    int64_t each = config->paths * (1 + config->judged_paths);
    assert_true(each <= MOST);
    for (int64_t devices = 1; devices <= DEVICES; devices++) {
        int64_t seen = 0;
        double first_weight[ROUNDS];
        for (int64_t round = 0; round < ROUNDS; round++) {
            opened.searcher.round = round;
            fnas_paths_draw(&opened.searcher, FNAS_PURPOSE_HYPERNET, each, DEVICES - devices, devices);
            for (int64_t p = 0; p < each; p++) {
                assert_false(shares_stream(streams, seen, opened.searcher.paths.stream[p]));
                streams[seen++] = opened.searcher.paths.stream[p];
            }
            first_weight[round] = opened.searcher.paths.preference[0];
        }
        assert_true(first_weight[0] != first_weight[1] && first_weight[1] != first_weight[2] && first_weight[0] != first_weight[2]);
    }
    stage_close(&opened);
}

/* ---- consolidation ---- */

static int64_t flat_paths(stage *opened, int64_t step) {
    opened->run->state.step = step;
    fnas_paths_draw(&opened->searcher, FNAS_PURPOSE_WEIGHTS, opened->run->config.paths, 0, DEVICES);
    int64_t flat = 0;
    for (int64_t p = 0; p < opened->run->config.paths; p++) flat += is_flat(&opened->searcher, p);
    return flat;
}

/* The supernet goes on learning, on what the hypernetwork draws alone; of the hypernetwork nothing changes. */
static void test_consolidation(void **state) {
    stage opened;
    stage_open(*state, &opened);
    fnas_search_state *s = &opened.run->state;
    int64_t begin = fnas_schedule_search_end(&opened.run->config, 100), updates = s->hypernet_steps;
    assert_true(begin < 100);
    assert_int_equal(flat_paths(&opened, begin - 1), opened.run->config.paths * 3 / 4);
    assert_int_equal(flat_paths(&opened, begin), 0);

    size_t bytes = (size_t)s->hypernet_count * sizeof(float);
    float *before = fnas_allocate(3, bytes), *weights = fnas_allocate((size_t)s->weights.float_count, sizeof *weights);
    memcpy(before, s->hypernet, bytes);
    memcpy(before + s->hypernet_count, s->hypernet_moment1, bytes);
    memcpy(before + 2 * s->hypernet_count, s->hypernet_moment2, bytes);
    memcpy(weights, s->weights.values, (size_t)s->weights.float_count * sizeof *weights);
    s->step = begin;
    test_check(opened.place, fnas_search_step(opened.place->context, &opened.searcher));
    assert_int_equal(opened.searcher.stage, FNAS_STAGE_CONSOLIDATE);
    assert_int_equal(s->hypernet_steps, updates);
    assert_memory_equal(before, s->hypernet, bytes);
    assert_memory_equal(before + s->hypernet_count, s->hypernet_moment1, bytes);
    assert_memory_equal(before + 2 * s->hypernet_count, s->hypernet_moment2, bytes);
    assert_memory_not_equal(weights, s->weights.values, (size_t)s->weights.float_count * sizeof *weights);

    s->step = begin - 1; /* the step before does change it */
    test_check(opened.place, fnas_search_step(opened.place->context, &opened.searcher));
    assert_memory_not_equal(before, s->hypernet, bytes);
    fnas_free(before);
    fnas_free(weights);
    stage_close(&opened);
}

/* ---- rehearsal ---- */

/* What --minutes times leaves no trace in the state, whatever is timed. */
static void test_rehearsal(void **state) {
    stage opened;
    stage_open(*state, &opened);
    fnas_context *context = opened.place->context;
    const char *before = fnas_test_path(opened.place, "before"), *after = fnas_test_path(opened.place, "after");
    fnas_step_costs costs;
    test_check(opened.place, fnas_search_state_save(context, &opened.run->config, &opened.run->state, before));
    test_check(opened.place, fnas_length_rehearse(context, &opened.searcher, 1e3, &costs));
    test_check(opened.place, fnas_search_state_save(context, &opened.run->config, &opened.run->state, after));
    assert_true(costs.weights_ms > 0 && costs.hypernet_ms > 0 && costs.annealing_ms > 0);
    unsigned char *bytes[2];
    size_t sizes[2];
    test_check(opened.place, fnas_file_read(context, before, 1 << 28, &bytes[0], &sizes[0]));
    test_check(opened.place, fnas_file_read(context, after, 1 << 28, &bytes[1], &sizes[1]));
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    fnas_free(bytes[0]);
    fnas_free(bytes[1]);
    fnas_context_request_stop(context); /* asked to stop, it ends after one of each */
    test_check(opened.place, fnas_length_rehearse(context, &opened.searcher, 1e3, &costs));
    assert_true(costs.weights_ms > 0 && costs.hypernet_ms > 0);
    stage_close(&opened);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_observed_halves), fnas_test(test_observed_uniform), fnas_test(test_observed_streams),
        fnas_test(test_observed_images), fnas_test(test_round_counts),     fnas_test(test_round_draws),
        fnas_test(test_consolidation),   fnas_test(test_rehearsal),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
