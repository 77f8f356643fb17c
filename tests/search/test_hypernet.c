/* Hypernetworks: size, gradients against central differences, the start. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "search/hypernet/hypernet.h"

enum { EMBEDDING = 10, OUTPUTS = 30, DEVICES = 5, OBJECTIVES_MOST = 4 };

/* One hypernetwork with room for a batch. */
typedef struct fixture {
    fnas_hypernet_shape shape;
    int64_t count; /* of parameters */
    float *parameters, *gradient, *workspace;
    double devices[DEVICES * EMBEDDING];
} fixture;

static fixture make(fnas_hypernet_kind kind, int64_t objectives, uint64_t seed) {
    fixture f = {.shape = {kind, objectives, EMBEDDING, OUTPUTS}};
    f.count = fnas_hypernet_parameter_count(&f.shape);
    f.parameters = fnas_allocate((size_t)f.count, sizeof(float));
    f.gradient = fnas_allocate((size_t)f.count, sizeof(float));
    f.workspace = fnas_allocate((size_t)fnas_hypernet_workspace_floats(&f.shape, DEVICES), sizeof(float));
    assert_non_null(f.parameters);
    assert_non_null(f.gradient);
    assert_non_null(f.workspace);
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 0);
    for (int64_t i = 0; i < DEVICES * EMBEDDING; i++) f.devices[i] = fnas_random_uniform(&random);
    return f;
}

static void drop(fixture *f) {
    fnas_free(f->parameters);
    fnas_free(f->gradient);
    fnas_free(f->workspace);
}

static void random_preferences(int64_t objectives, uint64_t seed, int64_t count, double *preferences) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 1, 0);
    for (int64_t i = 0; i < count; i++) fnas_random_simplex(&random, objectives, preferences + i * objectives);
}

static void test_parameter_counts(void **state) {
    (void)state;
    fnas_hypernet_shape nb201 = {FNAS_HYPERNET_TABLE, 2, 10, 30}, ofa = {FNAS_HYPERNET_TABLE, 2, 10, 160},
                        hat = {FNAS_HYPERNET_TABLE, 2, 10, 101};
    fnas_hypernet_shape three = {FNAS_HYPERNET_TABLE, 3, 10, 30};
    assert_int_equal(fnas_hypernet_parameter_count(&nb201), 152000);
    assert_int_equal(fnas_hypernet_parameter_count(&ofa), 808500);
    assert_int_equal(fnas_hypernet_parameter_count(&hat), 510550);
    assert_int_equal(fnas_hypernet_parameter_count(&three), 500 + 3 * 151500);
}

/* sum of an item's logits weighted by `along`: a scalar with known gradient. */
static double scalar(const fixture *f, int64_t item, const double *preferences, const double *along) {
    double logits[OUTPUTS], sum = 0;
    fnas_hypernet_forward(&f->shape, f->parameters, 1, preferences + item * f->shape.objectives, f->devices + item * EMBEDDING,
                          f->workspace, logits);
    for (int64_t o = 0; o < OUTPUTS; o++) sum += along[o] * logits[o];
    return sum;
}

/* Every parameter of the continuous one; of the table the keys, and the entries that the item reads besides some that it does not. Central
 * differences in double: error h^2/6 f''' + 1e-16 f/h, and f''' is of order 1 here; 2e-4 |g| covers the 24 bits that parameters and kept
 * activations have. */
static void check_gradient(fixture *f, const double *preferences, int64_t item, int64_t stride) {
    double along[OUTPUTS], logits[DEVICES * OUTPUTS];
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 2, item);
    for (int64_t o = 0; o < OUTPUTS; o++) along[o] = fnas_random_normal(&random);
    fnas_hypernet_forward(&f->shape, f->parameters, DEVICES, preferences, f->devices, f->workspace, logits);
    memset(f->gradient, 0, (size_t)f->count * sizeof(float));
    fnas_hypernet_backward(&f->shape, f->parameters, item, preferences, f->devices, f->workspace, along, f->gradient);
    int64_t nonzero = 0;
    for (int64_t i = 0; i < f->count; i += f->gradient[i] != 0 ? 1 : stride) {
        float kept = f->parameters[i], above = kept + 0x1p-9f, below = kept - 0x1p-9f;
        f->parameters[i] = above;
        double high = scalar(f, item, preferences, along);
        f->parameters[i] = below;
        double low = scalar(f, item, preferences, along);
        f->parameters[i] = kept;
        double slope = (high - low) / ((double)above - below);
        if (fabs(slope - f->gradient[i]) > 2e-5 + 2e-4 * fabs(slope))
            fail_msg("parameter %lld: gradient %.9g, central difference %.9g", (long long)i, (double)f->gradient[i], slope);
        nonzero += f->gradient[i] != 0;
    }
    assert_true(nonzero > 500);
}

