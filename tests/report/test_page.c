/* The page: well-formed, escaped, complete, and nothing of it from elsewhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/page.h"
#include "support_xml.h"

static const fnas_page_objective objectives[3] = {{"Error", "%", "supernet"}, {"Latency", "ms", "predicted"}, {"MACs", "", "closed-form"}};
static const double preferences[2][3] = {{0.75, 0.25, 0}, {0.2, 0.8, 0}};
static const double values[2][3] = {{12.5, 3.25, 41234567}, {20.25, 1.125, 1234567}};
static const fnas_page_check check = {88.8, 4.4, 0.975, 1.25, 0.812, 0.701, 0.633, NAN, NAN};

static fnas_text write_page(const fnas_page *page) {
    fnas_text text = {0};
    fnas_page_append(&text, page);
    assert_false(text.failed);
    const char *fault = xml_fault(text.data);
    if (fault) fail_msg("%s", fault);
    return text;
}

/* Two devices of two objectives, the second kept out and verified. */
static void test_two_devices(void **state) {
    (void)state;
    const fnas_page_row plain[2] = {{"|a~0|", preferences[0], values[0], NAN, NAN, 0}, {"|b~0|", preferences[1], values[1], NAN, NAN, 0}};
    const fnas_page_row measured[2] = {{"|a~0|", preferences[0], values[0], 3.5, 13.75, 0},
                                       {"|c~0|", preferences[1], values[1], 1.0625, 21.5, 0}};
    const fnas_page_device devices[2] = {{"first", "blas · f32 · batch 1", true, 2, plain, NULL, NULL},
                                         {"second", "", false, 2, measured, &check, NULL}};
    const fnas_page_fact facts[1] = {{"Space", "nb201:channels=16"}};
    const fnas_page page = {"Fronts", 1, facts, 2, objectives, 0, 1, 1, 2, devices};
    fnas_text text = write_page(&page);
    const char *first = strstr(text.data, "id=\"device-1\""), *second = strstr(text.data, "id=\"device-2\"");
    assert_non_null(first);
    assert_non_null(second);
    assert_non_null(strstr(second, "kept out of the search"));
    const char *badge = strstr(first, "kept out of the search");
    assert_true(badge > second); /* not in the first device's part */
    assert_non_null(strstr(first, "blas · f32 · batch 1"));
    assert_non_null(strstr(second, "<td>12.50</td><td>13.75</td><td>3.250</td><td>3.500</td><td>0.75 : 0.25</td>"));
    assert_non_null(strstr(first, "<td>20.25</td><td>1.125</td><td>0.20 : 0.80</td>"));
    assert_non_null(strstr(second, "<b>0.812</b><small>hypervolume of the run's best 24</small>"));
    assert_non_null(strstr(second, "88.8 %"));
    assert_non_null(strstr(text.data, "<dt>Space</dt><dd>nb201:channels=16</dd>"));
    assert_int_equal(count_of(text.data, "Mean embedding"), 0); /* not known: no column */
    assert_int_equal(count_of(text.data, "ms, measured"), 1);
    fnas_text_free(&text);
}

static void test_three_objectives_one_point(void **state) {
    (void)state;
    const fnas_page_row row = {"|a~0|", preferences[0], values[0], NAN, NAN, 0};
    const fnas_page_device device = {"only", "", true, 1, &row, NULL, "drift <3>"};
    const fnas_page page = {"Fronts", 0, NULL, 3, objectives, 0, 1, 1, 1, &device};
    fnas_text text = write_page(&page);
    assert_non_null(strstr(text.data, "<td>12.50</td><td>3.250</td><td>41234567</td><td>0.75 : 0.25 : 0.00</td>"));
    assert_non_null(strstr(text.data, "1 architecture<"));
    assert_int_equal(count_of(text.data, "ms, measured"), 0);
    assert_non_null(strstr(text.data, "Not verified: drift &lt;3&gt;</p>"));
    fnas_text_free(&text);
}

