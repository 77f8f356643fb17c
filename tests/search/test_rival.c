/* Rival methods on a made truth table: what they may ask, what they give back, and that they find what there is. */
#include "base/support.h"

#include <math.h>

#include "base/memory.h"
#include "base/text.h"
#include "estimate/training_free.h"
#include "search/rival/rival.h"
#include "space/space.h"

/* The table of each `every`th of 15,625 cells: error falls with the MACs but for a ripple, latency grows with the number of operations,
 * energy with some of them. */
static void write_table(fnas_test_place *place, const fnas_space *space, int64_t every, const char *path) {
    fnas_text text = {0};
    char arch[FNAS_ARCH_TEXT_BYTES];
    int32_t choices[6];
    fnas_text_append(&text, "arch,error_pct,ms,mj\n");
    for (int64_t i = 0; i < 15625; i += every) {
        double ms = 1, mj = 2, score = 0;
        for (int64_t d = 0, rest = i; d < 6; d++, rest /= 5) {
            choices[d] = (int32_t)(rest % 5);
            ms += (double)(choices[d] * (d + 2)) * 0.25;
            mj += choices[d] > 2 ? (double)(7 - d) : 0;
            score += (double)((choices[d] * 7 + d * 3) % 11);
        }
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, arch, sizeof arch));
        fnas_text_append(&text, "%s,%.17g,%.17g,%.17g\n", arch, i % 97 == 0 ? 90.0 : 60 - score - 0.001 * (double)(i % 89), ms, mj);
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    fclose(file);
    fnas_text_free(&text);
}

typedef struct table {
    fnas_space *space;
    fnas_truth *truth;
} table;

/* cost_count: 1 or 2. */
static table open_part(fnas_test_place *place, int64_t every, int64_t cost_count) {
    static const char *const costs[] = {"latency_ms", "energy_mj"}, *const columns[] = {"ms", "mj"};
    table made;
    const char *path = fnas_test_path(place, "truth.csv");
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &made.space));
    write_table(place, made.space, every, path);
    const fnas_truth_options options = {
        .table_count = 1, .tables = &path, .partial = every > 1, .cost_count = cost_count, .costs = costs, .columns = columns};
    assert_status(FNAS_OK, fnas_truth_open(place->context, made.space, &options, &made.truth));
    return made;
}

static table open_table(fnas_test_place *place) {
    return open_part(place, 1, 1);
}

static void close_table(table *made) {
    fnas_truth_free(made->truth);
    fnas_space_close(made->space);
}

static fnas_rival_front run(fnas_test_place *place, const table *on, const char *method, int64_t evaluations, int64_t points,
                            uint64_t seed) {
    fnas_rival_front front;
    const fnas_rival_options options = {.method = method, .evaluations = evaluations, .points = points, .seed = seed};
    assert_status(FNAS_OK, fnas_rival_run(place->context, on->truth, &options, &front));
    return front;
}

static double ratio_of(fnas_test_place *place, const table *on, const fnas_rival_front *front) {
    fnas_truth_score score;
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, on->truth, front->count, front->choices, &score));
    assert_int_equal(score.front_count, front->count); /* none is dominated, none guesses */
    return score.ratio;
}

/* Looks at each architecture's network: these have tests of their own. */
static bool scores_networks(const char *method) {
    return strcmp(method, "naswot") == 0 || strcmp(method, "synflow") == 0;
}

static const char *const bayesian[] = {"linear-scalarisation", "random-scalarisation", "parego", "ehvi"};
enum { BAYESIAN = sizeof bayesian / sizeof *bayesian };

static bool is_bayesian(const char *name) {
    for (int b = 0; b < BAYESIAN; b++)
        if (strcmp(bayesian[b], name) == 0) return true;
    return false;
}

/* Every method has a line that says what it is, and whose. */
static void test_summaries(void **state) {
    (void)state;
    int64_t count = 0, with_year = 0;
    for (; fnas_rival_name(count); count++) {
        assert_non_null(fnas_rival_summary(count));
        with_year += strstr(fnas_rival_summary(count), "19") || strstr(fnas_rival_summary(count), "20");
    }
    assert_int_equal(with_year, count - 1); /* "macs" has no paper */
    assert_null(fnas_rival_summary(count));
    assert_null(fnas_rival_summary(-1));
    for (int b = 0; b < BAYESIAN; b++) {
        bool listed = false;
        for (int64_t m = 0; m < count; m++) listed |= strcmp(fnas_rival_name(m), bayesian[b]) == 0;
        assert_true(listed);
    }
}

