/* Hypervolumes of fronts. */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "bench/families.h"
#include "bench/measure.h"
#include "bench/operator.h"
#include "fleetnas/front.h"

#define OBJECTIVES_MOST 8
#define REFERENCE 1.1

typedef struct volume_task {
    int64_t count, objectives;
    double *points; /* [count][objectives] */
    double reference[OBJECTIVES_MOST];
    double volume;
} volume_task;

/* Uniform on the simplex: none dominates another. */
static fnas_status task_create(fnas_context *context, int64_t count, int64_t objectives, uint64_t seed, volume_task *task) {
    *task = (volume_task){count, objectives, fnas_allocate((size_t)(count * objectives), sizeof(double)), {0}, 0};
    if (!task->points) return fnas_fail_memory(context, "points");
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_SYNTHETIC, 0, 3);
    for (int64_t i = 0; i < count; i++) fnas_random_simplex(&random, objectives, task->points + i * objectives);
    for (int64_t k = 0; k < objectives; k++) task->reference[k] = REFERENCE;
    return FNAS_OK;
}

static fnas_status run_again(fnas_context *context, void *user) {
    volume_task *task = user;
    return fnas_front_hypervolume(context, task->count, task->objectives, task->points, task->reference, &task->volume);
}

/* ---- checking: some of the points against the share of random places that they dominate ---- */

#define CHECK_POINTS 200
#define CHECK_PLACES 200000
#define CHECK_DEVIATIONS 5.0 /* of the share: chance goes beyond in one of a million checks */

static bool is_dominated(const volume_task *task, const double *place) {
    for (int64_t i = 0; i < task->count; i++) {
        int64_t k = 0;
        while (k < task->objectives && task->points[i * task->objectives + k] <= place[k]) k++;
        if (k == task->objectives) return true;
    }
    return false;
}

static fnas_status check_some(fnas_context *context, const volume_task *task, uint64_t seed, double *error) {
    volume_task some = *task;
    some.count = task->count < CHECK_POINTS ? task->count : CHECK_POINTS;
    FNAS_TRY(run_again(context, &some));
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_SYNTHETIC, 0, 4);
    double dominated = 0, place[OBJECTIVES_MOST], whole = pow(REFERENCE, (double)task->objectives);
    for (int64_t i = 0; i < CHECK_PLACES; i++) {
        for (int64_t k = 0; k < task->objectives; k++) place[k] = REFERENCE * fnas_random_uniform(&random);
        dominated += is_dominated(&some, place);
    }
    double share = some.volume / whole, deviation = sqrt(share * (1 - share) / CHECK_PLACES);
    *error = fabs(dominated / CHECK_PLACES - share) / (CHECK_DEVIATIONS * deviation);
    if (*error <= 1) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "hypervolume: %g of the box, random places say %g", share, dominated / CHECK_PLACES);
}

/* ---- the problem ---- */

static fnas_status volume_run(fnas_bench *bench, const fnas_problem *problem) {
    volume_task task = {0};
    fnas_row row;
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = task_create(bench->context, fnas_problem_count(problem, "points"), fnas_problem_count(problem, "objectives"),
                                     bench->options->seed, &task);
    if (status == FNAS_OK) status = check_some(bench->context, &task, bench->options->seed, &row.error);
    if (status == FNAS_OK) status = fnas_measure(bench, run_again, &task, &row);
    if (status == FNAS_OK) fnas_row_figure_add(&row, "volume", task.volume);
    row.precision = "f64";
    fnas_free(task.points);
    return fnas_bench_end(bench, status, &row);
}

static const fnas_problem_key volume_keys[] = {
    {"points", FNAS_KEY_COUNT, "10000", 1, 1000000, NULL, "none of which dominates another"},
    {"objectives", FNAS_KEY_COUNT, "2", 2, OBJECTIVES_MOST, NULL, "beyond three, the time grows steeply with the points"},
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_hypervolume = {
    .name = "hypervolume", .summary = "the hypervolume of a front; on one thread", .keys = volume_keys, .run = volume_run};
