/* What the parts of the report's page share. */
#ifndef FNAS_REPORT_PAGE_PARTS_H
#define FNAS_REPORT_PAGE_PARTS_H

#include "report/page.h"

/* The value is escaped, what stands around it is not. */
void fnas_page_append_escaped(fnas_text *text, const char *before, const char *value, const char *after);
/* A dash where the value is not known. */
void fnas_page_append_fixed(fnas_text *text, double value, int decimals);
/* The head of a column, with a small line below its label. */
void fnas_page_append_head_cell(fnas_text *text, const char *label, const char *detail);

/* One device's architectures. */
void fnas_page_append_table(fnas_text *text, const fnas_page *page, const fnas_page_device *device);

#endif
