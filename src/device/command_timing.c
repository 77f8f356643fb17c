#include "device/command_timing.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/temporary.h"
#include "device/command_export.h"
#include "device/samples.h"
#include "space/space.h"

#define NAME_BYTES 24
#define SETTING_BYTES 160

typedef struct command_timer {
    fnas_context *context;
    const fnas_timing_plan *plan;
    const fnas_command_setting *setting;
    fnas_timing_result *result;
    fnas_command_facts *facts;
    fnas_samples *samples;
    fnas_command *command;
    fnas_temporary folder;
    int64_t *order;
    double *drift; /* [drift_count] in the order of time */
    size_t drift_count, drift_capacity;
    int64_t done; /* units of progress */
    double begun_ms;
} command_timer;

/* ---- what makes two measurements the same ---- */

static uint32_t checksum(const void *bytes, size_t size) {
    return size ? (uint32_t)crc32_z(0, bytes, size) : 0;
}

static fnas_status open_samples(command_timer *timer, const char *path, const char *image_source) {
    const fnas_timing_plan *plan = timer->plan;
    const fnas_command_setting *setting = timer->setting;
    char batch[24], threads[24], seed[24], archs[SETTING_BYTES], images[SETTING_BYTES + 128];
    size_t decisions = (size_t)fnas_space_decision_count(plan->space),
           floats = (size_t)(plan->space->image[0] * plan->space->image[1] * plan->space->image[2]);
    snprintf(batch, sizeof batch, "%" PRId64, plan->batch);
    snprintf(threads, sizeof threads, "%" PRId64, plan->threads);
    snprintf(seed, sizeof seed, "%" PRIu64, plan->seed);
    snprintf(archs, sizeof archs, "%" PRId64 " (checksum %08x)", plan->count,
             checksum(plan->choices, (size_t)plan->count * decisions * sizeof *plan->choices));
    if (plan->vocabulary)
        snprintf(images, sizeof images, "none, but sentences of %" PRId64 " words", plan->vocabulary);
    else
        snprintf(images, sizeof images, "%s (checksum %08x)", image_source,
                 checksum(plan->images, (size_t)plan->image_count * floats * sizeof *plan->images));
    fnas_samples_setting settings[] = {{"space", fnas_space_spec(plan->space)},
                                       {"command", setting->command},
                                       {"answer", setting->field ? setting->field : ""},
                                       {"way", setting->serve ? "serve" : "once"},
                                       {"energy", setting->with_energy ? "yes" : "no"},
                                       {"precision", setting->precision},
                                       {"batch", batch},
                                       {"threads", threads},
                                       {"seed", seed},
                                       {"architectures", archs},
                                       {"images", images}};
    return fnas_samples_open(timer->context, path, (int64_t)(sizeof settings / sizeof *settings), settings, &timer->samples);
}

/* The program says with each answer what it is; another one would make two devices of one card. */
static fnas_status hold_facts(command_timer *timer, const fnas_answer *answer) {
    FNAS_TRY(fnas_samples_hold(timer->context, timer->samples, "runtime", answer->runtime));
    FNAS_TRY(fnas_samples_hold(timer->context, timer->samples, "runtime version", answer->runtime_version));
    FNAS_TRY(fnas_samples_hold(timer->context, timer->samples, "processor", answer->processor));
    return fnas_samples_hold(timer->context, timer->samples, "isa", answer->isa);
}

static fnas_status read_facts(command_timer *timer) {
    fnas_answer *device = &timer->facts->device;
    FNAS_TRY(fnas_samples_held(timer->context, timer->samples, "runtime", device->runtime, sizeof device->runtime));
    FNAS_TRY(fnas_samples_held(timer->context, timer->samples, "runtime version", device->runtime_version, sizeof device->runtime_version));
    FNAS_TRY(fnas_samples_held(timer->context, timer->samples, "processor", device->processor, sizeof device->processor));
    return fnas_samples_held(timer->context, timer->samples, "isa", device->isa, sizeof device->isa);
}

/* ---- samples ---- */

static void advance(command_timer *timer, int64_t units) {
    timer->done += units;
    fnas_progress progress = {timer->plan->stage, timer->done, timer->plan->count * (timer->plan->rounds + 1),
                              (fnas_wall_ms() - timer->begun_ms) / 1000, ""};
    fnas_report_progress(timer->context, &progress);
}

static fnas_status ask(command_timer *timer, int64_t arch, fnas_sample *sample) {
    const fnas_timing_plan *plan = timer->plan;
    const int32_t *choices = arch < 0 ? plan->drift_choices : plan->choices + arch * fnas_space_decision_count(plan->space);
    char name[NAME_BYTES] = FNAS_COMMAND_DRIFT, text[FNAS_ARCH_TEXT_BYTES], images[FNAS_COMMAND_IMAGES_BYTES];
    int64_t size[3];
    fnas_answer answer;
    if (arch >= 0) snprintf(name, sizeof name, "%" PRId64, arch);
    FNAS_TRY(fnas_space_format(timer->context, plan->space, choices, text, sizeof text));
    fnas_space_image_of(plan->space, choices, size);
    fnas_command_images_name(plan->space, size, images);
    fnas_status status = fnas_command_sample(timer->context, timer->command, name, images, text, &answer, &sample->difference);
    if (status == FNAS_INTERRUPTED) return status;
    if (status != FNAS_OK) return fnas_fail_prefix(timer->context, status, "%s: %s", plan->stage, text);
    sample->arch = arch;
    sample->ms = answer.ms;
    sample->energy_mj = answer.energy_mj;
    status = hold_facts(timer, &answer);
    if (status == FNAS_ERR_INPUT) timer->facts->samples_kept = false; /* they are of another program */
    return status;
}

