#include "search/scalarise.h"

/* Weight of the linear term beside the maximum: without it, points that are only weakly Pareto optimal cost nothing, and only one objective
 * has a gradient. */
static const double augmentation = 0.05;

static double linear(int64_t count, const double *preference, const double *values, double *weights) {
    double loss = 0;
    for (int64_t m = 0; m < count; m++) {
        weights[m] = preference[m];
        loss += preference[m] * values[m];
    }
    return loss;
}

static double chebyshev(int64_t count, const double *preference, const double *values, double *weights) {
    int64_t worst = 0;
    for (int64_t m = 1; m < count; m++)
        if (preference[m] * values[m] > preference[worst] * values[worst]) worst = m;
    double loss = linear(count, preference, values, weights) * augmentation;
    for (int64_t m = 0; m < count; m++) weights[m] *= augmentation;
    weights[worst] += preference[worst];
    return loss + preference[worst] * values[worst];
}

double fnas_scalarise(fnas_scalarise_kind kind, int64_t count, const double *preference, const double *values, double *weights) {
    return kind == FNAS_SCALARISE_LINEAR ? linear(count, preference, values, weights) : chebyshev(count, preference, values, weights);
}
