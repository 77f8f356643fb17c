/* The set of ranks against a plain array of flags. */
#include "front/rank_set.h"

#include "base/random.h"
#include "base/support.h"

static int64_t plain_neighbour(const bool *flags, int64_t capacity, int64_t number, int64_t way) {
    for (number += way; number >= 0 && number < capacity; number += way)
        if (flags[number]) return number;
    return -1;
}

static void test_neighbours(void **state) {
    fnas_test_place *place = *state;
    static const int64_t capacities[] = {1, 2, 63, 64, 65, 4096, 4097, 9000};
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        static bool flags[9000];
        int64_t capacity = capacities[c];
        fnas_rank_set set;
        fnas_random random = fnas_random_begin(9, FNAS_STREAM_TEST, (int64_t)c, 0);
        assert_status(FNAS_OK, fnas_rank_set_create(place->context, capacity, &set));
        for (int64_t i = 0; i < capacity; i++) flags[i] = false;
        for (int64_t step = 0; step < 3000; step++) {
            int64_t number = fnas_random_below(&random, capacity), asked = fnas_random_below(&random, capacity);
            flags[number] = fnas_random_uniform(&random) < 0.4;
            (flags[number] ? fnas_rank_set_add : fnas_rank_set_remove)(&set, number);
            assert_int_equal(fnas_rank_set_before(&set, asked), plain_neighbour(flags, capacity, asked, -1));
            assert_int_equal(fnas_rank_set_after(&set, asked), plain_neighbour(flags, capacity, asked, 1));
        }
        fnas_rank_set_destroy(&set);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_neighbours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
