/* What verbs with truth tables share: options, and opening the tables, or the models that compute objectives in their place. */
#ifndef CLI_TRUTHS_H
#define CLI_TRUTHS_H

#include <stdio.h>

#include "options.h"
#include "output.h"

typedef struct cli_truth_values {
    const char *space, *accuracy_column, *error_column;
    cli_texts truth, columns;
    bool partial;
    const char *error, *predictor, *device; /* of models */
} cli_truth_values;

/* MEMBER is the cli_truth_values of the verb's VALUES; REQUIRED: tables are the only truth that the verb takes. */
#define CLI_OPTIONS_TRUTH(VALUES, MEMBER, REQUIRED)                                                                                          \
    {"space", 0, CLI_SPACE, offsetof(VALUES, MEMBER.space), "SPACE", "search space of the architectures", true},                             \
        {"truth",     0,                                                                                                                     \
         CLI_INPUTS,  offsetof(VALUES, MEMBER.truth),                                                                                        \
         "TABLE.csv", "truth tables, joined by arch, or by arch_index through one that has both",                                            \
         REQUIRED},                                                                                                                          \
        {"accuracy-column", 0, CLI_TEXT, offsetof(VALUES, MEMBER.accuracy_column), "COL", "accuracy in %: the error is 100 less it", false}, \
        {"error-column", 0, CLI_TEXT, offsetof(VALUES, MEMBER.error_column), "COL", "error in % [error_pct]", false},                        \
        {"column", 0, CLI_REPEATED, offsetof(VALUES, MEMBER.columns), "OBJECTIVE=COL", "another objective: latency_ms=pixel3; repeatable",   \
         REQUIRED},                                                                                                                          \
    {                                                                                                                                        \
        "partial", 0, CLI_FLAG, offsetof(VALUES, MEMBER.partial), NULL,                                                                      \
            "the tables are a sample of the space: what lacks an objective is left out, and the true front is that of the rest", false       \
    }

/* In the place of tables. */
#define CLI_OPTIONS_MODELS(VALUES, MEMBER)                                                                                                 \
    {"error",  0,                                                                                                                          \
     CLI_TEXT, offsetof(VALUES, MEMBER.error),                                                                                             \
     "SOURCE", "in the place of tables: errors by surrogate:FILE or surrogate:FILE.npz, as in `fleetnas search`",                          \
     false},                                                                                                                               \
        {"predictor", 0, CLI_INPUT, offsetof(VALUES, MEMBER.predictor), "P.safetensors", "and latencies by this predictor", false}, {      \
        "device", 0, CLI_INPUT, offsetof(VALUES, MEMBER.device), "CARD.json", "for this device, by its reference measurements", false      \
    }

/* Both are the caller's to close, also after a failure (NULL then). */
FNAS_NODISCARD fnas_status cli_truth_open(fnas_context *context, const char *verb, const cli_truth_values *values, fnas_space **space,
                                          fnas_truth **truth);

/* "surrogate:FILE, P.safetensors on CARD.json", on `file`: by what objectives are computed. */
void cli_truth_print_models(FILE *file, const cli_truth_values *values);

/* A score's members, inside an open object. */
void cli_truth_score_json(cli_json *json, const fnas_truth_score *score);

#endif