/* The budget is used up, to the last evaluation, and the same seed gives the same front. */
static void test_counts_and_seeds(void **state) {
    fnas_test_place *place = *state;
    table on = open_table(place);
    for (int64_t m = 0; fnas_rival_name(m); m++) {
        bool macs = strcmp(fnas_rival_name(m), "macs") == 0; /* evaluates its own front alone */
        if (is_bayesian(fnas_rival_name(m)) || scores_networks(fnas_rival_name(m))) continue;
        for (int64_t evaluations = 1; evaluations <= 300; evaluations += 23) {
            fnas_rival_front first = run(place, &on, fnas_rival_name(m), evaluations, 24, 5),
                             second = run(place, &on, fnas_rival_name(m), evaluations, 24, 5);
            if (macs)
                assert_in_range(first.evaluations, 1, evaluations);
            else
                assert_int_equal(first.evaluations, evaluations);
            assert_in_range(first.count, 0, evaluations < 24 ? evaluations : 24);
            assert_int_equal(first.count, second.count);
            assert_memory_equal(first.choices, second.choices, (size_t)first.count * 6 * sizeof(int32_t));
            (void)ratio_of(place, &on, &first);
            fnas_rival_front_free(&first);
            fnas_rival_front_free(&second);
        }
    }
    close_table(&on);
}

/* The same of Bayesian optimisation, which chooses among the rows that there are, with two and three objectives. */
static void test_bayesian_counts(void **state) {
    static const int64_t budgets[] = {1, 10, 11, 35};
    fnas_test_place *place = *state;
    for (int64_t costs = 1; costs <= 2; costs++) {
        table on = open_part(place, 23, costs);
        for (int b = 0; b < BAYESIAN; b++)
            for (size_t e = 0; e < sizeof budgets / sizeof *budgets; e++) {
                fnas_rival_front first = run(place, &on, bayesian[b], budgets[e], 24, 5),
                                 second = run(place, &on, bayesian[b], budgets[e], 24, 5),
                                 other = run(place, &on, bayesian[b], budgets[e], 24, 6);
                assert_int_equal(first.evaluations, budgets[e]);
                assert_int_equal(first.count, second.count);
                assert_memory_equal(first.choices, second.choices, (size_t)first.count * 6 * sizeof(int32_t));
                assert_false(first.count == other.count &&
                             !memcmp(first.choices, other.choices, (size_t)first.count * 6 * sizeof(int32_t)));
                (void)ratio_of(place, &on, &first);
                fnas_rival_front_free(&first);
                fnas_rival_front_free(&second);
                fnas_rival_front_free(&other);
            }
        close_table(&on);
    }
}

static double mean_ratio(fnas_test_place *place, const table *on, const char *method, int64_t evaluations, uint64_t seeds) {
    double sum = 0;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        fnas_rival_front front = run(place, on, method, evaluations, 24, seed);
        sum += ratio_of(place, on, &front);
        fnas_rival_front_free(&front);
    }
    return sum / (double)seeds;
}

/* At 60 evaluations, over three seeds; objectives are smooth enough for that. */
static void test_bayesian_beats_chance(void **state) {
    static const char *const methods[] = {"random-scalarisation", "parego", "ehvi"};
    fnas_test_place *place = *state;
    table on = open_table(place);
    double chance = mean_ratio(place, &on, "random", 60, 3);
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        double learnt = mean_ratio(place, &on, methods[m], 60, 3);
        if (learnt <= chance) fail_msg("%s: %g, random: %g", methods[m], learnt, chance);
    }
    close_table(&on);
}

