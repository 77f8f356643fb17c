/* Truth tables and scores of fronts: against values by hand, and bad input refused by file and name. */
#include "base/support.h"

#include <math.h>

#include "fleetnas/truth.h"

/* Cells that differ in two edges, so that their strings are told apart at a glance. */
#define CELL(A, B) "|" A "~0|+|" B "~0|none~1|+|skip_connect~0|none~1|none~2|"
#define C0 CELL("none", "none")
#define C1 CELL("none", "skip_connect")
#define C2 CELL("nor_conv_1x1", "none")
#define C3 CELL("nor_conv_3x3", "none")
#define C4 CELL("nor_conv_3x3", "nor_conv_3x3")
#define ABSENT "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|" /* and computes something else than those */

/* Errors 50, 10, 30, 20, and one that guesses; latencies 1 to 6 ms. Normalised: (1, 0), (0, 1), (0.5, 0.2), (0.25, 0.4). */
static const char archs[] = "arch_index,arch,accuracy\n7," C0 ",50\n3," C1 ",90\n1," C2 ",70\n2," C3 ",80\n9," C4 ",10\n";
static const char times[] = "arch_index,ms\n1,2\n2,3\n3,6\n7,1\n9,0.5\n";

typedef struct opened {
    fnas_space *space;
    fnas_truth *truth;
} opened;

static fnas_status open_tables_as(fnas_test_place *place, const char *first, const char *second, const char *accuracy, bool partial,
                                  opened *made) {
    static const char *const names[] = {"latency_ms"}, *const columns[] = {"ms"};
    const char *tables[2] = {fnas_test_write_text(place, "archs.csv", first), NULL};
    if (second) tables[1] = fnas_test_write_text(place, "times.csv", second);
    const fnas_truth_options options = {.table_count = second ? 2 : 1,
                                        .tables = tables,
                                        .accuracy_column = accuracy,
                                        .cost_count = 1,
                                        .costs = names,
                                        .columns = columns,
                                        .partial = partial};
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &made->space));
    return fnas_truth_open(place->context, made->space, &options, &made->truth);
}

/* Five cells of 15,625 are a sample. */
static fnas_status open_tables(fnas_test_place *place, const char *first, const char *second, const char *accuracy, opened *made) {
    return open_tables_as(place, first, second, accuracy, true, made);
}

static void close_tables(opened *made) {
    fnas_truth_free(made->truth);
    fnas_space_close(made->space);
}

static fnas_truth_score score_text(fnas_test_place *place, const opened *made, const char *name, const char *text) {
    int64_t count;
    int32_t *choices;
    fnas_truth_score score;
    assert_status(FNAS_OK, fnas_truth_read_front(place->context, made->space, fnas_test_write_text(place, name, text), &count, &choices));
    assert_status(FNAS_OK, fnas_truth_score_front(place->context, made->truth, count, choices, &score));
    fnas_truth_free_choices(choices);
    return score;
}

static void test_tables_are_joined(void **state) {
    fnas_test_place *place = *state;
    opened made;
    int32_t choices[6];
    assert_status(FNAS_OK, open_tables(place, archs, times, "accuracy", &made));
    assert_int_equal(fnas_truth_count(made.truth), 5);
    assert_int_equal(fnas_truth_objective_count(made.truth), 2);
    assert_status(FNAS_OK, fnas_space_parse(place->context, made.space, C1, choices));
    const double *values = fnas_truth_values(made.truth, choices);
    assert_true(values[0] == 10 && values[1] == 6);
    assert_status(FNAS_OK, fnas_space_parse(place->context, made.space, ABSENT, choices));
    assert_null(fnas_truth_values(made.truth, choices));
    close_tables(&made);
}

