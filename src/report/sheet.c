#include "report/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/page_style.h"
#include "report/plot.h"

enum { FORMATTED_BYTES = 2048 };

/* Markdown's signs inside of a line; underscores within words are none. */
static void append_plain(fnas_sheet *sheet, const char *words) {
    if (sheet->html) {
        fnas_report_append(&sheet->text, words);
        return;
    }
    for (; *words; words++) fnas_text_append(&sheet->text, strchr("\\`*<|[]", *words) ? "\\%c" : "%c", *words);
}

void fnas_sheet_begin(fnas_sheet *sheet, const char *title) {
    if (sheet->html) {
        fnas_text_append(&sheet->text, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
        append_plain(sheet, title);
        fnas_text_append(&sheet->text, "</title>\n<style>%s%s</style></head>\n<body><main>\n<h1>", fnas_page_style, fnas_plot_style);
    } else {
        fnas_text_append(&sheet->text, "# ");
    }
    append_plain(sheet, title);
    fnas_text_append(&sheet->text, sheet->html ? "</h1>\n<section>\n" : "\n");
}

void fnas_sheet_end(fnas_sheet *sheet) {
    if (sheet->html) fnas_text_append(&sheet->text, "</section></main></body></html>\n");
}

void fnas_sheet_heading(fnas_sheet *sheet, const char *heading) {
    fnas_text_append(&sheet->text, sheet->html ? "</section>\n<section><h2>" : "\n## ");
    append_plain(sheet, heading);
    fnas_text_append(&sheet->text, sheet->html ? "</h2>\n" : "\n");
}

static void append_formatted(fnas_sheet *sheet, const char *format, va_list arguments) {
    char words[FORMATTED_BYTES];
    vsnprintf(words, sizeof words, format, arguments);
    append_plain(sheet, words);
}

void fnas_sheet_paragraph(fnas_sheet *sheet, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fnas_text_append(&sheet->text, sheet->html ? "<p>" : "\n");
    append_formatted(sheet, format, arguments);
    fnas_text_append(&sheet->text, sheet->html ? "</p>\n" : "\n");
    va_end(arguments);
}

/* ---- tables ---- */

static void append_html_head(fnas_sheet *sheet, int64_t columns, int64_t texts, const char *const *heads) {
    fnas_text_append(&sheet->text, "<div class=\"scroll\"><table>\n<thead><tr>");
    for (int64_t c = 0; c < columns; c++) {
        fnas_text_append(&sheet->text, c < texts ? "<th scope=\"col\" class=\"text\">" : "<th scope=\"col\">");
        append_plain(sheet, heads[c]);
        fnas_text_append(&sheet->text, "</th>");
    }
    fnas_text_append(&sheet->text, "</tr></thead>\n<tbody>\n");
}

static void append_markdown_head(fnas_sheet *sheet, int64_t columns, int64_t texts, const char *const *heads) {
    fnas_text_append(&sheet->text, "\n|");
    for (int64_t c = 0; c < columns; c++) {
        fnas_text_append(&sheet->text, " ");
        append_plain(sheet, heads[c]);
        fnas_text_append(&sheet->text, " |");
    }
    fnas_text_append(&sheet->text, "\n|");
    for (int64_t c = 0; c < columns; c++) fnas_text_append(&sheet->text, c < texts ? "---|" : "---:|");
    fnas_text_append(&sheet->text, "\n");
}

void fnas_sheet_table(fnas_sheet *sheet, int64_t columns, int64_t texts, const char *const *heads) {
    (sheet->html ? append_html_head : append_markdown_head)(sheet, columns, texts, heads);
}

void fnas_sheet_row(fnas_sheet *sheet) {
    fnas_text_append(&sheet->text, sheet->html ? "<tr>" : "|");
}

void fnas_sheet_cell(fnas_sheet *sheet, bool strong, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fnas_text_append(&sheet->text, sheet->html ? (strong ? "<td><b>" : "<td>") : (strong ? " **" : " "));
    append_formatted(sheet, format, arguments);
    fnas_text_append(&sheet->text, sheet->html ? (strong ? "</b></td>" : "</td>") : (strong ? "** |" : " |"));
    va_end(arguments);
}

void fnas_sheet_row_end(fnas_sheet *sheet) {
    fnas_text_append(&sheet->text, sheet->html ? "</tr>\n" : "\n");
}

void fnas_sheet_table_end(fnas_sheet *sheet) {
    if (sheet->html) fnas_text_append(&sheet->text, "</tbody></table></div>\n");
}
