/* Setting up what the steps of a search work with. */
#include "search/searcher.h"

#include "base/memory.h"
#include "space/space.h"

/* A zeroed array, or false in *good. */
static void *room(bool *good, int64_t count, size_t size) {
    void *memory = fnas_allocate((size_t)count, size);
    if (!memory) *good = false;
    return memory;
}

static int64_t paths_most(const fnas_search_config *config) {
    int64_t most = config->paths * (1 + config->judged_paths), sandwiched = config->sandwiches * config->sandwich_paths;
    if (config->observed_paths > most) most = config->observed_paths;
    return sandwiched > most ? sandwiched : most;
}

static bool paths_allocate(fnas_searcher *searcher) {
    fnas_paths *paths = &searcher->paths;
    const fnas_search_config *config = searcher->config;
    int64_t count = paths_most(config), onehot = searcher->onehot;
    bool good = true;
    paths->device = room(&good, count, sizeof(int64_t));
    paths->stream = room(&good, count, sizeof(int64_t));
    paths->preference = room(&good, count * config->objective_count, sizeof(double));
    paths->embedding = room(&good, count * searcher->embedding, sizeof(double));
    paths->logits = room(&good, count * onehot, sizeof(double));
    paths->soft = room(&good, count * onehot, sizeof(double));
    paths->onehot = room(&good, count * onehot, sizeof(double));
    paths->choices = room(&good, count * searcher->decisions, sizeof(int32_t));
    paths->cross_entropy = room(&good, count, sizeof(double));
    paths->correct = room(&good, count, sizeof(int64_t));
    paths->examples = room(&good, count, sizeof(int64_t));
    paths->first_example = room(&good, count, sizeof(int64_t));
    paths->cost = room(&good, count, sizeof(double));
    paths->gate_gradient = room(&good, count * onehot, sizeof(double));
    paths->workspace = room(&good, fnas_hypernet_workspace_floats(&searcher->state->shape, count), sizeof(float));
    return good;
}

static bool gradients_allocate(fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    bool good = true;
    searcher->group_gradient = room(&good, config->groups, sizeof(float *));
    if (!good) return false;
    for (int64_t g = 0; g < config->groups; g++)
        searcher->group_gradient[g] = room(&good, searcher->state->weights.float_count, sizeof(float));
    return good;
}

static bool buffers_allocate(fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    int64_t devices = config->device_count;
    bool good = true;
    searcher->gradient_scratch = room(&good, (config->objective_count + 2) * searcher->onehot, sizeof(double));
    searcher->gram = room(&good, devices * devices, sizeof(double));
    searcher->minnorm_weights = room(&good, devices, sizeof(double));
    searcher->minnorm_workspace = room(&good, 2 * devices, sizeof(double));
    return good;
}

static fnas_status workers_create(fnas_context *context, fnas_searcher *searcher) {
    searcher->worker_count = fnas_context_threads(context);
    if (searcher->worker_count > searcher->config->groups) searcher->worker_count = searcher->config->groups;
    searcher->workers = fnas_allocate((size_t)searcher->worker_count, sizeof *searcher->workers);
    if (!searcher->workers) return fnas_fail_memory(context, "workers");
    for (int64_t w = 0; w < searcher->worker_count; w++)
        FNAS_TRY(fnas_worker_create(context, searcher->config->precision, &searcher->workers[w]));
    return fnas_team_create(context, searcher->worker_count, fnas_engine_prepare_thread, &searcher->team);
}

#define SCALE_ARCHITECTURES 200

/* Chebyshev's distance is measured from the least that is possible: below it the error would weigh nothing, and what errs less than all
 * random architectures would not be searched for. Where a space knows its largest network, nothing is expected to err less. */
static void add_largest(fnas_searcher *searcher, int32_t *choices) {
    if (searcher->config->scalarise != FNAS_SCALARISE_CHEBYSHEV || !fnas_space_largest(searcher->run->space, choices)) return;
    fnas_space_to_onehot(searcher->run->space, choices, searcher->scale_onehot + searcher->scale_count++ * searcher->onehot);
}

