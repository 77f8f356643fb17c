#include "report/plot.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/axis.h"
#include "report/canvas.h"
#include "report/escape.h"

enum { HEIGHT = 320, RIGHT = 462, TOP = 56, BOTTOM = 272, TICKS_X = 7, TICKS_Y = 6 };

typedef struct frame {
    fnas_axis x, y;
} frame;

static bool is_drawn(const fnas_plot_point *point) {
    return isfinite(point->x) && isfinite(point->y);
}

static frame make_frame(const fnas_plot *plot) {
    frame made = {{INFINITY, -INFINITY, 0, RIGHT}, {INFINITY, -INFINITY, BOTTOM, TOP}};
    for (int64_t s = 0; s < plot->series_count; s++) {
        for (int64_t i = 0; i < plot->series[s].count; i++) {
            const fnas_plot_point *point = &plot->series[s].points[i];
            if (!is_drawn(point)) continue;
            fnas_axis_include(&made.x, point->x);
            fnas_axis_include(&made.y, point->y);
        }
    }
    fnas_axis_pad(&made.x);
    fnas_axis_pad(&made.y);
    return made;
}

/* ---- axes ---- */

/* Where the axis of y starts: behind its widest number. */
static double left_edge(const fnas_axis *y) {
    double first, step;
    size_t widest = 0;
    int64_t count = fnas_plot_ticks(y->low, y->high, TICKS_Y, &first, &step);
    for (int64_t i = 0; i < count; i++) {
        fnas_text number = {0};
        fnas_axis_append_tick(&number, first + (double)i * step, step);
        if (number.size > widest) widest = number.size;
        fnas_text_free(&number);
    }
    return 22 + 7 * (double)widest;
}

static void append_y_axis(fnas_text *text, const fnas_plot *plot, const frame *f) {
    double first, step;
    int64_t count = fnas_plot_ticks(f->y.low, f->y.high, TICKS_Y, &first, &step);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step, y = fnas_axis_pixel(&f->y, value);
        fnas_text_append(text, "<path class=\"fp-grid\" d=\"M%.1f %.1fH%d\"/>", f->x.from, y, RIGHT);
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-end\" x=\"%.1f\" y=\"%.1f\">", f->x.from - 7, y + 4);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
    fnas_canvas_label(text, "fp-muted", 16, TOP - 12, plot->y_label);
}

static void append_x_axis(fnas_text *text, const fnas_plot *plot, const frame *f) {
    double first, step;
    int64_t count = fnas_plot_ticks(f->x.low, f->x.high, TICKS_X, &first, &step);
    fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%.1f %dH%d\"/>\n", f->x.from, BOTTOM, RIGHT);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step, x = fnas_axis_pixel(&f->x, value);
        fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%.1f %dv4\"/>", x, BOTTOM);
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-middle\" x=\"%.1f\" y=\"%d\">", x, BOTTOM + 18);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
    fnas_canvas_label(text, "fp-muted fp-middle", (f->x.from + RIGHT) / 2, HEIGHT - 12, plot->x_label);
}

/* ---- points ---- */

static int compare_points(const void *left, const void *right) {
    const fnas_plot_point *a = left, *b = right;
    if (a->x != b->x) return a->x < b->x ? -1 : 1;
    return a->y < b->y ? -1 : a->y > b->y;
}

/* Those that none dominates, from left to right; NULL when out of memory. Owned. */
static fnas_plot_point *sorted_front(const fnas_plot_series *series, int64_t *count) {
    fnas_plot_point *front = fnas_allocate((size_t)series->count, sizeof *front);
    *count = 0;
    if (!front) return NULL;
    int64_t drawn = 0;
    for (int64_t i = 0; i < series->count; i++)
        if (is_drawn(&series->points[i])) front[drawn++] = series->points[i];
    qsort(front, (size_t)drawn, sizeof *front, compare_points);
    for (int64_t i = 0; i < drawn; i++)
        if (*count == 0 || front[i].y < front[*count - 1].y) front[(*count)++] = front[i];
    return front;
}

/* The border of what the front dominates: down to each point, then right to the next. */
static void append_steps(fnas_text *text, const frame *f, int64_t count, const fnas_plot_point *front) {
    fnas_text_append(text, "M%.1f %d", fnas_axis_pixel(&f->x, front[0].x), TOP);
    for (int64_t i = 0; i < count; i++) {
        fnas_text_append(text, "V%.1f", fnas_axis_pixel(&f->y, front[i].y));
        if (i + 1 < count) fnas_text_append(text, "H%.1f", fnas_axis_pixel(&f->x, front[i + 1].x));
    }
    fnas_text_append(text, "H%d", RIGHT);
}

