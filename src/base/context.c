#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

#define FNAS_MESSAGE_BYTES 4096
#define FNAS_THREADS_MAX 256

struct fnas_context {
    char message[FNAS_MESSAGE_BYTES];
    fnas_log_function *log;
    void *log_user;
    fnas_progress_function *progress;
    void *progress_user;
    int64_t threads; /* 0: one a processor */
    atomic_int stop; /* lock-free: set in signal handlers */
    fnas_context *parent;
    void *attached; /* of a higher layer */
    void (*release)(void *attached);
    pthread_mutex_t log_lock; /* workers share their parent's log */
};

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "fnas_context_request_stop must be async-signal-safe");

static const struct {
    int exit_code;
    const char *text;
} fnas_status_table[] = {
#define FNAS_STATUS_ROW(name, exit_code, text) [name] = {exit_code, text},
    FNAS_STATUS_LIST(FNAS_STATUS_ROW)
#undef FNAS_STATUS_ROW
};

static bool fnas_status_known(fnas_status status) {
    return (size_t)status < sizeof fnas_status_table / sizeof *fnas_status_table;
}

const char *fnas_status_text(fnas_status status) {
    return fnas_status_known(status) ? fnas_status_table[status].text : "unknown status";
}

int fnas_status_exit_code(fnas_status status) {
    return fnas_status_known(status) ? fnas_status_table[status].exit_code : fnas_status_table[FNAS_ERR_INTERNAL].exit_code;
}

fnas_status fnas_context_create(fnas_context **context) {
    *context = NULL;
    fnas_context *created = calloc(1, sizeof *created);
    if (!created) return FNAS_ERR_MEMORY;
    if (pthread_mutex_init(&created->log_lock, NULL)) {
        free(created);
        return FNAS_ERR_MEMORY;
    }
    atomic_init(&created->stop, 0);
    *context = created;
    return FNAS_OK;
}

void fnas_context_destroy(fnas_context *context) {
    if (!context) return;
    fnas_context_attach(context, NULL, NULL);
    pthread_mutex_destroy(&context->log_lock);
    free(context);
}

const char *fnas_context_message(const fnas_context *context) {
    return context ? context->message : "";
}

void fnas_context_set_log(fnas_context *context, fnas_log_function *function, void *user) {
    context->log = function;
    context->log_user = user;
}

void fnas_context_set_progress(fnas_context *context, fnas_progress_function *function, void *user) {
    context->progress = function;
    context->progress_user = user;
}

void fnas_context_set_threads(fnas_context *context, int64_t threads) {
    context->threads = threads < 0 ? 0 : threads > FNAS_THREADS_MAX ? FNAS_THREADS_MAX : threads;
}

/* Processors that this process may use: a container or taskset may allow fewer than are online. */
static int64_t fnas_processors(void) {
    cpu_set_t allowed;
    if (!sched_getaffinity(0, sizeof allowed, &allowed) && CPU_COUNT(&allowed) > 0) return CPU_COUNT(&allowed);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? online : 1;
}

int64_t fnas_context_threads(const fnas_context *context) {
    if (context && context->threads) return context->threads;
    int64_t processors = fnas_processors();
    return processors > FNAS_THREADS_MAX ? FNAS_THREADS_MAX : processors;
}

void fnas_context_request_stop(fnas_context *context) {
    atomic_store(&context->stop, 1);
}

bool fnas_context_stop_requested(const fnas_context *context) {
    for (; context; context = context->parent) {
        if (atomic_load(&context->stop)) return true;
    }
    return false;
}

void fnas_context_attach(fnas_context *context, void *attached, void (*release)(void *attached)) {
    if (context->release) context->release(context->attached);
    context->attached = attached;
    context->release = release;
}

void *fnas_context_attached(const fnas_context *context) {
    return context ? context->attached : NULL;
}

const fnas_context *fnas_context_parent(const fnas_context *context) {
    return context ? context->parent : NULL;
}

void fnas_context_set_parent(fnas_context *context, fnas_context *parent) {
    context->parent = parent;
}

/* Formats in the C locale and marks a cut end, which must not split a UTF-8 character. */
static void fnas_format_message(char *out, size_t size, const char *format, va_list arguments) {
    locale_t previous = uselocale(fnas_c_locale());
    int length = vsnprintf(out, size, format, arguments);
    uselocale(previous);
    if (length < 0) {
        snprintf(out, size, "%s", format);
    } else if ((size_t)length >= size) {
        size_t end = size - 4;
        while (end > 0 && ((unsigned char)out[end] & 0xC0) == 0x80) end--;
        memcpy(out + end, "...", 4);
    }
}

fnas_status fnas_fail(fnas_context *context, fnas_status status, const char *format, ...) {
    if (!context) return status;
    char message[FNAS_MESSAGE_BYTES]; /* apart, as arguments may point into the current message */
    va_list arguments;
    va_start(arguments, format);
    fnas_format_message(message, sizeof message, format, arguments);
    va_end(arguments);
    memcpy(context->message, message, sizeof message);
    return status;
}

fnas_status fnas_fail_memory(fnas_context *context, const char *what) {
    return fnas_fail(context, FNAS_ERR_MEMORY, "out of memory for %s", what);
}

fnas_status fnas_fail_errno(fnas_context *context, const char *path, const char *verb) {
    int code = errno;
    bool reads = !strncmp(verb, "read", 4) || !strncmp(verb, "open", 4);
    bool names_nothing_readable = code == ENOENT || code == ENOTDIR || code == EISDIR;
    char text[256];
    locale_t c_locale = fnas_c_locale();
    snprintf(text, sizeof text, "%s", strerror_l(code, c_locale));
    return fnas_fail(context, reads && names_nothing_readable ? FNAS_ERR_INPUT : FNAS_ERR_IO, "%s: cannot %s: %s", path, verb, text);
}

fnas_status fnas_fail_prefix(fnas_context *context, fnas_status status, const char *format, ...) {
    if (!context) return status;
    char prefix[FNAS_MESSAGE_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    fnas_format_message(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    return fnas_fail(context, status, "%s: %s", prefix, context->message);
}

void fnas_log(fnas_context *context, fnas_log_level level, const char *format, ...) {
    while (context && context->parent) context = context->parent;
    if (!context || !context->log) return;
    char line[FNAS_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    fnas_format_message(line, sizeof line, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&context->log_lock);
    context->log(context->log_user, level, line);
    pthread_mutex_unlock(&context->log_lock);
}

void fnas_report_progress(fnas_context *context, const fnas_progress *progress) {
    if (context && context->progress) context->progress(context->progress_user, progress);
}
