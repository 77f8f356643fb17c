/* One document in two forms, Markdown and HTML: headings, paragraphs, tables. Texts are escaped for either. */
#ifndef FNAS_REPORT_SHEET_H
#define FNAS_REPORT_SHEET_H

#include "base/text.h"

typedef struct fnas_sheet {
    fnas_text text; /* allocation failures: text.failed */
    bool html;
} fnas_sheet;

void fnas_sheet_begin(fnas_sheet *sheet, const char *title);
void fnas_sheet_end(fnas_sheet *sheet);
void fnas_sheet_heading(fnas_sheet *sheet, const char *heading); /* begins a section */
void fnas_sheet_paragraph(fnas_sheet *sheet, const char *format, ...) FNAS_PRINTF(2, 3);

/* A table: heads [columns], of which the first `texts` columns hold words, the others numbers; then cells, row by row. */
void fnas_sheet_table(fnas_sheet *sheet, int64_t columns, int64_t texts, const char *const *heads);
void fnas_sheet_row(fnas_sheet *sheet);
void fnas_sheet_cell(fnas_sheet *sheet, bool strong, const char *format, ...) FNAS_PRINTF(3, 4);
void fnas_sheet_row_end(fnas_sheet *sheet);
void fnas_sheet_table_end(fnas_sheet *sheet);

#endif
