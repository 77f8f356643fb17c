/* How a function fails: it records a message in the context and returns a status. */
#ifndef FNAS_BASE_ERROR_H
#define FNAS_BASE_ERROR_H

#include "fleetnas/context.h"

/* Records the message of a failure and returns `status`, so that callers write
 * `return fnas_fail(ctx, FNAS_ERR_INPUT, "%s:%ld: ...", ...)`. Not thread-safe per context; worker
 * threads have their own (see fnas_context_set_parent). Arguments may point into the current message. `context` may be NULL. */
FNAS_NODISCARD fnas_status fnas_fail(fnas_context *context, fnas_status status, const char *format, ...) FNAS_PRINTF(3, 4);

/* FNAS_ERR_MEMORY with a message that says for what. */
FNAS_NODISCARD fnas_status fnas_fail_memory(fnas_context *context, const char *what);

/* FNAS_ERR_IO (or FNAS_ERR_INPUT for ENOENT when reading): "PATH: cannot VERB: strerror". Uses errno. */
FNAS_NODISCARD fnas_status fnas_fail_errno(fnas_context *context, const char *path, const char *verb);

/* Puts "PREFIX: " before the current message; returns status unchanged. */
fnas_status fnas_fail_prefix(fnas_context *context, fnas_status status, const char *format, ...) FNAS_PRINTF(3, 4);

void fnas_log(fnas_context *context, fnas_log_level level, const char *format, ...) FNAS_PRINTF(3, 4);
void fnas_report_progress(fnas_context *context, const fnas_progress *progress);

/* Makes `context` a worker's context: it keeps its own message, but sees the parent's wish to stop and hands log lines to the
 * parent's log (one at a time). Progress is not handed on. NULL detaches. The parent outlives the attachment. */
void fnas_context_set_parent(fnas_context *context, fnas_context *parent);

const fnas_context *fnas_context_parent(const fnas_context *context); /* NULL: none */

/* What a higher layer keeps with a context (the spaces do: space/file/known.h): handed to release() with the context, or when it is
 * replaced. NULL: nothing. */
void fnas_context_attach(fnas_context *context, void *attached, void (*release)(void *attached));
void *fnas_context_attached(const fnas_context *context);

#define FNAS_TRY(expression)                                                                                                               \
    do {                                                                                                                                   \
        fnas_status fnas_try_status_ = (expression);                                                                                       \
        if (fnas_try_status_ != FNAS_OK) return fnas_try_status_;                                                                          \
    } while (0)

/* For functions that hold resources: jumps to `label` with `status_variable` set. */
#define FNAS_TRY_GOTO(status_variable, expression, label)                                                                                  \
    do {                                                                                                                                   \
        (status_variable) = (expression);                                                                                                  \
        if ((status_variable) != FNAS_OK) goto label;                                                                                      \
    } while (0)

#endif
