/* Fronts of many devices at once: preferences through the hypernetwork, decoded, with their latencies predicted. */
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "bench/drill.h"
#include "bench/families.h"
#include "bench/graph_predictor.h"
#include "bench/measure.h"
#include "bench/operator.h"
#include "space/space.h"

#define DEVICES_MOST 64
#define PREFERENCES_MOST 512

typedef struct fronts {
    fnas_drill drill;
    fnas_graph_predictor *predictor; /* NULL: the search's own */
    int64_t devices, preferences, count, decisions, onehot;
    double *preference, *embedding, *logits, *latency; /* [count][2], [count][embedding], [count][one-hot], [count] */
    float *workspace;
    int32_t *choices; /* [count][decisions] */
    int64_t *device;  /* [count] */
} fronts;

static fnas_status fronts_arrays(fnas_context *context, fronts *all) {
    const fnas_hypernet_shape *shape = &all->drill.searcher.state->shape;
    all->preference = fnas_allocate((size_t)(all->count * shape->objectives), sizeof(double));
    all->embedding = fnas_allocate((size_t)(all->count * shape->embedding), sizeof(double));
    all->logits = fnas_allocate((size_t)(all->count * all->onehot), sizeof(double));
    all->latency = fnas_allocate((size_t)all->count, sizeof(double));
    all->workspace = fnas_allocate((size_t)fnas_hypernet_workspace_floats(shape, all->count), sizeof(float));
    all->choices = fnas_allocate((size_t)(all->count * all->decisions), sizeof(int32_t));
    all->device = fnas_allocate((size_t)all->count, sizeof(int64_t));
    bool complete = all->preference && all->embedding && all->logits && all->latency && all->workspace && all->choices && all->device;
    return complete ? FNAS_OK : fnas_fail_memory(context, "fronts");
}

/* Device by device, preferences from one end to the other. */
static void fronts_fill(fronts *all) {
    int64_t embedding = all->drill.searcher.state->shape.embedding;
    for (int64_t i = 0; i < all->count; i++) {
        double r = all->preferences > 1 ? (double)(i % all->preferences) / (double)(all->preferences - 1) : 0.5;
        all->device[i] = i / all->preferences;
        all->preference[2 * i] = r;
        all->preference[2 * i + 1] = 1 - r;
        memcpy(all->embedding + i * embedding, all->drill.run->embeddings + all->device[i] * embedding, (size_t)embedding * sizeof(double));
    }
}

static fnas_status fronts_create(fnas_bench *bench, const fnas_problem *problem, fronts *all) {
    all->devices = fnas_problem_count(problem, "devices");
    all->preferences = fnas_problem_count(problem, "preferences");
    all->count = all->devices * all->preferences;
    fnas_drill_setup setup = {
        .devices = all->devices, .preferences = 1, .channels = 16, .cells = 1, .images = 2, .seed = bench->options->seed};
    FNAS_TRY(fnas_drill_create(bench->context, &setup, &all->drill));
    all->decisions = all->drill.searcher.decisions;
    all->onehot = all->drill.searcher.onehot;
    FNAS_TRY(fronts_arrays(bench->context, all));
    fronts_fill(all);
    if (fnas_problem_is(problem, "predictor", "own")) return FNAS_OK;
    return fnas_graph_predictor_create(bench->context, setup.seed, all->count, all->devices, &all->predictor);
}

static void fronts_free(fronts *all) {
    fnas_graph_predictor_free(all->predictor);
    fnas_free(all->preference);
    fnas_free(all->embedding);
    fnas_free(all->logits);
    fnas_free(all->latency);
    fnas_free(all->workspace);
    fnas_free(all->choices);
    fnas_free(all->device);
    fnas_drill_free(&all->drill);
}

static fnas_status predict_own(fnas_context *context, fronts *all) {
    for (int64_t t = 0; t < all->devices; t++) {
        int64_t first = t * all->preferences;
        FNAS_TRY(fnas_latency_model_predict(context, all->drill.searcher.objectives.latency[t], all->preferences,
                                            all->choices + first * all->decisions, all->latency + first));
    }
    return FNAS_OK;
}

/* What is known of a device is worked out anew each time: a query begins with nothing. */
static fnas_status run_again(fnas_context *context, void *user) {
    fronts *all = user;
    const fnas_search_state *state = all->drill.searcher.state;
    fnas_hypernet_forward(&state->shape, state->hypernet, all->count, all->preference, all->embedding, all->workspace, all->logits);
    for (int64_t i = 0; i < all->count; i++)
        fnas_space_decode(all->drill.run->space, all->logits + i * all->onehot, all->choices + i * all->decisions);
    if (!all->predictor) return predict_own(context, all);
    fnas_graph_predictor_devices(all->predictor, all->devices, all->drill.run->embeddings);
    fnas_graph_predictor_predict(all->predictor, all->count, all->choices, all->device, all->latency);
    return FNAS_OK;
}

static fnas_status fronts_run(fnas_bench *bench, const fnas_problem *problem) {
    fronts all = {0};
    fnas_row row;
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = fronts_create(bench, problem, &all);
    if (status == FNAS_OK) status = fnas_measure(bench, run_again, &all, &row);
    if (status == FNAS_OK) fnas_row_figure_add(&row, "answers_per_s", (double)all.count / fnas_row_ms(&row) * 1e3);
    fronts_free(&all);
    return fnas_bench_end(bench, status, &row);
}

static const fnas_problem_key fronts_keys[] = {
    {"preferences", FNAS_KEY_COUNT, "24", 1, PREFERENCES_MOST, NULL, "a device"},
    {"devices", FNAS_KEY_COUNT, "19", 1, DEVICES_MOST, NULL, "made-up"},
    {"predictor", FNAS_KEY_CHOICE, "graph", 0, 0, "graph|own", "of latency: a graph network of the reference's shape, or the search's own"},
    FNAS_PRECISION_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_fronts = {
    .name = "fronts",
    .summary = "an architecture with its latency for each preference of each device, from the table hypernetwork; on one thread",
    .keys = fronts_keys,
    .run = fronts_run,
};
