#include <math.h>

#include "compute/ops.h"

static int64_t largest(int64_t classes, const float *logits) {
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (logits[k] > logits[best]) best = k;
    return best;
}

/* log(sum(exp(logits))), shifted by the largest; NaN where a logit is not finite. */
static double log_sum_exp(int64_t classes, const float *logits, int64_t best) {
    double sum = 0;
    for (int64_t k = 0; k < classes; k++) {
        if (!isfinite(logits[k])) return NAN;
        sum += exp((double)logits[k] - (double)logits[best]);
    }
    return (double)logits[best] + log(sum);
}

/* The target is (1 - smoothing) on the label and smoothing / K everywhere: loss = logsumexp - (1 - smoothing) * z_label - smoothing *
 * mean(z). */
void fnas_cross_entropy(int64_t n, int64_t classes, const float *logits, const int32_t *labels, float smoothing, float scale, double *loss,
                        int64_t *correct, float *diff_logits) {
    double sum = 0, smooth = (double)smoothing, factor = (double)scale / (double)n;
    *correct = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *z = logits + i * classes;
        int64_t best = largest(classes, z), label = labels[i];
        double normaliser = log_sum_exp(classes, z, best), mean = 0;
        for (int64_t k = 0; k < classes; k++) mean += (double)z[k] / (double)classes;
        sum += normaliser - (1 - smooth) * (double)z[label] - smooth * mean;
        *correct += best == label;
        if (!diff_logits) continue;
        for (int64_t k = 0; k < classes; k++) {
            double target = (k == label ? 1 - smooth : 0) + smooth / (double)classes;
            diff_logits[i * classes + k] = (float)(factor * (exp((double)z[k] - normaliser) - target));
        }
    }
    *loss = sum / (double)n;
}

void fnas_soft_cross_entropy(int64_t n, int64_t classes, const float *logits, const float *targets, float scale, double *loss,
                             float *diff_logits) {
    double sum = 0, factor = (double)scale / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const float *z = logits + i * classes, *target = targets + i * classes;
        double normaliser = log_sum_exp(classes, z, largest(classes, z));
        for (int64_t k = 0; k < classes; k++) sum += (double)target[k] * (normaliser - (double)z[k]);
        if (!diff_logits) continue;
        for (int64_t k = 0; k < classes; k++)
            diff_logits[i * classes + k] += (float)(factor * (exp((double)z[k] - normaliser) - (double)target[k]));
    }
    *loss = sum / (double)n;
}

void fnas_softmax(int64_t n, int64_t classes, float *logits) {
    for (int64_t i = 0; i < n; i++) {
        float *z = logits + i * classes;
        double normaliser = log_sum_exp(classes, z, largest(classes, z));
        for (int64_t k = 0; k < classes; k++) z[k] = (float)exp((double)z[k] - normaliser);
    }
}
