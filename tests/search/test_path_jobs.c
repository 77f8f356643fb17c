/* Which paths are computed, in which order, and that threads keep to it. */
#include "base/support.h"

#include <stdatomic.h>

#include "base/random.h"
#include "base/threads.h"
#include "search/supernet/path_jobs.h"

enum { MOST = 64, DECISIONS = 6, CHAINS = 8 };

typedef struct drawn {
    int64_t count, first_image[MOST], images[MOST];
    int32_t choices[MOST * DECISIONS];
    double costs[MOST];
} drawn;

/* Few different architectures and two ranges of images, so that many paths are equal in one and some in both. */
static void draw(uint64_t seed, int64_t count, int64_t kinds, drawn *d) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 0);
    d->count = count;
    for (int64_t p = 0; p < count; p++) {
        int64_t kind = fnas_random_below(&random, kinds);
        for (int64_t i = 0; i < DECISIONS; i++) d->choices[p * DECISIONS + i] = (int32_t)(kind >> i & 1);
        d->first_image[p] = fnas_random_below(&random, 2) * 16;
        d->images[p] = 16;
        d->costs[p] = 1 + (double)(kind * kind % 29);
    }
}

static bool equal(const drawn *d, int64_t p, int64_t q) {
    return d->first_image[p] == d->first_image[q] &&
           memcmp(d->choices + p * DECISIONS, d->choices + q * DECISIONS, DECISIONS * sizeof(int32_t)) == 0;
}

static void plan(const drawn *d, int64_t chains, fnas_path_jobs *jobs) {
    fnas_path_jobs_plan(jobs, 0, d->count, DECISIONS, d->choices, d->first_image, d->images, d->costs, chains);
}

/* Every path is a copy of the first that equals it, and no job is there for more or less. */
static void check_copies(const drawn *d, const fnas_path_jobs *jobs) {
    int64_t copies = 0;
    for (int64_t p = 0; p < d->count; p++) {
        int64_t first = 0;
        while (!equal(d, first, p)) first++;
        assert_int_equal(jobs->source[p], first);
    }
    for (int64_t j = 0; j < jobs->count; j++) {
        int64_t same = 0;
        for (int64_t p = 0; p < d->count; p++) same += jobs->source[p] == jobs->jobs[j].path;
        assert_int_equal(jobs->jobs[j].copies, same);
        assert_true(jobs->jobs[j].cost == d->costs[jobs->jobs[j].path]);
        if (j > 0) assert_true(jobs->jobs[j].cost <= jobs->jobs[j - 1].cost);
        copies += same;
    }
    assert_int_equal(copies, d->count);
}

/* Every job is in one chain, the costly first; no chain holds more than the best spread could by a third and one job. */
static void check_chains(const fnas_path_jobs *jobs) {
    int64_t linked = 0;
    double total = 0;
    for (int64_t j = 0; j < jobs->count; j++) total += jobs->jobs[j].cost;
    for (int64_t c = 0; c < jobs->chain_count; c++) {
        double cost = 0;
        for (int64_t j = jobs->chains[c].next; j >= 0; j = jobs->jobs[j].next, linked++) {
            assert_int_equal(jobs->jobs[j].chain, c);
            assert_int_equal(jobs->jobs[j].first, cost == 0);
            cost += jobs->jobs[j].cost;
        }
        assert_true(cost > 0);
        assert_true(cost == jobs->chains[c].rest);
        double mean = total / (double)jobs->chain_count, largest = jobs->jobs[0].cost;
        assert_true(cost <= 4.0 / 3.0 * (mean > largest ? mean : largest) + largest);
    }
    assert_int_equal(linked, jobs->count);
}

static void test_plan(void **state) {
    fnas_test_place *place = *state;
    fnas_path_jobs jobs;
    assert_status(FNAS_OK, fnas_path_jobs_create(place->context, MOST, &jobs));
    for (uint64_t seed = 0; seed < 40; seed++) {
        drawn d;
        draw(seed, 1 + (int64_t)seed % MOST, seed % 2 ? 64 : 6, &d);
        plan(&d, CHAINS, &jobs);
        check_copies(&d, &jobs);
        check_chains(&jobs);
        assert_int_equal(jobs.chain_count, jobs.count < CHAINS ? jobs.count : CHAINS);
    }
    fnas_path_jobs_free(&jobs);
}

