/* What a run remembers of the moment. */
#include "base/support.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "search/run/log.h"

static void what_was_set_is_found(void **state) {
    fnas_test_place *place = *state;
    char *value;
    assert_status(FNAS_OK, fnas_run_log_set(place->context, place->folder, "data", "here"));
    assert_status(FNAS_OK, fnas_run_log_set(place->context, place->folder, "data", "there"));
    assert_status(FNAS_OK, fnas_run_log_event(place->context, place->folder, "begin", "now"));
    assert_status(FNAS_OK, fnas_run_log_get(place->context, place->folder, "data", &value));
    assert_string_equal(value, "there");
    fnas_free(value);
    assert_status(FNAS_OK, fnas_run_log_get(place->context, place->folder, "backend", &value));
    assert_null(value);
}

/* SQLite would look for the folder "run", or write nowhere that the run's files are. */
static void a_run_whose_name_looks_like_a_uri_has_one(void **state) {
    fnas_test_place *place = *state;
    char *value;
    assert_int_equal(chdir(place->folder), 0);
    assert_int_equal(mkdir("file:run", 0700), 0);
    assert_status(FNAS_OK, fnas_run_log_set(place->context, "file:run", "data", "here"));
    assert_int_equal(access("./file:run/log.sqlite", R_OK), 0);
    assert_status(FNAS_OK, fnas_run_log_get(place->context, "file:run", "data", &value));
    assert_string_equal(value, "here");
    fnas_free(value);
    assert_int_equal(chdir("/"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(what_was_set_is_found), fnas_test(a_run_whose_name_looks_like_a_uri_has_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
