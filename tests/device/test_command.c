/* Logits of a measuring program: which networks' they may be. The program is a copy of a file that the test wrote. */
#include "base/support.h"

#include <math.h>

#include "device/command.h"
#include "export/raw_f32.h"

#define LOGITS 4

static void write_logits(fnas_test_place *place, const char *name, const float *logits) {
    assert_status(FNAS_OK, fnas_raw_f32_write(place->context, fnas_test_path(place, name), LOGITS, logits));
}

/* Samples `name` of a program that says (1 - share) of one network's logits and share of another's. */
static fnas_status sample(fnas_test_place *place, fnas_command *command, const char *name, const float *ours, const float *other,
                          float share, double *difference) {
    float said[LOGITS];
    fnas_answer answer;
    for (int i = 0; i < LOGITS; i++) said[i] = (1 - share) * ours[i] + share * other[i];
    write_logits(place, "said", said);
    return fnas_command_sample(place->context, command, name, FNAS_COMMAND_IMAGES, name, &answer, difference);
}

static void a_stale_network_is_refused(void **state) {
    fnas_test_place *place = *state;
    static const float one[LOGITS] = {1, 2, -1, 0.5f}, two[LOGITS] = {1.2f, 1.6f, -1.5f, 0.9f}; /* 0.32 and 0.31 of their length apart */
    char line[512], folder[400];
    fnas_command *command;
    double difference;
    snprintf(folder, sizeof folder, "%s", place->folder);
    snprintf(line, sizeof line, "sh -c 'cp \"%s/said\" \"$0\" && echo 1' {logits} {images} {onnx}", folder);
    write_logits(place, "one.logits", one);
    write_logits(place, "two.logits", two);
    fnas_command_setting setting = {
        .command = line, .precision = "int8", .timeout_s = 60, .batch = 1, .threads = 1, .classes = LOGITS, .has_networks = true};
    assert_status(FNAS_OK, fnas_command_create(place->context, &setting, folder, &command));
    /* The first of all may be as far off as int8 is: nothing was before. */
    assert_status(FNAS_OK, sample(place, command, "one", one, two, 1, &difference));
    assert_true(difference > 0.2 && difference < fnas_command_logits_bound("int8"));
    assert_status(FNAS_OK, sample(place, command, "two", two, one, 0.4f, &difference));
    assert_status(FNAS_ERR_INPUT, sample(place, command, "one", one, two, 0.6f, &difference));
    assert_message("nearer to those of the network before");
    /* The same network again, and one that computes the same, are no reason. */
    assert_status(FNAS_OK, sample(place, command, "one", one, two, 0.6f, &difference));
    write_logits(place, "twin.logits", one);
    assert_status(FNAS_OK, sample(place, command, "twin", one, two, 0.6f, &difference));
    float nearly[LOGITS];
    for (int i = 0; i < LOGITS; i++) nearly[i] = one[i] * 1.000001f;
    write_logits(place, "nearly.logits", nearly);
    assert_status(FNAS_OK, sample(place, command, "nearly", one, two, 0, &difference)); /* exactly what was before: rounding */
    assert_true(difference > 0);
    fnas_command_destroy(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(a_stale_network_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
