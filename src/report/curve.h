/* A picture of values against what was spent for them. */
#ifndef FNAS_REPORT_CURVE_H
#define FNAS_REPORT_CURVE_H

#include "base/text.h"

typedef struct fnas_curve_point {
    double x, y, error; /* the error is drawn as a bar up and down, where it is finite */
} fnas_curve_point;

typedef struct fnas_curve_line {
    const char *label;
    int64_t count;
    const fnas_curve_point *points; /* by rising x */
    int64_t style;                  /* as of a radar's line */
} fnas_curve_line;

/* A level to compare with: a dashed line across. */
typedef struct fnas_curve_level {
    const char *label;
    double y;
} fnas_curve_level;

typedef struct fnas_curve {
    const char *title, *x_label, *y_label;
    int64_t line_count;
    const fnas_curve_line *lines;
    int64_t level_count;
    const fnas_curve_level *levels;
} fnas_curve;

/* An <svg> element for a page that includes fnas_plot_style. */
void fnas_curve_append_element(fnas_text *text, const fnas_curve *curve);

#endif
