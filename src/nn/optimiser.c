#include "nn/optimiser.h"

#include <math.h>
#include <stdbool.h>

#include "compute/vector.h"

FNAS_MULTIVERSION
static void sgd_stream(int64_t count, float rate, float momentum, float decay, bool nesterov, const float *restrict gradient,
                       float *restrict moment, float *restrict weights) {
    for (int64_t i = 0; i < count; i++) {
        float g = gradient[i] + decay * weights[i];
        float m = momentum * moment[i] + g;
        moment[i] = m;
        weights[i] -= rate * (nesterov ? g + momentum * m : m);
    }
}

void fnas_sgd_step(const fnas_sgd *sgd, int64_t count, const float *gradient, float *moment, float *weights) {
    sgd_stream(count, (float)sgd->rate, (float)sgd->momentum, (float)sgd->weight_decay, sgd->nesterov, gradient, moment, weights);
}

/* What one Adam step is the same for all parameters. */
typedef struct adam_numbers {
    float beta1, beta2, new1, new2, coupled, keep, step_size, root_correction, epsilon;
} adam_numbers;

FNAS_MULTIVERSION
static void adam_stream(adam_numbers n, int64_t count, const float *restrict gradient, float *restrict moment1, float *restrict moment2,
                        float *restrict weights) {
    for (int64_t i = 0; i < count; i++) {
        float g = gradient[i] + n.coupled * weights[i];
        float m1 = n.beta1 * moment1[i] + n.new1 * g, m2 = n.beta2 * moment2[i] + n.new2 * g * g;
        moment1[i] = m1;
        moment2[i] = m2;
        weights[i] = n.keep * weights[i] - n.step_size * m1 / (sqrtf(m2) * n.root_correction + n.epsilon);
    }
}

void fnas_adam_step(const fnas_adam *adam, int64_t step, int64_t count, const float *gradient, float *moment1, float *moment2,
                    float *weights) {
    adam_numbers numbers = {.beta1 = (float)adam->beta1,
                            .beta2 = (float)adam->beta2,
                            .new1 = (float)(1.0 - adam->beta1),
                            .new2 = (float)(1.0 - adam->beta2),
                            .coupled = adam->decoupled ? 0.0f : (float)adam->weight_decay,
                            .keep = adam->decoupled ? (float)(1.0 - adam->rate * adam->weight_decay) : 1.0f,
                            .step_size = (float)(adam->rate / (1.0 - pow(adam->beta1, (double)step))),
                            .root_correction = (float)(1.0 / sqrt(1.0 - pow(adam->beta2, (double)step))),
                            .epsilon = (float)adam->epsilon};
    adam_stream(numbers, count, gradient, moment1, moment2, weights);
}

double fnas_cosine(double from, double to, int64_t step, int64_t total) {
    if (total <= 0 || step >= total) return to;
    if (step <= 0) return from;
    return to + 0.5 * (from - to) * (1.0 + cos(3.14159265358979323846 * (double)step / (double)total));
}

/* Eight sums side by side, so that the fixed order still fills a vector register. */
FNAS_MULTIVERSION
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
