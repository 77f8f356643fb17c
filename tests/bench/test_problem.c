/* Problem strings: what they say, and what is wrong with them. */
#include "base/support.h"

#include <math.h>

#include "bench/bench.h"
#include "bench/families.h"
#include "bench/growth.h"

static fnas_status parse(fnas_test_place *place, const char *text, fnas_problem *problem) {
    return fnas_problem_parse(place->context, fnas_bench_families, text, problem);
}

static void refuse(fnas_test_place *place, fnas_status status, const char *text, const char *says) {
    fnas_problem problem;
    assert_int_equal(status, parse(place, text, &problem));
    if (!strstr(fnas_context_message(place->context), says))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, fnas_context_message(place->context), says);
}

static void test_values_and_defaults(void **state) {
    fnas_problem problem;
    assert_int_equal(FNAS_OK, parse(*state, "conv:out=32,direction=weights", &problem));
    assert_int_equal(32, fnas_problem_count(&problem, "out"));
    assert_int_equal(16, fnas_problem_count(&problem, "in"));
    assert_true(fnas_problem_is(&problem, "direction", "weights"));
    fnas_text text = {0};
    fnas_problem_append(&problem, &text);
    assert_string_equal("conv:images=256,in=16,out=32,size=32,kernel=3,stride=1,padding=half,groups=1,direction=weights,bias=no,add=no,"
                        "source=activation,precision=f32",
                        text.data);
    fnas_problem again; /* what a row is called runs it again */
    assert_int_equal(FNAS_OK, parse(*state, text.data, &again));
    assert_memory_equal(problem.values, again.values, sizeof problem.values);
    fnas_text_free(&text);
}

static void test_operands(void **state) {
    fnas_problem problem;
    assert_int_equal(FNAS_OK, parse(*state, "case:conv_forward n2 c16 8x8 o16 k3x3 s1 p1 g1", &problem));
    assert_string_equal("conv_forward n2 c16 8x8 o16 k3x3 s1 p1 g1", fnas_problem_operand(&problem));
    assert_int_equal(FNAS_OK, parse(*state, "cases", &problem));
    assert_string_equal("", fnas_problem_operand(&problem));
    refuse(*state, FNAS_ERR_USAGE, "case", "needs more");
    refuse(*state, FNAS_ERR_USAGE, "case:conv_forward n2 c16 8x8 o16 k3x3 s1 p1 g7", "did you mean \"conv_forward n2 c16 8x8 o16");
    refuse(*state, FNAS_ERR_USAGE, "cases:nothing", "no name holds");
}

static void test_unknown_words(void **state) {
    refuse(*state, FNAS_ERR_USAGE, "convv", "did you mean \"conv\"?");
    refuse(*state, FNAS_ERR_USAGE, "something else", "there are conv, ");
    refuse(*state, FNAS_ERR_USAGE, "conv:strides=2", "did you mean \"stride\"?");
    refuse(*state, FNAS_ERR_USAGE, "conv:direction=backward", "there are forward, data, weights");
    refuse(*state, FNAS_ERR_USAGE, "conv:precision=f23", "did you mean \"f32\"?");
    refuse(*state, FNAS_ERR_USAGE, "pass:cell=mixd", "did you mean \"mixed\"?");
    refuse(*state, FNAS_ERR_INPUT, "pass:cell=|nor_conv_9x9~0|", "nor_conv_9x9");
}

static void test_malformed(void **state) {
    const char *const texts[] = {"conv:",
                                 "conv:in",
                                 "conv:=3",
                                 "conv:in=",
                                 "conv:in=3,",
                                 "conv:in=3,in=3",
                                 "conv:in=x",
                                 "conv:in=0",
                                 "conv:in=-1",
                                 "conv:in=99999999999999999999",
                                 "conv:in=1e3",
                                 "growth",
                                 "growth:axis=devices,from=8,to=8"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) refuse(*state, FNAS_ERR_USAGE, texts[i], "problem ");
    char longest[600] = "conv:in=";
    memset(longest + 8, '1', 500);
    refuse(*state, FNAS_ERR_USAGE, longest, "is not key=value");
}

