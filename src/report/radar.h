/* A radar picture: one axis a device, one closed line a method. */
#ifndef FNAS_REPORT_RADAR_H
#define FNAS_REPORT_RADAR_H

#include "base/text.h"

typedef struct fnas_radar_line {
    const char *label;
    const double *values; /* [axis_count]; NaN: not known, the line is open there */
    int64_t style;        /* colour and dashes; 0 is the thick one, drawn last */
} fnas_radar_line;

typedef struct fnas_radar {
    const char *title;
    int64_t axis_count; /* 3 and more */
    const char *const *axes;
    int64_t plain_axes;      /* the first ones; the names of the others are in another colour */
    const char *others_note; /* what the others are, in the legend; NULL: there are none */
    int64_t line_count;
    const fnas_radar_line *lines;
} fnas_radar;

#define FNAS_LINE_STYLES 9 /* colours; further styles are the same ones dashed */

/* More is better, outwards; the rim is 1, the centre a round number below the smallest value. A whole document, or an <svg> element for a
 * page that includes fnas_plot_style. Allocation failures: text->failed. */
void fnas_radar_append(fnas_text *text, const fnas_radar *radar, bool document);

/* The attributes of a line: class, dashes, thickness. */
void fnas_line_append_style(fnas_text *text, int64_t style);

#endif
