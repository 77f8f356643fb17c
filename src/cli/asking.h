/* What front, pick and report let a user say of how a run is asked: one table of options, and what they mean to the library. */
#ifndef CLI_ASKING_H
#define CLI_ASKING_H

#include "options.h"

typedef struct cli_asking {
    const char *data;
    int64_t points, candidates, neighbours;
    bool fill, predicted_only, as_offered;
} cli_asking;

/* MEMBER is the cli_asking of the verb's VALUES. Of every answer: */
#define CLI_OPTIONS_ANSWER(VALUES, MEMBER)                                                                                                 \
    {"predicted-only",                                                                                                                     \
     0,                                                                                                                                    \
     CLI_FLAG,                                                                                                                             \
     offsetof(VALUES, MEMBER.predicted_only),                                                                                              \
     NULL,                                                                                                                                 \
     "predict also what the card has measured [its measurements take the place of predictions]",                                           \
     false},                                                                                                                               \
    {                                                                                                                                      \
        "as-offered", 0, CLI_FLAG, offsetof(VALUES, MEMBER.as_offered), NULL,                                                              \
            "with errors of a table or a surrogate: only what the hypernetwork offers, not the rest of the space or what lies near", false \
    }

/* Of whole fronts, besides: */
#define CLI_OPTIONS_FRONT(VALUES, MEMBER)                                                                                                  \
    {"points",  0,                                                                                                                         \
     CLI_COUNT, offsetof(VALUES, MEMBER.points),                                                                                           \
     "N",       "architectures of a device at most, best first by hypervolume contribution [24]",                                          \
     false},                                                                                                                               \
        {"candidates", 0,                                                                                                                  \
         CLI_COUNT,    offsetof(VALUES, MEMBER.candidates),                                                                                \
         "N",          "architectures of the sweep that are scored at most [48; 1000 where errors come from a table]",                     \
         false},                                                                                                                           \
        {"neighbours", 0,                                                                                                                  \
         CLI_COUNT,    offsetof(VALUES, MEMBER.neighbours),                                                                                \
         "N",          "also score up to N of the next most probable architectures [0]",                                                   \
         false},                                                                                                                           \
        {"fill",                                                                                                                           \
         0,                                                                                                                                \
         CLI_FLAG,                                                                                                                         \
         offsetof(VALUES, MEMBER.fill),                                                                                                    \
         NULL,                                                                                                                             \
         "where fewer than --points are on the front, the next best follow: predictions are not exact, and what seems a little worse may " \
         "be better",                                                                                                                      \
         false},                                                                                                                           \
        CLI_OPTIONS_ANSWER(VALUES, MEMBER), {                                                                                              \
        "data", 0, CLI_DATA, offsetof(VALUES, MEMBER.data), "DATA", "where the data set lies now [where the search found it]", false       \
    }

/* With errors. The options borrow from `asking`. */
fnas_front_options cli_asking_options(const cli_asking *asking);

#endif
