/* The latency predictor on HAT's sub-transformers: Raspberry Pi 4, Xeon and Titan Xp, 2,000 each, with hardly a row in common.
 *
 *     FLEETNAS_TEST_DATA=FOLDER bench_predictor_hat [seed]
 *
 * Every device in turn is left out, known by ten of its rows alone, and scored on its others. The two that are trained on have references
 * of their own as well: ten rows at even distances. The new device's ten are chosen among its rows by the predictor, which knows their
 * architectures and no latency of them; or stand at even distances, as `device import hat --references-from-table` takes them (mean and
 * worst over ten offsets). Beside it, what the device's whole table gives: trained on, and scored on what was held out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/predictor_internal.h"
#include "space/space.h"

#define DEVICES 3
#define DECISIONS 10
#define FIRST_COLUMN 2 /* of the features */
#define REFERENCES 10
#define OFFSETS 10

static const char *const names[DEVICES] = {"cpu_raspberrypi", "cpu_xeon", "gpu_titanxp"};

/* What a transformer's latency is nearly a sum of: the encoder (always six layers here), the output's projection, and the decoder's layers.
 * Numbers of heads cost nothing that can be seen. */
static const char costs[] = "[[\"encoder_embed_dim\"], [\"encoder_embed_dim\", \"encoder_ffn_embed_dim_avg\"], [\"decoder_embed_dim\"], "
                            "[\"decoder_layer_num\"], [\"decoder_layer_num\", \"decoder_embed_dim\"], "
                            "[\"decoder_layer_num\", \"decoder_embed_dim\", \"decoder_ffn_embed_dim_avg\"]]";

typedef struct hat_device {
    int64_t rows;
    int32_t *choices;   /* [rows][DECISIONS] */
    double *latency_ms; /* [rows] */
    int32_t reference_choices[REFERENCES * DECISIONS];
    double reference_ms[REFERENCES];
} hat_device;

typedef struct hat {
    fnas_context *context;
    fnas_csv *table;
    fnas_space *space;
    uint64_t seed;
    hat_device devices[DEVICES];
} hat;

static void check(hat *h, fnas_status status) {
    if (status == FNAS_OK) return;
    fprintf(stderr, "bench_predictor_hat: %s\n", fnas_context_message(h->context));
    exit(fnas_status_exit_code(status));
}

static void *memory(size_t count, size_t size) {
    void *made = fnas_allocate(count, size);
    if (!made) exit(3);
    return made;
}

/* ---- the space: ten decisions, whose choices are the numbers that the table has ---- */

static int compare_numbers(const void *a, const void *b) {
    double x = strtod(*(const char *const *)a, NULL), y = strtod(*(const char *const *)b, NULL);
    return (x > y) - (x < y);
}

static json_t *decision(const hat *h, int64_t column) {
    int64_t rows = fnas_csv_rows(h->table);
    const char **cells = memory((size_t)rows, sizeof *cells);
    json_t *choices = json_array(), *values = json_array();
    for (int64_t r = 0; r < rows; r++) cells[r] = fnas_csv_cell(h->table, r, column);
    qsort(cells, (size_t)rows, sizeof *cells, compare_numbers);
    for (int64_t r = 0; r < rows; r++) {
        if (r > 0 && compare_numbers(&cells[r - 1], &cells[r]) == 0) continue;
        json_array_append_new(choices, json_string(cells[r]));
        json_array_append_new(values, json_real(strtod(cells[r], NULL)));
    }
    fnas_free(cells);
    return json_pack("{s:s, s:o, s:o}", "name", fnas_csv_header(h->table, column), "choices", choices, "values", values);
}

