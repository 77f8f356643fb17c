/* Measuring for real, small; and children that misbehave. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "device/archs.h"
#include "device/card.h"
#include "device/child.h"
#include "fleetnas/device.h"

#define TINY "nb201:channels=4,cells=1,classes=10,input=1x8x8"

/* ---- child processes ---- */

static fnas_status job_good(fnas_context *context, fnas_child_port *port, void *user) {
    (void)user;
    int32_t number = 42;
    fnas_child_progress(port, 1, 2);
    fnas_log(context, FNAS_LOG_WARNING, "from the child");
    return fnas_child_send(context, port, 5, &number, sizeof number);
}

static fnas_status job_fails(fnas_context *context, fnas_child_port *port, void *user) {
    (void)port, (void)user;
    return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "no such thing here");
}

static fnas_status job_crashes(fnas_context *context, fnas_child_port *port, void *user) {
    (void)context, (void)port, (void)user;
    signal(SIGABRT, SIG_DFL);
    abort();
}

static fnas_status job_killed(fnas_context *context, fnas_child_port *port, void *user) {
    (void)context, (void)port, (void)user;
    kill(getpid(), SIGKILL);
    return FNAS_OK;
}

static fnas_status job_leaves(fnas_context *context, fnas_child_port *port, void *user) {
    (void)context, (void)port, (void)user;
    _exit(0);
}

static fnas_status job_hangs(fnas_context *context, fnas_child_port *port, void *user) {
    (void)context, (void)port, (void)user;
    for (int minute = 0; minute < 60; minute++) sleep(60);
    return FNAS_OK;
}

static fnas_status job_floods(fnas_context *context, fnas_child_port *port, void *user) {
    (void)user;
    for (;;) FNAS_TRY(fnas_child_send(context, port, 5, "1234", 4));
}

static int64_t received;

/* Takes one number of four bytes. */
static fnas_status receive_one(fnas_context *context, void *user, uint32_t type, const void *data, size_t size_bytes) {
    (void)user;
    if (type != 5 || size_bytes != sizeof(int32_t) || received) return fnas_fail(context, FNAS_ERR_INTERNAL, "unexpected message");
    int32_t number;
    memcpy(&number, data, sizeof number);
    received = number;
    return FNAS_OK;
}

static fnas_status run_job(fnas_context *context, fnas_child_job *job, double silence_limit_s) {
    received = 0;
    fnas_child_task task = {.stage = "trial", .job = job, .receiver = receive_one, .silence_limit_s = silence_limit_s};
    fnas_status status = fnas_child_run(context, &task);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    return status;
}

static int64_t warnings, reports;

static void count_log(void *user, fnas_log_level level, const char *text) {
    (void)user;
    warnings += level == FNAS_LOG_WARNING && strstr(text, "from the child");
}

static void count_progress(void *user, const fnas_progress *progress) {
    (void)user;
    reports += progress->done == 1 && progress->total == 2 && strcmp(progress->stage, "trial") == 0;
}

static void test_child(void **state) {
    (void)state;
    fnas_context *context;
    assert_int_equal(fnas_context_create(&context), FNAS_OK);
    fnas_context_set_log(context, count_log, NULL);
    fnas_context_set_progress(context, count_progress, NULL);
    assert_int_equal(run_job(context, job_good, 0), FNAS_OK);
    assert_int_equal(received, 42);
    assert_int_equal(warnings, 1);
    assert_int_equal(reports, 1);
    assert_int_equal(run_job(context, job_fails, 0), FNAS_ERR_UNSUPPORTED);
    assert_non_null(strstr(fnas_context_message(context), "no such thing here"));
    fnas_context_destroy(context);
}

static void test_child_death(void **state) {
    (void)state;
    fnas_context *context;
    assert_int_equal(fnas_context_create(&context), FNAS_OK);
    assert_int_equal(run_job(context, job_crashes, 0), FNAS_ERR_INTERNAL);
    assert_non_null(strstr(fnas_context_message(context), "died of signal 6"));
    assert_int_equal(run_job(context, job_killed, 0), FNAS_ERR_MEMORY);
    assert_int_equal(run_job(context, job_leaves, 0), FNAS_ERR_INTERNAL);
    assert_non_null(strstr(fnas_context_message(context), "without a result"));
    assert_int_equal(run_job(context, job_floods, 0), FNAS_ERR_INTERNAL);
    assert_int_equal(run_job(context, job_hangs, 0.3), FNAS_ERR_INTERNAL);
    assert_non_null(strstr(fnas_context_message(context), "silent"));
    fnas_context_request_stop(context);
    assert_int_equal(run_job(context, job_hangs, 0), FNAS_INTERRUPTED);
    fnas_context_destroy(context);
}

