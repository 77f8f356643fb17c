/* The latency predictor on the shared tables of real devices (NAS-Bench-201, 19 devices), and its speed.
 *
 *     FLEETNAS_TEST_DATA=FOLDER bench_predictor [seeds]
 *
 * For every seed (3): the 13 search devices, all their cells and 900 random ones each, the six unseen ones from their ten references over
 * all cells and the 13 on cells that were held out; families of search devices left out in turn, by which the settings were chosen; and
 * four devices with 300 cells each as in the demo, all others unseen. Cells under 5 % of a device's maximum (folded to nothing by its
 * runtime) are left out of "mean". Then times: fit, prediction of all cells, one gradient; the median and range of five. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/statistics.h"
#include "device/predictor_internal.h"

#define DEVICES_MAX 32
#define REFERENCES 10
#define DECISIONS 6
#define REPEATS 5

typedef struct table {
    fnas_context *context;
    fnas_space *space;
    fnas_csv *archs, *latency;
    int64_t rows, devices;
    int32_t *choices;
    double *latency_ms[DEVICES_MAX], reference_ms[DEVICES_MAX][REFERENCES];
    int32_t references[REFERENCES * DECISIONS];
} table;

typedef struct mean_score {
    double spearman, kendall, median_pct, mean_pct, coverage_pct, width_pct, worst;
    int64_t count;
} mean_score;

static void check(table *t, fnas_status status) {
    if (status == FNAS_OK) return;
    fprintf(stderr, "bench_predictor: %s\n", fnas_context_message(t->context));
    exit(fnas_status_exit_code(status));
}

static void *memory(size_t count, size_t size) {
    void *made = fnas_allocate(count, size);
    if (!made) exit(3);
    return made;
}

/* references [REFERENCES][DECISIONS]; NULL: the space's own. */
static void set_references(table *t, const int32_t *references) {
    for (int64_t r = 0; r < REFERENCES; r++) {
        if (references)
            memcpy(t->references + r * DECISIONS, references + r * DECISIONS, DECISIONS * sizeof *references);
        else
            fnas_space_reference(t->space, r, t->references + r * DECISIONS);
        for (int64_t a = 0; a < t->rows; a++)
            if (memcmp(t->choices + a * DECISIONS, t->references + r * DECISIONS, DECISIONS * sizeof(int32_t)) == 0)
                for (int64_t d = 0; d < t->devices; d++) t->reference_ms[d][r] = t->latency_ms[d][a];
    }
}

static void read_table(table *t, const char *folder) {
    char path[512];
    check(t, fnas_space_open(t->context, "nb201", &t->space));
    snprintf(path, sizeof path, "%s/nb201/architectures.csv", folder);
    check(t, fnas_csv_read(t->context, path, (size_t)1 << 28, &t->archs));
    snprintf(path, sizeof path, "%s/nb201/latency_ms.csv", folder);
    check(t, fnas_csv_read(t->context, path, (size_t)1 << 28, &t->latency));
    t->rows = fnas_csv_rows(t->archs);
    t->devices = fnas_csv_columns(t->latency) - 1;
    if (t->devices > DEVICES_MAX || fnas_csv_rows(t->latency) != t->rows) exit(2);
    t->choices = memory((size_t)(t->rows * DECISIONS), sizeof(int32_t));
    for (int64_t a = 0; a < t->rows; a++)
        check(t, fnas_space_parse(t->context, t->space, fnas_csv_cell(t->archs, a, 1), t->choices + a * DECISIONS));
    for (int64_t d = 0; d < t->devices; d++) {
        t->latency_ms[d] = memory((size_t)t->rows, sizeof(double));
        for (int64_t a = 0; a < t->rows; a++) check(t, fnas_csv_number(t->context, t->latency, a, d + 1, &t->latency_ms[d][a]));
    }
    set_references(t, NULL);
}

static fnas_card_view view_of(const table *t, int64_t d, int64_t count, const int32_t *choices, const double *latency_ms) {
    return (fnas_card_view){.name = fnas_csv_header(t->latency, d + 1),
                            .space = fnas_space_spec(t->space),
                            .decision_count = DECISIONS,
                            .reference_count = REFERENCES,
                            .reference_choices = t->references,
                            .reference_latency_ms = t->reference_ms[d],
                            .measurement_count = count,
                            .measurement_choices = choices,
                            .measurement_latency_ms = latency_ms};
}

