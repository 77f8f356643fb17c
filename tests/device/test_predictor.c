/* The latency predictor on made-up devices: gradient, files, determinism, an unseen device, bad input. Seeds are fixed here. */
#include <math.h>

#include "base/support.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/statistics.h"
#include "device/card.h"
#include "device/embedding.h"
#include "device/predictor_ask.h"
#include "device/predictor_internal.h"
#include "device/predictor_linear.h"
#include "device/support_fleet.h"
#include "space/arch_set.h"
#include "space/space.h"

#define SEED 7
#define ONEHOT 30
static const fnas_predictor_options quick = {.steps = 300, .seed = SEED};

static fnas_predictor *fit(fnas_test_place *place, const test_fleet *fleet, int64_t count, const fnas_predictor_options *options) {
    fnas_card_view views[16];
    fnas_predictor *predictor;
    for (int64_t d = 0; d < count; d++) views[d] = fleet->devices[d].view;
    assert_status(FNAS_OK, fnas_predictor_fit_views(place->context, fleet->space, count, views, options, &predictor));
    return predictor;
}

/* Gives the trunk's terms a say whatever training found, so that they are tested. */
static void wake_terms(fnas_predictor *predictor) {
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_TEST, 0, 3);
    for (int64_t i = 0; i < predictor->trunk.value_count; i++) predictor->trunk_values[i] = 0.3 * fnas_random_normal(&random);
    for (int64_t t = 0; t < predictor->device_count; t++)
        for (int i = 0; i < FNAS_TRUNK_TERMS; i++)
            predictor->devices[t].coefficients[predictor->map.linear_count + i] = 0.05 * fnas_random_normal(&random);
}

/* Central differences with step h: error h^2 f'''/6 + eps f / h. The bend at which terms may take off no more has f''' of 1 / FLOOR^2
 * slopes, so that h = 2e-7 is off by 2e-9 there, and by rounding as much. */
static void check_gradient(const fnas_latency_model *model, double *onehot) {
    double gradient[ONEHOT], unused[ONEHOT], size = 0.0;
    fnas_latency_model_gradient(model, onehot, gradient);
    for (int i = 0; i < ONEHOT; i++) size = fmax(size, fabs(gradient[i]));
    assert_true(size > 0.0);
    for (int i = 0; i < ONEHOT; i++) {
        double kept = onehot[i], h = 2e-7;
        onehot[i] = kept + h;
        double above = fnas_latency_model_gradient(model, onehot, unused);
        onehot[i] = kept - h;
        double below = fnas_latency_model_gradient(model, onehot, unused);
        onehot[i] = kept;
        if (fabs((above - below) / (2 * h) - gradient[i]) > 1e-7 * size)
            fail_msg("entry %d: gradient %.12g, differences %.12g", i, gradient[i], (above - below) / (2 * h));
    }
}

static void gradient_agrees_with_differences(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_latency_model *model;
    fleet_make(place->context, &fleet, 5, 80, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 4, &quick);
    wake_terms(predictor);
    assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, predictor, &fleet.devices[4].view, &model));
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_TEST, 0, 4);
    for (int n = 0; n < 12; n++) {
        double onehot[ONEHOT] = {0}, value[1], gradient[ONEHOT];
        int32_t choices[FLEET_DECISIONS];
        fnas_space_random(fleet.space, SEED, n, choices);
        for (int e = 0; e < FLEET_DECISIONS; e++) onehot[e * 5 + choices[e]] = 1.0;
        assert_status(FNAS_OK, fnas_latency_model_predict(place->context, model, 1, choices, value));
        assert_true(fnas_latency_model_gradient(model, onehot, gradient) == value[0]);
        check_gradient(model, onehot);
        for (int i = 0; i < ONEHOT; i++) onehot[i] = fnas_random_uniform(&random); /* and anywhere between architectures */
        check_gradient(model, onehot);
    }
    fnas_latency_model_free(model);
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* The gradient of the parameters, by which the trunk trains, against differences of a weighted sum of terms. */
static void trunk_gradient_agrees_with_differences(void **state) {
    (void)state;
    enum { FEATURES = 7 };
    double features[FEATURES] = {1, 0, -0.5, 2, 0, 1, 0.3}, weights[FNAS_TRUNK_TERMS];
    int64_t count = fnas_trunk_value_count(FEATURES);
    double *values = fnas_allocate((size_t)count, sizeof(double)), *gradient = fnas_allocate((size_t)count, sizeof(double));
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_TEST, 0, 5);
    for (int64_t i = 0; i < count; i++) values[i] = 0.4 * fnas_random_normal(&random);
    for (int i = 0; i < FNAS_TRUNK_TERMS; i++) weights[i] = fnas_random_normal(&random);
    fnas_trunk trunk = fnas_trunk_over(FEATURES, values), diff = fnas_trunk_over(FEATURES, gradient);
    fnas_trunk_state kept;
    fnas_trunk_forward(&trunk, features, &kept);
    fnas_trunk_backward_values(&trunk, features, &kept, weights, &diff);
    for (int64_t i = 0; i < count; i++) {
        double sums[2] = {0, 0}, terms[FNAS_TRUNK_TERMS], value = values[i], h = 1e-5;
        for (int side = 0; side < 2; side++) {
            fnas_trunk_state there;
            values[i] = value + (side ? h : -h);
            fnas_trunk_forward(&trunk, features, &there);
            fnas_trunk_terms(&trunk, &there, terms);
            for (int t = 0; t < FNAS_TRUNK_TERMS; t++) sums[side] += weights[t] * terms[t];
        }
        values[i] = value;
        assert_true(fabs((sums[1] - sums[0]) / (2 * h) - gradient[i]) < 1e-8);
    }
    fnas_free(values);
    fnas_free(gradient);
}

static void assert_same_files(fnas_test_place *place, const char *a, const char *b) {
    unsigned char *data[2];
    size_t size[2];
    assert_status(FNAS_OK, fnas_file_read(place->context, a, (size_t)1 << 26, &data[0], &size[0]));
    assert_status(FNAS_OK, fnas_file_read(place->context, b, (size_t)1 << 26, &data[1], &size[1]));
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(data[0], data[1], size[0]);
    fnas_free(data[0]);
    fnas_free(data[1]);
}

