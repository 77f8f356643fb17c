/* Tables of architectures in both forms, and rows that are refused. */
#include "base/support.h"

#include "space/arch_table.h"

#define SPACE                                                                                                                              \
    "{\"format\": \"fleetnas-space/1\", \"name\": \"s\", \"decisions\": [{\"name\": \"depth\", \"choices\": [\"1\", \"2\"]},"              \
    "{\"name\": \"first\", \"choices\": [\"conv\", \"pool\"]},"                                                                            \
    "{\"name\": \"second\", \"choices\": [\"conv\", \"pool\"], \"active\": {\"decision\": \"depth\", \"in\": [\"2\"]}}]}"

static fnas_space *open_space(fnas_test_place *place) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "space.json", SPACE), &space));
    return space;
}

static void test_both_forms(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    static const char *const texts[] = {"error,arch\n5,2/conv/pool\n7,1/pool/pool\n9,1/conv/conv\n",
                                        "second,first,depth,error\npool,conv,2,5\n,pool,1,7\nconv,conv,1,9\n"};
    const int32_t expected[3][3] = {{1, 0, 1}, {0, 1, 0}, {0, 0, 0}};
    for (int i = 0; i < 2; i++) {
        fnas_arch_table table = {0};
        assert_status(FNAS_OK, fnas_arch_table_read(place->context, space, fnas_test_write_text(place, "t.csv", texts[i]), &table));
        assert_int_equal(table.count, 3);
        assert_memory_equal(table.choices, expected, sizeof expected);
        fnas_arch_table_free(&table);
    }
    fnas_space_close(space);
}

static void test_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    static const char *const cases[][2] = {
        {"arch,error\n", "a header and no row"},
        {"error\n5\n",
         "t.csv:1: no column tells which architecture a row is: name one \"arch\" (native strings of s), or have one for each decision "
         "(\"depth\" is missing)"},
        {"depth,first\n1,conv\n", "(\"second\" is missing)"},
        {"arch,error\n1/conv/conv,5\n2/conv/deconv,5\n", "t.csv:3: decision second has no choice \"deconv\""},
        {"arch,error\n1/conv/conv\n", "t.csv:2: 1 cell, the header has 2"},
        {"arch\n1/conv\n", "t.csv:2: architecture \"1/conv\": 3 choices"},
        {"arch\n1/conv/conv\n2/conv/conv\n1/conv/pool\n", "t.csv:4: the same architecture as on line 2"},
        {"depth,first,second\n1,conv,\n2,conv,\n", "t.csv:3: decision second has no choice here, and matters"},
        {"depth,first,second\n1,,conv\n", "t.csv:2: decision first has no choice here, and matters"},
        {"depth,first,second\n1,conv,Pool\n", "t.csv:2: decision second has no choice \"Pool\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_arch_table table = {0};
        const char *path = fnas_test_write_text(place, "t.csv", cases[i][0]);
        if (fnas_arch_table_read(place->context, space, path, &table) != FNAS_ERR_INPUT) fail_msg("case %zu was not refused", i);
        assert_message(cases[i][1]);
        fnas_arch_table_free(&table);
    }
    fnas_space_close(space);
}

/* A space that is code has tables too. */
static void test_nb201(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &space));
    fnas_arch_table table = {0};
    const char *path = fnas_test_write_text(place, "t.csv", "arch,error\n|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|,9\n");
    assert_status(FNAS_OK, fnas_arch_table_read(place->context, space, path, &table));
    assert_int_equal(table.count, 1);
    assert_int_equal(table.choices[3], 3);
    fnas_arch_table_free(&table);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_both_forms), fnas_test(test_refused), fnas_test(test_nb201)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
