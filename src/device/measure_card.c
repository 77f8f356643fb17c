/* The card of a measurement: statistics of its samples, and how they were taken. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "device/host.h"
#include "device/measure_internal.h"
#include "device/translating.h"
#include "space/space.h"

#define QUANTILES 5
#define SIGNIFICANT_DIGITS "%.6g"

static const double quantile_levels[QUANTILES] = {0, 0.25, 0.5, 0.75, 1};

/* ---- statistics ---- */

double fnas_measurement_latency(const fnas_measurement *measuring, int64_t arch) {
    const fnas_timing_result *result = &measuring->result;
    return fnas_timing_statistic(measuring->plan.threads, result->rounds, result->cpu_ms + arch * result->rounds,
                                 result->wall_ms + arch * result->rounds);
}

/* The statistic of an architecture over every second round from `first` on; scratch [2 * rounds]. */
static double half_statistic(const fnas_timing_plan *plan, const fnas_timing_result *result, int64_t arch, int64_t first, double *scratch) {
    int64_t count = 0;
    for (int64_t round = first; round < result->rounds; round += 2, count++) {
        scratch[count] = result->cpu_ms[arch * result->rounds + round];
        scratch[result->rounds + count] = result->wall_ms[arch * result->rounds + round];
    }
    return fnas_timing_statistic(plan->threads, count, scratch, scratch + result->rounds);
}

/* Rank correlation between the odd and the even rounds: what part of a ranking is the device's and not chance. */
static fnas_status find_noise(const fnas_measurement *measuring, double *noise) {
    int64_t count = measuring->result.count;
    double *halves = fnas_allocate((size_t)(2 * count + 2 * measuring->result.rounds), sizeof *halves);
    if (!halves) return fnas_fail_memory(measuring->context, measuring->stage);
    for (int64_t arch = 0; arch < count; arch++)
        for (int64_t half = 0; half < 2; half++)
            halves[half * count + arch] = half_statistic(&measuring->plan, &measuring->result, arch, half, halves + 2 * count);
    *noise = fnas_spearman(halves, halves + count, count);
    fnas_free(halves);
    return FNAS_OK;
}

/* ---- the card ---- */

/* Times are good to a few digits at best; more would only make files long. */
static json_t *json_time(double ms) {
    char text[32];
    double rounded = ms;
    snprintf(text, sizeof text, SIGNIFICANT_DIGITS, ms);
    (void)fnas_parse_double(text, &rounded);
    return json_real(rounded);
}

static json_t *json_of_arch(const fnas_measurement *measuring, int64_t arch) {
    char text[FNAS_ARCH_TEXT_BYTES];
    const fnas_space *space = measuring->plan.space;
    if (fnas_space_format(measuring->context, space, measuring->choices + arch * fnas_space_decision_count(space), text, sizeof text) !=
        FNAS_OK)
        return NULL;
    return json_string(text);
}

static json_t *json_of_quantiles(const fnas_measurement *measuring, int64_t arch) {
    const fnas_timing_result *result = &measuring->result;
    const double *samples = (measuring->plan.threads == 1 ? result->cpu_ms : result->wall_ms) + arch * result->rounds;
    json_t *quantiles = json_array();
    for (int q = 0; q < QUANTILES; q++)
        json_array_append_new(quantiles, json_time(fnas_quantile(samples, result->rounds, quantile_levels[q])));
    return quantiles;
}

typedef enum time_kind { TIME_LATENCY, TIME_MIN_CPU, TIME_MEDIAN_WALL, TIME_KINDS } time_kind;
static const char *const time_keys[TIME_KINDS] = {"latency_ms", "min_cpu_ms", "median_wall_ms"};

/* A program says one time, the runtimes here have two clocks. */
static int time_kinds(const fnas_measurement *measuring) {
    return measuring->by_command ? 1 : TIME_KINDS;
}

