#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "progress.h"
#include "verbs.h"
#include "wrap.h"

static const cli_verb *const verbs[] = {
    &cli_data_prepare,
    &cli_space_show,
    &cli_device_measure,
    &cli_device_import_csv,
    &cli_device_import_help,
    &cli_device_import_hat,
    &cli_device_import_ofa,
    &cli_device_export_ofa,
    &cli_device_show,
    &cli_device_references,
    &cli_device_rebase,
    &cli_predictor_fit,
    &cli_predictor_eval,
    &cli_predictor_ask,
    &cli_error_estimate,
    &cli_error_score,
    &cli_error_eval,
    &cli_search,
    &cli_resume,
    &cli_front,
    &cli_pick,
    &cli_verify,
    &cli_bleu,
    &cli_translate,
    &cli_export,
    &cli_score,
    &cli_rival,
    &cli_report,
    &cli_results,
    &cli_import_torch,
    &cli_bench,
    &cli_version,
    &cli_help,
};
#define CLI_VERB_WORDS 3
#define CLI_VERB_BYTES 256
#define VERB_COUNT ((int64_t)(sizeof verbs / sizeof *verbs))

static const char *cli_verb_name_at(const void *unused, int64_t index) {
    (void)unused;
    return index < VERB_COUNT ? verbs[index]->name : NULL;
}

void cli_print_verbs(FILE *file) {
    fputs("fleetnas: one neural architecture search for every device of a fleet\n\nUsage: fleetnas VERB [options]\n\nVerbs:\n", file);
    for (int64_t i = 0; i < VERB_COUNT; i++) fprintf(file, "  %-20s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\nfleetnas help VERB explains each, with an example.\n"
          "\nThe usual order:\n",
          file);
    static const char *const order[] = {
        "fleetnas device measure --space nb201:cells=1,input=1x28x28 --name here -o here.json",
        "fleetnas search --space nb201:cells=1,input=1x28x28 --data fashion-mnist --device here.json --preset quick --out run",
        "fleetnas front run --device here.json",
    };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) cli_wrap_command(file, order[i]);
    fputs("\nWith Transformers that translate, `data prepare text:SOURCE,TARGET` comes first: the search's --data is what\n"
          "it wrote. `translate` and `bleu` come after the search.\n",
          file);
}

/* ---- choosing the verb ---- */

static const cli_verb *cli_verb_named(const char *name) {
    for (int64_t i = 0; i < VERB_COUNT; i++) {
        if (!strcmp(verbs[i]->name, name)) return verbs[i];
    }
    return NULL;
}

/* Whether `words` ("device", "device import") begin verbs that have more of them. */
static bool cli_is_noun(const char *words) {
    size_t length = strlen(words);
    for (int64_t i = 0; i < VERB_COUNT; i++) {
        if (!strncmp(verbs[i]->name, words, length) && verbs[i]->name[length] == ' ') return true;
    }
    return false;
}

static void cli_say_verbs_of(const char *noun) {
    size_t length = strlen(noun);
    fprintf(stderr, "There are:\n");
    for (int64_t i = 0; i < VERB_COUNT; i++) {
        if (!strncmp(verbs[i]->name, noun, length) && verbs[i]->name[length] == ' ')
            fprintf(stderr, "  fleetnas %-20s %s\n", verbs[i]->name, verbs[i]->summary);
    }
}

static void cli_say_unknown(const char *speaker, const char *name) {
    const char *near = cli_suggest(name, cli_verb_name_at, NULL);
    fnas_status status = near ? cli_fail(speaker, FNAS_ERR_USAGE, "unknown verb \"%s\": did you mean \"%s\"?", name, near)
                              : cli_fail(speaker, FNAS_ERR_USAGE, "unknown verb \"%s\": fleetnas help lists them", name);
    (void)status;
}

/* Appends " word" where there is room; of a word that does not fit nothing is lost, since no verb is so long. */
static void cli_append_word(char name[CLI_VERB_BYTES], const char *word) {
    size_t length = strlen(name);
    snprintf(name + length, CLI_VERB_BYTES - length, "%s%s", length ? " " : "", word);
}

/* "devise show" is nearer to "device show" than "devise" is to anything: the words that are near a verb when they stand together. */
static void cli_words_near_verb(int count, char *const *words, char name[CLI_VERB_BYTES]) {
    char joined[CLI_VERB_BYTES] = "";
    for (int i = 0; i < count && i < CLI_VERB_WORDS && words[i][0] != '-'; i++) {
        cli_append_word(joined, words[i]);
        const char *near = i ? cli_suggest(joined, cli_verb_name_at, NULL) : NULL;
        if (!near || !strchr(near, ' ')) continue;
        snprintf(name, CLI_VERB_BYTES, "%s", joined);
    }
}

