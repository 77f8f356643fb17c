/* Opening, deriving, drawing, one-hots; messages for what is wrong. */
#include "base/support.h"

#include "space/space.h"

#define DEFAULT_SPEC "nb201:channels=16,cells=5,classes=10,input=3x32x32"

static fnas_space *open_space(fnas_test_place *place, const char *spec) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &space));
    return space;
}

static void test_specs(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201"), *derived = NULL;
    assert_string_equal(fnas_space_spec(space), DEFAULT_SPEC);
    assert_string_equal(fnas_space_name(space), "nb201");
    assert_int_equal(fnas_space_decision_count(space), 6);
    assert_int_equal(fnas_space_onehot_size(space), 30);
    assert_int_equal(fnas_space_onehot_offset(space, 4), 20);
    assert_true(fnas_space_cardinality(space) == 15625.0);
    assert_string_equal(fnas_space_decision_name(space, 0), "1<-0");
    assert_string_equal(fnas_space_decision_name(space, 5), "3<-2");
    assert_int_equal(fnas_space_choice_count(space, 3), 5);
    assert_string_equal(fnas_space_choice_name(space, 3, 0), "none");
    assert_string_equal(fnas_space_choice_name(space, 3, 4), "avg_pool_3x3");
    assert_status(FNAS_OK, fnas_space_derive(place->context, space, "cells=1,input=1x28x28", &derived));
    assert_string_equal(fnas_space_spec(derived), "nb201:channels=16,cells=1,classes=10,input=1x28x28");
    int64_t shape[3], classes;
    assert_status(FNAS_OK, fnas_space_image(place->context, derived, shape, &classes));
    assert_true(shape[0] == 1 && shape[1] == 28 && shape[2] == 28 && classes == 10);
    fnas_space *same = NULL, *again = open_space(place, fnas_space_spec(derived));
    assert_status(FNAS_OK, fnas_space_derive(place->context, derived, "", &same));
    assert_string_equal(fnas_space_spec(same), fnas_space_spec(derived));
    assert_string_equal(fnas_space_spec(again), fnas_space_spec(derived));
    fnas_space_close(again);
    fnas_space_close(same);
    fnas_space_close(derived);
    fnas_space_close(space);
}

static void test_wrong_specs(void **state) {
    fnas_test_place *place = *state;
    static const struct {
        const char *spec, *message;
    } cases[] = {
        {"nb210", "did you mean \"nb201\""},
        {"something else", "known are nb201, mobilenetv3, transformer, or give a file: SPACE.json"},
        {"", "unknown space \"\""},
        {"nb201:", "nothing behind the colon"},
        {"nb201:chanels=8", "did you mean \"channels\""},
        {"nb201:quux=8", "it has channels, cells, classes, input"},
        {"nb201:channels", "\"channels\" is not key=value"},
        {"nb201:channels=", "is not key=value"},
        {"nb201:channels=0", "channels=0 must be a whole number from 1 to 256"},
        {"nb201:channels=257", "from 1 to 256"},
        {"nb201:channels=1e3", "channels=1e3 must be a whole number"},
        {"nb201:channels=99999999999999999999", "must be a whole number"},
        {"nb201:cells=21", "cells=21 must be a whole number from 1 to 20"},
        {"nb201:classes=1", "from 2 to 1000"},
        {"nb201:cells=1,cells=2", "\"cells\" is given twice"},
        {"nb201:cells=1,", "nothing behind the last comma"},
        {"nb201:input=32x32", "CHANNELSxHEIGHTxWIDTH"},
        {"nb201:input=3x32x32x3", "CHANNELSxHEIGHTxWIDTH"},
        {"nb201:input=3x30x32", "multiples of 4"},
        {"nb201:input=3x4x4", "from 8 to 1024"},
        {"nb201:input=0x32x32", "channels must be 1 to 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fnas_space *space = NULL;
        if (fnas_space_open(place->context, cases[i].spec, &space) != FNAS_ERR_INPUT)
            fail_msg("\"%s\" was not refused as input", cases[i].spec);
        assert_null(space);
        assert_message(cases[i].message);
    }
    fnas_space *space = open_space(place, "nb201"), *derived = NULL;
    assert_status(FNAS_ERR_INPUT, fnas_space_derive(place->context, space, "cels=1", &derived));
    assert_message("did you mean \"cells\"");
    fnas_space_close(space);
}

static void test_random(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    int64_t counts[6][5] = {{0}};
    enum { DRAWS = 5000 };
    for (int64_t i = 0; i < DRAWS; i++) {
        int32_t choices[6], again[6];
        fnas_space_random(space, 42, i, choices);
        fnas_space_random(space, 42, i, again);
        assert_memory_equal(choices, again, sizeof choices);
        for (int d = 0; d < 6; d++) counts[d][choices[d]]++;
    }
    for (int d = 0; d < 6; d++) /* 1000 expected, deviation 28: five of them */
        for (int k = 0; k < 5; k++) assert_in_range(counts[d][k], 858, 1142);
    fnas_space_close(space);
}

static void test_random_distinct(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    enum { ALL = 15625 };
    fnas_arch_set set = {.decisions = 6};
    int32_t first[6];
    bool *seen = calloc(ALL, sizeof *seen);
    assert_status(FNAS_OK, fnas_space_random_distinct(place->context, space, 5, ALL, &set));
    assert_int_equal(set.count, ALL);
    for (int64_t i = 0; i < ALL; i++) {
        int64_t code = 0;
        for (int d = 0; d < 6; d++) code = 5 * code + fnas_arch_set_at(&set, i)[d];
        assert_false(seen[code]);
        seen[code] = true;
    }
    fnas_space_random(space, 5, 0, first);
    assert_memory_equal(first, set.choices, sizeof first);
    assert_status(FNAS_ERR_INPUT, fnas_space_random_distinct(place->context, space, 5, 1, &set));
    assert_message("15625");
    assert_int_equal(set.count, ALL);
    fnas_arch_set_free(&set);
    free(seen);
    fnas_space_close(space);
}

static void test_onehot(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    const int32_t choices[6] = {0, 4, 2, 3, 1, 0};
    int32_t decoded[6];
    double onehot[30];
    fnas_space_to_onehot(space, choices, onehot);
    for (int d = 0; d < 6; d++)
        for (int k = 0; k < 5; k++) assert_true(onehot[5 * d + k] == (choices[d] == k ? 1.0 : 0.0));
    fnas_space_decode(space, onehot, decoded);
    assert_memory_equal(choices, decoded, sizeof choices);
    for (int i = 0; i < 30; i++) onehot[i] = -1.0;
    onehot[2] = onehot[3] = 0.5;
    fnas_space_decode(space, onehot, decoded);
    assert_int_equal(decoded[0], 2); /* the first among equals */
    assert_int_equal(decoded[1], 0);
    fnas_space_close(space);
}

static void test_wrong_choices(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    const int32_t choices[6] = {0, 0, 0, 5, 0, 0};
    char text[FNAS_ARCH_TEXT_BYTES];
    fnas_net *net = NULL;
    assert_status(FNAS_ERR_INPUT, fnas_space_format(place->context, space, choices, text, sizeof text));
    assert_message("decision 3<-0");
    assert_status(FNAS_ERR_INPUT, fnas_space_record(place->context, space, choices, &net));
    assert_null(net);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_specs),           fnas_test(test_wrong_specs), fnas_test(test_random),
                                       fnas_test(test_random_distinct), fnas_test(test_onehot),      fnas_test(test_wrong_choices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
