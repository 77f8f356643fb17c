#include "nn/optimiser.h"

#include <math.h>

void fnas_sgd_step(const fnas_sgd *sgd, int64_t count, const float *gradient, float *moment, float *weights) {
    const float rate = (float)sgd->rate, momentum = (float)sgd->momentum, decay = (float)sgd->weight_decay;
    for (int64_t i = 0; i < count; i++) {
        float g = gradient[i] + decay * weights[i];
        float m = momentum * moment[i] + g;
        moment[i] = m;
        weights[i] -= rate * (sgd->nesterov ? g + momentum * m : m);
    }
}

void fnas_adam_step(const fnas_adam *adam, int64_t step, int64_t count, const float *gradient, float *moment1, float *moment2,
                    float *weights) {
    const float beta1 = (float)adam->beta1, beta2 = (float)adam->beta2, epsilon = (float)adam->epsilon;
    const float coupled = adam->decoupled ? 0.0f : (float)adam->weight_decay;
    const float keep = adam->decoupled ? (float)(1.0 - adam->rate * adam->weight_decay) : 1.0f;
    const float step_size = (float)(adam->rate / (1.0 - pow(adam->beta1, (double)step)));
    const float root_correction = (float)(1.0 / sqrt(1.0 - pow(adam->beta2, (double)step)));
    const float new1 = (float)(1.0 - adam->beta1), new2 = (float)(1.0 - adam->beta2);
    for (int64_t i = 0; i < count; i++) {
        float g = gradient[i] + coupled * weights[i];
        moment1[i] = beta1 * moment1[i] + new1 * g;
        moment2[i] = beta2 * moment2[i] + new2 * g * g;
        weights[i] = keep * weights[i] - step_size * moment1[i] / (sqrtf(moment2[i]) * root_correction + epsilon);
    }
}

double fnas_cosine(double from, double to, int64_t step, int64_t total) {
    if (total <= 0 || step >= total) return to;
    if (step <= 0) return from;
    return to + 0.5 * (from - to) * (1.0 + cos(3.14159265358979323846 * (double)step / (double)total));
}

/* Eight sums side by side, so that the fixed order still fills a vector register. */
static double fnas_sum_of_squares(int64_t count, const float *values) {
    double lanes[8] = {0};
    int64_t whole = count / 8 * 8;
    for (int64_t i = 0; i < whole; i += 8)
        for (int64_t lane = 0; lane < 8; lane++) lanes[lane] += (double)values[i + lane] * (double)values[i + lane];
    for (int64_t i = whole; i < count; i++) lanes[i - whole] += (double)values[i] * (double)values[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

double fnas_clip_global_norm(int64_t count, double limit, float *gradient) {
    double norm = sqrt(fnas_sum_of_squares(count, gradient));
    if (!(norm > limit)) return norm;
    const float scale = (float)(limit / norm);
    for (int64_t i = 0; i < count; i++) gradient[i] *= scale;
    return norm;
}