/* From the file where it is there, else from the program. */
static fnas_status take_sample(command_timer *timer, fnas_samples_turn turn, int64_t arch, fnas_sample *sample) {
    bool found;
    FNAS_TRY(fnas_samples_find(timer->context, timer->samples, turn, &found, sample));
    if (found && (sample->arch != arch || !(sample->ms > 0))) {
        timer->facts->samples_kept = false;
        return fnas_fail(timer->context, FNAS_ERR_INPUT, "%s: the file of samples was changed: begin anew (--anew)", timer->plan->stage);
    }
    if (!found) {
        FNAS_TRY(ask(timer, arch, sample));
        FNAS_TRY(fnas_samples_add(timer->context, timer->samples, turn, sample));
    }
    timer->facts->samples_kept = true;
    if (timer->facts->checks_logits) timer->facts->largest_difference = fmax(timer->facts->largest_difference, sample->difference);
    return FNAS_OK;
}

static fnas_status take_drift(command_timer *timer, fnas_samples_turn turn) {
    fnas_sample sample;
    FNAS_TRY(take_sample(timer, turn, -1, &sample));
    void *drift = timer->drift;
    bool grown = fnas_grow(&drift, &timer->drift_capacity, timer->drift_count + 1, sizeof *timer->drift);
    timer->drift = drift;
    if (!grown) return fnas_fail_memory(timer->context, timer->plan->stage);
    timer->drift[timer->drift_count++] = sample.ms;
    return FNAS_OK;
}

static fnas_status take_round(command_timer *timer, int64_t first, int64_t count, int64_t round) {
    fnas_timing_result *result = timer->result;
    fnas_random random = fnas_random_begin(timer->plan->seed, FNAS_STREAM_MEASURE, 2 + round, first);
    fnas_samples_turn turn = {first, round, 0};
    fnas_random_permutation(&random, count, timer->order);
    for (int64_t i = 0; i < count; i++, turn.turn++) {
        int64_t arch = first + timer->order[i], at = arch * result->rounds + round;
        fnas_sample sample;
        if (i % FNAS_COMMAND_DRIFT_EVERY == 0) {
            FNAS_TRY(take_drift(timer, turn));
            turn.turn++;
        }
        FNAS_TRY(take_sample(timer, turn, arch, &sample));
        result->cpu_ms[at] = result->wall_ms[at] = sample.ms;
        if (result->energy_mj) result->energy_mj[at] = sample.energy_mj;
        advance(timer, 1);
    }
    return FNAS_OK;
}

/* ---- the whole ---- */

static fnas_status take_part(command_timer *timer, int64_t first, int64_t *count) {
    fnas_temporary_empty(&timer->folder);
    *count = timer->plan->count - first;
    if (fnas_command_wants_files(timer->command))
        FNAS_TRY(fnas_command_export(timer->context, timer->plan, timer->folder.path, first, count));
    advance(timer, *count);
    for (int64_t round = 0; round < timer->plan->rounds; round++) FNAS_TRY(take_round(timer, first, *count, round));
    return FNAS_OK;
}

static fnas_status take_all(command_timer *timer) {
    for (int64_t first = 0, count = 0; first < timer->plan->count; first += count) FNAS_TRY(take_part(timer, first, &count));
    timer->result->drift = fnas_timing_drift(timer->plan->threads, (int64_t)timer->drift_count, timer->drift, timer->drift);
    return read_facts(timer);
}

static fnas_status begin(command_timer *timer, const char *samples_path, const char *image_source) {
    const fnas_timing_plan *plan = timer->plan;
    timer->order = fnas_allocate((size_t)plan->count, sizeof *timer->order);
    if (!timer->order) return fnas_fail_memory(timer->context, plan->stage);
    FNAS_TRY(fnas_timing_result_allocate(timer->context, plan, timer->setting->with_energy, timer->result));
    FNAS_TRY(fnas_temporary_create(timer->context, &timer->folder));
    FNAS_TRY(fnas_command_create(timer->context, timer->setting, timer->folder.path, &timer->command));
    timer->facts->checks_logits = fnas_command_checks_logits(timer->command);
    return open_samples(timer, samples_path, image_source);
}

fnas_status fnas_command_timing_run(fnas_context *context, const fnas_timing_plan *plan, const fnas_command_setting *setting,
                                    const char *samples_path, const char *image_source, fnas_timing_result *result,
                                    fnas_command_facts *facts) {
    command_timer timer = {
        .context = context, .plan = plan, .setting = setting, .result = result, .facts = facts, .begun_ms = fnas_wall_ms()};
    *facts = (fnas_command_facts){.largest_difference = NAN};
    memset(result, 0, sizeof *result);
    fnas_status status = begin(&timer, samples_path, image_source);
    if (status == FNAS_OK) status = take_all(&timer);
    /* The message of what went wrong is kept: closing may fail for the same reason. */
    fnas_status closed = fnas_samples_close(status == FNAS_OK ? context : NULL, timer.samples);
    fnas_command_destroy(timer.command);
    fnas_temporary_remove(&timer.folder);
    fnas_free(timer.order);
    fnas_free(timer.drift);
    return status == FNAS_OK ? closed : status;
}
