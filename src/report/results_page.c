/* The page of results, in both forms. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "report/curve.h"
#include "report/radar.h"
#include "report/results.h"
#include "report/sheet.h"

enum { LABEL_BYTES = 160, CELL_BYTES = 64, LINES_MOST = 64, HEADS_MOST = LINES_MOST + 4 };

typedef struct page {
    const fnas_results *results;
    fnas_sheet sheet;
    const char *svg;                 /* what Markdown shows; NULL: nothing */
    const char *methods[LINES_MOST]; /* those of the radars, in the order of their styles */
    int64_t method_count;
} page;

/* ---- names ---- */

static bool has_two_objectives(const fnas_contender *contender) {
    return !strcmp(contender->objectives, FNAS_TWO_OBJECTIVES);
}

static void write_amount(char *text, size_t size, const fnas_contender *contender) {
    if (contender->budget == FNAS_BUDGET_MINUTES)
        snprintf(text, size, "%g minutes", contender->amount);
    else if (contender->amount == 0)
        snprintf(text, size, "none");
    else
        snprintf(text, size, "%.0f evaluations", contender->amount);
}

/* "0.9876 ± 0.0012", "0.9876", "–" */
static void write_mean(char *text, size_t size, fnas_seed_mean mean, int decimals) {
    if (!isfinite(mean.mean))
        snprintf(text, size, "–");
    else if (!isfinite(mean.error))
        snprintf(text, size, "%.*f", decimals, mean.mean);
    else
        snprintf(text, size, "%.*f ± %.*f", decimals, mean.mean, decimals, mean.error);
}

static fnas_seed_mean mean_of_searched(const fnas_results *results, const fnas_contender *contender) {
    return fnas_results_mean(contender, results->searched_count, results->devices);
}

static fnas_seed_mean mean_of_unseen(const fnas_results *results, const fnas_contender *contender) {
    return fnas_results_mean(contender, results->device_count - results->searched_count, results->devices + results->searched_count);
}

/* ---- what stands side by side ---- */

static double largest_minutes(const fnas_results *results) {
    double most = 0;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        if (has_two_objectives(contender) && contender->budget == FNAS_BUDGET_MINUTES) most = fmax(most, contender->amount);
    }
    return most;
}

/* Numbers of evaluations above 0, rising; returns how many. */
static int64_t find_levels(const fnas_results *results, double *levels) {
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        bool counts = has_two_objectives(contender) && contender->budget == FNAS_BUDGET_EVALUATIONS && contender->amount > 0;
        if (counts && count < LINES_MOST && (!count || levels[count - 1] != contender->amount)) levels[count++] = contender->amount;
    }
    return count;
}

/* Beside `level` evaluations: the searches that had the most minutes, what needs no evaluation, and the rivals with so many. */
static int64_t find_lines(const fnas_results *results, double level, const fnas_contender **lines) {
    double minutes = largest_minutes(results);
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count && count < LINES_MOST; c++) {
        const fnas_contender *contender = &results->contenders[c];
        bool search = contender->budget == FNAS_BUDGET_MINUTES;
        bool taken = search ? contender->amount == minutes : contender->amount == 0 || contender->amount == level;
        if (has_two_objectives(contender) && taken) lines[count++] = contender;
    }
    return count;
}

/* A method keeps its colour in all pictures: searches come first. */
static int64_t style_of(page *p, const char *method) {
    for (int64_t m = 0; m < p->method_count; m++)
        if (!strcmp(p->methods[m], method)) return m;
    if (p->method_count < LINES_MOST) p->methods[p->method_count++] = method;
    return p->method_count - 1;
}

/* ---- the table over all devices ---- */

static void append_summary_row(page *p, const fnas_contender *contender) {
    const fnas_results *results = p->results;
    fnas_seed_mean searched = mean_of_searched(results, contender), unseen = mean_of_unseen(results, contender);
    bool search = contender->budget == FNAS_BUDGET_MINUTES;
    char amount[CELL_BYTES], cells[2][CELL_BYTES];
    write_amount(amount, sizeof amount, contender);
    write_mean(cells[0], sizeof cells[0], searched, 4);
    write_mean(cells[1], sizeof cells[1], unseen, 4);
    fnas_sheet_row(&p->sheet);
    fnas_sheet_cell(&p->sheet, false, "%s", contender->method);
    fnas_sheet_cell(&p->sheet, false, "%s", amount);
    fnas_sheet_cell(&p->sheet, search && searched.seeds, "%s", cells[0]);
    fnas_sheet_cell(&p->sheet, search && unseen.seeds, "%s", cells[1]);
    if (searched.seeds && unseen.seeds && searched.seeds != unseen.seeds)
        fnas_sheet_cell(&p->sheet, false, "%" PRId64 ", %" PRId64, searched.seeds, unseen.seeds);
    else
        fnas_sheet_cell(&p->sheet, false, "%" PRId64, searched.seeds > unseen.seeds ? searched.seeds : unseen.seeds);
    int64_t asked = (searched.seeds ? results->searched_count : 0) + (unseen.seeds ? results->device_count - results->searched_count : 0);
    if (search)
        fnas_sheet_cell(&p->sheet, false, "one search");
    else
        fnas_sheet_cell(&p->sheet, false, "%.0f", contender->amount * (double)asked);
    fnas_sheet_row_end(&p->sheet);
}

