/* Products of few rows against sums in double precision, at every size around the kernel's tiles. */
#include "base/support.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/engine.h"
#include "compute/few_rows.h"
#include "compute/product.h"

enum { ROWS_MOST = 9, OUT_MOST = 13, IN_MOST = 70, STRIDE = 75 };

typedef struct operands {
    float src[ROWS_MOST * IN_MOST], weights[OUT_MOST * STRIDE], bias[OUT_MOST], dst[ROWS_MOST * OUT_MOST + 1];
} operands;

static void draw(fnas_random *random, int64_t count, float *values) {
    for (int64_t i = 0; i < count; i++) values[i] = (float)fnas_random_normal(random);
}

/* A sum of n products is off by at most n roundings of the sum of their magnitudes. */
static void check(operands *o, int64_t rows, int64_t out, int64_t in, const float *bias) {
    const float guard = 12345;
    o->dst[rows * out] = guard;
    assert_true(fnas_few_rows_product(rows, out, in, o->src, o->weights, STRIDE, bias, o->dst));
    assert_true(o->dst[rows * out] == guard);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < out; k++) {
            double sum = bias ? (double)bias[k] : 0, size = fabs(sum);
            for (int64_t c = 0; c < in; c++) {
                double product = (double)o->src[i * in + c] * (double)o->weights[k * STRIDE + c];
                sum += product;
                size += fabs(product);
            }
            double error = fabs((double)o->dst[i * out + k] - sum);
            if (!(error <= (double)(in + 1) * (double)FLT_EPSILON / 2 * size))
                fail_msg("%d rows, %d from %d: [%d][%d] is off by %.3g", (int)rows, (int)out, (int)in, (int)i, (int)k, error);
        }
}

static void all_sizes_are_right(void **state) {
    (void)state;
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    operands *o = fnas_allocate(1, sizeof *o);
    draw(&random, ROWS_MOST * IN_MOST, o->src);
    draw(&random, OUT_MOST * STRIDE, o->weights);
    draw(&random, OUT_MOST, o->bias);
    if (!fnas_few_rows_product(1, 4, 1, o->src, o->weights, STRIDE, NULL, o->dst)) {
        fnas_free(o);
        print_message("skipped: this processor has no AVX-512\n");
        skip();
    }
    for (int64_t rows = 1; rows <= ROWS_MOST; rows++)
        for (int64_t out = 4; out <= OUT_MOST; out++)
            for (int64_t in = 1; in <= IN_MOST; in++) check(o, rows, out, in, in % 2 ? o->bias : NULL);
    fnas_free(o);
}

/* What a row gives is the same bits whatever is beside it. */
static void rows_are_apart(void **state) {
    (void)state;
    fnas_random random = fnas_random_begin(4, FNAS_STREAM_TEST, 0, 0);
    operands *o = fnas_allocate(1, sizeof *o);
    float alone[OUT_MOST];
    draw(&random, ROWS_MOST * IN_MOST, o->src);
    draw(&random, OUT_MOST * STRIDE, o->weights);
    bool there = fnas_few_rows_product(ROWS_MOST, OUT_MOST, IN_MOST, o->src, o->weights, STRIDE, NULL, o->dst);
    for (int64_t i = 0; there && i < ROWS_MOST; i++) {
        assert_true(fnas_few_rows_product(1, OUT_MOST, IN_MOST, o->src + i * IN_MOST, o->weights, STRIDE, NULL, alone));
        assert_memory_equal(alone, o->dst + i * OUT_MOST, sizeof alone);
    }
    fnas_free(o);
    if (!there) skip();
}

/* ---- weights in bf16 ---- */

