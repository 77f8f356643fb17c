#include "runs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool cli_run_has_file(const char *run, const char *name) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", run, name);
    return length > 0 && (size_t)length < sizeof path && !access(path, R_OK);
}

/* Text as one word of a POSIX shell. */
static void cli_print_word(FILE *file, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@%";
    if (*text && !text[strspn(text, plain)]) {
        fputs(text, file);
        return;
    }
    fputc('\'', file);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", file);
        else
            fputc(*text, file);
    }
    fputc('\'', file);
}

static void cli_print_command(FILE *file, const char *before, const char *run, const char *after) {
    fprintf(file, "  fleetnas %s ", before);
    cli_print_word(file, run);
    fprintf(file, "%s\n", after);
}

fnas_status cli_run_conclude(fnas_context *context, const char *verb, const char *run, fnas_status status) {
    if (status == FNAS_OK) {
        printf("The run is in %s. Next:\n", run);
        cli_print_command(stdout, "front", run, " --device CARD.json -o FRONT.json");
        if (cli_run_has_file(run, "vocabulary.model")) {
            cli_print_command(stdout, "bleu", run, " --archs FRONT.json");
            cli_print_command(stdout, "translate", run, " --device CARD.json < SOURCE");
        }
        if (!cli_run_has_file(run, "error.safetensors")) cli_print_command(stdout, "verify", run, ""); /* nothing to score there */
    } else if (status == FNAS_INTERRUPTED) {
        const char *message = fnas_context_message(context);
        bool says_how = strstr(message, "fleetnas resume") != NULL;
        status = cli_fail(verb, status, "%s", *message ? message : fnas_status_text(status));
        if (!cli_run_has_file(run, "config.json")) /* with it, a folder is a run that resumes */
            fputs("The run was not yet set up: start again.\n", stderr);
        else if (!says_how)
            cli_print_command(stderr, "resume", run, "");
    }
    return status;
}

bool cli_run_holds(const char *inside) {
    static const char *const names[] = {
        "config.json", "checkpoint.safetensors", "predictor.safetensors", "energy.safetensors", "error.safetensors",
        "space.json",  "vocabulary.model",       "metrics.csv",           "scores.csv",         "log.sqlite"};
    if (!strncmp(inside, "devices/", strlen("devices/"))) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], inside)) return true;
    return false;
}