static void append_summary(page *p) {
    const fnas_results *results = p->results;
    char heads[2][CELL_BYTES];
    snprintf(heads[0], sizeof heads[0], "the %" PRId64 " searched", results->searched_count);
    snprintf(heads[1], sizeof heads[1], "the %" PRId64 " unseen", results->device_count - results->searched_count);
    const char *const columns[] = {"method", "budget", heads[0], heads[1], "seeds", "networks to train"};
    fnas_sheet_heading(&p->sheet, "Ratio to the true hypervolume");
    fnas_sheet_paragraph(
        &p->sheet,
        "Mean over devices, then over seeds, with the standard error of the latter. Error and latency; each front has at most 24 "
        "architectures, chosen by what its method knows, and is scored by the table. A rival sees the true error and latency of as "
        "many architectures as its budget says, anew for each device: they would have to be trained (last column: all devices "
        "together; what two devices ask alike counts twice). A search sees neither true errors nor the unseen devices, but for ten "
        "latencies of each.");
    fnas_sheet_table(&p->sheet, 6, 2, columns);
    for (int64_t c = 0; c < results->contender_count; c++)
        if (has_two_objectives(&results->contenders[c])) append_summary_row(p, &results->contenders[c]);
    fnas_sheet_table_end(&p->sheet);
}

/* ---- by device ---- */

static void write_line_label(char *text, size_t size, const fnas_contender *contender) {
    if (contender->budget == FNAS_BUDGET_MINUTES)
        snprintf(text, size, "%s, %g minutes", contender->method, contender->amount);
    else if (contender->amount == 0)
        snprintf(text, size, "%s, no evaluation", contender->method);
    else
        snprintf(text, size, "%s", contender->method);
}

static void append_device_row(page *p, int64_t device, int64_t count, const fnas_contender *const *lines) {
    const fnas_results *results = p->results;
    fnas_sheet_row(&p->sheet);
    fnas_sheet_cell(&p->sheet, false, device < results->searched_count ? "%s" : "%s (unseen)", results->devices[device]);
    for (int64_t l = 0; l < count; l++) {
        char cell[CELL_BYTES];
        fnas_seed_mean mean = fnas_results_mean(lines[l], 1, &results->devices[device]);
        mean.error = (double)NAN; /* of one device: in the files */
        write_mean(cell, sizeof cell, mean, 4);
        fnas_sheet_cell(&p->sheet, mean.seeds && lines[l]->budget == FNAS_BUDGET_MINUTES, "%s", cell);
    }
    fnas_sheet_row_end(&p->sheet);
}

static void append_device_table(page *p, int64_t count, const fnas_contender *const *lines) {
    char labels[LINES_MOST][LABEL_BYTES];
    const char *heads[HEADS_MOST] = {"device"};
    for (int64_t l = 0; l < count; l++) {
        write_line_label(labels[l], sizeof labels[l], lines[l]);
        heads[l + 1] = labels[l];
    }
    fnas_sheet_table(&p->sheet, count + 1, 1, heads);
    for (int64_t d = 0; d < p->results->device_count; d++) append_device_row(p, d, count, lines);
    fnas_sheet_table_end(&p->sheet);
}

/* values [count][devices]. */
static void append_radar(page *p, double level, int64_t count, const fnas_contender *const *lines, double *values, bool document) {
    const fnas_results *results = p->results;
    char labels[LINES_MOST][LABEL_BYTES], title[LABEL_BYTES];
    fnas_radar_line drawn[LINES_MOST];
    for (int64_t l = 0; l < count; l++) {
        double *row = values + l * results->device_count;
        for (int64_t d = 0; d < results->device_count; d++) row[d] = fnas_results_mean(lines[l], 1, &results->devices[d]).mean;
        write_line_label(labels[l], sizeof labels[l], lines[l]);
        drawn[l] = (fnas_radar_line){labels[l], row, style_of(p, lines[l]->method)};
    }
    if (level > 0)
        snprintf(title, sizeof title, "Hypervolume ratio; rivals: %.0f evaluations a device", level);
    else
        snprintf(title, sizeof title, "Hypervolume ratio");
    const fnas_radar radar = {title,
                              results->device_count,
                              results->devices,
                              results->searched_count,
                              results->searched_count < results->device_count ? "devices in this colour: never seen by the search" : NULL,
                              count,
                              drawn};
    fnas_radar_append(&p->sheet.text, &radar, document);
}

