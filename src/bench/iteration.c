/* One iteration of the search as the paper runs it: the hypernetwork's update, judged by the supernet, then the supernet's. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "bench/cells.h"
#include "bench/drill.h"
#include "bench/families.h"
#include "bench/measure.h"
#include "bench/operator.h"
#include "bench/pass.h"

#define DEVICES_MOST 64
#define PREFERENCES_MOST 64
#define DRAWN_DEVICES 13 /* as many as bench/cells-13.txt has cells */
#define SPACE "nb201"

static bool is_drawn(const fnas_problem *problem) {
    return fnas_problem_is(problem, "cells", "drawn");
}

/* ---- the cells ---- */

static fnas_status read_cells(fnas_context *context, const fnas_problem *problem, fnas_cells *cells) {
    fnas_space *space;
    if (is_drawn(problem)) return FNAS_OK;
    FNAS_TRY(fnas_space_open(context, SPACE, &space));
    fnas_status status = fnas_cells_read(context, fnas_problem_word(problem, "cells"), space, cells);
    fnas_space_close(space);
    return status;
}

static int64_t device_count(const fnas_problem *problem, int64_t cells) {
    if (!fnas_problem_is(problem, "devices", "cells")) return fnas_problem_count(problem, "devices");
    return is_drawn(problem) ? DRAWN_DEVICES : cells / fnas_problem_count(problem, "preferences");
}

static fnas_status check_counts(fnas_context *context, const fnas_problem *problem, int64_t cells) {
    bool shared = fnas_problem_is(problem, "batch", "shared");
    int64_t preferences = fnas_problem_count(problem, "preferences"), images = fnas_problem_count(problem, "images");
    int64_t devices = device_count(problem, cells), paths = devices * preferences;
    if (!is_drawn(problem) && paths != cells)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "problem iteration: %s holds %lld cells, one a path, which cannot be %lld devices with %lld preferences each",
                         fnas_problem_word(problem, "cells"), (long long)cells, (long long)devices, (long long)preferences);
    if (devices > DEVICES_MOST) return fnas_fail(context, FNAS_ERR_INPUT, "problem iteration: at most %d devices", DEVICES_MOST);
    if (images >= (shared ? 2 * paths : 2)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "problem iteration: images=%lld leave fewer than two for each of %lld paths: use at least %lld", (long long)images,
                     (long long)paths, (long long)(2 * paths));
}

static fnas_status iteration_check(fnas_context *context, const fnas_problem *problem) {
    FNAS_TRY(fnas_problem_check_type(context, problem));
    fnas_cells cells = {0};
    fnas_status status = read_cells(context, problem, &cells);
    if (status == FNAS_OK) status = check_counts(context, problem, cells.count);
    fnas_cells_free(&cells);
    return status;
}

static fnas_drill_setup iteration_setup(const fnas_bench *bench, const fnas_problem *problem, const fnas_cells *cells) {
    fnas_drill_setup setup = {.devices = device_count(problem, cells->count),
                              .preferences = fnas_problem_count(problem, "preferences"),
                              .channels = fnas_problem_count(problem, "channels"),
                              .cells = fnas_problem_count(problem, "depth"),
                              .images = fnas_problem_count(problem, "images"),
                              .shared = fnas_problem_is(problem, "batch", "shared"),
                              .supernet = true,
                              .type = fnas_problem_type(problem),
                              .cells_given = cells->choices,
                              .seed = bench->options->seed};
    return setup;
}

/* ---- checking: one pass of each distinct cell ---- */

static fnas_status check_cell(fnas_context *context, const fnas_drill_setup *setup, const char *cell, double *error) {
    fnas_pass_setup pass = {.cell = cell,
                            .images = setup->images,
                            .channels = setup->channels,
                            .cells = setup->cells,
                            .weights = true,
                            .gates = true,
                            .type = setup->type,
                            .seed = setup->seed};
    double one;
    FNAS_TRY(fnas_pass_check(context, &pass, &one));
    *error = fmax(*error, one);
    return FNAS_OK;
}

static fnas_status check_each(fnas_context *context, const fnas_drill_setup *setup, const fnas_space *space, const fnas_cells *cells,
                              double *error) {
    char text[FNAS_ARCH_TEXT_BYTES];
    for (int64_t i = 0; i < cells->distinct.count; i++) {
        FNAS_TRY(fnas_space_format(context, space, fnas_arch_set_at(&cells->distinct, i), text, sizeof text));
        FNAS_TRY(check_cell(context, setup, text, error));
    }
    return FNAS_OK;
}

