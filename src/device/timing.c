/* Protocol: each architecture is prepared and run a few times; then come rounds, each of which times every architecture once in an order
 * drawn for it, so that a disturbance hits all alike; one architecture returns many times a round and shows drift. Networks are kept
 * prepared as long as memory allows; beyond that, architectures are taken in parts, each with its own rounds. */
#include "device/timing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/statistics.h"
#include "compute/engine.h"
#include "device/child.h"
#include "device/rapl.h"
#include "device/timed.h"

#define PART_BYTES ((size_t)512 << 20) /* of prepared networks at a time */
#define REPEATS_MAX 256
#define SHORT_MS 1.0 /* shorter networks run once untimed before each sample: the others' leavings in the cache weigh most on them */

enum { SAMPLE_CPU, SAMPLE_WALL, SAMPLE_ENERGY, SAMPLE_KINDS };

static int64_t sample_kinds(const fnas_timing_plan *plan) {
    return SAMPLE_KINDS + plan->part_count;
}

enum { MESSAGE_FACTS, MESSAGE_SAMPLES, MESSAGE_DRIFT };

/* ---- the child ---- */

typedef struct timed_network {
    fnas_timed_network network;
    int64_t repeats;
    bool is_short;
} timed_network;

typedef struct timer_state {
    fnas_context *context;
    const fnas_timing_plan *plan;
    fnas_child_port *port;
    fnas_timed_source source;
    timed_network drift;
    timed_network *networks; /* of a part */
    double *samples;         /* [part][kinds][rounds]: CPU, wall, energy, then the networks' parts */
    double *part_ms;         /* [part_count] of the last sample */
    int64_t *order;
    fnas_rapl rapl; /* count 0: no energies are asked for */
    int64_t done;   /* units of progress */
} timer_state;

typedef struct sample {
    double cpu_ms, wall_ms;
    double energy_mj; /* 0 where it is not asked for */
} sample;

static fnas_status run_once(timer_state *timer, const timed_network *network) {
    return fnas_timed_run(timer->context, &timer->source, &network->network);
}

static fnas_status take_sample(timer_state *timer, const timed_network *network, sample *taken) {
    if (network->is_short) FNAS_TRY(run_once(timer, network));
    double before_mj = 0, after_mj = 0;
    FNAS_TRY(fnas_rapl_read(timer->context, &timer->rapl, &before_mj));
    double wall_ms = fnas_wall_ms(), cpu_ms = fnas_thread_cpu_ms();
    for (int64_t i = 0; i < network->repeats; i++) FNAS_TRY(run_once(timer, network));
    taken->cpu_ms = (fnas_thread_cpu_ms() - cpu_ms) / (double)network->repeats;
    taken->wall_ms = (fnas_wall_ms() - wall_ms) / (double)network->repeats;
    FNAS_TRY(fnas_rapl_read(timer->context, &timer->rapl, &after_mj));
    taken->energy_mj = (after_mj - before_mj) / (double)network->repeats;
    return FNAS_OK;
}

static fnas_status take_part_sample(timer_state *timer, const timed_network *network) {
    if (network->is_short) FNAS_TRY(run_once(timer, network));
    return fnas_timed_run_parts(timer->context, &timer->source, &network->network, network->repeats, timer->part_ms);
}

/* Runs it a few times, and learns from the fastest run how many make a sample: one that was preempted would make all samples of this
 * network single, cold runs. */
static fnas_status warm_up(timer_state *timer, timed_network *network) {
    double run_ms = INFINITY;
    network->repeats = 1;
    for (int run = 0; run < FNAS_TIMING_WARM_UP_RUNS; run++) {
        sample taken;
        FNAS_TRY(take_sample(timer, network, &taken));
        run_ms = fmin(run_ms, taken.wall_ms);
    }
    FNAS_TRY(fnas_timed_check(timer->context, &timer->source));
    run_ms = fmax(run_ms, 1e-4);
    network->is_short = run_ms < SHORT_MS;
    network->repeats = timer->rapl.count ? (int64_t)ceil(FNAS_TIMING_ENERGY_SAMPLE_MS / run_ms)
                                         : (int64_t)fmin(ceil(FNAS_TIMING_SAMPLE_MS / run_ms), REPEATS_MAX);
    return FNAS_OK;
}

static fnas_status prepare_network(timer_state *timer, const int32_t *choices, timed_network *network) {
    FNAS_TRY(fnas_timed_prepare(timer->context, &timer->source, choices, &network->network));
    return warm_up(timer, network);
}

static void release_networks(timer_state *timer, int64_t count) {
    for (int64_t i = 0; i < count; i++) fnas_timed_release(&timer->source, &timer->networks[i].network);
    memset(timer->networks, 0, (size_t)count * sizeof *timer->networks);
}

