#include "bench/report.h"

#include "base/memory.h"

static fnas_status report_finish(fnas_context *context, fnas_bench_report *made, fnas_bench_report **report) {
    if (made && !made->text.failed && !made->json.failed) {
        *report = made;
        return FNAS_OK;
    }
    fnas_bench_report_free(made);
    return fnas_fail_memory(context, "the benchmark's report");
}

fnas_status fnas_bench_report_make(const fnas_bench *bench, fnas_bench_report **report) {
    fnas_bench_report *made = fnas_allocate(1, sizeof *made);
    if (made) {
        fnas_bench_append_text(&made->text, bench);
        fnas_bench_append_json(&made->json, bench);
    }
    return report_finish(bench->context, made, report);
}

fnas_status fnas_bench_list(fnas_context *context, fnas_bench_report **report) {
    *report = NULL;
    fnas_bench_report *made = fnas_allocate(1, sizeof *made);
    if (made) {
        fnas_bench_list_append_text(&made->text);
        fnas_bench_list_append_json(&made->json);
    }
    return report_finish(context, made, report);
}

void fnas_bench_report_free(fnas_bench_report *report) {
    if (!report) return;
    fnas_text_free(&report->text);
    fnas_text_free(&report->json);
    fnas_free(report);
}

const char *fnas_bench_report_text(const fnas_bench_report *report) {
    return report->text.data;
}

const char *fnas_bench_report_json(const fnas_bench_report *report) {
    return report->json.data;
}
