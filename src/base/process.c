#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define TICK_MS 20
#define READ_BYTES 4096
#define ERROR_LINE_BYTES 400

struct fnas_process {
    pid_t pid;
    int input, output, errors; /* -1: closed. The input is a socket: writing to a program that is gone gives an error, no signal */
    bool ended;
    siginfo_t end; /* how; it stays a zombie until it is stopped, so that its number means nobody else */
    char *name;
    fnas_text unread;                    /* of its output */
    char error_before[ERROR_LINE_BYTES]; /* the one before it */
    char error_line[ERROR_LINE_BYTES];   /* the last that is not blank */
    char error_next[ERROR_LINE_BYTES];   /* the one that is being read */
    size_t error_size;
};

/* ---- start ---- */

typedef struct start_ends {
    int input[2], output[2], errors[2], failure[2]; /* ours, the program's */
} start_ends;

static void close_end(int *descriptor) {
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
}

static void close_ends(start_ends *ends, int side) {
    close_end(&ends->input[side]);
    close_end(&ends->output[side]);
    close_end(&ends->errors[side]);
    close_end(&ends->failure[side]);
}

static bool open_input(start_ends *ends, bool with_input) {
    if (with_input) return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->input) == 0;
    ends->input[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return ends->input[1] >= 0;
}

static bool open_ends(start_ends *ends, bool with_input) {
    *ends = (start_ends){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    return open_input(ends, with_input) && pipe2(ends->output, O_CLOEXEC) == 0 && pipe2(ends->errors, O_CLOEXEC) == 0 &&
           pipe2(ends->failure, O_CLOEXEC) == 0;
}

/* In the new process. */
_Noreturn static void become(char *const *words, const start_ends *ends) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* at the end of the thread that forked, of which the kernel takes notice instead of the process's */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(ends->input[1], STDIN_FILENO) >= 0 && dup2(ends->output[1], STDOUT_FILENO) >= 0 && dup2(ends->errors[1], STDERR_FILENO) >= 0)
        execvp(words[0], words);
    int reason = errno;
    ssize_t written = write(ends->failure[1], &reason, sizeof reason);
    (void)written;
    _exit(127);
}

static fnas_status fail_start(fnas_context *context, const char *name, int reason) {
    if (reason == ENOENT)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: no such program: give its path, or one that is found in PATH", name);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: cannot be run: %s", name, strerror(reason));
}

/* Nothing comes through the pipe of failures when the program took over. */
static fnas_status hear_start(fnas_context *context, const char *name, int descriptor) {
    int reason = 0;
    ssize_t got;
    do got = read(descriptor, &reason, sizeof reason);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof reason ? fail_start(context, name, reason) : FNAS_OK;
}

static void no_blocking(int descriptor) {
    if (descriptor >= 0) (void)fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

static fnas_status start(fnas_context *context, char *const *words, bool with_input, fnas_process *process) {
    start_ends ends;
    bool opened = open_ends(&ends, with_input);
    process->pid = opened ? fork() : -1;
    if (process->pid == 0) become(words, &ends);
    if (process->pid < 0) {
        fnas_status status = fnas_fail_errno(context, words[0], "start it");
        close_ends(&ends, 0);
        close_ends(&ends, 1);
        return status;
    }
    setpgid(process->pid, process->pid); /* both sides set it, so that neither can be too late */
    process->input = ends.input[0];
    process->output = ends.output[0];
    process->errors = ends.errors[0];
    close_ends(&ends, 1);
    no_blocking(process->input);
    no_blocking(process->output);
    no_blocking(process->errors);
    fnas_status status = hear_start(context, words[0], ends.failure[0]);
    close(ends.failure[0]);
    return status;
}

fnas_status fnas_process_start(fnas_context *context, char *const *words, bool with_input, fnas_process **process) {
    *process = NULL;
    fnas_process *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, words[0]);
    made->input = made->output = made->errors = -1;
    made->name = fnas_strdup(words[0]);
    fnas_status status = made->name ? start(context, words, with_input, made) : fnas_fail_memory(context, words[0]);
    if (status == FNAS_OK)
        *process = made;
    else
        fnas_process_stop(made);
    return status;
}