typedef struct shared {
    fnas_path_jobs *jobs;
    atomic_int running[MOST]; /* [chain] */
    atomic_int last[MOST];    /* [chain]: job + 1 */
    atomic_int taken[MOST];   /* [job] */
} shared;

static fnas_status take_one(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)item, (void)worker;
    shared *s = user;
    const fnas_path_job *job = fnas_path_jobs_take(s->jobs);
    int64_t j = job - s->jobs->jobs;
    bool good = atomic_fetch_add(&s->running[job->chain], 1) == 0 && atomic_fetch_add(&s->taken[j], 1) == 0;
    int before = atomic_exchange(&s->last[job->chain], (int)j + 1);
    good = good && (job->first ? before == 0 : before > 0 && s->jobs->jobs[before - 1].next == j);
    atomic_fetch_sub(&s->running[job->chain], 1);
    fnas_path_jobs_done(s->jobs, job);
    return good ? FNAS_OK : fnas_fail(context, FNAS_ERR_INTERNAL, "job %lld out of turn", (long long)j);
}

/* More threads than chains, and fewer: each job once, one of a chain at a time, in the chain's order. */
static void test_threads(void **state) {
    fnas_test_place *place = *state;
    fnas_path_jobs jobs;
    assert_status(FNAS_OK, fnas_path_jobs_create(place->context, MOST, &jobs));
    for (int64_t threads = 1; threads <= 6; threads++) {
        fnas_team *team;
        assert_status(FNAS_OK, fnas_team_create(place->context, threads, NULL, &team));
        for (uint64_t seed = 0; seed < 50; seed++) {
            drawn d;
            shared s = {.jobs = &jobs};
            draw(seed, MOST, 64, &d);
            plan(&d, 1 + (int64_t)seed % CHAINS, &jobs);
            assert_status(FNAS_OK, fnas_team_run(place->context, team, jobs.count, take_one, &s));
            for (int64_t j = 0; j < jobs.count; j++) assert_int_equal(atomic_load(&s.taken[j]), 1);
        }
        fnas_team_destroy(team);
    }
    fnas_path_jobs_free(&jobs);
}

static bool any_idle(const fnas_path_jobs *jobs) {
    for (int64_t c = 0; c < jobs->chain_count; c++)
        if (!jobs->chains[c].busy && jobs->chains[c].next >= 0) return true;
    return false;
}

/* Two threads that take jobs as they get idle, the time of a job being its cost: how much sooner they are done than one. */
static double speed_up(fnas_path_jobs *jobs) {
    double at[2] = {0, 0}, total = 0;
    const fnas_path_job *held[2] = {NULL, NULL};
    for (int64_t j = 0; j < jobs->count; j++) total += jobs->jobs[j].cost;
    for (int64_t done = 0; done < jobs->count; done++) {
        int64_t thread = at[1] < at[0];
        if (held[thread]) fnas_path_jobs_done(jobs, held[thread]);
        if (!any_idle(jobs)) { /* it waits for the other one */
            at[thread] = at[!thread];
            fnas_path_jobs_done(jobs, held[!thread]);
            held[!thread] = NULL;
        }
        held[thread] = fnas_path_jobs_take(jobs);
        at[thread] += held[thread]->cost;
    }
    return total / (at[0] > at[1] ? at[0] : at[1]);
}

/* Thirteen different paths whose costs differ up to thirty times, as a cell of convolutions and one of skips do. */
static void test_balance(void **state) {
    fnas_test_place *place = *state;
    fnas_path_jobs jobs;
    assert_status(FNAS_OK, fnas_path_jobs_create(place->context, MOST, &jobs));
    double sum = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        drawn d;
        fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 1, 0);
        draw(seed, 13, 64, &d);
        for (int64_t p = 0; p < 13; p++) {
            for (int64_t i = 0; i < DECISIONS; i++) d.choices[p * DECISIONS + i] = (int32_t)p;
            d.costs[p] = 1 + 29 * fnas_random_uniform(&random);
        }
        plan(&d, CHAINS, &jobs);
        double gain = speed_up(&jobs);
        assert_true(gain > 1.8);
        sum += gain / 200;
    }
    assert_true(sum > 1.95);
    fnas_path_jobs_free(&jobs);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_plan), fnas_test(test_threads), fnas_test(test_balance)};
    return cmocka_run_group_tests_name("path_jobs", tests, NULL, NULL);
}
