/* Networks of errors in NPZ: values by hand, by numpy and by OFA's own predictor; gradients; what a file says; the run's copy. */
#include "base/support.h"

#include <math.h>
#include <sys/wait.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/support_npz.h"
#include "search/error/surrogate.h"
#include "search/objective.h"

/* p; q counts with p = y only. One-hot: x y | u v w. */
static const char SMALL[] =
    "{\"format\": \"fleetnas-space/1\", \"name\": \"small\", \"decisions\": [{\"name\": \"p\", \"choices\": [\"x\", \"y\"]},"
    "{\"name\": \"q\", \"choices\": [\"u\", \"v\", \"w\"], \"active\": {\"decision\": \"p\", \"in\": [\"y\"]}}]}";

/* hidden = (8 x + 4 y + 2 u - 20 w + 1, y + v - 1.5), output = 3 - hidden0 + 10 hidden1. */
static const double W0[10] = {8, 4, 2, 0, -20, 0, 1, 0, 1, 0}, B0[2] = {1, -1.5}, W1[2] = {-1, 10}, B1[1] = {3};
#define GOOD                                                                                                                               \
    {.name = "W0", .shape = "(2, 5)", .data = W0, .size = sizeof W0}, {.name = "b0", .shape = "(2,)", .data = B0, .size = sizeof B0},      \
        {.name = "W1", .shape = "(1, 2)", .data = W1, .size = sizeof W1}, {                                                                \
        .name = "b1", .shape = "(1,)", .data = B1, .size = sizeof B1                                                                       \
    }

static fnas_space *open_space(fnas_test_place *place, const char *text) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "space.json", text), &space));
    return space;
}

/* surrogate:FOLDER/net.npz and words. */
static fnas_status open_words(fnas_test_place *place, const fnas_space *space, const npz_part *parts, int count, const char *words,
                              fnas_surrogate **surrogate) {
    bytes_buffer archive = {0};
    char option[256];
    npz_archive(&archive, parts, count, false);
    snprintf(option, sizeof option, "surrogate:%s%s", fnas_test_write(place, "net.npz", archive.data, archive.size), words);
    bytes_free(&archive);
    return fnas_surrogate_open(place->context, space, option, surrogate);
}

static fnas_surrogate *open_good(fnas_test_place *place, const fnas_space *space, const char *words) {
    const npz_part parts[] = {GOOD};
    fnas_surrogate *surrogate = NULL;
    assert_status(FNAS_OK, open_words(place, space, parts, 4, words, &surrogate));
    return surrogate;
}

/* ---- values ---- */

static void values_by_hand(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SMALL);
    fnas_surrogate *surrogate = open_good(place, space, ":output=error_pct");
    /* x: q means nothing, hidden = (9, 0). y/u: (7, 0). y/v: (5, 0.5). y/w: (0, 0), both cut off. */
    static const double expected[2][3] = {{-6, -6, -6}, {-4, 3, 3}};
    for (int32_t p = 0; p < 2; p++)
        for (int32_t q = 0; q < 3; q++) assert_true(fnas_surrogate_prediction(surrogate, (int32_t[]){p, q}) == expected[p][q]);
    assert_true(fnas_surrogate_error(surrogate, (int32_t[]){1, 1}) == 3);
    double below = fnas_surrogate_error(surrogate, (int32_t[]){1, 0}), lower = fnas_surrogate_error(surrogate, (int32_t[]){0, 0});
    assert_true(0 < lower && lower < below && below < 1); /* shown between 0 and 100, in order */
    double onehot[5] = {0, 1, 0, 1, 0}, gradient[5];      /* y/v: x 0 of itself, y is also what makes q count */
    assert_true(fnas_surrogate_gradient(surrogate, (int32_t[]){1, 1}, onehot, gradient) == 3);
    const double slopes[5] = {-8, -4 + 10 + 10, -2, 10, 20};
    for (int i = 0; i < 5; i++) assert_true(gradient[i] == slopes[i]);
    fnas_surrogate_free(surrogate);
    static const struct {
        const char *words;
        double error;
    } meanings[] = {{":output=error", 300}, {":output=accuracy_pct", 97}, {":output=accuracy,input=onehot", -200}};
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        surrogate = open_good(place, space, meanings[i].words);
        assert_true(fnas_surrogate_prediction(surrogate, (int32_t[]){1, 1}) == meanings[i].error);
        fnas_surrogate_free(surrogate);
    }
    fnas_space_close(space);
}