/* ---- what it says ---- */

static void take_errors(fnas_process *process, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            if (process->error_size) {
                memcpy(process->error_before, process->error_line, sizeof process->error_before);
                memcpy(process->error_line, process->error_next, sizeof process->error_line);
            }
            process->error_size = 0;
        } else if ((process->error_size || bytes[i] != ' ') && process->error_size + 1 < sizeof process->error_next) {
            unsigned char byte = (unsigned char)bytes[i];
            process->error_next[process->error_size++] = byte < ' ' || byte == 127 ? ' ' : bytes[i]; /* no control of the terminal */
            process->error_next[process->error_size] = '\0';
        }
    }
}

/* A few reads at most, as it may be written to without end; closes the stream at its end. */
static void drain_errors(fnas_process *process) {
    char bytes[READ_BYTES];
    for (int i = 0; i < 4 && process->errors >= 0; i++) {
        ssize_t got = read(process->errors, bytes, sizeof bytes);
        if (got < 0) return; /* nothing yet, or interrupted */
        if (got == 0) close_end(&process->errors);
        take_errors(process, bytes, (size_t)got);
    }
}

/* One read, so that a flood is seen in time. */
static void drain_output(fnas_process *process) {
    char bytes[READ_BYTES * 4];
    if (process->output < 0) return;
    ssize_t got = read(process->output, bytes, sizeof bytes);
    if (got == 0) close_end(&process->output);
    if (got > 0) fnas_text_append_bytes(&process->unread, bytes, (size_t)got);
}

static const char *last_error(const fnas_process *process) {
    return process->error_size ? process->error_next : process->error_line;
}

const char *fnas_process_error_before(const fnas_process *process) {
    return process->error_size ? process->error_line : process->error_before;
}

static fnas_status fail_process(fnas_context *context, fnas_process *process, const char *what) {
    drain_errors(process);
    const char *line = last_error(process);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s %s%s%s%s", process->name, what, *line ? "; it says \"" : "", line, *line ? "\"" : "");
}

static bool has_ended(fnas_process *process) {
    if (!process->ended) {
        memset(&process->end, 0, sizeof process->end);
        process->ended = waitid(P_PID, (id_t)process->pid, &process->end, WEXITED | WNOHANG | WNOWAIT) == 0 && process->end.si_pid != 0;
    }
    return process->ended;
}

static fnas_status fail_end(fnas_context *context, fnas_process *process, const char *before) {
    char what[160];
    int number = process->end.si_status;
    if (process->end.si_code == CLD_EXITED)
        snprintf(what, sizeof what, "%sended with exit code %d", before, number);
    else
        snprintf(what, sizeof what, "%sdied of signal %d (%s)", before, number, strsignal(number));
    return fail_process(context, process, what);
}

/* ---- waiting ---- */

typedef struct waiting {
    fnas_context *context;
    fnas_process *process;
    fnas_process_limits limits;
    double begun_ms;
} waiting;

static fnas_status check_limits(const waiting *wait) {
    char what[160];
    if (wait->process->unread.failed) return fnas_fail_memory(wait->context, wait->process->name);
    if (fnas_context_stop_requested(wait->context))
        return fnas_fail(wait->context, FNAS_INTERRUPTED, "%s: interrupted", wait->process->name);
    if (wait->process->unread.size > wait->limits.output_bytes) {
        snprintf(what, sizeof what, "printed more than %zu bytes and was killed", wait->limits.output_bytes);
        return fail_process(wait->context, wait->process, what);
    }
    if (fnas_wall_ms() - wait->begun_ms <= wait->limits.seconds * 1000) return FNAS_OK;
    snprintf(what, sizeof what, "gave no answer in %g s and was killed", wait->limits.seconds);
    return fail_process(wait->context, wait->process, what);
}

