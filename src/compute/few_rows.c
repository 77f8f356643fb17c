#include "compute/few_rows.h"

#include <stddef.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define KERNEL __attribute__((target("avx512f,avx512bw,avx512vl")))
#define OUTS 4 /* outputs, and rows, whose sums are in registers at once: 24 sums, 10 loads for 24 products */
#define ROWS 6
#define WIDE_MOST 1024               /* inputs of four outputs that are kept as f32: 16 KB, which stay in the first cache */
#define WIDE_STRIDE (WIDE_MOST + 48) /* rows of a multiple of 4 KB would share their places in the cache */

/* Sums of the lanes of each of four vectors. */
KERNEL static inline __m128 sums_of(__m512 a, __m512 b, __m512 c, __m512 d) {
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512 all = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE)); /* in each quarter: of a, b, c, d */
    __m128 low = _mm_add_ps(_mm512_extractf32x4_ps(all, 0), _mm512_extractf32x4_ps(all, 1));
    __m128 high = _mm_add_ps(_mm512_extractf32x4_ps(all, 2), _mm512_extractf32x4_ps(all, 3));
    return _mm_add_ps(low, high);
}

#define REST_OF_FLOATS(pointer) _mm512_maskz_loadu_ps(rest, pointer)
#define KEEP_REST(pointer, values) _mm512_mask_storeu_ps(pointer, rest, values)
#define WIDENED(halves) _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16))

#define WEIGHT float
#define WEIGHTS _mm512_loadu_ps
#define REST_OF_WEIGHTS REST_OF_FLOATS
#define NAME(function) function##_f32
#include "compute/few_rows.inc"

#define WEIGHT uint16_t
#define WEIGHTS(pointer) WIDENED(_mm256_loadu_si256((const void *)(pointer)))
#define REST_OF_WEIGHTS(pointer) WIDENED(_mm256_maskz_loadu_epi16(rest, pointer))
#define NAME(function) function##_bf16
#include "compute/few_rows.inc"

/* The last four outputs overlap those before: the same sums once more. */
static int64_t four_from(int64_t at, int64_t out) {
    return at + OUTS <= out ? at : out - OUTS;
}

static int64_t rows_from(int64_t first, int64_t rows) {
    return rows - first < ROWS ? rows - first : ROWS;
}

KERNEL static __m128 bias_of(const float *bias, int64_t o) {
    return bias ? _mm_loadu_ps(bias + o) : _mm_setzero_ps();
}

/* The first rows look ahead, for all others as well. */
KERNEL static void multiply_f32(int64_t rows, int64_t out, int64_t in, const float *src, const float *weights, int64_t stride,
                                const float *bias, float *dst) {
    for (int64_t at = 0; at < out; at += OUTS) {
        const int64_t o = four_from(at, out);
        const float *w = weights + o * stride;
        if (at + 2 * OUTS <= out)
            some_f32(rows_from(0, rows), in, src, w, stride, w + OUTS * stride, NULL, bias_of(bias, o), dst + o, out);
        else
            some_f32(rows_from(0, rows), in, src, w, stride, NULL, NULL, bias_of(bias, o), dst + o, out);
        for (int64_t i = ROWS; i < rows; i += ROWS)
            some_f32(rows_from(i, rows), in, src + i * in, w, stride, NULL, NULL, bias_of(bias, o), dst + i * out + o, out);
    }
}

/* To widen a weight takes as long as to multiply it with a row: where there are further rows, the first keep what they widened. The last
 * outputs look ahead at themselves, which costs less than another case of each loop. */
KERNEL static void multiply_bf16(int64_t rows, int64_t out, int64_t in, const float *src, const uint16_t *weights, const float *bias,
                                 float *dst) {
    float kept[OUTS * WIDE_STRIDE];
    bool keeps = rows > ROWS && in <= WIDE_MOST;
    for (int64_t at = 0; at < out; at += OUTS) {
        const int64_t o = four_from(at, out);
        const uint16_t *w = weights + o * in, *ahead = at + 2 * OUTS <= out ? w + OUTS * in : w;
        if (keeps)
            some_bf16(rows_from(0, rows), in, src, w, in, ahead, kept, bias_of(bias, o), dst + o, out);
        else
            some_bf16(rows_from(0, rows), in, src, w, in, ahead, NULL, bias_of(bias, o), dst + o, out);
        for (int64_t i = ROWS; i < rows; i += ROWS)
            if (keeps)
                some_f32(rows_from(i, rows), in, src + i * in, kept, WIDE_STRIDE, NULL, NULL, bias_of(bias, o), dst + i * out + o, out);
            else
                some_bf16(rows_from(i, rows), in, src + i * in, w, in, NULL, NULL, bias_of(bias, o), dst + i * out + o, out);
    }
}

static bool is_possible(int64_t out) {
    return out >= OUTS && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

bool fnas_few_rows_product(int64_t rows, int64_t out, int64_t in, const float *src, const float *weights, int64_t stride, const float *bias,
                           float *dst) {
    if (!is_possible(out)) return false;
    multiply_f32(rows, out, in, src, weights, stride, bias, dst);
    return true;
}

bool fnas_few_rows_product_rounded(int64_t rows, int64_t out, int64_t in, const float *src, const uint16_t *weights, const float *bias,
                                   float *dst) {
    if (!is_possible(out)) return false;
    multiply_bf16(rows, out, in, src, weights, bias, dst);
    return true;
}

#else

bool fnas_few_rows_product(int64_t rows, int64_t out, int64_t in, const float *src, const float *weights, int64_t stride, const float *bias,
                           float *dst) {
    (void)rows, (void)out, (void)in, (void)src, (void)weights, (void)stride, (void)bias, (void)dst;
    return false;
}

bool fnas_few_rows_product_rounded(int64_t rows, int64_t out, int64_t in, const float *src, const uint16_t *weights, const float *bias,
                                   float *dst) {
    (void)rows, (void)out, (void)in, (void)src, (void)weights, (void)bias, (void)dst;
    return false;
}

#endif
