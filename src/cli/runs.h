/* What verbs with runs share. */
#ifndef CLI_RUNS_H
#define CLI_RUNS_H

#include "options.h"

/* After the search of `run` ended with `status`: the next commands, or how to go on. Returns the status. */
FNAS_NODISCARD fnas_status cli_run_conclude(fnas_context *context, const char *verb, const char *run, fnas_status status);

/* Whether a run keeps a file of its own there ("config.json", "devices/NAME.json"); fronts/ is everybody's. */
bool cli_run_holds(const char *inside);

#endif
