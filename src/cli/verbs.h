/* Every verb of the command: one file each, listed in main.c. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <stdio.h>

#include "options.h"

extern const cli_verb cli_data_prepare, cli_space_show, cli_device_measure, cli_device_import_csv, cli_device_import_help,
    cli_device_import_hat, cli_device_import_ofa, cli_device_export_ofa, cli_device_show, cli_device_references, cli_device_rebase,
    cli_error_estimate, cli_error_score, cli_error_eval, cli_predictor_fit, cli_predictor_eval, cli_predictor_ask, cli_search, cli_resume,
    cli_front, cli_pick, cli_verify, cli_bleu, cli_translate, cli_export, cli_score, cli_rival, cli_report, cli_results, cli_import_torch, cli_bench, cli_version,
    cli_help;

/* Finds the verb at the beginning of words[count] (one to three words); *used says how many. NULL after saying what is wrong. */
const cli_verb *cli_verb_find(const char *speaker, int count, char *const *words, int *used);

/* The list of verbs, on `file`. */
void cli_print_verbs(FILE *file);

/* Options that several verbs share; VALUES is the verb's struct. */
#define CLI_OPTION_THREADS(VALUES)                                                                                                         \
    {                                                                                                                                      \
        "threads", 0, CLI_COUNT, offsetof(VALUES, threads), "N", "worker threads; the outcome does not depend on them [one a processor]",  \
            false                                                                                                                          \
    }
#define CLI_OPTION_DATA(VALUES, TEXT)                                                                                                      \
    { "data", 0, CLI_DATA, offsetof(VALUES, data), "DATA", TEXT, false }
#define CLI_OPTION_JSON(VALUES)                                                                                                            \
    { "json", 0, CLI_FLAG, offsetof(VALUES, json), NULL, "the result as JSON on standard output", false }

#endif