/* ---- measuring ---- */

typedef struct fixture {
    fnas_context *context;
    fnas_space *space;
} fixture;

static int begin(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f || fnas_context_create(&f->context) != FNAS_OK || fnas_space_open(f->context, TINY, &f->space) != FNAS_OK) return -1;
    *state = f;
    return 0;
}

static int end(void **state) {
    fixture *f = *state;
    fnas_space_close(f->space);
    fnas_context_destroy(f->context);
    free(f);
    return 0;
}

static fnas_measure_options tiny_options(void) {
    return (fnas_measure_options){.name = "tiny", .arch_count = 12};
}

/* A machine under load may drift: that is refused, rightly, and says nothing of the code. A few tries are given. */
static fnas_status measure_patiently(fixture *f, const fnas_measure_options *options, fnas_card **card) {
    fnas_status status = FNAS_ERR_NUMERIC;
    for (int attempt = 0; attempt < 8 && status == FNAS_ERR_NUMERIC; attempt++)
        status = fnas_device_measure(f->context, f->space, options, card);
    if (status != FNAS_OK) print_error("%s\n", fnas_context_message(f->context));
    return status;
}

static void check_card(const fnas_card *card, const char *runtime, const char *precision, const char *statistic) {
    fnas_card_view view = fnas_card_get(card);
    assert_string_equal(view.name, "tiny");
    assert_string_equal(view.runtime, runtime);
    assert_string_equal(view.precision, precision);
    assert_string_equal(view.statistic, statistic);
    assert_int_equal(view.measurement_count, 12);
    assert_true(view.noise_spearman >= -1 && view.noise_spearman <= 1);
    for (int64_t i = 0; i < 12; i++) assert_true(view.measurement_latency_ms[i] < 1000);
    /* The reference of nothing but 3x3 convolutions takes longer than one of pools and skips. */
    assert_true(view.reference_latency_ms[9] > view.reference_latency_ms[2]);
}

/* A card that says another processor is refused before anything is measured, with both names. */
static void check_other_machine(fixture *f, const fnas_card *card, const char *path) {
    json_t *root;
    fnas_card *moved;
    double latency_ms[1] = {-1};
    char words[512];
    snprintf(words, sizeof words, "\"Another 9000\", this one's \"%.400s\"", fnas_card_get(card).processor);
    assert_int_equal(fnas_json_read(f->context, path, 1 << 24, &root), FNAS_OK);
    json_object_set_new(root, "processor", json_string("Another 9000"));
    assert_int_equal(fnas_card_from_json(f->context, "moved.json", root, &moved), FNAS_OK);
    assert_int_equal(fnas_device_check_here(f->context, f->space, moved), FNAS_ERR_UNSUPPORTED);
    assert_int_equal(fnas_device_remeasure(f->context, f->space, moved, 1, fnas_card_get(moved).measurement_choices, 0, latency_ms),
                     FNAS_ERR_UNSUPPORTED);
    assert_non_null(strstr(fnas_context_message(f->context), "device tiny was measured on another machine"));
    assert_non_null(strstr(fnas_context_message(f->context), words));
    assert_true(latency_ms[0] == -1);
    fnas_card_free(moved);
}

