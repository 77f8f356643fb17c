/* Verification: its parts on numbers by hand, and the whole on a tiny run that is really measured. */
#include "search/support_query.h"

#include <math.h>

#include "base/json.h"
#include "search/query/verify.h"
#include "search/searcher.h"

/* Of four architectures with volumes that can be told: every draw of one, and of all. */
static void test_random_hypervolume(void **state) {
    fnas_test_place *place = *state;
    const double points[] = {0.5, 0.5, 0, 0.8, 0.9, 0.9}; /* alone 0.25, 0.2 and 0.01; the fourth architecture only guesses: 0 */
    fnas_verify_pool pool = {4, 3, points};
    double mean, deviation, again;
    test_check(place, fnas_verify_random_hypervolume(place->context, &pool, 4, 1, &mean, &deviation));
    assert_true(fabs(mean - (0.25 + 0.5 * 0.2)) < 1e-12 && deviation < 1e-12); /* no choice, no deviation */
    test_check(place, fnas_verify_random_hypervolume(place->context, &pool, 1, 1, &mean, &deviation));
    /* Expected 0.115 with a deviation of 0.112 a draw; the mean of 200 is within five standard errors. */
    print_message("mean %.4f, deviation %.4f\n", mean, deviation);
    assert_true(fabs(mean - 0.115) < 5 * 0.112 / sqrt(200));
    assert_true(fabs(deviation - 0.112) < 0.03);
    test_check(place, fnas_verify_random_hypervolume(place->context, &pool, 1, 1, &again, &deviation));
    assert_true(again == mean);
    test_check(place, fnas_verify_random_hypervolume(place->context, &pool, 1, 2, &again, &deviation));
    assert_true(again != mean);
}

static void test_hypervolumes(void **state) {
    fnas_test_place *place = *state;
    /* Scale (10..50 %, 1..5 ms), then two methods; the first one's best error extends the scale to 0..50 %. */
    double points[] = {10, 5, 50, 1, /**/ 0, 3, 25, 1, 30, 2, /**/ 50, 1, 45, 5};
    const fnas_verify_method methods[] = {{2, 3}, {5, 2}, {0, 2}, {0, 0}};
    double volumes[4];
    test_check(place, fnas_verify_hypervolumes(place->context, 7, points, 4, methods, volumes));
    assert_true(fabs(volumes[0] - (0.5 * 0.5 + 0.5 * 1)) < 1e-12); /* (0, 0.5) and (0.5, 0) */
    assert_true(fabs(volumes[1]) < 1e-12);                         /* at the reference's edges */
    assert_true(fabs(volumes[2]) < 1e-12);
    assert_true(volumes[3] == 0);
}

static void check_device(const fnas_verification *verification, const fnas_run *run, int64_t index, bool ablate) {
    const fnas_verify_device *device = fnas_verification_device(verification, index);
    assert_string_equal(device->name, fnas_card_get(run->cards[index]).name);
    const double volumes[] = {device->hypervolume, device->hypervolume_random, device->hypervolume_untrained};
    for (int i = 0; i < 3; i++) assert_true(volumes[i] >= 0 && volumes[i] <= 1);
    /* Draws differ, and of numbers in [0, 1] with this mean none vary more than a coin does. */
    double mean = device->hypervolume_random, deviation = device->hypervolume_random_deviation;
    assert_true(deviation > 0 && deviation * deviation <= mean * (1 - mean) * 200 / 199);
    assert_true(isnan(device->hypervolume_mean_embedding) == !ablate);
    assert_true(isnan(device->hypervolume_constant_preference) == !ablate);
    assert_true(device->slowdown > 0 && isfinite(device->slowdown));
    assert_int_equal(device->front_points, fnas_verification_row_count(verification, index));
    double best = 100;
    for (int64_t i = 0; i < device->front_points; i++) {
        fnas_verify_row row = fnas_verification_row(verification, index, i);
        assert_true(row.predicted_ms > 0 && row.measured_ms > 0);
        assert_true(row.validation_error_pct >= 0 && row.validation_error_pct <= 100);
        assert_true(row.test_error_pct >= 0 && row.test_error_pct <= 100);
        best = fmin(best, row.test_error_pct);
    }
    assert_true(device->best_accuracy_pct == 100 - best);
}