/* The whole table: its own front. The box of (0.5, 0.2) is 0.5 * 0.8, (0.25, 0.4) adds 0.25 * 0.6; the ends add nothing. */
static void test_the_table_itself(void **state) {
    fnas_test_place *place = *state;
    opened made;
    assert_status(FNAS_OK, open_tables(place, archs, times, "accuracy", &made));
    fnas_truth_score score = score_text(place, &made, "front.csv", "arch\n" C0 "\n" C1 "\n" C2 "\n" C3 "\n" C4 "\n");
    assert_float_equal(score.hypervolume, 0.4 + 0.15, 1e-15);
    assert_float_equal(score.ratio, 1, 0);
    assert_true(score.given == 5 && score.dropped == 1 && score.front_count == 4 && score.true_front_count == 4);
    assert_true(score.indicators.gd == 0 && score.indicators.igd == 0 && score.indicators.epsilon == 0);
    close_tables(&made);
}

/* One point (0.5, 0.2): its box; it must move by 0.5 to be as accurate as the best. Rows as JSON, one of them twice. */
static void test_one_point(void **state) {
    fnas_test_place *place = *state;
    opened made;
    assert_status(FNAS_OK, open_tables(place, archs, times, "accuracy", &made));
    fnas_truth_score score = score_text(place, &made, "front.json", "{\"points\": [{\"arch\": \"" C2 "\"}, {\"arch\": \"" C2 "\"}]}");
    assert_float_equal(score.hypervolume, 0.4, 1e-15);
    assert_float_equal(score.ratio, 0.4 / 0.55, 1e-15);
    assert_true(score.given == 2 && score.front_count == 1);
    assert_true(score.indicators.gd == 0);
    assert_float_equal(score.indicators.epsilon, 0.5, 1e-15);
    /* distances to (1, 0), (0, 1), itself, (0.25, 0.4); where it is worse: 0.2, 0.5, 0, 0.25 */
    assert_float_equal(score.indicators.igd, (hypot(0.5, 0.2) + hypot(0.5, 0.8) + hypot(0.25, 0.2)) / 4, 1e-15);
    assert_float_equal(score.indicators.igd_plus, (0.2 + 0.5 + 0.25) / 4, 1e-15);
    close_tables(&made);
}

static void test_nothing_but_guessing(void **state) {
    fnas_test_place *place = *state;
    opened made;
    assert_status(FNAS_OK, open_tables(place, archs, times, "accuracy", &made));
    fnas_truth_score score = score_text(place, &made, "front.csv", "device,arch\nd," C4 "\n");
    assert_true(score.dropped == 1 && score.front_count == 0 && score.hypervolume == 0 && score.ratio == 0);
    assert_true(isnan(score.indicators.gd) && isnan(score.indicators.r2));
    close_tables(&made);
}

static void refuse_tables(fnas_test_place *place, const char *first, const char *second, const char *accuracy, const char *words) {
    opened made;
    assert_status(FNAS_ERR_INPUT, open_tables(place, first, second, accuracy, &made));
    if (!strstr(fnas_context_message(place->context), words))
        fail_msg("\"%s\" does not say \"%s\"", fnas_context_message(place->context), words);
    fnas_space_close(made.space);
}

static void test_units_are_checked(void **state) {
    fnas_test_place *place = *state;
    static const char *const names[] = {"latency_ms", "energy_mj", "size"};
    static const struct {
        int name;
        const char *column, *words; /* NULL: taken */
    } cases[] = {{0, "phone_us", "seems to be in microseconds"}, {0, "phone_ms", NULL}, {0, "phone", NULL},
                 {1, "phone_j", "seems to be in joules"},        {1, "draw_mj", NULL},  {2, "phone_us", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        fnas_space *space;
        fnas_truth *truth;
        snprintf(text, sizeof text, "arch,error_pct,%s\n" C0 ",50,1\n" C1 ",10,6\n" C2 ",30,2\n", cases[i].column);
        const char *tables[] = {fnas_test_write_text(place, "t.csv", text)};
        const fnas_truth_options options = {.table_count = 1,
                                            .tables = tables,
                                            .cost_count = 1,
                                            .costs = &names[cases[i].name],
                                            .columns = &cases[i].column,
                                            .partial = true};
        assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &space));
        assert_status(cases[i].words ? FNAS_ERR_INPUT : FNAS_OK, fnas_truth_open(place->context, space, &options, &truth));
        if (cases[i].words) assert_message(cases[i].words);
        fnas_truth_free(truth);
        fnas_space_close(space);
    }
}

