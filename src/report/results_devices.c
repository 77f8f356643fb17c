/* Ratios by device: tables, and radars with an axis a device. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/radar.h"
#include "report/results_page.h"

/* ---- what stands side by side ---- */

/* Numbers of evaluations above 0, rising; returns how many. */
static int64_t find_levels(const fnas_results *results, double *levels) {
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        bool counts = fnas_results_has_two_objectives(contender) && contender->budget == FNAS_BUDGET_EVALUATIONS && contender->amount > 0;
        if (counts && count < FNAS_RESULTS_LINES_MOST && (!count || levels[count - 1] != contender->amount))
            levels[count++] = contender->amount;
    }
    return count;
}

bool fnas_results_stands_beside(const fnas_contender *contender, double level, double most_minutes) {
    if (!fnas_results_has_two_objectives(contender)) return false;
    if (contender->budget == FNAS_BUDGET_MINUTES) return contender->amount == most_minutes;
    return contender->amount == 0 || contender->amount == level;
}

static int64_t find_lines(const fnas_results *results, double level, const fnas_contender **lines) {
    double minutes = fnas_results_largest_minutes(results);
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count && count < FNAS_RESULTS_LINES_MOST; c++) {
        const fnas_contender *contender = &results->contenders[c];
        if (fnas_results_stands_beside(contender, level, minutes)) lines[count++] = contender;
    }
    return count;
}

/* ---- tables and radars ---- */

static void write_line_label(char *text, size_t size, const fnas_contender *contender) {
    if (contender->budget == FNAS_BUDGET_MINUTES)
        snprintf(text, size, "%s, %g minutes", contender->method, contender->amount);
    else if (contender->amount == 0)
        snprintf(text, size, "%s, no evaluation", contender->method);
    else
        snprintf(text, size, "%s", contender->method);
}

static void append_device_row(fnas_results_page *p, int64_t device, int64_t count, const fnas_contender *const *lines) {
    const fnas_results *results = p->results;
    fnas_sheet_row(&p->sheet);
    fnas_sheet_cell(&p->sheet, false, device < results->searched_count ? "%s" : "%s (unseen)", results->devices[device]);
    for (int64_t l = 0; l < count; l++) {
        char cell[FNAS_RESULTS_CELL_BYTES];
        fnas_seed_mean mean = fnas_results_mean(lines[l], 1, &results->devices[device]);
        mean.error = (double)NAN; /* of one device: in the files */
        fnas_results_write_mean(cell, sizeof cell, mean, 4);
        fnas_sheet_cell(&p->sheet, mean.seeds && lines[l]->budget == FNAS_BUDGET_MINUTES, "%s", cell);
    }
    fnas_sheet_row_end(&p->sheet);
}

static void append_device_table(fnas_results_page *p, int64_t count, const fnas_contender *const *lines) {
    char labels[FNAS_RESULTS_LINES_MOST][FNAS_RESULTS_LABEL_BYTES];
    const char *heads[FNAS_RESULTS_HEADS_MOST] = {"device"};
    for (int64_t l = 0; l < count; l++) {
        write_line_label(labels[l], sizeof labels[l], lines[l]);
        heads[l + 1] = labels[l];
    }
    fnas_sheet_table(&p->sheet, count + 1, 1, heads);
    for (int64_t d = 0; d < p->results->device_count; d++) append_device_row(p, d, count, lines);
    fnas_sheet_table_end(&p->sheet);
}

/* values [count][devices]. */
static void append_radar(fnas_results_page *p, double level, int64_t count, const fnas_contender *const *lines, double *values,
                         bool document) {
    const fnas_results *results = p->results;
    char labels[FNAS_RESULTS_LINES_MOST][FNAS_RESULTS_LABEL_BYTES], title[FNAS_RESULTS_LABEL_BYTES];
    fnas_radar_line drawn[FNAS_RESULTS_LINES_MOST];
    for (int64_t l = 0; l < count; l++) {
        double *row = values + l * results->device_count;
        for (int64_t d = 0; d < results->device_count; d++) row[d] = fnas_results_mean(lines[l], 1, &results->devices[d]).mean;
        write_line_label(labels[l], sizeof labels[l], lines[l]);
        drawn[l] = (fnas_radar_line){labels[l], row, fnas_results_style_of(p, lines[l]->method)};
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

static void append_radar_of(fnas_results_page *p, double level, bool document) {
    const fnas_contender *lines[FNAS_RESULTS_LINES_MOST];
    int64_t count = find_lines(p->results, level, lines);
    double *values = fnas_allocate((size_t)(count * p->results->device_count) + 1, sizeof *values);
    p->sheet.text.failed |= !values;
    if (values) append_radar(p, level, count, lines, values, document);
    fnas_free(values);
}

static void append_level(fnas_results_page *p, double level) {
    const fnas_contender *lines[FNAS_RESULTS_LINES_MOST];
    char heading[FNAS_RESULTS_LABEL_BYTES];
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

void fnas_results_append_levels(fnas_results_page *p) {
    double levels[FNAS_RESULTS_LINES_MOST] = {0};
    int64_t count = find_levels(p->results, levels);
    if (!count) append_level(p, 0);
    for (int64_t i = 0; i < count; i++) append_level(p, levels[i]);
}

bool fnas_results_append_radar_alone(fnas_results_page *p) {
    const fnas_contender *lines[FNAS_RESULTS_LINES_MOST];
    double levels[FNAS_RESULTS_LINES_MOST] = {0};
    int64_t count = find_levels(p->results, levels);
    double level = count ? levels[count - 1] : 0;
    if (!find_lines(p->results, level, lines) || p->results->device_count < 3) return false;
    append_radar_of(p, level, true);
    return true;
}