/* numpy wrote the file, and computed with it. */
static void compare_with_numpy(fnas_test_place *place, const fnas_space *space, const char *option, double scale) {
    fnas_surrogate *surrogate = NULL;
    int32_t c[6];
    double expected;
    int rows = 0;
    assert_status(FNAS_OK, fnas_surrogate_open(place->context, space, option, &surrogate));
    FILE *file = fopen(fnas_test_path(place, "expected"), "r");
    assert_non_null(file);
    for (; fscanf(file, "%d %d %d %d %d %d %lf", &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &expected) == 7; rows++) {
        double found = fnas_surrogate_prediction(surrogate, c);
        /* some sixty additions in double of numbers up to about 100 */
        if (!(fabs(found - scale * expected) <= 1e-12 * scale * (100 + fabs(expected))))
            fail_msg("%.17g, numpy: %.17g", found, scale * expected);
    }
    fclose(file);
    assert_int_equal(rows, 50);
    fnas_surrogate_free(surrogate);
}

static void values_by_numpy(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = NULL;
    char command[512], option[256];
    snprintf(command, sizeof command, "/usr/bin/python3 %s %s", FNAS_TEST_ROOT "/tests/search/make_network.py", place->folder);
    int code = system(command);
    if (code == -1 || WEXITSTATUS(code) == 77 || WEXITSTATUS(code) == 127) {
        print_message("skipped: python3-numpy is not installed\n");
        skip();
    }
    assert_int_equal(code, 0);
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &space));
    snprintf(option, sizeof option, "surrogate:%s:output=error", fnas_test_path(place, "plain.npz"));
    compare_with_numpy(place, space, option, 100);
    snprintf(option, sizeof option, "surrogate:%s", fnas_test_path(place, "packed.npz")); /* says itself what it is */
    compare_with_numpy(place, space, option, 1);
    fnas_space_close(space);
}

/* OFA's accuracy predictor says of 5,000 architectures what stands in the shared table, which has six digits of it. */
static void values_of_ofa(void **state) {
    fnas_test_place *place = *state;
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    char path[512], option[600];
    snprintf(path, sizeof path, "%s/ofa/accuracy_predictor.npz", folder ? folder : "");
    if (!folder || access(path, R_OK) != 0) {
        print_message("skipped: set FLEETNAS_TEST_DATA to the folder that holds ofa/accuracy_predictor.npz\n");
        skip();
    }
    fnas_space *space = NULL;
    fnas_surrogate *surrogate = NULL, *rows = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, "mobilenetv3", &space));
    snprintf(option, sizeof option, "surrogate:%s", path);
    assert_status(FNAS_OK, fnas_surrogate_open(place->context, space, option, &surrogate));
    assert_status(FNAS_OK, fnas_surrogate_fit(place->context, 0, surrogate));
    assert_true(surrogate->low > 10 && surrogate->low < surrogate->high && surrogate->high < 30);
    snprintf(path, sizeof path, "%s/ofa/architectures_latency_ms.csv", folder);
    assert_status(FNAS_OK, fnas_surrogate_create(place->context, space, &rows));
    assert_status(FNAS_OK, fnas_surrogate_read_rows(place->context, path, "predicted_top1_pct", rows));
    assert_int_equal(rows->row_count, 5000);
    for (int64_t i = 0; i < rows->row_count; i++) {
        double accuracy = 100 - fnas_surrogate_error(surrogate, fnas_arch_set_at(&rows->rows, i));
        if (!(fabs(accuracy - rows->errors[i]) < 6e-5)) /* half a digit, and rounding of a network in f32 */
            fail_msg("row %d: %.8g, the table has %.8g", (int)i, accuracy, rows->errors[i]);
    }
    fnas_surrogate_free(rows);
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

