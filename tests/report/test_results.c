/* Folders of results: means against values by hand, pages that are well-formed, and each fault named with its file. */
#include "base/support.h"

#include <math.h>

#include "fleetnas/results.h"
#include "report/results.h"
#include "support_xml.h"

#define SPLITS "{\"search_devices\": [\"a\", \"b\"], \"unseen_devices\": [\"c\"]}"
#define TWO "error+latency_ms"
#define THREE "error+latency_ms+energy_mj"

/* Of a true hypervolume of 0.5. */
static void write_score(fnas_test_place *place, const char *name, double ratio) {
    char text[300];
    snprintf(text, sizeof text, "[{\"front\": \"f\", \"hypervolume\": %.17g, \"true_hypervolume\": 0.5, \"ratio\": %.17g, \"gd\": null}]",
             0.5 * ratio, ratio);
    fnas_test_write_text(place, name, text);
}

static void write_rival(fnas_test_place *place, const char *name, const char *rival, int evaluations, double ratio) {
    char text[300];
    snprintf(text, sizeof text,
             "{\"rival\": \"%s\", \"evaluations\": %d, \"hypervolume\": %.17g, \"true_hypervolume\": 0.5, \"ratio\": %.17g}", rival,
             evaluations, 0.5 * ratio, ratio);
    fnas_test_write_text(place, name, text);
}

/* A search with two seeds, of two budgets; a rival of which one seed lacks a device; a front without evaluation. */
static void write_folder(fnas_test_place *place) {
    fnas_test_write_text(place, "splits.json", SPLITS);
    write_score(place, TWO ",ours,minutes-5,a,1.json", 0.9);
    write_score(place, TWO ",ours,minutes-5,b,1.json", 0.8);
    write_score(place, TWO ",ours,minutes-5,c,1.json", 0.7);
    write_score(place, TWO ",ours,minutes-5,a,2.json", 0.96);
    write_score(place, TWO ",ours,minutes-5,b,2.json", 0.78);
    write_score(place, TWO ",ours,minutes-5,c,2.json", 0.72);
    for (const char *d = "abc"; *d; d++) {
        char name[60];
        snprintf(name, sizeof name, TWO ",ours,minutes-60,%c,1.json", *d);
        write_score(place, name, 0.99);
        snprintf(name, sizeof name, TWO ",macs,evaluations-0,%c,1.json", *d);
        write_rival(place, name, "macs", 15, 0.94);
    }
    write_rival(place, TWO ",nsga2,evaluations-100,a,1.json", "nsga2", 100, 0.95);
    write_rival(place, TWO ",nsga2,evaluations-100,b,1.json", "nsga2", 99, 0.85);
    write_rival(place, TWO ",nsga2,evaluations-100,a,2.json", "nsga2", 100, 0.5);
    write_score(place, THREE ",ours,minutes-60,elsewhere,1.json", 0.875);
    fnas_test_write_text(place, "times.csv",
                         "minutes,method,seed,stage,seconds\n0,shared,0,cards,30\n5,ours,1,judge,100\n5,ours,1,judge,20\n5,ours,2,judge,"
                         "180\n5,ours,2,search,60\n");
    fnas_test_write_text(place, ".left", "of a process that was killed");
}

static fnas_results *open_folder(fnas_test_place *place, const char *scored) {
    fnas_results *results;
    assert_status(FNAS_OK, fnas_results_open(place->context, place->folder, scored, &results));
    return results;
}

static void test_means(void **state) {
    fnas_test_place *place = *state;
    write_folder(place);
    fnas_results *results = open_folder(place, NULL);
    assert_int_equal(fnas_results_count(results), 16);
    assert_int_equal(results->contender_count, 5);
    assert_true(results->searched_count == 2 && results->device_count == 3 && results->scored == -1);
    const fnas_contender *ours = &results->contenders[0]; /* minutes first, few minutes first */
    assert_string_equal(ours->method, "ours");
    assert_true(ours->amount == 5 && ours->count == 6);
    /* seeds: (0.9 + 0.8) / 2 = 0.85 and (0.96 + 0.78) / 2 = 0.87; their mean 0.86, deviation 0.01 sqrt(2), error 0.01 */
    fnas_seed_mean mean = fnas_results_mean(ours, 2, results->devices);
    assert_float_equal(mean.mean, 0.86, 1e-15);
    assert_float_equal(mean.error, 0.01, 1e-15);
    assert_int_equal(mean.seeds, 2);
    mean = fnas_results_mean(ours, 1, results->devices + 2);
    assert_float_equal(mean.mean, 0.71, 1e-15);
    fnas_results_free(results);
}

