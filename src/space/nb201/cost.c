/* Cost features of a cell. An operation costs time only where data reach it from the cell's input and its result reaches the cell's output,
 * so its one-hot entry is multiplied by both, as soft ORs over the cell's graph: reached(0) = 1,  reached(i)  = 1 - prod over edges j -> i
 * of (1 - alive(e) * reached(j)), reaching(3) = 1, reaching(j) = 1 - prod over edges j -> i of (1 - alive(e) * reaching(i)),    alive(e) =
 * sum of D_ek over k other than none. These are polynomials in D, and exact where D is one-hot. Order: D_ek * reached(source) *
 * reaching(target) by edge, then by operation without none; reaching(0), which says whether the cell is connected; then D itself, for
 * runtimes that do not drop dead operations. */
#include <string.h>

#include "space/nb201/nb201.h"

#define FNAS_NB201_COSTLY_OPS (FNAS_NB201_OPS - 1) /* none is the first and costs nothing */
#define FNAS_NB201_LIVE_FEATURES (FNAS_NB201_EDGES * FNAS_NB201_COSTLY_OPS)
#define FNAS_NB201_ONEHOT (FNAS_NB201_EDGES * FNAS_NB201_OPS)

typedef struct fnas_nb201_liveness {
    double alive[FNAS_NB201_EDGES], reached[FNAS_NB201_NODES], reaching[FNAS_NB201_NODES];
} fnas_nb201_liveness;

/* Product over the edges into (or out of) a node of 1 - alive * value at the other end, leaving one edge out (-1: none left out). */
static double fnas_nb201_blocked_in(const fnas_nb201_liveness *live, int node, int without) {
    double product = 1.0;
    for (int e = 0; e < FNAS_NB201_EDGES; e++)
        if (fnas_nb201_target[e] == node && e != without) product *= 1.0 - live->alive[e] * live->reached[fnas_nb201_source[e]];
    return product;
}

static double fnas_nb201_blocked_out(const fnas_nb201_liveness *live, int node, int without) {
    double product = 1.0;
    for (int e = 0; e < FNAS_NB201_EDGES; e++)
        if (fnas_nb201_source[e] == node && e != without) product *= 1.0 - live->alive[e] * live->reaching[fnas_nb201_target[e]];
    return product;
}

static void fnas_nb201_liveness_forward(const double *onehot, fnas_nb201_liveness *live) {
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        live->alive[e] = 0.0;
        for (int k = 1; k < FNAS_NB201_OPS; k++) live->alive[e] += onehot[e * FNAS_NB201_OPS + k];
    }
    live->reached[0] = 1.0;
    for (int node = 1; node < FNAS_NB201_NODES; node++) live->reached[node] = 1.0 - fnas_nb201_blocked_in(live, node, -1);
    live->reaching[FNAS_NB201_NODES - 1] = 1.0;
    for (int node = FNAS_NB201_NODES - 2; node >= 0; node--) live->reaching[node] = 1.0 - fnas_nb201_blocked_out(live, node, -1);
}

/* Adds the gradients of alive that come through reached and reaching; diff holds those of the latter on entry. */
static void fnas_nb201_liveness_backward(const fnas_nb201_liveness *live, fnas_nb201_liveness *diff) {
    for (int node = FNAS_NB201_NODES - 1; node >= 1; node--)
        for (int e = 0; e < FNAS_NB201_EDGES; e++) {
            if (fnas_nb201_target[e] != node) continue;
            double upstream = diff->reached[node] * fnas_nb201_blocked_in(live, node, e);
            diff->alive[e] += upstream * live->reached[fnas_nb201_source[e]];
            diff->reached[fnas_nb201_source[e]] += upstream * live->alive[e];
        }
    for (int node = 0; node < FNAS_NB201_NODES - 1; node++)
        for (int e = 0; e < FNAS_NB201_EDGES; e++) {
            if (fnas_nb201_source[e] != node) continue;
            double upstream = diff->reaching[node] * fnas_nb201_blocked_out(live, node, e);
            diff->alive[e] += upstream * live->reaching[fnas_nb201_target[e]];
            diff->reaching[fnas_nb201_target[e]] += upstream * live->alive[e];
        }
}

int64_t fnas_nb201_cost_feature_count(const fnas_space *space) {
    (void)space;
    return FNAS_NB201_LIVE_FEATURES + 1 + FNAS_NB201_ONEHOT;
}

void fnas_nb201_cost_features(const fnas_space *space, const double *onehot, double *features) {
    (void)space;
    fnas_nb201_liveness live;
    fnas_nb201_liveness_forward(onehot, &live);
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        double through = live.reached[fnas_nb201_source[e]] * live.reaching[fnas_nb201_target[e]];
        for (int k = 1; k < FNAS_NB201_OPS; k++) features[e * FNAS_NB201_COSTLY_OPS + k - 1] = onehot[e * FNAS_NB201_OPS + k] * through;
    }
    features[FNAS_NB201_LIVE_FEATURES] = live.reaching[0];
    memcpy(features + FNAS_NB201_LIVE_FEATURES + 1, onehot, FNAS_NB201_ONEHOT * sizeof *onehot);
}

void fnas_nb201_cost_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    (void)space;
    fnas_nb201_liveness live, diff = {{0}, {0}, {0}};
    fnas_nb201_liveness_forward(onehot, &live);
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        double reached = live.reached[fnas_nb201_source[e]], reaching = live.reaching[fnas_nb201_target[e]];
        for (int k = 1; k < FNAS_NB201_OPS; k++) {
            double upstream = diff_features[e * FNAS_NB201_COSTLY_OPS + k - 1], entry = onehot[e * FNAS_NB201_OPS + k];
            diff_onehot[e * FNAS_NB201_OPS + k] += upstream * reached * reaching;
            diff.reached[fnas_nb201_source[e]] += upstream * entry * reaching;
            diff.reaching[fnas_nb201_target[e]] += upstream * entry * reached;
        }
    }
    diff.reaching[0] += diff_features[FNAS_NB201_LIVE_FEATURES];
    fnas_nb201_liveness_backward(&live, &diff);
    for (int e = 0; e < FNAS_NB201_EDGES; e++)
        for (int k = 1; k < FNAS_NB201_OPS; k++) diff_onehot[e * FNAS_NB201_OPS + k] += diff.alive[e];
    for (int i = 0; i < FNAS_NB201_ONEHOT; i++) diff_onehot[i] += diff_features[FNAS_NB201_LIVE_FEATURES + 1 + i];
}