static void saved_and_loaded_is_the_same(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *loaded;
    fleet_make(place->context, &fleet, 5, 120, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 4, &quick);
    wake_terms(predictor);
    assert_status(FNAS_OK, fnas_predictor_save(place->context, predictor, fnas_test_path(place, "a")));
    assert_status(FNAS_OK, fnas_predictor_load(place->context, fnas_test_path(place, "a"), &loaded));
    assert_status(FNAS_OK, fnas_predictor_save(place->context, loaded, fnas_test_path(place, "b")));
    assert_same_files(place, fnas_test_path(place, "a"), fnas_test_path(place, "b"));
    assert_string_equal(fnas_predictor_space(loaded), fnas_space_spec(fleet.space));
    for (int64_t d = 0; d < fleet.device_count; d++) { /* the last was not trained on */
        fnas_predictor_score first, second;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &fleet.devices[d].view, &first));
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, loaded, &fleet.devices[d].view, &second));
        assert_memory_equal(&first, &second, sizeof first);
        assert_int_equal(first.trained_on, d < 4);
        assert_true(d < 4 ? first.count < 40 : first.count > 100); /* held out: a tenth, and never the references */
    }
    fnas_predictor_free(predictor);
    fnas_predictor_free(loaded);
    fleet_free(&fleet);
}

static void damaged_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *loaded;
    unsigned char *data;
    size_t size;
    fleet_make(place->context, &fleet, 2, 40, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 2, &quick);
    predictor->devices[1].coefficients[3] = NAN;
    assert_status(FNAS_OK, fnas_predictor_save(place->context, predictor, fnas_test_path(place, "nan")));
    assert_status(FNAS_ERR_INPUT, fnas_predictor_load(place->context, fnas_test_path(place, "nan"), &loaded));
    assert_message("device.coefficients");
    predictor->devices[1].coefficients[3] = 0.0;
    predictor->devices[0].scale_ms = -1.0;
    assert_status(FNAS_OK, fnas_predictor_save(place->context, predictor, fnas_test_path(place, "negative")));
    assert_status(FNAS_ERR_INPUT, fnas_predictor_load(place->context, fnas_test_path(place, "negative"), &loaded));
    assert_message("device.scale_ms");
    predictor->devices[0].scale_ms = 1.0;
    predictor->new_quantile = NAN;
    assert_status(FNAS_OK, fnas_predictor_save(place->context, predictor, fnas_test_path(place, "interval")));
    assert_status(FNAS_ERR_INPUT, fnas_predictor_load(place->context, fnas_test_path(place, "interval"), &loaded));
    assert_message("\"interval\"");
    assert_status(FNAS_OK, fnas_file_read(place->context, fnas_test_path(place, "nan"), (size_t)1 << 26, &data, &size));
    fnas_test_write(place, "short", data, size - 8);
    fnas_free(data);
    assert_status(FNAS_ERR_INPUT, fnas_predictor_load(place->context, fnas_test_path(place, "short"), &loaded));
    assert_status(FNAS_ERR_INPUT, fnas_predictor_load(place->context, fnas_test_path(place, "absent"), &loaded));
    assert_null(loaded);
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

static void threads_change_nothing(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fleet_make(place->context, &fleet, 4, 150, 0.02, SEED);
    for (int64_t threads = 1; threads <= 2; threads++) {
        fnas_context_set_threads(place->context, threads);
        fnas_predictor *predictor = fit(place, &fleet, 4, &quick);
        assert_status(FNAS_OK, fnas_predictor_save(place->context, predictor, fnas_test_path(place, threads == 1 ? "one" : "two")));
        fnas_predictor_free(predictor);
    }
    assert_same_files(place, fnas_test_path(place, "one"), fnas_test_path(place, "two"));
    fnas_predictor_options other = quick;
    other.seed++;
    fnas_predictor *a = fit(place, &fleet, 4, &quick), *b = fit(place, &fleet, 4, &other);
    assert_memory_not_equal(a->devices[0].coefficients, b->devices[0].coefficients, sizeof(double)); /* another seed holds out others */
    fnas_predictor_free(a);
    fnas_predictor_free(b);
    fleet_free(&fleet);
}

/* What a regression reaches that knows the device's true form (five costs, and whether dead operations are dropped) and has the same ten
 * references. */
static double informed_error_pct(const fleet_device *device, const test_fleet *fleet) {
    double basis[FLEET_REFERENCES * FLEET_UNKNOWNS], deviation[FLEET_UNKNOWNS], target[FLEET_REFERENCES], workspace[100],
        cost[FLEET_UNKNOWNS], noise, mean = 0.0;
    double *error = fnas_allocate((size_t)fleet->arch_count, sizeof *error);
    for (int r = 0; r < FLEET_REFERENCES; r++) mean += device->reference_ms[r] / FLEET_REFERENCES;
    for (int r = 0; r < FLEET_REFERENCES; r++) {
        fleet_counts(fleet->references + r * FLEET_DECISIONS, device->drops_dead, basis + r * FLEET_UNKNOWNS);
        target[r] = device->reference_ms[r] / mean;
    }
    for (int i = 0; i < FLEET_UNKNOWNS; i++) deviation[i] = 1.0;
    fnas_regression regression = {FLEET_REFERENCES, FLEET_UNKNOWNS, basis, target, deviation, 0.01, 0, NULL};
    assert_true(fnas_regression_solve(&regression, workspace, cost, &noise));
    for (int64_t a = 0; a < fleet->arch_count; a++) {
        double counts[FLEET_UNKNOWNS], sum = 0.0;
        fleet_counts(fleet->archs + a * FLEET_DECISIONS, device->drops_dead, counts);
        for (int i = 0; i < FLEET_UNKNOWNS; i++) sum += mean * cost[i] * counts[i];
        error[a] = 100.0 * fabs(sum / fleet_true_ms(device, fleet->archs + a * FLEET_DECISIONS) - 1.0);
    }
    double median = fnas_median(error, fleet->arch_count);
    fnas_free(error);
    return median;
}

/* The references carry 2 % noise and there are ten of them for five costs; the informed regression shows what that allows (its own luck
 * included). The predictor has to find out the kind of device as well, from six devices seen: it may lose two points of a per cent on that,
 * against the 2 % of noise in what it is scored on. */
static void unseen_made_up_devices_are_predicted(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    double ours = 0.0, informed = 0.0;
    fleet_make(place->context, &fleet, 12, 300, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 6, &(fnas_predictor_options){.seed = SEED});
    for (int64_t d = 6; d < 12; d++) {
        fnas_predictor_score score;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &fleet.devices[d].view, &score));
        double best = informed_error_pct(&fleet.devices[d], &fleet);
        print_message("%s: Spearman %.4f, median error %.2f %%; informed regression %.2f %% of the truth\n", fleet.devices[d].name,
                      score.spearman, score.median_ape_pct, best);
        assert_true(score.spearman > 0.95);
        ours += score.median_ape_pct / 6;
        informed += best / 6;
    }
    print_message("mean of medians %.2f %%, informed %.2f %%\n", ours, informed);
    assert_true(ours < informed + 2.0);
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* As if no architecture had been measured on two devices as a reference: ten cells of its own for each. */
static void give_own_references(test_fleet *fleet) {
    for (int64_t d = 0; d < fleet->device_count; d++) {
        fleet_device *device = &fleet->devices[d];
        device->view.reference_choices = fleet->archs + d * FLEET_REFERENCES * FLEET_DECISIONS;
        for (int r = 0; r < FLEET_REFERENCES; r++) device->reference_ms[r] = device->latency_ms[d * FLEET_REFERENCES + r];
    }
}

