/* Cross entropy of words of a large vocabulary, with label smoothing (Szegedy et al. 2016), token by token. */
#ifndef FNAS_COMPUTE_TOKEN_LOSS_H
#define FNAS_COMPUTE_TOKEN_LOSS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fnas_token_losses {
    double smoothed, log; /* sums over tokens: with smoothing and teacher, and -log p(label) */
    int64_t correct;      /* tokens whose label has the largest logit, the first among equals */
    double dot;           /* sum of each logit times its gradient, where there is one */
} fnas_token_losses;

typedef struct fnas_token_targets {
    const int32_t *labels; /* [tokens] */
    float smoothing;
    const float *soft; /* [tokens][vocabulary] probabilities that a teacher gives (Hinton et al. 2015); NULL: none */
    float soft_weight; /* of the target, 0 to 1, in the place of as much of the labels' */
} fnas_token_targets;

/* Adds the losses of tokens with logits [tokens][vocabulary]: log sum exp(z) - (1 - w) ((1 - smoothing) z_label + smoothing mean(z)) - w
 * q.z with a teacher's q that weighs w. With `gradient` the logits become the gradients of scale times the sum. A logit that is not finite
 * makes the losses NaN. */
void fnas_token_loss(int64_t tokens, int64_t vocabulary, float *logits, const fnas_token_targets *targets, bool gradient, float scale,
                     fnas_token_losses *losses);

/* Logits [tokens][vocabulary] become probabilities. */
void fnas_token_softmax(int64_t tokens, int64_t vocabulary, float *logits);

/* log of the sum of exp(z); NaN where a number is not finite. */
double fnas_log_sum_exp(int64_t count, const float *z);

#endif
