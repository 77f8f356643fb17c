/* How translations are found: options that the verbs which translate share. */
#ifndef CLI_BEAMS_H
#define CLI_BEAMS_H

#include "options.h"

typedef struct cli_beam {
    int64_t width;
    const char *length_penalty;
    double number; /* of the penalty, once read */
} cli_beam;

/* MEMBER is the cli_beam of the verb's VALUES. */
#define CLI_OPTIONS_BEAM(VALUES, MEMBER)                                                                                                   \
    {"beam", 0, CLI_COUNT, offsetof(VALUES, MEMBER.width), "N", "hypotheses of the beam search, 1 (greedy) to 16 [4]", false}, {           \
        "length-penalty", 0, CLI_TEXT, offsetof(VALUES, MEMBER.length_penalty), "X",                                                       \
            "a hypothesis of n words is worth its log probability / n^X [0.6]", false                                                      \
    }

/* FNAS_ERR_USAGE, said on standard error, where the penalty is no number. The options borrow from `beam`. */
FNAS_NODISCARD fnas_status cli_beam_read(const char *verb, cli_beam *beam, fnas_beam_options *options);

#endif