static double mean_of_medians(fnas_test_place *place, const fnas_predictor *predictor, const test_fleet *fleet, int64_t first) {
    double sum = 0.0;
    for (int64_t d = first; d < fleet->device_count; d++) {
        fnas_predictor_score score;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &fleet->devices[d].view, &score));
        assert_false(score.trained_on);
        assert_true(score.count > fleet->arch_count - 20); /* a cell may come twice */
        assert_true(score.spearman > 0.9);
        sum += score.median_ape_pct / (double)(fleet->device_count - first);
    }
    return sum;
}

/* Ten random cells say less than the space's ten, which are chosen, and the device's speed has to be guessed with the rest: two points of a
 * per cent more may be lost on that. */
static void devices_with_references_of_their_own(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *loaded;
    fleet_make(place->context, &fleet, 12, 300, 0.005, SEED);
    fnas_predictor *shared = fit(place, &fleet, 6, &quick);
    double together = mean_of_medians(place, shared, &fleet, 6);
    give_own_references(&fleet);
    fnas_predictor *own = fit(place, &fleet, 6, &quick);
    double apart = mean_of_medians(place, own, &fleet, 6), only_new = mean_of_medians(place, shared, &fleet, 6);
    print_message("mean of medians: shared references %.2f %%, all with their own %.2f %%, the new ones only %.2f %%\n", together, apart,
                  only_new);
    assert_true(apart < together + 2.0 && only_new < together + 2.0);
    for (int64_t d = 0; d < 6; d++) { /* a training device is recognised by its own references */
        fnas_predictor_score score;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, own, &fleet.devices[d].view, &score));
        assert_true(score.trained_on && score.median_ape_pct < 1.5);
    }
    assert_status(FNAS_OK, fnas_predictor_save(place->context, own, fnas_test_path(place, "own")));
    assert_status(FNAS_OK, fnas_predictor_load(place->context, fnas_test_path(place, "own"), &loaded));
    assert_status(FNAS_OK, fnas_predictor_save(place->context, loaded, fnas_test_path(place, "again")));
    assert_same_files(place, fnas_test_path(place, "own"), fnas_test_path(place, "again"));
    assert_true(mean_of_medians(place, loaded, &fleet, 6) == apart);
    fnas_predictor_free(loaded);
    fnas_predictor_free(own);
    fnas_predictor_free(shared);
    fleet_free(&fleet);
}

/* A device a hundred times as slow is the same device: only its unit differs, whatever its references. */
static void speed_is_not_taken_from_the_references(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    double fast_ms[20], slow_ms[20];
    fleet_make(place->context, &fleet, 7, 200, 0.02, SEED);
    give_own_references(&fleet);
    fnas_predictor *predictor = fit(place, &fleet, 6, &quick);
    assert_status(FNAS_OK, fnas_predictor_ask_view(place->context, predictor, &fleet.devices[6].view, 20, fleet.archs, fast_ms));
    for (int r = 0; r < FLEET_REFERENCES; r++) fleet.devices[6].reference_ms[r] *= 100.0;
    assert_status(FNAS_OK, fnas_predictor_ask_view(place->context, predictor, &fleet.devices[6].view, 20, fleet.archs, slow_ms));
    for (int i = 0; i < 20; i++) assert_true(fabs(slow_ms[i] / fast_ms[i] / 100.0 - 1.0) < 1e-9);
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* Chosen among given architectures, none twice, though one is given twice. */
static void references_are_chosen_among_candidates(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    int32_t candidates[13 * FLEET_DECISIONS], chosen[13 * FLEET_DECISIONS];
    fleet_make(place->context, &fleet, 4, 80, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 4, &quick);
    for (int64_t i = 0, a = 0; i < 12; a++) /* connected ones: others are not asked about */
        if (fnas_space_connected(fleet.space, fleet.archs + a * FLEET_DECISIONS))
            memcpy(candidates + i++ * FLEET_DECISIONS, fleet.archs + a * FLEET_DECISIONS, FLEET_DECISIONS * sizeof *candidates);
    memcpy(candidates + 12 * FLEET_DECISIONS, candidates, FLEET_DECISIONS * sizeof *candidates);
    assert_status(FNAS_OK, fnas_predictor_choose_among(place->context, predictor, 0, NULL, 13, candidates, 12, chosen));
    for (int i = 0; i < 12; i++) {
        int found = 0;
        for (int k = 0; k < 12; k++)
            found += memcmp(chosen + k * FLEET_DECISIONS, candidates + i * FLEET_DECISIONS, FLEET_DECISIONS * sizeof *chosen) == 0;
        assert_int_equal(found, 1);
    }
    assert_status(FNAS_ERR_INPUT, fnas_predictor_choose_among(place->context, predictor, 0, NULL, 13, candidates, 13, chosen));
    assert_message("more than the 12 to choose from");
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* 90 % intervals of made-up devices, six trained on and six unseen, in three fleets. Held-out cells: each device has some 30, so that the
 * share over 18 devices strays by sqrt(0.09 / 540) = 1.3 %, and that of the some 40 scores a device behind the quantile by
 * sqrt(0.09 / 40 / 18) = 1.1 %; three deviations of both together are 5 %. Unseen devices: an interval is right for the mean over devices,
 * and what is covered of one strays by some 7 % (4 to 10 % in these fleets); the mean over 18 devices and the quantile over as many are off
 * by 7 % / sqrt(18) each, and three deviations of both together are 7 %. Too wide is as wrong as too narrow. */
static void intervals_cover_nine_of_ten(void **state) {
    fnas_test_place *place = *state;
    enum { FLEETS = 3 };
    double known = 0.0, unseen = 0.0;
    for (int n = 0; n < FLEETS; n++) {
        test_fleet fleet;
        fleet_make(place->context, &fleet, 12, 300, 0.02, SEED + (uint64_t)n);
        fnas_predictor *predictor = fit(place, &fleet, 6, &(fnas_predictor_options){.seed = SEED});
        for (int64_t d = 0; d < 12; d++) {
            fnas_predictor_score score;
            assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &fleet.devices[d].view, &score));
            print_message("%s: coverage %.1f %%, width %.1f %%\n", fleet.devices[d].name, score.coverage90_pct, score.width90_median_pct);
            /* Of 2 % normal noise alone 90 % lie within 3.3 % to both sides. */
            assert_true(score.width90_median_pct > 5.0 && score.width90_median_pct < 40.0);
            *(d < 6 ? &known : &unseen) += score.coverage90_pct / (6 * FLEETS);
        }
        fnas_predictor_free(predictor);
        fleet_free(&fleet);
    }
    print_message("mean coverage: trained on %.1f %%, unseen %.1f %%\n", known, unseen);
    assert_true(fabs(known - 90.0) < 5.0);
    assert_true(fabs(unseen - 90.0) < 7.0);
}