static void test_impossible_shapes(void **state) {
    refuse(*state, FNAS_ERR_INPUT, "conv:kernel=11,size=8,padding=0", "at most 8");
    refuse(*state, FNAS_ERR_INPUT, "conv:groups=5", "multiples of groups=5");
    refuse(*state, FNAS_ERR_INPUT, "conv:source=image,direction=data", "gradient of an image");
    refuse(*state, FNAS_ERR_INPUT, "pool:padding=3", "less than kernel=3");
    refuse(*state, FNAS_ERR_INPUT, "pool:size=2,kernel=5,padding=0", "smaller kernel");
    refuse(*state, FNAS_ERR_INPUT, "relu:add=yes", "direction=backward");
    refuse(*state, FNAS_ERR_INPUT, "iteration:cells=/nowhere/cells.txt", "/nowhere/cells.txt");
    refuse(*state, FNAS_ERR_INPUT, "iteration:images=20,batch=shared", "13 paths: use at least 26");
    refuse(*state, FNAS_ERR_USAGE, "growth:axis=cells,of=step", "of=iteration");
}

/* Whatever the working folder holds. */
static void test_defaults_need_no_file(void **state) {
    fnas_problem problem;
    for (const fnas_problem_family *const *family = fnas_bench_families; *family; family++) {
        if ((*family)->operand) continue;
        bool needs = false;
        for (const fnas_problem_key *key = (*family)->keys; key->name; key++) needs = needs || !key->fallback;
        if (!needs && parse(*state, (*family)->name, &problem) != FNAS_OK)
            fail_msg("%s: %s", (*family)->name, fnas_context_message(((fnas_test_place *)*state)->context));
    }
    assert_int_equal(FNAS_OK, parse(*state, "iteration", &problem));
    assert_true(fnas_problem_is(&problem, "cells", "drawn"));
}

static void test_cells_from_a_file(void **state) {
    static const char twice[] = "# two\n|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|\n\n"
                                "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|\n";
    static const char one[] = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|\n";
    char text[300];
    snprintf(text, sizeof text, "iteration:cells=%s", fnas_test_write(*state, "line.txt", "# one\nconv\n", 11));
    refuse(*state, FNAS_ERR_INPUT, text, "line.txt:2: ");
    snprintf(text, sizeof text, "iteration:cells=%s,devices=3", fnas_test_write(*state, "twice.txt", twice, sizeof twice - 1));
    refuse(*state, FNAS_ERR_INPUT, text, "holds 2 cells, one a path, which cannot be 3 devices");
    snprintf(text, sizeof text, "iteration:cells=%s", fnas_test_write(*state, "none.txt", "# nothing\n", 10));
    refuse(*state, FNAS_ERR_INPUT, text, "holds no architecture");
    snprintf(text, sizeof text, "iteration:cells=%s,devices=2", fnas_test_write(*state, "one.txt", one, sizeof one - 1));
    refuse(*state, FNAS_ERR_INPUT, text, "holds 1 cells, one a path, which cannot be 2 devices");
}

static void test_exponents(void **state) {
    (void)state;
    const double sizes[] = {1, 2, 4, 8}, line[] = {3, 6, 12, 24}, flat[] = {5, 5, 5, 5}, square[] = {2, 8, 32, 128}, none[] = {1, 0, 1, 1};
    assert_true(fabs(fnas_growth_exponent(4, sizes, line) - 1) < 1e-12);
    assert_true(fabs(fnas_growth_exponent(4, sizes, flat)) < 1e-12);
    assert_true(fabs(fnas_growth_exponent(4, sizes, square) - 2) < 1e-12);
    assert_false(isfinite(fnas_growth_exponent(4, sizes, none)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fnas_test_setup, fnas_test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_values_and_defaults), TEST(test_operands),          TEST(test_unknown_words),
                                       TEST(test_malformed),           TEST(test_impossible_shapes), TEST(test_defaults_need_no_file),
                                       TEST(test_cells_from_a_file),   TEST(test_exponents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
