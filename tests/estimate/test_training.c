/* Short trainings: they learn, and are functions of plan and architecture alone. */
#include "base/support.h"

#include <math.h>

#include "estimate/training.h"

#define CONV_CELL "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
#define SKIP_CELL "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"

typedef struct bench {
    fnas_space *space;
    fnas_dataset *dataset;
    fnas_split *split;
    fnas_training_plan plan;
} bench;

static bench set_up(fnas_test_place *place, const char *spec, int64_t steps) {
    bench made = {0};
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &made.space));
    assert_status(FNAS_OK, fnas_dataset_open(place->context, "synthetic:3x16x16,images=500", &made.dataset));
    assert_status(FNAS_OK, fnas_split_create(place->context, made.dataset, 1, 0.8, 0.1, &made.split));
    made.plan = (fnas_training_plan){
        .space = made.space, .dataset = made.dataset, .steps = steps, .batch = 16, .rate = 0.05, .momentum = 0.9, .clip = 5, .seed = 3};
    made.plan.images = fnas_split_part(made.split, FNAS_SPLIT_WEIGHTS, &made.plan.image_count);
    return made;
}

static void tear_down(bench *made) {
    fnas_split_free(made->split);
    fnas_dataset_close(made->dataset);
    fnas_space_close(made->space);
}

static fnas_training_curve train(fnas_test_place *place, const bench *made, fnas_trainer *trainer, const char *arch) {
    int32_t choices[6];
    fnas_training_curve curve;
    assert_status(FNAS_OK, fnas_space_parse(place->context, made->space, arch, choices));
    assert_status(FNAS_OK, fnas_trainer_run(place->context, &made->plan, trainer, choices, &curve));
    return curve;
}

static void test_learns(void **state) {
    fnas_test_place *place = *state;
    bench made = set_up(place, "nb201:channels=8,cells=1,input=3x16x16", 120);
    fnas_trainer trainer;
    assert_status(FNAS_OK, fnas_trainer_create(place->context, &made.plan, &trainer));
    fnas_training_curve curve = train(place, &made, &trainer, CONV_CELL);
    assert_true(curve.loss[0] > 1.5 && curve.loss[FNAS_TRAINING_PARTS - 1] < 0.5 * curve.loss[0]);
    assert_true(curve.error_pct[FNAS_TRAINING_PARTS - 1] < 0.5 * curve.error_pct[0]);
    fnas_trainer_destroy(&trainer);
    tear_down(&made);
}

/* What a trainer did before leaves no trace. */
static void test_is_a_function_of_plan_and_architecture(void **state) {
    fnas_test_place *place = *state;
    bench made = set_up(place, "nb201:channels=8,cells=1,input=3x8x8", 20);
    fnas_trainer first, second;
    assert_status(FNAS_OK, fnas_trainer_create(place->context, &made.plan, &first));
    assert_status(FNAS_OK, fnas_trainer_create(place->context, &made.plan, &second));
    fnas_training_curve fresh = train(place, &made, &first, CONV_CELL), other = train(place, &made, &second, SKIP_CELL);
    fnas_training_curve again = train(place, &made, &second, CONV_CELL);
    assert_memory_equal(&fresh, &again, sizeof fresh);
    assert_memory_not_equal(&fresh, &other, sizeof fresh);
    made.plan.seed = 4;
    again = train(place, &made, &second, CONV_CELL);
    assert_memory_not_equal(&fresh, &again, sizeof fresh);
    fnas_trainer_destroy(&first);
    fnas_trainer_destroy(&second);
    tear_down(&made);
}

/* Weights beyond all numbers: from then on the network guesses, and errs as often as that, however few images a step has. */
static void test_a_diverged_network_guesses(void **state) {
    fnas_test_place *place = *state;
    bench made = set_up(place, "nb201:channels=8,cells=1,input=3x8x8", 20);
    fnas_trainer trainer;
    made.plan.rate = 1e38;
    assert_status(FNAS_OK, fnas_trainer_create(place->context, &made.plan, &trainer));
    fnas_training_curve curve = train(place, &made, &trainer, CONV_CELL);
    assert_float_equal(curve.loss[FNAS_TRAINING_PARTS - 1], log(10), 1e-12);
    assert_float_equal(curve.error_pct[FNAS_TRAINING_PARTS - 1], 90, 1e-12);
    fnas_trainer_destroy(&trainer);
    tear_down(&made);
}

/* Images are made larger and narrower, each time others; colours are not made grey. */
static void test_images_of_other_sizes(void **state) {
    fnas_test_place *place = *state;
    const char *specs[] = {"nb201:channels=8,cells=1,input=3x24x24", "nb201:channels=8,cells=1,input=3x16x8"};
    fnas_training_curve curves[2];
    fnas_trainer trainer;
    for (size_t i = 0; i < 2; i++) {
        bench made = set_up(place, specs[i], 20);
        assert_status(FNAS_OK, fnas_trainer_create(place->context, &made.plan, &trainer));
        curves[i] = train(place, &made, &trainer, CONV_CELL);
        fnas_trainer_destroy(&trainer);
        tear_down(&made);
    }
    assert_memory_not_equal(&curves[0], &curves[1], sizeof curves[0]);
    bench made = set_up(place, "nb201:channels=8,cells=1,input=1x8x8", 20);
    int32_t choices[6] = {0};
    assert_status(FNAS_OK, fnas_trainer_create(place->context, &made.plan, &trainer));
    assert_status(FNAS_ERR_INPUT, fnas_trainer_run(place->context, &made.plan, &trainer, choices, &curves[0]));
    assert_message("the space takes images 1x8x8, the data set synthetic:3x16x16,classes=10,images=500 has 3 channels");
    fnas_trainer_destroy(&trainer);
    tear_down(&made);
}

static void test_stops_when_asked(void **state) {
    fnas_test_place *place = *state;
    bench made = set_up(place, "nb201:channels=8,cells=1,input=3x8x8", 20);
    fnas_trainer trainer;
    int32_t choices[6] = {0};
    fnas_training_curve curve;
    assert_status(FNAS_OK, fnas_trainer_create(place->context, &made.plan, &trainer));
    fnas_context_request_stop(place->context);
    assert_status(FNAS_INTERRUPTED, fnas_trainer_run(place->context, &made.plan, &trainer, choices, &curve));
    fnas_trainer_destroy(&trainer);
    tear_down(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_learns),
        fnas_test(test_is_a_function_of_plan_and_architecture),
        fnas_test(test_a_diverged_network_guesses),
        fnas_test(test_images_of_other_sizes),
        fnas_test(test_stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
