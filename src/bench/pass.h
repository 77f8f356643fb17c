/* One pass of one path, forward and backward: the unit of work of a search with a supernet. */
#ifndef FNAS_BENCH_PASS_H
#define FNAS_BENCH_PASS_H

#include "bench/bench.h"
#include "bench/subject.h"

typedef struct fnas_pass_setup {
    const char *cell; /* of NAS-Bench-201, as fnas_subject_cell takes it; NULL: a sub-network of MobileNetV3 */
    int64_t channels, cells;
    bool all_edges;   /* nothing is left out of the recording */
    const char *arch; /* of MobileNetV3, as fnas_subnet_choose takes it */
    int64_t resolution;
    const char *width; /* "1.2" */
    int64_t images;
    bool weights, gates; /* which gradients are wanted */
    fnas_compute_type type;
    uint64_t seed;
} fnas_pass_setup;

typedef struct fnas_pass {
    fnas_pass_setup setup;
    fnas_subject subject;
    int32_t *choices;
    fnas_net *net;
    fnas_worker worker;
    float *weight_gradient;     /* [parameters.float_count]: NULL unless wanted */
    double *gate_gradient;      /* [one-hot size]: NULL unless wanted */
    float *logits;              /* [images][classes] */
    fnas_node_profile *profile; /* borrowed: where the next runs add up their nodes; NULL: nowhere */
    fnas_path_result result;    /* of the last run */
} fnas_pass;

/* The keys of problems that are passes of a cell, what they and those of sub-networks mean, and whether a pass like that is possible. */
extern const fnas_problem_key fnas_pass_keys[];
fnas_pass_setup fnas_pass_setup_of(const fnas_bench *bench, const fnas_problem *problem);
FNAS_NODISCARD fnas_status fnas_pass_check_problem(fnas_context *context, const fnas_problem *problem);

/* On failure there is still something to free. */
FNAS_NODISCARD fnas_status fnas_pass_create(fnas_context *context, const fnas_pass_setup *setup, fnas_pass *pass);
void fnas_pass_free(fnas_pass *pass);

/* One run on all images; gradients are added to. */
FNAS_NODISCARD fnas_status fnas_pass_run(fnas_context *context, fnas_pass *pass);
/* Gradients to zero. */
void fnas_pass_clear(fnas_pass *pass);

/* The problem of a family: checks, times, adds a row. */
FNAS_NODISCARD fnas_status fnas_pass_run_problem(fnas_bench *bench, const fnas_problem *problem);

/* Runs passes like this one on a few images, by the engine and by the naive operators in double precision: the loss of the whole network,
 * and loss and gradients with one cell a stage; of a sub-network both, on its smallest images. *error is the largest difference over what
 * is allowed; FNAS_ERR_NUMERIC above 1. */
FNAS_NODISCARD fnas_status fnas_pass_check(fnas_context *context, const fnas_pass_setup *setup, double *error);

/* Runs once on all images, and writes what was computed with what: so that another program can do the same and compare. */
FNAS_NODISCARD fnas_status fnas_pass_dump(fnas_context *context, fnas_pass *pass, const char *path);

#endif
