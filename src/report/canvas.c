#include "report/canvas.h"

#include "report/escape.h"
#include "report/plot.h"

enum { DOCUMENT_PERCENT = 150 }; /* of a picture that stands alone */

double fnas_canvas_text_width(const char *label) {
    int64_t letters = 0;
    for (; *label; label++) letters += ((unsigned char)*label & 0xC0) != 0x80; /* not the later bytes of one letter */
    return 7.0 * (double)letters;
}

void fnas_canvas_label(fnas_text *text, const char *classes, double x, double y, const char *label) {
    fnas_text_append(text, "<text class=\"fp-text %s\" x=\"%.1f\" y=\"%.1f\">", classes, x, y);
    fnas_report_append(text, label);
    fnas_text_append(text, "</text>\n");
}

void fnas_canvas_label_within(fnas_text *text, const char *classes, double x, double y, double most, const char *label) {
    fnas_text_append(text, "<text class=\"fp-text %s\" x=\"%.1f\" y=\"%.1f\"", classes, x, y);
    if (fnas_canvas_text_width(label) > most) fnas_text_append(text, " textLength=\"%.0f\" lengthAdjust=\"spacingAndGlyphs\"", most);
    fnas_text_append(text, ">");
    fnas_report_append(text, label);
    fnas_text_append(text, "</text>\n");
}

static void append_root(fnas_text *text, int64_t height, const char *title, bool document) {
    fnas_text_append(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %lld\" role=\"img\" aria-label=\"",
                     FNAS_CANVAS_WIDTH, (long long)height);
    fnas_report_append(text, title);
    fnas_text_append(text, "\"");
    if (document)
        fnas_text_append(text, " width=\"%d\" height=\"%lld\"", FNAS_CANVAS_WIDTH * DOCUMENT_PERCENT / 100,
                         (long long)height * DOCUMENT_PERCENT / 100);
    fnas_text_append(text, ">\n");
}

void fnas_canvas_open(fnas_text *text, int64_t height, const char *title, bool document) {
    if (document) fnas_text_append(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    append_root(text, height, title, document);
    if (document) fnas_text_append(text, "<style>%s</style>\n", fnas_plot_style);
    fnas_text_append(text, "<rect class=\"fp-ground\" x=\".5\" y=\".5\" width=\"%d\" height=\"%lld\" rx=\"8\"/>\n", FNAS_CANVAS_WIDTH - 1,
                     (long long)height - 1);
    fnas_canvas_label_within(text, "fp-title fp-ink", 16, 25, FNAS_CANVAS_WIDTH - 32, title);
}
