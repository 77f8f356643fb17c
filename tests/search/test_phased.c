/* Whole searches on shared weights that are trained in phases and then frozen, or that are given: the same bits for any number of threads
 * and across interruptions, and nothing is needed but the run. */
#include "search/support_query.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "search/searcher.h"
#include "search/support_stop.h"

#define STEPS 10 /* six of which are the warm-up's */

typedef struct fleet {
    fnas_test_place *place;
    char *devices[2];
    char *trained, *predictor; /* a whole search, made once, and its predictor, which the others take */
} fleet;

static char *save_card(fleet *f, const char *name, const double *op_ms) {
    fnas_card *card = test_card(f->place, TEST_PHASED_SPACE, name, op_ms);
    char file[96];
    snprintf(file, sizeof file, "%s.json", name);
    char *path = fnas_strdup(fnas_test_path(f->place, file));
    test_check(f->place, fnas_card_save(f->place->context, card, path));
    fnas_card_free(card);
    return path;
}

static char *run_path(fleet *f, const char *name) {
    return fnas_strdup(fnas_test_path(f->place, name));
}

static fnas_search_options options_for(fleet *f, const char *run) {
    return (fnas_search_options){.space = TEST_PHASED_SPACE,
                                 .data = TEST_PHASED_DATA,
                                 .run = run,
                                 .device_count = 2,
                                 .devices = (const char *const *)f->devices,
                                 .predictor = f->predictor,
                                 .preset = "quick",
                                 .phases = "1,2,2,1",
                                 .paths = 4,
                                 .steps = STEPS,
                                 .checkpoint_steps = 3,
                                 .seed = 5};
}

/* On given weights, without a warm-up. */
static fnas_search_options options_on(fleet *f, const char *run, const char *weights) {
    fnas_search_options options = options_for(f, run);
    options.phases = NULL;
    options.weights = weights;
    options.steps = 4;
    return options;
}

static void search(fleet *f, const fnas_search_options *options, int64_t threads) {
    fnas_context_set_threads(f->place->context, threads);
    test_check(f->place, fnas_search_run(f->place->context, options));
}

static size_t read_file(fleet *f, const char *run, const char *name, unsigned char **data) {
    size_t size = 0;
    char *path = fnas_path_join(run, name);
    test_check(f->place, fnas_file_read(f->place->context, path, 1 << 26, data, &size));
    fnas_free(path);
    return size;
}

static void assert_same_runs(fleet *f, const char *a, const char *b) {
    static const char *const names[] = {"config.json", "checkpoint.safetensors", "metrics.csv"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsigned char *data[2];
        size_t sizes[2] = {read_file(f, a, names[i], &data[0]), read_file(f, b, names[i], &data[1])};
        if (sizes[0] != sizes[1] || memcmp(data[0], data[1], sizes[0]) != 0) fail_msg("%s differs between %s and %s", names[i], a, b);
        for (int k = 0; k < 2; k++) fnas_free(data[k]);
    }
}

static void stop_after(fleet *f, const fnas_search_options *options, int64_t step) {
    fnas_context *context = NULL;
    test_check(f->place, fnas_context_create(&context));
    fnas_context_set_threads(context, 2);
    stop_request stopper = {context, step};
    fnas_context_set_progress(context, stop_at, &stopper);
    assert_int_equal(fnas_search_run(context, options), FNAS_INTERRUPTED);
    fnas_context_destroy(context);
}

/* ---- what all begin with ---- */

static int setup(void **state) {
    static const double slow[5] = {0.1, 0.2, 0.5, 0, 0}, fast[5] = {0.3, 0.2, 0.4, 0, 0};
    fleet *made = calloc(1, sizeof *made);
    void *place = NULL;
    if (!made || fnas_test_setup(&place) != 0) return -1;
    made->place = place;
    made->devices[0] = save_card(made, "slow", slow);
    made->devices[1] = save_card(made, "fast", fast);
    made->trained = run_path(made, "trained");
    fnas_search_options options = options_for(made, made->trained);
    search(made, &options, 2);
    made->predictor = fnas_path_join(made->trained, "predictor.safetensors");
    *state = made;
    return 0;
}

static int teardown(void **state) {
    fleet *made = *state;
    char *const owned[] = {made->devices[0], made->devices[1], made->trained, made->predictor};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
    void *place = made->place;
    free(made);
    fnas_test_teardown(&place);
    return 0;
}

static void test_threads(void **state) {
    fleet *f = *state;
    for (int64_t threads = 1; threads <= 3; threads += 2) {
        char name[32];
        snprintf(name, sizeof name, "threads%d", (int)threads);
        char *path = run_path(f, name);
        fnas_search_options options = options_for(f, path);
        search(f, &options, threads);
        assert_same_runs(f, f->trained, path);
        fnas_free(path);
    }
}

