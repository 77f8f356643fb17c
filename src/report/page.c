#include "report/page_parts.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "report/axis.h"
#include "report/escape.h"
#include "report/many.h"
#include "report/page_style.h"
#include "report/plot.h"

/* ---- small pieces ---- */

/* "Latency (ms)" */
static void append_axis_label(fnas_text *text, const fnas_page_objective *objective) {
    fnas_text_append(text, objective->unit[0] ? "%s (%s)" : "%s", objective->label, objective->unit);
}

static bool any_known(const fnas_page *page, double (*value)(const fnas_page_check *check)) {
    for (int64_t d = 0; d < page->device_count; d++)
        if (page->devices[d].check && isfinite(value(page->devices[d].check))) return true;
    return false;
}

static bool is_checked(const fnas_page *page) {
    for (int64_t d = 0; d < page->device_count; d++)
        if (page->devices[d].check) return true;
    return false;
}

/* ---- the hypervolumes that are compared ---- */

static double of_front(const fnas_page_check *check) {
    return check->hypervolume;
}
static double of_random(const fnas_page_check *check) {
    return check->hypervolume_random;
}
static double of_untrained(const fnas_page_check *check) {
    return check->hypervolume_untrained;
}
static double of_mean_embedding(const fnas_page_check *check) {
    return check->hypervolume_mean_embedding;
}
static double of_constant_preference(const fnas_page_check *check) {
    return check->hypervolume_constant_preference;
}

enum { RIVALS = 5 };
static const struct rival {
    const char *label;
    double (*value)(const fnas_page_check *check);
} rivals[RIVALS] = {
    {"Searched", of_front},
    {"Random", of_random},
    {"Untrained", of_untrained},
    {"Mean embedding", of_mean_embedding},
    {"One preference", of_constant_preference},
};

static int64_t known_rivals(const fnas_page *page, const struct rival *known[RIVALS]) {
    int64_t count = 0;
    for (int64_t r = 0; r < RIVALS; r++)
        if (any_known(page, rivals[r].value)) known[count++] = &rivals[r];
    return count;
}

/* ---- picture ---- */

/* What a front's picture is drawn from. Owned; NULL members when out of memory. */
typedef struct front_points {
    fnas_plot_point *predicted, *measured;
    bool any_measured;
} front_points;

static front_points collect_points(const fnas_page *page, const fnas_page_device *device) {
    front_points points = {fnas_allocate((size_t)device->row_count, sizeof(fnas_plot_point)),
                           fnas_allocate((size_t)device->row_count, sizeof(fnas_plot_point)), false};
    for (int64_t i = 0; points.predicted && points.measured && i < device->row_count; i++) {
        const fnas_page_row *row = &device->rows[i];
        double measured_ms = page->latency == page->other ? row->measured_ms : NAN;
        points.predicted[i] = (fnas_plot_point){row->values[page->other], row->values[page->error], row->arch};
        points.measured[i] = (fnas_plot_point){measured_ms, row->values[page->error], row->arch};
        points.any_measured |= isfinite(measured_ms);
    }
    return points;
}

static void append_staircase(fnas_text *text, const fnas_page *page, const fnas_page_device *device, bool document) {
    front_points points = collect_points(page, device);
    fnas_text x_label = {0}, y_label = {0};
    append_axis_label(&x_label, &page->objectives[page->other]);
    append_axis_label(&y_label, &page->objectives[page->error]);
    text->failed |= !points.predicted || !points.measured || x_label.failed || y_label.failed;
    if (!text->failed) {
        fnas_plot_series series[2] = {{page->objectives[page->other].source, FNAS_PLOT_FRONT, device->row_count, points.predicted},
                                      {"measured", FNAS_PLOT_CHECK, device->row_count, points.measured}};
        fnas_plot plot = {device->name, x_label.data, y_label.data, points.any_measured ? 2 : 1, series};
        (document ? fnas_plot_append_document : fnas_plot_append_element)(text, &plot);
    }
    fnas_text_free(&x_label);
    fnas_text_free(&y_label);
    fnas_free(points.predicted);
    fnas_free(points.measured);
}

