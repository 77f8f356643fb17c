#include <math.h>
#include <stdio.h>

#include "bench/report.h"

/* ---- the machine ---- */

static void append_ceilings(fnas_text *text, const fnas_ceilings *c, int64_t threads) {
    fnas_text_append(text, "peak on %lld thread%s: f32 %.1f GFLOP/s (matrix product %.1f, convolution %.1f)", (long long)threads,
                     threads == 1 ? "" : "s", fnas_ceilings_f32(c), c->sgemm_gflops, c->conv_gflops);
    if (c->bf16_gflops > 0) fnas_text_append(text, ", bf16 %.1f GFLOP/s", c->bf16_gflops);
    fnas_text_append(text, "; copies %.1f GB/s in memory, %.1f in L2\n", c->memory_gbps, c->cache_gbps);
}

static void append_machine(fnas_text *text, const fnas_machine *machine) {
    fnas_text_append(text, "%s; %s, %s, blocks of %lld channels\n", machine->processor, machine->library, machine->isa,
                     (long long)machine->block);
    append_ceilings(text, &machine->one, 1);
    if (machine->threads > 1) append_ceilings(text, &machine->all, machine->threads);
}

/* ---- rows ---- */

/* So many digits behind the point, or as few as fit: what is wide must not move the columns behind it. */
static void append_cell(fnas_text *text, int width, int digits, double value, bool known) {
    while (known && isfinite(value) && digits > 0 && snprintf(NULL, 0, "%.*f", digits, value) > width) digits--;
    if (known && isfinite(value))
        fnas_text_append(text, " %*.*f", width, digits, value);
    else
        fnas_text_append(text, " %*s", width, "-");
}

/* Four significant digits, no exponent. */
static int digits_of(double value) {
    double size = fabs(value);
    return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : size >= 0.1 ? 4 : 5;
}

static void append_ms(fnas_text *text, int width, double ms, bool known) {
    append_cell(text, width, digits_of(ms), ms, known);
}

static void append_times(fnas_text *text, const fnas_row *row) {
    bool timed = row->repeats > 0;
    append_ms(text, 9, row->wall_ms.median, timed);
    append_ms(text, 9, row->wall_ms.least, timed);
    append_ms(text, 9, row->wall_ms.most, timed);
    append_ms(text, 9, row->cpu_ms.median, timed);
    append_ms(text, 9, row->cpu_ms.least, timed);
    append_ms(text, 9, row->cpu_ms.most, timed);
}

static void append_rates(fnas_text *text, const fnas_row *row) {
    double ms = fnas_row_ms(row);
    append_cell(text, 8, 1, row->flops / ms / 1e6, row->flops > 0 && ms > 0);
    append_cell(text, 7, 1, row->bytes / ms / 1e6, row->bytes > 0 && ms > 0);
    append_cell(text, 6, 1, 100 * row->peak_share, row->peak_share > 0);
    append_ms(text, 9, row->floor_ms, row->floor_ms > 0);
    append_cell(text, 6, 2, ms / row->floor_ms, row->floor_ms > 0);
    append_cell(text, 7, 4, row->error, true);
}

/* A part stands first: where lines are cut at the terminal's width, it is what rows of one problem are told apart by. */
static void append_problem(fnas_text *text, const fnas_row *row) {
    fnas_text_append(text, " %2lld  %s%s%s\n", (long long)row->threads, row->part, *row->part ? " of " : "", row->problem);
}

static void append_figures(fnas_text *text, const fnas_row *row) {
    if (!row->figure_count && !*row->kernel) return;
    fnas_text_append(text, "%12s%s%s", "", row->kernel, row->figure_count && *row->kernel ? ", " : "");
    for (int64_t i = 0; i < row->figure_count; i++) {
        fnas_text_append(text, "%s%s ", i ? ", " : "", row->figures[i].name);
        fnas_text_append(text, "%.6g", row->figures[i].value);
    }
    fnas_text_append(text, "\n");
}

static void append_head(fnas_text *text, const fnas_bench *bench) {
    fnas_text_append(text,
                     "%lld repeat%s; rates and floors by the least CPU time on one thread, by the least wall time on several\n"
                     "error: the largest over the one that is allowed; floor: the larger of what the arithmetic takes at the peak and a "
                     "copy that moves as much\n\n",
                     (long long)bench->repeats, bench->repeats == 1 ? "" : "s");
    fnas_text_append(text, "   %27s   %27s\n", "wall ms: median, least, most", "CPU ms: median, least, most");
    fnas_text_append(text, "%30s%30s %8s %7s %6s %9s %6s %7s %2s  %s\n", "", "", "GFLOP/s", "GB/s", "% peak", "floor ms", "ratio", "error",
                     "th", "problem");
}

void fnas_bench_append_text(fnas_text *text, const fnas_bench *bench) {
    append_machine(text, &bench->machine);
    if (bench->options->quick) fnas_text_append(text, "quick: to see that all works; figures are not to be quoted\n");
    append_head(text, bench);
    for (int64_t i = 0; i < bench->rows.count; i++) {
        const fnas_row *row = &bench->rows.items[i];
        append_times(text, row);
        append_rates(text, row);
        append_problem(text, row);
        append_figures(text, row);
    }
}

/* ---- families ---- */

static void append_key(fnas_text *text, const fnas_problem_key *key) {
    char left[96];
    if (key->kind == FNAS_KEY_COUNT) snprintf(left, sizeof left, "%s=%lld..%lld", key->name, (long long)key->least, (long long)key->most);
    if (key->kind == FNAS_KEY_COUNT && key->choices)
        snprintf(left, sizeof left, "%s=%s|%lld..%lld", key->name, key->choices, (long long)key->least, (long long)key->most);
    if (key->kind != FNAS_KEY_COUNT) snprintf(left, sizeof left, "%s=%s", key->name, key->choices);
    fnas_text_append(text, "    %-44s %s", left, key->help);
    if (key->fallback) fnas_text_append(text, " [%s]", key->fallback);
    fnas_text_append(text, "\n");
}

void fnas_bench_list_append_text(fnas_text *text) {
    for (int64_t i = 0; fnas_bench_families[i]; i++) {
        const fnas_problem_family *family = fnas_bench_families[i];
        fnas_text_append(text, "%s%s%s%s: %s\n", i ? "\n" : "", family->name, family->operand ? ":" : "",
                         family->operand ? family->operand : "", family->summary);
        for (int64_t k = 0; family->keys && family->keys[k].name; k++) append_key(text, &family->keys[k]);
    }
}
