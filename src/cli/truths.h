/* What verbs with truth tables share: options, and opening the tables. */
#ifndef CLI_TRUTHS_H
#define CLI_TRUTHS_H

#include "options.h"
#include "output.h"

typedef struct cli_truth_values {
    const char *space, *accuracy_column, *error_column;
    cli_texts truth, columns;
    bool partial;
} cli_truth_values;

/* MEMBER is the cli_truth_values of the verb's VALUES. */
#define CLI_OPTIONS_TRUTH(VALUES, MEMBER)                                                                                                    \
    {"space", 0, CLI_SPACE, offsetof(VALUES, MEMBER.space), "SPACE", "search space of the architectures", true},                             \
        {"truth",     0,                                                                                                                     \
         CLI_INPUTS,  offsetof(VALUES, MEMBER.truth),                                                                                        \
         "TABLE.csv", "truth tables, joined by arch, or by arch_index through one that has both",                                            \
         true},                                                                                                                              \
        {"accuracy-column", 0, CLI_TEXT, offsetof(VALUES, MEMBER.accuracy_column), "COL", "accuracy in %: the error is 100 less it", false}, \
        {"error-column", 0, CLI_TEXT, offsetof(VALUES, MEMBER.error_column), "COL", "error in % [error_pct]", false},                        \
        {"column", 0, CLI_REPEATED, offsetof(VALUES, MEMBER.columns), "OBJECTIVE=COL", "another objective: latency_ms=pixel3; repeatable",   \
         true},                                                                                                                              \
    {                                                                                                                                        \
        "partial", 0, CLI_FLAG, offsetof(VALUES, MEMBER.partial), NULL,                                                                      \
            "the tables are a sample of the space: what lacks an objective is left out, and the true front is that of the rest", false       \
    }

/* Both are the caller's to close, also after a failure (NULL then). */
FNAS_NODISCARD fnas_status cli_truth_open(fnas_context *context, const char *verb, const cli_truth_values *values, fnas_space **space,
                                          fnas_truth **truth);

/* A score's members, inside an open object. */
void cli_truth_score_json(cli_json *json, const fnas_truth_score *score);

#endif
