/* A training step of a latency predictor of the reference's shape, with the making of its batch. */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "bench/families.h"
#include "bench/graph_predictor.h"
#include "bench/measure.h"
#include "bench/operator.h"

#define ARCHITECTURES 15625
#define RATE 4e-4

typedef struct training {
    fnas_graph_predictor *predictor;
    int64_t batch, devices, step;
    uint64_t seed;
    float *latency;    /* [devices][ARCHITECTURES] */
    double *embedding; /* [devices][EMBEDDING] */
    int32_t *choices;  /* [batch][EDGES] */
    double *targets;   /* [batch] */
    double loss;
} training;

static fnas_status training_create(fnas_bench *bench, const fnas_problem *problem, training *all) {
    all->batch = fnas_problem_count(problem, "batch");
    all->devices = fnas_problem_count(problem, "devices");
    all->seed = bench->options->seed;
    FNAS_TRY(fnas_graph_predictor_create(bench->context, all->seed, all->batch, all->devices, &all->predictor));
    all->latency = fnas_allocate((size_t)all->devices * ARCHITECTURES, sizeof(float));
    all->embedding = fnas_allocate((size_t)all->devices * FNAS_GRAPH_EMBEDDING, sizeof(double));
    all->choices = fnas_allocate((size_t)all->batch * FNAS_GRAPH_EDGES, sizeof(int32_t));
    all->targets = fnas_allocate((size_t)all->batch, sizeof(double));
    if (!all->latency || !all->embedding || !all->choices || !all->targets) return fnas_fail_memory(bench->context, "training");
    fnas_random random = fnas_random_begin(all->seed, FNAS_STREAM_SYNTHETIC, 0, 2);
    for (int64_t i = 0; i < all->devices * ARCHITECTURES; i++) all->latency[i] = (float)fnas_random_uniform(&random);
    for (int64_t i = 0; i < all->devices * FNAS_GRAPH_EMBEDDING; i++) all->embedding[i] = fnas_random_uniform(&random);
    return FNAS_OK;
}

static void training_free(training *all) {
    fnas_graph_predictor_free(all->predictor);
    fnas_free(all->latency);
    fnas_free(all->embedding);
    fnas_free(all->choices);
    fnas_free(all->targets);
}

static fnas_status run_again(fnas_context *context, void *user) {
    training *all = user;
    int64_t device = fnas_graph_predictor_draw(all->seed, all->step++, all->devices, all->latency, all->batch, all->choices, all->targets);
    all->loss = fnas_graph_predictor_loss(all->predictor, all->batch, all->choices, all->embedding + device * FNAS_GRAPH_EMBEDDING,
                                          all->targets);
    fnas_graph_predictor_update(all->predictor, RATE);
    if (isfinite(all->loss)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "predictor-training: the loss of step %lld is not finite", (long long)all->step);
}

static fnas_status training_run(fnas_bench *bench, const fnas_problem *problem) {
    training all = {0};
    fnas_row row;
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = training_create(bench, problem, &all);
    if (status == FNAS_OK) status = fnas_measure(bench, run_again, &all, &row);
    if (status == FNAS_OK) fnas_row_figure_add(&row, "loss", all.loss);
    training_free(&all);
    return fnas_bench_end(bench, status, &row);
}

static const fnas_problem_key training_keys[] = {
    {"batch", FNAS_KEY_COUNT, "64", 1, 4096, NULL, "architectures a step"},
    {"devices", FNAS_KEY_COUNT, "13", 1, 64, NULL, "that batches are drawn from"},
    FNAS_PRECISION_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_predictor_training = {
    .name = "predictor-training",
    .summary = "a training step of a graph network of the reference's shape: batch, loss, gradient, clipping, Adam; on one thread",
    .keys = training_keys,
    .run = training_run,
};
