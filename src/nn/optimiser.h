/* Optimisers over flat arrays, schedules, clipping. Deterministic; every loop streams. */
#ifndef FNAS_NN_OPTIMISER_H
#define FNAS_NN_OPTIMISER_H

#include <stdint.h>

/* SGD with momentum as PyTorch defines it: g += decay * w; m = momentum * m + g; w -= rate * (nesterov ? g + momentum * m : m). */
typedef struct fnas_sgd {
    double rate, momentum, weight_decay;
    int nesterov;
} fnas_sgd;
void fnas_sgd_step(const fnas_sgd *sgd, int64_t count, const float *gradient, float *moment, float *weights);

/* Adam (Kingma and Ba 2015; decay added to the gradient) and AdamW (Loshchilov and Hutter 2019; decoupled decay: w -= rate * decay * w).
 * step counts from 1. */
typedef struct fnas_adam {
    double rate, beta1, beta2, epsilon, weight_decay;
    int decoupled;
} fnas_adam;
void fnas_adam_step(const fnas_adam *adam, int64_t step, int64_t count, const float *gradient, float *moment1, float *moment2,
                    float *weights);

/* Half a cosine (Loshchilov and Hutter 2017): `from` at step 0, `to` at step total. */
double fnas_cosine(double from, double to, int64_t step, int64_t total);

/* Scales the gradient so that its global L2 norm is at most `limit`; returns the norm before. The sum runs in a fixed order in double
 * precision. */
double fnas_clip_global_norm(int64_t count, double limit, float *gradient);

#endif
