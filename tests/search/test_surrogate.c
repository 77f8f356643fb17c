/* Errors from a table: looked up where all are there, fitted where not; gradients, files, and tables that are refused. */
#include "base/support.h"

#include <math.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "search/error/surrogate.h"
#include "search/objective.h"

/* Eight decisions of four choices; the last counts only with choice c or d of the one before. */
#define DECISIONS 8
static const char SPACE[] =
    "{\"format\": \"fleetnas-space/1\", \"name\": \"eight\", \"decisions\": ["
    "{\"name\": \"d0\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]}, {\"name\": \"d1\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]},"
    "{\"name\": \"d2\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]}, {\"name\": \"d3\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]},"
    "{\"name\": \"d4\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]}, {\"name\": \"d5\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]},"
    "{\"name\": \"d6\", \"choices\": [\"a\", \"b\", \"c\", \"d\"]}, {\"name\": \"d7\", \"choices\": [\"a\", \"b\", \"c\", \"d\"],"
    " \"active\": {\"decision\": \"d6\", \"at_least\": \"c\"}}]}";
static const char SMALL[] =
    "{\"format\": \"fleetnas-space/1\", \"name\": \"small\", \"decisions\": [{\"name\": \"p\", \"choices\": [\"x\", \"y\"]},"
    "{\"name\": \"q\", \"choices\": [\"u\", \"v\", \"w\"], \"active\": {\"decision\": \"p\", \"in\": [\"y\"]}}]}";

static fnas_space *open_space(fnas_test_place *place, const char *text) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "space.json", text), &space));
    return space;
}

/* Additive, or with products of neighbours that outweigh what is additive. */
static double truth(const int32_t *choices, double products) {
    double sum = 30;
    for (int d = 0; d < DECISIONS; d++) sum += (d + 1) * 0.4 * choices[d];
    for (int d = 0; d + 1 < DECISIONS; d++) sum += products * (choices[d] - 1.5) * (choices[d + 1] - 1.5);
    return sum;
}

