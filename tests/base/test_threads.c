#include "base/support.h"

#include <float.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/threads.h"

#define ITEMS 500

typedef struct record {
    atomic_int times[ITEMS];
    atomic_int of_worker[8];
    int64_t fail_from, fail_other;
    int64_t workers;
} record;

static fnas_status count_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    record *seen = user;
    if (worker < 0 || worker >= seen->workers) return FNAS_ERR_INTERNAL;
    atomic_fetch_add(&seen->times[item], 1);
    atomic_fetch_add(&seen->of_worker[worker], 1);
    if (item == seen->fail_from) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* the larger one fails first */
    if (item == seen->fail_from || item == seen->fail_other) {
        return fnas_fail(context, FNAS_ERR_NUMERIC, "item %lld: not finite", (long long)item);
    }
    return FNAS_OK;
}

static void each_item_runs_once(void **state) {
    fnas_test_place *place = *state;
    for (int64_t workers = 1; workers <= 8; workers++) {
        fnas_team *team;
        assert_status(FNAS_OK, fnas_team_create(place->context, workers, NULL, &team));
        for (int64_t count = 0; count <= ITEMS; count += 125) {
            record seen = {.fail_from = -1, .fail_other = -1, .workers = workers};
            assert_status(FNAS_OK, fnas_team_run(place->context, team, count, count_item, &seen));
            for (int64_t i = 0; i < ITEMS; i++) assert_int_equal(atomic_load(&seen.times[i]), i < count);
        }
        fnas_team_destroy(team);
    }
    fnas_team_destroy(NULL);
}

static void smallest_failing_item_wins(void **state) {
    fnas_test_place *place = *state;
    for (int64_t workers = 1; workers <= 4; workers++) {
        fnas_team *team;
        assert_status(FNAS_OK, fnas_team_create(place->context, workers, NULL, &team));
        for (int i = 0; i < 5; i++) {
            record seen = {.fail_from = 40, .fail_other = 41, .workers = workers};
            assert_status(FNAS_ERR_NUMERIC, fnas_team_run(place->context, team, ITEMS, count_item, &seen));
            assert_string_equal(fnas_context_message(place->context), "item 40: not finite");
            for (int k = 0; k <= 40; k++) assert_int_equal(atomic_load(&seen.times[k]), 1);
        }
        record seen = {.fail_from = -1, .fail_other = -1, .workers = workers}; /* a failed team can be used again */
        assert_status(FNAS_OK, fnas_team_run(place->context, team, ITEMS, count_item, &seen));
        fnas_team_destroy(team);
    }
}

static atomic_int started[8];

static void note_start(int64_t worker) {
    atomic_fetch_add(&started[worker], 1);
}

static fnas_status denormal_is_flushed(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)user, (void)worker;
    volatile float smallest = FLT_MIN;
    float half = smallest / 2;
    return half == 0 ? FNAS_OK : fnas_fail(context, FNAS_ERR_NUMERIC, "item %lld saw a denormal", (long long)item);
}

static void workers_start_once_and_flush_denormals(void **state) {
    fnas_test_place *place = *state;
    fnas_team *team;
    assert_status(FNAS_OK, fnas_team_create(place->context, 4, note_start, &team));
    assert_status(FNAS_OK, fnas_team_run(place->context, team, 100, denormal_is_flushed, NULL));
    assert_status(FNAS_OK, fnas_team_run(place->context, team, 100, denormal_is_flushed, NULL));
    fnas_team_destroy(team); /* joins: all have started by then */
    for (int i = 0; i < 8; i++) assert_int_equal(atomic_load(&started[i]), i < 4);
}

static bool has_denormals(void) {
    volatile float smallest = FLT_MIN;
    return smallest / 2 != 0;
}

static void *run_elsewhere(void *team) {
    fnas_context *context;
    fnas_restore_denormals(0); /* a thread inherits how its maker treats them */
    bool good = has_denormals() && fnas_context_create(&context) == FNAS_OK;
    good = good && fnas_team_run(context, team, 10, denormal_is_flushed, NULL) == FNAS_OK;
    if (good) fnas_context_destroy(context);
    return good && has_denormals() ? team : NULL;
}

/* The threads of a program that uses the library stay as they were. */
static void caller_keeps_its_denormals(void **state) {
    fnas_test_place *place = *state;
    fnas_team *team, *inner;
    pthread_t other;
    void *good = NULL;
    assert_true(has_denormals());
    assert_status(FNAS_OK, fnas_team_create(place->context, 2, NULL, &team));
    assert_status(FNAS_OK, fnas_team_run(place->context, team, 10, denormal_is_flushed, NULL));
    assert_false(has_denormals()); /* what the caller itself reckons between two runs is as on any worker */
    assert_status(FNAS_OK, fnas_team_create(place->context, 2, NULL, &inner));
    fnas_team_destroy(inner);
    assert_false(has_denormals());
    assert_int_equal(pthread_create(&other, NULL, run_elsewhere, team), 0);
    assert_int_equal(pthread_join(other, &good), 0);
    assert_ptr_equal(good, team);
    fnas_team_destroy(team);
    assert_true(has_denormals());
    uint64_t before = fnas_flush_denormals(); /* a program that flushes of its own will goes on doing so */
    assert_status(FNAS_OK, fnas_team_create(place->context, 2, NULL, &team));
    fnas_team_destroy(team);
    assert_false(has_denormals());
    fnas_restore_denormals(before);
    assert_true(has_denormals());
}

static fnas_status stop_is_seen(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)item, (void)worker;
    if (fnas_context_threads(context) != 1) return FNAS_ERR_INTERNAL;
    return fnas_context_stop_requested(context) == *(bool *)user ? FNAS_OK : FNAS_ERR_INTERNAL;
}

static void workers_see_the_wish_to_stop(void **state) {
    fnas_test_place *place = *state;
    fnas_team *team;
    bool expected = false;
    assert_status(FNAS_OK, fnas_team_create(place->context, 3, NULL, &team));
    assert_status(FNAS_OK, fnas_team_run(place->context, team, 30, stop_is_seen, &expected));
    fnas_context_request_stop(place->context);
    expected = true;
    assert_status(FNAS_OK, fnas_team_run(place->context, team, 30, stop_is_seen, &expected));
    fnas_team_destroy(team);
}

static void wrong_sizes_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_team *team;
    assert_status(FNAS_ERR_USAGE, fnas_team_create(place->context, 0, NULL, &team));
    assert_message("1..256");
    assert_null(team);
    assert_status(FNAS_ERR_USAGE, fnas_team_create(place->context, 257, NULL, &team));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(caller_keeps_its_denormals),   fnas_test(each_item_runs_once),
        fnas_test(smallest_failing_item_wins),   fnas_test(workers_start_once_and_flush_denormals),
        fnas_test(workers_see_the_wish_to_stop), fnas_test(wrong_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
