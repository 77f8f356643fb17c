/* Pictures of point sets as SVG, drawn from plain arrays. */
#ifndef FNAS_REPORT_PLOT_H
#define FNAS_REPORT_PLOT_H

#include "base/text.h"

typedef struct fnas_plot_point {
    double x, y;       /* a point that is not finite is left out */
    const char *title; /* shown on pointing at it, before its values */
} fnas_plot_point;

typedef enum fnas_plot_mark {
    FNAS_PLOT_FRONT, /* filled circles; those that no other dominates are joined by a staircase */
    FNAS_PLOT_CHECK  /* hollow diamonds; with a line to the same point of the first series */
} fnas_plot_mark;

typedef struct fnas_plot_series {
    const char *label; /* in the legend, which appears with more than one series */
    fnas_plot_mark mark;
    int64_t count;
    const fnas_plot_point *points;
} fnas_plot_series;

/* Both axes are minimised. Labels carry their units: "Latency (ms)". */
typedef struct fnas_plot {
    const char *title, *x_label, *y_label;
    int64_t series_count;
    const fnas_plot_series *series;
} fnas_plot;

/* A row of a comparison: values [value_count], NaN where not known. */
typedef struct fnas_dots_row {
    const char *label;
    const double *values;
} fnas_dots_row;

/* Methods compared on several devices: one line a row, one mark a value, on a common axis over the values. */
typedef struct fnas_dots {
    const char *title, *x_label;
    int64_t value_count; /* 1..5 */
    const char *const *value_labels;
    int64_t row_count;
    const fnas_dots_row *rows;
} fnas_dots;

/* A whole SVG document with its own style; or an <svg> element for a page that includes fnas_plot_style. Allocation failures: text->failed.
 */
void fnas_plot_append_document(fnas_text *text, const fnas_plot *plot);
void fnas_plot_append_element(fnas_text *text, const fnas_plot *plot);
void fnas_dots_append_element(fnas_text *text, const fnas_dots *dots);
extern const char fnas_plot_style[];

/* Ticks at first, first + step, ... within [low, high] (low < high), at most `most` (>= 2), steps of 1, 2 or 5 times a power of ten
 * (Heckbert 1990). Returns their number. */
int64_t fnas_plot_ticks(double low, double high, int64_t most, double *first, double *step);

#endif
