/* Paths of one update: drawn by the hypernetwork and the sampler, run on the supernet. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "search/searcher.h"
#include "space/space.h"

/* ---- drawing ---- */

int64_t fnas_stream_step(const fnas_searcher *searcher, fnas_purpose purpose) {
    return FNAS_PURPOSE_COUNT * searcher->state->step + purpose;
}

/* Some paths that train the supernet are drawn uniformly: every fourth with a fraction of a quarter, and so on, of those that are not the
 * largest network. Counted device by device, from another place each step: counted path by path, a fraction of 3/4 and four devices would
 * leave the first device all that the hypernetwork draws. */
static bool trains_uniformly(const fnas_searcher *searcher, int64_t path) {
    const fnas_search_state *state = searcher->state;
    double fraction = fnas_schedule_uniform_fraction(searcher->config, state->step, state->total_steps);
    int64_t devices = searcher->config->device_count, largest = searcher->config->largest_paths, other = path - largest;
    int64_t rounds = (searcher->config->paths - largest + devices - 1) / devices;
    int64_t place = other % devices * rounds + other / devices + state->step;
    return floor((double)(place + 1) * fraction) > floor((double)place * fraction);
}

/* Every other observed path is uniform too: the error model must know the whole space, and most of all what the hypernetwork favours. */
static bool is_uniform(const fnas_searcher *searcher, fnas_purpose purpose, int64_t path) {
    if (purpose == FNAS_PURPOSE_WEIGHTS) return trains_uniformly(searcher, path);
    return purpose == FNAS_PURPOSE_OBSERVE && path % 2 == 1;
}

/* The first ones, since they teach the others. */
static bool is_largest(const fnas_searcher *searcher, fnas_purpose purpose, int64_t path) {
    return purpose == FNAS_PURPOSE_WEIGHTS && path < searcher->config->largest_paths;
}

/* None while the largest is alone. */
static int64_t teachers_of(const fnas_searcher *searcher, fnas_purpose purpose, int64_t count) {
    const fnas_search_config *config = searcher->config;
    bool teach = purpose == FNAS_PURPOSE_WEIGHTS && config->largest_paths < count && fnas_search_largest_teaches(config);
    return teach ? config->largest_paths : 0;
}

/* What devices' paths come first changes where fewer are observed than there may be devices, and where the first paths are the largest
 * network, in the place of what the hypernetwork would draw for their devices. There a turn lasts as many steps as there are paths, so that
 * it falls in with no fraction of uniform paths (trains_uniformly goes on by one a step): a device's would all be uniform. */
static int64_t device_turn(const fnas_searcher *searcher, fnas_purpose purpose) {
    int64_t step = searcher->state->step;
    if (purpose == FNAS_PURPOSE_OBSERVE) return step;
    return is_largest(searcher, purpose, 0) ? step / searcher->config->paths : 0;
}

static void draw_sample(fnas_searcher *searcher, fnas_purpose purpose, int64_t path) {
    fnas_paths *paths = &searcher->paths;
    int64_t onehot = searcher->onehot;
    fnas_random random = fnas_random_begin(searcher->config->seed, FNAS_STREAM_SAMPLE, fnas_stream_step(searcher, purpose),
                                           paths->stream[path]);
    int32_t *choices = paths->choices + path * searcher->decisions;
    if (is_largest(searcher, purpose, path)) {
        fnas_space_largest(searcher->run->space, choices);
        fnas_space_to_onehot(searcher->run->space, choices, paths->onehot + path * onehot);
        return;
    }
    if (is_uniform(searcher, purpose, path)) memset(paths->logits + path * onehot, 0, (size_t)onehot * sizeof(double));
    double temperature = fnas_schedule_temperature(searcher->config, searcher->state->step, searcher->state->total_steps);
    fnas_sample(searcher->config->sampler, searcher->run->space, temperature, paths->logits + path * onehot, &random, choices,
                paths->soft + path * onehot);
    fnas_space_to_onehot(searcher->run->space, choices, paths->onehot + path * onehot);
}

void fnas_paths_draw(fnas_searcher *searcher, fnas_purpose purpose, int64_t count, int64_t first_device, int64_t device_count) {
    fnas_paths *paths = &searcher->paths;
    int64_t objectives = searcher->config->objective_count, embedding = searcher->embedding;
    int64_t turn = device_turn(searcher, purpose);
    /* Apart from other rounds even where --update sample gives one device all paths. */
    int64_t round_begins = searcher->round * searcher->config->paths * (1 + searcher->config->judged_paths) *
                           searcher->config->device_count;
    paths->count = count;
    paths->share_count = 0;
    paths->teacher_count = teachers_of(searcher, purpose, count);
    for (int64_t p = 0; p < count; p++) {
        /* A device's n-th path has one number in the streams, so that it draws the same whatever --update makes of the others, and the
         * rounds of --update sequential draw apart. */
        int64_t device = first_device + (p + turn) % device_count;
        paths->device[p] = device;
        paths->stream[p] = round_begins + p / device_count * searcher->config->device_count + device;
        fnas_random random = fnas_random_begin(searcher->config->seed, FNAS_STREAM_PREFERENCE, fnas_stream_step(searcher, purpose),
                                               paths->stream[p]);
        fnas_random_simplex(&random, objectives, paths->preference + p * objectives);
        memcpy(paths->embedding + p * embedding, searcher->run->embeddings + device * embedding, (size_t)embedding * sizeof(double));
    }
    fnas_hypernet_forward(&searcher->state->shape, searcher->state->hypernet, count, paths->preference, paths->embedding, paths->workspace,
                          paths->logits);
    for (int64_t p = 0; p < count; p++) draw_sample(searcher, purpose, p);
}

/* ---- running ---- */

