#include "bench/bench.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "bench/report.h"
#include "compute/engine.h"

#define REPEATS 5

/* ---- rows ---- */

fnas_status fnas_bench_begin(fnas_bench *bench, const fnas_problem *problem, fnas_row *row) {
    fnas_text text = {0};
    fnas_problem_append(problem, &text);
    *row = (fnas_row){.problem = text.failed ? NULL : fnas_strdup(text.data), .precision = "f32", .threads = 1, .error = (double)NAN};
    fnas_text_free(&text);
    return row->problem ? FNAS_OK : fnas_fail_memory(bench->context, "a row of the benchmark");
}

/* Problems on several threads move what they move in paths of their own: only their arithmetic is compared with the machine. */
static fnas_status find_floor(fnas_bench *bench, fnas_row *row) {
    if (row->threads != 1 && row->threads != bench->machine.threads) return FNAS_OK; /* its ceiling was not measured */
    const fnas_ceilings *ceilings = row->threads == 1 ? &bench->machine.one : &bench->machine.all;
    double peak = strcmp(row->precision, "bf16") == 0 ? ceilings->bf16_gflops : fnas_ceilings_f32(ceilings), ms = fnas_row_ms(row);
    row->floor_ms = row->flops / peak / 1e6;
    if (ms > 0) row->peak_share = row->flops / ms / 1e6 / peak;
    if (row->bytes == 0 || row->threads > 1) return FNAS_OK;
    double copy_ms;
    FNAS_TRY(fnas_copy_ms(bench->context, row->bytes, bench->options->quick, &copy_ms));
    row->floor_ms = fmax(row->floor_ms, copy_ms);
    return FNAS_OK;
}

fnas_status fnas_bench_end(fnas_bench *bench, fnas_status status, fnas_row *row) {
    if (status == FNAS_OK && row->repeats) status = find_floor(bench, row);
    if (status == FNAS_OK) return fnas_rows_add(bench->context, &bench->rows, row);
    fnas_row_free(row);
    return status;
}

/* ---- running ---- */

static bool has_dump(const fnas_problem *problem) {
    return fnas_problem_is_of(problem, "pass") || fnas_problem_is_of(problem, "subnet") || fnas_problem_is_of(problem, "translator");
}

static fnas_status check_files(fnas_context *context, const fnas_bench_options *options, const fnas_problem *problems) {
    const fnas_problem *only = options->problem_count == 1 ? &problems[0] : NULL;
    if (options->dump && options->svg) return fnas_fail(context, FNAS_ERR_USAGE, "a dump and a picture are of different problems");
    if (options->dump && !(only && has_dump(only)))
        return fnas_fail(context, FNAS_ERR_USAGE, "a dump is made of one problem, of the family \"pass\", \"subnet\" or \"translator\"");
    if (options->svg && !(only && fnas_problem_is_of(only, "growth")))
        return fnas_fail(context, FNAS_ERR_USAGE, "a picture is made of one problem, of the family \"growth\"");
    return FNAS_OK;
}

static fnas_status run_problems(fnas_bench *bench, const fnas_problem *problems) {
    for (int64_t i = 0; i < bench->options->problem_count; i++) FNAS_TRY(problems[i].family->run(bench, &problems[i]));
    return FNAS_OK;
}

static fnas_status run_all(fnas_bench *bench, fnas_problem *problems, fnas_bench_report **report) {
    const fnas_bench_options *options = bench->options;
    for (int64_t i = 0; i < options->problem_count; i++)
        FNAS_TRY(fnas_problem_parse(bench->context, fnas_bench_families, options->problems[i], &problems[i]));
    FNAS_TRY(check_files(bench->context, options, problems));
    fnas_engine_prepare_thread(0);
    FNAS_TRY(fnas_machine_measure(bench->context, bench->threads, options->quick, &bench->machine));
    FNAS_TRY(run_problems(bench, problems));
    return fnas_bench_report_make(bench, report);
}

fnas_status fnas_bench_run(fnas_context *context, const fnas_bench_options *options, fnas_bench_report **report) {
    fnas_bench bench = {.context = context, .options = options, .threads = fnas_context_threads(context)};
    *report = NULL;
    bench.repeats = options->repeats ? options->repeats : options->quick ? 1 : REPEATS;
    if (options->problem_count < 1) return fnas_fail(context, FNAS_ERR_USAGE, "no problem is given");
    fnas_problem *problems = fnas_allocate((size_t)options->problem_count, sizeof *problems);
    if (!problems) return fnas_fail_memory(context, "the benchmark");
    uint64_t denormals = fnas_flush_denormals();
    fnas_status status = run_all(&bench, problems, report);
    fnas_restore_denormals(denormals);
    fnas_rows_free(&bench.rows);
    fnas_free(problems);
    return status;
}