static void advance(timer_state *timer, int64_t units) {
    timer->done += units;
    fnas_child_progress(timer->port, timer->done, timer->plan->count * (timer->plan->rounds + 1));
}

/* Prepares architectures from `first` on until memory is used up; *count of them. */
static fnas_status prepare_part(timer_state *timer, int64_t first, int64_t *count) {
    const fnas_timing_plan *plan = timer->plan;
    size_t bytes = 0;
    *count = 0;
    while (first + *count < plan->count && (bytes < PART_BYTES || *count == 0)) {
        timed_network *network = &timer->networks[(*count)++];
        FNAS_TRY(prepare_network(timer, plan->choices + (first + *count - 1) * plan->space->decision_count, network));
        bytes += fnas_timed_bytes(&timer->source, &network->network);
        advance(timer, 1);
    }
    return FNAS_OK;
}

static fnas_status time_drift(timer_state *timer) {
    sample taken;
    FNAS_TRY(take_sample(timer, &timer->drift, &taken));
    return fnas_child_send(timer->context, timer->port, MESSAGE_DRIFT, &taken, sizeof taken);
}

static fnas_status time_round(timer_state *timer, int64_t first, int64_t count, int64_t round) {
    int64_t rounds = timer->plan->rounds;
    fnas_random random = fnas_random_begin(timer->plan->seed, FNAS_STREAM_MEASURE, 2 + round, first);
    fnas_random_permutation(&random, count, timer->order);
    for (int64_t i = 0; i < count; i++) {
        int64_t network = timer->order[i];
        sample taken;
        if (i % FNAS_TIMING_DRIFT_EVERY == 0) FNAS_TRY(time_drift(timer));
        FNAS_TRY(take_sample(timer, &timer->networks[network], &taken));
        double *samples = timer->samples + network * sample_kinds(timer->plan) * rounds;
        samples[SAMPLE_CPU * rounds + round] = taken.cpu_ms;
        samples[SAMPLE_WALL * rounds + round] = taken.wall_ms;
        samples[SAMPLE_ENERGY * rounds + round] = taken.energy_mj;
        advance(timer, 1);
    }
    return FNAS_OK;
}

/* On turns of their own: behind the whole network's the weights would lie in the cache, as they do not behind another network. */
static fnas_status time_parts(timer_state *timer, int64_t first, int64_t count, int64_t round) {
    int64_t rounds = timer->plan->rounds, parts = timer->plan->part_count;
    if (parts == 0) return FNAS_OK;
    fnas_random random = fnas_random_begin(timer->plan->seed, FNAS_STREAM_MEASURE, 2 + rounds + round, first);
    fnas_random_permutation(&random, count, timer->order);
    for (int64_t i = 0; i < count; i++) {
        int64_t network = timer->order[i];
        double *samples = timer->samples + (network * sample_kinds(timer->plan) + SAMPLE_KINDS) * rounds;
        FNAS_TRY(take_part_sample(timer, &timer->networks[network]));
        for (int64_t p = 0; p < parts; p++) samples[p * rounds + round] = timer->part_ms[p];
    }
    return FNAS_OK;
}

static fnas_status send_samples(timer_state *timer, int64_t count) {
    int64_t doubles = sample_kinds(timer->plan) * timer->plan->rounds;
    size_t bytes = (size_t)doubles * sizeof *timer->samples;
    for (int64_t i = 0; i < count; i++)
        FNAS_TRY(fnas_child_send(timer->context, timer->port, MESSAGE_SAMPLES, timer->samples + i * doubles, bytes));
    return FNAS_OK;
}

static fnas_status time_part(timer_state *timer, int64_t first, int64_t *count) {
    FNAS_TRY(prepare_part(timer, first, count));
    for (int64_t round = 0; round < timer->plan->rounds; round++) {
        FNAS_TRY(time_round(timer, first, *count, round));
        FNAS_TRY(time_parts(timer, first, *count, round));
    }
    return send_samples(timer, *count);
}

static fnas_status send_facts(timer_state *timer) {
    char facts[2][FNAS_TIMING_TEXT_BYTES] = {{0}};
    snprintf(facts[0], sizeof facts[0], "%s", timer->plan->runtime->isa());
    timer->plan->runtime->version(facts[1], sizeof facts[1]);
    return fnas_child_send(timer->context, timer->port, MESSAGE_FACTS, facts, sizeof facts);
}