/* A seed without one of the devices does not count: the others would be compared with another mean. */
static void test_incomplete_seeds(void **state) {
    fnas_test_place *place = *state;
    write_folder(place);
    fnas_results *results = open_folder(place, NULL);
    const fnas_contender *nsga2 = &results->contenders[3]; /* behind minutes 5, 60 and evaluations 0 */
    assert_string_equal(nsga2->method, "nsga2");
    fnas_seed_mean mean = fnas_results_mean(nsga2, 2, results->devices);
    assert_float_equal(mean.mean, 0.9, 1e-15);
    assert_true(mean.seeds == 1 && isnan(mean.error));
    mean = fnas_results_mean(nsga2, 1, results->devices);
    assert_float_equal(mean.mean, 0.725, 1e-15);
    assert_int_equal(mean.seeds, 2);
    mean = fnas_results_mean(nsga2, 1, results->devices + 2);
    assert_true(mean.seeds == 0 && isnan(mean.mean));
    fnas_results_free(results);
}

enum { PAGE_BYTES = 1 << 20 };

/* Owned (free). */
static char *read_page(const char *path) {
    char *page = calloc(PAGE_BYTES, 1);
    FILE *file = fopen(path, "rb");
    assert_true(page && file);
    assert_in_range(fread(page, 1, PAGE_BYTES - 1, file), 1, PAGE_BYTES - 2);
    fclose(file);
    return page;
}

static void assert_says(const char *page, const char *words) {
    if (!strstr(page, words)) fail_msg("the page does not say \"%s\":\n%s", words, page);
}

static void test_markdown(void **state) {
    fnas_test_place *place = *state;
    write_folder(place);
    const char *scored = fnas_test_write_text(place, ".scored", "# a comment\n\n  # another\nours\tall\tplain\nours2\tall\tbetter\r\n");
    fnas_results *results = open_folder(place, scored);
    const char *path = fnas_test_path(place, ".page.md");
    assert_status(FNAS_OK, fnas_results_write_markdown(place->context, results, "A | title", "radar.svg", path));
    char *page = read_page(path);
    assert_says(page, "# A \\| title\n");
    assert_says(page, "](radar.svg)");
    assert_says(page, "| method | budget | the 2 searched | the 1 unseen | seeds | networks to train |");
    assert_says(page, "| ours | 5 minutes | **0.8600 ± 0.0100** | **0.7100 ± 0.0100** | 2 | one search |");
    assert_says(page, "| ours | 60 minutes | **0.9900** | **0.9900** | 1 | one search |");
    assert_says(page, "| macs | none | 0.9400 | 0.9400 | 1 | 0 |");
    assert_says(page, "| nsga2 | 100 evaluations | 0.9000 | – | 1 | 200 |");
    assert_says(page, "| device | ours, 60 minutes | macs, no evaluation | nsga2 |");
    assert_says(page, "| a | **0.9900** | 0.9400 | 0.7250 |");
    assert_says(page, "| c (unseen) | **0.9900** | 0.9400 | – |");
    assert_says(page, "| elsewhere | ours | 60 minutes | **0.8750** | 1 |");
    assert_says(page, "| ours, 5 minutes | 0.50 | 2.50 | 0.50 | **3.50** |"); /* cards; (120 + 180) / 2; 60 / 2 */
    assert_says(page, "2 configurations of the search were ever scored");
    assert_null(strstr(page, "<"));
    free(page);
    fnas_results_free(results);
}