static void open_space(hat *h) {
    json_error_t error;
    json_t *decisions = json_array();
    for (int64_t d = 0; d < DECISIONS; d++) json_array_append_new(decisions, decision(h, FIRST_COLUMN + d));
    json_t *root = json_pack("{s:s, s:s, s:o, s:o}", "format", "fleetnas-space/1", "name", "hat", "decisions", decisions, "costs",
                             json_loads(costs, 0, &error));
    char *text = json_dumps(root, 0);
    json_decref(root);
    if (!text) exit(3);
    check(h, fnas_space_read(h->context, "the space of HAT", text, &h->space));
    free(text);
}

/* ---- the devices ---- */

static int64_t device_of(const hat *h, int64_t row) {
    int64_t d = 0;
    while (d < DEVICES && strcmp(names[d], fnas_csv_cell(h->table, row, 1)) != 0) d++;
    return d;
}

static void read_row(hat *h, int64_t row, hat_device *device) {
    char text[FNAS_ARCH_TEXT_BYTES];
    double encoder, decoder;
    int32_t *choices = device->choices + device->rows * DECISIONS;
    check(h, fnas_csv_number(h->context, h->table, row, FIRST_COLUMN + DECISIONS, &encoder));
    check(h, fnas_csv_number(h->context, h->table, row, FIRST_COLUMN + DECISIONS + 1, &decoder));
    for (int64_t d = 0; d < DECISIONS; d++) {
        const char *cell = fnas_csv_cell(h->table, row, FIRST_COLUMN + d);
        while (strtod(fnas_space_choice_name(h->space, d, choices[d]), NULL) != strtod(cell, NULL)) choices[d]++;
    }
    check(h, fnas_space_format(h->context, h->space, choices, text, sizeof text));
    device->latency_ms[device->rows++] = encoder + decoder;
}

static void read_table(hat *h, const char *folder) {
    char path[512];
    snprintf(path, sizeof path, "%s/hat/latency_ms.csv", folder);
    check(h, fnas_csv_read(h->context, path, (size_t)1 << 28, &h->table));
    open_space(h);
    for (int64_t d = 0; d < DEVICES; d++) {
        h->devices[d].choices = memory((size_t)fnas_csv_rows(h->table) * DECISIONS, sizeof(int32_t));
        h->devices[d].latency_ms = memory((size_t)fnas_csv_rows(h->table), sizeof(double));
    }
    for (int64_t row = 0; row < fnas_csv_rows(h->table); row++)
        if (device_of(h, row) < DEVICES) read_row(h, row, &h->devices[device_of(h, row)]);
}

static void take_reference(hat_device *device, int64_t r, int64_t row) {
    memcpy(device->reference_choices + r * DECISIONS, device->choices + row * DECISIONS, DECISIONS * sizeof(int32_t));
    device->reference_ms[r] = device->latency_ms[row];
}

static void take_even_references(hat_device *device, int64_t offset) {
    for (int64_t r = 0; r < REFERENCES; r++) take_reference(device, r, (offset * device->rows / OFFSETS + r * device->rows) / REFERENCES);
}

static void take_chosen_references(hat *h, const fnas_predictor *predictor, hat_device *device) {
    int32_t chosen[REFERENCES * DECISIONS];
    check(h, fnas_predictor_choose_among(h->context, predictor, 0, NULL, device->rows, device->choices, REFERENCES, chosen));
    for (int64_t r = 0; r < REFERENCES; r++) {
        int64_t row = 0;
        while (memcmp(device->choices + row * DECISIONS, chosen + r * DECISIONS, DECISIONS * sizeof(int32_t)) != 0) row++;
        take_reference(device, r, row);
    }
}

static fnas_card_view view_of(const hat *h, int64_t d) {
    const hat_device *device = &h->devices[d];
    return (fnas_card_view){.name = names[d],
                            .space = fnas_space_spec(h->space),
                            .decision_count = DECISIONS,
                            .reference_count = REFERENCES,
                            .reference_choices = device->reference_choices,
                            .reference_latency_ms = device->reference_ms,
                            .measurement_count = device->rows,
                            .measurement_choices = device->choices,
                            .measurement_latency_ms = device->latency_ms};
}

