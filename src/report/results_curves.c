/* Ratios against the minutes of search. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/curve.h"
#include "report/results_page.h"

/* Points of one method over its budgets, of the searched or the unseen devices. */
static int64_t find_points(const fnas_results *results, const char *method, bool unseen, fnas_curve_point *points) {
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count && count < FNAS_RESULTS_LINES_MOST; c++) {
        const fnas_contender *contender = &results->contenders[c];
        if (!fnas_results_has_two_objectives(contender) || contender->budget != FNAS_BUDGET_MINUTES ||
            strcmp(contender->method, method) != 0)
            continue;
        fnas_seed_mean mean = unseen ? fnas_results_mean_of_unseen(results, contender) : fnas_results_mean_of_searched(results, contender);
        if (isfinite(mean.mean)) points[count++] = (fnas_curve_point){contender->amount, mean.mean, mean.error};
    }
    return count;
}

/* The random search's means over the searched devices. */
static int64_t find_random(const fnas_results *results, char labels[][FNAS_RESULTS_LABEL_BYTES], fnas_curve_level *levels) {
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count && count < 4; c++) {
        const fnas_contender *contender = &results->contenders[c];
        double mean = fnas_results_mean_of_searched(results, contender).mean;
        if (!fnas_results_has_two_objectives(contender) || strcmp(contender->method, "random") != 0 || !isfinite(mean)) continue;
        snprintf(labels[count], FNAS_RESULTS_LABEL_BYTES, "%.0f random architectures, true errors", contender->amount);
        levels[count] = (fnas_curve_level){labels[count], mean};
        count++;
    }
    return count;
}

static void append_curve(fnas_results_page *p, const char *method) {
    fnas_curve_point points[2][FNAS_RESULTS_LINES_MOST];
    char labels[2][FNAS_RESULTS_LABEL_BYTES], level_labels[4][FNAS_RESULTS_LABEL_BYTES], title[FNAS_RESULTS_LABEL_BYTES];
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
void fnas_results_append_curves(fnas_results_page *p) {
    const fnas_results *results = p->results;
    bool any = false;
    for (int64_t c = 0; c < results->contender_count; c++) {
        fnas_curve_point points[FNAS_RESULTS_LINES_MOST];
        const fnas_contender *contender = &results->contenders[c];
        bool first = fnas_results_has_two_objectives(contender) && contender->budget == FNAS_BUDGET_MINUTES;
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
