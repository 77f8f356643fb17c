#include "device/child.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define POLL_MS 100
#define PROGRESS_MS 100
#define DEFAULT_SILENCE_S 600
#define LINE_BYTES 2048
#define MAGIC 0x464e4153u

/* Types of the pipe itself; those of the job are passed on as they are, from FIRST_OF_JOB. */
enum { MESSAGE_PROGRESS, MESSAGE_LOG, MESSAGE_END, FIRST_OF_JOB };

typedef struct message_header {
    uint32_t magic, type, size_bytes;
} message_header;

struct fnas_child_port {
    int descriptor;
    double last_progress_ms;
    pthread_mutex_t lock;
};

/* ---- the child ---- */

static bool write_all(int descriptor, const void *data, size_t size_bytes) {
    const char *bytes = data;
    while (size_bytes) {
        ssize_t written = write(descriptor, bytes, size_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        size_bytes -= (size_t)written;
    }
    return true;
}

static bool send_message(fnas_child_port *port, uint32_t type, const void *data, size_t size_bytes) {
    message_header header = {MAGIC, type, (uint32_t)size_bytes};
    pthread_mutex_lock(&port->lock);
    bool sent = write_all(port->descriptor, &header, sizeof header) && write_all(port->descriptor, data, size_bytes);
    pthread_mutex_unlock(&port->lock);
    return sent;
}

fnas_status fnas_child_send(fnas_context *context, fnas_child_port *port, uint32_t type, const void *data, size_t size_bytes) {
    if (size_bytes > FNAS_CHILD_MESSAGE_BYTES)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "a message of %zu bytes to the parent is too long", size_bytes);
    if (send_message(port, FIRST_OF_JOB + type, data, size_bytes)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_IO, "the parent process does not listen any more");
}

void fnas_child_progress(fnas_child_port *port, int64_t done, int64_t total) {
    double now_ms = fnas_wall_ms();
    if (done < total && now_ms - port->last_progress_ms < PROGRESS_MS) return;
    port->last_progress_ms = now_ms;
    int64_t counts[2] = {done, total};
    (void)send_message(port, MESSAGE_PROGRESS, counts, sizeof counts);
}

static void log_to_parent(void *user, fnas_log_level level, const char *text) {
    char line[LINE_BYTES];
    line[0] = (char)level;
    size_t length = strnlen(text, sizeof line - 1);
    memcpy(line + 1, text, length);
    (void)send_message(user, MESSAGE_LOG, line, length + 1);
}

static void send_end(fnas_child_port *port, fnas_status status, const char *text) {
    char line[LINE_BYTES];
    line[0] = (char)status;
    size_t length = strnlen(text, sizeof line - 1);
    memcpy(line + 1, text, length);
    (void)send_message(port, MESSAGE_END, line, length + 1);
}

typedef struct child_start {
    const fnas_child_task *task;
    fnas_child_port port;
} child_start;

static void *child_thread(void *user) {
    child_start *start = user;
    fnas_context *context;
    if (fnas_context_create(&context) != FNAS_OK) {
        send_end(&start->port, FNAS_ERR_MEMORY, "out of memory");
        return NULL;
    }
    fnas_context_set_log(context, log_to_parent, &start->port);
    fnas_status status = start->task->job(context, &start->port, start->task->user);
    send_end(&start->port, status, status == FNAS_OK ? "" : fnas_context_message(context));
    return NULL;
}

/* Never returns to the caller's code, and skips what it registered for exit. */
_Noreturn static void child_main(const fnas_child_task *task, int descriptor) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the parent decides */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    child_start start = {.task = task, .port = {.descriptor = descriptor}};
    pthread_t thread;
    if (pthread_mutex_init(&start.port.lock, NULL) == 0 && pthread_create(&thread, NULL, child_thread, &start) == 0)
        pthread_join(thread, NULL);
    close(descriptor);
    _exit(0);
}

/* ---- the parent ---- */

typedef struct listener {
    fnas_context *context;
    const fnas_child_task *task;
    int descriptor;
    pid_t pid;
    double begun_ms, heard_ms;
    char *bytes; /* received and not yet taken */
    size_t size_bytes;
    bool ended;
} listener;

#define RECEIVE_BYTES (FNAS_CHILD_MESSAGE_BYTES + sizeof(message_header))

static fnas_status fail_malformed(const listener *listening) {
    return fnas_fail(listening->context, FNAS_ERR_INTERNAL, "%s: the child process sent a malformed message", listening->task->stage);
}

static fnas_status take_progress(const listener *listening, const void *data, size_t size_bytes) {
    int64_t counts[2];
    if (size_bytes != sizeof counts) return fail_malformed(listening);
    memcpy(counts, data, sizeof counts);
    fnas_progress progress = {listening->task->stage, counts[0], counts[1], (fnas_wall_ms() - listening->begun_ms) / 1000, ""};
    fnas_report_progress(listening->context, &progress);
    return FNAS_OK;
}

