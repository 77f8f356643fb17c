/* Which paths of an update are computed, and in which order their gradients are added.
 *
 * Paths with equal choices and equal examples are one job. Jobs stand in chains: those of a chain run one after the other, so that they can
 * add to one array, and which they are depends on their costs alone. Threads take whatever chain is idle: sums have the same bits for any
 * number of threads, and no thread idles while there is more than one chain with work left. */
#ifndef FNAS_SEARCH_SUPERNET_PATH_JOBS_H
#define FNAS_SEARCH_SUPERNET_PATH_JOBS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

typedef struct fnas_path_job {
    int64_t path;   /* the first of those that are equal */
    int64_t copies; /* how many those are */
    double cost;    /* of one of them */
    int64_t chain;
    int64_t next; /* behind it in the chain; -1: the last */
    bool first;   /* of its chain */
} fnas_path_job;

typedef struct fnas_path_chain {
    int64_t next; /* job, -1: none is left */
    double rest;  /* cost of what is left */
    bool busy;
} fnas_path_chain;

typedef struct fnas_path_jobs {
    int64_t capacity, count, chain_count;
    fnas_path_job *jobs;     /* [count], the costly ones first */
    fnas_path_chain *chains; /* [chain_count] */
    int64_t *source;         /* [paths]: the path whose outcome is also this one's */
    pthread_mutex_t lock;    /* guards the chains while jobs are taken */
    pthread_cond_t freed;
} fnas_path_jobs;

/* Room for `capacity` paths. */
FNAS_NODISCARD fnas_status fnas_path_jobs_create(fnas_context *context, int64_t capacity, fnas_path_jobs *jobs);
void fnas_path_jobs_free(fnas_path_jobs *jobs); /* also when create failed, or zeroed */

/* For paths first .. behind - 1, of all of which the arrays tell: choices [paths][decisions], examples first_example[p] ... and
 * example_counts[p] of them, and costs; in at most chains_most chains. */
void fnas_path_jobs_plan(fnas_path_jobs *jobs, int64_t first, int64_t behind, int64_t decisions, const int32_t *choices,
                         const int64_t *first_example, const int64_t *example_counts, const double *costs, int64_t chains_most);

/* A job whose chain is idle; waits for one. To be called `count` times, each time followed by done. Thread-safe. */
const fnas_path_job *fnas_path_jobs_take(fnas_path_jobs *jobs);
void fnas_path_jobs_done(fnas_path_jobs *jobs, const fnas_path_job *job);

#endif
