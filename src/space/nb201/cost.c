/* Cost features of a cell. An operation costs time only where data reach it from the cell's input and its result reaches the cell's output,
 * so its one-hot entry is multiplied by both, as soft ORs over the cell's graph: reached(0) = 1,  reached(i)  = 1 - prod over edges j -> i
 * of (1 - alive(e) * reached(j)), reaching(3) = 1, reaching(j) = 1 - prod over edges j -> i of (1 - alive(e) * reaching(i)),    alive(e) =
 * sum of D_ek over k other than none. These are polynomials in D, and exact where D is one-hot. Order: D_ek * reached(source) *
 * reaching(target) by edge, then by operation without none; reaching(0), which says whether the cell is connected; then D itself, for
 * runtimes that do not drop dead operations; then, for the nodes where several edges meet, how many additions
 * their live results take, and whether both a convolution's and another's are among them: runtimes let a convolution add its result to what
 * is there, and how well that goes depends on who put it there. These are expectations, were the edges drawn
 * independently. At last D_ek * reaching(target): most runtimes drop what nobody reads, but compute on zeros as on anything else. */
#include <stdbool.h>
#include <string.h>

#include "space/nb201/nb201.h"

#define FNAS_NB201_COSTLY_OPS (FNAS_NB201_OPS - 1) /* none is the first and costs nothing */
#define FNAS_NB201_LIVE_FEATURES (FNAS_NB201_EDGES * FNAS_NB201_COSTLY_OPS)
#define FNAS_NB201_ONEHOT (FNAS_NB201_EDGES * FNAS_NB201_OPS)
#define FNAS_NB201_FIRST_SUM 2 /* node 1 has one edge */
#define FNAS_NB201_SUM_FEATURES (2 * (FNAS_NB201_NODES - FNAS_NB201_FIRST_SUM))
#define FNAS_NB201_SUMS_AT (FNAS_NB201_LIVE_FEATURES + 1 + FNAS_NB201_ONEHOT)
#define FNAS_NB201_REACHING_AT (FNAS_NB201_SUMS_AT + FNAS_NB201_SUM_FEATURES)

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

/* The live features of the edges, as a node sees them that adds up what arrives. A runtime that fuses additions into convolutions looks
 * through skips: one that alone reads a node with a single input, a convolution, delivers that convolution. */
typedef struct fnas_nb201_arrivals {
    double any[FNAS_NB201_EDGES], skip[FNAS_NB201_EDGES], own[FNAS_NB201_EDGES]; /* own: the edge's own convolutions */
    double convolution[FNAS_NB201_EDGES];                                        /* those, and what skips deliver */
    double carried;                                                              /* to the last edge by node 2 */
} fnas_nb201_arrivals;

enum { FNAS_NB201_EDGE01, FNAS_NB201_EDGE02, FNAS_NB201_EDGE12, FNAS_NB201_EDGE03, FNAS_NB201_EDGE13, FNAS_NB201_EDGE23 };

static bool fnas_nb201_is_convolution(int k) {
    return k + 1 == FNAS_NB201_CONV1 || k + 1 == FNAS_NB201_CONV3;
}

static fnas_nb201_arrivals fnas_nb201_arrive(const double *live) {
    fnas_nb201_arrivals at = {0};
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        for (int k = 0; k < FNAS_NB201_COSTLY_OPS; k++) {
            at.any[e] += live[e * FNAS_NB201_COSTLY_OPS + k];
            if (fnas_nb201_is_convolution(k)) at.own[e] += live[e * FNAS_NB201_COSTLY_OPS + k];
        }
        at.skip[e] = live[e * FNAS_NB201_COSTLY_OPS + FNAS_NB201_SKIP - 1];
    }
    memcpy(at.convolution, at.own, sizeof at.own);
    at.convolution[FNAS_NB201_EDGE12] += at.skip[FNAS_NB201_EDGE12] * at.own[FNAS_NB201_EDGE01] * (1.0 - at.any[FNAS_NB201_EDGE13]);
    at.convolution[FNAS_NB201_EDGE13] += at.skip[FNAS_NB201_EDGE13] * at.own[FNAS_NB201_EDGE01] * (1.0 - at.any[FNAS_NB201_EDGE12]);
    at.carried = at.convolution[FNAS_NB201_EDGE02] * (1.0 - at.any[FNAS_NB201_EDGE12]) +
                 at.convolution[FNAS_NB201_EDGE12] * (1.0 - at.any[FNAS_NB201_EDGE02]);
    at.convolution[FNAS_NB201_EDGE23] += at.skip[FNAS_NB201_EDGE23] * at.carried;
    return at;
}

