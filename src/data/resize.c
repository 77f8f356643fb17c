#include "data/resize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* ---- bilinear, corners aligned ---- */

/* Where output coordinate `at` of `out` lies between the `in` of the source: the lower neighbour, and the share of the upper one. */
static int64_t fnas_place(int64_t at, int64_t out, int64_t in, float *share) {
    double where = out > 1 ? (double)at * (double)(in - 1) / (double)(out - 1) : 0;
    int64_t low = (int64_t)where;
    if (low > in - 2) low = in > 1 ? in - 2 : 0;
    *share = in > 1 ? (float)(where - (double)low) : 0;
    return low;
}

static void fnas_resize_plane(const float *from, int64_t height, int64_t width, int64_t to_height, int64_t to_width, float *to) {
    int64_t down = height > 1 ? width : 0, across = width > 1;
    for (int64_t y = 0; y < to_height; y++) {
        float below, right;
        const float *row = from + fnas_place(y, to_height, height, &below) * width;
        for (int64_t x = 0; x < to_width; x++) {
            const float *at = row + fnas_place(x, to_width, width, &right);
            float upper = at[0] + right * (at[across] - at[0]), lower = at[down] + right * (at[down + across] - at[down]);
            *to++ = upper + below * (lower - upper);
        }
    }
}

void fnas_resize_aligned(int64_t planes, int64_t height, int64_t width, int64_t to_height, int64_t to_width, const float *from, float *to) {
    for (int64_t p = 0; p < planes; p++)
        fnas_resize_plane(from + p * height * width, height, width, to_height, to_width, to + p * to_height * to_width);
}

/* ---- means ---- */

void fnas_resize_mean(int64_t planes, int64_t height, int64_t width, int64_t factor, const float *from, float *to) {
    float scale = 1.0f / (float)(factor * factor);
    memset(to, 0, (size_t)(planes * height * width) * sizeof *to);
    for (int64_t row = 0; row < planes * height * factor; row++) {
        float *line = to + row / factor * width;
        for (int64_t x = 0; x < width * factor; x++) line[x / factor] += scale * from[row * width * factor + x];
    }
}

/* ---- bilinear, antialiased ---- */

/* Output i is a sum over pixels first[i]..first[i] + count[i] - 1 with weights [i * most]. */
typedef struct fnas_taps {
    int64_t most;
    int64_t *first, *count;
    float *weights;
} fnas_taps;

static void fnas_taps_free(fnas_taps *taps) {
    fnas_free(taps->first);
    fnas_free(taps->count);
    fnas_free(taps->weights);
}

static int64_t fnas_clamp(int64_t value, int64_t least, int64_t most) {
    return value < least ? least : value > most ? most : value;
}

static void fnas_taps_weigh(const fnas_axis *axis, int64_t output, double reach, fnas_taps *taps) {
    float *weights = taps->weights + output * taps->most;
    double centre = axis->start + ((double)output + 0.5) * axis->step, sum = 0;
    int64_t first = fnas_clamp((int64_t)floor(centre - reach + 0.5), axis->low, axis->high - 1);
    int64_t behind = fnas_clamp((int64_t)floor(centre + reach + 0.5), first + 1, axis->high);
    taps->first[output] = first;
    taps->count[output] = behind - first;
    for (int64_t k = 0; k < behind - first; k++) sum += fmax(0, 1 - fabs(((double)(first + k) + 0.5 - centre) / reach));
    for (int64_t k = 0; k < behind - first; k++) {
        double weight = fmax(0, 1 - fabs(((double)(first + k) + 0.5 - centre) / reach));
        weights[k] = (float)(sum > 0 ? weight / sum : 1 / (double)(behind - first)); /* a place beyond the edge sees the edge */
    }
}

static fnas_status fnas_taps_make(fnas_context *context, const fnas_axis *axis, fnas_taps *taps) {
    double reach = fmax(axis->step, 1);
    *taps = (fnas_taps){.most = (int64_t)ceil(2 * reach) + 2};
    taps->first = fnas_allocate((size_t)axis->count, sizeof *taps->first);
    taps->count = fnas_allocate((size_t)axis->count, sizeof *taps->count);
    taps->weights = fnas_allocate((size_t)axis->count, (size_t)taps->most * sizeof *taps->weights);
    if (!taps->first || !taps->count || !taps->weights) return fnas_fail_memory(context, "an image");
    for (int64_t i = 0; i < axis->count; i++) fnas_taps_weigh(axis, i, reach, taps);
    return FNAS_OK;
}

/* A row of the outcome's height, still as wide as the picture: line [width, 3], of which columns low..high - 1 are filled. */
static void fnas_mix_rows(const fnas_picture *picture, const fnas_taps *down, int64_t y, const fnas_axis *across, float *line) {
    int64_t begin = across->low * FNAS_PICTURE_CHANNELS, end = across->high * FNAS_PICTURE_CHANNELS;
    const float *weights = down->weights + y * down->most;
    memset(line + begin, 0, (size_t)(end - begin) * sizeof *line);
    for (int64_t k = 0; k < down->count[y]; k++) {
        const uint8_t *row = picture->pixels + (down->first[y] + k) * picture->width * FNAS_PICTURE_CHANNELS;
        float weight = weights[k];
        for (int64_t i = begin; i < end; i++) line[i] += weight * (float)row[i];
    }
}

static void fnas_mix_columns(const float *line, const fnas_taps *across, int64_t width, int64_t plane, float *row) {
    for (int64_t x = 0; x < width; x++) {
        const float *at = line + across->first[x] * FNAS_PICTURE_CHANNELS, *weights = across->weights + x * across->most;
        float sums[FNAS_PICTURE_CHANNELS] = {0};
        for (int64_t k = 0; k < across->count[x]; k++, at += FNAS_PICTURE_CHANNELS)
            for (int c = 0; c < FNAS_PICTURE_CHANNELS; c++) sums[c] += weights[k] * at[c];
        for (int c = 0; c < FNAS_PICTURE_CHANNELS; c++) row[c * plane + x] = sums[c];
    }
}

fnas_status fnas_resample(fnas_context *context, const fnas_picture *picture, const fnas_axis *down, const fnas_axis *across,
                          float *planes) {
    fnas_taps rows = {0}, columns = {0};
    float *line = fnas_allocate((size_t)picture->width, FNAS_PICTURE_CHANNELS * sizeof *line);
    fnas_status status = line ? fnas_taps_make(context, down, &rows) : fnas_fail_memory(context, "an image");
    if (status == FNAS_OK) status = fnas_taps_make(context, across, &columns);
    for (int64_t y = 0; y < down->count && status == FNAS_OK; y++) {
        fnas_mix_rows(picture, &rows, y, across, line);
        fnas_mix_columns(line, &columns, across->count, down->count * across->count, planes + y * across->count);
    }
    fnas_free(line);
    fnas_taps_free(&rows);
    fnas_taps_free(&columns);
    return status;
}
