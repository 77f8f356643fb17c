/* Measuring a device, and measuring again as a card says. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "device/archs.h"
#include "device/card.h"
#include "device/card_change.h"
#include "device/host.h"
#include "device/images.h"
#include "device/measure_internal.h"
#include "device/rapl.h"
#include "device/samples.h"
#include "device/translating.h"
#include "space/space.h"

#define DEFAULT_ARCHS 300
#define MOST_ARCHS 15000
#define LEAST_ROUNDS 12
#define LEAST_COMMAND_ROUNDS 3 /* starting a program costs far more than a network */
#define DEFAULT_TIMEOUT_S 60
#define MOST_TIMEOUT_S 86400
#define MOST_ROUNDS 10000
#define MOST_BATCH 4096
#define MOST_THREADS 256

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

static fnas_status check_counts(fnas_context *context, const fnas_timing_plan *plan, int64_t least_rounds) {
    FNAS_TRY(check_range(context, "batch", plan->batch, 1, MOST_BATCH));
    FNAS_TRY(check_range(context, "threads", plan->threads, 1, MOST_THREADS));
    return check_range(context, "rounds", plan->rounds, least_rounds, MOST_ROUNDS);
}

static fnas_status check_setting(fnas_context *context, const fnas_timing_plan *plan) {
    FNAS_TRY(check_counts(context, plan, LEAST_ROUNDS));
    if (plan->vocabulary) FNAS_TRY(fnas_runtime_check_translation(context, plan->runtime, plan->precision));
    return fnas_runtime_check(context, plan->runtime, plan->precision, plan->isa);
}

static fnas_status read_energy(fnas_context *context, const char *energy, fnas_timing_plan *plan) {
    if (!energy) return FNAS_OK;
    plan->energy_folder = FNAS_RAPL_FOLDER;
    if (strcmp(energy, "rapl") == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "unknown source of energies \"%s\": rapl is known", energy);
}

/* Networks that translate have a vocabulary and no images. */
static fnas_status read_vocabulary(fnas_context *context, const fnas_measure_options *options, fnas_timing_plan *plan) {
    bool translates = fnas_translating_is_of(plan->space);
    if (options->vocabulary_size && !translates)
        return fnas_fail(context, FNAS_ERR_INPUT, "a vocabulary size is given, but the space's networks do not translate: leave it out");
    if (!translates) return FNAS_OK;
    if (options->data)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "data %s: networks that translate are measured on sentences of random words: leave data out", options->data);
    plan->vocabulary = or_default(options->vocabulary_size, FNAS_TRANSLATING_VOCABULARY);
    plan->image_count = 0;
    return check_range(context, "the vocabulary size", plan->vocabulary, FNAS_TRANSLATING_VOCABULARY_LEAST,
                       FNAS_TRANSLATING_VOCABULARY_MOST);
}

/* A runtime of this machine. */
static fnas_status read_runtime(fnas_context *context, const fnas_measure_options *options, fnas_timing_plan *plan) {
    if (options->command_json || options->command_timeout_s != 0 || options->command_energy || options->command_serve)
        return fnas_fail(context, FNAS_ERR_INPUT, "settings of a command are given, but no command: name it, or leave them out");
    plan->isa = or_text(options->isa, "native");
    plan->rounds = or_default(options->rounds, LEAST_ROUNDS);
    FNAS_TRY(fnas_runtime_find(context, or_text(options->runtime, "onednn"), &plan->runtime));
    FNAS_TRY(fnas_precision_find(context, or_text(options->precision, "f32"), &plan->precision));
    FNAS_TRY(read_energy(context, options->energy, plan));
    return check_setting(context, plan);
}

