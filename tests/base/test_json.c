#include "base/support.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

static json_t *read_text(fnas_test_place *place, const char *text) {
    json_t *root;
    assert_status(FNAS_OK, fnas_json_read(place->context, fnas_test_write_text(place, "a.json", text), 1 << 20, &root));
    return root;
}

static void errors_name_file_line_and_column(void **state) {
    fnas_test_place *place = *state;
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"{\n  \"a\": 1,\n  \"b\": }", "a.json:3:", "unexpected token"},
        {"{\"a\": 1, \"a\": 2}", "a.json:1:", "duplicate object key"},
        {"{\"a\": NaN}", "a.json:1:", "invalid token"},
        {"{\"a\": 1} x", "a.json:1:", "end of file expected"},
        {"{\"a\": \"\xFF\"}", "a.json:1:", "unable to decode byte 0xff"},
        {"", "a.json:1:", "expected near end of file"},
        {"{\"a\": 1e999}", "a.json:1:", "overflow"},
        {"[1", "a.json:1:", "']' expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root;
        const char *path = fnas_test_write_text(place, "a.json", cases[i].text);
        assert_status(FNAS_ERR_INPUT, fnas_json_read(place->context, path, 1 << 20, &root));
        assert_message(cases[i].where);
        assert_message(cases[i].what);
        assert_null(root);
    }
}

static void deep_nesting_is_refused(void **state) {
    fnas_test_place *place = *state;
    enum { depth = 100000 };
    char *text = malloc(depth);
    memset(text, '[', depth);
    json_t *root;
    assert_status(FNAS_ERR_INPUT, fnas_json_read(place->context, fnas_test_write(place, "deep", text, depth), 1 << 20, &root));
    assert_message("maximum parsing depth");
    free(text);
}

static void members_are_typed(void **state) {
    fnas_test_place *place = *state;
    json_t *root = read_text(place, "{\"s\": \"x\", \"n\": 2.5, \"i\": 7, \"a\": [1], \"o\": {}, \"null\": null}"), *child;
    const char *string;
    double number;
    int64_t integer;
    assert_status(FNAS_OK, fnas_json_string(place->context, root, "card", "s", &string));
    assert_string_equal(string, "x");
    assert_status(FNAS_OK, fnas_json_number(place->context, root, "card", "n", &number));
    assert_true(number == 2.5);
    assert_status(FNAS_OK, fnas_json_number(place->context, root, "card", "i", &number));
    assert_true(number == 7);
    assert_status(FNAS_OK, fnas_json_integer(place->context, root, "card", "i", 1, 7, &integer));
    assert_int_equal(integer, 7);
    assert_status(FNAS_OK, fnas_json_array(place->context, root, "card", "a", &child));
    assert_int_equal(json_array_size(child), 1);
    assert_status(FNAS_OK, fnas_json_object(place->context, root, "card", "o", &child));

    assert_status(FNAS_ERR_INPUT, fnas_json_string(place->context, root, "card", "n", &string));
    assert_string_equal(fnas_context_message(place->context), "card: \"n\" must be a string");
    assert_status(FNAS_ERR_INPUT, fnas_json_number(place->context, root, "card", "s", &number));
    assert_string_equal(fnas_context_message(place->context), "card: \"s\" must be a number");
    assert_status(FNAS_ERR_INPUT, fnas_json_number(place->context, root, "card", "null", &number));
    assert_status(FNAS_ERR_INPUT, fnas_json_number(place->context, root, "card", "absent", &number));
    assert_string_equal(fnas_context_message(place->context), "card: \"absent\" (a number) is missing");
    assert_status(FNAS_ERR_INPUT, fnas_json_integer(place->context, root, "card", "n", 0, 10, &integer));
    assert_message("must be an integer");
    assert_status(FNAS_ERR_INPUT, fnas_json_integer(place->context, root, "card", "i", 8, 10, &integer));
    assert_string_equal(fnas_context_message(place->context), "card: \"i\" is 7, it must be 8 to 10");
    assert_status(FNAS_ERR_INPUT, fnas_json_array(place->context, root, "card", "o", &child));
    assert_status(FNAS_ERR_INPUT, fnas_json_object(place->context, root, "card", "a", &child));
    assert_status(FNAS_ERR_INPUT, fnas_json_object(place->context, json_object_get(root, "a"), "card", "a", &child));
    assert_message("card: must be an object");
    json_decref(root);
}

