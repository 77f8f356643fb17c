/* Presets: what each decides, for every form of hypernetwork and error gradient; written and read again. */
#include "search/support_query.h"

#include "base/memory.h"
#include "search/config/config.h"
#include "search/config/names.h"
#include "search/schedule.h"

static const char *const devices[] = {"a.json", "b.json", "c.json"};

/* As the search fills in what needs files. */
static void build(fnas_test_place *place, const char *preset, const char *hypernet, const char *error_gradient, int64_t device_count,
                  fnas_search_config *config) {
    const fnas_search_options options = {.space = TEST_SPACE,
                                         .device_count = device_count,
                                         .devices = devices,
                                         .preset = preset,
                                         .hypernet = hypernet,
                                         .error_gradient = error_gradient,
                                         .steps = 10};
    int64_t epochs;
    *config = (fnas_search_config){0};
    test_check(place, fnas_search_config_build(place->context, &options, config, &epochs));
    config->space = fnas_strdup(TEST_SPACE);
    config->supernet = fnas_strdup(TEST_SPACE);
    config->data = fnas_strdup(TEST_DATA);
    config->device_names = fnas_allocate((size_t)device_count, sizeof *config->device_names);
    for (int64_t t = 0; t < device_count; t++) config->device_names[t] = fnas_strdup("device");
}

static void check_error_gradient(const fnas_search_config *config) {
    bool model = config->error_gradient == FNAS_ERROR_GRADIENT_MODEL;
    assert_int_equal(config->judged_paths, model ? 15 : 0);
    assert_int_equal(config->observed_paths, model ? 8 : 0);
    assert_int_equal(config->hypernet_rounds, model && strcmp(config->preset, "paper") ? 6 : 1);
    assert_true(config->search_images > 1);
}

/* Every stage that the preset has room for comes, in order; the paper's hypernetwork learns from the first step to the last. */
static void check_stages(const fnas_search_config *config) {
    bool seen[4] = {false}, paper = strcmp(config->preset, "paper") == 0;
    for (int64_t step = 0; step < 1000; step++) seen[fnas_schedule_stage(config, step, 1000)] = true;
    assert_true(seen[FNAS_STAGE_ANNEAL]);
    assert_int_equal(seen[FNAS_STAGE_WARM_UP], !paper);
    assert_int_equal(seen[FNAS_STAGE_EXPLORE], !paper);
    assert_int_equal(seen[FNAS_STAGE_CONSOLIDATE], !paper);
}

static void test_every_preset(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "config.json");
    for (int p = 0; fnas_names_preset[p]; p++) {
        for (int i = 0; i < 4; i++) {
            fnas_search_config config, again;
            build(place, fnas_names_preset[p], fnas_names_hypernet[i % 2], fnas_names_error_gradient[i / 2], 3, &config);
            check_error_gradient(&config);
            test_check(place, fnas_search_config_write(place->context, &config, path));
            test_check(place, fnas_search_config_read(place->context, path, &again)); /* in range, and consistent */
            assert_true(again.hypernet_rate == config.hypernet_rate && again.weight_rate == config.weight_rate);
            assert_true(again.hypernet_rate > 0 && again.weight_rate > again.weight_rate_end);
            check_stages(&config);
            fnas_search_config_free(&config);
            fnas_search_config_free(&again);
        }
    }
}

/* Sukthanker et al. 2025: 0.025 and 3e-4, times the devices; the other presets' rates do not ask how many there are. */
static void test_rates(void **state) {
    fnas_test_place *place = *state;
    for (int p = 0; fnas_names_preset[p]; p++) {
        bool paper = strcmp(fnas_names_preset[p], "paper") == 0;
        for (int h = 0; h < 2; h++) {
            fnas_search_config one, three;
            build(place, fnas_names_preset[p], fnas_names_hypernet[h], NULL, 1, &one);
            build(place, fnas_names_preset[p], fnas_names_hypernet[h], NULL, 3, &three);
            assert_true(three.weight_rate == (paper ? 3 : 1) * one.weight_rate);
            assert_true(three.hypernet_rate == (paper ? 3 : 1) * one.hypernet_rate);
            if (paper) assert_true(one.weight_rate == 0.025 && one.hypernet_rate == 3e-4);
            fnas_search_config_free(&one);
            fnas_search_config_free(&three);
        }
    }
}