static void test_bad_tables(void **state) {
    refuse_tables(*state, archs, times, "acuracy", "did you mean \"accuracy\"?");
    refuse_tables(*state, archs, times, NULL, "\"error_pct\" is missing");
    refuse_tables(*state, archs, "arch_index,ms\n1,2\n2,nan\n", "accuracy", "times.csv:3");
    refuse_tables(*state, archs, "arch_index,ms\n1,2\n8,3\n", "accuracy", "times.csv:3");
    refuse_tables(*state, archs, "arch_index,ms\n1,2\n1,3\n", "accuracy", "times.csv:3");
    refuse_tables(*state, archs, "arch_index,ms\n1,2\n2,2\n", "accuracy", "ms is the same");
    refuse_tables(*state, "arch,error_pct,ms\n" C0 ",120,1\n", NULL, NULL, "archs.csv:2: column \"error_pct\" holds 120 for " C0);
    refuse_tables(*state, "arch,accuracy,ms\n" C0 ",100.5,1\n", NULL, "accuracy", "column \"accuracy\" holds 100.5 for " C0);
    refuse_tables(*state, "arch,accuracy,ms\n" C0 ",90,1\n" C1 ",NaN,2\n", NULL, "accuracy", "archs.csv:3");
    refuse_tables(*state, "arch,accuracy,ms\n" C0 ",90,1\n" C1 ",80,2\n" C0 ",90,1\n", NULL, "accuracy",
                  "archs.csv:4: the architecture stands already in line 2");
    refuse_tables(*state, "arch,error_pct,ms\n" C0 ",10,1\n" C1 ",20\n", NULL, NULL, "archs.csv:3");
}

/* A row that guesses does not set the scale, and is measured by it. */
static void test_extreme_costs(void **state) {
    static const char *const bad[] = {"-1", "-1e-300", "1e-31", "1e+31", "1e+308"}, *const good[] = {"0", "1e-30", "1e30"};
    fnas_test_place *place = *state;
    char times_of[200], words[200];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(times_of, sizeof times_of, "arch_index,ms\n1,2\n9,%s\n2,3\n", bad[i]);
        snprintf(words, sizeof words, "times.csv:3: column \"ms\" holds %s for " C4 ": a cost is 0, or from 1e-30 to 1e30", bad[i]);
        refuse_tables(place, archs, times_of, "accuracy", words);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        opened made;
        snprintf(times_of, sizeof times_of, "arch_index,ms\n1,2\n9,%s\n2,3\n3,6\n7,1\n", good[i]);
        assert_status(FNAS_OK, open_tables(place, archs, times_of, "accuracy", &made));
        close_tables(&made);
    }
    refuse_tables(place, archs, "arch_index,ms\n1,2\n9,1e999\n", "accuracy", "times.csv:3");
}

/* Also where nobody needs them. */
static void test_indices_are_checked(void **state) {
    static const char one[] = "arch_index,arch,accuracy,ms\n7," C0 ",50,1\n3," C1 ",90,2\n7," C2 ",70,3\n";
    refuse_tables(*state, one, NULL, "accuracy", "archs.csv:4: the index 7 is that of another architecture in");
    refuse_tables(*state, archs, "arch,arch_index,ms\n" C0 ",7,1\n" C1 ",1,2\n", "accuracy",
                  "times.csv:3: the architecture has the index 1, and 3 in");
    refuse_tables(*state, archs, "arch,arch_index,ms\n" C0 ",7,1\n" ABSENT ",3,2\n", "accuracy",
                  "times.csv:3: the index 3 is that of another architecture in");
    refuse_tables(*state, archs, "arch,arch_index,ms\n" C0 ",7,1\n" C1 ",x,2\n", "accuracy", "times.csv:3: \"arch_index\" is \"x\"");
    refuse_tables(*state, archs, "arch,arch_index,ms\n" C0 ",7,1\n" C1 ",-3,2\n", "accuracy", "times.csv:3: \"arch_index\" is \"-3\"");
    opened made;
    fnas_test_place *place = *state;
    assert_status(FNAS_OK, open_tables(place, archs, "arch,arch_index,ms\n" C1 ",3,6\n" C0 ",7,1\n" C3 ",2,3\n", "accuracy", &made));
    close_tables(&made);
}