static json_t *json_of_time(const fnas_measurement *measuring, int64_t arch, time_kind kind) {
    const fnas_timing_result *result = &measuring->result;
    if (kind == TIME_MIN_CPU) return json_time(fnas_quantile(result->cpu_ms + arch * result->rounds, result->rounds, 0));
    if (kind == TIME_MEDIAN_WALL) return json_time(fnas_median(result->wall_ms + arch * result->rounds, result->rounds));
    return json_time(fnas_measurement_latency(measuring, arch));
}

static json_t *json_of_energy(const fnas_measurement *measuring, int64_t arch) {
    const fnas_timing_result *result = &measuring->result;
    return json_time(fnas_median(result->energy_mj + arch * result->rounds, result->rounds));
}

static json_t *json_of_references(const fnas_measurement *measuring) {
    json_t *references = json_object(), *archs = json_array(), *energies = json_array();
    for (int64_t i = 0; i < FNAS_CARD_REFERENCES; i++) json_array_append_new(archs, json_of_arch(measuring, i));
    json_object_set_new(references, "arch", archs);
    for (int kind = 0; kind < time_kinds(measuring); kind++) {
        json_t *times = json_array();
        for (int64_t i = 0; i < FNAS_CARD_REFERENCES; i++) json_array_append_new(times, json_of_time(measuring, i, (time_kind)kind));
        json_object_set_new(references, time_keys[kind], times);
    }
    for (int64_t i = 0; measuring->result.energy_mj && i < FNAS_CARD_REFERENCES; i++)
        json_array_append_new(energies, json_of_energy(measuring, i));
    if (measuring->result.energy_mj) json_object_set(references, "energy_mj", energies);
    json_decref(energies);
    return references;
}

static json_t *json_of_measured(const fnas_measurement *measuring, int64_t arch) {
    json_t *row = json_object();
    json_object_set_new(row, "arch", json_of_arch(measuring, arch));
    for (int kind = 0; kind < time_kinds(measuring); kind++)
        json_object_set_new(row, time_keys[kind], json_of_time(measuring, arch, (time_kind)kind));
    if (measuring->result.energy_mj) json_object_set_new(row, "energy_mj", json_of_energy(measuring, arch));
    json_object_set_new(row, "quantiles_ms", json_of_quantiles(measuring, arch));
    return row;
}

static json_t *json_of_measurements(const fnas_measurement *measuring) {
    json_t *rows = json_array();
    for (int64_t i = FNAS_CARD_REFERENCES; i < measuring->result.count; i++) json_array_append_new(rows, json_of_measured(measuring, i));
    return rows;
}

/* ---- how it was measured ---- */

static void add_command(const fnas_measurement *measuring, json_t *protocol) {
    const fnas_command_facts *facts = &measuring->facts;
    json_object_set_new(protocol, "command", json_string(measuring->command.command));
    json_object_set_new(protocol, "way", json_string(measuring->command.serve ? "serve" : "once"));
    json_object_set_new(protocol, "verified", json_boolean(facts->checks_logits));
    if (!facts->checks_logits) return;
    json_object_set_new(protocol, "logits_difference", json_time(facts->largest_difference));
    json_object_set_new(protocol, "logits_bound", json_real(fnas_command_logits_bound(measuring->command.precision)));
}

static void add_runtime(const fnas_measurement *measuring, json_t *protocol) {
    json_object_set_new(protocol, "isa_limit", json_string(measuring->plan.isa));
    json_object_set_new(protocol, "warm_up_runs", json_integer(FNAS_TIMING_WARM_UP_RUNS));
    json_object_set_new(protocol, "sample_ms", json_real(FNAS_TIMING_SAMPLE_MS));
}

/* Of networks that translate, `batch` of which are translated at a time. */
static json_t *json_of_sentences(const fnas_timing_plan *plan) {
    json_int_t length = (json_int_t)fnas_translating_length(plan->space);
    return json_pack("{s:I,s:I,s:I}", "vocabulary", (json_int_t)plan->vocabulary, "source_words", length, "target_words", length);
}

