/* Samplers: golden values, unbiasedness, the soft relaxation's derivative, frequencies. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/sampler.h"
#include "space/space.h"

enum { CHOICES = 4, DECISIONS = 3, ONEHOT = 11, SEED = 20 };

/* Three decisions of 4, 2 and 5 choices. */
static fnas_decision decisions[DECISIONS] = {{"a", 4, NULL}, {"b", 2, NULL}, {"c", 5, NULL}};
static const int64_t sizes[DECISIONS] = {4, 2, 5}, offsets[DECISIONS] = {0, 4, 6};

static fnas_space make_space(void) {
    return (fnas_space){.decisions = decisions, .decision_count = DECISIONS, .onehot_size = ONEHOT};
}

static const double golden_logits[CHOICES] = {0.3, -0.7, 1.1, 0.2};

static void softmax(int64_t k, const double *logits, double *p) {
    double sum = 0;
    for (int64_t i = 0; i < k; i++) sum += exp(logits[i]);
    for (int64_t i = 0; i < k; i++) p[i] = exp(logits[i]) / sum;
}

/* Worked out from the formula by hand, six digits. */
static void test_reinmax_golden(void **state) {
    (void)state;
    const double diff_onehot[CHOICES] = {0.5, -1, 0.25, 2};
    const double expected0[CHOICES] = {-.027683, -.061337, -.061845, .150865}, expected2[CHOICES] = {.027789, -.051114, -.152683, .176009};
    double diff[CHOICES], soft[CHOICES];
    softmax(CHOICES, golden_logits, soft);
    fnas_reinmax_row_backward(CHOICES, 1, golden_logits, soft, 0, diff_onehot, diff);
    for (int64_t i = 0; i < CHOICES; i++) assert_float_equal(diff[i], expected0[i], 6e-7);
    fnas_reinmax_row_backward(CHOICES, 1, golden_logits, soft, 2, diff_onehot, diff);
    for (int64_t i = 0; i < CHOICES; i++) assert_float_equal(diff[i], expected2[i], 6e-7);
}

/* f(D) = D'AD/2 + b'D: a quadratic, for which Heun's rule is exact. */
static const double quadratic[CHOICES][CHOICES] = {
    {1.0, 0.3, -0.2, 0.5}, {0.3, -0.7, 0.9, 0.1}, {-0.2, 0.9, 0.4, -1.1}, {0.5, 0.1, -1.1, 2.0}};
static const double slope[CHOICES] = {0.2, -0.4, 1.3, 0.6};

static double quadratic_at(int64_t selected) {
    return 0.5 * quadratic[selected][selected] + slope[selected];
}

/* The expected estimate, over all choices, is the gradient of E f. */
static void test_reinmax_unbiased_for_quadratics(void **state) {
    (void)state;
    double p[CHOICES], mean = 0, expected[CHOICES] = {0};
    softmax(CHOICES, golden_logits, p);
    for (int64_t i = 0; i < CHOICES; i++) mean += p[i] * quadratic_at(i);
    for (int32_t selected = 0; selected < CHOICES; selected++) {
        double diff_onehot[CHOICES], diff[CHOICES];
        for (int64_t i = 0; i < CHOICES; i++) diff_onehot[i] = quadratic[i][selected] + slope[i];
        fnas_reinmax_row_backward(CHOICES, 1, golden_logits, p, selected, diff_onehot, diff);
        for (int64_t i = 0; i < CHOICES; i++) expected[i] += p[selected] * diff[i];
    }
    for (int64_t i = 0; i < CHOICES; i++) assert_float_equal(expected[i], p[i] * (quadratic_at(i) - mean), 1e-14);
}