/* low < value < high about the same value as predict gives, and the same from a loaded file; a predictor that cannot know says so. */
static void intervals_surround_the_prediction(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    enum { COUNT = 20 };
    double low[COUNT], value[COUNT], high[COUNT], plain[COUNT];
    fleet_make(place->context, &fleet, 4, 120, 0.02, SEED);
    for (int64_t trained = 1; trained <= 3; trained += 2) {
        fnas_predictor *predictor = fit(place, &fleet, trained, &quick);
        for (int64_t d = 0; d < 4; d++) {
            fnas_latency_model *model;
            assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, predictor, &fleet.devices[d].view, &model));
            assert_status(FNAS_OK, fnas_latency_model_predict_interval(place->context, model, COUNT, fleet.archs, low, value, high));
            assert_status(FNAS_OK, fnas_latency_model_predict(place->context, model, COUNT, fleet.archs, plain));
            assert_memory_equal(value, plain, sizeof value);
            for (int i = 0; i < COUNT; i++) {
                bool unknown = trained == 1 && d > 0; /* one device does not say how devices differ */
                assert_true(unknown ? low[i] == 0.0 && isinf(high[i]) : low[i] > 0.0 && isfinite(high[i]));
                assert_true(low[i] < value[i] && value[i] < high[i]);
            }
            fnas_latency_model_free(model);
        }
        fnas_predictor_score score;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &fleet.devices[3].view, &score));
        assert_int_equal(trained == 1, isnan(score.coverage90_pct) && isnan(score.width90_median_pct));
        fnas_predictor_free(predictor);
    }
    fleet_free(&fleet);
}

/* What latencies of ten architectures tell of a made-up device's true unknowns, which the predictor does not know of: log det(B^T B + I) of
 * their counts B, for devices that run everything and for those that drop what is dead together. */
static double information(const int32_t *references) {
    double sum = 0.0;
    for (int live = 0; live < 2; live++) {
        double told[FLEET_UNKNOWNS][FLEET_UNKNOWNS] = {{0}}, counts[FLEET_UNKNOWNS];
        for (int i = 0; i < FLEET_UNKNOWNS; i++) told[i][i] = 1.0;
        for (int r = 0; r < FLEET_REFERENCES; r++) {
            fleet_counts(references + r * FLEET_DECISIONS, live == 1, counts);
            for (int i = 0; i < FLEET_UNKNOWNS; i++)
                for (int j = 0; j < FLEET_UNKNOWNS; j++) told[i][j] += counts[i] * counts[j];
        }
        for (int k = 0; k < FLEET_UNKNOWNS; k++) { /* elimination; positive definite */
            sum += log(told[k][k]);
            for (int i = k + 1; i < FLEET_UNKNOWNS; i++)
                for (int j = FLEET_UNKNOWNS - 1; j >= k; j--) told[i][j] -= told[i][k] / told[k][k] * told[k][j];
        }
    }
    return sum;
}

/* Chosen references are distinct and connected, tell more than any of 30 random sets of ten, in three fleets, and those that follow a card
 * are none of its own. (That their predictions are better as well is not so in made-up fleets: 2 % noise of extreme cells weighs more.) */
