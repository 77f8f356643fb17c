#include "report/axis.h"

#include <math.h>

void fnas_axis_include(fnas_axis *axis, double value) {
    if (!isfinite(value)) return;
    axis->low = fmin(axis->low, value);
    axis->high = fmax(axis->high, value);
}

void fnas_axis_pad(fnas_axis *axis) {
    if (axis->low > axis->high) {
        axis->low = 0;
        axis->high = 1;
        return;
    }
    double range = axis->high - axis->low, least = fmax(fabs(axis->high), fabs(axis->low)) * 1e-9;
    /* equal values (or nearly so, where ticks would all read the same) get a tenth of themselves to either side */
    double pad = range > least ? 0.08 * range : axis->high != 0 ? 0.1 * fabs(axis->high) : 1;
    bool positive = axis->low >= 0;
    axis->low -= pad;
    axis->high += pad;
    if (positive && axis->low < 0) axis->low = 0;
}

double fnas_axis_pixel(const fnas_axis *axis, double value) {
    return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

int64_t fnas_plot_ticks(double low, double high, int64_t most, double *first, double *step) {
    const double factors[4] = {1, 2, 5, 10};
    double power = pow(10, floor(log10((high - low) / (double)most)));
    for (int64_t f = 0; f < 5; f++) {
        *step = (f < 4 ? factors[f] : 20) * power;
        *first = ceil(low / *step - 1e-9) * *step;
        int64_t count = (int64_t)floor((high - *first) / *step + 1e-9) + 1;
        if (count <= most) return count;
    }
    return 0;
}

void fnas_axis_append_tick(fnas_text *text, double value, double step) {
    const char *const suffixes[4] = {"", "k", "M", "G"};
    double scale = 1;
    int64_t suffix = 0;
    for (; suffix < 3 && step / scale >= 500; suffix++) scale *= 1000;
    int decimals = (int)fmax(0, fmin(9, -floor(log10(step / scale) + 1e-9)));
    if (fabs(value) < step * 1e-6) value = 0; /* no "-0.0" */
    fnas_text_append(text, "%.*f%s", decimals, value / scale, value != 0 ? suffixes[suffix] : "");
}

void fnas_axis_append_value(fnas_text *text, double value) {
    if (!isfinite(value)) {
        fnas_text_append(text, "–");
        return;
    }
    if (fabs(value) >= 1000 && value == floor(value) && fabs(value) < 1e15) {
        fnas_text_append(text, "%.0f", value);
        return;
    }
    int decimals = value == 0 ? 0 : (int)fmax(0, fmin(9, 3 - floor(log10(fabs(value)))));
    fnas_text_append(text, "%.*f", decimals, value);
}
