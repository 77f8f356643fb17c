/* Tables of estimated errors: complete, equal for any number of threads, taken up after an interruption; and what is refused. */
#include "base/support.h"

#include <math.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "estimate/trainings.h"
#include "fleetnas/estimate.h"

#define SPACE "nb201:channels=4,cells=1,classes=4,input=3x16x16"
#define DATA "synthetic:3x16x16,classes=4,images=400"

static fnas_estimate_options tiny(const char *out) {
    return (fnas_estimate_options){.space = SPACE,
                                   .data = DATA,
                                   .proxy = "channels=4,input=3x8x8",
                                   .score_proxy = "input=3x8x8",
                                   .score_images = 8,
                                   .trainings = 100,
                                   .steps = 20,
                                   .batch = 4,
                                   .seed = 5,
                                   .out = out};
}

static char *read_text(fnas_test_place *place, const char *path) {
    unsigned char *data;
    size_t size;
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 100 << 20, &data, &size));
    return (char *)data;
}

static void assert_same_table(fnas_test_place *place, const char *a, const char *b) {
    char *left = read_text(place, a), *right = read_text(place, b);
    assert_string_equal(left, right);
    fnas_free(left);
    fnas_free(right);
}

typedef struct stop_request {
    fnas_context *context;
    int64_t at;
} stop_request;

static void stop_at(void *user, const fnas_progress *progress) {
    stop_request *request = user;
    if (!strcmp(progress->stage, "trainings") && progress->done >= request->at) fnas_context_request_stop(request->context);
}

/* Stops an estimate after so many trainings, on two threads. */
static void interrupt(const fnas_estimate_options *options, int64_t trainings) {
    fnas_context *context;
    fnas_estimate_summary summary;
    assert_int_equal(fnas_context_create(&context), FNAS_OK);
    stop_request request = {context, trainings};
    fnas_context_set_threads(context, 2);
    fnas_context_set_progress(context, stop_at, &request);
    assert_int_equal(fnas_error_estimate(context, options, &summary), FNAS_INTERRUPTED);
    fnas_context_destroy(context);
}

static void assert_whole_table(fnas_test_place *place, const char *path) {
    char *text = read_text(place, path);
    int64_t lines = 0, trained = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        lines++;
        trained += lines > 1 && line[strlen(line) - 1] != ',';
    }
    assert_int_equal(lines, 1 + 15625);
    assert_true(trained >= 100); /* architectures that compute the same share a training */
    fnas_free(text);
}

#define DIFFERENT 9444
#define GUESSING_PCT 75.0 /* four classes */

/* Each that differs has another error, evenly from 0 to that of guessing. */
static void assert_even_errors(fnas_test_place *place, const char *path) {
    fnas_csv *table;
    static bool seen[DIFFERENT];
    int64_t column, found = 0;
    assert_status(FNAS_OK, fnas_csv_read(place->context, path, 100 << 20, &table));
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "error_pct", &column));
    for (int64_t row = 0; row < fnas_csv_rows(table); row++) {
        double error;
        assert_status(FNAS_OK, fnas_csv_number(place->context, table, row, column, &error));
        if (error == GUESSING_PCT) continue;
        int64_t step = (int64_t)floor(error / GUESSING_PCT * DIFFERENT);
        assert_in_range(step, 0, DIFFERENT - 1);
        assert_float_equal(error, GUESSING_PCT * ((double)step + 0.5) / DIFFERENT, 1e-9);
        found += !seen[step];
        seen[step] = true;
    }
    assert_int_equal(found, DIFFERENT);
    fnas_csv_free(table);
}