static void test_onednn(void **state) {
    fixture *f = *state;
    fnas_card *card, *again;
    char path[] = "/tmp/fnas-measure-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    fnas_measure_options options = tiny_options();
    assert_int_equal(measure_patiently(f, &options, &card), FNAS_OK);
    check_card(card, "onednn", "f32", "min_cpu_ms");
    assert_non_null(strstr(fnas_card_get(card).runtime_version, "oneDNN"));
    assert_int_equal(fnas_card_save(f->context, card, path), FNAS_OK);
    assert_int_equal(fnas_card_load(f->context, path, &again), FNAS_OK);
    check_card(again, "onednn", "f32", "min_cpu_ms");
    double latency_ms[2];
    fnas_status status = FNAS_ERR_NUMERIC;
    for (int attempt = 0; attempt < 8 && status == FNAS_ERR_NUMERIC; attempt++)
        status = fnas_device_remeasure(f->context, f->space, again, 2, fnas_card_get(again).measurement_choices, 0, latency_ms);
    assert_int_equal(status, FNAS_OK);
    assert_true(latency_ms[0] > 0 && latency_ms[1] > 0);
    assert_int_equal(fnas_device_check_here(f->context, f->space, again), FNAS_OK);
    check_other_machine(f, again, path);
    fnas_card_free(card);
    fnas_card_free(again);
    unlink(path);
}

static void test_other_settings(void **state) {
    fixture *f = *state;
    fnas_card *card;
    fnas_measure_options options = tiny_options();
    options.runtime = "blas";
    options.batch = 3;
    assert_int_equal(measure_patiently(f, &options, &card), FNAS_OK);
    check_card(card, "blas", "f32", "min_cpu_ms");
    assert_int_equal(fnas_card_get(card).batch, 3);
    fnas_card_free(card);
    options = tiny_options();
    options.threads = 2;
    assert_int_equal(measure_patiently(f, &options, &card), FNAS_OK);
    assert_string_equal(fnas_card_get(card).statistic, "median_wall_ms");
    fnas_card_free(card);
}

static bool processor_has(const char *isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return strcmp(isa, "avx2") == 0 && __builtin_cpu_supports("avx2");
#else
    (void)isa;
    return false;
#endif
}

static void test_large_seed(void **state) {
    fixture *f = *state;
    fnas_measure_options options = tiny_options();
    options.seed = UINT64_MAX;
    options.arch_count = -1;
    fnas_card *card, *again;
    char path[] = "/tmp/fnas-card-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(measure_patiently(f, &options, &card), FNAS_OK);
    assert_int_equal(fnas_card_save(f->context, card, path), FNAS_OK);
    assert_int_equal(fnas_card_load(f->context, path, &again), FNAS_OK);
    assert_string_equal(json_string_value(json_object_get(json_object_get(again->root, "protocol"), "seed")), "18446744073709551615");
    fnas_card_free(again);
    fnas_card_free(card);
    remove(path);
}

static void test_isa(void **state) {
    fixture *f = *state;
    if (!processor_has("avx2")) {
        print_message("skipped: this processor has no avx2\n");
        skip();
    }
    fnas_card *card;
    fnas_measure_options options = tiny_options();
    options.isa = "avx2";
    assert_int_equal(measure_patiently(f, &options, &card), FNAS_OK);
    assert_string_equal(fnas_card_get(card).isa, "avx2");
    fnas_card_free(card);
    options.precision = "bf16"; /* which avx2 does not know, whatever the processor does */
    assert_int_equal(fnas_device_measure(f->context, f->space, &options, &card), FNAS_ERR_UNSUPPORTED);
    assert_null(card);
    options.precision = "int8";
    assert_int_equal(measure_patiently(f, &options, &card), FNAS_OK);
    assert_string_equal(fnas_card_get(card).precision, "int8");
    fnas_card_free(card);
    options.isa = "sse41"; /* which is too little for int8 */
    assert_int_equal(fnas_device_measure(f->context, f->space, &options, &card), FNAS_ERR_UNSUPPORTED);
}

static void assert_bad(fixture *f, const fnas_measure_options *options, fnas_status expected, const char *words) {
    fnas_card *card;
    assert_int_equal(fnas_device_measure(f->context, f->space, options, &card), expected);
    assert_null(card);
    if (!strstr(fnas_context_message(f->context), words)) {
        print_error("\"%s\" does not say \"%s\"\n", fnas_context_message(f->context), words);
        fail();
    }
}