/* Six architectures, or five of them. */
static void write_six(char *rows, int without) {
    strcpy(rows, "arch,error_pct,ms\n");
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 2; b++)
            if (2 * a + b != without) sprintf(rows + strlen(rows), "%c/%c,%d,%d\n", "xyz"[a], "pq"[b], 50 - 5 * a - b, 1 + a + 2 * b);
}

/* The truth is the whole truth, unless it is said to be a sample. */
static void test_missing_architectures(void **state) {
    static const char description[] =
        "{\"format\": \"fleetnas-space/1\", \"name\": \"two\", \"decisions\": ["
        "{\"name\": \"a\", \"choices\": [\"x\", \"y\", \"z\"]}, {\"name\": \"b\", \"choices\": [\"p\", \"q\"]}]}";
    static const char *const costs[] = {"latency_ms"}, *const columns[] = {"ms"};
    fnas_test_place *place = *state;
    fnas_space *space;
    char rows[1000];
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "two.json", description), &space));
    for (int without = -1; without < 6; without++) {
        fnas_truth *truth;
        write_six(rows, without);
        const char *path = fnas_test_write_text(place, "two.csv", rows);
        fnas_truth_options options = {.table_count = 1, .tables = &path, .cost_count = 1, .costs = costs, .columns = columns};
        assert_status(without < 0 ? FNAS_OK : FNAS_ERR_INPUT, fnas_truth_open(place->context, space, &options, &truth));
        if (without >= 0) {
            char words[100];
            snprintf(words, sizeof words, "lack 1 of the space's 6 architectures, first %c/%c", "xyz"[without / 2], "pq"[without % 2]);
            assert_message(words);
            options.partial = true;
            assert_status(FNAS_OK, fnas_truth_open(place->context, space, &options, &truth));
            assert_int_equal(fnas_truth_count(truth), 5);
        }
        fnas_truth_free(truth);
    }
    fnas_space_close(space);
}

/* One table has an architecture that the other has not. */
static void test_tables_of_different_architectures(void **state) {
    static const char fewer[] = "arch_index,ms\n1,2\n2,3\n7,1\n9,0.5\n";
    fnas_test_place *place = *state;
    opened made;
    assert_status(FNAS_ERR_INPUT, open_tables_as(place, archs, fewer, "accuracy", false, &made));
    assert_message("column \"ms\" has no row for " C1);
    fnas_space_close(made.space);
    assert_status(FNAS_ERR_INPUT, open_tables_as(place, archs, times, "accuracy", false, &made));
    assert_message("of the space's 15625 architectures, first |none~0|+|none~0|none~1|+|none~0|none~1|none~2|");
    fnas_space_close(made.space);
    assert_status(FNAS_OK, open_tables(place, archs, fewer, "accuracy", &made));
    assert_int_equal(fnas_truth_count(made.truth), 4);
    close_tables(&made);
}

/* ---- estimated errors ---- */

