#include "report/curve.h"

#include <math.h>

#include "report/axis.h"
#include "report/canvas.h"
#include "report/escape.h"
#include "report/radar.h"

enum { LEFT = 58, RIGHT = 462, TOP = 56, BOTTOM = 262, LEGEND_TOP = 322, LEGEND_ROW = 19, TICKS_X = 8, TICKS_Y = 6 };

typedef struct frame {
    fnas_axis x, y;
} frame;

static frame make_frame(const fnas_curve *curve) {
    frame f = {{0, -INFINITY, LEFT, RIGHT}, {INFINITY, -INFINITY, BOTTOM, TOP}}; /* time begins at 0 */
    for (int64_t l = 0; l < curve->line_count; l++) {
        for (int64_t i = 0; i < curve->lines[l].count; i++) {
            const fnas_curve_point *point = &curve->lines[l].points[i];
            double error = isfinite(point->error) ? point->error : 0;
            fnas_axis_include(&f.x, point->x);
            fnas_axis_include(&f.y, point->y - error);
            fnas_axis_include(&f.y, point->y + error);
        }
    }
    for (int64_t i = 0; i < curve->level_count; i++) fnas_axis_include(&f.y, curve->levels[i].y);
    fnas_axis_pad(&f.x);
    fnas_axis_pad(&f.y);
    return f;
}

static void append_axes(fnas_text *text, const fnas_curve *curve, const frame *f) {
    double first, step;
    int64_t count = fnas_plot_ticks(f->y.low, f->y.high, TICKS_Y, &first, &step);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step, y = fnas_axis_pixel(&f->y, value);
        fnas_text_append(text, "<path class=\"fp-grid\" d=\"M%d %.1fH%d\"/>", LEFT, y, RIGHT);
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-end\" x=\"%d\" y=\"%.1f\">", LEFT - 7, y + 4);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
    count = fnas_plot_ticks(f->x.low, f->x.high, TICKS_X, &first, &step);
    fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%d %dH%d\"/>\n", LEFT, BOTTOM, RIGHT);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step, x = fnas_axis_pixel(&f->x, value);
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-middle\" x=\"%.1f\" y=\"%d\">", x, BOTTOM + 18);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
    fnas_canvas_label(text, "fp-muted", 16, TOP - 12, curve->y_label);
    fnas_canvas_label(text, "fp-muted fp-middle", (LEFT + RIGHT) / 2.0, BOTTOM + 36, curve->x_label);
}

static void append_levels(fnas_text *text, const fnas_curve *curve, const frame *f) {
    for (int64_t i = 0; i < curve->level_count; i++) {
        double y = fnas_axis_pixel(&f->y, curve->levels[i].y);
        fnas_text_append(text, "<path class=\"fp-axis\" stroke-dasharray=\"4 3\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, RIGHT);
        double label_y = y + 14 < BOTTOM - 2 ? y + 14 : y - 4; /* curves come from below and rise: there is more room under a level */
        fnas_canvas_label(text, "fp-tick fp-muted fp-end fp-halo", RIGHT, label_y, curve->levels[i].label);
    }
}

static void append_point(fnas_text *text, const fnas_curve_line *line, const fnas_curve_point *point, const frame *f) {
    double x = fnas_axis_pixel(&f->x, point->x);
    if (isfinite(point->error)) {
        fnas_text_append(text, "<path ");
        fnas_line_append_style(text, line->style % FNAS_LINE_STYLES);
        fnas_text_append(text, " d=\"M%.1f %.1fV%.1f\"/>\n", x, fnas_axis_pixel(&f->y, point->y - point->error),
                         fnas_axis_pixel(&f->y, point->y + point->error));
    }
    fnas_text_append(text, "<circle class=\"fp-f%lld\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.6\"><title>",
                     (long long)(line->style % FNAS_LINE_STYLES), x, fnas_axis_pixel(&f->y, point->y));
    fnas_report_append(text, line->label);
    fnas_text_append(text, "\n");
    fnas_axis_append_value(text, point->x);
    fnas_text_append(text, ": ");
    fnas_axis_append_value(text, point->y);
    fnas_text_append(text, "</title></circle>\n");
}

static void append_line(fnas_text *text, const fnas_curve_line *line, const frame *f) {
    if (!line->count) return;
    fnas_text_append(text, "<path ");
    fnas_line_append_style(text, line->style);
    fnas_text_append(text, " d=\"");
    for (int64_t i = 0; i < line->count; i++)
        fnas_text_append(text, "%s%.1f %.1f", i ? "L" : "M", fnas_axis_pixel(&f->x, line->points[i].x),
                         fnas_axis_pixel(&f->y, line->points[i].y));
    fnas_text_append(text, "\"/>\n");
    for (int64_t i = 0; i < line->count; i++) append_point(text, line, &line->points[i], f);
}

void fnas_curve_append_element(fnas_text *text, const fnas_curve *curve) {
    frame f = make_frame(curve);
    fnas_canvas_open(text, LEGEND_TOP + LEGEND_ROW * curve->line_count, curve->title, false);
    append_axes(text, curve, &f);
    append_levels(text, curve, &f);
    for (int64_t l = 0; l < curve->line_count; l++) append_line(text, &curve->lines[l], &f);
    for (int64_t l = 0; l < curve->line_count; l++) {
        double y = LEGEND_TOP + LEGEND_ROW * (double)l;
        fnas_text_append(text, "<path ");
        fnas_line_append_style(text, curve->lines[l].style);
        fnas_text_append(text, " d=\"M20 %.1fh22\"/>\n", y - 4);
        fnas_canvas_label_within(text, "fp-tick fp-ink", 49, y, RIGHT - 49, curve->lines[l].label);
    }
    fnas_text_append(text, "</svg>\n");
}