static void append_radar_of(page *p, double level, bool document) {
    const fnas_contender *lines[LINES_MOST];
    int64_t count = find_lines(p->results, level, lines);
    double *values = fnas_allocate((size_t)(count * p->results->device_count) + 1, sizeof *values);
    p->sheet.text.failed |= !values;
    if (values) append_radar(p, level, count, lines, values, document);
    fnas_free(values);
}

static void append_level(page *p, double level) {
    const fnas_contender *lines[LINES_MOST];
    char heading[LABEL_BYTES];
    int64_t count = find_lines(p->results, level, lines);
    if (!count) return;
    if (level > 0)
        snprintf(heading, sizeof heading, "By device, rivals with %.0f evaluations each", level);
    else
        snprintf(heading, sizeof heading, "By device");
    fnas_sheet_heading(&p->sheet, heading);
    if (p->sheet.html && p->results->device_count >= 3) {
        fnas_text_append(&p->sheet.text, "<figure>");
        append_radar_of(p, level, false);
        fnas_text_append(&p->sheet.text, "<figcaption>The rim is the true front. Point at a line for its numbers.</figcaption></figure>\n");
    }
    append_device_table(p, count, lines);
}

static void append_levels(page *p) {
    double levels[LINES_MOST] = {0};
    int64_t count = find_levels(p->results, levels);
    if (!count) append_level(p, 0);
    for (int64_t i = 0; i < count; i++) append_level(p, levels[i]);
}

/* ---- against minutes ---- */

/* Points of one method over its budgets, of the searched or the unseen devices. */
static int64_t find_points(const fnas_results *results, const char *method, bool unseen, fnas_curve_point *points) {
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count && count < LINES_MOST; c++) {
        const fnas_contender *contender = &results->contenders[c];
        if (!has_two_objectives(contender) || contender->budget != FNAS_BUDGET_MINUTES || strcmp(contender->method, method) != 0) continue;
        fnas_seed_mean mean = unseen ? mean_of_unseen(results, contender) : mean_of_searched(results, contender);
        if (isfinite(mean.mean)) points[count++] = (fnas_curve_point){contender->amount, mean.mean, mean.error};
    }
    return count;
}

/* The random search's means over the searched devices. */
static int64_t find_random(const fnas_results *results, char labels[][LABEL_BYTES], fnas_curve_level *levels) {
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count && count < 4; c++) {
        const fnas_contender *contender = &results->contenders[c];
        double mean = mean_of_searched(results, contender).mean;
        if (!has_two_objectives(contender) || strcmp(contender->method, "random") != 0 || !isfinite(mean)) continue;
        snprintf(labels[count], LABEL_BYTES, "%.0f random architectures, true errors", contender->amount);
        levels[count] = (fnas_curve_level){labels[count], mean};
        count++;
    }
    return count;
}

static void append_curve(page *p, const char *method) {
    fnas_curve_point points[2][LINES_MOST];
    char labels[2][LABEL_BYTES], level_labels[4][LABEL_BYTES], title[LABEL_BYTES];
    fnas_curve_level levels[4];
    fnas_curve_line lines[2];
    int64_t line_count = 0;
    for (int unseen = 0; unseen < 2; unseen++) {
        int64_t count = find_points(p->results, method, unseen, points[unseen]);
        if (count < 2) continue;
        snprintf(labels[line_count], sizeof labels[0], unseen ? "devices never seen" : "devices searched on");
        lines[line_count] = (fnas_curve_line){labels[line_count], count, points[unseen], unseen};
        line_count++;
    }
    if (!line_count || !p->sheet.html) return;
    snprintf(title, sizeof title, "%s: ratio to the true hypervolume", method);
    const fnas_curve curve = {title, "minutes of search, everything counted",       "ratio", line_count,
                              lines, find_random(p->results, level_labels, levels), levels};
    fnas_text_append(&p->sheet.text, "<figure>");
    fnas_curve_append_element(&p->sheet.text, &curve);
    fnas_text_append(&p->sheet.text,
                     "<figcaption>Bars: the standard error over seeds. The axis does not begin at 0.</figcaption></figure>\n");
}

