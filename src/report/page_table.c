/* The table of one device: its architectures, the best first. */
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "report/axis.h"
#include "report/escape.h"
#include "report/page_parts.h"

/* What the table has columns for, and whether values of predicted ones are measured. */
typedef struct table_columns {
    bool measured, test_error, marks;
} table_columns;

/* A column of measurements needs no marks. */
static bool is_marked(const fnas_page *page, const fnas_page_row *row, int64_t objective) {
    return (row->by_card >> objective & 1) && strcmp(page->objectives[objective].source, "measured") != 0;
}

static table_columns find_columns(const fnas_page *page, const fnas_page_device *device) {
    table_columns columns = {false, false, false};
    for (int64_t i = 0; i < device->row_count; i++) {
        columns.measured |= isfinite(device->rows[i].measured_ms);
        columns.test_error |= isfinite(device->rows[i].test_error_pct);
        for (int64_t k = 0; k < page->objective_count; k++) columns.marks |= is_marked(page, &device->rows[i], k);
    }
    return columns;
}

static void append_table_head(fnas_text *text, const fnas_page *page, table_columns columns) {
    fnas_text_append(text, "<thead><tr>");
    fnas_page_append_head_cell(text, "#", "best first");
    for (int64_t k = 0; k < page->objective_count; k++) {
        const fnas_page_objective *objective = &page->objectives[k];
        fnas_text detail = {0};
        fnas_text_append(&detail, objective->unit[0] ? "%s, %s" : "%s%s", objective->unit, objective->source);
        fnas_page_append_head_cell(text, objective->label, detail.data ? detail.data : "");
        fnas_text_free(&detail);
        if (k == page->error && columns.test_error) fnas_page_append_head_cell(text, "Test error", "%, shared weights");
        if (k == page->latency && columns.measured) fnas_page_append_head_cell(text, "Latency", "ms, measured anew");
    }
    fnas_text preference = {0};
    for (int64_t k = 0; k < page->objective_count; k++) fnas_text_append(&preference, "%s%s", k ? " : " : "", page->objectives[k].label);
    fnas_page_append_head_cell(text, "Preference", preference.data ? preference.data : "");
    fnas_text_free(&preference);
    fnas_text_append(text, "<th scope=\"col\" class=\"text\">Architecture</th></tr></thead>\n");
}

static void append_value_cell(fnas_text *text, double value, bool in_percent, bool marked) {
    fnas_text_append(text, "<td>");
    if (in_percent)
        fnas_page_append_fixed(text, value, 2);
    else
        fnas_axis_append_value(text, value);
    fnas_text_append(text, marked ? "*</td>" : "</td>");
}

/* An architecture without blanks may break behind its bars, "|conv~0|+|" before "conv~0|": otherwise it is as wide as the page, and cut
 * off. */
static void append_arch_cell(fnas_text *text, const char *arch) {
    fnas_text_append(text, "<td class=\"text arch\"><code>");
    for (const char *p = arch; *p; p++) {
        const char letter[2] = {*p, 0};
        fnas_report_append(text, letter);
        if (*p == '|' && p > arch && p[1] && p[1] != '+') fnas_text_append(text, "<wbr/>");
    }
    fnas_text_append(text, "</code></td>");
}

static void append_table_row(fnas_text *text, const fnas_page *page, const fnas_page_row *row, int64_t place, table_columns columns) {
    fnas_text_append(text, "<tr><td>%lld</td>", (long long)place);
    for (int64_t k = 0; k < page->objective_count; k++) {
        append_value_cell(text, row->values[k], k == page->error, is_marked(page, row, k));
        if (k == page->error && columns.test_error) append_value_cell(text, row->test_error_pct, true, false);
        if (k == page->latency && columns.measured) append_value_cell(text, row->measured_ms, false, false);
    }
    fnas_text_append(text, "<td>");
    for (int64_t k = 0; k < page->objective_count; k++) {
        int64_t hundredths = fnas_share_round(page->objective_count, row->preference, 100, k);
        fnas_text_append(text, "%s%.2f", k ? " : " : "", (double)hundredths / 100);
    }
    fnas_text_append(text, "</td>");
    append_arch_cell(text, row->arch);
    fnas_text_append(text, "</tr>\n");
}

void fnas_page_append_table(fnas_text *text, const fnas_page *page, const fnas_page_device *device) {
    table_columns columns = find_columns(page, device);
    fnas_text_append(text, "<details open><summary>%lld architecture%s</summary>\n<div class=\"scroll\"><table>\n",
                     (long long)device->row_count, device->row_count == 1 ? "" : "s");
    append_table_head(text, page, columns);
    fnas_text_append(text, "<tbody>\n");
    for (int64_t i = 0; i < device->row_count; i++) append_table_row(text, page, &device->rows[i], i + 1, columns);
    fnas_text_append(text, "</tbody></table></div>\n");
    if (columns.marks) fnas_text_append(text, "<p class=\"muted\">*: measured, as the device's card has it.</p>\n");
    fnas_text_append(text, "</details>\n");
}