/* ---- spaces that are trained in phases, weights that are frozen or given ---- */

typedef struct built {
    fnas_status status;
    fnas_search_config config;
    int64_t epochs;
} built;

static built build_for(fnas_test_place *place, const char *spec, fnas_search_options options) {
    built made = {.status = FNAS_OK};
    fnas_space *space;
    options.space = spec;
    options.device_count = 3;
    options.devices = devices;
    test_check(place, fnas_space_open(place->context, spec, &space));
    test_check(place, fnas_search_config_build(place->context, &options, &made.config, &made.epochs));
    made.status = fnas_search_config_fit_space(place->context, &options, space, &made.config, &made.epochs);
    fnas_space_close(space);
    return made;
}

/* What a search writes can be read again, to the last number. */
static void check_round_trip(fnas_test_place *place, fnas_search_config *config) {
    const char *path = fnas_test_path(place, "config.json");
    fnas_search_config again;
    config->space = fnas_strdup(TEST_PHASED_SPACE);
    config->supernet = fnas_strdup(TEST_PHASED_SPACE);
    config->data = fnas_strdup(TEST_PHASED_DATA);
    if (config->steps == 0) config->steps = 100; /* the data set says how many an epoch has */
    config->device_names = fnas_allocate(3, sizeof *config->device_names);
    for (int64_t t = 0; t < 3; t++) config->device_names[t] = fnas_strdup("device");
    test_check(place, fnas_search_config_write(place->context, config, path));
    test_check(place, fnas_search_config_read(place->context, path, &again));
    assert_int_equal(again.shared_weights, config->shared_weights);
    assert_string_equal(again.start_weights, config->start_weights);
    assert_int_equal(again.sandwiches, config->sandwiches);
    assert_int_equal(again.sandwich_paths, config->sandwich_paths);
    assert_true(again.distillation == config->distillation);
    assert_int_equal(again.phase_count, config->phase_count);
    assert_memory_equal(again.phase_shares, config->phase_shares, (size_t)config->phase_count * sizeof *config->phase_shares);
    fnas_search_config_free(&again);
}

/* Quick and standard train the supernet and freeze it; the paper's begins with trained weights. */
static void test_phased_presets(void **state) {
    fnas_test_place *place = *state;
    for (int p = 0; fnas_names_preset[p]; p++) {
        bool paper = strcmp(fnas_names_preset[p], "paper") == 0;
        built made = build_for(place, TEST_PHASED_SPACE,
                               (fnas_search_options){.preset = fnas_names_preset[p], .weights = paper ? "weights.safetensors" : NULL});
        const fnas_search_config *config = &made.config;
        test_check(place, made.status);
        assert_int_equal(config->shared_weights, FNAS_WEIGHTS_FROZEN);
        assert_int_equal(config->phase_count, 4);
        assert_int_equal(config->warmup_fraction > 0, !paper);
        assert_true(config->consolidate_fraction == 0 && config->entropy_hold < 1 && config->entropy_hold >= config->warmup_fraction);
        assert_string_equal(config->proxy, "");
        const double shares[2][4] = {{4, 2, 2, 2}, {180, 120, 120, 120}};
        assert_memory_equal(config->phase_shares, shares[paper], sizeof shares[0]);
        if (paper) assert_true(config->hypernet_rate == 8e-5 && config->hypernet_decay == 1e-3); /* not times the devices */
        assert_int_equal((config->steps > 0) + (made.epochs > 0), 1);
        check_round_trip(place, &made.config);
        fnas_search_config_free(&made.config);
    }
}