static void test_html(void **state) {
    fnas_test_place *place = *state;
    write_folder(place);
    fnas_results *results = open_folder(place, NULL);
    const char *path = fnas_test_path(place, ".page.html");
    assert_status(FNAS_OK, fnas_results_write_html(place->context, results, "A <title>", path));
    char *page = read_page(path);
    assert_says(page, "A &lt;title&gt;");
    assert_says(page, "0.8600 ± 0.0100");
    assert_int_equal(count_of(page, "<svg"), 2); /* one radar, one curve */
    assert_int_equal(count_of(page, "http://") + count_of(page, "https://"), count_of(page, "http://www.w3.org/2000/svg"));
    assert_int_equal(count_of(page, "nan"), 0);
    const char *svg = strstr(page, "<svg");
    char *end = strstr(svg, "</svg>") + strlen("</svg>");
    *end = 0;
    const char *fault = xml_fault(svg);
    if (fault) fail_msg("%s", fault);
    /* three lines in the web and three in the legend: of nsga2, which knows two axes, open */
    assert_int_equal(count_of(svg, "class=\"fp-line"), 6);
    assert_says(svg, "devices in this colour: never seen by the search");
    free(page);
    assert_status(FNAS_OK, fnas_results_write_svg(place->context, results, path));
    page = read_page(path);
    assert_null(xml_fault(page));
    free(page);
    assert_status(FNAS_ERR_IO, fnas_results_write_html(place->context, results, "x", "/no/such/folder/page.html"));
    fnas_results_free(results);
}

static void refuse(fnas_test_place *place, const char *name, const char *text, const char *words) {
    fnas_results *results;
    const char *path = fnas_test_write_text(place, name, text);
    assert_status(FNAS_ERR_INPUT, fnas_results_open(place->context, place->folder, NULL, &results));
    assert_null(results);
    assert_message(name);
    assert_message(words);
    assert_int_equal(remove(path), 0);
}

