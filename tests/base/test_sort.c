/* Sorting by keys: in order, stable, nothing lost, whichever way it is done. */
#include "base/sort.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/support.h"

enum { MOST = 5000 };

static double draw_key(fnas_random *random, int64_t kind) {
    double uniform = fnas_random_uniform(random);
    if (kind == 0) return uniform;
    if (kind == 1) return floor(8 * uniform) - 4; /* many equal ones */
    if (kind == 2) return ldexp(uniform - 0.5, (int)fnas_random_below(random, 2000) - 1000);
    return uniform < 0.1 ? -INFINITY : uniform < 0.2 ? INFINITY : 0.5;
}

static void check_sorted(int64_t count, const fnas_keyed *items, const double *keys, bool *seen) {
    for (int64_t i = 0; i < count; i++) {
        assert_in_range(items[i].index, 0, count - 1);
        assert_false(seen[items[i].index]);
        seen[items[i].index] = true;
        assert_true(items[i].key == keys[items[i].index]);
        if (i == 0) continue;
        assert_true(items[i - 1].key < items[i].key || (items[i - 1].key == items[i].key && items[i - 1].index < items[i].index));
    }
}

static void test_sorted(void **state) {
    (void)state;
    static const int64_t counts[] = {0, 1, 2, 7, 8, 9, 63, 1000, 1023, 1024, 1025, MOST};
    static fnas_keyed items[MOST], buffer[MOST];
    static double keys[MOST];
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int64_t kind = 0; kind < 4; kind++) {
            bool seen[MOST] = {false};
            fnas_random random = fnas_random_begin(8, FNAS_STREAM_TEST, (int64_t)c, kind);
            for (int64_t i = 0; i < counts[c]; i++) items[i] = (fnas_keyed){keys[i] = draw_key(&random, kind), i};
            fnas_sort_keyed(counts[c], items, buffer);
            check_sorted(counts[c], items, keys, seen);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sorted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
