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

/* What meets at a node: the live features of the edges into it, convolutions and others (skip, pooling) apart. */
typedef struct fnas_nb201_meeting {
    int count, edge[FNAS_NB201_NODES - 1];
    double convolution[FNAS_NB201_NODES - 1], other[FNAS_NB201_NODES - 1];
} fnas_nb201_meeting;

static bool fnas_nb201_is_convolution(int k) {
    return k + 1 == FNAS_NB201_CONV1 || k + 1 == FNAS_NB201_CONV3;
}

static fnas_nb201_meeting fnas_nb201_meet(const double *live, int node) {
    fnas_nb201_meeting meeting = {0};
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        if (fnas_nb201_target[e] != node) continue;
        for (int k = 0; k < FNAS_NB201_COSTLY_OPS; k++)
            *(fnas_nb201_is_convolution(k) ? &meeting.convolution[meeting.count] : &meeting.other[meeting.count]) +=
                live[e * FNAS_NB201_COSTLY_OPS + k];
        meeting.edge[meeting.count++] = e;
    }
    return meeting;
}

/* Probabilities, were the edges independent, that no convolution, nothing else, and nothing at all arrives, by edges other than `without`
 * (-1: by all). */
static void fnas_nb201_absence(const fnas_nb201_meeting *meeting, int without, double *convolution, double *other, double *any) {
    *convolution = *other = *any = 1.0;
    for (int i = 0; i < meeting->count; i++) {
        if (i == without) continue;
        *convolution *= 1.0 - meeting->convolution[i];
        *other *= 1.0 - meeting->other[i];
        *any *= 1.0 - meeting->convolution[i] - meeting->other[i];
    }
}

static void fnas_nb201_sums_forward(const double *live, double *sums) {
    for (int node = FNAS_NB201_FIRST_SUM; node < FNAS_NB201_NODES; node++, sums += 2) {
        fnas_nb201_meeting meeting = fnas_nb201_meet(live, node);
        double convolution, other, any;
        fnas_nb201_absence(&meeting, -1, &convolution, &other, &any);
        sums[0] = any - 1.0;
        for (int i = 0; i < meeting.count; i++) sums[0] += meeting.convolution[i] + meeting.other[i];
        sums[1] = 1.0 - convolution - other + any;
    }
}

/* Adds to diff_live. */
static void fnas_nb201_sums_backward(const double *live, const double *diff_sums, double *diff_live) {
    for (int node = FNAS_NB201_FIRST_SUM; node < FNAS_NB201_NODES; node++, diff_sums += 2) {
        fnas_nb201_meeting meeting = fnas_nb201_meet(live, node);
        for (int i = 0; i < meeting.count; i++) {
            double convolution, other, any;
            fnas_nb201_absence(&meeting, i, &convolution, &other, &any);
            for (int k = 0; k < FNAS_NB201_COSTLY_OPS; k++)
                diff_live[meeting.edge[i] * FNAS_NB201_COSTLY_OPS + k] +=
                    diff_sums[0] * (1.0 - any) + diff_sums[1] * ((fnas_nb201_is_convolution(k) ? convolution : other) - any);
        }
    }
}

int64_t fnas_nb201_cost_feature_count(const fnas_space *space) {
    (void)space;
    return FNAS_NB201_REACHING_AT + FNAS_NB201_LIVE_FEATURES;
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
            features[FNAS_NB201_REACHING_AT + e * FNAS_NB201_COSTLY_OPS + k - 1] =
                onehot[e * FNAS_NB201_OPS + k] * live.reaching[fnas_nb201_target[e]];
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
