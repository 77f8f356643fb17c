#include "compute/token_loss.h"

#include "compute/fast_exp.h"
#include "compute/kernels.h"
#include "compute/vector.h"

#define LANES 16
#define FLUSH 4096 /* elements that are summed in f32 before they are added in double */

/* The largest, the sum of all, and whether all are finite (x - x is NaN where x is not). */
typedef struct row_facts {
    float most;
    double sum, nothing;
} row_facts;

FNAS_MULTIVERSION static row_facts look_at(int64_t count, const float *z) {
    float most[LANES];
    for (int l = 0; l < LANES; l++) most[l] = z[0];
    double sum = 0, nothing = 0;
    for (int64_t begin = 0; begin < count; begin += FLUSH) {
        int64_t end = begin + FLUSH < count ? begin + FLUSH : count, k = begin;
        float part[LANES] = {0}, apart[LANES] = {0};
        for (; k + LANES <= end; k += LANES)
            for (int l = 0; l < LANES; l++) {
                most[l] = z[k + l] > most[l] ? z[k + l] : most[l];
                part[l] += z[k + l];
                apart[l] += z[k + l] - z[k + l];
            }
        for (int l = 0; k + l < end; l++) {
            most[l] = z[k + l] > most[l] ? z[k + l] : most[l];
            part[l] += z[k + l];
            apart[l] += z[k + l] - z[k + l];
        }
        for (int l = 0; l < LANES; l++) {
            sum += (double)part[l];
            nothing += (double)apart[l];
        }
    }
    for (int l = 1; l < LANES; l++) most[0] = most[l] > most[0] ? most[l] : most[0];
    return (row_facts){most[0], sum, nothing};
}

FNAS_MULTIVERSION static double sum_of_exp(int64_t count, const float *z, float most) {
    double sum = 0;
    for (int64_t begin = 0; begin < count; begin += FLUSH) {
        int64_t end = begin + FLUSH < count ? begin + FLUSH : count, k = begin;
        float part[LANES] = {0};
        for (; k + LANES <= end; k += LANES)
            for (int l = 0; l < LANES; l++) part[l] += fnas_exp_of_negative(z[k + l] - most);
        for (int l = 0; k + l < end; l++) part[l] += fnas_exp_of_negative(z[k + l] - most);
        for (int l = 0; l < LANES; l++) sum += (double)part[l];
    }
    return sum;
}

/* z becomes factor exp(z - most) - even; returns the sum of z times that. */
FNAS_MULTIVERSION static double differentiate(int64_t count, float *z, float most, float factor, float even) {
    double dot = 0;
    for (int64_t begin = 0; begin < count; begin += FLUSH) {
        int64_t end = begin + FLUSH < count ? begin + FLUSH : count, k = begin;
        float part[LANES] = {0};
        for (; k + LANES <= end; k += LANES)
            for (int l = 0; l < LANES; l++) {
                float d = fnas_exp_of_negative(z[k + l] - most) * factor - even;
                part[l] += d * z[k + l];
                z[k + l] = d;
            }
        for (int l = 0; k + l < end; l++) {
            float d = fnas_exp_of_negative(z[k + l] - most) * factor - even;
            part[l] += d * z[k + l];
            z[k + l] = d;
        }
        for (int l = 0; l < LANES; l++) dot += (double)part[l];
    }
    return dot;
}

static bool is_largest(int64_t count, const float *z, float most, int64_t label) {
    if (z[label] != most) return false;
    for (int64_t k = 0; k < label && k < count; k++)
        if (z[k] == most) return false;
    return true;
}

double fnas_log_sum_exp(int64_t count, const float *z) {
    row_facts row = look_at(count, z);
    return (double)row.most + log(sum_of_exp(count, z, row.most)) + row.nothing;
}

/* What a teacher says weighs `share` of the gradient: z, which holds the gradient already, loses share q. */
FNAS_MULTIVERSION static void subtract_soft(int64_t count, const float *q, float share, float *z) {
    for (int64_t k = 0; k < count; k++) z[k] -= share * q[k];
}

FNAS_MULTIVERSION static void to_probabilities(int64_t count, float *z, float most, float factor) {
    for (int64_t k = 0; k < count; k++) z[k] = fnas_exp_of_negative(z[k] - most) * factor;
}

void fnas_token_softmax(int64_t tokens, int64_t vocabulary, float *logits) {
    for (int64_t i = 0; i < tokens; i++) {
        float *z = logits + i * vocabulary;
        row_facts row = look_at(vocabulary, z);
        to_probabilities(vocabulary, z, row.most, (float)(1 / sum_of_exp(vocabulary, z, row.most)));
    }
}

/* Of one token: z becomes its gradient where that is wanted. */
static void add_token(int64_t vocabulary, float *z, int32_t label, const float *soft, const fnas_token_targets *targets, bool gradient,
                      float scale, fnas_token_losses *losses) {
    float at_label = z[label], share = soft ? targets->soft_weight : 0, hard = 1 - share, smoothing = targets->smoothing;
    row_facts row = look_at(vocabulary, z);
    double sum = sum_of_exp(vocabulary, z, row.most), normaliser = (double)row.most + log(sum) + row.nothing;
    double expected = (1 - (double)smoothing) * (double)at_label + (double)smoothing * row.sum / (double)vocabulary;
    double said = soft ? fnas_floats_dot(vocabulary, soft, z) : 0;
    losses->smoothed += normaliser - (double)hard * expected - (double)share * said;
    losses->log += normaliser - (double)at_label;
    losses->correct += is_largest(vocabulary, z, row.most, label);
    if (!gradient) return;
    float at = scale * hard * (1 - smoothing);
    losses->dot += differentiate(vocabulary, z, row.most, (float)((double)scale / sum), scale * hard * smoothing / (float)vocabulary);
    losses->dot -= (double)at * (double)at_label + (double)(scale * share) * said;
    z[label] -= at;
    if (soft) subtract_soft(vocabulary, soft, scale * share, z);
}

void fnas_token_loss(int64_t tokens, int64_t vocabulary, float *logits, const fnas_token_targets *targets, bool gradient, float scale,
                     fnas_token_losses *losses) {
    for (int64_t i = 0; i < tokens; i++)
        add_token(vocabulary, logits + i * vocabulary, targets->labels[i], targets->soft ? targets->soft + i * vocabulary : NULL, targets,
                  gradient, scale, losses);
}
