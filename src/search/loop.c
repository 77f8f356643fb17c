/* The search from its first step to its last: checkpoints, metrics, progress, interruption. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "compute/engine.h"
#include "search/length.h"
#include "search/run/log.h"
#include "search/run/metrics.h"
#include "search/searcher.h"

/* ---- length by time ---- */

#define REHEARSAL_FRACTION 0.01 /* of the minutes, for each part of a step */

/* With --minutes the number of steps is decided once, before the first, and kept in the checkpoint: a resumed search follows the same
 * schedules. begin_ms: when the search began, to count what it took to get here. */
static fnas_status decide_length(fnas_context *context, fnas_searcher *searcher, double begin_ms) {
    const fnas_search_config *config = searcher->config;
    fnas_step_costs costs;
    FNAS_TRY(fnas_length_rehearse(context, searcher, REHEARSAL_FRACTION * config->minutes * 60e3, &costs));
    searcher->state->total_steps = fnas_length_steps(config, &costs, fnas_wall_ms() - begin_ms);
    return FNAS_OK;
}

/* ---- progress ---- */

static void append_values_alone(fnas_text *text, const fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    for (int64_t m = 0; m < config->objective_count; m++)
        fnas_text_append(text, "%s%s %.4g", m ? ", " : "", fnas_objective_name(config->objectives[m]), searcher->step_objectives[m]);
}

/* In the step that has just been done: at first, or wherever all paths are. */
static bool largest_is_alone(const fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    return config->largest_paths == config->paths ||
           searcher->state->step <= fnas_schedule_largest_first_end(config, searcher->state->total_steps);
}

/* Of the warm-up: whether the supernet is in a phase that has a name, or its largest network alone. */
static void append_phase(fnas_text *text, const fnas_searcher *searcher) {
    if (largest_is_alone(searcher)) fnas_text_append(text, ", the largest network alone");
    int64_t phase = fnas_schedule_phase(searcher->config, searcher->state->step - 1, searcher->state->total_steps);
    if (phase != FNAS_SPACE_ALL_OPEN) fnas_text_append(text, ", phase %s", fnas_space_phase_name(searcher->run->space, phase));
}

static void append_weights(fnas_text *text, const fnas_searcher *searcher) {
    if (searcher->trains_weights)
        fnas_text_append(text, "train loss %.3f, accuracy %.1f %%", searcher->step_cross_entropy, searcher->step_correct_pct);
    else
        fnas_text_append(text, "supernet frozen");
    if (searcher->stage != FNAS_STAGE_WARM_UP) return;
    fnas_text_append(text, " (warm-up: supernet only");
    append_phase(text, searcher);
    fnas_text_append(text, ")");
}

static void append_values(fnas_text *text, const fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    append_weights(text, searcher);
    if (searcher->stage == FNAS_STAGE_CONSOLIDATE)
        fnas_text_append(text, " (consolidation: supernet only, %s)",
                         largest_is_alone(searcher) ? "the largest network alone" : "on what the hypernetwork draws");
    for (int64_t m = 0; fnas_stage_searches(searcher->stage) && m < config->objective_count; m++) {
        bool error = config->objectives[m] == FNAS_OBJECTIVE_ERROR;
        fnas_text_append(text, ", %s %.4g", error ? "search loss" : fnas_objective_name(config->objectives[m]),
                         searcher->step_objectives[m]);
    }
}

/* begin: examples run before begin_ms. */
static void report(fnas_context *context, const fnas_searcher *searcher, double begin_ms, int64_t begin) {
    double elapsed_s = (fnas_wall_ms() - begin_ms) / 1e3;
    fnas_text text = {0};
    if (fnas_search_has_supernet(searcher->config)) {
        append_values(&text, searcher);
        double examples = (double)(searcher->examples_run - begin);
        fnas_text_append(&text, ", %.0f %s/s", elapsed_s > 0 ? examples / elapsed_s : 0,
                         fnas_search_translates(searcher->config) ? "words" : "images");
    } else {
        append_values_alone(&text, searcher);
    }
    fnas_progress progress = {.stage = "search",
                              .done = searcher->state->step,
                              .total = searcher->state->total_steps,
                              .elapsed_s = elapsed_s,
                              .text = text.data ? text.data : ""};
    fnas_report_progress(context, &progress);
    fnas_text_free(&text);
}

