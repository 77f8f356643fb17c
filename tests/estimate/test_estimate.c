/* Tables of estimated errors: complete, equal for any number of threads, taken up after an interruption; and what is refused. */
#include "base/support.h"

#include "base/file.h"
#include "base/memory.h"
#include "fleetnas/estimate.h"

#define SPACE "nb201:channels=4,cells=1,classes=4,input=3x16x16"
#define DATA "synthetic:3x16x16,classes=4,images=400"

static fnas_estimate_options tiny(const char *out) {
    return (fnas_estimate_options){
        .space = SPACE, .data = DATA, .proxy = "channels=4,input=3x8x8", .trainings = 90, .steps = 10, .batch = 4, .seed = 5, .out = out};
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

static void test_tells_all_for_any_number_of_threads(void **state) {
    fnas_test_place *place = *state;
    const char *one = fnas_test_path(place, "one.csv"), *two = fnas_test_path(place, "two.csv");
    fnas_estimate_options options = tiny(one);
    fnas_estimate_summary summary;
    fnas_context_set_threads(place->context, 1);
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    assert_int_equal(summary.trainings, 90);
    assert_int_equal(summary.resumed, 0);
    assert_int_equal(summary.architectures, 9444); /* of the 9,445 functions of the space one is constant */
    assert_true(summary.rms_pct > 0 && summary.kendall >= -1 && summary.kendall <= 1);
    options.out = two;
    fnas_context_set_threads(place->context, 2);
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    assert_same_table(place, one, two);
    char *text = read_text(place, one);
    int64_t lines = 0, trained = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        lines++;
        trained += lines > 1 && line[strlen(line) - 1] != ',';
    }
    assert_int_equal(lines, 1 + 15625);
    assert_true(trained >= 90); /* architectures that compute the same share a training */
    fnas_free(text);
}

typedef struct stop_request {
    fnas_context *context;
    int64_t at;
} stop_request;

static void stop_at(void *user, const fnas_progress *progress) {
    stop_request *request = user;
    if (!strcmp(progress->stage, "trainings") && progress->done >= request->at) fnas_context_request_stop(request->context);
}

static void test_goes_on_where_it_stopped(void **state) {
    fnas_test_place *place = *state;
    const char *whole = fnas_test_path(place, "whole.csv"), *parts = fnas_test_path(place, "parts.csv");
    fnas_estimate_options options = tiny(whole);
    fnas_estimate_summary summary;
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    fnas_context *other;
    assert_status(FNAS_OK, fnas_context_create(&other));
    stop_request request = {other, 48};
    fnas_context_set_progress(other, stop_at, &request);
    options.out = parts;
    assert_int_equal(fnas_error_estimate(other, &options, &summary), FNAS_INTERRUPTED);
    fnas_context_destroy(other);
    assert_false(fnas_file_exists(parts));
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    assert_int_equal(summary.resumed, 48);
    assert_same_table(place, whole, parts);
}

static void test_refuses_trainings_of_other_options(void **state) {
    fnas_test_place *place = *state;
    fnas_estimate_options options = tiny(fnas_test_path(place, "errors.csv"));
    fnas_estimate_summary summary;
    options.trainings = 16;
    assert_status(FNAS_OK, fnas_error_estimate(place->context, &options, &summary));
    options.steps = 11;
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("11 steps");
    fnas_test_write_text(place, "damaged.csv.trainings",
                         "this is no SQLite file, whatever its name may say, and longer than a header of it");
    options.out = fnas_test_path(place, "damaged.csv");
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("damaged.csv.trainings");
}

static void test_refuses_wrong_options(void **state) {
    fnas_test_place *place = *state;
    fnas_estimate_summary summary;
    fnas_estimate_options options = tiny(fnas_test_path(place, "errors.csv"));
    options.minutes = 1;
    assert_status(FNAS_ERR_USAGE, fnas_error_estimate(place->context, &options, &summary));
    options = tiny(options.out);
    options.steps = 3;
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("steps");
    options = tiny(options.out);
    options.proxy = "channels=4,input=3x32x32";
    assert_status(FNAS_ERR_INPUT, fnas_error_estimate(place->context, &options, &summary));
    assert_message("3x16x16");
    assert_false(fnas_file_exists(options.out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_tells_all_for_any_number_of_threads),
        fnas_test(test_goes_on_where_it_stopped),
        fnas_test(test_refuses_trainings_of_other_options),
        fnas_test(test_refuses_wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