const cli_verb *cli_verb_find(const char *speaker, int count, char *const *words, int *used) {
    char name[CLI_VERB_BYTES] = "", noun[CLI_VERB_BYTES] = "";
    *used = 0;
    do {
        if (*used) snprintf(noun, sizeof noun, "%s", name);
        cli_append_word(name, words[(*used)++]);
    } while (cli_is_noun(name) && *used < count && words[*used][0] != '-');
    const cli_verb *verb = cli_verb_named(name);
    if (verb) return verb;
    if (cli_is_noun(name)) {
        fnas_status status = cli_fail(speaker, FNAS_ERR_USAGE, "\"%s\" needs one more word", name);
        (void)status;
        cli_say_verbs_of(name);
        return NULL;
    }
    if (!*noun) cli_words_near_verb(count, words, name);
    cli_say_unknown(speaker, name);
    if (*noun) cli_say_verbs_of(noun);
    return NULL;
}

/* ---- interruption ---- */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP}; /* SIGHUP: the terminal is gone */
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

static fnas_context *interrupted_context;
static pid_t interrupted_process;

/* The first signal asks for a stop; the second finds the default action and kills. */
static void cli_on_signal(int number) {
    static const char text[] = "\nstopping after this step; once more kills at once\n";
    (void)number;
    fnas_context_request_stop(interrupted_context);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);                    /* also where one of them was ignored: who asks twice means it */
    if (getpid() != interrupted_process) return; /* a measuring child: its parent speaks */
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written; /* nothing can be done about it here */
}

/* Products of oneDNN put their stack pointer into memory from malloc: what the kernel pushes for a handler would overwrite what lies below
 * it. So the handler has a stack of its own in this thread. The library's threads have all signals blocked; those that OpenMP and OpenBLAS
 * make have not, but Linux gives a signal to the process to its first thread where that takes it. */
static void cli_give_signals_a_stack(void) {
    static _Alignas(64) unsigned char bytes[65536]; /* a frame with all of AVX-512 and AMX takes 11 KB */
    const stack_t stack = {.ss_sp = bytes, .ss_size = sizeof bytes};
    (void)sigaltstack(&stack, NULL); /* fails only on a stack that is too small */
}

static void cli_watch_signals(fnas_context *context) {
    interrupted_context = context;
    interrupted_process = getpid();
    cli_give_signals_a_stack();
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        struct sigaction action = {.sa_handler = cli_on_signal, .sa_flags = SA_RESTART | SA_ONSTACK}, before;
        sigemptyset(&action.sa_mask);
        bool ignored = !sigaction(stop_signals[i], NULL, &before) &&
                       before.sa_handler == SIG_IGN; /* a job of a script, nohup: it stays ignored */
        if (!ignored) sigaction(stop_signals[i], &action, NULL);
    }
}

/* The context is about to go: a late signal must not touch it. */
static void cli_forget_signals(void) {
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        struct sigaction now;
        if (!sigaction(stop_signals[i], NULL, &now) && now.sa_handler == cli_on_signal) signal(stop_signals[i], SIG_DFL);
    }
}

/* ---- running it ---- */

/* Output that did not arrive is an error even where all else went well. */
static fnas_status cli_flush(const char *speaker) {
    if (!fflush(stdout) && !ferror(stdout)) return FNAS_OK;
    return cli_fail(speaker, FNAS_ERR_IO, "standard output: cannot write");
}

static fnas_status cli_run_verb(const cli_verb *verb, void *values) {
    fnas_context *context;
    if (fnas_context_create(&context) != FNAS_OK) return cli_fail(verb->name, FNAS_ERR_MEMORY, "out of memory");
    cli_progress progress;
    cli_progress_attach(&progress, context, verb->name, ((const cli_common *)values)->quiet);
    cli_watch_signals(context);
    fnas_status status = verb->run(context, values);
    cli_progress_clear(&progress);
    if (status != FNAS_OK && !cli_has_failed()) {
        const char *message = fnas_context_message(context);
        status = cli_fail(verb->name, status, "%s", *message ? message : fnas_status_text(status));
    }
    cli_forget_signals();
    fnas_context_destroy(context);
    return status;
}

static fnas_status cli_dispatch(const cli_verb *verb, int count, char **words) {
    void *values = calloc(1, verb->values_size);
    if (!values) return cli_fail(verb->name, FNAS_ERR_MEMORY, "out of memory");
    fnas_status status = cli_parse(verb, count, words, values);
    if (status == FNAS_OK) {
        if (((const cli_common *)values)->help)
            cli_print_help(verb);
        else if ((status = cli_check_files(values)) == FNAS_OK)
            status = cli_run_verb(verb, values);
        if (status == FNAS_OK) status = cli_flush(verb->name);
    }
    cli_values_free(verb, values);
    free(values);
    return status;
}

int main(int count, char **words) {
    if (count < 2) {
        cli_print_verbs(stderr);
        return fnas_status_exit_code(FNAS_ERR_USAGE);
    }
    if (!strcmp(words[1], "--help") || !strcmp(words[1], "-h")) {
        cli_print_verbs(stdout);
        return fnas_status_exit_code(cli_flush(""));
    }
    int used;
    const cli_verb *verb = !strcmp(words[1], "--version") ? &cli_version : cli_verb_find("", count - 1, words + 1, &used);
    if (!verb) return fnas_status_exit_code(FNAS_ERR_USAGE);
    if (verb == &cli_version && words[1][0] == '-') used = 1;
    return fnas_status_exit_code(cli_dispatch(verb, count - 1 - used, words + 1 + used));
}