/* In the first phase, in a sandwich, right before channels are put in another order, and while the hypernetwork learns. */
static void test_interruptions(void **state) {
    static const int64_t steps[] = {1, 4, 5, 8};
    fleet *f = *state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t at = steps[i];
        char name[32];
        snprintf(name, sizeof name, "parts%d", (int)at);
        char *path = run_path(f, name);
        fnas_search_options options = options_for(f, path);
        stop_after(f, &options, at);
        fnas_context_set_threads(f->place->context, 1);
        test_check(f->place, fnas_search_resume(f->place->context, path, NULL));
        assert_same_runs(f, f->trained, path);
        fnas_free(path);
    }
}

static fnas_run *open_run(fleet *f, const char *path) {
    fnas_run *run = NULL;
    test_check(f->place, fnas_run_open(f->place->context, path, &run));
    return run;
}

/* A search on the weights of another, frozen from its first step: they are that one's to the bit, and equal searches are equal wherever
 * the weights lay. The numbers of their training are empty cells. */
static void test_given_weights(void **state) {
    fleet *f = *state;
    char *first = run_path(f, "first"), *second = run_path(f, "second"), *moved = run_path(f, "moved");
    fnas_search_options options = options_on(f, first, f->trained);
    search(f, &options, 2);
    assert_int_equal(rename(f->trained, moved), 0);
    options = options_on(f, second, moved);
    options.predictor = NULL;
    stop_after(f, &options, 1);
    assert_int_equal(rename(moved, f->trained), 0); /* a resumed search does not look for them */
    test_check(f->place, fnas_search_resume(f->place->context, second, NULL));
    assert_same_runs(f, first, second);

    fnas_run *runs[2] = {open_run(f, f->trained), open_run(f, first)};
    assert_memory_equal(runs[0]->state.weights.values, runs[1]->state.weights.values,
                        (size_t)runs[0]->state.weights.float_count * sizeof(float));
    assert_true(runs[1]->state.hypernet_steps > 0);
    assert_int_equal(strncmp(runs[1]->config.start_weights, "crc32:", 6), 0);
    assert_string_equal(runs[0]->config.start_weights, "");
    for (int i = 0; i < 2; i++) fnas_run_close(runs[i]);
    unsigned char *metrics;
    assert_true(read_file(f, first, "metrics.csv", &metrics) > 0);
    assert_int_equal(strncmp(strchr((char *)metrics, '\n') + 1, "1,,,,", 5), 0);
    fnas_free(metrics);
    char *const paths[] = {first, second, moved};
    for (int i = 0; i < 3; i++) fnas_free(paths[i]);
}

/* What the first checkpoint held cannot be made again. */
static void test_lost_weights(void **state) {
    fleet *f = *state;
    char *path = run_path(f, "lost"), *checkpoint = fnas_path_join(path, "checkpoint.safetensors");
    fnas_search_options options = options_on(f, path, f->trained);
    stop_after(f, &options, 1);
    assert_int_equal(unlink(checkpoint), 0);
    assert_int_equal(fnas_search_resume(f->place->context, path, NULL), FNAS_ERR_INPUT);
    assert_non_null(strstr(fnas_context_message(f->place->context), "held the weights that the search began with"));
    fnas_free(path);
    fnas_free(checkpoint);
}

static void refuse(fleet *f, const fnas_search_options *options, const char *words) {
    assert_int_equal(fnas_search_run(f->place->context, options), FNAS_ERR_INPUT);
    if (!strstr(fnas_context_message(f->place->context), words))
        fail_msg("\"%s\" does not say \"%s\"", fnas_context_message(f->place->context), words);
    assert_false(fnas_folder_exists(options->run));
}

static void test_wrong_weights(void **state) {
    fleet *f = *state;
    char *path = run_path(f, "refused"), *empty = run_path(f, "empty");
    fnas_search_options options = options_on(f, path, f->trained);
    options.proxy = "width=0.2";
    refuse(f, &options, "\"supernet."); /* a tensor and its shapes */
    refuse(f, &options, "expected");
    test_check(f->place, fnas_folder_create(f->place->context, empty));
    options = options_on(f, path, empty);
    refuse(f, &options, "no run with a checkpoint");
    unsigned char *checkpoint; /* one that has lost its checksum */
    size_t size = read_file(f, f->trained, "checkpoint.safetensors", &checkpoint);
    memcpy(strstr((char *)checkpoint + 8, "crc32"), "no_32", 5);
    fnas_test_write(f->place, "empty/checkpoint.safetensors", checkpoint, size);
    refuse(f, &options, "\"crc32\" is missing");
    fnas_free(checkpoint);
    options = options_on(f, path, f->predictor);
    refuse(f, &options, "missing"); /* a file of something else */
    fnas_free(path);
    fnas_free(empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads), cmocka_unit_test(test_interruptions),
                                       cmocka_unit_test(test_given_weights), cmocka_unit_test(test_lost_weights),
                                       cmocka_unit_test(test_wrong_weights)};
    return cmocka_run_group_tests_name("phased", tests, setup, teardown);
}
