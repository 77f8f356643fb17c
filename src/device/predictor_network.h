/* The trunk of the predictor: a small network from cost features to shared non-linear terms, which every device weighs in its own way. */
#ifndef FNAS_DEVICE_PREDICTOR_NETWORK_H
#define FNAS_DEVICE_PREDICTOR_NETWORK_H

#include <stdint.h>

#define FNAS_TRUNK_HIDDEN 32
#define FNAS_TRUNK_TERMS 8

/* features [F] -> s(W1 f + b1) -> s(W2 . + b2) -> W3 . = terms [FNAS_TRUNK_TERMS], with s(x) = x / sqrt(1 + x^2) (Carlile et al. 2017):
 * smooth, and no exponential. Layouts: w1 [F][HIDDEN] and w2 [HIDDEN in][HIDDEN out] (a zero input skips a row), w3 [TERMS][HIDDEN]. All
 * pointers borrow one flat array `values`. */
typedef struct fnas_trunk {
    int64_t feature_count, value_count;
    double *values;
    double *w1, *b1, *w2, *b2, *w3;
} fnas_trunk;

int64_t fnas_trunk_value_count(int64_t feature_count);
/* Lays a trunk (or its gradient) over values [fnas_trunk_value_count]. */
fnas_trunk fnas_trunk_over(int64_t feature_count, double *values);

/* What forward leaves for backward. */
typedef struct fnas_trunk_state {
    double hidden1[FNAS_TRUNK_HIDDEN], slope1[FNAS_TRUNK_HIDDEN];
    double hidden2[FNAS_TRUNK_HIDDEN], slope2[FNAS_TRUNK_HIDDEN];
} fnas_trunk_state;

void fnas_trunk_forward(const fnas_trunk *trunk, const double *features, fnas_trunk_state *state);
/* terms [FNAS_TRUNK_TERMS] = w3 hidden2. */
void fnas_trunk_terms(const fnas_trunk *trunk, const fnas_trunk_state *state, double *terms);

/* From diff_hidden2 [HIDDEN] to diff_features [F], written. */
void fnas_trunk_backward_features(const fnas_trunk *trunk, const fnas_trunk_state *state, const double *diff_hidden2,
                                  double *diff_features);
/* From diff_terms to the gradient of all parameters, added. */
void fnas_trunk_backward_values(const fnas_trunk *trunk, const double *features, const fnas_trunk_state *state, const double *diff_terms,
                                fnas_trunk *gradient);

#endif