static float widened(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void rounding_is_to_nearest_even(void **state) {
    (void)state;
    static const float values[] = {1.0f,         1.00390625f, /* 1 + 2^-8: between two, the lower is even */
                                   1.01171875f,               /* 1 + 3 2^-8: the upper is even */
                                   -1.00390637f, 3.4e38f,     INFINITY, -INFINITY, 0.0f, -0.0f};
    static const float rounded[] = {1.0f, 1.0f, 1.015625f, -1.0078125f, INFINITY, INFINITY, -INFINITY, 0.0f, -0.0f};
    uint16_t halves[9];
    fnas_product_round((fnas_corner){3, 3, 3}, values, halves);
    for (int i = 0; i < 9; i++) {
        float value = widened(halves[i]);
        assert_true(value == rounded[i] && signbit(value) == signbit(rounded[i]));
    }
    const float nan = NAN;
    fnas_product_round((fnas_corner){1, 1, 1}, &nan, halves);
    assert_true(isnan(widened(halves[0])));
}

/* By the kernel of few rows and by panels of more outputs than fit into one. */
static void rounded_products_are_right(void **state) {
    (void)state;
    enum { MANY = FNAS_FEW_ROWS_ROUNDED + 1, OUT = 2 * FNAS_PRODUCT_PANEL + 3, IN = 37, WIDE = 40 };
    static float src[MANY * IN], weights[OUT * WIDE], bias[OUT], dst[MANY * OUT], scratch[FNAS_PRODUCT_PANEL * IN];
    static uint16_t halves[OUT * IN];
    static const int64_t rows[] = {1, 7, FNAS_FEW_ROWS_ROUNDED, MANY}, outs[] = {3, 4, 13, OUT};
    fnas_random random = fnas_random_begin(5, FNAS_STREAM_TEST, 0, 0);
    draw(&random, MANY * IN, src);
    draw(&random, OUT * WIDE, weights);
    draw(&random, OUT, bias);
    fnas_product_round((fnas_corner){IN, OUT, WIDE}, weights, halves);
    for (int at = 0; at < 16; at++) {
        int64_t out = outs[at % 4];
        fnas_product_forward_rounded(NULL, rows[at / 4], IN, out, src, halves, at % 2 ? bias : NULL, scratch, dst);
        for (int64_t i = 0; i < rows[at / 4] * out; i++) {
            double sum = at % 2 ? (double)bias[i % out] : 0, size = fabs(sum);
            for (int64_t c = 0; c < IN; c++) {
                double product = (double)src[i / out * IN + c] * (double)widened(halves[i % out * IN + c]);
                sum += product;
                size += fabs(product);
            }
            assert_true(fabs((double)dst[i] - sum) <= (IN + 1) * (double)FLT_EPSILON / 2 * size);
        }
    }
}

/* Widened weights are multiplied and added up in the same order, whether they are kept for further rows or there are too many inputs for
 * that. */
static void rounded_products_are_those_of_widened_weights(void **state) {
    (void)state;
    enum { MANY = FNAS_FEW_ROWS_ROUNDED, OUT = 7, IN = 1030 };
    static float src[MANY * IN], weights[OUT * IN], wide[OUT * IN], dst[2][MANY * OUT];
    static uint16_t halves[OUT * IN];
    static const int64_t ins[] = {37, 1024, IN}, rows[] = {1, 6, 7, 16, MANY};
    fnas_random random = fnas_random_begin(6, FNAS_STREAM_TEST, 0, 0);
    draw(&random, MANY * IN, src);
    draw(&random, OUT * IN, weights);
    for (int at = 0; at < 15; at++) {
        int64_t in = ins[at % 3], count = rows[at / 3];
        fnas_product_round((fnas_corner){in, OUT, in}, weights, halves);
        for (int64_t i = 0; i < OUT * in; i++) wide[i] = widened(halves[i]);
        if (!fnas_few_rows_product_rounded(count, OUT, in, src, halves, weights, dst[0])) skip();
        assert_true(fnas_few_rows_product(count, OUT, in, src, wide, in, weights, dst[1]));
        assert_memory_equal(dst[0], dst[1], (size_t)(count * OUT) * sizeof(float));
    }
}

static void fewer_than_four_outputs_are_left_to_others(void **state) {
    (void)state;
    float x[4] = {0}, y[4] = {7};
    assert_false(fnas_few_rows_product(1, 3, 1, x, x, 1, NULL, y));
    assert_true(y[0] == 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_sizes_are_right),
                                       cmocka_unit_test(rows_are_apart),
                                       cmocka_unit_test(rounding_is_to_nearest_even),
                                       cmocka_unit_test(rounded_products_are_right),
                                       cmocka_unit_test(rounded_products_are_those_of_widened_weights),
                                       cmocka_unit_test(fewer_than_four_outputs_are_left_to_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