/* ---- gradients ---- */

/* A network of some breadth for mobilenetv3; weights of all signs that need no generator. */
static fnas_network *make_network(fnas_test_place *place, const fnas_space *space, const fnas_space_encoding *encoding) {
    const int64_t sizes[4] = {encoding->size(space), 20, 13, 1};
    fnas_network *network = NULL;
    assert_status(FNAS_OK, fnas_network_create(place->context, space, encoding, FNAS_NETWORK_ACCURACY, 3, sizes, &network));
    for (int64_t l = 0; l < 3; l++) {
        for (int64_t i = 0; i < sizes[l] * sizes[l + 1]; i++)
            network->weights[l][i] = sin(1.7 * (double)(i + 100 * l)) / sqrt((double)sizes[l]);
        for (int64_t o = 0; o < sizes[l + 1]; o++) network->biases[l][o] = 0.05 * cos(2.3 * (double)o);
    }
    return network;
}

/* Along a row the network is straight but where a unit begins to be cut off: central differences are exact but for rounding there. */
static void check_gradient(const fnas_network *network, double *onehot, int64_t size, int64_t *kinks) {
    double gradient[256];
    double value = fnas_network_gradient(network, onehot, gradient);
    assert_true(value == fnas_network_error(network, onehot));
    for (int64_t i = 0; i < size; i++) {
        const double step = 1e-6, kept = onehot[i];
        onehot[i] = kept + step;
        double above = fnas_network_error(network, onehot);
        onehot[i] = kept - step;
        double below = fnas_network_error(network, onehot);
        onehot[i] = kept;
        bool is_kink = fabs(above + below - 2 * value) > 1e-10 * (1 + fabs(value)) * 10;
        *kinks += is_kink;
        /* the values have some 1e-14 of 100 of rounding, over 2e-6 */
        if (!is_kink && !(fabs((above - below) / (2 * step) - gradient[i]) <= 1e-5 * (1 + fabs(gradient[i]))))
            fail_msg("entry %d: %.9g, difference %.9g", (int)i, gradient[i], (above - below) / (2 * step));
    }
}

static void check_gradients_of(fnas_test_place *place, const char *spec) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &space));
    int64_t size = fnas_space_onehot_size(space), kinks = 0;
    for (int64_t e = 0; fnas_space_encoding_at(space, e); e++) {
        fnas_network *network = make_network(place, space, fnas_space_encoding_at(space, e));
        for (int64_t a = 0; a < 6; a++) {
            int32_t choices[64];
            double onehot[256];
            fnas_space_random(space, 2, a, choices);
            fnas_space_to_onehot(space, choices, onehot);
            for (int64_t i = 0; a % 2 && i < size; i++) onehot[i] = 0.8 * onehot[i] + 0.05; /* between architectures, too */
            check_gradient(network, onehot, size, &kinks);
        }
        fnas_network_free(network);
    }
    assert_true(kinks < size / 10); /* of twelve times as many: nearly all were compared */
    fnas_space_close(space);
}

static void gradients_by_differences(void **state) {
    check_gradients_of(*state, "mobilenetv3");
    check_gradients_of(*state, "mobilenetv3:resolutions=112-238-18");
}

