/* The latency predictor on Once-for-All's MobileNetV3 space: 5,000 sub-networks on four GPU models with three batch sizes each.
 *
 *     FLEETNAS_TEST_DATA=FOLDER bench_predictor_ofa [seed]
 *
 * Every GPU model in turn is left out with all its batch sizes, known by its ten reference latencies alone (those of splits.json), and
 * scored on all other sub-networks. Beside it, the best that any other model's device does as a ranking: with batch 1 the tables are mostly
 * noise. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "device/predictor_internal.h"
#include "space/space.h"

#define UNITS 5
#define BLOCKS 20
#define DECISIONS (1 + UNITS + 2 * BLOCKS)
#define REFERENCES 10
#define DEVICES 12 /* four models, three batch sizes each: columns in alphabetical order */
#define BATCHES 3
#define FIRST_DEVICE_COLUMN (1 + DECISIONS)

typedef struct ofa {
    fnas_context *context;
    fnas_csv *table;
    fnas_space *space;
    int64_t rows;
    int32_t *choices;
    double *latency_ms[DEVICES], reference_ms[DEVICES][REFERENCES];
    int32_t references[REFERENCES * DECISIONS];
} ofa;

static void check(ofa *o, fnas_status status) {
    if (status == FNAS_OK) return;
    fprintf(stderr, "bench_predictor_ofa: %s\n", fnas_context_message(o->context));
    exit(fnas_status_exit_code(status));
}

static void *memory(size_t count, size_t size) {
    void *made = fnas_allocate(count, size);
    if (!made) exit(3);
    return made;
}

/* Native string of a row: resolution, depths, then kernel and expansion of each block. The table's columns are all kernels before all
 * expansions. */
static void arch_text(const ofa *o, int64_t row, char *text, size_t bytes) {
    int used = snprintf(text, bytes, "%s", fnas_csv_cell(o->table, row, 1));
    for (int64_t u = 0; u < UNITS; u++) used += snprintf(text + used, bytes - (size_t)used, "/%s", fnas_csv_cell(o->table, row, 2 + u));
    for (int64_t b = 0; b < BLOCKS; b++)
        used += snprintf(text + used, bytes - (size_t)used, "/%s/%s", fnas_csv_cell(o->table, row, 2 + UNITS + b),
                         fnas_csv_cell(o->table, row, 2 + UNITS + BLOCKS + b));
}

static json_t *decision(const char *letter, int64_t index, json_t *choices) {
    char name[16];
    snprintf(name, sizeof name, index < 0 ? "%s" : "%s%d", letter, (int)index);
    return json_pack("{s:s, s:o}", "name", name, "choices", choices);
}

/* Blocks 0 and 1 of a unit are always there, 2 and 3 where the unit is deep enough. */
static json_t *block_decision(const char *letter, int64_t block, json_t *choices) {
    json_t *made = decision(letter, block, choices);
    char depth[16];
    snprintf(depth, sizeof depth, "d%d", (int)(block / 4));
    if (block % 4 >= 2)
        json_object_set_new(made, "active", json_pack("{s:s, s:s}", "decision", depth, "at_least", block % 4 == 2 ? "3" : "4"));
    return made;
}

static void open_space(ofa *o, const json_t *reference_rows) {
    json_t *decisions = json_array(), *references = json_array(), *sizes = json_array(), *values = json_array();
    char text[FNAS_ARCH_TEXT_BYTES];
    for (int size = 128; size <= 224; size += 4) {
        snprintf(text, sizeof text, "%d", size);
        json_array_append_new(sizes, json_string(text));
        json_array_append_new(values, json_integer(size));
    }
    json_t *resolution = decision("r", -1, sizes);
    json_object_set_new(resolution, "values", values);
    json_array_append_new(decisions, resolution);
    for (int64_t u = 0; u < UNITS; u++) json_array_append_new(decisions, decision("d", u, json_pack("[s, s, s]", "2", "3", "4")));
    for (int64_t b = 0; b < BLOCKS; b++) {
        json_array_append_new(decisions, block_decision("ks", b, json_pack("[s, s, s]", "3", "5", "7")));
        json_array_append_new(decisions, block_decision("e", b, json_pack("[s, s, s]", "3", "4", "6")));
    }
    for (size_t r = 0; r < REFERENCES; r++) {
        arch_text(o, json_integer_value(json_array_get(reference_rows, r)), text, sizeof text);
        json_array_append_new(references, json_string(text));
    }
    json_t *root = json_pack("{s:s, s:s, s:o, s:o}", "format", "fleetnas-space/1", "name", "ofa", "decisions", decisions, "references",
                             references);
    char *description = json_dumps(root, 0);
    json_decref(root);
    if (!description) exit(3);
    check(o, fnas_space_read(o->context, "the space of Once-for-All", description, &o->space));
    free(description);
}

