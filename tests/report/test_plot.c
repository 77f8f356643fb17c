/* Pictures: well-formed whatever the points, every mark where its values say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "report/axis.h"
#include "report/plot.h"
#include "support_xml.h"

enum { WIDTH = 480, HEIGHT = 320 };

static fnas_text draw(int64_t count, const fnas_plot_point *points, const char *title) {
    fnas_plot_series series = {"predicted", FNAS_PLOT_FRONT, count, points};
    fnas_plot plot = {title, "Latency (ms)", "Error (%)", 1, &series};
    fnas_text text = {0};
    fnas_plot_append_document(&text, &plot);
    assert_false(text.failed);
    const char *fault = xml_fault(text.data);
    if (fault) fail_msg("%s", fault);
    return text;
}

/* The judge itself must be able to say no. */
static void test_judge(void **state) {
    (void)state;
    assert_null(xml_fault("<?xml?><a b=\"c &amp; d\"><e/>&lt;</a>"));
    assert_non_null(xml_fault("<a><b></a></b>"));
    assert_non_null(xml_fault("<a>"));
    assert_non_null(xml_fault("<a b=c></a>"));
    assert_non_null(xml_fault("<a>x & y</a>"));
    assert_non_null(xml_fault("<a>x < y</a>"));
    assert_non_null(xml_fault("<a b=\"<\"/>"));
    assert_non_null(xml_fault("<a>\x01</a>"));
}

static void test_marks_are_in_place(void **state) {
    (void)state;
    const fnas_plot_point points[3] = {{2, 30, "a"}, {4, 20, "b"}, {10, 10, "c"}};
    fnas_text text = draw(3, points, "device");
    double x[3], y[3];
    for (int64_t i = 0; i < 3; i++) {
        x[i] = number_behind(text.data, "cx=\"", i);
        y[i] = number_behind(text.data, "cy=\"", i);
    }
    /* linear: 4 is a quarter of the way from 2 to 10, 20 half of the way; one decimal is printed */
    assert_float_equal(x[1], x[0] + (x[2] - x[0]) / 4, 0.11);
    assert_float_equal(y[1], (y[0] + y[2]) / 2, 0.11);
    assert_true(x[2] > x[0] + 200 && y[2] > y[0] + 100);
    fnas_text_free(&text);
}

/* The tick labelled 5 stands where a point of 5 would. */
static void test_ticks_agree_with_marks(void **state) {
    (void)state;
    const fnas_plot_point points[3] = {{0, 0, NULL}, {5, 5, NULL}, {10, 10, NULL}};
    fnas_axis axis = {0, 10, 100, 300};
    assert_float_equal(fnas_axis_pixel(&axis, 5), 200, 1e-12);
    fnas_text text = draw(3, points, "");
    const char *tick = strstr(text.data, "fp-middle\" x=\""); /* first of the axis of x: 0, then 2, 4 ... */
    assert_non_null(tick);
    assert_float_equal(number_behind(tick, "x=\"", 0), number_behind(text.data, "cx=\"", 0), 0.11);
    assert_non_null(strstr(tick, ">0</text>"));
    fnas_text_free(&text);
}

static void test_staircase(void **state) {
    (void)state;
    /* (6, 25) is dominated by (4, 20): drawn, not joined */
    const fnas_plot_point points[4] = {{10, 10, NULL}, {2, 30, NULL}, {6, 25, NULL}, {4, 20, NULL}};
    fnas_text text = draw(4, points, "device");
    assert_int_equal(count_of(text.data, "<circle"), 4);
    const char *path = strstr(text.data, "fp-stair\" d=\"");
    assert_non_null(path);
    double x[4], y[4];
    for (int64_t i = 0; i < 4; i++) {
        x[i] = number_behind(text.data, "cx=\"", i);
        y[i] = number_behind(text.data, "cy=\"", i);
    }
    assert_float_equal(number_behind(path, "d=\"M", 0), x[1], 0);
    assert_float_equal(number_behind(path, "V", 0), y[1], 0);
    assert_float_equal(number_behind(path, "H", 0), x[3], 0);
    assert_float_equal(number_behind(path, "V", 1), y[3], 0);
    assert_float_equal(number_behind(path, "H", 1), x[0], 0);
    assert_float_equal(number_behind(path, "V", 2), y[0], 0);
    fnas_text_free(&text);
}

