/* What a run's networks learn from and are judged on: a data set of images, or pairs of sentences that are translations of each other. */
#ifndef FNAS_SEARCH_SUPERNET_EXAMPLES_H
#define FNAS_SEARCH_SUPERNET_EXAMPLES_H

#include "data/text/pairs.h"
#include "fleetnas/data.h"
#include "search/score/cache.h"
#include "space/space.h"

/* One of the two is open. */
typedef struct fnas_examples {
    fnas_dataset *images;
    fnas_pairs *pairs;
    char *spec; /* of pairs: "text:" and where they lie, so that a run can be resumed from another folder */
} fnas_examples;

/* Opens what the space's networks take: a data set by its spec, or "text:FILE", prepared pairs (FILE alone will do). Close it with
 * fnas_examples_close. Errors: as fnas_dataset_open and fnas_pairs_open; FNAS_ERR_USAGE for text where images are wanted, and the other way
 * round. */
FNAS_NODISCARD fnas_status fnas_examples_open(fnas_context *context, const fnas_space *space, const char *spec, fnas_examples *examples);
void fnas_examples_close(fnas_examples *examples); /* also when zeroed */

const char *fnas_examples_name(const fnas_examples *examples); /* which they are, wherever they lie; borrowed */
const char *fnas_examples_spec(const fnas_examples *examples); /* with their place; borrowed */

/* Images or pairs of the test part. */
int64_t fnas_examples_test_count(const fnas_examples *examples);
const char *fnas_examples_word(const fnas_space *space); /* "images" or "pairs": what a space's networks are shown */

#endif