static void test_bad_options(void **state) {
    fixture *f = *state;
    fnas_measure_options options = {0};
    assert_bad(f, &options, FNAS_ERR_INPUT, "name");
#define CHECK(field, value, expected, words)                                                                                               \
    do {                                                                                                                                   \
        options = tiny_options();                                                                                                          \
        options.field = (value);                                                                                                           \
        assert_bad(f, &options, expected, words);                                                                                          \
    } while (0)
    CHECK(name, "", FNAS_ERR_INPUT, "device name \"\": use letters");
    CHECK(name, "a/b", FNAS_ERR_INPUT, "device name \"a/b\": use letters");
    CHECK(name, "..", FNAS_ERR_INPUT, "no '.' in front");
    CHECK(name, "caf\xC3\xA9", FNAS_ERR_INPUT, "use letters");
    CHECK(runtime, "onnx", FNAS_ERR_INPUT, "unknown runtime \"onnx\"");
    CHECK(precision, "f64", FNAS_ERR_INPUT, "unknown precision \"f64\"");
    CHECK(isa, "avx1024", FNAS_ERR_INPUT, "unknown instruction set");
    CHECK(rounds, 11, FNAS_ERR_INPUT, "rounds is 11");
    CHECK(batch, -1, FNAS_ERR_INPUT, "batch is -1");
    CHECK(threads, 1000, FNAS_ERR_INPUT, "threads is 1000");
    CHECK(arch_count, 15001, FNAS_ERR_INPUT, "architectures");
    CHECK(references, "/nowhere/references.json", FNAS_ERR_INPUT, "/nowhere/references.json");
    CHECK(data, "cifar10:/nowhere", FNAS_ERR_INPUT, "/nowhere");
    CHECK(data, "synthetic:3x8x8", FNAS_ERR_INPUT, "3x8x8");
    CHECK(command, "bench {onnx}", FNAS_ERR_INPUT, "needs a file for its samples");
    CHECK(command_serve, true, FNAS_ERR_INPUT, "no command");
    CHECK(command_timeout_s, 3, FNAS_ERR_INPUT, "no command");
#undef CHECK
    options = tiny_options();
    options.command = "bench {onnx}";
    options.samples = "/nowhere/samples.sqlite";
    assert_bad(f, &options, FNAS_ERR_IO, "/nowhere/samples.sqlite");
    options.runtime = "blas";
    assert_bad(f, &options, FNAS_ERR_INPUT, "leave runtime out");
    options.runtime = NULL;
    options.precision = "f64";
    assert_bad(f, &options, FNAS_ERR_INPUT, "unknown precision \"f64\" of a command");
    options.precision = "int8";
    options.command_timeout_s = -1;
    assert_bad(f, &options, FNAS_ERR_INPUT, "-1 s");
    options = tiny_options();
    options.runtime = "blas";
    options.precision = "int8";
    assert_bad(f, &options, FNAS_ERR_UNSUPPORTED, "blas");
}

static void test_stop(void **state) {
    fixture *f = *state;
    fnas_card *card;
    fnas_measure_options options = tiny_options();
    fnas_context_request_stop(f->context);
    assert_int_equal(fnas_device_measure(f->context, f->space, &options, &card), FNAS_INTERRUPTED);
    assert_null(card);
}

/* ---- architectures ---- */

static void test_random_archs(void **state) {
    fixture *f = *state;
    enum { COUNT = 15000, DECISIONS = 6 };
    int32_t references[10 * DECISIONS], *all = fnas_allocate(COUNT, DECISIONS * sizeof *all), few[20 * DECISIONS];
    assert_non_null(all);
    assert_int_equal(fnas_archs_references(f->context, f->space, NULL, references), FNAS_OK);
    assert_int_equal(fnas_archs_random(f->context, f->space, 3, 10, references, COUNT, all), FNAS_OK);
    assert_int_equal(fnas_archs_random(f->context, f->space, 3, 10, references, 20, few), FNAS_OK);
    assert_memory_equal(all, few, sizeof few); /* a smaller set is the beginning of a larger one */
    int32_t taken[20 * DECISIONS];
    memcpy(taken, references, sizeof references);
    memcpy(taken + 10 * DECISIONS, few, 10 * DECISIONS * sizeof *taken);
    assert_int_equal(fnas_archs_random(f->context, f->space, 3, 20, taken, 10, few), FNAS_OK);
    assert_memory_equal(few, all + 10 * DECISIONS, 10 * DECISIONS * sizeof *few); /* what is taken is passed over */
    static bool seen[15625];
    for (int64_t i = -10; i < COUNT; i++) {
        const int32_t *choices = i < 0 ? references + (i + 10) * DECISIONS : all + i * DECISIONS;
        int64_t code = 0;
        for (int d = 0; d < DECISIONS; d++) code = code * 5 + choices[d];
        assert_false(seen[code]);
        seen[code] = true;
    }
    fnas_free(all);
}

