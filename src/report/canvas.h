/* What all pictures share: the document, its ground, texts. */
#ifndef FNAS_REPORT_CANVAS_H
#define FNAS_REPORT_CANVAS_H

#include "base/text.h"

/* Most pictures' width, in units of the picture, which is scaled to where it is shown; small enough that its letters stay readable on a
 * phone. */
#define FNAS_CANVAS_WIDTH 480

/* Opens a picture: a whole document with its own style, or an <svg> element for a page that includes fnas_plot_style. Then the ground and
 * the title. The caller closes it: "</svg>\n". */
void fnas_canvas_open(fnas_text *text, int64_t height, const char *title, bool document);

/* A text whose class is "fp-text" and those given, escaped. */
void fnas_canvas_label(fnas_text *text, const char *classes, double x, double y, const char *label);
/* The same, squeezed into `most` where it is wider. */
void fnas_canvas_label_within(fnas_text *text, const char *classes, double x, double y, double most, const char *label);

/* About how wide a text is. */
double fnas_canvas_text_width(const char *label);

#endif
