/* Measuring a device, and measuring again as a card says. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "device/archs.h"
#include "device/card.h"
#include "device/host.h"
#include "device/images.h"
#include "device/timing.h"

#define DEFAULT_ARCHS 300
#define MOST_ARCHS 15000
#define LEAST_ROUNDS 12
#define MOST_ROUNDS 10000
#define MOST_BATCH 4096
#define MOST_THREADS 256
#define CALIBRATION_IMAGES 16 /* enough for statistics that keep activations in range; latency asks no more of them */
#define DRIFT_LIMIT 0.15
#define NAME_BYTES 128
#define QUANTILES 5
#define SIGNIFICANT_DIGITS "%.6g"

static const double quantile_levels[QUANTILES] = {0, 0.25, 0.5, 0.75, 1};

/* Everything of one measurement. */
typedef struct measurement {
    fnas_context *context;
    const char *name;
    char stage[NAME_BYTES + 16], data_name[NAME_BYTES];
    fnas_timing_plan plan;
    fnas_timing_result result;
    int32_t *choices; /* references, then the others */
    float *images;
    int64_t others;
} measurement;

/* ---- options ---- */

static fnas_status check_range(fnas_context *context, const char *what, int64_t value, int64_t least, int64_t most) {
    if (value >= least && value <= most) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s is %" PRId64 ": it must be %" PRId64 " to %" PRId64, what, value, least, most);
}

static int64_t or_default(int64_t value, int64_t fallback) {
    return value ? value : fallback;
}

static const char *or_text(const char *text, const char *fallback) {
    return text && *text ? text : fallback;
}

static fnas_status check_setting(fnas_context *context, const fnas_timing_plan *plan) {
    FNAS_TRY(check_range(context, "batch", plan->batch, 1, MOST_BATCH));
    FNAS_TRY(check_range(context, "threads", plan->threads, 1, MOST_THREADS));
    FNAS_TRY(check_range(context, "rounds", plan->rounds, LEAST_ROUNDS, MOST_ROUNDS));
    return fnas_runtime_check(context, plan->runtime, plan->precision, plan->isa);
}

static fnas_status read_options(fnas_context *context, const fnas_space *space, const fnas_measure_options *options,
                                measurement *measuring) {
    fnas_timing_plan *plan = &measuring->plan;
    if (!options->name) return fnas_fail(context, FNAS_ERR_INPUT, "a device needs a name");
    FNAS_TRY(fnas_card_check_name(context, options->name)); /* now, not when a search takes the card */
    measuring->name = options->name;
    measuring->others = options->arch_count < 0 ? 0 : or_default(options->arch_count, DEFAULT_ARCHS);
    snprintf(measuring->stage, sizeof measuring->stage, "measure %s", options->name);
    *plan = (fnas_timing_plan){.stage = measuring->stage,
                               .space = space,
                               .isa = or_text(options->isa, "native"),
                               .batch = or_default(options->batch, 1),
                               .threads = or_default(options->threads, 1),
                               .rounds = or_default(options->rounds, LEAST_ROUNDS),
                               .seed = options->seed,
                               .image_count = CALIBRATION_IMAGES};
    FNAS_TRY(check_range(context, "the number of architectures", options->arch_count, -1, MOST_ARCHS));
    FNAS_TRY(fnas_runtime_find(context, or_text(options->runtime, "onednn"), &plan->runtime));
    FNAS_TRY(fnas_precision_find(context, or_text(options->precision, "f32"), &plan->precision));
    return check_setting(context, plan);
}

