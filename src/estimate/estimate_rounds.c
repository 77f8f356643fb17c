/* Rounds of trainings: which, in which order, and how long there is time for more. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/sort.h"
#include "estimate/acquire.h"
#include "estimate/estimate.h"

#define RANDOM_ROUNDS 3 /* before the first regression */
#define LAST_S 10       /* kept free of trainings, for the last regression */

/* ---- one round ---- */

static void draw_random(fnas_estimate *state, int64_t count, int64_t *chosen) {
    int64_t round = state->trainings.archs.count / FNAS_ESTIMATE_ROUND;
    fnas_random random = fnas_random_begin(state->options->seed, FNAS_STREAM_ESTIMATE, round, 0);
    for (int64_t i = 0; i < count; i++) {
        do chosen[i] = fnas_random_below(&random, state->candidates.archs.count);
        while (state->trained[chosen[i]]);
        state->trained[chosen[i]] = true;
    }
}

/* What promises most; at random where there is too little to go by, or nothing is promised. */
static fnas_status choose_round(fnas_estimate *state, int64_t count, int64_t *chosen) {
    int64_t found = 0;
    if (state->trainings.archs.count < RANDOM_ROUNDS * FNAS_ESTIMATE_ROUND) {
        fnas_estimate_collect(state);
    } else {
        FNAS_TRY(fnas_estimate_judge(state));
        FNAS_TRY(fnas_acquire(state->context, &state->candidates, state->mean, state->deviation, state->trained, count, chosen, &found));
        for (int64_t i = 0; i < found; i++) state->trained[chosen[i]] = true;
    }
    draw_random(state, count - found, chosen + found);
    return FNAS_OK;
}

/* The long trainings first, so that no thread waits long for the last. */
static void order_round(const fnas_estimate *state, int64_t count, int64_t *chosen) {
    fnas_keyed items[FNAS_ESTIMATE_ROUND], buffer[FNAS_ESTIMATE_ROUND];
    for (int64_t i = 0; i < count; i++)
        items[i] = (fnas_keyed){-(double)fnas_space_macs(state->proxy, fnas_arch_set_at(&state->candidates.archs, chosen[i])), chosen[i]};
    fnas_sort_keyed(count, items, buffer);
    for (int64_t i = 0; i < count; i++) chosen[i] = items[i].index;
}

static fnas_status train_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    fnas_estimate *state = user;
    fnas_trainer *trainer = &state->trainers[worker];
    /* On the thread that will use it: the engine takes over the thread's settings. */
    if (!trainer->worker.engine) FNAS_TRY(fnas_trainer_create(context, &state->plan, trainer));
    const int32_t *choices = state->round_choices + item * state->candidates.archs.decisions;
    return fnas_trainer_run(context, &state->plan, trainer, choices, &state->round_curves[item]);
}

/* Seconds that are left for trainings of those that the options give. */
static double left_s(const fnas_estimate *state) {
    return 60 * state->options->minutes - state->earlier_s - (fnas_wall_ms() - state->begin_ms) / 1000 - LAST_S;
}

/* Whether a round more would end in time, if it took as long as the last. Without any there is nothing to go by. */
static bool has_time(const fnas_estimate *state) {
    return !(state->options->minutes > 0) || state->trainings.archs.count < FNAS_ESTIMATE_TRAININGS_LEAST ||
           left_s(state) > state->trainings.round_s;
}

/* Trainings in all, as far as can be told. */
static int64_t expected_trainings(const fnas_estimate *state) {
    if (!(state->options->minutes > 0) || !(state->trainings.round_s > 0)) return state->trainings_most;
    double rounds = fmax(0, left_s(state)) / state->trainings.round_s;
    return (int64_t)fmin((double)state->trainings_most, (double)state->trainings.archs.count + FNAS_ESTIMATE_ROUND * floor(rounds));
}

static void report(const fnas_estimate *state) {
    double elapsed_s = (fnas_wall_ms() - state->begin_ms) / 1000;
    fnas_progress progress = {
        .stage = "trainings", .done = state->trainings.archs.count, .total = expected_trainings(state), .elapsed_s = elapsed_s, .text = ""};
    fnas_report_progress(state->context, &progress);
}

fnas_status fnas_estimate_keep_seconds(fnas_estimate *state, int64_t count) {
    double now_ms = fnas_wall_ms(), seconds = (now_ms - state->kept_ms) / 1000;
    state->kept_ms = now_ms;
    return fnas_trainings_add(state->context, state->space, &state->trainings, count, state->round_choices, state->round_curves, seconds);
}

static fnas_status train_round(fnas_estimate *state, int64_t count) {
    int64_t chosen[FNAS_ESTIMATE_ROUND], decisions = state->candidates.archs.decisions;
    FNAS_TRY(choose_round(state, count, chosen));
    order_round(state, count, chosen);
    for (int64_t i = 0; i < count; i++)
        memcpy(state->round_choices + i * decisions, fnas_arch_set_at(&state->candidates.archs, chosen[i]),
               (size_t)decisions * sizeof(int32_t));
    FNAS_TRY(fnas_team_run(state->context, state->team, count, train_item, state));
    return fnas_estimate_keep_seconds(state, count);
}

fnas_status fnas_estimate_train(fnas_estimate *state) {
    while (state->trainings.archs.count < state->trainings_most && has_time(state)) {
        int64_t left = state->trainings_most - state->trainings.archs.count;
        report(state);
        FNAS_TRY(train_round(state, left < FNAS_ESTIMATE_ROUND ? left : FNAS_ESTIMATE_ROUND));
    }
    if (state->ingredients.trainings) report(state);
    return FNAS_OK;
}
