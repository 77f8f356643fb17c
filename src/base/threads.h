/* A fixed team of threads that takes whole items. */
#ifndef FNAS_BASE_THREADS_H
#define FNAS_BASE_THREADS_H

#include "base/error.h"

typedef struct fnas_team fnas_team;

/* Work on item `item` by worker `worker` (0 <= worker < workers). A worker has its own context for messages. */
typedef fnas_status fnas_team_function(fnas_context *worker_context, void *user, int64_t item, int64_t worker);

/* `workers` in 1..256. The calling thread is worker 0. Each thread flushes denormals (results do not depend on which thread ran an item);
 * the caller does so until it destroys the team, which it should do itself: a thread that only runs it is left as it was.
 * on_start runs once on each worker, to set up libraries that keep settings a thread (OpenMP, BLAS); it may be NULL. */
FNAS_NODISCARD fnas_status fnas_team_create(fnas_context *context, int64_t workers, void (*on_start)(int64_t worker), fnas_team **team);
void fnas_team_destroy(fnas_team *team);

/* Runs function on items 0..count-1, each once, handed out in order; returns when all are done. The first failing item's (smallest
 * index) status and message are passed up into `context`; nothing more is handed out after a failure. Outcomes must not depend on which
 * worker took which item. A function must not run the same team again. The worker's context sees a stop request made to `context`. */
FNAS_NODISCARD fnas_status fnas_team_run(fnas_context *context, fnas_team *team, int64_t count, fnas_team_function *function, void *user);

/* Sets FTZ and DAZ (x86) or FZ (aarch64) for the calling thread; returns what fnas_restore_denormals takes to undo it. */
uint64_t fnas_flush_denormals(void);
void fnas_restore_denormals(uint64_t before);

#endif
