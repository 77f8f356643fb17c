#include "search/run/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* Without a supernet there are no losses of its training, and the scale of the error is fixed. */
static void append_header_alone(fnas_text *text, const fnas_search_config *config) {
    fnas_text_append(text, "step");
    for (int64_t m = 0; m < config->objective_count; m++) fnas_text_append(text, ",search_%s", fnas_objective_name(config->objectives[m]));
    fnas_text_append(text, ",direction_norm\n");
}

static void append_header(fnas_text *text, const fnas_search_config *config) {
    if (!fnas_search_has_supernet(config)) {
        append_header_alone(text, config);
        return;
    }
    fnas_text_append(text, "step,train_cross_entropy,train_accuracy_pct,weight_gradient_norm");
    for (int64_t m = 0; m < config->objective_count; m++) {
        const char *name = config->objectives[m] == FNAS_OBJECTIVE_ERROR ? "cross_entropy" : fnas_objective_name(config->objectives[m]);
        fnas_text_append(text, ",search_%s", name);
    }
    fnas_text_append(text, ",direction_norm,error_range_low,error_range_high\n");
}

/* ---- what a resumed search keeps ---- */

#define GAPS_NAMED 8

/* Steps without a row, for a warning. */
typedef struct missing_steps {
    int64_t count, gaps;
    fnas_text ranges; /* "3-5, 9, ..." */
} missing_steps;

static void add_gap(missing_steps *missing, int64_t first, int64_t last) {
    if (first > last) return;
    missing->count += last - first + 1;
    missing->gaps++;
    const char *separator = missing->gaps > 1 ? ", " : "";
    if (missing->gaps > GAPS_NAMED + 1) return;
    if (missing->gaps == GAPS_NAMED + 1)
        fnas_text_append(&missing->ranges, ", ...");
    else if (first == last)
        fnas_text_append(&missing->ranges, "%s%lld", separator, (long long)first);
    else
        fnas_text_append(&missing->ranges, "%s%lld-%lld", separator, (long long)first, (long long)last);
}

/* The step of a row; 0 when the line is none. */
static int64_t step_of(const char *line) {
    char *end;
    int64_t step = strtoll(line, &end, 10);
    return end != line && *end == ',' ? step : 0;
}

/* The header and the rows of steps 1..step that are whole lines, in order. */
static void keep_rows(fnas_text *kept, const fnas_search_config *config, const char *data, int64_t step, missing_steps *missing) {
    append_header(kept, config);
    int64_t last = 0;
    const char *line = data ? strchr(data, '\n') : NULL;
    for (const char *end; line && (end = strchr(line + 1, '\n')); line = end) {
        int64_t row = step_of(line + 1);
        if (row <= last || row > step) continue;
        add_gap(missing, last + 1, row - 1);
        fnas_text_append_bytes(kept, line + 1, (size_t)(end - line));
        last = row;
    }
    add_gap(missing, last + 1, step);
}

static fnas_status rewrite(fnas_context *context, const fnas_run *run, const char *path, const char *data) {
    fnas_text kept = {0};
    missing_steps missing = {0};
    keep_rows(&kept, &run->config, data, run->state.step, &missing);
    fnas_status status = kept.failed ? fnas_fail_memory(context, "metrics") : fnas_file_write_atomic(context, path, kept.data, kept.size);
    if (status == FNAS_OK && missing.count > 0) {
        fnas_log(context, FNAS_LOG_WARNING,
                 "%s: %lld of the %lld rows before the checkpoint are missing (steps %s): the search goes on without", path,
                 (long long)missing.count, (long long)run->state.step, missing.ranges.data ? missing.ranges.data : "");
    }
    fnas_text_free(&missing.ranges);
    fnas_text_free(&kept);
    return status;
}

fnas_status fnas_metrics_open(fnas_context *context, const fnas_run *run, fnas_metrics *metrics) {
    *metrics = (fnas_metrics){.path = fnas_run_file(run, "metrics.csv")};
    if (!metrics->path) return fnas_fail_memory(context, "a path");
    unsigned char *data = NULL;
    size_t size = 0;
    if (fnas_file_exists(metrics->path)) FNAS_TRY(fnas_file_read(context, metrics->path, (size_t)1 << 32, &data, &size));
    fnas_status status = rewrite(context, run, metrics->path, (const char *)data);
    fnas_free(data);
    FNAS_TRY(status);
    metrics->file = fopen(metrics->path, "ab");
    return metrics->file ? FNAS_OK : fnas_fail_errno(context, metrics->path, "open");
}

/* ---- writing ---- */

static void append_row_alone(fnas_text *row, const fnas_searcher *searcher) {
    int64_t count = searcher->config->objective_count;
    fnas_text_append(row, "%lld", (long long)searcher->state->step);
    for (int64_t m = 0; m <= count; m++) {
        fnas_text_append(row, ",");
        fnas_text_append_number(row, m < count ? searcher->step_objectives[m] : searcher->step_norm);
    }
    fnas_text_append(row, "\n");
}

static void append_row(fnas_text *row, const fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    const fnas_search_state *state = searcher->state;
    bool searching = fnas_stage_searches(searcher->stage);
    fnas_text_append(row, "%lld", (long long)state->step);
    double numbers[3] = {searcher->step_cross_entropy, searcher->step_correct_pct, searcher->weight_gradient_norm};
    for (int i = 0; i < 3; i++) {
        fnas_text_append(row, ",");
        if (searcher->trains_weights) fnas_text_append_number(row, numbers[i]); /* empty cells while it is frozen */
    }
    double rest[3] = {searcher->step_norm, state->error_low, state->error_high};
    for (int64_t m = 0; m < config->objective_count + 3; m++) {
        fnas_text_append(row, ",");
        if (!searching) continue; /* empty cells while only the supernet is trained */
        fnas_text_append_number(row, m < config->objective_count ? searcher->step_objectives[m] : rest[m - config->objective_count]);
    }
    fnas_text_append(row, "\n");
}

fnas_status fnas_metrics_append(fnas_context *context, fnas_metrics *metrics, const fnas_searcher *searcher) {
    fnas_text row = {0};
    if (fnas_search_has_supernet(searcher->config))
        append_row(&row, searcher);
    else
        append_row_alone(&row, searcher);
    bool good = !row.failed && fwrite(row.data, 1, row.size, metrics->file) == row.size;
    fnas_text_free(&row);
    return good ? FNAS_OK : fnas_fail_errno(context, metrics->path, "write");
}

fnas_status fnas_metrics_sync(fnas_context *context, fnas_metrics *metrics) {
    if (fflush(metrics->file) != 0 || fsync(fileno(metrics->file)) != 0) return fnas_fail_errno(context, metrics->path, "write");
    return FNAS_OK;
}

void fnas_metrics_close(fnas_metrics *metrics) {
    if (metrics->file) fclose(metrics->file);
    fnas_free(metrics->path);
    *metrics = (fnas_metrics){0};
}