static json_t *json_of_protocol(const fnas_measurement *measuring) {
    const fnas_timing_plan *plan = &measuring->plan;
    json_t *protocol = json_object(), *levels = json_array();
    for (int q = 0; q < QUANTILES; q++) json_array_append_new(levels, json_real(quantile_levels[q]));
    (measuring->by_command ? add_command : add_runtime)(measuring, protocol);
    json_object_set_new(protocol, "rounds", json_integer((json_int_t)plan->rounds));
    json_object_set_new(protocol, "order", json_string("interleaved, shuffled each round"));
    json_object_set_new(protocol, "quantiles", levels);
    json_object_set_new(protocol, "drift", json_time(measuring->result.drift));
    json_object_set_new(protocol, "seed", fnas_json_from_unsigned(plan->seed));
    const char *subject = plan->vocabulary ? "sentences" : "calibration";
    json_object_set_new(protocol, subject,
                        plan->vocabulary ? json_of_sentences(plan)
                                         : json_pack("{s:s,s:I}", "source", measuring->data_name, "images", (json_int_t)plan->image_count));
    bool is_whole = json_object_get(protocol, subject) && (!measuring->by_command || json_object_get(protocol, "command"));
    if (is_whole) return protocol;
    json_decref(protocol); /* texts that are not UTF-8 */
    return NULL;
}

/* What executed the networks. */
typedef struct card_device {
    char processor[FNAS_TIMING_TEXT_BYTES], governor[FNAS_TIMING_TEXT_BYTES];
    const char *runtime, *version, *precision, *isa, *statistic;
} card_device;

static const char *told_or(const char *text, const char *otherwise) {
    return *text ? text : otherwise;
}

static void describe_command(const fnas_measurement *measuring, card_device *device) {
    const fnas_answer *told = &measuring->facts.device;
    snprintf(device->processor, sizeof device->processor, "%s", told_or(told->processor, "unknown"));
    snprintf(device->governor, sizeof device->governor, "unknown");
    device->runtime = told_or(told->runtime, "command");
    device->version = told_or(told->runtime_version, "unknown");
    device->isa = told_or(told->isa, "unknown");
    device->precision = measuring->command.precision;
    device->statistic = measuring->plan.threads == 1 ? "min_ms" : "median_ms";
}

static void describe_runtime(const fnas_measurement *measuring, card_device *device) {
    fnas_host_processor(device->processor, sizeof device->processor);
    fnas_host_governor(device->governor, sizeof device->governor);
    device->runtime = measuring->plan.runtime->name;
    device->version = measuring->result.version;
    device->isa = measuring->result.isa;
    device->precision = fnas_precision_name(measuring->plan.precision);
    device->statistic = measuring->plan.threads == 1 ? "min_cpu_ms" : "median_wall_ms";
}

static json_t *json_of_measurement(const fnas_measurement *measuring, double noise) {
    const fnas_timing_plan *plan = &measuring->plan;
    card_device device = {0};
    char date[FNAS_TIMING_TEXT_BYTES];
    (measuring->by_command ? describe_command : describe_runtime)(measuring, &device);
    fnas_host_date(date, sizeof date);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:o,s:s,s:o,s:o,s:o}", "format", FNAS_CARD_FORMAT, "name",
                     measuring->name, "space", fnas_space_spec(plan->space), "runtime", device.runtime, "runtime_version", device.version,
                     "processor", device.processor, "governor", device.governor, "precision", device.precision, "isa", device.isa, "batch",
                     (json_int_t)plan->batch, "threads", (json_int_t)plan->threads, "date", date, "protocol", json_of_protocol(measuring),
                     "statistic", device.statistic, "reference", json_of_references(measuring), "measurements",
                     json_of_measurements(measuring), "noise_spearman", isfinite(noise) ? json_time(noise) : json_null());
}

fnas_status fnas_measurement_card(const fnas_measurement *measuring, fnas_card **card) {
    double noise = NAN;
    FNAS_TRY(find_noise(measuring, &noise));
    json_t *root = json_of_measurement(measuring, noise);
    if (!root)
        return fnas_fail(measuring->context, FNAS_ERR_INPUT,
                         "%s: a card cannot be made: are the data set's name and the command valid UTF-8?", measuring->stage);
    return fnas_card_from_json(measuring->context, measuring->stage, root, card);
}