/* The verification's front is the one that a front query gives: chosen by validation error and predicted latency. */
static void check_rows_are_front(fnas_test_place *place, const fnas_run *run, const fnas_verification *verification, int64_t index) {
    fnas_front *front;
    fnas_front_options options = {.score_error = true, .candidates = 8};
    test_check(place, fnas_run_front(place->context, run, run->cards[index], &options, &front));
    assert_int_equal(fnas_front_point_count(front), fnas_verification_row_count(verification, index));
    for (int64_t i = 0; i < fnas_front_point_count(front); i++) {
        fnas_verify_row row = fnas_verification_row(verification, index, i);
        assert_string_equal(row.arch, fnas_front_arch(front, i));
        assert_true(row.validation_error_pct == fnas_front_values(front, i)[0]);
        assert_true(row.predicted_ms == fnas_front_values(front, i)[1]);
    }
    fnas_front_free(front);
}

/* A run on so many images, of which a fifth are of the test part, whose shared weights have learnt for some steps: some of its
 * architectures are better than guessing. */
static fnas_run *trained_run(fnas_test_place *place, int64_t images, int64_t steps) {
    char data[64];
    snprintf(data, sizeof data, "synthetic:1x8x8,classes=4,images=%lld", (long long)images);
    fnas_run *run = test_run_in(place, TEST_SPACE, data, "error,latency_ms", 21);
    fnas_examples examples;
    fnas_searcher searcher;
    run->state.total_steps = steps;
    test_check(place, fnas_search_config_fit_data(place->context, &run->config, images));
    test_check(place, fnas_run_open_data(place->context, run, NULL, &examples));
    test_check(place, fnas_searcher_create(place->context, run, &examples, &searcher));
    for (run->state.step = 0; run->state.step < steps; run->state.step++) test_check(place, fnas_update_weights(place->context, &searcher));
    fnas_searcher_free(&searcher);
    fnas_examples_close(&examples);
    return run;
}

static int measure_calls, measure_failures;

/* Milliseconds by formula, the pooling device half again as slow; the first `measure_failures` calls meet an unquiet machine. */
static fnas_status measure(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t count, const int32_t *choices,
                           int64_t rounds, double *latency_ms) {
    assert_int_equal(rounds, 12);
    if (measure_calls++ < measure_failures) return fnas_fail(context, FNAS_ERR_NUMERIC, "drift %d", measure_calls);
    double factor = strcmp(fnas_card_get(card).name, "pooling") ? 1 : 1.5;
    for (int64_t i = 0; i < count; i++) latency_ms[i] = factor * (1 + 1e-6 * (double)fnas_space_macs(space, choices + 6 * i));
    return FNAS_OK;
}

/* All but the named device are this machine's. */
static const char *foreign_name;

static fnas_status check_here(fnas_context *context, const fnas_space *space, const fnas_card *card) {
    FNAS_TRY(fnas_card_check_space(context, card, space));
    const char *name = fnas_card_get(card).name;
    if (!foreign_name || strcmp(name, foreign_name)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "device %s is another machine's", name);
}

static const fnas_verify_meter meter = {check_here, measure};

