/* A set against a scan of a list; drawing without repetition against drawing and comparing. */
#include "base/support.h"

#include "space/arch_set.h"
#include "space/space.h"

static void test_arch_set_against_scan(void **state) {
    fnas_test_place *place = *state;
    fnas_arch_set set = {.decisions = 3};
    int32_t seen[500][3];
    int64_t seen_count = 0, index;
    for (int32_t i = 0; i < 2000; i++) {
        int32_t choices[3] = {i * 7 % 11, i * i % 13, i % 3};
        int64_t expected = 0;
        while (expected < seen_count && memcmp(seen[expected], choices, sizeof choices)) expected++;
        if (expected == seen_count) memcpy(seen[seen_count++], choices, sizeof choices);
        assert_status(FNAS_OK, fnas_arch_set_add(place->context, &set, choices, &index));
        assert_int_equal(index, expected);
        assert_true(seen_count < 500);
    }
    assert_int_equal(set.count, seen_count);
    assert_memory_equal(set.choices, seen, (size_t)seen_count * sizeof *seen);
    assert_int_equal(fnas_arch_set_find(&set, (int32_t[]){99, 0, 0}), -1);
    fnas_arch_set_free(&set);
}

/* What is drawn is the first of every distinct one of fnas_space_random that is not there yet, in order: seeds name the same architectures
 * for good. */
static void test_random_distinct_against_scan(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &space));
    enum { COUNT = 600 };
    int32_t expected[COUNT][6];
    fnas_arch_set set = {.decisions = 6};
    int64_t repeated = 0, index;
    fnas_space_random(space, 11, 7, expected[0]); /* known before: it must not come again */
    assert_status(FNAS_OK, fnas_arch_set_add(place->context, &set, expected[0], &index));
    for (int64_t found = 1, draw = 0; found < COUNT; draw++) {
        fnas_space_random(space, 11, draw, expected[found]);
        int64_t same = 0;
        while (memcmp(expected[same], expected[found], sizeof *expected)) same++;
        repeated += same != found;
        found += same == found;
    }
    assert_true(repeated > 1);
    assert_status(FNAS_OK, fnas_space_random_distinct(place->context, space, 11, COUNT - 1, &set));
    assert_int_equal(set.count, COUNT);
    assert_memory_equal(set.choices, expected, sizeof expected);
    fnas_arch_set_free(&set);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_arch_set_against_scan),
        fnas_test(test_random_distinct_against_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