/* The same within 16 pixels, and nothing of slots beyond the depth. */
static void ofa_sees_steps_and_depths(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, "mobilenetv3", &space));
    const fnas_space_encoding *encoding = fnas_space_encoding_at(space, 0);
    assert_string_equal(encoding->name, "ofa");
    assert_int_equal(encoding->size(space), 128);
    int32_t choices[64] = {0};
    double onehot[256], input[128], gradient[256];
    choices[0] = 4;                      /* r 144: the second step of the space, index 2 */
    choices[1 + 1] = 1;                  /* stage 1 has 3 units */
    choices[6 + 6] = 2;                  /* its third has kernel 7 */
    choices[6 + 20 + 6] = 1;             /* and expansion 4 */
    choices[6 + 7] = choices[6 + 3] = 2; /* beyond the depths */
    fnas_space_to_onehot(space, choices, onehot);
    encoding->encode(space, onehot, input);
    for (int k = 0; k < 3; k++) {
        assert_true(input[3 * 6 + k] == (k == 2) && input[60 + 3 * 6 + k] == (k == 1));
        assert_true(input[3 * 7 + k] == 0 && input[3 * 3 + k] == 0 && input[60 + 3 * 7 + k] == 0);
    }
    for (int k = 0; k < 8; k++) assert_true(input[120 + k] == (k == 2));
    fnas_network *network = make_network(place, space, encoding);
    fnas_network_gradient(network, onehot, gradient);
    for (int r = 0; r < 25; r++) assert_true(gradient[r] == gradient[r - r % 4]);
    assert_true(gradient[0] != gradient[4]);
    for (int k = 0; k < 3; k++) {
        int64_t row = 25 + 15 + 3 * 7;
        assert_true(gradient[row + k] == 0 && gradient[row + 60 + k] == 0 && gradient[row - 3 + k] != 0);
    }
    fnas_network_free(network);
    fnas_space_close(space);
}

/* ---- the run's copy ---- */

static void the_copy_is_the_same(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SMALL);
    fnas_surrogate *surrogate = open_good(place, space, ":output=accuracy_pct"), *loaded = NULL;
    char path[160], option[200];
    assert_status(FNAS_OK, fnas_surrogate_fit(place->context, 0, surrogate));
    snprintf(path, sizeof path, "%s", fnas_test_path(place, "error.safetensors"));
    assert_status(FNAS_OK, fnas_surrogate_save(place->context, surrogate, path));
    snprintf(option, sizeof option, "surrogate:%s", path);
    assert_status(FNAS_OK, fnas_surrogate_open(place->context, space, option, &loaded));
    assert_non_null(loaded->network);
    assert_true(loaded->is_fitted && loaded->low == surrogate->low && loaded->high == surrogate->high);
    for (int32_t q = 0; q < 3; q++)
        assert_true(fnas_surrogate_error(loaded, (int32_t[]){1, q}) == fnas_surrogate_error(surrogate, (int32_t[]){1, q}));
    fnas_surrogate_free(loaded);
    surrogate->network->biases[1][0] = NAN;
    assert_status(FNAS_OK, fnas_surrogate_save(place->context, surrogate, path));
    assert_status(FNAS_ERR_INPUT, fnas_surrogate_load(place->context, space, path, &loaded));
    assert_message("error.safetensors: tensor \"b1\" holds nan at [0]");
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

/* ---- what is refused ---- */

static const double THREE[3] = {1, 2, 3}, ZEROS[128];