/* Trains on the devices whose bit is set, `per_device` cells of a seeded permutation each. */
static fnas_predictor *fit(table *t, uint64_t devices, int64_t per_device, uint64_t seed) {
    fnas_card_view views[DEVICES_MAX];
    int64_t count = 0, *order = memory((size_t)t->rows, sizeof *order);
    int32_t *choices = memory((size_t)(per_device * DECISIONS), sizeof *choices);
    double *latency_ms = memory((size_t)(per_device * DEVICES_MAX), sizeof *latency_ms);
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 2);
    fnas_random_permutation(&random, t->rows, order);
    for (int64_t i = 0; i < per_device; i++)
        memcpy(choices + i * DECISIONS, t->choices + order[i] * DECISIONS, DECISIONS * sizeof *choices);
    for (int64_t d = 0; d < t->devices; d++) {
        if (!(devices >> d & 1)) continue;
        for (int64_t i = 0; i < per_device; i++) latency_ms[count * per_device + i] = t->latency_ms[d][order[i]];
        views[count] = view_of(t, d, per_device, choices, latency_ms + count * per_device);
        count++;
    }
    fnas_predictor *predictor;
    check(t, fnas_predictor_fit_views(t->context, t->space, count, views, &(fnas_predictor_options){.seed = seed}, &predictor));
    fnas_free(order);
    fnas_free(choices);
    fnas_free(latency_ms);
    return predictor;
}

static double mean_of_large_pct(table *t, const fnas_predictor *predictor, const fnas_card_view *view) {
    fnas_latency_model *model;
    double *predicted = memory((size_t)t->rows, sizeof *predicted), largest = 0.0, sum = 0.0;
    int64_t count = 0;
    check(t, fnas_latency_model_create_view(t->context, predictor, view, &model));
    check(t, fnas_latency_model_predict(t->context, model, t->rows, t->choices, predicted));
    for (int64_t a = 0; a < t->rows; a++) largest = fmax(largest, view->measurement_latency_ms[a]);
    for (int64_t a = 0; a < t->rows; a++) {
        if (view->measurement_latency_ms[a] < 0.05 * largest) continue;
        sum += 100.0 * fabs(predicted[a] / view->measurement_latency_ms[a] - 1.0);
        count++;
    }
    fnas_latency_model_free(model);
    fnas_free(predicted);
    return sum / (double)count;
}

static void score(table *t, const fnas_predictor *predictor, uint64_t devices, bool print, mean_score *total) {
    for (int64_t d = 0; d < t->devices; d++) {
        if (!(devices >> d & 1)) continue;
        fnas_card_view view = view_of(t, d, t->rows, t->choices, t->latency_ms[d]);
        fnas_predictor_score one;
        check(t, fnas_predictor_evaluate_view(t->context, predictor, &view, &one));
        double mean_pct = mean_of_large_pct(t, predictor, &view);
        if (print)
            printf("    %-15s Spearman %.4f  Kendall %.4f  median error %5.2f %%  mean %5.2f %%  coverage %4.1f %%  width %5.1f %%\n",
                   view.name, one.spearman, one.kendall, one.median_ape_pct, mean_pct, one.coverage90_pct, one.width90_median_pct);
        total->spearman += one.spearman;
        total->kendall += one.kendall;
        total->median_pct += one.median_ape_pct;
        total->mean_pct += mean_pct;
        total->coverage_pct += one.coverage90_pct;
        total->width_pct += one.width90_median_pct;
        if (total->count == 0 || one.spearman < total->worst) total->worst = one.spearman;
        total->count++;
    }
}

static void print_total(const char *what, uint64_t seed, const mean_score *total) {
    double n = (double)total->count;
    printf("%-28s seed %llu: mean Spearman %.4f (worst %.4f), Kendall %.4f, median error %.2f %%, mean %.2f %%, coverage %.1f %%, width "
           "%.1f %%\n",
           what, (unsigned long long)seed, total->spearman / n, total->worst, total->kendall / n, total->median_pct / n,
           total->mean_pct / n, total->coverage_pct / n, total->width_pct / n);
}

