#include "device/predictor_network.h"

#include <math.h>
#include <string.h>

#include "compute/vector.h"

enum { H = FNAS_TRUNK_HIDDEN };

int64_t fnas_trunk_value_count(int64_t feature_count) {
    return feature_count * H + H + H * H + H + FNAS_TRUNK_TERMS * H;
}

fnas_trunk fnas_trunk_over(int64_t feature_count, double *values) {
    fnas_trunk trunk = {.feature_count = feature_count, .value_count = fnas_trunk_value_count(feature_count), .values = values};
    trunk.w1 = values;
    trunk.b1 = trunk.w1 + feature_count * H;
    trunk.w2 = trunk.b1 + H;
    trunk.b2 = trunk.w2 + H * H;
    trunk.w3 = trunk.b2 + H;
    return trunk;
}

static inline void fnas_trunk_squash(const double *sum, double *value, double *slope) {
    for (int h = 0; h < H; h++) {
        double r = 1.0 / sqrt(1.0 + sum[h] * sum[h]);
        value[h] = sum[h] * r;
        slope[h] = r * r * r;
    }
}

FNAS_MULTIVERSION
void fnas_trunk_forward(const fnas_trunk *trunk, const double *features, fnas_trunk_state *state) {
    double sum[H];
    memcpy(sum, trunk->b1, sizeof sum);
    for (int64_t j = 0; j < trunk->feature_count; j++) {
        if (features[j] == 0.0) continue; /* most of a one-hot */
        const double *row = trunk->w1 + j * H;
        for (int h = 0; h < H; h++) sum[h] += features[j] * row[h];
    }
    fnas_trunk_squash(sum, state->hidden1, state->slope1);
    memcpy(sum, trunk->b2, sizeof sum);
    for (int i = 0; i < H; i++)
        for (int h = 0; h < H; h++) sum[h] += state->hidden1[i] * trunk->w2[i * H + h];
    fnas_trunk_squash(sum, state->hidden2, state->slope2);
}

void fnas_trunk_terms(const fnas_trunk *trunk, const fnas_trunk_state *state, double *terms) {
    for (int t = 0; t < FNAS_TRUNK_TERMS; t++) {
        terms[t] = 0.0;
        for (int h = 0; h < H; h++) terms[t] += trunk->w3[t * H + h] * state->hidden2[h];
    }
}

static inline double fnas_trunk_dot(const double *a, const double *b) {
    double part[4] = {0}; /* fixed partial sums: the compiler may not reorder a single one */
    for (int h = 0; h < H; h += 4)
        for (int i = 0; i < 4; i++) part[i] += a[h + i] * b[h + i];
    return (part[0] + part[1]) + (part[2] + part[3]);
}

static inline void fnas_trunk_backward_hidden(const fnas_trunk *trunk, const fnas_trunk_state *state, const double *diff_sum2,
                                              double *diff_sum1) {
    for (int i = 0; i < H; i++) diff_sum1[i] = state->slope1[i] * fnas_trunk_dot(diff_sum2, trunk->w2 + i * H);
}

FNAS_MULTIVERSION
void fnas_trunk_backward_features(const fnas_trunk *trunk, const fnas_trunk_state *state, const double *diff_hidden2,
                                  double *diff_features) {
    double diff_sum2[H], diff_sum1[H];
    for (int h = 0; h < H; h++) diff_sum2[h] = state->slope2[h] * diff_hidden2[h];
    fnas_trunk_backward_hidden(trunk, state, diff_sum2, diff_sum1);
    for (int64_t j = 0; j < trunk->feature_count; j++) diff_features[j] = fnas_trunk_dot(diff_sum1, trunk->w1 + j * H);
}

FNAS_MULTIVERSION
void fnas_trunk_backward_values(const fnas_trunk *trunk, const double *features, const fnas_trunk_state *state, const double *diff_terms,
                                fnas_trunk *gradient) {
    double diff_sum2[H] = {0}, diff_sum1[H];
    for (int t = 0; t < FNAS_TRUNK_TERMS; t++)
        for (int h = 0; h < H; h++) {
            gradient->w3[t * H + h] += diff_terms[t] * state->hidden2[h];
            diff_sum2[h] += diff_terms[t] * trunk->w3[t * H + h];
        }
    for (int h = 0; h < H; h++) {
        diff_sum2[h] *= state->slope2[h];
        gradient->b2[h] += diff_sum2[h];
    }
    for (int i = 0; i < H; i++)
        for (int h = 0; h < H; h++) gradient->w2[i * H + h] += state->hidden1[i] * diff_sum2[h];
    fnas_trunk_backward_hidden(trunk, state, diff_sum2, diff_sum1);
    for (int h = 0; h < H; h++) gradient->b1[h] += diff_sum1[h];
    for (int64_t j = 0; j < trunk->feature_count; j++) {
        if (features[j] == 0.0) continue;
        for (int h = 0; h < H; h++) gradient->w1[j * H + h] += features[j] * diff_sum1[h];
    }
}