static fnas_status choose_archs(measurement *measuring, const char *references) {
    const fnas_space *space = measuring->plan.space;
    int64_t decisions = fnas_space_decision_count(space), count = FNAS_CARD_REFERENCES + measuring->others;
    measuring->choices = fnas_allocate((size_t)(count * decisions), sizeof *measuring->choices);
    if (!measuring->choices) return fnas_fail_memory(measuring->context, "architectures");
    FNAS_TRY(fnas_archs_references(measuring->context, space, references, measuring->choices));
    FNAS_TRY(fnas_archs_random(measuring->context, space, measuring->plan.seed, measuring->choices, measuring->others,
                               measuring->choices + FNAS_CARD_REFERENCES * decisions));
    measuring->plan.count = count;
    measuring->plan.choices = measuring->choices;
    measuring->plan.drift_choices = measuring->choices + (FNAS_CARD_REFERENCES - 1) * decisions;
    return FNAS_OK;
}

static void release(measurement *measuring) {
    fnas_timing_result_free(&measuring->result);
    fnas_free(measuring->choices);
    fnas_free(measuring->images);
}

/* ---- judging ---- */

static fnas_status check_drift(const measurement *measuring) {
    double drift = measuring->result.drift;
    if (fabs(drift) <= DRIFT_LIMIT) return FNAS_OK;
    return fnas_fail(measuring->context, FNAS_ERR_NUMERIC,
                     "%s: the same architecture took %+.0f %% time at the end of the measurement, more than %.0f %% off: measure again on "
                     "a quiet machine",
                     measuring->stage, 100 * drift, 100 * DRIFT_LIMIT);
}

