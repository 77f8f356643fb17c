#include "compute/token_loss.h"

#include "compute/fast_exp.h"
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

/* z becomes scale (p - smoothing / vocabulary), p = exp(z - most) / sum; returns the sum of z times that. */
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

void fnas_token_loss(int64_t tokens, int64_t vocabulary, float *logits, const int32_t *labels, float smoothing, bool gradient, float scale,
                     fnas_token_losses *losses) {
    for (int64_t i = 0; i < tokens; i++) {
        float *z = logits + i * vocabulary, at_label = z[labels[i]];
        row_facts row = look_at(vocabulary, z);
        double sum = sum_of_exp(vocabulary, z, row.most), normaliser = (double)row.most + log(sum) + row.nothing;
        losses->smoothed += normaliser - (1 - (double)smoothing) * (double)at_label - (double)smoothing * row.sum / (double)vocabulary;
        losses->log += normaliser - (double)at_label;
        losses->correct += is_largest(vocabulary, z, row.most, labels[i]);
        if (!gradient) continue;
        losses->dot += differentiate(vocabulary, z, row.most, (float)((double)scale / sum), scale * smoothing / (float)vocabulary);
        float at = scale * (1 - smoothing);
        losses->dot -= (double)at * (double)at_label;
        z[labels[i]] -= at;
    }
}