/* The mean of the objectives is what linear scalarisation finds: the best of the table within 100 evaluations. */
static void test_linear_finds_its_best(void **state) {
    fnas_test_place *place = *state;
    table on = open_part(place, 23, 1);
    double best = 2, found = 2, point[2];
    for (int64_t i = 0; i < on.truth->archs.count; i++) {
        fnas_truth_normalise(on.truth, on.truth->values + 2 * i, point);
        best = fmin(best, (point[0] + point[1]) / 2);
    }
    fnas_rival_front front = run(place, &on, "linear-scalarisation", 60, 24, 1);
    for (int64_t i = 0; i < front.count; i++) {
        fnas_truth_normalise(on.truth, front.values + 2 * i, point);
        found = fmin(found, (point[0] + point[1]) / 2);
    }
    assert_float_equal(found, best, 1e-12);
    fnas_rival_front_free(&front);
    close_table(&on);
}

/* With every architecture evaluated, the front is the table's. */
static void test_everything_evaluated(void **state) {
    fnas_test_place *place = *state;
    table on = open_table(place);
    fnas_rival_front front = run(place, &on, "random", 15625, 15625, 1);
    assert_float_equal(ratio_of(place, &on, &front), 1, 1e-12);
    fnas_rival_front_free(&front);
    close_table(&on);
}

/* At 1,000 evaluations methods that learn beat chance, over five seeds. */
static void test_methods_beat_chance(void **state) {
    static const char *const methods[] = {"local-search", "nsga2", "regularised-evolution"};
    fnas_test_place *place = *state;
    table on = open_table(place);
    double chance = mean_ratio(place, &on, "random", 1000, 5);
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) assert_true(mean_ratio(place, &on, methods[m], 1000, 5) > chance);
    close_table(&on);
}

/* A space whose decisions do not always matter: what is drawn has twins in the table, and counts once. */
static void test_conditional_space(void **state) {
    static const char description[] =
        "{\"format\": \"fleetnas-space/1\", \"name\": \"cond\", \"decisions\": [{\"name\": \"depth\", \"choices\": [\"1\", \"2\"]},"
        "{\"name\": \"a\", \"choices\": [\"x\", \"y\", \"z\"]},"
        "{\"name\": \"b\", \"choices\": [\"x\", \"y\", \"z\", \"w\"], \"active\": {\"decision\": \"depth\", \"in\": [\"2\"]}}]}";
    static const char *const costs[] = {"latency_ms"}, *const columns[] = {"ms"};
    fnas_test_place *place = *state;
    char rows[2000] = "arch,error_pct,ms\n";
    for (int a = 0; a < 3; a++) {
        sprintf(rows + strlen(rows), "1/%c/x,%d,%d\n", "xyz"[a], 60 - 9 * a, 1 + a);
        for (int b = 0; b < 4; b++) sprintf(rows + strlen(rows), "2/%c/%c,%d,%d\n", "xyz"[a], "xyzw"[b], 50 - 9 * a - 3 * b, 4 + a + 2 * b);
    }
    const char *path = fnas_test_write_text(place, "cond.csv", rows);
    table on;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "cond.json", description), &on.space));
    const fnas_truth_options options = {.table_count = 1, .tables = &path, .cost_count = 1, .costs = costs, .columns = columns};
    assert_status(FNAS_OK, fnas_truth_open(place->context, on.space, &options, &on.truth));
    assert_int_equal(fnas_truth_count(on.truth), 15);
    for (int64_t m = 0; fnas_rival_name(m); m++) {
        if (strcmp(fnas_rival_name(m), "macs") == 0 || scores_networks(fnas_rival_name(m))) continue;
        fnas_rival_front front = run(place, &on, fnas_rival_name(m), 15, 15, 2);
        assert_int_equal(front.evaluations, 15);
        assert_float_equal(ratio_of(place, &on, &front), 1, 1e-12);
        fnas_rival_front_free(&front);
    }
    fnas_rival_front front;
    assert_status(FNAS_ERR_INPUT,
                  fnas_rival_run(place->context, on.truth, &(fnas_rival_options){.method = "macs", .evaluations = 5, .points = 5}, &front));
    assert_status(FNAS_ERR_INPUT, fnas_rival_run(place->context, on.truth,
                                                 &(fnas_rival_options){.method = "synflow", .evaluations = 5, .points = 5}, &front));
    assert_message("cond has no networks");
    close_table(&on);
}

