#include "base/support.h"

#include <math.h>

#include "base/random.h"

/* Known answers published with Random123 (Salmon et al. 2011), kat_vectors. */
static void philox_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t out[4];
        fnas_philox4x32(vectors[i].counter, vectors[i].key, out);
        assert_memory_equal(out, vectors[i].out, sizeof out);
    }
}

/* The layout of key and counter is part of every saved run's meaning. */
static void stream_names_make_key_and_counter(void **state) {
    (void)state;
    uint64_t seed = UINT64_C(0x0123456789ABCDEF);
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, INT64_C(0xBEEF12345678), 0x9ABCDEF0);
    uint32_t expected[4], counter[4] = {0, 0x9ABCDEF0, 0x12345678, 0xBEEF0063}, key[2] = {0x89ABCDEF, 0x01234567};
    for (uint32_t block = 0; block < 3; block++) {
        counter[0] = block;
        fnas_philox4x32(counter, key, expected);
        for (int i = 0; i < 4; i++) assert_int_equal(fnas_random_u32(&random), expected[i]);
    }
}

static void streams_differ(void **state) {
    (void)state;
    fnas_random streams[] = {
        fnas_random_begin(1, FNAS_STREAM_TEST, 0, 0), fnas_random_begin(2, FNAS_STREAM_TEST, 0, 0),
        fnas_random_begin(1, FNAS_STREAM_INIT, 0, 0), fnas_random_begin(1, FNAS_STREAM_TEST, 1, 0),
        fnas_random_begin(1, FNAS_STREAM_TEST, 0, 1), fnas_random_begin(1, FNAS_STREAM_TEST, INT64_C(1) << 32, 0),
    };
    uint32_t first[6];
    for (int i = 0; i < 6; i++) {
        first[i] = fnas_random_u32(&streams[i]);
        for (int k = 0; k < i; k++) assert_int_not_equal(first[i], first[k]);
    }
}

static void uniform_moments(void **state) {
    (void)state;
    enum { n = 100000 };
    fnas_random random = fnas_random_begin(7, FNAS_STREAM_TEST, 0, 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        double u = fnas_random_uniform(&random);
        assert_true(u > 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    /* five standard errors: sqrt(1/12/n), sqrt((1/5 - 1/9)/n) */
    assert_true(fabs(sum / n - 0.5) < 5 * sqrt(1 / 12.0 / n));
    assert_true(fabs(squares / n - 1 / 3.0) < 5 * sqrt((1 / 5.0 - 1 / 9.0) / n));
}

static void uniform_ends_are_open(void **state) {
    (void)state;
    fnas_random lowest = {.block = {0, 0, 0, 0}, .used = 0}, highest = {.block = {~0u, ~0u, ~0u, ~0u}, .used = 0};
    double low = fnas_random_uniform(&lowest), high = fnas_random_uniform(&highest);
    assert_true(low == 0x1p-53);
    assert_true(high == 1 - 0x1p-53);
}

static void below_is_bounded_and_even(void **state) {
    (void)state;
    enum { n = 70000 };
    fnas_random random = fnas_random_begin(8, FNAS_STREAM_TEST, 0, 0);
    double counts[7] = {0}, chi2 = 0;
    for (int i = 0; i < n; i++) {
        int64_t x = fnas_random_below(&random, 7);
        assert_in_range(x, 0, 6);
        counts[x]++;
    }
    for (int i = 0; i < 7; i++) chi2 += (counts[i] - n / 7.0) * (counts[i] - n / 7.0) / (n / 7.0);
    assert_true(chi2 < 27.9); /* 6 degrees of freedom, p = 1e-4 */
    assert_int_equal(fnas_random_below(&random, 1), 0);
    for (int i = 0; i < 100; i++) assert_true(fnas_random_below(&random, INT64_MAX) >= 0);
    fnas_random excess = {.block = {0, 0, 0, 5}, .used = 0}; /* 2^64 mod 7 = 2: the draw 0 must be rejected, 5 kept */
    assert_int_equal(fnas_random_below(&excess, 7), 5);
}

static void normal_moments(void **state) {
    (void)state;
    enum { n = 100000 };
    fnas_random random = fnas_random_begin(9, FNAS_STREAM_TEST, 0, 0);
    double sum[5] = {0};
    for (int i = 0; i < n; i++) {
        double x = fnas_random_normal(&random);
        assert_true(isfinite(x));
        for (int k = 1; k <= 4; k++) sum[k] += pow(x, k);
    }
    /* five standard errors: variances of x, x^2, x^3, x^4 are 1, 2, 15, 96 */
    assert_true(fabs(sum[1] / n) < 5 * sqrt(1.0 / n));
    assert_true(fabs(sum[2] / n - 1) < 5 * sqrt(2.0 / n));
    assert_true(fabs(sum[3] / n) < 5 * sqrt(15.0 / n));
    assert_true(fabs(sum[4] / n - 3) < 5 * sqrt(96.0 / n));
}

static void simplex_sums_to_one(void **state) {
    (void)state;
    enum { n = 20000 };
    fnas_random random = fnas_random_begin(10, FNAS_STREAM_TEST, 0, 0);
    double mean[3] = {0}, variance = 0;
    for (int i = 0; i < n; i++) {
        double point[3];
        fnas_random_simplex(&random, 3, point);
        assert_true(fabs(point[0] + point[1] + point[2] - 1) < 1e-14);
        for (int k = 0; k < 3; k++) {
            assert_true(point[k] > 0);
            mean[k] += point[k] / n;
        }
        variance += (point[0] - 1 / 3.0) * (point[0] - 1 / 3.0) / n;
    }
    double expected_variance = 1 / 18.0; /* Dirichlet(1,1,1): (1/3)(2/3)/4 */
    for (int k = 0; k < 3; k++) assert_true(fabs(mean[k] - 1 / 3.0) < 5 * sqrt(expected_variance / n));
    assert_true(fabs(variance - expected_variance) < 0.003);
    double one;
    fnas_random_simplex(&random, 1, &one);
    assert_true(one == 1);
}

static void permutation_holds_each_once(void **state) {
    (void)state;
    fnas_random random = fnas_random_begin(11, FNAS_STREAM_TEST, 0, 0);
    int counts[6] = {0};
    for (int i = 0; i < 6000; i++) { /* all six orders of three, evenly */
        int64_t order[3];
        fnas_random_permutation(&random, 3, order);
        assert_int_equal((1 << order[0]) + (1 << order[1]) + (1 << order[2]), 7);
        counts[order[0] * 2 + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++) assert_in_range(counts[i], 1000 - 150, 1000 + 150); /* five standard deviations of 29 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(stream_names_make_key_and_counter),
        cmocka_unit_test(streams_differ),
        cmocka_unit_test(uniform_moments),
        cmocka_unit_test(uniform_ends_are_open),
        cmocka_unit_test(below_is_bounded_and_even),
        cmocka_unit_test(normal_moments),
        cmocka_unit_test(simplex_sums_to_one),
        cmocka_unit_test(permutation_holds_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
