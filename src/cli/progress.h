/* Progress and messages on standard error: a bar with rate and time left on a terminal, plain lines elsewhere. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "fleetnas/fleetnas.h"

typedef struct cli_progress {
    const char *verb;
    bool quiet, terminal;
    bool drawn;             /* a bar stands on the current line */
    char stage[64];         /* of the last report */
    double first_elapsed_s; /* of the stage's first report: a resumed search begins with work done long ago */
    int64_t first_done;
    double shown_s; /* when it was last shown, since the process began */
    bool ended;     /* its last line has been printed */
} cli_progress;

/* Attaches to the context's log and progress. `progress` outlives the context's use of it. */
void cli_progress_attach(cli_progress *progress, fnas_context *context, const char *verb, bool quiet);

/* Takes the bar away, so that results and errors start on a clean line. */
void cli_progress_clear(cli_progress *progress);

#endif