/* ---- steps ---- */

static fnas_status save(fnas_context *context, fnas_searcher *searcher, fnas_metrics *metrics) {
    FNAS_TRY(fnas_metrics_sync(context, metrics));
    char *path = fnas_run_file(searcher->run, "checkpoint.safetensors");
    fnas_status status = path ? fnas_search_state_save(context, searcher->config, searcher->state, path)
                              : fnas_fail_memory(context, "a path");
    fnas_free(path);
    return status;
}

static fnas_status take_steps(fnas_context *context, fnas_searcher *searcher, fnas_metrics *metrics) {
    fnas_search_state *state = searcher->state;
    const fnas_search_config *config = searcher->config;
    double begin_ms = fnas_wall_ms();
    int64_t begin = searcher->examples_run; /* what the rehearsal has run */
    while (state->step < state->total_steps) {
        FNAS_TRY(fnas_search_step(context, searcher));
        FNAS_TRY(fnas_metrics_append(context, metrics, searcher));
        bool stop = fnas_context_stop_requested(context);
        if (stop || state->step % config->checkpoint_steps == 0 || state->step == state->total_steps)
            FNAS_TRY(save(context, searcher, metrics));
        report(context, searcher, begin_ms, begin);
        if (stop && state->step < state->total_steps) {
            return fnas_fail(context, FNAS_INTERRUPTED, "stopped after step %lld of %lld; go on with `fleetnas resume %s`",
                             (long long)state->step, (long long)state->total_steps, searcher->run->path);
        }
    }
    return FNAS_OK;
}

static void log_event(fnas_context *context, const fnas_run *run, const char *event, const char *detail) {
    if (fnas_run_log_event(context, run->path, event, detail) != FNAS_OK) {
        fnas_log(context, FNAS_LOG_WARNING, "the log could not be written: %s", fnas_context_message(context));
    }
}

/* ---- the same bits need the same library and instructions ---- */

static fnas_status compare_backend(fnas_context *context, const fnas_run *run, const char *now) {
    char *before = NULL;
    FNAS_TRY(fnas_run_log_get(context, run->path, "backend", &before));
    bool known = before != NULL, same = known && strcmp(before, now) == 0;
    if (known && !same) {
        fnas_log(context, FNAS_LOG_WARNING,
                 "this run was begun with %s and goes on with %s: its bits will differ from those of a search in one go", before, now);
    }
    fnas_free(before);
    return known ? FNAS_OK : fnas_run_log_set(context, run->path, "backend", now);
}

static void note_backend(fnas_context *context, const fnas_run *run) {
    char now[128];
    snprintf(now, sizeof now, "%s, %s", fnas_backend_version(), fnas_backend_isa());
    if (compare_backend(context, run, now) != FNAS_OK) {
        fnas_log(context, FNAS_LOG_WARNING, "the log could not be written: %s", fnas_context_message(context));
    }
}

/* ---- the whole ---- */

static fnas_status search(fnas_context *context, fnas_run *run, const fnas_examples *examples) {
    double begin_ms = fnas_wall_ms();
    FNAS_TRY(fnas_run_prepare(context, run));
    if (run->state.total_steps > 0 && run->state.step >= run->state.total_steps) {
        fnas_log(context, FNAS_LOG_INFO, "%s: the search is already at its end (%lld steps)", run->path, (long long)run->state.step);
        return FNAS_OK;
    }
    fnas_searcher searcher = {0};
    fnas_metrics metrics = {0};
    fnas_status status = fnas_searcher_create(context, run, examples, &searcher);
    if (status == FNAS_OK && run->is_new) status = fnas_run_write(context, run);
    if (status == FNAS_OK) status = fnas_metrics_open(context, run, &metrics);
    if (status == FNAS_OK) {
        char detail[128];
        snprintf(detail, sizeof detail, "from step %lld, %lld threads", (long long)run->state.step,
                 (long long)fnas_context_threads(context));
        log_event(context, run, "search", detail);
        note_backend(context, run);
        if (run->state.total_steps == 0) status = decide_length(context, &searcher, begin_ms);
        if (status == FNAS_OK) status = take_steps(context, &searcher, &metrics);
    }
    fnas_metrics_close(&metrics);
    fnas_searcher_free(&searcher);
    if (status == FNAS_OK) log_event(context, run, "finished", "");
    return status;
}

