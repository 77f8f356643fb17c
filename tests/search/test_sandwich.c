/* Supernets trained from their largest network on: which networks are drawn in which phase, what they learn from the largest, on images of
 * which size; and supernets that are frozen. */
#include "search/support_query.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "compute/ops.h"
#include "data/resize.h"
#include "search/searcher.h"
#include "space/mobilenetv3/mobilenetv3.h"

enum { SANDWICHES = 2, LAYERS = 4, PATHS = SANDWICHES * LAYERS, IMAGES = 24, STEPS = 100, DATA_SIDE = 12, CLASSES = 4 };
enum { FULL, KERNEL, DEPTH, EXPANSION };

typedef struct stage {
    fnas_test_place *place;
    fnas_run *run;
    fnas_examples examples;
    fnas_searcher searcher;
} stage;

/* A warm-up of 40 steps in four phases of ten, then a frozen supernet. */
static void stage_open(fnas_test_place *place, int64_t threads, stage *opened) {
    fnas_context_set_threads(place->context, threads);
    *opened = (stage){.place = place, .run = test_run_in(place, TEST_PHASED_SPACE, TEST_PHASED_DATA, "error,latency_ms", 31)};
    fnas_search_config *config = &opened->run->config;
    assert_int_equal(config->sandwiches, SANDWICHES);
    assert_int_equal(config->sandwich_paths, LAYERS);
    assert_int_equal(config->shared_weights, FNAS_WEIGHTS_FROZEN);
    config->weight_images = IMAGES;
    config->search_images = IMAGES;
    config->warmup_fraction = 0.4;
    config->distillation = 0.3;
    for (int p = 0; p < 4; p++) config->phase_shares[p] = 1;
    opened->run->state.total_steps = STEPS;
    test_check(place, fnas_run_open_data(place->context, opened->run, NULL, &opened->examples));
    test_check(place, fnas_searcher_create(place->context, opened->run, &opened->examples, &opened->searcher));
}

static void stage_close(stage *opened) {
    fnas_searcher_free(&opened->searcher);
    fnas_examples_close(&opened->examples);
    fnas_run_close(opened->run);
}

static const int32_t *draw(stage *opened, int64_t step) {
    opened->run->state.step = step;
    fnas_sandwich_draw(&opened->searcher);
    return opened->searcher.paths.choices;
}

/* ---- what is drawn ---- */

/* Where a decision's choices begin to be open: the resolution at once. */
static int64_t opens(int64_t decision) {
    if (decision == FNAS_MBV3_RESOLUTION) return FULL;
    return decision < FNAS_MBV3_KERNEL ? DEPTH : decision < FNAS_MBV3_EXPANSION ? KERNEL : EXPANSION;
}

/* Every open choice is drawn, and no other. */
static void test_phases_open_choices(void **state) {
    stage opened;
    stage_open(*state, 1, &opened);
    for (int64_t phase = FULL; phase <= EXPANSION; phase++) {
        int64_t counts[FNAS_MBV3_DECISIONS][3] = {{0}};
        for (int64_t step = 10 * phase; step < 10 * phase + 10; step++) {
            const int32_t *choices = draw(&opened, step);
            assert_int_equal(opened.searcher.paths.count, phase == FULL ? SANDWICHES : PATHS);
            for (int64_t p = 0; p < opened.searcher.paths.count; p++)
                for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) counts[d][choices[p * FNAS_MBV3_DECISIONS + d]]++;
        }
        for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) {
            assert_true(counts[d][2] > 0);
            for (int k = 0; k < 2; k++) assert_int_equal(counts[d][k] > 0, phase >= opens(d));
        }
    }
    stage_close(&opened);
}

/* The largest and the smallest of each sandwich, and random ones that change from step to step and from sandwich to sandwich. */
static void test_layers(void **state) {
    stage opened;
    stage_open(*state, 1, &opened);
    const fnas_paths *paths = &opened.searcher.paths;
    int32_t before[PATHS * FNAS_MBV3_DECISIONS] = {0};
    for (int64_t step = 10; step < 40; step++) {
        const int32_t *choices = draw(&opened, step);
        int64_t phase = step / 10;
        assert_int_equal(paths->teacher_count, SANDWICHES);
        assert_int_equal(paths->share_count, SANDWICHES);
        for (int64_t s = 0; s < SANDWICHES; s++)
            for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) {
                assert_int_equal(choices[s * FNAS_MBV3_DECISIONS + d], 2);
                assert_int_equal(choices[(SANDWICHES + s) * FNAS_MBV3_DECISIONS + d], phase >= opens(d) ? 0 : 2);
            }
        size_t half = (size_t)(2 * SANDWICHES * FNAS_MBV3_DECISIONS), rest = (LAYERS - 2) * SANDWICHES * FNAS_MBV3_DECISIONS;
        assert_memory_not_equal(choices + half, before + half, rest * sizeof *choices);
        for (int64_t p = 2 * SANDWICHES + 1; p < PATHS; p++)
            assert_memory_not_equal(choices + p * FNAS_MBV3_DECISIONS, choices + (p - 1) * FNAS_MBV3_DECISIONS,
                                    FNAS_MBV3_DECISIONS * sizeof *choices);
        memcpy(before, choices, sizeof before);
    }
    assert_memory_equal(draw(&opened, 39), before, sizeof before); /* a function of the step */
    stage_close(&opened);
}