/* Methods that searched with several budgets. */
static void append_curves(page *p) {
    const fnas_results *results = p->results;
    bool any = false;
    for (int64_t c = 0; c < results->contender_count; c++) {
        fnas_curve_point points[LINES_MOST];
        const fnas_contender *contender = &results->contenders[c];
        bool first = has_two_objectives(contender) && contender->budget == FNAS_BUDGET_MINUTES;
        for (int64_t before = 0; before < c && first; before++) first = strcmp(results->contenders[before].method, contender->method) != 0;
        if (!first ||
            (find_points(results, contender->method, false, points) < 2 && find_points(results, contender->method, true, points) < 2))
            continue;
        if (!any) fnas_sheet_heading(&p->sheet, "Against the minutes of search");
        if (!any) fnas_sheet_paragraph(&p->sheet, "The same search with less time: the first rows of the first table.");
        any = true;
        append_curve(p, contender->method);
    }
}

/* ---- more objectives ---- */

static void append_many_rows(page *p, const fnas_contender *contender) {
    for (int64_t i = 0; i < contender->count; i++) {
        const char *device = contender->results[i].device;
        bool first = true;
        for (int64_t before = 0; before < i && first; before++) first = strcmp(contender->results[before].device, device) != 0;
        if (!first) continue;
        char amount[CELL_BYTES], cell[CELL_BYTES];
        fnas_seed_mean mean = fnas_results_mean(contender, 1, &device);
        write_amount(amount, sizeof amount, contender);
        write_mean(cell, sizeof cell, mean, 4);
        fnas_sheet_row(&p->sheet);
        fnas_sheet_cell(&p->sheet, false, "%s", device);
        fnas_sheet_cell(&p->sheet, false, "%s", contender->method);
        fnas_sheet_cell(&p->sheet, false, "%s", amount);
        fnas_sheet_cell(&p->sheet, contender->budget == FNAS_BUDGET_MINUTES, "%s", cell);
        fnas_sheet_cell(&p->sheet, false, "%" PRId64, mean.seeds);
        fnas_sheet_row_end(&p->sheet);
    }
}

static void append_many(page *p) {
    static const char *const heads[] = {"device", "method", "budget", "ratio", "seeds"};
    const fnas_results *results = p->results;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        if (has_two_objectives(contender)) continue;
        bool first = !c || strcmp(results->contenders[c - 1].objectives, contender->objectives) != 0;
        bool last = c + 1 == results->contender_count || strcmp(results->contenders[c + 1].objectives, contender->objectives) != 0;
        if (first) {
            fnas_sheet_heading(&p->sheet, contender->objectives);
            fnas_sheet_paragraph(&p->sheet,
                                 "Ratio to the true hypervolume of all these objectives, mean over seeds with its standard error.");
            fnas_sheet_table(&p->sheet, 5, 3, heads);
        }
        append_many_rows(p, contender);
        if (last) fnas_sheet_table_end(&p->sheet);
    }
}

/* ---- times ---- */

static bool is_shared(const fnas_stage_time *time) {
    return !strcmp(time->method, FNAS_SHARED_STAGE);
}

static bool is_same_search(const fnas_stage_time *a, const fnas_stage_time *b) {
    return a->minutes == b->minutes && !strcmp(a->method, b->method);
}

/* Distinct stages in order of appearance. */
static int64_t find_stages(const fnas_results *results, const char **stages) {
    int64_t count = 0;
    for (int64_t i = 0; i < results->time_count; i++) {
        bool known = false;
        for (int64_t s = 0; s < count; s++) known |= !strcmp(stages[s], results->times[i].stage);
        if (!known && count < LINES_MOST) stages[count++] = results->times[i].stage;
    }
    return count;
}

/* Minutes of a stage of one search, mean over its seeds; a shared stage counts whole. */
static double mean_minutes(const fnas_results *results, const fnas_stage_time *search, const char *stage) {
    double seconds = 0, shared = 0;
    int64_t seeds = 0;
    for (int64_t i = 0; i < results->time_count; i++) {
        const fnas_stage_time *time = &results->times[i];
        if (!is_shared(time) && is_same_search(time, search)) {
            bool first = true;
            for (int64_t j = 0; j < i && first; j++)
                first = !is_same_search(&results->times[j], search) || results->times[j].seed != time->seed;
            seeds += first;
            if (!strcmp(time->stage, stage)) seconds += time->seconds;
        } else if (is_shared(time) && !strcmp(time->stage, stage)) {
            shared += time->seconds;
        }
    }
    return ((seeds ? seconds / (double)seeds : 0) + shared) / 60;
}