static void check_inside(const char *svg) {
    for (int64_t i = 0; i < count_of(svg, "cx=\""); i++) {
        double x = number_behind(svg, "cx=\"", i), y = number_behind(svg, "cy=\"", i);
        assert_true(x >= 0 && x <= WIDTH && y >= 0 && y <= HEIGHT);
    }
    assert_int_equal(count_of(svg, "nan"), 0);
    assert_int_equal(count_of(svg, "inf"), 0);
}

static void test_odd_point_sets(void **state) {
    (void)state;
    const fnas_plot_point one[1] = {{3, 20, "a"}}, zero[1] = {{0, 0, NULL}}, equal[3] = {{3, 20, "a"}, {3, 20, "b"}, {3, 20, "c"}};
    const fnas_plot_point nearly[2] = {{3, 20, "a"}, {3 + 1e-15, 20, "b"}}, below[2] = {{-5, -1, NULL}, {-3, -2, NULL}};
    const fnas_plot_point huge[2] = {{1e12, 1e-9, NULL}, {3e12, 5e-10, NULL}},
                          broken[3] = {{NAN, 1, "a"}, {1, INFINITY, "b"}, {2, 20, "c"}};
    const struct {
        int64_t count, drawn;
        const fnas_plot_point *points;
    } sets[] = {{0, 0, NULL}, {1, 1, one}, {1, 1, zero}, {3, 3, equal}, {2, 2, nearly}, {2, 2, below}, {2, 2, huge}, {3, 1, broken}};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        fnas_text text = draw(sets[s].count, sets[s].points, "device");
        assert_int_equal(count_of(text.data, "<circle"), sets[s].drawn);
        check_inside(text.data);
        fnas_text_free(&text);
    }
}

static void test_hostile_text(void **state) {
    (void)state;
    const fnas_plot_point points[1] = {{1, 2, "</title><script>alert(\"1\")</script>&\x02"}};
    fnas_text text = draw(1, points, "<b>\"'&\x1b[0m");
    assert_int_equal(count_of(text.data, "<script"), 0);
    assert_int_equal(count_of(text.data, "<b>"), 0);
    assert_non_null(strstr(text.data, "&lt;script&gt;"));
    assert_int_equal(count_of(text.data, "\x02"), 0);
    fnas_text_free(&text);
}

static void test_titles_hold_values(void **state) {
    (void)state;
    const fnas_plot_point points[1] = {{1.234567, 20.5, "|nor_conv_3x3~0|"}};
    fnas_text text = draw(1, points, "device");
    assert_non_null(strstr(text.data, "<title>|nor_conv_3x3~0|\nError (%): 20.50\nLatency (ms): 1.235</title>"));
    fnas_text_free(&text);
}

/* Nothing is fetched from elsewhere, in the picture or in its style. */
static void test_self_contained(void **state) {
    (void)state;
    const fnas_plot_point points[1] = {{1, 2, NULL}};
    fnas_text text = draw(1, points, "device");
    assert_int_equal(count_of(text.data, "http"), count_of(text.data, "xmlns=\"http://www.w3.org/2000/svg\""));
    assert_int_equal(count_of(text.data, "url("), 0);
    assert_int_equal(count_of(text.data, "@import"), 0);
    assert_non_null(strstr(text.data, "prefers-color-scheme"));
    fnas_text_free(&text);
}

static void test_second_series(void **state) {
    (void)state;
    const fnas_plot_point predicted[2] = {{1, 20, "a"}, {2, 10, "b"}}, measured[2] = {{1.1, 20, "a"}, {NAN, 10, "b"}};
    fnas_plot_series series[2] = {{"predicted", FNAS_PLOT_FRONT, 2, predicted}, {"measured", FNAS_PLOT_CHECK, 2, measured}};
    fnas_plot plot = {"device", "Latency (ms)", "Error (%)", 2, series};
    fnas_text text = {0};
    fnas_plot_append_element(&text, &plot);
    assert_null(xml_fault(text.data));
    assert_int_equal(count_of(text.data, "class=\"fp-check\""), 1 + 1); /* the point, and the legend */
    assert_int_equal(count_of(text.data, "class=\"fp-link\""), 1);
    assert_non_null(strstr(text.data, ">measured</text>"));
    fnas_text_free(&text);
}