static void test_gradient_table(void **state) {
    (void)state;
    fixture f = make(FNAS_HYPERNET_TABLE, 2, 11);
    fnas_hypernet_randomise(&f.shape, 11, f.parameters);
    /* between rows, on a row, both ends, close to the end */
    double preferences[DEVICES * 2] = {0.4137, 0.5863, 0.25, 0.75, 0, 1, 1, 0, 0.9999, 0.0001};
    for (int64_t item = 0; item < DEVICES; item++) check_gradient(&f, preferences, item, 997);
    drop(&f);
}

static void test_gradient_table_three_objectives(void **state) {
    (void)state;
    fixture f = make(FNAS_HYPERNET_TABLE, 3, 12);
    fnas_hypernet_randomise(&f.shape, 12, f.parameters);
    double preferences[DEVICES * 3];
    random_preferences(3, 12, DEVICES, preferences);
    check_gradient(&f, preferences, 1, 487);
    drop(&f);
}

static void test_gradient_continuous(void **state) {
    (void)state;
    for (int64_t objectives = 2; objectives <= 3; objectives++) {
        fixture f = make(FNAS_HYPERNET_CONTINUOUS, objectives, 13);
        fnas_hypernet_randomise(&f.shape, 13, f.parameters);
        double preferences[DEVICES * 3];
        random_preferences(objectives, 13, DEVICES, preferences);
        check_gradient(&f, preferences, 2, 1);
        drop(&f);
    }
}

/* The gradient is added, and of one item alone. */
static void test_gradient_accumulates(void **state) {
    (void)state;
    for (int kind = FNAS_HYPERNET_TABLE; kind <= FNAS_HYPERNET_CONTINUOUS; kind++) {
        fixture f = make(kind, 2, 14);
        fnas_hypernet_randomise(&f.shape, 14, f.parameters);
        double preferences[DEVICES * 2], logits[DEVICES * OUTPUTS], along[OUTPUTS];
        random_preferences(2, 14, DEVICES, preferences);
        for (int64_t o = 0; o < OUTPUTS; o++) along[o] = 1 + (double)o;
        fnas_hypernet_forward(&f.shape, f.parameters, DEVICES, preferences, f.devices, f.workspace, logits);
        fnas_hypernet_backward(&f.shape, f.parameters, 3, preferences, f.devices, f.workspace, along, f.gradient);
        float once = f.gradient[7];
        assert_true(once != 0);
        fnas_hypernet_backward(&f.shape, f.parameters, 3, preferences, f.devices, f.workspace, along, f.gradient);
        assert_float_equal(f.gradient[7], 2 * once, 1e-6 * fabs(once));
        drop(&f);
    }
}

/* Logits move linearly between two rows and do not jump at one. */
static void test_rows_are_interpolated(void **state) {
    (void)state;
    fixture f = make(FNAS_HYPERNET_TABLE, 2, 15);
    fnas_hypernet_randomise(&f.shape, 15, f.parameters);
    double preferences[DEVICES * 2] = {0.37, 0.63, 0.38, 0.62, 0.3725, 0.6275, 0.37999999, 0.62000001, 1, 0}, logits[DEVICES * OUTPUTS];
    for (int64_t item = 1; item < DEVICES; item++) memcpy(f.devices + item * EMBEDDING, f.devices, EMBEDDING * sizeof(double));
    fnas_hypernet_forward(&f.shape, f.parameters, DEVICES, preferences, f.devices, f.workspace, logits);
    for (int64_t o = 0; o < OUTPUTS; o++) {
        assert_float_equal(logits[2 * OUTPUTS + o], 0.75 * logits[o] + 0.25 * logits[OUTPUTS + o], 1e-9);
        assert_float_equal(logits[3 * OUTPUTS + o], logits[OUTPUTS + o], 1e-5);
    }
    drop(&f);
}

/* Largest |logit| over a grid of preferences and the given devices, or over devices never seen when `unseen`. */
static double largest_logit(fixture *f, bool unseen) {
    double largest = 0, preference[OBJECTIVES_MOST], embedding[EMBEDDING], logits[OUTPUTS];
    fnas_random random = fnas_random_begin(77, FNAS_STREAM_TEST, 3, 0);
    for (int64_t trial = 0; trial < 4000; trial++) {
        fnas_random_simplex(&random, f->shape.objectives, preference);
        if (f->shape.objectives == 2) preference[0] = (double)(trial % 101) / 100, preference[1] = 1 - preference[0];
        for (int64_t e = 0; e < EMBEDDING; e++) embedding[e] = fnas_random_uniform(&random);
        const double *device = unseen ? embedding : f->devices + trial / 101 % DEVICES * EMBEDDING;
        fnas_hypernet_forward(&f->shape, f->parameters, 1, preference, device, f->workspace, logits);
        for (int64_t o = 0; o < OUTPUTS; o++) largest = fmax(largest, fabs(logits[o]));
    }
    return largest;
}

