#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_INTERVAL_S 0.1
#define LINE_INTERVAL_S 10.0
#define BAR_CELLS 24

static double cli_now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int cli_terminal_columns(void) {
    struct winsize size;
    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col >= 20 ? size.ws_col : 80;
}

/* "1:05" or "2:03:04" */
static void cli_format_time(double seconds, char *text, size_t size) {
    long whole = seconds < 0 ? 0 : seconds < 1e7 ? (long)(seconds + 0.5) : 9999999;
    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
}

/* "120/300 (40 %), 3.2/s, 0:56 left, loss 1.2" */
static void cli_format_state(const cli_progress *progress, const fnas_progress *report, char *text, size_t size) {
    double since_s = report->elapsed_s - progress->first_elapsed_s,
           rate = since_s > 0 ? (double)(report->done - progress->first_done) / since_s : 0;
    int used;
    if (report->total > 0) {
        used = snprintf(text, size, "%lld/%lld (%.0f %%)", (long long)report->done, (long long)report->total,
                        100.0 * (double)report->done / (double)report->total);
    } else {
        used = snprintf(text, size, "%lld", (long long)report->done);
    }
    if (rate > 0) used += snprintf(text + used, size - (size_t)used, rate >= 100 ? ", %.0f/s" : ", %.3g/s", rate);
    char time_text[32];
    if (report->total > 0 && report->done >= report->total) {
        cli_format_time(report->elapsed_s, time_text, sizeof time_text);
        used += snprintf(text + used, size - (size_t)used, ", took %s", time_text);
    } else if (rate > 0 && report->total > 0) {
        cli_format_time((double)(report->total - report->done) / rate, time_text, sizeof time_text);
        used += snprintf(text + used, size - (size_t)used, ", %s left", time_text);
    }
    if (report->text && *report->text) snprintf(text + used, size - (size_t)used, ", %s", report->text);
}

static void cli_draw_bar(cli_progress *progress, const fnas_progress *report) {
    char state[512], line[1024], bar[BAR_CELLS + 1];
    cli_format_state(progress, report, state, sizeof state);
    int filled = report->total > 0 ? (int)((double)BAR_CELLS * (double)report->done / (double)report->total) : 0;
    if (filled > BAR_CELLS) filled = BAR_CELLS;
    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < filled ? '#' : '.';
    bar[BAR_CELLS] = 0;
    snprintf(line, sizeof line, "%s [%s] %s", report->stage, bar, state);
    fprintf(stderr, "\r\033[K%.*s", cli_terminal_columns() - 1, line); /* a line that wraps could not be taken back */
    fflush(stderr);
    progress->drawn = true;
}

static void cli_print_line(cli_progress *progress, const fnas_progress *report) {
    char state[512];
    cli_format_state(progress, report, state, sizeof state);
    cli_progress_clear(progress);
    fprintf(stderr, "%s: %s\n", report->stage, state);
}

static void cli_progress_begin(cli_progress *progress, const fnas_progress *report) {
    progress->ended = false;
    progress->first_elapsed_s = report->elapsed_s;
    progress->first_done = report->done;
}

static void cli_progress_report(void *user, const fnas_progress *report) {
    cli_progress *progress = user;
    double now = cli_now_s();
    if (strncmp(progress->stage, report->stage, sizeof progress->stage - 1)) {
        cli_progress_clear(progress);
        snprintf(progress->stage, sizeof progress->stage, "%s", report->stage);
        progress->shown_s = progress->terminal ? 0 : now; /* lines: nothing to say yet */
        cli_progress_begin(progress, report);
    } else if (progress->ended && (report->total <= 0 || report->done < report->total)) {
        cli_progress_begin(progress, report); /* the same stage comes again, for another device perhaps */
    }
    bool end = report->total > 0 && report->done >= report->total;
    if (end) {
        if (!progress->ended) cli_print_line(progress, report);
        progress->ended = true;
        return;
    }
    if (now - progress->shown_s < (progress->terminal ? TERMINAL_INTERVAL_S : LINE_INTERVAL_S)) return;
    progress->shown_s = now;
    if (progress->terminal)
        cli_draw_bar(progress, report);
    else
        cli_print_line(progress, report);
}

static void cli_progress_log(void *user, fnas_log_level level, const char *text) {
    cli_progress *progress = user;
    if (level == FNAS_LOG_DEBUG || (level == FNAS_LOG_INFO && progress->quiet)) return;
    cli_progress_clear(progress);
    if (level == FNAS_LOG_WARNING)
        fprintf(stderr, "fleetnas %s: warning: %s\n", progress->verb, text);
    else
        fprintf(stderr, "%s\n", text);
}

void cli_progress_clear(cli_progress *progress) {
    if (!progress->drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->drawn = false;
}

void cli_progress_attach(cli_progress *progress, fnas_context *context, const char *verb, bool quiet) {
    *progress = (cli_progress){.verb = verb, .quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1};
    fnas_context_set_log(context, cli_progress_log, progress);
    if (!quiet) fnas_context_set_progress(context, cli_progress_report, progress);
}