/* The rows' measured latencies, and the numbers that sum them up, recomputed. */
static void check_agreement(fnas_test_place *place, const fnas_run *run, const fnas_verification *verification, int64_t index) {
    const fnas_verify_device *device = fnas_verification_device(verification, index);
    int64_t below = 0, above = 0;
    for (int64_t i = 0; i < device->front_points; i++) {
        fnas_verify_row row = fnas_verification_row(verification, index, i);
        int32_t choices[6];
        test_check(place, fnas_space_parse(place->context, run->space, row.arch, choices));
        double expected_ms = (index ? 1.5 : 1) * (1 + 1e-6 * (double)fnas_space_macs(run->space, choices));
        assert_true(row.measured_ms == expected_ms);
        double ape_pct = 100 * fabs(row.predicted_ms - row.measured_ms) / row.measured_ms;
        below += ape_pct < device->median_ape_pct - 1e-9;
        above += ape_pct > device->median_ape_pct + 1e-9;
    }
    assert_true(2 * below <= device->front_points && 2 * above <= device->front_points);
}

static void check_json(fnas_test_place *place, const fnas_verification *verification) {
    const char *path = fnas_test_path(place, "verification.json");
    test_check(place, fnas_verification_write_json(place->context, verification, path));
    json_t *root;
    test_check(place, fnas_json_read(place->context, path, 1 << 20, &root));
    json_t *devices = json_object_get(root, "devices");
    assert_int_equal(json_integer_value(json_object_get(root, "test_images")), 800); /* all there are */
    assert_int_equal(json_integer_value(json_object_get(root, "scale_count")), 10);
    assert_int_equal(json_array_size(devices), fnas_verification_count(verification));
    json_t *device = json_array_get(devices, 1);
    const fnas_verify_device *expected = fnas_verification_device(verification, 1);
    assert_string_equal(json_string_value(json_object_get(device, "device")), "pooling");
    assert_true(json_number_value(json_object_get(device, "hypervolume")) == expected->hypervolume);
    assert_true(json_number_value(json_object_get(device, "hypervolume_random")) == expected->hypervolume_random);
    assert_true(json_number_value(json_object_get(device, "hypervolume_random_deviation")) == expected->hypervolume_random_deviation);
    assert_true(json_is_true(json_object_get(device, "searched")));
    assert_int_equal(json_array_size(json_object_get(device, "points")), expected->front_points);
    assert_true((json_object_get(device, "hypervolume_mean_embedding") != NULL) == !isnan(expected->hypervolume_mean_embedding));
    json_decref(root);
}

static void test_whole(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = trained_run(place, 4000, 60);
    fnas_verification *verification;
    fnas_verify_options options = {.scale_count = 10, .random_count = 5, .candidates = 8, .ablate = true};
    measure_calls = measure_failures = 0;
    test_check(place, fnas_verify_by(place->context, run, 2, (const fnas_card *const *)run->cards, &options, &meter, &verification));
    assert_int_equal(measure_calls, 2); /* one session a device */
    assert_int_equal(fnas_verification_count(verification), 2);
    for (int64_t i = 0; i < 2; i++) {
        check_device(verification, run, i, true);
        check_rows_are_front(place, run, verification, i);
        check_agreement(place, run, verification, i);
    }
    check_json(place, verification);
    fnas_verification_free(verification);
    fnas_run_close(run);
}

/* Who asks for more test images than there are is judged by those that there are: also where guessing begins, at 60.5 % with 80 images of
 * four classes, at 70.9 % with 1,000. Some architectures lie between. */
static void test_more_images_than_there_are(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = trained_run(place, 400, 15);
    const int64_t asked[2] = {80, 1000};
    fnas_verify_device devices[2];
    measure_calls = measure_failures = 0;
    for (int i = 0; i < 2; i++) {
        fnas_verification *verification;
        fnas_verify_options options = {.scale_count = 40, .random_count = 20, .candidates = 8, .test_images = asked[i]};
        const fnas_card *cards[] = {run->cards[0]};
        test_check(place, fnas_verify_by(place->context, run, 1, cards, &options, &meter, &verification));
        devices[i] = *fnas_verification_device(verification, 0);
        fnas_verification_free(verification);
    }
    print_message("hypervolumes %g and %g, random %g and %g\n", devices[0].hypervolume, devices[1].hypervolume,
                  devices[0].hypervolume_random, devices[1].hypervolume_random);
    assert_true(devices[0].hypervolume == devices[1].hypervolume);
    assert_true(devices[0].hypervolume_random == devices[1].hypervolume_random);
    fnas_run_close(run);
}

