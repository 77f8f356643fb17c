/* What a run on pairs of sentences has besides: its vocabulary. For run.c, but for the check of a card. */
#ifndef FNAS_SEARCH_RUN_VOCABULARY_H
#define FNAS_SEARCH_RUN_VOCABULARY_H

#include "search/run/run.h"

/* A new run's configuration and vocabulary by the pairs that it has open; *batches_a_pass: of the train part. FNAS_ERR_INPUT for cards that
 * were measured with another vocabulary. */
FNAS_NODISCARD fnas_status fnas_run_fit_pairs(fnas_context *context, fnas_run *run, int64_t *batches_a_pass);
/* The embedding and the output's product are as large as the vocabulary: FNAS_ERR_INPUT where a card says that its latencies are of
 * networks that know another number of words. */
FNAS_NODISCARD fnas_status fnas_run_check_card_words(fnas_context *context, const fnas_run *run, const fnas_card *card);
/* FNAS_ERR_INPUT where these pairs are of another vocabulary than the run's. */
FNAS_NODISCARD fnas_status fnas_run_check_pairs(fnas_context *context, const fnas_run *run, const fnas_pairs *pairs);

/* The run's file of it. load: nothing where the run does not translate; FNAS_ERR_INPUT for a file that is not the run's. */
FNAS_NODISCARD fnas_status fnas_run_write_vocabulary(fnas_context *context, const fnas_run *run);
FNAS_NODISCARD fnas_status fnas_run_load_vocabulary(fnas_context *context, fnas_run *run);

#endif
