/* From fronts, a run and a verification to files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleetnas/report.h"
#include "search/query/front_result.h"
#include "search/query/verify.h"
#include "search/run/run.h"
#include "support_xml.h"

enum { POINTS = 3, LIMIT_BYTES = 1 << 20 };

static fnas_context *context;
static fnas_space *space;
static char folder[] = "/tmp/fnas-report-XXXXXX";

static int prepare(void **state) {
    (void)state;
    if (fnas_context_create(&context) != FNAS_OK || !mkdtemp(folder)) return 1;
    return fnas_space_open(context, "nb201:channels=16,cells=1", &space) == FNAS_OK ? 0 : 1;
}

static int clean(void **state) {
    (void)state;
    fnas_space_close(space);
    fnas_context_destroy(context);
    return rmdir(folder);
}

static fnas_search_config make_config(void) {
    return (fnas_search_config){.space = (char *)"nb201",
                                .data = (char *)"fashion-mnist",
                                .supernet = (char *)"nb201:cells=1",
                                .start_weights = (char *)"",
                                .preset = (char *)"quick",
                                .objectives = {FNAS_OBJECTIVE_ERROR, FNAS_OBJECTIVE_LATENCY},
                                .objective_count = 2,
                                .steps = 700,
                                .paths = 12,
                                .seed = UINT64_C(18446744073709551615)};
}

static fnas_front *make_front(const char *device, const fnas_search_config *config, double error) {
    fnas_front *front;
    assert_int_equal(fnas_front_create(context, device, config, space, POINTS, &front), FNAS_OK);
    for (int64_t i = 0; i < POINTS; i++) {
        int32_t choices[6];
        double preference[2] = {0.25 * (double)i, 1 - 0.25 * (double)i}, values[2] = {error + (double)i, 5 - (double)i};
        fnas_space_random(space, 1, i, choices);
        assert_int_equal(fnas_front_set_point(context, space, front, i, choices, preference, values, values[1]), FNAS_OK);
    }
    return front;
}

/* The file's text, owned (fnas_free); the file is removed from the folder. */
static void take_file(const char *path, unsigned char **data) {
    size_t size;
    assert_int_equal(fnas_file_read(context, path, LIMIT_BYTES, data, &size), FNAS_OK);
    assert_int_equal(unlink(path), 0);
}

static void test_svg(void **state) {
    (void)state;
    fnas_search_config config = make_config();
    fnas_front *front = make_front("blas-f32", &config, 10);
    char *path = fnas_path_join(folder, "front.svg");
    assert_int_equal(fnas_front_write_svg(context, front, NULL, path), FNAS_OK);
    unsigned char *data = NULL;
    take_file(path, &data);
    const char *svg = (const char *)data;
    assert_null(xml_fault(svg));
    assert_int_equal(count_of(svg, "<circle"), POINTS);
    assert_non_null(strstr(svg, "Error (%)"));
    assert_non_null(strstr(svg, "Latency (ms)"));
    for (int64_t i = 0; i < POINTS; i++) assert_non_null(strstr(svg, fnas_front_arch(front, i)));
    fnas_free(data);
    fnas_free(path);
    fnas_front_free(front);
}

/* With three objectives each two, or all side by side. */
static void test_svg_of_three(void **state) {
    (void)state;
    fnas_search_config config = make_config();
    config.objectives[2] = FNAS_OBJECTIVE_ENERGY;
    config.objective_count = 3;
    fnas_front *front;
    assert_int_equal(fnas_front_create(context, "phone", &config, space, POINTS, &front), FNAS_OK);
    for (int64_t i = 0; i < POINTS; i++) {
        int32_t choices[6];
        double preference[3] = {0.5, 0.25, 0.25}, values[3] = {10 + (double)i, 5 - (double)i, 7 + (double)(i % 2)};
        fnas_space_random(space, 1, i, choices);
        assert_int_equal(fnas_front_set_point(context, space, front, i, choices, preference, values, values[1]), FNAS_OK);
    }
    static const struct {
        const char *plot, *mark;
        int64_t count;
    } cases[] = {{NULL, "<circle", 3 * POINTS + 2},
                 {"pairs", "<circle", 3 * POINTS + 2},
                 {"parallel", "fp-line", POINTS + 5},
                 {"staircase", "<circle", POINTS}};
    char *path = fnas_path_join(folder, "front.svg");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char *data = NULL;
        assert_int_equal(fnas_front_write_svg(context, front, cases[i].plot, path), FNAS_OK);
        take_file(path, &data);
        assert_null(xml_fault((const char *)data));
        const char *body = strstr((const char *)data, "</style>"); /* behind the names of classes */
        assert_int_equal(count_of(body, cases[i].mark), cases[i].count);
        fnas_free(data);
    }
    assert_int_equal(fnas_front_write_svg(context, front, "matrix", path), FNAS_ERR_USAGE);
    assert_non_null(strstr(fnas_context_message(context), "staircase, pairs and parallel"));
    fnas_free(path);
    fnas_front_free(front);
}

static void test_errors(void **state) {
    (void)state;
    fnas_search_config config = make_config();
    fnas_front *unscored = make_front("blas-f32", &config, NAN), *good = make_front("onednn-f32", &config, 10);
    char *path = fnas_path_join(folder, "front.svg");
    assert_int_equal(fnas_front_write_svg(context, unscored, NULL, path), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "blas-f32"));
    assert_false(fnas_file_exists(path));
    assert_int_equal(fnas_front_write_svg(context, good, NULL, "/no/such/folder/front.svg"), FNAS_ERR_IO);
    assert_non_null(strstr(fnas_context_message(context), "/no/such/folder"));
    config.objectives[1] = FNAS_OBJECTIVE_MACS;
    fnas_front *other = make_front("third", &config, 10);
    const fnas_front *fronts[2] = {good, other};
    assert_int_equal(fnas_report_write_html(context, NULL, 2, NULL, fronts, NULL, path), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(context), "different objectives"));
    assert_int_equal(fnas_report_write_html(context, NULL, 0, NULL, fronts, NULL, path), FNAS_ERR_INPUT);
    fnas_front_free(unscored);
    fnas_front_free(good);
    fnas_front_free(other);
    fnas_free(path);
}

