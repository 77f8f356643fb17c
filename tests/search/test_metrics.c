/* What a resumed search keeps of its metrics, and what it says of rows that are gone. */
#include "base/support.h"

#include "base/file.h"
#include "base/memory.h"
#include "search/run/metrics.h"

#define HEADER                                                                                                                             \
    "step,train_cross_entropy,train_accuracy_pct,weight_gradient_norm,search_cross_entropy,search_latency_ms,direction_norm,"              \
    "error_range_low,error_range_high\n"

static void keep_line(void *user, fnas_log_level level, const char *line) {
    snprintf(user, 500, "%d %s", (int)level, line);
}

/* Opens `metrics.csv` with this text (NULL: none) as from a checkpoint at `step`: it then holds `expected`. The last warning, or "". */
static const char *resume(fnas_test_place *place, const char *text, int64_t step, const char *expected) {
    static char warning[500];
    warning[0] = '\0';
    fnas_context_set_log(place->context, keep_line, warning);
    if (text) fnas_test_write_text(place, "metrics.csv", text);
    fnas_run run = {.path = place->folder, .state.step = step};
    run.config.objective_count = 2;
    run.config.objectives[1] = FNAS_OBJECTIVE_LATENCY;
    fnas_metrics metrics;
    assert_status(FNAS_OK, fnas_metrics_open(place->context, &run, &metrics));
    fnas_metrics_close(&metrics);
    unsigned char *data;
    size_t size;
    const char *path = fnas_test_path(place, "metrics.csv");
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 10000, &data, &size));
    assert_string_equal((char *)data, expected);
    fnas_free(data);
    assert_true(!*warning || (warning[0] == '0' + FNAS_LOG_WARNING && strstr(warning, path)));
    return warning;
}

static void test_whole(void **state) {
    fnas_test_place *place = *state;
    assert_string_equal(resume(place, NULL, 0, HEADER), "");
    assert_string_equal(resume(place, HEADER "1,a\n2,b\n", 2, HEADER "1,a\n2,b\n"), "");
    assert_string_equal(resume(place, HEADER "1,a\n2,b\n3,c\n4,", 2, HEADER "1,a\n2,b\n"), ""); /* written behind the checkpoint */
}

static void test_gaps(void **state) {
    fnas_test_place *place = *state;
    const char *warning = resume(place, HEADER "1,a\n5,e\n6,f\n8,h\n11,k\n", 10, HEADER "1,a\n5,e\n6,f\n8,h\n");
    assert_non_null(strstr(warning, "6 of the 10 rows before the checkpoint are missing (steps 2-4, 7, 9-10)"));
    warning = resume(place, HEADER, 3, HEADER);
    assert_non_null(strstr(warning, "3 of the 3 rows before the checkpoint are missing (steps 1-3)"));
    remove(fnas_test_path(place, "metrics.csv"));
    assert_non_null(strstr(resume(place, NULL, 1, HEADER), "(steps 1)"));
    warning = resume(place, HEADER "2,\n4,\n6,\n8,\n10,\n12,\n14,\n16,\n18,\n20,\n22,\n", 22,
                     HEADER "2,\n4,\n6,\n8,\n10,\n12,\n14,\n16,\n18,\n20,\n22,\n");
    assert_non_null(strstr(warning, "11 of the 22 rows before the checkpoint are missing (steps 1, 3, 5, 7, 9, 11, 13, 15, ...)"));
}

/* Lines that are no rows, rows that come twice, a row without an end. */
static void test_damage(void **state) {
    fnas_test_place *place = *state;
    assert_string_equal(resume(place, HEADER "1,a\nx\n\n-3,q\n2,b\n1,again\n2,again\n3,c\n", 3, HEADER "1,a\n2,b\n3,c\n"), "");
    assert_non_null(strstr(resume(place, HEADER "1,a\n2", 2, HEADER "1,a\n"), "(steps 2)"));
    assert_non_null(strstr(resume(place, HEADER "1,a\n2;b\n", 2, HEADER "1,a\n"), "(steps 2)"));
    assert_non_null(strstr(resume(place, "", 2, HEADER), "(steps 1-2)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_whole), fnas_test(test_gaps), fnas_test(test_damage)};
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