/* What a picture of all objectives is drawn from; the device's values, row after row. Owned. */
typedef struct all_objectives {
    fnas_text labels[FNAS_MANY_OBJECTIVES_MAX];
    const char *label_of[FNAS_MANY_OBJECTIVES_MAX], **names;
    double *values;
    bool failed;
} all_objectives;

static void collect_objectives(const fnas_page *page, const fnas_page_device *device, all_objectives *all) {
    size_t rows = (size_t)device->row_count;
    all->names = fnas_allocate(rows, sizeof *all->names);
    all->values = fnas_allocate(rows * (size_t)page->objective_count, sizeof *all->values);
    all->failed = !all->names || !all->values;
    for (int64_t k = 0; k < page->objective_count; k++) {
        append_axis_label(&all->labels[k], &page->objectives[k]);
        all->label_of[k] = all->labels[k].data;
        all->failed |= all->labels[k].failed;
    }
    for (int64_t i = 0; i < device->row_count && !all->failed; i++) {
        all->names[i] = device->rows[i].arch;
        memcpy(all->values + i * page->objective_count, device->rows[i].values, (size_t)page->objective_count * sizeof *all->values);
    }
}

static void free_objectives(all_objectives *all) {
    for (int64_t k = 0; k < FNAS_MANY_OBJECTIVES_MAX; k++) fnas_text_free(&all->labels[k]);
    fnas_free(all->names);
    fnas_free(all->values);
}

void fnas_page_append_front(fnas_text *text, const fnas_page *page, const fnas_page_device *device, fnas_page_plot plot, bool document) {
    if (plot == FNAS_PAGE_STAIRCASE) {
        append_staircase(text, page, device, document);
        return;
    }
    all_objectives all = {0};
    collect_objectives(page, device, &all);
    text->failed |= all.failed;
    if (!text->failed) {
        const fnas_many many = {device->name, page->objective_count, all.label_of, device->row_count, all.names, all.values};
        (plot == FNAS_PAGE_PAIRS ? fnas_pairs_append : fnas_parallel_append)(text, &many, document);
    }
    free_objectives(&all);
}

/* ---- how it was made ---- */

static void append_facts(fnas_text *text, const fnas_page *page) {
    fnas_text_append(text, "<section id=\"run\"><h2>The run</h2>\n<dl>\n");
    for (int64_t i = 0; i < page->fact_count; i++) {
        fnas_page_append_escaped(text, "<dt>", page->facts[i].name, "</dt>");
        fnas_page_append_escaped(text, "<dd>", page->facts[i].value, "</dd>\n");
    }
    fnas_text_append(text, "</dl></section>\n");
}

/* ---- overview ---- */

static double smallest_value(const fnas_page_device *device, int64_t objective) {
    double smallest = NAN;
    for (int64_t i = 0; i < device->row_count; i++) smallest = fmin(smallest, device->rows[i].values[objective]);
    return smallest;
}

static void append_badge(fnas_text *text, const fnas_page_device *device) {
    fnas_text_append(text, device->searched ? "<span class=\"badge\">searched</span>"
                                            : "<span class=\"badge out\">kept out of the search</span>");
}

static void append_overview_head(fnas_text *text, const fnas_page *page, int64_t rival_count, const struct rival *const *known) {
    fnas_text_append(text, "<thead><tr><th scope=\"col\" class=\"text\">Device</th><th scope=\"col\">Points</th>");
    for (int64_t k = 0; k < page->objective_count; k++) {
        const fnas_page_objective *objective = &page->objectives[k];
        fnas_text label = {0};
        fnas_text_append(&label, objective->unit[0] ? "smallest, %s" : "smallest", objective->unit);
        fnas_page_append_head_cell(text, objective->label, label.data ? label.data : "");
        fnas_text_free(&label);
    }
    for (int64_t r = 0; r < rival_count; r++) fnas_page_append_head_cell(text, known[r]->label, "hypervolume");
    if (is_checked(page)) {
        fnas_page_append_head_cell(text, "Accuracy", "best, test, %");
        fnas_page_append_head_cell(text, "Latency error", "median, %");
        fnas_page_append_head_cell(text, "Rank", "Spearman");
    }
    fnas_text_append(text, "</tr></thead>\n");
}