#define DRY_RUN_PART_MS 10e3 /* of each part of a step, at most about this long */

static fnas_status rehearse(fnas_context *context, fnas_run *run, const fnas_examples *examples) {
    double begin_ms = fnas_wall_ms();
    FNAS_TRY(fnas_run_prepare(context, run));
    const fnas_search_config *config = &run->config;
    double prepared_ms = fnas_wall_ms() - begin_ms;
    fnas_searcher searcher = {0};
    fnas_step_costs costs = {0};
    fnas_status status = fnas_searcher_create(context, run, examples, &searcher);
    if (status == FNAS_OK) status = fnas_length_rehearse(context, &searcher, DRY_RUN_PART_MS, &costs);
    fnas_searcher_free(&searcher);
    FNAS_TRY(status);
    if (fnas_context_stop_requested(context)) return fnas_fail(context, FNAS_INTERRUPTED, "dry run: stopped; nothing was written");
    double step_ms = fnas_length_step_ms(config, &costs);
    if (config->minutes > 0)
        fnas_log(context, FNAS_LOG_INFO, "dry run: %.0f ms a step; %g minutes are about %lld steps; nothing was written", step_ms,
                 config->minutes, (long long)fnas_length_steps(config, &costs, prepared_ms));
    else
        fnas_log(context, FNAS_LOG_INFO, "dry run: %.0f ms a step; %lld steps take about %.2g minutes; nothing was written", step_ms,
                 (long long)config->steps, (prepared_ms + step_ms * (double)config->steps) / 60e3);
    return FNAS_OK;
}

/* The data may have moved since: where they lie now is kept for later commands, which do not say. */
static void keep_data(fnas_context *context, const fnas_run *run, const fnas_examples *examples) {
    if (fnas_run_log_set(context, run->path, "data", fnas_examples_spec(examples)) != FNAS_OK) {
        fnas_log(context, FNAS_LOG_WARNING, "the log could not be written: %s", fnas_context_message(context));
    }
}

fnas_status fnas_search_run(fnas_context *context, const fnas_search_options *options) {
    fnas_run *run = NULL;
    fnas_examples examples = {0};
    FNAS_TRY(fnas_run_create(context, options, &run));
    fnas_status status = fnas_search_has_supernet(&run->config) ? fnas_run_take_data(context, run, &examples) : FNAS_OK;
    if (status == FNAS_OK) status = options->dry_run ? rehearse(context, run, &examples) : search(context, run, &examples);
    fnas_examples_close(&examples);
    fnas_run_close(run);
    return status;
}

fnas_status fnas_search_resume(fnas_context *context, const char *path, const char *data) {
    fnas_run *run = NULL;
    fnas_examples examples = {0};
    FNAS_TRY(fnas_run_open_folder(context, path, &run));
    fnas_status status = FNAS_OK;
    if (fnas_search_has_supernet(&run->config))
        status = fnas_run_open_data(context, run, data, &examples);
    else if (data)
        status = fnas_fail(context, FNAS_ERR_USAGE, "%s: this run has its errors from a table and needs no data: leave out --data", path);
    if (status == FNAS_OK && data) keep_data(context, run, &examples);
    if (status == FNAS_OK) status = search(context, run, &examples);
    fnas_examples_close(&examples);
    fnas_run_close(run);
    return status;
}
