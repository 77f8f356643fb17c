/* "NAME=VALUE,..." about the objectives of a run: preferences and limits. */
#ifndef CLI_GOALS_H
#define CLI_GOALS_H

#include "options.h"

#define CLI_OBJECTIVES_MOST 16

/* The names of a run's objectives, in its order. Borrowed from the front that they were asked of. */
typedef struct cli_objectives {
    int64_t count;
    const char *names[CLI_OBJECTIVES_MOST];
} cli_objectives;

cli_objectives cli_objectives_of(const fnas_front *front);

/* Reads "error=0.7,latency_ms=0.3" into values [count] and given [count]. FNAS_ERR_USAGE, said on standard error: unknown objective (with a
 * suggestion), one given twice, a value that is no number or below 0. `option` names the option in messages. */
FNAS_NODISCARD fnas_status cli_goals_read(const char *verb, const char *option, const char *text, const cli_objectives *objectives,
                                          double *values, bool *given);

/* The same, where the values are weights that sum to one (within 1e-6); objectives that are not named weigh nothing. */
FNAS_NODISCARD fnas_status cli_preference_read(const char *verb, const char *text, const cli_objectives *objectives, double *preference);

#endif
