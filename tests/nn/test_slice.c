/* Slices of shared weights: kernel transforms by hand, gathering and scattering against each other, what does not exist. */
#include "base/support.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/slice.h"

#define OUT 5
#define PART_OUT 3

typedef struct fixture {
    fnas_parameters parameters;
    int32_t weight, to5, to3, odd;
} fixture;

static fixture begin(fnas_test_place *place) {
    fixture f = {{0}, 0, 0, 0, 0};
    fnas_parameters *p = &f.parameters;
    assert_status(FNAS_OK,
                  fnas_parameters_add(place->context, p, "weight", 4, (int64_t[]){OUT, 1, 7, 7}, FNAS_INIT_FAN_IN_UNIFORM, 0, &f.weight));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, p, "to5", 2, (int64_t[]){25, 25}, FNAS_INIT_IDENTITY, 0, &f.to5));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, p, "to3", 2, (int64_t[]){9, 9}, FNAS_INIT_IDENTITY, 0, &f.to3));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, p, "odd", 2, (int64_t[]){8, 8}, FNAS_INIT_IDENTITY, 0, &f.odd));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, p));
    fnas_parameters_initialise(p, 5);
    return f;
}

static float *values_of(const fixture *f, int32_t handle) {
    return f->parameters.values + f->parameters.items[handle].offset;
}

static fnas_conv_spec slice_of(const fixture *f, int64_t kernel, int32_t count) {
    return (fnas_conv_spec){.weight = f->weight,
                            .bias = FNAS_PARAMETER_NONE,
                            .out = PART_OUT,
                            .in = 1,
                            .kernel = kernel,
                            .stride = 1,
                            .padding = kernel / 2,
                            .groups = PART_OUT,
                            .transforms = {f->to5, f->to3},
                            .transform_count = count};
}

/* The centre, as long as the transforms are identities. */
static void test_identities(void **state) {
    fnas_test_place *place = *state;
    fixture f = begin(place);
    float centre[PART_OUT * 25], transformed[PART_OUT * 25];
    for (int64_t kernel = 3; kernel <= 5; kernel += 2) {
        fnas_conv_spec plain = slice_of(&f, kernel, 0), through = slice_of(&f, kernel, kernel == 5 ? 1 : 2);
        assert_true(fnas_slice_exists(&f.parameters, &plain) && fnas_slice_exists(&f.parameters, &through));
        assert_false(fnas_slice_is_prefix(&f.parameters, &through));
        fnas_slice_gather(&f.parameters, &plain, centre);
        fnas_slice_gather(&f.parameters, &through, transformed);
        assert_memory_equal(centre, transformed, (size_t)(PART_OUT * kernel * kernel) * sizeof *centre);
        assert_true(centre[0] == values_of(&f, f.weight)[(7 - kernel) / 2 * 8]);
    }
    fnas_parameters_free(&f.parameters);
}

/* Rows are outputs: a 5x5 transform whose first row picks tap 7 and doubles it; the 3x3 one then exchanges its taps 0 and 8. */
static void test_by_hand(void **state) {
    fnas_test_place *place = *state;
    fixture f = begin(place);
    float part[PART_OUT * 25], *to5 = values_of(&f, f.to5), *to3 = values_of(&f, f.to3);
    to5[0] = 0;
    to5[7] = 2;
    to3[0] = to3[80] = 0;
    to3[8] = to3[72] = 1;
    fnas_conv_spec five = slice_of(&f, 5, 1), three = slice_of(&f, 3, 2);
    for (int filter = 0; filter < PART_OUT; filter++) {
        const float *whole = values_of(&f, f.weight) + 49 * filter;
        fnas_slice_gather(&f.parameters, &five, part);
        assert_true(part[25 * filter] == 2 * whole[2 * 7 + 3]); /* tap 7 of 5x5: row 1, column 2 */
        assert_true(part[25 * filter + 7] == whole[2 * 7 + 3]); /* its own row is as it was */
        assert_true(part[25 * filter + 24] == whole[5 * 7 + 5]);
        fnas_slice_gather(&f.parameters, &three, part);
        assert_true(part[9 * filter] == whole[4 * 7 + 4] && part[9 * filter + 8] == whole[2 * 7 + 2]);
        assert_true(part[9 * filter + 4] == whole[3 * 7 + 3]);
    }
    fnas_parameters_free(&f.parameters);
}

