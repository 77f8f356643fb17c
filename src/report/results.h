/* Scores of a protocol in memory, and what is said of them. */
#ifndef FNAS_REPORT_RESULTS_H
#define FNAS_REPORT_RESULTS_H

#include "base/memory.h"
#include "fleetnas/results.h"

/* What a method may spend. */
typedef enum fnas_budget {
    FNAS_BUDGET_MINUTES,    /* of a search for all devices */
    FNAS_BUDGET_EVALUATIONS /* of true objectives, for each device */
} fnas_budget;

/* One score. */
typedef struct fnas_result {
    const char *file, *objectives, *method, *device;
    fnas_budget budget;
    double amount; /* of the budget */
    int64_t seed;
    double hypervolume, true_hypervolume, ratio;
} fnas_result;

/* A method with what it may spend: a line of a table. */
typedef struct fnas_contender {
    const char *objectives, *method;
    fnas_budget budget;
    double amount;
    int64_t count;
    const fnas_result *results; /* [count] by seed, then device */
} fnas_contender;

/* What a stage of one search took. */
typedef struct fnas_stage_time {
    const char *method, *stage;
    double minutes; /* the search's budget */
    int64_t seed;
    double seconds;
} fnas_stage_time;

#define FNAS_RESULTS_LINES_MOST 64             /* side by side: stages, methods, budgets of one method, numbers of evaluations */
#define FNAS_TWO_OBJECTIVES "error+latency_ms" /* those of the table over all devices */
#define FNAS_SHARED_STAGE "shared"             /* the method of stages that serve all searches */

struct fnas_results {
    fnas_arena *arena; /* of all that follows */
    int64_t searched_count, device_count;
    const char **devices; /* [device_count]: those that were searched, then the unseen ones */
    int64_t count;
    fnas_result *items;
    int64_t contender_count;
    fnas_contender *contenders; /* two objectives first, then more; minutes before evaluations, by amount, by method */
    int64_t time_count;
    fnas_stage_time *times;
    int64_t scored; /* configurations ever scored; -1: not told */
};

/* That pages have room for all contenders: FNAS_ERR_INPUT with the file of the first that has none, and the limit. */
FNAS_NODISCARD fnas_status fnas_results_check_room(fnas_context *context, const fnas_results *results);

/* Reads what fnas_results_open promises, without sorting. The arena is there. */
FNAS_NODISCARD fnas_status fnas_results_read(fnas_context *context, const char *folder, const char *scored, fnas_results *results);

/* A mean over seeds of the mean over devices. */
typedef struct fnas_seed_mean {
    double mean, error; /* NaN: no seed with all devices; the standard error s / sqrt(n), NaN with one seed */
    int64_t seeds;
} fnas_seed_mean;
fnas_seed_mean fnas_results_mean(const fnas_contender *contender, int64_t device_count, const char *const *devices);

/* A copy in the arena of what is [count] elements of size bytes long; NULL when out of memory. */
void *fnas_results_keep(const fnas_results *results, const void *data, size_t count, size_t size);

#endif
