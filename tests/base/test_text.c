#include "base/support.h"

#include <locale.h>
#include <math.h>

#include "base/random.h"
#include "base/text.h"

static void appending(void **state) {
    (void)state;
    fnas_text text = {0};
    fnas_text_append(&text, "%s-%d", "a", 5);
    fnas_text_append_bytes(&text, "xyz", 2);
    assert_string_equal(text.data, "a-5xy");
    assert_int_equal(text.size, 5);
    for (int i = 0; i < 1000; i++) fnas_text_append(&text, "%03d", i);
    assert_int_equal(text.size, 3005);
    assert_string_equal(text.data + 3002, "999");
    fnas_text_free(&text);
    assert_null(text.data);
}

static void failure_sticks(void **state) {
    (void)state;
    fnas_text text = {0};
    fnas_text_append(&text, "kept");
    fnas_text_append_bytes(&text, "", SIZE_MAX - 10);
    assert_true(text.failed);
    fnas_text_append(&text, "dropped");
    assert_string_equal(text.data, "kept");
    fnas_text_free(&text);
}

static void check_json(const char *string, const char *expected) {
    fnas_text text = {0};
    fnas_text_append_json(&text, string);
    assert_string_equal(text.data, expected);
    fnas_text_free(&text);
}

static void json_escapes(void **state) {
    (void)state;
    check_json("", "\"\"");
    check_json("a\"b\\c\n\t\x01", "\"a\\\"b\\\\c\\n\\t\\u0001\"");
    check_json("|nor_conv_3x3~0|", "\"|nor_conv_3x3~0|\"");
    check_json("</script>", "\"\\u003c/script>\"");
    check_json("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    check_json("a\xFFz", "\"a\\ufffdz\"");
    check_json("\xC3", "\"\\ufffd\"");                       /* cut off */
    check_json("\xC0\xAF", "\"\\ufffd\\ufffd\"");            /* not the shortest form */
    check_json("\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
}

static void html_escapes(void **state) {
    (void)state;
    fnas_text text = {0};
    fnas_text_append_html(&text, "<a href=\"x\" b='y'>&amp;");
    assert_string_equal(text.data, "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
    fnas_text_free(&text);
}

static void check_number(double value, const char *expected) {
    fnas_text text = {0};
    fnas_text_append_number(&text, value);
    assert_string_equal(text.data, expected);
    fnas_text_free(&text);
}

static void numbers_are_short_and_exact(void **state) {
    (void)state;
    check_number(0.1, "0.1");
    check_number(0.1 + 0.2, "0.30000000000000004");
    check_number(1e300, "1e+300");
    check_number(-2.5, "-2.5");
    check_number(3, "3");
    check_number(NAN, "null");
    check_number(-INFINITY, "null");
    fnas_random random = fnas_random_begin(1, FNAS_STREAM_TEST, 0, 0);
    for (int i = 0; i < 10000; i++) {
        double value = fnas_random_normal(&random) * exp(30 * fnas_random_normal(&random)), back;
        fnas_text text = {0};
        fnas_text_append_number(&text, value);
        assert_true(fnas_parse_double(text.data, &back));
        assert_true(back == value);
        fnas_text_free(&text);
    }
}

static void strict_doubles(void **state) {
    (void)state;
    double value = -7;
    static const char *const good[] = {"0", "-1", "+2.5", ".5", "3.", "1e3", "1E-3", "2.5e+10"};
    static const double expected[] = {0, -1, 2.5, 0.5, 3, 1000, 0.001, 2.5e10};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(fnas_parse_double(good[i], &value));
        assert_true(value == expected[i]);
    }
    static const char *const bad[] = {"",  " 1", "1 ", "1x", "0x10", "inf", "nan",   "NaN",
                                      "-", ".",  "e5", "1e", "1e+",  "1,5", "1e999", "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = -7;
        if (fnas_parse_double(bad[i], &value)) fail_msg("\"%s\" was taken for a number", bad[i]);
        assert_true(value == -7);
    }
    assert_false(fnas_parse_double(NULL, &value));
}

static void strict_integers(void **state) {
    (void)state;
    int64_t value = -7;
    assert_true(fnas_parse_int64("-9223372036854775808", &value));
    assert_true(value == INT64_MIN);
    assert_true(fnas_parse_int64("+12", &value));
    assert_int_equal(value, 12);
    static const char *const bad[] = {"", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "-", "1e3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (fnas_parse_int64(bad[i], &value)) fail_msg("\"%s\" was taken for an integer", bad[i]);
    }
}

/* A program may have set a locale whose decimal point is a comma. */
static void numbers_ignore_the_locale(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    bool set = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !set; i++) {
        set = setlocale(LC_NUMERIC, names[i]) && !strcmp(localeconv()->decimal_point, ",");
    }
    if (!set) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    double value;
    assert_true(fnas_parse_double("2.5", &value));
    assert_true(value == 2.5);
    check_number(2.5, "2.5");
    fnas_text text = {0};
    fnas_text_append(&text, "%.2f", 2.5);
    assert_string_equal(text.data, "2.50");
    fnas_text_free(&text);
    setlocale(LC_NUMERIC, "C");
}

static void suggestions(void **state) {
    (void)state;
    static const char *const options[] = {"--device", "--data", "--out", "--seed", NULL};
    assert_string_equal(fnas_suggest("--devise", options), "--device");
    assert_string_equal(fnas_suggest("--DATA", options), "--data");
    assert_string_equal(fnas_suggest("--sed", options), "--seed");
    assert_null(fnas_suggest("--hypervolume", options));
    assert_null(fnas_suggest("x", (const char *const[]){NULL}));
    char longer[500];
    memset(longer, 'a', sizeof longer);
    longer[499] = 0;
    assert_null(fnas_suggest(longer, options));
}

static void shown_texts(void **state) {
    (void)state;
    static const char *const shown[] = {"", "stage0.unit1", " ~", "\xc3\xa9", "\xc2\xa0", "\xe2\x82\xac", "\xf0\x9f\x98\x80"},
                             *const others[] = {"a\n",  "\x1b[31m", "\x7f",     "\xc2\x80",    "\xc2\x9f",
                                                "\xff", "\xc3",     "\xc0\x80", "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) assert_true(fnas_text_is_shown(shown[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(fnas_text_is_shown(others[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appending),
        cmocka_unit_test(shown_texts),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(html_escapes),
        cmocka_unit_test(strict_doubles),
        cmocka_unit_test(numbers_are_short_and_exact),
        cmocka_unit_test(strict_integers),
        cmocka_unit_test(numbers_ignore_the_locale),
        cmocka_unit_test(suggestions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