static double statistic_of(const fnas_timing_plan *plan, const fnas_timing_result *result, int64_t arch) {
    return fnas_timing_statistic(plan->threads, result->rounds, result->cpu_ms + arch * result->rounds,
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
static fnas_status find_noise(const measurement *measuring, double *noise) {
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

static json_t *json_of_arch(const measurement *measuring, int64_t arch) {
    char text[FNAS_ARCH_TEXT_BYTES];
    const fnas_space *space = measuring->plan.space;
    if (fnas_space_format(measuring->context, space, measuring->choices + arch * fnas_space_decision_count(space), text, sizeof text) !=
        FNAS_OK)
        return NULL;
    return json_string(text);
}

static json_t *json_of_quantiles(const measurement *measuring, int64_t arch) {
    const fnas_timing_result *result = &measuring->result;
    const double *samples = (measuring->plan.threads == 1 ? result->cpu_ms : result->wall_ms) + arch * result->rounds;
    json_t *quantiles = json_array();
    for (int q = 0; q < QUANTILES; q++)
        json_array_append_new(quantiles, json_time(fnas_quantile(samples, result->rounds, quantile_levels[q])));
    return quantiles;
}

typedef enum time_kind { TIME_LATENCY, TIME_MIN_CPU, TIME_MEDIAN_WALL } time_kind;

static json_t *json_of_time(const measurement *measuring, int64_t arch, time_kind kind) {
    const fnas_timing_result *result = &measuring->result;
    if (kind == TIME_MIN_CPU) return json_time(fnas_quantile(result->cpu_ms + arch * result->rounds, result->rounds, 0));
    if (kind == TIME_MEDIAN_WALL) return json_time(fnas_median(result->wall_ms + arch * result->rounds, result->rounds));
    return json_time(statistic_of(&measuring->plan, result, arch));
}

static json_t *json_of_references(const measurement *measuring) {
    json_t *archs = json_array(), *times[3] = {json_array(), json_array(), json_array()};
    for (int64_t i = 0; i < FNAS_CARD_REFERENCES; i++) {
        json_array_append_new(archs, json_of_arch(measuring, i));
        for (int kind = 0; kind < 3; kind++) json_array_append_new(times[kind], json_of_time(measuring, i, (time_kind)kind));
    }
    return json_pack("{s:o,s:o,s:o,s:o}", "arch", archs, "latency_ms", times[TIME_LATENCY], "min_cpu_ms", times[TIME_MIN_CPU],
                     "median_wall_ms", times[TIME_MEDIAN_WALL]);
}

static json_t *json_of_measurements(const measurement *measuring) {
    json_t *rows = json_array();
    for (int64_t i = FNAS_CARD_REFERENCES; i < measuring->result.count; i++)
        json_array_append_new(rows,
                              json_pack("{s:o,s:o,s:o,s:o,s:o}", "arch", json_of_arch(measuring, i), "latency_ms",
                                        json_of_time(measuring, i, TIME_LATENCY), "min_cpu_ms", json_of_time(measuring, i, TIME_MIN_CPU),
                                        "median_wall_ms", json_of_time(measuring, i, TIME_MEDIAN_WALL), "quantiles_ms",
                                        json_of_quantiles(measuring, i)));
    return rows;
}

static json_t *json_of_protocol(const measurement *measuring) {
    const fnas_timing_plan *plan = &measuring->plan;
    json_t *levels = json_array();
    for (int q = 0; q < QUANTILES; q++) json_array_append_new(levels, json_real(quantile_levels[q]));
    return json_pack("{s:s,s:I,s:i,s:f,s:s,s:o,s:o,s:o,s:{s:s,s:I}}", "isa_limit", plan->isa, "rounds", (json_int_t)plan->rounds,
                     "warm_up_runs", FNAS_TIMING_WARM_UP_RUNS, "sample_ms", FNAS_TIMING_SAMPLE_MS, "order",
                     "interleaved, shuffled each round", "quantiles", levels, "drift", json_time(measuring->result.drift), "seed",
                     fnas_json_from_unsigned(plan->seed), "calibration", "source", measuring->data_name, "images",
                     (json_int_t)plan->image_count);
}

static json_t *json_of_measurement(const measurement *measuring, double noise) {
    const fnas_timing_plan *plan = &measuring->plan;
    char processor[FNAS_TIMING_TEXT_BYTES], governor[FNAS_TIMING_TEXT_BYTES], date[FNAS_TIMING_TEXT_BYTES];
    fnas_host_processor(processor, sizeof processor);
    fnas_host_governor(governor, sizeof governor);
    fnas_host_date(date, sizeof date);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:o,s:s,s:o,s:o,s:o}", "format", FNAS_CARD_FORMAT, "name",
                     measuring->name, "space", fnas_space_spec(plan->space), "runtime", plan->runtime->name, "runtime_version",
                     measuring->result.version, "processor", processor, "governor", governor, "precision",
                     fnas_precision_name(plan->precision), "isa", measuring->result.isa, "batch", (json_int_t)plan->batch, "threads",
                     (json_int_t)plan->threads, "date", date, "protocol", json_of_protocol(measuring), "statistic",
                     plan->threads == 1 ? "min_cpu_ms" : "median_wall_ms", "reference", json_of_references(measuring), "measurements",
                     json_of_measurements(measuring), "noise_spearman", isfinite(noise) ? json_time(noise) : json_null());
}

static fnas_status make_card(const measurement *measuring, fnas_card **card) {
    double noise;
    FNAS_TRY(find_noise(measuring, &noise));
    json_t *root = json_of_measurement(measuring, noise);
    if (!root)
        return fnas_fail(measuring->context, FNAS_ERR_INPUT, "%s: a card cannot be made: is the data set's name valid UTF-8?",
                         measuring->stage);
    return fnas_card_from_json(measuring->context, measuring->stage, root, card);
}

/* ---- public ---- */

static fnas_status measure(fnas_context *context, const fnas_space *space, const fnas_measure_options *options, measurement *measuring,
                           fnas_card **card) {
    FNAS_TRY(read_options(context, space, options, measuring));
    FNAS_TRY(choose_archs(measuring, options->references));
    FNAS_TRY(fnas_images_load(context, space, options->data, CALIBRATION_IMAGES, &measuring->images, measuring->data_name,
                              sizeof measuring->data_name));
    measuring->plan.images = measuring->images;
    FNAS_TRY(fnas_timing_run(context, &measuring->plan, &measuring->result));
    FNAS_TRY(check_drift(measuring));
    return make_card(measuring, card);
}

fnas_status fnas_device_measure(fnas_context *context, const fnas_space *space, const fnas_measure_options *options, fnas_card **card) {
    *card = NULL;
    measurement measuring = {.context = context};
    fnas_status status = measure(context, space, options, &measuring, card);
    release(&measuring);
    return status;
}

/* The instruction set that the card's device was limited to; cards of others need not say. */
static const char *isa_limit_of(const fnas_card *card) {
    const char *limit = json_string_value(json_object_get(json_object_get(card->root, "protocol"), "isa_limit"));
    return limit ? limit : "native";
}

/* The times of one processor say nothing about another's card, and nobody would see it: cards look alike. */
static fnas_status check_processor(fnas_context *context, const fnas_card_view *view) {
    char processor[FNAS_TIMING_TEXT_BYTES];
    if (strcmp(view->statistic, "imported") == 0)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                         "device %s was imported, this machine cannot measure on it: give a card that `fleetnas device measure` made here",
                         view->name);
    fnas_host_processor(processor, sizeof processor);
    if (strcmp(view->processor, processor) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                     "device %s was measured on another machine (its card's processor is \"%s\", this one's \"%s\"): run this on that "
                     "machine, or give a card that `fleetnas device measure` made here",
                     view->name, view->processor, processor);
}