/* Without phases all choices are open from the first step, in sandwiches. */
static void test_no_phases(void **state) {
    stage opened;
    stage_open(*state, 1, &opened);
    opened.run->config.phase_count = 0;
    const int32_t *choices = draw(&opened, 0);
    assert_int_equal(opened.searcher.paths.count, PATHS);
    for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) assert_int_equal(choices[SANDWICHES * FNAS_MBV3_DECISIONS + d], 0);
    stage_close(&opened);
}

/* ---- what they learn ---- */

/* The images are the data set's own, which are smaller than the largest network's. */
static void test_images_keep_their_size(void **state) {
    stage opened;
    stage_open(*state, 2, &opened);
    fnas_searcher *s = &opened.searcher;
    opened.run->config.augment = 0;
    assert_int_equal(s->batch.shape.h, DATA_SIDE);
    assert_int_equal(s->batch.shape.w, DATA_SIDE);
    assert_int_equal(s->image_floats, 3 * DATA_SIDE * DATA_SIDE);
    draw(&opened, 12);
    test_check(opened.place, s->runner->load(opened.place->context, s, FNAS_PURPOSE_WEIGHTS));
    for (int64_t i = 0; i < IMAGES; i++) {
        float plain[3 * DATA_SIDE * DATA_SIDE];
        int32_t label;
        test_check(opened.place, fnas_dataset_image(opened.place->context, opened.examples.images, NULL, s->batch.index[i], plain, &label));
        assert_int_equal(label, s->batch.labels[i]);
        assert_memory_equal(plain, s->batch.images + i * s->image_floats, sizeof plain);
    }
    stage_close(&opened);
}

/* Larger ones are made as large as the largest network's; grey ones get their channels in any case. */
static void test_shapes_of_images(void **state) {
    static const struct {
        const char *data;
        int64_t side;
    } cases[] = {{"synthetic:3x12x12,classes=4,images=40", 12},
                 {"synthetic:3x32x32,classes=4,images=40", 32},
                 {"synthetic:3x40x40,classes=4,images=40", 32},
                 {"synthetic:3x16x40,classes=4,images=40", 32},
                 {"synthetic:1x24x24,classes=4,images=40", 24}};
    fnas_test_place *place = *state;
    fnas_run *run = test_run_in(place, TEST_PHASED_SPACE, TEST_PHASED_DATA, "error,latency_ms", 31);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_dataset *dataset;
        int64_t shape[3];
        test_check(place, fnas_dataset_open(place->context, cases[i].data, &dataset));
        fnas_run_image_shape(run, dataset, shape);
        assert_int_equal(shape[0], 3);
        assert_int_equal(shape[1], cases[i].side);
        assert_int_equal(shape[2], cases[i].side);
        fnas_dataset_close(dataset);
    }
    fnas_run_close(run);
}

/* A path alone, on its images resized by hand; targets NULL: from the labels alone. */
static fnas_path_result run_alone(stage *opened, int64_t path, const float *targets, float *logits, float *gradient) {
    fnas_searcher *s = &opened->searcher;
    int64_t share = path % SANDWICHES, n = IMAGES / SANDWICHES, image[3];
    fnas_net *net;
    const int32_t *choices = s->paths.choices + path * FNAS_MBV3_DECISIONS;
    test_check(opened->place, fnas_space_record(opened->place->context, opened->run->supernet, choices, &net));
    fnas_space_image_of(opened->run->supernet, choices, image);
    float *given = s->batch.images + share * n * s->image_floats,
          *resized = fnas_allocate((size_t)(n * 3 * image[1] * image[2]), sizeof *resized);
    fnas_resize_aligned(3 * n, DATA_SIDE, DATA_SIDE, image[1], image[2], given, resized);
    fnas_path_request request = {.net = net,
                                 .parameters = &s->state->weights,
                                 .n = n,
                                 .images = resized,
                                 .labels = s->batch.labels + share * n,
                                 .soft_targets = targets,
                                 .soft_weight = 0.3f,
                                 .scale = 1.0f / (float)s->paths.count,
                                 .logits = logits,
                                 .weight_gradient = gradient};
    fnas_path_result result;
    test_check(opened->place, fnas_path_run(opened->place->context, &s->workers[0], &request, &result));
    fnas_free(resized);
    fnas_net_destroy(net);
    return result;
}