static fnas_status start_timer(timer_state *timer) {
    const fnas_timing_plan *plan = timer->plan;
    fnas_engine_prepare_thread(0);
    if (strcmp(plan->isa, "native") != 0) FNAS_TRY(fnas_backend_limit_isa(timer->context, plan->isa));
    if (plan->energy_folder) FNAS_TRY(fnas_rapl_open(timer->context, plan->energy_folder, &timer->rapl));
    FNAS_TRY(send_facts(timer));
    FNAS_TRY(fnas_timed_source_create(timer->context, plan, &timer->source));
    timer->networks = fnas_allocate((size_t)plan->count, sizeof *timer->networks);
    timer->samples = fnas_allocate((size_t)(plan->count * plan->rounds), (size_t)sample_kinds(plan) * sizeof *timer->samples);
    timer->part_ms = fnas_allocate((size_t)plan->part_count, sizeof *timer->part_ms);
    timer->order = fnas_allocate((size_t)plan->count, sizeof *timer->order);
    if (!timer->networks || !timer->samples || !timer->part_ms || !timer->order) return fnas_fail_memory(timer->context, "timing");
    return prepare_network(timer, plan->drift_choices, &timer->drift);
}

static fnas_status time_all(timer_state *timer) {
    FNAS_TRY(start_timer(timer));
    for (int64_t first = 0, count = 0; first < timer->plan->count; first += count) {
        FNAS_TRY(time_part(timer, first, &count));
        release_networks(timer, count);
    }
    return FNAS_OK;
}

typedef struct timing_parent {
    const fnas_timing_plan *plan;
    fnas_timing_result *result;
    int64_t received;
    sample *drift;
    size_t drift_count, drift_capacity;
} timing_parent;

/* What it holds goes with the process. */
static fnas_status timing_job(fnas_context *context, fnas_child_port *port, void *user) {
    timer_state timer = {.context = context, .plan = ((const timing_parent *)user)->plan, .port = port};
    return time_all(&timer);
}

/* ---- the parent ---- */

static fnas_status receive_facts(const timing_parent *parent, const char *data) {
    memcpy(parent->result->isa, data, FNAS_TIMING_TEXT_BYTES);
    memcpy(parent->result->version, data + FNAS_TIMING_TEXT_BYTES, FNAS_TIMING_TEXT_BYTES);
    parent->result->isa[FNAS_TIMING_TEXT_BYTES - 1] = parent->result->version[FNAS_TIMING_TEXT_BYTES - 1] = '\0';
    return FNAS_OK;
}

static fnas_status receive_energies(fnas_context *context, timing_parent *parent, const double *energy_mj, int64_t at) {
    memcpy(parent->result->energy_mj + at, energy_mj, (size_t)parent->plan->rounds * sizeof *energy_mj);
    double median_mj = fnas_median(energy_mj, parent->plan->rounds);
    if (median_mj > 0 && isfinite(median_mj)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "%s: the energy counters did not move while a network ran: they are of no use here",
                     parent->plan->stage);
}

static fnas_status receive_samples(fnas_context *context, timing_parent *parent, const void *data) {
    int64_t rounds = parent->plan->rounds, at = parent->received * rounds;
    if (parent->received == parent->plan->count)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the child process sends too much", parent->plan->stage);
    memcpy(parent->result->cpu_ms + at, data, (size_t)rounds * sizeof(double));
    memcpy(parent->result->wall_ms + at, (const double *)data + rounds, (size_t)rounds * sizeof(double));
    for (int64_t i = at; i < at + rounds; i++)
        if (!(parent->result->cpu_ms[i] > 0) || !(parent->result->wall_ms[i] > 0) || !isfinite(parent->result->cpu_ms[i]) ||
            !isfinite(parent->result->wall_ms[i]))
            return fnas_fail(context, FNAS_ERR_NUMERIC, "%s: a time of %g ms (wall %g ms) was measured: the clock is of no use",
                             parent->plan->stage, parent->result->cpu_ms[i], parent->result->wall_ms[i]);
    if (parent->result->energy_mj) FNAS_TRY(receive_energies(context, parent, (const double *)data + SAMPLE_ENERGY * rounds, at));
    int64_t parts = parent->plan->part_count;
    if (parts)
        memcpy(parent->result->part_ms + at * parts, (const double *)data + SAMPLE_KINDS * rounds,
               (size_t)(parts * rounds) * sizeof(double));
    parent->received++;
    return FNAS_OK;
}

static fnas_status receive_drift(fnas_context *context, timing_parent *parent, const void *data) {
    if (parent->drift_count > (size_t)(parent->plan->count * parent->plan->rounds))
        return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the child process sends too much", parent->plan->stage);
    void *drift = parent->drift;
    bool grown = fnas_grow(&drift, &parent->drift_capacity, parent->drift_count + 1, sizeof *parent->drift);
    parent->drift = drift;
    if (!grown) return fnas_fail_memory(context, parent->plan->stage);
    memcpy(&parent->drift[parent->drift_count++], data, sizeof(sample));
    return FNAS_OK;
}

