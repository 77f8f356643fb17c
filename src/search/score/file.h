/* RUN/scores.csv: scores that were asked for, kept beside the run, so that the next command need not score them again. A convenience: a
 * file that is missing or damaged, and rows of other weights, are ignored, and a folder that cannot be written to is no error. */
#ifndef FNAS_SEARCH_SCORE_FILE_H
#define FNAS_SEARCH_SCORE_FILE_H

#include "search/run/run.h"

/* Into run->scores. */
FNAS_NODISCARD fnas_status fnas_score_file_load(fnas_context *context, const fnas_run *run);
/* All that run->scores knows. */
void fnas_score_file_save(fnas_context *context, const fnas_run *run);

#endif