static void chosen_references_tell_more(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    enum { NEXT = 3, FLEETS = 3 };
    int32_t chosen[FLEET_REFERENCES * FLEET_DECISIONS], next[NEXT * FLEET_DECISIONS], again[NEXT * FLEET_DECISIONS];
    fnas_predictor *predictor = NULL;
    for (uint64_t n = 0; n < FLEETS; n++) {
        double most = -INFINITY;
        if (n) fnas_predictor_free(predictor);
        if (n) fleet_free(&fleet);
        fleet_make(place->context, &fleet, 6, 300, 0.02, SEED + n);
        predictor = fit(place, &fleet, 6, &quick);
        assert_status(FNAS_OK, fnas_predictor_choose(place->context, predictor, 0, NULL, FLEET_REFERENCES, chosen));
        for (int i = 0; i < FLEET_REFERENCES; i++) {
            assert_true(fnas_space_connected(fleet.space, chosen + i * FLEET_DECISIONS));
            for (int j = 0; j < i; j++)
                assert_memory_not_equal(chosen + i * FLEET_DECISIONS, chosen + j * FLEET_DECISIONS, 4 * FLEET_DECISIONS);
        }
        for (int draw = 0; draw < 30; draw++) most = fmax(most, information(fleet.archs + 10 * draw * FLEET_DECISIONS));
        print_message("chosen references tell %.2f, random ones %.2f at most\n", information(chosen), most);
        assert_true(information(chosen) > most);
    }
    assert_status(FNAS_OK, fnas_predictor_choose(place->context, predictor, FLEET_REFERENCES, chosen, NEXT, next));
    assert_status(FNAS_OK, fnas_predictor_choose(place->context, predictor, FLEET_REFERENCES, chosen, NEXT, again));
    assert_memory_equal(next, again, sizeof next);
    for (int i = 0; i < NEXT; i++)
        for (int j = 0; j < FLEET_REFERENCES; j++)
            assert_memory_not_equal(next + i * FLEET_DECISIONS, chosen + j * FLEET_DECISIONS, 4 * FLEET_DECISIONS);
    assert_status(FNAS_ERR_INPUT, fnas_predictor_choose(place->context, predictor, 0, NULL, 0, next));
    assert_status(FNAS_ERR_INPUT, fnas_predictor_choose(place->context, predictor, 0, NULL, 1001, next));
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* What a card of hundreds of measurements holds is not asked for again, though most candidates' variance is less than a measurement's. */
static void what_was_measured_is_not_chosen(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    enum { MANY = 400 };
    static int32_t given[MANY * FLEET_DECISIONS], next[MANY * FLEET_DECISIONS];
    fleet_make(place->context, &fleet, 4, 120, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 4, &quick);
    fnas_arch_set set = {.decisions = FLEET_DECISIONS};
    assert_status(FNAS_OK, fnas_predictor_choose(place->context, predictor, 0, NULL, MANY, given));
    assert_status(FNAS_OK, fnas_predictor_choose(place->context, predictor, MANY, given, MANY, next));
    assert_status(FNAS_OK, fnas_arch_set_add_all(place->context, &set, MANY, given));
    assert_int_equal(set.count, MANY);
    assert_status(FNAS_OK, fnas_arch_set_add_all(place->context, &set, MANY, next));
    assert_int_equal(set.count, 2 * MANY);
    fnas_arch_set_free(&set);
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* 2 x 2 x 3 choices, of which "wide" matters in deep ones alone: nine architectures, each of which has a cost of its own. */
#define TWINS                                                                                                                              \
    "{\"format\": \"fleetnas-space/1\", \"name\": \"twins\", \"decisions\": [\n"                                                           \
    "  {\"name\": \"depth\", \"choices\": [\"flat\", \"deep\"]},\n"                                                                        \
    "  {\"name\": \"wide\", \"choices\": [\"no\", \"yes\"], \"active\": {\"decision\": \"depth\", \"in\": [\"deep\"]}},\n"                 \
    "  {\"name\": \"kind\", \"choices\": [\"conv\", \"pool\", \"skip\"]}\n ]}"
#define TWINS_DISTINCT 9

static void twins_are_chosen_once(void **state) {
    fnas_test_place *place = *state;
    enum { DECISIONS = 3, GIVEN = 2 };
    static const int32_t references[TWINS_DISTINCT * DECISIONS] = {0, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 0, 1, 0,
                                                                   1, 1, 0, 2, 1, 1, 0, 1, 1, 1, 1, 1, 2};
    static const int32_t given[GIVEN * DECISIONS] = {0, 1, 2, 1, 1, 0}; /* the first says what {0, 0, 2} does */
    int32_t chosen[TWINS_DISTINCT * DECISIONS];
    double latency[2][TWINS_DISTINCT];
    fnas_card_view views[2];
    fnas_space *space;
    fnas_predictor *predictor;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "space.json", TWINS), &space));
    for (int d = 0; d < 2; d++) {
        for (int i = 0; i < TWINS_DISTINCT; i++)
            latency[d][i] = 1.0 + (d + 1) * references[3 * i] + 0.5 * references[3 * i + 1] + (2 - d) * references[3 * i + 2];
        views[d] = (fnas_card_view){.name = d ? "two" : "one",
                                    .space = fnas_space_spec(space),
                                    .decision_count = DECISIONS,
                                    .reference_count = TWINS_DISTINCT,
                                    .reference_choices = references,
                                    .reference_latency_ms = latency[d],
                                    .measurement_count = TWINS_DISTINCT,
                                    .measurement_choices = references,
                                    .measurement_latency_ms = latency[d]};
    }
    assert_status(FNAS_OK, fnas_predictor_fit_views(place->context, space, 2, views, &quick, &predictor));
    fnas_arch_set set = {.decisions = DECISIONS};
    int64_t index;
    assert_status(FNAS_OK, fnas_arch_set_add(place->context, &set, references + 2 * DECISIONS, &index));
    assert_status(FNAS_OK, fnas_arch_set_add(place->context, &set, given + DECISIONS, &index));
    assert_status(FNAS_OK, fnas_predictor_choose(place->context, predictor, GIVEN, given, TWINS_DISTINCT - GIVEN, chosen));
    assert_status(FNAS_OK, fnas_arch_set_add_all(place->context, &set, TWINS_DISTINCT - GIVEN, chosen));
    assert_int_equal(set.count, TWINS_DISTINCT);
    for (int i = 0; i < TWINS_DISTINCT - GIVEN; i++) assert_true(chosen[i * DECISIONS] == 1 || chosen[i * DECISIONS + 1] == 0);
    assert_status(FNAS_ERR_INPUT, fnas_predictor_choose(place->context, predictor, GIVEN, given, TWINS_DISTINCT - GIVEN + 1, chosen));
    assert_message("8 architectures are more than the 7 to choose from");
    fnas_arch_set_free(&set);
    fnas_predictor_free(predictor);
    fnas_space_close(space);
}

typedef struct choice_reports {
    fnas_context *context;
    int64_t stop_at, last;
} choice_reports;

static void hear_choice(void *user, const fnas_progress *progress) {
    choice_reports *heard = user;
    assert_string_equal(progress->stage, "references");
    assert_true(progress->done >= heard->last && progress->done < progress->total);
    heard->last = progress->done;
    if (progress->done == heard->stop_at) fnas_context_request_stop(heard->context);
}

/* In the middle of the greedy choice, and of the exchange. */
static void a_choice_can_be_stopped(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    enum { COUNT = 20 };
    int32_t chosen[COUNT * FLEET_DECISIONS];
    fleet_make(place->context, &fleet, 2, 40, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 2, &quick);
    for (int i = 0; i < 2; i++) {
        fnas_context *context;
        assert_status(FNAS_OK, fnas_context_create(&context));
        choice_reports heard = {.context = context, .stop_at = i ? COUNT + 3 : 3};
        fnas_context_set_progress(context, hear_choice, &heard);
        assert_status(FNAS_INTERRUPTED, fnas_predictor_choose(context, predictor, 0, NULL, COUNT, chosen));
        assert_int_equal(heard.last, heard.stop_at);
        fnas_context_destroy(context);
    }
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* Many models at once sum in another order than one alone: some hundred terms of both signs, each rounded to 1.1e-16 of at most some times
 * the latency, hence 1e-12 of it at most. */
static void many_models_say_what_each_says(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    enum { COUNT = 50, MODELS = 5 };
    fnas_latency_model *models[MODELS + 1];
    double one[COUNT], all[COUNT * MODELS];
    fleet_make(place->context, &fleet, MODELS, 120, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 3, &quick), *other = fit(place, &fleet, 2, &quick);
    wake_terms(predictor);
    for (int m = 0; m < MODELS; m++)
        assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, predictor, &fleet.devices[m].view, &models[m]));
    assert_status(FNAS_OK, fnas_latency_model_predict_many(place->context, MODELS, (const fnas_latency_model *const *)models, COUNT,
                                                           fleet.archs, all));
    for (int m = 0; m < MODELS; m++) {
        assert_status(FNAS_OK, fnas_latency_model_predict(place->context, models[m], COUNT, fleet.archs, one));
        for (int i = 0; i < COUNT; i++) assert_true(fabs(all[i * MODELS + m] - one[i]) <= 1e-12 * one[i]);
    }
    assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, other, &fleet.devices[4].view, &models[MODELS]));
    assert_status(FNAS_ERR_INPUT, fnas_latency_model_predict_many(place->context, 2, (const fnas_latency_model *const *)models + MODELS - 1,
                                                                  1, fleet.archs, all));
    assert_message("different predictors");
    for (int m = 0; m <= MODELS; m++) fnas_latency_model_free(models[m]);
    fnas_predictor_free(predictor);
    fnas_predictor_free(other);
    fleet_free(&fleet);
}

