#include "bench/report.h"

/* Members are separated by what stands before each but the first. */
static void append_number(fnas_text *json, const char *key, double value) {
    fnas_text_append(json, ", ");
    fnas_text_append_json(json, key);
    fnas_text_append(json, ": ");
    fnas_text_append_number(json, value);
}

static void append_string(fnas_text *json, const char *before, const char *key, const char *value) {
    fnas_text_append(json, "%s", before);
    fnas_text_append_json(json, key);
    fnas_text_append(json, ": ");
    fnas_text_append_json(json, value);
}

/* null where something was not counted or is not known. */
static void append_known(fnas_text *json, const char *key, double value, bool known) {
    if (known)
        append_number(json, key, value);
    else
        fnas_text_append(json, ", \"%s\": null", key);
}

static void append_ceilings(fnas_text *json, const char *key, const fnas_ceilings *c, int64_t threads) {
    fnas_text_append(json, ",\n    \"%s\": {\"threads\": %lld", key, (long long)threads);
    append_number(json, "f32_gflops", fnas_ceilings_f32(c));
    append_number(json, "f32_product_gflops", c->sgemm_gflops);
    append_number(json, "f32_convolution_gflops", c->conv_gflops);
    append_known(json, "bf16_convolution_gflops", c->bf16_gflops, c->bf16_gflops > 0);
    append_number(json, "copy_memory_gbps", c->memory_gbps);
    append_number(json, "copy_l2_gbps", c->cache_gbps);
    fnas_text_append(json, "}");
}

static void append_machine(fnas_text *json, const fnas_machine *machine) {
    append_string(json, "{\n  \"machine\": {\n    ", "processor", machine->processor);
    append_string(json, ", ", "library", machine->library);
    append_string(json, ", ", "isa", machine->isa);
    append_number(json, "block", (double)machine->block);
    append_ceilings(json, "peak_one_thread", &machine->one, 1);
    append_ceilings(json, "peak_all_threads", &machine->all, machine->threads);
    fnas_text_append(json, "\n  }");
}

static void append_range(fnas_text *json, const char *key, const fnas_range *range, bool known) {
    if (!known) {
        fnas_text_append(json, ", \"%s\": null", key);
        return;
    }
    fnas_text_append(json, ", \"%s\": {\"median\": ", key);
    fnas_text_append_number(json, range->median);
    append_number(json, "least", range->least);
    append_number(json, "most", range->most);
    fnas_text_append(json, "}");
}

static void append_row(fnas_text *json, const fnas_row *row) {
    bool timed = row->repeats > 0;
    double ms = fnas_row_ms(row);
    append_string(json, "    {", "problem", row->problem);
    if (*row->part) append_string(json, ", ", "part", row->part);
    append_string(json, ", ", "precision", row->precision);
    append_number(json, "threads", (double)row->threads);
    append_number(json, "repeats", (double)row->repeats);
    append_range(json, "wall_ms", &row->wall_ms, timed);
    append_range(json, "cpu_ms", &row->cpu_ms, timed);
    append_known(json, "flops", row->flops, row->flops > 0);
    append_known(json, "bytes", row->bytes, row->bytes > 0);
    append_known(json, "gflops", row->flops / ms / 1e6, row->flops > 0 && ms > 0);
    append_known(json, "gbps", row->bytes / ms / 1e6, row->bytes > 0 && ms > 0);
    append_known(json, "peak_share", row->peak_share, row->peak_share > 0);
    append_known(json, "floor_ms", row->floor_ms, row->floor_ms > 0);
    append_known(json, "floor_ratio", ms / row->floor_ms, row->floor_ms > 0);
    append_number(json, "error", row->error);
    if (*row->kernel) append_string(json, ", ", "kernel", row->kernel);
    for (int64_t i = 0; i < row->figure_count; i++) append_number(json, row->figures[i].name, row->figures[i].value);
    fnas_text_append(json, "}");
}

void fnas_bench_append_json(fnas_text *json, const fnas_bench *bench) {
    append_machine(json, &bench->machine);
    fnas_text_append(json, ",\n  \"quick\": %s,\n  \"problems\": [\n", bench->options->quick ? "true" : "false");
    for (int64_t i = 0; i < bench->rows.count; i++) {
        append_row(json, &bench->rows.items[i]);
        fnas_text_append(json, i + 1 < bench->rows.count ? ",\n" : "\n");
    }
    fnas_text_append(json, "  ]\n}\n");
}

/* ---- families ---- */

static void append_key(fnas_text *json, const fnas_problem_key *key) {
    append_string(json, "        {", "key", key->name);
    append_string(json, ", ", "help", key->help);
    if (key->fallback) append_string(json, ", ", "default", key->fallback);
    if (key->kind == FNAS_KEY_COUNT)
        fnas_text_append(json, ", \"least\": %lld, \"most\": %lld", (long long)key->least, (long long)key->most);
    if (key->kind == FNAS_KEY_CHOICE) append_string(json, ", ", "choices", key->choices);
    fnas_text_append(json, "}");
}

static void append_family(fnas_text *json, const fnas_problem_family *family) {
    append_string(json, "    {", "family", family->name);
    append_string(json, ", ", "summary", family->summary);
    if (family->operand) append_string(json, ", ", "operand", family->operand);
    fnas_text_append(json, ", \"keys\": [");
    for (int64_t k = 0; family->keys && family->keys[k].name; k++) {
        fnas_text_append(json, k ? ",\n" : "\n");
        append_key(json, &family->keys[k]);
    }
    fnas_text_append(json, "]}");
}

void fnas_bench_list_append_json(fnas_text *json) {
    fnas_text_append(json, "{\n  \"families\": [\n");
    for (int64_t i = 0; fnas_bench_families[i]; i++) {
        append_family(json, fnas_bench_families[i]);
        fnas_text_append(json, fnas_bench_families[i + 1] ? ",\n" : "\n");
    }
    fnas_text_append(json, "  ]\n}\n");
}
