#include "report/radar.h"

#include <math.h>

#include "report/axis.h"
#include "report/canvas.h"
#include "report/escape.h"

#define PI 3.14159265358979323846

enum { CENTRE_X = FNAS_CANVAS_WIDTH / 2, CENTRE_Y = 218, RADIUS = 138, LABEL_GAP = 10, LABEL_MOST = 86, RINGS = 5 };
enum { LEGEND_TOP = 402, LEGEND_ROW = 19, LEGEND_COLUMNS = 2, LEGEND_LEFT = 20, LEGEND_WIDTH = 224 };

typedef struct web {
    const fnas_radar *radar;
    fnas_axis axis; /* from the centre to the rim */
} web;

static web make_web(const fnas_radar *radar) {
    double least = 1;
    for (int64_t l = 0; l < radar->line_count; l++)
        for (int64_t a = 0; a < radar->axis_count; a++) least = fmin(least, radar->lines[l].values[a]);
    /* a twentieth below the smallest, so that no line ends in the centre */
    double low = fmax(0, floor((least - 0.02) * 20) / 20);
    return (web){radar, {low, 1, 0, RADIUS}};
}

static void point_at(const web *w, int64_t axis, double distance, double *x, double *y) {
    double angle = 2 * PI * (double)axis / (double)w->radar->axis_count;
    *x = CENTRE_X + distance * sin(angle);
    *y = CENTRE_Y - distance * cos(angle);
}

/* ---- the web ---- */

static void append_ring(fnas_text *text, const web *w, double value) {
    fnas_text_append(text, "<path class=\"fp-grid fp-open\" d=\"");
    for (int64_t a = 0; a < w->radar->axis_count; a++) {
        double x, y;
        point_at(w, a, fnas_axis_pixel(&w->axis, value), &x, &y);
        fnas_text_append(text, "%s%.1f %.1f", a ? "L" : "M", x, y);
    }
    fnas_text_append(text, "Z\"/>\n");
}

static void append_spoke(fnas_text *text, const web *w, int64_t axis) {
    double x, y, label_x, label_y;
    point_at(w, axis, RADIUS, &x, &y);
    point_at(w, axis, RADIUS + LABEL_GAP, &label_x, &label_y);
    fnas_text_append(text, "<path class=\"fp-grid\" d=\"M%d %dL%.1f %.1f\"/>\n", CENTRE_X, CENTRE_Y, x, y);
    double aside = (label_x - CENTRE_X) / (RADIUS + LABEL_GAP), below = (label_y - CENTRE_Y) / (RADIUS + LABEL_GAP);
    const char *colour = axis < w->radar->plain_axes ? "fp-tick fp-ink" : "fp-tick fp-mark";
    fnas_text classes = {0};
    fnas_text_append(&classes, "%s%s", colour, fabs(aside) < 0.05 ? " fp-middle" : aside < 0 ? " fp-end" : "");
    text->failed |= classes.failed;
    if (!classes.failed) fnas_canvas_label_within(text, classes.data, label_x, label_y + 4 + 7 * below, LABEL_MOST, w->radar->axes[axis]);
    fnas_text_free(&classes);
}

static void append_web(fnas_text *text, const web *w) {
    double first, step;
    int64_t count = fnas_plot_ticks(w->axis.low, 1, RINGS, &first, &step);
    for (int64_t i = 0; i < count; i++) append_ring(text, w, first + (double)i * step);
    append_ring(text, w, 1);
    for (int64_t a = 0; a < w->radar->axis_count; a++) append_spoke(text, w, a);
}

/* Over the lines, with a halo. */
static void append_ring_numbers(fnas_text *text, const web *w) {
    double first, step;
    int64_t count = fnas_plot_ticks(w->axis.low, 1, RINGS, &first, &step);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step;
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-halo fp-end\" x=\"%d\" y=\"%.1f\">", CENTRE_X - 3,
                         CENTRE_Y - fnas_axis_pixel(&w->axis, value) + 4);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
}

/* ---- lines ---- */