/* The rank is that of split conformal prediction: of n scores the ceil(0.9 (n + 1))-th smallest, and nothing to say below nine. */
static void quantile_is_the_conformal_rank(void **state) {
    (void)state;
    double scores[19] = {19, 3, 7, 1, 12, 5, 17, 9, 2, 14, 6, 11, 4, 18, 8, 16, 10, 13, 15};
    assert_true(fnas_interval_quantile(scores, 19) == 18.0);
    assert_true(fnas_interval_quantile(scores, 9) == 9.0); /* sorted by now: 1 to 9 */
    assert_true(isinf(fnas_interval_quantile(scores, 8)));
    assert_true(isinf(fnas_interval_quantile(scores, 0)));
}

static void a_search_device_is_known_better_than_its_noise(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fleet_make(place->context, &fleet, 4, 300, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 4, &(fnas_predictor_options){.seed = SEED});
    for (int64_t d = 0; d < 4; d++) {
        fnas_predictor_score score;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &fleet.devices[d].view, &score));
        assert_true(score.trained_on && score.count >= 10);
        /* The median of |N(0, 2 %)| is 1.35 %; of 30 held-out cells its estimate strays by 0.35 %; 0.6 % are for what 270 noisy cells leave
         * unknown of some sixty coefficients. */
        assert_true(score.median_ape_pct < 1.35 + 3 * 0.35 + 0.6);
        double low, high;
        fnas_latency_model *model;
        assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, predictor, &fleet.devices[d].view, &model));
        fnas_latency_model_range_ms(model, &low, &high);
        assert_true(low > 0.0 && low < high && isfinite(high));
        fnas_latency_model_free(model);
    }
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* A device that drops dead operations, and is 25 times as slow with everything alive as with nothing: what matters to a search is how long
 * its fastest networks take. Skips and dead operations alone, none of them seen in training, are all of the constant's latency. */
static void cheap_cells_are_predicted(void **state) {
    fnas_test_place *place = *state;
    static const int32_t cheap[6][FLEET_DECISIONS] = {
        {0, 0, 0, 1, 4, 0}, {0, 2, 0, 1, 4, 0}, {0, 0, 4, 1, 0, 3}, {3, 4, 0, 1, 0, 0}, {4, 0, 3, 1, 0, 0}, {0, 0, 2, 1, 3, 4},
    };
    static const double cost[FLEET_UNKNOWNS] = {0.08, 0.004, 0.2, 0.35, 0.4};
    test_fleet fleet;
    fleet_make(place->context, &fleet, 4, 150, 0.02, SEED);
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_TEST, 0, 6);
    fleet_device *device = &fleet.devices[3];
    device->drops_dead = true;
    memcpy(device->cost, cost, sizeof cost);
    for (int r = 0; r < FLEET_REFERENCES; r++)
        device->reference_ms[r] = fleet_true_ms(device, fleet.references + r * FLEET_DECISIONS) *
                                  (1.0 + 0.02 * fnas_random_normal(&random));
    for (int64_t a = 0; a < fleet.arch_count; a++)
        device->latency_ms[a] = fleet_true_ms(device, fleet.archs + a * FLEET_DECISIONS) * (1.0 + 0.02 * fnas_random_normal(&random));
    for (int64_t count = 3; count <= 4; count++) { /* unseen, then searched on */
        fnas_latency_model *model;
        double low, high, latency_ms[6];
        fnas_predictor *predictor = fit(place, &fleet, count, &(fnas_predictor_options){.seed = SEED});
        assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, predictor, &device->view, &model));
        for (int64_t j = 0; j < predictor->map.feature_count; j++) assert_true(model->weights[j] >= 0.0);
        assert_true(model->bias >= 0.0);
        assert_status(FNAS_OK, fnas_latency_model_predict(place->context, model, 6, cheap[0], latency_ms));
        fnas_latency_model_range_ms(model, &low, &high);
        print_message("%s: predicted", count == 3 ? "unseen" : "searched on");
        for (int i = 0; i < 6; i++) {
            double truth = fleet_true_ms(device, cheap[i]);
            print_message(" %.4f (%.4f)", latency_ms[i], truth);
        }
        print_message(", least of the space %.4f\n", low);
        for (int i = 0; i < 6 && count == 4; i++) assert_true(fabs(latency_ms[i] / fleet_true_ms(device, cheap[i]) - 1.0) < 0.3);
        fnas_latency_model_free(model);
        fnas_predictor_free(predictor);
    }
    fleet_free(&fleet);
}

/* Multiplying all of a device's latencies by a constant multiplies its predictions: units and speed do not matter. */
static void predictions_scale_with_the_references(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_latency_model *model;
    double latency[2][8];
    fleet_make(place->context, &fleet, 5, 100, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 4, &quick);
    for (int side = 0; side < 2; side++) {
        for (int r = 0; side == 1 && r < FLEET_REFERENCES; r++) fleet.devices[4].reference_ms[r] *= 1024.0;
        assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, predictor, &fleet.devices[4].view, &model));
        assert_status(FNAS_OK, fnas_latency_model_predict(place->context, model, 8, fleet.archs, latency[side]));
        fnas_latency_model_free(model);
    }
    for (int i = 0; i < 8; i++) assert_true(latency[1][i] == 1024.0 * latency[0][i]); /* a power of two: exact */
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* References that no device could show still give positive, finite predictions. */
static void absurd_references_stay_positive(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_latency_model *model;
    static const double absurd[3][2] = {{1e-9, 1e6}, {1.0, 1.0}, {1e6, 1e-9}};
    fleet_make(place->context, &fleet, 5, 60, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 4, &quick);
    for (int n = 0; n < 3; n++) {
        double low, high;
        for (int r = 0; r < FLEET_REFERENCES; r++) fleet.devices[4].reference_ms[r] = absurd[n][r % 2];
        assert_status(FNAS_OK, fnas_latency_model_create_view(place->context, predictor, &fleet.devices[4].view, &model));
        fnas_latency_model_range_ms(model, &low, &high);
        assert_true(low > 0.0 && isfinite(high));
        fnas_latency_model_free(model);
    }
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

static void bad_devices_are_refused(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *predictor;
    fleet_make(place->context, &fleet, 2, 40, 0.02, SEED);
    fnas_card_view views[2] = {fleet.devices[0].view, fleet.devices[1].view};
    views[1].name = views[0].name;
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 2, views, &quick, &predictor));
    assert_message("made-up 0 is given twice");
    assert_null(predictor);
    views[1] = fleet.devices[1].view;
    views[1].measurement_count = 0;
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 2, views, &quick, &predictor));
    assert_message("made-up 1 has no measurements");
    views[1] = fleet.devices[1].view;
    views[1].reference_count = 9;
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 2, views, &quick, &predictor));
    assert_message("made-up 1 has 9 reference architectures, the predictor's devices have 10");
    fleet.devices[1].latency_ms[3] = NAN;
    views[1] = fleet.devices[1].view;
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 2, views, &quick, &predictor));
    assert_message("measurement 3");
    fnas_predictor_options options = {.holdout_fraction = 1.5};
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 1, views, &options, &predictor));
    options = (fnas_predictor_options){.steps = 1, .holdout_fraction = 0.5, .holdout_least = 40};
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 1, views, &options, &predictor));
    assert_message("of its 40 measurements are kept out of training, 40 are needed to score it");
    assert_null(predictor);
    options.holdout_least = -1;
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 1, views, &options, &predictor));
    assert_message("holdout_least must not be negative");
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit_views(place->context, fleet.space, 0, views, &quick, &predictor));
    fleet_free(&fleet);
}

