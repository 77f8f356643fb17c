/* Limiting the instruction set works once a process, so each limit is tried in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compute/check/operands_bounds.h"

enum { CHILD_PASSED, CHILD_FAILED, CHILD_UNSUPPORTED };

typedef int child_function(fnas_context *context, const char *isa);

static int in_child(child_function *function, const char *isa) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const int caught_by_cmocka[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS};
        for (int i = 0; i < 4; i++) signal(caught_by_cmocka[i], SIG_DFL); /* a crash must not go on as a second parent */
        fnas_context *context;
        int outcome = fnas_context_create(&context) == FNAS_OK ? function(context, isa) : CHILD_FAILED;
        fflush(NULL);
        _exit(outcome);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int fail_child(const char *isa, const char *message) {
    printf("%s: %s\n", isa, message);
    return CHILD_FAILED;
}

/* On x86-64 each shape of the table has a fast kernel, directly or between reorders. */
static bool runs_fast(fnas_context *context, fnas_engine *engine, const fnas_operator_case *c) {
    const char *kernel = "";
    if (!fnas_case_is_conv(c)) return true;
    return fnas_conv_implementation(context, engine, &c->conv, (fnas_conv_kind)c->kind, &kernel) == FNAS_OK && !strstr(kernel, "ref");
}

static int run_limited(fnas_context *context, const char *isa) {
    fnas_engine *engine;
    fnas_status status = fnas_backend_limit_isa(context, isa);
    if (status == FNAS_ERR_UNSUPPORTED && strstr(fnas_context_message(context), "does not have")) return CHILD_UNSUPPORTED;
    if (status != FNAS_OK || fnas_engine_create(context, FNAS_COMPUTE_F32, &engine) != FNAS_OK)
        return fail_child(isa, fnas_context_message(context));
    if (strcmp(isa, "native") != 0 && strncmp(fnas_backend_isa(), isa, strlen(isa)) != 0) return fail_child(isa, fnas_backend_isa());
    int64_t expected_block = strcmp(isa, "avx512") == 0 ? 16 : 8;
    if (strcmp(isa, "native") != 0 && fnas_engine_block(engine) != expected_block) return fail_child(isa, "has an unexpected block");
    if (strcmp(isa, "native") != 0 && fnas_backend_has_bf16()) return fail_child(isa, "has bf16");

    fnas_case_list list;
    if (fnas_case_list_create(context, true, false, &list) != FNAS_OK) return fail_child(isa, fnas_context_message(context));
    int outcome = CHILD_PASSED;
    for (int64_t i = 0; i < list.count; i++) {
        char name[FNAS_CASE_NAME_BYTES], message[300];
        bool agrees = fnas_case_agrees(context, engine, &list.cases[i], i, message, sizeof message);
        if (agrees && runs_fast(context, engine, &list.cases[i])) continue;
        fnas_case_name(&list.cases[i], name, sizeof name);
        printf("%s: %s: %s\n", isa, name, agrees ? "runs on a slow kernel" : message);
        outcome = CHILD_FAILED;
    }
    fnas_case_list_free(&list);
    fnas_engine_destroy(engine);
    return outcome;
}

static void test_results_under(const char *isa) {
    int outcome = in_child(run_limited, isa);
    if (outcome == CHILD_UNSUPPORTED) {
        printf("skipped: this processor lacks %s\n", isa);
        skip();
    }
    assert_int_equal(outcome, CHILD_PASSED);
}

static void test_native(void **state) {
    (void)state;
    test_results_under("native");
}

static void test_avx512(void **state) {
    (void)state;
    test_results_under("avx512");
}

static void test_avx2(void **state) {
    (void)state;
    test_results_under("avx2");
}

static void test_sse41(void **state) {
    (void)state;
    test_results_under("sse41");
}

static int limit_too_late(fnas_context *context, const char *isa) {
    fnas_engine *engine;
    if (fnas_engine_create(context, FNAS_COMPUTE_F32, &engine) != FNAS_OK) return CHILD_FAILED;
    fnas_engine_destroy(engine);
    bool refused = fnas_backend_limit_isa(context, isa) == FNAS_ERR_UNSUPPORTED && strstr(fnas_context_message(context), "already settled");
    return refused ? CHILD_PASSED : CHILD_FAILED;
}

static int limit_after_asking(fnas_context *context, const char *isa) {
    if (!fnas_backend_isa()[0]) return CHILD_FAILED;
    return fnas_backend_limit_isa(context, isa) == FNAS_ERR_UNSUPPORTED ? CHILD_PASSED : CHILD_FAILED;
}

static int limit_to_unknown(fnas_context *context, const char *isa) {
    bool refused = fnas_backend_limit_isa(context, "mmx") == FNAS_ERR_INPUT && fnas_backend_limit_isa(context, isa) == FNAS_OK;
    return refused ? CHILD_PASSED : CHILD_FAILED; /* and a refusal settles nothing */
}

static void test_limits_come_first(void **state) {
    (void)state;
    assert_int_equal(in_child(limit_too_late, "native"), CHILD_PASSED);
    assert_int_equal(in_child(limit_after_asking, "native"), CHILD_PASSED);
    assert_int_equal(in_child(limit_to_unknown, "native"), CHILD_PASSED);
}

static void test_version(void **state) {
    (void)state;
    assert_int_equal(strncmp(fnas_backend_version(), "oneDNN ", 7), 0);
}

int main(void) {
#if !defined(__x86_64__)
    printf("skipped: instruction sets are limited on x86-64 only\n");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native),
        cmocka_unit_test(test_avx512),
        cmocka_unit_test(test_avx2),
        cmocka_unit_test(test_sse41),
        cmocka_unit_test(test_limits_come_first),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