static void test_bad_files(void **state) {
    static const char *const orders[] = {"latency_ms+error",      "latency_ms", "error+energy_mj+latency_ms", "error+latency_ms+latency_ms",
                                         "error+macs+latency_ms", "error+"};
    static const char good[] = "{\"hypervolume\": 0.25, \"true_hypervolume\": 0.5, \"ratio\": 0.5}";
    static const char *const names[] = {"notes.txt",
                                        "a.json",
                                        TWO ",nsga2,evaluations-100,a.json",
                                        TWO ",nsga2,evaluations-100,a,1,2.json",
                                        TWO ",nsga2,evaluations--1,a,1.json",
                                        TWO ",nsga2,evaluations-1.5,a,1.json",
                                        TWO ",nsga2,minutes-0,a,1.json",
                                        TWO ",nsga2,evaluations-1e9,a,1.json",
                                        TWO ",nsga2,evaluations-1e2,a,1.json",
                                        TWO ",nsga2,minutes-1e1,a,1.json",
                                        TWO ",nsga2,evaluations-+1,a,1.json",
                                        TWO ",nsga2,evaluations-1,a,-1.json",
                                        TWO ",nsga2,evaluations-1,a,+1.json",
                                        TWO ",nsga2,hours-1,a,1.json",
                                        TWO ",nsga2,evaluations-1,a,x.json",
                                        TWO ",,evaluations-1,a,1.json",
                                        TWO ",a b,evaluations-1,a,1.json"};
    static const char *const texts[][2] = {
        {"{\"hypervolume\": 0.25, \"true_hypervolume\": 0.5}", "\"ratio\""},
        {"{\"hypervolume\": null, \"true_hypervolume\": 0.5, \"ratio\": 0.5}", "\"hypervolume\""},
        {"{\"hypervolume\": NaN, \"true_hypervolume\": 0.5, \"ratio\": 0.5}", ":1:"},
        {"{\"hypervolume\": 0.25, \"true_hypervolume\": 0.5, \"ratio\": 0.6}", "its hypervolumes say 0.500000000"},
        {"{\"hypervolume\": 0.6, \"true_hypervolume\": 0.5, \"ratio\": 1.2}", "\"ratio\" is 1.2, possible is 0 to 1"},
        {"{\"hypervolume\": 0, \"true_hypervolume\": 0, \"ratio\": 0}", "\"true_hypervolume\" is 0"},
        {"[]", "0 scores, a file has that of one front"},
        {"[1]", "a score is an object"},
        {"{\"rival\": \"random\", \"evaluations\": 9, \"hypervolume\": 0.25, \"true_hypervolume\": 0.5, \"ratio\": 0.5}",
         "the rival is \"random\""},
        {"{\"rival\": \"nsga2\", \"evaluations\": 101, \"hypervolume\": 0.25, \"true_hypervolume\": 0.5, \"ratio\": 0.5}",
         "101 evaluations"},
        {"", ":1:"}};
    fnas_test_place *place = *state;
    fnas_results *results;
    write_folder(place);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) refuse(place, names[i], good, "what is this?");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        refuse(place, TWO ",nsga2,evaluations-100,c,9.json", texts[i][0], texts[i][1]);
    refuse(place, TWO ",nsga2,evaluations-100,a,01.json", good, TWO ",nsga2,evaluations-100,a,1.json");
    refuse(place, TWO ",nsga2,evaluations-0100,a,1.json", good, "keep one");
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s,ours,minutes-60,c,3.json", orders[i]);
        refuse(place, name, good, "they are written error first");
    }
    refuse(place, TWO ",nsga2,evaluations-0,a,1.json",
           "{\"rival\": \"nsga2\", \"evaluations\": 20, \"hypervolume\": 0.25, \"true_hypervolume\": 0.5, \"ratio\": 0.5}",
           "20 evaluations, the file's name allows 0");
    refuse(place, TWO ",macs,minutes-60,a,1.json",
           "{\"rival\": \"macs\", \"evaluations\": 20, \"hypervolume\": 0.25, \"true_hypervolume\": 0.5, \"ratio\": 0.5}",
           "a rival has no minutes");
    refuse(place, "times.csv", "minutes,method,seed,stage,seconds\n5,ours,-1,judge,1\n", "times.csv:2");
    refuse(place, TWO ",nsga2,evaluations-100,phone,1.json", good, "splits.json has no device \"phone\"");
    refuse(place, TWO ",nsga2,evaluations-100,c,3.json", "{\"hypervolume\": 0.2, \"true_hypervolume\": 0.4, \"ratio\": 0.5}",
           "scored by different truth tables");
    refuse(place, "times.csv", "minutes,method,seed,stage,seconds\n5,ours,1,judge,-1\n", "times.csv:2");
    refuse(place, "times.csv", "minutes,method,seed,stage,seconds\n5,ours,1,judge,1\n5,ours,1,search,1e308\n",
           "times.csv:3: 1e+308 seconds: at most 1e+09 are believed");
    refuse(place, "times.csv", "minutes,method,seed,stage,seconds\n1e10,ours,1,judge,1\n", "times.csv:2: 1e+10 minutes");
    refuse(place, "times.csv", "minutes,method,seed,stage\n5,ours,1,judge\n", "\"seconds\" is missing");
    refuse(place, "splits.json", "{\"search_devices\": [\"a\", \"a\"], \"unseen_devices\": []}", "device \"a\" stands there twice");
    refuse(place, "splits.json", "{\"search_devices\": [\"a\", 3], \"unseen_devices\": []}", "names of devices");
    refuse(place, "splits.json", "{\"search_devices\": [\"a\"]}", "unseen_devices");
    assert_status(FNAS_ERR_INPUT, fnas_results_open(place->context, place->folder, NULL, &results)); /* without splits.json */
    assert_message("splits.json");
    assert_status(FNAS_ERR_INPUT, fnas_results_open(place->context, "/no/such/folder", NULL, &results));
    assert_message("/no/such/folder");
}

