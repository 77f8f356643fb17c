/* Answers of measuring programs: the right number is found, and what is none is refused by name. */
#include "base/support.h"

#include <math.h>

#include "device/answer.h"

static void gives(fnas_test_place *place, const char *text, const char *field, double ms, double energy_mj) {
    fnas_answer answer;
    assert_status(FNAS_OK, fnas_answer_parse(place->context, "bench", text, field, !isnan(energy_mj), &answer));
    assert_true(answer.ms == ms);
    assert_true(isnan(energy_mj) ? isnan(answer.energy_mj) : answer.energy_mj == energy_mj);
}

static void refused(fnas_test_place *place, const char *text, const char *field, bool with_energy, const char *complaint) {
    fnas_answer answer;
    assert_status(FNAS_ERR_INPUT, fnas_answer_parse(place->context, "bench", text, field, with_energy, &answer));
    assert_message(complaint);
}

static void the_last_number_counts(void **state) {
    fnas_test_place *place = *state;
    gives(place, "1.25", NULL, 1.25, NAN);
    gives(place, "batch 8: took 12.5ms.\n", NULL, 12.5, NAN);
    gives(place, "min 1 max 3, mean +2e-1 ms (resnet50, model_v2)\n\n", NULL, 0.2, NAN);
    gives(place, "\x1b[32m8 ms\x1b[0m", NULL, 8, NAN);
    gives(place, ".5", NULL, 0.5, NAN);
    gives(place, "3 4E2", NULL, 400, NAN);
    gives(place, "time=7,", NULL, 7, NAN);
    gives(place, "nano 3 finfo", NULL, 3, NAN);
    gives(place, "3 ms 20.5 mJ", NULL, 3, 20.5);
    gives(place, "1 2\n3 4\ndone\n", NULL, 3, 4);
    gives(place, "1 2\n3\n4\n", NULL, 4, NAN);
    gives(place, "warm 1\n\x1b[1m3 ms\x1b[0m 4 mJ", NULL, 3, 4);
}

static void what_is_no_time_is_refused(void **state) {
    fnas_test_place *place = *state;
    refused(place, "", NULL, false, "bench prints nothing on its standard output: print the milliseconds");
    refused(place, "\n done\x1b[1m\nx", NULL, false, "bench prints \"done?[1m\": print the milliseconds");
    refused(place, "1 ms -0.5", NULL, false, "a latency of -0.5");
    refused(place, "0", NULL, false, "a latency of 0");
    refused(place, "2 nan", NULL, false, "bench gives \"nan\" as a latency");
    refused(place, "2 -Inf ms", NULL, false, "bench gives \"-Inf\" as a latency");
    refused(place, "1,234.5", NULL, false, "bench gives \"1,234.5\" as a latency: print a plain number");
    refused(place, "version 1.17.3", NULL, false, "\"1.17.3\" as a latency");
    refused(place, "3,14", NULL, false, "\"3,14\" as a latency");
    refused(place, "2e9", NULL, false, "at most 1e+09 ms");
    refused(place, "1e999", NULL, false, "bench gives");
    refused(place, "1111111111111111111111111111111111111111111111111111111111111111111111", NULL, false, "print a plain number");
    refused(place, "3", NULL, true, "two numbers on its last line");
    refused(place, "1 2\n3\n4\n", NULL, true, "two numbers on its last line"); /* 3 and 4 are of two lines */
    refused(place, "3 ms\n4 mJ\n", NULL, true, "two numbers on its last line");
    refused(place, "3 0", NULL, true, "an energy of 0");
    refused(place, "nan 4", NULL, true, "\"nan\" as a latency");
}

static void objects_are_read(void **state) {
    fnas_test_place *place = *state;
    gives(place, "{\"ms\": 2, \"samples\": 30}", NULL, 2, NAN);
    gives(place, "loading 3 files\n{\"ms\": 2.5, \"n\": 3}\n", NULL, 2.5, NAN);
    gives(place, "{\n \"mean\": 4,\n \"ms\": 1\n}\n", "mean", 4, NAN);
    gives(place, "{\"ms\": 2, \"energy_mj\": 7}", NULL, 2, 7);
    refused(place, "{\"n\": 3}", NULL, false, "bench: its answer has no \"ms\"");
    refused(place, "{\"ms\": \"3\"}", NULL, false, "bench: its answer has no number as \"ms\"");
    refused(place, "{\"ms\": -3}", NULL, false, "a latency of -3");
    refused(place, "{\"ms\": 3}", NULL, true, "no \"energy_mj\"");
    refused(place, "{\"ms\": 3, \"energy_mj\": 0}", NULL, true, "an energy of 0");
    refused(place, "3", "ms", false, "print a JSON object");
    refused(place, "{\"ms\": 3", "ms", false, "bench prints an object that is no JSON");
    refused(place, "{\"ms\": 3.25, \"warm_ms\": 777", NULL, false, "bench prints an object that is no JSON");
    refused(place, "done in 7\n{'ms': 3.25, 'runs': 500}\n", NULL, false, "bench prints an object that is no JSON");
    refused(place, "{\"ms\": 1, \"ms\": 2}", NULL, false, "bench prints an object that is no JSON");
    refused(place, "1e-320", NULL, false, "above 0 (1e-09 and more)");
    refused(place, "{\"error\": \"no such board\"}", NULL, false, "bench failed: no such board");
    refused(place, "{\"error\": 3}", NULL, false, "bench failed: an error");
    refused(place, "{\"error\": false, \"ms\": 2}", NULL, false, "bench failed: an error");
    refused(place, "{\"error\": \"\\u001b[2Jgone\\u009b\\nx\"}", NULL, false, "bench failed: ?[2Jgone??");
    assert_null(strpbrk(fnas_context_message(place->context), "\x1b\n\xc2"));
    gives(place, "{\"error\": null, \"ms\": 2}", NULL, 2, NAN);
    gives(place, "{\"ms\": 2, \"energy_mj\": 2e9}", NULL, 2, 2e9); /* more than a latency may be */
    refused(place, "{\"ms\": 2, \"energy_mj\": 2e12}", NULL, true,
            "an energy of 2e+12: it must be finite, above 0 (1e-12 and more) and at most 1e+12 mJ");
    fnas_answer answer;
    const char
        *text = "{\"ms\": 1, \"runtime\": \"ort\\u001b[1m\\u00e9\", \"runtime_version\": \"1.17\", \"processor\": 3, \"isa\": \"neon\"}";
    assert_status(FNAS_OK, fnas_answer_parse(place->context, "bench", text, NULL, false, &answer));
    assert_string_equal(answer.runtime, "ort[1m");
    assert_string_equal(answer.runtime_version, "1.17");
    assert_string_equal(answer.processor, "");
    assert_string_equal(answer.isa, "neon");
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(the_last_number_counts), fnas_test(what_is_no_time_is_refused),
                                       fnas_test(objects_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
