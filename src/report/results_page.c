/* The page of results, in both forms. */
#include "report/results_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

/* ---- names ---- */

bool fnas_results_has_two_objectives(const fnas_contender *contender) {
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

void fnas_results_write_mean(char *text, size_t size, fnas_seed_mean mean, int decimals) {
    if (!isfinite(mean.mean))
        snprintf(text, size, "–");
    else if (!isfinite(mean.error))
        snprintf(text, size, "%.*f", decimals, mean.mean);
    else
        snprintf(text, size, "%.*f ± %.*f", decimals, mean.mean, decimals, mean.error);
}

fnas_seed_mean fnas_results_mean_of_searched(const fnas_results *results, const fnas_contender *contender) {
    return fnas_results_mean(contender, results->searched_count, results->devices);
}

fnas_seed_mean fnas_results_mean_of_unseen(const fnas_results *results, const fnas_contender *contender) {
    return fnas_results_mean(contender, results->device_count - results->searched_count, results->devices + results->searched_count);
}

/* ---- what all parts go by ---- */

double fnas_results_largest_minutes(const fnas_results *results) {
    double most = 0;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        if (fnas_results_has_two_objectives(contender) && contender->budget == FNAS_BUDGET_MINUTES) most = fmax(most, contender->amount);
    }
    return most;
}

int64_t fnas_results_style_of(fnas_results_page *p, const char *method) {
    for (int64_t m = 0; m < p->method_count; m++)
        if (!strcmp(p->methods[m], method)) return m;
    if (p->method_count < FNAS_RESULTS_LINES_MOST) p->methods[p->method_count++] = method;
    return p->method_count - 1;
}

/* ---- the table over all devices ---- */

static void append_summary_row(fnas_results_page *p, const fnas_contender *contender) {
    const fnas_results *results = p->results;
    fnas_seed_mean searched = fnas_results_mean_of_searched(results, contender), unseen = fnas_results_mean_of_unseen(results, contender);
    bool search = contender->budget == FNAS_BUDGET_MINUTES;
    char amount[FNAS_RESULTS_CELL_BYTES], cells[2][FNAS_RESULTS_CELL_BYTES];
    write_amount(amount, sizeof amount, contender);
    fnas_results_write_mean(cells[0], sizeof cells[0], searched, 4);
    fnas_results_write_mean(cells[1], sizeof cells[1], unseen, 4);
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

static void append_summary(fnas_results_page *p) {
    const fnas_results *results = p->results;
    char heads[2][FNAS_RESULTS_CELL_BYTES];
    snprintf(heads[0], sizeof heads[0], "the %" PRId64 " searched", results->searched_count);
    snprintf(heads[1], sizeof heads[1], "the %" PRId64 " unseen", results->device_count - results->searched_count);
    const char *const columns[] = {"method", "budget", heads[0], heads[1], "seeds", "networks to train"};
    fnas_sheet_heading(&p->sheet, "Ratio to the true hypervolume");
    fnas_sheet_paragraph(
        &p->sheet,
        "Mean over devices, then over seeds, with the standard error of the latter. Error and latency; each front has at most 24 "
        "architectures, chosen by what its method knows, and is scored by the table. Searches are in bold, also where others are better. A "
        "rival sees the true "
        "error and latency of as "
        "many architectures as its budget says, anew for each device: they would have to be trained (last column: all devices "
        "together; what two devices ask alike counts twice). A search sees neither true errors nor the unseen devices, but for ten "
        "latencies of each.");
    fnas_sheet_table(&p->sheet, 6, 2, columns);
    for (int64_t c = 0; c < results->contender_count; c++)
        if (fnas_results_has_two_objectives(&results->contenders[c])) append_summary_row(p, &results->contenders[c]);
    fnas_sheet_table_end(&p->sheet);
}

/* ---- more objectives ---- */

static void append_many_rows(fnas_results_page *p, const fnas_contender *contender) {
    for (int64_t i = 0; i < contender->count; i++) {
        const char *device = contender->results[i].device;
        bool first = true;
        for (int64_t before = 0; before < i && first; before++) first = strcmp(contender->results[before].device, device) != 0;
        if (!first) continue;
        char amount[FNAS_RESULTS_CELL_BYTES], cell[FNAS_RESULTS_CELL_BYTES];
        fnas_seed_mean mean = fnas_results_mean(contender, 1, &device);
        write_amount(amount, sizeof amount, contender);
        fnas_results_write_mean(cell, sizeof cell, mean, 4);
        fnas_sheet_row(&p->sheet);
        fnas_sheet_cell(&p->sheet, false, "%s", device);
        fnas_sheet_cell(&p->sheet, false, "%s", contender->method);
        fnas_sheet_cell(&p->sheet, false, "%s", amount);
        fnas_sheet_cell(&p->sheet, contender->budget == FNAS_BUDGET_MINUTES, "%s", cell);
        fnas_sheet_cell(&p->sheet, false, "%" PRId64, mean.seeds);
        fnas_sheet_row_end(&p->sheet);
    }
}

static void append_many(fnas_results_page *p) {
    static const char *const heads[] = {"device", "method", "budget", "ratio", "seeds"};
    const fnas_results *results = p->results;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        if (fnas_results_has_two_objectives(contender)) continue;
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

/* ---- the whole ---- */

static void append_scored(fnas_results_page *p) {
    int64_t scored = p->results->scored;
    if (scored < 0) return;
    fnas_sheet_heading(&p->sheet, "How often the truth was asked");
    fnas_sheet_paragraph(&p->sheet,
                         "%" PRId64
                         " configuration%s of the search %s ever scored against the truth. Whoever scores many and shows the best reports, "
                         "in part, luck: settings are chosen on the searched devices, and the unseen ones are scored once.",
                         scored, scored == 1 ? "" : "s", scored == 1 ? "was" : "were");
}

static void append_page(fnas_results_page *p, const char *title) {
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
        if (fnas_results_has_two_objectives(&results->contenders[c]) &&
            results->contenders[c].amount == fnas_results_largest_minutes(results) && results->contenders[c].budget == FNAS_BUDGET_MINUTES)
            fnas_results_style_of(p, results->contenders[c].method);
    append_summary(p);
    fnas_results_append_levels(p);
    fnas_results_append_curves(p);
    append_many(p);
    fnas_results_append_times(p);
    append_scored(p);
    fnas_sheet_end(&p->sheet);
}

static fnas_status write_sheet(fnas_context *context, fnas_results_page *p, const char *path) {
    fnas_text *text = &p->sheet.text;
    fnas_status status = text->failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text->data, text->size);
    fnas_text_free(text);
    return status;
}

fnas_status fnas_results_write_markdown(fnas_context *context, const fnas_results *results, const char *title, const char *svg,
                                        const char *path) {
    fnas_results_page p = {.results = results, .svg = svg};
    append_page(&p, title);
    return write_sheet(context, &p, path);
}

fnas_status fnas_results_write_html(fnas_context *context, const fnas_results *results, const char *title, const char *path) {
    fnas_results_page p = {.results = results, .sheet = {.html = true}};
    append_page(&p, title);
    return write_sheet(context, &p, path);
}

fnas_status fnas_results_write_svg(fnas_context *context, const fnas_results *results, const char *path) {
    fnas_results_page p = {.results = results};
    if (!fnas_results_append_radar_alone(&p))
        return fnas_fail(context, FNAS_ERR_INPUT, "a radar needs three devices, and scores of error and latency");
    return write_sheet(context, &p, path);
}
