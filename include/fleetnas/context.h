/* Context, status codes, messages and progress: what every other call needs. */
#ifndef FLEETNAS_CONTEXT_H
#define FLEETNAS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FNAS_API __attribute__((visibility("default")))
#define FNAS_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#define FNAS_NODISCARD __attribute__((warn_unused_result))
#else
#define FNAS_API
#define FNAS_PRINTF(format_index, first_index)
#define FNAS_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One line a status: X(enumerator, exit code of the command, text). */
#define FNAS_STATUS_LIST(X)                                                                                                                \
    X(FNAS_OK, 0, "done")                                                                                                                  \
    X(FNAS_ERR_USAGE, 1, "wrong usage")                                                                                                    \
    X(FNAS_ERR_INPUT, 2, "bad input")                                                                                                      \
    X(FNAS_ERR_UNSUPPORTED, 2, "not supported on this machine")                                                                            \
    X(FNAS_ERR_IO, 3, "input/output failed")                                                                                               \
    X(FNAS_ERR_MEMORY, 3, "out of memory")                                                                                                 \
    X(FNAS_ERR_NUMERIC, 4, "numeric failure")                                                                                              \
    X(FNAS_ERR_INFEASIBLE, 5, "no architecture satisfies the limits")                                                                      \
    X(FNAS_ERR_INTERNAL, 4, "internal error")                                                                                              \
    X(FNAS_INTERRUPTED, 130, "interrupted, checkpoint written")

typedef enum fnas_status {
#define FNAS_STATUS_ENUM(name, exit_code, text) name,
    FNAS_STATUS_LIST(FNAS_STATUS_ENUM)
#undef FNAS_STATUS_ENUM
} fnas_status;

/* Short English text of a status. Never NULL; static storage. Thread-safe. */
FNAS_API const char *fnas_status_text(fnas_status status);

/* Exit code that a command should end with for this status (0, 1, 2, 3, 4, 5 or 130). Thread-safe. */
FNAS_API int fnas_status_exit_code(fnas_status status);

/* What a library call works within: its last error message, its log, its progress, its wish to stop.
 * One context may be used by one thread at a time, except fnas_context_request_stop(). Long calls work with denormal numbers flushed to
 * zero; the calling thread treats them as before when they return. */
typedef struct fnas_context fnas_context;

typedef enum fnas_log_level { FNAS_LOG_WARNING, FNAS_LOG_INFO, FNAS_LOG_DEBUG } fnas_log_level;

/* Receives one log line without a newline; `text` is borrowed for the call. */
typedef void fnas_log_function(void *user, fnas_log_level level, const char *text);

/* One report of long work. `text` says what stands beside the bar (losses, rates). */
typedef struct fnas_progress {
    const char *stage;   /* "search", "measure blas-f32", ... */
    int64_t done, total; /* in units of work; total 0 when unknown */
    double elapsed_s;    /* since the stage began */
    const char *text;    /* may be "" */
} fnas_progress;

typedef void fnas_progress_function(void *user, const fnas_progress *progress);

/* Creates a context that neither logs nor reports. Owned by the caller; release with
 * fnas_context_destroy(). Errors: FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_context_create(fnas_context **context);
FNAS_API void fnas_context_destroy(fnas_context *context); /* NULL is allowed */

/* The message of the last failed call: names the file, line, field or value at fault and what to do.
 * "" when nothing failed. Borrowed; valid until the next call with this context. */
FNAS_API const char *fnas_context_message(const fnas_context *context);

/* Where log lines and reports of progress go from now on; NULL: nowhere. `user` is handed to the function and borrowed for as long as it is
 * set. Log lines may come from worker threads, one at a time; progress comes from the thread that made the call. Cannot fail. */
FNAS_API void fnas_context_set_log(fnas_context *context, fnas_log_function *function, void *user);
FNAS_API void fnas_context_set_progress(fnas_context *context, fnas_progress_function *function, void *user);

/* Number of worker threads for long work: 1..256; 0 means one a processor (the default). */
FNAS_API void fnas_context_set_threads(fnas_context *context, int64_t threads);
FNAS_API int64_t fnas_context_threads(const fnas_context *context);

/* Asks running work to finish its step, save and return FNAS_INTERRUPTED. Async-signal-safe; but a thread that calls the library must take
 * signals on a stack of their own (sigaltstack, SA_ONSTACK): oneDNN's products run with their stack pointer in memory from malloc. The
 * library's own threads have all signals blocked. */
FNAS_API void fnas_context_request_stop(fnas_context *context);
FNAS_API bool fnas_context_stop_requested(const fnas_context *context);

#ifdef __cplusplus
}
#endif
#endif
