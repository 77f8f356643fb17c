/* Energy counters, in a folder that stands in for the system's. */
#include "base/support.h"

#include <pthread.h>
#include <sys/stat.h>

#include "device/images.h"
#include "device/rapl.h"
#include "device/timing.h"
#include "space/space.h"

static void write_counter(fnas_test_place *place, const char *package, const char *name, const char *text) {
    char folder[256], file[300];
    snprintf(folder, sizeof folder, "%s/%s", place->folder, package);
    mkdir(folder, 0700);
    snprintf(file, sizeof file, "%s/%s", folder, name);
    FILE *stream = fopen(file, "r+b");
    if (!stream) stream = fopen(file, "wb");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
}

static void write_package(fnas_test_place *place, const char *package, const char *energy) {
    write_counter(place, package, "energy_uj", energy);
    write_counter(place, package, "max_energy_range_uj", "1000000\n");
}

/* Packages are added up, their parts are not; a counter that wraps goes on. */
static void test_counters_add_up(void **state) {
    fnas_test_place *place = *state;
    fnas_rapl rapl;
    double total_mj;
    write_package(place, "intel-rapl:0", "100000\n");
    write_package(place, "intel-rapl:1", "990000\n");
    write_package(place, "intel-rapl:0:0", "5\n");
    assert_status(FNAS_OK, fnas_rapl_open(place->context, place->folder, &rapl));
    assert_int_equal(rapl.count, 2);
    assert_status(FNAS_OK, fnas_rapl_read(place->context, &rapl, &total_mj));
    assert_true(total_mj == 0);
    write_counter(place, "intel-rapl:0", "energy_uj", "103000\n");
    write_counter(place, "intel-rapl:1", "energy_uj", "002000\n");
    assert_status(FNAS_OK, fnas_rapl_read(place->context, &rapl, &total_mj));
    assert_float_equal(total_mj, 3 + 12, 1e-12);
    write_counter(place, "intel-rapl:1", "energy_uj", "002500\n");
    assert_status(FNAS_OK, fnas_rapl_read(place->context, &rapl, &total_mj));
    assert_float_equal(total_mj, 3 + 12 + 0.5, 1e-12);
    fnas_rapl_close(&rapl);
}

static void refuse(fnas_test_place *place, fnas_status expected, const char *words) {
    fnas_rapl rapl;
    assert_status(expected, fnas_rapl_open(place->context, place->folder, &rapl));
    assert_message(words);
    fnas_rapl_close(&rapl);
}

static void test_what_is_no_counter(void **state) {
    fnas_test_place *place = *state;
    refuse(place, FNAS_ERR_UNSUPPORTED, "no energy counters");
    write_package(place, "intel-rapl:0", "many\n");
    refuse(place, FNAS_ERR_INPUT, "\"many\"");
    write_counter(place, "intel-rapl:0", "energy_uj", "12   \n");
    refuse(place, FNAS_ERR_INPUT, "microjoules");
    write_counter(place, "intel-rapl:0", "energy_uj", "12345\n");
    write_counter(place, "intel-rapl:0", "max_energy_range_uj", "0000000\n");
    refuse(place, FNAS_ERR_INPUT, "is 0");
}

/* ---- measuring with counters that move as fast as time goes: a microwatt-second a microsecond is a watt ---- */

typedef struct meter {
    fnas_test_place *place;
    bool stop;
} meter;

static void *turn(void *user) {
    meter *m = user;
    struct timespec begin, now, pause = {0, 300000};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
        char text[32];
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t us = (int64_t)(now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000;
        snprintf(text, sizeof text, "%012lld\n", (long long)us);
        write_counter(m->place, "intel-rapl:0", "energy_uj", text);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static fnas_status measure(fnas_test_place *place, fnas_timing_result *result) {
    fnas_space *space;
    int32_t choices[12];
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201:channels=4,cells=1,classes=4,input=1x8x8", &space));
    assert_status(FNAS_OK,
                  fnas_space_parse(place->context, space, "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", choices));
    assert_status(FNAS_OK,
                  fnas_space_parse(place->context, space, "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", choices + 6));
    static float images[64];
    for (int i = 0; i < 64; i++) images[i] = (float)(i % 7) - 3;
    const fnas_timing_plan plan = {.stage = "measure",
                                   .space = space,
                                   .runtime = &fnas_runtime_onednn,
                                   .isa = "native",
                                   .batch = 1,
                                   .threads = 1,
                                   .rounds = 3,
                                   .count = 2,
                                   .choices = choices,
                                   .drift_choices = choices,
                                   .energy_folder = place->folder,
                                   .image_count = 1,
                                   .images = images};
    fnas_status status = fnas_timing_run(place->context, &plan, result);
    fnas_space_close(space);
    return status;
}

/* One watt: millijoules are milliseconds on the wall, as nearly as the counter's steps allow beside a sample of 20 ms and more. */
static void test_energies_are_measured(void **state) {
    fnas_test_place *place = *state;
    meter m = {place, false};
    pthread_t thread;
    fnas_timing_result result;
    write_package(place, "intel-rapl:0", "000000000000\n");
    write_counter(place, "intel-rapl:0", "max_energy_range_uj", "999999999999\n");
    assert_int_equal(pthread_create(&thread, NULL, turn, &m), 0);
    fnas_status status = measure(place, &result);
    __atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_status(FNAS_OK, status);
    double energy_mj = 0, wall_ms = 0;
    for (int i = 0; i < 6; i++) {
        assert_true(result.energy_mj[i] > 0);
        energy_mj += result.energy_mj[i];
        wall_ms += result.wall_ms[i];
    }
    assert_true(energy_mj > 0.3 * wall_ms && energy_mj < 3 * wall_ms); /* the thread that turns the meter may have to wait its turn */
    fnas_timing_result_free(&result);
}

static void test_counters_that_stand_still(void **state) {
    fnas_test_place *place = *state;
    fnas_timing_result result;
    write_package(place, "intel-rapl:0", "5\n");
    assert_status(FNAS_ERR_NUMERIC, measure(place, &result));
    assert_message("did not move");
    fnas_timing_result_free(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_counters_add_up), fnas_test(test_what_is_no_counter),
                                       fnas_test(test_energies_are_measured), fnas_test(test_counters_that_stand_still)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
