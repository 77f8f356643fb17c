/* The errors of a whole space by shared weights, as a table; an interrupted one goes on. */
#include "search/support_query.h"

#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "search/score/score.h"
#include "space/space.h"

#define KEPT 48 /* architectures, of three threads, that are scored before they are kept */
#define DIFFERENT 9444
#define IMAGES 8

typedef struct watch {
    fnas_context *context;
    int64_t stop_at, total; /* stop_at 0: never */
} watch;

static void on_progress(void *user, const fnas_progress *progress) {
    watch *seen = user;
    seen->total = progress->total;
    if (seen->stop_at && progress->done >= seen->stop_at) fnas_context_request_stop(seen->context);
}

/* A call of its own: a stop is for good. Returns how many it set out to score. */
static int64_t write_errors(const fnas_run *run, const char *path, int64_t stop_at, fnas_status expected) {
    fnas_context *context;
    int64_t scored = 0;
    assert_int_equal(fnas_context_create(&context), FNAS_OK);
    watch seen = {context, stop_at, 0};
    fnas_context_set_threads(context, 2);
    fnas_context_set_progress(context, on_progress, &seen);
    assert_int_equal(fnas_run_write_errors(context, run, NULL, IMAGES, path, &scored), expected);
    if (expected == FNAS_OK) assert_int_equal(scored, DIFFERENT);
    fnas_context_destroy(context);
    return seen.total;
}

static fnas_run *run_that_keeps(fnas_test_place *place) {
    fnas_run *run = test_run(place, "error,latency_ms", 11);
    test_check(place, fnas_score_cache_create(place->context, 6, &run->scores));
    return run;
}

/* Each row is what scoring that architecture alone gives, or that of guessing. */
static void assert_rows(fnas_test_place *place, const fnas_run *run, const char *path) {
    fnas_csv *table;
    fnas_examples examples;
    test_check(place, fnas_csv_read(place->context, path, 10 << 20, &table));
    test_check(place, fnas_run_open_data(place->context, run, NULL, &examples));
    assert_int_equal(fnas_csv_rows(table), 15625);
    for (int64_t row = 0; row < 15625; row += 977) {
        int32_t choices[6];
        double error_pct, cross_entropy;
        fnas_score alone = {.error_pct = 75, .cross_entropy = log(4)};
        test_check(place, fnas_space_parse(place->context, run->space, fnas_csv_cell(table, row, 0), choices));
        fnas_space_canonical(run->space, choices);
        if (fnas_space_connected(run->space, choices))
            test_check(place, fnas_score_archs(place->context, run, &examples, FNAS_SCORE_VALIDATION, IMAGES, "score", 1, choices, &alone));
        test_check(place, fnas_csv_number(place->context, table, row, 1, &error_pct));
        test_check(place, fnas_csv_number(place->context, table, row, 2, &cross_entropy));
        assert_float_equal(error_pct, alone.error_pct, 1e-9);
        assert_float_equal(cross_entropy, alone.cross_entropy, 1e-9);
    }
    fnas_examples_close(&examples);
    fnas_csv_free(table);
}

static void test_interrupted_it_goes_on(void **state) {
    fnas_test_place *place = *state;
    fnas_run *run = run_that_keeps(place);
    const char *path = fnas_test_path(place, "errors.csv");
    fnas_context_set_threads(place->context, 3);
    assert_int_equal(write_errors(run, path, 2 * KEPT + 1, FNAS_INTERRUPTED), DIFFERENT);
    assert_false(fnas_file_exists(path));
    assert_int_equal(write_errors(run, path, 0, FNAS_OK), DIFFERENT - 2 * KEPT);
    fnas_run_close(run);
    /* Against a run that knows nothing yet. */
    run = test_run(place, "error,latency_ms", 11);
    assert_rows(place, run, path);
    fnas_run_close(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_interrupted_it_goes_on)};
    return cmocka_run_group_tests_name("error table", tests, NULL, NULL);
}