static fnas_status read_card_setting(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t rounds,
                                     measurement *measuring) {
    const fnas_card_view *view = &card->view;
    FNAS_TRY(fnas_card_check_space(context, card, space));
    FNAS_TRY(check_processor(context, view));
    snprintf(measuring->stage, sizeof measuring->stage, "measure %.*s", NAME_BYTES, view->name);
    measuring->name = view->name;
    measuring->plan = (fnas_timing_plan){.stage = measuring->stage,
                                         .space = space,
                                         .isa = isa_limit_of(card),
                                         .batch = view->batch,
                                         .threads = view->threads,
                                         .rounds = or_default(rounds, LEAST_ROUNDS),
                                         .image_count = CALIBRATION_IMAGES};
    fnas_status status = fnas_runtime_find(context, view->runtime, &measuring->plan.runtime);
    if (status == FNAS_OK) status = fnas_precision_find(context, view->precision, &measuring->plan.precision);
    if (status != FNAS_OK)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "device %s: runtime %s %s is none of this machine", view->name, view->runtime,
                         view->precision);
    status = check_setting(context, &measuring->plan);
    return status == FNAS_OK ? FNAS_OK : fnas_fail_prefix(context, status, "device %s", view->name);
}

fnas_status fnas_device_check_here(fnas_context *context, const fnas_space *space, const fnas_card *card) {
    measurement measuring = {.context = context};
    return read_card_setting(context, space, card, 0, &measuring);
}

static fnas_status remeasure(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t count, const int32_t *choices,
                             int64_t rounds, measurement *measuring, double *latency_ms) {
    FNAS_TRY(read_card_setting(context, space, card, rounds, measuring));
    FNAS_TRY(check_range(context, "the number of architectures", count, 0, MOST_ARCHS));
    if (count == 0) return FNAS_OK;
    FNAS_TRY(fnas_images_load(context, space, NULL, CALIBRATION_IMAGES, &measuring->images, NULL, 0));
    measuring->plan.images = measuring->images;
    measuring->plan.count = count;
    measuring->plan.choices = choices;
    measuring->plan.drift_choices = card->view.reference_choices + (card->view.reference_count - 1) * card->view.decision_count;
    FNAS_TRY(fnas_timing_run(context, &measuring->plan, &measuring->result));
    FNAS_TRY(check_drift(measuring));
    for (int64_t i = 0; i < count; i++) latency_ms[i] = statistic_of(&measuring->plan, &measuring->result, i);
    return FNAS_OK;
}

fnas_status fnas_device_remeasure(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t count,
                                  const int32_t *choices, int64_t rounds, double *latency_ms) {
    measurement measuring = {.context = context};
    fnas_status status = remeasure(context, space, card, count, choices, rounds, &measuring, latency_ms);
    release(&measuring);
    return status;
}
