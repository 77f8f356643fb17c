/* Work in a child process of its own: an instruction set is settled once a process, threads and caches of the parent stay out of the
 * measurement, and a crash costs one device. The child talks through a pipe in checked, bounded messages.
 *
 * The parent should not have computed anything yet when the child is to limit the instruction set (fnas_backend_limit_isa says when it is
 * too late), and no other thread of it may be inside a compute library at the moment of the fork. */
#ifndef FNAS_DEVICE_CHILD_H
#define FNAS_DEVICE_CHILD_H

#include <stddef.h>

#include "base/error.h"

typedef struct fnas_child_port fnas_child_port; /* the child's end of the pipe */

#define FNAS_CHILD_MESSAGE_BYTES ((size_t)1 << 20) /* of one message, at most */

/* What runs in the child, on a thread of its own (so that OpenMP starts afresh), with a context of its own. Its failure becomes that of
 * fnas_child_run. */
typedef fnas_status fnas_child_job(fnas_context *context, fnas_child_port *port, void *user);
/* What takes a message in the parent; `data` is borrowed for the call. Checks all of it. */
typedef fnas_status fnas_child_receiver(fnas_context *context, void *user, uint32_t type, const void *data, size_t size_bytes);

typedef struct fnas_child_task {
    const char *stage; /* of progress reports, and in messages */
    fnas_child_job *job;
    fnas_child_receiver *receiver;
    void *user;             /* of both; the child sees a copy of what it points to */
    double silence_limit_s; /* a child that sends nothing for so long is killed; 0: 600 */
} fnas_child_task;

/* Runs the job to its end. Hands the child's progress and log lines on. FNAS_INTERRUPTED after fnas_context_request_stop (the child is
 * killed); a child that dies or floods gives FNAS_ERR_INTERNAL, one that was killed FNAS_ERR_MEMORY. No child is left behind. */
FNAS_NODISCARD fnas_status fnas_child_run(fnas_context *context, const fnas_child_task *task);

/* In the child. */
FNAS_NODISCARD fnas_status fnas_child_send(fnas_context *context, fnas_child_port *port, uint32_t type, const void *data,
                                           size_t size_bytes);
void fnas_child_progress(fnas_child_port *port, int64_t done, int64_t total); /* at most ten a second are sent */

#endif