static void test_starts_uniform(void **state) {
    (void)state;
    for (int kind = FNAS_HYPERNET_TABLE; kind <= FNAS_HYPERNET_CONTINUOUS; kind++) {
        for (int64_t objectives = 2; objectives <= OBJECTIVES_MOST; objectives++) {
            fixture f = make(kind, objectives, 16);
            assert_int_equal(fnas_hypernet_initialise(NULL, &f.shape, FNAS_START_FLAT, 16, DEVICES, f.devices, f.parameters), FNAS_OK);
            double given = largest_logit(&f, false), unseen = largest_logit(&f, true);
            print_message("kind %d, %lld objectives: largest |logit| %.4f on the given devices, %.4f on unseen ones\n", kind,
                          (long long)objectives, given, unseen);
            assert_true(given < 0.1);
            assert_true(unseen < 0.1);
            drop(&f);
        }
    }
}

/* Pre-training brings only the mixture to zero: banks that are all zero could not come apart again. */
static void test_tables_stay_spread(void **state) {
    (void)state;
    fixture f = make(FNAS_HYPERNET_TABLE, 2, 17);
    assert_int_equal(fnas_hypernet_initialise(NULL, &f.shape, FNAS_START_FLAT, 17, DEVICES, f.devices, f.parameters), FNAS_OK);
    double sum = 0;
    for (int64_t i = 500; i < f.count; i++) sum += (double)f.parameters[i] * f.parameters[i];
    assert_true(sqrt(sum / (double)(f.count - 500)) > 0.7);
    drop(&f);
}

/* The untrained rival must choose: logits that differ. And the start is a function of the seed. */
static void test_random_start(void **state) {
    (void)state;
    for (int kind = FNAS_HYPERNET_TABLE; kind <= FNAS_HYPERNET_CONTINUOUS; kind++) {
        fixture f = make(kind, 2, 18), same = make(kind, 2, 18), other = make(kind, 2, 18);
        fnas_hypernet_randomise(&f.shape, 18, f.parameters);
        fnas_hypernet_randomise(&f.shape, 18, same.parameters);
        fnas_hypernet_randomise(&f.shape, 19, other.parameters);
        assert_memory_equal(f.parameters, same.parameters, (size_t)f.count * sizeof(float));
        assert_true(memcmp(f.parameters, other.parameters, (size_t)f.count * sizeof(float)) != 0);
        assert_true(largest_logit(&f, true) > 0.3);
        assert_int_equal(fnas_hypernet_initialise(NULL, &f.shape, FNAS_START_RANDOM, 18, DEVICES, f.devices, other.parameters), FNAS_OK);
        assert_memory_equal(f.parameters, other.parameters, (size_t)f.count * sizeof(float));
        drop(&f);
        drop(&same);
        drop(&other);
    }
}

static void test_initialise_is_deterministic(void **state) {
    (void)state;
    fixture f = make(FNAS_HYPERNET_TABLE, 2, 20), same = make(FNAS_HYPERNET_TABLE, 2, 20);
    assert_int_equal(fnas_hypernet_initialise(NULL, &f.shape, FNAS_START_FLAT, 20, DEVICES, f.devices, f.parameters), FNAS_OK);
    assert_int_equal(fnas_hypernet_initialise(NULL, &f.shape, FNAS_START_FLAT, 20, DEVICES, f.devices, same.parameters), FNAS_OK);
    assert_memory_equal(f.parameters, same.parameters, (size_t)f.count * sizeof(float));
    drop(&f);
    drop(&same);
}

static void test_impossible_shapes(void **state) {
    (void)state;
    fnas_context *context = NULL;
    assert_int_equal(fnas_context_create(&context), FNAS_OK);
    fnas_hypernet_shape one = {FNAS_HYPERNET_TABLE, 1, 10, 30}, wide = {FNAS_HYPERNET_CONTINUOUS, 2, 257, 30},
                        empty = {FNAS_HYPERNET_TABLE, 2, 10, 0};
    float parameter;
    assert_int_equal(fnas_hypernet_initialise(context, &one, FNAS_START_FLAT, 0, 0, NULL, &parameter), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "objectives"));
    assert_int_equal(fnas_hypernet_initialise(context, &wide, FNAS_START_FLAT, 0, 0, NULL, &parameter), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "257"));
    assert_int_equal(fnas_hypernet_initialise(context, &empty, FNAS_START_FLAT, 0, 0, NULL, &parameter), FNAS_ERR_INPUT);
    fnas_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_counts),
        cmocka_unit_test(test_gradient_table),
        cmocka_unit_test(test_gradient_table_three_objectives),
        cmocka_unit_test(test_gradient_continuous),
        cmocka_unit_test(test_gradient_accumulates),
        cmocka_unit_test(test_rows_are_interpolated),
        cmocka_unit_test(test_starts_uniform),
        cmocka_unit_test(test_tables_stay_spread),
        cmocka_unit_test(test_random_start),
        cmocka_unit_test(test_initialise_is_deterministic),
        cmocka_unit_test(test_impossible_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