static void append_overview_check(fnas_text *text, const fnas_page_check *check, int64_t rival_count, const struct rival *const *known) {
    for (int64_t r = 0; r < rival_count; r++) {
        fnas_text_append(text, known[r]->value == of_front ? "<td><b>" : "<td>");
        fnas_page_append_fixed(text, check ? known[r]->value(check) : NAN, 3);
        fnas_text_append(text, known[r]->value == of_front ? "</b></td>" : "</td>");
    }
    fnas_text_append(text, "<td>");
    fnas_page_append_fixed(text, check ? check->best_accuracy_pct : NAN, 1);
    fnas_text_append(text, "</td><td>");
    fnas_page_append_fixed(text, check ? check->median_ape_pct : NAN, 1);
    fnas_text_append(text, "</td><td>");
    fnas_page_append_fixed(text, check ? check->spearman : NAN, 3);
    fnas_text_append(text, "</td>");
}

static void append_overview_row(fnas_text *text, const fnas_page *page, int64_t d, int64_t rival_count, const struct rival *const *known) {
    const fnas_page_device *device = &page->devices[d];
    fnas_text_append(text, "<tr><td class=\"text\"><a href=\"#device-%lld\">", (long long)d + 1);
    fnas_page_append_escaped(text, "", device->name, "</a> ");
    append_badge(text, device);
    fnas_text_append(text, "</td><td>%lld</td>", (long long)device->row_count);
    for (int64_t k = 0; k < page->objective_count; k++) {
        fnas_text_append(text, "<td>");
        fnas_axis_append_value(text, smallest_value(device, k));
        fnas_text_append(text, "</td>");
    }
    if (is_checked(page)) append_overview_check(text, device->check, rival_count, known);
    fnas_text_append(text, "</tr>\n");
}

/* Hypervolumes of all devices in one picture. */
static void append_comparison(fnas_text *text, const fnas_page *page, int64_t rival_count, const struct rival *const *known) {
    const char *labels[RIVALS];
    fnas_dots_row *rows = fnas_allocate((size_t)page->device_count, sizeof *rows);
    double(*values)[RIVALS] = fnas_allocate((size_t)page->device_count, sizeof *values);
    text->failed |= !rows || !values;
    for (int64_t d = 0; !text->failed && d < page->device_count; d++) {
        const fnas_page_check *check = page->devices[d].check;
        for (int64_t r = 0; r < rival_count; r++) values[d][r] = check ? known[r]->value(check) : NAN;
        rows[d] = (fnas_dots_row){page->devices[d].name, values[d]};
    }
    for (int64_t r = 0; r < rival_count; r++) labels[r] = known[r]->label;
    fnas_dots dots = {
        "Hypervolume: more is better", "hypervolume (the axis does not begin at 0)", rival_count, labels, page->device_count, rows};
    if (!text->failed) {
        fnas_text_append(text, "<figure>");
        fnas_dots_append_element(text, &dots);
        fnas_text_append(text,
                         "<figcaption>Of the plane of test error and newly measured latency, scaled over fixed random architectures "
                         "and all methods shown; reference point (1, 1). <i>Searched</i>: the run's best 24 candidates; <i>Random</i>: "
                         "as many random architectures, mean of 200 draws; <i>Untrained</i>: a hypernetwork never trained.</figcaption>"
                         "</figure>\n");
    }
    fnas_free(rows);
    fnas_free(values);
}

static void append_overview(fnas_text *text, const fnas_page *page) {
    const struct rival *known[RIVALS];
    int64_t rival_count = known_rivals(page, known);
    fnas_text_append(text, "<section id=\"overview\"><h2>All devices</h2>\n<div class=\"scroll\"><table>\n");
    append_overview_head(text, page, rival_count, known);
    fnas_text_append(text, "<tbody>\n");
    for (int64_t d = 0; d < page->device_count; d++) append_overview_row(text, page, d, rival_count, known);
    fnas_text_append(text, "</tbody></table></div>\n");
    if (rival_count > 0) append_comparison(text, page, rival_count, known);
    fnas_text_append(text, "</section>\n");
}

