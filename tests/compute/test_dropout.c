/* Dropout: its draws are Philox-4x32-10's, whatever part of a place is asked for, and keep as many as they should. */
#include "base/support.h"

#include <math.h>

#include "base/random.h"
#include "compute/dropout.h"

enum { COUNT = 100003, PLACE = 5 };

static const uint32_t key[2] = {0x12345678u, 0x9abcdef0u};

/* Element i: bits 16 (i % 2) and up of word i / 2 % 4 of counter {i / 8, place, 0, 0}. */
static float expected(const fnas_dropout *dropout, int64_t i) {
    const uint32_t counter[4] = {(uint32_t)(i / 8), dropout->place, 0, 0};
    uint32_t words[4];
    fnas_philox4x32(counter, dropout->key, words);
    uint32_t draw = words[i % 8 / 2] >> 16 * (i % 2) & 0xFFFFu;
    return draw < dropout->threshold ? 0.0f : (float)(65536.0 / (65536.0 - (double)dropout->threshold));
}

static void draws_are_those_of_philox(void **state) {
    (void)state;
    fnas_dropout dropout = fnas_dropout_begin(key, PLACE, 0.3);
    static float factors[COUNT];
    fnas_dropout_factors(&dropout, 0, COUNT, factors);
    for (int64_t i = 0; i < COUNT; i++) assert_true(factors[i] == expected(&dropout, i));
}

static void a_part_has_the_draws_of_the_whole(void **state) {
    (void)state;
    fnas_dropout dropout = fnas_dropout_begin(key, PLACE, 0.1);
    static const int64_t begins[] = {0, 8, 120, 128, 1000, 4096};
    float factors[37];
    for (size_t k = 0; k < sizeof begins / sizeof *begins; k++) {
        fnas_dropout_factors(&dropout, begins[k], 37, factors);
        for (int64_t i = 0; i < 37; i++) assert_true(factors[i] == expected(&dropout, begins[k] + i));
    }
}

/* Of n draws, n p are dropped, give or take five deviations; what is kept makes up for them. */
static void as_many_are_dropped_as_asked(void **state) {
    (void)state;
    static const double probabilities[] = {0, 0.1, 0.3, 0.5, 0.9};
    static float factors[COUNT];
    for (size_t k = 0; k < sizeof probabilities / sizeof *probabilities; k++) {
        double p = probabilities[k], dropped = 0;
        fnas_dropout dropout = fnas_dropout_begin(key, (uint32_t)k, p);
        fnas_dropout_factors(&dropout, 0, COUNT, factors);
        for (int64_t i = 0; i < COUNT; i++) {
            dropped += factors[i] == 0;
            if (factors[i] != 0) assert_true(fabs((double)factors[i] * (1 - p) - 1) < 1e-3); /* p is rounded to 1/65536 */
        }
        assert_true(fabs(dropped - COUNT * p) <= 5 * sqrt(COUNT * p * (1 - p)) + COUNT / 65536.0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(draws_are_those_of_philox), cmocka_unit_test(a_part_has_the_draws_of_the_whole),
                                       cmocka_unit_test(as_many_are_dropped_as_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
