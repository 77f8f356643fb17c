#include "base/support.h"

#include <errno.h>

#include "base/error.h"

static void status_texts_and_exit_codes(void **state) {
    (void)state;
    assert_string_equal(fnas_status_text(FNAS_ERR_INPUT), "bad input");
    assert_int_equal(fnas_status_exit_code(FNAS_OK), 0);
    assert_int_equal(fnas_status_exit_code(FNAS_ERR_USAGE), 1);
    assert_int_equal(fnas_status_exit_code(FNAS_ERR_INPUT), 2);
    assert_int_equal(fnas_status_exit_code(FNAS_ERR_IO), 3);
    assert_int_equal(fnas_status_exit_code(FNAS_ERR_NUMERIC), 4);
    assert_int_equal(fnas_status_exit_code(FNAS_ERR_INFEASIBLE), 5);
    assert_int_equal(fnas_status_exit_code(FNAS_INTERRUPTED), 130);
    assert_string_equal(fnas_status_text((fnas_status)1000), "unknown status");
    assert_int_equal(fnas_status_exit_code((fnas_status)1000), 4);
}

static void message_is_recorded_and_prefixed(void **state) {
    fnas_test_place *place = *state;
    assert_string_equal(fnas_context_message(place->context), "");
    assert_status(FNAS_ERR_INPUT, fnas_fail(place->context, FNAS_ERR_INPUT, "%s:%d: wrong", "a.json", 3));
    assert_string_equal(fnas_context_message(place->context), "a.json:3: wrong");
    assert_status(FNAS_ERR_INPUT, fnas_fail_prefix(place->context, FNAS_ERR_INPUT, "card %d", 7));
    assert_string_equal(fnas_context_message(place->context), "card 7: a.json:3: wrong");
    assert_status(FNAS_ERR_IO, fnas_fail(place->context, FNAS_ERR_IO, "<%s>", fnas_context_message(place->context)));
    assert_string_equal(fnas_context_message(place->context), "<card 7: a.json:3: wrong>");
    assert_status(FNAS_ERR_IO, fnas_fail(NULL, FNAS_ERR_IO, "nobody listens"));
}

static void long_message_is_cut_between_characters(void **state) {
    fnas_test_place *place = *state;
    char text[9001];
    for (int i = 0; i < 9000; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    text[9000] = 0;
    assert_status(FNAS_ERR_INPUT, fnas_fail(place->context, FNAS_ERR_INPUT, "x%s", text));
    const char *message = fnas_context_message(place->context);
    size_t length = strlen(message);
    assert_string_equal(message + length - 3, "...");
    assert_int_equal((unsigned char)message[length - 4], 0xA9);
}

static void errno_tells_bad_input_from_failing_io(void **state) {
    fnas_test_place *place = *state;
    errno = ENOENT;
    assert_status(FNAS_ERR_INPUT, fnas_fail_errno(place->context, "x/y", "open"));
    assert_string_equal(fnas_context_message(place->context), "x/y: cannot open: No such file or directory");
    errno = ENOENT;
    assert_status(FNAS_ERR_IO, fnas_fail_errno(place->context, "x/y", "write"));
    errno = ENOSPC;
    assert_status(FNAS_ERR_IO, fnas_fail_errno(place->context, "x/y", "write"));
    assert_message("No space left on device");
}

static void threads_resolve(void **state) {
    fnas_test_place *place = *state;
    assert_in_range(fnas_context_threads(place->context), 1, sysconf(_SC_NPROCESSORS_ONLN));
    fnas_context_set_threads(place->context, 7);
    assert_int_equal(fnas_context_threads(place->context), 7);
    fnas_context_set_threads(place->context, 100000);
    assert_int_equal(fnas_context_threads(place->context), 256);
    fnas_context_set_threads(place->context, 0);
    assert_in_range(fnas_context_threads(place->context), 1, sysconf(_SC_NPROCESSORS_ONLN));
}

static void keep_line(void *user, fnas_log_level level, const char *text) {
    snprintf(user, 100, "%d %s", (int)level, text);
}

static void keep_progress(void *user, const fnas_progress *progress) {
    *(int64_t *)user = progress->done;
}

static void log_stop_and_progress(void **state) {
    fnas_test_place *place = *state;
    char line[100] = "";
    int64_t done = 0;
    fnas_log(place->context, FNAS_LOG_INFO, "nobody listens");
    fnas_context_set_log(place->context, keep_line, line);
    fnas_log(place->context, FNAS_LOG_INFO, "%d images", 5);
    assert_string_equal(line, "1 5 images");

    fnas_report_progress(place->context, &(fnas_progress){.stage = "search", .done = 2, .total = 4, .text = ""}); /* nobody looks */
    fnas_context_set_progress(place->context, keep_progress, &done);
    fnas_report_progress(place->context, &(fnas_progress){.stage = "search", .done = 3, .total = 4, .text = ""});
    assert_int_equal(done, 3);

    fnas_context *worker;
    assert_status(FNAS_OK, fnas_context_create(&worker));
    fnas_context_set_parent(worker, place->context);
    assert_false(fnas_context_stop_requested(worker));
    fnas_context_request_stop(place->context);
    assert_true(fnas_context_stop_requested(place->context));
    assert_true(fnas_context_stop_requested(worker));
    fnas_log(worker, FNAS_LOG_WARNING, "from below");
    assert_string_equal(line, "0 from below");
    fnas_context_destroy(worker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(status_texts_and_exit_codes),
        fnas_test(message_is_recorded_and_prefixed),
        fnas_test(long_message_is_cut_between_characters),
        fnas_test(errno_tells_bad_input_from_failing_io),
        fnas_test(threads_resolve),
        fnas_test(log_stop_and_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