/* ---- what stands in for the error ---- */

#define PROXY "channels=2,cells=1,input=1x8x8"
#define DATA "synthetic:1x16x16,classes=4,images=100"
#define STEP 37 /* 423 cells of all kinds */

static fnas_rival_front run_scores(fnas_test_place *place, const table *on, const char *method, int64_t points, uint64_t seed,
                                   int64_t threads) {
    fnas_rival_front front;
    const fnas_rival_options options = {.method = method,
                                        .evaluations = points,
                                        .points = points,
                                        .seed = seed,
                                        .data = strcmp(method, "naswot") == 0 ? DATA : NULL,
                                        .proxy = PROXY};
    fnas_context_set_threads(place->context, threads);
    assert_status(FNAS_OK, fnas_rival_run(place->context, on->truth, &options, &front));
    return front;
}

/* Rows of the table that no other beats in score and latency; those without a score are left out. */
static int64_t count_front(fnas_test_place *place, const table *on, const fnas_training_free_options *options, const char *proxy) {
    const fnas_arch_set *archs = &on->truth->archs;
    fnas_space *space;
    double *points = fnas_allocate((size_t)archs->count, 2 * sizeof *points), *scores = points + archs->count;
    int64_t size = 0;
    assert_status(FNAS_OK, fnas_space_derive(place->context, on->space, proxy, &space));
    assert_status(FNAS_OK, fnas_training_free_scores(place->context, space, options, archs->count, archs->choices, scores));
    for (int64_t i = 0; i < archs->count; i++) points[i] = on->truth->values[2 * i + 1];
    for (int64_t i = 0; i < archs->count; i++) {
        bool beaten = isinf(scores[i]);
        for (int64_t j = 0; j < archs->count && !beaten; j++) {
            bool equal = scores[j] == scores[i] && points[j] == points[i];
            beaten = scores[j] >= scores[i] && points[j] <= points[i] && (!equal || j < i);
        }
        size += !beaten;
    }
    fnas_space_close(space);
    fnas_free(points);
    return size;
}

static void test_synflow(void **state) {
    fnas_test_place *place = *state;
    table on = open_part(place, STEP, 1);
    const fnas_training_free_options options = {.kind = FNAS_TRAINING_FREE_SYNFLOW, .seed = 3, .repeats = 1};
    int64_t size = count_front(place, &on, &options, PROXY);
    fnas_rival_front all = run_scores(place, &on, "synflow", fnas_truth_count(on.truth), 3, 2),
                     few = run_scores(place, &on, "synflow", 5, 3, 1);
    assert_true(size > 10); /* else thinning is not tried */
    assert_int_equal(all.evaluations, size);
    assert_int_equal(few.evaluations, 5);
    (void)ratio_of(place, &on, &all);
    (void)ratio_of(place, &on, &few);
    fnas_rival_front_free(&all);
    fnas_rival_front_free(&few);
    close_table(&on);
}

static void test_naswot(void **state) {
    fnas_test_place *place = *state;
    table on = open_part(place, STEP, 1);
    fnas_rival_front one = run_scores(place, &on, "naswot", 24, 3, 1), two = run_scores(place, &on, "naswot", 24, 3, 2);
    assert_in_range(one.evaluations, 2, 24);
    assert_int_equal(one.count, two.count);
    assert_memory_equal(one.choices, two.choices, (size_t)one.count * 6 * sizeof(int32_t));
    (void)ratio_of(place, &on, &one);
    fnas_rival_front_free(&one);
    fnas_rival_front_free(&two);
    close_table(&on);
}