static void wrong_networks_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, SMALL);
    static const double broken[10] = {0, 0, 0, 0, 0, 0, 0, 0, (double)NAN, 0};
    static const double huge[10] = {3e38, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const struct {
        const char *words, *message;
        int count;
        npz_part parts[6];
    } cases[] = {
        {"", "net.npz: does not say what its output is: write surrogate:", 4, {GOOD}},
        {":output=accurate", "output \"accurate\" is not known: \"accuracy\" and \"error\" (0 to 1)", 4, {GOOD}},
        {":output=error,input=ofa", "input \"ofa\" is not known: the space small has \"onehot\"", 4, {GOOD}},
        {":output=error",
         "member \"output\" is \"accuracy\", the option says \"error\"",
         5,
         {GOOD, {.name = "output", .type = "|S8", .data = "accuracy", .size = 8}}},
        {":output=error",
         "member \"scale\" is not known: a network has W0, b0, W1, b1, ...",
         5,
         {GOOD, {.name = "scale", .data = B1, .size = 8}}},
        {":output=error", "has no member \"b0\", the last layer is 0", 1, {{.name = "W0", .shape = "(1, 3)", .data = THREE, .size = 24}}},
        {":output=error", "has no member \"W0\": a network has W0, b0", 1, {{.name = "output", .type = "|S5", .data = "error", .size = 5}}},
        {":output=error",
         "has no member \"W1\", the last layer is 2",
         4,
         {{.name = "W0", .shape = "(2, 5)", .data = W0, .size = sizeof W0},
          {.name = "b0", .shape = "(2,)", .data = B0, .size = sizeof B0},
          {.name = "W2", .shape = "(1, 2)", .data = W1, .size = sizeof W1},
          {.name = "b2", .shape = "(1,)", .data = B1, .size = 8}}},
        {":output=error", "member \"W16\": at most 16 layers are read", 1, {{.name = "W16", .shape = "(1, 3)", .data = THREE, .size = 24}}},
        {":output=error",
         "member \"W0\" takes 3 inputs, the space small gives 5 (\"onehot\")",
         2,
         {{.name = "W0", .shape = "(1, 3)", .data = THREE, .size = 24}, {.name = "b0", .shape = "(1,)", .data = B1, .size = 8}}},
        {":output=error",
         "member \"W0\": the last layer has 2 outputs, expected 1",
         2,
         {{.name = "W0", .shape = "(2, 5)", .data = W0, .size = sizeof W0},
          {.name = "b0", .shape = "(2,)", .data = B0, .size = sizeof B0}}},
        {":output=error",
         "member \"W1\" has shape [2, 1], expected [1, 2], a row for each output: transpose it",
         4,
         {{.name = "W0", .shape = "(2, 5)", .data = W0, .size = sizeof W0},
          {.name = "b0", .shape = "(2,)", .data = B0, .size = sizeof B0},
          {.name = "W1", .shape = "(2, 1)", .data = W1, .size = sizeof W1},
          {.name = "b1", .shape = "(1,)", .data = B1, .size = sizeof B1}}},
        {":output=error",
         "member \"b0\" has shape [3], expected [2], one for each row of its weight",
         4,
         {{.name = "W0", .shape = "(2, 5)", .data = W0, .size = sizeof W0},
          {.name = "b0", .shape = "(3,)", .data = THREE, .size = 24},
          {.name = "W1", .shape = "(1, 2)", .data = W1, .size = sizeof W1},
          {.name = "b1", .shape = "(1,)", .data = B1, .size = sizeof B1}}},
        {":output=error",
         "member \"W0\" holds nan at [1, 3]: a finite number is expected",
         4,
         {{.name = "W0", .shape = "(2, 5)", .data = broken, .size = sizeof broken},
          {.name = "b0", .shape = "(2,)", .data = B0, .size = sizeof B0},
          {.name = "W1", .shape = "(1, 2)", .data = W1, .size = sizeof W1},
          {.name = "b1", .shape = "(1,)", .data = B1, .size = sizeof B1}}},
        {":output=error",
         "member \"W0\" holds 3e+38 at [0, 0]: a finite number of at most 1e30 is expected",
         4,
         {{.name = "W0", .shape = "(2, 5)", .data = huge, .size = sizeof huge},
          {.name = "b0", .shape = "(2,)", .data = B0, .size = sizeof B0},
          {.name = "W1", .shape = "(1, 2)", .data = W1, .size = sizeof W1},
          {.name = "b1", .shape = "(1,)", .data = B1, .size = sizeof B1}}},
        {":output=error",
         "member \"W0\" has shape [5], expected [outputs, inputs]",
         2,
         {{.name = "W0", .shape = "(5,)", .data = W0, .size = 40}, {.name = "b0", .shape = "(1,)", .data = B1, .size = 8}}},
        {":output=error",
         "member \"b0\" holds text: floats are expected",
         2,
         {{.name = "W0", .shape = "(1, 5)", .data = W0, .size = 40},
          {.name = "b0", .type = "|S1", .shape = "(1,)", .data = "x", .size = 1}}},
    };
    fnas_surrogate *surrogate = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (open_words(place, space, cases[i].parts, cases[i].count, cases[i].words, &surrogate) != FNAS_ERR_INPUT)
            fail_msg("not refused: %s", cases[i].message);
        assert_null(surrogate);
        assert_message("net.npz: ");
        assert_message(cases[i].message);
    }
    static const char *const words[] = {":", ":accuracy", ":output=", ":output=error,output=error", ":output=error,"};
    const npz_part good[] = {GOOD};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_status(FNAS_ERR_USAGE, open_words(place, space, good, 4, words[i], &surrogate));
        assert_message("behind the file stands output=..., input=... or both");
    }
    fnas_space_close(space);
}