/* A program of the user's. */
static fnas_status read_command(fnas_context *context, const fnas_space *space, const fnas_measure_options *options,
                                fnas_measurement *measuring) {
    fnas_timing_plan *plan = &measuring->plan;
    if (options->runtime || options->isa)
        return fnas_fail(context, FNAS_ERR_INPUT, "a command chooses runtime and instruction set itself: leave %s out",
                         options->runtime ? "runtime" : "isa");
    if (options->energy)
        return fnas_fail(context, FNAS_ERR_INPUT, "energy counters are those of this machine: a command tells its energies itself");
    if (!options->samples) return fnas_fail(context, FNAS_ERR_INPUT, "a measurement by command needs a file for its samples");
    plan->rounds = or_default(options->rounds, options->command_serve ? LEAST_ROUNDS : LEAST_COMMAND_ROUNDS);
    measuring->by_command = true;
    measuring->command = (fnas_command_setting){.command = options->command,
                                                .field = options->command_json,
                                                .precision = or_text(options->precision, "f32"),
                                                .with_energy = options->command_energy,
                                                .serve = options->command_serve,
                                                .timeout_s = options->command_timeout_s != 0 ? options->command_timeout_s
                                                                                             : DEFAULT_TIMEOUT_S,
                                                .batch = plan->batch,
                                                .threads = plan->threads,
                                                .classes = plan->vocabulary ? plan->vocabulary : space->classes,
                                                .has_networks = space->image[0] != 0 || plan->vocabulary,
                                                .vocabulary = plan->vocabulary};
    if (!isfinite(fnas_command_logits_bound(measuring->command.precision)))
        return fnas_fail(context, FNAS_ERR_INPUT, "unknown precision \"%s\" of a command: use f32, f16, bf16 or int8",
                         measuring->command.precision);
    if (!(measuring->command.timeout_s > 0 && measuring->command.timeout_s <= MOST_TIMEOUT_S))
        return fnas_fail(context, FNAS_ERR_INPUT, "the time limit of a sample is %g s: it must be above 0 and at most %d",
                         measuring->command.timeout_s, MOST_TIMEOUT_S);
    return check_counts(context, plan, LEAST_COMMAND_ROUNDS);
}

static fnas_status read_options(fnas_context *context, const fnas_space *space, const fnas_measure_options *options,
                                fnas_measurement *measuring) {
    fnas_timing_plan *plan = &measuring->plan;
    if (!options->name) return fnas_fail(context, FNAS_ERR_INPUT, "a device needs a name");
    FNAS_TRY(fnas_card_check_name(context, options->name)); /* now, not when a search takes the card */
    measuring->name = options->name;
    measuring->others = options->arch_count < 0 ? 0 : or_default(options->arch_count, DEFAULT_ARCHS);
    snprintf(measuring->stage, sizeof measuring->stage, "measure %s", options->name);
    *plan = (fnas_timing_plan){.stage = measuring->stage,
                               .space = space,
                               .batch = or_default(options->batch, 1),
                               .threads = or_default(options->threads, 1),
                               .seed = options->seed,
                               .image_count = FNAS_MEASURE_IMAGES};
    FNAS_TRY(read_vocabulary(context, options, plan));
    FNAS_TRY(check_range(context, "the number of architectures", options->arch_count, -1, MOST_ARCHS));
    if (options->archs && options->arch_count)
        return fnas_fail(context, FNAS_ERR_INPUT, "a list of architectures and a number of random ones: choose one");
    return options->command ? read_command(context, space, options, measuring) : read_runtime(context, options, plan);
}

/* Room for all of them, references first: those of the card that is added to, those of a file, or the space's own. */
static fnas_status choose_references(fnas_measurement *measuring, const fnas_measure_options *options) {
    const fnas_space *space = measuring->plan.space;
    int64_t decisions = fnas_space_decision_count(space), count = FNAS_CARD_REFERENCES + measuring->others;
    measuring->choices = fnas_allocate((size_t)(count * decisions), sizeof *measuring->choices);
    if (!measuring->choices) return fnas_fail_memory(measuring->context, "architectures");
    measuring->plan.count = count;
    measuring->plan.choices = measuring->choices;
    measuring->plan.drift_choices = measuring->choices + (FNAS_CARD_REFERENCES - 1) * decisions;
    if (!options->add_to) return fnas_archs_references(measuring->context, space, options->references, measuring->choices);
    memcpy(measuring->choices, options->add_to->choices, (size_t)(FNAS_CARD_REFERENCES * decisions) * sizeof *measuring->choices);
    return FNAS_OK;
}

static fnas_status take_listed(fnas_measurement *measuring, const fnas_measure_options *options, const fnas_arch_set *listed) {
    measuring->others = listed->count;
    FNAS_TRY(choose_references(measuring, options));
    if (options->add_to) FNAS_TRY(fnas_card_check_new(measuring->context, options->add_to, options->archs, listed));
    memcpy(measuring->choices + FNAS_CARD_REFERENCES * listed->decisions, listed->choices,
           (size_t)(listed->count * listed->decisions) * sizeof *measuring->choices);
    return FNAS_OK;
}

static fnas_status choose_listed(fnas_measurement *measuring, const fnas_measure_options *options) {
    fnas_arch_set listed;
    fnas_status status = fnas_archs_listed(measuring->context, measuring->plan.space, options->archs, &listed);
    if (status == FNAS_OK) status = take_listed(measuring, options, &listed);
    fnas_arch_set_free(&listed);
    return status;
}

