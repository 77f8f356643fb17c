/* The page's own style sheet; no external resources. */
#ifndef FNAS_REPORT_PAGE_STYLE_H
#define FNAS_REPORT_PAGE_STYLE_H

extern const char fnas_page_style[];

#endif