/* Each loss is to the bit that of a run alone with the largest's word on the same images; the gradient is their sum. */
static void test_the_largest_teaches(void **state) {
    stage opened;
    stage_open(*state, 2, &opened);
    fnas_searcher *s = &opened.searcher;
    float teacher[SANDWICHES][IMAGES / SANDWICHES * CLASSES];
    draw(&opened, 35);
    test_check(opened.place, s->runner->load(opened.place->context, s, FNAS_PURPOSE_WEIGHTS));
    test_check(opened.place, fnas_paths_run(opened.place->context, s, FNAS_PURPOSE_WEIGHTS));
    int64_t count = s->state->weights.float_count, sizes = 0;
    double *sum = fnas_allocate((size_t)count, sizeof *sum), largest = 0;
    float *one = fnas_allocate((size_t)count, sizeof *one);
    for (int64_t p = 0; p < PATHS; p++) {
        bool teaches = p < SANDWICHES;
        float *word = teacher[p % SANDWICHES];
        memset(one, 0, (size_t)count * sizeof *one);
        fnas_path_result result = run_alone(&opened, p, teaches ? NULL : word, teaches ? word : NULL, one);
        if (teaches) fnas_softmax(IMAGES / SANDWICHES, CLASSES, word);
        assert_true(result.loss == s->paths.cross_entropy[p]);
        assert_int_equal(result.correct, s->paths.correct[p]);
        assert_int_equal(s->paths.examples[p], IMAGES / SANDWICHES);
        for (int64_t i = 0; i < count; i++) sum[i] += one[i];
        sizes |= 1 << s->paths.choices[p * FNAS_MBV3_DECISIONS + FNAS_MBV3_RESOLUTION];
    }
    assert_int_equal(sizes & 5, 5); /* the smallest images and the largest */
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(sum[i]));
    assert_true(largest > 1e-3);
    for (int64_t i = 0; i < count; i++) assert_true(fabs(s->group_gradient[0][i] - sum[i]) <= 3e-6 * largest); /* PATHS sums of floats */
    fnas_free(sum);
    fnas_free(one);
    stage_close(&opened);
}

/* ---- steps of the weights ---- */

/* Nesterov's momentum; convolutions and the linear layer decay, norms, biases and kernel transforms do not. */
static void test_update(void **state) {
    stage opened;
    stage_open(*state, 2, &opened);
    fnas_searcher *s = &opened.searcher;
    fnas_search_state *learnt = s->state;
    int64_t count = learnt->weights.float_count, decayed = 0, kept = 0;
    size_t bytes = (size_t)count * sizeof(float);
    float *weights = fnas_allocate(1, bytes), *moment = fnas_allocate(1, bytes);
    opened.run->config.weight_decay = 0.5;
    learnt->step = 12;
    for (int64_t i = 0; i < learnt->weights.item_count; i++) /* moments of before */
        for (int64_t k = 0; k < learnt->weights.items[i].count; k++)
            learnt->weight_moment[learnt->weights.items[i].offset + k] = 0.01f * (float)(k % 7);
    memcpy(weights, learnt->weights.values, bytes);
    memcpy(moment, learnt->weight_moment, bytes);
    test_check(opened.place, fnas_update_weights(opened.place->context, s));
    double rate = fnas_schedule_weight_rate(&opened.run->config, 12, STEPS), momentum = opened.run->config.weight_momentum;
    for (int64_t i = 0; i < learnt->weights.item_count; i++) {
        const fnas_parameter *item = &learnt->weights.items[i];
        const char *last = strrchr(item->name, '.');
        static const char *const undecayed[] = {".gamma", ".beta", ".bias", ".transform5", ".transform3"};
        double decay = 0.5;
        for (size_t u = 0; u < sizeof undecayed / sizeof *undecayed; u++)
            if (strcmp(last, undecayed[u]) == 0) decay = 0;
        decay > 0 ? decayed++ : kept++;
        for (int64_t k = item->offset; k < item->offset + item->count; k++) {
            double g = s->group_gradient[0][k] + decay * weights[k], m = momentum * moment[k] + g;
            double expected = weights[k] - rate * (g + momentum * m), size = fabs(weights[k]) + rate * (fabs(g) + fabs(m));
            if (!(fabs(learnt->weights.values[k] - expected) <= 4 * 6e-8 * size)) /* four roundings */
                fail_msg("%s: %.9g, expected %.9g", item->name, (double)learnt->weights.values[k], expected);
        }
    }
    assert_true(decayed == 3 + 3 * 20 + 2 * 12 + 3 && kept > decayed); /* stem and fixed unit, units, squeezes, head */
    fnas_free(weights);
    fnas_free(moment);
    stage_close(&opened);
}

