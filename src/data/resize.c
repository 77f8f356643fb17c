#include "data/resize.h"

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
