/* Which architecture a rival evaluates next where no table lists them: what promises most is bred, as ParEGO searches for the largest
 * expected improvement (Knowles 2006: an evolutionary algorithm that begins with random solutions and mutants of the best). */
#ifndef FNAS_SEARCH_RIVAL_PROPOSE_H
#define FNAS_SEARCH_RIVAL_PROPOSE_H

#include "search/rival/rival.h"

#define FNAS_RIVAL_GENERATION 100 /* architectures that are judged at a time */

/* How much architectures promise, the more the better: onehot [count][onehot_size], promise [count], written. */
typedef fnas_status fnas_rival_judge(void *judging, int64_t count, const double *onehot, double *promise);

/* An architecture [decisions] that is not in the archive. The first generation is half random, half mutants of the archive's front; nine
 * more are children of the twenty that promise most. A random one where none promises more than another, or without a judge. Errors: those
 * of the judge, FNAS_ERR_INPUT (all of a small space is known), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_rival_propose(fnas_rival *rival, fnas_rival_judge *judge, void *judging, int32_t *choices);

/* What Gaussian processes see of an architecture: the one-hot [onehot_size] of its canonical form. */
void fnas_rival_features(const fnas_rival *rival, const int32_t *choices, double *onehot);

#endif
