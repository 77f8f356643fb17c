/* Another program, run without a shell and within limits. It has a process group of its own, which is killed as a whole; it dies with the
 * thread that started it (Linux knows no signal for the end of a process alone), at the latest with this process: start it from a thread
 * that lives as long as it is wanted. Of its error stream the last line is kept for messages. */
#ifndef FNAS_BASE_PROCESS_H
#define FNAS_BASE_PROCESS_H

#include "base/text.h"

typedef struct fnas_process fnas_process;

typedef struct fnas_process_limits {
    double seconds;      /* of one call below */
    size_t output_bytes; /* of the standard output that one call takes */
} fnas_process_limits;

/* Starts words[0], looked up in PATH, with the arguments that follow (NULL behind the last; borrowed for the call). with_input: it is sent
 * lines; otherwise its standard input is empty. Owned: fnas_process_stop. Errors: FNAS_ERR_INPUT (no such program, not executable),
 * FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_process_start(fnas_context *context, char *const *words, bool with_input, fnas_process **process);

/* Sends a line (a newline is added) and waits for one, which is appended to `answer` without its newline. Errors: FNAS_ERR_INPUT (it ended,
 * printed more than the limit or without being asked, answered nothing in time; the message says which and repeats the last line of its
 * error stream),
 * FNAS_INTERRUPTED, FNAS_ERR_IO, FNAS_ERR_MEMORY. After a failure it is to be stopped. */
FNAS_NODISCARD fnas_status fnas_process_ask(fnas_context *context, fnas_process *process, const char *line, fnas_process_limits limits,
                                            fnas_text *answer);

/* Waits for its end and appends what it prints until then to `output`. Errors as above; FNAS_ERR_INPUT for an exit code other than 0 too.
 */
FNAS_NODISCARD fnas_status fnas_process_finish(fnas_context *context, fnas_process *process, fnas_process_limits limits, fnas_text *output);

/* The line of its error stream before the one that messages repeat, "" where there is none: of programs whose last word is that they end.
 * Borrowed until the next call. */
const char *fnas_process_error_before(const fnas_process *process);

/* Kills what is left of it and its children, and releases it. NULL is allowed. */
void fnas_process_stop(fnas_process *process);

#endif