/* Thinned evenly from the worst to the best, which stays; what is infinite is left out. */
static void test_stand_in_is_thinned(void **state) {
    fnas_test_place *place = *state;
    table on = open_table(place);
    const fnas_truth *truth = on.truth;
    fnas_rival rival = {.context = place->context,
                        .truth = truth,
                        .space = on.space,
                        .decisions = 6,
                        .objectives = 2,
                        .budget = 4,
                        .front_most = 9,
                        .archive = {.decisions = 6}};
    rival.points = fnas_allocate(8, sizeof *rival.points);
    rival.values = fnas_allocate(8, sizeof *rival.values);
    double *values = fnas_allocate((size_t)truth->archs.count, sizeof *values);
    for (int64_t i = 0; i < truth->archs.count; i++) values[i] = INFINITY;
    double fastest = INFINITY;
    int64_t rows[12], count = 0; /* ever faster rows, ever worse stand-ins */
    for (int64_t i = truth->archs.count - 1; i >= 0 && count < 12; i -= 7) {
        if (truth->values[2 * i + 1] >= fastest) continue;
        fastest = truth->values[2 * i + 1];
        values[i] = (double)count;
        rows[count++] = i;
    }
    assert_int_equal(count, 12);
    assert_status(FNAS_OK, fnas_rival_stand_in(&rival, values));
    assert_int_equal(rival.archive.count, 4);
    const int kept[] = {9, 6, 3, 0};
    for (int k = 0; k < 4; k++) assert_memory_equal(fnas_rival_arch(&rival, k), fnas_arch_set_at(&truth->archs, rows[kept[k]]), 24);
    fnas_arch_set_free(&rival.archive);
    fnas_free(rival.points);
    fnas_free(rival.values);
    fnas_free(values);
    close_table(&on);
}

/* Six points in two layers; of the first the middle one is crowded. */
static void test_sorting(void **state) {
    fnas_test_place *place = *state;
    double points[] = {0.5, 0.5, 0, 1, 0.9, 0.9, 1, 0, 0.45, 0.6, 0.6, 0.6};
    fnas_rival rival = {.context = place->context, .objectives = 2, .points = points};
    int64_t places[] = {0, 1, 2, 3, 4, 5};
    assert_status(FNAS_OK, fnas_rival_sort(&rival, 6, places));
    /* layer 0: 0, 1, 3, 4: ends first, by place; then 0 (neighbours 4 and 3: 0.55 + 0.6), 4 (1 and 0: 0.5 + 0.5); 5 dominates 2 */
    const int64_t expected[] = {1, 3, 0, 4, 5, 2};
    for (int i = 0; i < 6; i++) assert_int_equal(places[i], expected[i]);
}

static void refuse(fnas_test_place *place, const table *on, fnas_rival_options options, fnas_status expected, const char *words) {
    fnas_rival_front front;
    assert_status(expected, fnas_rival_run(place->context, on->truth, &options, &front));
    assert_int_equal(front.count, 0);
    if (!strstr(fnas_context_message(place->context), words))
        fail_msg("\"%s\" does not say \"%s\"", fnas_context_message(place->context), words);
}

static void test_bad_input(void **state) {
    fnas_test_place *place = *state;
    table on = open_table(place);
    refuse(place, &on, (fnas_rival_options){.method = "nsga", .evaluations = 10, .points = 24}, FNAS_ERR_USAGE, "did you mean \"nsga2\"?");
    refuse(place, &on, (fnas_rival_options){.method = NULL, .evaluations = 10, .points = 24}, FNAS_ERR_USAGE, "unknown rival");
    refuse(place, &on, (fnas_rival_options){.method = "random", .evaluations = 0, .points = 24}, FNAS_ERR_USAGE, "1 to 15625");
    refuse(place, &on, (fnas_rival_options){.method = "random", .evaluations = 15626, .points = 24}, FNAS_ERR_USAGE, "1 to 15625");
    refuse(place, &on, (fnas_rival_options){.method = "random", .evaluations = 10, .points = -1}, FNAS_ERR_USAGE, "--points -1: ");
    refuse(place, &on, (fnas_rival_options){.method = "naswot", .evaluations = 10}, FNAS_ERR_USAGE, "--data");
    refuse(place, &on, (fnas_rival_options){.method = "synflow", .evaluations = 10, .data = DATA}, FNAS_ERR_USAGE, "leave --data out");
    refuse(place, &on, (fnas_rival_options){.method = "macs", .evaluations = 10, .proxy = PROXY}, FNAS_ERR_USAGE, "leave --proxy out");
    refuse(place, &on, (fnas_rival_options){.method = "synflow", .evaluations = 10, .proxy = "cels=1"}, FNAS_ERR_USAGE, "cells");
    refuse(place, &on,
           (fnas_rival_options){.method = "naswot", .evaluations = 10, .data = "synthetic:3x8x8,classes=4", .proxy = "input=1x8x8"},
           FNAS_ERR_INPUT, "use input=3xHxW in --space or --proxy");
    refuse(
        place, &on,
        (fnas_rival_options){.method = "naswot", .evaluations = 10, .data = "synthetic:1x8x8,classes=4,images=63", .proxy = "input=1x8x8"},
        FNAS_ERR_INPUT, "63 training images");
    refuse(place, &on, (fnas_rival_options){.method = "naswot", .evaluations = 10, .data = "no-such-data"}, FNAS_ERR_USAGE, "no-such-data");
    refuse(place, &on, (fnas_rival_options){.method = "grid", .evaluations = 10, .points = 24}, FNAS_ERR_USAGE, "fleetnas help rival");
    refuse(place, &on, (fnas_rival_options){.method = "parego", .evaluations = 4097, .points = 24}, FNAS_ERR_USAGE, "--evaluations 4097");
    close_table(&on);
}