/* In mobilenetv3 the width tells, and what is OFA's is an accuracy. */
static void the_width_tells_the_input(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = NULL;
    fnas_surrogate *surrogate = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, "mobilenetv3", &space));
    const npz_part ofa[] = {{.name = "W0", .shape = "(1, 128)", .data = ZEROS, .size = sizeof ZEROS},
                            {.name = "b0", .shape = "(1,)", .data = B1, .size = 8}};
    assert_status(FNAS_OK, open_words(place, space, ofa, 2, "", &surrogate));
    assert_string_equal(surrogate->network->encoding->name, "ofa");
    assert_int_equal(surrogate->network->output, FNAS_NETWORK_ACCURACY);
    /* an accuracy of 3 is none: percent were meant; and then nothing tells architectures apart */
    assert_status(FNAS_ERR_INPUT, fnas_surrogate_fit(place->context, 0, surrogate));
    assert_message("errors from -200 to -200 %: does the output mean something else?");
    fnas_surrogate_free(surrogate);
    assert_status(FNAS_OK, open_words(place, space, ofa, 2, ":output=accuracy_pct", &surrogate));
    assert_status(FNAS_ERR_INPUT, fnas_surrogate_fit(place->context, 0, surrogate));
    assert_message("the same error for each of 2000 random architectures");
    fnas_surrogate_free(surrogate);
    assert_status(FNAS_ERR_INPUT, open_words(place, space, ofa, 2, ":input=onehot", &surrogate));
    assert_message("member \"W0\" takes 128 inputs, the space mobilenetv3 gives 160 (\"onehot\")");
    fnas_space_close(space);
}

/* Resolutions for which OFA's row of eight has no place; at both ends of what it has, it stands for them. */
static void ofa_knows_its_resolutions(void **state) {
    static const char *const beyond[] = {"mobilenetv3:resolutions=111-239-128", "mobilenetv3:resolutions=112-240-128"};
    fnas_test_place *place = *state;
    fnas_space *space = NULL;
    fnas_surrogate *surrogate = NULL;
    const npz_part ofa[] = {{.name = "W0", .shape = "(1, 128)", .data = ZEROS, .size = sizeof ZEROS},
                            {.name = "b0", .shape = "(1,)", .data = B1, .size = 8}};
    for (size_t i = 0; i < 2; i++) {
        assert_status(FNAS_OK, fnas_space_open(place->context, beyond[i], &space));
        assert_status(FNAS_ERR_INPUT, open_words(place, space, ofa, 2, "", &surrogate));
        assert_message("input \"ofa\" tells resolutions from 112 to 239 pixels, the space mobilenetv3:");
        assert_message(i ? "has them from 112 to 240" : "has them from 111 to 239");
        fnas_space_close(space);
    }
    assert_status(FNAS_OK, fnas_space_open(place->context, "mobilenetv3:resolutions=112-239-127", &space));
    assert_status(FNAS_OK, open_words(place, space, ofa, 2, "", &surrogate));
    for (int32_t r = 0; r < 2; r++) {
        int32_t choices[64] = {r};
        double onehot[256], input[128];
        fnas_space_to_onehot(space, choices, onehot);
        surrogate->network->encoding->encode(space, onehot, input);
        for (int k = 0; k < 8; k++) assert_true(input[120 + k] == (k == 7 * r));
    }
    fnas_surrogate_free(surrogate);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(values_by_hand),
        fnas_test(values_by_numpy),
        fnas_test(values_of_ofa),
        fnas_test(gradients_by_differences),
        fnas_test(ofa_sees_steps_and_depths),
        fnas_test(the_copy_is_the_same),
        fnas_test(wrong_networks_are_refused),
        fnas_test(the_width_tells_the_input),
        fnas_test(ofa_knows_its_resolutions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
