#include "compute/product.h"

#include <string.h>

#include "compute/backend.h"
#include "compute/engine_internal.h"
#include "compute/few_rows.h"
#include "compute/vector.h"

void fnas_product_forward(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *src, const float *weights, const float *bias,
                          float *dst) {
    bool own = engine->product == fnas_backend_product && rows <= FNAS_FEW_ROWS; /* another library is measured as it is */
    if (own && fnas_few_rows_product(rows, corner.out, corner.in, src, weights, corner.stride, bias, dst)) return;
    for (int64_t i = 0; bias && i < rows; i++) memcpy(dst + i * corner.out, bias, (size_t)corner.out * sizeof *dst);
    engine->product(false, true, rows, corner.out, corner.in, 1.0f, src, corner.in, weights, corner.stride, bias ? 1.0f : 0.0f, dst,
                    corner.out);
}

/* ---- weights in bf16 ---- */

/* A NaN stays one: rounding could carry into its sign. */
FNAS_MULTIVERSION static void round_row(int64_t count, const float *src, uint16_t *dst) {
    for (int64_t i = 0; i < count; i++) {
        union {
            float value;
            uint32_t bits;
        } x = {.value = src[i]};
        uint32_t rounded = x.bits + 0x7FFFu + (x.bits >> 16 & 1);
        dst[i] = (uint16_t)((x.bits & 0x7FFFFFFFu) > 0x7F800000u ? x.bits >> 16 | 0x40u : rounded >> 16);
    }
}

FNAS_MULTIVERSION static void widen(int64_t count, const uint16_t *src, float *dst) {
    for (int64_t i = 0; i < count; i++) {
        union {
            uint32_t bits;
            float value;
        } x = {.bits = (uint32_t)src[i] << 16};
        dst[i] = x.value;
    }
}

void fnas_product_round(fnas_corner corner, const float *weights, uint16_t *rounded) {
    for (int64_t o = 0; o < corner.out; o++) round_row(corner.in, weights + o * corner.stride, rounded + o * corner.in);
}

/* Of many rows, a panel of outputs at a time as f32. */
void fnas_product_forward_rounded(fnas_engine *engine, int64_t rows, int64_t in, int64_t out, const float *src, const uint16_t *weights,
                                  const float *bias, float *scratch, float *dst) {
    (void)engine;
    if (rows <= FNAS_FEW_ROWS_ROUNDED && fnas_few_rows_product_rounded(rows, out, in, src, weights, bias, dst)) return;
    for (int64_t i = 0; bias && i < rows; i++) memcpy(dst + i * out, bias, (size_t)out * sizeof *dst);
    for (int64_t o = 0; o < out; o += FNAS_PRODUCT_PANEL) {
        int64_t here = out - o < FNAS_PRODUCT_PANEL ? out - o : FNAS_PRODUCT_PANEL;
        widen(here * in, weights + o * in, scratch);
        fnas_backend_product(false, true, rows, here, in, 1.0f, src, in, scratch, in, bias ? 1.0f : 0.0f, dst + o, out);
    }
}

/* ---- backward ---- */

void fnas_product_backward_source(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *diff_dst, const float *weights,
                                  bool accumulate, float *diff_src) {
    engine->product(false, false, rows, corner.in, corner.out, 1.0f, diff_dst, corner.out, weights, corner.stride, accumulate ? 1.0f : 0.0f,
                    diff_src, corner.in);
}

FNAS_MULTIVERSION static void add_rows(int64_t rows, int64_t width, const float *src, float *sum) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t o = 0; o < width; o++) sum[o] += src[i * width + o];
}

void fnas_product_backward_weights(fnas_engine *engine, int64_t rows, fnas_corner corner, const float *src, const float *diff_dst,
                                   float *diff_weights, float *diff_bias) {
    engine->product(true, false, corner.out, corner.in, rows, 1.0f, diff_dst, corner.out, src, corner.in, 1.0f, diff_weights,
                    corner.stride);
    if (diff_bias) add_rows(rows, corner.out, diff_dst, diff_bias);
}