/* From the gradients of any and convolution, which are used up, to that of the live features, added. */
static void fnas_nb201_arrive_backward(const fnas_nb201_arrivals *at, fnas_nb201_arrivals *diff, double *diff_live) {
    enum { E01 = FNAS_NB201_EDGE01, E02 = FNAS_NB201_EDGE02, E12 = FNAS_NB201_EDGE12, E13 = FNAS_NB201_EDGE13, E23 = FNAS_NB201_EDGE23 };
    diff->skip[E23] += diff->convolution[E23] * at->carried;
    double carried = diff->convolution[E23] * at->skip[E23];
    diff->convolution[E02] += carried * (1.0 - at->any[E12]);
    diff->convolution[E12] += carried * (1.0 - at->any[E02]);
    diff->any[E12] -= carried * at->convolution[E02];
    diff->any[E02] -= carried * at->convolution[E12];
    double through12 = diff->convolution[E12], through13 = diff->convolution[E13];
    diff->skip[E12] += through12 * at->own[E01] * (1.0 - at->any[E13]);
    diff->skip[E13] += through13 * at->own[E01] * (1.0 - at->any[E12]);
    diff->convolution[E01] += through12 * at->skip[E12] * (1.0 - at->any[E13]) + through13 * at->skip[E13] * (1.0 - at->any[E12]);
    diff->any[E13] -= through12 * at->skip[E12] * at->own[E01];
    diff->any[E12] -= through13 * at->skip[E13] * at->own[E01];
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        for (int k = 0; k < FNAS_NB201_COSTLY_OPS; k++)
            diff_live[e * FNAS_NB201_COSTLY_OPS + k] += diff->any[e] + (fnas_nb201_is_convolution(k) ? diff->convolution[e] : 0.0);
        diff_live[e * FNAS_NB201_COSTLY_OPS + FNAS_NB201_SKIP - 1] += diff->skip[e];
    }
}

/* Probabilities, were the edges independent, that no convolution, nothing else, and nothing at all arrives at a node by edges other than
 * `without` (-1: by all). */
static void fnas_nb201_absence(const fnas_nb201_arrivals *at, int node, int without, double *convolution, double *other, double *any) {
    *convolution = *other = *any = 1.0;
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        if (fnas_nb201_target[e] != node || e == without) continue;
        *convolution *= 1.0 - at->convolution[e];
        *other *= 1.0 - at->any[e] + at->convolution[e];
        *any *= 1.0 - at->any[e];
    }
}

static void fnas_nb201_sums_forward(const double *live, double *sums) {
    fnas_nb201_arrivals at = fnas_nb201_arrive(live);
    for (int node = FNAS_NB201_FIRST_SUM; node < FNAS_NB201_NODES; node++, sums += 2) {
        double convolution, other, any;
        fnas_nb201_absence(&at, node, -1, &convolution, &other, &any);
        sums[0] = any - 1.0;
        for (int e = 0; e < FNAS_NB201_EDGES; e++) sums[0] += fnas_nb201_target[e] == node ? at.any[e] : 0.0;
        sums[1] = 1.0 - convolution - other + any;
    }
}

/* Adds to diff_live. */
static void fnas_nb201_sums_backward(const double *live, const double *diff_sums, double *diff_live) {
    fnas_nb201_arrivals at = fnas_nb201_arrive(live), diff = {0};
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        int node = fnas_nb201_target[e];
        if (node < FNAS_NB201_FIRST_SUM) continue;
        const double *diff_sum = diff_sums + 2 * (node - FNAS_NB201_FIRST_SUM);
        double convolution, other, any;
        fnas_nb201_absence(&at, node, e, &convolution, &other, &any);
        diff.any[e] = diff_sum[0] * (1.0 - any) + diff_sum[1] * (other - any);
        diff.convolution[e] = diff_sum[1] * (convolution - other);
    }
    fnas_nb201_arrive_backward(&at, &diff, diff_live);
}

