/* What untrained networks and a few trainings say together. */
#ifndef FNAS_ESTIMATE_MERIT_H
#define FNAS_ESTIMATE_MERIT_H

#include "estimate/candidates.h"
#include "estimate/ingredients.h"
#include "fleetnas/data.h"

const char *fnas_merit_score_name(int64_t score);

/* scores [candidates] of one kind, written; the higher, the better. From images of the train part, indices [image_count >= 4], or as many
 * of noise. Errors as fnas_training_free_scores. */
FNAS_NODISCARD fnas_status fnas_merit_score(fnas_context *context, int64_t score, const fnas_space *proxy, const fnas_dataset *dataset,
                                            int64_t image_count, const int64_t *indices, uint64_t seed,
                                            const fnas_estimate_candidates *candidates, double *scores);

/* Places 1/count..1 of values [count], the lowest first; equal ones (-INFINITY among them) share the mean of theirs. rank [count] is
 * written. FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_merit_rank(fnas_context *context, int64_t count, const double *values, double *rank);

/* The merit of a candidate is the sum of the logarithms of its ranks (Lee and Ham 2024, AZ-NAS: one poor rank outweighs several good ones),
 * one for each score, and FNAS_MERIT_TRAINED for the error that trainings make expected: [count], in points. Only ingredients count; of
 * scores that are none nothing is read. Errors keep the distribution of `expected`, in the order of merit: error [count], which may be
 * `expected`. */
#define FNAS_MERIT_TRAINED 2.0
FNAS_NODISCARD fnas_status fnas_merit_combine(fnas_context *context, int64_t count, const fnas_ingredients *ingredients,
                                              const double *scores, const double *expected, double *error);

#endif
