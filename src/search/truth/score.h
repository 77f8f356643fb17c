/* Scores against truth tables. */
#ifndef FNAS_SEARCH_TRUTH_SCORE_H
#define FNAS_SEARCH_TRUTH_SCORE_H

#include "search/truth/truth.h"

/* Fills in the table's true front and its hypervolume. */
FNAS_NODISCARD fnas_status fnas_truth_find_front(fnas_context *context, fnas_truth *truth);

#endif