static void test_unquiet_machine(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 22);
    const fnas_card *cards[] = {run->cards[0]};
    fnas_verification *verification;
    fnas_verify_options options = {.scale_count = 6, .random_count = 3, .candidates = 4};
    measure_calls = 0;
    measure_failures = 2;
    test_check(place, fnas_verify_by(place->context, run, 1, cards, &options, &meter, &verification));
    assert_int_equal(measure_calls, 3);
    fnas_verification_free(verification);
    measure_calls = 0;
    measure_failures = 3;
    assert_status(FNAS_ERR_NUMERIC, fnas_verify_by(place->context, run, 1, cards, &options, &meter, &verification));
    assert_message("drift 3");
    assert_null(verification);
    fnas_run_close(run);
}

static void check_left_out(fnas_test_place *place, const fnas_verification *verification, const char *name, const char *reason,
                           fnas_status status) {
    assert_int_equal(fnas_verification_left_out_count(verification), 1);
    fnas_verify_left_out left_out = fnas_verification_left_out(verification, 0);
    assert_string_equal(left_out.name, name);
    assert_string_equal(left_out.reason, reason);
    assert_int_equal(left_out.status, status);
    const char *path = fnas_test_path(place, "verification.json");
    test_check(place, fnas_verification_write_json(place->context, verification, path));
    json_t *root;
    test_check(place, fnas_json_read(place->context, path, 1 << 20, &root));
    const json_t *entry = json_array_get(json_object_get(root, "left_out"), 0);
    assert_string_equal(json_string_value(json_object_get(entry, "device")), name);
    assert_string_equal(json_string_value(json_object_get(entry, "reason")), reason);
    assert_int_equal(json_array_size(json_object_get(root, "left_out")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "devices")), 1);
    json_decref(root);
}

/* One card of another machine, or one that is never quiet enough, does not lose the others. */
static void test_left_out(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 24);
    const fnas_card *const *cards = (const fnas_card *const *)run->cards;
    const fnas_verify_options options = {.scale_count = 6, .random_count = 3, .candidates = 4};
    fnas_verification *verification;

    foreign_name = "convolution";
    measure_calls = measure_failures = 0;
    test_check(place, fnas_verify_by(place->context, run, 2, cards, &options, &meter, &verification));
    assert_int_equal(measure_calls, 1);
    assert_int_equal(fnas_verification_count(verification), 1);
    assert_string_equal(fnas_verification_device(verification, 0)->name, "pooling");
    assert_true(fnas_verification_row_count(verification, 0) > 0 && fnas_verification_device(verification, 0)->hypervolume >= 0);
    check_left_out(place, verification, "convolution", "device convolution is another machine's", FNAS_ERR_UNSUPPORTED);
    fnas_verification_free(verification);

    measure_calls = 0;
    assert_status(FNAS_ERR_UNSUPPORTED, fnas_verify_by(place->context, run, 1, cards, &options, &meter, &verification));
    assert_message("device convolution is another machine's");
    assert_null(verification);
    assert_int_equal(measure_calls, 0);

    foreign_name = NULL;
    measure_failures = 3; /* the first device never, the second at once */
    test_check(place, fnas_verify_by(place->context, run, 2, cards, &options, &meter, &verification));
    assert_int_equal(measure_calls, 4);
    assert_string_equal(fnas_verification_device(verification, 0)->name, "pooling");
    check_left_out(place, verification, "convolution", "drift 3", FNAS_ERR_NUMERIC);
    fnas_verification_free(verification);

    measure_calls = 0;
    measure_failures = 6;
    assert_status(FNAS_ERR_NUMERIC, fnas_verify_by(place->context, run, 2, cards, &options, &meter, &verification));
    assert_message("none of the 2 devices could be measured here; of one: drift 3");
    assert_null(verification);

    foreign_name = "convolution"; /* and the other drifts: that can be helped, so that it is told */
    measure_calls = 0;
    measure_failures = 3;
    assert_status(FNAS_ERR_NUMERIC, fnas_verify_by(place->context, run, 2, cards, &options, &meter, &verification));
    assert_message("none of the 2 devices could be measured here; of one: drift 3");
    foreign_name = NULL;
    fnas_run_close(run);
}

