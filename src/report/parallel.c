/* Parallel coordinates (Inselberg 1985). */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/axis.h"
#include "report/canvas.h"
#include "report/many.h"

enum { LEFT = 60, RIGHT = 410, TOP = 78, BOTTOM = 284, HEIGHT = 336, TICKS = 6, SHADES = 5 };

typedef struct coordinates {
    const fnas_many *many;
    fnas_axis axes[FNAS_MANY_OBJECTIVES_MAX];
    int64_t count, *order; /* of the points that are drawn, the best in the first objective last, so that it lies on top */
} coordinates;

static double x_of(const coordinates *c, int64_t objective) {
    return LEFT + (RIGHT - LEFT) * (double)objective / (double)(c->many->objective_count - 1);
}

/* ---- order ---- */

typedef struct placed {
    double value;
    int64_t point;
} placed;

static int compare_placed(const void *left, const void *right) {
    const placed *a = left, *b = right;
    if (a->value != b->value) return a->value > b->value ? -1 : 1;
    return a->point < b->point ? -1 : a->point > b->point;
}

static bool make_order(coordinates *c) {
    placed *all = fnas_allocate((size_t)c->many->count, sizeof *all);
    c->order = fnas_allocate((size_t)c->many->count, sizeof *c->order);
    if (all && c->order) {
        for (int64_t i = 0; i < c->many->count; i++)
            if (fnas_many_is_drawn(c->many, i)) all[c->count++] = (placed){fnas_many_values(c->many, i)[0], i};
        qsort(all, (size_t)c->count, sizeof *all, compare_placed);
        for (int64_t i = 0; i < c->count; i++) c->order[i] = all[i].point;
    }
    bool made = all && c->order;
    fnas_free(all);
    return made;
}

static void make_axes(coordinates *c) {
    for (int64_t k = 0; k < c->many->objective_count; k++) {
        c->axes[k] = (fnas_axis){INFINITY, -INFINITY, BOTTOM, TOP};
        for (int64_t i = 0; i < c->count; i++) fnas_axis_include(&c->axes[k], fnas_many_values(c->many, c->order[i])[k]);
        fnas_axis_pad(&c->axes[k]);
    }
}

/* ---- drawing ---- */

static void append_axis(fnas_text *text, const coordinates *c, int64_t objective) {
    const fnas_axis *axis = &c->axes[objective];
    bool last = objective == c->many->objective_count - 1; /* its numbers stand outside, where no lines are */
    double first, step, x = x_of(c, objective);
    int64_t count = fnas_plot_ticks(axis->low, axis->high, TICKS, &first, &step);
    fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%.1f %dV%d\"/>\n", x, TOP, BOTTOM);
    for (int64_t i = 0; i < count; i++) {
        double value = first + (double)i * step, y = fnas_axis_pixel(axis, value);
        fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%.1f %.1fh%d\"/>", x, y, last ? 4 : -4);
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted %sfp-halo\" x=\"%.1f\" y=\"%.1f\">", last ? "" : "fp-end ",
                         last ? x + 7 : x - 7, y + 4);
        fnas_axis_append_tick(text, value, step);
        fnas_text_append(text, "</text>\n");
    }
    fnas_canvas_label_within(text, "fp-ink fp-middle", x, TOP - 16, (RIGHT - LEFT) / (double)(c->many->objective_count - 1),
                             c->many->labels[objective]);
}

static void append_line(fnas_text *text, const coordinates *c, int64_t place) {
    int64_t point = c->order[place], shade = (c->count - 1 - place) * SHADES / c->count; /* fifths, by the first objective */
    fnas_text_append(text, "<path class=\"fp-line fp-q%lld\" d=\"", (long long)shade);
    for (int64_t k = 0; k < c->many->objective_count; k++)
        fnas_text_append(text, "%s%.1f %.1f", k ? "L" : "M", x_of(c, k), fnas_axis_pixel(&c->axes[k], fnas_many_values(c->many, point)[k]));
    fnas_text_append(text, "\">");
    fnas_many_append_title(text, c->many, point);
    fnas_text_append(text, "</path>\n");
}

static void append_legend(fnas_text *text, const coordinates *c) {
    double y = HEIGHT - 20;
    fnas_canvas_label(text, "fp-tick fp-muted", 16, y, "lower is better");
    for (int64_t shade = 0; shade < SHADES; shade++)
        fnas_text_append(text, "<path class=\"fp-line fp-q%lld\" d=\"M%.1f %.1fh18\"/>\n", (long long)shade, 170 + 20 * (double)shade,
                         y - 4);
    fnas_text label = {0};
    fnas_text_append(&label, "%s, from low to high", c->many->labels[0]);
    text->failed |= label.failed;
    if (!label.failed) fnas_canvas_label_within(text, "fp-tick fp-muted", 278, y, 186, label.data);
    fnas_text_free(&label);
}

void fnas_parallel_append(fnas_text *text, const fnas_many *many, bool document) {
    coordinates c = {.many = many};
    text->failed |= !make_order(&c);
    if (!text->failed) {
        make_axes(&c);
        fnas_canvas_open(text, HEIGHT, many->title, document);
        for (int64_t i = 0; i < c.count; i++) append_line(text, &c, i);
        for (int64_t k = 0; k < many->objective_count; k++) append_axis(text, &c, k);
        append_legend(text, &c);
        fnas_text_append(text, "</svg>\n");
    }
    fnas_free(c.order);
}
