#include "report/page_parts.h"

#include <math.h>
#include <string.h>

#include "report/escape.h"

void fnas_page_append_escaped(fnas_text *text, const char *before, const char *value, const char *after) {
    fnas_text_append_bytes(text, before, strlen(before));
    fnas_report_append(text, value);
    fnas_text_append_bytes(text, after, strlen(after));
}

void fnas_page_append_fixed(fnas_text *text, double value, int decimals) {
    if (isfinite(value))
        fnas_text_append(text, "%.*f", decimals, value);
    else
        fnas_text_append(text, "–");
}

void fnas_page_append_head_cell(fnas_text *text, const char *label, const char *detail) {
    fnas_page_append_escaped(text, "<th scope=\"col\">", label, "");
    fnas_page_append_escaped(text, "<small>", detail, "</small></th>");
}