/* `rows` different architectures with their errors. */
static const char *write_table(fnas_test_place *place, const fnas_space *space, int rows, double products) {
    fnas_arch_set seen = {.decisions = DECISIONS};
    const char *path = fnas_test_path(place, "table.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "arch,top1_error\n");
    for (int64_t i = 0; seen.count < rows; i++) {
        int32_t choices[DECISIONS];
        char text[FNAS_ARCH_TEXT_BYTES];
        int64_t before = seen.count, index;
        fnas_space_random(space, 3, i, choices);
        fnas_space_canonical(space, choices);
        assert_status(FNAS_OK, fnas_arch_set_add(place->context, &seen, choices, &index));
        if (seen.count == before) continue;
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        fprintf(file, "%s,%.17g\n", text, truth(choices, products));
    }
    assert_int_equal(fclose(file), 0);
    fnas_arch_set_free(&seen);
    return path;
}

static fnas_surrogate *fit(fnas_test_place *place, const fnas_space *space, const char *path, uint64_t seed) {
    char option[256];
    fnas_surrogate *surrogate = NULL;
    snprintf(option, sizeof option, "table:%s:top1_error", path);
    assert_status(FNAS_OK, fnas_surrogate_open(place->context, space, option, &surrogate));
    assert_status(FNAS_OK, fnas_surrogate_fit(place->context, seed, surrogate));
    return surrogate;
}

/* Largest difference from the truth over architectures that the table need not have. */
static double worst(const fnas_surrogate *surrogate, const fnas_space *space, double products) {
    double most = 0;
    for (int64_t i = 0; i < 300; i++) {
        int32_t choices[DECISIONS];
        fnas_space_random(space, 4, i, choices);
        double error = fnas_surrogate_error(surrogate, choices);
        fnas_space_canonical(space, choices);
        most = fmax(most, fabs(error - truth(choices, products)));
    }
    return most;
}

static void test_linear_truth(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SPACE);
    fnas_surrogate *surrogate = fit(place, space, write_table(place, space, 2000, 0), 0);
    assert_false(surrogate->is_exact);
    assert_true(surrogate->spearman > 0.999); /* many sums are equal */
    assert_true(surrogate->mean_error_pct < 0.002);
    assert_true(worst(surrogate, space, 0) < 0.01); /* of a range of 43 */
    assert_true(surrogate->low < surrogate->high && surrogate->low > 30 && surrogate->high < 74);
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

/* What is not additive the network has to find, and cross-validation to see that it did. */
static void test_products(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SPACE);
    fnas_surrogate *surrogate = fit(place, space, write_table(place, space, 3000, 2), 0);
    assert_true(surrogate->scale > 0);
    /* The additive part alone correlates by sqrt(its variance / all of it): 0.16 * 204 * 1.25 / (that + 7 * 4 * 1.5625) = 0.48, root 0.69.
     */
    assert_true(surrogate->spearman > 0.9);
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

static double shifted(const fnas_surrogate *surrogate, double *onehot, int64_t entry, double by) {
    double gradient[4 * DECISIONS], kept = onehot[entry];
    int32_t choices[DECISIONS] = {0};
    onehot[entry] = kept + by;
    double value = fnas_surrogate_gradient(surrogate, choices, onehot, gradient);
    onehot[entry] = kept;
    return value;
}

/* Central differences in double precision: the third derivative of the network is of the order of its size. */
static void test_gradient(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SPACE);
    fnas_surrogate *surrogate = fit(place, space, write_table(place, space, 1000, 2), 1);
    assert_true(surrogate->scale > 0);
    for (int64_t i = 0; i < 10; i++) {
        int32_t choices[DECISIONS];
        double onehot[4 * DECISIONS], gradient[4 * DECISIONS];
        fnas_space_random(space, 8, i, choices);
        fnas_space_to_onehot(space, choices, onehot);
        double value = fnas_surrogate_gradient(surrogate, choices, onehot, gradient);
        assert_true(fabs(value - fnas_surrogate_prediction(surrogate, choices)) < 1e-9);
        for (int64_t k = 0; k < 4 * DECISIONS; k++) {
            double slope = (shifted(surrogate, onehot, k, 1e-4) - shifted(surrogate, onehot, k, -1e-4)) / 2e-4;
            assert_true(fabs(slope - gradient[k]) < 1e-4 * (1 + fabs(slope)));
        }
    }
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

/* ---- bounds ---- */

/* Straight but near the ends, there bent with the same slope; between, and in order, wherever predictions lie. */
static void test_bounds(void **state) {
    (void)state;
    fnas_surrogate surrogate = {.mean_error_pct = 2};
    for (double value = 2; value <= 98; value += 0.5) assert_true(fnas_surrogate_bounded(&surrogate, value) == value);
    assert_float_equal(fnas_surrogate_bounded(&surrogate, 0), 2 * exp(-1), 1e-12);
    assert_float_equal(fnas_surrogate_bounded(&surrogate, 100), 100 - 2 * exp(-1), 1e-12);
    double below = fnas_surrogate_bounded(&surrogate, 2 - 1e-6);
    assert_true(fabs(below - (2 - 1e-6)) < 1e-11);
    double before = -1;
    for (double value = -60; value <= 130; value += 0.25) {
        double error = fnas_surrogate_bounded(&surrogate, value);
        assert_true(error > before && error > 0 && error < 100);
        before = error;
    }
    surrogate.mean_error_pct = 80; /* of a fit that knows nothing */
    assert_true(fnas_surrogate_bounded(&surrogate, 50) == 50 && fnas_surrogate_bounded(&surrogate, -1e6) >= 0);
    surrogate.mean_error_pct = 0; /* of a fit that knows all */
    assert_true(fnas_surrogate_bounded(&surrogate, -1) == 0 && fnas_surrogate_bounded(&surrogate, 101) == 100);
    assert_true(fnas_surrogate_bounded(&surrogate, 1e-9) == 1e-9);
}

/* Errors fall by 6 with each choice, to a floor that a sum does not know: the best are predicted below 0. */
static const char *write_floored(fnas_test_place *place, const fnas_space *space) {
    const char *path = fnas_test_path(place, "floor.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "arch,top1_error\n");
    for (int64_t i = 0; i < 120; i++) {
        int32_t choices[DECISIONS] = {0};
        char text[FNAS_ARCH_TEXT_BYTES];
        for (int64_t d = 0, rest = i; d < 4; d++, rest /= 4) choices[d] = (int32_t)(rest % 4);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        fprintf(file, "%s,%g\n", text, fmax(1 + 0.01 * (double)(i % 7), 40 - 6 * (choices[0] + choices[1] + choices[2] + choices[3])));
    }
    assert_int_equal(fclose(file), 0);
    return path;
}

/* What lies below 0 is shown above it, and its slope is still that of the fit. */
static void test_predictions_below_zero(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SPACE);
    fnas_surrogate *surrogate = fit(place, space, write_floored(place, space), 0);
    const int32_t best[DECISIONS] = {3, 3, 3, 3}, second[DECISIONS] = {3, 3, 2, 3};
    double onehot[4 * DECISIONS], gradient[4 * DECISIONS];
    fnas_space_to_onehot(space, best, onehot);
    assert_true(fnas_surrogate_prediction(surrogate, best) < 0);
    assert_true(fnas_surrogate_error(surrogate, best) > 0);
    assert_true(fnas_surrogate_error(surrogate, best) < fnas_surrogate_error(surrogate, second));
    assert_true(fnas_surrogate_gradient(surrogate, best, onehot, gradient) < 0);
    assert_true(gradient[4 * 2 + 2] - gradient[4 * 2 + 3] > 1); /* points: d2 = c is worse than d2 = d */
    const fnas_search_config config = {.objective_count = 1, .objectives = {FNAS_OBJECTIVE_ERROR}};
    const fnas_objectives objectives = {.config = &config, .space = space, .surrogate = surrogate};
    const fnas_path_facts facts = {.choices = best, .onehot = onehot};
    double value, normalised, slope[4 * DECISIONS], range = surrogate->high - surrogate->low;
    fnas_objective_evaluate(&objectives, NULL, 0, 0, &facts, &value, &normalised, slope);
    assert_true(value == fnas_surrogate_error(surrogate, best));
    assert_float_equal(normalised, (fnas_surrogate_prediction(surrogate, best) - surrogate->low) / range, 1e-9);
    assert_float_equal(slope[4 * 2 + 3], gradient[4 * 2 + 3] / range, 1e-9);
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

/* ---- the whole space ---- */

static void test_looked_up(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SMALL);
    /* The table has each network once: q means nothing beside x. */
    fnas_surrogate *surrogate = fit(place, space, fnas_test_write_text(place, "t.csv", "p,q,top1_error\nx,,30\ny,u,20\ny,v,12.5\ny,w,18\n"),
                                    0);
    assert_true(surrogate->is_exact);
    static const double expected[2][3] = {{30, 30, 30}, {20, 12.5, 18}};
    for (int32_t p = 0; p < 2; p++)
        for (int32_t q = 0; q < 3; q++) assert_true(fnas_surrogate_error(surrogate, (int32_t[]){p, q}) == expected[p][q]);
    double onehot[5] = {0, 1, 0, 1, 0}, gradient[5];
    assert_true(fnas_surrogate_gradient(surrogate, (int32_t[]){1, 1}, onehot, gradient) == 12.5);
    const double differences[5] = {17.5, 0, 7.5, 0, 5.5};
    for (int i = 0; i < 5; i++) assert_true(gradient[i] == differences[i]);
    fnas_surrogate *loaded = NULL;
    const char *path = fnas_test_path(place, "error.safetensors");
    assert_status(FNAS_OK, fnas_surrogate_save(place->context, surrogate, path));
    assert_status(FNAS_OK, fnas_surrogate_load(place->context, space, path, &loaded));
    assert_true(loaded->is_exact && isnan(loaded->spearman));
    assert_true(fnas_surrogate_error(loaded, (int32_t[]){1, 2}) == 18);
    fnas_surrogate_free(loaded);
    surrogate->errors[1] = 130;
    assert_status(FNAS_OK, fnas_surrogate_save(place->context, surrogate, path));
    assert_status(FNAS_ERR_INPUT, fnas_surrogate_load(place->context, space, path, &loaded));
    assert_message("\"error_pct\" holds 130");
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

/* ---- files ---- */

static void test_file(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SPACE);
    fnas_surrogate *surrogate = fit(place, space, write_table(place, space, 500, 2), 5), *loaded = NULL;
    fnas_surrogate *again = fit(place, space, fnas_test_path(place, "table.csv"), 5);
    char first[160], second[160], option[200];
    snprintf(first, sizeof first, "%s", fnas_test_path(place, "first.safetensors"));
    snprintf(second, sizeof second, "%s", fnas_test_path(place, "second.safetensors"));
    assert_status(FNAS_OK, fnas_surrogate_save(place->context, surrogate, first));
    assert_status(FNAS_OK, fnas_surrogate_save(place->context, again, second));
    unsigned char *a, *b;
    size_t a_size, b_size;
    assert_status(FNAS_OK, fnas_file_read(place->context, first, 1 << 20, &a, &a_size));
    assert_status(FNAS_OK, fnas_file_read(place->context, second, 1 << 20, &b, &b_size));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size); /* deterministic */
    fnas_free(b);
    snprintf(option, sizeof option, "surrogate:%s", first);
    assert_status(FNAS_OK, fnas_surrogate_open(place->context, space, option, &loaded));
    assert_status(FNAS_OK, fnas_surrogate_fit(place->context, 0, loaded)); /* it is already */
    for (int64_t i = 0; i < 20; i++) {
        int32_t choices[DECISIONS];
        fnas_space_random(space, 6, i, choices);
        assert_true(fnas_surrogate_error(loaded, choices) == fnas_surrogate_error(surrogate, choices));
    }
    assert_true(loaded->spearman == surrogate->spearman && loaded->low == surrogate->low && loaded->high == surrogate->high);
    assert_int_equal(loaded->row_count, 500);
    assert_status(FNAS_OK, fnas_surrogate_save(place->context, loaded, second));
    assert_status(FNAS_OK, fnas_file_read(place->context, second, 1 << 20, &b, &b_size));
    assert_memory_equal(a, b, a_size);
    fnas_free(b);
    fnas_surrogate_free(loaded);
    /* damage, and another space */
    a[a_size - 5] ^= 0x40;
    assert_status(FNAS_ERR_INPUT,
                  fnas_surrogate_load(place->context, space, fnas_test_write(place, "bad.safetensors", a, a_size), &loaded));
    assert_message("bad.safetensors");
    assert_null(loaded);
    fnas_free(a);
    fnas_space *other = open_space(place, SMALL);
    assert_status(FNAS_ERR_INPUT, fnas_surrogate_load(place->context, other, first, &loaded));
    assert_message("these errors are of the space file:eight:");
    fnas_space_close(other);
    fnas_surrogate_free(again);
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

/* ---- what is refused ---- */

static void test_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SPACE);
#define A "a/a/a/a/a/a/a/a"
#define B "b/a/a/a/a/a/a/a"
    static const char *const cases[][2] = {
        {"arch,top1_error\n" A ",nan\n", "table.csv:2: \"top1_error\" is \"nan\", it must be a finite number"},
        {"arch,top1_error\n" A ",5\n" B ",inf\n", "table.csv:3: \"top1_error\" is \"inf\""},
        {"arch,top1_error\n" A ",-1\n", "table.csv:2: \"top1_error\" is -1: an error is in percent, 0 to 100"},
        {"arch,top1_error\n" A ",101\n", "table.csv:2: \"top1_error\" is 101"},
        {"arch,top1_eror\n" A ",5\n", "column \"top1_error\" is missing"},
        {"arch,top1_error\n" A ",5\n" B ",5\n", "\"top1_error\" is the same in all rows"},
        {"arch,top1_error\n" A ",5\na/a/a/a/a/a/a/b,6\n", "table.csv:3: the same architecture as on line 2"}, /* d7 means nothing there */
        {"arch,top1_error\n" A ",5\na/a/a/a/a/a/z/b,6\n", "table.csv:3: decision d6 has no choice \"z\""},
        {"arch,top1_error\n" A "\n", "table.csv:2: 1 cell, the header has 2"},
    };
    char option[256];
    fnas_surrogate *surrogate = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(option, sizeof option, "table:%s:top1_error", fnas_test_write_text(place, "table.csv", cases[i][0]));
        if (fnas_surrogate_open(place->context, space, option, &surrogate) != FNAS_ERR_INPUT) fail_msg("case %zu was not refused", i);
        assert_null(surrogate);
        assert_message(cases[i][1]);
    }
    snprintf(option, sizeof option, "table:%s:top1_error", write_table(place, space, 49, 0));
    assert_status(FNAS_OK, fnas_surrogate_open(place->context, space, option, &surrogate));
    assert_status(FNAS_ERR_INPUT, fnas_surrogate_fit(place->context, 0, surrogate));
    assert_message("49 rows: fitting errors to them needs at least 50");
    fnas_surrogate_free(surrogate);
    static const char *const wrong[] = {"table:", "table:x.csv", "table:x.csv:", "table::error", "surrogate:", "supernets", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_status(FNAS_ERR_USAGE, fnas_surrogate_open(place->context, space, wrong[i], &surrogate));
        assert_null(surrogate);
    }
    fnas_space_close(space);
}

static void test_interrupted(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SPACE);
    char option[256];
    fnas_surrogate *surrogate = NULL;
    snprintf(option, sizeof option, "table:%s:top1_error", write_table(place, space, 200, 2));
    assert_status(FNAS_OK, fnas_surrogate_open(place->context, space, option, &surrogate));
    fnas_context_request_stop(place->context);
    assert_status(FNAS_INTERRUPTED, fnas_surrogate_fit(place->context, 0, surrogate));
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_linear_truth),
        fnas_test(test_products),
        fnas_test(test_gradient),
        fnas_test(test_bounds),
        fnas_test(test_predictions_below_zero),
        fnas_test(test_looked_up),
        fnas_test(test_file),
        fnas_test(test_refused),
        fnas_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