static void read_table(ofa *o, const char *folder) {
    char path[512], text[FNAS_ARCH_TEXT_BYTES];
    json_t *splits, *rows;
    snprintf(path, sizeof path, "%s/ofa/architectures_latency_ms.csv", folder);
    check(o, fnas_csv_read(o->context, path, (size_t)1 << 28, &o->table));
    snprintf(path, sizeof path, "%s/ofa/splits.json", folder);
    check(o, fnas_json_read(o->context, path, (size_t)1 << 20, &splits));
    check(o, fnas_json_array(o->context, splits, path, "reference_arch_index", &rows));
    o->rows = fnas_csv_rows(o->table);
    open_space(o, rows);
    o->choices = memory((size_t)(o->rows * DECISIONS), sizeof(int32_t));
    for (int64_t a = 0; a < o->rows; a++) {
        arch_text(o, a, text, sizeof text);
        check(o, fnas_space_parse(o->context, o->space, text, o->choices + a * DECISIONS));
    }
    for (int64_t d = 0; d < DEVICES; d++) {
        o->latency_ms[d] = memory((size_t)o->rows, sizeof(double));
        for (int64_t a = 0; a < o->rows; a++)
            check(o, fnas_csv_number(o->context, o->table, a, FIRST_DEVICE_COLUMN + d, &o->latency_ms[d][a]));
    }
    for (size_t r = 0; r < REFERENCES; r++) {
        int64_t a = json_integer_value(json_array_get(rows, r));
        memcpy(o->references + r * DECISIONS, o->choices + a * DECISIONS, DECISIONS * sizeof(int32_t));
        for (int64_t d = 0; d < DEVICES; d++) o->reference_ms[d][r] = o->latency_ms[d][a];
    }
    json_decref(splits);
}

static fnas_card_view view_of(const ofa *o, int64_t d) {
    return (fnas_card_view){.name = fnas_csv_header(o->table, FIRST_DEVICE_COLUMN + d),
                            .space = fnas_space_spec(o->space),
                            .decision_count = DECISIONS,
                            .reference_count = REFERENCES,
                            .reference_choices = o->references,
                            .reference_latency_ms = o->reference_ms[d],
                            .measurement_count = o->rows,
                            .measurement_choices = o->choices,
                            .measurement_latency_ms = o->latency_ms[d]};
}

static double best_other_ranking(const ofa *o, int64_t d) {
    double best = -1.0;
    for (int64_t other = 0; other < DEVICES; other++)
        if (other / BATCHES != d / BATCHES) best = fmax(best, fnas_spearman(o->latency_ms[d], o->latency_ms[other], o->rows));
    return best;
}

static void leave_model_out(ofa *o, int64_t model, uint64_t seed) {
    fnas_card_view views[DEVICES];
    fnas_predictor *predictor;
    int64_t count = 0;
    for (int64_t d = 0; d < DEVICES; d++)
        if (d / BATCHES != model) views[count++] = view_of(o, d);
    check(o, fnas_predictor_fit_views(o->context, o->space, count, views, &(fnas_predictor_options){.seed = seed}, &predictor));
    for (int64_t d = model * BATCHES; d < (model + 1) * BATCHES; d++) {
        fnas_card_view view = view_of(o, d);
        fnas_predictor_score score;
        check(o, fnas_predictor_evaluate_view(o->context, predictor, &view, &score));
        printf("%-16s Spearman %.4f (best other device's ranking %.4f)  median error %5.2f %%  mean %5.2f %%  coverage %4.1f %%  width "
               "%5.1f %%\n",
               view.name, score.spearman, best_other_ranking(o, d), score.median_ape_pct, score.mean_ape_pct, score.coverage90_pct,
               score.width90_median_pct);
    }
    fnas_predictor_free(predictor);
}

int main(int argc, char **argv) {
    ofa o = {0};
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    if (!folder) {
        fprintf(stderr, "usage: FLEETNAS_TEST_DATA=FOLDER bench_predictor_ofa [seed]\n");
        return 1;
    }
    if (fnas_context_create(&o.context) != FNAS_OK) return 3;
    read_table(&o, folder);
    for (int64_t model = 0; model < DEVICES / BATCHES; model++) leave_model_out(&o, model, argc > 1 ? strtoull(argv[1], NULL, 10) : 1);
    for (int64_t d = 0; d < DEVICES; d++) fnas_free(o.latency_ms[d]);
    fnas_free(o.choices);
    fnas_csv_free(o.table);
    if (o.space) fnas_space_close(o.space);
    fnas_context_destroy(o.context);
    return 0;
}