/* Who waits for Bayesian optimisation sees how far it is, and may leave. */
static void stop_at_twenty(void *context, const fnas_progress *progress) {
    assert_int_equal(progress->total, 1000);
    if (progress->done >= 20) fnas_context_request_stop(context);
}

static void test_interruption(void **state) {
    fnas_test_place *place = *state;
    table on = open_table(place);
    fnas_context_set_progress(place->context, stop_at_twenty, place->context);
    refuse(place, &on, (fnas_rival_options){.method = "parego", .evaluations = 1000, .points = 24}, FNAS_INTERRUPTED,
           "interrupted after 20 evaluations");
    close_table(&on);
}

/* Four objectives: all but ehvi take them. */
static void test_many_objectives(void **state) {
    static const char *const costs[] = {"latency_ms", "energy_mj", "macs"}, *const columns[] = {"ms", "mj", "m"};
    fnas_test_place *place = *state;
    char rows[8000] = "arch,error_pct,ms,mj,m\n", arch[FNAS_ARCH_TEXT_BYTES];
    table on;
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &on.space));
    for (int32_t i = 0; i < 60; i++) {
        assert_status(FNAS_OK,
                      fnas_space_format(place->context, on.space, (int32_t[]){i % 5, i / 5 % 5, i / 25, 3, 3, 3}, arch, sizeof arch));
        sprintf(rows + strlen(rows), "%s,%d,%d,%d,%d\n", arch, 10 + i * 7 % 60, 1 + i * 11 % 60, 1 + i * 13 % 59, 1 + i * 17 % 61);
    }
    const char *path = fnas_test_write_text(place, "four.csv", rows);
    const fnas_truth_options options = {
        .table_count = 1, .tables = &path, .partial = true, .cost_count = 3, .costs = costs, .columns = columns};
    assert_status(FNAS_OK, fnas_truth_open(place->context, on.space, &options, &on.truth));
    for (int b = 0; b < BAYESIAN; b++) {
        if (strcmp(bayesian[b], "ehvi") == 0) continue;
        fnas_rival_front front = run(place, &on, bayesian[b], 60, 60, 1);
        assert_float_equal(ratio_of(place, &on, &front), 1, 1e-12);
        fnas_rival_front_free(&front);
    }
    refuse(place, &on, (fnas_rival_options){.method = "ehvi", .evaluations = 20, .points = 24}, FNAS_ERR_UNSUPPORTED, "2 or 3 objectives");
    close_table(&on);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_summaries),
                                       fnas_test(test_counts_and_seeds),
                                       fnas_test(test_bayesian_counts),
                                       fnas_test(test_bayesian_beats_chance),
                                       fnas_test(test_linear_finds_its_best),
                                       fnas_test(test_interruption),
                                       fnas_test(test_many_objectives),
                                       fnas_test(test_everything_evaluated),
                                       fnas_test(test_methods_beat_chance),
                                       fnas_test(test_conditional_space),
                                       fnas_test(test_synflow),
                                       fnas_test(test_naswot),
                                       fnas_test(test_stand_in_is_thinned),
                                       fnas_test(test_sorting),
                                       fnas_test(test_bad_input)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
