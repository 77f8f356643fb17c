/* Cell strings both ways, parameters and MACs against the benchmark, reference architectures. */
#include <math.h>

#include "base/csv.h"
#include "base/support.h"

#include "space/nb201/nb201.h"

static fnas_space *open_space(fnas_test_place *place, const char *spec) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &space));
    return space;
}

static void test_strings_both_ways(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    int32_t choices[6], parsed[6];
    const char *mixed = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|";
    const int32_t expected[6] = {FNAS_NB201_POOL, FNAS_NB201_NONE, FNAS_NB201_SKIP, FNAS_NB201_CONV1, FNAS_NB201_CONV3, FNAS_NB201_NONE};
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, mixed, parsed));
    assert_memory_equal(parsed, expected, sizeof parsed);
    for (int64_t i = 0; i < 15625; i++) {
        char text[FNAS_ARCH_TEXT_BYTES];
        for (int64_t d = 0, rest = i; d < 6; d++, rest /= 5) choices[d] = (int32_t)(rest % 5);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, text, parsed));
        assert_memory_equal(choices, parsed, sizeof choices);
    }
    char small[20];
    assert_status(FNAS_ERR_INTERNAL, fnas_space_format(place->context, space, expected, small, sizeof small));
    fnas_space_close(space);
}

static void test_wrong_strings(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|",
         "unknown operation \"nor_conv_5x5\" at position 2 of cell \"|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|\": use one of "
         "none, "
         "skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3"},
        {"|none~0|+|none~0|skip_conect~1|+|none~0|none~1|none~2|", "unknown operation \"skip_conect\" at position 18"},
        {"|none~0|+|none~0|skip_conect~1|+|none~0|none~1|none~2|", "did you mean skip_connect?"},
        {"|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "node 0 expected at position 7: this operation is that of edge 1<-0"},
        {"|none~0|+|none~0|none~1|+|none~0|none~1|none~3|", "node 2 expected at position 46: this operation is that of edge 3<-2"},
        {"|none~0|+|none~0|none~1|+|none~0|none~1|none~2|x", "text behind its end at position 48"},
        {"|none~0|+|none~0|none~1|+|none~0|none~1|none~2", "\"|\" expected at position 47"},
        {"|none~0|none~0|none~1|+|none~0|none~1|none~2|", "\"+|\" expected at position 9"},
        {"none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "\"|\" expected at position 1"},
        {"", "\"|\" expected at position 1"},
        {"|", "unknown operation \"\" at position 2"},
        {"|none", "\"~\" expected at position 6"},
        {"|none~", "node 0 expected at position 7"},
        {"|Skip_connect~0|+|none~0|none~1|+|none~0|none~1|none~2|", "unknown operation \"Skip_connect\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t choices[6] = {-7, -7, -7, -7, -7, -7};
        if (fnas_space_parse(place->context, space, cases[i].text, choices) != FNAS_ERR_INPUT)
            fail_msg("\"%s\" was not refused", cases[i].text);
        assert_message(cases[i].message);
        for (int d = 0; d < 6; d++) assert_int_equal(choices[d], -7);
    }
    char huge[8000];
    memset(huge, 'a', sizeof huge - 1);
    huge[0] = '|';
    huge[sizeof huge - 1] = '\0';
    int32_t choices[6];
    assert_status(FNAS_ERR_INPUT, fnas_space_parse(place->context, space, huge, choices));
    fnas_space_close(space);
}

/* Rows of the benchmark: parameters and MACs of one image, for 16 channels, 5 cells, 10 classes, 3x32x32. */
static void test_counts_golden(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    static const struct {
        const char *arch;
        int64_t params, macs;
    } rows[] = {
        {"|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|", 129306, 15647370},
        {"|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|", 802426, 113951370},
        {"|avg_pool_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|skip_connect~2|", 73306, 7783050},
        {"|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|", 1531546, 220119690},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int32_t choices[6];
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, rows[i].arch, choices));
        assert_int_equal(fnas_space_params(space, choices), rows[i].params);
        assert_int_equal(fnas_space_macs(space, choices), rows[i].macs);
    }
    fnas_space_close(space);
}