/* With a temperature above 1: 2 J(q) G - J(p) G / 2 by matrices. */
static void test_reinmax_temperature(void **state) {
    (void)state;
    const double temperature = 1.7, diff_onehot[CHOICES] = {0.5, -1, 0.25, 2};
    double p[CHOICES], q[CHOICES], tempered[CHOICES], diff[CHOICES];
    for (int64_t i = 0; i < CHOICES; i++) tempered[i] = golden_logits[i] / temperature;
    softmax(CHOICES, golden_logits, p);
    softmax(CHOICES, tempered, q);
    for (int64_t i = 0; i < CHOICES; i++) q[i] = (q[i] + (i == 1)) / 2;
    fnas_reinmax_row_backward(CHOICES, temperature, golden_logits, p, 1, diff_onehot, diff);
    for (int64_t i = 0; i < CHOICES; i++) {
        double expected = 0;
        for (int64_t j = 0; j < CHOICES; j++)
            expected += (2 * ((i == j) * q[i] - q[i] * q[j]) - 0.5 * ((i == j) * p[i] - p[i] * p[j])) * diff_onehot[j];
        assert_float_equal(diff[i], expected, 1e-13);
    }
}

static void random_row(uint64_t step, double *values) {
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_TEST, (int64_t)step, 0);
    for (int64_t i = 0; i < ONEHOT; i++) values[i] = fnas_random_normal(&random);
}

/* Value of the soft relaxation with the noise of one stream fixed. */
static double soft_value(const fnas_space *space, double temperature, const double *logits, const double *along) {
    int32_t choices[DECISIONS];
    double soft[ONEHOT], sum = 0;
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_SAMPLE, 5, 1);
    fnas_sample(FNAS_SAMPLER_GDAS, space, temperature, logits, &random, choices, soft);
    for (int64_t i = 0; i < ONEHOT; i++) sum += along[i] * soft[i];
    return sum;
}

static void test_gdas_gradient(void **state) {
    (void)state;
    fnas_space space = make_space();
    for (double temperature = 0.5; temperature < 11; temperature *= 2) {
        double logits[ONEHOT], along[ONEHOT], soft[ONEHOT], diff[ONEHOT];
        int32_t choices[DECISIONS];
        random_row(1, logits);
        random_row(2, along);
        fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_SAMPLE, 5, 1);
        fnas_sample(FNAS_SAMPLER_GDAS, &space, temperature, logits, &random, choices, soft);
        fnas_sample_backward(FNAS_SAMPLER_GDAS, &space, temperature, logits, choices, soft, along, diff);
        for (int64_t i = 0; i < ONEHOT; i++) {
            double kept = logits[i];
            logits[i] = kept + 1e-5;
            double high = soft_value(&space, temperature, logits, along);
            logits[i] = kept - 1e-5;
            double low = soft_value(&space, temperature, logits, along);
            logits[i] = kept;
            assert_float_equal(diff[i], (high - low) / 2e-5, 1e-8);
        }
    }
}

/* The choice is the largest of each soft row, and soft rows are distributions. */
static void test_gdas_is_hard_forward(void **state) {
    (void)state;
    fnas_space space = make_space();
    double logits[ONEHOT], soft[ONEHOT];
    int32_t choices[DECISIONS];
    random_row(3, logits);
    for (int64_t path = 0; path < 200; path++) {
        fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_SAMPLE, 6, path);
        fnas_sample(FNAS_SAMPLER_GDAS, &space, 0.7, logits, &random, choices, soft);
        for (int64_t d = 0; d < DECISIONS; d++) {
            double sum = 0;
            for (int64_t i = 0; i < sizes[d]; i++) {
                assert_true(soft[offsets[d] + i] <= soft[offsets[d] + choices[d]]);
                sum += soft[offsets[d] + i];
            }
            assert_float_equal(sum, 1, 1e-12);
        }
    }
}

/* Pearson's chi-square over all decisions together: 3 + 1 + 4 = 8 degrees of freedom, above 31.8 with probability 1e-4 by chance. Seed
 * fixed. */