/* held_out: scores the training devices as well, on the cells that were kept out. */
static void trial(table *t, const char *what, uint64_t train, uint64_t unseen, int64_t per_device, uint64_t seed, bool print,
                  bool held_out) {
    mean_score total = {0};
    fnas_predictor *predictor = fit(t, train, per_device, seed);
    score(t, predictor, unseen, print, &total);
    print_total(what, seed, &total);
    if (held_out) {
        total = (mean_score){0};
        score(t, predictor, train, print, &total);
        print_total("  its held-out cells", seed, &total);
    }
    fnas_predictor_free(predictor);
}

#define SEARCHED UINT64_C(0x1fff) /* columns 0 to 12, as splits.json says */
#define UNSEEN UINT64_C(0x7e000)
/* 1080ti, silver, samsung_a50, essential_ph_1, samsung_s7, titanx, gold; pixel3 is not left out: it alone shows that runtimes can drop
 * operations. */
static const uint64_t families[] = {0x7, 0x18, 0x20, 0x80, 0x100, 0xe00, 0x1000};

static void leave_families_out(table *t, uint64_t seed) {
    mean_score total = {0};
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        fnas_predictor *predictor = fit(t, SEARCHED & ~families[f], 900, seed);
        score(t, predictor, families[f], false, &total);
        fnas_predictor_free(predictor);
    }
    print_total("families left out", seed, &total);
}

/* Ten references that the predictor chooses itself, from what it knows of the devices that it trains on. */
static void choose_references(table *t, uint64_t train, int64_t per_device, uint64_t seed, bool print) {
    int32_t chosen[REFERENCES * DECISIONS];
    char text[FNAS_ARCH_TEXT_BYTES];
    set_references(t, NULL);
    fnas_predictor *predictor = fit(t, train, per_device, seed);
    check(t, fnas_predictor_choose(t->context, predictor, 0, NULL, REFERENCES, chosen));
    fnas_predictor_free(predictor);
    set_references(t, chosen);
    for (int64_t r = 0; r < REFERENCES && print; r++) {
        check(t, fnas_space_format(t->context, t->space, chosen + r * DECISIONS, text, sizeof text));
        printf("    %s\n", text);
    }
}

static void chosen_references(table *t, uint64_t seed, bool print) {
    mean_score total = {0};
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        choose_references(t, SEARCHED & ~families[f], 900, seed, false);
        fnas_predictor *predictor = fit(t, SEARCHED & ~families[f], 900, seed);
        score(t, predictor, families[f], false, &total);
        fnas_predictor_free(predictor);
    }
    print_total("families, own references", seed, &total);
    choose_references(t, SEARCHED, t->rows, seed, print);
    trial(t, "all cells, own references", SEARCHED, UNSEEN, t->rows, seed, print, false);
    set_references(t, NULL);
}

static void print_times(const char *what, const char *unit, double *times) {
    double least = times[0], most = times[0];
    for (int i = 1; i < REPEATS; i++) {
        least = fmin(least, times[i]);
        most = fmax(most, times[i]);
    }
    printf("%-28s %.3f %s (%.3f to %.3f)\n", what, fnas_median(times, REPEATS), unit, least, most);
}

static void time_all(table *t) {
    double fit_s[REPEATS], whole_s[REPEATS], predict_ms[REPEATS], gradient_us[REPEATS], onehot[5 * DECISIONS] = {0},
                                                                                                   gradient[5 * DECISIONS], sum = 0.0;
    double *predicted = memory((size_t)t->rows, sizeof *predicted);
    for (int e = 0; e < DECISIONS; e++) onehot[5 * e + 3] = 1.0;
    for (int i = 0; i < REPEATS; i++) {
        fnas_latency_model *model;
        double start = fnas_thread_cpu_ms();
        fnas_predictor *predictor = fit(t, UINT64_C(0x104c), 300, 1);
        fit_s[i] = (fnas_thread_cpu_ms() - start) / 1000.0;
        fnas_card_view view = view_of(t, 15, 0, NULL, NULL);
        check(t, fnas_latency_model_create_view(t->context, predictor, &view, &model));
        start = fnas_thread_cpu_ms();
        check(t, fnas_latency_model_predict(t->context, model, t->rows, t->choices, predicted));
        predict_ms[i] = fnas_thread_cpu_ms() - start;
        start = fnas_thread_cpu_ms();
        for (int n = 0; n < 10000; n++) sum += fnas_latency_model_gradient(model, onehot, gradient);
        gradient_us[i] = (fnas_thread_cpu_ms() - start) / 10.0;
        fnas_latency_model_free(model);
        fnas_predictor_free(predictor);
    }
    for (int i = 0; i < REPEATS; i++) {
        double start = fnas_thread_cpu_ms();
        fnas_predictor_free(fit(t, SEARCHED, t->rows, 1));
        whole_s[i] = (fnas_thread_cpu_ms() - start) / 1000.0;
    }
    if (!isfinite(sum)) exit(4);
    printf("one thread, processor time, median of %d and range:\n", REPEATS);
    print_times("fit, 4 devices x 300 cells", "s", fit_s);
    print_times("fit, 13 devices, all cells", "s", whole_s);
    print_times("predict 15,625 cells", "ms", predict_ms);
    print_times("value and gradient", "us", gradient_us);
    fnas_free(predicted);
}