/* The table has numbers in millions with few digits: agreement to the last of them. */
static void test_counts_of_all(void **state) {
    fnas_test_place *place = *state;
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    char path[512];
    if (!folder) {
        print_message("skipped: set FLEETNAS_TEST_DATA to the folder that holds nb201/architectures.csv\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/nb201/architectures.csv", folder);
    fnas_space *space = open_space(place, "nb201");
    fnas_csv *table = NULL;
    int64_t arch, params, macs;
    assert_status(FNAS_OK, fnas_csv_read(place->context, path, 1 << 24, &table));
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "arch", &arch));
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "params_million", &params));
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "macs_million", &macs));
    assert_int_equal(fnas_csv_rows(table), 15625);
    for (int64_t row = 0; row < fnas_csv_rows(table); row++) {
        int32_t choices[6];
        double params_million, macs_million;
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, fnas_csv_cell(table, row, arch), choices));
        assert_status(FNAS_OK, fnas_csv_number(place->context, table, row, params, &params_million));
        assert_status(FNAS_OK, fnas_csv_number(place->context, table, row, macs, &macs_million));
        assert_int_equal(fnas_space_params(space, choices), llround(params_million * 1e6));
        assert_int_equal(fnas_space_macs(space, choices), llround(macs_million * 1e6));
    }
    fnas_csv_free(table);
    fnas_space_close(space);
}

static void test_references(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    assert_int_equal(fnas_space_reference_count(space), 10);
    for (int64_t i = 0; i < 10; i++) {
        int32_t choices[6];
        char text[FNAS_ARCH_TEXT_BYTES];
        fnas_space_reference(space, i, choices);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        assert_string_equal(text, fnas_space_nb201.reference_archs[i]);
    }
    int32_t choices[6];
    fnas_space_reference(space, 9, choices);
    for (int d = 0; d < 6; d++) assert_int_equal(choices[d], FNAS_NB201_CONV3);
    fnas_space_close(space);
}

/* The canonical form keeps what a cell computes (the same operations where data pass), is its own canonical form, and has no operation that
 * data do not pass. */
static void test_canonical(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    int64_t changed = 0;
    for (int64_t i = 0; i < 15625; i++) {
        int32_t choices[6], canonical[6], again[6];
        double onehot[30], before[128], after[128];
        for (int64_t d = 0, rest = i; d < 6; d++, rest /= 5) choices[d] = canonical[d] = (int32_t)(rest % 5);
        fnas_space_canonical(space, canonical);
        changed += memcmp(choices, canonical, sizeof choices) != 0;
        memcpy(again, canonical, sizeof again);
        fnas_space_canonical(space, again);
        assert_memory_equal(again, canonical, sizeof again);
        assert_true(fnas_space_cost_feature_count(space) <= 128);
        fnas_space_to_onehot(space, choices, onehot);
        fnas_space_cost_features(space, onehot, before);
        fnas_space_to_onehot(space, canonical, onehot);
        fnas_space_cost_features(space, onehot, after);
        assert_memory_equal(before, after, 25 * sizeof *before); /* live operations and whether the cell is connected */
        int64_t live = 0, present = 0;
        for (int f = 0; f < 24; f++) live += after[f] == 1;
        for (int d = 0; d < 6; d++) present += canonical[d] != FNAS_NB201_NONE;
        assert_int_equal(live, present);
    }
    print_message("%lld of 15625 cells hold operations that cannot matter\n", (long long)changed);
    fnas_space_close(space);
}

/* Edges 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2: the four paths from the input to the output, written down. */
static void test_connected(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "nb201");
    for (int64_t i = 0; i < 15625; i++) {
        int32_t choices[6];
        bool on[6];
        for (int64_t d = 0, rest = i; d < 6; d++, rest /= 5) {
            choices[d] = (int32_t)(rest % 5);
            on[d] = choices[d] != FNAS_NB201_NONE;
        }
        bool connected = on[3] || (on[0] && on[4]) || (on[1] && on[5]) || (on[0] && on[2] && on[5]);
        assert_int_equal(fnas_space_connected(space, choices), connected);
    }
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_strings_both_ways), fnas_test(test_wrong_strings), fnas_test(test_counts_golden),
                                       fnas_test(test_counts_of_all),     fnas_test(test_references),    fnas_test(test_canonical),
                                       fnas_test(test_connected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