/* One byte (level or status), then text. */
static fnas_status take_line(listener *listening, uint32_t type, const char *data, size_t size_bytes) {
    char text[LINE_BYTES];
    if (size_bytes < 1 || size_bytes > sizeof text) return fail_malformed(listening);
    memcpy(text, data + 1, size_bytes - 1);
    text[size_bytes - 1] = '\0';
    if (type == MESSAGE_LOG) {
        bool is_known = data[0] >= FNAS_LOG_WARNING && data[0] <= FNAS_LOG_DEBUG;
        fnas_log(listening->context, is_known ? (fnas_log_level)data[0] : FNAS_LOG_WARNING, "%s: %s", listening->task->stage, text);
        return FNAS_OK;
    }
    listening->ended = true;
    if (data[0] == FNAS_OK) return FNAS_OK;
    if (data[0] < FNAS_OK || data[0] > FNAS_INTERRUPTED) return fail_malformed(listening);
    return fnas_fail(listening->context, (fnas_status)data[0], "%s: %s", listening->task->stage, text);
}

static fnas_status take_message(listener *listening, const message_header *header, const char *data) {
    if (listening->ended) return fail_malformed(listening);
    switch (header->type) {
    case MESSAGE_PROGRESS:
        return take_progress(listening, data, header->size_bytes);
    case MESSAGE_LOG:
    case MESSAGE_END:
        return take_line(listening, header->type, data, header->size_bytes);
    default:
        return listening->task->receiver(listening->context, listening->task->user, header->type - FIRST_OF_JOB, data, header->size_bytes);
    }
}

static fnas_status take_messages(listener *listening) {
    size_t at = 0;
    message_header header;
    while (listening->size_bytes - at >= sizeof header) {
        memcpy(&header, listening->bytes + at, sizeof header);
        if (header.magic != MAGIC || header.size_bytes > FNAS_CHILD_MESSAGE_BYTES) return fail_malformed(listening);
        if (listening->size_bytes - at < sizeof header + header.size_bytes) break;
        FNAS_TRY(take_message(listening, &header, listening->bytes + at + sizeof header));
        at += sizeof header + header.size_bytes;
    }
    memmove(listening->bytes, listening->bytes + at, listening->size_bytes - at);
    listening->size_bytes -= at;
    return FNAS_OK;
}

static fnas_status check_patience(const listener *listening) {
    if (fnas_context_stop_requested(listening->context))
        return fnas_fail(listening->context, FNAS_INTERRUPTED, "%s: interrupted", listening->task->stage);
    double limit_s = listening->task->silence_limit_s > 0 ? listening->task->silence_limit_s : DEFAULT_SILENCE_S;
    if (fnas_wall_ms() - listening->heard_ms < limit_s * 1000) return FNAS_OK;
    return fnas_fail(listening->context, FNAS_ERR_INTERNAL, "%s: the child process was silent for %g s and was killed",
                     listening->task->stage, limit_s);
}

/* Until the pipe closes. */
static fnas_status listen_to_end(listener *listening) {
    for (;;) {
        FNAS_TRY(check_patience(listening));
        struct pollfd waited = {.fd = listening->descriptor, .events = POLLIN};
        int ready = poll(&waited, 1, POLL_MS);
        if (ready < 0 && errno != EINTR) return fnas_fail_errno(listening->context, listening->task->stage, "wait for the child process");
        if (ready <= 0) continue;
        ssize_t got = read(listening->descriptor, listening->bytes + listening->size_bytes, RECEIVE_BYTES - listening->size_bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fnas_fail_errno(listening->context, listening->task->stage, "hear the child process");
        if (got == 0) return FNAS_OK;
        listening->heard_ms = fnas_wall_ms();
        listening->size_bytes += (size_t)got;
        FNAS_TRY(take_messages(listening));
    }
}

static fnas_status judge_death(const listener *listening, int wait_status) {
    const char *stage = listening->task->stage;
    if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL)
        return fnas_fail(listening->context, FNAS_ERR_MEMORY,
                         "%s: the child process was killed, perhaps for want of memory: use fewer architectures", stage);
    if (WIFSIGNALED(wait_status))
        return fnas_fail(listening->context, FNAS_ERR_INTERNAL, "%s: the child process died of signal %d (%s)", stage,
                         WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
    if (!listening->ended) return fnas_fail(listening->context, FNAS_ERR_INTERNAL, "%s: the child process ended without a result", stage);
    return FNAS_OK;
}

static fnas_status listen_and_bury(listener *listening) {
    fnas_status status = listen_to_end(listening);
    if (status != FNAS_OK) kill(listening->pid, SIGKILL);
    int wait_status = 0;
    while (waitpid(listening->pid, &wait_status, 0) < 0 && errno == EINTR) continue;
    return status == FNAS_OK ? judge_death(listening, wait_status) : status;
}

fnas_status fnas_child_run(fnas_context *context, const fnas_child_task *task) {
    int ends[2];
    if (pipe(ends)) return fnas_fail_errno(context, task->stage, "make a pipe");
    listener listening = {.context = context, .task = task, .descriptor = ends[0], .begun_ms = fnas_wall_ms(), .heard_ms = fnas_wall_ms()};
    listening.bytes = fnas_allocate(RECEIVE_BYTES, 1);
    listening.pid = listening.bytes ? fork() : -1;
    if (listening.pid == 0) {
        close(ends[0]);
        child_main(task, ends[1]);
    }
    close(ends[1]);
    fnas_status status;
    if (!listening.bytes)
        status = fnas_fail_memory(context, task->stage);
    else if (listening.pid < 0)
        status = fnas_fail_errno(context, task->stage, "start a child process");
    else
        status = listen_and_bury(&listening);
    close(ends[0]);
    fnas_free(listening.bytes);
    return status;
}