typedef struct run_task {
    fnas_searcher *searcher;
    fnas_purpose purpose;
    int64_t begun_chains; /* the first ones, whose gradients hold something already */
    pthread_mutex_t lock; /* guards what follows */
    fnas_context *context;
    fnas_status status;
    int64_t failed; /* the first path that failed; the number of paths when none did */
} run_task;

/* Of paths first .. behind - 1. Such as add to no common array need no order, and each is a chain of its own. */
static void plan_jobs(fnas_searcher *searcher, fnas_purpose purpose, int64_t first, int64_t behind) {
    fnas_paths *paths = &searcher->paths;
    for (int64_t p = first; p < behind; p++) {
        int64_t macs = fnas_space_macs(searcher->run->supernet, paths->choices + p * searcher->decisions);
        paths->cost[p] = (double)macs * (double)paths->examples[p];
    }
    fnas_path_jobs_plan(&searcher->jobs, first, behind, searcher->decisions, paths->choices, paths->first_example, paths->examples,
                        paths->cost, purpose == FNAS_PURPOSE_WEIGHTS ? searcher->config->groups : paths->count);
}

/* Of all that fail the first path is named, whoever ran it. */
static void record_failure(run_task *task, fnas_context *worker_context, int64_t path, fnas_status status) {
    pthread_mutex_lock(&task->lock);
    if (path < task->failed) {
        task->failed = path;
        task->status = fnas_fail(task->context, status, "%s", fnas_context_message(worker_context));
    }
    pthread_mutex_unlock(&task->lock);
}

/* An item of the team is a ticket for one job: which one depends on what is idle. All are run whatever fails. */
static fnas_status run_job(fnas_context *context, void *user, int64_t ticket, int64_t worker) {
    (void)ticket;
    run_task *task = user;
    fnas_searcher *searcher = task->searcher;
    const fnas_path_job *job = fnas_path_jobs_take(&searcher->jobs);
    if (task->purpose == FNAS_PURPOSE_WEIGHTS && job->first && job->chain >= task->begun_chains)
        memset(searcher->group_gradient[job->chain], 0, (size_t)searcher->state->weights.float_count * sizeof(float));
    fnas_status status = searcher->runner->run(context, searcher, task->purpose, job, worker);
    if (status != FNAS_OK) record_failure(task, context, job->path, status);
    fnas_path_jobs_done(&searcher->jobs, job);
    return FNAS_OK;
}

static void copy_outcomes(fnas_searcher *searcher, int64_t first, int64_t behind) {
    fnas_paths *paths = &searcher->paths;
    for (int64_t p = first; p < behind; p++) {
        int64_t source = searcher->jobs.source[p], onehot = searcher->onehot;
        if (source == p) continue;
        paths->cross_entropy[p] = paths->cross_entropy[source];
        paths->correct[p] = paths->correct[source];
        memcpy(paths->gate_gradient + p * onehot, paths->gate_gradient + source * onehot, (size_t)onehot * sizeof(double));
    }
}

#define REDUCE_CHUNK 16384

/* A fixed binary tree across the chains; threads take slices of the array. */
static fnas_status reduce_slice(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)context;
    (void)worker;
    const run_task *task = user;
    fnas_searcher *searcher = task->searcher;
    int64_t total = searcher->state->weights.float_count, chains = task->begun_chains;
    int64_t first = item * REDUCE_CHUNK, last = first + REDUCE_CHUNK < total ? first + REDUCE_CHUNK : total;
    for (int64_t stride = 1; stride < chains; stride *= 2) {
        for (int64_t g = 0; g + stride < chains; g += 2 * stride) {
            float *restrict into = searcher->group_gradient[g];
            const float *restrict from = searcher->group_gradient[g + stride];
            for (int64_t i = first; i < last; i++) into[i] += from[i];
        }
    }
    return FNAS_OK;
}

/* Paths first .. behind - 1. */
static fnas_status run_jobs(fnas_context *context, run_task *task, int64_t first, int64_t behind) {
    fnas_searcher *searcher = task->searcher;
    plan_jobs(searcher, task->purpose, first, behind);
    FNAS_TRY(fnas_team_run(context, searcher->team, searcher->jobs.count, run_job, task));
    FNAS_TRY(task->status);
    copy_outcomes(searcher, first, behind);
    if (searcher->jobs.chain_count > task->begun_chains) task->begun_chains = searcher->jobs.chain_count;
    return FNAS_OK;
}

/* Those who teach go first. What all see is known before: a path may weigh by how much that is. */
static fnas_status run_all(fnas_context *context, run_task *task) {
    fnas_searcher *searcher = task->searcher;
    int64_t teachers = searcher->paths.teacher_count;
    for (int64_t p = 0; p < searcher->paths.count; p++) searcher->runner->share(searcher, task->purpose, p);
    if (teachers > 0) FNAS_TRY(run_jobs(context, task, 0, teachers));
    FNAS_TRY(run_jobs(context, task, teachers, searcher->paths.count));
    if (task->purpose != FNAS_PURPOSE_WEIGHTS) return FNAS_OK;
    int64_t slices = (searcher->state->weights.float_count + REDUCE_CHUNK - 1) / REDUCE_CHUNK;
    return fnas_team_run(context, searcher->team, slices, reduce_slice, task);
}

fnas_status fnas_paths_run(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose) {
    run_task task = {.searcher = searcher, .purpose = purpose, .context = context, .status = FNAS_OK, .failed = searcher->paths.count};
    pthread_mutex_init(&task.lock, NULL);
    fnas_status status = run_all(context, &task);
    pthread_mutex_destroy(&task.lock);
    for (int64_t p = 0; p < searcher->paths.count; p++) searcher->examples_run += searcher->paths.examples[p];
    return status;
}