static bool is_ordered(const fnas_parameters *weights, const char *name) {
    const fnas_parameter *item = &weights->items[fnas_parameters_find(weights, name)];
    double above = INFINITY;
    for (int64_t c = 0; c < item->shape[1]; c++) {
        double sum = 0;
        for (int64_t row = 0; row < item->shape[0]; row++) sum += fabs((double)weights->values[item->offset + row * item->shape[1] + c]);
        if (sum > above) return false;
        above = sum;
    }
    return true;
}

/* Channels are put in order at the first step of the phase that opens expansions, and at no other; where that phase has no step, behind the
 * warm-up. Nothing else changes weights whose rate is 0. */
static void test_order_begins_with_the_phase(void **state) {
    for (int skipped = 0; skipped < 2; skipped++) {
        stage opened;
        stage_open(*state, 2, &opened);
        fnas_search_config *config = &opened.run->config;
        fnas_search_state *learnt = opened.searcher.state;
        size_t bytes = (size_t)learnt->weights.float_count * sizeof(float);
        float *before = fnas_allocate(1, bytes);
        config->weight_rate = config->weight_rate_end = 0;
        if (skipped) config->phase_shares[EXPANSION] = 0;
        for (int64_t first = skipped ? 40 : 30, step = first - 1; step <= first + 1; step++) {
            memcpy(before, learnt->weights.values, bytes);
            learnt->step = step;
            test_check(opened.place, fnas_search_step(opened.place->context, &opened.searcher));
            assert_int_equal(memcmp(before, learnt->weights.values, bytes) != 0, step == first);
            assert_int_equal(is_ordered(&learnt->weights, "stage3.unit2.project"), step >= first);
            assert_int_equal(is_ordered(&learnt->weights, "stage3.unit2.excite"), step >= first);
        }
        fnas_free(before);
        stage_close(&opened);
    }
}

/* The same bits for any number of threads. */
static void test_threads(void **state) {
    float *expected = NULL;
    for (int64_t threads = 1; threads <= 3; threads++) {
        stage opened;
        stage_open(*state, threads, &opened);
        fnas_search_state *learnt = opened.searcher.state;
        size_t bytes = (size_t)learnt->weights.float_count * sizeof(float);
        for (learnt->step = 8; learnt->step < 14;) test_check(opened.place, fnas_search_step(opened.place->context, &opened.searcher));
        if (!expected) {
            expected = fnas_allocate(1, bytes);
            memcpy(expected, learnt->weights.values, bytes);
        }
        assert_memory_equal(expected, learnt->weights.values, bytes);
        stage_close(&opened);
    }
    fnas_free(expected);
}

/* ---- frozen ---- */

/* Behind the warm-up not a bit of the weights changes, and the hypernetwork learns; what was observed does not age. */
static void test_frozen(void **state) {
    stage opened;
    stage_open(*state, 2, &opened);
    fnas_searcher *s = &opened.searcher;
    fnas_search_state *learnt = s->state;
    size_t bytes = (size_t)learnt->weights.float_count * sizeof(float);
    float *before = fnas_allocate(1, bytes);
    memcpy(before, learnt->weights.values, bytes);
    learnt->step = 39;
    test_check(opened.place, fnas_search_step(opened.place->context, s));
    assert_true(s->trains_weights);
    assert_memory_not_equal(before, learnt->weights.values, bytes);
    memcpy(before, learnt->weights.values, bytes);
    for (int i = 0; i < 3; i++) test_check(opened.place, fnas_search_step(opened.place->context, s));
    assert_false(s->trains_weights);
    assert_memory_equal(before, learnt->weights.values, bytes);
    assert_true(learnt->hypernet_steps > 0);
    const fnas_error_model *model = &learnt->error_model;
    assert_true(model->gram[model->features * model->features - 1] == 3.0 * (double)opened.run->config.observed_paths);
    opened.run->config.shared_weights = FNAS_WEIGHTS_MOVING;
    opened.run->config.weight_images = IMAGES;
    test_check(opened.place, fnas_search_step(opened.place->context, s));
    assert_memory_not_equal(before, learnt->weights.values, bytes);
    assert_true(model->gram[model->features * model->features - 1] < 4.0 * (double)opened.run->config.observed_paths);
    fnas_free(before);
    stage_close(&opened);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_phases_open_choices),         fnas_test(test_layers),           fnas_test(test_no_phases),
        fnas_test(test_images_keep_their_size),      fnas_test(test_shapes_of_images), fnas_test(test_threads),
        fnas_test(test_the_largest_teaches),         fnas_test(test_frozen),           fnas_test(test_update),
        fnas_test(test_order_begins_with_the_phase),
    };
    return cmocka_run_group_tests_name("sandwich", tests, NULL, NULL);
}