#define COST_FEATURES (FNAS_NB201_REACHING_AT + FNAS_NB201_LIVE_FEATURES)

int64_t fnas_nb201_cost_feature_count(const fnas_space *space) {
    (void)space;
    return COST_FEATURES;
}

static void fnas_nb201_live_features(const double *onehot, const fnas_nb201_liveness *live, double *features) {
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        double through = live->reached[fnas_nb201_source[e]] * live->reaching[fnas_nb201_target[e]];
        for (int k = 1; k < FNAS_NB201_OPS; k++) features[e * FNAS_NB201_COSTLY_OPS + k - 1] = onehot[e * FNAS_NB201_OPS + k] * through;
    }
}

void fnas_nb201_cost_features(const fnas_space *space, const double *onehot, double *features) {
    (void)space;
    fnas_nb201_liveness live;
    fnas_nb201_liveness_forward(onehot, &live);
    fnas_nb201_live_features(onehot, &live, features);
    features[FNAS_NB201_LIVE_FEATURES] = live.reaching[0];
    memcpy(features + FNAS_NB201_LIVE_FEATURES + 1, onehot, FNAS_NB201_ONEHOT * sizeof *onehot);
    fnas_nb201_sums_forward(features, features + FNAS_NB201_SUMS_AT);
    for (int e = 0; e < FNAS_NB201_EDGES; e++)
        for (int k = 1; k < FNAS_NB201_OPS; k++)
            features[FNAS_NB201_REACHING_AT + e * FNAS_NB201_COSTLY_OPS + k - 1] = onehot[e * FNAS_NB201_OPS + k] *
                                                                                   live.reaching[fnas_nb201_target[e]];
}

void fnas_nb201_cost_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    (void)space;
    fnas_nb201_liveness live, diff = {{0}, {0}, {0}};
    fnas_nb201_liveness_forward(onehot, &live);
    double features[FNAS_NB201_LIVE_FEATURES], diff_live[FNAS_NB201_LIVE_FEATURES];
    fnas_nb201_live_features(onehot, &live, features);
    memcpy(diff_live, diff_features, sizeof diff_live);
    fnas_nb201_sums_backward(features, diff_features + FNAS_NB201_LIVE_FEATURES + 1 + FNAS_NB201_ONEHOT, diff_live);
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        double reached = live.reached[fnas_nb201_source[e]], reaching = live.reaching[fnas_nb201_target[e]];
        for (int k = 1; k < FNAS_NB201_OPS; k++) {
            double upstream = diff_live[e * FNAS_NB201_COSTLY_OPS + k - 1], entry = onehot[e * FNAS_NB201_OPS + k];
            double back = diff_features[FNAS_NB201_REACHING_AT + e * FNAS_NB201_COSTLY_OPS + k - 1];
            diff_onehot[e * FNAS_NB201_OPS + k] += (upstream * reached + back) * reaching;
            diff.reached[fnas_nb201_source[e]] += upstream * entry * reaching;
            diff.reaching[fnas_nb201_target[e]] += (upstream * reached + back) * entry;
        }
    }
    diff.reaching[0] += diff_features[FNAS_NB201_LIVE_FEATURES];
    fnas_nb201_liveness_backward(&live, &diff);
    for (int e = 0; e < FNAS_NB201_EDGES; e++)
        for (int k = 1; k < FNAS_NB201_OPS; k++) diff_onehot[e * FNAS_NB201_OPS + k] += diff.alive[e];
    for (int i = 0; i < FNAS_NB201_ONEHOT; i++) diff_onehot[i] += diff_features[FNAS_NB201_LIVE_FEATURES + 1 + i];
}

/* ---- structure: the first of them ---- */

int64_t fnas_nb201_structure_feature_count(const fnas_space *space) {
    (void)space;
    return FNAS_NB201_SUMS_AT;
}

void fnas_nb201_structure_features(const fnas_space *space, const double *onehot, double *features) {
    double all[COST_FEATURES];
    fnas_nb201_cost_features(space, onehot, all);
    memcpy(features, all, FNAS_NB201_SUMS_AT * sizeof *features);
}

void fnas_nb201_structure_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    double all[COST_FEATURES] = {0};
    memcpy(all, diff_features, FNAS_NB201_SUMS_AT * sizeof *all);
    fnas_nb201_cost_features_vjp(space, onehot, all, diff_onehot);
}
