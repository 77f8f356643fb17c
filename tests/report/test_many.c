/* Pictures of many objectives and many devices: every mark where its values say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/curve.h"
#include "report/many.h"
#include "report/radar.h"
#include "support_xml.h"

static const char *const labels[] = {"Error (%)", "Latency (ms)", "Energy (mJ)"};
static const char *const names[] = {"one", "two", "three", "four", "broken"};
/* None dominates another in all three; "four" is beaten by "two" in error and latency, "three" by "one" in error and energy. */
static const double values[] = {10, 8, 3, 20, 4, 6, 30, 2, 4, 25, 5, 1, 5, NAN, 1};

static fnas_text draw(void (*append)(fnas_text *, const fnas_many *, bool), int64_t count) {
    const fnas_many many = {"device & more", 3, labels, count, names, values};
    fnas_text text = {0};
    append(&text, &many, true);
    assert_false(text.failed);
    const char *fault = xml_fault(text.data);
    if (fault) fail_msg("%s", fault);
    assert_int_equal(count_of(text.data, "nan"), 0);
    return text;
}

static void test_pairs(void **state) {
    (void)state;
    fnas_text text = draw(fnas_pairs_append, 5);
    /* three panels of four points, and two marks of the note */
    assert_int_equal(count_of(text.data, "<circle"), 14);
    /* beaten: in error and latency four; in error and energy two (by one) and three (by one); in latency and energy one, two (by four) */
    assert_int_equal(count_of(text.data, "class=\"fp-beaten\""), 1 + 2 + 2 + 1);
    for (int k = 0; k < 3; k++) assert_non_null(strstr(text.data, labels[k]));
    /* the first panel, error over latency: its only beaten point is drawn first, then one, two, three; latency 8, 4, 2 and error 10, 20, 30
     */
    double x[3], y[3];
    for (int i = 0; i < 3; i++) {
        x[i] = number_behind(text.data, "cx=\"", i + 1);
        y[i] = number_behind(text.data, "cy=\"", i + 1);
    }
    assert_float_equal(x[1], x[2] + (x[0] - x[2]) / 3, 0.11);
    assert_float_equal(y[1], (y[0] + y[2]) / 2, 0.11);
    assert_true(x[0] > x[2] + 50 && y[0] > y[2] + 50); /* a smaller error lies lower */
    fnas_text_free(&text);
}

static void test_parallel(void **state) {
    (void)state;
    fnas_text text = draw(fnas_parallel_append, 5);
    assert_int_equal(count_of(text.data, "class=\"fp-line"), 4 + 5); /* lines, and five shades in the legend */
    assert_int_equal(count_of(text.data, "broken"), 0);
    /* the worst error first, so that the best lies on top */
    const char *first = strstr(text.data, "<title>three"), *last = strstr(text.data, "<title>one");
    assert_true(first && last && first < last);
    fnas_text_free(&text);
    text = draw(fnas_parallel_append, 0);
    fnas_text_free(&text);
}

static void test_radar(void **state) {
    (void)state;
    const char *const axes[] = {"north", "east", "south", "west"};
    const double ours[] = {0.9, 0.8, 1, 0.95}, other[] = {0.85, NAN, 0.9, 0.9};
    const fnas_radar_line lines[] = {{"other", other, 3}, {"ours", ours, 0}};
    const fnas_radar radar = {"title", 4, axes, 3, "a note", 2, lines};
    fnas_text text = {0};
    fnas_radar_append(&text, &radar, true);
    assert_false(text.failed);
    assert_null(xml_fault(text.data));
    assert_int_equal(count_of(text.data, "nan"), 0);
    /* the centre is a twentieth or two below 0.8: 0.75. The point in the north lies as far above it as 0.9 says, the one in the south on
     * the rim. */
    const char *line = strstr(text.data, "class=\"fp-line fp-r0\"");
    assert_non_null(line);
    const char *path = strstr(line, " d=\"M");
    double north = 218 - number_behind(path, " ", 1), south; /* " d=", then "x y" */
    assert_non_null(strstr(path, "Z\"><title>ours"));
    assert_float_equal(north, 138 * (0.9 - 0.75) / 0.25, 0.11);
    const char *second = strchr(strchr(path, 'L') + 1, 'L');
    south = number_behind(second, " ", 0) - 218;
    assert_float_equal(south, 138, 0.11);
    /* open where a value is missing: two movements of the pen, no closing */
    line = strstr(text.data, "class=\"fp-line fp-r3\"");
    path = strstr(line, " d=\"");
    const char *end = strstr(path, "\">");
    int64_t moves = 0, closed = 0;
    for (const char *p = path; p < end; p++) {
        moves += *p == 'M';
        closed += *p == 'Z';
    }
    assert_true(moves == 2 && closed == 0);
    assert_non_null(strstr(text.data, "fp-tick fp-mark\" x=")); /* west, in another colour */
    fnas_text_free(&text);
}

static void test_curve(void **state) {
    (void)state;
    const fnas_curve_point points[] = {{10, 0.9, 0.01}, {20, 0.95, NAN}, {40, 0.96, 0.005}};
    const fnas_curve_line line = {"ours", 3, points, 0};
    const fnas_curve_level level = {"random", 0.93};
    const fnas_curve curve = {"title", "minutes", "ratio", 1, &line, 1, &level};
    fnas_text text = {0};
    fnas_curve_append_element(&text, &curve);
    assert_false(text.failed);
    assert_null(xml_fault(text.data));
    assert_int_equal(count_of(text.data, "<circle"), 3);
    double x[3];
    for (int i = 0; i < 3; i++) x[i] = number_behind(text.data, "cx=\"", i);
    assert_float_equal(x[1] - x[0], (x[2] - x[0]) / 3, 0.11);
    assert_float_equal(x[0] - 58, (x[2] - x[0]) / 3, 0.11); /* the axis begins at 0 */
    fnas_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs), cmocka_unit_test(test_parallel), cmocka_unit_test(test_radar),
                                       cmocka_unit_test(test_curve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