/* sum(g * gather(p)) has the gradient scatter(g): central differences of what is a polynomial of third degree in the parameters. */
static void test_scatter_is_the_gradient(void **state) {
    fnas_test_place *place = *state;
    fixture f = begin(place);
    fnas_random random = fnas_random_begin(9, FNAS_STREAM_TEST, 0, 0);
    int64_t floats = f.parameters.float_count;
    float *gradient = fnas_allocate((size_t)floats, sizeof *gradient), weights[PART_OUT * 9], part[PART_OUT * 9];
    for (int64_t i = 0; i < floats; i++) f.parameters.values[i] += 0.25f * (float)fnas_random_normal(&random);
    for (int i = 0; i < PART_OUT * 9; i++) weights[i] = (float)fnas_random_normal(&random);
    fnas_conv_spec three = slice_of(&f, 3, 2);
    for (int64_t i = 0; i < floats; i++) gradient[i] = 1; /* is added to */
    fnas_slice_scatter_add(&f.parameters, &three, weights, gradient);
    int64_t moved = 0;
    for (int64_t i = 0; i < floats; i++) {
        const float step = 1.0f / 64, before = f.parameters.values[i];
        double sums[2];
        for (int side = 0; side < 2; side++) {
            f.parameters.values[i] = side ? before - step : before + step;
            fnas_slice_gather(&f.parameters, &three, part);
            sums[side] = 0;
            for (int k = 0; k < PART_OUT * 9; k++) sums[side] += (double)weights[k] * (double)part[k];
        }
        double numeric = (sums[0] - sums[1]) / (2.0 / 64);
        f.parameters.values[i] = before;
        moved += numeric != 0;
        if (!(fabs((double)gradient[i] - 1 - numeric) <= 1e-4 * (1 + fabs(numeric)))) /* 32 times the rounding of 27 taps */
            fail_msg("parameter %d: gradient %g, difference %g", (int)i, (double)gradient[i] - 1, numeric);
    }
    assert_true(moved >= PART_OUT * 25 + 9 * 25 + 81 - 5); /* centres of the filters, rows of the taps that are read, the 3x3 matrix */
    fnas_free(gradient);
    fnas_parameters_free(&f.parameters);
}

static void test_what_does_not_exist(void **state) {
    fnas_test_place *place = *state;
    fixture f = begin(place);
    fnas_conv_spec wrong[8];
    for (int i = 0; i < 8; i++) wrong[i] = slice_of(&f, 3, 2);
    wrong[0].transforms[1] = f.odd; /* no square kernel */
    wrong[1].transforms[0] = f.to3; /* 3x3 has no centre 3x3 left to transform to 5x5 */
    wrong[1].transforms[1] = f.to5;
    wrong[2].transforms[1] = 99;       /* no parameter */
    wrong[3].transforms[1] = f.weight; /* no matrix */
    wrong[4].kernel = 5;               /* leads to 3x3 */
    wrong[5].transform_count = 3;
    wrong[6].out = OUT + 1;
    wrong[7] = slice_of(&f, 4, 0);
    for (int i = 0; i < 8; i++) assert_false(fnas_slice_exists(&f.parameters, &wrong[i]));
    fnas_parameters_free(&f.parameters);
}

static void test_only_squares_are_identities(void **state) {
    fnas_test_place *place = *state;
    fnas_parameters set = {0};
    int32_t handle;
    assert_status(FNAS_ERR_INTERNAL,
                  fnas_parameters_add(place->context, &set, "flat", 2, (int64_t[]){9, 25}, FNAS_INIT_IDENTITY, 0, &handle));
    assert_message("\"flat\": only a square matrix");
    fnas_parameters_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_identities), fnas_test(test_by_hand), fnas_test(test_scatter_is_the_gradient),
                                       fnas_test(test_what_does_not_exist), fnas_test(test_only_squares_are_identities)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