/* Really measured, without the ablations, on a device that the search never saw. */
static void test_unseen_and_plain(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 22);
    const double op_ms[5] = {1, 1, 1, 1, 0};
    fnas_card *unseen = test_card(place, TEST_SPACE, "unseen", op_ms);
    const fnas_card *cards[] = {unseen};
    fnas_verification *verification;
    fnas_verify_options options = {.scale_count = 6, .random_count = 3, .candidates = 4};
    fnas_status status = fnas_run_verify(place->context, run, 1, cards, &options, &verification);
    if (status == FNAS_ERR_NUMERIC) {
        print_message("this machine is too busy to measure on: %s\n", fnas_context_message(place->context));
    } else {
        test_check(place, status);
        const fnas_verify_device *device = fnas_verification_device(verification, 0);
        assert_string_equal(device->name, "unseen");
        assert_false(device->searched);
        assert_true(isnan(device->hypervolume_mean_embedding));
        for (int64_t i = 0; i < device->front_points; i++) assert_true(fnas_verification_row(verification, 0, i).measured_ms > 0);
    }
    fnas_verification_free(verification);
    fnas_card_free(unseen);
    fnas_run_close(run);
    if (status != FNAS_OK) skip();
}

static void test_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = test_run(place, "error,latency_ms", 23);
    const double op_ms[5] = {1, 2, 3, 4, 5};
    fnas_card *foreign = test_card(place, "nb201:channels=8,cells=1,classes=4,input=1x8x8", "foreign", op_ms);
    const fnas_card *cards[] = {run->cards[0], foreign};
    fnas_verification *verification;
    assert_status(FNAS_ERR_INPUT, fnas_run_verify(place->context, run, 2, cards, NULL, &verification));
    assert_message("channels=8");
    assert_null(verification);
    assert_status(FNAS_ERR_USAGE, fnas_run_verify(place->context, run, 1, cards,
                                                  &(fnas_verify_options){.scale_count = 5, .random_count = 6}, &verification));
    assert_message("ask for fewer");
    assert_status(FNAS_ERR_USAGE, fnas_run_verify(place->context, run, 0, cards, NULL, &verification));
    assert_message("no device card");
    assert_status(FNAS_ERR_USAGE, fnas_run_verify(place->context, run, 1, cards, &(fnas_verify_options){.rounds = -1}, &verification));
    assert_message("negative");
    fnas_card_free(foreign);
    fnas_run_close(run);
}

static void test_large_seed(void **state) {
    fnas_test_place *place = *state;
    char run[] = "a run", space[] = "nb201";
    const fnas_verification verification = {.run = run, .space = space, .seed = UINT64_MAX - 1};
    const char *path = fnas_test_path(place, "verification.json");
    test_check(place, fnas_verification_write_json(place->context, &verification, path));
    json_t *root;
    test_check(place, fnas_json_read(place->context, path, 1 << 20, &root));
    assert_string_equal(json_string_value(json_object_get(root, "seed")), "18446744073709551614");
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_random_hypervolume), fnas_test(test_hypervolumes),     fnas_test(test_whole),
        fnas_test(test_unquiet_machine),    fnas_test(test_unseen_and_plain), fnas_test(test_refused),
        fnas_test(test_large_seed),         fnas_test(test_left_out),         fnas_test(test_more_images_than_there_are),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
