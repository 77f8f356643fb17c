/* How time and memory grow with the size of a search: a step at doubling sizes, and the exponent of a line through the points on a
 * logarithmic scale. */
#include "bench/growth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "bench/bench.h"
#include "bench/families.h"
#include "bench/operator.h"

/* Which key of the step's family an axis is, and the sizes that are tried unless others are asked for. */
typedef struct growth_axis {
    const char *name, *key;
    int64_t from, to;
} growth_axis;

static const growth_axis axes[] = {
    {"devices", "devices", 1, 64}, {"preferences", "preferences", 1, 16}, {"channels", "channels", 8, 64},
    {"cells", "depth", 1, 8},      {"images", "images", 32, 512},
};
#define AXES "devices|preferences|channels|cells|images"

static const growth_axis *axis_of(const fnas_problem *problem) {
    const growth_axis *axis = axes;
    while (!fnas_problem_is(problem, "axis", axis->name)) axis++;
    return axis;
}

static int64_t bound_of(const fnas_problem *problem, const char *key, int64_t otherwise) {
    return fnas_problem_is(problem, key, "usual") ? otherwise : fnas_problem_count(problem, key);
}

static bool has_supernet(const fnas_problem *problem) {
    return fnas_problem_is(problem, "of", "iteration");
}

/* ---- the problems that are timed ---- */

/* The value of a key at one size: the size itself where it is the axis. */
static int64_t value_at(const fnas_problem *problem, const char *growth_key, int64_t size) {
    return strcmp(axis_of(problem)->name, growth_key) == 0 ? size : fnas_problem_count(problem, growth_key);
}

static fnas_status problem_at(fnas_context *context, const fnas_problem *problem, int64_t size, fnas_problem *at) {
    char text[256];
    long long devices = (long long)value_at(problem, "devices", size), preferences = (long long)value_at(problem, "preferences", size);
    if (has_supernet(problem))
        snprintf(text, sizeof text, "iteration:cells=drawn,devices=%lld,preferences=%lld,images=%lld,batch=%s,channels=%lld,depth=%lld",
                 devices, preferences, (long long)value_at(problem, "images", size), fnas_problem_word(problem, "batch"),
                 (long long)value_at(problem, "channels", size), (long long)value_at(problem, "cells", size));
    else
        snprintf(text, sizeof text, "step:devices=%lld,preferences=%lld", devices, preferences);
    return fnas_problem_parse(context, fnas_bench_families, text, at);
}

/* Keys that would be ignored: the axis' own, and without a supernet those of one. */
static fnas_status check_unused_keys(fnas_context *context, const fnas_problem *problem, const char *axis) {
    static const char *const of_supernet[] = {"channels", "cells", "images", "batch"};
    if (fnas_problem_given(problem, axis))
        return fnas_fail(context, FNAS_ERR_USAGE, "problem growth: %s is the axis: bound it with from= and to=", axis);
    for (size_t i = 0; i < sizeof of_supernet / sizeof *of_supernet && !has_supernet(problem); i++)
        if (fnas_problem_given(problem, of_supernet[i]))
            return fnas_fail(context, FNAS_ERR_USAGE, "problem growth: a step without a supernet has no %s: leave it out", of_supernet[i]);
    return FNAS_OK;
}

static fnas_status growth_check(fnas_context *context, const fnas_problem *problem) {
    const growth_axis *axis = axis_of(problem);
    int64_t from = bound_of(problem, "from", axis->from), to = bound_of(problem, "to", axis->to);
    fnas_problem at;
    if (to < 2 * from)
        return fnas_fail(context, FNAS_ERR_USAGE, "problem growth: from=%lld to=%lld: to must be at least twice from", (long long)from,
                         (long long)to);
    if (!has_supernet(problem) && strcmp(axis->name, "devices") != 0 && strcmp(axis->name, "preferences") != 0)
        return fnas_fail(context, FNAS_ERR_USAGE, "problem growth: a step without a supernet has no %s: use of=iteration", axis->name);
    FNAS_TRY(check_unused_keys(context, problem, axis->name));
    for (int64_t size = from; size <= to; size *= 2) FNAS_TRY(problem_at(context, problem, size, &at));
    return FNAS_OK;
}

