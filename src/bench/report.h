/* A report: what was measured as lines for people and as JSON. */
#ifndef FNAS_BENCH_REPORT_H
#define FNAS_BENCH_REPORT_H

#include "bench/bench.h"

struct fnas_bench_report {
    fnas_text text, json;
};

FNAS_NODISCARD fnas_status fnas_bench_report_make(const fnas_bench *bench, fnas_bench_report **report);

void fnas_bench_append_text(fnas_text *text, const fnas_bench *bench);
void fnas_bench_append_json(fnas_text *json, const fnas_bench *bench);
/* The families, their keys and defaults. */
void fnas_bench_list_append_text(fnas_text *text);
void fnas_bench_list_append_json(fnas_text *json);

#endif