static fnas_status choose_archs(fnas_measurement *measuring, const fnas_measure_options *options) {
    const fnas_card *card = options->add_to;
    if (options->archs) return choose_listed(measuring, options);
    FNAS_TRY(choose_references(measuring, options));
    int32_t *others = measuring->choices + FNAS_CARD_REFERENCES * fnas_space_decision_count(measuring->plan.space);
    int64_t taken = FNAS_CARD_REFERENCES + (card ? card->view.measurement_count : 0);
    return fnas_archs_random(measuring->context, measuring->plan.space, measuring->plan.seed, taken,
                             card ? card->choices : measuring->choices, measuring->others, others);
}

void fnas_measurement_release(fnas_measurement *measuring) {
    fnas_timing_result_free(&measuring->result);
    fnas_free(measuring->choices);
    fnas_free(measuring->images);
}

/* ---- judging ---- */

fnas_status fnas_measurement_check_drift(const fnas_measurement *measuring) {
    double drift = measuring->result.drift;
    if (fabs(drift) <= FNAS_MEASURE_DRIFT_LIMIT) return FNAS_OK;
    return fnas_fail(
        measuring->context, FNAS_ERR_NUMERIC,
        "%s: at the end of the measurement the same architecture took %.0f %% %s time, and %.0f %% are allowed: measure again on a "
        "quiet machine",
        measuring->stage, 100 * fabs(drift), drift < 0 ? "less" : "more", 100 * FNAS_MEASURE_DRIFT_LIMIT);
}

/* ---- public ---- */

/* Networks that translate have nothing to calibrate; and a command can measure a space without networks. */
static fnas_status load_images(fnas_measurement *measuring, const char *data) {
    bool has_none = measuring->plan.vocabulary || (measuring->by_command && !measuring->command.has_networks && !data);
    if (has_none) {
        snprintf(measuring->data_name, sizeof measuring->data_name, "none");
        measuring->plan.image_count = 0;
        return FNAS_OK;
    }
    return fnas_images_load(measuring->context, measuring->plan.space, data, FNAS_MEASURE_IMAGES, &measuring->images, measuring->data_name,
                            sizeof measuring->data_name);
}

static fnas_status check_vocabulary(const fnas_measurement *measuring, const fnas_card *card) {
    int64_t before, now = measuring->plan.vocabulary;
    FNAS_TRY(fnas_measurement_vocabulary(measuring->context, measuring->plan.space, card, &before));
    if (before == now) return FNAS_OK;
    return fnas_fail(measuring->context, FNAS_ERR_INPUT,
                     "card of device %s: its vocabulary is of %" PRId64 " words, this measurement's of %" PRId64
                     ": another vocabulary needs a card of its own",
                     card->view.name, before, now);
}

/* What can be said before anything is measured: fnas_card_add says the rest. */
static fnas_status check_add(const fnas_measurement *measuring, const fnas_measure_options *options) {
    const fnas_card *card = options->add_to;
    bool with_energy = options->energy || options->command_energy;
    if (options->references || options->arch_count < 0)
        return fnas_fail(measuring->context, FNAS_ERR_INPUT, "%s: what is added to a card has the card's references, and architectures",
                         measuring->stage);
    FNAS_TRY(fnas_card_check_space(measuring->context, card, measuring->plan.space));
    if (measuring->plan.vocabulary) FNAS_TRY(check_vocabulary(measuring, card));
    const char *runtime = measuring->by_command ? NULL : measuring->plan.runtime->name;
    const char *precision = measuring->by_command ? measuring->command.precision : fnas_precision_name(measuring->plan.precision);
    return fnas_card_check_same(measuring->context, card,
                                &(fnas_card_view){.name = measuring->name,
                                                  .runtime = runtime,
                                                  .precision = precision,
                                                  .batch = measuring->plan.batch,
                                                  .threads = measuring->plan.threads},
                                with_energy);
}

static fnas_status add_to_card(const fnas_measurement *measuring, const fnas_card *to, fnas_card **card) {
    fnas_card *measured;
    FNAS_TRY(fnas_measurement_card(measuring, &measured));
    fnas_status status = fnas_card_add(measuring->context, to, measured, card);
    fnas_card_free(measured);
    return status;
}

