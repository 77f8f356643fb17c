/* metrics.csv: one row a step, equal for equal searches. */
#ifndef FNAS_SEARCH_RUN_METRICS_H
#define FNAS_SEARCH_RUN_METRICS_H

#include <stdio.h>

#include "search/searcher.h"

typedef struct fnas_metrics {
    FILE *file;
    char *path;
} fnas_metrics;

/* Opens the file for appending; rows behind state->step (written after the checkpoint that is resumed from) are cut off first. Where rows
 * of earlier steps are missing, a warning on the log names the file and the steps. */
FNAS_NODISCARD fnas_status fnas_metrics_open(fnas_context *context, const fnas_run *run, fnas_metrics *metrics);
FNAS_NODISCARD fnas_status fnas_metrics_append(fnas_context *context, fnas_metrics *metrics, const fnas_searcher *searcher);
FNAS_NODISCARD fnas_status fnas_metrics_sync(fnas_context *context,
                                             fnas_metrics *metrics); /* to the disk: before a checkpoint says that the steps are done */
void fnas_metrics_close(fnas_metrics *metrics);

#endif