static void test_phased_options(void **state) {
    fnas_test_place *place = *state;
    built made = build_for(place, TEST_PHASED_SPACE,
                           (fnas_search_options){.preset = "quick",
                                                 .supernet = "moving",
                                                 .weights = "run",
                                                 .warmup = "0.5",
                                                 .phases = "1,0,2.5,3",
                                                 .distillation = "none",
                                                 .steps = 70});
    test_check(place, made.status);
    const double shares[4] = {1, 0, 2.5, 3};
    assert_int_equal(made.config.shared_weights, FNAS_WEIGHTS_MOVING);
    assert_memory_equal(made.config.phase_shares, shares, sizeof shares);
    assert_true(made.config.warmup_fraction == 0.5 && made.config.distillation == 0 && made.config.consolidate_fraction == 0.25);
    assert_true(made.config.entropy_hold > 0.5 && made.config.entropy_hold < 0.75);
    assert_int_equal(made.config.steps, 70);
    fnas_free(made.config.start_weights);
    made.config.start_weights = fnas_strdup("crc32:0123abcd");
    check_round_trip(place, &made.config);
    fnas_search_config_free(&made.config);

    made = build_for(place, TEST_PHASED_SPACE, (fnas_search_options){.preset = "quick", .phases = "none"});
    test_check(place, made.status);
    assert_int_equal(made.config.phase_count, 0);
    assert_true(made.config.sandwiches > 0);
    check_round_trip(place, &made.config);
    fnas_search_config_free(&made.config);

    /* A batch is shared out, or not, where paths train the weights or are judged by them. */
    const fnas_search_options batches[] = {{.batch = "full", .supernet = "moving"}, {.batch = "full", .error_gradient = "gates"}};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        made = build_for(place, TEST_PHASED_SPACE, batches[i]);
        test_check(place, made.status);
        assert_int_equal(made.config.batch, FNAS_BATCH_FULL);
        /* 0.75 of the steps, or of those that the consolidation leaves */
        assert_true(made.config.warmup_fraction == (batches[i].supernet ? 0.75 * 0.75 : 0.75));
        assert_true(made.config.warmup_fraction + made.config.consolidate_fraction < 1);
        fnas_search_config_free(&made.config);
    }

    /* Given weights need no warm-up. Other spaces can be frozen, too; nothing else of theirs changes. */
    made = build_for(place, TEST_SPACE, (fnas_search_options){.preset = "quick", .supernet = "frozen", .weights = "run"});
    test_check(place, made.status);
    assert_true(made.config.warmup_fraction == 0 && made.config.consolidate_fraction == 0);
    assert_true(made.config.entropy_hold > 0.59 && made.config.entropy_hold < 0.61); /* as before, 0.3 of the 0.5 that it learnt in */
    assert_int_equal(made.config.sandwiches, 0);
    fnas_search_config_free(&made.config);
    made = build_for(place, TEST_SPACE, (fnas_search_options){.preset = "quick"});
    test_check(place, made.status);
    assert_true(made.config.warmup_fraction == 0.25 && made.config.consolidate_fraction == 0.25 && made.config.entropy_hold == 0.55);
    assert_int_equal(made.config.shared_weights, FNAS_WEIGHTS_MOVING);
    fnas_search_config_free(&made.config);
}