static fnas_status measure(fnas_context *context, const fnas_space *space, const fnas_measure_options *options, fnas_measurement *measuring,
                           fnas_card **card) {
    FNAS_TRY(read_options(context, space, options, measuring));
    if (options->add_to) FNAS_TRY(check_add(measuring, options));
    FNAS_TRY(choose_archs(measuring, options));
    FNAS_TRY(load_images(measuring, options->data));
    measuring->plan.images = measuring->images;
    if (measuring->by_command && options->samples_anew) FNAS_TRY(fnas_samples_forget(context, options->samples));
    if (measuring->by_command)
        FNAS_TRY(fnas_command_timing_run(context, &measuring->plan, &measuring->command, options->samples, measuring->data_name,
                                         &measuring->result, &measuring->facts));
    else
        FNAS_TRY(fnas_timing_run(context, &measuring->plan, &measuring->result));
    FNAS_TRY(fnas_measurement_check_drift(measuring));
    return options->add_to ? add_to_card(measuring, options->add_to, card) : fnas_measurement_card(measuring, card);
}

fnas_status fnas_device_measure(fnas_context *context, const fnas_space *space, const fnas_measure_options *options, fnas_card **card) {
    *card = NULL;
    fnas_measurement measuring = {.context = context};
    fnas_status status = measure(context, space, options, &measuring, card);
    if (options->samples_kept) *options->samples_kept = measuring.facts.samples_kept;
    fnas_measurement_release(&measuring);
    return status;
}

/* The instruction set that the card's device was limited to; cards of others need not say. */
static const char *isa_limit_of(const fnas_card *card) {
    const char *limit = json_string_value(json_object_get(json_object_get(card->root, "protocol"), "isa_limit"));
    return limit ? limit : "native";
}

fnas_status fnas_measurement_vocabulary(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t *vocabulary) {
    *vocabulary = card->view.vocabulary;
    if (*vocabulary > 0 || !fnas_translating_is_of(space)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "card of device %s: \"protocol\" has no \"sentences\": what was translated is not known",
                     card->view.name);
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

fnas_status fnas_measurement_of_card(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t rounds,
                                     fnas_measurement *measuring) {
    const fnas_card_view *view = &card->view;
    FNAS_TRY(fnas_card_check_space(context, card, space));
    FNAS_TRY(check_processor(context, view));
    snprintf(measuring->stage, sizeof measuring->stage, "measure %.*s", FNAS_MEASURE_NAME_BYTES, view->name);
    measuring->name = view->name;
    measuring->plan = (fnas_timing_plan){.stage = measuring->stage,
                                         .space = space,
                                         .isa = isa_limit_of(card),
                                         .batch = view->batch,
                                         .threads = view->threads,
                                         .rounds = or_default(rounds, LEAST_ROUNDS),
                                         .image_count = FNAS_MEASURE_IMAGES};
    fnas_status status = fnas_runtime_find(context, view->runtime, &measuring->plan.runtime);
    if (status == FNAS_OK) status = fnas_precision_find(context, view->precision, &measuring->plan.precision);
    if (status != FNAS_OK)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "device %s: runtime %s %s is none of this machine", view->name, view->runtime,
                         view->precision);
    FNAS_TRY(fnas_measurement_vocabulary(context, space, card, &measuring->plan.vocabulary));
    if (measuring->plan.vocabulary) measuring->plan.image_count = 0;
    status = check_setting(context, &measuring->plan);
    return status == FNAS_OK ? FNAS_OK : fnas_fail_prefix(context, status, "device %s", view->name);
}

fnas_status fnas_device_check_here(fnas_context *context, const fnas_space *space, const fnas_card *card) {
    fnas_measurement measuring = {.context = context};
    return fnas_measurement_of_card(context, space, card, 0, &measuring);
}

static fnas_status remeasure(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t count, const int32_t *choices,
                             int64_t rounds, fnas_measurement *measuring, double *latency_ms) {
    FNAS_TRY(fnas_measurement_of_card(context, space, card, rounds, measuring));
    FNAS_TRY(check_range(context, "the number of architectures", count, 0, MOST_ARCHS));
    if (count == 0) return FNAS_OK;
    FNAS_TRY(load_images(measuring, NULL));
    measuring->plan.images = measuring->images;
    measuring->plan.count = count;
    measuring->plan.choices = choices;
    measuring->plan.drift_choices = card->view.reference_choices + (card->view.reference_count - 1) * card->view.decision_count;
    FNAS_TRY(fnas_timing_run(context, &measuring->plan, &measuring->result));
    FNAS_TRY(fnas_measurement_check_drift(measuring));
    for (int64_t i = 0; i < count; i++) latency_ms[i] = fnas_measurement_latency(measuring, i);
    return FNAS_OK;
}

fnas_status fnas_device_remeasure(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t count,
                                  const int32_t *choices, int64_t rounds, double *latency_ms) {
    fnas_measurement measuring = {.context = context};
    fnas_status status = remeasure(context, space, card, count, choices, rounds, &measuring, latency_ms);
    fnas_measurement_release(&measuring);
    return status;
}