/* Ticks lie inside, are few, are multiples of 1, 2 or 5 times a power of ten, and are never fewer than two. */
static void test_ticks(void **state) {
    (void)state;
    fnas_random random = fnas_random_begin(21, FNAS_STREAM_TEST, 0, 0);
    for (int64_t trial = 0; trial < 20000; trial++) {
        double low = fnas_random_normal(&random) * pow(10, 6 * fnas_random_uniform(&random) - 3);
        double high = low + pow(10, 8 * fnas_random_uniform(&random) - 4), first, step;
        int64_t most = 4 + fnas_random_below(&random, 5), count = fnas_plot_ticks(low, high, most, &first, &step);
        double mantissa = step / pow(10, floor(log10(step) + 1e-9)), slack = (high - low) * 1e-6;
        if (!(count >= 2 - (most < 5) && count <= most && first >= low - slack && first + (double)(count - 1) * step <= high + slack &&
              first + (double)count * step > high - slack && first - step < low + slack))
            fail_msg("seed 21, trial %lld: %g..%g at most %lld: %lld ticks from %g by %g", (long long)trial, low, high, (long long)most,
                     (long long)count, first, step);
        assert_true(fabs(mantissa - 1) < 1e-6 || fabs(mantissa - 2) < 1e-6 || fabs(mantissa - 5) < 1e-6);
        assert_float_equal(first / step, round(first / step), 1e-6 * fmax(1, fabs(first / step)));
    }
}

static void check_number(void (*append)(fnas_text *, double, double), double value, double step, const char *expected) {
    fnas_text text = {0};
    append(&text, value, step);
    assert_string_equal(text.data, expected);
    fnas_text_free(&text);
}

static void append_value(fnas_text *text, double value, double unused) {
    (void)unused;
    fnas_axis_append_value(text, value);
}

static void test_numbers(void **state) {
    (void)state;
    check_number(fnas_axis_append_tick, 0.25, 0.05, "0.25");
    check_number(fnas_axis_append_tick, 0.3, 0.1, "0.3");
    check_number(fnas_axis_append_tick, -1e-18, 0.1, "0.0");
    check_number(fnas_axis_append_tick, 30, 10, "30");
    check_number(fnas_axis_append_tick, 1500, 500, "1.5k");
    check_number(fnas_axis_append_tick, 20e6, 5e6, "20M");
    check_number(fnas_axis_append_tick, 0, 5e6, "0");
    check_number(append_value, 12.3456, 0, "12.35");
    check_number(append_value, 0.0123456, 0, "0.01235");
    check_number(append_value, 9999.6, 0, "10000");
    check_number(append_value, 41234567, 0, "41234567");
    check_number(append_value, 0, 0, "0");
    check_number(append_value, NAN, 0, "–");
}

static void test_comparison(void **state) {
    (void)state;
    const double first[2] = {0.8, 0.4}, second[2] = {0.6, NAN};
    const char *const labels[2] = {"searched", "random"};
    const fnas_dots_row rows[2] = {{"a <device>", first}, {"another-device-with-a-very-long-name-indeed-longer-than-the-margin", second}};
    const fnas_dots dots = {"Hypervolume", "hypervolume", 2, labels, 2, rows};
    fnas_text text = {0};
    fnas_dots_append_element(&text, &dots);
    assert_null(xml_fault(text.data));
    assert_int_equal(count_of(text.data, "<title>"), 3);
    check_inside(text.data);
    /* marks behind the two of the legend: random 0.4, searched 0.8, searched 0.6 */
    double x[3];
    for (int64_t i = 0; i < 3; i++) x[i] = number_behind(text.data, "cx=\"", 2 + i);
    assert_float_equal(x[2], (x[0] + x[1]) / 2, 0.11);
    assert_int_equal(count_of(text.data, "textLength"), 1);
    fnas_text_free(&text);
}

/* Hypervolumes of a fleet differ by hundredths: they must be told apart, with ticks between them. */
static void test_comparison_of_near_values(void **state) {
    (void)state;
    const double values[2] = {0.905, 0.885};
    const char *const labels[2] = {"searched", "random"};
    const fnas_dots_row row = {"device", values};
    const fnas_dots dots = {"Hypervolume", "hypervolume", 2, labels, 1, &row};
    fnas_text text = {0};
    fnas_dots_append_element(&text, &dots);
    check_inside(text.data);
    double apart = number_behind(text.data, "cx=\"", 3) - number_behind(text.data, "cx=\"", 2);
    assert_true(apart > 200 && apart < 400); /* of the picture's 480 */
    assert_non_null(strstr(text.data, ">0.890<"));
    assert_non_null(strstr(text.data, ">0.900<"));
    fnas_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_marks_are_in_place),
        cmocka_unit_test(test_ticks_agree_with_marks),
        cmocka_unit_test(test_staircase),
        cmocka_unit_test(test_odd_point_sets),
        cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_titles_hold_values),
        cmocka_unit_test(test_self_contained),
        cmocka_unit_test(test_second_series),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_comparison_of_near_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