static void a_wish_to_stop_is_heard(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *predictor;
    fleet_make(place->context, &fleet, 2, 40, 0.02, SEED);
    fnas_context_request_stop(place->context);
    assert_status(FNAS_INTERRUPTED, fnas_predictor_fit_views(place->context, fleet.space, 1, &fleet.devices[0].view, &quick, &predictor));
    assert_null(predictor);
    fleet_free(&fleet);
}

static void embedding_is_normalised(void **state) {
    (void)state;
    double latency[4] = {3.0, 1.0, 2.0, 5.0}, embedding[4], expected[4] = {0.5, 0.0, 0.25, 1.0}, equal[2] = {2.0, 2.0};
    fnas_embedding_from_latency(4, latency, embedding);
    for (int i = 0; i < 4; i++) assert_true(embedding[i] == expected[i]);
    fnas_embedding_from_latency(2, equal, embedding);
    assert_true(embedding[0] == 0.0 && embedding[1] == 0.0);
}

/* Operations of one name are pooled, raw and live ones apart: none, and twice four operations, and whether the cell is connected. */
static void features_are_pooled_by_operation(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fleet_make(place->context, &fleet, 1, 40, 0.02, SEED);
    fnas_predictor *predictor = fit(place, &fleet, 1, &quick);
    double onehot[ONEHOT] = {0}, counts[FLEET_UNKNOWNS];
    int32_t choices[FLEET_DECISIONS] = {3, 0, 3, 1, 0, 0}; /* a 3x3 into a dead end, and a skip to the output */
    double features[FNAS_PREDICTOR_MAX_FEATURES], basis[FNAS_PREDICTOR_MAX_FEATURES];
    assert_true(predictor->map.group_count >= 10);
    for (int e = 0; e < FLEET_DECISIONS; e++) onehot[e * 5 + choices[e]] = 1.0;
    fnas_space_cost_features(predictor->space, onehot, features);
    fnas_feature_map_linear(&predictor->map, features, basis);
    int raw = 0, live = 0;
    fleet_counts(choices, false, counts);
    for (int64_t g = 1; g <= predictor->map.group_count; g++) raw += basis[g] == counts[3];
    for (int64_t g = 1; g <= predictor->map.group_count; g++) live += basis[g] == 1.0;
    assert_true(counts[3] == 2.0 && raw >= 1 && live >= 3); /* raw skip, live skip, connected */
    fnas_predictor_free(predictor);
    fleet_free(&fleet);
}

/* ---- Through cards ---- */

static json_t *arch_texts(const test_fleet *fleet, const int32_t *choices, int64_t count) {
    json_t *array = json_array();
    for (int64_t i = 0; i < count; i++) {
        char text[FNAS_ARCH_TEXT_BYTES];
        assert_int_equal(FNAS_OK, fnas_space_format(fleet->context, fleet->space, choices + i * FLEET_DECISIONS, text, sizeof text));
        json_array_append_new(array, json_string(text));
    }
    return array;
}

/* The card of a made-up device with its first `count` measurements. */
static fnas_card *card_of(fnas_test_place *place, const test_fleet *fleet, const fleet_device *device, const char *space, int64_t count) {
    json_t *archs = arch_texts(fleet, fleet->archs, count), *latency = json_array(), *rows = json_array();
    for (int r = 0; r < FLEET_REFERENCES; r++) json_array_append_new(latency, json_real(device->reference_ms[r]));
    for (int64_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:O, s:f}", "arch", json_array_get(archs, (size_t)i), "latency_ms", device->latency_ms[i]));
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:{}, s:s, s:{s:o, s:o}, s:o}", "format",
                             FNAS_CARD_FORMAT, "name", device->name, "space", space, "runtime", "made-up", "runtime_version", "1",
                             "processor", "none", "governor", "none", "precision", "f32", "isa", "none", "date", "2025-01-01", "batch", 1,
                             "threads", 1, "protocol", "statistic", "imported", "reference", "arch",
                             arch_texts(fleet, fleet->references, FLEET_REFERENCES), "latency_ms", latency, "measurements", rows);
    fnas_card *card;
    json_decref(archs);
    assert_non_null(root);
    assert_status(FNAS_OK, fnas_card_from_json(place->context, device->name, root, &card));
    return card;
}

static void cards_give_what_their_numbers_give(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *predictor;
    fnas_card *cards[3];
    fnas_predictor_score by_card, by_numbers;
    fleet_make(place->context, &fleet, 3, 60, 0.02, SEED);
    for (int d = 0; d < 3; d++) cards[d] = card_of(place, &fleet, &fleet.devices[d], "nb201", 60);
    assert_status(FNAS_OK, fnas_predictor_fit(place->context, fleet.space, 2, (const fnas_card *const *)cards, &quick, &predictor));
    fnas_predictor *same = fit(place, &fleet, 2, &quick);
    for (int d = 0; d < 3; d++) {
        assert_status(FNAS_OK, fnas_predictor_evaluate(place->context, predictor, fleet.space, cards[d], &by_card));
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, same, &fleet.devices[d].view, &by_numbers));
        assert_memory_equal(&by_card, &by_numbers, sizeof by_card);
        fnas_card_free(cards[d]);
    }
    fnas_predictor_free(predictor);
    fnas_predictor_free(same);
    fleet_free(&fleet);
}

/* The card of a device whose latencies are another's energies. */
static fnas_card *with_energies_of(fnas_test_place *place, const fnas_card *card, const fnas_card *other) {
    json_t *root = json_deep_copy(card->root);
    json_t *rows = json_object_get(root, "measurements"),
           *energies = json_object_get(json_object_get(other->root, "reference"), "latency_ms");
    fnas_card *made;
    json_object_set(json_object_get(root, "reference"), "energy_mj", energies);
    for (size_t i = 0; i < json_array_size(rows); i++)
        json_object_set(json_array_get(rows, i), "energy_mj",
                        json_object_get(json_array_get(json_object_get(other->root, "measurements"), i), "latency_ms"));
    assert_status(FNAS_OK, fnas_card_from_json(place->context, "energies", root, &made));
    return made;
}

