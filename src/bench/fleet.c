#include "bench/fleet.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"
#include "space/space.h"

typedef struct made_device {
    const fnas_space *space;
    double constant_ms;
    double *cost_ms; /* [one-hot size] */
} made_device;

static bool device_draw(const fnas_space *space, uint64_t seed, int64_t index, made_device *device) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_SYNTHETIC, index, 1);
    int64_t onehot = fnas_space_onehot_size(space);
    double scale = exp(fnas_random_normal(&random));
    *device = (made_device){space, scale, fnas_allocate((size_t)onehot, sizeof(double))};
    for (int64_t i = 0; device->cost_ms && i < onehot; i++) device->cost_ms[i] = scale * fnas_random_uniform(&random);
    return device->cost_ms != NULL;
}

static double device_ms(const made_device *device, const int32_t *choices) {
    double ms = device->constant_ms;
    for (int64_t d = 0; d < fnas_space_decision_count(device->space); d++)
        ms += device->cost_ms[fnas_space_onehot_offset(device->space, d) + choices[d]];
    return ms;
}

/* ---- the card ---- */

/* jansson's setters take over what they are given, also when they fail, and fail on NULL: one check at the end is enough. */
static bool append_arch(fnas_context *context, const made_device *device, const int32_t *choices, json_t *archs, json_t *latencies) {
    char text[FNAS_ARCH_TEXT_BYTES];
    if (fnas_space_format(context, device->space, choices, text, sizeof text) != FNAS_OK) return false;
    return json_array_append_new(archs, json_string(text)) == 0 &&
           json_array_append_new(latencies, json_real(device_ms(device, choices))) == 0;
}

static json_t *reference_json(fnas_context *context, const made_device *device, int32_t *choices) {
    json_t *archs = json_array(), *latencies = json_array();
    bool good = archs && latencies;
    for (int64_t i = 0; good && i < fnas_space_reference_count(device->space); i++) {
        fnas_space_reference(device->space, i, choices);
        good = append_arch(context, device, choices, archs, latencies);
    }
    json_t *reference = json_pack("{soso}", "arch", archs, "latency_ms", latencies);
    if (good) return reference;
    json_decref(reference);
    return NULL;
}

static bool append_measurement(fnas_context *context, const made_device *device, const int32_t *choices, json_t *measurements) {
    char text[FNAS_ARCH_TEXT_BYTES];
    double ms = device_ms(device, choices);
    if (fnas_space_format(context, device->space, choices, text, sizeof text) != FNAS_OK) return false;
    return json_array_append_new(measurements, json_pack("{sssfs[ff]}", "arch", text, "latency_ms", ms, "quantiles_ms", ms, ms)) == 0;
}

static json_t *measurements_json(fnas_context *context, const made_device *device, uint64_t seed, int64_t count) {
    fnas_arch_set set = {.decisions = fnas_space_decision_count(device->space)};
    json_t *measurements = json_array();
    bool good = measurements && fnas_space_random_distinct(context, device->space, seed, count, &set) == FNAS_OK;
    for (int64_t i = 0; good && i < set.count; i++)
        good = append_measurement(context, device, set.choices + i * set.decisions, measurements);
    fnas_arch_set_free(&set);
    if (good) return measurements;
    json_decref(measurements);
    return NULL;
}

static json_t *card_json(fnas_context *context, const made_device *device, uint64_t seed, int64_t index, int64_t measurements,
                         int32_t *choices) {
    char name[32];
    snprintf(name, sizeof name, "made-up-%lld", (long long)index);
    return json_pack("{ss ss ss ss ss ss ss ss ss si si ss s{} ss so so sf}", "format", FNAS_CARD_FORMAT, "name", name, "space",
                     fnas_space_spec(device->space), "runtime", "onednn", "runtime_version", "none", "processor", "none", "governor",
                     "unknown", "precision", "f32", "isa", "native", "batch", 1, "threads", 1, "date", "2000-01-01T00:00:00Z", "protocol",
                     "statistic", "imported", "reference", reference_json(context, device, choices), "measurements",
                     measurements_json(context, device, seed, measurements), "noise_spearman", 1.0);
}

fnas_status fnas_fleet_card(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t index, int64_t measurements,
                            fnas_card **card) {
    made_device device = {0};
    json_t *root = NULL;
    int32_t *choices = fnas_allocate((size_t)fnas_space_decision_count(space), sizeof *choices);
    if (choices && device_draw(space, seed, index, &device)) root = card_json(context, &device, seed, index, measurements, choices);
    fnas_free(choices);
    fnas_free(device.cost_ms);
    return root ? fnas_card_from_json(context, "made-up device", root, card) : fnas_fail_memory(context, "a made-up device");
}
