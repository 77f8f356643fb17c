#include "compute/layer_norm.h"

#include <math.h>
#include <string.h>

#include "compute/vector.h"

/* Sums over a row go over lanes, as in vector.h: the same bits whatever the instruction set. */
#define LANES 16

static inline float total(const float lanes[LANES]) {
    float half[LANES];
    memcpy(half, lanes, sizeof half);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int l = 0; l < width; l++) half[l] += half[l + width];
    return half[0];
}

FNAS_MULTIVERSION void fnas_layer_norm_forward(int64_t rows, int64_t width, const float *src, const float *gamma, const float *beta,
                                               float *mean, float *scale, float *dst) {
    for (int64_t i = 0; i < rows; i++) {
        const float *x = src + i * width;
        float *y = dst + i * width, sum[LANES] = {0}, square[LANES] = {0};
        int64_t c = 0;
        for (; c + LANES <= width; c += LANES)
            for (int l = 0; l < LANES; l++) sum[l] += x[c + l];
        for (int l = 0; c + l < width; l++) sum[l] += x[c + l];
        float m = total(sum) / (float)width;
        for (c = 0; c + LANES <= width; c += LANES)
            for (int l = 0; l < LANES; l++) square[l] += (x[c + l] - m) * (x[c + l] - m);
        for (int l = 0; c + l < width; l++) square[l] += (x[c + l] - m) * (x[c + l] - m);
        float s = 1.0f / sqrtf(total(square) / (float)width + FNAS_LAYER_NORM_EPSILON);
        for (c = 0; c < width; c++) y[c] = (x[c] - m) * s * gamma[c] + beta[c];
        mean[i] = m;
        scale[i] = s;
    }
}

/* With n = (x - mean) scale and u = diff_dst gamma: diff_src = scale (u - mean of u - n mean of (u n)). */
FNAS_MULTIVERSION static void propagate(int64_t width, const float *x, const float *gamma, float m, float s, const float *d, float *out) {
    float plain[LANES] = {0}, product[LANES] = {0};
    int64_t c = 0;
    for (; c + LANES <= width; c += LANES)
        for (int l = 0; l < LANES; l++) {
            float u = d[c + l] * gamma[c + l];
            plain[l] += u;
            product[l] += u * ((x[c + l] - m) * s);
        }
    for (int l = 0; c + l < width; l++) {
        float u = d[c + l] * gamma[c + l];
        plain[l] += u;
        product[l] += u * ((x[c + l] - m) * s);
    }
    float mean_u = total(plain) / (float)width, mean_un = total(product) / (float)width;
    for (c = 0; c < width; c++) out[c] = s * (d[c] * gamma[c] - mean_u - (x[c] - m) * s * mean_un);
}

FNAS_MULTIVERSION static void add_affine(int64_t width, const float *x, float m, float s, const float *d, float *diff_gamma,
                                         float *diff_beta) {
    for (int64_t c = 0; c < width; c++) {
        diff_gamma[c] += d[c] * ((x[c] - m) * s);
        diff_beta[c] += d[c];
    }
}

void fnas_layer_norm_backward(int64_t rows, int64_t width, const float *src, const float *gamma, const float *mean, const float *scale,
                              const float *diff_dst, float *diff_src, float *diff_gamma, float *diff_beta) {
    for (int64_t i = 0; i < rows; i++) {
        const float *x = src + i * width, *d = diff_dst + i * width;
        if (diff_gamma) add_affine(width, x, mean[i], scale[i], d, diff_gamma, diff_beta);
        propagate(width, x, gamma, mean[i], scale[i], d, diff_src + i * width);
    }
}