/* ---- one device ---- */

static void append_tile(fnas_text *text, const char *label, double value, int decimals, const char *unit) {
    if (!isfinite(value)) return;
    fnas_text_append(text, "<div class=\"tile\"><b>%.*f%s</b><small>%s</small></div>\n", decimals, value, unit, label);
}

static void append_tiles(fnas_text *text, const fnas_page_check *check) {
    fnas_text_append(text, "<div class=\"tiles\">\n");
    append_tile(text, "hypervolume of the run's best 24", check->hypervolume, 3, "");
    append_tile(text, "of random architectures", check->hypervolume_random, 3, "");
    append_tile(text, "of an untrained hypernetwork", check->hypervolume_untrained, 3, "");
    append_tile(text, "with the mean embedding", check->hypervolume_mean_embedding, 3, "");
    append_tile(text, "with one preference", check->hypervolume_constant_preference, 3, "");
    append_tile(text, "best test accuracy, shared weights", check->best_accuracy_pct, 1, " %");
    append_tile(text, "median error of predicted latency", check->median_ape_pct, 1, " %");
    append_tile(text, "rank correlation of latency (Spearman)", check->spearman, 3, "");
    append_tile(text, "the machine's time now over its card's", check->slowdown, 2, "");
    fnas_text_append(text, "</div>\n");
}

static void append_figure(fnas_text *text, const fnas_page *page, const fnas_page_device *device, fnas_page_plot plot,
                          const char *caption) {
    fnas_text_append(text, "<figure>");
    fnas_page_append_front(text, page, device, plot, false);
    fnas_page_append_escaped(text, "<figcaption>", caption, "</figcaption></figure>\n");
}

static void append_front_figures(fnas_text *text, const fnas_page *page, const fnas_page_device *device) {
    if (page->objective_count == 2) {
        append_figure(text, page, device, FNAS_PAGE_STAIRCASE,
                      "Point at a mark for its architecture. What lies above and to the right of the line is worse in both.");
        return;
    }
    append_figure(text, page, device, FNAS_PAGE_PAIRS, "Each two objectives. Point at a mark for its architecture.");
    append_figure(text, page, device, FNAS_PAGE_PARALLEL,
                  "One line an architecture, through its values. Point at a line for its architecture.");
}

static void append_device(fnas_text *text, const fnas_page *page, int64_t d) {
    const fnas_page_device *device = &page->devices[d];
    fnas_text_append(text, "<section id=\"device-%lld\"><div class=\"head\">", (long long)d + 1);
    fnas_page_append_escaped(text, "<h2>", device->name, "</h2>");
    append_badge(text, device);
    fnas_text_append(text, "</div>\n");
    if (device->made[0]) fnas_page_append_escaped(text, "<p class=\"muted\">", device->made, "</p>\n");
    if (device->left_out) fnas_page_append_escaped(text, "<p class=\"muted\">Not verified: ", device->left_out, "</p>\n");
    fnas_text_append(text, "<div%s>", device->check ? " class=\"front\"" : "");
    append_front_figures(text, page, device);
    if (device->check) append_tiles(text, device->check);
    fnas_text_append(text, "</div>\n");
    fnas_page_append_table(text, page, device);
    fnas_text_append(text, "</section>\n");
}

/* ---- the whole ---- */

void fnas_page_append(fnas_text *text, const fnas_page *page) {
    fnas_text_append(text, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    fnas_page_append_escaped(text, "<title>", page->title, "</title>\n");
    fnas_text_append(text, "<style>%s%s</style></head>\n<body><main>\n", fnas_page_style, fnas_plot_style);
    fnas_page_append_escaped(text, "<h1>", page->title, "</h1>\n");
    fnas_text_append(text, "<p class=\"muted\">One search, one front of architectures for every device. Smaller is better for every number "
                           "but accuracy, hypervolume and "
                           "rank correlation.</p>\n");
    append_overview(text, page);
    for (int64_t d = 0; d < page->device_count; d++) append_device(text, page, d);
    append_facts(text, page);
    fnas_text_append(text, "</main></body></html>\n");
}
