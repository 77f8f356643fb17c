/* Other programs within limits: whatever they do, a message says it, and nothing of them is left. */
#include "base/support.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/process.h"

static const fnas_process_limits patient = {20, 4096}, brief = {0.5, 4096};

/* Runs `sh -c script` to its end. */
static fnas_status finish(fnas_test_place *place, const char *script, fnas_process_limits limits, fnas_text *output) {
    char *words[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    fnas_process *process;
    fnas_status status = fnas_process_start(place->context, words, false, &process);
    if (status == FNAS_OK) status = fnas_process_finish(place->context, process, limits, output);
    fnas_process_stop(process);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return status;
}

static void output_is_taken_whole(void **state) {
    fnas_test_place *place = *state;
    fnas_text output = {0};
    assert_status(FNAS_OK, finish(place, "echo one; sleep 0.1; echo noise >&2; printf two; cat", patient, &output));
    assert_string_equal(output.data, "one\ntwo");
    fnas_text_free(&output);
    assert_status(FNAS_OK, finish(place, "exec >&-; sleep 0.1", patient, &output)); /* closes its output and goes on */
    assert_string_equal(output.data, "");
    fnas_text_free(&output);
}

static void refused(fnas_test_place *place, const char *script, fnas_process_limits limits, const char *complaint) {
    fnas_text output = {0};
    double begun_ms = fnas_wall_ms();
    assert_status(FNAS_ERR_INPUT, finish(place, script, limits, &output));
    assert_message(complaint);
    assert_true(fnas_wall_ms() - begun_ms < 10000);
    fnas_text_free(&output);
}

static void what_goes_wrong_is_named(void **state) {
    fnas_test_place *place = *state;
    refused(place, "echo first >&2; printf 'no \\033[1m board\\n\\n' >&2; exit 3", patient,
            "sh ended with exit code 3; it says \"no  [1m board\"");
    refused(place, "kill -9 $$", patient, "sh died of signal 9");
    refused(place, "echo waiting >&2; sleep 60", brief, "sh gave no answer in 0.5 s and was killed; it says \"waiting\"");
    refused(place, "yes", patient, "sh printed more than 4096 bytes and was killed");
    refused(place, "yes >&2", brief, "gave no answer in 0.5 s and was killed; it says \"y");
    fnas_text output = {0};
    fnas_process *process;
    char *missing[] = {"fleetnas-no-such-program", NULL}, *folder[] = {"/", NULL};
    assert_status(FNAS_ERR_INPUT, fnas_process_start(place->context, missing, false, &process));
    assert_message("fleetnas-no-such-program: no such program");
    assert_null(process);
    assert_status(FNAS_ERR_INPUT, fnas_process_start(place->context, folder, false, &process));
    assert_message("/: cannot be run");
    fnas_context_request_stop(place->context);
    assert_status(FNAS_INTERRUPTED, finish(place, "sleep 60", patient, &output));
    fnas_text_free(&output);
}

/* A child that the program leaves behind keeps the stream open: neither waited for nor left alive. */
static void children_are_killed_too(void **state) {
    fnas_test_place *place = *state;
    fnas_text output = {0};
    double begun_ms = fnas_wall_ms();
    assert_status(FNAS_OK, finish(place, "sleep 60 & echo $!", patient, &output));
    assert_true(fnas_wall_ms() - begun_ms < 10000);
    pid_t left = (pid_t)strtol(output.data, NULL, 10);
    fnas_text_free(&output);
    assert_true(left > 1);
    bool is_gone = false; /* whoever adopts it may take a moment to bury it */
    for (int i = 0; i < 200 && !is_gone; i++) {
        char path[64], text[256] = "";
        snprintf(path, sizeof path, "/proc/%ld/stat", (long)left);
        FILE *file = fopen(path, "r");
        if (file && !fgets(text, sizeof text, file)) text[0] = '\0';
        if (file) fclose(file);
        is_gone = !file || strstr(text, ") Z");
        usleep(10000);
    }
    assert_true(is_gone);
}

static void lines_are_asked_and_answered(void **state) {
    fnas_test_place *place = *state;
    char *words[] = {"sh", "-c", "while read -r line; do echo \"got $line\"; test \"$line\" != last || { echo bye >&2; exit 5; }; done",
                     NULL};
    fnas_process *process;
    fnas_text answer = {0};
    assert_status(FNAS_OK, fnas_process_start(place->context, words, true, &process));
    assert_status(FNAS_OK, fnas_process_ask(place->context, process, "a b", patient, &answer));
    assert_string_equal(answer.data, "got a b");
    fnas_text_free(&answer);
    assert_status(FNAS_OK, fnas_process_ask(place->context, process, "last", patient, &answer));
    assert_string_equal(answer.data, "got last");
    fnas_text_free(&answer);
    assert_status(FNAS_ERR_INPUT, fnas_process_ask(place->context, process, "more", patient, &answer));
    assert_message("sh did not answer: it ended with exit code 5; it says \"bye\"");
    fnas_process_stop(process);
    fnas_text_free(&answer);
}

static void answers_are_not_taken_for_others(void **state) {
    fnas_test_place *place = *state;
    char *words[] = {"sh", "-c", "while read -r line; do echo 1; echo 2; done", NULL};
    fnas_process *process;
    fnas_text answer = {0};
    assert_status(FNAS_OK, fnas_process_start(place->context, words, true, &process));
    assert_status(FNAS_OK, fnas_process_ask(place->context, process, "a", patient, &answer));
    usleep(200000);
    assert_status(FNAS_ERR_INPUT, fnas_process_ask(place->context, process, "b", patient, &answer));
    assert_message("sh printed something without being asked");
    fnas_process_stop(process);
    fnas_text_free(&answer);
}

static void an_asked_program_may_hang_or_flood(void **state) {
    fnas_test_place *place = *state;
    char *hanging[] = {"sh", "-c", "read -r line; sleep 60", NULL}, *flooding[] = {"sh", "-c", "yes | tr -d '\\n'", NULL},
         *deaf[] = {"sh", "-c", "sleep 60", NULL};
    fnas_process *process;
    fnas_text answer = {0};
    assert_status(FNAS_OK, fnas_process_start(place->context, hanging, true, &process));
    assert_status(FNAS_ERR_INPUT, fnas_process_ask(place->context, process, "x", brief, &answer));
    assert_message("gave no answer in 0.5 s");
    fnas_process_stop(process);
    assert_status(FNAS_OK, fnas_process_start(place->context, flooding, true, &process));
    assert_status(FNAS_ERR_INPUT, fnas_process_ask(place->context, process, "x", patient, &answer));
    assert_message("printed more than 4096 bytes");
    fnas_process_stop(process);
    char *line = malloc(1 << 22); /* more than a socket takes unread */
    assert_non_null(line);
    memset(line, 'x', (1 << 22) - 1);
    line[(1 << 22) - 1] = '\0';
    assert_status(FNAS_OK, fnas_process_start(place->context, deaf, true, &process));
    assert_status(FNAS_ERR_INPUT, fnas_process_ask(place->context, process, line, brief, &answer));
    assert_message("gave no answer in 0.5 s");
    fnas_process_stop(process);
    free(line);
    fnas_text_free(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(output_is_taken_whole),
                                       fnas_test(what_goes_wrong_is_named),
                                       fnas_test(children_are_killed_too),
                                       fnas_test(lines_are_asked_and_answered),
                                       fnas_test(answers_are_not_taken_for_others),
                                       fnas_test(an_asked_program_may_hang_or_flood)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