static fnas_status check_cells(fnas_context *context, const fnas_drill_setup *setup, const fnas_cells *cells, double *error) {
    fnas_space *space;
    *error = 0;
    if (!cells->count) return check_cell(context, setup, "mixed", error);
    FNAS_TRY(fnas_space_open(context, SPACE, &space));
    fnas_status status = check_each(context, setup, space, cells, error);
    fnas_space_close(space);
    return status;
}

/* ---- timing ---- */

static fnas_status run_again(fnas_context *context, void *user) {
    FNAS_TRY(fnas_drill_hypernet(context, user));
    return fnas_drill_weights(context, user);
}

/* Of what is computed in both updates: paths with equal cells and images are, once. Given cells: drawn ones are others each time. */
static fnas_status count_given(fnas_context *context, const fnas_drill *drill, fnas_row *row) {
    const fnas_searcher *searcher = &drill->searcher;
    const fnas_paths *paths = &searcher->paths;
    for (int64_t j = 0; j < searcher->jobs.count; j++) {
        int64_t path = searcher->jobs.jobs[j].path;
        fnas_net *net;
        FNAS_TRY(fnas_space_record(context, drill->run->supernet, paths->choices + path * searcher->decisions, &net));
        row->flops += (double)paths->examples[path] * (fnas_net_flops(net, true, false) + fnas_net_flops(net, false, true));
        fnas_net_destroy(net);
    }
    fnas_row_figure_add(row, "distinct_paths", (double)(2 * searcher->jobs.count));
    return FNAS_OK;
}

static fnas_status iteration_time(fnas_bench *bench, fnas_drill *drill, fnas_row *row) {
    const fnas_paths *paths = &drill->searcher.paths;
    double images = 0;
    row->threads = drill->searcher.worker_count;
    FNAS_TRY(fnas_measure(bench, run_again, drill, row));
    for (int64_t p = 0; p < paths->count; p++) images += 2 * (double)paths->examples[p];
    fnas_row_figure_add(row, "paths", (double)(2 * paths->count));
    if (drill->setup.cells_given) FNAS_TRY(count_given(bench->context, drill, row));
    fnas_row_figure_add(row, "images", images);
    fnas_row_figure_add(row, "images_per_s", images / fnas_row_ms(row) * 1e3);
    return FNAS_OK;
}

static fnas_status iteration_measure(fnas_bench *bench, const fnas_problem *problem, const fnas_cells *cells, fnas_row *row) {
    fnas_drill drill = {0};
    fnas_drill_setup setup = iteration_setup(bench, problem, cells);
    row->precision = fnas_compute_type_name(setup.type);
    FNAS_TRY(check_cells(bench->context, &setup, cells, &row->error));
    double before_mb = fnas_memory_begin();
    fnas_status status = fnas_drill_create(bench->context, &setup, &drill);
    if (status == FNAS_OK) status = iteration_time(bench, &drill, row);
    fnas_row_figure_add(row, "peak_memory_mb", fnas_memory_peak_mb());
    fnas_row_figure_add(row, "memory_mb", fnas_memory_peak_mb() - before_mb);
    fnas_drill_free(&drill);
    return status;
}

static fnas_status iteration_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_cells cells = {0};
    fnas_row row;
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = read_cells(bench->context, problem, &cells);
    if (status == FNAS_OK) status = iteration_measure(bench, problem, &cells, &row);
    fnas_cells_free(&cells);
    return fnas_bench_end(bench, status, &row);
}

static const fnas_problem_key iteration_keys[] = {
    {"cells", FNAS_KEY_TEXT, "drawn", 0, 0, "drawn|FILE",
     "as the hypernetwork draws; or one a path, a native string a line, some perhaps again"},
    {"devices", FNAS_KEY_COUNT, "cells", 1, DEVICES_MOST, "cells",
     "made-up devices; cells: as many as the file has cells for, 13 where cells are drawn"},
    {"preferences", FNAS_KEY_COUNT, "1", 1, PREFERENCES_MOST, NULL, "a device: paths"},
    {"images", FNAS_KEY_COUNT, "256", 2, 4096, NULL, "of each of the two updates"},
    {"batch", FNAS_KEY_CHOICE, "full", 0, 0, "full|shared", "each path sees all images, or they are shared out"},
    FNAS_PRECISIONS_KEY,
    {"channels", FNAS_KEY_COUNT, "16", 1, 256, NULL, "of the supernet's first stage"},
    {"depth", FNAS_KEY_COUNT, "5", 1, 32, NULL, "cells a stage of the supernet"},
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_iteration = {
    .name = "iteration",
    .summary =
        "an iteration as the paper runs it: a hypernetwork gradient of each device through the supernet, min-norm point, Adam; a pass "
        "of each path for the weights, SGD",
    .keys = iteration_keys,
    .check = iteration_check,
    .run = iteration_run,
};
