/* Rival methods on the shared tables of NAS-Bench-201; skipped where FLEETNAS_TEST_DATA does not name them. */
#include "base/support.h"

#include "fleetnas/rival.h"

static const char *const devices[] = {"1080ti_1", "pixel3", "raspi4"};
enum { DEVICES = sizeof devices / sizeof *devices };

typedef struct tables {
    fnas_space *space;
    fnas_truth *truth[DEVICES];
} tables;

/* False after saying so where the tables are absent. */
static bool open_tables(fnas_test_place *place, tables *made) {
    static const char *const cost = "latency_ms";
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    char archs[400], latencies[400];
    snprintf(archs, sizeof archs, "%s/nb201/architectures.csv", folder ? folder : "");
    snprintf(latencies, sizeof latencies, "%s/nb201/latency_ms.csv", folder ? folder : "");
    if (!folder || access(archs, R_OK) || access(latencies, R_OK)) {
        print_message("skipped: FLEETNAS_TEST_DATA does not name the folder of the shared tables\n");
        return false;
    }
    const char *const paths[] = {archs, latencies};
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &made->space));
    for (int d = 0; d < DEVICES; d++) {
        const fnas_truth_options options = {.table_count = 2,
                                            .tables = paths,
                                            .accuracy_column = "cifar10_test_accuracy_pct",
                                            .cost_count = 1,
                                            .costs = &cost,
                                            .columns = devices + d};
        assert_status(FNAS_OK, fnas_truth_open(place->context, made->space, &options, &made->truth[d]));
    }
    return true;
}

static void close_tables(tables *made) {
    for (int d = 0; d < DEVICES; d++) fnas_truth_free(made->truth[d]);
    fnas_space_close(made->space);
}

/* Hypervolume over the true front's, mean over devices and seeds. */
static double mean_ratio(fnas_test_place *place, const tables *on, const char *method, int64_t evaluations, uint64_t seeds) {
    double sum = 0;
    for (int d = 0; d < DEVICES; d++)
        for (uint64_t seed = 0; seed < seeds; seed++) {
            fnas_rival_front front;
            fnas_truth_score score;
            const fnas_rival_options options = {.method = method, .evaluations = evaluations, .seed = seed};
            assert_status(FNAS_OK, fnas_rival_run(place->context, on->truth[d], &options, &front));
            assert_status(FNAS_OK, fnas_truth_score_front(place->context, on->truth[d], front.count, front.choices, &score));
            sum += score.ratio;
            fnas_rival_front_free(&front);
        }
    double mean = sum / (DEVICES * (double)seeds);
    print_message("%s, %lld evaluations: %.4f\n", method, (long long)evaluations, mean);
    return mean;
}

/* A rival that does no better than chance would make every comparison with it worthless. */
static void test_evolution_beats_chance(void **state) {
    fnas_test_place *place = *state;
    tables on;
    if (!open_tables(place, &on)) skip();
    assert_true(mean_ratio(place, &on, "nsga2", 1000, 5) > mean_ratio(place, &on, "random", 1000, 5));
    close_tables(&on);
}

static void test_bayesian_beats_chance(void **state) {
    fnas_test_place *place = *state;
    tables on;
    if (!open_tables(place, &on)) skip();
    double chance = mean_ratio(place, &on, "random", 100, 5);
    assert_true(mean_ratio(place, &on, "parego", 100, 2) > chance);
    assert_true(mean_ratio(place, &on, "ehvi", 100, 2) > chance);
    close_tables(&on);
}

/* An untrained hypernetwork draws at random: between what 24 random cells reach (0.877 over all 19 devices), give or take their spread. */
static void test_untrained_is_chance(void **state) {
    fnas_test_place *place = *state;
    tables on;
    if (!open_tables(place, &on)) skip();
    double untrained = mean_ratio(place, &on, "untrained", 24, 20), chance = mean_ratio(place, &on, "random", 24, 20);
    assert_float_equal(untrained, chance, 0.04);
    close_tables(&on);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_evolution_beats_chance), fnas_test(test_bayesian_beats_chance),
                                       fnas_test(test_untrained_is_chance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