static void check_frequencies(fnas_sampler_kind kind) {
    enum { DRAWS = 20000 };
    fnas_space space = make_space();
    double logits[ONEHOT], soft[ONEHOT], chi_square = 0;
    int64_t counts[ONEHOT] = {0};
    random_row(4, logits);
    for (int64_t path = 0; path < DRAWS; path++) {
        int32_t choices[DECISIONS];
        fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_SAMPLE, 7, path);
        fnas_sample(kind, &space, 1, logits, &random, choices, soft);
        for (int64_t d = 0; d < DECISIONS; d++) {
            assert_in_range(choices[d], 0, sizes[d] - 1);
            counts[offsets[d] + choices[d]]++;
        }
    }
    for (int64_t d = 0; d < DECISIONS; d++) {
        double p[5];
        softmax(sizes[d], logits + offsets[d], p);
        for (int64_t i = 0; i < sizes[d]; i++) chi_square += pow((double)counts[offsets[d] + i] - DRAWS * p[i], 2) / (DRAWS * p[i]);
    }
    print_message("seed %d, sampler %d: chi-square %.2f (8 degrees of freedom)\n", SEED, kind, chi_square);
    assert_true(chi_square < 31.8);
}

static void test_frequencies(void **state) {
    (void)state;
    check_frequencies(FNAS_SAMPLER_REINMAX);
    check_frequencies(FNAS_SAMPLER_GDAS);
}

/* Logits far apart: no overflow, no choice of probability zero, finite gradients. */
static void test_extreme_logits(void **state) {
    (void)state;
    fnas_space space = make_space();
    double logits[ONEHOT] = {800, -800, 0, 0, -1e4, 1e4, 0, 0, 900, 0, 0}, along[ONEHOT], soft[ONEHOT], diff[ONEHOT];
    int32_t choices[DECISIONS];
    random_row(8, along);
    for (int kind = FNAS_SAMPLER_REINMAX; kind <= FNAS_SAMPLER_GDAS; kind++) {
        fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_SAMPLE, 9, 0);
        fnas_sample(kind, &space, 1, logits, &random, choices, soft);
        assert_int_equal(choices[0], 0);
        assert_int_equal(choices[1], 1);
        assert_int_equal(choices[2], 2);
        fnas_sample_backward(kind, &space, 1, logits, choices, soft, along, diff);
        for (int64_t i = 0; i < ONEHOT; i++) assert_true(isfinite(diff[i]));
    }
}

/* A whole architecture's gradient is its rows' gradients. */
static void test_backward_by_rows(void **state) {
    (void)state;
    fnas_space space = make_space();
    double logits[ONEHOT], along[ONEHOT], soft[ONEHOT], diff[ONEHOT], row[5];
    int32_t choices[DECISIONS];
    random_row(10, logits);
    random_row(11, along);
    fnas_random random = fnas_random_begin(SEED, FNAS_STREAM_SAMPLE, 10, 0);
    fnas_sample(FNAS_SAMPLER_REINMAX, &space, 1, logits, &random, choices, soft);
    fnas_sample_backward(FNAS_SAMPLER_REINMAX, &space, 1, logits, choices, soft, along, diff);
    for (int64_t d = 0; d < DECISIONS; d++) {
        double sum = 0;
        fnas_reinmax_row_backward(sizes[d], 1, logits + offsets[d], soft + offsets[d], choices[d], along + offsets[d], row);
        for (int64_t i = 0; i < sizes[d]; i++) {
            assert_true(diff[offsets[d] + i] == row[i]);
            sum += row[i];
        }
        assert_float_equal(sum, 0, 1e-14);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reinmax_golden),       cmocka_unit_test(test_reinmax_unbiased_for_quadratics),
        cmocka_unit_test(test_reinmax_temperature),  cmocka_unit_test(test_gdas_gradient),
        cmocka_unit_test(test_gdas_is_hard_forward), cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_extreme_logits),       cmocka_unit_test(test_backward_by_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