static void written_form(void **state) {
    fnas_test_place *place = *state;
    static const char text[] = "{\n"
                               "  \"z\": 0.1,\n"
                               "  \"a\": 3.0,\n"
                               "  \"list\": [1, 2.5, \"x\", true, null],\n"
                               "  \"rows\": [\n"
                               "    {\n"
                               "      \"ms\": 1e-07\n"
                               "    },\n"
                               "    []\n"
                               "  ],\n"
                               "  \"none\": {}\n"
                               "}\n";
    json_t *root = read_text(place, text);
    const char *path = fnas_test_path(place, "out.json");
    assert_status(FNAS_OK, fnas_json_write(place->context, path, root));
    unsigned char *data;
    size_t size;
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 10000, &data, &size));
    assert_string_equal((char *)data, text);
    fnas_free(data);
    json_t *again;
    assert_status(FNAS_OK, fnas_json_read(place->context, path, 10000, &again));
    assert_true(json_equal(root, again));
    json_decref(again);
    json_decref(root);
}

static void written_rows(void **state) {
    fnas_test_place *place = *state;
    static const char text[] = "{\n"
                               "  \"name\": \"pi\",\n"
                               "  \"whole\": 2,\n"
                               "  \"protocol\": {\n"
                               "    \"levels\": [0.1, 0.5],\n"
                               "    \"source\": {\"images\": 8, \"none\": null}\n"
                               "  },\n"
                               "  \"reference\": {\n"
                               "    \"arch\": [\n"
                               "      \"|a|\",\n"
                               "      \"|b|\"\n"
                               "    ],\n"
                               "    \"latency_ms\": [1.25, 3]\n"
                               "  },\n"
                               "  \"measurements\": [\n"
                               "    {\"arch\": \"|c|\", \"latency_ms\": 0.1, \"quantiles_ms\": [0.1, 0.30000000000000004]},\n"
                               "    {\"arch\": \"|d|\", \"good\": true, \"empty\": []}\n"
                               "  ],\n"
                               "  \"no_rows\": [],\n"
                               "  \"nothing\": {}\n"
                               "}\n";
    json_t *root = read_text(place, text);
    json_object_set_new(root, "whole", json_real(2));
    const char *path = fnas_test_path(place, "out.json");
    assert_status(FNAS_OK, fnas_json_write_rows(place->context, path, root));
    unsigned char *data;
    size_t size;
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 10000, &data, &size));
    assert_string_equal((char *)data, text);
    fnas_free(data);
    json_decref(root);
}

/* What fits into an integer of JSON is one; nothing becomes negative. */
static void unsigned_numbers(void **state) {
    fnas_test_place *place = *state;
    json_t *root = json_object();
    json_object_set_new(root, "zero", fnas_json_from_unsigned(0));
    json_object_set_new(root, "last_integer", fnas_json_from_unsigned(INT64_MAX));
    json_object_set_new(root, "first_text", fnas_json_from_unsigned((uint64_t)INT64_MAX + 1));
    json_object_set_new(root, "last", fnas_json_from_unsigned(UINT64_MAX));
    const char *path = fnas_test_path(place, "out.json");
    assert_status(FNAS_OK, fnas_json_write(place->context, path, root));
    json_decref(root);
    unsigned char *data;
    size_t size;
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 10000, &data, &size));
    assert_string_equal((char *)data, "{\n"
                                      "  \"zero\": 0,\n"
                                      "  \"last_integer\": 9223372036854775807,\n"
                                      "  \"first_text\": \"9223372036854775808\",\n"
                                      "  \"last\": \"18446744073709551615\"\n"
                                      "}\n");
    fnas_free(data);
    assert_status(FNAS_OK, fnas_json_read(place->context, path, 10000, &root)); /* and it is JSON that we read */
    json_decref(root);
}

/* The line where a member, or an element of it, begins: whatever stands before it. */
static void test_lines(void **state) {
    (void)state;
    const char *text = "{\n \"a\": \"x\\\"] }\",\n \"list\": [\n  {\"list\": [1,\n 2]},\n  \"]\", [3],\n  7],\n \"b\": true}";
    assert_int_equal(fnas_json_line(text, "a", -1), 2);
    assert_int_equal(fnas_json_line(text, "list", -1), 3);
    assert_int_equal(fnas_json_line(text, "list", 0), 4);
    assert_int_equal(fnas_json_line(text, "list", 1), 6);
    assert_int_equal(fnas_json_line(text, "list", 2), 6);
    assert_int_equal(fnas_json_line(text, "list", 3), 7);
    assert_int_equal(fnas_json_line(text, "b", -1), 8);
    assert_int_equal(fnas_json_line(text, "c", -1), 1);
    assert_int_equal(fnas_json_line("[1]", "c", 0), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        fnas_test(errors_name_file_line_and_column),
        fnas_test(deep_nesting_is_refused),
        fnas_test(members_are_typed),
        fnas_test(written_form),
        fnas_test(written_rows),
        fnas_test(unsigned_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