/* ---- the line through the points ---- */

double fnas_growth_exponent(int64_t count, const double *sizes, const double *values) {
    double x_mean = 0, y_mean = 0, product = 0, square = 0;
    for (int64_t i = 0; i < count; i++) {
        x_mean += log(sizes[i]) / (double)count;
        y_mean += log(values[i]) / (double)count;
    }
    for (int64_t i = 0; i < count; i++) {
        product += (log(sizes[i]) - x_mean) * (log(values[i]) - y_mean);
        square += (log(sizes[i]) - x_mean) * (log(sizes[i]) - x_mean);
    }
    return product / square;
}

/* ---- running ---- */

static double figure_of(const fnas_row *row, const char *name) {
    for (int64_t i = 0; i < row->figure_count; i++)
        if (strcmp(row->figures[i].name, name) == 0) return row->figures[i].value;
    return (double)NAN;
}

static fnas_status measure_points(fnas_bench *bench, const fnas_problem *problem, fnas_growth *growth) {
    const growth_axis *axis = axis_of(problem);
    int64_t to = bound_of(problem, "to", axis->to);
    for (int64_t size = bound_of(problem, "from", axis->from); size <= to; size *= 2) {
        fnas_problem at;
        FNAS_TRY(problem_at(bench->context, problem, size, &at));
        FNAS_TRY(at.family->run(bench, &at));
        const fnas_row *row = &bench->rows.items[bench->rows.count - 1];
        growth->sizes[growth->count] = (double)size;
        growth->wall_ms[growth->count] = row->wall_ms.median;
        growth->memory_mb[growth->count++] = figure_of(row, "memory_mb");
    }
    growth->time_exponent = fnas_growth_exponent(growth->count, growth->sizes, growth->wall_ms);
    growth->memory_exponent = fnas_growth_exponent(growth->count, growth->sizes, growth->memory_mb);
    return FNAS_OK;
}

static fnas_status growth_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_row row;
    fnas_growth growth = {.axis = axis_of(problem)->name};
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = measure_points(bench, problem, &growth);
    row.threads = bench->threads;
    fnas_row_figure_add(&row, "points", (double)growth.count);
    fnas_row_figure_add(&row, "time_exponent", growth.time_exponent);
    fnas_row_figure_add(&row, "memory_exponent", growth.memory_exponent);
    if (status == FNAS_OK && bench->options->svg) status = fnas_growth_write_svg(bench->context, &growth, row.problem, bench->options->svg);
    return fnas_bench_end(bench, status, &row);
}

static const fnas_problem_key growth_keys[] = {
    {"axis", FNAS_KEY_CHOICE, NULL, 0, 0, AXES, "what doubles"},
    {"of", FNAS_KEY_CHOICE, "iteration", 0, 0, "iteration|step", "what is timed: a step with a supernet, or without"},
    {"from", FNAS_KEY_COUNT, "usual", 1, 4096, "usual", "the first size"},
    {"to", FNAS_KEY_COUNT, "usual", 2, 4096, "usual", "the last size at most"},
    {"devices", FNAS_KEY_COUNT, "4", 1, 64, NULL, "where they are not the axis; so the others"},
    {"preferences", FNAS_KEY_COUNT, "1", 1, 64, NULL, "a device"},
    {"channels", FNAS_KEY_COUNT, "16", 1, 256, NULL, "of the supernet's first stage"},
    {"cells", FNAS_KEY_COUNT, "1", 1, 32, NULL, "a stage of the supernet"},
    {"images", FNAS_KEY_COUNT, "32", 2, 4096, NULL, "of each of the two updates"},
    {"batch", FNAS_KEY_CHOICE, "full", 0, 0, "full|shared", "each path sees all images, or they are shared out"},
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_growth = {
    .name = "growth",
    .summary = "a step at doubling sizes: time and memory, with their exponents; memory is what the step needs beyond the command itself",
    .keys = growth_keys,
    .check = growth_check,
    .run = growth_run,
};
