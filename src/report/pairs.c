/* A matrix of plots: row r has objective r on its axis of y, column c objective c + 1 on its axis of x; c >= r, so that each two objectives
 * meet once and the first, the error, is always upright. */
#include <math.h>

#include "report/axis.h"
#include "report/canvas.h"
#include "report/many.h"

enum { LEFT = 66, RIGHT = 464, TOP = 44, GAP = 14, BOTTOM_MARGIN = 46, TICKS = 4, NOTE_LINE = 17 };

typedef struct matrix {
    const fnas_many *many;
    int64_t side;         /* rows, and columns */
    double width, height; /* of a panel */
    fnas_axis axes[FNAS_MANY_OBJECTIVES_MAX];
} matrix;

static matrix make_matrix(const fnas_many *many) {
    matrix m = {.many = many, .side = many->objective_count - 1};
    m.width = (RIGHT - LEFT - GAP * (double)(m.side - 1)) / (double)m.side;
    m.height = m.side == 1 ? 0.62 * m.width : 0.9 * m.width;
    for (int64_t k = 0; k < many->objective_count; k++) {
        m.axes[k] = (fnas_axis){INFINITY, -INFINITY, 0, 1};
        for (int64_t i = 0; i < many->count; i++)
            if (fnas_many_is_drawn(many, i)) fnas_axis_include(&m.axes[k], fnas_many_values(many, i)[k]);
        fnas_axis_pad(&m.axes[k]);
    }
    return m;
}

static double left_of(const matrix *m, int64_t column) {
    return LEFT + (double)column * (m->width + GAP);
}

static double top_of(const matrix *m, int64_t row) {
    return TOP + (double)row * (m->height + GAP);
}

/* The axes of one panel. */
static fnas_axis x_axis(const matrix *m, int64_t column) {
    fnas_axis axis = m->axes[column + 1];
    axis.from = left_of(m, column);
    axis.to = axis.from + m->width;
    return axis;
}

static fnas_axis y_axis(const matrix *m, int64_t row) {
    fnas_axis axis = m->axes[row];
    axis.to = top_of(m, row);
    axis.from = axis.to + m->height;
    return axis;
}

/* ---- ticks ---- */

static void append_y_ticks(fnas_text *text, const fnas_axis *y, double left, double right, bool numbers) {
    double first, step;
    int64_t count = fnas_plot_ticks(y->low, y->high, TICKS, &first, &step);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step, at = fnas_axis_pixel(y, value);
        fnas_text_append(text, "<path class=\"fp-grid\" d=\"M%.1f %.1fH%.1f\"/>\n", left, at, right);
        if (!numbers) continue;
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-end\" x=\"%.1f\" y=\"%.1f\">", left - 5, at + 4);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
}

static void append_x_ticks(fnas_text *text, const fnas_axis *x, double top, double bottom, bool numbers) {
    double first, step;
    int64_t count = fnas_plot_ticks(x->low, x->high, TICKS, &first, &step);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step, at = fnas_axis_pixel(x, value);
        fnas_text_append(text, "<path class=\"fp-grid\" d=\"M%.1f %.1fV%.1f\"/>\n", at, top, bottom);
        if (!numbers) continue;
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-middle\" x=\"%.1f\" y=\"%.1f\">", at, bottom + 15);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
}

/* ---- panels ---- */

/* Whether no other point is better in one of the two objectives and as good in the other. */
static bool is_best_of_pair(const fnas_many *many, int64_t point, int64_t a, int64_t b) {
    const double *mine = fnas_many_values(many, point);
    for (int64_t i = 0; i < many->count; i++) {
        const double *other = fnas_many_values(many, i);
        if (i == point || !fnas_many_is_drawn(many, i)) continue;
        if (other[a] <= mine[a] && other[b] <= mine[b] && (other[a] < mine[a] || other[b] < mine[b])) return false;
    }
    return true;
}

static void append_marks(fnas_text *text, const matrix *m, int64_t row, int64_t column, bool best) {
    fnas_axis x = x_axis(m, column), y = y_axis(m, row);
    for (int64_t i = 0; i < m->many->count; i++) {
        if (!fnas_many_is_drawn(m->many, i) || is_best_of_pair(m->many, i, row, column + 1) != best) continue;
        const double *values = fnas_many_values(m->many, i);
        fnas_text_append(text, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\">", best ? "fp-front" : "fp-beaten",
                         fnas_axis_pixel(&x, values[column + 1]), fnas_axis_pixel(&y, values[row]));
        fnas_many_append_title(text, m->many, i);
        fnas_text_append(text, "</circle>\n");
    }
}

/* Of the objectives of a panel on the diagonal. */
static void append_names(fnas_text *text, const matrix *m, const fnas_axis *x, const fnas_axis *y, int64_t row) {
    fnas_canvas_label_within(text, "fp-tick fp-muted fp-middle", (x->from + x->to) / 2, y->from + 32, m->width, m->many->labels[row + 1]);
    fnas_text_append(text, "<g transform=\"translate(%.1f %.1f) rotate(-90)\">", x->from - 46, (y->from + y->to) / 2);
    fnas_canvas_label_within(text, "fp-tick fp-muted fp-middle", 0, 0, m->height, m->many->labels[row]);
    fnas_text_append(text, "</g>\n");
}

static void append_panel(fnas_text *text, const matrix *m, int64_t row, int64_t column) {
    fnas_axis x = x_axis(m, column), y = y_axis(m, row);
    bool outer = row == column; /* the first of its row, the last of its column */
    append_y_ticks(text, &y, x.from, x.to, outer);
    append_x_ticks(text, &x, y.to, y.from, outer);
    fnas_text_append(text, "<path class=\"fp-axis fp-open\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", x.from, y.to, y.from, x.to);
    append_marks(text, m, row, column, false);
    append_marks(text, m, row, column, true);
    if (outer) append_names(text, m, &x, &y, row);
}

/* In the corner below the diagonal, which has no panels. */
static void append_note(fnas_text *text, const matrix *m) {
    double x = 24, y = top_of(m, m->side - 1) + m->height - 20;
    if (m->side < 2) return;
    fnas_text_append(text, "<circle class=\"fp-front\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", x, y - 4);
    fnas_canvas_label(text, "fp-tick fp-ink", x + 12, y, "none is better in both");
    fnas_text_append(text, "<circle class=\"fp-beaten\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", x, y + NOTE_LINE - 4);
    fnas_canvas_label(text, "fp-tick fp-ink", x + 12, y + NOTE_LINE, "on the front for another pair");
}

void fnas_pairs_append(fnas_text *text, const fnas_many *many, bool document) {
    matrix m = make_matrix(many);
    fnas_canvas_open(text, (int64_t)(top_of(&m, m.side - 1) + m.height) + BOTTOM_MARGIN, many->title, document);
    for (int64_t row = 0; row < m.side; row++)
        for (int64_t column = row; column < m.side; column++) append_panel(text, &m, row, column);
    append_note(text, &m);
    fnas_text_append(text, "</svg>\n");
}
