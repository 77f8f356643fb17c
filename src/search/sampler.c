#include "search/sampler.h"

#include <math.h>

/* p = softmax(logits / temperature) */
static void softmax_row(int64_t k, double temperature, const double *logits, double *p) {
    double largest = logits[0], sum = 0;
    for (int64_t i = 1; i < k; i++)
        if (logits[i] > largest) largest = logits[i];
    for (int64_t i = 0; i < k; i++) sum += p[i] = exp((logits[i] - largest) / temperature);
    for (int64_t i = 0; i < k; i++) p[i] /= sum;
}

/* ---- ReinMax: soft keeps p = softmax(logits) ---- */

static int32_t reinmax_row_sample(int64_t k, const double *logits, fnas_random *random, double *soft) {
    softmax_row(k, 1, logits, soft);
    double rest = fnas_random_uniform(random);
    int64_t last = 0;
    for (int64_t i = 0; i < k; i++) {
        if (soft[i] <= 0) continue; /* never a choice of probability 0, whatever the rounding */
        last = i;
        if (rest < soft[i]) break;
        rest -= soft[i];
    }
    return (int32_t)last;
}

/* With J(v) = diag(v) - v v' and q = (softmax(logits / temperature) + D) / 2: dL/dlogits = 2 J(q) G - J(p) G / 2, Heun's second-order
 * correction of the straight-through estimator (Liu et al. 2023, algorithm 2). tempered = softmax(logits / temperature); may be where
 * diff_logits are written. */
static void reinmax_row_backward(int64_t k, const double *soft, const double *tempered, int32_t selected, const double *diff_onehot,
                                 double *diff_logits) {
    double mean_p = 0, mean_q = 0, mean = 0;
    for (int64_t i = 0; i < k; i++) {
        mean_p += diff_onehot[i] * soft[i];
        mean_q += diff_onehot[i] * 0.5 * (tempered[i] + (i == selected));
    }
    for (int64_t i = 0; i < k; i++) {
        double q = 0.5 * (tempered[i] + (i == selected));
        diff_logits[i] = 2 * q * (diff_onehot[i] - mean_q) - 0.5 * soft[i] * (diff_onehot[i] - mean_p);
        mean += diff_logits[i] / (double)k;
    }
    for (int64_t i = 0; i < k; i++) diff_logits[i] -= mean; /* zero but for rounding: softmax does not see a shift */
}

/* soft: as the sample left it. */
void fnas_reinmax_row_backward(int64_t k, double temperature, const double *logits, const double *soft, int32_t selected,
                               const double *diff_onehot, double *diff_logits) {
    if (temperature != 1) softmax_row(k, temperature, logits, diff_logits);
    reinmax_row_backward(k, soft, temperature != 1 ? diff_logits : soft, selected, diff_onehot, diff_logits);
}

/* ---- GDAS: soft keeps the Gumbel softmax s = softmax((logits + gumbel) / temperature) ---- */

static int32_t gdas_row_sample(int64_t k, double temperature, const double *logits, fnas_random *random, double *soft) {
    for (int64_t i = 0; i < k; i++) soft[i] = logits[i] - log(-log(fnas_random_uniform(random)));
    softmax_row(k, temperature, soft, soft);
    int64_t best = 0;
    for (int64_t i = 1; i < k; i++)
        if (soft[i] > soft[best]) best = i;
    return (int32_t)best;
}

/* J(s) G / temperature. The logits' own log-softmax, which the paper puts first, changes neither s nor this gradient: J's rows sum to 0. */
static void gdas_row_backward(int64_t k, double temperature, const double *soft, const double *diff_onehot, double *diff_logits) {
    double mean = 0;
    for (int64_t i = 0; i < k; i++) mean += soft[i] * diff_onehot[i];
    for (int64_t i = 0; i < k; i++) diff_logits[i] = soft[i] * (diff_onehot[i] - mean) / temperature;
}

void fnas_sample(fnas_sampler_kind kind, const fnas_space *space, double temperature, const double *logits, fnas_random *random,
                 int32_t *choices, double *soft) {
    for (int64_t decision = 0; decision < fnas_space_decision_count(space); decision++) {
        int64_t k = fnas_space_choice_count(space, decision), at = fnas_space_onehot_offset(space, decision);
        choices[decision] = kind == FNAS_SAMPLER_REINMAX ? reinmax_row_sample(k, logits + at, random, soft + at)
                                                         : gdas_row_sample(k, temperature, logits + at, random, soft + at);
    }
}

void fnas_sample_backward(fnas_sampler_kind kind, const fnas_space *space, double temperature, const double *logits, const int32_t *choices,
                          const double *soft, const double *diff_onehot, double *diff_logits) {
    for (int64_t decision = 0; decision < fnas_space_decision_count(space); decision++) {
        int64_t k = fnas_space_choice_count(space, decision), at = fnas_space_onehot_offset(space, decision);
        if (kind == FNAS_SAMPLER_REINMAX)
            fnas_reinmax_row_backward(k, temperature, logits + at, soft + at, choices[decision], diff_onehot + at, diff_logits + at);
        else
            gdas_row_backward(k, temperature, soft + at, diff_onehot + at, diff_logits + at);
    }
}

/* ---- entropy: d(-H)/da_i = p_i (log p_i + H), with H = -sum p log p = log Z - mean of a ---- */

static void entropy_row_backward(int64_t k, double weight, const double *logits, double *diff_logits) {
    double largest = logits[0], sum = 0, mean = 0;
    for (int64_t i = 1; i < k; i++) largest = fmax(largest, logits[i]);
    for (int64_t i = 0; i < k; i++) {
        double share = exp(logits[i] - largest);
        sum += share;
        mean += share * (logits[i] - largest);
    }
    mean /= sum;
    for (int64_t i = 0; i < k; i++) diff_logits[i] += weight * exp(logits[i] - largest) / sum * (logits[i] - largest - mean);
}

void fnas_entropy_bonus_backward(const fnas_space *space, double weight, const double *logits, double *diff_logits) {
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) {
        int64_t first = fnas_space_onehot_offset(space, d);
        entropy_row_backward(fnas_space_choice_count(space, d), weight, logits + first, diff_logits + first);
    }
}