static fnas_status timing_receive(fnas_context *context, void *user, uint32_t type, const void *data, size_t size_bytes) {
    timing_parent *parent = user;
    if (type == MESSAGE_FACTS && size_bytes == 2 * FNAS_TIMING_TEXT_BYTES) return receive_facts(parent, data);
    if (type == MESSAGE_DRIFT && size_bytes == sizeof(sample)) return receive_drift(context, parent, data);
    if (type == MESSAGE_SAMPLES && size_bytes == (size_t)(parent->plan->rounds * sample_kinds(parent->plan)) * sizeof(double)) {
        double *aligned = fnas_allocate(size_bytes, 1); /* the pipe's buffer is not */
        if (!aligned) return fnas_fail_memory(context, parent->plan->stage);
        memcpy(aligned, data, size_bytes);
        fnas_status status = receive_samples(context, parent, aligned);
        fnas_free(aligned);
        return status;
    }
    return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the child process sent a malformed message", parent->plan->stage);
}

double fnas_timing_statistic(int64_t threads, int64_t count, const double *cpu_ms, const double *wall_ms) {
    return threads == 1 ? fnas_quantile(cpu_ms, count, 0) : fnas_median(wall_ms, count);
}

double fnas_timing_drift(int64_t threads, int64_t count, const double *cpu_ms, const double *wall_ms) {
    int64_t third = count / 3, last = count - third;
    if (third == 0) return 0;
    return fnas_timing_statistic(threads, third, cpu_ms + last, wall_ms + last) / fnas_timing_statistic(threads, third, cpu_ms, wall_ms) -
           1;
}

static fnas_status find_drift(fnas_context *context, timing_parent *parent) {
    double *times = fnas_allocate(parent->drift_count, 2 * sizeof *times);
    if (!times) return fnas_fail_memory(context, parent->plan->stage);
    for (size_t i = 0; i < parent->drift_count; i++) {
        times[i] = parent->drift[i].cpu_ms;
        times[parent->drift_count + i] = parent->drift[i].wall_ms;
    }
    parent->result->drift = fnas_timing_drift(parent->plan->threads, (int64_t)parent->drift_count, times, times + parent->drift_count);
    fnas_free(times);
    return FNAS_OK;
}

static fnas_status run_child(fnas_context *context, timing_parent *parent) {
    fnas_child_task task = {.stage = parent->plan->stage, .job = timing_job, .receiver = timing_receive, .user = parent};
    FNAS_TRY(fnas_child_run(context, &task));
    if (parent->received != parent->plan->count || !parent->result->version[0])
        return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the child process ended without a full result", parent->plan->stage);
    return find_drift(context, parent);
}

fnas_status fnas_timing_result_allocate(fnas_context *context, const fnas_timing_plan *plan, bool with_energy, fnas_timing_result *result) {
    size_t samples;
    result->count = plan->count;
    result->rounds = plan->rounds;
    if (!fnas_size_multiply((size_t)plan->count, (size_t)plan->rounds, &samples)) return fnas_fail_memory(context, plan->stage);
    result->cpu_ms = fnas_allocate(samples, sizeof *result->cpu_ms);
    result->wall_ms = fnas_allocate(samples, sizeof *result->wall_ms);
    if (with_energy) result->energy_mj = fnas_allocate(samples, sizeof *result->energy_mj);
    if (plan->part_count) result->part_ms = fnas_allocate(samples, (size_t)plan->part_count * sizeof *result->part_ms);
    bool allocated = result->cpu_ms && result->wall_ms && (result->energy_mj || !with_energy) && (result->part_ms || !plan->part_count);
    return allocated ? FNAS_OK : fnas_fail_memory(context, plan->stage);
}

fnas_status fnas_timing_run(fnas_context *context, const fnas_timing_plan *plan, fnas_timing_result *result) {
    memset(result, 0, sizeof *result);
    FNAS_TRY(fnas_timing_result_allocate(context, plan, plan->energy_folder != NULL, result));
    timing_parent parent = {.plan = plan, .result = result};
    fnas_status status = run_child(context, &parent);
    fnas_free(parent.drift);
    return status;
}

void fnas_timing_result_free(fnas_timing_result *result) {
    fnas_free(result->cpu_ms);
    fnas_free(result->wall_ms);
    fnas_free(result->energy_mj);
    fnas_free(result->part_ms);
    result->cpu_ms = result->wall_ms = result->energy_mj = result->part_ms = NULL;
}