static fnas_status scale_create(fnas_context *context, fnas_searcher *searcher) {
    searcher->scale_onehot = fnas_allocate((size_t)((SCALE_ARCHITECTURES + 1) * searcher->onehot), sizeof(double));
    searcher->scale_losses = fnas_allocate(SCALE_ARCHITECTURES + 1, sizeof(double));
    int32_t *choices = fnas_allocate((size_t)searcher->decisions, sizeof *choices);
    bool good = searcher->scale_onehot && searcher->scale_losses && choices;
    for (int64_t i = 0; good && i < SCALE_ARCHITECTURES; i++) {
        fnas_space_random(searcher->run->space, 0, i, choices);
        fnas_space_to_onehot(searcher->run->space, choices, searcher->scale_onehot + i * searcher->onehot);
    }
    searcher->scale_count = SCALE_ARCHITECTURES;
    if (good) add_largest(searcher, choices);
    fnas_free(choices);
    return good ? FNAS_OK : fnas_fail_memory(context, "the scale of the error");
}

/* What the supernet's passes need. */
static fnas_status supernet_create(fnas_context *context, fnas_searcher *searcher) {
    searcher->runner = fnas_search_translates(searcher->config) ? &fnas_paths_on_sentences : &fnas_paths_on_images;
    FNAS_TRY(searcher->runner->create(context, searcher));
    FNAS_TRY(scale_create(context, searcher));
    FNAS_TRY(fnas_path_jobs_create(context, paths_most(searcher->config), &searcher->jobs));
    if (!gradients_allocate(searcher)) return fnas_fail_memory(context, "the search");
    return workers_create(context, searcher);
}

fnas_status fnas_searcher_create(fnas_context *context, fnas_run *run, const fnas_examples *examples, fnas_searcher *searcher) {
    *searcher = (fnas_searcher){.run = run, .config = &run->config, .state = &run->state, .examples = examples};
    searcher->onehot = fnas_space_onehot_size(run->space);
    searcher->decisions = fnas_space_decision_count(run->space);
    searcher->embedding = run->state.shape.embedding;
    FNAS_TRY(fnas_objectives_create(context, searcher->config, run->space, run->predictor, run->energy_predictor, run->surrogate,
                                    run->cards, &searcher->objectives));
    FNAS_TRY(fnas_gradients_create(context, &searcher->state->shape, searcher->config->device_count, &searcher->gradients));
    if (!paths_allocate(searcher) || !buffers_allocate(searcher)) return fnas_fail_memory(context, "the search");
    return fnas_search_has_supernet(searcher->config) ? supernet_create(context, searcher) : FNAS_OK;
}

static void free_arrays(float **arrays, int64_t count) {
    for (int64_t i = 0; arrays && i < count; i++) fnas_free(arrays[i]);
    fnas_free(arrays);
}

void fnas_searcher_free(fnas_searcher *searcher) {
    fnas_paths *paths = &searcher->paths;
    void *owned[] = {paths->device,
                     paths->stream,
                     paths->preference,
                     paths->embedding,
                     paths->logits,
                     paths->soft,
                     paths->onehot,
                     paths->choices,
                     paths->cross_entropy,
                     paths->correct,
                     paths->examples,
                     paths->first_example,
                     paths->cost,
                     paths->gate_gradient,
                     paths->workspace,
                     searcher->gram,
                     searcher->scale_onehot,
                     searcher->scale_losses,
                     searcher->minnorm_weights,
                     searcher->minnorm_workspace,
                     searcher->gradient_scratch};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) fnas_free(owned[i]);
    if (searcher->config) {
        free_arrays(searcher->group_gradient, searcher->config->groups);
    }
    fnas_path_jobs_free(&searcher->jobs);
    fnas_gradients_free(&searcher->gradients);
    fnas_objectives_free(&searcher->objectives);
    if (searcher->runner) searcher->runner->free(searcher);
    fnas_team_destroy(searcher->team);
    for (int64_t w = 0; searcher->workers && w < searcher->worker_count; w++) fnas_worker_destroy(&searcher->workers[w]);
    fnas_free(searcher->workers);
    *searcher = (fnas_searcher){0};
}