static void append_staircase(fnas_text *text, const frame *f, const fnas_plot_series *series) {
    int64_t count;
    fnas_plot_point *front = sorted_front(series, &count);
    if (!front) text->failed = true;
    if (count > 0) {
        fnas_text_append(text, "<path class=\"fp-area\" d=\"");
        append_steps(text, f, count, front);
        fnas_text_append(text, "V%dZ\"/>\n<path class=\"fp-stair\" d=\"", TOP);
        append_steps(text, f, count, front);
        fnas_text_append(text, "\"/>\n");
    }
    fnas_free(front);
}

static void append_title(fnas_text *text, const fnas_plot *plot, const fnas_plot_point *point) {
    fnas_text_append(text, "<title>");
    if (point->title) {
        fnas_report_append(text, point->title);
        fnas_text_append(text, "\n");
    }
    fnas_report_append(text, plot->y_label);
    fnas_text_append(text, ": ");
    fnas_axis_append_value(text, point->y);
    fnas_text_append(text, "\n");
    fnas_report_append(text, plot->x_label);
    fnas_text_append(text, ": ");
    fnas_axis_append_value(text, point->x);
    fnas_text_append(text, "</title>");
}

static void append_mark(fnas_text *text, fnas_plot_mark mark, double x, double y) {
    if (mark == FNAS_PLOT_FRONT)
        fnas_text_append(text, "<circle class=\"fp-front\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.6\">", x, y);
    else
        fnas_text_append(text, "<path class=\"fp-check\" d=\"M%.1f %.1fl4.2 4.2-4.2 4.2-4.2-4.2z\">", x, y - 4.2);
}

static void append_points(fnas_text *text, const fnas_plot *plot, const frame *f, const fnas_plot_series *series) {
    for (int64_t i = 0; i < series->count; i++) {
        const fnas_plot_point *point = &series->points[i];
        if (!is_drawn(point)) continue;
        append_mark(text, series->mark, fnas_axis_pixel(&f->x, point->x), fnas_axis_pixel(&f->y, point->y));
        append_title(text, plot, point);
        fnas_text_append(text, series->mark == FNAS_PLOT_FRONT ? "</circle>\n" : "</path>\n");
    }
}

static void append_links(fnas_text *text, const frame *f, const fnas_plot_series *from, const fnas_plot_series *to) {
    for (int64_t i = 0; i < from->count && i < to->count; i++) {
        if (!is_drawn(&from->points[i]) || !is_drawn(&to->points[i])) continue;
        fnas_text_append(text, "<path class=\"fp-link\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", fnas_axis_pixel(&f->x, from->points[i].x),
                         fnas_axis_pixel(&f->y, from->points[i].y), fnas_axis_pixel(&f->x, to->points[i].x),
                         fnas_axis_pixel(&f->y, to->points[i].y));
    }
}

static void append_all_series(fnas_text *text, const fnas_plot *plot, const frame *f) {
    for (int64_t s = 0; s < plot->series_count; s++)
        if (plot->series[s].mark == FNAS_PLOT_FRONT) append_staircase(text, f, &plot->series[s]);
    for (int64_t s = 1; s < plot->series_count; s++)
        if (plot->series[s].mark == FNAS_PLOT_CHECK) append_links(text, f, &plot->series[0], &plot->series[s]);
    for (int64_t s = 0; s < plot->series_count; s++) append_points(text, plot, f, &plot->series[s]);
}

/* In the corner that a front leaves empty: top right, which it dominates. */
static void append_legend(fnas_text *text, const fnas_plot *plot) {
    for (int64_t s = 0; s < plot->series_count && plot->series_count > 1; s++) {
        double y = TOP + 14 + 19 * (double)s;
        append_mark(text, plot->series[s].mark, RIGHT - 12, y - 4);
        fnas_text_append(text, plot->series[s].mark == FNAS_PLOT_FRONT ? "</circle>" : "</path>");
        fnas_canvas_label(text, "fp-ink fp-end", RIGHT - 24, y, plot->series[s].label);
    }
}

/* ---- the whole ---- */

