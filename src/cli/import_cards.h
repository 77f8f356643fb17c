/* What the verbs of "device import" share: options, and cards written to a file or a folder. */
#ifndef CLI_IMPORT_CARDS_H
#define CLI_IMPORT_CARDS_H

#include "options.h"

typedef struct cli_import_values {
    cli_common common;
    const char *space, *output, *name, *archs, *references, *batch_suffixes;
    const char *runtime, *runtime_version, *processor, *precision, *isa;
    cli_texts columns;
    int64_t batch, threads, arch_count;
    uint64_t seed;
    bool all, references_from_table, reference_only, json;
} cli_import_values;

#define CLI_IMPORT_AT(member) offsetof(cli_import_values, member)
#define CLI_IMPORT_OPTION_INPUT(NAME, MEMBER, ARGUMENT, TEXT)                                                                              \
    { NAME, 0, CLI_INPUT, CLI_IMPORT_AT(MEMBER), ARGUMENT, TEXT, false }
#define CLI_IMPORT_OPTION_TEXT(NAME, MEMBER, ARGUMENT, TEXT)                                                                               \
    { NAME, 0, CLI_TEXT, CLI_IMPORT_AT(MEMBER), ARGUMENT, TEXT, false }

/* Those in front of the verb's own, and those behind it. */
#define CLI_IMPORT_OPTION_SPACE                                                                                                            \
    { "space", 0, CLI_SPACE, CLI_IMPORT_AT(space), "SPACE", "search space of the architectures, with its parameters", true }
#define CLI_IMPORT_OPTION_OUTPUT                                                                                                           \
    {                                                                                                                                      \
        "output", 'o', CLI_PLACE, CLI_IMPORT_AT(output), "CARD.json|FOLDER",                                                               \
            "one device: its card, where it ends in .json; else a folder, made where absent, that gets NAME.json for each", true           \
    }
#define CLI_IMPORT_OPTIONS                                                                                                                 \
    CLI_IMPORT_OPTION_INPUT(                                                                                                               \
        "references", references, "FILE.json",                                                                                             \
        "ten reference architectures: an array of native strings, or an object with reference_archs [the space's own]"),                   \
        {"references-from-table",                                                                                                          \
         0,                                                                                                                                \
         CLI_FLAG,                                                                                                                         \
         CLI_IMPORT_AT(references_from_table),                                                                                             \
         NULL,                                                                                                                             \
         "ten rows of the device's own table, at even distances",                                                                          \
         false},                                                                                                                           \
        {"reference-only", 0, CLI_FLAG, CLI_IMPORT_AT(reference_only), NULL, "the ten references and no measurements", false},             \
        {"batch", 0, CLI_COUNT, CLI_IMPORT_AT(batch), "N", "images at a time that a latency is of [1]", false},                            \
        CLI_IMPORT_OPTION_TEXT("batch-suffixes", batch_suffixes, "N,N,...",                                                                \
                               "a name that ends in _N, for one of these N, is of batch N; without it no name tells a batch"),             \
        {"threads", 0, CLI_COUNT, CLI_IMPORT_AT(threads), "N", "threads that were used [1]", false},                                       \
        CLI_IMPORT_OPTION_TEXT("runtime", runtime, "TEXT", "what executed the networks [unknown]"),                                        \
        CLI_IMPORT_OPTION_TEXT("runtime-version", runtime_version, "TEXT", "its version [unknown]"),                                       \
        CLI_IMPORT_OPTION_TEXT("processor", processor, "TEXT", "what it ran on [unknown]"),                                                \
        CLI_IMPORT_OPTION_TEXT("precision", precision, "TEXT", "of weights and activations: f32, int8, ... [unknown]"),                    \
        CLI_IMPORT_OPTION_TEXT("isa", isa, "TEXT", "instruction set [unknown]"), {                                                         \
        "json", 0, CLI_FLAG, CLI_IMPORT_AT(json), NULL, "the result as JSON on standard output", false                                     \
    }

/* Makes the card of each latency column (count >= 1; energy_column may be NULL, and must be where count > 1), then writes them all and says
 * what was written: nothing is written where one of them is refused. */
FNAS_NODISCARD fnas_status cli_import_write(fnas_context *context, const char *verb, const fnas_import *import,
                                            const cli_import_values *values, const char *const *latency_columns, int64_t count,
                                            const char *energy_column);

/* The same with every column of the import. */
FNAS_NODISCARD fnas_status cli_import_write_all(fnas_context *context, const char *verb, const fnas_import *import,
                                                const cli_import_values *values);

/* Checks what can be checked before a table is read. */
FNAS_NODISCARD fnas_status cli_import_check(const char *verb, const cli_import_values *values);

#endif
