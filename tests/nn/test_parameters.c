/* Parameter sets: layout, initial values, messages. */
#include <math.h>

#include "base/support.h"

#include "nn/parameters.h"

static void test_layout(void **state) {
    fnas_test_place *place = *state;
    fnas_parameters set = {0};
    int32_t handles[3];
    assert_status(FNAS_OK,
                  fnas_parameters_add(place->context, &set, "conv", 4, (int64_t[]){5, 3, 3, 3}, FNAS_INIT_FAN_IN_UNIFORM, 0, &handles[0]));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, &set, "gamma", 1, (int64_t[]){5}, FNAS_INIT_ONE, 0, &handles[1]));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, &set, "bias", 1, (int64_t[]){5}, FNAS_INIT_FAN_IN_UNIFORM, 27, &handles[2]));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &set));
    fnas_parameters_initialise(&set, 7);
    assert_int_equal(set.items[0].count, 135);
    assert_int_equal(set.items[0].fan_in, 27);
    assert_int_equal(set.items[1].offset, 144);
    assert_int_equal(set.items[2].offset, 160);
    assert_int_equal(set.float_count, 176);
    assert_int_equal(fnas_parameters_find(&set, "bias"), handles[2]);
    assert_int_equal(fnas_parameters_find(&set, "beta"), FNAS_PARAMETER_NONE);
    for (int i = 135; i < 144; i++) assert_true(set.values[i] == 0.0f);
    for (int i = 0; i < 5; i++) assert_true(set.values[144 + i] == 1.0f);
    double bound = 1.0 / sqrt(27.0), largest = 0.0, mean = 0.0;
    for (int i = 0; i < 135; i++) {
        assert_true(fabsf(set.values[i]) <= (float)bound);
        largest = fmax(largest, fabs(set.values[i]));
        mean += set.values[i] / 135.0;
    }
    assert_true(largest > 0.9 * bound);
    assert_true(fabs(mean) < 5.0 * bound / sqrt(3.0 * 135.0)); /* five standard errors */
    fnas_parameters_free(&set);
}

/* A tensor's draw depends on seed and number, not on the others. */
static void test_draws_are_independent(void **state) {
    fnas_test_place *place = *state;
    float kept[2][8];
    for (int round = 0; round < 3; round++) {
        fnas_parameters set = {0};
        int32_t handle;
        assert_status(FNAS_OK, fnas_parameters_add(place->context, &set, "a", 2, (int64_t[]){round == 1 ? 30 : 3, 4},
                                                   FNAS_INIT_FAN_IN_UNIFORM, 0, &handle));
        assert_status(FNAS_OK, fnas_parameters_add(place->context, &set, "b", 2, (int64_t[]){2, 4}, FNAS_INIT_FAN_IN_UNIFORM, 0, &handle));
        assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &set));
        fnas_parameters_initialise(&set, round == 2 ? 8 : 7);
        const float *b = set.values + set.items[1].offset;
        if (round < 2)
            memcpy(kept[round], b, sizeof kept[0]);
        else
            assert_memory_not_equal(kept[0], b, sizeof kept[0]);
        fnas_parameters_free(&set);
    }
    assert_memory_equal(kept[0], kept[1], sizeof kept[0]);
}

static void test_faults(void **state) {
    fnas_test_place *place = *state;
    fnas_parameters set = {0};
    int32_t handle;
    assert_status(FNAS_ERR_INPUT,
                  fnas_parameters_add(place->context, &set, "huge", 2, (int64_t[]){INT64_MAX, 8}, FNAS_INIT_ZERO, 0, &handle));
    assert_status(FNAS_ERR_INPUT, fnas_parameters_add(place->context, &set, "empty", 2, (int64_t[]){0, 8}, FNAS_INIT_ZERO, 0, &handle));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, &set, "w", 1, (int64_t[]){8}, FNAS_INIT_ZERO, 0, &handle));
    assert_status(FNAS_ERR_INTERNAL, fnas_parameters_add(place->context, &set, "w", 1, (int64_t[]){8}, FNAS_INIT_ZERO, 0, &handle));
    assert_message("declared twice");
    fnas_parameters_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_layout), fnas_test(test_draws_are_independent), fnas_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