static void test_estimated_errors(void **state) {
    static const char alike[] = "arch_index,ms\n1,2\n2,1.02\n3,3\n7,1\n9,0.5\n"; /* C0 and C3 cost the same */
    fnas_test_place *place = *state;
    opened made;
    assert_status(FNAS_OK, open_tables(place, archs, alike, "accuracy", &made));
    /* 1, 1.02, 2 and 3 ms of errors 50, 20, 30 and 10: 2 ms is beaten, and of the one pair of equal latency C3 is the better. */
    fnas_truth_agreement agreement;
    const char *path = fnas_test_write_text(place, "errors.csv", "arch,estimate\n" C0 ",9\n" C1 ",1\n" C2 ",4\n" C3 ",2\n" C4 ",60\n");
    assert_status(FNAS_OK, fnas_truth_agree(place->context, made.truth, path, "estimate", 1, &agreement));
    assert_int_equal(agreement.random_count, 4); /* the fifth guesses */
    assert_int_equal(agreement.front_count, 3);
    assert_int_equal(agreement.alike_pairs, 1);
    assert_float_equal(agreement.kendall_random, 1, 1e-12);
    assert_float_equal(agreement.kendall_alike, 1, 1e-12);
    assert_float_equal(agreement.kendall_front, 1, 1e-12);
    assert_float_equal(agreement.ratio, 1, 1e-12);
    /* The other way round all orders are wrong, and the best seems the fastest alone: C0, whose error is the largest, gives nothing. */
    path = fnas_test_write_text(place, "errors.csv", "arch,estimate\n" C0 ",1\n" C1 ",9\n" C2 ",3\n" C3 ",5\n" C4 ",0\n");
    assert_status(FNAS_OK, fnas_truth_agree(place->context, made.truth, path, "estimate", 1, &agreement));
    assert_float_equal(agreement.kendall_random, -1, 1e-12);
    assert_float_equal(agreement.kendall_alike, -1, 1e-12);
    assert_float_equal(agreement.kendall_front, -1, 1e-12);
    assert_float_equal(agreement.ratio, 0, 1e-12);
    /* All of these cells compute the same, so that one's row would do for another: here is none. */
    path = fnas_test_write_text(place, "errors.csv", "arch,estimate\n" ABSENT ",9\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,90\n");
    assert_status(FNAS_ERR_INPUT, fnas_truth_agree(place->context, made.truth, path, "estimate", 1, &agreement));
    assert_message("has no row for " C0);
    close_tables(&made);
}

static void refuse_front(fnas_test_place *place, const opened *made, const char *name, const char *text, const char *words) {
    int64_t count;
    int32_t *choices;
    fnas_truth_score score;
    fnas_status status = fnas_truth_read_front(place->context, made->space, fnas_test_write_text(place, name, text), &count, &choices);
    if (status == FNAS_OK) status = fnas_truth_score_front(place->context, made->truth, count, choices, &score);
    assert_status(FNAS_ERR_INPUT, status);
    if (!strstr(fnas_context_message(place->context), words))
        fail_msg("\"%s\" does not say \"%s\"", fnas_context_message(place->context), words);
    fnas_truth_free_choices(choices);
}

static void test_bad_fronts(void **state) {
    fnas_test_place *place = *state;
    opened made;
    assert_status(FNAS_OK, open_tables(place, archs, times, "accuracy", &made));
    refuse_front(place, &made, "f.csv", "arch\n" C0 "\n|x|\n", "f.csv:3");
    refuse_front(place, &made, "f.csv", "cell\n" C0 "\n", "\"arch\" is missing");
    refuse_front(place, &made, "f.csv", "device,arch\na," C0 "\nb," C1 "\n", "f.csv:3: device \"b\" beside \"a\"");
    refuse_front(place, &made, "f.csv", "arch\n" ABSENT "\n", "architecture 1 of the front");
    refuse_front(place, &made, "f.json", "{\"points\": [{\"arch\": \"" C0 "\"}, 3]}", "\"points\"[1]");
    refuse_front(place, &made, "f.json", "[]", "an object with \"points\"");
    close_tables(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_tables_are_joined),
                                       fnas_test(test_the_table_itself),
                                       fnas_test(test_one_point),
                                       fnas_test(test_nothing_but_guessing),
                                       fnas_test(test_units_are_checked),
                                       fnas_test(test_bad_tables),
                                       fnas_test(test_extreme_costs),
                                       fnas_test(test_indices_are_checked),
                                       fnas_test(test_missing_architectures),
                                       fnas_test(test_tables_of_different_architectures),
                                       fnas_test(test_bad_fronts),
                                       fnas_test(test_estimated_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