static void write_references(fixture *f, const char *path, const char *text) {
    assert_int_equal(fnas_file_write_atomic(f->context, path, text, strlen(text)), FNAS_OK);
}

static void test_reference_files(void **state) {
    fixture *f = *state;
    int32_t references[60], own[60];
    char path[] = "/tmp/fnas-references-XXXXXX", list[4096] = "", text[4200];
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(fnas_archs_references(f->context, f->space, NULL, own), FNAS_OK);
    for (int i = 9; i >= 0; i--) {
        char arch[FNAS_ARCH_TEXT_BYTES];
        assert_int_equal(fnas_space_format(f->context, f->space, own + 6 * i, arch, sizeof arch), FNAS_OK);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s\"%s\"", i < 9 ? "," : "", arch);
    }
    snprintf(text, sizeof text, "[%s]", list);
    write_references(f, path, text);
    assert_int_equal(fnas_archs_references(f->context, f->space, path, references), FNAS_OK);
    for (int i = 0; i < 10; i++) assert_memory_equal(references + 6 * i, own + 6 * (9 - i), 6 * sizeof *own);
    snprintf(text, sizeof text, "{\"reference_archs\": [%s]}", list);
    write_references(f, path, text);
    assert_int_equal(fnas_archs_references(f->context, f->space, path, references), FNAS_OK);
    char twice[4400], first[FNAS_ARCH_TEXT_BYTES];
    assert_int_equal(fnas_space_format(f->context, f->space, own + 6 * 9, first, sizeof first), FNAS_OK);
    snprintf(twice, sizeof twice, "[%.*s,\"%s\"]", (int)(strrchr(list, ',') - list), list, first); /* the last one gives way to the first */
    write_references(f, path, twice);
    assert_int_equal(fnas_archs_references(f->context, f->space, path, references), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(f->context), "references 0 and 9 are the same architecture: keep one"));
    fnas_arch_set listed;
    assert_int_equal(fnas_archs_listed(f->context, f->space, path, &listed), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(f->context), "architectures 0 and 9 are the same architecture: keep one"));
    fnas_arch_set_free(&listed);
    write_references(f, path, text);
    assert_int_equal(fnas_archs_listed(f->context, f->space, path, &listed), FNAS_OK);
    assert_int_equal(listed.count, 10);
    assert_memory_equal(listed.choices, references, sizeof references);
    fnas_arch_set_free(&listed);
    write_references(f, path, "[]");
    assert_int_equal(fnas_archs_listed(f->context, f->space, path, &listed), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(f->context), "0 architectures, 1 to 15000 can be measured"));
    fnas_arch_set_free(&listed);
    write_references(f, path, "{\"archs\": []}");
    assert_int_equal(fnas_archs_references(f->context, f->space, path, references), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(f->context), "reference_archs"));
    write_references(f, path, "[\"|none~0|\"]");
    assert_int_equal(fnas_archs_references(f->context, f->space, path, references), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(f->context), "the embedding needs 10"));
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_child),
                                       cmocka_unit_test(test_child_death),
                                       cmocka_unit_test_setup_teardown(test_bad_options, begin, end),
                                       cmocka_unit_test_setup_teardown(test_stop, begin, end),
                                       cmocka_unit_test_setup_teardown(test_random_archs, begin, end),
                                       cmocka_unit_test_setup_teardown(test_reference_files, begin, end),
                                       cmocka_unit_test_setup_teardown(test_onednn, begin, end),
                                       cmocka_unit_test_setup_teardown(test_other_settings, begin, end),
                                       cmocka_unit_test_setup_teardown(test_isa, begin, end),
                                       cmocka_unit_test_setup_teardown(test_large_seed, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