/* Each part of a sandwich's images and, where the weights are trained on paths as well, each path needs two images. */
static void test_few_images(void **state) {
    fnas_test_place *place = *state;
    const struct {
        fnas_search_options options;
        int64_t least; /* images to train on */
        const char *message;
    } cases[] = {{{.preset = "quick", .paths = 9}, 4, "fewer than two for each of the 2 parts"},
                 {{.preset = "quick", .paths = 9, .supernet = "moving"}, 18, "fewer than two for each of 9 paths"},
                 {{.preset = "quick", .paths = 9, .supernet = "moving", .batch = "full"}, 4, "fewer than two for each of the 2 parts"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        built made = build_for(place, TEST_PHASED_SPACE, cases[i].options);
        test_check(place, made.status);
        made.config.weight_fraction = made.config.search_fraction = 0.5;
        test_check(place, fnas_search_config_fit_data(place->context, &made.config, 2 * cases[i].least));
        assert_int_equal(fnas_search_config_fit_data(place->context, &made.config, 2 * (cases[i].least - 1)), FNAS_ERR_INPUT);
        assert_message(cases[i].message);
        fnas_search_config_free(&made.config);
    }
}

/* Scores are of no more images than the split has: the level of guessing goes by them. 400 - 280 - 80 are left to validate on. */
static void test_validation_images(void **state) {
    fnas_test_place *place = *state;
    const int64_t images[2] = {400, 100000}, wanted[2] = {40, 1000};
    for (int i = 0; i < 2; i++) {
        built made = build_for(place, TEST_SPACE, (fnas_search_options){.preset = "quick"});
        test_check(place, made.status);
        test_check(place, fnas_search_config_fit_data(place->context, &made.config, images[i]));
        assert_int_equal(made.config.validation_images, wanted[i]);
        fnas_search_config_free(&made.config);
    }
}

static void test_wrong_options(void **state) {
    fnas_test_place *place = *state;
    const struct {
        const char *space, *message;
        fnas_search_options options;
    } wrong[] = {
        {TEST_SPACE, "--phases: the shared weights of nb201 are not trained in phases", {.phases = "1,1,1,1"}},
        {TEST_SPACE, "--distillation: the shared weights of nb201", {.distillation = "0.5"}},
        {TEST_SPACE, "tell nothing", {.supernet = "frozen", .warmup = "none"}},
        {TEST_SPACE, "leave some between", {.warmup = "0.8"}},
        {TEST_PHASED_SPACE, "unknown supernet \"frosen\": did you mean \"frozen\"?", {.supernet = "frosen"}},
        {TEST_PHASED_SPACE, "tell nothing", {.preset = "paper"}},
        {TEST_PHASED_SPACE, "must be none or 4 numbers", {.phases = "1,1,1"}},
        {TEST_PHASED_SPACE, "must be none or 4 numbers", {.phases = "1,1,1,1,1"}},
        {TEST_PHASED_SPACE, "must be none or 4 numbers", {.phases = "0,0,0,0"}},
        {TEST_PHASED_SPACE, "must be none or 4 numbers", {.phases = "1,1,-1,1"}},
        {TEST_PHASED_SPACE, "must be none or 4 numbers", {.phases = "1,1,x,1"}},
        {TEST_PHASED_SPACE, "must be none or 4 numbers", {.phases = "1,1,nan,1"}},
        {TEST_PHASED_SPACE, "must be none or 4 numbers", {.phases = ""}},
        {TEST_PHASED_SPACE, "--phases has no use without a warm-up", {.phases = "1,1,1,1", .weights = "run"}},
        {TEST_PHASED_SPACE, "--distillation has no use without", {.distillation = "0.5", .weights = "run"}},
        {TEST_PHASED_SPACE, "--batch has no use where the shared weights of mobilenetv3", {.batch = "full"}},
        {TEST_PHASED_SPACE, "--batch has no use where", {.preset = "quick", .batch = "shared", .weights = "run"}},
        {TEST_PHASED_SPACE, "--warmup 1: must be none or a number from 0 to 0.99", {.warmup = "1"}},
        {TEST_PHASED_SPACE, "--warmup 0.5x: must be", {.warmup = "0.5x"}},
        {TEST_PHASED_SPACE, "--distillation 2: must be none or a number from 0 to 1", {.distillation = "2"}},
        {TEST_PHASED_SPACE, "--distillation -1: must be", {.distillation = "-1"}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        built made = build_for(place, wrong[i].space, wrong[i].options);
        assert_int_equal(made.status, FNAS_ERR_USAGE);
        assert_message(wrong[i].message);
        fnas_search_config_free(&made.config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_every_preset),   fnas_test(test_rates),      fnas_test(test_phased_presets),
                                       fnas_test(test_phased_options), fnas_test(test_few_images), fnas_test(test_validation_images),
                                       fnas_test(test_wrong_options)};
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
