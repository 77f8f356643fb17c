#include "search/support_query.h"

#include "base/json.h"
#include "base/memory.h"
#include "device/host.h"
#include "search/hypernet/hypernet.h"
#include "space/arch_set.h"
#include "space/space.h"

#define MEASUREMENTS 150

void test_check(fnas_test_place *place, fnas_status status) {
    if (status != FNAS_OK) fail_msg("%s: %s", fnas_status_text(status), fnas_context_message(place->context));
}

static double test_latency_ms(const fnas_space *space, const double *op_ms, const int32_t *choices) {
    double latency_ms = 0.5;
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) latency_ms += op_ms[choices[d]];
    return latency_ms;
}

static json_t *test_arch_json(fnas_test_place *place, const fnas_space *space, const int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    test_check(place, fnas_space_format(place->context, space, choices, text, sizeof text));
    return json_string(text);
}

static json_t *test_reference_json(fnas_test_place *place, const fnas_space *space, const double *op_ms) {
    json_t *archs = json_array(), *latencies = json_array();
    int32_t choices[64];
    for (int64_t i = 0; i < fnas_space_reference_count(space); i++) {
        fnas_space_reference(space, i, choices);
        json_array_append_new(archs, test_arch_json(place, space, choices));
        json_array_append_new(latencies, json_real(test_latency_ms(space, op_ms, choices)));
    }
    return json_pack("{soso}", "arch", archs, "latency_ms", latencies);
}

static json_t *test_measurements_json(fnas_test_place *place, const fnas_space *space, const double *op_ms) {
    json_t *measurements = json_array();
    int32_t choices[64];
    fnas_arch_set seen = {.decisions = fnas_space_decision_count(space)}; /* a card holds an architecture once */
    for (int64_t i = 0, index = 0; seen.count < MEASUREMENTS; i++) {
        fnas_space_random(space, 77, i, choices);
        fnas_space_settle(space, choices);
        int64_t before = seen.count;
        test_check(place, fnas_arch_set_add(place->context, &seen, choices, &index));
        if (seen.count == before) continue;
        double latency_ms = test_latency_ms(space, op_ms, choices);
        json_t *entry = json_pack("{sosfs[ff]}", "arch", test_arch_json(place, space, choices), "latency_ms", latency_ms, "quantiles_ms",
                                  latency_ms, latency_ms);
        json_array_append_new(measurements, entry);
    }
    fnas_arch_set_free(&seen);
    return measurements;
}

fnas_card *test_card(fnas_test_place *place, const char *space_spec, const char *name, const double *op_ms) {
    fnas_space *space;
    test_check(place, fnas_space_open(place->context, space_spec, &space));
    char processor[256];
    fnas_host_processor(processor, sizeof processor); /* so that verifications take it for this machine's */
    json_t *root = json_pack("{ssssssssssssssss}", "format", "fleetnas-device/1", "name", name, "space", fnas_space_spec(space), "runtime",
                             "onednn", "runtime_version", "test", "processor", processor, "governor", "unknown", "precision", "f32");
    json_object_set_new(root, "isa", json_string("native"));
    json_object_set_new(root, "batch", json_integer(1));
    json_object_set_new(root, "threads", json_integer(1));
    json_object_set_new(root, "date", json_string("2024-01-01"));
    json_object_set_new(root, "protocol", json_object());
    json_object_set_new(root, "statistic", json_string("min_cpu_ms"));
    json_object_set_new(root, "reference", test_reference_json(place, space, op_ms));
    json_object_set_new(root, "measurements", test_measurements_json(place, space, op_ms));
    json_object_set_new(root, "noise_spearman", json_real(1));
    const char *path = fnas_test_path(place, "card.json");
    test_check(place, fnas_json_write(place->context, path, root));
    json_decref(root);
    fnas_card *card;
    test_check(place, fnas_card_load(place->context, path, &card));
    fnas_space_close(space);
    return card;
}

static const double convolution_ms[5] = {0.2, 2.0, 1.0, 0.1, 0.0}, pooling_ms[5] = {3.0, 0.6, 0.4, 0.1, 0.0};

fnas_card *test_card_convolution(fnas_test_place *place) {
    return test_card(place, TEST_SPACE, "convolution", convolution_ms);
}

fnas_card *test_card_pooling(fnas_test_place *place) {
    return test_card(place, TEST_SPACE, "pooling", pooling_ms);
}

static void test_run_cards(fnas_test_place *place, const char *space, fnas_run *run) {
    run->config.device_count = 2;
    run->cards = fnas_allocate(2, sizeof *run->cards);
    run->config.device_names = fnas_allocate(2, sizeof *run->config.device_names);
    run->cards[0] = test_card(place, space, "convolution", convolution_ms);
    run->cards[1] = test_card(place, space, "pooling", pooling_ms);
    run->embeddings = fnas_allocate(20, sizeof *run->embeddings);
    for (int64_t i = 0; i < 2; i++) {
        run->config.device_names[i] = fnas_strdup(fnas_card_get(run->cards[i]).name);
        fnas_card_embedding(run->cards[i], run->embeddings + 10 * i);
    }
    fnas_predictor_options options = {.seed = 1};
    test_check(place, fnas_predictor_fit(place->context, run->space, 2, (const fnas_card *const *)run->cards, &options, &run->predictor));
}

fnas_run *test_run(fnas_test_place *place, const char *objectives, uint64_t seed) {
    return test_run_in(place, TEST_SPACE, TEST_DATA, objectives, seed);
}

fnas_run *test_run_in(fnas_test_place *place, const char *space, const char *data, const char *objectives, uint64_t seed) {
    fnas_run *run = fnas_allocate(1, sizeof *run);
    fnas_search_options options = {.space = space,
                                   .data = data,
                                   .run = place->folder,
                                   .device_count = 2,
                                   .preset = "quick",
                                   .objectives = objectives,
                                   .steps = 10,
                                   .seed = seed,
                                   .hypernet = "table"};
    const char *devices[2] = {"convolution.json", "pooling.json"};
    options.devices = devices;
    int64_t epochs;
    test_check(place, fnas_search_config_build(place->context, &options, &run->config, &epochs));
    run->path = fnas_strdup(place->folder);
    run->data_spec = fnas_strdup(data);
    test_check(place, fnas_space_open(place->context, space, &run->space));
    test_check(place, fnas_space_open(place->context, space, &run->supernet));
    test_check(place, fnas_search_config_fit_space(place->context, &options, run->space, &run->config, &epochs));
    run->config.weight_fraction = 0.45; /* of 400 images: 180, 140 and 80 */
    run->config.search_fraction = 0.35;
    run->config.validation_images = 60;
    run->config.recalibration_images = 40;
    run->config.space = fnas_strdup(fnas_space_spec(run->space));
    run->config.supernet = fnas_strdup(fnas_space_spec(run->supernet));
    run->config.data = fnas_strdup(data);
    test_run_cards(place, space, run);
    test_check(place, fnas_search_state_allocate(place->context, &run->config, run->supernet, 10, &run->state));
    fnas_parameters_initialise(&run->state.weights, seed);
    fnas_hypernet_randomise(&run->state.shape, seed + 1000, run->state.hypernet);
    return run;
}