static void append_plot(fnas_text *text, const fnas_plot *plot, bool document) {
    frame f = make_frame(plot);
    f.x.from = left_edge(&f.y);
    fnas_canvas_open(text, HEIGHT, plot->title, document);
    append_y_axis(text, plot, &f);
    append_x_axis(text, plot, &f);
    append_all_series(text, plot, &f);
    append_legend(text, plot);
    fnas_text_append(text, "</svg>\n");
}

void fnas_plot_append_element(fnas_text *text, const fnas_plot *plot) {
    append_plot(text, plot, false);
}

void fnas_plot_append_document(fnas_text *text, const fnas_plot *plot) {
    append_plot(text, plot, true);
}

/* ---- comparison ---- */

enum { ROW = 26, LEGEND_TOP = 42, LEGEND_ROW = 20, LEGEND_COLUMNS = 3, LEFT_MOST = 200 };

/* A comparison's edges. */
typedef struct dots_frame {
    fnas_axis x;
    int64_t top, bottom;
} dots_frame;

static dots_frame make_dots_frame(const fnas_dots *dots) {
    double widest = 0;
    dots_frame f = {
        .x = {INFINITY, -INFINITY, 0, RIGHT}}; /* not from 0: marks, unlike bars, have no length, and the differences are small */
    for (int64_t row = 0; row < dots->row_count; row++) {
        widest = fmax(widest, fnas_canvas_text_width(dots->rows[row].label));
        for (int64_t v = 0; v < dots->value_count; v++) fnas_axis_include(&f.x, dots->rows[row].values[v]);
    }
    fnas_axis_pad(&f.x);
    f.x.from = fmin(widest, LEFT_MOST) + 26;
    f.top = LEGEND_TOP + 4 + LEGEND_ROW * ((dots->value_count + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS);
    f.bottom = f.top + ROW * dots->row_count + 4;
    return f;
}

static void append_dots_legend(fnas_text *text, const fnas_dots *dots) {
    for (int64_t v = 0; v < dots->value_count; v++) {
        double x = 21 + 145 * (double)(v % LEGEND_COLUMNS), y = LEGEND_TOP + LEGEND_ROW * (double)(v / LEGEND_COLUMNS);
        fnas_text_append(text, "<circle class=\"fp-m%lld\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.6\"/>", (long long)v, x, y);
        fnas_canvas_label(text, "fp-tick fp-ink", x + 10, y + 4, dots->value_labels[v]);
    }
}

static void append_dots_row(fnas_text *text, const fnas_dots *dots, const dots_frame *f, int64_t row) {
    double y = (double)f->top + ROW * ((double)row + 0.5);
    const fnas_dots_row *shown = &dots->rows[row];
    fnas_text_append(text, "<path class=\"fp-grid\" d=\"M%.1f %.1fH%d\"/>", f->x.from, y, RIGHT);
    fnas_canvas_label_within(text, "fp-tick fp-ink fp-end", f->x.from - 10, y + 4, LEFT_MOST, shown->label);
    for (int64_t v = dots->value_count - 1; v >= 0; v--) {
        if (!isfinite(shown->values[v])) continue;
        fnas_text_append(text, "<circle class=\"fp-m%lld\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>", (long long)v,
                         fnas_axis_pixel(&f->x, shown->values[v]), y);
        fnas_report_append(text, dots->value_labels[v]);
        fnas_text_append(text, ": ");
        fnas_axis_append_value(text, shown->values[v]);
        fnas_text_append(text, "</title></circle>\n");
    }
}

static void append_dots_axis(fnas_text *text, const fnas_dots *dots, const dots_frame *f) {
    double first, step, bottom = (double)f->bottom;
    int64_t count = fnas_plot_ticks(f->x.low, f->x.high, TICKS_X, &first, &step);
    fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%.1f %.1fH%d\"/>\n", f->x.from, bottom, RIGHT);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step;
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-middle\" x=\"%.1f\" y=\"%.1f\">", fnas_axis_pixel(&f->x, value),
                         bottom + 16);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
    fnas_canvas_label(text, "fp-tick fp-muted fp-middle", (f->x.from + RIGHT) / 2, bottom + 33, dots->x_label);
}

void fnas_dots_append_element(fnas_text *text, const fnas_dots *dots) {
    dots_frame f = make_dots_frame(dots);
    fnas_canvas_open(text, f.bottom + 44, dots->title, false);
    append_dots_legend(text, dots);
    for (int64_t row = 0; row < dots->row_count; row++) append_dots_row(text, dots, &f, row);
    append_dots_axis(text, dots, &f);
    fnas_text_append(text, "</svg>\n");
}
