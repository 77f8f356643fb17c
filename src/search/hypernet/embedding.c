#include "search/hypernet/embedding.h"

#include <math.h>

#define TABLE_WIDTH 2.0 /* scores are divided by sqrt(10): at unit spread all devices would mix nearly the same tables */
#define UNIFORM_DEVIATION 0.28867513459481287 /* standard deviation of a uniform number in [0, 1] */
#define DEVIATIONS_MAX 3.0                    /* a device far from the fleet is held at its edge */
#define SPREAD_FLOOR 0.02                     /* below it, differences between devices are measurement noise */

void fnas_embedding_scale_fit(fnas_hypernet_kind kind, int64_t count, const double *embeddings, fnas_embedding_scale *scale) {
    /* The table's attention takes inner products with N(0, 1) keys: centred entries. The continuous network takes entries
     * that lie in [0, 1] as raw ones do. */
    bool table = kind == FNAS_HYPERNET_TABLE;
    *scale = (fnas_embedding_scale){.is_known = true, .centre = table ? 0 : 0.5, .width = table ? TABLE_WIDTH : UNIFORM_DEVIATION};
    for (int64_t i = 0; i < FNAS_EMBEDDING; i++) {
        double sum = 0, squares = 0;
        for (int64_t t = 0; t < count; t++) sum += embeddings[t * FNAS_EMBEDDING + i];
        for (int64_t t = 0; t < count; t++) squares += pow(embeddings[t * FNAS_EMBEDDING + i] - sum / (double)count, 2);
        scale->mean[i] = sum / (double)count;
        scale->spread[i] = sqrt(squares / (double)count) + SPREAD_FLOOR;
    }
}

void fnas_embedding_condition(const fnas_embedding_scale *scale, const double *raw, double *conditioned) {
    for (int64_t i = 0; i < FNAS_EMBEDDING; i++) {
        if (!scale->is_known) {
            conditioned[i] = raw[i];
            continue;
        }
        double deviation = (raw[i] - scale->mean[i]) / scale->spread[i];
        conditioned[i] = scale->centre + scale->width * fmax(-DEVIATIONS_MAX, fmin(DEVIATIONS_MAX, deviation));
    }
}