#define EMBEDDINGS 64

/* Devices that nobody has: the references of two of the table's in a proportion of their own. */
static void time_many(table *t) {
    fnas_latency_model *models[EMBEDDINGS];
    double reference_ms[REFERENCES], *latency_ms = memory((size_t)(t->rows * EMBEDDINGS), sizeof *latency_ms);
    double make_s[REPEATS], predict_ms[REPEATS];
    fnas_predictor *predictor = fit(t, SEARCHED, 900, 1);
    for (int i = 0; i < REPEATS; i++) {
        double start = fnas_thread_cpu_ms();
        for (int m = 0; m < EMBEDDINGS; m++) {
            fnas_card_view view = view_of(t, m % t->devices, 0, NULL, NULL);
            view.name = "made-up";
            view.reference_latency_ms = reference_ms;
            for (int r = 0; r < REFERENCES; r++)
                reference_ms[r] = t->reference_ms[m % t->devices][r] + 0.1 * m / EMBEDDINGS * t->reference_ms[(m + 1) % t->devices][r];
            check(t, fnas_latency_model_create_view(t->context, predictor, &view, &models[m]));
        }
        make_s[i] = (fnas_thread_cpu_ms() - start) / 1000.0;
        start = fnas_thread_cpu_ms();
        check(t, fnas_latency_model_predict_many(t->context, EMBEDDINGS, (const fnas_latency_model *const *)models, t->rows, t->choices,
                                                 latency_ms));
        predict_ms[i] = fnas_thread_cpu_ms() - start;
        for (int m = 0; m < EMBEDDINGS; m++) fnas_latency_model_free(models[m]);
    }
    print_times("calibrate 64 devices", "s", make_s);
    print_times("1,000,000 pairs of 64 devices", "ms", predict_ms);
    fnas_predictor_free(predictor);
    fnas_free(latency_ms);
}

int main(int argc, char **argv) {
    table t = {0};
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    long seeds = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
    if (!folder || seeds < 1 || seeds > 100) {
        fprintf(stderr, "usage: FLEETNAS_TEST_DATA=FOLDER bench_predictor [seeds, 1 to 100]\n");
        return 1;
    }
    if (fnas_context_create(&t.context) != FNAS_OK) return 3;
    read_table(&t, folder);
    for (uint64_t seed = 1; seed <= (uint64_t)seeds; seed++) {
        trial(&t, "13 devices, all cells", SEARCHED, UNSEEN, t.rows, seed, seed == 1, true);
        trial(&t, "13 devices, 900 cells", SEARCHED, UNSEEN, 900, seed, seed == 1, true);
        leave_families_out(&t, seed);
        chosen_references(&t, seed, seed == 1);
        trial(&t, "4 devices, 15 unseen", UINT64_C(0x104c), UINT64_C(0x7ffff) & ~UINT64_C(0x104c), 300, seed, seed == 1, false);
    }
    time_all(&t);
    time_many(&t);
    for (int64_t d = 0; d < t.devices; d++) fnas_free(t.latency_ms[d]);
    fnas_free(t.choices);
    fnas_csv_free(t.archs);
    fnas_csv_free(t.latency);
    fnas_space_close(t.space);
    fnas_context_destroy(t.context);
    return 0;
}