/* A card on disk, read as any other. */
static fnas_card *make_card(const char *name) {
    char *path = fnas_path_join(folder, "card.json"), arch[FNAS_ARCH_TEXT_BYTES];
    fnas_text text = {0};
    fnas_text_append(
        &text,
        "{\"format\": \"fleetnas-device/1\", \"name\": \"%s\", \"space\": \"%s\", \"runtime\": \"blas\", \"runtime_version\": \"1\", "
        "\"processor\": \"Processor <one> & only\", \"governor\": \"unknown\", \"precision\": \"f32\", \"isa\": \"avx2\", \"batch\": 8, "
        "\"threads\": 2, "
        "\"date\": \"2026-01-01\", \"protocol\": {}, \"statistic\": \"median_wall_ms\", \"measurements\": [], \"noise_spearman\": 0.9876, "
        "\"reference\": {\"arch\": [",
        name, fnas_space_spec(space));
    for (int64_t i = 0; i < fnas_space_reference_count(space); i++) {
        int32_t choices[6];
        fnas_space_reference(space, i, choices);
        assert_int_equal(fnas_space_format(context, space, choices, arch, sizeof arch), FNAS_OK);
        fnas_text_append(&text, "%s\"%s\"", i ? ", " : "", arch);
    }
    fnas_text_append(&text, "], \"latency_ms\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}");
    assert_int_equal(fnas_file_write_atomic(context, path, text.data, text.size), FNAS_OK);
    fnas_card *card = NULL;
    if (fnas_card_load(context, path, &card) != FNAS_OK) fail_msg("%s", fnas_context_message(context));
    assert_int_equal(unlink(path), 0);
    fnas_text_free(&text);
    fnas_free(path);
    return card;
}

/* A run, two fronts, and a verification of the second that measured two of its three architectures. */
static void test_html(void **state) {
    (void)state;
    fnas_search_config config = make_config();
    fnas_run run = {.path = folder, .config = config, .space = space, .state = {.step = 350, .total_steps = 700}};
    fnas_front *first = make_front("blas-f32", &config, 10), *second = make_front("onednn-int8", &config, 20);
    fnas_verify_row rows[2] = {{fnas_front_arch(second, 2), 3, 3.375, 22, 23.125}, {fnas_front_arch(second, 0), 5, 5.125, 20, 19.875}};
    fnas_verify_rows table = {2, NULL, rows};
    fnas_verify_device device = {.name = "onednn-int8",
                                 .front_points = 3,
                                 .best_accuracy_pct = 80.125,
                                 .median_ape_pct = 7.5,
                                 .spearman = 1,
                                 .hypervolume = 0.875,
                                 .hypervolume_random = 0.75,
                                 .hypervolume_untrained = 0.5,
                                 .hypervolume_mean_embedding = 0.625,
                                 .hypervolume_constant_preference = NAN};
    fnas_verification verification = {.count = 1, .devices = &device, .rows = &table};
    const fnas_front *fronts[2] = {first, second};
    fnas_card *card = make_card("onednn-int8");
    const fnas_card *cards[2] = {NULL, card};
    char *path = fnas_path_join(folder, "report.html");
    assert_int_equal(fnas_report_write_html(context, &run, 2, cards, fronts, &verification, path), FNAS_OK);
    unsigned char *data = NULL;
    take_file(path, &data);
    const char *html = (const char *)data;
    const char *fault = xml_fault(html);
    if (fault) fail_msg("%s", fault);
    const char *part = strstr(html, "id=\"device-2\"");
    assert_non_null(part);
    assert_non_null(strstr(part, "<td>22.00</td><td>23.12</td><td>3.000</td><td>3.375</td><td>0.50 : 0.50</td>"));
    assert_non_null(strstr(part, "<td>21.00</td><td>–</td><td>4.000</td><td>–</td>"));
    assert_non_null(strstr(part, "0.625"));
    assert_non_null(strstr(
        part, "blas · f32 · batch 8 · 2 threads · avx2 instructions · median wall time · Processor &lt;one&gt; &amp; only · its own halves "
              "agree by 0.988 (Spearman)"));
    assert_non_null(strstr(part, "kept out of the search"));
    assert_non_null(strstr(html, "Pareto fronts of nb201 on fashion-mnist"));
    assert_non_null(strstr(html, "<dt>Supernet</dt><dd>nb201:cells=1</dd>"));
    assert_non_null(strstr(html, "<dt>Steps</dt><dd>350 of 700, 12 paths each</dd>"));
    assert_non_null(strstr(html, "<dt>Seed</dt><dd>18446744073709551615</dd>"));
    assert_non_null(strstr(html, "update mgd, sampler reinmax, hypernetwork table, scalarisation linear, batch shared"));
    assert_int_equal(count_of(html, folder), 0); /* where the run lies is of the moment */
    fnas_free(data);
    fnas_free(path);
    fnas_front_free(first);
    fnas_front_free(second);
    fnas_card_free(card);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_svg),
        cmocka_unit_test(test_svg_of_three),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_html),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