static void append_time_row(page *p, const fnas_stage_time *search, int64_t stage_count, const char *const *stages) {
    double sum = 0;
    fnas_sheet_row(&p->sheet);
    fnas_sheet_cell(&p->sheet, false, "%s, %g minutes", search->method, search->minutes);
    for (int64_t s = 0; s < stage_count; s++) {
        double minutes = mean_minutes(p->results, search, stages[s]);
        sum += minutes;
        fnas_sheet_cell(&p->sheet, false, "%.2f", minutes);
    }
    fnas_sheet_cell(&p->sheet, true, "%.2f", sum);
    fnas_sheet_row_end(&p->sheet);
}

static void append_times(page *p) {
    const fnas_results *results = p->results;
    const char *heads[HEADS_MOST] = {"search"};
    int64_t stage_count = find_stages(results, heads + 1);
    if (!stage_count) return;
    heads[stage_count + 1] = "sum";
    fnas_sheet_heading(&p->sheet, "Minutes by stage");
    fnas_sheet_paragraph(&p->sheet, "Mean over seeds. Stages that serve all searches count whole in each.");
    fnas_sheet_table(&p->sheet, stage_count + 2, 1, heads);
    for (int64_t i = 0; i < results->time_count; i++) {
        bool first = !is_shared(&results->times[i]);
        for (int64_t j = 0; j < i && first; j++)
            first = is_shared(&results->times[j]) || !is_same_search(&results->times[j], &results->times[i]);
        if (first) append_time_row(p, &results->times[i], stage_count, heads + 1);
    }
    fnas_sheet_table_end(&p->sheet);
}

/* ---- the whole ---- */

static void append_scored(page *p) {
    int64_t scored = p->results->scored;
    if (scored < 0) return;
    fnas_sheet_heading(&p->sheet, "How often the truth was asked");
    fnas_sheet_paragraph(&p->sheet,
                         "%" PRId64
                         " configuration%s of the search %s ever scored against the truth. Whoever scores many and shows the best reports, "
                         "in part, luck: settings are chosen on the searched devices, and the unseen ones are scored once.",
                         scored, scored == 1 ? "" : "s", scored == 1 ? "was" : "were");
}

static void append_page(page *p, const char *title) {
    const fnas_results *results = p->results;
    fnas_sheet_begin(&p->sheet, title);
    fnas_sheet_paragraph(&p->sheet,
                         "%" PRId64 " scores against truth tables: %" PRId64 " devices that searches saw, %" PRId64 " that they did not.",
                         results->count, results->searched_count, results->device_count - results->searched_count);
    if (!p->sheet.html && p->svg) {
        fnas_text_append(&p->sheet.text, "\n![");
        fnas_text_append(&p->sheet.text, "Ratio to the true hypervolume by device](%s)\n", p->svg);
    }
    for (int64_t c = 0; c < results->contender_count; c++) /* searches first: theirs are the first styles */
        if (has_two_objectives(&results->contenders[c]) && results->contenders[c].amount == largest_minutes(results) &&
            results->contenders[c].budget == FNAS_BUDGET_MINUTES)
            style_of(p, results->contenders[c].method);
    append_summary(p);
    append_levels(p);
    append_curves(p);
    append_many(p);
    append_times(p);
    append_scored(p);
    fnas_sheet_end(&p->sheet);
}

static fnas_status write_sheet(fnas_context *context, page *p, const char *path) {
    fnas_text *text = &p->sheet.text;
    fnas_status status = text->failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text->data, text->size);
    fnas_text_free(text);
    return status;
}

fnas_status fnas_results_write_markdown(fnas_context *context, const fnas_results *results, const char *title, const char *svg,
                                        const char *path) {
    page p = {.results = results, .svg = svg};
    append_page(&p, title);
    return write_sheet(context, &p, path);
}

fnas_status fnas_results_write_html(fnas_context *context, const fnas_results *results, const char *title, const char *path) {
    page p = {.results = results, .sheet = {.html = true}};
    append_page(&p, title);
    return write_sheet(context, &p, path);
}

fnas_status fnas_results_write_svg(fnas_context *context, const fnas_results *results, const char *path) {
    const fnas_contender *lines[LINES_MOST];
    double levels[LINES_MOST] = {0};
    int64_t count = find_levels(results, levels);
    double level = count ? levels[count - 1] : 0;
    page p = {.results = results};
    if (!find_lines(results, level, lines) || results->device_count < 3)
        return fnas_fail(context, FNAS_ERR_INPUT, "a radar needs three devices, and scores of error and latency");
    append_radar_of(&p, level, true);
    return write_sheet(context, &p, path);
}