/* A predictor of energies is one of latencies on cards where those stand in the place of these, and stays one in its file. */
static void energy_is_predicted_as_latency_is(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *of_energy, *of_latency, *loaded;
    fnas_predictor_options energy = quick;
    energy.quantity = FNAS_QUANTITY_ENERGY;
    fnas_card *plain[2], *with[2];
    fleet_make(place->context, &fleet, 4, 60, 0.02, SEED);
    for (int d = 0; d < 2; d++) {
        fnas_card *slower = card_of(place, &fleet, &fleet.devices[2 + d], "nb201", 60);
        plain[d] = card_of(place, &fleet, &fleet.devices[d], "nb201", 60);
        with[d] = with_energies_of(place, slower, plain[d]);
        fnas_card_free(slower);
    }
    assert_status(FNAS_OK, fnas_predictor_fit(place->context, fleet.space, 2, (const fnas_card *const *)plain, &quick, &of_latency));
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit(place->context, fleet.space, 2, (const fnas_card *const *)plain, &energy, &of_energy));
    assert_message("has no energy of its references");
    assert_status(FNAS_OK, fnas_predictor_fit(place->context, fleet.space, 2, (const fnas_card *const *)with, &energy, &of_energy));
    const char *path = fnas_test_path(place, "energy.safetensors");
    assert_status(FNAS_OK, fnas_predictor_save(place->context, of_energy, path));
    assert_status(FNAS_OK, fnas_predictor_load(place->context, path, &loaded));
    assert_int_equal(fnas_predictor_quantity(loaded), FNAS_QUANTITY_ENERGY);
    assert_int_equal(fnas_predictor_quantity(of_latency), FNAS_QUANTITY_LATENCY);
    for (int d = 0; d < 2; d++) {
        double energy_mj[3], latency_ms[3];
        assert_status(FNAS_OK, fnas_predictor_ask(place->context, of_latency, fleet.space, plain[d], 3, fleet.archs, latency_ms));
        assert_status(FNAS_OK, fnas_predictor_ask(place->context, loaded, fleet.space, with[d], 3, fleet.archs, energy_mj));
        for (int i = 0; i < 3; i++) assert_float_equal(energy_mj[i] / latency_ms[i], 1, 1e-12);
        assert_status(FNAS_ERR_INPUT, fnas_predictor_ask(place->context, loaded, fleet.space, plain[d], 3, fleet.archs, energy_mj));
        fnas_card_free(plain[d]);
        fnas_card_free(with[d]);
    }
    fnas_predictor_free(of_energy);
    fnas_predictor_free(of_latency);
    fnas_predictor_free(loaded);
    fleet_free(&fleet);
}

static void another_space_is_refused(void **state) {
    fnas_test_place *place = *state;
    test_fleet fleet;
    fnas_predictor *predictor;
    fnas_latency_model *model;
    fnas_predictor_score score;
    fnas_space *small;
    fleet_make(place->context, &fleet, 2, 40, 0.02, SEED);
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201:cells=1", &small));
    fnas_card *card = card_of(place, &fleet, &fleet.devices[0], "nb201:cells=1", 40),
              *right = card_of(place, &fleet, &fleet.devices[1], "nb201", 0);
    const fnas_card *cards[2] = {card, right};
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit(place->context, fleet.space, 1, cards, &quick, &predictor));
    assert_message("cells=1");
    assert_null(predictor);
    assert_status(FNAS_ERR_INPUT, fnas_predictor_fit(place->context, fleet.space, 1, cards + 1, &quick, &predictor));
    assert_message("no measurements");
    predictor = fit(place, &fleet, 1, &quick);
    assert_status(FNAS_ERR_INPUT, fnas_latency_model_create(place->context, predictor, fleet.space, card, &model));
    assert_status(FNAS_ERR_INPUT, fnas_latency_model_create(place->context, predictor, small, card, &model));
    assert_message("the predictor was trained on");
    assert_null(model);
    assert_status(FNAS_OK, fnas_latency_model_create(place->context, predictor, fleet.space, right,
                                                     &model)); /* a card of references alone suffices to predict */
    double once_ms[3], model_ms[3];                            /* asked once or of a model: the same bits, the same refusals */
    assert_status(FNAS_OK, fnas_predictor_ask(place->context, predictor, fleet.space, right, 3, fleet.archs, once_ms));
    assert_status(FNAS_OK, fnas_latency_model_predict(place->context, model, 3, fleet.archs, model_ms));
    assert_memory_equal(once_ms, model_ms, sizeof model_ms);
    assert_status(FNAS_ERR_INPUT, fnas_predictor_ask(place->context, predictor, fleet.space, card, 3, fleet.archs, once_ms));
    assert_status(FNAS_ERR_INPUT, fnas_predictor_evaluate(place->context, predictor, fleet.space, right, &score)); /* but not to score */
    fnas_latency_model_free(model);
    fnas_predictor_free(predictor);
    fnas_card_free(card);
    fnas_card_free(right);
    fnas_space_close(small);
    fleet_free(&fleet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(gradient_agrees_with_differences),
        fnas_test(trunk_gradient_agrees_with_differences),
        fnas_test(saved_and_loaded_is_the_same),
        fnas_test(damaged_files_are_refused),
        fnas_test(threads_change_nothing),
        fnas_test(unseen_made_up_devices_are_predicted),
        fnas_test(devices_with_references_of_their_own),
        fnas_test(speed_is_not_taken_from_the_references),
        fnas_test(references_are_chosen_among_candidates),
        fnas_test(intervals_cover_nine_of_ten),
        fnas_test(intervals_surround_the_prediction),
        fnas_test(chosen_references_tell_more),
        fnas_test(what_was_measured_is_not_chosen),
        fnas_test(twins_are_chosen_once),
        fnas_test(a_choice_can_be_stopped),
        fnas_test(many_models_say_what_each_says),
        fnas_test(quantile_is_the_conformal_rank),
        fnas_test(a_search_device_is_known_better_than_its_noise),
        fnas_test(cheap_cells_are_predicted),
        fnas_test(predictions_scale_with_the_references),
        fnas_test(absurd_references_stay_positive),
        fnas_test(bad_devices_are_refused),
        fnas_test(a_wish_to_stop_is_heard),
        fnas_test(embedding_is_normalised),
        fnas_test(features_are_pooled_by_operation),
        fnas_test(cards_give_what_their_numbers_give),
        fnas_test(energy_is_predicted_as_latency_is),
        fnas_test(another_space_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