/* What a page has no column for would be missing from its sums, and nobody would see it. */
static void test_stages_have_room(void **state) {
    fnas_test_place *place = *state;
    char text[8000] = "minutes,method,seed,stage,seconds\n";
    write_folder(place);
    for (int i = 0; i < 64; i++) sprintf(text + strlen(text), "5,ours,1,stage%d,60\n5,ours,2,stage%d,60\n", i, i);
    const char *path = fnas_test_write_text(place, "times.csv", text);
    fnas_results *results = open_folder(place, NULL);
    const char *page_path = fnas_test_path(place, ".page");
    assert_status(FNAS_OK, fnas_results_write_markdown(place->context, results, "Room", NULL, page_path));
    char *page = read_page(page_path);
    assert_says(page, "| **64.00** |");
    free(page);
    fnas_results_free(results);
    assert_int_equal(remove(path), 0);
    strcat(text, "5,ours,1,more,60\n");
    refuse(place, "times.csv", text, "times.csv:130: \"more\" is one stage more than the 64");
}

static void write_many(fnas_test_place *place, const char *format, int count) {
    for (int i = 0; i < count; i++) {
        char name[60];
        snprintf(name, sizeof name, format, i + 1);
        write_score(place, name, 0.9);
    }
}

static void refuse_many(fnas_test_place *place, const char *words) {
    fnas_results *results;
    assert_status(FNAS_ERR_INPUT, fnas_results_open(place->context, place->folder, NULL, &results));
    assert_message(words);
}

static void test_methods_have_room(void **state) {
    fnas_test_place *place = *state;
    fnas_test_write_text(place, "splits.json", SPLITS);
    write_many(place, TWO ",m%d,evaluations-24,a,1.json", 64);
    fnas_results_free(open_folder(place, NULL));
    write_many(place, TWO ",n%d,evaluations-50,a,1.json", 1);
    refuse_many(place, TWO ",n1,evaluations-50,a,1.json: more than 64 methods");
}

static void test_fronts_have_room(void **state) {
    fnas_test_place *place = *state;
    fnas_test_write_text(place, "splits.json", SPLITS);
    write_many(place, TWO ",m%d,evaluations-24,a,1.json", 64);
    write_many(place, TWO ",m%d,minutes-60,a,1.json", 1);
    refuse_many(place, "more than 64 fronts side by side");
}

static void test_budgets_have_room(void **state) {
    fnas_test_place *place = *state;
    fnas_test_write_text(place, "splits.json", SPLITS);
    write_many(place, TWO ",ours,minutes-%d,a,1.json", 64);
    fnas_results_free(open_folder(place, NULL));
    write_many(place, TWO ",ours,minutes-%d,a,1.json", 65);
    refuse_many(place, TWO ",ours,minutes-65,a,1.json: more than 64 budgets of one method");
}

static void test_levels_have_room(void **state) {
    fnas_test_place *place = *state;
    fnas_test_write_text(place, "splits.json", SPLITS);
    write_many(place, TWO ",m,evaluations-%d,a,1.json", 40);
    write_many(place, TWO ",n,evaluations-10%d,a,1.json", 24);
    fnas_results_free(open_folder(place, NULL));
    write_many(place, TWO ",n,evaluations-20%d,a,1.json", 1);
    refuse_many(place, TWO ",n,evaluations-1024,a,1.json: more than 64 numbers of evaluations");
}

static void test_nothing_scored(void **state) {
    fnas_test_place *place = *state;
    fnas_results *results;
    fnas_test_write_text(place, "splits.json", SPLITS);
    assert_status(FNAS_ERR_INPUT, fnas_results_open(place->context, place->folder, NULL, &results));
    assert_message("holds no scores");
    write_score(place, THREE ",ours,minutes-60,elsewhere,1.json", 0.875);
    assert_status(FNAS_OK, fnas_results_open(place->context, place->folder, NULL, &results));
    assert_status(FNAS_ERR_INPUT, fnas_results_write_svg(place->context, results, fnas_test_path(place, ".radar.svg")));
    assert_message("a radar needs");
    fnas_results_free(results);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_means),
                                       fnas_test(test_incomplete_seeds),
                                       fnas_test(test_markdown),
                                       fnas_test(test_html),
                                       fnas_test(test_stages_have_room),
                                       fnas_test(test_methods_have_room),
                                       fnas_test(test_fronts_have_room),
                                       fnas_test(test_budgets_have_room),
                                       fnas_test(test_levels_have_room),
                                       fnas_test(test_bad_files),
                                       fnas_test(test_nothing_scored)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
