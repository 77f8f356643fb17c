/* What search and resume say at their ends. */
#ifndef CLI_RUNS_H
#define CLI_RUNS_H

#include "options.h"

/* After the search of `run` ended with `status`: the next commands, or how to go on. Returns the status. */
FNAS_NODISCARD fnas_status cli_run_conclude(fnas_context *context, const char *verb, const char *run, fnas_status status);

#endif
