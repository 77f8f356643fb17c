/* Text from outside inside of HTML and SVG. */
#ifndef FNAS_REPORT_ESCAPE_H
#define FNAS_REPORT_ESCAPE_H

#include "base/text.h"

/* As fnas_text_append_html, and control characters, which XML cannot hold in any form, become U+FFFD. */
void fnas_report_append(fnas_text *text, const char *string);

#endif
