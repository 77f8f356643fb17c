/* Presets: what each decides, for every form of hypernetwork and error gradient; written and read again. */
#include "search/support_query.h"

#include "base/memory.h"
#include "search/config.h"
#include "search/names.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_every_preset), fnas_test(test_rates)};
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
