/* Samplers: discrete architectures from logits, with a useful gradient. Rows of one-hot D, one a decision. */
#ifndef FNAS_SEARCH_SAMPLER_H
#define FNAS_SEARCH_SAMPLER_H

#include "base/random.h"
#include "fleetnas/space.h"

typedef enum fnas_sampler_kind {
    FNAS_SAMPLER_REINMAX, /* Liu et al. 2023, "Bridging discrete and backpropagation: straight-through and beyond" */
    FNAS_SAMPLER_GDAS     /* Dong and Yang 2019: Gumbel softmax, hard forward, soft backward */
} fnas_sampler_kind;

/* Draws choices [decisions] from logits [onehot_size]; soft [onehot_size] keeps what the backward needs. temperature >= 1 for REINMAX (1 in
 * MODNAS), > 0 for GDAS. */
void fnas_sample(fnas_sampler_kind kind, const fnas_space *space, double temperature, const double *logits, fnas_random *random,
                 int32_t *choices, double *soft);
/* diff_logits [onehot_size] (written) from diff_onehot = dL/dD. */
void fnas_sample_backward(fnas_sampler_kind kind, const fnas_space *space, double temperature, const double *logits, const int32_t *choices,
                          const double *soft, const double *diff_onehot, double *diff_logits);

/* Adds to diff_logits [onehot_size] the gradient of -weight times the entropy of each row's softmax: it keeps the distribution from closing
 * before the objectives have spoken (Williams and Peng 1991). */
void fnas_entropy_bonus_backward(const fnas_space *space, double weight, const double *logits, double *diff_logits);

/* One row of K entries, for tests against golden vectors. soft = softmax(logits). */
void fnas_reinmax_row_backward(int64_t k, double temperature, const double *logits, const double *soft, int32_t selected,
                               const double *diff_onehot, double *diff_logits);

#endif
