/* Axes of pictures: ranges, ticks, numbers. */
#ifndef FNAS_REPORT_AXIS_H
#define FNAS_REPORT_AXIS_H

#include "report/plot.h"

/* Values low..high lie on pixels from..to. */
typedef struct fnas_axis {
    double low, high, from, to;
} fnas_axis;

/* Grows low..high (start with INFINITY, -INFINITY) by a value; not finite: nothing. */
void fnas_axis_include(fnas_axis *axis, double value);
/* Makes room around the values: never empty, not below zero where the values are not. */
void fnas_axis_pad(fnas_axis *axis);
double fnas_axis_pixel(const fnas_axis *axis, double value);

/* A tick's number with as many decimals as its step needs, thousands as k, M, G. */
void fnas_axis_append_tick(fnas_text *text, double value, double step);
/* A value in text: four significant digits, no exponent below a million. */
void fnas_axis_append_value(fnas_text *text, double value);

#endif
