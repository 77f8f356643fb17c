/* A growth as a picture: two panels, time and memory over the size, all axes logarithmic. */
#include <math.h>

#include "base/file.h"
#include "base/text.h"
#include "bench/growth.h"
#include "report/escape.h"
#include "report/plot.h"

enum { WIDTH = 720, HEIGHT = 330, TOP = 66, BOTTOM = 278, PANEL = 290, LEFT = 62, GAP = 350 };

typedef struct panel {
    const fnas_growth *growth;
    const double *values;
    double exponent, left;
    double low, high; /* powers of ten around the values */
} panel;

static double x_of(const panel *p, double size) {
    const double *sizes = p->growth->sizes;
    double first = log(sizes[0]), last = log(sizes[p->growth->count - 1]);
    return p->left + PANEL * (0.04 + 0.92 * (log(size) - first) / (last - first));
}

static double y_of(const panel *p, double value) {
    return BOTTOM - (BOTTOM - TOP) * (log(value) - log(p->low)) / (log(p->high) - log(p->low));
}

static panel make_panel(const fnas_growth *growth, const double *values, double exponent, double left) {
    panel p = {growth, values, exponent, left, INFINITY, 0};
    for (int64_t i = 0; i < growth->count; i++) {
        if (!(values[i] > 0)) continue;
        p.low = fmin(p.low, pow(10, floor(log10(values[i]))));
        p.high = fmax(p.high, pow(10, ceil(log10(values[i]))));
    }
    if (p.high <= p.low) p.high = 10 * p.low;
    return p;
}

static void append_axes(fnas_text *text, const panel *p) {
    int64_t powers = llround(log10(p->high / p->low));
    for (int64_t i = 0; i <= powers; i++) {
        double value = p->low * pow(10, (double)i), y = y_of(p, value);
        fnas_text_append(text, "<path class=\"fp-grid\" d=\"M%.1f %.1fh%d\"/>", p->left, y, PANEL);
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-end\" x=\"%.1f\" y=\"%.1f\">%g</text>\n", p->left - 7, y + 4,
                         value);
    }
    fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%.1f %dh%d\"/>\n", p->left, BOTTOM, PANEL);
    for (int64_t i = 0; i < p->growth->count; i++) {
        double x = x_of(p, p->growth->sizes[i]);
        fnas_text_append(text, "<path class=\"fp-axis\" d=\"M%.1f %dv4\"/>", x, BOTTOM);
        fnas_text_append(text, "<text class=\"fp-text fp-tick fp-muted fp-middle\" x=\"%.1f\" y=\"%d\">%g</text>\n", x, BOTTOM + 18,
                         p->growth->sizes[i]);
    }
    fnas_text_append(text, "<text class=\"fp-text fp-muted fp-middle\" x=\"%.1f\" y=\"%d\">", p->left + PANEL / 2.0, BOTTOM + 40);
    fnas_report_append(text, p->growth->axis);
    fnas_text_append(text, "</text>\n");
}

/* The line goes through the points' mean on the logarithmic scale; what of it leaves the panel is cut off. */
static void append_line(fnas_text *text, const panel *p) {
    const fnas_growth *growth = p->growth;
    double x_mean = 0, y_mean = 0, first = growth->sizes[0], last = growth->sizes[growth->count - 1];
    for (int64_t i = 0; i < growth->count; i++) {
        x_mean += log(growth->sizes[i]) / (double)growth->count;
        y_mean += log(p->values[i]) / (double)growth->count;
    }
    double begin = exp(y_mean + p->exponent * (log(first) - x_mean)), end = exp(y_mean + p->exponent * (log(last) - x_mean));
    if (!isfinite(begin) || !isfinite(end)) return;
    fnas_text_append(text, "<path class=\"fp-stair\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x_of(p, first), y_of(p, begin), x_of(p, last),
                     y_of(p, end));
}

static void append_panel(fnas_text *text, const panel *p, const char *label) {
    fnas_text_append(text, "<text class=\"fp-text fp-ink\" x=\"%.1f\" y=\"%d\">%s, exponent %.2f</text>\n", p->left, TOP - 14, label,
                     p->exponent);
    append_axes(text, p);
    append_line(text, p);
    for (int64_t i = 0; i < p->growth->count; i++) {
        if (!(p->values[i] > 0)) continue;
        fnas_text_append(text, "<circle class=\"fp-front\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.6\"><title>%g: %.4g</title></circle>\n",
                         x_of(p, p->growth->sizes[i]), y_of(p, p->values[i]), p->growth->sizes[i], p->values[i]);
    }
}

static bool has_values(const fnas_growth *growth, const double *values) {
    for (int64_t i = 0; i < growth->count; i++)
        if (!(values[i] > 0)) return false;
    return true;
}

fnas_status fnas_growth_write_svg(fnas_context *context, const fnas_growth *growth, const char *title, const char *path) {
    fnas_text text = {0};
    fnas_text_append(&text,
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n",
                     WIDTH, HEIGHT, WIDTH, HEIGHT);
    fnas_text_append(&text, "<style>%s</style>\n<title>", fnas_plot_style);
    fnas_report_append(&text, title);
    fnas_text_append(&text, "</title>\n<rect class=\"fp-ground\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", WIDTH - 1,
                     HEIGHT - 1);
    fnas_text_append(&text, "<text class=\"fp-text fp-title fp-ink\" x=\"16\" y=\"25\">Growth with the number of ");
    fnas_report_append(&text, growth->axis);
    fnas_text_append(&text, "</text>\n");
    panel time = make_panel(growth, growth->wall_ms, growth->time_exponent, LEFT);
    panel memory = make_panel(growth, growth->memory_mb, growth->memory_exponent, LEFT + GAP);
    append_panel(&text, &time, "time of a step (ms)");
    if (has_values(growth, growth->memory_mb)) append_panel(&text, &memory, "memory (MB)"); /* unknown on some systems */
    fnas_text_append(&text, "</svg>\n");
    fnas_status status = text.failed ? fnas_fail_memory(context, "a picture") : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}
