#include "base/support.h"

#include "base/csv.h"

static fnas_csv *read_text(fnas_test_place *place, const char *text) {
    fnas_csv *table;
    assert_status(FNAS_OK, fnas_csv_read(place->context, fnas_test_write_text(place, "a.csv", text), 1 << 20, &table));
    return table;
}

static void cells_are_found(void **state) {
    fnas_test_place *place = *state;
    fnas_csv *table = read_text(place, "arch,latency_ms\r\n|a~0|,1.5\n\n\"x, \"\"y\"\"\nz\",2\nlast,");
    assert_int_equal(fnas_csv_rows(table), 3);
    assert_int_equal(fnas_csv_columns(table), 2);
    assert_string_equal(fnas_csv_header(table, 1), "latency_ms");
    assert_string_equal(fnas_csv_cell(table, 0, 0), "|a~0|");
    assert_string_equal(fnas_csv_cell(table, 0, 1), "1.5");
    assert_string_equal(fnas_csv_cell(table, 1, 0), "x, \"y\"\nz");
    assert_string_equal(fnas_csv_cell(table, 1, 1), "2");
    assert_string_equal(fnas_csv_cell(table, 2, 0), "last");
    assert_string_equal(fnas_csv_cell(table, 2, 1), "");
    assert_int_equal(fnas_csv_line(table, 0), 2);
    assert_int_equal(fnas_csv_line(table, 1), 4);
    assert_int_equal(fnas_csv_line(table, 2), 6);
    assert_int_equal(fnas_csv_find_column(table, "arch"), 0);
    assert_int_equal(fnas_csv_find_column(table, "Arch"), -1);
    fnas_csv_free(table);
    fnas_csv_free(NULL);
}

static void small_tables(void **state) {
    fnas_test_place *place = *state;
    fnas_csv *table = read_text(place, "\xEF\xBB\xBFonly");
    assert_int_equal(fnas_csv_rows(table), 0);
    assert_string_equal(fnas_csv_header(table, 0), "only");
    fnas_csv_free(table);
    table = read_text(place, "a,b\n,\n\"\",\"\"\n");
    assert_int_equal(fnas_csv_rows(table), 2);
    assert_string_equal(fnas_csv_cell(table, 1, 1), "");
    fnas_csv_free(table);
}

static void errors_name_file_and_line(void **state) {
    fnas_test_place *place = *state;
    static const char *const cases[][2] = {
        {"a,b,c,d\n1,2,3,4\n1,2,3\n", "a.csv:3: 3 cells, the header has 4"},
        {"a,b\n1\n", "a.csv:2: 1 cell, the header has 2"},
        {"a,b\n1,\"x\n", "a.csv:2: a quoted cell begins here and never ends"},
        {"a,b\n1,\"x\"y\n", "a.csv:2: text behind the closing quote"},
        {"a,b\n1,x\"y\n", "a.csv:2: a quote inside a cell"},
        {"a,b,a\n", "a.csv:1: two columns are named \"a\""},
        {"", "a.csv: empty"},
        {"\n\r\n", "a.csv: empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_csv *table;
        const char *path = fnas_test_write_text(place, "a.csv", cases[i][0]);
        assert_status(FNAS_ERR_INPUT, fnas_csv_read(place->context, path, 1 << 20, &table));
        assert_message(cases[i][1]);
        assert_null(table);
    }
    fnas_csv *table;
    assert_status(FNAS_ERR_INPUT, fnas_csv_read(place->context, fnas_test_write(place, "a.csv", "a\0b", 3), 100, &table));
    assert_message("not a text file");
}

static void numbers_and_columns_are_checked(void **state) {
    fnas_test_place *place = *state;
    fnas_csv *table = read_text(place, "device,latency_ms\npi,1.5\npi,nan\npi, 2\n");
    int64_t column;
    double value;
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "latency_ms", &column));
    assert_status(FNAS_OK, fnas_csv_number(place->context, table, 0, column, &value));
    assert_true(value == 1.5);
    assert_status(FNAS_ERR_INPUT, fnas_csv_number(place->context, table, 1, column, &value));
    assert_message("a.csv:3: \"latency_ms\" is \"nan\", it must be a finite number");
    assert_status(FNAS_ERR_INPUT, fnas_csv_number(place->context, table, 2, column, &value));
    assert_status(FNAS_ERR_INPUT, fnas_csv_column(place->context, table, "latency", &column));
    assert_message("column \"latency\" is missing: did you mean \"latency_ms\"?");
    assert_status(FNAS_ERR_INPUT, fnas_csv_column(place->context, table, "energy", &column));
    assert_message("column \"energy\" is missing");
    fnas_csv_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(cells_are_found),
        fnas_test(small_tables),
        fnas_test(errors_name_file_and_line),
        fnas_test(numbers_and_columns_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