/* Of predicted latencies those that the card has measured are marked; a column of measurements is not. */
static void test_marks(void **state) {
    (void)state;
    const fnas_page_row rows[2] = {{"|a~0|", preferences[0], values[0], NAN, NAN, 0}, {"|b~0|", preferences[1], values[1], NAN, NAN, 2}};
    const fnas_page_device devices[2] = {{"none", "", true, 1, rows, NULL, NULL}, {"some", "", true, 2, rows, NULL, NULL}};
    const fnas_page_objective measured[2] = {{"Error", "%", "supernet"}, {"Latency", "ms", "measured"}};
    fnas_page page = {"Fronts", 0, NULL, 2, objectives, 0, 1, 1, 2, devices};
    fnas_text text = write_page(&page);
    const char *second = strstr(text.data, "id=\"device-2\"");
    assert_non_null(strstr(second, "<td>12.50</td><td>3.250</td>"));
    assert_non_null(strstr(second, "<td>20.25</td><td>1.125*</td>"));
    assert_non_null(strstr(second, "*: measured, as the device's card has it."));
    assert_int_equal(count_of(text.data, "*: measured"), 1); /* where nothing is marked, nothing is explained */
    fnas_text_free(&text);
    page.objectives = measured;
    text = write_page(&page);
    assert_int_equal(count_of(text.data, "1.125*"), 0);
    assert_int_equal(count_of(text.data, "*: measured"), 0);
    assert_int_equal(count_of(text.data, "ms, measured"), 2);
    fnas_text_free(&text);
}

/* Printed weights sum to 1, and a long architecture may break into lines. */
static void test_table_cells(void **state) {
    (void)state;
    const double preference[2] = {0.625, 0.375};
    const fnas_page_row row = {"|a~0|+|b~0|c~1|+|d~0|e~1|f~2|", preference, values[0], NAN, NAN, 0};
    const fnas_page_device device = {"only", "", true, 1, &row, NULL, NULL};
    const fnas_page page = {"Fronts", 0, NULL, 2, objectives, 0, 1, 1, 1, &device};
    fnas_text text = write_page(&page);
    assert_non_null(strstr(text.data, "<td>0.63 : 0.37</td>"));
    assert_non_null(strstr(text.data, "<code>|a~0|+|<wbr/>b~0|<wbr/>c~1|+|<wbr/>d~0|<wbr/>e~1|<wbr/>f~2|</code>"));
    const char *code = strstr(text.data, "code{");
    assert_non_null(code);
    const char *nowrap = strstr(code, "nowrap");
    assert_true(!nowrap || nowrap > strchr(code, '}'));
    fnas_text_free(&text);
}

static void test_hostile_text(void **state) {
    (void)state;
    const char *evil = "<img src=x onerror=alert(1)>&\"'\x07";
    const fnas_page_row row = {evil, preferences[0], values[0], 1, 1, 0};
    const fnas_page_device device = {evil, evil, false, 1, &row, &check, evil};
    const fnas_page_objective evil_objectives[2] = {{evil, evil, evil}, {evil, evil, evil}};
    const fnas_page_fact fact = {evil, evil};
    const fnas_page page = {evil, 1, &fact, 2, evil_objectives, 0, 1, 1, 1, &device};
    fnas_text text = write_page(&page);
    assert_int_equal(count_of(text.data, "<img"), 0);
    assert_true(count_of(text.data, "&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;") > 10);
    fnas_text_free(&text);
}

static void test_self_contained(void **state) {
    (void)state;
    const fnas_page_row row = {"|a~0|", preferences[0], values[0], 3.5, 13.75, 0};
    const fnas_page_device device = {"only", "", true, 1, &row, &check, NULL};
    const fnas_page page = {"Fronts", 0, NULL, 2, objectives, 0, 1, 1, 1, &device};
    fnas_text text = write_page(&page);
    assert_int_equal(count_of(text.data, "http"), count_of(text.data, "xmlns=\"http://www.w3.org/2000/svg\""));
    const char *const foreign[] = {"<script", "src=", "url(", "@import", "<link", "<iframe"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) assert_int_equal(count_of(text.data, foreign[i]), 0);
    assert_non_null(strstr(text.data, "name=\"viewport\""));
    assert_non_null(strstr(text.data, "prefers-color-scheme:dark"));
    fnas_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_devices),  cmocka_unit_test(test_three_objectives_one_point),
        cmocka_unit_test(test_hostile_text), cmocka_unit_test(test_marks),
        cmocka_unit_test(test_table_cells),  cmocka_unit_test(test_self_contained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