/* One run of a single thread, and one of two that is interrupted and goes on. */
static void test_tells_all_whatever_happens(void **state) {
    fnas_test_place *place = *state;
    const char *whole = fnas_test_path(place, "whole.csv"), *parts = fnas_test_path(place, "parts.csv");
    fnas_estimate_options options = tiny(whole);
    fnas_estimate_summary summary;
    fnas_context_set_threads(place->context, 1);
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    assert_int_equal(summary.trainings, 100);
    assert_int_equal(summary.resumed, 0);
    assert_int_equal(summary.architectures, 9444); /* of the 9,445 functions of the space one is constant */
    assert_true(summary.rms_pct > 0 && summary.kendall >= -1 && summary.kendall <= 1);
    assert_whole_table(place, whole);

    options.out = parts;
    interrupt(&options, 64); /* behind the first regression */
    interrupt(&options, 80);
    assert_false(fnas_file_exists(parts));
    fnas_context_set_threads(place->context, 2);
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    assert_int_equal(summary.resumed, 80);
    assert_same_table(place, whole, parts);

    fnas_trainings held = {0};
    fnas_space *space = NULL;
    char kept[200];
    snprintf(kept, sizeof kept, "%s.trainings", parts);
    assert_status(FNAS_OK, fnas_space_open(place->context, SPACE, &space));
    assert_status(FNAS_ERR_INPUT, fnas_trainings_open(place->context, space, kept, "of another", &held));
    assert_status(FNAS_ERR_IO, fnas_error_estimate(place->context, &options, &summary)); /* while it is held */
    assert_message("another estimate");
    fnas_trainings_close(&held);
    fnas_space_close(space);

    options.steps = 11;
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("11 steps");

    /* What is kept serves other ingredients; a score alone tells an order. */
    options = tiny(parts);
    options.ingredients = "meco";
    assert_status(FNAS_ERR_USAGE, fnas_error_estimate(place->context, &options, &summary));
    assert_message("leave out --trainings");
    options.trainings = 0;
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    assert_int_equal(summary.trainings, 0); /* kept, and not made use of */
    assert_int_equal(summary.resumed, 0);
    assert_true(isnan(summary.kendall));
    assert_even_errors(place, parts);
}

static void test_refuses_what_are_no_trainings(void **state) {
    fnas_test_place *place = *state;
    fnas_estimate_summary summary;
    fnas_test_write_text(place, "damaged.csv.trainings",
                         "this is no SQLite file, whatever its name may say, and longer than a header of it");
    fnas_estimate_options options = tiny(fnas_test_path(place, "damaged.csv"));
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("damaged.csv.trainings");
}

/* A header as SQLite writes it, of two pages that are none. */
static void test_refuses_damaged_trainings(void **state) {
    static const unsigned char header[100] = "SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20\0\0\0\x01\0\0\0\x02";
    fnas_test_place *place = *state;
    fnas_estimate_summary summary;
    unsigned char pages[8192];
    memset(pages, 0xAB, sizeof pages);
    memcpy(pages, header, sizeof header);
    pages[47] = 4; /* form of the schema */
    pages[59] = 1; /* UTF-8 */
    fnas_test_write(place, "damaged.csv.trainings", pages, sizeof pages);
    fnas_estimate_options options = tiny(fnas_test_path(place, "damaged.csv"));
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("damaged.csv.trainings is damaged");
    assert_message("remove it");
}

static void test_refuses_a_folder_of_trainings(void **state) {
    fnas_test_place *place = *state;
    fnas_estimate_summary summary;
    assert_int_equal(mkdir(fnas_test_path(place, "errors.csv.trainings"), 0777), 0);
    fnas_estimate_options options = tiny(fnas_test_path(place, "errors.csv"));
    assert_status(FNAS_ERR_IO, fnas_error_estimate(place->context, &options, &summary));
    assert_message("errors.csv.trainings is a folder");
}

static void test_refuses_wrong_options(void **state) {
    fnas_test_place *place = *state;
    fnas_estimate_summary summary;
    fnas_estimate_options options = tiny(fnas_test_path(place, "errors.csv"));
    options.minutes = 1;
    assert_status(FNAS_ERR_USAGE, fnas_error_estimate(place->context, &options, &summary));
    options = tiny(options.out);
    options.trainings = 15;
    assert_status(FNAS_ERR_USAGE, fnas_error_estimate(place->context, &options, &summary));
    assert_message("16 to 4096");
    options = tiny(options.out);
    options.steps = 3;
    assert_status(FNAS_ERR_USAGE, fnas_error_estimate(place->context, &options, &summary));
    assert_message("--steps 3: possible are");
    options = tiny(options.out);
    options.rate = 11;
    assert_status(FNAS_ERR_USAGE, fnas_error_estimate(place->context, &options, &summary));
    assert_message("--rate 11: possible are 0 to 10");
    options = tiny(options.out);
    options.proxy = "channels=4,input=1x16x16";
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("has 3 channels");
    assert_false(fnas_file_exists(options.out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_tells_all_whatever_happens), fnas_test(test_refuses_what_are_no_trainings),
        fnas_test(test_refuses_damaged_trainings),  fnas_test(test_refuses_a_folder_of_trainings),
        fnas_test(test_refuses_wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
