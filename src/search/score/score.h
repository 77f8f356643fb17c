/* Scores of architectures by the shared weights: on images, with batch statistics recalibrated for each (Yu and Huang 2019); on sentences,
 * each word predicted from those before it in the reference translation. */
#ifndef FNAS_SEARCH_SCORE_SCORE_H
#define FNAS_SEARCH_SCORE_SCORE_H

#include "nn/path.h"
#include "search/run/run.h"
#include "search/score/cache.h"
#include "search/supernet/examples.h"

/* Scores of count architectures [count][decisions] of run->supernet with run->state.weights: statistics from
 * config.recalibration_images of the weights' split (no augmentation), then images of the validation split or of the test part (the first
 * `images`, or all where there are fewer; 0: config.validation_images). Where networks translate, pairs of the prepared file's own parts
 * take the place of images. In parallel over architectures on the context's threads; the outcome does not depend on them. scores [count]
 * are written. Progress stage `stage`. FNAS_INTERRUPTED on a stop request. */
FNAS_NODISCARD fnas_status fnas_score_archs(fnas_context *context, const fnas_run *run, const fnas_examples *examples, fnas_score_part part,
                                            int64_t images, const char *stage, int64_t count, const int32_t *choices, fnas_score *scores);

/* The statistics of an architecture's norms that its score is of; statistics: arrays [net->norm_channels] of the caller. Uses the compute
 * engine on the calling thread. */
FNAS_NODISCARD fnas_status fnas_score_statistics(fnas_context *context, const fnas_run *run, const fnas_examples *examples,
                                                 const fnas_net *net, fnas_norm_state *statistics);

/* What the run already knows, an error of NaN for the others; true when it knows all (no data set is needed then). */
bool fnas_score_known(const fnas_run *run, fnas_score_part part, int64_t images, int64_t count, const int32_t *choices, fnas_score *scores);

#endif