void fnas_line_append_style(fnas_text *text, int64_t style) {
    fnas_text_append(text, "class=\"fp-line fp-r%lld\"", (long long)(style % FNAS_LINE_STYLES));
    if (style == 0) fnas_text_append(text, " style=\"stroke-width:3\"");
    if (style >= FNAS_LINE_STYLES) fnas_text_append(text, " stroke-dasharray=\"5 3\"");
}

/* Behind a value that is not known, the line begins anew. */
static void append_path(fnas_text *text, const web *w, const fnas_radar_line *line) {
    bool known_before = false, all = true;
    for (int64_t i = 0; i <= w->radar->axis_count; i++) {
        int64_t axis = i % w->radar->axis_count;
        double x, y, value = line->values[axis];
        bool known = isfinite(value);
        all &= known;
        if (known && i < w->radar->axis_count) {
            point_at(w, axis, fnas_axis_pixel(&w->axis, value), &x, &y);
            fnas_text_append(text, "%s%.1f %.1f", known_before ? "L" : "M", x, y);
        } else if (known && !all && known_before) {
            point_at(w, axis, fnas_axis_pixel(&w->axis, value), &x, &y);
            fnas_text_append(text, "L%.1f %.1f", x, y);
        }
        known_before = known;
    }
    if (all) fnas_text_append(text, "Z");
}

static bool any_known(const web *w, const fnas_radar_line *line) {
    for (int64_t a = 0; a < w->radar->axis_count; a++)
        if (isfinite(line->values[a])) return true;
    return false;
}

static void append_line(fnas_text *text, const web *w, const fnas_radar_line *line) {
    if (!any_known(w, line)) return;
    fnas_text_append(text, "<path ");
    fnas_line_append_style(text, line->style);
    fnas_text_append(text, " d=\"");
    append_path(text, w, line);
    fnas_text_append(text, "\"><title>");
    fnas_report_append(text, line->label);
    for (int64_t a = 0; a < w->radar->axis_count; a++) {
        fnas_text_append(text, "\n");
        fnas_report_append(text, w->radar->axes[a]);
        fnas_text_append(text, ": ");
        fnas_axis_append_value(text, line->values[a]);
    }
    fnas_text_append(text, "</title></path>\n");
}

static void append_lines(fnas_text *text, const web *w) {
    for (int64_t l = w->radar->line_count - 1; l >= 0; l--)
        if (w->radar->lines[l].style != 0) append_line(text, w, &w->radar->lines[l]);
    for (int64_t l = 0; l < w->radar->line_count; l++)
        if (w->radar->lines[l].style == 0) append_line(text, w, &w->radar->lines[l]);
}

/* ---- legend ---- */

static double legend_y(int64_t entry) {
    return LEGEND_TOP + LEGEND_ROW * (double)(entry / LEGEND_COLUMNS);
}

static double legend_x(int64_t entry) {
    return LEGEND_LEFT + LEGEND_WIDTH * (double)(entry % LEGEND_COLUMNS);
}

static void append_legend(fnas_text *text, const web *w) {
    for (int64_t l = 0; l < w->radar->line_count; l++) {
        fnas_text_append(text, "<path ");
        fnas_line_append_style(text, w->radar->lines[l].style);
        fnas_text_append(text, " d=\"M%.1f %.1fh22\"/>\n", legend_x(l), legend_y(l) - 4);
        fnas_canvas_label_within(text, "fp-tick fp-ink", legend_x(l) + 29, legend_y(l), LEGEND_WIDTH - 36, w->radar->lines[l].label);
    }
    if (w->radar->others_note)
        fnas_canvas_label_within(text, "fp-tick fp-mark", LEGEND_LEFT, legend_y(w->radar->line_count + LEGEND_COLUMNS - 1),
                                 LEGEND_COLUMNS * LEGEND_WIDTH, w->radar->others_note);
}

void fnas_radar_append(fnas_text *text, const fnas_radar *radar, bool document) {
    web w = make_web(radar);
    int64_t entries = radar->line_count + (radar->others_note ? LEGEND_COLUMNS : 0);
    fnas_canvas_open(text, (int64_t)legend_y(entries + LEGEND_COLUMNS - 1), radar->title, document);
    append_web(text, &w);
    append_lines(text, &w);
    append_ring_numbers(text, &w);
    append_legend(text, &w);
    fnas_text_append(text, "</svg>\n");
}