/* Until something came, or for a tick. */
static fnas_status wait_once(const waiting *wait, bool to_send) {
    fnas_process *process = wait->process;
    struct pollfd waited[3] = {{.fd = process->output, .events = POLLIN},
                               {.fd = process->errors, .events = POLLIN},
                               {.fd = to_send ? process->input : -1, .events = POLLOUT}};
    FNAS_TRY(check_limits(wait));
    bool is_mute = process->output < 0 && process->errors < 0; /* its end comes next, and wakes nobody */
    if (poll(waited, 3, is_mute ? 1 : TICK_MS) < 0 && errno != EINTR) return fnas_fail_errno(wait->context, process->name, "wait for it");
    drain_errors(process);
    drain_output(process);
    return check_limits(wait);
}

/* ---- asking ---- */

static fnas_status send_bytes(const waiting *wait, const char *bytes, size_t size) {
    while (size) {
        ssize_t sent = send(wait->process->input, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return FNAS_OK; /* it is gone: waiting for the answer finds out how */
        if (sent < 0) FNAS_TRY(wait_once(wait, true));
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return FNAS_OK;
}

/* Takes the first line out of what was read. */
static bool take_line(fnas_process *process, fnas_text *line) {
    fnas_text *unread = &process->unread;
    char *end = unread->size ? memchr(unread->data, '\n', unread->size) : NULL;
    if (!end) return false;
    size_t size = (size_t)(end - unread->data);
    fnas_text_append_bytes(line, unread->data, size);
    unread->size -= size + 1;
    memmove(unread->data, end + 1, unread->size + 1); /* with the 0 behind it */
    return true;
}

/* Whether it ended and nothing more came: a child that it left behind with the stream open is not waited for. */
static fnas_status wait_for_more(const waiting *wait, bool *is_over) {
    fnas_process *process = wait->process;
    size_t before = process->unread.size;
    bool ended = has_ended(process);
    *is_over = ended && process->output < 0;
    if (*is_over) return FNAS_OK;
    FNAS_TRY(wait_once(wait, false));
    *is_over = ended && process->unread.size == before;
    return FNAS_OK;
}

static fnas_status hear_line(const waiting *wait, fnas_text *answer) {
    for (bool is_over = false; !take_line(wait->process, answer);) {
        if (is_over) return fail_end(wait->context, wait->process, "did not answer: it ");
        FNAS_TRY(wait_for_more(wait, &is_over));
    }
    return answer->failed ? fnas_fail_memory(wait->context, wait->process->name) : FNAS_OK;
}

fnas_status fnas_process_ask(fnas_context *context, fnas_process *process, const char *line, fnas_process_limits limits,
                             fnas_text *answer) {
    waiting wait = {context, process, limits, fnas_wall_ms()};
    drain_output(process);
    if (process->unread.size) return fail_process(context, process, "printed something without being asked: it owes one line a request");
    FNAS_TRY(send_bytes(&wait, line, strlen(line)));
    FNAS_TRY(send_bytes(&wait, "\n", 1));
    return hear_line(&wait, answer);
}

/* ---- the end ---- */

static fnas_status hear_end(const waiting *wait) {
    for (bool is_over = false; !is_over;) FNAS_TRY(wait_for_more(wait, &is_over));
    const siginfo_t *end = &wait->process->end;
    return end->si_code == CLD_EXITED && end->si_status == 0 ? FNAS_OK : fail_end(wait->context, wait->process, "");
}

fnas_status fnas_process_finish(fnas_context *context, fnas_process *process, fnas_process_limits limits, fnas_text *output) {
    waiting wait = {context, process, limits, fnas_wall_ms()};
    close_end(&process->input);
    FNAS_TRY(hear_end(&wait));
    fnas_text_append_bytes(output, process->unread.data ? process->unread.data : "", process->unread.size);
    process->unread.size = 0;
    return output->failed ? fnas_fail_memory(context, process->name) : FNAS_OK;
}

void fnas_process_stop(fnas_process *process) {
    if (!process) return;
    close_end(&process->input);
    close_end(&process->output);
    close_end(&process->errors);
    if (process->pid > 0) {
        kill(-process->pid, SIGKILL); /* also children of a program that has ended */
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) continue;
    }
    fnas_text_free(&process->unread);
    fnas_free(process->name);
    fnas_free(process);
}
