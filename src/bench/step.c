/* A step of the hypernetwork for all devices without a supernet: draws, latency predictor, sampler's gradient, min-norm point, Adam. */
#include <string.h>

#include "base/memory.h"
#include "bench/drill.h"
#include "bench/families.h"
#include "bench/graph_predictor.h"
#include "bench/measure.h"
#include "bench/operator.h"
#include "nn/optimiser.h"
#include "space/space.h"

#define DEVICES_MOST 64
#define PREFERENCES_MOST 64

/* With the predictor of the reference's shape in the place of the search's own. */
typedef struct graph_step {
    fnas_drill drill;
    fnas_graph_predictor *predictor; /* NULL: the search's own */
    double *latency, *gradient;      /* [paths], [paths][one-hot] */
    double *diff_logits;             /* [one-hot] */
} graph_step;

static fnas_status step_create(fnas_bench *bench, const fnas_problem *problem, graph_step *step) {
    int64_t devices = fnas_problem_count(problem, "devices"), preferences = fnas_problem_count(problem, "preferences");
    int64_t paths = devices * preferences;
    fnas_drill_setup setup = {
        .devices = devices, .preferences = preferences, .channels = 16, .cells = 1, .images = 2, .seed = bench->options->seed};
    FNAS_TRY(fnas_drill_create(bench->context, &setup, &step->drill));
    if (fnas_problem_is(problem, "predictor", "own")) return FNAS_OK;
    FNAS_TRY(fnas_graph_predictor_create(bench->context, setup.seed, paths, devices, &step->predictor));
    step->latency = fnas_allocate((size_t)paths, sizeof(double));
    step->gradient = fnas_allocate((size_t)(paths * FNAS_GRAPH_ONEHOT), sizeof(double));
    step->diff_logits = fnas_allocate(FNAS_GRAPH_ONEHOT, sizeof(double));
    if (!step->latency || !step->gradient || !step->diff_logits) return fnas_fail_memory(bench->context, "a step");
    fnas_graph_predictor_devices(step->predictor, devices, step->drill.run->embeddings);
    return FNAS_OK;
}

static void step_free(graph_step *step) {
    fnas_graph_predictor_free(step->predictor);
    fnas_free(step->latency);
    fnas_free(step->gradient);
    fnas_free(step->diff_logits);
    fnas_drill_free(&step->drill);
}

/* ---- with the graph predictor: as search/update.c, with the latency alone ---- */

/* The device's gradient of r_2 times its latency. */
static void add_path(graph_step *step, int64_t path) {
    fnas_searcher *searcher = &step->drill.searcher;
    const fnas_paths *paths = &searcher->paths;
    const fnas_search_state *state = searcher->state;
    int64_t onehot = searcher->onehot, objectives = state->shape.objectives;
    double *diff_onehot = step->gradient + path * onehot, weight = paths->preference[path * objectives + objectives - 1];
    for (int64_t i = 0; i < onehot; i++) diff_onehot[i] *= weight;
    fnas_sample_backward(searcher->config->sampler, searcher->run->space, 1.0, paths->logits + path * onehot,
                         paths->choices + path * searcher->decisions, paths->soft + path * onehot, diff_onehot, step->diff_logits);
    fnas_gradients_add(&searcher->gradients, paths->device[path], state->hypernet, paths->preference + path * objectives,
                       paths->workspace + path * fnas_hypernet_workspace_floats(&state->shape, 1), step->diff_logits);
}

static fnas_status run_graph(fnas_context *context, graph_step *step) {
    fnas_searcher *searcher = &step->drill.searcher;
    const fnas_paths *paths = &searcher->paths;
    int64_t devices = searcher->config->device_count;
    fnas_paths_draw(searcher, FNAS_PURPOSE_HYPERNET, searcher->config->paths, 0, devices);
    searcher->state->step++;
    fnas_graph_predictor_gradient(step->predictor, paths->count, paths->choices, paths->device, step->latency, step->gradient);
    for (int64_t t = 0; t < devices; t++)
        fnas_gradients_begin(&searcher->gradients, t, searcher->run->embeddings + t * searcher->embedding);
    for (int64_t p = 0; p < paths->count; p++) add_path(step, p);
    for (int64_t t = 0; t < devices; t++) fnas_gradients_settle(&searcher->gradients, t, searcher->state->hypernet);
    return fnas_step_hypernet(context, searcher, 0, devices);
}

static fnas_status run_again(fnas_context *context, void *user) {
    graph_step *step = user;
    return step->predictor ? run_graph(context, step) : fnas_drill_hypernet(context, &step->drill);
}

/* ---- the problem ---- */

static fnas_status step_run(fnas_bench *bench, const fnas_problem *problem) {
    graph_step step = {0};
    fnas_row row;
    double before_mb = fnas_memory_begin();
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = step_create(bench, problem, &step);
    if (status == FNAS_OK) status = fnas_measure(bench, run_again, &step, &row);
    if (status == FNAS_OK) fnas_row_figure_add(&row, "memory_mb", fnas_memory_peak_mb() - before_mb);
    step_free(&step);
    return fnas_bench_end(bench, status, &row);
}

static const fnas_problem_key step_keys[] = {
    {"devices", FNAS_KEY_COUNT, "13", 1, DEVICES_MOST, NULL, "made-up"},
    {"preferences", FNAS_KEY_COUNT, "1", 1, PREFERENCES_MOST, NULL, "a device: paths"},
    {"predictor", FNAS_KEY_CHOICE, "graph", 0, 0, "graph|own",
     "of latency: a graph network of the reference's shape, or the search's own (with the error model besides)"},
    FNAS_PRECISION_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_step = {
    .name = "step",
    .summary = "a step of the hypernetwork without a supernet: preferences, table hypernetwork, ReinMax, latency predictor, gradients, "
               "min-norm point, Adam; on one thread",
    .keys = step_keys,
    .run = step_run,
};