/* ---- scores ---- */

static fnas_predictor_score evaluate(hat *h, const fnas_predictor *predictor, int64_t d) {
    fnas_card_view view = view_of(h, d);
    fnas_predictor_score score;
    check(h, fnas_predictor_evaluate_view(h->context, predictor, &view, &score));
    return score;
}

static void print_score(int64_t d, const char *how, const fnas_predictor_score *score) {
    printf("%-16s %-28s Spearman %.4f  Kendall %.4f  median error %5.2f %%  mean %5.2f %%  coverage %5.1f %%  width %5.1f %%\n", names[d],
           how, score->spearman, score->kendall, score->median_ape_pct, score->mean_ape_pct, score->coverage90_pct,
           score->width90_median_pct);
}

static void print_even(hat *h, const fnas_predictor *predictor, int64_t d) {
    double spearman = 0.0, worst = 1.0, error = 0.0, largest = 0.0, coverage = 0.0;
    for (int64_t offset = 0; offset < OFFSETS; offset++) {
        take_even_references(&h->devices[d], offset);
        fnas_predictor_score score = evaluate(h, predictor, d);
        spearman += score.spearman / OFFSETS;
        error += score.mean_ape_pct / OFFSETS;
        coverage += score.coverage90_pct / OFFSETS;
        worst = fmin(worst, score.spearman);
        largest = fmax(largest, score.mean_ape_pct);
    }
    printf("%-16s %-28s Spearman %.4f (worst %.4f)  mean error %5.2f %% (worst %5.2f %%)  coverage %5.1f %%\n", names[d],
           "10 rows at even distances", spearman, worst, error, largest, coverage);
}

static void print_whole(hat *h) {
    fnas_card_view views[DEVICES];
    fnas_predictor *predictor;
    for (int64_t d = 0; d < DEVICES; d++) views[d] = view_of(h, d);
    check(h, fnas_predictor_fit_views(h->context, h->space, DEVICES, views, &(fnas_predictor_options){.seed = h->seed}, &predictor));
    for (int64_t d = 0; d < DEVICES; d++) {
        fnas_predictor_score score = evaluate(h, predictor, d);
        print_score(d, "its whole table, held out", &score);
    }
    fnas_predictor_free(predictor);
}

static void leave_device_out(hat *h, int64_t left) {
    fnas_card_view views[DEVICES];
    fnas_predictor *predictor;
    int64_t count = 0;
    for (int64_t d = 0; d < DEVICES; d++) take_even_references(&h->devices[d], 0);
    for (int64_t d = 0; d < DEVICES; d++)
        if (d != left) views[count++] = view_of(h, d);
    check(h, fnas_predictor_fit_views(h->context, h->space, count, views, &(fnas_predictor_options){.seed = h->seed}, &predictor));
    take_chosen_references(h, predictor, &h->devices[left]);
    fnas_predictor_score score = evaluate(h, predictor, left);
    print_score(left, "10 rows chosen", &score);
    print_even(h, predictor, left);
    fnas_predictor_free(predictor);
}

int main(int argc, char **argv) {
    hat h = {.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1};
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    if (!folder) {
        fprintf(stderr, "usage: FLEETNAS_TEST_DATA=FOLDER bench_predictor_hat [seed]\n");
        return 1;
    }
    if (fnas_context_create(&h.context) != FNAS_OK) return 3;
    read_table(&h, folder);
    for (int64_t d = 0; d < DEVICES; d++) leave_device_out(&h, d);
    print_whole(&h);
    for (int64_t d = 0; d < DEVICES; d++) {
        fnas_free(h.devices[d].choices);
        fnas_free(h.devices[d].latency_ms);
    }
    fnas_csv_free(h.table);
    fnas_space_close(h.space);
    fnas_context_destroy(h.context);
    return 0;
}
